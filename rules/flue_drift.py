"""Flue temperature drift (排烟温度升高): soot or scale keeps the heat from the water, and it leaves by the chimney.

Strategy. Only steady fire counts: lit for ten minutes without a gap. How hot the flue is depends on how hard it fires
and how warm the water is, so each quarter of the firing rate has a baseline of its own, learnt in the first two weeks
of firing; water that is warmer than it was then excuses as much. What is left over, as the mean of a firing day, must
stay above the limit for some days.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter

STEADY_S = 600.0
DAY_S = 86_400.0
LEAST_S = 1800.0     # of steady fire make a firing day
LOADS = 4            # quarters of the firing rate
LEAST_LEARNT_S = 3600.0  # of steady fire in a quarter make its baseline


class _Learnt(NamedTuple):
    """Seconds of steady fire in one quarter of the firing rate, and what flue and water were in the mean."""

    seconds: float = 0.0
    flue_c: float = 0.0
    water_c: float = 0.0


class _State(NamedTuple):
    """The newest readings, the baseline by load, and the day that runs: its seconds, and the sum of what is left "
    "over."""

    at: float | None = None
    lit_at: float | None = None
    load: int = LOADS - 1
    water_c: float = 0.0
    learnt: tuple[_Learnt, ...] = (_Learnt(),) * LOADS
    days: int = 0
    day: int = 0
    seconds: float = 0.0
    total: float = 0.0
    over_days: int = 0
    since: float | None = None
    is_told: bool = False
    drift_k: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlueDriftWatch:
    """The flue of one boiler."""

    rule: ClassVar[str] = "flue_drift"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    drift_k: float
    learn_days: float
    days: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if "supply" in values:
            state = state._replace(water_c=values["supply"])
        if "fire" in values:
            state = state._replace(load=min(int(values["fire"] * LOADS / 100), LOADS - 1))
        if "flame" in values:
            state = state._replace(lit_at=(at if state.lit_at is None else state.lit_at) if values["flame"] else None)
        if "flue" not in values:
            return state, ()
        seen_s = 0.0 if state.at is None else at - state.at
        if seen_s > self.holds_s:  # nobody knows what was in between
            seen_s, state = 0.0, state._replace(lit_at=None if state.lit_at is None else at)
        changes: Sequence[Change] = ()
        day = int(at // DAY_S)
        if day != state.day:
            state, changes = self._closed(state, at)
            state = state._replace(day=day, seconds=0.0, total=0.0)
        if state.lit_at is not None and at - state.lit_at >= STEADY_S and seen_s:
            state = self._noted(state, values["flue"], seen_s)
        return state._replace(at=at), changes

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.since is None or state.is_told:
            return None
        return Hold(state.since, state.over_days * DAY_S, self.days * DAY_S)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.days < self.learn_days:
            return Explanation("flue_drift.learns", {"days": state.days, "needed": self.learn_days})
        values = {"drift_k": state.drift_k, "line_k": self.drift_k, "days": state.over_days, "needed": self.days}
        return Explanation("flue_drift.compares", values)

    def _noted(self, state: _State, flue_c: float, seconds: float) -> _State:
        """The state after some seconds of steady fire."""
        learnt = _Learnt(*state.learnt[state.load])
        if state.days < self.learn_days or learnt.seconds < LEAST_LEARNT_S:
            total_s = learnt.seconds + seconds
            share = seconds / total_s
            mean = _Learnt(
                total_s,
                learnt.flue_c + share * (flue_c - learnt.flue_c),
                learnt.water_c + share * (state.water_c - learnt.water_c),
            )
            all_ = (*state.learnt[: state.load], mean, *state.learnt[state.load + 1 :])
            return state._replace(learnt=all_, seconds=state.seconds + seconds)
        left_k = flue_c - learnt.flue_c - max(0.0, state.water_c - learnt.water_c)
        return state._replace(seconds=state.seconds + seconds, total=state.total + left_k * seconds)

    def _closed(self, state: _State, at: float) -> tuple[_State, Sequence[Change]]:
        """The state after a day; only one that fired for a while counts."""
        if state.seconds < LEAST_S:
            return state, ()
        if state.days < self.learn_days:
            return state._replace(days=state.days + 1), ()
        drift_k = state.total / state.seconds
        is_over = drift_k > (self.drift_k / 2 if state.is_told else self.drift_k)
        over_days = state.over_days + 1 if is_over else 0
        since = (state.since or at - DAY_S) if is_over else None
        state = state._replace(drift_k=drift_k, over_days=over_days)
        if state.is_told and not is_over:
            told = self._change(Turn.CLEARED, state, state.since or at)
            return state._replace(since=None, is_told=False), (told,)
        state = state._replace(since=since)
        if is_over and not state.is_told and over_days >= self.days:
            return state._replace(is_told=True), (self._change(Turn.RAISED, state, since or at),)
        return state, ()

    def _change(self, turn: Turn, state: _State, since: float) -> Change:
        values = {"drift_k": state.drift_k, "days": state.over_days}
        evidence = Evidence(since, tuple(self.inputs.values()), None, state.over_days * DAY_S)
        return Change(turn, Severity.MINOR, Delivery.DIGEST, f"flue_drift.{turn.value}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlueDrift:
    """Flags boilers whose flue became hotter than it was at the same load."""

    kind: ClassVar[str] = "flue_drift"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 60 * DAY_S
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "排烟温度升高",
            "受热面积灰、结垢后，热量从烟囱跑掉：排烟温度每升高 20 度，效率大约低一个百分点。先用头 learn_days 个烧火的"
            "日子（14 天）学会干净时的排烟温度，按燃烧负荷分四档；以后连续 days 天（3 天）同样负荷下平均高出 drift_k（"
            "20 度）以上，写进当天汇总。只看稳定燃烧 10 分钟以后的读数；水温比学习时高的部分会扣除。读数："
            "flue/temperature_c 和火焰（flame 或 burner/on），可加燃烧负荷 fire_pct、出水温度。清灰之后改一下 "
            "learn_days 就会重新学习。局限：装上时就已积灰的，看不出来。",
            "安排清灰、除垢，检查燃烧配风。",
            {
                "flue_drift.raised": "排烟温度比干净时高 {drift_k:.0f} 度，已 {days:.0f} 天",
                "flue_drift.cleared": "排烟温度已正常，比干净时高 {drift_k:.0f} 度",
                "flue_drift.learns": "正在学习：已有 {days:.0f} 个烧火的日子，需要 {needed:.0f} 个",
                "flue_drift.compares": "最近一个烧火的日子比干净时高 {drift_k:.0f} 度；高 {line_k:.0f} 度以上 "
                "{days:.0f} 天，满 {needed:.0f} 天才提示",
            },
        ),
        "en": Words(
            "Flue temperature drift",
            "Soot and scale keep the heat from the water, and it leaves by the chimney: 20 K more in the flue cost "
            "about one per cent. The first learn_days (14) days of firing teach what is usual when clean, in four "
            "steps of load; later days (3) days in a row that are hotter by drift_k (20 K) in the mean at the same "
            "load are a line in the day's summary. Only steady fire counts, from its tenth minute on; water that is "
            "warmer than it was then is allowed for. Readings: flue/temperature_c and the flame (flame or burner/on), "
            "and where there are the firing rate fire_pct and the supply temperature. After a cleaning, change "
            "learn_days and it learns anew. Limits: a flue that was sooted from the beginning looks usual.",
            "Have the heating surfaces cleaned, and the burner's air looked at.",
            {
                "flue_drift.raised": "the flue is {drift_k:.0f} K hotter than when clean, for {days:.0f} "
                "{days:day|days}",
                "flue_drift.cleared": "the flue is as it was: {drift_k:.0f} K hotter than when clean",
                "flue_drift.learns": "still learning: {days:.0f} {days:day|days} of firing seen, {needed:.0f} needed",
                "flue_drift.compares": "on the last day of firing it was {drift_k:.0f} K hotter than when clean; above "
                "{line_k:.0f} K for {days:.0f} {days:day|days}, told after {needed:.0f}",
            },
        ),
    }

    drift_k: float = parameter(20.0, unit="K", least=3.0, most=200.0)
    learn_days: float = parameter(14.0, unit="d", least=1.0, most=30.0)
    days: float = parameter(3.0, unit="d", least=1.0, most=14.0)

    def watches(self, site: Site) -> Iterable[FlueDriftWatch]:
        for boiler in boilers(site, "flue", "flame"):
            yield self._watch(boiler)

    def _watch(self, boiler: Boiler) -> FlueDriftWatch:
        return FlueDriftWatch(
            key=boiler.place.id,
            place=boiler.place.id,
            inputs=boiler.inputs("flue", "flame", "fire", "supply"),
            holds_s=boiler.holds_s("flue"),
            drift_k=self.drift_k,
            learn_days=self.learn_days,
            days=self.days,
        )
