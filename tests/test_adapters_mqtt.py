"""The MQTT transport against a real broker: order, acknowledgement, backlog, reconnection, refusals."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from broker import Mosquitto, free_port, mosquitto
from paho.mqtt.enums import CallbackAPIVersion

from adapters.mqtt import MqttTransport
from adapters.source import DeviceTime, Field, MqttSource, Topic
from rules.model import Fault, How, Reason, Received, Sample

METER = Topic(
    filter="campus/{building}/{room}/meter",
    payload="json",
    fields=(Field(path="P", quantity="power_w"), Field(path="Q", quantity="reactive_power_var")),
    places=frozenset({"dorm-3/101", "dorm-3/102"}),
    time=DeviceTime(path="t", format="unix"),
)


class Inbox:
    """Collects what a transport hands over and lets a test wait for it."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.session = 0
        self._changed = threading.Condition()

    def __call__(self, received: Sequence[Received], *, window: int, session: int) -> None:
        with self._changed:
            self.received += received
            self.session = session
            self._changed.notify_all()

    def wait(self, done: Callable[[], bool], seconds: float = 10.0) -> None:
        with self._changed:
            assert self._changed.wait_for(done, seconds), self.received

    def samples(self) -> list[Received]:
        return [r for r in self.received if isinstance(r.what, Sample) and not r.what.device.startswith("source/")]

    def states(self) -> list[dict[str, float]]:
        return [
            dict(r.what.values) for r in self.received
            if isinstance(r.what, Sample) and r.what.device.startswith("source/") and r.what.values
        ]  # fmt: skip

    def faults(self) -> list[Reason]:
        return [r.what.reason for r in self.received if isinstance(r.what, Fault)]


def source_at(port: int, **settings: object) -> MqttSource:
    settings = {"topics": (METER,), "client_id": "caretaker-test"} | settings
    return MqttSource(name="broker", host="127.0.0.1", port=port, **settings)  # type: ignore[arg-type]


class Life:
    """A transport with its inbox."""

    def __init__(self, source: MqttSource) -> None:
        self.inbox = Inbox()
        self.transport = MqttTransport(source, clock=time.time, hand_over=self.inbox)
        self.transport.start()

    def wait_online(self) -> None:
        self.inbox.wait(lambda: {"source/broker/online": 1.0, "source/broker/backlog": 0.0} in self.inbox.states()
                        or {"source/broker/backlog": 0.0} in self.inbox.states())  # fmt: skip


