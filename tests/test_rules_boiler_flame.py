"""Flame failure: lost, not lit and relit in time at any sampling; not at the end of a cycle, nor over gaps."""

from collections.abc import Iterator, Mapping

import pytest
from plant import Rows, steady, told, turns
from recordings import site

from rules.boiler_flame import BoilerFlame
from rules.model import Event, Site

START = 1_767_571_200.0
PLACE = "teach/boiler"
SAMPLING = pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
CRITICAL, MAJOR = "critical", "major"


def of(*points: str, every_s: float) -> Site:
    return site({PLACE: ("boiler_room", points or ["demand", "flame"])}, every_s=every_s)


def readings(demand: float, flame: float) -> dict[str, float]:
    return {f"{PLACE}/demand": demand, f"{PLACE}/flame": flame}


IDLE, ASKED, BURNS, LAGS = readings(0, 0), readings(1, 0), readings(1, 1), readings(0, 1)


def tell(rows: Rows, *points: str, every_s: float) -> list[Event]:
    rows, campus = list(rows), of(*points, every_s=every_s)
    events = told(BoilerFlame(), campus, rows, start=START)
    assert events == told(BoilerFlame(), campus, rows, start=START, restarts=True)
    return events


@SAMPLING
def test_a_flame_that_is_lost_is_critical_within_a_sample(every_s: float) -> None:
    rows = steady(every_s, (600.0, IDLE), (60.0, ASKED), (600.0, BURNS), (180.0, ASKED), (180.0, BURNS))
    events = tell(rows, every_s=every_s)
    assert turns(events) == [("raised", CRITICAL), ("cleared", CRITICAL)]
    assert [event.why for event in events] == ["boiler_flame.lost", "boiler_flame.cleared_lit"]
    assert START + 1270.0 <= events[0].at <= START + 1270.0 + every_s


@SAMPLING
def test_what_does_not_light_is_told_after_five_minutes(every_s: float) -> None:
    events = tell(steady(every_s, (600.0, IDLE), (480.0, ASKED), (180.0, IDLE)), every_s=every_s)
    assert turns(events) == [("raised", MAJOR), ("cleared", MAJOR)]
    assert [event.why for event in events] == ["boiler_flame.unlit", "boiler_flame.cleared_idle"]
    assert START + 900.0 <= events[0].at <= START + 900.0 + every_s


@SAMPLING
@pytest.mark.parametrize("between", [None, ASKED, LAGS], ids=["together", "flame first", "demand first"])
def test_normal_cycles_tell_nothing(between: Mapping[str, float] | None, every_s: float) -> None:
    cycle = [(240.0, ASKED), (600.0, BURNS), *([(every_s, between)] if between else []), (300.0, IDLE)]
    assert tell(steady(every_s, *cycle * 8), every_s=every_s) == []


@pytest.mark.parametrize("lag_s", [0.5, 30.0, 59.0])
def test_signals_that_come_apart_by_a_sample_tell_nothing(lag_s: float) -> None:
    """Flame and demand on topics of their own; what the demand says is a sample old."""
    rows = []
    for minute in range(120):
        burns = float(minute % 20 >= 5)
        asked = float((minute - 1) % 20 >= 3 or minute == 0)
        rows.append((60.0 * minute, {f"{PLACE}/flame": burns}))
        rows.append((60.0 * minute + lag_s, {f"{PLACE}/demand": asked}))
    assert tell(rows, every_s=60.0) == []


@SAMPLING
def test_a_gap_is_no_evidence(every_s: float) -> None:
    rows = steady(every_s, (600.0, BURNS), (every_s, ASKED)) + steady(every_s, (600.0, BURNS), begin=7200.0)
    assert tell(rows, every_s=every_s) == []
    for again in (BURNS, ASKED):  # one call, another call
        rows = steady(every_s, (600.0, BURNS), (every_s, ASKED)) + steady(every_s, (60.0, again), begin=7200.0)
        assert tell([*rows, *steady(every_s, (600.0, BURNS), begin=7260.0)], every_s=every_s) == []
    rows = steady(every_s, (60.0, ASKED)) + steady(every_s, (180.0, ASKED), begin=7200.0)
    assert tell(rows, every_s=every_s) == []


def flickers(times: int, every_s: float = 1.0) -> Rows:
    flicker = [(300.0, BURNS), (5.0, ASKED)]
    return steady(every_s, (60.0, ASKED), *flicker * times, (4500.0, BURNS))


