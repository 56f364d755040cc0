"""The calendar of a configuration: holidays and make-up days of the library, what a school says itself, and today."""

import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.commands import check
from daemon.config import ConfigError, Loaded, load
from daemon.config.holidays import NONE, countries, national
from rules.calendar import Calendar, Daily, Period, PeriodKind, Span, Weekend

SITE = '[site]\nid = "s"\n'
BERLIN = '[site]\nid = "s"\ntimezone = "Europe/Berlin"\n'
HOUSES = '[[building]]\nid = "t"\nkind = "teaching"\nrooms = ["101-103"]\n'
TERM = '[[term]]\nname = "autumn"\nfrom = 2026-09-01\nto = 2026-12-31\n'
NEXT = '[[term]]\nname = "spring"\nfrom = 2027-02-22\nto = 2027-07-09\n'
SATURDAY = date(2026, 10, 10)  # made up for Wednesday the 7th
SUNDAY = date(2026, 9, 20)     # and for Tuesday the 6th


def loaded(folder: Path, text: str, now: float | None = None) -> Loaded:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ={"LANG": "en"}, now=now)


def calendar(folder: Path, text: str) -> Calendar:
    return loaded(folder, text).site.calendar


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        loaded(folder, text)
    return [line.removeprefix(str(folder / "site.toml")) for line in refused.value.lines]


def told(folder: Path, text: str, day: str = "2026-09-16") -> list[str]:
    """The warnings of a noon in China."""
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    return [line.removeprefix(str(folder / "site.toml")) for line in loaded(folder, text, noon).warnings]


# -- holidays and make-up days


def test_a_site_in_china_keeps_its_holidays_and_works_on_its_make_up_days(tmp_path: Path) -> None:
    made = calendar(tmp_path, SITE + TERM)
    assert all(made.is_rest_day(date(2026, 10, day)) for day in range(1, 9) if day != 8)
    assert made.is_school_day(date(2026, 10, 8))
    assert [(made.is_school_day(day), made.weekday(day)) for day in (SATURDAY, SUNDAY)] == [(True, 2), (True, 1)]


@pytest.mark.parametrize(
    ("text", "holiday", "is_free"),
    [
        (SITE, date(2026, 10, 1), True),
        (SITE + '[hours]\nholidays = "none"\n', date(2026, 10, 1), False),
        (BERLIN, date(2026, 10, 1), False),
        (BERLIN + '[hours]\nholidays = "DE"\n', date(2026, 12, 25), True),
        (BERLIN + '[hours]\nholidays = "DE"\n', date(2026, 1, 6), False),
        (BERLIN + '[hours]\nholidays = "DE-BY"\n', date(2026, 1, 6), True),
    ],
)
def test_the_holidays_are_those_of_the_zone_or_of_the_country_that_is_named(
    tmp_path: Path, text: str, holiday: date, is_free: bool
) -> None:
    assert calendar(tmp_path, text).is_rest_day(holiday) is is_free


@pytest.mark.parametrize(
    ("more", "day", "is_taught", "weekday"),
    [
        ('[[makeup]]\nday = 2026-10-10\nfollows = "friday"\n', SATURDAY, True, 4),
        ('[[makeup]]\nday = 2026-10-17\nfollows = "monday"\n', date(2026, 10, 17), True, 0),
        ("[hours]\nclosed_days = [2026-10-10]\n", SATURDAY, False, 5),
        ('[[makeup]]\nday = 2026-10-01\nfollows = "thursday"\n', date(2026, 10, 1), True, 3),   # taught on a holiday
        ("[hours]\nclosed_days = [{ from = 2026-11-02, to = 2026-11-06 }]\n", date(2026, 11, 4), False, 2),
        ('[hours]\nclosed_days = [2026-10-17]\n[[makeup]]\nday = 2026-10-17\nfollows = "monday"\n',
         date(2026, 10, 17), True, 0),
    ],
)  # fmt: skip
def test_what_the_school_says_goes_before_the_library(
    tmp_path: Path, more: str, day: date, is_taught: bool, weekday: int
) -> None:
    made = calendar(tmp_path, SITE + TERM + more)
    assert (made.is_school_day(day), made.weekday(day)) == (is_taught, weekday)


def test_every_make_up_day_is_a_weekend_that_follows_a_working_day() -> None:
    made = national("CN")
    assert made.known_until >= 2026
    assert all(day.weekday() >= 5 and follows <= 4 for day, follows in made.makeup.items())
    assert not made.makeup.keys() & made.closed
    by_year = {year: sum(day.year == year for day in made.makeup) for year in range(2014, 2027)}
    assert all(3 <= count <= 9 for count in by_year.values()), by_year


