"""M-Bus: real answers record by record, addressing, answers of several telegrams, and whatever does not fit."""

import logging
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import mbus
from adapters.device_table import load_tables
from adapters.mbus import Frame
from adapters.mbus_codec import Mbus
from adapters.mbus_records import Record, records
from adapters.protocol import Garble
from rules.model import Reason

SHARED = Path(os.environ.get("CARETAKER_SHARED", Path(__file__).resolve().parents[2] / "shared"))
RECORDED = SHARED / "data" / "frames" / "mbus"
CODEC = Mbus()
FUNCTIONS = {
    "Instantaneous value": "instantaneous", "Maximum value": "maximum", "Minimum value": "minimum",
    "Value during error state": "in error", "Manufacturer specific": "maker's own",
    "More records follow": "more follow", "Actual value": "instantaneous", "Stored value": "instantaneous",
}  # fmt: skip
ACW = (
    "68 3C 3C 68 08 08 72 78 03 49 11 77 04 0E 16 0A 00 00 00 0C 78 78 03 49 11 04 13 31 D4 00 00 42 6C 00 00 44 13 00 "
    "00 00 00 04 6D 0B 0B CD 13 02 27 00 00 09 FD 0E 02 09 FD 0F 06 0F 00 01 75 13 D3 16"
)
PADPULS = (  # its clock is not set
    "68 2F 2F 68 08 16 72 01 63 21 11 AC 48 41 03 B1 00 00 00 0C 14 81 60 87 02 04 6D A1 15 E9 17 42 6C DF 1C 4C 14 82 "
    "73 59 02 42 EC 7E FF 1C 0F C0 01 01 0C BD 16"
)
SECONDARY = "1149037877040E16"
FIXED = "68 13 13 68 08 05 73 78 56 34 12 0A 00 E9 7E 01 00 00 00 35 01 00 00 3C 16"


def one(data: bytes) -> Frame:
    found = mbus.new_decoder().feed(data)
    assert [type(item) for item in found] == [Frame], found
    return found[0]  # type: ignore[return-value]


def answer(body: bytes, *, primary: int = 5, ci: int = mbus.VARIABLE) -> Frame:
    """A long frame of a meter with this data."""
    inner = bytes([mbus.RSP_UD, primary, ci]) + body
    raw = bytes([mbus.LONG, len(inner), len(inner), mbus.LONG]) + inner + bytes([sum(inner) & 0xFF, mbus.END])
    return one(raw)


HEAD = bytes.fromhex("78034911 7704 0E 16 0A 00 0000")


@pytest.mark.skipif(not RECORDED.exists(), reason=f"no recorded frames: {RECORDED}")
def test_recorded_answers_say_what_they_should_record_by_record() -> None:
    count = 0
    for path in sorted(RECORDED.glob("*.hex")):
        expected = ElementTree.fromstring(path.with_suffix(".norm.xml").read_text(encoding="latin-1"))
        frame = one(bytes.fromhex(path.read_text(encoding="ascii")))
        found = records(frame)
        assert mbus.walk(frame.data[mbus.HEAD :]) in (mbus.WHOLE, mbus.MORE), path.name
        rows = expected.findall("DataRecord")
        assert len(found) == len(rows), path.name
        for record, row in zip(found, rows, strict=True):
            assert_is(record, row, path.name)
            count += 1
    assert count > 200


def assert_is(record: Record, row: ElementTree.Element, name: str) -> None:
    about = (name, row.get("id"), record)
    assert record.function == FUNCTIONS[row.findtext("Function", "")], about
    assert record.storage == int(row.findtext("StorageNumber", "0")), about
    assert record.tariff == int(row.findtext("Tariff", "0")), about
    said = row.findtext("Value", "")
    if isinstance(record.value, float):
        assert record.value == pytest.approx(float(said), abs=1e-6, rel=1e-9), about


