"""measure how well the rules work on recordings

用录得的数据检验规则：查全、查准、误报
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from daemon.config.errors import LANGUAGES, message_language
from daemon.evaluation import TASKS

if TYPE_CHECKING:
    from daemon.evaluation.row import Row
    from daemon.progress import Bar

NAME = "evaluate"
_FAR = re.compile(r"(\d+) of (\d+)")


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Run the rules with their default parameters on recordings, with simple rules beside them, and print one table "
        "of precision, recall, false alarms and delay. Takes minutes. Exit code 2: there is nothing to measure."
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR",
        help="where the recordings lie (default: $CARETAKER_SHARED/data, else ../shared/data beside the project)",
    )  # fmt: skip
    parser.add_argument("--task", choices=TASKS, action="append", metavar="NAME", help=f"only {', '.join(TASKS)}")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="print what --json wrote before; measure nothing")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="for programs")
    shape.add_argument("--markdown", action="store_true", help="as a page for the documentation")
    parser.add_argument("--language", choices=LANGUAGES, help="of headings (default: by LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Measure, and print the table."""
    from daemon.evaluation import table

    language = args.language or message_language(os.environ, "zh")
    try:
        rows = table.of_json(orjson.loads(args.figures.read_bytes())) if args.figures else _measured(args)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if args.figures is None:
            raise
        print(f"{args.figures}: not what `caretaker evaluate --json` writes ({error})", file=sys.stderr)
        return 2
    if args.json:
        sys.stdout.buffer.write(orjson.dumps(table.as_json(rows), option=orjson.OPT_INDENT_2))
    elif args.markdown:
        sys.stdout.buffer.write(table.page(rows, language).encode())
    else:
        print(table.text(rows, language))
    return 0 if rows else 2


def _measured(args: argparse.Namespace) -> list[Row]:
    from daemon.evaluation import task
    from daemon.progress import Bar

    data = args.data or default_data(Path(__file__).parents[2], os.environ)
    names = [name for name in TASKS if args.task is None or name in args.task]
    rows: list[Row] = []
    with Bar("evaluate", len(names)) as bar:
        for done, name in enumerate(names):
            module = task(name)
            if module is None:
                print(f"{name}: not part of this program, left out", file=sys.stderr)
                continue
            bar.say(name)
            found = list(module.rows(data, progress=_teller(bar, done)))
            rows += found
            if not found:
                print(f"{name}: no recordings under {data}, left out", file=sys.stderr)
            bar.reach(done + 1)
    return rows


def _teller(bar: Bar, done: int) -> Callable[[str], None]:
    """What a task calls with where it is; `12 of 40` moves the bar."""

    def tell(what: str) -> None:
        bar.say(what)
        if far := _FAR.search(what):
            bar.reach(done + min(1.0, int(far[1]) / max(1, int(far[2]))))

    return tell


def default_data(project: Path, environ: Mapping[str, str]) -> Path:
    """Where recordings lie unless somebody says so."""
    return Path(environ.get("CARETAKER_SHARED", project.parent / "shared")) / "data"
