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


def too_slow_for(folder: Path, quantity: str, every_s: float) -> list[str]:
    path = folder / "site.toml"
    path.write_text(TEXT.format(quantity=quantity, every_s=every_s), encoding="utf-8")
    said = load(path, environ={"LANG": "en"}).warnings
    where = f":15: source.topic.every_s: warning: a reading every {every_s:g} s is too slow"
    assert all(where in line for line in said)
    return [line.partition("for the rule ")[2].partition(" or faster")[0] for line in said]


@pytest.mark.parametrize(
    ("quantity", "every_s", "expected"),
    [
        ("flow_lpm", 10, []),
        ("flow_lpm", 11, ["hasty, which needs one every 10 s"]),
        ("flow_lpm", 301, ["running_water, which needs one every 300 s", "hasty, which needs one every 10 s"]),
        ("power_w", 60, []),
        ("power_w", 61, ["high_power, which needs one every 60 s"]),
        ("temperature_c", 86_400, []),    # `silent` alone watches it, and waits as long as it takes
    ],
)
def test_each_rule_that_could_not_use_a_reading_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantity: str, every_s: float, expected: list[str]
) -> None:
    monkeypatch.setitem(RULES, "hasty", Hasty)
    assert too_slow_for(tmp_path, quantity, every_s) == expected


def test_every_rule_says_how_far_apart_readings_may_be() -> None:
    assert all(kind.slowest_s > 0 for kind in RULES.values())
