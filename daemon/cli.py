"""The command `caretaker`."""

import argparse
import sys
from collections.abc import Sequence

from daemon.commands import (
    backtest,
    case,
    check,
    declare,
    decode,
    demo,
    evaluate,
    explain,
    import_meters,
    init,
    models,
    password,
    permit,
    read,
    replay,
    rules,
    run,
    scan,
)

_COMMANDS = (
    demo, init, check, import_meters, run, models, scan, read, decode, replay, backtest, explain, case, rules, evaluate,
    permit, declare, password,
)  # fmt: skip
_DESCRIPTION = """\
校园管家：发现长流水、长明灯和违规大功率电器，通知能处理的人。
Caretaker looks after a campus: it finds running water, lights left on and
high-power appliances, and tells the people who can act."""
_FIRST_STEPS = """\
第一步 / first steps:
  caretaker demo                        先看看它做什么 / see what it does
  caretaker init                        写出 caretaker.toml / write caretaker.toml
  caretaker check caretaker.toml        改好后检查 / check what you changed
  caretaker run --config caretaker.toml
  caretaker COMMAND --help              每个命令的用法 / more on each command"""


def parser() -> argparse.ArgumentParser:
    """All commands with their options; a command's module says in its first lines what it is, in two languages."""
    top = argparse.ArgumentParser(
        prog="caretaker", description=_DESCRIPTION, epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = top.add_subparsers(title="命令 / commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        english, _, chinese = (module.__doc__ or "").strip().partition("\n\n")
        command = commands.add_parser(module.NAME, help=f"{chinese} · {english}")
        module.add(command)
        command.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except BrokenPipeError:  # `caretaker replay ... | head`
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
