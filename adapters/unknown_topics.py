"""What arrives on topics that mean nothing to us yet: the newest payload of each, within bounds."""

import threading
from collections.abc import Callable
from typing import NamedTuple

MOST_TOPICS = 400
MOST_BYTES = 4096   # of a payload that is kept; of a longer one only that it came
MOST_NAME = 300     # bytes of a topic

Note = Callable[[str, bytes, bytes, float], None]  # source, topic, payload, Unix seconds


class Heard(NamedTuple):
    """A topic of one source, how often it was heard, when, and its last payload; empty: too long to be kept."""

    source: str
    topic: str
    payload: bytes
    times: int
    first: float
    last: float


class UnknownTopics:
    """The topics heard last; any thread may note and read. A broker that invents topics pushes out the oldest."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str], Heard] = {}
        self._lock = threading.Lock()

    def note(self, source: str, topic: bytes, payload: bytes, at: float) -> None:
        """A message that nobody reads."""
        name = topic.decode(errors="replace")
        if len(topic) > MOST_NAME or not name.isprintable() or not payload:
            return
        kept = payload if len(payload) <= MOST_BYTES else b""
        with self._lock:
            known = self._heard.pop((source, name), None)
            times, first = (known.times + 1, known.first) if known else (1, at)
            self._heard[source, name] = Heard(source, name, kept, times, first, at)
            if len(self._heard) > MOST_TOPICS:
                del self._heard[next(iter(self._heard))]

    def heard(self) -> list[Heard]:
        """All of them, the one that spoke last first."""
        with self._lock:
            return [*self._heard.values()][::-1]
