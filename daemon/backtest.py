"""A back-test: what the rules would have said about a stretch of history, and for a parameter how that would change.

Strategy. The history goes by once, batch by batch, past the engines of the settings as they are and those of each other
value of the parameter; nothing of it stays in memory but what is counted. Each engine begins earlier by as much as its
rules remember, so that the first day is judged like any other; what was raised before is not counted.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import nlargest
from itertools import pairwise
from math import isinf
from typing import NamedTuple

from daemon.config.rules import Placed, watches_of
from daemon.history import History, Points
from daemon.readings_table import time_of
from daemon.trial import PLAIN, Registers, engine_of, stepped
from rules import RULES
from rules.calendar import Calendar
from rules.engine import Engine
from rules.fact import is_fact
from rules.hours import Hours
from rules.model import Delivery, Event, Site, Turn
from rules.rule import Bounds, ParameterError, RuleKind, parameters
from rules.watch import signature

MOST_ALERTS = 20_000  # of a rule that says too much: the rest is counted, not kept
LONGEST = 10
WEEK_S = 7 * 86_400.0
_DEPTHS_S = (-1.0, 2 * 86_400.0, 8 * 86_400.0, float("inf"))  # rules that remember alike long begin together
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


class _Run(NamedTuple):
    """An engine that counts into a tally, and the time from which on it must see what happens."""

    tally: Tally
    engine: Engine
    begin: float
    points: Points


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
    runs: list[_Run] = []

    def start(counted: Tally, these: Placed) -> None:
        for least, most in pairwise(_DEPTHS_S):
            alike = tuple((kind, places) for kind, places in these if least < kind.memory_s <= most)
            watches = list(watches_of(alike, site))
            begin = since - max((kind.memory_s for kind, _ in alike), default=0.0)
            if watches:
                engine = engine_of(watches, site, registers)
                runs.append(_Run(counted, engine, begin, engine.logged_points(watches)))

    start(tally, chosen)
    curve: list[tuple[float, Tally]] = []
    if sweep is not None:
        is_one = len({getattr(kind, sweep.parameter) for kind, _ in chosen}) == 1
        for value in sweep.values:
            counted = tally if is_one and value == sweep.now else Tally(since, until)
            curve.append((value, counted))
            if counted is not tally:
                start(counted, _with(chosen, sweep.parameter, value))
    points = frozenset[str]().union(*(run.points for run in runs))
    for batch in history.batches(min((run.begin for run in runs), default=since), until, points):
        declared = batch._replace(entries=[entry for entry in batch.entries if is_fact(entry[0])])
        for run in runs:
            heard = batch if batch.mark >= run.begin else declared
            run.tally.add(stepped(run.engine, heard, until, run.points))
        passed(min(batch.mark, until))
    for run in runs:
        run.tally.add(run.engine.advance(until))
    for counted in {id(run.tally): run.tally for run in runs}.values():
        counted.finish()
    return Tested(tally, sweep, tuple(curve))


def _with(rules: Placed, parameter: str, value: float) -> Placed:
    return tuple((replace(kind, **{parameter: value}), places) for kind, places in rules)  # type: ignore[type-var]


def sweep_of(rules: Placed, site: Site, rule: str, asked: str | None) -> Sweep | None:
    """The values to try: `asked` is `PARAMETER` or `PARAMETER=1,2,3`; None: around the main parameter of the rule here.

    Raises BacktestError.
    """
    chosen = tuple((kind, places) for kind, places in rules if kind.kind == rule)
    if not chosen:
        raise BacktestError(f"the configuration has no {rule}: it is turned off, or no [[rule]] declares one")
    numbers = {name: p for name, p in parameters(RULES[rule]).items() if isinstance(p, Bounds)}
    name, _, spelled = (asked or "").partition("=")
    name = name.strip() or _main(chosen, site, numbers)
    if not name and not asked:
        return None
    if name not in numbers:
        raise BacktestError(f"{rule} has no number {name!r} to sweep; it has: {', '.join(numbers) or 'none'}")
    now, bounds = getattr(chosen[0][0], name), numbers[name]
    is_whole = isinstance(now, int)
    values = [_number(text, name) for text in spelled.split(",")] if spelled else list(_around(now, bounds))
    wrong = [value for value in values if not bounds.least <= value <= bounds.most]
    if wrong:
        raise BacktestError(f"{name} lies between {bounds.least:g} and {bounds.most:g} {bounds.unit}, not {wrong[0]:g}")
    whole = {round(value) if is_whole else value for value in values}
    return Sweep(name, bounds.unit, now, tuple(sorted(whole)), tuple(other for other in numbers if other != name))


def _main(rules: Placed, site: Site, numbers: Mapping[str, Bounds]) -> str:
    """The parameter that decides most: of those that most watches here depend on, how long a condition must hold.

    Where there is none of that name it is the first, which is the threshold.
    """
    before = {watch.key: signature(watch) for watch in watches_of(rules, site)}
    reach: dict[str, int] = {}
    for name in sorted(numbers, key=lambda name: not name.startswith("hold")):
        now = getattr(rules[0][0], name)
        if isinf(now):
            continue  # not set: nobody knows what lies around it
        other = next((value for value in (numbers[name].most, numbers[name].least) if value != now), now)
        try:
            watches = list(watches_of(_with(rules, name, type(now)(other)), site))
        except ParameterError:  # values that do not go together
            continue
        reach[name] = sum(signature(watch) != before.get(watch.key) for watch in watches)
    return max(reach, key=reach.__getitem__, default="")


def _around(now: float, bounds: Bounds) -> Iterator[float]:
    if isinf(now):
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
