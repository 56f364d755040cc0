"""The school's calendar: which days are taught, whose timetable they follow, and spans of a day as times."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Calendar, Span, Term, Weekend

AUTUMN = Term("autumn", date(2026, 8, 30), date(2027, 1, 22))  # a Sunday: pupils arrive
SPRING = Term("spring", date(2027, 2, 22), date(2027, 7, 9))
NATIONAL = frozenset(date(2026, 10, day) for day in range(1, 8))
SATURDAY_10 = date(2026, 10, 10)
SUNDAY_20 = date(2026, 9, 20)

SCHOOL_DAYS: list[tuple[Mapping[str, Any], str, bool]] = [
    ({}, "2026-09-02", True),
    ({}, "2026-09-05", False),                                    # Saturday
    ({}, "2026-10-01", False),                                    # holiday
    ({}, "2026-10-10", True),                                     # made up for
    ({}, "2027-01-22", True),                                     # the last day of a term
    ({}, "2027-01-25", False),                                    # between terms
    ({}, "2027-02-22", True),
    ({"terms": ()}, "2027-02-01", True),                          # no terms: every week is taught
    ({"terms": ()}, "2027-02-06", False),
    ({"closed_weekdays": frozenset({4})}, "2026-09-04", False),
    ({"weekend": Weekend.SINGLE}, "2026-09-05", True),
    ({"weekend": Weekend.SINGLE}, "2026-09-06", False),
    ({"weekend": Weekend.NONE}, "2026-09-06", True),
    ({"weekend": Weekend.ALTERNATING, "big_week": date(2026, 9, 9)}, "2026-09-12", False),   # 大周: both days
    ({"weekend": Weekend.ALTERNATING, "big_week": date(2026, 9, 9)}, "2026-09-19", True),    # 小周: Sunday alone
    ({"weekend": Weekend.ALTERNATING, "big_week": date(2026, 9, 9)}, "2026-09-27", False),
    ({"weekend": Weekend.ALTERNATING, "big_week": date(2026, 9, 9)}, "2026-08-31", True),
    ({"weekend": Weekend.ALTERNATING, "big_week": date(2026, 9, 13)}, "2026-09-12", False),  # Sunday ends its week
    ({"weekend": Weekend.MONTHLY}, "2026-09-26", True),
    ({"weekend": Weekend.MONTHLY}, "2026-09-27", False),
    ({"weekend": Weekend.MONTHLY}, "2026-09-13", True),
    ({"weekend": Weekend.MONTHLY, "monthly_rest_days": 2}, "2026-12-30", False),
    ({"weekend": Weekend.MONTHLY, "monthly_rest_days": 2}, "2026-12-29", True),
]


def school(**changed: Any) -> Calendar:
    usual: dict[str, Any] = {
        "terms": (AUTUMN, SPRING), "closed": NATIONAL, "makeup": {SATURDAY_10: 2, SUNDAY_20: 1},
    }  # fmt: skip
    return Calendar(**usual | changed)


@pytest.mark.parametrize(("changed", "day", "expected"), SCHOOL_DAYS)
def test_a_day_is_taught_or_free(changed: Mapping[str, Any], day: str, expected: bool) -> None:
    assert school(**changed).is_school_day(date.fromisoformat(day)) is expected


def test_a_make_up_day_follows_the_weekday_that_it_makes_up_for() -> None:
    calendar = school()
    assert [calendar.weekday(day) for day in (SATURDAY_10, SUNDAY_20, date(2026, 9, 2))] == [2, 1, 2]


def test_a_make_up_day_outside_all_terms_is_no_school_day() -> None:
    assert not school(makeup={date(2027, 2, 20): 2}).is_school_day(date(2027, 2, 20))


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2026-08-31", 1), ("2026-09-04", 1), ("2026-09-07", 2), ("2026-09-13", 2), ("2026-09-14", 1),
        ("2027-02-22", 1), ("2027-03-01", 2), ("2026-08-30", 2),
    ],
)  # fmt: skip
def test_weeks_are_odd_and_even_from_the_first_week_of_teaching(day: str, week: int) -> None:
    assert school().week(date.fromisoformat(day)) == week


def test_calendars_are_the_same_by_their_days_not_by_the_names_of_terms() -> None:
    renamed = school(terms=(AUTUMN._replace(name="x"), SPRING))
    assert renamed.digest == school().digest
    others = [school(terms=(AUTUMN,)), school(closed=frozenset()), school(makeup={}), school(weekend=Weekend.SINGLE),
              school(timezone="Asia/Tokyo"), school(day=Span(0, 1440))]  # fmt: skip
    assert len({school().digest, *(other.digest for other in others)}) == 7


# -- spans as times

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu")
minutes = st.integers(0, 1440)
spans = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1] and pair[0] < 1440).map(lambda p: Span(*p))
times = st.floats(datetime(2025, 1, 1).timestamp(), datetime(2028, 1, 1).timestamp())
TURNS = [datetime(*day, 0, tzinfo=ZoneInfo(zone)).timestamp() for zone, *days in (
    ("Europe/Berlin", (2026, 3, 29), (2026, 10, 25)), ("America/Havana", (2026, 3, 8), (2026, 11, 1)),
    ("Australia/Lord_Howe", (2026, 4, 5), (2026, 10, 4)), ("Africa/Cairo", (2026, 4, 24), (2026, 10, 30)),
) for day in days]  # fmt: skip
near_turns = st.builds(lambda turn, later_s: turn + later_s, st.sampled_from(TURNS), st.floats(-90_000, 90_000))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), st.lists(spans, max_size=3), times | near_turns, st.floats(0, 1), st.booleans())
def test_an_answer_holds_until_it_says(
    zone: str, of_day: list[Span], at: float, part: float, is_every_day: bool
) -> None:
    calendar = Calendar(timezone=zone)
    told = tuple(of_day)

    def on(day: date) -> tuple[Span, ...]:
        return told if is_every_day or day.toordinal() % 3 else ()

    stretch = calendar.within_days(on, at)
    assert at < stretch.until <= at + 26 * 3600
    for later in (at + (stretch.until - at) * part, stretch.until - 0.01):
        if later < stretch.until:
            assert calendar.within_days(on, later).open is stretch.open


@settings(max_examples=200, deadline=None)
@given(st.lists(spans, max_size=3), times)
def test_without_a_change_of_clocks_it_is_what_the_wall_clock_says(of_day: list[Span], at: float) -> None:
    calendar = Calendar()
    minute = calendar.minute(at)
    assert calendar.within(tuple(of_day), at).open is any(span.holds(minute) for span in of_day)


def test_a_span_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    calendar = Calendar()
    late = (Span(22 * 60, 60),)

    def on_friday(day: date) -> tuple[Span, ...]:
        return late if day.weekday() == 4 else ()

    friday = datetime(2026, 9, 4, tzinfo=calendar.zone)
    told = [(hours, calendar.within_days(on_friday, (friday + timedelta(hours=hours)).timestamp()))
            for hours in (0.5, 22, 24.5, 25, 46, 48.5)]  # fmt: skip
    assert [hours for hours, stretch in told if stretch.open] == [22, 24.5]
    assert told[2][1].until == (friday + timedelta(hours=25)).timestamp()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", "2026-03-29", 23), ("Asia/Shanghai", "2026-03-29", 24), ("Europe/Berlin", "2026-10-25", 25)],
)
def test_a_day_is_as_long_as_its_clock_makes_it(zone: str, day: str, hours: int) -> None:
    calendar, of = Calendar(timezone=zone), date.fromisoformat(day)
    assert calendar.at_minute(of, 1440) - calendar.at_minute(of, 0) == hours * 3600


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ZONES), times | near_turns, st.integers(0, 1439))
def test_the_next_minute_is_not_before(zone: str, at: float, minute: int) -> None:
    assert 0 <= Calendar(timezone=zone).next_minute(at, minute) - at <= 26 * 3600
