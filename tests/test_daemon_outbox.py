"""The outbox in a real SQLite file."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger import INSERT, NOON, Ledger, event

from daemon.channel import Channel
from daemon.outbox import enqueue, told
from daemon.rows import event_columns, event_of
from daemon.telling import OutboxError, OutboxRow
from dashboard.view import Told
from rules.model import Delivery, Event, Evidence, Severity, Turn

CHAT = Channel(name="chat", url="json://127.0.0.1")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "caretaker.db", [CHAT])
    yield ledger
    ledger.db.close()


@pytest.mark.parametrize(
    "what",
    [
        event(),
        event(Turn.WITHDRAWN, severity=Severity.CRITICAL, delivery=Delivery.RECORD),
        Event("silent", "device/7", "", 0.001, Turn.UPDATED, Severity.INFO, Delivery.DIGEST, "三楼 \"'",
              {"a": 1.5, "b": "表", "c": 1e300}, Evidence(-1.25)),
    ],
)  # fmt: skip
def test_an_event_comes_back_as_it_was(ledger: Ledger, what: Event) -> None:
    ledger.db.execute(INSERT, (1, *event_columns(what)))
    assert event_of(ledger.db.execute("SELECT * FROM event").fetchone()) == what


def test_rows_are_due_with_their_event_and_their_number(ledger: Ledger) -> None:
    ledger.commit(12, event())
    (row,) = ledger.outbox.due("chat", NOON, 10)
    assert (row.number, row.channel, row.event, row.due, row.tries) == (12, "chat", event(), NOON, 0)
    assert ledger.outbox.next_due("chat") == NOON
    assert ledger.outbox.due("chat", NOON - 1, 10) == []
    assert ledger.outbox.due("other", NOON, 10) == []
    assert ledger.outbox.next_due("other") is None


def test_the_rest_of_a_story_comes_along_and_the_limit_counts_alerts_by_severity(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        severity = Severity.CRITICAL if number == 3 else Severity.MAJOR
        ledger.commit(number, event(place=f"dorm-3/{number}", severity=severity))
        ledger.commit(number, event(Turn.CLEARED, at=NOON + 60, place=f"dorm-3/{number}"))
    rows = ledger.outbox.due("chat", NOON, 2)
    assert [(row.number, row.event.turn) for row in sorted(rows)] == [
        (1, Turn.RAISED), (1, Turn.CLEARED), (3, Turn.RAISED), (3, Turn.CLEARED),
    ]  # fmt: skip


def test_what_became_of_a_message_is_kept_and_told(ledger: Ledger) -> None:
    ledger.commit(12, event())
    (row,) = ledger.outbox.due("chat", NOON, 10)
    assert told(ledger.db, 12) == []
    ledger.outbox.failed([row.id], NOON + 1, NOON + 11, "HTTP 500")
    assert told(ledger.db, 12) == [Told("chat", "raised", NOON + 1, False, "HTTP 500")]
    assert ledger.outbox.due("chat", NOON + 10, 10) == []
    (again,) = ledger.outbox.due("chat", NOON + 11, 10)
    assert (again.id, again.tries) == (row.id, 1)
    ledger.outbox.delivered([row.id], NOON + 12, "HTTP 200 ok")
    assert told(ledger.db, 12) == [Told("chat", "raised", NOON + 12, True, "HTTP 200 ok")]
    assert ledger.outbox.next_due("chat") is None
    assert told(ledger.db, 13) == []


def test_what_is_given_up_stays_visible_and_is_never_due(ledger: Ledger) -> None:
    ledger.commit(12, event())
    (row,) = ledger.outbox.due("chat", NOON, 10)
    ledger.outbox.failed([row.id], NOON, None, "unusable address")
    assert told(ledger.db, 12) == [Told("chat", "raised", NOON, False, "unusable address")]
    assert ledger.outbox.due("chat", NOON * 2, 10) == []


def test_postponing_is_no_try(ledger: Ledger) -> None:
    ledger.commit(12, event())
    (row,) = ledger.outbox.due("chat", NOON, 10)
    ledger.outbox.postponed([row.id], NOON + 3600)
    assert told(ledger.db, 12) == []
    assert ledger.waiting() == [(12, "chat", "raised", NOON + 3600)]


def test_a_message_of_many_is_settled_as_a_whole_or_not_at_all(ledger: Ledger) -> None:
    for number in range(1, 4):
        ledger.commit(number, event(place=f"dorm-3/{number}"))
    ledger.db.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON outbox WHEN new.number = 2 BEGIN SELECT raise(ABORT, 'disk full'); END"
    )
    ids = [row.id for row in ledger.outbox.due("chat", NOON, 10)]
    with pytest.raises(OutboxError, match="disk full"):
        ledger.outbox.delivered(ids, NOON, "ok")
    assert len(ledger.outbox.due("chat", NOON, 10)) == 3


def test_a_store_that_does_not_answer_is_an_outbox_error(ledger: Ledger) -> None:
    ledger.is_refusing = True
    with pytest.raises(OutboxError, match="disk is full"):
        ledger.outbox.due("chat", NOON, 10)


def test_rows_and_events_stand_and_fall_together(ledger: Ledger) -> None:
    with pytest.raises(LookupError):
        ledger.run(lambda db: enqueue(db, [OutboxRow(0, 1, "chat", event(), NOON)]))
    ledger.commit(1, event())
    with pytest.raises(sqlite3.IntegrityError):  # the same event twice is a bug of the caller
        ledger.commit(1, event())
    assert len(ledger.waiting()) == 1


@pytest.mark.parametrize(
    ("turns", "before", "turn", "is_stored"),
    [
        ({Turn.RAISED}, "nothing", Turn.CLEARED, False),
        ({Turn.RAISED, Turn.CLEARED}, "nothing", Turn.CLEARED, False),
        ({Turn.RAISED, Turn.CLEARED}, "sent", Turn.CLEARED, True),
        ({Turn.RAISED, Turn.CLEARED}, "sent", Turn.WITHDRAWN, True),
        ({Turn.RAISED, Turn.CLEARED}, "given up", Turn.CLEARED, False),
        ({Turn.RAISED}, "sent", Turn.CLEARED, False),
        ({Turn.RAISED}, "unsent", Turn.CLEARED, True),  # it will be told as over
        ({Turn.RAISED}, "sent", Turn.UPDATED, False),
        ({Turn.RAISED, Turn.UPDATED}, "sent", Turn.UPDATED, True),
        ({Turn.RAISED}, "unsent", Turn.UPDATED, True),  # it may have to break the quiet now
        ({Turn.RAISED}, "nothing", Turn.UPDATED, True),  # the raise was too slight for this channel
    ],
)
def test_what_a_channel_gets_depends_on_what_it_knows(
    tmp_path: Path, turns: set[Turn], before: str, turn: Turn, is_stored: bool
) -> None:
    major = frozenset({Severity.MAJOR, Severity.CRITICAL})
    ledger = Ledger(tmp_path / "db", [Channel(name="chat", url="", turns=frozenset(turns), severities=major)])
    ledger.commit(1, event(severity=Severity.MINOR if before == "nothing" else Severity.MAJOR))
    ids = [row.id for row in ledger.outbox.due("chat", NOON, 10)]
    if before == "sent":
        ledger.outbox.delivered(ids, NOON, "ok")
    elif before == "given up":
        ledger.outbox.failed(ids, NOON, None, "no")
    ledger.commit(1, event(turn, at=NOON + 60))
    assert [row[2] for row in ledger.waiting() if row[2] != "raised"] == ([turn.value] if is_stored else [])
    ledger.db.close()


@pytest.mark.parametrize(
    ("turns", "answer", "meanwhile", "left"),
    [
        ({Turn.RAISED}, "taken", [Turn.CLEARED], []),
        ({Turn.RAISED}, "taken", [Turn.UPDATED, Turn.CLEARED], []),
        ({Turn.RAISED, Turn.CLEARED}, "taken", [Turn.CLEARED], [Turn.CLEARED]),
        ({Turn.RAISED, Turn.CLEARED}, "taken", [Turn.WITHDRAWN], [Turn.WITHDRAWN]),
        ({Turn.RAISED, Turn.UPDATED}, "taken", [Turn.UPDATED, Turn.CLEARED], [Turn.UPDATED, Turn.CLEARED]),
        ({Turn.RAISED}, "refused for now", [Turn.CLEARED], [Turn.RAISED, Turn.CLEARED]),  # told as over, later
        ({Turn.RAISED, Turn.CLEARED}, "refused for good", [Turn.CLEARED], []),  # nobody knows what would be over
        ({Turn.RAISED}, "refused for good", [Turn.UPDATED, Turn.CLEARED], [Turn.UPDATED, Turn.CLEARED]),
    ],
)
def test_what_comes_while_a_message_is_under_way_is_judged_by_what_became_of_it(
    tmp_path: Path, turns: set[Turn], answer: str, meanwhile: list[Turn], left: list[Turn]
) -> None:
    ledger = Ledger(tmp_path / "db", [Channel(name=name, url="", turns=frozenset(turns)) for name in ("chat", "mail")])
    for number in (1, 2):
        ledger.commit(number, event(place=f"dorm-3/{number}"))
    ids = [row.id for row in ledger.outbox.due("chat", NOON, 10) if row.number == 1]
    for later, turn in enumerate(meanwhile, start=1):
        for number in (1, 2):
            ledger.commit(number, event(turn, at=NOON + later, place=f"dorm-3/{number}"))
    others = [row for row in ledger.waiting() if row[:2] != (1, "chat")]
    assert len(others) == 3 * (1 + len(meanwhile))
    if answer == "taken":
        ledger.outbox.delivered(ids, NOON + 9, "ok")
    else:
        ledger.outbox.failed(ids, NOON + 9, None if answer == "refused for good" else NOON + 19, "no")
    assert [row[2] for row in ledger.waiting() if row[:2] == (1, "chat")] == [turn.value for turn in left]
    assert [row for row in ledger.waiting() if row[:2] != (1, "chat")] == others
    ledger.db.close()


def test_what_follows_an_update_under_way_is_told_no_more_than_was_asked_for(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "db", [Channel(name="chat", url="", turns=frozenset({Turn.RAISED, Turn.UPDATED}))])
    for turn, at in ((Turn.RAISED, NOON), (Turn.UPDATED, NOON + 60)):
        ledger.commit(1, event(turn, at=at))
        under_way = [row.id for row in ledger.outbox.due("chat", at, 10)]
        if turn is Turn.UPDATED:
            ledger.commit(1, event(Turn.CLEARED, at=at + 60))
        ledger.outbox.delivered(under_way, at, "ok")
    assert ledger.waiting() == []
    ledger.db.close()