def publish(port: int, messages: Sequence[tuple[str, bytes]], *, qos: int = 1, retain: bool = False) -> None:
    """Publish and return when the broker has confirmed every message."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for info in [client.publish(topic, payload, qos=qos, retain=retain) for topic, payload in messages]:
        info.wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


def meter(power: float, at: float | None = None, room: str = "101") -> tuple[str, bytes]:
    stamp = f', "t": {at}' if at is not None else ""
    return f"campus/dorm-3/{room}/meter", f'{{"P": {power}, "Q": 1{stamp}}}'.encode()


def test_messages_arrive_as_samples_in_order(broker: Mosquitto) -> None:
    life = Life(source_at(broker.port))
    life.wait_online()
    publish(broker.port, [meter(float(n)) for n in range(50)])
    life.inbox.wait(lambda: len(life.inbox.samples()) == 50)
    life.transport.stop()
    values = [r.what.values for r in life.inbox.samples()]  # type: ignore[union-attr]
    assert [v["dorm-3/101/power_w"] for v in values] == [float(n) for n in range(50)]
    assert all(r.how is How.ARRIVAL and r.packet for r in life.inbox.samples())


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(broker: Mosquitto) -> None:
    first = Life(source_at(broker.port))
    first.wait_online()
    publish(broker.port, [meter(float(n)) for n in range(10)])
    first.inbox.wait(lambda: len(first.inbox.samples()) == 10)
    first.transport.acknowledge(1, [r.packet for r in first.inbox.samples()[:4]])
    first.transport.stop()
    second = Life(source_at(broker.port))
    second.wait_online()
    second.transport.stop()
    again = second.inbox.samples()
    assert [r.what.values["dorm-3/101/power_w"] for r in again] == [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]  # type: ignore[union-attr]
    assert all(r.resent for r in again)
    assert {(r.packet, r.digest) for r in again} == {(r.packet, r.digest) for r in first.inbox.samples()[4:]}


def test_what_queued_while_away_is_backlog_until_the_marker(broker: Mosquitto) -> None:
    first = Life(source_at(broker.port))
    first.wait_online()
    first.transport.stop()
    assert first.inbox.session == 1
    publish(broker.port, [meter(1.0), meter(2.0), meter(3.0, at=1_700_000_000.0)], qos=0)
    second = Life(source_at(broker.port))
    second.wait_online()
    publish(broker.port, [meter(4.0)])
    second.inbox.wait(lambda: len(second.inbox.samples()) == 4)
    second.transport.stop()
    assert second.inbox.session == 0
    assert [r.how for r in second.inbox.samples()] == [How.BACKLOG, How.BACKLOG, How.BACKLOG_TIMED, How.ARRIVAL]
    assert [s["source/broker/backlog"] for s in second.inbox.states()] == [1.0, 0.0]


def test_a_retained_message_is_marked(broker: Mosquitto) -> None:
    publish(broker.port, [meter(7.0)], retain=True)
    life = Life(source_at(broker.port))
    life.inbox.wait(lambda: bool(life.inbox.samples()))
    life.transport.stop()
    assert [r.how for r in life.inbox.samples()] == [How.RETAINED]


def test_bad_messages_are_faults_and_carry_their_packet(broker: Mosquitto) -> None:
    life = Life(source_at(broker.port))
    life.wait_online()
    topic = "campus/dorm-3/101/meter"
    publish(
        broker.port,
        [(topic, b"{"), (topic, b"\xff\xfe"), (topic, b'{"P": true}'), (topic, b"{}"), ("campus/dorm-9/1/meter", b"1"),
         (topic, b'{"P": NaN}'), (topic, b'{"P": 1, "Q": "x", "t": "never"}')],
    )  # fmt: skip
    life.inbox.wait(lambda: len([r for r in life.inbox.received if r.packet]) == 7)
    life.transport.stop()
    assert life.inbox.faults() == [
        Reason.BAD_JSON, Reason.BAD_JSON, Reason.NOT_A_NUMBER, Reason.MISSING_FIELD, Reason.UNKNOWN_TOPIC,
        Reason.BAD_JSON, Reason.NOT_A_NUMBER, Reason.BAD_TIME,
    ]  # fmt: skip
    assert len(life.inbox.samples()) == 1


def test_it_comes_back_when_the_broker_does(broker: Mosquitto) -> None:
    life = Life(source_at(broker.port))
    life.wait_online()
    broker.stop()
    life.inbox.wait(lambda: {"source/broker/online": 0.0} in life.inbox.states())
    broker.start()
    publish(broker.port, [meter(5.0)])
    life.inbox.wait(lambda: len(life.inbox.samples()) == 1, 20.0)
    life.transport.stop()
    assert Reason.LINK_LOST in life.inbox.faults()


def test_a_refusal_is_told(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "meters", "right"], check=True)
    os.chmod(passwords, 0o644)
    with mosquitto(tmp_path, f"password_file {passwords}\n") as broker:
        broker_refuses = Life(source_at(broker.port, username="meters", password="wrong"))
        broker_refuses.inbox.wait(lambda: Reason.LINK_LOST in broker_refuses.inbox.faults())
        broker_refuses.transport.stop()
        assert "uthori" in str(broker_refuses.inbox.received)
        accepted = Life(source_at(broker.port, username="meters", password="right"))
        accepted.wait_online()
        accepted.transport.stop()


def test_an_encrypted_broker_is_read_and_a_stranger_is_not(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.crt")],
            check=True, capture_output=True,
        )  # fmt: skip
    port = free_port()
    extra = (
        f"listener {port} 127.0.0.1\ncafile {tmp_path}/ours.crt\ncertfile {tmp_path}/ours.crt\n"
        f"keyfile {tmp_path}/ours.key\n"
    )
    with mosquitto(tmp_path, extra) as broker:
        trusted = Life(source_at(port, tls=True, ca_file=str(tmp_path / "ours.crt")))
        trusted.wait_online()
        publish(broker.port, [meter(float(n)) for n in range(2_000)])  # more than one TLS record at a time
        trusted.inbox.wait(lambda: len(trusted.inbox.samples()) == 2_000)
        trusted.transport.stop()
        stranger = Life(source_at(port, tls=True, ca_file=str(tmp_path / "theirs.crt")))
        stranger.inbox.wait(lambda: Reason.LINK_LOST in stranger.inbox.faults())
        stranger.transport.stop()
        assert "certificate" in str(stranger.inbox.received).lower()


def test_a_broker_that_speaks_only_3_1_1_is_read_without_complaint() -> None:
    from iotcore.broker import Broker

    with Broker(port=free_port(), listen="127.0.0.1") as old:
        life = Life(source_at(old.port))
        life.wait_online()
        publish(old.port, [meter(1.0)])
        life.inbox.wait(lambda: bool(life.inbox.samples()))
        life.transport.stop()
    assert Reason.LINK_LOST not in life.inbox.faults()


def test_a_broker_that_refuses_the_marker_is_named_and_read_all_the_same(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite campus/#\ntopic read caretaker/#\n")
    rules.chmod(0o600)
    with mosquitto(tmp_path, f"acl_file {rules}\nmax_queued_messages 10000\n") as broker:
        first = Life(source_at(broker.port))
        first.wait_online()
        first.transport.stop()
        second = Life(source_at(broker.port))
        second.inbox.wait(lambda: {"source/broker/backlog": 0.0} in second.inbox.states())
        publish(broker.port, [meter(1.0)])
        second.inbox.wait(lambda: bool(second.inbox.samples()))
        second.transport.stop()
    assert "ACL" in str([r.what for r in second.inbox.received if isinstance(r.what, Fault)])
    assert [r.how for r in second.inbox.samples()] == [How.ARRIVAL]


def test_acknowledgements_of_a_lost_session_stay_here(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "persistence false\n") as broker:  # it forgets all when it ends
        life = Life(source_at(broker.port))
        life.wait_online()
        publish(broker.port, [meter(1.0), meter(2.0)])
        life.inbox.wait(lambda: len(life.inbox.samples()) == 2)
        old = [r.packet for r in life.inbox.samples()]
        broker.stop()
        broker.start()
        online = {"source/broker/online": 1.0, "source/broker/backlog": 0.0}
        life.inbox.wait(lambda: life.inbox.states().count(online) == 2, 20.0)
        assert life.inbox.session == 2
        publish(broker.port, [meter(3.0), meter(4.0)])
        life.inbox.wait(lambda: len(life.inbox.samples()) == 4)
        assert [r.packet for r in life.inbox.samples()[2:]] == old, "the same ids mean other messages now"
        life.transport.acknowledge(1, old)
        life.transport.stop()
        again = Life(source_at(broker.port))
        again.wait_online()
        again.transport.stop()
        assert [r.what.values["dorm-3/101/power_w"] for r in again.inbox.samples()] == [3.0, 4.0]  # type: ignore[union-attr]


def test_nobody_there_is_told_and_stop_is_quick() -> None:
    life = Life(source_at(1))
    life.inbox.wait(lambda: Reason.LINK_LOST in life.inbox.faults())
    begin = time.monotonic()
    life.transport.stop()
    assert time.monotonic() - begin < 4.0
