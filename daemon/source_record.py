"""What is known of one source: its health, and the packets that its broker may send again."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from daemon.store import WINDOW, Packet
from rules.model import Fault, Received, Sample, source_device

log = logging.getLogger("caretaker.sources")


class Health(NamedTuple):
    """How a source is doing; `faults` counts by reason."""

    online: bool | None
    since: float
    samples: int
    faults: Mapping[str, int]
    last_fault: str


class SourceRecord:
    """Counts of one source, and its packets: `pending` are received and not yet committed."""

    def __init__(self, name: str, window: Sequence[Packet] = ()) -> None:
        self.device = source_device(name)
        self._online: bool | None = None
        self._since = 0.0
        self._faults: Counter[str] = Counter()
        self._last_fault = ""
        self._window: dict[int, int] = dict(window)  # packet id -> digest
        self.pending: dict[int, int] = {}
        self.session = 0  # the one that a broker kept for us over the restart
        self.resent = 0
        self.samples = 0

    def is_repeat(self, received: Received) -> bool:
        """Note a packet for its acknowledgement; whether it is one that we have already."""
        packet, digest = received.packet, received.digest
        is_repeat = received.resent and self._window.get(packet) == digest
        self._window[packet] = self.pending[packet] = digest
        self.resent += is_repeat
        return is_repeat

    def begin_session(self, session: int) -> None:
        """A new session: nothing old can come again, no old id means anything."""
        self.session = session
        self._window.clear()
        self.pending.clear()

    def committed(self) -> tuple[int, ...]:
        """The packets that may be acknowledged now, in order."""
        packets = tuple(self.pending)
        self.pending.clear()
        if len(self._window) > 4 * WINDOW:
            self._window = dict(list(self._window.items())[-WINDOW:])
        return packets

    def note_fault(self, fault: Fault) -> None:
        """Count a fault; the first of each reason leaves a line, the rest would only repeat it."""
        if fault.reason.value not in self._faults:
            log.info("%s: first %s: %s", fault.source, fault.reason.value, fault.detail[:200])
        self._faults[fault.reason.value] += 1
        self._last_fault = f"{fault.source}: {fault.reason.value} {fault.detail}".rstrip()[:300]

    def note_state(self, sample: Sample) -> None:
        """A transport's own word: online or not."""
        online = sample.values.get(f"{sample.device}/online")
        if online is not None and self._online is not bool(online):
            self._online, self._since = bool(online), sample.at

    def health(self) -> Health:
        return Health(self._online, self._since, self.samples, dict(self._faults), self._last_fault)
