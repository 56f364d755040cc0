"""Who is told what and when: the decisions, without a clock, a store or a network.

Strategy. With each event, in its own transaction, every channel that wants it gets a row in the outbox; what is still
unsent about one alert is told as one *story*, so an alert that is over before anybody heard of it is told once. Rows
that come due faster than a channel's rate are bundled: the gravest alone, all the others in one message. What is
critical keeps to no rate and stands in a message of its own, also when an alert rises to it. What nobody
has to act on at once (delivery digest) comes due at the channel's hour of the day, and all of it is one message; an end
is part of it, or not told at all.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from daemon.channel import Channel
from rules.calendar import Calendar
from rules.model import Delivery, Event, Severity, Turn

ENDINGS = (Turn.CLEARED, Turn.WITHDRAWN)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 900.0
LAST_CALL_S = 60.0  # what comes later than this before a digest waits a day, or it would be a second message
MOST_URGENT = 20  # messages about critical alerts at once, each with one; endpoints take no more in a minute
MOST_TRIES = 300  # with the longest pause some three days: a weekend without internet


class OutboxRow(NamedTuple):
    """One event for one channel; `number` is the alert's, `id` is 0 until stored.

    `is_wanted` says whether the channel asks for this turn as such. One that it did not ask for still counts when it
    is the first that the channel hears of the alert, or when what it replaces is not sent yet; a message under way
    counts as not sent, so a row is judged again when what was before it is settled.
    """

    id: int
    number: int
    channel: str
    event: Event
    due: float
    tries: int = 0
    is_wanted: bool = True


class OutboxError(Exception):
    """The outbox cannot be read or written now; try again later."""


class Outbox(Protocol):
    """What whoever tells staff needs of the store; every call may raise OutboxError."""

    def due(self, channel: str, now: float, limit: int) -> list[OutboxRow]:
        """All that waits about the alerts of which something is due, for at most `limit` alerts."""

    def next_due(self, channel: str) -> float | None:
        """When the earliest waiting row of a channel is due."""

    def postponed(self, ids: Sequence[int], due: float) -> None:
        """These wait until `due` without having been tried."""

    def delivered(self, ids: Sequence[int], at: float, answer: str) -> None:
        """The endpoint took the message with these rows; what waits behind them may not be needed any more."""

    def failed(self, ids: Sequence[int], at: float, retry_at: float | None, answer: str) -> None:
        """The endpoint did not take it; without a time to retry these rows are given up."""


class Known(StrEnum):
    """What a channel already has of an alert."""

    NOTHING = "nothing"
    UNSENT = "unsent"
    SENT = "sent"
    SUMMED = "summed"  # as a line of a day's summary


Story = tuple[OutboxRow, ...]  # all that is unsent about one alert on one channel, in the order it happened


def rows_for(
    event: Event, number: int, channels: Iterable[Channel], calendar: Calendar, *, now: float = 0.0
) -> list[OutboxRow]:
    """The rows an event may need; `is_needed` says of each, once the earlier ones are known, whether it does.

    `now` is when it is judged, which for what lay in a backlog is long after its time.
    """
    return [
        OutboxRow(0, number, channel.name, event, _due(channel, event, max(event.at, now), calendar),
                  is_wanted=_asks_for(channel, event))
        for channel in channels
        if _may_hear(channel, event)
    ]  # fmt: skip


def _due(channel: Channel, event: Event, now: float, calendar: Calendar) -> float:
    if event.turn in ENDINGS or event.delivery is not Delivery.DIGEST:
        return allowed_at(channel, event.severity, event.at, calendar)
    return allowed_at(channel, Severity.INFO, calendar.next_minute(now + LAST_CALL_S, channel.digest_at), calendar)


def is_digest(rows: Iterable[OutboxRow]) -> bool:
    """Whether rows about an alert are for the day's summary: nothing in them has to be acted on at once."""
    running = [row.event for row in rows if row.event.turn not in ENDINGS]
    return bool(running) and all(event.delivery is Delivery.DIGEST for event in running)


