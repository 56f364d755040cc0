"""Rounds, duty and pressure tests from a command or the panel into the log, and the rules that hear of them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tracked import ROOT

from adapters.payloads.topics import TopicTable
from daemon.clock import SystemClock
from daemon.config import Loaded, load
from daemon.facts import OLD_S, Declarations, declare, folder_of, newest_facts, waiting, why_refused
from daemon.history import StoredHistory
from daemon.pipeline import Batch
from daemon.store import connect, entries
from daemon.wiring import Gateway, wire
from rules.engine import Engine
from rules.fact import DECLARABLE, Declaration, Permit, declarable, sample_of
from rules.model import Sample

BOILER, PUMPS, KETTLE = "plant/boiler", "plant/pumps", "plant/kettle"
CONFIG = """
[site]
id = "x"
clock = "trust"
language = "en"
[panel]
listen = "127.0.0.1:0"
[store]
commit_s = 3600
[[building]]
id = "plant"
kind = "plant"
rooms = ["pumps"]
[[room]]
id = "plant/boiler"
kind = "boiler_room"
[[room]]
id = "plant/kettle"
kind = "drinking_boiler"
[[source]]
name = "b"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
[[source.topic]]
filter = "boiler/flame"
place = "plant/boiler"
payload = "state"
quantity = "flame"
every_s = 60
[[source.topic]]
filter = "pumps/kpa"
place = "plant/pumps"
payload = "number"
quantity = "pressure_kpa"
every_s = 60
"""
CARD = """
[[source.topic]]
filter = "boiler/on_duty"
place = "plant/boiler"
payload = "state"
quantity = "on_duty"
heartbeat_s = 7200
[[source.topic]]
filter = "boiler/round"
place = "plant/boiler"
payload = "state"
quantity = "round"
heartbeat_s = 7200
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "caretaker.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def running(config: Path) -> Iterator[Gateway]:
    gateway = begun(load(config))
    gateway.start()
    yield gateway
    gateway.stop()


def begun(loaded: Loaded) -> Gateway:
    return wire(loaded, SystemClock(trusted=True), died=lambda _: None)


def taken_up(loaded: Loaded) -> None:
    """A short life of the gateway in which it takes up all that waits."""
    gateway = begun(loaded)
    for _ in range(5):
        gateway.declarations.look()
        gateway.driver._work()
    gateway.pipeline.finish()
    gateway.store.close()


def caretaker(config: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "daemon.cli", "declare", *arguments, "--config", str(config)], cwd=ROOT, text=True,
        capture_output=True, timeout=30, check=False, env={"PATH": "/usr/bin:/bin", "LANG": "en"},
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).strip()


def logged(database: Path) -> list[dict[str, float]]:
    db = connect(database, read_only=True)
    found = [dict(sample.values) for _, (sample, _) in entries(db) if sample.device.startswith("people/")]
    db.close()
    return found


def test_what_can_be_said_where(config: Path) -> None:
    site = load(config).site
    assert {place: declarable(site, place) for place in site.places} == {
        "plant": [], BOILER: ["round", "on-duty", "off-duty"], KETTLE: [],
        PUMPS: ["pressure-test-begin", "pressure-test-end"],
    }  # fmt: skip
    config.write_text(CONFIG + CARD, encoding="utf-8")
    assert declarable(load(config).site, BOILER) == []


