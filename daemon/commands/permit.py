"""permit an appliance in a room, while the gateway runs

临时允许某个房间使用电器，运行中即可生效
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.config import Loaded
    from rules.fact import Permit

NAME = "permit"

WAIT_S = 5.0
MOST_WATTS = 1e6
_WORDS = {
    "zh": {
        "permit": "{place}：允许 {watts:g} 瓦，{begin} 至 {end}",
        "revoked": "{place}：许可已收回",
        "taken": "{said}（已生效）",
        "waits": "{said}（网关未在运行，启动后生效）",
        "refused": "{said}：未被接受：{why}",
        "none": "没有许可",
        "unwatched": "{place}：没有规则在这里看电器，许可不起作用",
        "no_place": "没有位置 {place}",
        "near": "；是否想写 {name}？",
        "needed": "必须写 --watts 和 --until，或 --revoke",
        "watts": "--watts {watts:g}：应大于 0，至多 {most:g}",
        "over": "--until {end} 已经过去，或早于开始",
        "no_date": "{text} 不是日期；应写 2026-11-22，或 2026-11-22T08:00",
    },
    "en": {
        "permit": "{place}: {watts:g} W permitted from {begin} until {end}",
        "revoked": "{place}: permit taken back",
        "taken": "{said} (in force)",
        "waits": "{said} (the gateway does not run; in force when it does)",
        "refused": "{said}: refused: {why}",
        "none": "nothing is permitted",
        "unwatched": "{place}: no rule watches appliances here, so the permit changes nothing",
        "no_place": "no place {place}",
        "near": "; did you mean {name}?",
        "needed": "--watts and --until are needed, or --revoke",
        "watts": "--watts {watts:g}: allowed: more than 0, at most {most:g}",
        "over": "--until {end} is over, or before it begins",
        "no_date": "{text} is no date; write 2026-11-22, or 2026-11-22T08:00",
    },
}


class PermitError(Exception):
    """What was asked for cannot be done."""


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Permit an appliance of so many watts at a place for some time: it is no alert there. A place has one permit; "
        "a new one takes the place of the old. Without a place, or with --list, say what is permitted. Needs no "
        "password, but the right to write beside the database. Exit code 2: not done."
    )
    parser.add_argument("place", nargs="?", metavar="PLACE", help="such as dorm-3/402")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")
    parser.add_argument("--watts", type=float, metavar="W", help="the most that the appliance draws")
    parser.add_argument("--from", dest="begin", metavar="DATE", help="2026-11-22 or 2026-11-22T08:00 (default: now)")
    parser.add_argument("--until", dest="end", metavar="DATE", help="a date is permitted to its end")
    parser.add_argument("--revoke", action="store_true", help="take a permit back")
    parser.add_argument("--list", action="store_true", help="say what is permitted, now or later")


def run(args: argparse.Namespace) -> int:
    """Declare it, and say whether the gateway has taken it up."""
    from daemon.config import ConfigError, load

    try:
        loaded = load(args.config)
        if args.list or args.place is None:
            print("\n".join(_listed(loaded)))
            return 0
        return _declare(_wanted(args, loaded, time.time()), loaded)
    except ConfigError as error:
        print(error, file=sys.stderr)
    except (PermitError, OSError, sqlite3.Error) as error:
        print(f"caretaker permit: {error}", file=sys.stderr)
    return 2


def _wanted(args: argparse.Namespace, loaded: Loaded, now: float) -> Permit:
    from rules.fact import Permit

    words = _WORDS[loaded.message_language]
    if args.place not in loaded.site.places:
        near = get_close_matches(args.place, loaded.site.places, n=1)
        meant = "".join(words["near"].format(name=repr(name)) for name in near)
        raise PermitError(words["no_place"].format(place=repr(args.place)) + meant)
    if args.revoke:
        return Permit(args.place, 0.0, 0.0, 0.0)
    if args.watts is None or args.end is None:
        raise PermitError(words["needed"])
    if not 0 < args.watts <= MOST_WATTS:
        raise PermitError(words["watts"].format(watts=args.watts, most=MOST_WATTS))
    begin = now if args.begin is None else _time(args.begin, loaded, is_end=False)
    end = _time(args.end, loaded, is_end=True)
    if end <= max(begin, now):
        raise PermitError(words["over"].format(end=args.end))
    return Permit(args.place, args.watts, begin, end)


def _time(text: str, loaded: Loaded, *, is_end: bool) -> float:
    """A day (its begin, or the end of it) or a time by the site's clock, as Unix seconds."""
    zone = loaded.site.calendar.zone
    try:
        if len(text) == len("2026-11-22"):
            day = date.fromisoformat(text) + timedelta(days=is_end)
            return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise PermitError(_WORDS[loaded.message_language]["no_date"].format(text=repr(text))) from None


def _declare(permit: Permit, loaded: Loaded) -> int:
    from daemon.facts import awaited, declare, folder_of

    outcome, why = awaited(declare(permit, folder_of(loaded.store_path)), WAIT_S)
    words, said = _WORDS[loaded.message_language], _said(permit, loaded)
    print(words[outcome].format(said=said, why=why))
    if permit.watts and not _is_watched(permit.place, loaded):
        print(words["unwatched"].format(place=permit.place))
    return 2 if why is not None else 0


def _is_watched(place: str, loaded: Loaded) -> bool:
    """Whether a rule asks what is permitted at a place."""
    from rules.fact import fact_point

    asked, site = fact_point(place, "permit_w"), loaded.site.narrowed([place])
    kinds = (rule for rule, places in loaded.rules if place in places)
    return any(asked in watch.inputs.values() for rule in kinds for watch in rule.watches(site))


def _listed(loaded: Loaded) -> list[str]:
    """What is permitted by the log, and what waits for the gateway."""
    from daemon.facts import FactError, body_of, folder_of, newest_facts, read, waiting
    from rules.fact import Permit, permits

    words = _WORDS[loaded.message_language]
    newest = newest_facts(loaded.store_path, loaded.site) if loaded.store_path.exists() else {}
    lines = [_said(permit, loaded) for permit in permits(newest, loaded.site.places, time.time())]
    for path in waiting(folder_of(loaded.store_path)):
        try:
            fact = read(body_of(path), loaded.site)
        except (FactError, OSError):
            continue
        if isinstance(fact, Permit):
            lines.append(words["waits"].format(said=_said(fact, loaded)))
    return lines or [words["none"]]


def _said(permit: Permit, loaded: Loaded) -> str:
    words, zone = _WORDS[loaded.message_language], loaded.site.calendar.zone
    if not permit.watts:
        return words["revoked"].format(place=permit.place)
    begin, end = (f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}" for at in (permit.begin, permit.end))
    return words["permit"].format(place=permit.place, watts=permit.watts, begin=begin, end=end)
