"""Boiler unattended (锅炉无人照看): it fires, and for hours nobody made a round or was on duty.

Strategy. A burner goes on and off by itself, so a boiler *fires* from its first flame until readings have shown none
for an hour. What counts is the time that readings of the flame cover since the last look: a round, or the end of a
duty. While somebody is on duty it is only said that rounds are missing, where they are made at all. A duty that
somebody declared speaks for one shift, one that a device tells as long as its reading does. Only a burning flame
raises, also between readings where they come on change alone; a long silence begins the count anew. Where there are no
devices for it and nobody ever declared anything, there is nothing to miss: that is said once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.boiler import Boiler, boilers
from rules.fact import PEOPLE
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn, stamp
from rules.rule import Words, parameter

SLACK_S = 0.001   # times are kept to the millisecond
PAUSE_S = 3600.0  # a boiler fires until its flame has been out this long; a silence this long is a new beginning
UNDECLARED, NO_ROUND, MISSED, LONG = 1, 2, 3, 4  # what was told
_TOLD = {
    UNDECLARED: ("undeclared", Severity.MINOR, Delivery.DIGEST),
    NO_ROUND: ("no_round", Severity.MINOR, Delivery.DIGEST),
    MISSED: ("raised", Severity.MAJOR, Delivery.PAGE),
    LONG: ("raised", Severity.CRITICAL, Delivery.PAGE),
}


class _State(NamedTuple):
    """The flame by its newest reading, at `heard_at`; `at` is up to when the times below are counted.

    It fires `since` a time; `unseen_s` is how long without a look, from `seen_at` on; `out_s` how long the flame has
    been out. `round_at` and `roundless_s` are the same for rounds, whoever is on duty. `duty_until` is how far the
    newest word of a duty speaks. `is_known`: somebody looked or said once; `has_round`: somebody made a round once.
    """

    at: float | None = None
    burns: bool = False
    heard_at: float = 0.0
    since: float | None = None
    seen_at: float = 0.0
    unseen_s: float = 0.0
    out_s: float = 0.0
    round_at: float = 0.0
    roundless_s: float = 0.0
    duty_until: float = 0.0
    is_known: bool = False
    has_round: bool = False
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerUnattendedWatch:
    """One boiler, by its flame, the rounds that are made and who is on duty."""

    rule: ClassVar[str] = "boiler_unattended"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    duty_s: float
    round_s: float
    is_duty_said: bool
    has_device: bool

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if state.since is None and len(values) == 1 and values.get("flame") == 0.0:  # the usual, in summer
            return _State(at, False, at, None, *state[4:]), ()
        changes: list[Change] = []
        x = self._counted(state, at)
        if x.out_s >= PAUSE_S - SLACK_S and x.since is not None:
            x = self._over(x, changes)
        if "round" in values or "on_duty" in values:
            x = self._looked(x, at, values, changes)
        if "flame" in values:
            x = self._with_flame(x, at, burns=values["flame"] == 1.0)
        due = self._due(x, at)
        if due > x.told:
            changes.append(self._change(x, Turn.UPDATED if x.told else Turn.RAISED, due))
            x = x._replace(told=due)
        return x, changes

    def deadline(self, state: _State) -> float | None:
        x = state
        if x.at is None or x.since is None:
            return None
        if not x.burns:
            due = x.at + PAUSE_S - x.out_s if x.told >= NO_ROUND else 0.0
        elif x.told in (UNDECLARED, LONG):
            return None
        else:
            is_on_duty = x.duty_until > x.at
            begin, unseen_s = (x.duty_until, 0.0) if is_on_duty else (x.at, x.unseen_s)
            due = begin + self.round_s * (2 if x.told == MISSED else 1) - unseen_s
            if is_on_duty and x.has_round and not x.told:
                due = min(due, x.at + self.round_s - x.roundless_s)
        return stamp(due) if x.at < stamp(due) <= x.heard_at + self.holds_s else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.told or state.since is None:
            return None
        x = self._counted(state, at)
        return Hold(x.seen_at, min(x.unseen_s, self.round_s), self.round_s) if x.unseen_s else None

    def explain(self, state: _State, at: float) -> Explanation:
        if state.at is None:
            return Explanation("boiler_unattended.is_unheard", {})
        x = self._counted(state, at)
        if x.since is None or x.out_s >= PAUSE_S:
            return Explanation("boiler_unattended.is_out", {"heard_at": x.heard_at})
        if x.duty_until > at:
            why = "makes_rounds" if x.has_round else "is_attended"
            values = {"since_at": x.round_at, "unseen_s": x.roundless_s, "needed_s": self.round_s}
            return Explanation(f"boiler_unattended.{why}", values | {"until_at": x.duty_until})
        values = {"since_at": x.seen_at, "unseen_s": x.unseen_s, "needed_s": self.round_s}
        return Explanation(f"boiler_unattended.{'is_alone' if self._is_known(x) else 'is_undeclared'}", values)

    # -- what it is made of

    def _is_known(self, x: _State) -> bool:
        return self.has_device or x.is_known

    def _counted(self, x: _State, at: float) -> _State:
        """The state with the time up to `at` counted, as far as the flame's newest reading speaks."""
        end = min(at, x.heard_at + self.holds_s)
        if x.at is None or x.since is None or end <= x.at:
            return x
        out_s = 0.0 if x.burns else x.out_s + end - x.at
        is_seen = x.duty_until > x.at
        seen_at = min(x.duty_until, end) if is_seen else x.seen_at
        unseen_s = end - seen_at if is_seen else x.unseen_s + end - x.at
        roundless_s = x.roundless_s + end - x.at
        return _State(end, x.burns, x.heard_at, x.since, seen_at, unseen_s, out_s, x.round_at, roundless_s, *x[9:])

    def _over(self, x: _State, changes: list[Change]) -> _State:
        """The boiler no longer fires."""
        if x.told >= NO_ROUND:
            changes.append(self._change(x, Turn.CLEARED, x.told, "out"))
            x = x._replace(told=0)
        return x._replace(since=None, unseen_s=0.0, out_s=0.0, roundless_s=0.0)

    def _looked(self, x: _State, at: float, values: Mapping[str, float], changes: list[Change]) -> _State:
        """Somebody made a round, or says who is on duty; a button that rests says nothing."""
        is_round, duty = values.get("round") == 1.0, values.get("on_duty")
        comes = bool(duty) and (self.is_duty_said or x.duty_until <= at)
        if duty is not None:
            x = x._replace(is_known=True, duty_until=at + self.duty_s if duty else min(x.duty_until, at))
        if not (is_round or duty):
            return x
        if x.told and (is_round or comes or x.told != NO_ROUND):
            changes.append(self._change(x, Turn.CLEARED, x.told, "seen"))
            x = x._replace(told=0)
        if is_round or comes:
            x = x._replace(round_at=at, roundless_s=0.0, has_round=x.has_round or is_round)
        return x._replace(is_known=True, seen_at=at, unseen_s=0.0)

    def _with_flame(self, x: _State, at: float, *, burns: bool) -> _State:
        is_silent = x.at is not None and at - x.heard_at > max(PAUSE_S, self.holds_s) and x.told < MISSED
        since = None if is_silent else x.since
        if burns and since is None:
            reach_s = 0.0 if is_silent else PAUSE_S  # a look long before says nothing about this fire
            looks = max(x.seen_at, min(x.duty_until, at)), x.round_at
            seen_at, round_at = (look if at - look <= reach_s else at for look in looks)
            return _State(at, True, at, at, seen_at, at - seen_at, 0.0, round_at, at - round_at, *x[9:])
        return _State(at, burns, at, since, x.seen_at, x.unseen_s, 0.0 if burns else x.out_s, *x[7:])

    def _due(self, x: _State, at: float) -> int:
        """What the time without a look asks for."""
        if not x.burns or x.since is None:
            return 0
        enough_s = self.round_s - SLACK_S
        if x.unseen_s < enough_s:
            return NO_ROUND if x.has_round and x.roundless_s >= enough_s and x.duty_until > at else 0
        if not self._is_known(x):
            return UNDECLARED
        return LONG if x.unseen_s >= enough_s + self.round_s else MISSED

    def _change(self, x: _State, turn: Turn, told: int, why: str = "") -> Change:
        said, severity, delivery = _TOLD[told]
        why = why or said
        since, unseen_s = (x.round_at, x.roundless_s) if told == NO_ROUND else (x.seen_at, x.unseen_s)
        values = {"since_at": since, "unseen_s": unseen_s}
        evidence = Evidence(since, tuple(self.inputs.values()), None, unseen_s)
        return Change(turn, severity, delivery, f"boiler_unattended.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoilerUnattended:
    """Flags boilers that fire while for hours nobody makes a round or is on duty."""

    kind: ClassVar[str] = "boiler_unattended"
    slowest_s: ClassVar[float] = 900.0
    memory_s: ClassVar[float] = 7 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "锅炉无人照看",
            "锅炉在烧，超过 round_h（2 小时）没有人巡查、也没有人值班时，马上通知；时间加倍后按紧急报，夜里在烧的也算。"
            "做过巡查的锅炉房，有人值班但这么久没有巡查的，只写进当天汇总。巡查（round）和值班（on_duty）可以来自按钮、"
            "刷卡器或 MQTT，也可以用“caretaker declare”命令或面板上锅炉房页面的按钮声明；每收到一次 round = 1 就是一次"
            "巡查。人声明的值班最多算一班（shift_h，12 小时），要接着算就再声明一次；设备上报的值班，在读数有效期内算。"
            "火焰读数：flame、burner/flame 或 burner/on；断断续续地烧也算在烧，熄火一小时才算停。火焰没有读数的时间不算"
            "。没有装按钮、刷卡器，也从来没有人声明过的锅炉房，不逐次报警，只在当天汇总里提一次，请大家开始声明。它只看"
            "有没有人来过，不代替持证司炉人员。",
            "请值班人员马上到锅炉房查看压力、水位和火焰，然后按“已巡查”；没有人在就先停炉。",
            {
                "boiler_unattended.raised": "锅炉在烧，没有人值班，从 {since_at} 起没有人来看过，已烧 {unseen_s}",
                "boiler_unattended.no_round": "有人值班，但从 {since_at} 起没有巡查，已烧 {unseen_s}",
                "boiler_unattended.undeclared": "锅炉在烧，从 {since_at} 起已烧 {unseen_s}，这里从来没有声明过巡查或值"
                "班；请在面板上按“已巡查”或“我来值班”",
                "boiler_unattended.seen": "有人来看过了；之前从 {since_at} 起烧了 {unseen_s} 没有人来看",
                "boiler_unattended.out": "锅炉已停烧；从 {since_at} 起烧了 {unseen_s} 没有人来看",
                "boiler_unattended.is_unheard": "还没有收到火焰读数",
                "boiler_unattended.is_out": "{heard_at} 锅炉没有在烧",
                "boiler_unattended.is_attended": "有人值班，算到 {until_at}",
                "boiler_unattended.makes_rounds": "有人值班，算到 {until_at}；从 {since_at} 起没有巡查，已烧 "
                "{unseen_s}，满 {needed_s} 写进汇总",
                "boiler_unattended.is_alone": "从 {since_at} 起没有人来过，已烧 {unseen_s}；满 {needed_s} 要报",
                "boiler_unattended.is_undeclared": "从 {since_at} 起在烧，已 {unseen_s}；这里从来没有声明过巡查或值班，"
                "满 {needed_s} 只在汇总里提一次",
            },
        ),
        "en": Words(
            "Boiler unattended",
            "Says when a boiler fires and for round_h (2 h) nobody has made a round or been on duty; after double the "
            "time it is critical. Nights count too while it fires. Where rounds are made, somebody on duty without a "
            "round for so long is a line in the day's summary. Rounds (round) and duty (on_duty) come from a button, a "
            "card reader or MQTT, or are declared with “caretaker declare” or the buttons on the panel's page of the "
            "boiler room; each reading round = 1 is a round. A duty that people declare speaks for one shift at most "
            "(shift_h, 12 h), then it has to be declared again; one that a device tells speaks as long as its readings "
            "do. The flame is flame, burner/flame or burner/on; a burner that cycles fires, until its flame has been "
            "out for an hour. Time without readings of the flame does not count. Where there is neither button nor "
            "card reader and nobody ever declared anything, it calls nobody: one line in the day's summary asks to "
            "begin with it. It only sees whether somebody came, and stands in for no licensed attendant.",
            "Send whoever is on duty to look at pressure, water level and flame, and to press “Round done”; with "
            "nobody there, shut the boiler down.",
            {
                "boiler_unattended.raised": "it fires with nobody on duty, and nobody has looked since {since_at}: "
                "{unseen_s} of firing",
                "boiler_unattended.no_round": "somebody is on duty, but since {since_at} there was no round: "
                "{unseen_s} of firing",
                "boiler_unattended.undeclared": "it has fired for {unseen_s} since {since_at}, and no round or duty "
                "was ever declared here; press “Round done” or “I am on duty” on the panel",
                "boiler_unattended.seen": "somebody has looked; since {since_at} it had fired for {unseen_s} without "
                "that",
                "boiler_unattended.out": "it no longer fires; since {since_at} it fired for {unseen_s} without a look",
                "boiler_unattended.is_unheard": "no reading of the flame has come yet",
                "boiler_unattended.is_out": "at {heard_at} it did not fire",
                "boiler_unattended.is_attended": "somebody is on duty; that counts until {until_at}",
                "boiler_unattended.makes_rounds": "somebody is on duty, which counts until {until_at}; since "
                "{since_at} there was no round: {unseen_s} of firing, {needed_s} is said in the summary",
                "boiler_unattended.is_alone": "since {since_at} nobody has come: {unseen_s} of firing; {needed_s} "
                "raises",
                "boiler_unattended.is_undeclared": "it has fired for {unseen_s} since {since_at}; no round or duty was "
                "ever declared here, so {needed_s} is only said once in the summary",
            },
        ),
    }

    round_h: float = parameter(2.0, unit="h", least=0.1, most=24.0)
    shift_h: float = parameter(12.0, unit="h", least=1.0, most=72.0)

    def watches(self, site: Site) -> Iterable[BoilerUnattendedWatch]:
        for boiler in boilers(site, "flame"):
            if boiler.inputs("round", "on_duty"):
                yield self._watch(boiler)

    def _watch(self, boiler: Boiler) -> BoilerUnattendedWatch:
        sources = {role: boiler.points[role].source for role in boiler.inputs("round", "on_duty")}
        is_said = sources.get("on_duty", PEOPLE) == PEOPLE
        return BoilerUnattendedWatch(
            key=boiler.place.id,
            place=boiler.place.id,
            inputs=boiler.inputs("flame", "round", "on_duty"),
            holds_s=boiler.holds_s("flame"),
            duty_s=3600.0 * self.shift_h if is_said else boiler.holds_s("on_duty"),
            round_s=3600.0 * self.round_h,
            is_duty_said=is_said,
            has_device=any(source != PEOPLE for source in sources.values()),
        )
