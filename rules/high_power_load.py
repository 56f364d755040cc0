"""A heater that is on: how a step of power becomes a load, and what later steps and readings make of it."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from rules.model import Severity
from rules.steps import HEATER, Step, is_resistive

SAME_SHARE = 0.12        # step sizes this close are the same appliance
BAND_SHARE = 0.07        # of an allowed appliance: the width of its band
STAYS_SHARE, GONE_SHARE = 0.7, 0.3  # of the load above the level before it
LEAST_SHARE = 0.9        # of the load: a circuit that draws less cannot carry it


class Load(NamedTuple):
    """A step that counts: `size` above the level `before`; `held_s` is how long readings saw it, `joules` what it used.

    `night_at` is when the night begins for it, `wanted` its severity by size, `severity` what was told,
    `slack_w` what small things may have added, `var` the reactive power that came with it.
    """

    since: float
    before: float
    size: float
    kind: str
    is_sure: bool
    night_at: float
    held_s: float = 0.0
    joules: float = 0.0
    gone_at: float | None = None
    wanted: int = Severity.MINOR
    severity: int | None = None  # None until it is raised
    slack_w: float = 0.0
    var: float | None = None

    def grown(self, step: Step, wanted: int) -> Self:
        """The load after the next slow reading shows more of it, unless that is something else."""
        more_w = step.size - self.size
        is_known = step.var is not None and self.var is not None
        if more_w <= 0 or (is_known and not is_resistive(more_w, (step.var or 0.0) - (self.var or 0.0))):
            return self
        return self._replace(size=step.size, wanted=max(self.wanted, wanted), var=step.var)

    def outdone(self, step: Step, kind: str, wanted: int, *, is_sure: bool) -> Self:
        """The load after another step up that counts: back, or outdone by a larger one or by a surer heater."""
        if kind != HEATER and self.kind == HEATER:
            return self
        if not self._is_here(step) or step.size > self.size or (kind == HEATER and self.kind != HEATER):
            back = self._replace(gone_at=None, before=step.before, size=step.size, var=step.var)
            return back._replace(kind=kind, is_sure=is_sure, wanted=max(self.wanted, wanted))
        return self

    def fallen(self, step: Step) -> Self:
        """The load after another step: gone, back by a small one, or told apart from what else is on."""
        level = step.before + step.size
        if self._is_here(step):
            if _is_same(-step.size, self.size):
                return self._replace(gone_at=step.since, before=level)
            if step.size < 0 and level >= LEAST_SHARE * self.size:  # another one went off, this may still be on
                return self._replace(before=min(self.before, level - self.size))
        elif _is_same(step.size, self.size):
            return self._replace(gone_at=None, before=step.before, size=step.size, var=step.var)
        return self

    def held(self, seen_s: float) -> Self:
        """The load after readings saw it for longer."""
        since, before, size, kind, is_sure, night_at, held_s, joules, gone_at, wanted, severity, slack_w, var = self
        return type(self)(
            since, before, size, kind, is_sure, night_at, held_s + seen_s, joules + size * seen_s, gone_at, wanted,
            severity, slack_w, var,
        )  # fmt: skip

    def stays(self, p: float) -> bool:
        """Whether a reading still has it."""
        return p - self.before >= STAYS_SHARE * self.size

    def is_gone(self, p: float) -> bool:
        """Whether a reading has no more of it."""
        return p - self.before <= GONE_SHARE * self.size

    def is_permitted(self, permit: Sequence[float], at: float) -> bool:
        """Whether a permit (watts, from, until) covers it."""
        watts, begin, end = permit
        return 0 < self.size <= watts * (1 + BAND_SHARE) + self.slack_w * (watts > 0) and begin <= at < end

    def _is_here(self, step: Step) -> bool:
        return self.gone_at is None or self.gone_at >= step.since


def _is_same(size: float, other: float) -> bool:
    return abs(size - other) <= SAME_SHARE * abs(other)
