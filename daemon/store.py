"""The SQLite file: raw log, events, snapshot, and the windows of packets that a broker may send again.

One connection writes, and the pipeline's thread owns it; everybody else opens a read-only connection or hands a
closure to that thread. A commit is one transaction with `synchronous=FULL`: after it returns nothing of it is lost.
"""

import fcntl
import logging
import sqlite3
import struct
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

import orjson

from daemon.outbox import enqueue
from daemon.packing import Entry, Layout, pack, unpack
from daemon.rows import event_columns, event_of
from daemon.telling import OutboxRow
from rules.engine import Snapshot
from rules.incident import Incident, fold
from rules.model import Event, Reading

log = logging.getLogger("caretaker.store")

T = TypeVar("T")

WINDOW = 5_000  # packets a broker can have sent without an acknowledgement: our MQTT 5 receive maximum


_INSERT_EVENT = """
    INSERT INTO event (number, rule, key, place, at, turn, severity, delivery, why, "values", evidence)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class Packet(NamedTuple):
    """A message identified: the broker's packet id and a checksum of topic and payload."""

    id: int
    digest: int


class Commit(NamedTuple):
    """All that one transaction writes; `events` carry their incident numbers."""

    mark: float
    entries: Sequence[Entry]
    events: Sequence[tuple[int, Event]]
    outbox: Sequence[OutboxRow]
    packets: Mapping[str, Sequence[Packet]]
    new_sessions: Iterable[str]


Shown = Mapping[str, tuple[float, float, bool]]  # newest values by point: time, value, whether shown only


class Saved(NamedTuple):
    """A snapshot read back, and the batch it follows."""

    batch: int
    engine: Snapshot
    latest: Shown


class LoggedBatch(NamedTuple):
    """A commit read back."""

    id: int
    mark: float
    entries: Sequence[Entry]


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the settings that hold everywhere."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}", uri=True, isolation_level=None,
        check_same_thread=False, timeout=10.0,
    )  # fmt: skip
    connection.row_factory = sqlite3.Row
    if not read_only:
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema: numbered scripts, each in a transaction of its own."""
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    scripts = sorted(
        item.name for item in resources.files("daemon").joinpath("migrations").iterdir() if item.name.endswith(".sql")
    )
    if done > len(scripts):
        raise StoreError(f"the database has schema {done}, this program knows {len(scripts)}: install a newer version")
    for number, name in enumerate(scripts, start=1):
        if number > done:
            text = resources.files("daemon").joinpath("migrations", name).read_text(encoding="utf-8")
            connection.executescript(f"BEGIN IMMEDIATE; {text}; PRAGMA user_version={number}; COMMIT;")


def _locked(path: Path) -> IO[bytes]:
    """A lock on the database for as long as the file is open: two daemons would each judge half of the readings."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("wb")
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; [store] path must lie in a folder this user may write") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreError(f"{path}: another caretaker runs on this database") from error
    return lock


class StoreError(Exception):
    """The file cannot be used; the message says what to do."""


