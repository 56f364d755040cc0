"""Publishing against a real broker: retained values, the last will, cleaning up, and a broker that is away."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from broker import Mosquitto, free_port, mosquitto
from paho.mqtt.enums import CallbackAPIVersion
from test_adapters_mqtt import Inbox, publish, source_at
from tracked import ROOT

from adapters.mqtt import MqttTransport
from adapters.publish import Publishing, Retained
from adapters.publisher import Publisher
from adapters.source import Field, Topic

STATUS, POWER, ALERT = "caretaker/s/status", "caretaker/s/teach-1/105/power_w", "caretaker/s/alerts/7"
CONFIG = "homeassistant/sensor/caretaker_s/power/config"


def publishing_at(port: int) -> Publishing:
    return Publishing(
        host="127.0.0.1", port=port, site="s", client_id="caretaker-s-publish", places=frozenset(), every_s=3600.0
    )


class Listener:
    """Another system at the broker: what it has of each topic now; a topic that was emptied is gone."""

    def __init__(self, port: int) -> None:
        self.there: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([("caretaker/#", 1), ("homeassistant/#", 1)])
        self._client.loop_start()

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            if message.payload:
                self.there[message.topic] = bytes(message.payload)
            else:
                self.there.pop(message.topic, None)
            self._changed.notify_all()

    def wait(self, done: Callable[[Mapping[str, bytes]], bool], seconds: float = 15.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: done(self.there), seconds), self.there

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Campus:
    """What is to be published, changed by a test."""

    def __init__(self, port: int, **wanted: Retained) -> None:
        self.wanted: dict[str, Retained] | None = dict(wanted)
        self.publisher = Publisher(publishing_at(port), wanted=lambda: self.wanted)

    def becomes(self, wanted: dict[str, Retained] | None) -> None:
        self.wanted = wanted
        self.publisher.ring()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def listener(broker: Mosquitto) -> Iterator[Listener]:
    found = Listener(broker.port)
    yield found
    found.close()


def test_what_is_wanted_is_there_and_goes_when_it_is_not(broker: Mosquitto, listener: Listener) -> None:
    campus = Campus(broker.port)
    campus.becomes({POWER: Retained(b"61.7", 3), ALERT: Retained(b"{}"), CONFIG: Retained(b"{1}")})
    campus.publisher.start()
    whole = {STATUS: b"online", POWER: b"61.7", ALERT: b"{}", CONFIG: b"{1}"}
    listener.wait(lambda there: there == whole)
    campus.becomes({POWER: Retained(b"62", 3), CONFIG: Retained(b"{1}")})
    listener.wait(lambda there: there == {STATUS: b"online", POWER: b"62", CONFIG: b"{1}"})
    campus.becomes(None)  # it cannot tell just now
    campus.publisher.stop()
    listener.wait(lambda there: there == {STATUS: b"offline", POWER: b"62", CONFIG: b"{1}"})
    late = Listener(broker.port)  # all of it is retained
    late.wait(lambda there: there == listener.there)
    late.close()


def test_what_the_last_run_left_and_no_longer_is_goes(broker: Mosquitto, listener: Listener) -> None:
    foreign = {"caretaker/other/status": b"online", "homeassistant/sensor/mine/x/config": b"{}",
               "caretaker/marker": b"x"}  # fmt: skip
    left = {POWER: b"1", ALERT: b"{}", CONFIG: b"{}", "homeassistant/sensor/caretaker_s/gone/config": b"{}"}
    publish(broker.port, [*left.items(), *foreign.items()], retain=True)
    listener.wait(lambda there: there == left | foreign)
    campus = Campus(broker.port)
    campus.becomes({POWER: Retained(b"1"), CONFIG: Retained(b"{2}")})
    campus.publisher.start()
    listener.wait(lambda there: there == foreign | {STATUS: b"online", POWER: b"1", CONFIG: b"{2}"})
    campus.publisher.stop()


def test_it_comes_back_with_the_broker_and_says_all_again(broker: Mosquitto, tmp_path: Path) -> None:
    campus = Campus(broker.port)
    campus.becomes({POWER: Retained(b"1")})
    campus.publisher.start()
    first = Listener(broker.port)
    first.wait(lambda there: there == {STATUS: b"online", POWER: b"1"})
    first.close()
    broker.stop()
    (tmp_path / "mosquitto.db").unlink()  # its memory is lost with it
    campus.becomes({POWER: Retained(b"2"), ALERT: Retained(b"{}")})
    broker.start()
    second = Listener(broker.port)
    second.wait(lambda there: there == {STATUS: b"online", POWER: b"2", ALERT: b"{}"})
    second.close()
    campus.publisher.stop()


LIFE = """
import sys
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from test_adapters_publisher import POWER, Retained, publishing_at
from adapters.publisher import Publisher
publisher = Publisher(publishing_at(int(sys.argv[1])), wanted=lambda: {POWER: Retained(b"1")})
publisher.start()
publisher._thread.join()
"""


def test_a_gateway_that_is_killed_leaves_its_last_will(broker: Mosquitto, listener: Listener) -> None:
    life = subprocess.Popen([sys.executable, "-c", LIFE, str(broker.port), str(ROOT)])
    try:
        listener.wait(lambda there: there == {STATUS: b"online", POWER: b"1"})
    finally:
        os.kill(life.pid, signal.SIGKILL)
        life.wait(10)
    listener.wait(lambda there: there == {STATUS: b"offline", POWER: b"1"})


def test_a_dead_broker_stalls_nobody() -> None:
    campus = Campus(free_port())
    campus.becomes({POWER: Retained(b"1")})
    began = time.monotonic()
    campus.publisher.start()
    campus.publisher.ring()
    campus.publisher.stop()
    assert time.monotonic() - began < 5.0
    assert not campus.publisher._thread.is_alive()


def test_a_broker_that_lets_nothing_be_read_is_published_to_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.publisher.SYNC_S", 0.5)
    (tmp_path / "acl").write_text("topic write caretaker/#\nuser reader\ntopic read #\n")
    with mosquitto(tmp_path, extra=f"acl_file {tmp_path}/acl\n") as broker:
        campus = Campus(broker.port)
        campus.becomes({POWER: Retained(b"1")})
        campus.publisher.start()
        reader = paho.Client(CallbackAPIVersion.VERSION2)
        reader.username_pw_set("reader", "x")
        heard = threading.Event()
        reader.on_message = lambda *_: heard.set()
        reader.connect("127.0.0.1", broker.port)
        reader.subscribe(POWER)
        reader.loop_start()
        assert heard.wait(15)
        reader.disconnect()
        reader.loop_stop()
        campus.publisher.stop()
    assert "allow reading in its ACL" in caplog.text


def test_what_we_publish_is_no_input_of_ours(broker: Mosquitto) -> None:
    anything = Topic(filter="+/+/+/+", payload="number", fields=(Field(path="", quantity="power_w"),),
                     places=frozenset({"gate"}), place="gate")  # fmt: skip
    inbox = Inbox()
    own = publishing_at(broker.port).own_prefixes()
    transport = MqttTransport(source_at(broker.port, topics=(anything,)), clock=time.time, hand_over=inbox, own=own)
    transport.start()
    inbox.wait(lambda: {"source/broker/online": 1.0, "source/broker/backlog": 0.0} in inbox.states())
    publish(broker.port, [(POWER.replace("/105", ""), b"1"), (CONFIG[:-7], b"1"), ("other/s/teach-1/power_w", b"2")])
    inbox.wait(lambda: len(inbox.samples()) == 1)
    transport.stop()
    assert [list(received.what.values.values()) for received in inbox.samples()] == [[2.0]]  # type: ignore[union-attr]
    assert not inbox.faults()
    assert len([received for received in inbox.received if received.packet]) == 3  # the broker need not hold them
