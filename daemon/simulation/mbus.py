"""Simulated meters of M-Bus: waking, selecting by secondary address, and answers in one or several telegrams."""

from collections.abc import Mapping

from adapters import mbus
from adapters.device_table import DeviceTable
from adapters.mbus import Frame
from adapters.mbus_codec import Asked, Chosen
from adapters.protocol import Field
from rules.quantity import UNITS

_FUNCTIONS = {"instantaneous": 0x00, "maximum": 0x10, "minimum": 0x20, "in error": 0x30}
_VIFS = {  # what a record is -> its VIF, its unit, and how many of them are one count
    "energy": (0x03, "Wh", 1.0), "volume": (0x13, "m3", 1e-3), "power": (0x2B, "W", 1.0),
    "flow": (0x3B, "m3/h", 1e-3), "supply": (0x59, "C", 0.01), "return": (0x5D, "C", 0.01),
    "temperature": (0x65, "C", 0.01), "pressure": (0x69, "bar", 0.01),
}  # fmt: skip
_WHOLE_32_BIT = 0x04
_NOBODY = 255


class MbusMeter:
    """A meter with a primary and a secondary address; one that is not given is made from the other.

    Its answer comes in so many `telegrams`, the last of which holds what its table asks for.
    """

    def __init__(self, table: DeviceTable, address: str, *, primary: int = 0, telegrams: int = 1) -> None:
        is_secondary = mbus.is_secondary(address)
        self._secondary = address if is_secondary else f"{20_000_000 + int(address)}77040E16"
        self._primary = primary if is_secondary else int(address)
        self._query: Asked = table.queries[0]
        self._telegrams = telegrams
        self._is_selected = False
        self._turn: int | None = None   # the last FCB, and the telegram that answered it
        self._at = 0
        self._accesses = 0

    def answer(self, request: Frame, values: Mapping[str, float | None]) -> bytes:
        if request.is_ack or request.is_reply:
            return b""
        control = request.control & ~mbus.FCB
        if control == mbus.SND_UD and request.primary == mbus.SELECTED and request.ci == mbus.SELECT:
            self._turn = None
            self._is_selected = self._is_meant(request.data)
            return bytes([mbus.ACK]) if self._is_selected else b""
        if not self._is_asked(request.primary):
            return b""
        if control == mbus.SND_NKE:
            self._turn = None
            self._is_selected = self._is_selected and request.primary != mbus.SELECTED
            return bytes([mbus.ACK])
        return self._telegram(request, values) if control == mbus.REQ_UD2 & ~mbus.FCB else b""

    def _is_asked(self, primary: int) -> bool:
        if primary == mbus.SELECTED:
            return self._is_selected
        return primary in (self._primary, mbus.ANYBODY) and primary != _NOBODY

    def _is_meant(self, asked: bytes) -> bool:
        """Whether a selection means this meter: F stands for any digit, FF for any byte of maker, version, medium."""
        if len(asked) != 8:
            return False
        wanted = asked[3::-1].hex().upper() + asked[4:].hex().upper()
        return all(a in ("F", b) for a, b in zip(wanted, self._secondary, strict=True))

    def _telegram(self, request: Frame, values: Mapping[str, float | None]) -> bytes:
        """The next telegram; the same again when the bit that counts them has not turned."""
        turn = request.control & mbus.FCB
        if self._turn is None:
            self._at = 0
        elif turn != self._turn:
            self._at = (self._at + 1) % self._telegrams
        self._turn = turn
        is_last = self._at == self._telegrams - 1
        self._accesses = (self._accesses + 1) & 0xFF
        data = b"".join(self._record(field, values) for field in self._query.fields) if is_last else _earlier(self._at)
        return self._reply(data if is_last else data + bytes([mbus.MORE_FOLLOW]))

    def _reply(self, records: bytes) -> bytes:
        head = bytes.fromhex(self._secondary[:8])[::-1] + bytes.fromhex(self._secondary[8:])
        head += bytes([self._accesses, 0, 0, 0])
        body = bytes([mbus.RSP_UD, self._primary, mbus.VARIABLE]) + head + records
        return bytes([mbus.LONG, len(body), len(body), mbus.LONG]) + body + bytes([sum(body) & 0xFF, mbus.END])

    def _record(self, field: Field[Chosen], values: Mapping[str, float | None]) -> bytes:
        """One field as a whole number of 32 bits; nothing where the meter does not have it."""
        value = values.get(field.label)
        if value is None:
            return b""
        form = field.format
        vif, unit, step = _VIFS[form.value]
        count = round(value / UNITS[field.quantity][unit] / step)
        return _head(form, vif) + count.to_bytes(4, "little", signed=True)


def _head(form: Chosen, vif: int) -> bytes:
    """DIF, its extensions where storage, tariff or device need them, and VIF."""
    dif = _WHOLE_32_BIT | _FUNCTIONS[form.function] | (form.storage & 1) << 6
    storage, tariff, device = form.storage >> 1, form.tariff, form.device
    extensions = []
    while storage or tariff or device:
        extensions.append((storage & 0x0F) | (tariff & 3) << 4 | (device & 1) << 6)
        storage, tariff, device = storage >> 4, tariff >> 2, device >> 1
    chain = [dif, *extensions]
    return bytes([*(byte | 0x80 for byte in chain[:-1]), chain[-1], vif])


def _earlier(telegram: int) -> bytes:
    """Records of a telegram that no table asks for: volumes of earlier months."""
    form = Chosen("volume", storage=telegram + 2)
    return _head(form, _VIFS["volume"][0]) + (1000 + telegram).to_bytes(4, "little")
