"""The rules of a configuration: the default pack everywhere, changed by each `[[rule]]` for the places it means.

A later `[[rule]]` of a kind replaces an earlier one for its places. A kind that is declared watches nothing by itself:
each of its tables adds a rule of its own, told apart by its name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from daemon.config.campus import Campus
from daemon.config.errors import Findings
from daemon.config.lines import Path
from daemon.config.reading import keys_of, read
from daemon.config.tables import RuleTable, Section
from rules.model import Point, Site
from rules.rule import Bounds, Choice, Parameter, ParameterError, PointIds, RuleKind, Text, parameters
from rules.watch import Watch

Placed = tuple[tuple[RuleKind, tuple[str, ...]], ...]
Told = Mapping[Path, tuple[RuleKind, tuple[str, ...]]]
_OWN = keys_of(RuleTable)


class Known(NamedTuple):
    """What a `[[rule]]` may name: places, and points by id (None: not known, as their sources have mistakes)."""

    campus: Campus
    points: Mapping[str, Point] | None


def placed_rules(
    tables: Sequence[Section], registry: Mapping[str, type[RuleKind]], known: Known, findings: Findings
) -> tuple[Placed, Told]:
    """Each rule with the places it watches; and what each `[[rule]]` alone says, by its path."""
    by_kind: dict[str, dict[str, RuleKind]] = {
        name: dict.fromkeys(known.campus.places, kind()) for name, kind in registry.items() if not kind.is_declared
    }
    declared: list[tuple[RuleKind, tuple[str, ...]]] = []
    names: set[tuple[str, object]] = set()
    told: dict[Path, tuple[RuleKind, tuple[str, ...]]] = {}
    for index, raw in enumerate(tables):
        path: Path = ("rule", index)
        made = _rule(raw, path, registry, known, names, findings)
        if made is None:
            continue
        table, rule, chosen = made
        left = tuple(place for place in chosen if place not in table.excepted)
        if rule.is_declared and table.enabled:
            declared.append((rule, left))
        for place in () if rule.is_declared else chosen:
            if table.enabled and place in left:
                by_kind[table.kind][place] = rule
            else:
                by_kind[table.kind].pop(place, None)
        if table.enabled:
            told[path] = rule, left if rule.is_declared else chosen
        elif not chosen:
            findings.warn((*path, "where"), "where_empty")
    grouped: dict[tuple[str, RuleKind], list[str]] = {}
    for name, watching in by_kind.items():
        for place in known.campus.places:
            if place in watching:
                grouped.setdefault((name, watching[place]), []).append(place)
    return (*((rule, tuple(places)) for (_, rule), places in grouped.items()), *declared), told


def watches_of(rules: Placed, site: Site) -> Iterator[Watch]:
    """All watches of the rules, each kind at its places alone."""
    for rule, places in rules:
        yield from rule.watches(site.narrowed(places))


def find_clashes(rules: Placed, told: Told, site: Site, findings: Findings) -> None:
    """An error at each `[[rule]]` that watches what another rule of its kind watches too, such as a shared device."""
    paths = {rule: path for path, (rule, _) in told.items()}
    first: dict[tuple[str, str], RuleKind] = {}
    clashing: set[Path] = set()
    for rule, places in rules:
        for watch in rule.watches(site.narrowed(places)):
            other = first.setdefault((watch.rule, watch.key), rule)
            path = paths.get(rule) or paths.get(other)
            if other is not rule and path is not None and path not in clashing:
                clashing.add(path)
                findings.error(path, "watched_twice", found=watch.key, rule=watch.rule)


def _rule(
    raw: Section, path: Path, registry: Mapping[str, type[RuleKind]], known: Known,
    names: set[tuple[str, object]], findings: Findings,
) -> tuple[RuleTable, RuleKind, tuple[str, ...]] | None:  # fmt: skip
    before = len(findings.errors)
    table = read(RuleTable, raw, path, findings)
    kind = raw.get("kind")
    is_known = isinstance(kind, str) and findings.choose((*path, "kind"), "kind", kind, registry)
    where = raw.get("where", {})
    chosen = known.campus.chosen(where, (*path, "where"), findings) if isinstance(where, dict) else None
    excepted = raw.get("except", [])
    for place in [excepted] if isinstance(excepted, str) else excepted if isinstance(excepted, list) else []:
        if isinstance(place, str):
            known.campus.has_place((*path, "except"), place, findings)
    if not is_known:
        return None
    made = registry[str(kind)]
    places = None if table is None or chosen is None else frozenset(chosen).difference(table.excepted)
    given = _parameters(raw, path, made, known.points, places, findings)
    if table is None or chosen is None or len(findings.errors) > before:
        return None
    if made.is_declared:
        given["name"] = _own_name(table.kind, given.get("name") or table.kind, names)
    try:
        return table, made(**given), chosen
    except ParameterError as error:
        findings.error((*path, error.parameter), "bad_parameter", said={"en": error.english, "zh": error.chinese})
        return None


def _own_name(kind: str, wanted: str, names: set[tuple[str, object]]) -> str:
    """A name that no other rule of the kind has: alerts are told apart by it."""
    name, number = wanted, 1
    while (kind, name) in names:
        number += 1
        name = f"{wanted} {number}"
    names.add((kind, name))
    return name


def _parameters(
    raw: Section, path: Path, kind: type[RuleKind], points: Mapping[str, Point] | None,
    places: frozenset[str] | None, findings: Findings,
) -> dict[str, Any]:  # fmt: skip
    """The parameters that a `[[rule]]` sets, in the type of their defaults."""
    known = parameters(kind)
    types: dict[str, Any] = {item.name: type(item.default) for item in fields(kind)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in raw.items():
        at: Path = (*path, name)
        if name in _OWN or not findings.choose(at, "parameter", name, (*known, *_OWN)):
            continue
        bounds = known[name]
        if isinstance(bounds, PointIds):
            given[name] = _points(value, bounds, at, findings)
            for key, point in given[name]:
                _find_point((*at, key) if bounds.is_named else at, point, points, places, findings)
        elif _fits(value, bounds, types[name], at, findings):
            given[name] = types[name](value)
    return given


def _fits(value: object, bounds: Parameter, wanted: type, at: Path, findings: Findings) -> bool:
    """Whether a number, a choice or a text is what its parameter allows; an error if not."""
    if isinstance(bounds, Choice) and isinstance(value, str):
        return findings.choose(at, "name", value, [option for option in bounds.options if option])
    if isinstance(bounds, Text) and isinstance(value, str):
        if len(value) > bounds.longest:
            findings.error(at, "too_long", limit=bounds.longest)
        elif not value.isprintable():
            findings.error(at, "not_one_line")
        return len(value) <= bounds.longest and value.isprintable()
    if not isinstance(bounds, Bounds) or isinstance(value, bool) or not isinstance(value, int | float):
        expected = "float" if isinstance(bounds, Bounds) else "str"
        findings.error(at, "wrong_type", expected=expected, found_type=type(value).__name__)
    elif wanted is int and not isinstance(value, int):
        findings.error(at, "wrong_type", expected="int", found_type="float")
    elif not bounds.least <= value <= bounds.most:
        findings.error(at, "out_of_bounds", found=value, **bounds._asdict())
    else:
        return True
    return False


def _points(value: object, bounds: PointIds, at: Path, findings: Findings) -> tuple[tuple[str, str], ...]:
    """Points as pairs of a name and an id; in a list an id is its own name."""
    named = value
    if not bounds.is_named and isinstance(value, str | list):
        listed = [value] if isinstance(value, str) else value
        named = {str(point): point for point in listed}
    if not isinstance(named, dict):
        expected = "dict" if bounds.is_named else "list"
        findings.error(at, "wrong_type", expected=expected, found_type=type(value).__name__)
        return ()
    for point in named.values():
        if not isinstance(point, str):
            findings.error(at, "wrong_type", expected="str", found_type=type(point).__name__)
    return tuple((name, point) for name, point in named.items() if isinstance(point, str))


def _find_point(
    at: Path, point: str, points: Mapping[str, Point] | None, places: frozenset[str] | None, findings: Findings
) -> None:
    """An error unless a point is measured, at a place that the rule is for."""
    if points is None or not findings.choose(at, "point", point, points):
        return
    if places is not None and points[point].place not in places:
        findings.error(at, "point_elsewhere", found=point)
