"""Spread of supply and return (供回水温差): too narrow at full fire wastes, too wide tells of water that hardly flows.

Strategy. A ladder each, stepped only while the burner is judged to fire; in between it stands still, so that cycles do
not end an alert and raise it anew. What has not been told begins anew when the fire ends. A boiler that warms up has a
wide spread by nature: it does after a long rest, while the return is cold, and while it still rises.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.ladder import Climb, Ladder, Rung
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, in_order, parameter

EASE_PCT = 10.0         # a burner that modulates around the line fires all the same
REST_S = 3600.0         # after this a boiler starts cold
COLD_C = 30.0           # no system that is warm returns less
RISING_K = 5.0          # more than this within a third of an hour is warming up
TRACE_S, TRACES = 300.0, 4


class _State(NamedTuple):
    """How the spread climbs; the newest readings with their times; whether it fires.

    `lit_at` is when it was lit after a long rest, `out_at` when it went out (-1: before the first reading), `traces`
    what returned lately.
    """

    climb: Climb = Climb()
    supply_c: float = 0.0
    supply_at: float | None = None
    return_c: float = 0.0
    return_at: float | None = None
    fires: bool = False
    fires_at: float | None = None
    lit_at: float | None = None
    out_at: float = -1.0
    traces: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerSpreadWatch:
    """One side, narrow or wide, of the spread of one boiler; it fires while its burner is over `burner_line`."""

    rule: ClassVar[str] = "boiler_spread"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    side: str
    inputs: Mapping[str, str]
    water_holds_s: float
    burner_holds_s: float
    burner_line: float
    burner_ease: float
    warm_s: float
    ladder: Ladder

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        climb, supply_c, supply_at, return_c, return_at, fires, fires_at, lit_at, out_at, traces = state
        if "burner" in values:
            line = self.burner_line - (self.burner_ease if fires else 0.0)
            before, fires = fires, values["burner"] > line
            if fires and not before and fires_at is not None and (out_at < 0.0 or at - out_at >= REST_S):
                lit_at = at
            out_at = at if before and not fires else out_at
            fires_at = at
        if "return" in values:
            return_c, return_at = values["return"], at
            if not traces or at - traces[-1][0] >= TRACE_S:
                traces = (*(trace for trace in traces if at - trace[0] <= TRACES * TRACE_S), (at, return_c))
        if "supply" in values:
            supply_c, supply_at = values["supply"], at
        turn = None
        state = _State(climb, supply_c, supply_at, return_c, return_at, fires, fires_at, lit_at, out_at, traces)
        if ("supply" in values or "return" in values) and self._is_fresh(state, at):
            spread_k = supply_c - return_c
            if self._is_judged(state, at):
                climb, turn = self.ladder.step(climb, at, spread_k, holds_s=self.water_holds_s)
            elif not climb[4]:
                climb = Climb(at, spread_k)
            state = state._replace(climb=self.ladder.after(climb) if turn is Turn.CLEARED else climb)
        return state, () if turn is None else (self._change(turn, climb, state),)

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        return self.ladder.hold(Climb(*state.climb), at, holds_s=self.water_holds_s)

    def explain(self, state: _State, at: float) -> Explanation:
        climb = Climb(*state.climb)
        if climb.at is None:
            return Explanation("boiler_spread.is_unheard", {})
        values = {
            "heard_at": climb.at, "spread_k": state.supply_c - state.return_c, "line_k": self.ladder.rungs[0].line,
        }  # fmt: skip
        if not self._is_judged(state, climb.at):
            return Explanation("boiler_spread.is_apart", values)
        why = f"is_{self.side}" if climb.since is not None else f"is_not_{self.side}"
        return Explanation(f"boiler_spread.{why}", values)

    def _is_fresh(self, state: _State, at: float) -> bool:
        return (
            state.supply_at is not None and at - state.supply_at <= self.water_holds_s
            and state.return_at is not None and at - state.return_at <= self.water_holds_s
        )  # fmt: skip

    def _is_judged(self, state: _State, at: float) -> bool:
        """Whether it fires, as far as is known, and for a wide spread also whether it is warm."""
        if "burner" in self.inputs and (
            not state.fires or state.fires_at is None or at - state.fires_at > self.burner_holds_s
        ):  # fmt: skip
            return False
        if self.side == "narrow":
            return True
        is_started = state.lit_at is not None and at - state.lit_at < self.warm_s
        is_rising = bool(state.traces) and state.return_c - state.traces[0][1] > RISING_K
        return not is_started and state.return_c >= COLD_C and not is_rising

    def _change(self, turn: Turn, climb: Climb, state: _State) -> Change:
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        values = {
            "spread_k": climb.value, "supply_c": state.supply_c, "return_c": state.return_c, "line_k": rung.line,
            "held_s": held_s,
        }  # fmt: skip
        why = "cleared" if turn is Turn.CLEARED else self.side
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), None, held_s)
        return Change(turn, rung.severity, rung.delivery, f"boiler_spread.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerSpread:
    """Flags a boiler whose supply and return are too near to each other at full fire, or too far apart."""

    kind: ClassVar[str] = "boiler_spread"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "锅炉供回水温差异常",
            "看出水和回水差多少度。太小：火力（fire_pct）超过 hard_pct（50%），或者没有火力读数而火一直烧着，温差不到 "
            "narrow_k（5 度）"
            "满 narrow_min（一小时），说明水循环得太快，或者热量没用出去，写进当天汇总。太大：烧着火，温差超过 wide_k（"
            "25 度）满 "
            "wide_min（1 分钟），说明水流得太慢，炉里会局部烧开，马上通知。冷炉升温不算：停了一小时以上再点火的头 "
            "warm_min（一小时）、回水不到 30 度、回水还在上升的都不看。不烧火的时间不看，也不算恢复。读数：部位 "
            "supply（或不写）和 "
            "return 的 temperature_c，火焰或火力。局限：设计温差大的系统要把 wide_k 改大；没有火焰和火力读数的，只看太"
            "大。",
            "太小：检查循环泵是否开得太大、末端阀门是否关着，可降低泵速。太大：检查循环泵、过滤器、阀门和空气；严重时先"
            "减小火力。",
            {
                "boiler_spread.narrow": "出水 {supply_c:.0f} 度、回水 {return_c:.0f} 度，只差 {spread_k:.1f} 度（不足 "
                "{line_k:.0f} 度），已烧 {held_s}",
                "boiler_spread.wide": "出水 {supply_c:.0f} 度、回水 {return_c:.0f} 度，差 {spread_k:.1f} 度（超过 "
                "{line_k:.0f} 度），已 {held_s}，水流得太慢",
                "boiler_spread.cleared": "温差恢复正常：{spread_k:.1f} 度（出水 {supply_c:.0f}、回水 {return_c:.0f} 度"
                "，线 "
                "{line_k:.0f} 度），前后 {held_s}",
                "boiler_spread.is_unheard": "出水或回水还没有读数",
                "boiler_spread.is_apart": "{heard_at} 温差 {spread_k:.1f} 度；没有烧足，或还在升温，不看（线 "
                "{line_k:.0f} 度）",
                "boiler_spread.is_narrow": "{heard_at} 温差 {spread_k:.1f} 度，不足 {line_k:.0f} 度",
                "boiler_spread.is_wide": "{heard_at} 温差 {spread_k:.1f} 度，超过 {line_k:.0f} 度",
                "boiler_spread.is_not_narrow": "{heard_at} 温差 {spread_k:.1f} 度，不足 {line_k:.0f} 度才报",
                "boiler_spread.is_not_wide": "{heard_at} 温差 {spread_k:.1f} 度，超过 {line_k:.0f} 度才报",
            },
        ),
        "en": Words(
            "Spread of supply and return",
            "How much warmer the water leaves a boiler than it returns. Too narrow: less than narrow_k (5 K) for "
            "narrow_min (an hour) while the burner fires at more than hard_pct (50 % of fire_pct), or, where that is "
            "not read, while the flame is on all the time: too much water is pumped round, or nobody takes the heat; a "
            "line in the day's summary. Too wide: more than wide_k (25 K) for wide_min (1 min) while it fires: the "
            "water hardly flows and may boil in places; somebody is called. Warming up does not count: the first "
            "warm_min (an hour) when it was lit after an hour of rest, a return below 30 °C, or one that still rises. "
            "Time without fire counts for nothing and ends nothing. Readings: temperature_c of the parts supply (or "
            "none) and return; flame or fire_pct. Limits: where the design spread is large, set wide_k; without flame "
            "and fire_pct only a wide spread is seen.",
            "Narrow: look whether the pump runs too fast or valves of the circuits are shut; slow the pump. Wide: look "
            "at pump, strainer, valves and air; lower the fire first if it is far.",
            {
                "boiler_spread.narrow": "{supply_c:.0f} °C leave and {return_c:.0f} °C return, {spread_k:.1f} K (less "
                "than {line_k:.0f} K), for {held_s} of firing",
                "boiler_spread.wide": "{supply_c:.0f} °C leave and {return_c:.0f} °C return, {spread_k:.1f} K (more "
                "than {line_k:.0f} K), for {held_s}: the water hardly flows",
                "boiler_spread.cleared": "the spread is back to normal, {spread_k:.1f} K ({supply_c:.0f} °C leave, "
                "{return_c:.0f} °C return, line {line_k:.0f} K), after {held_s}",
                "boiler_spread.is_unheard": "supply or return has not been read yet",
                "boiler_spread.is_apart": "at {heard_at} the spread was {spread_k:.1f} K; not looked at, as it does "
                "not fire enough or warms up (line {line_k:.0f} K)",
                "boiler_spread.is_narrow": "at {heard_at} the spread was {spread_k:.1f} K, less than {line_k:.0f} K",
                "boiler_spread.is_wide": "at {heard_at} the spread was {spread_k:.1f} K, more than {line_k:.0f} K",
                "boiler_spread.is_not_narrow": "at {heard_at} the spread was {spread_k:.1f} K; less than {line_k:.0f} "
                "K raises",
                "boiler_spread.is_not_wide": "at {heard_at} the spread was {spread_k:.1f} K; more than {line_k:.0f} K "
                "raises",
            },
        ),
    }

    narrow_k: float = parameter(5.0, unit="K", least=0.5, most=50.0)
    narrow_min: float = parameter(60.0, unit="min", least=1.0, most=1440.0)
    hard_pct: float = parameter(50.0, unit="%", least=0.0, most=100.0)
    wide_k: float = parameter(25.0, unit="K", least=1.0, most=150.0)
    wide_min: float = parameter(1.0, unit="min", least=0.5, most=1440.0)
    warm_min: float = parameter(60.0, unit="min", least=0.0, most=1440.0)
    clear_min: float = parameter(10.0, unit="min", least=0.0, most=1440.0)

    def __post_init__(self) -> None:
        in_order(self, "narrow_k", "wide_k")

    def watches(self, site: Site) -> Iterable[BoilerSpreadWatch]:
        for boiler in boilers(site, "supply", "return"):
            if "fire" in boiler.points:
                yield self._narrow(boiler, "fire", self.hard_pct, EASE_PCT)
            elif "flame" in boiler.points:
                yield self._narrow(boiler, "flame", 0.5, 0.0)
            yield self._wide(boiler, next((role for role in ("flame", "fire") if role in boiler.points), ""))

    def _narrow(self, boiler: Boiler, burner: str, line: float, ease: float) -> BoilerSpreadWatch:
        rungs = (Rung(self.narrow_k, self.narrow_min * 60, Severity.MINOR, Delivery.DIGEST),)
        ladder = Ladder(rungs=rungs, deadband=0.5, clear_s=self.clear_min * 60, falls=True)
        return self._watch(boiler, "narrow", burner, line=line, ease=ease, ladder=ladder)

    def _wide(self, boiler: Boiler, burner: str) -> BoilerSpreadWatch:
        rungs = (Rung(self.wide_k, self.wide_min * 60, Severity.MAJOR),)
        ladder = Ladder(rungs=rungs, deadband=2.0, clear_s=self.clear_min * 60)
        return self._watch(boiler, "wide", burner, line=0.5, ease=0.0, ladder=ladder)

    def _watch(
        self, boiler: Boiler, side: str, burner: str, *, line: float, ease: float, ladder: Ladder
    ) -> BoilerSpreadWatch:
        known = {"burner": boiler.points[burner]} if burner else {}
        return BoilerSpreadWatch(
            key=f"{boiler.place.id}/{side}",
            place=boiler.place.id,
            side=side,
            inputs=boiler.inputs("supply", "return") | {role: point.id for role, point in known.items()},
            water_holds_s=boiler.holds_s("supply", "return"),
            burner_holds_s=min((point.holds_s for point in known.values()), default=inf),
            burner_line=line,
            burner_ease=ease,
            warm_s=self.warm_min * 60,
            ladder=ladder,
        )
