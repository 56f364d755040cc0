"""Loop resistance (线路老化): how far the voltage falls when the current steps up, compared with what it was when new.

Strategy. Each step of the current by more than STEP_A gives one value, -dV/dI. Single values are rough: 0.1 V of noise
on 2 A is 0.05 ohm, and the feeder moves too. So they are gathered into lots of LOT steps, or of a week: a lot is its
median, with the error of that median by its own spread. What others do on the feeder spreads the values, and moves
their median nowhere; a lot says something only where it differs by more than SURE such errors. It is a hint to look,
never a diagnosis.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import ClassVar, NamedTuple

from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn
from rules.rule import Words, parameter

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
LOT, LEAST = 50, 20    # steps that close a lot; and that a week must have to be one
STEP_A = 2.0
MOST_OHM = 20.0        # more is a meter that mixes up its values
BETWEEN_S = 120.0      # readings further apart are no step: the feeder has moved
MEDIAN_ERROR = 1.858   # 1.4826 (spread from the median deviation) times 1.2533 (a median for a mean)
SURE = 5.0             # errors: many rooms are compared every week


class _Lot(NamedTuple):
    """Steps together: when the lot was closed, its median and the error of that, in ohm."""

    at: float
    ohm: float
    error: float


class _Past(NamedTuple):
    """The steps of the lot that runs, the lots of the time when all was new, and those of the last two weeks."""

    begun: float = 0.0
    steps: tuple[float, ...] = ()
    first: float = 0.0
    new: tuple[_Lot, ...] = ()
    lots: tuple[_Lot, ...] = ()
    since: float | None = None
    told: int = 0


class _State(NamedTuple):
    """The newest reading, and what was before. Built by position."""

    at: float | None = None
    volts: float = 0.0
    amperes: float = 0.0
    past: _Past = _Past()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopResistanceWatch:
    """One circuit: its voltage and current."""

    rule: ClassVar[str] = "loop_resistance"
    version: ClassVar[int] = 2
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    times: float
    most_ohm: float
    week_pct: float
    learn_s: float

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        if "v" not in values or "i" not in values:
            return state, ()
        heard_at, was_v, was_a, past = state
        volts, amperes = values["v"], values["i"]
        step_a = amperes - was_a
        if -STEP_A < step_a < STEP_A or heard_at is None or at - heard_at > BETWEEN_S:
            return _State(at, volts, amperes, past), ()
        ohm = (was_v - volts) / step_a
        changes: Sequence[Change] = ()
        if abs(ohm) < MOST_OHM:
            past, changes = self._stepped(_Past(*past), at, ohm)
        return _State(at, volts, amperes, past), changes

    def deadline(self, state: _State) -> float | None:
        return None  # only readings move it

    def hold(self, state: _State, at: float) -> Hold | None:
        return None  # steps are counted, not timed

    def explain(self, state: _State, at: float) -> Explanation:
        past = _Past(*state.past)
        if not past.lots:
            return Explanation("loop_resistance.gathers", {"steps": len(past.steps), "needed": LOT})
        values = {
            "ohm": _Lot(*past.lots[-1]).ohm, "new_ohm": _when_new(past), "steps": len(past.steps), "needed": LOT,
        }  # fmt: skip
        return Explanation("loop_resistance.compares", values)

    def _stepped(self, past: _Past, at: float, ohm: float) -> tuple[_Past, Sequence[Change]]:
        """What was before, with one more step of the current; a lot that is full is compared."""
        steps = (*past.steps, ohm)
        begun = past.begun if past.steps else at
        past = past._replace(steps=steps, begun=begun, first=past.first or at)
        if len(steps) < LOT and not (len(steps) >= LEAST and at - begun >= WEEK_S):
            return past, ()
        return self._closed(past._replace(steps=()), _lot(at, steps))

    def _closed(self, past: _Past, lot: _Lot) -> tuple[_Past, Sequence[Change]]:
        """The state with one more lot: of the time when it is taken for new, or compared with that."""
        lots = (*(old for old in past.lots if lot.at - _Lot(*old).at <= 2 * WEEK_S), lot)[-40:]
        if lot.at - past.first <= self.learn_s or not past.new:
            return past._replace(new=(*past.new, lot)[-60:], lots=lots), ()
        due = self._due(past, lot)
        past = past._replace(lots=lots, since=(past.since or lot.at) if due or past.told else None)
        if due > past.told:
            turn = Turn.UPDATED if past.told else Turn.RAISED
            return past._replace(told=due), (self._change(turn, past, lot, due),)
        if past.told and not due and lot.ohm < self._limit(past) * 0.9:
            return past._replace(told=0, since=None), (self._change(Turn.CLEARED, past, lot, past.told),)
        return past, ()

    def _limit(self, past: _Past) -> float:
        return min(self.most_ohm, self.times * _when_new(past))

    def _due(self, past: _Past, lot: _Lot) -> int:
        """How bad a lot is: 2 where it rose within a week, 1 where it is far above what it was when new."""
        before = [_Lot(*old) for old in (*past.new, *past.lots)]
        for old in before:
            rise, error = lot.ohm - old.ohm, sqrt(lot.error**2 + old.error**2)
            if 0 < lot.at - old.at <= WEEK_S and rise > max(self.week_pct / 100 * old.ohm, SURE * error):
                return 2
        return int(lot.ohm - SURE * lot.error > self._limit(past))

    def _change(self, turn: Turn, past: _Past, lot: _Lot, level: int) -> Change:
        values = {"ohm": lot.ohm, "new_ohm": _when_new(past)}
        why = "cleared" if turn is Turn.CLEARED else "rises" if level == 2 else "high"
        severity = Severity.MAJOR if level == 2 else Severity.MINOR
        evidence = Evidence(past.since or lot.at, (self.inputs["v"], self.inputs["i"]))
        return Change(turn, severity, Delivery.DIGEST, f"loop_resistance.{why}", values, evidence)


def _when_new(past: _Past) -> float:
    return median(_Lot(*lot).ohm for lot in past.new)


def _lot(at: float, steps: Sequence[float]) -> _Lot:
    middle = median(steps)
    spread = median(abs(ohm - middle) for ohm in steps)
    return _Lot(at, middle, MEDIAN_ERROR * spread / sqrt(len(steps)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopResistance:
    """Flags circuits whose loop resistance rose."""

    kind: ClassVar[str] = "loop_resistance"
    slowest_s: ClassVar[float] = 60.0
    memory_s: ClassVar[float] = 60 * DAY_S
    is_declared: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "线路电阻升高",
            "接线松动、线路老化时，同样的电流会使电压掉得更多。电流每变化 2 安以上，就从电压和电流的变化算出一次回路电"
            "阻；每 50 次取中间值，和头 learn_d 天（28 天）相比：高到 times 倍（1.5 倍）或超过 most_ohm（1 欧），写进当"
            "天汇总；一周内升高 week_pct（20%）以上，级别升为重要。差别要明显大于测量误差才算。读数：同一位置的 "
            "voltage_v（0.1 伏）和 current_a（0.01 安），一分钟以内一次。它只提示去查，不下结论。局限：很少有大电器开关"
            "的回路，要很久才有结果。",
            "请电工检查该回路的接线端子、插座和线路，紧固或更换；最好再测端子温度。",
            {
                "loop_resistance.high": "回路电阻约 {ohm:.2f} 欧，原来约 {new_ohm:.2f} 欧",
                "loop_resistance.rises": "一周内回路电阻升到约 {ohm:.2f} 欧，原来约 {new_ohm:.2f} 欧",
                "loop_resistance.cleared": "回路电阻已回到约 {ohm:.2f} 欧",
                "loop_resistance.gathers": "正在收集：已有 {steps:.0f} 次电流变化，{needed:.0f} 次算一次结果",
                "loop_resistance.compares": "最近一次结果约 {ohm:.2f} 欧，原来约 {new_ohm:.2f} 欧；下一次已有 "
                "{steps:.0f} 次变化，共需 {needed:.0f} 次",
            },
        ),
        "en": Words(
            "Loop resistance",
            "Where joints are loose or wires are old the voltage falls further for the same current. Each step of the "
            "current by more than 2 A gives the resistance of the loop. The median of 50 steps is compared with the "
            "first learn_d (28) days: times (1.5) of that, or more than most_ohm (1 ohm), is a line in the day's "
            "summary; a rise of week_pct (20 %) within a week makes it major. A difference must be well above the "
            "error of measurement. Readings: voltage_v (to 0.1 V) and current_a (to 0.01 A) of one place, each minute "
            "or oftener. It is a hint to look, never a diagnosis. Limits: where large loads are rarely switched it "
            "takes long to say anything.",
            "Let an electrician check terminals, sockets and wires of the circuit, tighten or replace them; measure "
            "their temperature too.",
            {
                "loop_resistance.high": "the loop resistance is about {ohm:.2f} ohm, it was {new_ohm:.2f} ohm",
                "loop_resistance.rises": "within a week the loop resistance rose to about {ohm:.2f} ohm; it was "
                "{new_ohm:.2f} ohm when new",
                "loop_resistance.cleared": "the loop resistance is back to about {ohm:.2f} ohm",
                "loop_resistance.gathers": "still gathering: {steps:.0f} {steps:step|steps} of the current seen, "
                "{needed:.0f} make a result",
                "loop_resistance.compares": "the last result is about {ohm:.2f} ohm, when new it was {new_ohm:.2f} "
                "ohm; {steps:.0f} of {needed:.0f} steps for the next one",
            },
        ),
    }

    times: float = parameter(1.5, unit="", least=1.1, most=10.0)
    most_ohm: float = parameter(1.0, unit="ohm", least=0.05, most=20.0)
    week_pct: float = parameter(20.0, unit="%", least=5.0, most=500.0)
    learn_d: float = parameter(28.0, unit="d", least=1.0, most=60.0)

    def watches(self, site: Site) -> Iterable[LoopResistanceWatch]:
        for point in site.points.values():
            current = point.id.removesuffix("voltage_v") + "current_a"
            if point.quantity == "voltage_v" and current in site.points:
                yield self._watch(point, current)

    def _watch(self, point: Point, current: str) -> LoopResistanceWatch:
        return LoopResistanceWatch(
            key=f"{point.place}/{point.part}" if point.part else point.place,
            place=point.place,
            inputs={"v": point.id, "i": current},
            times=self.times,
            most_ohm=self.most_ohm,
            week_pct=self.week_pct,
            learn_s=self.learn_d * DAY_S,
        )
