"""Whether the power of a circuit and its counter agree: with a wrong unit or transformer ratio they do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Turn

LOOK_S = 60.0           # what comes whole and more often than this is not looked at each time
WINDOW_S = 86_400.0
LEAST_KWH = 1.0         # less says little: a counter has its steps, and power between two readings is not known
COVERED = 0.8           # of the time between the two registers
FAR = 2.0               # times too much or too little


class _State(NamedTuple):
    """What power added up to (`used_kwh`) since the register was `begin`; `register` is its newest reading.

    `ratio` is that of a told fault.
    """

    at: float | None = None
    power: float = 0.0
    begin: float | None = None
    since: float = 0.0
    used_kwh: float = 0.0
    covered_s: float = 0.0
    ratio: float | None = None
    register: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleWatch:
    """The power and the energy counter of one circuit, compared once a day."""

    rule: ClassVar[str] = "implausible"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    device: str
    holds_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        heard, power, begin, since, used_kwh, covered_s, ratio, last = state
        if heard is not None:
            if at - heard < LOOK_S and len(values) == 2:
                return state, ()
            seen_s = self._seen_s(heard, at)
            covered_s += seen_s
            if power > 0.0:
                used_kwh += power * seen_s / 3.6e6
        power = values.get("power", power)
        register = values.get("register", last)
        if (begin is not None and at - since < WINDOW_S) or "register" not in values:
            return _State(at, power, begin, since, used_kwh, covered_s, ratio, register), ()
        fresh = _State(at, power, register, at, 0.0, 0.0, ratio, register)
        found = None if begin is None else _found(used_kwh, register - begin, covered_s, at - since)
        if found is None or _is_off(found) is (ratio is not None):
            return fresh, ()
        is_off = _is_off(found)
        turn = Turn.RAISED if is_off else Turn.CLEARED
        return fresh._replace(ratio=found if is_off else None), self._changes(turn, since, found, covered_s)

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.at is None or state.begin is None or state.ratio is not None:
            return None
        found = _found(state.used_kwh, state.register - state.begin, state.covered_s, state.at - state.since)
        if found is None or not _is_off(found):
            return None
        lasted_s = state.at - state.since + self._seen_s(state.at, at)
        return Hold(state.since, min(lasted_s, WINDOW_S), WINDOW_S)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.ratio is not None:
            return Explanation("implausible.off", {"device": self.device, "ratio": state.ratio})
        return Explanation("implausible.fine", {"device": self.device})

    def _seen_s(self, heard: float, at: float) -> float:
        return min(at - heard, max(self.holds_s, 1.5 * LOOK_S))

    def _changes(self, turn: Turn, since: float, ratio: float, covered_s: float) -> Sequence[Change]:
        evidence = Evidence(since, tuple(self.inputs.values()), None, covered_s)
        why = f"implausible.scale_{turn.value}"
        values: dict[str, float | str] = {"device": self.device, "ratio": ratio}
        return (Change(turn, Severity.MINOR, Delivery.DIGEST, why, values, evidence),)


def _found(used_kwh: float, counted_kwh: float, covered_s: float, lasted_s: float) -> float | None:
    """How many times what the counter shows power added up to; None: it counted or heard too little."""
    if counted_kwh < LEAST_KWH or covered_s < COVERED * lasted_s:
        return None
    return used_kwh / counted_kwh


def _is_off(ratio: float) -> bool:
    return not 1.0 / FAR <= ratio <= FAR
