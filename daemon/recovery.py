"""The start: take up where the last run stopped, also under a changed configuration.

The snapshot gives every watch its state as of one commit, the log from there on the rest, with the flags and marks
that were stored, so the engine decides nothing anew. A watch that the snapshot does not know as it is now (new, or
with other parameters or inputs) is warmed up alone from as much of the older log as its kind rests on, with nobody
told; since watches are independent that changes no other. What is open but no longer holds is withdrawn.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from daemon.open_alert import OpenAlert, withdrawal
from daemon.pipeline import Pipeline
from daemon.store import Store
from rules import RULES
from rules.engine import Engine
from rules.incident import Incident
from rules.model import Event, Turn
from rules.watch import Watch

log = logging.getLogger("caretaker.recovery")

SETTLE_S = 2 * 3600.0  # before what a kind rests on: refiners and holds that run already at its begin


class Recovered(NamedTuple):
    """What the start found: batches replayed, watches warmed up, and events that only the replay knew."""

    batches: int
    warmed: int
    missing: int
    withdrawn: int


def open_alerts(incidents: Iterable[Incident]) -> dict[tuple[str, str], OpenAlert]:
    """What the pipeline must know of the incidents that have not ended."""
    return {(i.raised.rule, i.raised.key): OpenAlert(i.number, i.raised.place) for i in incidents}


def recover(pipeline: Pipeline, store: Store, watches: Sequence[Watch], incidents: Sequence[Incident]) -> Recovered:
    """Bring a fresh pipeline to the state of the last commit."""
    engine = pipeline.engine
    saved = store.snapshot()
    after = 0
    cold: set[tuple[str, str]] = set()
    if saved is not None:
        after = saved.batch
        cold = engine.restore(saved.engine)
        pipeline.latest.restore(saved.latest)
    batches = missing = 0
    for batch in store.batches(after=after):
        batches += 1
        for event in pipeline.replay(batch.entries, batch.mark):
            if (event.rule, event.key) not in cold and not store.has_event(event):
                missing += 1
                log.error("event %s %s %s at %.3f was never committed: written now", *event[:2], event.turn, event.at)
                pipeline.add_events([event])
    known = {(watch.rule, watch.key) for watch in watches}
    opened = {(incident.raised.rule, incident.raised.key): incident for incident in incidents}
    begun = {name: incident.raised.evidence.since for name, incident in opened.items() if name in cold}
    warm_open = _warm_up(engine, store, [w for w in watches if (w.rule, w.key) in cold], begun)
    gone = [
        incident for name, incident in opened.items() if name not in known or (name in cold and name not in warm_open)
    ]
    ends = [(i.raised.rule, i.raised.key, i.raised.place, max(engine.mark, i.raised.at)) for i in gone]
    pipeline.add_events([withdrawal(*end) for end in ends])
    # Raised now, by a rule that is new: its own time may be that of an alert that was withdrawn.
    new = [event._replace(at=engine.mark) for name, event in warm_open.items() if name not in opened]
    pipeline.add_events(new, tell=False)
    pipeline.finish()  # from here on the snapshot speaks of this configuration
    return Recovered(batches, len(cold), missing, len(gone))


def _warm_up(
    engine: Engine, store: Store, watches: Sequence[Watch], begun: Mapping[tuple[str, str], float]
) -> dict[tuple[str, str], Event]:
    """Run changed watches alone over the log; the raise of each that holds at its end.

    Watches that rest on equally much of the past run together. `begun` says where an open alert reaches back further.
    """
    by_begin: dict[float, list[Watch]] = {}
    for watch in watches:
        since = engine.mark - RULES[watch.rule].memory_s
        since = min(since, begun.get((watch.rule, watch.key), since)) - SETTLE_S
        by_begin.setdefault(since, []).append(watch)
    raised: dict[tuple[str, str], Event] = {}
    for since, alike in by_begin.items():
        raised |= _warmed(engine, store, alike, since)
    return raised


def _warmed(
    engine: Engine, store: Store, watches: Sequence[Watch], since: float
) -> dict[tuple[str, str], Event]:
    """Bring these watches from a time to the engine's mark, in the registers that the engine goes on with."""
    wanted = engine.logged_points(watches)
    alone = Engine(watches, [refiner for refiner in engine.refiners_as_of(since) if refiner.point in wanted])
    raised: dict[tuple[str, str], Event] = {}
    for batch in store.batches(since=since):
        if batch.mark < alone.mark:  # here the clock was set back, and all began anew
            alone.forget()
            raised.clear()
        for sample, flag in batch.entries:
            if not wanted.isdisjoint(sample.values) or sample.device.startswith("source/"):
                alone.take(sample, flag=flag)
        for event in alone.advance(batch.mark):
            if event.turn is Turn.RAISED:
                raised[event.rule, event.key] = event
            elif event.turn in (Turn.CLEARED, Turn.WITHDRAWN):
                raised.pop((event.rule, event.key), None)
    for watch in watches:
        engine.adopt(watch.rule, watch.key, alone.state(watch.rule, watch.key))
    return raised
