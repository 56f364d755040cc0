"""CJ/T 188-2004, bytes in, facts out: the frames of water, heat and gas meters on a line. No I/O.

    FE*0..4 | 68 | T | A0..A6 | C | L | DI0 DI1 | SER | DATA | CS | 16
              kind  address: BCD, low byte first; A5 A6: the maker       CS: sum of 68 .. DATA

Nothing is added to the data, unlike in DL/T 645. The identifier 901F goes low byte first by the standard, and high byte
first in many meters. What an answer to it holds:

    water, gas:  total(4) unit, settled(4) unit, time(7), state(2)
    heat:        settled(4) unit, energy(4) unit, power(4) unit, flow(4) unit, volume(4) unit,
                 supply(3), return(3) in 0.01 °C, hours(3), time(7), state(2)

Some makers put each unit before its value; lengths are the same, so the units themselves tell which it is. The edition
of 2018 was not available and is not claimed.
"""

import re
from typing import NamedTuple

from adapters.dlt645 import BadDigitError, number
from adapters.protocol import Decoder, Garble
from rules.model import Reason

START, END, WAKE_UP = 0x68, 0x16, 0xFE
READ, READ_ADDRESS = 0x01, 0x03
ANY_ADDRESS = "A" * 14
IDENTIFIER = "901F"
OVERHEAD_BYTES = 13    # all of a frame but what L counts
LONGEST = 100          # a longer declared length is no frame
KINDS = {  # of meters
    0x10: "cold water", 0x11: "hot water", 0x12: "drinking water", 0x13: "reclaimed water", 0x20: "heat",
    0x21: "cooling", 0x25: "heat and cooling", 0x30: "gas", 0x40: "electricity",
}  # fmt: skip
UNITS: dict[int, tuple[str, float]] = {  # unit byte -> a unit that quantities know, and how many of it
    0x02: ("Wh", 1.0), 0x05: ("kWh", 1.0), 0x08: ("MWh", 1.0), 0x0A: ("MWh", 100.0), 0x01: ("J", 1.0),
    0x0B: ("kJ", 1.0), 0x0E: ("MJ", 1.0), 0x11: ("GJ", 1.0), 0x13: ("GJ", 100.0), 0x14: ("W", 1.0),
    0x17: ("kW", 1.0), 0x1A: ("MW", 1.0), 0x29: ("L", 1.0), 0x2C: ("m3", 1.0), 0x32: ("L/h", 1.0),
    0x35: ("m3/h", 1.0),
}  # fmt: skip

_VOLUME, _ENERGY = frozenset({"L", "m3"}), frozenset({"Wh", "kWh", "MWh", "J", "kJ", "MJ", "GJ"})
_SUITING = {  # the units that a value may have
    "total": _VOLUME, "settled": _VOLUME | _ENERGY, "energy": _ENERGY, "volume": _VOLUME,
    "power": frozenset({"W", "kW", "MW"}), "flow": frozenset({"L/h", "m3/h"}),
}  # fmt: skip
_WATER = ("total", "settled")
_HEAT = ("settled", "energy", "power", "flow", "volume")
_PAIR = 5        # a value and its unit
_TAIL = {_WATER: 9, _HEAT: 18}   # bytes after the pairs
_TEMPERATURES = ("supply", "return")


class Item(NamedTuple):
    """One value of an answer as it is sent: a number and its unit; None: the meter has none."""

    value: float | None
    unit: str


class Frame(NamedTuple):
    """A frame whose checksum holds: kind of meter, address (14 digits, maker first), control byte, what L counts."""

    kind: int
    address: str
    control: int
    data: bytes
    raw: bytes

    @property
    def is_reply(self) -> bool:
        return bool(self.control & 0x80)

    @property
    def is_refusal(self) -> bool:
        return self.control & 0xC0 == 0xC0

    @property
    def function(self) -> int:
        return self.control & 0x3F

    @property
    def identifier(self) -> bytes:
        """The data identifier as it is sent."""
        return self.data[:2]

    @property
    def payload(self) -> bytes:
        """What follows identifier and serial number."""
        return self.data[3:]


def new_decoder() -> Decoder[Frame]:
    """A decoder of frames, before which wake-up bytes are no noise."""
    return Decoder(_look, wake_up=WAKE_UP)


