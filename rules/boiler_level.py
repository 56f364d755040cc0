"""Boiler water level (锅炉水位): too little water, which fire turns into an explosion, or too much.

Strategy. Each side is an alert of its own, and each sensor of it climbs its own ladder; the alert is as grave as the
gravest of them, and always critical for low water under a fire. Two things look like faults and are none. A boiler that
is being filled shows low water that rises: while no fire is known to burn, time in which it rises does not count (a
float switch that stands low while the level is measured and is not is no filling, but a fault of one of them). Water
that begins to boil swells: for some minutes after the burner was lit the high line lies further up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.boiler_level_words import WORDS
from rules.ladder import Climb, Ladder, Rung
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, in_order, parameter

SMOOTH_S = 60.0   # a level is compared with its mean over this, to see whether it rises
SILENT_S = 600.0  # after this the mean begins anew
SWELL_MM, SWELL_PCT = 50.0, 15.0   # so much further up boiling water may stand just after lighting
UNTOLD = -1


class Sensor(NamedTuple):
    """One sensor of a side: its lines, those just after lighting, and how far above its mean a level is that rises."""

    role: str
    holds_s: float
    ladder: Ladder
    swollen: Ladder
    step: float


class _State(NamedTuple):
    """The climb of each sensor; the level's mean; the newest flame, and when it was lit; how gravely it was told."""

    climbs: tuple[Climb, ...] = ()
    mean: float = 0.0
    mean_at: float | None = None
    rises_until: float = 0.0
    flame: float = 0.0
    flame_at: float | None = None
    lit_at: float | None = None
    told: int = UNTOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerLevelWatch:
    """One side, low or high, of the water in one boiler."""

    rule: ClassVar[str] = "boiler_level"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    side: str
    inputs: Mapping[str, str]
    sensors: tuple[Sensor, ...]
    flame_holds_s: float
    swell_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        climbs, mean, mean_at, rises_until, flame, flame_at, lit_at, told = state
        if "flame" in values:
            if values["flame"] > flame and flame_at is not None:
                lit_at = at
            flame, flame_at = values["flame"], at
        measured = self.sensors[0]
        if measured.role in values and measured.step != inf:
            mean, rises_until = self._followed(state, at, values[measured.role])
            mean_at = at
        fires = bool(flame) and flame_at is not None and at - flame_at <= self.flame_holds_s
        climbs = self._climbed(
            climbs or (Climb(),) * len(self.sensors), at, values,
            fills=self.side == "low" and at <= rises_until and not fires,
            swells=self.side == "high" and lit_at is not None and at - lit_at < self.swell_s,
        )  # fmt: skip
        state = _State(climbs, mean, mean_at, rises_until, flame, flame_at, lit_at, told)
        now = max(map(self._grade, self.sensors, climbs))
        if fires and now != UNTOLD and self.side == "low":
            now = Severity.CRITICAL
        if now == told or UNTOLD < now < told:
            return state, ()
        turn = Turn.CLEARED if now == UNTOLD else Turn.RAISED if told == UNTOLD else Turn.UPDATED
        change = self._change(turn, at, state, Severity(max(now, told)), fires=fires)
        return state._replace(told=now), (change,)

    def deadline(self, state: _State) -> float | None:
        wakes = (s.ladder.lapse(c, holds_s=s.holds_s) for s, c in self._pairs(state))
        return min((wake for wake in wakes if wake is not None), default=None)

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.told != UNTOLD:
            return None
        holds = (s.ladder.hold(c, at, holds_s=s.holds_s) for s, c in self._pairs(state))
        return min((hold for hold in holds if hold), key=lambda hold: hold.needed_s - hold.covered_s, default=None)

    def explain(self, state: _State, at: float) -> Explanation:
        heard = [(s, c) for s, c in self._pairs(state) if c.at is not None]
        if not heard:
            return Explanation("boiler_level.is_unheard", {})
        sensor, climb = max(heard, key=lambda pair: (pair[1].since is not None, pair[1].at))
        why = "is_calm" if climb.since is None else f"is_{self.side}"
        values = {"value": climb.value, "line": sensor.ladder.rungs[0].line, "heard_at": climb.at or 0.0}
        return Explanation(f"boiler_level.{why}_{sensor.role}", values)

    def _pairs(self, state: _State) -> list[tuple[Sensor, Climb]]:
        climbs = state.climbs or (Climb(),) * len(self.sensors)
        return [(sensor, Climb(*climb)) for sensor, climb in zip(self.sensors, climbs, strict=True)]

    def _followed(self, state: _State, at: float, value: float) -> tuple[float, float]:
        """The mean of the level with one more reading, and until when it counts as rising."""
        if state.mean_at is None or at - state.mean_at > SILENT_S:
            return value, at + SMOOTH_S  # who knows; a minute tells
        weight = (at - state.mean_at) / (at - state.mean_at + SMOOTH_S)
        rises_until = max(state.rises_until, at if value - state.mean > self.sensors[0].step else 0.0)
        return state.mean + (value - state.mean) * weight, rises_until

    def _climbed(
        self, climbs: Sequence[Climb], at: float, values: Mapping[str, float], *, fills: bool, swells: bool
    ) -> tuple[Climb, ...]:
        """The climb of each sensor after these readings; without any, of those whose last one lapses now."""
        out = []
        is_low = fills and self._is_low(climbs[0], values.get(self.sensors[0].role))
        for sensor, climb in zip(self.sensors, climbs, strict=True):
            value = values.get(sensor.role)
            if not values and sensor.ladder.lapse(Climb(*climb), holds_s=sensor.holds_s) == at:
                value = climb[1]
            if value is not None:
                if fills and is_low and _stands(sensor.ladder, climb, value):
                    climb = Climb(*climb)._replace(at=at, value=value)  # this time does not count
                else:
                    ladder = sensor.swollen if swells else sensor.ladder
                    climb, turn = ladder.step(climb, at, value, holds_s=sensor.holds_s)
                    climb = ladder.after(climb) if turn is Turn.CLEARED else climb
            out.append(climb)
        return tuple(out)

    def _is_low(self, climb: Climb, value: float | None) -> bool:
        """Whether the level that is measured is below its line, by this reading or else the last."""
        ladder = self.sensors[0].ladder
        return (climb[1] if value is None else value) < ladder.rungs[0].line + ladder.deadband

    @staticmethod
    def _grade(sensor: Sensor, climb: Climb) -> int:
        told = climb[4]
        return sensor.ladder.rungs[told - 1].severity if told else UNTOLD

    def _change(self, turn: Turn, at: float, state: _State, severity: Severity, *, fires: bool) -> Change:
        pairs = self._pairs(state)
        told = [pair for pair in pairs if pair[1].told] or [max(pairs, key=lambda pair: pair[1].at or 0.0)]
        sensor, climb = max(told, key=lambda pair: pair[1].told)
        line, held_s = sensor.ladder.rungs[0].line, sensor.ladder.covered_s(climb)
        values = {"value": climb.value, "line": line, "held_s": held_s}
        why = "cleared" if turn is Turn.CLEARED else "fire" if fires and self.side == "low" else self.side
        since = at if climb.since is None else climb.since
        evidence = Evidence(since, tuple(self.inputs.values()), line, held_s)
        return Change(turn, severity, Delivery.PAGE, f"boiler_level.{why}_{sensor.role}", values, evidence)


