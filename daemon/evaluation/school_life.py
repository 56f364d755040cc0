"""How a boarding school lives, as loads on its meters: who switches what on, opens which tap, and when.

Strategy. Each function looks at one place on one day and yields loads: an amount on a *course* (a circuit, a water
pipe, the people in a room) from a begin to an end. Habits are drawn from a random source of that place and day alone,
so that one more fault, or one room less, changes nothing elsewhere.
"""

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import NamedTuple

HOME, SOME_STAY, HOLIDAY = 1.0, 0.35, 0.15  # how many of the boarders are here: taught days, weekends, holidays


class Load(NamedTuple):
    """An amount (W, L/min, or how lively people are) on a course from `begin` to `end`, with reactive power in var."""

    course: str
    begin: float
    end: float
    amount: float
    reactive: float = 0.0


class Day(NamedTuple):
    """A local day: its midnight in Unix seconds, and what kind of a day it is."""

    date: date
    midnight: float
    is_taught: bool
    is_exam: bool
    is_eve: bool      # the next day is free: boarders go home after the last lesson
    is_return: bool   # the next day is taught and this one is not: they come back in the afternoon
    share: float      # of the boarders who sleep here
    is_hot: bool

    def at(self, minute: float) -> float:
        return self.midnight + 60 * minute


class DormRoom(NamedTuple):
    """A room of six and what stands in it; `supply_from`..`supply_to` are its minutes with power."""

    course: str
    dispenser_w: float = 0.0
    cooler: str = ""         # "", "fixed" or "inverter"
    router_w: float = 0.0
    laptops: int = 0
    study_ends: int = 22 * 60
    supply_from: int = 0
    supply_to: int = 1440
    stays: bool = False      # somebody is here at weekends


class Classroom(NamedTuple):
    """A classroom: the power of its lamps, what else hangs there, and when its evening study ends."""

    course: str
    lamps_w: float
    has_cooler: bool = False
    has_projector: bool = False
    study_ends: int = 22 * 60


# -- dormitory


def dorm_room(room: DormRoom, day: Day, random: Random) -> Iterator[Load]:
    """A day of a dorm room, from midnight to midnight."""
    is_here = day.share == HOME or room.stays
    for load in _dorm_loads(day, room, random, is_here=is_here):
        begin = max(load.begin, day.at(room.supply_from) + random.uniform(0, 3))
        end = min(load.end, day.at(room.supply_to)) if room.supply_to < 1440 else load.end
        if begin < end:
            yield load._replace(begin=begin, end=end)


def _at_home(day: Day, room: DormRoom, *, is_here: bool) -> list[tuple[int, int]]:
    """When somebody is in the room and awake, in minutes of the day."""
    if not is_here and not day.is_return:
        return []
    if not is_here:
        return [(17 * 60, 23 * 60)]
    if not day.is_taught:
        return [(7 * 60 + 30, 11 * 60 + 50), (12 * 60 + 30, 17 * 60), (18 * 60 + 30, 23 * 60)]
    if day.is_eve and not room.stays:
        return [(6 * 60 + 20, 7 * 60 + 15), (12 * 60 + 15, 13 * 60 + 50), (17 * 60 + 55, 18 * 60 + 30)]
    return [
        (6 * 60 + 20, 7 * 60 + 15), (12 * 60 + 15, 13 * 60 + 50), (17 * 60 + 55, 18 * 60 + 50),
        (room.study_ends + 6, 22 * 60 + 55),
    ]  # fmt: skip


def _dorm_loads(day: Day, room: DormRoom, random: Random, *, is_here: bool) -> Iterator[Load]:
    course, at = room.course, day.at
    if room.router_w:
        yield Load(course, at(0), at(1440), room.router_w, -room.router_w * 0.4)
    awake = _at_home(day, room, is_here=is_here)
    for index, (first, last) in enumerate(awake):
        begin, end = first + random.uniform(0, 9), last + random.uniform(-6, 4)
        is_dark = first < 7 * 60 or last > 18 * 60 + 20
        if is_dark or random.random() < 0.3:
            off = min(end, 22 * 60 + 30 + random.uniform(-4, 25)) if last > 22 * 60 else end
            yield Load(course, at(begin), at(off), 72.0, 14.0)
        if day.is_hot and random.random() < 0.8:
            on = begin + random.uniform(0, 4)
            yield Load(course, at(on), at(end), 110.0, 28.0)
        for _ in range(random.randint(1, 5)):  # phones, lamps at the desks
            on = begin + random.uniform(0, max(1.0, end - begin - 5))
            yield Load(course, at(on), at(min(on + random.uniform(20, 90), 1440)), random.uniform(6, 22), -5.0)
        for _ in range(room.laptops if index or not day.is_taught else 0):
            if random.random() < 0.5:
                on = begin + random.uniform(2, 20)
                yield Load(course, at(on), at(end), random.uniform(30, 65), -random.uniform(5, 15))
        if room.cooler and day.is_hot and last - first > 50 and random.random() < 0.7:
            ends = 1440.0 + 5.5 * 60 if last > 22 * 60 and room.supply_to >= 1440 else end
            yield from cooler(course, at(begin + random.uniform(0, 10)), at(ends), room.cooler, random)
    if room.dispenser_w and awake:
        yield from _dispenser(day, room, random)