class Store:
    """The writing side; owned by the pipeline's thread."""

    def __init__(self, path: Path) -> None:
        self._lock = _locked(path)
        try:
            self.connection = connect(path)
            migrate(self.connection)
            rows = self.connection.execute("SELECT id, points FROM layout").fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}; is it a database of caretaker, and may this user write it?") from error
        self._layouts: dict[int, Layout] = {row["id"]: tuple(orjson.loads(row["points"])) for row in rows}
        self._numbers = {layout: number for number, layout in self._layouts.items()}
        self._new_layouts: list[tuple[int, str]] = []

    def close(self) -> None:
        self.connection.close()
        self._lock.close()

    # -- writing

    def commit(self, commit: Commit) -> int:
        """Write all of it or nothing; the number of the batch. Raises sqlite3.Error when the disk refuses."""
        blob = pack(commit.entries, self._number_of)
        times = [sample.at for sample, _ in commit.entries] or [commit.mark]
        db = self.connection
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany("INSERT OR IGNORE INTO layout (id, points) VALUES (?, ?)", self._new_layouts)
            batch = db.execute(
                "INSERT INTO batch (mark, first, last, count, samples) VALUES (?, ?, ?, ?, ?)",
                (commit.mark, min(times), max(times), len(commit.entries), blob),
            ).lastrowid
            assert batch is not None
            for number, event in commit.events:
                db.execute(_INSERT_EVENT, (number, *event_columns(event)))
            enqueue(db, commit.outbox)
            self._write_windows(batch, commit)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        self._new_layouts.clear()
        return batch

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a piece of work in a transaction of its own."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            answer = work(self.connection)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        return answer

    def _write_windows(self, batch: int, commit: Commit) -> None:
        db = self.connection
        for source in commit.new_sessions:
            db.execute("DELETE FROM packet_window WHERE source = ?", (source,))
        for source, packets in commit.packets.items():
            ids = array("H", (packet.id for packet in packets)).tobytes()
            digests = array("I", (packet.digest for packet in packets)).tobytes()
            db.execute("INSERT INTO packet_window VALUES (?, ?, ?)", (batch, source, ids + digests))
            db.execute(  # older rows than the last WINDOW packets can no longer come again
                "DELETE FROM packet_window WHERE source = ?1 AND batch < (SELECT min(batch) FROM ("
                " SELECT batch, sum(length(packets) / 6) OVER (ORDER BY batch DESC) - length(packets) / 6 AS newer"
                " FROM packet_window WHERE source = ?1) WHERE newer < ?2)",
                (source, WINDOW),
            )

    def _number_of(self, layout: Layout) -> int:
        number = self._numbers.get(layout)
        if number is None:
            number = len(self._layouts) + 1
            self._layouts[number] = layout
            self._numbers[layout] = number
            self._new_layouts.append((number, orjson.dumps(layout).decode()))
        return number

    def save_snapshot(self, batch: int, snapshot: Snapshot, latest: Shown) -> None:
        """Replace the snapshot by what engine and panel remembered right after this batch."""
        body = zlib.compress(orjson.dumps([snapshot, latest], default=tuple), 6)
        self.connection.execute("INSERT OR REPLACE INTO snapshot (id, batch, body) VALUES (1, ?, ?)", (batch, body))

    # -- reading back at the start

    def snapshot(self) -> Saved | None:
        """The last snapshot."""
        return last_snapshot(self.connection)

    def batches(self, *, after: int = 0, since: float | None = None) -> Iterator[LoggedBatch]:
        """The log in commit order, after a batch, or from the first batch that reaches `since` on."""
        rows = self.connection.execute(
            "SELECT id, mark, samples FROM batch WHERE id > ? AND (? IS NULL OR last >= ?) ORDER BY id",
            (after, since, since),
        )
        for row in rows:
            yield LoggedBatch(row["id"], row["mark"], _entries(row, self._layouts))

    def window(self, source: str) -> list[Packet]:
        """The last packets of a source, oldest first."""
        packets: list[Packet] = []
        rows = self.connection.execute("SELECT packets FROM packet_window WHERE source = ? ORDER BY batch", (source,))
        for row in rows:
            count = len(row["packets"]) // 6
            ids, digests = array("H", row["packets"][: 2 * count]), array("I", row["packets"][2 * count :])
            packets.extend(Packet(*pair) for pair in zip(ids, digests, strict=True))
        return packets[-WINDOW:]

    def has_event(self, event: Event) -> bool:
        """Whether this event, by its name, was committed."""
        row = self.connection.execute(
            "SELECT 1 FROM event WHERE rule = ? AND key = ? AND at = ? AND turn = ?", event.name
        ).fetchone()
        return row is not None

    def open_incidents(self) -> list[Incident]:
        """All incidents that have not ended."""
        return open_incidents(self.connection)

    def next_number(self) -> int:
        """The number of the next incident."""
        row = self.connection.execute("SELECT coalesce(max(number), 0) + 1 FROM event").fetchone()
        return int(row[0])


def last_snapshot(db: sqlite3.Connection) -> Saved | None:
    """The last snapshot; none if it is damaged, which is said aloud."""
    row = db.execute("SELECT batch, body FROM snapshot").fetchone()
    if row is None:
        return None
    try:
        engine, latest = orjson.loads(zlib.decompress(row["body"]))
        return Saved(row["batch"], Snapshot(*engine), {point: tuple(shown) for point, shown in latest.items()})
    except (zlib.error, ValueError, TypeError) as error:
        log.error("the snapshot is damaged (%s): the whole log is read instead", error)
        return None


_ENDED = "(SELECT number FROM event WHERE turn IN ('cleared', 'withdrawn'))"


def open_incidents(db: sqlite3.Connection) -> list[Incident]:
    """All incidents that have not ended, newest first."""
    rows = db.execute(f"SELECT * FROM event WHERE number NOT IN {_ENDED} ORDER BY id").fetchall()
    return sorted(fold((row["number"], event_of(row)) for row in rows).values(), key=lambda i: -i.number)


def ended_incidents(db: sqlite3.Connection, limit: int) -> list[Incident]:
    """The newest incidents that have ended, newest first."""
    rows = db.execute(
        f"SELECT * FROM event WHERE number IN (SELECT DISTINCT number FROM event WHERE number IN {_ENDED}"
        " ORDER BY number DESC LIMIT ?) ORDER BY id",
        (limit,),
    ).fetchall()
    return sorted(fold((row["number"], event_of(row)) for row in rows).values(), key=lambda i: -i.number)


