"""A slip of the unit within what is sensible: a gauge that reads all it ever read times 10, 100 or 1000.

Strategy. Size alone tells nothing: a kettle beside a lamp is a factor of fifty. What tells is that a slipped reading
has lost its last digits, and that divided by the factor it is a level this gauge stood at before. Each different
reading since a leap above all so far is one piece of evidence, weighed by how likely a slip and how likely a real load
gives it (one reading in ten is round by chance); one reading with all its digits ends the suspicion. Fractions of no
fixed step have no digits to lose: there only levels that came again count. A pipe bounds its flow: far more than ever,
again and again with rest between, is in doubt: a burst does not rest.
"""

from collections.abc import Sequence
from math import inf, log
from typing import Any, NamedTuple

SLIPS = (10.0, 100.0, 1000.0)
BEYOND = 1.25           # times all so far: a leap
FAR = 2.0               # times all so far: a leap that nothing explains in a pipe
FARTHEST = 4.0          # and at least one of these
FLOWS = 6               # such flows and returns to them, together
LEARNED_S = 43_200.0    # before it a leap is no news
PIPE_LEARNED_S = 604_800.0
SUSPECTED_S = 86_400.0  # after it a leap was an honest one
LASTS_S = 21_600.0      # a slip after its last leap, where no digit tells
FINEST = 2e-3           # a digit below it is none
MOST_LEVELS = 32
MOST_VALUES = 24        # different readings: what they do not tell no more of them will
COMPLETE = 30           # times as many runs as levels without a new one: these are all there are
DOUBTFUL = 5.5          # nats: by chance once in 250 leaps
SURE, SURE_LEVELS = 11.5, 3  # once in 100,000, and so many levels came again
ROUND = 0.1             # of real readings lose a digit by chance
AGAIN = 2.8             # nats of a level that came again, where there are no digits
MISS, MISSES = 0.1, 3.0  # of a reading there that is none, and of all of these


class Slip(NamedTuple):
    """The likeliest factor, how much speaks for it, and how many levels came again."""

    factor: float
    nats: float
    again: int

    @property
    def is_sure(self) -> bool:
        """Whether its readings are worth nothing; one digit alone some meters leave out for large loads."""
        return self.nats >= SURE and (self.factor > SLIPS[0] or self.again >= SURE_LEVELS)


