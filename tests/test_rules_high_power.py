"""High power: real kettles over real laptops and lamps, real rooms without one, and tables of steps."""

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

import pytest
from heaters import BEGIN, IDLE, KETTLE, NOON, ROOM, P, Q, one, seconds, steps
from recordings import at, circuit, day_of_power, days, local, named, needs_recordings, replay, restarted, site

from rules.engine import Engine
from rules.high_power import HighPower
from rules.model import Sample


def room_day(paths: Iterable[Path], *, has_q: bool) -> list[Sample]:
    """One day of a room with these appliances."""
    return [
        Sample(BEGIN + second, ROOM, {P: watts, Q: var} if has_q else {P: watts})
        for second, (watts, var) in circuit(paths).items()
    ]


@needs_recordings
@pytest.mark.parametrize("has_q", [False, True])
@pytest.mark.parametrize(
    "kettle", ["11F01E_2011.11.20", "599771_2011.08.08", "599771_2011.08.24", "B7E43D_2011.12.26", "B7E43D_2011.12.31"]
)
def test_a_kettle_over_a_laptop_and_a_lamp_is_found(kettle: str, has_q: bool) -> None:
    own = named("WaterKettle", kettle)
    first_on = next(second for second, watts in day_of_power(own[0]).items() if watts > 1000)
    events = replay(one(has_q=has_q), room_day([*own, days("PC-Laptop")[0], days("Lamp")[2]], has_q=has_q))
    raised = [event for event in events if event.turn == "raised"]
    assert BEGIN + first_on <= raised[0].at <= BEGIN + first_on + 30
    assert len(events) == 2 * len(raised)


@needs_recordings
@pytest.mark.parametrize("has_q", [False, True])
@pytest.mark.parametrize("day", [0, 1])
def test_a_room_without_heaters_is_quiet(day: int, has_q: bool) -> None:
    counts = {"PC-Desktop": 3, "TV-LCD": 1, "Monitor-TFT": 1, "Refrigerator": 1, "Lamp": 1, "PC-Laptop": 1}
    paths = [path for appliance, count in counts.items() for path in days(appliance)[day : day + count]]
    samples = room_day(paths, has_q=has_q)
    assert max(sample.values[P] for sample in samples) > 300
    assert replay(one(has_q=has_q), samples) == []


