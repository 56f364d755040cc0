"""Tables from a spreadsheet: no row is lost among blank ones, and a table that is too long is refused."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from daemon.config import sheet
from daemon.config.sheet import SheetError, sheets


def written(folder: Path, suffix: str, rows: int, blanks: int) -> Path:
    """So many rows, each with so many blank ones before it."""
    path = folder / f"list{suffix}"
    if suffix == ".csv":
        path.write_text("".join("\n" * blanks + f"{row},x\n" for row in range(rows)))
        return path
    book = Workbook()
    for row in range(rows):
        book.worksheets[0].cell((row + 1) * (blanks + 1), 1, str(row))
    book.save(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_rows_behind_blank_ones_are_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(sheet, "MOST_ROWS", 30)
    monkeypatch.setattr(sheet, "_MOST_LINES", 300)
    (held,) = sheets(written(tmp_path, suffix, 30, 5))
    assert [row.cells[0] for row in held] == [str(row) for row in range(30)]
    assert [row.number for row in held] == [6 * (row + 1) for row in range(30)]
    for rows, blanks in ((31, 0), (31, 5), (2, 200)):
        with pytest.raises(SheetError, match="list_large"):
            list(sheets(written(tmp_path, suffix, rows, blanks)))
