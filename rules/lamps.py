"""Whether something is switched on: lamps by their circuit's power or by the light they give, appliances by power.

Strategy. The power of a circuit tells with a wide hysteresis: on above a fifth of the most it ever drew, off below a
tenth. An illuminance sensor cannot tell lamps from the sun by its level, so only what lamps alone do counts: a jump
within about a minute, out of the dark or while someone is there to press the switch, and light in the middle of the
night; slow changes, and jumps in an empty room by day, are the sun. Lamps are off again when what they gave is gone. In
the deep night more than 30 lx is lamps: a ceiling sensor may see no more of them. Once a jump has told what the lamps
give, it takes a fifth of that, 100 lx at most, so that a street lamp before the window is silent; and a night's light
below 100 lx, which may be one, does not teach what the lamps give by day.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rules.calendar import Calendar, Span
from rules.model import Point

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
GONE_SHARE = 0.6        # of the lamps' light: a fall so deep is the switch
DIM_SHARE = 0.5
PRESS_SECONDS = 120.0   # who pressed the switch was seen no longer ago
DEEP_NIGHT = Span(23 * 60, 3 * 60)  # dark everywhere, all year


class Lamps(NamedTuple):
    """What is known of lamps (or an appliance): `is_lit` is None while nothing told, `most` what they draw or give.

    `light` is the last reading, in W or lx, at `at`. For lux: `marks` are readings that a jump is seen against, `on_at`
    and `on_from` when and from what level the lamps came on (to learn `most`).
    """

    at: float = 0.0
    light: float = 0.0
    is_lit: bool | None = None
    most: float = 0.0
    marks: tuple[tuple[float, float], ...] = ()
    on_at: float = 0.0
    on_from: float = 0.0


class Presence(NamedTuple):
    """Who is in a room: the sensors that see someone, when anyone was last seen, and when a sensor last saw nobody."""

    present: tuple[str, ...] = ()
    seen_at: float = 0.0
    empty_at: float = 0.0


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
    x: Lamps, role: str, at: float, value: float, seen: Presence, *, on_w: float, pause_s: float, calendar: Calendar
) -> Lamps:
    """What is known after a reading of any role; tuples that came back from JSON will do."""
    if role == POWER:
        return by_power(x, at, value, on_w)
    if role == LUX:
        return by_lux(Lamps(*x), at, value, Presence(*seen), calendar)
    if role == LOAD:
        return by_load(x, at, value, on_w, pause_s)
    return Lamps(at, value, value > 0)


def on_line(x: Lamps, on_w: float) -> float:
    """From which power they count as on."""
    return max(on_w, ON_SHARE * x.most)


def by_lux(x: Lamps, at: float, lux: float, seen: Presence, calendar: Calendar) -> Lamps:
    """The lamps after a reading of the light in their room."""
    x = _by_light(x, at, lux, seen, calendar)
    if x.is_lit is None and lux >= DESK_LUX and seen.present:
        return x._replace(is_lit=True, most=lux)  # at first sight: who works at desk light has it from lamps
    return x


def _by_light(x: Lamps, at: float, lux: float, seen: Presence, calendar: Calendar) -> Lamps:
    marks = tuple(mark for mark in x.marks if at - mark[0] <= JUMP_GAP_SECONDS)
    low, high = min([lux, *(mark[1] for mark in marks)]), max([lux, *(mark[1] for mark in marks)])
    is_mark = not x.marks or at - x.marks[-1][0] >= MARK_SECONDS
    x = Lamps(at, lux, x.is_lit, x.most, (*x.marks[-1:], (at, lux)) if is_mark else x.marks, x.on_at, x.on_from)
    if DEEP_NIGHT.holds(calendar.minute(at)):
        is_lit = lux > min(JUMP_LUX, max(DARK_LUX, ON_SHARE * x.most))
        return x._replace(is_lit=is_lit, most=lux if is_lit and x.most < JUMP_LUX else x.most)
    if x.is_lit:
        if at - x.on_at <= JUMP_GAP_SECONDS:  # a jump may be split over readings, and lamps warm up
            x = x._replace(most=max(x.most, lux - x.on_from))
        return x._replace(is_lit=high - lux < GONE_SHARE * x.most and lux >= DIM_SHARE * x.most)
    rise = lux - low
    if rise < max(JUMP_LUX, DIM_SHARE * x.most):
        return x if lux >= DARK_LUX else x._replace(is_lit=False)
    if low <= DARK_LUX:
        return x._replace(is_lit=True, most=lux, on_at=at, on_from=0.0)
    if not seen.present and (seen.seen_at <= 0 or at - seen.seen_at > PRESS_SECONDS):
        return x  # nobody was near: if somebody comes soon, the next reading sees the jump again
    is_known = x.most >= JUMP_LUX
    return x._replace(is_lit=True, most=x.most if is_known else rise, on_at=0.0 if is_known else at, on_from=low)


def seen_by(x: Presence, role: str, at: float, *, is_there: bool) -> Presence:
    """Presence after a reading of one sensor of the room."""
    present, seen_at, empty_at = x
    if is_there:
        return Presence(present if role in present else tuple(sorted((*present, role))), at, empty_at)
    if role in present:
        return Presence(tuple(other for other in present if other != role), at, at)
    return Presence(present, seen_at, at)


def lights_of(points: Sequence[Point], *, is_whole_known: bool) -> list[tuple[str, Point]]:
    """The best word on the lamps of a room, by role: their own circuits, else a light sensor.

    Where `is_whole_known` the meter of the whole room must do if there is nothing else.
    """
    powers = [(POWER, point) for point in points if point.quantity == "power_w"]
    lighting = [row for row in powers if row[1].part == LIGHTING]
    lux = [(LUX, point) for point in points if point.quantity == "illuminance_lx"]
    return lighting or lux or ([row for row in powers if not row[1].part] if is_whole_known else [])
