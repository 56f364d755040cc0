"""What people declare while it runs: facts, which come as readings of points of their own, through queue and log."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rules.model import Place, Point, Sample

PEOPLE = "people"  # the source of what people declare
PERMIT = ("permit_w", "permit_from", "permit_until")


def fact_point(place: str, quantity: str) -> str:
    """The point of what people declare about a place."""
    return f"{place}/{quantity}"


def is_fact(sample: Sample) -> bool:
    """Whether people declared this."""
    return sample.device.startswith(f"{PEOPLE}/")


class Permit(NamedTuple):
    """An appliance of at most `watts` is allowed at a place from `begin` to `end` (Unix seconds); 0 W takes it back.

    A place has one permit: a new one takes the place of the old.
    """

    place: str
    watts: float
    begin: float
    end: float


def permit(place: str, watts: float, *, begin: float, end: float, at: float) -> Sample:
    """A permit as it is logged."""
    values = zip(PERMIT, (watts, begin, end), strict=True)
    return Sample(at, f"{PEOPLE}/{place}", {fact_point(place, quantity): value for quantity, value in values})


def permits(newest: Mapping[str, float], places: Iterable[str], at: float) -> list[Permit]:
    """What is permitted at a time or will be, by the newest values of fact points."""
    found = []
    for place in places:
        values = [newest.get(fact_point(place, name), 0.0) for name in PERMIT]
        if values[0] > 0 and values[2] > at:
            found.append(Permit(place, *values))
    return found


def fact_points(places: Iterable[Place]) -> list[Point]:
    """The points of all that people can declare."""
    return [
        Point(fact_point(place.id, quantity), place.id, "", quantity, f"{PEOPLE}/{place.id}", PEOPLE, 0.0)
        for place in places
        for quantity in PERMIT
    ]
