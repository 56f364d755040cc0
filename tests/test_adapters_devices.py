"""Every device table proves itself with its own frames; one test walks them all."""

from pathlib import Path

import pytest

from adapters.device_table import (
    CT_SCALED,
    DeviceTable,
    DeviceTableError,
    Query,
    Vector,
    load_tables,
    read_format,
)  # fmt: skip
from adapters.dlt645 import Decoder, Frame, Garble, encode
from adapters.dlt645_identifiers import standard_query
from daemon.demo.meters import reply_frame
from rules.model import Reason
from rules.quantity import QUANTITIES

TABLES = load_tables()
VECTORS = [(table, vector) for table in TABLES.values() for vector in table.vectors]
each_vector = pytest.mark.parametrize(
    ("table", "vector"), VECTORS, ids=[f"{table.name}-{vector.frame.hex()}" for table, vector in VECTORS]
)
each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def query_of(table: DeviceTable, frame: Frame) -> Query:
    (query,) = [query for query in table.queries if query.identifier == frame.identifier]
    return query


def test_the_tables_that_the_package_brings() -> None:
    assert {"dlt645-single-phase", "dlt645-three-phase"} <= set(TABLES)
    assert TABLES["dlt645-single-phase"].quantities == (
        "energy_kwh", "power_w", "reactive_power_var", "voltage_v", "current_a",
    )  # fmt: skip
    assert TABLES["dlt645-three-phase"].quantities == ("energy_kwh", "power_w", "reactive_power_var")


@each_vector
def test_a_vector_gives_its_values(table: DeviceTable, vector: Vector) -> None:
    (frame,) = Decoder().feed(vector.frame)
    assert isinstance(frame, Frame)
    query = query_of(table, frame)
    assert query.decode(frame.payload) == vector.values
    for label, value in vector.values.items():
        quantity = QUANTITIES[label.partition("/")[0]]
        assert quantity.least <= value <= quantity.most
    absent: dict[str, float | None] = {field.label: vector.values.get(field.label) for field in query.fields}
    assert reply_frame(frame.address, query, absent) == vector.frame


@each_vector
def test_a_vector_cut_anywhere_needs_more(table: DeviceTable, vector: Vector) -> None:
    for cut in range(len(vector.frame)):
        decoder = Decoder()
        assert decoder.feed(vector.frame[:cut]) == []
        (whole,) = decoder.feed(vector.frame[cut:])
        assert isinstance(whole, Frame)


@each_vector
def test_a_vector_with_one_flipped_bit_is_a_fault(table: DeviceTable, vector: Vector) -> None:
    for bit in range(len(vector.frame) * 8):
        flipped = bytearray(vector.frame)
        flipped[bit // 8] ^= 1 << bit % 8
        decoder = Decoder()
        found = decoder.feed(bytes(flipped)) + decoder.flush()
        assert found
        assert all(isinstance(item, Garble) for item in found), f"bit {bit}"


@each_vector
def test_a_vector_with_a_bad_digit_or_a_wrong_length_is_a_fault(table: DeviceTable, vector: Vector) -> None:
    (frame,) = Decoder().feed(vector.frame)
    assert isinstance(frame, Frame)
    query = query_of(table, frame)
    for at in range(query.size):
        bad = bytearray(frame.payload)
        bad[at] = 0x0A
        (again,) = Decoder().feed(encode(frame.address, frame.control, frame.data[:4] + bytes(bad)))
        assert isinstance(again, Frame)
        assert query.decode(again.payload) is Reason.BAD_DIGIT
    for wrong in (b"", frame.payload[:-1], frame.payload + b"\x00"):
        assert query.decode(wrong) is Reason.WRONG_DATA


@each_table
def test_a_table_is_complete(table: DeviceTable) -> None:
    assert table.source.startswith("https://")
    proven = {frame.identifier for vector in table.vectors for frame in Decoder().feed(vector.frame)}
    assert proven == {query.identifier for query in table.queries}, "each query has a frame that proves it"


@each_table
def test_a_table_agrees_with_the_standard(table: DeviceTable) -> None:
    if table.protocol != "dlt645-2007":
        pytest.skip("another protocol")
    for query in table.queries:
        standard = standard_query(query.identifier, query.size)
        assert standard is not None
        told = [(f.quantity, f.size, f.decimals, f.signed, f.unit) for f in query.fields]
        assert told == [(f.quantity, f.size, f.decimals, f.signed, f.unit) for f in standard.fields]


@each_vector
def test_the_multiplier_counts_behind_current_transformers_alone(table: DeviceTable, vector: Vector) -> None:
    (frame,) = Decoder().feed(vector.frame)
    assert isinstance(frame, Frame)
    scaled = query_of(table, frame).decode(frame.payload, multiplier=40.0)
    assert isinstance(scaled, dict)
    for label, value in vector.values.items():
        factor = 40.0 if label.partition("/")[0] in CT_SCALED else 1.0
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
    assert tables["mine"].quantities == tables["dlt645-three-phase"].quantities == ("power_w",)


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
