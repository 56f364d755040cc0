"""Flow while closed (关门后用水): water drawn where nobody should be.

Strategy. From some patience after a place closes (cleaners, the last to leave) until it opens again, litres and the
time in which they flowed are added up; both must pass a limit, so that neither a flushed toilet nor a drip is told. A
place where people live closes only for the holidays. Some water is drawn in many closed places: urinals flush by
themselves, a kitchen begins before it opens, pupils stay at the weekend. So each stretch, a night or a day between the
hours of opening, is held against those before it of its kind: it must be more than twice their median and than their
median and four robust deviations. Until three are known, only ten times the limit is told. A stretch counts as known
whatever it drew. What was told is not told again within a fortnight unless it is twice as much. An alert ends when the
place opens, or after a day without a draw. What runs on without a pause is told sooner, by the rule for running water.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar, NamedTuple

from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter
from rules.water_meter import FLOW, VOLUME, Meter, meters

CALM_S = 86_400.0
STRETCHES, FEWEST = 14, 3  # that are remembered of each kind, and needed
LARGE = 10.0               # times the limit, to be told before that
SIGMA, DEVIATIONS = 1.4826, 4.0
NEWS_S, FACTOR = 14 * 86_400.0, 2.0
NIGHT, DAY = 0, 1          # kinds of stretch


class _State(NamedTuple):
    """`until` is when this stretch ends; `litres` in `drawn_s` are of it, the last drawn at `drew_at`.

    `known` holds the litres of the stretches before: of nights, of days. `is_whole` says that it was heard from its
    beginning; `limit_l` is what this one is held against. `told` and `told_at`: the litres told last, and when.
    """

    at: float | None = None
    value: float = 0.0
    until: float = 0.0
    closed_at: float | None = None
    litres: float = 0.0
    drawn_s: float = 0.0
    drew_at: float = 0.0
    is_raised: bool = False
    kind: int = NIGHT
    is_whole: bool = False
    limit_l: float = 0.0
    known: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    told_l: float = 0.0
    told_at: float = -NEWS_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedFlowWatch:
    """One water meter of a place that closes."""

    rule: ClassVar[str] = "closed_flow"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    limit_l: float
    least_s: float
    patience_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        (
            before, value, until, closed_at, litres, drawn_s, drew_at, is_raised, kind, is_whole, limit_l, known,
            told_l, told_at,
        ) = state  # fmt: skip
        is_register = VOLUME in values
        now = values[VOLUME if is_register else FLOW]
        if at >= until:
            return self._turned(state, at, now)
        if closed_at is None or before is None:
            return _State(
                at, now, until, closed_at, litres, drawn_s, drew_at, is_raised,
                kind, is_whole, limit_l, known, told_l, told_at,
            ), ()  # fmt: skip
        dt = at - before
        seen_s = min(dt, self.holds_s)
        more = (now - value) * 1000.0 if is_register else max(value, 0.0) * seen_s / 60.0
        if at - closed_at <= self.patience_s or more <= 0.0:
            x = _State(
                at, now, until, closed_at, litres, drawn_s, drew_at, is_raised,
                kind, is_whole, limit_l, known, told_l, told_at,
            )  # fmt: skip
            if is_raised and at - drew_at >= CALM_S:
                return x._replace(is_raised=False), (self._change(Turn.CLEARED, x),)
            return x, ()
        x = _State(
            at, now, until, closed_at, litres + more, drawn_s + seen_s, at, is_raised,
            kind, is_whole, limit_l, known, told_l, told_at,
        )  # fmt: skip
        if not is_raised and x.litres >= x.limit_l and x.drawn_s >= self.least_s:
            x = x._replace(is_raised=True, told_l=x.litres, told_at=at)
            return x, (self._change(Turn.RAISED, x),)
        return x, ()

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.closed_at is None or state.is_raised or not state.drawn_s:
            return None
        return Hold(state.closed_at, min(state.drawn_s, self.least_s), self.least_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.closed_at is None:
            return Explanation("closed_flow.open", {"closes_at": state.until})
        return Explanation("closed_flow.closed", {
            "litres": state.litres, "limit": state.limit_l, "drawn_s": state.drawn_s, "least_s": self.least_s,
        })  # fmt: skip

    def _turned(self, state: _State, at: float, now: float) -> tuple[_State, Sequence[Change]]:
        """The state after it was asked again whether the place is open: each stretch is learned from as it ends."""
        use, calendar = self.hours.use(at), self.hours.calendar
        if use.open:
            changes = (self._change(Turn.CLEARED, state),) if state.is_raised else ()
            x = _learned(state)
            return x._replace(at=at, value=now, until=use.until, closed_at=None, is_raised=False), changes
        daily = calendar.within((calendar.day,), at)
        kind, until = DAY if daily.open else NIGHT, min(use.until, daily.until)
        if state.closed_at is not None and kind == state.kind:
            return self.step(state._replace(until=until), at, {next(iter(self.inputs)): now})  # midnight
        x, closed_at = _learned(state), at if state.closed_at is None else state.closed_at
        return x._replace(
            at=at, value=now, until=until, closed_at=closed_at, kind=kind, is_whole=state.at is not None,
            limit_l=self._limit_l(x, kind, at),
        ), ()  # fmt: skip

    def _limit_l(self, x: _State, kind: int, at: float) -> float:
        """What a stretch of a kind must draw to be news, in litres."""
        known = x.known[kind]
        again = FACTOR * x.told_l if at - x.told_at < NEWS_S else 0.0
        if len(known) < FEWEST:
            return max(LARGE * self.limit_l, again)
        usual = median(known)
        deviation = SIGMA * median(abs(litres - usual) for litres in known)
        return max(self.limit_l, FACTOR * usual, usual + DEVIATIONS * deviation, again)

    def _change(self, turn: Turn, x: _State) -> Change:
        values = {"litres": x.litres, "drawn_s": x.drawn_s}
        evidence = Evidence(x.closed_at or 0.0, tuple(self.inputs.values()), None, x.drawn_s)
        return Change(turn, Severity.MINOR, Delivery.DIGEST, f"{self.rule}.{turn.value}", values, evidence)


def _learned(x: _State) -> _State:
    """The state when a stretch has ended, ready for the next one."""
    nights, days = x.known
    if x.closed_at is not None and x.is_whole:
        if x.kind == NIGHT:
            nights = (*nights, x.litres)[-STRETCHES:]
        else:
            days = (*days, x.litres)[-STRETCHES:]
    told_l = max(x.told_l, x.litres) if x.is_raised else x.told_l
    return x._replace(known=(nights, days), told_l=told_l, litres=0.0, drawn_s=0.0)


@dataclass(frozen=True, slots=True)
class ClosedFlow:
    """Flags water drawn in a closed place; wherever `volume_m3` or `flow_lpm` is measured."""

    kind: ClassVar[str] = "closed_flow"
    slowest_s: ClassVar[float] = 3660.0
    memory_s: ClassVar[float] = 15 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "关门后用水",
            "发现不该有人的时候在用水：教学楼关门后和周末、宿舍放假以后。关门半小时（patience_min）后开始算，"
            "用水满 100 升（limit_l）而且流了满 10 分钟（least_min）才写进日报，冲一次厕所不算。"
            "自动冲水箱、食堂早起做饭、周末留校的人每次都会用水，所以和这块表以前关门时的用水比（夜里和白天分开）："
            "超过平时的两倍才算；头三次还不知道平时多少，满十倍才报。报过的十四天内不重复，除非又多一倍。"
            "住人的地方只有放假才算关门。可能是有人逗留、私接水管，也可能是漏水；一直不停的流水由长流水规则更快报警。没有读数的时间不算流水时间。",
            "问一下门卫和保洁有没有人用水；没有人就到现场查阀门和管道。",
            {
                "closed_flow.raised": "关门以后用了约 {litres:.0f} 升水，流了 {drawn_s}",
                "closed_flow.cleared": "关门期间的用水到此为止",
                "closed_flow.open": "现在开门，不算；{closes_at} 再看",
                "closed_flow.closed": "已关门，用了约 {litres:.0f} 升、流了 {drawn_s}；"
                "满 {limit:.0f} 升和 {least_s}才报",
            },
        ),
        "en": Words(
            "Flow while closed",
            "Finds water drawn when nobody should be there: in a school building after closing and at weekends, in a "
            "dormitory in the holidays. From half an hour after closing (patience_min) on, 100 L (limit_l) that took "
            "10 min (least_min) to flow become a line in the summary; a flushed toilet does not. Where people live "
            "only the holidays count. Urinals that flush by themselves, a kitchen that begins early and pupils who "
            "stay draw water each time, so it must be twice what this meter usually draws while closed (nights and "
            "days apart), and ten times the limit until three such stretches are known. What was told is not told "
            "again within a fortnight unless it is twice as much. Somebody stayed, tapped the pipe, or it leaks; what "
            "never pauses is told sooner by the rule for running water. Time without readings is no time of flow.",
            "Ask the gatekeeper and the cleaners who drew water; if nobody did, look at valves and pipes.",
            {
                "closed_flow.raised": "about {litres:.0f} L were drawn after closing, in {drawn_s}",
                "closed_flow.cleared": "no more water is drawn while closed",
                "closed_flow.open": "open now, so nothing counts; looked at again at {closes_at}",
                "closed_flow.closed": "closed; about {litres:.0f} L in {drawn_s} so far, told at {limit:.0f} L and "
                "{least_s}",
            },
        ),
    }

    limit_l: float = parameter(100.0, unit="L", least=1.0, most=1e6)
    least_min: float = parameter(10.0, unit="min", least=0.0, most=1440.0)
    patience_min: float = parameter(30.0, unit="min", least=0.0, most=720.0)

    def watches(self, site: Site) -> Iterable[ClosedFlowWatch]:
        for meter in meters(site):
            yield self._watch(site, meter)

    def _watch(self, site: Site, meter: Meter) -> ClosedFlowWatch:
        return ClosedFlowWatch(
            key=meter.key,
            place=meter.place.id,
            inputs=meter.inputs,
            holds_s=meter.point.holds_s,
            limit_l=self.limit_l,
            least_s=self.least_min * 60,
            patience_s=self.patience_min * 60,
            hours=site.hours(meter.place.id),
        )
