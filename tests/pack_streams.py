"""Random days of a campus that has what every rule needs, and the whole pack over it, for property tests.

Slow rules get short patience (`SHORT`), so that days are enough to hear from each of them.
"""

import random
from collections.abc import Callable, Iterator

from streams import GRACE_S, SOURCE, START, Arrival

import rules
from rules.calendar import Calendar, Season
from rules.expression import Expression
from rules.fact import permit
from rules.limit import Limit
from rules.meter_balance import MeterBalance
from rules.model import Place, Point, Sample, Site
from rules.rule import RuleKind
from rules.sun import Sun
from rules.watch import Watch

DAY_S = 86_400.0
ROOMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "d/101": ("dorm_room", ("power_w", "reactive_power_var", "voltage_v", "energy_kwh", "current_a")),
    "d/102": ("dorm_room", ("power_w",)),
    "d/stair": ("stairwell", ("power_w",)),
    "d/1F-wash": ("washroom", ("flow_lpm",)),
    "d": ("dormitory", ("volume_m3",)),
    "t/201": ("classroom", ("lighting/power_w", "illuminance_lx", "occupied", "ac/power_w")),
    "t/202": ("office", ("illuminance_lx", "occupied")),
    "t/203": ("classroom", ("lighting/power_w",)),
    "t/hall": ("corridor", ("lighting/power_w",)),
    "t/1F-wash": ("washroom", ("volume_m3",)),
    "t/boiler": ("boiler_room", ("temperature_c", "clock_offset_s")),
    "p/boiler": ("boiler_room", (
        "supply/temperature_c", "return/temperature_c", "flue/temperature_c", "pressure_kpa", "level_mm", "level_low",
        "flame", "fire_pct", "demand", "pump/on", "door_open", "round", "on_duty",
    )),
    "p/kettle": ("drinking_boiler", ("temperature_c", "power_w", "level_low")),
    "p/office": ("office", ("temperature_c", "heating/temperature_c")),
    "p/pipes": ("pump_room", ("temperature_c", "pressure_kpa", "pressure_test")),
    "p/board": ("distribution_room", ("residual_ma", "terminal/temperature_c")),
    "p/circuit": ("distribution_room", ("voltage_v", "current_a")),
    "p/freezer": ("freezer", ("temperature_c", "door_open")),
    "p/store": ("cold_store", ("temperature_c", "door_open")),
    "p/samples": ("sample_fridge", ("temperature_c",)),
    "p/yard": ("outdoor", ("temperature_c",)),
}  # fmt: skip
LEVELS: dict[str, tuple[float, ...]] = {  # what plant shows, from one hour to the next
    "p/freezer/temperature_c": (-20.0, -18.0, -5.0), "p/store/temperature_c": (4.0, 5.0, 14.0),
    "p/samples/temperature_c": (4.0, 12.0), "p/yard/temperature_c": (-8.0, 2.0, 12.0),
    "p/office/temperature_c": (2.0, 12.0, 21.0), "p/office/heating/temperature_c": (3.0, 20.0, 55.0),
    "p/pipes/temperature_c": (2.0, 18.0, 21.0), "p/kettle/temperature_c": (60.0, 97.0, 108.0),
    "p/kettle/power_w": (0.0, 0.0, 3000.0), "p/board/terminal/temperature_c": (30.0, 45.0, 95.0),
    "residual_ma": (8.0, 60.0, 400.0),
    "supply/temperature_c": (55.0, 75.0, 97.0), "return/temperature_c": (40.0, 55.0),
    "pressure_kpa": (20.0, 180.0, 360.0), "flue/temperature_c": (110.0, 150.0, 190.0),
    "level_mm": (0.0, 10.0, -70.0, 80.0), "fire_pct": (0.0, 40.0, 90.0),
}  # fmt: skip
SPREAD = {"pressure_kpa": 1.0, "level_mm": 3.0, "residual_ma": 1.0, "power_w": 5.0}
SHORT: dict[str, dict[str, float]] = {
    "leak": {"suspect_h": 6.0, "alarm_h": 9.0},
    "stuck": {"frozen_s": 600.0, "still_s": 3600.0, "uncounted_s": 7200.0, "dry_days": 1.0},
    "implausible": {"hold_s": 120.0, "spikes": 2.0, "reversed_s": 3600.0},
    "counter_fault": {"hold_s": 0.0, "clear_s": 3600.0},
    "ebike_charging": {"hold_h": 0.5, "taper_h": 0.5},
    "overload": {"limit_w": 1200.0},
    "lamp_out": {"days_out": 1},
    "lights_in_daylight": {"hold_min": 20.0},
    "lights_all_night": {"hours_on": 1.0},
    "running_water": {"lived_in_night_min": 30.0},
    "short_cycling": {"warn_starts": 1.0, "alarm_starts": 3.0, "run_min": 60.0, "runs": 2.0},
    "loop_resistance": {"learn_d": 1.0},
    "boiler_pressure": {"working_kpa": 350.0, "static_kpa": 120.0},
    "boiler_spread": {"narrow_min": 20.0},
    "boiler_unattended": {"round_h": 0.5, "shift_h": 1.0},
    "pressure_hold": {"test_h": 0.5},
}
DECLARED: tuple[RuleKind, ...] = (
    Limit(name="hot", quantity="temperature_c", above=70.0, hysteresis=2.0, for_min=20.0),
    Expression(name="both", points=(("a", "d/101/power_w"), ("b", "d/102/power_w")), when="a + b > 900", for_min=5.0),
    MeterBalance(
        name="dorm", parent=(("d/volume_m3", "d/volume_m3"),), children=(("t", "t/1F-wash/volume_m3"),), times=1
    ),
)


