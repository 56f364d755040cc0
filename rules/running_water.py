"""Running water (长流水): a tap, a hose or a burst that never pauses.

Strategy. Water *runs* while the mean of the last five minutes stays over a limit and no still minute comes: people
pause, open taps do not. How long it may run depends on who is behind the meter: half an hour where people wash, longer
in a corridor, ten minutes in a closed room; a meter of a whole building or of the plant is judged only in quiet hours,
because many people together never pause. Time counts only as far as readings cover it. `still_s` is a minute less what
the interval of a one-minute meter may wander.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.calendar import Span, Stretch
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

NIGHT = Span(23 * 60, 6 * 60)
MEAN_MINUTES = 5
KEPT_CLOSED = frozenset({"classroom", "lab", "office", "library"})  # rooms that the opening hours do empty
SHARED = frozenset({"canteen", "boiler_room", "drinking_boiler", "pump_room", "distribution_room", "outdoor"})


_Run = tuple[float, float, float, float, bool]  # since, seconds that count, seconds seen, litres, is raised


class _State(NamedTuple):
    """`minutes` holds the means of the minutes before this one; `total` and `heard` make the mean of this one."""

    at: float = 0.0
    until: float = 0.0
    flow: float = 0.0
    minute: int = 0
    total: float = 0.0
    heard: int = 0
    minutes: tuple[float, ...] = ()
    still_at: float | None = None
    run: _Run | None = None
    is_quiet: bool = False
    quiet_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWaterWatch:
    """One water meter; `open_hold_s` is None where it is judged in quiet hours only."""

    rule: ClassVar[str] = "running_water"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    limit_lpm: float
    still_lpm: float
    still_s: float
    open_hold_s: float | None
    quiet_hold_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        x = self._carried(state, at)
        if values:
            flow = values["flow"]
            still_at = None if flow >= self.still_lpm else at if x.still_at is None else x.still_at
            x = _State(
                at, at + self.holds_s, flow, x.minute, x.total + flow, x.heard + 1, x.minutes, still_at, x.run,
                x.is_quiet, x.quiet_until,
            )  # fmt: skip
        return self._judged(x, at)

    def deadline(self, state: _State) -> float | None:
        if state.run is None:
            return None
        _, covered_s, _, _, is_raised = state.run
        dues = []
        needed = self._needed_s(state)
        if state.still_at is not None:
            dues.append(state.still_at + self.still_s)
        elif needed is not None and not is_raised:
            dues.append(state.at + needed - covered_s)
        if self._minds_hours and not is_raised:
            dues.append(state.quiet_until)
        due = min(dues, default=None)
        return due if due is not None and state.at < due <= state.until else None

    def hold(self, state: _State, at: float) -> Hold | None:
        needed = self._needed_s(state)
        if state.run is None or state.run[4] or needed is None:
            return None
        since, covered_s, *_ = state.run
        more = max(0.0, min(at, state.until) - state.at) if state.still_at is None else 0.0
        return Hold(since, min(covered_s + more, needed), needed)

    @property
    def _minds_hours(self) -> bool:
        return self.open_hold_s != self.quiet_hold_s

    def _needed_s(self, x: _State) -> float | None:
        return self.quiet_hold_s if x.is_quiet else self.open_hold_s

    def _carried(self, x: _State, at: float) -> _State:
        """The state when time has passed: the last flow went on as long as its reading speaks."""
        run, minute, until = x.run, int(at // 60), x.until
        if run is not None:
            since, covered_s, ran_s, litres, is_raised = run
            seen_s = max(0.0, min(at, until) - x.at)
            judged_s = seen_s if x.still_at is None and self._needed_s(x) is not None else 0.0
            run = since, covered_s + judged_s, ran_s + seen_s, litres + x.flow * seen_s / 60, is_raised
            if not is_raised and at - until > self.quiet_hold_s:
                run = None  # after so long a gap it begins anew
        total, heard, minutes = x.total, x.heard, x.minutes
        if at > until:  # a gap: what was before says nothing about the minutes just past
            total, heard, minutes = 0.0, 0, ()
        elif minute != x.minute:
            passed = (_minute_mean(x), *(x.flow,) * min(minute - x.minute - 1, MEAN_MINUTES))
            total, heard, minutes = 0.0, 0, (*minutes, *passed)[1 - MEAN_MINUTES :]
        return _State(at, until, x.flow, minute, total, heard, minutes, x.still_at, run, x.is_quiet, x.quiet_until)

    def _judged(self, x: _State, at: float) -> tuple[_State, Sequence[Change]]:
        if self._minds_hours and at >= x.quiet_until:
            quiet, until = self._quiet(at)
            x = x._replace(is_quiet=quiet, quiet_until=until)
        mean = (sum(x.minutes) + _minute_mean(x)) / (len(x.minutes) + 1)
        if x.run is None:
            is_running = x.still_at is None and mean >= self.limit_lpm
            return (x._replace(run=(at, 0.0, 0.0, 0.0, False)) if is_running else x), ()
        since, covered_s, ran_s, litres, is_raised = x.run
        is_still = x.still_at is not None and at >= x.still_at + self.still_s
        if is_still or mean < (self.limit_lpm / 2 if is_raised else self.limit_lpm):
            return x._replace(run=None), (self._change(Turn.CLEARED, x.run),) if is_raised else ()
        needed = self._needed_s(x)
        if x.still_at is None and not is_raised and needed is not None and covered_s >= needed - 0.001:
            return x._replace(run=(since, covered_s, ran_s, litres, True)), (self._change(Turn.RAISED, x.run),)
        return x, ()

    def _quiet(self, at: float) -> Stretch:
        """Whether nobody should draw water for long now, and until when that is so."""
        opening = self.hours.use(at)
        day = self.hours.calendar.local(at).date()
        edges = [edge for minute in NIGHT if (edge := self.hours.calendar.at_minute(day, minute)) > at]
        return Stretch(not opening.open or NIGHT.holds(self.hours.calendar.minute(at)), min([opening.until, *edges]))

    def _change(self, turn: Turn, run: _Run) -> Change:
        since, covered_s, ran_s, litres, _ = run
        values = {"ran_s": ran_s, "litres": litres, "lpm": litres / max(ran_s, 1.0) * 60}
        evidence = Evidence(since, tuple(self.inputs.values()), self.limit_lpm, covered_s)
        return Change(turn, Severity.MAJOR, Delivery.PAGE, f"{self.rule}.{turn.value}", values, evidence)


def _minute_mean(x: _State) -> float:
    return x.total / x.heard if x.heard else x.flow


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWater:
    """Flags water that runs without a pause; wherever `flow_lpm` is measured."""

    kind: ClassVar[str] = "running_water"
    slowest_s: ClassVar[float] = 300.0  # the mean of five minutes must hold a reading
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "长流水",
            "",
            "到现场查看：关好水龙头；关不住就先关总阀，再报修。",
            {
                "running_water.raised": "已连续流水 {ran_s}，约 {litres:.0f} 升（{lpm:.1f} 升/分）",
                "running_water.cleared": "水已停，共流水 {ran_s}，约 {litres:.0f} 升",
            },
        ),
        "en": Words(
            "Running water",
            "",
            "Go and look: close the tap; if it will not close, shut the main valve and call a plumber.",
            {
                "running_water.raised": "water has run for {ran_s} without a pause, "
                "about {litres:.0f} L ({lpm:.1f} L/min)",
                "running_water.cleared": "the water has stopped after {ran_s} and about {litres:.0f} L",
            },
        ),
    }

    limit_lpm: float = parameter(2.0, unit="L/min", least=0.1, most=1000.0)
    still_lpm: float = parameter(0.05, unit="L/min", least=0.001, most=10.0)
    still_s: float = parameter(45.0, unit="s", least=1.0, most=3600.0)
    hold_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)
    corridor_min: float = parameter(45.0, unit="min", least=0.1, most=1440.0)
    closed_min: float = parameter(10.0, unit="min", least=0.1, most=1440.0)
    night_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)

    def watches(self, site: Site) -> Iterable[RunningWaterWatch]:
        for place in site.places.values():
            for point in site.points_at(place.id):
                if point.quantity == "flow_lpm":
                    yield self._watch(site, place, point)

    def _watch(self, site: Site, place: Place, point: Point) -> RunningWaterWatch:
        open_min: float | None = self.corridor_min if place.kind == "corridor" else self.hold_min
        quiet_min = open_min or 0.0
        if place.id == place.building or place.kind in SHARED:
            open_min, quiet_min = None, self.night_min
        elif place.kind in KEPT_CLOSED:
            quiet_min = min(self.closed_min, quiet_min)
        return RunningWaterWatch(
            key=point.id.removesuffix("/flow_lpm"),
            place=place.id,
            inputs={"flow": point.id},
            holds_s=point.holds_s,
            limit_lpm=self.limit_lpm,
            still_lpm=self.still_lpm,
            still_s=self.still_s,
            open_hold_s=None if open_min is None else open_min * 60,
            quiet_hold_s=quiet_min * 60,
            hours=site.hours(place.id),
        )
