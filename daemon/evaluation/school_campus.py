"""The simulated boarding school: its buildings, rooms, meters and calendar, and who lives on which course."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import NamedTuple

from daemon.evaluation import school_life as life
from daemon.evaluation import school_meters as meters
from daemon.evaluation.school_life import Day, Load
from daemon.evaluation.school_meters import Course, Device, Ring, Sky
from rules.calendar import Calendar, Period, PeriodKind, Span, Term
from rules.fact import permit, permit_points
from rules.model import Place, Point, Sample, Site
from rules.sun import Sun

FIRST_DAY = date(2026, 4, 20)  # a Monday
LABOUR_DAY = frozenset(date(2026, 5, day) for day in range(1, 6))
MAKEUP = {date(2026, 5, 9): 1}  # a Saturday with Tuesday's timetable
EXAMS = Period("期中考试", PeriodKind.EXAM, date(2026, 5, 12), date(2026, 5, 14), frozenset({"teach-1", "teach-2"}))
CUT = Span(6 * 60, 23 * 60)


class Size(NamedTuple):
    """How large the school is: buildings, floors of a building, rooms of a floor."""

    dorms: int = 5
    dorm_floors: int = 6
    dorm_rooms: int = 10
    teaching: int = 3
    teaching_floors: int = 4
    classrooms: int = 5
    offices: int = 10


FULL = Size()
SMALL = Size(2, 2, 10, 3, 1, 4, 2)


class Habit(NamedTuple):
    """What makes the loads of one place on one day."""

    place: str
    loads: Callable[[Day, Random], Iterator[Load]]


@dataclass(slots=True)
class Campus:
    """Places, points, devices and habits while the school is built."""

    seed: int
    size: Size
    begin: float
    calendar: Calendar
    random: Random
    numbers: list[float]
    sky: Sky = field(default_factory=Sky)
    places: dict[str, Place] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    habits: list[Habit] = field(default_factory=list)
    pipes: dict[str, str] = field(default_factory=dict)   # a course of water -> that of the building's meter
    pulses_l: dict[str, float] = field(default_factory=dict)  # of each place with a water meter; 0: it gives the flow
    facts: list[Sample] = field(default_factory=list)

    def site(self) -> Site:
        """The campus as the rules see it."""
        facts = {point.id: point for point in permit_points(self.places.values())}
        return Site("simulated", "模拟寄宿学校", self.places, self.points | facts, self.calendar, Sun(23.1, 113.3))

    # -- pieces

    def place(self, room: str, kind: str, *, supply: Span | None = None, floor: str = "") -> str:
        self.places[room] = Place(room, room, kind, room.split("/")[0], floor, supply=supply)
        return room

    def course(self, name: str) -> Course:
        return self.courses.setdefault(name, Course(self.begin))

    def ring(self) -> Ring:
        return Ring(self.numbers, self.random.randrange(meters.RING))

    def add(self, device: Device, place: str, quantities: dict[str, str], *, holds_s: float = 0.0) -> None:
        """A device with its points: id -> quantity."""
        self.devices.append(device)
        for point, quantity in quantities.items():
            part = point[len(place) + 1 : -len(quantity)].strip("/")
            holds = holds_s or 2.5 * device.period_s
            self.points[point] = Point(point, place, part, quantity, device.name, device.source, holds)

    def channels(
        self, place: str, source: str, channels: dict[str, meters.Channel], *, holds_s: float = 0.0,
        period_s: float = 60.0, name: str = "",
    ) -> None:  # fmt: skip
        """A device of single channels, by what follows the place in their points."""
        named = {f"{place}/{tail}": channel for tail, channel in channels.items()}
        device = Device(
            name or f"{source}/{place}", source, named, phase_s=self.random.uniform(0, 57), period_s=period_s
        )
        self.add(device, place, {point: point.rsplit("/", 1)[1] for point in named}, holds_s=holds_s)

    def water(self, place: str, source: str, *, pulse_l: float) -> None:
        """A water meter: of pulses, with its flow derived from them, or (0) of mean flow."""
        pipe = self.course(f"{place}/pipe")
        self.pulses_l[place] = pulse_l
        if not pulse_l:
            self.channels(place, source, {"flow_lpm": meters.mean_flow(pipe)})
            return
        start = self.random.uniform(50, 9000)
        channel = meters.counter(pipe, scale=1 / 60_000, step=pulse_l / 1000, start=start)
        self.channels(place, source, {"volume_m3": channel})
        volume = self.points[f"{place}/volume_m3"]
        flow = volume._replace(id=f"{place}/flow_lpm", quantity="flow_lpm", of=volume.id)
        self.points[flow.id] = flow


def campus(seed: int, size: Size) -> Campus:
    """The school of a size, the same for a seed."""
    calendar = Calendar(
        terms=(Term("2025-2026 下", date(2026, 2, 24), date(2026, 7, 10)),), closed=LABOUR_DAY, makeup=MAKEUP,
        periods=(EXAMS,),
    )  # fmt: skip
    random = Random(f"campus {seed}")
    numbers = [random.gauss(0, 1) for _ in range(meters.RING)]
    made = Campus(seed, size, calendar.at_minute(FIRST_DAY, 0), calendar, random, numbers)
    for index in range(size.dorms):
        _dorm(made, index)
    for index in range(size.teaching):
        _teaching(made, index)
    _rest(made)
    return made


def _dorm(made: Campus, index: int) -> None:
    """Dorm rooms with a meter each. In the first two buildings the meter's relay cuts, in the last nothing does."""
    building, size, random = f"dorm-{index + 1}", made.size, made.random
    is_last = index == size.dorms - 1
    supply = None if is_last else CUT
    meter_supply = (CUT.start, CUT.end) if 2 <= index < size.dorms - 1 else None
    study_ends = 21 * 60 if index < 2 else 22 * 60
    made.place(building, "dormitory")
    for floor in range(1, size.dorm_floors + 1):
        for number in range(1, size.dorm_rooms + 1):
            place = made.place(f"{building}/{floor}{number:02}", "dorm_room", supply=supply, floor=str(floor))
            room = life.DormRoom(
                place,
                dispenser_w=random.uniform(420, 550) if index >= 2 and random.random() < 0.35 else 0.0,
                cooler=random.choice(("fixed", "inverter")) if is_last and random.random() < 0.7 else "",
                router_w=random.uniform(6, 9) if random.random() < 0.3 else 0.0,
                laptops=random.randint(0, 3) if index >= 2 else 0,
                study_ends=study_ends,
                supply_from=supply.start if supply else 0, supply_to=supply.end if supply else 1440,
                stays=random.random() < life.SOME_STAY,
            )  # fmt: skip
            made.habits.append(Habit(place, partial(life.dorm_room, room)))
            if room.dispenser_w:
                made.facts.append(permit(place, 560, begin=made.begin, end=made.begin + 9e6, at=made.begin + 1))
            period_s = 30.0 if index == 0 and floor == 1 else 60.0
            device = meters.DormMeter(
                f"{building} bus/{place}", f"{building} bus", place, made.course(place), made.ring(),
                phase_s=random.uniform(0, 28), start_kwh=random.uniform(100, 8000), period_s=period_s,
                supply=meter_supply,
            )  # fmt: skip
            made.add(device, place, {point: point.rsplit("/", 1)[1] for point in device.place})
            if number == 1:
                clock = meters.drift(random.uniform(-2, 2), made.ring())
                made.channels(
                    place, f"{building} bus", {"clock_offset_s": clock}, period_s=3600.0, name=f"{device.name}/clock"
                )
        wash = made.place(f"{building}/{floor}F-wash", "washroom", floor=str(floor))
        people = life.Washroom(f"{wash}/pipe", size.dorm_rooms * 6, study_ends)
        made.habits.append(Habit(wash, partial(life.dorm_washroom, people)))
        if index < size.dorms - 1 or floor % 2:  # in the last building every other floor has no meter of its own
            made.water(wash, f"{building} bus", pulse_l=(0.0, 1.0, 0.0, 10.0)[floor % 4])
        made.pipes[f"{wash}/pipe"] = f"{building}/pipe"
    made.water(building, f"{building} bus", pulse_l=(10.0, 100.0)[index % 2])
    _lamps(made, building, [f"{floor}F-corridor" for floor in range(1, size.dorm_floors + 1)], "dorm")
    _lamps(made, building, ["stair-A"], "stairwell")


