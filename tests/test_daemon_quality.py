"""Refiners in the daemon: counts that survive, registers that go on under a changed pack, flows that are drawn."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from streams import GRACE_S, SOURCE, START, VirtualClock, events_of, state_points

from daemon.driver import Driver
from daemon.gateway_view import Changes, GatewayView
from daemon.pipeline import Batch, Pipeline
from daemon.recovery import Recovered, open_alerts, recover
from daemon.store import Store, connect, entries
from rules.calendar import Calendar
from rules.check import Check
from rules.counter_fault import CounterFault
from rules.engine import Engine
from rules.limit import Limit
from rules.model import How, Place, Point, Received, Sample, Site
from rules.quality import refiners
from rules.watch import Watch

ENERGY, VOLUME, FLOW, CLOCK = "d/1/energy_kwh", "d/1/volume_m3", "d/1/flow_lpm", "d/1/clock_offset_s"
DEVICE = f"{SOURCE}/1"


def site() -> Site:
    places = {"d": Place("d", "d", "dormitory", "d"), "d/1": Place("d/1", "1", "dorm_room", "d")}
    measured = (ENERGY, VOLUME, CLOCK)
    points = [Point(name, "d/1", "", name.rpartition("/")[2], DEVICE, SOURCE, 150.0) for name in measured]
    points.append(points[1]._replace(id=FLOW, quantity="flow_lpm", of=VOLUME))
    return Site("s", "s", places, {point.id: point for point in points}, Calendar())


class Life:
    """One life of a pipeline with refiners over a database."""

    def __init__(self, path: Path, clock: VirtualClock, watches: Sequence[Watch] = ()) -> None:
        self.path, self.clock, self.store = path, clock, Store(path)
        incidents = self.store.open_incidents()
        self.pipeline = Pipeline(
            Engine(watches, refiners(site())), self.store, Check([*site().points.values(), *state_points()]), clock,
            grace_s=GRACE_S, commit_s=300.0, open_alerts=open_alerts(incidents), next_number=self.store.next_number(),
            windows={SOURCE: []}, outbox_rows=lambda event, number: [], acknowledge=lambda *packets: None,
            changed=lambda what: None, clock_points={DEVICE: CLOCK},
        )  # fmt: skip
        self.found: Recovered = recover(self.pipeline, self.store, watches, incidents)

    def read(self, point: str, values: Iterable[float], *, every_s: float = 60.0, behind_s: float = 0.0) -> None:
        for value in values:
            self.clock.at += every_s
            sample = Sample(self.clock.at - behind_s, DEVICE, {point: value})
            self.pipeline.consume(Batch(SOURCE, [Received(self.clock.at, sample, How.TIMED)]))
            self.pipeline.tick()

    def end(self, *, killed: bool = False) -> None:
        self.clock.at += GRACE_S
        self.pipeline.tick()
        if killed:
            self.pipeline.commit()
        else:
            self.pipeline.finish()
        self.store.close()


def rising(first: float, count: int, step: float = 0.01) -> list[float]:
    return [round(first + step * n, 3) for n in range(count)]


@pytest.mark.parametrize("killed", [False, True])
def test_what_was_rejected_survives_a_restart(tmp_path: Path, killed: bool) -> None:
    clock = VirtualClock(START)
    life = Life(tmp_path / "log.db", clock)
    life.read(ENERGY, [*rising(500, 10), 9e6, *rising(500.1, 10)])
    life.end(killed=killed)
    life = Life(tmp_path / "log.db", clock)
    assert life.pipeline.engine.rejected() == {ENERGY: {"spike": 1}}
    life.read(ENERGY, [9e6, *rising(500.2, 3)])
    life.end()
    assert life.pipeline.engine.rejected() == {ENERGY: {"spike": 2}}


def test_a_new_rule_warms_up_in_the_register_that_goes_on(tmp_path: Path) -> None:
    """After a rollover the continuous register is past a million; a rule that is new must see just that."""
    clock = VirtualClock(START)
    life = Life(tmp_path / "log.db", clock)
    life.read(ENERGY, [*rising(999_999.9, 10), *rising(0.0, 60)])
    life.end()
    above = Limit(name="much", quantity="energy_kwh", above=1_000_000.2, for_min=1.0)
    life = Life(tmp_path / "log.db", clock, list(above.watches(site())))
    assert life.found.warmed == 1
    life.read(ENERGY, rising(0.6, 10))
    life.end()
    assert [(event.rule, event.turn.value) for event in events_of(tmp_path / "log.db")] == [("limit", "raised")]


def test_a_rule_that_is_new_hears_verdicts_of_the_past(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    life = Life(tmp_path / "log.db", clock)
    life.read(ENERGY, [*rising(500, 30), *rising(20, 30)])
    life.end()
    life = Life(tmp_path / "log.db", clock, list(CounterFault().watches(site())))
    life.end()
    assert [(event.rule, event.turn.value) for event in events_of(tmp_path / "log.db")] == [("counter_fault", "raised")]


def test_a_derived_flow_is_shown_and_drawn(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    life = Life(tmp_path / "log.db", clock)
    life.read(VOLUME, [*rising(100, 60, 0.0), *rising(100, 60, 0.006)])
    driver = Driver(life.pipeline, died=lambda error: None)
    driver.start()
    try:
        view = GatewayView(
            site(), {}, life.path, pipeline=life.pipeline, driver=driver, clock=clock, changes=Changes(),
            refiners=lambda: refiners(site()), watching=None,  # type: ignore[arg-type]  # nobody asks for it here
                buses={},
        )  # fmt: skip
        drawn = view.readings([FLOW, VOLUME], START + 3000, clock.at)
        flows = [reading.value for reading in drawn if reading.point == FLOW and reading.at > START + 3780]
        assert flows == pytest.approx([6.0] * 57)
        assert sum(reading.point == FLOW for reading in drawn) == sum(reading.point == VOLUME for reading in drawn)
        assert view.rejected() == {}
    finally:
        driver.stop()
    life.end()
    at, value, is_shown_only = life.pipeline.newest()[FLOW]
    assert (at, value, is_shown_only) == (clock.at - GRACE_S, pytest.approx(6.0), False)


def test_the_clock_of_a_device_is_logged_when_it_is_news(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    life = Life(tmp_path / "log.db", clock)
    for behind_s in (0.2, 3.0, 7.0, 9.0, 90.0, 91.0, 1.0):
        life.read(ENERGY, [500.0], behind_s=behind_s)
    life.end()
    db = connect(life.path, read_only=True)
    logged = [sample.values[CLOCK] for _, (sample, _) in entries(db) if CLOCK in sample.values]
    db.close()
    assert logged == [-0.2, -7.0, -90.0, -1.0]  # the first after a start, and then what is news
