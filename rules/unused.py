"""Something that burns power in a room nobody uses: the watch behind lights and appliances left on.

Strategy. Two questions, each with its own sensor. *Is it on?* `rules.lamps` says so. *Is the room unused?* The presence
sensors say so; without one only the calendar can: no lesson by the room's own timetable (its evening study apart), else
outside the opening hours; in a dorm room, where no sensor belongs, while lessons are held, in the holidays, and for
lamps after lights-out. Time counts only as far as readings of both cover it. An episode is kept as a record in the
hours when rooms are meant to be in use, and where the message of its building (`rules.after_hours`) tells people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.hours import Hours
from rules.lamps import LOAD, LUX, ON, POWER, Lamps, Presence, Sky, is_news, is_seen_anew, on_line, seen_by, told
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Turn
from rules.sun import Sun

EARLY_S = 1800.0  # who has a lesson comes so long before it
LEAST_KWH = 0.01  # worth a word
SAME_SHARE = 0.05  # of its power: what differs less is not news to what it used
BY_PRESENCE, BY_TIMETABLE, BY_OPENING, BY_SLEEP, BY_ABSENCE = "presence", "timetable", "opening", "sleep", "absence"


class _Plan(NamedTuple):
    """What the calendar says until `until`: whether people may be here, how an episode is told, and why it counts."""

    until: float = 0.0
    is_used: bool = True
    delivery: str = Delivery.RECORD.value
    why: str = ""


class _Run(NamedTuple):
    """On and unused: `at` is up to when it is counted, `told_as` its delivery, None until it is raised."""

    since: float
    at: float
    covered_s: float = 0.0
    kwh: float = 0.0
    told_as: str | None = None


class _State(NamedTuple):
    """Its parts are read by position: JSON brings them back as plain tuples."""

    thing: Lamps = Lamps()
    seen: Presence = Presence()
    plan: _Plan = _Plan()
    run: _Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedWatch:
    """One circuit, light sensor or appliance of a room, with the presence sensors or the calendar of that room.

    `by` says what tells that the room is unused. `is_told` means that the message of the building speaks of it.
    """

    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    rule: str
    key: str
    place: str
    inputs: Mapping[str, str]
    light_holds_s: float
    presence_holds_s: float
    hold_s: float
    on_w: float
    pause_s: float
    by: str
    is_told: bool
    hours: Hours
    sun: Sun | None

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        thing, seen, plan, run = state
        is_by_presence = self.by == BY_PRESENCE
        is_planned = is_by_presence or not thing[2] or at < plan[0]
        is_open = run is not None and run[4] is not None
        if (run is None or is_open) and values and is_planned and not self._is_news(
            thing, seen, at, values, is_counted=is_open
        ):
            return state, ()
        if run is not None:
            run = self._carried(run, thing, seen, at)
        light = None
        for role, value in values.items():
            if role in _LIGHTS:
                light = role
            else:
                seen = seen_by(seen, role, at, is_there=value > 0)
        if light is not None:
            thing = told(
                thing, light, at, values[light], seen,
                on_w=self.on_w, pause_s=self.pause_s, sky=Sky(self.hours.calendar, self.sun),
            )  # fmt: skip
        is_on = thing[2]
        if not is_on:
            is_used = False
        elif is_by_presence:
            is_used = bool(seen[0])
        else:
            if at >= plan[0]:
                plan = self._planned(at)
            is_used = plan[1]
        if run is None:
            if is_on and not is_used and self._covered_until(thing, seen) > at:
                run = _Run(at, at)
            return _State(thing, seen, plan, run), ()
        return self._judged(thing, seen, plan, run, at, end="off" if not is_on else "used" if is_used else "")

    def deadline(self, state: _State) -> float | None:
        thing, seen, plan, run = state
        if run is None:
            if self.by == BY_PRESENCE or not thing[2]:
                return None
            due = plan[0]
        else:
            due = plan[0] if self.by != BY_PRESENCE else float("inf")
            if run[4] is None:
                due = min(due, run[1] + self.hold_s - run[2])
            if due <= run[1]:
                return None
        return due if due <= self._covered_until(thing, seen) else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.run is None or state.run[4] is not None:
            return None
        run = _Run(*self._carried(state.run, state.thing, state.seen, at) or state.run)
        return Hold(run.since, min(run.covered_s, self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        thing, seen = Lamps(*state.thing), Presence(*state.seen)
        if thing.is_lit is None:
            return self._said("unknown", {})
        if at > thing.at + self.light_holds_s:
            return self._said("silent", {"heard_at": thing.at})
        if not thing.is_lit:
            return self._said("off", {"light": self._light(thing)})
        plan = self._planned(at)
        if self.by == BY_PRESENCE:
            if seen.present:
                return self._said("occupied", {"light": self._light(thing)})
            if at > seen.empty_at + self.presence_holds_s:
                return self._said("unseen", {"light": self._light(thing)})
        elif plan.is_used:
            return self._said("in_hours", {"light": self._light(thing), "until_at": plan.until})
        carried = state.run and self._carried(state.run, state.thing, state.seen, at)
        run = _Run(*carried) if carried else _Run(at, at)
        if run.told_as is not None:
            return self._said("open", {"since_at": run.since, "wasted_s": run.covered_s})
        return self._said("waiting", {"since_at": run.since, "wasted_s": run.covered_s, "needed_s": self.hold_s})

    def _said(self, why: str, values: Mapping[str, float | str]) -> Explanation:
        return Explanation(f"{self.rule}.{why}", values)

    def _is_news(
        self, thing: Lamps, seen: Presence, at: float, values: Mapping[str, float], *, is_counted: bool
    ) -> bool:
        """Whether readings say anything new; what only repeats the last ones is kept now and then, to stay covered.

        `is_counted`: what it uses is, so that another power is news, and when an appliance draws that power is as well.
        """
        for role, value in values.items():
            if role in _LIGHTS:
                if is_counted and (role == LOAD or abs(value - thing[1]) > SAME_SHARE * thing[1]):
                    return True
                if is_news(thing, role, at, value, self.on_w, self.light_holds_s / 2):
                    return True
            elif is_seen_anew(seen, role, at, value > 0, self.presence_holds_s / 2):
                return True
        return False

    def _covered_until(self, thing: Lamps, seen: Presence) -> float:
        until = thing[0] + self.light_holds_s
        return min(until, seen[2] + self.presence_holds_s) if self.by == BY_PRESENCE else until

    def _carried(self, run: _Run, thing: Lamps, seen: Presence, at: float) -> _Run | None:
        """The run when time has passed: on and unused went on as long as the readings speak."""
        since, last, covered_s, kwh, told_as = run
        until = self._covered_until(thing, seen)
        if told_as is None and at - until > self.hold_s:
            return None  # after so long a gap it begins anew
        more = max(0.0, min(at, until) - last)
        if more and (POWER in self.inputs or LOAD in self.inputs):
            kwh += thing[1] * more / 3.6e6
        return _Run(since, max(at, last), covered_s + more, kwh, told_as)

    def _judged(
        self, thing: Lamps, seen: Presence, plan: _Plan, run: _Run, at: float, *, end: str
    ) -> tuple[_State, Sequence[Change]]:
        since, last, covered_s, kwh, told_as = run
        if end:
            cleared = () if told_as is None else (self._change(Turn.CLEARED, _Run(*run), thing, f"cleared_{end}"),)
            return _State(thing, seen, plan, None), cleared
        if told_as is not None or covered_s < self.hold_s - 0.001:
            return _State(thing, seen, plan, run), ()
        plan = self._planned(at)
        run = _Run(since, last, covered_s, kwh, plan.delivery)
        raised = self._change(Turn.RAISED, run, thing, f"raised_{plan.why}" if plan.why else "raised")
        return _State(thing, seen, plan, run), (raised,)

    def _planned(self, at: float) -> _Plan:
        """What the calendar says at a time."""
        hours = self.hours
        use, exam, over, lesson = hours.use(at), hours.exam(at), hours.over(at), hours.lesson(at)
        until = min(use.until, exam.until, over.until, lesson.until)
        is_told = self.is_told or exam.open
        if self.by in (BY_SLEEP, BY_ABSENCE):
            night = hours.night(at)
            is_away = use.open and lesson.open and not night.open
            delivery = Delivery.RECORD if is_told or is_away else Delivery.DIGEST
            why = "away" if is_away else "night" if use.open else "closed"
            is_used = use.open and not is_away and (self.by == BY_ABSENCE or not night.open)
            return _Plan(min(until, night.until), is_used, delivery.value, why)
        is_in_hours = use.open and (hours.is_lived_in or not over.open)
        delivery = Delivery.RECORD if is_told or is_in_hours else Delivery.DIGEST
        if self.by == BY_TIMETABLE:
            now = lesson, hours.evening_study(at)
            soon = hours.lesson(at + EARLY_S), hours.evening_study(at + EARLY_S)
            until = min(until, *(held.until for held in now), *(held.until - EARLY_S for held in soon))
            is_used = any(held.open for held in (*now, *soon))
            return _Plan(until, is_used, delivery.value, "lesson" if use.open else "closed")
        is_presence = self.by == BY_PRESENCE
        return _Plan(until, use.open and not is_presence, delivery.value, "" if is_presence else "closed")

    def _light(self, thing: Lamps) -> str:
        unit = "lx" if LUX in self.inputs else "W"
        return f"{thing.light:.0f} {unit}"

    def _change(self, turn: Turn, run: _Run, thing: Lamps, why: str) -> Change:
        thing = Lamps(*thing)
        values: dict[str, float | str] = {"wasted_s": run.covered_s, "light": self._light(thing)}
        if POWER in self.inputs or LOAD in self.inputs:
            values["wasted_kwh"] = run.kwh
            spent = f"{run.kwh:.2f} kWh"
            lit = values["light"] if run.kwh < LEAST_KWH else f"{values['light']}, {spent}"
            values["light"] = lit if turn is Turn.RAISED else spent
        elif turn is Turn.CLEARED:
            values["light"] = "– kWh"
        line = on_line(thing, self.on_w) if POWER in self.inputs else self.on_w if LOAD in self.inputs else None
        evidence = Evidence(run.since, tuple(self.inputs.values()), line, run.covered_s)
        delivery = Delivery(run.told_as or Delivery.RECORD)
        return Change(turn, Severity.MINOR, delivery, f"{self.rule}.{why}", values, evidence)


_LIGHTS = frozenset({POWER, LOAD, LUX, ON})
