"""Balance of meters (总表分表): what the main meter counts less what the meters behind it count.

Strategy. Each register's last reading before a boundary stands for it (midnight; where nights alone are compared,
01:00 and 05:00), which gives a difference for each day or night. It is too large when it exceeds 5 % of the main
meter, and three robust deviations of those before, which hold the meters' own errors and steps; three times in a row
it is told: a buried leak, a branch without a meter, or a meter that has stopped. The other way round, the meters
behind counting more than the main one, that has stopped or the list is wrong. A stretch for which a register is
missing counts neither way, and one that was too much is not learned from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar, NamedTuple

from rules.calendar import Calendar
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.quantity import QUANTITIES
from rules.rule import ParameterError, Words, choice, parameter, point_ids, text

COUNTERS = ("volume_m3", "energy_kwh", "gas_m3")
DAY, NIGHT = "day", "night"
BOUNDARIES: Mapping[str, tuple[int, ...]] = {DAY: (0,), NIGHT: (60, 300)}  # in minutes after midnight
LATE_S = 900.0      # a register that was not heard for so long before a boundary is missing
KEPT, FEWEST = 21, 5
SIGMA = 1.4826      # of the median deviation of a normal distribution
DAY_S = 86_400.0

_Registers = tuple[float | None, ...]


class _State(NamedTuple):
    """`due` is the next boundary, `latest` the registers heard just before it, `first` those at the one before.

    `before` are differences as they were, `over` how many in a row were too large (under 0: too small).
    """

    due: float = 0.0
    latest: _Registers = ()
    first: _Registers = ()
    first_at: float = 0.0
    before: tuple[float, ...] = ()
    over: int = 0
    since: float = 0.0
    total: float = 0.0
    difference: float = 0.0
    limit: float = 0.0
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterBalanceWatch:
    """One main meter and those behind it; the registers of the state are in the order of the inputs, the main first."""

    rule: ClassVar[str] = "meter_balance"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    unit: str
    late_s: float
    boundaries: tuple[int, ...]
    share: float
    deviations: float
    times: int
    calendar: Calendar

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if at < state.due - self.late_s:
            return state, ()
        if at < state.due:
            return state._replace(latest=self._read(state.latest, values)), ()
        registers = state.latest if state.latest and None not in state.latest else ()
        is_stretch = len(self.boundaries) == 1 or state.due == self._next(state.due, self.boundaries[1:])
        changes: Sequence[Change] = ()
        if is_stretch and registers and state.first and state.due - state.first_at < 1.1 * DAY_S:
            state, changes = self._judged(state, registers)
        due = self._next(at + 1.0, self.boundaries)
        latest = self._read((), values) if at >= due - self.late_s else ()
        return state._replace(due=due, latest=latest, first=registers, first_at=state.due), changes

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.is_raised or not state.over:
            return None
        return Hold(state.since, abs(state.over) * DAY_S, self.times * DAY_S)

    def explain(self, state: _State, at: float) -> Explanation:
        if len(state.before) < FEWEST:
            return Explanation("meter_balance.learning", {"times": float(FEWEST - len(state.before))})
        why = "meter_balance.over" if state.over else "meter_balance.calm"
        return Explanation(why, self._values(state))

    def _read(self, known: _Registers, values: Mapping[str, float]) -> _Registers:
        known = known or (None,) * len(self.inputs)
        return tuple(values.get(role, value) for role, value in zip(self.inputs, known, strict=True))

    def _next(self, at: float, minutes: Iterable[int]) -> float:
        return min(self.calendar.next_minute(at, minute) for minute in minutes)

    def _judged(self, x: _State, registers: _Registers) -> tuple[_State, Sequence[Change]]:
        """The state after a day or a night whose registers are all known."""
        counted = [(now or 0.0) - (then or 0.0) for now, then in zip(registers, x.first, strict=True)]
        total, difference = counted[0], counted[0] - sum(counted[1:])
        usual = median(x.before) if x.before else 0.0
        deviation = SIGMA * median([abs(value - usual) for value in x.before]) if x.before else 0.0
        limit = max(self.share * max(total, total - difference), self.deviations * deviation)
        side = 0 if abs(difference) <= limit or len(x.before) < FEWEST else 1 if difference > 0 else -1
        over = x.over + side if side * x.over >= 0 and side else side
        before = x.before if side else (*x.before, difference)[-KEPT:]
        since = x.since if side and over != side else x.first_at
        x = x._replace(before=before, over=over, since=since, total=total, difference=difference, limit=limit)
        if x.is_raised and not side:
            return x._replace(is_raised=False), (self._change(Turn.CLEARED, x, "cleared"),)
        if not x.is_raised and abs(over) >= self.times:
            return x._replace(is_raised=True), (self._change(Turn.RAISED, x, "raised" if side > 0 else "less"),)
        return x, ()

    def _values(self, x: _State) -> dict[str, float | str]:
        percent = 100.0 * abs(x.difference) / x.total if x.total > 0.0 else 0.0
        return {
            "difference": abs(x.difference), "total": x.total, "percent": percent, "limit": x.limit, "unit": self.unit,
        }  # fmt: skip

    def _change(self, turn: Turn, x: _State, why: str) -> Change:
        evidence = Evidence(x.since, tuple(self.inputs.values()), None, abs(x.over) * DAY_S)
        return Change(turn, Severity.MAJOR, Delivery.DIGEST, f"{self.rule}.{why}", self._values(x), evidence)


@dataclass(frozen=True, slots=True)
class MeterBalance:
    """Compares a main meter with the meters behind it; only where a configuration declares them."""

    kind: ClassVar[str] = "meter_balance"
    slowest_s: ClassVar[float] = 3660.0
    memory_s: ClassVar[float] = 30 * DAY_S
    is_declared: ClassVar[bool] = True
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "总表分表不平",
            "拿总表和它后面的分表比：每天（或只比夜里，over = \"night\"）总表走了多少，减去分表加起来走了多少。"
            "差额超过总表的 5%（share），又超过以往差额的三倍偏差（deviations），连续三天（times）就写进日报。"
            "水表和电表都能用，在规则里写明总表（parent）和分表（children）的累计读数点，并起个名字（name）。多半是地下管漏水、有没装表的支路，"
            "或者某块分表停了；反过来分表比总表多，就是总表停了或名单不对。缺读数的日子不算，头五天只学习。",
            "先看哪块分表不走了，再查没装表的支路；都没有，就按管线查地下漏点。",
            {
                "meter_balance.raised": "总表比分表合计多走 {difference:.1f} {unit}，占 {percent:.0f}%",
                "meter_balance.less": "总表比分表合计少走 {difference:.1f} {unit}，占 {percent:.0f}%",
                "meter_balance.cleared": "总表和分表又平了：差 {difference:.1f} {unit}",
                "meter_balance.calm": "总表和分表差 {difference:.1f} {unit}（{percent:.0f}%），"
                "不超过 {limit:.1f} {unit}；"
                "总表走了 {total:.1f} {unit}",
                "meter_balance.over": "总表和分表差 {difference:.1f} {unit}（{percent:.0f}%），"
                "超过 {limit:.1f} {unit}；"
                "总表走了 {total:.1f} {unit}，连续几次才报",
                "meter_balance.learning": "还要再学 {times:.0f} 次",
            },
        ),
        "en": Words(
            "Balance of meters",
            "Compares a main meter with the meters behind it: what the main meter counted in a day (or in the night "
            "alone, over = \"night\") less what the others counted together. A difference of more than 5 % of the "
            "main meter (share) and of more than three deviations of the differences before (deviations), three times "
            "in a row (times), is a line in the summary. It works for water and for electricity; the rule names the "
            "registers of the main meter (parent) and of the others (children), and itself (name). Mostly it is a "
            "buried leak, a branch without a meter or a meter that has stopped; where the main meter counts less, that "
            "one has stopped or the list is wrong. Days without a reading do not count, and the first five are only "
            "learned from.",
            "Look for a meter that has stopped, then for a branch without a meter; else search the pipes for a leak.",
            {
                "meter_balance.raised": "the main meter counted {difference:.1f} {unit} more than the meters behind it "
                "together, {percent:.0f} %",
                "meter_balance.less": "the main meter counted {difference:.1f} {unit} less than the meters behind it "
                "together, {percent:.0f} %",
                "meter_balance.cleared": "main meter and meters agree again, but for {difference:.1f} {unit}",
                "meter_balance.calm": "main meter and meters differ by {difference:.1f} {unit} ({percent:.0f} %), no "
                "more than {limit:.1f} {unit}; the main meter counted {total:.1f} {unit}",
                "meter_balance.over": "main meter and meters differ by {difference:.1f} {unit} ({percent:.0f} %), over "
                "{limit:.1f} {unit}; the main meter counted {total:.1f} {unit}; told when it stays so",
                "meter_balance.learning": "{times:.0f} more {times:time|times} to learn from",
            },
        ),
    }

    name: str = text()
    parent: tuple[tuple[str, str], ...] = point_ids()
    children: tuple[tuple[str, str], ...] = point_ids()
    over: str = choice(DAY, NIGHT)
    share: float = parameter(0.05, unit="", least=0.0, most=1.0)
    deviations: float = parameter(3.0, unit="", least=0.0, most=10.0)
    times: int = parameter(3, unit="", least=1, most=31)

    def __post_init__(self) -> None:
        if len(self.parent) != 1 and (self.parent or self.children):
            raise ParameterError("parent", "exactly one point", "只写一个点")
        if self.parent and not self.children:
            raise ParameterError("children", "the points behind the main meter", "写明总表后面的分表")
        ids = [point for _, point in (*self.parent, *self.children)]
        quantities = {point.rpartition("/")[2] for point in ids}
        if len(quantities) > 1 or not quantities <= set(COUNTERS):
            names = ", ".join(COUNTERS)
            raise ParameterError("children", f"registers of one kind: {names}", f"要同一种累计读数：{names}")
        if len(set(ids)) < len(ids):
            raise ParameterError("children", "each point once", "每个点只写一次")

    def watches(self, site: Site) -> Iterable[MeterBalanceWatch]:
        ids = [point for _, point in (*self.parent, *self.children)]
        points = [site.points[point] for point in ids if point in site.points]
        if not points or len(points) < len(ids):
            return
        roles = ["parent", *(f"child-{number}" for number in range(1, len(points)))]
        yield MeterBalanceWatch(
            key=self.name or points[0].id.rpartition("/")[0],
            place=points[0].place,
            inputs={role: point.id for role, point in zip(roles, points, strict=True)},
            unit=QUANTITIES[points[0].quantity].unit,
            late_s=max(LATE_S, *(point.holds_s for point in points)),
            boundaries=BOUNDARIES[self.over],
            share=self.share,
            deviations=self.deviations,
            times=self.times,
            calendar=site.calendar,
        )
