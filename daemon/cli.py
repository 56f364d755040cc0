"""The command `caretaker`."""

import argparse
import sys
from collections.abc import Sequence

from daemon.commands import check, decode, demo, init, password, read, replay, run

_COMMANDS = (run, demo, init, check, replay, read, decode, password)


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(
        prog="caretaker",
        description="Caretaker looks after a campus: running water, lights left on, high-power appliances. "
        "校园看护：长流水、长明灯、大功率电器。",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        summary = (module.__doc__ or "").strip().splitlines()[0]
        command = commands.add_parser(module.NAME, help=summary, description=summary)
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


if __name__ == "__main__":
    sys.exit(main())
