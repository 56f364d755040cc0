"""The school's calendar, in the site's own time zone: which days are taught, and the hours that every day has.

Strategy. A day is *taught* when it lies in a term, is neither a rest day of the weekend pattern nor a holiday, or is a
make-up day. Outside all terms it is holiday (寒暑假). Periods (exams, military training, summer school, closed) change
that for their places; what it means for one place is answered by `rules.hours`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Term(NamedTuple):
    """A stretch of teaching, both days included."""

    name: str
    first: date
    last: date


class Span(NamedTuple):
    """A part of a day in minutes after midnight; a span whose end is not after its start crosses midnight."""

    start: int
    end: int

    def holds(self, minute: float) -> bool:
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


class Season(NamedTuple):
    """A part of every year, both days included, as (month, day); it may cross the new year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def holds(self, day: date) -> bool:
        now = day.month, day.day
        if self.first <= self.last:
            return self.first <= now <= self.last
        return now >= self.first or now <= self.last


class Stretch(NamedTuple):
    """Whether something holds, and until when (Unix seconds) at least that answer does."""

    open: bool
    until: float


class PeriodKind(StrEnum):
    """What is special about a stretch of days."""

    EXAM = "exam"                            # rooms sit empty or silent while lit: no word about lights
    MILITARY_TRAINING = "military_training"  # 军训: people live here, nobody is taught indoors
    SUMMER_SCHOOL = "summer_school"          # taught although no term runs
    CLOSED = "closed"                        # nobody is here


class Period(NamedTuple):
    """A stretch of days, both included, at some places (buildings or rooms; none: everywhere)."""

    name: str
    kind: PeriodKind
    first: date
    last: date
    places: frozenset[str] = frozenset()


class Weekend(StrEnum):
    """Which days a school rests every week: 双休, 单休, 大小周, 月假, or none."""

    DOUBLE = "double"
    SINGLE = "single"
    ALTERNATING = "alternating"
    MONTHLY = "monthly"
    NONE = "none"


class Daily(NamedTuple):
    """The hours of a taught day for a kind of place, in minutes after midnight.

    `evening_study_days` are the weekdays with evening study, which then also begins the evening before a taught day,
    as when boarders come back on Sunday; None: all taught days.
    """

    lessons: tuple[Span, ...] = (Span(8 * 60, 12 * 60), Span(14 * 60, 17 * 60 + 50))
    noon_rest: Span | None = Span(12 * 60, 14 * 60)
    evening_study: Span | None = Span(19 * 60, 22 * 60)
    evening_study_days: tuple[int, ...] | None = None
    washing_peak: tuple[Span, ...] = (Span(6 * 60, 8 * 60), Span(12 * 60, 14 * 60), Span(21 * 60, 23 * 60))
    wake: int = 6 * 60 + 20
    lights_out: int = 22 * 60 + 30


class Lesson(NamedTuple):
    """A lesson in a room's timetable; `weekday` from Monday 0, `week` 0: every, 1: odd, 2: even weeks of the term.

    It is held from `first` to `last`, both included, but not on `cancelled` days; when these two are one day, on that
    day whatever weekday it follows.
    """

    weekday: int
    span: Span
    week: int = 0
    first: date = date.min
    last: date = date.max
    cancelled: tuple[date, ...] = ()


