"""Hot terminal (接线端子过热): a joint that carries current and comes loose heats up before it burns.

Strategy. One ladder a sensor, by the temperature itself: what insulation of PVC bears for ever is 70 °C, and a joint is
the hottest place of a wire. It is a hint to look, never a diagnosis.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rules.ladder import Ladder, Rung
from rules.model import Delivery, Point, Severity, Site
from rules.point_ladder import PointLadder
from rules.rule import Words, in_order, parameter

TERMINAL = "terminal"  # how the names of these parts begin


@dataclass(frozen=True, slots=True, kw_only=True)
class HotTerminal:
    """Flags terminals, busbars and cable joints that are too hot."""

    kind: ClassVar[str] = "hot_terminal"
    slowest_s: ClassVar[float] = 900.0
    memory_s: ClassVar[float] = 86_400.0
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "接线端子过热",
            "接线松动、老化或过载的地方先发热，后起火。读数：温度（temperature_c），部位名以 terminal 开头，如 "
            "terminal、terminal-a、terminal-b。超过 warn_c（65 度）写进当天汇总，超过 alarm_c（75 度）马上通知，超过 "
            "critical_c（90 度）按紧急报，夜里也叫人。要持续 hold_s 秒，回落 3 度才算恢复。它只提示去查，不判断原因。局"
            "限：只看得到装了传感器的端子。",
            "请电工断电后检查并紧固接线；检查该回路是否过载。",
            {
                "hot_terminal.raised": "端子 {value:.0f} 度，超过 {line:.0f} 度，已 {held_s}，最高 {extreme:.0f} 度",
                "hot_terminal.cleared": "端子已降到 {value:.0f} 度；最高 {extreme:.0f} 度",
                "hot_terminal.is_unheard": "还没有收到读数",
                "hot_terminal.is_calm": "{heard_at} 端子 {value:.0f} 度；超过 {line:.0f} 度才提示",
                "hot_terminal.is_beyond": "{heard_at} 端子 {value:.0f} 度，超过 {line:.0f} 度已 {held_s}",
            },
        ),
        "en": Words(
            "Hot terminal",
            "Where a joint is loose, old or overloaded it heats before it burns. Reading: a temperature "
            "(temperature_c) of a part whose name begins with terminal, such as terminal, terminal-a, terminal-b. "
            "Above warn_c (65 °C) it is a line in the day's summary, above alarm_c (75 °C) somebody is called, above "
            "critical_c (90 °C) it is critical and breaks the quiet hours. It must last hold_s seconds and ends 3 K "
            "below. It is a hint to look and says nothing of the cause. Limits: only terminals with a sensor are seen.",
            "Let an electrician switch the circuit off, check and tighten the joint; see whether the circuit is "
            "overloaded.",
            {
                "hot_terminal.raised": "the terminal is at {value:.0f} °C, above {line:.0f} °C for {held_s}, at most "
                "{extreme:.0f} °C",
                "hot_terminal.cleared": "the terminal is down to {value:.0f} °C; at most it was {extreme:.0f} °C",
                "hot_terminal.is_unheard": "no reading has come yet",
                "hot_terminal.is_calm": "at {heard_at} the terminal was at {value:.0f} °C; above {line:.0f} °C is told",
                "hot_terminal.is_beyond": "at {heard_at} the terminal was at {value:.0f} °C, above {line:.0f} °C for "
                "{held_s}",
            },
        ),
    }

    warn_c: float = parameter(65.0, unit="°C", least=30.0, most=200.0)
    alarm_c: float = parameter(75.0, unit="°C", least=30.0, most=200.0)
    critical_c: float = parameter(90.0, unit="°C", least=30.0, most=300.0)
    hold_s: float = parameter(60.0, unit="s", least=1.0, most=3600.0)

    def __post_init__(self) -> None:
        in_order(self, "warn_c", "alarm_c", "critical_c")

    def watches(self, site: Site) -> Iterable[PointLadder]:
        for point in site.points.values():
            if point.quantity == "temperature_c" and point.part.startswith(TERMINAL):
                yield self._watch(point)

    def _watch(self, point: Point) -> PointLadder:
        rungs = (
            Rung(self.warn_c, self.hold_s, Severity.MINOR, Delivery.DIGEST),
            Rung(self.alarm_c, self.hold_s, Severity.MAJOR),
            Rung(self.critical_c, self.hold_s, Severity.CRITICAL),
        )
        return PointLadder(
            rule=self.kind,
            key=f"{point.place}/{point.part}",
            place=point.place,
            part=point.part,
            inputs={"value": point.id},
            holds_s=point.holds_s,
            ladder=Ladder(rungs=rungs, deadband=3.0, clear_s=600.0),
        )
