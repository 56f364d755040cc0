"""The meters of the simulated school: courses of loads in, readings out, with noise, steps of registers, and defects.

Strategy. A course is a step function, given as edges day by day and consumed in order of time; it knows its amount and
its integral exactly at each reading, however far apart they are. A device is one message: a few quantities of one
course, or single channels. Chance comes from a ring of numbers drawn once, since tens of millions are needed.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from random import Random
from typing import NamedTuple

from daemon.evaluation.school_life import Load

RING = 8191
_FOREVER = (float("inf"), 0.0, 0.0)


class Course:
    """A circuit, a pipe or the people of a room: what flows at a time, and how much has flowed (per minute of it)."""

    __slots__ = ("amount", "at", "edges", "index", "reactive", "total")

    def __init__(self, begin: float) -> None:
        self.amount = self.reactive = self.total = 0.0
        self.at = begin
        self.edges: list[tuple[float, float, float]] = [_FOREVER]
        self.index = 0

    def plan(self, loads: Iterable[Load]) -> None:
        """Add loads that begin at or after the last reading."""
        edges = self.edges[self.index : -1]
        for _, begin, end, amount, reactive in loads:
            edges.append((begin, amount, reactive))
            edges.append((end, -amount, -reactive))
        edges.sort(key=itemgetter(0))
        edges.append(_FOREVER)
        self.edges, self.index = edges, 0

    def move(self, at: float) -> float:
        """Go to a time; the amount there."""
        edges, index = self.edges, self.index
        while edges[index][0] <= at:
            edge, amount, reactive = edges[index]
            self.total += self.amount * (edge - self.at)
            self.at = edge
            self.amount += amount
            self.reactive += reactive
            index += 1
        self.index = index
        self.total += self.amount * (at - self.at)
        self.at = at
        return self.amount


class Ring:
    """Normal numbers, drawn once; each reader goes round from its own place."""

    __slots__ = ("index", "numbers")

    def __init__(self, numbers: list[float], start: int) -> None:
        self.numbers = numbers
        self.index = start % RING

    def next(self) -> float:
        self.index = index = (self.index + 1) % RING
        return self.numbers[index]


Channel = Callable[[float], float | None]


def gauge(course: Course, ring: Ring, *, relative: float = 0.004, step: float = 0.1, least: float = 0.0) -> Channel:
    """The momentary amount, with noise relative to it, in steps; nothing below `least`."""

    def read(at: float) -> float:
        amount = course.move(at)
        if amount <= least:
            return 0.0
        return round(round(amount * (1 + relative * ring.next()) / step) * step, 3)

    return read


def reactive(course: Course, ring: Ring) -> Channel:
    """The reactive power of a circuit, lagging positive."""

    def read(at: float) -> float:
        course.move(at)
        return round(course.reactive * (1 + 0.01 * ring.next()), 1)

    return read


def mean_flow(course: Course) -> Channel:
    """The mean flow since the last reading in L/min, in steps of 0.05."""
    past = [course.total, course.at]

    def read(at: float) -> float | None:
        course.move(at)
        total, since = past
        past[:] = course.total, at
        return round(round((course.total - total) / (at - since) * 20) / 20, 2) if at > since else None

    return read


def counter(course: Course, *, scale: float, step: float, start: float) -> Channel:
    """A register: the integral (amount x seconds) times `scale`, in whole steps."""

    def read(at: float) -> float:
        course.move(at)
        return round(int((start + course.total * scale) / step + 1e-6) * step, 4)

    return read


def drift(offset_s: float, ring: Ring) -> Channel:
    """What a device's clock is ahead of ours."""

    def read(at: float) -> float:
        return round(offset_s + 0.3 * ring.next(), 1)

    return read


def presence(course: Course, random: Random, *, beat_s: float = 0.0, hold_s: float = 120.0) -> Channel:
    """A motion sensor that holds for two minutes; with `beat_s` it reports changes, and else only so often."""
    seen = [-1e12]
    told: list[float] = [-1.0, 0.0]

    def read(at: float) -> float | None:
        lively = course.move(at)
        if lively > 0.05 and random.random() < lively:
            seen[0] = at
        value = 1.0 if at - seen[0] < hold_s else 0.0
        if beat_s and value == told[0] and at - told[1] < beat_s:
            return None
        told[:] = value, at
        return value

    return read


