"""Whether something is switched on: lamps by their circuit's power or by the light they give, appliances by power.

Strategy. The power of a circuit tells with a wide hysteresis: on above a fifth of the most it ever drew, off below a
tenth. An illuminance sensor cannot tell lamps from the sun by its level, so only what lamps alone do counts: a jump
within about a minute, out of the dark, or by day as somebody comes or when it has become dim, and not larger than what
the lamps are known to give; slow changes, and jumps in an empty room by day, are the sun. Lamps are off again when half
of what they gave is not there any more, or when the light fell by just what they gave as people left: clouds make it
fall too, but seldom by that and then. After dusk, where the sun is known, light is lamps. In the deep night more than
30 lx is: a ceiling sensor may see no more of them. Once a jump has told what the lamps give, it takes a fifth of that,
100 lx at most, so that a street lamp before the window is silent; and a night's light below 100 lx, which may be one,
does not teach what the lamps give by day.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from rules.calendar import Calendar, Span
from rules.model import Point
from rules.sun import Sun

LIGHTING = "lighting"
APPLIANCES = ("ac", "projector")  # parts that people forget
PRESENCE = "occupied"
POWER, LOAD, LUX, ON = "power", "load", "lux", "on"  # the roles of what tells that something is on

ON_SHARE = 0.20         # of the most the circuit ever drew, or of the lamps' light at night
OFF_PART = 0.5          # of the limit above: lower than that they are off
JUMP_LUX = 100.0        # also the least light by which lamps are known
MARK_SECONDS = 45.0     # the distance of the readings that a jump is seen against
JUMP_GAP_SECONDS = 150.0  # readings further apart show no jump
DARK_LUX = 30.0         # darker than any day lets a room be, lighter than any night
DESK_LUX = 300.0        # what lamps give at a desk
BRIGHT_LUX = 450.0      # nobody needs lamps in more
ALIKE = 0.75            # of the lamps' light: a jump that close to it may be theirs
DIM_SHARE = 0.5
ROW_LUX, ROW_SHARE = 50.0, 0.3  # one row of several, in the dark
DIM_LUX = 250.0         # in less, people who are there switch lamps on
PRESS_SECONDS = 120.0   # who pressed the switch was seen no longer ago
LEAVE_SECONDS = 300.0   # who switched lamps off has left so soon
ARRIVE_SECONDS = 600.0  # who came switches them on so soon
DARK_DEG = -6.0         # the end of dusk: no light comes from outside
DEEP_NIGHT = Span(23 * 60, 3 * 60)  # dark everywhere, all year


class Lamps(NamedTuple):
    """What is known of lamps (or an appliance): `is_lit` is None while nothing told, `most` what they draw or give.

    `light` is the last reading, in W or lx, at `at`. For lux: `marks` are readings that a jump is seen against, `on_at`
    and `on_from` when and from what level the lamps came on, `gain` what those that are lit give, and
    `fell_at` when the light last fell by so much.
    """

    at: float = 0.0
    light: float = 0.0
    is_lit: bool | None = None
    most: float = 0.0
    marks: tuple[tuple[float, float], ...] = ()
    on_at: float = 0.0
    on_from: float = 0.0
    gain: float = 0.0
    fell_at: float = 0.0


class Presence(NamedTuple):
    """Who is in a room: the sensors that see someone, when anyone was last seen, when a sensor last saw nobody, and
    when people came.
    """

    present: tuple[str, ...] = ()
    seen_at: float = 0.0
    empty_at: float = 0.0
    came_at: float = 0.0


class Sky(NamedTuple):
    """What tells lamps from the sun: the clock on the wall, and where the sun stands, if the place is known."""

    calendar: Calendar
    sun: Sun | None = None


def by_power(x: Lamps, at: float, watts: float, on_w: float) -> Lamps:
    """The lamps after a reading of their power; `on_w` is the least that counts as on."""
    _, light, is_lit, most, *_ = x
    if watts > most and light > most:
        most = light if light < watts else watts  # one reading alone may be an inrush, or wrong
    line = ON_SHARE * most
    if line < on_w:
        line = on_w
    return Lamps(at, watts, watts >= line * OFF_PART if is_lit else watts > line, most)


def by_load(x: Lamps, at: float, watts: float, on_w: float, pause_s: float) -> Lamps:
    """The appliance after a reading of its power; it stays on through pauses of a thermostat up to `pause_s`."""
    is_drawing = watts >= on_w * OFF_PART if x[2] else watts > on_w
    on_at = at if is_drawing else x[5]
    return Lamps(at, watts, is_drawing or (on_at > 0 and at - on_at < pause_s), x[3], (), on_at)


def told(
    x: Lamps, role: str, at: float, value: float, seen: Presence, *, on_w: float, pause_s: float, sky: Sky
) -> Lamps:
    """What is known after a reading of any role; tuples that came back from JSON will do."""
    if role == POWER:
        return by_power(x, at, value, on_w)
    if role == LUX:
        return by_lux(Lamps(*x), at, value, Presence(*seen), sky)
    if role == LOAD:
        return by_load(x, at, value, on_w, pause_s)
    return Lamps(at, value, value > 0)


def is_news(x: Lamps, role: str, at: float, value: float, on_w: float, fresh_s: float) -> bool:
    """Whether a reading says more than that all is as it was less than `fresh_s` ago: else it need not be kept."""
    heard_at, _, is_lit, most, *_ = x
    if at - heard_at >= fresh_s or role == LUX or is_lit is None:
        return True
    if role == ON:
        return is_lit is not (value > 0)
    if role == LOAD:
        return value <= on_w if is_lit else value > on_w
    line = ON_SHARE * most
    if line < on_w:
        line = on_w
    return value > most or value < line * OFF_PART if is_lit else value > line


def is_seen_anew(x: Presence, role: str, at: float, is_there: bool, fresh_s: float) -> bool:
    """The same for a presence sensor."""
    present, seen_at, empty_at, _ = x
    if is_there:
        return role not in present or at - seen_at >= min(fresh_s, MARK_SECONDS)
    return role in present or at - empty_at >= fresh_s


def on_line(x: Lamps, on_w: float) -> float:
    """From which power they count as on."""
    return max(on_w, ON_SHARE * x.most)


def by_lux(x: Lamps, at: float, lux: float, seen: Presence, sky: Sky) -> Lamps:
    """The lamps after a reading of the light in their room."""
    if x.is_lit is False and lux < DARK_LUX and x.marks:
        marks = x.marks if at - x.marks[-1][0] < MARK_SECONDS else (x.marks[-1], (at, lux))
        return Lamps(at, lux, False, x.most, marks, x.on_at, x.on_from, x.gain)
    marks = tuple(mark for mark in x.marks if at - mark[0] <= JUMP_GAP_SECONDS)
    low, high = min([lux, *(mark[1] for mark in marks)]), max([lux, *(mark[1] for mark in marks)])
    is_mark = not x.marks or at - x.marks[-1][0] >= MARK_SECONDS
    marks = (*x.marks[-1:], (at, lux)) if is_mark else x.marks
    x = Lamps(at, lux, x.is_lit, x.most, marks, x.on_at, x.on_from, x.gain, x.fell_at)
    if DEEP_NIGHT.holds(sky.calendar.minute(at)):
        is_lit = lux > min(JUMP_LUX, max(DARK_LUX, ON_SHARE * x.most))
        most = max(lux, x.most) if lux >= JUMP_LUX else x.most
        return x._replace(is_lit=is_lit, most=most, gain=lux if is_lit else x.gain)
    if x.is_lit:
        return _still_lit(x, at, lux, high - lux, seen)
    return _lit_now(x, at, lux, low, seen, sky)


def _still_lit(x: Lamps, at: float, lux: float, fall: float, seen: Presence) -> Lamps:
    """Lit lamps after a reading: off when their light is gone, or when it fell by just that as people left."""
    gain, most, fell_at = x.gain, x.most, x.fell_at
    if at - x.on_at <= JUMP_GAP_SECONDS and lux - x.on_from > gain:  # a jump split over readings; lamps warm up
        gain = lux - x.on_from
        most = max(most, gain) if x.on_from <= 0.0 or most < JUMP_LUX else most
    if ALIKE * gain <= fall <= max(gain, most) / ALIKE:
        fell_at = at
    is_alone = not seen.present and (seen.empty_at <= 0.0 or -PRESS_SECONDS <= seen.seen_at - fell_at <= LEAVE_SECONDS)
    is_off = lux < DIM_SHARE * gain or (is_alone and fell_at > 0.0)
    return x._replace(is_lit=not is_off, gain=gain, most=most, fell_at=0.0 if is_off else fell_at)


def _lit_now(x: Lamps, at: float, lux: float, low: float, seen: Presence, sky: Sky) -> Lamps:
    """Dark lamps after a reading: on when light jumps out of the dark, or by day by what lamps give as people come."""
    rise, is_near = lux - low, bool(seen.present) or 0.0 < seen.seen_at >= at - PRESS_SECONDS
    if x.is_lit is None and lux >= DESK_LUX and seen.present and rise < JUMP_LUX:  # who works at desk light has lamps
        return x._replace(is_lit=True, most=DESK_LUX, gain=DESK_LUX)
    height = sky.sun.elevation(at) if sky.sun is not None and lux >= ROW_LUX else None
    if height is not None and height < DARK_DEG and lux > max(JUMP_LUX, DIM_SHARE * x.most):
        return x._replace(is_lit=True, most=max(x.most, lux), on_at=at, on_from=0.0, gain=lux)
    if low <= DARK_LUX:
        is_sun = not is_near and height is not None and height > 0.0
        least = max(ROW_LUX, ROW_SHARE * x.most) if is_near else max(JUMP_LUX, DIM_SHARE * x.most)
        if rise >= least and not is_sun:
            return x._replace(is_lit=True, most=max(x.most, lux), on_at=at, on_from=0.0, gain=lux)
    elif is_near and rise >= _wanted(x, at, low, seen):
        is_known = x.most >= JUMP_LUX
        if not is_known or rise <= x.most / ALIKE:
            return x._replace(is_lit=True, most=x.most if is_known else rise, on_at=at, on_from=low, gain=rise)
    return x if lux >= DARK_LUX else x._replace(is_lit=False)


def _wanted(x: Lamps, at: float, low: float, seen: Presence) -> float:
    """From which rise on people by day have switched lamps on: a row as they come, more when it has become dim."""
    if at - seen.came_at <= ARRIVE_SECONDS and low <= BRIGHT_LUX:
        return max(JUMP_LUX, ROW_SHARE * x.most)
    return max(JUMP_LUX, DIM_SHARE * x.most) if low <= DIM_LUX else inf


def seen_by(x: Presence, role: str, at: float, *, is_there: bool) -> Presence:
    """Presence after a reading of one sensor of the room."""
    present, seen_at, empty_at, came_at = x
    if is_there:
        if role in present:
            return Presence(present, at, empty_at, came_at)
        came_at = came_at if present or at - seen_at <= PRESS_SECONDS else at
        return Presence(tuple(sorted((*present, role))), at, empty_at, came_at)
    if role in present:
        return Presence(tuple(other for other in present if other != role), at, at, came_at)
    return Presence(present, seen_at, at, came_at)


def lights_of(points: Sequence[Point], *, is_whole_known: bool) -> list[tuple[str, Point]]:
    """The best word on the lamps of a room, by role: their own circuits, else a light sensor.

    Where `is_whole_known` the meter of the whole room must do if there is nothing else.
    """
    powers = [(POWER, point) for point in points if point.quantity == "power_w"]
    lighting = [row for row in powers if row[1].part == LIGHTING]
    lux = [(LUX, point) for point in points if point.quantity == "illuminance_lx"]
    return lighting or lux or ([row for row in powers if not row[1].part] if is_whole_known else [])
