"""A simulated line on a real pseudo-terminal: the thread between the port and the line."""

import os
import select
import termios
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.source import Line
from daemon.simulation.line import SimulatedLine

_SPEEDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}  # fmt: skip


class SimulatedPort:
    """A pseudo-terminal at whose other end the meters of a line answer; it runs while its context lasts.

    `port` is what a serial port is opened with. Pseudo-terminals have no parity, so meters on one want 8 N 1 or any
    settings; the speed that is set counts. `at_once`: bytes take no time on the way, while collisions stay what they
    are. Given a `link`, that path leads to it, and it can be unplugged and plugged in again under that name.
    """

    def __init__(
        self, line: SimulatedLine, *, link: Path | None = None, at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.line = line
        self._link = link
        self._at_once = at_once
        self._clock = clock

    @property
    def port(self) -> str:
        return str(self._link or self._name)

    def plug_in(self) -> None:
        """Let the port be there, and begin to answer."""
        self._near, self._held_open = os.openpty()   # the port's side stays open: it outlives whoever opens it
        tty.setraw(self._held_open)
        self._name = os.ttyname(self._held_open)
        self._woken, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name="simulated meters", daemon=True)
        self._thread.start()
        if self._link:
            self._link.symlink_to(self._name)

    def unplug(self) -> None:
        """Take the port away, as when an adapter is pulled out."""
        if self._link:
            self._link.unlink()
        os.write(self._wake, b"x")
        self._thread.join()
        for descriptor in (self._near, self._held_open, self._woken, self._wake):
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.unplug()

    def _run(self) -> None:
        poll = select.poll()
        for descriptor in (self._near, self._woken):
            poll.register(descriptor, select.POLLIN)
        now = self._clock()
        while True:
            due = None if self._at_once else self.line.due()
            wait_ms = None if due is None else max(0.0, due - self._clock()) * 1000
            ready = {descriptor for descriptor, _ in poll.poll(wait_ms)}
            if self._woken in ready:
                return
            now = max(now, self._clock())
            if self._near in ready:
                self.line.feed(os.read(self._near, 4096), now, settings=self._settings())
            while self._at_once and (due := self.line.due()) is not None:
                now = due
                self._pass_on(now)
            if not self._at_once:
                self._pass_on(now)

    def _pass_on(self, now: float) -> None:
        data = self.line.take(now)
        if data:
            os.write(self._near, data)

    def _settings(self) -> Line:
        """What the program has set the port to."""
        return Line(_SPEEDS.get(termios.tcgetattr(self._near)[4], 0) or 9600, 8, "N", 1)
