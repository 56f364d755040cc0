"""Brings the demo campus to life: an embedded broker, sensors that publish over MQTT, meters on a pseudo-terminal."""

import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from string import Template
from typing import NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from adapters.device_table import load_tables
from daemon.demo import scene
from daemon.demo.meters import Meters

PUBLISH_S = 2.0
METERS = ("000000000101", "000000000102", "000000000103")
WASHROOMS = ("dorm-3/1F-wash", "dorm-3/2F-wash")
CLASSROOMS = tuple(f"teach-1/{number}" for number in range(101, 107))


class DemoCampus(NamedTuple):
    """The running campus: the configuration written for it."""

    config: Path


@contextlib.contextmanager
def demo_campus(folder: Path, *, listen: str, language: str) -> Iterator[DemoCampus]:
    """A campus whose files lie in `folder`, alive until the context ends."""
    begin = time.monotonic()

    def elapsed_s() -> float:
        return time.monotonic() - begin

    table = load_tables()["dlt645-single-phase"]
    with (
        _broker() as broker_port,
        Meters(table, METERS, lambda address, _now: scene.dorm_room(address, elapsed_s())) as meters,
        _sensors(broker_port, elapsed_s),
    ):
        text = resources.files("daemon.demo").joinpath("campus.toml").read_text(encoding="utf-8")
        config = folder / "campus.toml"
        settings = {"listen": listen, "language": language, "broker_port": broker_port, "meter_port": meters.port}
        config.write_text(Template(text).substitute(settings), encoding="utf-8")
        yield DemoCampus(config)


@contextlib.contextmanager
def _broker() -> Iterator[int]:
    """An MQTT broker on a free port of the loopback."""
    from iotcore.broker import Broker

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited: Ctrl-C is ours, the broker ends when we end it
    try:
        broker = Broker(port=port, listen="127.0.0.1").start()
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield port
    finally:
        broker.stop()


@contextlib.contextmanager
def _sensors(port: int, elapsed_s: Callable[[], float]) -> Iterator[None]:
    """Sensors that publish what the scene says, as real ones would."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="sensors")
    client.connect("127.0.0.1", port)
    client.loop_start()
    stopping = threading.Event()

    def publish() -> None:
        while not stopping.wait(PUBLISH_S):
            at_s = elapsed_s()
            for room in WASHROOMS:
                client.publish(f"campus/{room}/water", f"{scene.flow_lpm(room, at_s):.2f}", qos=1)
            for room in CLASSROOMS:
                client.publish(f"campus/{room}/lighting", json.dumps({"P": scene.lighting_w(room, at_s)}), qos=1)
                client.publish(f"campus/{room}/presence", "ON" if scene.is_occupied(room, at_s) else "OFF", qos=1)

    thread = threading.Thread(target=publish, name="sensors", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        client.disconnect()
        client.loop_stop()
