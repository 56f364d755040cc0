"""Modbus RTU and TCP as codecs: how a device is asked for registers or coils, and what it answers. No I/O.

    RTU   address | function | data | CRC, low byte first                   on a serial line
    TCP   number (2) | 0 0 | length (2) | address | function | data         through a gateway

Strategy. A Modbus frame has no mark where it begins, and among many bytes some fit a checksum of 16 bits by chance, so
replies are read against the request: only what begins with the address and function that were asked for is looked at.
Nor does a reply say of which registers it speaks; its length must be what was asked for. Without a request (`caretaker
decode`) each byte is tried as a reply and as a request. Frames are built, measured and checked by pymodbus, which is
imported with the first of them: a gateway without Modbus does without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

from adapters.modbus_registers import Register, register
from adapters.protocol import AnyField, Decoder, Garble, Query, Refusal
from rules.model import Reason
from rules.quantity import QUANTITIES, Kind

COILS, INPUTS, HOLDING, INPUT_REGISTERS = 1, 2, 3, 4
LAST_ADDRESS = 247
MOST = {COILS: 2000, INPUTS: 2000, HOLDING: 125, INPUT_REGISTERS: 125}   # that one request may ask for

_FUNCTIONS = {
    1: "read coils", 2: "read discrete inputs", 3: "read holding registers", 4: "read input registers",
    5: "write one coil", 6: "write one register", 15: "write coils", 16: "write registers",
}  # fmt: skip
_EXCEPTIONS = {
    1: "function not supported", 2: "no such register", 3: "number of registers not allowed", 4: "the device failed",
    5: "accepted, not done yet", 6: "busy", 8: "its memory is damaged", 10: "the gateway has no way there",
    11: "the device behind the gateway is silent",
}  # fmt: skip
_LASTING = (1, 2, 3)
_SILENT = (10, 11)   # said by a gateway, of a device that did not answer
_REPLY_OVERHEAD = 5  # address, function, byte count, CRC
_HEADER = 7          # of TCP
_LONGEST = 264       # bytes of a frame, on either
_REQUEST = 8         # bytes of a request to read
_ALIKE = (1, 2, 5, 6)         # functions whose answers may be as long
_ECHOED = (b"\x05", b"\x06")  # functions whose answer is the request


@dataclass(frozen=True, slots=True)
class Asked:
    """Which registers or coils a query reads."""

    function: int
    start: int
    count: int


Read = Query[Asked, Register]


class Frame(NamedTuple):
    """A whole frame: of a reply the registers or coils (`cells`), of a refusal its exception, of a request its data."""

    address: str
    function: int
    cells: tuple[int, ...]
    exception: int | None
    is_reply: bool
    raw: bytes


@dataclass(frozen=True, slots=True)
class Modbus:
    """Modbus as meters and controllers speak it: a query reads one block of registers or coils."""

    name: str = "modbus"
    title: str = "Modbus RTU"
    any_address: str = ""
    address_form: ClassVar[Mapping[str, str]] = {
        "zh": "从 1 到 247 的数字，如“17”", "en": 'a number from 1 to 247, such as "17"',
    }  # fmt: skip
    is_tcp: bool = False

    def address(self, text: str) -> str:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LAST_ADDRESS):
            raise ValueError(f"a Modbus address is a number from 1 to {LAST_ADDRESS}, not {text!r}")
        return str(int(text))

    def format(self, keys: dict[str, Any]) -> Register:
        return register(keys)

    def query(self, keys: dict[str, Any], fields: tuple[AnyField, ...], *, polled: bool) -> Read:
        function, start = keys.pop("function"), keys.pop("start")
        needed = max(field.format.at + field.format.width for field in fields)
        count = keys.pop("count", needed)
        if function not in MOST:
            raise ValueError(f"function {function!r} is not one of 1 (coils), 2 (inputs), 3, 4 (registers)")
        if not isinstance(start, int) or not isinstance(count, int) or not 0 <= start <= 65536 - count:
            raise ValueError(f"start {start!r}: registers count from 0 to 65535")
        if not needed <= count <= MOST[function]:
            raise ValueError(f"count {count} is not between {needed}, what its fields take, and {MOST[function]}")
        for field in fields:
            if (field.format.type == "bit") is not (function in (COILS, INPUTS)):
                raise ValueError(f"{field.label}: type bit is for functions 1 and 2, all other types for 3 and 4")
            if QUANTITIES[field.quantity].kind is Kind.STATE and not field.format.is_state:
                raise ValueError(f"{field.label} is 0 or 1: take a bit, or say which numbers mean 1: is = [2, 3]")
        return Query(f"fc{function} {start}+{count}", Asked(function, start, count), fields, polled)

    def decoder(self, asked: bytes = b"") -> Decoder[Frame]:
        return Decoder(partial(_look_tcp, asked=asked) if self.is_tcp else _Line(asked).look)

    def request(self, address: str, query: Read, answers: Sequence[Frame] = ()) -> bytes | None:
        return None if answers else _request(int(address), query.ask, is_tcp=self.is_tcp)

    def reply_bytes(self, query: Read) -> int:
        return _REPLY_OVERHEAD + _data_bytes(query.ask)

    def mismatch(self, frame: Frame, address: str, query: Read, answers: Sequence[Frame] = ()) -> Reason | None:
        if frame.address != address:
            return Reason.WRONG_ADDRESS   # over TCP alone: on a line nothing else is looked at
        if frame.function != query.ask.function:
            return Reason.WRONG_DATA
        if frame.exception is not None:
            return Reason.NO_ANSWER if frame.exception in _SILENT else None
        return None if _data_bytes(query.ask) == _cell_bytes(frame) else Reason.WRONG_DATA

    def refusal(self, frame: Frame) -> Refusal | None:
        if frame.exception is None:
            return None
        return Refusal(_exception_text(frame.exception), is_lasting=frame.exception in _LASTING)

    def decode(self, query: Read, answers: Sequence[Frame], *, multiplier: float = 1.0) -> dict[str, float] | Reason:
        cells = answers[0].cells
        values: dict[str, float] = {}
        for field in query.fields:
            value = field.format.value(cells, field.factor * field.ratio(multiplier))
            if value is not None:
                values[field.label] = value
        return values

    def describe(self, frame: Frame) -> dict[str, Any]:
        head: dict[str, Any] = {"address": frame.address, "function": _FUNCTIONS.get(frame.function, "unknown")}
        if frame.exception is not None:
            detail = f"exception {frame.exception}: {_exception_text(frame.exception)}"
            return head | {"fault": Reason.METER_REFUSED.value, "detail": detail}
        head["kind"] = "reply" if frame.is_reply else "request"
        if not frame.is_reply or frame.function not in MOST:
            start, number = frame.cells[:2]
            return head | {"start": start, "value" if frame.function in (5, 6) else "count": number}
        return head | {"bits" if frame.function in (COILS, INPUTS) else "registers": list(frame.cells)}


def _exception_text(code: int) -> str:
    return _EXCEPTIONS.get(code, f"exception {code}")


def _data_bytes(asked: Asked) -> int:
    return (asked.count + 7) // 8 if asked.function in (COILS, INPUTS) else asked.count * 2


def _cell_bytes(frame: Frame) -> int:
    return len(frame.cells) // 8 if frame.function in (COILS, INPUTS) else len(frame.cells) * 2


# -- what others say to each other


def overhear(buffer: bytes, at: int, *, asked: bytes) -> Frame | Garble:
    """The frame that begins here on a line with another master: the answer to what it asked, or else a request.

    An answer and a request may be as long and have the same form; only what went before tells them apart.
    """
    is_repeated = buffer.startswith(asked, at) and asked[1:2] not in _ECHOED
    if asked and not is_repeated:
        seen = _look_rtu(buffer, at, asked=asked)
        if isinstance(seen, Frame) and _is_as_long(seen, asked):
            return seen._replace(is_reply=True)
    seen = _look_rtu(buffer, at, asked=b"")
    if isinstance(seen, Frame) and len(seen.raw) == _REQUEST and seen.function in _ALIKE and seen.exception is None:
        return _frame(seen.raw[0], seen.raw[1:-2], seen.raw, is_reply=False) or seen
    return seen


def _is_as_long(reply: Frame, request: bytes) -> bool:
    """Whether a reply has as much data as was asked for; what is no reading has any."""
    if reply.exception is not None or reply.function not in MOST:
        return True
    return _cell_bytes(reply) == _data_bytes(Asked(reply.function, 0, int.from_bytes(request[4:6])))


def fits(reply: Frame, request: bytes) -> bool:
    """Whether a reply holds as many registers or coils as a request to read asks for."""
    return reply.exception is None and reply.function == request[1] and _is_as_long(reply, request)


def are_alike(first: bytes, second: bytes) -> bool:
    """Whether the answer to one request to read may be taken for that to another, which asks for other registers."""
    if first == second or first[1] != second[1] or first[1] not in MOST:
        return False
    sizes = {_data_bytes(Asked(first[1], 0, int.from_bytes(request[4:6]))) for request in (first, second)}
    return len(sizes) == 1


def covered(query: Read, request: Frame) -> Read | None:
    """The part of a query that the answer to another's request holds; None where it holds nothing of it."""
    if request.function != query.ask.function:
        return None
    start, count = request.cells
    fields = []
    for field in query.fields:
        at = query.ask.start + field.format.at - start
        if 0 <= at <= count - field.format.width:
            fields.append(replace(field, format=replace(field.format, at=at)))
    return replace(query, ask=Asked(request.function, start, count), fields=tuple(fields)) if fields else None


