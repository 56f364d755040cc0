"""The simulated school: the same for a seed, true to its calendar and its meters, judged by what is told."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from daemon.evaluation import school
from daemon.evaluation.school import Told, Verdict, budget, judge, outcomes, simulate
from daemon.evaluation.school_campus import SMALL
from daemon.evaluation.school_faults import Injected
from daemon.evaluation.school_life import Load
from daemon.evaluation.school_meters import Bend, Course, Device, bent
from rules.fact import PEOPLE
from rules.model import Delivery, Event, Evidence, Severity, Turn

WITH_FEEDER_CUT = SMALL._replace(dorms=4, dorm_floors=1, dorm_rooms=3)
PAGE, DIGEST, RECORD = Delivery.PAGE, Delivery.DIGEST, Delivery.RECORD


def event(rule, place, at, delivery=PAGE, turn=Turn.RAISED):
    return Event(rule, place, place, at, turn, Severity.MAJOR, delivery, f"{rule}.raised", {}, Evidence(at))


def fault(place, begin, end, answers=("running_water",), wants=PAGE):
    return Injected("tap", wants, answers, frozenset({place}), begin, end)


def test_course_knows_its_amount_and_integral_however_far_readings_are_apart():
    random = Random(1)
    for _ in range(50):
        begins = [random.uniform(0, 900) for _ in range(9)]
        loads = [Load("c", begin, begin + random.uniform(1, 100), random.uniform(1, 9)) for begin in begins]
        fine, coarse = Course(0.0), Course(0.0)
        fine.plan(loads)
        coarse.plan(loads)
        for at in range(0, 1001, 7):
            running = sum(load.amount for load in loads if load.begin <= at < load.end)
            assert fine.move(at) == pytest.approx(running)
        fine.move(2000)
        coarse.move(2000)
        spent = sum(load.amount * (load.end - load.begin) for load in loads)
        assert fine.total == pytest.approx(spent)
        assert coarse.total == pytest.approx(spent)


@pytest.mark.parametrize(
    ("bend", "told"),
    [
        (Bend("dead", 100, 200), {}),
        (Bend("frozen", 100, 200), {"a/power_w": 10.0}),
        (Bend("falling", 100, 200, 0, "power_w"), {"a/power_w": 10.0}),
        (Bend("dimmed", 100, 200, 0.1, "power_w"), {"a/power_w": 18.0}),
        (Bend("garbled", 100, 200, 5.0, "power_w"), {"a/power_w": 5.0}),
        (Bend("reversed", 100, 200, 2.0, "power_w"), {"a/power_w": -2.0}),
        (Bend("dimmed", 100, 200, 0.1, "voltage_v"), {"a/power_w": 20.0}),
    ],
)
def test_broken_device(bend, told):
    device = Device("bus/a", "bus", {}, phase_s=0)
    device.bent.append(bend)
    memory = {}
    assert bent(device, 99, {"a/power_w": 5.0}, memory) == {"a/power_w": 5.0}
    first = bent(device, 100, {"a/power_w": 10.0}, memory)
    assert first != {} or bend.how == "dead"
    assert bent(device, 150, {"a/power_w": 20.0}, memory) == told
    assert (bent(device, 200, {"a/power_w": 30.0}, memory) == {"a/power_w": 30.0}) is (bend.how != "falling")


def test_school_is_the_same_for_a_seed_and_another_for_another():
    def day(seed):
        return [sample for _, sample in zip(range(40_000), simulate(seed, 1, SMALL).samples(), strict=False)]

    assert day(3) == day(3)
    assert day(3) != day(4)


def test_samples_come_in_order_and_name_points_of_the_site():
    made = simulate(1, 1, SMALL)
    samples = list(made.samples())
    assert all(a.at <= b.at for a, b in pairwise(samples[20:]))
    known = {point.id for point in made.site.points.values() if not point.of and point.source != PEOPLE}
    told = {point for item in samples for point in item.values if not item.device.startswith(("source/", "people/"))}
    assert told == known


def test_planned_cut_silences_a_feeder_and_zeroes_a_relay():
    made = simulate(1, 1, WITH_FEEDER_CUT)
    hours = made.site.calendar
    cut, free = {}, {}
    for sample in made.samples():
        room = next(iter(sample.values)).rsplit("/", 1)[0]
        if f"{room}/energy_kwh" in sample.values:
            minute = hours.minute(sample.at)
            where = cut if minute < 360 or minute >= 1381 else free
            where.setdefault(room[:6], []).append(sample.values[f"{room}/power_w"])
    assert set(cut) == {"dorm-1", "dorm-2", "dorm-4"}
    assert set(free) == {"dorm-1", "dorm-2", "dorm-3", "dorm-4"}
    assert max(cut["dorm-1"] + cut["dorm-2"]) == 0.0
    assert min(max(free[dorm]) for dorm in free) > 50


def test_lamps_left_on_stay_on_until_morning():
    made = simulate(2, 8, SMALL)
    left = next(f for f in made.truth if f.stays)
    stay = left.stays[0]
    course = made.campus.courses[stay.course]
    for until, _ in made.minutes():
        if left.begin + 600 < until < left.end:
            assert course.amount > 100
        if until > left.end + 600:
            break
    assert until > left.end


@pytest.mark.parametrize(
    ("what", "belongs"),
    [
        (event("running_water", "a", 150), (True, 0)),
        (event("night_flow", "a", 150), (False, 0)),
        (event("running_water", "b", 150), (False, None)),
        (event("running_water", "a", 30), (False, None)),
        (event("running_water", "a", 200 + 901), (False, None)),
    ],
)
def test_event_belongs_to_the_fault_at_its_place_and_time(what, belongs):
    assert school._belongs(what, [fault("a", 100, 200)]) == belongs


def test_event_belongs_to_the_fault_that_it_fits_best_and_of_equals_to_the_latest():
    first, second = fault("a", 100, 200), fault("a", 150, 200, ("night_flow", "running_water"))
    truth = [first, second, fault("a", 140, 200, ("leak",))]
    assert school._belongs(event("running_water", "a", 160), truth) == (True, 0)
    assert school._belongs(event("night_flow", "a", 160), truth) == (True, 1)
    assert school._belongs(event("running_water", "a", 160), [*truth, fault("a", 120, 200)]) == (True, 3)


def test_budget_counts_pages_by_day_and_by_night():
    made = simulate(1, 2, SMALL)
    at = made.site.calendar.at_minute
    monday, tuesday = (day.date for day in made.days)
    told = [
        (at(monday, 600), PAGE), (at(monday, 1380), PAGE), (at(tuesday, 300), PAGE), (at(tuesday, 361), PAGE),
        (at(tuesday, 700), DIGEST), (at(tuesday, 701), RECORD),
    ]  # fmt: skip
    verdict = Verdict(made, [Told(event("x", "a", when, level), level, False, None) for when, level in told], {})
    assert budget(verdict) == (2.0, 2, 1.0, 2, 0.5, 0.5)
    assert budget(verdict, "y") == (0, 0, 0, 0, 0, 0)


def test_outcome_counts_what_is_at_least_as_loud_as_wanted():
    made = simulate(1, 1, SMALL)
    truth = (
        fault("a", 100, 200), fault("b", 100, 200, wants=DIGEST), fault("c", 100, 200, wants=RECORD),
        fault("d", 100, 200, wants=None), fault("e", 100, 200, wants=None),
    )  # fmt: skip
    made = replace(made, truth=truth)
    told = [
        Told(event("running_water", "a", 130, DIGEST), DIGEST, True, 0),
        Told(event("running_water", "b", 130, PAGE), PAGE, True, 1),
        Told(event("running_water", "b", 160, DIGEST), DIGEST, True, 1),
        Told(event("running_water", "b", 170, PAGE), PAGE, True, 1),
        Told(event("night_flow", "c", 160, PAGE), PAGE, False, 2),
        Told(event("running_water", "d", 130, RECORD), RECORD, True, 3),
        Told(event("running_water", "e", 130, DIGEST), DIGEST, True, 4),
    ]
    found = [(*item[1:], item.is_answered, item.is_repeated) for item in outcomes(Verdict(made, told, {}))]
    assert found == [
        (0, 1, 0, None, False, False), (2, 1, 0, 30.0, True, True), (0, 0, 0, None, False, False),
        (0, 0, 1, None, True, False), (0, 1, 0, None, False, False),
    ]  # fmt: skip


def test_a_page_beside_a_fault_is_neither_right_nor_false():
    truth = (fault("a", 100, 200), fault("b", 100, 200, wants=None))
    told = [
        Told(event("running_water", "a", 130), PAGE, True, 0),
        Told(event("night_flow", "a", 140), PAGE, False, 0),
        Told(event("running_water", "b", 130), PAGE, True, 1),
        Told(event("running_water", "c", 130), PAGE, False, None),
        Told(event("running_water", "c", 140, DIGEST), DIGEST, False, None),
    ]
    verdict = Verdict(replace(simulate(1, 1, SMALL), truth=truth), told, {})
    whole, tap, night = (school._row(verdict, rule) for rule in (None, "running_water", "night_flow"))
    assert [row.precision for row in (whole, tap, night)] == [1 / 4, pytest.approx(1 / 3), 0.0]
    assert [row.false_rate for row in (whole, tap, night)] == [2.0, 2.0, 0.0]
    assert whole.note.startswith("of 4 pages 1 beside a fault, 2 false; 4.0 a day")


def test_rows_say_the_whole_pack_first_and_recall_of_it_alone(tmp_path):
    whole, *each = school.rows(tmp_path, progress=lambda _: None, size=SMALL, days=2)
    assert (whole.setting, whole.basis) == ("whole pack", "simulated")
    assert whole.recall is not None
    assert each
    assert all(row.recall is None and row.events <= whole.events for row in each)


def test_whole_pack_judges_a_small_school():
    made = simulate(1, 2, SMALL)
    verdict = judge(made)
    taps = [item for item in outcomes(verdict) if item.fault.kind.startswith("tap") and item.fault.end < made.end]
    assert taps
    assert all(item.is_answered for item in taps)
