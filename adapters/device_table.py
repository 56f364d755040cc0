"""A meter is data: what it is asked for, what its answers mean, and frames that prove it.

A table is one TOML file in devices/, or in the folder `devices` beside the user's configuration:

    name = "dlt645-single-phase"            # what `model` names in the configuration
    title = "Single-phase meter, DL/T 645-2007"
    protocol = "dlt645-2007"                # a row of protocols.py
    source = "https://..."                  # the maker's document
    line = "2400 8E1"                       # as it leaves the factory; `caretaker read` uses it

    [[query]]                               # one request, in polling order
    identifier = "02030000"
    polled = true                           # false: only `caretaker read` asks for it
    fields = [{ quantity = "power_w", format = "XX.XXXX", signed = true, unit = "kW" }]

    [[vector]]                              # a reply and what it says: captured, documented, derived or simulated
    kind = "captured"
    frame = "68 61 01 00 00 00 00 68 91 07 33 33 36 35 45 58 33 6B 16"
    values = { power_w = 251.2 }

Every field has a `quantity` and a `unit` (a state has none). One of a single phase says `phase`: it is shown by
`caretaker read` and is no point. One of a part of the place says `part`, such as "return". What else a query and a
field say depends on the protocol:

- dlt645-2007: `identifier`; `format` is the standard's own notation, an X is a decimal digit; `signed`.
- modbus: `function` (1 coils, 2 inputs, 3 holding, 4 input registers), `start` (counted from 0), `count`. A field:
  `at` (registers or coils after the start), `type` (u16, i16, u32, i32, u64, i64, f32, f64, bit), `word_order` ("big";
  "little": low word first), `scale`, `offset` (after the scale), `bit` (one bit of a word), `is` (the numbers that mean
  1), `absent` (the numbers that mean no value; FFFF, 7FFFFFFF and NaN do unless said otherwise), `digits` of a counter.
  A reply does not say of which registers it speaks, so a vector has its `request` too.

A value `"? ..."` stands for what the user has to fill in. Current, power and energy (behind current transformers),
volume, flow, gas and heat (behind a pulse divider) are times the device's multiplier (倍率); voltage, power factor,
frequency and temperature never are.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from adapters.protocol import AnyCodec, AnyField, AnyQuery, Field, Garble
from adapters.protocols import CODECS
from rules.model import Reason
from rules.quantity import QUANTITIES, UNITS, Kind

VECTOR_KINDS = ("captured", "documented", "derived", "simulated")
TEMPLATE = ".template.toml"   # of a table that a user copies and fills in
_FOLDER = files("adapters").joinpath("devices")
_WHOLE_NUMBER = 8   # digits of an address that is the serial number of one device
_KINDS = {str: "text in quotes", bool: "true or false", list: "a list", dict: "a table"}
_PART = re.compile(r"[\w.-]*")
_OF_TRANSPORTS = ("online", "backlog", "attended")


class DeviceTableError(ValueError):
    """A device table that cannot be used: which file, and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Frames that answer one query, and the values by label that they must give; `request` where it takes one to tell.

    `kind`: captured from a real meter; documented by its maker; derived: captured, but read here; or simulated.
    """

    kind: str
    frames: tuple[bytes, ...]
    values: Mapping[str, float]
    request: bytes = b""


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """A model of meter: how it is asked and what its answers mean."""

    name: str
    title: str
    protocol: str
    source: str
    queries: tuple[AnyQuery, ...]
    vectors: tuple[Vector, ...]
    line: str = ""

    @property
    def codec(self) -> AnyCodec:
        return CODECS[self.protocol]

    @property
    def polled(self) -> tuple[AnyQuery, ...]:
        """What every poll asks for."""
        return tuple(query for query in self.queries if query.polled)

    @property
    def fields(self) -> tuple[AnyField, ...]:
        """What a poll brings: the fields that become points."""
        return tuple(field for query in self.polled for field in query.fields if not field.phase)

    def device_id(self, source: str, address: str) -> str:
        """What a device of this model is called: `bus/000000000101`; `bus/modbus-1` where others may have a 1 too."""
        return f"{source}/{address}" if len(address) >= _WHOLE_NUMBER else f"{source}/{self.protocol}-{address}"

    def read(self, vector: Vector) -> tuple[AnyQuery, dict[str, float] | Reason]:
        """The query that the frames of a vector answer, and the values they give; ValueError where there is none."""
        codec, answers = self.codec, []
        for raw in vector.frames:
            decoder = codec.decoder(vector.request)
            found = decoder.feed(raw) + decoder.flush()
            if len(found) != 1 or isinstance(found[0], Garble):
                raise ValueError(f"no frame but {', '.join(getattr(item, 'reason', 'a frame') for item in found)}")
            answers.append(found[0])
        for query in self.queries:
            address = answers[-1].address
            fits = all(codec.mismatch(frame, address, query, answers[:at]) is None for at, frame in enumerate(answers))
            if fits and vector.request in (b"", codec.request(address, query)):
                return query, codec.decode(query, answers)
        raise ValueError("its frame answers no query of this table")


def load_tables(extra_dir: Path | None = None) -> dict[str, DeviceTable]:
    """All tables by name: the package's own, then those of `extra_dir`, which may replace them and prove themselves."""
    tables = _load(_FOLDER.iterdir())
    if extra_dir is None or not extra_dir.is_dir():
        return tables
    return tables | _load(extra_dir.iterdir(), prove=True)


