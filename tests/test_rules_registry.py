"""Every rule kind: its words in both languages, its parameters, and that a changed parameter is a changed watch."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from math import isinf
from string import Formatter

import pytest
from pack_streams import campus, days, pack
from recordings import site
from spoken import spoken
from streams import GRACE_S

from rules import RULES
from rules.calendar import Season
from rules.engine import Engine
from rules.expression import Expression
from rules.limit import Limit
from rules.meter_balance import MeterBalance
from rules.overload import Overload
from rules.quality import refiners
from rules.rule import Bounds, Choice, ParameterError, RuleKind, Text, parameters
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
    "teach/8": ("classroom", ["lighting/power_w", "illuminance_lx", "occupied", "ac/power_w"]),
    "teach/9": ("classroom", ["projector/on"]),
    "teach/10": ("corridor", ["lighting/power_w"]),
    "dorm/102": ("dorm_room", ["lighting/power_w"]),
    "dorm/103": ("dorm_room", ["power_w", "voltage_v", "current_a", "energy_kwh", "clock_offset_s", "residual_ma"]),
    "dorm/1F": ("washroom", ["flow_lpm"]),
    "dorm/main": ("pump_room", ["volume_m3"]),
    "dorm/hot": ("pump_room", ["volume_m3", "spare/volume_m3"]),
    "plant/boiler": ("boiler_room", [
        "supply/temperature_c", "pressure_kpa", "flame", "flue/temperature_c", "door_open",
    ]),
    "plant/boiler-2": ("boiler_room", [
        "supply/temperature_c", "return/temperature_c", "flame", "demand", "pump/power_w", "level_mm", "level_pct",
        "level_low",
    ]),
    "plant/boiler-3": ("boiler_room", ["supply/temperature_c", "return/temperature_c", "fire_pct", "demand"]),
    "plant/kettle": ("drinking_boiler", ["temperature_c", "power_w", "level_low"]),
    "plant/board": (
        "distribution_room", ["residual_ma", "terminal/temperature_c", "voltage_v", "current_a", "power_w"],
    ),
    "dorm/freezer": ("freezer", ["temperature_c", "door_open"]),
    "dorm/samples": ("sample_fridge", ["temperature_c"]),
    "teach/11": ("classroom", ["temperature_c"]),
    "teach/heat": ("pump_room", ["temperature_c", "heating/temperature_c"]),
    "dorm": ("dormitory", ["flow_lpm"]),
    "teach": ("teaching", ["flow_lpm"]),
}  # fmt: skip
DECLARED: dict[str, RuleKind] = {  # what watches nothing by itself, as a configuration may declare it
    "overload": Overload(limit_w=800.0),
    "limit": Limit(name="much", quantity="power_w", above=3000.0, hysteresis=100.0),
    "expression": Expression(
        name="both", points=(("p", "dorm/101/power_w"), ("q", "dorm/101/reactive_power_var")), when="p + q > 3000"
    ),
    "meter_balance": MeterBalance(
        name="dorm", parent=(("main", "dorm/main/volume_m3"),), children=(("hot", "dorm/hot/volume_m3"),)
    ),
}
CHANGES: Mapping[tuple[str, str], Mapping[str, object]] = {  # of what is no number, or goes with another one
    ("boiler_temperature", "alarm_k"): {"alarm_k": 6.0},
    ("boiler_temperature", "critical_k"): {"critical_k": 3.0},
    ("boiler_level", "alarm_mm"): {"alarm_mm": 60.0},
    ("boiler_level", "critical_pct"): {"critical_pct": 25.0},
    ("freeze", "alarm_c"): {"alarm_c": 4.0},
    ("cold_store", "defrost_min"): {"defrost_min": 50.0},
    ("room_too_cold", "cold_c"): {"cold_c": 17.0},
    ("short_cycling", "warn_starts"): {"warn_starts": 7.0},
    ("hot_terminal", "warn_c"): {"warn_c": 60.0},
    ("hot_terminal", "alarm_c"): {"alarm_c": 80.0},
    ("high_power", "whitelist_w"): {"whitelist_w": "420"},
    ("limit", "quantity"): {"quantity": "occupied"},
    ("limit", "part"): {"part": "lighting"},
    ("limit", "points"): {"quantity": "", "points": (("teach/1/occupied", "teach/1/occupied"),)},
    ("meter_balance", "parent"): {"parent": (("spare", "dorm/hot/spare/volume_m3"),)},
    ("meter_balance", "children"): {"children": (("spare", "dorm/hot/spare/volume_m3"),)},
    ("expression", "points"): {"points": (("p", "dorm/101/power_w"), ("q", "teach/2/power_w"))},
    ("expression", "when"): {"when": "p + q > 3001"},
}
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
KINDS = pytest.mark.parametrize("kind", RULES.values(), ids=list(RULES))


def watches(rule: RuleKind) -> list[Watch]:
    return list(rule.watches(site(EVERYWHERE, heating=Season((11, 15), (3, 15)))))


def example(kind: type[RuleKind]) -> RuleKind:
    """A rule of a kind that watches something."""
    return DECLARED.get(kind.kind) or kind()


def changed(kind: type[RuleKind], name: str) -> Mapping[str, object]:
    """A change of one parameter that the kind allows."""
    if (kind.kind, name) in CHANGES:
        return CHANGES[kind.kind, name]
    bounds, value = parameters(kind)[name], getattr(example(kind), name)
    if isinstance(bounds, Bounds):
        return {name: 7.0 if isinf(value) else value * 2 + 1}
    return {name: next(o for o in bounds.options if o != value) if isinstance(bounds, Choice) else f"{value} too"}


def test_the_registry_knows_each_kind_by_its_name() -> None:
    assert {name: kind.kind for name, kind in RULES.items()} == {name: name for name in RULES}


@KINDS
def test_it_speaks_both_languages_about_the_same(kind: type[RuleKind]) -> None:
    words = kind.words
    assert set(words) >= {"zh", "en"}
    asked = {
        language: {
            why: {(name, spec) for _, name, spec, _ in Formatter().parse(sentence) if name and "|" not in (spec or "")}
            for why, sentence in said.sentences.items()
        }
        for language, said in words.items()
    }
    assert all(names == asked["zh"] for names in asked.values())
    assert all(said.title and said.todo for said in words.values())
    assert all(why.startswith(f"{kind.kind}.") for why in words["zh"].sentences)


@KINDS
def test_its_watches_are_named_signed_and_ready_for_json(kind: type[RuleKind]) -> None:
    made = watches(example(kind))
    assert made
    assert len({watch.key for watch in made}) == len(made)
    for watch in made:
        assert watch.rule == kind.kind
        assert watch.place in site(EVERYWHERE).places
        assert type(watch.start)(*json.loads(json.dumps(watch.start))) is not None
        assert watch.deadline(watch.start) is None
        assert watch.hold(watch.start, 1e9) is None


@KINDS
def test_it_says_where_it_stands_before_it_saw_anything(kind: type[RuleKind]) -> None:
    for watch in watches(example(kind)):
        assert spoken(kind.kind, *watch.explain(watch.start, 1e9))


def test_whatever_a_watch_explains_or_tells_is_said_in_both_languages() -> None:
    of = campus(60.0)
    watches = pack(of)
    engine, looked, told = Engine(watches, refiners(of)), 0.0, set()
    for arrived, sample in days(random.Random(1), 2.0, 60.0):
        engine.take(sample)
        if arrived - looked < 1800.0:
            continue
        looked = arrived
        what = [(event.rule, event.why, event.values) for event in engine.advance(arrived - GRACE_S)]
        what += [(w.rule, *w.explain(engine.state(w.rule, w.key), engine.mark)) for w in watches]
        for rule, why, values in what:
            told.add(why)
            spoken(rule, why, values, engine.mark)
    assert {why.partition(".")[0] for why in told} == RULES.keys()
    assert len(told) > 120


@KINDS
def test_defaults_lie_within_bounds(kind: type[RuleKind]) -> None:
    rule = kind()
    assert parameters(kind)
    for name, bounds in parameters(kind).items():
        value = getattr(rule, name)
        if isinstance(bounds, Bounds):
            assert bounds.least <= value <= bounds.most or isinf(value)
        elif isinstance(bounds, Choice):
            assert value in bounds.options
        elif isinstance(bounds, Text):
            assert len(value) <= bounds.longest
        else:
            assert value == ()


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("boiler_level", {"alarm_mm": 100.0}),
        ("boiler_level", {"low_pct": 15.0}),
        ("boiler_level", {"low_pct": 80.0}),
        ("boiler_pressure", {"working_kpa": 700.0, "valve_kpa": 300.0}),
        ("boiler_temperature", {"warn_k": 3.0}),
        ("boiler_temperature", {"critical_k": 7.0}),
        ("boiler_spread", {"narrow_k": 50.0, "wide_k": 10.0}),
        ("hot_terminal", {"warn_c": 80.0}),
        ("freeze", {"warn_c": 1.5}),
        ("freeze", {"warn_c": 0.0, "alarm_c": 3.0, "critical_c": 10.0}),
        ("room_too_cold", {"low_c": 10.0, "cold_c": 16.0}),
        ("cold_store", {"chilled_high_c": 0.0, "chilled_low_c": 8.0}),
        ("cold_store", {"defrost_min": 120.0, "page_min": 60.0}),
    ],
)
def test_lines_in_the_wrong_order_are_refused(kind: str, given: Mapping[str, float]) -> None:
    with pytest.raises(ParameterError) as refused:
        RULES[kind](**given)
    assert refused.value.parameter in parameters(RULES[kind])
    assert all(name in said for said in (refused.value.english, refused.value.chinese) for name in given)


def test_lines_that_are_equal_or_not_set_are_in_order() -> None:
    for kind, given in (("freeze", {"warn_c": 3.0}), ("boiler_pressure", {"valve_kpa": 300.0})):
        assert watches(RULES[kind](**given))


@KINDS
def test_no_duration_that_may_be_set_is_longer_than_what_the_rule_rests_on(kind: type[RuleKind]) -> None:
    for name, bounds in parameters(kind).items():
        if isinstance(bounds, Bounds) and bounds.unit in SECONDS:
            assert bounds.most * SECONDS[bounds.unit] <= kind.memory_s, name


@KINDS
def test_what_must_be_declared_watches_nothing_by_itself(kind: type[RuleKind]) -> None:
    assert bool(watches(kind())) is (kind.kind not in DECLARED)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in RULES.values() for name in parameters(kind)])
def test_a_changed_parameter_changes_the_signature(kind: type[RuleKind], name: str) -> None:
    rule = example(kind)
    other = replace(rule, **changed(kind, name))  # type: ignore[type-var]
    before, after = ({watch.key: signature(watch) for watch in watches(made)} for made in (rule, other))
    assert before != after
    assert before.keys() <= after.keys() or kind.is_declared
    assert before == {watch.key: signature(watch) for watch in watches(replace(rule))}  # type: ignore[type-var]
