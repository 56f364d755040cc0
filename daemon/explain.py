"""Why a rule raised at a place, or did not: its watches replayed up to a time, and what they say in words.

Strategy. The state of a watch at a past time stands nowhere, but it follows from the log: each watch of the place is
run over as much history as its rule rests on, before what it knows began, with a witness that notes what it is given.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from math import inf
from typing import Any

from daemon.config import Loaded
from daemon.history import History, HistoryError, known_points
from daemon.trial import Registers, engine_of, judged, placed_watches
from dashboard import words
from dashboard.reader import Reader
from rules import RULES
from rules.account import Account, Seen, Setting, Witness, settings_of
from rules.model import Event, Point, Site, Turn
from rules.rule import RuleKind, parameters
from rules.watch import Watch

_WORDS = {
    "zh": {
        "no_rule": "没有规则 {rule}{near}；全部规则：{all}",
        "no_place": "配置中没有地点 {place}{near}",
        "near": "（是不是 {name}？）",
        "not_watched": "{rule} 不看 {place}：那里没有它需要的测点，或配置把它停用了。看着那里的规则：{all}",
        "elsewhere": "{rule} 把 {place} 的读数和别处合在一起看，请改查：{places}",
        "unset": "{rule} 要先设参数才会看，请设 {names}",
        "nobody": "没有",
        "no_readings": "{at} 之前没有读数",
        "raised": "报警中，{when} 报警，从 {since} 开始",
        "calm": "没有报警",
        "why": "原因",
        "hold": "计时",
        "held": "已计 {covered} / 需 {needed}，从 {since} 开始",
        "covered": "从 {since} 到 {until}，其中 {covered} 有读数",
        "gaps": "缺口",
        "seen": "读数",
        "never": "还没有读数",
        "fresh": "有效",
        "stale": "已过期",
        "settings": "参数",
        "changed": "（已改动）",
        "rejected": "剔除的读数",
        "none": "无",
        "or": " 或 ",
        "reaches": "读数只到 {at}，按那时说明",
    },
    "en": {
        "no_rule": "there is no rule {rule}{near}; all rules: {all}",
        "no_place": "the configuration has no place {place}{near}",
        "near": " (do you mean {name}?)",
        "not_watched": "{rule} does not watch {place}: the points it needs are not there, or the configuration turned "
        "it off. Rules that watch there: {all}",
        "elsewhere": "{rule} watches the readings of {place} together with others: ask for {places}",
        "unset": "{rule} watches nothing until you set {names}",
        "nobody": "none",
        "no_readings": "there are no readings before {at}",
        "raised": "open alert, raised {when}, going on since {since}",
        "calm": "no alert",
        "why": "why",
        "hold": "hold",
        "held": "{covered} of {needed}, since {since}",
        "covered": "{since} to {until}, {covered} of it covered by readings",
        "gaps": "gaps",
        "seen": "readings",
        "never": "no reading yet",
        "fresh": "fresh",
        "stale": "stale",
        "settings": "parameters",
        "changed": " (changed)",
        "rejected": "rejected readings",
        "none": "none",
        "or": " or ",
        "reaches": "the readings reach to {at} only: this is as of then",
    },
}


def accounts(
    loaded: Loaded, history: History, place: str, rule: str, at: float, *, language: str
) -> list[Account]:
    """The accounts of all watches of a rule at a place, as of a time; raises HistoryError with what to do."""
    chosen = _chosen(loaded, place, rule, language)
    say = _WORDS[language]
    if history.stretch is None or at < history.stretch[0]:
        raise HistoryError(say["no_readings"].format(at=_time(loaded.site, at)))
    at = min(at, history.stretch[1])
    points = {point.id: point for point in known_points(loaded)}
    settings = {watch.key: settings_of(kind) for kind, watch in chosen}
    witnesses = [Witness(watch, points) for _, watch in chosen]
    engine = engine_of(witnesses, loaded.site, Registers(loaded.moduli, loaded.exchanges))
    wanted = engine.logged_points(witnesses)
    open_: dict[str, Event] = {}
    begin = history.begin(at, witnesses, wanted.intersection(loaded.site.points))
    batches = history.batches(begin - max(kind.memory_s for kind, _ in chosen), at, wanted)
    for event in judged(engine, batches, until=at):
        if event.turn in (Turn.CLEARED, Turn.WITHDRAWN):
            open_.pop(event.key, None)
        elif event.turn is Turn.RAISED:
            open_[event.key] = event
    rejected = engine.rejected()
    return [
        witness.account(
            engine.state(rule, witness.key), at, raised=open_.get(witness.key), settings=settings[witness.key],
            rejected={point: rejected[point] for point in engine.logged_points([witness]) if point in rejected},
        )
        for witness in witnesses
    ]  # fmt: skip


def _chosen(loaded: Loaded, place: str, rule: str, language: str) -> list[tuple[RuleKind, Watch]]:
    say = _WORDS[language]

    def near(found: str, known: Sequence[str]) -> str:
        return "".join(say["near"].format(name=name) for name in get_close_matches(found, known, 1))

    if rule not in RULES:
        raise HistoryError(say["no_rule"].format(rule=rule, near=near(rule, list(RULES)), all=", ".join(RULES)))
    placed = list(placed_watches(loaded.rules, loaded.site))
    there = [(kind, watch) for kind, _, watch in placed if place in (watch.place, watch.key)]
    chosen = [(kind, watch) for kind, watch in there if watch.rule == rule]
    if not chosen and not there and place not in loaded.site.places:
        raise HistoryError(say["no_place"].format(place=place, near=near(place, list(loaded.site.places))))
    if not chosen:
        others = ", ".join(sorted({watch.rule for _, watch in there})) or say["nobody"]
        watches = [watch for _, _, watch in placed if watch.rule == rule]
        key, names = _absence(loaded, place, rule, watches)
        told = ", ".join(names) if key != "unset" else say["or"].join(names)
        raise HistoryError(say[key].format(rule=rule, place=place, places=told, names=told, all=others))
    return chosen


def _absence(loaded: Loaded, place: str, rule: str, watches: Sequence[Watch]) -> tuple[str, Sequence[str]]:
    """Why no watch of a rule stands at a place: which word says so, and the places or parameters that it names."""
    here = {point.id for point in loaded.site.points_at(place)}
    elsewhere = sorted({watch.place for watch in watches if not here.isdisjoint(watch.inputs.values())})
    if elsewhere:
        return "elsewhere", elsewhere
    kinds = [kind for kind, _ in loaded.rules if kind.kind == rule]
    unset = [name for name in parameters(RULES[rule]) if any(getattr(kind, name) == inf for kind in kinds)]
    return ("unset", unset) if unset and not watches else ("not_watched", ())


# -- words


def text_of(account: Account, loaded: Loaded, language: str) -> str:
    """An account for people, in lines."""
    say, site = _WORDS[language], loaded.site
    reader = Reader(language, site, account.at)
    points = {point.id: point for point in known_points(loaded)}
    title = f"{reader.place(account.place)} · {reader.title(account.rule)} ({account.rule}, {account.key})"
    why = words.said(
        account.rule, *account.explanation, language, zone=site.calendar.zone, near=account.at
    )  # fmt: skip
    lines = [title, f"{_time(site, account.at)}: {_standing(account, reader)}", f"  {say['why']}: {why}"]
    lines += [f"  {say['hold']}: {held}" for held in _held(account, reader)]
    gaps = [f"{_point(gap.point, points, reader)} {_clock(reader, gap.since)}–{_clock(reader, gap.until)}"
            for gap in account.gaps]  # fmt: skip
    lines += [f"  {say['gaps']}: {', '.join(gaps)}"] if account.since is not None and gaps else []
    lines += [f"{say['seen']}:", *(f"  {_seen(seen, points, reader)}" for seen in account.shown)]
    lines += [f"{say['settings']}:", *(f"  {_setting(item, reader)}" for item in account.settings)]
    rejected = [
        f"  {point}: "
        + ", ".join(f"{reader.label('rejected', name)} {count}" for name, count in sorted(reasons.items()))
        for point, reasons in sorted(account.rejected.items())
    ]
    lines += [f"{say['rejected']}:", *rejected] if rejected else [f"{say['rejected']}: {say['none']}"]
    return "\n".join(lines)


def reach_of(asked: float, account: Account, loaded: Loaded, language: str) -> str:
    """A line for who asked for a time that no reading reaches; else nothing."""
    if asked <= account.at:
        return ""
    return _WORDS[language]["reaches"].format(at=_time(loaded.site, account.at))


def _standing(account: Account, reader: Reader) -> str:
    say = _WORDS[reader.language]
    if account.raised is None:
        return say["calm"]
    raised = account.raised
    return say["raised"].format(when=_time(reader.site, raised.at), since=_time(reader.site, raised.evidence.since))


def _held(account: Account, reader: Reader) -> Iterator[str]:
    say, hold = _WORDS[reader.language], account.hold
    if hold is not None:
        covered, needed = (reader.duration(seconds) for seconds in (hold.covered_s, hold.needed_s))
        yield say["held"].format(covered=covered, needed=needed, since=_clock(reader, hold.since))
    elif account.raised is not None and account.raised.evidence.covered_s and account.since != account.raised.at:
        evidence = account.raised.evidence
        covered = reader.duration(min(evidence.covered_s, account.raised.at - evidence.since))
        since, until = (_clock(reader, at) for at in (evidence.since, account.raised.at))
        yield say["covered"].format(since=since, until=until, covered=covered)


def _seen(seen: Seen, points: dict[str, Point], reader: Reader) -> str:
    say = _WORDS[reader.language]
    name = f"{seen.role} = {_point(seen.point, points, reader)} ({seen.point})"
    if seen.at is None:
        return f"{name}: {say['never']}"
    point = points.get(seen.point)
    value, unit = reader.value(point, seen.value) if point else (f"{seen.value:g}", "")
    state = say["fresh" if seen.is_fresh else "stale"]
    return f"{name}: {value} {unit}".rstrip() + f", {_clock(reader, seen.at)}, {reader.ago(seen.at)}, {state}"


def _point(name: str, points: dict[str, Point], reader: Reader) -> str:
    raw, _, reason = name.partition("!")
    shown = reader.point(points[raw]) if raw in points else raw
    return f"{shown} ({reader.label('rejected', reason)})" if reason else shown


def _setting(item: Setting, reader: Reader) -> str:
    return f"{item.name} = {reader.setting(item)}" + ("" if item.is_default else _WORDS[reader.language]["changed"])


def _time(site: Site, at: float) -> str:
    return f"{site.calendar.local(at):%Y-%m-%d %H:%M:%S}"


def _clock(reader: Reader, at: float) -> str:
    """The time, with its day unless it is that of the account."""
    local, now = (reader.site.calendar.local(one) for one in (at, reader.now))
    return f"{local:%H:%M:%S}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M:%S}"


def as_json(account: Account) -> dict[str, Any]:
    """An account for programs."""
    out = account._asdict() | {"raised": account.raised.at if account.raised else None, "since": account.since}
    for name in ("hold", "explanation"):
        part = getattr(account, name)
        out[name] = part._asdict() if part else None
    for name in ("seen", "gaps", "settings"):
        out[name] = [item._asdict() for item in getattr(account, name)]
    return out
