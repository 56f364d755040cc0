"""Flame failure (熄火、点不着): the burner is asked for heat and does not burn.

Strategy. One ladder over how bad it is: 1, asked for heat and no flame yet, which purging explains for minutes; 2, the
flame had to be lit again too often within an hour; 3, the flame was there in this call for heat and is gone. It is
stepped at readings of the demand: it ends with or just before the flame, so at most a sample later it says so itself.
Without a flame detector the water tells: a burner that burns makes the outlet rise, or keeps it warmer than the return.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.boiler_flame_words import WORDS
from rules.ladder import PROMPT_S, Climb, Ladder, Rung
from rules.model import Change, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter

UNLIT, RELIT, LOST = 1.0, 2.0, 3.0
HOUR_S = 3600.0
RISEN_S = 120.0   # so long an outlet that has risen shows a fire
SMOOTH_S = 60.0   # noise of a sensor must not look like a fire


class _State(NamedTuple):
    """How bad it is and since when; the newest demand and flame with their times; whether this call has seen a flame.

    `tries` are the times of the newest flames that had to be lit again.
    """

    climb: Climb = Climb()
    demand: float = 0.0
    demand_at: float | None = None
    flame: float = 0.0
    flame_at: float | None = None
    is_lit: bool = False
    tries: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlameWatch:
    """One burner with a flame detector."""

    rule: ClassVar[str] = "boiler_flame"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    demand_holds_s: float
    flame_holds_s: float
    retries: int
    ladder: Ladder

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        climb, demand, demand_at, flame, flame_at, is_lit, tries = state
        is_lit = is_lit and self._is_fresh(at, demand_at, flame_at)  # a call may have ended in a gap, and another begun
        if "demand" in values:
            demand, demand_at = values["demand"], at
        if "flame" in values:
            is_again = values["flame"] > flame and is_lit
            flame, flame_at = values["flame"], at
            if is_again and demand:
                tries = (*tries, at)[-self.retries :]
        if not self._is_fresh(at, demand_at, flame_at):
            return _State(climb, demand, demand_at, flame, flame_at, False, tries), ()
        is_lit = bool(demand and (is_lit or flame))
        turn, told = None, climb[4]
        if "demand" in values or not values or self.demand_holds_s > PROMPT_S:
            worst = self._worst(at, demand > flame, is_lit, tries)
            climb, turn = self.ladder.step(climb, at, worst, holds_s=self._holds_s)
        after = self.ladder.after(climb) if turn is Turn.CLEARED else climb
        state = _State(after, demand, demand_at, flame, flame_at, is_lit, tries)
        is_news = turn is not None and (turn is not Turn.UPDATED or self._is_graver(told, climb.told))
        return state, (self._change(turn, climb, state),) if turn is not None and is_news else ()

    def deadline(self, state: _State) -> float | None:
        wake = self.ladder.lapse(Climb(*state.climb), holds_s=self._holds_s)
        return wake if wake is not None and self._is_fresh(wake, state.demand_at, state.flame_at) else None

    def hold(self, state: _State, at: float) -> Hold | None:
        return self.ladder.hold(Climb(*state.climb), at, holds_s=self._holds_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.demand_at is None or state.flame_at is None:
            return Explanation("boiler_flame.is_unheard", {})
        heard = {"heard_at": state.demand_at}
        if state.flame:
            tries = sum(at - each < HOUR_S for each in state.tries)
            return Explanation("boiler_flame.is_burning", {**heard, "tries": float(tries)})
        if not state.demand:
            return Explanation("boiler_flame.is_idle", heard)
        climb = Climb(*state.climb)
        lit, lost = self.ladder.rungs[0].delay_s, self.ladder.rungs[2].delay_s
        return Explanation("boiler_flame.is_out" if state.is_lit else "boiler_flame.is_unlit", {
            **heard, "held_s": self.ladder.covered_s(climb), "needed_s": lost if state.is_lit else lit,
        })  # fmt: skip

    def _worst(self, at: float, is_missing: bool, is_lit: bool, tries: Sequence[float]) -> float:
        if is_missing and is_lit:
            return LOST
        if len(tries) == self.retries and at - tries[0] < HOUR_S:
            return RELIT
        return UNLIT if is_missing else 0.0

    def _is_graver(self, before: int, now: int) -> bool:
        return self.ladder.rungs[now - 1].severity > self.ladder.rungs[before - 1].severity

    @property
    def _holds_s(self) -> float:
        return min(self.demand_holds_s, self.flame_holds_s)

    def _is_fresh(self, at: float, demand_at: float | None, flame_at: float | None) -> bool:
        return (
            demand_at is not None and at - demand_at <= self.demand_holds_s
            and flame_at is not None and at - flame_at <= self.flame_holds_s
        )  # fmt: skip

    def _change(self, turn: Turn, climb: Climb, state: _State) -> Change:
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        if turn is Turn.CLEARED:
            why = "cleared_lit" if state.flame else "cleared_idle"
        else:
            why = {UNLIT: "unlit", RELIT: "relit", LOST: "lost"}[rung.line + 0.5]
        values = {"held_s": held_s, "tries": float(len(state.tries))}
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), None, held_s)
        return Change(turn, rung.severity, rung.delivery, f"boiler_flame.{why}", values, evidence)


class _Warmth(NamedTuple):
    """How long no warmth has come; smoothed outlet and return with their times; the coldest outlet of this call.

    `risen_at` is when the outlet last had risen in this call.
    """

    climb: Climb = Climb()
    demand: float = 0.0
    demand_at: float | None = None
    supply_c: float = 0.0
    supply_at: float | None = None
    return_c: float = 0.0
    return_at: float | None = None
    coldest_c: float | None = None
    risen_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmthWatch:
    """One burner without a flame detector, judged by what it does to the water."""

    rule: ClassVar[str] = "boiler_flame"
    version: ClassVar[int] = 1
    start: ClassVar[_Warmth] = _Warmth()

    key: str
    place: str
    inputs: Mapping[str, str]
    demand_holds_s: float
    water_holds_s: float
    warm_k: float
    ladder: Ladder

    def step(self, state: _Warmth, at: float, values: Mapping[str, float]) -> tuple[_Warmth, Sequence[Change]]:
        climb, demand, demand_at, supply_c, supply_at, return_c, return_at, coldest_c, risen_at = state
        if "demand" in values:
            demand, demand_at = values["demand"], at
        if "return" in values:
            return_c, return_at = self._smooth(return_c, return_at, values["return"], at), at
        turn = None
        if "supply" in values and demand_at is not None and at - demand_at <= self.demand_holds_s:
            supply_c, supply_at = self._smooth(supply_c, supply_at, values["supply"], at), at
            if not demand:
                coldest_c, risen_at = supply_c, None
            elif coldest_c is None or supply_c < coldest_c:
                coldest_c = supply_c
            elif supply_c - coldest_c >= self.warm_k:
                coldest_c, risen_at = supply_c, at
            is_warm = self._is_warm(at, supply_c - return_c, return_at, risen_at)
            climb, turn = self.ladder.step(climb, at, float(demand > is_warm), holds_s=self._holds_s)
        after = self.ladder.after(climb) if turn is Turn.CLEARED else climb
        state = _Warmth(after, demand, demand_at, supply_c, supply_at, return_c, return_at, coldest_c, risen_at)
        return state, () if turn is None else (self._change(turn, climb, state),)

    def deadline(self, state: _Warmth) -> float | None:
        return None  # only readings move it

    def hold(self, state: _Warmth, at: float) -> Hold | None:
        return self.ladder.hold(Climb(*state.climb), at, holds_s=self._holds_s)

    def explain(self, state: _Warmth, at: float) -> Explanation:
        if state.demand_at is None or state.supply_at is None:
            return Explanation("boiler_flame.is_unheard_warmth", {})
        heard = {"heard_at": state.demand_at, "celsius": state.supply_c}
        if not state.demand:
            return Explanation("boiler_flame.is_idle_warmth", heard)
        if self._is_warm(state.supply_at, state.supply_c - state.return_c, state.return_at, state.risen_at):
            return Explanation("boiler_flame.is_warming", heard)
        return Explanation("boiler_flame.is_cold", {
            **heard, "held_s": self.ladder.covered_s(Climb(*state.climb)), "needed_s": self.ladder.rungs[0].delay_s,
        })  # fmt: skip

    def _is_warm(self, at: float, spread_k: float, return_at: float | None, risen_at: float | None) -> bool:
        """Whether the water shows a fire; without a return, an even outlet is none of its faults once it has burnt."""
        if "return" not in self.inputs:
            return risen_at is not None
        is_silent = return_at is None or at - return_at > self.water_holds_s
        return is_silent or spread_k >= self.warm_k or (risen_at is not None and at - risen_at < RISEN_S)

    @property
    def _holds_s(self) -> float:
        return min(self.demand_holds_s, self.water_holds_s)

    def _smooth(self, mean: float, before: float | None, value: float, at: float) -> float:
        """The mean of about a minute; after a gap it begins anew."""
        if before is None or at - before > self.water_holds_s:
            return value
        return mean + (value - mean) * (at - before) / (at - before + SMOOTH_S)

    def _change(self, turn: Turn, climb: Climb, state: _Warmth) -> Change:
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        why = "cold" if turn is not Turn.CLEARED else "cleared_warm" if state.demand else "cleared_unasked"
        values = {"held_s": held_s, "celsius": state.supply_c}
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), None, held_s)
        return Change(turn, rung.severity, rung.delivery, f"boiler_flame.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerFlame:
    """Flags a burner that is asked for heat and loses its flame, does not light, or must be lit again and again."""

    kind: ClassVar[str] = "boiler_flame"
    slowest_s: ClassVar[float] = 120.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

    lost_s: float = parameter(10.0, unit="s", least=1.0, most=3600.0)
    light_min: float = parameter(5.0, unit="min", least=0.5, most=240.0)
    retries: int = parameter(3, unit="", least=1, most=20)
    warm_k: float = parameter(1.0, unit="K", least=0.2, most=20.0)
    clear_s: float = parameter(60.0, unit="s", least=0.0, most=3600.0)

    def watches(self, site: Site) -> Iterable[FlameWatch | WarmthWatch]:
        for boiler in boilers(site, "demand"):
            if "flame" in boiler.points:
                yield self._flame(boiler)
            elif "supply" in boiler.points:
                yield self._warmth(boiler)

    def _flame(self, boiler: Boiler) -> FlameWatch:
        rungs = (
            Rung(UNLIT - 0.5, self.light_min * 60, Severity.MAJOR),
            Rung(RELIT - 0.5, self.lost_s, Severity.MAJOR),
            Rung(LOST - 0.5, self.lost_s, Severity.CRITICAL),
        )
        return FlameWatch(
            key=boiler.place.id,
            place=boiler.place.id,
            inputs=boiler.inputs("demand", "flame"),
            demand_holds_s=boiler.holds_s("demand"),
            flame_holds_s=boiler.holds_s("flame"),
            retries=int(self.retries),
            ladder=Ladder(rungs=rungs, deadband=0.0, clear_s=self.clear_s),
        )

    def _warmth(self, boiler: Boiler) -> WarmthWatch:
        return WarmthWatch(
            key=boiler.place.id,
            place=boiler.place.id,
            inputs=boiler.inputs("demand", "supply", "return"),
            demand_holds_s=boiler.holds_s("demand"),
            water_holds_s=boiler.holds_s("supply", "return"),
            warm_k=self.warm_k,
            ladder=Ladder(
                rungs=(Rung(0.5, self.light_min * 60, Severity.MAJOR),), deadband=0.0, clear_s=self.clear_s
            ),
        )
