"""What a payload convention is: how one topic's payloads are read, and what the configuration must say for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from adapters.source import Topic
from rules.model import Fault, Sample


class Decoded(NamedTuple):
    """What a payload said; `is_timed` tells whether the sample carries the device's own time."""

    sample: Sample | None
    is_timed: bool
    faults: list[Fault]


class Reader(Protocol):
    """Reads the payloads of one topic for one place; `device` is who speaks."""

    device: str

    def decode(self, payload: bytes, arrived: float) -> Decoded:
        """What a payload says, never an exception; `arrived` is the sample's time where it has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """A way to write payloads; `reader` makes the reader of a device's payloads at a place.

    With `has_fields` a topic says in `fields` where each value is found, and may name a time among them; without, the
    whole payload is one value of one quantity, and with `is_state` none but a state.
    """

    reader: Callable[[str, str, Topic], Reader]
    has_fields: bool = False
    is_state: bool = False
