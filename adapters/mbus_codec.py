"""Wired M-Bus as a codec: waking or selecting a meter, asking for all telegrams of its answer, reading the records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from adapters import mbus
from adapters.mbus import Frame
from adapters.mbus_records import Record, records
from adapters.protocol import AnyField, Decoder, Query, Refusal
from rules.model import Reason
from rules.quantity import UNITS

MOST_TELEGRAMS = 8
_LONGEST = 261
_KINDS = {  # value of a field -> kinds of records
    "energy": {"energy_wh", "energy_j", "energy"}, "volume": {"volume"}, "power": {"power_w", "power_j_h", "power"},
    "flow": {"volume_flow", "volume_flow_ext", "volume_flow_ext_s"}, "supply": {"flow_temperature"},
    "return": {"return_temperature"}, "temperature": {"external_temperature", "temperature"}, "pressure": {"pressure"},
}  # fmt: skip
_UNITS = {  # unit of a record -> a unit that quantities know, and how many of it
    "Wh": ("Wh", 1.0), "kWh": ("kWh", 1.0), "J": ("MJ", 1e-6), "m^3": ("m3", 1.0), "W": ("W", 1.0),
    "J/h": ("W", 1 / 3600), "m^3/h": ("m3/h", 1.0), "m^3/min": ("m3/h", 60.0), "m^3/s": ("m3/h", 3600.0),
    "C": ("C", 1.0), "bar": ("bar", 1.0),
}  # fmt: skip


class Chosen(NamedTuple):
    """Which record is meant: what it measures, and which of several; the first plain one that fits."""

    value: str
    storage: int = 0
    tariff: int = 0
    device: int = 0
    function: str = "instantaneous"

    @property
    def end(self) -> float | None:
        return None

    def fits(self, record: Record) -> bool:
        """Whether it is the one meant, or a modified form of it."""
        which = (record.storage, record.tariff, record.device, record.function)
        return record.kind in _KINDS[self.value] and which == (self.storage, self.tariff, self.device, self.function)


Asked = Query[None, Chosen]


@dataclass(frozen=True, slots=True)
class Mbus:
    """Wired M-Bus. A table has one query: all that the meter sends; its fields choose among the records."""

    name: str = "mbus"
    title: str = "M-Bus (EN 13757)"
    any_address: str = str(mbus.ANYBODY)
    address_form: ClassVar[Mapping[str, str]] = {
        "zh": " 1 到 250，或 16 位的二级地址，如“1149037877040E16”",
        "en": '1 to 250, or the 16 digits of the secondary address, such as "1149037877040E16"',
    }  # fmt: skip

    def address(self, text: str) -> str:
        return mbus.normal_address(text)

    def format(self, keys: dict[str, Any]) -> Chosen:
        chosen = Chosen(
            keys.pop("value"), keys.pop("storage", 0), keys.pop("tariff", 0), keys.pop("device", 0),
            keys.pop("function", "instantaneous"),
        )  # fmt: skip
        if chosen.value not in _KINDS:
            raise ValueError(f"value {chosen.value!r} is not one of {', '.join(_KINDS)}")
        return chosen

    def query(self, keys: dict[str, Any], fields: tuple[AnyField, ...], *, polled: bool) -> Asked:
        return Query("all", None, fields, polled)

    def decoder(self, asked: bytes = b"") -> Decoder[Frame]:
        return mbus.new_decoder()

    def request(self, address: str, query: Asked, answers: Sequence[Frame] = ()) -> bytes | None:
        """First wake or select the meter, which it acknowledges; then ask until no more telegrams follow."""
        is_secondary = mbus.is_secondary(address)
        primary = mbus.SELECTED if is_secondary else int(address)
        if not answers:
            return mbus.selection(address) if is_secondary else mbus.short(mbus.SND_NKE, primary)
        telegrams = len(answers) - 1
        if telegrams and (not answers[-1].has_more or telegrams == MOST_TELEGRAMS):
            return None
        turn = mbus.FCB if telegrams % 2 == 0 else 0
        return mbus.short(mbus.REQ_UD2 | turn, primary)

    def reply_bytes(self, query: Asked) -> int:
        return _LONGEST

    def mismatch(self, frame: Frame, address: str, query: Asked, answers: Sequence[Frame] = ()) -> Reason | None:
        if not answers:
            return None if frame.is_ack else Reason.WRONG_DATA
        if frame.is_ack or frame.ci not in (mbus.VARIABLE, mbus.FIXED, mbus.ERROR):
            return Reason.WRONG_DATA
        if frame.ci == mbus.ERROR and mbus.is_secondary(address):
            return None  # it does not say whose it is
        return None if mbus.fits(frame, address) else Reason.WRONG_ADDRESS

    def refusal(self, frame: Frame) -> Refusal | None:
        return Refusal(frame.error, is_lasting=False) if frame.error is not None else None

    def decode(self, query: Asked, answers: Sequence[Frame], *, multiplier: float = 1.0) -> dict[str, float] | Reason:
        found: list[Record] = []
        for frame in answers[1:] if answers[0].is_ack else answers:
            try:
                found += _read(frame)
            except ValueError:
                return Reason.WRONG_DATA
        values: dict[str, float] = {}
        for field in query.fields:
            fitting = [record for record in found if field.format.fits(record)]
            record = next((record for record in fitting if record.is_plain), None)
            if record is None and fitting:
                return Reason.WRONG_DATA  # only modified: per hour, backwards, uncorrected, ...
            if record is not None and record.bad_digits:
                return Reason.BAD_DIGIT
            if record is None or not isinstance(record.value, float):
                continue  # this meter does not have it, or not now
            unit, factor = _UNITS.get(record.unit, ("", 0.0))
            if unit not in UNITS.get(field.quantity, ()):
                return Reason.WRONG_DATA
            value = record.value * factor * UNITS[field.quantity][unit] * field.ratio(multiplier)
            values[field.label] = float(f"{value:.12g}")
        return values

    def describe(self, frame: Frame) -> dict[str, Any]:
        if frame.is_ack:
            return {"kind": "acknowledgement", "address": ""}
        head: dict[str, Any] = {"address": frame.address, "control": f"{frame.control:02X}"}
        if frame.error is not None:
            return head | {"fault": Reason.METER_REFUSED.value, "detail": frame.error}
        head["kind"] = "reply" if frame.is_reply else "request"
        if not frame.is_reply or frame.ci not in (mbus.VARIABLE, mbus.FIXED):
            return head | ({"data": frame.data.hex().upper()} if frame.data else {})
        try:
            found = _read(frame)
        except ValueError as error:
            return head | {"fault": Reason.WRONG_DATA.value, "detail": str(error)}
        bad = "; ".join(f"{row.kind}: not all decimal: {row.bad_digits}" for row in found if row.bad_digits)
        head |= {"fault": Reason.BAD_DIGIT.value, "detail": bad} if bad else {}
        return head | _head(frame) | {"values": [_said(record) for record in found]}


def _read(frame: Frame) -> list[Record]:
    """The records of an answer whose bytes they fit; ValueError with what is wrong."""
    if frame.ci == mbus.VARIABLE:
        if len(frame.data) < mbus.HEAD:
            raise ValueError("an answer without a head")
        state = mbus.walk(frame.data[mbus.HEAD :])
        if state not in (mbus.WHOLE, mbus.MORE):
            raise ValueError(state)
    return records(frame)


def _head(frame: Frame) -> dict[str, Any]:
    """Who answers: number, maker, version, medium, and the counters of the protocol."""
    data = frame.data
    number = data[3::-1].hex().upper()
    if frame.ci == mbus.FIXED:
        return {"number": number, "access": data[4], "status": f"{data[5]:02X}"} if len(data) > 5 else {}
    maker = int.from_bytes(data[4:6], "little")
    letters = "".join(chr((maker >> shift & 0x1F) + 64) for shift in (10, 5, 0))
    return {
        "number": number, "maker": letters, "version": data[6], "medium": f"{data[7]:02X}", "access": data[8],
        "status": f"{data[9]:02X}",
    }  # fmt: skip


def _said(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {"which": record.kind, "function": record.function}
    row |= {name: getattr(record, name) for name in ("storage", "tariff", "device") if getattr(record, name)}
    row |= {} if record.is_plain else {"is_modified": True}
    row |= {"is_absent": True} if record.value is None else {"value": record.value}
    return row | ({"unit": record.unit} if record.unit else {})
