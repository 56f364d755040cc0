"""The day's summary: one message a day, through the same outbox in a real database, and what it says."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ledger import CALENDAR, NOON, SITE, Ledger, event, local
from receiver import receiving

from adapters.notify import Answer, send
from daemon.channel import Channel
from daemon.message import compose
from daemon.outbox import told
from daemon.teller import Desk
from daemon.telling import OutboxRow
from rules.calendar import Calendar, Span
from rules.model import Delivery, Event, Evidence, Place, Severity, Site, Turn

MORNING = local("2026-09-02 07:30")
CHAT = Channel(name="chat", url="json://127.0.0.1")
DIGEST = Delivery.DIGEST


class Office:
    """A desk with a clock that is set by hand and an endpoint that answers as it is told."""

    def __init__(self, path: Path, channel: Channel = CHAT) -> None:
        self.ledger = Ledger(path, [channel])
        self.now = NOON
        self.answer = Answer(True, "ok")
        self.heard: list[tuple[float, str, str]] = []
        self.desk = Desk(
            channel, self.ledger.outbox, compose=partial(compose, site=SITE, language="zh"), send=self._send,
            clock=lambda: self.now, calendar=CALENDAR, chance=lambda: 1.0,
        )  # fmt: skip

    def _send(self, url: str, title: str, body: str) -> Answer:
        if self.answer.is_delivered:
            self.heard.append((self.now, title, body))
        return self.answer

    def until(self, end: float) -> list[str]:
        """Let time pass as the thread does; the titles heard meanwhile."""
        before = len(self.heard)
        for _ in range(1000):
            due = self.desk.work()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
        self.now = end
        return [title for _, title, _ in self.heard[before:]]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "caretaker.db")
    yield office
    office.ledger.db.close()


def rooms(office: Office, count: int, *, first: int = 1, **given: object) -> None:
    for number in range(first, first + count):
        office.ledger.commit(number, event(place=f"dorm-3/{number}", delivery=DIGEST, **given))  # type: ignore[arg-type]


def test_all_of_a_day_is_one_message_in_the_morning(office: Office) -> None:
    rooms(office, 700)
    assert office.until(MORNING - 1) == []
    rooms(office, 5, first=800, at=MORNING - 7200)
    assert office.until(MORNING + 86_399) == ["【第一中学】日报：705 项"]
    assert office.heard[0][0] == MORNING
    assert told(office.ledger.db, 1)[0][2:] == (MORNING, True, "ok")
    rooms(office, 2, first=900, at=MORNING + 40_000)
    assert office.until(MORNING + 2 * 86_400) == ["【第一中学】日报：2 项"]


def test_a_page_is_told_at_once_and_alone(office: Office) -> None:
    rooms(office, 3)
    office.ledger.commit(9, event())
    assert office.until(MORNING - 1) == ["【第一中学】#9 长流水：3号宿舍楼 402"]
    assert office.until(MORNING) == ["【第一中学】日报：3 项"]


def test_an_end_waits_for_the_summary_and_is_not_told_after_it(tmp_path: Path) -> None:
    turns = frozenset({Turn.RAISED, Turn.CLEARED})
    office = Office(tmp_path / "db", Channel(name="chat", url="", turns=turns))
    for number in (1, 2):
        office.ledger.commit(number, event(place=f"dorm-3/{number}", delivery=DIGEST))
    # However the end is graded: a withdrawal is always for the record.
    office.ledger.commit(1, event(Turn.WITHDRAWN, at=NOON + 60, place="dorm-3/1", delivery=Delivery.RECORD))
    assert office.until(MORNING) == ["【第一中学】日报：2 项"]
    office.ledger.commit(2, event(Turn.CLEARED, at=MORNING + 60, place="dorm-3/2"))
    assert office.until(MORNING + 3 * 86_400) == []
    assert office.ledger.waiting() == []
    office.ledger.db.close()


def test_an_end_that_comes_while_the_summary_is_under_way_is_dropped_with_it(tmp_path: Path) -> None:
    turns = frozenset({Turn.RAISED, Turn.CLEARED})
    ledger = Ledger(tmp_path / "db", [Channel(name="chat", url="", turns=turns)])
    ledger.commit(1, event(delivery=DIGEST))
    under_way = [row.id for row in ledger.outbox.due("chat", MORNING, 10)]
    ledger.commit(1, event(Turn.CLEARED, at=MORNING + 1))
    ledger.outbox.delivered(under_way, MORNING + 2, "ok")
    assert ledger.waiting() == []
    ledger.db.close()


def test_what_grows_grave_is_told_at_once_whether_it_was_summed_up_or_not(office: Office) -> None:
    rooms(office, 2)
    grave = event(Turn.UPDATED, at=NOON + 60, place="dorm-3/1", severity=Severity.CRITICAL)
    office.ledger.commit(1, grave)
    assert office.until(MORNING - 1) == ["【第一中学】#1 【升级】长流水：dorm-3/1"]
    assert office.until(MORNING) == ["【第一中学】日报：1 项"]
    office.ledger.commit(2, grave._replace(key="running_water:dorm-3/2", at=MORNING + 60))
    assert office.until(MORNING + 120) == ["【第一中学】#2 【升级】长流水：dorm-3/1"]


def test_it_survives_a_restart_and_an_endpoint_that_is_down(tmp_path: Path) -> None:
    office = Office(tmp_path / "db")
    rooms(office, 3)
    office.answer = Answer(False, "HTTP 503")
    assert office.until(MORNING + 3600) == []
    rooms(office, 2, first=10, at=MORNING + 1800)  # of the next day
    office.ledger.db.close()
    later = Office(tmp_path / "db")
    later.now = MORNING + 3600
    assert later.until(MORNING + 7200) == ["【第一中学】日报：3 项"]
    assert later.until(MORNING + 86_400) == ["【第一中学】日报：2 项"]
    later.ledger.db.close()


def test_it_keeps_quiet_hours_whatever_is_in_it(tmp_path: Path) -> None:
    channel = Channel(name="chat", url="", quiet=Span(22 * 60, 8 * 60))
    office = Office(tmp_path / "db", channel)
    rooms(office, 2, severity=Severity.CRITICAL)
    assert office.until(MORNING + 1799) == []
    assert office.until(MORNING + 1800) == ["【第一中学】日报：2 项"]
    office.ledger.db.close()


def test_a_full_rate_delays_it_and_does_not_mix_it_with_pages(tmp_path: Path) -> None:
    office = Office(tmp_path / "db", Channel(name="chat", url="", rate_per_minute=1))
    rooms(office, 3)
    office.now = MORNING
    for number in (8, 9):
        office.ledger.commit(number, event(at=MORNING, place=f"dorm-3/{number}"))
    assert office.until(MORNING + 59) == ["【第一中学】2 条报警"]
    assert office.until(MORNING + 60) == ["【第一中学】日报：3 项"]
    office.ledger.db.close()


def test_a_real_endpoint_gets_it(tmp_path: Path) -> None:
    with receiving() as robot:
        channel = Channel(name="robot", url=robot.url)
        office = Office(tmp_path / "db", channel)
        rooms(office, 3)
        desk = Desk(
            channel, office.ledger.outbox, compose=partial(compose, site=SITE, language="en"),
            send=partial(send, timeout_s=5.0), clock=lambda: MORNING, calendar=CALENDAR, chance=lambda: 1.0,
        )  # fmt: skip
        assert desk.work() is None
        (message,) = robot.got
        assert message["title"] == "[第一中学] Daily summary: 3"
        assert json.dumps(message["message"], ensure_ascii=False).count("\\n") == 1
    office.ledger.db.close()


# -- what it says

CAMPUS = Site(
    "no1", "第一中学",
    {
        "teach-1": Place("teach-1", "1号教学楼", "teaching", "teach-1"),
        **{f"teach-1/{n}": Place(f"teach-1/{n}", f"1号教学楼 {n}", "classroom", "teach-1") for n in range(101, 120)},
        "dorm-3": Place("dorm-3", "3号宿舍楼", "dormitory", "dorm-3"),
        "dorm-3/402": Place("dorm-3/402", "402", "dorm_room", "dorm-3"),
    },
    {}, Calendar(),
)  # fmt: skip


def row(number: int, rule: str, place: str, why: str, values: dict[str, float | str], **given: object) -> OutboxRow:
    what = Event(
        rule, place, place, NOON, Turn.RAISED, Severity.MINOR, DIGEST, f"{rule}.{why}", values, Evidence(NOON - 60)
    )
    return OutboxRow(number, number, "chat", what._replace(**given), MORNING)  # type: ignore[arg-type]


def tap(number: int, place: str, litres: float, **given: object) -> OutboxRow:
    return row(number, "limit", place, "above", {
        "name": "水", "reading": "9 L/min", "limit": "5 L/min", "held_s": 600.0, "litres": litres, "wasted_s": 600.0,
    }, **given)  # fmt: skip


def test_it_is_grouped_by_rule_and_building_with_places_and_sums() -> None:
    rows = [
        *(tap(n, f"teach-1/{100 + n}", 30.0) for n in range(1, 4)),
        tap(4, "dorm-3/402", 5.0),
        row(5, "silent", "teach-1", "raised", {"device": "m7", "silent_s": 7200.0}, severity=Severity.MAJOR),
    ]
    message = compose(rows, CAMPUS, "zh", panel_url="http://10.0.0.5:8080/")
    assert message.title == "【第一中学】日报：5 项"
    assert message.body.splitlines() == [
        "■ 设备无数据：1 项",
        "· 1号教学楼：设备 m7 已 2 小时没有数据",
        "■ 自定义限值：4 项",
        "· 1号教学楼 3 项（101、102、103），共 30 分钟、90 升",
        "· 3号宿舍楼 402：水：9 L/min，高于 5 L/min，已 10 分钟",
        "详情：http://10.0.0.5:8080/",
    ]
    english = compose(rows, CAMPUS, "en")
    assert english.title == "[第一中学] Daily summary: 5"
    assert english.body.splitlines()[2:4] == [
        "■ Limit of your own: 4", "· 1号教学楼: 3 (101, 102, 103), 30 min, 90 L in all",
    ]  # fmt: skip


def test_energy_that_lamps_wasted_is_summed_too() -> None:
    said = {"light": "200 W", "wasted_s": 3600.0, "wasted_kwh": 0.2}
    lamps = [row(n, "lights_left_on", f"teach-1/{100 + n}", "raised", said) for n in (1, 2)]
    lines = compose(lamps, CAMPUS, "zh").body.splitlines()
    assert lines[1] == "· 1号教学楼 2 项（101、102），共 2 小时、0.4 度"


def test_many_rooms_and_many_lines_stay_short() -> None:
    message = compose([tap(n, f"teach-1/{100 + n}", 0.0) for n in range(1, 20)], CAMPUS, "zh")
    assert message.body.splitlines()[1] == (
        "· 1号教学楼 19 项（101、102、103、104、105、106、107、108 等 19 处），共 3 小时 10 分钟"
    )
    wide = [tap(n, f"b{n}/1", 0.0) for n in range(100)]
    lines = compose(wide, CAMPUS, "en").body.splitlines()
    assert len(lines) == 31
    assert lines[-1] == "… and 71 more"


def test_an_alert_that_is_over_is_counted_once_with_its_last_figures() -> None:
    story = [tap(1, "teach-1/101", 5.0), tap(1, "teach-1/101", 80.0, turn=Turn.CLEARED)]
    more = [row._replace(id=index) for index, row in enumerate([*story, tap(2, "teach-1/101", 20.0)])]
    assert compose(more, CAMPUS, "en").body.splitlines()[1] == "· 1号教学楼: 2 (101), 20 min, 100 L in all"
    alone = compose([row._replace(id=index) for index, row in enumerate(story)], CAMPUS, "en")
    assert alone.body.splitlines()[1].endswith(" (over)")


def test_a_place_and_a_rule_that_are_gone_keep_their_names() -> None:
    body = compose([row(1, "old_rule", "gone/7", "raised", {})], CAMPUS, "zh").body
    assert body.splitlines() == ["■ old_rule：1 项", "· gone/7：old_rule"]
