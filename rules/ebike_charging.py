"""Charging of electric bicycles (电动车充电) in dorm rooms, stairwells and corridors, where it starts fires.

Strategy. A charger comes at once, draws the same 100 to 400 W for hours, tapers off when the battery is nearly full,
and is done after half a day at most. So power is looked at in windows of five minutes. A window far above the one
before opens a *block*; windows that are even in themselves and like the ones before make it longer. Others on top of it
(a kettle) do not, and what was there before it and goes off for good lowers the level beneath it. What never rests (a
computer) or comes and goes (a fridge) makes no long block. Raised at night for a block that is long, or shorter and
tapering. What draws the same night after night is fixed equipment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn
from rules.rule import Words, parameter
from rules.steps import plugged

WINDOW_S = 300.0
EVEN_SHARE, EVEN_W = 0.1, 15.0    # of the charger, between the readings of a window and between windows
DISTURBED_WINDOWS = 6             # others may be on top of it for half an hour
TAPER_SHARE = 0.9, 0.15           # of the charger: what it draws while it tapers off
TAPER_FALL, TAPER_WINDOWS = 0.01, 3  # of the charger, in each of so many windows
AFTER_LIGHTS_OUT_S = 3600.0
LONGEST_S = 12 * 3600.0           # then any battery is full
SAME_SHARE, SAME_NIGHTS, SAME_S = 0.05, 3, 4.5 * 86_400.0  # so often the same in so long: fixed equipment

WATCHED = frozenset({"dorm_room", "stairwell", "corridor"})


_Earlier = tuple[tuple[float, float], ...]  # since, watts


class _Block(NamedTuple):
    """`watts` above the level `before` (0: its first window is not over), even for `even_s`; `last` is the newest mean.

    `disturbed` and `tapering` count windows.
    """

    since: float
    before: float
    watts: float = 0.0
    even_s: float = 0.0
    joules: float = 0.0
    last: float = 0.0
    disturbed: int = 0
    tapering: int = 0
    is_raised: bool = False


class _State(NamedTuple):
    """The window that runs `until`, the level before it (None: not known), the block, and earlier ones.

    That level is the mean of the window before, or its last reading `power` if that is less: something else had ended.
    """

    at: float | None = None
    until: float = 0.0
    total: float = 0.0
    heard: int = 0
    low: float = 0.0
    high: float = 0.0
    mean: float | None = None
    block: tuple[Any, ...] | None = None
    earlier: _Earlier = ()
    power: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EbikeChargingWatch:
    """One circuit, by its power."""

    rule: ClassVar[str] = "ebike_charging"
    version: ClassVar[int] = 3
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    least_w: float
    most_w: float
    hold_s: float
    taper_s: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        p = values["p"]
        last, until, total, heard, low, high, mean, block, earlier, power = state
        if at < until:
            if p < low:
                low = p
            elif p > high:
                high = p
            return _State(at, until, total + p, heard + 1, low, high, mean, block, earlier, p), ()
        changes: Sequence[Change] = ()
        if last is None or at - last > self.holds_s:  # a gap: nothing is known of how it came here
            mean, changes = None, self._ended(block, last or at)
            block = None
        else:
            block, changes, earlier = self._judged(state, at)
            mean = min(total / heard, power)
        return _State(at, (at // WINDOW_S + 1) * WINDOW_S, p, 1, p, p, mean, block, earlier, p), changes

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        block = _Block(*state.block) if state.block else None
        if block is None or block.is_raised or not block.watts:
            return None
        return Hold(block.since, min(block.even_s, self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if state.at is None:
            return Explanation("ebike_charging.is_unheard", {})
        block = _Block(*state.block) if state.block else None
        if block is None or not block.watts:
            return Explanation("ebike_charging.is_calm", {"watts": state.total / max(state.heard, 1)})
        values: dict[str, float | str] = {"watts": block.watts, "since_at": block.since, "even_s": block.even_s}
        if block.is_raised:
            return Explanation("ebike_charging.is_on", values)
        if self._is_fixed(block, state.earlier):
            return Explanation("ebike_charging.is_fixed", values)
        return Explanation("ebike_charging.is_even", values | {"needed_s": self.hold_s})

    def _judged(self, x: _State, at: float) -> tuple[tuple[Any, ...] | None, Sequence[Change], _Earlier]:
        """The block after a window is over, what to say of it, and the earlier blocks."""
        mean = x.total / x.heard
        block = _Block(*x.block) if x.block else None
        begin = x.until - WINDOW_S
        if block is None:
            rises = x.mean is not None and x.high - x.mean >= self.least_w
            began = _Block(begin, x.mean) if rises and x.mean is not None else None
            return began, (), x.earlier
        grown = self._grown(block, x, mean, at - begin)
        if grown is None:
            earlier = x.earlier
            if block.even_s >= self.taper_s:
                earlier = (*earlier, (block.since, block.watts))[-2 * SAME_NIGHTS :]
            return None, self._ended(block, at), earlier
        is_long = grown.even_s >= self.hold_s or (grown.even_s >= self.taper_s and grown.tapering >= TAPER_WINDOWS)
        is_due = is_long and not grown.is_raised and grown.even_s <= LONGEST_S
        if not is_due or self._is_fixed(grown, x.earlier) or not self._is_deep_night(at):
            return grown, (), x.earlier
        grown = grown._replace(is_raised=True)
        return grown, (self._change(Turn.RAISED, grown, at),), x.earlier

    def _grown(self, block: _Block, x: _State, mean: float, span_s: float) -> _Block | None:
        """The block with one more window, of `span_s` where readings are rare; None: it is over."""
        size = mean - block.before
        slack = max(EVEN_W, EVEN_SHARE * (block.watts or size))
        is_even = x.high - x.low <= slack
        if block.disturbed > DISTURBED_WINDOWS:
            return None
        if not block.watts:  # its second window tells how large it is
            if not is_even or not self.least_w <= size <= self.most_w:
                return None
            return block._replace(watts=size, even_s=span_s, joules=size * span_s, last=size)
        block = block._replace(joules=block.joules + max(0.0, min(size, block.watts)) * span_s)
        if is_even and abs(size - block.watts) <= slack:
            watts = block.watts + 0.1 * (size - block.watts)
            return block._replace(watts=watts, even_s=block.even_s + span_s, last=size, disturbed=0, tapering=0)
        falls = TAPER_FALL * block.watts < block.last - size
        others_w = block.before + size - block.watts
        if is_even and abs(size - block.last) <= EVEN_W and not falls and 0.0 <= others_w < block.before:
            even_s = block.even_s + span_s
            return block._replace(before=others_w, even_s=even_s, last=block.watts, disturbed=0, tapering=0)
        most, least = TAPER_SHARE
        if least * block.watts <= size <= most * block.watts and size <= block.last + EVEN_W:
            # a shelf is no taper
            return block._replace(last=size, tapering=block.tapering + falls, disturbed=block.disturbed + (not falls))
        return block._replace(disturbed=block.disturbed + 1) if size > most * block.watts else None

    def _is_deep_night(self, at: float) -> bool:
        """Whether lights-out was some time ago: what still is even then is neither lamp nor fan."""
        return self.hours.night(at).open and self.hours.night(at - AFTER_LIGHTS_OUT_S).open

    def _is_fixed(self, block: _Block, earlier: Iterable[Sequence[float]]) -> bool:
        like = [
            since
            for since, watts in earlier
            if block.since - since <= SAME_S and abs(watts - block.watts) <= SAME_SHARE * block.watts
        ]
        return len(like) >= SAME_NIGHTS

    def _ended(self, block: Sequence[Any] | None, at: float) -> Sequence[Change]:
        known = _Block(*block) if block else None
        return (self._change(Turn.CLEARED, known, at),) if known and known.is_raised else ()

    def _change(self, turn: Turn, block: _Block, until: float) -> Change:
        values = {"watts": block.watts, "on_s": until - block.since, "kwh": block.joules / 3.6e6}
        line = block.before + self.least_w
        evidence = Evidence(block.since, tuple(self.inputs.values()), line, block.even_s)
        return Change(turn, Severity.MINOR, Delivery.DIGEST, f"{self.rule}.{turn.value}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbikeCharging:
    """Flags what charges for hours at night; in dorm rooms, stairwells and corridors."""

    kind: ClassVar[str] = "ebike_charging"
    slowest_s: ClassVar[float] = 900.0
    memory_s: ClassVar[float] = SAME_S
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "电动车充电",
            "夜里在宿舍、楼梯间和走廊给电动车或电瓶充电，容易起火。办法是看功率：充电器一插上就稳定地用 100 到 400 瓦，"
            "一连几小时不变，快充满时慢慢降下来；电脑忽高忽低，冰箱时开时停，都不算。读数：回路的有功功率（power_w），"
            "十五分钟一次就够。主要参数：least_w 和 most_w 是功率范围；平稳满 hold_h 小时就报，平稳满 taper_h 小时后"
            "又慢慢降下来的也报；只在熄灯一小时后到起床之间报，写进当天的汇总。局限：同样大小连着几夜都有的，当作固定"
            "设备（例如"
            "整夜亮的灯），不报；单独的照明、空调、热水回路不看；整夜开着又很平稳的电脑也可能被当成充电。",
            "第二天到现场查看，把电动车和电瓶推到室外充电点。",
            {
                "ebike_charging.raised": "有约 {watts:.0f} 瓦的设备像在给电动车充电，已平稳用电 {on_s}，约 {kwh:.1f} "
                "度",
                "ebike_charging.cleared": "约 {watts:.0f} 瓦的充电已结束，前后 {on_s}，约 {kwh:.1f} 度",
                "ebike_charging.is_unheard": "还没有收到功率读数",
                "ebike_charging.is_calm": "最近平均约 {watts:.0f} 瓦，没有平稳的充电",
                "ebike_charging.is_even": "{since_at} 起多了约 {watts:.0f} 瓦，已平稳 {even_s}，夜里满 {needed_s} 才报",
                "ebike_charging.is_fixed": "{since_at} 起多了约 {watts:.0f} 瓦，已平稳 {even_s}；前几夜也一样，当作固"
                "定设备",
                "ebike_charging.is_on": "{since_at} 起多了约 {watts:.0f} 瓦，已平稳 {even_s}，已报",
            },
        ),
        "en": Words(
            "E-bike charging",
            "Finds bicycles and batteries that charge at night in dorm rooms, stairwells and corridors, where they "
            "start "
            "fires. A charger is there at once, draws an even 100 to 400 W for hours and tapers off when it is nearly "
            "full; computers are never even, fridges come and go. Readings: the active power of the circuit (power_w), "
            "every fifteen minutes is enough. Main parameters: least_w and most_w; it is told after hold_h hours of "
            "even "
            "power, or after taper_h hours when it tapers off then; only from an hour after lights-out to waking, as "
            "a line in the "
            "day's summary. Limits: what is the same night after night is taken for fixed equipment, such as lamps "
            "that "
            "burn all night; circuits of lighting, air conditioning and hot water are not watched; a computer that "
            "idles evenly all night can look the same.",
            "Go there the next day, and have the bicycle or the battery charged outside.",
            {
                "ebike_charging.raised": "something of about {watts:.0f} W seems to charge an e-bike, evenly for "
                "{on_s}, "
                "about {kwh:.1f} kWh",
                "ebike_charging.cleared": "the charging with about {watts:.0f} W is over after {on_s}, about "
                "{kwh:.1f} kWh",
                "ebike_charging.is_unheard": "no power reading has come yet",
                "ebike_charging.is_calm": "about {watts:.0f} W on average lately, nothing charges evenly",
                "ebike_charging.is_even": "about {watts:.0f} W more since {since_at}, even for {even_s}; at night it "
                "raises after {needed_s}",
                "ebike_charging.is_fixed": "about {watts:.0f} W more since {since_at}, even for {even_s}; it was the "
                "same "
                "in the nights before, so it is fixed equipment",
                "ebike_charging.is_on": "about {watts:.0f} W more since {since_at}, even for {even_s}; it was told",
            },
        ),
    }

    least_w: float = parameter(100.0, unit="W", least=20.0, most=10_000.0)
    most_w: float = parameter(400.0, unit="W", least=20.0, most=10_000.0)
    hold_h: float = parameter(3.0, unit="h", least=0.1, most=12.0)
    taper_h: float = parameter(1.5, unit="h", least=0.1, most=12.0)

    def watches(self, site: Site) -> Iterable[EbikeChargingWatch]:
        for place in site.places.values():
            if place.kind not in WATCHED:
                continue
            for point in plugged(site.points_at(place.id)):
                yield self._watch(site, point)

    def _watch(self, site: Site, point: Point) -> EbikeChargingWatch:
        return EbikeChargingWatch(
            key=point.id.removesuffix("/power_w"),
            place=point.place,
            inputs={"p": point.id},
            holds_s=point.holds_s,
            least_w=self.least_w,
            most_w=self.most_w,
            hold_s=self.hold_h * 3600,
            taper_s=self.taper_h * 3600,
            hours=site.hours(point.place),
        )
