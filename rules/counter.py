"""Counters as continuous registers that never fall, whatever the meter's own digits do; and flow from volume.

Strategy. A register is followed along a *track*: a reading on it rises by no more than the place could have used since
the last one. A reading off the track is explained, in this order, by a declared exchange, by a rollover (only if the
track was within reach of the modulus), or by a slip of the unit (rejected for as long as it lasts); else it is held
back. When the track goes on, what was held was a spike. When three readings agree on a new track the register did
change, nobody knows by how much the old one had risen, and so nothing is counted for the time between: never a guess,
never a negative. The track before is kept, so that a register that comes back loses nothing.

Flow is what rose over the time it took. A pulse meter rises by whole pulses: one pulse is spread over the time since
the pulse before, and while none comes the flow is at most a pulse over the time waited, so that it sinks instead of
falling to nothing and back.
"""

from collections.abc import Mapping, Sequence
from math import ulp
from typing import Any, NamedTuple

COUNTER, SPIKE, UNIT = "counter", "spike", "unit"
SLIPS = (1000.0, 100.0, 10.0, 0.1, 0.01, 0.001)
AGREEING = 3            # readings that make a new track
JITTER_S = 60.0         # readings may come this much sooner or later than they were taken
TYPICAL = 4.0           # times its own mean: what a rollover may have used while nobody listened
FRESH_S = 3600.0        # without a history of its own only a gap this short can hide a rollover
NEAR_S = 86_400.0       # a declared exchange may be this far from its time
PRECISE = 0.1           # of the reading: a slip is told from chance only where the track is known this well
LEARNED_S = 86_400.0    # after which a counter's own pace counts
OWN_FASTEST = 10.0      # times its own fastest: more is held back until it is confirmed
LEAST_SHARE = 0.1       # of the most that a place may use: what is always believed
FADED = 0.1             # of the last flow: so many pulses are missing that nothing flows any more
MOST_FASTER = 20.0      # times what was thought: what a place may turn out to use
KEPT_SHIFTS = 8
MODULI = tuple(10.0**digits for digits in range(3, 9))

_RATES: Mapping[str, tuple[float, float, float]] = {  # an hour's most in a small place, a large one, a building
    "energy_kwh": (25.0, 500.0, 5_000.0),
    "reactive_energy_kvarh": (25.0, 500.0, 5_000.0),
    "heat_kwh": (50.0, 2_000.0, 20_000.0),
    "volume_m3": (18.0, 180.0, 1_200.0),
    "gas_m3": (18.0, 180.0, 5_000.0),
}
LITRES_PER_M3 = 1000.0


class Exchange(NamedTuple):
    """A meter was replaced: when, the last reading of the old one, the first of the new one."""

    at: float
    old: float
    new: float


