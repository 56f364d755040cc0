"""The DL/T 645-2007 codec against captured frames, wrong ones, and any bytes at all."""

import json
import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.device_table import load_tables
from adapters.dlt645 import (
    ANY_ADDRESS,
    LONGEST_DATA,
    NO_SUCH_DATA,
    NOT_ALLOWED,
    BadDigitError,
    Frame,
    encode,
    mismatch,
    new_decoder,
    normal_address,
    number,
    read_request,
    refusal_text,
)  # fmt: skip
from adapters.dlt645_codec import Dlt645
from adapters.dlt645_identifiers import standard_query
from adapters.protocol import Garble
from adapters.protocols import CODECS
from rules.model import Reason

SHARED = Path(os.environ.get("CARETAKER_SHARED", Path(__file__).resolve().parents[2] / "shared"))
RECORDED = SHARED / "data" / "frames" / "dlt645_frames.jsonl"

ENERGY = bytes.fromhex("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16")
ASKED = bytes.fromhex("68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16")

# As published: the bytes, the identifier, and the values in the quantity's own unit.
READINGS = [
    ("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16", "00010000", [0.26]),
    ("68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16", "02010100", [100.1]),
    ("68 61 01 00 00 00 00 68 91 07 33 33 36 35 45 58 33 6B 16", "02030000", [251.2]),
    ("68 61 01 00 00 00 00 68 91 07 33 33 38 35 39 83 33 8C 16", "02050000", [500.6]),
    ("68 61 01 00 00 00 00 68 91 06 33 33 39 35 34 38 09 16", "02060000", [0.501]),
    ("68 45 92 66 23 00 10 68 91 06 33 34 34 35 66 55 62 16", "02010100", [223.3]),
    ("68 45 92 66 23 00 10 68 91 06 33 34 34 35 A3 54 9E 16", "02010100", [217.0]),
    ("68 60 07 92 04 00 91 68 91 08 33 33 33 33 97 35 A8 33 6A 16", "00000000", [7502.64]),
    ("68 12 00 00 00 10 20 68 91 18 33 32 34 33 5C 34 33 33 95 33 33 33 93 33 33 33 36 33 33 33 35 33 33 33 74 16",
     "0001FF00", [1.29, 0.62, 0.60, 0.03, 0.02]),
]  # fmt: skip

# What else is on real lines: the bytes, address, control, identifier, the data after it.
OTHERS = [
    ("68 61 01 00 00 00 00 68 11 04 33 34 35 35 18 16", "000000000161", 0x11, "02020100", ""),
    ("68 61 01 00 00 00 00 68 11 04 33 33 36 35 18 16", "000000000161", 0x11, "02030000", ""),
    ("68 12 00 00 00 10 20 68 11 04 33 32 34 35 F5 16", "201000000012", 0x11, "0201FF00", ""),
    ("68 12 00 00 00 10 20 68 91 08 34 34 33 37 34 44 34 49 72 16", "201000000012", 0x91, "04000101", "01110116"),
    ("68 12 00 00 00 10 20 68 91 07 35 34 33 37 88 86 54 DF 16", "201000000012", 0x91, "04000102", "555321"),
    ("68 08 02 02 41 22 00 68 91 0A 35 37 33 37 3B 35 35 74 55 33 51 16", "002241020208", 0x91, "04000402",
     "080202412200"),
    ("68 12 90 78 56 34 12 68 11 04 33 33 34 33 68 16", "123456789012", 0x11, "00010000", ""),
    ("68 12 90 78 56 34 12 68 12 05 34 33 63 36 34 D1 16", "123456789012", 0x12, "03300001", "01"),
    ("68 AA AA AA AA AA AA 68 13 00 DF 16", ANY_ADDRESS, 0x13, None, None),
    ("68 01 00 00 00 00 00 68 93 06 34 33 33 33 33 33 9D 16", "000000000001", 0x93, None, None),
    ("68 12 90 78 56 34 12 68 93 06 45 C3 AB 89 67 45 07 16", "123456789012", 0x93, None, None),
]  # fmt: skip

