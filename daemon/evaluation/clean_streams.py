"""Recordings as clean streams of single points, to be damaged at known places."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from daemon.evaluation.dorm_rooms import GRID_S, day_of_power, device_of
from rules.calendar import Calendar
from rules.model import Place, Point, Site

PULSE_M3, STEP_KWH = 0.001, 0.01
METER_EVERY_S = 30
BUILDINGS = 16


class Stream(NamedTuple):
    """The readings of one point by time; `load_w` is the power beside a counter, where it is known."""

    name: str
    quantity: str
    place: str
    every_s: float
    readings: Sequence[tuple[float, float]]
    load_w: Sequence[float] = ()

    @property
    def point(self) -> str:
        return f"b/1/{self.quantity}"

    def site(self, *others: str) -> Site:
        """A campus of this point alone, and others of the same device."""
        places = {"b": Place("b", "b", "teaching", "b"), "b/1": Place("b/1", "1", self.place, "b")}
        points = {
            f"b/1/{name}": Point(f"b/1/{name}", "b/1", "", name, "bus/1", "bus", 2.5 * self.every_s)
            for name in (self.quantity, *others)
        }
        return Site("s", "s", places, points, Calendar())


def is_test(name: str) -> bool:
    """Whether a device is kept for the figures: those that bounds and patience were chosen on are not."""
    return int(sha256(name.encode()).hexdigest(), 16) % 2 == 0


def gauges(data: Path, *, tested: bool = True) -> Iterator[Stream]:
    """Power of appliances each 5 s, flow of water meters and the air of offices each minute."""
    devices: dict[str, list[Path]] = {}
    for path in sorted((data / "appliances").glob("*/*.csv.gz")):
        devices.setdefault(f"{path.parent.name} {device_of(path)}", []).append(path)
    for name, paths in devices.items():
        if is_test(name) is tested and len(paths) > 1:
            watts = [value for path in paths for value in day_of_power(path)]
            yield Stream(name, "power_w", "dorm_room", GRID_S, [(1e9 + GRID_S * n, v) for n, v in enumerate(watts)])
    for name, flow in _water(data):
        if is_test(name) is tested:
            yield Stream(name, "flow_lpm", "canteen", 60.0, flow)
    for path in sorted((data / "occupancy").glob("*.txt")):
        if is_test(path.name) is tested:
            yield from _air(path)


def counters(data: Path, *, tested: bool = True) -> Iterator[Stream]:
    """Registers of water meters (1 L) each minute, of buildings each hour, of appliances each 30 s (0.01 kWh)."""
    for name, flow in _water(data):
        if is_test(name) is tested:
            register = _summed((value / 1000.0 for _, value in flow), PULSE_M3)
            rows = [(at, m3) for (at, _), m3 in zip(flow, register, strict=True)]
            yield Stream(name, "volume_m3", "canteen", 60.0, rows)
    for path in sorted((data / "campus").glob("electricity_*.csv.gz"))[:1]:
        yield from _buildings(path, tested=tested)
    paths = sorted((data / "appliances").glob("*/*.csv.gz"))
    for name in sorted({f"{path.parent.name} {device_of(path)}" for path in paths}):
        mine = [path for path in paths if f"{path.parent.name} {device_of(path)}" == name]
        if is_test(name) is tested and len(mine) > 2:
            every = METER_EVERY_S // GRID_S
            watts = [value for path in mine for value in day_of_power(path)]
            kwh = _summed((value * GRID_S / 3.6e6 for value in watts), STEP_KWH)
            rows = [(1e9 + GRID_S * n, kwh[n]) for n in range(0, len(kwh), every)]
            yield Stream(name, "energy_kwh", "dorm_room", METER_EVERY_S, rows, watts[::every])


def _water(data: Path) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    for path in sorted((data / "water").glob("*_min.csv.gz")):
        with gzip.open(path, "rt") as file:
            header, *rows = csv.reader(file)
        for column, name in enumerate(header):
            if name:
                flow = [(datetime.fromisoformat(row[0]).timestamp(), float(row[column])) for row in rows if row[column]]
                yield name, flow


def _air(path: Path) -> Iterator[Stream]:
    with path.open() as file:
        _, *rows = csv.reader(file)
    times = [datetime.fromisoformat(row[1]).replace(tzinfo=UTC).timestamp() for row in rows]
    for column, quantity in ((2, "temperature_c"), (3, "humidity_pct"), (4, "illuminance_lx"), (5, "co2_ppm")):
        readings = [(at, float(row[column])) for at, row in zip(times, rows, strict=True)]
        yield Stream(f"{path.stem} {quantity}", quantity, "office", 60.0, readings)


def _buildings(path: Path, *, tested: bool) -> Iterator[Stream]:
    with gzip.open(path, "rt") as file:
        header, *rows = csv.reader(file)
    begin = datetime.fromisoformat(rows[0][0]).replace(tzinfo=UTC)
    chosen = [column for column, name in enumerate(header) if column and is_test(name) is tested][:BUILDINGS]
    for column in chosen:
        used = [float(row[column] or 0.0) for row in rows]
        times = [(begin + timedelta(hours=hour)).timestamp() for hour in range(len(rows))]
        kwh = _summed(used, STEP_KWH)
        yield Stream(header[column], "energy_kwh", "distribution_room", 3600.0, list(zip(times, kwh, strict=True)),
                     [1000.0 * value for value in used])  # fmt: skip


def _summed(used: Iterator[float] | Sequence[float], step: float) -> list[float]:
    """What a register of this resolution shows."""
    total, out = 0.0, []
    for value in used:
        total += max(value, 0.0)
        out.append(round(int(total / step + 1e-9) * step, 6))
    return out