class Sky:
    """What of the daylight comes through a usual window, in lux: set once a minute."""

    __slots__ = ("lux",)

    def __init__(self) -> None:
        self.lux = 0.0


def illuminance(lamps: Course, sky: Sky, ring: Ring, *, window: float, lux_per_watt: float) -> Channel:
    """Daylight and lamps at a desk."""

    def read(at: float) -> float:
        lux = sky.lux * window + lamps.move(at) * lux_per_watt
        return round(max(0.0, lux * (1 + 0.02 * ring.next()) + 0.5))

    return read


class Device:
    """What sends one message: channels by point id, at a phase of its period."""

    __slots__ = ("bent", "channels", "name", "period_s", "phase_s", "source", "supply")

    def __init__(
        self, name: str, source: str, channels: Mapping[str, Channel], *, phase_s: float, period_s: float = 60.0,
        supply: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.source = source
        self.channels = tuple(channels.items())
        self.phase_s = phase_s
        self.period_s = period_s
        self.supply = supply  # minutes of the day with power for the meter itself
        self.bent: list[Bend] = []

    def read(self, at: float) -> dict[str, float]:
        values = {}
        for point, channel in self.channels:
            value = channel(at)
            if value is not None:
                values[point] = value
        return values


class DormMeter(Device):
    """A single-phase meter of a dorm room in one go, since it sends most of all readings."""

    __slots__ = ("course", "place", "ring", "start_kwh")

    def __init__(
        self, name: str, source: str, place: str, course: Course, ring: Ring, *, phase_s: float, start_kwh: float,
        period_s: float = 60.0, supply: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, source, {}, phase_s=phase_s, period_s=period_s, supply=supply)
        self.place = tuple(f"{place}/{q}" for q in ("power_w", "reactive_power_var", "energy_kwh", "voltage_v"))
        self.course = course
        self.ring = ring
        self.start_kwh = start_kwh

    def read(self, at: float) -> dict[str, float]:
        course, ring = self.course, self.ring
        power, noise = course.move(at), ring.next()
        p, q, e, v = self.place
        volts = round(228.5 + 1.1 * noise - power * 0.0012, 1)
        if power < 3.0:  # below the starting current of the meter
            return {p: 0.0, q: 0.0, e: int((self.start_kwh + course.total / 3.6e6) * 100) / 100, v: volts}
        return {
            p: round(power * (1 + 0.006 * noise), 1),
            q: round(course.reactive * (1 + 0.01 * ring.next()), 1),
            e: int((self.start_kwh + course.total / 3.6e6) * 100) / 100,
            v: volts,
        }


class Bend(NamedTuple):
    """What is wrong with a device between two times: `how` is one of BENDS, `amount` its size, for points ending so."""

    how: str
    begin: float
    end: float
    amount: float = 0.0
    point: str = ""


BENDS = ("dead", "frozen", "spiking", "falling", "dimmed", "reversed", "garbled")


def bent(device: Device, at: float, values: dict[str, float], memory: dict[str, dict[str, float]]) -> dict[str, float]:
    """A reading as a broken device sends it; `memory` keeps its readings when that began."""
    for bend in device.bent:
        if at < bend.begin or (at >= bend.end and bend.how != "falling"):
            continue
        if bend.how == "dead":
            return {}
        first = memory.setdefault(f"{device.name}@{bend.begin}", values)
        if bend.how == "frozen":
            values = first
            continue
        for point in values:
            if point.endswith(bend.point):
                values = values | {point: _bent_value(bend, at, values[point], first.get(point, 0.0))}
    return values


def _bent_value(bend: Bend, at: float, value: float, first: float) -> float:
    if bend.how == "spiking":
        return bend.amount if int(at / 60) % 97 == 0 else value
    if bend.how == "garbled":
        return bend.amount
    if bend.how == "falling":  # the register begins anew
        return round(value - first, 3)
    if bend.how == "dimmed":
        return round(value * (1 - bend.amount), 1)
    return -bend.amount  # reversed: a steady flow back
