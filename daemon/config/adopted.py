"""The included file of what was adopted on the panel: a table at its end for each device, judged as the loader will.

It lies in the folder of the database, where the gateway may write whatever it is run by; the user's own file is never
touched, and what people changed in this one stays.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.payloads import CONVENTIONS
from daemon.config.errors import Findings, report
from daemon.config.including import gathered
from daemon.config.loading import examined
from daemon.config.toml_text import comment as comment_of
from daemon.config.toml_text import quoted
from rules.quantity import UNITS

NAME = "adopted.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A topic to be read from now on; `devices` maps `name` or `name#channel`, or the empty name, to place and part.

    `values` are path, quantity and unit ("": its own) of each value.
    """

    source: str
    filter: str
    payload: str
    devices: Mapping[str, tuple[str, str]]
    values: tuple[tuple[str, str, str], ...]
    every_s: float
    on_change: bool


@dataclass(frozen=True, slots=True)
class AdoptedFile:
    """The file of one configuration; `include` is how the user's own file names it."""

    config: Path
    path: Path
    include: str

    @classmethod
    def of(cls, config: Path, folder: Path) -> "AdoptedFile":
        """The one in a folder."""
        is_beside = folder.absolute() == config.absolute().parent
        path = config.parent / NAME if is_beside else folder / NAME
        return cls(config, path, NAME if is_beside else str(path))

    def add(self, adopted: Adopted, *, comment: str, language: str) -> list[str]:
        """Write a table for it; or why that cannot be, in sentences, and nothing is written."""
        try:
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            return [f"{self.path}: {error}"]
        text = "\n".join([*([text.rstrip("\n"), ""] if text else []), *lines_of(adopted, comment), ""])
        findings = Findings()
        document = gathered(self.config, findings, instead={self.path: text})
        examined(self.config, document, findings)
        if findings.errors:
            return report(document.spots(), findings.errors, language)
        try:
            fresh = self.path.with_suffix(".toml-new")
            with fresh.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            return [f"{self.path}: {error.strerror}"]
        return []

    def is_included(self) -> bool:
        """Whether the user's own file names it, as it is now."""
        document = gathered(self.config, Findings(), instead={self.path: ""})
        told = (document.tables or {}).get("include", [])
        names = told if isinstance(told, list) else [told]
        return str(self.path) in {str(self.config.parent / str(name)) for name in names}


def lines_of(adopted: Adopted, comment: str) -> Iterator[str]:
    """The lines of TOML that read it."""
    convention, is_mapped = CONVENTIONS[adopted.payload], "{device}" in adopted.filter
    place, part = next(iter(adopted.devices.values()))
    yield comment_of(comment)
    yield "[[source]]"
    yield f"name = {quoted(adopted.source)}"
    yield "  [[source.topic]]"
    yield f"  filter = {quoted(adopted.filter)}"
    yield f"  payload = {quoted(adopted.payload)}"
    if convention.quantities:
        names = dict.fromkeys(quantity for _, quantity, _ in adopted.values)
        yield f"  quantities = [{', '.join(map(quoted, names))}]"
    elif convention.has_fields:
        of = "" if is_mapped else part
        fields = (f"{quoted(path)} = {_meaning(quantity, unit, of)}" for path, quantity, unit in adopted.values)
        yield f"  fields = {{ {', '.join(fields)} }}"
    else:
        _, quantity, unit = adopted.values[0]
        yield f"  quantity = {quoted(quantity)}"
        if unit in UNITS.get(quantity, {}):
            yield f"  unit = {quoted(unit)}"
    if is_mapped:
        where = (f"{quoted(name)} = {quoted('/'.join(filter(None, at)))}" for name, at in adopted.devices.items())
        yield f"  devices = {{ {', '.join(where)} }}"
    else:
        yield f"  place = {quoted(place)}"
        if part and (convention.quantities or not convention.has_fields):
            yield f"  part = {quoted(part)}"
    yield f"  {'heartbeat_s' if adopted.on_change else 'every_s'} = {adopted.every_s:.15g}"


def _meaning(quantity: str, unit: str, part: str) -> str:
    """What a value of a document means."""
    keys = {"quantity": quantity, "unit": unit if unit in UNITS.get(quantity, {}) else "", "part": part}
    return f"{{ {', '.join(f'{key} = {quoted(text)}' for key, text in keys.items() if text)} }}"
