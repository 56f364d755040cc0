"""Starting again under a changed configuration, after a long stop, and with the log's own word for it."""

from pathlib import Path

import pytest
from streams import GRACE_S, SOURCE, START, Rig, VirtualClock, events_of, site, watches

from daemon.pipeline import Batch
from rules.high_power import HighPower
from rules.model import How, Received, Sample
from rules.silent import Silent
from rules.watch import Watch

ROOM = "d/102"


def pack(**parameters: float) -> list[Watch]:
    """The default rules, high power with these parameters."""
    others = [watch for watch in watches(site()) if watch.rule != "high_power"]
    return [*others, *HighPower(**parameters).watches(site())]  # type: ignore[arg-type]


def feed(rig: Rig, begin: float, seconds: float, watts: float) -> None:
    """A dorm-room meter every ten seconds."""
    for step in range(int(seconds // 10)):
        rig.clock.at = begin + 10 * step
        sample = Sample(rig.clock.at, f"{SOURCE}/{ROOM}", {f"{ROOM}/power_w": watts + step % 3})
        rig.pipeline.consume(Batch(SOURCE, [Received(rig.clock.at, sample, How.TIMED)]))
        rig.pipeline.tick()


def said(path: Path) -> list[tuple[str, str]]:
    return [(event.rule, event.turn.value) for event in events_of(path)]


def kettle(path: Path, parameters: dict[str, float]) -> Rig:
    """A life in which a 900 W kettle is switched on and left on."""
    rig = Rig(path, VirtualClock(), pack(**parameters))
    feed(rig, START, 300, 60.0)
    feed(rig, START + 300, 300, 960.0)
    return rig


@pytest.mark.parametrize("stop", ["in good order", "killed"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, [("high_power", "raised")]),
        ({}, {"step_w": 500.0}, [("high_power", "raised")]),  # warmed up: it holds under the new limit as well
        ({}, {"step_w": 2_000.0}, [("high_power", "raised"), ("high_power", "withdrawn")]),
        ({"step_w": 2_000.0}, {}, [("high_power", "raised")]),  # nobody is told, but it is on the list
    ],
)
def test_a_changed_rule_is_warmed_up_and_what_no_longer_holds_is_withdrawn(
    tmp_path: Path, stop: str, before: dict[str, float], after: dict[str, float], expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / "log.db"
    first = kettle(path, before)
    if stop == "killed":
        first.pipeline.commit()
        first.kill()
    else:
        first.finish(first.clock.at)
    second = Rig(path, first.clock, pack(**after))
    assert said(path) == expected
    assert second.found.missing == 0
    feed(second, first.clock.at + 10, 300, 960.0)
    assert said(path) == expected, "going on raises nothing twice"
    assert len(second.store.open_incidents()) == (expected[-1][1] == "raised")


def test_a_rule_that_is_gone_leaves_no_open_alert(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    kettle(path, {}).finish(START + 600)
    Rig(path, VirtualClock(START + 610), [watch for watch in pack() if watch.rule != "high_power"])
    assert said(path) == [("high_power", "raised"), ("high_power", "withdrawn")]


def test_a_rule_that_did_not_change_keeps_its_running_hold(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = Rig(path, VirtualClock(), pack(hold_s=400.0))
    feed(first, START, 300, 60.0)
    feed(first, START + 300, 200, 960.0)
    first.finish(first.clock.at)
    second = Rig(path, first.clock, [watch for watch in pack(hold_s=400.0) if watch.rule != "running_water"])
    feed(second, START + 500, 300, 960.0)
    events = events_of(path)
    assert [(event.rule, event.turn.value) for event in events] == [("high_power", "raised")]
    assert events[0].at - events[0].evidence.since == pytest.approx(400.0, abs=10.0)


@pytest.mark.parametrize("boots", ["with the right time", "an hour behind"])
def test_a_stop_of_hours_calls_no_sensor_silent(tmp_path: Path, boots: str) -> None:
    path = tmp_path / "log.db"
    only_silent = list(Silent().watches(site()))
    first = Rig(path, VirtualClock(), only_silent)
    begin = Sample(0.0, f"source/{SOURCE}", {f"source/{SOURCE}/online": 1.0, f"source/{SOURCE}/backlog": 0.0})
    first.pipeline.consume(Batch(SOURCE, [Received(START - 1, begin)]))
    feed(first, START, 300, 60.0)
    first.finish(first.clock.at)
    clock = VirtualClock(START + 7200)
    clock.is_right = boots == "with the right time"
    second = Rig(path, clock, only_silent)
    second.pipeline.consume(Batch(SOURCE, [Received(clock.at, begin)]))
    second.pipeline.tick()
    clock.is_right = True
    feed(second, clock.at + 1, 60, 60.0)
    assert said(path) == []
    clock.at += GRACE_S + 2_000
    second.pipeline.tick()
    assert said(path) == [("silent", "raised")], "and from then on it counts again"


def test_changed_and_changed_back_the_alert_is_open_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    clock = VirtualClock()
    kettle(path, {}).finish(START + 600)
    clock.at = START + 600
    for parameters, is_open in [({"step_w": 2_000.0}, False), ({}, True), ({"step_w": 2_000.0}, False), ({}, True)]:
        life = Rig(path, clock, pack(**parameters))
        assert bool(life.store.open_incidents()) is is_open
        life.kill()
    last = Rig(path, clock, pack())
    feed(last, START + 610, 1_200, 60.0)
    assert not last.store.open_incidents()
    assert [event.turn.value for event in events_of(path)] == ["raised", "withdrawn"] * 2 + ["raised", "cleared"]


def test_an_alert_of_days_ago_outlives_a_changed_parameter(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = Rig(path, VirtualClock(), list(Silent().watches(site())))
    feed(first, START, 300, 60.0)
    first.clock.at = START + 3 * 86_400
    first.pipeline.tick()
    first.finish(first.clock.at)
    second = Rig(path, first.clock, list(Silent(least_s=400.0).watches(site())))
    assert [incident.raised.rule for incident in second.store.open_incidents()] == ["silent"]
    assert second.found.withdrawn == 0


def test_an_event_that_the_table_lost_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = kettle(path, {})
    first.pipeline.commit()
    before = events_of(path)
    first.store.connection.execute("DELETE FROM event")
    first.kill()
    second = Rig(path, first.clock, pack())
    assert second.found.missing == 1
    assert events_of(path) == before


def test_the_latest_values_are_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = kettle(path, {})
    shown = first.pipeline.latest.rows()
    assert shown
    first.finish(first.clock.at)
    assert Rig(path, first.clock, pack()).pipeline.latest.rows() == shown


def test_a_source_that_is_gone_holds_no_time(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = Rig(path, VirtualClock(), pack())
    away = Sample(0.0, "source/old", {"source/old/backlog": 1.0})
    first.pipeline.tick()
    first.pipeline.engine.take(away._replace(at=START + 5))
    first.finish(START + 10)
    second = Rig(path, VirtualClock(START + 20), pack())
    assert second.pipeline.engine.away == {"source/old"}
    second.pipeline.tick()
    assert second.pipeline.engine.mark == START + 20 - GRACE_S
    second.finish(START + 30)
    assert not Rig(path, VirtualClock(START + 40), pack()).pipeline.engine.away


def test_warming_up_starts_anew_where_the_clock_was_set_back(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = Rig(path, VirtualClock(START + 365 * 86_400), pack())
    feed(first, START + 365 * 86_400, 300, 60.0)
    feed(first, START + 365 * 86_400 + 300, 300, 960.0)
    feed(first, START, 1_800, 60.0)  # set back by a year, the heater off
    first.finish(first.clock.at)
    second = Rig(path, first.clock, pack(step_w=350.0))
    assert not second.store.open_incidents()
