"""Who is told what and when: the policy in tables."""


import pytest
from ledger import CALENDAR, NOON, event, local

from daemon.channel import Channel
from daemon.telling import MOST_TRIES, MOST_URGENT, OutboxRow, allowed_at, bundles, pause_s, rows_for, stories
from rules.calendar import Span
from rules.model import Delivery, Event, Severity, Turn

NIGHT = Span(22 * 60 + 30, 6 * 60)


@pytest.mark.parametrize(
    ("channel", "what", "is_told"),
    [
        (Channel(name="c", url=""), event(), True),
        (Channel(name="c", url=""), event(severity=Severity.INFO), True),
        (Channel(name="c", url=""), event(delivery=Delivery.DIGEST), True),
        (Channel(name="c", url="", deliveries=frozenset({Delivery.PAGE})), event(delivery=Delivery.DIGEST), False),
        (Channel(name="c", url=""), event(delivery=Delivery.RECORD), False),
        (Channel(name="c", url="", severities=frozenset({Severity.CRITICAL})), event(), False),
        (Channel(name="c", url="", severities=frozenset({Severity.CRITICAL})), event(delivery=Delivery.DIGEST), True),
        (Channel(name="c", url="", deliveries=frozenset(Delivery)), event(delivery=Delivery.DIGEST), True),
        (Channel(name="c", url="", turns=frozenset({Turn.CLEARED})), event(), False),
        (Channel(name="c", url="", turns=frozenset({Turn.UPDATED})), event(Turn.UPDATED), True),
        (Channel(name="c", url="", turns=frozenset({Turn.CLEARED})), event(Turn.UPDATED), False),
    ],
)
def test_who_hears_of_an_event(channel: Channel, what: Event, is_told: bool) -> None:
    assert [row.channel for row in rows_for(what, 1, [channel], CALENDAR)] == (["c"] if is_told else [])


@pytest.mark.parametrize(
    ("at", "severity", "expected"),
    [
        ("2026-09-01 12:00", Severity.MAJOR, "2026-09-01 12:00"),
        ("2026-09-01 22:29", Severity.MAJOR, "2026-09-01 22:29"),
        ("2026-09-01 22:30", Severity.MAJOR, "2026-09-02 06:00"),
        ("2026-09-02 00:00", Severity.MINOR, "2026-09-02 06:00"),
        ("2026-09-02 05:59", Severity.MAJOR, "2026-09-02 06:00"),
        ("2026-09-02 06:00", Severity.MAJOR, "2026-09-02 06:00"),
        ("2026-09-02 03:00", Severity.CRITICAL, "2026-09-02 03:00"),
    ],
)
def test_quiet_hours_move_all_but_critical_to_their_end(at: str, severity: Severity, expected: str) -> None:
    channel = Channel(name="c", url="", quiet=NIGHT)
    assert allowed_at(channel, severity, local(at), CALENDAR) == local(expected)


@pytest.mark.parametrize(
    ("at", "now", "digest_at", "expected"),
    [
        ("2026-09-01 07:00", "2026-09-01 07:00", "07:30", "2026-09-01 07:30"),
        ("2026-09-01 07:29", "2026-09-01 07:29", "07:30", "2026-09-01 07:30"),
        ("2026-09-01 07:30", "2026-09-01 07:30", "07:30", "2026-09-02 07:30"),  # it is on its way already
        ("2026-09-01 23:00", "2026-09-01 23:00", "07:30", "2026-09-02 07:30"),
        ("2026-09-01 06:00", "2026-09-01 12:00", "07:30", "2026-09-02 07:30"),  # out of a backlog: no second message
        ("2026-09-01 12:00", "2026-09-01 12:00", "23:00", "2026-09-02 06:00"),  # quiet hours hold for it too
    ],
)
def test_a_digest_is_due_at_its_hour(at: str, now: str, digest_at: str, expected: str) -> None:
    hour, minute = map(int, digest_at.split(":"))
    channel = Channel(name="c", url="", quiet=NIGHT, digest_at=hour * 60 + minute)
    what = event(at=local(at), delivery=Delivery.DIGEST, severity=Severity.CRITICAL)
    (row,) = rows_for(what, 1, [channel], CALENDAR, now=local(now))
    assert row.due == local(expected)


