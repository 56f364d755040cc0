"""Frozen devices, counters that do not count, water points that nobody uses; and what looks like it but is none."""

import random
from collections.abc import Mapping
from datetime import date

import pytest
from recordings import at, replay, restarted, site, turns
from spoken import spoken

from rules.calendar import Calendar, Span, Term
from rules.engine import Engine
from rules.model import Sample, Site
from rules.quality import refiners
from rules.stuck import Stuck
from rules.watch import Watch

BEGIN = at("2026-03-02 00:00")
HOUR = 3600.0
METER = site({"dorm/1": ("dorm_room", ["voltage_v", "power_w", "current_a", "energy_kwh"])})
ROOM = site({"teach/1": ("classroom", ["temperature_c", "humidity_pct"])})


def watch(of: Site, key: str) -> Watch:
    (found,) = (one for one in Stuck().watches(of) if one.key == key)
    return found


def by_role(watch: Watch, values: Mapping[str, float]) -> dict[str, float]:
    """What the engine would hand this watch of a sample."""
    roles = {point: role for role, point in watch.inputs.items()}
    return {roles[point]: value for point, value in values.items() if point in roles}


def metered(hours: float, frozen: tuple[float, float], *, voltage: bool = True, power: float = 60.0) -> list[Sample]:
    """A meter each minute; between `frozen` hours all its readings repeat, without `voltage` all but that."""
    rng, out, last = random.Random(1), [], {"dorm/1/power_w": power, "dorm/1/current_a": power / 220}
    for minute in range(int(hours * 60)):
        still = frozen[0] <= minute / 60 < frozen[1]
        if not still or not out:
            last = {"dorm/1/power_w": power + round(rng.uniform(0, 3), 1), "dorm/1/current_a": power / 220}
        values = dict(last)
        if not still or not voltage or not out:
            values["dorm/1/voltage_v"] = 220.0 + round(rng.uniform(0, 5), 1)
        else:
            values["dorm/1/voltage_v"] = out[-1].values["dorm/1/voltage_v"]
        out.append(Sample(BEGIN + minute * 60, "dorm/1", values))
    return out


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (metered(12, (2, 8)), [("raised", 179), ("cleared", 480)]),
        (metered(12, (2, 2.9)), []),
        (metered(12, (2, 8), voltage=False), []),                     # a lamp: constant power, the mains moves
        ([s for s in metered(12, (2, 8)) if not 2.2 < (s.at - BEGIN) / HOUR < 7.9], []),  # mostly a gap
    ],
)  # fmt: skip
def test_a_device_is_frozen_when_all_of_it_stands_still(samples: list[Sample], expected: list[object]) -> None:
    frozen = watch(METER, "stuck/dorm/1")
    events = replay([frozen], samples)
    assert turns(events, BEGIN) == expected
    assert restarted([frozen], samples, every=50, until=samples[-1].at) == events


def test_a_frozen_device_is_told_with_what_stands_still_and_how_much_of_it_was_read() -> None:
    seen = [s for s in metered(12, (2, 8)) if not 2.5 < (s.at - BEGIN) / HOUR < 4]
    raised, _ = replay([watch(METER, "stuck/dorm/1")], seen)
    assert raised.values["what"] == "dorm/1 (current_a, power_w, voltage_v)"  # and not its counter
    still_s, covered_s = float(raised.values["still_s"]), float(raised.values["covered_s"])
    assert covered_s == pytest.approx(HOUR, abs=60)
    assert still_s == pytest.approx(2.5 * HOUR, abs=180)
    assert "1 h of it covered" in spoken("stuck", raised.why, raised.values)["en"]


def test_quantities_on_topics_of_their_own_are_one_device() -> None:
    apart = [Sample(s.at, "dorm/1", {point: value}) for s in metered(12, (2, 8)) for point, value in s.values.items()]
    assert turns(replay([watch(METER, "stuck/dorm/1")], apart), BEGIN) == [("raised", 179), ("cleared", 480)]


def test_a_room_may_rest_for_a_day_but_not_longer() -> None:
    still = [Sample(BEGIN + 600.0 * n, "teach/1", {"teach/1/temperature_c": 21.5, "teach/1/humidity_pct": 45.0})
             for n in range(200)]  # fmt: skip
    slow = site({"teach/1": ("classroom", ["temperature_c", "humidity_pct"])}, every_s=600.0)
    assert turns(replay([watch(slow, "stuck/teach/1")], still), BEGIN) == [("raised", 24 * 60)]


