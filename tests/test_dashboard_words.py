"""Words: every key exists in every language, takes the same values, and reads well."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from campus import NOW, campus_site, event

from dashboard import words
from dashboard.reader import Reader, number
from rules import RULES
from rules.counter import COUNTER, SPIKE, UNIT
from rules.fact import DECLARABLE
from rules.model import PLACE_KINDS, Delivery, Hold, Point, Reason, Severity, Turn
from rules.quality import STUCK
from rules.quantity import QUANTITIES, Kind

FOLDER = Path(words.__file__).parent
GROUPS = {
    "severity": [severity.name.lower() for severity in Severity],
    "turn": [turn.value for turn in Turn],
    "delivery": [delivery.value for delivery in Delivery],
    "reason": [reason.value for reason in Reason],
    "rejected": [SPIKE, UNIT, STUCK, COUNTER, "repeated", "differs"],
    "place_kind": PLACE_KINDS,
    "quantity": list(QUANTITIES),
    "state": [f"{q.name}_{value}" for q in QUANTITIES.values() if q.kind is Kind.STATE for value in (0, 1)],
    "source_kind": ["mqtt", "serial"],
    "notice": ["clock_waiting", "disk_full"],
}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def own_keys(language: str) -> dict[str, str]:
    groups = words.translations(language)
    return {f"{group}.{name}": text for group, names in groups.items() for name, text in names.items()}


def used_keys() -> Iterator[tuple[str, str]]:
    """The keys that templates and code ask for by name; those made from parts are in GROUPS or listed here."""
    for path in [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html"), FOLDER.parent / "daemon" / "finding.py"]:
        for call in re.findall(r"\bsay\(([^()]*)", path.read_text(encoding="utf-8")):
            yield from ((path.name, key) for key in re.findall(r'["\']([a-z_]+\.[a-z_]+)["\']', call))
    yield from (("marks.html", f"sources.{state}") for state in ("online", "offline", "unknown"))
    yield from (("reader.py", f"alerts.hold_{unit}") for unit in ("s", "min", "h"))
    yield from (("reader.py", f"alerts.standing_{turn}") for turn in ("raised", "updated"))
    yield from (("words.py", f"duration.{unit}") for unit in ("s", "min", "h", "day", "days"))
    yield from (("declarations.html", f"declare.{what}") for what in DECLARABLE)
    said = {quantity for quantity, _ in DECLARABLE.values()}
    yield from (("declarations.html", f"declare.{of}_{last}") for of in said for last in ("none", "0", "1"))
    missing = ("no_such_place", "place_needed", "unit_needed", "value_needed", "period_needed")
    yield from (("unknown.py", f"unknown.{what}") for what in missing)
    yield from (("base.html", f"app.{page}") for page in ("alerts", "places", "sources"))


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_name_and_key_has_words(language: str) -> None:
    keys = own_keys(language)
    wanted = {f"{group}.{name}" for group, names in GROUPS.items() for name in names}
    wanted |= {key for _, key in used_keys()}
    assert len(wanted) > 150
    assert wanted - set(keys) == set()
    assert [key for key, text in keys.items() if not text.strip()] == []


def test_no_key_is_left_over() -> None:
    used = {key for _, key in used_keys()}
    free = [key for key in own_keys("en") if key.split(".")[0] not in (*GROUPS, "part") and key not in used]
    assert free == []


def test_languages_have_the_same_keys_with_the_same_values() -> None:
    english, chinese = own_keys("en"), own_keys("zh")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert fields(text) == fields(chinese[key]), key


def test_every_rule_says_the_same_in_every_language() -> None:
    assert RULES
    for name, kind in RULES.items():
        assert set(kind.words) == set(words.LANGUAGES), name
        english, chinese = kind.words["en"], kind.words["zh"]
        assert english.sentences.keys() == chinese.sentences.keys(), name
        for language in words.LANGUAGES:
            assert words.title(name, language).strip(), name
            assert words.todo(name, language).strip(), name
        for why, text in english.sentences.items():
            assert text.strip(), why
            assert fields(text) == fields(chinese.sentences[why]), why


def test_a_sentence_carries_its_values() -> None:
    values = {"ran_s": 2832.0, "litres": 291.0, "lpm": 6.2}
    raised = event("running_water", "dorm-3/1F-wash", NOW, why="running_water.raised", values=values)
    assert "47 min" in words.sentence(raised, "en")
    assert "47 分钟" in words.sentence(raised, "zh")
    assert "291" in words.sentence(raised, "zh")


def test_a_short_hold_is_said_in_seconds() -> None:
    values = {"wasted_s": 15.0, "light": "288 W"}
    raised = event("lights_left_on", "teach-1/103", NOW, why="lights_left_on.raised", values=values)
    assert words.sentence(raised, "zh") == "灯亮着而室内无人，已 15 秒（288 W）"
    assert words.sentence(raised, "en") == "lights on in an empty room for 15 s (288 W)"


@pytest.mark.parametrize(
    ("rule", "why", "values", "expected"),
    [
        ("running_water", "running_water.raised", {}, "Running water"),
        ("running_water", "running_water.raised", {"ran_s": "many", "litres": 1.0, "lpm": 1.0}, "Running water"),
        ("running_water", "a_why_of_old", {}, "Running water"),
        ("a_rule_of_old", "x", {}, "a_rule_of_old"),
    ],
)
def test_an_event_of_another_version_still_has_a_title(rule: str, why: str, values: dict, expected: str) -> None:
    assert words.sentence(event(rule, "p", NOW, why=why, values=values), "en") == expected


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-1, "0 s", "0 秒"), (0.4, "0 s", "0 秒"), (59, "59 s", "59 秒"), (60, "1 min", "1 分钟"),
        (1799.9996, "30 min", "30 分钟"),
        (47 * 60 + 59, "47 min", "47 分钟"), (3600, "1 h", "1 小时"), (4800, "1 h 20 min", "1 小时 20 分钟"),
        (86400, "1 day", "1 天"), (3 * 86400 + 4 * 3600 + 59 * 60, "3 days 4 h", "3 天 4 小时"),
    ],
)  # fmt: skip
def test_durations(seconds: float, english: str, chinese: str) -> None:
    assert (words.duration(seconds, "en"), words.duration(seconds, "zh")) == (english, chinese)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.001, "0"), (6.2, "6.2"), (0.05, "0.05"), (21.456, "21.46"), (231.94, "231.9"), (300.0, "300"),
     (1595.0, "1,595"), (12345.67, "12,345.7"), (-40.5, "−40.5")],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


READER = Reader("en", campus_site(), NOW)


@pytest.mark.parametrize(
    ("at", "english", "chinese"),
    [(NOW - 60, "13:37", "13:37"), (NOW - 86400, "4 Feb 13:38", "2月4日 13:38"),
     (NOW - 60 * 86400, "7 Dec 2025 13:38", "2025年12月7日 13:38")],
)  # fmt: skip
def test_times_are_the_sites_own(at: float, english: str, chinese: str) -> None:
    assert READER.clock(at) == english
    assert Reader("zh", READER.site, NOW).clock(at) == chinese


@pytest.mark.parametrize(
    ("covered", "needed", "text"),
    [(720, 1800, "12 of 30 min"), (15, 20, "15 of 20 s"), (25, 20, "20 of 20 s"), (7200, 86400, "2 of 24 h"),
     (0, 270, "0 of 4.5 min")],
)  # fmt: skip
def test_running_holds(covered: float, needed: float, text: str) -> None:
    assert READER.hold(Hold(NOW - covered, covered, needed)) == text


def test_places_are_called_by_building_and_room() -> None:
    assert READER.place("dorm-3/402") == "3号宿舍楼 402"
    assert READER.place("dorm-3") == "3号宿舍楼"
    assert READER.place("dorm-9/1") == "dorm-9/1"
    assert READER.owner(READER.site.places["dorm-3/402"]) == "宿管一组"


def test_a_state_is_a_word_and_a_counter_keeps_its_digits() -> None:
    occupied, meter = (Point(q, "p", "", q, "d", "s", 60.0) for q in ("occupied", "energy_kwh"))
    assert READER.value(occupied, 1.0) == ("occupied", "")
    assert READER.value(meter, 12345.67) == ("12,345.67", "kWh")