def test_quiet_hours_within_a_day() -> None:
    channel = Channel(name="c", url="", quiet=Span(12 * 60, 14 * 60))
    assert allowed_at(channel, Severity.MAJOR, local("2026-09-01 12:00"), CALENDAR) == local("2026-09-01 14:00")
    assert allowed_at(channel, Severity.MAJOR, local("2026-09-01 14:00"), CALENDAR) == local("2026-09-01 14:00")


@pytest.mark.parametrize(
    ("count", "room", "sizes"),
    [(0, 20, []), (3, 20, [1, 1, 1]), (20, 20, [1] * 20), (21, 20, [1] * 19 + [2]), (50, 20, [1] * 19 + [31]),
     (5, 1, [5]), (5, 0, []), (1, 1, [1])],
)  # fmt: skip
def test_what_exceeds_the_room_goes_into_the_last_message(count: int, room: int, sizes: list[int]) -> None:
    gathered = stories(OutboxRow(i, i, "c", event(), NOON) for i in range(count))
    assert [len(bundle) for bundle in bundles(gathered, room)] == sizes


@pytest.mark.parametrize(
    ("critical", "milder", "room", "expected"),
    [
        (1, 50, 20, [(1, 0), *[(0, 1)] * 18, (0, 32)]),
        (1, 5, 1, [(1, 0)]),                                  # the others wait for the next minute
        (1, 5, 2, [(1, 0), (0, 5)]),
        (3, 0, 0, [(1, 0)] * 3),                              # no rate keeps it back
        (3, 9, -4, [(1, 0)] * 3),
        (MOST_URGENT + 5, 3, 20, [*[(1, 0)] * (MOST_URGENT - 1), (6, 0)]),
    ],
)
def test_what_is_critical_is_told_at_once_and_behind_nothing_else(
    critical: int, milder: int, room: int, expected: list[tuple[int, int]]
) -> None:
    graves = [Severity.MAJOR] * milder + [Severity.CRITICAL] * critical
    gathered = stories(OutboxRow(n, n, "c", event(severity=grave), NOON) for n, grave in enumerate(graves))
    sent = [[story[0].event.severity for story in bundle] for bundle in bundles(gathered, room)]
    assert [(told.count(Severity.CRITICAL), told.count(Severity.MAJOR)) for told in sent] == expected


def test_the_end_of_a_critical_alert_is_not_urgent() -> None:
    ends = [OutboxRow(n, n, "c", event(Turn.CLEARED, severity=Severity.CRITICAL), NOON) for n in range(3)]
    assert [len(bundle) for bundle in bundles(stories(ends), 1)] == [3]
    assert bundles(stories(ends), 0) == []


@pytest.mark.parametrize(
    ("what", "is_wanted"),
    [
        (event(Turn.UPDATED, severity=Severity.CRITICAL), True),
        (event(Turn.UPDATED, severity=Severity.MAJOR), False),
        (event(Turn.UPDATED, severity=Severity.CRITICAL, delivery=Delivery.DIGEST), False),
        (event(Turn.CLEARED, severity=Severity.CRITICAL), False),
    ],
)
def test_who_hears_of_a_beginning_hears_when_it_becomes_critical(what: Event, is_wanted: bool) -> None:
    night = what._replace(at=local("2026-09-02 03:00"))
    (row,) = rows_for(night, 1, [Channel(name="c", url="", quiet=NIGHT)], CALENDAR)
    assert row.is_wanted is is_wanted
    assert (row.due == night.at) is (night.severity is Severity.CRITICAL and night.delivery is Delivery.PAGE)
    only_ends = Channel(name="c", url="", turns=frozenset({Turn.CLEARED}))
    assert bool(rows_for(night, 1, [only_ends], CALENDAR)) is (night.turn is Turn.CLEARED)


def test_the_gravest_come_first() -> None:
    rows = [OutboxRow(i, i, "c", event(severity=Severity(i % 4)), NOON) for i in range(8)]
    assert [story[0].number for story in stories(rows)] == [3, 7, 2, 6, 1, 5, 0, 4]


def test_pauses_double_up_to_a_quarter_of_an_hour_and_spread() -> None:
    assert [pause_s(tries, 1.0) for tries in (1, 2, 3, 7, 8, MOST_TRIES)] == [10, 20, 40, 640, 900, 900]
    assert pause_s(3, 0.0) == 30.0
