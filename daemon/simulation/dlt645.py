"""Simulated meters of DL/T 645: what they answer to a request, in either edition."""

from collections.abc import Mapping

from adapters import dlt645, dlt645_1997
from adapters.device_table import DeviceTable
from adapters.dlt645 import Frame
from adapters.dlt645_codec import Asked
from adapters.dlt645_identifiers import Bcd
from adapters.protocol import Field

_ERROR = 0xC0
_OTHER_ERROR = 0x01
_WILD = "AA"


class Dlt645Meter:
    """Answers its address, or one with AA for any of its bytes; what it does not measure it refuses: no such data."""

    def __init__(self, table: DeviceTable, address: str) -> None:
        self._address = address
        self._is_1997 = table.protocol == "dlt645-1997"
        self._queries: Mapping[str, Asked] = {query.name: query for query in table.queries}

    def answer(self, request: Frame, values: Mapping[str, float | None]) -> bytes:
        is_ours = fits(request.address, self._address) or (self._is_1997 and request.address == dlt645_1997.ANY_ADDRESS)
        if request.is_reply or not is_ours or request.is_1997 is not self._is_1997:
            return b""
        if request.function == dlt645.READ_ADDRESS:
            return dlt645.encode(self._address, dlt645.READ_ADDRESS | 0x80, bytes.fromhex(self._address)[::-1])
        if request.function not in (dlt645.READ, dlt645_1997.READ):
            return self._refusal(request, _OTHER_ERROR)
        query = self._queries.get(request.data[::-1].hex().upper())
        if query is None or not all(field.label in values for field in query.fields):
            return self._refusal(request, dlt645.NO_SUCH_DATA)
        return reply_frame(self._address, query, values)

    def _refusal(self, request: Frame, error: int) -> bytes:
        return dlt645.encode(self._address, request.function | _ERROR, bytes([error]))


def fits(asked: str, address: str) -> bool:
    """Whether an asked address means this one; AA stands for any two digits."""
    pairs = zip(asked[::2], asked[1::2], address[::2], address[1::2], strict=True)
    return all(a + b in (_WILD, c + d) for a, b, c, d in pairs)


def reply_frame(address: str, query: Asked, values: Mapping[str, float | None]) -> bytes:
    """A meter's answer to a query, with these values by label; None is what the meter does not have."""
    identifier = bytes.fromhex(query.ask)[::-1]
    function = dlt645.READ if len(identifier) == 4 else dlt645_1997.READ
    data = b"".join(_bcd(field, values[field.label]) for field in query.fields)
    return dlt645.encode(address, function | 0x80, identifier + data)


def _bcd(field: Field[Bcd], value: float | None) -> bytes:
    form = field.format
    sent = None if value is None else value / field.factor
    return bcd(sent, size=form.size, decimals=form.decimals, is_signed=form.signed)


def bcd(value: float | None, *, size: int, decimals: int, is_signed: bool = False) -> bytes:
    """A value as meters send it: decimal digits, low byte first, the sign in the top bit; all FF for none."""
    if value is None:
        return b"\xff" * size
    steps = round(abs(value) * 10**decimals)
    digits = bytearray.fromhex(str(steps % 10 ** (2 * size)).zfill(2 * size))
    if is_signed and value < 0:
        digits[0] |= 0x80
    return bytes(reversed(digits))
