"""Wired M-Bus (EN 13757-2 and -3), bytes in, facts out: frames, requests, and whether an answer is whole. No I/O.

    E5                                           acknowledged
    10 | C | A | CS | 16                         short: a request without data
    68 | L | L | 68 | C | A | CI | DATA | CS | 16     long; L counts C .. DATA, CS is their sum

A meter has a primary address, 1 to 250, or is selected by its secondary one: eight digits of its number, then maker,
version and medium as sent, with F for any digit. One that is selected answers to 253. What the records of an answer
mean is read by `mbus_records`; here they are only walked over: one that does not fit makes all of them doubtful.
"""

import re
from typing import NamedTuple

from adapters.protocol import Decoder, Garble
from rules.model import Reason

ACK, SHORT, LONG, END = 0xE5, 0x10, 0x68, 0x16
SND_NKE, SND_UD, REQ_UD2, RSP_UD = 0x40, 0x53, 0x5B, 0x08
FCB = 0x20                 # turns with each telegram of an answer
FROM_MASTER = 0x40
SELECT = 0x52              # CI of a selection
VARIABLE, FIXED, ERROR = 0x72, 0x73, 0x70   # CI of answers, low byte first
SELECTED, ANYBODY = 253, 254
FIXED_HEAD, HEAD = 8, 12   # bytes before the counters, or the records
MORE_FOLLOW, MAKERS_OWN, IDLE = 0x1F, 0x0F, 0x2F   # DIFs that are no records
MOST_EXTENSIONS = 10

_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, None, 6, 0)   # bytes of a record's data by the low half of its DIF
_ERRORS = (
    "unspecified error", "unknown CI field", "too many bytes", "too many records", "premature end of a record",
    "too many DIFEs", "too many VIFEs", "reserved", "application busy", "too many readouts",
)  # fmt: skip


class Frame(NamedTuple):
    """A frame whose checksum holds; an acknowledgement has neither control nor address."""

    raw: bytes

    @property
    def is_ack(self) -> bool:
        return self.raw[0] == ACK

    @property
    def control(self) -> int:
        return 0 if self.is_ack else self.raw[1 if self.raw[0] == SHORT else 4]

    @property
    def primary(self) -> int:
        return 0 if self.is_ack else self.raw[2 if self.raw[0] == SHORT else 5]

    @property
    def is_reply(self) -> bool:
        return not self.control & FROM_MASTER

    @property
    def ci(self) -> int:
        """What the data are; 0 where there are none."""
        return self.raw[6] if self.raw[0] == LONG else 0

    @property
    def data(self) -> bytes:
        return self.raw[7:-2] if self.raw[0] == LONG else b""

    @property
    def secondary(self) -> str:
        """The secondary address in the head of an answer; empty for anything else."""
        data = self.data
        if self.ci == VARIABLE and len(data) >= HEAD:
            return data[3::-1].hex().upper() + data[4:8].hex().upper()
        return ""

    @property
    def address(self) -> str:
        return self.secondary or ("" if self.is_ack else str(self.primary))

    @property
    def error(self) -> str | None:
        """What a meter says that cannot answer now."""
        if self.ci != ERROR:
            return None
        code = self.data[0] if self.data else 0
        return _ERRORS[code] if code < len(_ERRORS) else f"error {code:02X}"

    @property
    def has_more(self) -> bool:
        """Whether more telegrams of this answer follow."""
        return self.ci == VARIABLE and walk(self.data[HEAD:]) == MORE


MORE, WHOLE = "more follow", "whole"


def new_decoder() -> Decoder[Frame]:
    """A decoder of frames."""
    return Decoder(_look)


def _look(buffer: bytes, at: int) -> Frame | Garble:
    """The frame that begins here, or why there is none (yet)."""
    first, have = buffer[at], len(buffer) - at
    if first == ACK and have == 1:  # with more behind it, it is a byte of something else
        return Frame(buffer[at:])
    if first == SHORT:
        return _checked(buffer[at : at + 5], body_at=1, size=5)
    if first != LONG or (have > 3 and buffer[at + 3] != LONG) or (have > 2 and buffer[at + 1] != buffer[at + 2]):
        return Garble(Reason.NOISE, b"", 1)
    if have < 4:
        return Garble(Reason.HALF_FRAME, buffer[at:], have)
    if buffer[at + 1] < 3:
        return Garble(Reason.BAD_LENGTH, buffer[at : at + 4], 4)
    size = buffer[at + 1] + 6
    return _checked(buffer[at : at + size], body_at=4, size=size)


