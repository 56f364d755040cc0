"""The words of a message: what, where, since when, whose, and what to do."""


import pytest
from ledger import NOON, SITE, event

from daemon.message import _WORDS, compose
from daemon.telling import OutboxRow
from rules.model import Event, Severity, Turn


def row(number: int, what: Event) -> OutboxRow:
    return OutboxRow(number, number, "chat", what, NOON)


def test_a_message_says_what_where_since_when_whose_and_what_to_do() -> None:
    message = compose([row(12, event())], SITE, "zh", panel_url="http://10.0.0.5:8080/")
    assert message.title == "【第一中学】#12 长流水：3号宿舍楼 402"
    place, sentence, *facts = message.body.splitlines()
    assert place == "3号宿舍楼 402"
    assert sentence
    assert facts[:4] == ["级别：严重", "开始时间：2026-09-01 11:30", "责任人：宿管一组", "备注：阀门在门后"]
    assert facts[4].startswith("怎么处理：")
    assert facts[5:] == ["详情：http://10.0.0.5:8080/alerts/12"]


def test_a_message_in_english() -> None:
    message = compose([row(12, event())], SITE, "en")
    assert message.title == "[第一中学] #12 Running water: 3号宿舍楼 402"
    assert "Since: 2026-09-01 11:30" in message.body
    assert "In charge: 宿管一组" in message.body
    assert "Details" not in message.body


def test_many_alerts_are_one_message_with_the_count_and_a_line_each() -> None:
    rows = [row(n, event(severity=Severity.CRITICAL if n == 3 else Severity.MAJOR)) for n in (1, 2, 3)]
    message = compose(rows, SITE, "zh", panel_url="http://10.0.0.5:8080")
    assert message.title == "【第一中学】3 条报警"
    lines = message.body.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["#3", "#1", "#2"]
    assert lines[0].startswith("#3 紧急 3号宿舍楼 402：")
    assert lines[3:] == ["详情：http://10.0.0.5:8080/"]


@pytest.mark.parametrize("language", sorted(_WORDS))
@pytest.mark.parametrize("turn", list(Turn))
def test_every_turn_has_words(language: str, turn: Turn) -> None:
    message = compose([row(12, event(turn))], SITE, language)
    assert "#12" in message.title
    assert "{" not in message.title + message.body


def test_an_end_does_not_say_what_to_do() -> None:
    assert "怎么处理" not in compose([row(12, event(Turn.CLEARED))], SITE, "zh").body


def test_a_place_that_the_configuration_no_longer_has_keeps_its_id() -> None:
    assert "gone/1" in compose([row(12, event(place="gone/1"))], SITE, "en").title


def test_all_languages_say_the_same_things() -> None:
    assert _WORDS["zh"].keys() == _WORDS["en"].keys()
