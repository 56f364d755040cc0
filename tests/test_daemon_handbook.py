"""The handbook: every rule with its words and parameters, and the pages in docs/ are what the program says."""

import json
from pathlib import Path

import pytest
from tracked import ROOT

from daemon import handbook
from daemon.cli import main
from rules import RULES
from rules.rule import parameters

PAGES = {"en": Path("docs/rules.md"), "zh": Path("docs/rules.zh.md")}


@pytest.mark.parametrize(("language", "path"), PAGES.items(), ids=list(PAGES))
def test_the_page_is_what_the_program_says(language: str, path: Path) -> None:
    told = f"caretaker rules --markdown --language {language} > {path}"
    assert (ROOT / path).read_text(encoding="utf-8") == handbook.markdown(RULES, language), told


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("kind", RULES.values(), ids=list(RULES))
def test_every_rule_tells_what_it_finds_how_it_is_set_and_what_to_do(kind: type, language: str) -> None:
    said = handbook.text(kind, language)
    words = kind.words[language]
    assert words.about, "a paragraph for the handbook"
    for part in (words.title, words.about, words.todo, *parameters(kind)):
        assert part in said
    assert all(line == line.rstrip() for line in said.splitlines())


def test_ranges_are_plain_numbers_and_names_of_sensors() -> None:
    told = handbook.text(RULES["limit"], "en")
    assert "-1000000000000 – 1000000000000" in told
    assert not any(word in told for word in ("permit_w", "backlog", "clock_offset_s", " , ", "e+"))


def test_a_page_is_a_table_of_each_rule_in_both_languages() -> None:
    pages = {language: handbook.markdown(RULES, language) for language in PAGES}
    for page in pages.values():
        assert page.count("\n## ") == len(RULES) + 1
        assert page.count("|---|---|---|---|") == len(RULES)
        for name in RULES:
            assert f"](#{name})" in page
            assert f'<a id="{name}"></a>' in page
    rows = [page.count("\n| `") for page in pages.values()]
    assert rows == [sum(len(parameters(kind)) for kind in RULES.values())] * 2


def test_the_command_lists_tells_and_suggests(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--language", "en"]) == 0
    assert capfd.readouterr().out.splitlines()[0].split() == ["running_water", "Running", "water"]
    assert main(["rules", "running_water", "--language", "zh"]) == 0
    assert "hold_min" in capfd.readouterr().out
    assert main(["rules", "runing_water"]) == 2
    assert "running_water?" in capfd.readouterr().err
    assert main(["rules", "--json", "--language", "en"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [rule["kind"] for rule in told] == list(RULES)
    assert told[0]["parameters"][0] == {"name": "limit_lpm", "default": "2", "range": "0.1 – 1000", "unit": "L/min"}
