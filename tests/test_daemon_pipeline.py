"""The pipeline's single decisions: what is logged, judged, acknowledged, and when."""

import sqlite3
from pathlib import Path

import pytest
from streams import (
    GRACE_S,
    SOURCE,
    START,
    Rig,
    VirtualClock,
    events_of,
    logged,
    site,
    watches,
)

from daemon.pipeline import Batch
from daemon.store import Commit, Store, StoreError, connect, entries
from rules.model import Fault, Flag, How, Reason, Received, Sample


class Bench:
    """A rig without rules, fed batch by batch."""

    def __init__(self, path: Path, clock: VirtualClock | None = None) -> None:
        self.path = path
        self.clock = clock or VirtualClock()
        self.rig = Rig(path, self.clock, [])
        self.pipeline = self.rig.pipeline

    def receive(self, *received: Received, window: int = 0, session: int = 0) -> None:
        self.pipeline.consume(Batch(SOURCE, received, window, session))

    def log(self) -> list[tuple[float, dict[str, float], Flag]]:
        self.pipeline.commit()
        db = connect(self.path, read_only=True)
        rows = [(s.at, dict(s.values), flag) for _, (s, flag) in entries(db) if not s.device.startswith("source/")]
        db.close()
        return rows

    def faults(self) -> dict[str, int]:
        return dict(self.pipeline.health()[SOURCE].faults)


POWER = "d/101/power_w"


def sample(value: float, at: float = 0.0, point: str = POWER) -> Sample:
    return Sample(at, f"{SOURCE}/d/101", {point: value})


def state(**values: float) -> Sample:
    return Sample(0.0, f"source/{SOURCE}", {f"source/{SOURCE}/{name}": value for name, value in values.items()})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "log.db")


def test_a_message_that_was_committed_and_comes_again_is_logged_once_and_acknowledged(tmp_path: Path) -> None:
    first = Bench(tmp_path / "log.db")
    first.receive(*(Received(START, sample(n), How.ARRIVAL, n, 100 + n) for n in range(1, 6)))
    first.pipeline.commit()  # killed before the broker heard of it
    first.rig.kill()
    second = Bench(tmp_path / "log.db")
    second.receive(*(Received(START, sample(n), How.ARRIVAL, n, 100 + n, True) for n in range(1, 8)))
    assert [values[POWER] for _, values, _ in second.log()] == [1, 2, 3, 4, 5, 6, 7]
    assert second.rig.acknowledged == [1, 2, 3, 4, 5, 6, 7]
    assert second.pipeline.resent() == 5


@pytest.mark.parametrize(
    ("again", "why"),
    [
        (Received(START, sample(9.0), How.ARRIVAL, 1, 999, True), "another payload under a used packet id"),
        (Received(START, sample(9.0), How.ARRIVAL, 1, 101, False), "a new message, not sent before"),
    ],
)
def test_a_packet_id_used_anew_is_a_new_message(bench: Bench, again: Received, why: str) -> None:
    bench.receive(Received(START, sample(1.0), How.ARRIVAL, 1, 101))
    bench.receive(again)
    assert len(bench.log()) == 2, why


def test_a_new_session_forgets_packet_ids(tmp_path: Path) -> None:
    first = Bench(tmp_path / "log.db")
    first.receive(Received(START, sample(1.0), How.ARRIVAL, 1, 101))
    first.log()
    first.rig.kill()
    second = Bench(tmp_path / "log.db")
    second.receive(session=1)
    second.receive(Received(START, sample(1.0), How.ARRIVAL, 1, 101, True), session=1)
    assert len(second.log()) == 2
    second.rig.kill()
    assert len(Bench(tmp_path / "log.db").rig.store.window(SOURCE)) == 1


def test_a_full_window_is_committed_at_once(bench: Bench) -> None:
    bench.receive(*(Received(START, sample(n), How.ARRIVAL, n, n) for n in range(1, 11)), window=10)
    assert bench.rig.acknowledged == list(range(1, 11))


def test_an_idle_line_is_not_committed(bench: Bench) -> None:
    at_start = bench.pipeline.commits
    for _ in range(100):
        bench.clock.at += 60
        bench.pipeline.tick()
    assert bench.pipeline.commits == at_start


def test_what_waits_is_committed_at_the_interval(bench: Bench) -> None:
    bench.receive(Received(START, sample(1.0), How.ARRIVAL, 1, 1))
    bench.clock.at += 299
    bench.pipeline.tick()
    assert bench.rig.acknowledged == []
    bench.clock.at += 1
    bench.pipeline.tick()
    assert bench.rig.acknowledged == [1]


