"""High-power appliances (大功率电器): kettles, heaters and hair dryers where they are not allowed.

Strategy. What a heater does to a circuit is a *step* (`rules.steps`): at once, by hundreds of watts, without reactive
power. A step that is neither on the room's whitelist nor seen right after the power came back becomes a *load*, raised
when it has held for a while and cleared when it has been gone for a while, so that a thermostat is one alert. Where
only power is known, a size that keeps coming back is taken for a compressor. A first short run is a record; a person
is called (*page*) for a second one within a week, for a large one, for one that goes on unattended, and in the night,
when it is a fire hazard. What looks like half a wave or like induction is a record to review. Where only power is
known and something cycles, a page is but a line in the day's summary. Severity only rises: info while it is a record,
then by size, and critical in the night.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from rules.calendar import Span
from rules.fact import PERMIT, fact_point
from rules.high_power_load import BAND_SHARE, Load
from rules.high_power_words import WORDS
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.rule import ParameterError, Words, parameter, text
from rules.steps import (
    CYCLE_SHARE,
    CYCLES,
    GLIDE,
    HALF,
    HEATER,
    MOTOR,
    NOTHING,
    OTHER,
    SOCKETS,
    Level,
    Seen,
    Step,
    Steps,
    counted,
    cycles,
    load_of,
    plugged,
)  # fmt: skip

NIGHT = Span(23 * 60, 6 * 60)
WEEK_S = 7 * 86_400.0
EDGE_SHARE = 1 / 3       # of the step to flag: what differs that much from the base opens an edge
MOST_RUNS = 20           # that are counted in a week
SLACK_SHARE = 0.5        # of the step to flag: what lamps and computers add in one slow reading
SURE_SHARE, GLIDES_S = 2.0, 48 * 3600.0  # of it: a small step where an inverter ran lately is not sure, if slow
OTHER_S = 30.0           # a magnetron or an induction plate must last so long

WATCHED = frozenset({"dorm_room", "classroom", "office"})


class _State(NamedTuple):
    """`runs` are the times of the week's runs, `last` the last step: when, watts, what was thought of it;
    `glided_at` is when a motor or an inverter was last heard, `is_signed` whether reactive power was ever negative."""

    level: Level = NOTHING
    load: tuple[Any, ...] | None = None  # a Load, which JSON brings back as a plain tuple
    runs: tuple[float, ...] = ()
    permit: tuple[float, float, float] = (0.0, 0.0, 0.0)  # watts, from, until
    seen: Seen = ()
    last: tuple[float, float, str] | None = None
    glided_at: float | None = None
    is_signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HighPowerWatch:
    """One circuit, by its power and, where known, its reactive power; and what is permitted there."""

    rule: ClassVar[str] = "high_power"
    version: ClassVar[int] = 6
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    steps: Steps
    unsigned_w: float  # the least step as long as reactive power may have no sign
    whitelist: tuple[float, ...]
    alarm_w: float
    high_w: float
    hold_s: float
    clear_s: float
    strikes: int
    unattended_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        level, load, runs, permit, seen, last, glided_at, is_signed = state
        if "permit_w" in values:
            permit = values["permit_w"], values.get("permit_from", 0.0), values.get("permit_until", 0.0)
        p, q = values.get("p"), values.get("q")
        is_signed = is_signed or (q is not None and q < 0)
        if p is None:
            if q is not None:
                heard, base, base_q, _, q_at, edge = level
                level = heard, base, base_q if q_at is not None else q, q, at, edge
            return _State(level, load, runs, permit, seen, last, glided_at, is_signed), ()
        heard = level[0]
        level, steps = self.steps.follow(level, at, p, q)
        state = _State(level, load, runs, permit, seen, last, glided_at, is_signed)
        if load is None and not steps:
            return state, ()
        seen_s = 0.0 if heard is None or load is None else min(at - heard, self.steps.holds_s)
        for step in steps:
            state = self._stepped(state, step, at)
        return (state, ()) if state.load is None else self._loaded(state, at, p, seen_s)

    def deadline(self, state: _State) -> float | None:
        return None  # only samples move it: without them nothing is known

    def hold(self, state: _State, at: float) -> Hold | None:
        load = Load(*state.load) if state.load else None
        if load is None or load.severity is not None:
            return None
        needed_s = self._needed_s(load)
        return Hold(load.since, min(load.held_s, needed_s), needed_s)

    def explain(self, state: _State, at: float) -> Explanation:
        heard, base = state.level[0], state.level[1]
        if state.load:
            load = Load(*state.load)
            values: dict[str, float | str] = {"watts": load.size, "since_at": load.since, "held_s": load.held_s}
            if load.severity is None:
                is_permitted = load.is_permitted(state.permit, at)
                values |= {"permit_until_at": state.permit[2]} if is_permitted else {"needed_s": self._needed_s(load)}
                return Explanation(f"{self.rule}.{'is_permitted' if is_permitted else 'is_held'}", values)
            why = "is_on" if load.gone_at is None else "is_gone"
            return Explanation(f"{self.rule}.{why}", values | {"times": self._times(state.runs, at)})
        if heard is None:
            return Explanation(f"{self.rule}.is_unheard", {})
        values = {"level": base, "step_w": self._least_w(state)}
        if state.last is None:
            return Explanation(f"{self.rule}.is_calm", values)
        when, size, verdict = state.last
        return Explanation(f"{self.rule}.was_{verdict}", values | {"when_at": when, "watts": size})

    # -- what a step is

    def _stepped(self, x: _State, step: Step, at: float) -> _State:
        """The state after a step: the load that it began, ended or changed, and what was thought of it."""
        load = Load(*x.load) if x.load else None
        if step.size < self._least_w(x):
            return x._replace(load=load.fallen(step)) if load else x
        if step.may_grow and self._may_be_part(x, step.size, has_var=step.var is not None):
            return x
        is_same = load is not None and load.gone_at is None and load.since == step.since
        if load is not None and is_same:  # the next slow reading shows more of it
            load = load.grown(step, self._severity(step.size))
            seen = x.seen if step.var is not None else counted(x.seen, load.size, at)[0]
            return x._replace(load=load, seen=seen)
        verdict, seen = self._verdict(x, step, at)
        glided_at = at if verdict in (GLIDE, MOTOR) else x.glided_at
        x = x._replace(seen=seen, last=(step.since, step.size, verdict), glided_at=glided_at)
        if verdict in (HEATER, HALF, OTHER):
            return x._replace(load=self._risen(load, step, verdict, at, is_sure=self._is_sure(x, step)))
        return x._replace(load=load.fallen(step)) if load else x

    def _least_w(self, x: _State) -> float:
        return self.steps.step_w if x.is_signed else self.unsigned_w

    def _slack_w(self, step: Step) -> float:
        """What small things may add to an allowed load between two slow readings."""
        return SLACK_SHARE * self.steps.step_w if step.is_slow else 0.0

    def _is_sure(self, x: _State, step: Step) -> bool:
        """Whether no motor or inverter of this room can be what looks like a heater."""
        if step.var is None:
            return not cycles(x.seen)
        is_small = step.is_slow and step.size < SURE_SHARE * self.steps.step_w
        return not (is_small and x.glided_at is not None and step.since - x.glided_at < GLIDES_S)

    def _may_be_part(self, x: _State, size: float, *, has_var: bool) -> bool:
        """Whether a reading may hold only part of something larger that is known to run here."""
        known = [] if has_var else [row[0] * (1 + CYCLE_SHARE) for row in x.seen]
        return any(size <= most for most in (*known, *(watts * (1 + BAND_SHARE) for watts in self.whitelist)))

    def _verdict(self, x: _State, step: Step, at: float) -> tuple[str, Seen]:
        """What a step up is, and the sizes seen after it."""
        kind = load_of(step)
        if kind == MOTOR:
            return kind, counted(x.seen, step.size, at)[0]
        if kind not in (HEATER, HALF, OTHER):
            return kind, x.seen
        slack_w = self._slack_w(step)
        if any(-BAND_SHARE * w <= step.size - w <= BAND_SHARE * w + slack_w for w in self.whitelist):
            return "whitelisted", x.seen
        if not self.hours.settled(at).open:
            return "supply", x.seen
        if step.var is not None and kind != OTHER:
            return kind, x.seen
        seen, times = counted(x.seen, step.size, at)
        comes_back = times >= (CYCLES if kind == HEATER else 2)
        return "compressor" if comes_back else kind, x.seen if step.may_grow else seen

    def _risen(self, load: Load | None, step: Step, kind: str, at: float, *, is_sure: bool) -> Load:
        """The load after a step up that counts: begun, back, or outdone by a larger one."""
        wanted: int = self._severity(step.size)
        if load is not None:
            return load.outdone(step, kind, wanted, is_sure=is_sure)
        return Load(
            step.since, step.before, step.size, kind, is_sure, self._night_at(at), step.covered_s,
            step.size * step.covered_s, None, wanted, None, self._slack_w(step), step.var,
        )  # fmt: skip

    # -- what is told of a load

    def _loaded(self, x: _State, at: float, p: float, seen_s: float) -> tuple[_State, Sequence[Change]]:
        """The state while a load is on, or not gone for long."""
        load = Load(*(x.load or ()))
        stays = load.stays(p)
        is_permitted = load.is_permitted(x.permit, at)
        if load.severity is None:
            load = load.held(seen_s)
            if not stays and seen_s > 0:
                return x._replace(load=None), ()
            if load.held_s < self._needed_s(load) - 0.001 or is_permitted:
                return x._replace(load=tuple(load)), ()
            x = self._struck(x, load, at)
            load = load._replace(severity=self._due(load, x.runs, at))
            return x._replace(load=tuple(load)), (self._change(Turn.RAISED, load, x.runs, at),)
        if is_permitted:
            return x._replace(load=None), (self._change(Turn.CLEARED, load, x.runs, at, "permitted"),)
        if load.gone_at is not None and at - load.gone_at >= self.clear_s and not stays:
            return x._replace(load=None), (self._change(Turn.CLEARED, load, x.runs, load.gone_at),)
        if stays:
            load = (load if load.gone_at is None else load._replace(gone_at=None)).held(seen_s)
        elif load.gone_at is None and load.is_gone(p):
            load = load._replace(gone_at=at)
        x = self._struck(x, load, at)
        due = self._due(load, x.runs, at)
        if due <= (load.severity or 0):
            return _State(x.level, tuple(load), *x[2:]), ()
        is_long = load.severity == Severity.INFO and load.held_s > self.unattended_s
        why = "updated_night" if due > load.wanted else "updated_long" if is_long else "updated"
        load = load._replace(severity=due)
        return x._replace(load=tuple(load)), (self._change(Turn.UPDATED, load, x.runs, at, why),)

    def _struck(self, x: _State, load: Load, at: float) -> _State:
        """The state with this run among those of the week; a suspect becomes one when a heater joins it."""
        if load.kind != HEATER or x.runs[-1:] == (load.since,):
            return x
        runs = tuple(run for run in x.runs if at - run < WEEK_S)[1 - max(self.strikes, MOST_RUNS) :]
        return x._replace(runs=(*runs, load.since))

    def _needed_s(self, load: Load) -> float:
        return max(self.hold_s, OTHER_S) if load.kind == OTHER else self.hold_s

    def _due(self, load: Load, runs: Sequence[float], at: float) -> int:
        """The severity that a load deserves: info as long as it is only a record."""
        told = load.severity or Severity.INFO
        if load.kind != HEATER:
            return told
        if load.gone_at is None and at >= load.night_at:
            return Severity.CRITICAL
        is_due = load.wanted == Severity.CRITICAL or load.held_s > self.unattended_s
        is_due = is_due or told > Severity.INFO or self._times(runs, at) >= self.strikes
        return max(told, load.wanted) if is_due else told

    def _times(self, runs: Sequence[float], at: float) -> int:
        return sum(at - run < WEEK_S for run in runs)

    def _severity(self, size: float) -> Severity:
        if size > self.high_w:
            return Severity.CRITICAL
        return Severity.MAJOR if size > self.alarm_w else Severity.MINOR

    def _night_at(self, at: float) -> float:
        return at if NIGHT.holds(self.hours.calendar.minute(at)) else self.hours.calendar.next_minute(at, NIGHT.start)

    def _change(self, turn: Turn, load: Load, runs: Sequence[float], until: float, why: str = "") -> Change:
        severity = Severity(load.severity or 0)
        values = {
            "watts": load.size, "on_s": until - load.since, "kwh": load.joules / 3.6e6, "times": float(len(runs)),
        }  # fmt: skip
        if not why:
            why = turn.value if load.kind == HEATER or turn is not Turn.RAISED else load.kind
        evidence = Evidence(load.since, tuple(self.inputs.values()), load.before + self.steps.step_w, load.held_s)
        delivery = Delivery.RECORD
        if severity > Severity.INFO:
            delivery = Delivery.PAGE if load.is_sure else Delivery.DIGEST
        return Change(turn, severity, delivery, f"{self.rule}.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class HighPower:
    """Flags heaters by the step they make; in the rooms where they are not allowed."""

    kind: ClassVar[str] = "high_power"
    slowest_s: ClassVar[float] = 60.0  # a kettle boils in five minutes
    memory_s: ClassVar[float] = WEEK_S
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

    step_w: float = parameter(300.0, unit="W", least=30.0, most=100_000.0)
    shared_step_w: float = parameter(800.0, unit="W", least=30.0, most=100_000.0)
    noise_w: float = parameter(30.0, unit="W", least=1.0, most=10_000.0)
    alarm_w: float = parameter(500.0, unit="W", least=30.0, most=100_000.0)
    high_w: float = parameter(1500.0, unit="W", least=30.0, most=100_000.0)
    hold_s: float = parameter(20.0, unit="s", least=0.0, most=3600.0)
    clear_min: float = parameter(10.0, unit="min", least=0.0, most=1440.0)
    strikes: int = parameter(2, unit="", least=1, most=100)
    unattended_min: float = parameter(30.0, unit="min", least=0.0, most=1440.0)
    whitelist_w: str = text()  # what is allowed in the room, such as its dispenser: "420, 1000"

    def __post_init__(self) -> None:
        self._whitelist()

    def _whitelist(self) -> tuple[float, ...]:
        parts = self.whitelist_w.replace(",", " ").split()
        if not all(part.replace(".", "", 1).isdecimal() for part in parts):
            raise ParameterError("whitelist_w", 'write watts, such as "420, 1000"', '写瓦数，例如 "420, 1000"')
        return tuple(float(part) for part in parts)

    def watches(self, site: Site) -> Iterable[HighPowerWatch]:
        for place in site.places.values():
            if place.kind not in WATCHED:
                continue
            for point in plugged(site.points_at(place.id)):
                yield self._watch(site, place, point)

    def _watch(self, site: Site, place: Place, point: Point) -> HighPowerWatch:
        q = point.id.removesuffix(point.quantity) + "reactive_power_var"
        asked = {"p": point.id} | ({"q": q} if q in site.points else {})
        asked |= {quantity: fact_point(place.id, quantity) for quantity in PERMIT}  # people declare them anywhere
        # On one meter with lamps and computers only reactive power tells a small heater apart, if it has a sign: else
        # their leading power hides the lagging one of a compressor.
        is_alone = place.kind == "dorm_room" or point.part == SOCKETS
        step_w = self.step_w if is_alone or "q" in asked else self.shared_step_w
        return HighPowerWatch(
            key=point.id.removesuffix("/power_w"),
            place=place.id,
            inputs=asked,
            steps=Steps(point.holds_s, step_w, step_w * EDGE_SHARE, self.noise_w),
            unsigned_w=self.step_w if is_alone else self.shared_step_w,
            whitelist=self._whitelist(),
            alarm_w=self.alarm_w,
            high_w=self.high_w,
            hold_s=self.hold_s,
            clear_s=self.clear_min * 60,
            strikes=self.strikes,
            unattended_s=self.unattended_min * 60,
            hours=site.hours(place.id),
        )
