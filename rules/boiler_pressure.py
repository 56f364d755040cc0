"""Boiler pressure (锅炉压力): too high, falling fast, or below what the height of the heating system needs.

Strategy. High and low are ladders on the gauge. Falling is a ladder on the share that was lost against the highest
pressure of the last ten minutes, less what the loss of heat explains, where that is at least half of it: water in an
expansion vessel loses about 1.5 % a kelvin. Steam follows its temperature wholly, so a boiler that makes steam, or
whose temperature is not known, is judged only from when its fire was last known to be out. What the
circulation pump does to the gauge when it starts or stops is not judged: the ten minutes begin anew. Once told, the
loss is counted from where it began.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf, nextafter
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, air_kpa, boilers, boiling_c, is_pressure
from rules.boiler_pressure_words import WORDS
from rules.ladder import Climb, Ladder, Rung
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, in_order, parameter

WINDOW_S, GRAIN_S = 600.0, 30.0
LEAST_KPA = 15.0        # steps of a coarse transmitter are smaller
COOLING_K = 0.015       # share of the pressure that a kelvin explains
NOISE_K = 2.0           # and kelvins that explain nothing
EXPLAINED = 0.5         # share of a loss that must be explained before any is
STEAM_K = 10.0          # as near as this to boiling it makes steam
SETTLE_S = 60.0         # after the pump has switched
RESERVE_KPA = 50.0      # at the top of the system, so that no air is drawn in
OPEN_S = 86_400.0       # a lower pressure that is kept for a day is the new one

Peak = tuple[float, float, float | None]  # a pressure with its time, and the temperature then


class _State(NamedTuple):
    """How the loss climbs; falling peaks of the last minutes; the newest of what else is read; the peak told of."""

    climb: Climb = Climb()
    peaks: tuple[Peak, ...] = ()
    kpa: float = 0.0
    celsius: float = 0.0
    celsius_at: float | None = None
    flame: float = 0.0
    flame_at: float | None = None
    unlit_at: float | None = None
    pump: float | None = None
    settled_at: float = 0.0
    told: Peak | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FallingWatch:
    """One boiler whose pressure should not fall faster than it cools."""

    rule: ClassVar[str] = "boiler_pressure"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: Mapping[str, float]
    air_kpa: float
    ladder: Ladder

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        climb, peaks, kpa, celsius, celsius_at, flame, flame_at, unlit_at, pump, settled_at, told = state
        if "supply" in values:
            celsius, celsius_at = values["supply"], at
        if "flame" in values:
            flame, flame_at = values["flame"], at
            unlit_at = unlit_at if flame else at
        if "pump" in values:
            if pump is not None and values["pump"] != pump and told is None:
                peaks, settled_at = (), at + SETTLE_S
            pump = values["pump"]
        turn = None
        if at >= settled_at and "pressure" in values and is_pressure(values["pressure"], self.air_kpa):
            if told is not None and at - told[0] > OPEN_S:
                told, peaks = None, ()
            before, kpa = kpa, values["pressure"]
            is_measured = celsius_at is not None and at - celsius_at <= self.holds_s["supply"]
            peaks = _with(peaks, at, min(kpa, before) if peaks else kpa, celsius if is_measured else None)
            lost = _share(told or peaks[0], kpa)
            if told is None and lost > self.ladder.rungs[0].line - self.ladder.deadband:
                is_out = not flame and flame_at is not None and at - flame_at <= self.holds_s["flame"]
                lost = self._unexplained(kpa, peaks, celsius if is_measured else None, at if is_out else unlit_at)
            climb, turn = self.ladder.step(climb, at, lost, holds_s=self.holds_s["pressure"])
            told = peaks[0] if turn is Turn.RAISED else told
        state = _State(climb, peaks, kpa, celsius, celsius_at, flame, flame_at, unlit_at, pump, settled_at, told)
        if turn is None:
            return state, ()
        change = self._change(turn, climb, state)
        if turn is Turn.CLEARED:
            state = state._replace(climb=self.ladder.after(climb), told=None, peaks=())
        return state, (change,)

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        return self.ladder.hold(Climb(*state.climb), at, holds_s=self.holds_s["pressure"])

    def explain(self, state: _State, at: float) -> Explanation:
        climb = Climb(*state.climb)
        if climb.at is None or not state.peaks:
            return Explanation("boiler_pressure.falling_is_unheard", {})
        peak = state.told or state.peaks[0]
        values = {
            "heard_at": climb.at, "kpa": state.kpa, "from_kpa": peak[1], "lost_pct": 100.0 * climb.value,
            "line_pct": 100.0 * self.ladder.rungs[0].line,
        }  # fmt: skip
        return Explanation(f"boiler_pressure.falling_is_{'calm' if climb.since is None else 'beyond'}", values)

    def _unexplained(
        self, kpa: float, peaks: Sequence[Peak], celsius: float | None, unlit_at: float | None
    ) -> float:
        """The share that is lost and that neither cooling explains, nor a fire that was out until `unlit_at`."""
        _, highest_kpa, warmest_c = peaks[0]
        if celsius is not None and warmest_c is not None and self._is_water(highest_kpa, warmest_c):
            lost, explained = _share(peaks[0], kpa), COOLING_K * max(0.0, warmest_c - celsius - NOISE_K)
            return lost if explained < EXPLAINED * lost else lost - explained
        return max((_share(peak, kpa) for peak in peaks if unlit_at is None or peak[0] > unlit_at), default=0.0)

    def _is_water(self, kpa: float, celsius: float) -> bool:
        return boiling_c(self.air_kpa + kpa) - celsius > STEAM_K

    def _change(self, turn: Turn, climb: Climb, state: _State) -> Change:
        peak = state.told or state.peaks[0]
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        values = {
            "kpa": state.kpa, "from_kpa": peak[1], "lost_pct": 100.0 * climb.value,
            "ago_s": (climb.at or 0.0) - peak[0],
        }  # fmt: skip
        why = "falling_cleared" if turn is Turn.CLEARED else "falling_raised"
        line = peak[1] * (1.0 - rung.line)
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), line, held_s)
        return Change(turn, rung.severity, rung.delivery, f"boiler_pressure.{why}", values, evidence)


def _with(peaks: tuple[Peak, ...], at: float, kpa: float, celsius: float | None) -> tuple[Peak, ...]:
    """Falling peaks of the window with one more reading, at most one for each half minute."""
    if peaks and kpa < peaks[-1][1] and at - peaks[-1][0] < GRAIN_S and at - peaks[0][0] <= WINDOW_S:
        return peaks
    return (*(peak for peak in peaks if peak[1] > kpa and at - peak[0] <= WINDOW_S), (at, kpa, celsius))


def _share(peak: Peak, kpa: float) -> float:
    """The share of a peak that is lost; what a coarse transmitter may show by itself is none."""
    return (peak[1] - kpa) / peak[1] if peak[1] - kpa > LEAST_KPA else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeWatch:
    """One side, high or low, of the pressure of one boiler."""

    rule: ClassVar[str] = "boiler_pressure"
    version: ClassVar[int] = 2
    start: ClassVar[Climb] = Climb()

    key: str
    place: str
    side: str
    inputs: Mapping[str, str]
    holds_s: float
    air_kpa: float
    ladder: Ladder

    def step(self, state: Climb, at: float, values: Mapping[str, float]) -> tuple[Climb, Sequence[Change]]:
        if not is_pressure(values["pressure"], self.air_kpa):
            return state, ()
        climb, turn = self.ladder.step(state, at, values["pressure"], holds_s=self.holds_s)
        if turn is None:
            return climb, ()
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        said = {"kpa": climb.value, "extreme_kpa": climb.extreme, "line_kpa": rung.line, "held_s": held_s}
        why = f"{self.side}_{'cleared' if turn is Turn.CLEARED else 'raised'}"
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), rung.line, held_s)
        change = Change(turn, rung.severity, rung.delivery, f"boiler_pressure.{why}", said, evidence)
        return self.ladder.after(climb) if turn is Turn.CLEARED else climb, (change,)

    def deadline(self, state: Climb) -> float | None:
        return None  # only readings move it

    def hold(self, state: Climb, at: float) -> Hold | None:
        return self.ladder.hold(state, at, holds_s=self.holds_s)

    def explain(self, state: Climb, at: float) -> Explanation:
        if state.at is None:
            return Explanation("boiler_pressure.is_unheard", {})
        values = {"kpa": state.value, "line_kpa": self.ladder.rungs[0].line, "heard_at": state.at}
        return Explanation(f"boiler_pressure.{self.side}_is_{'calm' if state.since is None else 'beyond'}", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerPressure:
    """Flags a boiler whose pressure is too high, falls fast, or is too low for its heating system."""

    kind: ClassVar[str] = "boiler_pressure"
    slowest_s: ClassVar[float] = 120.0
    memory_s: ClassVar[float] = 2 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

    working_kpa: float = parameter(inf, unit="kPa", least=1.0, most=20_000.0)
    valve_kpa: float = parameter(inf, unit="kPa", least=1.0, most=20_000.0)
    static_kpa: float = parameter(inf, unit="kPa", least=0.0, most=5000.0)
    fall_pct: float = parameter(20.0, unit="%", least=5.0, most=90.0)
    hold_s: float = parameter(15.0, unit="s", least=1.0, most=3600.0)
    clear_s: float = parameter(60.0, unit="s", least=0.0, most=3600.0)

    def __post_init__(self) -> None:
        in_order(self, "working_kpa", "valve_kpa")

    def watches(self, site: Site) -> Iterable[FallingWatch | GaugeWatch]:
        for boiler in boilers(site, "pressure"):
            yield self._falling(site, boiler)
            if not isinf(min(self.working_kpa, self.valve_kpa)):
                yield self._gauge(site, boiler, "high", self._high())
            if not isinf(self.static_kpa):
                line = self.static_kpa + RESERVE_KPA
                rungs = (Rung(line, self.hold_s, Severity.MAJOR),)
                low = Ladder(rungs=rungs, deadband=0.02 * line, clear_s=self.clear_s, falls=True)
                yield self._gauge(site, boiler, "low", low)

    def _high(self) -> Ladder:
        valve_kpa = self.working_kpa if isinf(self.valve_kpa) else self.valve_kpa
        working_kpa = min(self.working_kpa, valve_kpa)
        rungs = (
            Rung(0.9 * working_kpa, self.hold_s, Severity.MINOR, Delivery.DIGEST),
            Rung(0.95 * working_kpa, self.hold_s, Severity.MAJOR),
            Rung(nextafter(valve_kpa, 0.0), self.hold_s, Severity.CRITICAL),  # the valve opens at this
        )
        return Ladder(rungs=rungs, deadband=0.02 * working_kpa, clear_s=self.clear_s)

    def _gauge(self, site: Site, boiler: Boiler, side: str, ladder: Ladder) -> GaugeWatch:
        return GaugeWatch(
            key=f"{boiler.place.id}/{side}", place=boiler.place.id, side=side, inputs=boiler.inputs("pressure"),
            holds_s=boiler.holds_s("pressure"), air_kpa=air_kpa(site.altitude_m), ladder=ladder,
        )  # fmt: skip

    def _falling(self, site: Site, boiler: Boiler) -> FallingWatch:
        roles = [role for role in ("pressure", "supply", "flame", "pump") if role in boiler.points]
        if "pump" in roles and boiler.points["pump"].quantity != "on":
            roles.remove("pump")  # how much it draws does not say when it switched
        return FallingWatch(
            key=f"{boiler.place.id}/falling",
            place=boiler.place.id,
            inputs=boiler.inputs(*roles),
            holds_s={role: boiler.holds_s(role) for role in roles},
            air_kpa=air_kpa(site.altitude_m),
            ladder=Ladder(
                rungs=(Rung(self.fall_pct / 100.0, self.hold_s, Severity.CRITICAL),), deadband=0.02,
                clear_s=self.clear_s,
            ),
        )  # fmt: skip
