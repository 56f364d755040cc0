"""What people declare while it runs: facts, which come as readings of points of their own, through queue and log."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rules.model import Place, Point, Sample, Site

PEOPLE = "people"  # the source of what people declare
PERMIT = ("permit_w", "permit_from", "permit_until")
DECLARABLE: Mapping[str, tuple[str, float]] = {  # what people can say in a word -> the reading that it makes
    "round": ("round", 1.0),
    "on-duty": ("on_duty", 1.0),
    "off-duty": ("on_duty", 0.0),
    "pressure-test-begin": ("pressure_test", 1.0),
    "pressure-test-end": ("pressure_test", 0.0),
}
_ATTENDED = "boiler_room"  # where rules hear of rounds and duty
_ATTENDANCE = ("round", "on_duty")
_TESTED, _TEST = "pressure_kpa", "pressure_test"


class Permit(NamedTuple):
    """An appliance of at most `watts` is allowed at a place from `begin` to `end` (Unix seconds); 0 W takes it back.

    A place has one permit: a new one takes the place of the old.
    """

    place: str
    watts: float
    begin: float
    end: float


class Declaration(NamedTuple):
    """What is so at a place from `at` (Unix seconds) on, when it was said; `what` is one of DECLARABLE."""

    place: str
    what: str
    at: float


Fact = Permit | Declaration


def fact_point(place: str, quantity: str) -> str:
    """The point of what people declare about a place."""
    return f"{place}/{quantity}"


def is_fact(sample: Sample) -> bool:
    """Whether people declared this."""
    return sample.device.startswith(f"{PEOPLE}/")


def permit(place: str, watts: float, *, begin: float, end: float, at: float) -> Sample:
    """A permit as it is logged."""
    values = zip(PERMIT, (watts, begin, end), strict=True)
    return Sample(at, f"{PEOPLE}/{place}", {fact_point(place, quantity): value for quantity, value in values})


def sample_of(fact: Fact, at: float) -> Sample:
    """A fact as it is logged."""
    if isinstance(fact, Permit):
        return permit(fact.place, fact.watts, begin=fact.begin, end=fact.end, at=at)
    quantity, value = DECLARABLE[fact.what]
    return Sample(at, f"{PEOPLE}/{fact.place}", {fact_point(fact.place, quantity): value})


def permits(newest: Mapping[str, float], places: Iterable[str], at: float) -> list[Permit]:
    """What is permitted at a time or will be, by the newest values of fact points."""
    found = []
    for place in places:
        values = [newest.get(fact_point(place, name), 0.0) for name in PERMIT]
        if values[0] > 0 and values[2] > at:
            found.append(Permit(place, *values))
    return found


def permit_points(places: Iterable[Place]) -> list[Point]:
    """The points of permits, which people can declare anywhere."""
    return [_point(place.id, quantity) for place in places for quantity in PERMIT]


def declared_points(site: Site, place: str) -> list[Point]:
    """The points of what people can declare at a place in a word: where a rule hears it and no device tells it."""
    points = site.points_at(place)
    wanted = _ATTENDANCE if site.places[place].kind == _ATTENDED else ()
    if any(point.quantity == _TESTED for point in points):
        wanted = (*wanted, _TEST)
    told = {point.id for point in points if point.source != PEOPLE} if wanted else ()
    return [_point(place, quantity) for quantity in wanted if fact_point(place, quantity) not in told]


def declarable(site: Site, place: str) -> list[str]:
    """Which of DECLARABLE can be said about a place."""
    said = {point.quantity for point in declared_points(site, place)}
    return [what for what, (quantity, _) in DECLARABLE.items() if quantity in said]


def fact_points(site: Site) -> list[Point]:
    """The points of all that people can declare."""
    return [*permit_points(site.places.values()), *(p for place in site.places for p in declared_points(site, place))]


def _point(place: str, quantity: str) -> Point:
    return Point(fact_point(place, quantity), place, "", quantity, f"{PEOPLE}/{place}", PEOPLE, 0.0)
