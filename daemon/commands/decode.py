"""say what the bytes of a meter's frame mean

解读表计报文
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from adapters import dlt645
from adapters.dlt645 import BadDigitError, Decoder, Frame, Garble, number
from adapters.dlt645_identifiers import standard_query
from rules.model import Reason
from rules.quantity import QUANTITIES

NAME = "decode"

_FUNCTIONS = {
    0x08: "set the time of all", 0x11: "read", 0x12: "read what follows", 0x13: "read the address", 0x14: "write",
    0x15: "write the address", 0x16: "freeze", 0x17: "change the baud rate", 0x18: "change the password",
    0x19: "clear the demand", 0x1A: "clear the meter", 0x1B: "clear the events", 0x1C: "switch",
}  # fmt: skip
_DETAILS = {
    Reason.NOISE: "no frame begins here",
    Reason.CHECKSUM: "the checksum does not fit the bytes",
    Reason.BAD_END: "the checksum fits, but the frame does not end with 16",
    Reason.BAD_LENGTH: "the declared length is more than the standard allows",
    Reason.HALF_FRAME: "the frame is cut off",
}


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Say what the bytes of a meter's frame mean: one JSON object for each frame, or for what is wrong with the "
        "bytes. The exit code is 1 if anything was wrong."
    )
    parser.add_argument("protocol", choices=["dlt645"], help="dlt645: DL/T 645-2007")
    parser.add_argument(
        "hex", nargs="+", metavar="HEX", help="a frame each, such as 6861...8A16 or '68 61 ... 8A 16'; or byte by byte"
    )


def run(args: argparse.Namespace) -> int:
    """Print what the bytes say; 1 if anything was wrong with them."""
    try:
        streams = streams_from(args.hex)
    except ValueError as error:
        sys.stderr.write(f"caretaker decode: {error}\n")
        return 1
    lines = [line for stream in streams for line in decoded(stream)]
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    return int(any("fault" in line for line in lines))


def streams_from(texts: Sequence[str]) -> list[bytes]:
    """The bytes of the arguments: each a stream of its own, but single bytes in a row are one stream."""
    streams: list[bytes] = []
    joins = False
    for text in texts:
        digits = re.sub(r"0[xX](?=[0-9a-fA-F]{2})|[\s,:-]", "", text)
        wrong = re.search(r"[^0-9a-fA-F]", digits)
        if wrong:
            raise ValueError(f"{text!r} is no hexadecimal text: {wrong.group()!r} is not one of 0-9 A-F")
        if not digits or len(digits) % 2:
            raise ValueError(f"{text!r} has {len(digits)} hexadecimal digits; a byte has two")
        is_byte = len(digits) == 2
        if joins and is_byte:
            streams[-1] += bytes.fromhex(digits)
        else:
            streams.append(bytes.fromhex(digits))
        joins = is_byte
    return streams


def decoded(stream: bytes) -> Iterator[dict[str, Any]]:
    """What one stream of bytes holds, in order."""
    decoder = Decoder()
    found = decoder.feed(stream) + decoder.flush()
    for item in found:
        yield _fault(item.reason, item.raw) if isinstance(item, Garble) else _frame(item)
    if not found:
        yield _fault(Reason.HALF_FRAME, stream)


def _frame(frame: Frame) -> dict[str, Any]:
    head: dict[str, Any] = {"address": frame.address, "control": f"{frame.control:02X}"}
    if frame.is_1997:
        detail = "a frame of DL/T 645-1997, whose identifiers and formats differ: set the meter to the 2007 edition"
        return head | _fault(Reason.OTHER_EDITION, frame.raw, detail)
    if frame.is_refusal:
        detail = f"error word {frame.error_word:02X}: {dlt645.refusal_text(frame.error_word)}"
        return head | _fault(Reason.METER_REFUSED, frame.raw, detail)
    head["kind"] = "reply" if frame.is_reply else "request"
    head["function"] = _FUNCTIONS.get(frame.function, "unknown")
    if frame.identifier is None:
        return head | _rest(frame.data) | _raw(frame.raw)
    head["identifier"] = frame.identifier
    if not frame.is_reply or frame.function != dlt645.READ:
        asked = standard_query(frame.identifier, 0)
        head |= {"quantity": asked.fields[0].quantity} if asked else {}
        return head | _rest(frame.payload) | _raw(frame.raw)
    return head | ({"has_more": True} if frame.has_more else {}) | _answer(frame)


def _answer(frame: Frame) -> dict[str, Any]:
    """What a reply to a read request says; its plain digits where the list of identifiers does not know it."""
    query = standard_query(frame.identifier or "", len(frame.payload))
    if query is None:
        return _rest(frame.payload) | _raw(frame.raw)
    if len(frame.payload) != query.size:
        return _fault(Reason.WRONG_DATA, frame.raw, f"{len(frame.payload)} bytes of data, not {query.size}")
    values: list[dict[str, Any]] = []
    at = 0
    for field in query.fields:
        raw = frame.payload[at : at + field.size]
        at += field.size
        try:
            value = number(raw, decimals=field.decimals, signed=field.signed, factor=field.factor)
        except BadDigitError as error:
            return _fault(Reason.BAD_DIGIT, frame.raw, f"{field.label}: {error}")
        row: dict[str, Any] = {"quantity": field.quantity}
        if field.phase:
            row["which"] = field.phase
        row |= {"is_absent": True} if value is None else {"value": value}
        values.append(row | {"unit": QUANTITIES[field.quantity].unit})
    return {"values": values} | _raw(frame.raw)


def _rest(data: bytes) -> dict[str, Any]:
    """Data without a known format, in the order that people read: high byte first."""
    return {"data": data[::-1].hex().upper()} if data else {}


def _raw(raw: bytes) -> dict[str, Any]:
    return {"frame": raw.hex(" ").upper()}


def _fault(reason: Reason, raw: bytes, detail: str = "") -> dict[str, Any]:
    return {"fault": reason.value, "detail": detail or _DETAILS[reason]} | _raw(raw)