REFUSED = [
    ("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 89 16", Reason.CHECKSUM),
    ("68 12 90 78 56 34 12 68 93 06 45 C3 AB 89 67 45 33 16", Reason.CHECKSUM),
    ("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 17", Reason.BAD_END),
    ("68 61 01 00 00 00 00 69 91 08 33 33 34 33 59 33 33 33 8A 16", Reason.NOISE),
    ("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33", Reason.HALF_FRAME),
    ("68 61 01 00", Reason.HALF_FRAME),
    ("68 61 01 00 00 00 00 68 91 FF", Reason.BAD_LENGTH),
    ("00 11 22", Reason.NOISE),
]


def frames(data: bytes) -> list[Frame | Garble]:
    decoder = new_decoder()
    return decoder.feed(data) + decoder.flush()


@pytest.mark.parametrize(("text", "identifier", "values"), READINGS)
def test_published_replies_give_the_published_values(text: str, identifier: str, values: list[float]) -> None:
    (frame,) = new_decoder().feed(bytes.fromhex(text))
    assert isinstance(frame, Frame)
    assert frame.identifier == identifier
    assert frame.is_reply
    query = standard_query(identifier, len(frame.payload))
    assert query is not None
    decoded = Dlt645().decode(query, [frame])
    assert isinstance(decoded, dict)
    assert list(decoded.values()) == values


@pytest.mark.parametrize(("text", "address", "control", "identifier", "rest"), OTHERS)
def test_all_kinds_of_frames(text: str, address: str, control: int, identifier: str | None, rest: str | None) -> None:
    (frame,) = new_decoder().feed(bytes.fromhex(text))
    assert isinstance(frame, Frame)
    assert (frame.address, frame.control, frame.identifier) == (address, control, identifier)
    assert rest is None or frame.payload.hex() == rest
    assert encode(frame.address, frame.control, frame.data) == frame.raw


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_wrong_bytes_are_told_once_with_their_reason(text: str, reason: Reason) -> None:
    data = bytes.fromhex(text)
    found = frames(data)
    assert [item.reason for item in found if isinstance(item, Garble)] == [reason]
    assert len(found) == 1
    # and the next frame is read all the same
    assert isinstance(frames(data + ENERGY)[-1], Frame)


def test_a_refusal_says_why() -> None:
    (frame,) = new_decoder().feed(bytes.fromhex("68 60 07 92 04 00 91 68 D1 01 37 67 16"))
    assert isinstance(frame, Frame)
    assert frame.is_refusal
    assert frame.identifier is None
    assert frame.error_word == NOT_ALLOWED
    assert refusal_text(NOT_ALLOWED) == "wrong password or not allowed"
    assert refusal_text(NO_SUCH_DATA | 0x01) == "other error, no such data"
    assert mismatch(frame, "910004920760", "00010000") is None


def test_seven_wake_up_bytes_are_no_noise() -> None:
    (frame,) = frames(b"\xfe" * 7 + ENERGY)
    assert isinstance(frame, Frame)


def test_an_echo_is_told_from_the_reply_that_follows_it() -> None:
    echo, reply = new_decoder().feed(read_request("161".zfill(12), "00010000") + ENERGY)
    assert isinstance(echo, Frame)
    assert isinstance(reply, Frame)
    assert not echo.is_reply
    assert echo.raw == ASKED
    assert reply.is_reply


def test_addresses_that_hold_68_and_16() -> None:
    for address in ("686868686868", "161616161616", "681668166816"):
        raw = encode(address, 0x91, bytes.fromhex("00000100" "26000000"))
        noise = bytes.fromhex("68 16 68 68 16")
        assert [item.address for item in frames(noise + raw + raw) if isinstance(item, Frame)] == [address] * 2


