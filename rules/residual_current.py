"""Residual current (剩余电流): current that does not come back through the wires, the seed of shocks and fires.

Strategy. One ladder a point. A final circuit is judged by the 30 mA of its protection, a distribution board by the 300
mA at which an electrical fire is thought possible; a third of it is worth a line. It is a hint to look, never a
diagnosis.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.ladder import Ladder, Rung
from rules.model import BUILDING_KINDS, Delivery, Point, Severity, Site
from rules.point_ladder import PointLadder
from rules.rule import Words, parameter

BOARDS = frozenset({"distribution_room", "boiler_room", "pump_room", *BUILDING_KINDS})  # many circuits together


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualCurrent:
    """Flags residual current above what its circuit should show."""

    kind: ClassVar[str] = "residual_current"
    slowest_s: ClassVar[float] = 900.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "剩余电流偏大",
            "线路老化、受潮或绝缘破损时，一部分电流不从导线回来，这就是剩余电流。读数：residual_ma（毫安），装在哪个位"
            "置、哪个部位都行。配电房和整栋楼的总回路，超过 board_ma（300 毫安）报警；房间的末端回路，超过 circuit_ma（"
            "30 毫安）报警；超过三分之一先写进当天汇总。要持续 hold_s 秒，回落一成才算恢复。它只提示去查，不判断原因："
            "电器自身、滤波器多的机房也会有一些剩余电流。局限：不能代替漏电保护器。",
            "请电工检查该回路的绝缘和接线，有没有受潮；逐路断开，找到漏电的支路。",
            {
                "residual_current.raised": "剩余电流 {value:.0f} 毫安，超过 {line:.0f} 毫安，已 {held_s}，最高 "
                "{extreme:.0f} 毫安",
                "residual_current.cleared": "剩余电流已回到 {value:.0f} 毫安；最高 {extreme:.0f} 毫安",
                "residual_current.is_unheard": "还没有收到读数",
                "residual_current.is_calm": "{heard_at} 剩余电流 {value:.0f} 毫安；超过 {line:.0f} 毫安才提示",
                "residual_current.is_beyond": "{heard_at} 剩余电流 {value:.0f} 毫安，超过 {line:.0f} 毫安已 {held_s}",
            },
        ),
        "en": Words(
            "Residual current",
            "Where wires are old, wet or damaged, a part of the current does not come back through them: that is the "
            "residual current. Reading: residual_ma (mA), at any place or part. A distribution board or the main of a "
            "building is flagged above board_ma (300 mA), a final circuit of a room above circuit_ma (30 mA); a third "
            "of that is a line in the day's summary. It must last hold_s seconds and ends a tenth below. It is a hint "
            "to look and says nothing of the cause: appliances and filters leak a little too. Limits: it is no "
            "substitute for a residual-current breaker.",
            "Let an electrician check insulation, joints and damp; switch circuits off one by one to find the one that "
            "leaks.",
            {
                "residual_current.raised": "the residual current is {value:.0f} mA, above {line:.0f} mA for {held_s}, "
                "at most {extreme:.0f} mA",
                "residual_current.cleared": "the residual current is back to {value:.0f} mA; at most it was "
                "{extreme:.0f} mA",
                "residual_current.is_unheard": "no reading has come yet",
                "residual_current.is_calm": "at {heard_at} the residual current was {value:.0f} mA; above {line:.0f} "
                "mA is told",
                "residual_current.is_beyond": "at {heard_at} the residual current was {value:.0f} mA, above {line:.0f} "
                "mA for {held_s}",
            },
        ),
    }

    board_ma: float = parameter(300.0, unit="mA", least=10.0, most=10_000.0)
    circuit_ma: float = parameter(30.0, unit="mA", least=3.0, most=1000.0)
    hold_s: float = parameter(60.0, unit="s", least=1.0, most=3600.0)

    def watches(self, site: Site) -> Iterable[PointLadder]:
        for point in site.points.values():
            if point.quantity == "residual_ma":
                yield self._watch(point, is_board=site.places[point.place].kind in BOARDS)

    def _watch(self, point: Point, *, is_board: bool) -> PointLadder:
        line = self.board_ma if is_board else self.circuit_ma
        rungs = (
            Rung(line / 3, self.hold_s, Severity.MINOR, Delivery.DIGEST),
            Rung(line, self.hold_s, Severity.MAJOR),
        )
        return PointLadder(
            rule=self.kind,
            key=f"{point.place}/{point.part}" if point.part else point.place,
            place=point.place,
            part=point.part,
            inputs={"value": point.id},
            holds_s=point.holds_s,
            ladder=Ladder(rungs=rungs, deadband=line / 30, clear_s=600.0),
        )
