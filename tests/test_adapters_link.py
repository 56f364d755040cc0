"""Lines behind a server in the network: real TCP on the loopback address, with simulated meters behind it."""

import os
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Self

import pytest

from adapters.device_table import load_tables
from adapters.link import MODBUS_TCP, TCP, Server, open_link, server_of
from adapters.modbus import Modbus
from adapters.serial_line import SerialTransport, wait_readable
from adapters.serial_port import PortError
from adapters.source import Device, Line, SerialSource
from adapters.tcp_link import PROBE_AFTER_S, PROBE_EVERY_S, PROBES, UNCONFIRMED_S
from daemon.simulation.meter import meter
from daemon.simulation.modbus import answer, cells_of
from rules.model import Fault, Reason, Received, Sample

TABLES = load_tables()
VALUES = {"energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "voltage_v": 223.3, "current_a": 1.25}
POWER_METER = Device(model="dlt645-single-phase", address="000000000017", place="dorm-3/101", every_s=0.2)
MODBUS = Device(model="eastron-sdm120", address="17", place="dorm-3/102", every_s=0.2)
LONG_S = 10.0   # more than anything here takes; only a failing test waits for it


class SerialServer:
    """A serial server: takes one client after the other, answers it, and can be cut off."""

    def __init__(self, reply: Callable[[bytes], list[bytes]], *, port: int = 0) -> None:
        self._reply = reply
        self._listening = socket.create_server(("127.0.0.1", port))
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def number(self) -> int:
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *about: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self.cut()
        self._thread.join(LONG_S)
        self._listening.close()

    def cut(self) -> None:
        """End the connection, as a server does that starts anew."""
        if self._client:
            with suppress(OSError):   # it has gone by itself
                self._client.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while True:
            try:
                self._client, _ = self._listening.accept()
            except OSError:
                return
            with self._client as client:
                while data := client.recv(4096):
                    for piece in self._reply(data):
                        client.sendall(piece)
            self._client = None


def power_meter(request: bytes) -> list[bytes]:
    """The answer of a meter behind a transparent server, in two pieces."""
    simulated = meter(TABLES[POWER_METER.model], POWER_METER.address, lambda now: VALUES)
    found = simulated.codec.decoder().feed(request)
    reply = b"".join(simulated.answer(frame, 0.0) for frame in found)
    return [reply[:7], reply[7:]] if reply else []


def modbus_meter(request: bytes) -> list[bytes]:
    """The answer of a meter that speaks Modbus TCP."""
    cells = {cell: word for query in TABLES[MODBUS.model].polled for cell, word in cells_of(query, VALUES).items()}
    return [answer(request, cells, is_tcp=True)]


class Running:
    """A transport that polls one device, and what it hands over."""

    def __init__(self, source: SerialSource) -> None:
        self._queue: queue.Queue[Received] = queue.Queue()
        self.transport = SerialTransport(
            source, TABLES, clock=lambda: 1_790_000_000.0, hand_over=self._take, wait=self._wait
        )

    def _take(self, batch: list[Received]) -> None:
        for received in batch:
            self._queue.put(received)

    def _wait(self, descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
        return wait_readable(descriptors, 0.01 if len(descriptors) == 1 else seconds)

    def __enter__(self) -> Self:
        self.transport.start()
        return self

    def __exit__(self, *about: object) -> None:
        self.transport.stop()

    def until(self, fits: Callable[[Sample | Fault], bool]) -> Sample | Fault:
        while True:
            what = self._queue.get(timeout=LONG_S).what
            if fits(what):
                return what

    def poll(self) -> Sample:
        found = self.until(lambda what: isinstance(what, Sample) and what.device != "source/bus")
        assert isinstance(found, Sample)
        return found

    def online(self, value: float) -> None:
        self.until(lambda what: isinstance(what, Sample) and what.values.get("source/bus/online") == value)


def source(port: str, device: Device) -> SerialSource:
    return SerialSource(name="bus", port=port, line=Line(115_200, 8, "N", 1), devices=(device,))


@pytest.mark.parametrize(
    ("scheme", "device", "reply"), [(TCP, POWER_METER, power_meter), (MODBUS_TCP, MODBUS, modbus_meter)]
)
def test_meters_behind_a_server(scheme: str, device: Device, reply: Callable[[bytes], list[bytes]]) -> None:
    with SerialServer(reply) as server, Running(source(f"{scheme}://127.0.0.1:{server.number}", device)) as running:
        assert running.poll().values == {f"{device.place}/{name}": value for name, value in VALUES.items()}
        (slave,) = running.transport.state().slaves
        assert slave.answered >= len(TABLES[device.model].polled)
        assert not slave.faults


def test_a_server_that_hangs_up_is_told_and_taken_again() -> None:
    with (
        SerialServer(power_meter) as server,
        Running(source(f"tcp://127.0.0.1:{server.number}", POWER_METER)) as running,
    ):
        running.poll()
        before = running.transport.state().answered
        server.cut()
        fault = running.until(lambda what: isinstance(what, Fault) and what.reason is Reason.PORT_LOST)
        assert isinstance(fault, Fault)
        assert fault.detail == (
            f"tcp://127.0.0.1:{server.number} is gone: the server closed the connection: it may have another client "
            "already (most take one), or is no transparent serial server"
        )
        running.online(1.0)
        running.poll()
        assert running.transport.state().answered > before, "counts go on"


def test_a_server_that_comes_late_is_found() -> None:
    with SerialServer(power_meter) as other:
        number = other.number
    with Running(source(f"tcp://127.0.0.1:{number}", POWER_METER)) as running:
        fault = running.until(lambda what: isinstance(what, Fault) and what.reason is Reason.PORT_LOST)
        assert isinstance(fault, Fault)
        assert "refuses port" in fault.detail
        with SerialServer(power_meter, port=number):
            running.poll()


def test_a_dead_server_is_noticed_within_half_a_minute() -> None:
    assert PROBE_AFTER_S + PROBE_EVERY_S * PROBES <= 30
    assert UNCONFIRMED_S <= 30
    with SerialServer(power_meter) as server, closing(open_link(f"tcp://127.0.0.1:{server.number}", Line())) as link:
        here = socket.socket(fileno=os.dup(link.fileno()))
        with here:
            assert here.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            for option, value in (
                (socket.TCP_KEEPIDLE, PROBE_AFTER_S), (socket.TCP_KEEPINTVL, PROBE_EVERY_S),
                (socket.TCP_KEEPCNT, PROBES), (socket.TCP_USER_TIMEOUT, UNCONFIRMED_S * 1000),
            ):  # fmt: skip
                assert here.getsockopt(socket.IPPROTO_TCP, option) == value


@pytest.mark.parametrize(
    ("port", "server"),
    [
        ("/dev/ttyUSB0", None),
        ("tcp://192.168.1.50:8899", Server(TCP, "192.168.1.50", 8899)),
        ("tcp://[fe80::1]:23", Server(TCP, "fe80::1", 23)),
        ("modbus-tcp://meter.example:1502", Server(MODBUS_TCP, "meter.example", 1502)),
        ("modbus-tcp://192.168.1.60", Server(MODBUS_TCP, "192.168.1.60", 502)),
    ],
)
def test_ports_and_servers(port: str, server: Server | None) -> None:
    assert server_of(port) == server


@pytest.mark.parametrize(
    "port",
    ["tcp://192.168.1.50", "tcp://:8899", "tcp://host:0", "tcp://host:99999", "tcp://host:x", "http://host:80",
     "tcp://user:secret@host:1", "tcp://host:1/path", "tcp://host:1?x=1", "://host:1"],
)  # fmt: skip
def test_addresses_that_make_no_sense(port: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)port|address"):
        server_of(port)


def test_a_name_that_nobody_knows_is_said() -> None:
    with pytest.raises(PortError, match="is the name right"):
        open_link("tcp://nobody.invalid:8899", Line())


def test_a_bus_behind_a_server_is_listened_to_and_nothing_is_sent() -> None:
    """The server pours out what another master asks and is answered, as soon as somebody connects."""
    table, sent = TABLES[POWER_METER.model], []
    request = table.codec.request(POWER_METER.address, table.polled[0])
    assert request is not None
    with socket.create_server(("127.0.0.1", 0)) as listening:
        source = SerialSource(
            name="bus", port=f"tcp://127.0.0.1:{listening.getsockname()[1]}", line=Line(), devices=(POWER_METER,),
            listen=True,
        )  # fmt: skip
        with Running(source) as running:
            client, _ = listening.accept()
            with client:
                client.sendall(request)
                client.sendall(b"".join(power_meter(request)))
                assert running.poll().values == {"dorm-3/101/energy_kwh": 12.34}
                running.transport.stop()
                sent.append(client.recv(4096))
    assert sent == [b""]


def test_modbus_over_tcp_is_another_framing() -> None:
    (query, *_) = TABLES[MODBUS.model].polled
    assert Modbus(is_tcp=True).request("17", query) != Modbus().request("17", query)