def _may_hear(channel: Channel, event: Event) -> bool:
    if event.turn in ENDINGS:
        return True  # an end follows its raise, whatever the severity was by then
    asked = event.turn in channel.turns or (event.turn is Turn.UPDATED and Turn.RAISED in channel.turns)
    is_grave = event.severity in channel.severities or event.delivery is Delivery.DIGEST  # a summary disturbs nobody
    return asked and is_grave and event.delivery in channel.deliveries


def _asks_for(channel: Channel, event: Event) -> bool:
    """Who asks to hear of the end hears of a withdrawal too, else an alert would stay open in their minds.

    Who asks to hear of the beginning hears when it becomes critical: it is another alert then.
    """
    turn = event.turn
    is_rise = turn is Turn.UPDATED and event.severity is Severity.CRITICAL and event.delivery is Delivery.PAGE
    return (
        turn in channel.turns
        or (turn is Turn.WITHDRAWN and Turn.CLEARED in channel.turns)
        or (is_rise and Turn.RAISED in channel.turns)
    )


def is_needed(row: OutboxRow, known: Known) -> bool:
    """Whether a channel that knows this much of the alert needs the row."""
    if known is Known.NOTHING:
        return row.event.turn not in ENDINGS  # an update may be the first that is grave enough for the channel
    if known is Known.SUMMED:
        return row.event.turn not in ENDINGS and (row.is_wanted or row.event.delivery is Delivery.PAGE)
    return known is Known.UNSENT or row.is_wanted


def allowed_at(channel: Channel, severity: Severity, at: float, calendar: Calendar) -> float:
    """The time from `at` on when a channel may hear of something of this severity."""
    quiet = channel.quiet
    if quiet is None or severity is Severity.CRITICAL or not quiet.holds(calendar.minute(at)):
        return at
    day = calendar.local(at).date()
    end = calendar.at_minute(day, quiet.end)
    return end if end > at else calendar.at_minute(day + timedelta(days=1), quiet.end)


def urgency_of(rows: Sequence[OutboxRow]) -> Severity:
    """The severity by which a message may break quiet hours; a summary never does."""
    return Severity.INFO if is_digest(rows) else severity_of(rows)


def severity_of(rows: Iterable[OutboxRow]) -> Severity:
    """The highest severity among some rows."""
    return max(row.event.severity for row in rows)


def stories(rows: Iterable[OutboxRow]) -> list[Story]:
    """Rows gathered by alert, the gravest and then the oldest first."""
    by_number: dict[int, list[OutboxRow]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        by_number.setdefault(row.number, []).append(row)
    return sorted(
        (tuple(story) for story in by_number.values()), key=lambda story: (-severity_of(story), story[0].number)
    )


def bundles(gathered: Sequence[Story], room: int) -> list[list[Story]]:
    """What to put into each message: one story each, and what exceeds the room all in the last.

    What is critical goes first, whatever the room; only very many of them share a message, with nothing milder in it.
    """
    urgent = [story for story in gathered if _is_urgent(story)]
    others = [story for story in gathered if not _is_urgent(story)]
    return _spread(urgent, MOST_URGENT) + _spread(others, room - len(urgent))


def _spread(gathered: Sequence[Story], room: int) -> list[list[Story]]:
    if room <= 0:
        return []
    if len(gathered) <= room:
        return [[story] for story in gathered]
    return [*([story] for story in gathered[: room - 1]), list(gathered[room - 1 :])]


def _is_urgent(story: Story) -> bool:
    return any(row.event.severity is Severity.CRITICAL and row.event.turn not in ENDINGS for row in story)


def pause_s(tries: int, chance: float) -> float:
    """How long to wait after the `tries`-th failure; `chance` in 0..1 spreads those that failed together."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(tries - 1, 10))
    return longest * (0.75 + chance / 4)