def templates() -> dict[str, str]:
    """The tables that a user copies and fills in, as text by name."""
    found = {entry.name.removesuffix(TEMPLATE): entry for entry in _FOLDER.iterdir() if entry.name.endswith(TEMPLATE)}
    return {name: found[name].read_text(encoding="utf-8") for name in sorted(found)}


def _load(entries: Iterable[Traversable], *, prove: bool = False) -> dict[str, DeviceTable]:
    tables: dict[str, DeviceTable] = {}
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not entry.name.endswith(".toml") or entry.name.endswith(TEMPLATE):
            continue
        try:
            table = table_from(tomllib.loads(entry.read_text(encoding="utf-8-sig")))
            if prove:
                _proven(table)
        except (ValueError, TypeError, OSError) as error:
            raise DeviceTableError(f"{entry.name}: {error}") from error
        if table.name in tables:
            raise DeviceTableError(f"{entry.name}: another table is named {table.name!r} too")
        tables[table.name] = table
    return tables


def table_from(content: Mapping[str, Any]) -> DeviceTable:
    """A table from its parsed file; ValueError says which key is wrong."""
    keys = dict(content)
    _no_blanks(content)
    protocol = _take(keys, "protocol", str)
    _expect(protocol in CODECS, f"protocol {protocol!r} is not one of {', '.join(CODECS)}")
    queries, vectors = _take(keys, "query", list), _take(keys, "vector", list, default=[])
    table = DeviceTable(
        protocol=protocol,
        queries=tuple(_query(CODECS[protocol], query, f"query {at}") for at, query in enumerate(queries, 1)),
        vectors=tuple(_vector(vector, f"vector {at}") for at, vector in enumerate(vectors, 1)),
        **{key: _take(keys, key, str) for key in ("name", "title", "source")},
        line=_take(keys, "line", str, default=""),
    )
    _nothing_left(keys, "")
    names = [query.name for query in table.queries]
    labels = [field.label for field in table.fields]
    _expect(len(set(names)) == len(names), "the same is asked for twice")
    _expect(bool(table.polled), "nothing is polled")
    _expect(len(set(labels)) == len(labels), "a quantity is polled twice")
    return table


