"""A counter whose register jumped or fell without a reason anybody declared, or reports in another unit.

Strategy. The refiner of the counter decides: it follows the register, explains rollovers and declared exchanges, and
says when neither fits. Nothing is counted for that time, so somebody must look and, if the meter was replaced, declare
it. What happened to the register is over at once; the alert stays while nothing new happens for a while.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.counter import COUNTER, UNIT
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.quantity import QUANTITIES, Kind
from rules.rule import Words, parameter

REGISTER = "register"


class _State(NamedTuple):
    """`unit_since`: how long it has reported in another unit; `bad_at`: when something was last wrong."""

    unit_since: float | None = None
    bad_at: float | None = None
    why: str = ""
    reading: float = 0.0
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterFaultWatch:
    """One counter by the verdicts on it."""

    rule: ClassVar[str] = "counter_fault"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    unit: str
    hold_s: float
    clear_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if len(values) == 1 and REGISTER in values:
            unit_since, bad_at = state.unit_since, state.bad_at
            if bad_at is None or at - bad_at < self.clear_s:
                return (state if unit_since is None else state._replace(unit_since=None)), ()
            return _State(), self._changes(Turn.CLEARED, state, at)
        if COUNTER in values:
            return self._found(state, at, "jumped", values[COUNTER], at)
        if UNIT not in values:
            return state, ()
        since = at if state.unit_since is None else state.unit_since
        x = state._replace(unit_since=since)
        return (x, ()) if at - since < self.hold_s else self._found(x, at, "unit", values[UNIT], since)

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.unit_since is None or state.bad_at is not None:
            return None
        return Hold(state.unit_since, min(at - state.unit_since, self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.bad_at is not None:
            return Explanation("counter_fault.open", {"bad_at": state.bad_at, "clear_s": self.clear_s})
        if state.unit_since is not None:
            return Explanation("counter_fault.waiting", {"since_at": state.unit_since, "needed_s": self.hold_s})
        return Explanation("counter_fault.fine", {})

    def _found(
        self, x: _State, at: float, why: str, reading: float, since: float
    ) -> tuple[_State, Sequence[Change]]:
        if x.bad_at is not None:
            return x._replace(bad_at=at), ()
        x = _State(x.unit_since, at, why, reading, since)
        return x, self._changes(Turn.RAISED, x, at)

    def _changes(self, turn: Turn, x: _State, at: float) -> Sequence[Change]:
        values: dict[str, float | str] = {"reading": f"{x.reading:,.2f} {self.unit}", "since_at": x.since}
        why = f"counter_fault.{x.why}" if turn is Turn.RAISED else "counter_fault.cleared"
        evidence = Evidence(x.since, (self.inputs[REGISTER],))
        return (Change(turn, Severity.MINOR, Delivery.DIGEST, why, values, evidence),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterFault:
    """Flags registers that jump, fall or change their unit."""

    kind: ClassVar[str] = "counter_fault"
    slowest_s: ClassVar[float] = inf
    memory_s: ClassVar[float] = 2 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "表底异常",
            "电表、水表、气表的表底无缘无故突变或倒走，或换了单位上报。计满归零（位数 digits）、"
            "已登记的换表（[[exchange]]）不提示。"
            "无法解释的变化不计用量，既不猜测也不出负数，所以要有人查看；单位错须持续 10 分钟（hold_s）。"
            "24 小时（clear_s）不再出现即自动结束。突变量小于该处正常用量时无法识别。记入日报。",
            "核对表底；若换过表，在配置中用 [[exchange]] 写明时间、旧表止码和新表起码。",
            {
                "counter_fault.jumped": "{since_at} 表底变为 {reading}，原因不明；这段时间不计用量",
                "counter_fault.unit": "自 {since_at} 起表底差十、百或千倍（{reading}），其间不计用量，请核对单位和倍率",
                "counter_fault.cleared": "{since_at} 的表底异常（{reading}）之后一直正常",
                "counter_fault.fine": "表底正常走字",
                "counter_fault.waiting": "自 {since_at} 起单位不对，满 {needed_s}提示",
                "counter_fault.open": "{bad_at} 表底异常，再过 {clear_s}无异常即结束",
            },
        ),
        "en": Words(
            "Counter fault",
            "The register of an electricity, water or gas meter jumps or falls for no known reason, or comes in "
            "another unit. A rollover (digits) and a declared exchange ([[exchange]]) are no fault. For a change that "
            "nothing explains no consumption is counted, never a guess and never a negative, so somebody must look. A "
            "wrong unit must last 10 min (hold_s). It ends by itself after 24 h (clear_s) without another. A jump "
            "smaller than what the place may use cannot be told. For the day's summary.",
            "Compare with the meter; if it was replaced, write an [[exchange]] with the time, the last reading of the "
            "old and the first of the new one.",
            {
                "counter_fault.jumped": "at {since_at} the register went to {reading} for no known reason; nothing is "
                "counted for that time",
                "counter_fault.unit": "since {since_at} the register is 10, 100 or 1000 times off ({reading}) and "
                "nothing is counted: check unit and multiplier",
                "counter_fault.cleared": "the register has been in order since the fault at {since_at} ({reading})",
                "counter_fault.fine": "the register counts as it should",
                "counter_fault.waiting": "wrong unit since {since_at}, an alert after {needed_s}",
                "counter_fault.open": "the last fault was at {bad_at}; it ends after {clear_s} without another",
            },
        ),
    }

    hold_s: float = parameter(600.0, unit="s", least=0.0, most=86_400.0)
    clear_s: float = parameter(86_400.0, unit="s", least=600.0, most=172_800.0)

    def watches(self, site: Site) -> Iterable[CounterFaultWatch]:
        for place in site.places:
            for point in site.points_at(place):
                quantity = QUANTITIES[point.quantity]
                if quantity.kind is Kind.COUNTER:
                    verdicts = {reason: f"{point.id}!{reason}" for reason in (COUNTER, UNIT)}
                    yield CounterFaultWatch(
                        key=f"counter_fault/{point.id}", place=place, inputs={REGISTER: point.id} | verdicts,
                        unit=quantity.unit, hold_s=self.hold_s, clear_s=self.clear_s,
                    )  # fmt: skip
