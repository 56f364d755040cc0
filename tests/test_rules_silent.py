"""Silent devices: who is missed, after how long, and when a dead source keeps them out of it."""

import pytest
from recordings import at, local, replay, restarted, turns

from rules.calendar import Calendar, Span
from rules.engine import Engine
from rules.model import Place, Point, Sample, Site
from rules.silent import Silent
from rules.watch import Watch

BEGIN = at("2026-03-02 14:00")
ONLINE = "source/bus/online"
DAYTIME = Span(6 * 60, 23 * 60)


def site(holds_s: float = 150.0) -> Site:
    places = {"d": Place("d", "d", "dormitory", "d"), "d/1": Place("d/1", "101", "dorm_room", "d")}
    points = [
        Point("d/1/power_w", "d/1", "", "power_w", "bus/1", "bus", holds_s),
        Point("d/1/voltage_v", "d/1", "", "voltage_v", "bus/1", "bus", holds_s),
        Point("d/1/temperature_c", "d/1", "", "temperature_c", "bus/2", "bus", 9000.0),
    ]
    return Site("s", "s", places, {point.id: point for point in points}, Calendar())


def watches(holds_s: float = 150.0, rule: Silent | None = None) -> list[Watch]:
    return [watch for watch in (rule or Silent()).watches(site(holds_s)) if watch.key == "silent/bus/1"]


def spoken(*times: float, point: str = "d/1/power_w") -> list[Sample]:
    return [Sample(BEGIN + when, "bus/1", {point: 1.0}) for when in times]


def source(when: float, online: float) -> Sample:
    return Sample(BEGIN + when, "source/bus", {ONLINE: online})


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], []),                                                                    # never heard: not missed
        ([source(0, 1)], []),
        (spoken(0), [("raised", 5)]),
        (spoken(0, 240, 480), [("raised", 13)]),
        ([*spoken(0), *spoken(240, point="d/1/voltage_v")], [("raised", 9)]),        # any of its points is a word
        (spoken(0, 900), [("raised", 5), ("cleared", 15), ("raised", 20)]),
        ([*spoken(0), source(60, 0)], []),                                           # the bus is dead, not the meter
        ([*spoken(0), source(60, 0), source(1200, 1)], [("raised", 25)]),            # it gets its full time again
        ([*spoken(0), source(60, 0), source(1200, 1), *spoken(1260, 1500)], [("raised", 30)]),
        ([*spoken(0), source(400, 0), source(600, 1), *spoken(900)], [("raised", 5), ("cleared", 15), ("raised", 20)]),
        ([*spoken(0), source(200, 1)], [("raised", 5)]),                             # it was up all the time
        ([source(-60, 0), source(-30, 1), *spoken(0)], [("raised", 5)]),
    ],
)  # fmt: skip
def test_who_is_missed(samples: list[Sample], expected: list[tuple[str, float]]) -> None:
    assert turns(replay(watches(), samples, until=BEGIN + 3600), BEGIN) == expected
    if samples:
        assert turns(restarted(watches(), samples, every=1, until=BEGIN + 3600), BEGIN) == expected


@pytest.mark.parametrize(("holds_s", "wait_s"), [(12.5, 300), (250, 300), (750, 900), (9000, 10_800)])
def test_the_wait_follows_the_interval(holds_s: float, wait_s: float) -> None:
    (raised,) = replay(watches(holds_s), spoken(0), until=BEGIN + 86_400)
    assert raised.at == BEGIN + wait_s
    assert raised.values == {"device": "bus/1", "silent_s": wait_s}
    assert raised.evidence.since == BEGIN


def test_word_of_the_source_and_the_device_at_one_time() -> None:
    both = [*spoken(0), Sample(BEGIN + 60, "bus/1", {"d/1/power_w": 1.0, ONLINE: 0.0})]
    assert replay(watches(), both, until=BEGIN + 3600) == []


def test_the_hold_shows_once_it_is_late() -> None:
    engine = Engine(watches())
    engine.take(spoken(0)[0])
    engine.advance(BEGIN + 120)
    assert list(engine.holds()) == []
    engine.advance(BEGIN + 200)
    (hold,) = engine.holds()
    assert hold.hold == (BEGIN, 200.0, 300.0)


