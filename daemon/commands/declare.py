"""say what is so at a place: a round done, on duty, a pressure test begun

声明某处的情况：巡查完成、值班、打压试验
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from rules.fact import DECLARABLE

if TYPE_CHECKING:
    from daemon.config import Loaded
    from rules.fact import Declaration

NAME = "declare"

WAIT_S = 5.0
_WORDS = {
    "zh": {
        "round": "刚刚巡查过",
        "on-duty": "有人值班",
        "off-duty": "无人值班",
        "pressure-test-begin": "打压试验开始",
        "pressure-test-end": "打压试验结束",
        "said": "{place}：{what}",
        "taken": "{said}（已生效）",
        "waits": "{said}（网关未在运行；{hours:g} 小时内启动才算数）",
        "waits_end": "{said}（网关未在运行，启动后生效）",
        "refused": "{said}：未被接受：{why}",
        "no_place": "没有位置 {place}",
        "near": "；是否想写 {name}？",
        "cannot": "{place} 不能声明 {what}：{where}；这里可以声明：{those}",
        "where_attended": "巡查和值班只用于锅炉房（设备已上报的除外）",
        "where_tested": "打压试验只用于有压力读数的位置（设备已上报的除外）",
        "nothing": "无",
    },
    "en": {
        "round": "a round was done just now",
        "on-duty": "somebody is on duty",
        "off-duty": "nobody is on duty",
        "pressure-test-begin": "the pressure test has begun",
        "pressure-test-end": "the pressure test has ended",
        "said": "{place}: {what}",
        "taken": "{said} (in force)",
        "waits": "{said} (the gateway does not run; it counts if that starts within {hours:g} h)",
        "waits_end": "{said} (the gateway does not run; in force when it does)",
        "refused": "{said}: refused: {why}",
        "no_place": "no place {place}",
        "near": "; did you mean {name}?",
        "cannot": "{what} cannot be said about {place}: {where}; what can be: {those}",
        "where_attended": "rounds and duty are for boiler rooms where no device tells them",
        "where_tested": "a pressure test is for places with a pressure reading where no device tells it",
        "nothing": "nothing",
    },
}


class DeclareError(Exception):
    """What was asked for cannot be said."""


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Say what is so at a place from now on: round (a round was done just now), on-duty and off-duty (somebody "
        "responsible is there, or has gone), pressure-test-begin and pressure-test-end (pipes stand under test "
        "pressure, and nobody touches them). Rounds and duty are for boiler rooms, a pressure test for places with a "
        "pressure reading. Without a word, say what can be declared there, and what was last. Needs no password, but "
        "the right to write beside the database. Exit code 2: not done."
    )
    parser.add_argument("place", metavar="PLACE", help="such as teach-1/boiler")
    parser.add_argument("what", nargs="?", choices=DECLARABLE, metavar="WHAT", help=", ".join(DECLARABLE))
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")


def run(args: argparse.Namespace) -> int:
    """Declare it, and say whether the gateway has taken it up."""
    from daemon.config import ConfigError, load
    from rules.fact import Declaration

    try:
        loaded = load(args.config)
        _check(args.place, args.what, loaded)
        if args.what is None:
            print("\n".join(_listed(args.place, loaded)))
            return 0
        return _declare(Declaration(args.place, args.what, time.time()), loaded)
    except ConfigError as error:
        print(error, file=sys.stderr)
    except (DeclareError, OSError, sqlite3.Error) as error:
        print(f"caretaker declare: {error}", file=sys.stderr)
    return 2


def _check(place: str, what: str | None, loaded: Loaded) -> None:
    """Raises DeclareError for a place that is none, and for what cannot be said there."""
    from rules.fact import declarable

    words = _WORDS[loaded.message_language]
    if place not in loaded.site.places:
        near = get_close_matches(place, loaded.site.places, n=1)
        meant = "".join(words["near"].format(name=repr(name)) for name in near)
        raise DeclareError(words["no_place"].format(place=repr(place)) + meant)
    can = declarable(loaded.site, place)
    if what is not None and what not in can:
        where = words["where_tested" if DECLARABLE[what][0] == "pressure_test" else "where_attended"]
        those = ", ".join(can) or words["nothing"]
        raise DeclareError(words["cannot"].format(place=place, what=what, where=where, those=those))


def _declare(wanted: Declaration, loaded: Loaded) -> int:
    from daemon.facts import OLD_S, awaited, declare, folder_of

    words = _WORDS[loaded.message_language]
    outcome, why = awaited(declare(wanted, folder_of(loaded.store_path)), WAIT_S)
    if outcome == "waits" and not DECLARABLE[wanted.what][1]:
        outcome = "waits_end"
    said = words["said"].format(place=wanted.place, what=words[wanted.what])
    print(words[outcome].format(said=said, why=why, hours=OLD_S / 3600))
    return 2 if why is not None else 0


def _listed(place: str, loaded: Loaded) -> list[str]:
    """What can be declared at a place, each with when it was said last, if it still is the newest word."""
    from daemon.facts import newest_readings
    from rules.fact import declarable, fact_point

    words, zone = _WORDS[loaded.message_language], loaded.site.calendar.zone
    newest = newest_readings(loaded.store_path, loaded.site) if loaded.store_path.exists() else {}
    lines = []
    for what in declarable(loaded.site, place):
        quantity, value = DECLARABLE[what]
        at, last = newest.get(fact_point(place, quantity), (0.0, -1.0))
        when = f"  {datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}" if last == value else ""
        lines.append(f"{what:<20} {words[what]}{when}")
    nothing = "; ".join((words["nothing"], words["where_attended"], words["where_tested"]))
    return lines or [words["said"].format(place=place, what=nothing)]
