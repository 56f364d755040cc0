"""Tells staff: takes what is due out of the outbox, channel by channel, each in a thread of its own.

A result is written after each single message, before the next is sent: after a kill at most the one message in flight
goes out again. While the store refuses, nothing more is sent, so that nobody is told the same again and again.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from adapters.notify import Answer
from daemon.channel import Channel
from daemon.message import Message
from daemon.telling import (
    MOST_TRIES,
    Outbox,
    OutboxError,
    OutboxRow,
    Story,
    allowed_at,
    bundles,
    is_digest,
    pause_s,
    stories,
    urgency_of,
)
from rules.calendar import Calendar

log = logging.getLogger("caretaker.teller")

WINDOW_S = 60.0
MOST_ALERTS = 10_000  # of one look into the outbox: a day's summary is one message
MOST_STORIES = 500    # of messages that are no summary; more follow with the next look
LOOK_AGAIN_S = 60.0  # a clock that was set must not make a channel oversleep
STORE_PAUSE_S = 15.0
STOP_S = 5.0

Compose = Callable[[Sequence[OutboxRow]], Message]
Send = Callable[[str, str, str], Answer]  # url, title, body


class Desk:
    """One channel's side of the outbox; whoever drives it calls `work`."""

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        *,
        compose: Compose,
        send: Send,
        clock: Callable[[], float],
        calendar: Calendar,
        chance: Callable[[], float],
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._channel = channel
        self._outbox = outbox
        self._compose = compose
        self._send = send
        self._clock = clock
        self._calendar = calendar
        self._chance = chance
        self._is_stopping = is_stopping
        self._sent_at: deque[float] = deque()
        self._unwritten: Callable[[], None] | None = None
        self._failing_since: float | None = None

    def work(self) -> float | None:
        """Send what may be sent now; when there is more to do, if known. Raises OutboxError."""
        self._settle()
        now = self._clock()
        awake = self._awake(stories(self._outbox.due(self._channel.name, now, MOST_ALERTS)), now)
        ready = [story for story in awake if not is_digest(story)][:MOST_STORIES]
        summed = [story for story in awake if is_digest(story)]
        messages = bundles(ready, self._room(now))
        if summed and len(messages) < self._room(now):
            messages.append(summed)
        for bundle in messages:
            if self._is_stopping():
                break
            self._tell([row for story in bundle for row in story])
        due = self._outbox.next_due(self._channel.name)
        if due is not None and not self._room(self._clock()):
            due = max(due, self._sent_at[0] + WINDOW_S)
        return due

    def _awake(self, due: list[Story], now: float) -> list[Story]:
        """Those that may be told at this time of the day: a start in the night finds what was due before it."""
        ready = []
        for story in due:
            allowed = allowed_at(self._channel, urgency_of(story), now, self._calendar)
            if allowed > now:
                self._outbox.postponed([row.id for row in story], allowed)
            else:
                ready.append(story)
        return ready

    def _room(self, now: float) -> int:
        """How many messages the channel's rate leaves for now."""
        while self._sent_at and not now - WINDOW_S < self._sent_at[0] <= now:  # also after the clock was set back
            self._sent_at.popleft()
        return max(0, self._channel.rate_per_minute - len(self._sent_at))

    def _tell(self, rows: list[OutboxRow]) -> None:
        message = self._compose(rows)
        self._sent_at.append(self._clock())
        answer = self._send(self._channel.url, message.title, message.body)
        now = self._clock()
        ids = [row.id for row in rows]
        if answer.is_delivered:
            self._unwritten = partial(self._outbox.delivered, ids, now, answer.text)
        else:
            retry_at = self._retry_at(rows, answer, now)
            self._unwritten = partial(self._outbox.failed, ids, now, retry_at, answer.text)
        self._note(answer, now)
        self._settle()

    def _settle(self) -> None:
        """Write what became of the last message; until that is done no other may be sent."""
        if self._unwritten is not None:
            self._unwritten()
            self._unwritten = None

    def _retry_at(self, rows: list[OutboxRow], answer: Answer, now: float) -> float | None:
        tries = max(row.tries for row in rows) + 1
        if answer.is_final or tries >= MOST_TRIES:
            numbers = ", ".join(f"#{number}" for number in sorted({row.number for row in rows}))
            gave_up = "cannot be told" if answer.is_final else f"given up after {tries} tries"
            log.error("%s: %s %s: %s", self._channel.name, numbers, gave_up, answer.text)
            return None
        return allowed_at(self._channel, urgency_of(rows), now + pause_s(tries, self._chance()), self._calendar)

    def _note(self, answer: Answer, now: float) -> None:
        """One line when a channel fails, one when it is back."""
        if answer.is_delivered and self._failing_since is not None:
            log.info("%s: delivers again after %.0f s", self._channel.name, now - self._failing_since)
            self._failing_since = None
        elif not answer.is_delivered and self._failing_since is None:
            log.warning("%s: not delivered: %s", self._channel.name, answer.text)
            self._failing_since = now


class Teller:
    """A thread for each channel, so that a dead endpoint delays nobody else."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Iterable[Channel],
        *,
        compose: Compose,
        send: Send,
        clock: Callable[[], float],
        calendar: Calendar,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._stopping = threading.Event()
        self._clock = clock
        self._bells: list[threading.Event] = []
        self._threads: list[threading.Thread] = []
        for channel in channels:
            desk = Desk(
                channel, outbox, compose=compose, send=send, clock=clock, calendar=calendar, chance=chance,
                is_stopping=self._stopping.is_set,
            )  # fmt: skip
            bell = threading.Event()
            name = f"tell {channel.name}"
            self._bells.append(bell)
            self._threads.append(threading.Thread(target=self._run, args=(desk, bell), name=name, daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def ring(self) -> None:
        """Say that the outbox has something new; from any thread, never blocks."""
        for bell in self._bells:
            bell.set()

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Send nothing more, and give what is in flight this long to be settled; the store must still answer."""
        self._stopping.set()
        self.ring()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, desk: Desk, bell: threading.Event) -> None:
        is_down = False
        while not self._stopping.is_set():
            bell.clear()  # before looking: what is written from here on rings again
            try:
                due = desk.work()
                is_down = False
            except OutboxError as error:
                if not is_down:
                    log.warning("telling waits for the store: %s", error)
                is_down = True
                self._stopping.wait(STORE_PAUSE_S)
                continue
            bell.wait(LOOK_AGAIN_S if due is None else min(LOOK_AGAIN_S, max(0.0, due - self._clock())))
