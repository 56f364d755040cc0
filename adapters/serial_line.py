"""The transport over a serial port: a loop between the port and a poller, in a thread of its own."""

import glob
import logging
import os
import re
import select
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import serial

from adapters.device_table import DeviceTable
from adapters.poller import Poller
from adapters.source import Line, SerialSource
from rules.model import Fault, Reason, Received, Sample, source_device, stamp, state_point

_log = logging.getLogger(__name__)

HandOver = Callable[[list[Received]], None]
Wait = Callable[[Sequence[int], float | None], Sequence[int]]

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
_LINE = re.compile(r"(\d{3,6}) +([78])([NEO])([12])")
_NO_PARITY = (
    "{port} cannot send a parity bit, which {line} needs. On a Raspberry Pi this is the mini UART (ttyS0): use the "
    "full UART (/dev/ttyAMA0, with dtoverlay=disable-bt) or a USB adapter"
)


class PortError(Exception):
    """A serial port that cannot be used, with what to do about it."""


def wait_readable(descriptors: Sequence[int], seconds: float | None) -> Sequence[int]:
    """The descriptors that can be read, after at most so many seconds (None: until one can)."""
    poll = select.poll()  # select itself refuses descriptors above 1023
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)]


class SerialTransport:
    """Polls the meters of one source and hands over what they answer, for as long as it runs.

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

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                with open_port(self._source.port, self._source.line) as port:
                    self._turn(is_online=True)
                    self._pump(port)
            except (PortError, OSError, termios.error) as error:   # SerialException is an OSError, termios.error is not
                self._turn(is_online=False, why=str(error))
                delay_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures, 16))
                self._failures += 1
                self._wait([self._woken], delay_s)

    def _pump(self, port: serial.Serial) -> None:
        poller = Poller(self._source, self._tables)
        descriptor = port.fileno()
        self._line = self._source.line
        while not self._is_stopping.is_set():
            now = self._steady()
            request = poller.next_request(now)
            if request is not None and self._can_send(port, request.line):
                os.write(descriptor, request.data)  # pyserial's own write and read use select, which ends at 1023
            due = poller.deadline()
            ready = self._wait([descriptor, self._woken], None if due is None else max(0.0, due - now))
            data = os.read(descriptor, 4096) if descriptor in ready else b""
            if descriptor in ready and not data:
                raise PortError(f"{self._source.port} is gone: it can be read, but nothing comes")
            if data:
                self._failures = 0   # an adapter that opens and fails at once must not be tried every second
            self._pass_on(poller.feed(data, self._steady()))

    def _can_send(self, port: serial.Serial, line: Line) -> bool:
        """Give the port these settings; where it cannot have them, only the devices that need them stay silent."""
        if line == self._line:
            return True
        try:
            set_line(port, line)
        except PortError as error:
            if line not in self._refused:
                self._refused.add(line)
                _log.warning("%s: %s", self._source.name, error)
                self._pass_on([Fault(self._source.name, self._steady(), Reason.PORT_LOST, str(error))])
            set_line(port, self._line)
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


def line_from(text: str) -> Line:
    """The settings that a text such as `2400 8E1` names; ValueError when it names none."""
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no line; write it like '2400 8E1': baud, data bits, parity N, E or O, stop bits")
    baud, bits, parity, stop_bits = match.groups()
    return Line(int(baud), int(bits), parity, int(stop_bits))


def line_text(line: Line) -> str:
    """Settings as people write them: `2400 8E1`."""
    return f"{line.baud} {line.bits}{line.parity}{line.stop_bits}"


def open_port(path: str, line: Line) -> serial.Serial:
    """The open port, for us alone, its reads never waiting; PortError says what is wrong and what to do."""
    try:
        port = serial.Serial(
            path, baudrate=line.baud, bytesize=line.bits, parity=line.parity, stopbits=line.stop_bits,
            timeout=0, write_timeout=2.0, exclusive=True,
        )  # fmt: skip
    except (OSError, ValueError, termios.error) as error:
        raise PortError(_why(path, line, error)) from error
    try:
        _check_parity(port, line)
    except PortError:
        port.close()
        raise
    return port


def set_line(port: serial.Serial, line: Line) -> None:
    """Change the settings of an open port between two exchanges; PortError if it cannot."""
    settings = {"baudrate": line.baud, "bytesize": line.bits, "parity": line.parity, "stopbits": line.stop_bits}
    try:
        port.apply_settings(settings)
    except (OSError, ValueError, termios.error) as error:
        raise PortError(_why(str(port.port), line, error)) from error
    _check_parity(port, line)
    port.reset_input_buffer()   # what was read at another speed is no byte of anyone


def _check_parity(port: serial.Serial, line: Line) -> None:
    has_parity = bool(termios.tcgetattr(port.fileno())[2] & termios.PARENB)
    if line.parity != "N" and not has_parity:   # some drivers drop the flag without a word
        raise PortError(_NO_PARITY.format(port=port.port, line=line_text(line)))


def _why(path: str, line: Line, error: Exception) -> str:
    if not os.path.exists(path):
        found = ", ".join(sorted(glob.glob("/dev/serial/by-id/*") or glob.glob("/dev/tty[UA][SCM][BMA]*")))
        return f"no port {path}: is the adapter plugged in? Found: {found or 'none'}"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"no permission for {path}: add the user to the group dialout (sudo usermod -aG dialout USER)"
    if "exclusively lock" in str(error):
        return f"{path} is in use by another program"
    if isinstance(error, termios.error) and line.parity != "N":
        return _NO_PARITY.format(port=path, line=line_text(line))
    return f"{path} cannot be opened at {line_text(line)}: {error}"
