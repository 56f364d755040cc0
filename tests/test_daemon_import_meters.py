"""A meter list from a spreadsheet: every bad row with what to do, and an included file that keeps what people wrote."""

import csv
import io
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from adapters.device_table import load_tables
from adapters.source import SerialSource
from daemon.cli import main
from daemon.config import load
from daemon.config.importing import Import, planned
from daemon.config.meter_file import edited
from daemon.config.meter_list import Meter

SITE = """\
include = ["meters.toml"]
[site]
id = "s"
[[building]]
id = "d1"
name = "1号楼"
kind = "dormitory"
rooms = ["101-118", "201-210"]
"""
BUS = '[[source]]\nname = "{0}"\nkind = "serial"\nport = "/dev/{0}"\n'
ONE = SITE + BUS.format("bus")
TWO = ONE + BUS.format("bus2")
EXAMPLE = {
    "en": "this is an example of the template: put a meter of yours in its place, or delete the row",
    "zh": "这是样表的示例行：请改成自己的表，或删去此行",
}
ROW = {"en": "row {}: ", "zh": "第 {} 行："}
HEAD = "位置,型号,表地址,倍率,回路,间隔,总线,串口参数,备注\n"
SINGLE = "dlt645-single-phase"


def plan(folder: Path, rows: str | bytes, *, own: str = ONE, language: str = "en", **how: bool) -> Import:
    """What the import of a CSV would do."""
    (folder / "caretaker.toml").write_text(own, encoding="utf-8")
    (folder / "list.csv").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return planned(
        folder / "caretaker.toml", folder / "list.csv", folder / "meters.toml", environ={"LANG": language}, **how
    )


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def told(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> tuple[int, str]:
    """The exit code of an import, and what it says, without the folder."""
    code = main(["import", "meters", "--config", str(folder / "caretaker.toml"), *more])
    said = capsys.readouterr()
    return code, (said.out + said.err).replace(f"{folder}/", "")


# -- bad rows

BAD = [  # own configuration, row below the head, what is said in Chinese, in English
    (ONE, f"d1/1O1,{SINGLE},1", "位置：未知的位置“d1/1O1”，可用：d1, d1/101, d1/102, …", "unknown place"),
    (ONE, f",{SINGLE},1", "位置：此格为空；合并的单元格只有第一格有内容", "this cell is empty; of merged cells"),
    (ONE, "d1/101,,1", "型号：此格为空", "this cell is empty"),
    (ONE, f"d1/101,{SINGLE},", "表地址：此格为空", "this cell is empty"),
    (ONE, "d1/101,dlt645-single-phas,1", "是否想写“dlt645-single-phase”？", 'did you mean "dlt645-single-phase"?'),
    (ONE, "d1/101,DL/T 645-2007,1", "型号：“DL/T 645-2007”对应多个型号，请写明其中之一：", "may be several models"),
    (ONE, f"d1/101,{SINGLE},1.23457E+11", "表地址：“1.23457E+11”是表格软件缩写的长数字", "some digits are lost"),
    (ONE, f"d1/101,{SINGLE},1234567890123", "不是有效的表地址：DL/T 645-2007 的地址是 12 位数字", "wants 12 digits"),
    (ONE, "d1/101,eastron-sdm120,248", "从 1 到 247", "a number from 1 to 247"),
    (ONE, "d1/101,cjt188-cold-water,11223344", "无法判断缺少哪些 0：", "too short to tell which zeros are missing"),
    (ONE, "d1/101,mbus-water,251", "1 到 250", "1 to 250"),
    (ONE, f"d1/101,{SINGLE},1,四十", "倍率：“四十”不是数字，可写如 40、0.5 或 200/5", "is not a number"),
    (ONE, f"d1/101,{SINGLE},1,200/0", "“200/0”不是数字", "is not a number"),
    (ONE, f"d1/101,{SINGLE},1,-1", "倍率：太小，必须大于 0", "too small"),
    (ONE, f"d1/101,{SINGLE},1,,a b", "回路：“a b”不能作编号", "cannot be an id"),
    (ONE, f"d1/101,{SINGLE},1,,,0", "间隔：太小，必须大于 0", "too small"),
    (ONE, f"d1/101,{SINGLE},1,,,,bos", "总线：未知的数据源“bos”，可用：bus；是否想写“bus”？", 'did you mean "bus"?'),
    (TWO, f"d1/101,{SINGLE},1", "总线：有多条串口总线，须在“总线”一列写明，可用：bus, bus2", "allowed: bus, bus2"),
    (SITE, f"d1/101,{SINGLE},1", "总线：配置中还没有串口总线", "has no serial line yet"),
    (ONE, f"d1/101,{SINGLE},1,,,,,9600", "串口参数：“9600”不是有效的串口参数", "is not a line setting"),
    (ONE + f'[[source.device]]\nmodel = "{SINGLE}"\naddress = "000000000001"\nplace = "d1/109"\n',
     f"d1/101,{SINGLE},1", "表地址：地址 000000000001 在此总线上已有（第 caretaker.toml:15 行）",
     "line caretaker.toml:15"),
    (ONE + f'[[source.device]]\nmodel = "{SINGLE}"\naddress = "000000000009"\nplace = "d1/101"\n',
     f"d1/101,{SINGLE},1", "测点 d1/101/energy_kwh 已在第 caretaker.toml:13 行定义", "line caretaker.toml:13"),
    (ONE + '[[source]]\nname = "m"\nkind = "mqtt"\nurl = "mqtt://h"\n[[source.topic]]\nfilter = "x"\n'
     'payload = "number"\nquantity = "power_w"\nplace = "d1/101"\n',
     f"d1/101,{SINGLE},1", "测点 d1/101/power_w 已来自数据源“bus”", 'already comes from source "bus"'),
]  # fmt: skip


@pytest.mark.parametrize(("own", "row", "zh", "en"), BAD, ids=[row for _, row, _, _ in BAD])
def test_a_bad_row_is_told_with_its_number_and_nothing_is_written(
    tmp_path: Path, own: str, row: str, zh: str, en: str
) -> None:
    for language, said in (("zh", zh), ("en", en)):
        made = plan(tmp_path, HEAD + f"d1/210,{SINGLE},77,,,,bus\n" + row, own=own, language=language)
        start = "第 3 行" if language == "zh" else "row 3"
        lines = [line for line in made.rows if line.startswith(start)]
        assert len(lines) == 1, made.rows
        assert said in lines[0]
        assert made.elsewhere == []
        assert 3 in made.bad


def test_all_mistakes_of_all_rows_are_told_at_once(tmp_path: Path) -> None:
    rows = f"d1/999,{SINGLE},1,x\nd1/102,{SINGLE},2\nd1/102,{SINGLE},3\nd1/103,{SINGLE},２\n,,\nd1/104,{SINGLE},4,0\n"
    made = plan(tmp_path, HEAD + rows)
    assert [line.split(": ")[0] for line in made.rows] == [
        "row 2, 位置", "row 2, 倍率", "row 4", "row 5, 表地址", "row 7, 倍率",
    ]  # fmt: skip
    assert "point d1/102/energy_kwh is already measured in line 3 (5 in all)" in made.rows[2]
    assert "address 000000000002 is already on this bus, line 3;" in made.rows[3]
    assert made.bad == {2, 4, 5, 7}


def test_good_rows_go_in_without_the_bad_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en")
    plan(tmp_path, HEAD + f"d1/101,{SINGLE},1\nd1/999,{SINGLE},2\nd1/101,{SINGLE},3\n")
    code, said = told(capsys, tmp_path, str(tmp_path / "list.csv"))
    assert code == 2
    assert said.endswith("2 rows cannot be used, so nothing was written; mend them and import again, or take the "
                         "others with --good-rows\n")  # fmt: skip
    assert not (tmp_path / "meters.toml").exists()
    code, said = told(capsys, tmp_path, str(tmp_path / "list.csv"), "--good-rows")
    assert code == 1
    assert "1 rows: added 1, changed 0, unchanged 0; meters.toml is written\n2 rows were left out\n" in said
    (source,) = load(tmp_path / "caretaker.toml", environ={}).sources
    assert isinstance(source, SerialSource)
    assert [device.address for device in source.devices] == ["000000000001"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no row names the columns; lacking: address, model, place"),
        ("位置,倍率\n".encode(), "lacking: address, model;"),
        (HEAD.encode(), "there is no meter in it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        (b"PK\x03\x04 and no more", "cannot be read: XLSX"),
        (b"\xff\xff\xff", "cannot be read: CSV: UTF-8, GBK"),
        (("a,\n" * 20_001).encode(), "the list is too long, allowed: 20000 rows"),
    ],
)
def test_a_file_that_is_no_list(tmp_path: Path, raw: bytes, said: str) -> None:
    made = plan(tmp_path, raw)
    (line,) = made.rows
    assert line.startswith(f"{tmp_path}/list.csv: ")
    assert said in line


# -- what a spreadsheet holds

def test_a_workbook_as_schools_keep_it(tmp_path: Path) -> None:
    """A title, columns in another order and by other names, buildings by name, ratios, a sheet before it."""
    rows: list[list[object]] = [
        ["第一中学电表清单（2026）"],
        [],
        ["序号", "倍 率", "通信地址", "楼栋", "房间号", "规约", "型号", "抄表间隔（秒）", "串口", "通信参数", "备注"],
        [1, "200/5", 12345, "1号楼", 101, "DL/T 645-2007", "单相电表", 60, "/dev/bus2", "9600,N,8,1", "一层，东"],
        [],
        [2, 1.5, "17", "d1", "102", None, "SDM120", None, "BUS", None, None],
        [3, None, 99, "1号楼", None, "dlt645", "三相", None, "bus", None, None],
    ]
    file = workbook(tmp_path / "list.xlsx", [["说明"], ["见下表"]], rows)
    (tmp_path / "caretaker.toml").write_text(TWO, encoding="utf-8")
    made = planned(tmp_path / "caretaker.toml", file, tmp_path / "meters.toml", environ={})
    assert made.rows == []
    assert made.listed.unused == ["序号"]
    assert {source["name"]: source["device"] for source in tomllib.loads(made.edit.text)["source"]} == {
        "bus2": [{
            "model": SINGLE, "address": "000000012345", "place": "d1/101", "every_s": 60, "multiplier": 40,
            "line": "9600 8N1", "note": "一层，东",
        }],
        "bus": [
            {"model": "eastron-sdm120", "address": "17", "place": "d1/102", "multiplier": 1.5},
            {"model": "dlt645-three-phase", "address": "000000000099", "place": "d1"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_csv_as_spreadsheets_save_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = f'备注,地点,协议,表号,倍率\r\n"两\r\n行","1号楼 101",单相电表 DL/T645,１２,"40"\r\n,d1/999,{SINGLE},1,\r\n'
    made = plan(tmp_path, text.replace(",", delimiter).encode(encoding), language="zh")
    assert [line[:9] for line in made.rows] == ["第 3 行，地点："]
    made = plan(tmp_path, text.replace(",", delimiter).replace("999", "102").encode(encoding))
    assert [device["place"] for device in tomllib.loads(made.edit.text)["source"][0]["device"]] == ["d1/101", "d1/102"]
    assert tomllib.loads(made.edit.text)["source"][0]["device"][0]["multiplier"] == 40


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("own", [ONE, TWO])
def test_the_examples_of_the_template_must_be_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    language: str, kind: str, own: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("LANG", language)
    (tmp_path / "caretaker.toml").write_text(own, encoding="utf-8")
    (tmp_path / "meters.toml").write_text("")
    file = tmp_path / f"new.{kind}"
    code, _ = told(capsys, tmp_path, "--template", str(file))
    assert code == 0
    code, said = told(capsys, tmp_path, str(file))
    assert code == 2
    assert [line for line in said.splitlines() if EXAMPLE[language] in line] == [
        f"{ROW[language].format(row)}{EXAMPLE[language]}" for row in (2, 3, 4)
    ]
    assert (tmp_path / "meters.toml").read_text() == ""
    before = file.read_bytes()
    assert told(capsys, tmp_path, "--template", str(file))[0] == 2
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "row",
    ["dlt645-single-phase,000000012345,,,30,,,our own", "dlt645-single-phase,12347,,,30,,,示例，请删去",
     "eastron-sdm120,17,1,,,,9600 8N1,", "dlt645-three-phase,12347,40,,60,,,示例：互感器 200/5"],
)  # fmt: skip
def test_what_is_an_example_in_part_is_a_meter(tmp_path: Path, row: str) -> None:
    assert plan(tmp_path, HEAD + f"d1/101,{row}\n").rows == []
    example = "d1/210,三相 DL/T 645-2007,12346,200/5,,60,bus,,an example: transformers 200/5"   # as Excel may save it
    (line,) = plan(tmp_path, HEAD + f"d1/101,{row}\n{example}\n").rows
    assert line.startswith("row 3: this is an example")


# -- a repeat

HAND = """\
# our own words above
[[source]]
name = "bus"   # the yellow cable

# the first
[[source.device]]
place = "d1/101"  # by the door
model = "dlt645-single-phase"
address = "000000000001"
part = "sockets"

[[source.device]]
model = "dlt645-single-phase"
address = "000000000002"
place = "d1/102"
# about the second, below it
"""


def test_a_repeat_updates_and_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    (tmp_path / "meters.toml").write_text(HAND, encoding="utf-8")
    made = plan(tmp_path, HEAD + f"d1/103,{SINGLE},1,,,60\nd1/104,{SINGLE},3\n")
    assert (made.rows, made.elsewhere, made.edit.added, made.edit.changed) == ([], [], 1, 1)
    assert made.edit.gone == ["bus/000000000002 (d1/102)"]
    expected = HAND.replace('"d1/101"', '"d1/103"').replace('part = "sockets"', 'part = "sockets"\nevery_s = 60')
    new = '\n[[source.device]]\nmodel = "dlt645-single-phase"\naddress = "000000000003"\nplace = "d1/104"\n'
    assert made.edit.text == expected + new


def test_a_new_key_stands_above_the_comment_that_follows(tmp_path: Path) -> None:
    (tmp_path / "meters.toml").write_text(HAND, encoding="utf-8")
    made = plan(tmp_path, HEAD + f"d1/101,{SINGLE},1\nd1/102,{SINGLE},2,,,60\n")
    assert made.edit.text == HAND.replace('"d1/102"\n', '"d1/102"\nevery_s = 60\n')
    assert (made.edit.added, made.edit.changed, made.edit.same) == (0, 1, 1)


def test_prune_takes_out_what_the_list_no_longer_has_but_no_comment(tmp_path: Path) -> None:
    (tmp_path / "meters.toml").write_text(HAND, encoding="utf-8")
    made = plan(tmp_path, HEAD + f"d1/101,{SINGLE},1\n", prune=True)
    kept = HAND[: HAND.index("[[source.device]]\nmodel")]
    assert made.edit.text == kept + "# about the second, below it\n"
    made = plan(tmp_path, HEAD + f"d1/102,{SINGLE},2\n", prune=True)
    assert [device["place"] for device in tomllib.loads(made.edit.text)["source"][0]["device"]] == ["d1/102"]
    assert all(comment in made.edit.text for comment in ("# our own", "# the yellow", "# the first", "# about"))


def test_a_meter_in_place_of_another_needs_prune_and_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "meters.toml").write_text(HAND, encoding="utf-8")
    exchanged = HEAD + f"d1/101,{SINGLE},5,,sockets\nd1/102,{SINGLE},2\n"
    (line,) = plan(tmp_path, exchanged).rows
    assert line.startswith("row 2: point d1/101/sockets/energy_kwh is already measured in line meters.toml:6 ")
    assert line.endswith("--prune takes out what the list no longer has")
    assert plan(tmp_path, exchanged, prune=True).rows == []


def test_two_meters_that_change_places(tmp_path: Path) -> None:
    (tmp_path / "meters.toml").write_text(HAND.replace('part = "sockets"\n', ""), encoding="utf-8")
    made = plan(tmp_path, HEAD + f"d1/102,{SINGLE},1\nd1/101,{SINGLE},2\n")
    assert (made.rows, made.edit.changed) == ([], 2)
    made = plan(tmp_path, HEAD + f"d1/102,{SINGLE},1\n")  # moved to where another still is, which stands below it
    assert made.rows[0].startswith("row 2: point d1/102/energy_kwh is already measured in line meters.toml:11")


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.integers(101, 118), st.sampled_from(["", "40", "200/5"]),
                  st.sampled_from(["bus", "bus2"]), st.sampled_from(["", "一层，东 # 1", '"'])),
        unique_by=(lambda row: row[0], lambda row: row[1]), min_size=1, max_size=12,
    ),
    st.integers(0, 12),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_twice_is_once_and_lines_by_hand_stay(rows: list[tuple[int, int, str, str, str]], cut: int) -> None:
    tables = load_tables()
    meters = [
        Meter(number, source, "dlt645-2007", {
            "model": SINGLE, "address": f"{address:012}", "place": f"d1/{room}",
            **({"multiplier": 40} if ratio else {}), **({"note": note} if note else {}),
        })
        for number, (address, room, ratio, source, note) in enumerate(rows, 2)
    ]  # fmt: skip
    once = edited(edited("", meters[:cut], tables).text, meters, tables).text
    assert edited(once, meters, tables).text == once
    assert edited(once, meters, tables, prune=True).text == once
    by_hand = "".join(f"{line}  # {n}\n" if line else "# between\n" for n, line in enumerate(once.splitlines()))
    assert edited(by_hand, meters, tables).text == by_hand
    moved = [Meter(item.row, item.source, item.protocol, {**item.keys, "place": "d1/201"}) for item in meters]
    after = edited(by_hand, moved, tables).text
    assert [line for line in by_hand.splitlines() if "place" not in line] == [
        line for line in after.splitlines() if "place" not in line
    ]
    assert {device["place"] for source in tomllib.loads(after)["source"] for device in source["device"]} == {"d1/201"}


