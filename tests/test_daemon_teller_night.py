"""What a channel hears of the night: quiet hours, the morning, and what breaks them."""

from pathlib import Path

import pytest
from ledger import NOON, SITE, Ledger, event, local
from messenger import NIGHT, Clock, Endpoint, desk_for, work_until

from adapters.notify import Answer
from daemon.channel import Channel
from daemon.message import compose
from daemon.outbox import told
from rules.model import Severity, Turn


def night_ledger(tmp_path: Path, *turns: Turn) -> Ledger:
    quiet = Channel(name="chat", url="", quiet=NIGHT, turns=frozenset({Turn.RAISED, *turns}))
    return Ledger(tmp_path / "night.db", [quiet])


def test_the_night_waits_for_the_morning_and_critical_does_not(tmp_path: Path) -> None:
    ledger = night_ledger(tmp_path)
    night = local("2026-09-01 23:00")
    endpoint = Endpoint(Clock(night))
    desk = desk_for(ledger, endpoint, ledger.channels[0])
    ledger.commit(1, event(at=night))
    ledger.commit(2, event(at=night, place="dorm-3/2", severity=Severity.CRITICAL))
    assert desk.work() == local("2026-09-02 06:00")
    assert endpoint.titles == ["2"]
    work_until(desk, endpoint.clock, local("2026-09-03 00:00"))
    assert endpoint.heard[1:] == [(local("2026-09-02 06:00"), "1", True)]


def test_what_was_due_before_a_power_cut_does_not_ring_in_the_night(tmp_path: Path) -> None:
    ledger = night_ledger(tmp_path)
    ledger.commit(1, event(at=local("2026-09-01 22:00")))
    endpoint = Endpoint(Clock(local("2026-09-02 02:00")))
    assert desk_for(ledger, endpoint, ledger.channels[0]).work() == local("2026-09-02 06:00")
    assert endpoint.heard == []


def test_a_retry_waits_for_the_morning_too(tmp_path: Path) -> None:
    ledger = night_ledger(tmp_path)
    start = local("2026-09-01 22:29") + 55
    ledger.commit(1, event(at=start))
    endpoint = Endpoint(Clock(start))
    endpoint.answer = lambda: Answer(False, "busy")
    assert desk_for(ledger, endpoint, ledger.channels[0]).work() == local("2026-09-02 06:00")


def test_an_alert_that_turns_critical_breaks_the_quiet(tmp_path: Path) -> None:
    ledger = night_ledger(tmp_path)
    night = local("2026-09-01 23:00")
    endpoint = Endpoint(Clock(night))
    desk = desk_for(ledger, endpoint, ledger.channels[0])
    ledger.commit(1, event(at=night))
    desk.work()
    endpoint.clock.now = night + 3600
    ledger.commit(1, event(Turn.UPDATED, at=night + 3600, severity=Severity.CRITICAL))
    assert desk.work() is None
    assert endpoint.heard == [(night + 3600, "1", True)]


@pytest.mark.parametrize("turns", [(), (Turn.CLEARED,)])
def test_raised_and_over_in_the_night_is_one_message_in_the_morning(tmp_path: Path, turns: tuple[Turn, ...]) -> None:
    ledger = night_ledger(tmp_path, *turns)
    night = local("2026-09-01 23:00")
    ledger.commit(1, event(at=night, since=night - 1800, place="dorm-3/402"))
    ledger.commit(1, event(Turn.CLEARED, at=night + 600, since=night - 1800, place="dorm-3/402"))
    rows = ledger.outbox.due("chat", local("2026-09-02 06:00"), 10)
    message = compose(rows, SITE, "zh")
    assert message.title == "【第一中学】#1 【已恢复】长流水：3号宿舍楼 402"
    assert "结束时间：2026-09-01 23:10（通知发出时已结束）" in message.body
    endpoint = Endpoint(Clock(night + 700))
    work_until(desk_for(ledger, endpoint, ledger.channels[0]), endpoint.clock, local("2026-09-03 00:00"))
    assert endpoint.titles == ["1"]
    assert [(t.turn, t.is_delivered) for t in told(ledger.db, 1)] == [("raised", True), ("cleared", True)]


@pytest.mark.parametrize(("turns", "messages"), [((), ["1"]), ((Turn.CLEARED,), ["1", "1"])])
def test_an_end_is_told_to_who_asks_and_heard_of_the_raise(
    tmp_path: Path, turns: tuple[Turn, ...], messages: list[str]
) -> None:
    ledger = night_ledger(tmp_path, *turns)
    endpoint = Endpoint(Clock())
    desk = desk_for(ledger, endpoint, ledger.channels[0])
    ledger.commit(1, event())
    desk.work()
    endpoint.clock.now = NOON + 60
    ledger.commit(1, event(Turn.CLEARED, at=NOON + 60))
    desk.work()
    assert endpoint.titles == messages


# -- everything at once
