"""run recorded readings (CSV) through the rules

用规则回放历史读数（CSV）
"""

import argparse
import sys
from pathlib import Path

import orjson

from daemon.event_json import as_json

NAME = "replay"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Run recorded readings through the rules of a configuration and print each event as a line of JSON. Rows that "
        "cannot be read are left out and listed on stderr."
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")
    parser.add_argument(
        "--readings", type=Path, required=True, metavar="FILE",
        help="CSV with the columns at,point,value; `at` as Unix seconds or ISO 8601 (without offset: the site's zone)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print the events of a table of readings."""
    from daemon.config import ConfigError, load
    from daemon.history import HistoryError, history_of, judged
    from daemon.readings_table import LeftOut
    from rules.engine import Engine

    left_out = LeftOut()
    try:
        loaded = load(args.config)
        history = history_of(loaded, args.readings, left_out)
    except (ConfigError, HistoryError) as error:
        print(error, file=sys.stderr)
        return 2
    for event in judged(Engine(loaded.watches()), history.batches(0.0, float("inf"))):
        sys.stdout.buffer.write(orjson.dumps(as_json(event), option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
    for line in left_out.lines(args.readings):
        print(line, file=sys.stderr)
    return 0
