"""High power: real kettles over real laptops and lamps, real rooms without one, and tables of steps."""

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from string import Formatter

import pytest
from recordings import at, circuit, day_of_power, days, local, named, needs_recordings, replay, restarted, site, turns

from rules.calendar import Span
from rules.engine import Engine
from rules.fact import PERMIT, permit
from rules.high_power import HighPower
from rules.model import Delivery, Event, Sample, Site
from rules.rule import ParameterError
from rules.watch import Watch

ROOM = "dorm/101"
BEGIN = at("2026-03-02 00:00")
NOON = BEGIN + 12 * 3600.0
TOLD_AT_ONCE = HighPower(strikes=1)
P, Q = f"{ROOM}/power_w", f"{ROOM}/reactive_power_var"


def one(*, has_q: bool, every_s: float = 5.0, kind: str = "dorm_room", rule: HighPower = TOLD_AT_ONCE) -> list[Watch]:
    quantities = ["power_w", "reactive_power_var"] if has_q else ["power_w"]
    return list(rule.watches(site({ROOM: (kind, [*quantities, *PERMIT])}, every_s=every_s)))


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


def steps(
    rows: Iterable[tuple[float, float, float | None]], *, begin: float = NOON, every_s: float = 5.0
) -> list[Sample]:
    """Samples from `(seconds, W, var)` rows; None: no reactive power in the message."""
    out, when = [], begin
    for seconds, watts, var in rows:
        end = when + seconds
        while when < end:
            out.append(Sample(when, ROOM, {P: watts} if var is None else {P: watts, Q: var}))
            when += every_s
    return out


def seconds(events: Iterable[Event], begin: float = NOON) -> list[tuple[str, float]]:
    return [(turn, round(minute * 60)) for turn, minute in turns(events, begin)]


KETTLE = (180.0, 1560.0, 20.0)
IDLE = (60.0, 60.0, 20.0)


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
        ("office", ["sockets/power_w"], {"dorm/101/sockets": 300}),
        ("staff_flat", ["power_w"], {}),
        ("canteen", ["power_w"], {}),
        ("lab", ["power_w"], {}),
    ],
)
def test_where_it_watches(kind: str, quantities: list[str], expected: Mapping[str, float]) -> None:
    watches = HighPower().watches(site({ROOM: (kind, quantities)}))
    assert {watch.key: watch.steps.step_w for watch in watches} == expected


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


# -- who is told


RECORD, DIGEST, PAGE = Delivery.RECORD, Delivery.DIGEST, Delivery.PAGE
DAY = 86_400.0


def uses(
    *rows: tuple[float, float, float], watts: float = 1000.0, var: float = 0.0, has_q: bool = True
) -> list[Sample]:
    """A heater that is on at some times: days after the first noon, hours of it, minutes."""
    out: list[Sample] = []
    for day, hour, minutes in rows:
        on = (60 * minutes, 60 + watts, 20 + var if has_q else None)
        idle = 20.0 if has_q else None
        out += steps([(60, 60, idle), on, (900, 60, idle)], begin=NOON + day * DAY + hour * 3600)
    return out


def deliveries(events: Iterable[Event]) -> list[tuple[str, Delivery]]:
    return [(event.why.partition(".")[2], event.delivery) for event in events if event.turn != "cleared"]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (uses((0, 0, 4)), [("raised", RECORD)]),                                          # a first short one
        (uses((0, 0, 4), (2, 5, 4)), [("raised", RECORD), ("raised", PAGE)]),             # the second of the week
        (uses((0, 0, 4), (7.1, 0, 4)), [("raised", RECORD), ("raised", RECORD)]),         # a week later
        (uses((0, 0, 4), (6, 0, 4), (8, 0, 4)), [("raised", RECORD), ("raised", PAGE), ("raised", PAGE)]),
        (uses((0, 0, 29)), [("raised", RECORD)]),
        (uses((0, 0, 40)), [("raised", RECORD), ("updated_long", PAGE)]),
        (uses((0, 0, 4), watts=1600), [("raised", PAGE)]),
        (uses((0, 12, 4)), [("raised", PAGE)]),                                           # midnight
        (uses((0, 10.9, 15)), [("raised", RECORD), ("updated_night", PAGE)]),             # 22:54
        (uses((0, 0, 4), var=1000), [("half_wave", RECORD)]),
        (uses((0, 0, 40), (0, 12, 40), var=1000), [("half_wave", RECORD)] * 2),
        (uses((0, 0, 4), var=200), [("other", RECORD)]),
        (uses((0, 0, 4), (0, 2, 4), var=200), [("other", RECORD)]),                       # it comes back: a motor
        (uses((0, 0, 4), var=500), []),
        (uses((0, 0, 4), (1, 0, 4), has_q=False), [("raised", RECORD), ("raised", PAGE)]),
    ],
)  # fmt: skip
def test_a_first_short_run_is_a_record_and_what_matters_is_a_page(
    samples: list[Sample], expected: list[tuple[str, Delivery]]
) -> None:
    pack = one(has_q=True, rule=HighPower())
    events = replay(pack, samples)
    assert deliveries(events) == expected
    assert all(event.severity > 0 for event in events if event.delivery is PAGE)
    assert restarted(one(has_q=True, rule=HighPower()), samples, every=37, until=samples[-1].at) == events


