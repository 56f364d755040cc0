"""Reverse flow: tables of flows."""

import pytest
from recordings import at, replay, restarted, series, site, turns

from rules.model import Point
from rules.reverse_flow import ReverseFlow
from rules.watch import Watch

BEGIN = at("2026-03-02 14:00")
FLOW = "teach/1/flow_lpm"


def watches() -> list[Watch]:
    return list(ReverseFlow().watches(site({"teach/1": ("pump_room", ["flow_lpm"])})))


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(5, 0.0), (14, -2.0), (10, 0.0)], []),
        ([(5, 0.0), (16, -2.0), (10, 0.0)], [("raised", 20), ("cleared", 26)]),
        ([(5, 3.0), (60, -0.05), (5, 0.0)], []),                                  # a sensor at rest
        ([(5, 0.0), (10, -2.0), (1, 0.0), (10, -2.0), (5, 0.0)], []),
        ([(5, 0.0), (20, -2.0), (3, 1.0), (20, -2.0), (10, 0.0)], [("raised", 20), ("cleared", 53)]),
        ([(5, 0.0), (10, -2.0), (30, None), (10, -2.0), (9, 0.0)], [("raised", 49), ("cleared", 60)]),  # 2.5 min speak
    ],
)  # fmt: skip
def test_what_runs_back_for_a_quarter_of_an_hour(
    runs: list[tuple[float, float | None]], expected: list[tuple[str, float]]
) -> None:
    events = replay(watches(), series(FLOW, BEGIN, 60, runs))
    assert turns(events, BEGIN) == expected


def test_it_says_how_much() -> None:
    (raised,) = replay(watches(), series(FLOW, BEGIN, 60, [(5, 0.0), (20, -2.0)]))
    assert raised.values["litres"] == pytest.approx(30.0)
    assert raised.evidence.covered_s == pytest.approx(900.0)


def test_a_flow_of_a_register_is_left_alone() -> None:
    where = site({"teach/1": ("pump_room", ["flow_lpm"])})
    derived = {FLOW: Point(FLOW, "teach/1", "", "flow_lpm", "m", "bus", 150.0, of="teach/1/volume_m3")}
    assert list(ReverseFlow().watches(type(where)(where.id, where.name, where.places, derived, where.calendar))) == []


def test_it_says_where_it_stands() -> None:
    (watch,) = watches()
    state = watch.start
    told = []
    for minute, flow in enumerate([0.0, -2.0, -2.0]):
        state, _ = watch.step(state, BEGIN + 60.0 * minute, {"flow": flow})
        told.append(watch.explain(state, BEGIN + 60.0 * minute))
    assert [item.why for item in told] == ["reverse_flow.calm", "reverse_flow.runs", "reverse_flow.runs"]
    assert told[-1].values["covered_s"] == 60.0


def test_a_restart_loses_nothing() -> None:
    samples = series(FLOW, BEGIN, 60, [(5, 0.0), (20, -2.0), (10, 0.0)])
    whole = replay(watches(), samples)
    assert len(whole) == 2
    assert restarted(watches(), samples, every=4, until=samples[-1].at) == whole
