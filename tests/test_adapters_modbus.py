"""The Modbus codec against documented frames, simulated devices, wrong bytes, and any bytes at all."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from adapters.device_table import table_from
from adapters.modbus import Frame, Modbus, Read
from adapters.protocol import Garble
from daemon.simulation.modbus import answer, cells_of
from rules.model import Reason

RTU, TCP = Modbus(), Modbus(is_tcp=True)
VOLTAGE = bytes.fromhex("01 04 04 43 66 33 34 1B 38")   # 230.2 V, in the maker's description of an SDM630
ASKED = bytes.fromhex("01 04 00 00 00 02 71 CB")


def query(*fields: dict[str, Any], function: int = 3, start: int = 0, **keys: Any) -> Read:
    table = table_from({
        "name": "mine", "title": "", "protocol": "modbus", "source": "",
        "query": [{"function": function, "start": start, "fields": list(fields), **keys}],
    })  # fmt: skip
    return table.queries[0]


def volts(**keys: Any) -> dict[str, Any]:
    return {"quantity": "voltage_v", "unit": "V", **keys}


def read(asked: Read, words: Sequence[int], *, multiplier: float = 1.0) -> object:
    """What a device with these registers or coils from the query's start on says."""
    request = RTU.request("1", asked)
    assert request is not None
    cells = {(asked.ask.function, asked.ask.start + at): word for at, word in enumerate(words)}
    (frame,) = RTU.decoder(request).feed(answer(request, cells))
    assert isinstance(frame, Frame)
    assert RTU.mismatch(frame, "1", asked) is None
    return RTU.decode(asked, [frame], multiplier=multiplier)


def test_a_documented_exchange() -> None:
    asked = query(volts(type="f32"), function=4)
    assert RTU.request("1", asked) == ASKED
    (frame,) = RTU.decoder(ASKED).feed(VOLTAGE)
    assert isinstance(frame, Frame)
    assert RTU.decode(asked, [frame]) == pytest.approx({"voltage_v": 230.2}, rel=1e-7)
    assert RTU.request("1", asked, [frame]) is None, "one exchange is all"


@pytest.mark.parametrize(
    ("field", "words", "value"),
    [
        (volts(type="u16", scale=0.1), [2301], 230.1),
        (volts(type="i16", scale=0.1), [0xFFF6], -1.0),
        (volts(type="u16", scale=0.1), [0xFFFF], None),
        (volts(type="i16"), [0x7FFF], None),
        (volts(type="i16"), [0x8000], None),
        (volts(type="i16", absent=[]), [0x7FFF], 32767.0),
        (volts(type="i16", absent=[-9999]), [0xD8F1], None),
        (volts(type="u32", scale=0.001), [0x0001, 0x0002], 65.538),
        (volts(type="u32", word_order="little", scale=0.001), [0x0002, 0x0001], 65.538),
        (volts(type="u32"), [0xFFFF, 0xFFFF], None),
        (volts(type="i32"), [0xFFFF, 0xFFFF], -1.0),
        (volts(type="i32"), [0x7FFF, 0xFFFF], None),
        (volts(type="f32"), [0x4366, 0x199A], 230.1),
        (volts(type="f32", word_order="little"), [0x199A, 0x4366], 230.1),
        (volts(type="f32", scale=0.1), [0x450F, 0xD000], 230.1),
        (volts(type="f32"), [0x7FC0, 0x0000], None),
        (volts(type="f32"), [0xFF80, 0x0000], None),
        (volts(type="f32"), [0x7F7F, 0xFFFF], 3.4028234663852886e38),
        (volts(type="f64"), [0x406C, 0xC333, 0x3333, 0x3333], 230.1),
        (volts(type="u64", scale=0.001), [0, 0, 3, 0x82D4], 230.1),
        (volts(type="i64"), [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], -2.0),
        (volts(type="i64"), [0x8000, 0, 0, 0], None),
        (volts(type="u16", scale=0.1, offset=-40), [653], 25.3),
        (volts(type="u16", at=2, unit="mV"), [1, 2, 230], 0.23),
        ({"quantity": "flame", "type": "u16", "is": [3, 4]}, [4], 1.0),
        ({"quantity": "flame", "type": "u16", "is": [3, 4]}, [5], 0.0),
        ({"quantity": "flame", "type": "u16", "is": [3, 4]}, [0xFFFF], None),
        ({"quantity": "level_low", "bit": 15}, [0x8000], 1.0),
        ({"quantity": "level_low", "bit": 0}, [0xFFFE], 0.0),
        ({"quantity": "level_low", "bit": 0, "is": [0]}, [0xFFFE], 1.0),
        ({"quantity": "level_low", "bit": 3}, [0xFFFF], 1.0),
    ],
)  # fmt: skip
def test_what_registers_hold(field: dict[str, Any], words: list[int], value: float | None) -> None:
    expected = {} if value is None else {field["quantity"]: value}
    assert read(query(field, start=100), words) == expected


