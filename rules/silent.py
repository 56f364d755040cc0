"""A silent device: nothing came from it for far longer than its interval, although its source is up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Hold, Point, Severity, Site, Turn, state_point
from rules.rule import Words, parameter

ONLINE = "online"
OWN_WORD = ("online", "backlog")  # quantities by which a transport speaks of itself


class _State(NamedTuple):
    """`last` is when it spoke or its source came back; `due` is when it is missed, where a cut postponed that."""

    last: float | None = None
    is_up: bool = True
    is_raised: bool = False
    due: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentWatch:
    """One device, which any of its points shows to live; time without `supply` is not held against it."""

    rule: ClassVar[str] = "silent"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    device: str
    inputs: Mapping[str, str]
    holds_s: float
    wait_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        last, is_up, is_raised, due = state
        if ONLINE not in values:
            if values:
                return _State(at, is_up), (self._change(Turn.CLEARED, state, at),) if is_raised else ()
            if due is None and last is not None and (due := self._due(last)) > at:
                return _State(last, is_up, False, due), ()
            return _State(last, is_up, True), (self._change(Turn.RAISED, state, at),)
        if len(values) > 1:
            return _State(at, values[ONLINE] > 0), (self._change(Turn.CLEARED, state, at),) if is_raised else ()
        was_up, is_up = is_up, values[ONLINE] > 0
        if is_up and not was_up and last is not None and not is_raised:
            last, due = at, None  # it has its full time again to be heard
        return _State(last, is_up, is_raised, due), ()

    def deadline(self, state: _State) -> float | None:
        last, is_up, is_raised, due = state
        if last is None or is_raised or not is_up:
            return None
        return last + self.wait_s if due is None else due  # asked at every sample: the wake-up looks for cuts

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.last is None or self.deadline(state) is None or at <= state.last + self.holds_s:
            return None
        waited_s = at - self._due(state.last) + self.wait_s
        return Hold(state.last, min(waited_s, self.wait_s), self.wait_s) if waited_s > 0 else None

    def _due(self, last: float) -> float:
        """When it is missed: once power is back after a cut it has its full time again, of which cuts are no part."""
        due = last + self.wait_s
        supply = self.hours.supply
        if supply is None:
            return due
        on, off = supply
        if supply.holds(self.hours.calendar.minute(last)) and due <= self.hours.calendar.next_minute(last, off):
            return due
        begin, left_s = self.hours.calendar.next_minute(last, on), self.wait_s
        while begin + left_s > (end := self.hours.calendar.next_minute(begin, off)):
            left_s -= end - begin
            begin = self.hours.calendar.next_minute(end, on)
        return begin + left_s

    def _change(self, turn: Turn, state: _State, at: float) -> Change:
        since = at if state.last is None else state.last
        points = tuple(point for role, point in self.inputs.items() if role != ONLINE)
        values: dict[str, float | str] = {"device": self.device, "silent_s": at - since}
        why = f"{self.rule}.{turn.value}"
        return Change(turn, Severity.MINOR, Delivery.PAGE, why, values, Evidence(since, points))


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Flags a device that has stopped reporting; every device of the site."""

    kind: ClassVar[str] = "silent"
    slowest_s: ClassVar[float] = inf  # its patience follows the interval
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "设备无数据",
            "",
            "检查设备的电源、电池和接线；修好后数据会自动恢复。",
            {
                "silent.raised": "设备 {device} 已 {silent_s}没有数据",
                "silent.cleared": "设备 {device} 中断 {silent_s}后恢复数据",
            },
        ),
        "en": Words(
            "Device silent",
            "",
            "Check its power, its battery and its wiring; it recovers by itself once data comes again.",
            {
                "silent.raised": "no data from {device} for {silent_s}",
                "silent.cleared": "data from {device} again after {silent_s}",
            },
        ),
    }

    least_s: float = parameter(300.0, unit="s", least=1.0, most=604_800.0)
    missed: float = parameter(3.0, unit="", least=1.5, most=100.0)

    def watches(self, site: Site) -> Iterable[SilentWatch]:
        devices: dict[str, list[Point]] = {}
        for place in site.places:
            for point in site.points_at(place):
                if point.quantity not in OWN_WORD:
                    devices.setdefault(point.device, []).append(point)
        for device, points in devices.items():
            holds_s = min(point.holds_s for point in points)
            yield SilentWatch(
                key=f"silent/{device}",
                place=points[0].place,
                device=device,
                inputs={point.id: point.id for point in points} | {ONLINE: state_point(points[0].source, ONLINE)},
                holds_s=holds_s,
                wait_s=max(self.missed * holds_s / 2.5, self.least_s),
                hours=site.hours(points[0].place),
            )