def _dispenser(day: Day, room: DormRoom, random: Random) -> Iterator[Load]:
    """A water dispenser: heats up once in the morning, then for some minutes after each cup and each cooling down."""
    minute = float(room.supply_from or 6 * 60)
    runs = 9.0
    while minute < room.supply_to - 5:
        yield Load(room.course, day.at(minute), day.at(minute + runs), room.dispenser_w * random.uniform(0.985, 1.01))
        minute += runs + random.uniform(25, 70)
        runs = random.uniform(2, 6)


def cooler(course: str, begin: float, end: float, kind: str, random: Random) -> Iterator[Load]:
    """An air conditioner: a compressor that cycles, or one that ramps up and follows."""
    at = begin
    if kind == "fixed":
        watts = random.uniform(750, 1100)
        while at < end:
            off = min(end, at + random.uniform(480, 1000))
            yield Load(course, at, off, watts * random.uniform(0.97, 1.03), watts * 0.45)
            at = off + random.uniform(240, 600)
        yield Load(course, begin, end, 35.0, 12.0)
        return
    for step in range(8):  # about 3 W/s
        yield Load(course, at + 30 * step, end, 90.0, 14.0)
    at += 900
    while at < end - 300:  # then less and less, by the room's warmth
        off = min(end, at + random.uniform(300, 900))
        yield Load(course, at, off, -random.uniform(150, 450), -random.uniform(20, 60))
        at = off


# -- water


class Washroom(NamedTuple):
    """A washroom and the people behind its meter; `flush_every_min`: an automatic urinal cistern."""

    course: str
    people: int
    study_ends: int = 22 * 60
    flush_every_min: float = 0.0


_DORM_DAY = (  # from, to, and how many times each person: tap, flush, shower, laundry
    (6 * 60 + 15, 7 * 60 + 15, 2.6, 0.7, 0.0, 0.0),
    (12 * 60 + 10, 13 * 60 + 50, 1.0, 0.5, 0.02, 0.12),
    (17 * 60 + 52, 18 * 60 + 50, 0.8, 0.4, 0.25, 0.1),
    (22 * 60 + 4, 22 * 60 + 55, 2.4, 0.8, 0.3, 0.3),
    (22 * 60 + 55, 30 * 60 + 10, 0.15, 0.4, 0.0, 0.0),
    (7 * 60 + 20, 12 * 60, 0.01, 0.01, 0.0, 0.0),
)
_DORM_FREE = (
    (7 * 60 + 30, 11 * 60 + 30, 2.5, 1.0, 0.1, 0.4),
    (12 * 60 + 10, 18 * 60, 1.6, 1.2, 0.2, 0.5),
    (18 * 60, 23 * 60, 3.0, 1.4, 0.6, 0.4),
    (23 * 60, 30 * 60 + 30, 0.2, 0.5, 0.0, 0.0),
)


def dorm_washroom(room: Washroom, day: Day, random: Random) -> Iterator[Load]:
    """A floor's washroom in a dormitory: basins, toilets with cisterns, showers, laundry by hand, cleaners."""
    people = room.people * day.share
    early = 22 * 60 - room.study_ends
    for first, last, *times in _DORM_DAY if day.is_taught else _DORM_FREE:
        shift = early if day.is_taught and first == 22 * 60 + 4 else 0
        leaving = day.is_eve and day.is_taught and first >= 18 * 60
        yield from _draws(day, room.course, people * (SOME_STAY if leaving else 1), first - shift, last, times, random)
    if day.is_return:
        yield from _draws(day, room.course, room.people * 0.6, 16 * 60 + 30, 22 * 60 + 50, (3, 1.2, 0.5, 0.2), random)
    if day.share > HOLIDAY:
        for begin in (8 * 60 + 40, 14 * 60 + 40):
            on = begin + random.uniform(0, 40)
            yield Load(room.course, day.at(on), day.at(on + random.uniform(3, 9)), random.uniform(6, 9))


