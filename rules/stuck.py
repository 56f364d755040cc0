"""Readings that stand still although life goes on: a frozen device, a counter that does not count, a tap nobody uses.

Strategy. One quantity that repeats says little: a lamp draws the same 41 W all evening. So a device is taken as frozen
when all it measures repeats together, soon where a voltage is among it (mains is never still), late where not; or when
the quality check found one of its values repeating far longer than that point ever did. A counter is stuck when it does
not rise for a day's worth of readings under load. A water point without any flow for a week of term is closed off,
broken, or its meter does not turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.fact import PEOPLE
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn, pseudo
from rules.quality import STUCK, UNREFINED
from rules.quantity import QUANTITIES, Kind
from rules.rule import Words, parameter
from rules.watch import Watch

LIVELY = ("voltage_v", "frequency_hz")
LOADS = {"current_a": 0.5, "power_w": 100.0}  # under which a counter must rise in a day
LEAST_REPEATS = 20
ALL = "all"  # of a device, where a role is told
LOOK_S = 60.0  # what comes whole and more often than this is not looked at each time


def _told(turn: Turn, why: str, values: Mapping[str, float | str], evidence: Evidence) -> tuple[Change]:
    return (Change(turn, Severity.MINOR, Delivery.DIGEST, f"stuck.{why}", values, evidence),)


class _Still(NamedTuple):
    """`canary` is the liveliest value, `rest` the others by role; they have all stood still since `since`.

    `raised` is what was told: a role, or all of them.
    """

    at: float | None = None
    canary: float | None = None
    rest: tuple[tuple[str, float], ...] = ()
    since: float = 0.0
    covered_s: float = 0.0
    repeats: int = 0
    raised: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenWatch:
    """One device; `canary` is the role that moves most."""

    rule: ClassVar[str] = "stuck"
    version: ClassVar[int] = 3
    start: ClassVar[_Still] = _Still()

    key: str
    place: str
    inputs: Mapping[str, str]
    verdicts: frozenset[str]
    device: str
    canary: str
    count: int
    holds_s: float
    hold_s: float

    def step(self, state: _Still, at: float, values: Mapping[str, float]) -> tuple[_Still, Sequence[Change]]:
        heard, canary, rest, since, covered_s, repeats, raised = state
        is_early = heard is not None and at - heard < LOOK_S and len(values) == self.count and not raised
        if is_early and self.verdicts.isdisjoint(values):
            return state, ()
        moved = values.get(self.canary, canary)
        if moved != canary and not raised:
            return _Still(at, moved, (), at), ()
        verdict = min((role for role in values if role in self.verdicts), default="")
        known = dict(rest)
        news = {role: value for role, value in values.items() if role not in self.verdicts and role != self.canary}
        if moved != canary or any(known.get(role, value) != value for role, value in news.items()):
            if raised and (raised == ALL or raised in values):
                return _Still(at, moved, (), at), self._changes(Turn.CLEARED, state, at)
            return _Still(at, moved, tuple(sorted((known | news).items())), at, 0.0, 0, raised), ()
        if not news.keys() <= known.keys():
            rest = tuple(sorted((known | news).items()))
        covered_s += 0.0 if heard is None else min(at - heard, self.holds_s)
        x = _Still(at, moved, rest, since if heard is not None else at, covered_s, repeats + 1, raised)
        if raised:
            return x, ()
        if verdict:
            x = x._replace(raised=verdict.partition("!")[0])
        elif covered_s >= self.hold_s and repeats + 1 >= LEAST_REPEATS and self._is_evidence(moved, rest):
            x = x._replace(raised=ALL)
        return x, self._changes(Turn.RAISED, x, at) if x.raised else ()

    def deadline(self, state: _Still) -> float | None:
        return None

    def hold(self, state: _Still, at: float) -> Hold | None:
        if state.raised or state.repeats < LEAST_REPEATS or not self._is_evidence(state.canary, state.rest):
            return None
        return Hold(state.since, min(state.covered_s, self.hold_s), self.hold_s)

    def explain(self, state: _Still, at: float) -> Explanation:
        if state.at is None:
            return Explanation("stuck.unknown", {})
        values: dict[str, float | str] = {"since_at": state.since, "still_s": at - state.since}
        if state.raised:
            return Explanation("stuck.open", values)
        return Explanation("stuck.still" if state.repeats else "stuck.lively", values)

    def _is_evidence(self, canary: float | None, rest: Sequence[tuple[str, float]]) -> bool:
        """At least two quantities that are not just nothing."""
        return sum(value != 0.0 for value in (canary or 0.0, *(value for _, value in rest))) >= 2

    def _changes(self, turn: Turn, x: _Still, at: float) -> Sequence[Change]:
        points = {role: point for role, point in self.inputs.items() if role not in self.verdicts}
        shown = tuple(points.values()) if x.raised == ALL else (points[x.raised],)
        what = shown[0]
        if x.raised == ALL:  # its counter may run on
            what = f"{self.device} ({', '.join(sorted(point.rpartition('/')[2] for point in shown))})"
        values: dict[str, float | str] = {"what": what, "still_s": at - x.since, "covered_s": x.covered_s}
        return _told(turn, f"{turn.value}", values, Evidence(x.since, shown, None, x.covered_s))


class _Idle(NamedTuple):
    """A counter at `register` since `since`, for so many seconds under load."""

    at: float | None = None
    register: float | None = None
    since: float = 0.0
    load: float = 0.0
    loaded_s: float = 0.0
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UncountedWatch:
    """One energy counter beside the current or power of the same circuit."""

    rule: ClassVar[str] = "stuck"
    version: ClassVar[int] = 1
    start: ClassVar[_Idle] = _Idle()

    key: str
    place: str
    inputs: Mapping[str, str]
    least: float
    holds_s: float
    hold_s: float

    def step(self, state: _Idle, at: float, values: Mapping[str, float]) -> tuple[_Idle, Sequence[Change]]:
        heard, register, since, load, loaded_s, is_raised = state
        now = values.get("register", register)
        if heard is not None and now == register and at - heard < self.holds_s / 2:
            return state, ()
        if now != register:
            changes = self._change(Turn.CLEARED, state, at) if is_raised and register is not None else ()
            return _Idle(at, now, at, values.get("load", load)), changes
        if load >= self.least and heard is not None:
            loaded_s += min(at - heard, self.holds_s)
        x = _Idle(at, register, since, values.get("load", load), loaded_s, is_raised)
        if loaded_s < self.hold_s or is_raised or register is None or "register" not in values:
            return x, ()
        return x._replace(is_raised=True), self._change(Turn.RAISED, x, at)

    def deadline(self, state: _Idle) -> float | None:
        return None

    def hold(self, state: _Idle, at: float) -> Hold | None:
        if state.is_raised or state.loaded_s < self.hold_s / 4:
            return None
        return Hold(state.since, min(state.loaded_s, self.hold_s), self.hold_s)

    def explain(self, state: _Idle, at: float) -> Explanation:
        if state.register is None:
            return Explanation("stuck.unknown", {})
        values: dict[str, float | str] = {"since_at": state.since, "loaded_s": state.loaded_s}
        return Explanation("stuck.uncounted_for", values)

    def _change(self, turn: Turn, x: _Idle, at: float) -> Sequence[Change]:
        values: dict[str, float | str] = {"still_s": at - x.since, "loaded_s": x.loaded_s}
        evidence = Evidence(x.since, tuple(self.inputs.values()), None, x.loaded_s)
        return _told(turn, f"uncounted_{turn.value}", values, evidence)


class _Dry(NamedTuple):
    """No flow since `since`, for so many seconds of term; `until` is how long `is_term` holds."""

    at: float | None = None
    since: float = 0.0
    dry_s: float = 0.0
    until: float = 0.0
    is_term: bool = False
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DryWatch:
    """One flow of a place in use."""

    rule: ClassVar[str] = "stuck"
    version: ClassVar[int] = 1
    start: ClassVar[_Dry] = _Dry()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    hold_s: float
    hours: Hours

    def step(self, state: _Dry, at: float, values: Mapping[str, float]) -> tuple[_Dry, Sequence[Change]]:
        heard, since, dry_s, until, is_term, is_raised = state
        if values["flow"] != 0.0:
            if dry_s == 0.0 and heard is not None:
                return state if at - heard < self.holds_s / 2 else _Dry(at, at, 0.0, until, is_term), ()
            return _Dry(at, at, 0.0, until, is_term), self._change(Turn.CLEARED, state, at) if is_raised else ()
        if is_term and heard is not None:
            dry_s += min(at - heard, self.holds_s)
        if at >= until:
            is_term, until = self.hours.term(at)
        x = _Dry(at, since if heard is not None else at, dry_s, until, is_term, is_raised)
        if dry_s < self.hold_s or is_raised:
            return x, ()
        return x._replace(is_raised=True), self._change(Turn.RAISED, x, at)

    def deadline(self, state: _Dry) -> float | None:
        return None

    def hold(self, state: _Dry, at: float) -> Hold | None:
        if state.is_raised or state.dry_s < self.hold_s / 4:
            return None
        return Hold(state.since, min(state.dry_s, self.hold_s), self.hold_s)

    def explain(self, state: _Dry, at: float) -> Explanation:
        if state.at is None:
            return Explanation("stuck.unknown", {})
        return Explanation("stuck.dry_for", {"since_at": state.since, "dry_s": state.dry_s})

    def _change(self, turn: Turn, x: _Dry, at: float) -> Sequence[Change]:
        evidence = Evidence(x.since, tuple(self.inputs.values()), None, x.dry_s)
        return _told(turn, f"dry_{turn.value}", {"still_s": at - x.since, "dry_s": x.dry_s}, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """Flags what stands still although it should move: devices, energy counters, water points."""

    kind: ClassVar[str] = "stuck"
    slowest_s: ClassVar[float] = inf
    memory_s: ClassVar[float] = 8 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "数值不变",
            "设备仍在上报，但数值卡住不动。有电压的电表所有读数一起超过 1 小时（frozen_s）不变，其他设备一起超过 "
            "24 小时（still_s）不变时提示；单个测点只在重复时间远超它自己以往的情况下才算卡住，"
            "灯的固定功率、室温不变都不会误报。"
            "电流大于 0.5 安或功率大于 100 瓦满 24 小时（uncounted_s）而电能不走字，也提示；"
            "学期内用水点 7 天（dry_days）没有一点流量，也提示。只凭一个总是固定的读数无法判断。记入日报。",
            "到现场核对表的读数；断电重启设备，仍不变则更换。用水点查阀门和水表。",
            {
                "stuck.raised": "{what} 的读数已 {still_s}没有变化（其中 {covered_s}有读数）",
                "stuck.cleared": "{what} 的读数停 {still_s}后恢复变化（其中 {covered_s}有读数）",
                "stuck.uncounted_raised": "电能已 {still_s}不走字，其间带负载 {loaded_s}",
                "stuck.uncounted_cleared": "电能停 {still_s}后恢复走字，其间带负载 {loaded_s}",
                "stuck.dry_raised": "已 {still_s}没有用水，其中学期内 {dry_s}",
                "stuck.dry_cleared": "停水 {still_s}后恢复用水，其中学期内 {dry_s}",
                "stuck.unknown": "还没有读数",
                "stuck.open": "自 {since_at} 起 {still_s}没有变化，已提示",
                "stuck.still": "自 {since_at} 起 {still_s}没有变化",
                "stuck.lively": "读数在变化；最近一次在 {since_at}（{still_s}前）",
                "stuck.uncounted_for": "自 {since_at} 起不走字，其间带负载 {loaded_s}",
                "stuck.dry_for": "最近一次用水在 {since_at}，其后学期内 {dry_s}没有用水",
            },
        ),
        "en": Words(
            "Frozen reading",
            "A device still reports, but its values stand still. An electricity meter with a voltage is flagged when "
            "all its readings repeat for an hour (frozen_s), any other device after a day (still_s); a single point "
            "counts as frozen only when it repeats far longer than it ever did, so a lamp's constant power or a "
            "room's temperature is no fault. An energy counter that does not rise during 24 h (uncounted_s) above "
            "0.5 A or 100 W is flagged, and a water point without any flow for 7 days (dry_days) of term. From one "
            "reading that is always the same nothing can be told. For the day's summary.",
            "Compare with the display of the meter; switch the device off and on, and replace it if it stays. At a "
            "water point look at the valve and the meter.",
            {
                "stuck.raised": "the readings of {what} have not changed for {still_s}, {covered_s} of it covered",
                "stuck.cleared": "the readings of {what} move again after {still_s}, {covered_s} of it covered",
                "stuck.uncounted_raised": "the energy counter has not moved for {still_s}, {loaded_s} of it under load",
                "stuck.uncounted_cleared": "the energy counter moves again after {still_s}, {loaded_s} of it under "
                "load",
                "stuck.dry_raised": "no water has been used for {still_s}, {dry_s} of it in term",
                "stuck.dry_cleared": "water is used again after {still_s}, {dry_s} of it in term",
                "stuck.unknown": "no reading yet",
                "stuck.open": "unchanged since {since_at}, for {still_s}: an alert is open",
                "stuck.still": "unchanged since {since_at}, for {still_s}",
                "stuck.lively": "it moves; last change at {since_at}, {still_s} ago",
                "stuck.uncounted_for": "the counter stands since {since_at}, {loaded_s} of it under load",
                "stuck.dry_for": "water was last used at {since_at}; since then none in {dry_s} of term",
            },
        ),
    }

    frozen_s: float = parameter(3_600.0, unit="s", least=300.0, most=604_800.0)
    still_s: float = parameter(86_400.0, unit="s", least=300.0, most=691_200.0)
    uncounted_s: float = parameter(86_400.0, unit="s", least=3_600.0, most=691_200.0)
    dry_days: float = parameter(7.0, unit="d", least=1.0, most=8.0)

    def watches(self, site: Site) -> Iterable[Watch]:
        devices: dict[str, list[Point]] = {}
        for place in site.places:
            for point in site.points_at(place):
                if QUANTITIES[point.quantity].kind is Kind.GAUGE and not point.of and point.source != PEOPLE:
                    devices.setdefault(point.device, []).append(point)
            yield from self._at(site, place)
        for device, points in devices.items():
            gauges = [point for point in points if point.quantity not in UNREFINED]
            if gauges:
                yield self._frozen(device, gauges)

    def _frozen(self, device: str, points: Sequence[Point]) -> FrozenWatch:
        canary = min(points, key=lambda point: point.quantity not in LIVELY)
        inputs = {str(number): point.id for number, point in enumerate(points, 1)}  # devices of a kind have like roles
        verdicts = dict(zip(pseudo(inputs, STUCK), pseudo(inputs.values(), STUCK), strict=True))
        is_lively = canary.quantity in LIVELY
        return FrozenWatch(
            key=f"stuck/{device}", place=points[0].place, device=device, canary=str(points.index(canary) + 1),
            count=len(points), inputs=inputs | verdicts, verdicts=frozenset(verdicts),
            holds_s=min(point.holds_s for point in points), hold_s=self.frozen_s if is_lively else self.still_s,
        )  # fmt: skip

    def _at(self, site: Site, place: str) -> Iterable[Watch]:
        points = {(point.part, point.quantity): point for point in site.points_at(place)}
        for (part, quantity), point in points.items():
            load = next((points[part, name] for name in LOADS if (part, name) in points), None)
            if quantity == "energy_kwh" and load is not None:
                yield UncountedWatch(
                    key=f"stuck/{point.id}", place=place, inputs={"register": point.id, "load": load.id},
                    least=LOADS[load.quantity], holds_s=load.holds_s, hold_s=self.uncounted_s,
                )  # fmt: skip
            if quantity == "flow_lpm":
                yield DryWatch(
                    key=f"stuck/{point.id}", place=place, inputs={"flow": point.id}, holds_s=point.holds_s,
                    hold_s=self.dry_days * 86_400.0, hours=site.hours(place),
                )  # fmt: skip
