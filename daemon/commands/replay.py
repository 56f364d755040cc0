"""run recorded readings (CSV) or a saved case through the rules

用规则回放历史读数（CSV）或存下的用例
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import orjson

from daemon.event_json import as_json
from rules.model import Event

NAME = "replay"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Run recorded readings through the rules of a configuration and print each event as a line of JSON. Rows that "
        "cannot be read are left out and listed on stderr. Or run a case that `caretaker case` saved: exit code 1 if "
        "the events are not those of then."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--readings", type=Path, metavar="FILE",
        help="CSV with the columns at,point,value; `at` as Unix seconds or ISO 8601 (without offset: the site's zone)",
    )  # fmt: skip
    what.add_argument("--case", type=Path, metavar="FILE", help="a saved case; needs no configuration")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (TOML), with --readings")


def run(args: argparse.Namespace) -> int:
    """Print the events of a table of readings, or of a case."""
    if args.case:
        return _case(args.case)
    if not args.config:
        print("caretaker replay --readings needs --config FILE", file=sys.stderr)
        return 2
    return _table(args.config, args.readings)


def _table(config: Path, readings: Path) -> int:
    from daemon.config import ConfigError, load
    from daemon.history import HistoryError, history_of
    from daemon.readings_table import LeftOut
    from daemon.trial import Registers, engine_of, judged

    left_out = LeftOut()
    try:
        loaded = load(config)
        history = history_of(loaded, readings, left_out)
    except (ConfigError, HistoryError) as error:
        print(error, file=sys.stderr)
        return 2
    registers = Registers(loaded.moduli, loaded.exchanges)
    _print(judged(engine_of(loaded.watches(), loaded.site, registers), history.batches(0.0, float("inf"))))
    for line in left_out.lines(readings):
        print(line, file=sys.stderr)
    return 0


def _case(file: Path) -> int:
    from daemon.case import CaseError, of_file

    try:
        case = of_file(file.read_bytes())
    except (OSError, CaseError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        return 2
    said = case.replayed()
    _print(said)
    if said == case.events:
        print(f"{file}: the same {len(said)} events", file=sys.stderr)
        return 0
    for mark, events, others in (("+", said, case.events), ("-", case.events, said)):
        for event in events:
            if event not in others:
                print(f"{file}: {mark} {event.turn.value} at {event.at}: {event.why} {dict(event.values)}",
                      file=sys.stderr)  # fmt: skip
    return 1


def _print(events: Iterable[Event]) -> None:
    for event in events:
        sys.stdout.buffer.write(orjson.dumps(as_json(event), option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
