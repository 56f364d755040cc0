"""Short cycling (锅炉频繁启停): a burner that starts again and again wears out and wastes fuel.

Strategy. What counts is each start that readings have shown: out, then lit, with no gap between. Too many of them in an
hour, or a few runs in a row that ended too soon, are worth a line; it is over when an hour is calm again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import boilers
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import ParameterError, Words, parameter

HOUR_S = 3600.0
MOST_STARTS = 60  # of an hour are remembered


class _State(NamedTuple):
    """The newest flame with its time, starts of the last hour, and runs in a row that were too short."""

    at: float | None = None
    flame: bool = False
    lit_at: float | None = None
    starts: tuple[float, ...] = ()
    short: int = 0
    since: float | None = None
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCyclingWatch:
    """The burner of one boiler."""

    rule: ClassVar[str] = "short_cycling"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    warn_starts: float
    alarm_starts: float
    run_s: float
    runs: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        flame = values.get("flame")
        if flame is None:
            return state, ()
        is_seen = state.at is not None and at - state.at <= self.holds_s
        if bool(flame) == state.flame and is_seen and not state.told and len(state.starts) < self.runs:
            return state._replace(at=at), ()
        state = self._followed(state, at, is_lit=bool(flame), is_seen=is_seen)
        due = 2 if len(state.starts) > self.alarm_starts else 1 if self._is_short(state) else 0
        if due > state.told:
            turn = Turn.UPDATED if state.told else Turn.RAISED
            state = state._replace(told=due, since=state.since or (state.starts[0] if state.starts else at))
            return state, (self._change(turn, state, due),)
        if state.told and not due and not (state.starts and state.short):
            return state._replace(told=0, since=None), (self._change(Turn.CLEARED, state, state.told),)
        return state, ()

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        return None  # starts are counted, not timed

    def explain(self, state: _State, at: float) -> Explanation:
        if state.at is None:
            return Explanation("short_cycling.is_unheard", {})
        values = {
            "heard_at": state.at, "starts": len(state.starts), "warn": self.warn_starts, "short": state.short,
            "run_s": self.run_s,
        }  # fmt: skip
        return Explanation("short_cycling.counts", values)

    def _is_short(self, state: _State) -> bool:
        return len(state.starts) > self.warn_starts or state.short >= self.runs

    def _followed(self, state: _State, at: float, *, is_lit: bool, is_seen: bool) -> _State:
        """The state with a reading of the flame; a run whose begin or end was not seen says nothing of its length."""
        starts, short, lit_at = tuple(s for s in state.starts if at - s <= HOUR_S), state.short, state.lit_at
        if not is_seen:
            lit_at = None
        elif is_lit and not state.flame:
            starts, lit_at = (*starts, at)[-MOST_STARTS:], at
        elif state.flame and not is_lit and lit_at is not None:
            short = short + 1 if at - lit_at < self.run_s else 0
            lit_at = None
        if is_lit and lit_at is not None and at - lit_at >= self.run_s:
            short = 0
        return state._replace(at=at, flame=is_lit, lit_at=lit_at, starts=starts, short=short)

    def _change(self, turn: Turn, state: _State, level: int) -> Change:
        severity = Severity.MAJOR if level == 2 else Severity.MINOR
        why = "cleared" if turn is Turn.CLEARED else "often" if len(state.starts) > self.warn_starts else "short"
        values = {"starts": len(state.starts), "short": state.short, "run_s": self.run_s}
        evidence = Evidence(state.since or 0.0, tuple(self.inputs.values()))
        return Change(turn, severity, Delivery.DIGEST, f"short_cycling.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCycling:
    """Flags burners that start too often or run too briefly."""

    kind: ClassVar[str] = "short_cycling"
    slowest_s: ClassVar[float] = 60.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "锅炉频繁启停",
            "燃烧器反复点火、熄火，费燃料（约一成半）、伤设备。一小时内点火超过 warn_starts 次（6 次），或者连续 runs "
            "次（3 次）每次烧不满 run_min 分钟（5 分钟），写进当天汇总；一小时超过 alarm_starts 次（10 次），级别升为重"
            "要。读数：火焰（flame），或燃烧器开关（burner/on）。一小时内恢复正常就算结束。局限：采样间隔长于一次燃烧时"
            "会漏数。",
            "请司炉或维保人员检查：负荷太小、温差设得太窄、水流不足，或点火反复失败。",
            {
                "short_cycling.often": "一小时内点火 {starts:.0f} 次",
                "short_cycling.short": "连续 {short:.0f} 次燃烧都不满 {run_s}",
                "short_cycling.cleared": "启停已正常，最近一小时点火 {starts:.0f} 次",
                "short_cycling.is_unheard": "还没有收到火焰读数",
                "short_cycling.counts": "到 {heard_at}，一小时内点火 {starts:.0f} 次（超过 {warn:.0f} 次才提示），连续 "
                "{short:.0f} 次不满 {run_s}",
            },
        ),
        "en": Words(
            "Short cycling",
            "A burner that starts again and again wastes fuel (some 15 %) and wears out. More than warn_starts (6) "
            "starts in an hour, or runs (3) runs in a row of less than run_min (5) minutes are a line in the day's "
            "summary; more than alarm_starts (10) in an hour raise its severity to major. Reading: the flame (flame), "
            "or the burner's state (burner/on). It ends when an hour is normal again. Limits: runs shorter than the "
            "time between two readings are not seen.",
            "Let the attendant or the service look: too little load, a narrow difference, too little flow, or ignition "
            "that fails.",
            {
                "short_cycling.often": "the burner started {starts:.0f} times in an hour",
                "short_cycling.short": "{short:.0f} runs in a row were shorter than {run_s}",
                "short_cycling.cleared": "the burner runs normally again: {starts:.0f} {starts:start|starts} in the "
                "last hour",
                "short_cycling.is_unheard": "no reading of the flame has come yet",
                "short_cycling.counts": "by {heard_at} the burner had started {starts:.0f} times in an hour (more than "
                "{warn:.0f} is told), {short:.0f} runs in a row shorter than {run_s}",
            },
        ),
    }

    warn_starts: float = parameter(6.0, unit="", least=1.0, most=60.0)
    alarm_starts: float = parameter(10.0, unit="", least=1.0, most=59.0)
    run_min: float = parameter(5.0, unit="min", least=0.5, most=60.0)
    runs: float = parameter(3.0, unit="", least=2.0, most=20.0)

    def __post_init__(self) -> None:
        if self.warn_starts > self.alarm_starts:
            raise ParameterError("warn_starts", "must not be more than alarm_starts", "不应大于 alarm_starts")

    def watches(self, site: Site) -> Iterable[ShortCyclingWatch]:
        for boiler in boilers(site, "flame"):
            yield ShortCyclingWatch(
                key=boiler.place.id,
                place=boiler.place.id,
                inputs=boiler.inputs("flame"),
                holds_s=boiler.holds_s("flame"),
                warn_starts=self.warn_starts,
                alarm_starts=self.alarm_starts,
                run_s=self.run_min * 60,
                runs=self.runs,
            )
