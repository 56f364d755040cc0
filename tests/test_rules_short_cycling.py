"""Short cycling: how many starts, how short the runs, when it is over; gaps and normal firing."""

import pytest
from plant import steady, told, turns
from recordings import site

from rules.short_cycling import ShortCycling

MONDAY = 1_767_571_200.0
FLAME = "plant/boiler/flame"
ON, OFF = {FLAME: 1.0}, {FLAME: 0.0}
SITE = {"plant/boiler": ("boiler_room", ["flame"])}


def cycles(count: int, on_s: float, off_s: float) -> list[tuple[float, dict[str, float]]]:
    return [(off_s, OFF)] + [piece for _ in range(count) for piece in ((on_s, ON), (off_s, OFF))]


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (cycles(8, 900.0, 900.0), []),                                # two starts an hour
        (cycles(8, 360.0, 300.0), []),                                # five and a half
        (cycles(3, 240.0, 1800.0), [("raised", "minor")]),            # three short runs
        (cycles(2, 240.0, 1800.0) + cycles(1, 400.0, 900.0) + cycles(1, 240.0, 900.0), []),
        (cycles(8, 330.0, 150.0), [("raised", "minor")]),             # seven in an hour
        (cycles(16, 180.0, 120.0), [("raised", "minor"), ("updated", "major")]),
        (cycles(3, 240.0, 1800.0) + cycles(2, 600.0, 1800.0), [("raised", "minor"), ("cleared", "minor")]),
        ([(9000.0, ON)], []),
    ],
)  # fmt: skip
def test_what_is_told(
    pieces: list[tuple[float, dict[str, float]]], expected: list[tuple[str, str]], every_s: float
) -> None:
    rows = steady(every_s, *pieces)
    events = told(ShortCycling(), site(SITE, every_s=every_s), rows, start=MONDAY)
    assert turns(events) == expected
    if every_s > 1.0:
        assert events == told(ShortCycling(), site(SITE, every_s=every_s), rows, start=MONDAY, restarts=True)


def test_what_was_lit_after_a_gap_is_no_start() -> None:
    rows = [(3000.0 * n, ON if n % 2 else OFF) for n in range(40)]
    assert told(ShortCycling(), site(SITE, every_s=60.0), rows, start=MONDAY) == []
