"""An alert as a test case: one file with the readings it rests on, the settings that matter, and what was said.

Strategy. A watch is judged alone, so a case needs its own inputs only: as they were logged, with their flags and
marks, from as far back as the rule remembers. If that does not give the same events again (a state may go back
further), the case goes further back, up to the whole log or MOST_READINGS. The site is cut down to the places the
watch looks at; that it is still the same watch is checked by its signature.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson
from pydantic import TypeAdapter

from daemon.config.rules import Placed
from daemon.event_json import as_json, of_json
from daemon.history import History, Points
from daemon.store import LoggedBatch
from daemon.trial import PLAIN, Registers, engine_of, judged, placed_watches
from rules import RULES
from rules.calendar import Calendar
from rules.fact import is_fact
from rules.flood import AGAIN_S
from rules.incident import Incident
from rules.model import Event, Flag, Place, Point, Sample, Site, Turn
from rules.rule import RuleKind
from rules.sun import Sun
from rules.watch import Watch, signature

MOST_READINGS = 500_000
FURTHER = (1.0, 4.0, float("inf"))  # times the memory of the rule
DIFFERS = "replayed it says something else: the settings changed since, or its readings are not all there"
_VERSION = 1
_CALENDAR, _SUN = TypeAdapter(Calendar), TypeAdapter(Sun | None)
_PLACES, _POINTS = TypeAdapter(list[Place]), TypeAdapter(list[Point])
_REGISTERS = TypeAdapter(Registers)


class CaseError(Exception):
    """No case can be made of this alert, or a file is none; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One alert: `kind` watches `places` of `site`; `events` were said from `since` to `until`."""

    number: int
    rule: str
    key: str
    since: float
    until: float
    kind: RuleKind
    places: tuple[str, ...]
    site: Site
    registers: Registers
    log: Sequence[LoggedBatch]
    events: tuple[Event, ...]

    def replayed(self) -> tuple[Event, ...]:
        """What the rule says now."""
        watches = [watch for watch in self.kind.watches(self.site.narrowed(self.places)) if watch.key == self.key]
        said = judged(engine_of(watches, self.site, self.registers), self.log, until=self.until)
        return tuple(event for event in said if event.at >= self.since)

    def is_same(self) -> bool:
        """Whether it says what was said."""
        return self.replayed() == self.events


def case_of(
    rules: Placed, site: Site, history: History, incident: Incident,
    *, registers: Registers = PLAIN, further: Sequence[float] = FURTHER,
) -> Case:  # fmt: skip
    """The case of an alert, from no further back than it takes; raises CaseError."""
    raised, ended = incident.raised, incident.ended
    found = [(kind, places, watch) for kind, places, watch in placed_watches(rules, site)
             if (watch.rule, watch.key) == (raised.rule, raised.key)]  # fmt: skip
    if not found or history.stretch is None:
        raise CaseError(f"the configuration no longer has the rule {raised.rule} at {raised.key}")
    kind, places, watch = found[0]
    points = engine_of([watch], site, registers).logged_points([watch])
    places, small = _smaller(site, kind, places, watch, points)
    case = Case(
        number=incident.number, rule=watch.rule, key=watch.key, since=raised.at,
        until=ended.at if ended else history.stretch[1], kind=kind, places=places, site=small,
        registers=registers.at(small.points), log=(),
        events=tuple(event for event in incident.events if event.turn is not Turn.WITHDRAWN),
    )  # fmt: skip
    begin = min(raised.evidence.since, raised.at - AGAIN_S)
    for times in further:
        since = max(begin - times * kind.memory_s, history.stretch[0])
        case = replace(case, log=_cut(history, since, case.until, points, small))
        if case.is_same() or since == history.stretch[0]:
            break
    return case


def _smaller(
    site: Site, kind: RuleKind, places: tuple[str, ...], watch: Watch, points: Points
) -> tuple[tuple[str, ...], Site]:
    """The places this watch needs, and the site of these alone; all of the rule's where fewer make another watch."""
    seen = {site.points[point].place for point in points if point in site.points}
    needed = tuple(place for place in places if place in seen or place == watch.place)
    for chosen in (needed, places):
        small = _site_of(site.narrowed(chosen))
        signatures = [signature(item) for item in kind.watches(small.narrowed(chosen)) if item.key == watch.key]
        if signatures == [signature(watch)]:
            return chosen, small
    raise CaseError(f"{watch.rule} at {watch.key} cannot be told apart from the rest of the campus")


def _site_of(site: Site) -> Site:
    """A site without the names of people, and without the timetables of other places."""
    places = {place.id: place._replace(owner="", note="") for place in site.places.values()}
    timetable = {place: lessons for place, lessons in site.calendar.timetable.items() if place in places}
    return Site(site.id, site.name, places, site.points, replace(site.calendar, timetable=timetable), site.sun)


