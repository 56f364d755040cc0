"""High power: who is told of what, what is allowed, and how it explains itself."""

from collections.abc import Iterable, Mapping
from string import Formatter

import pytest
from heaters import IDLE, KETTLE, NOON, ROOM, TOLD_AT_ONCE, one, seconds, steps
from recordings import at, replay, restarted, site
from spoken import spoken

from rules.calendar import Span
from rules.engine import Engine
from rules.fact import permit
from rules.high_power import HighPower
from rules.model import Delivery, Event, Sample, Site, Turn
from rules.rule import ParameterError

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
     ("420", 1000, 1), ("1100", 1000, 1), ("700", 1000, 1)],
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


@pytest.mark.parametrize(("more", "expected"), [(0, 0), (100, 0), (400, 1)])
def test_between_slow_readings_lamps_may_join_what_is_permitted(more: float, expected: int) -> None:
    declared = permit(ROOM, 560, begin=NOON, end=NOON + 9000, at=NOON - 60)
    rows = [(600.0, 60.0, 20.0), (600.0, 620.0 + more, 20.0), (900.0, 60.0, 20.0)]
    events = replay(one(has_q=True, every_s=60.0), [declared, *steps(rows, every_s=60.0)])
    assert sum(event.turn == "raised" for event in events) == expected


@pytest.mark.parametrize(("watts", "expected"), [(350, DIGEST), (900, PAGE)])
def test_a_small_slow_step_where_an_inverter_glided_is_no_page(watts: float, expected: Delivery) -> None:
    glide = [(60.0, 60.0 + 150.0 * index, 20.0 * index) for index in range(1, 6)]
    rows = [(600.0, 60.0, 20.0), *glide, (900.0, 810.0, 100.0), (600.0, 810.0 + watts, 100.0)]
    events = replay(one(has_q=True, every_s=60.0), steps(rows, every_s=60.0))
    assert [event.delivery for event in events] == [expected]


@pytest.mark.parametrize(
    ("rows", "watts"),
    [
        ([(60.0, 480.0, 0.0), (300.0, 1300.0, 360.0)], []),                # what is permitted, then a compressor
        ([(60.0, 250.0, 40.0), (300.0, 870.0, 65.0)], []),                 # an inverter, then what is permitted
        ([(60.0, 450.0, 60.0), (300.0, 900.0, 60.0)], []),
        ([(60.0, 690.0, 40.0), (300.0, 870.0, 68.0)], []),                 # both, and the inverter goes on
        ([(60.0, 480.0, 0.0), (300.0, 2100.0, 10.0)], [2100.0]),           # a kettle that began in the first minute
        ([(60.0, 250.0, 40.0), (300.0, 1750.0, 45.0)], [1500.0]),          # a kettle after an inverter
        ([(60.0, 810.0, 360.0), (300.0, 2310.0, 370.0)], [1500.0]),        # and after a compressor
    ],
)  # fmt: skip
def test_in_slow_readings_a_motor_is_no_part_of_a_heater(
    rows: list[tuple[float, float, float]], watts: list[float]
) -> None:
    declared = permit(ROOM, 560, begin=NOON, end=NOON + 9000, at=NOON - 60)
    shifted = [(600.0, 0.0, -1.0), *rows, (600.0, 0.0, 0.0)]
    events = replay(one(has_q=True, every_s=60.0), [declared, *steps(shifted, every_s=60.0)])
    assert [event.values["watts"] for event in events if event.turn is Turn.RAISED] == pytest.approx(watts, rel=0.03)


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
        (steps([IDLE, (300, 1060, 220), (900, 60, 20)]), NOON + 1200, "was_other"),
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


def test_it_explains_that_power_had_just_come_back() -> None:
    campus = site({ROOM: ("dorm_room", ["power_w"])}, every_s=5.0)
    places = {name: place._replace(supply=Span(6 * 60, 23 * 60)) for name, place in campus.places.items()}
    (watch,) = HighPower().watches(Site(campus.id, campus.name, places, campus.points, campus.calendar))
    engine, begin = Engine([watch]), at("2026-03-02 06:03")
    for sample in steps([(60, 60, None), (60, 1060, None)], begin=begin):
        engine.take(sample)
    engine.advance(begin + 120)
    why, values = watch.explain(engine.state(watch.rule, watch.key), begin + 120)
    assert (why, values["when_at"]) == ("high_power.was_supply", begin + 60)
    assert "less than 10 minutes" in spoken("high_power", why, values)["en"]


def test_it_explains_what_is_allowed() -> None:
    told, values = explained(steps([IDLE, KETTLE]), NOON + 200, HighPower(whitelist_w="1500"))
    assert (told, values["watts"], values["when_at"]) == ("was_whitelisted", 1500.0, NOON + 60)
