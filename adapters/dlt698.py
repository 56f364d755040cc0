"""DL/T 698.45, recognised and no more: newer meters speak it on the same line, and their frames are no garbage.

    68 | L(2) | C | AF, SA.., CA | HCS(2) | user data | FCS(2) | 16
         low byte first, of all but 68 and 16   checksums: CRC-16/X-25 of what stands before, without 68
"""

from adapters.protocol import Garble
from rules.model import Reason

_END = 0x16
_LENGTH = 0x3FFF      # the bits of L that count
_SHORTEST, _LONGEST = 12, 2048
_HEAD = 5             # 68, L, C and AF, which tells how long the address is


def look(data: bytes) -> Garble | None:
    """The frame of DL/T 698.45 that begins here, as what cannot be read; HALF_FRAME: so far; None: no such frame."""
    length = int.from_bytes(data[1:3], "little") & _LENGTH
    if not _SHORTEST <= length <= _LONGEST:
        return None
    head = _HEAD + (data[4] & 0x0F) + 2  # the address and CA
    if len(data) < head + 2:
        return Garble(Reason.HALF_FRAME, data, len(data))
    if _crc(data[1:head]) != int.from_bytes(data[head : head + 2], "little"):
        return None
    raw = data[: length + 2]
    if len(raw) < length + 2:
        return Garble(Reason.HALF_FRAME, raw, len(raw))
    is_whole = raw[-1] == _END and _crc(raw[1:-3]) == int.from_bytes(raw[-3:-1], "little")
    return Garble(Reason.OTHER_PROTOCOL if is_whole else Reason.CHECKSUM, raw, len(raw))


def _crc(data: bytes) -> int:
    """CRC-16/X-25."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return crc ^ 0xFFFF


def address_request() -> bytes:
    """The request that asks whoever hears it for its address."""
    # To a wildcard address of six bytes: read the object 4001, the address, without a time tag.
    body = bytes([0x43, 0x45, *[0xAA] * 6, 0x00])
    ask = bytes.fromhex("0501004001020000")
    length = 2 + len(body) + 2 + len(ask) + 2
    head = length.to_bytes(2, "little") + body
    head += _crc(head).to_bytes(2, "little") + ask
    return bytes([0xFE] * 4) + b"\x68" + head + _crc(head).to_bytes(2, "little") + bytes([_END])


def is_reply(raw: bytes) -> bool:
    """Whether a whole frame comes from a meter."""
    return bool(raw[3] & 0x80)


def address(raw: bytes) -> str:
    """The address of the meter in a whole frame, high digits first."""
    size = (raw[4] & 0x0F) + 1
    return raw[5 : 5 + size][::-1].hex().upper()
