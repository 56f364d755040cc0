"""A configuration that is right: places, points, sources, rules and channels made of it."""

import dataclasses
import os
import re
import shutil
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from tracked import text_of, tracked

from adapters.source import DeviceTime, Field, Line, MqttSource, SerialSource
from daemon.config import ConfigError, Loaded, load
from rules.calendar import Span, Term
from rules.high_power import HighPower
from rules.model import Delivery, Severity, Turn
from rules.sun import Sun

DESIGN = Path(__file__).with_name("vectors") / "design.toml"
SITE = '[site]\nid = "s"\n'
HOUSES = """
[[building]]
id = "d"
name = "Dorm"
kind = "dormitory"
rooms = ["101-103", "A201", "Loft"]
washrooms = ["1F-wash"]
corridors = ["B1F-hall"]
owner = "Wardens"
[[building]]
id = "t"
kind = "teaching"
rooms = ["001-002"]
"""
BROKER = '[[source]]\nname = "Main Broker"\nkind = "mqtt"\nurl = "mqtt://h"\n'


def loaded(folder: Path, text: str, **files: str) -> Loaded:
    for name, content in files.items():
        file = folder / name.replace("_", ".")
        file.write_text(content, encoding="utf-8")
        file.chmod(0o600)
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ={"LANG": "en_US.UTF-8"})


@pytest.fixture
def design(tmp_path: Path) -> Loaded:
    shutil.copy(DESIGN, tmp_path / "site.toml")
    secret = tmp_path / "wecom.url"
    secret.write_text("wecombot://KEY\n")
    secret.chmod(0o600)
    return load(tmp_path / "site.toml", environ={})


# -- the file of the design


def test_the_design_loads_without_a_warning(design: Loaded, tmp_path: Path):
    assert [text for text in design.warnings if "调休" not in text] == []  # 2027's are published late in 2026
    assert (design.site.id, design.site.name, design.language) == ("no1-middle", "第一中学", "zh")
    assert (design.grace_s, design.clock) == (10.0, "auto")
    assert (design.panel.host, design.panel.port, design.panel.password_hash) == ("127.0.0.1", 8080, None)
    assert (design.store_path, design.commit_s) == (tmp_path / "caretaker.db", 60.0)


def test_the_design_has_its_places_and_calendar(design: Loaded):
    places = design.site.places
    assert len(places) == 2 + 36 + 2 + 10 + 1
    room = places["dorm-3/101"]
    assert (room.kind, room.floor, room.owner, room.name) == ("dorm_room", "1", "宿管一组", "3号宿舍楼 101")
    assert (places["dorm-3"].kind, places["dorm-3"].supply) == ("dormitory", Span(360, 1380))
    assert (places["dorm-3/2F-wash"].kind, places["dorm-3/2F-wash"].floor) == ("washroom", "2")
    boiler = places["teach-1/boiler"]
    assert (boiler.kind, boiler.owner, boiler.note) == ("boiler_room", "锅炉班", "总阀在门后")
    calendar = design.site.calendar
    assert calendar.terms == (Term("2026-2027 上", date(2026, 9, 1), date(2027, 1, 22)),)
    assert (calendar.day, calendar.usual.lights_out) == (Span(380, 1350), 1350)
    assert design.site.sun == Sun(39.9, 116.4)


def test_the_meter_on_the_bus_goes_before_the_pattern(design: Loaded):
    broker, bus = design.sources
    assert isinstance(broker, MqttSource)
    assert isinstance(bus, SerialSource)
    assert (broker.host, broker.port, broker.tls) == ("localhost", 1883, False)
    assert broker.client_id == "caretaker-no1-middle-broker"
    assert bus.line == Line(2400, 8, "E", 1)
    on_bus = design.site.points["dorm-3/101/power_w"]
    by_pattern = design.site.points["dorm-3/102/power_w"]
    assert (on_bus.device, on_bus.source, on_bus.holds_s) == ("dorm-3 bus/000000012345", "dorm-3 bus", 75.0)
    assert (by_pattern.device, by_pattern.holds_s) == ("broker:campus/dorm-3/102/meter", 150.0)
    assert broker.topics[0].places == {p for p in design.site.places if "/" in p} - {"dorm-3/101"}


def test_the_design_changes_one_rule_and_tells_one_channel(design: Loaded):
    keys = {(watch.rule, watch.place) for watch in design.watches()}
    assert ("high_power", "dorm-3/117") in keys
    assert ("high_power", "dorm-3/118") not in keys
    assert ("silent", "dorm-3/118") in keys
    channel = design.channels[0]
    assert (channel.name, channel.url) == ("wecom", "wecombot://KEY")
    assert channel.severities == {Severity.MAJOR, Severity.CRITICAL}
    assert (channel.turns, channel.deliveries) == ({Turn.RAISED}, {Delivery.PAGE, Delivery.DIGEST})
    assert channel.quiet == Span(1350, 360)
    assert "KEY" not in repr(design)


