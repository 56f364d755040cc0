"""Boilers of the simulated plant: a burner with its cycles, hot water or steam, and all that can be wrong with them.

Strategy. Heat is counted in full loads: a burner at full fire gives 1, so masses of water are seconds of full fire per
kelvin. The fields after "what is wrong" are the faults: a script sets them while the boiler runs.
"""

from dataclasses import dataclass, field
from math import log10, sin
from random import Random

from daemon.evaluation.plant_scene import DAY, now

STEP_S = 10.0
ROOM_C = 18.0
BOILER = "plant/boiler"


def boiling_c(gauge_kpa: float, altitude_m: float) -> float:
    """The temperature at which water boils (Antoine's equation, the constants of 99 to 374 °C)."""
    absolute_kpa = gauge_kpa + 101.325 * (1 - 2.25577e-5 * altitude_m) ** 5.25588
    return 1810.94 / (8.14019 - log10(absolute_kpa * 7.50062)) - 244.485


@dataclass(slots=True)
class Burner:
    """Purges, lights and burns while there is a demand; locks out when the flame is lost."""

    ready_s: float                 # for purge and ignition
    has_flame: bool = True
    is_locked: bool = False
    since: float = 0.0
    was_wanted: bool = True
    starts: int = 0
    # what is wrong
    never_lights: bool = False
    goes_out: bool = False
    burns_s: float = float("inf")  # then the flame is lost, and it begins anew

    def move(self, at: float, *, demand: bool) -> None:
        """One step."""
        if not demand:
            self.has_flame = self.was_wanted = self.is_locked = False
            return
        if not self.was_wanted:
            self.was_wanted, self.since = True, at
        if self.has_flame:
            if self.goes_out or at - self.since >= self.burns_s:
                self.has_flame, self.is_locked, self.since = False, self.goes_out, at
        elif not self.is_locked and not self.never_lights and at - self.since >= self.ready_s:
            self.has_flame, self.since, self.starts = True, at, self.starts + 1


@dataclass(slots=True)
class HotWater:
    """A boiler and the network that it heats, with its pump and its expansion vessel."""

    random: Random
    at: float
    is_modulating: bool
    is_idle_at_weekends: bool
    supply_c: float = 66.0
    return_c: float = 56.0
    flue_c: float = 120.0
    fire_pct: float = 100.0
    demand: bool = True
    weather: float = 0.9           # how cold it is: 1 asks for six tenths of full fire
    # what is wrong
    rise_k_s: float = 0.0          # beyond the thermostat
    offset_k: float = 0.0
    leak_kpa_s: float = 0.0
    offset_kpa: float = 0.0
    low_kpa: float = 0.0           # below which nothing leaks any more
    high_kpa: float = 1500.0
    has_pump_failed: bool = False
    flow: float = 1.0
    soot_k: float = 0.0
    cycle_s: tuple[float, float] | None = None
    is_level_low: bool = False
    changes_pumps: bool = True
    is_forced: bool = False        # it fires whatever the hour and the temperature
    is_held: bool = False          # it does not
    burner: Burner = field(init=False)
    signals: dict[str, float] = field(init=False)
    _mass: tuple[float, float, float] = field(init=False)
    _fill_kpa: float = field(init=False)
    _full_kpa: float = field(init=False)
    _refill_until: float = 0.0
    _pump_until: float = 0.0
    _swap_minute: float = field(init=False)
    _pump_w: float = field(init=False)
    _set_c: float = field(init=False)

    def __post_init__(self) -> None:
        r = self.random
        self.burner = Burner(r.uniform(22, 45), since=self.at - 300)
        self._mass = r.uniform(20, 30), r.uniform(65, 90), 1 / r.uniform(13, 17)
        self._full_kpa = r.uniform(175, 190)
        self._fill_kpa = self._full_kpa - r.uniform(0, 10)
        self._swap_minute = r.uniform(540, 1000)
        self._pump_w = r.uniform(600, 1500)
        self._set_c = r.uniform(58, 62)
        self.signals = {}
        self._show()

    def is_on(self, at: float) -> bool:
        """Whether the boiler is in operation by its programme."""
        weekday, minute, is_open = now(at)
        if is_open:
            return not self.is_idle_at_weekends or weekday < 4 or minute < 19 * 60
        if not self.is_idle_at_weekends:
            return True
        return weekday == 6 and minute > 15 * 60 and now(at + DAY).is_open

    def settle(self, return_c: float) -> None:
        """Take up the temperatures of a steady fire."""
        self.return_c = return_c
        self.supply_c = return_c + self.fire_pct / 100 / self._mass[2]

    def move(self, at: float) -> None:
        while self.at < at:
            step_s = min(STEP_S, at - self.at)
            self.at += step_s
            self._step(step_s)
        self._show()

    def _wants(self) -> bool:
        if self.cycle_s:
            on_s, off_s = self.cycle_s
            return self.at % (on_s + off_s) < on_s
        if self.is_forced or self.is_held or not self.is_on(self.at):
            return self.is_forced and not self.is_held
        minute = now(self.at).minute
        set_c = self._set_c - (14 if minute < 285 or minute > 22 * 60 else 0)
        if self.is_modulating:
            top_c = set_c + 15
            self.fire_pct = min(100.0, max(30.0, 12 * (top_c + 4 - self.supply_c)))
            return self.supply_c < top_c + (5 if self.demand else -6)
        return self.return_c < set_c + (3.5 if self.demand else -3.5)

    def _step(self, step_s: float) -> None:
        boiler, network, carry = self._mass
        self.demand = self._wants()
        self.burner.move(self.at, demand=self.demand)
        if self.demand:
            self._pump_until = self.at + 600
        has_pump = self._has_pump()
        fire = self.fire_pct / 100 if self.burner.has_flame else 0.0
        carried = carry * (self.flow if has_pump else 0.03) * (self.supply_c - self.return_c)
        load = 0.017 * self.weather * (self.return_c - ROOM_C) if has_pump else 0.002 * (self.return_c - ROOM_C)
        self.supply_c += step_s * (fire - carried - 0.0008 * (self.supply_c - ROOM_C)) / boiler
        self.return_c += step_s * (carried - load) / network
        self.offset_k += self.rise_k_s * step_s
        target_c = self.supply_c + 35 + 60 * fire + self.soot_k if fire else self.supply_c - 10
        self.flue_c += (target_c - self.flue_c) * min(1.0, step_s / (80 if fire else 600))
        self._fill_kpa -= 3 * step_s / DAY
        if self._fill_kpa < self._full_kpa - 12 and self.is_on(self.at):
            self._refill_until = self.at + 150
        if self.at < self._refill_until:
            self._fill_kpa += 0.1 * step_s
        if self.leak_kpa_s and self.low_kpa < self._pressure() < self.high_kpa:
            self.offset_kpa -= self.leak_kpa_s * step_s

    def _has_pump(self) -> bool:
        if self.has_pump_failed:
            return False
        is_swap = self.changes_pumps and 0 < (now(self.at).minute - self._swap_minute) * 60 < 8
        return not is_swap and (self.is_on(self.at) or self.at < self._pump_until)

    def _pressure(self) -> float:
        mean_c = (self.supply_c + 2 * self.return_c) / 3 + self.offset_k / 3
        return max(0.0, self._fill_kpa + 0.9 * (mean_c - ROOM_C) + self.offset_kpa)

    def _show(self) -> None:
        has_pump = self._has_pump()
        self.signals.update({
            f"{BOILER}/supply/temperature_c": self.supply_c + self.offset_k,
            f"{BOILER}/return/temperature_c": self.return_c + self.offset_k,
            f"{BOILER}/flue/temperature_c": self.flue_c + self.offset_k,
            f"{BOILER}/pressure_kpa": self._pressure() + (6.0 if has_pump else 0.0),
            f"{BOILER}/flame": float(self.burner.has_flame),
            f"{BOILER}/demand": float(self.demand),
            f"{BOILER}/fire_pct": self.fire_pct if self.burner.has_flame else 0.0,
            f"{BOILER}/pump/on": float(has_pump),
            f"{BOILER}/pump/power_w": self._pump_w if has_pump else 0.0,
            f"{BOILER}/level_low": float(self.is_level_low),
        })  # fmt: skip