@needs_recordings
@pytest.mark.parametrize("has_q", [False, True])
@pytest.mark.parametrize("appliance", ["HairDryer", "Iron", "Toaster", "Coffeemaker", "Cookingstove"])
def test_recorded_heaters_are_found(appliance: str, has_q: bool) -> None:
    for path in days(appliance)[:3]:
        events = replay(one(has_q=has_q), room_day([path, days("PC-Laptop")[1]], has_q=has_q))
        assert "raised" in [event.turn for event in events], path.name


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([IDLE, KETTLE, (900, 60, 20)], [("raised", 80), ("cleared", 840)]),
        ([IDLE, (15, 1560, 20), (900, 60, 20)], []),                                # too short
        ([IDLE, (300, 350, 20), (900, 60, 20)], []),                                # too small
        ([IDLE, (300, 1060, 450), (900, 60, 20)], []),                              # a motor
        ([IDLE, (300, 1060, -300), (900, 60, 20)], []),
        ([IDLE, *((5, 60 + 140 * i, 20) for i in range(1, 9)), (300, 1180, 20)], []),      # it takes 40 s: an inverter
        ([IDLE, *((5, 60 + 15 * i, 20) for i in range(1, 101)), (300, 1560, 20)], []),     # 3 W/s
        ([IDLE, (5, 800, 20), KETTLE, (900, 60, 20)], [("raised", 80), ("cleared", 845)]),
        ([IDLE, (5, 4000, 20), (5, 60, 20), (300, 70, 20)], []),                    # inrush alone
        ([IDLE, *[(30, 1060, 20), (60, 60, 20)] * 6, (900, 60, 20)], [("raised", 80), ("cleared", 1140)]),  # thermostat
        ([IDLE, KETTLE, (60, 2460, 420), (900, 960, 420)], [("raised", 80), ("cleared", 900)]),  # off behind a motor
        ([IDLE, (60, 860, 400), (60, 1860, 400), (300, 1060, 20), (900, 60, 20)],
         [("raised", 140), ("cleared", 1080)]),                                      # the motor goes off first
        ([IDLE, (5, 60, 20), (30, 900, 20), (120, 2500, 20), (900, 60, 20)],
         [("raised", 85), ("updated", 105), ("cleared", 815)]),                      # a second one on top
        ([IDLE, KETTLE, IDLE, (1200, 900, 20), (900, 60, 20)],
         [("raised", 80), ("cleared", 2100)]),                                       # another one follows at once
        ([IDLE, (60, 660, 20), (120, 2460, 20), (900, 660, 20), (900, 60, 20)],
         [("raised", 80), ("updated", 130), ("cleared", 840)]),                      # the larger one counts
        ([IDLE, (60, 660, 20), (120, 2460, 20), (180, 1860, 20), (900, 60, 20)],
         [("raised", 80), ("updated", 130), ("cleared", 1020)]),
        ([*[(5, 60, 20), (5, 170, 20)] * 30, *[(5, 2460, 20), (5, 2570, 20)] * 10], [("raised", 320)]),   # restless
        ([*[(5, 60, 20), (5, 170, 20)] * 30, (300, 1060, 470), (900, 60, 20)], []),           # a motor on such a one
        ([(300, 1560, 20), (60, 60, 20)], []),                                      # on before we looked: no step seen
    ],
)  # fmt: skip
def test_steps(rows: list[tuple[float, float, float]], expected: list[tuple[str, float]]) -> None:
    assert seconds(replay(one(has_q=True), steps(rows))) == expected


@pytest.mark.parametrize("every_s", [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0])
def test_every_interval_finds_a_kettle(every_s: float) -> None:
    rows = [(600.0, 60.0, 20.0), (240.0, 1560.0, 20.0), (900.0, 60.0, 20.0)]
    events = replay(one(has_q=True, every_s=every_s), steps(rows, every_s=every_s))
    assert [event.turn for event in events] == ["raised", "cleared"]
    assert events[0].at - (NOON + 600) <= max(30.0, every_s)
    assert events[0].values["watts"] == pytest.approx(1500, rel=0.02)


def test_a_slow_mean_that_holds_part_of_the_load_is_no_second_step() -> None:
    rows = [(600.0, 60.0, 20.0), (60.0, 500.0, 20.0), (180.0, 1560.0, 20.0), (900.0, 60.0, 20.0)]
    events = replay(one(has_q=True, every_s=60.0), steps(rows, every_s=60.0))
    assert seconds(events) == [("raised", 600), ("updated", 660), ("cleared", 1440)]
    assert [event.values["watts"] for event in events] == pytest.approx([440, 1500, 1500], rel=0.02)


def test_without_reactive_power_what_comes_back_is_a_compressor() -> None:
    cycle = [(300.0, 700.0, None), (1200.0, 60.0, None)]
    events = replay(one(has_q=False), steps([(60.0, 60.0, None), *cycle * 8]))
    assert [event.turn for event in events] == ["raised", "cleared"] * 2
    kettle = [(180.0, 1700.0, None), (900.0, 60.0, None)]
    events = replay(one(has_q=False), steps([(60.0, 60.0, None), *cycle * 4, *kettle]))
    assert [round(event.values["watts"]) for event in events if event.turn == "raised"] == [640, 640, 1640]


def test_reactive_power_older_than_the_step_says_nothing_of_it() -> None:
    cycle = [(300.0, 700.0, None), (1200.0, 60.0, None)]
    events = replay(one(has_q=True), steps([(60.0, 60.0, 20.0), *cycle * 8]))
    assert [event.turn for event in events] == ["raised", "cleared"] * 2


