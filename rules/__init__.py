"""The domain: nouns, engine and the registry of rule kinds. It holds no clock and does no I/O."""

from rules.expression import Expression
from rules.high_power import HighPower
from rules.lamp_out import LampOut
from rules.left_on import LeftOn
from rules.lights_after_hours import LightsAfterHours
from rules.lights_all_night import LightsAllNight
from rules.lights_in_daylight import LightsInDaylight
from rules.lights_left_on import LightsLeftOn
from rules.limit import Limit
from rules.rule import RuleKind
from rules.running_water import RunningWater
from rules.silent import Silent

RULES: dict[str, type[RuleKind]] = {
    "running_water": RunningWater,
    "lights_left_on": LightsLeftOn,
    "lights_after_hours": LightsAfterHours,
    "lights_all_night": LightsAllNight,
    "lights_in_daylight": LightsInDaylight,
    "lamp_out": LampOut,
    "left_on": LeftOn,
    "high_power": HighPower,
    "silent": Silent,
    "limit": Limit,
    "expression": Expression,
}
