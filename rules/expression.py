"""A condition of your own (自定义表达式) over several named points, such as `p1 + p2 > 3000 and not open`.

Strategy. What may be written is checked once, when the configuration loads: names, numbers, arithmetic without powers,
comparisons, and/or/not, and min, max, abs, round. No text, no attribute, no loop, and a bounded length, so that nothing
written here can reach out, hang or fill memory; simpleeval then evaluates the tree that was checked. The condition is
judged only while every input is fresh; its time counts as far as all of them speak. What cannot be computed (a division
by zero) is no verdict and ends nothing: it is counted, and `explain` shows it.
"""

import ast
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from math import inf
from operator import add, eq, ge, gt, le, lt, mod, mul, ne, neg, not_, pos, sub, truediv
from typing import Any, ClassVar, NamedTuple

from simpleeval import SimpleEval  # type: ignore[import-untyped]

from rules.model import Change, Delivery, Evidence, Explanation, Hold, Point, Severity, Site, Turn
from rules.rule import ParameterError, Words, choice, parameter, point_ids, text

LONGEST = 400        # characters
MOST_NODES = 120     # of the tree
MOST_POINTS = 20
LARGEST = 1e15       # of a number that is written
_HALF_WIDTH = {0xFF00 + code: 0x20 + code for code in range(1, 95)} | {0x3000: 0x20}  # of a Chinese keyboard
SLACK_S = 0.001      # times are kept to the millisecond
OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv, ast.Mod: mod, ast.USub: neg, ast.UAdd: pos,
    ast.Not: not_, ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge, ast.Eq: eq, ast.NotEq: ne,
}  # fmt: skip
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int, int]] = {  # each with the fewest and most values it takes
    "min": (min, 2, MOST_POINTS), "max": (max, 2, MOST_POINTS), "abs": (abs, 1, 1), "round": (round, 1, 1),
}  # fmt: skip
_TREE: tuple[type[ast.AST], ...] = (
    ast.Expression, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Call, ast.Name, ast.Constant,
    ast.And, ast.Or, ast.Load, *OPERATORS,
)  # fmt: skip
_VERDICTS = (ast.Compare, ast.BoolOp, ast.Name)


