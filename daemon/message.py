"""What a message to staff says, in the language of the site: one alert in full, many with a line each, a summary."""

from collections.abc import Sequence
from typing import NamedTuple

from daemon.digest import digest_of
from daemon.telling import ENDINGS, OutboxRow, Story, is_digest, stories
from dashboard.words import label, sentence, todo
from dashboard.words import title as rule_title
from rules.model import Event, Site, Turn

_WORDS = {
    "zh": {
        "title": "【{site}】#{number} {state}{rule}：{place}",
        "many": "【{site}】{count} 条报警",
        "line": "#{number} {severity} {state}{place}：{sentence}（{since}起）",
        "over": "【{turn}】",
        "severity": "级别：{text}",
        "since": "开始时间：{text}",
        "ended": "结束时间：{text}（通知发出时已结束）",
        "owner": "责任人：{text}",
        "note": "备注：{text}",
        "todo": "怎么处理：{text}",
        "link": "详情：{text}",
    },
    "en": {
        "title": "[{site}] #{number} {state}{rule}: {place}",
        "many": "[{site}] {count} alerts",
        "line": "#{number} {severity} {state}{place}: {sentence} (since {since})",
        "over": "[{turn}] ",
        "severity": "Severity: {text}",
        "since": "Since: {text}",
        "ended": "Ended: {text} (over before this message was sent)",
        "owner": "In charge: {text}",
        "note": "Note: {text}",
        "todo": "What to do: {text}",
        "link": "Details: {text}",
    },
}


class Message(NamedTuple):
    """A plain text with a title."""

    title: str
    body: str


def compose(rows: Sequence[OutboxRow], site: Site, language: str, *, panel_url: str = "") -> Message:
    """The message that tells all of these rows; `panel_url` is the panel's address as staff reach it, if they do."""
    told = stories(rows)
    if is_digest(rows):
        return Message(*digest_of(told, site, language, panel_url=panel_url))
    words = _WORDS[language]
    if len(told) == 1:
        return _full(told[0], site, language, panel_url)
    lines = [words["line"].format_map(_parts(story, site, language)) for story in told]
    if panel_url:
        lines.append(words["link"].format(text=f"{panel_url.rstrip('/')}/"))
    return Message(words["many"].format(site=site.name, count=len(told)), "\n".join(lines))


def _full(story: Story, site: Site, language: str, panel_url: str) -> Message:
    words = _WORDS[language]
    event = _telling(story)
    last = story[-1].event
    place = site.places.get(event.place)
    parts = _parts(story, site, language)
    facts = {
        "severity": parts["severity"],
        "since": parts["since"],
        "ended": _local(last.at, site) if last.turn in ENDINGS and event is not last else "",
        "owner": place.owner if place else "",
        "note": place.note if place else "",
        "todo": "" if last.turn in ENDINGS else todo(event.rule, language),
        "link": f"{panel_url.rstrip('/')}/alerts/{story[0].number}" if panel_url else "",
    }
    lines = [parts["place"], parts["sentence"], *(words[key].format(text=text) for key, text in facts.items() if text)]
    return Message(words["title"].format_map(parts), "\n".join(lines))


def _parts(story: Story, site: Site, language: str) -> dict[str, str]:
    event = _telling(story)
    turn = story[-1].event.turn
    return {
        "site": site.name,
        "number": str(story[0].number),
        "state": "" if turn is Turn.RAISED else _WORDS[language]["over"].format(turn=label("turn", turn, language)),
        "rule": rule_title(event.rule, language),
        "place": place_name(event.place, site),
        "severity": label("severity", event.severity.name.lower(), language),
        "sentence": sentence(event, language, site.calendar.zone),
        "since": _local(event.evidence.since, site),
    }


def _telling(story: Story) -> Event:
    """The event whose words tell the story: the last before an end, or the end itself if it comes alone."""
    running = [row.event for row in story if row.event.turn not in ENDINGS]
    return running[-1] if running else story[-1].event


def place_name(place_id: str, site: Site) -> str:
    """Building and room as people call them; a place that the configuration no longer has keeps its id."""
    place = site.places.get(place_id)
    if place is None:
        return place_id
    building = site.places.get(place.building)
    if building is None or building.id == place.id or place.name.startswith(building.name):
        return place.name
    return f"{building.name} {place.name}"


def _local(at: float, site: Site) -> str:
    return site.calendar.local(at).strftime("%Y-%m-%d %H:%M")
