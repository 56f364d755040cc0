"""Rules tried on what was measured: the watches of a configuration, an engine as the gateway has it, and its events."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from daemon.config.rules import Placed
from daemon.history import Points
from daemon.store import LoggedBatch
from rules.counter import Exchange
from rules.engine import Engine
from rules.model import Event, Site
from rules.quality import refiners
from rules.rule import RuleKind
from rules.watch import Watch, logged_points


class Registers(NamedTuple):
    """What is declared about counters, by point: where they roll over, and when a meter was replaced."""

    moduli: Mapping[str, float]
    exchanges: Mapping[str, Sequence[Exchange]]

    def at(self, points: Container[str]) -> "Registers":
        """What is declared about these points alone."""
        moduli = {point: value for point, value in self.moduli.items() if point in points}
        return Registers(moduli, {point: told for point, told in self.exchanges.items() if point in points})


PLAIN = Registers({}, {})


def placed_watches(rules: Placed, site: Site) -> Iterator[tuple[RuleKind, tuple[str, ...], Watch]]:
    """Every watch with its rule as it is set, and the places that are watched so."""
    for rule, places in rules:
        for watch in rule.watches(site.narrowed(places)):
            yield rule, places, watch


def engine_of(watches: Iterable[Watch], site: Site, registers: Registers = PLAIN) -> Engine:
    """An engine as the gateway has it, for these watches: with the refiners of what they read."""
    watching = list(watches)
    refining = refiners(site, moduli=registers.moduli, exchanges=registers.exchanges)
    points = logged_points(watching, refining)
    return Engine(watching, [refiner for refiner in refining if refiner.point in points])


def judged(engine: Engine, batches: Iterable[LoggedBatch], *, until: float | None = None) -> Iterator[Event]:
    """The events of batches; with `until` those up to that time, and time passes until then."""
    for batch in batches:
        yield from stepped(engine, batch, until)
    if until is not None:
        yield from engine.advance(until)


def stepped(
    engine: Engine, batch: LoggedBatch, until: float | None = None, points: Points | None = None
) -> list[Event]:
    """The events of one batch, up to a time; with `points` samples that hold none of them are passed over."""
    end = float("inf") if until is None else until
    if batch.mark < engine.mark and engine.mark < end:
        engine.forget()  # here the clock was set back, and all began anew
    for sample, flag in batch.entries:
        if sample.at > end or (points and points.isdisjoint(sample.values) and not sample.device.startswith("source/")):
            continue
        engine.take(sample, flag=flag)
    return engine.advance(min(batch.mark, end))
