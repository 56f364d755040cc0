"""Boiler without circulation: told in time at any sampling; not at the end of firing, nor over gaps."""

import pytest
from plant import steady, told, turns
from recordings import site

from rules.boiler_pump import BoilerPump
from rules.model import Event, Severity, Site

START = 1_767_571_200.0
PLACE = "teach/boiler"
SAMPLING = pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])


def of(pump: str = "pump/on", *, every_s: float = 10.0) -> Site:
    return site({PLACE: ("boiler_room", ["flame", pump])}, every_s=every_s)


def readings(flame: float, pump: float, point: str = "pump/on") -> dict[str, float]:
    return {f"{PLACE}/flame": flame, f"{PLACE}/{point}": pump}


FIRES, DRY, RESTS, IDLE = readings(1, 1), readings(1, 0), readings(0, 0), readings(0, 1)


def tell(*pieces: tuple[float, dict[str, float]], every_s: float, rule: BoilerPump | None = None) -> list[Event]:
    rows = steady(every_s, *pieces)
    events = told(rule or BoilerPump(), of(every_s=every_s), rows, start=START)
    assert events == told(rule or BoilerPump(), of(every_s=every_s), rows, start=START, restarts=True)
    return events


@SAMPLING
def test_a_fire_without_circulation_is_critical_within_a_sample(every_s: float) -> None:
    events = tell((600.0, FIRES), (180.0, DRY), (240.0, FIRES), every_s=every_s)
    assert turns(events) == [("raised", "critical"), ("cleared", "critical")]
    assert START + 630.0 <= events[0].at <= START + 630.0 + every_s
    assert events[1].why == "boiler_pump.cleared"


@SAMPLING
@pytest.mark.parametrize(
    "pieces",
    [
        [(600.0, FIRES), (60.0, DRY), (900.0, RESTS), (60.0, DRY), (600.0, FIRES)],  # a sample apart at 60 s
        [(600.0, FIRES), (300.0, IDLE), (600.0, RESTS), (300.0, IDLE), (600.0, FIRES)],
        [(600.0, RESTS)],
    ],
)
def test_the_ends_of_firing_tell_nothing(pieces: list[tuple[float, dict[str, float]]], every_s: float) -> None:
    pieces = [(every_s if state is DRY else length, state) for length, state in pieces]
    assert tell(*pieces, every_s=every_s) == []


@pytest.mark.parametrize("lag_s", [0.5, 30.0, 59.0])
def test_signals_that_come_apart_by_a_sample_tell_nothing(lag_s: float) -> None:
    """Pump and flame on topics of their own; what the flame says is a sample old."""
    rows = []
    for minute in range(120):
        rows.append((60.0 * minute, {f"{PLACE}/pump/on": float(minute % 20 < 10)}))
        rows.append((60.0 * minute + lag_s, {f"{PLACE}/flame": float(0 < minute % 20 <= 10)}))
    assert told(BoilerPump(), of(every_s=60.0), rows, start=START) == []


@SAMPLING
def test_a_gap_is_no_evidence(every_s: float) -> None:
    rows = steady(every_s, (600.0, FIRES), (every_s, DRY)) + steady(every_s, (600.0, FIRES), begin=7200.0)
    assert told(BoilerPump(), of(every_s=every_s), rows, start=START) == []


def test_an_old_reading_of_the_pump_says_nothing() -> None:
    rows = [(0.0, DRY), *steady(10.0, (600.0, {f"{PLACE}/flame": 1.0}), begin=60.0)]
    assert told(BoilerPump(), of(), rows, start=START) == []


def test_states_that_come_on_change_alone_are_told_in_time() -> None:
    rows = [(0.0, FIRES), (900.0, {f"{PLACE}/pump/on": 0.0}), (2000.0, {f"{PLACE}/pump/on": 1.0})]
    events = told(BoilerPump(), of(every_s=1440.0), [*rows, (3000.0, FIRES)], start=START)
    assert [(event.turn.value, event.at - START) for event in events] == [("raised", 930.0), ("cleared", 3000.0)]


def drawn(*pieces: tuple[float, float, float], rule: BoilerPump | None = None) -> list[Event]:
    """Events of pieces (how long, flame, watts), read every 10 s."""
    rows = steady(10.0, *((length, readings(flame, watts, "pump/power_w")) for length, flame, watts in pieces))
    return told(rule or BoilerPump(), of("pump/power_w"), rows, start=START)


@pytest.mark.parametrize(
    ("pieces", "raised"),
    [
        ([(3600.0, 1, 1500.0), (120.0, 1, 2.0)], 3630.0),
        ([(3600.0, 1, 1500.0), (120.0, 1, 40.0)], 3630.0),     # a drive on standby
        ([(3600.0, 1, 1500.0), (3600.0, 1, 450.0)], None),     # it turns slower
        ([(10.0, 1, 9000.0), (3600.0, 1, 1500.0)], None),      # what it drew to get going is not its usual draw
        ([(300.0, 1, 1500.0), (120.0, 1, 40.0)], None),        # not known long enough
        ([(300.0, 1, 1500.0), (120.0, 1, 2.0)], 330.0),
        ([(3600.0, 1, 1500.0), (36_000.0, 0, 20.0), (600.0, 1, 1500.0), (120.0, 1, 20.0)], 40_230.0),
    ],
)  # fmt: skip
def test_a_metered_pump_stands_at_a_tenth_of_its_usual_draw(
    pieces: list[tuple[float, float, float]], raised: float | None
) -> None:
    assert [event.at - START for event in drawn(*pieces)] == ([] if raised is None else [raised])


def test_a_line_of_ones_own_is_used_instead() -> None:
    (event,) = drawn((100.0, 1, 1500.0), (120.0, 1, 150.0), rule=BoilerPump(stopped_w=200.0))
    assert event.severity is Severity.CRITICAL
    assert event.values["watts"] == 150.0
