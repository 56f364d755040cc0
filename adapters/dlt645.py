"""DL/T 645-2007, bytes in, facts out: the frames of electricity meters on an RS-485 line. No I/O.

    FE*0..4 | 68 | A0..A5 | 68 | C | L | DATA | CS | 16
              address: BCD, low byte first    each byte +33H     CS: sum of 68 .. DATA as sent

Strategy. The decoder looks for `68`, for `68` seven bytes later, then for the length, the checksum and `16`. Where that
fails it moves on by ONE byte, since an address or the data may hold 68 and 16 as well. What lies inside a refused frame
is told once, not again as noise. A frame that is still too short waits for more bytes; `flush`, called when the line
has been still for too long, ends that wait and searches what was held back, so neither a wrong length nor a cut frame
can stall the line. What is kept is never longer than one frame and a few bytes of noise.
"""

import re
from typing import NamedTuple

from rules.model import Reason

START, END, WAKE_UP = 0x68, 0x16, 0xFE
OFFSET = 0x33
READ, READ_FOLLOW, READ_ADDRESS = 0x11, 0x12, 0x13
ANY_ADDRESS = "AAAAAAAAAAAA"
OVERHEAD_BYTES = 12    # all of a frame but its data
LONGEST_DATA = 200     # the standard's limit; a longer declared length is no frame
NO_SUCH_DATA, NOT_ALLOWED = 0x02, 0x04   # bits of the error word

_NOISE_KEPT = 32       # bytes of a stretch of noise that are kept for people to see
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


class Garble(NamedTuple):
    """Bytes that are no frame, and why; of long noise only the beginning is kept, `size` tells its length."""

    reason: Reason
    raw: bytes
    size: int


class Decoder:
    """Takes bytes in any portions and gives the frames in them, and what was wrong between them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._told = 0           # so many leading bytes belong to a refused frame that was told already
        self._noise = bytearray()
        self._noise_size = 0

    @property
    def is_waiting(self) -> bool:
        """Whether the beginning of a frame has come and its end has not."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame | Garble]:
        """What these bytes complete; nothing when more are needed."""
        self._buffer += data
        return self._scan(is_final=False)

    def flush(self) -> list[Frame | Garble]:
        """Give up waiting: a half frame is told, and what it held back is searched."""
        found = self._scan(is_final=True)
        return found + self._end_noise()

    def _scan(self, *, is_final: bool) -> list[Frame | Garble]:
        found: list[Frame | Garble] = []
        buffer = bytes(self._buffer)
        at, told = 0, self._told
        while at < len(buffer):
            seen = _look(buffer, at)
            if isinstance(seen, Frame):
                found += [*self._end_noise(), seen]
                at += len(seen.raw)
                continue
            if seen.reason is Reason.HALF_FRAME and not is_final:
                break
            if at >= told:
                if seen.reason is Reason.NOISE:
                    self._add_noise(buffer[at])
                else:
                    found += [*self._end_noise(), seen]
                    told = at + seen.size
            at += 1
        del self._buffer[:at]
        self._told = max(0, told - at)
        return found

    def _add_noise(self, byte: int) -> None:
        if byte == WAKE_UP and not self._noise_size:
            return
        self._noise_size += 1
        if len(self._noise) < _NOISE_KEPT:
            self._noise.append(byte)

    def _end_noise(self) -> list[Frame | Garble]:
        if not self._noise_size:
            return []
        noise = Garble(Reason.NOISE, bytes(self._noise), self._noise_size)
        self._noise.clear()
        self._noise_size = 0
        return [noise]


def _look(buffer: bytes, at: int) -> Frame | Garble:
    """The frame that begins here, or why there is none (yet)."""
    have = len(buffer) - at
    if buffer[at] != START or (have > 7 and buffer[at + 7] != START):
        return Garble(Reason.NOISE, b"", 1)
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
