"""`caretaker read` and the simulated meters, on a real pseudo-terminal."""

import argparse
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from adapters.device_table import load_tables
from adapters.dlt645 import encode, read_request
from adapters.source import Line
from daemon.commands import read
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Trouble, meter
from daemon.simulation.port import SimulatedPort

TABLES = load_tables()
ADDRESS = "000000012345"
SINGLE = "dlt645-single-phase"
VALUES = {
    "energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "power_factor": 0.951, "frequency_hz": 50.01,
    "voltage_v/A": 229.8, "voltage_v/B": 230.4, "voltage_v/C": 231.0, "current_a/A": 1.25, "current_a/B": -1.5,
    "current_a/C": 0.0, "power_w/A": 200.0, "power_w/B": 40.0, "power_w/C": 11.2,
    "voltage_v": 223.3,
}  # fmt: skip
Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en")


def meters(model: str = "dlt645-three-phase", address: str = ADDRESS, *, without: str = "") -> SimulatedPort:
    """A meter of 9600 8N1 on a pseudo-terminal."""
    values = {label: value for label, value in VALUES.items() if label != without}
    line = SimulatedLine([meter(TABLES[model], address, lambda now: values, line=Line(9600, 8, "N", 1))])
    return SimulatedPort(line, at_once=True)


def run(port: str, *rest: str) -> int:
    parser = argparse.ArgumentParser()
    read.add(parser)
    return read.run(parser.parse_args([port, *rest]))


def ask(port: str, model: str = "dlt645-three-phase", address: str = "12345", *, timeout: str = "5") -> int:
    return run(port, model, address, "--line", "9600 8N1", "--timeout", timeout)


def test_each_quantity_with_its_frames(capsys: Printed) -> None:
    with meters() as line:
        assert ask(line.port) == 0
    out = capsys.readouterr().out
    rows = {row.split()[1]: " ".join(row.split()[2:]) for row in out.splitlines() if row.startswith("0")}
    assert rows["energy_kwh"] == "12.34 kWh"
    assert rows["voltage_v/B"] == "230.4 V"
    assert rows["current_a/B"] == "-1.5 A"
    assert rows["frequency_hz"] == "50.01 Hz"
    assert set(rows) == {field.label for query in TABLES["dlt645-three-phase"].queries for field in query.fields}
    assert f"sent      {read_request(ADDRESS, '00010000').hex(' ').upper()}" in out
    answer = encode(ADDRESS, 0x91, bytes.fromhex("00000100" "34120000"))
    assert f"answered  {answer.hex(' ').upper()}" in out


def test_any_finds_the_address(capsys: Printed) -> None:
    with meters() as line:
        assert ask(line.port, address="any") == 0
    out = capsys.readouterr().out
    assert f"meter {ADDRESS}" in out
    assert "12.34 kWh" in out


def test_what_the_meter_refuses_is_said_and_the_rest_shown(capsys: Printed) -> None:
    with meters("dlt645-single-phase", without="reactive_power_var") as line:
        assert ask(line.port, "dlt645-single-phase") == 0
    out = capsys.readouterr().out
    assert "refused: no such data" in out
    assert "223.3 V" in out


def test_an_echo_is_shown_as_one(capsys: Printed) -> None:
    with meters() as line:
        line.line.echoes = True
        assert ask(line.port) == 0
    assert "echo      68 45" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("trouble", "hint"),
    [(Trouble.SILENCE, "A and B are swapped"), (Trouble.HALF_FRAME, "The line is alive"),
     (Trouble.CHECKSUM, "The line is alive")],
)  # fmt: skip
def test_no_answer_comes_with_hints(capsys: Printed, trouble: Trouble, hint: str) -> None:
    with meters() as line:
        line.line.meters[0].trouble = trouble
        assert ask(line.port, timeout="0.1") == 1
    printed = capsys.readouterr()
    assert hint in printed.err
    assert printed.out.count("sent ") == 1, "nobody waits for the other quantities"


