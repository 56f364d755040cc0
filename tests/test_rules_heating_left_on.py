"""Heating left on: closed days, frost, warm rooms, starts too early, what may run, restarts."""

from collections.abc import Callable, Sequence
from datetime import date
from math import exp

import pytest
from recordings import at, local, replay, restarted, site

from rules.calendar import Season, Weekend
from rules.heating_left_on import HeatingLeftOn
from rules.model import Delivery, Event, Sample, Severity, Site, Turn

WINTER = Season((11, 15), (3, 15))
MONDAY, FRIDAY = at("2026-01-12 00:00"), at("2026-01-16 00:00")
HOUR_S, DAY_S = 3600.0, 86_400.0
CIRCUIT, ROOM, OUTDOOR = "teach/heating/temperature_c", "teach/1/temperature_c", "yard/gate/temperature_c"
CAMPUS = {
    "teach": ("teaching", ["heating/temperature_c", "heating/on"]),
    "teach/1": ("classroom", ["temperature_c"]),
    "yard/gate": ("outdoor", ["temperature_c"]),
}
Course = Callable[[float], float]  # of the hour since Friday midnight


def school(*, every_s: float = 60.0, **calendar: object) -> Site:
    return site(CAMPUS, every_s=every_s, heating=WINTER, **calendar)


def told(of: Site, hours: tuple[float, float], every_s: float = 60.0, **courses: Course) -> list[Event]:
    return replay(list(HeatingLeftOn().watches(of)), samples(hours, every_s, **courses))


def samples(hours: tuple[float, float], every_s: float = 60.0, **courses: Course) -> list[Sample]:
    points = {"circuit": CIRCUIT, "switch": "teach/heating/on", "room": ROOM, "outdoor": OUTDOOR}
    times = [hours[0] + n * every_s / HOUR_S for n in range(int((hours[1] - hours[0]) * HOUR_S / every_s))]
    return [
        Sample(FRIDAY + hour * HOUR_S, name, {points[name]: course(hour)})
        for hour in times for name, course in courses.items()
    ]  # fmt: skip


def steady(value: float) -> Course:
    return lambda hour: value


def brief(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    return [(event.turn.value, local(event.at)[5:], event.delivery.value) for event in events]


@pytest.mark.parametrize("every_s", [10.0, 60.0])
def test_heating_through_a_weekend_is_a_line_and_after_a_day_a_page(every_s: float) -> None:
    events = told(school(every_s=every_s), (12.0, 80.0), every_s, circuit=steady(50.0))
    assert brief(events) == [
        ("raised", "01-17 02:00", "digest"), ("updated", "01-18 00:00", "page"), ("cleared", "01-19 06:20", "page")
    ]
    assert {event.severity for event in events} == {Severity.MINOR}
    assert events[-1].values["on_s"] == pytest.approx(42 * HOUR_S + 20 * 60, abs=2 * every_s)  # up to 12 h before use


def test_at_a_second_too_it_is_told_in_time() -> None:
    events = told(school(every_s=1.0), (23.9, 26.2), 1.0, circuit=steady(50.0))
    assert brief(events) == [("raised", "01-17 02:00", "digest")]


@pytest.mark.parametrize(
    "courses",
    [
        {"circuit": steady(25.0)},                                            # set back
        {"circuit": lambda hour: 45.0 if hour % 3 < 0.25 else 20.0},          # kept from freezing
        {"circuit": steady(50.0), "outdoor": steady(-3.0)},                   # may be needed against frost
        {"circuit": lambda hour: 50.0 if hour < 25.5 or hour > 66.4 else 20.0},  # off late, on to warm up
        {"circuit": lambda hour: 50.0 if hour < 24 else 20.0, "outdoor": steady(2.0),
         "room": lambda hour: max(8.0, 20.0 - max(0.0, hour - 22.0) * 0.2)},   # it cools down
        {"room": steady(19.0), "outdoor": steady(14.0)},                      # a mild weekend
        {"room": lambda hour: 2.0 + 18.0 * exp(-max(0.0, hour - 21.5) / 150.0), "outdoor": steady(2.0)},
        {"switch": steady(0.0)},
    ],
    ids=["set-back", "frost kicks", "frost", "warm-up", "cools", "mild", "well insulated", "switched off"],
)  # fmt: skip
def test_what_may_run(courses: dict[str, Course]) -> None:
    assert told(school(), (12.0, 80.0), **courses) == []


def test_in_use_nothing_is_judged() -> None:
    assert told(school(weekend=Weekend.NONE), (0.0, 80.0), circuit=steady(50.0)) == []


def test_a_switch_and_a_thermostat_that_pauses_count() -> None:
    events = told(school(), (12.0, 40.0), switch=lambda hour: float(hour % 1.0 < 0.5))
    assert brief(events) == [("raised", "01-17 04:00", "digest")]
    off = told(school(), (12.0, 40.0), switch=lambda hour: float(hour < 30.0))
    assert brief(off) == [("raised", "01-17 02:00", "digest"), ("cleared", "01-17 06:59", "digest")]


def test_frost_excuses_a_circuit_but_no_warm_room() -> None:
    events = told(school(), (12.0, 66.0), circuit=steady(50.0), room=steady(20.0), outdoor=steady(-5.0))
    assert [(event.turn, event.why, local(event.at)[5:]) for event in events] == [
        (Turn.RAISED, "heating_left_on.raised_warm", "01-17 14:00"),
        (Turn.UPDATED, "heating_left_on.raised_warm", "01-18 12:00"),
    ]
    assert events[0].evidence.points == (ROOM, OUTDOOR)


def test_frost_at_night_only_stops_the_count() -> None:
    events = told(school(), (12.0, 54.0), circuit=steady(50.0), outdoor=lambda hour: -3.0 if hour % 24 < 8 else 6.0)
    assert brief(events) == [("raised", "01-17 10:00", "digest")]


def test_a_silent_circuit_counts_for_nothing() -> None:
    found = samples((12.0, 66.0), circuit=steady(50.0))
    gap = [s for s in found if not FRIDAY + 25 * HOUR_S < s.at < FRIDAY + 40 * HOUR_S]
    events = replay(list(HeatingLeftOn().watches(school())), gap)
    assert brief(events)[0] == ("raised", "01-17 16:58", "digest")  # 2.5 min of a reading speak after it
    others = samples((12.0, 66.0), room=steady(15.0), outdoor=steady(8.0))
    dead = [s for s in found if s.at < FRIDAY + 25 * HOUR_S] + others
    assert replay(list(HeatingLeftOn().watches(school())), sorted(dead, key=lambda sample: sample.at)) == []


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        (1.0, [("raised", "01-13 03:00", "digest"), ("cleared", "01-13 06:20", "digest")]),
        (2.1, [("raised", "01-13 04:06", "digest"), ("cleared", "01-13 06:20", "digest")]),
        (2.5, []),
        (5.0, []),
    ],
)
def test_heating_that_starts_long_before_opening(begins: float, expected: list[tuple[str, str, str]]) -> None:
    tuesday = (MONDAY + DAY_S - FRIDAY) / HOUR_S

    def course(hour: float) -> float:
        return 25.0 if tuesday - 1.0 < hour < tuesday + begins - 1e-6 else 50.0

    events = told(school(), (tuesday - 10.0, tuesday + 10.0), circuit=course)
    assert brief(events) == expected
    assert told(school(), (tuesday - 10.0, tuesday + 10.0), circuit=course, outdoor=steady(-2.0)) == []


