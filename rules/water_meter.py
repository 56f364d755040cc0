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
JITTER_S = 15.0     # of the interval of a register
COARSE_S = 300.0    # an open tap must give a pulse so often


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


class Register(NamedTuple):
    """The last reading of a register from which a flow was made, in litres, and its pulse."""

    at: float
    litres: float
    pulse: tuple[float, float, int] = Pulse()


def apart_s(pulse: float, tap_lpm: float) -> float:
    """How far apart two readings must be for an open tap to give a pulse."""
    return max(60.0, 60.0 * pulse / tap_lpm)


def flow_between(
    known: tuple[float, float, tuple[float, float, int]] | None, at: float, litres: float, *, tap_lpm: float,
    holds_s: float,
) -> tuple[tuple[float, float, tuple[float, float, int]], float | None, float]:  # fmt: skip
    """The register after a reading, the flow since the one before (L/min; None: not known), how long that speaks."""
    if known is None:
        return Register(at, litres), None, 0.0
    since, before, pulse = known
    if litres > before:
        pulse = learned(pulse, litres - before)
    wanted_s = apart_s(pulse[0], tap_lpm)
    if at - since > max(holds_s, 2 * wanted_s) or wanted_s > COARSE_S:
        return Register(at, litres, pulse), None, 0.0  # nothing says when it flowed
    if at - since < wanted_s - JITTER_S:
        return (known if pulse == known[2] else Register(since, before, pulse)), None, 0.0
    return Register(at, litres, pulse), (litres - before) / (at - since) * 60.0, max(holds_s, 2.5 * wanted_s)


def divided(step: float, litres: float) -> float:
    """The largest power of ten litres, from `step` down, of which an increment is a whole number.

    From rare readings a pulse shows in this way only: each of them is many.
    """
    while step > LEAST_L and (litres < 0.9 * step or abs(litres / step - round(litres / step)) > 0.01):
        step /= 10.0
    return step
