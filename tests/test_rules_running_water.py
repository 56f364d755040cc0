"""Running water: real meters, taps added to them, and tables of runs, pauses and gaps."""

from datetime import date

import pytest
from recordings import WATER_ZONE, at, local, needs_recordings, replay, restarted, series, site, turns, water

from rules.calendar import Lesson, Span
from rules.engine import Engine
from rules.model import Delivery, Event, Sample, Site
from rules.running_water import RunningWater
from rules.watch import Watch

BEGIN = at("2026-03-02 14:00")
DAY = 86_400
FLOW = ["flow_lpm"]


def watches(where: Site, rule: RunningWater | None = None) -> list[Watch]:
    return list((rule or RunningWater()).watches(where))


def one(kind: str, room: str = "teach/1", *, every_s: float = 60.0) -> list[Watch]:
    return watches(site({room: (kind, FLOW)}, every_s=every_s))


def metered(name: str, rows: list[tuple[float, float]]) -> list[Sample]:
    return [Sample(when, name, {f"teach/{name}/flow_lpm": flow}) for when, flow in rows]


@needs_recordings
@pytest.mark.parametrize("kind", ["washroom", "dorm_room"])
def test_a_month_of_seven_meters_has_two_runs(kind: str) -> None:
    where = site({f"teach/{name}": (kind, FLOW) for name in water()}, timezone="Europe/Brussels")
    samples = [sample for name, rows in water().items() for sample in metered(name, list(rows))]
    events = replay(watches(where), samples)
    told = [(e.key, e.turn.value, local(e.at, WATER_ZONE), local(e.evidence.since, WATER_ZONE)) for e in events]
    assert told == [
        ("teach/2923", "raised", "2015-03-07 18:02", "2015-03-07 17:32"),
        ("teach/2923", "cleared", "2015-03-08 11:33", "2015-03-07 17:32"),
        ("teach/b285", "raised", "2015-03-23 21:24", "2015-03-23 20:54"),
        ("teach/b285", "cleared", "2015-03-24 07:20", "2015-03-23 20:54"),
    ]
    assert events[-1].values["ran_s"] == pytest.approx(10.4 * 3600, abs=300)


@needs_recordings
@pytest.mark.parametrize("start", [601, 7_007, 19_990, 33_333])
@pytest.mark.parametrize("name", ["6616", "a805", "1a5c", "a926", "a519"])
def test_an_added_tap_is_found_in_35_minutes(name: str, start: int) -> None:
    part = list(water()[name][start - 200 : start + 60])
    opened = water()[name][start][0]
    with_tap = [(when, flow + (6.0 if when >= opened else 0.0)) for when, flow in part]
    where = watches(site({f"teach/{name}": ("washroom", FLOW)}, timezone="Europe/Brussels"))
    assert replay(where, metered(name, part)) == []
    (raised,) = replay(where, metered(name, with_tap))
    assert 0 <= raised.at - opened <= 35 * 60


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(31, 6.0), (60, 0.0)], []),   # the mean of five minutes passes the limit in the second minute
        ([(32, 6.0), (60, 0.0)], [("raised", 31), ("cleared", 32.75)]),
        ([(90, 1.9), (10, 0.0)], []),   # a leak, not a tap
        ([(20, 6.0), (1, 0.0), (20, 6.0), (10, 0.0)], []),
        ([(20, 6.0), (1, 0.06), (12, 6.0), (10, 0.0)], [("raised", 31), ("cleared", 33.75)]),
        ([(20, 6.0), (20, None), (20, 6.0), (10, 0.0)], [("raised", 49.5), ("cleared", 60.75)]),  # 1.5 min covered
        ([(25, 6.0), (300, None), (20, 6.0), (10, 0.0)], []),   # after so long it begins anew
        ([(20, 6.0), (5, -3.0), (20, 6.0), (5, 0.0)], []),
        ([(40, 6.0), (3, 1.5), (5, 6.0), (10, 0.0)], [("raised", 31), ("cleared", 48.75)]),       # a dip is no end
    ],
)  # fmt: skip
def test_what_runs_without_a_pause(runs: list[tuple[float, float | None]], expected: list[tuple[str, float]]) -> None:
    samples = series("teach/1/flow_lpm", BEGIN, 60, [(10, 0.0), *runs])
    assert turns(replay(one("dorm_room"), samples), BEGIN + 600) == expected


