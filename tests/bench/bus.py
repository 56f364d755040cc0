"""What dead, late and noisy meters cost the others on one line, in simulated time.

32 meters of DL/T 645-2007 and 1997, CJ/T 188, M-Bus (2400 8E1) and Modbus (9600 8N1) are polled for an hour on one
simulated line. Three of them, of three protocols, are silent, send wrong checksums, or answer late; crackles on the
line may hit requests and answers. Of the readings that were due from the other 29, the share that came is printed.

    python tests/bench/bus.py [--minutes 60]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mixed_bus import DEAD, TABLES, healthy, meters, poll, source

from adapters.poller import bus_load
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Trouble

CASES: tuple[tuple[str, Trouble | None, float | None, int], ...] = (   # ..., crackles a minute
    ("answer", None, None, 0),
    ("are silent", Trouble.SILENCE, None, 0),
    ("are silent", Trouble.SILENCE, None, 12),
    ("send wrong checksums", Trouble.CHECKSUM, None, 0),
    ("answer after 0.7 s", None, 0.7, 0),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=60.0)
    span_s = arguments.parse_args().minutes * 60
    print("every   busy   three meters          crackles/min   worst   all 29")
    for every_s in (60.0, 32.0):
        bus = source(every_s=every_s)
        for what, trouble, delay_s, crackles in CASES:
            there = meters(bus)
            for number in DEAD:
                there[number].trouble = trouble
                there[number].delay_s = delay_s or there[number].delay_s
            line = SimulatedLine(there, noise_per_s=crackles / 60)
            shares = healthy(poll(bus, line, span_s).shares(bus, span_s))
            print(
                f"{every_s:3.0f} s   {bus_load(bus, TABLES):4.0%}   {what:20}  {crackles:12}   {min(shares):5.1%}"
                f"   {sum(shares) / len(shares):6.1%}"
            )  # fmt: skip


if __name__ == "__main__":
    main()
