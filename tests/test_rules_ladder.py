"""A ladder of alarm lines: delays, deadband, the way back, gaps, and a random value that never jumps a rung."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ladder import Climb, Ladder, Rung
from rules.model import Delivery, Severity, Turn

RUNGS = (Rung(90.0, 60.0, Severity.MINOR, Delivery.DIGEST), Rung(95.0, 60.0, Severity.MAJOR),
         Rung(98.0, 15.0, Severity.CRITICAL))  # fmt: skip
LADDER = Ladder(rungs=RUNGS, deadband=2.0, clear_s=60.0)
HOLDS_S = 25.0


def told(readings: Iterable[tuple[float, float]], ladder: Ladder = LADDER) -> list[tuple[float, Turn, int]]:
    """What is told of readings: when, which turn, and how many rungs are told by then."""
    climb, out = Climb(), []
    for at, value in readings:
        climb, turn = ladder.step(Climb(*json.loads(json.dumps(climb))), at, value, holds_s=HOLDS_S)
        if turn is not None:
            out.append((at, turn, climb.told))
        if turn is Turn.CLEARED:
            climb = ladder.after(climb)
    return out


def every_10_s(*values: float) -> list[tuple[float, float]]:
    return [(1000.0 + 10.0 * n, value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        (every_10_s(80, *[91] * 7), [(1070.0, Turn.RAISED, 1)]),
        (every_10_s(80, *[91] * 6, 87), []),
        (every_10_s(80, *[91, 89] * 4), [(1070.0, Turn.RAISED, 1)]),  # within the deadband it stays on its rung
        (every_10_s(80, 99, 99, 99), [(1030.0, Turn.RAISED, 3)]),
        (every_10_s(80, *[91] * 8, *[96] * 7), [(1070.0, Turn.RAISED, 1), (1150.0, Turn.UPDATED, 2)]),
        (every_10_s(80, *[91] * 8, *[89] * 9), [(1070.0, Turn.RAISED, 1)]),
        (every_10_s(80, *[91] * 8, *[87] * 7), [(1070.0, Turn.RAISED, 1), (1150.0, Turn.CLEARED, 1)]),
        (every_10_s(80, *[91] * 8, *[87] * 6, 89, *[87] * 2), [(1070.0, Turn.RAISED, 1)]),
        ([(1000.0, 99.0)], []),  # nothing is told by the first reading
        ([(1000.0, 80.0), (1010.0, 91.0), (9000.0, 91.0), (9010.0, 91.0), (9020.0, 91.0), (9030.0, 91.0)],
         []),  # 25 s of the gap count, and 30 s after it
    ],
)  # fmt: skip
def test_what_is_told(readings: list[tuple[float, float]], expected: list[tuple[float, Turn, int]]) -> None:
    assert told(readings) == expected


def test_floors_are_lines_turned_over() -> None:
    floor = Ladder(rungs=tuple(r._replace(line=-r.line) for r in RUNGS), deadband=2.0, clear_s=60.0, falls=True)
    readings = every_10_s(80, *[91] * 8, *[96] * 8, *[87] * 8)
    assert told([(at, -value) for at, value in readings], floor) == told(readings)


@given(st.lists(st.tuples(st.floats(0.1, 100.0), st.floats(80.0, 105.0)), max_size=60))
def test_alerts_begin_grow_and_end_in_order(steps: list[tuple[float, float]]) -> None:
    at, readings = 0.0, []
    for seconds, value in steps:
        at += seconds
        readings.append((at, value))
    open_, rungs = False, 0
    for _, turn, count in told(readings):
        assert turn is Turn.RAISED if not open_ else turn is not Turn.RAISED
        assert turn is not Turn.UPDATED or count > rungs
        open_, rungs = turn is not Turn.CLEARED, count


def test_what_runs_shows_as_a_hold() -> None:
    climb = Climb()
    for at, value in every_10_s(80, 91, 99):
        climb, _ = LADDER.step(climb, at, value, holds_s=HOLDS_S)
    hold = LADDER.hold(climb, 1025.0, holds_s=HOLDS_S)
    assert hold == (1010.0, 5.0, 15.0)


@pytest.mark.parametrize(
    ("holds_s", "value", "wake"), [(HOLDS_S, 91.0, None), (3600.0, 91.0, 1070.0), (3600.0, 99.0, 1025.0),
                                   (3600.0, 85.0, None)],
)  # fmt: skip
def test_what_reports_on_change_is_looked_at_again_when_its_delay_is_over(
    holds_s: float, value: float, wake: float | None
) -> None:
    climb = Climb()
    for at, reading in every_10_s(80, value):
        climb, _ = LADDER.step(climb, at, reading, holds_s=holds_s)
    assert LADDER.lapse(climb, holds_s=holds_s) == wake
    if wake is not None:
        climb, turn = LADDER.step(climb, wake, value, holds_s=holds_s)
        assert turn is Turn.RAISED


@pytest.mark.parametrize("falls", [False, True])
def test_rungs_go_from_mild_to_grave(falls: bool) -> None:
    rungs = tuple(rung._replace(line=-rung.line) for rung in RUNGS) if falls else RUNGS
    Ladder(rungs=(*rungs, rungs[-1]), deadband=2.0, clear_s=60.0, falls=falls)
    for wrong in (rungs[::-1], (rungs[0], rungs[2], rungs[1]), (rungs[0]._replace(severity=Severity.MAJOR), *rungs[1:],
                  rungs[2]._replace(severity=Severity.MINOR))):  # fmt: skip
        with pytest.raises(AssertionError):
            Ladder(rungs=wrong, deadband=2.0, clear_s=60.0, falls=falls)
