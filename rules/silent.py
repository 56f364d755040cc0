"""What has stopped reporting: a device, many devices of one building together, or a whole source.

Strategy. A device is missed when nothing came from it for several of its intervals, of hours with power. It keeps quiet
while its source says itself that it is unreachable: then the source is one event. And it keeps quiet when it fell
silent together with its group, the like devices of one source and building: three *witnesses* spread over the group
stand for it, so that a device listens to three others instead of three hundred; when all three fell silent at about
the same time that is one event too. What reports more rarely is missed later, but a dead bus is one event: so a slower
group, or a slow device that has no group, listens to the witnesses of the next faster group and keeps quiet with them.
Once the witnesses or the source speak again after a silence, who may have shared it has its full time again.
A rejected reading is a word like any other: it may be nonsense, but somebody sent it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.fact import PEOPLE
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn, pseudo, state_point
from rules.rule import Words, parameter
from rules.silent_source import ATTENDED, ONLINE, SourceWatch
from rules.watch import Watch

PRESENCE = "presence"  # a device's own word on whether it is online
OWN_WORD = (ONLINE, "backlog", ATTENDED)  # quantities by which a transport speaks of itself
WITNESSES = ("witness-1", "witness-2", "witness-3")
OTHERS = frozenset({*WITNESSES, *pseudo(WITNESSES)})
FOREIGN = OTHERS | {ONLINE}
PLANT = frozenset({"boiler_room", "drinking_boiler", "pump_room", "distribution_room"})  # where nobody may be blind
TOGETHER = 0.5  # of the wait: silent within so much of each other is silent together
EXACTLY = 0.45  # of the wait, less an interval: witnesses need not be noted more exactly than that


class _State(NamedTuple):
    """`last` is when it spoke or its source came back, `due` when it is missed, where a cut postponed that.

    `around` is when a witness spoke; of a group `other` is when another one of it than the last, `who`, did.
    `is_with_others`: what befell it is said elsewhere. `is_gone`: it said itself that it is offline.
    """

    last: float | None = None
    is_up: bool = True
    is_raised: bool = False
    due: float | None = None
    around: float | None = None
    is_with_others: bool = False
    who: str = ""
    other: float | None = None
    is_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentWatch:
    """One device, which any of its points shows to live, or a group by its witnesses; `about` are values to say.

    Time without `supply` is not held against it. Witnesses that come back after `outage_s` were silent as well.
    What says that it is offline is missed after `patience_s`, however rarely it reports.
    """

    rule: ClassVar[str] = "silent"
    version: ClassVar[int] = 6
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    what: str
    about: Mapping[str, float | str]
    severity: Severity
    delivery: Delivery
    holds_s: float
    wait_s: float
    rarely_s: float
    outage_s: float
    patience_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if len(values) == 1 and state.around is not None and at - state.around < self.rarely_s:
            (role,) = values
            if role in OTHERS:
                return state, ()
        last, is_up, is_raised, due, around, is_with_others, who, other, is_gone = state
        if not values:
            return self._missed(state, at)
        if PRESENCE in values:
            return self._told(state, at, dict(values))
        own = FOREIGN.isdisjoint(values)
        if not own:
            own = any(role not in FOREIGN for role in values)
            is_back = False
            if not OTHERS.isdisjoint(values):
                is_back = is_with_others or self._was_out(around, last, at)
                around, is_with_others = at, False
            if ONLINE in values:
                if values[ONLINE] > 0 and not is_up:
                    is_back, around = True, around and at
                is_up = values[ONLINE] > 0
            if not own:
                if is_back and not is_raised and last is not None:  # it has its full time again, and so have its like
                    other = at if self._is_near(other, last) else other
                    last, due, is_gone = at, None, False
                return _State(last, is_up, is_raised, due, around, is_with_others, who, other, is_gone), ()
        if self.what:
            who, other = _heard(values, who, other, last, at)
        changes = (self._change(Turn.CLEARED, state, at),) if is_raised else ()
        return _State(at, is_up, False, None, around, False, who, other), changes

    def _told(self, state: _State, at: float, values: dict[str, float]) -> tuple[_State, Sequence[Change]]:
        """It says itself whether it is online: offline it is missed soon; back online it has its full time again."""
        is_online = values.pop(PRESENCE) > 0
        if is_online and (state.is_gone or state.is_raised):
            values[next(iter(self.inputs))] = 1.0  # as good as a reading
        changes: Sequence[Change] = ()
        if values:
            state, changes = self.step(state, at, values)
        if is_online or state.is_gone or state.is_raised:
            return state, changes
        last = at if state.last is None else state.last
        due = min(self._due(last) if state.due is None else state.due, self._due(at, self.patience_s))
        return state._replace(last=last, due=due, is_gone=True, is_with_others=False), changes

    def deadline(self, state: _State) -> float | None:
        last, is_up, is_raised, due, _, is_with_others, *_ = state
        if last is None or is_raised or not is_up or is_with_others:
            return None
        return last + self.wait_s if due is None else due  # asked at every sample: the wake-up looks for cuts

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.last is None or self.deadline(state) is None or at <= state.last + self.holds_s:
            return None
        waited_s = at - self._due(state.last) + self.wait_s
        return Hold(state.last, min(waited_s, self.wait_s), self.wait_s) if waited_s > 0 else None

    def explain(self, state: _State, at: float) -> Explanation:
        last = state.last
        if last is None:
            return Explanation("silent.never", {})
        values: dict[str, float | str] = {"last_at": last}
        if state.is_raised:
            return Explanation("silent.missing", values)
        if not state.is_up:
            return Explanation("silent.source_down", values)
        if state.is_with_others:
            return Explanation("silent.with_others", values)
        due = self._due(last) if state.due is None else state.due
        why = "silent.says_offline" if state.is_gone else "silent.heard"
        return Explanation(why, values | {"due_at": due})

    def _missed(self, x: _State, at: float) -> tuple[_State, Sequence[Change]]:
        """What its deadline brings: more time because of a cut, a silence shared with others, or an alert."""
        if x.due is None and x.last is not None and (due := self._due(x.last)) > at:
            return x._replace(due=due), ()
        is_alone = x.is_gone or not self._is_near(x.around, x.last)
        if not is_alone or (self.what and not self._is_near(x.other, x.last)):  # a group is told together
            return x._replace(is_with_others=True), ()
        return x._replace(is_raised=True, due=None), (self._change(Turn.RAISED, x, at),)

    def _is_near(self, when: float | None, last: float | None) -> bool:
        """Whether others fell silent together with it."""
        return when is not None and abs(when - (last or 0.0)) <= TOGETHER * self.wait_s

    def _was_out(self, around: float | None, last: float | None, at: float) -> bool:
        """Whether its witnesses, who speak now, were silent and it may have been so with them."""
        return around is not None and at - around > self.outage_s and self._is_near(around, last)

    def _due(self, last: float, wait_s: float | None = None) -> float:
        """When it is missed: once power is back after a cut it has its full time again, of which cuts are no part."""
        wait_s = self.wait_s if wait_s is None else wait_s
        due = last + wait_s
        supply = self.hours.supply
        if supply is None:
            return due
        on, off = supply
        if supply.holds(self.hours.calendar.minute(last)) and due <= self.hours.calendar.next_minute(last, off):
            return due
        begin, left_s = self.hours.calendar.next_minute(last, on), wait_s
        while begin + left_s > (end := self.hours.calendar.next_minute(begin + 1.0, off)):  # in a day without that hour
            left_s -= end - begin
            begin = self.hours.calendar.next_minute(end + 1.0, on)
        return begin + left_s

    def _change(self, turn: Turn, state: _State, at: float) -> Change:
        since = at if state.last is None else state.last
        points = tuple(point for role, point in self.inputs.items() if role not in FOREIGN and "!" not in role)
        values = {**self.about, "silent_s": at - since}
        why = f"{self.rule}.{self.what}{turn.value}"
        return Change(turn, self.severity, self.delivery, why, values, Evidence(since, points))


def _heard(
    values: Iterable[str], who: str, other: float | None, last: float | None, at: float
) -> tuple[str, float | None]:
    """Which member of a group spoke last, and when another one did."""
    spoke = {role.partition("!")[0] for role in values if role not in FOREIGN}
    if len(spoke) > 1:
        return min(spoke), at
    return (who, other) if who in spoke else (spoke.pop(), last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Flags what has stopped reporting: every device, group of devices and source of the site."""

    kind: ClassVar[str] = "silent"
    slowest_s: ClassVar[float] = inf  # its patience follows the interval
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "设备无数据",
            "设备超过平时间隔的 3 倍（missed）、且至少 30 分钟（single_s；锅炉房、泵房、配电室等为 5 分钟，least_s）"
            "没有任何数据时提示，记入日报。"
            "数据源（服务器、串口）自己报告断线超过 5 分钟（source_s）时，只报一条数据源中断，通知值班人员；"
            "同一栋楼、同一数据源的多个设备一起 5 分钟没有数据时，也只报一条，其余设备不再逐个提示，"
            "其中上报较慢、较晚才到期的设备也不再另报；恢复后仍不上报的才单独提示。"
            "平时很少上报、但自己声明离线（MQTT 遗嘱、availability）的设备，"
            "从声明起 30 分钟（single_s；least_s）即提示。"
            "计划停电（supply）的时间不算。只要设备还在上报，即使数值有错，也不属于本规则。",
            "检查设备的电源、电池和接线；修好后数据会自动恢复。",
            {
                "silent.raised": "设备 {device} 已 {silent_s}没有数据",
                "silent.cleared": "设备 {device} 中断 {silent_s}后恢复数据",
                "silent.group_raised": "{building} 的 {devices:.0f} 个设备（{source}）一起 {silent_s}没有数据，"
                "请先查网关、总线和该楼供电",
                "silent.group_cleared": "{building} 的 {devices:.0f} 个设备（{source}）中断 {silent_s}后恢复数据",
                "silent.source_raised": "数据源 {source} 已中断 {silent_s}，其下设备全部没有数据",
                "silent.source_cleared": "数据源 {source} 中断 {silent_s}后恢复",
                "silent.never": "还没有收到过数据",
                "silent.heard": "最近一次数据在 {last_at}，到 {due_at} 仍没有数据才提示",
                "silent.says_offline": "设备自己声明离线，到 {due_at} 仍未恢复才提示；最近一次数据在 {last_at}",
                "silent.missing": "自 {last_at} 起没有数据，已提示",
                "silent.source_down": "数据源中断，只报数据源；最近一次数据在 {last_at}",
                "silent.with_others": "与同楼其他设备同时没有数据，已合并提示；最近一次数据在 {last_at}",
                "silent.link_up": "数据源 {source} 正常",
                "silent.link_down": "数据源 {source} 自 {since_at} 起中断",
            },
        ),
        "en": Words(
            "Device silent",
            "A device that sent nothing for 3 of its usual intervals (missed), and for 30 minutes at least (single_s; "
            "in boiler, pump and distribution rooms 5 minutes, least_s), goes into the day's summary. When a source (a "
            "broker, a serial line) says itself that it has been unreachable for 5 minutes (source_s), that is one "
            "alert for whoever is on duty; when many devices of one building and source fall silent together for 5 "
            "minutes, that is one alert too, and the single devices keep quiet, also those that report more rarely and "
            "would be missed later; what stays away when the others are back is told then. A device that reports "
            "rarely and says itself that it is offline (a last will over MQTT, an availability message) is missed "
            "single_s (least_s) after its word. Planned cuts (supply) do not count. A device that still reports, even "
            "nonsense, is no matter of this rule.",
            "Check its power, its battery and its wiring; it recovers by itself once data comes again.",
            {
                "silent.raised": "no data from {device} for {silent_s}",
                "silent.cleared": "data from {device} again after {silent_s}",
                "silent.group_raised": "no data for {silent_s} from {devices:.0f} {devices:device|devices} of "
                "{building} together ({source}): look at the gateway, the bus and the building's power first",
                "silent.group_cleared": "data from {devices:.0f} {devices:device|devices} of {building} ({source}) "
                "again after {silent_s}",
                "silent.source_raised": "source {source} has been unreachable for {silent_s}, and all its devices "
                "with it",
                "silent.source_cleared": "source {source} is back after {silent_s}",
                "silent.never": "nothing has come from it yet",
                "silent.heard": "last heard at {last_at}; missed if nothing comes until {due_at}",
                "silent.says_offline": "it says itself that it is offline; missed if it is not back by {due_at}; last "
                "heard at {last_at}",
                "silent.missing": "nothing since {last_at}: an alert is open",
                "silent.source_down": "its source is unreachable, which is said once for all; last heard at {last_at}",
                "silent.with_others": "silent together with others of its building, which is said once for all; last "
                "heard at {last_at}",
                "silent.link_up": "source {source} is reachable",
                "silent.link_down": "source {source} has been unreachable since {since_at}",
            },
        ),
    }

    least_s: float = parameter(300.0, unit="s", least=1.0, most=86_400.0)
    single_s: float = parameter(1800.0, unit="s", least=1.0, most=86_400.0)
    missed: float = parameter(3.0, unit="", least=1.5, most=100.0)
    source_s: float = parameter(300.0, unit="s", least=1.0, most=86_400.0)

    def watches(self, site: Site) -> Iterable[Watch]:
        devices: dict[str, list[Point]] = {}
        says: dict[str, str] = {}
        for place in site.places:
            for point in site.points_at(place):
                if point.quantity == ONLINE:
                    says[point.device] = point.id
                elif point.quantity not in OWN_WORD and point.source != PEOPLE and not point.of:
                    devices.setdefault(point.device, []).append(point)
        sources: dict[str, Point] = {}
        around: dict[tuple[str, str], dict[float, list[Point]]] = {}  # of a source and building, by how long they wait
        for points in devices.values():
            sources.setdefault(points[0].source, points[0])
            busiest = min(points, key=lambda point: point.holds_s)
            around.setdefault(_where(site, points), {}).setdefault(self._wait_s(points), []).append(busiest)
        for device, points in devices.items():
            groups, wait_s = around[_where(site, points)], self._wait_s(points)
            witnesses = [p for p in _spread(groups[wait_s]) or _faster(groups, wait_s) if p.device != device]
            patience_s = self.least_s if site.places[points[0].place].kind in PLANT else self.single_s
            yield self._watch(site, points, f"silent/{device}", witnesses, {"device": device},
                              wait_s=max(wait_s, patience_s), patience_s=patience_s,
                              presence=says.get(device) if wait_s > patience_s else None)  # others are missed as soon
        for groups in around.values():
            for wait_s, firsts in groups.items():
                if spread := _spread(firsts):
                    yield self._of_group(site, firsts, spread, _faster(groups, wait_s))
        for source, point in sources.items():
            roles = {role: state_point(source, role) for role in (ONLINE, ATTENDED)}
            yield SourceWatch(key=f"silent/source/{source}@{point.place}", place=site.places[point.place].building,
                              inputs=roles, source=source, wait_s=self.source_s)  # fmt: skip

    def _wait_s(self, points: Iterable[Point]) -> float:
        return max(self.missed * min(point.holds_s for point in points) / 2.5, self.least_s)

    def _of_group(
        self, site: Site, firsts: Sequence[Point], spread: Sequence[Point], faster: Sequence[Point]
    ) -> SilentWatch:
        building = site.places[site.places[spread[0].place].building]
        about: dict[str, float | str] = {
            "building": building.name, "devices": float(len(firsts)), "source": spread[0].source,
        }  # fmt: skip
        return self._watch(site, spread, f"silent/group/{spread[0].device}", faster, about, building.id,
                           wait_s=self._wait_s(spread))  # fmt: skip

    def _watch(
        self, site: Site, points: Sequence[Point], key: str, witnesses: Sequence[Point],
        about: Mapping[str, float | str], building: str = "", *, wait_s: float, patience_s: float = 0.0,
        presence: str | None = None,
    ) -> SilentWatch:  # fmt: skip
        """The watch of a device, or of a group in a building."""
        holds_s = min(point.holds_s for point in points)
        rarely_s = EXACTLY * wait_s - holds_s / 2.5
        inputs = {str(number): point.id for number, point in enumerate(points, 1)}  # devices of a kind have like roles
        inputs |= {role: point.id for role, point in zip(WITNESSES, witnesses, strict=False)}
        return SilentWatch(
            key=key, place=building or points[0].place, about=about, what="group_" if building else "",
            inputs={**inputs, **_any_verdict(inputs), ONLINE: state_point(points[0].source, ONLINE),
                    **({PRESENCE: presence} if presence else {})},
            severity=Severity.MAJOR if building else Severity.MINOR,
            delivery=Delivery.PAGE if building else Delivery.DIGEST,
            holds_s=holds_s, wait_s=wait_s, rarely_s=rarely_s,
            outage_s=max(rarely_s, 0.0) + (self._wait_s(witnesses) if witnesses else wait_s),
            patience_s=patience_s, hours=site.hours(points[0].place),
        )  # fmt: skip


def _where(site: Site, points: Sequence[Point]) -> tuple[str, str]:
    """The source of a device and its building."""
    return points[0].source, site.places[points[0].place].building


def _faster(groups: Mapping[float, Sequence[Point]], wait_s: float) -> list[Point]:
    """The witnesses of the next group that is missed sooner."""
    sooner = [other for other, firsts in groups.items() if other < wait_s and _spread(firsts)]
    return _spread(groups[max(sooner)]) if sooner else []


def _spread(firsts: Sequence[Point]) -> list[Point]:
    """Three devices from all over a group; none where the group is too small to be one."""
    return [firsts[0], firsts[len(firsts) // 2], firsts[-1]] if len(firsts) >= len(WITNESSES) else []


def _any_verdict(inputs: Mapping[str, str]) -> dict[str, str]:
    """Beside each input any rejected reading of its point."""
    return dict(zip(pseudo(inputs), pseudo(inputs.values()), strict=True))
