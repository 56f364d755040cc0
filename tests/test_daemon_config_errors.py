"""A configuration that is wrong: every mistake at once, at its line, in both languages, and no secret in any of it."""

import re
import string
from pathlib import Path

import pytest
from config_mistakes import CASES, SITE, WARNINGS

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
    'stairwells, offices, drinking_boilers, owner, note, supply, heating; did you mean "beds"?',
    ':12: source.url: not the address of a broker, allowed: "mqtt://HOST:PORT" or "mqtts://HOST:PORT"',
    ':14: source.topic.filter: unknown placeholder "rom", allowed: building, room, place, device; did you mean "room"?',
    ':16: source.topic.fields.P: unknown quantity "powr_w", allowed: power_w, reactive_power_var, apparent_power_va, '
    '…; did you mean "power_w"?',
    ':16: source.topic.fields.E.unit: unknown unit "kwh", allowed: kWh, Wh, MWh; did you mean "kWh"?',
    ":23: source.device.address: must be text in quotes, found a whole number",
    ":27: rule.step_w: must be a number, found text in quotes",
]

@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"secret.txt": "hush\n", "empty.txt": "\n", "good.url": "json://hush\n",
             "weixin.url": "weixin://hush\n"}  # fmt: skip
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


@pytest.mark.parametrize("value", ["[" * 5_000 + "]" * 5_000, "9" * 5_000], ids=["nested", "digits"])
def test_a_hostile_value_is_a_message(tmp_path: Path, value: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(f'[site]\nid = "s"\nlatitude = {value}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}:")
