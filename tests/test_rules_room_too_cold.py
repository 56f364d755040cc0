"""Rooms too cold: when people sit in them and when not, how grave, one alert a building, restarts."""

from collections.abc import Sequence
from datetime import date

import pytest
from recordings import at, local, replay, restarted, series, site

from rules.calendar import Lesson, Period, PeriodKind, Season, Span
from rules.model import Delivery, Event, Sample, Severity, Site, Turn
from rules.room_too_cold import RoomTooCold

WINTER = Season((11, 15), (3, 15))
WEDNESDAY, FRIDAY, OCTOBER = at("2026-01-14 00:00"), at("2026-01-16 00:00"), at("2026-10-14 00:00")
ROOMS = {f"teach/{number}": ("classroom", ["temperature_c"]) for number in range(1, 61)}
ROOM, DORM = "teach/1/temperature_c", "dorm/101/temperature_c"


def school(*, every_s: float = 60.0, heating: Season | None = WINTER, **calendar: object) -> Site:
    return site(
        ROOMS | {"dorm/101": ("dorm_room", ["temperature_c"]), "teach/hall": ("corridor", ["temperature_c"])},
        every_s=every_s, heating=heating, **calendar,
    )  # fmt: skip


def told(samples: Sequence[Sample], of: Site | None = None) -> list[Event]:
    return replay(list(RoomTooCold().watches(of or school())), sorted(samples, key=lambda sample: sample.at))


def day(point: str, midnight: float, *runs: tuple[float, float], every_s: float = 60.0) -> list[Sample]:
    """A day by `(hour, °C)`: from which hour of the day on it is how warm."""
    ends = (*(hour for hour, _ in runs[1:]), 24.0)
    begin = midnight + runs[0][0] * 3600.0
    return series(
        point, begin, every_s, [((end - hour) * 60, celsius) for (hour, celsius), end in zip(runs, ends, strict=True)]
    )


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        (18.1, []),
        (17.9, [("10:00", Severity.MINOR, Delivery.DIGEST)]),
        (15.9, [("09:30", Severity.MAJOR, Delivery.PAGE)]),
    ],
)
def test_a_cold_morning(celsius: float, expected: list[tuple[str, Severity, Delivery]], every_s: float) -> None:
    samples = day(ROOM, WEDNESDAY, (7.5, 20.0), (7.9, celsius), (11.0, 20.0), every_s=every_s)[: int(14_400 / every_s)]
    events = [e for e in told(samples, school(every_s=every_s)) if e.turn is Turn.RAISED]
    assert [(local(e.at)[-5:], e.severity, e.delivery) for e in events] == expected


@pytest.mark.parametrize(
    ("samples", "of"),
    [
        (day(ROOM, WEDNESDAY, (0, 12.0), (6, 14.0), (8, 17.0), (9, 18.2)), school()),  # it warms up
        (day(ROOM, WEDNESDAY, (0, 19.0), (22, 14.0)), school()),                       # set back at night
        ([s for hour in range(8, 18) for s in day(ROOM, WEDNESDAY, (hour, 19.0), (hour + 0.75, 14.0))[:60]], school()),
        (day(ROOM, at("2026-01-17 00:00"), (0, 8.0)), school()),                       # a Saturday
        (day(ROOM, OCTOBER, (0, 12.0)), school()),                                     # before the season
        (day(ROOM, WEDNESDAY, (0, 12.0)), school(heating=None)),
        (day(ROOM, WEDNESDAY, (0, 12.0)), school(closed=frozenset({date(2026, 1, 14)}))),
        (day("teach/hall/temperature_c", WEDNESDAY, (0, 12.0)), school()),
        (day(DORM, WEDNESDAY, (0, 14.0), (7.2, 19.0), (8, 15.0), (12, 19.0), (14, 15.0), (17.8, 19.0), (22.5, 14.0)),
         school()),                                                                    # in lessons, and at night
        ([s for n, celsius in enumerate([19.0] * 20 + [12.0] * 20 + [12.0 + 0.15 * m for m in range(60)])
          for s in day(ROOM, WEDNESDAY, (9 + n / 60, celsius))[:1]], school()),        # and slowly back
        (day(ROOM, WEDNESDAY, (0, 19.0), (10, 12.0), (10.4, 19.0)), school()),         # windows for twenty minutes
    ],
    ids=["warm-up", "set-back", "airing", "weekend", "October", "unheated", "holiday", "hall", "dorm", "slow", "open"],
)  # fmt: skip
def test_what_passes(samples: list[Sample], of: Site) -> None:
    assert told(samples, of) == []