# -- frames


def _request(address: int, asked: Asked, *, is_tcp: bool) -> bytes:
    from pymodbus.framer import FramerRTU, FramerSocket
    from pymodbus.pdu import DecodePDU
    from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
    from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

    kinds = (ReadCoilsRequest, ReadDiscreteInputsRequest, ReadHoldingRegistersRequest, ReadInputRegistersRequest)
    # TCP: the number tells the answer to one query from a late one to another.
    number = (asked.start ^ asked.function << 12 ^ address << 8) & 0xFFFF
    pdu = kinds[asked.function - 1](dev_id=address, transaction_id=number, address=asked.start, count=asked.count)
    return (FramerSocket if is_tcp else FramerRTU)(DecodePDU(False)).buildFrame(pdu)


class _Line:
    """What a line brings after a request: the first frame that equals it is its echo, a second one its answer."""

    def __init__(self, asked: bytes) -> None:
        self._asked = asked
        self._is_echoed = False

    def look(self, buffer: bytes, at: int) -> Frame | Garble:
        seen = _look_rtu(buffer, at, asked=self._asked, is_echoed=self._is_echoed)
        self._is_echoed = self._is_echoed or (isinstance(seen, Frame) and not seen.is_reply)
        return seen


def _look_rtu(buffer: bytes, at: int, *, asked: bytes, is_echoed: bool = False) -> Frame | Garble:
    """The frame that begins here, or why there is none (yet)."""
    from pymodbus.framer import FramerRTU

    rest = buffer[at : at + _LONGEST]
    if not _is_expected(rest, asked):
        return Garble(Reason.NOISE, b"", 1)
    sizes = [(_size(rest, is_request=False), True)] + [(_size(rest, is_request=True), False)] * (not asked)
    if asked and rest[: len(asked)] == asked[: len(rest)]:   # our own request, returned by the adapter
        sizes.insert(len(sizes) if is_echoed else 0, (len(asked), False))
    for size, is_reply in sizes:
        if 0 < size <= len(rest) and FramerRTU.check_CRC(rest[: size - 2], int.from_bytes(rest[size - 2 : size])):
            frame = _frame(rest[0], rest[1 : size - 2], rest[:size], is_reply=is_reply)
            if frame is not None:
                return frame
    if any(size == 0 or size > len(rest) for size, _ in sizes):
        return Garble(Reason.HALF_FRAME, rest, len(rest))
    size = max(size for size, _ in sizes)
    return Garble(Reason.CHECKSUM, rest[:size], size) if size > 0 else Garble(Reason.NOISE, b"", 1)


