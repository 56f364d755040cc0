"""Boiler unattended: rounds and duty, from devices and from people; what the time counts, and what it does not."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from plant import told, turns
from recordings import at, site

from rules.boiler_unattended import BoilerUnattended
from rules.engine import Engine
from rules.fact import Declaration, fact_point, sample_of
from rules.model import Delivery, Event, Sample, Site

ROOM = "plant/boiler"
START = at("2026-12-07 09:00")
MINUTE, HOUR = 60.0, 3600.0
DEVICES = ["flame", "round", "on_duty"]


def boiler(*quantities: str, every_s: float = 15.0, holds_s: Mapping[str, float] | None = None) -> Site:
    of = site({ROOM: ("boiler_room", list(quantities))}, every_s=every_s)
    points = {p.id: p._replace(holds_s=(holds_s or {}).get(p.quantity, p.holds_s)) for p in of.points.values()}
    return replace(of, points=points)


def flames(hours: float, *, on: float = 1.0, every_s: float = 15.0, begin_h: float = 0.0) -> list:
    count = round(hours * HOUR / every_s)
    return [(begin_h * HOUR + n * every_s, {f"{ROOM}/flame": on}) for n in range(count)]


def said(hour: float, quantity: str, value: float = 1.0) -> tuple[float, dict[str, float]]:
    return hour * HOUR + 0.5, {f"{ROOM}/{quantity}": value}


def events(rows: list, of: Site | None = None, **settings: float) -> list[Event]:
    of, rule = of or boiler(*DEVICES), BoilerUnattended(**settings)
    rows = sorted(rows, key=lambda row: row[0])
    live = told(rule, of, rows, start=START)
    assert live == told(rule, of, rows, start=START, restarts=True)
    return live


def minutes(found: list[Event]) -> list[tuple[str, str, float]]:
    return [(*turn, round((event.at - START) / MINUTE, 1)) for turn, event in zip(turns(found), found, strict=True)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (flames(1.9), []),
        (flames(3.0), [("raised", "major", 120.0)]),
        (flames(4.5), [("raised", "major", 120.0), ("updated", "critical", 240.0)]),
        ([*flames(3.9), said(1.0, "round")], [("raised", "major", 180.2)]),
        ([*flames(3.9), said(1.0, "round", 0.0)], [("raised", "major", 120.0)]),       # a button that rests
        ([*flames(9.0), *(said(n * 1.9, "round") for n in range(5))], []),             # each 1 is a round
        ([*flames(3.0), said(2.5, "round")], [("raised", "major", 120.0), ("cleared", "major", 150.0)]),
        ([*flames(2.9), said(2.2, "on_duty")], [("raised", "major", 120.0), ("cleared", "major", 132.0)]),
        ([*flames(3.9), *(said(n / 240, "on_duty") for n in range(936))], []),         # somebody is there
        ([*flames(3.9), *(said(n / 240, "on_duty") for n in range(240)),
          *(said(1 + n / 240, "on_duty", 0.0) for n in range(600))], [("raised", "major", 180.0)]),
        ([*flames(1.9), *flames(8.0, on=0.0, begin_h=1.9)], []),                       # out: nothing to look after
        ([*flames(2.1), *flames(2.0, on=0.0, begin_h=2.1)],
         [("raised", "major", 120.0), ("cleared", "major", 186.0)]),
        ([*flames(1.5), *flames(1.1, on=0.0, begin_h=1.5), *flames(1.9, begin_h=2.6)], []),   # a new fire
        ([*flames(3.0, on=0.0), *flames(2.5, begin_h=3.0), said(2.5, "round")], [("raised", "major", 270.0)]),
        ([*flames(3.0, on=0.0), *flames(2.5, begin_h=3.0), said(1.5, "on_duty")],
         [("raised", "major", 300.0)]),                                                # the card reader fell silent
        ([*flames(3.0, on=0.0), *flames(2.5, begin_h=3.0), *(said(n / 240 + 0.001, "on_duty") for n in range(600)),
          said(2.6, "on_duty", 0.0)], [("raised", "major", 270.5)]),
        ([*flames(3.0, on=0.0), *flames(2.5, begin_h=3.0), said(1.5, "round")], [("raised", "major", 300.0)]),
        ([*flames(3.9), said(0.5, "round"), *(said(n / 240 + 0.001, "on_duty") for n in range(936))],
         [("raised", "minor", 150.0)]),                                                # on duty, and no round
        ([*flames(4.5), said(0.5, "round"), said(3.0, "round"),
          *(said(n / 240 + 0.001, "on_duty") for n in range(999))],
         [("raised", "minor", 150.0), ("cleared", "minor", 180.0)]),
        ([*flames(6.5), said(0.5, "round"), *(said(n / 240 + 0.001, "on_duty") for n in range(960))],
         [("raised", "minor", 150.0), ("updated", "major", 360.5)]),                   # and then gone
        ([*flames(1.0), *flames(0.4, on=0.0, begin_h=1.0), *flames(1.0, begin_h=1.4)],
         [("raised", "major", 120.0)]),
        ([*flames(1.5), *flames(1.9, begin_h=20.0)], []),                              # a long silence
        ([*flames(1.5), *flames(1.0, begin_h=1.75)], [("raised", "major", 134.6)]),  # a short one: nothing
    ],
)  # fmt: skip
def test_what_it_tells(rows: list, expected: list) -> None:
    assert minutes(events(rows)) == [
        (turn, severity, pytest.approx(minute, abs=0.5)) for turn, severity, minute in expected
    ]


def test_an_alert_outlives_a_silence_and_ends_with_the_next_look() -> None:
    found = events([*flames(2.1), *flames(0.1, begin_h=9.0), said(9.05, "round")])
    assert minutes(found) == [("raised", "major", 120.0), ("cleared", "major", pytest.approx(543.0, abs=0.1))]


def test_a_burner_that_cycles_fires() -> None:
    rows = [(n * 15.0, {f"{ROOM}/flame": float(n // 40 % 3 < 2)}) for n in range(700)]  # 20 min on, 10 min off
    assert minutes(events(rows)) == [("raised", "major", pytest.approx(120.0, abs=10.5))]


def test_readings_on_change_alone_are_enough() -> None:
    of = boiler(*DEVICES, holds_s={"flame": 24 * HOUR, "on_duty": 24 * HOUR})
    rows = [(0.0, {f"{ROOM}/flame": 1.0}), said(1.0, "on_duty"), said(3.0, "on_duty", 0.0), said(9.0, "round", 0.0)]
    assert minutes(events(rows, of)) == [("raised", "major", 300.0), ("updated", "critical", 420.0)]
    rows = [(0.0, {f"{ROOM}/flame": 1.0}), (2.5 * HOUR, {f"{ROOM}/flame": 0.0}), said(9.0, "round", 0.0)]
    assert minutes(events(rows, of)) == [("raised", "major", 120.0), ("cleared", "major", 210.0)]


def test_at_night_too_and_it_breaks_the_quiet_hours_after_double_the_time() -> None:
    night = at("2026-12-07 23:00")
    rows = [(night - START + second, values) for second, values in flames(4.5)]
    assert turns(events(rows)) == [("raised", "major"), ("updated", "critical")]


# -- where people declare it


def declared(*words: tuple[float, str], hours: float, shift_h: float = 12.0) -> list[Event]:
    of = boiler("flame", every_s=60.0)
    engine, found = Engine(list(BoilerUnattended(shift_h=shift_h).watches(of))), []
    samples = [Sample(START + second, "b", values) for second, values in flames(hours, every_s=60.0)]
    samples += [sample_of(Declaration(ROOM, what, 0.0), START + hour * HOUR + 1.0) for hour, what in words]
    for sample in sorted(samples, key=lambda sample: sample.at):
        engine.take(sample)
        found += engine.advance(sample.at)
    return found


def test_where_nobody_ever_declared_anything_it_is_a_line_in_the_summary_once() -> None:
    found = declared(hours=30.0)
    assert [(event.delivery, event.why) for event in found] == [(Delivery.DIGEST, "boiler_unattended.undeclared")]
    of = boiler("flame")
    rows = [*flames(3.0), *flames(2.0, on=0.0, begin_h=3.0), *flames(9.0, begin_h=5.0)]
    assert turns(events(rows, of)) == [("raised", "minor")]


@pytest.mark.parametrize(
    ("words", "hours", "expected"),
    [
        ([(3.0, "round")], 4.9, [("raised", "minor", 120), ("cleared", "minor", 180)]),
        ([(3.0, "round")], 5.5, [("raised", "minor", 120), ("cleared", "minor", 180), ("raised", "major", 301)]),
        ([(0.5, "off-duty")], 3.0, [("raised", "major", 120)]),      # somebody says that nobody is there
        ([(0.5, "on-duty")], 12.0, []),
        ([(0.5, "on-duty")], 15.0, [("raised", "major", 870)]),      # a shift is over, and nobody said so
        ([(0.5, "on-duty"), (11.0, "on-duty")], 24.0, []),
        ([(0.5, "on-duty"), (1.5, "off-duty")], 4.0, [("raised", "major", 210)]),
    ],
)
def test_what_people_declare_counts(words: list[tuple[float, str]], hours: float, expected: list) -> None:
    assert minutes(declared(*words, hours=hours)) == [
        (turn, severity, pytest.approx(minute, abs=1.1)) for turn, severity, minute in expected
    ]


def test_a_point_of_a_device_is_the_one() -> None:
    of = boiler(*DEVICES)
    (watch,) = BoilerUnattended().watches(of)
    assert watch.has_device
    assert set(watch.inputs.values()) == {fact_point(ROOM, quantity) for quantity in DEVICES}
    (watch,) = BoilerUnattended().watches(boiler("flame", "round"))
    assert (watch.has_device, watch.duty_s) == (True, 12 * HOUR)
    assert list(BoilerUnattended().watches(boiler("round"))) == []


@pytest.mark.parametrize("seed", range(50))
def test_a_missed_round_is_told_on_time_however_it_is_sampled(seed: int) -> None:
    rng = random.Random(seed)
    every_s = rng.choice((1.0, 5.0, 15.0, 30.0, 60.0)) if seed % 5 else 20.0
    of, last = boiler("flame", "round", every_s=every_s), rng.uniform(0.2, 1.5)
    times = (n * every_s + rng.uniform(0, 0.3 * every_s) for n in range(int(4 * HOUR / every_s)))
    rows = [(second, {f"{ROOM}/flame": 1.0}) for second in times if rng.random() > 0.02]
    rows += [said(last * 0.4, "round"), said(last, "round")]
    found = told(BoilerUnattended(), of, sorted(rows, key=lambda row: row[0]), start=START)
    lost_s = 0.03 * 2 * HOUR if every_s < 10 else 0.02 * 2 * HOUR
    assert turns(found)[0] == ("raised", "major")
    assert 0.0 <= found[0].at - START - (last + 2) * HOUR <= every_s + lost_s


def test_it_explains_where_it_stands() -> None:
    of = boiler("flame")
    (watch,) = BoilerUnattended().watches(of)
    engine = Engine([watch])

    def why(hour: float, values: dict[str, float]) -> str:
        engine.take(Sample(START + hour * HOUR, "b", {f"{ROOM}/{name}": value for name, value in values.items()}))
        engine.advance(START + hour * HOUR)
        return watch.explain(engine.state(watch.rule, watch.key), engine.mark).why.partition(".")[2]

    assert watch.explain(watch.start, START).why == "boiler_unattended.is_unheard"
    assert why(0.0, {"flame": 0.0}) == "is_out"
    assert why(0.1, {"flame": 1.0}) == "is_undeclared"
    assert why(0.2, {"on_duty": 1.0}) == "is_attended"
    assert why(0.3, {"on_duty": 0.0}) == "is_alone"
