"""The demo: its scene by any clock, and the whole of it in a real browser until Ctrl-C."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect, sync_playwright
from tracked import ROOT

from adapters.device_table import load_tables
from adapters.payloads.topics import TopicTable
from adapters.source import MqttSource, SerialSource, point_id
from daemon.config import Loaded, load
from daemon.demo import scene
from daemon.demo.campus import NAMES, PUBLISH_S, write_configuration
from dashboard import words
from rules.engine import Engine
from rules.model import Event, Sample, Turn

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CALM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip
SHANGHAI = ZoneInfo("Asia/Shanghai")
POLL_S = 3.0
WRONG = {
    ("running_water", "dorm-3/2F-wash"), ("lights_left_on", "teach-1/103/lighting"), ("high_power", "dorm-3/102"),
    ("boiler_temperature", "plant-1/boiler"),
}  # fmt: skip
START_S, RAISED_S, END_S = 30.0, 120.0, 20.0   # the most each may take on a busy machine


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded(tmp_path_factory.mktemp("campus"), "zh")


def loaded(folder: Path, language: str) -> Loaded:
    settings = {"listen": "127.0.0.1:0", "broker_port": 1883, "meter_port": "/dev/null"}
    return load(write_configuration(folder, language, "json://127.0.0.1:9/", **settings), environ={})


def played(campus: Loaded, begin: float, until_s: float) -> Iterator[Event]:
    """The events of a scene that begins at a time of day, read by the codecs and judged by the campus's own rules."""
    broker = next(source for source in campus.sources if isinstance(source, MqttSource))
    bus = next(source for source in campus.sources if isinstance(source, SerialSource))
    topics = TopicTable(broker.name, broker.topics)
    asked = {field.quantity for query in load_tables()[bus.devices[0].model].polled for field in query.fields}
    engine = Engine(campus.watches(), mark=begin - 1)
    for second in range(int(until_s)):
        at = begin + second
        if second % PUBLISH_S == 0:
            for topic, payload in scene.messages(second):
                reader = topics.reader(topic.encode())
                assert reader is not None, topic
                sample = reader.decode(payload.encode(), at).sample
                assert sample is not None, payload
                engine.take(sample)
        if second % POLL_S == 0:
            for device in bus.devices:
                measured = scene.meter(device.address, second).items()
                values = {point_id(device.place, "", name): value for name, value in measured if name in asked}
                engine.take(Sample(at, f"bus/{device.address}", values))
        yield from engine.advance(at)


@pytest.mark.parametrize(
    "begin", ["2026-03-04 12:00:00", "2026-03-04 03:00:42", "2026-03-04 23:30:00", "2026-03-08 10:15:20",
              "2026-08-01 22:59:10", "2026-12-31 23:59:30", "2026-03-04 05:58:50"],
)  # fmt: skip
def test_four_alerts_come_and_go_at_any_hour(campus: Loaded, begin: str) -> None:
    start = datetime.fromisoformat(begin).replace(tzinfo=SHANGHAI).timestamp()
    events = [event for event in played(campus, start, 3 * scene.LENGTH_S) if event.turn is not Turn.UPDATED]
    for turn in range(3):
        scene_begin = start + turn * scene.LENGTH_S
        part = [event for event in events if scene_begin <= event.at < scene_begin + scene.LENGTH_S]
        raised = [event for event in part if event.turn is Turn.RAISED]
        assert {(event.rule, event.key) for event in raised} == WRONG
        assert max(event.at for event in raised) - scene_begin <= 40.0
        assert sorted(event.turn for event in part) == ["cleared"] * 4 + ["raised"] * 4
        assert all(event.at - scene_begin <= 100.0 for event in part)
    assert len(events) == 24


