"""Quality of gauges: what passes at once, what is held back, and what is rejected for which reason."""

import json
import random

import pytest
from recordings import site

from rules.engine import Engine
from rules.model import Sample
from rules.quality import LEARNING, GaugeRefiner, refiners, sense
from rules.quantity import QUANTITIES, Kind

DAY = 86_400.0
BEGIN = 1e6


def gauge(spelled: str = "power_w", kind: str = "dorm_room") -> GaugeRefiner:
    (refiner,) = refiners(site({"dorm/1": (kind, [spelled])}))
    assert isinstance(refiner, GaugeRefiner)
    return refiner


def learned(spelled: str, level: float, noise: float, *, readings: int = 4 * LEARNING) -> GaugeRefiner:
    """One that has seen a level with some noise for two days."""
    refiner, rng = gauge(spelled), random.Random(1)
    for number in range(readings):
        at = BEGIN - 2 * DAY * (1 - number / readings)
        assert refiner.refine(at, round(level + rng.uniform(-noise, noise), 1)) is None
    return refiner


def reasons(refiner: GaugeRefiner, values: list[float], every_s: float = 5.0) -> list[str]:
    """What became of each reading: `ok`, held, or why another was rejected with it."""
    out = []
    for number, value in enumerate(values):
        refined = refiner.refine(BEGIN + every_s * number, value)
        if refined is None:
            out.append("ok")
            continue
        verdicts = [name.partition("!")[2] for name in refined if "!" in name]
        out.append("+".join((["ok"] if refiner.point in refined else []) + verdicts) or "held")
    return out


@pytest.mark.parametrize(
    ("spelled", "level", "values", "expected"),
    [
        ("power_w", 60.0, [61.0, 2050.3, 2048.1, 60.0], ["ok"] * 4),                   # a kettle's first 2 kW
        ("power_w", 60.0, [61.0, 65_535.0, 60.2], ["ok", "held", "ok+spike"]),
        ("power_w", 60.0, [65_535.0, 999_999.0, 60.2], ["held", "spike", "ok+spike"]),
        ("power_w", 60.0, [60_100.0, 60_300.0, 59_900.0, 60.2], ["held", "unit", "unit", "ok"]),
        ("power_w", 60.0, [26_000.0, 26_900.3, 27_100.2], ["held", "unit", "unit"]),   # 26 W in another unit
        ("power_w", 60.0, [0.0, -8.0, 700.2, 0.0], ["ok"] * 4),
        ("voltage_v", 223.0, [0.0, 0.0, 224.0], ["ok"] * 3),                           # power is off
        ("voltage_v", 223.0, [22.31, 22.29, 22.3, 223.1], ["held", "unit", "unit", "ok"]),
        ("voltage_v", 223.0, [224.0, 6.0, 223.5], ["ok", "held", "ok+spike"]),
        ("temperature_c", 21.0, [21.5, 84.0, 21.4], ["ok", "held", "ok+spike"]),
        ("temperature_c", 21.0, [35.0, 35.2, 35.4], ["held", "ok", "ok"]),             # confirmed by the next
        ("temperature_c", 21.0, [210.1, 210.4, 21.0], ["held", "unit", "ok"]),
        ("humidity_pct", 45.0, [44.0, 99.0, 45.0], ["ok", "held", "ok+spike"]),
        ("illuminance_lx", 300.0, [0.0, 9_000.0, 310.0], ["ok"] * 3),
    ],
)  # fmt: skip
def test_what_becomes_of_readings(spelled: str, level: float, values: list[float], expected: list[str]) -> None:
    refiner = learned(spelled, level, 1.5)
    assert reasons(refiner, values) == expected
    counted = sum(verdict.count(name) for verdict in expected for name in ("spike", "unit"))
    assert sum(refiner.rejected.values()) == counted + (1 if "unit" in expected else 0)  # the one that was held


def test_a_jump_by_a_thousand_with_every_digit_lost_is_a_slip_within_what_is_sensible() -> None:
    refiner = learned("power_w", 12.0, 3.0)
    rng = random.Random(3)
    slipped = [round(12.0 + rng.uniform(-1, 1), 1) * 1000.0 for _ in range(8)]
    said = reasons(refiner, [*slipped, 12.3, 12.1])
    assert said[:2] == ["ok"] * 2
    assert set(said[2:5]) <= {"ok+unit", "unit"}  # in doubt at first
    assert said[5:] == ["unit"] * 3 + ["ok", "ok"]


@pytest.mark.parametrize("load", [[1500.0], [1500.0, 0.0], [1500.0, 1500.0, 0.0, 1000.0]])
def test_a_round_load_is_no_slip_however_long_it_lasts(load: list[float]) -> None:
    """From an idle 1.5 W to 1,500 W exactly is a factor of a thousand by chance: one or two values tell nothing."""
    refiner = learned("power_w", 1.5, 0.2)
    assert set(reasons(refiner, load * 300)) == {"ok"}
    assert len(json.dumps(refiner.memory())) < 600
    assert reasons(refiner, [1.5, 1.6]) == ["ok", "ok"]


