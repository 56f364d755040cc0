"""A bus of 32 meters of four protocols, as a campus has it, polled in simulated time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from adapters.device_table import load_tables
from adapters.poller import Poller
from adapters.source import Device, Line, SerialSource
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Meter, Trouble, meter
from rules.model import Fault, Sample

TABLES = load_tables()
VALUES: Mapping[str, float] = {
    "energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "voltage_v": 223.3, "current_a": 1.25,
    "frequency_hz": 50.0, "power_factor": 0.98, "volume_m3": 556.77, "heat_kwh": 1200.0, "heat_w": 2500.0,
    "supply/temperature_c": 55.25, "return/temperature_c": 40.5,
}  # fmt: skip
SLOW, FAST = Line(), Line(9600, 8, "N", 1)
MODELS = (   # model, how many, the first address, settings
    ("dlt645-single-phase", 10, 20_230_001, SLOW), ("dlt645-1997-single-phase", 2, 97_000_001, SLOW),
    ("cjt188-cold-water", 4, 78_330_011_223_301, SLOW), ("cjt188-hot-water-high-first", 3, 20_001_027_058_801, SLOW),
    ("cjt188-heat", 1, 74_001_206_471_301, SLOW), ("mbus-water", 3, 5, SLOW),
    ("mbus-heat", 1, 2_009_340_177_040_216, SLOW),
    ("eastron-sdm120", 5, 11, FAST), ("pzem-004t", 3, 21, FAST),
)  # fmt: skip
DEAD = (3, 17, 27)   # of three protocols, by their place on the bus


class Polled(NamedTuple):
    """What polling brought."""

    samples: list[Sample]
    faults: list[Fault]

    def shares(self, bus: SerialSource, span_s: float) -> list[float]:
        """Of the readings that each device was to give in a time, how many came."""
        came = Counter(sample.device for sample in self.samples for _ in sample.values)
        return [
            came[name] / (span_s / device.every_s * len(TABLES[device.model].fields))
            for name, device in zip(names(bus), bus.devices, strict=True)
        ]


def source(*, every_s: float = 60.0, slow: Line = SLOW, fast: Line = FAST, port: str = "/dev/null") -> SerialSource:
    """The bus; `fast` are the settings of Modbus, `slow` those of all others."""
    devices = [
        Device(
            model=model, address=TABLES[model].codec.address(str(first + count)), place=f"dorm-3/{model}-{count}",
            every_s=every_s, line=None if line is SLOW else fast,
        )
        for model, many, first, line in MODELS for count in range(many)
    ]  # fmt: skip
    return SerialSource(name="bus", port=port, line=slow, devices=tuple(devices))


def names(bus: SerialSource) -> list[str]:
    """How the samples call the devices."""
    return [TABLES[device.model].device_id(bus.name, device.address) for device in bus.devices]


def meters(bus: SerialSource, dead: Iterable[int] = ()) -> list[Meter]:
    """The meters of a bus; those with the numbers in `dead` are silent."""
    found = [
        meter(TABLES[device.model], device.address, lambda _: VALUES, line=device.line or bus.line)
        for device in bus.devices
    ]
    for number in dead:
        found[number].trouble = Trouble.SILENCE
    return found


def healthy(shares: list[float]) -> list[float]:
    """Those of the devices that are not dead."""
    return [share for number, share in enumerate(shares) if number not in DEAD]


def poll(bus: SerialSource, line: SimulatedLine, until: float) -> Polled:
    """Let a poller work on a line until a time, beginning at 0."""
    poller, now = Poller(bus, TABLES), 0.0
    polled = Polled([], [])
    while now < until:
        request = poller.next_request(now)
        if request is not None:
            line.feed(request.data, now, settings=request.line)
        now = max(now, min(due for due in (poller.deadline(), line.due()) if due is not None))
        for item in poller.feed(line.take(now), now):
            (polled.samples if isinstance(item, Sample) else polled.faults).append(item)
    return polled
