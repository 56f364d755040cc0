"""Heating left on (放假供暖未关): a building is heated while it is closed, or long before it opens.

Strategy. A building is judged on days when nobody uses any of its rooms, until the time before the next opening that
warming up takes; and, where it is only taught in, in the night before a day of use: there heating that was off and
starts too early. It is heated while a circuit is hot or says so, unless it is near freezing outside (what goes on then
may be frost protection); or while its coldest room does not cool from one half of a day to the next although it is far
colder outside, whatever keeps it so. Time counts as far as readings speak; what pauses shorter than `pause_s`, as a
thermostat does, goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf
from typing import ClassVar, NamedTuple

from rules.heating_left_on_words import WORDS
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.room_too_cold import SAT_IN
from rules.rule import Words, parameter

CIRCUIT, SWITCH, ROOM, OUTDOOR = "circuit", "switch", "room", "outdoor"
HYSTERESIS_K = 7.0  # a circuit cools slowly, and runs cooler on mild days
COLDER_K = 10.0     # outside than in rooms that ought to cool
COOLS_K = 0.5       # less than that, and something heats them
LOOK_S = 60.0       # rooms are looked at together, not at each reading
SLACK_S = 0.001
UNHEATED = frozenset({  # rooms for whose sake nothing is heated
    "boiler_room", "pump_room", "distribution_room", "drinking_boiler", "gate", "outdoor", "corridor", "stairwell",
    "washroom", "freezer", "cold_store", "sample_fridge",
})  # fmt: skip


class _Day(IntEnum):
    USED = 0
    CLOSED = 1
    WARMING = 2  # before an opening: heating may run, what was told goes on
    EARLY = 3    # the night before a day of use


class Thing(NamedTuple):
    """One reading of a building: what sort it is, and how long it speaks."""

    point: str
    sort: str
    holds_s: float


class _Run(NamedTuple):
    """Heating for nobody: `covered_s` of it were seen, it has paused for `paused_s`, `told` rungs are told."""

    since: float
    why: str
    covered_s: float = 0.0
    paused_s: float = 0.0
    told: int = 0


class _State(NamedTuple):
    """`newest` is by thing: time, value, whether it is on (circuits alone); `was_off`: no circuit ran tonight.

    `mark` is when the coldest room was looked at half a day ago, and how warm it was; `stays_warm` what came of it."""

    day: int = _Day.USED
    until: float = 0.0
    at: float = 0.0
    newest: tuple[tuple[float, float, bool], ...] = ()
    was_off: bool = False
    run: _Run | None = None
    mark: tuple[float, float] | None = None
    stays_warm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingLeftOnWatch:
    """One building: its circuits, its heated rooms and the air outside; `hours` are those of its rooms."""

    rule: ClassVar[str] = "heating_left_on"
    version: ClassVar[int] = 1

    key: str
    place: str
    things: tuple[Thing, ...]
    hours: tuple[Hours, ...]
    on_c: float
    warm_c: float
    frost_c: float
    hold_s: float
    long_s: float
    pause_s: float
    early_s: float
    lead_s: float
    coast_s: float
    inputs: Mapping[str, str] = field(init=False)  # role -> point: each point is its own role
    _index: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", {thing.point: thing.point for thing in self.things})
        object.__setattr__(self, "_index", {thing.point: index for index, thing in enumerate(self.things)})

    @property
    def start(self) -> _State:
        return _State(newest=((0.0, 0.0, False),) * len(self.things))

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if state[0] == _Day.USED and at < state[1]:
            return state, ()
        changes: list[Change] = []
        if at >= state[1]:
            state = self._turned(state, at, changes)
            if state.day == _Day.USED:
                return state, changes
        newest, is_due = list(state.newest), at - state.at >= LOOK_S
        for point, value in values.items():
            index = self._index[point]
            sort = self.things[index].sort
            line = self.on_c - (HYSTERESIS_K if newest[index][2] else 0.0) if sort == CIRCUIT else 0.5
            newest[index] = at, value, sort in (CIRCUIT, SWITCH) and value > line
            is_due = is_due or sort in (CIRCUIT, SWITCH)
        state = state._replace(newest=tuple(newest))
        return (self._looked(state, at, changes) if is_due else state), changes

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        run = state.run and _Run(*state.run)
        return Hold(run.since, min(run.covered_s, self.hold_s), self.hold_s) if run and not run.told else None

    def explain(self, state: _State, at: float) -> Explanation:
        if not state.until:
            return Explanation("heating_left_on.unheard", {})
        day, until = self._day(at)
        if state.run is not None:
            run = _Run(*state.run)
            values = {"since_at": run.since, "on_s": run.covered_s, "needed_s": self.hold_s}
            return Explanation(f"heating_left_on.{'told' if run.told else 'waiting'}", values)
        return Explanation(f"heating_left_on.{day.name.lower()}", {"until_at": until})

    # -- the calendar

    def _turned(self, x: _State, at: float, changes: list[Change]) -> _State:
        """The state when the calendar has turned; an opening ends all."""
        day, until = self._day(at)
        if day in (_Day.USED, _Day.EARLY):
            if x.run is not None and x.run[4]:
                changes.append(self._change(Turn.CLEARED, _Run(*x.run), x, at, "cleared_used"))
            return x._replace(day=day, until=until, was_off=False, run=None)
        if day == _Day.CLOSED and x.day != _Day.CLOSED:
            x = x._replace(mark=None, stays_warm=False)
        return x._replace(day=day, until=until)

    def _day(self, at: float) -> tuple[_Day, float]:
        """What a time is for the building, and until when at least."""
        calendar = self.hours[0].calendar
        today = calendar.local(at).date()
        midnight, tomorrow = calendar.at_minute(today, 0), calendar.at_minute(today, 1440)
        if not self._is_used(midnight):
            lead_at = self._opening(tomorrow) - self.lead_s if self._is_used(tomorrow) else inf
            return (_Day.CLOSED, min(lead_at, tomorrow)) if at < lead_at else (_Day.WARMING, tomorrow)
        opening = self._opening(midnight)
        if at >= opening:
            return _Day.USED, tomorrow
        is_taught = not any(hours.is_lived_in or hours.is_serving for hours in self.hours)
        if is_taught and at < opening - self.early_s and self._is_used(midnight - 1.0):
            return _Day.EARLY, opening - self.early_s
        return _Day.WARMING, opening

    def _is_used(self, at: float) -> bool:
        return any(hours.term(at).open for hours in self.hours)

    def _opening(self, midnight: float) -> float:
        """When the first of the rooms is used on a day on which one is."""
        return min(_first_use(hours, midnight) for hours in self.hours if hours.term(midnight).open)

    # -- heating

    def _looked(self, x: _State, at: float, changes: list[Change]) -> _State:
        """The state after all that is known now was looked at."""
        x = self._cooled(x, at) if x.day == _Day.CLOSED else x
        verdict = self._verdict(x, at)
        seen_s = min(at - x.at, max(thing.holds_s for thing in self.things)) if x.at else 0.0
        run, was_off = x.run and _Run(*x.run), x.was_off or verdict == "off"
        if run is None:
            if verdict in ("on", "warm") and x.day == _Day.CLOSED:
                run = _Run(at, verdict)
            elif verdict == "on" and x.day == _Day.EARLY and was_off:
                run = _Run(at, "early")
        elif verdict == "off":
            run = run._replace(paused_s=run.paused_s + seen_s)
            if run.paused_s >= self.pause_s - SLACK_S:
                if run.told:
                    changes.append(self._change(Turn.CLEARED, run, x, at, "cleared_off"))
                run = None
        elif verdict and (x.day != _Day.WARMING or run.why == "early"):
            run = run._replace(covered_s=run.covered_s + seen_s, paused_s=0.0)
            due = (run.covered_s >= self.hold_s - SLACK_S) + (run.covered_s >= self.long_s - SLACK_S)
            if due > run.told:
                turn = Turn.UPDATED if run.told else Turn.RAISED
                run = run._replace(told=due)
                changes.append(self._change(turn, run, x, at, f"raised_{run.why}"))
        return x._replace(at=at, run=run, was_off=was_off)

    def _verdict(self, x: _State, at: float) -> str:
        """Whether heating is `on`, keeps rooms `warm`, or is `off`; empty: nothing says so, or frost excuses it."""
        circuits = [is_on for _, is_on in self._fresh(x, at, CIRCUIT, SWITCH)]
        outdoor_c = min((value for value, _ in self._fresh(x, at, OUTDOOR)), default=inf)
        if any(circuits) and outdoor_c >= self.frost_c:
            return "on"
        rooms_c = self._coldest(x, at)
        is_warm = rooms_c is not None and x.day == _Day.CLOSED and x.stays_warm and rooms_c >= self.warm_c
        if is_warm and rooms_c is not None and outdoor_c <= rooms_c - COLDER_K:
            return "warm"
        is_off = not any(circuits) if circuits else rooms_c is not None and not is_warm
        return "off" if is_off else ""

    def _cooled(self, x: _State, at: float) -> _State:
        """The state when half a day has shown whether the rooms cool."""
        rooms_c, mark = self._coldest(x, at), x.mark
        if rooms_c is None or (mark is not None and at - mark[0] < self.coast_s):
            return x
        stays_warm = mark is not None and at - mark[0] < 2 * self.coast_s and rooms_c > mark[1] - COOLS_K
        return x._replace(mark=(at, rooms_c), stays_warm=stays_warm)

    def _coldest(self, x: _State, at: float) -> float | None:
        return min((value for value, _ in self._fresh(x, at, ROOM)), default=None)

    def _fresh(self, x: _State, at: float, *sorts: str) -> list[tuple[float, bool]]:
        """What readings of these sorts say that still speak."""
        return [
            (row[1], row[2])
            for thing, row in zip(self.things, x.newest, strict=True)
            if thing.sort in sorts and row[0] and at - row[0] <= thing.holds_s
        ]

    def _change(self, turn: Turn, run: _Run, x: _State, at: float, why: str) -> Change:
        """What is told of a run; the points to draw are those that show it."""
        sorts = (ROOM, OUTDOOR) if run.why == "warm" else (CIRCUIT, SWITCH, OUTDOOR)
        points = tuple(thing.point for thing in self.things if thing.sort in sorts)
        values = {"on_s": run.covered_s, "since_at": run.since}
        delivery = Delivery.PAGE if run.told > 1 else Delivery.DIGEST
        threshold = self.warm_c if run.why == "warm" else self.on_c
        evidence = Evidence(run.since, points, threshold, run.covered_s)
        return Change(turn, Severity.MINOR, delivery, f"heating_left_on.{why}", values, evidence)


def _first_use(hours: Hours, midnight: float) -> float:
    at = midnight
    while not (use := hours.use(at)).open:
        at = use.until
    return at


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingLeftOn:
    """Flags heated buildings while they are closed; where circuits, or rooms and the air outside, are measured."""

    kind: ClassVar[str] = "heating_left_on"
    slowest_s: ClassVar[float] = 1800.0
    memory_s: ClassVar[float] = 7 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

    on_c: float = parameter(35.0, unit="°C", least=15.0, most=95.0)
    warm_c: float = parameter(17.0, unit="°C", least=5.0, most=30.0)
    frost_c: float = parameter(4.0, unit="°C", least=-40.0, most=20.0)
    hold_h: float = parameter(2.0, unit="h", least=0.1, most=48.0)
    long_h: float = parameter(24.0, unit="h", least=0.1, most=168.0)
    pause_min: float = parameter(60.0, unit="min", least=1.0, most=1440.0)
    early_h: float = parameter(4.0, unit="h", least=0.0, most=12.0)
    lead_h: float = parameter(12.0, unit="h", least=0.0, most=24.0)
    coast_h: float = parameter(12.0, unit="h", least=1.0, most=84.0)

    def watches(self, site: Site) -> Iterable[HeatingLeftOnWatch]:
        outdoor = [
            Thing(point.id, OUTDOOR, point.holds_s)
            for place in site.places.values() if place.kind == "outdoor"
            for point in site.points_at(place.id) if point.quantity == "temperature_c" and not point.part
        ]  # fmt: skip
        buildings: dict[str, list[tuple[Place, Thing]]] = {}
        for place in site.places.values():
            for point in site.points_at(place.id):
                sort = _sort(place, point)
                if sort and (sort != ROOM or outdoor):
                    buildings.setdefault(place.building, []).append((place, Thing(point.id, sort, point.holds_s)))
        for building, found in buildings.items():
            yield self._watch(site, building, found, outdoor)

    def _watch(
        self, site: Site, building: str, found: list[tuple[Place, Thing]], outdoor: list[Thing]
    ) -> HeatingLeftOnWatch:
        places = {place.id for place, _ in found}
        return HeatingLeftOnWatch(
            key=building, place=building if len(places) > 1 else found[0][0].id,
            things=(*(thing for _, thing in found), *outdoor), hours=_hours(site, building),
            on_c=self.on_c, warm_c=self.warm_c, frost_c=self.frost_c, hold_s=self.hold_h * 3600,
            long_s=self.long_h * 3600, pause_s=self.pause_min * 60, early_s=self.early_h * 3600,
            lead_s=self.lead_h * 3600, coast_s=self.coast_h * 3600,
        )  # fmt: skip


def _sort(place: Place, point: Point) -> str:
    if point.part.partition("-")[0] == "heating":
        return {"temperature_c": CIRCUIT, "on": SWITCH}.get(point.quantity, "")
    is_room = place.heating is not None and place.kind in SAT_IN and not point.part
    return ROOM if is_room and point.quantity == "temperature_c" else ""


def _hours(site: Site, building: str) -> tuple[Hours, ...]:
    """The different hours of the rooms for whose sake a building is heated."""
    rooms = [place for place in site.places.values() if place.building == building and place.kind not in UNHEATED]
    return tuple(dict.fromkeys(site.hours(place.id) for place in rooms)) or (site.hours(building),)
