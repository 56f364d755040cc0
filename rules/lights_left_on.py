"""Lights left on (长明灯): lamps that burn in a room nobody uses. How it is seen: `rules.lamps` and `rules.unused`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rules.after_hours import is_told_of
from rules.lamps import PRESENCE, lights_of
from rules.model import Place, Point, Site
from rules.rule import Words, parameter
from rules.unused import BY_OPENING, BY_PRESENCE, BY_SLEEP, BY_TIMETABLE, UnusedWatch

WATCHED = frozenset({"classroom", "lab", "office", "library", "washroom", "canteen", "shop", "dorm_room"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LightsLeftOn:
    """Flags lamps in an unused room; where lamps are metered or light is measured, and people come and go."""

    kind: ClassVar[str] = "lights_left_on"
    slowest_s: ClassVar[float] = 900.0  # the hold of a classroom
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "长明灯",
            "房间没人用，灯还亮着。灯亮不亮，看照明回路（part = \"lighting\"）的功率：高于 15 瓦并高于平时最大值的五分"
            "之一算亮，低于一半算灭；没有照明回路就看照度：一分钟内跳高 100 勒克斯以上、而且当时天黑或有人在，才算开灯"
            "，慢慢变亮的是太阳；深夜高于 30 勒克斯也算亮；两样都没有、但有人体感应器的房间，看整间的总表。"
            "有没有人，看人体感应器；没有感应器，就看这间房的课表（下课 20 分钟后），没有课表"
            "再看开放时间（关门 30 分钟后）。宿舍不装感应器，看作息：熄灯后，或上课时间。教室、实验室 15 分钟，办公室"
            " 20 分钟，卫生间 10 分钟，都可以改。开放时间里和放学后的情况只作记录（放学后整栋楼另有一条通知），绝不半"
            "夜打扰；考试的日子也只记录。说明空亮了多久、费了多少电（只有照度时不知道电量）。局限：有人在时太阳突然出"
            "来，照度会误认为开灯；感应器照不到的角落有人，会误认为没人。",
            "到现场关灯；如果有人在，请检查人体感应器的位置。",
            {
                "lights_left_on.raised": "灯亮着而室内无人，已 {wasted_s}（{light}）",
                "lights_left_on.raised_closed": "关闭时段灯仍亮着，已 {wasted_s}（{light}）",
                "lights_left_on.raised_lesson": "没有课，灯仍亮着，已 {wasted_s}（{light}）",
                "lights_left_on.raised_night": "熄灯后灯仍亮着，已 {wasted_s}（{light}）",
                "lights_left_on.raised_away": "上课时间宿舍灯仍亮着，已 {wasted_s}（{light}）",
                "lights_left_on.cleared_off": "灯已关，空亮了 {wasted_s}（{light}）",
                "lights_left_on.cleared_used": "房间又在使用，之前灯空亮了 {wasted_s}（{light}）",
                "lights_left_on.unknown": "还不知道灯是否亮着：没有能说明的读数",
                "lights_left_on.silent": "灯的读数停在 {heard_at}，之后不作判断",
                "lights_left_on.off": "灯没有亮（{light}）",
                "lights_left_on.occupied": "灯亮着（{light}），房间里有人",
                "lights_left_on.unseen": "灯亮着（{light}），但人体感应器没有新读数，不作判断",
                "lights_left_on.in_hours": "灯亮着（{light}），使用时间到 {until_at}",
                "lights_left_on.waiting": "从 {since_at} 起灯亮着没人用，已 {wasted_s}，满 {needed_s}才报",
                "lights_left_on.open": "已报：从 {since_at} 起灯亮着没人用，已 {wasted_s}",
            },
        ),
        "en": Words(
            "Lights left on",
            "Lamps burn in a room that nobody uses. Whether they are on, the power of the lighting circuit (part = "
            "\"lighting\") says: on above 15 W and a fifth of the most it ever drew, off below half of that. Without "
            "such a circuit an illuminance sensor must do: a jump of 100 lx within a minute, in the dark or while "
            "somebody is there, is the switch; slow changes are the sun; deep in the night more than 30 lx is lamps. "
            "Without either, where people are sensed, the meter of the whole room is taken. Whether the room is "
            "unused, presence sensors say; without one the room's own timetable (20 min after a lesson), else the "
            "opening hours (30 min after closing). Dorm rooms have no sensors: there it is the time after lights-out, "
            "and lesson time. It waits 15 min in classrooms and laboratories, 20 in offices, 10 in washrooms; all of "
            "this can be set. What happens in opening hours, or after the last lesson, when one message for each "
            "building lists its rooms, is kept as a record, and so is all of an exam day. Each episode says how long, "
            "and how many kWh where power is known. Limits: by light alone, sun that breaks through while somebody is "
            "there looks like the switch; a person whom the sensor cannot see counts as absent.",
            "Switch the lights off; if somebody is there, check where the presence sensor looks.",
            {
                "lights_left_on.raised": "lights on in an empty room for {wasted_s} ({light})",
                "lights_left_on.raised_closed": "lights on outside opening hours for {wasted_s} ({light})",
                "lights_left_on.raised_lesson": "lights on without a lesson for {wasted_s} ({light})",
                "lights_left_on.raised_night": "lights on after lights-out for {wasted_s} ({light})",
                "lights_left_on.raised_away": "dorm lights on in lesson time for {wasted_s} ({light})",
                "lights_left_on.cleared_off": "lights off after burning {wasted_s} for nobody ({light})",
                "lights_left_on.cleared_used": "room in use again; the lights burned {wasted_s} for nobody ({light})",
                "lights_left_on.unknown": "no reading has told yet whether the lights are on",
                "lights_left_on.silent": "nothing heard of the lights since {heard_at}: not judged",
                "lights_left_on.off": "the lights are off ({light})",
                "lights_left_on.occupied": "lights on ({light}), and somebody is there",
                "lights_left_on.unseen": "lights on ({light}), but the presence sensor is silent: not judged",
                "lights_left_on.in_hours": "lights on ({light}), in use until {until_at}",
                "lights_left_on.waiting": "on and unused since {since_at}, {wasted_s} of {needed_s}",
                "lights_left_on.open": "raised: on and unused since {since_at}, for {wasted_s}",
            },
        ),
    }

    classroom_min: float = parameter(15.0, unit="min", least=0.1, most=1440.0)
    office_min: float = parameter(20.0, unit="min", least=0.1, most=1440.0)
    washroom_min: float = parameter(10.0, unit="min", least=0.1, most=1440.0)
    timetable_min: float = parameter(20.0, unit="min", least=0.1, most=1440.0)
    after_hours_min: float = parameter(30.0, unit="min", least=0.1, most=1440.0)
    on_w: float = parameter(15.0, unit="W", least=1.0, most=100_000.0)

    def watches(self, site: Site) -> Iterable[UnusedWatch]:
        for place in site.places.values():
            if place.kind not in WATCHED:
                continue
            points = site.points_at(place.id)
            presence = [] if place.kind == "dorm_room" else [p for p in points if p.quantity == PRESENCE]
            for role, light in lights_of(points, is_whole_known=bool(presence)):
                yield self._watch(site, place, role, light, presence)

    def _watch(self, site: Site, place: Place, role: str, light: Point, presence: Sequence[Point]) -> UnusedWatch:
        hours = site.hours(place.id)
        if presence:
            by = BY_PRESENCE
            hold_min = {"office": self.office_min, "washroom": self.washroom_min}.get(place.kind, self.classroom_min)
        elif place.kind == "dorm_room":
            by, hold_min = BY_SLEEP, self.timetable_min
        elif hours.has_timetable:
            by, hold_min = BY_TIMETABLE, self.timetable_min
        else:
            by, hold_min = BY_OPENING, self.after_hours_min
        return UnusedWatch(
            rule=self.kind,
            key=light.id.removesuffix(f"/{light.quantity}"),
            place=place.id,
            inputs={role: light.id} | {f"{PRESENCE}-{number}": point.id for number, point in enumerate(presence, 1)},
            light_holds_s=light.holds_s,
            presence_holds_s=min((point.holds_s for point in presence), default=0.0),
            hold_s=hold_min * 60,
            on_w=self.on_w,
            pause_s=0.0,
            by=by,
            is_told=is_told_of(site, place, light),
            hours=hours,
            sun=site.sun,
        )