def campus(every_s: float) -> Site:
    """A dormitory with power cuts at night, and a teaching building, all read every `every_s` seconds."""
    places = {
        "d": Place("d", "3号楼", "dormitory", "d"),
        "t": Place("t", "教学楼", "teaching", "t"),
        "p": Place("p", "后勤楼", "administration", "p"),
    }
    points: dict[str, Point] = {}
    for name, (kind, quantities) in ROOMS.items():
        heating = Season((11, 1), (3, 31)) if name.startswith("p/") else None
        places[name] = Place(name, name, kind, name.partition("/")[0], heating=heating)
        for spelled in quantities:
            part, _, quantity = spelled.rpartition("/")
            point = Point(f"{name}/{spelled}", name, part, quantity, f"{SOURCE}/{name}", SOURCE, 2.5 * every_s)
            points[point.id] = point
            if quantity == "volume_m3":
                flow = f"{name}/flow_lpm"
                points[flow] = point._replace(id=flow, quantity="flow_lpm", of=point.id)
    return Site("s", "一中", places, points, Calendar(), Sun(39.9, 116.4))


def pack(site: Site) -> list[Watch]:
    """Every rule of the registry."""
    kinds = [kind(**SHORT.get(name, {})) for name, kind in rules.RULES.items() if not kind.is_declared]
    return [watch for kind in (*kinds, *DECLARED) for watch in kind.watches(site)]


def days(rng: random.Random, count: float, every_s: float) -> list[Arrival]:
    """Days of samples in order of arrival: all that rules look for, and all that goes wrong on the way."""
    begin = START + rng.randrange(6) * DAY_S + rng.choice((0, 5, 10, 15, 20)) * 3600.0
    end = begin + count * DAY_S
    samples: list[Sample] = []
    for room, make in _ROOMS.items():
        values = make(rng, begin, end, every_s)
        samples += [Sample(round(at, 3), f"{SOURCE}/{room}", of) for at, of in _lossy(rng, values, every_s)]
    samples += _from_source(rng, begin, end)
    dead = begin + rng.uniform(0.3, 0.7) * (end - begin)
    samples = [s for s in samples if s.device.startswith("source/") or not dead < s.at < dead + 2400.0]
    samples += [permit("d/102", 600.0, begin=begin, end=begin + DAY_S / 2, at=begin + 60.0)]
    arrivals = []
    for sample in samples:
        late = rng.uniform(30.0, 55.0) if rng.random() < 0.01 else rng.uniform(0.0, GRACE_S - 1.0)
        arrivals.append(Arrival(sample.at + late, sample))
        if rng.random() < 0.01:
            arrivals.append(Arrival(sample.at + late + rng.uniform(0.0, 3.0), sample))
    return sorted(arrivals, key=lambda arrival: arrival.arrived)


