"""Bytes written to the disk by a day of a campus: 200 points every 15 s, commits every minute, the default rules.

40 dorm-room meters send five quantities each; the day passes in virtual time through the daemon's own pipeline and
store. What reaches the disk is the kernel's own count for this process (`write_bytes` of /proc/self/io), with the
write-ahead log and its checkpoints; beside it what the log holds of it. The floor is the readings as bare floats with
a time each.

    python tests/bench/disk.py [--hours 24]
"""

import argparse
import math
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from replay import KINDS, START, campus
from streams import Rig, VirtualClock, watches

from daemon.pipeline import Batch
from rules.model import Received, Sample

METERS = 40
EVERY_S = 15


def written() -> int:
    return int(dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["write_bytes"])


def readings_at(meter: int, at: float, rng: random.Random, energy: list[float]) -> list[float]:
    """Power that follows the day with appliances on top, and what belongs to it."""
    evening = max(0.0, math.sin((at - START) / 86_400 * 2 * math.pi))
    power = round(30 + 80 * evening + rng.gauss(0, 1.5) + (900 if rng.random() < 0.01 else 0), 1)
    energy[meter] += power * EVERY_S / 3.6e6
    volts = round(223 + 3 * math.sin(at / 5_000) + rng.gauss(0, 0.2), 1)
    return [power, round(8 + rng.gauss(0, 0.4), 1), round(1_200 + energy[meter], 2), volts, round(power / volts, 3)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    args = parser.parse_args()
    rng = random.Random(1)
    energy = [0.0] * METERS
    quantities = KINDS["dorm_room"][1]
    rooms = [f"b/dorm_room-{number}" for number in range(METERS)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "caretaker.db"
        clock = VirtualClock(START)
        rig = Rig(path, clock, watches(campus().narrowed(["b", *rooms])), commit_s=60.0, of=campus())
        before = written()
        count = 0
        for step in range(int(args.hours * 3600 / EVERY_S)):
            for meter, room in enumerate(rooms):
                clock.at = START + step * EVERY_S + meter * EVERY_S / METERS + rng.uniform(0, 0.1)
                values = readings_at(meter, clock.at, rng, energy)
                names = (f"{room}/{quantity}" for quantity in quantities)
                sample = Sample(clock.at, room, dict(zip(names, values, strict=True)))
                rig.pipeline.consume(Batch("bus", [Received(clock.at, sample)]))
                count += len(values)
            rig.pipeline.tick()
        total = written() - before
        held = rig.store.connection.execute("SELECT sum(length(samples)) FROM batch").fetchone()[0]
        commits, alerts = rig.pipeline.commits, rig.store.next_number() - 1
        rig.finish(clock.at)
    sys.stdout.write(
        f"disk, {METERS * len(quantities)} points every {EVERY_S} s for {args.hours:g} h: {total / 1e6:.1f} MB written "
        f"({commits} commits, {alerts} alerts), {held / count:.2f} bytes a reading in the log (bare floats with a "
        f"time: 16)\n"
    )


if __name__ == "__main__":
    main()
