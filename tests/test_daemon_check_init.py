"""`caretaker init` writes what `caretaker check` accepts; `check` prints every mistake and exits 2."""

import re
import tomllib
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.config.calendar_tables import HoursTable
from rules.fact import PERMIT
from rules.quantity import QUANTITIES


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_init_writes_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str):
    file = tmp_path / "caretaker.toml"
    assert main(["init", str(file), "--language", language]) == 0
    capsys.readouterr()
    assert main(["check", str(file)]) == 0
    warning, said, *rest = capsys.readouterr().out.splitlines()
    assert warning.startswith(f"{file}:1: term: warning: there is no [[term]]")
    assert said == f"{file}: no mistakes; places 51, points 150, sources 1"
    assert "warning" not in "".join(rest)
    assert re.match(r"today, \d{4}-\d\d-\d\d \w+day: term \(none is written\); ", rest[-1])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_init_comments_out_would_pass_too(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str):
    file = tmp_path / "caretaker.toml"
    main(["init", str(file), "--language", language])
    rows = file.read_text(encoding="utf-8").splitlines()
    told = [re.sub(r"^( *)# (?= *\[|.*=)", r"\1", row) for row in rows]
    told = [row for row in told if '"P": 61.7' not in row]
    timetable = "教室,星期,开始,结束\n101,周一,08:00,08:45\n"
    for name, content in {"panel.password": "$argon2id$x", "broker.password": "x", "wecom.url": "wecombot://x",
                          "timetable.csv": timetable, "meters.toml": ""}.items():  # fmt: skip
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    file.write_text("\n".join(told), encoding="utf-8")
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    tables = {"store", "term", "makeup", "period", "hours_of", "timetable", "exchange", "rule", "notify"}
    assert tables <= document.keys()
    assert {*HoursTable.model_fields} - {*document["hours"]} == {"closed_weekdays"}
    assert [source["kind"] for source in document["source"]] == ["mqtt", "serial"]
    assert main(["check", str(file)]) == 0, capsys.readouterr().out
    assert "bus dorm-1 bus: meters 2, a round takes about 2." in capsys.readouterr().out


def test_both_starting_files_are_the_same_configuration(tmp_path: Path):
    shapes = []
    for language in ("zh", "en"):
        main(["init", str(tmp_path / language), "--language", language])
        document = tomllib.loads((tmp_path / language).read_text(encoding="utf-8"))
        shapes.append((document["source"], document["hours"], [house["rooms"] for house in document["building"]]))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readings_in_the_readme_replay_and_every_quantity_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
):
    readme = Path(__file__).parents[1].joinpath(name).read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", readme))
    assert QUANTITIES.keys() - {"online", "backlog", "attended", "clock_offset_s", *PERMIT} <= named
    (rows,) = re.findall(r"^    (at,point,value\n(?:    .+\n)+)", readme, re.MULTILINE)
    file, readings = tmp_path / "caretaker.toml", tmp_path / "readings.csv"
    readings.write_text(rows.replace("    ", ""))
    main(["init", str(file)])
    assert main(["replay", "--config", str(file), "--readings", str(readings)]) == 0
    assert capsys.readouterr().err == ""


def test_the_language_of_the_comments_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    main(["init", str(tmp_path / "en")])
    monkeypatch.setenv("LANG", "C.UTF-8")
    main(["init", str(tmp_path / "zh")])
    assert "# Buildings and their rooms" in (tmp_path / "en").read_text(encoding="utf-8")
    assert "# 楼和房间" in (tmp_path / "zh").read_text(encoding="utf-8")


def test_init_leaves_an_existing_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "caretaker.toml"
    file.write_text("mine")
    assert main(["init", str(file)]) == 1
    assert file.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "no" / "folder.toml")]) == 1


def test_check_prints_every_mistake_and_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "site.toml"
    file.write_text('[site]\nid = "s"\nlanguage = "zh"\ntimezone = "Mars"\n[panels]\n')
    assert main(["check", str(file)]) == 2
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[0].startswith(f"{file}:4: site.timezone: unknown time zone")
    assert said[1].endswith('did you mean "panel"?')


def test_check_speaks_the_sites_language_where_the_environment_names_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LANG", "C.UTF-8")
    file = tmp_path / "site.toml"
    file.write_text('[site]\nid = "s"\nnam = "x"\n', encoding="utf-8")
    assert main(["check", str(file)]) == 2
    assert "未知的键" in capsys.readouterr().out


def test_init_writes_the_template_of_a_device_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--template", "boiler-controller"]) == 0
    assert main(["init", "--template", "boiler-controller", "ours.toml", "--language", "en"]) == 0
    written = (tmp_path / "devices" / "boiler-controller.toml").read_text(encoding="utf-8")
    assert written == (tmp_path / "ours.toml").read_text(encoding="utf-8")
    assert "question mark" in capsys.readouterr().out
    assert main(["init", "--template", "boiler"]) == 1
    assert "boiler-controller" in capsys.readouterr().err
    assert main(["models"]) == 2
    assert "boiler-controller.toml: name: fill in" in capsys.readouterr().err


def test_models_lists_the_tables_with_what_proves_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "--tables", str(tmp_path)]) == 0
    head, *rows = [row.split() for row in capsys.readouterr().out.splitlines()]
    assert head[3:7] == ["captured", "documented", "derived", "simulated"]
    found = {row[0]: row for row in rows}
    assert found["pzem-004t"][1:8] == ["9600", "8N1", "modbus", "1", "0", "0", "2"]
    assert found["eastron-sdm120"][8:] == ["voltage_v,", "current_a,", "power_w,", "reactive_power_var,", "energy_kwh"]
