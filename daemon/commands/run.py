"""run the gateway: read, judge, show, tell

运行网关：读数据、判断、显示、通知
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.config import Loaded

NAME = "run"
WAKE_S = 1.0

End = SimpleQueue[BaseException | None]  # why to end: a bug, or None when asked; `put` is safe in a signal handler


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Run the gateway until Ctrl-C or SIGTERM. Exit code 2: the configuration is wrong; 1: the store or the panel's "
        "address cannot be used, or a bug stopped it; 0: it was asked to end."
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")


def run(args: argparse.Namespace) -> int:
    """Run a configuration until it is asked to end."""
    import sqlite3

    from daemon.config import ConfigError, load
    from daemon.store import StoreError

    end = end_on_signals()
    log_to_stderr(logging.INFO)
    try:
        loaded = load(args.config)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.write("".join(f"{warning}\n" for warning in loaded.warnings))
    try:
        return serve(loaded, end, ready=lambda url: logging.getLogger("caretaker").info("panel: %s", url))
    except (StoreError, OSError) as error:
        sys.stderr.write(f"caretaker run: {error}\n")
        return 1
    except sqlite3.DatabaseError as error:
        sys.stderr.write(f"caretaker run: {loaded.store_path} is damaged ({error}): move it away, or restore a copy\n")
        return 1


def serve(loaded: Loaded, end: End, *, ready: Callable[[str], None], banner: str = "") -> int:
    """Run until `end` says so, telling `ready` the panel's address; 1 when a bug stopped it."""
    from daemon.clock import SystemClock
    from daemon.wiring import wire

    threading.excepthook = lambda death: _end_on_a_bug(death, end)
    gateway = wire(loaded, SystemClock(trusted=loaded.clock == "trust"), banner=banner, died=end.put)
    gc.collect()
    gc.freeze()  # watches, plans and places stay: they need not be looked through again and again
    gateway.start()
    host, port = gateway.server.address
    ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
    reasons = [_first_of(end)]
    gateway.stop()
    while not end.empty():
        reasons.append(end.get())
    return int(any(isinstance(reason, BaseException) for reason in reasons))


def _first_of(end: End) -> BaseException | None:
    """Wait for word; a signal that reached another thread is handled only when this one wakes."""
    while True:
        with contextlib.suppress(Empty):
            return end.get(timeout=WAKE_S)


def _end_on_a_bug(death: threading.ExceptHookArgs, end: End) -> None:
    """A thread that is gone is a deaf or mute gateway: better one that is started again."""
    name = death.thread.name if death.thread else "?"
    bug = death.exc_value or SystemExit()
    logging.getLogger("caretaker").critical("the thread %s stopped on a bug", name, exc_info=bug)
    end.put(bug)


def end_on_signals(*more: signal.Signals) -> End:
    """Where Ctrl-C, SIGTERM and these signals leave word from now on."""
    end: End = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM, *more):
        signal.signal(number, lambda *_: end.put(None))
    return end


def log_to_stderr(level: int) -> None:
    """One line a turn of things, with the time."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
