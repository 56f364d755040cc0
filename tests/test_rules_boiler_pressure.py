"""Boiler pressure: lines and leaks in time at any sampling; cooling, pump, coarse gauges and gaps tell nothing."""

import random
from collections.abc import Callable

import pytest
from plant import Rows, steady, told, turns
from recordings import site

from rules.boiler_pressure import BoilerPressure
from rules.model import Event, Site

START = 1_767_571_200.0
PLACE = "teach/boiler"
POINTS = ("pressure_kpa", "supply/temperature_c", "flame", "pump/on")
SAMPLING = pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
LEAK = BoilerPressure()
LINES = BoilerPressure(working_kpa=400.0, valve_kpa=420.0, static_kpa=100.0, fall_pct=90.0)


def of(*points: str, every_s: float) -> Site:
    return site({PLACE: ("boiler_room", points or POINTS)}, every_s=every_s)


def tell(rows: Rows, *points: str, every_s: float, rule: BoilerPressure = LEAK) -> list[Event]:
    rows, campus = list(rows), of(*points, every_s=every_s)
    events = told(rule, campus, rows, start=START)
    assert events == told(rule, campus, rows, start=START, restarts=True)
    return events


def gauge(kpa: float) -> dict[str, float]:
    return {f"{PLACE}/pressure_kpa": kpa}


@SAMPLING
@pytest.mark.parametrize(
    ("kpa", "key", "severity", "delivery"),
    [
        (358.0, None, None, None),
        (363.0, "high", "minor", "digest"),
        (383.0, "high", "major", "page"),
        (420.0, "high", "critical", "page"),
        (155.0, None, None, None),
        (145.0, "low", "major", "page"),
    ],
)
def test_each_line_is_told_within_a_sample(
    kpa: float, key: str | None, severity: str | None, delivery: str | None, every_s: float
) -> None:
    begin = 250.0 if kpa > 250.0 else 170.0
    rows = steady(every_s, (600.0, gauge(begin)), (180.0, gauge(kpa)), (240.0, gauge(begin)))
    events = tell(rows, every_s=every_s, rule=LINES)
    assert turns(events) == ([("raised", severity), ("cleared", severity)] if key else [])
    assert all(event.key == f"{PLACE}/{key}" and event.delivery == delivery for event in events)
    assert all(START + 615.0 <= event.at <= START + 615.0 + every_s for event in events[:1])


def test_the_safety_valve_opens_at_the_working_pressure_where_it_is_not_set() -> None:
    rows = steady(10.0, (600.0, gauge(250.0)), (180.0, gauge(400.0)))
    assert turns(tell(rows, every_s=10.0, rule=BoilerPressure(working_kpa=400.0))) == [("raised", "critical")]
    assert turns(tell(rows, every_s=10.0, rule=BoilerPressure(valve_kpa=400.0))) == [("raised", "critical")]
    assert tell(rows, every_s=10.0) == []


def day(
    kpa: Callable[[float], float], celsius: Callable[[float], float], *, every_s: float, length_s: float,
    flame: Callable[[float], float] = lambda _: 1.0, pump: Callable[[float], float] = lambda _: 1.0,
    points: tuple[str, ...] = POINTS, seed: int = 1,
) -> Rows:  # fmt: skip
    """Readings of functions of time, with noise."""
    rng = random.Random(seed)
    for n in range(int(length_s / every_s)):
        at = n * every_s
        values = {
            "pressure_kpa": round(kpa(at) + rng.gauss(0.0, 1.5), 1),
            "supply/temperature_c": round(celsius(at) + rng.gauss(0.0, 0.3), 1),
            "flame": flame(at), "pump/on": pump(at),
        }  # fmt: skip
        yield at, {f"{PLACE}/{point}": values[point] for point in points}


def leak(pct_min: float, *, until_s: float = 3000.0) -> Callable[[float], float]:
    """A pressure that falls from the thirtieth minute on."""
    return lambda at: 250.0 * (1.0 - pct_min / 100.0 * max(0.0, min(at, until_s) - 1800.0) / 60.0)