def _draws(
    day: Day, course: str, people: float, first: float, last: float, times: tuple[float, ...] | list[float],
    random: Random,
) -> Iterator[Load]:  # fmt: skip
    tap, flush, shower, laundry = times
    for per_person, seconds, lpm in (
        (tap, (8, 50), (3.0, 6.5)), (flush, (38, 60), (6.0, 9.0)), (shower, (210, 480), (6.0, 9.0)),
        (laundry, (60, 200), (4.0, 7.0)),
    ):  # fmt: skip
        wanted = people * per_person
        for _ in range(int(wanted) + (random.random() < wanted % 1)):
            begin = day.at(first + (last - first) * random.betavariate(1.6, 1.8))
            yield Load(course, begin, begin + random.uniform(*seconds), random.uniform(*lpm))


def teaching_washroom(room: Washroom, day: Day, random: Random) -> Iterator[Load]:
    """A washroom beside classrooms: a rush in each break, few in lessons, cleaners, a big clean on Fridays."""
    if room.flush_every_min:
        minute = random.uniform(0, room.flush_every_min)
        while minute < 1440:
            yield Load(room.course, day.at(minute), day.at(minute + 1.5), 6.0)
            minute += room.flush_every_min
    if not day.is_taught:
        yield from _draws(day, room.course, 12.0 if day.share < HOME else 0.0, 9 * 60, 17 * 60, (1, 1, 0, 0), random)
        return
    for end in BREAKS:
        yield from _draws(day, room.course, room.people * 0.22, end, end + 11, (0.7, 1.0, 0, 0), random)
    for first, last in ((8 * 60, 12 * 60), (14 * 60, 17 * 60 + 50), (19 * 60, room.study_ends)):
        yield from _draws(day, room.course, room.people * 0.08, first, last, (1, 1, 0, 0), random)
    for begin in (6 * 60 + 20, 10 * 60 + 20, 13 * 60 + 20, 18 * 60 + 10):
        on = begin + random.uniform(0, 25)
        yield Load(room.course, day.at(on), day.at(on + random.uniform(3, 8)), random.uniform(6, 9))
    if day.date.weekday() == 4:
        for _ in range(9):  # 大扫除: buckets, one after the other
            on = 16 * 60 + 40 + random.uniform(0, 38)
            yield Load(room.course, day.at(on), day.at(on + random.uniform(1, 5)), random.uniform(5, 9))


# -- teaching

PERIODS = tuple((begin, begin + 45) for begin in (480, 535, 600, 675, 840, 895, 955, 1025))
BREAKS = tuple(end for _, end in PERIODS)


def classroom(room: Classroom, day: Day, random: Random) -> Iterator[Load]:
    """Lessons, PE that empties the room with its lamps on, noon, evening study, cleaners; some weekends."""
    classes = list(_classes(day, room, random))
    for first, last, lively in classes:
        yield Load(f"{room.course}/people", day.at(first), day.at(last), lively)
    lit = _lit(day, room, random) if day.is_taught else ((first, last + 3) for first, last, _ in classes)
    for first, last in lit:
        yield Load(f"{room.course}/lighting", day.at(first), day.at(last), room.lamps_w, room.lamps_w * 0.1)
    if not day.is_taught:
        return
    for lesson, end in PERIODS:
        is_taught = any(first <= lesson < last for first, last, _ in classes)
        if room.has_projector and is_taught and random.random() < 0.6:
            on = lesson + random.uniform(0, 6)
            yield Load(f"{room.course}/projector", day.at(on), day.at(end + random.uniform(-3, 6)), 260.0, 30.0)
    if room.has_cooler and day.is_hot:
        for first, last in ((13 * 60 + 50, 17 * 60 + 52), (18 * 60 + 55, room.study_ends))[: 1 if day.is_eve else 2]:
            begin, off = day.at(first + random.uniform(0, 15)), day.at(last + random.uniform(-8, 4))
            yield from cooler(f"{room.course}/ac", begin, off, "fixed", random)


def _classes(day: Day, room: Classroom, random: Random) -> Iterator[tuple[float, float, float]]:
    """When people are in the room, and how lively they are for a motion sensor."""
    if not day.is_taught:
        if day.share < HOME and random.random() < 0.12:
            for first, last in ((9 * 60, 11 * 60 + 30), (15 * 60, 17 * 60)):
                yield first + random.uniform(0, 30), last + random.uniform(-20, 10), 0.7
        return
    lively = 0.55 if day.is_exam else 0.92
    yield 5 * 60 + 55 + (on := random.uniform(0, 25)), 5 * 60 + 60 + on, 1.0  # cleaners
    yield 7 * 60 + 5 + random.uniform(0, 20), 7 * 60 + 58, lively
    away = set(random.sample(range(8), random.choice((0, 1, 1, 2)))) if not day.is_exam else set()
    for index, (begin, end) in enumerate(PERIODS):
        if index not in away:
            yield begin - random.uniform(0, 4), end + (8 if index not in (3, 7) else random.uniform(0, 5)), lively
    if random.random() < 0.3:
        yield 12 * 60 + 50 + random.uniform(0, 20), 13 * 60 + 55, 0.6
    if not day.is_eve:
        yield 18 * 60 + 45 + random.uniform(0, 12), room.study_ends + random.uniform(0, 6), 0.8 * lively


