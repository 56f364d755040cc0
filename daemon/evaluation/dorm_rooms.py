"""Room-days for measuring the rules on electricity: recorded appliances summed on one circuit, heaters switched on.

Strategy. The recordings hold the power of single appliances. A room is a handful of allowed ones, each day one of
their recorded days, moved by up to three hours; into it come *uses* cut out of recordings of heaters. Which classes are
heaters is told by their names; any other is allowed. Power is real; reactive power, air conditioners and the lamps of a
classroom, which hang on the same meter, are assumed, all of it displacement, and so every figure is semi-synthetic.
Devices are divided by the hash of their names into those to tune with and those to report on; where a class has a
single device its days are.
"""

import gzip
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from math import acos, sqrt, tan
from pathlib import Path
from statistics import median
from typing import NamedTuple

GRID_S = 5
DAY_S = 86_400
SLOTS = DAY_S // GRID_S
HELD_S = 60           # a recording that says nothing for so long draws nothing
HEATERS = (
    "kettle", "dryer", "iron", "toaster", "stove", "coffee", "cooker", "heater", "grill", "oven", "fryer", "egg",
)  # fmt: skip
OWN = ("boiler", "fountain", "dispenser")  # heaters that a room may have: on its whitelist
ELSEWHERE = ("dishwasher", "washing", "tumble", "microwave", "solar")  # neither: heater and motor, or no room's own
ON_W, ON_S = 200.0, 30    # a use: over so many watts for so long,
PAUSE_S = 300             # with pauses of at most so much,
APART_S = 1800            # and so far from the next one
# How often a room has one, and its var for each W, assumed: mains adapters lead, compressors lag.
FURNITURE: Mapping[str, tuple[float, float]] = {
    "PC-Desktop": (0.5, -0.35), "PC-Laptop": (0.8, -0.6), "Monitor-TFT": (0.5, -0.5), "TV-LCD": (0.2, -0.3),
    "Lamp": (0.7, -0.4), "Router": (0.5, -0.6), "Charger-Smartphone": (0.8, -0.6), "Refrigerator": (0.3, 0.75),
    "Printer": (0.1, -0.4), "WaterBoiler": (0.2, 0.0), "VacuumCleaner": (0.02, 0.3),
}  # fmt: skip
UNKNOWN = (0.1, -0.4)
HALF_WAVE = 0.96      # of the power, as reactive power: what a meter makes of a heater behind a diode
AIR_CONDITIONERS = ("none", "fixed", "inverter")

Series = Sequence[float]
BuiltIn = tuple[str, Callable[[random.Random], list[float]], float]  # name, a day of watts, var for each W


class Use(NamedTuple):
    """A heater that was on: when it came and went (s of the week), and watts."""

    begin: float
    end: float
    watts: float
    appliance: str
    is_half_wave: bool


class Day(NamedTuple):
    """A recorded day of one device: watts on the grid."""

    appliance: str
    device: str
    watts: Series


class RoomDay(NamedTuple):
    """What a perfect meter sees in one room on one day, and what was switched on there."""

    watts: list[float]
    var: list[float]
    uses: list[Use]
    parts: list[tuple[str, Series, int]]  # allowed appliances, their watts, and by how many slots they were moved

    def moved_most(self, slot: int) -> str:
        """The allowed appliance that changed most about a time: what a false alarm was about."""
        changes = {name: _change(series, slot - shift) for name, series, shift in self.parts}
        return max(changes, key=lambda name: changes[name], default="")


@dataclass(frozen=True, slots=True)
class Recordings:
    """The days of all devices of one half, by appliance class."""

    allowed: Mapping[str, Mapping[str, Sequence[Day]]]  # class -> device -> days
    uses: Mapping[str, Sequence[tuple[Sequence[float], bool]]]  # class of heater -> watts on the grid, is half-wave


def recordings(folder: Path, *, is_test: bool) -> Recordings:
    """The recordings of one half of the devices."""
    allowed: dict[str, dict[str, list[Day]]] = {}
    uses: dict[str, list[tuple[Sequence[float], bool]]] = {}
    for path in sorted(item for item in folder.iterdir() if item.is_dir()):
        name = path.name.lower()
        if any(word in name for word in ELSEWHERE):
            continue
        days = [Day(path.name, device_of(file), day_of_power(file)) for file in _half(path, is_test=is_test)]
        if any(word in name for word in HEATERS):
            found = [use for day in days for use in _cut(day.watts)]
            if found:
                most = max(median(use) for use in found)
                is_dryer = "dryer" in name
                uses[path.name] = [(use, is_dryer and median(use) < 0.75 * most) for use in found]
            continue
        for day in days:
            allowed.setdefault(path.name, {}).setdefault(day.device, []).append(day)
    return Recordings(allowed, uses)


