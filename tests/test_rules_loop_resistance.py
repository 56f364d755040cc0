"""Loop resistance: what rises is found by its steps, and noise of meter and feeder is not taken for it."""

import random

import pytest
from plant import turns
from recordings import site

from rules.engine import Engine
from rules.loop_resistance import LOT, LoopResistance
from rules.model import Event, Sample

BEGIN = 1_767_571_200.0
DAY_S = 86_400.0
PLACE = "dorm/101"


def events(ohms: list[float], *, seed: int = 1, steps: int = 30, noise_v: float = 0.1,
           feeder_v: float = 0.5) -> list[Event]:  # fmt: skip
    """Days of a kettle that goes on and off: the loop resistance of each day."""
    rng = random.Random(seed)
    of = site({PLACE: ("dorm_room", ["voltage_v", "current_a"])}, every_s=30.0)
    engine, found = Engine(list(LoopResistance().watches(of))), []
    for day, ohm in enumerate(ohms):
        feeder = 225.0
        for step in range(steps * 4):
            at = round(BEGIN + day * DAY_S + step * 30.0, 3)
            feeder += rng.gauss(0.0, feeder_v / 4)
            amperes = 7.0 if step // 2 % 2 else 0.4
            volts = round(feeder - amperes * ohm + rng.gauss(0.0, noise_v), 1)
            engine.take(Sample(at, PLACE, {f"{PLACE}/voltage_v": volts, f"{PLACE}/current_a": amperes}))
        found += engine.advance(at)
    return found


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ([0.45] * 30, []),
        ([0.45 + 0.008 * day for day in range(40)], [("raised", "minor")]),
        ([0.7] * 10, [("raised", "major")]),
        ([0.7] * 20 + [0.45] * 20, [("raised", "major"), ("cleared", "major")]),
    ],
)
def test_what_rises_is_found(late: list[float], expected: list[tuple[str, str]]) -> None:
    found = turns(events([0.45] * 35 + late))
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_no_drift(seed: int) -> None:
    assert events([0.4] * 60, seed=seed, steps=10, noise_v=0.3, feeder_v=4.0) == []


def test_a_load_that_is_never_switched_says_nothing() -> None:
    assert events([0.4] * 3 + [2.0] * 3, steps=LOT // 20) == []
