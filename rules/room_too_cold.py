"""Rooms too cold (室温不达标): below the legal temperature while people sit in them. See `rules.joint_ladder`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.joint_ladder import Item, JointLadder, Use
from rules.ladder import Ladder, Rung
from rules.model import Delivery, Place, Point, Severity, Site
from rules.rule import Words, in_order, parameter

SAT_IN = frozenset({"classroom", "lab", "office", "library", "canteen", "dorm_room", "staff_flat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTooCold:
    """Flags buildings whose heated rooms are too cold in hours of use; where the air is measured."""

    kind: ClassVar[str] = "room_too_cold"
    slowest_s: ClassVar[float] = 1800.0
    memory_s: ClassVar[float] = 3 * 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "室温不达标",
            "供暖期内、有人使用时，房间温度低于规定的 18 度。只看有供暖的房间（配置了 [heating] 的供暖期；heating = "
            "false 的不看），读数是房间的 temperature_c，不写部位。教室、办公室看上课和晚自习时间，有课表的看课表；食堂"
            "看开放时间；宿舍看起床到熄灯、不上课的时候。夜里降温、放假不算，每天开始使用后 grace_min（60 分钟）内在升"
            "温，也不算。低于 low_c（18 度）满 low_min（60 分钟）写进当天汇总；低于 cold_c（16 度）满 cold_min（30 分钟"
            "）马上通知。课间开窗几分钟不报，关窗后正在回升（比前一刻钟到半小时的最低值高出 recovering_k 度）也不报。一"
            "栋楼只有一条，列出当时不达标的房间；都回到线上 0.5 度以上，或当天不再使用，自动结束。局限：传感器装在窗边"
            "、门口或暖气上方，读数不代表房间。",
            "检查供暖：供水温度、阀门、循环泵、暖气片放气；看门窗是否关好。一时修不好的，安排学生换教室。",
            {
                "room_too_cold.raised": "{count:.0f} 间不到 {line_c:.0f} 度：{rooms}；最低 {celsius:.1f} 度，已 "
                "{held_s}",
                "room_too_cold.cleared": "都暖和了，现在 {celsius:.1f} 度；最低到过 {extreme_c:.1f} 度",
                "room_too_cold.cleared_unused": "今天不再使用，不用再看；最低到过 {extreme_c:.1f} 度",
                "room_too_cold.unheard": "使用时间里还没有收到温度读数",
                "room_too_cold.unjudged": "现在没人使用、正在升温或不在供暖期，{until_at} 再看",
                "room_too_cold.calm": "{heard_at} 最低 {celsius:.1f} 度，低于 {line_c:.0f} 度才算不达标",
                "room_too_cold.waiting": "{count:.0f} 间偏冷：{rooms}；最低 {celsius:.1f} 度，已 {held_s}，满 "
                "{needed_s}才报",
                "room_too_cold.told": "已报：{count:.0f} 间偏冷：{rooms}；最低 {celsius:.1f} 度，已 {held_s}",
            },
        ),
        "en": Words(
            "Rooms too cold",
            "Heated rooms are below the legal 18 °C while people sit in them. Only rooms that are heated count (the "
            "season is set in [heating]; heating = false takes a building or room out), and only in that season; what "
            "is read is the temperature_c of a room, of no part. Classrooms and offices are judged while lessons and "
            "evening study are held, by their own timetable if they have one; canteens in opening hours; dormitories "
            "from waking to lights-out, outside lessons. The night and days off are left out, and so is the first "
            "grace_min (60 min) of a day's use, as rooms warm up. Below low_c (18 °C) for low_min (60 min) is a line "
            "in the day's summary, below cold_c (16 °C) for cold_min (30 min) calls somebody. Windows may be opened "
            "for some minutes, and a room that is on its way back (recovering_k above the lowest of the last quarter "
            "to half an hour) is not told. A building is one message that names its cold rooms; it ends when all are "
            "half a degree above the line, or on the next day without use. Limits: a sensor at a window, at a door or "
            "above a radiator does not speak for its room.",
            "Look at the heating: supply temperature, valves, circulation pump, air in radiators; see that windows and "
            "doors are shut. If it takes long, move the class.",
            {
                "room_too_cold.raised": "{count:.0f} {count:room is|rooms are} below {line_c:.0f} °C: {rooms}; at the "
                "least {celsius:.1f} °C, for {held_s}",
                "room_too_cold.cleared": "all warm again, now {celsius:.1f} °C; at the least it was {extreme_c:.1f} °C",
                "room_too_cold.cleared_unused": "not used today, so no longer judged; at the least it was "
                "{extreme_c:.1f} °C",
                "room_too_cold.unheard": "no reading of the temperature has come in hours of use yet",
                "room_too_cold.unjudged": "not in use, warming up, or out of season; judged again from {until_at} on",
                "room_too_cold.calm": "at {heard_at} the lowest was {celsius:.1f} °C; below {line_c:.0f} °C is too "
                "cold",
                "room_too_cold.waiting": "{count:.0f} {count:room is|rooms are} cold: {rooms}; at the least "
                "{celsius:.1f} °C, for {held_s}; told after {needed_s}",
                "room_too_cold.told": "raised: {count:.0f} {count:room is|rooms are} cold: {rooms}; at the least "
                "{celsius:.1f} °C, for {held_s}",
            },
        ),
    }

    low_c: float = parameter(18.0, unit="°C", least=0.0, most=30.0)
    low_min: float = parameter(60.0, unit="min", least=0.1, most=1440.0)
    cold_c: float = parameter(16.0, unit="°C", least=0.0, most=30.0)
    cold_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)
    grace_min: float = parameter(60.0, unit="min", least=0.0, most=720.0)
    recovering_k: float = parameter(1.0, unit="K", least=0.1, most=20.0)
    deadband_k: float = parameter(0.5, unit="K", least=0.0, most=10.0)

    def __post_init__(self) -> None:
        in_order(self, "low_c", "cold_c", falls=True)

    def watches(self, site: Site) -> Iterable[JointLadder]:
        buildings: dict[str, list[tuple[Place, Point]]] = {}
        for place in site.places.values():
            if place.heating is None or place.kind not in SAT_IN:
                continue
            for point in site.points_at(place.id):
                if point.quantity == "temperature_c" and not point.part:
                    buildings.setdefault(place.building, []).append((place, point))
        for building, found in buildings.items():
            yield self._watch(site, building, found)

    def _watch(self, site: Site, building: str, found: list[tuple[Place, Point]]) -> JointLadder:
        lives = [(site.hours(place.id), place.heating) for place, _ in found]
        uses = list(dict.fromkeys(lives))
        rungs = (
            Rung(self.low_c, self.low_min * 60, Severity.MINOR, Delivery.DIGEST),
            Rung(self.cold_c, self.cold_min * 60, Severity.MAJOR),
        )
        return JointLadder(
            rule=self.kind, key=building, place=building if len(found) > 1 else found[0][0].id, said=f"{self.kind}.",
            items=tuple(
                Item(place.name, point.id, point.holds_s, uses.index(life))
                for (place, point), life in zip(found, lives, strict=True)
            ),
            ladder=Ladder(rungs=rungs, deadband=self.deadband_k, clear_s=600.0, falls=True),
            uses=tuple(
                Use(hours=hours, season=season, grace_s=self.grace_min * 60) for hours, season in uses if season
            ),
            recovering_by=self.recovering_k,
        )  # fmt: skip
