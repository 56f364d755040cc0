"""The alert budget: a simulated boarding school lives for a month, and the whole default pack watches it.

Strategy. The school is made from a seed: its life, its meters, and faults of known truth. Its readings go minute by
minute through the engine, as a live gateway would move the mark. Then each alert is held against the truth: it answers
a fault, stands beside one that another rule should answer, or is false. What counts is what people are told.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import radians, sin
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from daemon.evaluation import school_campus, school_meters
from daemon.evaluation.row import OURS, Row
from daemon.evaluation.school_campus import FULL, Campus, Size
from daemon.evaluation.school_faults import Injected, injected
from daemon.evaluation.school_life import Day, Load
from daemon.evaluation.school_meters import Bend, Device
from rules import RULES
from rules.engine import Engine
from rules.model import Delivery, Event, Sample, Site, Turn, source_device, stamp, state_point
from rules.quality import refiners
from rules.rule import RuleKind

GRACE_S = 10.0
LOST = 0.003              # readings that never arrive
GAPS_A_DAY = 0.02         # stretches of some minutes in which one device is not heard, per device and day
EARLY_S = 60.0            # an alert may see a fault before its nominal begin, by clocks and periods
NIGHT = (22 * 60 + 30, 6 * 60)
_RANK = {Delivery.RECORD: 0, Delivery.DIGEST: 1, Delivery.PAGE: 2}


@dataclass(frozen=True, slots=True)
class School:
    """A school of a seed: its site, its faults, and its readings, which can be drawn once."""

    campus: Campus
    site: Site
    days: Sequence[Day]
    truth: Sequence[Injected]
    _frozen: dict[str, dict[str, float]] = field(default_factory=dict, repr=False)

    @property
    def begin(self) -> float:
        return self.days[0].midnight

    @property
    def end(self) -> float:
        return self.days[-1].midnight + 86_400

    def minutes(self) -> Iterator[tuple[float, list[Sample]]]:
        """The end of each minute, and its samples in order of time."""
        yield self.begin + 2, [*self.campus.facts, *self._words(self.begin, is_first=True)]
        for day in self.days:
            self._plan(day)
            yield from self._day(day)

    def samples(self) -> Iterator[Sample]:
        """All samples in order of time."""
        for _, block in self.minutes():
            yield from block

    def _plan(self, day: Day) -> None:
        """Put the loads of a day on their courses, and mark the devices that are broken on it."""
        loads: dict[str, list[Load]] = {}
        for habit in self.campus.habits:
            for load in habit.loads(day, Random(f"{self.campus.seed} {day.date} {habit.place}")):
                loads.setdefault(load.course, []).append(load)
        tonight = [fault for fault in self.truth if fault.begin < day.midnight + 86_400 and fault.end >= day.midnight]
        for fault in tonight:
            for stay in fault.stays:
                loads[stay.course] = list(_staying(loads.get(stay.course, []), *stay[1:]))
            for load in fault.loads:
                if day.midnight <= load.begin < day.midnight + 86_400:
                    loads.setdefault(load.course, []).append(load)
        for course, pipe in self.campus.pipes.items():
            loads.setdefault(pipe, []).extend(loads.get(course, ()))
        for name, planned in self.campus.courses.items():
            planned.plan(loads.get(name, ()))
        self._bend(day)

    def _bend(self, day: Day) -> None:
        chance = Random(f"{self.campus.seed} {day.date} gaps")
        bends = [pair for fault in self.truth for pair in fault.bends if pair[1].begin < day.midnight + 86_400]
        for device in self.campus.devices:
            device.bent.clear()
            if chance.random() < GAPS_A_DAY:
                begin = day.midnight + chance.uniform(0, 86_400)
                device.bent.append(Bend("dead", begin, begin + chance.uniform(240, 720)))
        by_name = {device.name: device for device in self.campus.devices}
        for point, bend in bends:
            if bend.end >= day.midnight or bend.how == "falling":
                by_name[self.site.points[point].device].bent.append(bend)

    def _day(self, day: Day) -> Iterator[tuple[float, list[Sample]]]:
        random = Random(f"{self.campus.seed} {day.date} arrival")
        often = sorted(
            ((phase, device) for device in self.campus.devices if device.period_s <= 60
             for phase in _phases(device)), key=lambda pair: pair[0],
        )  # fmt: skip
        rarely = [(device.phase_s, device) for device in self.campus.devices if device.period_s > 60]
        cloud = Random(f"sky {self.campus.seed} {day.date}").uniform(0.3, 1.0)
        for minute in range(1440):
            begin = day.midnight + 60 * minute
            self._shine(begin, cloud)
            dead = {f.dead for f in self.truth if f.dead and f.begin <= begin < f.end}
            block = list(self._words(begin)) if minute else []
            for phase, device in often + rarely if minute % 60 == 0 else often:
                if dead and (device.source in dead or _building(device) in dead):
                    continue
                if device.supply is not None and not device.supply[0] <= minute < device.supply[1]:
                    continue
                chance = random.random()
                if chance < LOST:
                    continue
                at = int((begin + phase + chance) * 1000) / 1000
                values = device.read(at)
                if device.bent:
                    values = school_meters.bent(device, at, values, self._frozen)
                if values:
                    block.append(Sample(at, device.name, values))
            block.sort(key=lambda sample: sample.at)
            yield begin + 60, block

    def _shine(self, at: float, cloud: float) -> None:
        sun = self.site.sun
        elevation = sun.elevation(at) if sun else 0.0
        passing = 0.85 + 0.15 * sin(at / 700)
        self.campus.sky.lux = 600 * max(0.0, sin(radians(elevation))) * cloud * passing

    def _words(self, begin: float, *, is_first: bool = False) -> Iterator[Sample]:
        """What transports say of themselves in the minute from `begin` on."""
        names = sorted({device.source for device in self.campus.devices})
        if is_first:
            for name in names:
                yield Sample(begin + 1, source_device(name), {state_point(name, "online"): 1.0})
        for fault in self.truth:
            for at, online in ((fault.begin, 0.0), (fault.end, 1.0)):
                if fault.is_offline and begin <= at < begin + 60 and not is_first:
                    yield Sample(stamp(at), source_device(fault.dead), {state_point(fault.dead, "online"): online})


def _phases(device: Device) -> Iterator[float]:
    phase = device.phase_s
    while phase < 60:
        yield phase
        phase += device.period_s


def _building(device: Device) -> str:
    return device.name.split("/")[1]


def _staying(loads: Iterable[Load], around: float, until: float) -> Iterator[Load]:
    """The loads of a course when what is on around a time stays on, and nobody else touches the switch."""
    for load in loads:
        if around <= load.begin < until:
            continue
        if load.begin < around <= load.end + 60:
            load = load._replace(end=until)
        yield load


def simulate(seed: int, days: int = 30, size: Size = FULL) -> School:
    """A school of a seed, for some days from a Monday in April on, with its faults."""
    campus = school_campus.campus(seed, size)
    calendar_days = tuple(school_campus.days(campus, days))
    return School(campus, campus.site(), calendar_days, tuple(injected(campus, calendar_days)))


# -- the judgement


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

    def of(self, fault: int, *deliveries: Delivery) -> list[Told]:
        """What was told of a fault by rules that should."""
        return [t for t in self.told if t.is_answer and t.fault == fault and t.delivery in deliveries]


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
    """Whether an event answers a fault, and which fault it belongs to."""
    near = [
        (any(word in event.rule for word in fault.answers), fault.begin, index)
        for index, fault in enumerate(truth)
        if event.place in fault.places and fault.begin - EARLY_S <= event.at <= fault.end + fault.tail_s
    ]
    if not near:
        return False, None
    is_answer, _, index = max(near)
    return is_answer, index


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
    """How one fault was answered: how often at least as loud as it should, how often by page, and how late."""

    fault: Injected
    times: int
    pages: int
    delay_s: float | None


def outcomes(verdict: Verdict) -> list[Outcome]:
    """Each fault with its answers."""
    out = []
    for index, fault in enumerate(verdict.school.truth):
        enough = [level for level in Delivery if _RANK[level] >= _RANK[fault.wants]]
        answers = verdict.of(index, *enough)
        delay = min((item.event.at for item in answers), default=None)
        pages = len(verdict.of(index, Delivery.PAGE))
        out.append(Outcome(fault, len(answers), pages, None if delay is None else delay - fault.begin))
    return out


def rows(data: Path, *, progress: Callable[[str], None], size: Size = FULL, days: int = 30, seed: int = 1) -> list[Row]:
    """The alert budget of the whole pack and of each rule; nothing under `data` is read."""
    verdict = judge(simulate(seed, days, size), progress=progress)
    results = outcomes(verdict)
    out = [_row(verdict, None, results)]
    for rule in sorted({item.event.rule for item in verdict.told}):
        out.append(_row(verdict, rule, [item for item in results if any(word in rule for word in item.fault.answers)]))
    return out


def _row(verdict: Verdict, rule: str | None, results: Sequence[Outcome]) -> Row:
    figures = budget(verdict, rule)
    pages = [t for t in verdict.told if t.delivery is Delivery.PAGE and (rule is None or t.event.rule == rule)]
    false = sum(t.fault is None for t in pages)
    delays = [item.delay_s for item in results if item.delay_s is not None]
    return Row(
        "alert budget", OURS, rule or "whole pack", len(results),
        1 - false / len(pages) if pages else None,
        sum(item.times > 0 for item in results) / len(results) if results else None,
        false / len(verdict.school.days), "school-day", median(delays) if delays else None, "simulated",
        f"{figures.pages:.1f} pages a day, at most {figures.most_pages}; at night {figures.night_pages:.1f}, at most"
        f" {figures.most_night_pages}; {figures.digests:.1f} in the digest, {figures.records:.1f} records;"
        f" {sum(item.times == 1 for item in results)} of {len(results)} faults told once",
    )  # fmt: skip
