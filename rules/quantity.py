"""What can be measured: quantities, their kinds, plausible ranges, and the units that devices report them in."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a quantity behaves: a gauge moves freely, a counter only rises, a state is 0 or 1."""

    GAUGE = "gauge"
    COUNTER = "counter"
    STATE = "state"


class Quantity(NamedTuple):
    """A measured quantity; `least` and `most` bound what any real device can report, in `unit`."""

    name: str
    unit: str
    kind: Kind
    least: float
    most: float


_GAUGES = (
    ("power_w", "W", -5e6, 5e6),
    ("reactive_power_var", "var", -5e6, 5e6),
    ("apparent_power_va", "VA", 0.0, 5e6),
    ("voltage_v", "V", 0.0, 1000.0),
    ("current_a", "A", -1e4, 1e4),
    ("power_factor", "", -1.0, 1.0),
    ("frequency_hz", "Hz", 0.0, 100.0),
    ("flow_lpm", "L/min", -1e5, 1e5),
    ("temperature_c", "°C", -60.0, 1000.0),
    ("humidity_pct", "%", 0.0, 100.0),
    ("illuminance_lx", "lx", 0.0, 200_000.0),
    ("pressure_kpa", "kPa", -100.0, 10_000.0),
    ("co2_ppm", "ppm", 0.0, 50_000.0),
    ("level_mm", "mm", -10_000.0, 10_000.0),  # of water, from its middle line
    ("level_pct", "%", 0.0, 100.0),
    ("heat_w", "W", -5e7, 5e7),             # carried by water
    ("fire_pct", "%", 0.0, 100.0),         # how hard a burner fires
    ("residual_ma", "mA", 0.0, 100_000.0),
    ("clock_offset_s", "s", -1e11, 1e11),  # a device's clock less ours
    ("permit_w", "W", 0.0, 1e6),           # what people declare: see rules.fact
    ("permit_from", "s", 0.0, 1e11),
    ("permit_until", "s", 0.0, 1e11),
)
_COUNTERS = (
    ("energy_kwh", "kWh", 0.0, 1e10),
    ("reactive_energy_kvarh", "kvarh", 0.0, 1e10),
    ("heat_kwh", "kWh", 0.0, 1e10),
    ("volume_m3", "m³", 0.0, 1e10),
    ("gas_m3", "m³", 0.0, 1e10),
)
_STATES = (
    "occupied", "door_open", "flame", "on", "online", "backlog", "attended",
    "demand",         # a boiler is asked for heat
    "water_leak",     # a leak sensor on the floor: it is wet
    "level_low",      # a float switch: too little water
    "round",          # 1: somebody has just been there and looked
    "on_duty",        # 1: somebody who is responsible is there
    "pressure_test",  # 1: pipes stand under test pressure, and nobody touches them
)

QUANTITIES: dict[str, Quantity] = (
    {name: Quantity(name, unit, Kind.GAUGE, low, high) for name, unit, low, high in _GAUGES}
    | {name: Quantity(name, unit, Kind.COUNTER, low, high) for name, unit, low, high in _COUNTERS}
    | {name: Quantity(name, "", Kind.STATE, 0.0, 1.0) for name in _STATES}
)

# Factor from a device's unit to the quantity's own unit. Temperature in °F is not a factor and not offered.
UNITS: dict[str, dict[str, float]] = {
    "power_w": {"W": 1.0, "kW": 1e3, "MW": 1e6, "mW": 1e-3},
    "reactive_power_var": {"var": 1.0, "kvar": 1e3},
    "apparent_power_va": {"VA": 1.0, "kVA": 1e3},
    "voltage_v": {"V": 1.0, "mV": 1e-3, "kV": 1e3},
    "current_a": {"A": 1.0, "mA": 1e-3},
    "power_factor": {"": 1.0, "%": 0.01},
    "frequency_hz": {"Hz": 1.0},
    "flow_lpm": {"L/min": 1.0, "L/h": 1 / 60, "L/s": 60.0, "m3/h": 1000 / 60},
    "temperature_c": {"C": 1.0, "°C": 1.0},
    "humidity_pct": {"%": 1.0},
    "illuminance_lx": {"lx": 1.0, "klx": 1e3},
    "pressure_kpa": {"kPa": 1.0, "Pa": 1e-3, "hPa": 0.1, "bar": 100.0, "MPa": 1e3},
    "co2_ppm": {"ppm": 1.0},
    "level_mm": {"mm": 1.0, "cm": 10.0, "m": 1e3},
    "level_pct": {"%": 1.0},
    "fire_pct": {"%": 1.0},
    "residual_ma": {"mA": 1.0, "A": 1e3},
    "energy_kwh": {"kWh": 1.0, "Wh": 1e-3, "MWh": 1e3},
    "reactive_energy_kvarh": {"kvarh": 1.0, "varh": 1e-3},
    "heat_w": {"W": 1.0, "kW": 1e3, "MW": 1e6},
    "heat_kwh": {"kWh": 1.0, "Wh": 1e-3, "MWh": 1e3, "MJ": 1 / 3.6, "GJ": 1e3 / 3.6},
    "volume_m3": {"m3": 1.0, "L": 1e-3},
    "gas_m3": {"m3": 1.0, "L": 1e-3},
}
