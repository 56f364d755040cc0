"""The papers are true: the picture of the house shows every module, both READMEs tell the same, commands exist."""

import re
import shlex
from pathlib import Path

import pytest
from tracked import ROOT, text_of, tracked

from daemon.cli import parser

READMES = (Path("README.md"), Path("README.zh.md"))
PAPERS = (*READMES, Path("CONTRIBUTING.md"), Path("deploy/README.md"))
PACKAGES = ("rules", "adapters", "dashboard", "daemon/config", "daemon/demo", "daemon/evaluation", "daemon/simulation",
            "daemon")  # fmt: skip


def blocks(path: Path) -> list[str]:
    """The indented pieces of a paper: commands and configuration."""
    return re.findall(r"(?:^    .*\n)+", text_of(path) or "", re.MULTILINE)


def rooms() -> dict[str, set[str]]:
    """The modules that the picture shows, by the package whose part of the table they stand in."""
    shown: dict[str, set[str]] = {}
    package = ""
    for row in re.findall(r"^\| (.*?) \|", text_of(Path("CONTRIBUTING.md")) or "", re.MULTILINE):
        heading = re.fullmatch(r"\*\*`([\w/]+)/`\*\*", row)
        if heading:
            package = heading[1]
        shown.setdefault(package, set()).update(re.findall(r"[\w/]+\.py", row))
    return shown


@pytest.mark.parametrize("package", PACKAGES)
def test_the_picture_of_the_house_shows_every_module(package: str) -> None:
    contributing = text_of(Path("CONTRIBUTING.md")) or ""
    inner = [other for other in PACKAGES if other.startswith(f"{package}/")]
    paths = [
        path for path in tracked(f"{package}/*.py")
        if path.name != "__init__.py" and not any(path.is_relative_to(other) for other in inner)
    ]
    assert paths
    there = {str(path.relative_to(package)).removeprefix("commands/") for path in paths}
    commands = set(re.findall(r"`(\w+\.py)`", next(re.finditer(r"^\| `cli\.py`.*$", contributing, re.MULTILINE))[0]))
    shown = rooms()[package] | (commands if package == "daemon" else set())
    assert there == shown


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (blocks(path) for path in READMES)
    assert len(english) >= 5
    assert english == chinese
    tables = [re.findall(r"^\| `(caretaker [^`]+)`", text_of(path) or "", re.MULTILINE) for path in READMES]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("path", PAPERS, ids=str)
def test_a_command_in_a_paper_can_be_typed(path: Path) -> None:
    typed = [
        shlex.split(line.split("/caretaker ", 1)[-1].removeprefix("caretaker "), comments=True)
        for block in blocks(path)
        for line in map(str.strip, block.splitlines())
        if re.match(r"(sudo )?(\S+/)?caretaker ", line)
    ]
    for words in typed:
        parser().parse_args(words)
    assert typed or path.name == "CONTRIBUTING.md"


def test_the_table_of_commands_is_whole() -> None:
    table = re.findall(r"^\| `caretaker (\w+)", text_of(READMES[0]) or "", re.MULTILINE)
    listed = re.findall(r"^    (\w+)  ", parser().format_help(), re.MULTILINE)
    assert sorted(table) == sorted(listed)
    assert len(table) >= 8


@pytest.mark.parametrize("path", PAPERS, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text_of(path) or "")
    missing = [link for link in links if "://" not in link and not (ROOT / path.parent / link).exists()]
    assert missing == []
