"""The table of figures: for a terminal, as a page of the documentation, and for programs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daemon.columns import aligned, markdown
from daemon.evaluation.row import OURS, Row

_NUMBERS = (2, 3, 4, 5, 6, 7)  # columns
_WORDS = {
    "zh": {
        "title": "实测结果",
        "head": "方法|条件|事件数|精确率|召回率|F1|误报|报警延迟|依据|备注",
        "intro": "本页由 `caretaker evaluate --markdown --language zh` 生成：规则用默认参数，在真实录得的读数上运行；"
        "用来调参数的设备不计入结果。粗体是本程序的规则，其余是拿来比较的简单规则。"
        "事件数是真实事件的个数；误报按后面写的单位折算；报警延迟是从事件开始到报警的中位数。",
        "bases": "依据：real 是真实事件的实录；"
        "semi-synthetic 是实录拼合而成，或把已知的故障加在实录上；simulated 是仿真。",
        "ours": "本程序", "none": "没有结果：录音不在这里（用 --data 指出目录）。",
    },
    "en": {
        "title": "How well it works, measured",
        "head": "method|setting|events|precision|recall|F1|false alarms|delay|basis|note",
        "intro": "This page is the output of `caretaker evaluate --markdown --language en`: the rules with their "
        "default parameters on recorded readings; devices that were used to choose parameters are not among them. What "
        "is bold is this program, the rest are simple rules to compare with. Events are true ones; the delay is the "
        "median from the begin of an event to its alarm.",
        "bases": "Basis: real is a recording of real events; semi-synthetic is real recordings put together, or with a "
        "known fault added; simulated is a simulation.",
        "ours": "ours", "none": "No figures: the recordings are not here (--data names their folder).",
    },
}  # fmt: skip


def cells(row: Row, language: str, *, is_bold: bool = False) -> tuple[str, ...]:
    """A row as text."""
    method = _WORDS[language]["ours"] if row.method == OURS else row.method
    return (
        f"**{method}**" if is_bold and row.method == OURS else method, row.setting, str(row.events),
        _share(row.precision), _share(row.recall), _share(row.f1),
        "–" if row.false_rate is None else f"{row.false_rate:.3g}/{row.false_per}",
        "–" if row.delay_s is None else _delay(row.delay_s), row.basis, row.note,
    )  # fmt: skip


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _delay(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def text(rows: Sequence[Row], language: str) -> str:
    """The table for a terminal, task by task."""
    if not rows:
        return _WORDS[language]["none"]
    head = _WORDS[language]["head"].split("|")
    parts = []
    for name, part in _by_task(rows).items():
        parts.append("\n".join([name, *aligned([head, *(cells(row, language) for row in part)], _NUMBERS)]))
    return "\n\n".join(parts)


def page(rows: Sequence[Row], language: str) -> str:
    """The page of the documentation."""
    say = _WORDS[language]
    lines = [f"# {say['title']}", "", say["intro"], "", say["bases"]]
    for name, part in _by_task(rows).items():
        table = [say["head"].split("|"), *(cells(row, language, is_bold=True) for row in part)]
        lines += ["", f"## {name}", "", *markdown(table, _NUMBERS)]
    return "\n".join(lines) + "\n"


def _by_task(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    for row in rows:
        out.setdefault(row.task, []).append(row)
    return out


def as_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows for programs."""
    return [row._asdict() | {"f1": row.f1} for row in rows]


def of_json(documents: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The rows again; raises TypeError, KeyError for what is none."""
    return [Row(**{name: document[name] for name in Row._fields}) for document in documents]
