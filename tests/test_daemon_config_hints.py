"""Readings that come too seldom: each rule says itself how seldom that is."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from daemon.config import load
from rules import RULES
from rules.running_water import RunningWater

TEXT = """\
[site]
id = "s"
[[building]]
id = "t"
kind = "teaching"
rooms = ["101"]
[[source]]
name = "m"
kind = "mqtt"
url = "mqtt://h"
[[source.topic]]
filter = "c/{{building}}/{{room}}"
payload = "number"
quantity = "{quantity}"
every_s = {every_s}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hasty(RunningWater):
    """A rule that needs a reading every ten seconds."""

    kind: ClassVar[str] = "hasty"
    slowest_s: ClassVar[float] = 10.0


def too_slow_for(folder: Path, quantity: str, every_s: float) -> dict[str, str]:
    """What the rules of this test need, of those for which the readings of a topic are said to come too seldom."""
    path = folder / "site.toml"
    path.write_text(TEXT.format(quantity=quantity, every_s=every_s), encoding="utf-8")
    said = load(path, environ={"LANG": "en"}).warnings
    where = f":15: source.topic.every_s: warning: a reading every {every_s:g} s is too slow"
    assert all(where in line for line in said)
    assert len(said) <= 1
    named = [rule.split(" ", 1) for line in said for rule in line.rpartition(": ")[2].split(", ")]
    return {kind: slowest for kind, slowest in named if kind in ("hasty", "running_water", "high_power")}


@pytest.mark.parametrize(
    ("quantity", "every_s", "expected"),
    [
        ("flow_lpm", 10, {}),
        ("flow_lpm", 11, {"hasty": "(10 s)"}),
        ("flow_lpm", 301, {"running_water": "(300 s)", "hasty": "(10 s)"}),
        ("power_w", 60, {}),
        ("power_w", 61, {"high_power": "(60 s)"}),
        ("temperature_c", 86_400, {}),    # `silent` and `stuck` watch it, and wait as long as it takes
    ],
)
def test_each_rule_that_could_not_use_a_reading_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantity: str, every_s: float, expected: dict[str, str]
) -> None:
    monkeypatch.setitem(RULES, "hasty", Hasty)
    assert too_slow_for(tmp_path, quantity, every_s) == expected


def test_every_rule_says_how_far_apart_readings_may_be() -> None:
    assert all(kind.slowest_s > 0 for kind in RULES.values())
