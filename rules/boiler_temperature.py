"""Boiler too hot (锅炉超温): the water that leaves it comes near its design temperature, or near boiling.

Strategy. The margin to a ceiling is what counts, so that all ladders are floors. Against the design temperature, where
it is set, or else against boiling at the altitude of the site, as in a boiler that is open to the air: one watch. And
against boiling under the pressure that is measured, with a larger margin: another one, for boilers that had more than a
little pressure within the last day, since one that loses its pressure while it is hot is what it is there for. A boiler
without design temperature is not judged as open while it has pressure, nor where the other watch finds it at least as
grave: one danger is told once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, air_kpa, boilers, boiling_c, is_pressure
from rules.ladder import Climb, Ladder, Rung
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, in_order, parameter

PRESSURISED_KPA = 50.0  # less than this is the height of the water above the sensor
DAY_S = 86_400.0
FAR_K = 1e3             # the margin where nothing is compared


class _State(NamedTuple):
    """How the margin climbs; the newest pressure, its time, and when there was last enough of it to count."""

    climb: Climb = Climb()
    ceiling_c: float = 0.0
    kpa: float = 0.0
    kpa_at: float | None = None
    pressed_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerTemperatureWatch:
    """One boiler against a ceiling: `ceiling_c`, or where that is infinite against boiling under its pressure.

    `margins` is the ladder of the other watch, where that may tell the same danger.
    """

    rule: ClassVar[str] = "boiler_temperature"
    version: ClassVar[int] = 3
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    pressure_holds_s: float
    ceiling_c: float
    air_kpa: float
    is_designed: bool
    ladder: Ladder
    margins: Ladder | None

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        kpa = values.get("pressure")
        if kpa is not None and is_pressure(kpa, self.air_kpa):
            state = state._replace(kpa=kpa, kpa_at=at, pressed_at=at if kpa >= PRESSURISED_KPA else state.pressed_at)
        celsius = values.get("supply")
        if celsius is None:
            return state, ()
        if isinf(self.ceiling_c) and not self._is_fresh(state, at):
            return state, ()  # who does not know the pressure can begin and end nothing
        ceiling_c = self._ceiling(state, at)
        margin_k = inf if ceiling_c is None or self._is_told_of(state, at, celsius) else ceiling_c - celsius
        if isinf(margin_k):  # nothing to compare with: no danger is seen, and what was told ends
            ceiling_c, margin_k = celsius + self.ladder.rungs[0].line + 2 * self.ladder.deadband, FAR_K
        climb, turn = self.ladder.step(Climb(*state.climb), at, margin_k, holds_s=self.holds_s)
        state = state._replace(climb=climb, ceiling_c=ceiling_c or 0.0)
        if turn is None:
            return state, ()
        change = self._change(turn, climb, celsius, state.ceiling_c)
        return (state._replace(climb=self.ladder.after(climb)) if turn is Turn.CLEARED else state), (change,)

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        return self.ladder.hold(Climb(*state.climb), at, holds_s=self.holds_s)

    def explain(self, state: _State, at: float) -> Explanation:
        climb = Climb(*state.climb)
        if climb.at is None:
            return Explanation("boiler_temperature.is_unheard", {})
        if climb.value == FAR_K or self._ceiling(state, at) is None:
            return Explanation("boiler_temperature.is_elsewhere", {"heard_at": climb.at, "kpa": state.kpa})
        values = {
            "celsius": state.ceiling_c - climb.value, "ceiling_c": state.ceiling_c, "margin_k": climb.value,
            "heard_at": climb.at, "line_k": self.ladder.rungs[0].line,
        }  # fmt: skip
        return Explanation("boiler_temperature.is_calm" if climb.since is None else "boiler_temperature.is_hot", values)

    def _ceiling(self, state: _State, at: float) -> float | None:
        """The ceiling at a time; None where this watch has none to compare with."""
        if isinf(self.ceiling_c):
            return self._boiling_c(state, at)
        is_judged = self.is_designed or not self._is_fresh(state, at) or state.kpa < PRESSURISED_KPA
        return self.ceiling_c if is_judged else None

    def _boiling_c(self, state: _State, at: float) -> float | None:
        """Where water boils under the pressure that is measured; None where it is not known, or there was none."""
        was_pressed = state.pressed_at is not None and at - state.pressed_at <= DAY_S
        return boiling_c(self.air_kpa + state.kpa) if was_pressed and self._is_fresh(state, at) else None

    def _is_told_of(self, state: _State, at: float, celsius: float) -> bool:
        """Whether the other watch finds this at least as grave; what was told before goes on."""
        margin_k = self.ceiling_c - celsius
        if self.margins is None or margin_k >= self.ladder.rungs[0].line or Climb(*state.climb).told:
            return False
        boiling = self._boiling_c(state, at)
        return boiling is not None and _grade(self.margins, boiling - celsius) >= _grade(self.ladder, margin_k)

    def _is_fresh(self, state: _State, at: float) -> bool:
        return state.kpa_at is not None and at - state.kpa_at <= self.pressure_holds_s

    def _change(self, turn: Turn, climb: Climb, celsius: float, ceiling_c: float) -> Change:
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        values = {
            "celsius": celsius, "least_k": climb.extreme, "ceiling_c": ceiling_c, "margin_k": climb.value,
            "held_s": held_s,
        }  # fmt: skip
        why = turn.value if turn is Turn.CLEARED else "designed" if self.is_designed else "boiling"
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), ceiling_c - rung.line, held_s)
        return Change(turn, rung.severity, rung.delivery, f"boiler_temperature.{why}", values, evidence)


def _grade(ladder: Ladder, margin_k: float) -> int:
    """How many lines a margin is beyond."""
    return sum(margin_k < rung.line for rung in ladder.rungs)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerTemperature:
    """Flags water that leaves a boiler near its design temperature, or near boiling."""

    kind: ClassVar[str] = "boiler_temperature"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "锅炉超温",
            "出水温度离上限太近时报警。铭牌上有设计温度的，写 design_c：低于它 warn_k（10 度）以内写进当天汇总，"
            "alarm_k（5 度）以内马上通知，达到 critical_k（2 度）以内按紧急报，夜里也叫人。没有写 design_c 的敞口锅炉，"
            "上限是水的沸点，按学校的海拔（altitude_m）计算：平原上就是 90、95、98 度。一天之内有过压力（表压超过 50 "
            "kPa）的锅炉，还要看离该压力下沸点的余量：不足 margin_k（20 度）马上通知，不足一半按紧急报；热着的时候失压"
            "，就是这样发现的。读数：锅炉房的温度（temperature_c，部位 supply 或不写），压力（pressure_kpa，表压）。超"
            "过一条线满 hold_s 秒才报，回落 2 度以上才算恢复。开水器不归它管。它只提醒：安全要靠检验合格的联锁装置。",
            "通知持证司炉人员：减小火力，检查循环泵、阀门和水位；不要突然补冷水。",
            {
                "boiler_temperature.designed": "出水 {celsius:.0f} 度，离设计温度 {ceiling_c:.0f} 度只差 "
                "{margin_k:.0f} "
                "度，已 {held_s}",
                "boiler_temperature.boiling": "出水 {celsius:.0f} 度，离沸腾（{ceiling_c:.0f} 度）只差 {margin_k:.0f} "
                "度，已 "
                "{held_s}",
                "boiler_temperature.cleared": "出水已降到 {celsius:.0f} 度；离上限最近时只差 {least_k:.0f} 度",
                "boiler_temperature.is_unheard": "还没有收到温度读数",
                "boiler_temperature.is_elsewhere": "{heard_at} 压力 {kpa:.0f} kPa：这一项此时不比较",
                "boiler_temperature.is_calm": "{heard_at} 出水 {celsius:.0f} 度，上限 {ceiling_c:.0f} 度，还差 "
                "{margin_k:.0f} 度；不足 {line_k:.0f} 度才报",
                "boiler_temperature.is_hot": "{heard_at} 出水 {celsius:.0f} 度，上限 {ceiling_c:.0f} 度，只差 "
                "{margin_k:.0f} 度；不足 {line_k:.0f} 度要报",
            },
        ),
        "en": Words(
            "Boiler too hot",
            "Says when the water that leaves a boiler comes too near its ceiling. Where the nameplate gives a design "
            "temperature, set design_c: within warn_k of it (10 K) it is a line in the day's summary, within alarm_k "
            "(5 K) somebody is called, within critical_k (2 K) it is critical and breaks the quiet hours. Without "
            "design_c the ceiling of a boiler that is open to the air is where water boils, at the altitude of the "
            "school (altitude_m): in the plain that makes 90, 95 and 98 °C. A boiler that had pressure within the last "
            "day (above 50 kPa on the gauge) also has its margin to boiling under that pressure watched: less than "
            "margin_k (20 K) calls somebody, less than half of it is critical; so one that loses its pressure while it "
            "is hot is found. Readings: the temperature of a boiler room (temperature_c, of the part supply or of "
            "none) and its pressure (pressure_kpa, on the gauge). A line counts when passed for hold_s seconds, and "
            "ends 2 K below. Drinking-water boilers are not meant. It only watches: safety is the certified "
            "interlock's.",
            "Call the licensed boiler attendant: lower the fire, look at pump, valves and water level; no sudden cold "
            "water.",
            {
                "boiler_temperature.designed": "the water leaves at {celsius:.0f} °C, {margin_k:.0f} K below the "
                "design "
                "temperature of {ceiling_c:.0f} °C, for {held_s}",
                "boiler_temperature.boiling": "the water leaves at {celsius:.0f} °C, {margin_k:.0f} K below boiling "
                "({ceiling_c:.0f} °C), for {held_s}",
                "boiler_temperature.cleared": "the water is at {celsius:.0f} °C; at its nearest it was {least_k:.0f} K "
                "below the ceiling",
                "boiler_temperature.is_unheard": "no reading of the temperature has come yet",
                "boiler_temperature.is_elsewhere": "at {heard_at} the pressure was {kpa:.0f} kPa: this line is not "
                "compared now",
                "boiler_temperature.is_calm": "at {heard_at} the water left at {celsius:.0f} °C, {margin_k:.0f} K "
                "below "
                "its ceiling of {ceiling_c:.0f} °C; less than {line_k:.0f} K raises",
                "boiler_temperature.is_hot": "at {heard_at} the water left at {celsius:.0f} °C, only {margin_k:.0f} K "
                "below its ceiling of {ceiling_c:.0f} °C; less than {line_k:.0f} K raises",
            },
        ),
    }

    design_c: float = parameter(inf, unit="°C", least=40.0, most=400.0)
    warn_k: float = parameter(10.0, unit="K", least=0.0, most=100.0)
    alarm_k: float = parameter(5.0, unit="K", least=0.0, most=100.0)
    critical_k: float = parameter(2.0, unit="K", least=0.0, most=100.0)
    margin_k: float = parameter(20.0, unit="K", least=1.0, most=100.0)
    hold_s: float = parameter(60.0, unit="s", least=1.0, most=3600.0)
    deadband_k: float = parameter(2.0, unit="K", least=0.0, most=50.0)

    def __post_init__(self) -> None:
        in_order(self, "warn_k", "alarm_k", "critical_k", falls=True)

    def watches(self, site: Site) -> Iterable[BoilerTemperatureWatch]:
        air = air_kpa(site.altitude_m)
        is_designed = not isinf(self.design_c)
        ladder = self._ladder(self.warn_k, self.alarm_k, self.critical_k)
        margins = self._ladder(1.5 * self.margin_k, self.margin_k, 0.5 * self.margin_k)
        for boiler in boilers(site, "supply"):
            ceiling_c = self.design_c if is_designed else boiling_c(air)
            other = None if is_designed or "pressure" not in boiler.points else margins
            yield self._watch(boiler, air, ladder, ceiling_c=ceiling_c, is_designed=is_designed, other=other)
            if "pressure" in boiler.points:
                yield self._watch(boiler, air, margins, ceiling_c=inf, is_designed=False)

    def _watch(
        self, boiler: Boiler, air: float, ladder: Ladder, *, ceiling_c: float, is_designed: bool,
        other: Ladder | None = None,
    ) -> BoilerTemperatureWatch:  # fmt: skip
        inputs = boiler.inputs("supply") if is_designed else boiler.inputs("supply", "pressure")
        return BoilerTemperatureWatch(
            key=f"{boiler.place.id}/boiling" if isinf(ceiling_c) else boiler.place.id,
            place=boiler.place.id,
            inputs=inputs,
            holds_s=boiler.holds_s("supply"),
            pressure_holds_s=boiler.holds_s("pressure") if "pressure" in inputs else 0.0,
            ceiling_c=ceiling_c,
            air_kpa=air,
            is_designed=is_designed,
            ladder=ladder,
            margins=other,
        )

    def _ladder(self, warn_k: float, alarm_k: float, critical_k: float) -> Ladder:
        rungs = (
            Rung(warn_k, self.hold_s, Severity.MINOR, Delivery.DIGEST),
            Rung(alarm_k, self.hold_s, Severity.MAJOR),
            Rung(critical_k, self.hold_s, Severity.CRITICAL),
        )
        return Ladder(rungs=rungs, deadband=self.deadband_k, clear_s=self.hold_s, falls=True)
