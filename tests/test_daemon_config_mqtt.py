"""Devices over MQTT in the configuration: the pages about them are true, what they make, what is said of mistakes."""

import re
from pathlib import Path

import pytest
from test_daemon_config import loaded
from tracked import ROOT

from adapters.payloads import CONVENTIONS
from adapters.payloads.topics import TopicTable
from adapters.source import MqttSource
from daemon.config import ConfigError
from rules.silent import Silent

NOW = 1_770_000_000.0
SITE = """[site]
id = "s"
[[building]]
id = "dorm-3"
kind = "dormitory"
rooms = ["101-118"]
washrooms = ["1F-wash"]
[[source]]
name = "m"
kind = "mqtt"
url = "mqtt://h"
"""
PAGES = ("docs/mqtt.md", "docs/mqtt.zh.md")


def examples(page: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Each configuration of a page, with the rows of topic, payload and readings below it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"((?:^    .*\n|^\n(?=    ))+)\n\| .* \|\n\|-.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    row = re.compile(r"\| `(.+?)` \| `(.+?)` \| (.+) \|")
    return [(toml[toml.index("[[") :], [row.fullmatch(line).groups() for line in rows.splitlines()])  # type: ignore[union-attr,misc]
            for toml, rows in found]  # fmt: skip


EXAMPLES = [(page, index) for page in PAGES for index in range(7)]


@pytest.mark.parametrize(("page", "index"), EXAMPLES)
def test_the_examples_of_the_page_say_what_they_say(tmp_path: Path, page: str, index: int) -> None:
    toml, rows = examples(page)[index]
    made = loaded(tmp_path, SITE + toml)
    (source,) = made.sources
    assert isinstance(source, MqttSource)
    table = TopicTable(source.name, source.topics)
    assert rows
    for name, payload, readings in rows:
        reader = table.reader(name.encode())
        assert reader is not None, name
        sample, _, faults = reader.decode(payload.encode(), NOW)
        assert sample is not None, faults
        assert faults == []
        told = {point: float(value) for point, value in re.findall(r"`(.+?)` ([\d.]+)", readings)}
        assert sample.values == pytest.approx(told)
        for point in sample.values:
            assert made.site.points[point].device == reader.device


def test_both_pages_have_an_example_of_each_convention() -> None:
    first, second = (examples(page) for page in PAGES)
    assert first == second
    assert len(first) == 7
    named = set(re.findall(r'payload = "([\w-]+)"', "".join(toml for toml, _ in first)))
    assert named >= {name for name, item in CONVENTIONS.items() if item.reader is None}


CONTACT = """[[source.topic]]
filter = "zigbee2mqtt/{device}"
payload = "zigbee2mqtt"
quantities = ["door_open"]
devices = { "a/door" = "dorm-3/101", "a/motion" = "dorm-3/101/entry" }
heartbeat_s = 14400
"""


def test_a_device_that_says_whether_it_is_online_has_a_point_for_it(tmp_path: Path) -> None:
    made = loaded(tmp_path, SITE + CONTACT)
    points = made.site.points
    assert {point: (item.device, item.holds_s) for point, item in points.items()} == {
        "dorm-3/101/door_open": ("m:zigbee2mqtt/a/door", 14400.0),
        "dorm-3/101/entry/door_open": ("m:zigbee2mqtt/a/motion", 14400.0),
        "dorm-3/101/a-door/online": ("m:zigbee2mqtt/a/door", 0.0),
        "dorm-3/101/a-motion/online": ("m:zigbee2mqtt/a/motion", 0.0),
    }
    asked = {watch.key: set(watch.inputs.values()) for watch in Silent().watches(made.site)}
    assert "dorm-3/101/a-door/online" in asked["silent/m:zigbee2mqtt/a/door"]
    assert "dorm-3/101/a-motion/online" not in asked["silent/m:zigbee2mqtt/a/door"]


def topic(*rows: str) -> str:
    return SITE + "[[source.topic]]\n" + "\n".join(rows)


ZIGBEE = ('filter = "z/{device}"', 'payload = "zigbee2mqtt"')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (topic(*ZIGBEE, 'devices = { x = "dorm-3/101" }'),
         r'14: source.topic.payload: payload zigbee2mqtt needs quantities'),
        (topic(*ZIGBEE, 'quantities = ["power_kw"]', 'devices = { x = "dorm-3/101" }'),
         r'15: source.topic.quantities: unknown quantity "power_kw"'),
        (topic(*ZIGBEE, 'quantities = ["power_w"]', 'multiplier = 2', 'devices = { x = "dorm-3/101" }'),
         r'16: source.topic.multiplier: payload zigbee2mqtt knows its units'),
        (topic(*ZIGBEE, 'quantities = ["power_w"]', 'unit = "kW"', 'devices = { x = "dorm-3/101" }'),
         r'16: source.topic.unit: payload zigbee2mqtt knows its units'),
        (topic('filter = "z/{place}"', 'payload = "zigbee2mqtt"', 'quantities = ["power_w"]'),
         r'13: source.topic.filter: payload zigbee2mqtt knows devices, not places'),
        (topic(*ZIGBEE, 'quantities = ["power_w"]', 'devices = { x = "dorm-3/119" }'),
         r'16: source.topic.devices.x: unknown'),
        (topic(*ZIGBEE, 'quantities = ["power_w"]', 'devices = { x = "dorm-3/101/a b" }'),
         r'16: source.topic.devices.x: "a b" cannot be an id'),
        (topic(*ZIGBEE, 'quantities = ["power_w"]', 'devices = { x = "dorm-3/101/power_w" }'),
         r'16: source.topic.devices.x: "power_w" is a quantity'),
        (topic(*ZIGBEE, 'quantities = ["power_w"]', 'devices = { x = "dorm-3/101" }', 'time = { path = "t" }'),
         r'17: source.topic.time: payload zigbee2mqtt knows where its time is'),
        (topic('filter = "j/{device}"', 'payload = "json"', 'fields = { a = "power_w" }',
               'devices = { "x#1" = "dorm-3/101" }'), r'16: source.topic.devices.x#1: "x#1" names a channel'),
        (topic('filter = "j/{device}"', 'payload = "json"', 'fields = { a = "power_w" }', 'quantities = ["on"]',
               'devices = { x = "dorm-3/101" }'), r'16: source.topic.quantities: payload json does not say'),
        (topic('filter = "e/{device}"', 'payload = "esphome"', 'devices = { x = "dorm-3/101" }'),
         r'14: source.topic.payload: payload esphome needs fields'),
        (topic('filter = "s/{device}"', 'payload = "shelly-gen1"', 'quantities = ["power_w"]',
               'fields = { a = "on" }', 'devices = { x = "dorm-3/101" }'),
         r'16: source.topic.fields: this key goes with a payload that has fields'),
        (topic('filter = "j/{place}"', 'payload = "json"', 'fields = { a = "power_w" }', 'time = { format = "unix" }'),
         r'16: source.topic.time.path: this key is needed here'),
    ],
)  # fmt: skip
def test_mistakes_are_told_once(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    rows = str(caught.value).splitlines()
    assert len(rows) == 1, rows
    assert re.search(said, rows[0]), rows


def test_a_part_of_a_place_goes_with_any_payload(tmp_path: Path) -> None:
    rows = ('filter = "j/{device}"', 'payload = "json"', 'fields = { P = "power_w" }',
            'devices = { x = "dorm-3/101/sockets" }')  # fmt: skip
    made = loaded(tmp_path, topic(*rows))
    assert list(made.site.points) == ["dorm-3/101/sockets/power_w"]
    (source,) = made.sources
    assert isinstance(source, MqttSource)
    reader = TopicTable("m", source.topics).reader(b"j/x")
    assert reader is not None
    sample = reader.decode(b'{"P": 5}', NOW).sample
    assert sample is not None
    assert sample.values == {"dorm-3/101/sockets/power_w": 5.0}


def test_the_wall_clock_of_a_tasmota_may_be_given_its_zone(tmp_path: Path) -> None:
    rows = ('filter = "tele/{device}/SENSOR"', 'payload = "tasmota"', 'quantities = ["power_w"]',
            'time = { zone = "Asia/Shanghai" }', 'devices = { x = "dorm-3/101" }')  # fmt: skip
    made = loaded(tmp_path, topic(*rows))
    assert "dorm-3/101/clock_offset_s" in made.site.points
    (source,) = made.sources
    assert isinstance(source, MqttSource)
    reader = TopicTable("m", source.topics).reader(b"tele/x/SENSOR")
    assert reader is not None
    sample = reader.decode(b'{"Time": "2026-02-02T10:40:00", "ENERGY": {"Power": 5}}', NOW + 3).sample
    assert sample is not None
    assert sample.at == NOW
