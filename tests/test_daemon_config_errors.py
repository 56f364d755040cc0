"""A configuration that is wrong: every mistake at once, at its line, in both languages, and no secret in any of it."""

import re
import string
from pathlib import Path

import pytest

import daemon.config
from daemon.config import ConfigError, load
from daemon.config.errors import message_language
from daemon.config.words import MESSAGES, WORDS

DESIGN = Path(__file__).with_name("vectors") / "design.toml"

TEN = """\
[site]
id = "s"
timezone = "Asia/Shanghia"
[[building]]
id = "dorm-1"
kind = "dormatory"
rooms = ["101-118", "218-201"]
bed = 480
[[source]]
name = "broker"
kind = "mqtt"
url = "localhost:1883"
  [[source.topic]]
  filter = "c/{building}/{rom}/meter"
  payload = "json"
  fields = { P = "powr_w", E = { quantity = "energy_kwh", unit = "kwh" } }
[[source]]
name = "bus"
kind = "serial"
port = "/dev/ttyUSB0"
  [[source.device]]
  model = "dlt645-single-phase"
  address = 12345
  place = "dorm-1/101"
[[rule]]
kind = "high_power"
step_w = "300"
"""
TEN_EN = [
    ':3: site.timezone: unknown time zone "Asia/Shanghia", allowed: Asia/Shanghai, Africa/Abidjan, Africa/Accra, …; '
    'did you mean "Asia/Shanghai"?',
    ':6: building.kind: unknown kind "dormatory", allowed: dormitory, teaching, administration, laboratory, library, '
    'canteen, staff_housing, plant, outdoor; did you mean "dormitory"?',
    ':7: building.rooms: "218-201" is not a range of rooms, allowed: first to last of one floor such as "101-118"',
    ':8: building.bed: unknown key "bed", allowed: id, name, kind, area_m2, beds, rooms, washrooms, corridors, '
    'stairwells, offices, drinking_boilers, owner, note, supply; did you mean "beds"?',
    ':12: source.url: not the address of a broker, allowed: "mqtt://HOST:PORT" or "mqtts://HOST:PORT"',
    ':14: source.topic.filter: unknown placeholder "rom", allowed: building, room, place, device; did you mean "room"?',
    ':16: source.topic.fields.P: unknown quantity "powr_w", allowed: power_w, reactive_power_var, apparent_power_va, '
    "voltage_v, current_a, power_factor, frequency_hz, flow_lpm, temperature_c, humidity_pct, illuminance_lx, "
    "pressure_kpa, co2_ppm, energy_kwh, reactive_energy_kvarh, volume_m3, gas_m3, occupied, door_open, flame, on; did "
    'you mean "power_w"?',
    ':16: source.topic.fields.E.unit: unknown unit "kwh", allowed: kWh, Wh, MWh; did you mean "kWh"?',
    ":23: source.device.address: must be text in quotes, found a whole number",
    ":27: rule.step_w: must be a number, found text in quotes",
]

SITE = '[site]\nid = "s"\n'
HOUSES = '[[building]]\nid = "d"\nkind = "dormitory"\nrooms = ["101-103"]\n'  # lines 3 to 6
BROKER = '[[source]]\nname = "m"\nkind = "mqtt"\nurl = "mqtt://h"\n'  # lines 7 to 10
BUS = '[[source]]\nname = "b"\nkind = "serial"\nport = "/dev/x"\n'
NUMBER = '[[source.topic]]\nfilter = "{0}/{{building}}/{{room}}"\npayload = "number"\nquantity = "power_w"\n'


def meter(address: str, place: str, **more: object) -> str:
    rows = {"model": "dlt645-single-phase", "address": address, "place": place} | more
    return "[[source.device]]\n" + "".join(f"{key} = {value!r}\n" for key, value in rows.items())


def topic(*rows: str) -> str:
    return SITE + HOUSES + BROKER + "[[source.topic]]\n" + "\n".join(rows)


