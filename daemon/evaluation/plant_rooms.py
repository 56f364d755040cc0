"""The rest of the simulated plant: a drinking boiler, a heated house, cold stores, a distribution board, a pipe test.

Each is a machine of `plant_scene`; the fields after "what is wrong" are the faults.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import pi, sin
from random import Random
from typing import NamedTuple

from daemon.evaluation.plant_scene import BEAT_S, DAY, HOUR, Contact, now

WATER = "teach-1/water"
HOUSE, ROOM, OUTSIDE = "teach-1", "teach-1/101", "outside/air"
STORE = "canteen/cold"
BOARD = "teach-1/board"
SOCKETS = "teach-1/101/sockets"
PUMPS = "plant/pumps"
BREAKS = ((420, 460), (590, 610), (720, 780), (960, 980), (1080, 1140), (1260, 1300))  # minutes of a day


def _draws(minute: float) -> bool:
    return any(first <= minute < last for first, last in BREAKS)


@dataclass(slots=True)
class Kettle:
    """A drinking boiler: 9 kW, its thermostat, a valve that fills it, and a clock that switches it off."""

    random: Random
    at: float
    boils_c: float = 100.0
    water_c: float = 95.0
    level_pct: float = 75.0
    is_heating: bool = False
    # what is wrong
    has_water: bool = True         # supplied
    drain_pct_s: float = 0.0
    is_forgotten: bool = False     # on, whatever the clock says
    overheats_k_s: float = 0.0     # once it is dry, or the thermostat has failed
    signals: dict[str, float] = field(init=False)
    _rate_k_s: float = field(init=False)
    _watts: float = field(init=False)
    _from: float = field(init=False)
    _until: float = field(init=False)
    _relight_k: float = field(init=False)
    _is_filling: bool = False

    def __post_init__(self) -> None:
        r = self.random
        self._rate_k_s, self._watts = r.uniform(0.02, 0.035), r.choice((6000.0, 9000.0, 12_000.0))
        self._from, self._until, self._relight_k = r.uniform(352, 372), r.uniform(1305, 1335), r.uniform(4, 9)
        self.signals = {}
        self._show()

    def is_on(self, at: float) -> bool:
        """Whether its clock has it on."""
        _, minute, is_open = now(at)
        return self.is_forgotten or (is_open and self._from <= minute < self._until)

    def move(self, at: float) -> None:
        while self.at < at:
            step_s = min(10.0, at - self.at)
            self.at += step_s
            self._step(step_s)
        self._show()

    def _step(self, step_s: float) -> None:
        is_on = self.is_on(self.at)
        boils_c = self.boils_c - 0.3
        self.is_heating = is_on and (
            self.overheats_k_s > 0 or self.water_c < (boils_c if self.is_heating else boils_c - self._relight_k)
        )
        if self.overheats_k_s and self.level_pct < 8:
            self.water_c = min(160.0, self.water_c + step_s * self.overheats_k_s)
        elif self.is_heating:
            self.water_c = min(self.boils_c + 0.2, self.water_c + step_s * self._rate_k_s)
        self.water_c -= step_s * 1.5e-5 * (self.water_c - 20)
        if is_on and now(self.at).is_open and _draws(now(self.at).minute):
            self.level_pct -= 0.02 * step_s
        self._is_filling = self.has_water and self.level_pct < (90 if self._is_filling else 60)
        if self._is_filling:
            self.level_pct += 0.04 * step_s
            self.water_c -= 0.0004 * step_s * (self.water_c - 15)
        self.level_pct = max(0.0, self.level_pct - self.drain_pct_s * step_s)

    def _show(self) -> None:
        self.signals.update({
            f"{WATER}/temperature_c": self.water_c,
            f"{WATER}/power_w": self._watts * self.is_heating,
            f"{WATER}/level_pct": self.level_pct,
            f"{WATER}/level_low": float(self.level_pct < 8),
        })  # fmt: skip


@dataclass(slots=True)
class House:
    """A heated building in winter: its circuit, a classroom, a pipe in the corridor, the air outside."""

    random: Random
    at: float
    mean_c: float = 2.0            # outside
    room_c: float = 19.5
    circuit_c: float = 45.0
    # what is wrong
    valve: float = 1.0             # of the room
    room_k_s: float = 0.0          # a window open in the frost
    least_c: float = -3.0          # that it cools down to
    pipe_k_s: float = 0.0
    return_k_s: float = 0.0
    is_forgotten: bool = False
    signals: dict[str, float] = field(init=False)
    _pipe_k: float = 0.0
    _return_k: float = 0.0
    _airing_k: float = 0.0
    _airing: float = field(init=False)

    def __post_init__(self) -> None:
        self._airing = self.random.uniform(0.8, 2.2)
        self.signals = {}
        self._show()

    @property
    def outside_c(self) -> float:
        minute = now(self.at).minute
        return self.mean_c + 4 * sin(2 * pi * (minute - 540) / 1440) + 2 * sin(self.at / 200_000)

    def target_c(self, at: float) -> float:
        """What the circuit is heated to."""
        _, minute, is_open = now(at)
        if self.is_forgotten:
            return 50.0
        if is_open:
            early = 120 if not now(at - DAY).is_open else 255
            if early <= minute < 21 * 60 + 30:
                return 52.0
            return 35.0 if minute < early or now(at + DAY).is_open else 0.0
        return 32.0 if self.room_c < 9.5 else 0.0

    def move(self, at: float) -> None:
        while self.at < at:
            step_s = min(60.0, at - self.at)
            self.at += step_s
            self._step(step_s)
        self._show()

    def _step(self, step_s: float) -> None:
        target_c = self.target_c(self.at)
        if target_c:
            self.circuit_c += (target_c - self.circuit_c) * min(1.0, step_s / 1200)
        else:
            self.circuit_c += (self.room_c - self.circuit_c) * min(1.0, step_s / 9000)
        valve = self.valve * min(1.0, max(0.0, 1.2 * (20.6 - self.room_c)))
        heat = 2.4 / 30 * valve * max(0.0, self.circuit_c - self.room_c)
        self.room_c += step_s / HOUR * (heat - (self.room_c - self.outside_c) / 120)
        self.room_c = max(self.room_c - self.room_k_s * step_s, min(self.room_c, self.least_c))
        minute = now(self.at).minute
        is_aired = now(self.at).is_open and (595 <= minute < 602 or 905 <= minute < 911)
        self._airing_k += ((self._airing if is_aired else 0.0) - self._airing_k) * min(1.0, step_s / 200)
        self._pipe_k += self.pipe_k_s * step_s
        self._return_k += self.return_k_s * step_s

    def _show(self) -> None:
        back_c = self.circuit_c - 0.3 * max(0.0, self.circuit_c - self.room_c)
        shade_c = 0.85 * self.room_c + 0.15 * self.outside_c
        pipe_c = max(shade_c, shade_c + 0.6 * (self.circuit_c - self.room_c))
        self.signals.update({
            f"{ROOM}/temperature_c": self.room_c - self._airing_k,
            f"{HOUSE}/heating/temperature_c": self.circuit_c,
            f"{HOUSE}/return/temperature_c": max(self.least_c, back_c - self._return_k),
            f"{HOUSE}/pipe/temperature_c": max(self.least_c, pipe_c - self._pipe_k),
            f"{OUTSIDE}/temperature_c": self.outside_c,
        })  # fmt: skip


class Cold(NamedTuple):
    """What a kind of cold store holds: its temperature, and by how much and how often a day it defrosts."""

    target_c: float
    band_k: float
    defrost_k: float
    defrosts: int
    drift_c: float       # towards which the air drifts with an open door


COLD = {
    "freezer": Cold(-20.0, 1.3, 6.5, 3, -6.0),
    "cold_store": Cold(3.8, 1.0, 3.4, 4, 9.0),
    "sample_fridge": Cold(4.0, 1.0, 2.6, 2, 10.0),
}


@dataclass(slots=True)
class Store:
    """A freezer, cold store or sample fridge: its compressor, its defrosts, and its door by a plan of openings."""

    random: Random
    at: float
    cold: Cold
    openings: list[tuple[float, float]]
    air_c: float = field(init=False)
    # what is wrong
    warms_k_s: float = 0.0
    freezes_k_s: float = 0.0
    signals: dict[str, float] = field(init=False)
    _runs: bool = True
    _door_k: float = 0.0
    _defrost_k: float = 0.0
    _defrost_at: float = field(init=False)
    _defrost_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.air_c = self.cold.target_c
        self._defrost_at, self._defrost_s = self.random.uniform(0, 300), self.random.uniform(1100, 1600)
        self.signals = {}
        self._show()

    def move(self, at: float) -> None:
        while self.at < at:
            step_s = min(30.0, at - self.at)
            self.at += step_s
            self._step(step_s)
        self._show()

    def _step(self, step_s: float) -> None:
        cold = self.cold
        self._runs = self.air_c > cold.target_c + (-cold.band_k if self._runs else cold.band_k)
        if self.warms_k_s or self.freezes_k_s:
            self.air_c = min(18.0, self.air_c + step_s * (self.warms_k_s - self.freezes_k_s))
        else:
            self.air_c += step_s / 60 * (-0.22 if self._runs else 0.13)
        while self.openings and self.openings[0][1] <= self.at:
            self.openings.pop(0)
        is_open = bool(self.openings) and self.openings[0][0] <= self.at
        aim_k = 0.9 * (cold.drift_c - cold.target_c) if is_open else 0.0
        self._door_k += (aim_k - self._door_k) * min(1.0, step_s / (700 if is_open else 240))
        since = (now(self.at).minute - self._defrost_at) % (1440 / cold.defrosts) * 60
        aim_k = cold.defrost_k if since < self._defrost_s else 0.0
        self._defrost_k += (aim_k - self._defrost_k) * min(1.0, step_s / 500)

    def _show(self) -> None:
        self.signals[f"{STORE}/temperature_c"] = self.air_c + max(self._door_k, self._defrost_k)


def openings(random: Random, begin: float, end: float) -> Iterator[tuple[float, float]]:
    """When a door of a kitchen's store is open: to take something, and for a delivery in the morning."""
    at = begin + random.uniform(60, 1800)
    while at < end:
        _, minute, is_open = now(at)
        if is_open and 300 < minute < 1200:
            is_delivery = 390 <= minute < 420 and random.random() < 0.5
            open_s = random.uniform(240, 480) if is_delivery else random.uniform(8, 100)
            yield at, at + open_s
            at += open_s
        at += random.expovariate(1 / 2400) + 120


