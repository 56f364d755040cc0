"""A meter list into the included file of a configuration, judged as the loader will judge it.

Strategy. The list's rows become the included file as it would be, and the loader reads the whole configuration with it.
What it complains of at a device of a row is told at that row; where a device that the list does not have claims the
same, it is told at the row too. So a list is held to the same rules, in the same words, as what is written by hand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from adapters.device_table import DeviceTable, DeviceTableError, load_tables
from daemon.config.campus import campus
from daemon.config.errors import Findings, Problem, message_language, report, sentence
from daemon.config.files import TABLES_FOLDER
from daemon.config.including import Document, gathered
from daemon.config.lines import Path, Spot, spot_of
from daemon.config.loading import examined, language_of
from daemon.config.meter_file import Edited, edited
from daemon.config.meter_list import Known, Meter, MeterList, read_list
from daemon.config.meter_template import is_example
from daemon.config.reading import read
from daemon.config.sheet import MOST_BYTES
from daemon.config.tables import FileTable
from daemon.config.timetable import Rooms, names_of
from daemon.config.words import WORDS


@dataclass(slots=True)
class Import:
    """What an import would do, and what is wrong, told in `language`.

    `elsewhere` are mistakes that stand in no row; `bad` are the numbers of the rows that cannot be used. `text` is
    what the included file would hold, `is_new` whether that differs, and `is_included` whether the configuration
    names it.
    """

    language: str
    listed: MeterList = field(default_factory=MeterList)
    edit: Edited = field(default_factory=Edited)
    bad: set[int] = field(default_factory=set)
    rows: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    is_included: bool = False
    is_new: bool = False


def planned(
    config: FilePath, file: FilePath, into: FilePath, *, environ: Mapping[str, str], prune: bool = False,
    good_rows: bool = False,
) -> Import:  # fmt: skip
    """What the import of a list would do; with `good_rows` bad ones are left out until the rest can be used."""
    findings = Findings()
    old = _text_of(into, findings)
    document = gathered(config, findings, instead={into: old or ""})
    made = Import(message_language(environ, language_of(document.tables)))
    if findings.errors or document.tables is None:
        made.elsewhere = report(document.spots(), findings.errors, made.language)
        return made
    made.is_included = str(into) in {str(config.parent / name) for name in _included(document)}
    tables = _device_tables(config.parent / TABLES_FOLDER)
    listed = read_list(file, _known(document, tables), findings)
    for meter in filter(is_example, listed.meters):
        findings.error(("row", meter.row), "list_example")
    made.listed = listed
    in_rows: list[Problem] = [*findings.errors]
    bad = {_row(problem.path) for problem in in_rows}
    while True:
        meters = [meter for meter in listed.meters if meter.row not in bad]
        made.edit = edited(old or WORDS["meters_head"][made.language], meters, tables, prune=prune)
        document, others, found, hints = _judged(config, into, made.edit, {meter.row: meter.keys for meter in meters})
        in_rows += found
        spots = document.spots() | {("row", row): Spot(str(file), row) for row in _rows(in_rows + hints, listed.meters)}
        bad |= {_row(problem.path) for problem in found}
        if not found or not good_rows:
            break
    made.bad = bad - {0}
    made.rows = _told(in_rows, spots, made)
    made.hints = _told(hints, spots, made)
    if not bad or good_rows:
        made.elsewhere = report(spots, others, made.language)
    made.is_new = made.edit.text != old
    return made


def _text_of(file: FilePath, findings: Findings) -> str | None:
    """The included file as it is; None if there is none yet."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return opened.read(MOST_BYTES)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        findings.errors.append(Problem((), "not_utf8", {}, Spot(str(file), 1)))
    except OSError as error:
        findings.errors.append(Problem((), "no_file", {"detail": error.strerror}, Spot(str(file), 1)))
    return None


def _included(document: Document) -> list[str]:
    told = (document.tables or {}).get("include", [])
    return [str(name) for name in (told if isinstance(told, list) else [told])]


def _device_tables(folder: FilePath) -> Mapping[str, DeviceTable]:
    """What `model` may be; a table that cannot be used is told by the loader."""
    try:
        return load_tables(folder)
    except DeviceTableError:
        return load_tables()


def _known(document: Document, tables: Mapping[str, DeviceTable]) -> Known:
    file = read(FileTable, document.tables or {}, (), Findings(), site={"id": "any"}) or FileTable(site={})
    places = campus(file, Findings())
    lines = {
        str(source.get("name")): str(source.get("port", "")) for source in file.source if source.get("kind") == "serial"
    }
    return Known(Rooms(places, None, names_of(places)), tables, lines)


def _judged(
    config: FilePath, into: FilePath, edit: Edited, keys: Mapping[int, Iterable[str]]
) -> tuple[Document, list[Problem], list[Problem], list[Problem]]:
    """The configuration with the file as it would be: mistakes elsewhere, mistakes in rows, warnings in rows."""
    findings = Findings()
    document = gathered(config, findings, instead={into: edit.text})
    examined(config, document, findings)
    text = next((text for text in document.texts if text.file == str(into)), None)
    rows = {text.place(path): row for path, row in edit.rows.items()} if text else {}
    gone = {text.place(path) for path in edit.gone_at} if text else set()
    errors = [_at_row(problem, rows, gone, keys) for problem in findings.errors]
    hints = [_at_row(problem, rows, gone, keys) for problem in findings.warnings]
    return (
        document,
        [problem for problem in errors if not _row(problem.path)],
        [problem for problem in errors if _row(problem.path)],
        [problem for problem in hints if _row(problem.path)],
    )


def _at_row(
    problem: Problem, rows: Mapping[Path, int], gone: Iterable[Path], keys: Mapping[int, Iterable[str]]
) -> Problem:
    """A problem told at the row that it speaks of; the second place of two is one's own if the first is no row.

    A key that the list does not tell was written by hand, and is told where it is.
    """
    path, values = problem.path, dict(problem.values)
    other = values.get("other")
    there = other if isinstance(other, tuple) else ()
    if path[:4] not in rows and there[:4] in rows:
        path, there = there, path
    if there:
        values["other"] = ("row", rows[there[:4]]) if there[:4] in rows else there
        values["is_gone"] = there[:4] in gone
    if path[:4] in rows and (len(path) == 4 or str(path[4]) in keys[rows[path[:4]]]):
        path = ("row", rows[path[:4]], *path[4:])
    return replace(problem, path=path, values=values)


def _row(path: Path) -> int:
    """The row that a path of a list names; 0 if it is of no list."""
    return path[1] if len(path) > 1 and path[0] == "row" and isinstance(path[1], int) else 0


def _rows(problems: Iterable[Problem], meters: Iterable[Meter]) -> set[int]:
    return {_row(problem.path) for problem in problems} | {meter.row for meter in meters}


def _told(problems: Iterable[Problem], spots: Mapping[Path, Spot], made: Import) -> list[str]:
    """Each problem with its row and column, in the order of the list."""
    language = made.language
    told = []
    for problem in sorted(problems, key=lambda problem: _row(problem.path)):
        column = str(problem.path[2]) if len(problem.path) > 2 else ""
        title = made.listed.titles.get(column, column)
        where = WORDS["list_row_column" if title else "list_row"][language]
        said = sentence(problem, spots, language)
        remedy = WORDS["list_prune"][language] if problem.values.get("is_gone") else ""
        spot = spot_of(spots, problem.path)
        start = where.format(row=spot.line, column=title) if spot.line else f"{spot.file}: "
        told.append(start + said + remedy)
    return [*dict.fromkeys(told)]