@pytest.mark.parametrize(
    ("how", "own", "logged", "fault"),
    [
        (How.ARRIVAL, -500.0, 0.0, None),
        (How.TIMED, -15.0, -15.0, None),
        (How.TIMED, 4.9, 4.9, None),
        (How.TIMED, 5.1, 0.0, "clock_ahead"),
        (How.TIMED, -60.1, 0.0, "clock_behind"),
        (How.BACKLOG_TIMED, -86_400.0, -86_400.0, None),
        (How.BACKLOG_TIMED, 60.0, 0.0, "clock_ahead"),
        (How.BACKLOG_TIMED, -START + 5, 0.0, "clock_behind"),  # no device waited since 1970
        (How.BACKLOG_TIMED, -1e20, 0.0, "clock_behind"),
        (How.BACKLOG_TIMED, 1e300, 0.0, "clock_ahead"),
        (How.TIMED, float("nan"), 0.0, "clock_behind"),
    ],
)
def test_device_times(bench: Bench, how: How, own: float, logged: float, fault: str | None) -> None:
    bench.receive(Received(START, state(online=1.0, backlog=float(how is How.BACKLOG_TIMED))))
    bench.receive(Received(START, sample(1.0, START + own), how))
    assert [at for at, _, _ in bench.log()] == [START + logged]
    assert bench.faults() == ({fault: 1} if fault else {})


def test_arrival_stamps_rise_strictly(bench: Bench) -> None:
    bench.receive(*(Received(START, sample(n)) for n in range(4)))
    bench.receive(Received(START - 10, sample(9.0)))
    assert [at for at, _, _ in bench.log()] == [START, START + 0.001, START + 0.002, START + 0.003, START + 0.004]


def test_of_an_undated_backlog_only_the_newest_value_of_each_point_is_judged(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "log.db")
    seen: list[tuple[float, dict[str, float]]] = []
    engine = bench.pipeline.engine
    bench.receive(Received(START, state(online=1.0, backlog=1.0)))
    reactive = "d/101/reactive_power_var"
    bench.receive(
        Received(START, sample(1.0), How.BACKLOG, 1, 1),
        Received(START, sample(5.0, point=reactive), How.BACKLOG, 2, 2),
        Received(START, sample(2.0), How.BACKLOG, 3, 3),
        Received(START, sample(3.0), How.BACKLOG, 4, 4),
    )
    bench.clock.at += 300
    bench.pipeline.tick()
    assert engine.mark == 0.0, "time waits for the backlog"
    bench.receive(Received(bench.clock.at, state(backlog=0.0)))
    assert [flag for *_, flag in bench.log()] == [Flag.BACKLOG] * 4
    seen = [(at, dict(values)) for at, values in engine.snapshot().buffer if POWER in values or reactive in values]
    assert seen == [(START + 0.001, {reactive: 5.0}), (START + 0.003, {POWER: 3.0})]


def test_time_waits_ten_minutes_for_a_marker_at_most(bench: Bench) -> None:
    bench.receive(Received(START, state(online=1.0, backlog=1.0)))
    bench.pipeline.tick()
    bench.clock.at += 601
    bench.pipeline.tick()
    assert bench.pipeline.engine.mark == START + 601 - GRACE_S
    assert not bench.pipeline.engine.away
    for _ in range(2):
        bench.receive(Received(bench.clock.at, sample(9.0), How.BACKLOG))
    assert [flag for *_, flag in bench.log()] == [Flag.JUDGED] * 2, "live again, whatever the transport still believes"


def test_a_retained_value_is_shown_and_never_logged(bench: Bench) -> None:
    bench.receive(Received(START, sample(7.0), How.RETAINED, 1, 1))
    assert bench.log() == []
    assert bench.pipeline.latest.rows()[POWER] == (START, 7.0, True)
    assert bench.rig.acknowledged == [1]


def test_a_late_sample_is_logged_and_shown_but_not_judged(bench: Bench) -> None:
    bench.receive(Received(START, sample(1.0)))
    bench.clock.at += 40
    bench.pipeline.tick()
    bench.receive(Received(bench.clock.at, sample(2.0, START + 1), How.TIMED))
    assert [flag for *_, flag in bench.log()] == [Flag.JUDGED, Flag.LATE]
    assert bench.faults() == {"late": 1}


def test_impossible_values_are_counted_and_the_rest_of_the_message_counts(bench: Bench) -> None:
    values = {POWER: float("nan"), "d/101/reactive_power_var": 3.0, "d/9/power_w": 1.0}
    bench.receive(Received(START, Sample(START, f"{SOURCE}/d/101", values)))
    bench.receive(Received(START, Fault(SOURCE, START, Reason.BAD_JSON, "{")))
    assert [values for _, values, _ in bench.log()] == [{"d/101/reactive_power_var": 3.0}]
    assert bench.faults() == {"out_of_range": 2, "bad_json": 1}


class WrongClock(VirtualClock):
    """A Pi after a power cut: an hour behind until its time service answers."""

    def __init__(self, at: float = START - 3600) -> None:
        super().__init__(at)
        self.is_right = False

    def monotonic(self) -> float:
        return self.at - self.correction