def _query(codec: AnyCodec, content: Mapping[str, Any], where: str) -> AnyQuery:
    with _blaming(where):
        keys = dict(content)
    polled, items = _take(keys, "polled", bool, where, default=True), _take(keys, "fields", list, where)
    _expect(bool(items), f"{where} has no fields")
    fields = tuple(_field(codec, item, f"{where}, field {at}") for at, item in enumerate(items, 1))
    _expect(not polled or not any(field.phase for field in fields), f"{where}: a phase is no point")
    with _blaming(where):
        query: AnyQuery = codec.query(keys, fields, polled=polled)
    _nothing_left(keys, where)
    return query


def _field(codec: AnyCodec, content: Mapping[str, Any], where: str) -> AnyField:
    with _blaming(where):
        keys = dict(content)
    quantity = _take(keys, "quantity", str, where)
    _expect(quantity in QUANTITIES and quantity not in _OF_TRANSPORTS, f"{where}: unknown quantity {quantity!r}")
    where = f"{where} ({quantity})"
    with _blaming(where):
        form = codec.format(keys)
    is_state = QUANTITIES[quantity].kind is Kind.STATE
    unit, units = "" if is_state else _take(keys, "unit", str, where), UNITS.get(quantity, {"": 1.0})
    _expect(unit in units, f"{where} has no unit {unit!r}, but {', '.join(units)}")
    phase, part = (_take(keys, key, str, where, default="") for key in ("phase", "part"))
    _expect(_PART.fullmatch(part) and part not in QUANTITIES, f"{where}: part {part!r} is no word")
    _nothing_left(keys, where)
    return Field(quantity, unit, form, phase, part)


def _vector(content: Mapping[str, Any], where: str) -> Vector:
    with _blaming(where):
        keys = dict(content)
    kind, values = _take(keys, "kind", str, where), _take(keys, "values", dict, where)
    _expect(kind in VECTOR_KINDS, f"{where}: vector kind {kind!r} is not one of {', '.join(VECTOR_KINDS)}")
    with _blaming(where):
        told = keys.pop("frame")
        frames = tuple(bytes.fromhex(text) for text in ([told] if isinstance(told, str) else told))
        request = bytes.fromhex(keys.pop("request", ""))
    _expect(bool(frames), f"{where} has no frame")
    _nothing_left(keys, where)
    return Vector(kind, frames, values, request)


@contextmanager
def _blaming(where: str) -> Iterator[None]:
    """Say where in the file it is wrong: what a codec stumbles over here is no mistake of the codec."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{where} lacks the key {error}") from None
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{where}: {error}") from error


def _proven(table: DeviceTable) -> None:
    """Refuse a table whose frames do not say what it claims."""
    for at, vector in enumerate(table.vectors, 1):
        try:
            _, values = table.read(vector)
        except ValueError as error:
            raise ValueError(f"vector {at}: {error}") from error
        _expect(values == vector.values, f"vector {at} gives {values}, not {dict(vector.values)}")


def _no_blanks(content: Mapping[str, Any]) -> None:
    """Refuse what a template leaves to its user; how much there is, and the first of it."""
    blanks = list(_blanks(content, ""))
    if blanks:
        more = f" (and {len(blanks) - 1} more)" if len(blanks) > 1 else ""
        raise ValueError(f"{blanks[0]}{more}")


def _blanks(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("?"):
        yield f"{where}: fill in {value.strip('? ')}"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _blanks(item, f"{where}, {key}" if where else key)
    elif isinstance(value, list):
        for at, item in enumerate(value, 1):
            yield from _blanks(item, f"{where} {at}")


def _take(keys: dict[str, Any], key: str, kind: type, where: str = "", *, default: Any = None) -> Any:
    """The value of a key, which must be of this kind; ValueError if it is missing and has no default."""
    if key not in keys and default is not None:
        return default
    _expect(key in keys, f"{where} lacks the key {key!r}".strip())
    value = keys.pop(key)
    _expect(type(value) is kind, f"{where}{', ' if where else ''}{key}: {value!r} is not {_KINDS[kind]}")
    return value


def _nothing_left(keys: Mapping[str, Any], where: str) -> None:
    _expect(not keys, f"{where} has unknown keys: {', '.join(keys)}".strip())


def _expect(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)
