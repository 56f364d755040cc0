"""What goes wrong in the simulated school: injected faults, each with its place, its time, and who should answer it.

`answers` is how the names of the rules begin that may say it, the fittest first. `wants` is the least that a person
must get to see: a page, a line in the digest, or only a record; None: it means nothing, and nobody should hear of it.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from daemon.evaluation.school_campus import Campus
from daemon.evaluation.school_life import Day, Load, cooler
from daemon.evaluation.school_meters import Bend
from rules.model import Delivery

HOUR, DAY = 3600.0, 86400.0
FAR = 1e12
APART_S = DAY / 2  # two faults at one place do not come closer


class Stay(NamedTuple):
    """A course whose load of about `around` is not switched off until `until`."""

    course: str
    around: float
    until: float


class Injected(NamedTuple):
    """A fault that is known to be there; events at its places from `begin` to `end` + `tail_s` belong to it."""

    kind: str
    wants: Delivery | None
    answers: tuple[str, ...]
    places: frozenset[str]
    begin: float
    end: float
    tail_s: float = 900.0
    loads: tuple[Load, ...] = ()
    stays: tuple[Stay, ...] = ()
    bends: tuple[tuple[str, Bend], ...] = ()   # the point or the place of a device, and what is wrong with it
    dead: str = ""                             # a source, or a building, that says nothing at all
    is_offline: bool = False                   # and the transport knows it


Make = Callable[[Campus, Day, Random], Iterator[Injected]]


class Recipe(NamedTuple):
    """How a kind of fault comes about: how often in 30 days, who answers, and where and when on a day it may be."""

    kind: str
    monthly: int
    wants: Delivery | None
    answers: tuple[str, ...]
    make: Make


WATER = ("running_water", "leak", "night_flow", "burst", "meter_balance", "closed_flow")
LIGHT = ("lights",)
METER = ("stuck", "implausible", "counter", "spike", "reading", "quality", "doubt")


def injected(campus: Campus, days: Sequence[Day]) -> list[Injected]:
    """The faults of all days, apart from each other by place."""
    found: list[Injected] = []
    for recipe in RECIPES:
        random = Random(f"{campus.seed} {recipe.kind}")
        wanted = max(1, round(recipe.monthly * len(days) / 30)) if recipe.monthly * len(days) >= 8 else 0
        for _ in range(60 * wanted):
            if not wanted:
                break
            made = list(recipe.make(campus, random.choice(days), random))
            if made and _can_be_told(made[-1], days[-1].midnight + DAY) and all(_is_free(item, found) for item in made):
                made = [_named(item, recipe) for item in made]
                found += made
                wanted -= 1
    return sorted(found, key=lambda item: item.begin)


def _named(item: Injected, recipe: Recipe) -> Injected:
    """A fault as its recipe names it; one that has a name already keeps what it wants."""
    if item.kind:
        return item._replace(answers=recipe.answers)
    return item._replace(kind=recipe.kind, wants=recipe.wants, answers=recipe.answers)


def _is_free(item: Injected, found: list[Injected]) -> bool:
    near = [other for other in found if item.begin < other.end + APART_S and other.begin < item.end + APART_S]
    return not any(_own_places(item) & _own_places(other) for other in near)


def _can_be_told(item: Injected, end: float) -> bool:
    """Whether a fault is over, or has gone on for a day, when the days end: before that it may be found in time yet."""
    return item.begin + min(item.end - item.begin, DAY) + min(item.tail_s, HOUR) <= end


def _own_places(item: Injected) -> frozenset[str]:
    """Where a fault is alone: in its rooms, or in all of a building of which one message would tell."""
    rooms = frozenset(place for place in item.places if "/" in place)
    return item.places if item.stays or not rooms else rooms


def _places(campus: Campus, kind: str, *, building: str = "") -> list[str]:
    return [p.id for p in campus.places.values() if p.kind == kind and p.building.startswith(building)]


def _with_building(*places: str) -> frozenset[str]:
    return frozenset(places) | {place.split("/")[0] for place in places}


# -- water


def _metered(campus: Campus, random: Random) -> str:
    """A washroom with a meter of its own and without an automatic cistern."""
    fine = [
        place for place in _places(campus, "washroom")
        if (f"{place}/flow_lpm" in campus.points)
        and not (place.startswith("teach-3") and place.split("/")[1] in ("1F-wash", "2F-wash"))
    ]  # fmt: skip
    return random.choice(fine)


def _tap(first: float, last: float, hours: tuple[float, float], taught: bool | None) -> Make:
    """A tap of about 6 L/min that nobody shut."""

    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        if taught is not None and day.is_taught is not taught:
            return
        place = _metered(campus, random)
        begin = day.at(random.uniform(first, last))
        end = begin + random.uniform(*hours) * HOUR
        yield _water(place, begin, end, random.uniform(5, 7))

    return make


def _water(place: str, begin: float, end: float, lpm: float, *, tail_s: float = 900.0) -> Injected:
    load = Load(f"{place}/pipe", begin, end, lpm)
    return Injected("", Delivery.PAGE, (), _with_building(place), begin, end, tail_s, (load,))


def _leak(litres: float) -> Make:
    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        place = _metered(campus, random)
        if litres < 60 and campus.points.get(f"{place}/volume_m3") and not _is_fine(campus, place):
            return
        begin = day.at(random.uniform(0, 1440))
        yield _water(place, begin, begin + random.uniform(4, 6) * DAY, litres / 60, tail_s=DAY)

    return make


def _is_fine(campus: Campus, place: str) -> bool:
    return campus.pulses_l.get(place, 0.0) <= 1.0


def _burst(first: float, last: float) -> Make:
    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        place = random.choice([p for p in campus.pulses_l if "/" not in p])
        begin = day.at(random.uniform(first, last))
        yield _water(place, begin, begin + random.uniform(2, 5) * HOUR, 50.0)

    return make


def _buried(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
    begin = day.at(random.uniform(0, 1440))
    yield _water(random.choice(("dorm-1", "teach-1")), begin, begin + 7 * DAY, 250 / 60, tail_s=DAY)


def _backwards(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
    place = random.choice([p for p, pulse_l in campus.pulses_l.items() if not pulse_l])
    begin = day.at(random.uniform(600, 900))
    bend = Bend("reversed", begin, begin + 2 * HOUR, 2.0, "flow_lpm")
    bends = ((f"{place}/flow_lpm", bend),)
    yield Injected("", Delivery.DIGEST, (), _with_building(place), begin, bend.end, bends=bends)


# -- lamps and what else stays on


def _lamps(rooms: tuple[int, int]) -> Make:
    """Rooms of one building that nobody switches off after evening study."""

    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        if not day.is_taught or day.is_eve or day.is_exam:
            return
        building = f"teach-{random.randint(1, campus.size.teaching)}"
        every = _places(campus, "classroom", building=building)
        chosen = random.sample(every, min(len(every), random.randint(*rooms)))
        begin, end = day.at(1260 if building == "teach-1" else 1320), day.at(1440 + 6 * 60 + 10)
        stays = tuple(Stay(f"{place}/lighting", begin, end) for place in chosen)
        yield Injected("", Delivery.DIGEST, (), _with_building(*chosen), begin, end, stays=stays)

    return make


def _corridor(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
    if day.is_taught and not day.is_eve:
        place = random.choice(_places(campus, "corridor", building="teach"))
        begin, end = day.at(22 * 60), day.at(1440 + 6 * 60 + 40)
        stay = Stay(f"{place}/lighting", begin, end)
        yield Injected("", Delivery.DIGEST, (), _with_building(place), begin, end, stays=(stay,))


def _left_on(part: str) -> Make:
    """An air conditioner or a projector that runs on in an empty room."""

    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        if not day.is_taught:
            return
        place = random.choice([p.place for p in campus.points.values() if p.part == part])
        course = f"{place}/{part}"
        begin, end = day.at(17 * 60 + 52 if day.is_eve else 22 * 60 + 4), day.at(1440 + 6 * 60 + 30)
        loads = [Load(course, begin, end, 260.0)]
        if part == "ac":
            loads = list(cooler(course, begin, end, "fixed", random))
        yield Injected("", Delivery.DIGEST, (), _with_building(place), begin, end, loads=tuple(loads))

    return make


def _lamp_out(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
    place = random.choice(_places(campus, "classroom", building="teach-1"))
    begin = day.at(12 * 60 + 30)
    bend = Bend("dimmed", begin, begin + 9 * DAY, random.uniform(0.08, 0.12), "lighting/power_w")
    bends = ((f"{place}/lighting/power_w", bend),)
    yield Injected("", Delivery.RECORD, (), _with_building(place), begin, bend.end, bends=bends)


# -- electricity


def _appliance(watts: tuple[float, float], minutes: tuple[float, float], *, again: bool = False) -> Make:
    """A resistive appliance in a dorm room while people are at home; `again`: a second time some days later."""

    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        if not day.is_taught or day.is_eve:
            return
        place = random.choice(_places(campus, "dorm_room"))
        power = random.uniform(*watts)
        first = _heats(place, day.at(random.choice((12 * 60 + 30, 18 * 60, 22 * 60 + 15))), power, minutes, random)
        if not again:
            yield first
            return
        yield first._replace(kind="first of two", wants=Delivery.RECORD)
        yield _heats(place, first.begin + random.randint(1, 3) * DAY, power, minutes, random)

    return make


def _heats(place: str, about: float, watts: float, minutes: tuple[float, float], random: Random) -> Injected:
    begin = about + random.uniform(0, 600)
    end = begin + 60 * random.uniform(*minutes)
    load = Load(place, begin, end, watts, watts * random.uniform(-0.01, 0.02))
    return Injected("", Delivery.PAGE, (), frozenset({place}), begin, end, 300.0, (load,))


def _heater(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
    place = random.choice(_places(campus, "dorm_room", building=f"dorm-{campus.size.dorms}"))
    yield _heats(place, day.at(random.uniform(15, 240)), 1000.0, (55, 80), random)


def _bike(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
    rooms = _places(campus, "dorm_room", building=f"dorm-{campus.size.dorms}")
    place = random.choice((*random.sample(rooms, 2), *_places(campus, "stairwell")))
    begin = day.at(random.uniform(22 * 60 + 40, 24 * 60))
    end = begin + random.uniform(4.5, 6) * HOUR
    load = Load(place, begin, end, random.uniform(160, 280), random.uniform(20, 60))
    yield Injected("", Delivery.DIGEST, (), _with_building(place), begin, end, loads=(load,))


# -- devices


def _broken(how: str, kind: str, tail: str, amount: float, days: float) -> Make:
    """One device that lies or says nothing."""

    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        points = [p for p in campus.points.values() if p.quantity == tail and campus.places[p.place].kind == kind]
        points = [p for p in points if not p.of and (how != "dead" or kind != "classroom" or p.holds_s > 600)]
        if not points:
            return
        point = random.choice(points)
        begin = day.at(random.uniform(9 * 60, 21 * 60))
        bend = Bend(how, begin, begin + days * DAY, amount, tail if how not in ("dead", "frozen") else "")
        yield Injected("", Delivery.DIGEST, (), frozenset({point.place}), begin, bend.end, bends=((point.id, bend),))

    return make


def _silence(target: str, hours: float, *, is_offline: bool) -> Make:
    """A bus, a gateway or a whole building of which nothing is heard."""

    def make(campus: Campus, day: Day, random: Random) -> Iterator[Injected]:
        begin = day.at(random.uniform(9 * 60, 16 * 60))
        places = frozenset(
            p.place for p in campus.points.values() if p.source == target or p.place.split("/")[0] == target
        ) | {target, target.split()[0], ""}
        yield Injected(
            "", Delivery.DIGEST, (), places, begin, begin + hours * HOUR, dead=target, is_offline=is_offline
        )

    return make


PAGE, DIGEST, RECORD = Delivery.PAGE, Delivery.DIGEST, Delivery.RECORD
RECIPES: tuple[Recipe, ...] = (
    Recipe("silence of a building", 1, DIGEST, ("silent",), _silence("teach-2", 2, is_offline=False)),
    Recipe("dead gateway", 1, DIGEST, ("silent",), _silence("dorm-2 bus", 3, is_offline=True)),
    Recipe("dead bus", 1, DIGEST, ("silent",), _silence("dorm-1 bus", 3, is_offline=False)),
    Recipe("broker restart", 1, None, ("silent",), _silence("broker", 0.025, is_offline=True)),
    Recipe("tap by day", 5, PAGE, WATER, _tap(8 * 60, 15 * 60, (2, 5), True)),
    Recipe("tap in the peak", 3, PAGE, WATER, _tap(6 * 60 + 30, 7 * 60, (3, 4), True)),
    Recipe("tap at night", 4, PAGE, WATER, _tap(22 * 60 + 40, 23 * 60 + 59, (4, 6), None)),
    Recipe("tap at the weekend", 3, PAGE, WATER, _tap(9 * 60, 15 * 60, (4, 7), False)),
    Recipe("leak 20 L/h", 3, DIGEST, WATER, _leak(20)),
    Recipe("leak 60 L/h", 3, DIGEST, WATER, _leak(60)),
    Recipe("burst by day", 2, PAGE, WATER, _burst(9 * 60, 16 * 60)),
    Recipe("burst at night", 1, PAGE, WATER, _burst(0, 180)),
    Recipe("buried leak", 1, DIGEST, WATER, _buried),
    Recipe("reverse flow", 1, DIGEST, ("reverse", *METER), _backwards),
    Recipe("rooms left lit", 6, DIGEST, LIGHT, _lamps((3, 6))),
    Recipe("room left lit", 3, DIGEST, LIGHT, _lamps((1, 1))),
    Recipe("corridor all night", 3, DIGEST, LIGHT, _corridor),
    Recipe("air conditioner left on", 3, DIGEST, ("left_on",), _left_on("ac")),
    Recipe("projector left on", 3, DIGEST, ("left_on",), _left_on("projector")),
    Recipe("lamp out", 2, RECORD, ("lamp",), _lamp_out),
    Recipe("kettle 1200-1500 W once", 8, RECORD, ("high_power",), _appliance((1200, 1480), (3, 7))),
    Recipe("hair dryer 1200 W once", 6, RECORD, ("high_power",), _appliance((1100, 1300), (3, 6))),
    Recipe("kettle 1800 W", 3, PAGE, ("high_power",), _appliance((1700, 1900), (3, 6))),
    Recipe("second offence", 4, PAGE, ("high_power",), _appliance((900, 1400), (3, 7), again=True)),
    Recipe("rice cooker 650 W, 36 min", 3, PAGE, ("high_power",), _appliance((630, 680), (35, 40))),
    Recipe("heater at night", 2, PAGE, ("high_power",), _heater),
    Recipe("overload 4.3 kW", 2, PAGE, ("overload", "high_power"), _appliance((4200, 4500), (10, 15))),
    Recipe("e-bike at night", 4, DIGEST, ("ebike", "high_power"), _bike),
    Recipe("frozen dorm meter", 2, DIGEST, METER, _broken("frozen", "dorm_room", "voltage_v", 0, 2)),
    Recipe("frozen water meter", 1, DIGEST, METER, _broken("frozen", "washroom", "flow_lpm", 0, 2)),
    Recipe("spiking power", 2, RECORD, METER, _broken("spiking", "dorm_room", "power_w", 65535.0, 1)),
    Recipe("counter fell", 2, RECORD, METER, _broken("falling", "dorm_room", "energy_kwh", 0, 1)),
    Recipe("volume fell", 1, RECORD, METER, _broken("falling", "washroom", "volume_m3", 0, 1)),
    Recipe("clock adrift", 1, DIGEST, ("clock",), _broken("garbled", "dorm_room", "clock_offset_s", 480.0, 3)),
    Recipe("dead battery", 2, DIGEST, ("silent",), _broken("dead", "classroom", "occupied", 0, 3)),
    Recipe("dead meter", 1, DIGEST, ("silent",), _broken("dead", "dorm_room", "voltage_v", 0, 2)),
)
