"""Water level of boilers: each line in time at any sampling; graver under a fire; filling and swelling."""

import random

import pytest
from plant import Rows, steady, told, turns
from recordings import site

from rules.boiler_level import BoilerLevel
from rules.model import Event, Site

START = 1_767_571_200.0
PLACE = "teach/boiler"
SAMPLING = pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])


def of(*points: str, every_s: float) -> Site:
    return site({PLACE: ("boiler_room", points)}, every_s=every_s)


def tell(rows: Rows, *points: str, every_s: float) -> list[Event]:
    rows, campus = list(rows), of(*points, every_s=every_s)
    events = told(BoilerLevel(), campus, rows, start=START)
    assert events == told(BoilerLevel(), campus, rows, start=START, restarts=True)
    return events


def readings(**values: float) -> dict[str, float]:
    return {f"{PLACE}/{quantity}": value for quantity, value in values.items()}


@SAMPLING
@pytest.mark.parametrize(
    ("point", "normal", "fault", "flame", "severity", "key"),
    [
        ("level_mm", 0.0, -60.0, 0.0, "major", "low"),
        ("level_mm", 0.0, -60.0, 1.0, "critical", "low"),
        ("level_mm", 0.0, -80.0, 0.0, "critical", "low"),
        ("level_mm", 0.0, 60.0, 0.0, "major", "high"),
        ("level_mm", 0.0, 60.0, 1.0, "major", "high"),
        ("level_pct", 50.0, 25.0, 0.0, "major", "low"),
        ("level_pct", 50.0, 25.0, 1.0, "critical", "low"),
        ("level_pct", 50.0, 15.0, 0.0, "critical", "low"),
        ("level_pct", 50.0, 80.0, 1.0, "major", "high"),
        ("level_low", 0.0, 1.0, 0.0, "critical", "low"),
        ("level_low", 0.0, 1.0, 1.0, "critical", "low"),
    ],
)
def test_each_line_is_told_within_a_sample(
    point: str, normal: float, fault: float, flame: float, severity: str, key: str, every_s: float
) -> None:
    calm, wrong = readings(flame=flame, **{point: normal}), readings(flame=flame, **{point: fault})
    events = tell(steady(every_s, (600.0, calm), (180.0, wrong), (180.0, calm)), point, "flame", every_s=every_s)
    assert turns(events) == [("raised", severity), ("cleared", severity)]
    assert {event.key for event in events} == {f"{PLACE}/{key}"}
    assert START + 615.0 <= events[0].at <= START + 615.0 + every_s


@SAMPLING
@pytest.mark.parametrize("level", [-45.0, -20.0, 30.0, 45.0])
def test_between_the_lines_nothing_is_told(level: float, every_s: float) -> None:
    rng = random.Random(1)
    rows = [(every_s * n, readings(level_mm=level + rng.uniform(-4, 4), flame=float(n % 20 < 8))) for n in range(400)]
    assert tell(rows, "level_mm", "flame", every_s=every_s) == []


def test_all_sensors_of_a_side_make_one_alert_that_a_fire_makes_graver() -> None:
    points = ("level_mm", "level_pct", "level_low", "flame")
    calm = readings(level_mm=0, level_pct=50, level_low=0, flame=0)
    low = readings(level_mm=-60, level_pct=28, level_low=0, flame=0)
    rows = steady(10.0, (300.0, calm), (60.0, low), (60.0, {**low, f"{PLACE}/flame": 1.0}),
                  (60.0, {**low, f"{PLACE}/level_low": 1.0}), (120.0, calm))  # fmt: skip
    events = tell(rows, *points, every_s=10.0)
    assert turns(events) == [("raised", "major"), ("updated", "critical"), ("cleared", "critical")]
    assert [event.at - START for event in events] == [320.0, 360.0, 510.0]


