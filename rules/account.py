"""What a watch saw and where it stands at one time: the answer to "why was there an alert", and to "why not"."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import isinf
from typing import NamedTuple

from rules.model import Change, Event, Explanation, Hold, Point
from rules.rule import Bounds, RuleKind, parameters
from rules.watch import State, Watch

MOST_GAPS = 200


class Seen(NamedTuple):
    """One input with its last value; `at` is None where it never spoke, `is_fresh` whether it still does."""

    role: str
    point: str
    at: float | None
    value: float
    is_fresh: bool


class Gap(NamedTuple):
    """A stretch for which no reading of a point speaks."""

    point: str
    since: float
    until: float


class Setting(NamedTuple):
    """A parameter of the rule as it is set at this place; `unit` is empty where it is a word or a ratio."""

    name: str
    value: float | str
    unit: str
    is_default: bool


class Account(NamedTuple):
    """One watch at one time: `raised` is its open alert, `hold` what runs without having raised.

    `gaps` lie within the hold, or before the alert within its evidence; `rejected` counts readings by point and reason.
    """

    rule: str
    key: str
    place: str
    at: float
    raised: Event | None
    hold: Hold | None
    explanation: Explanation
    seen: Sequence[Seen]
    gaps: Sequence[Gap] = ()
    settings: Sequence[Setting] = ()
    rejected: Mapping[str, Mapping[str, int]] = {}

    @property
    def since(self) -> float | None:
        """When the condition began that runs or raised."""
        return self.raised.evidence.since if self.raised else self.hold.since if self.hold else None

    @property
    def shown(self) -> Sequence[Seen]:
        """The inputs that people should see: rejected readings only where there were any."""
        return [seen for seen in self.seen if seen.at is not None or "!" not in seen.point]


class Witness:
    """A watch that also notes what it is given: the last value of each input, and the gaps between them."""

    def __init__(self, watch: Watch, points: Mapping[str, Point]) -> None:
        self.watch = watch
        self.rule, self.version, self.key, self.place = watch.rule, watch.version, watch.key, watch.place
        self.inputs: Mapping[str, str] = watch.inputs
        self.start: State = watch.start
        self.deadline, self.hold, self.explain = watch.deadline, watch.hold, watch.explain
        self._holds = {role: points[p].holds_s if p in points else 0.0 for role, p in watch.inputs.items()}
        self._last: dict[str, tuple[float, float]] = {}
        self._gaps: deque[Gap] = deque(maxlen=MOST_GAPS)

    def step(self, state: State, at: float, values: Mapping[str, float]) -> tuple[State, Sequence[Change]]:
        for role, value in values.items():
            self._note_gap(role, at)
            self._last[role] = at, value
        return self.watch.step(state, at, values)

    def _note_gap(self, role: str, at: float) -> None:
        holds_s = self._holds[role]
        if holds_s and role in self._last and at > self._last[role][0] + holds_s:
            self._gaps.append(Gap(self.inputs[role], self._last[role][0] + holds_s, at))

    def account(
        self, state: State, at: float, *, raised: Event | None, settings: Sequence[Setting],
        rejected: Mapping[str, Mapping[str, int]],
    ) -> Account:  # fmt: skip
        """All of it, at a time."""
        for role in self._last:
            self._note_gap(role, at)
        last = self._last
        seen = [seen_of(role, point, last.get(role), self._holds[role], at) for role, point in self.inputs.items()]
        told = Account(
            self.rule, self.key, self.place, at, raised, self.hold(state, at), self.explain(state, at), seen,
            settings=settings, rejected=rejected,
        )  # fmt: skip
        since, until = told.since, raised.at if raised else at
        gaps = [gap for gap in self._gaps if since is not None and gap.until > since and gap.since < until]
        return told._replace(gaps=gaps)


def seen_of(role: str, point: str, last: tuple[float, float] | None, holds_s: float, at: float) -> Seen:
    """An input by its last `(time, value)`; what has no time of its own to speak for (`holds_s` 0) stays true."""
    if last is None:
        return Seen(role, point, None, 0.0, is_fresh=False)
    return Seen(role, point, *last, is_fresh=not holds_s or at <= last[0] + holds_s)


def as_raised(event: Event, seen: Sequence[Seen]) -> Account:
    """The account of an alert at the time it was raised, as its event tells it."""
    evidence = event.evidence
    hold = Hold(evidence.since, evidence.covered_s, event.at - evidence.since)
    return Account(
        event.rule, event.key, event.place, event.at, event, hold, Explanation(event.why, event.values), seen
    )


def settings_of(rule: RuleKind) -> list[Setting]:
    """The parameters of a rule as they are set; an optional one that is not set is left out."""
    defaults = {item.name: item.default for item in fields(rule)}  # type: ignore[arg-type]
    out = []
    for name, bounds in parameters(type(rule)).items():
        value = getattr(rule, name)
        if value in ("", ()) or (isinstance(value, float) and isinf(value)):
            continue
        unit = bounds.unit if isinstance(bounds, Bounds) else ""
        shown = ", ".join(point for _, point in value) if isinstance(value, tuple) else value
        out.append(Setting(name, shown, unit, value == defaults[name]))
    return out
