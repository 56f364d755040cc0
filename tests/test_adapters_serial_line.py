"""The serial transport on real pseudo-terminals: meters that answer, ports that go and come back."""

import os
import queue
import resource
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from adapters.device_table import load_tables
from adapters.serial_line import OPEN_RETRY_S, SerialTransport, wait_readable
from adapters.serial_port import PortError, line_from, line_text, open_port
from adapters.source import Device, Line, SerialSource
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Trouble, meter
from daemon.simulation.port import SimulatedPort
from rules.model import Fault, How, Reason, Received, Sample

TABLES = load_tables()
ADDRESSES = ("000000000001", "686868686868", "161616161616")
VALUES = {"energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "voltage_v": 223.3, "current_a": 1.25}
NOON = 1_790_000_000.0
LONG_S = 10.0   # more than anything here takes; only a failing test waits for it


def source(port: str, *, line: str = "9600 8N1", every_s: float = 0.2) -> SerialSource:
    meters = tuple(
        Device(model="dlt645-single-phase", address=address, place=f"dorm-3/{101 + index}", every_s=every_s)
        for index, address in enumerate(ADDRESSES)
    )
    return SerialSource(name="bus", port=port, line=line_from(line), devices=meters)


def no_delay(descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
    """Waits as usual for an answer, but hardly at all before the port is tried again."""
    is_closed = len(descriptors) == 1
    return wait_readable(descriptors, 0.01 if is_closed else seconds)


class Impatience:
    """A steady time that skips what is left of a wait once the line has been still for 50 ms."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def steady(self) -> float:
        return time.monotonic() + self._skipped_s

    def wait(self, descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
        begun = time.monotonic()
        limit_s = LONG_S if seconds is None else seconds
        ready = wait_readable(descriptors, min(limit_s, 0.05))
        if not ready:
            self._skipped_s += max(0.0, limit_s - (time.monotonic() - begun))
        return ready


class Heard:
    """What a transport handed over, to be waited for."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Received] = queue.Queue()
        self.all: list[Received] = []

    def __call__(self, batch: list[Received]) -> None:
        assert batch
        for received in batch:
            self._queue.put(received)

    def until(self, fits: Callable[[Sample | Fault], bool]) -> Sample | Fault:
        """The first thing from now on that fits."""
        while True:
            received = self._queue.get(timeout=LONG_S)
            self.all.append(received)
            if fits(received.what):
                return received.what

    def online(self, value: float) -> Sample | Fault:
        return self.until(lambda what: isinstance(what, Sample) and what.values.get("source/bus/online") == value)

    def poll(self, address: str) -> Sample:
        sample = self.until(lambda what: isinstance(what, Sample) and what.device == f"bus/{address}")
        assert isinstance(sample, Sample)
        return sample

    def fault(self, reason: Reason) -> Fault:
        fault = self.until(lambda what: isinstance(what, Fault) and what.reason is reason)
        assert isinstance(fault, Fault)
        return fault


def simulated(link: Path | None = None) -> SimulatedPort:
    table = TABLES["dlt645-single-phase"]
    line = SimulatedLine(meter(table, address, lambda now: VALUES) for address in ADDRESSES)
    return SimulatedPort(line, link=link, at_once=True)


@pytest.fixture
def meters() -> Iterator[SimulatedPort]:
    with simulated() as running:
        yield running


def started(origin: SerialSource, impatience: Impatience | None = None) -> tuple[SerialTransport, Heard]:
    heard = Heard()
    steady = impatience.steady if impatience else time.monotonic
    begun = steady()
    transport = SerialTransport(
        origin, TABLES, clock=lambda: NOON + steady() - begun, hand_over=heard, steady=steady,
        wait=impatience.wait if impatience else no_delay,
    )  # fmt: skip
    transport.start()
    return transport, heard


def test_meters_on_a_real_line(meters: SimulatedPort) -> None:
    transport, heard = started(source(meters.port))
    try:
        online = heard.online(1.0)
        assert isinstance(online, Sample)
        assert online.device == "source/bus"
        for index, address in enumerate(ADDRESSES):
            sample = heard.poll(address)
            assert sample.values == {f"dorm-3/{101 + index}/{name}": value for name, value in VALUES.items()}
            assert NOON <= sample.at <= NOON + LONG_S
            assert sample.at == round(sample.at, 3)
    finally:
        transport.stop()
    assert not [item for item in heard.all if isinstance(item.what, Fault)]
    assert all(item.how is How.ARRIVAL and item.packet == 0 for item in heard.all)
    assert all(item.what.at <= item.arrived for item in heard.all)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Trouble.SILENCE, Reason.NO_ANSWER),
        (Trouble.HALF_FRAME, Reason.HALF_FRAME),
        (Trouble.CHECKSUM, Reason.CHECKSUM),
        (Trouble.NOISE, Reason.NOISE),
    ],
)
def test_a_bad_meter_is_told_and_the_others_go_on(meters: SimulatedPort, trouble: Trouble, reason: Reason) -> None:
    meters.line.meters[1].trouble = trouble
    transport, heard = started(source(meters.port), Impatience())
    try:
        assert heard.fault(reason).source == f"bus/{ADDRESSES[1]}"
        assert len(heard.poll(ADDRESSES[2]).values) == len(VALUES)
        assert len(heard.poll(ADDRESSES[0]).values) == len(VALUES)
    finally:
        transport.stop()


