"""A simulated meter: which table it is of, what it measures, how it takes its time, and what is wrong with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol
from zlib import crc32

from adapters.device_table import DeviceTable
from adapters.protocol import AnyCodec
from adapters.source import Line
from daemon.simulation.cjt188 import Cjt188Meter
from daemon.simulation.dlt645 import Dlt645Meter
from daemon.simulation.mbus import MbusMeter
from daemon.simulation.modbus import ModbusMeter

Values = Mapping[str, float | None]
"""What a meter measures, by label of its table; None: it shows that it has no value, a missing label: it knows none."""


class Trouble(Enum):
    """What is wrong with a meter."""

    SILENCE = auto()
    NOISE = auto()        # noise before the answer
    HALF_FRAME = auto()   # the answer breaks off
    CHECKSUM = auto()     # the answer arrives damaged


class Talk(Protocol):
    """What a protocol's meter makes of a request; it may remember what went before."""

    def answer(self, request: Any, values: Values) -> bytes:
        """The answer; empty where the request is not for this meter, or asks for none."""
        ...


_TALKS: Mapping[str, Callable[[DeviceTable, str], Talk]] = {
    "dlt645-2007": Dlt645Meter, "dlt645-1997": Dlt645Meter, "cjt188-2004": Cjt188Meter, "mbus": MbusMeter,
    "modbus": ModbusMeter,
}  # fmt: skip
_NOISE = bytes([0x00, 0x68, 0xFF, 0x16, 0x5A])


@dataclass(slots=True, eq=False)
class Meter:
    """A meter on a line; `measure(now)` says what it measures. All may change while it runs.

    It hears and answers at the settings of `line` alone; None: at whatever the line is used with. `delay_s` is how long
    it thinks before an answer.
    """

    codec: AnyCodec
    talk: Talk
    address: str
    measure: Callable[[float], Values]
    line: Line | None = None
    delay_s: float = 0.05
    trouble: Trouble | None = None

    def answer(self, request: Any, now: float) -> bytes:
        """What it sends in reply to a frame, with whatever is wrong with it."""
        answer = self.talk.answer(request, self.measure(now))
        if self.trouble is Trouble.SILENCE or not answer:
            return b""
        if self.trouble is Trouble.NOISE:
            return _NOISE + answer
        if self.trouble is Trouble.HALF_FRAME:
            return answer[: len(answer) // 2]
        if self.trouble is Trouble.CHECKSUM:
            at = max(0, len(answer) - 2)
            return answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]
        return answer


def meter(
    table: DeviceTable, address: str, measure: Callable[[float], Values], *, line: Line | None = None,
    talk: Talk | None = None,
) -> Meter:  # fmt: skip
    """A meter of a table; each takes a time of its own, 20 to 60 ms, to think. `talk`: one with ways of its own."""
    talk = talk or _TALKS[table.protocol](table, address)
    return Meter(table.codec, talk, address, measure, line, 0.02 + crc32(address.encode()) % 40 / 1000)
