"""`caretaker replay`: a table of readings in, events out, bad rows named."""

import json
from pathlib import Path

import pytest

from daemon.cli import main

CONFIG = """
[site]
id = "s"
name = "一中"
timezone = "Asia/Shanghai"
language = "zh"
[[building]]
id = "d"
name = "3号楼"
kind = "dormitory"
rooms = ["101-102"]
[[source]]
name = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
[[source.topic]]
filter = "campus/{building}/{room}/meter"
payload = "json"
fields = { P = "power_w" }
every_s = 10
"""

START = 1_767_571_200  # 2026-01-05T08:00:00+08:00


def replay(folder: Path, text: str) -> int:
    (folder / "c.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "r.csv").write_text(text, encoding="utf-8")
    return main(["replay", "--config", str(folder / "c.toml"), "--readings", str(folder / "r.csv")])


def kettle(times: list[str]) -> str:
    """A room at 60 W, then a 1.2 kW kettle, every 10 s."""
    watts = [60] * 12 + [1260] * 24 + [60] * 90
    return "at,point,value\n" + "".join(f"{at},d/101/power_w,{w}\n" for at, w in zip(times, watts, strict=True))


SECONDS = [START + 10 * n for n in range(126)]


@pytest.mark.parametrize(
    "times",
    [
        [str(at) for at in SECONDS],
        [f"2026-01-05T{8 + n // 360:02}:{n // 6 % 60:02}:{n % 6 * 10:02}" for n in range(126)],
        [f"2026/1/5 {8 + n // 360}:{n // 6 % 60:02}:{n % 6 * 10:02}" for n in range(126)],
        [f"2026-01-05T{n // 360:02}:{n // 6 % 60:02}:{n % 6 * 10:02}Z" for n in range(126)],
    ],
    ids=["unix", "local", "spreadsheet", "utc"],
)
@pytest.mark.parametrize("order", ["sorted", "reversed"])
def test_a_kettle_is_raised_and_cleared(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], times: list[str], order: str
) -> None:
    lines = kettle(times).splitlines()
    text = "\n".join([lines[0], *(lines[1:] if order == "sorted" else reversed(lines[1:]))])
    assert replay(tmp_path, text) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(e["rule"], e["key"], e["place"], e["turn"]) for e in events] == [
        ("high_power", "d/101", "d/101", "raised"),
        ("high_power", "d/101", "d/101", "cleared"),
    ]
    assert START + 120 < events[0]["at"] <= START + 190
    assert events[0]["evidence"]["since"] == START + 120
    assert events[0]["why"]["key"] == "high_power.raised"
    assert events[0]["why"]["watts"] == pytest.approx(1200, abs=20)


def test_a_source_that_is_known_to_be_down_is_told_once_and_its_meters_are_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = f"{START},d/101/power_w,60\n{START},d/102/power_w,60\n{START + 4000},d/102/power_w,60\n"
    for down in ("", f"{START + 1},source/broker/online,0\n"):
        assert replay(tmp_path, "at,point,value\n" + down + rows) == 0
        events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        raised = [event["why"] for event in events if event["turn"] == "raised"]
        assert raised
        assert {"source" in why and "device" not in why for why in raised} == {bool(down)}
        assert len(raised) == 1 or not down


def test_bad_rows_are_named_and_the_rest_counts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = kettle([str(at) for at in SECONDS])
    bad = "x,d/101/power_w,1\n1,d/999/power_w,1\n5,d/101/power_w,nan\nnan,d/101/power_w,1\n5,d/101/power_w\n"
    assert replay(tmp_path, good + bad) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 2
    for line in range(128, 133):
        assert f"r.csv:{line}: " in err
    assert "5 rows left out" in err


@pytest.mark.parametrize(
    ("row", "said"),
    [(f"{at},d/101/power_w,1", f"{at!r} is no time; write 2026-11-20 10:01:20") for at in
     ("", "yesterday", "20/11/2026 10:01", "2026/13/01 10:00", "inf", "-5", "2026-11-20 25:00")]
    + [("5,d/101/power_w,", "'' is no number"), ("5,d/101/power_w,off", "'off' is no number")],
)  # fmt: skip
def test_what_is_wrong_with_a_cell_is_said_in_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], row: str, said: str
) -> None:
    assert replay(tmp_path, f"at,point,value\n{row}\n") == 0
    assert f"r.csv:2: {said}" in capfd.readouterr().err


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_file_in_another_encoding_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], encoding: str
) -> None:
    (tmp_path / "c.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "r.csv").write_text("at,point,value,备注\n5,d/101/power_w,1,宿舍\n", encoding=encoding)
    assert main(["replay", "--config", str(tmp_path / "c.toml"), "--readings", str(tmp_path / "r.csv")]) == 2
    assert "CSV UTF-8" in capfd.readouterr().err


@pytest.mark.parametrize(("text", "said"), [("", "no column at, point, value"), ("a,b\n1,2\n", "no column")])
def test_what_is_no_table_of_readings_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    assert replay(tmp_path, text) == 2
    assert said in capfd.readouterr().err


def test_a_missing_file_and_a_wrong_configuration_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text("[site]\n", encoding="utf-8")
    assert main(["replay", "--config", str(tmp_path / "c.toml"), "--readings", "none.csv"]) == 2
    assert "c.toml:1: " in capfd.readouterr().err
    (tmp_path / "c.toml").write_text(CONFIG, encoding="utf-8")
    assert main(["replay", "--config", str(tmp_path / "c.toml"), "--readings", "none.csv"]) == 2
    assert "none.csv" in capfd.readouterr().err
