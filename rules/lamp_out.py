"""Lamp out (灯管坏): a lit circuit draws one lamp less than it used to.

Strategy. Rows are switched one by one, so the level of a moment means little; but on most days all lamps burn at some
time. So each day has one figure: its highest level that held for a quarter of an hour (the median of its readings, so
that inrush, voltage dips and single wrong readings do not count), begun after warm-up. The median of the last lit days
is what the circuit normally draws. A lamp is out when several lit days in a row agree with each other and lie below
that by a lamp: by `lamp_w` where it is known, else by a clear share, and by several times what days usually differ. A
drop too large for a few lamps is a row that nobody switches on. A slow fall, as of voltage or ageing, moves the median
along. While an alert is open the days stay as they were, until half of what was missing is back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import ClassVar, NamedTuple

from rules.hours import Hours
from rules.lamps import LIGHTING, POWER
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

WARM_UP_S = 900.0
READ_S = 55.0           # one reading a minute is enough
WINDOW_S = 900.0
LEAST_READINGS = 4
DAYS_KEPT, DAYS_NEEDED = 21, 7
AGREE_SHARE = 0.02      # of the level: the days after the drop lie this close together
LEAST_SHARE = 0.03      # a smaller drop is not told from voltage
MOST_SHARE = 0.30       # a larger one may be a row of lamps
SPREADS = 4.0           # times the usual distance of a day from the norm
DAY_S = 86_400.0
LAMP_PART = 0.6         # of a lamp
BACK_PART = 0.5         # of what was missing


class _State(NamedTuple):
    """`lit_at` is since when it is lit, `window` (begin, readings), `top` the highest level of day number `day`.

    `days` are the levels of the last lit days before it. While an alert is open `norm` is what it should draw, and
    `line` from where on it is mended.
    """

    next_at: float = 0.0
    heard_at: float = 0.0
    lit_at: float = 0.0
    begin: float = 0.0
    window: tuple[float, ...] = ()
    day: int = 0
    top: float = 0.0
    days: tuple[float, ...] = ()
    since: float = 0.0
    norm: float | None = None
    line: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LampOutWatch:
    """One lighting circuit; `lamp_w` is infinite where the power of a lamp is not known."""

    rule: ClassVar[str] = "lamp_out"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    on_w: float
    lamp_w: float
    days_out: int
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        watts = values[POWER]
        if at < state[0] or (watts < self.on_w and not state[2]):
            return state, ()
        _, heard_at, lit_at, begin, window, day, top, days, since, norm, line = state
        if watts < self.on_w:
            return _State(at, at, 0.0, 0.0, (), day, top, days, since, norm, line), ()
        if not lit_at or at - heard_at > max(self.holds_s, READ_S * 2):  # just switched on, or after a gap
            return _State(at + READ_S, at, at, at + WARM_UP_S, (), day, top, days, since, norm, line), ()
        if at < begin:
            return _State(at + READ_S, at, lit_at, begin, (), day, top, days, since, norm, line), ()
        window = (*window, watts)
        if at - begin < WINDOW_S or len(window) < LEAST_READINGS:
            return _State(at + READ_S, at, lit_at, begin, window, day, top, days, since, norm, line), ()
        level, today = median(window), self.hours.calendar.local(at).toordinal()
        x = _State(at + READ_S, at, lit_at, at, (), day, top, days, since, norm, line)
        if today == day:
            return (x._replace(top=level) if level > top else x), ()
        x = x._replace(day=today, top=level)
        return self._judged(x, day, top, at) if day else (x, ())

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        """The newest days, this one as far as it is known, that lie lower together."""
        if state.norm is not None or not state.day:
            return None
        days = (*state.days, state.top)[-DAYS_KEPT:]
        count = next((count for count in range(self.days_out, 0, -1) if self._dropped(days, count)), 0)
        return Hold(self._since(state.day, count), count * DAY_S, self.days_out * DAY_S) if count else None

    def explain(self, state: _State, at: float) -> Explanation:
        if len(state.days) < DAYS_NEEDED + self.days_out:
            more = DAYS_NEEDED + self.days_out - len(state.days)
            return Explanation(f"{self.rule}.learning", {"days": float(more)})
        norm, spread = self._norm(state.days, self.days_out)
        norm = state.norm or norm
        values = {"watts": state.days[-1], "norm": norm, "missing": self._least(norm, spread)}
        return Explanation(f"{self.rule}.open" if state.norm else f"{self.rule}.compared", values)

    def _norm(self, days: Sequence[float], count: int) -> tuple[float, float]:
        """The median of the days before the newest `count`, and the usual distance from it."""
        before = days[:-count]
        norm = median(before)
        return norm, median(abs(level - norm) for level in before)

    def _least(self, norm: float, spread: float) -> float:
        """The least drop that is a lamp, in W."""
        lamp = self.lamp_w * LAMP_PART if self.lamp_w < float("inf") else LEAST_SHARE * norm
        return max(lamp, SPREADS * spread)

    def _since(self, day: int, count: int) -> float:
        """The beginning of the first of so many days that end with this one."""
        return self.hours.calendar.at_minute(date.fromordinal(day - count + 1), 0)

    def _dropped(self, days: Sequence[float], count: int) -> tuple[float, float] | None:
        """The norm, and the level of the newest days if these are a lamp lower."""
        if len(days) < DAYS_NEEDED + count:
            return None
        norm, spread = self._norm(days, count)
        newest = days[-count:]
        level, least = median(newest), self._least(norm, spread)
        agrees = max(newest) - min(newest) <= max(AGREE_SHARE * level, SPREADS * spread)
        is_drop = agrees and norm - max(newest) >= least and norm - level <= MOST_SHARE * norm
        return (norm, level) if is_drop else None

    def _judged(self, x: _State, day: int, level: float, at: float) -> tuple[_State, Sequence[Change]]:
        """The state when another lit day is complete, with its number and level."""
        if x.norm is not None and level < x.line:
            return x, ()
        if x.norm is not None:
            change = self._change(Turn.CLEARED, x, x.norm, level, at)
            return x._replace(norm=None, days=(*x.days[: -self.days_out], level)), (change,)
        x = x._replace(days=(*x.days, level)[-DAYS_KEPT:])
        dropped = self._dropped(x.days, self.days_out)
        if dropped is None:
            return x, ()
        norm, level = dropped
        x = x._replace(norm=norm, line=norm - BACK_PART * (norm - level), since=self._since(day, self.days_out))
        return x, (self._change(Turn.RAISED, x, norm, level, at),)

    def _change(self, turn: Turn, x: _State, norm: float, level: float, at: float) -> Change:
        values: dict[str, float | str] = {"watts": level, "norm": norm, "missing": norm - level}
        why = f"{self.rule}.{turn.value}"
        if turn is Turn.RAISED and self.lamp_w < float("inf"):
            values["lamps"] = float(max(1, round((norm - level) / self.lamp_w)))
            why = f"{self.rule}.raised_lamps"
        evidence = Evidence(x.since or at, tuple(self.inputs.values()), x.line)
        return Change(turn, Severity.MINOR, Delivery.DIGEST, why, values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class LampOut:
    """Flags a circuit with a dead lamp; where the power of lighting circuits is measured."""

    kind: ClassVar[str] = "lamp_out"
    slowest_s: ClassVar[float] = 240.0  # a quarter of an hour must hold four readings
    memory_s: ClassVar[float] = 30 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "灯管坏",
            "照明回路全开时的功率比平时少了一盏灯。每个开灯的日子取一个数：开灯 15 分钟预热之后，任一刻钟里功率中位数"
            "的最大值。平时的数是此前 7 到 21 个开灯日的中位数；连续 3 天（days_out）彼此一致，又比平时低一盏灯（"
            "lamp_w 写明每盏几瓦；不写就按少 3% 以上，并且是平时波动的 4 倍），就在汇总里记一行。少了三成以上当作有一"
            "排灯没开。局限：灯很多又不写 lamp_w 时，一盏灯可能不到 3%；一起慢慢变暗看不出。",
            "数一数不亮的灯，换灯管或驱动电源。",
            {
                "lamp_out.raised": "灯全开时只有 {watts:.0f} 瓦，平时 {norm:.0f} 瓦，少 {missing:.0f} 瓦，可能有灯坏"
                "了",
                "lamp_out.raised_lamps": "灯全开时只有 {watts:.0f} 瓦，平时 {norm:.0f} 瓦，约坏了 {lamps:.0f} 盏",
                "lamp_out.cleared": "功率已恢复到 {watts:.0f} 瓦（平时 {norm:.0f} 瓦）",
                "lamp_out.learning": "还要 {days:.0f} 个开灯的日子才知道平时的功率",
                "lamp_out.compared": "上一个开灯日最高 {watts:.0f} 瓦，平时 {norm:.0f} 瓦，少 {missing:.0f} 瓦以上才"
                "报",
                "lamp_out.open": "已报：上一个开灯日最高 {watts:.0f} 瓦，平时 {norm:.0f} 瓦（少 {missing:.0f} 瓦即"
                "报）",
            },
        ),
        "en": Words(
            "Lamp out",
            "A lighting circuit with all lamps on draws one lamp less than it used to. Each lit day gives one "
            "figure: the highest median power of any quarter of an hour, after 15 min of warm-up. What is normal is "
            "the median of the 7 to 21 lit days before. When 3 days in a row (days_out) agree and lie below that by "
            "a lamp (lamp_w names its watts; without it by 3 % and four times the usual distance of the days), one "
            "line stands in the summary. Three tenths less is taken for a row that nobody switched on. Limits: on a "
            "circuit of many lamps without lamp_w one lamp may be less than 3 %; lamps that fade together are not "
            "seen.",
            "Count the dark lamps; replace the tube or its driver.",
            {
                "lamp_out.raised": "with all lamps on only {watts:.0f} W instead of {norm:.0f} W: {missing:.0f} W "
                "less, a lamp may be out",
                "lamp_out.raised_lamps": "with all lamps on only {watts:.0f} W instead of {norm:.0f} W: about "
                "{lamps:.0f} {lamps:lamp is|lamps are} out",
                "lamp_out.cleared": "back to {watts:.0f} W (normally {norm:.0f} W)",
                "lamp_out.learning": "needs {days:.0f} more lit {days:day|days} to know what is normal",
                "lamp_out.compared": "at most {watts:.0f} W on the last lit day, normally {norm:.0f} W, raised from "
                "{missing:.0f} W less",
                "lamp_out.open": "raised: at most {watts:.0f} W on the last lit day, normally {norm:.0f} W (raised "
                "from {missing:.0f} W less)",
            },
        ),
    }

    lamp_w: float = parameter(float("inf"), unit="W", least=1.0, most=2000.0)
    on_w: float = parameter(15.0, unit="W", least=1.0, most=100_000.0)
    days_out: int = parameter(3, unit="d", least=1, most=14)

    def watches(self, site: Site) -> Iterable[LampOutWatch]:
        for place in site.places.values():
            for point in site.points_at(place.id):
                if point.quantity == "power_w" and point.part == LIGHTING:
                    yield self._watch(site, place, point)

    def _watch(self, site: Site, place: Place, point: Point) -> LampOutWatch:
        return LampOutWatch(
            key=point.id.removesuffix("/power_w"),
            place=place.id,
            inputs={POWER: point.id},
            holds_s=point.holds_s,
            on_w=self.on_w,
            lamp_w=self.lamp_w,
            days_out=self.days_out,
            hours=site.hours(place.id),
        )