def _lamps(made: Campus, building: str, rooms: list[str], kind: str) -> None:
    """Lighting circuits of corridors or stairwells, all on one meter of many circuits."""
    quantities: dict[str, meters.Channel] = {}
    places = [made.place(f"{building}/{room}", "stairwell" if kind == "stairwell" else "corridor") for room in rooms]
    for place in places:
        course = f"{place}/lighting"
        watts = made.random.uniform(120, 320)
        quantities[f"{place}/lighting/power_w"] = meters.gauge(made.course(course), made.ring())
        made.habits.append(Habit(place, partial(life.corridor, course, watts, kind)))
        if kind == "stairwell":
            quantities[f"{place}/power_w"] = meters.gauge(made.course(place), made.ring())
    name = f"{building} bus/{building}/lamps {rooms[0]}"
    device = Device(name, f"{building} bus", quantities, phase_s=made.random.uniform(0, 57))
    made.devices.append(device)
    for point in quantities:
        place, tail = next((place, point[len(place) + 1 :]) for place in places if point.startswith(place + "/"))
        made.points[point] = Point(point, place, tail[:-7].strip("/"), "power_w", name, device.source, 150.0)


def _teaching(made: Campus, index: int) -> None:
    """Classrooms: the first building by power and presence, the second with motion sensors apart, the third mixed."""
    building, size, random = f"teach-{index + 1}", made.size, made.random
    made.place(building, "teaching")
    study_ends = 21 * 60 if index == 0 else 22 * 60
    for floor in range(1, size.teaching_floors + 1):
        for number in range(1, size.classrooms + 1):
            place = made.place(f"{building}/{floor}{number:02}", "classroom", floor=str(floor))
            room = life.Classroom(
                place, lamps_w=36.0 * random.randint(9, 12), has_cooler=index == 1 and number == 1,
                has_projector=index < 2 and number <= 2, study_ends=study_ends,
            )  # fmt: skip
            made.habits.append(Habit(place, partial(life.classroom, room)))
            _classroom_meters(made, index, number, room)
        if index == 0 or floor < size.teaching_floors or size.teaching_floors == 1:
            wash = made.place(f"{building}/{floor}F-wash", "washroom", floor=str(floor))
            automatic = 20.0 if index == 2 and floor <= 2 else 0.0
            people = life.Washroom(f"{wash}/pipe", size.classrooms * 45, study_ends, automatic)
            made.habits.append(Habit(wash, partial(life.teaching_washroom, people)))
            made.water(wash, "broker", pulse_l=(0.0, 1.0, 0.0, 10.0)[(floor + index) % 4])
            made.pipes[f"{wash}/pipe"] = f"{building}/pipe"
    made.water(building, "broker", pulse_l=10.0)
    _lamps(made, building, [f"{floor}F-corridor" for floor in range(1, size.teaching_floors + 1)], "teaching")
    _lamps(made, building, ["stair-A"], "stairwell")


