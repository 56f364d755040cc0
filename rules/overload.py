"""Overload (过载): a circuit near or over what its room may draw or its breaker bears.

Strategy. The *share* of the limit counts: of watts where a limit in watts is set, of amperes where a breaker is, by
current or else by power and voltage; the larger one where both are. Time over a share counts only as far as readings
speak. A circuit near its limit is a line in the day's summary; one over it calls somebody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import ClassVar, NamedTuple

from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

EASE = 0.95        # of the share that warns: below it the circuit is calm again
CALM_S = 60.0
SENSIBLE_V = 0.5    # of the supply: a voltage further off than this, or its inverse, says nothing of the current
SLACK_S = 0.001    # times are kept to the millisecond
QUANTITIES = ("power_w", "current_a")


class _State(NamedTuple):
    """`share` is the newest, `most` the largest since it began; `near_s` and `over_s` are seconds near and over it."""

    at: float | None = None
    share: float = 0.0
    watts: float = 0.0
    volts: float = 0.0
    since: float | None = None
    near_s: float = 0.0
    over_s: float = 0.0
    calm_s: float = 0.0
    most: float = 0.0
    told: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadWatch:
    """One circuit against `limit_w` and `breaker_a` (infinite: none)."""

    rule: ClassVar[str] = "overload"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    limit_w: float
    breaker_a: float
    supply_v: float
    warn_share: float
    warn_s: float
    alarm_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        heard, _, watts, volts, since, *_ = state
        told_v = values.get("v", volts)
        volts = told_v if SENSIBLE_V * self.supply_v <= told_v <= self.supply_v / SENSIBLE_V else 0.0
        if "p" not in values and "i" not in values:
            return state._replace(volts=volts), ()
        watts = values.get("p", watts)
        share = watts / self.limit_w
        if not isinf(self.breaker_a):
            amperes = values.get("i")
            share = max(share, (watts / (volts or self.supply_v) if amperes is None else amperes) / self.breaker_a)
        if since is None and share <= self.warn_share:
            return _State(at, share, watts, volts), ()
        seen_s = 0.0 if heard is None else min(at - heard, self.holds_s)
        return self._loaded(state, _State(at, share, watts, volts, at if since is None else since), at, seen_s)

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.since is None or state.told is not None:
            return None
        more_s = min(at - (state.at or at), self.holds_s)
        warn, alarm = (state.near_s + more_s, self.warn_s), (state.over_s + more_s, self.alarm_s)
        covered_s, needed_s = min(warn, alarm, key=_left_s) if state.share > 1 else warn
        return Hold(state.since, min(covered_s, needed_s), needed_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.at is None:
            return Explanation("overload.is_unheard", {})
        values: dict[str, float | str] = {"percent": 100 * state.share, "heard_at": state.at}
        if state.since is None:
            return Explanation("overload.is_calm", values)
        values |= {"since_at": state.since, "near_s": state.near_s, "over_s": state.over_s}
        if state.told is not None:
            return Explanation("overload.is_told", values)
        return Explanation("overload.is_near", values | {"warn_s": self.warn_s, "alarm_s": self.alarm_s})

    def _loaded(self, x: _State, now: _State, at: float, seen_s: float) -> tuple[_State, Sequence[Change]]:
        """The state while the circuit is near its limit, or has not been calm for long."""
        line = self.warn_share
        now = now._replace(
            near_s=x.near_s + seen_s if x.share > line else 0.0 if x.told is None else x.near_s,
            over_s=x.over_s + seen_s if x.share > 1 else x.over_s if x.told == Severity.MAJOR else 0.0,
            calm_s=x.calm_s + seen_s if x.share <= EASE * line else 0.0,
            most=max(x.most, now.share),
            told=x.told,
        )
        if x.told is None and now.share <= line:
            return _State(at, now.share, now.watts, now.volts), ()
        if now.calm_s >= CALM_S - SLACK_S and now.share <= EASE * line:
            end = _State(at, now.share, now.watts, now.volts)
            return end, (self._change(Turn.CLEARED, now, at - now.calm_s),)
        is_over = now.share > 1 and now.over_s >= self.alarm_s - SLACK_S
        is_near = now.share > line and now.near_s >= self.warn_s - SLACK_S
        due = Severity.MAJOR if is_over else Severity.MINOR if is_near else None
        if due is None or (x.told is not None and x.told >= due):
            return now, ()
        now = now._replace(told=int(due))
        return now, (self._change(Turn.RAISED if x.told is None else Turn.UPDATED, now, at),)

    def _change(self, turn: Turn, x: _State, until: float) -> Change:
        is_major = x.told == Severity.MAJOR
        since = x.since or until
        values: dict[str, float | str] = {
            "percent": 100 * x.most, "watts": x.watts, "on_s": until - since,
        }  # fmt: skip
        limit = self.limit_w if isinf(self.breaker_a) else min(self.limit_w, self.breaker_a * self.supply_v)
        line = limit if "p" in self.inputs else self.breaker_a
        evidence = Evidence(since, tuple(self.inputs.values()), line, x.near_s)
        why = turn.value if turn is Turn.CLEARED else "over" if is_major else "near"
        delivery = Delivery.PAGE if is_major else Delivery.DIGEST
        return Change(turn, Severity(x.told or 0), delivery, f"overload.{why}", values, evidence)


def _left_s(progress: tuple[float, float]) -> float:
    covered_s, needed_s = progress
    return needed_s - covered_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """Flags circuits near or over a limit; where `limit_w` or `breaker_a` is set."""

    kind: ClassVar[str] = "overload"
    slowest_s: ClassVar[float] = 60.0
    memory_s: ClassVar[float] = 3600.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "用电过载",
            "某个回路的用电接近或超过限额时提醒。限额要自己写：limit_w 是房间允许的功率（瓦），breaker_a 是空气开关的"
            "额定电流"
            "（安）；两个都写，按更紧的算；都不写就不看。读数：功率（power_w），或电流（current_a）；只有功率时按电压"
            "（voltage_v，没有就用 supply_v）折算成电流。超过限额的 warn_share（默认九成）满 warn_s 秒，写进当天的汇"
            "总；"
            "超过限额满 alarm_s 秒，马上通知。回到九成的 95% 以下满一分钟才算结束。局限：读数间隔里的短时过载看不到；"
            "它只提醒，不能代替空气开关。",
            "减少该回路上的用电；检查开关和插座有没有发热。",
            {
                "overload.near": "用电已到限额的 {percent:.0f}%，现在约 {watts:.0f} 瓦，已持续 {on_s}",
                "overload.over": "用电超过限额，最高到 {percent:.0f}%，现在约 {watts:.0f} 瓦，已持续 {on_s}",
                "overload.cleared": "用电已降下来，现在约 {watts:.0f} 瓦；前后 {on_s}，最高到限额的 {percent:.0f}%",
                "overload.is_unheard": "还没有收到读数",
                "overload.is_calm": "{heard_at} 用电是限额的 {percent:.0f}%",
                "overload.is_near": "{heard_at} 用电是限额的 {percent:.0f}%，从 {since_at} 起；接近限额已 {near_s}，"
                "满 {warn_s} 才报；"
                "超过限额已 {over_s}，满 {alarm_s} 马上报",
                "overload.is_told": "{heard_at} 用电是限额的 {percent:.0f}%，从 {since_at} 起；接近限额共 {near_s}，"
                "超过限额共 {over_s}",
            },
        ),
        "en": Words(
            "Overload",
            "Says when a circuit comes near its limit or passes it. The limit is yours to set: limit_w, what the room "
            "may draw (W), or breaker_a, the rated current of its breaker (A); with both the tighter one counts, with "
            "neither nothing is watched. Readings: power (power_w) or current (current_a); where there is power alone "
            "the current follows from the voltage (voltage_v, else supply_v). Above warn_share of the limit (90 %) for "
            "warn_s seconds it is a line in the day's summary, above the limit for alarm_s seconds somebody is called. "
            "It ends after a minute below 95 % of that share. Limits: what happens between two readings is not seen; "
            "it only tells, and is no substitute for a breaker.",
            "Take load off the circuit; feel whether the breaker or a socket is warm.",
            {
                "overload.near": "the circuit draws {percent:.0f} % of its limit, about {watts:.0f} W now, for {on_s}",
                "overload.over": "the circuit is over its limit, at most {percent:.0f} % of it, about {watts:.0f} W "
                "now, "
                "for {on_s}",
                "overload.cleared": "the load is down to about {watts:.0f} W after {on_s}; at most it was "
                "{percent:.0f} % "
                "of the limit",
                "overload.is_unheard": "no reading has come yet",
                "overload.is_calm": "at {heard_at} it drew {percent:.0f} % of its limit",
                "overload.is_near": "at {heard_at} it drew {percent:.0f} % of its limit, since {since_at}; near it for "
                "{near_s}, which raises after {warn_s}; over it for {over_s}, which raises after {alarm_s}",
                "overload.is_told": "at {heard_at} it drew {percent:.0f} % of its limit, since {since_at}; near it for "
                "{near_s}, over it for {over_s}",
            },
        ),
    }

    limit_w: float = parameter(inf, unit="W", least=1.0, most=1e6)
    breaker_a: float = parameter(inf, unit="A", least=0.1, most=10_000.0)
    supply_v: float = parameter(220.0, unit="V", least=50.0, most=1000.0)
    warn_share: float = parameter(0.9, unit="", least=0.1, most=1.0)
    warn_s: float = parameter(60.0, unit="s", least=0.0, most=3600.0)
    alarm_s: float = parameter(10.0, unit="s", least=0.0, most=3600.0)

    def watches(self, site: Site) -> Iterable[OverloadWatch]:
        if isinf(self.limit_w) and isinf(self.breaker_a):
            return
        for place in site.places.values():
            points = [point for point in site.points_at(place.id) if point.quantity in QUANTITIES]
            whole = [point for point in points if not point.part]  # the parts of a room share its limit
            for part in dict.fromkeys(point.part for point in whole or points):
                circuit = {point.quantity: point for point in points if point.part == part}
                if "power_w" in circuit or not isinf(self.breaker_a):
                    yield self._watch(site, place, part, circuit)

    def _watch(self, site: Site, place: Place, part: str, circuit: Mapping[str, Point]) -> OverloadWatch:
        key = f"{place.id}/{part}" if part else place.id
        asked = {"p": f"{key}/power_w"}
        if not isinf(self.breaker_a):
            asked |= {"i": f"{key}/current_a", "v": f"{key}/voltage_v"}
        return OverloadWatch(
            key=key,
            place=place.id,
            inputs={role: name for role, name in asked.items() if name in site.points},
            holds_s=min(point.holds_s for point in circuit.values()),
            limit_w=self.limit_w,
            breaker_a=self.breaker_a,
            supply_v=self.supply_v,
            warn_share=self.warn_share,
            warn_s=self.warn_s,
            alarm_s=self.alarm_s,
        )
