"""What the rules about boilers share: which points of a boiler room mean what, and when water boils.

A boiler is one place of kind `boiler_room`; several boilers are several places. Its parts: none or `supply` (what
leaves it), `return`, `flue`, `pump`, `burner`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10

from rules.fact import declared_points
from rules.model import Place, Point, Site

BOILER = "boiler_room"
Spelled = Mapping[str, Sequence[tuple[str, str]]]  # role -> the points it may be, as part and quantity

_SPELLED: Spelled = {
    "supply": (("supply", "temperature_c"), ("", "temperature_c")),
    "return": (("return", "temperature_c"),),
    "flue": (("flue", "temperature_c"),),
    "pressure": (("supply", "pressure_kpa"), ("", "pressure_kpa")),
    "level": (("", "level_mm"),),
    "fill": (("", "level_pct"),),
    "level_low": (("", "level_low"),),
    "flame": (("", "flame"), ("burner", "flame"), ("burner", "on")),
    "fire": (("", "fire_pct"), ("burner", "fire_pct")),
    "demand": (("", "demand"), ("burner", "demand")),
    "pump": (("pump", "on"), ("pump", "power_w")),
    "door": (("", "door_open"),),
    "round": (("", "round"),),
    "on_duty": (("", "on_duty"),),
}
SEA_LEVEL_KPA = 101.325
LEAST_KPA = 2.0  # absolute: under less, water boils in the cold
_KPA_PER_MMHG = 0.133322
_COLD, _HOT = (8.07131, 1730.63, 233.426), (8.14019, 1810.94, 244.485)  # Antoine's constants for water


@dataclass(frozen=True, slots=True)
class Boiler:
    """A boiler room and its points by role."""

    place: Place
    points: dict[str, Point]

    def inputs(self, *roles: str) -> dict[str, str]:
        """The ids of those of these points that exist, by role."""
        return {role: self.points[role].id for role in roles if role in self.points}

    def holds_s(self, *roles: str) -> float:
        """How long a reading of these speaks: the shortest of those that exist."""
        return min(self.points[role].holds_s for role in roles if role in self.points)


def boilers(site: Site, *needed: str) -> Iterator[Boiler]:
    """The boilers of a site that have all these roles."""
    for place in site.places.values():
        if place.kind != BOILER:
            continue
        points = by_role((*site.points_at(place.id), *declared_points(site, place.id)), _SPELLED)
        if points.keys() >= set(needed):
            yield Boiler(place, points)


def by_role(points: Iterable[Point], spelled: Spelled) -> dict[str, Point]:
    """The points that play these roles, each the first of its spellings that exists."""
    known = {(point.part, point.quantity): point for point in points}
    found = ((role, [known[name] for name in names if name in known]) for role, names in spelled.items())
    return {role: named[0] for role, named in found if named}


def air_kpa(altitude_m: float) -> float:
    """The pressure of the air at an altitude (international standard atmosphere)."""
    return SEA_LEVEL_KPA * float((1.0 - 2.25577e-5 * altitude_m) ** 5.25588)


def is_pressure(gauge_kpa: float, air_kpa: float) -> bool:
    """Whether a gauge may show this: a broken transmitter shows the vacuum at the end of its range."""
    return air_kpa + gauge_kpa >= LEAST_KPA


def boiling_c(absolute_kpa: float) -> float:
    """The temperature at which water boils under an absolute pressure above zero (Antoine, within 0.5 K to 300 °C)."""
    mmhg = absolute_kpa / _KPA_PER_MMHG
    a, b, c = _COLD if absolute_kpa <= SEA_LEVEL_KPA else _HOT
    return b / (a - log10(mmhg)) - c
