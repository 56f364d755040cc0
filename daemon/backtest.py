"""A back-test: what the rules would have said about a stretch of history, and for a parameter how that would change.

Strategy. The history goes by once, batch by batch, past one engine for the settings as they are and one for each other
value of the parameter; nothing of it stays in memory but what is counted. Each engine begins earlier by as much as its
rules remember, so that the first day is judged like any other; what was raised before is not counted.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import nlargest
from typing import NamedTuple

from daemon.config.rules import Placed, watches_of
from daemon.history import History
from daemon.readings_table import time_of
from daemon.store import LoggedBatch
from daemon.trial import PLAIN, Registers, engine_of, read_points, stepped
from rules import RULES
from rules.calendar import Calendar
from rules.engine import Engine
from rules.hours import Hours
from rules.model import Delivery, Event, Site, Turn
from rules.rule import Bounds, RuleKind, parameters

MOST_ALERTS = 20_000  # of a rule that says too much: the rest is counted, not kept
LONGEST = 10
WEEK_S = 7 * 86_400.0
_AROUND = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)
_RANK = tuple(reversed(Delivery))  # record, digest, page


class BacktestError(ValueError):
    """What was asked makes no sense; the message says what to ask."""


class Sweep(NamedTuple):
    """A parameter of a rule and the values to try; `now` is the value that is set (the first, if places differ).

    `others` are the rule's other numbers.
    """

    parameter: str
    unit: str
    now: float
    values: tuple[float, ...]
    others: tuple[str, ...] = ()


class Alert(NamedTuple):
    """One alert of a back-test: `ended` is None where it was open at the end; `delivery` is the highest it had."""

    raised: Event
    ended: float | None
    delivery: Delivery

    def lasted_s(self, until: float) -> float:
        """How long its condition held."""
        return (until if self.ended is None else self.ended) - self.raised.evidence.since


class Tally:
    """Counts the alerts of a stretch of time as their events go by; `nights` tells when all should sleep."""

    def __init__(self, since: float, until: float, hours: Hours | None = None) -> None:
        self.since, self.until = since, until
        self.counts: Counter[Delivery] = Counter()
        self.by_day: dict[str, Counter[Delivery]] = {}
        self.by_rule: dict[str, Counter[Delivery]] = {}
        self.night_pages = 0
        self._hours = hours
        self._open: dict[tuple[str, str], Alert] = {}
        self._ended: list[Alert] = []

    @property
    def days(self) -> float:
        return max((self.until - self.since) / 86_400, 1e-9)

    def add(self, events: Iterable[Event]) -> None:
        """Take the next events, by time."""
        for event in events:
            name = event.rule, event.key
            if event.turn is Turn.RAISED:
                if event.at >= self.since:
                    self._open[name] = Alert(event, None, event.delivery)
                continue
            alert = self._open.get(name)
            if alert is None:
                continue
            if event.turn is Turn.UPDATED:
                self._open[name] = alert._replace(delivery=max(alert.delivery, event.delivery, key=_RANK.index))
            else:
                self._settle(self._open.pop(name)._replace(ended=event.at))

    def finish(self) -> "Tally":
        """Count what is still open at the end."""
        for alert in self._open.values():
            self._settle(alert)
        self._open = {}
        return self

    def _settle(self, alert: Alert) -> None:
        raised = alert.raised
        self.counts[alert.delivery] += 1
        self.by_rule.setdefault(raised.rule, Counter())[alert.delivery] += 1
        if len(self._ended) < MOST_ALERTS:
            self._ended.append(alert)
        if self._hours is not None:
            day = self._hours.calendar.local(raised.at).date().isoformat()
            self.by_day.setdefault(day, Counter())[alert.delivery] += 1
            self.night_pages += alert.delivery is Delivery.PAGE and self._hours.night(raised.at).open

    def alerts(self) -> list[Alert]:
        """The alerts by the time they were raised."""
        return sorted(self._ended, key=lambda alert: (alert.raised.at, alert.raised.rule, alert.raised.key))

    def longest(self) -> list[Alert]:
        """The alerts that went on longest."""
        return nlargest(LONGEST, self._ended, key=lambda alert: alert.lasted_s(self.until))

    def a_week(self, delivery: Delivery | None = None) -> float:
        """Alerts a week, of one delivery or of all."""
        count = self.counts.total() if delivery is None else self.counts[delivery]
        return count * WEEK_S / (self.days * 86_400)


class Tested(NamedTuple):
    """The rules as they are set, and for each other value of the parameter what they would have said."""

    tally: Tally
    sweep: Sweep | None
    curve: tuple[tuple[float, Tally], ...]


def backtest(
    rules: Placed, site: Site, history: History, *, since: float, until: float, rule: str | None = None,
    sweep: Sweep | None = None, registers: Registers = PLAIN, passed: Callable[[float], None] = lambda at: None,
) -> Tested:  # fmt: skip
    """Run rules over history; `passed` hears the time up to which it went by."""
    chosen = tuple((kind, places) for kind, places in rules if rule in (None, kind.kind))
    hours = Hours(site.calendar, "", site.calendar.usual)
    tally = Tally(since, until, hours)
    runs = [(tally, engine_of(watches_of(chosen, site), site, registers))]
    curve: list[tuple[float, Tally]] = []
    for value in sweep.values if sweep else ():
        if sweep and value == sweep.now and len({getattr(kind, sweep.parameter) for kind, _ in chosen}) == 1:
            curve.append((value, tally))
            continue
        curve.append((value, Tally(since, until)))
        runs.append((curve[-1][1], engine_of(watches_of(_with(chosen, sweep, value), site), site, registers)))
    points = read_points(watches_of(chosen, site), site) if rule else None
    begin = since - max((kind.memory_s for kind, _ in chosen), default=0.0)
    _run(runs, history.batches(begin, until, points), until, passed)
    for counted, _ in runs:
        counted.finish()
    return Tested(tally, sweep, tuple(curve))


def _with(rules: Placed, sweep: Sweep | None, value: float) -> Placed:
    assert sweep is not None
    return tuple((replace(kind, **{sweep.parameter: value}), places) for kind, places in rules)  # type: ignore[type-var]


def _run(
    runs: Sequence[tuple[Tally, Engine]], batches: Iterable[LoggedBatch], until: float, passed: Callable[[float], None]
) -> None:
    for batch in batches:
        for tally, engine in runs:
            tally.add(stepped(engine, batch, until))
        passed(min(batch.mark, until))
    for tally, engine in runs:
        tally.add(engine.advance(until))


def sweep_of(rules: Placed, rule: str, asked: str | None) -> Sweep | None:
    """The values to try: `asked` is `PARAMETER` or `PARAMETER=1,2,3`; None: around the rule's main parameter.

    Raises BacktestError.
    """
    kinds = [kind for kind, _ in rules if kind.kind == rule]
    if not kinds:
        raise BacktestError(f"the configuration turns {rule} off everywhere")
    numbers = {name: p for name, p in parameters(RULES[rule]).items() if isinstance(p, Bounds)}
    name, _, spelled = (asked or "").partition("=")
    name = name.strip() or _main(numbers)
    if not name and not asked:
        return None
    if name not in numbers:
        raise BacktestError(f"{rule} has no number {name!r} to sweep; it has: {', '.join(numbers) or 'none'}")
    now, bounds = getattr(kinds[0], name), numbers[name]
    is_whole = isinstance(now, int)
    values = [_number(text, name) for text in spelled.split(",")] if spelled else list(_around(now, bounds))
    wrong = [value for value in values if not bounds.least <= value <= bounds.most]
    if wrong:
        raise BacktestError(f"{name} lies between {bounds.least:g} and {bounds.most:g} {bounds.unit}, not {wrong[0]:g}")
    whole = {round(value) if is_whole else value for value in values}
    return Sweep(name, bounds.unit, now, tuple(sorted(whole)), tuple(other for other in numbers if other != name))


def _main(numbers: Iterable[str]) -> str:
    """The parameter that decides most: how long a condition must hold, else the first, which is the threshold."""
    names = list(numbers)
    return next((name for name in names if name.startswith("hold")), names[0] if names else "")


def _around(now: float, bounds: Bounds) -> Iterator[float]:
    if now == float("inf"):
        raise BacktestError("this parameter is not set: say which values to try, such as PARAMETER=10,20,30")
    for factor in _AROUND:
        yield min(max(float(f"{now * factor:.3g}"), bounds.least), bounds.most)


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BacktestError(f"{text.strip()!r} is no number; write {name}=10,20,30") from None


def kind_named(rule: str) -> type[RuleKind]:
    """A rule kind by its name; raises BacktestError."""
    if rule not in RULES:
        raise BacktestError(f"there is no rule {rule!r}; there are: {', '.join(RULES)}")
    return RULES[rule]


def stretch_of(history: History, since: str | None, until: str | None, calendar: Calendar) -> tuple[float, float]:
    """The stretch that is asked for, as far as there are readings; a day as the end counts whole.

    Raises BacktestError, ReadingsError.
    """
    if history.stretch is None:
        raise BacktestError("there are no readings")
    first, last = history.stretch
    begin = time_of(since, calendar.zone) if since else first
    end = time_of(until, calendar.zone) if until else last
    if until and re.fullmatch(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}", until.strip()):
        end = calendar.at_minute(calendar.local(end).date(), 1440)
    begin, end = max(begin, first), min(end, last)
    if begin >= end:
        reach = " – ".join(f"{calendar.local(at):%Y-%m-%d %H:%M}" for at in history.stretch)
        raise BacktestError(f"there are no readings in this stretch; they reach {reach}")
    return begin, end