def test_nothing_is_judged_or_logged_before_the_clock_is_right_and_stamps_are_put_right(tmp_path: Path) -> None:
    clock = WrongClock()
    bench = Bench(tmp_path / "log.db", clock)
    bench.receive(Received(clock.at, sample(1.0), How.ARRIVAL, 1, 1))
    clock.at += 30
    bench.receive(Received(clock.at, sample(2.0), How.ARRIVAL, 2, 2))
    bench.pipeline.tick()
    assert bench.pipeline.engine.mark == 0.0
    assert bench.log() == []
    clock.at, clock.correction, clock.is_right = START + 30, 3600.0, True
    bench.pipeline.tick()
    bench.receive(Received(START - 3600 + 30.2, sample(3.0)), Received(START + 30.4, sample(4.0)))
    assert [at for at, *_ in bench.log()] == [START, START + 30, START + 30.2, START + 30.4]


class FullDisk:
    """A store whose disk is full for a while."""

    def __init__(self, behind: Rig) -> None:
        self.store = behind.store
        self.is_full = True

    def commit(self, commit: Commit) -> int:
        if self.is_full:
            raise sqlite3.OperationalError("database or disk is full")
        return self.store.commit(commit)

    def save_snapshot(self, *of: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(bench: Bench) -> None:
    disk = FullDisk(bench.rig)
    bench.pipeline._store = disk  # the seam that wiring fills
    bench.receive(*(Received(START, sample(n), How.ARRIVAL, n, n) for n in range(1, 11)), window=10)
    assert bench.pipeline.is_disk_refusing
    assert bench.rig.acknowledged == []
    disk.is_full = False
    bench.clock.at += 60
    bench.pipeline.tick()
    assert not bench.pipeline.is_disk_refusing
    assert bench.rig.acknowledged == list(range(1, 11))
    assert len(bench.log()) == 10


def test_a_clock_that_was_far_ahead_and_went_back_starts_anew_and_withdraws(tmp_path: Path) -> None:
    clock = VirtualClock()
    rig = Rig(tmp_path / "log.db", clock, watches(site()))
    kettle = [(START + 5 * n, 60.0 if n < 6 else 1560.0) for n in range(60)]
    for at, power in kettle:
        clock.at = at
        rig.pipeline.consume(Batch(SOURCE, [Received(at, Sample(at, f"{SOURCE}/d/102", {"d/102/power_w": power}))]))
        rig.pipeline.tick()
    assert [event.turn.value for event in events_of(tmp_path / "log.db")] == ["raised"]
    clock.at = START - 86_400.0
    rig.pipeline.tick()
    assert [event.turn.value for event in events_of(tmp_path / "log.db")] == ["raised", "withdrawn"]
    assert rig.pipeline.engine.mark == clock.at - GRACE_S
    before = len(logged(tmp_path / "log.db")[0])
    back = Sample(clock.at, f"{SOURCE}/d/102", {"d/102/power_w": 1.0})
    rig.pipeline.consume(Batch(SOURCE, [Received(clock.at, back)]))
    rig.finish(clock.at + 60)
    log, _ = logged(tmp_path / "log.db")
    assert [(sample.at, flag) for sample, flag in log[before:]] == [(START - 86_400.0, Flag.JUDGED)]
    assert not Rig(tmp_path / "log.db", clock, watches(site())).store.open_incidents()


def test_two_daemons_cannot_share_a_database(tmp_path: Path) -> None:
    Bench(tmp_path / "log.db")
    with pytest.raises(StoreError, match="another caretaker"):
        Store(tmp_path / "log.db")


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(b"not a database, and long enough to be looked at" * 40)
    with pytest.raises(StoreError, match=r"log\.db.*database"):
        Store(path)


def test_a_damaged_commit_is_left_out_and_said_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Bench(tmp_path / "log.db")
    for n in range(3):
        first.receive(Received(START + n, sample(float(n))))
        first.log()
    first.rig.store.connection.execute("UPDATE batch SET samples = zeroblob(100) WHERE id = 3")
    first.rig.kill()
    second = Bench(tmp_path / "log.db")
    assert [values[POWER] for _, values, _ in second.log()] == [0.0, 2.0]
    assert "commit 3 of the log is damaged" in caplog.text


def test_a_dated_reading_that_was_overtaken_is_not_the_latest(bench: Bench) -> None:
    for at, value in ((START + 100, 2.0), (START + 90, 1.0)):
        bench.receive(Received(START + 100, sample(value, at), How.TIMED))
    assert bench.pipeline.latest.rows()[POWER] == (START + 100, 2.0, False)


def test_a_late_reading_of_a_backlog_stays_late(bench: Bench) -> None:
    bench.clock.at += 60
    bench.pipeline.tick()
    bench.receive(Received(START, state(online=1.0, backlog=1.0)))
    bench.receive(Received(START, sample(1.0), How.BACKLOG))
    assert [flag for *_, flag in bench.log()] == [Flag.LATE]
