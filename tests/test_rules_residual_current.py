"""Residual current and hot terminals: which line, after how long, at which sampling; gaps and restarts."""

import pytest
from plant import steady, told, turns
from recordings import site

from rules.hot_terminal import HotTerminal
from rules.residual_current import ResidualCurrent
from rules.rule import ParameterError, RuleKind

MONDAY = 1_767_571_200.0  # 5 Jan 2026 08:00 in Shanghai
BOARD, ROOM = "teach/board", "dorm/101"
HOT = "teach/board/terminal-a/temperature_c"
CAMPUS = {
    BOARD: ("distribution_room", ["residual_ma", "terminal-a/temperature_c"]), ROOM: ("dorm_room", ["residual_ma"]),
}  # fmt: skip


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(
    ("rule", "point", "calm", "value", "grades"),
    [
        (ResidualCurrent(), f"{BOARD}/residual_ma", 20.0, 90.0, []),
        (ResidualCurrent(), f"{BOARD}/residual_ma", 20.0, 120.0, ["minor"]),
        (ResidualCurrent(), f"{BOARD}/residual_ma", 20.0, 320.0, ["major"]),
        (ResidualCurrent(), f"{ROOM}/residual_ma", 2.0, 9.0, []),
        (ResidualCurrent(), f"{ROOM}/residual_ma", 2.0, 32.0, ["major"]),
        (HotTerminal(), HOT, 35.0, 60.0, []),
        (HotTerminal(), HOT, 35.0, 70.0, ["minor"]),
        (HotTerminal(), HOT, 35.0, 80.0, ["major"]),
        (HotTerminal(), HOT, 35.0, 95.0, ["critical"]),
    ],
)
def test_how_grave_and_how_soon(
    rule: RuleKind, point: str, calm: float, value: float, grades: list[str], every_s: float
) -> None:
    rows = steady(every_s, (300.0, {point: calm}), (180.0, {point: value}), (900.0, {point: calm}))
    events = told(rule, site(CAMPUS, every_s=every_s), rows, start=MONDAY)
    assert turns(events) == [(turn, grade) for turn in ("raised", "cleared") for grade in grades]
    assert all(event.at - MONDAY <= 300.0 + 60.0 + every_s for event in events[:1])
    assert events == told(rule, site(CAMPUS, every_s=every_s), rows, start=MONDAY, restarts=True)


def test_a_single_high_reading_and_a_gap_tell_nothing() -> None:
    point = f"{BOARD}/residual_ma"
    rows = [(0.0, {point: 20.0}), (10.0, {point: 400.0}), (20.0, {point: 20.0}), (30.0, {point: 400.0}),
            (9000.0, {point: 20.0})]  # fmt: skip
    assert told(ResidualCurrent(), site(CAMPUS, every_s=10.0), rows, start=MONDAY) == []


def test_lines_must_rise() -> None:
    with pytest.raises(ParameterError):
        HotTerminal(warn_c=80.0, alarm_c=75.0)
