"""The calendar of a configuration: terms, national holidays, make-up days, periods and the hours of a day.

Strategy. What a school says itself goes before what the library knows: its closed days take away a make-up day, and its
own `[[makeup]]` makes any day one of teaching.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path as FilePath
from zoneinfo import ZoneInfo

from daemon.config.calendar_tables import HoursOfTable, HoursTable, MakeupTable, PeriodTable, TermTable
from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.holidays import NONE, National, countries, national, usual_country
from daemon.config.lines import Path
from daemon.config.reading import read
from daemon.config.tables import FileTable, Section
from daemon.config.timetable import timetables
from rules.calendar import Calendar, Daily, Period, PeriodKind, Term, Weekend

_PUBLISHED_YEARLY = 3  # a country whose newest make-up days are older than this has given them up


def calendar(
    file: FileTable, timezone: str, known: Campus, folder: FilePath, findings: Findings, *, now: float | None = None
) -> Calendar:
    """When each place is open and taught in; with `now`, a warning when no term covers today."""
    hours = read(HoursTable, file.hours, ("hours",), findings) or HoursTable()
    weekend = Weekend(hours.weekend) if hours.weekend else Weekend.NONE if hours.closed_weekdays else Weekend.DOUBLE
    if weekend is Weekend.ALTERNATING and hours.big_week is None:
        findings.error(("hours", "big_week"), "missing")
    terms = tuple(_terms(file.term, findings))
    land = _national(hours.holidays, timezone, findings)
    makeup = dict(_makeup(file.makeup, findings))
    for index, raw in enumerate(file.makeup):
        day = raw.get("day")
        if day in makeup and terms and not any(term.first <= day <= term.last for term in terms):
            findings.warn(("makeup", index, "day"), "makeup_idle", day=day)
    usual = hours.daily(Daily())
    made = Calendar(
        timezone=timezone,
        day=hours.day,
        terms=terms,
        closed=land.closed | hours.days(),
        closed_weekdays=frozenset(hours.closed_weekdays),
        makeup={day: weekday for day, weekday in land.makeup.items() if day not in hours.days()} | makeup,
        weekend=weekend,
        big_week=hours.big_week,
        monthly_rest_days=hours.monthly_rest_days,
        periods=tuple(_periods(file.period, known, findings)),
        usual=usual,
        daily=_daily(file.hours_of, usual, findings),
    )
    _unknown_makeup(terms, land, {day.year for day in {*makeup, *hours.days()}}, findings)
    if now is not None:
        _no_term(made, now, findings)
    return replace(made, timetable=timetables(file.timetable, made, known, folder, findings))


def _terms(tables: Sequence[Section], findings: Findings) -> Iterator[Term]:
    for index, raw in enumerate(tables):
        table = read(TermTable, raw, ("term", index), findings)
        if table is not None:
            yield Term(table.name, table.first, table.last)


def _national(country: str | None, timezone: str, findings: Findings) -> National:
    """The holidays of the country that is named, or else of the time zone's."""
    if country is None or country == NONE:
        return national(country or usual_country(timezone))
    is_known = findings.choose(("hours", "holidays"), "country", country, countries())
    return national(country) if is_known else National()


def _makeup(tables: Sequence[Section], findings: Findings) -> Iterator[tuple[date, int]]:
    declared: dict[date, Path] = {}
    for index, raw in enumerate(tables):
        path: Path = ("makeup", index)
        table = read(MakeupTable, raw, path, findings)
        if table is None:
            continue
        if table.day in declared:
            findings.error((*path, "day"), "duplicate", noun="makeup", found=table.day, other=declared[table.day])
        declared[table.day] = (*path, "day")
        yield table.day, table.follows


def _periods(tables: Sequence[Section], known: Campus, findings: Findings) -> Iterator[Period]:
    for index, raw in enumerate(tables):
        path: Path = ("period", index)
        table = read(PeriodTable, raw, path, findings)
        if table is None:
            continue
        places = table.places or []
        for number, place in enumerate(places):
            at: Path = (*path, "places", number) if isinstance(raw["places"], list) else (*path, "places")
            known.has_place(at, place, findings)
        yield Period(table.name, PeriodKind(table.kind), table.first, table.last, frozenset(places))


def _daily(tables: Sequence[Section], usual: Daily, findings: Findings) -> dict[str, Daily]:
    """The hours by kind of place; of two tables for one kind the later one changes the earlier."""
    daily: dict[str, Daily] = {}
    for index, raw in enumerate(tables):
        table = read(HoursOfTable, raw, ("hours_of", index), findings)
        for kind in table.kind if table else ():
            daily[kind] = table.daily(daily.get(kind, usual)) if table else usual
    return daily


def _unknown_makeup(terms: Sequence[Term], land: National, told: set[int], findings: Findings) -> None:
    """A warning for each year of a term whose make-up days neither the library nor the file knows."""
    for index, term in enumerate(terms):
        for year in range(term.first.year, term.last.year + 1):
            is_new = land.known_until < year <= land.known_until + _PUBLISHED_YEARLY
            if land.makeup and is_new and year not in told:
                findings.warn(("term", index), "makeup_unknown", year=year)


def _no_term(made: Calendar, now: float, findings: Findings) -> None:
    today = datetime.fromtimestamp(now, ZoneInfo(made.timezone)).date()
    if not made.terms:
        findings.warn(("term",), "no_terms")
    elif made.term(today) is None:
        findings.warn(("term", len(made.terms) - 1), "no_term_today", today=today)
