"""Rules that a school declares itself, in a configuration: what is read, and what is wrong at which line."""

import re
from pathlib import Path

import pytest
from config_mistakes import BROKER, HOUSES, SITE

from daemon.config import ConfigError, Loaded, load
from daemon.config.errors import Findings
from daemon.config.rules import find_clashes
from rules.engine import Engine
from rules.expression import ExpressionWatch
from rules.limit import LimitWatch
from rules.silent import Silent

METERS = SITE + HOUSES + BROKER + (
    '[[source.topic]]\nfilter = "c/{building}/{room}"\npayload = "json"\nevery_s = 60\n'
    'fields = { P = "power_w", T = "temperature_c", D = "door_open" }\nwhere = { kind = "dorm_room" }\n'
)  # fmt: skip
FIRST = METERS.count("\n") + 1  # the line where a rule begins
OWN = (LimitWatch, ExpressionWatch)


def loaded(folder: Path, rules: str, *, base: str = METERS) -> Loaded:
    path = folder / "site.toml"
    path.write_text(base + rules, encoding="utf-8")
    return load(path, environ={"LANG": "en"})


def refused(folder: Path, rules: str, *, base: str = METERS, language: str = "en") -> list[str]:
    path = folder / "site.toml"
    path.write_text(base + rules, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(path, environ={"LANG": language})
    return [line.removeprefix(str(path)) for line in error.value.lines]


def own(made: Loaded) -> dict[str, list[str]]:
    """The inputs of the watches that are declared, by key."""
    watches = list(made.watches())
    Engine(watches)  # which refuses two of one name
    return {watch.key: list(watch.inputs.values()) for watch in watches if isinstance(watch, OWN)}


LIMIT = '[[rule]]\nkind = "limit"\n'
EXPRESSION = '[[rule]]\nkind = "expression"\n'


def test_nothing_is_declared_by_default(tmp_path: Path) -> None:
    assert own(loaded(tmp_path, "")) == {}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (LIMIT + 'quantity = "temperature_c"\nabove = 35\nwhere = { place = ["d/101", "d/102"] }\nexcept = "d/102"',
         {"limit: d/101/temperature_c": ["d/101/temperature_c"]}),
        (LIMIT + 'points = "d/103/power_w"\nbelow = 1.5', {"limit: d/103/power_w": ["d/103/power_w"]}),
        # Several side by side, each with a name of its own.
        ((LIMIT + 'name = "热"\npoints = ["d/101/temperature_c"]\nabove = 35\n') * 2
         + LIMIT + 'points = ["d/101/temperature_c"]\nabove = 40\n',
         {name: ["d/101/temperature_c"] for name in (
             "热: d/101/temperature_c", "热 2: d/101/temperature_c", "limit: d/101/temperature_c")}),
        (EXPRESSION + 'name = "两间"\nwhen = "a + b > 3000 and not open"\nfor_min = 5\n'
         'points = { a = "d/101/power_w", b = "d/102/power_w", open = "d/103/door_open" }\n'
         + LIMIT + 'quantity = "power_w"\nabove = 1\nenabled = false',
         {"两间": ["d/101/power_w", "d/102/power_w", "d/103/door_open"]}),
    ],
)  # fmt: skip
def test_each_table_adds_a_rule(tmp_path: Path, rules: str, expected: dict[str, list[str]]) -> None:
    made = loaded(tmp_path, rules)
    assert own(made) == expected
    assert made.warnings == ()


def test_parameters_arrive_in_their_units(tmp_path: Path) -> None:
    made = loaded(tmp_path, LIMIT + 'points = ["d/101/power_w"]\nabove = 9\nfor_min = 2\nhysteresis = 1\n'
                  'severity = "major"\ndelivery = "digest"')  # fmt: skip
    (watch,) = (watch for watch in made.watches() if isinstance(watch, LimitWatch))
    assert (watch.above, watch.below, watch.hold_s, watch.hysteresis) == (9.0, float("-inf"), 120.0, 1.0)
    assert (watch.severity, watch.delivery, watch.holds_s) == (2, "digest", 150.0)