def test_a_flame_that_must_be_lit_again_and_again_is_told_until_it_stays() -> None:
    assert tell(flickers(2), every_s=1.0) == []
    events = tell(flickers(3), every_s=1.0)
    assert turns(events) == [("raised", MAJOR), ("cleared", MAJOR)]
    assert events[0].why == "boiler_flame.relit"
    assert events[0].values["tries"] == 3.0
    assert events[0].at - START == 60.0 + 3 * 305.0 - 5.0 + 10.0
    assert events[1].at == START + 60.0 + 305.0 + 3600.0 + 60.0


def test_it_grows_from_many_tries_to_a_flame_that_is_lost() -> None:
    rows = steady(1.0, (60.0, ASKED), *[(300.0, BURNS), (5.0, ASKED)] * 3, (60.0, BURNS), (60.0, ASKED))
    assert turns(tell(rows, every_s=1.0)) == [("raised", MAJOR), ("updated", CRITICAL)]


def test_states_that_come_on_change_alone_are_told_in_time() -> None:
    flame, demand = f"{PLACE}/flame", f"{PLACE}/demand"
    rows = [(0.0, {demand: 1.0}), (40.0, {flame: 1.0}), (700.0, {flame: 0.0}), (1900.0, {demand: 0.0}),
            (2000.0, {flame: 0.0})]  # fmt: skip
    events = tell(rows, every_s=1440.0)
    assert [(event.turn.value, event.at - START) for event in events] == [("raised", 710.0), ("cleared", 2000.0)]
    rows = [(0.0, {demand: 1.0}), (40.0, {flame: 1.0}), (700.0, {demand: 0.0}), (702.0, {flame: 0.0}), (2000.0, {})]
    assert tell(rows[:-1], every_s=1440.0) == []


WATER = ("demand", "supply/temperature_c", "return/temperature_c")


def water(every_s: float, *pieces: tuple[float, float, float, float], spread_k: float | None = None) -> Iterator:
    """Pieces of (seconds, demand, outlet at first, change in K a minute), noisy by half a degree."""
    at, number = 0.0, 0
    for length_s, demand, celsius, k_min in pieces:
        for step in range(int(length_s / every_s)):
            supply = celsius + k_min * step * every_s / 60.0 + (0.0, 0.4, -0.5, 0.3, -0.2)[number % 5]
            values = {f"{PLACE}/demand": demand, f"{PLACE}/supply/temperature_c": supply}
            if spread_k is not None:
                values[f"{PLACE}/return/temperature_c"] = supply - spread_k
            yield at, values
            at, number = at + every_s, number + 1


@SAMPLING
@pytest.mark.parametrize("spread_k", [None, 0.3])
def test_without_a_detector_the_water_tells_that_it_did_not_light(spread_k: float | None, every_s: float) -> None:
    points = WATER[:2] if spread_k is None else WATER
    rows = water(every_s, (600.0, 0, 50.0, -0.2), (600.0, 1, 48.0, -0.2), (600.0, 1, 46.0, 2.0), spread_k=spread_k)
    events = tell(rows, *points, every_s=every_s)
    assert turns(events) == [("raised", MAJOR), ("cleared", MAJOR)]
    assert [event.why for event in events] == ["boiler_flame.cold", "boiler_flame.cleared_warm"]
    assert START + 900.0 <= events[0].at <= START + 900.0 + every_s


@SAMPLING
@pytest.mark.parametrize(
    ("pieces", "spread_k"),
    [
        ([(600.0, 0, 50.0, -0.2), (600.0, 1, 48.0, 1.0), (3600.0, 1, 58.0, 0.0)], None),  # later it holds its warmth
        ([(600.0, 0, 50.0, -0.2), (3600.0, 1, 48.0, 0.0)], 12.0),
        ([(600.0, 0, 50.0, -0.2), (1200.0, 1, 48.0, 0.6)], 0.4),
        ([(7200.0, 0, 50.0, -0.1)], 0.0),
    ],
)
def test_warm_water_is_a_fire(
    pieces: list[tuple[float, float, float, float]], spread_k: float | None, every_s: float
) -> None:
    points = WATER[:2] if spread_k is None else WATER
    assert tell(water(every_s, *pieces, spread_k=spread_k), *points, every_s=every_s) == []


def test_a_fire_that_goes_out_unseen_shows_in_the_return() -> None:
    lit = list(water(10.0, (600.0, 1, 48.0, 1.0), (1200.0, 1, 58.0, 0.0), spread_k=12.0))
    out = [(1800.0 + at, values) for at, values in water(10.0, (900.0, 1, 50.0, -0.5), spread_k=0.2)]
    (event,) = tell([*lit, *out], *WATER, every_s=10.0)
    assert START + 2100.0 <= event.at <= START + 2280.0