def test_each_device_is_one_watch() -> None:
    assert [(w.key, w.place, set(w.inputs.values())) for w in Silent().watches(site())] == [
        ("silent/bus/1", "d/1", {"d/1/power_w", "d/1/voltage_v", ONLINE}),
        ("silent/bus/2", "d/1", {"d/1/temperature_c", ONLINE}),
    ]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-03-02 22:59", "2026-03-03 06:05"),  # cut at 23:00: missed only when power should be back
        ("2026-03-02 22:50", "2026-03-02 22:55"),  # silent before the cut
        ("2026-03-03 02:00", "2026-03-03 06:05"),  # something spoke in the night
        ("2026-03-03 06:00", "2026-03-03 06:05"),
        ("2026-03-02 22:55", "2026-03-02 23:00"),
    ],
)
def test_a_planned_cut_is_no_silence(last: str, expected: str) -> None:
    assert raised_with_supply(last, wait_h=1 / 12) == [("raised", expected)]


@pytest.mark.parametrize(
    ("last", "wait_h", "expected"),
    [
        ("2026-03-02 22:50", 8, "2026-03-03 14:00"),   # due at 06:50, after an hour of power
        ("2026-03-02 16:00", 8, "2026-03-03 14:00"),
        ("2026-03-02 14:59", 8, "2026-03-02 22:59"),
        ("2026-03-03 03:00", 8, "2026-03-03 14:00"),
        ("2026-03-02 22:50", 17, "2026-03-03 23:00"),
        ("2026-03-02 22:50", 24, "2026-03-04 13:00"),  # 17 hours on the 3rd, seven on the 4th
        ("2026-03-02 12:00", 72, "2026-03-07 10:00"),
    ],
)
def test_only_hours_with_power_count(last: str, wait_h: float, expected: str) -> None:
    assert raised_with_supply(last, wait_h) == [("raised", expected)]


def test_a_supply_over_midnight() -> None:
    night = Span(18 * 60, 2 * 60)
    assert raised_with_supply("2026-03-02 23:00", 2, night) == [("raised", "2026-03-03 01:00")]
    assert raised_with_supply("2026-03-03 01:00", 4, night) == [("raised", "2026-03-03 22:00")]


def test_word_in_a_postponed_wait_begins_it_anew_and_a_hold_shows_none_of_the_cut() -> None:
    (watch,) = with_supply(wait_h=8)
    engine = Engine([watch])
    for moment, spoken_at, hold_h in (
        ("2026-03-03 06:30", "2026-03-02 22:50", 0.5),
        ("2026-03-03 15:00", "2026-03-03 07:30", 7.5),
        ("2026-03-03 15:20", "2026-03-03 15:10", None),
        ("2026-03-04 02:00", None, None),
        ("2026-03-04 07:00", None, 1.0),
    ):
        if spoken_at:
            engine.take(Sample(at(spoken_at), "bus/1", {"d/1/power_w": 1.0}))
        assert engine.advance(at(moment)) == []
        assert [run.hold.covered_s / 3600 for run in engine.holds()] == ([] if hold_h is None else [hold_h])


def with_supply(wait_h: float, supply: Span = DAYTIME) -> list[Watch]:
    usual = site(holds_s=1500.0)
    places = {name: place._replace(supply=supply) for name, place in usual.places.items()}
    rule = Silent(least_s=300.0, missed=wait_h * 6)
    cut = rule.watches(Site("s", "s", places, usual.points, Calendar()))
    return [watch for watch in cut if watch.key == "silent/bus/1"]


def raised_with_supply(last: str, wait_h: float, supply: Span = DAYTIME) -> list[tuple[str, str]]:
    said = [Sample(at(last), "bus/1", {"d/1/power_w": 1.0})]
    events = replay(with_supply(wait_h, supply), said, until=at("2026-03-12 12:00"))
    assert restarted(with_supply(wait_h, supply), said, every=1, until=at("2026-03-12 12:00")) == events
    return [(event.turn.value, local(event.at)) for event in events]
