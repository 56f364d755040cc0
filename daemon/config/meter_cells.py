"""Single cells of a meter list: what a spreadsheet made of an address, a number or a setting, put right or refused.

Strategy. What was damaged is restored where only one meaning is possible: zeros in front of an address whose protocol
tells how many digits it has, a whole number that is shown with decimals or as a power. Where digits are lost, or a
ratio became a date, the cell is refused.
"""

import re
import unicodedata
from datetime import date, time

from adapters.device_table import DeviceTable
from daemon.config.errors import Findings
from daemon.config.lines import Path

_DIGITS = {"dlt645-2007": (1, 12), "dlt645-1997": (1, 12), "cjt188-2004": (11, 14), "mbus": (9, 16)}  # least, all
_KEPT_DIGITS = 15  # of a number in a spreadsheet; further ones become 0
_SHOWN_DIGITS = 6  # of 1.23457E+11
_NUMBER = r"(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?"  # a comma is there for thousands alone: 1,5 may be 1.5
_RATIO = re.compile(rf"[xX×]?\s*(-?{_NUMBER})(?:\s*[/:]\s*({_NUMBER}))?\s*[xX×倍秒s]?")


def spelled(text: str) -> str:
    """Text in one spelling: half-width digits and marks, no space around it, nothing that cannot be seen."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in plain if unicodedata.category(letter) != "Cf").strip().lstrip("'").strip()


def shown(cell: object) -> str:
    """A cell as it is shown: 101 and not 101.0."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def address_of(cell: object, table: DeviceTable, path: Path, findings: Findings) -> str | None:
    """The address as its protocol writes it, restored from what a spreadsheet made of it."""
    if isinstance(cell, date | time | bool):
        findings.error(path, "list_date", found=str(cell))
        return None
    digits = _digits(cell)
    if digits is None:
        findings.error(path, "list_shortened", found=shown(cell))
        return None
    least, most = _DIGITS.get(table.protocol, (1, 0))
    if digits.isdigit() and least <= len(digits) < most:
        digits = digits.zfill(most)
    elif digits.isdigit() and table.protocol == "cjt188-2004" and len(digits) < least:
        findings.error(path, "list_maker", found=digits)
        return None
    try:
        return table.codec.address(digits)
    except ValueError:
        codec = table.codec
        findings.error(path, "bad_address", found=digits, protocol=codec.title, form=codec.address_form)
        return None


def _digits(cell: object) -> str | None:
    """An address as text; None where digits of it are lost."""
    if isinstance(cell, int | float):
        if cell != int(cell) or abs(cell) >= 10**_KEPT_DIGITS:
            return None
        digits = str(int(cell))
        is_cut = len(digits) >= 12 and not digits[_SHOWN_DIGITS:].strip("0")  # saved once as 1.23457E+11
        return None if is_cut else digits
    text = re.sub(r"\s", "", spelled(str(cell))).upper()
    if whole := re.fullmatch(r"(\d+)\.0+", text):
        return whole[1]
    if shown := re.fullmatch(r"(\d)(?:\.(\d+)E\+?|E\+)(\d+)", text):
        decimals, power = shown[2] or "", int(shown[3])
        is_whole = power <= len(decimals) <= _KEPT_DIGITS and not decimals[power:].strip("0")
        return shown[1] + decimals[:power] if is_whole else None
    return text


def number_of(cell: object, path: Path, findings: Findings) -> float | int | None:
    """A number, or a ratio such as 200/5."""
    if isinstance(cell, date | time | bool):
        findings.error(path, "list_date", found=str(cell))
        return None
    told = _RATIO.fullmatch(spelled(shown(cell)))
    above, below = (float(part.replace(",", "")) for part in (told.groups("1") if told else "00"))
    if not below:
        findings.error(path, "list_number", found=shown(cell))
        return None
    value = above / below
    return int(value) if value.is_integer() else value


def line_of_cell(cell: str) -> str:
    """`9600,N,8,1` and the like as `9600 8N1`; what is none is left to the loader to refuse."""
    text = re.sub(r"[\s,;/-]+", " ", spelled(cell).upper())
    if told := re.fullmatch(r"(\d+) ?([NEO]) ?([78]) ?([12])", text):
        return f"{told[1]} {told[3]}{told[2]}{told[4]}"
    told = re.fullmatch(r"(\d+) ([78]) ?([NEO]) ?([12])", text)
    return f"{told[1]} {told[2]}{told[3]}{told[4]}" if told else text