def test_one_value_that_repeats_far_longer_than_ever_is_found_through_the_quality_check() -> None:
    rng = random.Random(1)
    lone = site({"dorm/1": ("dorm_room", ["power_w"])})
    values = [round(300 + rng.uniform(-20, 20), 1) if not 2000 <= n < 2200 else 311.5 for n in range(2400)]
    samples = [Sample(BEGIN + 60.0 * n, "dorm/1", {"dorm/1/power_w": value}) for n, value in enumerate(values)]
    engine = Engine([watch(lone, "stuck/dorm/1")], refiners(lone))
    for sample in samples:
        engine.take(sample)
    events = engine.advance(samples[-1].at)
    assert turns(events, BEGIN) == [("raised", 2060), ("cleared", 2200)]
    assert events[0].evidence.points == ("dorm/1/power_w",)


def counted(days: float, stands_from: float, power: float) -> list[Sample]:
    out, kwh = [], 100.0
    for minute in range(int(days * 1440)):
        kwh += power / 60_000 if minute / 1440 < stands_from else 0.0
        values = {"dorm/1/energy_kwh": round(kwh, 2), "dorm/1/power_w": power, "dorm/1/current_a": power / 220}
        out.append(Sample(BEGIN + 60.0 * minute, "dorm/1", values))
    return out


@pytest.mark.parametrize(
    ("samples", "count"),
    [(counted(3, 1, 300.0), 1), (counted(3, 1, 60.0), 0), (counted(3, 9, 300.0), 0), (counted(1.9, 1, 300.0), 0)],
)
def test_a_counter_must_rise_under_load(samples: list[Sample], count: int) -> None:
    events = replay([watch(METER, "stuck/dorm/1/energy_kwh")], samples)
    assert [event.why for event in events] == ["stuck.uncounted_raised"] * count
    assert all(event.delivery.value == "digest" for event in events)


def washroom(supply: Span | None = None) -> Site:
    wash = site({"teach/1F": ("washroom", ["flow_lpm"])})
    places = {name: place._replace(supply=supply) for name, place in wash.places.items()}
    terms = (Term("t", date(2026, 2, 20), date(2026, 3, 31)),)
    return Site("s", "s", places, wash.points, Calendar(terms=terms))


def test_a_water_point_without_flow_for_seven_days_of_teaching_is_told_and_holidays_do_not_count() -> None:
    flows = [0.0 if 600 < n < 40_000 else 5.0 for n in range(41_000)]  # from Monday on, 27 days
    samples = [Sample(BEGIN + 60.0 * n, "teach/1F", {"teach/1F/flow_lpm": flow}) for n, flow in enumerate(flows)]
    told = replay([watch(washroom(), "stuck/teach/1F/flow_lpm")], samples)
    assert [event.turn.value for event in told] == ["raised", "cleared"]
    days = (told[0].at - BEGIN) / 86_400
    assert 9 < days < 12  # with a weekend between
    later = [sample._replace(at=sample.at + 40 * 86_400) for sample in samples]
    assert replay([watch(washroom(), "stuck/teach/1F/flow_lpm")], later) == []


def test_of_two_verdicts_at_once_the_same_one_counts_whoever_came_first() -> None:
    frozen = watch(METER, "stuck/dorm/1")
    state, _ = frozen.step(frozen.start, BEGIN, by_role(frozen, {"dorm/1/voltage_v": 221.0}))
    verdicts = [("dorm/1/power_w!stuck", 60.0), ("dorm/1/current_a!stuck", 0.3)]
    said = [frozen.step(state, BEGIN + 90.0, by_role(frozen, dict(order))) for order in (verdicts, verdicts[::-1])]
    assert said[0] == said[1]
    (change,) = said[0][1]
    assert change.values["what"] == "dorm/1/power_w"


def test_a_planned_cut_is_no_standstill() -> None:
    """Cut from 23:00 to 06:00: nothing comes, and what comes again repeats for less than an hour."""
    awake = [s for s in metered(72, (0, 0)) if 6 <= ((s.at - BEGIN) / HOUR) % 24 < 23]
    cut = Site("s", "s", {n: p._replace(supply=Span(360, 1380)) for n, p in METER.places.items()}, METER.points,
               Calendar())  # fmt: skip
    assert replay(list(Stuck().watches(cut)), awake) == []


def test_a_device_and_its_counter_have_a_watch_each() -> None:
    assert {one.key for one in Stuck().watches(METER)} == {"stuck/dorm/1", "stuck/dorm/1/energy_kwh"}


@pytest.mark.parametrize("moment", [0, 1, 150, 300])
def test_it_explains_itself(moment: int) -> None:
    frozen = watch(METER, "stuck/dorm/1")
    state = frozen.start
    for sample in metered(6, (2, 6))[:moment]:
        state, _ = frozen.step(state, sample.at, by_role(frozen, sample.values))
    why = {0: "stuck.unknown", 1: "stuck.lively", 150: "stuck.still", 300: "stuck.open"}[moment]
    assert frozen.explain(state, BEGIN + moment * 60).why == why
