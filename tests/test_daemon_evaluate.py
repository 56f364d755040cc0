"""`caretaker evaluate`: one table of what the tasks measured, for people, for a page and for programs."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tracked import ROOT

from daemon.cli import main
from daemon.commands.evaluate import default_data
from daemon.evaluation import TASKS, task
from daemon.evaluation.row import OURS, Row
from daemon.evaluation.table import as_json, of_json, page, text
from daemon.progress import Bar, lines_of

ROWS = [
    Row("high power", OURS, "5 s, P and Q", 24, 1.0, 0.9583, 0.0123, "room-day", 25.0, "semi-synthetic"),
    Row("high power", "step of 800 W", "5 s, P", 24, 0.5, 0.25, 4.0, "room-day", 300.0, "semi-synthetic", "naive"),
    Row("school", OURS, "30 days", 8, None, 1.0, None, "", 9000.0, "simulated"),
]


def test_the_table_says_what_was_measured() -> None:
    said = text(ROWS, "en")
    blocks = [block.splitlines() for block in said.split("\n\n")]
    assert [block[0] for block in blocks] == ["high power", "school"]
    assert re.split(r"  +", blocks[0][2]) == [
        "ours", "5 s, P and Q", "24", "1.000", "0.958", "0.979", "0.0123/room-day", "25 s", "semi-synthetic"
    ]  # fmt: skip
    assert re.split(r"  +", blocks[0][3]) == [
        "step of 800 W", "5 s, P", "24", "0.500", "0.250", "0.333", "4/room-day", "5 min", "semi-synthetic", "naive"
    ]  # fmt: skip
    assert re.split(r"  +", blocks[1][2]) == ["ours", "30 days", "8", "–", "1.000", "–", "–", "2.5 h", "simulated"]


def test_a_page_marks_ours_and_both_languages_show_the_same_figures() -> None:
    english, chinese = (page(ROWS, language) for language in ("en", "zh"))
    assert "| **ours** | 5 s, P and Q | 24 |" in english
    assert "| **本程序** | 5 s, P and Q | 24 |" in chinese
    assert "**step" not in english
    figures = [re.findall(r"(?m)^\| [^|]+\|(.*)$", told)[1:] for told in (english, chinese)]
    assert [row for row in figures[0] if "setting" not in row] == [row for row in figures[1] if "条件" not in row]


def test_figures_survive_being_written_and_printed_later(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert of_json(json.loads(json.dumps(as_json(ROWS)))) == ROWS
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(as_json(ROWS)))
    assert main(["evaluate", "--figures", str(file), "--markdown", "--language", "en"]) == 0
    assert capfd.readouterr().out == page(ROWS, "en")
    file.write_text('[{"task": "x"}]')
    assert main(["evaluate", "--figures", str(file)]) == 2
    assert "rows.json: not what" in capfd.readouterr().err


class Nothing:
    """A task whose recordings are not there."""

    def rows(self, data: Path, *, progress: Callable[[str], None]) -> list[Row]:
        progress("part 1 of 2")
        return []


def test_what_cannot_be_measured_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.evaluation.task", lambda name: Nothing() if name == "water" else None)
    command = ["evaluate", "--data", str(tmp_path), "--task", "water", "--task", "lights", "--language", "en"]
    assert main(command) == 2
    out, err = capfd.readouterr()
    assert "No figures" in out
    assert f"water: no recordings under {tmp_path}, left out" in err
    assert "lights: not part of this program, left out" in err


def test_every_task_is_there() -> None:
    assert [name for name in TASKS if task(name) is None] == []
    assert task("nonsense") is None


def test_recordings_lie_beside_the_project_unless_told() -> None:
    assert default_data(Path("/a/project"), {}) == Path("/a/shared/data")
    assert default_data(Path("/a/project"), {"CARETAKER_SHARED": "/b"}) == Path("/b/data")


@pytest.mark.parametrize("path", [Path("docs/evaluation.md"), Path("docs/evaluation.zh.md")], ids=str)
def test_the_page_of_figures_has_the_shape_of_the_program(path: Path) -> None:
    language = "zh" if path.stem.endswith("zh") else "en"
    written = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert written[:5] == page([], language).splitlines()
    rows = [line for line in written if line.startswith("| ") and not line.startswith("|-")]
    assert rows
    assert {line.count("|") for line in rows} == {11}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.progress.SHORTEST_S", 0.0)
    for stream, is_drawn in ((Terminal(), True), (io.StringIO(), False)):
        with Bar("readings", 10, stream=stream) as bar:
            assert list(lines_of(["ab\n", "cd\n"], bar)) == ["ab\n", "cd\n"]
        assert ("readings" in stream.getvalue()) is is_drawn
