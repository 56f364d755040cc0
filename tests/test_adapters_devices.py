"""Every device table proves itself with its own frames; one test walks them all."""

import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.device_table import DeviceTable, DeviceTableError, Vector, load_tables, table_from, templates
from adapters.dlt645 import Frame, encode, new_decoder
from adapters.dlt645_codec import size
from adapters.dlt645_identifiers import read_format, standard_query
from adapters.protocol import Decoder, Garble
from adapters.serial_port import line_from
from daemon.simulation.dlt645 import reply_frame
from rules.model import Reason
from rules.quantity import QUANTITIES, Kind

TABLES = load_tables()
VECTORS = [(table, vector) for table in TABLES.values() for vector in table.vectors]
each_vector = pytest.mark.parametrize(
    ("table", "vector"), VECTORS, ids=[f"{table.name}-{vector.frames[0].hex()}" for table, vector in VECTORS]
)
each_dlt645 = pytest.mark.parametrize(
    ("table", "vector"), [pair for pair in VECTORS if pair[0].protocol == "dlt645-2007"],
    ids=[vector.frames[0].hex() for table, vector in VECTORS if table.protocol == "dlt645-2007"],
)  # fmt: skip
each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def decoder_of(table: DeviceTable, vector: Vector) -> Decoder[Any]:
    return table.codec.decoder(vector.request)


def test_the_tables_that_the_package_brings() -> None:
    assert {"dlt645-single-phase", "dlt645-three-phase"} <= set(TABLES)
    labels = [field.label for field in TABLES["dlt645-single-phase"].fields]
    assert labels == ["energy_kwh", "power_w", "reactive_power_var", "voltage_v", "current_a"]
    labels = [field.label for field in TABLES["dlt645-three-phase"].fields]
    assert labels == ["energy_kwh", "power_w", "reactive_power_var"]


@each_vector
def test_a_vector_gives_its_values(table: DeviceTable, vector: Vector) -> None:
    query, values = table.read(vector)
    assert values == vector.values
    for label, value in vector.values.items():
        (quantity,) = [QUANTITIES[field.quantity] for field in query.fields if field.label == label]
        assert quantity.least <= value <= quantity.most


@each_dlt645
def test_a_simulated_meter_sends_the_same_frame(table: DeviceTable, vector: Vector) -> None:
    query, _ = table.read(vector)
    absent: dict[str, float | None] = {field.label: vector.values.get(field.label) for field in query.fields}
    (frame,) = new_decoder().feed(vector.frames[0])
    assert isinstance(frame, Frame)
    assert reply_frame(frame.address, query, absent) == vector.frames[0]


@each_vector
def test_a_vector_cut_anywhere_needs_more(table: DeviceTable, vector: Vector) -> None:
    for raw in vector.frames:
        for cut in range(len(raw)):
            decoder = decoder_of(table, vector)
            assert decoder.feed(raw[:cut]) == []
            (whole,) = decoder.feed(raw[cut:])
            assert whole.raw == raw


@each_vector
def test_a_vector_with_one_flipped_bit_is_a_fault(table: DeviceTable, vector: Vector) -> None:
    for raw in vector.frames:
        for bit in range(len(raw) * 8):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            decoder = decoder_of(table, vector)
            found = decoder.feed(bytes(flipped)) + decoder.flush()
            assert found
            assert all(isinstance(item, Garble) for item in found), f"bit {bit}"


@each_dlt645
def test_a_bad_digit_or_a_wrong_length_is_a_fault(table: DeviceTable, vector: Vector) -> None:
    query, _ = table.read(vector)
    (frame,) = new_decoder().feed(vector.frames[0])
    assert isinstance(frame, Frame)
    for at in range(size(query)):
        bad = bytearray(frame.payload)
        bad[at] = 0x0A
        (again,) = new_decoder().feed(encode(frame.address, frame.control, frame.data[:4] + bytes(bad)))
        assert table.codec.decode(query, [again]) is Reason.BAD_DIGIT
    for wrong in (b"", frame.payload[:-1], frame.payload + b"\x00"):
        assert table.codec.decode(query, [frame._replace(data=frame.data[:4] + wrong)]) is Reason.WRONG_DATA


@each_table
def test_a_table_is_complete(table: DeviceTable) -> None:
    assert table.source.startswith("https://")
    assert line_from(table.line)
    proven = {table.read(vector)[0].name for vector in table.vectors}
    assert proven == {query.name for query in table.queries}, "each query has a frame that proves it"


@pytest.mark.parametrize("name", ["dlt645-single-phase", "dlt645-three-phase"])
def test_a_table_agrees_with_the_standard(name: str) -> None:
    for query in TABLES[name].queries:
        standard = standard_query(query.name, size(query))
        assert standard is not None
        told = [(field.quantity, field.format, field.unit) for field in query.fields]
        assert told == [(field.quantity, field.format, field.unit) for field in standard.fields]


NEVER_SCALED = {"voltage_v", "power_factor", "frequency_hz", "temperature_c", "pressure_kpa"}


@each_vector
def test_the_multiplier_counts_for_amounts_and_flows_alone(table: DeviceTable, vector: Vector) -> None:
    codec = table.codec
    query, _ = table.read(vector)
    answers = [frame for raw in vector.frames for frame in decoder_of(table, vector).feed(raw)]
    scaled = codec.decode(query, answers, multiplier=40.0)
    quantities = {field.label: field.quantity for field in query.fields}
    for label, value in vector.values.items():
        is_state = QUANTITIES[quantities[label]].kind is Kind.STATE
        factor = 1.0 if is_state or quantities[label] in NEVER_SCALED else 40.0
        assert scaled[label] == pytest.approx(value * factor, rel=1e-12)


