"""`caretaker backtest`: counts that follow from the events, on a log or on a table, and the curve of a parameter."""

import json
import random
import re
from pathlib import Path

import pytest
from one_meter import CONFIG
from streams import START, Rig, VirtualClock, site, stream

from daemon.backtest import BacktestError, Sweep, Tally, backtest, stretch_of, sweep_of
from daemon.backtest_text import as_json, text_of
from daemon.cli import main
from daemon.config.rules import Placed
from daemon.history import StoredHistory, TableHistory
from daemon.readings_table import Table
from rules import RULES
from rules.calendar import Calendar
from rules.model import Delivery, Event, Evidence, Point, Sample, Severity, Turn
from rules.rule import Bounds, parameters

FLOW = Point("t/1F-wash/flow_lpm", "t/1F-wash", "", "flow_lpm", "bus/t", "bus", 150.0)


def pack(*names: str) -> Placed:
    return tuple((RULES[name](), tuple(site().places)) for name in names or RULES)


def event(turn: Turn, at: float, *, delivery: Delivery = Delivery.PAGE, key: str = "a") -> Event:
    return Event("r", key, key, at, turn, Severity.MAJOR, delivery, "r.x", {}, Evidence(at - 60.0))


def test_a_tally_counts_alerts_by_the_highest_delivery_and_only_those_of_its_stretch() -> None:
    tally = Tally(100.0, 100.0 + 7 * 86_400)
    tally.add([
        event(Turn.RAISED, 50.0), event(Turn.CLEARED, 150.0),                             # raised before
        event(Turn.RAISED, 200.0, delivery=Delivery.RECORD), event(Turn.UPDATED, 210.0),  # became a page
        event(Turn.RAISED, 300.0, delivery=Delivery.DIGEST, key="b"), event(Turn.CLEARED, 900.0, key="b"),
    ])  # fmt: skip
    tally.finish()
    assert tally.counts == {Delivery.PAGE: 1, Delivery.DIGEST: 1}
    assert tally.a_week() == pytest.approx(2.0)
    assert tally.a_week(Delivery.PAGE) == pytest.approx(1.0)
    assert [(alert.raised.key, alert.ended) for alert in tally.longest()] == [("a", None), ("b", 900.0)]
    assert tally.longest()[1].lasted_s(tally.until) == 660.0


def taps(*minutes: int) -> TableHistory:
    """A washroom of a teaching building in the morning: taps that run so long, an hour apart."""
    table = Table()
    at = START
    for length in minutes:
        for minute in range(length + 60):
            table.add(at, FLOW, 6.0 if minute < length else 0.0)
            at += 60
    return TableHistory(table)


def test_the_curve_falls_with_the_hold_and_the_value_that_is_set_is_the_test_itself() -> None:
    history = taps(15, 25, 35, 50, 70)
    assert history.stretch is not None
    since, until = history.stretch
    sweep = Sweep("hold_min", "min", 30.0, (10.0, 20.0, 30.0, 45.0, 60.0))
    tested = backtest(pack("running_water"), site(), history, since=since, until=until, sweep=sweep)
    assert [tally.counts.total() for _, tally in tested.curve] == [5, 4, 3, 2, 1]
    assert tested.curve[2][1] is tested.tally
    for language in ("zh", "en"):
        said = text_of(tested, site(), language, most=2).splitlines()
        assert len([line for line in said if "█" in line]) == 5
    assert "and 1 more" in text_of(tested, site(), "en", most=2)
    assert json.loads(json.dumps(as_json(tested)))["counts"]["page"] == 3


def test_a_listed_alert_lasts_from_its_one_time_to_the_other() -> None:
    history = taps(45)
    assert history.stretch is not None
    tested = backtest(pack("running_water"), site(), history, since=history.stretch[0], until=history.stretch[1])
    line = next(line for line in text_of(tested, site(), "en", most=1).splitlines() if "[page]" in line)
    times, minutes = re.findall(r"(\d\d):(\d\d)", line), re.search(r"  (\d+) min  ", line)
    assert minutes
    begin, end = (60 * int(hour) + int(minute) for hour, minute in times[:2])
    assert end - begin == int(minutes[1])


