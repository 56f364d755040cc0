"""The real recordings that rules are tested with, and small campuses to replay them on.

They lie in `../shared/data` beside the project, or where the environment's CARETAKER_SHARED says.
"""

import gzip
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.evaluation.lights import readings
from daemon.evaluation.water_use import ZONE, meters
from rules.calendar import Calendar, Season
from rules.engine import Engine, Snapshot
from rules.model import Event, Place, Point, Sample, Site
from rules.watch import Watch

DATA = Path(os.environ.get("CARETAKER_SHARED", Path(__file__).parents[2] / "shared")) / "data"
SHANGHAI = ZoneInfo("Asia/Shanghai")

needs_recordings = pytest.mark.skipif(
    not DATA.is_dir(), reason="the recordings are not here: no ../shared/data (CARETAKER_SHARED may point elsewhere)"
)


def site(
    rooms: Mapping[str, tuple[str, Sequence[str]]], *, every_s: float = 60.0, heating: Season | None = None,
    **calendar: object,
) -> Site:  # fmt: skip
    """A campus of `building/room` (or building) -> kind and what is measured there, one device a room."""
    buildings = sorted({name.partition("/")[0] for name in rooms})
    places = {name: Place(name, name, "dormitory" if name == "dorm" else "teaching", name) for name in buildings}
    places |= {
        name: Place(name, name, kind, name.partition("/")[0], heating=heating) for name, (kind, _) in rooms.items()
    }
    points = {}
    for room, (_, quantities) in rooms.items():
        for spelled in quantities:
            part, _, quantity = spelled.rpartition("/")
            point = f"{room}/{spelled}"
            points[point] = Point(point, room, part, quantity, room, "broker", 2.5 * every_s)
    return Site("s", "第一中学", places, points, Calendar(**calendar))  # type: ignore[arg-type]


def replay(watches: Iterable[Watch], samples: Iterable[Sample], *, until: float | None = None) -> list[Event]:
    """All events of recorded samples, judged in one go."""
    engine = Engine(watches)
    last = 0.0
    for sample in samples:
        engine.take(sample)
        last = max(last, sample.at)
    return engine.advance(until or last)


def restarted(watches: Sequence[Watch], samples: Sequence[Sample], *, every: int, until: float) -> list[Event]:
    """The same with the engine stopped and started anew, through JSON, after each so many samples."""
    engine, events = Engine(watches), []
    for first in range(0, len(samples), every):
        part = samples[first : first + every]
        for sample in part:
            engine.take(sample)
        events += engine.advance(part[-1].at)
        saved = Snapshot(*json.loads(json.dumps(engine.snapshot())))
        engine = Engine(watches)
        assert engine.restore(saved) == set()
    return events + engine.advance(until)


def series(point: str, begin: float, every_s: float, runs: Iterable[tuple[float, float | None]]) -> list[Sample]:
    """Samples of one point from `(minutes, value)` runs; a value of None is a gap."""
    out, when = [], begin
    for minutes, value in runs:
        end = when + minutes * 60
        while when < end:
            if value is not None:
                out.append(Sample(when, point.rpartition("/")[0], {point: value}))
            when += every_s
    return out


def turns(events: Iterable[Event], begin: float) -> list[tuple[str, float]]:
    """What happened, and how many minutes after `begin`."""
    return [(event.turn.value, round((event.at - begin) / 60, 2)) for event in events]


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    """Unix seconds of a local time such as `2026-03-02 20:54`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def local(when: float, zone: ZoneInfo = SHANGHAI) -> str:
    """The local time of Unix seconds, to the minute."""
    return f"{datetime.fromtimestamp(when, zone):%Y-%m-%d %H:%M}"


# -- water: one-minute meters of a month


WATER_ZONE = ZoneInfo(ZONE)


@cache
def water() -> Mapping[str, Sequence[tuple[float, float]]]:
    """Meter -> (time, L/min)."""
    return meters(DATA)


# -- occupancy: an office, 1 min


def occupancy(name: str, room: str) -> Iterator[Sample]:
    """Light and presence of one office as samples of a room; times are local, as Shanghai's."""
    for when, lux, occupied in readings(DATA / "occupancy" / f"{name}.txt"):
        yield Sample(when, room, {f"{room}/illuminance_lx": lux, f"{room}/occupied": float(occupied)})


# -- appliances: power of single appliances, about 1 s


def days(appliance: str) -> list[Path]:
    """The recorded device-days of an appliance class."""
    return sorted((DATA / "appliances" / appliance).glob("*.csv.gz"))


@cache
def day_of_power(path: Path, every_s: int = 5) -> Mapping[int, float]:
    """Second of the day -> W, on a grid; where nothing was recorded for a minute there is nothing."""
    seen: list[tuple[int, float]] = []
    with gzip.open(path, "rt") as file:
        for line in file:
            stamped, told, *_ = line.split(";")
            hours, minutes, seconds = stamped[-8:].split(":")
            seen.append((int(hours) * 3600 + int(minutes) * 60 + int(seconds), float(told)))
    seen.sort(key=lambda row: row[0])
    out: dict[int, float] = {}
    for (begin, watts), (end, _) in zip(seen, [*seen[1:], (seen[-1][0] + every_s, 0.0)], strict=True):
        first = -(-begin // every_s) * every_s
        for second in range(first, min(end, begin + 60), every_s):
            out[second] = watts
    return out


def together(days_of: Iterable[Mapping[int, float]]) -> dict[int, float]:
    """The sum of appliances on one circuit; an appliance that is not recorded draws nothing."""
    out: dict[int, float] = {}
    for day in days_of:
        for second, watts in day.items():
            out[second] = out.get(second, 0.0) + watts
    return dict(sorted(out.items()))


# var for each W, assumed: the recordings hold power alone. Mains adapters lead, compressors lag, heaters do neither.
REACTIVE = {"PC-Desktop": -0.35, "PC-Laptop": -0.6, "Monitor-TFT": -0.5, "TV-LCD": -0.3, "Refrigerator": 0.75}


def circuit(paths: Iterable[Path]) -> Mapping[int, tuple[float, float]]:
    """Second of the day -> W and var of these appliances on one circuit."""
    paths = list(paths)
    power = together(day_of_power(path) for path in paths)
    reactive = together(
        {second: watts * REACTIVE.get(path.parent.name, 0.0) for second, watts in day_of_power(path).items()}
        for path in paths
    )
    return {second: (watts, reactive[second]) for second, watts in power.items()}


def named(appliance: str, *parts: str) -> list[Path]:
    """The device-days of an appliance class whose names hold one of these parts."""
    return [path for path in days(appliance) if any(part in path.name for part in parts)]
