"""A meter is data: which identifiers it answers, in which format, and frames that prove it.

A table is one TOML file in devices/ (or in a folder of the user's own):

    name = "dlt645-single-phase"            # what `model` names in the configuration
    title = "Single-phase meter, DL/T 645-2007"
    protocol = "dlt645-2007"
    source = "https://..."                  # the maker's document

    [[query]]                               # one request, in polling order
    identifier = "02030000"
    polled = true                           # false: only `caretaker read` asks for it
    fields = [{ quantity = "power_w", format = "XX.XXXX", signed = true, unit = "kW" }]

    [[vector]]                              # a reply and what it says; kind: captured, derived or simulated
    kind = "captured"
    frame = "68 61 01 00 00 00 00 68 91 07 33 33 36 35 45 58 33 6B 16"
    values = { power_w = 251.2 }

The format is the standard's own notation: an X is a decimal digit. A field of one phase says `phase`; it is shown by
`caretaker read` and is no point. Current, power and energy behind current transformers are times the device's
multiplier (CT ratio 倍率); voltage, power factor and frequency never are.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from adapters.dlt645 import BadDigitError, number
from rules.model import Reason
from rules.quantity import QUANTITIES, UNITS, Kind

PROTOCOLS = ("dlt645-2007",)
VECTOR_KINDS = ("captured", "derived", "simulated")
CT_SCALED = frozenset({
    "current_a", "power_w", "reactive_power_var", "apparent_power_va", "energy_kwh", "reactive_energy_kvarh",
})  # fmt: skip

_FORMAT = re.compile(r"X+(\.X+)?")


class DeviceTableError(ValueError):
    """A device table that cannot be used: which file, and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value in an answer: `size` bytes of BCD with `decimals`, in the meter's `unit`."""

    quantity: str
    size: int
    decimals: int
    signed: bool
    unit: str
    phase: str = ""

    @property
    def label(self) -> str:
        """`power_w`, or `power_w/A` for one phase."""
        return f"{self.quantity}/{self.phase}" if self.phase else self.quantity

    @property
    def modulus(self) -> float:
        """Where a register with so many digits starts again from 0, in the quantity's own unit."""
        return float(10 ** (2 * self.size - self.decimals)) * self.factor

    @property
    def factor(self) -> float:
        """From the meter's unit to the quantity's own."""
        return UNITS[self.quantity][self.unit]


@dataclass(frozen=True, slots=True)
class Query:
    """One request and the fields of its answer, in order."""

    identifier: str
    fields: tuple[Field, ...]
    polled: bool = True

    @property
    def size(self) -> int:
        """Bytes of the answer after its identifier."""
        return sum(field.size for field in self.fields)

    def decode(self, payload: bytes, *, multiplier: float = 1.0) -> dict[str, float] | Reason:
        """The values by label, without those the meter does not have; the reason if it cannot be read."""
        if len(payload) != self.size:
            return Reason.WRONG_DATA
        values: dict[str, float] = {}
        at = 0
        for field in self.fields:
            raw = payload[at : at + field.size]
            at += field.size
            factor = field.factor * (multiplier if field.quantity in CT_SCALED else 1.0)
            try:
                value = number(raw, decimals=field.decimals, signed=field.signed, factor=factor)
            except BadDigitError:
                return Reason.BAD_DIGIT
            if value is not None:
                values[field.label] = value
        return values


@dataclass(frozen=True, slots=True)
class Vector:
    """A frame and the values by label that it must give; `kind` says whether a real meter sent it."""

    kind: str
    frame: bytes
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """A model of meter: how it is asked and what its answers mean."""

    name: str
    title: str
    protocol: str
    source: str
    queries: tuple[Query, ...]
    vectors: tuple[Vector, ...]

    @property
    def polled(self) -> tuple[Query, ...]:
        """What every poll asks for."""
        return tuple(query for query in self.queries if query.polled)

    @property
    def quantities(self) -> tuple[str, ...]:
        """What a poll brings: the quantities that become points."""
        return tuple(field.quantity for query in self.polled for field in query.fields)

    def moduli(self, *, multiplier: float = 1.0) -> dict[str, float]:
        """Where the counters of a poll start again from 0, by quantity, with the device's multiplier."""
        counters = (field for query in self.polled for field in query.fields)
        return {
            field.quantity: field.modulus * (multiplier if field.quantity in CT_SCALED else 1.0)
            for field in counters if QUANTITIES[field.quantity].kind is Kind.COUNTER
        }  # fmt: skip


def load_tables(extra_dir: Path | None = None) -> dict[str, DeviceTable]:
    """All tables by name: the package's own, then those of `extra_dir`, which may replace them."""
    tables = _load(files("adapters").joinpath("devices").iterdir())
    return tables | _load(extra_dir.iterdir()) if extra_dir is not None else tables


def _load(entries: Iterable[Traversable]) -> dict[str, DeviceTable]:
    tables: dict[str, DeviceTable] = {}
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        try:
            table = table_from(tomllib.loads(entry.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            missing = "lacks the key " if isinstance(error, KeyError) else ""
            raise DeviceTableError(f"{entry.name}: {missing}{error}") from error
        if table.name in tables:
            raise DeviceTableError(f"{entry.name}: another table is named {table.name!r} too")
        tables[table.name] = table
    return tables


def table_from(content: Mapping[str, Any]) -> DeviceTable:
    """A table from its parsed file; ValueError, KeyError or TypeError say what is wrong."""
    _expect(content["protocol"] in PROTOCOLS, f"protocol {content['protocol']!r} is not one of {PROTOCOLS}")
    queries = tuple(_query(**query) for query in content["query"])
    identifiers = [query.identifier for query in queries]
    _expect(len(set(identifiers)) == len(identifiers), "an identifier is asked for twice")
    table = DeviceTable(
        queries=queries,
        vectors=tuple(_vector(**vector) for vector in content["vector"]),
        **{key: value for key, value in content.items() if key not in ("query", "vector")},
    )
    _expect(bool(table.polled), "nothing is polled")
    _expect(len(set(table.quantities)) == len(table.quantities), "a quantity is polled twice")
    return table


def _query(*, identifier: str, fields: list[dict[str, Any]], polled: bool = True) -> Query:
    _expect(re.fullmatch(r"[0-9A-F]{8}", identifier) is not None, f"{identifier!r} is not 8 digits 0-9 A-F")
    query = Query(identifier, tuple(_field(**field) for field in fields), polled)
    _expect(bool(query.fields), f"{identifier} has no fields")
    _expect(not polled or not any(field.phase for field in query.fields), f"{identifier}: a phase is no point")
    return query


def _field(*, quantity: str, format: str, unit: str, signed: bool = False, phase: str = "") -> Field:
    _expect(quantity in UNITS, f"unknown quantity {quantity!r}")
    _expect(unit in UNITS[quantity], f"{quantity} has no unit {unit!r}, but {', '.join(UNITS[quantity])}")
    size, decimals = read_format(format)
    return Field(quantity, size, decimals, signed, unit, phase)


def _vector(*, kind: str, frame: str, values: dict[str, float]) -> Vector:
    _expect(kind in VECTOR_KINDS, f"vector kind {kind!r} is not one of {VECTOR_KINDS}")
    return Vector(kind, bytes.fromhex(frame), values)


def read_format(text: str) -> tuple[int, int]:
    """Bytes and decimals of a format such as `XX.XXXX`."""
    digits = text.count("X")
    _expect(_FORMAT.fullmatch(text) is not None and digits % 2 == 0, f"format {text!r}: an even number of X, one dot")
    return digits // 2, len(text.partition(".")[2])


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
