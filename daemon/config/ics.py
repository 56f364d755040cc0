"""Lessons from an iCalendar file (RFC 5545), as weekly lessons of the site's calendar.

Strategy. Each event is laid out in its own time zone over the days of all terms: the rule of its repetition, more days
(RDATE), days without it (EXDATE), single days that were moved or cancelled (RECURRENCE-ID). Days of one room with the
same weekday and time are then one lesson, held weekly or every second week, and `cancelled` on those days between that
the file leaves out. What keeps no such rhythm stays single days.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from rules.calendar import Calendar, Lesson, PeriodKind, Span

MOST_EVENTS = 50_000    # of one file: a term of 60 rooms, each lesson by itself
MOST_REPEATS = 300_000  # of all events together: two years of 60 rooms
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")

_Key = tuple[str, int, Span]  # the location, the weekday, the part of the day


class UnreadableIcsError(Exception):
    """A file that is no calendar, is too long, or has an event that repeats as no lesson does."""


def weekly_lessons(text: str, calendar: Calendar) -> tuple[list[tuple[int, str, Lesson]], int]:
    """Lessons with their location and the number of the event they come from, and how many events say no lesson."""
    from icalendar import Calendar as IcsCalendar  # costs memory: read only where a file is named

    if len(re.findall(r"(?im)^BEGIN:VEVENT", text)) > MOST_EVENTS:
        raise UnreadableIcsError(f"> {MOST_EVENTS} VEVENT")
    try:
        events = [event for book in IcsCalendar.from_ical(text, multiple=True) for event in book.walk("VEVENT")]
        laid_out, ignored = _laid_out(events, calendar)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:  # whatever it stumbles over
        raise UnreadableIcsError(str(error)) from error
    if not events:
        raise UnreadableIcsError("no VEVENT")
    lessons = []
    for (location, weekday, span), days in laid_out.items():
        number = min(days.values())
        lessons += [(number, location, lesson) for lesson in _folded(sorted(days), weekday, span, calendar)]
    return lessons, ignored


def _laid_out(events: list[Any], calendar: Calendar) -> tuple[dict[_Key, dict[date, int]], int]:
    """Every day of every lesson, with the number of its event; and how many events say no place or no time."""
    summers = (item for item in calendar.periods if item.kind is PeriodKind.SUMMER_SCHOOL)
    taught = [*((term.first, term.last) for term in calendar.terms), *((item.first, item.last) for item in summers)]
    first, last = min(begin for begin, _ in taught), max(end for _, end in taught)
    moved = {(str(event.get("UID")), _moment(event["RECURRENCE-ID"].dt, calendar.zone)) for event in events
             if "RECURRENCE-ID" in event}  # fmt: skip
    days: dict[_Key, dict[date, int]] = {}
    ignored = 0
    left = iter(range(MOST_REPEATS))
    for number, event in enumerate(events, 1):
        location = str(event.get("LOCATION", "")).strip()
        start = event["DTSTART"].dt
        if not location or not isinstance(start, datetime):
            ignored += 1
            continue
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        lasts = event.end - start
        for at in _starts(event, start, (first, last), calendar.zone, left=left):
            if "RECURRENCE-ID" not in event and (str(event.get("UID")), at) in moved:
                continue
            begin, end = at.astimezone(calendar.zone), (at + lasts).astimezone(calendar.zone)
            day, span = begin.date(), Span(_minute(begin), _minute(end) or 1440)
            if first <= day <= last and timedelta(0) < lasts <= timedelta(days=1) and span.start < span.end:
                days.setdefault((location, day.weekday(), span), {})[day] = number
    return days, ignored


def _starts(
    event: Any, start: datetime, days: tuple[date, date], zone: tzinfo, *, left: Iterator[int]
) -> Iterator[datetime]:
    """When an event begins, each time in UTC; its repetition goes by the clock of its own zone, else by the site's.

    Each time takes one of what is `left`.
    """
    from dateutil.rrule import rruleset, rrulestr

    home = start.tzinfo or zone
    dates = rruleset()
    wall = _wall(start, home, time())
    dates.rdate(wall)
    for rule in event.rrules:
        if wrong := _unlike_a_lesson(rule):
            raise UnreadableIcsError(f"{event.get('SUMMARY', '')}: {wrong}")
        told = {name: value for name, value in rule.items() if name != "UNTIL"}
        text = type(rule)(told).to_ical().decode()
        for until in rule.get("UNTIL", []):
            text += f";UNTIL={_wall(until, home, time.max):%Y%m%dT%H%M%S}"
        dates.rrule(rrulestr(text, dtstart=wall))  # type: ignore[arg-type]  # one rule is never a set
    for more, _ in event.rdates:
        dates.rdate(_wall(more, home, wall.time()))
    for less in event.exdates:
        dates.exdate(_wall(less, home, wall.time()))
    begin, end = (datetime.combine(day, time()) for day in (days[0] - timedelta(days=1), days[1] + timedelta(days=2)))
    for at in dates:
        if at > end:
            return
        if next(left, None) is None:
            raise UnreadableIcsError(f"{event.get('SUMMARY', '')}: > {MOST_REPEATS}")
        if at >= begin:
            yield at.replace(tzinfo=home).astimezone(UTC)


def _unlike_a_lesson(rule: Any) -> str:
    """What of a rule no lesson has and would be laid out for hours, as the file says it; empty: nothing."""
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        if len(rule.get(name, ())) > 1:
            return f"{name}={','.join(map(str, rule[name]))}"[:80]
    for told in rule.get("FREQ", ()):
        if told not in _FREQUENCIES:
            return f"FREQ={told}"
    for told in rule.get("INTERVAL", ()):
        if told < 1:
            return f"INTERVAL={told}"
    return ""


def _wall(at: date, zone: tzinfo, of_day: time) -> datetime:
    """A moment on the wall clock of a zone; a day alone gets this time of day."""
    if not isinstance(at, datetime):
        return datetime.combine(at, of_day)
    return at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at


def _moment(at: date, zone: tzinfo) -> datetime:
    """A moment in UTC; without a zone of its own it is on the site's clock."""
    wall = at if isinstance(at, datetime) else datetime.combine(at, time())
    return (wall if wall.tzinfo else wall.replace(tzinfo=zone)).astimezone(UTC)


def _minute(at: datetime) -> int:
    return at.hour * 60 + at.minute


def _folded(days: list[date], weekday: int, span: Span, calendar: Calendar) -> Iterator[Lesson]:
    """Days of one weekday as lessons: one with gaps, where it is held more often than not, or else each day alone."""
    weeks = {calendar.week(day) for day in days}
    first, last = days[0], days[-1]
    week = weeks.pop() if len(weeks) == 1 and len(days) > 1 else 0
    every = [first + timedelta(days=7 * count) for count in range((last - first).days // 7 + 1)]
    held = set(days)
    left_out = tuple(day for day in every if day not in held and week in (0, calendar.week(day)))
    if len(left_out) < len(days):
        yield Lesson(weekday, span, week, first, last, left_out)
    else:
        yield from (Lesson(weekday, span, 0, day, day) for day in days)
