"""Boiler room door (锅炉房门): open with nobody on duty, or while classes are held, or left open for long.

Strategy. The door is in *danger* while it is open and either the newest word says that nobody is on duty, or a lesson
is held somewhere in the school. Somebody who walks through is gone within the grace. A contact that is read regularly
must show the door open again after it; one that speaks on change alone is believed as long as its reading holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.fact import PEOPLE
from rules.hours import Hours
from rules.ladder import PROMPT_S
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn, stamp
from rules.rule import Words, parameter

SLACK_S = 0.001     # times are kept to the millisecond
LEFT, DANGER = 1, 2  # what was told
_GRAVE = {LEFT: (Severity.MINOR, Delivery.DIGEST), DANGER: (Severity.MAJOR, Delivery.PAGE)}


class _State(NamedTuple):
    """The door by its newest reading, at `heard_at`, open `since`; `at` is up to when the times are counted.

    `open_s` is how long it has been seen open, `danger_s` of that in danger. `duty` is the newest word, None before
    there was one. `lesson` holds until `until`.
    """

    at: float | None = None
    heard_at: float = 0.0
    since: float | None = None
    open_s: float = 0.0
    danger_s: float = 0.0
    duty: float | None = None
    duty_at: float = 0.0
    lesson: bool = False
    until: float = 0.0
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerDoorWatch:
    """The door of one boiler room, and who is on duty there."""

    rule: ClassVar[str] = "boiler_door"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    hours: Hours
    holds_s: float
    duty_holds_s: float
    grace_s: float
    left_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        door = values.get("door")
        if door == 0.0 and state.since is None and len(values) == 1:  # the usual
            return _State(at, at, None, 0.0, 0.0, state.duty, state.duty_at, state.lesson, state.until), ()
        x = self._counted(state, at)
        if "on_duty" in values:
            x = x._replace(duty=values["on_duty"], duty_at=at)
        if door == 0.0 or (door is None and x.since is None):
            return self._shut(x, at, door)
        if door is not None:
            x = x._replace(at=at, heard_at=at, since=at if x.since is None else x.since)
        if at >= x.until:
            lesson = self.hours.lesson(at)
            x = x._replace(lesson=lesson.open, until=lesson.until)
        if not self._is_danger(x, at):
            x = x._replace(danger_s=0.0)
            if x.told == DANGER and x.duty:
                return x._replace(told=0, open_s=0.0), (self._change(x, Turn.CLEARED, "attended"),)
        due = self._due(x) if door is not None or self._is_on_change else 0
        if due <= x.told:
            return x, ()
        turn, x = Turn.UPDATED if x.told else Turn.RAISED, x._replace(told=due)
        return x, (self._change(x, turn, "left" if due == LEFT else "lesson" if x.lesson else "alone"),)

    def deadline(self, state: _State) -> float | None:
        x = state
        if x.since is None or x.at is None or x.told == DANGER or not self._is_on_change:
            return None
        dues = [x.until]
        if self._is_danger(x, x.at):
            dues.append(x.at + self.grace_s - x.danger_s)
        if not x.told:
            dues.append(x.at + self.left_s - x.open_s)
        due = stamp(min(dues))
        return due if x.at < due <= x.heard_at + self.holds_s else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.since is None or state.told == DANGER:
            return None
        x = self._counted(state, at)
        if self._is_danger(x, at):
            return Hold(at - x.danger_s, min(x.danger_s, self.grace_s), self.grace_s)
        return None if x.told else Hold(state.since, min(x.open_s, self.left_s), self.left_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.at is None:
            return Explanation("boiler_door.is_unheard", {})
        if state.since is None:
            return Explanation("boiler_door.is_shut", {"heard_at": state.heard_at})
        x = self._counted(state, at)
        values = {"since_at": state.since, "open_s": x.open_s, "danger_s": x.danger_s, "needed_s": self.grace_s}
        if not self._is_danger(x, at):
            return Explanation("boiler_door.is_open", values)
        return Explanation(f"boiler_door.{'is_in_lesson' if x.lesson else 'is_alone'}", values)

    # -- what it is made of

    @property
    def _is_on_change(self) -> bool:
        return self.holds_s > PROMPT_S

    def _is_danger(self, x: _State, at: float) -> bool:
        return x.lesson or (x.duty == 0.0 and at - x.duty_at <= self.duty_holds_s)

    def _counted(self, x: _State, at: float) -> _State:
        """The state with the time up to `at` counted, as far as the newest reading of the door speaks."""
        end = min(at, x.heard_at + self.holds_s)
        if x.at is None or x.since is None or end <= x.at:
            return x
        seen_s = end - x.at
        danger_s = x.danger_s + seen_s if self._is_danger(x, end) else 0.0
        return x._replace(at=end, open_s=x.open_s + seen_s, danger_s=danger_s)

    def _shut(self, x: _State, at: float, door: float | None) -> tuple[_State, Sequence[Change]]:
        """The door is shut, or not known to be open."""
        if door is None:
            return x, ()
        shut = _State(at, at, None, 0.0, 0.0, x.duty, x.duty_at, x.lesson, x.until, 0)
        return shut, (self._change(x, Turn.CLEARED, "shut"),) if x.told else ()

    def _due(self, x: _State) -> int:
        if x.danger_s >= self.grace_s - SLACK_S:
            return DANGER
        return LEFT if x.open_s >= self.left_s - SLACK_S else 0

    def _change(self, x: _State, turn: Turn, why: str) -> Change:
        severity, delivery = _GRAVE[x.told]
        since = x.since or 0.0
        evidence = Evidence(since, tuple(self.inputs.values()), None, x.open_s)
        values = {"since_at": since, "open_s": x.open_s}
        return Change(turn, severity, delivery, f"boiler_door.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerDoor:
    """Flags boiler room doors that are open with nobody on duty or in class hours, and those left open."""

    kind: ClassVar[str] = "boiler_door"
    slowest_s: ClassVar[float] = 300.0
    memory_s: ClassVar[float] = 7 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "锅炉房门开着",
            "锅炉不让学生接近：锅炉房的门开着超过 grace_s（60 秒），而当时没有人值班，或者学校正在上课（含晚自习），就"
            "马上通知。门开得久（left_min，30 分钟）但有人值班或不在上课，只写进当天汇总。值班（on_duty）可以来自刷卡器"
            "，也可以在面板上或用“caretaker declare”命令声明；从来没有说过值班情况的，只看上课时间。读数：门磁 "
            "door_open；定时上报的门磁要在宽限之后再报一次“开”，变化上报的按它的有效期算。局限：只知道门开没开，不知道"
            "谁进去了；走进去随手关门的看不到。",
            "马上去锅炉房：看有没有学生，把门关好锁好；人在里面的，请声明值班。",
            {
                "boiler_door.alone": "没有人值班，锅炉房的门从 {since_at} 起开着，已 {open_s}",
                "boiler_door.lesson": "上课时间，锅炉房的门从 {since_at} 起开着，已 {open_s}",
                "boiler_door.left": "锅炉房的门从 {since_at} 起一直开着，已 {open_s}",
                "boiler_door.shut": "门已关上；从 {since_at} 起开了 {open_s}",
                "boiler_door.attended": "已有人值班；门从 {since_at} 起开着，已 {open_s}",
                "boiler_door.is_unheard": "还没有收到门的读数",
                "boiler_door.is_shut": "{heard_at} 门关着",
                "boiler_door.is_open": "门从 {since_at} 起开着，已 {open_s}；不在上课，也没有无人值班的消息",
                "boiler_door.is_alone": "门从 {since_at} 起开着，没有人值班，已 {danger_s}；满 {needed_s} 要报",
                "boiler_door.is_in_lesson": "门从 {since_at} 起开着，正在上课，已 {danger_s}；满 {needed_s} 要报",
            },
        ),
        "en": Words(
            "Boiler room door open",
            "Students must not come near a boiler. Somebody is called when the door of a boiler room is open for more "
            "than grace_s (60 s) with nobody on duty, or while the school has lessons or evening study. A door left "
            "open for left_min (30 min) with somebody on duty, or outside class hours, is a line in the day's summary. "
            "Duty (on_duty) comes from a card reader, or is declared on the panel or with “caretaker declare”; where "
            "nobody ever said anything about duty, only class hours count. Reading: a door contact, door_open; one "
            "that is read regularly must say “open” again after the grace, one that reports on change is believed as "
            "long as its reading holds. Limits: it knows that the door is open, not who went in; whoever shuts it "
            "behind them is not seen.",
            "Go to the boiler room at once: are students there? Shut and lock the door. Whoever works there should "
            "declare to be on duty.",
            {
                "boiler_door.alone": "nobody is on duty, and the door of the boiler room has been open since "
                "{since_at}, for {open_s}",
                "boiler_door.lesson": "in class hours the door of the boiler room has been open since {since_at}, for "
                "{open_s}",
                "boiler_door.left": "the door of the boiler room has been open since {since_at}, for {open_s}",
                "boiler_door.shut": "the door is shut; it was open since {since_at}, for {open_s}",
                "boiler_door.attended": "somebody is on duty now; the door has been open since {since_at}, for "
                "{open_s}",
                "boiler_door.is_unheard": "no reading of the door has come yet",
                "boiler_door.is_shut": "at {heard_at} the door was shut",
                "boiler_door.is_open": "the door has been open since {since_at}, for {open_s}; there is no lesson, and "
                "no word that nobody is on duty",
                "boiler_door.is_alone": "the door has been open since {since_at} with nobody on duty, for {danger_s}; "
                "{needed_s} raises",
                "boiler_door.is_in_lesson": "the door has been open since {since_at} in class hours, for {danger_s}; "
                "{needed_s} raises",
            },
        ),
    }

    grace_s: float = parameter(60.0, unit="s", least=1.0, most=3600.0)
    left_min: float = parameter(30.0, unit="min", least=1.0, most=1440.0)

    def watches(self, site: Site) -> Iterable[BoilerDoorWatch]:
        for boiler in boilers(site, "door"):
            yield self._watch(site, boiler)

    def _watch(self, site: Site, boiler: Boiler) -> BoilerDoorWatch:
        duty = boiler.points.get("on_duty")
        is_declared = duty is None or duty.source == PEOPLE
        return BoilerDoorWatch(
            key=boiler.place.id,
            place=boiler.place.id,
            inputs=boiler.inputs("door", "on_duty"),
            hours=site.hours(boiler.place.id),
            holds_s=boiler.holds_s("door"),
            duty_holds_s=inf if duty is None or is_declared else duty.holds_s,
            grace_s=self.grace_s,
            left_s=60.0 * self.left_min,
        )
