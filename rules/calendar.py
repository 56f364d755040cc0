"""When the campus is open: terms, closed days, the daily hours, all in the site's own time zone."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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


SCHOOL_DAY = Span(6 * 60 + 20, 22 * 60 + 30)


class Stretch(NamedTuple):
    """Whether the campus is open, and until when (Unix seconds) that answer holds."""

    open: bool
    until: float


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours `day`, `lights_out` (minute of the day), terms and closed days.

    With no term at all every day that is not closed counts as term.
    """

    timezone: str = "Asia/Shanghai"
    day: Span = SCHOOL_DAY
    lights_out: int = field(default=22 * 60 + 30, repr=False)  # no rule reads it: it is no part of what a watch is
    terms: tuple[Term, ...] = ()
    closed: frozenset[date] = frozenset()
    closed_weekdays: frozenset[int] = frozenset()
    zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))

    def local(self, at: float) -> datetime:
        """The site's wall clock at a time."""
        return datetime.fromtimestamp(at, self.zone)

    def minute(self, at: float) -> float:
        """Minutes after local midnight."""
        now = self.local(at)
        return now.hour * 60 + now.minute + now.second / 60

    def is_school_day(self, day: date) -> bool:
        """Whether any teaching takes place on a local date."""
        if day in self.closed or day.weekday() in self.closed_weekdays:
            return False
        return not self.terms or any(term.first <= day <= term.last for term in self.terms)

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

    def opening(self, at: float) -> Stretch:
        """Whether the campus is open at a time, and until when at least that does not change."""
        now = self.local(at)
        day = now.date()
        midnight = self.at_minute(day, 1440)
        if not self.is_school_day(day):
            return Stretch(False, midnight)
        minute = now.hour * 60 + now.minute + now.second / 60
        is_open = self.day.holds(minute)
        ends = [self.at_minute(day, edge) for edge in self.day]
        return Stretch(is_open, min([end for end in ends if end > at] + [midnight]))
