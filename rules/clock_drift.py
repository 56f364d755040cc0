"""A device whose own clock is wrong: its readings are dated by their arrival, which hides when things happened.

Strategy. The gateway compares the times that devices tell with its own and logs the difference when it changes. A
device that boots is off by decades for a minute, so a difference must last before it is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.model import Change, Delivery, Evidence, Explanation, Hold, Severity, Site, Turn
from rules.rule import Words, parameter

OFFSET = "clock_offset_s"


class _State(NamedTuple):
    """`offset_s` is the device's clock less ours; `since` when it was first off by too much."""

    offset_s: float | None = None
    since: float | None = None
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDriftWatch:
    """The clock of one device."""

    rule: ClassVar[str] = "clock_drift"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    device: str
    most_s: float
    hold_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if not values:
            x = state._replace(is_raised=True)
            return x, self._changes(Turn.RAISED, x, at)
        offset_s = values[OFFSET]
        is_off = abs(offset_s) > (self.most_s / 2 if state.is_raised else self.most_s)
        if is_off:
            return _State(offset_s, at if state.since is None else state.since, state.is_raised), ()
        x = state._replace(offset_s=offset_s)
        return _State(offset_s), self._changes(Turn.CLEARED, x, at) if state.is_raised else ()

    def deadline(self, state: _State) -> float | None:
        return None if state.since is None or state.is_raised else state.since + self.hold_s

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.since is None or state.is_raised:
            return None
        return Hold(state.since, min(at - state.since, self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.offset_s is None:
            return Explanation("clock_drift.right", {"most_s": self.most_s})
        why = "right" if state.since is None else "open" if state.is_raised else "waiting"
        if why == "right":
            return Explanation("clock_drift.right", {"most_s": self.most_s})
        return Explanation(f"clock_drift.{why}", {"off_s": abs(state.offset_s), "since_at": state.since or at})

    def _changes(self, turn: Turn, x: _State, at: float) -> Sequence[Change]:
        offset_s = x.offset_s or 0.0
        why = "cleared" if turn is Turn.CLEARED else "ahead" if offset_s > 0 else "behind"
        values: dict[str, float | str] = {"device": self.device, "off_s": abs(offset_s)}
        evidence = Evidence(x.since or at, tuple(self.inputs.values()))
        return (Change(turn, Severity.MINOR, Delivery.DIGEST, f"clock_drift.{why}", values, evidence),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDrift:
    """Flags devices whose own clock is wrong; those that tell their time."""

    kind: ClassVar[str] = "clock_drift"
    slowest_s: ClassVar[float] = inf
    memory_s: ClassVar[float] = 7 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "设备时钟不准",
            "自带时间的设备与网关相差超过 60 秒（most_s）并持续 10 分钟（hold_s）时提示，记入日报；"
            "差距小于一半时结束。其间读数按到达时间计，不影响报警。不上报时间的设备不在此列。",
            "给设备校时，检查它的网络对时（NTP）和时区设置。",
            {
                "clock_drift.ahead": "{device} 的时钟快 {off_s}",
                "clock_drift.behind": "{device} 的时钟慢 {off_s}",
                "clock_drift.cleared": "{device} 的时钟已校准，相差 {off_s}",
                "clock_drift.right": "时钟相差不超过 {most_s}",
                "clock_drift.waiting": "自 {since_at} 起时钟相差 {off_s}，尚未提示",
                "clock_drift.open": "自 {since_at} 起时钟相差 {off_s}，已提示",
            },
        ),
        "en": Words(
            "Device clock wrong",
            "A device that tells its own time and is off by more than 60 s (most_s) for 10 min (hold_s) goes into the "
            "day's summary; it ends when it is off by less than half of that. Its readings are dated by their arrival "
            "meanwhile, so alerts are not affected. Devices that tell no time are not judged.",
            "Set the device's clock; check its time server (NTP) and time zone.",
            {
                "clock_drift.ahead": "the clock of {device} is {off_s} ahead",
                "clock_drift.behind": "the clock of {device} is {off_s} behind",
                "clock_drift.cleared": "the clock of {device} is right again, off by {off_s}",
                "clock_drift.right": "its clock is off by less than {most_s}",
                "clock_drift.waiting": "its clock has been off by {off_s} since {since_at}: no alert yet",
                "clock_drift.open": "its clock has been off by {off_s} since {since_at}: an alert is open",
            },
        ),
    }

    most_s: float = parameter(60.0, unit="s", least=5.0, most=86_400.0)
    hold_s: float = parameter(600.0, unit="s", least=1.0, most=86_400.0)

    def watches(self, site: Site) -> Iterable[ClockDriftWatch]:
        told: set[str] = set()
        for place in site.places:
            for point in site.points_at(place):
                if point.quantity == OFFSET and point.device not in told:  # it has one clock, whatever it measures
                    told.add(point.device)
                    yield ClockDriftWatch(
                        key=f"clock_drift/{point.device}", place=place, inputs={OFFSET: point.id},
                        device=point.device, most_s=self.most_s, hold_s=self.hold_s,
                    )  # fmt: skip