# -- the command


def test_the_configuration_itself_is_never_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en")
    own = ONE.removeprefix('include = ["meters.toml"]\n')
    plan(tmp_path, HEAD + f"d1/101,{SINGLE},1\n", own=own)
    listed = str(tmp_path / "list.csv")
    assert told(capsys, tmp_path, listed, "--into", "caretaker.toml")[0] == 2
    code, said = told(capsys, tmp_path, listed)
    assert code == 0
    assert said.splitlines()[1:] == [
        'write this line at the top of caretaker.toml, above all tables: include = ["meters.toml"]',
        "then check it and start the gateway anew: caretaker check caretaker.toml",
    ]
    assert (tmp_path / "caretaker.toml").read_text(encoding="utf-8") == own
    (tmp_path / "caretaker.toml").write_text(ONE, encoding="utf-8")
    assert told(capsys, tmp_path, listed)[1].startswith("1 rows: all unchanged; meters.toml was left alone\n")
    assert main(["check", str(tmp_path / "caretaker.toml")]) == 0
    with pytest.raises(SystemExit):
        main(["import", "meters"])


def test_mistakes_elsewhere_stop_an_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en")
    plan(tmp_path, HEAD + f"d1/101,{SINGLE},1\n", own=ONE + '[[rule]]\nkind = "no_such"\n')
    code, said = told(capsys, tmp_path, str(tmp_path / "list.csv"))
    assert (code, said.startswith('caretaker.toml:14: rule.kind: unknown kind "no_such"')) == (2, True)
    (tmp_path / "meters.toml").write_text(HAND.replace("part = ", "prt = "))
    plan(tmp_path, HEAD + f"d1/101,{SINGLE},1\n")
    code, said = told(capsys, tmp_path, str(tmp_path / "list.csv"))
    assert (code, said.startswith('meters.toml:10: source.device.prt: unknown key "prt"')) == (2, True)
    (tmp_path / "meters.toml").write_text("[[source]\n")
    plan(tmp_path, HEAD + f"d1/101,{SINGLE},1\n")
    code, said = told(capsys, tmp_path, str(tmp_path / "list.csv"))
    assert (code, said.startswith("meters.toml:1: TOML: not valid TOML")) == (2, True)
    assert (tmp_path / "meters.toml").read_text() == "[[source]\n"


def test_two_thousand_meters(tmp_path: Path) -> None:
    houses = "".join(f'[[building]]\nid = "h{n}"\nkind = "dormitory"\nrooms = ["101-199", "200"]\n' for n in range(20))
    buses = "".join(BUS.format(f"bus{n}") for n in range(20))
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(["source", "address", "model", "place"])
    for n in range(20):
        writer.writerows([f"bus{n}", 1000 * n + room, SINGLE, f"h{n}/{room}"] for room in range(101, 200))
        writer.writerow([f"bus{n}", 1000 * n + 101, SINGLE, f"h{n}/200"])
    made = plan(tmp_path, held.getvalue(), own='[site]\nid = "s"\n' + houses + buses, good_rows=True)
    assert (made.edit.added, len(made.rows), made.bad) == (1980, 20, {101 + 100 * n for n in range(20)})


