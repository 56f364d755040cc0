"""The handbook of the rules, made of the registry: what each finds, how it is set, and what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from daemon.columns import aligned
from daemon.columns import markdown as markdown_table
from dashboard import words
from rules.rule import Bounds, Choice, Parameter, PointIds, RuleKind, Text, parameters

RuleKinds = Mapping[str, type[RuleKind]]

_WORDS = {
    "zh": {
        "title": "规则手册",
        "intro": "本页由 `caretaker rules --markdown --language zh` 生成。凡是有所需测点的地方，规则自动生效；"
        "要改一处，就在配置里写一个 `[[rule]]`：",
        "rest": "标了“按需”的规则自己不看任何地方：写了 `[[rule]]` 才有。"
        "改之前，先用 `caretaker backtest` 在历史数据上试一试；"
        "一条规则为什么报警、为什么不报，`caretaker explain` 会说明。",
        "all": "全部规则",
        "declared": "按需",
        "todo": "**怎么处理：**",
        "table": "参数|默认值|范围|单位",
        "memory": "依据过去{memory}内的读数；读数间隔不要超过{slowest}。",
        "any": "读数间隔不限。",
        "unset": "不设",
        "points": "测点", "named_points": "名字 = 测点",
        "text": "文字，最多 {longest} 字",
    },
    "en": {
        "title": "Handbook of the rules",
        "intro": "This page is the output of `caretaker rules --markdown --language en`. A rule works wherever the "
        "points it needs are measured; to change one, write a `[[rule]]` in the configuration:",
        "rest": "A rule marked “declared” watches nothing by itself: it is there once a `[[rule]]` says so. Before you "
        "change one, try it on the past with `caretaker backtest`; why a rule raised or did not, `caretaker explain` "
        "tells.",
        "all": "All rules",
        "declared": "declared",
        "todo": "**What to do:** ",
        "table": "parameter|default|range|unit",
        "memory": "It rests on readings of the last {memory}; they should come no further apart than {slowest}.",
        "any": "Its readings may come as seldom as they like.",
        "unset": "not set",
        "points": "points", "named_points": "name = point",
        "text": "text, at most {longest} characters",
    },
}  # fmt: skip
_EXAMPLE = """\
    [[rule]]
    kind = "running_water"
    where = { kind = "washroom", building = "dorm-3" }
    hold_min = 20
    except = ["dorm-3/1F-wash"]"""


def markdown(kinds: RuleKinds, language: str) -> str:
    """The whole handbook as a page."""
    say = _WORDS[language]
    lines = [f"# {say['title']}", "", say["intro"], "", _EXAMPLE, "", say["rest"], "", f"## {say['all']}", ""]
    lines += [f"- [{title_of(kind, language)}](#{name})" for name, kind in kinds.items()]
    for name, kind in kinds.items():
        lines += ["", f'<a id="{name}"></a>', f"## {title_of(kind, language)}", ""]
        lines += [*_paragraphs(kind, language), *_table(kind, language)]
    return "\n".join(lines) + "\n"


def text(kind: type[RuleKind], language: str) -> str:
    """One rule for a terminal."""
    table = [f"  {line}" for line in aligned(list(_rows(kind, language)))]
    said = [line.replace("**", "") for line in _paragraphs(kind, language)]
    return "\n".join([title_of(kind, language), "", *said, *table])


def overview(kinds: RuleKinds, language: str) -> str:
    """A line for each rule."""
    width = max(map(len, kinds))
    return "\n".join(f"  {name:<{width}}  {words.title(name, language)}" for name in kinds)


def title_of(kind: type[RuleKind], language: str) -> str:
    """The name people give a rule, and the one the configuration does."""
    declared = f"（{_WORDS[language]['declared']}）" if language == "zh" else f" ({_WORDS[language]['declared']})"
    return f"{kind.words[language].title} `{kind.kind}`" + (declared if kind.is_declared else "")


def as_json(kinds: RuleKinds, language: str) -> list[dict[str, Any]]:
    """All of it for programs."""
    return [
        {
            "kind": name, "title": kind.words[language].title, "about": kind.words[language].about,
            "todo": kind.words[language].todo, "is_declared": kind.is_declared, "memory_s": kind.memory_s,
            "slowest_s": kind.slowest_s,
            "parameters": [
                dict(zip(("name", "default", "range", "unit"), row, strict=True))
                for row in list(_rows(kind, language))[1:]
            ],
        }
        for name, kind in kinds.items()
    ]  # fmt: skip


def _paragraphs(kind: type[RuleKind], language: str) -> Iterator[str]:
    say, told = _WORDS[language], kind.words[language]
    if told.about:
        yield from (told.about, "")
    yield from (f"{say['todo']}{told.todo}", "")
    memory, slowest = (words.duration(seconds, language) for seconds in (kind.memory_s, min(kind.slowest_s, 1e9)))
    yield say["any"] if kind.slowest_s == float("inf") else say["memory"].format(memory=memory, slowest=slowest)
    yield ""


def _table(kind: type[RuleKind], language: str) -> Iterator[str]:
    head, *rows = _rows(kind, language)
    yield from markdown_table([head, *((f"`{name}`", *cells) for name, *cells in rows)])


def _rows(kind: type[RuleKind], language: str) -> Iterator[tuple[str, str, str, str]]:
    name, default, bounds, unit = _WORDS[language]["table"].split("|")
    yield name, default, bounds, unit
    defaults = {item.name: item.default for item in fields(kind)}  # type: ignore[arg-type]
    for parameter, told in parameters(kind).items():
        yield parameter, *_cells(defaults[parameter], told, language)


def _cells(default: Any, told: Parameter, language: str) -> tuple[str, str, str]:
    say = _WORDS[language]
    is_set = default not in (float("inf"), float("-inf"), "", ())
    shown = say["unset"] if not is_set else _number(default) if isinstance(default, int | float) else str(default)
    if isinstance(told, Bounds):
        return shown, f"{_number(told.least)} – {_number(told.most)}", told.unit or "–"
    if isinstance(told, Choice):
        return shown, ", ".join(option for option in told.options if option), "–"
    if isinstance(told, Text):
        return shown, say["text"].format(longest=told.longest), "–"
    assert isinstance(told, PointIds)
    return shown, say["named_points" if told.is_named else "points"], "–"


def _number(value: float) -> str:
    """A number in full: 1000000, not 1e+06."""
    return f"{value:.0f}" if value == int(value) else f"{value:g}"