def test_a_slow_drift_is_no_part_of_the_step() -> None:
    drift = [(60.0, 60.0 + watts, 20.0) for watts in range(90)]
    (raised,) = replay(one(has_q=True), steps([*drift, (60.0, 1650.0, 20.0)]))
    assert raised.values["watts"] == pytest.approx(1501, abs=10)


def test_a_gap_is_no_step() -> None:
    before, after = steps([IDLE]), steps([(300, 1560, 20)], begin=NOON + 600)
    assert replay(one(has_q=True), [*before, *after]) == []


def test_a_gap_does_not_count_as_held() -> None:
    before, after = steps([IDLE, (15, 1560, 20)]), steps([(300, 1560, 20)], begin=NOON + 600)
    (raised,) = replay(one(has_q=True), [*before, *after])
    assert NOON + 600 <= raised.at <= NOON + 610
    assert raised.evidence.covered_s < 40


@pytest.mark.parametrize(
    ("watts", "clock", "severity"),
    [(400, "12:00", "MINOR"), (900, "12:00", "MAJOR"), (1800, "12:00", "CRITICAL"), (400, "23:30", "CRITICAL")],
)
def test_severity_goes_by_size_and_night(watts: float, clock: str, severity: str) -> None:
    begin = at(f"2026-03-02 {clock}")
    (raised,) = replay(one(has_q=True), steps([IDLE, (120, 60 + watts, 20)], begin=begin))
    assert raised.severity.name == severity
    assert raised.values["watts"] == pytest.approx(watts)
    assert raised.evidence.threshold == pytest.approx(360)


@pytest.mark.parametrize(
    ("watts", "rows", "begin", "expected"),
    [
        (900, [(10_800, 1)], "22:51", [("raised", "MAJOR", "22:51"), ("updated_night", "CRITICAL", "23:00")]),
        (400, [(10_800, 1)], "22:51", [("raised", "MINOR", "22:51"), ("updated_night", "CRITICAL", "23:00")]),
        (1800, [(10_800, 1)], "22:51", [("raised", "CRITICAL", "22:51")]),                       # no higher to rise
        (900, [(10_800, 1)], "22:59", [("raised", "MAJOR", "22:59"), ("updated_night", "CRITICAL", "23:00")]),
        (900, [(36_000, 1)], "13:30", [("raised", "MAJOR", "13:30"), ("updated_night", "CRITICAL", "23:00")]),
        (900, [(21_600, 1)], "04:00", [("raised", "CRITICAL", "04:00")]),                        # morning ends nothing
        (900, [(300, 1), (1200, 0)], "22:53", [("raised", "MAJOR", "22:53"), ("cleared", "MAJOR", "23:08")]),
        (900, [(300, 1), (300, 0), (300, 1)], "22:53",                                           # it is back at 23:03
         [("raised", "MAJOR", "22:53"), ("updated_night", "CRITICAL", "23:03")]),
        (400, [(120, 1), (36_000, 3)], "22:50",                                                  # two updates at most
         [("raised", "MINOR", "22:50"), ("updated", "MAJOR", "22:52"), ("updated_night", "CRITICAL", "23:00")]),
        (400, [(120, 1), (120, 3), (36_000, 8)], "22:50",
         [("raised", "MINOR", "22:50"), ("updated", "MAJOR", "22:52"), ("updated", "CRITICAL", "22:54")]),
    ],
)  # fmt: skip
def test_in_the_night_a_load_is_critical_also_one_that_came_by_day(
    watts: float, rows: list[tuple[float, float]], begin: str, expected: list[tuple[str, str, str]]
) -> None:
    switched = at(f"2026-03-02 {begin}")
    on = [(duration, 60 + watts * share, 20.0) for duration, share in rows]
    events = replay(one(has_q=True), steps([IDLE, *on], begin=switched - IDLE[0]))
    told = [(event.why.partition(".")[2], event.severity.name, local(event.at)[-5:]) for event in events]
    assert told == expected


