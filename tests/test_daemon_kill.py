"""`kill -9` during a stream through a real broker: every confirmed reading logged exactly once, the same events."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from broker import Mosquitto, free_port, mosquitto
from paho.mqtt.enums import CallbackAPIVersion

from daemon.facts import declare, folder_of, waiting
from daemon.rows import event_of
from daemon.store import connect, entries
from rules.fact import Permit

ROUNDS = int(os.environ.get("CARETAKER_KILLS", "20"))
EVERY_S = 0.25

CONFIG = """
[site]
id = "{name}"
name = "一中"
timezone = "Asia/Shanghai"
language = "zh"
clock = "trust"
grace_s = 4
[store]
path = "{name}.db"
commit_s = 0.6
[panel]
listen = "127.0.0.1:{panel}"
[[building]]
id = "d"
name = "3号楼"
kind = "dormitory"
rooms = ["101-106"]
washrooms = ["W1", "W2", "W3", "W4", "W5", "W6"]
[[source]]
name = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
[[source.topic]]
filter = "campus/{{building}}/{{room}}/meter"
payload = "json"
fields = {{ P = "power_w", Q = "reactive_power_var" }}
time = {{ path = "t", format = "unix" }}
where = {{ kind = "dorm_room" }}
every_s = 1
[[source.topic]]
filter = "campus/{{building}}/{{room}}/water"
payload = "json"
fields = {{ f = "flow_lpm" }}
time = {{ path = "t", format = "unix" }}
where = {{ kind = "washroom" }}
every_s = 1
[[rule]]
kind = "running_water"
hold_min = 0.1
night_min = 0.1
[[rule]]
kind = "high_power"
hold_s = 2
clear_min = 0.05
"""


class Publisher:
    """Publishes dated readings at QoS 1 and remembers which ones the broker confirmed."""

    def __init__(self, port: int, rng: random.Random) -> None:
        self._confirmed: list[int] = []
        self._rng = rng
        self._sent: dict[int, tuple[str, float]] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="meters")
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        end = time.monotonic() + 10
        while len(self._confirmed) < len(self._sent):
            assert time.monotonic() < end, "the broker confirms nothing"
            self._stopping.wait(0.05)
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def confirmed(self) -> Counter[tuple[str, float]]:
        return Counter(self._sent[mid] for mid in tuple(self._confirmed))

    def _on_publish(self, _client: object, _data: object, mid: int, _reason: object, _properties: object) -> None:
        self._confirmed.append(mid)

    def _run(self) -> None:
        busy = dict.fromkeys([f"d/{n}" for n in range(101, 107)] + [f"d/W{n}" for n in range(1, 7)], 0.0)
        while not self._stopping.wait(EVERY_S):
            for number, room in enumerate(busy):
                at = round(time.time(), 3)
                if at > abs(busy[room]):
                    until = at + self._rng.uniform(5.0, 14.0)
                    busy[room] = until if busy[room] <= 0 else -until
                on = busy[room] > 0
                if room.startswith("d/W"):
                    topic, body = f"campus/{room}/water", {"f": 6.0 if on else 0.0, "t": at}
                else:
                    topic, body = f"campus/{room}/meter", {"P": 40.0 + 900.0 * on + number, "Q": 5.0, "t": at}
                info = self._client.publish(topic, json.dumps(body), qos=1)
                self._sent[info.mid] = (f"broker:{topic}", at)


class Daemon:
    """One life of a daemon process."""

    def __init__(self, config: Path, *seam: str) -> None:
        script = Path(__file__).with_name("daemon_to_kill.py")
        self.resent = 0
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(config), *seam],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "started\n"
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.resent = int(line.split()[1])

    def kill(self, after_s: float) -> None:
        try:
            self._process.wait(after_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._gone()

    def wait_until_it_kills_itself(self) -> None:
        self._process.wait(30)
        self._gone()
        assert self._process.returncode == -signal.SIGKILL

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._gone()
        assert self._process.returncode == 0

    def _gone(self) -> None:
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


def config(folder: Path, name: str, port: int) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(CONFIG.format(name=name, port=port, panel=free_port()), encoding="utf-8")
    return path


def last_mark(path: Path) -> float:
    db = connect(path, read_only=True)
    mark = db.execute("SELECT max(mark) FROM batch").fetchone()[0]
    db.close()
    return float(mark)


def events(path: Path, mark: float) -> list[tuple[object, ...]]:
    """The events up to a mark: two daemons never stop at the very same moment."""
    db = connect(path, read_only=True)
    rows = db.execute("SELECT * FROM event WHERE at <= ? ORDER BY at, rule, key, turn", (mark,))
    found = [event_of(row) for row in rows]
    db.close()
    return [(e.rule, e.key, e.at, e.turn, sorted(e.values.items()), e.evidence) for e in found]


def logged(path: Path) -> Counter[tuple[str, float]]:
    db = connect(path, read_only=True)
    found = Counter((s.device, s.at) for _, (s, _) in entries(db) if not s.device.startswith(("source/", "people/")))
    db.close()
    return found


def permitted(path: Path) -> list[float]:
    """The watts of each permit, in the order of the log."""
    db = connect(path, read_only=True)
    found = [s.values["d/W1/permit_w"] for _, (s, _) in entries(db) if s.device == "people/d/W1"]
    db.close()
    return found


def test_killed_at_random_moments_it_loses_and_doubles_nothing(tmp_path: Path, broker: Mosquitto) -> None:
    rng = random.Random(7)
    undisturbed = Daemon(config(tmp_path, "undisturbed", broker.port), "subscribed", "0")
    disturbed = config(tmp_path, "disturbed", broker.port)
    Daemon(disturbed, "subscribed", "0").stop()  # its session exists from here on
    publisher = Publisher(broker.port, rng)
    kinds = ["received", "committed", "random", "random"] * (ROUNDS // 4 + 1)
    killed: Counter[str] = Counter()
    resent = 0
    declared: list[float] = []
    spool = folder_of(tmp_path / "disturbed.db")
    for kind in kinds[:ROUNDS]:
        for _ in range(3):
            declared.append(1.0 + len(declared))
            declare(Permit("d/W1", declared[-1], 0.0, 9e9), spool)
        if kind == "random":
            life = Daemon(disturbed)
            life.kill(rng.uniform(0.1, 2.0))
        else:
            life = Daemon(disturbed, kind, str(rng.randrange(2, 5)))
            life.wait_until_it_kills_itself()
        killed[kind] += 1
        resent += life.resent
    last = Daemon(disturbed)
    publisher.stop()
    wait_for_all(tmp_path / "disturbed.db", publisher)
    wait_for_all(tmp_path / "undisturbed.db", publisher)
    last.stop()
    undisturbed.stop()
    resent += last.resent
    mark = min(last_mark(tmp_path / "disturbed.db"), last_mark(tmp_path / "undisturbed.db"))
    said = events(tmp_path / "undisturbed.db", mark)
    logging.getLogger(__name__).info(
        "%d kills: %s; %d messages sent again and recognised; %d readings, %d events",
        ROUNDS, dict(killed), resent, len(publisher.confirmed), len(said),
    )  # fmt: skip
    assert waiting(spool) == []
    assert permitted(tmp_path / "disturbed.db") == declared
    assert killed["received"] >= ROUNDS // 4
    assert killed["committed"] >= ROUNDS // 4
    assert resent > 0
    assert logged(tmp_path / "disturbed.db") == publisher.confirmed
    assert logged(tmp_path / "undisturbed.db") == publisher.confirmed
    assert len(said) >= 8
    assert events(tmp_path / "disturbed.db", mark) == said


def wait_for_all(path: Path, publisher: Publisher) -> None:
    polls = iter(range(300))
    never = threading.Event()
    while logged(path) != publisher.confirmed and next(polls, None) is not None:
        never.wait(0.1)
