"""A real database with events and an outbox, and a few alerts to put into it."""

import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from daemon.channel import Channel
from daemon.outbox import SqliteOutbox, enqueue
from daemon.rows import event_columns
from daemon.store import connect, migrate
from daemon.telling import rows_for
from rules.calendar import Calendar
from rules.model import Delivery, Event, Evidence, Place, Severity, Site, Turn

T = TypeVar("T")
CALENDAR = Calendar()
INSERT = (
    'INSERT INTO event (number, rule, key, place, at, turn, severity, delivery, why, "values", evidence)'
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def local(text: str) -> float:
    """A time such as `2026-09-01 22:30` in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


NOON = local("2026-09-01 12:00")
SITE = Site(
    "no1", "第一中学",
    {
        "dorm-3": Place("dorm-3", "3号宿舍楼", "dormitory", "dorm-3", owner="宿管一组"),
        "dorm-3/402": Place("dorm-3/402", "402", "dorm_room", "dorm-3", owner="宿管一组", note="阀门在门后"),
    },
    {}, CALENDAR,
)  # fmt: skip


def event(
    turn: Turn = Turn.RAISED,
    *,
    at: float = NOON,
    severity: Severity = Severity.MAJOR,
    delivery: Delivery = Delivery.PAGE,
    place: str = "dorm-3/402",
    since: float = NOON - 1800,
) -> Event:
    return Event(
        "running_water", f"running_water:{place}", place, at, turn, severity, delivery, "tap",
        {"ran_s": 1800.0}, Evidence(since, (f"{place}/flow_lpm",), 0.5, 1800.0),
    )  # fmt: skip


class Ledger:
    """What the store does for the outbox: commits events with their rows, and runs closures one at a time."""

    def __init__(self, path: Path, channels: Iterable[Channel]) -> None:
        self.db = connect(path)
        self.db.execute("PRAGMA synchronous=OFF")  # no power fails during a test
        migrate(self.db)
        self.channels = tuple(channels)
        self.outbox = SqliteOutbox(self.run)
        self.is_refusing = False
        self._lock = threading.Lock()

    def run(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        if self.is_refusing:
            raise sqlite3.OperationalError("database or disk is full")
        with self._lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                result = fn(self.db)
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")
            return result

    def commit(self, number: int, event: Event) -> None:
        rows = rows_for(event, number, self.channels, CALENDAR)

        def write(db: sqlite3.Connection) -> None:
            db.execute(INSERT, (number, *event_columns(event)))
            enqueue(db, rows)

        self.run(write)

    def waiting(self) -> list[tuple[int, str, str, float]]:
        """number, channel, turn and due time of all that is unsent."""
        rows = self.db.execute(
            "SELECT outbox.number, channel, turn, due FROM outbox JOIN event ON event.id = outbox.event"
            " WHERE state = 'waiting' ORDER BY outbox.id"
        )
        return [tuple(row) for row in rows]