def test_a_heater_that_the_night_finds_within_its_hold_is_raised_once() -> None:
    samples = steps([IDLE, (600, 960, 20)], begin=at("2026-03-02 22:58:55"))
    (raised,) = replay(one(has_q=True), samples)
    assert raised.severity.name == "CRITICAL"
    assert restarted(one(has_q=True), samples, every=7, until=samples[-1].at) == [raised]


def test_reactive_power_on_a_topic_of_its_own_counts_when_it_is_as_new_as_the_step() -> None:
    motor = [(60.0, 60.0, 20.0), (300.0, 1060.0, 450.0)]
    split = [
        Sample(sample.at + delay, ROOM, {point: sample.values[point]})
        for sample, (point, delay) in product(steps(motor), ((P, 0.0), (Q, 0.4)))
    ]
    assert replay(one(has_q=True), split) == []


@pytest.mark.parametrize(
    ("kind", "quantities", "expected"),
    [
        ("dorm_room", ["power_w", "reactive_power_var"], {"dorm/101": 300}),
        ("dorm_room", ["power_w", "sockets/power_w", "ac/power_w"], {"dorm/101/sockets": 300}),
        ("dorm_room", ["ac/power_w", "lighting/power_w"], {}),
        ("classroom", ["power_w"], {"dorm/101": 800}),           # its lamps are on the same meter
        ("classroom", ["power_w", "reactive_power_var"], {"dorm/101": 300}),                   # and told apart
        ("office", ["sockets/power_w"], {"dorm/101/sockets": 300}),
        ("staff_flat", ["power_w"], {}),
        ("canteen", ["power_w"], {}),
        ("lab", ["power_w"], {}),
    ],
)
def test_where_it_watches(kind: str, quantities: list[str], expected: Mapping[str, float]) -> None:
    watches = HighPower().watches(site({ROOM: (kind, quantities)}))
    assert {watch.key: watch.steps.step_w for watch in watches} == expected


@pytest.mark.parametrize("kind", ["dorm_room", "classroom", "office"])
@pytest.mark.parametrize("watts", [320.0, 500.0, 700.0, 1500.0])
def test_reactive_power_tells_a_heater_from_lamps_in_any_room(kind: str, watts: float) -> None:
    heater = steps([(60, 60, -20), (300, 60 + watts, -20), (900, 60, -20)])
    lamps = steps([(60, 60, -20), (3600, 60 + watts, -20 - 0.2 * watts), (900, 60, -20)])
    assert seconds(replay(one(has_q=True, kind=kind), heater))[0] == ("raised", 80)
    assert [event.why for event in replay(one(has_q=True, kind=kind), lamps) if event.delivery == "page"] == []


@pytest.mark.parametrize(("kind", "watts", "expected"), [("dorm_room", 700, 1), ("office", 700, 0), ("office", 900, 1)])
def test_reactive_power_that_was_never_negative_may_have_no_sign(kind: str, watts: float, expected: int) -> None:
    samples = steps([IDLE, (300, 60 + watts, 20), (900, 60, 20)])
    assert sum(event.turn == "raised" for event in replay(one(has_q=True, kind=kind), samples)) == expected


def test_the_running_hold_is_shown() -> None:
    engine = Engine(one(has_q=True))
    for sample in steps([IDLE, (15, 1560, 20)]):
        engine.take(sample)
    engine.advance(NOON + 75)
    (hold,) = engine.holds()
    assert hold.hold == (NOON + 60, 10.0, 20.0)


@needs_recordings
def test_a_restart_loses_nothing() -> None:
    samples = room_day([named("Iron", "12.26")[0], days("PC-Laptop")[0]], has_q=False)[6500:8500]
    whole = replay(one(has_q=False), samples)
    assert len(whole) >= 2
    assert restarted(one(has_q=False), samples, every=11, until=samples[-1].at) == whole
