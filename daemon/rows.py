"""An event as a row of the table `event`, and back."""

import sqlite3

import orjson

from rules.model import Delivery, Event, Evidence, Severity, Turn


def event_columns(event: Event) -> tuple[str, str, str, float, str, int, str, str, str, str]:
    """rule, key, place, at, turn, severity, delivery, why, values (JSON), evidence (JSON)."""
    return (
        event.rule,
        event.key,
        event.place,
        event.at,
        event.turn.value,
        int(event.severity),
        event.delivery.value,
        event.why,
        orjson.dumps(event.values).decode(),
        orjson.dumps(list(event.evidence)).decode(),
    )


def event_of(row: sqlite3.Row) -> Event:
    """The event in a row that has all columns of the table `event`."""
    since, points, threshold, covered_s = orjson.loads(row["evidence"])
    return Event(
        row["rule"],
        row["key"],
        row["place"],
        row["at"],
        Turn(row["turn"]),
        Severity(row["severity"]),
        Delivery(row["delivery"]),
        row["why"],
        orjson.loads(row["values"]),
        Evidence(since, tuple(points), threshold, covered_s),
    )
