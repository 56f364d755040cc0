"""Left on (空调、投影仪未关): air conditioning and projectors that run in a room nobody uses.

A room is judged as `rules.unused` does; after the last lesson one message a building lists its rooms
(`rules.after_hours`), and this alone is a page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.after_hours import AfterHoursWatch, building_watches, is_told_of
from rules.lamps import APPLIANCES, LOAD, ON, PRESENCE
from rules.model import Place, Point, Site
from rules.rule import Words, parameter
from rules.unused import BY_ABSENCE, BY_OPENING, BY_PRESENCE, BY_TIMETABLE, UnusedWatch

WATCHED = frozenset({"classroom", "lab", "office", "library", "canteen", "shop", "dorm_room"})
ROLES = {"power_w": LOAD, "on": ON}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOn:
    """Flags an air conditioner or projector in an unused room; where its power or its own word is known."""

    kind: ClassVar[str] = "left_on"
    slowest_s: ClassVar[float] = 900.0
    memory_s: ClassVar[float] = 3 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "空调、投影仪未关",
            "房间没人用，空调或投影仪还开着。看它自己回路的功率（part 为 ac 或 projector，高于 40 瓦算开；空调压缩机"
            "停 10 分钟以内仍算开），或它自己报的开关状态。有没有人，看人体感应器；没有感应器，看这间房的课表，再看开"
            "放时间；宿舍看作息：放假，或上课时间（夜里睡觉开空调不算）。没人 20 分钟算一次，说明费了多少电，只作记"
            "录；最后一节课结束 20 分钟后，每栋楼一条通知列出还开着的房间。主要参数：empty_min、closed_min、"
            "patience_min、on_w。局限：没有单独回路或状态的空调看不到；功率低于 40 瓦的送风不算开。",
            "到所列房间关掉空调和投影仪。",
            {
                "left_on.raised": "房间没人，还开着，已 {wasted_s}（{light}）",
                "left_on.raised_closed": "关闭时段还开着，已 {wasted_s}（{light}）",
                "left_on.raised_lesson": "没有课，还开着，已 {wasted_s}（{light}）",
                "left_on.raised_away": "上课时间宿舍里还开着，已 {wasted_s}（{light}）",
                "left_on.cleared_off": "已关，空开了 {wasted_s}（{light}）",
                "left_on.cleared_used": "房间又在使用，之前空开了 {wasted_s}（{light}）",
                "left_on.unknown": "还没有读数，不知道是否开着",
                "left_on.silent": "读数停在 {heard_at}，之后不作判断",
                "left_on.off": "没有开（{light}）",
                "left_on.occupied": "开着（{light}），房间里有人",
                "left_on.unseen": "开着（{light}），但人体感应器没有新读数，不作判断",
                "left_on.in_hours": "开着（{light}），使用时间到 {until_at}",
                "left_on.waiting": "从 {since_at} 起开着没人用，已 {wasted_s}，满 {needed_s}才报",
                "left_on.open": "已报：从 {since_at} 起开着没人用，已 {wasted_s}",
                "left_on.rooms_raised": "放学后还有 {count:.0f} 间的空调或投影仪开着：{rooms}；最长已开 {lit_s}，"
                "{energy}",
                "left_on.rooms_updated": "现在还开着的有 {count:.0f} 间：{rooms}；最长已开 {lit_s}，{energy}",
                "left_on.rooms_cleared_off": "所列房间都关了，或又有人在用；前后 {lit_s}，{energy}",
                "left_on.rooms_cleared_day": "楼开门了，一直开到这时，前后 {lit_s}，{energy}",
                "left_on.building_in_use": "楼在使用，到 {until_at} 再看",
                "left_on.building_off": "从 {since_at} 起放学，没有还开着的",
                "left_on.building_exams": "从 {since_at} 起放学，没有还开着的（当天考试的 {exams:.0f} 间不看）",
                "left_on.building_waiting": "从 {since_at} 起有 {count:.0f} 间开着没人：{rooms}；满 {needed_s}才报",
                "left_on.building_open": "已报：从 {since_at} 起，现在开着 {count:.0f} 间：{rooms}",
            },
        ),
        "en": Words(
            "Left on",
            "An air conditioner or a projector runs in a room that nobody uses. Whether it runs, the power of its "
            "own circuit says (part ac or projector, above 40 W; a compressor may pause for 10 min), or its own word "
            "on and off. Whether the room is unused, presence sensors say; without one the room's own timetable, "
            "else the opening hours; in dorm rooms holidays and lesson time (a night's sleep with air conditioning "
            "is no waste). 20 min with nobody there make an episode that says how many kWh it cost and is kept as a "
            "record; 20 min after the last lesson one message for each building lists the rooms where something "
            "still runs. Main parameters: empty_min, closed_min, patience_min, on_w. Limits: an appliance without a "
            "circuit or a word of its own cannot be seen; a fan below 40 W does not count.",
            "Go to the listed rooms and switch air conditioning and projectors off.",
            {
                "left_on.raised": "on in an empty room for {wasted_s} ({light})",
                "left_on.raised_closed": "on outside opening hours for {wasted_s} ({light})",
                "left_on.raised_lesson": "on without a lesson for {wasted_s} ({light})",
                "left_on.raised_away": "on in a dorm room in lesson time for {wasted_s} ({light})",
                "left_on.cleared_off": "off after running {wasted_s} for nobody ({light})",
                "left_on.cleared_used": "room in use again; it ran {wasted_s} for nobody ({light})",
                "left_on.unknown": "no reading yet: not known whether it is on",
                "left_on.silent": "nothing heard since {heard_at}: not judged",
                "left_on.off": "it is off ({light})",
                "left_on.occupied": "on ({light}), and somebody is there",
                "left_on.unseen": "on ({light}), but the presence sensor is silent: not judged",
                "left_on.in_hours": "on ({light}), in use until {until_at}",
                "left_on.waiting": "on and unused since {since_at}, {wasted_s} of {needed_s}",
                "left_on.open": "raised: on and unused since {since_at}, for {wasted_s}",
                "left_on.rooms_raised": "after hours air conditioning or projectors run in {count:.0f} "
                "{count:room|rooms}: {rooms}; for up to {lit_s}, {energy}",
                "left_on.rooms_updated": "now they run in {count:.0f} {count:room|rooms}: {rooms}; for up to "
                "{lit_s}, {energy}",
                "left_on.rooms_cleared_off": "all listed are off or in use again, after {lit_s}, {energy}",
                "left_on.rooms_cleared_day": "the building opens; they ran until then, {lit_s}, {energy}",
                "left_on.building_in_use": "the building is in use; looked at from {until_at} on",
                "left_on.building_off": "after hours since {since_at}, nothing runs",
                "left_on.building_exams": "after hours since {since_at}, nothing runs ({exams:.0f} "
                "{exams:room|rooms} left out for exams)",
                "left_on.building_waiting": "since {since_at} running and empty in {count:.0f} "
                "{count:room|rooms}: {rooms}; told after {needed_s}",
                "left_on.building_open": "raised: since {since_at}; running now in {count:.0f} "
                "{count:room|rooms}: {rooms}",
            },
        ),
    }

    empty_min: float = parameter(20.0, unit="min", least=0.1, most=1440.0)
    closed_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)
    patience_min: float = parameter(20.0, unit="min", least=1.0, most=240.0)
    pause_min: float = parameter(10.0, unit="min", least=0.0, most=240.0)
    on_w: float = parameter(40.0, unit="W", least=1.0, most=100_000.0)

    def watches(self, site: Site) -> Iterable[UnusedWatch | AfterHoursWatch]:
        things = [
            (place, ROLES[point.quantity], point)
            for place in site.places.values() if place.kind in WATCHED
            for point in _appliances(site, place)
        ]  # fmt: skip
        for place, role, point in things:
            yield self._watch(site, place, role, point)
        yield from building_watches(
            site, things, rule=self.kind, patience_s=self.patience_min * 60, on_w=self.on_w,
            pause_s=self.pause_min * 60,
        )  # fmt: skip

    def _watch(self, site: Site, place: Place, role: str, point: Point) -> UnusedWatch:
        hours = site.hours(place.id)
        presence = [other for other in site.points_at(place.id) if other.quantity == PRESENCE]
        if place.kind == "dorm_room":
            by, presence = BY_ABSENCE, []
        else:
            by = BY_PRESENCE if presence else BY_TIMETABLE if hours.has_timetable else BY_OPENING
        return UnusedWatch(
            rule=self.kind,
            key=point.id.removesuffix(f"/{point.quantity}"),
            place=place.id,
            inputs={role: point.id} | {f"{PRESENCE}-{number}": other.id for number, other in enumerate(presence, 1)},
            light_holds_s=point.holds_s,
            presence_holds_s=min((other.holds_s for other in presence), default=0.0),
            hold_s=(self.closed_min if by == BY_OPENING else self.empty_min) * 60,
            on_w=self.on_w,
            pause_s=self.pause_min * 60,
            by=by,
            is_told=is_told_of(site, place, point),
            hours=hours,
            sun=site.sun,
        )


def _appliances(site: Site, place: Place) -> list[Point]:
    """The best word on each appliance of a place: its power, else its own `on`."""
    best: dict[str, Point] = {}
    for point in site.points_at(place.id):
        if point.part in APPLIANCES and point.quantity in ROLES and (
            point.part not in best or point.quantity == "power_w"
        ):  # fmt: skip
            best[point.part] = point
    return list(best.values())
