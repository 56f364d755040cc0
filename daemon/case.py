"""An alert as a test case: one file with the readings it rests on, the settings that matter, and what was said.

Strategy. A watch is judged alone, so a case needs its own inputs only: as they were logged, with their flags and
marks, from as far back as the rule remembers. If that does not give the same events again (a state may go back
further), the case goes further back, up to the whole log or MOST_READINGS. The site is cut down to the places the
watch looks at; that it is still the same watch is checked by its signature.
"""

from collections import deque
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field, TypeAdapter

from daemon.config.rules import Placed
from daemon.event_json import as_json, of_json
from daemon.history import History, Points
from daemon.store import LoggedBatch
from daemon.trial import PLAIN, Registers, engine_of, judged, placed_watches
from rules import RULES
from rules.calendar import Calendar, Span
from rules.engine import Engine
from rules.fact import is_fact
from rules.flood import AGAIN_S
from rules.incident import Incident
from rules.model import Event, Flag, Place, Point, Sample, Site, Turn
from rules.rule import Bounds, Choice, PointIds, RuleKind, Text, parameters
from rules.sun import Sun
from rules.watch import Watch, signature

MOST_READINGS = 500_000
FURTHER = (1.0, 4.0, float("inf"))  # times the memory of the rule
DIFFERS = "replayed it says something else: the settings changed since, or its readings are not all there"
_VERSION = 1
_CALENDAR, _SUN = TypeAdapter(Calendar), TypeAdapter(Sun | None)
_FINITE = ConfigDict(allow_inf_nan=False)
_PLACES, _POINTS = TypeAdapter(list[Place]), TypeAdapter(list[Point], config=_FINITE)
_REGISTERS = TypeAdapter(Registers, config=_FINITE)
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Time = Annotated[_Number, Field(ge=0, le=2**32)]
_TIME, _TEXT = TypeAdapter(_Time), TypeAdapter(Annotated[str, Field(strict=True)])
_LOG = TypeAdapter(list[tuple[_Time, list[Annotated[list[_Number], Field(min_length=3)]]]])
_LAYOUTS = TypeAdapter(list[Annotated[list[str], Field(min_length=1)]])


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

    def engine(self) -> Engine:
        """One that runs the watch alone."""
        watches = [watch for watch in self.kind.watches(self.site.narrowed(self.places)) if watch.key == self.key]
        return engine_of(watches, self.site, self.registers)

    def replayed(self) -> tuple[Event, ...]:
        """What the rule says now."""
        said = judged(self.engine(), self.log, until=self.until)
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
        case = _case(document)
        case.engine()  # that it can be run at all is part of being a case
        return case
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, OSError) as error:
        why = " ".join(str(error).partition("[type=")[0].split())
        raise CaseError(f"this is no case that `caretaker case` wrote ({type(error).__name__}: {why})") from error


def _case(document: dict[str, Any]) -> Case:
    settings, campus = document["settings"], document["site"]
    places = {place.id: place for place in _PLACES.validate_python(campus["places"])}
    points = {point.id: point for point in _POINTS.validate_python(campus["points"])}
    calendar, sun = _CALENDAR.validate_python(campus["calendar"]), _SUN.validate_python(campus["sun"])
    registers = _REGISTERS.validate_python(document["registers"])
    kind = RULES[settings["kind"]]
    changed = {name: _tuples(value) for name, value in settings["changed"].items()}
    _check_parameters(kind, changed, points)
    _check_campus(places, points, calendar, sun)
    for place in settings["places"]:
        places[place]  # a KeyError names the one that is not there
    if any(modulus <= 0 for modulus in registers.moduli.values()):
        raise ValueError("a register that rolls over at nothing")
    return Case(
        number=int(document["number"]), rule=_TEXT.validate_python(document["rule"]),
        key=_TEXT.validate_python(document["key"]), since=_TIME.validate_python(document["since"]),
        until=_TIME.validate_python(document["until"]), kind=kind(**changed), places=tuple(settings["places"]),
        site=Site(campus["id"], campus["name"], places, points, calendar, sun),
        registers=registers, log=list(_log(document["log"], document["layouts"])),
        events=tuple(of_json(event) for event in document["events"]),
    )  # fmt: skip


def _check_parameters(kind: type[RuleKind], changed: Mapping[str, Any], points: Container[str]) -> None:
    """Raise ValueError unless a configuration may set these."""
    known = parameters(kind)
    kept = {item.name: type(item.default) for item in fields(kind)}  # type: ignore[arg-type]
    for name, value in changed.items():
        allowed = known[name]
        match allowed:
            case Bounds():
                is_number = isinstance(value, int if kept[name] is int else int | float) and not isinstance(value, bool)
                is_right = is_number and allowed.least <= value <= allowed.most
            case Choice():
                is_right = value in allowed.options
            case Text():
                is_right = isinstance(value, str) and len(value) <= allowed.longest
            case PointIds():
                is_right = all(isinstance(own, str) and point in points for own, point in value)
        if not is_right:
            raise ValueError(f"{name} = {str(value)[:40]}")


def _check_campus(
    places: Mapping[str, Place], points: Mapping[str, Point], calendar: Calendar, sun: Sun | None
) -> None:
    """Raise KeyError or ValueError unless all that is named is there, and every minute is one of a day."""
    for place in places.values():
        places[place.building]
    for point in points.values():
        places[point.place]
        if point.holds_s < 0:
            raise ValueError(f"{point.id}: holds_s = {point.holds_s}")
    days = [calendar.usual, *calendar.daily.values()]
    spans = [*_spans([place.supply for place in places.values()]), *_spans([calendar.day, *days]),
             *_spans([*calendar.timetable.values()])]  # fmt: skip
    minutes = [minute for span in spans for minute in span]
    minutes += [minute for day in days for minute in (day.wake, day.lights_out)]
    if wrong := [minute for minute in minutes if not 0 <= minute <= 1440]:
        raise ValueError(f"{wrong[0]} is no minute of a day")
    if sun is not None and not (abs(sun.latitude) <= 90 and abs(sun.longitude) <= 180):
        raise ValueError(f"{sun}")


def _spans(value: object) -> Iterator[Span]:
    """All spans within."""
    if isinstance(value, Span):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _spans(item)


def _log(rows: Sequence[Any], layouts: Sequence[Sequence[str]]) -> Iterator[LoggedBatch]:
    _LAYOUTS.validate_python(layouts)
    for _, entries in _LOG.validate_python(rows):
        for row in entries:
            if not (row[0] in range(len(layouts)) and 0 <= row[1] <= 2**32):
                raise ValueError(f"a reading of layout {row[0]:g} at {row[1]:g}")
    for number, (mark, entries) in enumerate(rows, start=1):
        yield LoggedBatch(number, mark, [
            (Sample(at, layouts[which][0], dict(zip(layouts[which][1:], values, strict=True))), Flag(flag))
            for which, at, flag, *values in entries
        ])  # fmt: skip


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
