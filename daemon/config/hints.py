"""What a configuration that can be used still makes one wonder about: rules that watch nothing, buses too slow."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.device_table import DeviceTable
from adapters.poller import bus_load, expected_round_s
from adapters.source import SerialSource
from daemon.config.errors import Findings
from daemon.config.lines import Path
from daemon.config.points import Sources
from daemon.config.rules import Placed
from rules.model import Site
from rules.rule import RuleKind


@dataclass(frozen=True, slots=True)
class Bus:
    """A serial line, how many meters it has, and how long one poll of all of them takes."""

    name: str
    devices: int
    round_s: float


def hints(
    site: Site, sources: Sources, tables: Mapping[str, DeviceTable], *,
    rules: Placed, told: Mapping[Path, tuple[RuleKind, tuple[str, ...]]], findings: Findings,
) -> tuple[Bus, ...]:  # fmt: skip
    """Add the warnings, and say how long each bus takes."""
    for path, (rule, chosen) in told.items():
        if not chosen:
            findings.warn((*path, "where"), "where_empty")
        elif not any(True for _ in rule.watches(site.narrowed(chosen))):
            findings.warn((*path, "where"), "where_idle", count=len(chosen))
    _too_slow(site, sources, rules, findings)
    return tuple(_buses(sources, tables, findings))


def _too_slow(site: Site, sources: Sources, rules: Placed, findings: Findings) -> None:
    """Each table of the file whose readings come too seldom for a rule that would use them."""
    found: dict[tuple[Path, float], dict[str, float]] = {}
    for rule, watched in rules:
        slow = {point for point, (_, every_s) in sources.periods.items() if every_s > rule.slowest_s}
        places = {site.points[point].place for point in slow}
        # What is declared may join points of many places, slow and fast.
        judged = watched if rule.is_declared else [place for place in watched if place in places]
        for watch in rule.watches(site.narrowed(judged)):
            for point in slow.intersection(watch.inputs.values()):
                found.setdefault(sources.periods[point], {})[rule.kind] = rule.slowest_s
    for (path, every_s), kinds in found.items():
        named = ", ".join(f"{kind} ({slowest_s:g} s)" for kind, slowest_s in sorted(kinds.items()))
        findings.warn((*path, "every_s"), "too_slow", every_s=every_s, rules=named)


def _buses(sources: Sources, tables: Mapping[str, DeviceTable], findings: Findings) -> list[Bus]:
    """The round of each bus; a warning at the line whose meters are to be read faster than it comes around."""
    buses = []
    serial = [(index, item) for index, item in enumerate(sources.sources) if isinstance(item, SerialSource)]
    for index, source in serial:
        round_s = expected_round_s(source, tables)
        buses.append(Bus(source.name, len(source.devices), round_s))
        every_s = min((device.every_s for device in source.devices), default=round_s)
        if not source.listen and bus_load(source, tables) > 1.0:
            findings.warn(("source", index, "device"), "round_slow", round_s=round(round_s, 1), every_s=every_s)
    return buses
