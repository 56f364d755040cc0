"""save an alert as a test case: readings, settings and events in one file

把一个报警存成测试用例：读数、设置和事件都在一个文件里
"""

import argparse
import sys
from pathlib import Path

NAME = "case"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Save an alert with the readings it rests on and the settings that matter, without secrets, as one file that "
        "`caretaker replay --case FILE` runs again. Works while the gateway runs. Exit code 2: there is no such alert."
    )
    parser.add_argument("number", type=int, metavar="NUMBER", help="of the alert, as the panel shows it")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="else case-NUMBER.json")


def run(args: argparse.Namespace) -> int:
    """Write the file, and say whether it gives the same events again."""
    from daemon.case import DIFFERS, CaseError, case_of, to_json
    from daemon.config import ConfigError, load
    from daemon.history import HistoryError, StoredHistory
    from daemon.store import incident
    from daemon.trial import Registers

    try:
        loaded = load(args.config)
        history = StoredHistory(loaded.store_path, loaded.message_language)
        found = incident(history.connection, args.number)
        if found is None:
            raise CaseError(f"there is no alert {args.number} in {loaded.store_path}")
        registers = Registers(loaded.moduli, loaded.exchanges)
        case = case_of(loaded.rules, loaded.site, history, found, registers=registers)
        file = args.output or Path(f"case-{args.number}.json")
        is_same = case.is_same()
        file.write_bytes(to_json(case, is_same=is_same))
    except (ConfigError, HistoryError, CaseError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    count = sum(len(batch.entries) for batch in case.log)
    print(f"{file}: {case.rule} {case.key}, {len(case.events)} events, {count} samples")
    if not is_same:
        print(DIFFERS, file=sys.stderr)
    return 0
