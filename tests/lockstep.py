"""The daemon as it is wired, on a real broker or a real pseudo-terminal, under a clock that a recording moves.

A device's own time is believed when it is at most BEHIND_S behind the clock. So the clock is set to the end of a
minute, what was recorded in it is published, and only when all of it has come through the broker does time pass. On a
pseudo-terminal time passes while the poller rests; an answer takes none. One thread drives the pipeline, so that every
run is the same. At the end every reading must stand in the log as judged, at its own time, and nothing as a fault.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from broker import mosquitto
from streams import VirtualClock, events_of

from adapters.device_table import load_tables
from adapters.mqtt import MqttTransport
from adapters.poller import GAP_S, REPLY_S
from adapters.serial_line import SerialTransport, wait_readable
from adapters.source import SerialSource
from daemon.config import Loaded, load
from daemon.pipeline import Batch
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import meter
from daemon.simulation.port import SimulatedPort
from daemon.store import connect, entries
from daemon.wiring import Gateway, wire
from rules.check import BEHIND_S
from rules.model import Event, Flag, Received, stamp

LONG_S = 20.0   # more than any step takes; only a failing test waits for it


class Message(NamedTuple):
    """What a sensor publishes, and when."""

    at: float
    topic: str
    payload: bytes


def through_a_broker(folder: Path, config: str, messages: Sequence[Message]) -> list[Event]:
    """The committed events of messages in order of time; the source of `config` is called broker, at port `{port}`."""
    with mosquitto(folder) as broker:
        loaded, clock = _loaded(folder, config, broker.port), VirtualClock(messages[0].at)
        gateway = wire(loaded, clock, died=lambda _: None)
        transport = next(item for item in gateway.transports if isinstance(item, MqttTransport))
        transport.start()
        publisher = _Publisher(broker.port)
        try:
            taken = 0
            _take_in(gateway, taken)  # its own word that it is connected
            for chunk in _chunks(messages):
                clock.at = chunk[-1].at
                publisher.publish(chunk)
                taken += len(chunk)
                _take_in(gateway, taken)
                gateway.pipeline.tick()
            publisher.confirm()
        finally:
            transport.stop()
            publisher.close()
    expected = Counter((f"broker:{topic}", at, Flag.JUDGED) for at, topic, _ in messages)
    return _finished(loaded, gateway, clock, messages[-1].at, expected)


def on_a_bus(
    folder: Path, config: str, measure: Callable[[float], Mapping[str, float]], *, begin: float, end: float
) -> list[Event]:
    """The committed events of the one meter of `config`; the source of `config` is called bus, at port `{port}`."""
    clock = VirtualClock(begin)
    rests = _Rests(clock, end)
    address = "000000000101"
    tables = load_tables()
    table = tables["dlt645-single-phase"]
    line = SimulatedLine([meter(table, address, lambda _: measure(clock.now()))])
    with SimulatedPort(line, at_once=True) as meters:
        loaded = _loaded(folder, config, meters.port)
        gateway = wire(loaded, clock, died=lambda _: None)
        gateway.transports[0].stop()  # another one that polls in the time of the recording takes its place
        (source,) = loaded.sources
        assert isinstance(source, SerialSource)

        def hand_over(received: Sequence[Received]) -> None:
            gateway.pipeline.consume(Batch(source.name, received))
            gateway.pipeline.tick()

        transport = SerialTransport(
            source, tables, clock=clock.now, steady=clock.monotonic, wait=rests.wait, hand_over=hand_over
        )
        transport.start()
        try:
            assert rests.are_over.wait(3 * LONG_S), gateway.pipeline.health()
        finally:
            transport.stop()
    every_s = source.devices[0].every_s
    last_answer_s = GAP_S * (len(table.polled) - 1)  # a poll is dated when it is handed over
    times = (stamp(begin + count * every_s + last_answer_s) for count in range(int((end - begin) / every_s)))
    expected = Counter((f"bus/{address}", at, Flag.JUDGED) for at in times)
    return _finished(loaded, gateway, clock, end, expected)


class _Rests:
    """Time on a line: it passes while the poller rests, and stands still while an answer is due."""

    def __init__(self, clock: VirtualClock, end: float) -> None:
        self._clock = clock
        self._end = end
        self.are_over = threading.Event()

    def wait(self, descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
        assert seconds is not None
        if REPLY_S <= seconds < 2 * REPLY_S:
            return wait_readable(descriptors, LONG_S)
        if self._clock.at + seconds >= self._end:
            self.are_over.set()
            return wait_readable(descriptors, LONG_S)
        self._clock.at += seconds
        return []


class _Publisher:
    """Publishes at QoS 1 over a plain socket: many messages a write; confirmations are read by the hundred."""

    def __init__(self, port: int) -> None:
        self._link = socket.create_connection(("127.0.0.1", port), timeout=LONG_S)
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04pubs")
        self._number = 0
        self._unconfirmed = 0
        self._take(4)

    def publish(self, messages: Iterable[Message]) -> None:
        packets = [self._packet(message.topic.encode(), message.payload) for message in messages]
        self._link.sendall(b"".join(packets))
        self._unconfirmed += len(packets)
        if self._unconfirmed >= 1_000:
            self.confirm()

    def confirm(self) -> None:
        """Wait until the broker has confirmed all that was published."""
        self._take(4 * self._unconfirmed)
        self._unconfirmed = 0

    def close(self) -> None:
        self._link.close()

    def _packet(self, topic: bytes, payload: bytes) -> bytes:
        self._number = self._number % 65_535 + 1
        body = len(topic).to_bytes(2, "big") + topic + self._number.to_bytes(2, "big") + payload
        assert len(body) < 128  # its length is one byte
        return bytes((0x32, len(body))) + body

    def _take(self, missing: int) -> None:
        while missing:
            data = self._link.recv(missing)
            assert data, "the broker hung up"
            missing -= len(data)


def _loaded(folder: Path, config: str, port: int | str) -> Loaded:
    path = folder / "campus.toml"
    path.write_text(config.replace("{port}", str(port)), encoding="utf-8")
    return load(path)


def _chunks(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """As many messages together as the clock at the last of them believes."""
    chunk: list[Message] = []
    for message in messages:
        if chunk and message.at > chunk[0].at + BEHIND_S:
            yield chunk
            chunk = []
        chunk.append(message)
    yield chunk


def _take_in(gateway: Gateway, samples: int) -> None:
    """Let the pipeline take what the transport hands over, until it has had so many samples in all."""
    patience = time.monotonic() + LONG_S
    while not (health := gateway.pipeline.health()["broker"]).online or health.samples < samples:
        assert time.monotonic() < patience, health
        gateway.driver._work()  # the driver's own loop, but in this thread


def _finished(
    loaded: Loaded, gateway: Gateway, clock: VirtualClock, end: float, expected: Mapping[tuple[str, float, Flag], int]
) -> list[Event]:
    """All events up to the end, from the database."""
    clock.at = end + loaded.grace_s
    gateway.pipeline.tick()
    gateway.pipeline.finish()
    gateway.store.close()
    health = gateway.pipeline.health()
    assert not any(source.faults for source in health.values()), health
    assert not gateway.pipeline.bugs
    db = connect(loaded.store_path, read_only=True)
    logged = Counter((s.device, s.at, flag) for _, (s, flag) in entries(db) if not s.device.startswith("source/"))
    db.close()
    assert logged == expected
    return events_of(loaded.store_path)
