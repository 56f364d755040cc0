"""CJ/T 188: real frames, both orders of the identifier, units before and after, what is absent, damage of any kind."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import cjt188
from adapters.cjt188_codec import Cjt188
from adapters.device_table import load_tables
from adapters.protocol import Field, Garble
from rules.model import Reason

SHARED = Path(os.environ.get("CARETAKER_SHARED", Path(__file__).resolve().parents[2] / "shared"))
RECORDED = SHARED / "data" / "frames" / "cjt188_frames.jsonl"
CODEC = Cjt188()
WATER = "6810443322110033788116 1F9000 007766552C 007766552C 31012211051520 2184 13 16"
UNIT_FIRST_HEAT = (
    "68 20 38 04 21 08 00 59 42 81 2E 90 1F 00 05 19 28 53 00 05 19 28 53 00 17 00 00 00 00 35 00 00 00 00 2C 42 33 18 "
    "00 03 19 00 10 19 00 61 27 00 26 57 23 31 03 15 20 03 01 F7 16"
)
COOLING = (
    "68 25 12 19 24 18 27 31 00 81 2E 1F 90 03 11 74 02 00 05 88 27 44 05 05 00 00 00 00 17 00 00 00 00 35 08 56 71 00 "
    "2C 79 26 00 64 26 00 66 47 07 11 52 17 03 09 25 20 00 05 2A 16"
)


def one(text: str) -> cjt188.Frame:
    (frame,) = cjt188.new_decoder().feed(bytes.fromhex(text))
    assert isinstance(frame, cjt188.Frame)
    return frame


def with_payload(payload: bytes) -> cjt188.Frame:
    return one(cjt188.encode(0x10, "78330011223344", 0x81, bytes.fromhex("1F9000") + payload).hex())


@pytest.mark.skipif(not RECORDED.exists(), reason=f"no recorded frames: {RECORDED}")
def test_recorded_frames_say_what_their_publishers_say() -> None:
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        decoder = cjt188.new_decoder()
        found = decoder.feed(bytes([cjt188.WAKE_UP] * row["preamble_fe"]) + bytes.fromhex(row["hex"])) + decoder.flush()
        if not row["checksum_ok"]:
            assert [item.reason for item in found if isinstance(item, Garble)][:1] == [Reason.CHECKSUM], row
            continue
        (frame,) = found
        assert isinstance(frame, cjt188.Frame)
        assert (frame.kind, frame.address, frame.control) == (row["meter_type"], row["address"], row["ctrl"])
        assert frame.identifier.hex() == row["di_wire"]
        if row.get("cum_m3") is not None:
            table = load_tables()["cjt188-cold-water"]
            assert CODEC.decode(table.queries[0], [frame]) == {"volume_m3": row["cum_m3"]}, row


def test_a_request_is_what_meters_expect() -> None:
    query = load_tables()["cjt188-cold-water"].queries[0]
    assert CODEC.request("78330011223344", query) == bytes.fromhex("FEFEFEFE68104433221100337801031F90008016")
    high_first = load_tables()["cjt188-cold-water-high-first"].queries[0]
    assert CODEC.request("00201510270588", high_first) == bytes.fromhex("FEFEFEFE6810880527101520000103901F002416")


def test_either_order_of_the_identifier_is_an_answer() -> None:
    query = load_tables()["cjt188-heat"].queries[0]
    for text in (UNIT_FIRST_HEAT, COOLING):
        frame = one(text)
        assert CODEC.mismatch(frame, frame.address, query) is None
        assert CODEC.mismatch(frame, cjt188.ANY_ADDRESS, query) is None
        assert CODEC.mismatch(frame, "00000000000001", query) is Reason.WRONG_ADDRESS


@pytest.mark.parametrize(
    ("text", "energy", "supply", "volume"),
    [(UNIT_FIRST_HEAT, 5328.19, 19.03, 1833.42), (COOLING, 54427.88, 26.79, 7156.08)],
)
def test_units_tell_where_they_stand(text: str, energy: float, supply: float, volume: float) -> None:
    found = cjt188.items(one(text).payload)
    assert found is not None
    assert (found["energy"], found["supply"], found["volume"]) == ((energy, "kWh"), (supply, "°C"), (volume, "m3"))


@pytest.mark.parametrize(
    ("unit", "quantity", "value"),
    [("2C", "volume_m3", 1234.56), ("29", "volume_m3", 1.23456), ("05", "heat_kwh", 1234.56),
     ("02", "heat_kwh", 1.23456), ("11", "heat_kwh", 342933.333333333), ("0E", "heat_kwh", 342.933333333),
     ("13", "heat_kwh", 34293333.333333336),
     ("01", "heat_kwh", 0.000342933), ("0A", "heat_kwh", 123456000.0)],
)  # fmt: skip
def test_each_unit_is_turned_into_ours(unit: str, quantity: str, value: float) -> None:
    pairs, name = f"56341200{unit} 000000002C", "total"
    tail = bytes(9)
    if quantity == "heat_kwh":
        pairs, name = f"0000000005 56341200{unit} 0000000017 0000000035 000000002C", "energy"
        tail = bytes(18)
    field = Field(quantity, "", CODEC.format({"value": name}))
    query = CODEC.query({"meter": "heat" if name == "energy" else "cold water"}, (field,), polled=True)
    assert CODEC.decode(query, [with_payload(bytes.fromhex(pairs) + tail)]) == {
        quantity: pytest.approx(value, rel=1e-6)
    }


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("FFFFFFFF2C 000000002C" + "00" * 9, {}),                      # the meter has no value
        ("0A0000002C 000000002C" + "00" * 9, Reason.BAD_DIGIT),
        ("0000000099 000000002C" + "00" * 9, Reason.WRONG_DATA),       # no such unit
        ("0000000005 000000002C" + "00" * 9, Reason.WRONG_DATA),       # kWh are no volume
        ("2C00000005 2C00000001" + "00" * 9, {"volume_m3": 50000.0}),  # unit first; 05 and 01 look like units
        ("2C00005010 2C00004010" + "00" * 9, {"volume_m3": 105000.0}),
        ("000000002C", Reason.WRONG_DATA),
        ("", Reason.WRONG_DATA),
    ],
)  # fmt: skip
def test_what_is_no_value_is_none(payload: str, expected: object) -> None:
    query = load_tables()["cjt188-cold-water"].queries[0]
    assert CODEC.decode(query, [with_payload(bytes.fromhex(payload))]) == expected


def test_a_refusal_is_told() -> None:
    refused = one(cjt188.encode(0x10, "78330011223344", 0xC1, bytes.fromhex("0001 02")).hex())
    refusal = CODEC.refusal(refused)
    assert refusal is not None
    assert refusal.text == "state 0102"
    assert CODEC.describe(refused)["fault"] == "meter_refused"


def test_what_a_frame_says_for_people() -> None:
    said = CODEC.describe(one(WATER))
    assert said["address"] == "78330011223344"
    assert said["meter"] == "cold water"
    assert said["values"][0] == {"which": "total", "unit": "m3", "value": 556677.0}
    assert said["state"] == "2184"


@pytest.mark.parametrize(("text", "normal"), [("1", "00000000000001"), ("78330011223344", "78330011223344")])
def test_an_address_gets_its_zeros(text: str, normal: str) -> None:
    assert CODEC.address(text) == normal


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(data: bytes) -> None:
    decoder = cjt188.new_decoder()
    for item in decoder.feed(data) + decoder.flush():
        if isinstance(item, cjt188.Frame):
            CODEC.describe(item)
    assert not decoder.is_waiting


def test_a_meter_of_another_kind_is_no_answer() -> None:
    frame, query = one(WATER), load_tables()["cjt188-cold-water"].queries[0]
    gas = one(cjt188.encode(0x30, frame.address, 0x81, frame.data).hex())
    assert CODEC.mismatch(frame, frame.address, query) is None
    assert CODEC.mismatch(gas, frame.address, query) is Reason.WRONG_DATA


def test_a_temperature_that_may_have_a_sign_is_a_fault() -> None:
    query, frame = load_tables()["cjt188-heat"].queries[0], one(COOLING)
    cold = bytearray(frame.data)
    cold[28:31] = bytes.fromhex("000580")
    again = one(cjt188.encode(frame.kind, frame.address, frame.control, bytes(cold)).hex())
    assert CODEC.decode(query, [again]) is Reason.BAD_DIGIT
