"""Tables from a spreadsheet: no row is lost among blank ones, and a table that is too long is refused."""

import tracemalloc
import zipfile
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


def packed(path: Path, part: str, head: str, piece: str, tail: str, *, size: int) -> Path:
    """A workbook of which one part holds a piece again and again."""
    Workbook().save(path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts[part] = (head.format(space) + piece * (size // len(piece)) + tail).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("part", "head", "piece", "tail"),
    [
        ("xl/sharedStrings.xml", '<sst xmlns="{}">', "<si><t>a</t></si>", "</sst>"),
        ("xl/worksheets/sheet1.xml", '<worksheet xmlns="{}"><sheetData><row>', "<c><v>1</v></c>",
         "</row></sheetData></worksheet>"),
    ],
)  # fmt: skip
def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(
    tmp_path: Path, part: str, head: str, piece: str, tail: str
) -> None:
    file = packed(tmp_path / "list.xlsx", part, head, piece, tail, size=9_000_000)
    assert file.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(SheetError) as refused:
        list(sheets(file))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "list_large"
    assert peak < 40_000_000


def test_a_reason_is_never_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks_memory(*args: object, **more: object) -> None:
        raise MemoryError

    monkeypatch.setattr("openpyxl.load_workbook", lacks_memory)
    with pytest.raises(SheetError) as refused:
        list(sheets(written(tmp_path, ".xlsx", 1, 0)))
    assert refused.value.values == {"detail": "XLSX: MemoryError"}
