"""Boiler without circulation (循环泵停): the burner is on and the pump that carries the heat away stands still.

Strategy. One ladder over 0 and 1. It is stepped at readings of the flame alone: at the end of firing the flame goes out
with the pump or a sample later, and only a flame that is still on after the pump stood is a danger. Of a pump whose
power is metered its usual draw is learnt while the flame is on; a tenth of it is a pump that stands, or runs dry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.ladder import PROMPT_S, Climb, Ladder, Rung
from rules.model import Change, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter

STANDBY_W = 5.0      # less than any pump draws; what counts until its usual draw is known
KNOWN_S = 600.0      # of running, until it is
MEMORY_S = 3600.0    # over which it is a mean: pumps with a drive change theirs by the hour


class _State(NamedTuple):
    """How long the flame has burnt without circulation; newest readings with their times; the pump's usual draw."""

    climb: Climb = Climb()
    flame: float = 0.0
    flame_at: float | None = None
    runs: float = 0.0
    pump_at: float | None = None
    pump: float = 0.0
    usual_w: float = 0.0
    learnt_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerPumpWatch:
    """One boiler and its circulation pump."""

    rule: ClassVar[str] = "boiler_pump"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    flame_holds_s: float
    pump_holds_s: float
    is_metered: bool
    stopped_w: float
    ladder: Ladder

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        climb, flame, flame_at, runs, pump_at, pump, usual_w, learnt_s = state
        if "flame" in values:
            flame, flame_at = values["flame"], at
        if "pump" in values:
            before, pump, runs = pump_at, values["pump"], values["pump"]
            pump_at = at
            if self.is_metered:
                runs = float(pump > self._line_w(usual_w, learnt_s))
                if runs and flame and before is not None:
                    usual_w, learnt_s = self._learnt(usual_w, learnt_s, pump, at - before)
        turn = None
        is_due = "flame" in values or not values or self.flame_holds_s > PROMPT_S
        if is_due and self._is_fresh(at, flame_at, pump_at):
            climb, turn = self.ladder.step(climb, at, float(flame > runs), holds_s=self._holds_s)
        after = self.ladder.after(climb) if turn is Turn.CLEARED else climb
        state = _State(after, flame, flame_at, runs, pump_at, pump, usual_w, learnt_s)
        return state, () if turn is None else (self._change(turn, climb, state),)

    def deadline(self, state: _State) -> float | None:
        wake = self.ladder.lapse(Climb(*state.climb), holds_s=self._holds_s)
        return wake if wake is not None and self._is_fresh(wake, state.flame_at, state.pump_at) else None

    def hold(self, state: _State, at: float) -> Hold | None:
        return self.ladder.hold(Climb(*state.climb), at, holds_s=self._holds_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.flame_at is None or state.pump_at is None:
            return Explanation("boiler_pump.is_unheard", {})
        heard = {"heard_at": min(state.flame_at, state.pump_at)}
        if not state.flame:
            return Explanation("boiler_pump.is_out", heard)
        if state.runs:
            return Explanation("boiler_pump.is_running", heard)
        climb = Climb(*state.climb)
        return Explanation("boiler_pump.is_stopped", {
            **heard, "held_s": self.ladder.covered_s(climb), "needed_s": self.ladder.rungs[0].delay_s,
        })  # fmt: skip

    @property
    def _holds_s(self) -> float:
        return min(self.flame_holds_s, self.pump_holds_s)

    def _is_fresh(self, at: float, flame_at: float | None, pump_at: float | None) -> bool:
        return (
            flame_at is not None and at - flame_at <= self.flame_holds_s
            and pump_at is not None and at - pump_at <= self.pump_holds_s
        )  # fmt: skip

    def _line_w(self, usual_w: float, learnt_s: float) -> float:
        if not isinf(self.stopped_w):
            return self.stopped_w
        return max(STANDBY_W, 0.1 * usual_w) if learnt_s >= KNOWN_S else STANDBY_W

    def _learnt(self, usual_w: float, learnt_s: float, watts: float, since_s: float) -> tuple[float, float]:
        """The mean draw with one more reading, which speaks for the time before it."""
        seen_s = min(since_s, self.pump_holds_s)
        learnt_s = min(learnt_s + seen_s, MEMORY_S)
        return usual_w + (watts - usual_w) * min(1.0, seen_s / learnt_s), learnt_s

    def _change(self, turn: Turn, climb: Climb, state: _State) -> Change:
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        values = {"held_s": held_s, "watts": state.pump, "usual_w": state.usual_w}
        if turn is Turn.CLEARED:
            why = "cleared" if state.flame else "cleared_out"
        else:
            why = "raised_watts" if state.learnt_s >= KNOWN_S else "raised"
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), None, held_s)
        return Change(turn, rung.severity, rung.delivery, f"boiler_pump.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerPump:
    """Flags a boiler that fires while its circulation pump stands still."""

    kind: ClassVar[str] = "boiler_pump"
    slowest_s: ClassVar[float] = 120.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "锅炉循环泵停",
            "火还烧着，循环泵却停了：热量带不走，炉里的水很快会烧开。火焰（flame，或燃烧器 burner 的 flame、on）为 1 而"
            "循环泵"
            "（部位 pump 的 on）为 0，满 hold_s（30 秒）按紧急报，夜里也叫人；至少要两个火焰读数证实，所以停炉时泵和火"
            "差一次采样"
            "不会误报。泵没有状态、只有功率（power_w）的，先记住它平时用多少电（看着火时运行 10 分钟以上），低于十分之"
            "一就算停；"
            "也可以用 stopped_w 直接写明。几台泵轮换的，请接一个“有泵在转”的信号，只接一台会误报。局限：泵通着电但叶轮"
            "坏了、"
            "阀门关了，要看功率或供回水温差。它只提醒：安全要靠检验合格的联锁装置。",
            "通知持证司炉人员：立即停火，开备用泵；不要往炉里急补冷水，等温度降下来再查泵和电源。",
            {
                "boiler_pump.raised": "火还烧着，循环泵停了，已 {held_s}",
                "boiler_pump.raised_watts": "火还烧着，循环泵只有 {watts:.0f} W（平时约 {usual_w:.0f} W），已 {held_s}",
                "boiler_pump.cleared": "循环泵已转起来，火烧着而泵停了共 {held_s}",
                "boiler_pump.cleared_out": "火已停，火烧着而泵停了共 {held_s}",
                "boiler_pump.is_unheard": "火焰或循环泵还没有读数",
                "boiler_pump.is_out": "{heard_at} 没有烧火，不看循环泵",
                "boiler_pump.is_running": "{heard_at} 烧着火，循环泵在转",
                "boiler_pump.is_stopped": "{heard_at} 烧着火，循环泵没有转，已 {held_s}，满 {needed_s}就报",
            },
        ),
        "en": Words(
            "Boiler without circulation",
            "The burner is on and the circulation pump stands still: the heat stays where it is, and the water soon "
            "boils. When the flame (flame, or flame or on of the part burner) is 1 and the pump (on of the part pump) "
            "is 0 for hold_s (30 s), it is critical and breaks the quiet hours; at least two readings of the flame "
            "must show it, so flame and pump that are a sample apart at the end of firing raise nothing. Of a pump "
            "that has no state but power (power_w) the usual draw is learnt (10 min of running with the flame on), and "
            "less than a tenth of it counts as stopped; stopped_w sets that line instead. Where pumps take turns, wire "
            "a signal that any of them runs: one pump alone raises false alarms. Limits: a pump with power and a "
            "broken wheel, or a closed valve, shows in the power or in the spread of supply and return. It only "
            "watches: safety is the certified interlock's.",
            "Call the licensed boiler attendant: fire off at once, start the spare pump; no sudden cold water; look at "
            "pump and supply when it has cooled.",
            {
                "boiler_pump.raised": "the fire burns and the circulation pump stands still, for {held_s}",
                "boiler_pump.raised_watts": "the fire burns and the circulation pump draws {watts:.0f} W (usually "
                "about {usual_w:.0f} W), for {held_s}",
                "boiler_pump.cleared": "the circulation pump runs again; the fire burnt {held_s} without it",
                "boiler_pump.cleared_out": "the fire is out; it burnt {held_s} without the circulation pump",
                "boiler_pump.is_unheard": "flame or pump has not been read yet",
                "boiler_pump.is_out": "at {heard_at} no fire was on: the pump is not looked at",
                "boiler_pump.is_running": "at {heard_at} the fire was on and the pump ran",
                "boiler_pump.is_stopped": "at {heard_at} the fire was on and the pump stood still, {held_s} of "
                "{needed_s}",
            },
        ),
    }

    hold_s: float = parameter(30.0, unit="s", least=1.0, most=3600.0)
    clear_s: float = parameter(30.0, unit="s", least=0.0, most=3600.0)
    stopped_w: float = parameter(inf, unit="W", least=0.0, most=100_000.0)

    def watches(self, site: Site) -> Iterable[BoilerPumpWatch]:
        for boiler in boilers(site, "flame", "pump"):
            yield self._watch(boiler)

    def _watch(self, boiler: Boiler) -> BoilerPumpWatch:
        return BoilerPumpWatch(
            key=boiler.place.id,
            place=boiler.place.id,
            inputs=boiler.inputs("flame", "pump"),
            flame_holds_s=boiler.holds_s("flame"),
            pump_holds_s=boiler.holds_s("pump"),
            is_metered=boiler.points["pump"].quantity == "power_w",
            stopped_w=self.stopped_w,
            ladder=Ladder(
                rungs=(Rung(0.5, self.hold_s, Severity.CRITICAL),), deadband=0.0, clear_s=self.clear_s
            ),
        )
