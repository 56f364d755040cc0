"""An alert saved as a case says the same again, and a case that says something else is told apart."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from one_meter import CONFIG
from streams import START, Arrival, Rig, VirtualClock, site, stream

from daemon.case import DIFFERS, CaseError, case_of, of_file, to_json
from daemon.cli import main
from daemon.config import load
from daemon.config.rules import Placed
from daemon.driver import Driver
from daemon.history import StoredHistory
from daemon.store import incident
from daemon.watching import Watching
from rules import RULES
from rules.model import Sample, Site
from rules.running_water import RunningWater

SEEDS = range(8)


def pack() -> Placed:
    return tuple((kind(), tuple(site().places)) for kind in RULES.values())


def lived(path: Path, seed: int) -> StoredHistory:
    """A random stream, received and judged."""
    campus = site()
    watches = [watch for rule, places in pack() for watch in rule.watches(campus.narrowed(places))]
    arrivals = stream(random.Random(seed))
    rig = Rig(path, VirtualClock(arrivals[0].arrived), watches, of=campus)
    rig.feed((n % 65_535 + 1, arrival) for n, arrival in enumerate(arrivals))
    rig.finish(arrivals[-1].arrived + 100)
    return StoredHistory(path)


def numbers(history: StoredHistory) -> list[int]:
    return [row[0] for row in history.connection.execute("SELECT DISTINCT number FROM event ORDER BY number")]


def test_every_alert_of_random_streams_says_the_same_again(tmp_path: Path) -> None:
    rules_seen = set()
    for seed in SEEDS:
        history = lived(tmp_path / f"{seed}.db", seed)
        for number in numbers(history):
            told = incident(history.connection, number)
            assert told is not None
            case = case_of(pack(), site(), history, told)
            assert case.events == told.events
            again = of_file(to_json(case))
            assert again == replace(case, site=again.site, log=again.log), "but for what takes no part in being equal"
            assert again.replayed() == told.events, f"stream {seed}, alert {number}"
            rules_seen.add(case.rule)
    assert {"running_water", "high_power", "lights_left_on", "silent"} <= rules_seen


def saved(tmp_path: Path) -> Path:
    history = lived(tmp_path / "a.db", 1)
    told = incident(history.connection, numbers(history)[0])
    assert told is not None
    file = tmp_path / "case.json"
    file.write_bytes(to_json(case_of(pack(), site(), history, told)))
    return file


def test_replay_tells_whether_a_case_still_says_the_same(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = saved(tmp_path)
    assert main(["replay", "--case", str(file)]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out.splitlines()[0])["turn"] == "raised"
    assert "the same" in err
    document = json.loads(file.read_text())
    document["events"][0]["at"] += 1
    file.write_text(json.dumps(document))
    assert main(["replay", "--case", str(file)]) == 1
    assert "+ raised" in (err := capfd.readouterr().err)
    assert "- raised" in err


@pytest.mark.parametrize(("hold_min", "is_same"), [(30.0, True), (45.0, False)])
def test_the_gateway_says_in_a_case_that_it_does_not_say_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, hold_min: float, is_same: bool
) -> None:
    (tmp_path / "c.toml").write_text(CONFIG, encoding="utf-8")
    loaded = load(tmp_path / "c.toml")
    rig = Rig(loaded.store_path, VirtualClock(), list(loaded.watches()), of=loaded.site)
    samples = (Sample(START + 60.0 * minute, "bus/t/1F-wash", {"t/1F-wash/flow_lpm": 6.0}) for minute in range(90))
    rig.feed((number, Arrival(sample.at + 1.0, sample)) for number, sample in enumerate(samples, start=1))
    driver = Driver(rig.pipeline, lambda error: None)
    rig.finish(START + 6000.0)
    told = incident(StoredHistory(loaded.store_path).connection, 1)
    assert told is not None
    now = replace(loaded, rules=((RunningWater(hold_min=hold_min), ("t", "t/1F-wash")),))
    file = Watching(now, (), rig.pipeline, driver).case(told, loaded.store_path)
    assert file is not None
    assert json.loads(file).get("note") == (None if is_same else DIFFERS)
    assert of_file(file).is_same() is is_same
    assert ("`caretaker case 1` looks further back" in caplog.text) is not is_same


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"caretaker_case": 99}', '{"caretaker_case": 1}'])
def test_what_is_no_case_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    assert main(["replay", "--case", str(file)]) == 2
    assert "x.json: this is " in capfd.readouterr().err


HOSTILE: dict[str, tuple[tuple[str | int, ...], object]] = {
    "until": (("until",), "soon"), "until null": (("until",), None), "until far": (("until",), 2.5e11),
    "since": (("since",), True), "key": (("key",), 7), "number": (("number",), {}),
    "mark": (("log", 0, 0), "x"), "mark null": (("log", 0, 0), None), "mark before": (("log", 0, 0), -1e99),
    "time": (("log", 0, 1, 0, 1), "noon"), "time null": (("log", 0, 1, 0, 1), None),
    "time far": (("log", 0, 1, 0, 1), 1e300), "value": (("log", 0, 1, 0, 3), "1"),
    "value null": (("log", 0, 1, 0, 3), None), "value list": (("log", 0, 1, 0, 3), []),
    "flag": (("log", 0, 1, 0, 2), 9), "layout": (("log", 0, 1, 0, 0), -1), "layout far": (("log", 0, 1, 0, 0), 99),
    "layout half": (("log", 0, 1, 0, 0), 0.5), "row": (("log", 0, 1, 0), []), "layouts": (("layouts", 0), [1, 2]),
    "no such": (("settings", "changed"), {"hold": 1}), "text": (("settings", "changed"), {"hold_min": "1"}),
    "null": (("settings", "changed"), {"hold_min": None}), "bounds": (("settings", "changed"), {"hold_min": -1e9}),
    "yes": (("settings", "changed"), {"hold_min": True}), "kind": (("settings", "kind"), "none"),
    "expression": (("settings",), {"kind": "expression", "places": [], "changed": {
        "name": "e", "points": [["a", "nowhere/power_w"]], "when": "a > 1"}}),
    "place": (("settings", "places"), ["nowhere"]), "building": (("site", "places", 0, 3), "nowhere"),
    "point": (("site", "points", 0, 1), "nowhere"), "holds": (("site", "points", 0, 6), "inf"),
    "holds null": (("site", "points", 0, 6), None), "supply": (("site", "places", 0, 7), [10**12, 5]),
    "zone": (("site", "calendar", "timezone"), "America"), "zone none": (("site", "calendar", "timezone"), "No/Where"),
    "zone up": (("site", "calendar", "timezone"), "../../etc/passwd"), "zone null": (("site", "calendar"), None),
    "minute": (("site", "calendar", "usual", 4), 10**15), "span": (("site", "calendar", "day"), [0, 10**15]),
    "modulus": (("registers",), [{"d/101/energy_kwh": 0.0}, {}]),
}  # fmt: skip


def test_a_case_that_somebody_else_wrote_is_refused_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = saved(tmp_path).read_text()
    file = tmp_path / "x.json"
    for name, (path, value) in HOSTILE.items():
        document = json.loads(whole)
        inside = document
        for step in path[:-1]:
            inside = inside[step]
        assert inside[path[-1]] != value
        inside[path[-1]] = value
        file.write_text(json.dumps(document))
        assert main(["replay", "--case", str(file)]) == 2, name
        (said,) = capfd.readouterr().err.splitlines()
        assert "this is no case" in said


def test_a_case_names_nobody_and_holds_other_rooms_no_longer(tmp_path: Path) -> None:
    campus = site()
    places = {name: place._replace(owner="张师傅", note="钥匙") for name, place in campus.places.items()}
    whole = Site(campus.id, campus.name, places, campus.points, campus.calendar)
    history = lived(tmp_path / "a.db", 1)
    told = next(
        story for number in numbers(history)
        if (story := incident(history.connection, number)) and story.raised.rule == "running_water"
    )  # fmt: skip
    case = case_of(pack(), whole, history, told)
    text = to_json(case).decode()
    assert "张师傅" not in text
    assert "钥匙" not in text
    assert set(case.site.places) == {told.raised.place.partition("/")[0], told.raised.place}


def test_an_alert_of_a_rule_that_is_gone_makes_no_case(tmp_path: Path) -> None:
    history = lived(tmp_path / "a.db", 1)
    told = incident(history.connection, numbers(history)[0])
    assert told is not None
    with pytest.raises(CaseError, match="no longer has the rule"):
        case_of((), site(), history, told)