def test_a_length_that_never_comes_holds_nothing_back_for_ever() -> None:
    decoder = new_decoder()
    false_start = bytes.fromhex("68 00 00 00 00 00 00 68 91") + bytes([LONGEST_DATA])
    assert decoder.feed(false_start + ENERGY) == []
    half, frame = decoder.flush()
    assert isinstance(half, Garble)
    assert half.reason is Reason.HALF_FRAME
    assert isinstance(frame, Frame)
    assert decoder.flush() == []
    # more bytes than that length end the wait by themselves
    assert any(isinstance(item, Frame) for item in decoder.feed(false_start + ENERGY * 12))


def test_a_length_beyond_the_standard_waits_for_nothing() -> None:
    decoder = new_decoder()
    told, frame = decoder.feed(bytes.fromhex("68 00 00 00 00 00 00 68 91 FF") + ENERGY)
    assert isinstance(told, Garble)
    assert told.reason is Reason.BAD_LENGTH
    assert isinstance(frame, Frame)


def test_endless_noise_is_bounded_and_counted() -> None:
    decoder = new_decoder()
    for _ in range(200):
        assert decoder.feed(bytes(range(0x69, 0xE9)) * 4) == []
        assert not decoder.is_waiting
    (noise,) = decoder.flush()
    assert isinstance(noise, Garble)
    assert noise.size == 200 * 4 * 0x80
    assert len(noise.raw) <= 32


@pytest.mark.parametrize(
    ("raw", "decimals", "signed", "expected"),
    [
        ("26000000", 2, False, 0.26),
        ("125280", 4, True, -0.5212),
        ("125280", 4, False, 80.5212),
        ("000080", 4, True, 0.0),
        ("0000d2", 4, True, -52.0),
        ("9999f9", 4, True, -79.9999),
        ("ffff", 1, False, None),
        ("ffffff", 4, True, None),
        ("9999", 1, False, 999.9),
    ],
)
def test_numbers(raw: str, decimals: int, signed: bool, expected: float | None) -> None:
    assert number(bytes.fromhex(raw), decimals=decimals, signed=signed) == expected


@pytest.mark.parametrize("raw", ["0a00", "a000", "00ff", "ff00", "fffe"])
def test_what_is_not_decimal_is_no_number(raw: str) -> None:
    for signed in (False, True):
        with pytest.raises(BadDigitError):
            number(bytes.fromhex(raw), decimals=1, signed=signed)


def test_a_reply_must_fit_the_question() -> None:
    (frame,) = new_decoder().feed(ENERGY)
    assert isinstance(frame, Frame)
    assert mismatch(frame, "000000000161", "00010000") is None
    assert mismatch(frame, ANY_ADDRESS, "00010000") is None
    assert mismatch(frame, "000000000162", "00010000") is Reason.WRONG_ADDRESS
    assert mismatch(frame, "000000000161", "02010100") is Reason.WRONG_DATA
    (old,) = new_decoder().feed(bytes.fromhex("68 54 07 13 00 80 13 68 81 06 43 C3 34 33 33 33 2B 16"))
    assert isinstance(old, Frame)
    assert mismatch(old, old.address, "00010000") is Reason.OTHER_EDITION


def test_addresses() -> None:
    assert normal_address("161") == "000000000161"
    for wrong in ("", "1234567890123", "12a", "-1", "１２"):
        with pytest.raises(ValueError, match="12 digits"):
            normal_address(wrong)


def test_recorded_frames() -> None:
    if not RECORDED.exists():
        pytest.skip(f"no recordings at {RECORDED}")
    rows = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    valued = 0
    for row in rows:
        raw = b"\xfe" * row["preamble_fe"] + bytes.fromhex(row["hex"])
        (frame,) = frames(raw)
        if not row["checksum_ok"]:
            assert isinstance(frame, Garble)
            assert frame.reason is Reason.CHECKSUM
            continue
        assert isinstance(frame, Frame)
        assert frame.address == row["address"].upper()
        assert frame.control == row["ctrl"]
        assert frame.data.hex() == row["data_minus33"]
        assert frame.is_1997 == (row["edition"] == "1997"), row["hex"]
        if "value" in row:
            query = standard_query(row["di"], len(frame.payload))
            assert query is not None
            decoded = Dlt645().decode(query, [frame])
            assert isinstance(decoded, dict)
            assert [*decoded.values()] == [row["value"]]
            valued += 1
    assert valued >= 10


