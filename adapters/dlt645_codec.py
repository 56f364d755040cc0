"""DL/T 645-2007 as a codec: how a meter is asked for an identifier, and what its answer says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from adapters import dlt645
from adapters.dlt645 import BadDigitError, Frame, number
from adapters.dlt645_identifiers import Bcd, read_format, standard_query
from adapters.protocol import AnyField, Decoder, Query, Refusal
from rules.model import Reason
from rules.quantity import QUANTITIES

Asked = Query[str, Bcd]

_WAKE_UP_BYTES = 4
_IDENTIFIER_BYTES = 4
_LASTING = dlt645.NO_SUCH_DATA | dlt645.NOT_ALLOWED
_FUNCTIONS = {
    0x08: "set the time of all", 0x11: "read", 0x12: "read what follows", 0x13: "read the address", 0x14: "write",
    0x15: "write the address", 0x16: "freeze", 0x17: "change the baud rate", 0x18: "change the password",
    0x19: "clear the demand", 0x1A: "clear the meter", 0x1B: "clear the events", 0x1C: "switch",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dlt645:
    """The edition of 2007. A query asks for one identifier; its fields stand one after the other, in BCD."""

    name: str = "dlt645-2007"
    title: str = "DL/T 645-2007"
    any_address: str = dlt645.ANY_ADDRESS
    address_form: ClassVar[Mapping[str, str]] = {
        "zh": " 12 位数字，如“000000012345”", "en": '12 digits, such as "000000012345"',
    }  # fmt: skip

    def address(self, text: str) -> str:
        return dlt645.normal_address(text)

    def format(self, keys: dict[str, Any]) -> Bcd:
        return Bcd(*read_format(keys.pop("format")), signed=keys.pop("signed", False))

    def query(self, keys: dict[str, Any], fields: tuple[AnyField, ...], *, polled: bool) -> Asked:
        identifier = keys.pop("identifier")
        if not re.fullmatch(r"[0-9A-F]{8}", identifier):
            raise ValueError(f"{identifier!r} is not 8 digits 0-9 A-F")
        return Query(identifier, identifier, fields, polled)

    def decoder(self, asked: bytes = b"") -> Decoder[Frame]:
        return dlt645.new_decoder()

    def request(self, address: str, query: Asked, answers: Sequence[Frame] = ()) -> bytes | None:
        return None if answers else dlt645.read_request(address, query.ask)

    def reply_bytes(self, query: Asked) -> int:
        return _WAKE_UP_BYTES + dlt645.OVERHEAD_BYTES + _IDENTIFIER_BYTES + size(query)

    def mismatch(self, frame: Frame, address: str, query: Asked, answers: Sequence[Frame] = ()) -> Reason | None:
        return dlt645.mismatch(frame, address, query.ask)

    def refusal(self, frame: Frame) -> Refusal | None:
        if not frame.is_refusal:
            return None
        return Refusal(dlt645.refusal_text(frame.error_word), is_lasting=bool(frame.error_word & _LASTING))

    def decode(self, query: Asked, answers: Sequence[Frame], *, multiplier: float = 1.0) -> dict[str, float] | Reason:
        return read_fields(query, answers[0].payload, multiplier)

    def describe(self, frame: Frame) -> dict[str, Any]:
        head: dict[str, Any] = {"address": frame.address, "control": f"{frame.control:02X}"}
        if frame.is_1997:
            detail = "a frame of DL/T 645-1997, whose identifiers and formats differ: set the meter to the 2007 edition"
            return head | {"fault": Reason.OTHER_EDITION.value, "detail": detail}
        if frame.is_refusal:
            detail = f"error word {frame.error_word:02X}: {dlt645.refusal_text(frame.error_word)}"
            return head | {"fault": Reason.METER_REFUSED.value, "detail": detail}
        head["kind"] = "reply" if frame.is_reply else "request"
        head["function"] = _FUNCTIONS.get(frame.function, "unknown")
        if frame.identifier is None:
            return head | rest(frame.data)
        head["identifier"] = frame.identifier
        if not frame.is_reply or frame.function != dlt645.READ:
            asked = standard_query(frame.identifier, 0)
            head |= {"quantity": asked.fields[0].quantity} if asked else {}
            return head | rest(frame.payload)
        return head | ({"has_more": True} if frame.has_more else {}) | _answer(frame)


def read_fields(query: Asked, payload: bytes, multiplier: float) -> dict[str, float] | Reason:
    """The values of an answer's fields, one after the other, by label."""
    if len(payload) != size(query):
        return Reason.WRONG_DATA
    values: dict[str, float] = {}
    at = 0
    for field in query.fields:
        form = field.format
        raw = payload[at : at + form.size]
        at += form.size
        factor = field.factor * field.ratio(multiplier)
        try:
            value = number(raw, decimals=form.decimals, signed=form.signed, factor=factor)
        except BadDigitError:
            return Reason.BAD_DIGIT
        if value is not None:
            values[field.label] = value
    return values


def size(query: Asked) -> int:
    """Bytes of the answer after its identifier."""
    return sum(field.format.size for field in query.fields)


def _answer(frame: Frame) -> dict[str, Any]:
    """What a reply to a read request says; its plain digits where the list of identifiers does not know it."""
    query = standard_query(frame.identifier or "", len(frame.payload))
    return rest(frame.payload) if query is None else answer_text(query, frame.payload)


def answer_text(query: Asked, payload: bytes) -> dict[str, Any]:
    """The values of an answer for people, or what is wrong with it."""
    if len(payload) != size(query):
        return {"fault": Reason.WRONG_DATA.value, "detail": f"{len(payload)} bytes of data, not {size(query)}"}
    values: list[dict[str, Any]] = []
    at = 0
    for field in query.fields:
        form = field.format
        raw = payload[at : at + form.size]
        at += form.size
        try:
            value = number(raw, decimals=form.decimals, signed=form.signed, factor=field.factor)
        except BadDigitError as error:
            return {"fault": Reason.BAD_DIGIT.value, "detail": f"{field.label}: {error}"}
        row: dict[str, Any] = {"quantity": field.quantity}
        if field.phase:
            row["which"] = field.phase
        row |= {"is_absent": True} if value is None else {"value": value}
        values.append(row | {"unit": QUANTITIES[field.quantity].unit})
    return {"values": values}


def rest(data: bytes) -> dict[str, Any]:
    """Data without a known format, in the order that people read: high byte first."""
    return {"data": data[::-1].hex().upper()} if data else {}
