"""The search for Modbus devices: each address is asked for one register, and a refusal is an answer too.

A device does not say what it is. It is read as each table would read it; a table fits when no register is refused and
all values are such as a device can have. Those that only read zeros fall behind those that show a mains voltage or
frequency. Several may still fit, and then people must choose.
"""

from collections.abc import Mapping

from adapters.device_table import DeviceTable
from adapters.modbus import HOLDING, INPUT_REGISTERS, LAST_ADDRESS, Asked, Frame, Read
from adapters.protocol import AnyCodec, Query
from adapters.scan_probe import Found, Note, Probe, Search, ask_all
from rules.model import Reason
from rules.quantity import QUANTITIES

REPLY_S = 0.2         # most take 50 ms
_OF_MAINS = {"voltage_v": (80.0, 500.0), "frequency_hz": (45.0, 65.0)}
_MAINS = "mains"
_TINY = 1e-6     # what is below and not 0 is the bits of something else


def of_all(codec: AnyCodec, tables: Mapping[str, DeviceTable], *, every_address: bool) -> Search[None]:
    """All devices; `every_address`: those that stay silent are asked for an input register too.

    `codec` is Modbus RTU, or TCP where a gateway speaks it.
    """
    for address in range(1, LAST_ADDRESS + 1):
        for function in (HOLDING, INPUT_REGISTERS) if every_address else (HOLDING,):
            if (yield from _at(codec, str(address), function, tables)):
                break


def _at(codec: AnyCodec, address: str, function: int, tables: Mapping[str, DeviceTable]) -> Search[bool]:
    """Meet the device at an address, if there is one."""
    query: Read = Query(f"fc{function} 0+1", Asked(function, 0, 1), ())
    request = codec.request(address, query)
    assert request is not None
    heard = yield Probe(request, codec, REPLY_S)
    if heard.is_mixed and not heard.frames:
        heard = yield Probe(request, codec, REPLY_S)
        if heard.is_mixed and not heard.frames:
            yield Note("clash", address)
    if not any(_is_own(codec, frame, address, query) for frame in heard.frames):
        return False
    yield Found(codec.name, address, (yield from _models(codec, address, tables)))
    return True


def _is_own(codec: AnyCodec, frame: Frame, address: str, query: Read) -> bool:
    """Whether a device answers; of a silent one a gateway says so itself."""
    return codec.mismatch(frame, address, query) not in (Reason.NO_ANSWER, Reason.WRONG_ADDRESS)


def _models(codec: AnyCodec, address: str, tables: Mapping[str, DeviceTable]) -> Search[tuple[str, ...]]:
    """The tables that fit."""
    answers: dict[Asked, list[Frame]] = {}   # several tables begin with the same question
    shows_mains: dict[str, bool] = {}
    for table in tables.values():
        if table.protocol != codec.name:
            continue
        shown: set[str] = set()
        for query in sorted(table.queries, key=lambda query: not query.polled):
            if query.ask not in answers:
                answers[query.ask] = yield from ask_all(codec, address, query, REPLY_S)
            verdict = _verdict(codec, query, answers[query.ask])
            if verdict is None:
                break
            shown |= verdict
        else:
            if shown:
                shows_mains[table.name] = _MAINS in shown
    best = [name for name, has_mains in shows_mains.items() if has_mains]
    return tuple(best or shows_mains)


def _verdict(codec: AnyCodec, query: Read, frames: list[Frame]) -> set[str] | None:
    """What was read, by label, and whether it shows the mains; None where this table does not fit."""
    if not frames or codec.refusal(frames[0]) is not None:
        return None if query.polled else set()
    values = codec.decode(query, frames)
    if isinstance(values, Reason):
        return None
    shown = set(values)
    for field in query.fields:
        value = values.get(field.label, 0.0)
        quantity = QUANTITIES[field.quantity]
        if not quantity.least <= value <= quantity.most or 0 < abs(value) < _TINY:
            return None
        least, most = _OF_MAINS.get(field.quantity, (0.0, 0.0))
        if value and least <= value <= most:
            shown.add(_MAINS)
    return shown
