"""Whoever reads a page: their language, the site and the time it is; turns facts into words for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard import words
from dashboard.unknown import Value
from rules.account import Account, Seen, Setting
from rules.incident import Incident
from rules.model import Event, Hold, Place, Point, Site
from rules.quantity import QUANTITIES, Kind

MOST_GUESSED = 6  # values of an unknown device that are named in a list


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader at one moment; `now` is Unix seconds."""

    language: str
    site: Site
    now: float

    # -- words

    def say(self, key: str, **values: object) -> str:
        return words.say(key, self.language, **values)

    def label(self, group: str, name: str) -> str:
        return words.label(group, name, self.language)

    def title(self, rule: str) -> str:
        return words.title(rule, self.language)

    def todo(self, rule: str) -> str:
        return words.todo(rule, self.language)

    def sentence(self, event: Event) -> str:
        return words.sentence(event, self.language, self.site.calendar.zone)

    # -- places and points

    def place(self, place_id: str) -> str:
        """What people call a place: its building's name and its own; an unknown one keeps its id."""
        place = self.site.places.get(place_id)
        if place is None:
            return place_id
        building = self.site.places.get(place.building)
        if building is None or building.id == place.id or place.name.startswith(building.name):
            return place.name
        return f"{building.name} {place.name}"

    def owner(self, place: Place) -> str:
        """Who is responsible: the place's own owner, or its building's."""
        building = self.site.places.get(place.building)
        return place.owner or (building.owner if building else "")

    def point(self, point: Point) -> str:
        """What a point measures, with the part of the place where there are several."""
        quantity = self.label("quantity", point.quantity)
        return f"{self.label('part', point.part)} · {quantity}" if point.part else quantity

    def value(self, point: Point, value: float) -> tuple[str, str]:
        """A value as a number and its unit, or as a word where it is a state."""
        quantity = QUANTITIES[point.quantity]
        if quantity.kind is Kind.STATE:
            return self.label("state", f"{point.quantity}_{int(value)}"), ""
        return f"{value:,.2f}" if quantity.kind is Kind.COUNTER else number(value), quantity.unit

    def input(self, name: str, here: str) -> str:
        """What an input of a rule at a place is called, also a rejected reading or a word of a transport."""
        raw, _, reason = name.partition("!")
        point = self._input(raw)
        shown = self.point(point) if point else raw
        if point and point.place != here and point.place in self.site.places:
            shown = f"{self.place(point.place)} · {shown}"
        if raw.startswith("source/"):
            shown = f"{raw.split('/')[1]} · {shown}"
        return f"{shown} ({self.label('rejected', reason)})" if reason else shown

    def seen(self, seen: Seen) -> tuple[str, str]:
        """The value of an input, and its unit."""
        point = self._input(seen.point.partition("!")[0])
        return self.value(point, seen.value) if point else (number(seen.value), "")

    def _input(self, name: str) -> Point | None:
        place, _, quantity = name.rpartition("/")
        is_known = name in self.site.points or quantity not in QUANTITIES
        return self.site.points.get(name) if is_known else Point(name, place, "", quantity, "", "", 0.0)

    def explanation(self, account: Account) -> str:
        """Where a watch stands and why."""
        zone = self.site.calendar.zone
        return words.said(account.rule, *account.explanation, self.language, zone=zone, near=self.now)

    def setting(self, item: Setting) -> str:
        """A parameter as it is set."""
        if isinstance(item.value, str):
            return item.value
        return self.duration(item.value) if item.unit == "s" else f"{number(item.value)} {item.unit}".rstrip()

    def number(self, value: float) -> str:
        return number(value)

    # -- time

    def clock(self, at: float) -> str:
        """The site's wall clock, with the date unless it is today."""
        return words.clock(at, self.now, self.site.calendar.zone, self.language)

    def date(self, local: datetime) -> str:
        """A day, with its year unless it is this one."""
        return words.day(local, self.site.calendar.local(self.now).year, self.language)

    def seconds(self, seconds: float) -> str:
        """A short time: `180 ms`, `1.2 s`."""
        return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"

    def duration(self, seconds: float) -> str:
        return words.duration(seconds, self.language)

    def guessed(self, values: Iterable[Value]) -> str:
        """What a device seems to measure, each with its unit where that is sure."""
        told = dict.fromkeys(
            f"{self.label('quantity', value.quantity)}{f' ({value.unit})' if value.unit else ''}"
            if value.quantity else value.path
            for value in values
        )  # fmt: skip
        comma = self.say("unknown.comma")
        return comma.join([*told][:MOST_GUESSED]) + (f"{comma}…" if len(told) > MOST_GUESSED else "")

    def ago(self, at: float) -> str:
        """How long ago a time was, in its largest unit."""
        age = max(0.0, self.now - at)
        unit = 86400 if age >= 86400 else 3600 if age >= 3600 else 1
        return self.say("duration.ago", duration=self.duration(age // unit * unit))

    def hold(self, hold: Hold) -> str:
        """How far a hold is: `12 of 30 min`, in the unit that suits its whole."""
        unit, seconds = ("s", 1) if hold.needed_s < 180 else ("min", 60) if hold.needed_s < 3 * 3600 else ("h", 3600)
        done = min(hold.covered_s, hold.needed_s) / seconds
        return self.say(f"alerts.hold_{unit}", done=int(done), all=f"{round(hold.needed_s / seconds, 1):g}")

    # -- alerts

    def lasted(self, incident: Incident) -> str:
        """How long an alert's condition has held, or held until it ended."""
        until = incident.ended.at if incident.ended else self.now
        return self.duration(until - incident.raised.evidence.since)

    def standing(self, incident: Incident) -> str:
        """When an open alert's sentence was true, and how long its condition has gone on by now."""
        said = incident.events[-1]
        return self.say(f"alerts.standing_{said.turn.value}", when=self.clock(said.at), duration=self.lasted(incident))

    def names(self, points: Iterable[Point]) -> str:
        """What several points measure, each named once."""
        return self.say("alert.and").join(dict.fromkeys(self.point(point) for point in points))


def number(value: float) -> str:
    """A number with as many digits as people read: three or so, more only in front of the point."""
    size = abs(value)
    digits = 0 if size >= 1000 and value == int(value) else 1 if size >= 100 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "\N{MINUS SIGN}") if text != "-0" else "0"
