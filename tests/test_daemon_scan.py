"""`caretaker scan` on a real pseudo-terminal, at whose other end simulated meters answer, and what it writes."""

import argparse
import os
import threading
import tomllib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import mixed_bus
import pytest
from test_adapters_link import SerialServer

from adapters.device_table import load_tables
from adapters.link import open_link
from adapters.poller import Request
from adapters.scan import LINES, Met, Scan, Stage, Tally, stages
from adapters.scan_probe import Found, Note
from adapters.serial_line import wait_readable
from adapters.serial_port import PortError
from adapters.source import Line
from daemon.commands import scan as command
from daemon.config import ConfigError, load
from daemon.scan_text import WORDS, config, met_text, verdict
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Meter, meter
from daemon.simulation.modbus import answer, cells_of
from daemon.simulation.port import SimulatedPort

TABLES = load_tables()
FAST = Line(9600, 8, "N", 1)
LONG_S = 20.0   # more than any step takes; only a failing test waits for it
CAMPUS = """
include = ["found.toml"]

[site]
id = "school"
name = "School"
timezone = "Asia/Shanghai"

[[building]]
id = "dorm-3"
name = "Dorm 3"
kind = "dormitory"
rooms = ["101-110"]
"""
Printed = pytest.CaptureFixture[str]


def a_meter(model: str, address: str) -> Meter:
    return meter(TABLES[model], address, lambda _: mixed_bus.VALUES)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser)
    return command.run(parser.parse_args([*arguments, "--language", "en"]))


