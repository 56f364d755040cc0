"""A scene of the simulated plant: one machine, the devices that read it, and what the transport makes of it.

Strategy. A machine knows what is true at any time. A device reads some of it every so often, with noise and in the
steps of its display; contacts report when they change, and now and then all the same. Readings get lost, devices fall
silent or start anew, and the transport breaks down and says so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple, Protocol

from rules.calendar import Calendar, Season, Term
from rules.model import Place, Point, Sample, Site, source_device, stamp, state_point
from rules.quantity import QUANTITIES, Kind

HOUR, DAY = 3600.0, 86400.0
SOURCE = "plant"
HOLIDAY = frozenset(date(2026, 12, 5) + timedelta(days=n) for n in range(9))  # a week with the weekends around it
CALENDAR = Calendar(terms=(Term("2026-2027 上", date(2026, 9, 1), date(2027, 1, 22)),), closed=HOLIDAY)
WINTER = Season((11, 15), (3, 15))
EVERY_S = (1.0, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0)
BEAT_S = 1800.0    # contacts say so often that they live
LOST = 0.003       # readings that never arrive
QUIET_S = 270.0    # a silence shorter than this is no alarm anywhere
_EAST_S = 8 * HOUR  # of Greenwich; no summer time
_HOLIDAY_NUMBERS = frozenset(day.toordinal() - date(1970, 1, 1).toordinal() for day in HOLIDAY)

Contact = tuple[float, Mapping[str, float]]


class Now(NamedTuple):
    """The clock on the wall: the weekday from Monday 0, the minute of the day, and whether the school is open."""

    weekday: int
    minute: float
    is_open: bool


def now(at: float) -> Now:
    """The clock on the wall at a time."""
    number, rest = divmod(at + _EAST_S, DAY)
    weekday = int(number + 3) % 7
    return Now(weekday, rest / 60, weekday < 5 and number not in _HOLIDAY_NUMBERS)


def at_minute(day: date, minute: float) -> float:
    """The time of a minute of a local day."""
    return CALENDAR.at_minute(day, 0) + 60 * minute


class Machine(Protocol):
    """What is true: `signals` by point id, at the time it was last moved to."""

    signals: dict[str, float]

    def move(self, at: float) -> None: ...


class Silence(NamedTuple):
    """A device, or with "" all, that is not heard; `odd` is what its thermometers say first when it is back."""

    device: str
    begin: float
    end: float
    is_told: bool = False
    odd: float | None = None


@dataclass(slots=True)
class Device:
    """Reads points every `every_s`; `grains` are noise and step of each."""

    name: str
    every_s: float
    grains: Mapping[str, tuple[float, float]]
    next_at: float = 0.0
    is_odd: float | None = None
    hidden: set[str] = field(default_factory=set)          # points that are missing from its messages
    frozen: dict[str, float | None] = field(default_factory=dict)  # points that repeat what they said first

    def read(self, signals: Mapping[str, float], random: Random) -> dict[str, float]:
        """What it says of what is true."""
        values = {}
        for point, (noise, step) in self.grains.items():
            value = signals[point]
            if noise:
                value += random.gauss(0.0, noise * abs(value) if point.endswith("power_w") else noise)
            if step:
                value = round(round(value / step) * step, 3)
            values[point] = value
        for point, first in self.frozen.items():
            self.frozen[point] = values[point] = values[point] if first is None else first
        for point in self.hidden:
            values.pop(point, None)
        if self.is_odd is not None:
            odd, self.is_odd = self.is_odd, None
            values = {point: odd if point.endswith("temperature_c") else value for point, value in values.items()}
        return values


def grain(point: str, random: Random, *, is_fine: bool = False) -> tuple[float, float]:
    """Noise and display step of a sensor, as they are sold; with `is_fine` no coarser than half a step."""
    quantity = point.rpartition("/")[2]
    if QUANTITIES[quantity].kind is Kind.STATE:
        return 0.0, 0.0
    if quantity == "temperature_c":
        return random.uniform(0.02, 0.2), random.choice((0.1, 0.1, 0.5) if is_fine else (0.1, 0.1, 0.5, 1.0))
    if quantity == "pressure_kpa":
        return random.uniform(0.2, 1.5), random.choice((1.0, 1.0, 5.0, 10.0))
    if quantity == "level_mm":
        return random.uniform(0.5, 3.0), random.choice((1.0, 1.0, 5.0))
    noise, step = {
        "power_w": (0.005, 1.0), "voltage_v": (0.05, 0.1), "current_a": (0.005, 0.01), "residual_ma": (0.3, 0.1),
        "fire_pct": (0.3, 1.0), "level_pct": (0.2, 1.0),
    }[quantity]  # fmt: skip
    return noise, step


@dataclass(slots=True)
class Scene:
    """A machine with its devices and contacts at a site, from `begin` on.

    `plates` is what its name plate says, as an installer writes it: parameters by rule.
    """

    random: Random
    machine: Machine
    places: Mapping[str, Place]
    devices: list[Device]
    begin: float
    contacts: list[Contact] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    altitude_m: float = 0.0
    lost: float = LOST
    spoilt_until: float = float("inf")   # no reading is lost after this time
    contact_points: Sequence[str] = ()
    plates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def slowest_s(self) -> float:
        """The longest time between two readings of one of its devices."""
        return 1.05 * max(device.every_s for device in self.devices)

    def site(self) -> Site:
        """The campus as the rules see it."""
        points: dict[str, Point] = {}
        for device in self.devices:
            for point in device.grains:
                points[point] = self._point(point, device.name, 2.5 * device.every_s)
        for point in self.contact_points:
            points[point] = self._point(point, "contacts", 2.5 * BEAT_S)
        return Site("plant", "模拟锅炉房", self.places, points, CALENDAR, None, self.altitude_m)

    def _point(self, point: str, device: str, holds_s: float) -> Point:
        place = max((p for p in self.places if point.startswith(f"{p}/")), key=len)
        part, _, quantity = point[len(place) + 1 :].rpartition("/")
        return Point(point, place, part, quantity, f"{SOURCE}/{device}", SOURCE, holds_s)

    def samples(self, end: float) -> Iterator[Sample]:
        """All that is received until `end`, in order of time; the machine moves along."""
        queue: list[tuple[float, int, Device | Contact]] = []
        for order, device in enumerate(self.devices):
            heappush(queue, (self.begin + self.random.uniform(0, device.every_s), order, device))
        for order, contact in enumerate(self.contacts, len(self.devices)):
            heappush(queue, (contact[0], order, contact))
        words = [*self._words()]
        while queue and queue[0][0] < end:
            at, order, what = heappop(queue)
            while words and words[0].at <= at:
                yield words.pop(0)
            if isinstance(what, Device):
                self.machine.move(at)
                gap = self.random.uniform(0.98, 1.03) * what.every_s
                heappush(queue, (at + gap, order, what))
                if not self._is_silent(what, at):
                    values = what.read(self.machine.signals, self.random)
                    if values:
                        yield Sample(stamp(at), f"{SOURCE}/{what.name}", values)
            elif not any(s.is_told and s.begin <= at < s.end for s in self.silences):
                yield Sample(stamp(at), f"{SOURCE}/contacts", what[1])

    def _is_silent(self, device: Device, at: float) -> bool:
        for silence in self.silences:
            if silence.begin <= at < silence.end and silence.device in ("", device.name):
                device.is_odd = silence.odd
                return True
        return at < self.spoilt_until and self.random.random() < self.lost

    def _words(self) -> Iterator[Sample]:
        """What the transport says of itself."""
        yield Sample(stamp(self.begin), source_device(SOURCE), {state_point(SOURCE, "online"): 1.0})
        for silence in sorted(self.silences, key=lambda item: item.begin):
            if silence.is_told:
                for at, online in ((silence.begin, 0.0), (silence.end, 1.0)):
                    yield Sample(stamp(at), source_device(SOURCE), {state_point(SOURCE, "online"): online})


def devices(
    random: Random, points: Sequence[Sequence[str]], every_s: float = 0.0, *, is_fine: bool = False
) -> list[Device]:
    """A device for each group of points, at one pace or (0) each at its own."""
    return [
        Device(f"device-{n}", every_s or random.choice(EVERY_S),
               {point: grain(point, random, is_fine=is_fine) for point in group})
        for n, group in enumerate(points, 1) if group
    ]  # fmt: skip


def silences(random: Random, made: Sequence[Device], begin: float, days: float) -> list[Silence]:
    """What a month does to devices: short silences, starts anew, the transport down for hours, a device for an hour."""
    found = []
    for number in range(int(days)):
        midnight = begin + number * DAY
        for device in made:
            if random.random() < 0.3:
                at = midnight + random.uniform(0, DAY)
                found.append(Silence(device.name, at, at + random.uniform(60, QUIET_S)))
            if random.random() < 0.1:
                at = midnight + random.uniform(0, DAY)
                odd = random.choice((None, 85.0, 0.0))
                found.append(Silence(device.name, at, at + random.uniform(20, 90), odd=odd))
            if random.random() < 0.1:
                at = midnight + random.uniform(0, DAY)
                found.append(Silence(device.name, at, at + random.uniform(600, 3 * HOUR)))
        if random.random() < 0.15:
            at = midnight + random.uniform(0, DAY)
            found.append(Silence("", at, at + random.uniform(300, 4 * HOUR), is_told=True))
    return found


def places(*rooms: Place) -> dict[str, Place]:
    """Places by id."""
    return {room.id: room for room in rooms}


def attendance(
    random: Random, begin: float, end: float, is_on: Callable[[float], bool], place: str, *, last: float = float("inf"),
    leaves: bool = False,
) -> list[Contact]:  # fmt: skip
    """Who looks after a boiler while it fires: on duty, through the door, and a round about every hour.

    There are no rounds after `last`, when also nobody is on duty any more if everybody `leaves`.
    """
    out: list[Contact] = []
    duty, beat_at, round_at, at = False, 0.0, begin + random.uniform(20, 240), begin + 1.0
    releases = random.random() < 0.5
    while at < end:
        wanted = (is_on(at) or is_on(at + 900)) and not (leaves and at >= last)
        if wanted is not duty:
            duty, beat_at = wanted, at + BEAT_S
            out.append((at, {f"{place}/on_duty": float(duty), f"{place}/door_open": 0.0}))
            round_at = max(at + 60, round_at)
        elif at >= beat_at:
            beat_at = at + BEAT_S
            out.append((at, {f"{place}/on_duty": float(duty), f"{place}/door_open": 0.0, f"{place}/round": 0.0}))
        if duty and round_at <= at < last:
            out += _visit(random, at + 10, place, releases=releases)
            round_at = at + random.uniform(2700, 4800)
        at += 120.0
    return out


def _visit(random: Random, at: float, place: str, *, releases: bool) -> Iterator[Contact]:
    door, rounds = f"{place}/door_open", f"{place}/round"
    yield at, {door: 1.0}
    yield at + random.uniform(4, 15), {door: 0.0}
    at += random.uniform(20, 50)
    yield at, {rounds: 1.0}
    if releases:
        yield at + 2, {rounds: 0.0}
    at += random.uniform(10, 20)
    yield at, {door: 1.0}
    yield at + random.uniform(4, 15), {door: 0.0}