def test_every_sentence_of_the_scene_is_whole(campus: Loaded) -> None:
    start = datetime(2026, 3, 4, 12, tzinfo=SHANGHAI).timestamp()
    for event in played(campus, start, scene.LENGTH_S):
        for language in words.LANGUAGES:
            said = words.sentence(event, language)
            assert said != words.title(event.rule, language)
            assert not re.search(r"\b0(\.0)? (s|min|秒|分钟)", said), said


def test_its_meters_only_rise() -> None:
    for address in scene.METERS:
        energy = [scene.meter(address, at_s)["energy_kwh"] for at_s in range(600)]
        assert energy == sorted(energy)
        assert energy[-1] > energy[0] or address != scene.METERS[1]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_its_configuration_has_no_warning(language: str, tmp_path: Path) -> None:
    campus = loaded(tmp_path, language)
    assert campus.warnings == ()
    assert campus.language == language
    assert campus.site.places["dorm-3"].name == NAMES[language]["dorm"]


class Demo:
    """The command in a process and a session of its own, as a terminal starts it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "daemon.cli", "demo", "--language", "zh", *options], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.errors: list[str] = []
        self.output: list[str] = []
        pumps = ((self._process.stdout, self._lines.put), (self._process.stderr, self.errors.append))
        self._pumps = [
            threading.Thread(target=lambda s, sink: [sink(line) for line in s], args=pair, daemon=True)
            for pair in pumps
        ]
        for pump in self._pumps:
            pump.start()

    def address(self) -> str:
        """The panel's address, once it is told."""
        while True:
            try:
                self.output.append(self._lines.get(timeout=START_S))
            except Empty:
                raise AssertionError(f"no address; it said {self.output} and {self.errors}") from None
            told = re.search(r"http://127\.0\.0\.1:\d+/", self.output[-1])
            if told:
                return told.group()

    def interrupt(self, number: signal.Signals, *, whole_group: bool = False) -> int:
        """The exit code after a signal to it alone, or to its broker too, as a terminal sends Ctrl-C."""
        (os.killpg if whole_group else os.kill)(self._process.pid, number)
        code = self._process.wait(END_S)
        for pump in self._pumps:
            pump.join(END_S)
        while not self._lines.empty():
            self.output.append(self._lines.get())
        return code

    def is_anything_left(self) -> bool:
        """Whether any process of its group still runs."""
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Demo]:
    demo = Demo(folder, *options)
    try:
        yield demo
    finally:
        demo.kill()


def test_a_taken_port_is_replaced_and_sigterm_ends_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(tmp_path, "--port", str(port)) as demo:
            assert not demo.address().endswith(f":{port}/")
            assert str(port) in "".join(demo.output)
            assert demo.interrupt(signal.SIGTERM) == 0
            assert not demo.is_anything_left()
    assert demo.errors == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: deploy/test installs it")
def test_a_visitor_sees_four_alerts_come_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0") as demo, sync_playwright() as playwright:
        address = demo.address()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CALM)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(address)
        page.evaluate("window.isTheSamePage = true")
        expect(page.locator(".banner")).to_contain_text("演示")
        for place in ("3号宿舍楼 二楼盥洗室", "1号教学楼 103", "3号宿舍楼 102", "后勤楼 锅炉房"):
            expect(page.locator("#opened")).to_contain_text(place, timeout=RAISED_S * 1000)
        expect(page.locator("#opened li")).to_have_count(4)
        assert page.evaluate("window.isTheSamePage")
        page.get_by_text(re.compile(r"约 14[78]\d 瓦")).click()
        expect(page.locator("#told")).to_contain_text("后勤值班群", timeout=START_S * 1000)
        expect(page.locator("#told")).to_contain_text("已送达")
        expect(page.locator("svg.chart.narrow")).to_be_visible()
        assert demo.interrupt(signal.SIGINT, whole_group=True) == 0
        assert not demo.is_anything_left()
        browser.close()
    assert demo.errors == []
    assert "Ctrl-C" in demo.output[-1]
    assert list(tmp_path.iterdir()) == []
