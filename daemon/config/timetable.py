"""Timetables of rooms from files beside the configuration: CSV, as spreadsheets write it, and ICS.

Strategy. A row of a CSV is a lesson of each week, of odd or even weeks, or of numbered weeks of each term. An ICS file
knows days: its events are laid out over all terms (`ics.py`) and folded into weekly lessons with the days on which they
do not take place. A room is named by its id, its name, or what stands after the building where that is one room alone.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path as FilePath

from daemon.config.calendar_tables import TimetableTable
from daemon.config.campus import Campus
from daemon.config.errors import LANGUAGES, Findings
from daemon.config.files import decoded
from daemon.config.ics import UnreadableIcsError, weekly_lessons
from daemon.config.lines import Path
from daemon.config.reading import read
from daemon.config.tables import Section
from daemon.config.values import WEEKDAYS, WrongValueError, minute_of
from daemon.config.words import WORDS
from rules.calendar import Calendar, Lesson, Span

MOST_BYTES = 20_000_000
MOST_TOLD = 50  # mistakes of one file: the next ones are counted

_COLUMNS = {  # what a column is called by those who write timetables, lower case and without spaces
    "place": ("place", "room", "location", "classroom", "教室", "房间", "地点", "位置", "上课地点", "教室名称"),
    "weekday": ("weekday", "day", "星期", "周几", "星期几"),
    "start": ("start", "from", "begin", "开始", "开始时间", "上课", "上课时间"),
    "end": ("end", "to", "until", "结束", "结束时间", "下课", "下课时间"),
    "week": ("week", "weeks", "parity", "周次", "单双周", "周"),
}
_NEEDED = ("place", "weekday", "start", "end")
_SIGNS = ("一1", "二2", "三3", "四4", "五5", "六6", "日天七7")
_DAYS = {sign: number for number, signs in enumerate(_SIGNS) for sign in signs}
_WEEKS = {**dict.fromkeys(("", "0", "all", "every", "每周", "全周", "全部"), 0),
          **dict.fromkeys(("1", "odd", "单", "单周"), 1), **dict.fromkeys(("2", "even", "双", "双周"), 2)}  # fmt: skip
_Held = tuple[int, date, date]  # parity of its weeks, first and last day


@dataclass(frozen=True, slots=True)
class Rooms:
    """Finds the place that a timetable means; `building` is where rooms stand that are named without one."""

    known: Campus
    building: str | None
    by_name: Mapping[str, str]  # by name, and by room alone where only one building has it

    def find(self, text: str) -> str | None:
        inside = f"{self.building}/{text}"
        if self.building and inside in self.known.places:
            return inside
        return text if text in self.known.places else self.by_name.get(_squeezed(text))


def timetables(
    tables: Sequence[Section], calendar: Calendar, known: Campus, folder: FilePath, findings: Findings
) -> dict[str, tuple[Lesson, ...]]:
    """The lessons of all files by place id, in the order of the week."""
    lessons: dict[str, set[Lesson]] = {}
    names = names_of(known) if tables else {}
    for index, raw in enumerate(tables):
        path: Path = ("timetable", index)
        table = read(TimetableTable, raw, path, findings)
        if table is None:
            continue
        at: Path = (*path, "file")
        if table.building is not None and not known.has_place((*path, "building"), table.building, findings):
            continue
        content = _content(folder / table.file, table.file, at, findings)
        if content is None:
            continue
        rooms = Rooms(known, table.building, names)
        reading = _of_ics if table.file.lower().endswith(".ics") else _of_csv
        for place, lesson in reading(content, rooms, calendar, at, findings):
            lessons.setdefault(place, set()).add(lesson)
    return {place: tuple(sorted(rows)) for place, rows in sorted(lessons.items())}


def names_of(known: Campus) -> dict[str, str]:
    """What else may be said for a place: its name, its id without marks, its room, as far as that is one place."""
    meant: dict[str, set[str]] = {}
    for place in known.places.values():
        for name in (place.id, place.name, place.id.rpartition("/")[2]):
            meant.setdefault(_squeezed(name), set()).add(place.id)
    return {name: min(places) for name, places in meant.items() if len(places) == 1}


def _squeezed(name: str) -> str:
    return re.sub(r"[\s/-]+", "", name).lower()


def _content(file: FilePath, name: str, path: Path, findings: Findings) -> str | None:
    """A file as text, whatever Excel made of it."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES)
    except FileNotFoundError:
        findings.error(path, "file_missing", found=name)
        return None
    except OSError as error:
        findings.error(path, "file_unreadable", found=name, detail=error.strerror)
        return None
    text = decoded(raw)
    if text is None:
        findings.error(path, "file_unreadable", found=name, detail="UTF-8, GBK")
    return text


# -- CSV


def _of_csv(
    text: str, rooms: Rooms, calendar: Calendar, path: Path, findings: Findings
) -> Iterator[tuple[str, Lesson]]:
    """Each lesson with its place; an error for each row that is none, with its line, for the first of them."""
    head, _, _ = text.partition("\n")
    rows = csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count))
    wrong = 0
    try:
        columns = _columns(next(rows, []))
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            named = {language: ", ".join(_name(column)[language] for column in missing) for language in LANGUAGES}
            findings.error(path, "timetable_columns", missing=named, column=", ".join(_COLUMNS))
            return
        for cells in rows:
            if any(cell.strip() for cell in cells):
                row = {name: cells[number].strip() if number < len(cells) else "" for name, number in columns.items()}
                told = findings if wrong < MOST_TOLD else Findings()
                before = len(told.errors)
                yield from _lessons(row, rows.line_num, rooms, calendar, path, told)
                wrong += len(told.errors) > before
    except csv.Error as error:
        findings.error(path, "timetable_broken", detail=f"{rows.line_num}: {error}")
    _more(wrong, path, findings)


