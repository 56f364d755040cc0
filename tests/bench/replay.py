"""Readings a second through the engine with the default rules, on one core.

A campus of 200 dorm rooms (five quantities a message, every 15 s; in a quarter of them a heater is on), 60 classrooms
(lighting and presence) and 40 washrooms runs for three hours of event time; the first, in which refiners learn what is
usual, is not counted. The floor, run in turn with it, walks over the same samples and adds up their values: what plain
Python needs to look at every reading once.

    python tests/bench/replay.py [--rounds 5]
"""

import argparse
import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import rules
from rules.calendar import Calendar
from rules.engine import Engine
from rules.model import Place, Point, Sample, Site
from rules.quality import refiners

START = 1_767_571_200.0  # Mon 5 Jan 2026 08:00 in Shanghai
HOURS = 3
LEARNING_S = 3600.0

KINDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "dorm_room": (200, ("power_w", "reactive_power_var", "energy_kwh", "voltage_v", "current_a")),
    "classroom": (60, ("lighting/power_w", "occupied")),
    "washroom": (40, ("flow_lpm",)),
}


def campus() -> Site:
    places = {"b": Place("b", "b", "dormitory", "b")}
    points = {}
    for kind, (count, quantities) in KINDS.items():
        for number in range(count):
            room = f"b/{kind}-{number}"
            places[room] = Place(room, room, kind, "b")
            for spelled in quantities:
                part, _, quantity = spelled.rpartition("/")
                points[f"{room}/{spelled}"] = Point(f"{room}/{spelled}", room, part, quantity, room, "bus", 37.5)
    return Site("bench", "bench", places, points, Calendar())


def samples(site: Site) -> list[Sample]:
    rng = random.Random(1)
    out = []
    for room, place in site.places.items():
        names = [point.id for point in site.points_at(room)]
        if not names:
            continue
        every = 60 if place.kind == "washroom" else 15
        level, phase, energy, there = 0.0, rng.uniform(0.0, every), 0.0, False
        for at in range(0, HOURS * 3600, every):
            if rng.random() < 0.01:
                level, there = rng.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 450.0, 1500.0)), rng.random() < 0.5
            energy += (60 + level) * every / 3.6e6
            when = round(START + at + phase, 3)
            out.append(Sample(when, room, {name: _value(name, level, energy, there, rng) for name in names}))
    out.sort(key=lambda sample: sample.at)
    return out


def _value(name: str, level: float, energy: float, there: bool, rng: random.Random) -> float:
    quantity = name.rpartition("/")[2]
    noise = rng.uniform(-2, 2)
    values = {
        "flow_lpm": 6.0 if level else 0.0, "occupied": float(there), "energy_kwh": round(energy, 2),
        "power_w": round(60 + level + noise, 1), "reactive_power_var": round(8.0 + noise, 1),
        "voltage_v": round(223.0 + noise, 1), "current_a": round((60 + level + noise) / 223.0, 3),
    }  # fmt: skip
    return values[quantity]


def judged(site: Site, stream: Sequence[Sample], learning: int) -> float:
    """CPU seconds for what follows the first `learning` samples."""
    watches = (watch for kind in rules.RULES.values() for watch in kind().watches(site))
    engine = Engine(watches, refiners(site))
    _run(engine, stream[:learning])
    gc.collect()
    gc.freeze()  # as the daemon does: what was built stays, and need not be looked through again and again
    begin = time.process_time()
    _run(engine, stream[learning:])
    return time.process_time() - begin


def _run(engine: Engine, stream: Sequence[Sample]) -> None:
    for number, sample in enumerate(stream):
        engine.take(sample)
        if number % 1_000 == 999:
            engine.advance(sample.at - 1.0)
    engine.advance(stream[-1].at)


def looked_at(stream: Sequence[Sample]) -> float:
    begin = time.process_time()
    total = 0.0
    for sample in stream:
        for value in sample.values.values():
            total += value
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    site = campus()
    stream = samples(site)
    learning = sum(sample.at < START + LEARNING_S for sample in stream)
    readings = sum(len(sample.values) for sample in stream[learning:])
    watches = sum(1 for kind in rules.RULES.values() for _ in kind().watches(site))

    def rate(run: Callable[[], float]) -> float:
        return readings / run()

    ours, floor = [], []
    for _ in range(args.rounds):
        ours.append(rate(lambda: judged(site, stream, learning)))
        floor.append(rate(lambda: looked_at(stream[learning:])))
    ratio = statistics.median(b / a for a, b in zip(ours, floor, strict=True))
    sys.stdout.write(
        f"replay, default rules, {watches} watches, {readings} readings in {len(stream) - learning} messages: median "
        f"{statistics.median(ours):,.0f} readings/s a core (a bare walk over them: {ratio:.0f} x as many)\n"
    )


if __name__ == "__main__":
    main()
