"""The pipeline's thread: it alone owns the engine and the writing connection; everybody else hands it work."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from daemon.pipeline import Batch, Pipeline

log = logging.getLogger("caretaker.driver")

TICK_S = 0.5
T = TypeVar("T")


class Driver:
    """Runs one pipeline: batches as they come, closures of at most 50 ms in between, a tick at least every TICK_S."""

    def __init__(self, pipeline: Pipeline, died: Callable[[BaseException], None]) -> None:
        self._pipeline = pipeline
        self._died = died
        self._inbox: queue.SimpleQueue[Batch | Callable[[], None] | None] = queue.SimpleQueue()
        self._is_dead = False
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive() and not self._is_dead

    def put(self, batch: Batch) -> None:
        """Hand over what a transport received; never blocks."""
        self._inbox.put(batch)

    def ask(self, question: Callable[[], T], timeout_s: float = 30.0) -> T:
        """Run a closure in the pipeline's thread and return its answer."""
        if threading.current_thread() is self._thread:
            return question()
        if self._is_dead:
            raise RuntimeError("the pipeline has stopped on a bug")
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(question())
            except Exception as error:  # noqa: BLE001 - whoever asked gets it
                answer.set_exception(error)

        self._inbox.put(run)
        return answer.result(timeout_s)

    def stop(self) -> None:
        """Finish what was handed over, commit it, and keep what the engine remembers."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._work():
                self._pipeline.tick()
            self._pipeline.finish()
        except BaseException as error:
            self._is_dead = True
            log.critical("the pipeline stopped on a bug", exc_info=True)
            self._died(error)
            raise

    def _work(self) -> bool:
        """Handle what is there, for a tick at most; False when told to stop."""
        item: Any
        end = time.monotonic() + TICK_S
        try:
            item = self._inbox.get(timeout=TICK_S)
        except queue.Empty:
            return True
        while item is not None:
            if isinstance(item, Batch):
                self._pipeline.consume(item)
            else:
                item()
            if time.monotonic() >= end:  # under a steady flow the inbox is never empty
                return True
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                return True
        return False
