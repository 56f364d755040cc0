"""Readings that cannot be true, again and again: spikes, a wrong unit, a reversed transformer, a strange voltage.

Strategy. The quality check rejects single readings and says why; here they are counted for each device, since one spike
is no news but many are a fault of the device. What single readings cannot tell is judged over time: power that is only
ever negative under load (a current transformer the wrong way round; solar power turns back every night), more active
than apparent power, a voltage outside what the grid may deliver. A device in order costs a few comparisons.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from rules.counter import SPIKE, UNIT
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn, pseudo
from rules.quality import UNREFINED
from rules.quantity import QUANTITIES, Kind
from rules.rule import Words, parameter
from rules.scale import ScaleWatch
from rules.watch import Watch

SPIKES, UNITS, REVERSED, FACTOR, VOLTAGE = "spikes", "unit", "reversed", "factor", "voltage"
LOADED_W = 20.0          # what counts as power in either direction
MORE_THAN_APPARENT = 1.1
THREE_PHASES = 3.3       # times volts and amperes of one phase: more no meter can mean
OFF_V = 50.0             # below it there is no power, which is no matter of this rule
LINE_V = (300.0, 3**0.5)  # from here on it is a voltage between phases


class _State(NamedTuple):
    """`what` runs since `since`, covered so far; `spikes` are their times lately; `last_bad` is when it was seen."""

    at: float | None = None
    what: str = ""
    since: float = 0.0
    covered_s: float = 0.0
    last_bad: float = 0.0
    spikes: tuple[float, ...] = ()
    negative_s: float = 0.0
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImplausibleWatch:
    """One device; `verdicts` are the roles of what the quality check says about its points."""

    rule: ClassVar[str] = "implausible"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    verdicts: frozenset[str]
    device: str
    holds_s: float
    hold_s: float
    spikes: float
    spikes_s: float
    reversed_s: float
    low_v: float
    high_v: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        what = self._wrong(at, values)
        power = values.get("power_w", 0.0)
        if not what and state.at is None and power >= -LOADED_W:
            return state, ()
        return self._judged(state, at, what, power)

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        if not state.what or state.is_raised or state.what == SPIKES:
            return None
        return Hold(state.since, min(state.covered_s, self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if not state.what:
            return Explanation("implausible.fine", {"device": self.device})
        values: dict[str, float | str] = {"device": self.device, "since_at": state.since, "covered_s": state.covered_s}
        return Explanation("implausible.open" if state.is_raised else "implausible.waiting", values)

    def _wrong(self, at: float, values: Mapping[str, float]) -> str:
        """What is wrong in the readings of one time, if anything; spikes right after power came back are none.

        The verdict on a spike comes with the reading after it.
        """
        if not self.verdicts.isdisjoint(values):
            if any(role.endswith(f"!{UNIT}") for role in values):
                return UNITS
            if self.hours.settled(at - self.holds_s).open:
                return SPIKES
        voltage = values.get("voltage_v")
        if voltage is not None and not self.low_v <= voltage <= self.high_v and voltage > OFF_V:
            least_v, phases = LINE_V
            if voltage < least_v or not self.low_v <= voltage / phases <= self.high_v:
                return VOLTAGE
        power = values.get("power_w", 0.0)
        if power > LOADED_W:
            apparent = values.get("apparent_power_va")
            if apparent is not None and power > MORE_THAN_APPARENT * apparent + LOADED_W:
                return FACTOR
            current = values.get("current_a")
            if current is not None and voltage is not None and power > THREE_PHASES * voltage * current + LOADED_W:
                return FACTOR
        return ""

    def _judged(self, x: _State, at: float, what: str, power: float) -> tuple[_State, Sequence[Change]]:
        """Count on: how long something has been wrong, or how long nothing has."""
        seen_s = 0.0 if x.at is None else min(at - x.at, self.holds_s)
        negative_s = x.negative_s + seen_s if power < -LOADED_W else 0.0 if power > LOADED_W else x.negative_s
        if negative_s >= self.reversed_s and not what:
            what = REVERSED
        if what == SPIKES:
            recent = (*(when for when in x.spikes if at - when < self.spikes_s), at)
            return self._spiked(x._replace(at=at, spikes=recent[-int(self.spikes) :], negative_s=negative_s), at)
        if what:
            is_same = what == x.what
            since = x.since if is_same else at
            covered_s = (x.covered_s if is_same else 0.0) + (seen_s if is_same else 0.0)
            x = _State(at, x.what if x.is_raised else what, since, covered_s, at, x.spikes, negative_s, x.is_raised)
            if not x.is_raised and (what == REVERSED or covered_s >= self.hold_s):
                x = x._replace(is_raised=True, since=at - negative_s if what == REVERSED else since)
                return x, self._changes(Turn.RAISED, x, at)
            return x, ()
        patience_s = self.spikes_s if x.what == SPIKES else self.hold_s
        if x.is_raised and (at - x.last_bad < patience_s or (x.what == REVERSED and negative_s > 0.0)):
            return x._replace(at=at, negative_s=negative_s), ()
        changes = self._changes(Turn.CLEARED, x, at) if x.is_raised else ()
        spikes = tuple(when for when in x.spikes if at - when < self.spikes_s)
        if not spikes and negative_s == 0.0 and power >= -LOADED_W:
            return _State(), changes
        return _State(at, spikes=spikes, negative_s=negative_s), changes

    def _spiked(self, x: _State, at: float) -> tuple[_State, Sequence[Change]]:
        if x.is_raised:
            return x._replace(last_bad=at), ()
        if len(x.spikes) < self.spikes:
            return x, ()
        x = x._replace(what=SPIKES, since=x.spikes[0], last_bad=at, is_raised=True)
        return x, self._changes(Turn.RAISED, x, at)

    def _changes(self, turn: Turn, x: _State, at: float) -> Sequence[Change]:
        points = tuple(point for point in self.inputs.values() if "!" not in point)
        times = float(len(x.spikes))
        values: dict[str, float | str] = {"device": self.device, "lasted_s": at - x.since, "times": times}
        why = f"implausible.{x.what}_{turn.value}"
        return (Change(turn, Severity.MINOR, Delivery.DIGEST, why, values, Evidence(x.since, points)),)


def _sentences(raised: Mapping[str, str], cleared: str, **others: str) -> Mapping[str, str]:
    said = {f"implausible.{what}_raised": sentence for what, sentence in raised.items()}
    said |= {f"implausible.{what}_cleared": cleared for what in raised}
    return said | {f"implausible.{name}": sentence for name, sentence in others.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Implausible:
    """Flags devices whose readings cannot be true."""

    kind: ClassVar[str] = "implausible"
    slowest_s: ClassVar[float] = inf
    memory_s: ClassVar[float] = 2 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "读数不合理",
            "设备的读数反复不可能为真。24 小时（spikes_s）内突跳 5 次（spikes）；读数整体差十、百、千倍；"
            "有功功率大于视在功率；电压持续 10 分钟（hold_s）在 187～253 伏（low_v、high_v）之外；"
            "24 小时（reversed_s）内有负荷时功率始终为负，多半是互感器接反（光伏夜间会转正，不会误报）。"
            "一天内按功率算的用电量与电能走字相差一倍以上（单位或倍率错）也提示。"
            "单个坏读数只剔除并计数，不提示。记入日报。仅凭一个数值范围内的错误读数无法识别。",
            "核对表计接线、互感器方向、倍率和单位设置；反复突跳时检查通信线和屏蔽，必要时更换设备。",
            _sentences(
                {
                    SPIKES: "{device} 在 {lasted_s}内突跳 {times:.0f} 次",
                    UNITS: "{device} 的读数已 {lasted_s}差十、百或千倍，请核对单位和倍率",
                    REVERSED: "{device} 的功率 {lasted_s}始终为负，互感器可能接反",
                    FACTOR: "{device} 的有功功率已 {lasted_s}大于视在功率",
                    VOLTAGE: "{device} 的电压已 {lasted_s}超出正常范围",
                },
                "{device} 的读数异常 {lasted_s}后恢复正常",
                fine="{device} 的读数合理",
                scale_raised="{device} 按功率算的用电量是电能走字的 {ratio:.2f} 倍，请核对单位和互感器倍率",
                scale_cleared="{device} 的功率与电能已相符（{ratio:.2f} 倍）",
                off="{device} 按功率算的用电量是电能走字的 {ratio:.2f} 倍，已提示",
                open="{device} 的读数自 {since_at} 起不合理，已提示（持续 {covered_s}）",
                waiting="{device} 的读数自 {since_at} 起不合理，已持续 {covered_s}，尚未提示",
            ),
        ),
        "en": Words(
            "Implausible readings",
            "A device whose readings cannot be true again and again: 5 spikes (spikes) within 24 h (spikes_s); "
            "readings that are all ten, a hundred or a thousand times off; more active than apparent power; a "
            "voltage outside 187 to 253 V (low_v, high_v) for 10 min (hold_s); power that is negative whenever there "
            "is load for 24 h (reversed_s), as when a current transformer is the wrong way round (solar power turns "
            "back at night and is not flagged); a day's power that adds up to less than half or more than twice what "
            "the counter of the circuit shows (wrong unit or transformer ratio). A single "
            "bad reading is only left out and counted. For the day's "
            "summary. One wrong value within the usual range cannot be told.",
            "Check wiring, direction of the transformers, multiplier and unit; with spikes the line and its shield, "
            "and replace the device if need be.",
            _sentences(
                {
                    SPIKES: "{device} gave {times:.0f} {times:spike|spikes} within {lasted_s}",
                    UNITS: "the readings of {device} have been 10, 100 or 1000 times off for {lasted_s}: check unit "
                    "and multiplier",
                    REVERSED: "the power of {device} has only been negative for {lasted_s}: is its transformer "
                    "reversed?",
                    FACTOR: "{device} has reported more active than apparent power for {lasted_s}",
                    VOLTAGE: "the voltage at {device} has been out of range for {lasted_s}",
                },
                "the readings of {device} are plausible again after {lasted_s}",
                fine="the readings of {device} are plausible",
                scale_raised="by its power {device} used {ratio:.2f} times what its counter shows: check unit and "
                "transformer ratio",
                scale_cleared="power and counter of {device} agree again ({ratio:.2f} times)",
                off="by its power {device} used {ratio:.2f} times what its counter shows: an alert is open",
                open="the readings of {device} have been implausible since {since_at}, for {covered_s}: an alert is "
                "open",
                waiting="the readings of {device} have been implausible since {since_at}, for {covered_s}: no alert "
                "yet",
            ),
        ),
    }

    hold_s: float = parameter(600.0, unit="s", least=60.0, most=86_400.0)
    spikes: float = parameter(5.0, unit="", least=2.0, most=100.0)
    spikes_s: float = parameter(86_400.0, unit="s", least=600.0, most=172_800.0)
    reversed_s: float = parameter(86_400.0, unit="s", least=3_600.0, most=172_800.0)
    low_v: float = parameter(187.0, unit="V", least=50.0, most=500.0)
    high_v: float = parameter(253.0, unit="V", least=50.0, most=600.0)

    def watches(self, site: Site) -> Iterable[Watch]:
        devices: dict[str, list[Point]] = {}
        for place in site.places:
            by_name = {(point.part, point.quantity): point for point in site.points_at(place)}
            for (part, quantity), counter in by_name.items():
                power = by_name.get((part, "power_w"))
                if quantity == "energy_kwh" and power is not None:
                    yield ScaleWatch(
                        key=f"implausible/{counter.id}", place=place, device=counter.device, holds_s=power.holds_s,
                        inputs={"power": power.id, "register": counter.id},
                    )  # fmt: skip
            for point in site.points_at(place):
                is_gauge = QUANTITIES[point.quantity].kind is Kind.GAUGE and point.quantity not in UNREFINED
                if is_gauge and not point.of:
                    devices.setdefault(point.device, []).append(point)
        for device, points in devices.items():
            judged = ("power_w", "apparent_power_va", "voltage_v", "current_a")
            parts = {point.part for point in points}
            roles = {p.quantity: p.id for p in points if p.quantity in judged and p.part == min(parts)}
            ids = [point.id for point in points]
            verdicts = pseudo(ids, SPIKE) | pseudo(ids, UNIT)
            yield ImplausibleWatch(
                key=f"implausible/{device}", place=points[0].place, device=device,
                inputs=roles | verdicts, verdicts=frozenset(verdicts),
                holds_s=min(point.holds_s for point in points), hold_s=self.hold_s, spikes=self.spikes,
                spikes_s=self.spikes_s, reversed_s=self.reversed_s, low_v=self.low_v, high_v=self.high_v,
                hours=site.hours(points[0].place),
            )  # fmt: skip