def door_words(spans: list[tuple[float, float]], begin: float, end: float) -> list[Contact]:
    """What the contact of such a door says."""
    door = f"{STORE}/door_open"
    out: list[Contact] = [(begin + n * BEAT_S, {door: 0.0}) for n in range(int((end - begin) / BEAT_S) + 1)]
    out = [item for item in out if not any(first - 1 <= item[0] <= last + 1 for first, last in spans)]
    for first, last in spans:
        out += [(first, {door: 1.0}), (last, {door: 0.0})]
        out += [(first + n * BEAT_S, {door: 1.0}) for n in range(1, int((min(last, end) - first) / BEAT_S) + 1)]
    return sorted(out, key=lambda item: item[0])


@dataclass(slots=True)
class Board:
    """A circuit on its distribution board: steps of load, leakage, a terminal that warms, a loop with resistance."""

    random: Random
    at: float
    amperes: float = 4.0
    # what is wrong
    leak_ma: float = 0.0
    leak_ma_s: float = 0.0
    looseness: float = 1.0
    loosens_1_s: float = 0.0
    loop: float = 1.0              # times its resistance when new
    more_a: float = 0.0            # of load all the time
    signals: dict[str, float] = field(init=False)
    _step_at: float = 0.0
    _loads: list[tuple[float, float]] = field(default_factory=list)
    _ohm: float = field(init=False)
    _rise_k: float = field(init=False)
    _terminal_c: float = 25.0
    _slow_v: float = 0.0
    _ambient_c: float = field(init=False)
    _steady_ma: float = field(init=False)
    _busy: float = 1.0

    def __post_init__(self) -> None:
        r = self.random
        self._ohm, self._rise_k = r.uniform(0.3, 0.6), r.uniform(10, 20)
        self._ambient_c, self._steady_ma = r.uniform(17, 26), r.uniform(4, 8)
        self.signals = {}
        self._show()

    def move(self, at: float) -> None:
        while self.at < at:
            step_s = min(60.0, at - self.at)
            self.at += step_s
            self._step(step_s)
        self._show()

    def _step(self, step_s: float) -> None:
        self._loads = [load for load in self._loads if load[0] > self.at]
        if self.at >= self._step_at:
            _, minute, is_open = now(self.at)
            often_s = 900 if is_open and 380 < minute < 1330 else 3600
            self._step_at = self.at + self.random.expovariate(1 / often_s)
            self._loads.append((self.at + self.random.uniform(120, 2400), self.random.uniform(2.5, 9)))
        self.amperes = min(32.0, 1.5 + self.more_a + sum(load[1] for load in self._loads))
        self._slow_v += self.random.gauss(0, 0.02) * step_s**0.5 - self._slow_v * step_s / 3600
        aim_c = self._ambient_c + 2 * sin(self.at / 14_000)
        aim_c += self._rise_k * self.looseness * min(1.2, self.amperes / 20) ** 2
        self._terminal_c += (aim_c - self._terminal_c) * min(1.0, step_s / 900)
        self.leak_ma += self.leak_ma_s * step_s
        self.looseness += self.loosens_1_s * step_s

    def _show(self) -> None:
        ohm = self._ohm * self.loop
        self.signals.update({
            f"{BOARD}/residual_ma": self._steady_ma + 0.45 * self.amperes + self.leak_ma,
            f"{SOCKETS}/residual_ma": 0.3 * self._steady_ma + 0.1 * self.amperes + self.leak_ma,
            f"{BOARD}/terminal-a/temperature_c": self._terminal_c,
            f"{BOARD}/current_a": self.amperes,
            f"{BOARD}/voltage_v": 231.0 + self._slow_v - ohm * self.amperes,
        })  # fmt: skip


