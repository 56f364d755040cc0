"""The search for meters on M-Bus: by secondary address, then by primary.

A selection with F for digits is acknowledged by all that fit, and an acknowledgement of many looks like that of one:
only when the selected are asked for their data do several collide. Then the digits of the number are fixed, the last
one first, since it differs most among meters of one delivery. Who knows no selection is asked by primary address.
"""

from collections.abc import Mapping
from typing import Any

from adapters import mbus
from adapters.device_table import DeviceTable
from adapters.mbus import Frame
from adapters.protocols import CODECS
from adapters.scan_probe import Found, More, Note, Probe, Search, ask_all
from rules.model import Reason

REPLY_S = 0.25        # at 2400 baud 330 bits and 50 ms, and the adapter's own
LAST_PRIMARY = 250
_DIGITS = 8
_CODEC = CODECS["mbus"]
_MEDIA = {  # what the medium in the head of an answer must be measured as
    0x02: "energy_kwh", 0x03: "gas_m3", 0x04: "heat_kwh", 0x06: "volume_m3", 0x07: "volume_m3", 0x0A: "heat_kwh",
    0x0B: "heat_kwh", 0x0C: "heat_kwh", 0x0D: "heat_kwh", 0x15: "volume_m3", 0x16: "volume_m3", 0x17: "volume_m3",
}  # fmt: skip
_NAMES = {
    0x02: "electricity", 0x03: "gas", 0x04: "heat", 0x06: "hot water", 0x07: "water", 0x0A: "cooling", 0x0B: "cooling",
    0x0C: "heat", 0x0D: "heat and cooling", 0x15: "hot water", 0x16: "cold water", 0x17: "water",
}  # fmt: skip
_FOR_ALL = "mbus-"    # tables of this name are for meters of any maker
_ANY = "F" * 16
_ASK_SELECTED = mbus.short(mbus.REQ_UD2 | mbus.FCB, mbus.SELECTED)


def of_all(tables: Mapping[str, DeviceTable], *, every_address: bool) -> Search[None]:
    """All meters; `every_address`: each primary address is asked even where nobody answers the general call."""
    met: set[str] = set()
    anybody = yield _probe(mbus.short(mbus.SND_NKE, mbus.ANYBODY))
    is_selected = yield from _select(_ANY, tables, met)
    yield _probe(mbus.short(mbus.SND_NKE, mbus.SELECTED))
    if anybody.is_silent and not is_selected and not every_address:
        return
    if not every_address:
        yield More(LAST_PRIMARY)
    for primary in range(1, LAST_PRIMARY + 1):
        yield from _by_primary(str(primary), tables, met)


def _probe(request: bytes) -> Probe:
    return Probe(request, _CODEC, REPLY_S, is_shared=True)


def _select(pattern: str, tables: Mapping[str, DeviceTable], met: set[str]) -> Search[bool]:
    """Find all meters that a selection fits; whether anything acknowledged it."""
    acknowledged = yield _probe(mbus.selection(pattern))
    if acknowledged.is_silent:
        return False
    answer = yield _probe(_ASK_SELECTED)
    addresses = {_secondary(frame) for frame in answer.frames if not frame.is_ack} - {""}
    is_alone = len(addresses) == 1 and not answer.is_mixed
    for address in sorted(addresses - met):
        if (yield from _meet(address, tables)):
            met.add(address)
        else:
            is_alone = False
    if is_alone or answer.is_silent:
        return not answer.is_silent
    at = pattern.rfind("F", 0, _DIGITS)
    if at < 0:
        yield Note("clash", pattern)
        return True
    yield More(10)
    for digit in "0123456789":
        yield from _select(pattern[:at] + digit + pattern[at + 1 :], tables, met)
    return True


def _by_primary(primary: str, tables: Mapping[str, DeviceTable], met: set[str]) -> Search[None]:
    heard = yield _probe(mbus.short(mbus.SND_NKE, int(primary)))
    if heard.is_silent:
        return
    answer = yield _probe(mbus.short(mbus.REQ_UD2 | mbus.FCB, int(primary)))
    addresses = {_secondary(frame) for frame in answer.frames if not frame.is_ack}
    if answer.is_mixed or len(addresses) > 1:
        yield Note("clash", primary)
    elif addresses and not addresses <= met:
        yield from _meet(primary, tables)


def _secondary(frame: Frame) -> str:
    """The secondary address of who answers; the fixed layout tells its number alone."""
    if frame.ci == mbus.FIXED and len(frame.data) >= mbus.FIXED_HEAD:
        return frame.data[3::-1].hex().upper() + "F" * _DIGITS
    return frame.secondary


def _meet(address: str, tables: Mapping[str, DeviceTable]) -> Search[bool]:
    """Read all that the meter at an address sends; its medium and its records tell which tables fit."""
    mine = [table for table in tables.values() if table.protocol == _CODEC.name]
    answers = yield from ask_all(_CODEC, address, mine[0].polled[0], REPLY_S)
    if len(answers) < 2:
        return False
    medium = _medium(answers[1])
    fitting = [table for table in mine if _is_read(table, answers, medium)]
    of_maker = [table for table in fitting if _maker(answers[1]) in _makers(table)]
    models = [table.name for table in of_maker or fitting if table in of_maker or not _makers(table)]
    yield Found(_CODEC.name, address, tuple(models), _NAMES.get(medium, ""))
    return True


def _maker(frame: Frame) -> str:
    return frame.secondary[_DIGITS : _DIGITS + 4]


def _makers(table: DeviceTable) -> set[str]:
    """Whose devices a table is for, by the frames in it; none for those that are for all."""
    if table.name.startswith(_FOR_ALL):
        return set()
    return {_maker(Frame(vector.frames[-1])) for vector in table.vectors} - {""}


def _medium(frame: Frame) -> int:
    return frame.data[7] if frame.ci == mbus.VARIABLE and len(frame.data) >= mbus.HEAD else 0


def _is_read(table: DeviceTable, answers: list[Any], medium: int) -> bool:
    """Whether a table gives the values that a meter of this medium has; of an unknown one, any."""
    values = _CODEC.decode(table.polled[0], answers)
    return not isinstance(values, Reason) and (_MEDIA[medium] in values if medium in _MEDIA else bool(values))
