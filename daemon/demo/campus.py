"""Brings the demo campus to life: a broker, sensors that publish, meters on a pseudo-terminal, a work chat."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from string import Template

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from adapters.device_table import load_tables
from daemon.demo import scene
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Meter, meter
from daemon.simulation.port import SimulatedPort

PUBLISH_S = 2.0
NAMES = {
    "zh": {
        "site": "第一中学（演示）", "dorm": "3号宿舍楼", "school": "1号教学楼", "dorm_owner": "宿管一组",
        "school_owner": "教学楼管理员", "wash_1": "一楼盥洗室", "wash_2": "二楼盥洗室", "note": "总阀在门后",
        "chat": "后勤值班群", "plant": "后勤楼", "boiler": "锅炉房", "boiler_owner": "锅炉班",
    },
    "en": {
        "site": "No. 1 Middle School (demo)", "dorm": "Dormitory 3", "school": "Teaching block 1",
        "dorm_owner": "Dormitory wardens", "school_owner": "Caretaker of block 1",
        "wash_1": "washroom, floor 1", "wash_2": "washroom, floor 2", "note": "The main valve is behind the door",
        "chat": "Duty chat", "plant": "Plant house", "boiler": "boiler room", "boiler_owner": "Boiler attendants",
    },
}  # fmt: skip


@contextlib.contextmanager
def demo_campus(folder: Path, *, listen: str, language: str) -> Iterator[Path]:
    """A campus that lives until the context ends; its configuration, which lies in `folder`."""
    begin = time.monotonic()

    def elapsed_s() -> float:
        return time.monotonic() - begin

    table = load_tables()["dlt645-single-phase"]

    def of_a_room(address: str) -> Meter:
        return meter(table, address, lambda _: scene.meter(address, elapsed_s()))

    with (
        _broker() as broker_port,
        SimulatedPort(SimulatedLine(map(of_a_room, scene.METERS))) as meters,
        _sensors(broker_port, elapsed_s),
        _chat() as chat_url,
    ):
        yield write_configuration(
            folder, language, chat_url, listen=listen, broker_port=broker_port, meter_port=meters.port
        )


def write_configuration(folder: Path, language: str, chat_url: str, **settings: object) -> Path:
    """Write the campus's configuration and its one secret, the address of the chat; where it is."""
    template = resources.files("daemon.demo").joinpath("campus.toml").read_text(encoding="utf-8")
    secret, config = folder / "chat.url", folder / "campus.toml"
    secret.touch(mode=0o600)
    secret.write_text(chat_url, encoding="utf-8")
    config.write_text(Template(template).substitute(NAMES[language], language=language, **settings), encoding="utf-8")
    return config


@contextlib.contextmanager
def _broker() -> Iterator[int]:
    """An MQTT broker on a free port of the loopback."""
    from iotcore.broker import Broker

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    broker = Broker(port=port, listen="127.0.0.1")
    # A terminal sends Ctrl-C and its own end to the broker's process too; it inherits that these wait for ever, and
    # ends when we end it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        broker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
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
            for topic, payload in scene.messages(elapsed_s()):
                client.publish(topic, payload, qos=1)

    thread = threading.Thread(target=publish, name="sensors", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        client.disconnect()
        client.loop_stop()


@contextlib.contextmanager
def _chat() -> Iterator[str]:
    """A work chat that takes every message; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Robot)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="chat", daemon=True)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Robot(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args: object) -> None:
        """Quiet."""
