"""run recorded readings (CSV) through the rules

用规则回放历史读数（CSV）
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import orjson

from adapters.source import state_points
from rules.check import Check
from rules.engine import Engine
from rules.model import Event, Point, Sample, stamp
from rules.watch import Watch

NAME = "replay"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Run recorded readings through the rules of a configuration and print each event as a line of JSON. Rows that "
        "cannot be read are left out and listed on stderr."
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration (TOML)")
    parser.add_argument(
        "--readings", type=Path, required=True, metavar="FILE",
        help="CSV with the columns at,point,value; `at` as Unix seconds or ISO 8601 (without offset: the site's zone)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from daemon.config import ConfigError, load

    try:
        loaded = load(args.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    faults: list[str] = []
    try:
        with args.readings.open(encoding="utf-8-sig", newline="") as file:
            points = {**loaded.site.points, **{point.id: point for point in state_points(loaded.sources)}}
            samples = read_samples(file, points, loaded.site.calendar.zone, faults)
    except UnicodeDecodeError:
        print(f"{args.readings}: this is not UTF-8 text; save it as CSV UTF-8", file=sys.stderr)
        return 2
    except (OSError, csv.Error, ReadingsError) as error:
        print(f"{args.readings}: {error}", file=sys.stderr)
        return 2
    for event in replay(loaded.watches(), samples):
        sys.stdout.buffer.write(orjson.dumps(as_json(event), option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
    for line in faults[:20]:
        print(f"{args.readings}:{line}", file=sys.stderr)
    if faults:
        print(f"{args.readings}: {len(faults)} rows left out", file=sys.stderr)
    return 0


class ReadingsError(ValueError):
    """The file is no table of readings, or a cell of it no reading; says so in words for people."""


def read_samples(file: TextIO, points: Mapping[str, Point], zone: ZoneInfo, faults: list[str]) -> list[Sample]:
    """The readings of a CSV file as samples by time, one a device and time; rows that cannot be read go to `faults`."""
    rows = csv.DictReader(file)
    missing = {"at", "point", "value"}.difference(rows.fieldnames or ())
    if missing:
        raise ReadingsError(f"1: no column {', '.join(sorted(missing))}; the first line must be at,point,value")
    check = Check(points.values())
    by_time: dict[tuple[float, str], dict[str, float]] = {}
    for row in rows:
        place = rows.line_num
        point = points.get(row["point"])
        if point is None:
            faults.append(f"{place}: point {row['point']!r} is not in the configuration")
            continue
        try:
            at = _time(row["at"] or "", zone)
            value = _value(row["value"] or "")
        except ReadingsError as error:
            faults.append(f"{place}: {error}")
            continue
        good, refused = check.values(Sample(at, point.device, {point.id: value}), at)
        faults += [f"{place}: {fault.reason.value} {fault.detail}" for fault in refused]
        if good:
            by_time.setdefault((at, point.device), {}).update(good)
    return [Sample(at, device, values) for (at, device), values in sorted(by_time.items(), key=lambda item: item[0])]


def _time(text: str, zone: ZoneInfo) -> float:
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


def replay(watches: Iterable[Watch], samples: Iterable[Sample]) -> Iterator[Event]:
    """The events of samples given by time; the mark follows them, so that memory stays small."""
    engine = Engine(watches)
    at = 0.0
    for sample in samples:
        if sample.at > at + 600.0:
            yield from engine.advance(at)
        at = sample.at
        engine.take(sample)
    yield from engine.advance(at)


def as_json(event: Event) -> dict[str, object]:
    """An event as the commands print it."""
    return {
        "rule": event.rule, "key": event.key, "place": event.place, "at": event.at, "turn": event.turn.value,
        "severity": event.severity.name.lower(), "delivery": event.delivery.value,
        "why": {"key": event.why, **event.values},
        "evidence": event.evidence._asdict(),
    }  # fmt: skip
