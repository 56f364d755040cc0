"""Rules tried on what was measured: the watches of a configuration, an engine as the gateway has it, and its events."""

from collections.abc import Iterable, Iterator

from daemon.config.rules import Placed
from daemon.history import Points
from daemon.store import LoggedBatch
from rules.engine import Engine
from rules.model import Event, Site
from rules.rule import RuleKind
from rules.watch import Watch


def placed_watches(rules: Placed, site: Site) -> Iterator[tuple[RuleKind, tuple[str, ...], Watch]]:
    """Every watch with its rule as it is set, and the places that are watched so."""
    for rule, places in rules:
        for watch in rule.watches(site.narrowed(places)):
            yield rule, places, watch


def read_points(watches: Iterable[Watch], site: Site) -> Points:
    """The points as they are logged that these watches rest on: before what is derived, before what is rejected."""
    out: set[str] = set()
    for watch in watches:
        for name in watch.inputs.values():
            raw = name.partition("!")[0]
            out.add(raw)
            point = site.points.get(raw)
            if point is not None and point.of:
                out.add(point.of)
    return frozenset(out)


def engine_of(watches: Iterable[Watch], site: Site) -> Engine:
    """An engine as the gateway has it, for these watches."""
    return Engine(watches)


def judged(engine: Engine, batches: Iterable[LoggedBatch], *, until: float | None = None) -> Iterator[Event]:
    """The events of batches; with `until` those up to that time, and time passes until then."""
    end = float("inf") if until is None else until
    for batch in batches:
        if batch.mark < engine.mark:
            engine.forget()  # here the clock was set back, and all began anew
        for sample, flag in batch.entries:
            if sample.at <= end:
                engine.take(sample, flag=flag)
        yield from engine.advance(min(batch.mark, end))
    if until is not None:
        yield from engine.advance(until)
