"""Slips of the unit of a gauge that nothing stands beside: what is rejected, what is in doubt, what is honest."""

import json
import random

import pytest
from recordings import site

from rules.quality import GaugeRefiner, refiners
from rules.slip import LEARNED_S, PIPE_LEARNED_S

MINUTE = 60.0
LEARNING_DAYS = 8


def gauge(spelled: str) -> GaugeRefiner:
    (refiner,) = refiners(site({"dorm/1": ("canteen", [spelled])}))
    assert isinstance(refiner, GaugeRefiner)
    return refiner


def outcomes(refiner: GaugeRefiner, begin: float, values: list[float], every_s: float = MINUTE) -> list[str]:
    """What became of each reading: `ok`, `doubt` or `unit`."""
    out = []
    for number, value in enumerate(values):
        refined = refiner.refine(begin + every_s * number, value)
        is_said = refined is not None and f"{refiner.point}!unit" in refined
        is_passed = refined is None or refiner.point in refined
        out.append(("doubt" if is_passed else "unit") if is_said else "ok")
    return out


def known(spelled: str, use: list[float], *, days: float = LEARNING_DAYS) -> tuple[GaugeRefiner, float]:
    """One that saw this day of use, read each minute, again and again; and the time now."""
    refiner = gauge(spelled)
    count = int(days * 1440)
    assert set(outcomes(refiner, 1e6, (use * count)[:count])) == {"ok"}
    return refiner, 1e6 + MINUTE * count


def kettle(watts: float, digits: int = 0, *, seed: int = 1, uses: int = 3) -> list[float]:
    """Short uses of a noisy load, with hours of rest before each."""
    rng = random.Random(seed)
    out: list[float] = []
    for _ in range(uses):
        out += [0.0] * 400 + [round(rng.gauss(watts, watts / 50.0), digits) for _ in range(12)]
    return out


FLOWS = [0.0137, 0.0137, 3.14159, 7.875, 7.91667, 7.875, 0.021713, 12.3377, 11.1667, 0.0137] * 30


@pytest.mark.parametrize("factor", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("watts", [45.0, 180.0])
def test_a_load_that_lost_its_digits_is_found_and_at_last_rejected(watts: float, factor: float) -> None:
    refiner, now = known("power_w", kettle(watts, uses=30))
    said = outcomes(refiner, now, [value * factor for value in kettle(watts, seed=2, uses=6)])
    assert "unit" in said
    assert set(said[: said.index("unit")]) <= {"ok", "doubt"}
    after = outcomes(refiner, now + 3e5, kettle(watts, seed=3))
    assert set(after[412:]) == {"ok"}, "with its digits back it is over"


@pytest.mark.parametrize(("before", "after"), [(60.0, 600.0), (22.0, 2200.0), (2.0, 2000.0)])
def test_a_new_load_with_all_its_digits_is_honest_whatever_its_factor(before: float, after: float) -> None:
    refiner, now = known("power_w", kettle(before))
    assert set(outcomes(refiner, now, kettle(after, seed=5) * 3)) == {"ok"}
    assert not refiner.rejected


def test_a_meter_that_shows_fewer_digits_of_large_loads_is_honest() -> None:
    """A tenth of a watt up to 1 kW, whole watts above: each reading of a heater lost a digit."""
    refiner, now = known("power_w", kettle(64.0, digits=1))
    assert set(outcomes(refiner, now, kettle(2200.0, digits=0, seed=5))) == {"ok"}


def test_two_levels_that_come_again_are_in_doubt_and_one_is_not() -> None:
    lamp = [0.0, *[23.0, 23.0, 26.0, 26.0, 26.0] * 20]
    for levels, expected in (((230.0, 260.0), "doubt"), ((260.0, 260.0), "ok"), ((230.0, 270.0), "ok")):
        refiner, now = known("power_w", lamp)
        assert set(outcomes(refiner, now, [levels[0]] * 5 + [levels[1]] * 50)[5:]) == {expected}, levels


def test_a_flow_far_beyond_its_pipe_is_in_doubt_and_never_rejected() -> None:
    refiner, now = known("flow_lpm", FLOWS)
    said = outcomes(refiner, now, [10.0 * value for value in FLOWS])
    assert set(said) == {"ok", "doubt"}
    assert said.index("doubt") < 60


def test_a_burst_that_stays_is_none() -> None:
    rng = random.Random(1)
    refiner, now = known("flow_lpm", FLOWS)
    burst = [round(70.0 + rng.gauss(0.0, 1.0) + rng.random(), 4) for _ in range(300)]
    assert set(outcomes(refiner, now, burst)) == {"ok"}


@pytest.mark.parametrize(("spelled", "learned_s"), [("power_w", LEARNED_S), ("flow_lpm", PIPE_LEARNED_S)])
def test_what_is_hardly_known_has_no_slips(spelled: str, learned_s: float) -> None:
    use = [value / 10.0 for value in FLOWS]
    refiner, now = known(spelled, use, days=learned_s / 86_400.0 / 2.0)
    assert set(outcomes(refiner, now, [10.0 * value for value in use])) == {"ok"}


def test_its_memory_goes_through_json_at_any_moment() -> None:
    for spelled, use in (("power_w", kettle(180.0)), ("flow_lpm", FLOWS)):
        later = [*(10.0 * value for value in use), *use]
        refiner, now = known(spelled, use)
        memory = json.dumps(refiner.memory())
        whole = outcomes(refiner, now, later)
        for stop in (1, 5, 7, 404, 410, 415, 820, 1240):
            refiner, after = gauge(spelled), gauge(spelled)
            refiner.recall(json.loads(memory))
            said = outcomes(refiner, now, later[:stop])
            after.recall(json.loads(json.dumps(refiner.memory())))
            assert said + outcomes(after, now + MINUTE * stop, later[stop:]) == whole, (spelled, stop)


@pytest.mark.parametrize("factor", [100.0, 1000.0])
def test_of_a_senseless_slip_the_digits_tell_the_factor(factor: float) -> None:
    """At 100 times 6 kW makes no sense, and at 1000 times neither: either way what follows is of the same slip."""
    refiner, now = known("power_w", [*kettle(6000.0), *[22.0, 46.0] * 5])
    later = [6012.0, 5991.0, 6023.0, 0.0, 22.0, 22.0, 46.0, 22.0]
    said = outcomes(refiner, now, [value * factor for value in later])
    assert set(said[1:]) <= {"unit", "doubt"}


def test_a_gauge_that_freezes_at_its_highest_value_ever_is_frozen() -> None:
    refiner, now = known("flow_lpm", FLOWS)
    said = [refiner.refine(now + MINUTE * n, 19.9137) for n in range(700)]
    assert said.index({"dorm/1/flow_lpm!stuck": 19.9137}) > 300
    assert set(map(str, said[:300])) == {"None"}


def test_a_gauge_that_is_rarely_used_is_frozen_too_but_later() -> None:
    refiner, now = known("power_w", kettle(700.0, uses=3), days=1.5)
    said = [refiner.refine(now + MINUTE * n, 704.0) for n in range(1500)]
    first = said.index({"dorm/1/power_w!stuck": 704.0})
    assert 60 <= first < 1440