def test_a_gap_is_not_counted() -> None:
    samples = series("teach/1/flow_lpm", BEGIN, 60, [(5, 0.0), (20, 6.0), (25, None), (20, 6.0)])
    (raised,) = replay(one("washroom"), samples)
    assert raised.evidence.covered_s == pytest.approx(1800)
    assert raised.values["litres"] == pytest.approx(180)
    assert raised.at - raised.evidence.since == pytest.approx(1800 + (25 - 1.5) * 60, abs=60)  # a reading holds 2.5 min


@pytest.mark.parametrize(
    ("kind", "room", "begin", "minutes"),
    [
        ("washroom", "teach/1", "2026-03-02 14:00", 30),
        ("washroom", "teach/1", "2026-03-02 23:30", 30),
        ("corridor", "teach/1", "2026-03-02 14:00", 45),
        ("office", "teach/1", "2026-03-02 14:00", 30),
        ("office", "teach/1", "2026-03-02 22:40", 10),     # closed
        ("office", "teach/1", "2026-03-02 22:10", 30),     # closes at 22:30, and then 10 min
        ("teaching", "teach", "2026-03-02 14:00", 540),    # a whole building: from closing at 22:30 on
        ("pump_room", "teach/1", "2026-03-02 22:30", 30),
        ("dormitory", "dorm", "2026-03-02 14:00", 630),    # people live here: from 23:00 on, and longer
        ("washroom", "dorm/1F", "2026-03-01 14:00", 60),   # a whole floor washes here, on a Sunday
        ("washroom", "dorm/1F", "2026-03-02 14:00", 45),   # and on a Monday all are taught
        ("washroom", "dorm/1F", "2026-03-02 06:30", 135),  # in the peak until 08:00
        ("washroom", "dorm/1F", "2026-03-02 20:50", 160),  # evening study does not count for the night at 23:00
        ("washroom", "dorm/1F", "2026-03-02 21:10", 140),  # in the peak: 30 min after its end at 23:00
    ],
)
def test_how_long_it_may_run(kind: str, room: str, begin: str, minutes: int) -> None:
    started = at(begin)
    events = replay(one(kind, room), series(f"{room}/flow_lpm", started, 60, [(minutes + 30, 6.0)]))
    assert turns(events, started) == [("raised", minutes)]


@pytest.mark.parametrize(
    ("begin", "minutes", "is_told"),
    [("2026-03-03 05:05", 80, False), ("2026-03-03 03:00", 60, True), ("2026-03-02 22:40", 60, True)],
)
def test_a_kitchen_cooks_before_it_opens(begin: str, minutes: int, is_told: bool) -> None:
    events = replay(one("canteen", "canteen/hall"), series("canteen/hall/flow_lpm", at(begin), 60, [(minutes, 6.0)]))
    assert bool(events) is is_told


def test_the_meter_of_a_building_is_a_line_where_its_rooms_have_meters() -> None:
    where = site({"teach": ("teaching", FLOW), "teach/1": ("washroom", FLOW), "hall": ("teaching", FLOW)})
    begin = at("2026-03-02 23:30")
    samples = [s for place in where.places for s in series(f"{place}/flow_lpm", begin, 60, [(50, 6.0)])]
    told = {e.key: e.delivery for e in replay(watches(where), sorted(samples, key=lambda s: s.at))}
    assert told == {"teach": Delivery.DIGEST, "teach/1": Delivery.PAGE, "hall": Delivery.PAGE}