def _stands(ladder: Ladder, climb: Climb, value: float) -> bool:
    """Whether a value that is not told yet is still beyond the lowest line, deadband and all."""
    line, since, told = ladder.rungs[0].line, climb[3], climb[4]
    beyond = value < line + ladder.deadband if ladder.falls else value > line - ladder.deadband
    return since is not None and not told and beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerLevel:
    """Flags too little or too much water in a boiler."""

    kind: ClassVar[str] = "boiler_level"
    slowest_s: ClassVar[float] = 120.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

    alarm_mm: float = parameter(50.0, unit="mm", least=1.0, most=5000.0)
    critical_mm: float = parameter(75.0, unit="mm", least=1.0, most=5000.0)
    low_pct: float = parameter(30.0, unit="%", least=0.0, most=100.0)
    critical_pct: float = parameter(20.0, unit="%", least=0.0, most=100.0)
    high_pct: float = parameter(70.0, unit="%", least=0.0, most=100.0)
    hold_s: float = parameter(15.0, unit="s", least=1.0, most=3600.0)
    clear_s: float = parameter(30.0, unit="s", least=0.0, most=3600.0)
    swell_s: float = parameter(180.0, unit="s", least=0.0, most=3600.0)

    def __post_init__(self) -> None:
        in_order(self, "alarm_mm", "critical_mm")
        in_order(self, "critical_pct", "low_pct", "high_pct")

    def watches(self, site: Site) -> Iterable[BoilerLevelWatch]:
        for boiler in boilers(site):
            if boiler.points.keys() & {"level", "fill", "level_low"}:
                yield self._watch(boiler, "low", ("level", "fill", "level_low"))
            if boiler.points.keys() & {"level", "fill"}:
                yield self._watch(boiler, "high", ("level", "fill"))

    def _watch(self, boiler: Boiler, side: str, roles: Sequence[str]) -> BoilerLevelWatch:
        sensors = tuple(self._sensor(boiler, side, role) for role in roles if role in boiler.points)
        return BoilerLevelWatch(
            key=f"{boiler.place.id}/{side}",
            place=boiler.place.id,
            side=side,
            inputs=boiler.inputs(*roles, "flame"),
            sensors=sensors,
            flame_holds_s=boiler.holds_s("flame") if "flame" in boiler.points else 0.0,
            swell_s=self.swell_s,
        )

    def _sensor(self, boiler: Boiler, side: str, role: str) -> Sensor:
        holds_s = boiler.holds_s(role)
        if role == "level_low":
            dry = (Rung(0.5, self.hold_s, Severity.CRITICAL),)
            switch = Ladder(rungs=dry, deadband=0.0, clear_s=self.clear_s)
            return Sensor(role, holds_s, switch, switch, inf)
        is_mm = role == "level"
        deadband, step = (5.0, 5.0) if is_mm else (1.0, 1.0)
        if side == "low":
            lines = (-self.alarm_mm, -self.critical_mm) if is_mm else (self.low_pct, self.critical_pct)
            rungs = (Rung(lines[0], self.hold_s, Severity.MAJOR), Rung(lines[1], self.hold_s, Severity.CRITICAL))
            low = Ladder(rungs=rungs, deadband=deadband, clear_s=self.clear_s, falls=True)
            return Sensor(role, holds_s, low, low, step)
        line, swell = (self.alarm_mm, SWELL_MM) if is_mm else (self.high_pct, SWELL_PCT)
        high, swollen = (
            Ladder(rungs=(Rung(at, self.hold_s, Severity.MAJOR),), deadband=deadband, clear_s=self.clear_s)
            for at in (line, line + swell)
        )
        return Sensor(role, holds_s, high, swollen, step)
