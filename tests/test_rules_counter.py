"""Counters as registers that never fall: what is consumed after every fault of a meter, and the flow between pulses."""

import json
import random

import pytest

from rules.counter import CounterRefiner, Exchange
from rules.engine import Engine
from rules.model import Sample

POINT, FLOW = "d/1/energy_kwh", "d/1/flow_lpm"
DAY = 86_400.0


def energy(**how: object) -> CounterRefiner:
    return CounterRefiner(POINT, "energy_kwh", size=0, **how)  # type: ignore[arg-type]


def fed(
    refiner: CounterRefiner, registers: list[float], every_s: float = 60.0, begin: float = 1e6
) -> list[float | None]:
    """The continuous register after each reading; None where there is none."""
    out: list[float | None] = []
    for number, value in enumerate(registers):
        refined = refiner.refine(begin + number * every_s, value)
        told = value if refined is None else refined.get(POINT)
        out.append(None if told is None else round(told, 6))
    return out


@pytest.mark.parametrize(
    ("name", "registers", "expected", "rejected"),
    [
        ("plain", [5.0, 5.0, 5.1, 5.2], [5.0, 5.0, 5.1, 5.2], {}),
        ("rollover of 6 digits", [999_999.9, 0.1, 0.2], [999_999.9, 1_000_000.1, 1_000_000.2], {}),
        ("rollover of 8 digits", [99_999_999.9, 0.1, 0.2], [99_999_999.9, 100_000_000.1, 100_000_000.2], {}),
        ("a spike", [100.0, 9e6, 100.1, 100.2], [100.0, None, 100.1, 100.2], {"spike": 1}),
        ("two spikes", [100.0, 9e6, 3e6, 100.1], [100.0, None, None, 100.1], {"spike": 2}),
        ("a missed poll as 0", [500.0, 0.0, 500.1, 0.0, 500.2], [500.0, None, 500.1, None, 500.2], {"spike": 2}),
        ("reset", [500.0, 0.0, 0.1, 0.2, 0.3], [500.0, None, None, 500.2, 500.3], {"counter": 1}),
        ("fall", [500.0, 200.0, 200.1, 200.2, 200.3], [500.0, None, None, 500.2, 500.3], {"counter": 1}),
        ("jump", [500.0, 900.0, 900.1, 900.2, 900.3], [500.0, None, None, 500.2, 500.3], {"counter": 1}),
        ("Wh for kWh", [500.0, 500_010.0, 500_020.0, 500.1], [500.0, None, None, 500.1], {"unit": 2}),
        ("ten times", [500.0, 5_000.2, 5_000.4, 500.1], [500.0, None, None, 500.1], {"unit": 2}),
        (
            "zeros for a while",
            [500.0, 0.0, 0.0, 0.0, 0.0, 500.3, 500.4],
            [500.0, None, None, 500.0, 500.0, 500.3, 500.4],
            {"counter": 1},
        ),
    ],
)
def test_what_a_register_tells(
    name: str, registers: list[float], expected: list[float | None], rejected: dict[str, int]
) -> None:
    refiner = energy()
    assert fed(refiner, registers) == expected
    assert refiner.rejected == rejected


def test_a_rollover_needs_the_modulus_to_be_near() -> None:
    refiner = energy(modulus=1_000_000.0)
    assert fed(refiner, [700_000.0, 0.1, 0.2, 0.3]) == [700_000.0, None, None, 700_000.2]
    assert refiner.rejected == {"counter": 1}


def test_a_reset_in_a_long_gap_is_no_rollover() -> None:
    refiner = energy()
    fed(refiner, [300.0 + 0.005 * n for n in range(2_000)])
    at = 1e6 + 2_000 * 60 + 3 * DAY  # a room may use 1,800 kWh in three days: as much as to the next thousand
    told = [refiner.refine(at + 60 * n, 5.0 + 0.005 * n) for n in range(4)]
    assert [out and POINT in out for out in told] == [{}, {}, True, True] or refiner.rejected == {"counter": 1}
    assert refiner.rejected == {"counter": 1}


@pytest.mark.parametrize("gap_s", [0.0, 3_600.0, 2 * DAY])
@pytest.mark.parametrize("hours_off", [-3.0, 0.0, 3.0])
def test_a_declared_exchange_loses_nothing(gap_s: float, hours_off: float) -> None:
    at = 1e6 + 600.0
    refiner = energy(exchanges=[Exchange(at + hours_off * 3600.0, 100.5, 7.0)])
    refiner.refine(at, 100.4)
    out = refiner.refine(at + 60.0 + gap_s, 7.1)
    assert out is not None
    assert out[POINT] == pytest.approx(100.6)
    assert refiner.refine(at + 120.0 + gap_s, 7.2) == {POINT: pytest.approx(100.7)}
    assert refiner.rejected == {}


def test_more_than_was_thought_possible_counts_once_it_is_confirmed() -> None:
    registers = [1000.0 + 1.5 * n for n in range(10)]  # 90 kW in a room
    refiner = energy()
    told = fed(refiner, registers)
    assert told[-1] == registers[-1]
    assert refiner.rejected == {}


