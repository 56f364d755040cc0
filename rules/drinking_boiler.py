"""Drinking-water boiler (开水器): it heats without water, or it is left on when nobody is there to drink.

Strategy. To boil is its work, so its temperature alone is never too high; but water cannot get hotter than boiling, and
what shows more has boiled dry. It *heats* while its power is drawn or its burner is on. Dry: it heats with too little
water, or shows more than boiling: two ladders, each stepped at its own readings, and one alert; where what heats or the
level has fallen silent, nothing begins and nothing ends. Left on: it has heated in hours when its building is closed or
asleep. A thermostat heats in short bursts, so what counts from the first burst is the time until none has come for a
while.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import Spelled, air_kpa, boiling_c, by_role
from rules.drinking_boiler_words import WORDS
from rules.hours import Hours
from rules.ladder import Climb, Ladder, Rung
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

DRINKING_BOILER = "drinking_boiler"
METERED, LEVELS = frozenset({"watts", "on"}), frozenset({"low", "percent"})
CLEAR_S = 60.0
HEATING_W = 100.0     # more than a display and a valve draw
PAUSE_S = 4 * 3600.0  # a boiler that is on heats again within this, however well it keeps warm
REHEATED_K = 2.0      # warmer by this than the coldest since: it was heated between two readings
_SPELLED: Spelled = {
    "celsius": (("", "temperature_c"),), "watts": (("", "power_w"),), "on": (("", "flame"), ("", "on")),
    "low": (("", "level_low"),), "percent": (("", "level_pct"),),
}  # fmt: skip


class _Dry(NamedTuple):
    """How dryness and heat climb; the newest readings with their times, and until when two of them speak."""

    dry: Climb = Climb()
    hot: Climb = Climb()
    heats: float = 0.0
    heats_at: float | None = None
    heats_until: float = 0.0
    low: float = 0.0
    low_at: float = 0.0
    low_until: float = 0.0
    celsius: float = 0.0
    celsius_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryWatch:
    """One boiler that must not heat without water: `dry` is a ladder over 0 and 1, `hot` one over its temperature."""

    rule: ClassVar[str] = "drinking_boiler"
    version: ClassVar[int] = 2
    start: ClassVar[_Dry] = _Dry()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: Mapping[str, float]  # by role
    dry_holds_s: float            # the shortest of what heats and the level
    low_pct: float
    dry: Ladder
    hot: Ladder

    def step(self, state: _Dry, at: float, values: Mapping[str, float]) -> tuple[_Dry, Sequence[Change]]:
        state = self._heard(state, at, values)
        dry, hot = Climb(*state.dry), Climb(*state.hot)
        was_told = bool(dry.told or hot.told)
        turns: list[tuple[Turn, str, Climb]] = []
        is_dry = self._is_dry(state, at) if not values or values.keys() - {"celsius"} else None
        if is_dry is not None:
            climb, turn = self.dry.step(dry, at, float(is_dry), holds_s=self.dry_holds_s)
            dry = self.dry.after(climb) if turn is Turn.CLEARED else climb
            turns += [(turn, "dry", climb)] if turn else []
        if "celsius" in values:
            climb, turn = self.hot.step(hot, at, state.celsius, holds_s=self.holds_s["celsius"])
            hot = self.hot.after(climb) if turn is Turn.CLEARED else climb
            turns += [(turn, "too_hot", climb)] if turn else []
        state = state._replace(dry=dry, hot=hot)
        if was_told == bool(dry.told or hot.told):
            return state, ()  # nothing, or the alert that is open has one reason more or less
        return state, (self._change(*turns[-1], state, at),)

    def deadline(self, state: _Dry) -> float | None:
        wake = self.dry.lapse(Climb(*state.dry), holds_s=self.dry_holds_s)
        return wake if wake is not None and self._is_dry(state, wake) else None

    def hold(self, state: _Dry, at: float) -> Hold | None:
        dry, hot = Climb(*state.dry), Climb(*state.hot)
        if dry.told or hot.told:
            return None
        is_running = self.dry.hold(dry, at, holds_s=self.dry_holds_s)
        return is_running or self.hot.hold(hot, at, holds_s=self.holds_s.get("celsius", 0.0))

    def explain(self, state: _Dry, at: float) -> Explanation:
        found = [climb.at for climb in (Climb(*state.dry), Climb(*state.hot)) if climb.since is not None and climb.at]
        if found:
            return Explanation("drinking_boiler.is_dry", {"heard_at": max(found)})
        if state.heats_at is None and state.celsius_at is None:
            return Explanation("drinking_boiler.is_unheard", {})
        if state.heats_at is None:
            values = {"heard_at": state.celsius_at or 0.0, "celsius": state.celsius}
            return Explanation("drinking_boiler.is_warm", values)
        has_water = not state.low and at <= state.low_until
        why = "rests" if not state.heats else "heats_water" if has_water else "heats"
        heard_at = min(state.heats_at, state.low_at) if why == "heats_water" else state.heats_at
        return Explanation(f"drinking_boiler.{why}", {"heard_at": heard_at})

    def _heard(self, state: _Dry, at: float, values: Mapping[str, float]) -> _Dry:
        """The state with these readings in it."""
        if "on" in values or "watts" in values:
            role = "on" if "on" in values else "watts"
            heats = values["on"] if role == "on" else float(values["watts"] > HEATING_W)
            state = state._replace(heats=heats, heats_at=at, heats_until=at + self.holds_s[role])
        if "low" in values or "percent" in values:
            role = "low" if "low" in values else "percent"
            low = values["low"] if role == "low" else float(values["percent"] < self.low_pct)
            state = state._replace(low=low, low_at=at, low_until=at + self.holds_s[role])
        if "celsius" in values:
            state = state._replace(celsius=values["celsius"], celsius_at=at)
        return state

    def _is_dry(self, state: _Dry, at: float) -> bool | None:
        """Whether it heats without water; None where no fresh reading says so, nor the contrary."""
        heats = bool(state.heats) if at <= state.heats_until else None
        low = bool(state.low) if at <= state.low_until else None
        if heats is False or low is False:
            return False
        return None if heats is None or low is None else True

    def _change(self, turn: Turn, why: str, climb: Climb, state: _Dry, at: float) -> Change:
        ladder = self.dry if why == "dry" else self.hot
        rung, held_s = ladder.told(climb), ladder.covered_s(climb)
        values, is_warm = {"held_s": held_s}, False
        if state.celsius_at is not None and at - state.celsius_at <= self.holds_s["celsius"]:
            values["celsius"], is_warm = state.celsius, True
        if turn is Turn.CLEARED:
            why = "cleared_warm" if is_warm else "cleared"
        line = None if ladder is self.dry else rung.line
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), line, held_s)
        return Change(turn, rung.severity, rung.delivery, f"drinking_boiler.{why}", values, evidence)


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
    words: ClassVar[Mapping[str, Words]] = WORDS

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
        holds_s = {role: point.holds_s for role, point in of.items()}
        too_hot_c = boiling_c(air_kpa(site.altitude_m)) + self.over_k
        return DryWatch(
            key=place.id,
            place=place.id,
            inputs={role: point.id for role, point in of.items()},
            holds_s=holds_s,
            dry_holds_s=min((seconds for role, seconds in holds_s.items() if role != "celsius"), default=0.0),
            low_pct=self.low_pct,
            dry=Ladder(rungs=(Rung(0.5, self.dry_s, Severity.CRITICAL),), deadband=0.0, clear_s=CLEAR_S),
            hot=Ladder(rungs=(Rung(too_hot_c, self.dry_s, Severity.CRITICAL),), deadband=0.0, clear_s=CLEAR_S),
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

