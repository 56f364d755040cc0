"""Words in the reader's language: the panel's own from `translations/`, the rules' from their kinds."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rules import RULES
from rules.model import Event, Turn
from rules.rule import Words

LANGUAGES = ("zh", "en")
_FOLDER = Path(__file__).parent / "translations"


@cache
def translations(language: str) -> Mapping[str, Mapping[str, str]]:
    """The panel's own words in one language, by group and name."""
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def say(key: str, language: str, **values: object) -> str:
    """The text of a key such as `alerts.none`, with its values put in."""
    group, name = key.split(".", 1)
    return translations(language)[group][name].format_map(values)


def label(group: str, name: str, language: str) -> str:
    """The name of a thing in one language; one without a translation keeps its own name."""
    return translations(language)[group].get(name, name)


def title(rule: str, language: str) -> str:
    """The name of a rule kind."""
    words = _words(rule, language)
    return words.title if words else rule


def todo(rule: str, language: str) -> str:
    """What to do about an alert of a rule kind."""
    words = _words(rule, language)
    return words.todo if words else ""


def sentence(event: Event, language: str) -> str:
    """What an event says: the rule's sentence for its `why`, with its values; those in seconds (`_s`) as durations."""
    if event.turn is Turn.WITHDRAWN:
        return say("alert.withdrawn", language)
    words = _words(event.rule, language)
    if words is None or event.why not in words.sentences:
        return title(event.rule, language)
    try:
        said = {
            name: duration(float(value), language) if name.endswith("_s") else value
            for name, value in event.values.items()
        }
        return words.sentences[event.why].format_map(said)
    except (KeyError, ValueError):  # an event stored by another version may lack a value or have another type
        return words.title


def duration(seconds: float, language: str) -> str:
    """A length of time in words, to the precision people care about: `47 min`, `1 h 20 min`, `3 days 4 h`."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        parts = [("day" if days == 1 else "days", days), ("h", hours)]
    elif hours:
        parts = [("h", hours), ("min", minutes)]
    else:
        parts = [("min", minutes)] if minutes else [("s", whole)]
    shown = [say(f"duration.{unit}", language, n=n) for index, (unit, n) in enumerate(parts) if n or not index]
    return " ".join(shown)


def _words(rule: str, language: str) -> Words | None:
    kind = RULES.get(rule)
    return kind.words[language] if kind else None