Values = Iterator[tuple[float, dict[str, float]]]


def _from_source(rng: random.Random, begin: float, end: float) -> list[Sample]:
    state = f"source/{SOURCE}"
    out = [Sample(begin, state, {f"{state}/online": 1.0})]
    for _ in range(2):
        dead = rng.uniform(begin, end)
        out.append(Sample(round(dead, 3), state, {f"{state}/online": 0.0}))
        out.append(Sample(round(dead + rng.uniform(60, 3000), 3), state, {f"{state}/online": 1.0}))
    return out


def _lossy(rng: random.Random, values: Values, every_s: float) -> Values:
    """A device that is away now and then, freezes, or says nonsense."""
    away_until = frozen_until = 0.0
    frozen: dict[str, float] = {}
    for at, of in values:
        if at < away_until:
            continue
        if rng.random() < 0.002:
            away_until = at + rng.choice((3, 20, 60)) * every_s
        if rng.random() < 0.0005:
            frozen, frozen_until = of, at + 300 * every_s
        if at < frozen_until:
            of = frozen
        elif rng.random() < 0.004:
            point = rng.choice(sorted(of))
            of = {**of, point: of[point] * rng.choice((0.0, 1000.0)) + rng.choice((0.0, 9999.0))}
        yield at, of


def _times(rng: random.Random, begin: float, end: float, every_s: float) -> Iterator[float]:
    at = begin + rng.uniform(0.0, every_s)
    while at < end:
        yield at
        at += every_s + rng.uniform(-0.02, 0.02) * every_s


