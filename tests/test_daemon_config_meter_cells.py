"""Single cells of a meter list: restored where only one meaning is possible, refused where digits are lost."""

import subprocess
import sys
from datetime import date, datetime, time

import pytest

from adapters.device_table import load_tables
from daemon.config.errors import Findings, sentence
from daemon.config.lines import Spot
from daemon.config.meter_cells import address_of, line_of_cell, number_of

SINGLE = "dlt645-single-phase"
ADDRESSES = [  # model, cell of a workbook, the address or what is said
    (SINGLE, "000000012345", "000000012345"), (SINGLE, 12345, "000000012345"), (SINGLE, 12345.0, "000000012345"),
    (SINGLE, "'12345", "000000012345"), (SINGLE, "１２３４５", "000000012345"),
    (SINGLE, " 0000 0001 2345\u200b", "000000012345"),
    (SINGLE, 123456789012, "123456789012"), (SINGLE, "1.23456789012E+11", "123456789012"),
    (SINGLE, "12345.0", "000000012345"), (SINGLE, 123457000000, "digits are lost"),
    (SINGLE, 1.23457e11, "digits are lost"),
    (SINGLE, "123457000000", "123457000000"), (SINGLE, "1E+11", "digits are lost"), (SINGLE, 1.5, "digits are lost"),
    (SINGLE, datetime(2026, 10, 5), "made a date of it"), (SINGLE, True, "made a date of it"),
    (SINGLE, -5, "wants 12 digits"),
    ("cjt188-cold-water", 330011223344, "00330011223344"), ("cjt188-cold-water", "78330011223344", "78330011223344"),
    ("cjt188-cold-water", 11223344, "too short to tell"),
    ("mbus-water", "1149037877040E16", "1149037877040E16"), ("mbus-water", 1.149037877040e29, "digits are lost"),
    ("mbus-water", 149037877040716, "0149037877040716"), ("mbus-water", 1149037877040716, "digits are lost"),
    ("mbus-water", 5, "5"),
    ("eastron-sdm120", 17, "17"), ("eastron-sdm120", "017", "17"), ("eastron-sdm120", "17.0", "17"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "cell", "expected"), ADDRESSES)
def test_an_address_is_restored_or_refused(model: str, cell: object, expected: str) -> None:
    findings = Findings()
    found = address_of(cell, load_tables()[model], ("row", 2, "address"), findings)
    said = [sentence(problem, {(): Spot("list", 1)}, "en") for problem in findings.errors]
    assert (found == expected and not said) or (found is None and len(said) == 1 and expected in said[0])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (40, 40), (40.0, 40), (1.5, 1.5), ("４０", 40), ("1,000", 1000), ("200/5", 40), ("200：5", 40), ("×40", 40),
        ("40倍", 40), ("30 秒", 30), ("0", 0), ("-1", -1), ("5/2", 2.5), ("a", None), ("1/0", None), ("1e3", None),
        ("100×40", None), ("100x40", None), ("2x5", None), ("200/5x2", None), ("1 200/5", None), ("1,5", None),
        ("0,5", None), ("0,500", None), ("1,00", None), ("12,3456", None), ("1 000", None), ("4倍0", None), ("x", None),
        ("12,345,678.5", 12345678.5), ("1,000/5", 200), ("200 / 5 倍", 40), ("x 40", 40), ("40x", 40), ("60s", 60),
        ("-0.5", -0.5), ("x-2", -2), ("--1", None), ("1/2/3", None),
        ("", None), (datetime(2026, 10, 5), None), (date(2026, 10, 5), None), (time(1, 2), None), (True, None),
    ],
)  # fmt: skip
def test_a_number(cell: object, value: float | None) -> None:
    findings = Findings()
    assert number_of(cell, ("row", 2, "multiplier"), findings) == value
    assert len(findings.errors) == (value is None)


@pytest.mark.parametrize(
    "text",
    ["9600 8N1", "9600,8,N,1", "9600,n,8,1", "9600-8-N-1", "９６００ 8n1", "9600 8 N 1", "9600/8N1", " 9600  N81"],
)
def test_the_settings_of_a_line(text: str) -> None:
    assert line_of_cell(text) == "9600 8N1"


@pytest.mark.parametrize("text", ["9600", "8N1", "9600 8N", "X"])
def test_what_is_no_setting_is_left_to_the_loader(text: str) -> None:
    assert line_of_cell(text) == text


def test_a_gateway_does_without_spreadsheets() -> None:
    code = "import sys, daemon.cli, daemon.config, daemon.wiring\nassert not {'openpyxl', 'tomlkit'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)
