"""What the records of an M-Bus answer mean, by pyMeterBus; the old fixed layout by itself.

The library is loaded when the first answer comes, since most gateways have no M-Bus. Its import sets up logging for the
whole process, which is undone; its decimals are made from floats, so they are rounded to twelve digits. It takes any
digit for a decimal one and drops what corrects a value: data and VIFEs of a record are therefore looked at here.
"""

import logging
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from adapters.mbus import FIXED, FIXED_HEAD, HEAD, VARIABLE, Frame

_FUNCTIONS = {
    "INSTANTANEOUS_VALUE": "instantaneous", "MAXIMUM_VALUE": "maximum", "MINIMUM_VALUE": "minimum",
    "ERROR_STATE_VALUE": "in error", "SPECIAL_FUNCTION": "maker's own", "SPECIAL_FUNCTION_FILL_BYTE": "idle",
    "MORE_RECORDS_FOLLOW": "more follow",
}  # fmt: skip
_UNITS = {  # as the library names them
    "KWH": "kWh", "WH": "Wh", "J": "J", "M3": "m^3", "L": "l", "KG": "kg", "W": "W", "J_H": "J/h", "M3_H": "m^3/h",
    "M3_MIN": "m^3/min", "M3_S": "m^3/s", "KG_H": "kg/h", "C": "C", "K": "K", "BAR": "bar", "SECONDS": "s", "V": "V",
    "A": "A", "PERCENT": "%",
}  # fmt: skip
_DECADES: tuple[tuple[int, str, str, float], ...] = (  # of the fixed layout: first code, kind, unit, what code 0 counts
    (0x02, "energy_wh", "Wh", 1.0), (0x0B, "energy_j", "J", 1e3), (0x14, "power_w", "W", 1.0),
    (0x1D, "power_j_h", "J/h", 1e3), (0x26, "volume", "m^3", 1e-6), (0x2F, "volume_flow", "m^3/h", 1e-6),
    (0x38, "temperature", "C", 1e-3),
)  # fmt: skip
_INTEGERS, _DIGITS = (1, 2, 3, 4, 6, 7), (9, 10, 11, 12, 14)   # low half of a DIF
_FURTHER_TABLES, _TEXT_UNIT, _MAKERS_UNIT = (0xFB, 0xFD), 0xFC, 0xFF   # VIFs that have extensions
_POWERS, _THOUSANDS, _NO_ERROR = range(0x70, 0x78), 0x7D, 0x00   # VIFEs: 10^-6 to 10^1, 10^3, none
_HISTORIC = 0x3E   # the second counter is an earlier value of the first
_TYPE_F_BYTES, _TIME_INVALID = 4, 0x80  # date and time; the bit of its first byte, the minutes


class Record(NamedTuple):
    """One record: what it is (`kind`: volume, energy_wh, ...), its value in `unit`, and which of several it is.

    `value` is None where the meter has none or marks it invalid, and text for dates and names. `is_plain`: nothing
    modifies its meaning.
    """

    kind: str
    unit: str
    value: float | str | None
    function: str = "instantaneous"
    storage: int = 0
    tariff: int = 0
    device: int = 0
    is_plain: bool = True
    bad_digits: str = ""   # as sent, high first, where one is not decimal: there is no value then


def records(frame: Frame) -> list[Record]:
    """The records of a whole answer (see `mbus.walk`), in order; ValueError where they cannot be read."""
    if frame.ci == FIXED:
        return _fixed(frame.data)
    if frame.ci != VARIABLE or len(frame.data) < HEAD:
        raise ValueError(f"no answer with records (CI {frame.ci:02X})")
    try:
        telegram = _library().load(list(frame.raw))
        return [_checked(_record(sent.interpreted, sent.dataField.parts), sent) for sent in telegram.records]
    except Exception as error:  # the library lets whatever goes wrong in it pass
        raise ValueError(f"records that cannot be read: {error}") from error


@cache
def _library() -> ModuleType:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    import meterbus  # type: ignore[import-untyped]

    root.handlers[:], level = before
    root.setLevel(level)
    return meterbus  # type: ignore[no-any-return]