def test_what_is_loaded_is_used():
    used = re.compile(r"\b(?:loaded|self)\.(\w+)")
    read = {name for path in tracked("daemon/*.py") for name in used.findall(text_of(path) or "")}
    assert {field.name for field in dataclasses.fields(Loaded)} - read == set()


# -- places


def test_rooms_come_from_ranges_and_names(tmp_path: Path):
    places = loaded(tmp_path, SITE + HOUSES).site.places
    assert list(places) == [
        "d", "d/101", "d/102", "d/103", "d/A201", "d/Loft", "d/1F-wash", "d/B1F-hall", "t", "t/001", "t/002",
    ]  # fmt: skip
    floors = {id: places[id].floor for id in ("d/103", "d/A201", "d/Loft", "d/1F-wash", "d/B1F-hall", "t/001")}
    assert floors == {"d/103": "1", "d/A201": "2", "d/Loft": "", "d/1F-wash": "1", "d/B1F-hall": "B1", "t/001": "0"}
    assert places["t"].name == "t"


def test_a_room_table_changes_or_adds_a_room(tmp_path: Path):
    text = HOUSES + '[[room]]\nid = "d/101"\nname = "Store"\nkind = "shop"\nsupply = "06:00-18:00"\n'
    places = loaded(tmp_path, SITE + text + '[[room]]\nid = "t/attic"\nfloor = "9"\n').site.places
    assert places["d/101"] == places["d/102"]._replace(
        id="d/101", name="Store", kind="shop", supply=Span(360, 1080)
    )
    assert (places["t/attic"].kind, places["t/attic"].floor) == ("classroom", "9")


# -- topics

TOPICS = [  # (the table, a point it makes, its device, its holds_s; how many points)
    ('filter = "c/{building}/{room}"\npayload = "number"\nquantity = "power_w"',
     "d/101/power_w", "Main Broker:c/d/101", 150.0, 9),
    ('filter = "c/{place}/+/x/#"\npayload = "number"\nquantity = "power_w"\nwhere.kind = "dorm_room"\nevery_s = 10',
     "d/Loft/power_w", "Main Broker:c/d/Loft/+/x/#", 25.0, 5),
    ('filter = "house/{building}/power"\npayload = "number"\nquantity = "power_w"\npart = "lighting"',
     "d/lighting/power_w", "Main Broker:house/d/power", 150.0, 2),
    ('filter = "z/{device}"\npayload = "json"\nfields = { a = "occupied" }\ndevices = { x1 = "t/001", x2 = "t" }',
     "t/001/occupied", "Main Broker:z/x1", 150.0, 2),
    ('filter = "odd/topic"\nplace = "t/002"\npayload = "state"\nquantity = "door_open"\nheartbeat_s = 3600',
     "t/002/door_open", "Main Broker:odd/topic", 3600.0, 1),
    ('filter = "c/{building}/{room}"\npayload = "json"\nfields = { "E[0].P" = "power_w", E = "energy_kwh" }\n'
     'where = { building = ["t"], place = ["t/001", "d/101"] }', "t/001/energy_kwh", "Main Broker:c/t/001", 150.0, 2),
]  # fmt: skip


@pytest.mark.parametrize(("table", "point", "device", "holds_s", "count"), TOPICS)
def test_a_topic_makes_points(tmp_path: Path, table: str, point: str, device: str, holds_s: float, count: int):
    made = loaded(tmp_path, SITE + HOUSES + BROKER + "[[source.topic]]\n" + table)
    assert len(made.site.points) == count
    assert (made.site.points[point].device, made.site.points[point].holds_s) == (device, holds_s)
    assert made.site.points[point].source == "Main Broker"


def test_units_scale_and_multiplier_make_one_factor(tmp_path: Path):
    table = """[[source.topic]]
    filter = "c/{building}/{room}"
    payload = "json"
    fields = { P = { quantity = "power_w", unit = "kW", scale = 0.1, multiplier = 40, part = "lighting" }, E.x = "on" }
    time = { path = "ts", format = "%Y-%m-%d %H:%M:%S", zone = "Asia/Shanghai" }
    """.replace("E.x", '"E.x"')
    source = loaded(tmp_path, SITE + HOUSES + BROKER + table).sources[0]
    assert isinstance(source, MqttSource)
    topic = source.topics[0]
    assert topic.fields == (
        Field(path="P", quantity="power_w", part="lighting", scale=4000.0), Field(path="E.x", quantity="on"),
    )  # fmt: skip
    assert topic.time == DeviceTime(path="ts", format="%Y-%m-%d %H:%M:%S", zone="Asia/Shanghai")


def test_secrets_and_tls_of_a_broker(tmp_path: Path):
    text = (
        '[[source]]\nname = "楼 1"\nkind = "mqtt"\nurl = "mqtts://h.example"\n'
        'username = "u"\npassword_file = "pw.txt"\nca_file = "ca.pem"\n'
    )
    key = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=h", "-keyout", tmp_path / "ca.key"]
    subprocess.run([*key, "-out", tmp_path / "ca.pem"], check=True, capture_output=True)
    source = loaded(tmp_path, SITE + text, pw_txt="hush\n").sources[0]
    assert isinstance(source, MqttSource)
    assert (source.port, source.tls, source.password) == (8883, True, "hush")
    assert (source.ca_file, source.client_id) == (str(tmp_path / "ca.pem"), "caretaker-s-楼-1")
    assert "hush" not in repr(source)