class CounterRefiner:
    """One counter of a place of `size` 0 to 2; `flow` is the point of the flow that is derived from it, if any."""

    __slots__ = (
        "_at", "_before", "_done", "_exchanges", "_fastest", "_first_rate", "_flow", "_flow_point", "_grain", "_held",
        "_is_calm", "_is_learned", "_moduli", "_most", "_moved_at", "_offset", "_peak", "_rate", "_raw", "_shifts",
        "_since", "_slip", "_start", "point", "rejected",
    )  # fmt: skip
    signature = "counter:2"
    _raw: float        # the last good reading, and when it was
    _at: float
    _offset: float     # from it to the continuous register
    _since: float      # when the first one was, and what the register was then
    _start: float
    _rate: float       # what is believed at once, and what is possible (a second)
    _most: float
    _fastest: float
    _is_learned: bool
    _grain: float      # the smallest rise: a pulse
    _is_calm: bool
    _held: tuple[Any, ...]    # first, count, agreeing, last, its time, pace, how often it rose at that pace
    _before: tuple[Any, ...]  # the track that was left: reading, time, offset
    _slip: tuple[Any, ...]    # factor, the reading without it, its time
    _done: float       # the time of the last exchange that was used
    _shifts: tuple[tuple[float, float], ...]  # when the offset changed, and what it was
    _moved_at: float
    _flow: float
    _peak: float
    rejected: dict[str, int]

    def __init__(
        self, point: str, quantity: str, *, size: int, flow: str = "", modulus: float | None = None,
        exchanges: Sequence[Exchange] = (),
    ) -> None:  # fmt: skip
        self.point = point
        self._first_rate = _RATES[quantity][size] / 3600.0
        self._flow_point = flow
        self._moduli = MODULI if modulus is None else (modulus,)
        self._exchanges = tuple(sorted(exchanges))
        self.recall(())

    def refine(self, at: float, value: float) -> Mapping[str, float] | None:
        """The continuous register, and the flow where it is derived; or what stands in for a bad reading."""
        rise = value - self._raw
        if 0.0 <= rise <= self._rate * (at - self._at + JITTER_S) + 2.0 * self._grain and self._is_calm:
            return self._on_track(at, value, rise)
        return self._off_track(at, value)

    def repeated(self, reason: str, times: int) -> None:
        """Note readings that came besides another one of the same time."""
        self._count(reason, times)

    @property
    def derives(self) -> Sequence[str]:
        """The point of the flow, if there is one."""
        return (self._flow_point,) if self._flow_point else ()

    @property
    def derived(self) -> Mapping[str, tuple[float, float]]:
        """The newest flow, by its point."""
        return {self._flow_point: (self._at, self._flow)} if self._flow_point and self._since else {}

    def as_of(self, at: float) -> "CounterRefiner":
        """A fresh one for the readings after `at`, on the same continuous scale as this one."""
        out = CounterRefiner.__new__(CounterRefiner)
        out.point, out._flow_point, out._moduli = self.point, self._flow_point, self._moduli
        out._exchanges = self._exchanges
        out._first_rate = self._most
        out.recall(())
        out._grain = self._grain
        out._offset = next((offset for when, offset in self._shifts if when > at), self._offset)
        return out

    # -- on the track

    def _on_track(self, at: float, value: float, rise: float) -> Mapping[str, float] | None:
        waited = at - self._at
        self._at = at
        if rise > 0.0:
            self._raw = value
            if rise > self._grain:
                if rise - self._grain > self._fastest * (waited + JITTER_S):
                    self._fastest = (rise - self._grain) / (waited + JITTER_S)
                    self._learn(at)
            elif rise > 1e-6:
                self._grain = rise
            if not self._is_learned and at - self._since >= LEARNED_S:
                self._is_learned = True
                self._learn(at)
        if self._flow_point:
            self._flow = self._flowing(at, rise, waited)
            if rise > 0.0:
                self._moved_at = at
            return {self.point: value + self._offset, self._flow_point: self._flow}
        return None if self._offset == 0.0 else {self.point: value + self._offset}

    def _learn(self, at: float) -> None:
        """Narrow what is believed at once to what the counter's own pace makes likely."""
        if self._is_learned:
            self._rate = min(self._most, max(OWN_FASTEST * self._fastest, LEAST_SHARE * self._most))

    def _flowing(self, at: float, rise: float, waited_s: float) -> float:
        """L/min since the reading before."""
        if waited_s <= 0.0:
            return self._flow
        if rise > 0.0:
            since = max(at - self._moved_at, waited_s) if self._moved_at and rise < 1.5 * self._grain else waited_s
            self._peak = rise * LITRES_PER_M3 * 60.0 / since
            return self._peak
        if self._flow == 0.0:
            return 0.0
        most = self._grain * LITRES_PER_M3 * 60.0 / max(at - self._moved_at, waited_s)
        return 0.0 if most < FADED * self._peak else min(self._flow, most)

    # -- off the track

    def _off_track(self, at: float, value: float) -> Mapping[str, float] | None:
        if self._since == 0.0:
            self._since = self._at = self._moved_at = at
            self._start, self._raw, self._is_calm = value + self._offset, value, True
            return None if self._offset == 0.0 else {self.point: value + self._offset}
        rise = value - self._raw
        if self._is_within(rise, at - self._at):
            held, self._held, self._slip, self._is_calm = self._held, (), (), True
            good = self._on_track(at, value, rise)
            if not held:
                return good
            return {**(good or {self.point: value + self._offset}), **self._reject(SPIKE, held[3], times=int(held[1]))}
        explained = self._exchanged(at, value) or self._rolled_over(at, value) or self._returned(at, value)
        if explained:
            return explained
        slip = self._slipped(at, value)
        if slip:
            self._slip, self._is_calm = (slip, value / slip, at), False
            return self._reject(UNIT, value)
        return self._hold(at, value)

    def _is_within(self, rise: float, elapsed_s: float) -> bool:
        return 0.0 <= rise <= self._rate * (elapsed_s + JITTER_S) + 2.0 * self._grain

    def _exchanged(self, at: float, value: float) -> Mapping[str, float] | None:
        """A declared exchange near its time, if it explains the reading."""
        for exchange in self._exchanges:
            elapsed_s = max(at - self._at, 0.0)
            if exchange.at <= self._done or abs(at - exchange.at) > NEAR_S + elapsed_s:
                continue
            used = max(exchange.old - self._raw, 0.0)
            near = 2.0 * self._grain  # people write fewer digits than the register has
            if self._is_within(value - exchange.new + near, elapsed_s) and exchange.old >= self._raw - near:
                self._done = exchange.at
                used += max(value - exchange.new, 0.0)
                return self._shift(at, value, self._raw + self._offset + used)
        return None

    def _rolled_over(self, at: float, value: float) -> Mapping[str, float] | None:
        reach = self._typical(at - self._at)
        for modulus in self._moduli:
            used = modulus - self._raw + value
            if 0.0 <= value < self._raw < modulus and used <= reach:
                return self._shift(at, value, self._raw + self._offset + used)
        return None

    def _typical(self, elapsed_s: float) -> float:
        """The most that a counter of this pace rose in a time: a gap of days is no time of full use."""
        reach = self._rate * (min(elapsed_s, FRESH_S) + JITTER_S) + 2.0 * self._grain
        if elapsed_s > FRESH_S and self._is_learned:
            reach += TYPICAL * (self._raw + self._offset - self._start) / (self._at - self._since) * elapsed_s
        return reach

    def _returned(self, at: float, value: float) -> Mapping[str, float] | None:
        """The track before the last change goes on: what was between was no register."""
        if not self._before:
            return None
        raw, when, offset = self._before
        if not self._is_within(value - raw, at - when):
            return None
        self._before = ()
        return self._shift(at, value, max(value + offset, self._raw + self._offset))

    def _slipped(self, at: float, value: float) -> float:
        """The factor by which a reading is the track in another unit; 0: it is not."""
        if self._slip:
            factor: float
            factor, last, when = self._slip
            return factor if self._is_within(value / factor - last + self._grain, at - when) else 0.0
        reach = self._typical(at - self._at)
        if self._raw <= 0.0 or reach > max(PRECISE * self._raw, 4.0 * self._grain):
            return 0.0
        return next((slip for slip in SLIPS if 0.0 <= value / slip - self._raw + self._grain <= reach), 0.0)

    def _hold(self, at: float, value: float) -> Mapping[str, float] | None:
        """Hold a reading back; three that agree are a new track, or show that the place uses more than was thought."""
        self._is_calm = False
        if not self._held:
            self._held = (value, 1, 1, value, at, 0.0, 0)
            return {}
        first, count, agreeing, last, last_at, pace, rising = self._held
        rise, elapsed_s = value - last, max(at - last_at, 0.001)
        if self._is_within(rise, elapsed_s):
            self._held = (first, count + 1, agreeing + 1, value, at, 0.0, 0)
            return self._adopt(at, value) if agreeing + 1 >= AGREEING else {}
        if rise > 0.0 and (rising == 0 or 0.25 <= rise / elapsed_s / pace <= 4.0):
            self._held = (value, count + 1, 1, value, at, rise / elapsed_s, rising + 1)
            if rising + 1 >= AGREEING and 2.0 * rise / elapsed_s <= MOST_FASTER * self._most:
                self._rate, self._held = 2.0 * rise / elapsed_s, ()
                self._most = max(self._most, self._rate)
                return self._off_track(at, value)
            return {}
        self._held = (value, 1, 1, value, at, 0.0, 0)
        return self._reject(SPIKE, last, times=int(count))

    def _adopt(self, at: float, value: float) -> Mapping[str, float]:
        """A new track: what rose on it counts, what happened between the two does not."""
        first = self._held[0]
        self._before = (self._raw, self._at, self._offset)
        out = self._shift(at, value, self._raw + self._offset + value - first)
        return {**out, **self._reject(COUNTER, value)}

    def _shift(self, at: float, value: float, register: float) -> Mapping[str, float]:
        """Go on from this reading at this place of the continuous register."""
        self._shifts = (*self._shifts, (at, self._offset))[-KEPT_SHIFTS:]
        before = self._raw + self._offset
        waited, rise = at - self._at, max(register - before, 0.0)
        self._offset, self._raw, self._at = before + rise - value, value, at
        if value + self._offset < before:  # by the last digit that a float has: it must not fall at all
            self._offset += 2.0 * ulp(max(abs(value), abs(before)))
        register = value + self._offset
        self._held, self._slip, self._is_calm = (), (), True
        out = {self.point: register}
        if self._flow_point and waited > 0.0:
            self._flow = self._peak = rise * LITRES_PER_M3 * 60.0 / waited
            self._moved_at = at
            out[self._flow_point] = self._flow
        return out

    def _reject(self, reason: str, value: float, *, times: int = 1) -> dict[str, float]:
        self._count(reason, times)
        return {f"{self.point}!{reason}": value}

    def _count(self, reason: str, times: int) -> None:
        self.rejected[reason] = self.rejected.get(reason, 0) + times

    # -- memory

    def memory(self) -> Sequence[Any]:
        """All it remembers, as JSON can carry it."""
        return [self._first_rate, *(getattr(self, name) for name in _REMEMBERED), dict(self.rejected)]

    def recall(self, memory: Sequence[Any]) -> None:
        """Take up a memory; an empty one is the beginning.

        In a place of another size the register goes on, but what is believed at once is learned anew.
        """
        first_rate, *kept, rejected = memory or (None, *_REMEMBERED.values(), {})
        for name, value in zip(_REMEMBERED, kept, strict=True):
            setattr(self, name, _frozen(value))
        if first_rate != self._first_rate:
            self._rate, self._most, self._is_learned = self._first_rate, self._first_rate, False
        self.rejected = dict(rejected)


_REMEMBERED: Mapping[str, Any] = {  # attribute -> its beginning
    "_raw": 0.0, "_at": 0.0, "_offset": 0.0, "_since": 0.0, "_start": 0.0, "_rate": 0.0, "_most": 0.0,
    "_fastest": 0.0, "_is_learned": False, "_grain": 1.0, "_is_calm": False, "_held": (), "_before": (), "_slip": (),
    "_done": 0.0, "_shifts": (), "_moved_at": 0.0, "_flow": 0.0, "_peak": 0.0,
}  # fmt: skip


def _frozen(item: Any) -> Any:
    return tuple(map(_frozen, item)) if isinstance(item, list) else item
