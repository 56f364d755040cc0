"""An event as the commands print it, and a case file keeps it; and back."""

from collections.abc import Mapping
from typing import Any

from rules.model import Delivery, Event, Evidence, Severity, Turn


def as_json(event: Event) -> dict[str, Any]:
    """An event as JSON can carry it, in words."""
    return {
        "rule": event.rule, "key": event.key, "place": event.place, "at": event.at, "turn": event.turn.value,
        "severity": event.severity.name.lower(), "delivery": event.delivery.value,
        "why": {"key": event.why, **event.values},
        "evidence": event.evidence._asdict(),
    }  # fmt: skip


def of_json(row: Mapping[str, Any]) -> Event:
    """The event again; raises KeyError, TypeError or ValueError for what is none."""
    values = dict(row["why"])
    why, evidence = values.pop("key"), row["evidence"]
    return Event(
        row["rule"], row["key"], row["place"], row["at"], Turn(row["turn"]), Severity[row["severity"].upper()],
        Delivery(row["delivery"]), why, values,
        Evidence(evidence["since"], tuple(evidence["points"]), evidence["threshold"], evidence["covered_s"]),
    )  # fmt: skip
