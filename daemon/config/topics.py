"""One `[[source.topic]]`: which topics of a broker are meant, what their payloads say, and of which places."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from adapters.payloads import CONVENTIONS
from adapters.source import DeviceTime, Field, Topic
from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.lines import Path
from daemon.config.points import HOLDS, DraftTopic
from daemon.config.reading import read
from daemon.config.tables import FieldTable, Section, TimeTable, TopicTable
from daemon.config.values import WrongValueError, in_its_unit, part_of
from rules.quantity import QUANTITIES, UNITS, Kind

_OWN = ("online", "backlog", "attended")  # what a transport says of itself
_OFFERED = {name: item for name, item in QUANTITIES.items() if name not in _OWN}
_STATES = tuple(name for name, item in _OFFERED.items() if item.kind is Kind.STATE)
_WITH_FIELDS = tuple(name for name, item in CONVENTIONS.items() if item.has_fields)
_WITH_ZONE = tuple(name for name, item in CONVENTIONS.items() if item.has_zone)
_PLACEHOLDERS = ("building", "room", "place", "device")
_TOGETHER = ("", "building", "building room", "room building", "place", "device")
_PARTS = {  # the circuits that rules know by the name of their part, and what else people call them
    "emergency": "emergency|exit|应急|疏散", "security": "security|guard|安保|保安", "lighting": "light|lamp|灯|照明",
    "sockets": "socket|outlet|plug|插座", "ac": "air.?con|空调", "projector": "beamer|投影",
    "hot_water": "water.?heat|hot.?water|热水",
}  # fmt: skip


def topic_of(raw: Section, path: Path, campus: Campus, findings: Findings) -> DraftTopic | None:
    """A topic with the places it may speak of."""
    before = len(findings.errors)
    table = read(TopicTable, raw, path, findings, **_stand_ins(raw))
    if table is None:
        return None
    fields = tuple(_fields(table, path, findings))
    time = _time(table, path, findings)
    places = _places(table, path, campus, findings)
    if table.every_s and table.heartbeat_s:
        findings.error((*path, "heartbeat_s"), "one_period")
    for item in fields:
        at = (*path, "fields", item.path, "part") if table.fields else (*path, "part")
        campus.has_part(at, item.part, places or (), findings)
        if item.quantity in ("power_w", "on"):
            known_part(at, item.part, findings)
    if places is None or len(findings.errors) > before:
        return None
    if not places:
        findings.warn((*path, "filter"), "no_place_fits")
    topic = Topic(
        filter=table.filter,
        payload=table.payload,
        fields=fields,
        places=frozenset(places),
        time=DeviceTime(path=time.path, format=time.format, zone=time.zone) if time else None,
        place=table.place or "",
        devices=table.devices,
        every_s=table.every_s or table.heartbeat_s or 60.0,
    )
    return DraftTopic(path, topic, table.heartbeat_s or topic.every_s * HOLDS, is_regular=table.heartbeat_s is None)


def _time(table: TopicTable, path: Path, findings: Findings) -> TimeTable | None:
    """Where the device's own time is; a convention of devices knows, and may need to be told the zone."""
    if table.time is None:
        return None
    time = read(TimeTable, table.time, (*path, "time"), findings)
    convention = CONVENTIONS[table.payload]
    if convention.reader is None:
        if not convention.has_zone or table.time.keys() != {"zone"}:
            findings.error((*path, "time"), "time_known", payload=table.payload, allowed=_WITH_ZONE)
    elif time is not None and not time.path:
        findings.error((*path, "time", "path"), "missing")
    return time


def _stand_ins(raw: Section) -> Section:
    """What stands in for the wrong parts of a topic while the rest of it is checked."""
    by_place = "{building}/{room}" if "place" not in raw else "any"
    alike = (name for name, item in CONVENTIONS.items()
             if item.has_fields is ("fields" in raw) and bool(item.quantities) is ("quantities" in raw))  # fmt: skip
    return {
        "filter": "{device}" if "devices" in raw else by_place,
        "payload": next(alike),
        "fields": {"any": "power_w"},
        "devices": {},
        "quantity": "power_w",
    }


def _fields(table: TopicTable, path: Path, findings: Findings) -> Iterator[Field]:
    """The values of a payload; for a convention without fields its single value, at the empty path."""
    convention = CONVENTIONS[table.payload]
    yield from _known(table, path, findings)
    if convention.has_fields:
        if not table.fields and not convention.quantities:
            findings.error((*path, "payload"), "fields_needed", payload=table.payload)
        for key in ("quantity", "unit", "part", "digits") if not convention.quantities else ():
            if getattr(table, key):
                findings.error((*path, key), "said_in_fields", payload=table.payload)
        for key, raw in table.fields.items():
            item = read(FieldTable, raw, (*path, "fields", key), findings)
            if item is not None and (scale := _scale(item, (*path, "fields", key), findings)):
                scale *= table.scale * table.multiplier
                modulus = _modulus(item, scale, (*path, "fields", key), findings)
                yield Field(path=key, quantity=item.quantity, part=item.part, scale=scale, modulus=modulus)
        return
    if table.fields:
        findings.error((*path, "fields"), "only_with_fields", allowed=_WITH_FIELDS)
    if convention.quantities:
        return
    if table.time:
        findings.error((*path, "time"), "only_with_fields", allowed=_WITH_FIELDS)
    if table.quantity is None:
        findings.error((*path, "quantity"), "missing")
    elif convention.is_state and table.quantity in _OFFERED and table.quantity not in _STATES:
        findings.error((*path, "quantity"), "not_a_state", found=table.quantity, payload=table.payload,
                       allowed=_STATES)  # fmt: skip
    elif scale := _scale(table, path, findings):
        modulus = _modulus(table, scale, path, findings)
        yield Field(path="", quantity=table.quantity, part=table.part, scale=scale, modulus=modulus)