def test_coils_and_inputs() -> None:
    for function in (1, 2):
        pump = {"quantity": "on", "part": "pump", "type": "bit", "at": 9}
        door = {"quantity": "door_open", "type": "bit", "is": [0]}
        asked = query(pump, door, function=function, start=16, count=12)
        assert read(asked, [1, *[0] * 8, 1, 0, 0]) == {"pump/on": 1.0, "door_open": 0.0}
        assert read(asked, [0] * 12) == {"pump/on": 0.0, "door_open": 1.0}


def test_the_multiplier() -> None:
    power = {"quantity": "power_w", "type": "i16", "unit": "kW", "scale": 0.01}
    energy = {"quantity": "energy_kwh", "type": "u32", "unit": "Wh", "at": 2, "digits": 7}
    asked = query(volts(type="u16", at=1), power, energy)
    assert read(asked, [123, 230, 0, 1500], multiplier=40.0) == {
        "voltage_v": 230.0, "power_w": 49_200.0, "energy_kwh": 60.0,
    }  # fmt: skip
    assert [field.modulus for field in asked.fields] == [None, None, 10_000.0]


@pytest.mark.parametrize(
    ("fields", "keys", "told"),
    [
        ([volts(type="u8")], {}, "type 'u8'"),
        ([volts()], {}, "lacks the key 'type'"),
        ([volts(type="u16", word_order="mixed")], {}, "word_order"),
        ([volts(type="u16", unit="kg")], {}, "no unit 'kg'"),
        ([volts(type="u16", colour="red")], {}, "unknown keys: colour"),
        ([volts(type="u16", at=-1)], {}, "at is 0 or more"),
        ([volts(type="u16", at="2")], {}, "at .* whole numbers"),
        ([volts(type="u16", scale=0)], {}, "scale is not 0"),
        ([volts(type="u16", scale="x")], {}, "field 1"),
        ([volts(type="u32", at=1)], {"count": 2}, "count 2 is not between 3"),
        ([volts(type="u16")], {"count": 126}, "and 125"),
        ([volts(type="u16")], {"start": 65536}, "start 65536"),
        ([volts(type="u16")], {"start": 3.5}, r"start 3\.5"),
        ([volts(type="u16")], {"function": 5}, "function 5"),
        ([volts(type="bit")], {}, "functions 1 and 2"),
        ([volts(type="u16")], {"function": 1}, "functions 1 and 2"),
        ([{"quantity": "flame", "type": "u16"}], {}, r"is = \[2, 3\]"),
        ([{"quantity": "flame", "bit": 16}], {}, "bit 16"),
        ([{"quantity": "online", "bit": 1}], {}, "unknown quantity 'online'"),
    ],
)
def test_a_wrong_query_says_what_is_wrong(fields: list[dict[str, Any]], keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        query(*fields, **keys)


def test_addresses() -> None:
    assert RTU.address("17") == RTU.address("017") == "17"
    for wrong in ("0", "248", "-1", "x", "", "１", "1.0"):
        with pytest.raises(ValueError, match="from 1 to 247"):
            RTU.address(wrong)


def checked(body: bytes) -> bytes:
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("code", "is_lasting"), [(0, False), (1, True), (2, True), (3, True), (4, False), (6, False), (99, False)]
)
def test_a_refusal(code: int, is_lasting: bool) -> None:
    (frame,) = RTU.decoder(ASKED).feed(checked(bytes([1, 0x84, code])))
    assert isinstance(frame, Frame)
    asked = query(volts(type="f32"), function=4)
    assert RTU.mismatch(frame, "1", asked) is None
    refusal = RTU.refusal(frame)
    assert refusal is not None
    assert refusal.is_lasting is is_lasting
    assert RTU.refusal(frame._replace(exception=None)) is None


