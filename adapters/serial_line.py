"""The transport of a line: a loop between the way to it and a poller or listener, in a thread of its own."""

import logging
import os
import select
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from adapters.bus_record import BusRecord, BusState
from adapters.device_table import DeviceTable
from adapters.link import Link, codecs_of, open_link, take
from adapters.listener import Listener
from adapters.poller import Poller, device_ids
from adapters.serial_port import PortError
from adapters.source import Line, SerialSource
from rules.model import Fault, Reason, Received, Sample, source_device, stamp, state_point

_log = logging.getLogger(__name__)

HandOver = Callable[[list[Received]], None]
Wait = Callable[[Sequence[int], float | None], Sequence[int]]

OPEN_RETRY_S = 3.0                       # for a port that cannot be opened: it may be plugged in at any moment
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0  # for one that opens and fails before a byte came


def wait_readable(descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
    """The descriptors that can be read, after at most so many seconds (None: until one can)."""
    poll = select.poll()  # select itself refuses descriptors above 1023
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)]


class SerialTransport:
    """Polls the meters of one source, or listens to them, and hands over what they answer, for as long as it runs.

    `clock` gives Unix seconds and stamps what is handed over; `steady` never jumps and times the polling; `wait` waits
    until one of some file descriptors is readable or so many seconds have passed, and returns those that are.
    """

    def __init__(
        self,
        source: SerialSource,
        tables: Mapping[str, DeviceTable],
        *,
        clock: Callable[[], float],
        hand_over: HandOver,
        steady: Callable[[], float] = time.monotonic,
        wait: Wait = wait_readable,
    ) -> None:
        self._source = source
        self._tables = tables
        self._record = BusRecord(device_ids(source, tables))
        self._hand_over = hand_over
        self._clock = clock
        self._steady = steady
        self._wait = wait
        self._is_online: bool | None = None
        self._turned = 0.0
        self._failures = 0
        self._line = source.line
        self._refused: set[Line] = set()   # settings that the port could not have: told once
        self._is_stopping = threading.Event()
        self._woken, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"serial {source.name}", daemon=True)

    def start(self) -> None:
        """Begin to poll; returns at once, whether the port is there or not."""
        self._thread.start()

    def stop(self) -> None:
        """End the polling and close the port; returns when both have happened."""
        if self._is_stopping.is_set():
            return
        self._is_stopping.set()
        os.write(self._wake, b"x")
        if self._thread.ident is not None:
            self._thread.join()
        os.close(self._wake)
        os.close(self._woken)

    def state(self) -> BusState:
        """How the bus does; may be called from any thread."""
        return self._record.state(self._steady(), clock=self._clock())

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            has_opened = False
            try:
                with closing(open_link(self._source.port, self._source.line)) as link:
                    has_opened = True
                    self._turn(is_online=True)
                    self._pump(link)
            except (PortError, OSError, termios.error) as error:   # SerialException is an OSError, termios.error is not
                self._turn(is_online=False, why=str(error))
                self._wait([self._woken], self._retry_s() if has_opened else OPEN_RETRY_S)

    def _retry_s(self) -> float:
        """How long a port is left alone that opened and failed; the longer, the more often it did without a byte."""
        self._failures += 1
        return min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 16))

    def _pump(self, link: Link) -> None:
        bus = self._bus(link)
        descriptor = link.fileno()
        self._line = self._source.line
        while not self._is_stopping.is_set():
            now = self._steady()
            request = bus.next_request(now)
            if request is not None and self._can_send(link, request.line):
                os.write(descriptor, request.data)  # pyserial's own write uses select, which ends at 1023
            due = bus.deadline()
            ready = self._wait([descriptor, self._woken], None if due is None else max(0.0, due - now))
            data = take(descriptor, self._source.port) if descriptor in ready else b""
            if data:
                self._failures = 0   # an adapter that opens and fails at once must not be tried every second
            self._pass_on(bus.feed(data, self._steady()))

    def _bus(self, link: Link) -> Poller | Listener:
        """Who knows what is said on the line."""
        source, tables = self._source, self._tables
        if source.listen:
            return Listener(source, tables, lag_s=link.lag_s, record=self._record)
        return Poller(source, tables, codecs=codecs_of(source.port), lag_s=link.lag_s, record=self._record)

    def _can_send(self, link: Link, line: Line) -> bool:
        """Give the port these settings; where it cannot have them, only the devices that need them stay silent."""
        if line == self._line:
            return True
        try:
            link.set_line(line)
        except PortError as error:
            if line not in self._refused:
                self._refused.add(line)
                _log.warning("%s: %s", self._source.name, error)
                self._pass_on([Fault(self._source.name, self._steady(), Reason.PORT_LOST, str(error))])
            link.set_line(self._line)
            return False
        self._line = line
        return True

    def _pass_on(self, found: Sequence[Sample | Fault]) -> None:
        if not found:
            return
        arrived = self._clock()
        offset = arrived - self._steady()
        self._hand_over([Received(stamp(arrived), what._replace(at=stamp(what.at + offset))) for what in found])

    def _turn(self, *, is_online: bool, why: str = "") -> None:
        """Tell that the port came or went; once, not at every try."""
        if is_online is self._is_online:
            return
        name, now = self._source.name, stamp(self._clock())
        state = {state_point(name, "online"): float(is_online)}
        told: list[Sample | Fault] = [Sample(now, source_device(name), state)]
        if is_online:
            away_s = self._steady() - self._turned
            _log.info("%s: %s is open%s", name, self._source.port, "" if self._is_online is None else
                      f" again after {away_s:.0f} s")  # fmt: skip
        else:
            _log.warning("%s: %s", name, why)
            told.append(Fault(name, now, Reason.PORT_LOST, why))
        self._is_online, self._turned = is_online, self._steady()
        self._hand_over([Received(now, what) for what in told])
