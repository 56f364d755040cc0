"""Lights left on: the rule and the naive rules beside it, in a real office and in made-up classrooms.

Strategy. What is scored is an *episode*: lit and unused for at least the patience D. An alarm is right when it comes in
such a stretch, or in one at most two readings shorter; an episode is found when an alarm comes in it.

The office tells light and presence, not whether its lamps were on. That is found by another way than the rule's, which
decides as readings come: the likeliest path through the whole recording (Viterbi) of a model in which light is daylight
that moves slowly plus lamps that give a fixed amount or nothing, with presence left out. The amount is the usual light
after dark. A power meter is made up from that path.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from math import inf
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from daemon.evaluation.classrooms import BEIJING, SESSIONS, Minute, classroom
from daemon.evaluation.row import OURS, Row
from rules.calendar import Calendar, Lesson, Span
from rules.engine import Engine
from rules.lights_left_on import LightsLeftOn
from rules.model import Place, Point, Sample, Site, Turn
from rules.sun import Sun

LOCAL = timezone(timedelta(hours=8))  # the recordings' local times are taken for the site's
ROOM = "teach/1"
POWER, LUX, OCCUPIED = f"{ROOM}/lighting/power_w", f"{ROOM}/illuminance_lx", f"{ROOM}/occupied"
_Setting = tuple[str, tuple[str, ...]]  # its name, and the points that are measured
_WITH_PRESENCE: tuple[_Setting, ...] = (("power + presence", (POWER, OCCUPIED)), ("lux + presence", (LUX, OCCUPIED)))
_HOURS_ONLY: tuple[_Setting, ...] = (("power, hours only", (POWER,)), ("lux, hours only", (LUX,)))
EVERY_S = 60.0
SLACK_S = 120.0
SEASONS = ("2026-03-02", "2026-06-01", "2026-09-14", "2026-12-07")  # Mondays
DAYS, ROOMS, FIRST_TEST_SEED = 7, 14, 5000


SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the lamps' light: what a minute's mean may hold while they are switched
CLOUD_SHARE = 0.45    # of the lamps' light: a jump that no switch explains costs this much
SWITCH_SHARE = 0.35   # and so does a switch


class Episode(NamedTuple):
    """A stretch from the first to after the last minute."""

    begin: float
    end: float


class Alarm(NamedTuple):
    """What a method said: when, since when, and how much was wasted by its end."""

    at: float
    kwh: float = 0.0


def rows(data: Path, *, progress: Callable[[str], None], rooms: int = ROOMS) -> list[Row]:
    """The table of figures; `rooms` is how many classrooms are made up in each season."""
    out = []
    recordings = sorted((data / "occupancy").glob("*.txt")) if (data / "occupancy").is_dir() else []
    offices = []
    for path in recordings:
        progress(f"lights: {path.name}")
        offices.append(office(path))
    if offices:
        out += _office_rows(offices)
    progress("lights: classrooms")
    return out + _classroom_rows(FIRST_TEST_SEED, rooms)


# -- the real office


def readings(path: Path) -> list[tuple[float, float, bool]]:
    """Time, lx and whether somebody was there, of each row of a recording; a leading column has no name."""
    with path.open() as file:
        header, *lines = csv.reader(file)
    rows = [dict(zip(header, line[-len(header) :], strict=True)) for line in lines]
    return [
        (datetime.fromisoformat(row["date"]).replace(tzinfo=LOCAL).timestamp(), float(row["Light"]),
         row["Occupancy"] == "1")
        for row in rows
    ]  # fmt: skip


def office(path: Path) -> list[Minute]:
    """A recording of light and presence; whether it was lit is reckoned, and the power made up from that."""
    read = readings(path)
    lit = lit_path([(at, lux) for at, lux, _ in read])
    rng = Random(path.name)
    return [
        Minute(at, (288.0 if is_lit else 0.4) * rng.uniform(0.97, 1.03), lux, used, is_lit, used)
        for (at, lux, used), is_lit in zip(read, lit, strict=True)
    ]


def lit_path(read: Sequence[tuple[float, float]]) -> list[bool]:
    """Whether the lamps were on at each reading of light: the likeliest path over the whole recording."""
    dark = [lux for at, lux in read if not 5 <= _hour(at) < 18 and lux > 150.0]
    lamps = median(dark or [lux for _, lux in read])
    cost = [0.0 if share in (0.0, 1.0) else float("inf") for share in SHARES]
    back: list[list[int]] = []
    for before, (at, lux) in pairwise([read[0], *read]):
        rise = lux - before[1]
        came, best = [], []
        for share in SHARES:
            ways = [so_far + _switch_cost(was, share, rise, lamps) for so_far, was in zip(cost, SHARES, strict=True)]
            came.append(min(range(len(ways)), key=ways.__getitem__))
            best.append(ways[came[-1]] + _level_cost(share, lux, lamps, is_night=not 5 <= _hour(at) < 20))
        cost = best
        back.append(came)
    state = min(range(len(cost)), key=cost.__getitem__)
    path = []
    for came in reversed(back):
        path.append(SHARES[state] >= 0.5)
        state = came[state]
    return path[::-1]


def _switch_cost(was: float, share: float, rise: float, lamps: float) -> float:
    """How unlikely this rise of light is when the lamps go from one share to another; clouds jump, but rarely."""
    if was == share:
        return inf if 0.0 < share < 1.0 else min(abs(rise), CLOUD_SHARE * lamps)  # half a minute's mean lasts a minute
    if 0.0 < was < 1.0 and 0.0 < share < 1.0:
        return inf
    pressed = SWITCH_SHARE if was in (0.0, 1.0) else 0.0  # the second half of a switch is no second one
    return min(abs(rise - lamps * (share - was)), CLOUD_SHARE * lamps) + pressed * lamps


def _level_cost(share: float, lux: float, lamps: float, *, is_night: bool) -> float:
    """How unlikely this light is: less than the lamps give, or at night anything else."""
    return abs(lux - share * lamps) if is_night else max(0.0, 0.85 * share * lamps - lux)


def _hour(at: float) -> float:
    return (at / 3600 + 8) % 24


def _office_rows(offices: Sequence[Sequence[Minute]]) -> list[Row]:
    out = []
    for minutes in (5, 10, 20):
        wait_s = minutes * 60.0
        rule = LightsLeftOn(office_min=minutes)
        for setting, points in _WITH_PRESENCE:
            cases = [(judged(rule, room, points, kind="office"), unused(room), room) for room in offices]
            basis = "semi-synthetic" if POWER in points else "real"
            out.append(scored(OURS, f"office, {setting}, {minutes} min", cases, wait_s, basis))
        for lux in (365.0, 200.0):
            cases = [(by_level(room, lux, wait_s), unused(room), room) for room in offices]
            out.append(scored(f"lux > {lux:.0f}", f"office, lux + presence, {minutes} min", cases, wait_s, "real"))
    hours = Calendar(day=Span(7 * 60 + 30, 18 * 60 + 30))
    for setting, points in _HOURS_ONLY:
        cases = [(judged(LightsLeftOn(), room, points, calendar=hours), closed(room, hours), room) for room in offices]
        basis = "semi-synthetic" if POWER in points else "real"
        out.append(scored(OURS, f"office, {setting}, 30 min", cases, 1800.0, basis))
    return out


# -- made-up classrooms


def _classroom_rows(first_seed: int, rooms: int) -> list[Row]:
    week = tuple(
        Lesson(day, Span(a * 60 + b, c * 60 + d)) for day in range(5) for a, b, c, d in SESSIONS[:2]
    )
    plain, taught = Calendar(), Calendar(timetable={ROOM: week})
    made = [
        list(classroom(seed * 10 + index, _midnight(season), DAYS, plain))
        for index, season in enumerate(SEASONS)
        for seed in range(first_seed, first_seed + rooms)
    ]
    rule = LightsLeftOn()
    out = []
    for setting, points in _WITH_PRESENCE:
        cases = [(judged(rule, room, points, sun=BEIJING), unused(room), room) for room in made]
        out.append(scored(OURS, f"classrooms, {setting}, 15 min", cases, 900.0, "simulated"))
    for lux in (365.0, 200.0):
        cases = [(by_level(room, lux, 900.0), unused(room), room) for room in made]
        out.append(scored(f"lux > {lux:.0f}", "classrooms, lux + presence, 15 min", cases, 900.0, "simulated"))
    cases = [(judged(rule, room, (POWER,), calendar=taught), between(room), room) for room in made]
    out.append(scored(OURS, "classrooms, power + timetable, 20 min", cases, 1200.0, "simulated"))
    for setting, points in _HOURS_ONLY:
        cases = [(judged(rule, room, points, sun=BEIJING), closed(room, plain), room) for room in made]
        out.append(scored(OURS, f"classrooms, {setting}, 30 min", cases, 1800.0, "simulated"))
    return out


def _midnight(day: str) -> float:
    return datetime.fromisoformat(f"{day}T00:00:00+08:00").timestamp()


# -- what is true


def unused(room: Sequence[Minute]) -> list[Episode]:
    """The stretches in which it was lit and nobody was there."""
    return _stretches((minute.at, minute.is_lit and not minute.is_used) for minute in room)


def between(room: Sequence[Minute]) -> list[Episode]:
    """The stretches in which it was lit and unused while no lesson was held: what a timetable can tell."""
    return _stretches(
        (minute.at, minute.is_lit and not minute.is_used and not _is_session(minute.at)) for minute in room
    )


def _is_session(at: float) -> bool:
    minute = _hour(at) * 60
    is_workday = Calendar().local(at).weekday() < 5
    return is_workday and any(a * 60 + b <= minute < c * 60 + d for a, b, c, d in SESSIONS)


def closed(room: Sequence[Minute], calendar: Calendar) -> list[Episode]:
    """The stretches in which it was lit outside the opening hours, people or not: without a sensor none can tell."""
    return _stretches(
        (minute.at, minute.is_lit and not _is_open(minute.at, calendar)) for minute in room
    )


def _is_open(at: float, calendar: Calendar) -> bool:
    return calendar.is_school_day(calendar.local(at).date()) and calendar.day.holds(calendar.minute(at))


def _stretches(said: Iterable[tuple[float, bool]]) -> list[Episode]:
    out: list[Episode] = []
    begin: float | None = None
    last = 0.0
    for at, holds in said:
        if holds and begin is None:
            begin = at
        elif not holds and begin is not None:
            out.append(Episode(begin, at))
            begin = None
        last = at
    return out if begin is None else [*out, Episode(begin, last + EVERY_S)]


# -- what methods say


def judged(
    rule: LightsLeftOn, room: Sequence[Minute], points: Sequence[str], *,
    kind: str = "classroom", calendar: Calendar | None = None, sun: Sun | None = None,
) -> list[Alarm]:  # fmt: skip
    """The rule's alarms with these sensors alone."""
    engine = Engine(rule.watches(_site(points, kind, calendar or Calendar(), sun)))
    out: list[Alarm] = []
    for minute in room:
        told = {POWER: minute.watts, LUX: minute.lux, OCCUPIED: float(minute.occupied)}
        engine.take(Sample(minute.at, ROOM, {point: told[point] for point in points}))
    for event in engine.advance(room[-1].at + 1.0):
        if event.turn is Turn.RAISED:
            out.append(Alarm(event.at))
        elif out:
            out[-1] = Alarm(out[-1].at, float(event.values.get("wasted_kwh", 0.0)))
    return out


