"""The running gateway as the panel sees it (`dashboard.view.Campus`): memory from the driver, history from the file."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from adapters.bus_record import BusState, Latency
from daemon import store
from daemon.driver import Driver
from daemon.outbox import told, waiting
from daemon.pipeline import Clock, Pipeline
from daemon.watching import Watching
from dashboard.view import Bus, BusDevice, Latest, SourceState, Told, Work
from rules.account import Account
from rules.engine import RunningHold
from rules.incident import Incident
from rules.model import Point, Reading, Site
from rules.watch import Refiner

LEAD_S = 86_400.0  # what is read of a counter before the flow that it shows: how large its pulse is


class Changes:
    """Tells everybody who subscribed what changed: `incidents` or `readings`."""

    def __init__(self) -> None:
        self._callbacks: set[Callable[[str], None]] = set()

    def subscribe(self, on_change: Callable[[str], None]) -> Callable[[], None]:
        self._callbacks.add(on_change)
        return lambda: self._callbacks.discard(on_change)

    def announce(self, what: str) -> None:
        for callback in tuple(self._callbacks):
            callback(what)


def _bus(state: BusState) -> Bus:
    devices = [
        BusDevice(slave.device, slave.asked, slave.answered, *_latency(slave.latency), slave.faults, slave.silent_since)
        for slave in state.slaves
    ]
    return Bus(
        state.busy, state.asked, state.answered, *_latency(state.latency), state.faults, devices, state.unknown
    )


def _latency(latency: Latency | None) -> tuple[float | None, float | None]:
    return latency or (None, None)


class GatewayView:
    """Read-only answers from any thread."""

    def __init__(
        self, site: Site, sources: Mapping[str, str], path: Path, *, pipeline: Pipeline, driver: Driver, clock: Clock,
        changes: Changes, refiners: Callable[[], Iterable[Refiner]], watching: Watching,
        buses: Mapping[str, Callable[[], BusState]],
    ) -> None:  # fmt: skip
        self._site = site
        self._sources = sources
        self._path = path
        self._pipeline = pipeline
        self._driver = driver
        self._clock = clock
        self._changes = changes
        self._refiners = refiners
        self._watching = watching
        self._buses = buses
        self._local = threading.local()

    @property
    def site(self) -> Site:
        return self._site

    def now(self) -> float:
        return self._clock.now()

    def incidents(self, *, only_open: bool = False, limit: int = 200) -> Sequence[Incident]:
        db = self._connection()
        found = store.open_incidents(db)
        return found if only_open else (found + store.ended_incidents(db, limit))[: max(limit, len(found))]

    def incident(self, number: int) -> Incident | None:
        return store.incident(self._connection(), number)

    def told(self, number: int) -> Sequence[Told]:
        return told(self._connection(), number)

    def holds(self) -> Sequence[RunningHold]:
        return self._driver.ask(lambda: list(self._pipeline.engine.holds()))

    def latest(self) -> dict[str, Latest]:
        rows = self._driver.ask(self._pipeline.newest)
        return {point: Latest(*row) for point, row in rows.items()}

    def sources(self) -> Sequence[SourceState]:
        health = self._driver.ask(self._pipeline.health)
        states = []
        for name, kind in self._sources.items():
            bus = _bus(self._buses[name]()) if name in self._buses else None
            if name in health:
                states.append(SourceState(name, kind, *health[name], bus))
            else:
                states.append(SourceState(name, kind, None, 0.0, 0, {}, "", bus))
        return states

    def work(self) -> Work:
        mark, commits, uncommitted = self._driver.ask(
            lambda: (self._pipeline.engine.mark, self._pipeline.commits, len(self._pipeline.uncommitted()))
        )
        lag_s = self.now() - mark if mark else None
        return Work(lag_s, commits, uncommitted, waiting(self._connection()))

    def rejected(self) -> Mapping[str, Mapping[str, int]]:
        return self._driver.ask(lambda: {point: dict(by) for point, by in self._pipeline.engine.rejected().items()})

    def accounts(self, place: str) -> Sequence[Account]:
        opened = {(i.raised.rule, i.raised.key): i.raised for i in store.open_incidents(self._connection())}
        return self._watching.accounts(place, opened, self.now())

    def case(self, number: int) -> bytes | None:
        found = self.incident(number)
        return self._watching.case(found, self._path) if found else None

    def readings(self, points: Iterable[str], since: float, until: float) -> Sequence[Reading]:
        wanted = set(points)
        derived = {point for point in wanted if point in self._site.points and self._site.points[point].of}
        found = self._logged(wanted - derived, since, until)
        for point in derived:
            found += self._derived(self._site.points[point], since, until)
        return sorted(found, key=lambda reading: reading.at)

    def _derived(self, point: Point, since: float, until: float) -> list[Reading]:
        """The readings of a point that is not logged, made again of those that are."""
        refiner = next(refiner for refiner in self._refiners() if refiner.point == point.of)
        found: list[Reading] = []
        for _, at, value in sorted(self._logged({point.of}, since - LEAD_S, until), key=lambda reading: reading.at):
            refined = refiner.refine(at, value) or {}
            if point.id in refined and at >= since:
                found.append(Reading(point.id, at, refined[point.id]))
        return found

    def _logged(self, wanted: set[str], since: float, until: float) -> list[Reading]:
        # What waits is asked for first: a commit in between then shows twice, never not at all.
        waiting = self._driver.ask(self._pipeline.uncommitted)
        found = dict.fromkeys(store.readings(self._connection(), wanted, since, until))
        for sample in waiting:
            if since <= sample.at <= until:
                found.update((Reading(p, sample.at, v), None) for p, v in sample.values.items() if p in wanted)
        return list(found)

    def notices(self) -> Sequence[str]:
        keys = []
        if not self._clock.is_right:
            keys.append("clock_waiting")
        if self._pipeline.is_disk_refusing:
            keys.append("disk_full")
        return keys

    def subscribe(self, on_change: Callable[[str], None]) -> Callable[[], None]:
        return self._changes.subscribe(on_change)

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = store.connect(self._path, read_only=True)
        return db
