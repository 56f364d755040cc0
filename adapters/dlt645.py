"""DL/T 645-2007, bytes in, facts out: the frames of electricity meters on an RS-485 line. No I/O.

    FE*0..4 | 68 | A0..A5 | 68 | C | L | DATA | CS | 16
              address: BCD, low byte first    each byte +33H     CS: sum of 68 .. DATA as sent

A frame begins with `68` and `68` seven bytes later; then the length, the checksum and `16` must fit. An address or the
data may hold 68 and 16 as well. What is kept is never longer than one frame and a few bytes of noise.
"""

import re
from typing import NamedTuple

from adapters import dlt698
from adapters.protocol import Decoder, Garble
from rules.model import Reason

START, END, WAKE_UP = 0x68, 0x16, 0xFE
OFFSET = 0x33
READ, READ_FOLLOW, READ_ADDRESS = 0x11, 0x12, 0x13
ANY_ADDRESS = "AAAAAAAAAAAA"
OVERHEAD_BYTES = 12    # all of a frame but its data
LONGEST_DATA = 200     # the standard's limit; a longer declared length is no frame
NO_SUCH_DATA, NOT_ALLOWED = 0x02, 0x04   # bits of the error word

_ERRORS = (
    "other error", "no such data", "wrong password or not allowed", "baud rate cannot change",
    "too many year zones", "too many day periods", "too many tariffs", "reserved error bit",
)  # fmt: skip
_FUNCTIONS_1997 = frozenset({0x01, 0x02, 0x03, 0x04, 0x0A, 0x0C, 0x0F, 0x10})


class BadDigitError(ValueError):
    """A byte that should be two decimal digits is not."""


class Frame(NamedTuple):
    """A frame whose checksum holds: address (12 digits, high first), control byte, data without its offset."""

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
    def has_more(self) -> bool:
        """Whether the meter holds more of this answer, to be read with READ_FOLLOW."""
        return bool(self.control & 0x20)

    @property
    def function(self) -> int:
        return self.control & 0x1F

    @property
    def is_1997(self) -> bool:
        """Whether it belongs to the 1997 edition, whose data are laid out differently."""
        return self.function in _FUNCTIONS_1997

    @property
    def identifier(self) -> str | None:
        """The data identifier as the standard prints it, such as 02010100; None where the frame has none."""
        carries = self.function in (READ, READ_FOLLOW) and not self.is_refusal and len(self.data) >= 4
        return self.data[3::-1].hex().upper() if carries else None

    @property
    def payload(self) -> bytes:
        """What follows the identifier."""
        return self.data[4:]

    @property
    def error_word(self) -> int:
        """The bits of a refusal; 0 for anything else."""
        return self.data[0] if self.is_refusal and self.data else 0


def new_decoder() -> Decoder[Frame]:
    """A decoder of frames, before which wake-up bytes are no noise."""
    return Decoder(_look, wake_up=WAKE_UP)


def _look(buffer: bytes, at: int) -> Frame | Garble:
    """The frame that begins here, or why there is none (yet)."""
    have = len(buffer) - at
    if buffer[at] != START:
        return Garble(Reason.NOISE, b"", 1)
    if have > 7 and buffer[at + 7] != START:
        return dlt698.look(buffer[at:]) or Garble(Reason.NOISE, b"", 1)
    if have < 10:
        return Garble(Reason.HALF_FRAME, buffer[at:], have)
    length = buffer[at + 9]
    if length > LONGEST_DATA:
        return Garble(Reason.BAD_LENGTH, buffer[at : at + 10], 10)
    size = length + OVERHEAD_BYTES
    raw = buffer[at : at + size]
    if have < size:
        return Garble(Reason.HALF_FRAME, raw, have)
    if sum(raw[:-2]) & 0xFF != raw[-2]:
        return Garble(Reason.CHECKSUM, raw, size)
    if raw[-1] != END:
        return Garble(Reason.BAD_END, raw, size)
    data = bytes((byte - OFFSET) & 0xFF for byte in raw[10:-2])
    return Frame(raw[6:0:-1].hex().upper(), raw[8], data, raw)


def encode(address: str, control: int, data: bytes = b"") -> bytes:
    """The bytes of a frame as they go over the line, without wake-up bytes."""
    body = bytes([START, *bytes.fromhex(address)[::-1], START, control, len(data)])
    body += bytes((byte + OFFSET) & 0xFF for byte in data)
    return body + bytes([sum(body) & 0xFF, END])


def read_request(address: str, identifier: str) -> bytes:
    """The request for one data identifier, with the wake-up bytes that sleepy meters need."""
    return bytes([WAKE_UP] * 4) + encode(address, READ, bytes.fromhex(identifier)[::-1])


def mismatch(frame: Frame, address: str, identifier: str) -> Reason | None:
    """Why a reply is not the answer to this read request; None when it is the answer or the refusal."""
    if address not in (frame.address, ANY_ADDRESS):
        return Reason.WRONG_ADDRESS
    if frame.is_1997:
        return Reason.OTHER_EDITION
    if frame.function != READ or not (frame.is_refusal or frame.identifier == identifier):
        return Reason.WRONG_DATA
    return None


def refusal_text(word: int) -> str:
    """What an error word says, in words."""
    return ", ".join(text for bit, text in enumerate(_ERRORS) if word >> bit & 1) or "no reason given"


def normal_address(text: str) -> str:
    """The 12 digits of an address that may lack its leading zeros; ValueError when it is none."""
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise ValueError(f"a meter's address has up to 12 digits, not {text!r}")
    return text.zfill(12)


def number(raw: bytes, *, decimals: int, signed: bool, factor: float = 1.0) -> float | None:
    """The value of BCD bytes, low byte first, times `factor`; None where the meter says that it has none (all FF).

    The sign is the top bit of the highest byte. BadDigitError for anything that is not decimal.
    """
    if raw == b"\xff" * len(raw):
        return None
    digits = bytearray(reversed(raw))
    is_negative = signed and bool(digits[0] & 0x80)
    if is_negative:
        digits[0] &= 0x7F
    if not digits.hex().isdecimal():
        raise BadDigitError(f"no decimal digits: {bytes(reversed(raw)).hex().upper()}")
    value = int(digits.hex()) * factor / 10.0**decimals
    return 0.0 - value if is_negative else value
