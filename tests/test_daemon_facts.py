"""What people declare while the gateway runs: from the folder beside the database into the log, once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from ledger import SITE
from tracked import ROOT

from daemon.cli import main
from daemon.clock import SystemClock
from daemon.commands import permit as permit_command
from daemon.config import load
from daemon.facts import LARGEST_BYTES, STOP_S, Declarations, declare, folder_of, newest_facts, waiting, why_refused
from daemon.pipeline import Batch
from daemon.store import connect, entries
from daemon.wiring import Gateway, wire
from rules.engine import Engine
from rules.fact import PERMIT, Permit, fact_point, permit, permits
from rules.model import Sample, Turn

ROOM = "dorm-3/402"
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
id = "dorm-3"
kind = "dormitory"
rooms = ["401-402"]
"""


class Pipeline:
    """Takes batches and says of each that it is committed when it is told to."""

    def __init__(self) -> None:
        self.taken: list[Batch] = []

    def packets(self) -> Sequence[int]:
        return [received.packet for received in self.taken[-1].received]

    def places(self) -> list[str]:
        return [received.what.device for batch in self.taken for received in batch.received]


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def declarations(tmp_path: Path, pipeline: Pipeline) -> Declarations:
    return Declarations(tmp_path / "f", SITE, hand_over=pipeline.taken.append, clock=lambda: 5000.0)


def test_one_at_a_time_in_their_order_and_gone_when_committed(
    tmp_path: Path, pipeline: Pipeline, declarations: Declarations
) -> None:
    paths = [declare(Permit(place, 1500.0, 1.0, 9.0), tmp_path / "f") for place in (ROOM, "dorm-3")]
    declarations.look()
    declarations.look()
    assert pipeline.places() == [f"people/{ROOM}"]
    (received,) = pipeline.taken[0].received
    assert received.what.values == dict(zip([fact_point(ROOM, q) for q in PERMIT], (1500.0, 1.0, 9.0), strict=True))
    assert (received.arrived, received.resent, pipeline.taken[0].window) == (5000.0, True, 1)
    declarations.acknowledge([received.packet + 1])
    assert paths[0].exists()
    declarations.acknowledge(pipeline.packets())
    assert not paths[0].exists()
    declarations.look()
    declarations.acknowledge(pipeline.packets())
    assert pipeline.places() == [f"people/{ROOM}", "people/dorm-3"]
    assert waiting(tmp_path / "f") == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a fact"), (b"\x00\xff" * 99, "not a fact"), (b"[]", "not a fact"), (b"{}", "not a fact"),
        (b'{"permit": null}', "not a fact"), (b'{"permit": {"place": "dorm-3"}}', "not a fact"),
        (b'{"permit": {"place": "dorm-3", "watts": "many", "begin": 0, "end": 1}}', "not a fact"),
        (b'{"permit": {"place": "dorm-9", "watts": 1, "begin": 0, "end": 1}}', "no place 'dorm-9'"),
        (b'{"permit": {"place": "dorm-3", "watts": -1, "begin": 0, "end": 1}}', "permit_w = -1.0 is out of range"),
        (b'{"permit": {"place": "dorm-3", "watts": 1, "begin": 0, "end": 1e99}}', "permit_until = 1e+99"),
        (b'{"permit": {"place": "dorm-3", "watts": 1, "begin": 3, "end": 3}}', "ends before it begins"),
        (b'{"permit": "' + b"x" * LARGEST_BYTES + b'"}', "not a fact"),
        (b'{"permit": {"place": ["dorm-3"], "watts": 1, "begin": 0, "end": 1}}', "not a fact"),
        (b'{"permit": {"place": ' + b"[" * 1020 + b"]" * 1020 + b', "watts": 1, "begin": 0, "end": 1}}', "not a fact"),
    ],
)  # fmt: skip
def test_what_says_nothing_usable_is_put_aside_with_a_word_and_holds_up_nobody(
    tmp_path: Path, pipeline: Pipeline, declarations: Declarations, caplog: pytest.LogCaptureFixture,
    body: bytes, why: str,
) -> None:  # fmt: skip
    folder = tmp_path / "f"
    folder.mkdir()
    bad = folder / "0-bad.json"
    bad.write_bytes(body)
    good = declare(Permit(ROOM, 1.0, 1.0, 9.0), folder)
    for _ in range(3):
        declarations.look()
    assert pipeline.places() == [f"people/{ROOM}"]
    assert why in (why_refused(bad) or "")
    assert why_refused(good) is None
    assert [record.message for record in caplog.records if "put aside" in record.message] == [
        f"{bad} is put aside: {why_refused(bad)}"
    ]
    assert waiting(folder) == [good]


