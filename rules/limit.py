"""A limit of your own (自定义限值): a reading above or below what you say, for as long as you say.

Strategy. Each point is judged alone: outside as soon as it passes the limit, inside again when it has come back by the
hysteresis. Time counts only as far as readings speak, and a gap longer than the wanted time begins it anew. The very
first reading after a start raises nothing by itself, since nothing is known of what was before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import ClassVar, NamedTuple

from rules.fact import PERMIT
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn
from rules.quantity import QUANTITIES
from rules.rule import ParameterError, Words, choice, parameter, point_ids, text

ABOVE, WITHIN, BELOW = 1, 0, -1
SLACK_S = 0.001  # times are kept to the millisecond
_INTERNAL = frozenset({*PERMIT, "online", "backlog", "attended", "clock_offset_s"})  # no sensor of a school tells them


class _State(NamedTuple):
    """`at` is up to when time is counted, `until` how long the last reading speaks; `side` where it lies.

    `is_proven`: something was known before the reading that began it, or a second one agreed. Built by position.
    """

    at: float | None = None
    until: float = 0.0
    value: float = 0.0
    side: int = WITHIN
    since: float = 0.0
    covered_s: float = 0.0
    is_proven: bool = False
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitWatch:
    """One point against `above` and `below` (infinite: none)."""

    rule: ClassVar[str] = "limit"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    name: str
    unit: str
    holds_s: float
    above: float
    below: float
    hysteresis: float
    hold_s: float
    severity: int
    delivery: str

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        last, until, value, side, since, covered_s, is_proven, is_raised = state
        if values:
            value = values["value"]
            if not side and self.below <= value <= self.above:
                return _State(at, at + self.holds_s, value), ()
        if side and last is not None:
            covered_s += max(0.0, min(at, until) - last)
            if not is_raised and at - until > self.hold_s:
                side = WITHIN
        changes: list[Change] = []
        if values:
            until, was = at + self.holds_s, side
            side = self._side(value, was)
            if side != was:
                if is_raised:
                    ended = _State(at, until, value, was, since, covered_s, is_proven, is_raised)
                    changes.append(self._change(Turn.CLEARED, ended, at))
                since, covered_s, is_raised = at, 0.0, False
            is_proven = last is not None
        x = _State(at, until, value, side, since, covered_s, is_proven, is_raised)
        if side and is_proven and not is_raised and covered_s >= self.hold_s - SLACK_S:
            x = x._replace(is_raised=True)
            changes.append(self._change(Turn.RAISED, x, at))
        return x, changes

    def deadline(self, state: _State) -> float | None:
        at, until, _, side, _, covered_s, is_proven, is_raised = state
        if not side or is_raised or not is_proven or at is None:
            return None
        due = at + self.hold_s - covered_s
        return due if at < due <= until else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if not state.side or state.is_raised:
            return None
        return Hold(state.since, min(self._covered_s(state, at), self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        values: dict[str, float | str] = {"name": self.name}
        if state.at is None:
            return Explanation("limit.unknown", values)
        values |= {"reading": self._said(state.value), "heard_at": state.until - self.holds_s}
        if at > state.until:
            return Explanation("limit.stale", values)
        if not state.side:
            return Explanation("limit.within", values)
        values |= {"limit": self._said(self._line(state.side)), "held_s": self._covered_s(state, at)}
        if state.is_raised:
            return Explanation("limit.above" if state.side == ABOVE else "limit.below", values)
        return Explanation("limit.waiting", values | {"needed_s": self.hold_s})

    def _side(self, value: float, was: int) -> int:
        if value > self.above - (self.hysteresis if was == ABOVE else 0.0):
            return ABOVE
        return BELOW if value < self.below + (self.hysteresis if was == BELOW else 0.0) else WITHIN

    def _covered_s(self, state: _State, at: float) -> float:
        return state.covered_s + max(0.0, min(at, state.until) - (state.at or 0.0))

    def _line(self, side: int) -> float:
        return self.above if side == ABOVE else self.below

    def _said(self, value: float) -> str:
        return f"{value:.6g} {self.unit}".rstrip()

    def _change(self, turn: Turn, x: _State, at: float) -> Change:
        values: dict[str, float | str] = {
            "name": self.name, "reading": self._said(x.value), "limit": self._said(self._line(x.side)),
            "held_s": x.covered_s,
        }  # fmt: skip
        why = "above" if x.side == ABOVE else "below"
        why = "cleared" if turn is Turn.CLEARED else why if at > x.since else f"{why}_now"
        evidence = Evidence(x.since, tuple(self.inputs.values()), self._line(x.side), x.covered_s)
        return Change(turn, Severity(self.severity), Delivery(self.delivery), f"limit.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit on the points of one quantity, or on points named one by one; without a name it is not declared."""

    kind: ClassVar[str] = "limit"
    slowest_s: ClassVar[float] = inf
    memory_s: ClassVar[float] = 8 * 86_400.0  # more than the longest `for_min`
    is_declared: ClassVar[bool] = True
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "自定义限值",
            "自己设一条线：某个读数高于 above 或低于 below，并持续 for_min 分钟，就报警。用 quantity（必要时加 part）"
            "和 where 选出一类测点，或用 points 逐个写明；每个测点单独报警。为避免在线上来回跳动，读数要回落超过 "
            "hysteresis 才算恢复。时间只按有读数的部分计算，没有数据时既不报警也不恢复；启动后第一个读数不单独报警。"
            "级别用 severity、通知方式用 delivery 指定。",
            "查看该测点的现场情况；如果限值不合适，请在配置中修改。",
            {
                "limit.above": "{name}：{reading}，高于 {limit}，已 {held_s}",
                "limit.below": "{name}：{reading}，低于 {limit}，已 {held_s}",
                "limit.above_now": "{name}：{reading}，高于 {limit}",
                "limit.below_now": "{name}：{reading}，低于 {limit}",
                "limit.cleared": "{name}：现为 {reading}，已回到限值 {limit} 以内，超限共 {held_s}",
                "limit.unknown": "{name}：还没有读数",
                "limit.stale": "{name}：最近的读数 {reading}（{heard_at}）已过时，不作判断",
                "limit.within": "{name}：{reading}，在限值以内",
                "limit.waiting": "{name}：{reading}，已越过 {limit} {held_s}，满 {needed_s}才报警",
            },
        ),
        "en": Words(
            "Limit of your own",
            "A line that you draw: a reading above `above` or below `below` for `for_min` minutes raises an alert. "
            "`quantity` (with `part` where there are several) and `where` choose the points, or `points` names them "
            "one by one; each has an alert of its own. So that it does not flicker at the line, a reading must come "
            "back by `hysteresis` to count as normal. Time counts only as far as readings cover it: a device without "
            "data neither raises nor clears, and the first reading after a start raises nothing alone. `severity` and "
            "`delivery` say how grave it is and how it is told.",
            "See what is going on there; if the limit does not fit, change it in the configuration.",
            {
                "limit.above": "{name}: {reading}, above {limit} for {held_s}",
                "limit.below": "{name}: {reading}, below {limit} for {held_s}",
                "limit.above_now": "{name}: {reading}, above {limit}",
                "limit.below_now": "{name}: {reading}, below {limit}",
                "limit.cleared": "{name}: {reading}, within the limit of {limit} again after {held_s}",
                "limit.unknown": "{name}: no reading yet",
                "limit.stale": "{name}: the last reading of {reading} ({heard_at}) is too old to judge by",
                "limit.within": "{name}: {reading}, within the limits",
                "limit.waiting": "{name}: {reading}, beyond {limit} for {held_s}; raised after {needed_s}",
            },
        ),
    }

    name: str = text(longest=80)
    quantity: str = choice("", *(name for name in QUANTITIES if name not in _INTERNAL))
    part: str = text(longest=40)
    points: tuple[tuple[str, str], ...] = point_ids()
    above: float = parameter(inf, unit="", least=-1e12, most=1e12)
    below: float = parameter(-inf, unit="", least=-1e12, most=1e12)
    hysteresis: float = parameter(0.0, unit="", least=0.0, most=1e12)
    for_min: float = parameter(0.0, unit="min", least=0.0, most=10_080.0)
    severity: str = choice("minor", "info", "major", "critical")
    delivery: str = choice("page", "digest", "record")

    def __post_init__(self) -> None:
        if not self.name:
            return
        if bool(self.quantity) == bool(self.points):
            raise ParameterError("quantity", "write either quantity, or points", "quantity 与 points 必须写其中一个")
        if self.part and self.points:
            raise ParameterError("part", "part goes with quantity, not with points", "part 只与 quantity 一起使用")
        if isinf(self.above) and isinf(self.below):
            raise ParameterError("above", "write above or below, or both", "必须写 above 或 below，也可都写")
        if self.above <= self.below:
            raise ParameterError("above", "must be larger than below", "必须大于 below")
        if self.hysteresis >= self.above - self.below:
            raise ParameterError(
                "hysteresis", "must be smaller than the distance of above and below", "必须小于 above 与 below 之差"
            )

    def watches(self, site: Site) -> Iterable[LimitWatch]:
        if not self.name:
            return
        named = {point for _, point in self.points}
        for point in site.points.values():
            if point.id in named or (point.quantity == self.quantity and point.part == self.part):
                yield self._watch(point)

    def _watch(self, point: Point) -> LimitWatch:
        return LimitWatch(
            key=f"{self.name}: {point.id}",
            place=point.place,
            inputs={"value": point.id},
            name=self.name,
            unit=QUANTITIES[point.quantity].unit,
            holds_s=point.holds_s,
            above=self.above,
            below=self.below,
            hysteresis=self.hysteresis,
            hold_s=self.for_min * 60,
            severity=Severity[self.severity.upper()],
            delivery=self.delivery,
        )
