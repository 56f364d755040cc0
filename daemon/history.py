"""What was measured, read back in the order it was judged: from the log of a gateway, or from a table of readings."""

import csv
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from adapters.source import state_points
from daemon.config import Loaded
from daemon.packing import Entry, Layout
from daemon.readings_table import LeftOut, ReadingsError, Table, read_table
from daemon.store import (
    LoggedBatch,
    connect,
    last_snapshot,
    logged,
    logged_packets,
    logged_stretch,
    open_incident,
)
from rules.fact import PEOPLE, fact_points, is_fact
from rules.model import Flag, Point, Sample
from rules.watch import Watch

BATCH_S = 600.0  # of a table, which has no commits of its own

Points = frozenset[str]


_WORDS = {
    "zh": {
        "nothing": "{path}：按此配置运行的网关还没有过记录；请用 --readings 给出读数表",
        "unreadable": "{path}：{error}；它是 caretaker 的数据库吗？当前用户能读它吗？",
        "not_utf8": "{path}：不是 UTF-8 文本；请另存为 CSV UTF-8",
    },
    "en": {
        "nothing": "{path}: no gateway has run with this configuration yet; give a table with --readings",
        "unreadable": "{path}: {error}; is it a database of caretaker, and may this user read it?",
        "not_utf8": "{path}: this is not UTF-8 text; save it as CSV UTF-8",
    },
}


class HistoryError(Exception):
    """There is nothing to read, or it cannot be read; the message says what to do."""


class History(Protocol):
    """Samples with their flags, in batches that end with the mark up to which all was judged."""

    @property
    def stretch(self) -> tuple[float, float] | None:
        """From the first reading to the last mark."""

    def batches(self, since: float, until: float, points: Points | None = None) -> Iterator[LoggedBatch]:
        """The batches that hold something between these times; of other points than these as little as is easy.

        The first also holds what people declared last before it: that stays true however long ago it was.
        """

    def begin(self, at: float, watches: Iterable[Watch], points: Points) -> float:
        """When began what these watches know at a time: their open alerts, and the silence of these points."""


class StoredHistory:
    """The log of a gateway, which may be running."""

    def __init__(self, path: Path, language: str = "en") -> None:
        say = _WORDS[language]
        if not path.exists():
            raise HistoryError(say["nothing"].format(path=path))
        try:
            self._db = connect(path, read_only=True)
            self.stretch = logged_stretch(self._db)
        except sqlite3.Error as error:
            raise HistoryError(say["unreadable"].format(path=path, error=error)) from error

    @property
    def connection(self) -> sqlite3.Connection:
        return self._db

    def batches(self, since: float, until: float, points: Points | None = None) -> Iterator[LoggedBatch]:
        def is_wanted(layout: Layout) -> bool:
            return points is None or layout[0].startswith("source/") or not points.isdisjoint(layout[1:])

        told = logged_packets(self._db, PEOPLE, since, is_wanted=is_wanted)
        declared = _newest_facts((entry for batch in told for entry in batch.entries), since, points)
        return _begun(declared, logged(self._db, since, until, is_wanted=is_wanted))

    def begin(self, at: float, watches: Iterable[Watch], points: Points) -> float:
        opened = (open_incident(self._db, watch.rule, watch.key, at) for watch in watches)
        begun = [incident.raised.evidence.since for incident in opened if incident is not None]
        saved = last_snapshot(self._db)
        newest = saved.latest if saved is not None else {}
        heard = [newest[point][0] for point in points if point in newest]
        return min([at, *begun, *heard])


class TableHistory:
    """A table of readings; the mark follows them, so that memory stays small."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.stretch = table.stretch()

    def batches(self, since: float, until: float, points: Points | None = None) -> Iterator[LoggedBatch]:
        earlier = takewhile(lambda sample: sample.at < since, self._table.samples())
        declared = _newest_facts(((sample, Flag.JUDGED) for sample in earlier), since, points)
        return _begun(declared, self._batches(since, until))

    def begin(self, at: float, watches: Iterable[Watch], points: Points) -> float:
        return at if self.stretch is None else self.stretch[0]

    def _batches(self, since: float, until: float) -> Iterator[LoggedBatch]:
        entries: list[Entry] = []
        number = 0
        for sample in self._table.samples():
            if not since <= sample.at <= until:
                continue
            if entries and sample.at > entries[0][0].at + BATCH_S:
                number += 1
                yield LoggedBatch(number, entries[-1][0].at, entries)
                entries = []
            entries.append((sample, Flag.JUDGED))
        if entries:
            yield LoggedBatch(number + 1, entries[-1][0].at, entries)


def _newest_facts(entries: Iterable[Entry], until: float, points: Points | None) -> list[Entry]:
    """What people declared last of these points before a time."""
    newest: dict[tuple[str, ...], Sample] = {}
    for sample, flag in entries:
        is_judged = is_fact(sample) and sample.at < until and flag is Flag.JUDGED
        if is_judged and (points is None or not points.isdisjoint(sample.values)):
            newest[tuple(sample.values)] = sample
    return [(sample, Flag.JUDGED) for sample in newest.values()]


def _begun(before: Sequence[Entry], batches: Iterator[LoggedBatch]) -> Iterator[LoggedBatch]:
    """Batches, the first of which begins with some entries from before."""
    for batch in batches:
        yield batch._replace(entries=[*before, *batch.entries]) if before else batch
        before = ()


def history_of(
    loaded: Loaded, readings: Path | None, left_out: LeftOut,
    *, watched: Callable[[Iterable[str]], Iterable[str]] = lambda lines: lines,
) -> History:  # fmt: skip
    """The log of the gateway of a configuration, or the table in a file; `watched` sees its lines go by.

    Raises HistoryError.
    """
    if readings is None:
        return StoredHistory(loaded.store_path, loaded.message_language)
    points = {point.id: point for point in known_points(loaded)}
    try:
        with readings.open(encoding="utf-8-sig", newline="") as file:
            return TableHistory(read_table(watched(file), points, loaded.site.calendar.zone, left_out))
    except UnicodeDecodeError as error:
        raise HistoryError(_WORDS[loaded.message_language]["not_utf8"].format(path=readings)) from error
    except (OSError, csv.Error, ReadingsError) as error:
        raise HistoryError(f"{readings}: {error}") from error


def known_points(loaded: Loaded) -> list[Point]:
    """Everything that can have a reading: what is measured, what transports know, what people declare."""
    return [
        *loaded.site.points.values(), *state_points(loaded.sources), *fact_points(loaded.site)
    ]  # fmt: skip