def test_a_closed_day_is_quiet_all_day() -> None:
    where = site({"teach": ("teaching", FLOW)}, closed=frozenset({date(2026, 3, 2)}))
    events = replay(watches(where), series("teach/flow_lpm", BEGIN, 60, [(60, 6.0)]))
    assert turns(events, BEGIN) == [("raised", 30)]


def test_a_meter_that_reports_changes_needs_no_second_word() -> None:
    opened = [Sample(when, "teach/1", {"teach/1/flow_lpm": flow}) for when, flow in ((BEGIN, 0.0), (BEGIN + 60, 11.0))]
    events = replay(one("washroom", every_s=1440), opened, until=BEGIN + 3 * 3600)
    assert turns(events, BEGIN + 60) == [("raised", 30)]
    nearly = [*opened, Sample(BEGIN + 60 + 1790, "teach/1", {"teach/1/flow_lpm": 0.0})]
    assert replay(one("washroom", every_s=1440), nearly, until=BEGIN + 3 * 3600) == []


def test_ten_second_readings_judge_the_same() -> None:
    runs = [(10, 0.0), (40, 6.0), (10, 0.0)]
    events = replay(one("washroom", every_s=10), series("teach/1/flow_lpm", BEGIN, 10, runs))
    assert [(turn, round(minute)) for turn, minute in turns(events, BEGIN + 600)] == [("raised", 31), ("cleared", 41)]


def test_pauses_of_seconds_do_not_count_as_running() -> None:
    rinsing = [(1 / 3, 12.0), (1 / 2, 0.0)] * 72   # an hour
    assert replay(one("washroom", every_s=10), series("teach/1/flow_lpm", BEGIN, 10, rinsing)) == []


def test_the_running_hold_is_shown() -> None:
    engine = Engine(one("washroom"))
    for sample in series("teach/1/flow_lpm", BEGIN, 60, [(13, 6.0)]):
        engine.take(sample)
    engine.advance(BEGIN + 12 * 60)
    (hold,) = engine.holds()
    assert (hold.hold.since, hold.hold.covered_s, hold.hold.needed_s) == (BEGIN, 720, 1800)


def test_two_meters_of_a_room_are_two_watches() -> None:
    where = site({"teach/1": ("washroom", ["flow_lpm", "hot_water/flow_lpm"])})
    assert [watch.key for watch in watches(where)] == ["teach/1", "teach/1/hot_water"]


def test_a_restart_loses_nothing() -> None:
    pack = one("pump_room")
    samples = series("teach/1/flow_lpm", at("2026-03-02 20:00"), 60, [(10, 0.0), (300, 6.0), (2, 0.04), (60, 7.0)])
    end = samples[-1].at
    whole = replay(pack, samples)
    assert [event.turn.value for event in whole] == ["raised", "cleared", "raised"]
    assert restarted(pack, samples, every=7, until=end) == whole


# -- registers: a pulse of some litres, read once a minute


