"""A burst (爆管): far more water than this meter ever draws at this hour of the week.

Strategy. Flow is judged by means of five minutes. A profile of the 168 hours of the week keeps the largest, which
shrinks by a tenth a week, and the mean of the hour. Ten minutes over one and a half times the largest of the hour and
its neighbours on all days, and over a fifth of the meter's rated flow Q3, are a burst; few people follow no hours, so
theirs are held against the largest of the whole week and half of Q3. What is less, but lasts, is found by a one-sided
CUSUM of quarters of an hour: deviations from the profile's mean, in units of their usual size and cut off so that no
single one can raise, are summed as far as they exceed 0.5, and told at 8: for whole buildings. In holidays there is no
profile: any five minutes over 5 L/min are told. Hours in which something was wrong are not learned from, nor are
holidays. Right after a planned power cut cisterns fill: what flows then is no burst.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any, ClassVar, NamedTuple

from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter
from rules.water_meter import FLOW, VOLUME, Group, Meter, Pulse, learned, meters

BIN_S, HOUR_S, DAY_S = 300.0, 3600.0, 86_400.0
WEEK = 168
LEARN_S = 7 * DAY_S        # before a profile is believed
STEADY_S = 14 * DAY_S      # before its means are
KEEP = 0.9                 # of the largest, from week to week
RATE = 0.25                # of the means
PULSES = 2.0               # in five minutes, or it may be one draw
CUT, SLACK, TOLD_AT = 4.0, 0.5, 8.0
QUARTER = 3                # bins
CALM_BINS = 3
CALM_SHARE = 0.8             # of the limit, for a burst to end
JITTER_S = 15.0
LEAST_BINS = 6               # of twelve, for an hour to be learned from
STATED_M3H: Mapping[Group, float] = {  # Q3 where none is given
    Group.ROOM: 2.5, Group.CORRIDOR: 4.0, Group.FLOOR: 10.0, Group.BUILDING: 10.0,
}  # fmt: skip
MANY = frozenset({Group.FLOOR, Group.BUILDING})  # whose week has a shape

UNTOLD, MORE, BURST = 0, 1, 2
UNSEEN = -1.0
UNKNOWN = 1e9  # L/min


class _Hour(NamedTuple):
    """The running hour: its slot of the week, what is known of it, and its bins so far."""

    slot: int = 0
    until: float = 0.0
    is_term: bool = True
    limit: float = UNKNOWN  # of the means of five minutes
    mean: float = UNSEEN
    usual: float = 0.0   # mean of the whole profile
    bins: int = 0
    total: float = 0.0
    top: float = 0.0


class _Profile(NamedTuple):
    """168 largest and 168 mean flows; `spread` is the mean square of a quarter's deviation, against its mean."""

    tops: tuple[float, ...] = (UNSEEN,) * WEEK
    means: tuple[float, ...] = (UNSEEN,) * WEEK
    learned_s: float = 0.0
    spread: float = 1.0


class _Alert(NamedTuple):
    """`over` bins over the limit, `calm` ones at or under `line` since it was told, the running sum, the last mean."""

    told: int = UNTOLD
    since: float = 0.0
    line: float = 0.0
    over: int = 0
    calm: int = 0
    cusum: float = 0.0
    lpm: float = 0.0


