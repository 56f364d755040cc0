"""A table that people keep in a spreadsheet, XLSX or CSV, read as rows of cells and written as a template."""

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from daemon.config.files import decoded

MOST_BYTES = 20_000_000
MOST_ROWS = 20_000
_MOST_LINES = 200_000  # blank ones among them
_WORKBOOK_BYTES, _WORKBOOK_ROWS = 8_000_000, 5_000  # unpacked; twice what so many rows of 15 columns take
_MOST_COLUMNS = 100
_HEAD = 20  # lines that tell the delimiter


class Row(NamedTuple):
    """A row with its number as a spreadsheet shows it; a cell is text, a number, a date, True, False or None."""

    number: int
    cells: tuple[object, ...]


class SheetError(Exception):
    """A file that is no table that can be read; `code` and `values` make its message."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def sheets(path: Path) -> Iterator[list[Row]]:
    """The rows of each sheet that hold something; raises SheetError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SheetError("no_file", detail=error.strerror) from error
    if len(raw) > MOST_BYTES:
        raise SheetError("list_large", rows=MOST_ROWS)
    is_workbook = raw[:4] == b"PK\x03\x04"
    if raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":  # a workbook as before 2007, or one with a password
        raise SheetError("list_old")
    yield from _workbook(raw) if is_workbook else [_held(_text(raw))]


def _held(rows: Iterable[Row]) -> list[Row]:
    """The rows that hold something; none is left out without a word."""
    held: list[Row] = []
    for count, row in enumerate(rows, 1):
        if any(cell not in (None, "") for cell in row.cells):
            held.append(row)
        if len(held) > MOST_ROWS or count > _MOST_LINES:
            raise SheetError("list_large", rows=MOST_ROWS)
    return held


def _workbook(raw: bytes) -> Iterator[list[Row]]:
    """The sheets of an XLSX file; of a formula the value that the spreadsheet last worked out."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            size = sum(part.file_size for part in packed.infolist())  # no more than that is ever unpacked
        if size > _WORKBOOK_BYTES:
            raise SheetError("list_large", rows=_WORKBOOK_ROWS)
        with warnings.catch_warnings(action="ignore"):  # about what a workbook has besides cells
            book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs write a size that is wrong
            cells = sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS)
            yield _held(Row(number, row) for number, row in enumerate(cells, 1))
    except SheetError:
        raise
    except Exception as error:  # openpyxl raises whatever its parts say about a damaged file
        raise SheetError("list_unreadable", detail=f"XLSX: {str(error) or type(error).__name__}") from error


def _text(raw: bytes) -> Iterator[Row]:
    """The rows of a CSV file, in UTF-8, UTF-16 or GBK; a row that begins with # is a comment."""
    text = decoded(raw)
    if text is None:
        raise SheetError("list_unreadable", detail="CSV: UTF-8, GBK")
    head = "".join(text.splitlines(keepends=True)[:_HEAD])
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count)), 1):
            if not (cells and cells[0].lstrip().startswith("#")):
                yield Row(number, tuple(cells[:_MOST_COLUMNS]))
    except csv.Error as error:
        raise SheetError("list_unreadable", detail=f"CSV: {error}") from error


def write_sheet(path: Path, titles: tuple[str, str], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> None:
    """Write rows, the first of them the head, as text that a spreadsheet leaves alone; FileExistsError if it is there.

    The notes are a second sheet, or comments at the end of a CSV; `titles` are those of the two sheets.
    """
    is_workbook = path.suffix.lower() == ".xlsx"
    raw = _as_workbook(titles, rows, notes) if is_workbook else _as_text(rows, notes)
    with path.open("xb") as file:
        file.write(raw)


def _as_workbook(titles: tuple[str, str], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book: Any = Workbook()
    sheet = book.active
    sheet.title = titles[0]
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for number in range(1, len(rows[0]) + 1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = 24
        sheet.column_dimensions[letter].number_format = "@"  # text: what is typed below keeps its zeros
        for cell in sheet[letter]:
            cell.number_format = "@"
    told = book.create_sheet(titles[1])
    told.column_dimensions["A"].width = 110
    for note in notes:
        told.append([note])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def _as_text(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> bytes:
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerows(rows)
    writer.writerows([f"# {note}"] for note in notes)
    return held.getvalue().encode("utf-8-sig")
