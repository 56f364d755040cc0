"""Spread of supply and return: narrow and wide in time at any sampling; warming up, cycles and gaps tell nothing."""

import random
from collections.abc import Callable
from math import exp

import pytest
from plant import Rows, steady, told, turns
from recordings import site

from rules.boiler_spread import BoilerSpread
from rules.model import Event, Site

START = 1_767_571_200.0
PLACE = "teach/boiler"
WATER = ("supply/temperature_c", "return/temperature_c")
SAMPLING = pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
Burner = dict[str, float]


def of(*points: str, every_s: float) -> Site:
    return site({PLACE: ("boiler_room", points)}, every_s=every_s)


def tell(rows: Rows, *burner: str, every_s: float) -> list[Event]:
    rows, campus = list(rows), of(*WATER, *burner, every_s=every_s)
    events = told(BoilerSpread(), campus, rows, start=START)
    if every_s > 1.0:
        assert events == told(BoilerSpread(), campus, rows, start=START, restarts=True)
    return events


def readings(supply: float, back: float, **burner: float) -> dict[str, float]:
    water = {f"{PLACE}/{WATER[0]}": supply, f"{PLACE}/{WATER[1]}": back}
    return water | {f"{PLACE}/{quantity}": value for quantity, value in burner.items()}


@SAMPLING
@pytest.mark.parametrize(
    ("burner", "is_told"),
    [({"fire_pct": 70.0}, True), ({"fire_pct": 45.0}, False), ({"flame": 1.0}, True), ({"flame": 0.0}, False),
     ({"fire_pct": 45.0, "flame": 1.0}, False)],
)  # fmt: skip
def test_a_narrow_spread_at_full_fire_is_told_after_an_hour(burner: Burner, is_told: bool, every_s: float) -> None:
    calm, narrow = readings(65.0, 50.0, **burner), readings(65.0, 62.0, **burner)
    rows = steady(every_s, (600.0, calm), (4200.0, narrow), (1200.0, calm))
    events = tell(rows, *burner, every_s=every_s)
    assert turns(events) == ([("raised", "minor"), ("cleared", "minor")] if is_told else [])
    assert all(event.key == f"{PLACE}/narrow" and event.delivery == "digest" for event in events)
    assert all(START + 4200.0 <= event.at <= START + 4200.0 + every_s for event in events[:1])


def test_a_flame_that_goes_out_begins_the_hour_anew() -> None:
    on, off = readings(65.0, 62.0, flame=1.0), readings(65.0, 62.0, flame=0.0)
    assert tell(steady(10.0, *[(3000.0, on), (300.0, off)] * 4), "flame", every_s=10.0) == []


def test_a_burner_that_modulates_around_the_line_fires_all_the_same() -> None:
    rows = [(10.0 * n, readings(65.0, 62.0, fire_pct=55.0 if n % 3 else 44.0)) for n in range(1, 420)]
    assert turns(tell(rows, "fire_pct", every_s=10.0)) == [("raised", "minor")]


@SAMPLING
@pytest.mark.parametrize("burner", [{}, {"flame": 1.0}, {"fire_pct": 30.0}])
def test_a_wide_spread_is_told_after_a_minute(burner: Burner, every_s: float) -> None:
    calm, wide = readings(70.0, 50.0, **burner), readings(76.0, 48.0, **burner)
    events = tell(steady(every_s, (600.0, calm), (600.0, wide), (1200.0, calm)), *burner, every_s=every_s)
    assert turns(events) == [("raised", "major"), ("cleared", "major")]
    assert START + 660.0 <= events[0].at <= START + 660.0 + every_s


def test_cycles_do_not_end_a_wide_spread_and_raise_it_anew() -> None:
    on, off = readings(78.0, 48.0, flame=1.0), readings(60.0, 48.0, flame=0.0)
    rows = steady(10.0, (600.0, readings(65.0, 50.0, flame=1.0)), *[(900.0, on), (900.0, off)] * 4)
    assert turns(tell(rows, "flame", every_s=10.0)) == [("raised", "major")]


def warming(*, every_s: float, begin_c: float, lag_s: float, flame: Callable[[float], float]) -> Rows:
    """A boiler that is lit after ten minutes; what returns gets warm later."""
    rng = random.Random(1)
    for n in range(int(4 * 3600.0 / every_s)):
        since_s = max(0.0, n * every_s - 600.0)
        supply = begin_c + (78.0 - begin_c) * (1.0 - exp(-since_s / 900.0))
        back = begin_c + (60.0 - begin_c) * (1.0 - exp(-max(0.0, since_s - lag_s) / 1800.0))
        yield n * every_s, readings(supply + rng.gauss(0, 0.3), back + rng.gauss(0, 0.3), flame=flame(n * every_s))


@SAMPLING
@pytest.mark.parametrize(("begin_c", "lag_s"), [(15.0, 900.0), (15.0, 300.0), (40.0, 1200.0)])
def test_warming_up_tells_nothing(begin_c: float, lag_s: float, every_s: float) -> None:
    rows = list(warming(every_s=every_s, begin_c=begin_c, lag_s=lag_s, flame=lambda at: float(at >= 600.0)))
    assert tell(rows, "flame", every_s=every_s) == []
    if begin_c < 30.0:
        assert tell(rows, every_s=every_s) == []  # nor where the flame is not known


@SAMPLING
def test_a_gap_is_no_evidence(every_s: float) -> None:
    calm, wide = readings(70.0, 50.0, flame=1.0), readings(80.0, 48.0, flame=1.0)
    rows = steady(every_s, (600.0, calm), (every_s, wide)) + steady(every_s, (600.0, calm), begin=7200.0)
    assert tell(rows, "flame", every_s=every_s) == []


def test_an_old_return_says_nothing() -> None:
    rows = [(0.0, readings(70.0, 40.0)), *steady(10.0, (3600.0, {f"{PLACE}/{WATER[0]}": 80.0}), begin=10.0)]
    assert tell(rows, every_s=10.0) == []