class _State(NamedTuple):
    """`heard` is when each input was last heard and what it said, in the order of the inputs.

    `at` is up to when time is counted, `until` how long all inputs speak; `is_true` None: no verdict. `is_proven`: a
    verdict was known before the one that began it, or a second one agreed.
    """

    heard: tuple[tuple[float, float] | None, ...] = ()
    at: float = 0.0
    until: float = 0.0
    is_true: bool | None = None
    since: float | None = None
    covered_s: float = 0.0
    is_known: bool = False
    is_proven: bool = False
    is_raised: bool = False
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionWatch:
    """One condition; `when` is its text and `tree` what was checked of it."""

    rule: ClassVar[str] = "expression"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()

    key: str
    place: str
    inputs: Mapping[str, str]
    holds_s: tuple[float, ...]
    when: str
    hold_s: float
    severity: int
    delivery: str
    tree: ast.AST = field(repr=False, compare=False)
    evaluator: SimpleEval = field(repr=False, compare=False)

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        x = self._carried(state, at)
        if not values:
            return self._judged(x)
        before = x.heard or (None,) * len(self.inputs)
        heard = tuple(
            (at, values[role]) if role in values else known
            for role, known in zip(self.inputs, before, strict=True)
        )
        until = min(known[0] + holds_s if known else 0.0 for known, holds_s in zip(heard, self.holds_s, strict=True))
        x = x._replace(heard=heard, until=until)
        if until < at:
            return x._replace(is_true=None), ()
        is_true = self._verdict(tuple(known[1] for known in heard if known))
        if is_true is None:
            return x._replace(is_true=None, failures=x.failures + 1), ()
        if is_true:
            since = at if x.since is None else x.since
            return self._judged(x._replace(is_true=True, since=since, is_known=True, is_proven=x.is_known))
        changes = (self._change(Turn.CLEARED, x, at),) if x.is_raised else ()
        return _State(heard, at, until, False, is_known=True, failures=x.failures), changes

    def deadline(self, state: _State) -> float | None:
        if not state.is_true or state.is_raised or not state.is_proven:
            return None
        due = state.at + self.hold_s - state.covered_s
        return due if state.at < due <= state.until else None

    def hold(self, state: _State, at: float) -> Hold | None:
        if state.since is None or state.is_raised:
            return None
        return Hold(state.since, min(self._covered_s(state, at), self.hold_s), self.hold_s)

    def explain(self, state: _State, at: float) -> Explanation:
        values: dict[str, float | str] = {
            "name": self.key, "when": self.when, "readings": self._readings(state), "failures": float(state.failures),
        }  # fmt: skip
        if at > state.until or not state.heard:
            return Explanation("expression.stale", values)
        if state.is_true is None:
            return Explanation("expression.impossible", values)
        if not state.is_true:
            return Explanation("expression.no", values)
        held = {"held_s": self._covered_s(state, at)}
        if state.is_raised:
            return Explanation("expression.yes", values | held)
        return Explanation("expression.waiting", values | held | {"needed_s": self.hold_s})

    def _carried(self, x: _State, at: float) -> _State:
        """The state when time has passed: what was true went on as long as all inputs speak."""
        if not x.is_raised and x.since is not None and at - x.until > self.hold_s:  # a gap longer than the wanted time
            return x._replace(at=at, since=None, covered_s=0.0)
        return x._replace(at=at, covered_s=self._covered_s(x, at))

    def _covered_s(self, x: _State, at: float) -> float:
        return x.covered_s + (max(0.0, min(at, x.until) - x.at) if x.is_true else 0.0)

    def _judged(self, x: _State) -> tuple[_State, Sequence[Change]]:
        if x.is_raised or not x.is_true or not x.is_proven or x.covered_s < self.hold_s - SLACK_S:
            return x, ()
        return x._replace(is_raised=True), (self._change(Turn.RAISED, x, x.at),)

    def _verdict(self, values: Sequence[float]) -> bool | None:
        self.evaluator.names = dict(zip(self.inputs, values, strict=True))
        try:
            return bool(self.evaluator.eval(self.when, previously_parsed=self.tree))
        except (ArithmeticError, ValueError):  # a division by zero; the whole number nearest to infinity
            return None

    def _readings(self, x: _State) -> str:
        pairs = zip(self.inputs, x.heard or [None] * len(self.inputs), strict=True)
        said = (f"{name} = {known[1]:.6g}" if known else f"{name} = ?" for name, known in pairs)
        return ", ".join(said)

    def _change(self, turn: Turn, x: _State, at: float) -> Change:
        since = at if x.since is None else x.since
        values: dict[str, float | str] = {
            "name": self.key, "when": self.when, "readings": self._readings(x), "held_s": x.covered_s,
        }  # fmt: skip
        why = "cleared" if turn is Turn.CLEARED else "raised" if at > since else "raised_now"
        evidence = Evidence(since, tuple(self.inputs.values()), None, x.covered_s)
        return Change(turn, Severity(self.severity), Delivery(self.delivery), f"expression.{why}", values, evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A condition over named points; without a name it is not declared."""

    kind: ClassVar[str] = "expression"
    slowest_s: ClassVar[float] = inf
    memory_s: ClassVar[float] = 8 * 86_400.0  # more than the longest `for_min`
    is_declared: ClassVar[bool] = True
    words: ClassVar[Mapping[str, Words]] = {
        "zh": Words(
            "自定义表达式",
            "把几个测点放在一起判断：points 给每个测点起一个短名，when 写条件，例如 p1 + p2 > 3000 and not open；"
            "条件连续成立 for_min 分钟就报警。可用加减乘除、取余、比较、and、or、not，以及 min、max、abs、round；"
            "状态类测点（门、有人）为 1 或 0，可直接当条件。只有全部测点都有新读数时才判断，缺一个就不计时；"
            "无法计算（如除以零）时不作判断，并计入次数。写错的式子在“caretaker check”时就会指出。",
            "按您自己的规定处理；如果条件不合适，请在配置中修改 when。",
            {
                "expression.raised": "{name}：条件 {when} 已成立 {held_s}（{readings}）",
                "expression.raised_now": "{name}：条件 {when} 成立（{readings}）",
                "expression.cleared": "{name}：条件不再成立，共 {held_s}（{readings}）",
                "expression.stale": "{name}：不是所有测点都有新读数，不作判断（{readings}）",
                "expression.impossible": "{name}：条件 {when} 此刻无法计算（{readings}），累计 {failures:.0f} 次",
                "expression.no": "{name}：条件 {when} 不成立（{readings}）",
                "expression.yes": "{name}：条件 {when} 成立，已报警，已 {held_s}（{readings}）",
                "expression.waiting": "{name}：条件 {when} 已成立 {held_s}，满 {needed_s}才报警（{readings}）",
            },
        ),
        "en": Words(
            "Condition of your own",
            "Several points judged together: `points` gives each a short name, `when` is the condition, such as "
            "`p1 + p2 > 3000 and not open`; an alert is raised when it has held for `for_min` minutes. There are + - "
            "* / %, comparisons, and, or, not, and min, max, abs, round; a state (a door, somebody there) is 1 or 0 "
            "and can stand alone. It is judged only while all points have fresh readings; without one of them time "
            "does not count. What cannot be computed, such as a division by zero, is no verdict and is counted. "
            "`caretaker check` tells what is wrong with a condition.",
            "Do what you have laid down for this case; if the condition does not fit, change `when` in the "
            "configuration.",
            {
                "expression.raised": "{name}: {when} has held for {held_s} ({readings})",
                "expression.raised_now": "{name}: {when} holds ({readings})",
                "expression.cleared": "{name}: the condition has ended after {held_s} ({readings})",
                "expression.stale": "{name}: not judged, as not all points have fresh readings ({readings})",
                "expression.impossible": "{name}: {when} cannot be computed now ({readings}), {failures:.0f} "
                "{failures:time|times} so far",
                "expression.no": "{name}: {when} does not hold ({readings})",
                "expression.yes": "{name}: {when} holds, raised, for {held_s} ({readings})",
                "expression.waiting": "{name}: {when} has held for {held_s}; raised after {needed_s} ({readings})",
            },
        ),
    }

    name: str = text(longest=80)
    points: tuple[tuple[str, str], ...] = point_ids(is_named=True)
    when: str = text(longest=LONGEST)
    for_min: float = parameter(0.0, unit="min", least=0.0, most=10_080.0)
    severity: str = choice("minor", "info", "major", "critical")
    delivery: str = choice("page", "digest", "record")

    def __post_init__(self) -> None:
        if self.name:
            points = tuple((unicodedata.normalize("NFKC", name), point) for name, point in self.points)
            object.__setattr__(self, "points", points)  # as Python reads names in a condition
            object.__setattr__(self, "when", self.when.translate(_HALF_WIDTH))
            _checked_names(self.points)
            checked(self.when, [name for name, _ in self.points])

    def watches(self, site: Site) -> Iterable[ExpressionWatch]:
        points = [(name, site.points[point]) for name, point in self.points if point in site.points]
        if not self.name or len(points) < len(self.points):
            return
        yield ExpressionWatch(
            key=self.name,
            place=_place([point for _, point in points], site),
            inputs={name: point.id for name, point in points},
            holds_s=tuple(point.holds_s for _, point in points),
            when=self.when,
            hold_s=self.for_min * 60,
            severity=Severity[self.severity.upper()],
            delivery=self.delivery,
            tree=checked(self.when, [name for name, _ in points]),
            evaluator=SimpleEval(OPERATORS, {name: function for name, (function, _, _) in FUNCTIONS.items()}, {}),
        )


def _place(points: Sequence[Point], site: Site) -> str:
    """Where all points lie, as near as can be said: their room, else their building, else that of the first."""
    for places in ([point.place for point in points], [site.places[point.place].building for point in points]):
        if len(set(places)) == 1:
            return places[0]
    return points[0].place


def _checked_names(points: Sequence[tuple[str, str]]) -> None:
    if not 0 < len(points) <= MOST_POINTS:
        raise ParameterError("points", f"name 1 to {MOST_POINTS} points", f"应写 1 到 {MOST_POINTS} 个测点")
    names = [name for name, _ in points]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ParameterError("points", f'"{twice[0]}" is there twice', f"“{twice[0]}”出现了两次")
    for name in names:
        if not name.isidentifier() or name.startswith("_") or iskeyword(name) or name in FUNCTIONS:
            raise ParameterError(
                "points", f'"{name}" cannot be a name: write a letter, then letters and digits, such as p1',
                f"“{name}”不能作短名：以字母开头，后接字母和数字，如 p1",
            )  # fmt: skip


def checked(when: str, names: Sequence[str]) -> ast.expr:
    """The tree of a condition over these names; raises ParameterError when it holds anything else."""
    if not when.strip():
        raise ParameterError("when", 'write a condition such as "p1 > 3000"', "应写一个条件，如 \"p1 > 3000\"")
    try:
        with warnings.catch_warnings(action="ignore"):  # of the Python parser, such as about 1if
            tree = ast.parse(when.strip(), mode="eval") if len(when) <= LONGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ParameterError(
            "when", "this is no condition: look for a missing bracket or sign", "不是有效的条件：请检查括号和符号"
        ) from error
    nodes = list(ast.walk(tree)) if tree else []
    if tree is None or len(nodes) > MOST_NODES:
        raise ParameterError("when", "too long: split it into several rules", "太长：请拆成几条规则")
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        _check(node, (*names, *FUNCTIONS) if node in called else names)
    body = tree.body
    if not isinstance(body, _VERDICTS) and not (isinstance(body, ast.UnaryOp) and isinstance(body.op, ast.Not)):
        raise ParameterError(
            "when", "says no yes or no: compare with a number, such as > 3000", "没有真假：请与数值比较，如 > 3000"
        )
    used = {node.id for node in nodes if isinstance(node, ast.Name) and node not in called}
    if idle := [name for name in names if name not in used]:
        raise ParameterError("when", f"does not use {', '.join(idle)}", f"没有用到 {'、'.join(idle)}")
    return body


def _check(node: ast.AST, names: Sequence[str]) -> None:
    """Refuse a node that is none of arithmetic, comparison, yes and no, or a function of ours."""
    if isinstance(node, ast.Name) and node.id not in names:
        known = ", ".join(names)
        raise ParameterError("when", f'"{node.id}" is none of {known}', f"“{node.id}”不在 {known} 之中")
    if isinstance(node, ast.Constant) and not (
        isinstance(node.value, bool | int | float) and abs(node.value) <= LARGEST
    ):
        raise ParameterError(
            "when", f"{str(node.value)[:40]!r} is no number up to {LARGEST:g}",
            f"{str(node.value)[:40]!r} 不是 {LARGEST:g} 以内的数",
        )  # fmt: skip
    if isinstance(node, ast.Call):
        _check_call(node)
    elif not isinstance(node, _TREE):
        raise ParameterError(
            "when", "only + - * / %, comparisons, and, or, not, min, max, abs and round are known",
            "只能用 + - * / %、比较、and、or、not，以及 min、max、abs、round",
        )  # fmt: skip


def _check_call(node: ast.Call) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    _, least, most = FUNCTIONS.get(name, (None, 0, -1))
    if node.keywords or not least <= len(node.args) <= most:
        raise ParameterError(
            "when", "write min(a, b), max(a, b), abs(a) or round(a), and no other call",
            "只能调用 min(a, b)、max(a, b)、abs(a)、round(a)",
        )  # fmt: skip