def test_heating_that_never_stops_at_night_is_no_early_start() -> None:
    tuesday = (MONDAY + DAY_S - FRIDAY) / HOUR_S
    assert told(school(), (tuesday - 10.0, tuesday + 10.0), circuit=steady(50.0)) == []


def test_after_days_off_it_may_warm_up_all_night() -> None:
    def course(hour: float) -> float:
        return 50.0 if hour >= 72.0 + 0.5 else 20.0  # Monday at half past twelve in the night

    assert told(school(), (50.0, 80.0), circuit=course) == []


def test_a_dormitory_is_closed_in_the_holidays_alone() -> None:
    of = site({"dorm/101": ("dorm_room", []), "dorm/heat": ("pump_room", ["heating/on"])}, heating=WINTER)
    on = [Sample(FRIDAY + n * 60.0, "dorm/heat", {"dorm/heat/heating/on": 1.0}) for n in range(48 * 60)]
    watches = list(HeatingLeftOn().watches(of))
    assert [watch.place for watch in watches] == ["dorm/heat"]
    assert replay(watches, on) == []


def test_a_holiday_in_the_week_is_a_closed_day() -> None:
    of = school(closed=frozenset({date(2026, 1, 16)}))
    events = told(of, (-5.0, 10.0), circuit=steady(50.0))
    assert brief(events) == [("raised", "01-16 02:00", "digest")]


def test_who_teaches_in_one_room_uses_the_building() -> None:
    rooms = CAMPUS | {"teach/flat": ("staff_flat", [])}
    events = replay(
        list(HeatingLeftOn().watches(site(rooms, heating=WINTER))), samples((12.0, 66.0), circuit=steady(50.0))
    )
    assert events == []


def test_a_restart_changes_nothing() -> None:
    found = samples((22.0, 82.0), 300.0, circuit=lambda hour: 50.0 if hour % 20 < 8 else 20.0, room=steady(20.0),
                    outdoor=lambda hour: 6.0 if hour < 50 else -3.0)  # fmt: skip
    watches = list(HeatingLeftOn().watches(school(every_s=300.0)))
    expected = replay(watches, found)
    assert len(expected) > 2
    assert expected[0].delivery is Delivery.DIGEST
    assert restarted(watches, found, every=11, until=found[-1].at) == expected