def incident(db: sqlite3.Connection, number: int) -> Incident | None:
    """One incident by its number."""
    rows = db.execute("SELECT * FROM event WHERE number = ? ORDER BY id", (number,)).fetchall()
    return fold((number, event_of(row)) for row in rows).get(number)


def open_incident(db: sqlite3.Connection, rule: str, key: str, at: float) -> Incident | None:
    """The alert of a rule at a key that was open at a time."""
    rows = db.execute("SELECT * FROM event WHERE rule = ? AND key = ? AND at <= ? ORDER BY id", (rule, key, at))
    stories = fold((row["number"], event_of(row)) for row in rows).values()
    return next((incident for incident in stories if incident.is_open), None)


def readings(db: sqlite3.Connection, points: Iterable[str], since: float, until: float) -> list[Reading]:
    """Logged readings of these points in a stretch of time, by time."""
    wanted = set(points)
    layouts: dict[int, Layout] = {
        row["id"]: tuple(orjson.loads(row["points"])) for row in db.execute("SELECT id, points FROM layout")
    }
    if not any(wanted.intersection(layout) for layout in layouts.values()):
        return []
    out = []
    for row in db.execute(
        "SELECT id, samples FROM batch WHERE last >= ? AND first <= ? ORDER BY id", (since, until)
    ).fetchall():
        for sample, _flag in _entries(row, layouts):
            if since <= sample.at <= until:
                out += [Reading(p, sample.at, value) for p, value in sample.values.items() if p in wanted]
    out.sort(key=lambda reading: reading.at)
    return out


def entries(db: sqlite3.Connection) -> Iterator[tuple[int, Entry]]:
    """The whole log with the number of each commit, for export and for tests."""
    layouts: dict[int, Layout] = {
        row["id"]: tuple(orjson.loads(row["points"])) for row in db.execute("SELECT id, points FROM layout")
    }
    for row in db.execute("SELECT id, samples FROM batch ORDER BY id"):
        for entry in _entries(row, layouts):
            yield row["id"], entry


PAGE = 200  # commits read at a time: a transaction that stays open would keep a running daemon's WAL from shrinking


def logged(
    db: sqlite3.Connection, since: float, until: float, *, is_wanted: Callable[[Layout], bool] = lambda layout: True
) -> Iterator[LoggedBatch]:
    """The log in commit order, the commits that hold something between these times; also while a daemon writes it."""
    after = 0
    while True:
        rows = db.execute(
            "SELECT id, mark, samples FROM batch WHERE id > ? AND last >= ? AND first <= ? ORDER BY id LIMIT ?",
            (after, since, until, PAGE),
        ).fetchall()
        if not rows:
            return
        layouts: dict[int, Layout] = {
            row["id"]: tuple(orjson.loads(row["points"])) for row in db.execute("SELECT id, points FROM layout")
        }
        for row in rows:
            yield LoggedBatch(row["id"], row["mark"], _entries(row, layouts, is_wanted))
        after = rows[-1]["id"]


def logged_packets(
    db: sqlite3.Connection, source: str, until: float, *, is_wanted: Callable[[Layout], bool]
) -> Iterator[LoggedBatch]:
    """The commits that hold the last WINDOW packets of a source, of these those that begin before a time."""
    layouts: dict[int, Layout] = {
        row["id"]: tuple(orjson.loads(row["points"])) for row in db.execute("SELECT id, points FROM layout")
    }
    for row in db.execute(
        "SELECT id, mark, samples FROM batch WHERE first < ?"
        " AND id IN (SELECT batch FROM packet_window WHERE source = ?) ORDER BY id",
        (until, source),
    ).fetchall():
        yield LoggedBatch(row["id"], row["mark"], _entries(row, layouts, is_wanted))


def logged_stretch(db: sqlite3.Connection) -> tuple[float, float] | None:
    """The time of the first reading that is logged, and the mark up to which all is judged."""
    mark = db.execute("SELECT mark FROM batch ORDER BY id DESC LIMIT 1").fetchone()
    first = db.execute("SELECT min(first) FROM batch WHERE count > 0").fetchone()[0]  # an empty commit has a mark alone
    return None if first is None else (first, mark[0])


def _entries(
    row: sqlite3.Row, layouts: Mapping[int, Layout], is_wanted: Callable[[Layout], bool] = lambda layout: True
) -> list[Entry]:
    """The samples of one commit; of a damaged one none, said aloud: what is whole must stay readable."""
    try:
        return list(unpack(row["samples"], layouts.__getitem__, is_wanted=is_wanted))
    except (zlib.error, struct.error, ValueError, KeyError) as error:
        log.error("commit %d of the log is damaged (%s: %s) and left out", row["id"], type(error).__name__, error)
        return []


