"""Simulated meters of CJ/T 188: water, gas and heat, in the standard's layout or with each unit before its value."""

from collections.abc import Mapping

from adapters import cjt188
from adapters.cjt188 import Frame
from adapters.cjt188_codec import Asked
from adapters.device_table import DeviceTable
from daemon.simulation.dlt645 import bcd, fits
from rules.quantity import UNITS

_WATER = (("total", "m3"), ("settled", "m3"))
_HEAT = (("settled", "kWh"), ("energy", "kWh"), ("power", "kW"), ("flow", "m3/h"), ("volume", "m3"))
_TEMPERATURES = (("supply", "°C"), ("return", "°C"))
_CODES = {unit: code for code, (unit, factor) in cjt188.UNITS.items() if factor == 1.0}
_TAIL = bytes(9)          # its clock and its state
_HOURS = bytes(3)
_ADDRESS = bytes.fromhex("810A")


class Cjt188Meter:
    """Answers its address, or one with AA for any of its bytes, and only the order of the identifier that it knows."""

    def __init__(self, table: DeviceTable, address: str, *, is_unit_first: bool = False) -> None:
        self._address = address
        self._is_unit_first = is_unit_first
        self._query: Asked = table.queries[0]

    def answer(self, request: Frame, values: Mapping[str, float | None]) -> bytes:
        ask = self._query.ask
        if request.is_reply or request.kind != ask.kind or not fits(request.address, self._address):
            return b""
        if request.function == cjt188.READ_ADDRESS:
            return self._reply(request, _ADDRESS + request.data[2:3])
        if request.function != cjt188.READ or request.identifier != ask.identifier:
            return b""
        return self._reply(request, request.data[:3] + self._payload(values))

    def _reply(self, request: Frame, data: bytes) -> bytes:
        return cjt188.encode(request.kind, self._address, request.function | 0x80, data)

    def _payload(self, values: Mapping[str, float | None]) -> bytes:
        if not cjt188.KINDS[self._query.ask.kind].startswith(("heat", "cooling")):
            return b"".join(self._pair(name, unit, values) for name, unit in _WATER) + _TAIL
        pairs = b"".join(self._pair(name, unit, values) for name, unit in _HEAT)
        warmth = (bcd(self._value(name, unit, values), size=3, decimals=2) for name, unit in _TEMPERATURES)
        return pairs + b"".join(warmth) + _HOURS + _TAIL

    def _pair(self, name: str, unit: str, values: Mapping[str, float | None]) -> bytes:
        digits = bcd(self._value(name, unit, values), size=4, decimals=2)
        code = bytes([_CODES[unit]])
        return code + digits if self._is_unit_first else digits + code

    def _value(self, name: str, unit: str, values: Mapping[str, float | None]) -> float | None:
        """What the answer says by this name; 0 for what no field of the table reads."""
        for field in self._query.fields:
            if field.format.value == name:
                value = values.get(field.label)
                return None if value is None else value / UNITS[field.quantity][unit]
        return 0.0