CASES = {  # text of the file -> what is said of it, all of it
    "syntax": ("[site]\nid = \n", [":2: TOML: not valid TOML"]),
    "syntax at the end": ('[site]\nid = "s', [":2: TOML: not valid TOML"]),
    "no site": ("", [":1: site: this key is needed here"]),
    "site as a list": ('[[site]]\nid = "s"', [":1: site: must be a table, found a list"]),
    "building as a table": (SITE + '[building]\nid = "d"', [":3: building: must be a list of tables"]),
    "unknown section": (
        SITE + '[[bulding]]\nid = "d"',
        [':3: bulding: unknown key "bulding", allowed: .*mean "building"'],
    ),
    "missing id": ('[site]\nname = "x"', [":1: site.id: this key is needed here"]),
    "infinite": (SITE + "grace_s = inf", [":3: site.grace_s: must be a finite number"]),
    "negative": (SITE + "grace_s = -1", [":3: site.grace_s: too small, allowed: at least 0"]),
    "zero": (SITE + "[store]\ncommit_s = 0", [":4: store.commit_s: too small, allowed: more than 0"]),
    "large": (SITE + "latitude = 139.9", [":3: site.latitude: too large, allowed: at most 90"]),
    "bad id": ('[site]\nid = "no 1"', [':2: site.id: "no 1" cannot be an id']),
    "open panel": (SITE + '[panel]\nlisten = "0.0.0.0:8080"', [r":4: panel.listen: listening on 0\.0\.0\.0:8080"]),
    "bad listen": (SITE + '[panel]\nlisten = "8080"', [':4: panel.listen: "8080" is not an address']),
    "no hash": (SITE + '[panel]\npassword_file = "secret.txt"', [":4: panel.password_file: .* password hash"]),
    "term": (SITE + '[[term]]\nname = "x"\nfrom = 2026-09-01\nto = 2026-01-01', [":3: term: ends on 2026-01-01"]),
    "term in text": (
        SITE + '[[term]]\nname = "x"\nfrom = "2026-09-01"\nto = 2027-01-01',
        [":5: term.from: must be a date"],
    ),
    "span": (
        SITE + '[hours]\nday = "6-22"\nlights_out = "25:00"',
        [':4: hours.day: "6-22"', ':5: hours.lights_out: "25:00"'],
    ),
    "closed days": (SITE + '[hours]\nclosed_days = [2026-10-01,\n"x"]', [":5: hours.closed_days: not closed days"]),
    "building twice": (SITE + HOUSES + HOUSES, [':8: building.id: building "d" is already declared in line 4']),
    "rooms overlap": (
        SITE + '[[building]]\nid = "d"\nkind = "dormitory"\nrooms = ["101-110"]\nwashrooms = ["105-108"]',
        [':7: building.washrooms: room "d/105" is already declared in line 6'],
    ),
    "floors": (SITE + HOUSES.replace("103", "203"), [':6: building.rooms: "101-203" is not a range of rooms']),
    "rooms in doubt": (
        SITE + HOUSES.replace("103", "10") + '[[rule]]\nkind = "silent"\nwhere.building = "d"\nexcept = ["d/102"]',
        [':6: building.rooms: "101-10" is not'],
    ),
    "house in doubt": (
        SITE + HOUSES.replace('"d"', "5") + '[[room]]\nid = "5/1"\n[[rule]]\nkind = "silent"\nexcept = "5/101"',
        [":4: building.id: must be text in quotes, found a whole number"],
    ),
    "one wrong key hides no other": (
        topic('filter = "c/x{place}"', 'payload = "jsn"', 'fields = {a = "powr_w"}', "every_s = 0", 'where.kind="lb"'),
        [":12: source.topic.filter", ":13: source.topic.payload: .*json", ":14: source.topic.fields.a: .*power_w",
         ":15: source.topic.every_s: too small", ":16: source.topic.where.kind: .*lab"],
    ),
    "room of no building": (SITE + HOUSES + '[[room]]\nid = "e/1"', [':8: room.id: unknown building "e", allowed: d']),
    "room id": (SITE + HOUSES + '[[room]]\nid = "101"', [':8: room.id: "101" does not name a room']),
    "source kind": (SITE + '[[source]]\nname = "x"\nkind = "serail"', [':5: source.kind: .*mean "serial"']),
    "source without kind": (SITE + '[[source]]\nname = "x"', [":3: source.kind: this key is needed here"]),
    "sources twice": (SITE + BROKER + BROKER, [':8: source.name: source "m" is already declared in line 4']),
    "secret in url": (SITE + BROKER.replace("//h", "//u:hush@h"), [":6: source.url: user and password do not belong"]),
    "password in file": (SITE + BROKER + 'password = "hush"', [':7: source.password: .*mean "password_file"']),
    "no secret file": (
        SITE + BROKER + 'username = "u"\npassword_file = "none"', [':8: source.password_file: no such file "none"'],
    ),
    "secret is a folder": (
        SITE + BROKER + 'username = "u"\npassword_file = "."', [r':8: source.password_file: cannot read "\."'],
    ),
    "empty secret": (
        SITE + BROKER + 'username = "u"\npassword_file = "empty.txt"', [":8: source.password_file: .* is empty"],
    ),
    "no username": (
        SITE + BROKER + 'password_file = "secret.txt"',
        [":7: source.password_file: a password needs a user"],
    ),
    "no certificate": (SITE + BROKER + 'ca_file = "ca.pem"', [':7: source.ca_file: no such file "ca.pem"']),
    "no placeholder": (
        topic('filter = "c/meter"', 'payload = "number"', 'quantity = "on"'),
        [":12: source.topic.filter: the filter has no placeholder"],
    ),
    "room alone": (
        topic('filter = "c/{room}"', 'payload = "number"', 'quantity = "on"'),
        [r":12: source.topic.filter: placeholders that do not go together: \{room\}"],
    ),
    "part of a level": (
        topic('filter = "c/x{building}/{room}"', 'payload = "number"', 'quantity = "on"'),
        [":12: source.topic.filter: .* is not a topic filter"],
    ),
    "place and placeholder": (
        topic('filter = "c/{place}"', 'payload = "number"', 'quantity = "on"', 'place = "d/101"'),
        [":15: source.topic.place: the filter has a placeholder"],
    ),
    "unknown place": (
        topic('filter = "c"', 'payload = "number"', 'quantity = "on"', 'place = "d/104"'),
        [':15: source.topic.place: unknown place "d/104", .*mean "d/10[123]"'],
    ),
    "devices missing": (
        topic('filter = "c/{device}"', 'payload = "number"', 'quantity = "on"'),
        [":12: source.topic.filter: the filter has {device}"],
    ),
    "device nowhere": (
        topic('filter = "c/{device}"', 'payload = "number"', 'quantity = "on"', 'devices = { a = "e/101" }'),
        [':15: source.topic.devices.a: unknown place "e/101", allowed: d/101; did you mean "d/101"'],
    ),
    "devices and where unused": (
        topic('filter = "c"', 'payload = "state"', 'quantity = "on"', 'place = "d"', 'devices.a = "d"', "where = {}"),
        [":16: source.topic.devices: the filter has no {device}", ":17: source.topic.where: where narrows"],
    ),
    "no fields": (
        topic('filter = "{place}"', 'payload = "json"'),
        [":13: source.topic.payload: payload json needs fields"],
    ),
    "json and quantity": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on" }', 'quantity = "on"'),
        [":15: source.topic.quantity: payload json says this in fields"],
    ),
    "number and fields": (
        topic('filter = "{place}"', 'payload = "number"', 'quantity = "on"', 'fields = { a = "on" }'),
        [":15: source.topic.fields: only payload json has this key"],
    ),
    "no quantity": (
        topic('filter = "{place}"', 'payload = "number"'),
        [":11: source.topic.quantity: this key is needed"],
    ),
    "no state": (
        topic('filter = "{place}"', 'payload = "state"', 'quantity = "power_w"'),
        [':14: source.topic.quantity: "power_w" is not a state, .*: occupied, door_open'],
    ),
    "no unit": (
        topic('filter = "{place}"', 'payload = "number"', 'quantity = "occupied"', 'unit = "W"'),
        [':15: source.topic.unit: unknown unit "W", allowed: –'],
    ),
    "two periods": (
        topic('filter = "{place}"', 'payload = "number"', 'quantity = "on"', "every_s = 1", "heartbeat_s = 9"),
        [":16: source.topic.heartbeat_s: every_s and heartbeat_s exclude each other"],
    ),
    "time without zone": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on" }', 'time = {path = "t", format = "%H"}'),
        [":15: source.topic.time: a wall clock needs its zone"],
    ),
    "time format": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on" }', 'time = { path = "t", format = "x" }'),
        [':15: source.topic.time.format: "x" is not a time format'],
    ),
    "part twice": (
        topic('filter = "{place}"', 'payload = "json"', 'fields = { a = "on", b = "on" }'),
        [r":11: source.topic: point d/101/on is already measured in line 11 \(3 in all\)"],
    ),
    "patterns meet": (
        SITE + HOUSES + BROKER + NUMBER.format("a") + NUMBER.format("b"),
        [r":15: source.topic: point d/101/power_w is already measured in line 11 \(3 in all\)"],
    ),
    "two sources": (
        SITE + HOUSES + BROKER + NUMBER.format("a") + BROKER.replace('"m"', '"n"') + NUMBER.format("b"),
        [r':19: source.topic: point d/101/power_w already comes from source "m", line 11 \(3 in all\)'],
    ),
    "meters meet": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101") + meter("000000000002", "d/101"),
        [r":15: source.device: point d/101/\w+ is already measured in line 11"],
    ),
    "one address twice": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101") + meter("000000000001", "d/102"),
        [":17: source.device.address: address 000000000001 is already on this bus, line 13"],
    ),
    "one port twice": (
        SITE + HOUSES + BUS + BUS.replace('"b"', '"c"'), [":14: source.port: .* belongs to the source in line 10"],
    ),
    "model": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101", model="dlt645-singel"),
        [':12: source.device.model: unknown meter model .*mean "dlt645-single-phase"'],
    ),
    "short address": (
        SITE + HOUSES + BUS + meter("12345", "d/101"),
        [':13: source.device.address: "12345" is not the address of a meter'],
    ),
    "line": (SITE + BUS + 'line = "2400 8X1"', [':7: source.line: "2400 8X1" is not a line setting']),
    "rule kind": (SITE + '[[rule]]\nkind = "highpower"', [':4: rule.kind: .*mean "high_power"']),
    "parameter": (
        SITE + '[[rule]]\nkind = "high_power"\nstep = 3',
        [':5: rule.step: unknown key or parameter.*"step_w"'],
    ),
    "bounds": (
        SITE + '[[rule]]\nkind = "high_power"\nstep_w = 3',
        [":5: rule.step_w: 3 is out of range, allowed: 30 to"],
    ),
    "where": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nwhere = { kind = "dormroom", building = "dd", place = ["d/1"] }',
        [
            ":9: rule.where.kind: .*dorm_room",
            ":9: rule.where.building: .*mean \"d\"",
            ":9: rule.where.place: unknown place",
        ],
    ),
    "except": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nexcept = ["d/101", "d/109"]',
        [':9: rule.except: unknown place "d/109"'],
    ),
    "no endpoint file": (SITE + '[[notify]]\nurl_file = "no.url"', [':4: notify.url_file: no such file "no.url"']),
    "endpoint in file": (
        SITE + '[[notify]]\nurl_file = "json://hush"',
        [":4: notify.url_file: an address does not belong"],
    ),
    "no endpoint": (
        SITE + '[[notify]]\nurl_file = "secret.txt"',
        [":4: notify.url_file: .* does not hold an endpoint"],
    ),
    "severity": (
        SITE + '[[notify]]\nurl_file = "good.url"\nseverities = ["majr"]', [':5: notify.severities: .*mean "major"'],
    ),
    "no severity": (
        SITE + '[[notify]]\nurl_file = "good.url"\nseverities = []',
        [":5: notify.severities: must not be empty"],
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"secret.txt": "hush\n", "empty.txt": "\n", "good.url": "json://hush\n"}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def mistakes(folder: Path, text: str | bytes, language: str = "en") -> list[str]:
    path = folder / "site.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as raised:
        load(path, environ={"LANG": language})
    assert str(raised.value).splitlines() == list(raised.value.lines)
    assert "hush" not in str(raised.value)
    return [line.removeprefix(str(path)) for line in raised.value.lines]