def test_the_run_of_the_week_is_counted() -> None:
    events = replay(one(has_q=True), uses((0, 0, 4), (1, 0, 4), (1, 1, 4), (7.5, 0, 4)))
    assert [event.values["times"] for event in events if event.turn == "raised"] == [1, 2, 3, 3]


def test_where_something_cycles_and_power_alone_is_known_nobody_is_called() -> None:
    cycle = [(300.0, 700.0, None), (1200.0, 60.0, None)]
    samples = steps([(60.0, 60.0, None), *cycle * 4, (180.0, 2000.0, None), (900.0, 60.0, None)])
    events = [event for event in replay(one(has_q=False), samples) if event.turn == "raised"]
    assert [event.delivery for event in events] == [PAGE, PAGE, DIGEST]


@pytest.mark.parametrize(
    ("whitelist", "watts", "expected"),
    [("", 1000, 1), ("1000", 1000, 0), ("1060", 1000, 0), ("420, 1000", 1000, 0), ("420 1000", 420, 0),
     ("420", 1000, 1), ("1100", 1000, 1), ("900", 1000, 1)],
)  # fmt: skip
@pytest.mark.parametrize("every_s", [5.0, 60.0])
def test_what_the_room_is_allowed_is_no_alert(whitelist: str, watts: float, expected: int, every_s: float) -> None:
    rows = [(600.0, 60.0, 20.0), (600.0, 60.0 + watts, 20.0), (900.0, 60.0, 20.0)]
    pack = one(has_q=True, every_s=every_s, rule=HighPower(whitelist_w=whitelist))
    events = replay(pack, steps(rows, every_s=every_s))
    assert sum(event.turn == "raised" for event in events) == expected


def test_a_mean_of_part_of_an_allowed_heater_is_no_alert() -> None:
    rows = [(600.0, 60.0, 20.0), (60.0, 500.0, 20.0), (180.0, 1060.0, 20.0), (900.0, 60.0, 20.0)]
    assert replay(one(has_q=True, every_s=60.0, rule=HighPower(whitelist_w="1000")), steps(rows, every_s=60.0)) == []


@pytest.mark.parametrize("text", ["x", "420;1000", "1e", "-", "nan"])
def test_a_whitelist_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        HighPower(whitelist_w=text)


@pytest.mark.parametrize(
    ("watts", "begin_s", "end_s", "at_s", "expected"),
    [
        (1000, 0, 7200, -60, []),
        (940, 0, 7200, -60, []),                                                     # within 7 %
        (900, 0, 7200, -60, [("raised", 80), ("cleared", 1260)]),                    # too small
        (1000, 0, 300, -60, [("raised", 300), ("cleared", 1260)]),                   # it ends while the heater is on
        (1000, 7200, 9000, -60, [("raised", 80), ("cleared", 1260)]),                # not yet
        (1000, 0, 7200, 203, [("raised", 80), ("permitted", 205)]),                  # declared afterwards
        (0, 0, 7200, -60, [("raised", 80), ("cleared", 1260)]),
    ],
)  # fmt: skip
def test_a_permit_covers_its_watts_within_its_time(
    watts: float, begin_s: float, end_s: float, at_s: float, expected: list[tuple[str, float]]
) -> None:
    declared = permit(ROOM, watts, begin=NOON + begin_s, end=NOON + end_s, at=NOON + at_s)
    samples = sorted([*steps([IDLE, (1200, 1060, 20), (900, 60, 20)]), declared], key=lambda sample: sample.at)
    events = replay(one(has_q=True), samples)
    told = [event.why.partition(".")[2] for event in events]
    assert list(zip(told, (when for _, when in seconds(events)), strict=True)) == [
        (why, when if why == "permitted" else when + (600 if why == "cleared" else 0)) for why, when in expected
    ]


