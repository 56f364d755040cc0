"""Lights all night (整夜长明): a circuit that burns while all sleep, and need not.

Strategy. From midnight to five the seconds that readings cover with the lamps on are added up; if they come to hours,
one line stands in the summary of the morning. It ends when the lamps go off. By day too the largest power is learned,
so that a lone exit light on the circuit of a corridor does not count as its lamps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.calendar import Span
from rules.hours import Hours
from rules.lamps import POWER, Lamps, by_power, is_news, lights_of, on_line
from rules.model import Change, Delivery, Evidence, Explanation, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

NIGHT = Span(0, 5 * 60)
EXEMPT = frozenset({"stairwell", "gate", "outdoor", "staff_flat", "boiler_room"})
LIT_WHERE_PEOPLE_SLEEP = frozenset({"corridor", "washroom", "dorm_room"})  # the way to the toilet; lights_left_on


class _State(NamedTuple):
    """`edge` is when the night begins or ends next, `at` up to when this night is counted."""

    thing: Lamps = Lamps()
    edge: float = 0.0
    is_night: bool = False
    since: float = 0.0
    at: float = 0.0
    covered_s: float = 0.0
    kwh: float = 0.0
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsAllNightWatch:
    """One lighting circuit, or the light sensor of a room without one."""

    rule: ClassVar[str] = "lights_all_night"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: float
    needed_s: float
    on_w: float
    night_lx: float
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        thing, edge, is_night, since, last, covered_s, kwh, is_raised = state
        if at < edge and not is_night and not is_raised and not self._is_news(thing, at, values):
            return state, ()
        changes: tuple[Change, ...] = ()
        if is_night:
            more = max(0.0, min(at, edge, thing[0] + self.holds_s) - last) if thing[2] else 0.0
            covered_s += more
            kwh += thing[1] * more / 3.6e6 if self._is_metered else 0.0
            last = at
        if values:
            was_lit, thing = thing[2], self._lit(thing, at, values)
            since = at if thing[2] and not was_lit else since
        if at >= edge:
            if is_night and covered_s >= self.needed_s - 0.001 and not is_raised:
                is_raised = True
                changes = (self._change(Turn.RAISED, _State(thing, edge, False, since, last, covered_s, kwh), at),)
            is_night, edge = self.hours.calendar.within((NIGHT,), at)
            if is_night:
                last, covered_s, kwh = at, 0.0, 0.0
        elif is_raised and thing[2] is False:
            is_raised = False
            changes = (self._change(Turn.CLEARED, _State(thing, edge, False, since, last, covered_s, kwh), at),)
        return _State(thing, edge, is_night, since, last, covered_s, kwh, is_raised), changes

    def deadline(self, state: _State) -> float | None:
        return state.edge if state.thing[2] else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if not state.is_night or not state.thing[2] or state.is_raised:
            return None
        return Hold(state.since, min(state.covered_s, self.needed_s), self.needed_s)

    def explain(self, state: _State, at: float) -> Explanation:
        thing = Lamps(*state.thing)
        light = f"{thing.light:.0f} {'W' if self._is_metered else 'lx'}"
        if thing.is_lit is None:
            return Explanation(f"{self.rule}.unknown", {})
        if state.is_raised:
            return Explanation(f"{self.rule}.open", {"light": light, "lit_s": state.covered_s})
        if not NIGHT.holds(self.hours.calendar.minute(at)):
            return Explanation(f"{self.rule}.by_day", {"lit_s": state.covered_s, "needed_s": self.needed_s})
        return Explanation(
            f"{self.rule}.counting", {"light": light, "lit_s": state.covered_s, "needed_s": self.needed_s}
        )

    @property
    def _is_metered(self) -> bool:
        return POWER in self.inputs

    def _is_news(self, thing: Lamps, at: float, values: Mapping[str, float]) -> bool:
        if POWER in values:
            return is_news(thing, POWER, at, values[POWER], self.on_w, self.holds_s / 2)
        (lux,) = values.values()
        return thing[2] is not (lux > self.night_lx) or at - thing[0] >= self.holds_s / 2

    def _lit(self, thing: Lamps, at: float, values: Mapping[str, float]) -> Lamps:
        if POWER in values:
            return by_power(thing, at, values[POWER], self.on_w)
        (lux,) = values.values()
        return Lamps(at, lux, lux > self.night_lx)

    def _change(self, turn: Turn, x: _State, at: float) -> Change:
        thing = Lamps(*x.thing)
        values: dict[str, float | str] = {"lit_s": x.covered_s, "energy": "– kWh"}
        if self._is_metered:
            values |= {"wasted_kwh": x.kwh, "energy": f"{x.kwh:.2f} kWh"}
        line = on_line(thing, self.on_w) if self._is_metered else self.night_lx
        evidence = Evidence(x.since or at, tuple(self.inputs.values()), line, x.covered_s)
        return Change(turn, Severity.MINOR, Delivery.DIGEST, f"{self.rule}.{turn.value}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsAllNight:
    """Flags lamps that burn all night; where lamps are metered or light is measured."""

    kind: ClassVar[str] = "lights_all_night"
    slowest_s: ClassVar[float] = 3600.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "整夜长明",
            "零点到五点之间灯亮满 4 小时（hours_on），早上在汇总里记一行，不在夜里打扰。灯亮不亮看照明回路的功率（"
            "on_w，并高于平时最大值的五分之一），没有电表看照度（night_lx）。楼梯、校门、室外、值班锅炉房不看，宿舍楼"
            "的走廊和卫生间也不看；应急照明、保安照明单独接表并写明 part 为 emergency 或 security 就不看，其他该亮的"
            "地方用 except 排除。局限：没有读数的时间不算。",
            "问清是谁忘了关；该整夜亮的，在配置里用 except 排除。",
            {
                "lights_all_night.raised": "昨夜零点到五点灯亮了 {lit_s}，{energy}",
                "lights_all_night.cleared": "灯已关；夜里亮了 {lit_s}，{energy}",
                "lights_all_night.unknown": "还没有读数，不知道灯是否亮着",
                "lights_all_night.open": "已报：零点到五点亮了 {lit_s}，还没有关（{light}）",
                "lights_all_night.by_day": "只看零点到五点；上一夜亮了 {lit_s}，满 {needed_s}才报",
                "lights_all_night.counting": "今夜已亮 {lit_s}，满 {needed_s}，五点才报（{light}）",
            },
        ),
        "en": Words(
            "Lights all night",
            "Lamps that are on for 4 h (hours_on) between midnight and five stand as one line in the summary of the "
            "morning; nobody is woken. The power of the lighting circuit tells (on_w, and a fifth of the most it "
            "ever drew), without a meter the light (night_lx). Stairwells, gates, outdoor places and boiler rooms "
            "are exempt, and where people sleep corridors and washrooms too; emergency and security lighting with a "
            "meter of its own is exempt when its part is called emergency or security, and any other place with "
            "except. Limits: time without readings does not count.",
            "Ask who forgot them; what must burn all night is exempted with except in the configuration.",
            {
                "lights_all_night.raised": "lights on for {lit_s} between midnight and five, {energy}",
                "lights_all_night.cleared": "lights off; they burned {lit_s} in the night, {energy}",
                "lights_all_night.unknown": "no reading has told yet whether the lights are on",
                "lights_all_night.open": "raised: on for {lit_s} between midnight and five, not off since ({light})",
                "lights_all_night.by_day": "only midnight to five counts; last night {lit_s}, raised from {needed_s}",
                "lights_all_night.counting": "on for {lit_s} this night, raised at five from {needed_s} ({light})",
            },
        ),
    }

    hours_on: float = parameter(4.0, unit="h", least=0.1, most=5.0)
    on_w: float = parameter(15.0, unit="W", least=1.0, most=100_000.0)
    night_lx: float = parameter(60.0, unit="lx", least=1.0, most=1000.0)

    def watches(self, site: Site) -> Iterable[LightsAllNightWatch]:
        for place in site.places.values():
            if not is_exempt(site, place):
                for role, light in lights_of(site.points_at(place.id), is_whole_known=False):
                    yield self._watch(site, place, role, light)

    def _watch(self, site: Site, place: Place, role: str, light: Point) -> LightsAllNightWatch:
        return LightsAllNightWatch(
            key=light.id.removesuffix(f"/{light.quantity}"),
            place=place.id,
            inputs={role: light.id},
            holds_s=light.holds_s,
            needed_s=self.hours_on * 3600,
            on_w=self.on_w,
            night_lx=self.night_lx,
            hours=site.hours(place.id),
        )


def is_exempt(site: Site, place: Place) -> bool:
    """Whether lamps may burn here all night."""
    if place.kind in EXEMPT:
        return True
    return place.kind in LIT_WHERE_PEOPLE_SLEEP and site.hours(place.id).is_lived_in