def _checked(raw: bytes, *, body_at: int, size: int) -> Frame | Garble:
    if len(raw) < size:
        return Garble(Reason.HALF_FRAME, raw, len(raw))
    if sum(raw[body_at:-2]) & 0xFF != raw[-2]:
        return Garble(Reason.CHECKSUM, raw, size)
    if raw[-1] != END:
        return Garble(Reason.BAD_END, raw, size)
    return Frame(raw)


def short(control: int, primary: int) -> bytes:
    """A request without data."""
    return bytes([SHORT, control, primary, (control + primary) & 0xFF, END])


def selection(secondary: str) -> bytes:
    """The request that selects one meter, or all that fit."""
    body = bytes([SND_UD, SELECTED, SELECT]) + bytes.fromhex(secondary[:8])[::-1] + bytes.fromhex(secondary[8:])
    return bytes([LONG, len(body), len(body), LONG]) + body + bytes([sum(body) & 0xFF, END])


def normal_address(text: str) -> str:
    """A primary address, or the 16 digits of a secondary one; ValueError when it is neither."""
    if re.fullmatch(r"[0-9A-Fa-f]{16}", text) and re.fullmatch(r"[0-9Ff]{8}", text[:8]):
        return text.upper()
    if re.fullmatch(r"[0-9]{1,3}", text) and (1 <= int(text) <= 250 or int(text) == ANYBODY):
        return str(int(text))
    raise ValueError(f"a meter's address is 1 to 250, or 16 digits of its secondary address, not {text!r}")


def is_secondary(address: str) -> bool:
    return len(address) == 16


def fits(frame: Frame, address: str) -> bool:
    """Whether an answer comes from this address; F stands for any digit, and 254 is anybody's.

    Of a secondary address an answer of the fixed layout has the number alone.
    """
    if not is_secondary(address):
        return int(address) in (frame.primary, ANYBODY)
    own = frame.data[3::-1].hex().upper() if frame.ci == FIXED else frame.secondary
    return len(own) >= 8 and all(a in ("F", b) for a, b in zip(address, own, strict=False))


def walk(records: bytes) -> str:
    """WHOLE where records fit their bytes, MORE where others follow in the next telegram, else what is wrong."""
    at = 0
    while at < len(records):
        dif = records[at]
        if dif == IDLE:
            at += 1
            continue
        if dif in (MORE_FOLLOW, MAKERS_OWN):
            return MORE if dif == MORE_FOLLOW else WHOLE
        at, wrong = _after(records, at)
        if wrong:
            return wrong
    return WHOLE


def _after(records: bytes, at: int) -> tuple[int, str]:
    """Where the next record begins, and what is wrong with the one that begins here."""
    end = len(records)
    dif = records[at]
    at += 1
    if dif & 0x80:
        at, wrong = _extensions(records, at, "DIFE")
        if wrong:
            return at, wrong
    if at >= end:
        return at, "premature end of a record"
    vif = records[at]
    at += 1
    has_text = vif & 0x7F == 0x7C
    if has_text:  # the unit as text, its length before it
        at += 1 + (records[at] if at < end else 0)
    if vif & 0x80:
        at, wrong = _extensions(records, at, "VIFE")
        if wrong:
            return at, wrong
    size = _SIZES[dif & 0x0F]
    if size is None:
        size = _variable(records[at]) if at < end else 0
        at += 1
    return at + size, "premature end of a record" if at + size > end else ""


def _extensions(records: bytes, at: int, name: str) -> tuple[int, str]:
    """Where a chain of extensions ends."""
    for count in range(len(records) - at):
        if count >= MOST_EXTENSIONS:
            return at, f"too many {name}s"
        if not records[at + count] & 0x80:
            return at + count + 1, ""
    return len(records), "premature end of a record"


def _variable(length: int) -> int:
    """Bytes of data behind a length byte."""
    if length < 0xC0:
        return length                  # text
    if length < 0xE0:
        return length & 0x0F           # digits, positive or negative
    return length - 0xE0 if length < 0xF0 else 8   # a number; a float