def test_a_command_reaches_the_running_gateway_and_its_log(config: Path, running: Gateway) -> None:
    assert caretaker(config, BOILER, "round") == (0, "plant/boiler: a round was done just now (in force)")
    assert caretaker(config, BOILER, "off-duty") == (0, "plant/boiler: nobody is on duty (in force)")
    running.declarations.take(Declaration(PUMPS, "pressure-test-begin", time.time()))
    running.declarations.take(Declaration(BOILER, "round", time.time()))
    database = config.with_name("caretaker.db")
    assert logged(database) == [
        {f"{BOILER}/round": 1.0}, {f"{BOILER}/on_duty": 0.0}, {f"{PUMPS}/pressure_test": 1.0},
        {f"{BOILER}/round": 1.0},
    ]  # fmt: skip
    code, said = caretaker(config, BOILER)
    assert code == 0
    assert [line.split()[0] for line in said.splitlines() if "20" in line] == ["round", "off-duty"]
    assert waiting(folder_of(database)) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plant/boilr", "round"], "no place 'plant/boilr'; did you mean 'plant/boiler'?"),
        ([PUMPS, "round"], "for boiler rooms where no device tells them; what can be: pressure-test-begin, pressure-"),
        ([KETTLE, "round"], "round cannot be said about plant/kettle: rounds and duty are for boiler rooms where"),
        ([BOILER, "pressure-test-end"], "a pressure test is for places with a pressure reading where no device tells"),
        (["plant", "on-duty"], "cannot be said about plant: rounds and duty are for boiler rooms where no device"),
        ([BOILER, "dinner"], "invalid choice: 'dinner'"),
    ],
)
def test_what_cannot_be_said_is_refused_by_the_command(config: Path, arguments: list[str], said: str) -> None:
    code, answer = caretaker(config, *arguments)
    assert code == 2
    assert said in answer
    assert not folder_of(config.with_name("caretaker.db")).exists()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"declared": {"place": "plant/boiler", "what": "round"}}', "not a fact"),
        (b'{"declared": {"place": "plant/boiler", "what": "dinner", "at": 9e9}}', "dinner is not for people to say"),
        (b'{"declared": {"place": "plant/boiler", "what": ["round"], "at": 9e9}}', "not for people to say"),
        (b'{"declared": {"place": "plant/pumps", "what": "round", "at": 9e9}}', "round is not for people to say"),
        (b'{"declared": {"place": "plant/kettle", "what": "on-duty", "at": 9e9}}', "on-duty is not for people to say"),
        (b'{"declared": {"place": "gone", "what": "round", "at": 9e9}}', "no place 'gone'"),
        (b'{"declared": {"place": {}, "what": "round", "at": 9e9}}', "not a fact"),
        (b'{"declared": {"place": "plant/boiler", "what": "round", "at": 1, "value": 1}, "x": 1}', "not a fact"),
        (b'{"said": {"place": "plant/boiler", "what": "round", "at": 9e9}}', "not a fact"),
    ],
)
def test_what_says_nothing_usable_is_put_aside_with_a_word(config: Path, body: bytes, why: str) -> None:
    loaded, taken = load(config), []
    folder = folder_of(loaded.store_path)
    folder.mkdir()
    (folder / "0.json").write_bytes(body)
    Declarations(folder, loaded.site, hand_over=taken.append, clock=lambda: 9e9).look()
    assert taken == []
    assert why in (why_refused(folder / "0.json") or "")


@pytest.mark.parametrize("what", DECLARABLE)
@pytest.mark.parametrize("late_s", [0.0, OLD_S - 1, OLD_S + 1])
def test_what_was_said_long_before_it_is_heard_counts_only_as_an_end(config: Path, what: str, late_s: float) -> None:
    loaded, taken = load(config), list[Batch]()
    place = PUMPS if what.startswith("pressure") else BOILER
    path = declare(Declaration(place, what, 1e9), folder_of(loaded.store_path))
    Declarations(path.parent, loaded.site, hand_over=taken.append, clock=lambda: 1e9 + late_s).look()
    quantity, value = DECLARABLE[what]
    is_heard = late_s < OLD_S or value == 0.0
    assert [(sample.at, dict(sample.values)) for batch in taken for (_, sample, *_) in batch.received] == (
        [(1e9 + late_s, {f"{place}/{quantity}": value})] if is_heard else []
    )
    assert ("say it again" in (why_refused(path) or "")) is not is_heard


def test_while_it_is_down_it_waits_and_a_file_left_behind_is_not_logged_twice(config: Path) -> None:
    loaded = load(config)
    path = declare(Declaration(BOILER, "on-duty", time.time()), folder_of(loaded.store_path))
    body = path.read_bytes()
    for _ in range(2):
        path.write_bytes(body)  # the second time: committed, but still there
        taken_up(loaded)
        assert not path.exists()
    assert logged(loaded.store_path) == [{f"{BOILER}/on_duty": 1.0}]
    assert newest_facts(loaded.store_path, loaded.site) == {f"{BOILER}/on_duty": 1.0}