def register(place: str, lpm: list[float], pulse: float, *, every_min: int = 1) -> list[Sample]:
    total, out = 0.0, []
    for minute, flow in enumerate(lpm):
        total += flow
        if minute % every_min == 0:
            value = {f"{place}/volume_m3": total // pulse * pulse / 1000}
            out.append(Sample(BEGIN + 60.0 * minute, place, value))
    return out


def on_register(kind: str, place: str, lpm: list[float], pulse: float, **reading: int) -> list[Event]:
    where = site({place: (kind, ["volume_m3"])}, every_s=60.0 * reading.get("every_min", 1))
    return replay(watches(where), register(place, lpm, pulse, **reading))


LEARNING = [5.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0] + [0.0] * 12


@pytest.mark.parametrize(
    ("kind", "place", "pulse", "within"),
    [
        ("dorm_room", "dorm/101", 1.0, (30, 34)), ("dorm_room", "dorm/101", 10.0, (30, 36)),
        ("corridor", "teach/1", 1.0, (45, 49)), ("corridor", "teach/1", 10.0, (67, 74)),  # many look like one
    ],
)  # fmt: skip
def test_a_tap_behind_a_register_is_found(kind: str, place: str, pulse: float, within: tuple[int, int]) -> None:
    litres = [flow * pulse for flow in LEARNING] + [6.0] * 120
    (raised,) = on_register(kind, place, litres, pulse)
    assert within[0] <= (raised.at - BEGIN) / 60 - len(LEARNING) <= within[1]


def test_a_minute_without_a_pulse_is_still() -> None:
    assert on_register("dorm_room", "dorm/101", LEARNING + ([6.0] * 20 + [0.0] * 2) * 6, 1.0) == []
    assert on_register("dorm_room", "dorm/101", LEARNING + ([6.0] * 20 + [2.0] * 2) * 6, 1.0) != []


@pytest.mark.parametrize("every_min", [2, 5])
def test_a_register_may_be_read_less_often(every_min: int) -> None:
    (raised,) = on_register("dorm_room", "dorm/101", LEARNING + [6.0] * 120, 1.0, every_min=every_min)
    assert 30 <= (raised.at - BEGIN) / 60 - len(LEARNING) <= 35 + every_min


def test_a_coarse_register_raises_nothing_and_says_why() -> None:
    litres = [100.0, 0.0] * 4 + [6.0] * 400
    assert on_register("dorm_room", "dorm/101", litres, 100.0) == []
    (watch,) = watches(site({"dorm/101": ("dorm_room", ["volume_m3"])}))
    state = watch.start
    for sample in register("dorm/101", litres, 100.0):
        state, _ = watch.step(state, sample.at, {"volume": sample.values["dorm/101/volume_m3"]})
    told = watch.explain(state, BEGIN)
    assert (told.why, told.values) == ("running_water.coarse", {"pulse": pytest.approx(100.0)})


# -- who is behind the meter


def test_a_register_is_read_rather_than_the_flow_derived_from_it() -> None:
    where = site({"teach/1": ("washroom", ["flow_lpm", "volume_m3"]), "teach/2": ("washroom", ["volume_m3"])})
    assert [dict(watch.inputs) for watch in watches(where)] == [
        {"volume": "teach/1/volume_m3"}, {"volume": "teach/2/volume_m3"},
    ]  # fmt: skip


def test_a_floor_that_washes_in_turn_is_not_paged() -> None:
    """All evening somebody washes: it is 21:00 to 23:00, and no minute is still."""
    crowd = series("dorm/1F/flow_lpm", at("2026-03-02 20:40"), 60, [(140, 9.0), (480, 0.0)])
    assert replay(one("washroom", "dorm/1F"), crowd) == []


@pytest.mark.parametrize(("others", "is_told"), [(0.0, True), (6.0, True), (40.0, False)])
def test_a_tap_in_lessons_is_steady(others: float, is_told: bool) -> None:
    """A tap of 6 L/min, and others who draw every fourth minute: many of them are no tap."""
    begin = at("2026-03-02 14:00")
    runs = [(3, 6.0), (1, 6.0 + others)] * 14
    events = replay(one("washroom", "dorm/1F"), series("dorm/1F/flow_lpm", begin, 60, [*runs, (30, 0.0)]))
    assert [minute for turn, minute in turns(events, begin) if turn == "raised"] == [45] * is_told


def test_many_who_fill_buckets_beside_classrooms_are_no_tap() -> None:
    """The big clean of a Friday afternoon, for 45 minutes; a tap among them that nobody shut is told after an hour."""
    begin = at("2026-03-06 16:40")
    clean = [(1, 6.0), (2, 14.0), (1, 28.0)] * 11
    for after, expected in (([(30, 0.0)], []), ([(40, 6.0), (30, 0.0)], [("raised", 60)])):
        events = replay(one("washroom"), series("teach/1/flow_lpm", begin, 60, [*clean, *after]))
        assert [turn for turn in turns(events, begin) if turn[0] == "raised"] == expected


def test_a_floor_by_day_is_told_later_where_many_draw() -> None:
    begin = at("2026-03-01 14:00")
    crowd = [(3, 4.0), (1, 40.0)] * 35
    events = replay(one("washroom", "dorm/1F"), series("dorm/1F/flow_lpm", begin, 60, [*crowd, (10, 0.0)]))
    assert turns(events, begin)[0] == ("raised", 120)


def test_a_tap_that_is_opened_while_many_draw_is_found_in_the_next_part_of_the_lessons() -> None:
    begin = at("2026-03-01 14:00")
    sunday = [(58, 9.0), (24 * 60 - 58, 0.0)]   # by its own measure, a floor may run for longer than this
    crowd = [(3, 4.0), (1, 40.0)] * 5
    runs = [*sunday, *crowd, (120, 6.0)]
    events = replay(one("washroom", "dorm/1F"), series("dorm/1F/flow_lpm", begin, 60, runs))
    assert [(turn, minute // 5) for turn, minute in turns(events, begin + DAY)] == [("raised", 90 // 5)]


def test_a_floor_with_little_flow_by_day_is_no_tap() -> None:
    begin = at("2026-03-02 14:00")
    assert replay(one("washroom", "dorm/1F"), series("dorm/1F/flow_lpm", begin, 60, [(180, 2.5), (30, 0.0)])) == []
    assert replay(one("washroom", "dorm/1F"), series("dorm/1F/flow_lpm", begin, 60, [(180, 3.5), (30, 0.0)])) != []


def test_an_empty_timetable_closes_a_room() -> None:
    """On Mondays only the first two lessons are held; a double period is no break."""
    lessons = {"teach/1": (Lesson(0, Span(480, 525)), Lesson(0, Span(535, 580)))}
    where = site({"teach/1": ("classroom", FLOW)}, timetable=lessons)
    for begin, minutes in (("08:00", 30), ("08:40", 30), ("10:00", 10)):
        started = at(f"2026-03-02 {begin}")
        events = replay(watches(where), series("teach/1/flow_lpm", started, 60, [(50, 6.0)]))
        assert turns(events, started) == [("raised", minutes)]


def test_a_building_that_never_pauses_by_night_is_its_own_measure() -> None:
    """Each night 80 minutes without a pause, later more: over the 90 of the rule, not over half more than its own."""
    runs: list[tuple[float, float | None]] = [(600, 0.0)]
    for minutes in (80, 80, 80, 100, 130):
        runs += [(minutes, 6.0), (1440 - minutes, 0.0)]
    events = replay(one("dormitory", "dorm"), series("dorm/flow_lpm", at("2026-03-02 14:00"), 60, runs))
    assert events == []
    begun = series("dorm/flow_lpm", at("2026-03-03 00:00"), 60, [(100, 6.0), (10, 0.0)])
    first = replay(one("dormitory", "dorm"), begun)
    assert [event.turn.value for event in first] == ["raised", "cleared"]


@pytest.mark.parametrize(
    ("kind", "place", "begin", "flow", "why"),
    [
        ("washroom", "teach/1", "14:00", 0.5, "calm"), ("washroom", "teach/1", "14:00", 6.0, "runs"),
        ("washroom", "dorm/1F", "21:10", 6.0, "peak"), ("dormitory", "dorm", "14:00", 6.0, "not_judged"),
    ],
)  # fmt: skip
def test_it_says_where_it_stands(kind: str, place: str, begin: str, flow: float, why: str) -> None:
    (watch,) = one(kind, place)
    started = at(f"2026-03-02 {begin}")
    state = watch.start
    assert watch.explain(state, started).why == "running_water.unheard"
    for minute in range(12):
        state, _ = watch.step(state, started + 60.0 * minute, {"flow": flow})
    assert watch.explain(state, started + 660).why == f"running_water.{why}"