def fill(every_s: float, *, k_min: float, flame: float | None = 0.0, noise: float = 2.0) -> Rows:
    """A boiler that is filled from far below its middle."""
    rng, level, n = random.Random(2), -200.0, 0
    while level < 0.0:
        more = {} if flame is None else {"flame": flame}
        yield n * every_s, readings(level_mm=round(level + rng.uniform(-noise, noise)), **more)
        level, n = level + k_min * every_s / 60.0, n + 1
    yield n * every_s, readings(level_mm=0.0)


@SAMPLING
@pytest.mark.parametrize("k_min", [20.0, 60.0])
def test_filling_a_cold_boiler_tells_nothing(k_min: float, every_s: float) -> None:
    assert tell(fill(every_s, k_min=k_min), "level_mm", "flame", every_s=every_s) == []
    assert tell(fill(every_s, k_min=k_min, flame=None), "level_mm", every_s=every_s) == []


def test_filling_a_boiler_under_a_fire_is_critical() -> None:
    events = tell(fill(10.0, k_min=20.0, flame=1.0), "level_mm", "flame", every_s=10.0)
    assert turns(events)[0] == ("raised", "critical")


def test_a_noisy_level_that_stays_low_is_told_all_the_same() -> None:
    rng = random.Random(3)
    rows = [(float(n), readings(level_mm=rng.gauss(0.0 if n < 300 else -65.0, 3.0), flame=0)) for n in range(600)]
    events = tell(rows, "level_mm", "flame", every_s=1.0)
    assert turns(events) == [("raised", "major")]
    assert START + 315.0 <= events[0].at <= START + 320.0


@SAMPLING
def test_water_that_swells_at_the_start_tells_nothing(every_s: float) -> None:
    rows = steady(every_s, (600.0, readings(level_mm=20, flame=0)), (60.0, readings(level_mm=20, flame=1)),
                  (120.0, readings(level_mm=75, flame=1)), (600.0, readings(level_mm=10, flame=1)))  # fmt: skip
    assert tell(rows, "level_mm", "flame", every_s=every_s) == []


def test_too_much_water_is_told_also_after_lighting() -> None:
    rows = steady(10.0, (600.0, readings(level_mm=20, flame=0)), (60.0, readings(level_mm=120, flame=1)))
    assert turns(tell(rows, "level_mm", "flame", every_s=10.0)) == [("raised", "major")]
    rows = steady(10.0, (600.0, readings(level_mm=20, flame=0)), (300.0, readings(level_mm=75, flame=1)))
    (event,) = tell(rows, "level_mm", "flame", every_s=10.0)
    assert event.at == START + 600.0 + 180.0 + 20.0


@SAMPLING
def test_a_gap_is_no_evidence(every_s: float) -> None:
    calm, low = readings(level_mm=0, level_low=0, flame=1), readings(level_mm=-90, level_low=1, flame=1)
    rows = steady(every_s, (600.0, calm), (every_s, low)) + steady(every_s, (600.0, calm), begin=7200.0)
    assert tell(rows, "level_mm", "level_low", "flame", every_s=every_s) == []


def test_a_float_switch_that_comes_on_change_alone_is_told_in_time() -> None:
    rows = [(0.0, readings(level_low=0.0)), (900.0, readings(level_low=1.0)), (1800.0, readings(level_low=1.0)),
            (1900.0, readings(level_low=0.0)), (2900.0, readings(level_low=0.0))]  # fmt: skip
    events = tell(rows, "level_low", every_s=1440.0)
    assert [(event.turn.value, event.at - START) for event in events] == [("raised", 915.0), ("cleared", 2900.0)]


@SAMPLING
def test_a_float_switch_against_a_level_that_is_not_low_is_told_though_it_rises(every_s: float) -> None:
    rows = [
        (every_s * n, readings(level_mm=-40.0 + 6.0 * n % 60, level_low=float(n >= 20), flame=0.0)) for n in range(60)
    ]
    events = tell(rows, "level_mm", "level_low", "flame", every_s=every_s)
    assert turns(events) == [("raised", "critical")]
    assert START + 20 * every_s + 15.0 <= events[0].at <= START + 21 * every_s + 15.0