def _look(buffer: bytes, at: int) -> Frame | Garble:
    """The frame that begins here, or why there is none (yet)."""
    have = len(buffer) - at
    if buffer[at] != START or (have > 1 and buffer[at + 1] not in KINDS):
        return Garble(Reason.NOISE, b"", 1)
    if have < 11:
        return Garble(Reason.HALF_FRAME, buffer[at:], have)
    length = buffer[at + 10]
    if length > LONGEST:
        return Garble(Reason.BAD_LENGTH, buffer[at : at + 11], 11)
    size = length + OVERHEAD_BYTES
    raw = buffer[at : at + size]
    if have < size:
        return Garble(Reason.HALF_FRAME, raw, have)
    if sum(raw[:-2]) & 0xFF != raw[-2]:
        return Garble(Reason.CHECKSUM, raw, size)
    if raw[-1] != END:
        return Garble(Reason.BAD_END, raw, size)
    return Frame(raw[1], raw[8:1:-1].hex().upper(), raw[9], raw[11:-2], raw)


def encode(kind: int, address: str, control: int, data: bytes) -> bytes:
    """The bytes of a frame as they go over the line, without wake-up bytes."""
    body = bytes([START, kind, *bytes.fromhex(address)[::-1], control, len(data), *data])
    return body + bytes([sum(body) & 0xFF, END])


def read_request(kind: int, address: str, identifier: bytes) -> bytes:
    """The request for one data identifier, with the wake-up bytes that sleepy meters need."""
    return bytes([WAKE_UP] * 4) + encode(kind, address, READ, identifier + b"\0")


def normal_address(text: str) -> str:
    """The 14 digits of an address that may lack its leading zeros; ValueError when it is none."""
    if not re.fullmatch(r"[0-9A-Fa-f]{1,14}", text):
        raise ValueError(f"a meter's address has up to 14 digits, not {text!r}")
    return text.upper().zfill(14)


def items(payload: bytes) -> dict[str, Item] | None:
    """The values of an answer to IDENTIFIER by name; None when its length or its units fit no layout.

    BadDigitError where a byte that should be two digits is not.
    """
    for names, tail in _TAIL.items():
        if len(payload) == len(names) * _PAIR + tail:
            found = _laid_out(names, payload)
            if found is not None and names is _HEAT:
                found |= _temperatures(payload[len(names) * _PAIR :])
            return found
    return None


def _laid_out(names: tuple[str, ...], payload: bytes) -> dict[str, Item] | None:
    """The values by the layout that fits: a high digit may look like a unit, so digits have to fit as well."""
    wrong: BadDigitError | None = None
    for unit_at in (4, 0):
        try:
            found = _pairs(names, payload, unit_at=unit_at)
        except BadDigitError as error:
            wrong = wrong or error
            continue
        if found is not None:
            return found
    if wrong is not None:
        raise wrong
    return None


def _pairs(names: tuple[str, ...], payload: bytes, *, unit_at: int) -> dict[str, Item] | None:
    """The values with their units behind (`unit_at` 4) or before them (0); None where a unit does not suit."""
    found = {}
    for index, name in enumerate(names):
        pair = payload[index * _PAIR : (index + 1) * _PAIR]
        unit, factor = UNITS.get(pair[unit_at], ("", 0.0))
        if unit not in _SUITING[name]:
            return None
        found[name] = (pair[1:] if unit_at == 0 else pair[:4], unit, factor)
    return {
        name: Item(number(digits, decimals=2, signed=False, factor=factor), unit)
        for name, (digits, unit, factor) in found.items()
    }


def _temperatures(tail: bytes) -> dict[str, Item]:
    """BadDigitError where the top bit is set: whether that is a sign, no document that we know says."""
    found = {}
    for index, name in enumerate(_TEMPERATURES):
        raw = tail[3 * index : 3 * index + 3]
        if raw[2] & 0x80 and raw != b"\xff\xff\xff":
            raise BadDigitError(f"a temperature with its top bit set: {raw[::-1].hex().upper()}")
        found[name] = Item(number(raw, decimals=2, signed=False), "°C")
    return found