def _known(table: TopicTable, path: Path, findings: Findings) -> Iterator[Field]:
    """The quantities that a convention knows by itself, those of them that are wanted."""
    known = CONVENTIONS[table.payload].quantities
    if not known:
        if table.quantities:
            findings.error((*path, "quantities"), "quantities_unknown", payload=table.payload,
                           allowed=[name for name, item in CONVENTIONS.items() if item.quantities])  # fmt: skip
        return
    if not table.quantities and not table.fields:
        findings.error((*path, "payload"), "quantities_needed", payload=table.payload, allowed=sorted(known))
    for key in ("quantity", "unit", "digits"):
        if getattr(table, key):
            findings.error((*path, key), "units_known", payload=table.payload)
    if (table.scale, table.multiplier) != (1.0, 1.0) and table.quantities:
        findings.error((*path, "multiplier" if table.multiplier != 1.0 else "scale"), "units_known",
                       payload=table.payload)  # fmt: skip
    for name in dict.fromkeys(table.quantities):
        if findings.choose((*path, "quantities"), "quantity", name, sorted(known)):
            yield Field(path="", quantity=name, part=table.part)


def _scale(item: FieldTable | TopicTable, path: Path, findings: Findings) -> float | None:
    """The factor from the payload's number to the quantity's own unit."""
    assert item.quantity is not None
    instead = in_its_unit(item.quantity, in_fields=isinstance(item, FieldTable))
    if not findings.choose((*path, "quantity"), "quantity", item.quantity, _OFFERED, instead=instead):
        return None
    if item.unit is None:
        return item.scale * item.multiplier
    units = UNITS.get(item.quantity, {})
    if not findings.choose((*path, "unit"), "unit", item.unit, units):
        return None
    return units[item.unit] * item.scale * item.multiplier


def _modulus(item: FieldTable | TopicTable, scale: float, path: Path, findings: Findings) -> float | None:
    """Where a counter with the told number of digits starts again from 0."""
    if item.digits is None:
        return None
    if QUANTITIES[item.quantity or ""].kind is not Kind.COUNTER:
        findings.error((*path, "digits"), "digits_unused")
    return float(10**item.digits) * scale


def _places(table: TopicTable, path: Path, campus: Campus, findings: Findings) -> list[str] | None:
    """The places a topic may speak of; None when its pattern makes no sense."""
    names = re.findall(r"\{(\w+)\}", table.filter)
    at: Path = (*path, "filter")
    unknown = [name for name in names if not findings.choose(at, "placeholder", name, _PLACEHOLDERS)]
    if unknown:
        return None
    if " ".join(names) not in _TOGETHER:
        findings.error(at, "placeholder_mix", found=", ".join(f"{{{name}}}" for name in names))
        return None
    if CONVENTIONS[table.payload].reader is None and names not in ([], ["device"]):
        findings.error(at, "device_placeholder", payload=table.payload)
        return None
    if table.devices and "device" not in names:
        findings.error((*path, "devices"), "devices_unused")
    if table.place and names:
        findings.error((*path, "place"), "place_unused")
    if table.where is not None and (not names or "device" in names):
        findings.error((*path, "where"), "where_unused")
    if "device" in names:
        if not table.devices:
            findings.error(at, "devices_needed")
        return _mapped(table, path, campus, findings)
    if not names:
        if table.place is None:
            findings.error(at, "placeholder_needed")
            return None
        return [table.place] if campus.has_place((*path, "place"), table.place, findings) else None
    chosen = campus.chosen(table.where or {}, (*path, "where"), findings)
    if chosen is None:
        return None
    of_rooms = "building" not in names or "room" in names
    return [place for place in chosen if ("/" in place) is of_rooms]


def _mapped(table: TopicTable, path: Path, campus: Campus, findings: Findings) -> list[str]:
    """The places of named devices: `name` or `name#channel`, each with a place or a part of it."""
    found = []
    for name, where in table.devices.items():
        at = (*path, "devices", name)
        building, *rest = where.split("/")
        place, part = "/".join((building, *rest[:1])), "/".join(rest[1:])
        if not campus.has_place(at, place, findings):
            continue
        if "#" in name and (CONVENTIONS[table.payload].reader is not None or table.fields):
            findings.error(at, "channel_unused", found=name)
        try:
            part_of(part)
        except WrongValueError as error:
            findings.error(at, error.code, **error.values)
            continue
        campus.has_part(at, part, (place,), findings)
        if part:
            known_part(at, part, findings)
        found.append(place)
    return found


def known_part(path: Path, part: str, findings: Findings) -> None:
    """A warning when a circuit seems to be one that rules know, but by another name: they would take it for any."""
    if not part or part in _PARTS:
        return
    called = (name for name, pattern in _PARTS.items() if re.search(pattern, part.lower()))
    if near := next(called, None) or next(iter(get_close_matches(part.lower(), _PARTS, cutoff=0.7)), None):
        findings.warn(path, "part_unknown", found=part, allowed=tuple(_PARTS), instead=near)
