"""The search for water, heat and gas meters of CJ/T 188, one kind after the other: no call reaches all kinds.

Each is read with AA throughout, the identifier in both orders; what answers neither is asked for its address
(function 03). The order that a meter answers is what its table must ask for.
"""

from collections.abc import Mapping
from functools import partial

from adapters import cjt188
from adapters.cjt188 import Frame
from adapters.cjt188_codec import ORDERS
from adapters.device_table import DeviceTable
from adapters.protocols import CODECS
from adapters.scan_probe import Found, Probe, Search, Spread, ask_all, spread
from rules.model import Reason

REPLY_S = 0.55
_ADDRESS = bytes.fromhex("810A")
_CODEC = CODECS["cjt188-2004"]


def of_all(tables: Mapping[str, DeviceTable]) -> Search[None]:
    """All meters of all kinds."""
    for kind in cjt188.KINDS:
        answered = False
        for order in ORDERS.values():
            answered |= yield from _of(kind, order, tables)
        if not answered:
            yield from _of(kind, b"", tables)


def _of(kind: int, order: bytes, tables: Mapping[str, DeviceTable]) -> Search[bool]:
    """Meters of one kind that answer to one order of the identifier; without one, to a question for their address."""
    meet = partial(_meet, kind, order, tables)
    return (yield from spread(Spread(partial(_ask, kind, order), meet, _address, set(), []), cjt188.ANY_ADDRESS))


def _ask(kind: int, order: bytes, pattern: str, turn: int) -> Probe:
    # The last byte, a serial number, comes back in the answer: so a second question has another answer.
    function, asked = (cjt188.READ, order) if order else (cjt188.READ_ADDRESS, _ADDRESS)
    request = cjt188.encode(kind, pattern, function, asked + bytes([turn]))
    return Probe(bytes([cjt188.WAKE_UP] * 4) + request, _CODEC, REPLY_S, is_shared=True)


def _address(frame: Frame) -> str:
    return frame.address


def _meet(kind: int, order: bytes, tables: Mapping[str, DeviceTable], address: str) -> Search[bool]:
    """Read it as each table of its kind and order would."""
    about = cjt188.KINDS[kind]
    heard = yield _ask(kind, order, address, 0)._replace(is_shared=False)
    if not any(frame.address == address for frame in heard.frames):
        heard = yield _ask(kind, order, address, 0)._replace(is_shared=False)
    frame = next((frame for frame in heard.frames if frame.address == address), None)
    if frame is None:
        return False
    models = []
    for table in tables.values():
        query = table.polled[0]
        if table.protocol != _CODEC.name or query.ask.kind != kind or order not in (b"", query.ask.identifier):
            continue
        answers = [frame] if order else (yield from ask_all(_CODEC, address, query, REPLY_S))
        if answers and _CODEC.refusal(answers[0]) is None and not isinstance(_CODEC.decode(query, answers), Reason):
            models.append(table.name)
    yield Found(_CODEC.name, address, tuple(models), about)
    return True
