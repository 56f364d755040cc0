"""CPU per MQTT message: the whole way of a reading against a bare client that only counts messages.

One mosquitto, one publisher that keeps the broker busy at QoS 1, and in turn two subscribers as processes of their own:
`bare`, paho alone with automatic acknowledgement, and `ours`, the daemon from decode to commit (`synchronous=FULL`) and
acknowledgement, with the default rules. Messages carry five fields of dorm-room meters. Each subscriber reports the CPU
time of its whole process (user and system) from the first message to the last; the publisher's and the broker's are
not counted. Pairs are run in turn; the ratio is taken pair by pair, and its median printed.

    python tests/bench/ingest.py [--messages 40000] [--pairs 5]
"""

import argparse
import json
import random
import resource
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

sys.path.insert(0, str(Path(__file__).parent.parent))

from broker import free_port, mosquitto

CONFIG = """
[site]
id = "bench"
name = "bench"
timezone = "Asia/Shanghai"
language = "en"
clock = "trust"
[store]
path = "bench.db"
commit_s = 60
[panel]
listen = "127.0.0.1:{panel}"
[[building]]
id = "dorm-3"
name = "dorm 3"
kind = "dormitory"
rooms = ["101-150", "201-250"]
[[source]]
name = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
[[source.topic]]
filter = "campus/{{building}}/{{room}}/meter"
payload = "json"
fields = {{ P = "power_w", Q = "reactive_power_var", E = "energy_kwh", U = "voltage_v", I = "current_a" }}
"""


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def bare(port: int, messages: int) -> float:
    """Seconds of CPU a paho client needs to count the messages."""
    seen = 0
    done = threading.Event()

    def count(_client: object, _data: object, _message: object) -> None:
        nonlocal seen
        seen += 1
        if seen == messages:
            done.set()

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bare")
    client.on_message = count
    client.on_connect = lambda *_: client.subscribe("campus/+/+/meter", 1)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    subscribed.wait()
    begin = cpu_s()
    print("ready", flush=True)
    done.wait()
    used = cpu_s() - begin
    client.loop_stop()
    return used


def ours(port: int, messages: int) -> float:
    """Seconds of CPU the daemon needs to read, judge, log, commit and acknowledge them."""
    from daemon.clock import SystemClock
    from daemon.config import load
    from daemon.wiring import wire

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "bench.toml"
        config.write_text(CONFIG.format(port=port, panel=free_port()), encoding="utf-8")
        gateway = wire(load(config), SystemClock(trusted=True), died=lambda _: None)
        gateway.start()

        def samples() -> int:
            health = gateway.driver.ask(gateway.pipeline.health).get("broker")
            return health.samples if health is not None else 0

        while not gateway.driver.ask(lambda: gateway.pipeline.health()["broker"].online):
            time.sleep(0.05)
        begin = cpu_s()
        print("ready", flush=True)
        while samples() < messages:
            time.sleep(0.2)
        gateway.driver.ask(gateway.pipeline.commit)
        used = cpu_s() - begin
        gateway.stop()
    return used


def publish(port: int, messages: int) -> None:
    """Send prepared QoS 1 packets over a plain socket, so that the publisher is never what limits the rate."""
    rng = random.Random(1)
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04pubs")
        link.recv(4)
        unconfirmed = 0
        burst = bytearray()
        for number in range(messages):
            room = 101 + number % 50 + number % 2 * 100
            power = rng.uniform(20, 90)
            payload = json.dumps(
                {"P": round(power, 1), "Q": round(rng.uniform(2, 9), 1), "E": round(1000 + number * 1e-4, 2),
                 "U": round(rng.uniform(221, 226), 1), "I": round(power / 224, 3)}
            ).encode()  # fmt: skip
            topic = f"campus/dorm-3/{room}/meter".encode()
            body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", number % 65_535 + 1) + payload
            burst += bytes([0x32, *_length(len(body))]) + body
            unconfirmed += 1
            if unconfirmed == 20:
                link.sendall(burst)
                burst.clear()
                _confirmed(link, unconfirmed)
                unconfirmed = 0
        link.sendall(burst)
        _confirmed(link, unconfirmed)


def _length(size: int) -> bytes:
    return bytes([size]) if size < 128 else bytes([size % 128 | 128, size // 128])


def _confirmed(link: socket.socket, count: int) -> None:
    missing = 4 * count
    while missing:
        missing -= len(link.recv(missing))


def measure(who: str, port: int, messages: int) -> float:
    """Microseconds of CPU a message for one subscriber, in a process of its own."""
    command = [sys.executable, __file__, "--as", who, "--port", str(port), "--messages", str(messages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "ready\n":
                publish(port, messages)
            elif line.startswith("cpu "):
                return float(line[4:]) / messages * 1e6
    raise RuntimeError(f"{who} failed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--as", dest="who", choices=("bare", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.who:
        print("cpu", (bare if args.who == "bare" else ours)(args.port, args.messages), flush=True)
        return
    with tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder)) as broker:
        pairs = []
        for number in range(args.pairs):
            pairs.append((measure("ours", broker.port, args.messages), measure("bare", broker.port, args.messages)))
            print(f"pair {number + 1}: ours {pairs[-1][0]:.1f} us, bare client {pairs[-1][1]:.1f} us a message")
        ratio = statistics.median(a / b for a, b in pairs)
        ours_us, bare_us = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(
            f"ingest, 5 fields a message, QoS 1, commit with synchronous=FULL: median {ours_us:.1f} us a message "
            f"against {bare_us:.1f} us for a bare counting client: {ratio:.2f} x"
        )


if __name__ == "__main__":
    main()
