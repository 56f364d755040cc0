"""`caretaker decode`: JSON lines for frames and faults, from any way of writing bytes."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dlt645 import encode
from adapters.protocols import CODECS
from daemon.commands import decode

SHARED = Path(os.environ.get("CARETAKER_SHARED", Path(__file__).resolve().parents[2] / "shared"))
RECORDED = SHARED / "data" / "frames" / "dlt645_frames.jsonl"

VOLTAGE = "68 45 92 66 23 00 10 68 91 06 33 34 34 35 66 55 62 16"
ASKED = "68 61 01 00 00 00 00 68 11 04 33 34 35 35 18 16"

TARIFFS = (
    "68 12 00 00 00 10 20 68 91 18 33 32 34 33 5C 34 33 33 95 33 33 33 93 33 33 33 36 33 33 33 35 33 33 33 74 16"
)


def run(
    capsys: pytest.CaptureFixture[str], *texts: str, protocol: str = "dlt645"
) -> tuple[int, list[dict[str, Any]], str]:
    parser = argparse.ArgumentParser()
    decode.add(parser)
    code = decode.run(parser.parse_args([protocol, *texts]))
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


@pytest.mark.parametrize(
    "texts",
    [(VOLTAGE,), (VOLTAGE.replace(" ", "").lower(),), tuple(VOLTAGE.split()), ("FE FE FE FE " + VOLTAGE,),
     tuple("0x" + byte for byte in VOLTAGE.split()), (VOLTAGE.replace(" ", ", "),)],
)  # fmt: skip
def test_a_reply_however_its_bytes_are_written(capsys: pytest.CaptureFixture[str], texts: tuple[str, ...]) -> None:
    assert run(capsys, *texts) == (0, [{
        "address": "100023669245", "control": "91", "kind": "reply", "function": "read", "identifier": "02010100",
        "values": [{"quantity": "voltage_v", "which": "A", "value": 223.3, "unit": "V"}], "frame": VOLTAGE,
    }], "")  # fmt: skip


def test_a_request_says_what_it_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,), _ = run(capsys, ASKED)
    assert code == 0
    assert (line["kind"], line["identifier"], line["quantity"]) == ("request", "02020100", "current_a")
    code, (line,), _ = run(capsys, "68 12 00 00 00 10 20 68 11 04 33 32 34 35 F5 16")
    assert (line["identifier"], line["quantity"]) == ("0201FF00", "voltage_v")


def test_blocks_absent_values_and_signs(capsys: pytest.CaptureFixture[str]) -> None:
    _, (tariffs,), _ = run(capsys, TARIFFS)
    assert [(row["which"], row["value"]) for row in tariffs["values"]] == [
        ("forward active", 1.29), ("forward active, tariff 1", 0.62), ("forward active, tariff 2", 0.6),
        ("forward active, tariff 3", 0.03), ("forward active, tariff 4", 0.02),
    ]  # fmt: skip
    _, (phases,), _ = run(capsys, "68 90 78 06 00 00 00 68 91 0A 33 32 34 35 CB 55 37 56 32 32 58 16")
    assert phases["values"][2] == {"quantity": "voltage_v", "which": "C", "is_absent": True, "unit": "V"}
    _, (power,), _ = run(capsys, "68 45 23 01 00 00 00 68 91 07 33 33 36 35 45 58 B3 F2 16")
    assert power["values"] == [{"quantity": "power_w", "value": -251.2, "unit": "W"}]


def test_what_has_no_known_format_is_shown_as_digits(capsys: pytest.CaptureFixture[str]) -> None:
    code, (date,), _ = run(capsys, "68 12 00 00 00 10 20 68 91 08 34 34 33 37 34 44 34 49 72 16")
    assert (code, date["identifier"], date["data"]) == (0, "04000101", "16011101")
    code, (address,), _ = run(capsys, "68 01 00 00 00 00 00 68 93 06 34 33 33 33 33 33 9D 16")
    assert (code, address["function"], address["data"]) == (0, "read the address", "000000000001")


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        (VOLTAGE[:-5] + "63 16", "checksum", "checksum"),
        (VOLTAGE[:-2] + "17", "bad_end", "16"),
        (VOLTAGE.replace("10 68 91", "10 69 91"), "noise", "no frame"),
        (VOLTAGE[:-9], "half_frame", "cut off"),
        (VOLTAGE[:26] + " FF", "bad_length", "not what the standard allows"),
        ("FE FE FE", "half_frame", "cut off"),
        ("68 60 07 92 04 00 91 68 D1 01 37 67 16", "meter_refused", "wrong password or not allowed"),
        ("68 17 00 43 05 01 00 00 00 00 00 10 26 F6 05 01 00 40 01 02 00 00 ED 03 16", "other_protocol", "698.45"),
        ("68 17 00 43 05 01 00 00 00 00 00 10 26 F6 05 01 00 40 01 02 00 00 ED 04 16", "checksum", "checksum"),
        ("68 34 69 17 08 17 20 68 C1 01 35 BA 16", "meter_refused", "no such identifier"),
        (encode("000000000001", 0x91, bytes.fromhex("000101020A00")).hex(), "bad_digit", "000A"),
        (encode("000000000001", 0x91, bytes.fromhex("0001010200")).hex(), "wrong_data", "1 bytes of data, not 2"),
    ],
)
def test_faults_have_a_reason(capsys: pytest.CaptureFixture[str], text: str, reason: str, told: str) -> None:
    code, (line,), _ = run(capsys, text)
    assert code == 1
    assert line["fault"] == reason
    assert told in line["detail"]
    assert "values" not in line
    assert line["frame"]


def test_a_fault_does_not_hide_the_frames_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = run(capsys, "00 11 " + ASKED + VOLTAGE, VOLTAGE[:-3], VOLTAGE)
    assert code == 1
    kinds = [line.get("fault", line.get("kind")) for line in lines]
    assert kinds == ["noise", "request", "reply", "half_frame", "reply"]


@pytest.mark.parametrize(
    ("text", "told"), [("zz", "'z'"), ("686", "3 hexadecimal digits"), ("", "0 hexadecimal"), ("68 ６8", "'６'")]
)
def test_text_that_is_no_hexadecimal(capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    code, lines, error = run(capsys, VOLTAGE, text)
    assert (code, lines) == (1, [])
    assert told in error


def test_recorded_frames(capsys: pytest.CaptureFixture[str]) -> None:
    if not RECORDED.exists():
        pytest.skip(f"no recordings at {RECORDED}")
    for row in map(json.loads, RECORDED.read_text(encoding="utf-8").splitlines()):
        code, (line,), _ = run(capsys, row["hex"])
        assert code == (1 if not row["checksum_ok"] or row["ctrl"] & 0x40 else 0), row
        if row["checksum_ok"]:
            assert line.get("edition", "2007") == row["edition"]
        if "value" in row:
            assert [item["value"] for item in line["values"]] == [row["value"]]


@given(st.binary(min_size=1, max_size=80))
def test_any_bytes_give_lines(data: bytes) -> None:
    lines = list(decode.decoded(CODECS["dlt645-2007"], data))
    assert lines
    assert all("fault" in line or "address" in line for line in lines)


def test_modbus_and_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "frames.txt"
    file.write_text("# a request and its answer\n01 04 00 00 00 02 71 CB\n\n0104044366333 41B38  # 230.2 V\n", "utf-8")
    code, (asked, answered), _ = run(capsys, str(file), protocol="modbus")
    assert code == 0
    assert (asked["kind"], asked["start"], asked["count"]) == ("request", 0, 2)
    assert (answered["address"], answered["registers"]) == ("1", [0x4366, 0x3334])
    code, (refused, damaged), _ = run(capsys, "01 83 02 C0 F1", "01 04 04 43 66 33 34 1B 39", protocol="modbus")
    assert code == 1
    assert (refused["fault"], damaged["fault"]) == ("meter_refused", "checksum")
    code, lines, error = run(capsys, str(tmp_path / "missing.txt"))
    assert (code, lines) == (1, [])
    assert "no hexadecimal text" in error
