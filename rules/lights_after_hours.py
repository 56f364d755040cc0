"""Lights after hours (放学后未关灯): one message a building that lists the rooms still lit. See `rules.after_hours`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.after_hours import AfterHoursWatch, building_watches
from rules.lamps import lights_of
from rules.model import Site
from rules.rule import Words, parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsAfterHours:
    """Flags a building with lit rooms after its last lesson; where lamps are metered or light is measured."""

    kind: ClassVar[str] = "lights_after_hours"
    slowest_s: ClassVar[float] = 600.0  # the patience must hold two readings
    memory_s: ClassVar[float] = 3 * 86_400.0  # a weekend
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "放学后未关灯",
            "最后一节课或晚自习结束 20 分钟后，看整栋楼还有哪些房间亮着灯（装了人体感应器的，要没有人），合成一条通"
            "知，列出房间。灯亮不亮的判断与“长明灯”相同：照明回路的功率，没有电表就看照度。之后才亮起来的，亮满 20 分"
            "钟加进这条通知；灯都关了，或楼第二天开门，通知自动结束。一栋楼半天之内只紧急通知一次，夜里后来发现的放进"
            "第二天的汇总，不再打扰；没有感应器的房间后来才开的灯，多半有人，也只进汇总。不上课的日子全天都算放学后。当天有考试的房间不列。主要参数：patience_min（等多"
            "久），on_w（多大功率算亮）。局限：没有感应器的房间里还有人，也会列出；宿舍楼、走廊、楼梯不在其中。",
            "锁门前走一遍所列房间，把灯关掉。",
            {
                "lights_after_hours.rooms_raised": "放学后还有 {count:.0f} 间亮着灯、没有人：{rooms}；最长已亮 "
                "{lit_s}，{energy}",
                "lights_after_hours.rooms_updated": "现在亮着灯的有 {count:.0f} 间：{rooms}；最长已亮 {lit_s}，"
                "{energy}",
                "lights_after_hours.rooms_cleared_off": "所列房间的灯都关了，或又有人在用；前后 {lit_s}，{energy}",
                "lights_after_hours.rooms_cleared_day": "楼开门了，灯一直亮到这时，前后 {lit_s}，{energy}",
                "lights_after_hours.unknown": "还没有读数",
                "lights_after_hours.building_in_use": "楼在使用，到 {until_at} 再看",
                "lights_after_hours.building_off": "从 {since_at} 起放学，没有亮着灯又没人的房间",
                "lights_after_hours.building_exams": "从 {since_at} 起放学，没有亮着灯又没人的房间（当天考试的 "
                "{exams:.0f} 间不看）",
                "lights_after_hours.building_waiting": "从 {since_at} 起有 {count:.0f} 间亮着没人：{rooms}；满 "
                "{needed_s}才报",
                "lights_after_hours.building_open": "已报：从 {since_at} 起，现在亮着 {count:.0f} 间：{rooms}",
            },
        ),
        "en": Words(
            "Lights after hours",
            "20 min after the last lesson or evening study, the whole building is looked at: the rooms that are "
            "still lit, and empty where a presence sensor can tell, make one message that lists them. Whether lamps "
            "are on is told as for lights left on: by the power of the lighting circuit, else by the light. What "
            "comes on later joins the message after 20 min; it ends by itself when all is off or the building opens. "
            "A building pages once in half a day; what is found later in the night stands in the day's summary, and so "
            "do lamps that are switched on later in rooms without a sensor, as somebody must be there. On "
            "days without lessons the whole day is after hours. Rooms with exams on that day are left out. Main "
            "parameters: patience_min, on_w. Limits: a room without a presence sensor is listed although somebody "
            "may still work there; dormitories, corridors and stairwells are no part of it.",
            "Walk past the listed rooms before locking up, and switch the lights off.",
            {
                "lights_after_hours.rooms_raised": "after hours {count:.0f} {count:room is|rooms are} lit and empty: "
                "{rooms}; for up to {lit_s}, {energy}",
                "lights_after_hours.rooms_updated": "now {count:.0f} {count:room is|rooms are} lit: {rooms}; for up to "
                "{lit_s}, {energy}",
                "lights_after_hours.rooms_cleared_off": "the listed rooms are dark or in use again, after {lit_s}, "
                "{energy}",
                "lights_after_hours.rooms_cleared_day": "the building opens; lights burned until then, {lit_s}, "
                "{energy}",
                "lights_after_hours.unknown": "no reading yet",
                "lights_after_hours.building_in_use": "the building is in use; looked at from {until_at} on",
                "lights_after_hours.building_off": "after hours since {since_at}, no room lit and empty",
                "lights_after_hours.building_exams": "after hours since {since_at}, no room lit and empty "
                "({exams:.0f} {exams:room|rooms} left out for exams)",
                "lights_after_hours.building_waiting": "since {since_at} {count:.0f} {count:room is|rooms are} lit and "
                "empty: {rooms}; told after {needed_s}",
                "lights_after_hours.building_open": "raised: since {since_at}; lit now {count:.0f} {count:room|rooms}: "
                "{rooms}",
            },
        ),
    }

    patience_min: float = parameter(20.0, unit="min", least=1.0, most=240.0)
    on_w: float = parameter(15.0, unit="W", least=1.0, most=100_000.0)

    def watches(self, site: Site) -> Iterable[AfterHoursWatch]:
        lights = (
            (place, role, point)
            for place in site.places.values()
            for role, point in lights_of(site.points_at(place.id), is_whole_known=False)
        )
        return building_watches(
            site, lights, rule=self.kind, patience_s=self.patience_min * 60, on_w=self.on_w, pause_s=0.0
        )