def test_a_later_begin_counts_the_same_alerts_of_that_time() -> None:
    history = taps(15, 25, 35, 50, 70)
    assert history.stretch is not None
    first, until = history.stretch
    whole = backtest(pack("running_water"), site(), history, since=first, until=until).tally.alerts()
    middle = first + 3.5 * 3600
    later = backtest(pack("running_water"), site(), history, since=middle, until=until).tally.alerts()
    assert later == [alert for alert in whole if alert.raised.at >= middle]
    assert 0 < len(later) < len(whole)


def test_the_log_of_a_gateway_gives_the_alerts_that_were_raised(tmp_path: Path) -> None:
    watches = [watch for rule, places in pack() for watch in rule.watches(site().narrowed(places))]
    arrivals = stream(random.Random(3))
    rig = Rig(tmp_path / "a.db", VirtualClock(arrivals[0].arrived), watches)
    rig.feed((n % 65_535 + 1, arrival) for n, arrival in enumerate(arrivals))
    rig.finish(arrivals[-1].arrived + 100)
    history = StoredHistory(tmp_path / "a.db")
    assert history.stretch is not None
    assert history.stretch[0] == min(arrival.sample.at for arrival in arrivals)
    tested = backtest(pack(), site(), history, since=history.stretch[0], until=history.stretch[1])
    raised = history.connection.execute("SELECT rule, key, at FROM event WHERE turn = 'raised'").fetchall()
    told = [(alert.raised.rule, alert.raised.key, alert.raised.at) for alert in tested.tally.alerts()]
    assert sorted(told) == sorted(map(tuple, raised))
    assert told


@pytest.mark.parametrize("rule", [name for name, kind in RULES.items() if not kind.is_declared])
def test_every_rule_has_values_to_try_within_its_bounds(rule: str) -> None:
    sweep = sweep_of(pack(rule), site(), rule, None)
    assert sweep is not None
    bounds = parameters(RULES[rule])[sweep.parameter]
    assert isinstance(bounds, Bounds)
    assert len(sweep.values) > 1
    assert all(bounds.least <= value <= bounds.most for value in sweep.values)


@pytest.mark.parametrize(
    ("asked", "said"),
    [("nope", "it has: limit_lpm"), ("hold_min=x", "'x' is no number"), ("hold_min=99999", "lies between")],
)  # fmt: skip
def test_a_sweep_that_makes_no_sense_is_refused(asked: str, said: str) -> None:
    with pytest.raises(BacktestError, match=said):
        sweep_of(pack("running_water"), site(), "running_water", asked)


def test_a_stretch_is_cut_to_what_there_is_and_a_last_day_counts_whole() -> None:
    history, calendar = taps(15, 2000), Calendar()
    assert history.stretch is not None
    first, last = history.stretch
    assert stretch_of(history, None, None, calendar) == (first, last)
    assert stretch_of(history, "2020-01-01", "2026-01-05", calendar) == (first, calendar.next_minute(first, 0))
    with pytest.raises(BacktestError, match="they reach 2026-01-05"):
        stretch_of(history, "2026-02-01", None, calendar)


def test_the_command_reads_a_table_and_tells(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text(CONFIG, encoding="utf-8")
    samples: list[Sample] = [s for batch in taps(15, 50).batches(0, 1e11) for s, _ in batch.entries]
    rows = [f"{sample.at},{FLOW.id},{sample.values[FLOW.id]}" for sample in samples]
    (tmp_path / "r.csv").write_text("\n".join(["at,point,value", *rows, "x,y,z"]), encoding="utf-8")
    command = ["backtest", "--config", str(tmp_path / "c.toml"), "--readings", str(tmp_path / "r.csv")]
    assert main([*command, "--json", "--rule", "running_water", "--sweep", "hold_min=10,30"]) == 0
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert [(row["value"], row["page"]) for row in told["curve"]] == [(10.0, 2), (30.0, 1)]
    assert "1 rows left out" in err
    assert main([*command, "--language", "en"]) == 0
    assert "Running water running_water" in capfd.readouterr().out
    for wrong, said in ((["--rule", "nope"], "there is no rule"), (["--sweep", "hold_min"], "needs --rule"),
                        (["--from", "soon"], "is no time")):  # fmt: skip
        assert main([*command, *wrong]) == 2
        assert said in capfd.readouterr().err
    assert main(["backtest", "--config", str(tmp_path / "c.toml")]) == 2
    assert "--readings" in capfd.readouterr().err
