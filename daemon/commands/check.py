"""check a configuration: every mistake at once

检查配置，一次列出所有错误
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from daemon.config import ConfigError, Loaded, load
from daemon.config.words import WORDS
from rules.calendar import Calendar

NAME = "check"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = "Check a configuration: every mistake at once as file:line: key: message. Exit code 2 if any."
    parser.add_argument("file", type=Path, metavar="FILE", help="the configuration (TOML)")


def run(args: argparse.Namespace) -> int:
    """Say what is wrong, or what the configuration holds."""
    try:
        now = time.time()
        loaded = load(args.file, now=now)
    except ConfigError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    language = loaded.message_language
    lines = (*loaded.warnings, *_summary(loaded, language), today(loaded.site.calendar, now, language))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _summary(loaded: Loaded, language: str) -> list[str]:
    site = loaded.site
    kinds = Counter(watch.rule for watch in loaded.watches())
    watching = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "–"
    lines = [
        WORDS["summary"][language].format(
            file=loaded.path, places=len(site.places), points=len(site.points), sources=len(loaded.sources)
        ),
        WORDS["summary_rules"][language].format(watching),
    ]
    lines += [
        WORDS["summary_bus"][language].format(name=bus.name, devices=bus.devices, round_s=bus.round_s)
        for bus in loaded.buses
    ]
    return lines


def today(calendar: Calendar, now: float, language: str) -> str:
    """What the calendar makes of today: term, school day or not, whose timetable, periods."""
    day = calendar.local(now).date()
    names = WORDS["weekdays"][language].split(",")
    term = calendar.term(day)
    told = "today_any_term" if not calendar.terms else "today_term" if term else "today_holiday"
    what = [WORDS[told][language].format(term.name if term else "")]
    if calendar.is_in_term(day):
        is_moved = day in calendar.makeup
        told = "today_makeup" if is_moved else "today_taught" if calendar.is_school_day(day) else "today_rest"
        what.append(WORDS[told][language].format(names[calendar.weekday(day)]))
    for period in calendar.periods:
        if period.first <= day <= period.last:
            places = ", ".join(sorted(period.places)) or WORDS["everywhere"][language]
            told = "today_named_period" if period.name else "today_period"
            kind = WORDS[period.kind][language]
            what.append(WORDS[told][language].format(name=period.name, kind=kind, places=places))
    joined = ("；" if language == "zh" else "; ").join(what)
    return WORDS["today"][language].format(day=day, weekday=names[day.weekday()], what=joined)