@contextmanager
def server(reply: bytes | None) -> Iterator[int]:
    """The port of a server that answers each question so, or hangs up at once."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError), listening.accept()[0] as client:
            while reply is not None and client.recv(4096):
                client.sendall(reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        thread.join(10.0)
        listening.close()


@pytest.mark.parametrize(
    ("scheme", "model", "reply", "language", "said"),
    [
        ("tcp", SINGLE, b"", "en", ("set in the server", '"TCP server"', "Another client", "12 digits", "`any`")),
        ("tcp", SINGLE, b"", "zh", ("串口服务器的设置页", "“TCP Server”", "别的客户端占用", "12 位", "`any`")),
        ("modbus-tcp", "eastron-sdm120", b"", "en", ("unit number", "own settings", "IP filter", "1 to 247")),
        ("modbus-tcp", "eastron-sdm120", b"", "zh", ("单元号", "网关自己的设置", "IP 过滤", "从 1 到 247")),
        ("tcp", SINGLE, b"\x68\x01\x02", "en", ("The line is alive", "set in the", "server is wrong")),
        ("tcp", SINGLE, b"\x68\x01\x02", "zh", ("线上有数据", "串口服务器里的速率")),
        ("modbus-tcp", "eastron-sdm120", b"\xff" * 20, "en", ("not in Modbus TCP", "tcp://HOST:PORT")),
    ],
)  # fmt: skip
def test_the_advice_is_that_of_the_kind_of_line(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, scheme: str, model: str, reply: bytes, language: str,
    said: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.setenv("LC_ALL", language)
    with server(reply) as number:
        assert run(f"{scheme}://127.0.0.1:{number}", model, "17", "--timeout", "0.1") == 1
    told = capsys.readouterr().err
    assert [word for word in said if word not in told] == [], told
    assert "Try --line" not in told
    assert "用 --line 试" not in told


def test_a_server_that_hangs_up_may_have_another_client(capsys: Printed) -> None:
    for scheme, model, kind in (
        ("tcp", SINGLE, "transparent serial server"), ("modbus-tcp", "eastron-sdm120", "Modbus TCP gateway"),
    ):  # fmt: skip
        with server(None) as number:
            assert run(f"{scheme}://127.0.0.1:{number}", model, "17") == 2
        told = capsys.readouterr().err
        assert "the server closed the connection: it may have another client already (most take one)" in told
        assert told.endswith(f"or is no {kind}\n")


def test_who_has_read_enough_is_no_trouble_of_the_line(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    output = os.fdopen(writes, "w")
    monkeypatch.setattr(sys, "stdout", output)
    with meters() as line, pytest.raises(BrokenPipeError):
        ask(line.port)
    assert capsys.readouterr().err == ""
    with pytest.raises(BrokenPipeError):
        output.close()


def test_errors_say_what_is_wrong(capsys: Printed, tmp_path: Path) -> None:
    missing = str(tmp_path / "nothing")
    cases = [
        ((missing, "dlt645-single-phase", "1"), "is the adapter plugged in"),
        ((missing, "dlt645-single", "1"), "dlt645-three-phase"),
        ((missing, "dlt645-single-phase", "12a"), "12 digits"),
        ((missing, "dlt645-single-phase", "1", "--line", "2400"), "2400 8E1"),
    ]
    for arguments, told in cases:
        assert run(*arguments) == 2
        assert told in capsys.readouterr().err
    with meters() as line:
        assert run(line.port, "dlt645-three-phase", "1") == 2
    assert "mini UART" in capsys.readouterr().err


def test_a_modbus_device(capsys: Printed, tmp_path: Path) -> None:
    with meters("pzem-004t", "1") as line:
        port = line.port
        assert run(port, "pzem-004t", "1", "--timeout", "5", "--tables", str(tmp_path)) == 0
        out = capsys.readouterr().out
        assert "fc4 0+10  voltage_v                   223.3 V\n" in out
        assert "fc4 0+10  energy_kwh                  12.34 kWh\n" in out
        assert "sent      01 04 00 00 00 0A 70 0D" in out
        (tmp_path / "ours.toml").write_text(OURS, encoding="utf-8")
        assert run(port, "ours", "1", "--timeout", "5", "--tables", str(tmp_path)) == 0
        out = capsys.readouterr().out
        assert "223.3 V" in out
        assert "refused: no such register" in out
        assert run(port, "pzem-004t", "2", "--timeout", "0.1", "--tables", str(tmp_path)) == 1
        told = capsys.readouterr().err
        assert "a number from 1 to 247" in told
        assert "this was 9600 8N1" in told
        assert "`any`" not in told
        assert run(port, "pzem-004t", "any") == 2
        assert "Modbus RTU has no address that every device answers" in capsys.readouterr().err


OURS = """
name = "ours"
title = "A device of our own"
protocol = "modbus"
source = "list.pdf"
line = "9600 8N1"
[[query]]
function = 4
start = 0
fields = [{ quantity = "voltage_v", type = "u16", scale = 0.1, unit = "V" }]
[[query]]
function = 3
start = 7
fields = [{ quantity = "current_a", type = "u16", unit = "A" }]
"""