@pytest.mark.skipif(not RECORDED.exists(), reason=f"no recorded frames: {RECORDED}")
@pytest.mark.parametrize(
    ("name", "fault", "detail"),
    [
        ("application_busy", "meter_refused", "application busy"),
        ("premature_end_of_data2", "wrong_data", "premature end"),
        ("premature_end_of_var_vif1", "wrong_data", "premature end"),
        ("too_many_difes", "meter_refused", "too many DIFEs"),
        ("too_many_vifes", "meter_refused", "too many VIFEs"),
    ],
)
def test_recorded_errors_are_refused_with_the_reason(name: str, fault: str, detail: str) -> None:
    frame = one(bytes.fromhex((RECORDED / "error-frames" / f"{name}.hex").read_text(encoding="ascii")))
    said = CODEC.describe(frame)
    assert said["fault"] == fault
    assert detail in said["detail"]


def test_a_primary_meter_is_woken_and_asked_until_nothing_follows() -> None:
    (query,) = load_tables()["mbus-water"].queries
    ack = one(b"\xe5")
    more, last = answer(HEAD + bytes.fromhex("0413 31D40000 1F")), answer(HEAD + bytes.fromhex("0C78 78034911"))
    assert CODEC.request("5", query) == bytes.fromhex("1040054516")
    assert CODEC.request("5", query, [ack]) == bytes.fromhex("107B058016")
    assert CODEC.request("5", query, [ack, more]) == bytes.fromhex("105B056016")
    assert CODEC.request("5", query, [ack, more, last]) is None
    assert CODEC.request("5", query, [ack, *[more] * 8]) is None  # it never ends
    assert CODEC.decode(query, [ack, more, last]) == {"volume_m3": 54.321}


def test_a_secondary_meter_is_selected() -> None:
    (query,) = load_tables()["mbus-water"].queries
    frame = one(bytes.fromhex(ACW))
    assert CODEC.request(SECONDARY, query) == bytes.fromhex("680B0B68 53FD52 78034911 7704 0E 16 16 16")
    assert CODEC.request(SECONDARY, query, [one(b"\xe5")]) == bytes.fromhex("107BFD7816")
    assert frame.secondary == SECONDARY
    assert [CODEC.mismatch(frame, address, query, [one(b"\xe5")]) for address in (
        SECONDARY, "1149FFFFFFFFFFFF", "1149037977040E16", "8", "254", "9",
    )] == [None, None, Reason.WRONG_ADDRESS, None, None, Reason.WRONG_ADDRESS]  # fmt: skip
    assert CODEC.decode(query, [one(b"\xe5"), frame]) == {"volume_m3": 54.321}


@pytest.mark.parametrize("text", ["0", "251", "1149037877040E1", "1149037G77040E16", "AB49037877040E16", "", "-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 250"):
        CODEC.address(text)


def test_a_time_that_the_meter_marks_invalid_is_absent() -> None:
    said = CODEC.describe(one(bytes.fromhex(PADPULS)))["values"]
    assert [(row["which"], row.get("value")) for row in said if "date" in row["which"]] == [
        ("date_time_general", None), ("date", "2014-12-31"), ("date", "2015-12-31"),
    ]
    assert said[1]["is_absent"]
    valid = CODEC.describe(answer(HEAD + bytes.fromhex("046D 2115E917")))["values"]
    assert valid == [{"which": "date_time_general", "function": "instantaneous", "value": "2015-07-09T21:33:00"}]


def test_the_old_fixed_layout_is_read() -> None:
    said = CODEC.describe(one(bytes.fromhex(FIXED)))
    assert said["number"] == "12345678"
    assert said["values"] == [
        {"which": "volume", "function": "instantaneous", "value": 0.001, "unit": "m^3"},
        {"which": "volume", "function": "instantaneous", "storage": 1, "value": 0.135, "unit": "m^3"},
    ]


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("", mbus.WHOLE), ("2F2F2F", mbus.WHOLE), ("0413 31D40000", mbus.WHOLE), ("0413 31D40000 1F AABB", mbus.MORE),
        ("0413 31D40000 0F 010203", mbus.WHOLE), ("0413 31D400", "premature end of a record"),
        ("0413", "premature end of a record"), ("04", "premature end of a record"), ("84", "premature end of a record"),
        ("0D78 05 3132333435", mbus.WHOLE), ("0D78 05 31", "premature end of a record"),
        ("04 7C 02 4142 01000000", mbus.WHOLE), ("04 FC 02 4142 10 01000000", mbus.WHOLE),
        ("84" + "80" * 10 + "00 13 00000000", "too many DIFEs"),
        ("04 93" + "80" * 10 + "00 00000000", "too many VIFEs"),
        ("0D78 C4 12345678", mbus.WHOLE), ("0D78 E3 010203", mbus.WHOLE),
    ],
)  # fmt: skip
def test_records_must_fit_their_bytes(body: str, state: str) -> None:
    assert mbus.walk(bytes.fromhex(body)) == state


