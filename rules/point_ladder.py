"""One point against a ladder of lines: the watch of every rule that needs no more than that.

Its rule has the sentences `raised`, `cleared`, `is_unheard`, `is_calm` and `is_beyond`, over these values: `value`,
`extreme` (the furthest it went), `line`, `held_s`, `part`, `heard_at`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rules.ladder import Climb, Ladder
from rules.model import Change, Evidence, Explanation, Hold, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLadder:
    """One point (role `value`) of a place, or of a `part` of it, against a ladder."""

    version: ClassVar[int] = 1
    start: ClassVar[Climb] = Climb()

    rule: str
    key: str
    place: str
    part: str
    inputs: Mapping[str, str]
    holds_s: float
    ladder: Ladder

    def step(self, state: Climb, at: float, values: Mapping[str, float]) -> tuple[Climb, Sequence[Change]]:
        value = values.get("value")
        if value is None:
            return state, ()
        climb, turn = self.ladder.step(state, at, value, holds_s=self.holds_s)
        if turn is None:
            return climb, ()
        change = self._change(turn, climb)
        return self.ladder.after(climb) if turn is Turn.CLEARED else climb, (change,)

    def deadline(self, state: Climb) -> float | None:
        return None  # only readings move it

    def hold(self, state: Climb, at: float) -> Hold | None:
        return self.ladder.hold(state, at, holds_s=self.holds_s)

    def explain(self, state: Climb, at: float) -> Explanation:
        if state.at is None:
            return Explanation(f"{self.rule}.is_unheard", {})
        line = self.ladder.rungs[0].line
        values: dict[str, float | str] = {
            "value": state.value, "line": line, "heard_at": state.at, "part": self.part,
        }  # fmt: skip
        if state.since is None:
            return Explanation(f"{self.rule}.is_calm", values)
        return Explanation(f"{self.rule}.is_beyond", values | {"held_s": self.ladder.covered_s(state)})

    def _change(self, turn: Turn, climb: Climb) -> Change:
        rung, held_s = self.ladder.told(climb), self.ladder.covered_s(climb)
        values: dict[str, float | str] = {
            "value": climb.value, "extreme": climb.extreme, "line": rung.line, "held_s": held_s, "part": self.part,
        }  # fmt: skip
        why = turn.value if turn is Turn.CLEARED else "raised"
        evidence = Evidence(climb.since or 0.0, tuple(self.inputs.values()), rung.line, held_s)
        return Change(turn, rung.severity, rung.delivery, f"{self.rule}.{why}", values, evidence)
