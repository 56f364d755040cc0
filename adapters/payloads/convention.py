"""What a payload convention is: how one topic's payloads are read, and what the configuration must say for it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from adapters.source import Topic
from rules.model import Fault, Reason, Sample


class Decoded(NamedTuple):
    """What a payload said; `is_timed` tells whether the sample carries the device's own time.

    A sample without values is a message that says nothing of what was asked for, as is its right.
    """

    sample: Sample | None
    is_timed: bool
    faults: list[Fault]


class Reader(Protocol):
    """Reads the payloads of one topic for one place; `device` is who speaks."""

    device: str

    def decode(self, payload: bytes, arrived: float) -> Decoded:
        """What a payload says, never an exception; `arrived` is the sample's time where it has none of its own."""


class Said(NamedTuple):
    """One thing that a device said: `raw` times `scale` is the quantity in its own unit.

    `channel` tells the circuits of one device apart, as its maker numbers them; `path` and `unit` are for people: where
    it stood, and the device's unit by the maker's documentation.
    """

    quantity: str
    raw: Any
    path: str
    unit: str = ""
    channel: str = ""
    scale: float = 1.0


class Speech(NamedTuple):
    """A payload of a device, read: what it said by its convention, and the document for what a user names by path.

    `at` is the device's own time; `wall` the text of one without a zone. `name` tells a repeat of the same message.
    With `is_aside` it need not say anything that we know.
    """

    said: Sequence[Said] = ()
    document: Any = None
    at: float | None = None
    wall: str = ""
    name: str = ""
    is_aside: bool = False


class RefusedError(ValueError):
    """A payload that cannot be read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Branch(NamedTuple):
    """Topics of a device: their filter with `{device}`, and what they tell; with `/#` the rest of a topic is added."""

    filter: str
    tail: str


class Sight(NamedTuple):
    """A topic that looks like one of a convention: whose it is, the filter to write for it, and what it tells."""

    device: str
    filter: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """A way to write payloads; `reader` makes the reader of a device's payloads at a place.

    With `has_fields` a topic says in `fields` where each value is found, and may name a time among them; without, the
    whole payload is one value of one quantity, and with `is_state` none but a state.

    A convention of devices has `branches` and `listen` instead of a reader: the topics that belong to the one that is
    written, and what a payload with that tail says (or RefusedError). It knows `quantities` and their units by itself;
    those that are wanted are listed. With `has_zone` its wall clock counts once a zone is written; with `has_presence`
    devices say whether they are online. `sees` recognises its topics.
    """

    reader: Callable[[str, str, Topic], Reader] | None = None
    has_fields: bool = False
    is_state: bool = False
    branches: Callable[[Topic], Iterable[Branch]] | None = None
    listen: Callable[[str, bytes], Speech] | None = None
    sees: Callable[[Sequence[str]], Sight | None] | None = None
    quantities: frozenset[str] = frozenset()
    has_zone: bool = False
    has_presence: bool = False
