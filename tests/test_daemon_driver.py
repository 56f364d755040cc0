"""The pipeline's thread: it ticks under any load, answers, and says when it is dead."""

import threading
from typing import Any

import pytest

from daemon.driver import Driver
from daemon.pipeline import Batch


class Flooded:
    """A pipeline to which every batch brings the next, until it was let tick."""

    def __init__(self) -> None:
        self.driver: Driver
        self.consumed = 0
        self.ticked = threading.Event()
        self.finished = False

    def consume(self, batch: Batch) -> None:
        self.consumed += 1
        if not self.ticked.is_set():
            self.driver.put(batch)
        if batch.source == "bug":
            raise ZeroDivisionError("a bug")

    def tick(self) -> None:
        if self.consumed:
            self.ticked.set()

    def finish(self) -> None:
        self.finished = True


def driver_of(pipeline: Any) -> tuple[Driver, list[BaseException]]:
    deaths: list[BaseException] = []
    driver = Driver(pipeline, deaths.append)
    pipeline.driver = driver
    driver.start()
    return driver, deaths


def test_it_ticks_although_the_inbox_is_never_empty() -> None:
    pipeline = Flooded()
    driver, deaths = driver_of(pipeline)
    driver.put(Batch("flood", []))
    assert pipeline.ticked.wait(10)
    driver.stop()
    assert pipeline.consumed > 10
    assert pipeline.finished
    assert not deaths


def test_a_question_is_answered_or_its_error_handed_back() -> None:
    driver, _ = driver_of(Flooded())
    assert driver.ask(lambda: 42) == 42
    with pytest.raises(KeyError):
        driver.ask(lambda: {}["nothing"])
    driver.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_is_told_and_nobody_waits_for_the_dead() -> None:
    pipeline = Flooded()
    driver, deaths = driver_of(pipeline)
    driver.put(Batch("bug", []))
    driver._thread.join(10)
    assert [type(death) for death in deaths] == [ZeroDivisionError]
    assert not driver.is_running
    with pytest.raises(RuntimeError, match="stopped on a bug"):
        driver.ask(lambda: 42)
    driver.stop()
    assert not pipeline.finished
