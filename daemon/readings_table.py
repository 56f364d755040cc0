"""A table of readings (CSV with the columns at,point,value) as samples by time.

Strategy. A month of a campus is millions of rows, so they are kept as three columns of numbers, 20 bytes a row, and
put in order only where they are not: samples are made while they are used.
"""

import csv
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rules.check import Check
from rules.model import Point, Sample, stamp

SHOWN_FAULTS = 20


class ReadingsError(ValueError):
    """The file is no table of readings, or a cell of it no reading; says so in words for people."""


@dataclass(slots=True)
class LeftOut:
    """The rows that could not be read: how many, and the first of them in words."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, words: str) -> None:
        self.count += 1
        if len(self.first) < SHOWN_FAULTS:
            self.first.append(words)

    def lines(self, file: Path) -> list[str]:
        """What to tell the reader of a file, a line each."""
        told = [f"{file}:{words}" for words in self.first]
        return [*told, f"{file}: {self.count} rows left out"] if told else []


class Table:
    """Readings by time; of two of one point and time the later row counts."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._numbers: dict[str, int] = {}
        self._times = array("d")
        self._which = array("I")
        self._values = array("d")
        self._order: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self._times)

    def add(self, at: float, point: Point, value: float) -> None:
        number = self._numbers.get(point.id)
        if number is None:
            number = self._numbers[point.id] = len(self._points)
            self._points.append(point)
        self._times.append(at)
        self._which.append(number)
        self._values.append(value)
        self._order = None

    def stretch(self) -> tuple[float, float] | None:
        """The first time and the last."""
        return (min(self._times), max(self._times)) if self._times else None

    def samples(self) -> Iterator[Sample]:
        """One sample a device and time."""
        if self._order is None:
            times = self._times
            is_ordered = all(times[row - 1] <= times[row] for row in range(1, len(times)))
            rows = range(len(times))
            self._order = rows if is_ordered else array("I", sorted(rows, key=times.__getitem__))
        at, by_device = 0.0, dict[str, dict[str, float]]()
        for row in self._order:
            if self._times[row] != at:
                yield from _together(at, by_device)
                at, by_device = self._times[row], {}
            point = self._points[self._which[row]]
            by_device.setdefault(point.device, {})[point.id] = self._values[row]
        yield from _together(at, by_device)


def _together(at: float, by_device: Mapping[str, Mapping[str, float]]) -> Iterator[Sample]:
    return (Sample(at, device, values) for device, values in sorted(by_device.items()))


def read_table(lines: Iterable[str], points: Mapping[str, Point], zone: ZoneInfo, left_out: LeftOut) -> Table:
    """The readings of a CSV file; rows that cannot be read go to `left_out`. Raises ReadingsError, csv.Error."""
    rows = csv.DictReader(lines)
    missing = {"at", "point", "value"}.difference(rows.fieldnames or ())
    if missing:
        raise ReadingsError(f"1: no column {', '.join(sorted(missing))}; the first line must be at,point,value")
    check = Check(points.values())
    table = Table()
    for row in rows:
        place = rows.line_num
        point = points.get(row["point"])
        if point is None:
            left_out.add(f"{place}: point {row['point']!r} is not in the configuration")
            continue
        try:
            at = time_of(row["at"] or "", zone)
            value = _value(row["value"] or "")
        except ReadingsError as error:
            left_out.add(f"{place}: {error}")
            continue
        good, refused = check.values(Sample(at, point.device, {point.id: value}), at)
        for fault in refused:
            left_out.add(f"{place}: {fault.reason.value} {fault.detail}")
        if good:
            table.add(at, point, value)
    return table


def time_of(text: str, zone: ZoneInfo) -> float:
    """Unix seconds of what people write as a time; raises ReadingsError."""
    try:
        at = _seconds(text.strip(), zone)
    except (ValueError, OverflowError):
        at = 0.0
    if not 0.0 < at < 1e11:
        raise ReadingsError(f"{text!r} is no time; write 2026-11-20 10:01:20, or Unix seconds such as 1795140080")
    return stamp(at)


def _seconds(text: str, zone: ZoneInfo) -> float:
    try:
        return float(text)
    except ValueError:
        if "/" in text:  # spreadsheets write 2026/1/5 8:05
            text = re.sub(r"(?<![.\d])\d(?!\d)", r"0\g<0>", text.replace("/", "-"))
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ReadingsError(f"{text!r} is no number") from None
