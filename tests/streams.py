"""A small random campus for property tests: its site, a stream of samples with all that goes wrong, and a rig.

The rig is the daemon's own pipeline, store and recovery under a virtual clock.
"""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import rules
from daemon.packing import Entry
from daemon.pipeline import Batch, Pipeline
from daemon.recovery import open_alerts, recover
from daemon.rows import event_of
from daemon.store import Store, connect, entries
from rules.calendar import Calendar
from rules.check import Check
from rules.engine import Engine
from rules.model import Event, How, Place, Point, Received, Sample, Site
from rules.quality import refiners
from rules.watch import Watch

START = 1_767_571_200.0  # Mon 5 Jan 2026 08:00 in Shanghai
GRACE_S = 20.0
SOURCE = "bus"


class VirtualClock:
    """Time that moves when a test says so."""

    correction = 0.0
    is_right = True

    def __init__(self, at: float = START) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def settle(self) -> bool:
        return self.is_right


def site() -> Site:
    """Two dorm rooms, a classroom with lamps and presence, an office with a lux sensor, two washrooms."""
    rooms = {
        "d/101": ("dorm_room", ("power_w", "reactive_power_var")),
        "d/102": ("dorm_room", ("power_w",)),
        "t/201": ("classroom", ("lighting/power_w", "occupied")),
        "t/202": ("office", ("illuminance_lx", "occupied")),
        "d/1F-wash": ("washroom", ("flow_lpm",)),
        "t/1F-wash": ("washroom", ("flow_lpm",)),
    }
    places = {
        "d": Place("d", "3号楼", "dormitory", "d"),
        "t": Place("t", "教学楼", "teaching", "t"),
        **{name: Place(name, name, kind, name[0]) for name, (kind, _) in rooms.items()},
    }
    points = {}
    for name, (_, quantities) in rooms.items():
        for spelled in quantities:
            part, _, quantity = spelled.rpartition("/")
            point = f"{name}/{spelled}"
            points[point] = Point(point, name, part, quantity, f"{SOURCE}/{name}", SOURCE, 2.5 * step_of(name))
    return Site("s", "一中", places, points, Calendar())


def step_of(room: str) -> int:
    """Seconds between two samples of a room."""
    return 10 if room.startswith("d/1") and not room.endswith("wash") else 60


def watches(of: Site) -> list[Watch]:
    """The default pack, but that a silent device is missed soon: these streams last hours."""
    soon = {"silent": {"single_s": 300.0}}
    kinds = (kind(**soon.get(name, {})) for name, kind in rules.RULES.items())
    return [watch for kind in kinds for watch in kind.watches(of)]


class Arrival(NamedTuple):
    """A sample with the time it reaches us."""

    arrived: float
    sample: Sample


def stream(rng: random.Random, hours: float = 6.0) -> list[Arrival]:
    """Hours of samples in order of arrival: kettles, taps, forgotten lamps, gaps, dead buses, late and doubled ones."""
    begin = START + rng.choice((0, 6, 12, 18)) * 3600.0
    samples: list[Sample] = []
    for room in ("d/101", "d/102", "t/201", "t/202", "d/1F-wash", "t/1F-wash"):
        samples += _room(rng, room, begin, begin + hours * 3600)
    dead = begin + rng.uniform(0.2, 0.6) * hours * 3600
    back = dead + rng.choice((90.0, 900.0, 2400.0))
    samples = [sample for sample in samples if not dead < sample.at < back]
    state = f"source/{SOURCE}"
    samples += [Sample(at, state, {f"{state}/online": on}) for at, on in ((begin, 1.0), (dead, 0.0), (back, 1.0))]
    arrivals = []
    for sample in samples:
        late = rng.uniform(30.0, 55.0) if rng.random() < 0.02 else rng.uniform(0.0, GRACE_S - 1.0)
        arrivals.append(Arrival(sample.at + late, sample))
        if rng.random() < 0.02:
            arrivals.append(Arrival(sample.at + late + rng.uniform(0.0, 3.0), sample))
    return sorted(arrivals, key=lambda arrival: arrival.arrived)