def _dorm_room(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
    until, load_w, load_var, energy = begin, 0.0, 0.0, 100.0
    for at in _times(rng, begin, end, every_s):
        if at >= until:
            until, load_w = at + rng.uniform(300, 9000), rng.choice((0.0, 0.0, 0.0, 200.0, 450.0, 900.0, 1600.0))
            load_var = rng.choice((0.0, 0.0, 0.4)) * load_w
        watts = round(60.0 + load_w + rng.uniform(-2, 2), 1)
        energy += watts * every_s / 3.6e6
        yield at, {
            "d/101/power_w": watts, "d/101/reactive_power_var": round(8 + load_var + rng.uniform(-2, 2), 1),
            "d/101/voltage_v": round(rng.gauss(222, 1.5), 1), "d/101/energy_kwh": round(energy, 2),
            "d/101/current_a": round(watts / 220.0, 2),
        }  # fmt: skip


def _power(point: str, levels: tuple[float, ...]) -> Callable[..., Values]:
    def make(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
        until, watts = begin, 0.0
        for at in _times(rng, begin, end, every_s):
            if at >= until:
                until, watts = at + rng.uniform(600, 15_000), rng.choice(levels)
            yield at, {point: round(watts + rng.uniform(0.0, 1.5), 1)}

    return make


def _water(point: str, *, is_register: bool) -> Callable[..., Values]:
    def make(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
        until, flow, litres = begin, 0.0, 123_000.0
        for at in _times(rng, begin, end, every_s):
            if at >= until:
                flow = rng.choice((0.0, 0.0, 0.3, 6.0, -2.0, 60.0))
                until = at + rng.uniform(600, 30_000 if flow < 1.0 else 9_000)
                if is_register and rng.random() < 0.02:
                    litres = 0.0  # another meter, of which nobody told
            litres += max(flow, 0.0) * every_s / 60
            leak = 0.4 if _is_old(at, begin, end) else 0.0
            yield at, {point: float(int(litres)) / 1000 if is_register else round(flow + leak, 2)}

    return make


def _classroom(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
    until, lit, there, cool = begin, False, False, 0.0
    for at in _times(rng, begin, end, every_s):
        if at >= until:
            until = at + rng.uniform(600, 12_000)
            lit, there, cool = rng.random() < 0.6, rng.random() < 0.4, rng.choice((0.0, 900.0))
        lamps = 320.0 if _is_old(at, begin, end) else 360.0
        sun = max(0.0, 900.0 * (1 - abs((at / DAY_S + 8 / 24) % 1.0 - 0.5) * 4))
        yield at, {
            "t/201/lighting/power_w": round(lamps * lit + rng.uniform(0.0, 1.0), 1),
            "t/201/illuminance_lx": round(420.0 * lit + sun + rng.uniform(0.0, 5.0), 1),
            "t/201/occupied": float(there and rng.random() < 0.8),
            "t/201/ac/power_w": round(cool + rng.uniform(0.0, 9.0), 1),
        }


def _is_old(at: float, begin: float, end: float) -> bool:
    """Whether the campus has aged: a cistern leaks, a lamp of a circuit is out."""
    return at > begin + 0.7 * (end - begin)


def _office(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
    until, lit, there = begin, False, False
    for at in _times(rng, begin, end, every_s):
        if at >= until:
            until, lit, there = at + rng.uniform(600, 12_000), rng.random() < 0.5, rng.random() < 0.4
        yield at, {"t/202/illuminance_lx": round(420.0 * lit + rng.uniform(5, 12), 1), "t/202/occupied": float(there)}


def _boiler(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
    until, celsius = begin, 60.0
    for at in _times(rng, begin, end, every_s):
        if at >= until:
            until, celsius = at + rng.uniform(600, 15_000), rng.choice((55.0, 66.0, 85.0))
        values = {"t/boiler/temperature_c": round(celsius + rng.uniform(-1, 1), 1)}
        if rng.random() < 0.02:
            values["t/boiler/clock_offset_s"] = rng.choice((0.0, 3.0, 90.0, -300.0))
        yield at, values


def _plant(room: str) -> Callable[..., Values]:
    """A room of machines, where each sensor goes its own way."""

    def values(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
        levels = {
            f"{room}/{spelled}": LEVELS.get(f"{room}/{spelled}", LEVELS.get(spelled, (0.0, 1.0)))
            for spelled in ROOMS[room][1]
        }
        now = dict.fromkeys(levels, (begin, 0.0))
        for at in _times(rng, begin, end, every_s):
            out = {}
            for point, among in levels.items():
                until, level = now[point]
                if at >= until:
                    until, level = now[point] = at + rng.uniform(300, 12_000), rng.choice(among)
                spread = 0.0 if among == (0.0, 1.0) else SPREAD.get(point.rpartition("/")[2], 0.4)
                out[point] = round(level + rng.uniform(-spread, spread), 1)
            yield at, out

    return values


def _circuit(rng: random.Random, begin: float, end: float, every_s: float) -> Values:
    """A load that is switched all the time, on a wire whose resistance has doubled by the second half."""
    for at in _times(rng, begin, end, every_s):
        amperes, ohm = rng.choice((0.5, 6.0, 18.0)), 0.4 if at < (begin + end) / 2 else 0.8
        yield at, {
            "p/circuit/voltage_v": round(224.0 - amperes * ohm + rng.gauss(0.0, 0.2), 1),
            "p/circuit/current_a": round(amperes + rng.gauss(0.0, 0.02), 2),
        }


_ROOMS: dict[str, Callable[..., Values]] = {
    "d/101": _dorm_room,
    "d/102": _power("d/102/power_w", (0.0, 60.0, 400.0, 1200.0)),
    "d/stair": _power("d/stair/power_w", (20.0, 20.0, 200.0)),
    "d/1F-wash": _water("d/1F-wash/flow_lpm", is_register=False),
    "d": _water("d/volume_m3", is_register=True),
    "t/201": _classroom,
    "t/202": _office,
    "t/203": _power("t/203/lighting/power_w", (0.0, 0.0, 300.0)),
    "t/hall": _power("t/hall/lighting/power_w", (0.0, 200.0)),
    "t/1F-wash": _water("t/1F-wash/volume_m3", is_register=True),
    "t/boiler": _boiler,
    **{room: _plant(room) for room in ROOMS if room.startswith("p/")},
    "p/circuit": _circuit,
}
