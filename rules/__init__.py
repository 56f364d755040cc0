"""The domain: nouns, engine and the registry of rule kinds. It holds no clock and does no I/O."""

from rules.boiler_blind import BoilerBlind
from rules.boiler_door import BoilerDoor
from rules.boiler_flame import BoilerFlame
from rules.boiler_level import BoilerLevel
from rules.boiler_pressure import BoilerPressure
from rules.boiler_pump import BoilerPump
from rules.boiler_spread import BoilerSpread
from rules.boiler_temperature import BoilerTemperature
from rules.boiler_unattended import BoilerUnattended
from rules.burst import Burst
from rules.clock_drift import ClockDrift
from rules.closed_flow import ClosedFlow
from rules.cold_store import ColdStore
from rules.counter_fault import CounterFault
from rules.drinking_boiler import DrinkingBoiler
from rules.ebike_charging import EbikeCharging
from rules.expression import Expression
from rules.flue_drift import FlueDrift
from rules.freeze import Freeze
from rules.heating_left_on import HeatingLeftOn
from rules.high_power import HighPower
from rules.hot_terminal import HotTerminal
from rules.implausible import Implausible
from rules.lamp_out import LampOut
from rules.leak import Leak
from rules.left_on import LeftOn
from rules.lights_after_hours import LightsAfterHours
from rules.lights_all_night import LightsAllNight
from rules.lights_in_daylight import LightsInDaylight
from rules.lights_left_on import LightsLeftOn
from rules.limit import Limit
from rules.loop_resistance import LoopResistance
from rules.meter_balance import MeterBalance
from rules.night_flow import NightFlow
from rules.overload import Overload
from rules.pressure_hold import PressureHold
from rules.residual_current import ResidualCurrent
from rules.reverse_flow import ReverseFlow
from rules.room_too_cold import RoomTooCold
from rules.rule import RuleKind
from rules.running_water import RunningWater
from rules.short_cycling import ShortCycling
from rules.silent import Silent
from rules.stuck import Stuck

RULES: dict[str, type[RuleKind]] = {
    "running_water": RunningWater,
    "leak": Leak,
    "night_flow": NightFlow,
    "burst": Burst,
    "closed_flow": ClosedFlow,
    "reverse_flow": ReverseFlow,
    "meter_balance": MeterBalance,
    "lights_left_on": LightsLeftOn,
    "lights_after_hours": LightsAfterHours,
    "lights_all_night": LightsAllNight,
    "lights_in_daylight": LightsInDaylight,
    "lamp_out": LampOut,
    "left_on": LeftOn,
    "high_power": HighPower,
    "overload": Overload,
    "ebike_charging": EbikeCharging,
    "boiler_temperature": BoilerTemperature,
    "boiler_blind": BoilerBlind,
    "boiler_pressure": BoilerPressure,
    "boiler_level": BoilerLevel,
    "boiler_flame": BoilerFlame,
    "boiler_pump": BoilerPump,
    "boiler_spread": BoilerSpread,
    "boiler_unattended": BoilerUnattended,
    "boiler_door": BoilerDoor,
    "pressure_hold": PressureHold,
    "short_cycling": ShortCycling,
    "flue_drift": FlueDrift,
    "drinking_boiler": DrinkingBoiler,
    "residual_current": ResidualCurrent,
    "hot_terminal": HotTerminal,
    "loop_resistance": LoopResistance,
    "freeze": Freeze,
    "room_too_cold": RoomTooCold,
    "heating_left_on": HeatingLeftOn,
    "cold_store": ColdStore,
    "silent": Silent,
    "stuck": Stuck,
    "implausible": Implausible,
    "counter_fault": CounterFault,
    "clock_drift": ClockDrift,
    "limit": Limit,
    "expression": Expression,
}