def _room(rng: random.Random, room: str, begin: float, end: float) -> list[Sample]:
    points = [point for point in site().points if point.startswith(f"{room}/")]
    step = step_of(room)
    at = begin + rng.randrange(step)
    busy_until, busy = at, False
    values = {}
    out = []
    while at < end:
        if at >= busy_until:
            busy = not busy
            busy_until = at + (rng.uniform(200, 4000) if busy else rng.uniform(600, 5000))
            level = rng.choice((450.0, 900.0, 1500.0))
            ratio = rng.choice((0.0, 0.0, 0.4))
            present = rng.random() < 0.3
        for point in points:
            noise = rng.uniform(-2.0, 2.0)
            if point.endswith("lighting/power_w"):
                values[point] = 240.0 + noise if busy else 1.0
            elif point.endswith("reactive_power_var"):
                values[point] = round(8.0 + noise + (ratio * level if busy else 0.0), 1)
            elif point.endswith("power_w"):
                values[point] = round(60.0 + noise + (level if busy else 0.0), 1)
            elif point.endswith("flow_lpm"):
                values[point] = round(6.0 + noise if busy else 0.0, 2)
            elif point.endswith("illuminance_lx"):
                values[point] = round(420.0 + noise if busy else 12.0, 1)
            else:
                values[point] = float(busy and present and rng.random() < 0.7)
        out.append(Sample(round(at, 3), f"{SOURCE}/{room}", dict(values)))
        at += step * (60 if rng.random() < 0.002 else 1)
    return out


class Rig:
    """One life of the daemon over a database file; a new rig over the same file is the next life."""

    def __init__(
        self, path: Path, clock: VirtualClock, pack: Sequence[Watch], commit_s: float = 300.0, of: Site | None = None
    ) -> None:
        self.store = Store(path)
        self.clock = clock
        self.acknowledged: list[int] = []
        incidents = self.store.open_incidents()
        of = of or site()
        self.pipeline = Pipeline(
            Engine(pack, refiners(of)), self.store, Check([*of.points.values(), *state_points()]), clock,
            grace_s=GRACE_S, commit_s=commit_s,
            open_alerts=open_alerts(incidents),
            next_number=self.store.next_number(), windows={SOURCE: self.store.window(SOURCE)},
            outbox_rows=lambda event, number: [],
            acknowledge=lambda source, session, packets: self.acknowledged.extend(packets), changed=lambda what: None,
        )  # fmt: skip
        self.found = recover(self.pipeline, self.store, pack, incidents)

    def feed(self, arrivals: Iterable[tuple[int, Arrival]], *, resent: bool = False) -> None:
        """Live: time passes to each arrival, ticking on the way, and the pipeline gets it as a packet."""
        for packet, (arrived, sample) in arrivals:
            while self.clock.at < arrived:
                self.clock.at = min(arrived, self.clock.at + 30.0)
                self.pipeline.tick()
            how = How.BACKLOG_TIMED if resent else How.TIMED
            received = Received(arrived, sample, how, packet, packet, resent)
            self.pipeline.consume(Batch(SOURCE, [received], window=4_000))

    def finish(self, until: float) -> None:
        """Let time pass to `until`, then stop in good order."""
        self.clock.at = until
        self.pipeline.tick()
        self.pipeline.finish()
        self.store.close()

    def kill(self) -> None:
        """As a kill does: what is not committed is gone."""
        self.store.close()


def state_points() -> list[Point]:
    state = f"source/{SOURCE}"
    return [Point(f"{state}/{q}", state, "", q, state, SOURCE, 0.0) for q in ("online", "backlog")]


def events_of(path: Path) -> list[Event]:
    """All committed events, in commit order."""
    db = connect(path, read_only=True)
    rows = db.execute("SELECT * FROM event ORDER BY id").fetchall()
    db.close()
    return [frozen(event_of(row)) for row in rows]


def frozen(event: Event) -> Event:
    """An event that a set can hold."""
    return event._replace(values=tuple(sorted(event.values.items())))  # type: ignore[arg-type]


def logged(path: Path) -> tuple[list[Entry], float]:
    """The whole log with its stored flags, and the last mark."""
    db = connect(path, read_only=True)
    log = [entry for _, entry in entries(db)]
    mark = db.execute("SELECT max(mark) FROM batch").fetchone()[0]
    db.close()
    return log, mark
