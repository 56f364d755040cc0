"""Drinking-water boiler (开水器): it heats without water, or it is left on when nobody is there to drink.

Strategy. To boil is its work, so its temperature alone is never too high; but water cannot get hotter than boiling, and
what shows more has boiled dry. It *heats* while its power is drawn or its burner is on. Dry: it heats with too little
water, or shows more than boiling. Left on: it has heated in hours when its building is closed or asleep. A thermostat
heats in short bursts, so what counts from the first burst is the time until none has come for a while.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import Spelled, air_kpa, boiling_c, by_role
from rules.hours import Hours
from rules.ladder import Climb, Ladder, Rung
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

DRINKING_BOILER = "drinking_boiler"
METERED, LEVELS = frozenset({"watts", "on"}), frozenset({"low", "percent"})
HEATING_W = 100.0     # more than a display and a valve draw
PAUSE_S = 4 * 3600.0  # a boiler that is on heats again within this, however well it keeps warm
REHEATED_K = 2.0      # warmer by this than the coldest since: it was heated between two readings
_SPELLED: Spelled = {
    "celsius": (("", "temperature_c"),), "watts": (("", "power_w"),), "on": (("", "flame"), ("", "on")),
    "low": (("", "level_low"),), "percent": (("", "level_pct"),),
}  # fmt: skip


class _Dry(NamedTuple):
    """Whether it heats and whether it lacks water by the newest readings, each with its time; how that climbs."""

    climb: Climb = Climb()
    heats: float = 0.0
    heats_at: float = 0.0
    low: float = 0.0
    low_at: float = 0.0
    celsius: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DryWatch:
    """One boiler that must not heat without water; its ladder is over 0 and 1."""

    rule: ClassVar[str] = "drinking_boiler"
    version: ClassVar[int] = 1
    start: ClassVar[_Dry] = _Dry()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    low_pct: float
    too_hot_c: float
    ladder: Ladder

    def step(self, state: _Dry, at: float, values: Mapping[str, float]) -> tuple[_Dry, Sequence[Change]]:
        heard = _heard(state, at, values, low_pct=self.low_pct)
        is_dry = bool(heard.heats and heard.low and at - min(heard.heats_at, heard.low_at) <= self.holds_s)
        is_too_hot = heard.celsius > self.too_hot_c
        climb, turn = self.ladder.step(Climb(*state.climb), at, float(is_dry or is_too_hot), holds_s=self.holds_s)
        state = heard._replace(climb=self.ladder.after(climb) if turn is Turn.CLEARED else climb)
        if turn is None:
            return state, ()
        why = turn.value if turn is Turn.CLEARED else "too_hot" if is_too_hot else "dry"
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), None, held_s)
        said = {"celsius": heard.celsius, "held_s": held_s}
        return state, (Change(turn, rung.severity, rung.delivery, f"drinking_boiler.{why}", said, evidence),)

    def deadline(self, state: _Dry) -> float | None:
        return None  # only readings move it

    def hold(self, state: _Dry, at: float) -> Hold | None:
        return self.ladder.hold(Climb(*state.climb), at, holds_s=self.holds_s)

    def explain(self, state: _Dry, at: float) -> Explanation:
        climb = Climb(*state.climb)
        if climb.at is None:
            return Explanation("drinking_boiler.is_unheard", {})
        why = "is_dry" if climb.since is not None else "heats" if state.heats else "rests"
        return Explanation(f"drinking_boiler.{why}", {"heard_at": climb.at})


def _heard(state: _Dry, at: float, values: Mapping[str, float], *, low_pct: float) -> _Dry:
    """The state with these readings in it."""
    if "on" in values or "watts" in values:
        heats = values["on"] if "on" in values else float(values["watts"] > HEATING_W)
        state = state._replace(heats=heats, heats_at=at)
    if "low" in values or "percent" in values:
        low = values["low"] if "low" in values else float(values["percent"] < low_pct)
        state = state._replace(low=low, low_at=at)
    return state._replace(celsius=values.get("celsius", state.celsius))


class _LeftOn(NamedTuple):
    """`closed` and `until`: what the hours say and how long; since when it was found heating, and when last.

    `coldest_c` is since then: what warms again without a burst that was seen is heated all the same.
    """

    closed: bool = False
    until: float = 0.0
    began: float = 0.0
    since: float | None = None
    last: float = 0.0
    is_told: bool = False
    coldest_c: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOnWatch:
    """One boiler that should be off while its building is closed or asleep."""

    rule: ClassVar[str] = "drinking_boiler"
    version: ClassVar[int] = 1
    start: ClassVar[_LeftOn] = _LeftOn()

    key: str
    place: str
    inputs: Mapping[str, str]
    hours: Hours
    grace_s: float
    hold_s: float

    def step(self, state: _LeftOn, at: float, values: Mapping[str, float]) -> tuple[_LeftOn, Sequence[Change]]:
        if at >= state.until:
            is_closed, until = self._closed(at)
            began = state.began if is_closed and state.closed else at
            state = state._replace(closed=is_closed, until=until, began=began)
        celsius, coldest_c = values.get("celsius"), state.coldest_c
        is_reheated = celsius is not None and coldest_c is not None and celsius > coldest_c + REHEATED_K
        heats = bool(values.get("on", values.get("watts", 0.0) > HEATING_W)) or is_reheated
        if celsius is not None and (coldest_c is None or is_reheated or celsius < coldest_c):
            state = state._replace(coldest_c=celsius)
        is_over = not state.closed or (state.since is not None and at - state.last > PAUSE_S)
        if is_over:
            ended = state._replace(since=None, is_told=False, coldest_c=None)
            return ended, (self._change(Turn.CLEARED, state),) if state.is_told else ()
        if not heats or at < state.began + self.grace_s:
            return state, ()
        state = state._replace(since=at if state.since is None else state.since, last=at)
        if state.is_told or at - (state.since or at) < self.hold_s:
            return state, ()
        state = state._replace(is_told=True)
        return state, (self._change(Turn.RAISED, state),)

    def deadline(self, state: _LeftOn) -> float | None:
        return None  # only readings move it

    def hold(self, state: _LeftOn, at: float) -> Hold | None:
        if state.since is None or state.is_told:
            return None
        return Hold(state.since, min(state.last - state.since, self.hold_s), self.hold_s)

    def explain(self, state: _LeftOn, at: float) -> Explanation:
        if not state.until:
            return Explanation("drinking_boiler.is_unheard", {})
        if not state.closed:
            return Explanation("drinking_boiler.is_open", {"until_at": state.until})
        if state.since is None:
            return Explanation("drinking_boiler.is_off", {"since_at": state.began})
        return Explanation("drinking_boiler.is_on", {"since_at": state.since, "last_at": state.last})

    def _closed(self, at: float) -> tuple[bool, float]:
        use, night = self.hours.use(at), self.hours.night(at)
        return not use.open or night.open, min(use.until, night.until)

    def _change(self, turn: Turn, state: _LeftOn) -> Change:
        since = state.since or state.last
        values = {"on_s": state.last - since}
        why = "left_on" if turn is Turn.RAISED else "left_on_cleared"
        evidence = Evidence(since, tuple(self.inputs.values()), HEATING_W if "watts" in self.inputs else None,
                            state.last - since)  # fmt: skip
        return Change(turn, Severity.MINOR, Delivery.DIGEST, f"drinking_boiler.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrinkingBoiler:
    """Flags drinking-water boilers that heat without water, or in hours when nobody is there."""

    kind: ClassVar[str] = "drinking_boiler"
    slowest_s: ClassVar[float] = 600.0
    memory_s: ClassVar[float] = 2 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "开水器干烧或忘关",
            "看开水器的两件事。干烧：在加热，但水位不够（level_low 为 1，或 level_pct 低于 low_pct），或者温度超过沸点 "
            "over_k（5 度）以上，持续 dry_s 秒，按紧急报，夜里也叫人。忘关：夜里熄灯后、周末和假期，楼里没人用水，开水"
            "器还在加热，超过 hold_min 分钟写进当天汇总；刚放学的 grace_min 分钟不算。烧开水是它的本职，到 100 度不算超"
            "温。读数：功率（power_w）或开关（on、flame），可加温度、水位。位置类型是 drinking_boiler。局限：没有水位和"
            "温度读数的看不到干烧。",
            "干烧：立即断电，不要马上加冷水，冷却后再检查进水。忘关：关掉电源，或装定时开关。",
            {
                "drinking_boiler.dry": "正在干烧：缺水还在加热，已 {held_s}",
                "drinking_boiler.too_hot": "可能干烧：温度 {celsius:.0f} 度，比开水还热，已 {held_s}",
                "drinking_boiler.cleared": "已不再干烧，温度 {celsius:.0f} 度",
                "drinking_boiler.left_on": "没人的时候还在加热，已 {on_s}",
                "drinking_boiler.left_on_cleared": "已不再加热；没人的时候共加热 {on_s}",
                "drinking_boiler.is_unheard": "还没有收到读数",
                "drinking_boiler.heats": "{heard_at} 在加热，水位正常",
                "drinking_boiler.rests": "{heard_at} 没有加热",
                "drinking_boiler.is_dry": "{heard_at} 缺水还在加热，或温度高过沸点",
                "drinking_boiler.is_open": "{until_at} 之前有人使用，不看",
                "drinking_boiler.is_off": "从 {since_at} 起没人用，没有在加热",
                "drinking_boiler.is_on": "没人用，从 {since_at} 起还在加热，最近一次 {last_at}",
            },
        ),
        "en": Words(
            "Drinking-water boiler dry or left on",
            "Two things about drinking-water boilers. Dry: it heats while the water is low (level_low is 1, or "
            "level_pct is below low_pct), or it shows more than boiling by over_k (5 K), for dry_s seconds: critical, "
            "and breaks the quiet hours. Left on: it heats when its building is closed or asleep, at night, on "
            "weekends and holidays, for more than hold_min minutes: a line in the day's summary; the first grace_min "
            "minutes after closing do not count. To boil is its work, so 100 °C is not too hot. Readings: power "
            "(power_w) or a state (on, flame), and where there are temperature and level. Its kind of place is "
            "drinking_boiler. Limits: without level and temperature dry heating is not seen.",
            "Dry: cut its power at once, add no cold water, look at the inlet when it is cool. Left on: switch it off, "
            "or give it a timer.",
            {
                "drinking_boiler.dry": "it heats without enough water, for {held_s}",
                "drinking_boiler.too_hot": "it may have boiled dry: {celsius:.0f} °C is hotter than boiling water, for "
                "{held_s}",
                "drinking_boiler.cleared": "it no longer heats dry; {celsius:.0f} °C",
                "drinking_boiler.left_on": "it heats while nobody is there, for {on_s}",
                "drinking_boiler.left_on_cleared": "it no longer heats; it did for {on_s} while nobody was there",
                "drinking_boiler.is_unheard": "no reading has come yet",
                "drinking_boiler.heats": "at {heard_at} it was heating, with enough water",
                "drinking_boiler.rests": "at {heard_at} it was not heating",
                "drinking_boiler.is_dry": "at {heard_at} it was heating without enough water, or hotter than boiling",
                "drinking_boiler.is_open": "in use until {until_at}: not looked at",
                "drinking_boiler.is_off": "nobody is there since {since_at}, and it does not heat",
                "drinking_boiler.is_on": "nobody is there, and it heats since {since_at}, last at {last_at}",
            },
        ),
    }

    dry_s: float = parameter(15.0, unit="s", least=1.0, most=3600.0)
    low_pct: float = parameter(10.0, unit="%", least=0.0, most=100.0)
    over_k: float = parameter(5.0, unit="K", least=1.0, most=100.0)
    grace_min: float = parameter(30.0, unit="min", least=0.0, most=600.0)
    hold_min: float = parameter(30.0, unit="min", least=1.0, most=1440.0)

    def watches(self, site: Site) -> Iterable[DryWatch | LeftOnWatch]:
        for place in site.places.values():
            if place.kind != DRINKING_BOILER:
                continue
            points = by_role(site.points_at(place.id), _SPELLED)
            if points.keys() & METERED:
                yield self._left_on(site, place, points)
            if "celsius" in points or (points.keys() & METERED and points.keys() & LEVELS):
                yield self._dry(site, place, points)

    def _dry(self, site: Site, place: Place, points: Mapping[str, Point]) -> DryWatch:
        is_metered = bool(points.keys() & METERED)
        of = {role: point for role, point in points.items() if is_metered or role == "celsius"}
        return DryWatch(
            key=place.id,
            place=place.id,
            inputs={role: point.id for role, point in of.items()},
            holds_s=min(point.holds_s for point in of.values()),
            low_pct=self.low_pct,
            too_hot_c=boiling_c(air_kpa(site.altitude_m)) + self.over_k,
            ladder=Ladder(rungs=(Rung(0.5, self.dry_s, Severity.CRITICAL),), deadband=0.0, clear_s=60.0),
        )

    def _left_on(self, site: Site, place: Place, points: Mapping[str, Point]) -> LeftOnWatch:
        return LeftOnWatch(
            key=f"{place.id}/left_on",
            place=place.id,
            inputs={role: points[role].id for role in ("watts", "on", "celsius") if role in points},
            hours=site.hours(place.id),
            grace_s=self.grace_min * 60,
            hold_s=self.hold_min * 60,
        )