def test_a_permit_that_is_taken_back_covers_nothing() -> None:
    granted = permit(ROOM, 1000, begin=NOON, end=NOON + 7200, at=NOON - 60)
    revoked = permit(ROOM, 0, begin=NOON, end=NOON + 7200, at=NOON - 30)
    events = replay(one(has_q=True), [granted, revoked, *steps([IDLE, (300, 1060, 20)])])
    assert [event.turn for event in events] == ["raised"]


@pytest.mark.parametrize(("clock", "expected"), [("06:05", 0), ("06:15", 1)])
def test_right_after_a_planned_cut_nothing_is_judged(clock: str, expected: int) -> None:
    """Supply comes back at 6:00."""
    campus = site({ROOM: ("dorm_room", ["power_w", "reactive_power_var"])}, every_s=5.0)
    places = {name: place._replace(supply=Span(6 * 60, 23 * 60)) for name, place in campus.places.items()}
    campus = Site(campus.id, campus.name, places, campus.points, campus.calendar)
    samples = steps([IDLE, (240, 1060, 20), (60, 60, 20)], begin=at(f"2026-03-02 {clock}") - IDLE[0])
    assert len(replay(list(HighPower().watches(campus)), samples)) == expected


@pytest.mark.parametrize("every_s", [30.0, 60.0])
def test_a_glide_of_an_inverter_is_no_heater_in_slow_readings(every_s: float) -> None:
    glide = [(every_s, 60 + 3 * every_s * (index + 0.4), 20.0) for index in range(int(1200 / 3 / every_s))]
    for q in (20.0, None):
        rows = [(watts[0], watts[1], q) for watts in [(600.0, 60.0), *((s, w) for s, w, _ in glide), (900.0, 1300.0)]]
        assert replay(one(has_q=q is not None, every_s=every_s), steps(rows, every_s=every_s)) == []


def explained(
    samples: list[Sample], when: float, rule: HighPower = TOLD_AT_ONCE
) -> tuple[str, Mapping[str, float | str]]:
    (watch,) = one(has_q=True, rule=rule)
    engine = Engine([watch])
    for sample in samples:
        engine.take(sample)
    engine.advance(when)
    found = watch.explain(engine.state(watch.rule, watch.key), when)
    return found.why.partition(".")[2], found.values


@pytest.mark.parametrize(
    ("samples", "when", "why"),
    [
        ([], NOON, "is_unheard"),
        (steps([IDLE]), NOON + 60, "is_calm"),
        (steps([IDLE, KETTLE]), NOON + 75, "is_held"),
        (steps([IDLE, KETTLE]), NOON + 100, "is_on"),
        (steps([IDLE, KETTLE, (300, 60, 20)]), NOON + 400, "is_gone"),
        (steps([IDLE, KETTLE, (900, 60, 20)]), NOON + 1100, "was_heater"),
        (steps([IDLE, (300, 1060, 450)]), NOON + 300, "was_motor"),
        (steps([IDLE, *((5, 60 + 140 * i, 20) for i in range(1, 9)), (300, 1180, 20)]), NOON + 300, "was_glide"),
        ([permit(ROOM, 1500, begin=NOON, end=NOON + 900, at=NOON), *steps([IDLE, KETTLE])], NOON + 120, "is_permitted"),
    ],
)  # fmt: skip
def test_it_explains_where_it_stands(samples: list[Sample], when: float, why: str) -> None:
    told, values = explained(samples, when)
    assert told == why
    for words in HighPower.words.values():
        sentence = words.sentences[f"high_power.{why}"]
        assert {name for _, name, _, _ in Formatter().parse(sentence) if name} <= set(values)


def test_it_explains_what_is_allowed() -> None:
    told, values = explained(steps([IDLE, KETTLE]), NOON + 200, HighPower(whitelist_w="1500"))
    assert (told, values["watts"], values["when_at"]) == ("was_whitelisted", 1500.0, NOON + 60)