def test_an_answer_cut_by_the_meter_gives_no_value() -> None:
    (query,) = load_tables()["mbus-water"].queries
    cut = answer(HEAD + bytes.fromhex("0413 31D40000 0413 31D4"))
    assert CODEC.decode(query, [one(b"\xe5"), cut]) is Reason.WRONG_DATA


def read(body: str, table: str) -> dict[str, float] | Reason:
    """What a table makes of an answer with these records."""
    (query,) = load_tables()[table].queries
    return CODEC.decode(query, [one(b"\xe5"), answer(HEAD + bytes.fromhex(body))])


@pytest.mark.parametrize(
    ("body", "table", "value"),
    [
        ("0C13 EEEEEEEE", "mbus-water", Reason.BAD_DIGIT),
        ("0C13 3A120000", "mbus-water", Reason.BAD_DIGIT),
        ("0C13 00120FF0", "mbus-water", Reason.BAD_DIGIT),
        ("0C13 000000FF", "mbus-water", Reason.BAD_DIGIT),   # two signs
        ("0B13 EEEEEE 0C78 EEEEEEEE", "mbus-heat", {}),      # not wanted
        ("0C13 FFFFFFFF", "mbus-water", {}), ("0B2B FFFFFF", "mbus-heat", {}), ("0A5B FFFF", "mbus-heat", {}),
        ("025B 0080", "mbus-heat", {}), ("0413 00000080", "mbus-water", {}), ("0613 000000000080", "mbus-water", {}),
        ("0513 0000C07F", "mbus-water", {}), ("0513 0000807F", "mbus-water", {}), ("0513 000080FF", "mbus-water", {}),
        ("0A5B 45F3", "mbus-heat", {"supply/temperature_c": -345.0}),
        ("025B FBFF", "mbus-heat", {"supply/temperature_c": -5.0}),
        ("025B 0180", "mbus-heat", {"supply/temperature_c": -32767.0}),
        ("0513 00000080", "mbus-water", {"volume_m3": 0.0}),  # the float -0
    ],
)  # fmt: skip
def test_what_is_no_number_is_no_value(body: str, table: str, value: dict[str, float] | Reason) -> None:
    assert read(body, table) == value


