"""The alert budget: a simulated boarding school lives for a month, and the whole default pack watches it.

Strategy. The school is made from a seed: its life, its meters, and faults of known truth. Its readings go minute by
minute through the engine, as a live gateway would move the mark. Then each alert is held against the truth: it answers
a fault, stands beside one that another rule should answer, or is false; precision counts the first alone. What counts
is what people are told.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from daemon.evaluation.row import OURS, Row
from daemon.evaluation.school_campus import FULL, Size
from daemon.evaluation.school_days import School, simulate
from daemon.evaluation.school_faults import Injected
from rules import RULES
from rules.engine import Engine
from rules.model import Delivery, Event, Turn
from rules.quality import refiners
from rules.rule import RuleKind

GRACE_S = 10.0
EARLY_S = 60.0            # an alert may see a fault before its nominal begin, by clocks and periods
NIGHT = (22 * 60 + 30, 6 * 60)
_RANK = {Delivery.RECORD: 0, Delivery.DIGEST: 1, Delivery.PAGE: 2}


class Told(NamedTuple):
    """An alert as it reached people: what it was held to be, and the fault that it belongs to, by index."""

    event: Event
    delivery: Delivery
    is_answer: bool
    fault: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the pack said over the days, and how it stands against the truth."""

    school: School
    told: Sequence[Told]
    rejected: Mapping[str, int]


def judge(
    school: School, kinds: Iterable[type[RuleKind]] | None = None, *, progress: Callable[[str], None] = lambda _: None
) -> Verdict:
    """Run the rule pack (or these kinds, with their defaults) over a school as a live gateway would."""
    pack = [kind for kind in RULES.values() if not kind.is_declared] if kinds is None else list(kinds)
    site = school.site
    engine = Engine((watch for kind in pack for watch in kind().watches(site)), refiners(site), mark=school.begin)
    told: list[Told] = []
    highest: dict[tuple[str, str], int] = {}
    for until, block in school.minutes():
        for sample in block:
            engine.take(sample)
        for event in engine.advance(until - GRACE_S):
            rank = _RANK[event.delivery]
            if event.turn is Turn.RAISED or (
                event.turn is Turn.UPDATED and rank > highest.get((event.rule, event.key), 0)
            ):
                highest[event.rule, event.key] = rank
                told.append(Told(event, event.delivery, *_belongs(event, school.truth)))
        if (until - school.begin) % 86_400 == 0:
            progress(f"school: day {round((until - school.begin) / 86_400)} of {len(school.days)}")
    rejected: Counter[str] = Counter()
    for reasons in engine.rejected().values():
        rejected.update(reasons)
    return Verdict(school, tuple(told), dict(rejected))


def _belongs(event: Event, truth: Sequence[Injected]) -> tuple[bool, int | None]:
    """Whether an event answers a fault, and which fault it belongs to: where it fits best, and the latest of these."""
    near = [
        (-next((i for i, word in enumerate(fault.answers) if event.rule.startswith(word)), 99), fault.begin, index)
        for index, fault in enumerate(truth)
        if event.place in fault.places and fault.begin - EARLY_S <= event.at <= fault.end + fault.tail_s
    ]
    if not near:
        return False, None
    fit, _, index = max(near)
    return fit > -99, index


# -- figures


class Budget(NamedTuple):
    """Pages a day and a night (22:30 to 06:00): mean and most; lines of the digest and records a day."""

    pages: float
    most_pages: int
    night_pages: float
    most_night_pages: int
    digests: float
    records: float


