"""Steps of power: when a circuit goes from one calm level to another, by how much, and what kind of load does that.

Strategy. While a circuit is calm its level (`base`) is followed. A reading far from it opens an *edge*. Where readings
come fast, the edge ends when three of them agree: what is between them and the base is the step, and how long it took
tells a heater, which is there at once, from an inverter, which glides. Where they come slowly (30 s and more) one
reading is all that a short run leaves, so it counts at once, and the next one may add to it: a mean may hold only part
of a run. What then goes on rising was a glide. A heater that comes a reading after a motor is a step of its own.
Reactive power says what came: none with a heater, some with a motor.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rules.model import Point

SETTLED_SAMPLES = 3
SETTLED_S = 8.0          # or two that are so far apart
SLOW_S = 30.0            # from this interval on one reading must do
RISE_S = 15.0            # a heater is there within this time
GLIDE_W_PER_S = 4.0      # an inverter takes its time: at most so fast
SAME_LEVEL = 0.05        # of the power: readings this close agree
DRIFT = 0.1              # how far the base follows a calm reading
HEATER_SHARE, HEATER_VAR = 0.10, 15.0     # a heater's reactive power, by its power
OTHER_SHARE, OTHER_W = 0.30, 600.0        # a magnetron or an induction plate: more than a heater, less than a motor
HALF_WAVE, HALF_WAVE_W = (0.9, 1.1), 400.0  # half of the wave gives as much non-active power as power

CYCLE_SHARE = 0.15       # steps this close are the same compressor: other things go on and off with it
CYCLES, KNOWN = 3, 5     # so often within CYCLES_S it comes and goes for now; so often, and it stays known
CYCLES_S, KNOWN_S = 6 * 3600.0, 7 * 86_400.0
REST_S = 180.0           # a compressor rests three minutes before it starts again; a thermostat need not
MOST_SIZES = 8

HEATER, OTHER, HALF, MOTOR, GLIDE = "heater", "other", "half_wave", "motor", "glide"

SOCKETS, BUILT_IN = "sockets", frozenset({"lighting", "ac", "hot_water", "projector", "emergency", "security"})

_Edge = tuple[float, float, float, int, float]  # since, level since, level, readings in it, var with it
Level = tuple[float | None, float, float, float, float | None, _Edge | None]
"""Heard at, base, its var, the last var, when that was heard, the edge; a plain tuple, as each reading makes one."""
NOTHING: Level = (None, 0.0, 0.0, 0.0, None, None)


class Step(NamedTuple):
    """From one level to another: `var` came with it (None: not known); `covered_s` is how long readings saw it.

    `may_grow`: it was seen in one slow reading, and the next may show more of it.
    """

    since: float
    before: float
    size: float
    var: float | None
    is_quick: bool
    covered_s: float
    is_slow: bool = False
    may_grow: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """Finds the steps of one circuit; `step_w` is the least of interest, `edge_w` what opens an edge."""

    holds_s: float
    step_w: float
    edge_w: float
    noise_w: float

    def follow(self, level: Level, at: float, p: float, q: float | None) -> tuple[Level, tuple[Step, ...]]:
        """The level after a reading, and the steps that it ends."""
        heard, base, base_q, last_q, q_at, edge = level
        if q is None:
            q = last_q
        else:
            if q_at is None:
                base_q = q
            q_at = at
        if edge is None and -self.edge_w < p - base < self.edge_w and heard is not None and at - heard <= self.holds_s:
            return (at, base + DRIFT * (p - base), base_q + DRIFT * (q - base_q), q, q_at, None), ()
        if heard is None or at - heard > self.holds_s:  # nothing is known of how it came here
            return (at, p, q, q, q_at, None), ()
        moving = (at, base, base_q, q, q_at, edge)
        return self._slow(moving, p, at - heard) if at - heard >= SLOW_S else self._fast(moving, p, at - heard)

    def _agree(self, p: float, level: float) -> bool:
        return abs(p - level) <= max(self.noise_w, SAME_LEVEL * abs(p))

    def _fast(self, x: Level, p: float, dt: float) -> tuple[Level, tuple[Step, ...]]:
        """Readings are gathered until they agree."""
        at, base, base_q, q, q_at, edge = x
        assert at is not None
        since, level_at, level, agreeing, _ = edge or (at, at, p, 0, base_q)
        if self._agree(p, level):
            agreeing += 1
            level += (p - level) / agreeing
        else:
            if at - since > RISE_S and abs(p - level) >= self.step_w:  # a new step on a restless circuit
                since, base, base_q = at, level, edge[4] if edge else base_q
            level_at, level, agreeing = at, p, 1
        if agreeing < SETTLED_SAMPLES and not (agreeing > 1 and at - level_at >= SETTLED_S):
            return (at, base, base_q, q, q_at, (since, level_at, level, agreeing, q)), ()
        var = q - base_q if q_at is not None and q_at >= level_at else None
        is_quick = level_at - since <= max(RISE_S, dt)
        return (at, level, q, q, q_at, None), (Step(since, base, level - base, var, is_quick, at - since),)

    def _slow(self, x: Level, p: float, dt: float) -> tuple[Level, tuple[Step, ...]]:
        """A reading counts at once; what follows may add to it, or show that it glides."""
        at, base, base_q, q, q_at, edge = x
        assert at is not None
        if edge is None:
            return self._opened(x, p, dt)
        since, level_at, level, count, level_q = edge
        is_up = level > base
        if (p > level if is_up else p < level) and not self._agree(p, level):
            steps: tuple[Step, ...] = ()
            var = q - base_q if q_at is not None and q_at >= at else None
            was_heater = var is None or count > 1 or is_resistive(level - base, level_q - base_q)
            is_own = p - level >= max(self.step_w, GLIDE_W_PER_S * dt + self.edge_w)
            if is_own and not was_heater and is_resistive(p - level, q - level_q):  # one on top of something else
                return self._opened((at, level, level_q, q, q_at, None), p, dt)
            was_told = level - base >= self.step_w  # else it may be the begin of a glide
            least_w = self.step_w if was_told else max(self.step_w, GLIDE_W_PER_S * 2 * dt + self.edge_w)
            if is_up and count == 1 and p - base >= least_w:
                steps = (Step(since, base, p - base, var, True, at - since + dt, True),)
            return (at, base, base_q, q, q_at, (since, at, p, count + 1, q)), steps
        is_settled = count == 1 or (count == 2 and self._agree(p, level) and q_at is not None)
        var = level_q - base_q if q_at is not None and q_at >= level_at else None
        step = Step(since, base, level - base, var, is_settled or not is_up, at - since, True)
        if abs(p - level) < self.edge_w:
            return (at, p, q, q, q_at, None), (step,)
        after, more = self._opened((at, level, level_q, q, q_at, None), p, dt)
        return after, (step, *more)

    def _opened(self, x: Level, p: float, dt: float) -> tuple[Level, tuple[Step, ...]]:
        at, base, base_q, q, q_at, _ = x
        assert at is not None
        steps: tuple[Step, ...] = ()
        if p - base >= self.step_w:
            var = q - base_q if q_at is not None and q_at >= at else None
            steps = (Step(at, base, p - base, var, True, dt, True, may_grow=True),)
        return (at, base, base_q, q, q_at, (at, at, p, 1, q)), steps


def is_resistive(watts: float, var: float) -> bool:
    """Whether so much reactive power is what a heater has."""
    return abs(var) <= max(HEATER_SHARE * abs(watts), HEATER_VAR)


def load_of(step: Step) -> str:
    """What kind of load a step is, as far as its speed and its reactive power tell; without the latter a heater."""
    if not step.is_quick:
        return GLIDE
    if step.var is None:
        return HEATER
    if is_resistive(step.size, step.var):
        return HEATER
    var = abs(step.var)
    if step.size >= HALF_WAVE_W and HALF_WAVE[0] * step.size <= var <= HALF_WAVE[1] * step.size:
        return HALF
    is_other = step.size >= OTHER_W and var <= OTHER_SHARE * step.size and not step.is_slow
    return OTHER if is_other else MOTOR


def plugged(points: Iterable[Point]) -> list[Point]:
    """The circuits of a place that people plug into, by their power: its sockets, else all but what is built in."""
    powers = [point for point in points if point.quantity == "power_w"]
    return [point for point in powers if point.part == SOCKETS] or [p for p in powers if p.part not in BUILT_IN]


# -- what comes and goes


Seen = tuple[tuple[float, int, float, float], ...]
"""Sizes of steps: watts, how often, the first time, the last time."""


def counted(seen: Seen, size: float, at: float) -> tuple[Seen, int]:
    """The table with this step in it, and how often its size came, as a compressor's does."""
    fresh = [row for row in seen if at - row[3] <= (KNOWN_S if row[1] >= KNOWN else CYCLES_S)]
    like = [row for row in fresh if abs(size - row[0]) <= CYCLE_SHARE * row[0]]
    if not like:
        return (*fresh, (size, 1, at, at))[-MOST_SIZES:], 1
    known = max(like, key=lambda row: row[1])
    others = [row for row in fresh if row is not known]
    mean, times, first, last = known
    if at - last < REST_S:
        return (*others, (mean, times, first, at)), times
    if times < KNOWN and at - first > CYCLES_S:
        times, first = 0, at
    times += 1
    return (*others, (mean + (size - mean) / min(times, KNOWN), times, first, at)), times


def cycles(seen: Seen) -> bool:
    """Whether something here comes and goes like a compressor."""
    return any(row[1] >= CYCLES for row in seen)