def test_it_never_falls_and_never_counts_more_than_happened() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        levels = rng.sample([700.0 * n + 31.0 for n in range(1, 90)], 80)  # so far apart that none looks like use
        refiner, true, register, last = energy(), 0.0, levels.pop(), -1.0
        first: float | None = None
        for number in range(400):
            used = rng.choice((0.0, 0.01, 0.02))
            true, register = true + used, register + used
            if rng.random() < 0.02:
                register = levels.pop()
            shown = rng.choice((0.0, register * 1000.0, 65_535.0)) if rng.random() < 0.02 else register
            out = refiner.refine(1e6 + number * 60.0, round(shown, 2))
            told = round(shown, 2) if out is None else out.get(POINT)
            if told is not None:
                first = told if first is None else first
                assert told >= last, seed
                last = told
        assert first is not None
        assert last - first <= true + 0.5, seed


def test_its_memory_goes_through_json_at_any_moment() -> None:
    registers = [500.0, 500.1, 0.0, 0.1, 0.2, 0.3, 300.0, 300_100.0, 0.4, 0.5]
    whole = fed(energy(), registers)
    for stop in range(len(registers)):
        before, after = energy(), energy()
        told = fed(before, registers[:stop])
        after.recall(json.loads(json.dumps(before.memory())))
        assert told + fed(after, registers[stop:], begin=1e6 + stop * 60.0) == whole
        assert after.rejected == {"counter": 1, "spike": 2}


@pytest.mark.parametrize(("size", "expected"), [(0, None), (1, 506.4)])
def test_in_a_larger_place_it_believes_more_and_goes_on_in_the_same_register(size: int, expected: float | None) -> None:
    """Six kWh in a minute are no reading of a dorm room's meter."""
    small, after = energy(), CounterRefiner(POINT, "energy_kwh", size=size)
    assert fed(small, [500.0, 500.1, 0.0, 0.1, 0.2])[-1] == 500.3
    after.recall(json.loads(json.dumps(small.memory())))
    assert fed(after, [0.3, 6.3], begin=1e6 + 300.0) == [500.4, expected]
    assert after.rejected == {"counter": 1}


def test_a_fresh_one_for_older_readings_ends_in_the_same_register() -> None:
    registers = [500.0 + 0.1 * n for n in range(20)] + [0.1 * n for n in range(20)]
    live = energy()
    told = fed(live, registers)
    for first in (0, 10, 30):
        again = live.as_of(1e6 + first * 60.0 - 1.0)
        assert fed(again, registers[first:], begin=1e6 + first * 60.0)[-1] == told[-1]


def test_the_result_does_not_depend_on_the_order_of_arrival() -> None:
    rng = random.Random(5)
    rows = [(1e6 + 60.0 * n, 500.0 + 0.01 * n if n < 300 else 0.01 * n) for n in range(600)]
    rows[100] = (rows[100][0], 9e6)
    engines = []
    for grace_s in (0.0, 600.0):
        engine = Engine([], [energy()])
        for arrived, at, value in sorted((at + rng.uniform(0.0, grace_s), at, value) for at, value in rows):
            engine.advance(arrived - 601.0)
            engine.take(Sample(at, "m", {POINT: value}))
        engine.advance(2e6)
        engines.append(engine)
    assert engines[0].snapshot().refined == engines[1].snapshot().refined
    assert engines[0].rejected() == {POINT: {"spike": 1, "counter": 1}}


# -- flow


def flows(volumes_l: list[float], every_s: float = 60.0) -> list[float | None]:
    refiner = CounterRefiner("w/volume_m3", "volume_m3", size=0, flow=FLOW)
    out = []
    for number, litres in enumerate(volumes_l):
        refined = refiner.refine(1e6 + number * every_s, litres / 1000.0) or {}
        out.append(round(refined[FLOW], 3) if FLOW in refined else None)
    return out


def test_flow_of_a_fine_meter_is_what_rose() -> None:
    assert flows([100.0, 100.0, 101.0, 107.0, 113.0, 119.0]) == [None, 0.0, 0.5, 6.0, 6.0, 6.0]


def test_flow_between_pulses_sinks_instead_of_jumping() -> None:
    """A pulse of 10 L each 100 s is 6 L/min; read each 20 s."""
    shown = flows([100.0 + 10.0 * (n // 5) for n in range(30)], every_s=20.0)
    assert shown[6:] == [6.0] * 24


def test_flow_ends_when_ten_pulses_are_missing() -> None:
    shown = flows([0.0, 10.0, 20.0, 30.0, *[30.0] * 20])
    assert shown[:4] == [None, 10.0, 10.0, 10.0]
    assert shown[4:8] == [10.0, 5.0, 3.333, 2.5]
    assert shown[12:] == [1.111, *[0.0] * 11]


def test_flow_is_silent_where_nothing_is_known() -> None:
    assert flows([500.0, 506.0, 9e6, 512.0]) == [None, 6.0, None, 3.0]


@pytest.mark.parametrize("wild", [[4278.35] * 4, [0.01] * 3 + [4278.35] * 4, [1e10] * 4, [0.0] * 4])
@pytest.mark.parametrize("register", [12345.69, 12_345_678.9, 0.3, 1e9 / 3])
def test_a_meter_that_comes_back_is_followed_at_once_and_falls_by_no_digit(register: float, wild: list[float]) -> None:
    refiner, last = energy(), 0.0
    before = [register + 0.01 * n for n in range(9)]
    for number, value in enumerate([*before, *wild, *[before[-1]] * 3, *wild, *[before[-1] + 0.01] * 3]):
        refined = refiner.refine(1e6 + 60.0 * number, value)
        told = value if refined is None else refined.get(POINT, last)
        assert told >= last
        last = told