@SAMPLING
@pytest.mark.parametrize("points", [POINTS, POINTS[:2], POINTS[:1]])
@pytest.mark.parametrize("pct_min", [2.6, 4.0, 20.0])
def test_a_leak_is_critical_within_a_sample(pct_min: float, points: tuple[str, ...], every_s: float) -> None:
    until_s = 1800.0 + min(1200.0, 90.0 / pct_min * 60.0)
    rows = day(leak(pct_min, until_s=until_s), lambda _: 75.0, every_s=every_s, length_s=3600.0, points=points)
    events = tell(rows, *points, every_s=every_s)
    assert turns(events) == [("raised", "critical")]
    assert abs(events[0].at - START - 1800.0 - 20.0 / pct_min * 60.0 - 15.0) <= every_s + 30.0


@pytest.mark.parametrize("seed", range(6))
def test_a_leak_shows_while_the_burner_cycles(seed: int) -> None:
    period_s = 1200.0

    def burns(at: float) -> float:
        return float((at + 200.0 * seed) % period_s < 600.0)

    def celsius(at: float) -> float:
        phase = (at + 200.0 * seed) % period_s
        return 70.0 + 8.0 * (phase / 600.0 if phase < 600.0 else 2.0 - phase / 600.0)

    rows = list(day(leak(3.0, until_s=2700.0), celsius, flame=burns, every_s=10.0, length_s=3600.0, seed=seed))
    events = tell(rows, *POINTS, every_s=10.0)
    assert turns(events) == [("raised", "critical")]
    assert events[0].at <= START + 1800.0 + 600.0 + 60.0


@SAMPLING
@pytest.mark.parametrize("points", [POINTS, POINTS[:2]])
def test_cooling_tells_nothing(points: tuple[str, ...], every_s: float) -> None:
    """A night set-back of 30 K in a quarter of an hour, in a system whose vessel is small: 1.5 % a kelvin."""

    def celsius(at: float) -> float:
        return 85.0 - 30.0 * max(0.0, min(at - 1800.0, 900.0)) / 900.0

    def kpa(at: float) -> float:
        return 250.0 * (1.0 - 0.015 * (85.0 - celsius(at)))

    rows = day(kpa, celsius, flame=lambda at: float(at < 1800.0), every_s=every_s, length_s=5400.0, points=points)
    assert tell(rows, *points, every_s=every_s) == []


@SAMPLING
@pytest.mark.parametrize("points", [POINTS, (POINTS[0], POINTS[2])])
def test_steam_that_is_shut_down_tells_nothing_and_a_leak_under_fire_does(
    points: tuple[str, ...], every_s: float
) -> None:
    def kpa(at: float) -> float:
        return 600.0 * 0.5 ** (max(0.0, at - 1800.0) / 900.0)

    def celsius(at: float) -> float:
        return 165.0 - 20.0 * max(0.0, at - 1800.0) / 900.0

    out = day(kpa, celsius, flame=lambda at: float(at < 1800.0), every_s=every_s, length_s=3600.0, points=points)
    assert tell(out, *points, every_s=every_s) == []
    burning = day(kpa, celsius, every_s=every_s, length_s=3600.0, points=points)
    assert turns(tell(burning, *points, every_s=every_s)) == [("raised", "critical")]


@SAMPLING
def test_what_the_pump_does_to_the_gauge_tells_nothing(every_s: float) -> None:
    def pump(at: float) -> float:
        return float(at % 3600.0 < 2400.0)

    rows = day(lambda at: 120.0 + 60.0 * pump(at), lambda _: 60.0, pump=pump, every_s=every_s, length_s=4 * 3600.0)
    assert tell(rows, *POINTS, every_s=every_s) == []


@SAMPLING
def test_single_spikes_and_coarse_steps_tell_nothing(every_s: float) -> None:
    rng = random.Random(4)
    coarse = [(n * every_s, gauge(round((55.0 + rng.gauss(0, 4)) / 10.0) * 10.0)) for n in range(2000)]
    assert tell(coarse, POINTS[0], every_s=every_s) == []
    spiky = [(n * every_s, gauge(350.0 if n % 97 == 50 else 200.0)) for n in range(500)]
    assert tell(spiky, POINTS[0], every_s=every_s) == []


