"""When one place is used, taught in, slept in and supplied with power: the calendar as a watch sees it.

Every question is answered with a `Stretch`: whether, and until when at least. A watch asks anew when that time has
come, never at each reading. Places with equal answers share one object (`Site.hours`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256

from rules.calendar import Calendar, Daily, Lesson, Period, PeriodKind, Span, Stretch

LIVED_IN = frozenset({"dormitory", "staff_housing"})  # buildings that the opening hours do not empty
ALWAYS = "staff_housing"                              # and those that holidays do not empty either
SETTLE_S = 600.0  # after power came back: everything starts at once, and means nothing yet


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one place; `building_kind` tells whether people live there, `supply` when it has power."""

    calendar: Calendar = field(repr=False, compare=False)
    building_kind: str = field(repr=False, compare=False)
    daily: Daily = field(repr=False, compare=False)
    periods: tuple[Period, ...] = field(default=(), repr=False, compare=False)
    timetable: tuple[Lesson, ...] = field(default=(), repr=False, compare=False)
    supply: Span | None = field(default=None, repr=False, compare=False)
    digest: str = field(init=False)  # of all of it: what makes two equal, and what the signature of a watch sees

    def __post_init__(self) -> None:
        c = self.calendar
        parts = (
            c.timezone, c.day, c.terms, sorted(c.closed), sorted(c.closed_weekdays), sorted(c.makeup.items()),
            c.weekend, c.big_week, c.monthly_rest_days, self.is_lived_in, self.building_kind == ALWAYS, self.daily,
            [(period.kind, period.first, period.last) for period in self.periods], self.timetable, self.supply,
        )  # fmt: skip
        object.__setattr__(self, "digest", sha256(repr(parts).encode()).hexdigest()[:16])

    @property
    def is_lived_in(self) -> bool:
        return self.building_kind in LIVED_IN

    @property
    def has_timetable(self) -> bool:
        return bool(self.timetable)

    # -- days

    def _has(self, kind: PeriodKind, day: date) -> bool:
        return any(item.kind is kind and item.first <= day <= item.last for item in self.periods)

    def is_taught_day(self, day: date) -> bool:
        """Whether there is teaching in this place on a local date."""
        if self._has(PeriodKind.CLOSED, day) or self._has(PeriodKind.MILITARY_TRAINING, day):
            return False
        if self._has(PeriodKind.SUMMER_SCHOOL, day) or self._has(PeriodKind.EXAM, day):
            return not self.calendar.is_rest_day(day)
        return self.calendar.is_school_day(day)

    def is_inhabited_day(self, day: date) -> bool:
        """Whether people live here on a local date: dorms stay in use at weekends, not in the holidays."""
        if self.building_kind == ALWAYS:
            return True
        if self._has(PeriodKind.CLOSED, day):
            return False
        return (
            self.calendar.is_in_term(day)
            or self._has(PeriodKind.MILITARY_TRAINING, day)
            or self._has(PeriodKind.SUMMER_SCHOOL, day)
        )

    def _whole_day(self, at: float, holds: Callable[[date], bool]) -> Stretch:
        day = self.calendar.local(at).date()
        return Stretch(holds(day), self.calendar.at_minute(day, 1440))

    def _on_taught_days(self, spans: tuple[Span, ...], at: float) -> Stretch:
        whole = self._whole_day(at, self.is_taught_day)
        return self.calendar.within(spans, at) if whole.open else whole

    # -- questions

    def term(self, at: float) -> Stretch:
        """Whether the place is taught or lived in on this day; else it stands empty (holiday mode)."""
        return self._whole_day(at, self.is_inhabited_day if self.is_lived_in else self.is_taught_day)

    def use(self, at: float) -> Stretch:
        """Whether people may be here: where they live, on all inhabited days; elsewhere in opening hours."""
        return self.term(at) if self.is_lived_in else self._on_taught_days((self.calendar.day,), at)

    def exam(self, at: float) -> Stretch:
        """Whether this place has exams on this day."""
        return self._whole_day(at, lambda day: self._has(PeriodKind.EXAM, day))

    def lesson(self, at: float) -> Stretch:
        """Whether a lesson is held: by the room's own timetable, else by the school's lessons and evening study."""
        if not self.timetable:
            return self._on_taught_days(self._teaching(), at)
        return self._on_taught_days(self._lessons(self.calendar.local(at).date()), at)

    def over(self, at: float) -> Stretch:
        """Whether the last lesson or evening study of the day has ended, or there is none."""
        day = self.calendar.local(at).date()
        whole = self._whole_day(at, lambda day: not self.is_taught_day(day))
        if whole.open:
            return whole
        ends = [span.end for span in (self._teaching() + self._lessons(day))]
        end = self.calendar.at_minute(day, max(ends, default=0))
        return Stretch(True, whole.until) if at >= end else Stretch(False, end)

    def _lessons(self, day: date) -> tuple[Span, ...]:
        weekday, week = self.calendar.weekday(day), self.calendar.week(day)
        return tuple(row.span for row in self.timetable if row.weekday == weekday and row.week in (0, week))

    def _teaching(self) -> tuple[Span, ...]:
        return self.daily.lessons + ((self.daily.evening_study,) if self.daily.evening_study else ())

    def washing_peak(self, at: float) -> Stretch:
        """Whether many wash at once now: taps run one after the other and mean nothing."""
        whole = self.term(at)
        return self.calendar.within(self.daily.washing_peak, at) if whole.open else whole

    def night(self, at: float) -> Stretch:
        """Whether all should sleep: from lights-out to waking."""
        return self.calendar.within((Span(self.daily.lights_out, self.daily.wake),), at)

    def powered(self, at: float) -> Stretch:
        """Whether the place has power by plan."""
        if self.supply is None:
            return Stretch(True, float("inf"))
        return self.calendar.within((self.supply,), at)

    def settled(self, at: float) -> Stretch:
        """Whether it has had power for ten minutes: right after a planned cut everything starts at once."""
        if self.supply is None:
            return Stretch(True, float("inf"))
        late = (self.supply.start + int(SETTLE_S // 60)) % 1440
        return self.calendar.within((Span(late, self.supply.end),), at)
