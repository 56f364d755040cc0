"""The plant rules against a simulated boiler house, drinking boiler, heated house, board and cold stores.

Strategy. Scripted faults, many variants of each, and weeks in which nothing is wrong, all from a seed; the whole pack
watches each scene with its defaults. A fault is answered when a rule that should say it does so, loudly enough; how
late counts from the first reading since which all readings fulfil the published condition, and at most the published
delay and one reading are allowed. In good weeks each page is false, but for a device that says nothing for minutes.
One variant is run again with `replay`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatch
from math import inf
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from daemon.evaluation import plant_boiler_faults, plant_room_faults
from daemon.evaluation.plant_fault import Case, Script
from daemon.evaluation.plant_good import STRETCHES, Stretch
from daemon.evaluation.plant_scene import SOURCE, Scene
from daemon.evaluation.row import OURS, Row
from rules import RULES
from rules.engine import Engine
from rules.model import Delivery, Event, Sample, Turn
from rules.quality import refiners

SCRIPTS: tuple[Script, ...] = (*plant_boiler_faults.SCRIPTS, *plant_room_faults.SCRIPTS)
QUICK_VARIANTS, QUICK_DAYS, DAYS = 2, 1.5, 30.0
HARMLESS_VARIANTS = 20  # at most, of what endangers nobody
MARK_S = 120.0
FRESH_S = 300.0    # a point unheard for so long is missed
OF_SILENCE = frozenset({"silent", "boiler_blind"})
_LOUD = {Delivery.RECORD: 0, Delivery.DIGEST: 1, Delivery.PAGE: 2}


class Outcome(NamedTuple):
    """How one variant of a fault ended.

    `onset` is when its condition was fulfilled, `answered` the first right answer; `over_s` is how much later than
    allowed that was. `early` are pages before anything was wrong, `events` all that was told.
    """

    script: Script
    variant: int
    begin: float
    onset: float
    answered: Event | None
    over_s: float
    early: tuple[Event, ...]
    events: tuple[Event, ...]

    @property
    def delay_s(self) -> float | None:
        return None if self.answered is None else max(0.0, self.answered.at - self.onset)


class Calm(NamedTuple):
    """What was told in good weeks: false pages, pages about real silences, and lines of the digest."""

    stretch: Stretch
    days: float
    pages: tuple[Event, ...]
    of_silences: int
    digests: tuple[Event, ...]


def _engine(scene: Scene) -> Engine:
    """The whole pack as an installer sets it up: its defaults, and what the name plates say."""
    site = scene.site()
    kinds = [kind(**scene.plates.get(name, {})) for name, kind in RULES.items() if not kind.is_declared]
    return Engine((watch for kind in kinds for watch in kind.watches(site)), refiners(site), mark=scene.begin - 1)


def attempt(script: Script, variant: int, *, seed: int = 1) -> Outcome:
    """Run one variant of a fault."""
    case = script.make(Random(f"plant {seed} {script.kind} {variant}"))
    engine, run, gaps = _engine(case.scene), _Run(case, script), _Gaps(case.scene)
    events: list[Event] = []
    for sample in case.scene.samples(case.begin + case.longest_s):
        gaps.take(sample)
        engine.take(sample)
        if sample.at - engine.mark > MARK_S:
            events += engine.advance(sample.at - 0.001)
        if run.is_over(sample):
            break
    events += engine.advance(run.end)
    if run.onset is None:
        raise RuntimeError(f"{script.kind} {variant}: its condition was never fulfilled")
    right = [e for e in events if e.at >= case.begin and _answers(script, e)]
    answered = min(right, key=lambda e: e.at, default=None)
    allowed = run.onset + script.delay_s + case.scene.slowest_s
    early = tuple(e for e in events if e.at < case.begin and _is_page(e) and not gaps.explain(e))
    return Outcome(
        script, variant, case.begin, run.onset, answered, answered.at - allowed if answered else float("inf"), early,
        tuple(events),
    )  # fmt: skip


def _answers(script: Script, event: Event) -> bool:
    """Whether an event tells a fault by a rule that should, as loudly as it must."""
    return (
        event.turn in (Turn.RAISED, Turn.UPDATED) and _LOUD[event.delivery] >= _LOUD[script.wants]
        and any(fnmatch(event.rule, pattern) for pattern in script.answers)
    )  # fmt: skip


def _is_page(event: Event) -> bool:
    return event.turn in (Turn.RAISED, Turn.UPDATED) and event.delivery is Delivery.PAGE


class _Run:
    """Follows the readings of a case: when its script acts, since when its condition holds, and when to stop."""

    def __init__(self, case: Case, script: Script) -> None:
        self.case = case
        self.onset: float | None = None
        self._late_s = script.delay_s + case.scene.slowest_s + script.late_s
        self._seen: dict[str, float] = {}
        self._heard = case.begin
        self._is_acting = True

    @property
    def end(self) -> float:
        """Until when the engine shall judge."""
        last = self.case.begin + self.case.longest_s
        return last if self.onset is None else min(last, self.onset + self._late_s)

    def is_over(self, sample: Sample) -> bool:
        """Whether one more reading was the last."""
        case, at = self.case, sample.at
        self._seen.update(sample.values)
        if case.silent in sample.values:
            self._heard = at
        if at < case.begin:
            return False
        if self._is_acting:
            self._is_acting = bool(case.act())
        if case.silent:
            self.onset = self._heard + FRESH_S
        elif case.is_met(self._seen, at):
            self.onset = at if self.onset is None else self.onset
        elif self.onset is None or at <= self.onset + self._late_s:
            self.onset = None
        return self.onset is not None and at > self.end


def watch(stretch: Stretch, number: int, days: float, *, seed: int = 1) -> Calm:
    """Run weeks in which nothing is wrong."""
    scene, end = stretch.make(Random(f"plant {seed} {stretch.kind} {number}"), days)
    engine, gaps, events = _engine(scene), _Gaps(scene), list[Event]()
    for sample in scene.samples(end):
        gaps.take(sample)
        engine.take(sample)
        if sample.at - engine.mark > MARK_S:
            events += engine.advance(sample.at - 0.001)
    events += engine.advance(end)
    pages = [event for event in events if _is_page(event)]
    false = tuple(event for event in pages if not gaps.explain(event))
    digests = [e for e in events if e.turn is Turn.RAISED and e.delivery is Delivery.DIGEST]
    return Calm(stretch, days, false, len(pages) - len(false), tuple(digests))


class _Gaps:
    """When the readings of a device were away for so long that this is an alarm of its own."""

    def __init__(self, scene: Scene) -> None:
        self._heard = {f"{SOURCE}/{device.name}": scene.begin for device in scene.devices}
        self._gaps: list[tuple[float, float]] = []

    def take(self, sample: Sample) -> None:
        last = self._heard.get(sample.device)
        if last is not None:
            if sample.at - last > FRESH_S:
                self._gaps.append((last + FRESH_S, sample.at))
            self._heard[sample.device] = sample.at

    def explain(self, event: Event) -> bool:
        """Whether a page is true: it says that a device has said nothing for minutes, and so it is."""
        gaps = (*self._gaps, *((last + FRESH_S, inf) for last in self._heard.values()))
        return event.rule in OF_SILENCE and any(begin - 0.001 <= event.at <= end + 60 for begin, end in gaps)


# -- figures


def rows(
    data: Path, *, progress: Callable[[str], None], variants: int = 0, days: float = DAYS, seed: int = 1
) -> list[Row]:
    """How faults were answered, and what good weeks said; nothing under `data` is read. `variants` 0: as scripted."""
    out = []
    steps = len(SCRIPTS) + len(STRETCHES)
    for number, script in enumerate(SCRIPTS, 1):
        progress(f"plant: {number} of {steps}: {script.kind}")
        out.append(_fault_row([attempt(script, n, seed=seed) for n in range(_count(script, variants))]))
    calm: list[Calm] = []
    for number, stretch in enumerate(STRETCHES, len(SCRIPTS) + 1):
        progress(f"plant: {number} of {steps}: {stretch.kind}")
        times = 1 if variants else stretch.times
        calm += [watch(stretch, n, stretch.days * days / DAYS, seed=seed) for n in range(times)]
    return [*out, *_calm_rows(calm)]


def quick(*, seed: int = 1) -> list[Row]:
    """The same in short, for tests."""
    return rows(Path(), progress=lambda _: None, variants=QUICK_VARIANTS, days=QUICK_DAYS, seed=seed)


def _count(script: Script, variants: int) -> int:
    """How many variants are run: in a short run one of what endangers nobody."""
    if variants:
        return variants if script.is_safety else 1
    return script.variants if script.is_safety else min(script.variants, HARMLESS_VARIANTS)


def _fault_row(outcomes: Sequence[Outcome]) -> Row:
    script = outcomes[0].script
    found = [item for item in outcomes if item.answered]
    early = sum(len(item.early) for item in outcomes)
    late = [item.variant for item in found if item.over_s > 0]
    missed = [item.variant for item in outcomes if not item.answered]
    delays = [item.delay_s for item in found if item.delay_s is not None]
    worst = f"worst {max(item.over_s for item in found):+.0f} s against what is allowed" if found else ""
    parts = [
        "safety" if script.is_safety else "", worst, f"late: {_few(late)}" if late else "",
        f"missed: {_few(missed)}" if missed else "", f"{early} pages before it began" if early else "",
        f"{sum(map(_is_page, (e for item in outcomes for e in item.events))) / len(outcomes):.1f} pages each",
    ]  # fmt: skip
    return Row(
        "plant faults", OURS, script.kind, len(outcomes), len(found) / (len(found) + early) if found else None,
        len(found) / len(outcomes), early / len(outcomes), "variant", median(delays) if delays else None, "simulated",
        "; ".join(part for part in parts if part),
    )  # fmt: skip


def _few(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers[:8])) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")


def _calm_rows(calm: Sequence[Calm]) -> Iterator[Row]:
    """One row for each kind of good weeks, and one for all."""
    kinds = dict.fromkeys(item.stretch.kind for item in calm)
    for kind in ("all good days", *kinds):
        mine = [item for item in calm if kind in ("all good days", item.stretch.kind)]
        total = sum(item.days for item in mine)
        pages = Counter(event.rule for item in mine for event in item.pages)
        told = ", ".join(f"{rule} {count}" for rule, count in sorted(pages.items()))
        digests = Counter(event.rule for item in mine for event in item.digests)
        said = ", ".join(f"{rule} {count}" for rule, count in sorted(digests.items()))
        yield Row(
            "plant good days", OURS, kind, 0, None, None, pages.total() / total, "day", None, "simulated",
            f"{total:.0f} days; false pages: {told or 'none'}; true pages of silences"
            f" {sum(x.of_silences for x in mine)}; digest {digests.total() / total:.2f} a day ({said or 'nothing'})",
        )  # fmt: skip


# -- one variant again


def replay(kind: str, variant: int, *, seed: int = 1, days: float = DAYS) -> Iterator[str]:
    """What was told in one variant of a fault, or in one good stretch, in lines.

    `python -c "from daemon.evaluation.plant import replay; print(*replay('pressure leak', 7), sep='\\n')"`
    """
    for script in SCRIPTS:
        if script.kind == kind:
            item = attempt(script, variant, seed=seed)
            yield f"begin {item.begin:.1f}, fulfilled {item.onset - item.begin:.1f} s later, {item.over_s:+.1f} s over"
            yield from _lines(item.events, item.begin)
    for stretch in STRETCHES:
        if stretch.kind == kind:
            found = watch(stretch, variant, stretch.days * days / DAYS, seed=seed)
            yield from _lines((*found.pages, *found.digests), 0.0)


def _lines(events: Iterable[Event], begin: float) -> Iterator[str]:
    for event in events:
        when = f"{event.at - begin:+9.1f} s" if begin else f"{event.at:.1f}"
        what = f"{event.turn.value} {event.rule} {event.key} {event.delivery.value} {event.why}"
        yield f"{when} {what} {dict(event.values)}"
