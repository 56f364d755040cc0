"""The domain: nouns, engine and the registry of rule kinds. It holds no clock and does no I/O."""

from rules.expression import Expression
from rules.high_power import HighPower
from rules.lights_left_on import LightsLeftOn
from rules.limit import Limit
from rules.rule import RuleKind
from rules.running_water import RunningWater
from rules.silent import Silent

RULES: dict[str, type[RuleKind]] = {
    "running_water": RunningWater,
    "lights_left_on": LightsLeftOn,
    "high_power": HighPower,
    "silent": Silent,
    "limit": Limit,
    "expression": Expression,
}
