"""Server-sent events: tells open pages that something changed; they fetch what they show themselves.

Strategy. The campus calls back from any thread, perhaps thousands of times a second. The first call of a kind takes
one hop to the event loop; until it has been sent on, further ones of that kind cost a look at a set. What is sent is
a constant, so a stream costs a set and an event, and a reader that is slow or away makes nothing pile up.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from dashboard.view import Campus

log = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
GAP_S = {"incidents": 0.2, "readings": 1.0}  # at most one event of a kind in this time
RETRY_MS = 3000


@dataclass(eq=False, slots=True)
class _Stream:
    news: set[str] = field(default_factory=set)
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, what: str) -> None:
        self.news.add(what)
        self.is_ready.set()


class Live:
    """Fans the changes of a campus out to all open streams; one subscription whatever their number."""

    def __init__(self, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.is_closed = False
        self._heartbeat_s = heartbeat_s
        self._streams: set[_Stream] = set()
        self._sent_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._pending: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, campus: Campus) -> None:
        """Begin to listen; called on the event loop that serves the streams."""
        self._loop = asyncio.get_running_loop()
        self._leave = campus.subscribe(self._changed)

    def close(self) -> None:
        """End all streams, once and for all; called on the event loop."""
        if self.is_closed:
            return
        self._leave()
        with self._lock:
            self._loop = None
        self.is_closed = True
        for stream in self._streams:
            stream.is_ready.set()

    async def stream(self) -> AsyncIterator[bytes]:
        """One client's events, until it goes or all are closed."""
        mine = _Stream()
        self._streams.add(mine)
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            while not self.is_closed:
                try:
                    async with asyncio.timeout(self._heartbeat_s):
                        await mine.is_ready.wait()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                mine.is_ready.clear()
                news, mine.news = sorted(mine.news), set()
                for what in news:
                    yield f"event: {what}\ndata: changed\n\n".encode()
        finally:
            self._streams.discard(mine)

    def _changed(self, what: str) -> None:
        """From any thread."""
        with self._lock:
            if self._loop is None or what in self._pending:
                return
            self._pending.add(what)
            try:
                self._loop.call_soon_threadsafe(self._plan, self._loop, what)
            except RuntimeError:  # the loop was closed without a goodbye, and whoever calls must live on
                log.warning("the panel's event loop is gone: nothing is live any more")
                self._loop = None

    def _plan(self, loop: asyncio.AbstractEventLoop, what: str) -> None:
        due = self._sent_at.get(what, 0.0) + GAP_S.get(what, 1.0)
        loop.call_at(max(due, loop.time()), self._send, loop, what)

    def _send(self, loop: asyncio.AbstractEventLoop, what: str) -> None:
        with self._lock:
            self._pending.discard(what)
        self._sent_at[what] = loop.time()
        for stream in self._streams:
            stream.tell(what)
