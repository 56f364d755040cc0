"""The contract of all protocols of meters on a line: bytes in, facts out. No I/O, no clock.

Strategy. A protocol is one object that remembers nothing (`Codec`); its row in protocols.py makes it known to tables,
poller, configuration and commands. A query is one thing to ask a device for; it may take several exchanges:

    answers = []
    while (request := codec.request(address, query, answers)) is not None:
        decoder = codec.decoder(request)            # fresh for each request: nothing strays into the next exchange
        ... send request, feed what arrives; flush when the line has been still for too long ...
        frame: codec.mismatch(frame, address, query, answers) is None -> it is the answer (or the refusal)
        answers.append(frame)
    values = codec.decode(query, answers, multiplier=40.0)

`decoder.feed` gives whole frames and what was wrong between them, or nothing: more bytes are needed. All protocols
share one `Decoder`; each brings `look(buffer, at)`, which says what begins at one byte: a Frame, a Garble with
HALF_FRAME (it may become one), or a Garble with the reason why not, NOISE where nothing even begins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from rules.model import Reason
from rules.quantity import QUANTITIES, UNITS, Kind

SCALED = frozenset({   # by a device's multiplier: current transformers, a pulse divider
    "current_a", "power_w", "reactive_power_var", "apparent_power_va", "energy_kwh", "reactive_energy_kvarh",
    "volume_m3", "flow_lpm", "gas_m3", "heat_kwh", "heat_w",
})  # fmt: skip

_NOISE_KEPT = 32       # bytes of a stretch of noise that are kept for people to see


class Frame(Protocol):
    """What every whole frame tells; a codec knows more of its own. `address` is empty where a frame carries none."""

    @property
    def address(self) -> str: ...

    @property
    def raw(self) -> bytes: ...

    @property
    def is_reply(self) -> bool:
        """False: a request, most often our own, returned by the adapter."""
        ...


class Garble(NamedTuple):
    """Bytes that are no frame, and why; of long noise only the beginning is kept, `size` tells its length."""

    reason: Reason
    raw: bytes
    size: int


class Refusal(NamedTuple):
    """A device's answer that it will not answer; `is_lasting`: it never will, so asking again at once is no use."""

    text: str
    is_lasting: bool


# -- what is asked for


class Format(Protocol):
    """How one value is read, in the codec's own way."""

    @property
    def end(self) -> float | None:
        """Where a counter's register starts again from 0, in the device's unit; None: not known."""
        ...


Form = TypeVar("Form", bound=Format, covariant=True)
Ask = TypeVar("Ask", covariant=True)


@dataclass(frozen=True, slots=True)
class Field(Generic[Form]):
    """One value of an answer: its meaning, its unit on the wire, and how it is read.

    `phase` makes it a value to look at and no point. `part` names what of the place it belongs to, where one device
    speaks of several.
    """

    quantity: str
    unit: str
    format: Form
    phase: str = ""
    part: str = ""

    @property
    def label(self) -> str:
        """`power_w`; `power_w/A` for one phase; `return/temperature_c` for a part."""
        return "/".join(name for name in (self.part, self.quantity, self.phase) if name)

    @property
    def factor(self) -> float:
        """From the device's unit to the quantity's own; states have no units."""
        return UNITS[self.quantity][self.unit] if self.quantity in UNITS else 1.0

    @property
    def modulus(self) -> float | None:
        """Where a counter's register starts again from 0, in the quantity's own unit."""
        is_counter = QUANTITIES[self.quantity].kind is Kind.COUNTER
        return self.format.end * self.factor if is_counter and self.format.end is not None else None

    def ratio(self, multiplier: float) -> float:
        """The multiplier (倍率) where it counts: amounts and flows; never voltage, power factor, a temperature."""
        return multiplier if self.quantity in SCALED else 1.0


@dataclass(frozen=True, slots=True)
class Query(Generic[Ask, Form]):
    """One thing to ask for, in the codec's own words (`ask`), and the fields of its answer.

    `name` is what people call it and tells the queries of a device apart. Not `polled`: only `caretaker read` asks.
    """

    name: str
    ask: Ask
    fields: tuple[Field[Form], ...]
    polled: bool = True


AnyField = Field[Any]
AnyQuery = Query[Any, Any]


# -- the contract


F = TypeVar("F", bound=Frame)
Q = TypeVar("Q", bound=AnyQuery)


