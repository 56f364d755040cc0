"""Running water (长流水): a tap, a hose or a burst that never pauses.

Strategy. Water *runs* while the mean of the last five minutes stays over a limit and no still minute comes: people
pause, open taps do not. How long it may run depends on who is behind the meter. A room or a corridor is judged at all
times, a closed room (or one whose timetable is empty) after ten minutes. In a dormitory's washroom a whole floor washes
one after the other: it is judged outside the washing peaks only, by day after an hour without a minute that leaves room
for less than an open tap. A tap is *steady*; where the mean is far above the least minute, many people draw. A floor
that is not steady may run for twice as long; one that is, while lessons are held and hardly anybody is there, is judged
as a corridor; a washroom beside classrooms after half an hour if it is steady, else after an hour. Many together never
pause, so a meter of a whole building or of the plant is judged in quiet hours alone, a kitchen from lights-out until it
begins to cook. Where rooms of a building have meters of their own, they page, and the building's own meter is a line in
the summary. Time counts only as far as readings cover it. `still_s` is a minute less what the interval of a one-minute
meter may wander.

A register is read as the flow between two readings that are far enough apart for an open tap to give a pulse. Where
that is more than five minutes, the meter is too coarse and says so; with many people behind a coarse one, several of
them look like one tap, and it must run longer. How long a floor (by day) or a dormitory (by night) goes without a pause
is its own: twice its longest run, which fades, is what a run must exceed, unless that is so long that it was a tap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple

from rules.calendar import Span, Stretch
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter
from rules.running_water_words import WORDS
from rules.water_meter import COARSE_S, FLOW, VOLUME, Group, Meter, apart_s, flow_between, meters

MEAN_MINUTES = 5
STILL = (0.0,) * (MEAN_MINUTES - 1)
KEPT_CLOSED = frozenset({"classroom", "lab", "office", "library"})  # rooms that the opening hours do empty
FREE_S = 2700.0     # a pause in the timetable that is no break between lessons
COOKING = Span(5 * 60, 12 * 60)  # a kitchen is at work before it opens
STEADY = 0.45       # the least flow of a tap that hardly anybody else is beside, as a share of the mean
UNSTEADY_FACTOR = 2.0  # how much longer a floor may run where it is not
SLACK_S = 0.001
USUAL_FACTOR, FADE = 2.0, 0.99  # of the longest usual run; from night to night


class _Mode(IntEnum):
    OPEN = 0
    QUIET = 1  # nobody should draw water for long
    PEAK = 2   # many wash at once: nothing counts
    FEW = 3    # hardly anybody is here: a floor of a dormitory in lessons, a washroom beside classrooms


_BY_DAY = (_Mode.OPEN, _Mode.FEW)


class _Run(NamedTuple):
    """`open_s` counts outside the peaks, of it `quiet_s` in quiet hours; `ran_s` and `litres` are all seen.

    Of it `few_s` is where few are; `part` is how long of the day is not judged yet, the litres and the least flow then.
    """

    since: float
    open_s: float = 0.0
    quiet_s: float = 0.0
    few_s: float = 0.0
    part: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ran_s: float = 0.0
    litres: float = 0.0
    is_raised: bool = False



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
    run: tuple[Any, ...] | None = None  # a _Run, which JSON brings back as a tuple
    mode: int = _Mode.OPEN
    mode_until: float = 0.0
    register: tuple[float, float, tuple[float, float, int]] | None = None
    usual_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWaterWatch:
    """One water meter; `open_hold_s` is None where it is judged in quiet hours only."""

    rule: ClassVar[str] = "running_water"
    version: ClassVar[int] = 4
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    limit_lpm: float
    tap_lpm: float
    still_lpm: float
    busy_lpm: float
    still_s: float
    open_hold_s: float | None
    quiet_hold_s: float
    few_hold_s: float
    is_many: bool
    minds_peak: bool
    minds_timetable: bool
    minds_usual: bool
    is_few: bool
    cooks: bool
    pages: bool
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        register, flow, holds_s = state.register, values.get(FLOW), self.holds_s
        if VOLUME in values:
            register, flow, holds_s = flow_between(
                register, at, values[VOLUME] * 1000.0, tap_lpm=self.tap_lpm, holds_s=self.holds_s
            )
            if flow is None:
                return (state if register is state.register else state._replace(register=register)), ()
        if flow == 0.0 and state.run is None and state.minutes == STILL and not state.total and at <= state.until:
            return _State(
                at, at + holds_s, 0.0, int(at // 60), 0.0, 1, STILL, state.still_at, None,
                state.mode, state.mode_until, register, state.usual_s,
            ), ()  # fmt: skip
        x = self._carried(state, at)
        if flow is not None:
            if flow >= self.still_lpm:
                x = self._in_mode(x, at)
            least = self.busy_lpm if x.mode in _BY_DAY else self.still_lpm
            still_at = None if flow >= least else at if x.still_at is None else x.still_at
            x = _State(
                at, at + holds_s, flow, x.minute, x.total + flow, x.heard + 1, x.minutes, still_at, x.run,
                x.mode, x.mode_until, register, x.usual_s,
            )  # fmt: skip
        return self._judged(x, at)

    def deadline(self, state: _State) -> float | None:
        if state.run is None:
            return None
        run, dues = _Run(*state.run), []
        if state.still_at is not None:
            dues.append(state.still_at + self.still_s)
        elif not run.is_raised and state.mode != _Mode.PEAK:
            if self.open_hold_s is not None:
                open_s = self._open_hold_s(state)
                dues += [state.at + open_s - run.open_s, state.at + UNSTEADY_FACTOR * open_s - run.open_s]
            dues.append(state.at + self._few_hold_s(state) - run.part[0])
            if state.mode == _Mode.QUIET:
                dues.append(state.at + self._quiet_hold_s(state) - run.quiet_s)
        if self._minds_hours and not run.is_raised:
            dues.append(state.mode_until)
        return min((due for due in dues if state.at < due <= state.until), default=None)

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.run is None or state.run[-1] or (self.open_hold_s is None and state.mode != _Mode.QUIET):
            return None
        run, counts = _Run(*state.run), state.still_at is None and state.mode != _Mode.PEAK
        more_s = max(0.0, min(at, state.until) - state.at) if counts else 0.0
        counted_s, needed_s = self._counted(state, run)
        return Hold(run.since, min(counted_s + more_s, needed_s), needed_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.register is not None:
            litres = state.register[2][0]
            if apart_s(litres, self.tap_lpm) > COARSE_S:
                return Explanation("running_water.coarse", {"pulse": litres})
        if state.run is not None:
            run = _Run(*state.run)
            held = self.hold(state, at)
            if run.is_raised or held is None:
                why = "running_water.raised" if run.is_raised else "running_water.not_judged"
                return Explanation(why, _values(run))
            why = "running_water.peak" if state.mode == _Mode.PEAK else "running_water.runs"
            return Explanation(why, {"covered_s": held.covered_s, "needed_s": held.needed_s, "lpm": state.flow})
        if at > state.until:
            return Explanation("running_water.unheard", {})
        return Explanation("running_water.calm", {"lpm": state.flow, "limit": self.limit_lpm})

    @property
    def _minds_hours(self) -> bool:
        return self.minds_peak or self.open_hold_s != self.quiet_hold_s

    def _carried(self, x: _State, at: float) -> _State:
        """The state when time has passed: the last flow went on as long as its reading speaks."""
        run, minute, until = x.run, int(at // 60), x.until
        if run is not None:
            since, open_s, quiet_s, few_s, part, ran_s, litres, is_raised = run
            seen_s = max(0.0, min(at, until) - x.at)
            counted_s = seen_s if x.still_at is None and x.mode != _Mode.PEAK else 0.0
            quiet_s += counted_s if x.mode == _Mode.QUIET else 0.0
            few_s += counted_s if x.mode == _Mode.FEW else 0.0
            if counted_s and x.mode in _BY_DAY:
                part = _more(part, counted_s, x.flow)
            litres += x.flow * seen_s / 60
            run = since, open_s + counted_s, quiet_s, few_s, part, ran_s + seen_s, litres, is_raised
            if not is_raised and at - until > self.quiet_hold_s:
                run = None  # after so long a gap it begins anew
        total, heard, minutes = x.total, x.heard, x.minutes
        if at > until:  # a gap: what was before says nothing about the minutes just past
            total, heard, minutes = 0.0, 0, ()
        elif minute != x.minute:
            passed = (_minute_mean(x), *(x.flow,) * min(minute - x.minute - 1, MEAN_MINUTES))
            total, heard, minutes = 0.0, 0, (*minutes, *passed)[1 - MEAN_MINUTES :]
        return _State(
            at, until, x.flow, minute, total, heard, minutes, x.still_at, run, x.mode, x.mode_until, x.register,
            x.usual_s,
        )  # fmt: skip

    def _judged(self, x: _State, at: float) -> tuple[_State, Sequence[Change]]:
        mean = (sum(x.minutes) + _minute_mean(x)) / (len(x.minutes) + 1)
        if x.run is None:
            is_running = x.still_at is None and mean >= self.limit_lpm
            return (x._replace(run=tuple(_Run(at))) if is_running else x), ()
        run = _Run(*x.run)
        x = self._in_mode(x, at)
        is_still = x.still_at is not None and at >= x.still_at + self.still_s
        if is_still or mean < (self.limit_lpm / 2 if run.is_raised else self.limit_lpm):
            if self.minds_usual:
                x = x._replace(usual_s=self._usual_s(x, run))
            return x._replace(run=None), (self._change(Turn.CLEARED, run),) if run.is_raised else ()
        if x.still_at is None and not run.is_raised and self._is_due(run, x):
            return x._replace(run=tuple(run._replace(is_raised=True))), (self._change(Turn.RAISED, run),)
        if self._is_judged(run, x) and not self._is_steady(run, x):
            x = x._replace(run=tuple(run._replace(part=_Run(at).part)))
        return x, ()

    def _counted(self, x: _State, run: _Run) -> tuple[float, float]:
        """How much of a run counts in the hours that are now, and how much must."""
        if x.mode == _Mode.QUIET:
            return run.quiet_s, self._quiet_hold_s(x)
        if x.mode == _Mode.FEW:
            return run.part[0], self._few_hold_s(x)
        open_hold_s = self._open_hold_s(x)
        is_more = self.minds_peak and run.open_s >= open_hold_s
        return run.open_s, open_hold_s * (UNSTEADY_FACTOR if is_more else 1.0)

    def _few_hold_s(self, x: _State) -> float:
        return self.few_hold_s * self._patience(x)

    def _quiet_hold_s(self, x: _State) -> float:
        hold_s = self.quiet_hold_s * self._patience(x)
        return max(hold_s, USUAL_FACTOR * x.usual_s) if self.open_hold_s is None else hold_s

    def _open_hold_s(self, x: _State) -> float:
        return max((self.open_hold_s or 0.0) * self._patience(x), USUAL_FACTOR * x.usual_s)

    def _usual_s(self, x: _State, run: _Run) -> float:
        """The longest run of so many people: by night where they are judged by night only, else by day."""
        is_nightly = self.open_hold_s is None
        ran_s = run.quiet_s if is_nightly else run.open_s - run.quiet_s - run.few_s
        is_tap = ran_s >= 2 * (self._quiet_hold_s(x) if is_nightly else self._open_hold_s(x))
        return x.usual_s if is_tap else max(ran_s, x.usual_s)

    def _patience(self, x: _State) -> float:
        if x.register is None or not self.is_many:
            return 1.0
        return (1.0 + apart_s(x.register[2][0], self.tap_lpm) / 60.0) / 2.0

    def _is_due(self, run: _Run, x: _State) -> bool:
        if x.mode == _Mode.PEAK:
            return False
        if x.mode == _Mode.QUIET and run.quiet_s >= self._quiet_hold_s(x) - SLACK_S:
            return True
        is_tap = self._is_judged(run, x) and self._is_steady(run, x)
        if x.mode == _Mode.FEW and is_tap:
            return True
        factor = UNSTEADY_FACTOR if self.minds_peak and not is_tap else 1.0
        return self.open_hold_s is not None and run.open_s >= factor * self._open_hold_s(x) - SLACK_S

    def _is_judged(self, run: _Run, x: _State) -> bool:
        """Whether a part of the run is long enough to see if it is one tap."""
        return run.part[0] >= self._few_hold_s(x) - SLACK_S

    def _is_steady(self, run: _Run, x: _State) -> bool:
        """Whether a tap makes most of what ran in this part; the coarser the meter, the more must be one."""
        part_s, litres, least_lpm = run.part
        return least_lpm * part_s / 60 >= min(1.0, STEADY * self._patience(x)) * litres

    def _in_mode(self, x: _State, at: float) -> _State:
        if not self._minds_hours or at < x.mode_until:
            return x
        mode, until = self._mode(at)
        usual_s = x.usual_s * (FADE if mode == _Mode.QUIET != x.mode else 1.0)
        return x._replace(mode=mode, mode_until=until, usual_s=usual_s)

    def _mode(self, at: float) -> tuple[_Mode, float]:
        """What the hour means for this meter, and until when."""
        use, night, peak = self.hours.use(at), self.hours.night(at), self.hours.washing_peak(at)
        is_quiet = not use.open or (night.open and not peak.open)
        until = min(use.until, night.until, peak.until)
        if self.cooks:
            term, cooks = self.hours.term(at), self.hours.calendar.within((COOKING,), at)
            is_quiet, until = is_quiet and not (term.open and cooks.open), min(until, term.until, cooks.until)
        if self.minds_timetable and not is_quiet:
            lesson: Stretch = self.hours.lesson(at)
            is_quiet = not lesson.open and lesson.until - at >= FREE_S
            until = min(until, lesson.until)
        mode = _Mode.QUIET if is_quiet else _Mode.PEAK if self.minds_peak and peak.open else _Mode.OPEN
        if mode == _Mode.OPEN and self.minds_peak:
            taught = self.hours.lesson(at)
            until = min(until, taught.until)
            if taught.open or taught.until - at < FREE_S:
                mode = _Mode.FEW
        if mode == _Mode.OPEN and self.is_few:
            mode = _Mode.FEW
        return mode, until

    def _change(self, turn: Turn, run: _Run) -> Change:
        evidence = Evidence(run.since, tuple(self.inputs.values()), self.limit_lpm, run.ran_s)
        delivery = Delivery.PAGE if self.pages else Delivery.DIGEST
        return Change(turn, Severity.MAJOR, delivery, f"{self.rule}.{turn.value}", _values(run), evidence)


def _values(run: _Run) -> dict[str, float | str]:
    return {"ran_s": run.ran_s, "litres": run.litres, "lpm": run.litres / max(run.ran_s, 1.0) * 60}


def _more(part: tuple[float, float, float], seconds: float, flow: float) -> tuple[float, float, float]:
    part_s, litres, least_lpm = part
    return part_s + seconds, litres + flow * seconds / 60, min(least_lpm, flow) if part_s else flow


def _minute_mean(x: _State) -> float:
    return x.total / x.heard if x.heard else x.flow


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWater:
    """Flags water that runs without a pause; wherever `flow_lpm` is measured."""

    kind: ClassVar[str] = "running_water"
    slowest_s: ClassVar[float] = 300.0  # the mean of five minutes must hold a reading
    memory_s: ClassVar[float] = 15 * 86_400.0  # nights of its own by which a floor is judged
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

    limit_lpm: float = parameter(2.0, unit="L/min", least=0.1, most=1000.0)
    tap_lpm: float = parameter(5.0, unit="L/min", least=0.1, most=1000.0)  # that a coarse register shows
    still_lpm: float = parameter(0.05, unit="L/min", least=0.001, most=10.0)
    floor_lpm: float = parameter(3.0, unit="L/min", least=0.001, most=100.0)
    still_s: float = parameter(45.0, unit="s", least=1.0, most=3600.0)
    hold_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)
    corridor_min: float = parameter(45.0, unit="min", least=0.1, most=1440.0)
    floor_min: float = parameter(60.0, unit="min", least=0.1, most=1440.0)
    closed_min: float = parameter(10.0, unit="min", least=0.1, most=1440.0)
    night_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)
    lived_in_night_min: float = parameter(90.0, unit="min", least=0.1, most=1440.0)

    def watches(self, site: Site) -> Iterable[RunningWaterWatch]:
        found = list(meters(site))
        parted = {meter.place.building for meter in found if meter.place.id != meter.place.building}
        for meter in found:
            yield self._watch(site, meter, pages=meter.place.id not in parted)

    def _watch(self, site: Site, meter: Meter, *, pages: bool) -> RunningWaterWatch:
        place, hours = meter.place, site.hours(meter.place.id)
        is_floor = meter.group is Group.FLOOR
        open_min: float | None = self.corridor_min if place.kind == "corridor" else self.hold_min
        quiet_min = open_min or 0.0
        is_few = place.kind == "washroom" and meter.group is Group.CORRIDOR
        if meter.group is Group.BUILDING:
            open_min, quiet_min = None, self.lived_in_night_min if hours.is_lived_in else self.night_min
        elif is_floor or is_few:
            open_min, quiet_min = self.floor_min, self.night_min
        elif place.kind in KEPT_CLOSED:
            quiet_min = min(self.closed_min, quiet_min)
        return RunningWaterWatch(
            key=meter.key,
            place=place.id,
            inputs=meter.inputs,
            holds_s=meter.point.holds_s,
            limit_lpm=self.limit_lpm,
            tap_lpm=max(self.limit_lpm, self.tap_lpm),
            still_lpm=self.still_lpm,
            busy_lpm=max(self.still_lpm, self.floor_lpm) if is_floor else self.still_lpm,
            still_s=self.still_s,
            open_hold_s=None if open_min is None else open_min * 60,
            quiet_hold_s=quiet_min * 60,
            few_hold_s=(self.hold_min if is_few else self.corridor_min) * 60,
            is_many=meter.group > Group.ROOM,
            minds_peak=is_floor,
            minds_timetable=place.kind in KEPT_CLOSED and hours.has_timetable,
            minds_usual=is_floor or (meter.group is Group.BUILDING and hours.is_lived_in),
            is_few=is_few,
            cooks=place.kind == "canteen",
            pages=pages,
            hours=hours,
        )
