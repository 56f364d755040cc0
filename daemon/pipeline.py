"""The way of a reading: received batches in, commits out. The same code live, in recovery, and under a test's clock.

Strategy. `consume` checks and logs samples and hands them to the engine; only `tick` moves time. What was received
gathers until a commit: at the interval, when a source's window of unacknowledged packets is full, and at once when
an alert turns. A commit writes samples, flags, mark, events, outbox and packet ids in one transaction; only then are
packets acknowledged. Until then the broker is the buffer, so a crash at any moment loses and doubles nothing.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from daemon.device_clocks import DeviceClocks
from daemon.latest_values import LatestValues
from daemon.open_alert import OpenAlert, withdrawal
from daemon.packing import Entry
from daemon.source_record import Health, SourceRecord
from daemon.store import Commit, Packet, Shown
from daemon.telling import OutboxRow
from rules.check import Check
from rules.engine import Engine, Snapshot
from rules.model import (
    Event,
    Fault,
    Flag,
    How,
    Reason,
    Received,
    Sample,
    Turn,
    stamp,
)

log = logging.getLogger("caretaker.pipeline")

BACKLOG_LIMIT_S = 600.0    # the mark waits no longer than this for a source to deliver what queued up
RETRY_S = 5.0              # between attempts to commit to a disk that refuses
SNAPSHOT_S = 3600.0
SHORT_STOP_S = 60.0        # a stop no longer than this and a commit is no downtime
UNDERWAY_S = 60.0          # how long stamps of before the clock was right may still be on their way
CLOCK_BACK_S = 600.0       # a clock set back by more starts everything anew; by less, time stands until it is caught up
HELD_SAMPLES = 200_000     # uncommitted samples in memory; beyond it what nobody can send again is counted and dropped


class Clock(Protocol):
    correction: float

    @property
    def is_right(self) -> bool: ...
    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    def settle(self) -> bool: ...


class Log(Protocol):
    """What the pipeline writes to."""

    def commit(self, commit: Commit) -> int: ...
    def save_snapshot(self, batch: int, snapshot: Snapshot, latest: Shown) -> None: ...


class Batch(NamedTuple):
    """What a transport hands over in one go.

    `window` is how many packets may stay unacknowledged; packet ids mean something within their `session` only.
    """

    source: str
    received: Sequence[Received]
    window: int = 0
    session: int = 0


class Pipeline:
    """Single-threaded: whoever drives it calls `consume` and `tick`."""

    def __init__(
        self,
        engine: Engine,
        store: Log,
        check: Check,
        clock: Clock,
        *,
        grace_s: float,
        commit_s: float,
        open_alerts: Mapping[tuple[str, str], OpenAlert],
        next_number: int,
        windows: Mapping[str, Sequence[Packet]],
        outbox_rows: Callable[[Event, int], Iterable[OutboxRow]],
        acknowledge: Callable[[str, int, Sequence[int]], None],
        changed: Callable[[str], None],
        clock_points: Mapping[str, str] | None = None,
    ) -> None:
        self.engine = engine
        self._store = store
        self._check = check
        self._clock = clock
        self._grace_s = grace_s
        self._commit_s = commit_s
        self._open = dict(open_alerts)
        self._next_number = next_number
        self._outbox_rows = outbox_rows
        self._acknowledge = acknowledge
        self._changed = changed
        self._sources = {source: SourceRecord(source, packets) for source, packets in windows.items()}
        self._entries: list[Entry] = []
        self._events: list[tuple[int, Event]] = []
        self._outbox: list[OutboxRow] = []
        self._new_sessions: set[str] = set()
        self._early: list[Batch] = []            # what came before the clock was right
        self._early_samples = 0
        self._begun_at: float | None = None      # when the clock was found right (monotonic)
        self._last_at: dict[str, float] = {}
        self._device_clocks = DeviceClocks(clock_points or {})
        self.latest = LatestValues()
        self._pending_since: float | None = None
        self._waiting_since: float | None = None
        self._retry_at = 0.0
        self._snapshot_at = clock.monotonic() + SNAPSHOT_S
        self.is_disk_refusing = False
        self.commits = 0
        self.bugs = 0

    # -- input

    def consume(self, batch: Batch) -> None:
        """Take what a transport received."""
        if not self._has_begun():
            self._wait_for_clock(batch)
            return
        record = self._record(batch.source)
        if batch.session != record.session:
            record.begin_session(batch.session)
            self._new_sessions.add(batch.source)
        for received in batch.received:
            what = received.what
            if received.packet:
                if record.is_repeat(received):
                    continue
            elif len(self._entries) >= HELD_SAMPLES:
                what = Fault(batch.source, received.arrived, Reason.OVERFLOW, "the disk does not keep up")
            if isinstance(what, Fault):
                record.note_fault(what)
            else:
                self._take_in(record, self._believed(record, received), what)
        if self._pending_since is None and (self._entries or record.pending):
            self._pending_since = self._clock.monotonic()
        if batch.window and len(record.pending) >= batch.window:
            self.commit()
        self._changed("readings")

    def _take_in(self, record: SourceRecord, received: Received, what: Sample) -> None:
        """Check a sample, date it, judge it, log it."""
        values, faults = self._check.values(what, received.arrived)
        for fault in faults:
            record.note_fault(fault)
        if not values:
            return
        device = what.device
        at, how, reason = self._check.time(received, what.at)
        if received.how is How.TIMED and not received.resent:
            values = self._device_clocks.with_offset(device, values, what.at - received.arrived)
        if how is How.TIMED and self._device_clocks.is_always_late(device, is_late=at <= self.engine.mark):
            at, how, reason = stamp(received.arrived), How.ARRIVAL, Reason.CLOCK_BEHIND
        if reason is not None:
            record.note_fault(Fault(device, received.arrived, reason, f"{what.at - received.arrived:+.0f} s"))
        if how is How.RETAINED:
            self.latest.shown(at, values)
            return
        if how is How.ARRIVAL or how is How.BACKLOG:  # arrival stamps rise strictly
            last = self._last_at.get(device, 0.0)
            if at <= last:
                at = stamp(last + 0.001)
            self._last_at[device] = at
        flag = self._log(record, Sample(at, device, values), backlog=how is How.BACKLOG)
        if flag is Flag.LATE:
            behind = f"{self.engine.mark - at:.0f} s behind the mark"
            record.note_fault(Fault(device, received.arrived, Reason.LATE, behind))

    def _log(self, record: SourceRecord, sample: Sample, *, backlog: bool = False) -> Flag:
        flag = self.engine.take(sample, backlog=backlog)
        self._entries.append((sample, flag))
        if flag is Flag.JUDGED:
            self.latest.judged(sample)
        else:
            self.latest.shown(sample.at, sample.values)
        if sample.device.startswith("source/"):
            record.note_state(sample)
        else:
            record.samples += 1
        return flag

    def _believed(self, record: SourceRecord, received: Received) -> Received:
        """What was received, on the scale of the right clock, and as backlog only while its source delivers one."""
        correction = self._clock.correction
        if correction and self._clock.monotonic() - (self._begun_at or 0.0) < UNDERWAY_S:
            arrived, now = received.arrived, self._clock.now()
            if abs(now - arrived - correction) < abs(now - arrived):  # stamped before the clock was put right
                received = received._replace(arrived=arrived + correction)
        how = received.how
        if (how is How.BACKLOG or how is How.BACKLOG_TIMED) and not self.engine.is_away(record.device):
            received = received._replace(how=How.ARRIVAL if how is How.BACKLOG else How.TIMED)
        return received

    def replay(self, entries: Iterable[Entry], mark: float) -> list[Event]:
        """Run one logged batch through the engine with its stored flags; the events it gives."""
        for sample, flag in entries:
            self.engine.take(sample, flag=flag)
            if flag is Flag.JUDGED:
                self.latest.judged(sample)
            self._last_at[sample.device] = max(sample.at, self._last_at.get(sample.device, 0.0))
            if sample.device.startswith("source/"):
                self._record(sample.device.removeprefix("source/")).note_state(sample)
        return self.engine.advance(mark)

    def _record(self, source: str) -> SourceRecord:
        record = self._sources.get(source)
        if record is None:
            record = self._sources[source] = SourceRecord(source)
        return record

    # -- the start

    def _has_begun(self) -> bool:
        """Whether the clock is right; when it turns right, what that makes known is logged first."""
        if self._begun_at is None and self._clock.settle():
            self._begun_at = self._clock.monotonic()
            self._note_downtime()
            known = {record.device for record in self._sources.values()}
            self._end_backlogs(self.engine.away - known)  # of sources that the configuration no longer has
            early, self._early = self._early, []
            for batch in early:
                self.consume(batch)
        return self._begun_at is not None

    def _wait_for_clock(self, batch: Batch) -> None:
        """Before the clock is right nothing is judged or logged; stamps are put right when it is."""
        if self._early_samples < HELD_SAMPLES:
            self._early.append(batch)
            self._early_samples += len(batch.received)
        else:
            self._record(batch.source).note_fault(Fault(batch.source, 0.0, Reason.OVERFLOW, "the clock is not set"))

    def _note_downtime(self) -> None:
        """After a longer stop, log that nobody listened since the last commit: no sensor is called silent for it."""
        mark = self.engine.mark
        if mark == 0.0 or self._clock.now() - mark < self._commit_s + SHORT_STOP_S:
            return  # what the sensors sent during a restart of seconds waited at the broker
        for record in self._sources.values():
            nobody = {f"{record.device}/online": 0.0, f"{record.device}/attended": 0.0}
            self._log(record, Sample(stamp(mark + 0.001), record.device, nobody))

    # -- time

    def tick(self) -> None:
        """Let time pass: judge, and commit what is due."""
        if not self._has_begun():
            return
        now = self._clock.monotonic()
        if self.engine.mark > self._clock.now() + CLOCK_BACK_S:
            self._start_anew()
        if not self._is_held_by_backlog(now):
            self.add_events(self.engine.advance(self._clock.now() - self._grace_s))
        due = self._pending_since is not None and now - self._pending_since >= self._commit_s
        if self._events or due or self.is_disk_refusing:
            self.commit()

    def _start_anew(self) -> None:
        """The clock ran far ahead once and was set back: what it judged then cannot be continued."""
        at = self._clock.now()
        back_s = self.engine.mark - at
        log.error("the clock went back by %.0f s: all holds start anew, open alerts are withdrawn", back_s)
        self.engine.forget()
        self._last_at.clear()
        self.latest = LatestValues()
        self.add_events(withdrawal(*name, place, at) for name, (_, place) in tuple(self._open.items()))
        self._snapshot_at = 0.0  # what was logged before must never be replayed into what follows

    def add_events(self, events: Iterable[Event], *, tell: bool = True) -> None:
        """Queue events for the next commit, each with its incident's number and, if people are told, its messages."""
        for event in events:
            name = (event.rule, event.key)
            if event.turn is Turn.RAISED and name not in self._open:
                self._open[name] = OpenAlert(self._next_number, event.place)
                self._next_number += 1
            if name not in self._open:
                self.bugs += 1
                log.error("%s %s is %s at %.3f but was never raised: left out", *name, event.turn.value, event.at)
                continue
            number = self._open[name].number
            if event.turn in (Turn.CLEARED, Turn.WITHDRAWN):
                del self._open[name]
            log.info("#%d %s %s %s", number, event.rule, event.key, event.turn.value)
            self._events.append((number, event))
            if tell:
                self._outbox.extend(self._outbox_rows(event, number))

    def _is_held_by_backlog(self, now: float) -> bool:
        away = self.engine.away
        if not away:
            self._waiting_since = None
            return False
        if self._waiting_since is None:
            self._waiting_since = now
        if now - self._waiting_since < BACKLOG_LIMIT_S:
            return True
        self._end_backlogs(away)  # a marker that never came back: go on without it, and log that
        return False

    def _end_backlogs(self, devices: Iterable[str]) -> None:
        for device in devices:
            end = Sample(stamp(self._clock.now()), device, {f"{device}/backlog": 0.0})
            self._log(self._record(device.removeprefix("source/")), end)

    # -- commit

    def commit(self, *, even_if_empty: bool = False) -> None:
        """Write everything pending, then acknowledge; when the disk refuses, keep it and try again later."""
        now = self._clock.monotonic()
        if self.is_disk_refusing and now < self._retry_at:
            return
        pending = {name: record for name, record in self._sources.items() if record.pending}
        if not (self._entries or self._events or pending or self._new_sessions or even_if_empty):
            return
        commit = Commit(
            self.engine.mark, self._entries, self._events, self._outbox,
            {name: [Packet(*pair) for pair in record.pending.items()] for name, record in pending.items()},
            tuple(self._new_sessions),
        )  # fmt: skip
        try:
            batch = self._store.commit(commit)
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # our bug, not the disk's
        except sqlite3.Error as error:
            self._refused(error, now)
            return
        if self.is_disk_refusing:
            self.is_disk_refusing = False
            log.warning("the disk takes data again")
        has_turned = bool(self._events)
        self._entries, self._events, self._outbox = [], [], []
        self._new_sessions.clear()
        self._pending_since = None
        self.commits += 1
        for name, record in pending.items():
            self._acknowledge(name, record.session, record.committed())
        if now >= self._snapshot_at:
            self._save_snapshot(batch)
        if has_turned:
            self._changed("incidents")

    def finish(self) -> None:
        """Commit what is pending and keep what the engine remembers, so that the next start reads no log."""
        self._retry_at = 0.0
        self._snapshot_at = 0.0
        self.commit(even_if_empty=True)

    def _save_snapshot(self, batch: int) -> None:
        try:
            self._store.save_snapshot(batch, self.engine.snapshot(), self.latest.rows())
        except sqlite3.Error as error:
            log.error("no snapshot: %s; the next start reads more of the log", error)
        self._snapshot_at = self._clock.monotonic() + SNAPSHOT_S

    def _refused(self, error: sqlite3.Error, now: float) -> None:
        self._retry_at = now + RETRY_S
        if not self.is_disk_refusing:
            self.is_disk_refusing = True
            log.error("the disk refuses data (%s): nothing is acknowledged until it takes it; free some space", error)
        self._changed("incidents")

    # -- what people may look at

    def uncommitted(self) -> list[Sample]:
        """Samples that wait for their commit."""
        return [sample for sample, _ in self._entries]

    def newest(self) -> dict[str, tuple[float, float, bool]]:
        """The newest value of every point, by point: time, value, whether it is shown only; derived ones too."""
        derived = {point: (at, value, False) for point, (at, value) in self.engine.derived().items()}
        return self.latest.rows() | derived

    def health(self) -> dict[str, Health]:
        """Every source that is known."""
        return {name: record.health() for name, record in self._sources.items()}

    def resent(self) -> int:
        """Messages that the broker sent again although they were committed or pending already."""
        return sum(record.resent for record in self._sources.values())
