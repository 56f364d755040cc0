"""The files of a configuration as one document: the user's own, and those that its `include` names.

Strategy. The lists of tables of an included file follow those of the user's own file, in order. A `[[source]]` there
that says no more than a name goes on with the source of that name: its devices and topics join those it has. Where
each table was moved to is noted, so that a mistake is told at the line of the file that holds it.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from daemon.config.errors import Findings, Problem
from daemon.config.lines import Path, Spot, key_lines

_PIECES = ("device", "topic")  # of a source

_WIDE = re.compile("[“”‘’，＝]")  # what a Chinese keyboard or a word processor writes
_CLOSED = re.compile(r"\"[^\"]*\"|'[^']*'|#.*")  # in a string or a comment they are welcome


@dataclass(frozen=True, slots=True)
class Text:
    """A file as it is written, and where its tables stand in the document."""

    file: str
    text: str
    moved: dict[Path, Path] = field(default_factory=dict)

    def place(self, path: Path) -> Path:
        """Where a path of this file leads in the document."""
        for length in (4, 2):  # a device of a source, a table of a list
            if path[:length] in self.moved:
                return self.moved[path[:length]] + path[length:]
        return path


@dataclass(frozen=True, slots=True)
class Document:
    """The tables of all files; none when the user's own file could not be read."""

    tables: dict[str, Any] | None
    texts: tuple[Text, ...]

    def spots(self) -> dict[Path, Spot]:
        """The file and line of every key, table and item."""
        found: dict[Path, Spot] = {}
        for text in self.texts:
            for path, line in key_lines(text.text).items():
                found.setdefault(text.place(path), Spot(text.file, line))
        return found


def gathered(path: FilePath, findings: Findings, *, instead: Mapping[FilePath, str] | None = None) -> Document:
    """A configuration with all that it includes.

    `instead` holds the text of included files that are about to be written; the user's own need not name them yet.
    """
    read = _read(path, findings)
    if read is None:
        return Document(None, ())
    text, tables = read
    planned = instead or {}
    texts = [Text(str(path), text)]
    known = {path.parent / name: name for name in _names(tables.get("include"))}
    numbers = {file: number for number, file in enumerate(known)}
    for file in dict.fromkeys([*known, *planned]):
        if file not in planned and not file.exists():
            findings.error(("include", numbers[file]), "file_missing", found=known[file])
            continue
        read = _read(file, findings, planned.get(file))
        if read is not None:
            texts.append(Text(str(file), read[0]))
            _join(tables, read[1], texts[-1], findings)
    return Document(tables, tuple(texts))


def _names(told: object) -> list[str]:
    """The included files; what is no name is told where the table is read."""
    return [name for name in (told if isinstance(told, list) else [told]) if isinstance(name, str)]


def goes_on(source: Mapping[str, Any]) -> bool:
    """Whether a source says no more than a name, and what belongs to the source of that name in another file."""
    return "name" in source and {*source} <= {"name", *_PIECES} and len(source) > 1


def names_of_sources(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    """The sources that another file can go on with."""
    return [str(source["name"]) for source in sources if "name" in source and not goes_on(source)]


def _join(tables: dict[str, Any], more: Mapping[str, Any], text: Text, findings: Findings) -> None:
    """Add the tables of an included file."""
    for key, items in more.items():
        if not _is_list_of_tables(items) or not _is_list_of_tables(tables.get(key, [])):
            _wrong(text, (key,), "include_tables", findings, found=key)
            continue
        joined = tables.setdefault(key, [])
        for number, item in enumerate(items):
            first = _going_on(joined, item) if key == "source" else None
            text.moved[key, number] = (key, len(joined) if first is None else first)
            if first is None:
                joined.append(item)
            else:
                _join_pieces(joined[first], item, (key, number), text, findings)


def _going_on(sources: Sequence[Mapping[str, Any]], item: Mapping[str, Any]) -> int | None:
    """The number of the source that an item goes on with."""
    names = [source.get("name") for source in sources]
    return names.index(item["name"]) if goes_on(item) and item["name"] in names else None


def _join_pieces(source: dict[str, Any], item: Mapping[str, Any], path: Path, text: Text, findings: Findings) -> None:
    """Add the devices and topics of an item to the source that it goes on with."""
    for key in item.keys() - {"name"}:
        if not _is_list_of_tables(item[key]):
            _wrong(text, (*path, key), "wrong_type", findings, expected="tables", found_type=type(item[key]).__name__)
        elif _is_list_of_tables(source.get(key, [])):
            joined = source.setdefault(key, [])
            for number, table in enumerate(item[key]):
                text.moved[*path, key, number] = (*text.moved[path], key, len(joined))
                joined.append(table)


def _is_list_of_tables(items: object) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _wrong(text: Text, path: Path, code: str, findings: Findings, **values: object) -> None:
    findings.errors.append(Problem(path, code, values, Spot(text.file, key_lines(text.text)[path])))


# -- one file


def _read(path: FilePath, findings: Findings, text: str | None = None) -> tuple[str, dict[str, Any]] | None:
    """The text and its tables; a mistake of syntax keeps the line that the parser tells."""

    def wrong(code: str, line: int, **values: object) -> None:
        findings.errors.append(Problem((), code, values, Spot(str(path), line)))

    try:
        text = path.read_text(encoding="utf-8-sig") if text is None else text
        return text, tomllib.loads(text)
    except OSError as error:
        wrong("no_file", 1, detail=error.strerror)
    except UnicodeDecodeError as error:
        wrong("not_utf8", path.read_bytes()[: error.start].count(b"\n") + 1)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, tables nested without end
        findings.errors.append(_of_syntax(str(path), text or "", str(error)))
    return None


def _of_syntax(file: str, text: str, detail: str) -> Problem:
    """What the parser found, said in our words where it is a common slip."""
    told = re.search(r" \(at line (\d+), column \d+\)", detail)
    line = int(told[1]) if told else text.count("\n") + 1
    if twice := re.match(r"Cannot declare \((.*)\) twice", detail):
        found = ".".join(re.findall(r"'([^']*)'", twice[1]))
        return Problem((), "table_twice", {"found": found}, Spot(file, line))
    wide = _WIDE.findall(_CLOSED.sub("", text.split("\n")[line - 1]))
    if wide:
        found = " ".join(dict.fromkeys(wide))
        return Problem((), "syntax_wide", {"detail": detail, "found": found}, Spot(file, line))
    return Problem((), "syntax", {"detail": detail}, Spot(file, line))
