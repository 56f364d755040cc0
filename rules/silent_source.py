"""What has become unreachable as a whole: a source by its own word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Turn

ONLINE, ATTENDED = "online", "attended"


class _Link(NamedTuple):
    """Since when a source is unreachable."""

    since: float | None = None
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWatch:
    """One source by its own word; time in which the gateway itself was off is not held against it."""

    rule: ClassVar[str] = "silent"
    version: ClassVar[int] = 1
    start: ClassVar[_Link] = _Link()

    key: str
    place: str
    inputs: Mapping[str, str]
    source: str
    wait_s: float

    def step(self, state: _Link, at: float, values: Mapping[str, float]) -> tuple[_Link, Sequence[Change]]:
        since, is_raised = state
        if not values:
            return _Link(since, True), (self._change(Turn.RAISED, since, at),)
        if values.get(ONLINE, 1.0) > 0:
            return _Link(), (self._change(Turn.CLEARED, since, at),) if is_raised else ()
        if is_raised or since is not None:
            return state, ()
        return _Link(None if ATTENDED in values else at), ()

    def deadline(self, state: _Link) -> float | None:
        return None if state.since is None or state.is_raised else state.since + self.wait_s

    def hold(self, state: _Link, at: float) -> Hold | None:
        if state.since is None or state.is_raised:
            return None
        return Hold(state.since, min(at - state.since, self.wait_s), self.wait_s)

    def explain(self, state: _Link, at: float) -> Explanation:
        if state.since is None:
            return Explanation("silent.link_up", {"source": self.source})
        return Explanation("silent.link_down", {"source": self.source, "since_at": state.since})

    def _change(self, turn: Turn, since: float | None, at: float) -> Change:
        begin = at if since is None else since
        values: dict[str, float | str] = {"source": self.source, "silent_s": at - begin}
        why = f"{self.rule}.source_{turn.value}"
        return Change(turn, Severity.MAJOR, Delivery.PAGE, why, values, Evidence(begin))
