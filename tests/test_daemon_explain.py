"""`caretaker explain`: what a rule saw, how much of its hold is covered, and why it raised or did not."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from streams import START, Arrival, Rig, VirtualClock, site, state_points, stream

from daemon.cli import main
from daemon.config import load
from daemon.explain import accounts, text_of
from daemon.history import HistoryError, StoredHistory, TableHistory
from daemon.readings_table import Table
from daemon.store import open_incident
from daemon.trial import engine_of, judged, placed_watches
from rules import RULES
from rules.account import Account, Seen, Witness, settings_of
from rules.limit import Limit
from rules.model import Change, Delivery, Event, Evidence, Explanation, Sample, Severity, Turn
from rules.running_water import RunningWater

CONFIG = """
[site]
id = "s"
timezone = "Asia/Shanghai"
[[building]]
id = "t"
name = "教学楼"
kind = "teaching"
rooms = ["101-102"]
washrooms = ["1F-wash"]
[[source]]
name = "bus"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
[[source.topic]]
filter = "campus/{building}/{room}/water"
payload = "json"
fields = { F = "flow_lpm" }
where = { kind = "washroom" }
every_s = 60
[[rule]]
kind = "running_water"
hold_min = 20
"""
FLOW = "t/1F-wash/flow_lpm"


def explain(folder: Path, *more: str, place: str = "t/1F-wash", rule: str = "running_water") -> int:
    """A tap from 08:10 on, with nothing heard between 08:15 and 08:25."""
    (folder / "c.toml").write_text(CONFIG, encoding="utf-8")
    minutes = [minute for minute in range(60) if not 15 < minute < 25]
    rows = [f"{START + 60 * minute},{FLOW},{6.0 if minute >= 10 else 0.0}" for minute in minutes]
    (folder / "r.csv").write_text("\n".join(["at,point,value", *rows]), encoding="utf-8")
    files = ["--config", str(folder / "c.toml"), "--readings", str(folder / "r.csv")]
    return main(["explain", place, rule, *files, *more])


@pytest.mark.parametrize(
    ("time", "hold", "gaps", "is_raised", "is_fresh"),
    [
        ("08:05", None, 0, False, True),                # before the tap
        ("08:14", 3 * 60.0, 0, False, True),            # the mean of five minutes crosses the limit at 08:11
        ("08:22", 6.5 * 60.0, 1, False, False),         # in the gap: counts as far as the last reading speaks
        ("08:29", 10.5 * 60.0, 1, False, True),         # after it: goes on from there
        ("08:50", None, 1, True, True),
    ],
)  # fmt: skip
def test_it_says_how_much_of_the_hold_is_covered(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], time: str, hold: float | None, gaps: int, is_raised: bool,
    is_fresh: bool,
) -> None:  # fmt: skip
    assert explain(tmp_path, "--at", f"2026-01-05T{time}", "--json") == 0
    (told,) = json.loads(capfd.readouterr().out)
    assert (told["rule"], told["key"], told["place"]) == ("running_water", "t/1F-wash", "t/1F-wash")
    assert (told["hold"] and told["hold"]["covered_s"]) == (hold and pytest.approx(hold, abs=61))
    assert (told["raised"] is not None, len(told["gaps"])) == (is_raised, gaps)
    assert [(seen["point"], seen["is_fresh"]) for seen in told["seen"]] == [(FLOW, is_fresh)]
    assert told["explanation"]["why"].startswith("running_water.")
    settings = {item["name"]: item for item in told["settings"]}
    assert settings["hold_min"] == {"name": "hold_min", "value": 20.0, "unit": "min", "is_default": False}
    if gaps:
        assert told["gaps"][0] == {"point": FLOW, "since": START + 15 * 60 + 150, "until": pytest.approx(
            START + min(25 * 60, (int(time[3:])) * 60)
        )}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "parts"),
    [("en", ("教学楼 1F-wash · Running water (running_water, t/1F-wash)", "open alert, raised 2026-01-05 08:",
             "gaps: flow 08:17:30–08:25:00", "6 L/min, 08:50:00, 0 s ago, fresh", "hold_min = 20 min (changed)",
             "rejected readings: none")),
     ("zh", ("长流水", "报警中，2026-01-05 08:", "缺口: 流量 08:17:30–08:25:00", "有效", "hold_min = 20 min（已改动）",
             "剔除的读数: 无"))],
)  # fmt: skip
def test_it_speaks_to_people(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], language: str, parts: tuple[str, ...]
) -> None:
    assert explain(tmp_path, "--at", "2026-01-05T08:50", "--language", language) == 0
    out = capfd.readouterr().out
    for part in parts:
        assert part in out


def test_a_time_that_no_reading_reaches_is_as_of_the_last_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert explain(tmp_path, "--at", "2027-01-01", "--language", "en") == 0
    out, err = capfd.readouterr()
    assert "the readings reach to 2026-01-05 08:59:00 only" in err
    assert "2026-01-05 08:59:00: open alert" in out


@pytest.mark.parametrize(
    ("place", "rule", "more", "said"),
    [("t/1F-wash", "runing_water", (), "do you mean running_water?"),
     ("t/1F-wsh", "running_water", (), "do you mean t/1F-wash?"),
     ("t/101", "running_water", (), "running_water does not watch t/101"),
     ("t/101", "overload", (), "overload watches nothing until you set limit_w or breaker_a"),
     ("t/1F-wash", "running_water", ("--at", "2020-01-01"), "no readings before 2020-01-01"),
     ("t/1F-wash", "running_water", ("--at", "soon"), "'soon' is no time")],
)  # fmt: skip
def test_what_cannot_be_explained_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], place: str, rule: str, more: tuple[str, ...], said: str
) -> None:
    assert explain(tmp_path, "--language", "en", *more, place=place, rule=rule) == 2
    assert said in capfd.readouterr().err


def test_a_place_that_is_watched_with_others_is_told_where(tmp_path: Path) -> None:
    points = 'points = { a = "t/1F-wash/flow_lpm", b = "t/2F-wash/flow_lpm" }'
    own = f'[[rule]]\nkind = "expression"\nname = "both"\n{points}\nwhen = "a > b + 5"\nfor_min = 1\n'
    (tmp_path / "c.toml").write_text(SPARSE + own, encoding="utf-8")
    loaded, history = load(tmp_path / "c.toml"), TableHistory(Table())
    with pytest.raises(HistoryError, match=r"together with others: ask for t$"):
        accounts(loaded, history, "t/1F-wash", "expression", START, language="en")


def test_times_of_another_day_have_their_date_and_no_more_is_covered_than_there_was(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG, encoding="utf-8")
    loaded = load(tmp_path / "c.toml")
    placed = placed_watches(loaded.rules, loaded.site)
    kind, watch = next((kind, watch) for kind, _, watch in placed if watch.rule == "running_water")
    values: dict[str, float | str] = {"ran_s": 60.0, "litres": 1.0, "lpm": 1.0}

    def told(at: float, since: float, covered_s: float) -> str:
        evidence = Evidence(since, (FLOW,), None, covered_s)
        change = Change(Turn.RAISED, Severity.MINOR, Delivery.DIGEST, "running_water.raised", values, evidence)
        raised = Event("running_water", watch.key, watch.place, START, *change)
        seen = [Seen("flow", FLOW, START, 6.0, is_fresh=True), Seen("twin", f"{FLOW}!stuck", None, 0.0, is_fresh=False)]
        why = Explanation(change.why, change.values)
        account = Account(watch.rule, watch.key, watch.place, at, raised, None, why, seen, settings=settings_of(kind))
        return text_of(account, loaded, "en")

    assert "hold: 07:50:00 to 08:00:00, 10 min of it" in told(START + 60, START - 600, 900.0)
    assert "!stuck" not in told(START + 60, START - 600, 900.0)
    later = told(START + 86_400, START - 600, 300.0)
    assert "hold: 2026-01-05 07:50:00 to 2026-01-05 08:00:00, 5 min of it" in later
    assert "6 L/min, 2026-01-05 08:00:00, 1 day ago" in later
    assert "hold:" not in told(START, START, 30.0)  # raised at once


def test_a_witness_changes_nothing_and_every_watch_explains_itself_at_any_time(tmp_path: Path) -> None:
    campus = site()
    watches = [watch for kind in RULES.values() for watch in kind().watches(campus)]
    arrivals = stream(random.Random(5))
    rig = Rig(tmp_path / "a.db", VirtualClock(arrivals[0].arrived), watches)
    rig.feed((n % 65_535 + 1, arrival) for n, arrival in enumerate(arrivals))
    rig.finish(arrivals[-1].arrived + 100)
    history = StoredHistory(tmp_path / "a.db")
    points = {**campus.points, **{point.id: point for point in state_points()}}
    witnesses = [Witness(watch, points) for watch in watches]
    engine = engine_of(witnesses, campus)
    plain = list(judged(engine_of(watches, campus), history.batches(0, 1e11)))
    events, opened = [], {}
    for batch in history.batches(0, 1e11):
        for event in judged(engine, [batch]):
            events.append(event)
            opened[event.rule, event.key] = event if event.turn is not Turn.CLEARED else None
        for witness in witnesses:
            state, raised = engine.state(witness.rule, witness.key), opened.get((witness.rule, witness.key))
            told = witness.account(state, engine.mark, raised=raised, settings=[], rejected={})
            sentences = RULES[witness.rule].words["zh"].sentences
            assert told.explanation.why in sentences
            assert sentences[told.explanation.why].format_map({**told.explanation.values}) or True
    assert events == plain
    assert any(event.turn is Turn.RAISED for event in events)


def test_settings_are_those_of_the_rule_with_what_was_changed_marked() -> None:
    told = {item.name: item for item in settings_of(RunningWater(hold_min=12.0))}
    assert (told["hold_min"].value, told["hold_min"].unit, told["hold_min"].is_default) == (12.0, "min", False)
    assert told["limit_lpm"].is_default


@pytest.mark.parametrize(("rule", "names"), [
    (Limit(name="x", quantity="power_w", above=5.0), {"above"}),
    (Limit(name="x", quantity="power_w", below=5.0), {"below"}),
])  # fmt: skip
def test_a_parameter_that_is_not_set_is_no_setting(rule: Limit, names: set[str]) -> None:
    assert {"above", "below"} & {item.name for item in settings_of(rule)} == names


DEAD = START + 86_400.0
SPARSE = CONFIG.replace('"1F-wash"', '"1F-wash", "2F-wash"').replace("every_s = 60", "every_s = 300")


def dead_meter(litres: float) -> Iterator[Sample]:
    """Two washrooms: the meter of one goes silent after a day, three days before the end."""
    for index in range(4 * 288):
        at = START + 300.0 * index
        if at <= DEAD:
            yield Sample(at, "bus/t/1F-wash", {FLOW: litres if at > DEAD - 36_000.0 else 0.0})
        yield Sample(at, "bus/t/2F-wash", {FLOW.replace("1F", "2F"): 0.0})


@pytest.mark.parametrize("is_logged", [True, False])
@pytest.mark.parametrize(
    ("rule", "litres", "since"),
    [("running_water", 6.0, DEAD - 36_000.0), ("silent", 0.0, DEAD), ("running_water", 0.0, None)],
)
def test_what_began_before_the_rule_s_memory_is_told_as_it_was(
    tmp_path: Path, rule: str, litres: float, since: float | None, is_logged: bool
) -> None:
    (tmp_path / "c.toml").write_text(SPARSE, encoding="utf-8")
    loaded = load(tmp_path / "c.toml")
    table = Table()
    rig = Rig(loaded.store_path, VirtualClock(), list(loaded.watches()), of=loaded.site)
    for number, sample in enumerate(dead_meter(litres), start=1):
        rig.feed([(number, Arrival(sample.at + 1.0, sample))])
        for point, value in sample.values.items():
            table.add(sample.at, loaded.site.points[point], value)
    rig.finish(START + 4 * 86_400.0)
    history = StoredHistory(loaded.store_path) if is_logged else TableHistory(table)
    (told,) = accounts(loaded, history, "t/1F-wash", rule, START + 4 * 86_400.0, language="en")
    assert told.seen[0].at == DEAD
    if since is None:
        assert told.raised is None
        return
    raised = open_incident(StoredHistory(loaded.store_path).connection, rule, told.key, 1e11)
    assert raised is not None
    assert told.raised == raised.raised
    assert told.since == pytest.approx(since, abs=600.0)