def by_level(room: Sequence[Minute], limit: float, wait_s: float) -> list[Alarm]:
    """The naive rule: brighter than a limit and nobody seen for a time."""
    said = _stretches((minute.at, minute.lux > limit and not minute.occupied) for minute in room)
    return [Alarm(begin + wait_s) for begin, end in said if end - begin > wait_s]


def _site(points: Sequence[str], kind: str, calendar: Calendar, sun: Sun | None = None) -> Site:
    places = {"teach": Place("teach", "teach", "teaching", "teach"), ROOM: Place(ROOM, "1", kind, "teach")}
    made: Mapping[str, Point] = {
        point: Point(point, ROOM, *_part(point), ROOM, "broker", 2.5 * EVERY_S) for point in points
    }
    return Site("evaluation", "", places, made, calendar, sun)


def _part(point: str) -> tuple[str, str]:
    part, _, quantity = point.removeprefix(f"{ROOM}/").rpartition("/")
    return part, quantity


def scored(
    method: str, setting: str, cases: Sequence[tuple[list[Alarm], list[Episode], Sequence[Minute]]],
    wait_s: float, basis: str,
) -> Row:  # fmt: skip
    """Score the alarms of rooms against their lit stretches."""
    right = wrong = found = events = 0
    delays, days, told_kwh = [], 0.0, 0.0
    for alarms, stretches, room in cases:
        near = [episode for episode in stretches if episode.end - episode.begin >= wait_s - SLACK_S]
        days += (room[-1].at - room[0].at) / 86_400
        told_kwh += sum(alarm.kwh for alarm in alarms)
        for alarm in alarms:
            is_right = any(episode.begin <= alarm.at <= episode.end + SLACK_S for episode in near)
            right, wrong = right + is_right, wrong + (not is_right)
        for episode in near:
            if episode.end - episode.begin < wait_s + EVERY_S:
                continue
            events += 1
            first = next((a.at for a in alarms if episode.begin <= a.at <= episode.end + SLACK_S), None)
            if first is not None:
                found += 1
                delays.append(first - episode.begin)
    return Row(
        "lights_left_on", method, setting, events,
        right / (right + wrong) if right + wrong else None, found / events if events else None,
        wrong / days, "room-day", median(delays) if delays else None, basis,
        f"{told_kwh:.1f} kWh told" if told_kwh else "",
    )  # fmt: skip
