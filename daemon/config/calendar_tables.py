"""The tables of the calendar: terms, hours, make-up days, periods and timetables."""

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from daemon.config.tables import DaySpan, Id, Names, Table
from daemon.config.values import (
    WrongValueError,
    as_list,
    days_of,
    lesson_of,
    minute_of,
    one_of,
    season_of,
    span_or_none,
    weekday_of,
)
from rules.calendar import SCHOOL_DAY, USUAL, Daily, PeriodKind, Season, Span, Weekend
from rules.model import PLACE_KINDS

Weekday = Annotated[int, PlainValidator(weekday_of)]
LessonSpan = Annotated[Span, PlainValidator(lesson_of)]
Minute = Annotated[int, PlainValidator(minute_of)]


class _Days(Table):
    """A stretch of days, both included."""

    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]

    @model_validator(mode="after")
    def _is_in_order(self) -> "_Days":
        if self.last < self.first:
            raise WrongValueError("bad_term", first=self.first, last=self.last)
        return self


class TermTable(_Days):
    """A stretch of teaching."""

    name: str


class PeriodTable(_Days):
    """A stretch of days that is not like others, everywhere or at some places."""

    name: str = ""
    kind: Annotated[str, one_of("kind", list(PeriodKind))]
    places: Annotated[Names, Field(min_length=1)] | None = None


class MakeupTable(Table):
    """A day of teaching in place of another, and the weekday whose timetable it follows."""

    day: date
    follows: Weekday


class HeatingTable(Table):
    """When buildings are heated, every year: both days included, such as 11-15 to 03-15."""

    first: Annotated[str, Field(alias="from")]
    last: Annotated[str, Field(alias="to")]

    @model_validator(mode="after")
    def _is_a_season(self) -> "HeatingTable":
        self.season()
        return self

    def season(self) -> Season:
        return season_of(self.first, self.last)


class _DailyTable(Table):
    """The hours of a taught day; a field is named as in `Daily`."""

    lessons: list[LessonSpan] = Field(default_factory=lambda: [*USUAL.lessons])
    noon_rest: Annotated[Span | None, PlainValidator(span_or_none)] = USUAL.noon_rest
    evening_study: Annotated[Span | None, PlainValidator(span_or_none)] = USUAL.evening_study
    evening_study_days: list[Weekday] | None = None
    washing_peak: list[DaySpan] = Field(default_factory=lambda: [*USUAL.washing_peak])
    wake: Minute = USUAL.wake
    lights_out: Minute = USUAL.lights_out

    def daily(self, usual: Daily) -> Daily:
        """The usual hours, but for those that are written here."""
        told: dict[str, Any] = {}
        for name in self.model_fields_set.intersection(Daily._fields):
            value = getattr(self, name)
            told[name] = tuple(value) if isinstance(value, list) else value
        return usual._replace(**told)


class HoursTable(_DailyTable):
    """When the campus is open, and which days it rests."""

    day: DaySpan = SCHOOL_DAY
    holidays: str | None = None
    weekend: Annotated[str | None, one_of("name", list(Weekend))] = None
    big_week: date | None = None
    monthly_rest_days: Annotated[int, Field(ge=1, le=15)] = 4
    closed_days: list[Annotated[tuple[date, date], PlainValidator(days_of)]] = Field(default_factory=list)
    closed_weekdays: list[Weekday] = Field(default_factory=list)

    def days(self) -> frozenset[date]:
        """Every closed day."""
        spans = ((first, (last - first).days) for first, last in self.closed_days)
        return frozenset(first + timedelta(days=count) for first, length in spans for count in range(length + 1))


class HoursOfTable(_DailyTable):
    """What is different about the hours of some kinds of place."""

    kind: Annotated[list[Annotated[str, one_of("kind", PLACE_KINDS)]], BeforeValidator(as_list), Field(min_length=1)]


class TimetableTable(Table):
    """A file of lessons by room; `building` is where rooms stand that the file names without one."""

    file: Annotated[str, Field(min_length=1)]
    building: Id | None = None
