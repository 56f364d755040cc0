"""Every rule kind: its words in both languages, its parameters, and that a changed parameter is a changed watch."""

import json
from dataclasses import replace
from string import Formatter

import pytest
from recordings import site

from rules import RULES
from rules.rule import RuleKind, parameters
from rules.watch import Watch, signature

EVERYWHERE = {
    "dorm/101": ("dorm_room", ["power_w", "reactive_power_var"]),
    "teach/1": ("classroom", ["lighting/power_w", "occupied"]),
    "teach/2": ("office", ["illuminance_lx", "occupied", "power_w"]),
    "teach/3": ("washroom", ["flow_lpm", "lighting/power_w"]),
    "teach/4": ("corridor", ["flow_lpm"]),
    "teach/5": ("office", ["flow_lpm", "lighting/power_w", "occupied"]),
    "teach/6": ("washroom", ["lighting/power_w", "occupied"]),
    "teach/7": ("lab", ["lighting/power_w"]),
    "teach": ("teaching", ["flow_lpm"]),
}
KINDS = pytest.mark.parametrize("kind", RULES.values(), ids=list(RULES))


def watches(rule: RuleKind) -> list[Watch]:
    return list(rule.watches(site(EVERYWHERE)))


def test_the_registry_knows_each_kind_by_its_name() -> None:
    assert {name: kind.kind for name, kind in RULES.items()} == {name: name for name in RULES}


@KINDS
def test_it_speaks_both_languages_about_the_same(kind: type[RuleKind]) -> None:
    words = kind.words
    assert set(words) >= {"zh", "en"}
    asked = {
        language: {
            why: {(name, spec) for _, name, spec, _ in Formatter().parse(sentence) if name}
            for why, sentence in spoken.sentences.items()
        }
        for language, spoken in words.items()
    }
    assert all(names == asked["zh"] for names in asked.values())
    assert all(spoken.title and spoken.todo for spoken in words.values())
    assert all(why.startswith(f"{kind.kind}.") for why in words["zh"].sentences)


@KINDS
def test_its_watches_are_named_signed_and_ready_for_json(kind: type[RuleKind]) -> None:
    made = watches(kind())
    assert made
    assert len({watch.key for watch in made}) == len(made)
    for watch in made:
        assert watch.rule == kind.kind
        assert watch.place in EVERYWHERE
        assert type(watch.start)(*json.loads(json.dumps(watch.start))) is not None
        assert watch.deadline(watch.start) is None
        assert watch.hold(watch.start, 1e9) is None


@KINDS
def test_defaults_lie_within_bounds(kind: type[RuleKind]) -> None:
    rule = kind()
    assert parameters(kind)
    for name, bounds in parameters(kind).items():
        assert bounds.least <= getattr(rule, name) <= bounds.most


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in RULES.values() for name in parameters(kind)])
def test_a_changed_parameter_changes_the_signature(kind: type[RuleKind], name: str) -> None:
    changed = replace(kind(), **{name: getattr(kind(), name) * 2 + 1})  # type: ignore[type-var]
    before, after = ({watch.key: signature(watch) for watch in watches(rule)} for rule in (kind(), changed))
    assert before.keys() == after.keys()
    assert before != after
    assert before == {watch.key: signature(watch) for watch in watches(kind())}