@pytest.mark.parametrize(("every_s", "warned"), [(60, []), (7200, [":16: source.topic.every_s: .*meter_balance"])])
def test_meters_of_several_places_are_balanced(tmp_path: Path, every_s: int, warned: list[str]) -> None:
    topics = "".join(
        f'[[source.topic]]\nfilter = "{room}"\nplace = "d/{room}"\npayload = "number"\nquantity = "volume_m3"\n'
        f"every_s = {period_s}\n"
        for room, period_s in (("101", every_s), ("102", 60))
    )
    balance = (
        '[[rule]]\nkind = "meter_balance"\nname = "d"\nparent = "d/101/volume_m3"\nchildren = ["d/102/volume_m3"]\n'
    )
    made = loaded(tmp_path, topics + balance, base=SITE + HOUSES + BROKER)
    watches = [watch for watch in made.watches() if watch.rule == "meter_balance"]
    assert [list(watch.inputs.values()) for watch in watches] == [["d/101/volume_m3", "d/102/volume_m3"]]
    said = [line for line in made.warnings if "meter_balance" in line]
    assert len(said) == len(warned)
    assert all(re.search(wanted, line) for wanted, line in zip(warned, said, strict=True))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (LIMIT, [":0: rule: not possible: write either quantity, or points"]),
        (LIMIT + 'quantity = "temperature"\nabove = 1', [':2: rule.quantity: unknown name .*mean "temperature_c"']),
        (LIMIT + 'points = ["d/101/powr_w"]\nabove = 1', [':2: rule.points: unknown point .*mean "d/101/power_w"']),
        (LIMIT + "points = 3\nabove = 1", [":2: rule.points: must be a list, found a whole number"]),
        (LIMIT + "points = [3]\nabove = 1", [":2: rule.points: must be text in quotes, found a whole number"]),
        (LIMIT + 'quantity = "power_w"\nabove = "much"', [":3: rule.above: .*must be a number, found text"]),
        (LIMIT + 'quantity = "power_w"\nabove = inf', [":3: rule.above: inf is out of range"]),
        (LIMIT + 'quantity = "power_w"\nabove = nan', [":3: rule.above: nan is out of range"]),
        (LIMIT + 'quantity = "power_w"\nabove = 1\nbelow = 2', [":3: rule.above: .*must be larger than below"]),
        (LIMIT + 'quantity = "power_w"\nabove = 1\nseverity = "grave"', [":4: rule.severity: .*allowed: minor, info"]),
        (LIMIT + 'quantity = "power_w"\nabove = 1\nname = 3', [":4: rule.name: must be text in quotes"]),
        (LIMIT + 'quantity = "power_w"\nabove = 1\nname = "a\\nb"', [":4: rule.name: must be one line"]),
        (LIMIT + f'quantity = "power_w"\nabove = 1\nname = "{"x" * 81}"', [":4: rule.name: too long, .* 80"]),
        (EXPRESSION + 'points = { a = "d/101/power_w" }\nwhen = "a ** 2 > 1"', [":3: .*when: .*only +"]),
        (EXPRESSION + 'points = { a = "d/101/power_w" }\nwhen = "b > 1"', [':3: .*when: .*"b" is none of a']),
        (EXPRESSION + 'points = { a = "d/101/power" }\nwhen = "a > 1"', [":2: rule.points.a: unknown point"]),
        (EXPRESSION + 'points = ["d/101/power_w"]\nwhen = "a > 1"', [":2: rule.points: must be a table, found a list"]),
        (EXPRESSION + 'points = { a = 3 }\nwhen = "a > 1"', [":2: rule.points: must be text in quotes"]),
        (EXPRESSION + 'points = { a = "d/101/power_w" }\nwhen = "a > 1"\nwhere = { place = "d/102" }',
         [":2: rule.points.a: d/101/power_w lies outside"]),
        (EXPRESSION + 'points = { a = "d/101/power_w" }\nwhen = "a > 1"\nexcept = "d/101"',
         [":2: rule.points.a: d/101/power_w lies outside"]),
        (EXPRESSION + 'points = { min = "d/101/power_w" }\nwhen = "min > 1"', [':2: .*points: .*"min" cannot be']),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_line(tmp_path: Path, rules: str, expected: list[str]) -> None:
    found = refused(tmp_path, rules)
    assert len(found) == len(expected), found
    for line, wanted in zip(found, expected, strict=True):
        _, number, rest = wanted.split(":", 2)
        assert line.startswith(f":{FIRST + int(number)}:"), line
        pattern = re.escape(rest).replace(r"\.\*", ".*")
        assert re.search(pattern, line), line


def test_what_a_rule_refuses_is_said_in_chinese_too(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, LIMIT + 'quantity = "power_w"', language="zh")
    assert line.endswith("不能这样写：必须写 above 或 below，也可都写")


def test_points_of_a_source_with_mistakes_are_not_complained_of(tmp_path: Path) -> None:
    rules = LIMIT + 'points = ["d/101/power_w"]\nabove = 1'
    found = refused(tmp_path, rules, base=METERS.replace("power_w", "powr_w"))
    assert len(found) == 1
    assert "powr_w" in found[0]


def test_what_two_rules_would_watch_is_told_at_the_later(tmp_path: Path) -> None:
    site = loaded(tmp_path, "").site
    first, second = (Silent(), ("d/101",)), (Silent(least_s=60.0), ("d/101", "d/102"))
    findings = Findings()
    find_clashes((first, second), {("rule", 4): second}, site, findings)
    assert [(problem.path, problem.code) for problem in findings.errors] == [(("rule", 4), "watched_twice")]
