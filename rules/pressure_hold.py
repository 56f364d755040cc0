"""Pressure test of pipes (打压试验): they hold their pressure for a day before winter, or they leak.

Strategy. A test runs from the word that it begins (`pressure_test` = 1) for its hours. The means of short windows are
compared, so that noise decides nothing: the first one with the last. Between them only what temperature cannot explain
counts: what air is left in closed pipes presses by the law of gases, so the absolute pressure is carried to the first
temperature in proportion to the absolute temperature. A fall beyond the limit fails, one beyond double the limit at
once; a test that was cut short, not read or topped up has no result. Only a failed test stays open, until the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import air_kpa
from rules.fact import PEOPLE, declared_points
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn, stamp
from rules.pressure_hold_words import WORDS
from rules.rule import Words, parameter

SLACK_S = 0.001      # times are kept to the millisecond
TOLD_S = 1.0         # a result that asks for nothing is over at once; an end comes after its beginning
WINDOW_S = 600.0     # of which the mean is taken, or a tenth of the test
SURE_S = 15.0        # a fall beyond double the limit is seen so long before it counts
LEAST_COVERED = 0.9  # of the test that readings must cover
STEADY_K = 10.0      # a change of temperature beyond this is more than the correction can carry
ZERO_C = -273.15
WATER_PARTS = ("pipe", "return", "supply", "heating")  # whose temperature is that of the water
PASSED, FAILED, VOID = "passed", "failed", "void"


class _Test(NamedTuple):
    """A test that runs: the window that is gathered, the first and last means, and how far the pressure swung up."""

    begun: float
    covered_s: float = 0.0
    window_at: float = 0.0
    total: float = 0.0
    readings: int = 0
    first_kpa: float | None = None
    first_c: float | None = None
    last_kpa: float = 0.0
    lowest_kpa: float = 0.0
    rise_kpa: float = 0.0
    beyond_s: float | None = None


class _State(NamedTuple):
    """The newest readings, the test that runs, and the last result as `(verdict, at, fall in percent)`.

    `is_open`: the alert of that result has not ended.
    """

    heard_at: float | None = None
    kpa: float = 0.0
    celsius: float | None = None
    celsius_at: float = 0.0
    is_on: bool = False
    test: _Test | None = None
    result: tuple[str, float, float] | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureHoldWatch:
    """The pipes of one place."""

    rule: ClassVar[str] = "pressure_hold"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    celsius_holds_s: float
    is_said: bool
    air_kpa: float
    test_s: float
    limit_pct: float
    least_kpa: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if state.test is None and values and "test" not in values and "celsius" not in values:
            return state, ()
        x, changes = state._replace(test=None if state.test is None else _Test(*state.test)), list[Change]()
        if self._is_said_enough(x, at):
            x = self._closed(x, at, "over", changes)
        if "celsius" in values:
            x = x._replace(celsius=values["celsius"], celsius_at=at)
        if x.test is not None and values.get("test") == 0.0 and at < x.test.begun + self.test_s - SLACK_S:
            x = self._ended(x, x.test, at, VOID, "cut_short", changes)
        if "kpa" in values and x.test is not None:
            x = self._read(x, x.test, at, values["kpa"], changes)
        if x.test is not None and at >= x.test.begun + self.test_s - SLACK_S:
            x = self._judged(x, x.test, at, changes)
        if "test" in values:
            x = self._declared(x, at, values, changes)
        return x, changes

    def deadline(self, state: _State) -> float | None:
        if state.test is not None:
            return stamp(state.test[0] + self.test_s)
        return state.result[1] + TOLD_S if state.is_open and state.result and state.result[0] != FAILED else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.test is None:
            return None
        test = _Test(*state.test)
        return Hold(test.begun, min(test.covered_s, self.test_s), self.test_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.test is not None:
            test = _Test(*state.test)
            values = {"begun_at": test.begun, "left_s": max(0.0, test.begun + self.test_s - at)}
            if test.first_kpa is None:
                return Explanation("pressure_hold.begins", values)
            kpa, fall_pct = state.kpa, self._fall_pct(test, state.kpa, self._celsius(state, at))
            values |= {"first_kpa": test.first_kpa, "kpa": kpa, "fall_pct": fall_pct, "limit_pct": self.limit_pct}
            return Explanation("pressure_hold.runs", values)
        if state.result is None:
            return Explanation("pressure_hold.waits", {"test_s": self.test_s})
        verdict, ended, fall_pct = state.result
        return Explanation(f"pressure_hold.was_{verdict}", {"ended_at": ended, "fall_pct": fall_pct})

    # -- the test

    def _declared(self, x: _State, at: float, values: Mapping[str, float], changes: list[Change]) -> _State:
        """A test begins with the word for it: a switch tells its position again and again, people say it anew."""
        is_on = values["test"] == 1.0
        has_just_ended = x.result is not None and x.result[1] == at
        if not is_on or x.test is not None or has_just_ended or (x.is_on and not self.is_said):
            return x._replace(is_on=is_on)
        if x.is_open:
            x = self._closed(x, at, "again", changes)
        has_kpa = "kpa" in values
        test = _Test(at, window_at=at, total=values.get("kpa", 0.0), readings=int(has_kpa))
        heard_at = at if has_kpa else None
        return x._replace(is_on=True, test=test, heard_at=heard_at, kpa=values.get("kpa", x.kpa))

    def _read(self, x: _State, test: _Test, at: float, kpa: float, changes: list[Change]) -> _State:
        """A reading of the pressure while a test runs."""
        seen_s = 0.0 if x.heard_at is None else min(at - x.heard_at, self.holds_s)
        x = x._replace(heard_at=at, kpa=kpa)
        test = test._replace(covered_s=test.covered_s + seen_s, total=test.total + kpa, readings=test.readings + 1)
        celsius = self._celsius(x, at)
        if at - test.window_at >= min(WINDOW_S, self.test_s / 10) - SLACK_S:
            test = self._windowed(test, at, celsius)
            if (test.first_kpa or 0.0) < self.least_kpa:
                return self._ended(x, test, at, VOID, "no_pressure", changes)
        if test.first_kpa is not None:
            is_beyond = self._fall_pct(test, kpa, celsius) > 2 * self.limit_pct
            beyond_s = 0.0 if test.beyond_s is None else test.beyond_s + seen_s
            test = test._replace(beyond_s=beyond_s if is_beyond else None)
            if (test.beyond_s or 0.0) >= SURE_S - SLACK_S:
                return self._ended(x, test._replace(last_kpa=kpa), at, FAILED, "failed_early", changes)
        return x._replace(test=test)

    def _windowed(self, test: _Test, at: float, celsius: float | None) -> _Test:
        """The test after a window: its mean is the first, or the newest."""
        mean = test.total / test.readings
        test = test._replace(window_at=at, total=0.0, readings=0, last_kpa=mean)
        if test.first_kpa is None:
            return test._replace(first_kpa=mean, first_c=celsius, lowest_kpa=mean)
        kpa = self._carried(test, mean, celsius)
        lowest = min(test.lowest_kpa, kpa)
        return test._replace(lowest_kpa=lowest, rise_kpa=max(test.rise_kpa, kpa - lowest))

    def _judged(self, x: _State, test: _Test, at: float, changes: list[Change]) -> _State:
        """The hours are over."""
        if test.first_kpa is None or test.covered_s < LEAST_COVERED * self.test_s:
            return self._ended(x, test, at, VOID, "unread", changes)
        celsius = self._celsius(x, at)
        warmed_k = _warmed_k(test, celsius)
        if abs(warmed_k or 0.0) > STEADY_K:
            return self._ended(x, test, at, VOID, "unsteady", changes)
        fall_pct = self._fall_pct(test, test.last_kpa, celsius)
        plain = "_plain" if warmed_k is None else ""
        if fall_pct > self.limit_pct:
            return self._ended(x, test, at, FAILED, f"failed{plain}", changes)
        rise_pct = max(100.0 * test.rise_kpa / test.first_kpa, -fall_pct)
        if rise_pct > 2 * self.limit_pct:
            return self._ended(x, test, at, VOID, "rose", changes)
        return self._ended(x, test, at, PASSED, f"passed{plain}", changes)

    def _ended(
        self, x: _State, test: _Test, at: float, verdict: str, why: str, changes: list[Change]
    ) -> _State:  # fmt: skip
        """The state after a test, with its result told."""
        celsius = self._celsius(x, at)
        fall_pct = self._fall_pct(test, test.last_kpa, celsius) if test.first_kpa else 0.0
        changes.append(self._change(Turn.RAISED, verdict, why, test, at, fall_pct, celsius))
        return x._replace(test=None, result=(verdict, at, fall_pct), is_open=True)

    def _is_said_enough(self, x: _State, at: float) -> bool:
        """Whether a result that asks for nothing was told a moment ago."""
        return x.is_open and x.result is not None and x.result[0] != FAILED and at >= x.result[1] + TOLD_S

    def _closed(self, x: _State, at: float, why: str, changes: list[Change]) -> _State:
        verdict, _, fall_pct = x.result or (FAILED, at, 0.0)
        changes.append(self._change(Turn.CLEARED, verdict, why, _Test(at), at, fall_pct, None))
        return x._replace(is_open=False)

    # -- pressure and temperature

    def _celsius(self, x: _State, at: float) -> float | None:
        """The temperature, as long as its newest reading speaks."""
        return x.celsius if at - x.celsius_at <= self.celsius_holds_s else None

    def _carried(self, test: _Test, kpa: float, celsius: float | None) -> float:
        """A pressure carried to the first temperature; as it is without one, and beyond what can be carried."""
        warmed_k = _warmed_k(test, celsius)
        if warmed_k is None or celsius is None or abs(warmed_k) > STEADY_K:
            return kpa
        return (kpa + self.air_kpa) * (celsius - warmed_k - ZERO_C) / (celsius - ZERO_C) - self.air_kpa

    def _fall_pct(self, test: _Test, kpa: float, celsius: float | None) -> float:
        first = test.first_kpa or kpa
        return 100.0 * (first - self._carried(test, kpa, celsius)) / first if first else 0.0

    def _change(
        self, turn: Turn, verdict: str, why: str, test: _Test, at: float, fall_pct: float, celsius: float | None
    ) -> Change:  # fmt: skip
        severity, delivery = {
            PASSED: (Severity.INFO, Delivery.DIGEST), VOID: (Severity.MINOR, Delivery.DIGEST),
            FAILED: (Severity.MAJOR, Delivery.PAGE),
        }[verdict]  # fmt: skip
        first_kpa = test.first_kpa or 0.0
        values = {
            "begun_at": test.begun, "took_s": at - test.begun, "covered_s": test.covered_s, "first_kpa": first_kpa,
            "last_kpa": test.last_kpa, "fall_pct": fall_pct, "limit_pct": self.limit_pct,
            "warmed_k": _warmed_k(test, celsius) or 0.0,
        }  # fmt: skip
        line = first_kpa * (1 - self.limit_pct / 100) if first_kpa else None
        points = tuple(self.inputs[role] for role in ("kpa", "celsius") if role in self.inputs)
        evidence = Evidence(test.begun, points, line, test.covered_s)
        return Change(turn, severity, delivery, f"pressure_hold.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureHold:
    """Judges the pressure test of pipes before winter: passed, failed, or without a result."""

    kind: ClassVar[str] = "pressure_hold"
    slowest_s: ClassVar[float] = 600.0
    memory_s: ClassVar[float] = 3 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = WORDS

    test_h: float = parameter(24.0, unit="h", least=0.5, most=48.0)
    limit_pct: float = parameter(2.0, unit="%", least=0.1, most=20.0)
    least_kpa: float = parameter(50.0, unit="kPa", least=1.0, most=5000.0)

    def watches(self, site: Site) -> Iterable[PressureHoldWatch]:
        for place in site.places:
            points = (*site.points_at(place), *declared_points(site, place))
            kpa = _preferred(points, "pressure_kpa", ("", "supply", *(point.part for point in points)))
            test = _preferred(points, "pressure_test", ("",))
            if kpa is not None and test is not None:
                yield self._watch(site, kpa, test, _preferred(points, "temperature_c", (kpa.part, *WATER_PARTS, "")))

    def _watch(self, site: Site, kpa: Point, test: Point, celsius: Point | None) -> PressureHoldWatch:
        known = {"kpa": kpa, "test": test, "celsius": celsius}
        return PressureHoldWatch(
            key=kpa.place,
            place=kpa.place,
            inputs={role: point.id for role, point in known.items() if point is not None},
            holds_s=kpa.holds_s,
            celsius_holds_s=celsius.holds_s if celsius is not None else 0.0,
            is_said=test.source == PEOPLE,
            air_kpa=air_kpa(site.altitude_m),
            test_s=3600.0 * self.test_h,
            limit_pct=self.limit_pct,
            least_kpa=self.least_kpa,
        )


def _warmed_k(test: _Test, celsius: float | None) -> float | None:
    """How much warmer it is than at the begin, if both are known."""
    return None if celsius is None or test.first_c is None else celsius - test.first_c


def _preferred(points: Iterable[Point], quantity: str, parts: Sequence[str]) -> Point | None:
    """The point of a quantity whose part comes first in a list."""
    known = [point for point in points if point.quantity == quantity and point.part in parts]
    return min(known, key=lambda point: parts.index(point.part), default=None)