def test_formats() -> None:
    assert read_format("XX.XXXX") == (3, 4)
    assert read_format("XXXX") == (2, 0)
    for wrong in ("", "XXX", "X.X.", "XX.", "NN.NN", "XX,XX"):
        with pytest.raises(ValueError, match="format"):
            read_format(wrong)


GOOD = """
name = "mine"
title = "A meter of our own"
protocol = "dlt645-2007"
source = "https://example.org/meter.pdf"
[[query]]
identifier = "02030000"
fields = [{ quantity = "power_w", format = "XX.XXXX", signed = true, unit = "kW" }]
[[vector]]
kind = "captured"
frame = "68 61 01 00 00 00 00 68 91 07 33 33 36 35 45 58 33 6B 16"
values = { power_w = 251.2 }
"""


def test_a_folder_adds_and_replaces_tables(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "other.toml").write_text(GOOD.replace('"mine"', '"dlt645-three-phase"'), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a table", encoding="utf-8")
    tables = load_tables(tmp_path)
    assert set(tables) == set(TABLES) | {"mine"}
    assert [field.label for field in tables["mine"].fields] == ["power_w"]
    assert tables["dlt645-three-phase"].fields == tables["mine"].fields


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "A meter of our own"', "", "title"),
        ("02030000", "2030000", "8 digits"),
        ('"power_w", f', '"powr_w", f', "unknown quantity 'powr_w'"),
        ('"kW"', '"KW"', "no unit 'KW'"),
        ("XX.XXXX", "XX.XXX", "format"),
        ('kind = "captured"', 'kind = "seen"', "vector kind"),
        ('protocol = "dlt645-2007"', 'protocol = "dlt645"', "protocol 'dlt645' is not one of dlt645-2007, "),
        ('values = { power_w = 251.2 }', 'values = { power_w = 2512.0 }', "vector 1 gives {'power_w': 251.2}"),
        ('45 58 33 6B 16"', '45 58 33 6C 16"', "vector 1: no frame but checksum"),
        ('"02030000"', '"02030100"', "vector 1: its frame answers no query"),
        ('unit = "kW" }]', 'unit = "kW", part = "? of the place" }]', "query 1, fields 1, part: fill in of the place"),
        ('identifier = "02030000"', '', "query 1 lacks the key 'identifier'"),
        ('quantity = "power_w", ', '', "query 1, field 1 lacks the key 'quantity'"),
        ('protocol = "dlt645-2007"', "", "lacks the key 'protocol'"),
        ('frame = "68', 'frame = "zz', "hexadecimal"),
        ("signed = true", "sigend = true", "sigend"),
        ('source = "', 'colour = "red"\nsource = "', "colour"),
        ('unit = "kW" }]', 'unit = "kW", phase = "A" }]', "phase"),
        ('fields = [{', 'polled = false\nfields = [{', "nothing is polled"),
        ('name = "mine"', "name = mine", "broken.toml"),
    ],
)  # fmt: skip
def test_a_wrong_table_says_file_and_mistake(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    (tmp_path / "broken.toml").write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(DeviceTableError) as caught:
        load_tables(tmp_path)
    assert str(caught.value).startswith("broken.toml: ")
    assert told in str(caught.value)


def test_a_template_says_all_that_is_to_be_filled_in(tmp_path: Path) -> None:
    assert "boiler-controller" in templates()
    for name, text in templates().items():
        assert name not in TABLES
        (tmp_path / "ours.toml").write_text(text, encoding="utf-8")
        blanks = len(re.findall(r'(= |\[)"\?', text))
        with pytest.raises(DeviceTableError, match=rf"ours\.toml: name: fill in .* \(and {blanks - 1} more\)"):
            load_tables(tmp_path)
        (tmp_path / "ours.toml").write_text(filled(text), encoding="utf-8")
        assert "name of our own" in load_tables(tmp_path)


def filled(text: str) -> str:
    """A template with something for each blank, whatever it asks for."""
    numbers = itertools.count(20)
    for pattern, value in (("\\? a name", '"name of our own"'), ("\\? (what|where)", '"told"'), ("\\? 0 to 15", "5")):
        text = re.sub(f'"{pattern}[^"]*"', value, text)
    text = re.sub(r'function = "[^"]*"', "function = 3", text)
    text = re.sub(r'start = "[^"]*"', lambda _: f"start = {next(numbers) * 10}", text)
    for key, value in (("type", '"i16"'), ("scale", "0.1"), ("unit", '"MPa"')):
        text = re.sub(f'{key} = "\\? [^"]*"', f"{key} = {value}", text)
    offsets = itertools.cycle(range(4))
    text = re.sub(r'at = "[^"]*"', lambda _: f"at = {next(offsets)}", text)
    return re.sub(r'"\? all [^"]*"', "3, 4", text)


def test_two_files_with_one_name(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(DeviceTableError, match=r"b\.toml.*'mine'"):
        load_tables(tmp_path)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value of a parsed file."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths_of(item, (*path, key))


@pytest.mark.parametrize("protocol", sorted({table.protocol for table in TABLES.values()}))
def test_any_value_anywhere_in_a_table_is_taken_or_refused(protocol: str, tmp_path: Path) -> None:
    name = next(name for name, table in TABLES.items() if table.protocol == protocol)
    text = Path(__file__).parents[1].joinpath("adapters", "devices", f"{name}.toml").read_text(encoding="utf-8")
    refused = 0
    for path in paths_of(tomllib.loads(text)):
        for value in (-1, 70000, 1.5, True, "", "x", [], [1], ["x"], [[]], {}, {"x": 1}, [{}]):
            content = tomllib.loads(text)
            inner = content
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            try:
                table = table_from(content)
                for vector in table.vectors:
                    table.read(vector)
            except ValueError:
                refused += 1
    assert refused > 20
