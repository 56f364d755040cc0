"""The work at a channel's desk under a virtual clock, and threads at real endpoints."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger import CALENDAR, NOON, SITE, Ledger, event, local
from messenger import CHAT, NIGHT, Clock, Endpoint, desk_for, raise_many, work_until
from receiver import free_port, receiving

from adapters.notify import Answer, send
from daemon.channel import Channel
from daemon.message import compose
from daemon.outbox import told
from daemon.teller import Desk, Teller
from daemon.telling import MOST_TRIES, OutboxError
from rules.model import Severity, Turn


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "caretaker.db", [CHAT])
    yield ledger
    ledger.db.close()


def test_an_alert_is_told_once(ledger: Ledger) -> None:
    endpoint = Endpoint(Clock())
    desk = desk_for(ledger, endpoint)
    ledger.commit(12, event())
    assert desk.work() is None
    assert desk.work() is None
    assert endpoint.titles == ["12"]
    assert [t.is_delivered for t in told(ledger.db, 12)] == [True]


def test_a_critical_alert_breaks_quiet_hours_the_rate_and_the_merging(ledger: Ledger) -> None:
    night = local("2026-09-02 02:00")
    quiet = Channel(name="chat", url="", quiet=NIGHT)
    ledger.channels = (quiet,)
    endpoint = Endpoint(Clock(NOON))
    desk = desk_for(ledger, endpoint, quiet)
    raise_many(ledger, 60)
    desk.work()
    assert len(endpoint.titles) == 20  # the minute is full
    ledger.commit(99, event(place="dorm-3/99", at=NOON, severity=Severity.CRITICAL))
    raise_many(ledger, 5, first=200)
    desk.work()
    assert endpoint.titles[20:] == ["99"]
    endpoint.clock.now = night
    raise_many(ledger, 5, first=300, at=night)
    ledger.commit(7, event(Turn.UPDATED, place="dorm-3/7", at=night, severity=Severity.CRITICAL))  # told before
    ledger.commit(301, event(Turn.UPDATED, place="dorm-3/301", at=night, severity=Severity.CRITICAL))  # not yet
    desk.work()
    told_at_night = [title for at, title, _ in endpoint.heard if at == night]
    assert told_at_night[:2] == ["7", "301"]
    assert not {"300", "302", "303", "304"} & set(" ".join(told_at_night).split())


def test_a_flood_is_twenty_messages_a_minute_with_the_rest_in_the_last(ledger: Ledger) -> None:
    endpoint = Endpoint(Clock())
    desk = desk_for(ledger, endpoint)
    raise_many(ledger, 50)
    assert desk.work() is None
    assert endpoint.titles == [*(str(n) for n in range(1, 20)), " ".join(str(n) for n in range(20, 51))]
    raise_many(ledger, 5, first=51)
    assert desk.work() == NOON + 60
    assert len(endpoint.heard) == 20
    endpoint.clock.now = NOON + 60
    assert desk.work() is None
    assert endpoint.titles[20:] == ["51", "52", "53", "54", "55"]
    assert ledger.waiting() == []


def test_pauses_grow_after_failures_and_the_last_answer_stays_visible(ledger: Ledger) -> None:
    endpoint = Endpoint(Clock(), took_s=5.0)
    endpoint.answer = lambda: Answer(False, "HTTP 503 busy")
    desk = desk_for(ledger, endpoint)
    ledger.commit(12, event())
    work_until(desk, endpoint.clock, NOON + 200)
    assert [at - NOON for at, _, _ in endpoint.heard] == [0, 15, 40, 85, 170]
    assert told(ledger.db, 12)[0][2:] == (NOON + 175, False, "HTTP 503 busy")
    endpoint.answer = lambda: Answer(True, "ok")
    work_until(desk, endpoint.clock, NOON + 3600)
    assert endpoint.numbers == [12]


def test_a_message_is_given_up_after_days_and_the_reason_stays(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = Endpoint(Clock())
    endpoint.answer = lambda: Answer(False, "Connection refused")
    ledger.commit(12, event())
    work_until(desk_for(ledger, endpoint), endpoint.clock, NOON + 30 * 86400)
    assert len(endpoint.heard) == MOST_TRIES
    assert 2 * 86400 < endpoint.clock.now - NOON < 4 * 86400
    assert told(ledger.db, 12)[0][3:] == (False, "Connection refused")
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]  # turns, not ticks
    assert "#12 given up after 300 tries: Connection refused" in caplog.text


def test_what_cannot_help_is_not_tried_again(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = Endpoint(Clock())
    endpoint.answer = lambda: Answer(False, "unusable address", is_final=True)
    ledger.commit(12, event())
    assert desk_for(ledger, endpoint).work() is None
    assert len(endpoint.heard) == 1
    assert told(ledger.db, 12)[0][3:] == (False, "unusable address")
    assert "#12 cannot be told: unusable address" in caplog.text


def test_a_failing_channel_says_so_once_and_when_it_is_back(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    endpoint = Endpoint(Clock())
    endpoint.answer = lambda: Answer(endpoint.clock.now >= NOON + 60, "x")
    ledger.commit(12, event())
    work_until(desk_for(ledger, endpoint), endpoint.clock, NOON + 3600)
    assert [record.message for record in caplog.records] == [
        "chat: not delivered: x", "chat: delivers again after 70 s",
    ]  # fmt: skip


class Killed(BaseException):
    """The end of the process."""


def test_after_a_kill_at_most_the_message_in_flight_repeats_with_its_number(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint(Clock())
    raise_many(ledger, 5)
    delivered, calls = ledger.outbox.delivered, iter(range(5))

    def dying(ids: Sequence[int], at: float, answer: str) -> None:
        if next(calls) == 2:
            raise Killed
        delivered(ids, at, answer)

    monkeypatch.setattr(ledger.outbox, "delivered", dying)
    with pytest.raises(Killed):
        desk_for(ledger, endpoint).work()
    monkeypatch.undo()
    assert endpoint.titles == ["1", "2", "3"]
    desk_for(ledger, endpoint).work()  # the next run of the program
    assert Counter(endpoint.titles) == {"1": 1, "2": 1, "3": 2, "4": 1, "5": 1}


def test_while_the_store_refuses_nobody_is_told_twice(ledger: Ledger) -> None:
    endpoint = Endpoint(Clock())
    desk = desk_for(ledger, endpoint)
    raise_many(ledger, 2)

    def fill_the_disk() -> Answer:
        ledger.is_refusing = True
        return Answer(True, "ok")

    endpoint.answer = fill_the_disk
    for _ in range(3):
        with pytest.raises(OutboxError):
            desk.work()
    assert endpoint.titles == ["1"]
    ledger.is_refusing, endpoint.answer = False, lambda: Answer(True, "ok")
    desk.work()
    assert endpoint.titles == ["1", "2"]


# -- quiet hours and ends


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=40),
    rate=st.integers(1, 6),
    seed=st.integers(0, 2**32),
    down_s=st.floats(0.0, 1200.0),
    took_s=st.floats(0.0, 10.0),
)
def test_all_are_told_exactly_once_and_never_faster_than_the_rate(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[float], rate: int, seed: int, down_s: float, took_s: float
) -> None:
    channel = Channel(name="chat", url="", rate_per_minute=rate)
    ledger = Ledger(tmp_path_factory.mktemp("p") / "db", [channel])
    luck = random.Random(seed)
    clock = Clock()
    endpoint = Endpoint(clock, took_s)
    endpoint.answer = lambda: Answer(clock.now > NOON + down_s and luck.random() < 0.8, "x")
    desk = desk_for(ledger, endpoint, channel, luck.random)
    at = NOON
    for number, gap in enumerate(gaps, start=1):
        at += gap
        ledger.commit(number, event(at=at, place=f"dorm-3/{number}", severity=Severity(number % 4)))
        clock.now = max(clock.now, at)
        desk.work()
    work_until(desk, clock, NOON + 3 * 86400)
    ledger.db.close()
    assert sorted(endpoint.numbers) == list(range(1, len(gaps) + 1))
    times = [at for at, title, _ in endpoint.heard if any(int(number) % 4 != 3 for number in title.split())]
    mixed = [title for _, title, _ in endpoint.heard if len({int(n) % 4 == 3 for n in title.split()}) == 2]
    assert mixed == []  # nothing milder with what is critical, which keeps to no rate
    assert all(later - earlier >= 60.0 for earlier, later in zip(times, times[rate:], strict=False))


# -- threads and real endpoints


def test_a_dead_endpoint_delays_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as dead, receiving() as good:
        dead.body = "hang"
        channels = [
            Channel(name="dead", url=dead.url),
            Channel(name="closed", url=f"json://127.0.0.1:{free_port()}"),
            Channel(name="good", url=good.url),
        ]
        ledger = Ledger(tmp_path / "db", channels)
        hanging = threading.Event()
        clock = Clock()

        def sending(url: str, title: str, body: str) -> Answer:
            if url == dead.url:
                hanging.set()
            return send(url, title, body, timeout_s=30.0)

        teller = Teller(
            ledger.outbox, channels, compose=partial(compose, site=SITE, language="zh"), send=sending, clock=clock,
            calendar=CALENDAR,
        )  # fmt: skip
        teller.start()
        ledger.commit(1, event())
        teller.ring()
        assert hanging.wait(10.0)
        for number in range(1, 4):  # all of these arrive while the first message to the dead one hangs
            message = good.arrivals.get(timeout=10.0)
            assert f"#{number} " in message["title"]
            ledger.commit(number + 1, event(place=f"dorm-3/{number}"))
            teller.ring()
        assert len(dead.got) == 1
        dead.closing.set()
        teller.stop()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("tell ")]
    ledger.db.close()


def test_a_refusal_by_code_shows_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as robot:
        robot.body = b'{"errcode":310000,"errmsg":"keywords not in content"}'
        ledger = Ledger(tmp_path / "db", [Channel(name="robot", url=robot.url)])
        ledger.commit(1, event())
        desk = Desk(
            ledger.channels[0], ledger.outbox, compose=partial(compose, site=SITE, language="en"),
            send=partial(send, timeout_s=5.0), clock=Clock(), calendar=CALENDAR, chance=lambda: 1.0,
        )  # fmt: skip
        assert desk.work() == NOON + 10
        (story,) = told(ledger.db, 1)
        assert not story.is_delivered
        assert "keywords not in content" in story.answer
    ledger.db.close()
