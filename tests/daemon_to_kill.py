"""The daemon as a process that a test kills; on request it kills itself (SIGKILL) at a chosen seam.

    python daemon_to_kill.py CONFIG [received|committed|subscribed COUNT]

`received`: after COUNT batches were taken in and before they are committed. `committed`: after COUNT commits, before
the acknowledgements of the last one leave. `subscribed`: not at all; it says `started` only once the broker keeps what
it publishes for us. It prints `resent N` at each commit: messages recognised as sent again.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from daemon.clock import SystemClock
from daemon.config import load
from daemon.pipeline import Batch
from daemon.wiring import wire


def main() -> None:
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    gateway = wire(load(Path(sys.argv[1])), SystemClock(trusted=True), died=lambda _: os.abort())
    pipeline = gateway.pipeline
    seam, count = (sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else ("", 0)
    acknowledge, consume = pipeline._acknowledge, pipeline.consume
    left = count

    def kill_before_acknowledging(source: str, session: int, packets: Sequence[int]) -> None:
        nonlocal left
        print(f"resent {pipeline.resent()}", flush=True)
        left -= 1
        if seam == "committed" and left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        acknowledge(source, session, packets)

    def kill_before_committing(batch: Batch) -> None:
        nonlocal left
        consume(batch)
        left -= bool(batch.received)
        if seam == "received" and left <= 0 and pipeline.uncommitted():
            os.kill(os.getpid(), signal.SIGKILL)

    pipeline._acknowledge = kill_before_acknowledging
    if seam == "received":
        pipeline.consume = kill_before_committing  # type: ignore[method-assign]
    subscribed = threading.Event()
    if seam == "subscribed":
        gateway.changes.subscribe(lambda _: pipeline.health()["broker"].online and subscribed.set())
    else:
        subscribed.set()
    gateway.start()
    subscribed.wait()
    print("started", flush=True)
    over.wait()
    gateway.stop()


if __name__ == "__main__":
    main()
