"""run the gateway: read sensors, judge, show the panel, tell staff"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.clock import SystemClock
    from daemon.config import Loaded

NAME = "run"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")


def run(args: argparse.Namespace) -> int:
    from daemon.clock import SystemClock
    from daemon.config import ConfigError, load
    from daemon.store import StoreError

    log_to_stderr()
    try:
        loaded = load(args.config)
        for warning in loaded.warnings:
            print(warning, file=sys.stderr)
        clock = SystemClock(trusted=loaded.clock == "trust")
        return serve(loaded, clock)
    except (ConfigError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2


def serve(loaded: Loaded, clock: SystemClock, *, banner: str = "") -> int:
    """Run until SIGINT or SIGTERM; 1 when a bug stopped it."""
    from daemon.wiring import wire

    over = threading.Event()
    bugs: list[BaseException] = []

    def died(error: BaseException) -> None:
        bugs.append(error)
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    gateway = wire(loaded, clock, banner=banner, died=died)
    gateway.start()
    host, port = gateway.server.address
    logging.getLogger("caretaker").info("panel: http://%s:%d/", f"[{host}]" if ":" in host else host, port)
    over.wait()
    gateway.stop()
    return 1 if bugs else 0


def log_to_stderr() -> None:
    """One line a turn of things, with the time."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
