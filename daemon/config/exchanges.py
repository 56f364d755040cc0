"""Meters that were replaced: each `[[exchange]]` as what the refiner of its counter must know."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.lines import Path
from daemon.config.reading import read
from daemon.config.tables import ExchangeTable, Section
from rules.counter import Exchange
from rules.model import Point
from rules.quantity import QUANTITIES, Kind


def exchanges(
    tables: Sequence[Section], campus: Campus, points: Mapping[str, Point] | None, zone: ZoneInfo, findings: Findings
) -> dict[str, tuple[Exchange, ...]]:
    """The exchanges by the point of their counter; a time without an offset is the site's.

    `points` is None while their sources have mistakes: then none can be missing.
    """
    known = (points or {}).items()
    counters = {name: point for name, point in known if QUANTITIES[point.quantity].kind is Kind.COUNTER}
    found: dict[str, tuple[Exchange, ...]] = {}
    declared: dict[tuple[str, float], Path] = {}
    for index, raw in enumerate(tables):
        path: Path = ("exchange", index)
        table = read(ExchangeTable, raw, path, findings)
        if table is None or points is None:
            continue
        if point := _counter(table, path, campus, counters, findings):
            at = table.at if table.at.tzinfo else table.at.replace(tzinfo=zone)
            other = declared.setdefault((point, at.timestamp()), (*path, "at"))
            if other != (*path, "at"):
                said = f"{point} {at:%Y-%m-%d %H:%M:%S}"
                findings.error((*path, "at"), "duplicate", noun="exchange", found=said, other=other)
            found[point] = (*found.get(point, ()), Exchange(at.timestamp(), table.old, table.new))
    return found


def _counter(
    table: ExchangeTable, path: Path, campus: Campus, counters: Mapping[str, Point], findings: Findings
) -> str | None:
    """The counter that is meant: named, or the only one of its place."""
    if table.point is not None and table.place is None:
        return table.point if findings.choose((*path, "point"), "counter", table.point, counters) else None
    if table.place is None or table.point is not None:
        findings.error((*path, "point"), "point_or_place")
        return None
    if not campus.has_place((*path, "place"), table.place, findings):
        return None
    here = [name for name, point in counters.items() if (point.place, point.part) == (table.place, table.part)]
    if len(here) == 1:
        return here[0]
    there = here or [name for name, point in counters.items() if point.place == table.place]
    code = "which_counter" if there else "no_counter"
    findings.error((*path, "place"), code, found=table.place, allowed=tuple(there))
    return None
