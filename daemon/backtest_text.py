"""A back-test in words: a table of days and of rules, the longest alerts, the list, and the curve as bars."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from daemon.backtest import Alert, Sweep, Tally, Tested
from daemon.columns import aligned
from daemon.event_json import as_json as event_as_json
from daemon.message import place_name
from dashboard import words
from rules.model import Delivery, Site

_BAR = 40
_WORDS = {
    "zh": {
        "head": "{since} 至 {until}，{days:.1f} 天，{count} 个报警",
        "mean": "平均每天：需要处理 {page:.1f}，汇总 {digest:.1f}，仅记录 {record:.1f}；夜间需要处理 {night:.1f}",
        "day": "日期", "rule": "规则", "page": "需要处理", "digest": "汇总", "record": "仅记录",
        "none": "没有报警",
        "longest": "最长的报警",
        "list": "全部报警",
        "more": "还有 {count} 个（--list N 显示更多，--json 全部显示）",
        "open": "未结束",
        "curve": "{parameter}（{unit}）取不同值时，每周报警数（其中需要处理）",
        "now": "← 现在的值",
        "flat": "它在这里不起作用；可以试试：{others}",
    },
    "en": {
        "head": "{since} to {until}, {days:.1f} days, {count} alerts",
        "mean": "a day on average: {page:.1f} to act on, {digest:.1f} for the summary, {record:.1f} for the record; "
        "{night:.1f} to act on at night",
        "day": "day", "rule": "rule", "page": "page", "digest": "digest", "record": "record",
        "none": "no alerts",
        "longest": "longest alerts",
        "list": "all alerts",
        "more": "and {count} more (--list N shows more, --json all)",
        "open": "not ended",
        "curve": "alerts a week for values of {parameter} ({unit}), and how many of them are pages",
        "now": "<- as it is set",
        "flat": "it changes nothing here; others are: {others}",
    },
}  # fmt: skip


def text_of(tested: Tested, site: Site, language: str, *, most: int) -> str:
    """All of it for people; at most so many alerts in the list."""
    tally = tested.tally
    lines = [*_head(tally, site, language)]
    if tally.counts:
        lines += ["", *_table("day", dict(sorted(tally.by_day.items())), language)]
        lines += ["", *_table("rule", dict(sorted(tally.by_rule.items())), language)]
        lines += ["", _WORDS[language]["longest"], *_lines(tally.longest(), tally, site, language)]
        lines += ["", _WORDS[language]["list"], *_list(tally, site, language, most)]
    if tested.sweep is not None:
        lines += ["", *_curve(tested, tested.sweep, language)]
    return "\n".join(lines)


def _head(tally: Tally, site: Site, language: str) -> Iterator[str]:
    say, days, count = _WORDS[language], tally.days, tally.counts
    since, until = (f"{site.calendar.local(at):%Y-%m-%d %H:%M}" for at in (tally.since, tally.until))
    yield say["head"].format(since=since, until=until, days=days, count=count.total())
    if not count:
        yield say["none"]
        return
    means = {delivery.value: count[delivery] / days for delivery in Delivery}
    yield say["mean"].format(**means, night=tally.night_pages / days)


def _table(name: str, rows: dict[str, Counter[Delivery]], language: str) -> Iterator[str]:
    say = _WORDS[language]
    head = (say[name], *(say[delivery.value] for delivery in Delivery))
    body = [
        (f"{words.title(row, language)} {row}" if name == "rule" else row, *(str(counts[item]) for item in Delivery))
        for row, counts in rows.items()
    ]
    yield from aligned([head, *body], numbers=(1, 2, 3))


def _list(tally: Tally, site: Site, language: str, most: int) -> Iterator[str]:
    yield from _lines(tally.alerts()[:most], tally, site, language)
    if tally.counts.total() > most:
        yield _WORDS[language]["more"].format(count=tally.counts.total() - most)


def _lines(alerts: Sequence[Alert], tally: Tally, site: Site, language: str) -> Iterator[str]:
    for alert in alerts:
        raised, since = alert.raised, alert.raised.evidence.since
        end = _WORDS[language]["open"] if alert.ended is None else words.clock(
            alert.ended, since, site.calendar.zone, language
        )  # fmt: skip
        yield (
            f"  {site.calendar.local(since):%Y-%m-%d %H:%M} – {end}"
            f"  {words.duration(alert.lasted_s(tally.until), language)}"
            f"  [{_WORDS[language][alert.delivery.value]}] {place_name(raised.place, site)}"
            f" {words.title(raised.rule, language)}: {words.sentence(raised, language, site.calendar.zone)}"
        )


def _curve(tested: Tested, sweep: Sweep, language: str) -> Iterator[str]:
    say, curve = _WORDS[language], tested.curve
    yield say["curve"].format(parameter=sweep.parameter, unit=sweep.unit)
    most = max((tally.a_week() for _, tally in curve), default=0.0) or 1.0
    for value, tally in curve:
        bar = "█" * round(_BAR * tally.a_week() / most)
        mark = f" {say['now']}" if value == sweep.now else ""
        yield f"  {value:>9g}  {tally.a_week():>8.1f} ({tally.a_week(Delivery.PAGE):.1f})  {bar}{mark}"
    if len(curve) > 1 and len({tuple(sorted(tally.counts.items())) for _, tally in curve}) == 1 and sweep.others:
        yield "  " + say["flat"].format(others=", ".join(sweep.others))


def as_json(tested: Tested) -> dict[str, Any]:
    """All of it for programs; times as Unix seconds."""
    tally = tested.tally
    return {
        "since": tally.since, "until": tally.until, "days": tally.days, "night_pages": tally.night_pages,
        "counts": _counts(tally.counts),
        "by_day": {day: _counts(counts) for day, counts in sorted(tally.by_day.items())},
        "by_rule": {rule: _counts(counts) for rule, counts in sorted(tally.by_rule.items())},
        "longest": [_alert(alert) for alert in tally.longest()],
        "alerts": [_alert(alert) for alert in tally.alerts()],
        "sweep": tested.sweep._asdict() if tested.sweep else None,
        "curve": [
            {"value": value, "a_week": counted.a_week(), **_counts(counted.counts)} for value, counted in tested.curve
        ],
    }  # fmt: skip


def _counts(counts: Counter[Delivery]) -> dict[str, int]:
    return {delivery.value: counts[delivery] for delivery in Delivery}


def _alert(alert: Alert) -> dict[str, Any]:
    return {"ended": alert.ended, "delivery": alert.delivery.value, "raised": event_as_json(alert.raised)}
