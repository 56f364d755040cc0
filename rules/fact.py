"""What people declare while it runs: facts, which come as readings of points of their own, through queue and log."""

from collections.abc import Iterable

from rules.model import Place, Point, Sample

PEOPLE = "people"  # the source of what people declare
PERMIT = ("permit_w", "permit_from", "permit_until")


def fact_point(place: str, quantity: str) -> str:
    """The point of what people declare about a place."""
    return f"{place}/{quantity}"


def permit(place: str, watts: float, *, begin: float, end: float, at: float) -> Sample:
    """An appliance of at most `watts` is allowed at a place from `begin` to `end` (Unix seconds); 0 W takes it back."""
    values = zip(PERMIT, (watts, begin, end), strict=True)
    return Sample(at, f"{PEOPLE}/{place}", {fact_point(place, quantity): value for quantity, value in values})


def fact_points(places: Iterable[Place]) -> list[Point]:
    """The points of all that people can declare."""
    return [
        Point(fact_point(place.id, quantity), place.id, "", quantity, f"{PEOPLE}/{place.id}", PEOPLE, 0.0)
        for place in places
        for quantity in PERMIT
    ]
