"""Made-up classrooms, minute by minute: sun, clouds, lamps, people, their sensors, and what is true of them.

Strategy. Daylight is the clear sky's over the height of the sun, through clouds that come and go in steps, times what
the windows let in; the side that they face gives an hour or two of direct sun, which doubles or trebles it. People come
to lessons, noon rest and evening study, switch rows on when it is dim, and forget them when they leave, more often when
the sun outshines them. Some lessons are held elsewhere; cleaners come at night. The presence sensor misses minutes of
people who sit still, now and then half an hour, and sees a few that are not there. All figures are assumptions; the
seed makes the room.
"""

import random
from collections.abc import Iterator
from math import radians, sin
from typing import NamedTuple

from rules.calendar import Calendar
from rules.sun import Sun

BEIJING = Sun(39.9, 116.4)
SESSIONS = ((8, 0, 12, 0), (14, 0, 17, 50), (19, 0, 22, 0))
NOBODY = (0, 0)


class Minute(NamedTuple):
    """One minute of a room: what the sensors say, and whether it is truly lit and used."""

    at: float
    watts: float
    lux: float
    occupied: bool
    is_lit: bool
    is_used: bool


class _Room(NamedTuple):
    """What a room is: lamps in rows, daylight, and the habits of its people."""

    rows: int
    row_w: float
    row_lx: float
    daylight_share: float
    sunny_hour: float     # when the sun shines in; a northern room: never
    street_lx: float
    forgets: float
    dim_lx: float


def classroom(seed: int, begin: float, days: int, calendar: Calendar) -> Iterator[Minute]:
    """A room over some days from a midnight on."""
    rng = random.Random(seed)
    room = _Room(
        rng.choice((2, 3, 4)), rng.uniform(70.0, 130.0), rng.uniform(70.0, 130.0), rng.uniform(0.003, 0.02),
        rng.choice((9.0, 12.5, 16.0, 99.0)), rng.choice((0.0, 0.0, 2.0, 12.0, 25.0)), rng.uniform(0.15, 0.5),
        rng.uniform(150.0, 350.0),
    )  # fmt: skip
    lit_rows, cloud, cloud_until, blind_until = 0, 0.5, 0.0, 0
    for day in range(days):
        midnight = begin + day * 86_400.0
        people = _people(rng, is_taught=calendar.is_school_day(calendar.local(midnight).date()))
        for minute in range(1440):
            at = midnight + minute * 60.0
            if at >= cloud_until:
                cloud, cloud_until = rng.choice((0.2, 0.35, 0.6, 0.9, 1.0)), at + rng.expovariate(1 / 1500.0)
            sun = _daylight(at, minute, room, cloud) * rng.uniform(0.97, 1.03)
            was, count = people[minute - 1] if minute else NOBODY, people[minute]
            before = lit_rows
            lit_rows = _switched(rng, lit_rows, was, count, sun, room)
            share = (before + lit_rows) / 2 if before != lit_rows else float(lit_rows)  # the mean of the minute
            lux = sun + share * room.row_lx * rng.uniform(0.985, 1.015) + room.street_lx * (sun < 5.0)
            watts = share * room.row_w * rng.uniform(0.98, 1.02) + 0.8
            is_used = count[0] > 0
            if is_used and minute >= blind_until and rng.random() < 0.01:
                blind_until = minute + (rng.randint(10, 30) if rng.random() < 0.01 else rng.randint(1, 6))
            is_seen = minute >= blind_until if is_used else rng.random() < 0.0003
            yield Minute(at, round(watts, 1), round(max(0.0, lux), 1), is_seen, lit_rows > 0, is_used)
            blind_until = 0 if minute == 1439 else blind_until


def _daylight(at: float, minute: int, room: _Room, cloud: float) -> float:
    """The sun's light at the sensor, in lx."""
    height = sin(radians(BEIJING.elevation(at)))
    if height <= -0.1:
        return 0.0
    sky = 110_000.0 * float(max(height, 0.0) ** 1.2) + 600.0 * max(0.0, height + 0.1)
    direct = 1.0 + 2.0 * max(0.0, 1.0 - abs(minute / 60 - room.sunny_hour)) * (cloud > 0.8)
    return sky * cloud * room.daylight_share * direct * 0.5


def _people(rng: random.Random, *, is_taught: bool) -> list[tuple[int, int]]:
    """For each minute (people, visit): a visit is one stay of the same people."""
    out = [NOBODY] * 1440
    stays: list[tuple[int, int]] = []
    if is_taught:
        for from_hour, from_minute, to_hour, to_minute in SESSIONS:
            begin, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
            stays += _stays(rng, begin - rng.randint(5, 25), end + rng.randint(0, 15))
        if rng.random() < 0.4:
            stays.append((12 * 60 + 30, 13 * 60 + rng.randint(0, 25)))
        if rng.random() < 0.5:
            begin = 22 * 60 + rng.randint(25, 70)
            stays.append((begin, begin + rng.randint(5, 15)))  # the cleaners
    elif rng.random() < 0.3:
        begin = rng.randint(9, 19) * 60
        stays.append((begin, begin + rng.randint(20, 150)))
    for visit, (begin, end) in enumerate(stays, 1):
        for minute in range(begin, min(end, 1440)):
            out[minute] = (1, visit)
    return out


def _stays(rng: random.Random, begin: int, end: int) -> list[tuple[int, int]]:
    """The stays of half a day: now and then a lesson is held on the playing field."""
    if rng.random() > 0.35:
        return [(begin, end)]
    out_at = begin + rng.randint(40, max(41, end - begin - 60))
    back_at = out_at + rng.randint(8, 70)
    return [(begin, out_at), (back_at, end)] if back_at < end - 10 else [(begin, out_at)]


def _switched(
    rng: random.Random, rows: int, was: tuple[int, int], now: tuple[int, int], sun: float, room: _Room
) -> int:
    """How many rows are lit after this minute."""
    if now[0]:
        if not rows and sun < room.dim_lx and (was != now or rng.random() < 0.05):
            return room.rows if sun < 0.6 * room.dim_lx else rng.randint(1, room.rows)
        if rows and sun > 6 * room.dim_lx and rng.random() < 0.01:
            return 0
        return rows
    if was[0] and rows:
        forgets = min(0.9, room.forgets * (1.5 if sun > rows * room.row_lx else 1.0))
        return rows if rng.random() < forgets else 0
    return rows
