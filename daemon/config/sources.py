"""Everything under `[[source]]`: brokers with their topics, serial lines with their meters."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeGuard

from adapters.device_table import DeviceTable
from adapters.link import MODBUS_TCP, codecs_of, server_of
from adapters.serial_port import line_text
from adapters.source import (
    Device,
    Line,
    MqttSource,
    SerialSource,
)  # fmt: skip
from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.files import Secrets
from daemon.config.including import goes_on, names_of_sources
from daemon.config.lines import Path
from daemon.config.points import Draft, Sources, joined
from daemon.config.reading import read
from daemon.config.tables import (
    SOURCE_KINDS,
    FileTable,
    MeterTable,
    MqttTable,
    Section,
    SerialTable,
)
from daemon.config.topics import known_part, topic_of


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
        topic = topic_of(part, at, campus, findings)
        if topic is not None:
            draft.topics.append(topic)
    return draft


_SOMEWHERE = "mqtt://localhost"  # stands in for an address that could not be read


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
        is_known = _is_said(model, (*at, "model"), findings) and findings.choose((*at, "model"), "model", model, tables)
        is_placed = _is_said(place, (*at, "place"), findings) and campus.has_place((*at, "place"), place, findings)
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
                known_part((*at, "part"), meter.part, findings)
    return draft


def _is_said(value: object, path: Path, findings: Findings) -> TypeGuard[str]:
    """Whether a value is text that a person has filled in: `"? ..."` is what `caretaker scan` leaves to do."""
    if not isinstance(value, str):
        return False
    if value.startswith("?"):
        findings.error(path, "to_do", todo=value.strip("? "))
        return False
    return True


def _address(text: str, table: DeviceTable, path: Path, findings: Findings) -> str | None:
    """The address, if it is one in the form that its protocol writes."""
    codec = table.codec
    with suppress(ValueError):
        if codec.address(text) == text:
            return text
    findings.error(path, "bad_address", found=text, protocol=codec.title, form=codec.address_form)
    return None
