"""Every device table proves itself with its own frames; one test walks them all."""

from pathlib import Path
from typing import Any

import pytest

from adapters.device_table import DeviceTable, DeviceTableError, Vector, load_tables
from adapters.dlt645 import Frame, encode, new_decoder
from adapters.dlt645_codec import size
from adapters.dlt645_identifiers import read_format, standard_query
from adapters.protocol import CT_SCALED, Decoder, Garble
from adapters.serial_line import line_from
from daemon.demo.meters import reply_frame
from rules.model import Reason
from rules.quantity import QUANTITIES

TABLES = load_tables()
VECTORS = [(table, vector) for table in TABLES.values() for vector in table.vectors]
each_vector = pytest.mark.parametrize(
    ("table", "vector"), VECTORS, ids=[f"{table.name}-{vector.frames[0].hex()}" for table, vector in VECTORS]
)
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
    if table.protocol == "dlt645-2007":
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


@each_vector
def test_a_bad_digit_or_a_wrong_length_is_a_fault(table: DeviceTable, vector: Vector) -> None:
    if table.protocol != "dlt645-2007":
        pytest.skip("another protocol")
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


@each_table
def test_a_table_agrees_with_the_standard(table: DeviceTable) -> None:
    if table.protocol != "dlt645-2007":
        pytest.skip("another protocol")
    for query in table.queries:
        standard = standard_query(query.name, size(query))
        assert standard is not None
        told = [(field.quantity, field.format, field.unit) for field in query.fields]
        assert told == [(field.quantity, field.format, field.unit) for field in standard.fields]


@each_vector
def test_the_multiplier_counts_behind_current_transformers_alone(table: DeviceTable, vector: Vector) -> None:
    codec = table.codec
    query, _ = table.read(vector)
    answers = [frame for raw in vector.frames for frame in decoder_of(table, vector).feed(raw)]
    scaled = codec.decode(query, answers, multiplier=40.0)
    quantities = {field.label: field.quantity for field in query.fields}
    for label, value in vector.values.items():
        factor = 40.0 if quantities[label] in CT_SCALED else 1.0
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
        ('protocol = "dlt645-2007"', 'protocol = "dlt645"', "protocol"),
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


def test_two_files_with_one_name(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(DeviceTableError, match=r"b\.toml.*'mine'"):
        load_tables(tmp_path)
