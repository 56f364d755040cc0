"""After the last lesson: one message a building that lists the rooms where something is still on.

Strategy. A building is *closed* from the end of its last lesson or evening study until it opens again, and all day when
nothing is taught. Some patience after closing (cleaners, the last to leave) it is looked at once: what is on then, in
rooms where the presence sensor sees nobody, is one alert. What comes on later has the same patience; it joins the open
alert, or raises a new one. Only the first message is a page; whatever follows within half a day, or in the night, waits
for the day's summary. Rooms with exams that day are left out. A room is looked at when its own readings come, the
building only when something is due or ends: so a reading costs the same in a large building. Whoever switches something
on in a closed room without a sensor is there: that is a line in the summary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar, NamedTuple

from rules import lamps
from rules.hours import Hours
from rules.lamps import APPLIANCES, LIGHTING, LOAD, POWER, PRESENCE, Lamps, Presence, Sky
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.sun import Sun

LOCKED = frozenset({"classroom", "lab", "office", "library", "washroom", "canteen", "shop"})  # rooms locked at night
JUST_LEFT_S = 300.0        # when the building is looked at, who has left only now may come back
PAGES_APART_S = 43_200.0   # one page an evening
MOST_UPDATES = 3
NAMED_ROOMS = 30           # a message stays readable


class Item(NamedTuple):
    """One circuit, sensor or appliance of a building, with the sensors that see who is in its room."""

    room: str
    role: str
    point: str
    light_holds_s: float
    presence_holds_s: float
    sensors: tuple[tuple[str, str], ...]  # name, point
    hours: int                            # which of the building's hours


class _Run(NamedTuple):
    """On and unused in closed hours: `at` is up to when it is counted."""

    since: float
    at: float
    covered_s: float = 0.0
    kwh: float = 0.0


class _Seen(NamedTuple):
    """What is known of one item."""

    thing: Lamps = Lamps()
    seen: Presence = Presence()
    run: _Run | None = None


class _Phase(NamedTuple):
    """What the calendar says until `until`: since when it is closed (None: it is open), and which hours have exams."""

    until: float = 0.0
    closed_at: float | None = None
    exams: tuple[int, ...] = ()


class _Alert(NamedTuple):
    """The open alert: the items it lists by number, and how it was told.

    `listed` are all that it ever listed; of those that ended `kwh` is what they burned, `covered_s` the longest run.
    """

    since: float
    items: tuple[int, ...]
    kwh: float
    told_as: str
    updates: int = 0
    listed: tuple[int, ...] = ()
    covered_s: float = 0.0

    def ended(self, index: int, run: _Run) -> "_Alert":
        """The alert after one of its items ended."""
        items = tuple(other for other in self.items if other != index)
        return self._replace(items=items, kwh=self.kwh + run.kwh, covered_s=max(self.covered_s, run.covered_s))


class _State(NamedTuple):
    """Read by position, as JSON brings tuples back; `due` is when the building is looked at next, 0: not planned."""

    items: tuple[_Seen, ...] = ()
    phase: _Phase = _Phase()
    due: float = 0.0
    paged_at: float = 0.0
    alert: _Alert | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterHoursWatch:
    """One building: `items` are what may be left on, `hours` the different hours of their rooms."""

    version: ClassVar[int] = 2

    rule: str
    key: str
    place: str
    items: tuple[Item, ...]
    hours: tuple[Hours, ...]
    patience_s: float
    on_w: float
    pause_s: float
    sun: Sun | None
    inputs: Mapping[str, str] = field(init=False)  # role -> point: each point is its own role
    _lights: Mapping[str, int] = field(init=False, repr=False, compare=False)                  # point -> item
    _sensors: Mapping[str, tuple[tuple[int, str], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sensors: dict[str, list[tuple[int, str]]] = {}
        for index, item in enumerate(self.items):
            for name, point in item.sensors:
                sensors.setdefault(point, []).append((index, name))
        lights = {item.point: index for index, item in enumerate(self.items)}
        object.__setattr__(self, "_lights", lights)
        object.__setattr__(self, "_sensors", {point: tuple(rows) for point, rows in sensors.items()})
        object.__setattr__(self, "inputs", {point: point for point in (*lights, *sensors)})

    @property
    def start(self) -> _State:
        return _State((_Seen(),) * len(self.items))

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        changes: list[Change] = []
        if at >= state.phase[0]:
            state = self._turned(state, at, changes)
        for point, value in values.items():  # who is there, before what is on: a jump of light asks for people
            for index, name in self._sensors.get(point, ()):
                thing, seen, run = state.items[index]
                if run or lamps.is_seen_anew(seen, name, at, value > 0, self.items[index].presence_holds_s / 2):
                    now = lamps.seen_by(seen, name, at, is_there=value > 0)
                    state = self._after(state, at, index, _Seen(thing, now, run), changes)
        for point, value in values.items():
            index = self._lights.get(point, -1)
            if index < 0:
                continue
            item, (thing, seen, run) = self.items[index], state.items[index]
            if run or lamps.is_news(thing, item.role, at, value, self.on_w, item.light_holds_s / 2):
                thing = lamps.told(
                    thing, item.role, at, value, seen,
                    on_w=self.on_w, pause_s=self.pause_s, sky=Sky(self.hours[0].calendar, self.sun),
                )  # fmt: skip
                state = self._after(state, at, index, _Seen(thing, seen, run), changes)
        if state.due and at >= state.due:
            state = self._looked(state, at, changes)
        return state, changes

    def deadline(self, state: _State) -> float | None:
        until, due = state.phase[0], state.due
        return (min(until, due) if due else until) or None

    def hold(self, state: _State, at: float) -> Hold | None:
        listed = state.alert[1] if state.alert else ()
        holds = [
            self._held(self._carried(item, seen[2], seen, at), state.phase[1] or 0.0, at)
            for index, (item, seen) in enumerate(zip(self.items, state.items, strict=True))
            if seen[2] and index not in listed and _covered_until(item, seen[0], seen[1]) >= at
        ]
        return min(holds, key=lambda hold: (hold.needed_s - hold.covered_s, hold.since), default=None)

    def _held(self, run: _Run, closed_at: float, at: float) -> Hold:
        """A run until it is told: by the first look at the building if it lasts long enough by then, else later."""
        at_first_s = run.covered_s + closed_at + self.patience_s - at
        is_in_time = at <= closed_at + self.patience_s and at_first_s >= self._just_left_s
        needed_s = at_first_s if is_in_time else self.patience_s
        return Hold(run.since, min(run.covered_s, needed_s), needed_s)

    @property
    def _just_left_s(self) -> float:
        return min(self.patience_s, JUST_LEFT_S)

    def explain(self, state: _State, at: float) -> Explanation:
        until, closed_at, exams = state.phase
        if closed_at is None:
            known = Explanation(f"{self.rule}.unknown", {})
            return Explanation(f"{self.rule}.building_in_use", {"until_at": until}) if until else known
        running = [index for index, seen in enumerate(state.items) if seen[2]]
        values: dict[str, float | str] = {"rooms": self._rooms(running), "count": float(self._count(running))}
        if state.alert:
            return Explanation(f"{self.rule}.building_open", values | {"since_at": state.alert[0]})
        if not running:
            left_out = {item.room for item in self.items if item.hours in exams}
            why = "building_exams" if left_out else "building_off"
            return Explanation(f"{self.rule}.{why}", {"since_at": closed_at, "exams": float(len(left_out))})
        since = min(_Run(*seen[2]).since for seen in state.items if seen[2])
        hold = self.hold(state, at)
        values |= {"since_at": since, "needed_s": hold.needed_s if hold else self.patience_s}
        return Explanation(f"{self.rule}.building_waiting", values)

    # -- one item

    def _after(self, x: _State, at: float, index: int, now: _Seen, changes: list[Change]) -> _State:
        """The state after a reading of one item; its run goes on, begins or ends."""
        items, phase, due, paged_at, alert = x
        thing, seen, run = now
        before = items[index]
        item = self.items[index]
        is_judged = phase[1] is not None and item.hours not in phase[2]
        if is_judged or run is not None:
            if run is not None:
                run = self._carried(item, run, before, at)
            is_left_on = is_judged and thing[2] and not seen[0]
            if not is_left_on:
                if run is not None and alert is not None:
                    alert = self._without(alert, index, run, changes)
                run = None
            elif run is None:
                run = _Run(at, at) if _covered_until(item, thing, seen) > at else None
            if run is not None and run[2] < self.patience_s - 0.001:
                wanted = at + self.patience_s - run[2]
                due = min(due, wanted) if due else wanted
            now = _Seen(thing, seen, run)
        return _State((*items[:index], now, *items[index + 1 :]), phase, due, paged_at, alert)

    def _carried(self, item: Item, run: _Run, before: _Seen, at: float) -> _Run:
        """The run when time has passed: it counts as long as the readings speak."""
        since, last, covered_s, kwh = run
        thing, seen, _ = before
        more = max(0.0, min(at, _covered_until(item, thing, seen)) - last)
        if item.role in (POWER, LOAD):
            kwh += thing[1] * more / 3.6e6
        return _Run(since, max(at, last), covered_s + more, kwh)

    # -- the building

    def _turned(self, x: _State, at: float, changes: list[Change]) -> _State:
        """The state when the calendar has turned: the building opens, closes, or another day begins."""
        phase, was_closed = self._phase(at, x.phase[1]), x.phase[1] is not None
        items, due, alert = x.items, x.due, x.alert
        is_ending = was_closed and phase.closed_at is None
        if alert is not None and is_ending:
            alert = _Alert(*alert)
            for index in alert.items:
                if run := items[index][2]:
                    alert = alert.ended(index, self._carried(self.items[index], run, items[index], at))
            changes.append(self._cleared(alert, "day"))
            alert = None
        if phase.closed_at is None:
            items, due = tuple(_Seen(thing, seen, None) for thing, seen, _ in items), 0.0
        elif not was_closed:
            due = at + self.patience_s
        x = _State(items, phase, due, x.paged_at, alert)
        if phase.closed_at is not None:
            for index in range(len(items)):
                x = self._after(x, at, index, x.items[index], changes)
        return x

    def _phase(self, at: float, closed_at: float | None) -> _Phase:
        until, is_closed, exams = inf, True, []
        for index, hours in enumerate(self.hours):
            over, use, exam = hours.over(at), hours.use(at), hours.exam(at)
            until = min(until, over.until, use.until, exam.until)
            is_closed &= over.open or not use.open
            if exam.open:
                exams.append(index)
        return _Phase(until, (at if closed_at is None else closed_at) if is_closed else None, tuple(exams))

    def _looked(self, x: _State, at: float, changes: list[Change]) -> _State:
        """The state after the building was looked at: what has been on for long enough is told, the rest waits."""
        items = tuple(
            seen if seen[2] is None else _Seen(seen[0], seen[1], self._carried(item, seen[2], seen, at))
            for item, seen in zip(self.items, x.items, strict=True)
        )
        is_first = at <= (x.phase[1] or 0.0) + self.patience_s
        needed = self._just_left_s if is_first else self.patience_s
        listed = x.alert[1] if x.alert else ()
        found, due = [], 0.0
        for index, (item, (thing, seen, run)) in enumerate(zip(self.items, items, strict=True)):
            if run is None or index in listed or _covered_until(item, thing, seen) < at:
                continue
            if run[2] >= needed - 0.001:
                found.append(index)
            else:
                wanted = at + self.patience_s - run[2]
                due = min(due, wanted) if due else wanted
        x = _State(items, x.phase, due, x.paged_at, x.alert)
        return self._told(x, at, tuple(sorted((*listed, *found))), changes, is_first=is_first) if found else x

    def _told(
        self, x: _State, at: float, listed: tuple[int, ...], changes: list[Change], *, is_first: bool
    ) -> _State:
        """The state after an alert is raised, or an open one has more rooms."""
        paged_at, alert = x.paged_at, x.alert and _Alert(*x.alert)
        if alert is None:
            is_night = any(hours.night(at).open for hours in self.hours)
            is_new = not paged_at or at - paged_at >= PAGES_APART_S
            is_empty = any(self.items[index].sensors for index in listed)
            delivery = Delivery.PAGE if is_new and (is_first or (is_empty and not is_night)) else Delivery.DIGEST
            since = min(_Run(*run).since for run in (x.items[index][2] for index in listed) if run)
            alert = _Alert(since, listed, 0.0, delivery.value, 0, listed)
            paged_at = at if delivery is Delivery.PAGE else paged_at
            changes.append(self._change(Turn.RAISED, alert, x.items, at, "rooms_raised"))
        else:
            ever = tuple(sorted({*alert.listed, *listed}))
            alert = alert._replace(items=listed, updates=alert.updates + 1, listed=ever)
            if alert.updates <= MOST_UPDATES:
                told = alert._replace(told_as=Delivery.DIGEST.value)
                changes.append(self._change(Turn.UPDATED, told, x.items, at, "rooms_updated"))
        return _State(x.items, x.phase, x.due, paged_at, alert)

    def _without(self, alert: _Alert, index: int, run: _Run, changes: list[Change]) -> _Alert | None:
        """The alert after one of its items went off, or its room is in use again; None: it was the last."""
        alert = _Alert(*alert)
        if index not in alert.items:
            return alert
        alert = alert.ended(index, run)
        if alert.items:
            return alert
        changes.append(self._cleared(alert, "off"))
        return None

    # -- what it says

    def _rooms(self, indexes: Iterable[int]) -> str:
        rooms = list(dict.fromkeys(self.items[index].room for index in indexes))
        return ", ".join(rooms[:NAMED_ROOMS]) + (" …" if len(rooms) > NAMED_ROOMS else "")

    def _count(self, indexes: Iterable[int]) -> int:
        return len({self.items[index].room for index in indexes})

    def _change(self, turn: Turn, alert: _Alert, items: tuple[_Seen, ...], at: float, why: str) -> Change:
        runs = [_Run(*run) for run in (items[index][2] for index in alert.items) if run]
        covered_s = max(run.covered_s for run in runs)
        values: dict[str, float | str] = {
            "rooms": self._rooms(alert.items), "count": float(self._count(alert.items)), "lit_s": covered_s,
            **self._energy(alert.kwh + sum(run.kwh for run in runs)),
        }  # fmt: skip
        severity = Severity.MAJOR if alert.told_as == Delivery.PAGE.value else Severity.MINOR
        evidence = self._evidence(alert.since, alert.items, covered_s)
        return Change(turn, severity, Delivery(alert.told_as), f"{self.rule}.{why}", values, evidence)

    def _cleared(self, alert: _Alert, end: str) -> Change:
        values: dict[str, float | str] = {"lit_s": alert.covered_s, **self._energy(alert.kwh)}
        severity = Severity.MAJOR if alert.told_as == Delivery.PAGE.value else Severity.MINOR
        why = f"{self.rule}.rooms_cleared_{end}"
        evidence = self._evidence(alert.since, alert.listed, alert.covered_s)
        return Change(Turn.CLEARED, severity, Delivery(alert.told_as), why, values, evidence)

    def _evidence(self, since: float, indexes: Iterable[int], covered_s: float) -> Evidence:
        points = tuple(self.items[index].point for index in indexes)
        return Evidence(since, points, self.on_w if self._is_metered else None, covered_s)

    @property
    def _is_metered(self) -> bool:
        return any(item.role in (POWER, LOAD) for item in self.items)

    def _energy(self, kwh: float) -> dict[str, float | str]:
        """What was wasted, where it is measured."""
        return {"wasted_kwh": kwh, "energy": f"{kwh:.1f} kWh"} if self._is_metered else {"energy": "– kWh"}


def _covered_until(item: Item, thing: Lamps, seen: Presence) -> float:
    until = thing[0] + item.light_holds_s
    return min(until, seen[2] + item.presence_holds_s) if item.sensors else until


def is_told_of(site: Site, place: Place, point: Point) -> bool:
    """Whether the message of the building speaks of this point: its room is locked up, and it is known to be on."""
    if place.kind not in LOCKED or site.hours(place.id).is_lived_in:
        return False
    return point.part == LIGHTING or point.part in APPLIANCES or point.quantity == "illuminance_lx"


def building_watches(
    site: Site, things: Iterable[tuple[Place, str, Point]], *, rule: str, patience_s: float, on_w: float, pause_s: float
) -> Iterable[AfterHoursWatch]:
    """One watch for each building of these things (`role` and point by place) of which its message speaks."""
    buildings: dict[str, list[tuple[Place, str, Point]]] = {}
    for place, role, point in things:
        if is_told_of(site, place, point):
            buildings.setdefault(place.building, []).append((place, role, point))
    for building, rows in buildings.items():
        hours = list(dict.fromkeys(site.hours(place.id) for place, _, _ in rows))
        yield AfterHoursWatch(
            rule=rule, key=building, place=building,
            items=tuple(_item(site, place, role, point, hours) for place, role, point in rows),
            hours=tuple(hours), patience_s=patience_s, on_w=on_w, pause_s=pause_s, sun=site.sun,
        )  # fmt: skip


def _item(site: Site, place: Place, role: str, point: Point, hours: Sequence[Hours]) -> Item:
    sensors = [other for other in site.points_at(place.id) if other.quantity == PRESENCE]
    return Item(
        place.name, role, point.id, point.holds_s, min((other.holds_s for other in sensors), default=0.0),
        tuple((f"{number}", other.id) for number, other in enumerate(sensors, 1)),
        hours.index(site.hours(place.id)),
    )  # fmt: skip