def _is_expected(rest: bytes, asked: bytes) -> bool:
    """Whether bytes may begin the answer to a request; without one, any frame."""
    if asked:
        return rest[0] == asked[0] and (len(rest) < 2 or rest[1] & 0x7F == asked[1])
    return rest[0] <= LAST_ADDRESS and (len(rest) < 2 or rest[1] & 0x7F in _FUNCTIONS)


def _size(rest: bytes, *, is_request: bool) -> int:
    """How long the frame is that may begin here: 0 if that cannot be told yet, -1 if none begins."""
    from pymodbus.pdu import DecodePDU

    if len(rest) < 2:
        return 0
    if rest[1] & 0x7F not in _FUNCTIONS or (is_request and rest[1] & 0x80):
        return -1
    kind = DecodePDU(is_request).lookupPduClass(rest)
    return -1 if kind is None else kind.calculateRtuFrameSize(rest)


def _look_tcp(buffer: bytes, at: int, *, asked: bytes) -> Frame | Garble:
    """As for RTU; TCP itself sees to damaged bytes, so there is no checksum."""
    from pymodbus.framer import FramerSocket
    from pymodbus.pdu import DecodePDU

    rest = buffer[at : at + _LONGEST]
    begins = asked[:4] if asked else b"\0\0"
    if rest[: len(asked)] == asked != b"":
        return _frame(asked[6], asked[_HEADER:], asked, is_reply=False) or Garble(Reason.NOISE, b"", 1)
    offset = 0 if asked else 2   # without a request the number may be any
    if rest[offset : offset + len(begins)] != begins[: max(0, len(rest) - offset)]:
        return Garble(Reason.NOISE, b"", 1)
    if len(rest) <= _HEADER:
        return Garble(Reason.HALF_FRAME, rest, len(rest))
    length = int.from_bytes(rest[4:6])
    if not 3 <= length <= 254:
        return Garble(Reason.BAD_LENGTH, rest[:_HEADER], _HEADER)
    used, unit, _, pdu = FramerSocket(DecodePDU(False)).decode(rest)
    if not used:
        return Garble(Reason.HALF_FRAME, rest, len(rest))
    is_reply = bool(asked) or not (length == 6 and pdu[0] in MOST)
    frame = _frame(unit, pdu, rest[:used], is_reply=is_reply)
    return frame or Garble(Reason.BAD_LENGTH, rest[:used], used)


def _frame(unit: int, pdu: bytes, raw: bytes, *, is_reply: bool) -> Frame | None:
    """The frame of a function with its data; None where its own byte count does not fit."""
    function, data = pdu[0] & 0x7F, pdu[1:]
    if pdu[0] & 0x80:
        return Frame(str(unit), function, (), data[0], True, raw) if is_reply and len(data) == 1 else None
    if not is_reply or function not in MOST:
        cells = tuple(int.from_bytes(data[at : at + 2]) for at in range(0, 4, 2))
        return Frame(str(unit), function, cells, None, is_reply, raw) if len(data) >= 4 else None
    if data[0] != len(data) - 1 or (function in (HOLDING, INPUT_REGISTERS) and data[0] % 2):
        return None
    return Frame(str(unit), function, _cells(pdu), None, True, raw)


def _cells(pdu: bytes) -> tuple[int, ...]:
    from pymodbus.pdu import DecodePDU

    decoded = DecodePDU(False).decode(pdu)
    assert decoded is not None, "its byte count fits"
    return tuple(map(int, decoded.bits if pdu[0] in (COILS, INPUTS) else decoded.registers))
