"""check a configuration: every mistake at once

检查配置，一次列出所有错误
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from daemon.config import ConfigError, Loaded, load
from daemon.config.words import WORDS

NAME = "check"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = "Check a configuration: every mistake at once as file:line: key: message. Exit code 2 if any."
    parser.add_argument("file", type=Path, metavar="FILE", help="the configuration (TOML)")


def run(args: argparse.Namespace) -> int:
    """Say what is wrong, or what the configuration holds."""
    try:
        loaded = load(args.file)
    except ConfigError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    sys.stdout.write("".join(f"{line}\n" for line in (*loaded.warnings, *_summary(loaded, loaded.message_language))))
    return 0


def _summary(loaded: Loaded, language: str) -> list[str]:
    site = loaded.site
    kinds = Counter(watch.rule for watch in loaded.watches())
    watching = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "–"
    lines = [
        WORDS["summary"][language].format(
            file=loaded.path, places=len(site.places), points=len(site.points), sources=len(loaded.sources)
        ),
        WORDS["summary_rules"][language].format(watching),
    ]
    lines += [
        WORDS["summary_bus"][language].format(name=bus.name, devices=bus.devices, round_s=bus.round_s)
        for bus in loaded.buses
    ]
    return lines