def _classroom_meters(made: Campus, index: int, number: int, room: life.Classroom) -> None:
    place, source = room.course, "broker"
    lamps, people = made.course(f"{place}/lighting"), made.course(f"{place}/people")
    chance = Random(f"{made.seed} {place} people")
    lit = meters.gauge(lamps, made.ring())
    lux = meters.illuminance(
        lamps, made.sky, made.ring(), window=made.random.uniform(0.5, 1.2), lux_per_watt=420 / room.lamps_w
    )
    if index == 0:
        made.channels(place, source, {"lighting/power_w": lit, "occupied": meters.presence(people, chance)})
    elif index == 1:
        made.channels(place, source, {"lighting/power_w": lit})
        motion = meters.presence(people, chance, beat_s=1800)
        made.channels(place, source, {"occupied": motion}, holds_s=4500, name=f"{source}/{place}/motion")
    elif number % 4 == 0:
        made.channels(place, source, {"lighting/power_w": lit})  # the timetable alone
    elif number % 4 == 1:
        made.channels(place, source, {"illuminance_lx": lux})
    else:
        made.channels(place, source, {"illuminance_lx": lux, "occupied": meters.presence(people, chance)})
    for has, part in ((room.has_cooler, "ac"), (room.has_projector, "projector")):
        if has:
            channel = meters.gauge(made.course(f"{place}/{part}"), made.ring(), relative=0.01)
            made.channels(place, source, {f"{part}/power_w": channel}, name=f"{source}/{place}/{part}")


def _rest(made: Campus) -> None:
    """Offices, the canteen and the laboratory."""
    random = made.random
    made.place("admin", "administration")
    for number in range(1, made.size.offices + 1):
        place = made.place(f"admin/{number}01", "office")
        watts = random.uniform(700, 850)
        made.habits.append(Habit(place, partial(life.office, place, watts)))
        made.facts.append(permit(place, 900, begin=made.begin, end=made.begin + 9e6, at=made.begin + 1))
        power = made.course(place)
        made.channels(place, "broker", {
            "power_w": meters.gauge(power, made.ring()),
            "reactive_power_var": meters.reactive(power, made.ring()),
        })  # fmt: skip
        made.channels(place, "broker", {
            "lighting/power_w": meters.gauge(made.course(f"{place}/lighting"), made.ring()),
            "occupied": meters.presence(made.course(f"{place}/people"), Random(f"{made.seed} {place}")),
        }, name=f"broker/{place}/lamps")  # fmt: skip
    made.place("canteen", "canteen")
    hall = made.place("canteen/hall", "canteen")
    made.habits.append(Habit(hall, partial(life.canteen, hall)))
    made.channels(hall, "broker", {"power_w": meters.gauge(made.course(hall), made.ring())})
    made.water(hall, "broker", pulse_l=10.0)
    made.place("science", "laboratory")
    lab = made.place("science/201", "lab")
    made.habits.append(Habit(lab, partial(life.laboratory, lab)))
    made.channels(lab, "broker", {"power_w": meters.gauge(made.course(lab), made.ring())})


def days(made: Campus, count: int) -> Iterator[Day]:
    """The days of the simulation, as the school knows them."""
    hours = made.calendar
    for index in range(count):
        day = FIRST_DAY + timedelta(days=index)
        taught, tomorrow = hours.is_school_day(day), hours.is_school_day(day + timedelta(days=1))
        is_holiday = day in hours.closed
        yield Day(
            day, hours.at_minute(day, 0), taught, EXAMS.first <= day <= EXAMS.last,
            is_eve=taught and not tomorrow, is_return=not taught and tomorrow,
            share=life.HOME if taught else life.HOLIDAY if is_holiday else life.SOME_STAY,
            is_hot=Random(f"weather {made.seed} {day}").random() < 0.5,
        )  # fmt: skip
