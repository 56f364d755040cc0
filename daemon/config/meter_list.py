"""The meter list of a school: rows of a spreadsheet in, meters as the configuration writes them, or what is wrong.

Strategy. Columns are known by what people call them, in any order, below any title. A cell is said in one spelling
first (`meter_cells.py`); then each key is judged by itself, so that a row tells all its mistakes at once. What needs
other meters to be judged is left to the loader, which reads the result as a configuration.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path as FilePath

from adapters.device_table import DeviceTable
from daemon.config.errors import Findings
from daemon.config.lines import Path
from daemon.config.meter_cells import address_of, line_of_cell, number_of, shown, spelled
from daemon.config.sheet import Row, SheetError, sheets
from daemon.config.timetable import Rooms

COLUMNS = {  # what a column is called by those who keep lists, lower case, without spaces and brackets
    "building": ("building", "楼", "楼栋", "楼号", "楼名", "建筑"),
    "place": ("place", "room", "location", "位置", "房间", "房间号", "房号", "教室", "宿舍", "宿舍号", "安装位置",
              "地点"),
    "model": ("model", "metermodel", "型号", "表型号", "电表型号", "仪表型号", "表计型号", "表类型", "类型"),
    "protocol": ("protocol", "协议", "规约", "通信协议", "通讯协议", "通信规约", "通讯规约"),
    "address": ("address", "meteraddress", "表地址", "地址", "通信地址", "通讯地址", "电表地址", "站号", "表号"),
    "multiplier": ("multiplier", "ratio", "ctratio", "倍率", "变比", "互感器倍率", "互感器变比", "综合倍率"),
    "part": ("part", "circuit", "回路", "部分"),
    "every_s": ("every_s", "every", "interval", "间隔", "采集间隔", "抄表间隔", "间隔秒", "周期"),
    "source": ("source", "bus", "port", "总线", "线路", "数据源", "所在总线", "串口", "端口"),
    "line": ("line", "serialsettings", "串口参数", "通信参数", "通讯参数", "波特率"),
    "note": ("note", "notes", "remark", "remarks", "备注"),
}  # fmt: skip
_TITLE_ROWS = 20  # the names of the columns stand among the first of them
_KINDS = {"电能表": "", "电表": "", "单相": "singlephase", "三相": "threephase", "冷水": "coldwater",
          "热水": "hotwater", "热量": "heat", "水": "water", "电": "electricity", "2007": "", "2004": "", "meter": "",
          "表": ""}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter of a row: the source that it goes on, and its keys as the configuration writes them."""

    row: int
    source: str
    protocol: str
    keys: Mapping[str, object]

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.source, self.protocol, str(self.keys["address"])


