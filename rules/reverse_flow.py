"""Reverse flow (倒流): water that runs back through its meter.

Strategy. A flow under zero by more than what a sensor at rest may show, for a quarter of an hour without a reading
that says otherwise. A register that runs backwards is a matter of the quality of its readings, not of this rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter


class _State(NamedTuple):
    """It runs back since `since`, seen for `covered_s`, with `litres` so far; `forth_at`: since when it does not."""

    at: float | None = None
    flow: float = 0.0
    since: float | None = None
    covered_s: float = 0.0
    litres: float = 0.0
    forth_at: float | None = None
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseFlowWatch:
    """One meter that tells its flow."""

    rule: ClassVar[str] = "reverse_flow"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    limit_lpm: float
    hold_s: float
    clear_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        flow = values["flow"]
        if state.since is None:
            return _State(at, flow, at if flow <= -self.limit_lpm else None), ()
        before, last, since, covered_s, litres, forth_at, is_raised = state
        seen_s = min(at - (at if before is None else before), self.holds_s)
        if forth_at is None:
            covered_s, litres = covered_s + seen_s, litres - last * seen_s / 60.0
        forth_at = None if flow <= -self.limit_lpm else at if forth_at is None else forth_at
        x = _State(at, flow, since, covered_s, litres, forth_at, is_raised)
        if not is_raised:
            if forth_at is not None:
                return _State(at, flow), ()
            if covered_s >= self.hold_s:
                return x._replace(is_raised=True), (self._change(Turn.RAISED, x),)
        elif forth_at is not None and at - forth_at >= self.clear_s:
            return _State(at, flow), (self._change(Turn.CLEARED, x),)
        return x, ()

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.since is None or state.is_raised:
            return None
        return Hold(state.since, min(state.covered_s, self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.since is None:
            return Explanation("reverse_flow.calm", {"lpm": state.flow})
        values = {"covered_s": state.covered_s, "needed_s": self.hold_s, "lpm": -state.flow}
        return Explanation("reverse_flow.runs", values)

    def _change(self, turn: Turn, x: _State) -> Change:
        values = {"ran_s": x.covered_s, "litres": x.litres}
        evidence = Evidence(x.since or 0.0, tuple(self.inputs.values()), -self.limit_lpm, x.covered_s)
        return Change(turn, Severity.MAJOR, Delivery.DIGEST, f"{self.rule}.{turn.value}", values, evidence)


@dataclass(frozen=True, slots=True)
class ReverseFlow:
    """Flags water that runs back; wherever `flow_lpm` is measured by itself."""

    kind: ClassVar[str] = "reverse_flow"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "倒流",
            "发现水从水表倒着流：流量（flow_lpm）低于零超过 limit_lpm，连续 15 分钟（hold_min）。多半是止回阀坏了、"
            "水泵停了或水表装反；用过的水可能流回管网，要尽快查。只看能报负流量的流量计；"
            "读数倒走的机械表由数据质量来查。没有读数的时间不算。",
            "检查止回阀和水泵；水表刚装过的，看箭头方向装反没有。",
            {
                "reverse_flow.raised": "水倒流了 {ran_s}，约 {litres:.0f} 升",
                "reverse_flow.cleared": "倒流已停，共 {ran_s}，约 {litres:.0f} 升",
                "reverse_flow.calm": "没有倒流：现在 {lpm:.1f} 升/分",
                "reverse_flow.runs": "水在倒流（{lpm:.1f} 升/分），已 {covered_s}，满 {needed_s}才报",
            },
        ),
        "en": Words(
            "Reverse flow",
            "Finds water that runs back through its meter: a flow (flow_lpm) under zero by more than limit_lpm for a "
            "quarter of an hour (hold_min). Mostly a check valve has failed, a pump has stopped or the meter was "
            "fitted the wrong way round; used water may get back into the pipes, so look soon. It needs a meter that "
            "can tell a negative flow; a register that runs backwards is found by the quality of its readings. Time "
            "without readings does not count.",
            "Check the check valve and the pump; if the meter is new, see whether its arrow points the right way.",
            {
                "reverse_flow.raised": "water has run back for {ran_s}, about {litres:.0f} L",
                "reverse_flow.cleared": "water runs back no more, after {ran_s} and about {litres:.0f} L",
                "reverse_flow.calm": "no reverse flow: {lpm:.1f} L/min now",
                "reverse_flow.runs": "water runs back ({lpm:.1f} L/min) for {covered_s}; told after {needed_s}",
            },
        ),
    }

    limit_lpm: float = parameter(0.1, unit="L/min", least=0.001, most=1000.0)
    hold_min: float = parameter(15.0, unit="min", least=1.0, most=1440.0)
    clear_min: float = parameter(5.0, unit="min", least=0.0, most=1440.0)

    def watches(self, site: Site) -> Iterable[ReverseFlowWatch]:
        for point in site.points.values():
            if point.quantity == "flow_lpm" and not point.of:  # a register that only rises gives no flow under zero
                yield ReverseFlowWatch(
                    key=point.id.rpartition("/")[0],
                    place=point.place,
                    inputs={"flow": point.id},
                    holds_s=point.holds_s,
                    limit_lpm=self.limit_lpm,
                    hold_s=self.hold_min * 60,
                    clear_s=self.clear_min * 60,
                )
