"""try the rules on the past: how many alerts, and how many with another limit

用历史数据试规则：会有多少报警，换个限值又会有多少
"""

import argparse
import sys
from pathlib import Path

import orjson

from daemon.config.errors import LANGUAGES

NAME = "backtest"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Run the rules of a configuration over the log (also while the gateway runs) or a table of readings: alerts a "
        "day, the longest, all of them, and for one rule the alerts a week for other values of a parameter. Nobody is "
        "told. Exit code 2: it cannot be done."
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")
    parser.add_argument("--rule", metavar="NAME", help="one rule alone, with its curve")
    parser.add_argument("--from", dest="since", metavar="TIME", help="such as 2026-11-01 (default: the first reading)")
    parser.add_argument("--to", dest="until", metavar="TIME", help="a day counts whole (default: the last reading)")
    parser.add_argument("--readings", type=Path, metavar="FILE", help="CSV (at,point,value) instead of the log")
    parser.add_argument(
        "--sweep", metavar="PARAMETER[=VALUES]",
        help="the parameter of the curve, and values such as hold_min=10,20,30 (default: around the rule's main one)",
    )  # fmt: skip
    parser.add_argument("--no-sweep", action="store_true", help="no curve")
    parser.add_argument("--list", type=int, default=50, metavar="N", help="how many alerts to list (default: 50)")
    parser.add_argument("--language", choices=LANGUAGES, help="of the answer (default: by LANG, else the site's)")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Print what the rules would have said."""
    from daemon.backtest import BacktestError, backtest, kind_named, stretch_of, sweep_of
    from daemon.backtest_text import as_json, text_of
    from daemon.config import ConfigError, load
    from daemon.history import HistoryError, history_of
    from daemon.progress import Bar, lines_of
    from daemon.readings_table import LeftOut, ReadingsError
    from daemon.trial import Registers

    left_out = LeftOut()
    try:
        loaded = load(args.config)
        if args.rule:
            kind_named(args.rule)
        elif args.sweep:
            raise BacktestError("--sweep needs --rule NAME")
        sweep = None
        if args.rule and not args.no_sweep:
            sweep = sweep_of(loaded.rules, loaded.site, args.rule, args.sweep)
        size = args.readings.stat().st_size if args.readings else None
        with Bar("readings", size) as bar:
            history = history_of(loaded, args.readings, left_out, watched=lambda lines: lines_of(lines, bar))
        since, until = stretch_of(history, args.since, args.until, loaded.site.calendar)
        with Bar("backtest", until - since) as bar:
            tested = backtest(
                loaded.rules, loaded.site, history, since=since, until=until, rule=args.rule, sweep=sweep,
                registers=Registers(loaded.moduli, loaded.exchanges), passed=lambda at: bar.reach(at - since),
            )  # fmt: skip
    except (ConfigError, HistoryError, ReadingsError, BacktestError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if args.json:
        sys.stdout.buffer.write(orjson.dumps(as_json(tested), option=orjson.OPT_APPEND_NEWLINE))
    else:
        print(text_of(tested, loaded.site, args.language or loaded.message_language, most=args.list))
    for line in left_out.lines(args.readings):
        print(line, file=sys.stderr)
    return 0
