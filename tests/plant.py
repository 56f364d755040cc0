"""Plant readings as tables: what a rule tells of them, also when its memory is written down at every step."""

import json
from collections.abc import Iterable, Mapping, Sequence

from rules.engine import Engine, Snapshot
from rules.model import Event, Sample, Site
from rules.rule import RuleKind

Rows = Iterable[tuple[float, Mapping[str, float]]]  # seconds since the start, values by point


def told(rule: RuleKind, of: Site, rows: Rows, *, start: float, restarts: bool = False) -> list[Event]:
    """The events of these readings; with `restarts` the engine begins anew from its snapshot at each."""
    engine, events = Engine(list(rule.watches(of))), []
    for seconds, values in rows:
        engine.take(Sample(round(start + seconds, 3), "plant", values))
        events += engine.advance(round(start + seconds, 3))
        if restarts:
            snapshot = Snapshot(*json.loads(json.dumps(engine.snapshot(), allow_nan=False)))
            engine = Engine(list(rule.watches(of)))
            assert not engine.restore(snapshot)
    return events


def steady(every_s: float, *pieces: tuple[float, Mapping[str, float]], begin: float = 0.0) -> list:
    """Readings every so many seconds: pieces of (how long, values), one after the other."""
    rows, at, end = [], begin, begin
    for seconds, values in pieces:
        end += seconds
        while at < end:
            rows.append((at, values))
            at += every_s
    return rows


def turns(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Turn and severity of each event."""
    return [(event.turn.value, event.severity.name.lower()) for event in events]