class _Counted(SimulatedLine):
    """A line that tells when it has heard so many bytes, and all that it had to say has been taken."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        super().__init__(meters)
        self._bytes = 0
        self._settled = threading.Condition()
        self._said = 0

    def feed(self, data: bytes, now: float, *, settings: Line) -> None:
        super().feed(data, now, settings=settings)
        self._bytes += len(data)

    def due(self) -> float | None:
        due = super().due()
        if due is None:
            with self._settled:
                self._said = self._bytes
                self._settled.notify_all()
        return due

    def answered(self, size: int) -> None:
        """Return when all is said to the first so many bytes."""
        with self._settled:
            assert self._settled.wait_for(lambda: self._said >= size, LONG_S), "no answer"


class _Sent(Scan):
    """A scan that counts what it sends."""

    size = 0

    def next_request(self, now: float) -> Request | None:
        request = super().next_request(now)
        self.size += len(request.data) if request else 0
        return request


def test_a_mixed_line_on_a_real_port_in_simulated_time() -> None:
    """Silence passes at once; an answer has arrived before the scan looks for it."""
    models = ["dlt645-single-phase"] * 8 + ["dlt645-1997-single-phase", "cjt188-cold-water", "cjt188-heat-high-first"]
    models += ["mbus-water", "mbus-heat", "eastron-sdm630", "pzem-004t"]
    addresses = [f"{20_230_001 + count:012d}" for count in range(8)] + ["000097000001", "78330011223344"]
    addresses += ["74001206471301", "1149037877040716", "2009340177040204", "17", "18"]
    line = _Counted(list(map(a_meter, models, addresses)))
    scan = _Sent(stages(TABLES, line=FAST))
    now = 0.0

    def wait(descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
        nonlocal now
        line.answered(scan.size)
        ready = wait_readable(descriptors, 0)
        if not ready:
            now += seconds or 0.0
        return ready

    events: list[Met | Note | Stage] = []
    with SimulatedPort(line, at_once=True, clock=lambda: now) as port, closing(open_link(port.port, FAST)) as link:
        for some in command.pump(scan, link, FAST, refuse=pytest.fail, steady=lambda: now, wait=wait):
            events += some
    met = {event.found.address: event.found.models for event in events if isinstance(event, Met)}
    assert set(met) == set(addresses)
    assert all(model in met[address] for model, address in zip(models, addresses, strict=True))
    assert not [event for event in events if isinstance(event, Note)]


def test_the_command_writes_what_check_says_is_still_to_do(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "found.toml"
    line = SimulatedLine([a_meter("dlt645-single-phase", "000000000161")])
    with SimulatedPort(line, at_once=True) as port:
        arguments = (port.port, "--line", "9600 8N1", "--protocol", "dlt645", "--timeout", "0.6", "--write", str(file))
        assert run(*arguments) == 0
        said = capsys.readouterr()
        assert not said.out
        assert "found: DL/T 645-2007 000000000161, 9600 8N1: dlt645-single-phase" in said.err
        assert "meters found: 1" in said.err
        written = file.read_text(encoding="utf-8")
        assert run(*arguments) == 2, "an existing file is left alone"
    assert file.read_text(encoding="utf-8") == written
    campus = tmp_path / "caretaker.toml"
    campus.write_text(CAMPUS, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(campus)
    (told,) = error.value.lines
    assert "found.toml:13: source.device.place: " in told
    assert "dorm-3/101" in told
    file.write_text(written.replace(placeholder(written), "dorm-3/101"), encoding="utf-8")
    (device,) = load(campus).sources[0].devices   # type: ignore[union-attr]
    assert (device.model, device.address, device.place) == ("dlt645-single-phase", "000000000161", "dorm-3/101")


def placeholder(text: str) -> str:
    return str(tomllib.loads(text)["source"][0]["device"][0]["place"])


def test_an_empty_line_and_a_port_that_is_not_there(capsys: Printed, tmp_path: Path) -> None:
    with SimulatedPort(SimulatedLine([]), at_once=True) as port:
        limits = ("--line", "9600 8N1", "--protocol", "dlt645", "--timeout", "0.01")
        assert run(port.port, *limits) == 1
        said = capsys.readouterr()
        assert not said.out
        assert "A and B swapped" in said.err
    assert run(str(tmp_path / "ttyUSB9"), *limits) == 2
    assert "no port" in capsys.readouterr().err
    assert run("modbus-tcp://127.0.0.1:1", "--protocol", "mbus") == 2
    assert "not spoken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("port", "named", "searched"),
    [
        ("192.168.1.50:8899", "tcp://192.168.1.50:8899", 6),
        ("modbus-tcp://192.168.1.60", "modbus-tcp://192.168.1.60", 1),
        ("/dev/ttyUSB0", "/dev/ttyUSB0", sum(len(names) + 2 * ("dlt645" in names) for _, names in LINES)),
    ],
)  # fmt: skip
def test_what_is_searched_where(port: str, named: str, searched: int) -> None:
    """Behind a server its own settings count, behind a Modbus gateway Modbus alone."""
    parser = argparse.ArgumentParser()
    command.add(parser)
    todo, name = command.todo_of(parser.parse_args([port]))
    assert (name, len(todo)) == (named, searched)


def test_behind_a_modbus_gateway(capsys: Printed) -> None:
    """The gateway says of each device that is not there that it is silent."""
    queries = TABLES["eastron-sdm630"].queries
    values = {field.label: mixed_bus.VALUES.get(field.quantity, 1.0) for query in queries for field in query.fields}
    cells = {cell: word for query in queries for cell, word in cells_of(query, values).items()}

    def reply(request: bytes) -> list[bytes]:
        if request[6] == 17:
            return [answer(request, cells, is_tcp=True)]
        return [request[:4] + bytes([0, 3, request[6], request[7] | 0x80, 11])]

    with SerialServer(reply) as server:
        assert run(f"modbus-tcp://127.0.0.1:{server.number}") == 0
    (source,) = tomllib.loads(capsys.readouterr().out)["source"]
    (device,) = source["device"]
    assert device["address"] == "17"
    assert "eastron-sdm630" in device["model"]
    assert "line" not in source


@pytest.mark.parametrize(("end", "code"), [(KeyboardInterrupt(), 130), (PortError("the port is gone"), 2)])
def test_what_was_found_is_printed_however_it_ends(
    end: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    line = SimulatedLine([a_meter("dlt645-single-phase", "000000000161")])
    pump = command.pump

    def ended(*args: Any, **more: Any) -> Any:
        for events in pump(*args, **more):
            yield events
            if any(isinstance(event, Met) for event in events):
                raise end

    monkeypatch.setattr(command, "pump", ended)
    with SimulatedPort(line, at_once=True) as port:
        assert run(port.port, "--line", "9600 8N1", "--timeout", "0.6") == code
    said = capsys.readouterr()
    assert tomllib.loads(said.out)["source"][0]["device"][0]["address"] == "000000000161"
    assert ("interrupted" if code == 130 else "the port is gone") in said.err


# -- words


SLOW = Line()
MET = [
    Met(Found("dlt645-2007", "000000000161", ("dlt645-single-phase",)), SLOW),
    Met(Found("cjt188-2004", "78330011223344", (), "gas"), SLOW),
    Met(Found("modbus", "17", ("eastron-sdm120", "eastron-sdm220")), FAST),
]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_configuration_is_toml_with_everything_open_marked(language: str) -> None:
    (source,) = tomllib.loads(config("/dev/ttyUSB0", MET, language))["source"]
    assert (source["name"], source["kind"], source["line"]) == ("ttyUSB0", "serial", "2400 8E1")
    known, unknown, several = source["device"]
    assert known["model"] == "dlt645-single-phase"
    assert unknown["model"].startswith("?")
    assert several["model"].startswith("?")
    assert "eastron-sdm120, eastron-sdm220" in several["model"]
    assert several["line"] == "9600 8N1"
    assert "line" not in known
    assert all(device["place"].startswith("?") for device in source["device"])


def test_behind_a_server_the_settings_are_the_servers_own() -> None:
    (source,) = tomllib.loads(config("tcp://192.168.1.50:8899", MET[:1], "en", is_line_known=False))["source"]
    assert source["port"] == "tcp://192.168.1.50:8899"
    assert source["name"] == "192.168.1.50-8899"
    assert "line" not in source


@pytest.mark.parametrize(
    ("tally", "words"),
    [(Tally(), "A and B swapped"), (Tally(echoes=3), "Only our own request came back"),
     (Tally(echoes=3, answered=40), "Bytes but no frame"), (Tally(unasked=40), "another master")],
)  # fmt: skip
def test_the_verdict_on_a_line_without_meters(tally: Tally, words: str) -> None:
    assert words in " ".join(verdict([], [], tally, "en"))
    assert verdict([], [], tally, "zh")


def test_what_a_line_with_meters_says() -> None:
    assert verdict(MET, [], Tally(answered=400), "en") == ["meters found: 3"]
    assert met_text(MET[2], "en").endswith("several fit: eastron-sdm120, eastron-sdm220")
    assert "燃气" in met_text(MET[1], "zh")
    assert all(len(said) == 2 and all(said) for said in WORDS.values())


def test_a_lasting_name_is_taken_for_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    folder = tmp_path / "by-id"
    folder.mkdir()
    os.symlink(port, folder / "usb-rs485")
    monkeypatch.setattr("daemon.scan_text._BY_ID", folder)
    (source,) = tomllib.loads(config(str(port), MET, "en"))["source"]
    assert source["port"] == str(folder / "usb-rs485")