@dataclass(slots=True)
class MeterList:
    """What a list holds; `titles` are the columns as they are called there, `unused` those that mean nothing here.

    A mistake is told at the path `("row", number, column)`; row 0 is the file.
    """

    meters: list[Meter] = field(default_factory=list)
    titles: Mapping[str, str] = field(default_factory=dict)
    unused: Sequence[str] = ()
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What a list may name: places, models, and the serial lines, each by its port."""

    rooms: Rooms
    tables: Mapping[str, DeviceTable]
    lines: Mapping[str, str]


def read_list(file: FilePath, known: Known, findings: Findings) -> MeterList:
    """The meters of a list; the first sheet that has the columns is it."""
    found = MeterList()
    try:
        missing: set[str] = set()
        for rows in sheets(file):
            start, columns = _columns(rows)
            missing = _missing(columns)
            if not missing:
                _read_rows(rows[start + 1 :], columns, known, found, findings)
                if not found.rows:
                    findings.error(("row", 0), "list_empty")
                head = rows[start].cells
                found.titles = {name: str(head[number]).strip() for name, number in columns.items()}
                found.unused = [str(name) for n, name in enumerate(head) if name and n not in columns.values()]
                return found
        findings.error(("row", 0), "list_columns", missing=_in_both(sorted(missing)), column=", ".join(COLUMNS))
    except SheetError as error:
        findings.error(("row", 0), error.code, **error.values)
    return found


def _columns(rows: Sequence[Row]) -> tuple[int, dict[str, int]]:
    """Which row names the columns, and the number of each column that is known."""
    best: tuple[int, dict[str, int]] = (0, {})
    for start, row in enumerate(rows[:_TITLE_ROWS]):
        told = [re.sub(r"\(.*?\)|[\s*:]", "", spelled(str(cell or ""))).lower() for cell in row.cells]
        found = {name: told.index(word) for name, words in COLUMNS.items() for word in reversed(words) if word in told}
        if len(found) > len(best[1]):
            best = start, found
    return best


def _missing(columns: Mapping[str, int]) -> set[str]:
    needed = {"address": ("address",), "model": ("model", "protocol"), "place": ("place", "building")}
    return {name for name, either in needed.items() if not columns.keys() & {*either}}


def _in_both(columns: Sequence[str]) -> dict[str, str]:
    return {
        "en": ", ".join(COLUMNS[column][0] for column in columns),
        "zh": "、".join(title(column) for column in columns),
    }


def title(column: str) -> str:
    """What a column is called in Chinese."""
    return next(word for word in COLUMNS[column] if not word.isascii())


def _read_rows(
    rows: Sequence[Row], columns: Mapping[str, int], known: Known, found: MeterList, findings: Findings
) -> None:
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        cells = {name: row.cells[number] for name, number in columns.items() if number < len(row.cells)}
        cells = {name: cell for name, cell in cells.items() if cell is not None and str(cell).strip()}
        if not cells:
            continue
        found.rows += 1
        before = len(findings.errors)
        meter = _meter(row.number, cells, known, findings)
        if meter is None or len(findings.errors) > before:
            continue
        other = seen.setdefault(meter.identity, row.number)
        if other == row.number:
            found.meters.append(meter)
        else:
            path, first = ("row", row.number, "address"), ("row", other)
            findings.error(path, "duplicate_address", found=meter.keys["address"], other=first)


def _meter(row: int, cells: Mapping[str, object], known: Known, findings: Findings) -> Meter | None:
    """The meter of a row; None where a cell that is needed is empty or wrong."""
    at: Path = ("row", row)
    place, source = _place(cells, at, known, findings), _source(cells, at, known, findings)
    model = _model(cells, at, known, findings)
    address = None
    if "address" not in cells:
        findings.error((*at, "address"), "list_needed")
    elif model is not None:
        address = address_of(cells["address"], known.tables[model], (*at, "address"), findings)
    keys: dict[str, object] = {"model": model, "address": address, "place": place}
    keys |= {name: spelled(shown(cells[name])) for name in ("part",) if name in cells}
    keys |= {name: shown(cells[name]) for name in ("note",) if name in cells}
    for name in ("every_s", "multiplier"):
        if name in cells:
            keys[name] = number_of(cells[name], (*at, name), findings)
    if "line" in cells:
        keys["line"] = line_of_cell(str(cells["line"]))
    if None in keys.values() or source is None or model is None:
        return None
    return Meter(row, source, known.tables[model].protocol, keys)


# -- cells


def _place(cells: Mapping[str, object], at: Path, known: Known, findings: Findings) -> str | None:
    names = [shown(cells[name]) for name in ("building", "place") if name in cells]
    column = "place" if "place" in cells else "building"
    if not names:
        findings.error((*at, "place"), "list_needed")
        return None
    found = known.rooms.find("/".join(names)) or known.rooms.find(spelled("/".join(names)))
    if found is None and len(names) == 2:
        found = known.rooms.find(names[1]) if "/" in names[1] else None
        building = known.rooms.find(names[0])  # its name, while the room goes by its number
        names = [building or names[0], names[1]]
        found = found or known.rooms.find("/".join(names))
    if found is None:
        known.rooms.known.has_place((*at, column), "/".join(names), findings)
    return found


def _source(cells: Mapping[str, object], at: Path, known: Known, findings: Findings) -> str | None:
    path = (*at, "source")
    if not known.lines:
        findings.error(path, "list_no_lines")
        return None
    if "source" not in cells:
        if len(known.lines) == 1:
            return next(iter(known.lines))
        findings.error(path, "list_which_line", allowed=tuple(known.lines))
        return None
    told = spelled(shown(cells["source"]))
    meant = {"".join(name.lower().split()): source for source, port in known.lines.items() for name in (port, source)}
    found = meant.get("".join(told.lower().split()))
    if found is None:
        findings.choose(path, "source", told, known.lines)
    return found


def _model(cells: Mapping[str, object], at: Path, known: Known, findings: Findings) -> str | None:
    """The one model that the columns model and protocol mean."""
    told = [spelled(shown(cells[name])) for name in ("model", "protocol") if name in cells]
    path = (*at, "model" if "model" in cells or "protocol" not in cells else "protocol")
    if not told:
        findings.error(path, "list_needed")
        return None
    if told[0] in known.tables:
        return told[0]
    by_key = {_key(text): name for name, table in known.tables.items() for text in (table.title, name)}
    for text in (told[0], "".join(reversed(told))):
        if _key(text) in by_key:
            return by_key[_key(text)]
    several = tuple(_meant(_key("".join(reversed(told))), known.tables))
    if len(several) == 1:
        return several[0]
    if several:
        findings.error(path, "list_which_model", found=" ".join(told), allowed=several)
    else:
        findings.choose(path, "model", told[0], known.tables)
    return None


def _meant(key: str, tables: Mapping[str, DeviceTable]) -> Iterator[str]:
    """The models whose name holds a key as whole words, such as sdm120, or whose protocol it is."""
    for name, table in tables.items():
        words = name.split("-")
        spans = combinations(range(len(words) + 1), 2)
        said = {_key("".join(words[start:end])) for start, end in spans} | {_key(table.protocol)}
        if key in said | {_key(table.codec.title)}:
            yield name


def _key(model: str) -> str:
    """A model without what people write in different ways: `DL/T 645-2007 单相电表` is `dlt645-single-phase`."""
    told = model.lower()
    for word, key in _KINDS.items():
        told = told.replace(word, key)
    return re.sub(r"[^a-z0-9]", "", told)
