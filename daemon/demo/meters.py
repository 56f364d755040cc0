"""Simulated DL/T 645-2007 meters on a real pseudo-terminal, with the faults of real lines on request."""

import os
import select
import threading
import time
import tty
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from enum import Enum, auto
from types import TracebackType
from typing import Self

from adapters import dlt645
from adapters.device_table import DeviceTable
from adapters.dlt645 import Frame
from adapters.dlt645_codec import Asked
from adapters.dlt645_identifiers import Bcd
from adapters.protocol import Field

Measure = Callable[[str, float], Mapping[str, float]]


class Trouble(Enum):
    """What is wrong with a meter or its line."""

    SILENCE = auto()
    NOISE = auto()        # noise before the answer
    HALF_FRAME = auto()   # the answer breaks off
    CHECKSUM = auto()     # the answer arrives damaged
    ECHO = auto()         # the adapter returns the request before the answer


class Meters:
    """Meters that share one line; `measure(address, now)` says what each of them measures, by label of its table.

    `port` is what a serial port is opened with (parity N). `troubles` may change while it runs. A quantity of the table
    that is not measured is refused with "no such data".
    """

    def __init__(
        self, table: DeviceTable, addresses: Iterable[str], measure: Measure, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._addresses = tuple(addresses)
        self._queries = {query.name: query for query in table.queries}
        self._measure = measure
        self._clock = clock
        self.troubles: MutableMapping[str, Trouble] = {}
        self._line, self._held_open = os.openpty()   # the port's side stays open: it outlives whoever opens it
        tty.setraw(self._held_open)
        self.port = os.ttyname(self._held_open)
        self._woken, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name="simulated meters", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the port away as an unplugged adapter would."""
        os.write(self._wake, b"x")
        self._thread.join()
        for descriptor in (self._line, self._held_open, self._woken, self._wake):
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        decoder = dlt645.new_decoder()
        while True:
            ready = select.select([self._line, self._woken], [], [])[0]
            if self._woken in ready:
                return
            for item in decoder.feed(os.read(self._line, 4096)):
                if isinstance(item, Frame):
                    os.write(self._line, self._reply(item))

    def _reply(self, request: Frame) -> bytes:
        address = request.address
        if address == dlt645.ANY_ADDRESS and len(self._addresses) == 1:
            address = self._addresses[0]
        query = self._queries.get(request.identifier or "")
        if address not in self._addresses or request.is_reply:
            return b""
        measured = self._measure(address, self._clock())
        if query is None or not all(field.label in measured for field in query.fields):
            answer = dlt645.encode(address, request.control | 0xC0, bytes([dlt645.NO_SUCH_DATA]))
        else:
            answer = reply_frame(address, query, measured)
        return _troubled(self.troubles.get(address), request.raw, answer)


def reply_frame(address: str, query: Asked, values: Mapping[str, float | None]) -> bytes:
    """A meter's answer to a query, with these values by label; None is what the meter does not have."""
    data = bytes.fromhex(query.ask)[::-1]
    for field in query.fields:
        data += _bcd(field, values[field.label])
    return dlt645.encode(address, dlt645.READ | 0x80, data)


def _bcd(field: Field[Bcd], value: float | None) -> bytes:
    """A value as the meter sends it: decimal digits, low byte first, the sign in the top bit; all FF for none."""
    form = field.format
    if value is None:
        return b"\xff" * form.size
    steps = round(abs(value) * 10**form.decimals / field.factor)
    digits = bytearray.fromhex(str(steps % 10 ** (2 * form.size)).zfill(2 * form.size))
    if form.signed and value < 0:
        digits[0] |= 0x80
    return bytes(reversed(digits))


def _troubled(trouble: Trouble | None, request: bytes, answer: bytes) -> bytes:
    if trouble is Trouble.SILENCE:
        return b""
    if trouble is Trouble.NOISE:
        return bytes([0x00, 0x68, 0xFF, 0x16, 0x5A]) + answer
    if trouble is Trouble.HALF_FRAME:
        return answer[: len(answer) // 2]
    if trouble is Trouble.CHECKSUM:
        return answer[:-2] + bytes([answer[-2] ^ 0x01]) + answer[-1:]
    if trouble is Trouble.ECHO:
        return request + answer
    return answer