def device_of(path: Path) -> str:
    """The name of the device in the name of a recording."""
    parts = [part for part in path.name.split("_20")[0].split("_") if part not in ("", "dev", "device")]
    return "_".join(parts) or path.parent.name


def _half(folder: Path, *, is_test: bool) -> list[Path]:
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.csv.gz")):
        files.setdefault(device_of(path), []).append(path)
    if len(files) == 1:
        files = {path.name: [path] for path in next(iter(files.values()))}
    order = sorted(files, key=lambda name: sha256(f"{folder.name}/{name}".encode()).hexdigest())
    return [path for index, name in enumerate(order) if (index % 2 == 0) == is_test for path in files[name]]


def day_of_power(path: Path) -> list[float]:
    """Watts at each step of the grid of one day; where nothing was recorded it draws nothing."""
    seen: dict[int, float] = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            stamped, told, *_ = line.split(";")
            seen[int(stamped[-8:-6]) * 3600 + int(stamped[-5:-3]) * 60 + int(stamped[-2:])] = float(told)
    out = [0.0] * SLOTS
    ordered = sorted(seen.items())
    for (begin, watts), (end, _) in zip(ordered, [*ordered[1:], (DAY_S, 0.0)], strict=True):
        for slot in range(-(-begin // GRID_S), -(-min(end, begin + HELD_S) // GRID_S)):
            out[slot] = watts
    return out


def _cut(watts: Series) -> Iterator[list[float]]:
    """The uses in a recording of a heater, each from its first long stretch on."""
    stretches: list[tuple[int, int]] = []
    begin = None
    for slot, value in enumerate([*watts, 0.0]):
        if value >= ON_W and begin is None:
            begin = slot
        elif value < ON_W and begin is not None:
            stretches.append((begin, slot))
            begin = None
    index = 0
    while index < len(stretches):
        first, last = stretches[index]
        index += 1
        if (last - first) * GRID_S < ON_S:
            continue
        while index < len(stretches) and (stretches[index][0] - last) * GRID_S <= PAUSE_S:
            last = stretches[index][1]
            index += 1
        yield list(watts[first:last])


@dataclass(frozen=True, slots=True)
class Room:
    """A dorm room or classroom, furnished once and lived in; `uses_a_day` is how often a heater is switched on."""

    seed: str
    recordings: Recordings
    air_conditioner: str
    uses_a_day: float
    kind: str = "dorm_room"

    def days(self, count: int) -> Iterator[RoomDay]:
        """Its days, one after the other."""
        rng = random.Random(self.seed)
        furniture = list(self._furniture(rng))
        phase = rng.gauss(0.0, 0.004)  # the meter's own error of angle
        built_in = list(self._built_in(rng))
        for number in range(count):
            parts = [(name, rng.choice(days).watts, rng.randrange(-2160, 2161)) for name, days in furniture]
            watts, var = [0.0] * SLOTS, [0.0] * SLOTS
            for name, series, shift in parts:
                ratio = FURNITURE.get(name, UNKNOWN)[1]
                moved = [*series[-shift:], *series[:-shift]] if shift else series
                watts = list(map(float.__add__, watts, moved))
                var = [q + ratio * p for q, p in zip(var, moved, strict=True)]
            for name, make, ratio in built_in:
                series = make(rng)
                watts = list(map(float.__add__, watts, series))
                var = [q + ratio * p for q, p in zip(var, series, strict=True)]
                parts.append((name, series, 0))
            uses = self._switch_on(rng, watts, var, number)
            var = [q + phase * p for q, p in zip(var, watts, strict=True)]
            yield RoomDay(watts, var, uses, parts)

    def whitelist(self) -> str:
        """What its own heaters draw, as a configuration lists it."""
        sizes = [
            median(on)
            for name, days in self._furniture(random.Random(self.seed))
            if any(word in name.lower() for word in OWN)
            and (on := [watt for day in days for watt in day.watts if watt >= ON_W])
        ]
        return ", ".join(f"{size:.0f}" for size in sizes)

    def _furniture(self, rng: random.Random) -> Iterator[tuple[str, Sequence[Day]]]:
        for name, devices in self.recordings.allowed.items():
            often = FURNITURE.get(name, UNKNOWN)[0]
            for _ in range(2):
                if rng.random() < often:
                    yield name, devices[rng.choice(sorted(devices))]

    def _built_in(self, rng: random.Random) -> Iterator[BuiltIn]:
        size, fixed, inverter = rng.uniform(700.0, 1200.0), _lag(rng, 0.86, 0.95), _lag(rng, 0.95, 0.995)
        if self.air_conditioner == "fixed":
            yield "AC fixed", partial(_fixed, size=size), fixed
        elif self.air_conditioner == "inverter":
            yield "AC inverter", partial(_inverter, size=size), inverter
        if self.kind == "classroom":
            bank, banks = rng.uniform(60.0, 180.0), rng.randrange(2, 5)
            yield "lamps", partial(_lamps, bank=bank, banks=banks), -_lag(rng, 0.90, 0.995)

    def _switch_on(self, rng: random.Random, watts: list[float], var: list[float], number: int) -> list[Use]:
        """Heaters put into a day; half of the kettles are small ones."""
        uses: list[Use] = []
        heaters = sorted(self.recordings.uses)
        wanted = int(self.uses_a_day) + (rng.random() < self.uses_a_day % 1)
        for _ in range(wanted if heaters else 0):
            name = rng.choices(heaters, [3 if "kettle" in name.lower() else 1 for name in heaters])[0]
            series, is_half_wave = rng.choice(self.recordings.uses[name])
            begin = rng.randrange(360, SLOTS - len(series) - 360)
            at = number * DAY_S + begin * GRID_S
            end = at + len(series) * GRID_S
            if any(at < use.end + APART_S and use.begin < end + APART_S for use in uses):
                continue
            plateau = median(watt for watt in series if watt >= ON_W)
            scale = rng.uniform(300.0, 800.0) / plateau if "kettle" in name.lower() and rng.random() < 0.5 else 1.0
            for slot, value in enumerate(series, begin):
                watts[slot] += value * scale
                var[slot] += value * scale * HALF_WAVE * is_half_wave
            uses.append(Use(at, end, plateau * scale, name, is_half_wave))
        return sorted(uses)


def _lag(rng: random.Random, least: float, most: float) -> float:
    """The var for each W of a power factor between two."""
    return tan(acos(rng.uniform(least, most)))


def _lamps(rng: random.Random, bank: float, banks: int) -> list[float]:
    """The lamps of a classroom from seven to ten: some of its banks at a time, often all at once."""
    out = [0.0] * (7 * 720)
    while len(out) < 22 * 720:
        lit = rng.choice((0, banks, rng.randrange(banks + 1)))
        out += [lit * (bank + rng.gauss(0.0, 0.5)) for _ in range(rng.randrange(240, 1440))]
    return out[: 22 * 720] + [0.0] * (2 * 720)


def _fixed(rng: random.Random, size: float) -> list[float]:
    """An air conditioner of one speed: on and off through parts of the day."""
    out: list[float] = []
    while len(out) < SLOTS:
        out += [0.0] * rng.randrange(720, 2880)
        for _ in range(rng.randrange(6, 24)):
            warm = rng.uniform(0.95, 1.05) * size
            run = rng.randrange(48, 180)
            out += [warm * (0.95 + 0.05 * min(1.0, slot / 24)) + rng.gauss(0.0, 6.0) for slot in range(run)]
            out += [35.0] * rng.randrange(48, 180)
    return out[:SLOTS]


def _inverter(rng: random.Random, size: float) -> list[float]:
    """An air conditioner that glides from one power to another at about 3 W/s."""
    now = 0.0
    out: list[float] = []
    while len(out) < SLOTS:
        target = rng.choice((0.0, rng.uniform(200.0, 1.2 * size)))
        while abs(now - target) > 15.0:
            now += 15.0 if target > now else -15.0
            out.append(max(0.0, now + rng.gauss(0.0, 4.0)))
        out += [max(0.0, now + rng.gauss(0.0, 4.0)) for _ in range(rng.randrange(60, 720))]
    return out[:SLOTS]


def _change(series: Series, slot: int) -> float:
    before = [series[(slot + by) % SLOTS] for by in range(-6, 0)]
    after = [series[(slot + by) % SLOTS] for by in range(1, 9)]
    return max(after) - min(before)


# -- how a meter reports it


def unsigned(watts: Series, var: Series, gain: float) -> list[float]:
    """Non-active power from apparent power, which is off by `gain`, and active power: it has no sign."""
    return [sqrt(max(0.0, (p * p + q * q) * gain * gain - p * p)) for p, q in zip(watts, var, strict=True)]


def snapshots(series: Series, every: int) -> list[float]:
    """The value at the end of each interval of so many slots."""
    return list(series[every - 1 :: every])


def means(series: Series, every: int) -> list[float]:
    """The mean of each interval of so many slots."""
    return [sum(series[first : first + every]) / every for first in range(0, len(series), every)]
