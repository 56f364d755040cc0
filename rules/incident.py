"""An incident: one alert with its whole story, folded from its events; the current state is computed, never stored."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.model import Event, Severity, Turn

BOILER_SAFETY = "boiler_"  # what is dangerous about a boiler: all kinds of rules whose names begin so


@dataclass(frozen=True, slots=True)
class Incident:
    """The events of one alert in commit order, from `raised` on; `number` is what people call it."""

    number: int
    events: tuple[Event, ...]

    @property
    def raised(self) -> Event:
        return self.events[0]

    @property
    def ended(self) -> Event | None:
        last = self.events[-1]
        return last if last.turn in (Turn.CLEARED, Turn.WITHDRAWN) else None

    @property
    def is_open(self) -> bool:
        return self.ended is None

    @property
    def severity(self) -> Severity:
        """The highest severity it ever had."""
        return max(event.severity for event in self.events)

    @property
    def may_be_shelved(self) -> bool:
        """Whether people may put it off: never what was critical, nor what makes a boiler dangerous."""
        return self.severity < Severity.CRITICAL and not self.raised.rule.startswith(BOILER_SAFETY)


def fold(rows: Iterable[tuple[int, Event]]) -> dict[int, Incident]:
    """Incidents by number from `(number, event)` rows in commit order."""
    stories: dict[int, list[Event]] = {}
    for number, event in rows:
        stories.setdefault(number, []).append(event)
    return {number: Incident(number, tuple(events)) for number, events in stories.items()}