def test_a_pipe_a_link_and_a_folder_are_put_aside_too(
    tmp_path: Path, pipeline: Pipeline, declarations: Declarations
) -> None:
    folder = tmp_path / "f"
    good = declare(Permit(ROOM, 1.0, 1.0, 9.0), folder)
    (tmp_path / "elsewhere").write_bytes(good.read_bytes())
    (folder / "0-link.json").symlink_to(tmp_path / "elsewhere")
    (folder / "0-folder.json").mkdir()
    os.mkfifo(folder / "0-pipe.json")
    os.mkfifo(folder / "0-folder.why")
    declarations.start()
    _wait(lambda: bool(pipeline.taken))
    declarations.stop()
    assert pipeline.places() == [f"people/{ROOM}"]
    assert why_refused(folder / "0-pipe.json") == "not a file"
    assert (tmp_path / "elsewhere").read_bytes() == good.read_bytes()


def test_a_name_that_no_text_can_say_is_taken_up_like_any_other(
    tmp_path: Path, pipeline: Pipeline, declarations: Declarations
) -> None:
    odd = declare(Permit(ROOM, 1.0, 1.0, 9.0), tmp_path / "f").rename(tmp_path / "f" / os.fsdecode(b"\xff.json"))
    declarations.look()
    declarations.acknowledge(pipeline.packets())
    assert not odd.exists()
    odd.write_bytes(b"{}")
    again = Declarations(tmp_path / "f", SITE, hand_over=pipeline.taken.append, clock=lambda: 5000.0)
    again.look()
    assert "not a fact" in (why_refused(odd) or "")
    assert pipeline.places() == [f"people/{ROOM}"]


