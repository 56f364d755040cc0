"""Simulated Modbus devices, built from parts of pymodbus: registers and coils that hold what a table reads."""

import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from adapters.device_table import DeviceTable
from adapters.modbus import Frame, Read
from adapters.modbus_registers import Register

_CODES = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d"}

Cells = Mapping[tuple[int, int], int]   # (function, address) -> the register or coil


class ModbusMeter:
    """Answers its address on a line; registers that no measured field of its table reads it does not have."""

    def __init__(self, table: DeviceTable, address: str) -> None:
        self._address = address
        self._queries: tuple[Read, ...] = table.queries

    def answer(self, request: Frame, values: Mapping[str, float | None]) -> bytes:
        if request.is_reply or request.address != self._address:
            return b""
        queries = [q for q in self._queries if any(values.get(field.label) is not None for field in q.fields)]
        cells: dict[tuple[int, int], int] = {}
        for query in queries:
            cells |= _blank(query)
        for query in queries:   # they may overlap
            cells |= _filled(query, values)
        return answer(request.raw, cells)


def cells_of(query: Read, values: Mapping[str, float | None]) -> dict[tuple[int, int], int]:
    """The registers or coils that hold these values by label; the others of the query are 0."""
    return _blank(query) | _filled(query, values)


def _blank(query: Read) -> dict[tuple[int, int], int]:
    asked = query.ask
    return {(asked.function, asked.start + at): 0 for at in range(asked.count)}


def _filled(query: Read, values: Mapping[str, float | None]) -> dict[tuple[int, int], int]:
    cells: dict[tuple[int, int], int] = {}
    for field in query.fields:
        value = values.get(field.label)
        told = None if value is None else Fraction(str(value)) / Fraction(str(field.factor))
        for at, word in enumerate([] if told is None else _words(field.format, told)):
            cells[query.ask.function, query.ask.start + field.format.at + at] = word
    return cells


def answer(request: bytes, cells: Cells, *, is_tcp: bool = False) -> bytes:
    """The answer of a device that has these registers and coils, and no others."""
    from pymodbus.framer import FramerRTU, FramerSocket
    from pymodbus.pdu import DecodePDU, ExceptionResponse
    from pymodbus.pdu.bit_message import ReadCoilsResponse, ReadDiscreteInputsResponse
    from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

    framer = (FramerSocket if is_tcp else FramerRTU)(DecodePDU(True))
    _, asked = framer.handleFrame(request, 0, 0)
    assert asked is not None, "a request that a device cannot read"
    kinds = (ReadCoilsResponse, ReadDiscreteInputsResponse, ReadHoldingRegistersResponse, ReadInputRegistersResponse)
    function, unit, number = asked.function_code, asked.dev_id, asked.transaction_id
    if not 1 <= function <= len(kinds):
        return framer.buildFrame(ExceptionResponse(function, 1, unit, number))
    wanted = [(function, asked.address + at) for at in range(asked.count)]
    if any(cell not in cells for cell in wanted):
        return framer.buildFrame(ExceptionResponse(function, 2, unit, number))
    found = [cells[cell] for cell in wanted]
    content: dict[str, Any] = {"bits": list(map(bool, found))} if function < 3 else {"registers": found}
    return framer.buildFrame(kinds[function - 1](dev_id=unit, transaction_id=number, **content))


def _words(register: Register, value: Fraction) -> list[int]:
    """A value in the device's unit as registers, or as a coil."""
    raw = (value - register.offset) / register.scale
    if register.type == "bit":
        return [round(raw)]
    number = float(raw) if register.type[0] == "f" else round(raw)
    words = struct.unpack(f">{register.width}H", struct.pack(">" + _CODES[register.type], number))
    return list(words if register.word_order == "big" else reversed(words))