def test_a_panel_with_a_password_may_listen_to_all(tmp_path: Path):
    panel = loaded(
        tmp_path, SITE + '[panel]\nlisten = "0.0.0.0:80"\npassword_file = "p.txt"\n', p_txt="$argon2id$v=19$x"
    ).panel
    assert (panel.host, panel.port, panel.password_hash) == ("0.0.0.0", 80, "$argon2id$v=19$x")


# -- rules

METERS = HOUSES + BROKER + """[[source.topic]]
filter = "c/{building}/{room}"
payload = "number"
quantity = "power_w"
where = { kind = "dorm_room" }
"""


def steps(made: Loaded) -> dict[str, float]:
    return {place: rule.step_w for rule, places in made.rules if isinstance(rule, HighPower) for place in places}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", {"d/101": 300.0, "d/102": 300.0, "d/103": 300.0}),
        ("step_w = 400", {"d/101": 400.0, "d/102": 400.0, "d/103": 400.0}),
        ('step_w = 400\nwhere = { place = "d/102" }', {"d/101": 300.0, "d/102": 400.0, "d/103": 300.0}),
        ('except = ["d/101", "d/103"]', {"d/102": 300.0}),
        ('enabled = false\nwhere = { place = ["d/101"] }', {"d/102": 300.0, "d/103": 300.0}),
        ('step_w = 400\nalarm_w = 900\n[[rule]]\nkind = "high_power"\nstep_w = 500\nwhere = { place = "d/101" }',
         {"d/101": 500.0, "d/102": 400.0, "d/103": 400.0}),
        ('enabled = false\n[[rule]]\nkind = "high_power"\nwhere = { place = "d/101" }', {"d/101": 300.0}),
        ('enabled = false\nwhere = { building = "d" }', {}),
    ],
)  # fmt: skip
def test_a_later_rule_replaces_the_pack_where_it_matches(tmp_path: Path, rules: str, expected: dict[str, float]):
    text = SITE + METERS + (f'[[rule]]\nkind = "high_power"\n{rules}' if rules else "")
    found = steps(loaded(tmp_path, text))
    assert {place: step for place, step in found.items() if place in ("d/101", "d/102", "d/103")} == expected


def test_a_replaced_parameter_starts_from_the_default(tmp_path: Path):
    text = '[[rule]]\nkind = "high_power"\nalarm_w = 900\n[[rule]]\nkind = "high_power"\nstep_w = 500\n'
    (rule,) = (rule for rule, _ in loaded(tmp_path, SITE + METERS + text).rules if isinstance(rule, HighPower))
    assert (rule.step_w, rule.alarm_w) == (500.0, 500.0)
    assert isinstance(rule.step_w, float)


# -- size


def test_a_large_campus_is_watched_whole(tmp_path: Path):
    floors = ", ".join(f'"{floor}01-{floor}20"' for floor in range(1, 6))
    houses = "".join(f'[[building]]\nid = "b{i}"\nkind = "dormitory"\nrooms = [{floors}]\n' for i in range(20))
    fields = '{ P = "power_w", Q = "reactive_power_var", E = "energy_kwh", V = "voltage_v", I = "current_a" }'
    topic = f'[[source.topic]]\nfilter = "c/{{building}}/{{room}}"\npayload = "json"\nfields = {fields}\n'
    made = loaded(tmp_path, SITE + houses + BROKER + topic)
    assert len(made.site.points) == 10_000
    kinds = Counter(watch.rule for watch in made.watches())
    assert kinds["high_power"] == 2_000 <= kinds["silent"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    path.chmod(0)
    with pytest.raises(ConfigError, match=r"site\.toml:1: "):
        load(path, environ={})


def test_the_address_for_staff_is_a_web_address(tmp_path: Path):
    good = loaded(tmp_path, SITE + '[panel]\nurl = "http://192.168.1.9:8080"\n')
    assert good.panel.url == "http://192.168.1.9:8080"


HEATED = """
[site]
id = "s"
altitude_m = 1500

[heating]
from = "11-15"
to = "03-15"

[[building]]
id = "a"
kind = "teaching"
rooms = ["101-102"]

[[building]]
id = "b"
kind = "teaching"
rooms = ["101"]
heating = false

[[room]]
id = "a/102"
heating = false

[[room]]
id = "b/101"
heating = true
"""


def test_a_heating_season_holds_for_what_is_heated(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(HEATED, encoding="utf-8")
    site = load(tmp_path / "c.toml", environ={}).site
    heated = {place.id for place in site.places.values() if place.heating is not None}
    season = site.places["a"].heating
    assert site.altitude_m == 1500
    assert heated == {"a", "a/101", "b/101"}
    assert season is not None
    assert [season.holds(date(2026, *day)) for day in ((11, 14), (11, 15), (1, 1), (3, 15), (3, 16))] == [
        False, True, True, True, False,
    ]  # fmt: skip