def test_stopping_waits_for_nobody_who_takes_nothing(tmp_path: Path) -> None:
    never = threading.Event()

    def hand_over(_: Batch) -> None:
        never.wait()

    stuck = Declarations(tmp_path / "f", SITE, hand_over=hand_over, clock=lambda: 5000.0)
    declare(Permit(ROOM, 1.0, 1.0, 9.0), tmp_path / "f")
    stuck.start()
    ending = threading.Thread(target=stuck.stop, daemon=True)
    ending.start()
    ending.join(STOP_S + 5)
    assert not ending.is_alive()
    never.set()


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Whoever owns the folder of the database must not lead root elsewhere."""
    victim, home = tmp_path / "victim", tmp_path / "home"
    victim.mkdir()
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, 12345, 12345)
    (home / "x.declared").symlink_to(victim)
    with pytest.raises(NotADirectoryError):
        declare(Permit(ROOM, 1.0, 1.0, 9.0), home / "x.declared")
    assert list(victim.iterdir()) == []
    assert victim.stat().st_uid == os.geteuid()
    path = declare(Permit(ROOM, 1.0, 1.0, 9.0), home / "y.declared")
    assert {item.stat().st_uid for item in (path, path.parent)} == {home.stat().st_uid}


def _wait(is_so: Callable[[], bool]) -> None:
    never, until = threading.Event(), time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        never.wait(0.02)


def test_what_cannot_be_removed_is_said_and_not_taken_up_again(
    tmp_path: Path, pipeline: Pipeline, declarations: Declarations, caplog: pytest.LogCaptureFixture
) -> None:
    path = declare(Permit(ROOM, 1.0, 1.0, 9.0), tmp_path / "f")
    declarations.look()
    path.unlink()
    path.mkdir()  # which nobody can unlink, not even root
    declarations.acknowledge(pipeline.packets())
    for _ in range(3):
        declarations.look()
    assert len(pipeline.taken) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "cannot be removed" in caplog.text


# -- with the whole gateway


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "caretaker.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def begun(config: Path) -> Gateway:
    return wire(load(config), SystemClock(trusted=True), died=lambda _: None)


@pytest.fixture
def running(config: Path) -> Iterator[Gateway]:
    gateway = begun(config)
    gateway.start()
    yield gateway
    gateway.stop()


def caretaker(config: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "daemon.cli", "permit", *arguments, "--config", str(config)], cwd=ROOT, text=True,
        capture_output=True, timeout=30, check=False, env={"PATH": "/usr/bin:/bin", "LANG": "en"},
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).strip()


def logged(database: Path) -> list[tuple[str, float]]:
    db = connect(database, read_only=True)
    found = [
        (sample.device, sample.values[fact_point(ROOM, "permit_w")])
        for _, (sample, _) in entries(db) if sample.device.startswith("people/")
    ]  # fmt: skip
    db.close()
    return found


def test_a_command_reaches_the_running_gateway_and_its_log(config: Path, running: Gateway) -> None:
    code, said = caretaker(config, ROOM, "--watts", "1500", "--from", "2026-11-22", "--until", "2099-12-01")
    assert (code, said.splitlines()) == (0, [
        "dorm-3/402: 1500 W permitted from 2026-11-22 00:00 until 2099-12-02 00:00 (in force)",
        "dorm-3/402: no rule watches appliances here, so the permit changes nothing",
    ])  # fmt: skip
    database = config.with_name("caretaker.db")
    assert logged(database) == [(f"people/{ROOM}", 1500.0)]
    assert caretaker(config)[1] == "dorm-3/402: 1500 W permitted from 2026-11-22 00:00 until 2099-12-02 00:00"
    assert caretaker(config, ROOM, "--revoke") == (0, "dorm-3/402: permit taken back (in force)")
    assert caretaker(config, "--list") == (0, "nothing is permitted")
    assert logged(database) == [(f"people/{ROOM}", 1500.0), (f"people/{ROOM}", 0.0)]


def test_the_panel_is_answered_when_it_is_committed(config: Path, running: Gateway) -> None:
    running.declarations.take(Permit(ROOM, 700.0, 1.0, 9e9))
    assert logged(config.with_name("caretaker.db")) == [(f"people/{ROOM}", 700.0)]
    assert waiting(folder_of(config.with_name("caretaker.db"))) == []


def test_a_damaged_database_is_a_message(config: Path) -> None:
    config.with_name("caretaker.db").write_bytes(b"no database, but long enough to be read as one" * 99)
    code, said = caretaker(config, "--list")
    assert (code, said) == (2, "caretaker permit: file is not a database")


def test_what_is_declared_while_it_is_down_waits_for_the_start_and_outlives_it(config: Path) -> None:
    loaded = load(config)
    declare(Permit(ROOM, 900.0, 0.0, 9e9), folder_of(loaded.store_path))
    assert "the gateway does not run" in caretaker(config)[1]
    for _ in range(2):
        gateway = begun(config)
        gateway.declarations.look()
        gateway.driver._work()
        gateway.pipeline.finish()
        gateway.store.close()
    assert waiting(folder_of(loaded.store_path)) == []
    assert logged(loaded.store_path) == [(f"people/{ROOM}", 900.0)]
    newest = newest_facts(loaded.store_path, loaded.site)
    assert permits(newest, loaded.site.places, time.time()) == [Permit(ROOM, 900.0, 0.0, 9e9)]


def test_a_file_that_a_power_cut_left_behind_is_not_logged_twice(config: Path) -> None:
    loaded = load(config)
    path = declare(Permit(ROOM, 900.0, 0.0, 9e9), folder_of(loaded.store_path))
    body = path.read_bytes()
    for _ in range(3):
        path.write_bytes(body)  # committed, but still there
        gateway = begun(config)
        gateway.declarations.look()
        gateway.driver._work()
        gateway.store.close()
        assert not path.exists()
    assert len(logged(loaded.store_path)) == 1


def test_a_watch_that_begins_anew_hears_of_permits_again(config: Path) -> None:
    loaded = load(config)
    declare(Permit(ROOM, 900.0, 0.0, 9e9), folder_of(loaded.store_path))
    gateway = begun(config)
    gateway.declarations.look()
    gateway.driver._work()
    gateway.pipeline.finish()
    gateway.store.close()
    config.write_text(
        CONFIG + '[[source]]\nname = "b"\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n[[source.topic]]\n'
        'filter = "c/{building}/{room}"\npayload = "json"\nfields = { P = "power_w" }\nevery_s = 10\n',
        encoding="utf-8",
    )
    gateway = begun(config)
    gateway.driver._work()
    gateway.pipeline.finish()
    gateway.store.close()
    assert [watts for _, watts in logged(loaded.store_path)] == [900.0, 900.0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dorm-3/412", "--revoke"], "no place 'dorm-3/412'; did you mean 'dorm-3/402'?"),
        ([ROOM], "--watts and --until are needed"),
        ([ROOM, "--watts", "0", "--until", "2099-01-01"], "--watts 0: allowed"),
        ([ROOM, "--watts", "1", "--until", "soon"], "'soon' is no date; write 2026-11-22"),
        ([ROOM, "--watts", "1", "--until", "2020-01-01"], "--until 2020-01-01 is over"),
        ([ROOM, "--watts", "1", "--from", "2099-01-02", "--until", "2099-01-01"], "is over, or before it begins"),
    ],
)
def test_what_cannot_be_permitted_is_refused_by_the_command(config: Path, arguments: list[str], said: str) -> None:
    code, answer = caretaker(config, *arguments)
    assert code == 2
    assert said in answer
    assert not folder_of(config.with_name("caretaker.db")).exists()


@pytest.mark.parametrize(("room", "is_watched"), [(ROOM, True), ("dorm-3", False)])
def test_a_permit_that_no_rule_asks_for_is_said_to_change_nothing(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, room: str, is_watched: bool
) -> None:
    monkeypatch.setattr(permit_command, "WAIT_S", 0.0)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    config.write_text(
        CONFIG + '[[source]]\nname = "b"\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n[[source.topic]]\n'
        'filter = "c/{building}/{room}"\npayload = "json"\nfields = { P = "power_w" }\nevery_s = 10\n',
        encoding="utf-8",
    )
    assert main(["permit", room, "--watts", "900", "--until", "2099-12-01", "--config", str(config)]) == 0
    assert ("没有规则在这里看电器" in capsys.readouterr().out) is not is_watched
    assert main(["permit", room, "--watts", "900", "--until", "明天", "--config", str(config)]) == 2
    assert "'明天' 不是日期" in capsys.readouterr().err


@pytest.mark.parametrize(("watts", "expected"), [(None, ["raised"]), (1800.0, []), (900.0, ["raised"])])
def test_a_permit_keeps_what_it_covers_out_of_the_alerts_of_a_configuration(
    tmp_path: Path, watts: float | None, expected: list[str]
) -> None:
    (tmp_path / "caretaker.toml").write_text("""
[site]
id = "s"
[[building]]
id = "dorm-3"
kind = "dormitory"
rooms = ["101"]
[[source]]
name = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
[[source.topic]]
filter = "campus/{building}/{room}/meter"
payload = "json"
fields = { P = "power_w", Q = "reactive_power_var" }
every_s = 5
""", encoding="utf-8")
    loaded = load(tmp_path / "caretaker.toml")
    engine = Engine(loaded.watches(), loaded.refiners())
    if watts is not None:
        engine.take(permit("dorm-3/101", watts, begin=0.0, end=9e9, at=1_795_140_000.0))
    for step in range(240):
        power = 1660.0 if 60 <= step < 120 else 60.0
        values = {"dorm-3/101/power_w": power + step % 3, "dorm-3/101/reactive_power_var": 8.0}
        engine.take(Sample(1_795_140_000.0 + 5.0 * (step + 1), "broker/campus/dorm-3/101/meter", values))
    said = [e.turn.value for e in engine.advance(1_795_141_300.0) if e.rule == "high_power" and e.turn is Turn.RAISED]
    assert said == expected