@dataclass(slots=True)
class Pipes:
    """The heating network before winter: pumped up, held for a day, and let down again."""

    random: Random
    at: float
    test_from: float
    test_until: float
    lost: float                    # share of the pressure lost in a day
    signals: dict[str, float] = field(init=False)
    _full_kpa: float = field(init=False)
    _warm_c: float = field(init=False)

    def __post_init__(self) -> None:
        self._full_kpa, self._warm_c = self.random.uniform(500, 800), self.random.uniform(12, 18)
        self.signals = {}
        self.move(self.at)

    def move(self, at: float) -> None:
        self.at = at
        temperature_c = self._warm_c + 1.5 * sin(at / 13_000)
        begin_c = self._warm_c + 1.5 * sin(self.test_from / 13_000)
        pumped, let_down = (at - self.test_from + 900) / 600, (self.test_until + 900 - at) / 600
        up = min(1.0, max(0.0, pumped)) * min(1.0, max(0.0, let_down))
        held_s = min(max(0.0, at - self.test_from), self.test_until - self.test_from)
        full_kpa = self._full_kpa * (1 - self.lost * held_s / DAY) * (temperature_c + 273.15) / (begin_c + 273.15)
        self.signals.update({
            f"{PUMPS}/pressure_kpa": 250.0 + (full_kpa - 250.0) * up,
            f"{PUMPS}/pipe/temperature_c": temperature_c,
        })  # fmt: skip