def test_what_can_be_asked_for_can_be_had() -> None:
    known = countries()
    assert {NONE, "CN", "HK", "DE-BY"} <= {*known}
    assert national(NONE).closed == frozenset()


def test_a_year_whose_make_up_days_nobody_knows_is_a_warning(tmp_path: Path) -> None:
    unknown = national("CN").known_until + 1
    term = f'[[term]]\nname = "x"\nfrom = {unknown - 1}-09-01\nto = {unknown}-01-20\n'
    assert len(loaded(tmp_path, SITE + term).warnings) == 1
    assert f"make-up days (调休) of {unknown} are not known" in loaded(tmp_path, SITE + term).warnings[0]
    known = f'[[makeup]]\nday = {unknown}-01-09\nfollows = "friday"\n'
    assert loaded(tmp_path, SITE + term + known).warnings == ()
    assert loaded(tmp_path, SITE + term + '[hours]\nholidays = "none"\n').warnings == ()
    assert loaded(tmp_path, SITE + TERM).warnings == ()


# -- the week, the day, the periods


@pytest.mark.parametrize(
    ("hours", "weekend", "closed"),
    [
        ("", Weekend.DOUBLE, set()),
        ('weekend = "single"', Weekend.SINGLE, set()),
        ('weekend = "alternating"\nbig_week = 2026-09-12', Weekend.ALTERNATING, set()),
        ('weekend = "monthly"\nmonthly_rest_days = 3', Weekend.MONTHLY, set()),
        ('weekend = "none"', Weekend.NONE, set()),
        ('closed_weekdays = ["sunday"]', Weekend.NONE, {6}),   # says by itself what rests
        ('weekend = "single"\nclosed_weekdays = ["friday"]', Weekend.SINGLE, {4}),
    ],
)
def test_the_days_of_rest(tmp_path: Path, hours: str, weekend: Weekend, closed: set[int]) -> None:
    made = calendar(tmp_path, f"{SITE}[hours]\n{hours}\n")
    assert (made.weekend, made.closed_weekdays) == (weekend, closed)


def test_hours_are_for_all_places_and_for_kinds_of_place(tmp_path: Path) -> None:
    text = SITE + """[hours]
day = "06:00-23:00"
lights_out = "23:00"
lessons = ["08:00-11:50", "14:00-17:30"]
evening_study = "none"
evening_study_days = ["sunday", "monday"]
[[hours_of]]
kind = ["lab", "office"]
lessons = ["09:00-11:00"]
[[hours_of]]
kind = "dorm_room"
washing_peak = ["21:30-00:30"]
noon_rest = "12:30-13:30"
wake = "06:00"
[[hours_of]]
kind = "office"
wake = "07:00"
"""
    made = calendar(tmp_path, text)
    usual = Daily()._replace(lessons=(Span(480, 710), Span(840, 1050)), evening_study=None, lights_out=1380)
    usual = usual._replace(evening_study_days=(6, 0))
    assert (made.day, made.usual) == (Span(360, 1380), usual)
    assert made.daily == {
        "lab": usual._replace(lessons=(Span(540, 660),)),
        "office": usual._replace(lessons=(Span(540, 660),), wake=420),
        "dorm_room": usual._replace(washing_peak=(Span(1290, 30),), noon_rest=Span(750, 810), wake=360),
    }


def test_without_a_word_the_day_is_that_of_a_boarding_school(tmp_path: Path) -> None:
    made = calendar(tmp_path, SITE)
    assert (made.day, made.usual.lights_out, made.usual.wake) == (Span(380, 1350), 1350, 380)


def test_periods_name_days_and_places(tmp_path: Path) -> None:
    text = SITE + HOUSES + """[[period]]
name = "midterm"
kind = "exam"
from = 2026-11-12
to = 2026-11-13
places = ["t/101", "t/102"]
[[period]]
kind = "military_training"
from = 2026-08-20
to = 2026-08-29
"""
    days = (date(2026, 11, 12), date(2026, 11, 13)), (date(2026, 8, 20), date(2026, 8, 29))
    assert calendar(tmp_path, text).periods == (
        Period("midterm", PeriodKind.EXAM, *days[0], frozenset({"t/101", "t/102"})),
        Period("", PeriodKind.MILITARY_TRAINING, *days[1]),
    )


