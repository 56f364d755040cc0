"""The search for meters of DL/T 645, both editions, and for those that speak DL/T 698.45 instead.

A read request with AA in its high bytes is answered by all meters with these low digits; asking for the address
(function 13) and reading from AA throughout are the general calls. 1997 has 99 throughout as well.
"""

from functools import partial

from adapters import dlt645, dlt645_1997, dlt698
from adapters.dlt645 import Frame
from adapters.protocols import CODECS
from adapters.scan_probe import WILD, Found, Heard, Probe, Search, Spread, spread

REPLY_S = 0.55        # the standard allows 0.5 s
MODELS = ("dlt645-single-phase", "dlt645-three-phase")
MODEL_1997 = "dlt645-1997-single-phase"
_ENERGY, _VOLTAGE, _PHASE_B = "00010000", "02010100", "02010200"
_ENERGY_1997, _VOLTAGE_1997 = "9010", "B611"
_ABSENT = b"\xff\xff"
_2007, _1997 = CODECS["dlt645-2007"], CODECS["dlt645-1997"]


def of_2007() -> Search[None]:
    """All meters of the edition of 2007."""
    search = Spread(_ask, _meet, _address, set(), [])
    if not (yield from spread(search, dlt645.ANY_ADDRESS)):
        yield from spread(search._replace(ask=partial(_ask, by_function=False)), dlt645.ANY_ADDRESS)


def of_1997() -> Search[None]:
    """All meters of the edition of 1997."""
    search = Spread(_ask_1997, _meet_1997, _address, set(), [])
    if not (yield from spread(search, dlt645.ANY_ADDRESS)):
        yield from spread(search._replace(ask=partial(_ask_1997, by_nines=True)), dlt645.ANY_ADDRESS)


def of_698() -> Search[None]:
    """Let meters of DL/T 698.45 answer: the scan names them, and they cannot be read."""
    yield Probe(dlt698.address_request(), _2007, REPLY_S, is_shared=True)


def _ask(pattern: str, turn: int, *, by_function: bool = True) -> Probe:
    if by_function and pattern == dlt645.ANY_ADDRESS and turn == 0:
        request = bytes([dlt645.WAKE_UP] * 4) + dlt645.encode(pattern, dlt645.READ_ADDRESS)
    else:
        request = dlt645.read_request(pattern, (_ENERGY, _VOLTAGE)[turn])
    return Probe(request, _2007, REPLY_S, is_shared=True)


def _ask_1997(pattern: str, turn: int, *, by_nines: bool = False) -> Probe:
    address = pattern.replace(WILD, "99") if by_nines and pattern == dlt645.ANY_ADDRESS else pattern
    return Probe(_read_1997(address, (_ENERGY_1997, _VOLTAGE_1997)[turn]), _1997, REPLY_S, is_shared=True)


def _read_1997(address: str, identifier: str) -> bytes:
    body = dlt645.encode(address, dlt645_1997.READ, bytes.fromhex(identifier)[::-1])
    return bytes([dlt645.WAKE_UP] * 4) + body


def _address(frame: Frame) -> str:
    """Whose frame it is; the answer to a question for the address tells it in its data."""
    if frame.function == dlt645.READ_ADDRESS and len(frame.data) == 6:
        return frame.data[::-1].hex().upper()
    return frame.address


def _meet(address: str) -> Search[bool]:
    """The voltage of phase B tells meters of three phases; where it does not, both tables fit."""
    for identifier in (_PHASE_B, _PHASE_B, _ENERGY):
        heard = yield Probe(dlt645.read_request(address, identifier), _2007, REPLY_S)
        frame = _own(heard, address)
        if frame is not None:
            yield Found(_2007.name, address, _models(frame) if identifier == _PHASE_B else MODELS)
            return True
    return False


def _models(frame: Frame) -> tuple[str, ...]:
    single, three = MODELS
    if frame.is_refusal:
        return (single,) if frame.error_word & dlt645.NO_SUCH_DATA else MODELS
    if frame.identifier != _PHASE_B:
        return MODELS
    if frame.payload == _ABSENT:
        return (single,)
    return (three,) if any(frame.payload) else MODELS   # 0 V: not wired, or a single-phase meter that says so


def _meet_1997(address: str) -> Search[bool]:
    for identifier in (_ENERGY_1997, _ENERGY_1997):
        heard = yield Probe(_read_1997(address, identifier), _1997, REPLY_S)
        if _own(heard, address) is not None:
            yield Found(_1997.name, address, (MODEL_1997,))
            return True
    return False


def _own(heard: Heard, address: str) -> Frame | None:
    return next((frame for frame in heard.frames if frame.address == address), None)