def _lit(day: Day, room: Classroom, random: Random) -> Iterator[tuple[float, float]]:
    yield 5 * 60 + 55 + (on := random.uniform(0, 25)), 5 * 60 + 61 + on
    begin = 7 * 60 + random.uniform(2, 20)
    end = 12 * 60 + random.uniform(1, 9) if random.random() < 0.75 else 14 * 60  # some stay lit over noon
    yield begin, end
    yield max(end, 13 * 60 + 50 + random.uniform(0, 14)), 17 * 60 + 50 + random.uniform(1, 10)
    if not day.is_eve:
        yield 18 * 60 + 40 + random.uniform(5, 15), room.study_ends + random.uniform(1, 9)


# -- the rest of the campus


def corridor(course: str, watts: float, kind: str, day: Day, random: Random) -> Iterator[Load]:
    """Corridor lamps: by hand in teaching buildings, by a clock in dorms, all night in stairwells."""
    if kind == "stairwell":
        yield Load(course, day.at(0), day.at(6 * 60 + random.uniform(-4, 4)), watts)
        yield Load(course, day.at(18 * 60 + 50 + random.uniform(-4, 4)), day.at(1440), watts)
    elif kind == "dorm":
        yield Load(course, day.at(5 * 60 + 50), day.at(7 * 60 + 10), watts)
        yield Load(course, day.at(18 * 60 + 40), day.at(23 * 60 + 5), watts)
    elif day.is_taught:
        yield Load(course, day.at(5 * 60 + 50 + random.uniform(0, 20)), day.at(7 * 60 + 20), watts)
        if not day.is_eve:
            on, off = 18 * 60 + 30 + random.uniform(0, 20), 22 * 60 + 8 + random.uniform(0, 14)
            yield Load(course, day.at(on), day.at(off), watts)


def office(course: str, dispenser_w: float, day: Day, random: Random) -> Iterator[Load]:
    """A teachers' office: lamps, computers, an allowed dispenser, an air conditioner on hot days; late marking."""
    if not day.is_taught:
        return
    late = random.random() < 0.25
    begin, end = 7 * 60 + 25 + random.uniform(0, 25), (21 * 60 + 40 if late else 17 * 60 + 55) + random.uniform(0, 20)
    yield Load(f"{course}/people", day.at(begin), day.at(end), 0.6)
    yield Load(f"{course}/lighting", day.at(begin), day.at(end + random.uniform(0, 3)), 216.0, 20.0)
    for _ in range(5):
        on = begin + random.uniform(0, 40)
        yield Load(course, day.at(on), day.at(end - random.uniform(0, 30)), random.uniform(60, 140), -20.0)
    minute, runs = begin + 5, 8.0
    while minute < end:
        yield Load(course, day.at(minute), day.at(minute + runs), dispenser_w * random.uniform(0.99, 1.01))
        minute, runs = minute + runs + random.uniform(30, 60), random.uniform(2, 5)
    if day.is_hot:
        yield from cooler(course, day.at(13 * 60 + 30), day.at(17 * 60 + 40), "inverter", random)


def canteen(course: str, day: Day, random: Random) -> Iterator[Load]:
    """Ovens, steamers and fridges; three meals and their dishes."""
    yield Load(course, day.at(0), day.at(1440), 1800.0, 900.0)
    scale = day.share
    for begin in (5 * 60, 9 * 60 + 30, 15 * 60 + 30):
        for _ in range(int(8 * scale) + 1):
            on = begin + random.uniform(0, 60)
            yield Load(course, day.at(on), day.at(on + random.uniform(30, 110)), random.uniform(1500, 6000), 200.0)
        for _ in range(int(40 * scale) + 4):
            on = begin + random.uniform(0, 190)
            yield Load(f"{course}/pipe", day.at(on), day.at(on + random.uniform(1, 8)), random.uniform(6, 20))


def laboratory(course: str, day: Day, random: Random) -> Iterator[Load]:
    """A laboratory: instruments, and a furnace that is meant to be there."""
    if day.is_taught:
        yield Load(course, day.at(8 * 60), day.at(17 * 60 + 50), 300.0, 60.0)
        for _ in range(3):
            on = random.uniform(8 * 60, 16 * 60)
            yield Load(course, day.at(on), day.at(on + random.uniform(20, 60)), random.uniform(900, 2500))
