"""What the records of an M-Bus answer mean, by pyMeterBus; the old fixed layout by itself.

The library is loaded when the first answer comes, since most gateways have no M-Bus. Its import sets up logging for the
whole process, which is undone; its decimals are made from floats, so they are rounded to twelve digits.
"""

import logging
import re
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import NamedTuple

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
_HISTORIC = 0x3E   # the second counter is an earlier value of the first


class Record(NamedTuple):
    """One record: what it is (`kind`: volume, energy_wh, ...), its value in `unit`, and which of several it is.

    `value` is None where the meter has none, and text for dates and names. `is_plain`: nothing modifies its meaning.
    """

    kind: str
    unit: str
    value: float | str | None
    function: str = "instantaneous"
    storage: int = 0
    tariff: int = 0
    device: int = 0
    is_plain: bool = True


def records(frame: Frame) -> list[Record]:
    """The records of a whole answer (see `mbus.walk`), in order; ValueError where they cannot be read."""
    if frame.ci == FIXED:
        return _fixed(frame.data)
    if frame.ci != VARIABLE or len(frame.data) < HEAD:
        raise ValueError(f"no answer with records (CI {frame.ci:02X})")
    try:
        telegram = _library().load(list(frame.raw))
        return [_record(record.interpreted) for record in telegram.records]
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


def _record(said: Mapping[str, object]) -> Record:
    value = said["value"]
    number = value if isinstance(value, str | None) else float(f"{value:.12g}")
    if isinstance(number, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", number):
        number += ":00"  # as every other time is written
    return Record(
        str(said["type"]).rpartition(".")[2].lower(),
        _UNITS.get(str(said["unit"]).rpartition(".")[2], ""),
        number,
        _FUNCTIONS[str(said["function"]).rpartition(".")[2]],
        _whole(said.get("storage_number")),
        _whole(said.get("tariff")),
        _whole(said.get("device")),
        "unit_enh" not in said,
    )


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
        counted = int.from_bytes(raw, "little") if status & 0x80 else int(digits) if digits.isdecimal() else None
        value = None if counted is None else float(f"{counted * factor:.12g}")
        is_stored = bool(status & 0x40) or (index == 1 and data[7] & 0x3F == _HISTORIC)
        is_stored = bool(status & 0x40) or (index == 1 and data[7] & 0x3F == _HISTORIC)
        out.append(Record(kind, unit, value, storage=int(is_stored)))
    return out


def _decade(code: int) -> tuple[str, str, float]:
    for first, kind, unit, least in reversed(_DECADES):
        if first <= code <= first + 8 and (kind != "temperature" or code == first):
            return kind, unit, float(f"{least * 10.0 ** (code - first):.12g}")
    return "unknown", "", 1.0