def _more(wrong: int, path: Path, findings: Findings) -> None:
    """How many mistakes were not told one by one."""
    if wrong > MOST_TOLD:
        findings.error(path, "timetable_more", count=wrong - MOST_TOLD)


def _columns(header: Sequence[str]) -> dict[str, int]:
    """The number of each column that is known."""
    told = [re.sub(r"\s", "", name).lower() for name in header]
    return {name: told.index(word) for name, words in _COLUMNS.items() for word in words if word in told}


def _name(column: str) -> Mapping[str, str]:
    return WORDS[f"column {column}"]


def _lessons(
    row: Mapping[str, str], line: int, rooms: Rooms, calendar: Calendar, path: Path, findings: Findings
) -> Iterator[tuple[str, Lesson]]:
    before = len(findings.errors)
    place = rooms.find(row["place"])
    if place is None:
        _no_room("timetable_room", row["place"], line, rooms, path, findings)
    days = [_weekday(day) for day in re.split(r"[、,;，；\s]+", row["weekday"])]
    weeks = _held(row.get("week", ""), calendar)
    start, end = _minute(row["start"]), _minute(row["end"])
    is_wrong = {"weekday": None in days, "week": not weeks, "start": start is None, "end": end is None}
    for column in (name for name, is_bad in is_wrong.items() if is_bad):
        values = {"column": _name(column), "form": WORDS[f"cell {column}"]}
        findings.error(path, "timetable_cell", row=line, found=row[column], **values)
    if start is not None and end is not None and start >= end:
        findings.error(path, "timetable_order", row=line, start=row["start"], end=row["end"])
    if len(findings.errors) > before or place is None or start is None or end is None:
        return
    for day in days:
        if day is not None:
            yield from ((place, Lesson(day, Span(start, end), *held)) for held in weeks)


def _held(text: str, calendar: Calendar) -> list[_Held]:
    """In which weeks: all, odd or even ones, or numbers of each term such as `1-8,10-16周(单)`; none: unreadable."""
    if text.lower() in _WEEKS:
        return [(_WEEKS[text.lower()], date.min, date.max)]
    told = re.fullmatch(r"([\d,-]+)(周?)(单|双|odd|even)?周?", _plain(text))
    if told is None or (told[1].isdigit() and not told[2]):  # a number alone may as well mean a parity
        return []
    numbers = [re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part) for part in told[1].split(",")]
    ranges = [(int(found[1]), int(found[2] or found[1])) for found in numbers if found]
    if len(ranges) < len(numbers) or any(not 1 <= begin <= end for begin, end in ranges):
        return []
    held = []
    for term in calendar.terms:
        monday = term.first + timedelta(days=2)  # a term that begins on a weekend counts from the Monday after
        monday -= timedelta(days=monday.weekday())
        for begin, end in ranges:
            first = max(term.first, monday + timedelta(weeks=begin - 1))
            last = min(term.last, monday + timedelta(weeks=end, days=-1))
            held += [(_WEEKS[told[3] or ""], first, last)] if first <= last else []
    return held


def _plain(text: str) -> str:
    """Week numbers in one spelling: `第1～16周（单）` is `1-16周单`."""
    marks = re.sub(r"[-–—~～至到]+", "-", re.sub(r"[,，、;；]", ",", text.lower()))
    return re.sub(r"[第()（）\s]", "", re.sub(r"weeks?", "周", marks))


def _weekday(text: str) -> int | None:
    """`monday`, `Mon`, `1`, `一`, `周一`, `星期一` or `礼拜一`; Monday is 0."""
    told = re.sub(r"^(周|星期|礼拜)", "", text.lower())
    english = [number for number, name in enumerate(WEEKDAYS) if len(told) > 2 and name.startswith(told)]
    return english[0] if english else _DAYS.get(told)


def _minute(text: str) -> int | None:
    """`8:00`, `08:00:00` as spreadsheets write it, or with the colon of a Chinese keyboard."""
    try:
        return minute_of(re.sub(r"^(\d+:\d+):00$", r"\1", text.replace("：", ":")))
    except WrongValueError:
        return None


def _no_room(code: str, found: str, row: int, rooms: Rooms, path: Path, findings: Findings) -> None:
    """A room that does not exist, with the nearest one of its building."""
    told = f"{rooms.building}/{found}" if rooms.building else found
    building = told.partition("/")[0]
    if building not in rooms.known.doubtful:
        allowed = rooms.known.near(told, building)
        findings.error(path, code, row=row, found=found, allowed=allowed)


# -- ICS


def _of_ics(
    text: str, rooms: Rooms, calendar: Calendar, path: Path, findings: Findings
) -> Iterator[tuple[str, Lesson]]:
    """Each weekly lesson with its place; an error for each event whose room does not exist."""
    if not calendar.terms:
        findings.error(path, "timetable_no_term")
        return
    try:
        lessons, ignored = weekly_lessons(text, calendar)
    except UnreadableIcsError as error:
        findings.error(path, "timetable_broken", detail=str(error))
        return
    if ignored:
        findings.warn(path, "timetable_ignored", count=ignored)
    unknown: dict[str, int] = {}
    for number, location, lesson in lessons:
        place = rooms.find(location)
        if place is not None:
            yield place, lesson
        else:
            unknown.setdefault(location, number)
    for location, number in islice(unknown.items(), MOST_TOLD):
        _no_room("timetable_event", location, number, rooms, path, findings)
    _more(len(unknown), path, findings)
