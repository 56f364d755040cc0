"""A leak (漏水): water that never stands still for long, by day or night.

Strategy. A leak of q L/h at a meter of p litres a pulse leaves no gap longer than 60 p/q minutes; people leave longer
ones: the more they are, the shorter. So the longest still gap of a day is held against G = 1.3 x 60 p/q, with the
smallest q that the number of people behind the meter lets one tell (simulated for 4, 30, 120 and 600 people, see
`LEAST_LPH`). A dripping cistern gives its water by refills, which are as good as pulses of a few litres (`REFILL_L`).
A gap is what readings prove: from one that shows a draw to the last that shows none after it. Time that nobody heard
counts neither way. After a day without a gap it is suspected, after two it is told; rings of 24 hours keep the longest
gap and the litres of each, for people and for the rate, which is that of the lowest hour. Of a whole building it is
told only if its meter used to stand still: who knows how many people are behind it.

The same few pulses at once, again and again after the same time of stillness, are a cistern that fills by itself: a
line in the summary, and no page. What was told and comes back within a fortnight at no more than twice the rate is no
news: it is kept as a record, after some days of calm as a line in the summary, and nobody is paged again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.calendar import Span
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter
from rules.water_meter import FLOW, VOLUME, Group, Meter, Pulse, learned, meters

HOUR_S, RING = 3600.0, 24
LEAST_HEARD = 0.9  # of an hour, for it to stand in the rings
WORKING_HOURS = Span(8 * 60, 18 * 60)  # a leak of two days can wait for the plumber's morning
PULSES_L = (2.0, 20.0, 200.0)          # up to which pulse each column of the table holds
LEAST_LPH: Mapping[Group, tuple[float, ...]] = {  # the smallest leak to tell, in L/h; none: the pulse is too coarse
    Group.ROOM: (10.0, 10.0, 60.0),
    Group.CORRIDOR: (10.0, 20.0, 360.0),
    Group.FLOOR: (20.0, 60.0, 360.0),
    Group.BUILDING: (20.0,),
}
REFILL_L: Mapping[Group, float] = {Group.ROOM: 6.0, Group.CORRIDOR: 3.0, Group.FLOOR: 2.0, Group.BUILDING: 1.0}
USUAL_SHARE = 0.05  # of the hours: a building must have stood still as often before it is said to leak
USUAL_HOURS = 168   # over which that is counted, fading
SHOWN_S = 12 * HOUR_S  # a hold that is worth showing
MONTH_H = 730.0
NEWS_S, NEWS_FACTOR = 14 * 86_400.0, 2.0  # the same again is no news for so long, up to so many times the rate
CALM_S = 3 * 86_400.0  # after which it may be another one
BEAT_S = 90.0       # that two fillings of a cistern may differ in time, at a reading a minute
BEAT_L = 0.15       # and in litres, besides a pulse
FILL_PULSES = 4.0   # that a filling has at least: a leak gives them one by one
STILL_READINGS = 2.5  # readings from the last draw to the next, at least
BEATS = 6           # in a row are a cistern
BEATS_S = 26 * HOUR_S  # and how long that is believed: each night shows it anew

UNTOLD, SUSPECTED, TOLD = 0, 1, 2
NEVER = (-1e12, -1e12, 0.0)


class _Beat(NamedTuple):
    """The draw from `since` until `until`, of so many litres; the one before it, and how many in a row were alike.

    `at` is when they were `BEATS` last.
    """

    since: float = 0.0
    litres: float = 0.0
    apart_s: float = 0.0
    fill_l: float = 0.0
    times: int = 0
    at: float = -1e12
    until: float = 0.0


class _State(NamedTuple):
    """`value` is the last register or flow, `long_s` the gap to look for (0: the pulse is not known, or too coarse).

    The running gap began at `drew_at`; the last long one ended at `long_at`, put later by all that was not heard since.
    `gap`, `litres` and `heard_s` are of this hour, `gaps` and `drawn` of those before it. `news` says when it was last
    told, when it was last paged, and at which rate (L/h).
    """

    at: float | None = None
    value: float = 0.0
    drew_at: float = 0.0
    long_at: float = 0.0
    long_s: float = 0.0
    hour: int = 0
    gap: float = 0.0
    litres: float = 0.0
    heard_s: float = 0.0
    gaps: tuple[float, ...] = ()
    drawn: tuple[float, ...] = ()
    pulse: tuple[float, float, int] = Pulse()
    share: float = 0.0
    told: int = UNTOLD
    beat: tuple[float, float, float, float, int, float, float] = _Beat()
    news: tuple[float, float, float] = NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakWatch:
    """One water meter; `least_lph` by the columns of `PULSES_L`."""

    rule: ClassVar[str] = "leak"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    still_lpm: float
    least_lph: tuple[float, ...]
    refill_l: float
    gap_factor: float
    usual_share: float
    suspect_s: float
    alarm_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        (
            before, value, drew_at, long_at, long_s, hour, gap, litres, heard_s, gaps, drawn, pulse, share, told,
            beat, news,
        ) = state  # fmt: skip
        is_register = VOLUME in values
        now = values[VOLUME if is_register else FLOW]
        if before is None:
            return _State(at, now, at, at, hour=int(at // HOUR_S)), ()
        heard = dt = at - before
        if is_register:
            drew_l, is_still = (now - value) * 1000.0, now <= value
            still_until = at  # a register that stands still says so for all the time since its last reading
            if not is_still and dt > self.holds_s:
                heard = 0.0
        else:
            heard = min(dt, self.holds_s)
            drew_l, is_still = max(value, 0.0) * heard / 60.0, value < self.still_lpm
            still_until = before + heard
        stood_s = still_until - drew_at if is_still else 0.0
        if stood_s > gap:
            gap = stood_s
        if not is_still or (not is_register and (now >= self.still_lpm or heard < dt)):
            drew_at = at
        if drew_l > 0.0:
            litres += drew_l
            beat = _beaten(beat, at, dt, drew_l, pulse[0])
            known = learned(pulse, drew_l)
            if known is not pulse:
                pulse, long_s = known, self._long_s(known[0])
        heard_s += heard
        if at // HOUR_S != hour:
            if heard_s >= LEAST_HEARD * HOUR_S:
                share += ((gap >= long_s > 0.0) - share) / USUAL_HOURS
                gaps, drawn = (*gaps, gap)[-RING:], (*drawn, litres * HOUR_S / heard_s)[-RING:]
            hour, gap, litres, heard_s = int(at // HOUR_S), 0.0, 0.0, 0.0
        long_at = still_until if stood_s >= long_s else long_at + dt - heard
        x = _State(
            at, now, drew_at, long_at, long_s, hour, gap, litres, heard_s, gaps, drawn, pulse, share, told,
            beat, news,
        )  # fmt: skip
        if told:
            return self._told(x, stood_s)
        is_due = at - long_at >= self.suspect_s and long_s and share >= self.usual_share
        return self._suspected(x) if is_due else (x, ())

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        tight_s = 0.0 if state.at is None else state.at - state.long_at
        if state.told == TOLD or not state.long_s or tight_s < SHOWN_S:
            return None
        needed_s = self.alarm_s if state.told else self.suspect_s
        return Hold(state.long_at, min(tight_s, needed_s), needed_s)

    def explain(self, state: _State, at: float) -> Explanation:
        pulse = state.pulse[0]
        if state.at is None or not pulse:
            return Explanation("leak.learning", {})
        if not state.long_s:
            return Explanation("leak.coarse", {"pulse": pulse})
        if state.share < self.usual_share:
            return Explanation("leak.unusual", {"limit_s": state.long_s})
        tight_s = state.at - state.long_at
        if tight_s <= state.long_s:
            return Explanation("leak.calm", {"gap_s": self._longest(state), "limit_s": state.long_s})
        return Explanation("leak.tight", {"limit_s": state.long_s, "tight_s": tight_s, "needed_s": self.suspect_s})

    def _long_s(self, pulse: float) -> float:
        """The gap that no leak worth telling leaves, in seconds; 0 where the pulse is too coarse to tell."""
        for most, lph in zip(PULSES_L, self.least_lph, strict=False):
            if 0.0 < pulse <= most:
                return self.gap_factor * HOUR_S * max(pulse, self.refill_l) / lph
        return 0.0

    def _suspected(self, x: _State) -> tuple[_State, Sequence[Change]]:
        at, rate = x.at or 0.0, _rate(x)
        told_at, paged_at, lph = x.news
        is_more = rate > NEWS_FACTOR * lph
        is_news = is_more or at - told_at >= NEWS_S
        news = at, NEVER[1] if is_news else paged_at, rate if is_news else lph
        x = x._replace(told=SUSPECTED, news=news)
        delivery = Delivery.DIGEST if is_news or at - told_at >= CALM_S else Delivery.RECORD
        why = "cistern" if _is_cistern(x, at) else "raised"
        return x, (self._change(Turn.RAISED, x, Severity.MINOR, delivery, why),)

    def _told(self, x: _State, stood_s: float) -> tuple[_State, Sequence[Change]]:
        """The state after the suspicion was told: it ends with a long gap, and grows with time."""
        severity = Severity.MAJOR if x.told == TOLD else Severity.MINOR
        at = x.at or 0.0
        told_at, paged_at, lph = x.news
        if stood_s >= x.long_s:
            change = self._change(Turn.CLEARED, x, severity, Delivery.DIGEST, "cleared")
            return x._replace(told=UNTOLD, news=(at, paged_at, lph)), (change,)
        is_due = x.told == SUSPECTED and at - x.long_at >= self.alarm_s
        if not is_due or _is_cistern(x, at) or not WORKING_HOURS.holds(self.hours.calendar.minute(at)):
            return x, ()
        rate = _rate(x)
        pages = paged_at == NEVER[1] or rate > NEWS_FACTOR * lph
        x = x._replace(told=TOLD, news=(told_at, at, rate) if pages else x.news)
        delivery = Delivery.PAGE if pages else Delivery.RECORD
        return x, (self._change(Turn.UPDATED, x, Severity.MAJOR, delivery, "updated"),)

    def _longest(self, x: _State) -> float:
        return max((*x.gaps, x.gap))

    def _change(self, turn: Turn, x: _State, severity: Severity, delivery: Delivery, why: str) -> Change:
        lph = _rate(x)
        at = x.at or 0.0
        values = {"lph": lph, "m3_month": lph * MONTH_H / 1000, "gap_s": self._longest(x), "limit_s": x.long_s}
        evidence = Evidence(x.long_at, tuple(self.inputs.values()), None, at - x.long_at)
        return Change(turn, severity, delivery, f"{self.rule}.{why}", values, evidence)


def _beaten(
    beat: tuple[float, float, float, float, int, float, float], at: float, dt: float, drew_l: float, pulse: float
) -> tuple[float, float, float, float, int, float, float]:
    """The beat after a draw; after two still readings a new one begins, and that one is held against the one before."""
    since, litres, apart_s, fill_l, times, seen_at, until = beat
    if at - until < STILL_READINGS * dt:
        return _Beat(since, litres + drew_l, apart_s, fill_l, times, seen_at, at)
    is_fill = 0.0 < FILL_PULSES * pulse <= litres
    is_alike = is_fill and abs(litres - fill_l) <= BEAT_L * fill_l + pulse and abs(at - since - apart_s) <= BEAT_S
    times = times + 1 if is_alike else 0
    return _Beat(at, drew_l, at - since, litres, times, at if times >= BEATS else seen_at, at)


def _rate(x: _State) -> float:
    """The L/h of the lowest whole hour since the last long gap."""
    hours = int(((x.at or 0.0) - x.long_at) // HOUR_S) - 1
    return min(x.drawn[-max(1, hours) :], default=0.0)


def _is_cistern(x: _State, at: float) -> bool:
    return at - x.beat[5] < BEATS_S


@dataclass(frozen=True, slots=True)
class Leak:
    """Flags a meter that never stands still for long; wherever `volume_m3` or `flow_lpm` is measured."""

    kind: ClassVar[str] = "leak"
    slowest_s: ClassVar[float] = 300.0  # gaps of minutes must show
    memory_s: ClassVar[float] = 15 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "漏水",
            "发现昼夜不停的小漏水。漏水的水表停不了多久：每脉冲 1 升、每小时漏 20 升，最多停 3 分钟；有人用水的地方"
            "总会停更久。一整天（suspect_h）找不到够长的停顿就记入日报，满两天（alarm_h）在上班时间通知维修。"
            "多长算长，"
            "由水表每脉冲的升数（自动学会）和表后人数决定：房间能看出每小时 10 升，走廊 10 升，宿舍一层 20 升；"
            "脉冲越粗，能看出的漏水越大，整栋楼要 1 升脉冲的表。一阵一阵补水的水箱也能发现，只要补水够勤。"
            "每次隔同样久、进同样多的水是自动冲水箱，只记日报，不通知。没有读数的时间不算。"
            "报过的漏水十四天内又出现，每小时不到原来两倍的，只作记录（隔了三天以上的写进日报），不再通知。",
            "找漏点：先看马桶水箱和水龙头，再关支阀看水表停不停；一时修不好就关支阀。",
            {
                "leak.raised": "一整天没有停过 {limit_s}以上，最长只停 {gap_s}；可能漏水，每小时约 {lph:.0f} 升",
                "leak.cistern": "一整天没有停过 {limit_s}以上，每次隔同样久、进同样多的水，每小时约 {lph:.0f} 升："
                "是自动冲水箱，或马桶水箱关不严；请确认是否本该如此",
                "leak.updated": "两天没有停过 {limit_s}以上；漏水每小时约 {lph:.0f} 升，一个月 {m3_month:.1f} 立方米",
                "leak.cleared": "水表停了 {limit_s}以上，不再漏水",
                "leak.calm": "不漏：最近一天最长停了 {gap_s}，停够 {limit_s}就不算漏水",
                "leak.tight": "已有 {tight_s}没停够 {limit_s}，满 {needed_s}才报",
                "leak.unusual": "这块表平时就很少停够 {limit_s}，看不出是不是漏水；由夜间流量规则来管",
                "leak.learning": "还不知道水表每脉冲多少升，要再用几次水",
                "leak.coarse": "每脉冲 {pulse:.0f} 升，对表后这么多人太粗，看不出漏水；由夜间流量规则来管",
            },
        ),
        "en": Words(
            "Leak",
            "Finds small leaks that run day and night. A leak never lets the meter stand still for long: 20 L/h at 1 L "
            "a pulse leaves three minutes at most, and people leave longer gaps. A day (suspect_h) without a gap that "
            "is long enough is a line in the summary, two days (alarm_h) are told to the plumber in working hours. How "
            "long is long enough follows from the litres a pulse (learned) and the people behind the meter: 10 L/h can "
            "be told in a room or a corridor, 20 L/h on a floor of a dormitory; a coarser pulse shows larger leaks "
            "only, and a whole building needs 1 L. A cistern that refills now and then is found if it does so often "
            "enough; one that takes the same each time after the same pause is automatic and only a line in the "
            "summary. A leak that was told and comes back within a fortnight, at less than twice the rate, is kept "
            "as a record, after three days of calm as a line in the summary, and pages nobody again. Time without "
            "readings counts neither way.",
            "Find the leak: cisterns and taps first, then close branch valves and watch the meter; if it cannot be "
            "mended at once, leave the branch valve closed.",
            {
                "leak.raised": "no gap of {limit_s} for a day, {gap_s} at most; perhaps a leak of about {lph:.0f} L/h",
                "leak.cistern": "no gap of {limit_s} for a day, but the same amount each time after the same pause, "
                "about {lph:.0f} L/h: an automatic cistern, or one that does not close; please make sure which",
                "leak.updated": "no gap of {limit_s} for two days; a leak of about {lph:.0f} L/h, "
                "{m3_month:.1f} m3 a month",
                "leak.cleared": "the meter has stood still for {limit_s}: no leak any more",
                "leak.calm": "no leak: the longest gap of the last day was {gap_s}, and {limit_s} is enough",
                "leak.tight": "no gap of {limit_s} for {tight_s}; told after {needed_s}",
                "leak.unusual": "this meter hardly ever stands still for {limit_s} anyway, so a leak cannot be told; "
                "the rule for night flow looks after it",
                "leak.learning": "the litres a pulse are not known yet: a few more draws are needed",
                "leak.coarse": "a pulse of {pulse:.0f} L is too coarse for the people behind this meter; "
                "the rule for night flow looks after it",
            },
        ),
    }

    gap_factor: float = parameter(1.3, unit="", least=1.0, most=5.0)
    suspect_h: float = parameter(23.0, unit="h", least=6.0, most=192.0)
    alarm_h: float = parameter(48.0, unit="h", least=6.0, most=336.0)

    def watches(self, site: Site) -> Iterable[LeakWatch]:
        for meter in meters(site):
            yield self._watch(site, meter)

    def _watch(self, site: Site, meter: Meter) -> LeakWatch:
        least_lph = LEAST_LPH[meter.group]
        return LeakWatch(
            key=meter.key,
            place=meter.place.id,
            inputs=meter.inputs,
            holds_s=meter.point.holds_s,
            still_lpm=least_lph[0] / 60 / 2,
            least_lph=least_lph,
            refill_l=REFILL_L[meter.group],
            gap_factor=self.gap_factor,
            usual_share=USUAL_SHARE if meter.group is Group.BUILDING else 0.0,
            suspect_s=self.suspect_h * HOUR_S,
            alarm_s=self.alarm_h * HOUR_S,
            hours=site.hours(meter.place.id),
        )
