"""Flue drift: soot is found by load and days; harder fire, warmer water and short runs are not taken for it."""

import pytest
from plant import steady, told, turns
from recordings import site

from rules.flue_drift import FlueDrift

BEGIN = 1_767_571_200.0
DAY_S = 86_400.0
PLACE = "plant/boiler"
SITE = {PLACE: ("boiler_room", ["flame", "fire_pct", "flue/temperature_c", "supply/temperature_c"])}


def day(soot_k: float = 0.0, *, fire_pct: float = 60.0, water_c: float = 70.0, run_s: float = 4000.0) -> list:
    """The pieces of a day of firing, an hour and a bit at a time."""
    flue_c = 60.0 + fire_pct + water_c - 20.0 + soot_k
    lit = {f"{PLACE}/flame": 1.0, f"{PLACE}/fire_pct": fire_pct, f"{PLACE}/flue/temperature_c": flue_c,
           f"{PLACE}/supply/temperature_c": water_c}  # fmt: skip
    out = lit | {f"{PLACE}/flame": 0.0, f"{PLACE}/fire_pct": 0.0, f"{PLACE}/flue/temperature_c": 45.0}
    return [(run_s, lit), (DAY_S / 8 - run_s, out)] * 8


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (day() * 10, []),
        (day(15.0) * 10, []),
        (day(25.0) * 2 + day() * 3, []),
        (day(25.0) * 5, ["raised"]),
        (day(25.0) * 5 + day() * 3, ["raised", "cleared"]),
        (day(water_c=95.0) * 6, []),
        (day(fire_pct=95.0) * 6, []),             # a load that was never learnt
        (day(25.0, run_s=500.0) * 10, []),        # never steady
        (day(30.0, fire_pct=30.0) * 8, []),       # learnt sooty at this load
    ],
)  # fmt: skip
def test_what_is_told(later: list, expected: list[str]) -> None:
    rows = steady(300.0, *day() * 15, *later)
    events = told(FlueDrift(), site(SITE, every_s=300.0), rows, start=BEGIN)
    assert turns(events) == [(turn, "minor") for turn in expected]
    assert all(event.values["drift_k"] == pytest.approx(25.0, abs=1.0) for event in events[:1])


def test_it_goes_on_after_a_restart() -> None:
    rows = steady(600.0, *day() * 15, *day(25.0) * 5)
    of = site(SITE, every_s=600.0)
    assert told(FlueDrift(), of, rows, start=BEGIN, restarts=True) == told(FlueDrift(), of, rows, start=BEGIN)
