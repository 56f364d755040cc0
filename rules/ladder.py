"""A ladder of alarm lines on one value: each rung with its own on-delay, all with one deadband and one off-delay.

Strategy. A value climbs a rung when it passes its line, and stands on it until it is back by the deadband. A rung is
told when readings have shown the value on it for its delay, and only at a reading, so no single one raises an alarm.
What was told ends when the value has been off the lowest rung for the off-delay. Time counts as far as readings speak;
a gap counts for nothing, and ends nothing.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rules.model import Delivery, Hold, Severity, Turn

SLACK_S = 0.001  # times are kept to the millisecond
OFF = -1.0       # seconds on a rung where the value does not stand
PROMPT_S = 800.0  # a reading that speaks for longer comes on change, and not again to confirm itself


class Rung(NamedTuple):
    """One line: how long beyond it until it is told, and how gravely."""

    line: float
    delay_s: float
    severity: Severity
    delivery: Delivery = Delivery.PAGE


class Climb(NamedTuple):
    """How a value stands against its ladder: a part of a watch's state, also as the plain tuple that JSON makes of it.

    `covered_s` is by rung, OFF where the value does not stand; `since` is when it reached the lowest; `told` counts the
    rungs told; `calm_s` is how long it has been back; `extreme` the furthest value since it began.
    """

    at: float | None = None
    value: float = 0.0
    covered_s: tuple[float, ...] = ()
    since: float | None = None
    told: int = 0
    calm_s: float = OFF
    extreme: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Lines that one value should not pass, the mildest first; with `falls` they are floors."""

    rungs: tuple[Rung, ...]
    deadband: float
    clear_s: float
    falls: bool = False

    def __post_init__(self) -> None:
        for mild, grave in pairwise(self.rungs):
            assert not self._beyond(mild.line, grave.line), f"{grave} is reached before {mild}"
            assert mild.severity <= grave.severity, f"{grave} is milder than {mild}"

    def step(self, climb: Climb, at: float, value: float, *, holds_s: float) -> tuple[Climb, Turn | None]:
        """The climb after a reading that speaks for `holds_s`, and whether something is to be told of it."""
        before, _, covered_s, since, told, calm_s, extreme = climb
        seen_s = 0.0 if before is None else min(at - before, holds_s)
        if since is None and not self._beyond(value, self.rungs[0].line):
            return Climb(at, value), None
        covered_s = tuple(
            self._on(rung, on_s, value, seen_s)
            for rung, on_s in zip(self.rungs, covered_s or (OFF,) * len(self.rungs), strict=True)
        )
        extreme = value if since is None else min(extreme, value) if self.falls else max(extreme, value)
        since = at if since is None else since
        if told:
            is_back = not self._beyond(value, self._eased(self.rungs[0].line))
            calm_s = (max(calm_s, 0.0) + seen_s if calm_s != OFF else 0.0) if is_back else OFF
            if is_back and calm_s >= self.clear_s - SLACK_S:
                return Climb(at, value, (), since, told, calm_s, extreme), Turn.CLEARED
        elif covered_s[0] == OFF:
            return Climb(at, value), None
        due = self._due(covered_s, told, is_first=before is None)
        turn = None if due == told else Turn.UPDATED if told else Turn.RAISED
        return Climb(at, value, covered_s, since, due, calm_s, extreme), turn

    def after(self, climb: Climb) -> Climb:
        """The climb that begins when one has ended."""
        return Climb(climb.at, climb.value)

    def told(self, climb: Climb) -> Rung:
        """The gravest rung that was told."""
        return self.rungs[climb.told - 1]

    def covered_s(self, climb: Climb) -> float:
        """How long readings have shown the value beyond the lowest line."""
        return max(0.0, climb.covered_s[0]) if climb.covered_s else 0.0

    def hold(self, climb: Climb, at: float, *, holds_s: float) -> Hold | None:
        """The rung that will be told next, while nothing is told yet."""
        if climb.since is None or climb.told or climb.at is None:
            return None
        more_s = min(at - climb.at, holds_s)
        running = [
            (min(on_s + more_s, rung.delay_s), rung.delay_s)
            for rung, on_s in zip(self.rungs, climb.covered_s, strict=True)
            if on_s != OFF
        ]
        covered_s, needed_s = min(running, key=lambda x: x[1] - x[0])
        return Hold(climb.since, covered_s, needed_s)

    def lapse(self, climb: Climb, *, holds_s: float) -> float | None:
        """When to step with the last value once more, as what reports on change says nothing twice; else None."""
        if holds_s <= PROMPT_S or climb.since is None or climb.at is None:
            return None
        rungs = tuple(zip(self.rungs, climb.covered_s, strict=True))[climb.told :]
        left = [rung.delay_s - on_s for rung, on_s in rungs if on_s != OFF and on_s < rung.delay_s - SLACK_S]
        return climb.at + min(left) if left and min(left) <= holds_s else None

    def _due(self, covered_s: tuple[float, ...], told: int, *, is_first: bool) -> int:
        if is_first:
            return told
        done = (n for n, (rung, on_s) in enumerate(zip(self.rungs, covered_s, strict=True), 1)
                if on_s != OFF and on_s >= rung.delay_s - SLACK_S)  # fmt: skip
        return max(told, *done, 0)

    def _on(self, rung: Rung, on_s: float, value: float, seen_s: float) -> float:
        """Seconds on a rung after a reading."""
        if on_s == OFF:
            return 0.0 if self._beyond(value, rung.line) else OFF
        return on_s + seen_s if self._beyond(value, self._eased(rung.line)) else OFF

    def _beyond(self, value: float, line: float) -> bool:
        return value < line if self.falls else value > line

    def _eased(self, line: float) -> float:
        return line + self.deadband if self.falls else line - self.deadband
