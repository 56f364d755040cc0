"""What the day's summary says: by rule and building how many alerts, where, and how much, at the width of a phone."""

from collections.abc import Sequence

from daemon.telling import ENDINGS, Story, severity_of
from dashboard.reader import Reader
from dashboard.words import duration, title
from rules.model import Site

MOST_LINES = 30
MOST_PLACES = 8
_WORDS = {
    "zh": {
        "title": "【{site}】日报：{count} 项",
        "rule": "■ {rule}：{count} 项",
        "one": "· {place}：{sentence}",
        "many": "· {building} {count} 项（{places}）{much}",
        "here": "· {building} {count} 项{much}",
        "more_places": "{places} 等 {count} 处",
        "much": "，共 {much}",
        "over": "（已结束）",
        "litres": "{value:,.0f} 升",
        "kwh": "{value:.1f} 度",
        "and": "、",
        "rest": "……另有 {count} 项",
        "link": "详情：{url}",
    },
    "en": {
        "title": "[{site}] Daily summary: {count}",
        "rule": "■ {rule}: {count}",
        "one": "· {place}: {sentence}",
        "many": "· {building}: {count} ({places}){much}",
        "here": "· {building}: {count}{much}",
        "more_places": "{places} and more, {count} places",
        "much": ", {much} in all",
        "over": " (over)",
        "litres": "{value:,.0f} L",
        "kwh": "{value:.1f} kWh",
        "and": ", ",
        "rest": "… and {count} more",
        "link": "Details: {url}",
    },
}


def digest_of(told: Sequence[Story], site: Site, language: str, *, panel_url: str = "") -> tuple[str, str]:
    """Title and text of the summary of these alerts, the gravest rules first."""
    words = _WORDS[language]
    by_rule: dict[str, list[Story]] = {}
    for story in told:
        by_rule.setdefault(story[0].event.rule, []).append(story)
    lines: list[tuple[str, int]] = []  # each with how many alerts it tells
    for rule, alerts in sorted(by_rule.items(), key=lambda item: (-_gravest(item[1]), -len(item[1]), item[0])):
        lines.append((words["rule"].format(rule=title(rule, language), count=len(alerts)), 0))
        by_building: dict[str, list[Story]] = {}
        for story in alerts:
            by_building.setdefault(_building(story, site), []).append(story)
        lines += [(_line(building, here, site, language), len(here)) for building, here in by_building.items()]
    left = sum(count for _, count in lines[MOST_LINES:])
    text = [line for line, _ in lines[:MOST_LINES]]
    if left:
        text.append(words["rest"].format(count=left))
    if panel_url:
        text.append(words["link"].format(url=f"{panel_url.rstrip('/')}/"))
    return words["title"].format(site=site.name, count=len(told)), "\n".join(text)


def _line(building: str, alerts: Sequence[Story], site: Site, language: str) -> str:
    """One alert in its own words, or several as a count with their places and what they come to."""
    words = _WORDS[language]
    place = site.places.get(building)
    name = place.name if place else building
    if len(alerts) == 1:
        running = [row.event for row in alerts[0] if row.event.turn not in ENDINGS]
        over = words["over"] if alerts[0][-1].event.turn in ENDINGS else ""
        reader = Reader(language, site, running[-1].at)
        said = reader.sentence(running[-1]) + over
        return words["one"].format(place=reader.place(running[-1].place), sentence=said)
    rooms = [_room_name(story[0].event.place, site) for story in alerts if story[0].event.place != building]
    names = list(dict.fromkeys(rooms))
    places = words["and"].join(names[:MOST_PLACES])
    if len(names) > MOST_PLACES:
        places = words["more_places"].format(places=places, count=len(names))
    much = _much(alerts, language)
    return words["many" if names else "here"].format(building=name, count=len(alerts), places=places, much=much)


def _much(alerts: Sequence[Story], language: str) -> str:
    """What alerts come to together: time and water and energy wasted, by the last word on each."""
    words = _WORDS[language]
    sums = dict.fromkeys(("wasted_s", "litres", "kwh", "wasted_kwh"), 0.0)
    for story in alerts:
        said: dict[str, float | str] = {}
        for row in story:
            said |= row.event.values
        for name in sums:
            value = said.get(name, 0.0)
            sums[name] += value if isinstance(value, int | float) else 0.0
    parts = [duration(sums["wasted_s"], language)] if sums["wasted_s"] else []
    sums["kwh"] += sums.pop("wasted_kwh")
    parts += [words[name].format(value=sums[name]) for name in ("litres", "kwh") if sums[name]]
    return words["much"].format(much=words["and"].join(parts)) if parts else ""


def _gravest(alerts: Sequence[Story]) -> int:
    return max(severity_of(story) for story in alerts)


def _building(story: Story, site: Site) -> str:
    place = site.places.get(story[0].event.place)
    return place.building if place else story[0].event.place.partition("/")[0]


def _room_name(place_id: str, site: Site) -> str:
    """A room without the name of its building, which stands before it."""
    place = site.places.get(place_id)
    if place is None:
        return place_id.partition("/")[2] or place_id
    building = site.places.get(place.building)
    return place.name.removeprefix(building.name).strip() or place.name if building else place.name
