"""Readings of one kind against the same alarm lines, told as one alert: the watch behind the rules about cold.

Strategy. Each reading climbs its ladder by itself (`rules.ladder`), so that rooms aired one after the other add up to
nothing. The alert is as grave as the gravest of them, names all that stand beyond the line when it is told, and ends
with the last: one building is one message. What is on its way back is not told: a value `recovering_by` better than
the worst of the last quarter to half an hour. A room that must be warm in hours of use alone (`Use`) is judged then,
after its time to warm up; outside it stands still, and on a day without use or season it is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from rules.calendar import Season, Stretch
from rules.hours import Hours
from rules.ladder import OFF, Climb, Ladder
from rules.model import Change, Evidence, Explanation, Hold, Turn

ALWAYS = -1
REFRESH_S = 300.0  # a calm reading is noted so often, for people to see
TRACE_S = 900.0
NAMED = 30         # a message stays readable

Trace = tuple[float, float, float]  # when this quarter of an hour began, its worst value, that of the one before


class Item(NamedTuple):
    """One point: the name of its place, how long a reading speaks, and which of the uses it is judged in."""

    name: str
    point: str
    holds_s: float
    use: int = ALWAYS


class _Seen(NamedTuple):
    """What is known of one item."""

    climb: Climb = Climb()
    trace: Trace | None = None


class _Phase(NamedTuple):
    """What a use says until `until`: whether it is judged, or over for the day."""

    until: float = 0.0
    is_judged: bool = False
    is_over: bool = False


class _State(NamedTuple):
    """`told` is how many rungs the alert has told since `since`; `extreme` is the worst of those that went back."""

    items: tuple[_Seen, ...] = ()
    phases: tuple[_Phase, ...] = ()
    told: int = 0
    since: float = 0.0
    extreme: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """When rooms of one kind of life must be warm: in season, while people sit in them, `grace_s` after they came."""

    hours: Hours
    season: Season
    grace_s: float

    def phase(self, at: float) -> _Phase:
        """What holds at a time, and until when."""
        season, term = self.hours.calendar.within_season(self.season, at), self.hours.term(at)
        until = min(season.until, term.until)
        if not (season.open and term.open):
            return _Phase(until, False, True)
        now = self._occupied(at)
        until = min(until, now.until)
        if not now.open:
            return _Phase(until)
        warm_at = self._first_use(at) + self.grace_s
        return _Phase(until, True) if at >= warm_at else _Phase(min(until, warm_at))

    def _occupied(self, at: float) -> Stretch:
        """Whether people sit here now: in lessons, in opening hours, or awake in a dormitory outside lessons."""
        if not self.hours.is_lived_in:
            return self.hours.use(at) if self.hours.is_serving else self.hours.lesson(at)
        night, lesson = self.hours.night(at), self.hours.lesson(at)
        return Stretch(not night.open and not lesson.open, min(night.until, lesson.until))

    def _first_use(self, at: float) -> float:
        """When people first came on the day of a time at which they are here."""
        calendar = self.hours.calendar
        begin = calendar.at_minute(calendar.local(at).date(), 0)
        while begin < at and not (now := self._occupied(begin)).open:
            begin = now.until
        return min(begin, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class JointLadder:
    """Points that share a ladder and an alert; `said` begins its message keys.

    `recovering_by` None: what goes back is told all the same. `is_timed`: one item that may report on change
    is told in time by its last word, as far as that speaks.
    """

    version: ClassVar[int] = 1

    rule: str
    key: str
    place: str
    said: str
    items: tuple[Item, ...]
    ladder: Ladder
    uses: tuple[Use, ...] = ()
    recovering_by: float | None = None
    is_timed: bool = False
    inputs: Mapping[str, str] = field(init=False)  # role -> point: each point is its own role
    _index: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", {item.point: item.point for item in self.items})
        object.__setattr__(self, "_index", {item.point: index for index, item in enumerate(self.items)})

    @property
    def start(self) -> _State:
        return _State((_Seen(),) * len(self.items), (_Phase(),) * len(self.uses))

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        changes: list[Change] = []
        line, falls = self.ladder.rungs[0].line, self.ladder.falls
        for point, value in (values or self._last(state)).items():
            index = self._index[point]
            before, _, _, since, _, _, _ = state[0][index][0]
            is_fine = value >= line if falls else value <= line
            if is_fine and since is None and before is not None and at - before < REFRESH_S:
                continue
            state = self._judged(state, at, index, value, changes)
        return state, changes

    def deadline(self, state: _State) -> float | None:
        if not self.is_timed:
            return None
        return self.ladder.lapse(Climb(*state.items[0][0]), holds_s=self.items[0].holds_s)

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.told:
            return None
        holds = [
            hold
            for item, seen in zip(self.items, state.items, strict=True)
            if (hold := self.ladder.hold(Climb(*seen[0]), at, holds_s=item.holds_s))
        ]
        return min(holds, key=lambda hold: (hold.needed_s - hold.covered_s, hold.since), default=None)

    def explain(self, state: _State, at: float) -> Explanation:
        climbs = [Climb(*seen[0]) for seen in state.items]
        if self.uses:
            phases = [use.phase(at) for use in self.uses]
            if not any(phase.is_judged for phase in phases):
                return Explanation(f"{self.said}unjudged", {"until_at": min(phase.until for phase in phases)})
        heard = [climb for climb in climbs if climb.at is not None]
        if not heard:
            return Explanation(f"{self.said}unheard", {})
        if any(climb.since is not None for climb in heard):
            why = "told" if state.told else "waiting"
            return Explanation(f"{self.said}{why}", self._values(climbs, state.told or 1))
        worst = self._worst(heard)
        values = {"celsius": worst.value, "heard_at": worst.at or 0.0, "line_c": self.ladder.rungs[0].line}
        return Explanation(f"{self.said}calm", values)

    # -- one reading

    def _last(self, state: _State) -> Mapping[str, float]:
        """What was read last: it still speaks when the watch is woken."""
        return {item.point: seen[0][1] for item, seen in zip(self.items, state.items, strict=True)}

    def _judged(self, x: _State, at: float, index: int, value: float, changes: list[Change]) -> _State:
        item = self.items[index]
        if item.use != ALWAYS:
            phase = x.phases[item.use]
            if at >= phase[0]:
                phase = self.uses[item.use].phase(at)
                x = x._replace(phases=_with(x.phases, item.use, phase))
                if phase.is_over:
                    return self._over(x, item.use, changes)
            if not phase[1]:
                return x
        before, trace = x.items[index]
        if item.use == ALWAYS and self._is_stale(before, at, item.holds_s):
            before, trace = Climb(*before[:2]), None
        climb, turn = self.ladder.step(before, at, value, holds_s=item.holds_s)
        trace = self._traced(trace, at, value) if climb.since is not None else None
        is_told = turn in (Turn.RAISED, Turn.UPDATED)
        if is_told and trace is not None and self._is_recovering(trace, value, before[1]):
            climb, turn = climb._replace(told=before[4]), None
        if turn is not Turn.CLEARED:
            x = x._replace(items=_with(x.items, index, _Seen(climb, trace)))
            return x if turn is None else self._told(x, at, changes)
        extreme = climb.extreme if x.extreme is None else self._further(climb.extreme, x.extreme)
        ended = _Seen(self.ladder.after(climb))
        x = x._replace(items=_with(x.items, index, ended), extreme=extreme)
        return self._ended(x, climb, "cleared", changes)

    def _is_stale(self, climb: Climb, at: float, holds_s: float) -> bool:
        """Whether so long a gap lies behind a climb of which nothing was told that it is another one now."""
        before, _, _, since, told, _, _ = climb
        return before is not None and since is not None and not told and (
            at - before > holds_s + self.ladder.rungs[0].delay_s
        )  # fmt: skip

    def _traced(self, trace: Trace | None, at: float, value: float) -> Trace:
        if trace is None or at - trace[0] >= 2 * TRACE_S:
            return at, value, value
        begun, worst, before = trace
        return (at, value, worst) if at - begun >= TRACE_S else (begun, self._further(worst, value), before)

    def _is_recovering(self, trace: Trace, value: float, before: float) -> bool:
        """Whether the last two readings, as one may be noise, are better than the worst lately."""
        if self.recovering_by is None:
            return False
        return abs(self._further(value, before) - self._further(trace[1], trace[2])) >= self.recovering_by

    def _further(self, one: float, other: float) -> float:
        return min(one, other) if self.ladder.falls else max(one, other)

    def _over(self, x: _State, use: int, changes: list[Change]) -> _State:
        """The state when nobody needs these rooms today: all that they had begun is forgotten."""
        ours = [index for index, item in enumerate(self.items) if item.use == use and x.items[index][0][3] is not None]
        told = [climb for climb in (Climb(*x.items[index][0]) for index in ours) if climb.told]
        items, extreme = x.items, x.extreme
        for index in ours:
            items = _with(items, index, _Seen(Climb(*items[index][0][:2])))
        for climb in told:
            extreme = climb.extreme if extreme is None else self._further(climb.extreme, extreme)
        x = x._replace(items=items, extreme=extreme)
        return self._ended(x, told[-1], "cleared_unused", changes) if told else x

    # -- the alert

    def _told(self, x: _State, at: float, changes: list[Change]) -> _State:
        """The state when an item was told: the alert is raised, rises, or is as grave as before."""
        level = max(seen[0][4] for seen in x.items)
        if level <= x.told:
            return x
        climbs = [Climb(*seen[0]) for seen in x.items]
        since = x.since if x.told else min(climb.since or at for climb in climbs if climb.told)
        turn = Turn.UPDATED if x.told else Turn.RAISED
        values = self._values(climbs, level)
        points = [item.point for item, climb in zip(self.items, climbs, strict=True) if _is_beyond(climb)]
        changes.append(self._change(turn, level, "raised", values, Evidence(since, tuple(points))))
        return x._replace(told=level, since=since)

    def _ended(self, x: _State, climb: Climb, why: str, changes: list[Change]) -> _State:
        """The state when items went back: the alert ends with the last of them."""
        if not x.told or any(seen[0][4] for seen in x.items):
            return x
        extreme = climb.extreme if x.extreme is None else x.extreme
        values = {"celsius": climb.value, "extreme_c": extreme, "held_s": self.ladder.covered_s(climb)}
        evidence = Evidence(x.since, tuple(item.point for item in self.items[:NAMED]))
        changes.append(self._change(Turn.CLEARED, x.told, why, values, evidence))
        return x._replace(told=0, since=0.0, extreme=None)

    def _change(
        self, turn: Turn, level: int, why: str, values: Mapping[str, float | str], evidence: Evidence
    ) -> Change:
        rung = self.ladder.rungs[level - 1]
        covered_s = values["held_s"]
        assert isinstance(covered_s, float)
        evidence = evidence._replace(threshold=rung.line, covered_s=covered_s)
        return Change(turn, rung.severity, rung.delivery, f"{self.said}{why}", values, evidence)

    def _values(self, climbs: Sequence[Climb], level: int) -> dict[str, float | str]:
        """What is beyond the line now, and by how much."""
        beyond = [(item.name, climb) for item, climb in zip(self.items, climbs, strict=True) if _is_beyond(climb)]
        names = list(dict.fromkeys(name for name, _ in beyond))
        rung = self.ladder.rungs[level - 1]
        return {
            "rooms": ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else ""), "count": float(len(names)),
            "celsius": self._worst(climb for _, climb in beyond).value, "line_c": rung.line,
            "held_s": max((self.ladder.covered_s(climb) for _, climb in beyond), default=0.0),
            "needed_s": self.ladder.rungs[0].delay_s,
        }  # fmt: skip

    def _worst(self, climbs: Iterable[Climb]) -> Climb:
        return (min if self.ladder.falls else max)(climbs, key=lambda climb: climb.value, default=Climb())


def _is_beyond(climb: Climb) -> bool:
    return climb.since is not None and (climb.told > 0 or (bool(climb.covered_s) and climb.covered_s[0] != OFF))


def _with(row: tuple[Any, ...], index: int, new: Any) -> tuple[Any, ...]:
    return (*row[:index], new, *row[index + 1 :])
