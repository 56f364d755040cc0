"""DL/T 645-1997 as a codec, for old meters: frames as in 2007, with other functions, identifiers and formats."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from adapters import dlt645
from adapters.dlt645 import Frame
from adapters.dlt645_codec import answer_text, read_fields, rest, size
from adapters.dlt645_identifiers import Bcd, read_format
from adapters.protocol import AnyField, Decoder, Field, Query, Refusal
from rules.model import Reason

Asked = Query[str, Bcd]

READ = 0x01
ANY_ADDRESS = "9" * 12
_WAKE_UP_BYTES, _IDENTIFIER_BYTES = 4, 2
_FUNCTIONS = {
    0x01: "read", 0x02: "read what follows", 0x03: "read again", 0x04: "write", 0x08: "set the time of all",
    0x0A: "write the address", 0x0C: "change the baud rate", 0x0F: "change the password", 0x10: "clear the demand",
}  # fmt: skip
_NO_SUCH_DATA = 0x02
_ERRORS = ("illegal data", "no such identifier", "wrong password", "", "too many year zones", "too many day periods",
           "too many tariffs", "")  # fmt: skip
_PHASES = {"1": "A", "2": "B", "3": "C", "0": ""}
_ENERGIES = {"901": ("energy_kwh", "kWh"), "902": ("energy_kwh", "kWh"), "911": ("reactive_energy_kvarh", "kvarh"),
             "912": ("reactive_energy_kvarh", "kvarh")}  # fmt: skip
_MEANINGS = {"901": "forward active", "902": "reverse active", "911": "forward reactive", "912": "reverse reactive"}
_VARIABLES = {
    "B61": ("voltage_v", "XXXX", "V"), "B62": ("current_a", "XX.XX", "A"), "B63": ("power_w", "XX.XXXX", "kW"),
    "B64": ("reactive_power_var", "XX.XX", "kvar"), "B65": ("power_factor", "X.XXX", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dlt645Of1997:
    """The edition of 1997, for reading. A query asks for one identifier of four digits; its fields are BCD."""

    name: str = "dlt645-1997"
    title: str = "DL/T 645-1997"
    any_address: str = ANY_ADDRESS
    address_form: ClassVar[Mapping[str, str]] = {
        "zh": " 12 位数字，如“000000012345”", "en": '12 digits, such as "000000012345"',
    }  # fmt: skip

    def address(self, text: str) -> str:
        return dlt645.normal_address(text)

    def format(self, keys: dict[str, Any]) -> Bcd:
        return Bcd(*read_format(keys.pop("format")), signed=keys.pop("signed", False))

    def query(self, keys: dict[str, Any], fields: tuple[AnyField, ...], *, polled: bool) -> Asked:
        identifier = keys.pop("identifier")
        if not re.fullmatch(r"[0-9A-F]{4}", identifier):
            raise ValueError(f"{identifier!r} is not 4 digits 0-9 A-F")
        return Query(identifier, identifier, fields, polled)

    def decoder(self, asked: bytes = b"") -> Decoder[Frame]:
        return dlt645.new_decoder()

    def request(self, address: str, query: Asked, answers: Sequence[Frame] = ()) -> bytes | None:
        if answers:
            return None
        return bytes([dlt645.WAKE_UP] * 4) + dlt645.encode(address, READ, bytes.fromhex(query.ask)[::-1])

    def reply_bytes(self, query: Asked) -> int:
        return _WAKE_UP_BYTES + dlt645.OVERHEAD_BYTES + _IDENTIFIER_BYTES + size(query)

    def mismatch(self, frame: Frame, address: str, query: Asked, answers: Sequence[Frame] = ()) -> Reason | None:
        if address not in (frame.address, ANY_ADDRESS, dlt645.ANY_ADDRESS):
            return Reason.WRONG_ADDRESS
        if not frame.is_1997:
            return Reason.OTHER_EDITION
        is_ours = frame.function == READ and (frame.is_refusal or _identifier(frame) == query.ask)
        return None if is_ours else Reason.WRONG_DATA

    def refusal(self, frame: Frame) -> Refusal | None:
        if not frame.is_refusal:
            return None
        return Refusal(_refusal_text(frame.error_word), is_lasting=bool(frame.error_word & _NO_SUCH_DATA))

    def decode(self, query: Asked, answers: Sequence[Frame], *, multiplier: float = 1.0) -> dict[str, float] | Reason:
        return read_fields(query, answers[0].data[_IDENTIFIER_BYTES:], multiplier)

    def describe(self, frame: Frame) -> dict[str, Any]:
        return described(frame)


def described(frame: Frame) -> dict[str, Any]:
    """What a frame of this edition says on its own."""
    head: dict[str, Any] = {"address": frame.address, "control": f"{frame.control:02X}", "edition": "1997"}
    if frame.is_refusal:
        detail = f"error word {frame.error_word:02X}: {_refusal_text(frame.error_word)}"
        return head | {"fault": Reason.METER_REFUSED.value, "detail": detail}
    head["kind"] = "reply" if frame.is_reply else "request"
    head["function"] = _FUNCTIONS.get(frame.function, "unknown")
    if frame.function != READ or len(frame.data) < _IDENTIFIER_BYTES:
        return head | rest(frame.data)
    head["identifier"] = _identifier(frame)
    payload = frame.data[_IDENTIFIER_BYTES:]
    query = standard_query(_identifier(frame))
    if query is None or not frame.is_reply:
        return head | ({"quantity": query.fields[0].quantity} if query else {}) | rest(payload)
    return head | answer_text(query, payload)


def standard_query(identifier: str) -> Asked | None:
    """How the answer to an identifier reads by the standard; None where this list does not know it."""
    group, last = identifier[:3], identifier[3]
    if group in _ENERGIES and last == "0":
        quantity, unit = _ENERGIES[group]
        return Query(identifier, identifier, (Field(quantity, unit, Bcd(4, 2), _MEANINGS[group]),))
    if group in _VARIABLES and last in _PHASES:
        quantity, form, unit = _VARIABLES[group]
        return Query(identifier, identifier, (Field(quantity, unit, Bcd(*read_format(form)), _PHASES[last]),))
    return None


def _identifier(frame: Frame) -> str:
    return frame.data[1::-1].hex().upper()


def _refusal_text(word: int) -> str:
    return ", ".join(text for bit, text in enumerate(_ERRORS) if word >> bit & 1 and text) or "no reason given"