@dataclass(slots=True)
class Steam:
    """A steam boiler for a kitchen: pressure by its burner, level by its feed pump, and the level swells with load."""

    random: Random
    at: float
    kpa: float = 420.0
    level_mm: float = 0.0
    demand: bool = True
    # what is wrong
    feeds: bool = True
    drain_mm_s: float = 0.0
    stays_on: bool = False         # the feed pump
    is_level_low: bool = False
    burner: Burner = field(init=False)
    signals: dict[str, float] = field(init=False)
    _is_feeding: bool = False
    _swell_mm: float = 0.0
    _load: float = 0.5
    _load_until: float = 0.0
    _flue_c: float = 150.0

    def __post_init__(self) -> None:
        self.burner = Burner(self.random.uniform(22, 45), since=self.at - 300)
        self.signals = {}
        self._show()

    def is_on(self, at: float) -> bool:
        """Whether the boiler is in operation by its programme."""
        _, minute, is_open = now(at)
        return is_open and 4 * 60 + 30 <= minute < 20 * 60

    def move(self, at: float) -> None:
        while self.at < at:
            step_s = min(STEP_S, at - self.at)
            self.at += step_s
            self._step(step_s)
        self._show()

    def _step(self, step_s: float) -> None:
        is_on = self.is_on(self.at)
        if self.at >= self._load_until:
            self._load, self._load_until = self.random.uniform(0.2, 0.6), self.at + self.random.uniform(300, 1800)
        load = self._load * min(1.0, self.kpa / 300) if is_on else 0.03 * min(1.0, self.kpa / 300)
        self.demand = is_on and self.kpa < (480 if self.demand else 400)
        self.burner.move(self.at, demand=self.demand)
        self.kpa = max(0.0, self.kpa + step_s * 0.18 * (float(self.burner.has_flame) - load - self.kpa * 4e-5))
        low, high = (-12.0, 12.0)
        self._is_feeding = self.stays_on or (self.feeds and self.level_mm < (high if self._is_feeding else low))
        self.level_mm += step_s * (0.09 * self._is_feeding - 0.07 * load - self.drain_mm_s)
        swell_mm = 18 * (load - 0.35) if is_on else -5.0
        self._swell_mm += (swell_mm - self._swell_mm) * min(1.0, step_s / 30)
        flue_c = 230.0 if self.burner.has_flame else 90.0
        self._flue_c += (flue_c - self._flue_c) * min(1.0, step_s / (90 if self.burner.has_flame else 900))

    def _show(self) -> None:
        shown_mm = self.level_mm + self._swell_mm + 3 * sin(self.at / 37) * self.burner.has_flame
        self.signals.update({
            f"{BOILER}/pressure_kpa": self.kpa,
            f"{BOILER}/level_mm": shown_mm,
            f"{BOILER}/level_low": float(self.is_level_low),
            f"{BOILER}/flame": float(self.burner.has_flame),
            f"{BOILER}/demand": float(self.demand),
            f"{BOILER}/flue/temperature_c": self._flue_c,
        })  # fmt: skip

