"""An alert that has not ended, as the pipeline remembers it, and its end when nobody can judge it any more."""

from typing import NamedTuple

from rules.model import Delivery, Event, Evidence, Severity, Turn


class OpenAlert(NamedTuple):
    """An alert that has not ended."""

    number: int
    place: str


def withdrawal(rule: str, key: str, place: str, at: float) -> Event:
    """The end of an alert that nobody can judge any more."""
    why = "withdrawn"
    return Event(rule, key, place, at, Turn.WITHDRAWN, Severity.INFO, Delivery.RECORD, why, {}, Evidence(at))
