"""Blind at a boiler (锅炉读数中断): a reading that safety rests on does not come any more, or cannot be believed.

Strategy. Each of temperature, pressure and level has its own time; the earliest of them wakes the watch. A rejected
reading is none here, nor is a temperature that no water has, or a pressure that no boiler has: a frozen or senseless
sensor guards nothing. While the source itself is away, or the boiler room has no power by plan, nothing is held
against the sensors: that is one event, told elsewhere. A boiler whose flame is known to have been out for an hour is a
line in the day's summary, until it is lit or its flame is no longer known; one that fires, that rests between two
cycles, or of which nobody knows, calls somebody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, air_kpa, boilers, is_pressure
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn, state_point
from rules.rule import Words, parameter

GUARDING = ("supply", "pressure", "level", "fill")
ONLINE = "online"
LEAST_C = -30.0    # no water in a boiler is colder: a broken wire shows such
REST_S = 3600.0    # a burner that has been out for less may be between two cycles
OUT, UNGUARDED = 1, 2  # what was told


class _State(NamedTuple):
    """When each guarding role was heard; when it wants to be woken; whether the source is up.

    The flame was told at `flame_at`, and is out since `out_at` (None: it burns). What is `missed` was told as `told`.
    """

    heard: tuple[tuple[str, float], ...] = ()
    due: float | None = None
    is_up: bool = True
    flame_at: float | None = None
    out_at: float | None = None
    missed: tuple[str, ...] = ()
    since: float = 0.0
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerBlindWatch:
    """The readings that guard one boiler; `wait_s` by role is how long each may be away."""

    rule: ClassVar[str] = "boiler_blind"
    version: ClassVar[int] = 3
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    hours: Hours
    wait_s: Mapping[str, float]
    flame_holds_s: float
    air_kpa: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        heard = dict(state.heard)
        if ONLINE in values and bool(values[ONLINE]) != state.is_up:
            heard = dict.fromkeys(heard, at)  # each has its full time again
            state = state._replace(is_up=bool(values[ONLINE]))
        heard |= {
            role: at
            for role in GUARDING
            if role in values and (self._is_sensible(role, values[role]) or role not in heard)  # then its time begins
        }
        if "flame" in values:
            out_at = None if values["flame"] else at if state.out_at is None else state.out_at
            state = state._replace(flame_at=at, out_at=out_at)
        state = state._replace(heard=tuple(heard.items()))
        missed = tuple(role for role, last in heard.items() if at >= last + self.wait_s[role] and state.is_up)
        powered = self.hours.powered(at)
        if missed and not powered.open:
            return state._replace(due=powered.until + min(self.wait_s.values())), ()
        return self._told(state, missed, at)

    def deadline(self, state: _State) -> float | None:
        return state.due

    def hold(self, state: _State, at: float) -> Hold | None:
        return None  # a silence is no condition that readings could cover

    def explain(self, state: _State, at: float) -> Explanation:
        if not state.heard:
            return Explanation("boiler_blind.is_unheard", {})
        if not state.is_up:
            return Explanation("boiler_blind.is_away", {})
        values: dict[str, float | str] = {"heard_at": min(last for _, last in state.heard)}
        if state.missed:
            return Explanation("boiler_blind.is_blind", values | {"point": self._points(state.missed)})
        return Explanation("boiler_blind.is_seen", values | {"wait_s": max(self.wait_s.values())})

    def _told(self, state: _State, missed: tuple[str, ...], at: float) -> tuple[_State, Sequence[Change]]:
        told, since = state.told, state.since
        changes: Sequence[Change] = ()
        if told and not missed:
            changes, told = (self._change(Turn.CLEARED, state, at),), 0
        elif missed:
            since = since if told else min(dict(state.heard)[role] for role in missed)
            now = OUT if self._is_out(state, at) else UNGUARDED
            if now > told:
                state = state._replace(missed=missed, since=since, told=now)
                changes, told = (self._change(Turn.UPDATED if told else Turn.RAISED, state, at),), now
        state = state._replace(missed=missed, since=since, told=told)
        return state._replace(due=self._due(state, at)), changes

    def _is_sensible(self, role: str, value: float) -> bool:
        if role == "pressure":
            return is_pressure(value, self.air_kpa)
        return role != "supply" or value >= LEAST_C

    def _is_out(self, state: _State, at: float) -> bool:
        """Whether the flame is known to have been out for long."""
        return (
            state.flame_at is not None and at - state.flame_at < self.flame_holds_s
            and state.out_at is not None and at - state.out_at >= REST_S
        )  # fmt: skip

    def _due(self, state: _State, at: float) -> float | None:
        """When the next of them is missed, or of a boiler that is out the flame; what is missed wakes it no more."""
        if not state.is_up:
            return None
        dues = [last + self.wait_s[role] for role, last in state.heard]
        if state.told == OUT and state.flame_at is not None:
            dues.append(state.flame_at + self.flame_holds_s)
        return min((due for due in dues if due > at), default=None)

    def _points(self, missed: Iterable[str]) -> str:
        return ", ".join(self.inputs[role].removeprefix(f"{self.place}/") for role in missed)

    def _change(self, turn: Turn, state: _State, at: float) -> Change:
        is_out = state.told == OUT
        severity, delivery = (Severity.MINOR, Delivery.DIGEST) if is_out else (Severity.MAJOR, Delivery.PAGE)
        values: dict[str, float | str] = {"point": self._points(state.missed), "away_s": at - state.since}
        evidence = Evidence(state.since, tuple(self.inputs[role] for role in state.missed))
        why = turn.value if turn is Turn.CLEARED else "out" if is_out else "raised"
        return Change(turn, severity, delivery, f"boiler_blind.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerBlind:
    """Flags boilers whose temperature, pressure or level is no longer measured."""

    kind: ClassVar[str] = "boiler_blind"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "锅炉读数中断",
            "锅炉的温度、压力或水位中，任何一个超过 stale_s（300 秒）没有可信的读数，就没人替它看着了：传感器坏了、断线"
            "、读数卡住不变或明显不对，都算。火焰已熄一小时以上的锅炉写进当天汇总，点火或火焰也没有读数时再通知；正在烧"
            "的、两次点火之间的、不知道烧没烧的，马上通知。网关、总线或整个数据源断开时不重复报；计划停电时不算。读数："
            "锅炉房的 temperature_c（部位 supply 或不写）、"
            "pressure_kpa、level_mm、level_pct 中有的那些。局限：从来没有过读数的不看。",
            "派人到锅炉房看现场仪表，直到读数恢复；检查传感器和接线。",
            {
                "boiler_blind.raised": "{point} 已 {away_s} 没有可信读数，锅炉可能正在烧",
                "boiler_blind.out": "{point} 已 {away_s} 没有可信读数（火焰已熄）",
                "boiler_blind.cleared": "{point} 已恢复读数，中断 {away_s}",
                "boiler_blind.is_unheard": "还没有收到读数",
                "boiler_blind.is_away": "数据源断开，不单独判断",
                "boiler_blind.is_seen": "最早的一个读数在 {heard_at}；超过 {wait_s} 没有读数才报",
                "boiler_blind.is_blind": "{point} 没有可信读数；最近的在 {heard_at}",
            },
        ),
        "en": Words(
            "Blind at a boiler",
            "When the temperature, the pressure or the level of a boiler has not come for stale_s (300 s), nobody "
            "watches it any more: a broken sensor, a cut wire, a value that is frozen or makes no sense all count. "
            "With its flame known to be out for an hour it is a line in the day's summary, until it is lit or the "
            "flame is not known either; one that fires, rests between two cycles, or may fire, calls "
            "somebody. When the gateway, the bus or the whole source is away that is one event and not told again; a "
            "planned power cut does not count. Readings: temperature_c (of the part supply or of none), pressure_kpa, "
            "level_mm and level_pct of a boiler room, as far as there are any. Limits: what never came is not missed.",
            "Send somebody to read the gauges on site until the readings are back; look at the sensor and its wires.",
            {
                "boiler_blind.raised": "no reading of {point} to believe for {away_s}, and the boiler may be firing",
                "boiler_blind.out": "no reading of {point} to believe for {away_s} (the flame is out)",
                "boiler_blind.cleared": "{point} reads again after {away_s}",
                "boiler_blind.is_unheard": "no reading has come yet",
                "boiler_blind.is_away": "its source is away: not judged alone",
                "boiler_blind.is_seen": "the oldest of its readings is of {heard_at}; one that is away for {wait_s} is "
                "told",
                "boiler_blind.is_blind": "no reading of {point} to believe; the last one was at {heard_at}",
            },
        ),
    }

    stale_s: float = parameter(300.0, unit="s", least=10.0, most=86_400.0)

    def watches(self, site: Site) -> Iterable[BoilerBlindWatch]:
        for boiler in boilers(site):
            if any(role in boiler.points for role in GUARDING):
                yield self._watch(site, boiler)

    def _watch(self, site: Site, boiler: Boiler) -> BoilerBlindWatch:
        guarding = boiler.inputs(*GUARDING)
        sources = {boiler.points[role].source for role in guarding}
        online = state_point(next(iter(sources)), ONLINE)
        inputs = guarding | boiler.inputs("flame")
        return BoilerBlindWatch(
            key=boiler.place.id,
            place=boiler.place.id,
            inputs=inputs | ({ONLINE: online} if len(sources) == 1 and online in site.points else {}),
            hours=site.hours(boiler.place.id),
            wait_s={role: max(self.stale_s, boiler.points[role].holds_s) for role in guarding},
            flame_holds_s=boiler.holds_s("flame") if "flame" in boiler.points else 0.0,
            air_kpa=air_kpa(site.altitude_m),
        )
