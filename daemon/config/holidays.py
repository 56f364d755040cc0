"""National holidays and make-up days (调休上班), from the `holidays` library.

Strategy. The library names a make-up day only in the name of the day off that it replaces, "Day off (substituted from
10/10/2026)": this Saturday follows the weekday of that day off. A government publishes make-up days a year at a time,
so `known_until` says how far they are known. The library is imported while the configuration is read and not before:
it takes more memory than the rest of the configuration.
"""

import re
import warnings
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

NONE = "none"
YEARS = range(2010, 2051)  # not counted from today: the same configuration gives the same calendar on any day
_BY_ZONE = dict.fromkeys(("Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "PRC"), "CN")
_REPLACED = re.compile(r"\b(\d\d)/(\d\d)/(\d{4})\b")
_FRIDAY = 4


class National(NamedTuple):
    """Holidays, the weekday that each make-up day follows, and the last year whose make-up days are known (0: none)."""

    closed: frozenset[date] = frozenset()
    makeup: Mapping[date, int] = {}
    known_until: int = 0


def usual_country(timezone: str) -> str:
    """The country whose holidays a site keeps unless it says otherwise."""
    return _BY_ZONE.get(timezone, NONE)


def countries() -> tuple[str, ...]:
    """All that can be asked for: countries, and regions of a country such as `DE-BY`."""
    from holidays import list_supported_countries

    known = list_supported_countries(include_aliases=False)
    regions = (f"{country}-{region}" for country, all_ in sorted(known.items()) for region in all_)
    return (NONE, *sorted(known), *regions)


def national(country: str) -> National:
    """The holidays and make-up days of a country or region."""
    if country == NONE:
        return National()
    from holidays import country_holidays

    code, _, region = country.partition("-")
    with warnings.catch_warnings(action="ignore"):  # it knows some countries for some of these years only
        book = country_holidays(code, subdiv=region or None, years=YEARS, language="en_US")
    makeup = dict.fromkeys(book.weekend_workdays, _FRIDAY)  # the day off before it, where none is named
    for day_off, name in book.items():
        for month, day, year in _REPLACED.findall(name):
            makeup[date(int(year), int(month), int(day))] = day_off.weekday()
    return National(frozenset(book), makeup, max((day.year for day in makeup), default=0))