class Codec(Protocol[F, Q]):
    """One protocol. It remembers nothing: whatever an answer depends on is an argument."""

    @property
    def name(self) -> str:
        """What device tables and commands call it, such as `dlt645-2007`."""
        ...

    @property
    def title(self) -> str: ...

    @property
    def any_address(self) -> str:
        """The address that a device answers whatever its own is; empty where the protocol has none."""
        ...

    @property
    def address_form(self) -> Mapping[str, str]:
        """What an address looks like, with an example, in "zh" and "en"."""
        ...

    def address(self, text: str) -> str:
        """An address in its one normal form; ValueError says what an address looks like."""
        ...

    def format(self, keys: dict[str, Any]) -> Format:
        """How a field is read, from the keys of its table that it takes out; ValueError or KeyError if it cannot."""
        ...

    def query(self, keys: dict[str, Any], fields: tuple[AnyField, ...], *, polled: bool) -> Q:
        """A query from the keys of its table that it takes out; ValueError or KeyError say what is wrong."""
        ...

    def decoder(self, asked: bytes = b"") -> "Decoder[F]":
        """A decoder for what follows this request; without one, for any bytes of the protocol."""
        ...

    def request(self, address: str, query: Q, answers: Sequence[F] = ()) -> bytes | None:
        """What to send next for this query, after these answers; None when they are all."""
        ...

    def reply_bytes(self, query: Q) -> int:
        """The longest reply to expect, wake-up bytes included."""
        ...

    def mismatch(self, frame: F, address: str, query: Q, answers: Sequence[F] = ()) -> Reason | None:
        """Why a reply is not the next answer to this query; None when it is the answer or the refusal."""
        ...

    def refusal(self, frame: F) -> Refusal | None:
        """What a device says that will not answer; None for any other frame."""
        ...

    def decode(self, query: Q, answers: Sequence[F], *, multiplier: float = 1.0) -> dict[str, float] | Reason:
        """The values by label, in the quantities' own units, without those the device does not have now."""
        ...

    def describe(self, frame: F) -> dict[str, Any]:
        """What a frame says on its own, for people: `kind`, `values` and more; `fault` and `detail` if it is wrong."""
        ...


AnyCodec = Codec[Any, Any]


# -- bytes to frames


class Decoder(Generic[F]):
    """Takes bytes in any portions and gives the frames in them, and what was wrong between them.

    Strategy. It asks `look` at one byte after the other. Where no frame begins it moves on by ONE byte, since what
    begins a frame may stand inside one too. What lies inside a refused frame is told once, not again as noise. A frame
    that is still too short waits for more bytes; `flush`, called when the line has been still for too long, ends that
    wait and searches what was held back, so neither a wrong length nor a cut frame can stall the line.
    """

    def __init__(self, look: Callable[[bytes, int], F | Garble], *, wake_up: int | None = None) -> None:
        self.look = look         # what begins at one byte
        self._wake_up = wake_up  # a byte that may stand before a frame and is no noise there
        self._buffer = bytearray()
        self._told = 0           # so many leading bytes belong to a refused frame that was told already
        self._noise = bytearray()
        self._noise_size = 0

    @property
    def is_waiting(self) -> bool:
        """Whether the beginning of a frame has come and its end has not."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[F | Garble]:
        """What these bytes complete; nothing when more are needed."""
        self._buffer += data
        return self._scan(is_final=False)

    def flush(self) -> list[F | Garble]:
        """Give up waiting: a half frame is told, and what it held back is searched."""
        found = self._scan(is_final=True)
        return found + self._end_noise()

    def _scan(self, *, is_final: bool) -> list[F | Garble]:
        found: list[F | Garble] = []
        buffer = bytes(self._buffer)
        at, told = 0, self._told
        while at < len(buffer):
            seen = self.look(buffer, at)
            if not isinstance(seen, Garble):
                found += [*self._end_noise(), seen]
                at += len(seen.raw)
                continue
            if seen.reason is Reason.HALF_FRAME and not is_final:
                break
            if at >= told:
                if seen.reason is Reason.NOISE:
                    self._add_noise(buffer[at])
                else:
                    found += [*self._end_noise(), seen]
                    told = at + seen.size
            at += 1
        del self._buffer[:at]
        self._told = max(0, told - at)
        return found

    def _add_noise(self, byte: int) -> None:
        if byte == self._wake_up and not self._noise_size:
            return
        self._noise_size += 1
        if len(self._noise) < _NOISE_KEPT:
            self._noise.append(byte)

    def _end_noise(self) -> list[F | Garble]:
        if not self._noise_size:
            return []
        noise = Garble(Reason.NOISE, bytes(self._noise), self._noise_size)
        self._noise.clear()
        self._noise_size = 0
        return [noise]
