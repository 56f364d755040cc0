"""Leaks: tables of leaks and of people, by pulse and by who is behind the meter; what counts as heard; real meters."""

import pytest
from recordings import WATER_ZONE, at, needs_recordings, replay, restarted, site, turns, water

from rules.engine import Engine
from rules.leak import Leak
from rules.model import Delivery, Event, Sample, Severity
from rules.watch import Watch
from rules.water_meter import VOTES, Pulse, learned

BEGIN = at("2026-03-02 00:00")
PLACES = {"room": ("dorm_room", "dorm/101"), "floor": ("washroom", "dorm/1F"), "building": ("dormitory", "dorm")}
DAY = 1440


def watches(who: str, quantity: str = "volume_m3", every_s: float = 60.0) -> list[Watch]:
    kind, place = PLACES[who]
    return list(Leak().watches(site({place: (kind, [quantity])}, every_s=every_s)))


def register(who: str, litres: list[float], pulse: float, *, missing: range = range(0)) -> list[Sample]:
    """A register read each minute, in whole pulses."""
    place, total, out = PLACES[who][1], 0.0, []
    for minute, drew in enumerate(litres):
        total += drew
        if minute not in missing:
            value = total // pulse * pulse / 1000
            out.append(Sample(BEGIN + 60.0 * minute, place, {f"{place}/volume_m3": value}))
    return out


def use(days: int, *, every_min: int = 40, litres: float = 20.0, lph: float = 0.0, since_h: float = 0.0) -> list[float]:
    """People who draw by day, at 06:00-23:00, and a leak."""
    return [
        (litres if minute % every_min == 0 and 6 <= minute // 60 % 24 < 23 else 0.0)
        + (lph / 60 if minute >= since_h * 60 else 0.0)
        for minute in range(days * DAY)
    ]


def standing(engine: Engine, who: str) -> str:
    (watch,) = watches(who)
    return watch.explain(engine.state("leak", watch.key), engine.mark).why


def told(events: list[Event]) -> list[tuple[str, Delivery, float]]:
    return [(event.turn.value, event.delivery, round((event.at - BEGIN) / 3600, 1)) for event in events]


@pytest.mark.parametrize(
    ("who", "pulse", "lph", "is_found"),
    [
        ("room", 1.0, 20.0, True), ("room", 1.0, 10.0, True), ("room", 10.0, 20.0, True), ("room", 1.0, 0.0, False),
        ("room", 1.0, 3.0, True),     # no gap of a refill of 6 L at 10 L/h, but one of 20 min
        ("room", 1.0, 1.0, False), ("room", 100.0, 20.0, False), ("room", 100.0, 60.0, True),
        ("floor", 1.0, 20.0, True), ("floor", 1.0, 5.0, False), ("floor", 10.0, 20.0, False),
        ("floor", 10.0, 60.0, True), ("building", 1.0, 20.0, True), ("building", 10.0, 60.0, False),
    ],
)  # fmt: skip
def test_a_leak_is_suspected_within_a_day(who: str, pulse: float, lph: float, is_found: bool) -> None:
    litres = use(6, litres=pulse if who == "building" else 20.0, lph=lph, since_h=72)
    events = replay(watches(who), register(who, litres, pulse))
    raised = [event for event in events if event.turn.value == "raised"]
    assert [72 < (event.at - BEGIN) / 3600 <= 96 for event in raised] == [True] * is_found


def test_it_is_a_line_after_a_day_and_a_page_in_working_hours_after_two() -> None:
    events = replay(watches("room"), register("room", use(7, lph=20.0, since_h=60) + use(1), 1.0))
    assert told(events) == [
        ("raised", Delivery.DIGEST, 77.0),     # 23 h after people got up, at 06:00 of the third day
        ("updated", Delivery.PAGE, 104.0),     # 48 h after that it is 06:00, and the plumber comes at 08:00
        ("cleared", Delivery.DIGEST, 168.7),
    ]
    assert [event.severity for event in events] == [Severity.MINOR, Severity.MAJOR, Severity.MAJOR]
    assert events[1].values["lph"] == pytest.approx(20.0, abs=1.0)
    assert events[1].values["m3_month"] == pytest.approx(14.6, abs=0.8)


def test_a_cistern_that_refills_now_and_then_is_found() -> None:
    cistern = [6.0 if minute % 35 == 0 else 0.0 for minute in range(4 * DAY)]  # 10 L/h in refills of 6 L
    assert "raised" in {event.turn.value for event in replay(watches("room"), register("room", cistern, 1.0))}


def cistern(days: int, litres: float, every_min: int) -> list[float]:
    """So many litres in two minutes, again and again, and people by day."""
    people = use(days)
    for minute in (5, 10, 15):  # what shows the pulse
        people[minute] = 1.0
    return [flow + (litres / 2 if minute % every_min < 2 else 0.0) for minute, flow in enumerate(people)]


@pytest.mark.parametrize(
    ("litres", "pulse", "whys"),
    [
        (use(6, lph=20.0), 1.0, ["leak.raised", "leak.updated"]),      # one pulse each three minutes
        (cistern(6, 10.0, 20), 1.0, ["leak.cistern"]),
        (cistern(6, 10.0, 20), 10.0, ["leak.raised", "leak.updated"]),  # one pulse each: who knows
        ([flow + 0.5 for flow in cistern(6, 10.0, 20)], 1.0, ["leak.raised", "leak.updated"]),  # and a leak beside it
    ],
)  # fmt: skip
def test_a_cistern_that_flushes_by_itself_is_a_line_and_no_page(
    litres: list[float], pulse: float, whys: list[str]
) -> None:
    assert [event.why for event in replay(watches("room"), register("room", litres, pulse))] == whys


def test_a_cistern_shows_in_a_flow_too() -> None:
    flows = [Sample(BEGIN + 60.0 * minute, "dorm/101", {"dorm/101/flow_lpm": flow})
             for minute, flow in enumerate(cistern(4, 9.0, 20))]  # fmt: skip
    assert [event.why for event in replay(watches("room", "flow_lpm"), flows)] == ["leak.cistern"]


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        ((1, 20.0), [Delivery.RECORD, Delivery.RECORD]),    # the same within a fortnight
        ((4, 20.0), [Delivery.DIGEST, Delivery.RECORD]),    # after some days
        ((4, 60.0), [Delivery.DIGEST, Delivery.PAGE]),      # three times as much
        ((15, 20.0), [Delivery.DIGEST, Delivery.PAGE]),     # long after it
    ],
)
def test_what_comes_back_is_told_again_only_if_it_is_news(again: tuple[int, float], expected: list[Delivery]) -> None:
    still_days, lph = again
    litres = use(4, lph=20.0) + use(still_days) + use(4, lph=lph)
    events = replay(watches("room"), register("room", litres, 1.0))
    told = [event.delivery for event in events if event.turn != "cleared"]
    assert told == [Delivery.DIGEST, Delivery.PAGE, *expected]