@pytest.mark.parametrize(
    ("body", "table", "value"),
    [
        ("0493 7D 01000000", "mbus-water", {"volume_m3": 1.0}),
        ("0493 70 40420F00", "mbus-water", {"volume_m3": 0.001}),
        ("0493 73 01000000", "mbus-water", {"volume_m3": 1e-6}),
        ("0493 77 01000000", "mbus-water", {"volume_m3": 0.01}),
        ("0493 F7 FD 76 01000000", "mbus-water", {"volume_m3": 10.0}),
        ("04FB 80 7D 02000000", "mbus-electricity", {"energy_kwh": 200_000.0}),
        ("0493 00 01000000", "mbus-water", {"volume_m3": 0.001}),
        ("0493 7B 01000000", "mbus-water", Reason.WRONG_DATA),   # something is added
        ("0493 22 01000000", "mbus-water", Reason.WRONG_DATA),   # per hour
        ("0493 FD 3C 01000000", "mbus-water", Reason.WRONG_DATA),
        ("04FB 80 3C 02000000", "mbus-electricity", Reason.WRONG_DATA),
        ("0493 3C 01000000 0413 02000000", "mbus-water", {"volume_m3": 0.002}),
        ("4493 3C 01000000", "mbus-water", {}),                  # nor is it the one that is wanted
    ],
)  # fmt: skip
def test_corrections_are_applied_and_other_meanings_are_faults(
    body: str, table: str, value: dict[str, float] | Reason
) -> None:
    assert read(body, table) == value


def test_a_unit_in_text_is_corrected_once() -> None:
    for extension, value in (("74", 0.05), ("7D", 5000.0)):
        (record,) = records(answer(HEAD + bytes.fromhex(f"04FC 02 4142 {extension} 05000000")))
        assert (record.value, record.is_plain) == (value, True)


def test_flags_may_have_any_bits() -> None:
    (record,) = records(answer(HEAD + bytes.fromhex("01FD17 80")))
    assert record.value == -128.0


def test_digits_and_modifications_are_shown() -> None:
    said = CODEC.describe(answer(HEAD + bytes.fromhex("0C13 EEEEEEEE 0493 3C 01000000")))
    assert (said["fault"], said["detail"]) == ("bad_digit", "volume: not all decimal: EEEEEEEE")
    assert said["values"] == [
        {"which": "volume", "function": "instantaneous", "is_absent": True, "unit": "m^3"},
        {"which": "volume", "function": "instantaneous", "is_modified": True, "value": 0.001, "unit": "m^3"},
    ]


def test_the_fixed_layout_is_checked_too() -> None:
    (query,) = load_tables()["mbus-water"].queries
    ack, head = one(b"\xe5"), bytes.fromhex("78563412 0A 00 E9 7E")
    for first, value in (("1A000000", Reason.BAD_DIGIT), ("FFFFFFFF", {}), ("12000000", {"volume_m3": 0.012})):
        frame = answer(head + bytes.fromhex(first + "35010000"), ci=mbus.FIXED)
        assert CODEC.decode(query, [ack, frame]) == value
    wanted = {
        "12345678FFFFFFFF": None, "1234567877040E16": None, "1234FFFFFFFFFFFF": None, "5": None,
        "99999999FFFFFFFF": Reason.WRONG_ADDRESS, "FFFFFFF9FFFFFFFF": Reason.WRONG_ADDRESS, "6": Reason.WRONG_ADDRESS,
    }  # fmt: skip
    assert {address: CODEC.mismatch(one(bytes.fromhex(FIXED)), address, query, [ack]) for address in wanted} == wanted


def test_loading_the_library_leaves_logging_alone() -> None:
    before = list(logging.getLogger().handlers)
    records(one(bytes.fromhex(ACW)))
    assert logging.getLogger().handlers == before


@settings(deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_crash_it(data: bytes) -> None:
    decoder = mbus.new_decoder()
    for item in decoder.feed(data) + decoder.flush():
        if not isinstance(item, Garble):
            CODEC.describe(item)
    assert not decoder.is_waiting


@settings(deadline=None)  # the library is loaded on the way
@given(st.binary(max_size=80))
def test_no_records_crash_it(body: bytes) -> None:
    for ci in (mbus.VARIABLE, mbus.FIXED, mbus.ERROR):
        frame = answer(body, ci=ci)
        CODEC.describe(frame)
        CODEC.decode(load_tables()["mbus-heat"].queries[0], [one(b"\xe5"), frame])