def test_a_machine_larger_than_any_so_far_is_believed_when_it_stays() -> None:
    refiner = learned("power_w", 2.0, 1.5)
    assert reasons(refiner, [31_234.0, 31_250.0, 31_200.0, 2.0]) == ["held", "ok", "ok", "ok"]
    assert refiner.rejected == {}


def test_frozen_is_what_repeats_far_longer_than_ever() -> None:
    refiner = learned("power_w", 300.0, 20.0)
    said = reasons(refiner, [311.5] * 200)
    assert said.index("stuck") == 60
    assert said[60:] == ["stuck"] * 140
    assert reasons(refiner, [308.0, 311.0]) == ["ok", "ok"]


@pytest.mark.parametrize(
    ("spelled", "value", "step"), [("power_w", 41.0, 1.0), ("temperature_c", 21.5, 0.1), ("power_w", 0.0, 0.0)]
)
def test_honest_repetition_is_no_fault(spelled: str, value: float, step: float) -> None:
    """A lamp of 41 W on a meter of 1 W, a room of 21.5 °C, a socket without a load: hours of the same."""
    refiner, rng = gauge(spelled), random.Random(2)
    at, level = BEGIN, value
    for _ in range(20_000):
        at += 10.0
        level = level + rng.choice((-step, step)) if rng.random() < 0.004 else level
        assert refiner.refine(at, round(level, 1)) is None or spelled == "temperature_c"
    assert refiner.rejected == {}


def test_its_memory_goes_through_json_at_any_moment() -> None:
    rng = random.Random(4)
    values = [round(60 + rng.uniform(-3, 3), 1) for _ in range(2 * LEARNING)]
    values += [65_535.0, 60.0, 60_100.0, 60_200.0, 60.1, 2000.0, *[71.0] * 80]
    whole = reasons(gauge(), values)
    for stop in (0, 1, LEARNING - 1, LEARNING, len(values) - 86, len(values) - 85, len(values) - 83, len(values) - 40):
        before, after = gauge(), gauge()
        said = reasons(before, values[:stop])
        after.recall(json.loads(json.dumps(before.memory())))
        assert said + reasons(after, values[stop:]) == whole, stop


def test_in_another_room_it_begins_anew_and_keeps_its_counts() -> None:
    """A classroom becomes a lab, where 60 kW make sense."""
    rng = random.Random(4)
    classroom = gauge(kind="classroom")
    values = [9000.0 + round(9000 * rng.random()) for _ in range(300)]
    assert reasons(classroom, [*values, 1e6, 9000.0])[-1] == "ok+spike"
    for kind, is_sensible in (("classroom", False), ("lab", True)):
        after = gauge(kind=kind)
        after.recall(json.loads(json.dumps(classroom.memory())))
        assert after.rejected == {"spike": 1}
        said = reasons(after, [9000.0 + n if n % 5 else 60_000.0 for n in range(50)])
        assert (set(said) == {"ok"}) is is_sensible


def test_what_comes_twice_is_counted_whatever_its_order() -> None:
    counts = []
    for order in ((1.0, 2.0, 2.0), (2.0, 1.0, 2.0), (2.0, 2.0, 1.0)):
        engine = Engine([], [gauge()])
        for value in order:
            engine.take(Sample(BEGIN, "m", {"dorm/1/power_w": value}))
        engine.advance(BEGIN)
        counts.append(engine.rejected())
    assert counts == [{"dorm/1/power_w": {"repeated": 1, "differs": 1}}] * 3


def test_every_gauge_and_counter_has_a_refiner_and_states_have_none() -> None:
    here = site({"dorm/1": ("dorm_room", list(QUANTITIES))})
    made = {refiner.point for refiner in refiners(here)}
    unrefined = {"permit_w", "permit_from", "permit_until", "clock_offset_s"}
    for point in here.points.values():
        is_state = QUANTITIES[point.quantity].kind is Kind.STATE
        assert (point.id in made) is not (is_state or point.quantity in unrefined), point.id


def test_sense_lies_within_what_passes_the_check() -> None:
    here = site({"dorm/1": ("dorm_room", list(QUANTITIES))})
    for point in here.points.values():
        quantity = QUANTITIES[point.quantity]
        for size in range(3):
            least, most = sense(point, size)
            assert least < most <= quantity.most


@pytest.mark.parametrize(
    ("spelled", "level", "noise", "step"), [("pressure_kpa", 220.0, 8.0, -1.0), ("temperature_c", 20.0, 2.0, -0.5)]
)
def test_what_slides_far_down_is_believed_all_the_way(spelled: str, level: float, noise: float, step: float) -> None:
    """A tenth of what it was is no slip of the unit when nothing leapt."""
    slide = [level + step * number for number in range(int((level - 1.0) / -step))]
    assert set(reasons(learned(spelled, level, noise), slide)) == {"ok"}
    assert reasons(learned(spelled, level, noise), [level, level / 10, level / 10 + 0.1])[1:] == ["held", "unit"]
