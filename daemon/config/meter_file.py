"""The included file of meters as text: a list goes in, and what people wrote there by hand stays.

Strategy. tomlkit keeps a TOML text with its comments, order and spelling. A meter is known by its source, protocol and
address; of one that is there only the values are set that the list tells differently, so that the same list twice
changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.items import AoT, Comment, Table, Whitespace

from adapters.device_table import DeviceTable
from daemon.config.lines import Path
from daemon.config.meter_list import Meter

_ORDER = ("model", "address", "place", "part", "every_s", "multiplier", "line", "note")


@dataclass(slots=True)
class Edited:
    """The text with a list in it; `rows` is where in the file the meter of each row stands.

    `gone` are the meters in the file that the list does not have, as `source/address (place)`; `gone_at` is where.
    """

    text: str = ""
    rows: dict[Path, int] = field(default_factory=dict)
    added: int = 0
    changed: int = 0
    same: int = 0
    gone: list[str] = field(default_factory=list)
    gone_at: set[Path] = field(default_factory=set)


def edited(text: str, meters: Sequence[Meter], tables: Mapping[str, DeviceTable], *, prune: bool = False) -> Edited:
    """The text of an included file with the meters of a list in it; with `prune`, without all others."""
    document = tomlkit.parse(text)
    done = Edited()
    if prune:
        _prune(document, {meter.identity for meter in meters}, tables)
    there = {identity: (path, device) for path, identity, device in _devices(document, tables)}
    for meter in meters:
        path, device = there.get(meter.identity, (None, None))
        if path is None or device is None:
            done.rows[_add(document, meter)] = meter.row
            done.added += 1
        elif _update(device, meter):
            done.rows[path] = meter.row
            done.changed += 1
        else:
            done.rows[path] = meter.row
            done.same += 1
    for path, (source, _, address), device in _devices(document, tables):
        if path not in done.rows:
            done.gone.append(f"{source}/{address} ({device.get('place', '')})")
            done.gone_at.add(path)
    done.text = document.as_string()
    return done


def _devices(
    document: Mapping[str, Any], tables: Mapping[str, DeviceTable]
) -> Iterator[tuple[Path, tuple[str, str, str], Any]]:
    """Every device of the file: where it stands, what it is known by, and itself."""
    for at, source in enumerate(document.get("source", [])):
        for number, device in enumerate(source.get("device", [])):
            table, address = tables.get(str(device.get("model"))), str(device.get("address"))
            protocol = table.protocol if table else ""
            yield ("source", at, "device", number), (str(source.get("name")), protocol, address), device


def _update(device: Any, meter: Meter) -> bool:
    """Set what the list tells differently; whether there was anything."""
    told = [(key, value) for key, value in meter.keys.items() if device.get(key) != value]
    for key, value in told:
        if key in device or not isinstance(device, Table):
            device[key] = value
        else:
            _insert(device, key, value)
    return bool(told)


def _insert(device: Table, key: str, value: object) -> None:
    """A new key after the last of those that the table has, above the empty lines and comments that follow."""
    last = [name for name in device if not isinstance(device[name], AoT | Table)][-1]
    device.value._insert_after(last, key, value)


def _add(document: tomlkit.TOMLDocument, meter: Meter) -> Path:
    """A device at the end of its source, which is begun where the file does not have it; where it stands then."""
    sources = document.setdefault("source", tomlkit.aot())
    names = [str(source.get("name")) for source in sources]
    if meter.source not in names:
        begun = tomlkit.table()
        begun["name"] = meter.source
        _append(sources, begun)
        names.append(meter.source)
    at = names.index(meter.source)
    devices = sources[at].setdefault("device", tomlkit.aot())
    told = {key: meter.keys[key] for key in _ORDER if key in meter.keys}
    if isinstance(devices, AoT):
        table = tomlkit.table()
        table.update(told)
        _append(devices, table)
        if at + 1 < len(sources) and "\n" not in sources[at + 1].trivia.indent:
            table.add(tomlkit.nl())
    else:
        inline = tomlkit.inline_table()
        inline.update(told)
        devices.append(inline)
    return "source", at, "device", len(devices) - 1


def _append(tables: AoT, table: Table) -> None:
    """Put a table at the end, below an empty line."""
    before = tables[-1].as_string() if len(tables) else "\n\n"
    tables.append(table)
    if not before.endswith("\n\n") and "\n" not in table.trivia.indent:
        table.trivia.indent = "\n" + table.trivia.indent


def _prune(
    document: tomlkit.TOMLDocument, kept: set[tuple[str, str, str]], tables: Mapping[str, DeviceTable]
) -> None:
    """Take out all other devices, and what is empty then; comments that follow a device stay with the next one."""
    gone: list[Any] = [path for path, identity, _ in _devices(document, tables) if identity not in kept]
    sources: Any = document.get("source", [])
    for _, at, _, number in reversed(gone):
        devices = sources[at]["device"]
        if isinstance(devices, AoT) and len(devices) > 1:
            _leave_comments(devices, number)
        del devices[number]
    for at in reversed(range(len(sources))):
        if "device" in sources[at] and not sources[at]["device"]:
            del sources[at]["device"]
            if {*sources[at]} == {"name"}:
                del sources[at]
    if "source" in document and not sources:
        del document["source"]


def _leave_comments(devices: AoT, number: int) -> None:
    """Give the comments at the end of a device to its neighbour."""
    trailing = []
    for key, item in reversed(devices[number].value.body):
        if key is not None or not isinstance(item, Comment | Whitespace):
            break
        trailing.append(item.as_string())
    text = "".join(reversed(trailing))
    if "#" in text and number + 1 < len(devices):
        after = devices[number + 1].trivia
        after.indent = text + after.indent
    elif "#" in text:
        for line in text.split("\n"):
            if line.strip():
                devices[number - 1].add(tomlkit.comment(line.strip().removeprefix("#").removeprefix(" ")))