def test_a_round_does_not_hide_what_else_was_said_of_a_place(config: Path) -> None:
    """What was declared before a stretch of the log goes with it, each thing by itself."""
    loaded = load(config)
    folder = folder_of(loaded.store_path)
    declare(Permit(BOILER, 900.0, 0.0, 9e9), folder)
    for what in ("on-duty", "round", "round", "off-duty"):
        declare(Declaration(BOILER, what, time.time()), folder)
    taken_up(loaded)
    declare(Declaration(PUMPS, "pressure-test-begin", time.time()), folder)
    (last,) = waiting(folder)
    since = time.time() + 1e-3
    gateway = begun(loaded)
    gateway.declarations.look()
    gateway.driver._work()
    gateway.pipeline.finish()
    gateway.store.close()
    assert not last.exists()
    first = next(iter(StoredHistory(loaded.store_path).batches(since, 9e9)))
    said = [dict(sample.values) for sample, _ in first.entries if sample.at < since]
    assert len(said) == 3
    assert {f"{BOILER}/round": 1.0} in said
    assert {f"{BOILER}/on_duty": 0.0} in said


@pytest.mark.parametrize(
    ("payload", "value"),
    [("ON", 1.0), ("OFF", 0.0), ("1", 1.0), ("0", 0.0), ("true", 1.0), ("false", 0.0), ("on", 1.0), ("1.0", 1.0)],
)
@pytest.mark.parametrize("quantity", ["round", "on_duty"])
def test_a_button_and_a_card_reader_may_speak_as_they_do(
    config: Path, payload: str, value: float, quantity: str
) -> None:
    config.write_text(CONFIG + CARD, encoding="utf-8")
    loaded = load(config)
    (source,) = loaded.sources
    reader = TopicTable(source.name, source.topics).reader(f"boiler/{quantity}".encode())
    assert reader is not None
    sample = reader.decode(payload.encode(), 1e9).sample
    assert sample is not None
    assert dict(sample.values) == {f"{BOILER}/{quantity}": value}
    assert loaded.site.points[f"{BOILER}/{quantity}"].source == "b"


# -- what rests on it


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [("raised", "minor")]),                                          # nobody ever declared anything here
        ([(0.5, "off-duty")], [("raised", "major")]),
        ([(0.5, "on-duty")], []),
        ([(0.5, "off-duty"), (2.5, "round")], [("raised", "major"), ("cleared", "major")]),
    ],
)  # fmt: skip
def test_the_rules_of_a_configuration_hear_what_people_declare(
    config: Path, words: list[tuple[float, str]], expected: list[tuple[str, str]]
) -> None:
    loaded, begin = load(config), 1_795_140_000.0
    engine = Engine(loaded.watches(), loaded.refiners())
    for minute in range(180):
        engine.take(Sample(begin + 60.0 * minute, "b/boiler/flame", {f"{BOILER}/flame": 1.0}))
    for hour, what in words:
        engine.take(sample_of(Declaration(BOILER, what, 0.0), begin + 3600.0 * hour))
    told = [event for event in engine.advance(begin + 10_800.0) if event.rule == "boiler_unattended"]
    assert [(event.turn.value, event.severity.name.lower()) for event in told] == expected


def test_a_test_of_pipes_from_the_button_to_its_result(config: Path) -> None:
    config.write_text(CONFIG + '[[rule]]\nkind = "pressure_hold"\ntest_h = 1\n', encoding="utf-8")
    loaded, begin = load(config), 1_795_140_000.0
    engine = Engine(loaded.watches(), loaded.refiners())
    engine.take(sample_of(Declaration(PUMPS, "pressure-test-begin", 0.0), begin + 0.5))
    for minute in range(90):
        engine.take(Sample(begin + 60.0 * minute, "b/pumps/kpa", {f"{PUMPS}/pressure_kpa": 600.0 - 0.5 * minute}))
    told = [event for event in engine.advance(begin + 5400.0) if event.rule == "pressure_hold"]
    assert [(event.turn.value, event.why, event.delivery.value) for event in told] == [
        ("raised", "pressure_hold.failed_early", "page")
    ]