def test_ten_mistakes_give_ten_messages(folder: Path):
    assert mistakes(folder, TEN) == TEN_EN


def test_ten_mistakes_in_chinese_stand_at_the_same_keys(folder: Path):
    said = mistakes(folder, TEN, "zh_CN.UTF-8")
    assert [line.split(": ")[:2] for line in said] == [line.split(": ")[:2] for line in TEN_EN]
    assert said[3].startswith(':8: building.bed: 未知的键“bed”，可用：id, name')
    assert said[3].endswith("；是否想写“beds”？")


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_a_mistake_is_told_once_at_its_line(folder: Path, text: str, expected: list[str]):
    said = mistakes(folder, text)
    assert len(said) == len(expected), said
    for line, pattern in zip(said, expected, strict=True):
        assert re.match(pattern, line), line
    assert len(mistakes(folder, text, "zh")) == len(expected)


def test_a_file_in_another_encoding_is_told_at_its_line(folder: Path):
    assert mistakes(folder, '[site]\nname = "第一中学"\n'.encode("gbk")) == [":2: TOML: " + MESSAGES["not_utf8"]["en"]]


def test_no_file_is_a_message(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"none\.toml:1: TOML: cannot read the file"):
        load(tmp_path / "none.toml", environ={"LANG": "en"})


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + SITE.encode(), SITE.replace("\n", "\r\n").encode()])
def test_what_windows_writes_is_read(folder: Path, text: bytes):
    (folder / "site.toml").write_bytes(text)
    assert load(folder / "site.toml", environ={}).site.id == "s"


