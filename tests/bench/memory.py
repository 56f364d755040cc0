"""Resident memory of an engine with the default rules on 5,000 points, after a day of readings.

The campus is that of a large school: dorm rooms with five quantities, classrooms with lamps, presence and light,
washrooms and buildings with water meters. The floor is the same process before the engine is built (interpreter,
rules, points and samples' buffers), so that what the watches themselves take is seen.

    python tests/bench/memory.py [--hours 24]
"""

import argparse
import gc
import random
import sys

import rules
from rules.calendar import Calendar
from rules.engine import Engine
from rules.model import Place, Point, Sample, Site
from rules.quality import refiners
from rules.sun import Sun

START = 1_767_571_200.0  # Mon 5 Jan 2026 08:00 in Shanghai
EVERY_S = 300

ROOMS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "dorm_room": ("dormitory", 700, ("power_w", "reactive_power_var", "energy_kwh", "voltage_v", "current_a")),
    "classroom": ("teaching", 250, ("lighting/power_w", "occupied", "illuminance_lx", "ac/power_w")),
    "washroom": ("dormitory", 130, ("volume_m3", "flow_lpm")),
    "corridor": ("teaching", 100, ("lighting/power_w",)),
}
A_FLOOR = 50  # rooms of a building


def campus() -> Site:
    """About 5,000 points."""
    places: dict[str, Place] = {}
    points: dict[str, Point] = {}
    for kind, (house, count, quantities) in ROOMS.items():
        for number in range(count):
            building = f"{kind}-{number // A_FLOOR}"
            places.setdefault(building, Place(building, building, house, building))
            room = f"{building}/{number}"
            places[room] = Place(room, room, kind, building)
            for spelled in quantities:
                part, _, quantity = spelled.rpartition("/")
                point = f"{room}/{spelled}"
                points[point] = Point(point, room, part, quantity, room, "bus", 2.5 * EVERY_S)
    return Site("bench", "bench", places, points, Calendar(), Sun(39.9, 116.4))


def resident_mb() -> float:
    """What this process holds in memory now."""
    gc.collect()
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24)
    args = parser.parse_args()
    site = campus()
    rng = random.Random(1)
    before = resident_mb()
    engine = Engine((watch for kind in rules.RULES.values() for watch in kind().watches(site)), refiners(site))
    built = resident_mb()
    level: dict[str, float] = dict.fromkeys(site.points, 0.0)
    for at in range(0, args.hours * 3600, EVERY_S):
        for place in site.places:
            points = site.points_at(place)
            if points:
                for point in points:
                    level[point.id] = _next(point.quantity, level[point.id], rng)
                engine.take(Sample(START + at, place, {point.id: level[point.id] for point in points}))
        engine.advance(START + at)
    sys.stdout.write(
        f"memory, default rules: {len(site.points)} points, {len(engine)} watches: {before:.0f} MB before, "
        f"{built:.0f} MB with the engine, {resident_mb():.0f} MB after {args.hours} hours\n"
    )


def _next(quantity: str, last: float, rng: random.Random) -> float:
    if quantity in ("energy_kwh", "volume_m3"):
        return last + rng.choice((0.0, 0.001, 0.01))
    if quantity == "occupied":
        return float(rng.random() < 0.5)
    return {"voltage_v": 223.0, "flow_lpm": 0.0}.get(quantity, 60.0) + rng.choice((0.0, 0.0, 1.3, 300.0))


if __name__ == "__main__":
    main()
