"""CJ/T 188 as a codec: how a meter is asked for its values, and what its answer says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from adapters import cjt188
from adapters.cjt188 import Frame, Item
from adapters.dlt645 import BadDigitError
from adapters.protocol import AnyField, Decoder, Query, Refusal
from rules.model import Reason
from rules.quantity import UNITS

_LONGEST_REPLY = 4 + cjt188.OVERHEAD_BYTES + 46
ORDERS = {"low first": bytes.fromhex("1F90"), "high first": bytes.fromhex("901F")}
_NAMES = frozenset({"total", "settled", "energy", "power", "flow", "volume", "supply", "return"})
_JOULES = {"J": 1 / 3600, "kJ": 1 / 3.6, "MJ": 1 / 3.6e-3, "GJ": 1 / 3.6e-6}  # in Wh


class Named(NamedTuple):
    """A value of an answer by its name; its unit stands in the answer, and so does where its register ends."""

    value: str

    @property
    def end(self) -> float | None:
        return None


class Ask(NamedTuple):
    """Of which kind of meter, and the identifier as it is sent."""

    kind: int
    identifier: bytes


Asked = Query[Ask, Named]


@dataclass(frozen=True, slots=True)
class Cjt188:
    """The edition of 2004. A query asks a kind of meter for 901F; its fields are values of the answer by name."""

    name: str = "cjt188-2004"
    title: str = "CJ/T 188-2004"
    any_address: str = cjt188.ANY_ADDRESS
    address_form: ClassVar[Mapping[str, str]] = {
        "zh": " 14 位数字（前 4 位是厂家代码），如“78330011223344”",
        "en": '14 digits (the first four are the maker\'s), such as "78330011223344"',
    }  # fmt: skip

    def address(self, text: str) -> str:
        return cjt188.normal_address(text)

    def format(self, keys: dict[str, Any]) -> Named:
        value = keys.pop("value")
        if value not in _NAMES:
            raise ValueError(f"value {value!r} is not one of {', '.join(sorted(_NAMES))}")
        return Named(value)

    def query(self, keys: dict[str, Any], fields: tuple[AnyField, ...], *, polled: bool) -> Asked:
        meter, order = keys.pop("meter"), keys.pop("order", "low first")
        kind = next((kind for kind, name in cjt188.KINDS.items() if name == meter), None)
        if kind is None:
            raise ValueError(f"meter {meter!r} is not one of {', '.join(cjt188.KINDS.values())}")
        if order not in ORDERS:
            raise ValueError(f"order {order!r} is not one of {', '.join(ORDERS)}")
        return Query(cjt188.IDENTIFIER, Ask(kind, ORDERS[order]), fields, polled)

    def decoder(self, asked: bytes = b"") -> Decoder[Frame]:
        return cjt188.new_decoder()

    def request(self, address: str, query: Asked, answers: Sequence[Frame] = ()) -> bytes | None:
        return None if answers else cjt188.read_request(query.ask.kind, address, query.ask.identifier)

    def reply_bytes(self, query: Asked) -> int:
        return _LONGEST_REPLY

    def mismatch(self, frame: Frame, address: str, query: Asked, answers: Sequence[Frame] = ()) -> Reason | None:
        if address not in (frame.address, cjt188.ANY_ADDRESS):
            return Reason.WRONG_ADDRESS
        is_ours = frame.function == cjt188.READ and (frame.is_refusal or frame.identifier in ORDERS.values())
        is_alike = frame.kind >> 4 == query.ask.kind >> 4  # water, heat, gas, electricity
        return None if is_ours and is_alike else Reason.WRONG_DATA

    def refusal(self, frame: Frame) -> Refusal | None:
        return Refusal(f"state {frame.data[1:].hex().upper()}", is_lasting=False) if frame.is_refusal else None

    def decode(self, query: Asked, answers: Sequence[Frame], *, multiplier: float = 1.0) -> dict[str, float] | Reason:
        try:
            found = cjt188.items(answers[0].payload)
        except BadDigitError:
            return Reason.BAD_DIGIT
        if found is None:
            return Reason.WRONG_DATA
        values: dict[str, float] = {}
        for field in query.fields:
            item = found.get(field.format.value)
            if item is None or (item.value is not None and _factor(item, field.quantity) is None):
                return Reason.WRONG_DATA  # a table of another kind of meter
            if item.value is not None:
                values[field.label] = _in_unit(item, field.quantity) * field.ratio(multiplier)
        return values

    def describe(self, frame: Frame) -> dict[str, Any]:
        head: dict[str, Any] = {
            "address": frame.address, "meter": cjt188.KINDS[frame.kind], "control": f"{frame.control:02X}",
        }  # fmt: skip
        if frame.is_refusal:
            detail = f"state {frame.data[1:].hex().upper()}"
            return head | {"fault": Reason.METER_REFUSED.value, "detail": detail}
        head |= {"kind": "reply" if frame.is_reply else "request"}
        if frame.function != cjt188.READ:
            return head | {"data": frame.data.hex().upper()}
        head["identifier"] = frame.identifier.hex().upper()
        return head | (_answer(frame) if frame.is_reply else {})


def _answer(frame: Frame) -> dict[str, Any]:
    """What a reply to a read request says; the state stays as it is sent, since makers do not agree on its bits."""
    try:
        found = cjt188.items(frame.payload)
    except BadDigitError as error:
        return {"fault": Reason.BAD_DIGIT.value, "detail": str(error)}
    if found is None:
        return {"fault": Reason.WRONG_DATA.value, "detail": "neither length nor units of a known layout"}
    values = [
        {"which": name, "unit": item.unit} | ({"is_absent": True} if item.value is None else {"value": item.value})
        for name, item in found.items()
    ]
    return {"values": values, "state": frame.payload[-2:].hex().upper()}


def _factor(item: Item, quantity: str) -> float | None:
    """From the unit that was sent to the quantity's own; None where it is a unit of something else."""
    units = UNITS[quantity]
    if item.unit in _JOULES:
        return _JOULES[item.unit] * units["Wh"] if "Wh" in units else None
    return units.get(item.unit)


def _in_unit(item: Item, quantity: str) -> float:
    factor = _factor(item, quantity)
    assert item.value is not None
    assert factor is not None
    return round(item.value * factor, 9)
