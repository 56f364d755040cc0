"""Where staff are told: one endpoint, what it wants to hear, and when it must stay quiet."""

from dataclasses import dataclass, field

from rules.calendar import Span
from rules.model import Delivery, Severity, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One endpoint as an apprise address, which holds secrets and is never shown.

    `severities` are those that are told at once; a day's summary holds all that is for it. `quiet` is the part of the
    day, in minutes, in which only `critical` gets through. `digest_at` is the minute of the day when what need not be
    acted on at once is told, in one message.
    """

    name: str
    url: str = field(repr=False)
    severities: frozenset[Severity] = frozenset(Severity)
    turns: frozenset[Turn] = frozenset({Turn.RAISED})
    deliveries: frozenset[Delivery] = frozenset({Delivery.PAGE, Delivery.DIGEST})
    quiet: Span | None = None
    digest_at: int = 7 * 60 + 30
    rate_per_minute: int = 20