LITERALS = ("1", "-1.5", "nan", "true", '""', '"x"', "[]", '["x", 1]', "{}", "{ a = 1 }", "2026-01-01", f"1{'0' * 400}")


@pytest.mark.parametrize("turn", range(3))
def test_whatever_a_value_is_the_answer_is_a_message(folder: Path, turn: int):
    rows = DESIGN.read_text(encoding="utf-8").splitlines()
    (folder / "wecom.url").write_text("json://hush")
    path = folder / "site.toml"
    said: list[str] = []
    for index, row in enumerate(rows):
        key, equals, _ = row.partition(" = ")
        if not equals:
            continue
        literal = LITERALS[(index * 5 + turn * 4) % len(LITERALS)]
        path.write_text("\n".join([*rows[:index], f"{key} = {literal}", *rows[index + 1 :]]), encoding="utf-8")
        try:
            load(path, environ={"LANG": "en"})
        except ConfigError as error:
            said += error.lines
    assert len(said) > 15
    assert [line for line in said if not re.fullmatch(r".*/site\.toml:\d+: [\w.]+: .{9,}", line)] == []


# -- warnings

METER = '[[source.topic]]\nfilter = "c/{building}/{room}"\npayload = "number"\nquantity = "power_w"\n'
WARNINGS = {
    "quiet": (SITE + HOUSES + BROKER + METER, []),
    "where empty": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nwhere = { kind = "gate" }',
        [":9: rule.where: warning: .*no place"],
    ),
    "where empty and off": (
        SITE + HOUSES + '[[rule]]\nkind = "silent"\nenabled = false\nwhere = { kind = "gate" }',
        [":10: rule.where: warning: "],
    ),
    "where idle": (
        SITE + HOUSES + BROKER + METER + '[[rule]]\nkind = "running_water"\nwhere = { building = "d" }',
        [r":17: rule.where: warning: no place that where matches measures .*\(4 places\)"],
    ),
    "topic of nothing": (
        SITE + HOUSES + BROKER + METER + 'where = { kind = "gate" }',
        [":12: source.topic.filter: warning: no place fits"],
    ),
    "too slow": (
        SITE + HOUSES + BROKER + METER + "every_s = 900",
        [":15: source.topic.every_s: warning: a reading every 900 s is too slow for the rule high_power"],
    ),
    "on change is not slow": (SITE + HOUSES + BROKER + METER + "heartbeat_s = 3600", []),
    "bus too slow": (
        SITE + HOUSES + BUS + meter("000000000001", "d/101", every_s=1),
        [
            r":11: source.device: warning: all meters of this bus take about 1\.\d s a round, so every_s = 1 cannot",
        ],
    ),
    "open secret": (
        SITE + '[[notify]]\nurl_file = "open.url"',
        [':4: notify.url_file: warning: "open.url" can be read by everybody'],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WARNINGS.values(), ids=WARNINGS)
