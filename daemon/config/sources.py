"""Everything under `[[source]]`: brokers with their topics, serial lines with their meters."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches

from adapters.device_table import DeviceTable
from adapters.link import MODBUS_TCP, codecs_of, server_of
from adapters.payloads import CONVENTIONS
from adapters.serial_port import line_text
from adapters.source import (
    Device,
    DeviceTime,
    Field,
    Line,
    MqttSource,
    SerialSource,
    Topic,
)  # fmt: skip
from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.files import Secrets
from daemon.config.including import goes_on, names_of_sources
from daemon.config.lines import Path
from daemon.config.points import HOLDS, Draft, DraftTopic, Sources, joined
from daemon.config.reading import read
from daemon.config.tables import (
    SOURCE_KINDS,
    FieldTable,
    FileTable,
    MeterTable,
    MqttTable,
    Section,
    SerialTable,
    TimeTable,
    TopicTable,
)
from daemon.config.values import in_its_unit
from rules.quantity import QUANTITIES, UNITS, Kind

_OWN = ("online", "backlog", "attended")  # what a transport says of itself
_OFFERED = {name: item for name, item in QUANTITIES.items() if name not in _OWN}
_STATES = tuple(name for name, item in _OFFERED.items() if item.kind is Kind.STATE)
_WITH_FIELDS = tuple(name for name, item in CONVENTIONS.items() if item.has_fields)
_PLACEHOLDERS = ("building", "room", "place", "device")
_TOGETHER = ("", "building", "building room", "room building", "place", "device")
_PARTS = {  # the circuits that rules know by the name of their part, and what else people call them
    "emergency": "emergency|exit|应急|疏散", "security": "security|guard|安保|保安", "lighting": "light|lamp|灯|照明",
    "sockets": "socket|outlet|plug|插座", "ac": "air.?con|空调", "projector": "beamer|投影",
    "hot_water": "water.?heat|hot.?water|热水",
}  # fmt: skip


def sources(
    file: FileTable, campus: Campus, tables: Mapping[str, DeviceTable], secrets: Secrets, findings: Findings,
    *, site: str,
) -> Sources:  # fmt: skip
    """Everything under `[[source]]`."""
    drafts: list[Draft] = []
    for index, raw in enumerate(file.source):
        path: Path = ("source", index)
        kind = raw.get("kind")
        if goes_on(raw):
            names = tuple(names_of_sources(file.source))
            findings.error((*path, "name"), "source_goes_on", found=raw["name"], allowed=names)
        elif "kind" not in raw:
            findings.error((*path, "kind"), "missing")
        elif findings.choose((*path, "kind"), "kind", str(kind), SOURCE_KINDS):
            draft = (
                _broker(raw, path, campus, secrets, findings, site)
                if kind == "mqtt"
                else _line(raw, path, campus, tables, findings)
            )
            drafts += [draft] if draft else []
    _no_two_alike(drafts, findings)
    return joined(drafts, tables, findings)


def _no_two_alike(drafts: list[Draft], findings: Findings) -> None:
    names: dict[str, Path] = {}
    ports: dict[str, Path] = {}
    for draft in drafts:
        name = draft.source.name
        if name in names:
            findings.error((*draft.path, "name"), "duplicate", noun="source", found=name, other=names[name])
        names.setdefault(name, (*draft.path, "name"))
        if isinstance(draft.source, SerialSource):
            port = draft.source.port
            if port in ports:
                findings.error((*draft.path, "port"), "duplicate_port", found=port, other=ports[port])
            ports.setdefault(port, (*draft.path, "port"))


# -- brokers


def _broker(
    raw: Section, path: Path, campus: Campus, secrets: Secrets, findings: Findings, site: str
) -> Draft | None:
    table = read(MqttTable, raw, path, findings, name="?", url=_SOMEWHERE)
    if table is None:
        return None
    password = secrets.line(table.password_file, (*path, "password_file"), findings)
    if table.password_file and not table.username:
        findings.error((*path, "password_file"), "username_needed")
    slug = re.sub(r"\W+", "-", table.name.lower()).strip("-")
    source = MqttSource(
        name=table.name,
        host=table.url.host,
        port=table.url.port,
        tls=table.url.tls,
        ca_file=secrets.certificates(table.ca_file, (*path, "ca_file"), findings),
        username=table.username,
        password=password,
        client_id=table.client_id or f"caretaker-{site}-{slug}",
        topics=(),
    )
    draft = Draft(path, source)
    for index, part in enumerate(table.topic):
        at: Path = (*path, "topic", index)
        topic = _topic(part, at, campus, findings)
        if topic is not None:
            draft.topics.append(topic)
    return draft


_SOMEWHERE = "mqtt://localhost"  # stands in for an address that could not be read


def _topic(raw: Section, path: Path, campus: Campus, findings: Findings) -> DraftTopic | None:
    """A topic with the places it may speak of."""
    before = len(findings.errors)
    table = read(TopicTable, raw, path, findings, **_stand_ins(raw))
    if table is None:
        return None
    fields = tuple(_fields(table, path, findings))
    time = read(TimeTable, table.time, (*path, "time"), findings) if table.time is not None else None
    places = _places(table, path, campus, findings)
    if table.every_s and table.heartbeat_s:
        findings.error((*path, "heartbeat_s"), "one_period")
    for item in fields:
        at = (*path, "fields", item.path, "part") if table.fields else (*path, "part")
        campus.has_part(at, item.part, places or (), findings)
        if item.quantity in ("power_w", "on"):
            _known_part(at, item.part, findings)
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


def _stand_ins(raw: Section) -> Section:
    """What stands in for the wrong parts of a topic while the rest of it is checked."""
    by_place = "{building}/{room}" if "place" not in raw else "any"
    alike = (name for name, item in CONVENTIONS.items() if item.has_fields is ("fields" in raw))
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
    if convention.has_fields:
        if not table.fields:
            findings.error((*path, "payload"), "fields_needed", payload=table.payload)
        for key in ("quantity", "unit", "part", "digits"):
            if getattr(table, key):
                findings.error((*path, key), "said_in_fields", payload=table.payload)
        for key, raw in table.fields.items():
            item = read(FieldTable, raw, (*path, "fields", key), findings)
            if item is not None and (scale := _scale(item, (*path, "fields", key), findings)):
                scale *= table.scale * table.multiplier
                modulus = _modulus(item, scale, (*path, "fields", key), findings)
                yield Field(path=key, quantity=item.quantity, part=item.part, scale=scale, modulus=modulus)
        return
    for key in ("fields", "time"):
        if getattr(table, key):
            findings.error((*path, key), "only_with_fields", allowed=_WITH_FIELDS)
    if table.quantity is None:
        findings.error((*path, "quantity"), "missing")
    elif convention.is_state and table.quantity in _OFFERED and table.quantity not in _STATES:
        findings.error((*path, "quantity"), "not_a_state", found=table.quantity, payload=table.payload,
                       allowed=_STATES)  # fmt: skip
    elif scale := _scale(table, path, findings):
        modulus = _modulus(table, scale, path, findings)
        yield Field(path="", quantity=table.quantity, part=table.part, scale=scale, modulus=modulus)


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
    if table.devices and "device" not in names:
        findings.error((*path, "devices"), "devices_unused")
    if table.place and names:
        findings.error((*path, "place"), "place_unused")
    if table.where is not None and (not names or "device" in names):
        findings.error((*path, "where"), "where_unused")
    if "device" in names:
        if not table.devices:
            findings.error(at, "devices_needed")
        return [place for name, place in table.devices.items()
                if campus.has_place((*path, "devices", name), place, findings)]  # fmt: skip
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


# -- serial lines

_BEHIND_GATEWAY = Line(115_200, 8, "N", 1)  # nothing waits for more than the network, unless the file says so


def _line(
    raw: Section, path: Path, campus: Campus, tables: Mapping[str, DeviceTable], findings: Findings
) -> Draft | None:
    table = read(SerialTable, raw, path, findings, name="?", port="?")
    if table is None:
        return None
    server = server_of(table.port)
    is_modbus_tcp = server is not None and server.scheme == MODBUS_TCP
    if is_modbus_tcp and table.listen:
        findings.error((*path, "listen"), "nothing_to_hear")
    line = table.line or (_BEHIND_GATEWAY if is_modbus_tcp else Line())
    source = SerialSource(name=table.name, port=table.port, line=line, devices=(), listen=table.listen)
    draft = Draft(path, source)
    seen: dict[str, Path] = {}
    for index, part in enumerate(table.device):
        at: Path = (*path, "device", index)
        meter = read(MeterTable, part, at, findings)
        model, place = part.get("model"), part.get("place")
        is_known = isinstance(model, str) and findings.choose((*at, "model"), "model", model, tables)
        is_placed = isinstance(place, str) and campus.has_place((*at, "place"), place, findings)
        if meter is None:
            continue
        address = _address(meter.address, tables[meter.model], (*at, "address"), findings) if is_known else None
        if address is None:
            continue
        if is_modbus_tcp and tables[meter.model].protocol not in codecs_of(table.port):
            findings.error((*at, "model"), "not_modbus", found=meter.model, protocol=tables[meter.model].codec.title)
        if (server or table.listen) and meter.line not in (None, line):
            findings.warn((*at, "line"), "line_fixed", line=line_text(line))
        other = seen.setdefault(tables[meter.model].device_id(table.name, address), (*at, "address"))
        if other != (*at, "address"):
            findings.error((*at, "address"), "duplicate_address", found=meter.address, other=other)
        elif is_placed:
            device = Device(**{key: value for key, value in meter if key != "note"})
            parts = {device.part_of(field.part) for field in tables[meter.model].fields}
            if all(campus.has_part((*at, "part"), part, (meter.place,), findings) for part in sorted(parts)):
                draft.devices.append((at, device))
                _known_part((*at, "part"), meter.part, findings)
    return draft


def _address(text: str, table: DeviceTable, path: Path, findings: Findings) -> str | None:
    """The address, if it is one in the form that its protocol writes."""
    codec = table.codec
    with suppress(ValueError):
        if codec.address(text) == text:
            return text
    findings.error(path, "bad_address", found=text, protocol=codec.title, form=codec.address_form)
    return None


# -- circuits


def _known_part(path: Path, part: str, findings: Findings) -> None:
    """A warning when a circuit seems to be one that rules know, but by another name: they would take it for any."""
    if not part or part in _PARTS:
        return
    called = (name for name, pattern in _PARTS.items() if re.search(pattern, part.lower()))
    if near := next(called, None) or next(iter(get_close_matches(part.lower(), _PARTS, cutoff=0.7)), None):
        findings.warn(path, "part_unknown", found=part, allowed=tuple(_PARTS), instead=near)
