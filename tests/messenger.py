"""A channel's desk under a virtual clock, and the endpoint it sends to."""

from collections.abc import Callable, Sequence

from ledger import CALENDAR, NOON, Ledger, event

from adapters.notify import Answer
from daemon.channel import Channel
from daemon.message import Message
from daemon.teller import Desk
from daemon.telling import OutboxRow, stories
from rules.calendar import Span

NIGHT = Span(22 * 60 + 30, 6 * 60)
CHAT = Channel(name="chat", url="json://127.0.0.1")


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Endpoint:
    """Takes what `numbered` composed; `answers` says how, `took_s` how long it needs."""

    def __init__(self, clock: Clock, took_s: float = 0.0) -> None:
        self.clock = clock
        self.took_s = took_s
        self.answer: Callable[[], Answer] = lambda: Answer(True, "ok")
        self.heard: list[tuple[float, str, bool]] = []

    def send(self, url: str, title: str, body: str) -> Answer:
        at = self.clock.now
        self.clock.now += self.took_s
        answer = self.answer()
        self.heard.append((at, title, answer.is_delivered))
        return answer

    @property
    def titles(self) -> list[str]:
        return [title for _, title, _ in self.heard]

    @property
    def numbers(self) -> list[int]:
        """The alerts of which it took a message."""
        return [int(number) for _, title, took in self.heard if took for number in title.split()]


def numbered(rows: Sequence[OutboxRow]) -> Message:
    return Message(" ".join(str(story[0].number) for story in stories(rows)), "")


def desk_for(
    ledger: Ledger, endpoint: Endpoint, channel: Channel = CHAT, chance: Callable[[], float] = lambda: 1.0
) -> Desk:
    return Desk(
        channel, ledger.outbox, compose=numbered, send=endpoint.send, clock=endpoint.clock, calendar=CALENDAR,
        chance=chance,
    )  # fmt: skip


def work_until(desk: Desk, clock: Clock, until: float, at_most: int = 3000) -> None:
    """Drive a desk as its thread would, with the clock jumping to when it wants to work again."""
    for _ in range(at_most):
        due = desk.work()
        if due is None or due > until:
            return
        clock.now = max(clock.now, due)
    raise AssertionError("the desk does not come to rest")


def raise_many(ledger: Ledger, count: int, *, first: int = 1, at: float = NOON) -> None:
    for number in range(first, first + count):
        ledger.commit(number, event(place=f"dorm-3/{number}", at=at))
