"""The house keeps its order: what may import what, who knows of the demo, how long a file may be."""

import ast
import subprocess
import sysconfig
from pathlib import Path

import pytest
from tracked import ROOT, text_of, tracked

CODE_FOLDERS = ("adapters", "daemon", "dashboard", "rules")
FOLDERS = {*CODE_FOLDERS, "deploy", "docs", "tests", ".ci"}
KNOWS_THE_DEMO = {Path("daemon/cli.py"), Path("daemon/commands/demo.py")}   # its registration and its command
MOST_LINES = 400
LONGER: dict[Path, str] = {}   # path: why it may be


def test_imports_run_one_way() -> None:
    lint_imports = Path(sysconfig.get_path("scripts")) / "lint-imports"
    checked = subprocess.run([lint_imports, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert " kept, 0 broken" in checked.stdout


def test_the_domain_calls_no_built_in_that_does_io() -> None:
    calls = {
        (path, node.func.id)
        for path in tracked("rules/*.py")
        for node in ast.walk(ast.parse(text_of(path) or ""))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls
    assert {call for call in calls if call[1] in ("open", "print", "input", "exec", "eval", "__import__")} == set()


def test_only_the_demo_knows_that_it_is_a_demo() -> None:
    others = [
        path for path in tracked(*CODE_FOLDERS)
        if path.parts[:2] != ("daemon", "demo") and path not in KNOWS_THE_DEMO
    ]
    assert others
    assert [str(path) for path in others if "demo" in f"{path}\n{text_of(path) or ''}".lower()] == []


def test_only_known_folders_lie_at_the_top() -> None:
    assert {path.parts[0] for path in tracked() if len(path.parts) > 1} <= FOLDERS


@pytest.mark.parametrize("path", tracked("*.py", "deploy", ".ci", ":!deploy/requirements*.txt"), ids=str)
def test_a_file_is_short(path: Path) -> None:
    assert path in LONGER or len((text_of(path) or "").splitlines()) <= MOST_LINES


def test_tests_are_flat() -> None:
    folders = {path.parts[1] for path in tracked("tests/*.py") if len(path.parts) > 2}
    assert folders <= {"bench"}
