"""say why a rule raised at a place, or did not

说明一条规则在某处为什么报警、为什么没有报警
"""

import argparse
import sys
from pathlib import Path

import orjson

from daemon.config.errors import LANGUAGES

NAME = "explain"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Run the watches of one rule at one place over the log (also while the gateway runs) or over a table of "
        "readings, and say what they saw and where they stood at a time. Exit code 2: nothing to explain."
    )
    parser.add_argument("place", metavar="PLACE", help="such as dorm-3/402")
    parser.add_argument("rule", metavar="RULE", help="such as running_water; `caretaker rules` lists them")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")
    parser.add_argument(
        "--at", metavar="TIME", help="Unix seconds or 2026-11-20T10:01:20 (without offset: the site's zone); else now"
    )
    parser.add_argument("--readings", type=Path, metavar="FILE", help="CSV (at,point,value) instead of the log")
    parser.add_argument("--language", choices=LANGUAGES, help="of the answer (default: by LANG, else the site's)")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Print the account of each watch."""
    from daemon.config import ConfigError, load
    from daemon.explain import accounts, as_json, reach_of, text_of
    from daemon.history import HistoryError, history_of
    from daemon.readings_table import LeftOut, ReadingsError, time_of

    left_out = LeftOut()
    try:
        loaded = load(args.config)
        language = args.language or loaded.message_language
        at = time_of(args.at, loaded.site.calendar.zone) if args.at else float("inf")
        history = history_of(loaded, args.readings, left_out)
        found = accounts(loaded, history, args.place, args.rule, at, language=language)
    except (ConfigError, HistoryError, ReadingsError) as error:
        print(error, file=sys.stderr)
        return 2
    if args.json:
        sys.stdout.buffer.write(orjson.dumps([as_json(item) for item in found], option=orjson.OPT_APPEND_NEWLINE))
        return 0
    print("\n\n".join(text_of(item, loaded, language) for item in found))
    notes = [reach_of(at, found[0], loaded, language)] if args.at else []
    print("".join(f"{note}\n" for note in [*notes, *left_out.lines(args.readings)] if note), end="", file=sys.stderr)
    return 0