def _cut(history: History, since: float, until: float, points: Points, site: Site) -> list[LoggedBatch]:
    """The log of these points and of their sources; of too many readings the newest."""
    sources = {f"source/{site.points[point].source}" for point in points if point in site.points}
    kept: deque[LoggedBatch] = deque()
    count = 0
    for batch in history.batches(since, until, points):
        entries = [
            (Sample(sample.at, sample.device, values), flag)
            for sample, flag in batch.entries
            if (since <= sample.at or is_fact(sample)) and sample.at <= until
            and (values := {
                point: value for point, value in sample.values.items() if point in points or sample.device in sources
            })
        ]  # fmt: skip
        if entries or (kept and batch.mark < kept[-1].mark):  # a mark that falls says that all began anew
            kept.append(batch._replace(entries=entries))
            count += len(entries)
        while count > MOST_READINGS:
            count -= len(kept.popleft().entries)
    return list(kept)


# -- the file


def to_json(case: Case, *, is_same: bool = True) -> bytes:
    """The file of a case: JSON with a line for each batch of readings; one that does not say the same says so."""
    layouts: dict[tuple[str, ...], int] = {}
    log = [
        [batch.mark, [
            [layouts.setdefault((sample.device, *sample.values), len(layouts)), sample.at, int(flag),
             *sample.values.values()]
            for sample, flag in batch.entries
        ]]
        for batch in case.log
    ]  # fmt: skip
    changed = {
        item.name: value
        for item in fields(case.kind)  # type: ignore[arg-type]
        if (value := getattr(case.kind, item.name)) != item.default
    }
    site = case.site
    head: dict[str, Any] = {"caretaker_case": _VERSION} | ({} if is_same else {"note": DIFFERS})
    head |= {
        "number": case.number, "rule": case.rule, "key": case.key,
        "since": case.since, "until": case.until,
        "events": [as_json(event) for event in case.events],
        "settings": {"kind": type(case.kind).kind, "changed": changed, "places": case.places},
        "site": {
            "id": site.id, "name": site.name,
            "calendar": _CALENDAR.dump_python(site.calendar, mode="json", exclude={"zone"}),
            "sun": _SUN.dump_python(site.sun, mode="json"),
            "places": _PLACES.dump_python(list(site.places.values()), mode="json"),
            "points": _POINTS.dump_python(list(site.points.values()), mode="json"),
        },
        "registers": _REGISTERS.dump_python(case.registers, mode="json"),
        "layouts": list(layouts),
    }  # fmt: skip
    rows = b",\n".join(orjson.dumps(row) for row in log)
    return orjson.dumps(head, option=orjson.OPT_INDENT_2).removesuffix(b"\n}") + b',\n  "log": [\n' + rows + b"\n]}\n"


def of_file(text: bytes) -> Case:
    """The case in a file; raises CaseError."""
    try:
        document = orjson.loads(text)
        version = document["caretaker_case"]
        if version != _VERSION:
            raise CaseError(f"this is a case of version {version}; this program reads version {_VERSION}")
        return _case(document)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CaseError(f"this is no case that `caretaker case` wrote ({type(error).__name__}: {error})") from error


def _case(document: dict[str, Any]) -> Case:
    settings, campus = document["settings"], document["site"]
    places = {place.id: place for place in _PLACES.validate_python(campus["places"])}
    points = {point.id: point for point in _POINTS.validate_python(campus["points"])}
    calendar, sun = _CALENDAR.validate_python(campus["calendar"]), _SUN.validate_python(campus["sun"])
    changed = {name: _tuples(value) for name, value in settings["changed"].items()}
    return Case(
        number=document["number"], rule=document["rule"], key=document["key"], since=document["since"],
        until=document["until"], kind=RULES[settings["kind"]](**changed), places=tuple(settings["places"]),
        site=Site(campus["id"], campus["name"], places, points, calendar, sun),
        registers=_REGISTERS.validate_python(document["registers"]),
        log=list(_log(document["log"], document["layouts"])),
        events=tuple(of_json(event) for event in document["events"]),
    )  # fmt: skip


def _log(rows: Sequence[Any], layouts: Sequence[Sequence[str]]) -> Iterator[LoggedBatch]:
    for number, (mark, entries) in enumerate(rows, start=1):
        yield LoggedBatch(number, mark, [
            (Sample(at, layouts[which][0], dict(zip(layouts[which][1:], values, strict=True))), Flag(flag))
            for which, at, flag, *values in entries
        ])  # fmt: skip


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
