"""Blind at a boiler (锅炉读数中断): a reading that safety rests on does not come any more, or cannot be believed.

Strategy. Each of temperature, pressure and level has its own time; the earliest of them wakes the watch. A rejected
reading is none here: a frozen or senseless sensor guards nothing. While the source itself is away, or the boiler room
has no power by plan, nothing is held against the sensors: that is one event, told elsewhere. A boiler known to be out
is a line in the day's summary; one that fires, or of which nobody knows, calls somebody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn, state_point
from rules.rule import Words, parameter

GUARDING = ("supply", "pressure", "level", "fill")
ONLINE = "online"


class _State(NamedTuple):
    """When each guarding role was heard, and is missed next; whether the source is up; the newest flame."""

    heard: tuple[tuple[str, float], ...] = ()
    due: float | None = None
    is_up: bool = True
    flame: float | None = None
    missed: tuple[str, ...] = ()
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerBlindWatch:
    """The readings that guard one boiler; `wait_s` by role is how long each may be away."""

    rule: ClassVar[str] = "boiler_blind"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    hours: Hours
    wait_s: Mapping[str, float]

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        heard = dict(state.heard)
        if ONLINE in values and bool(values[ONLINE]) != state.is_up:
            heard = dict.fromkeys(heard, at)  # each has its full time again
            state = state._replace(is_up=bool(values[ONLINE]))
        heard |= {role: at for role in GUARDING if role in values}
        state = state._replace(heard=tuple(heard.items()), flame=values.get("flame", state.flame))
        missed = tuple(role for role, last in heard.items() if at >= last + self.wait_s[role] and state.is_up)
        powered = self.hours.powered(at)
        if missed and not powered.open:
            return state._replace(due=powered.until + min(self.wait_s.values())), ()
        return self._told(state._replace(due=self._due(heard, at) if state.is_up else None), missed, at)

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

    def _due(self, heard: Mapping[str, float], at: float) -> float | None:
        """When the next of them is missed; those that are already do not wake it again."""
        dues = (last + self.wait_s[role] for role, last in heard.items())
        return min((due for due in dues if due > at), default=None)

    def _told(self, state: _State, missed: tuple[str, ...], at: float) -> tuple[_State, Sequence[Change]]:
        if missed and not state.missed:
            state = state._replace(missed=missed, since=min(dict(state.heard)[role] for role in missed))
            return state, (self._change(Turn.RAISED, state, at),)
        if state.missed and not missed:
            told = self._change(Turn.CLEARED, state, at)
            return state._replace(missed=()), (told,)
        return state._replace(missed=missed), ()

    def _points(self, missed: Iterable[str]) -> str:
        return ", ".join(self.inputs[role].removeprefix(f"{self.place}/") for role in missed)

    def _change(self, turn: Turn, state: _State, at: float) -> Change:
        is_out = state.flame == 0
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
            "、读数卡住不变或明显不对，都算。火焰已熄的锅炉写进当天汇总；正在烧的，或不知道烧没烧的，马上通知。网关、总"
            "线或整个数据源断开时不重复报；计划停电时不算。读数：锅炉房的 temperature_c（部位 supply 或不写）、"
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
            "With its flame known to be out it is a line in the day's summary; one that fires, or may fire, calls "
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
        )
