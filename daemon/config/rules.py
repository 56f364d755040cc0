"""The rules of a configuration: the default pack everywhere, changed by each `[[rule]]` for the places it means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.lines import Path
from daemon.config.reading import keys_of, read
from daemon.config.tables import RuleTable, Section
from rules.model import Site
from rules.rule import RuleKind, parameters
from rules.watch import Watch

Placed = tuple[tuple[RuleKind, tuple[str, ...]], ...]
_OWN = keys_of(RuleTable)


def placed_rules(
    tables: Sequence[Section], registry: Mapping[str, type[RuleKind]], campus: Campus, findings: Findings
) -> tuple[Placed, Mapping[Path, tuple[RuleKind, tuple[str, ...]]]]:
    """Each rule with the places it watches; and what each `[[rule]]` alone says, by its path."""
    by_kind: dict[str, dict[str, RuleKind]] = {
        name: dict.fromkeys(campus.places, kind()) for name, kind in registry.items()
    }
    told: dict[Path, tuple[RuleKind, tuple[str, ...]]] = {}
    for index, raw in enumerate(tables):
        path: Path = ("rule", index)
        made = _rule(raw, path, registry, campus, findings)
        if made is None:
            continue
        table, rule, chosen = made
        watching = by_kind[table.kind]
        for place in chosen:
            if table.enabled and place not in table.excepted:
                watching[place] = rule
            else:
                watching.pop(place, None)
        if table.enabled:
            told[path] = rule, chosen
        elif not chosen:
            findings.warn((*path, "where"), "where_empty")
    grouped: dict[tuple[str, RuleKind], list[str]] = {}
    for name, watching in by_kind.items():
        for place in campus.places:
            if place in watching:
                grouped.setdefault((name, watching[place]), []).append(place)
    return tuple((rule, tuple(places)) for (_, rule), places in grouped.items()), told


def watches_of(rules: Placed, site: Site) -> Iterator[Watch]:
    """All watches of the rules, each kind at its places alone."""
    for rule, places in rules:
        yield from rule.watches(site.narrowed(places))


def _rule(
    raw: Section, path: Path, registry: Mapping[str, type[RuleKind]], campus: Campus, findings: Findings
) -> tuple[RuleTable, RuleKind, tuple[str, ...]] | None:
    before = len(findings.errors)
    table = read(RuleTable, raw, path, findings)
    kind = raw.get("kind")
    is_known = isinstance(kind, str) and findings.choose((*path, "kind"), "kind", kind, registry)
    where = raw.get("where", {})
    chosen = campus.chosen(where, (*path, "where"), findings) if isinstance(where, dict) else None
    excepted = raw.get("except", [])
    for place in [excepted] if isinstance(excepted, str) else excepted if isinstance(excepted, list) else []:
        if isinstance(place, str):
            campus.has_place((*path, "except"), place, findings)
    if not is_known:
        return None
    given = _parameters(raw, path, registry[str(kind)], findings)
    if table is None or chosen is None or len(findings.errors) > before:
        return None
    return table, registry[table.kind](**given), chosen


def _parameters(raw: Section, path: Path, kind: type[RuleKind], findings: Findings) -> dict[str, Any]:
    """The parameters that a `[[rule]]` sets, in the type of their defaults."""
    bounds = parameters(kind)
    types: dict[str, Any] = {item.name: type(item.default) for item in fields(kind)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in raw.items():
        if name in _OWN or not findings.choose((*path, name), "parameter", name, (*bounds, *_OWN)):
            continue
        unit, least, most = bounds[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            findings.error((*path, name), "wrong_type", expected="float", found_type=type(value).__name__)
        elif types[name] is int and not isinstance(value, int):
            findings.error((*path, name), "wrong_type", expected="int", found_type="float")
        elif not least <= value <= most:
            findings.error((*path, name), "out_of_bounds", found=value, least=least, most=most, unit=unit)
        else:
            given[name] = types[name](value)
    return given