@pytest.fixture
def descriptors_above_1023(meters: SimulatedPort) -> Iterator[None]:
    """Every file that is opened once the meters run has a number that `select` refuses."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < 2048:
        pytest.skip("the system allows too few open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], 2048), limits[1]))
    with ExitStack() as opened:
        while opened.enter_context(open(os.devnull, "rb")).fileno() < 1023:
            pass
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.usefixtures("descriptors_above_1023")
def test_a_line_with_a_high_descriptor_is_polled_like_any_other(meters: SimulatedPort) -> None:
    transport, heard = started(source(meters.port))
    try:
        assert len(heard.poll(ADDRESSES[0]).values) == len(VALUES)
    finally:
        transport.stop()


def test_waiting_ends_with_the_first_byte_or_with_its_time() -> None:
    readable, written = os.pipe()
    try:
        assert list(wait_readable([readable], 0.001)) == []
        os.write(written, b"x")
        assert list(wait_readable([readable], None)) == [readable]
        os.read(readable, 1)
    finally:
        os.close(written)
    assert list(wait_readable([readable], None)) == [readable], "a line whose other end is gone does not wait either"
    os.close(readable)


def test_an_adapter_that_echoes_costs_nothing(meters: SimulatedPort) -> None:
    meters.line.echoes = True
    transport, heard = started(source(meters.port))
    try:
        for address in ADDRESSES:
            assert len(heard.poll(address).values) == len(VALUES)
    finally:
        transport.stop()
    assert not [item for item in heard.all if isinstance(item.what, Fault)]


def test_an_unplugged_adapter_is_told_once_and_comes_back(tmp_path: Path) -> None:
    with simulated(tmp_path / "adapter") as meters:
        transport, heard = started(source(meters.port))
        try:
            heard.online(1.0)
            heard.poll(ADDRESSES[0])
            meters.unplug()
            heard.online(0.0)
            assert heard.fault(Reason.PORT_LOST).source == "bus"
            meters.plug_in()
            heard.online(1.0)
            heard.poll(ADDRESSES[0])
        finally:
            transport.stop()
    samples = [item.what for item in heard.all if isinstance(item.what, Sample)]
    turns = [sample.values["source/bus/online"] for sample in samples if sample.device == "source/bus"]
    assert turns == [1.0, 0.0, 1.0]


def test_a_port_that_is_not_there_is_told_once_and_stop_is_prompt(tmp_path: Path) -> None:
    tried = threading.Semaphore(0)

    def wait(descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
        delays.append(seconds)
        tried.release()
        return no_delay(descriptors, seconds) if len(delays) < 10 else wait_readable(descriptors, seconds)

    delays: list[float | None] = []
    heard = Heard()
    transport = SerialTransport(
        source(str(tmp_path / "nothing")), TABLES, clock=lambda: NOON, hand_over=heard, wait=wait
    )
    transport.start()
    for _ in range(10):
        assert tried.acquire(timeout=LONG_S)
    begun = time.monotonic()
    transport.stop()   # out of a real wait
    assert time.monotonic() - begun < 1.0
    assert delays[:10] == [OPEN_RETRY_S] * 10, "it may be plugged in at any moment"
    assert heard.online(0.0) == Sample(NOON, "source/bus", {"source/bus/online": 0.0})
    assert "no port" in heard.fault(Reason.PORT_LOST).detail
    with pytest.raises(queue.Empty):
        heard._queue.get_nowait()


def test_a_port_that_opens_and_fails_is_left_alone_ever_longer() -> None:
    delays: list[float | None] = []
    is_done = threading.Event()

    def wait(descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
        if len(descriptors) == 2:
            return wait_readable(descriptors, seconds)
        delays.append(seconds)
        if len(delays) == 8:
            is_done.set()
        return no_delay(descriptors, seconds) if len(delays) < 8 else wait_readable(descriptors, seconds)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while not is_done.is_set():
                    server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        origin = source(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        transport = SerialTransport(origin, TABLES, clock=lambda: NOON, hand_over=Heard(), wait=wait)
        transport.start()
        try:
            assert is_done.wait(LONG_S)
        finally:
            transport.stop()
    assert delays[:8] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_stop_is_prompt_in_the_middle_of_an_exchange(meters: SimulatedPort) -> None:
    for silent in meters.line.meters:
        silent.trouble = Trouble.SILENCE
    transport, heard = started(source(meters.port, line="1200 8N1"))
    heard.online(1.0)
    begun = time.monotonic()
    transport.stop()
    transport.stop()
    assert time.monotonic() - begun < 1.0
    with open_port(meters.port, Line(parity="N")):
        pass   # the port is free again


def test_the_time_of_day_may_jump_while_meters_are_polled(meters: SimulatedPort) -> None:
    times = iter([NOON, NOON - 86_400.0])
    last = [0.0]

    def jumping() -> float:
        last[0] = next(times, last[0])
        return last[0]

    heard = Heard()
    transport = SerialTransport(source(meters.port), TABLES, clock=jumping, hand_over=heard)
    transport.start()
    try:
        for _ in range(2):
            heard.poll(ADDRESSES[0])
    finally:
        transport.stop()


def test_errors_of_a_port_say_what_to_do(tmp_path: Path, meters: SimulatedPort) -> None:
    with pytest.raises(PortError, match="is the adapter plugged in"):
        open_port(str(tmp_path / "nothing"), Line())
    # a pseudo-terminal drops the parity flag without a word, as the Pi's mini UART does
    with pytest.raises(PortError, match="mini UART"):
        open_port(meters.port, Line(parity="E"))
    file = tmp_path / "file"
    file.write_text("no port", encoding="utf-8")
    with pytest.raises(PortError, match="cannot be opened at 2400 8N1"):
        open_port(str(file), Line(parity="N"))
    with open_port(meters.port, Line(parity="N")), pytest.raises(PortError, match="in use by another program"):
        open_port(meters.port, Line(parity="N"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_port_without_permission(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.write_text("", encoding="utf-8")
    port.chmod(0)
    with pytest.raises(PortError, match="dialout"):
        open_port(str(port), Line(parity="N"))


def test_lines_as_people_write_them() -> None:
    assert line_from("2400 8E1") == Line()
    assert line_from(" 9600  8N2 ") == Line(9600, 8, "N", 2)
    assert line_text(line_from("19200 7O1")) == "19200 7O1"
    for wrong in ("2400", "8E1", "2400 8X1", "2400,8E1", "2400 9E1", "fast 8E1", ""):
        with pytest.raises(ValueError, match="2400 8E1"):
            line_from(wrong)


def test_a_line_that_closes_under_the_reader() -> None:
    line, held_open = os.openpty()
    tty.setraw(held_open)
    transport, heard = started(source(os.ttyname(held_open)))
    try:
        heard.online(1.0)
        os.close(line)
        heard.online(0.0)
    finally:
        transport.stop()
        os.close(held_open)