def _record(said: Mapping[str, object], data: Sequence[int]) -> Record:
    unit = str(said["unit"]).rpartition(".")[2]
    is_invalid = unit == "DATE_TIME" and len(data) == _TYPE_F_BYTES and bool(data[0] & _TIME_INVALID)
    value = None if is_invalid else said["value"]
    number = value if isinstance(value, str | None) else float(f"{value:.12g}")
    if isinstance(number, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", number):
        number += ":00"  # as every other time is written
    return Record(
        str(said["type"]).rpartition(".")[2].lower(),
        _UNITS.get(unit, ""),
        number,
        _FUNCTIONS[str(said["function"]).rpartition(".")[2]],
        _whole(said.get("storage_number")),
        _whole(said.get("tariff")),
        _whole(said.get("device")),
    )


def _checked(record: Record, sent: Any) -> Record:
    """The record with its corrections, and without a value where what was sent stands for none."""
    factor, is_plain = _modified(bytes(sent.vib.parts))
    record = record._replace(is_plain=is_plain)
    if not isinstance(record.value, float):
        return record
    form, data = sent.dib.parts[0] & 0x0F, bytes(sent.dataField.parts)
    if form in _DIGITS:
        digits = data[::-1].hex().upper()
        if not digits.removeprefix("F").isdecimal():  # one F is a minus sign
            return record._replace(value=None, bad_digits="" if set(digits) == {"F"} else digits)
    is_quantity = bool(record.unit)  # flags may have any bits
    is_least = form in _INTEGERS and data == bytes(len(data) - 1) + b"\x80"
    if (is_quantity and is_least) or not math.isfinite(record.value):
        return record._replace(value=None)
    return record._replace(value=float(f"{record.value * factor:.12g}"))


def _modified(vif: bytes) -> tuple[float, bool]:
    """What the extensions of a VIF multiply its value by, and whether they leave its meaning alone."""
    if len(vif) < 2 or vif[0] == _MAKERS_UNIT:
        return 1.0, len(vif) < 2
    is_done = vif[0] == _TEXT_UNIT and vif[1] & 0x7F in _POWERS  # by the library
    factor = 1.0
    for extension in vif[2 if is_done or vif[0] in _FURTHER_TABLES else 1 :]:
        code = extension & 0x7F
        if code in _POWERS:
            factor *= 10.0 ** (code - 0x76)
        elif code == _THOUSANDS:
            factor *= 1e3
        elif code != _NO_ERROR:
            return factor, False  # what follows may have another meaning
    return factor, True


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _fixed(data: bytes) -> list[Record]:
    """The two counters of the old layout; their units are codes, ten times more with each step of three."""
    if len(data) < FIXED_HEAD + 8:
        raise ValueError("a fixed answer that is too short")
    status = data[5]
    codes = [byte & 0x3F for byte in data[6:8]]
    if codes[1] == _HISTORIC:
        codes[1] = codes[0]
    out = []
    for index, code in enumerate(codes):
        raw = data[FIXED_HEAD + 4 * index : FIXED_HEAD + 4 * index + 4]
        kind, unit, factor = _decade(code)
        digits = raw[::-1].hex()
        is_binary = bool(status & 0x80)
        counted = int.from_bytes(raw, "little") if is_binary else int(digits) if digits.isdecimal() else None
        bad_digits = "" if counted is not None or set(digits) == {"f"} else digits.upper()
        value = None if counted is None else float(f"{counted * factor:.12g}")
        is_stored = bool(status & 0x40) or (index == 1 and data[7] & 0x3F == _HISTORIC)
        out.append(Record(kind, unit, value, storage=int(is_stored), bad_digits=bad_digits))
    return out


def _decade(code: int) -> tuple[str, str, float]:
    for first, kind, unit, least in reversed(_DECADES):
        if first <= code <= first + 8 and (kind != "temperature" or code == first):
            return kind, unit, float(f"{least * 10.0 ** (code - first):.12g}")
    return "unknown", "", 1.0
