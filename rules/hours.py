"""When one place is used, taught in, slept in and supplied with power: the calendar as a watch sees it.

Strategy. Every question is answered with a `Stretch`: whether, and until when at least. A watch asks anew when that
time has come, never at each reading. Places with equal answers share one object (`Site.hours`). A place stands for one
of three lives: people *live* there (dormitory, staff housing), it *serves* those who are on campus (canteen, plant,
gate), or it is *taught* in (all others). What crosses midnight belongs to the day on which it began.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256

from rules.calendar import Calendar, Daily, Lesson, Period, PeriodKind, Span, Stretch

ALWAYS = "staff_housing"                              # the building that no holiday empties
LIVED_IN = frozenset({"dormitory", ALWAYS})           # those that the opening hours do not empty
SERVING = frozenset({"canteen", "plant", "outdoor"})  # those that are open whenever people live on campus
LIVES_AS = {  # a kind of room that is not used as the building around it -> the kind of building whose life it has
    "dorm_room": "dormitory", "staff_flat": ALWAYS, "canteen": "canteen", "boiler_room": "plant",
    "pump_room": "plant", "distribution_room": "plant", "gate": "outdoor", "outdoor": "outdoor",
    "freezer": "canteen", "cold_store": "canteen", "sample_fridge": "canteen",
}  # fmt: skip
EARLY_MIN = 60    # people are back so long before an evening study that begins their week
SETTLE_S = 600.0  # after power came back: everything starts at once, and means nothing yet
FOR_EVER = Stretch(True, float("inf"))


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one place; `building_kind` is the kind of building whose life it has, `supply` when it has power."""

    calendar: Calendar = field(repr=False, compare=False)
    building_kind: str = field(repr=False, compare=False)
    daily: Daily = field(repr=False, compare=False)
    periods: tuple[Period, ...] = field(default=(), repr=False, compare=False)
    timetable: tuple[Lesson, ...] = field(default=(), repr=False, compare=False)
    supply: Span | None = field(default=None, repr=False, compare=False)
    digest: str = field(init=False)  # of all of it: what makes two equal, and what the signature of a watch sees

    def __post_init__(self) -> None:
        life = "serving" if self.is_serving else self.building_kind if self.is_lived_in else "taught"
        parts = (
            self.calendar.digest, life, self.daily, [period[1:4] for period in self.periods], self.timetable,
            self.supply,
        )  # fmt: skip
        object.__setattr__(self, "digest", sha256(repr(parts).encode()).hexdigest()[:16])

    @property
    def is_lived_in(self) -> bool:
        return self.building_kind in LIVED_IN

    @property
    def is_serving(self) -> bool:
        return self.building_kind in SERVING

    @property
    def has_timetable(self) -> bool:
        return bool(self.timetable)

    # -- days

    def _has(self, kind: PeriodKind, day: date) -> bool:
        return any(item.kind is kind and item.first <= day <= item.last for item in self.periods)

    def is_taught_day(self, day: date) -> bool:
        """Whether there is teaching in this place on a local date; an exam is held whatever the weekday."""
        if self._has(PeriodKind.CLOSED, day):
            return False
        if self._has(PeriodKind.EXAM, day):
            return True
        if self._has(PeriodKind.SUMMER_SCHOOL, day):
            return not self.calendar.is_rest_day(day)
        return not self._has(PeriodKind.MILITARY_TRAINING, day) and self.calendar.is_school_day(day)

    def is_inhabited_day(self, day: date) -> bool:
        """Whether people live on campus on a local date: also at weekends and on holidays of a term, not outside it."""
        if self.building_kind == ALWAYS:
            return True
        if self._has(PeriodKind.CLOSED, day):
            return False
        return self.calendar.is_in_term(day) or any(item.first <= day <= item.last for item in self.periods)

    def is_used_day(self, day: date) -> bool:
        """Whether the place is in use on a local date: lived in, serving or taught in."""
        return self.is_inhabited_day(day) if self.is_lived_in or self.is_serving else self.is_taught_day(day)

    def _whole_day(self, at: float, holds: Callable[[date], bool]) -> Stretch:
        day = self.calendar.local(at).date()
        return Stretch(holds(day), self.calendar.at_minute(day, 1440))

    # -- questions

    def term(self, at: float) -> Stretch:
        """Whether the place is used on this day at all; else it stands empty (holiday mode)."""
        return self._whole_day(at, lambda day: bool(self._opening(day)))

    def use(self, at: float) -> Stretch:
        """Whether people may be here: where they live, on all inhabited days; elsewhere in opening hours."""
        return self.term(at) if self.is_lived_in else self.calendar.within_days(self._opening, at)

    def exam(self, at: float) -> Stretch:
        """Whether this place has exams on this day."""
        return self._whole_day(at, lambda day: self._has(PeriodKind.EXAM, day))

    def lesson(self, at: float) -> Stretch:
        """Whether a lesson is held: by the room's own timetable, else by the school's lessons and evening study."""
        return self.calendar.within_days(self._lessons if self.timetable else self._teaching, at)

    def evening_study(self, at: float) -> Stretch:
        """Whether evening study is held, whatever the room's own timetable names."""
        return self.calendar.within_days(self._evening, at)

    def over(self, at: float) -> Stretch:
        """Whether no teaching day runs: from the last lesson or evening study to the next opening, and all free days.

        A room with a timetable of its own is over when the whole school is, or later: whoever locks up comes once.
        """
        running = self.calendar.within_days(self._teaching_day, at)
        return Stretch(not running.open, running.until)

    def washing_peak(self, at: float) -> Stretch:
        """Whether many wash at once now: taps run one after the other and mean nothing."""
        return self.calendar.within_days(lambda day: self.daily.washing_peak if self.is_used_day(day) else (), at)

    def night(self, at: float) -> Stretch:
        """Whether all should sleep: from lights-out to waking."""
        return self.calendar.within((Span(self.daily.lights_out, self.daily.wake),), at)

    def powered(self, at: float) -> Stretch:
        """Whether the place has power by plan."""
        return self._supplied(at, late_s=0.0)

    def settled(self, at: float) -> Stretch:
        """Whether it has had power for ten minutes: right after a planned cut everything starts at once."""
        return self._supplied(at, late_s=SETTLE_S)

    # -- what they rest on

    def _supplied(self, at: float, *, late_s: float) -> Stretch:
        supply = self.supply
        if supply is None or (supply.end - supply.start) % 1440 == 0:  # 00:00-24:00 is never cut
            return FOR_EVER
        return self.calendar.within_days(lambda day: (supply,), at, late_s=late_s)

    def _lessons(self, day: date) -> tuple[Span, ...]:
        """The lessons of a day by the room's own timetable."""
        if not self.timetable or not self.is_taught_day(day):
            return ()
        weekday, week = self.calendar.weekday(day), self.calendar.week(day)
        return tuple(
            row.span
            for row in self.timetable
            if row.first <= day <= row.last
            and (row.weekday == weekday or row.first == row.last)
            and row.week in (0, week)
            and day not in row.cancelled
        )

    def _teaching(self, day: date) -> tuple[Span, ...]:
        """The lessons and the evening study of a day by the school's hours."""
        return (self.daily.lessons if self.is_taught_day(day) else ()) + self._evening(day)

    def _evening(self, day: date) -> tuple[Span, ...]:
        """The evening study of a day: of a taught one, or of one that a taught one follows."""
        study, weekdays = self.daily.evening_study, self.daily.evening_study_days
        if study is None or (weekdays is not None and day.weekday() not in weekdays):
            return ()
        is_eve = weekdays is not None and self.is_taught_day(day + timedelta(days=1))
        return (study,) if is_eve or self.is_taught_day(day) else ()

    def _opening(self, day: date) -> tuple[Span, ...]:
        """When a day lets people in: the hours of the campus, or those of an evening study alone."""
        if self.is_used_day(day):
            return (self.calendar.day,)
        if self.is_lived_in or self.is_serving:
            return ()
        return tuple(Span(max(0, start - EARLY_MIN), end) for start, end in self._evening(day))

    def _teaching_day(self, day: date) -> tuple[Span, ...]:
        """From the opening of the campus, or an earlier lesson, to the end of the last one."""
        spans = self._teaching(day) + self._lessons(day)
        if not spans:
            return ()
        begin = min(span.start for span in (*self._opening(day), *spans))
        return (Span(begin, max(span.end for span in spans)),)
