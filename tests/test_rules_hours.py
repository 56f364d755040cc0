"""The hours of places through the year of a boarding school, and that every answer holds as long as it says."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Calendar, Daily, Lesson, Period, PeriodKind, Span, Term, Weekend
from rules.hours import Hours
from rules.model import Place, Site

ZONE = ZoneInfo("Asia/Shanghai")
PLACES = [
    Place("teach", "teach", "teaching", "teach"),
    Place("teach/101", "101", "classroom", "teach"),
    Place("teach/102", "102", "classroom", "teach"),
    Place("teach/boiler", "boiler", "boiler_room", "teach"),
    Place("teach/flat", "flat", "staff_flat", "teach"),
    Place("dorm", "dorm", "dormitory", "dorm", supply=Span(6 * 60, 23 * 60)),
    Place("dorm/201", "201", "dorm_room", "dorm", supply=Span(6 * 60, 23 * 60)),
    Place("dorm/wash", "wash", "washroom", "dorm"),
    Place("home", "home", "staff_housing", "home"),
    Place("eat", "eat", "canteen", "eat"),
]
LESSONS = (  # of teach/102: Wednesdays, odd Mondays, and once on a Thursday night
    Lesson(2, Span(480, 525)),
    Lesson(2, Span(535, 580), cancelled=(date(2026, 9, 9),)),
    Lesson(0, Span(480, 525), week=1),
    Lesson(3, Span(1380, 1410), 0, date(2026, 9, 10), date(2026, 9, 10)),
    Lesson(4, Span(480, 525), 0, date(2026, 10, 1), date(2026, 10, 31)),
    Lesson(5, Span(600, 640), 0, date(2026, 10, 10), date(2026, 10, 10)),
)
YEAR = Calendar(
    terms=(Term("autumn", date(2026, 9, 1), date(2027, 1, 22)), Term("spring", date(2027, 2, 22), date(2027, 7, 9))),
    closed=frozenset(date(2026, 10, day) for day in range(1, 8)),
    makeup={date(2026, 10, 10): 2},
    periods=(
        Period("", PeriodKind.MILITARY_TRAINING, date(2026, 8, 20), date(2026, 9, 4)),
        Period("midterm", PeriodKind.EXAM, date(2026, 11, 12), date(2026, 11, 15), frozenset({"teach/101"})),
        Period("grade 9", PeriodKind.EXAM, date(2026, 9, 3), date(2026, 9, 3), frozenset({"teach/101"})),
        Period("", PeriodKind.SUMMER_SCHOOL, date(2027, 7, 12), date(2027, 7, 23), frozenset({"teach", "dorm"})),
        Period("typhoon", PeriodKind.CLOSED, date(2026, 9, 24), date(2026, 9, 25)),
    ),
    timetable={"teach/102": LESSONS},
)


def site(calendar: Calendar = YEAR) -> Site:
    return Site("s", "s", {place.id: place for place in PLACES}, {}, calendar)


def at(text: str, zone: ZoneInfo = ZONE) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


class Row(NamedTuple):
    """A question of a place at a time, its answer and until when it holds (`HH:MM` of that day, 24:00 its end)."""

    place: str
    question: str
    time: str
    answer: bool
    until: str


YEARS_ROWS = [
    # -- a school day, Wednesday of the second week
    Row("teach/101", "term", "2026-09-09 00:00", True, "24:00"),
    Row("teach/101", "use", "2026-09-09 05:00", False, "06:20"),
    Row("teach/101", "use", "2026-09-09 06:20", True, "22:30"),
    Row("teach/101", "use", "2026-09-09 22:30", False, "24:00"),
    Row("teach/101", "lesson", "2026-09-09 07:59", False, "08:00"),
    Row("teach/101", "lesson", "2026-09-09 08:00", True, "12:00"),
    Row("teach/101", "lesson", "2026-09-09 12:00", False, "14:00"),
    Row("teach/101", "lesson", "2026-09-09 19:00", True, "22:00"),
    Row("teach/101", "over", "2026-09-09 02:00", True, "06:20"),   # last night goes on until the campus opens
    Row("teach/101", "over", "2026-09-09 07:00", False, "22:00"),
    Row("teach/101", "over", "2026-09-09 22:00", True, "24:00"),
    Row("teach/101", "exam", "2026-09-09 10:00", False, "24:00"),
    Row("dorm/201", "use", "2026-09-09 03:00", True, "24:00"),
    Row("dorm/wash", "washing_peak", "2026-09-09 06:30", True, "08:00"),
    Row("dorm/wash", "washing_peak", "2026-09-09 08:00", False, "12:00"),
    Row("dorm/wash", "night", "2026-09-09 06:19", True, "06:20"),
    Row("dorm/wash", "night", "2026-09-09 22:30", True, "24:00"),
    Row("dorm/201", "powered", "2026-09-09 05:59", False, "06:00"),
    Row("dorm/201", "powered", "2026-09-09 06:00", True, "23:00"),
    Row("dorm/201", "powered", "2026-09-09 23:00", False, "24:00"),
    Row("dorm/201", "settled", "2026-09-09 06:05", False, "06:10"),
    Row("dorm/201", "settled", "2026-09-09 06:10", True, "23:00"),
    Row("dorm/201", "settled", "2026-09-09 23:30", False, "24:00"),
    # -- a timetable of its own: Wednesdays, the second hour cancelled that day; odd Mondays; one Thursday night
    Row("teach/102", "lesson", "2026-09-09 08:10", True, "08:45"),
    Row("teach/102", "lesson", "2026-09-09 09:00", False, "24:00"),
    Row("teach/102", "lesson", "2026-09-16 09:00", True, "09:40"),
    Row("teach/102", "lesson", "2026-09-14 08:10", True, "08:45"),
    Row("teach/102", "lesson", "2026-09-07 08:10", False, "24:00"),
    Row("teach/102", "lesson", "2026-09-10 23:10", True, "23:30"),
    Row("teach/102", "over", "2026-09-10 22:50", False, "23:30"),  # its own lesson is later than evening study
    Row("teach/102", "over", "2026-09-09 10:00", False, "22:00"),  # the school goes on
    Row("teach/102", "lesson", "2026-09-11 08:10", False, "24:00"),  # that Friday hour is October's
    Row("teach/102", "lesson", "2026-10-16 08:10", True, "08:45"),
    # -- a weekend, a holiday and the day made up for it
    Row("teach/101", "term", "2026-09-12 10:00", False, "24:00"),
    Row("teach/101", "use", "2026-09-12 10:00", False, "24:00"),
    Row("teach/101", "over", "2026-09-12 10:00", True, "24:00"),
    Row("dorm/201", "term", "2026-09-12 10:00", True, "24:00"),
    Row("dorm/wash", "washing_peak", "2026-09-12 07:00", True, "08:00"),
    Row("eat", "use", "2026-09-12 12:00", True, "22:30"),
    Row("teach/boiler", "use", "2026-09-12 12:00", True, "22:30"),
    Row("teach/101", "use", "2026-10-02 10:00", False, "24:00"),
    Row("dorm/201", "use", "2026-10-02 10:00", True, "24:00"),
    Row("teach/101", "use", "2026-10-10 10:00", True, "22:30"),
    Row("teach/102", "lesson", "2026-10-10 08:10", True, "08:45"),  # a Saturday with Wednesday's timetable
    Row("teach/102", "lesson", "2026-10-10 10:10", True, "10:40"),  # and with a lesson of that day alone
    # -- winter holidays
    Row("dorm/201", "term", "2027-02-01 10:00", False, "24:00"),
    Row("dorm/201", "use", "2027-02-01 10:00", False, "24:00"),
    Row("dorm/wash", "washing_peak", "2027-02-01 07:00", False, "24:00"),
    Row("dorm/201", "powered", "2027-02-01 05:00", False, "06:00"),
    Row("home", "use", "2027-02-01 10:00", True, "24:00"),
    Row("teach/flat", "use", "2027-02-01 10:00", True, "24:00"),
    Row("eat", "use", "2027-02-01 10:00", False, "24:00"),
    # -- military training, before the term and in it: dorms in use, classrooms closed, but for the grade that has exams
    Row("dorm/201", "use", "2026-08-25 10:00", True, "24:00"),
    Row("eat", "use", "2026-08-25 10:00", True, "22:30"),
    Row("teach/101", "use", "2026-08-25 10:00", False, "24:00"),
    Row("teach/102", "use", "2026-09-03 10:00", False, "24:00"),
    Row("teach/101", "use", "2026-09-03 10:00", True, "22:30"),
    # -- exams, over a weekend
    Row("teach/101", "exam", "2026-11-14 10:00", True, "24:00"),
    Row("teach/101", "use", "2026-11-14 10:00", True, "22:30"),
    Row("teach/102", "exam", "2026-11-13 10:00", False, "24:00"),
    Row("teach/102", "use", "2026-11-14 10:00", False, "24:00"),
    # -- summer school, and closed by weather
    Row("teach/101", "use", "2027-07-14 10:00", True, "22:30"),
    Row("teach/101", "use", "2027-07-17 10:00", False, "24:00"),
    Row("dorm/201", "use", "2027-07-17 10:00", True, "24:00"),
    Row("eat", "use", "2027-07-14 10:00", False, "24:00"),         # not among its places
    Row("teach/101", "use", "2026-09-24 10:00", False, "24:00"),
    Row("dorm/201", "use", "2026-09-24 10:00", False, "24:00"),
    Row("home", "use", "2026-09-24 10:00", True, "24:00"),
]


@pytest.mark.parametrize("row", YEARS_ROWS, ids=lambda row: f"{row.place} {row.question} {row.time}")
def test_the_year_of_a_boarding_school(row: Row) -> None:
    now = at(row.time)
    stretch = getattr(site().hours(row.place), row.question)(now)
    hour, minute = map(int, row.until.split(":"))
    assert stretch.open is row.answer
    assert stretch.until == at(row.time[:10] + " 00:00") + hour * 3600 + minute * 60


@pytest.mark.parametrize("question", ["powered", "settled"])
@pytest.mark.parametrize("supply", [None, Span(0, 1440)])
def test_without_a_cut_there_is_always_power(question: str, supply: Span | None) -> None:
    hours = Hours(Calendar(), "dormitory", Daily(), supply=supply)
    assert getattr(hours, question)(at("2026-09-09 00:05")) == (True, float("inf"))


def test_power_that_crosses_midnight_settles_once() -> None:
    hours = Hours(Calendar(), "dormitory", Daily(), supply=Span(23 * 60 + 55, 60))
    told = [(text, hours.settled(at(f"2026-09-{text}")).open) for text in (
        "09 23:56", "10 00:04", "10 00:06", "10 00:59", "10 01:00", "10 12:00",
    )]  # fmt: skip
    assert [text for text, is_settled in told if is_settled] == ["10 00:06", "10 00:59"]


@pytest.mark.parametrize(
    ("lights_out", "asleep", "awake"),
    [(1350, ("22:30", "23:59", "00:00", "06:19"), ("06:20", "22:29")), (1440, ("00:00", "06:19"), ("23:59", "06:20")),
     (30, ("00:30", "06:19"), ("00:29", "23:59"))],
)  # fmt: skip
def test_the_night_is_from_lights_out_to_waking(lights_out: int, asleep: Sequence[str], awake: Sequence[str]) -> None:
    hours = Hours(Calendar(), "dormitory", Daily(lights_out=lights_out))
    assert all(hours.night(at(f"2026-09-12 {text}")).open for text in asleep)
    assert not any(hours.night(at(f"2026-09-12 {text}")).open for text in awake)


def test_opening_hours_over_midnight_end_the_night_after_a_taught_day() -> None:
    hours = Hours(Calendar(day=Span(360, 60)), "teaching", Daily())
    told = {text: hours.use(at(text)).open for text in (
        "2026-09-05 00:30", "2026-09-05 01:00", "2026-09-06 00:30", "2026-09-07 00:30", "2026-09-07 06:00",
    )}  # fmt: skip
    assert [text for text, is_open in told.items() if is_open] == ["2026-09-05 00:30", "2026-09-07 06:00"]


def test_boarders_come_back_for_the_evening_study_before_a_school_day() -> None:
    calendar = Calendar(closed=frozenset({date(2026, 9, 14)}))
    hours = Hours(calendar, "teaching", Daily(evening_study_days=(6, 0, 1, 2, 3)))
    rows = {
        "2026-09-06 17:00": (False, False, True), "2026-09-06 18:30": (True, False, False),   # Sunday
        "2026-09-06 20:00": (True, True, False), "2026-09-06 22:10": (False, False, True),
        "2026-09-11 17:00": (True, True, False), "2026-09-11 20:00": (True, False, True),     # Friday ends with lessons
        "2026-09-13 20:00": (False, False, True), "2026-09-14 20:00": (True, True, False),    # Monday is free
        "2026-09-12 20:00": (False, False, True),
    }
    for text, expected in rows.items():
        answers = [getattr(hours, question)(at(text)).open for question in ("use", "lesson", "over")]
        assert tuple(answers) == expected, text


def test_the_eve_of_a_term_is_a_question_for_a_dormitory_too() -> None:
    calendar = Calendar(terms=(Term("t", date(2026, 9, 7), date(2026, 12, 31)),))
    hours = Hours(calendar, "dormitory", Daily(evening_study_days=(6,)))
    assert hours.over(at("2026-09-06 10:00")).open
    assert not hours.over(at("2026-09-06 20:00")).open


# -- every answer holds until it says

QUESTIONS = ("term", "use", "exam", "lesson", "over", "washing_peak", "night", "powered", "settled")
minutes = st.integers(0, 1439)
spans = st.tuples(minutes, st.integers(0, 1440)).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Span(*pair))
of_one_day = st.tuples(minutes, minutes).filter(lambda p: p[0] != p[1]).map(lambda p: Span(min(p), max(p)))
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
stretches = st.tuples(days, st.integers(0, 150)).map(lambda pair: (pair[0], pair[0] + timedelta(days=pair[1])))
lessons = st.builds(
    lambda weekday, span, week, held: Lesson(weekday, span, week, *held), st.integers(0, 6), of_one_day,
    st.integers(0, 2), stretches,
)  # fmt: skip
calendars = st.builds(
    Calendar,
    timezone=st.sampled_from(("Asia/Shanghai", "Europe/Berlin", "America/Havana", "Africa/Cairo")),
    day=spans,
    terms=st.lists(stretches.map(lambda pair: Term("t", *pair)), max_size=2).map(tuple),
    closed=st.frozensets(days, max_size=5),
    makeup=st.dictionaries(days, st.integers(0, 6), max_size=5),
    weekend=st.sampled_from(Weekend),
    big_week=st.none() | days,
)
periods = st.lists(st.builds(lambda kind, held: Period("", kind, *held), st.sampled_from(PeriodKind), stretches),
                   max_size=3).map(tuple)  # fmt: skip
dailies = st.builds(
    Daily, lessons=st.lists(of_one_day, max_size=2).map(tuple), evening_study=st.none() | of_one_day,
    evening_study_days=st.none() | st.sets(st.integers(0, 6)).map(tuple),
    washing_peak=st.lists(spans, max_size=2).map(tuple), wake=st.integers(0, 700), lights_out=st.integers(701, 1440),
)  # fmt: skip
kinds = st.sampled_from(("dormitory", "staff_housing", "teaching", "canteen", "plant"))
all_hours = st.builds(Hours, calendars, kinds, dailies, periods, st.lists(lessons, max_size=4).map(tuple),
                      st.none() | spans)  # fmt: skip
times = st.floats(at("2026-01-01"), at("2027-12-31"))


@settings(max_examples=400, deadline=None)
@given(all_hours, st.sampled_from(QUESTIONS), times, st.floats(0, 1))
def test_an_answer_holds_until_it_says(hours: Hours, question: str, now: float, part: float) -> None:
    ask: Any = getattr(hours, question)
    stretch = ask(now)
    assert stretch.until > now
    if stretch.until == float("inf"):
        assert stretch.open
        return
    for later in (now + (stretch.until - now) * part, stretch.until - 0.01):
        if later < stretch.until:
            assert ask(later).open is stretch.open


@settings(max_examples=200, deadline=None)
@given(all_hours, times)
def test_the_answers_agree_with_each_other(hours: Hours, now: float) -> None:
    told = {question: getattr(hours, question)(now).open for question in QUESTIONS}
    assert told["powered"] or not told["settled"]
    assert told["use"] <= told["term"] or hours.calendar.day.start > hours.calendar.day.end
    assert not (told["lesson"] and told["over"])
    if hours.is_lived_in:
        assert told["use"] is told["term"]


# -- what makes two places equal


def test_places_with_equal_hours_share_them() -> None:
    made = site()
    assert made.hours("dorm") is made.hours("dorm/201")
    assert made.hours("dorm/201") is not made.hours("dorm/wash")      # has no cut
    assert made.hours("teach") is not made.hours("teach/101")         # has exams
    assert made.hours("teach/101") is not made.hours("teach/102")     # has a timetable of its own
    assert made.hours("eat") is not made.hours("home")


def test_another_calendar_gives_other_hours_and_another_name_of_a_period_does_not() -> None:
    usual = site().hours("teach/101").digest
    renamed = tuple(period._replace(name="x") for period in YEAR.periods)
    fields = {name: getattr(YEAR, name) for name in ("terms", "closed", "makeup", "periods", "timetable")}
    assert site(Calendar(**fields | {"periods": renamed})).hours("teach/101").digest == usual
    assert site(Calendar(**fields | {"makeup": {}})).hours("teach/101").digest != usual
    assert site(Calendar(**fields | {"usual": Daily(wake=0)})).hours("teach/101").digest != usual
    assert site(Calendar(**fields | {"daily": {"lab": Daily(wake=0)}})).hours("teach/101").digest == usual
