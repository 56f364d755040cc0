"""Quality of gauges, before any rule sees them: spikes, unit slips, frozen values; and who refines which point.

Strategy. A reading inside the point's own band passes with a few comparisons. Outside it, what is physically sensible
at that kind of place passes at once (a kettle's first 2 kW is no spike) and widens the band; what is not is held back
until the next reading confirms or refutes it. A slip of the unit shows as readings that are senseless but sensible
after division by 10, 100 or 1000, or, within what is sensible, as a leap above all so far (`rules.slip`). A value that
repeats is frozen only when it repeats far longer than it ever did while it was in use: a lamp's 41 W or a room's
21.5 °C repeats honestly for hours. A rejected reading becomes one of the point `<point>!<reason>`; one that is in
doubt comes as both.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from rules.counter import SPIKE, UNIT, CounterRefiner, Exchange
from rules.model import Place, Point, Site
from rules.quantity import QUANTITIES, Kind
from rules.slip import BEYOND, SLIPS, LeapCheck
from rules.watch import Refiner

STUCK = "stuck"
NEAR = 0.25             # of the reach of a steady point: so near to its last reading it is no leap
LEARNING = 200          # readings before a point's own band counts
FEW_REPEATS = 60        # the same value so often in a row is looked at
FEW_CHANGES = 20        # of a point in use: below it nothing is known of its runs
LONGER = 4.0            # times the longest honest run
UNKNOWN = 6.0           # times longer, where it never was before
LEARNED_CHANGES = 100   # of a point in use
LEARNED_S = 86_400.0
IDLE_SHARE = 0.1        # of its own top: below it a point may rest as long as it likes

SMALL = frozenset({"dorm_room", "classroom", "office", "staff_flat", "corridor", "stairwell", "washroom", "gate"})
LARGE = frozenset({"lab", "library", "canteen", "shop", "boiler_room", "drinking_boiler", "pump_room"})
_SENSE: Mapping[str, tuple[float, float, float]] = {  # most that makes sense in a small place, a large one, a building
    "power_w": (2e4, 5e5, 5e6),
    "reactive_power_var": (2e4, 5e5, 5e6),
    "apparent_power_va": (2e4, 5e5, 5e6),
    "current_a": (100.0, 2_000.0, 1e4),
    "flow_lpm": (300.0, 3_000.0, 2e4),
    "illuminance_lx": (1.2e5, 1.2e5, 1.2e5),  # the sun may shine on any sensor
}
_STEADY: Mapping[str, tuple[float, float, float]] = {  # what moves little against itself: least and most that make
    "voltage_v": (0.0, 500.0, 25.0),                   # sense, and how far beyond all so far is no surprise
    "frequency_hz": (40.0, 70.0, 2.0),
    "temperature_c": (-45.0, 250.0, 10.0),
    "humidity_pct": (0.0, 100.0, 20.0),
    "pressure_kpa": (-100.0, 2_500.0, 100.0),
    "co2_ppm": (200.0, 20_000.0, 1_000.0),
}
_PIPED = frozenset({"flow_lpm"})  # what a pipe bounds
UNREFINED = frozenset({"permit_w", "permit_from", "permit_until", "clock_offset_s"})  # said, not measured


def size_of(place: Place | None) -> int:
    """0 for a small place, 1 for a large room, 2 for a building or what feeds one."""
    kind = place.kind if place else ""
    return 0 if kind in SMALL else 1 if kind in LARGE else 2


def refiners(
    site: Site, *, moduli: Mapping[str, float] | None = None, exchanges: Mapping[str, Sequence[Exchange]] | None = None
) -> list[Refiner]:
    """One refiner for each gauge and counter that is measured; states and what is derived need none.

    `moduli` says by point where a register rolls over, `exchanges` when its meter was replaced.
    """
    flows = {point.of: point.id for point in site.points.values() if point.of}
    out: list[Refiner] = []
    for point in site.points.values():
        kind = QUANTITIES[point.quantity].kind
        if point.of or point.quantity in UNREFINED or kind is Kind.STATE:
            continue
        size = size_of(site.places.get(point.place))
        if kind is Kind.COUNTER:
            out.append(CounterRefiner(
                point.id, point.quantity, size=size, flow=flows.get(point.id, ""),
                modulus=(moduli or {}).get(point.id), exchanges=(exchanges or {}).get(point.id, ()),
            ))  # fmt: skip
        else:
            reach = _STEADY[point.quantity][2] if point.quantity in _STEADY else 0.0
            is_piped = point.quantity in _PIPED
            out.append(GaugeRefiner(point.id, *sense(point, size), reach=reach, is_piped=is_piped))
    return out


def sense(point: Point, size: int) -> tuple[float, float]:
    """The least and the most that a gauge can mean at a place of this size."""
    if point.quantity in _SENSE:
        most = _SENSE[point.quantity][size]
        return -most, most
    if point.quantity in _STEADY:
        least, most, _ = _STEADY[point.quantity]
        return least, most
    quantity = QUANTITIES[point.quantity]
    return quantity.least, quantity.most


class GaugeRefiner:
    """The quality of one gauge; `least` and `most` bound what makes sense.

    `reach` is for a steady one: how far beyond all it has been is no surprise. 0: it may jump, but `is_piped` says that
    a pipe bounds it.
    """

    __slots__ = (
        "_bottom", "_changes", "_high", "_idle", "_is_calm", "_is_piped", "_is_steady", "_leap", "_least", "_longest",
        "_longest_value", "_low", "_most", "_patience", "_reach", "_readings", "_run", "_sense", "_since", "_top",
        "_value", "_wild", "point", "rejected",
    )  # fmt: skip
    signature = "gauge:3"
    _value: float      # the last good one, how often it repeated, and when that is looked at
    _run: int
    _patience: int
    _longest: int      # run in use, and of which value
    _longest_value: float
    _changes: int      # in use, as far as they need be counted
    _readings: int     # that went the long way
    _since: float
    _bottom: float     # the least and the most so far, and below which it idles
    _top: float
    _idle: float
    _least: float      # what makes sense
    _most: float
    _low: float        # what passes at once
    _high: float
    _is_calm: bool
    _wild: float | None  # held back
    _leap: LeapCheck
    rejected: dict[str, int]

    def __init__(self, point: str, least: float, most: float, *, reach: float = 0.0, is_piped: bool = False) -> None:
        self.point, self._is_piped, self._leap = point, is_piped, LeapCheck(is_piped=is_piped)
        self._sense, self._reach, self._is_steady = (least, most), reach, reach > 0.0
        self.recall(())

    def refine(self, at: float, value: float) -> Mapping[str, float] | None:
        """None for a good reading; else what stands in for it."""
        if self._low <= value <= self._high and self._is_calm:
            if value != self._value:
                if self._run:
                    self._end_run()
                self._value = value
                if self._changes < LEARNED_CHANGES and value > self._idle:
                    self._changes += 1
                return None
            self._run += 1
            return None if self._run < self._patience else self._repeated(at, value)
        return self._unusual(at, value)

    def repeated(self, reason: str, times: int) -> None:
        """Note readings that came besides another one of the same time."""
        self._count(reason, times)

    @property
    def derives(self) -> Sequence[str]:
        """A gauge gives nothing but itself."""
        return ()

    @property
    def derived(self) -> Mapping[str, tuple[float, float]]:
        """Nothing, as it derives nothing."""
        return {}

    def as_of(self, at: float) -> "GaugeRefiner":
        """A fresh one that knows what this one learned."""
        out = GaugeRefiner(self.point, *self._sense, reach=self._reach, is_piped=self._is_piped)
        out.recall(self.memory())
        out.rejected, out._wild, out._value = {}, None, inf
        out._leap.end()
        out._is_calm = out._readings >= LEARNING
        return out

    # -- runs of one value

    def _end_run(self) -> None:
        if not self._is_idle(self._value):
            is_known = self._changes >= LEARNED_CHANGES  # one frozen sensor must not teach that this is usual
            run = min(self._run, max(2 * self._longest, FEW_REPEATS)) if is_known else self._run
            if run > self._longest:
                self._longest, self._longest_value = run, abs(self._value)
            if not self._is_steady:
                self._leap.learn_level(abs(self._value))
        self._run = 0
        self._patience = FEW_REPEATS

    def _is_idle(self, value: float) -> bool:
        return value == 0.0 or abs(value) <= self._idle

    def _repeated(self, at: float, value: float) -> Mapping[str, float] | None:
        """A value that came `_patience` times in a row: frozen, or to be looked at again later."""
        enough = max(float(FEW_REPEATS), LONGER * self._longest)
        if self._changes < LEARNED_CHANGES:  # the less it was in use the longer it takes
            enough *= (LEARNED_CHANGES / max(self._changes, 1)) ** 2
        if self._leap.is_open:
            enough *= UNKNOWN
        is_learned = self._changes >= FEW_CHANGES and at - self._since >= LEARNED_S
        if is_learned and self._run >= enough and not self._is_idle(value):
            return self._reject(STUCK, value)
        self._patience = max(2 * self._run, int(enough)) if is_learned else 2 * self._run
        return None

    # -- what is out of the ordinary

    def _unusual(self, at: float, value: float) -> Mapping[str, float] | None:
        if self._leap.factor:
            if self._goes_on(at, value):
                return self._slipped(value)
            self._leap.end()
        if not self._is_sensible(value):
            return self._senseless(at, value)
        is_known = self._is_steady and self._readings >= LEARNING and value != 0.0
        if is_known and not self._low <= value <= self._high and not self._is_near(value):
            return self._senseless(at, value)
        held, self._wild = self._wild, None
        self._note(at, value)
        refuted = None if held is None else self._refuted(held, value)
        if self._run >= self._patience:
            frozen = self._repeated(at, value)
            if frozen is not None:
                return frozen
        if self._leap.is_open or self._is_leap(at, value if held is None else held):
            honest = self._leap.look(at, (value,) if held is None else (held, value), self._extent)
            if self._leap.factor:
                return self._slipped(value)
            for one in honest:
                if self._is_sensible(one):
                    self._widen(one)
        self._widen(value)
        self._is_calm = self._readings >= LEARNING and not self._leap.is_open
        return refuted

    def _is_near(self, value: float) -> bool:
        """Whether a steady one went on from its last reading, and did not leap."""
        return abs(value - self._value) <= NEAR * self._reach

    def _is_leap(self, at: float, value: float) -> bool:
        is_known = not self._is_steady and self._readings > LEARNING
        return is_known and not self._low <= value <= self._high and self._leap.is_news(at - self._since)

    def _goes_on(self, at: float, value: float) -> bool:
        """Whether the slip that was found goes on with this reading."""
        if self._is_steady:
            return self._is_usual(value / self._leap.factor) and not self._is_usual(value)
        return not self._is_sensible(value) or self._leap.goes_on(at, value, self._extent)

    def _slipped(self, value: float) -> Mapping[str, float]:
        """What becomes of a reading while a slip lasts: 0 is 0 in every unit, and what is in doubt passes."""
        self._is_calm = False
        if value == 0.0:
            return {self.point: value, f"{self.point}!{UNIT}": value}
        verdict = self._reject(UNIT, value)
        is_wrong = self._is_steady or not self._is_sensible(value) or self._leap.is_wrong(value, self._extent)
        return verdict if is_wrong else {self.point: value, **verdict}

    @property
    def _extent(self) -> float:
        return max(self._top, -self._bottom)

    def _is_sensible(self, value: float) -> bool:
        return self._least <= value <= self._most

    def _refuted(self, held: float, value: float) -> Mapping[str, float]:
        """The reading, and the verdict on the one before it."""
        return {self.point: value, **self._reject(SPIKE, held)}

    def _senseless(self, at: float, value: float) -> Mapping[str, float] | None:
        """Hold a wild value back; the second in a row is a slip, a new level, or refutes the first."""
        self._is_calm = False
        held, self._wild = self._wild, value
        if held is None:
            return {}
        for factor in self._factors():
            if self._is_usual(held / factor) and self._is_usual(value / factor):
                self._leap.slipped(at, factor)
                self._wild = None
                self._count(UNIT, 1)
                return self._reject(UNIT, value)
        if 0.5 * abs(held) <= abs(value) <= 2.0 * abs(held) and held * value > 0:
            self._wild, self._is_calm = None, self._readings >= LEARNING
            self._least, self._most = min(self._least, 2.0 * value), max(self._most, 2.0 * value)
            self._widen(value)
            return None
        return self._reject(SPIKE, held)

    def _factors(self) -> tuple[float, ...]:
        return (*SLIPS, *(1 / slip for slip in SLIPS)) if self._is_steady else SLIPS

    def _is_usual(self, value: float) -> bool:
        if self._is_steady:
            return 0.8 * self._bottom <= value <= max(1.25 * self._top, self._high)
        return self._readings >= LEARNING and self._low <= value <= self._high

    # -- what it learns

    def _note(self, at: float, value: float) -> None:
        """Learn the finest digit and the run of a reading that goes the long way."""
        if self._since == inf:
            self._since = at
        self._readings += 1
        if value != self._value:
            if self._run:
                self._end_run()
            self._changes += value > self._idle
        else:
            self._run += 1
        self._value = value
        if not self._leap.is_open:
            self._leap.learn(value)

    def _widen(self, value: float) -> None:
        if self._leap.is_open or (self._is_steady and value == 0.0):  # without power
            return
        self._bottom, self._top = min(self._bottom, value), max(self._top, value)
        if not self._is_steady:
            self._idle = IDLE_SHARE * self._extent
            self._leap.forget_rest(self._idle)
            if self._longest_value <= self._idle:  # it was at rest
                self._longest, self._longest_value = 0, inf
        if self._readings < LEARNING:
            return
        if self._is_steady:
            reach = max(self._reach, self._top - self._bottom)
            self._low, self._high = max(self._least, self._bottom - reach), min(self._most, self._top + reach)
        else:
            self._low = max(self._least, -BEYOND * self._extent)
            self._high = min(self._most, BEYOND * self._extent)

    def _reject(self, reason: str, value: float) -> Mapping[str, float]:
        self._count(reason, 1)
        return {f"{self.point}!{reason}": value}

    def _count(self, reason: str, times: int) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + times

    # -- memory

    def memory(self) -> Sequence[Any]:
        """All it remembers, as JSON can carry it."""
        kept = (getattr(self, name) for name in _REMEMBERED)
        kept_finite = (None if value in (inf, -inf) else value for value in kept)
        return [self._bounds, *kept_finite, self._leap.memory(), dict(self.rejected)]

    @property
    def _bounds(self) -> list[float]:
        """What the configuration makes of it: with other bounds nothing that was learned is of use."""
        return [*self._sense, self._reach]

    def recall(self, memory: Sequence[Any]) -> None:
        """Take up a memory; an empty one is the beginning, and so is, but for `rejected`, one of other bounds."""
        bounds, *kept, leap, rejected = memory or ((), (), {})
        is_known = list(bounds) == self._bounds
        if not is_known:
            kept = [*_REMEMBERED.values()]
        for (name, begin), value in zip(_REMEMBERED.items(), kept, strict=True):
            setattr(self, name, begin if value is None else value)
        if not is_known:
            self._low, self._high = self._least, self._most = self._sense
        self._leap.recall(leap if is_known else ())
        self.rejected = dict(rejected)


_REMEMBERED: Mapping[str, Any] = {  # attribute -> its beginning
    "_value": inf, "_run": 0, "_patience": FEW_REPEATS, "_longest": 0, "_changes": 0, "_readings": 0, "_since": inf,
    "_longest_value": inf, "_bottom": inf, "_top": -inf, "_idle": 0.0, "_least": 0.0, "_most": 0.0, "_low": 0.0,
    "_high": 0.0, "_is_calm": False, "_wild": None,
}  # fmt: skip