def budget(verdict: Verdict, rule: str | None = None) -> Budget:
    """What a rule, or the whole pack, asks of people."""
    school, calendar = verdict.school, verdict.school.site.calendar
    count = len(school.days)
    told = [item for item in verdict.told if rule is None or item.event.rule == rule]
    by_day, by_night = Counter[int](), Counter[int]()
    for item in told:
        if item.delivery is Delivery.PAGE:
            by_day[int((item.event.at - school.begin) // 86_400)] += 1
            minute = calendar.minute(item.event.at)
            if minute >= NIGHT[0] or minute < NIGHT[1]:
                by_night[int((item.event.at - school.begin - 43_200) // 86_400)] += 1
    total = Counter(item.delivery for item in told)
    return Budget(
        sum(by_day.values()) / count, max(by_day.values(), default=0),
        sum(by_night.values()) / count, max(by_night.values(), default=0),
        total[Delivery.DIGEST] / count, total[Delivery.RECORD] / count,
    )  # fmt: skip


class Outcome(NamedTuple):
    """How one fault was told by rules that should: alerts of each delivery, and how late the first that was enough."""

    fault: Injected
    pages: int
    digests: int
    records: int
    delay_s: float | None

    @property
    def is_answered(self) -> bool:
        """Whether people got to see it as they should; of what means nothing, that they did not."""
        return self.delay_s is not None if self.fault.wants else not self.pages + self.digests

    @property
    def is_repeated(self) -> bool:
        return self.pages > 1


def outcomes(verdict: Verdict, rule: str | None = None) -> list[Outcome]:
    """Each fault with its answers, by any rule that should or by one alone."""
    answers: dict[int, list[Told]] = {}
    for item in verdict.told:
        if item.is_answer and item.fault is not None and rule in (None, item.event.rule):
            answers.setdefault(item.fault, []).append(item)
    out = []
    for index, fault in enumerate(verdict.school.truth):
        mine = answers.get(index, [])
        count = Counter(item.delivery for item in mine)
        enough = [t.event.at for t in mine if fault.wants and _RANK[t.delivery] >= _RANK[fault.wants]]
        delay_s = min(enough) - fault.begin if enough else None
        out.append(Outcome(fault, count[Delivery.PAGE], count[Delivery.DIGEST], count[Delivery.RECORD], delay_s))
    return out


def rows(data: Path, *, progress: Callable[[str], None], size: Size = FULL, days: int = 30, seed: int = 1) -> list[Row]:
    """The alert budget of the whole pack and of each rule; nothing under `data` is read."""
    verdict = judge(simulate(seed, days, size), progress=progress)
    rules = sorted({item.event.rule for item in verdict.told})
    return [_row(verdict, None), *(_row(verdict, rule) for rule in rules)]


def _row(verdict: Verdict, rule: str | None) -> Row:
    """The whole pack over all faults; a rule over those it answered, since several rules may answer one."""
    results = [item for item in outcomes(verdict, rule) if rule is None or item.pages + item.digests + item.records]
    figures = budget(verdict, rule)
    stand = Counter(
        _stand(item, verdict.school.truth)
        for item in verdict.told if item.delivery is Delivery.PAGE and rule in (None, item.event.rule)
    )  # fmt: skip
    delays = [item.delay_s for item in results if item.delay_s is not None]
    return Row(
        "alert budget", OURS, rule or "whole pack", len(results),
        stand["right"] / stand.total() if stand else None,
        sum(item.is_answered for item in results) / len(results) if results and rule is None else None,
        stand["false"] / len(verdict.school.days), "school-day", median(delays) if delays else None, "simulated",
        f"of {stand.total()} pages {stand['beside']} beside a fault, {stand['false']} false;"
        f" {figures.pages:.1f} a day, at most {figures.most_pages}; at night {figures.night_pages:.1f}, at most"
        f" {figures.most_night_pages}; {figures.digests:.1f} in the digest, {figures.records:.1f} records;"
        f" {sum(item.is_repeated for item in results)} of {len(results)} faults paged more than once",
    )  # fmt: skip


def _stand(item: Told, truth: Sequence[Injected]) -> str:
    """How a page stands against the truth: what happened and means nothing makes it false as well."""
    if item.fault is None or truth[item.fault].wants is None:
        return "false"
    return "right" if item.is_answer else "beside"
