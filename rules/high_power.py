"""High-power appliances (大功率电器): kettles, heaters and hair dryers where they are not allowed.

Strategy. What a heater does to a circuit is a *step*: power rises at once by hundreds of watts, settles at once, and
brings no reactive power along. So the level of the circuit (`base`) is followed while it is calm; a sample far from it
opens an *edge*, and when samples agree again the step is their level minus the base. A step that took long is an
inverter, one with reactive power is a motor: neither is flagged. Where only power is known a size that keeps coming
back is taken for a compressor. A resistive step becomes a *load*, raised when it has held for a while and cleared when
it has been gone for a while, so that a thermostat is one alert. Sizes and severities are those of DETECTION section
1.5. In the night any load is critical, also one that came by day: while all sleep it is a fire hazard, and what is not
critical waits for the end of the quiet hours. Severity only rises, so an alert is updated twice at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from rules.calendar import Span
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

NIGHT = Span(23 * 60, 6 * 60)
EDGE_SHARE = 1 / 3       # of the step to flag: what differs that much from the base opens an edge
SETTLED_SAMPLES = 3
SLOW_SECONDS = 30.0      # from this interval on two samples must do: the first may hold only part of the load
RISE_SECONDS = 15.0
RESISTIVE_SHARE = 0.10   # of the step: more reactive power than this is no heater
RESISTIVE_VAR = 15.0
SAME_SHARE = 0.12        # step sizes this close are the same appliance
SEEN_SECONDS = 6 * 3600.0
SEEN_TIMES = 3
SEEN_SIZES = 8
STAYS_SHARE, GONE_SHARE = 0.7, 0.3  # of the load above the level before it
LEAST_SHARE = 0.9        # of the load: a circuit that draws less cannot carry it

WATCHED = frozenset({"dorm_room", "classroom", "office"})
SOCKETS = "sockets"
ALLOWED = frozenset({"lighting", "ac", "hot_water"})  # parts whose loads are meant to be there

_Edge = tuple[float, float, float, int, float]  # since, level since, level, samples that agree on it, var with it
_Seen = tuple[tuple[float, int, float], ...]  # size of a step, how often, last time


class _Load(NamedTuple):
    """A step that counts: `size` above the level `before`; `held_s` is how long readings saw it.

    `night_at` is when the night begins for it, `wanted` its severity by size, `severity` what was told.
    """

    since: float
    before: float
    size: float
    night_at: float
    held_s: float = 0.0
    gone_at: float | None = None
    wanted: int = Severity.MINOR
    severity: int | None = None  # None until it is raised


class _State(NamedTuple):
    """The state between samples; `q_at` says when reactive power was last heard."""

    at: float | None = None
    base: float = 0.0
    base_q: float = 0.0
    q: float = 0.0
    q_at: float | None = None
    edge: _Edge | None = None
    load: tuple[Any, ...] | None = None  # a _Load, which JSON brings back as a plain tuple
    seen: _Seen = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HighPowerWatch:
    """One circuit, by its power and, where known, its reactive power."""

    rule: ClassVar[str] = "high_power"
    version: ClassVar[int] = 3
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    step_w: float
    edge_w: float
    noise_w: float
    alarm_w: float
    high_w: float
    hold_s: float
    clear_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        heard, base, base_q, q, q_at, edge, load, seen = state
        if "q" in values:
            q = values["q"]
            if q_at is None:
                base_q = q
            q_at = at
        if "p" not in values:
            return _State(heard, base, base_q, q, q_at, edge, load, seen), ()
        p = values["p"]
        if heard is None or at - heard > self.holds_s:  # nothing is known of how it came here
            base, base_q, edge = p, q, None
        elif edge is None and -self.edge_w < p - base < self.edge_w:
            base += 0.1 * (p - base)
            base_q += 0.1 * (q - base_q)
        else:
            state = self._moving(_State(at, base, base_q, q, q_at, edge, load, seen), p, at - heard)
            return (state, ()) if state.load is None else self._loaded(state, p, at - heard if load else 0.0)
        state = _State(at, base, base_q, q, q_at, edge, load, seen)
        if load is None:
            return state, ()
        return self._loaded(state, p, 0.0 if heard is None else min(at - heard, self.holds_s))

    def deadline(self, state: _State) -> float | None:
        return None  # only samples move it: without them nothing is known

    def hold(self, state: _State, at: float) -> Hold | None:
        load = _Load(*state.load) if state.load else None
        if load is None or load.severity is not None:
            return None
        return Hold(load.since, min(load.held_s, self.hold_s), self.hold_s)

    def _moving(self, x: _State, p: float, dt: float) -> _State:
        """The state while the level changes: samples are gathered until they agree."""
        at, base, base_q = x.at or 0.0, x.base, x.base_q
        since, level_at, level, agreeing, level_q = x.edge or (at, at, p, 0, base_q)
        if abs(p - level) <= max(self.noise_w, 0.05 * abs(p)):
            agreeing += 1
            level += (p - level) / agreeing
        elif dt >= SLOW_SECONDS and agreeing == 1 and p > level > base:
            level, agreeing = p, 2
        else:
            if at - since > RISE_SECONDS and abs(p - level) >= self.step_w:  # a new step on a restless circuit
                since, base, base_q = at, level, level_q
            level_at, level, agreeing = at, p, 1
        x = _State(at, base, base_q, x.q, x.q_at, (since, level_at, level, agreeing, x.q), x.load, x.seen)
        is_settled = agreeing >= SETTLED_SAMPLES or (agreeing == 2 and at - level_at >= RISE_SECONDS)
        return self._settled(x, is_quick=level_at - since <= max(RISE_SECONDS, dt)) if is_settled else x

    def _settled(self, x: _State, *, is_quick: bool) -> _State:
        """The state after a step has ended at a new level."""
        at = x.at or 0.0
        since, level_at, level, *_ = x.edge or (at, at, x.base, 0, x.q)
        size, seen, counts = level - x.base, x.seen, False
        if size >= self.step_w and is_quick:
            if x.q_at is not None and x.q_at >= level_at:
                counts = abs(x.q - x.base_q) <= max(RESISTIVE_SHARE * size, RESISTIVE_VAR)
            else:
                seen, times = _counted(seen, size, at)
                counts = times < SEEN_TIMES
        load = self._load_after(x, level, size, since, counts=counts)
        return _State(at, level, x.q, x.q, x.q_at, None, load, seen)

    def _load_after(self, x: _State, level: float, size: float, since: float, *, counts: bool) -> _Load | None:
        """The load after a step: begun, gone, back, outdone by a larger one, or told apart from what else is on."""
        at = x.at or 0.0
        load = _Load(*x.load) if x.load else None
        wanted = self._severity(size) if counts else Severity.MINOR
        if load is None:
            return _Load(since, x.base, size, self._night_at(at), at - since, None, wanted) if counts else None
        load = load._replace(wanted=max(load.wanted, wanted))
        is_here = load.gone_at is None or load.gone_at >= since
        if is_here and _is_same(-size, load.size):
            return load._replace(gone_at=since, before=level)
        if (not is_here and (counts or _is_same(size, load.size))) or (counts and size > load.size):
            return load._replace(gone_at=None, before=x.base, size=size)
        if is_here and size < 0 and level >= LEAST_SHARE * load.size:  # another one went off, this may still be on
            return load._replace(before=min(load.before, level - load.size))
        return load

    def _loaded(self, x: _State, p: float, seen_s: float) -> tuple[_State, Sequence[Change]]:
        """The state while a load is on, or not gone for long."""
        load = _Load(*(x.load or ()))
        at, above = x.at or 0.0, p - load.before
        change = None
        if load.severity is None:
            load = load._replace(held_s=load.held_s + seen_s)
            if above < STAYS_SHARE * load.size:
                return x._replace(load=None), ()
            if load.held_s >= self.hold_s - 0.001:
                load = load._replace(severity=_due_severity(load, at))
                change = self._change(Turn.RAISED, load, at)
        elif load.gone_at is not None and at - load.gone_at >= self.clear_s and above < STAYS_SHARE * load.size:
            return x._replace(load=None), (self._change(Turn.CLEARED, load, load.gone_at),)
        else:
            if above >= STAYS_SHARE * load.size:
                load = load._replace(held_s=load.held_s + seen_s, gone_at=None)
            elif above <= GONE_SHARE * load.size and load.gone_at is None:
                load = load._replace(gone_at=at)
            due = _due_severity(load, at)
            told = load.severity or 0
            if due > told:
                why = "updated" if load.wanted > told else "updated_night"
                load = load._replace(severity=due)
                change = self._change(Turn.UPDATED, load, at, why)
        return x._replace(load=tuple(load)), (change,) if change else ()

    def _severity(self, size: float) -> Severity:
        if size > self.high_w:
            return Severity.CRITICAL
        return Severity.MAJOR if size > self.alarm_w else Severity.MINOR

    def _night_at(self, at: float) -> float:
        return at if NIGHT.holds(self.hours.calendar.minute(at)) else self.hours.calendar.next_minute(at, NIGHT.start)

    def _change(self, turn: Turn, load: _Load, until: float, why: str = "") -> Change:
        values = {"watts": load.size, "on_s": until - load.since}
        line = load.before + self.step_w
        evidence = Evidence(load.since, tuple(self.inputs.values()), line, load.held_s)
        severity = Severity(load.wanted if load.severity is None else load.severity)
        return Change(turn, severity, Delivery.PAGE, f"{self.rule}.{why or turn.value}", values, evidence)


def _due_severity(load: _Load, at: float) -> int:
    return Severity.CRITICAL if load.gone_at is None and at >= load.night_at else load.wanted


def _is_same(size: float, other: float) -> bool:
    return abs(size - other) <= SAME_SHARE * abs(other)


def _counted(seen: _Seen, size: float, at: float) -> tuple[_Seen, int]:
    """The table with this step in it, and how often its size was seen lately."""
    fresh = [row for row in seen if at - row[2] <= SEEN_SECONDS]
    known = next((row for row in fresh if _is_same(size, row[0])), None)
    if known is None:
        return (*fresh, (size, 1, at))[-SEEN_SIZES:], 1
    times = known[1] + 1
    others = [row for row in fresh if row is not known]
    return (*others, (known[0] + (size - known[0]) / times, times, at)), times


@dataclass(frozen=True, slots=True, kw_only=True)
class HighPower:
    """Flags heaters by the step they make; in the rooms where they are not allowed."""

    kind: ClassVar[str] = "high_power"
    slowest_s: ClassVar[float] = 60.0  # a kettle boils in five minutes
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "大功率电器",
            "",
            "到房间查看，请使用者拔下电器；按规定登记。",
            {
                "high_power.raised": "接入了约 {watts:.0f} 瓦的电热类电器，仍在使用",
                "high_power.updated": "又接入了约 {watts:.0f} 瓦的更大电热类电器；此前已用 {on_s}",
                "high_power.updated_night": "已到夜间，约 {watts:.0f} 瓦的电热类电器仍在使用，已用 {on_s}",
                "high_power.cleared": "约 {watts:.0f} 瓦的电器已断开，前后共 {on_s}",
            },
        ),
        "en": Words(
            "High-power appliance",
            "",
            "Go to the room, have the appliance unplugged, and note it as the rules say.",
            {
                "high_power.raised": "a heating appliance of about {watts:.0f} W was switched on and is still on",
                "high_power.updated": "a larger heating appliance of about {watts:.0f} W came on; "
                "the first came {on_s} ago",
                "high_power.updated_night": "it is night now, and the heating appliance of about {watts:.0f} W "
                "is still on, after {on_s}",
                "high_power.cleared": "the appliance of about {watts:.0f} W is off, after {on_s} in all",
            },
        ),
    }

    step_w: float = parameter(300.0, unit="W", least=30.0, most=100_000.0)
    shared_step_w: float = parameter(800.0, unit="W", least=30.0, most=100_000.0)
    noise_w: float = parameter(30.0, unit="W", least=1.0, most=10_000.0)
    alarm_w: float = parameter(500.0, unit="W", least=30.0, most=100_000.0)
    high_w: float = parameter(1500.0, unit="W", least=30.0, most=100_000.0)
    hold_s: float = parameter(20.0, unit="s", least=0.0, most=3600.0)
    clear_min: float = parameter(10.0, unit="min", least=0.0, most=1440.0)

    def watches(self, site: Site) -> Iterable[HighPowerWatch]:
        for place in site.places.values():
            if place.kind not in WATCHED:
                continue
            powers = [point for point in site.points_at(place.id) if point.quantity == "power_w"]
            sockets = [point for point in powers if point.part == SOCKETS]
            for point in sockets or [point for point in powers if point.part not in ALLOWED]:
                yield self._watch(site, place, point)

    def _watch(self, site: Site, place: Place, point: Point) -> HighPowerWatch:
        inputs = {"p": point.id}
        reactive = point.id.removesuffix(point.quantity) + "reactive_power_var"
        if reactive in site.points:
            inputs["q"] = reactive
        is_alone = place.kind == "dorm_room" or point.part == SOCKETS
        step_w = self.step_w if is_alone else self.shared_step_w
        return HighPowerWatch(
            key=point.id.removesuffix("/power_w"),
            place=place.id,
            inputs=inputs,
            holds_s=point.holds_s,
            step_w=step_w,
            edge_w=step_w * EDGE_SHARE,
            noise_w=self.noise_w,
            alarm_w=self.alarm_w,
            high_w=self.high_w,
            hold_s=self.hold_s,
            clear_s=self.clear_min * 60,
            hours=site.hours(place.id),
        )
