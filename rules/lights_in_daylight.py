"""Lights in daylight (白天开灯): lamps that burn although the sun gives more than enough.

Strategy. Indoors the light sensor shows lamps and sun together. What the lamps give is learned: the median of the jumps
that the sensor saw when their circuit was switched; without a circuit's meter, `rules.lamps` learns it from jumps of
light. What is left is the sun's. In corridors and outdoors without a light sensor the height of the sun alone must do.
The height is computed every five minutes; without the place of the site the rule is quiet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar, NamedTuple

from rules.hours import Hours
from rules.lamps import LIGHTING, LUX, POWER, PRESENCE, Lamps, Presence, Sky, by_power, seen_by, told
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter
from rules.sun import Sun

SKY_S = 300.0           # how often the sun is looked at
BY_SUN = frozenset({"corridor", "stairwell", "gate", "outdoor"})
PRIVATE = frozenset({"dorm_room", "staff_flat"})
ENOUGH = 2.0            # times the light that is asked for
STAYS = 0.75            # of that: a cloud does not end it
SPLIT_S = 45.0          # a reading sooner may hold half of the jump
SWITCH_S = 180.0        # readings of power and light further apart are no pair
JUMPS_KEPT, JUMPS_NEEDED = 7, 3


class _Run(NamedTuple):
    """Lit in daylight: `at` is up to when it is counted."""

    since: float
    at: float
    covered_s: float = 0.0
    kwh: float = 0.0
    told_as: str | None = None


class _State(NamedTuple):
    """`lux` is (at, value), `switched` (at, lux before, +1 on or -1 off) until the light after it was seen."""

    thing: Lamps = Lamps()
    seen: Presence = Presence()
    lux: tuple[float, float] = (0.0, 0.0)
    switched: tuple[float, float, int] | None = None
    jumps: tuple[float, ...] = ()
    sky: tuple[float, bool] = (0.0, False)  # until, whether the sun is high
    run: _Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsInDaylightWatch:
    """The lamps of one place, by power, light, or both; `sun` is None where the place of the site is not known."""

    rule: ClassVar[str] = "lights_in_daylight"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    hold_s: float
    enough_lx: float
    high_deg: float
    on_w: float
    sun: Sun | None
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        thing, seen, lux, switched, jumps, sky, run = state
        if self.sun is None or (
            at < sky[0] and not sky[1] and LUX not in self.inputs and run is None
            and values.get(POWER, 0.0) <= thing[3]
        ):  # fmt: skip
            return state, ()
        if run is not None:
            run = self._carried(run, thing, at)
        for role, value in values.items():
            if role != POWER and role != LUX:
                seen = seen_by(seen, role, at, is_there=value > 0)
        was_lit = thing[2]
        if POWER in values:
            thing = by_power(thing, at, values[POWER], self.on_w)
            if was_lit is not None and thing[2] != was_lit and at - lux[0] <= SWITCH_S:
                switched = at, lux[1], 1 if thing[2] else -1
        if LUX in values:
            if switched is not None and at - switched[0] >= SPLIT_S:
                jumps, switched = _learned(jumps, switched, at, values[LUX]), None
            lux = at, values[LUX]
            if POWER not in self.inputs:
                thing = told(
                    thing, LUX, at, values[LUX], seen, on_w=self.on_w, pause_s=0.0,
                    sky=Sky(self.hours.calendar, self.sun),
                )
        if at >= sky[0]:
            sky = at + SKY_S, self.sun.elevation(at) > self.high_deg
        x = _State(thing, seen, lux, switched, jumps, sky, run)
        line = self.enough_lx * (STAYS if run is not None else 1.0)
        end = "off" if not thing[2] else "" if sky[1] and self._sunlight(x, at) > line else "dark"
        if run is None:
            return (x if end else _State(thing, seen, lux, switched, jumps, sky, _Run(at, at))), ()
        return self._judged(x, run, at, end)

    def deadline(self, state: _State) -> float | None:
        return None  # an hour is long: the next reading is soon enough

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.run is None or state.run[4] is not None:
            return None
        return Hold(state.run[0], min(state.run[2], self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        if self.sun is None:
            return Explanation(f"{self.rule}.no_sun", {})
        if not state.thing[2]:
            return Explanation(f"{self.rule}.off" if state.thing[2] is False else f"{self.rule}.unknown", {})
        elevation = self.sun.elevation(at)
        if elevation <= self.high_deg:
            return Explanation(f"{self.rule}.low_sun", {"sun_deg": elevation, "needed_deg": self.high_deg})
        if LUX in self.inputs and self._gain(state) is None:
            return Explanation(f"{self.rule}.learning", {"jumps": float(JUMPS_NEEDED - len(state.jumps))})
        if state.run is None:
            light = f"{max(0.0, self._sunlight(state, at)):.0f} lx" if LUX in self.inputs else "–"
            return Explanation(f"{self.rule}.needed", {"light": light, "needed": f"{self.enough_lx:.0f} lx"})
        run = _Run(*state.run)
        why = "waiting" if run.told_as is None else "open"
        return Explanation(
            f"{self.rule}.{why}", {"since_at": run.since, "wasted_s": run.covered_s, "needed_s": self.hold_s}
        )

    def _gain(self, x: _State) -> float | None:
        """What the lamps give at the sensor, in lx."""
        if POWER not in self.inputs:
            return x.thing[3] or None
        return median(x.jumps) if len(x.jumps) >= JUMPS_NEEDED else None

    def _sunlight(self, x: _State, at: float) -> float:
        """What the sun alone gives at the sensor; outdoors, and where only it counts, without end; 0: not known."""
        if LUX not in self.inputs:
            return float("inf")
        gain = self._gain(x)
        return 0.0 if gain is None or at - x.lux[0] > self.holds_s else x.lux[1] - gain

    def _carried(self, run: _Run, thing: Lamps, at: float) -> _Run:
        since, last, covered_s, kwh, told_as = run
        more = max(0.0, min(at, thing[0] + self.holds_s) - last)
        if POWER in self.inputs:
            kwh += thing[1] * more / 3.6e6
        return _Run(since, at, covered_s + more, kwh, told_as)

    def _judged(self, x: _State, run: _Run, at: float, end: str) -> tuple[_State, Sequence[Change]]:
        if end:
            cleared = () if run[4] is None else (self._change(Turn.CLEARED, _Run(*run), x, f"cleared_{end}"),)
            return x._replace(run=None), cleared
        if run[4] is not None or run[2] < self.hold_s - 0.001:
            return x, ()
        told_as = Delivery.RECORD if self.hours.exam(at).open else Delivery.DIGEST
        run = _Run(*run)._replace(told_as=told_as.value)
        why = "raised" if LUX in self.inputs else "raised_sun"
        return x._replace(run=run), (self._change(Turn.RAISED, run, x, why),)

    def _change(self, turn: Turn, run: _Run, x: _State, why: str) -> Change:
        values: dict[str, float | str] = {"wasted_s": run.covered_s, "energy": "– kWh", "light": f"{x.lux[1]:.0f} lx"}
        if POWER in self.inputs:
            values |= {"wasted_kwh": run.kwh, "energy": f"{run.kwh:.2f} kWh"}
        evidence = Evidence(run.since, tuple(self.inputs.values()), None, run.covered_s)
        delivery = Delivery(run.told_as or Delivery.DIGEST)
        return Change(turn, Severity.MINOR, delivery, f"{self.rule}.{why}", values, evidence)


def _learned(
    jumps: tuple[float, ...], switched: tuple[float, float, int], at: float, lux: float
) -> tuple[float, ...]:
    """The jumps after the light that followed a switch; what fell when lamps came on was the sun."""
    since, before, sign = switched
    jump = (lux - before) * sign
    return (*jumps, jump)[-JUMPS_KEPT:] if at - since <= SWITCH_S and jump > 0 else jumps


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsInDaylight:
    """Flags lamps in bright daylight; where light is measured, and in corridors and outdoors by the sun."""

    kind: ClassVar[str] = "lights_in_daylight"
    slowest_s: ClassVar[float] = 900.0
    memory_s: ClassVar[float] = 7 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "白天开灯",
            "太阳已经够亮，灯还开着满 60 分钟（hold_min），记入汇总。房间里：照度减去灯自己的光（开关灯几次后自动学"
            "会），仍高于所需照度 target_lx 的两倍，而且太阳高于 10 度（high_deg）。走廊、楼梯、校门、室外没有照度，"
            "就只看太阳高度。要在 [site] 里写明经纬度，否则不判断。局限：没有窗的走廊请用 except 排除；照度探头装在窗"
            "边会偏高。",
            "关掉靠窗的一排灯；室外灯查时控或光控开关。",
            {
                "lights_in_daylight.raised": "阳光够亮，灯还开着，已 {wasted_s}（照度 {light}，{energy}）",
                "lights_in_daylight.raised_sun": "大白天灯还开着，已 {wasted_s}（{energy}）",
                "lights_in_daylight.cleared_off": "灯已关，白天多开了 {wasted_s}（{energy}）",
                "lights_in_daylight.cleared_dark": "天暗下来了，之前白天多开了 {wasted_s}（{energy}）",
                "lights_in_daylight.no_sun": "没有经纬度，不知道太阳高度：不判断",
                "lights_in_daylight.unknown": "还不知道灯是否亮着",
                "lights_in_daylight.off": "灯没有亮",
                "lights_in_daylight.low_sun": "太阳高 {sun_deg:.0f} 度，高于 {needed_deg:.0f} 度才看",
                "lights_in_daylight.learning": "还要看到开关灯 {jumps:.0f} 次，才知道灯自己有多亮",
                "lights_in_daylight.needed": "阳光约 {light}，不到 {needed}：灯该开",
                "lights_in_daylight.waiting": "从 {since_at} 起阳光够亮灯还开着，已 {wasted_s}，满 {needed_s}才报",
                "lights_in_daylight.open": "已报：从 {since_at} 起白天开灯，已 {wasted_s}（满 {needed_s}即报）",
            },
        ),
        "en": Words(
            "Lights in daylight",
            "Lamps that burn for 60 min (hold_min) although the sun gives more than enough stand in the summary. In "
            "rooms: the measured light less what the lamps give, which is learned after a few presses of the switch, "
            "is more than twice what is asked for (target_lx), and the sun stands above 10 degrees (high_deg). In "
            "corridors, stairwells, at gates and outdoors without a light sensor the height of the sun alone tells. "
            "[site] must name latitude and longitude, else nothing is judged. Limits: exempt corridors without "
            "windows with except; a sensor at the window sees more than the desks.",
            "Switch off the row at the windows; outdoors check the timer or the light switch.",
            {
                "lights_in_daylight.raised": "lights on in bright daylight for {wasted_s} ({light}, {energy})",
                "lights_in_daylight.raised_sun": "lights on in broad daylight for {wasted_s} ({energy})",
                "lights_in_daylight.cleared_off": "lights off after {wasted_s} in daylight ({energy})",
                "lights_in_daylight.cleared_dark": "it got darker; the lights burned {wasted_s} in daylight "
                "({energy})",
                "lights_in_daylight.no_sun": "latitude and longitude are not known, nor is the sun: not judged",
                "lights_in_daylight.unknown": "no reading has told yet whether the lights are on",
                "lights_in_daylight.off": "the lights are off",
                "lights_in_daylight.low_sun": "the sun stands at {sun_deg:.0f} degrees, judged above {needed_deg:.0f}",
                "lights_in_daylight.learning": "the switch must be seen {jumps:.0f} more {jumps:time|times} to know "
                "the lamps' light",
                "lights_in_daylight.needed": "the sun gives about {light}, less than {needed}: the lamps are needed",
                "lights_in_daylight.waiting": "lit in daylight since {since_at}, {wasted_s} of {needed_s}",
                "lights_in_daylight.open": "raised: in daylight since {since_at}, for {wasted_s} (from {needed_s} on)",
            },
        ),
    }

    hold_min: float = parameter(60.0, unit="min", least=1.0, most=1440.0)
    target_lx: float = parameter(300.0, unit="lx", least=10.0, most=10_000.0)
    high_deg: float = parameter(10.0, unit="°", least=0.0, most=90.0)
    on_w: float = parameter(15.0, unit="W", least=1.0, most=100_000.0)

    def watches(self, site: Site) -> Iterable[LightsInDaylightWatch]:
        for place in site.places.values():
            points = site.points_at(place.id)
            power = [point for point in points if point.quantity == "power_w" and point.part == LIGHTING]
            lux = [point for point in points if point.quantity == "illuminance_lx"]
            presence = [point for point in points if point.quantity == PRESENCE]
            if place.kind in PRIVATE or not (power or (lux and presence)):
                continue
            if lux or place.kind in BY_SUN:
                yield self._watch(site, place, power[:1], lux[:1], [] if power else presence)

    def _watch(
        self, site: Site, place: Place, power: Sequence[Point], lux: Sequence[Point], presence: Sequence[Point]
    ) -> LightsInDaylightWatch:
        lights = [(POWER, point.id) for point in power] + [(LUX, point.id) for point in lux]
        return LightsInDaylightWatch(
            key=place.id,
            place=place.id,
            inputs=dict(lights) | {f"{PRESENCE}-{number}": point.id for number, point in enumerate(presence, 1)},
            holds_s=max(point.holds_s for point in (*power, *lux)),
            hold_s=self.hold_min * 60,
            enough_lx=self.target_lx * ENOUGH,
            high_deg=self.high_deg,
            on_w=self.on_w,
            sun=site.sun,
            hours=site.hours(place.id),
        )