def test_a_gateway_that_speaks_for_a_silent_device_is_no_answer() -> None:
    asked = query(volts(type="f32"), function=4)
    frame = Frame("1", 4, (), 11, is_reply=True, raw=b"")
    assert RTU.mismatch(frame, "1", asked) is Reason.NO_ANSWER


def test_an_answer_of_another_length_is_not_taken() -> None:
    asked = query(volts(type="f32"), function=4, count=4)
    (frame,) = RTU.decoder(ASKED).feed(VOLTAGE)
    assert isinstance(frame, Frame)
    assert RTU.mismatch(frame, "1", asked) is Reason.WRONG_DATA
    assert RTU.mismatch(frame, "2", asked) is Reason.WRONG_ADDRESS


def test_echo_and_noise_around_an_answer() -> None:
    for noise in (b"", b"\x00", b"\x01", b"\x01\x04", b"\xff\x01\x03\x04", bytes(range(40))):
        decoder = RTU.decoder(ASKED)
        found = decoder.feed(ASKED + noise + VOLTAGE + b"\x00") + decoder.flush()
        assert [item.raw for item in found if isinstance(item, Frame)] == [ASKED, VOLTAGE]
        assert [item.is_reply for item in found if isinstance(item, Frame)] == [False, True]


def test_an_echo_byte_by_byte() -> None:
    decoder = RTU.decoder(ASKED)
    found = [item for byte in ASKED + VOLTAGE for item in decoder.feed(bytes([byte]))]
    assert [item.raw for item in found] == [ASKED, VOLTAGE]


@pytest.mark.parametrize("function", [1, 2])
@pytest.mark.parametrize("count", range(17, 25))
@pytest.mark.parametrize("start", [0x0300, 0x0314, 0x03FF])
def test_an_echo_that_has_the_form_of_an_answer(function: int, start: int, count: int) -> None:
    """Of 17 to 24 coils both are 8 bytes, and from 0x0300 on a request even has the byte count of such an answer."""
    asked = query({"quantity": "flame", "type": "bit"}, function=function, start=start, count=count)
    request = RTU.request("1", asked)
    assert request is not None
    reply = answer(request, {(function, start + at): at % 2 for at in range(count)})
    for second in (reply, request):   # coils that are on as the request has its bits
        for size in (1, 8, 16):
            decoder, stream = RTU.decoder(request), request + second
            found = [item for at in range(0, 16, size) for item in decoder.feed(stream[at : at + size])]
            assert [(item.raw, isinstance(item, Frame) and item.is_reply) for item in found] == [
                (request, False), (second, True),
            ]  # fmt: skip
    (alone,) = RTU.decoder(request).feed(reply)
    assert isinstance(alone, Frame)
    assert alone.is_reply


def test_the_answer_of_another_device_is_noise() -> None:
    decoder = RTU.decoder(bytes.fromhex("02 04 00 00 00 02 71 F8"))
    found = decoder.feed(VOLTAGE) + decoder.flush()
    assert found
    assert all(isinstance(item, Garble) for item in found)