ADDRESS = st.from_regex(r"[0-9]{12}", fullmatch=True)
PIECES = st.lists(st.binary(max_size=40) | st.sampled_from([ENERGY, ASKED, ENERGY[:9], b"\x68" * 9, b"\xfe\xfe"]))


@given(PIECES, st.randoms(use_true_random=False))
def test_any_bytes_in_any_portions_give_the_same(pieces: list[bytes], random: Random) -> None:
    stream = b"".join(pieces)
    whole = frames(stream)
    decoder = new_decoder()
    portioned: list[Frame | Garble] = []
    at = 0
    while at < len(stream):
        step = random.randint(1, 30)
        portioned += decoder.feed(stream[at : at + step])
        at += step
    assert portioned + decoder.flush() == whole
    assert not decoder.is_waiting


@settings(max_examples=300)
@given(st.binary(max_size=60), st.binary(max_size=60), ADDRESS, st.binary(max_size=40))
def test_a_frame_in_noise_is_found(before: bytes, after: bytes, address: str, data: bytes) -> None:
    frame = encode(address, 0x91, data)
    found = [item for item in frames(before + frame + after) if isinstance(item, Frame)]
    # noise in front may by chance be the head of a longer valid frame; then that one swallows ours
    assert any(frame in item.raw for item in found)


@given(ADDRESS, st.integers(0, 255), st.binary(max_size=LONGEST_DATA))
def test_what_is_encoded_is_read_back(address: str, control: int, data: bytes) -> None:
    (frame,) = new_decoder().feed(encode(address, control, data))
    assert isinstance(frame, Frame)
    assert (frame.address, frame.control, frame.data) == (address, control, data)


def test_an_old_meter_is_asked_and_read_by_its_own_edition() -> None:
    query = load_tables()["dlt645-1997-single-phase"].queries[0]
    codec = CODECS["dlt645-1997"]
    assert codec.request("098600003642", query) == bytes.fromhex("FEFEFEFE 6842360000860968010243C3E016")
    (reply,) = new_decoder().feed(bytes.fromhex("6895320600000068810643C3693333332C16"))
    (newer,) = new_decoder().feed(bytes.fromhex("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16"))
    (refused,) = new_decoder().feed(bytes.fromhex("6834691708172068C10135BA16"))
    assert codec.mismatch(reply, "000000063295", query) is None
    assert codec.mismatch(reply, "999999999999", query) is None
    assert codec.mismatch(newer, "000000000161", query) is Reason.OTHER_EDITION
    assert codec.mismatch(refused, "201708176934", query) is None
    assert codec.refusal(refused) == ("no such identifier", True)
    assert codec.decode(query, [reply]) == {"energy_kwh": 0.36}


LATER = "68 17 00 43 05 01 00 00 00 00 00 10 26 F6 05 01 00 40 01 02 00 00 ED 03 16"


def test_a_frame_of_the_later_protocol_is_named_wherever_it_is_cut() -> None:
    raw = bytes.fromhex(LATER)
    for cut in range(len(raw)):
        decoder = new_decoder()
        found = decoder.feed(raw[:cut]) + decoder.feed(raw[cut:]) + decoder.flush()
        assert [item.reason for item in found if isinstance(item, Garble)] == [Reason.OTHER_PROTOCOL], cut


def test_a_frame_after_one_of_the_later_protocol_is_read() -> None:
    answer = bytes.fromhex("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16")
    for before in (bytes.fromhex(LATER), bytes.fromhex(LATER)[:16], b"\x68", b"\x68\x20\x00"):
        decoder = new_decoder()
        found = decoder.feed(before + answer) + decoder.flush()
        assert found[-1].raw == answer