SCHOOL_DAY = Span(6 * 60 + 20, 22 * 60 + 30)
USUAL = Daily()
SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True, slots=True)
class Calendar:
    """Terms, rest days, holidays and periods; `day` is when the campus is open, `daily` its hours by kind of place.

    With no term at all every day counts as term. `closed` are holidays, `makeup` names the weekday whose timetable a
    make-up day (调休上班) follows. `big_week` is any day of a week with two rest days (大周); `monthly_rest_days` are
    the last days of a month (月假). `timetable` is by place id.
    """

    timezone: str = "Asia/Shanghai"
    day: Span = SCHOOL_DAY
    terms: tuple[Term, ...] = ()
    closed: frozenset[date] = frozenset()
    closed_weekdays: frozenset[int] = frozenset()
    makeup: Mapping[date, int] = field(default_factory=dict)
    weekend: Weekend = Weekend.DOUBLE
    big_week: date | None = None
    monthly_rest_days: int = 4
    periods: tuple[Period, ...] = ()
    usual: Daily = USUAL
    daily: Mapping[str, Daily] = field(default_factory=dict)
    timetable: Mapping[str, tuple[Lesson, ...]] = field(default_factory=dict)
    zone: ZoneInfo = field(init=False, repr=False, compare=False)
    digest: str = field(init=False, repr=False, compare=False)  # of what is the same for all places: zone and days

    def __post_init__(self) -> None:
        parts = (
            self.timezone, self.day, [term[1:] for term in self.terms], sorted(self.closed),
            sorted(self.closed_weekdays), sorted(self.makeup.items()), self.weekend, self.big_week,
            self.monthly_rest_days,
        )  # fmt: skip
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        object.__setattr__(self, "digest", sha256(repr(parts).encode()).hexdigest()[:16])

    # -- the clock on the wall

    def local(self, at: float) -> datetime:
        """The site's wall clock at a time."""
        return datetime.fromtimestamp(at, self.zone)

    def minute(self, at: float) -> float:
        """Minutes after local midnight."""
        now = self.local(at)
        return now.hour * 60 + now.minute + now.second / 60

    def at_minute(self, day: date, minute: int) -> float:
        """The time of a minute of a local day; minute 1440 is the next midnight."""
        whole = datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(
            days=minute // 1440, minutes=minute % 1440
        )
        return whole.timestamp()

    def next_minute(self, at: float, minute: int) -> float:
        """The first time from `at` on that the local clock shows a minute of the day."""
        day = self.local(at).date()
        today = self.at_minute(day, minute)
        return today if today >= at else self.at_minute(day + timedelta(days=1), minute)

    def within(self, spans: tuple[Span, ...], at: float) -> Stretch:
        """Whether a time lies in one of these parts of the day, and until when at least that holds."""
        return self.within_days(lambda day: spans, at)

    def within_days(self, spans: Callable[[date], tuple[Span, ...]], at: float, *, late_s: float = 0.0) -> Stretch:
        """Whether a time lies in one of the spans that a day has, and until when at least that holds.

        A span that crosses midnight belongs to the day it begins on; each begins `late_s` seconds late. Spans are
        compared as times, not on the wall clock, which goes back once a year in some zones.
        """
        today = self.local(at).date()
        is_open, edges = False, [self.at_minute(today, 1440)]
        for day in (today - timedelta(days=1), today):
            for start, end in spans(day):
                if day != today and start < end:
                    continue  # it ended before midnight
                begin = self.at_minute(day, start) + late_s
                stop = self.at_minute(day, end if start < end else end + 1440)
                is_open = is_open or begin <= at < stop
                edges += (begin, stop)
        return Stretch(is_open, min(edge for edge in edges if edge > at))

    def within_season(self, season: Season, at: float) -> Stretch:
        """Whether a time lies in a season, and until when at least that holds."""
        day = self.local(at).date()
        return Stretch(season.holds(day), self.at_minute(day, 1440))

    # -- days

    def term(self, day: date) -> Term | None:
        """The term that a day lies in; without any terms there is none, and `is_in_term` holds all the same."""
        return next((term for term in self.terms if term.first <= day <= term.last), None)

    def is_in_term(self, day: date) -> bool:
        return not self.terms or self.term(day) is not None

    def weekday(self, day: date) -> int:
        """The weekday whose timetable a day follows."""
        return self.makeup.get(day, day.weekday())

    def is_rest_day(self, day: date) -> bool:
        """Whether a day is free by holiday or weekend, whatever the term says."""
        if day in self.makeup:
            return False
        weekday = day.weekday()
        return day in self.closed or weekday in self.closed_weekdays or self._is_weekend(day, weekday)

    def _is_weekend(self, day: date, weekday: int) -> bool:
        if self.weekend is Weekend.DOUBLE:
            return weekday >= SATURDAY
        if self.weekend is Weekend.SINGLE:
            return weekday == SUNDAY
        if self.weekend is Weekend.ALTERNATING:
            weeks = (_monday(day) - _monday(self.big_week or date(1970, 1, 5))).days // 7
            return weekday == SUNDAY or (weekday == SATURDAY and weeks % 2 == 0)
        if self.weekend is Weekend.MONTHLY:
            return (day + timedelta(days=self.monthly_rest_days)).month != day.month
        return False

    def is_school_day(self, day: date) -> bool:
        """Whether there is teaching on a local date, periods aside."""
        return not self.is_rest_day(day) and self.is_in_term(day)

    def week(self, day: date) -> int:
        """1 in odd and 2 in even weeks of the term; a term that begins on a weekend counts from the Monday after."""
        term = self.term(day)
        first = term.first if term else date(day.year, 1, 1)
        weeks = (_monday(day) - _monday(first + timedelta(days=2))).days // 7
        return 1 if weeks % 2 == 0 else 2


def _monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())
