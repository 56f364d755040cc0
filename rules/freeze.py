"""Freezing (防冻): pipes, returning water and rooms with pipes come near freezing. See `rules.joint_ladder`.

A pipe is an alert of its own, as is a plant room; the rooms of a building are one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.joint_ladder import Item, JointLadder
from rules.ladder import Ladder, Rung
from rules.model import Delivery, Place, Point, Severity, Site
from rules.rule import Words, in_order, parameter

PIPES = frozenset({"pipe", "return", "heating"})  # a part may be numbered: pipe-2
PLANT = frozenset({"boiler_room", "pump_room"})
WATERED = PLANT | {"washroom"}                    # rooms with pipes, heated or not
MEANT_COLD = frozenset({"outdoor", "freezer", "cold_store", "sample_fridge"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Flags pipes and rooms near freezing; where their temperature is measured."""

    kind: ClassVar[str] = "freeze"
    slowest_s: ClassVar[float] = 1800.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "防冻",
            "水管、回水或有水管的房间快要结冰时报警。看三种温度（temperature_c）：部位写 pipe、return、heating 的管道（"
            "可编号，如 pipe-2）；有供暖的房间；没供暖也有水管的卫生间、水泵房、锅炉房。低于 warn_c（5 度）写进当天汇总"
            "；低于 alarm_c（3 度）马上通知；低于 critical_c（1 度）按紧急报，夜里也叫人，水管随时会冻裂。管道要持续 "
            "pipe_min（1 分钟），房间要持续 room_min（10 分钟），开一会儿窗不报。温度正在回升（比前一刻钟到半小时的最低"
            "值高出 recovering_k 度）就不报，供暖刚启动时不会误报。每根管道、每间锅炉房或水泵房单独一条；一栋楼的房间合"
            "成一条，列出房间。室外、冷库不看。局限：放空了水的管道也会报，请在规则里排除；没有传感器的背阴角落看不到，"
            "传感器要装在最冷处。",
            "启动循环泵或打开供暖，关好门窗；水龙头保持细流；来不及就关总阀、打开泄水阀把水放空。",
            {
                "freeze.raised": "快要结冰：{rooms} 只有 {celsius:.1f} 度（线 {line_c:.0f} 度），已 {held_s}",
                "freeze.cleared": "已回升到 {celsius:.1f} 度；最低 {extreme_c:.1f} 度",
                "freeze.unheard": "还没有收到温度读数",
                "freeze.calm": "{heard_at} 最低 {celsius:.1f} 度，低于 {line_c:.0f} 度才算快要结冰",
                "freeze.waiting": "{rooms} 只有 {celsius:.1f} 度，低于 {line_c:.0f} 度已 {held_s}，满 {needed_s}才报；"
                "回升中不报",
                "freeze.told": "已报：{rooms} 只有 {celsius:.1f} 度，已 {held_s}",
            },
        ),
        "en": Words(
            "Freezing",
            "Says when a pipe, returning water or a room with pipes comes near freezing. Three temperatures "
            "(temperature_c) are read: of pipes, whose part is pipe, return or heating (or numbered, as pipe-2); of "
            "heated rooms; and of washrooms, pump rooms and boiler rooms, heated or not. Below warn_c (5 °C) it is a "
            "line in the day's summary, below alarm_c (3 °C) somebody is called, below critical_c (1 °C) it is "
            "critical and breaks the quiet hours, as pipes may burst. It must last pipe_min (1 min) at a pipe and "
            "room_min (10 min) in a room, so a window may be opened. What is on its way back (recovering_k above the "
            "lowest of the last quarter to half an hour) is not told, as when heating has just started. Each pipe, "
            "boiler room and pump room is an alert of its own; the rooms of a building are one that names them. "
            "Outdoor air and cold stores are not meant. Limits: a pipe that was drained is told too, so except it; "
            "where no sensor hangs nothing is seen, so hang it at the coldest corner.",
            "Start the circulation pump or the heating, shut doors and windows, let taps trickle; if that is too late, "
            "close the main valve and open the drain.",
            {
                "freeze.raised": "near freezing: {rooms} at only {celsius:.1f} °C (line {line_c:.0f} °C) for {held_s}",
                "freeze.cleared": "back at {celsius:.1f} °C; the lowest was {extreme_c:.1f} °C",
                "freeze.unheard": "no reading of the temperature has come yet",
                "freeze.calm": "at {heard_at} the lowest was {celsius:.1f} °C; below {line_c:.0f} °C is near freezing",
                "freeze.waiting": "{rooms} at only {celsius:.1f} °C, below {line_c:.0f} °C for {held_s}; told after "
                "{needed_s}, unless it rises",
                "freeze.told": "raised: {rooms} at only {celsius:.1f} °C, for {held_s}",
            },
        ),
    }

    warn_c: float = parameter(5.0, unit="°C", least=-20.0, most=20.0)
    alarm_c: float = parameter(3.0, unit="°C", least=-20.0, most=20.0)
    critical_c: float = parameter(1.0, unit="°C", least=-20.0, most=20.0)
    pipe_min: float = parameter(1.0, unit="min", least=0.1, most=240.0)
    room_min: float = parameter(10.0, unit="min", least=0.1, most=240.0)
    deadband_k: float = parameter(1.0, unit="K", least=0.0, most=20.0)
    recovering_k: float = parameter(1.2, unit="K", least=0.1, most=20.0)

    def __post_init__(self) -> None:
        in_order(self, "warn_c", "alarm_c", "critical_c", falls=True)

    def watches(self, site: Site) -> Iterable[JointLadder]:
        rooms: dict[str, list[tuple[Place, Point]]] = {}
        for place, point in _points(site):
            if point.part:
                key = point.id.removesuffix("/temperature_c")
                yield self._watch(key, place.id, [(place, point)], self.pipe_min * 60)
            else:
                rooms.setdefault(place.id if place.kind in PLANT else place.building, []).append((place, point))
        for key, found in rooms.items():
            yield self._watch(key, key if len(found) > 1 else found[0][0].id, found, self.room_min * 60)

    def _watch(self, key: str, place: str, found: list[tuple[Place, Point]], hold_s: float) -> JointLadder:
        rungs = (
            Rung(self.warn_c, hold_s, Severity.MINOR, Delivery.DIGEST),
            Rung(self.alarm_c, hold_s, Severity.MAJOR),
            Rung(self.critical_c, hold_s, Severity.CRITICAL),
        )
        return JointLadder(
            rule=self.kind, key=key, place=place, said=f"{self.kind}.",
            items=tuple(Item(place.name, point.id, point.holds_s) for place, point in found),
            ladder=Ladder(rungs=rungs, deadband=self.deadband_k, clear_s=hold_s, falls=True),
            recovering_by=self.recovering_k,
        )  # fmt: skip


def _points(site: Site) -> Iterator[tuple[Place, Point]]:
    """The temperatures of pipes, and of the air where pipes are."""
    for place in site.places.values():
        if place.kind in MEANT_COLD:
            continue
        is_piped = place.heating is not None or place.kind in WATERED
        for point in site.points_at(place.id):
            if point.quantity == "temperature_c" and (
                point.part.partition("-")[0] in PIPES or (is_piped and not point.part)
            ):
                yield place, point
