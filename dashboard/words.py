"""Words in the reader's language: the panel's own from `translations/`, the rules' from their kinds."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
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


def sentence(event: Event, language: str, zone: tzinfo = UTC) -> str:
    """What an event says: the rule's sentence for its `why` with its values; see `said`."""
    if event.turn is Turn.WITHDRAWN:
        return say("alert.withdrawn", language)
    told = said(event.rule, event.why, event.values, language, zone=zone, near=event.at)
    times = event.values.get("again")  # by flood control: see rules.flood
    return say("alert.again", language, sentence=told, n=f"{times:.0f}") if isinstance(times, float) else told


def said(
    rule: str, why: str, values: Mapping[str, float | str], language: str, *, zone: tzinfo, near: float
) -> str:  # fmt: skip
    """A rule's sentence with its values: those in seconds (`_s`) as durations, times (`_at`) by the clock of `zone`.

    `near` is the time it is said about: a time on the same day needs no date. `{count:room|rooms}` is the word that
    goes with a number.
    """
    words = _words(rule, language)
    if words is None or why not in words.sentences:
        return title(rule, language)
    try:
        told = {name: _told(name, value, language, zone, near) for name, value in values.items()}
        return words.sentences[why].format_map(told)
    except (KeyError, ValueError):  # an event stored by another version may lack a value or have another type
        return words.title


def _told(name: str, value: float | str, language: str, zone: tzinfo, near: float) -> float | str:
    if name.endswith("_s"):
        return duration(float(value), language)
    if name.endswith("_at"):
        return clock(float(value), near, zone, language)
    return value if isinstance(value, str) else _Number(value)


class _Number(float):
    """A number that chooses between two words, `{count:room|rooms}`."""

    def __format__(self, spec: str) -> str:
        one, is_choice, many = spec.partition("|")
        if not is_choice:
            return super().__format__(spec)
        return one if round(self) == 1 else many


def clock(at: float, now: float, zone: tzinfo, language: str) -> str:
    """The wall clock of a zone, with the date unless it is today."""
    local, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{day(local, today.year, language)} {local:%H:%M}"


def day(local: datetime, this_year: int, language: str) -> str:
    """A day, with its year unless it is this one."""
    month = say("date.months", language).split()[local.month - 1]
    if local.year == this_year:
        return say("date.day", language, day=local.day, month=month)
    return say("date.year", language, day=local.day, month=month, year=local.year)


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
