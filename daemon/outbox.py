"""The outbox in the SQLite file: rows go in with their event, and are settled after each single message."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import orjson

from daemon.rows import event_of
from daemon.telling import ENDINGS, Known, OutboxError, OutboxRow, is_digest, is_needed
from dashboard.view import Told

T = TypeVar("T")

_ROWS = (
    "SELECT outbox.id, outbox.number, channel, is_wanted, due, tries, state, rule, key, place, at, turn, severity,"
    ' delivery, why, "values", evidence FROM outbox JOIN event ON event.id = outbox.event'
)


class Run(Protocol):
    """Runs a closure on the connection that writes, in one transaction, and returns its result."""

    def __call__(self, fn: Callable[[sqlite3.Connection], T], /) -> T: ...


def enqueue(connection: sqlite3.Connection, rows: Iterable[OutboxRow]) -> None:
    """Store the rows that are needed; their events must be stored already, in this transaction or before."""
    for row in rows:
        alert = _alert(connection, row.number, row.channel)
        if not is_needed(row, _known(alert)):
            continue
        waiting = [other for other, state in alert if state == "waiting"]
        if row.event.turn in ENDINGS and is_digest(waiting):  # it waits for the summary that what it ends waits for
            row = row._replace(due=max(other.due for other in waiting))
        stored = connection.execute(
            "INSERT INTO outbox (event, number, channel, is_wanted, due)"
            " SELECT id, ?, ?, ?, ? FROM event WHERE rule = ? AND key = ? AND at = ? AND turn = ?",
            (row.number, row.channel, row.is_wanted, row.due, *row.event.name),
        )
        if stored.rowcount != 1:
            raise LookupError(f"an outbox row came before its event {row.event.name}")


def _alert(connection: sqlite3.Connection, number: int, channel: str) -> list[tuple[OutboxRow, str]]:
    """All rows about an alert on a channel with their states, in the order of the events."""
    rows = connection.execute(f"{_ROWS} WHERE outbox.number = ? AND channel = ? ORDER BY outbox.id", (number, channel))
    return [(_row(row), row["state"]) for row in rows]


def _known(alert: Iterable[tuple[OutboxRow, str]]) -> Known:
    """What a channel knows by the rows about an alert and their states."""
    rows = list(alert)
    if any(state == "waiting" for _, state in rows):
        return Known.UNSENT
    sent = [row for row, state in rows if state == "sent"]
    return Known.NOTHING if not sent else Known.SUMMED if is_digest(sent) else Known.SENT


def _drop_needless(connection: sqlite3.Connection, number: int, channel: str) -> None:
    """Judge again what came while a message was under way, now that it is known what became of that."""
    kept: list[tuple[OutboxRow, str]] = []
    for row, state in _alert(connection, number, channel):
        if state == "waiting" and not is_needed(row, _known(kept)):
            connection.execute("DELETE FROM outbox WHERE id = ?", (row.id,))
        else:
            kept.append((row, state))


def _row(row: sqlite3.Row) -> OutboxRow:
    return OutboxRow(
        row["id"], row["number"], row["channel"], event_of(row), row["due"], row["tries"], bool(row["is_wanted"])
    )


def told(connection: sqlite3.Connection, number: int) -> list[Told]:
    """What staff were told about an alert, failures with their reason, in the order of the events."""
    rows = connection.execute(
        "SELECT channel, turn, tried_at, state, answer FROM outbox JOIN event ON event.id = outbox.event"
        " WHERE outbox.number = ? AND tried_at IS NOT NULL ORDER BY outbox.id",
        (number,),
    )
    return [Told(row["channel"], row["turn"], row["tried_at"], row["state"] == "sent", row["answer"]) for row in rows]


def waiting(connection: sqlite3.Connection) -> int:
    """How many messages wait to be sent."""
    (count,) = connection.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()
    return int(count)


def _update(db: sqlite3.Connection, change: str, ids: Sequence[int], *values: float | str) -> set[tuple[int, str]]:
    """Change all rows in one statement, a message as a whole or not at all; number and channel of each alert."""
    rows = db.execute(
        f"UPDATE outbox SET {change} WHERE id IN (SELECT value FROM json_each(?1)) RETURNING number, channel",
        (orjson.dumps(list(ids)).decode(), *values),
    )
    return {(row["number"], row["channel"]) for row in rows.fetchall()}


class SqliteOutbox:
    """What the worker needs of the table, from any thread; raises OutboxError while the file refuses."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def due(self, channel: str, now: float, limit: int) -> list[OutboxRow]:
        """All that waits about the alerts of which something is due, for at most `limit` alerts."""
        rows = self._do(
            lambda db: db.execute(
                f"{_ROWS} WHERE channel = ?1 AND state = 'waiting' AND outbox.number IN ("
                "SELECT outbox.number FROM outbox JOIN event ON event.id = outbox.event"
                " WHERE channel = ?1 AND state = 'waiting' AND due <= ?2"
                " GROUP BY outbox.number ORDER BY max(severity) DESC, outbox.number LIMIT ?3)",
                (channel, now, limit),
            ).fetchall()
        )
        return [_row(row) for row in rows]

    def next_due(self, channel: str) -> float | None:
        """When the earliest waiting row of a channel is due."""
        row = self._do(
            lambda db: db.execute(
                "SELECT min(due) AS due FROM outbox WHERE channel = ? AND state = 'waiting'", (channel,)
            ).fetchone()
        )
        return None if row["due"] is None else float(row["due"])

    def postponed(self, ids: Sequence[int], due: float) -> None:
        """These wait until `due` without having been tried."""
        self._do(lambda db: _update(db, "due = ?2", ids, due))

    def delivered(self, ids: Sequence[int], at: float, answer: str) -> None:
        """The endpoint took the message with these rows; what waits behind them may not be needed any more."""
        self._settle("state = 'sent', tried_at = ?2, answer = ?3", ids, at, answer)

    def failed(self, ids: Sequence[int], at: float, retry_at: float | None, answer: str) -> None:
        """The endpoint did not take it; without a time to retry these rows are given up."""
        change = "tries = tries + 1, tried_at = ?2, answer = ?3"
        if retry_at is None:
            self._settle(f"{change}, state = 'given_up'", ids, at, answer)
        else:
            self._do(lambda db: _update(db, f"{change}, due = ?4", ids, at, answer, retry_at))

    def _settle(self, change: str, ids: Sequence[int], *values: float | str) -> None:
        def settle(db: sqlite3.Connection) -> None:
            for number, channel in _update(db, change, ids, *values):
                _drop_needless(db, number, channel)

        self._do(settle)

    def _do(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return self._run(fn)
        except (sqlite3.Error, TimeoutError) as error:
            raise OutboxError(str(error) or "the store does not answer") from error
