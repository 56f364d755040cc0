"""What a water meter tells: how many people are behind it, how much went through it, and how much a pulse is."""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from rules.model import Place, Point, Site

FLOW, VOLUME = "flow", "volume"  # roles: L/min, and a register in m3
ALIKE = 0.8                      # increments this close are the same number of pulses
VOTES = 3                        # an increment that comes so often is no slip of a register
LEAST_L = 1e-3
COARSEST_L = 1000.0


class Group(IntEnum):
    """Who is behind a meter: about 4, 30, 120 or 600 people. The more they are, the shorter water ever stands still."""

    ROOM = 0
    CORRIDOR = 1
    FLOOR = 2
    BUILDING = 3


ROOMS = frozenset({"dorm_room", "classroom", "office", "lab", "library", "staff_flat"})
SHARED = frozenset({"canteen", "boiler_room", "drinking_boiler", "pump_room", "distribution_room", "outdoor"})


class Meter(NamedTuple):
    """A water meter at a place: its register where it has one, else its flow."""

    place: Place
    point: Point
    group: Group

    @property
    def key(self) -> str:
        return self.point.id.rpartition("/")[0]

    @property
    def role(self) -> str:
        return FLOW if self.point.quantity == "flow_lpm" else VOLUME

    @property
    def inputs(self) -> dict[str, str]:
        return {self.role: self.point.id}


def group(site: Site, place: Place) -> Group:
    """Whom a meter at a place serves: a dormitory's washroom a whole floor, another one a corridor."""
    if place.id == place.building or place.kind in SHARED:
        return Group.BUILDING
    if place.kind == "washroom":
        return Group.FLOOR if site.hours(place.id).is_lived_in else Group.CORRIDOR
    return Group.ROOM if place.kind in ROOMS else Group.CORRIDOR


def meters(site: Site) -> Iterable[Meter]:
    """The water meters of a site; a flow that is derived from a register, or stands beside it, is not another one."""
    for place in site.places.values():
        found: dict[str, Point] = {}
        for point in site.points_at(place.id):
            if point.quantity == "volume_m3" or (point.quantity == "flow_lpm" and point.part not in found):
                found[point.part] = point
        for point in found.values():
            yield Meter(place, point, group(site, place))


class Pulse(NamedTuple):
    """The smallest increment of a meter in litres, learned: 0 until one has come `VOTES` times."""

    litres: float = 0.0
    rival: float = 0.0
    votes: int = 0


def learned(pulse: tuple[float, float, int], litres: float) -> tuple[float, float, int]:
    """The pulse after a reading that rose by so many litres; the same object where it says nothing new."""
    known, rival, votes = pulse
    if litres < LEAST_L or (known and litres > ALIKE * known):
        return pulse
    if not rival or litres < ALIKE * rival:
        return Pulse(known, litres, 1)
    if litres > rival / ALIKE:
        return pulse
    return Pulse(rival, 0.0, 0) if votes + 1 >= VOTES else Pulse(known, rival, votes + 1)


def divided(step: float, litres: float) -> float:
    """The largest power of ten litres, from `step` down, of which an increment is a whole number.

    From rare readings a pulse shows in this way only: each of them is many.
    """
    while step > LEAST_L and (litres < 0.9 * step or abs(litres / step - round(litres / step)) > 0.01):
        step /= 10.0
    return step