@SAMPLING
def test_a_gap_is_no_evidence(every_s: float) -> None:
    rows = steady(every_s, (600.0, gauge(250.0)), (every_s, gauge(100.0)))
    assert tell([*rows, *steady(every_s, (600.0, gauge(250.0)), begin=7200.0)], POINTS[0], every_s=every_s) == []
    rows = steady(every_s, (600.0, gauge(250.0))) + steady(every_s, (1200.0, gauge(150.0)), begin=7200.0)
    assert tell(rows, POINTS[0], every_s=every_s) == []


def test_a_leak_ends_when_the_pressure_is_back_and_not_when_it_stays_low_or_cools() -> None:
    fallen = [(600.0, gauge(250.0)), (7200.0, gauge(150.0))]
    events = tell(steady(10.0, *fallen, (600.0, gauge(230.0))), POINTS[0], every_s=10.0)
    assert [(event.turn.value, event.at - START) for event in events] == [("raised", 620.0), ("cleared", 7860.0)]
    assert events[0].values["from_kpa"] == 250.0

    def celsius(at: float) -> float:
        return 80.0 - 40.0 * max(0.0, at - 3000.0) / 3600.0

    cooled = day(leak(5.0, until_s=2400.0), lambda at: max(30.0, celsius(at)), every_s=10.0, length_s=10_800.0)
    assert turns(tell(cooled, *POINTS, every_s=10.0)) == [("raised", "critical")]


@SAMPLING
def test_a_leak_is_told_in_time_while_the_fire_is_out_and_the_water_cools_a_little(every_s: float) -> None:
    """Four kelvin in ten minutes explain a tenth of it: not enough to wait for more."""
    rows = day(leak(2.6), lambda at: 70.0 - 4.0 * at / 600.0, flame=lambda at: 0.0, every_s=every_s, length_s=3000.0)
    events = tell(rows, *POINTS, every_s=every_s)
    assert turns(events) == [("raised", "critical")]
    assert abs(events[0].at - START - 1800.0 - 20.0 / 2.6 * 60.0 - 15.0) <= every_s + 30.0


@pytest.mark.parametrize("heard_s", [0.0, 600.0])
@pytest.mark.parametrize("celsius", [None, 75.0])
def test_a_flame_that_is_not_known_excuses_nothing(heard_s: float, celsius: float | None) -> None:
    """Never heard, or heard to burn and then silent: the loss counts as where no flame is read."""
    points = POINTS[::2] if celsius is None else POINTS[:3]
    rows = [
        (at, {point: value for point, value in values.items() if at < heard_s or not point.endswith("flame")})
        for at, values in day(leak(4.0, until_s=2700.0), lambda _: celsius or 0.0, every_s=10.0, length_s=3600.0,
                              points=points)
    ]  # fmt: skip
    assert turns(tell(rows, *points, every_s=10.0)) == [("raised", "critical")]


def test_a_fire_excuses_what_was_lost_while_it_was_known_to_be_out() -> None:
    """Steam that is shut down; its flame falls silent when the pressure hardly falls any more."""
    out = {f"{PLACE}/flame": 0.0}
    rows = [
        (at, gauge(600.0 * 0.5 ** (min(at, 1500.0) / 600.0)) | (out if at < 1400.0 else {}))
        for at in (10.0 * n for n in range(300))
    ]
    assert tell(rows, POINTS[0], POINTS[2], every_s=10.0) == []


@pytest.mark.parametrize("kpa", [-100.0, -120.0])
def test_the_vacuum_of_a_broken_transmitter_is_no_pressure(kpa: float) -> None:
    rows = steady(10.0, (600.0, gauge(250.0)), (600.0, gauge(kpa)), (600.0, gauge(250.0)))
    assert tell(rows, every_s=10.0, rule=BoilerPressure(working_kpa=400.0, static_kpa=100.0)) == []
    vented = steady(10.0, (600.0, gauge(250.0)), (600.0, gauge(-20.0)))
    assert turns(tell(vented, every_s=10.0)) == [("raised", "critical")]
