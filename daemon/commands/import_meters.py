"""take over a list of meters from a spreadsheet

从表格导入表计清单
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.config.importing import Import

NAME = "import"

_TOLD = 20  # meters that the list no longer has
_WORDS = {
    "zh": {
        "nothing": "有 {bad} 行不能用，什么也没有写入；改正后再导入，或用 --good-rows 先导入其余各行",
        "elsewhere": "配置有错误，什么也没有写入",
        "own": "{into} 就是配置文件本身；--into 须是另一个文件",
        "done": "{rows} 行：新增 {added}，更改 {changed}，未变 {same}；已写入 {into}",
        "as_is": "{rows} 行：全部未变；{into} 未作改动",
        "left_out": "有 {bad} 行未导入",
        "gone": "{into} 中有而清单中没有的表：{count} 块（未删除；--prune 可删除）",
        "unused": "不认识的列，未使用：{columns}",
        "include": '请在 {config} 的最前面（所有表之前）写一行：include = ["{name}"]',
        "next": "然后检查并重启网关：caretaker check {config}",
        "template": "已写入 {file}；填好后运行：caretaker import meters {file} --config caretaker.toml",
        "exists": "{file} 已存在，未作改动",
    },
    "en": {
        "nothing": "{bad} rows cannot be used, so nothing was written; mend them and import again, or take the others "
        "with --good-rows",
        "elsewhere": "the configuration has mistakes, so nothing was written",
        "own": "{into} is the configuration itself; --into needs another file",
        "done": "{rows} rows: added {added}, changed {changed}, unchanged {same}; {into} is written",
        "as_is": "{rows} rows: all unchanged; {into} was left alone",
        "left_out": "{bad} rows were left out",
        "gone": "meters of {into} that are not in the list: {count} (kept; --prune takes them out)",
        "unused": "columns that mean nothing here: {columns}",
        "include": 'write this line at the top of {config}, above all tables: include = ["{name}"]',
        "next": "then check it and start the gateway anew: caretaker check {config}",
        "template": "{file} is written; fill it in and run: caretaker import meters {file} --config caretaker.toml",
        "exists": "{file} exists already and was left alone",
    },
}


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    lists = parser.add_subparsers(title="什么 / what", metavar="WHAT", required=True)
    meters = lists.add_parser("meters", help="表计清单 · a list of meters, XLSX or CSV")
    meters.description = (
        "Take over the meters of a list, one a row, as an XLSX or CSV file: place, model, address, and what else the "
        "template explains. They go to a file beside the configuration that it includes; the configuration itself is "
        "not touched. A meter that is there already, by source, protocol and address, is updated, and what was written "
        "by hand stays. Nothing is written if any row is wrong. Exit code 2: nothing written, 1: rows were left out."
    )
    meters.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the list, .xlsx or .csv")
    meters.add_argument("--config", type=Path, metavar="FILE", help="the configuration (TOML)")
    meters.add_argument("--into", default="meters.toml", metavar="NAME",
                        help="the included file, beside the configuration (default: %(default)s)")  # fmt: skip
    meters.add_argument("--template", type=Path, metavar="FILE",
                        help="write a list to fill in, .xlsx or .csv; with --config for its places")  # fmt: skip
    either = meters.add_mutually_exclusive_group()
    either.add_argument("--good-rows", action="store_true", help="import the rows that are right, leave out the others")
    either.add_argument("--prune", action="store_true", help="take out meters that the list does not have")
    meters.set_defaults(usage=meters.error)


def run(args: argparse.Namespace) -> int:
    """Import a list, or write its template."""
    if args.template is not None:
        return _template(args.template, args.config)
    if args.file is None or args.config is None:
        args.usage("FILE and --config are needed, or --template")
    from daemon.config.errors import message_language
    from daemon.config.importing import planned

    into = args.config.parent / args.into
    if into.resolve() == args.config.resolve():
        return _refused(_WORDS[message_language(os.environ, "zh")]["own"].format(into=into))
    made = planned(args.config, args.file, into, environ=os.environ, prune=args.prune, good_rows=args.good_rows)
    return _finish(made, args, into)


def _finish(made: Import, args: argparse.Namespace, into: Path) -> int:
    """Say what is wrong, write the included file unless that forbids it, and say what comes next."""
    words, listed = _WORDS[made.language], made.listed
    for line in (*made.rows, *made.elsewhere):
        print(line)
    if made.elsewhere:
        return _refused(words["elsewhere"])
    if made.rows and not (args.good_rows and made.bad and listed.meters):
        return _refused(words["nothing"].format(bad=len(made.bad)) if made.bad else "")
    if made.is_new:
        try:
            _write(into, made.edit.text)
        except OSError as error:
            return _refused(f"{into}: {error.strerror}")
    for line in made.hints:
        print(line)
    edit = made.edit
    counts = {"added": edit.added, "changed": edit.changed, "same": edit.same}
    print(words["done" if made.is_new else "as_is"].format(rows=sum(counts.values()), into=into, **counts))
    if listed.unused:
        print(words["unused"].format(columns=", ".join(listed.unused)))
    if edit.gone and not made.bad:
        print(words["gone"].format(into=into, count=len(edit.gone)))
        print("\n".join(f"  {name}" for name in (*edit.gone[:_TOLD], *(["…"] if len(edit.gone) > _TOLD else []))))
    if made.bad:
        print(words["left_out"].format(bad=len(made.bad)))
    if not made.is_included:
        print(words["include"].format(config=args.config, name=args.into))
    print(words["next"].format(config=args.config))
    return 1 if made.bad else 0


def _refused(why: str) -> int:
    if why:
        print(why, file=sys.stderr)
    return 2


def _write(file: Path, text: str) -> None:
    """Replace a file at once, so that a power cut leaves the old one or the new one."""
    new = file.with_name(f"{file.name}.new")
    with new.open("w", encoding="utf-8", newline="") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    if file.exists():
        new.chmod(file.stat().st_mode)
    new.replace(file)


def _template(file: Path, config: Path | None) -> int:
    """Write the list to fill in, with examples at places of the configuration that measure nothing yet."""
    from adapters.source import SerialSource
    from daemon.config import ConfigError, load
    from daemon.config.errors import message_language
    from daemon.config.meter_template import write_template

    language, places, source = message_language(os.environ, "zh"), [], ""
    if config is not None:
        try:
            loaded = load(config)
        except ConfigError as error:
            print(error, file=sys.stderr)
            return 2
        language = loaded.message_language
        measured = {point.place for point in loaded.site.points.values()}
        places = [place for place in loaded.site.places if "/" in place and place not in measured]
        lines = [item.name for item in loaded.sources if isinstance(item, SerialSource)]
        source = lines[0] if len(lines) > 1 else ""
    words = _WORDS[language]
    try:
        write_template(file, language, places=places, source=source)
    except FileExistsError:
        return _refused(words["exists"].format(file=file))
    except OSError as error:
        return _refused(f"{file}: {error.strerror}")
    print(words["template"].format(file=file))
    return 0
