"""A simulated Modbus device, built from pymodbus: what it answers to a request."""

import struct
from collections.abc import Mapping
from fractions import Fraction

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.bit_message import ReadCoilsResponse, ReadDiscreteInputsResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from adapters.modbus import Read
from adapters.modbus_registers import Register

_RESPONSES = {
    1: ReadCoilsResponse, 2: ReadDiscreteInputsResponse, 3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse,
}  # fmt: skip
_CODES = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d"}

Cells = Mapping[tuple[int, int], int]   # (function, address) -> the register or coil


def cells_of(query: Read, values: Mapping[str, float]) -> dict[tuple[int, int], int]:
    """The registers or coils that hold these values by label; the others of the query are 0."""
    asked = query.ask
    cells = {(asked.function, asked.start + at): 0 for at in range(asked.count)}
    for field in query.fields:
        register: Register = field.format
        raw = (Fraction(str(values[field.label])) / Fraction(str(field.factor)) - register.offset) / register.scale
        words = [round(raw)] if register.type == "bit" else _words(register, raw)
        for at, word in enumerate(words):
            cells[asked.function, asked.start + register.at + at] = word
    return cells


def _words(register: Register, raw: Fraction) -> list[int]:
    number = float(raw) if register.type[0] == "f" else round(raw)
    words = struct.unpack(f">{register.width}H", struct.pack(">" + _CODES[register.type], number))
    return list(words if register.word_order == "big" else reversed(words))


def answer(request: bytes, cells: Cells, *, is_tcp: bool = False) -> bytes:
    """The answer of a device that has these registers and coils, and no others."""
    framer = (FramerSocket if is_tcp else FramerRTU)(DecodePDU(True))
    _, asked = framer.handleFrame(request, 0, 0)
    assert asked is not None, "a request that a device cannot read"
    wanted = [(asked.function_code, asked.address + at) for at in range(asked.count)]
    if any(cell not in cells for cell in wanted):
        reply = ExceptionResponse(asked.function_code, 2, asked.dev_id, asked.transaction_id)
    else:
        found = [cells[cell] for cell in wanted]
        content = {"bits": list(map(bool, found))} if asked.function_code < 3 else {"registers": found}
        kind = _RESPONSES[asked.function_code]
        reply = kind(dev_id=asked.dev_id, transaction_id=asked.transaction_id, **content)
    return framer.buildFrame(reply)
