"""Night flow (夜间流量): what flows when nobody draws water, held against the same meter's own nights.

Strategy. Of each night from 02:00 to 05:00 the lowest mean of an hour is kept. It is too much when it exceeds the
median of the last 21 nights by three robust deviations (1.4826 times the median deviation), by 1.1 pulses and by 5 L/h,
and the second largest of them, since people who stay up make few nights large; two such nights in a row are told. A
night that was too much is not learned from, and nights of term and of holidays have a history each, so that the first
night of term is none. A meter that never stood still in any night is listed once: a cooling tower, a urinal cistern, or
a leak older than the meter. Only the window is looked at, and the register bridges what was not heard; where only a
flow is known, a gap begins the hour anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar, NamedTuple

from rules.calendar import Span
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter
from rules.water_meter import COARSEST_L, FLOW, VOLUME, Meter, divided, meters

WINDOW = Span(2 * 60, 5 * 60)
HOUR_S = 3600.0
JITTER_S = 60.0         # an hourly meter's hour may be a minute short
APART_S = 600.0         # hours begin as often as this
NIGHTS, FEWEST_NIGHTS = 21, 14
IN_A_ROW = 2
SIGMA = 1.4826          # of the median deviation of a normal distribution
MONTH_H = 730.0
LARGE_LPH = 360.0       # an open tap

UNTOLD, LISTED, TOLD = 0, 1, 2


class _State(NamedTuple):
    """`next_at` is when the window opens or closes; `marks` are times and litres in it, `least` its lowest hour in L/h;
    `pulse` is the largest step that increments are made of.

    `term` and `holiday` are the lowest hours of the nights before; `limit` is what an open alert was held against.
    """

    next_at: float = 0.0
    is_open: bool = False
    at: float = 0.0
    flow: float = 0.0
    litres: float = 0.0
    marks: tuple[tuple[float, float], ...] = ()
    least: float | None = None
    term: tuple[float, ...] = ()
    holiday: tuple[float, ...] = ()
    over: int = 0
    last: float = 0.0
    limit: float = 0.0
    pulse: float = COARSEST_L
    told: int = UNTOLD
    is_listed: bool = False
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFlowWatch:
    """One water meter."""

    rule: ClassVar[str] = "night_flow"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    deviations: float
    least_lph: float
    least_pulses: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if at < state.next_at and not state.is_open:
            return state, ()
        calendar = self.hours.calendar
        if not state.is_open:
            closes = calendar.next_minute(at, WINDOW.end)
            opens = calendar.next_minute(at, WINDOW.start)
            if at < opens < closes:  # the time before the first window, or a night that nobody heard
                return state._replace(next_at=opens), ()
            state = state._replace(next_at=closes, is_open=True, at=0.0, marks=(), least=None)
        x = self._marked(state, at, values)
        if at < x.next_at:
            return x, ()
        x = x._replace(is_open=False, next_at=calendar.next_minute(at, WINDOW.start))
        return (x, ()) if x.least is None else self._judged(x, x.least, at)

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.told == TOLD or not state.over:
            return None
        return Hold(state.since, state.over * 86_400.0, IN_A_ROW * 86_400.0)

    def explain(self, state: _State, at: float) -> Explanation:
        nights = max(state.term, state.holiday, key=len)
        if len(nights) < FEWEST_NIGHTS:
            return Explanation("night_flow.learning", {"nights": float(FEWEST_NIGHTS - len(nights))})
        why = "night_flow.over" if state.over else "night_flow.calm"
        return Explanation(why, {"lph": state.last, "limit": state.limit, "usual": median(nights)})

    def _marked(self, x: _State, at: float, values: Mapping[str, float]) -> _State:
        """The state with this reading in the night, and the lowest hour up to it."""
        marks, pulse, flow = x.marks, x.pulse, 0.0
        if VOLUME in values:
            litres = values[VOLUME] * 1000.0
            if x.at and litres > x.litres:
                pulse = divided(pulse, litres - x.litres)
        else:
            flow = values[FLOW]
            dt = at - x.at
            if dt > self.holds_s:
                marks = ()
            pulse = 0.0
            litres = x.litres + (max(x.flow, 0.0) * dt / 60.0 if marks else 0.0)
        least = x.least
        if not marks or at - marks[-1][0] >= APART_S - JITTER_S:
            begun = [mark for mark in marks if at - mark[0] >= HOUR_S - JITTER_S]
            if begun:
                since, before = begun[-1]
                lph = (litres - before) / (at - since) * HOUR_S
                least = lph if least is None else min(least, lph)
                marks = marks[len(begun) - 1 :]
            marks = (*marks, (at, litres))
        return x._replace(at=at, flow=flow, litres=litres, marks=marks, least=least, pulse=pulse)

    def _judged(self, x: _State, lph: float, at: float) -> tuple[_State, Sequence[Change]]:
        """The state after a night, and what there is to say of it."""
        is_term = self.hours.term(at).open
        nights = x.term if is_term else x.holiday
        small = max(self.least_pulses * x.pulse, self.least_lph)
        x = x._replace(last=lph, marks=())
        if len(nights) >= FEWEST_NIGHTS:
            middle = median(nights)
            deviation = SIGMA * median(abs(night - middle) for night in nights)
            limit = max(middle + max(self.deviations * deviation, small), sorted(nights)[-2])
            if lph > limit or (x.told == TOLD and lph > x.limit):
                x = x._replace(over=x.over + 1, since=x.since if x.over else at)
                limit = x.limit if x.told == TOLD else limit
                x = x._replace(limit=limit)
                return self._over(x, lph - middle) if x.over >= IN_A_ROW and x.told < TOLD else (x, ())
            x = x._replace(limit=limit)
        nights = (*nights, lph)[-NIGHTS:]
        x = x._replace(over=0, term=nights) if is_term else x._replace(over=0, holiday=nights)
        if x.told == TOLD or (x.told == LISTED and lph <= small):
            change = self._change(Turn.CLEARED, x, Severity.INFO, "cleared", lph)
            return x._replace(told=UNTOLD, is_listed=x.is_listed and lph > small), (change,)
        if not x.is_listed and len(nights) >= FEWEST_NIGHTS and min(nights) > small:
            x = x._replace(told=LISTED, is_listed=True, since=at)
            return x, (self._change(Turn.RAISED, x, Severity.INFO, "always", lph),)
        return x, ()

    def _over(self, x: _State, more_lph: float) -> tuple[_State, Sequence[Change]]:
        severity = Severity.MAJOR if more_lph >= LARGE_LPH else Severity.MINOR
        turn = Turn.UPDATED if x.told else Turn.RAISED
        return x._replace(told=TOLD), (self._change(turn, x, severity, "raised", x.last, more_lph),)

    def _change(
        self, turn: Turn, x: _State, severity: Severity, why: str, lph: float, more_lph: float = 0.0
    ) -> Change:
        values = {"lph": lph, "more": more_lph, "m3_month": (more_lph or lph) * MONTH_H / 1000, "limit": x.limit}
        evidence = Evidence(x.since, tuple(self.inputs.values()), None, IN_A_ROW * HOUR_S)
        return Change(turn, severity, Delivery.DIGEST, f"{self.rule}.{why}", values, evidence)


@dataclass(frozen=True, slots=True)
class NightFlow:
    """Flags nights in which more flows than in the nights before; wherever `volume_m3` or `flow_lpm` is measured."""

    kind: ClassVar[str] = "night_flow"
    slowest_s: ClassVar[float] = 3660.0
    memory_s: ClassVar[float] = 30 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "夜间流量",
            "凌晨 2 点到 5 点几乎没人用水，还在流的多半是漏水。每晚取流量最小的一小时，和这块表自己前 21 晚的中位数比："
            "高出三倍偏差（deviations），又至少高 5 升/时（least_lph）和 1.1 个脉冲，还超过其中第二高的一晚，"
            "连续两晚就写进日报，并折算成每月多少立方米。学期和假期分开比，头十四晚只学习不报。天天整夜都流的表（冷却塔、小便池水箱）只列一次，"
            "不天天报。一小时一个读数的水表也能用，适合整栋楼；小漏水由漏水规则发现得更早。",
            "夜里或用水少时查：逐个关支阀，看水表哪一路还在走；先查水箱、冲水阀和地下管。",
            {
                "night_flow.raised": "连续两晚夜间流量偏大：每小时 {lph:.0f} 升，比平时多 {more:.0f} 升，"
                "一个月约 {m3_month:.0f} 立方米",
                "night_flow.always": "这块表整夜都在流：每小时 {lph:.0f} 升，一个月约 {m3_month:.0f} 立方米；"
                "请确认是否本该如此",
                "night_flow.cleared": "夜间流量恢复正常：每小时 {lph:.0f} 升",
                "night_flow.calm": "昨夜最小流量每小时 {lph:.0f} 升，不超过 {limit:.0f} 升（平时 {usual:.0f} 升）",
                "night_flow.over": "昨夜最小流量每小时 {lph:.0f} 升，超过 {limit:.0f} 升（平时 {usual:.0f} 升）；"
                "连续两晚才报",
                "night_flow.learning": "还要再学 {nights:.0f} 晚",
            },
        ),
        "en": Words(
            "Night flow",
            "From 02:00 to 05:00 hardly anybody draws water, and what still flows is mostly a leak. Of each night the "
            "lowest hour is held against the median of this meter's own last 21 nights: three deviations more "
            "(deviations), at least 5 L/h (least_lph) and 1.1 pulses more, and more than the second largest of them, "
            "two nights in a row, is a line in the summary, also as m3 a month. Nights of term and of holidays are "
            "compared apart, and the first 14 are only learned from. A meter that flows through every night (cooling "
            "tower, urinal cistern) is listed once and not told nightly. One reading an hour is enough, so it suits "
            "whole buildings; small leaks are found sooner by the rule for leaks.",
            "Look at night or when little is drawn: close branch valves one by one and watch which way the meter "
            "still turns; cisterns, flush valves and buried pipes first.",
            {
                "night_flow.raised": "too much flowed two nights in a row: {lph:.0f} L/h, {more:.0f} L/h more than "
                "usual, about {m3_month:.0f} m3 a month",
                "night_flow.always": "this meter flows all night: {lph:.0f} L/h, about {m3_month:.0f} m3 a month; "
                "please make sure that it should",
                "night_flow.cleared": "the night's flow is as usual again: {lph:.0f} L/h",
                "night_flow.calm": "last night's lowest flow was {lph:.0f} L/h, no more than {limit:.0f} L/h "
                "(usually {usual:.0f} L/h)",
                "night_flow.over": "last night's lowest flow was {lph:.0f} L/h, over {limit:.0f} L/h "
                "(usually {usual:.0f} L/h); it is told after two such nights",
                "night_flow.learning": "{nights:.0f} more {nights:night|nights} to learn from",
            },
        ),
    }

    deviations: float = parameter(3.0, unit="", least=1.0, most=10.0)
    least_lph: float = parameter(5.0, unit="L/h", least=0.1, most=100_000.0)
    least_pulses: float = parameter(1.1, unit="", least=0.0, most=10.0)  # one more or less is chance

    def watches(self, site: Site) -> Iterable[NightFlowWatch]:
        for meter in meters(site):
            yield self._watch(site, meter)

    def _watch(self, site: Site, meter: Meter) -> NightFlowWatch:
        return NightFlowWatch(
            key=meter.key,
            place=meter.place.id,
            inputs=meter.inputs,
            holds_s=meter.point.holds_s,
            deviations=self.deviations,
            least_lph=self.least_lph,
            least_pulses=self.least_pulses,
            hours=site.hours(meter.place.id),
        )