class LeapCheck:
    """What one gauge was like, and the leap above it that is looked at; its memory is a list of its attributes."""

    __slots__ = (
        "_began", "_familiar", "_grain", "_is_far", "_is_piped", "_leaps", "_leapt", "_levels", "_misses", "_values",
        "factor", "is_sure",
    )  # fmt: skip
    factor: float      # of the slip that lasts, or 0
    is_sure: bool
    _grain: float      # the finest digit; 0: there is none
    _levels: tuple[float, ...]  # in use, that came twice in a row
    _familiar: int     # runs since a new one of them
    _values: tuple[float, ...]  # different readings since the leap, the farthest first
    _misses: int       # others, that told nothing
    _began: float
    _leaps: int        # from rest to far above all so far, the newest at `_leapt`
    _leapt: float
    _is_far: bool

    def __init__(self, *, is_piped: bool) -> None:
        self._is_piped = is_piped
        self.recall(())

    # -- what it was like

    def learn(self, value: float) -> None:
        """Learn the finest digit."""
        while self._grain and not _is_multiple(value, self._grain):
            self._grain = self._grain / 10.0 if self._grain > FINEST else 0.0

    def learn_level(self, level: float) -> None:
        """Learn a value in use that came twice in a row."""
        if self._values or len(self._levels) >= MOST_LEVELS:
            return
        if level in self._levels:
            self._familiar += 1
            return
        self._levels, self._familiar = (*self._levels, level), 0
        self.learn(level)

    def forget_rest(self, idle: float) -> None:
        """Forget levels that turned out to be rest."""
        self._levels = tuple(level for level in self._levels if level > idle)

    # -- a leap

    @property
    def is_open(self) -> bool:
        """Whether readings since a leap are looked at."""
        return bool(self._values)

    @property
    def _is_pipe(self) -> bool:
        return self._is_piped and not self._grain

    def is_news(self, known_s: float) -> bool:
        """Whether a leap is worth a look in a gauge that is known for so long."""
        return known_s >= (PIPE_LEARNED_S if self._is_pipe else LEARNED_S)

    def look(self, at: float, values: Sequence[float], extent: float) -> Sequence[float]:
        """Look at readings since a leap above `extent`; those of a leap that proves honest, once it does."""
        if not self._values:
            self._began, self._leaps, self._misses = at, 0, 0
        newest = abs(values[-1])
        if newest > FAR * extent:
            self._leaps += not self._is_far
            self._is_far = True
        elif newest <= extent:
            self._is_far = False
        for value in values:
            self._collect(value, extent)
        slip = self._weighed(extent)
        if slip.nats >= DOUBTFUL:
            self.factor, self.is_sure, self._leapt = slip.factor, slip.is_sure, at
            return ()
        is_old = not self._grain and newest in self._levels
        is_late = len(self._values) >= MOST_VALUES or at - self._began > SUSPECTED_S
        if slip.nats >= -DOUBTFUL and not is_old and not is_late:
            return ()
        honest = self._values
        self.end()
        return honest

    def slipped(self, at: float, factor: float) -> None:
        """Note a slip that was found by what is sensible."""
        self.factor, self.is_sure, self._leapt = factor, True, at

    def goes_on(self, at: float, value: float, extent: float) -> bool:
        """Whether a sensible reading belongs to the slip that lasts; 0 is 0 in every unit."""
        if self._grain:
            is_of_it = _is_multiple(value, self.factor * self._grain)
            if is_of_it and not self.is_sure and value != 0.0:
                self._collect(value, extent)
                self.is_sure = self._weighed(extent).is_sure
            return is_of_it
        if abs(value) > extent:
            self._leapt = at
        return at - self._leapt <= LASTS_S

    def is_wrong(self, value: float, extent: float) -> bool:
        """Whether a reading of the slip that lasts is worth nothing; else it is in doubt."""
        return self.is_sure and (self._grain > 0.0 or abs(value) > extent)

    def end(self) -> None:
        """Leave the leap."""
        self.factor, self.is_sure, self._values, self._is_far = 0.0, False, (), False

    def _collect(self, value: float, extent: float) -> None:
        """Keep a different reading that says something."""
        kept = self._values
        if value == 0.0 or value in kept or len(kept) >= MOST_VALUES:
            return
        if not kept or abs(value) > abs(kept[0]):
            self._values = (value, *kept)
        elif self._grain:
            self._values = (*kept, value)
        elif abs(value) > FAR * extent if self._is_piped else self._is_again(value):
            self._values = (*kept[: MOST_VALUES - 2], value)
        elif abs(value) > extent:
            self._misses += 1

    def _is_again(self, value: float) -> bool:
        return any(_is_among(abs(value) / factor, self._levels) for factor in SLIPS)

    # -- weighing

    def _weighed(self, extent: float) -> Slip:
        """The likeliest slip."""
        slips = [self._by_values(factor, extent) for factor in SLIPS]
        if self._is_pipe:
            slips.append(self._by_pipe(extent))
        return max(slips, key=lambda slip: slip.nats)

    def _by_values(self, factor: float, extent: float) -> Slip:
        nats, again = -min(self._misses * MISS, MISSES), 0
        most = (BEYOND if self._grain else FAR) * extent
        for value in self._values:
            before = abs(value) / factor
            if before > most or (self._grain and not _is_multiple(value, factor * self._grain)):
                return Slip(factor, -inf, 0)
            is_level = _is_among(before, self._levels)
            again += is_level
            nats += self._by_digit(before, extent, is_level=is_level) if self._grain else AGAIN * is_level
        return Slip(factor, nats, again)

    def _by_digit(self, before: float, extent: float, *, is_level: bool) -> float:
        """What it says that a reading lost a digit, and that by the factor it is, or is not, a level of before."""
        nats = log((1.0 - ROUND / 2.0) / ROUND)
        if not self._levels or before < min(self._levels):
            return nats
        is_complete = self._familiar >= COMPLETE * len(self._levels)
        by_slip = 0.95 if is_complete else 0.5
        by_chance = min(0.9, len(self._levels) * self._grain / (BEYOND * extent))
        if is_level:
            return nats + max(0.0, log(by_slip / by_chance))
        if is_complete:
            return nats + min(0.0, log((1.0 - by_slip) / (1.0 - by_chance)))
        return nats

    def _by_pipe(self, extent: float) -> Slip:
        farthest = abs(self._values[0])
        factor = next((factor for factor in SLIPS if farthest <= FAR * factor * extent), 0.0)
        if not factor:
            return Slip(factor, -inf, 0)
        far = sum(abs(value) > FAR * extent for value in self._values)
        is_found = farthest > FARTHEST * extent and self._leaps > 1 and far + self._leaps >= FLOWS
        return Slip(factor, DOUBTFUL if is_found else 0.0, 0)

    # -- memory

    def memory(self) -> list[Any]:
        """All it remembers, as JSON can carry it."""
        return [getattr(self, name) for name in _REMEMBERED]

    def recall(self, memory: Sequence[Any]) -> None:
        """Take up a memory; an empty one is the beginning."""
        for (name, begin), value in zip(_REMEMBERED.items(), memory or _REMEMBERED.values(), strict=True):
            setattr(self, name, tuple(value) if isinstance(begin, tuple) else value)


_REMEMBERED: dict[str, Any] = {  # attribute -> its beginning
    "factor": 0.0, "is_sure": False, "_grain": 1000.0, "_levels": (), "_familiar": 0, "_values": (), "_misses": 0,
    "_began": 0.0, "_leaps": 0, "_leapt": 0.0, "_is_far": False,
}  # fmt: skip


def _is_among(value: float, levels: Sequence[float]) -> bool:
    return any(abs(value - level) <= 1e-6 * value for level in levels)


def _is_multiple(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-6
