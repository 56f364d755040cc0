"""What a search for meters asks, hears and says, whatever the protocol. No I/O, no clock.

Strategy. A search is a generator: it yields a Probe and is sent what was Heard after it; in between it yields what it
has Found, a Note, or that it needs More probes than an empty line would take. So each protocol's search reads like the
procedure it is, and `scan.Scan` alone knows of time.

Several meters answer a general call at once, and what arrives is garbage. `spread` then fixes the low digits of the
address, one pair after the other, and leaves the rest open (AA), until each meter answers alone. One clean frame is no
proof of that: a meter that pulls the line low longer hides another. So a second question must bring the same meter as
cleanly, and the meter itself must answer to its full address.
"""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from adapters.protocol import AnyCodec, AnyQuery, Garble
from rules.model import Reason

WILD = "AA"
_TURN_AROUND = 3     # bytes of noise that adapters and meters make when they begin or end to send
_MOST_CROWDS = 40    # that are spread: with more it is noise that answers, or the line is beyond telling apart
_TRIES = 2


class Probe(NamedTuple):
    """A request, whose frames may answer, and how long they may take to begin; an empty request only listens.

    `is_shared`: several may answer, so all must be given their time; else the first frame is the answer.
    """

    request: bytes
    codec: AnyCodec
    reply_s: float
    is_shared: bool = False


class Heard(NamedTuple):
    """What came after a probe, without our own echo: replies, and what was wrong between them."""

    frames: tuple[Any, ...] = ()
    garbles: tuple[Garble, ...] = ()

    @property
    def is_silent(self) -> bool:
        return not self.frames and not self.garbles

    @property
    def is_mixed(self) -> bool:
        """Whether there was more than frames, and the few bytes that a line makes when the sender changes."""
        return any(garble.reason is not Reason.NOISE or garble.size > _TURN_AROUND for garble in self.garbles)


class Found(NamedTuple):
    """A meter that answers to its address. `models` are the tables that fit: none, one, or several to choose from.

    `about` is what it says of itself, such as "cold water".
    """

    protocol: str
    address: str
    models: tuple[str, ...]
    about: str = ""


class Note(NamedTuple):
    """Something that people should know: `crowd`, `clash`, `doubtful`, `noise` or `dlt698`, and whom it is about."""

    code: str
    about: str


class More(NamedTuple):
    """So many probes will come that nobody could expect."""

    probes: int


SILENCE = Heard()
Step = Probe | Found | Note | More
T = TypeVar("T")
Search = Generator[Step, Heard, T]


def ask_all(codec: AnyCodec, address: str, query: AnyQuery, reply_s: float) -> Search[list[Any]]:
    """All answers to a query of one device, as far as they came; a refusal ends them."""
    answers: list[Any] = []
    while (request := codec.request(address, query, answers)) is not None:
        for _ in range(_TRIES):
            heard = yield Probe(request, codec, reply_s)
            fitting = (frame for frame in heard.frames if codec.mismatch(frame, address, query, answers) is None)
            if (answer := next(fitting, None)) is not None:
                break
        else:
            return []
        answers.append(answer)
        if codec.refusal(answer) is not None:
            break
    return answers


class Spread(NamedTuple):
    """A search by narrowing: how a pattern of an address is asked (two questions), and what is done with a meter.

    `meet` asks a meter by its full address and yields what it found; its result: whether the meter answered.
    """

    ask: Callable[[str, int], Probe]
    meet: Callable[[str], Search[bool]]
    address: Callable[[Any], str]    # of a frame
    met: set[str]
    crowds: list[str]                # patterns that were spread


def spread(search: Spread, pattern: str) -> Search[bool]:
    """Find all meters of a pattern; whether anything answered to it."""
    first = yield search.ask(pattern, 0)
    if first.is_silent:
        return False
    second = yield search.ask(pattern, 1)
    addresses = {search.address(frame) for frame in (*first.frames, *second.frames)}
    addresses = {address for address in addresses if fits(pattern, address)}
    for address in sorted(addresses - search.met):
        if (yield from search.meet(address)):
            search.met.add(address)
        else:
            yield Note("doubtful", address)
    is_one = len(addresses) == 1 and addresses <= search.met
    if is_one and not first.is_mixed and not second.is_mixed:
        return True
    if second.is_silent and not first.frames:
        return False   # a crackle: nobody answers twice
    if WILD not in _pairs(pattern):
        yield Note("clash", pattern)
    else:
        yield from _narrow(search, pattern, first)
    return True


def _narrow(search: Spread, pattern: str, heard: Heard) -> Search[None]:
    """Several answer to a pattern: fix its next two digits, one value after the other."""
    if not search.crowds:
        unasked = yield search.ask(pattern, 0)._replace(request=b"")
        if not unasked.is_silent:
            yield Note("noise", "")
            return
    if len(search.crowds) == _MOST_CROWDS:
        return
    search.crowds.append(pattern)
    pairs = _pairs(pattern)
    at = max(index for index, pair in enumerate(pairs) if pair == WILD)
    for _ in range(_TRIES):
        yield More(100)
        for value in range(100):
            yield from spread(search, "".join((*pairs[:at], f"{value:02d}", *pairs[at + 1 :])))
        if sum(fits(pattern, address) for address in search.met) > 1:
            return
    yield Note("crowd", pattern)


def fits(pattern: str, address: str) -> bool:
    """Whether an address of digits is one of a pattern; AA stands for any two."""
    if len(pattern) != len(address) or WILD in _pairs(address):
        return False
    return all(asked in (WILD, found) for asked, found in zip(_pairs(pattern), _pairs(address), strict=True))


def _pairs(address: str) -> list[str]:
    return [address[at : at + 2] for at in range(0, len(address), 2)]