def test_cold_lessons_add_up_over_noon() -> None:
    samples = day(ROOM, WEDNESDAY, (8, 19.0), (11.5, 17.0), (16, 19.0))
    assert [local(event.at)[-5:] for event in told(samples)][:1] == ["14:29"]  # 2.5 min of a reading speak for noon


def test_a_room_is_judged_by_its_own_timetable() -> None:
    lesson = Lesson(2, Span(14 * 60, 17 * 60))
    of = school(timetable={"teach/1": (lesson,)})
    events = told(day(ROOM, WEDNESDAY, (8, 15.0)), of)
    assert [local(event.at)[-5:] for event in events] == ["15:30"]


def test_a_dormitory_is_judged_while_people_are_awake_in_it() -> None:
    events = told(day(DORM, WEDNESDAY, (8, 15.0)))
    assert [(event.place, local(event.at)[-5:]) for event in events] == [("dorm/101", "12:30")]


def test_a_cold_building_is_one_alert_that_names_its_rooms() -> None:
    samples = [s for n in range(1, 61) for s in day(f"teach/{n}/temperature_c", WEDNESDAY + n, (7, 17.0), (13, 15.0))]
    events = told(samples)
    assert [(event.turn, event.severity, event.delivery) for event in events] == [
        (Turn.RAISED, Severity.MINOR, Delivery.DIGEST), (Turn.UPDATED, Severity.MAJOR, Delivery.PAGE),
    ]  # fmt: skip
    assert events[0].values["count"] == 60.0
    assert str(events[0].values["rooms"]).startswith("teach/1, teach/2, ")
    assert len(events[0].evidence.points) == 60


def test_rooms_aired_one_after_the_other_add_up_to_nothing() -> None:
    samples = [
        s for n in range(12) for s in day(f"teach/{n + 1}/temperature_c", WEDNESDAY, (8, 19.0), (9 + n / 6, 12.0),
                                         (9 + (n + 1) / 6, 19.0))
    ]  # fmt: skip
    assert told(samples) == []


def test_it_ends_when_warm_or_on_a_day_without_use() -> None:
    warm = told(day(ROOM, WEDNESDAY, (8, 17.0), (15, 18.4), (16, 18.6)))
    assert [(event.why, local(event.at)[-5:]) for event in warm[1:]] == [("room_too_cold.cleared", "16:10")]
    weekend = told(day(ROOM, FRIDAY, (8, 17.0)) + day(ROOM, FRIDAY + 86_400, (0, 12.0)))
    assert [(event.why, local(event.at)) for event in weekend[1:]] == [
        ("room_too_cold.cleared_unused", "2026-01-17 00:00")
    ]
    assert weekend[-1].values["extreme_c"] == 17.0


def test_an_exam_at_a_weekend_is_use() -> None:
    exam = Period("", PeriodKind.EXAM, date(2026, 1, 17), date(2026, 1, 17), frozenset({"teach"}))
    assert told(day(ROOM, at("2026-01-17 00:00"), (0, 15.0)), school(periods=(exam,)))


def test_a_restart_changes_nothing() -> None:
    course = ((7, 17.0), (13, 15.0), (15, 19.0))
    samples = [sample for n in (1, 2) for sample in day(f"teach/{n}/temperature_c", FRIDAY + n, *course)]
    samples.sort(key=lambda sample: sample.at)
    watches = list(RoomTooCold().watches(school()))
    expected = replay(watches, samples)
    assert len(expected) == 3
    assert restarted(watches, samples, every=13, until=samples[-1].at) == expected
