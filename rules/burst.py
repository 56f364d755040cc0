"""A burst (爆管): far more water than this meter ever draws at this hour of the week.

Strategy. Flow is judged by means of five minutes. A profile of the 168 hours of the week keeps the largest, which
shrinks by a tenth a week, and the mean of the hour. Ten minutes over one and a half times the largest of the hour and
its neighbours on all days, and over a fifth of the meter's rated flow Q3, are a burst; few people follow no hours, so
theirs are held against the largest of the whole week and half of Q3. Coarse pulses make large means of five minutes
out of little, so of many people a whole hour over twice the usual mean is a burst too. In the first week the days that
are known count: two days of the same kind, school days or weekends, and half an hour; or one school day, and an hour.

What is less, but lasts, is found by a one-sided CUSUM of quarters of an hour: deviations from the profile's mean, in
units of their usual size and cut off so that none can raise in less than an hour, are summed as far as they exceed 0.5,
and told at 8 if several pulses and 10 L/min more than usual flow: for whole buildings, on days that are what their
weekday says. In holidays there is no profile: ten minutes over 5 L/min and several pulses are told. Such an alert ends
after an hour in which it was not so, and what comes again within a day is kept as a record. Hours in which something
was wrong are not learned from, nor are holidays. Right after a planned power cut cisterns fill: that is no burst.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import inf, sqrt
from typing import Any, ClassVar, NamedTuple

from rules.burst_words import WORDS
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
CUT, MOST, SLACK, TOLD_AT = 4.0, 2.5, 0.5, 8.0  # of a deviation: for its usual size, and for the sum
MORE_LPM, MORE_PULSES = 10.0, 3.0  # the least rise that is told, and in a quarter of an hour
EMPTY_PULSES = 4.0         # in each of two bins
HOUR_BINS, HOUR_FACTOR = 12, 2.0
EARLY_DAYS, EARLY_BINS = 2, 6  # in the first week: days of the same kind, and the least hold
QUARTER = 3                # bins
CALM_BINS, CALM_HOUR = 3, 12  # after a burst, and after what is less
NEWS_S = DAY_S             # the same again is no news for so long
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
    lasting: float = UNKNOWN  # of the mean of an hour
    is_usual: bool = True  # the day is what its weekday says
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
    """`over` bins over the limit, `calm` ones at or under `line` since it was told, the running sum, the last mean.

    `lately` holds the bins of the last hour; `gone_at` is when an alert ended that was no burst.
    """

    told: int = UNTOLD
    since: float = 0.0
    line: float = 0.0
    over: int = 0
    calm: int = 0
    cusum: float = 0.0
    lpm: float = 0.0
    lately: tuple[float, ...] = ()
    gone_at: float = 0.0


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
    version: ClassVar[int] = 2
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
            return x._replace(alert=tuple(_Alert(*alert)._replace(over=0, lately=()))), ()
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
        if hour.limit == UNKNOWN and hour.lasting == UNKNOWN:
            return Explanation("burst.learning", {"left_s": LEARN_S - profile.learned_s})
        values = {"lpm": alert.lpm, "limit": min(hour.limit, hour.lasting), "sum": alert.cusum, "told": TOLD_AT}
        return Explanation("burst.calm" if alert.told == UNTOLD else "burst.still", values)

    # -- the profile

    def _in_hour(self, x: _State, at: float) -> _State:
        """The state in its hour of the week; an hour that ended is learned from."""
        hour = _Hour(*x.hour)
        if at < hour.until:
            return x
        profile = _Profile(*x.profile)
        if hour.is_term and hour.is_usual and hour.bins >= LEAST_BINS:
            profile = _taught(profile, hour)
        calendar = self.hours.calendar
        local, term = calendar.local(at), self.hours.term(at)
        slot = calendar.weekday(local.date()) * 24 + local.hour
        limit, lasting = self.share_lpm, UNKNOWN
        if term.open:
            limit, lasting = self._limits(profile, slot)
        seen = [mean for mean in profile.means if mean != UNSEEN]
        usual = sum(seen) / len(seen) if seen else 0.0
        is_usual = self._is_usual(local.date()) and self._is_usual(local.date() + timedelta(days=1))
        ends = (at // HOUR_S + 1) * HOUR_S
        new = _Hour(slot, ends, term.open, limit, lasting, is_usual, profile.means[slot], usual)
        return x._replace(hour=tuple(new), profile=tuple(profile))

    def _limits(self, profile: _Profile, slot: int) -> tuple[float, float]:
        """What five minutes, and what an hour may draw in a slot of the week, in L/min."""
        days: Sequence[int] = range(7)
        is_early = profile.learned_s < LEARN_S
        if is_early:
            days = [day for day in _alike(slot) if UNSEEN not in _near(profile.means, slot, day)]
            if not self.is_many or len(days) < (1 if slot < 5 * 24 else EARLY_DAYS):
                return UNKNOWN, UNKNOWN
        if not self.is_many:
            return max(self.share_lpm, self.profile_factor * max(profile.tops)), UNKNOWN
        top = max(flow for day in days for flow in _near(profile.tops, slot, day))
        mean = max(flow for day in days for flow in _near(profile.means, slot, day))
        limit = UNKNOWN if is_early and len(days) < EARLY_DAYS else max(self.share_lpm, self.profile_factor * top)
        return limit, max(self.share_lpm, HOUR_FACTOR * mean)

    def _is_usual(self, day: date) -> bool:
        """Whether a day is taught or free as its weekday says: no holiday, no day made up for."""
        return self.hours.is_taught_day(day) is (day.weekday() < 5)

    # -- the judgement

    def _judged(self, x: _State, lpm: float, since: float) -> tuple[_State, Sequence[Change]]:
        hour, alert = _Hour(*x.hour), _Alert(*x.alert)._replace(lpm=lpm)
        if self.hours.supply and self.hours.powered(since).open and not self.hours.settled(since).open:
            return x._replace(alert=tuple(alert._replace(over=0)), quarter=()), ()
        several = PULSES * x.pulse[0] * 60.0 / BIN_S
        limit = max(hour.limit, several)
        is_over = lpm > limit * 0.999
        lately = (*alert.lately, lpm)[-HOUR_BINS:]
        alert = alert._replace(over=alert.over + 1 if is_over else 0, lately=lately)
        hold_s = self.hold_s + (BIN_S if several > self.share_lpm else 0.0)  # single draws make bins of coarse pulses
        if hour.is_term and x.profile[2] < LEARN_S:
            hold_s = max(hold_s, EARLY_BINS * BIN_S)
        if is_over and alert.told < BURST and alert.over * BIN_S >= hold_s:
            return self._raised(x, alert, BURST, since - (alert.over - 1) * BIN_S, limit * CALM_SHARE)
        if alert.told < BURST and len(lately) == HOUR_BINS and sum(lately) / HOUR_BINS > hour.lasting:
            return self._raised(x, alert, BURST, since - (HOUR_BINS - 1) * BIN_S, hour.lasting * CALM_SHARE)
        if alert.told:
            alert = alert._replace(calm=alert.calm + 1 if lpm <= alert.line else 0)
            if alert.calm >= (CALM_BINS if alert.told == BURST else CALM_HOUR):
                change = self._change(Turn.CLEARED, x, alert, "cleared")
                gone = _Alert(lpm=lpm, gone_at=x.at or 0.0 if alert.told == MORE else alert.gone_at)
                return x._replace(alert=tuple(gone), quarter=()), (change,)
        elif not hour.is_term:
            line = max(self.empty_lpm, EMPTY_PULSES * x.pulse[0] * 60.0 / BIN_S * 0.999)
            if min(lately[-2:]) > line and len(lately) > 1:
                return self._raised(x, alert, MORE, since - BIN_S, line)
        elif not is_over:
            hour = hour._replace(bins=hour.bins + 1, total=hour.total + lpm, top=max(hour.top, lpm))
        x = x._replace(hour=tuple(hour), alert=tuple(alert))
        return self._summed(x, alert, hour) if len(x.quarter) >= QUARTER else (x, ())

    def _summed(self, x: _State, alert: _Alert, hour: _Hour) -> tuple[_State, Sequence[Change]]:
        """The state after a quarter of an hour: its deviation joins the sum, and the usual size of deviations."""
        profile, mean = _Profile(*x.profile), sum(x.quarter) / len(x.quarter)
        x = x._replace(quarter=())
        if not self.sums or alert.told or hour.mean == UNSEEN or not (hour.is_term and hour.is_usual):
            return x, ()
        size = max(hour.mean, 0.2 * hour.usual, 0.1)
        deviation = sqrt(max(profile.spread * size, (x.pulse[0] / 15.0) ** 2))
        z = min((mean - hour.mean) / deviation, MOST)
        rate = RATE / 24 if profile.learned_s >= STEADY_S else RATE / 6
        spread = profile.spread + rate * (min((mean - hour.mean) ** 2, (CUT * deviation) ** 2) / size - profile.spread)
        x = x._replace(profile=tuple(profile._replace(spread=spread)))
        if profile.learned_s < STEADY_S:
            return x, ()
        alert = alert._replace(cusum=min(max(0.0, alert.cusum + z - SLACK), 2 * TOLD_AT))
        least = max(MORE_LPM, MORE_PULSES * x.pulse[0] * 60.0 / BIN_S / QUARTER)
        if alert.cusum >= TOLD_AT and mean - hour.mean >= least:
            return self._raised(x, alert, MORE, x.since, hour.mean + deviation)
        return x._replace(alert=tuple(alert)), ()

    def _raised(
        self, x: _State, alert: _Alert, told: int, since: float, line: float
    ) -> tuple[_State, Sequence[Change]]:
        turn = Turn.UPDATED if alert.told else Turn.RAISED
        is_empty = not x.hour[2]
        why = "raised" if told == BURST else "empty" if is_empty else "more"
        alert = alert._replace(told=told, since=alert.since if alert.told else since, line=line, calm=0, cusum=0.0)
        change = self._change(turn, x, alert, why)
        if told == MORE and alert.gone_at and (x.at or 0.0) - alert.gone_at < NEWS_S:
            change = change._replace(delivery=Delivery.RECORD)
        return x._replace(alert=tuple(alert)), (change,)

    def _change(self, turn: Turn, x: _State, alert: _Alert, why: str) -> Change:
        is_burst = alert.told == BURST
        severity = Severity.CRITICAL if is_burst else Severity.MINOR
        delivery = Delivery.PAGE if is_burst else Delivery.DIGEST
        ran_s = (x.at or 0.0) - alert.since
        mean = max(0.0, _Hour(*x.hour).mean)
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


def _near(row: tuple[float, ...], slot: int, day: int) -> tuple[float, float, float]:
    """The hour of a slot and its neighbours, so many days later: a few weeks are too few for each day by itself."""
    middle = slot + day * 24
    return row[(middle - 1) % WEEK], row[middle % WEEK], row[(middle + 1) % WEEK]


def _alike(slot: int) -> list[int]:
    """How many days later the days are that are of the same kind as a slot's: school days, or weekends."""
    day = slot // 24
    return [later for later in range(7) if ((day + later) % 7 < 5) is (day < 5)]


def _with(row: tuple[float, ...], index: int, value: float) -> tuple[float, ...]:
    return (*row[:index], value, *row[index + 1 :])


@dataclass(frozen=True, slots=True)
class Burst:
    """Flags far more flow than usual at this hour; wherever `volume_m3` or `flow_lpm` is measured."""

    kind: ClassVar[str] = "burst"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 28 * DAY_S
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

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