def test_what_keeps_coming_back_for_weeks_is_paged_once() -> None:
    events = replay(watches("room"), register("room", 4 * (use(4, lph=20.0) + use(2)), 1.0))
    told = [event.delivery for event in events if event.turn != "cleared"]
    assert told == [Delivery.DIGEST, Delivery.PAGE, *6 * [Delivery.RECORD]]


def test_time_that_nobody_heard_is_no_evidence() -> None:
    litres = use(4, every_min=20, lph=20.0)
    day = replay(watches("room"), register("room", litres, 1.0))
    gaps = replay(watches("room"), register("room", litres, 1.0, missing=range(600, 1200)))
    assert gaps[0].at - day[0].at == pytest.approx(10 * 3600, abs=300)


def test_a_register_that_stood_still_unheard_stood_still() -> None:
    litres = [20.0 if minute % 20 == 0 and not 2000 <= minute < 2100 else 0.0 for minute in range(3 * DAY)]
    heard = register("room", litres, 1.0)
    unheard = register("room", litres, 1.0, missing=range(2010, 2090))
    assert turns(replay(watches("room"), heard), BEGIN) == turns(replay(watches("room"), unheard), BEGIN)


def test_a_building_that_never_stands_still_is_not_said_to_leak() -> None:
    engine = Engine(watches("building"))
    for sample in register("building", [1.0] * (5 * DAY), 1.0):
        engine.take(sample)
    assert engine.advance(BEGIN + 5 * DAY * 60) == []
    assert standing(engine, "building") == "leak.unusual"


@pytest.mark.parametrize(
    ("litres", "why"),
    [
        (use(1)[:460], "leak.calm"), ([0.0] * 600, "leak.learning"), (use(1, every_min=15)[:1300], "leak.tight"),
        ([500.0 if minute % 40 == 0 else 0.0 for minute in range(600)], "leak.coarse"),
    ],
)  # fmt: skip
def test_it_says_where_it_stands(litres: list[float], why: str) -> None:
    engine = Engine(watches("room"))
    for sample in register("room", litres, 500.0 if why == "leak.coarse" else 1.0):
        engine.take(sample)
    engine.advance(BEGIN + 60.0 * len(litres))
    assert standing(engine, "room") == why


@pytest.mark.parametrize(
    ("increments", "litres"),
    [
        ([1.0] * VOTES, 1.0), ([1.0] * (VOTES - 1), 0.0), ([7.0, 3.0, 1.0, 1.0, 5.0, 1.0], 1.0),
        ([10.0] * VOTES + [1.0], 10.0), ([10.0] * VOTES + [1.0] * VOTES, 1.0), ([10.0, 9.9999, 10.0001], 9.9999),
        ([0.0, -5.0, 1e-9] * 3, 0.0), ([100.0, 200.0, 100.0, 300.0, 100.0], 100.0),
    ],
)  # fmt: skip
def test_the_pulse_is_the_smallest_increment_that_comes_again(increments: list[float], litres: float) -> None:
    pulse: tuple[float, float, int] = Pulse()
    for more in increments:
        pulse = learned(pulse, more)
    assert pulse[0] == pytest.approx(litres, rel=1e-3)


@needs_recordings
def test_of_seven_households_one_leaks() -> None:
    where = site({f"dorm/{name}": ("dorm_room", ["flow_lpm"]) for name in water()}, timezone=WATER_ZONE.key)
    samples = [Sample(when, n, {f"dorm/{n}/flow_lpm": flow}) for n, rows in water().items() for when, flow in rows]
    events = replay(list(Leak().watches(where)), samples)
    assert {event.key for event in events if event.turn.value == "updated"} == {"dorm/a926"}  # 11 L/h, a toilet


def test_a_restart_loses_nothing() -> None:
    pack = watches("room")
    samples = register("room", use(4, lph=20.0, since_h=24), 1.0)
    whole = replay(pack, samples)
    assert whole
    assert restarted(pack, samples, every=577, until=samples[-1].at) == whole
