"""Lights left on (长明灯): lamps that burn in an empty room.

Strategy. Two questions, each with its own sensor. *Are the lamps on?* The power of the lighting circuit says so, with a
wide hysteresis. An illuminance sensor cannot tell lamps from the sun by its level, so only what lamps alone do counts:
a jump within about a minute, out of the dark or while someone is there to press the switch, and light in the middle of
the night; slow changes, and jumps in an empty room by day, are the sun. Lamps are off again when what they gave is
gone. In the deep night more than 30 lx is lamps (DETECTION L4): a ceiling sensor may see no more of them. Once a jump
has told what the lamps give, it takes a fifth of that, 100 lx at most, so that a street lamp before the window is
silent; and a night's light below 100 lx, which may be one, does not teach what the lamps give by day. *Is the room
empty?* The presence sensors say so; without one, only the opening hours can. Time counts only as far as readings of
both sensors cover it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rules.calendar import Span
from rules.hours import Hours
from rules.model import Change, Delivery, Evidence, Hold, Place, Point, Severity, Site, Turn
from rules.rule import Words, parameter

ON_SHARE = 0.20         # of the most the circuit ever drew, or of the lamps' light at night
OFF_PART = 0.5          # of the limit above: lower than that they are off
JUMP_LUX = 100.0        # also the least light by which lamps are known
MARK_SECONDS = 45.0     # the distance of the readings that a jump is seen against
JUMP_GAP_SECONDS = 150.0  # readings further apart show no jump
DARK_LUX = 30.0         # darker than any day lets a room be, lighter than any night
DESK_LUX = 300.0        # what lamps give at a desk
GONE_SHARE = 0.6        # of the lamps' light: a fall so deep is the switch
DIM_SHARE = 0.5
PRESS_SECONDS = 120.0   # who pressed the switch was seen no longer ago
DEEP_NIGHT = Span(23 * 60, 3 * 60)  # dark everywhere, all year
WATCHED = frozenset({"classroom", "lab", "office", "library", "washroom", "canteen", "shop"})
LIGHTING = "lighting"
PRESENCE = "occupied"


class _State(NamedTuple):
    """`is_lit` is None while nothing told; `lamps` is what they draw or give when on, in W or lx.

    For lux: `marks` are readings that a jump is seen against, `on_at` and `on_from` when and from what level the lamps
    came on (to learn `lamps`). `present` names the sensors that see someone. Steps build it by position, which is fast:
    keep the order.
    """

    at: float = 0.0
    present: tuple[str, ...] = ()
    present_at: float = 0.0
    empty_until: float = 0.0
    light: float = 0.0
    light_until: float = 0.0
    is_lit: bool | None = None
    lamps: float = 0.0
    marks: tuple[tuple[float, float], ...] = ()
    on_at: float = 0.0
    on_from: float = 0.0
    is_open: bool = True
    open_until: float = 0.0
    since: float | None = None
    covered_s: float = 0.0
    is_raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsLeftOnWatch:
    """The lamps of one room: by `power` or `lux`, and by presence sensors or, without one, the opening hours."""

    rule: ClassVar[str] = "lights_left_on"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    light_holds_s: float
    presence_holds_s: float
    hold_s: float
    on_w: float
    has_presence: bool
    hours: Hours

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        x = self._carried(state, at)
        for role in sorted(values):
            if role.startswith(PRESENCE):
                x = self._by_presence(x, role, is_there=values[role] > 0)
        if "power" in values:
            x = self._by_power(x, values["power"])
        elif "lux" in values:
            x = self._by_lux(x, values["lux"])
        if x.is_lit is None and x.light >= DESK_LUX and x.present and "lux" in self.inputs:
            x = x._replace(is_lit=True, lamps=x.light)  # at first sight: who works at desk light has it from lamps
        return self._judged(x)

    def deadline(self, state: _State) -> float | None:
        dues = []
        if state.since is not None and not state.is_raised:
            dues.append(state.at + self.hold_s - state.covered_s)
        if not self.has_presence and state.is_lit:
            dues.append(state.open_until)
        due = min(dues, default=None)
        return due if due is not None and state.at < due <= self._covered_until(state) else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.since is None or state.is_raised:
            return None
        more = max(0.0, min(at, self._covered_until(state)) - state.at)
        return Hold(state.since, min(state.covered_s + more, self.hold_s), self.hold_s)

    def _covered_until(self, x: _State) -> float:
        return min(x.light_until, x.empty_until) if self.has_presence else x.light_until

    def _carried(self, x: _State, at: float) -> _State:
        """The state when time has passed: lit and empty went on as long as both readings speak."""
        if x.since is None:
            return _State(at, *x[1:])
        until = self._covered_until(x)
        if not x.is_raised and at - until > self.hold_s:  # after so long a gap it begins anew
            return x._replace(at=at, since=None, covered_s=0.0)
        return x._replace(at=at, covered_s=x.covered_s + max(0.0, min(at, until) - x.at))

    def _by_presence(self, x: _State, role: str, *, is_there: bool) -> _State:
        if is_there:
            present = x.present if role in x.present else tuple(sorted((*x.present, role)))
            return _State(x.at, present, x.at, *x[3:])
        left_at = x.at if role in x.present else x.present_at
        present = tuple(other for other in x.present if other != role)
        return _State(x.at, present, left_at, x.at + self.presence_holds_s, *x[4:])

    def _by_power(self, x: _State, watts: float) -> _State:
        most = max(x.lamps, min(x.light, watts))  # one reading alone may be an inrush, or wrong
        on_w = max(self.on_w, ON_SHARE * most)
        is_lit = watts >= on_w * OFF_PART if x.is_lit else watts > on_w
        until = x.at + self.light_holds_s
        return _State(x.at, x.present, x.present_at, x.empty_until, watts, until, is_lit, most, *x[8:])

    def _by_lux(self, x: _State, lux: float) -> _State:
        at = x.at
        marks = [mark for mark in x.marks if at - mark[0] <= JUMP_GAP_SECONDS]
        low, high = min([lux, *(mark[1] for mark in marks)]), max([lux, *(mark[1] for mark in marks)])
        if not x.marks or at - x.marks[-1][0] >= MARK_SECONDS:
            x = x._replace(marks=(*x.marks[-1:], (at, lux)))
        x = x._replace(light=lux, light_until=at + self.light_holds_s)
        if DEEP_NIGHT.holds(self.hours.calendar.minute(at)):
            is_lit = lux > min(JUMP_LUX, max(DARK_LUX, ON_SHARE * x.lamps))
            return x._replace(is_lit=is_lit, lamps=lux if is_lit and x.lamps < JUMP_LUX else x.lamps)
        if x.is_lit:
            if at - x.on_at <= JUMP_GAP_SECONDS:  # a jump may be split over readings, and lamps warm up
                x = x._replace(lamps=max(x.lamps, lux - x.on_from))
            return x._replace(is_lit=high - lux < GONE_SHARE * x.lamps and lux >= DIM_SHARE * x.lamps)
        rise = lux - low
        if rise < max(JUMP_LUX, DIM_SHARE * x.lamps):
            return x if lux >= DARK_LUX else x._replace(is_lit=False)
        if low <= DARK_LUX:
            return x._replace(is_lit=True, lamps=lux, on_at=at, on_from=0.0)
        if not _is_someone_near(x):  # if somebody comes soon, the next reading sees the jump again
            return x
        is_known = x.lamps >= JUMP_LUX
        return x._replace(is_lit=True, lamps=x.lamps if is_known else rise, on_at=0.0 if is_known else at, on_from=low)

    def _judged(self, x: _State) -> tuple[_State, Sequence[Change]]:
        at = x.at
        if not self.has_presence and at >= x.open_until:
            is_open, until = self.hours.use(at)
            x = x._replace(is_open=is_open, open_until=until)
        is_used = bool(x.present) if self.has_presence else x.is_open
        if not x.is_lit or is_used:
            if x.since is None:
                return x, ()
            changes = (self._change(x, "off" if not x.is_lit else "used"),) if x.is_raised else ()
            return x._replace(since=None, covered_s=0.0, is_raised=False), changes
        if x.since is None:
            return x._replace(since=at if self._covered_until(x) > at else None), ()
        if not x.is_raised and x.covered_s >= self.hold_s - 0.001:
            return x._replace(is_raised=True), (self._change(x, None),)
        return x, ()

    def _change(self, x: _State, end: str | None) -> Change:
        is_power = "power" in self.inputs
        line = max(self.on_w, ON_SHARE * x.lamps) if is_power else None
        why = f"cleared_{end}" if end else "raised" if self.has_presence else "raised_closed"
        values: dict[str, float | str] = {
            "wasted_s": x.covered_s,
            "light": f"{x.light:.0f} {'W' if is_power else 'lx'}",
        }
        evidence = Evidence(x.since or x.at, tuple(self.inputs.values()), line, x.covered_s)
        turn = Turn.CLEARED if end else Turn.RAISED
        return Change(turn, Severity.MINOR, Delivery.PAGE, f"{self.rule}.{why}", values, evidence)


def _is_someone_near(x: _State) -> bool:
    return bool(x.present) or (x.present_at > 0 and x.at - x.present_at <= PRESS_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsLeftOn:
    """Flags lamps in an empty room; where lamps are metered or light is measured, and people come and go."""

    kind: ClassVar[str] = "lights_left_on"
    slowest_s: ClassVar[float] = 900.0  # the hold of a classroom
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "长明灯",
            "",
            "到现场关灯；如果有人在，请检查人体感应器的位置。",
            {
                "lights_left_on.raised": "灯亮着而室内无人，已 {wasted_s}（{light}）",
                "lights_left_on.raised_closed": "关闭时段灯仍亮着，已 {wasted_s}（{light}）",
                "lights_left_on.cleared_off": "灯已关，空亮了 {wasted_s}",
                "lights_left_on.cleared_used": "房间又在使用，之前灯空亮了 {wasted_s}",
            },
        ),
        "en": Words(
            "Lights left on",
            "",
            "Switch the lights off; if somebody is there, check where the presence sensor looks.",
            {
                "lights_left_on.raised": "lights on in an empty room for {wasted_s} ({light})",
                "lights_left_on.raised_closed": "lights on outside opening hours for {wasted_s} ({light})",
                "lights_left_on.cleared_off": "lights off after burning {wasted_s} for nobody",
                "lights_left_on.cleared_used": "room in use again; the lights burned {wasted_s} for nobody",
            },
        ),
    }

    classroom_min: float = parameter(15.0, unit="min", least=0.1, most=1440.0)
    office_min: float = parameter(20.0, unit="min", least=0.1, most=1440.0)
    washroom_min: float = parameter(10.0, unit="min", least=0.1, most=1440.0)
    after_hours_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)
    on_w: float = parameter(15.0, unit="W", least=1.0, most=100_000.0)

    def watches(self, site: Site) -> Iterable[LightsLeftOnWatch]:
        for place in site.places.values():
            if place.kind not in WATCHED:
                continue
            points = site.points_at(place.id)
            presence = [point for point in points if point.quantity == PRESENCE]
            for role, light in _lights(points, has_presence=bool(presence)):
                yield self._watch(site, place, role, light, presence)

    def _watch(
        self, site: Site, place: Place, role: str, light: Point, presence: Sequence[Point]
    ) -> LightsLeftOnWatch:
        minutes = {"office": self.office_min, "washroom": self.washroom_min}.get(place.kind, self.classroom_min)
        seen_by = {f"{PRESENCE}-{number}": point.id for number, point in enumerate(presence, 1)}
        return LightsLeftOnWatch(
            key=light.id.removesuffix(f"/{light.quantity}"),
            place=place.id,
            inputs={role: light.id} | seen_by,
            light_holds_s=light.holds_s,
            presence_holds_s=min((point.holds_s for point in presence), default=0.0),
            hold_s=(minutes if presence else self.after_hours_min) * 60,
            on_w=self.on_w,
            has_presence=bool(presence),
            hours=site.hours(place.id),
        )


def _lights(points: Sequence[Point], *, has_presence: bool) -> list[tuple[str, Point]]:
    """The best word on the lamps: their own circuits, else a light sensor, else, with presence, the room's meter."""
    powers = [("power", point) for point in points if point.quantity == "power_w"]
    lighting = [row for row in powers if row[1].part == LIGHTING]
    lux = [("lux", point) for point in points if point.quantity == "illuminance_lx"]
    whole = [row for row in powers if not row[1].part]
    return lighting or lux or (whole if has_presence else [])
