"""Cold stores (冷库、留样): a freezer, a cold store or the fridge for food samples out of its range, or open.

See `rules.joint_ladder`. A store has an alert each for too warm, too cold and its door.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.joint_ladder import Item, JointLadder
from rules.ladder import Ladder, Rung
from rules.model import Delivery, Place, Point, Severity, Site
from rules.rule import Words, in_order, parameter

CHILLED = frozenset({"cold_store", "sample_fridge"})
STORES = CHILLED | {"freezer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStore:
    """Flags stores of food that are too warm, too cold or open; where that is measured."""

    kind: ClassVar[str] = "cold_store"
    slowest_s: ClassVar[float] = 1800.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "冷库、留样冰箱",
            "冷冻库、冷藏库、留样冰箱温度超范围，或门没关。按地点的类型看：冷冻库（freezer）不高于 freezer_c（-12 度）"
            "，冷藏库（cold_store）和留样冰箱（sample_fridge）在 chilled_low_c 到 chilled_high_c（0 到 8 度）之间。超范"
            "围满 defrost_min（45 分钟）写进当天汇总，满 page_min（60 分钟）马上通知，化霜和开门装货的短时升温不报。温"
            "度正在回到范围里（比前一刻钟到半小时的最差值好 recovering_k 度）先不报，新开机、刚装满货时不会误报。门（"
            "door_open）开着满 door_min（10 分钟）马上通知，装货时短一些的不报。回到线内 0.5 度、持续 10 分钟算恢复。局"
            "限：传感器测的是空气，食品的温度变得慢些；正对出风口的传感器变得快些。",
            "关好门，看压缩机、风机和插头；温度仍降不下来，把食品转到别的冷库。留样要在 0 到 8 度保存 48 小时：超温的留"
            "样做好记录，报食品安全管理员。",
            {
                "cold_store.warm_raised": "太热：{celsius:.1f} 度（应不高于 {line_c:.0f} 度），已 {held_s}",
                "cold_store.warm_cleared": "已降到 {celsius:.1f} 度；最高 {extreme_c:.1f} 度，共 {held_s}",
                "cold_store.warm_unheard": "还没有收到温度读数",
                "cold_store.warm_calm": "{heard_at} 是 {celsius:.1f} 度，不高于 {line_c:.0f} 度为正常",
                "cold_store.warm_waiting": "现在 {celsius:.1f} 度，高于 {line_c:.0f} 度已 {held_s}，满 {needed_s}才报；"
                "正在下降不报",
                "cold_store.warm_told": "已报：现在 {celsius:.1f} 度，高于 {line_c:.0f} 度已 {held_s}",
                "cold_store.cold_raised": "太冷：{celsius:.1f} 度（应不低于 {line_c:.0f} 度），已 {held_s}",
                "cold_store.cold_cleared": "已回到 {celsius:.1f} 度；最低 {extreme_c:.1f} 度，共 {held_s}",
                "cold_store.cold_unheard": "还没有收到温度读数",
                "cold_store.cold_calm": "{heard_at} 是 {celsius:.1f} 度，不低于 {line_c:.0f} 度为正常",
                "cold_store.cold_waiting": "现在 {celsius:.1f} 度，低于 {line_c:.0f} 度已 {held_s}，满 {needed_s}才报；"
                "正在回升不报",
                "cold_store.cold_told": "已报：现在 {celsius:.1f} 度，低于 {line_c:.0f} 度已 {held_s}",
                "cold_store.door_raised": "门已开着 {held_s}，没有关",
                "cold_store.door_cleared": "门关上了，共开了 {held_s}",
                "cold_store.door_unheard": "还没有门的读数",
                "cold_store.door_calm": "{heard_at} 门关着",
                "cold_store.door_waiting": "门开着，已 {held_s}，满 {needed_s}才报",
                "cold_store.door_told": "已报：门开着，已 {held_s}",
            },
        ),
        "en": Words(
            "Cold stores",
            "A freezer, a cold store or the fridge for food samples is out of its range, or its door is open. What "
            "kind of place it is sets the range: a freezer at most at freezer_c (-12 °C), a cold store (cold_store) "
            "and a fridge for samples (sample_fridge) between chilled_low_c and chilled_high_c (0 to 8 °C). Out of it "
            "for defrost_min (45 min) is a line in the day's summary, for page_min (60 min) calls somebody, so a "
            "defrost and a door opened for loading pass. What is on its way back (recovering_k better than the worst "
            "of the last quarter to half an hour) waits, as after it was switched on or filled. A door (door_open) "
            "that is open for door_min (10 min), longer than a delivery takes, calls somebody. It is over when half a "
            "degree inside for 10 min. Limits: the sensor measures air, and food follows slowly; one in the stream of "
            "the fan is faster.",
            "Close the door; look at compressor, fan and plug. If it stays out of range, move the food to another "
            "store. Food samples must lie 48 h at 0 to 8 °C: note those that were out of range and tell the food "
            "safety officer.",
            {
                "cold_store.warm_raised": "too warm: {celsius:.1f} °C (at most {line_c:.0f} °C) for {held_s}",
                "cold_store.warm_cleared": "down to {celsius:.1f} °C; at most it was {extreme_c:.1f} °C, {held_s} in "
                "all",
                "cold_store.warm_unheard": "no reading of the temperature has come yet",
                "cold_store.warm_calm": "at {heard_at} it was {celsius:.1f} °C; up to {line_c:.0f} °C is right",
                "cold_store.warm_waiting": "{celsius:.1f} °C now, above {line_c:.0f} °C for {held_s}; told after "
                "{needed_s}, unless it falls",
                "cold_store.warm_told": "raised: {celsius:.1f} °C now, above {line_c:.0f} °C for {held_s}",
                "cold_store.cold_raised": "too cold: {celsius:.1f} °C (at least {line_c:.0f} °C) for {held_s}",
                "cold_store.cold_cleared": "back at {celsius:.1f} °C; at the least it was {extreme_c:.1f} °C, {held_s} "
                "in all",
                "cold_store.cold_unheard": "no reading of the temperature has come yet",
                "cold_store.cold_calm": "at {heard_at} it was {celsius:.1f} °C; down to {line_c:.0f} °C is right",
                "cold_store.cold_waiting": "{celsius:.1f} °C now, below {line_c:.0f} °C for {held_s}; told after "
                "{needed_s}, unless it rises",
                "cold_store.cold_told": "raised: {celsius:.1f} °C now, below {line_c:.0f} °C for {held_s}",
                "cold_store.door_raised": "the door has been open for {held_s}",
                "cold_store.door_cleared": "the door is closed; it was open for {held_s}",
                "cold_store.door_unheard": "no reading of the door has come yet",
                "cold_store.door_calm": "at {heard_at} the door was closed",
                "cold_store.door_waiting": "the door has been open for {held_s}; told after {needed_s}",
                "cold_store.door_told": "raised: the door has been open for {held_s}",
            },
        ),
    }

    freezer_c: float = parameter(-12.0, unit="°C", least=-60.0, most=10.0)
    chilled_high_c: float = parameter(8.0, unit="°C", least=-10.0, most=30.0)
    chilled_low_c: float = parameter(0.0, unit="°C", least=-30.0, most=20.0)
    defrost_min: float = parameter(45.0, unit="min", least=1.0, most=720.0)
    page_min: float = parameter(60.0, unit="min", least=1.0, most=1440.0)
    door_min: float = parameter(10.0, unit="min", least=0.1, most=240.0)
    recovering_k: float = parameter(0.6, unit="K", least=0.1, most=20.0)

    def __post_init__(self) -> None:
        in_order(self, "chilled_low_c", "chilled_high_c")
        in_order(self, "defrost_min", "page_min")

    def watches(self, site: Site) -> Iterable[JointLadder]:
        for place in site.places.values():
            if place.kind not in STORES:
                continue
            for point in site.points_at(place.id):
                if point.quantity == "door_open":
                    yield self._watch(place, point, "door", self._door())
                elif point.quantity == "temperature_c":
                    is_chilled = place.kind in CHILLED
                    warm = self._range(self.chilled_high_c if is_chilled else self.freezer_c, falls=False)
                    yield self._watch(place, point, "warm", warm)
                    if is_chilled:
                        yield self._watch(place, point, "cold", self._range(self.chilled_low_c, falls=True))

    def _watch(self, place: Place, point: Point, said: str, ladder: Ladder) -> JointLadder:
        is_door = said == "door"
        key = point.id.removesuffix(f"/{point.quantity}")
        return JointLadder(
            rule=self.kind, key=f"{key}/{said}", place=place.id, said=f"{self.kind}.{said}_",
            items=(Item(place.name, point.id, point.holds_s),), ladder=ladder,
            recovering_by=None if is_door else self.recovering_k, is_timed=is_door,
        )  # fmt: skip

    def _range(self, line_c: float, *, falls: bool) -> Ladder:
        """The lines on one side of the range: what a defrost takes, and what is too long."""
        rungs = (
            Rung(line_c, self.defrost_min * 60, Severity.MINOR, Delivery.DIGEST),
            Rung(line_c, self.page_min * 60, Severity.MAJOR),
        )
        return Ladder(rungs=rungs, deadband=0.5, clear_s=600.0, falls=falls)

    def _door(self) -> Ladder:
        return Ladder(rungs=(Rung(0.5, self.door_min * 60, Severity.MAJOR),), deadband=0.0, clear_s=0.0)