def test_a_warning_refuses_nothing(folder: Path, text: str, expected: list[str]):
    (folder / "open.url").write_text("json://hush\n")
    (folder / "open.url").chmod(0o644)
    path = folder / "site.toml"
    path.write_text(text)
    said = [line.removeprefix(str(path)) for line in load(path, environ={"LANG": "en"}).warnings]
    assert len(said) == len(expected), said
    for line, pattern in zip(said, expected, strict=True):
        assert re.match(pattern, line), line


# -- words


def test_every_message_has_both_languages_and_the_same_values():
    for code, row in (MESSAGES | WORDS).items():
        english, chinese = ({part[1] for part in string.Formatter().parse(row[name])} for name in ("en", "zh"))
        assert english - {None} == chinese - {None}, code
        assert row.keys() == {"en", "zh"}
        assert re.search(r"[\u4e00-\u9fff“]", row["zh"]), code


def test_every_code_has_its_words_and_every_word_its_use():
    (folder,) = daemon.config.__path__
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(folder).glob("*.py") if path.name != "words.py")
    quoted = set(re.findall(r'"([a-z_0-9]+)"', sources))
    raised = set(re.findall(r'(?:error|warn)\((?:\([^()]*\)|[\w.]+), "(\w+)"|WrongValueError\("(\w+)"', sources))
    assert {code for pair in raised for code in pair if code} <= MESSAGES.keys()
    assert quoted >= MESSAGES.keys()


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "zh"), ({"LANG": "C.UTF-8"}, "zh"), ({"LANG": "POSIX"}, "zh"), ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_TW"}, "zh"), ({"LANG": "zh_CN", "LC_ALL": "en_US"}, "en"), ({"LANG": "de_DE"}, "zh"),
    ],
)  # fmt: skip
def test_the_language_is_the_environments_or_the_sites(environ: dict[str, str], language: str):
    assert message_language(environ, "zh") == language