PERIOD = '[[period]]\nkind = "exam"\nfrom = 2026-11-12\nto = 2026-11-13\n'
WRONG = {
    "country": ('[hours]\nholidays = "CNN"', ':8: hours.holidays: unknown country "CNN"'),
    "weekend": ('[hours]\nweekend = "singel"', ':8: hours.weekend: unknown name "singel", .*mean "single"'),
    "big week": ('[hours]\nweekend = "alternating"', ":7: hours.big_week: this key is needed here"),
    "rest days": ("[hours]\nmonthly_rest_days = 16", ":8: hours.monthly_rest_days: too large"),
    "lesson": ('[hours]\nlessons = ["08:00-12:00",\n"14:00-02:00"]',
               ':9: hours.lessons: "14:00-02:00" is not a part of one day'),
    "evening": ('[hours]\nevening_study = "19:00-01:00"', ":8: hours.evening_study: .*not a part of one day"),
    "makeup": ('[[makeup]]\nday = 2026-10-10\nfollows = "wensday"', ':9: makeup.follows: .*mean "wednesday"'),
    "makeup twice": ('[[makeup]]\nday = 2026-10-10\nfollows = "monday"\n' * 2,
                     ':11: makeup.day: make-up day "2026-10-10" is already declared in line 8'),
    "period kind": (PERIOD.replace("exam", "exams"), ':8: period.kind: unknown kind "exams", .*mean "exam"'),
    "period place": (PERIOD + 'places = ["t/101", "t/1o2"]',
                     r':11: period.places: unknown place "t/1o2", allowed: t, t/101, .*mean "t/102"'),
    "period of one place": (PERIOD + 'places = "t/104"', ':11: period.places: unknown place "t/104"'),
    "period of none": (PERIOD + "places = []", ":11: period.places: must not be empty"),
    "period backwards": (PERIOD.replace("2026-11-12", "2026-11-14"), ":7: period: ends on 2026-11-13"),
    "hours of": ('[[hours_of]]\nkind = "dormroom"', ':8: hours_of.kind: .*mean "dorm_room"'),
    "one coordinate": ("", ":1: site: latitude and longitude go together"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_the_calendar_is_told_at_its_line(tmp_path: Path, text: str, expected: str) -> None:
    site = SITE if text else SITE + "latitude = 39.9\n"
    (said,) = mistakes(tmp_path, site + HOUSES + text)
    assert re.match(expected, said), said


# -- today


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        (TERM, "2026-09-16", []),
        (TERM, "2026-08-31", [":3: term: warning: no term covers today, 2026-08-31, so it counts as holiday"]),
        (TERM + NEXT, "2027-02-01", [":7: term: warning: no term covers today"]),
        ("", "2026-09-16", [":1: term: warning: there is no [[term]], so every day counts as term"]),
    ],
)
def test_the_check_warns_when_no_term_covers_today(tmp_path: Path, text: str, day: str, expected: list[str]) -> None:
    said = [line for line in told(tmp_path, SITE + text, day) if "make-up" not in line]
    assert len(said) == len(expected)
    assert all(line.startswith(start) for line, start in zip(said, expected, strict=True))


def test_without_a_clock_today_is_no_matter(tmp_path: Path) -> None:
    assert loaded(tmp_path, SITE).warnings == ()


@pytest.mark.parametrize(
    ("day", "english", "chinese"),
    [
        ("2026-09-16", "today, 2026-09-16 Wednesday: term “autumn”; school day",
         "今天 2026-09-16 周三：学期“autumn”；上课"),
        ("2026-10-10", "today, 2026-10-10 Saturday: term “autumn”; make-up day with the timetable of Wednesday",
         "今天 2026-10-10 周六：学期“autumn”；调休上课，按周三课表"),
        ("2026-10-01", "today, 2026-10-01 Thursday: term “autumn”; no school (weekend or holiday)",
         "今天 2026-10-01 周四：学期“autumn”；不上课（周末或放假）"),
        ("2026-08-20", "today, 2026-08-20 Thursday: holiday, outside all terms; military training at all places",
         "今天 2026-08-20 周四：假期，不在任何学期内；时段：全校 军训"),
        ("2026-11-12", "today, 2026-11-12 Thursday: term “autumn”; school day; exam at t/101: midterm",
         "今天 2026-11-12 周四：学期“autumn”；上课；时段：t/101 考试“midterm”"),
    ],
)
def test_the_check_says_what_it_makes_of_today(tmp_path: Path, day: str, english: str, chinese: str) -> None:
    text = SITE + HOUSES + TERM + PERIOD + 'name = "midterm"\nplaces = "t/101"\n' + (
        '[[period]]\nkind = "military_training"\nfrom = 2026-08-20\nto = 2026-08-29\n'
    )
    made = calendar(tmp_path, text)
    now = made.at_minute(date.fromisoformat(day), 720)
    assert [check.today(made, now, language) for language in ("en", "zh")] == [english, chinese]