class _State(NamedTuple):
    """A bin runs from `since` to `ends`, with `begun` litres at its start; JSON brings the rest back as tuples."""

    at: float | None = None
    flow: float = 0.0
    litres: float = 0.0
    since: float = 0.0
    begun: float = 0.0
    ends: float = 0.0
    quarter: tuple[float, ...] = ()
    hour: tuple[Any, ...] = _Hour()
    profile: tuple[Any, ...] = _Profile()
    alert: tuple[Any, ...] = _Alert()
    pulse: tuple[float, float, int] = Pulse()


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstWatch:
    """One water meter; `is_many` says whether its week has a shape, `sums` whether that bears a CUSUM."""

    rule: ClassVar[str] = "burst"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    share_lpm: float
    profile_factor: float
    empty_lpm: float
    hold_s: float
    is_many: bool
    sums: bool
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        before, flow, litres, since, begun, ends, quarter, hour, profile, alert, pulse = state
        is_gap = before is None or at - before > self.holds_s
        if VOLUME in values:
            now = values[VOLUME] * 1000.0
            drew, litres = now - litres, now
            is_gap = before is None or at - since > BIN_S + self.holds_s  # the register bridges what was missed
        else:
            drew = 0.0 if is_gap else max(flow, 0.0) * (at - (before or at)) / 60.0
            flow, litres = values[FLOW], litres + drew
        if drew > 0.0 and not is_gap:
            pulse = learned(pulse, drew)
        if is_gap:
            x = _State(at, flow, litres, at, litres, _bin_end(at), (), hour, profile, alert, pulse)
            return x._replace(alert=tuple(_Alert(*alert)._replace(over=0))), ()
        if at < ends:
            return _State(at, flow, litres, since, begun, ends, quarter, hour, profile, alert, pulse), ()
        lpm = (litres - begun) / (at - since) * 60.0
        x = _State(at, flow, litres, at, litres, _bin_end(at), (*quarter, lpm), hour, profile, alert, pulse)
        return self._judged(self._in_hour(x, at), lpm, since)

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        alert = _Alert(*state.alert)
        if alert.told == BURST or not alert.over:
            return None
        held_s = alert.over * BIN_S
        return Hold(state.since - held_s, min(held_s, self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        alert, hour, profile = _Alert(*state.alert), _Hour(*state.hour), _Profile(*state.profile)
        if not hour.is_term:
            return Explanation("burst.watched_empty", {"lpm": alert.lpm, "limit": self.empty_lpm})
        if profile.learned_s < LEARN_S:
            return Explanation("burst.learning", {"left_s": LEARN_S - profile.learned_s})
        values = {"lpm": alert.lpm, "limit": hour.limit, "sum": alert.cusum, "told": TOLD_AT}
        return Explanation("burst.calm" if alert.told == UNTOLD else "burst.still", values)

    # -- the profile

    def _in_hour(self, x: _State, at: float) -> _State:
        """The state in its hour of the week; an hour that ended is learned from."""
        hour = _Hour(*x.hour)
        if at < hour.until:
            return x
        profile = _Profile(*x.profile)
        if hour.is_term and hour.bins >= LEAST_BINS:
            profile = _taught(profile, hour)
        calendar = self.hours.calendar
        local, term = calendar.local(at), self.hours.term(at)
        slot = calendar.weekday(local.date()) * 24 + local.hour
        limit = self.share_lpm
        if term.open:
            near = max(_near(profile.tops, slot)) if self.is_many else max(profile.tops)
            limit = max(limit, self.profile_factor * near) if profile.learned_s >= LEARN_S else UNKNOWN
        seen = [mean for mean in profile.means if mean != UNSEEN]
        usual = sum(seen) / len(seen) if seen else 0.0
        new = _Hour(slot, (at // HOUR_S + 1) * HOUR_S, term.open, limit, profile.means[slot], usual)
        return x._replace(hour=tuple(new), profile=tuple(profile))

    # -- the judgement

    def _judged(self, x: _State, lpm: float, since: float) -> tuple[_State, Sequence[Change]]:
        hour, alert = _Hour(*x.hour), _Alert(*x.alert)._replace(lpm=lpm)
        if self.hours.supply and self.hours.powered(since).open and not self.hours.settled(since).open:
            return x._replace(alert=tuple(alert._replace(over=0)), quarter=()), ()
        several = PULSES * x.pulse[0] * 60.0 / BIN_S
        limit = max(hour.limit, several)
        is_over = lpm > limit * 0.999
        alert = alert._replace(over=alert.over + 1 if is_over else 0)
        hold_s = self.hold_s + (BIN_S if several > self.share_lpm else 0.0)  # single draws make bins of coarse pulses
        if is_over and alert.told < BURST and alert.over * BIN_S >= hold_s:
            return self._raised(x, alert, BURST, since - (alert.over - 1) * BIN_S, limit * CALM_SHARE)
        if alert.told:
            alert = alert._replace(calm=alert.calm + 1 if lpm <= alert.line else 0)
            if alert.calm >= CALM_BINS:
                change = self._change(Turn.CLEARED, x, alert, "cleared")
                return x._replace(alert=tuple(_Alert(lpm=lpm)), quarter=()), (change,)
        elif not hour.is_term:
            if lpm > max(self.empty_lpm, several * 0.999):
                return self._raised(x, alert, MORE, since, self.empty_lpm)
        elif not is_over:
            hour = hour._replace(bins=hour.bins + 1, total=hour.total + lpm, top=max(hour.top, lpm))
        x = x._replace(hour=tuple(hour), alert=tuple(alert))
        return self._summed(x, alert, hour) if len(x.quarter) >= QUARTER else (x, ())

    def _summed(self, x: _State, alert: _Alert, hour: _Hour) -> tuple[_State, Sequence[Change]]:
        """The state after a quarter of an hour: its deviation joins the sum, and the usual size of deviations."""
        profile, mean = _Profile(*x.profile), sum(x.quarter) / len(x.quarter)
        x = x._replace(quarter=())
        if not self.sums or alert.told or hour.mean == UNSEEN or not hour.is_term:
            return x, ()
        size = max(hour.mean, 0.2 * hour.usual, 0.1)
        deviation = sqrt(max(profile.spread * size, (x.pulse[0] / 15.0) ** 2))
        z = min((mean - hour.mean) / deviation, CUT)
        rate = RATE / 24 if profile.learned_s >= STEADY_S else RATE / 6
        spread = profile.spread + rate * (min((mean - hour.mean) ** 2, (CUT * deviation) ** 2) / size - profile.spread)
        x = x._replace(profile=tuple(profile._replace(spread=spread)))
        if profile.learned_s < STEADY_S:
            return x, ()
        alert = alert._replace(cusum=max(0.0, alert.cusum + z - SLACK))
        if alert.cusum >= TOLD_AT:
            return self._raised(x, alert, MORE, x.since, hour.mean + deviation)
        return x._replace(alert=tuple(alert)), ()

    def _raised(
        self, x: _State, alert: _Alert, told: int, since: float, line: float
    ) -> tuple[_State, Sequence[Change]]:
        turn = Turn.UPDATED if alert.told else Turn.RAISED
        is_empty = not x.hour[2]
        why = "raised" if told == BURST else "empty" if is_empty else "more"
        alert = alert._replace(told=told, since=alert.since if alert.told else since, line=line, calm=0, cusum=0.0)
        return x._replace(alert=tuple(alert)), (self._change(turn, x, alert, why),)

    def _change(self, turn: Turn, x: _State, alert: _Alert, why: str) -> Change:
        is_burst = alert.told == BURST
        severity = Severity.CRITICAL if is_burst else Severity.MINOR
        delivery = Delivery.PAGE if is_burst else Delivery.DIGEST
        ran_s = (x.at or 0.0) - alert.since
        mean = max(0.0, x.hour[4])
        values = {"lpm": alert.lpm, "m3_h": alert.lpm * 0.06, "usual": mean, "ran_s": ran_s}
        evidence = Evidence(alert.since, tuple(self.inputs.values()), alert.line, ran_s)
        return Change(turn, severity, delivery, f"{self.rule}.{why}", values, evidence)


def _bin_end(at: float) -> float:
    return ((at + JITTER_S) // BIN_S + 1) * BIN_S - JITTER_S


def _taught(profile: _Profile, hour: _Hour) -> _Profile:
    """The profile after an hour without anything wrong."""
    mean, known, top = hour.total / hour.bins, profile.means[hour.slot], profile.tops[hour.slot]
    mean = mean if known == UNSEEN else known + RATE * (mean - known)
    return profile._replace(
        tops=_with(profile.tops, hour.slot, max(hour.top, KEEP * top)),
        means=_with(profile.means, hour.slot, mean),
        learned_s=profile.learned_s + HOUR_S,
    )


def _near(row: tuple[float, ...], slot: int) -> Iterator[float]:
    """The hour of a slot and its neighbours, on all days: a few weeks are too few for each day by itself."""
    return (row[(slot + day * 24 + beside) % WEEK] for day in range(7) for beside in (-1, 0, 1))


def _with(row: tuple[float, ...], index: int, value: float) -> tuple[float, ...]:
    return (*row[:index], value, *row[index + 1 :])


@dataclass(frozen=True, slots=True)
class Burst:
    """Flags far more flow than usual at this hour; wherever `volume_m3` or `flow_lpm` is measured."""

    kind: ClassVar[str] = "burst"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 28 * DAY_S
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "爆管",
            "发现突然大量出水。每块表按星期几、几点记下自己五分钟平均流量的最大值；连续十分钟（hold_min）超过它的 "
            "1.5 倍（profile_factor），又超过水表常用流量 Q3 的两成（q3_share），就是爆管，马上通知。"
            "房间和走廊人少，和整周的最大值比，要超过 Q3 的一半（few_share）。"
            "Q3 写在 q3_m3h，不写就按房间 2.5、走廊 4、楼层和整栋楼 10 立方米/时算。整栋楼还看累计："
            "比平时同一时段一直偏多，写进日报。放假没人时五分钟超过 5 升/分（empty_lpm）也写进日报。头一周只学习；"
            "计划停电恢复后十分钟内不判。放假和出事的时段不学。",
            "马上到现场关总阀，再找破裂处；注意积水处的电器。",
            {
                "burst.raised": "出水量异常大：{lpm:.0f} 升/分（{m3_h:.1f} 立方米/时），已 {ran_s}，可能爆管",
                "burst.more": "用水一直比平时多：{lpm:.0f} 升/分，平时这个钟点约 {usual:.0f} 升/分",
                "burst.empty": "放假没人却在用水：{lpm:.0f} 升/分",
                "burst.cleared": "出水恢复正常，前后 {ran_s}",
                "burst.calm": "五分钟平均 {lpm:.1f} 升/分，连续十分钟超过 {limit:.1f} 升/分才报；"
                "累计偏多 {sum:.1f}，到 {told:.0f} 才报",
                "burst.still": "还没恢复：五分钟平均 {lpm:.1f} 升/分，爆管线 {limit:.1f} 升/分；"
                "累计偏多 {sum:.1f}，到 {told:.0f} 才报",
                "burst.watched_empty": "放假，应该没人：五分钟平均 {lpm:.1f} 升/分，超过 {limit:.1f} 升/分才报",
                "burst.learning": "还要再学 {left_s}的用水规律",
            },
        ),
        "en": Words(
            "Burst",
            "Finds a sudden rush of water. Each meter learns the largest mean of five minutes for each hour of its "
            "week; ten minutes (hold_min) over 1.5 times that (profile_factor) and over a fifth (q3_share) of the "
            "meter's rated flow Q3 are a burst and told at once; for a room or a corridor it is the largest of the "
            "whole week and half of Q3 (few_share). Q3 is set as q3_m3h, else 2.5 m3/h is taken for a "
            "room, 4 for a corridor, 10 for a floor or a building. In a whole building a flow that stays "
            "above the usual for this hour is summed up and becomes a line in the summary; so do five minutes over "
            "5 L/min (empty_lpm) in the holidays. The first week is only learned from, holidays and hours with an "
            "alert never are, and ten minutes after a planned power cut nothing is judged.",
            "Go at once and close the main valve, then look for the break; mind electricity where water stands.",
            {
                "burst.raised": "far too much water: {lpm:.0f} L/min ({m3_h:.1f} m3/h) for {ran_s}, "
                "perhaps a burst pipe",
                "burst.more": "more water than usual for some time: {lpm:.0f} L/min, at this hour usually {usual:.0f}",
                "burst.empty": "water is drawn although nobody should be here: {lpm:.0f} L/min",
                "burst.cleared": "the flow is as usual again, after {ran_s}",
                "burst.calm": "{lpm:.1f} L/min over five minutes; ten minutes over {limit:.1f} are told, and a sum of "
                "deviations of {told:.0f} (now {sum:.1f})",
                "burst.still": "not over yet: {lpm:.1f} L/min over five minutes, a burst from {limit:.1f} on; the sum "
                "of deviations is {sum:.1f} of {told:.0f}",
                "burst.watched_empty": "holidays, nobody should be here: {lpm:.1f} L/min over five minutes, "
                "told over {limit:.1f}",
                "burst.learning": "{left_s} more to learn what is usual",
            },
        ),
    }

    q3_m3h: float = parameter(inf, unit="m3/h", least=0.1, most=10_000.0)
    q3_share: float = parameter(0.2, unit="", least=0.01, most=2.0)
    few_share: float = parameter(0.5, unit="", least=0.01, most=2.0)
    profile_factor: float = parameter(1.5, unit="", least=1.0, most=10.0)
    hold_min: float = parameter(10.0, unit="min", least=5.0, most=240.0)
    empty_lpm: float = parameter(5.0, unit="L/min", least=0.1, most=10_000.0)

    def watches(self, site: Site) -> Iterable[BurstWatch]:
        for meter in meters(site):
            yield self._watch(site, meter)

    def _watch(self, site: Site, meter: Meter) -> BurstWatch:
        q3_m3h = STATED_M3H[meter.group] if self.q3_m3h == inf else self.q3_m3h
        return BurstWatch(
            key=meter.key,
            place=meter.place.id,
            inputs=meter.inputs,
            holds_s=meter.point.holds_s,
            share_lpm=(self.q3_share if meter.group in MANY else self.few_share) * q3_m3h * 1000 / 60,
            profile_factor=self.profile_factor,
            empty_lpm=self.empty_lpm,
            hold_s=self.hold_min * 60,
            is_many=meter.group in MANY,
            sums=meter.group is Group.BUILDING,
            hours=site.hours(meter.place.id),
        )