def test_over_tcp() -> None:
    asked = query(volts(type="f32"), function=4, start=10)
    request = TCP.request("7", asked)
    assert request is not None
    reply = answer(request, cells_of(asked, {"voltage_v": 230.1}), is_tcp=True)
    for cut in range(len(reply)):
        decoder = TCP.decoder(request)
        assert decoder.feed(reply[:cut]) == []
        (frame,) = decoder.feed(reply[cut:])
        assert isinstance(frame, Frame)
        assert (frame.address, TCP.mismatch(frame, "7", asked)) == ("7", None)
        assert TCP.decode(asked, [frame]) == {"voltage_v": 230.1}
    late = answer(TCP.request("7", query(volts(type="f32"), function=4, start=12)) or b"", {(4, 12): 1, (4, 13): 2},
                  is_tcp=True)  # fmt: skip
    found = TCP.decoder(request).feed(late + reply)
    assert [item.raw for item in found if isinstance(item, Frame)] == [reply], "its number is another one"
    (refused,) = TCP.decoder(request).feed(answer(request, {}, is_tcp=True))
    assert isinstance(refused, Frame)
    assert TCP.refusal(refused) is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("01 04 00 00 00 02 71 CB", {"kind": "request", "function": "read input registers", "start": 0, "count": 2}),
        ("01 04 04 43 66 33 34 1B 38", {"kind": "reply", "registers": [0x4366, 0x3334]}),
        ("01 83 02 C0 F1", {"fault": "meter_refused", "detail": "exception 2: no such register"}),
        ("01 84 00 43 00", {"fault": "meter_refused"}),
        ("11 05 00 AC FF 00 4E 8B", {"kind": "reply", "function": "write one coil", "start": 172, "value": 0xFF00}),
        ("11 01 05 CD 6B B2 0E 1B 45 E6", {"kind": "reply", "function": "read coils"}),
        ("11 10 00 01 00 02 04 00 0A 01 02 C6 F0", {"kind": "request", "function": "write registers", "count": 2}),
    ],
)
def test_frames_without_their_request(text: str, told: dict[str, Any]) -> None:
    decoder = RTU.decoder()
    (frame,) = decoder.feed(bytes.fromhex(text))
    assert isinstance(frame, Frame)
    said = RTU.describe(frame)
    assert {key: said[key] for key in told} == told


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=12), st.booleans(), st.booleans())
def test_any_bytes_give_frames_or_faults_and_nothing_is_kept_for_ever(
    pieces: list[bytes], is_tcp: bool, has_request: bool
) -> None:
    codec = TCP if is_tcp else RTU
    asked = query(volts(type="f32"), function=4)
    decoder = codec.decoder((codec.request("1", asked) or b"") if has_request else b"")
    for piece in pieces:
        for item in decoder.feed(piece):
            assert isinstance(item, Garble) or codec.describe(item)
        assert len(decoder._buffer) <= 264
    decoder.flush()
    assert not decoder.is_waiting


@settings(deadline=None)
@given(st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 0x81, 0x84]), st.binary(max_size=30), st.booleans())
def test_any_data_under_a_right_checksum_is_no_value_unless_it_fits(
    function: int, data: bytes, has_request: bool
) -> None:
    asked = query(volts(type="f32"), function=4)
    decoder = RTU.decoder(ASKED if has_request else b"")
    for frame in decoder.feed(checked(bytes([1, function]) + data)) + decoder.flush():
        if isinstance(frame, Frame):
            assert RTU.describe(frame)
            if RTU.mismatch(frame, "1", asked) is None and RTU.refusal(frame) is None and frame.is_reply:
                assert frame.raw[:3] == b"\x01\x04\x04"
                assert isinstance(RTU.decode(asked, [frame]), dict)


@given(st.binary(max_size=300))
def test_bytes_in_any_portions_give_the_same_frames(data: bytes) -> None:
    whole, single = RTU.decoder(ASKED), RTU.decoder(ASKED)
    at_once = whole.feed(data + VOLTAGE) + whole.flush()
    one_by_one = [item for byte in data + VOLTAGE for item in single.feed(bytes([byte]))] + single.flush()
    assert [item for item in at_once if isinstance(item, Frame)] == [i for i in one_by_one if isinstance(i, Frame)]
