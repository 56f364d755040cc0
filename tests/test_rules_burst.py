"""Bursts: weeks of use and what is added to them, by who is behind the meter; holidays, power cuts and profiles."""

from collections.abc import Sequence
from datetime import date

import pytest
from recordings import at, replay, restarted, site

from rules.burst import Burst
from rules.calendar import Span, Term
from rules.engine import Engine
from rules.model import Delivery, Event, Sample, Severity, Site
from rules.watch import Watch

BEGIN = at("2026-03-02 00:00")
DAY = 1440
WEEK = 7 * DAY
PLACES = {"room": ("dorm_room", "dorm/101"), "floor": ("washroom", "dorm/1F"), "building": ("dormitory", "dorm")}


def campus(who: str, quantity: str = "volume_m3", **calendar: object) -> Site:
    kind, place = PLACES[who]
    return site({place: (kind, [quantity])}, **calendar)


def watches(who: str, quantity: str = "volume_m3") -> list[Watch]:
    return list(Burst().watches(campus(who, quantity)))


def week(lpm: float = 10.0) -> list[float]:
    """Each day from 06:00 to 22:00 the same flow, twice it in the washing peak."""
    return [
        (lpm * 2 if minute // 60 % 24 >= 21 else lpm) if 6 <= minute // 60 % 24 < 22 else 0.0
        for minute in range(WEEK)
    ]  # fmt: skip


def samples(who: str, lpm: Sequence[float], *, pulse: float = 1.0, quantity: str = "volume_m3") -> list[Sample]:
    place, total, out = PLACES[who][1], 0.0, []
    for minute, flow in enumerate(lpm):
        value = total // pulse * pulse / 1000 if quantity == "volume_m3" else flow
        out.append(Sample(BEGIN + 60.0 * minute, place, {f"{place}/{quantity}": value}))
        total += flow
    return out


def added(lpm: Sequence[float], more: float, begin_min: int, minutes: int) -> list[float]:
    return [flow + (more if begin_min <= minute < begin_min + minutes else 0.0) for minute, flow in enumerate(lpm)]


def told(events: list[Event], begin_min: int) -> list[tuple[str, str, float]]:
    """Turn, why, and minutes since the begin."""
    return [
        (event.turn.value, event.why.partition(".")[2], (event.at - BEGIN) / 60 - begin_min) for event in events
    ]  # fmt: skip


THIRD = 2 * WEEK + 10 * 60   # Monday 10:00 of the third week


@pytest.mark.parametrize("quantity", ["volume_m3", "flow_lpm"])
@pytest.mark.parametrize("who", ["room", "floor"])
@pytest.mark.parametrize("pulse", [1.0, 10.0])
def test_a_burst_pages_within_a_quarter_of_an_hour(who: str, pulse: float, quantity: str) -> None:
    lpm = added(week() * 3, 50.0, THIRD, 60)
    raised, cleared = replay(watches(who, quantity), samples(who, lpm, pulse=pulse, quantity=quantity))
    assert (raised.turn.value, raised.delivery, raised.severity) == ("raised", Delivery.PAGE, Severity.CRITICAL)
    assert 10 <= (raised.at - BEGIN) / 60 - THIRD <= 16
    assert raised.values["lpm"] == pytest.approx(60.0, abs=5.0)
    assert 60 <= (cleared.at - BEGIN) / 60 - THIRD <= 80


@pytest.mark.parametrize(
    ("more", "minutes", "is_told"),
    [
        (50.0, 5, False),    # not for ten minutes
        (20.0, 60, False),   # over 1.5 times the 10 L/min of the hour, under a fifth of Q3
        (24.0, 20, True),
    ],
)  # fmt: skip
def test_what_is_a_burst(more: float, minutes: int, is_told: bool) -> None:
    assert bool(replay(watches("floor"), samples("floor", added(week() * 3, more, THIRD + 1, minutes)))) is is_told


def test_the_hour_of_the_week_decides_on_a_floor_and_the_week_in_a_room() -> None:
    """40 L/min: more than this hour ever drew, less than half of Q3 and 1.5 times the week's 30 L/min."""
    lpm = added(week(15.0) * 3, 25.0, THIRD, 30)
    assert [event.turn.value for event in replay(watches("floor"), samples("floor", lpm))] == ["raised", "cleared"]
    assert replay(watches("room"), samples("room", lpm)) == []


@pytest.mark.parametrize(
    ("day", "minutes", "within"),
    [
        (0, 240, None), (1, 240, (35, 70)), (1, 30, None), (3, 60, (30, 40)), (3, 20, None),  # of school days
        (5, 240, None), (6, 240, None),                                                       # no weekend is known yet
    ],
)  # fmt: skip
def test_in_the_first_week_days_of_the_same_kind_count(
    day: int, minutes: int, within: tuple[int, int] | None
) -> None:
    begin = day * DAY + 15 * 60
    for who, pulse in (("floor", 1.0), ("building", 100.0)):
        events = replay(watches(who), samples(who, added(week(4.0), 50.0, begin, minutes), pulse=pulse))
        pages = [(event.at - BEGIN) / 60 - begin for event in events if event.why == "burst.raised"]
        assert len(pages) == (within is not None)
        assert within is None or within[0] <= pages[0] <= within[1] + (pulse > 1.0) * 30


def test_an_hour_tells_where_coarse_pulses_make_five_minutes_large() -> None:
    """40 L/min for five minutes of each hour: 50 L/min are less than half as much again, but not over an hour."""
    weeks = [40.0 if minute % 60 < 5 and 6 <= minute // 60 % 24 < 22 else 0.0 for minute in range(WEEK)] * 3
    (raised, _) = replay(watches("building"), samples("building", added(weeks, 50.0, THIRD + 10, 180), pulse=100.0))
    assert raised.delivery is Delivery.PAGE
    assert (raised.at - BEGIN) / 60 - THIRD <= 60


def test_one_leak_in_the_holidays_is_one_line() -> None:
    """It comes and goes: an alert goes on until it was calm for an hour, and again within a day it is a record."""
    term = Term("autumn", date(2025, 9, 1), date(2026, 1, 20))
    pack = list(Burst().watches(campus("floor", terms=(term,))))
    lpm = [8.0 if minute % 60 < 20 or minute % 180 < 60 else 0.0 for minute in range(DAY)] + [0.0] * DAY
    lpm += [8.0 if minute % 200 < 60 else 0.0 for minute in range(DAY)]
    raised = [event.delivery for event in replay(pack, samples("floor", lpm)) if event.turn.value == "raised"]
    assert raised[0] is Delivery.DIGEST
    assert set(raised[1:]) == {Delivery.RECORD}


def test_a_day_that_is_not_what_its_weekday_says_is_no_lasting_rise() -> None:
    weeks = [flow * (1.0 + 0.1 * ((minute // 15) % 3 - 1)) for minute, flow in enumerate(week(60.0) * 4)]
    heard = samples("building", added(weeks, 25.0, 3 * WEEK + 10 * 60, 240))
    where = campus("building", closed=frozenset({date(2026, 3, 23)}))
    assert replay(watches("building"), heard) != []
    assert replay(list(Burst().watches(where)), heard) == []


def test_several_pulses_more_are_needed_for_a_lasting_rise() -> None:
    weeks = [flow * (1.0 + 0.1 * ((minute // 15) % 3 - 1)) for minute, flow in enumerate(week(4.0) * 4)]
    begin = 3 * WEEK + 10 * 60
    assert replay(watches("building"), samples("building", added(weeks, 8.0, begin, 240))) == []
    assert replay(watches("building"), samples("building", added(weeks, 13.0, begin, 240))) != []


def test_a_lasting_rise_of_a_building_is_a_line_in_the_summary() -> None:
    weeks = [flow * (1.0 + 0.1 * ((minute // 15) % 3 - 1)) for minute, flow in enumerate(week(60.0) * 4)]
    begin = 3 * WEEK + 10 * 60
    (raised, *_) = replay(watches("building"), samples("building", added(weeks, 25.0, begin, 240)))
    assert (raised.why, raised.delivery, raised.severity) == ("burst.more", Delivery.DIGEST, Severity.MINOR)
    assert (raised.at - BEGIN) / 60 - begin <= 120


@pytest.mark.parametrize(
    ("more", "minutes", "whys"),
    [
        (4.0, 60, []),
        (8.0, 30, ["empty", "cleared"]),
        (50.0, 30, ["raised", "cleared"]),
    ],
)  # fmt: skip
def test_in_the_holidays_little_is_much(more: float, minutes: int, whys: list[str]) -> None:
    term = Term("autumn", date(2025, 9, 1), date(2026, 1, 20))
    pack = list(Burst().watches(campus("floor", terms=(term,))))
    events = replay(pack, samples("floor", added([0.0] * WEEK, more, 3 * DAY, minutes)))
    assert [why for _, why, _ in told(events, 3 * DAY)] == whys
    assert [event.delivery for event in events if event.why == "burst.empty"] == [Delivery.DIGEST] * ("empty" in whys)


def test_cisterns_that_fill_after_a_power_cut_are_no_burst() -> None:
    where = campus("floor")
    places = {name: place._replace(supply=Span(6 * 60, 23 * 60)) for name, place in where.places.items()}
    cut = Site(where.id, where.name, places, where.points, where.calendar)
    lpm = added(week() * 3, 80.0, 2 * WEEK + 6 * 60, 11)
    assert replay(list(Burst().watches(where)), samples("floor", lpm)) != []
    assert replay(list(Burst().watches(cut)), samples("floor", lpm)) == []


def test_a_single_draw_of_a_coarse_pulse_is_no_burst() -> None:
    lpm = added(week(8.0) * 3, 30.0, THIRD, 6)
    assert replay(watches("room"), samples("room", lpm, pulse=100.0)) == []


@pytest.mark.parametrize(
    ("weeks", "more", "why"), [(0.0, 0.0, "burst.learning"), (2.0, 0.0, "burst.calm"), (2.0, 80.0, "burst.still")]
)
def test_it_says_where_it_stands(weeks: float, more: float, why: str) -> None:
    lpm = (week() * 3)[: int(weeks * WEEK) + 640]
    engine = Engine(watches("floor"))
    for sample in samples("floor", added(lpm, more, THIRD, 60)):
        engine.take(sample)
    engine.advance(BEGIN + 60.0 * len(lpm))
    (watch,) = watches("floor")
    assert watch.explain(engine.state("burst", watch.key), engine.mark).why == why


def test_a_restart_loses_nothing() -> None:
    pack, heard = watches("floor"), samples("floor", added(week() * 3, 50.0, THIRD, 60))
    whole = replay(pack, heard)
    assert len(whole) == 2
    assert restarted(pack, heard, every=997, until=heard[-1].at) == whole
