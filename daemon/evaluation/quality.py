"""The quality of readings: clean recordings, damaged at known places, and what the checks make of them.

Strategy. Every recorded point is a clean stream. A fault is put at a seeded place of a copy; it is found when the
refiner gives its reason (or its watch raises) after it began and before its end. Beside that it counts whether the
consumption is still right: exactly, wherever the register survived. False flags are readings of the undamaged streams
that no rule gets to see.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from daemon.evaluation.clean_streams import Stream, counters, gauges
from daemon.evaluation.row import OURS, Row
from rules.clock_drift import ClockDrift
from rules.counter import Exchange
from rules.engine import Engine
from rules.implausible import Implausible
from rules.model import Sample, Turn, pseudo
from rules.quality import refiners, sense, size_of
from rules.quantity import QUANTITIES
from rules.silent import Silent
from rules.stuck import Stuck
from rules.watch import Refiner, Watch

TASK = "quality"
TIMES = 2                 # faults of each class put into each stream, each into a copy of its own
GAUGE_TIMES = 8           # of those of gauges, as there are fewer of them
SEEN = 3                  # different readings under a slip that can be told from a round load
AFTER_S = 4 * 86_400.0    # what is read of a stream after its fault
LEARNING_SHARE = 0.4      # of a stream: before it nothing is damaged
GRACE_S = 600.0
WILD = (65_535.0, 999_999.0, 3.6e8)
STILL_S = 43_200.0
SLIP_S = 21_600.0
COUNTERS = ("energy_kwh", "volume_m3")
NAIVE, NAIVE_REPEATS = "60 x the same is frozen", 60

Readings = Sequence[tuple[float, float]]


class Damaged(NamedTuple):
    """A copy of a stream with one fault from `begin` on; `total` is the true consumption, where it can be known."""

    readings: Readings
    begin: float
    total: float | None = None


class Told(NamedTuple):
    """What came of a stream: whether its fault was found and when, and by how much the consumption is wrong."""

    is_found: bool
    delay_s: float | None
    error: float | None = None


@dataclass(slots=True)
class Score:
    """Faults of one class over all streams."""

    told: list[Told] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return sum(one.is_found for one in self.told) / len(self.told)


def rows(data: Path, *, progress: Callable[[str], None]) -> list[Row]:
    """The figures of every class of fault for which there are recordings."""
    scores: dict[str, Score] = {}
    clean = flagged = repeated = 0
    streams = [*gauges(data), *counters(data)]
    for number, stream in enumerate(streams):
        progress(f"{stream.name} ({number + 1} of {len(streams)})")
        clean += len(stream.readings)
        flagged += _rejected(stream)
        repeated += _repeated(stream)
        for name, one in _faults(stream):
            scores.setdefault(name, Score()).told.append(one)
    if not streams:
        return []
    out = [_row(name, score) for name, score in sorted(scores.items())]
    note = f"{flagged} of {clean} good readings"
    ours = Row(TASK, OURS, "clean", clean, None, None, flagged / clean, "good reading", None, "real", note)
    naive = f"{repeated} of {clean} good readings"
    return [*out, ours, ours._replace(method=NAIVE, false_rate=repeated / clean, note=naive)]


def _row(name: str, score: Score) -> Row:
    errors = [one.error for one in score.told if one.error is not None]
    note = f"consumption off by at most {max(errors):.3g}" if errors else ""
    delays = [one.delay_s for one in score.told if one.delay_s is not None]
    delay_s = median(delays) if delays else None
    return Row(TASK, OURS, name, len(score.told), None, score.recall, None, "", delay_s, "semi-synthetic", note)


def _rejected(stream: Stream) -> int:
    """How many readings of a clean stream no rule gets to see, or only in doubt."""
    (refiner,) = refiners(stream.site())
    unit = pseudo([stream.point], "unit").keys()
    judged = (out for out in _refined(refiner, stream.readings) if out is not None)
    return sum(stream.point not in out or not unit.isdisjoint(out) for out in judged)


def _repeated(stream: Stream) -> int:
    """How many readings of a clean gauge a naive rule calls frozen: the same, not 0, for the 60th time or more."""
    if stream.quantity in COUNTERS:
        return 0
    count = run = 0
    last = 0.0
    for _, value in stream.readings:
        run = run + 1 if value == last and value else 1
        last = value
        count += run >= NAIVE_REPEATS
    return count


def _refined(refiner: Refiner, readings: Readings) -> Iterator[Mapping[str, float] | None]:
    for at, value in readings:
        yield refiner.refine(at, value)


def _faults(stream: Stream) -> Iterator[tuple[str, Told]]:
    """The name of each fault that was put into this stream, and what came of it."""
    is_counter = stream.quantity in COUNTERS
    for time in range(TIMES if is_counter else GAUGE_TIMES):
        rng = random.Random(f"{stream.name}/{stream.quantity}/{time}")
        yield from _of_counter(stream, rng) if is_counter else _of_gauge(stream, rng)
        if time < TIMES:
            yield from _of_transport(stream, rng)


# -- gauges


def _of_gauge(stream: Stream, rng: random.Random) -> Iterator[tuple[str, Told]]:
    first = _place(stream, rng)
    readings, (at, _) = _cut(stream, first), stream.readings[first]
    senseless = sense(stream.site().points[stream.point], size_of(stream.site().places["b/1"]))[1]
    wild = rng.choice([value for value in WILD if senseless < value <= _most(stream)] or [0.9 * _most(stream)])
    damaged = [*readings[:first], (at, wild), *readings[first + 1 :]]
    yield "spike", _by_reason(stream, Damaged(damaged, at), "spike")
    top = max(value for _, value in stream.readings[:first])
    for factor in (1000.0, 100.0, 10.0):
        busy = _busy(stream, rng, 0.5 * top)
        if busy is None or top * factor > _most(stream):
            continue
        begin = stream.readings[busy][0]
        slipped = [
            (when, value * factor if begin <= when < begin + SLIP_S else value) for when, value in _cut(stream, busy)
        ]
        told = _by_reason(stream, Damaged(slipped, begin), "unit")
        yield f"unit x{factor:.0f}, gauge", told
        if _is_told_by_digits(slipped, begin):
            yield f"unit x{factor:.0f}, gauge of a fixed step", told
    busy = _busy(stream, rng, 0.2 * top)
    if busy is not None:
        begin, level = stream.readings[busy]
        frozen = [(when, level if begin <= when < begin + STILL_S else value) for when, value in _cut(stream, busy)]
        yield "frozen value", _by_reason(stream, Damaged(frozen, begin), "stuck")


def _is_told_by_digits(readings: Readings, begin: float) -> bool:
    """Whether a gauge reports whole steps, and shows more than one or two different readings while it slips."""
    is_stepped = all(abs(100.0 * value - round(100.0 * value)) < 1e-6 for at, value in readings if at < begin)
    return is_stepped and len({value for at, value in readings if begin <= at < begin + SLIP_S} - {0.0}) >= SEEN


def _most(stream: Stream) -> float:
    """What passes the range check before."""
    return QUANTITIES[stream.quantity].most


def _busy(stream: Stream, rng: random.Random, least: float) -> int | None:
    """A place where the reading says something, and enough comes after it."""
    first, last = int(len(stream.readings) * LEARNING_SHARE), len(stream.readings) - int(STILL_S / stream.every_s)
    found = [index for index in range(first, max(first, last)) if stream.readings[index][1] >= max(least, 1e-9)]
    return rng.choice(found) if found else None


# -- counters


def _of_counter(stream: Stream, rng: random.Random) -> Iterator[tuple[str, Told]]:
    for digits in (6, 7, 8):
        yield f"rollover of {digits} digits", _rolled(stream, rng, digits)
    first = _place(stream, rng)
    readings, (at, register) = _cut(stream, first), stream.readings[first]
    base = 1000.0  # a meter that has run for some time
    lifted = [(when, value + base) for when, value in readings]
    total = lifted[-1][1] - lifted[0][1]
    wild = [*lifted[:first], (at, rng.choice((0.0, 999_999.0, 4_294_967.0))), *lifted[first + 1 :]]
    yield "spike in a register", _by_reason(stream, Damaged(wild, at, total), "spike")
    for factor in (1000.0, 100.0, 10.0):
        slipped = [(when, value * factor if at <= when < at + SLIP_S else value) for when, value in lifted]
        yield f"unit x{factor:.0f}, register", _by_reason(stream, Damaged(slipped, at, total), "unit")
    fallen = [(when, value - base - register if when >= at else value) for when, value in lifted]
    lost = lifted[first][1] - lifted[first - 1][1]
    yield "reset", _by_reason(stream, Damaged(fallen, at, total - lost), "counter")
    new = rng.choice((rng.uniform(1.0, 500.0), rng.uniform(3_000.0, 90_000.0)))
    swapped = [(when, value - base - register + new if when >= at else value) for when, value in lifted]
    yield "exchange, not declared", _by_reason(stream, Damaged(swapped, at, total - lost), "counter")
    declared = Exchange(at - stream.every_s / 2, lifted[first][1], new)
    yield "exchange, declared", _as_silent(stream, Damaged(swapped, at, total), exchange=declared)
    if stream.load_w:
        yield from _uncounted(stream, rng)
        yield from _scaled(stream, rng)


def _rolled(stream: Stream, rng: random.Random, digits: int) -> Told:
    """A register that passes its last digit in the middle; declared or not as the dice say."""
    modulus = 10.0**digits
    first = _place(stream, rng)
    base = modulus - stream.readings[first][1]
    rolled = [(when, round((value + base) % modulus, 6)) for when, value in _cut(stream, first)]
    total = stream.readings[len(rolled) - 1][1] - stream.readings[0][1]
    return _as_silent(stream, Damaged(rolled, rolled[first][0], total), modulus=rng.choice((modulus, None)))


def _as_silent(
    stream: Stream, damaged: Damaged, *, modulus: float | None = None, exchange: Exchange | None = None
) -> Told:
    """What needs no word: it is found when the consumption is right and nothing was rejected."""
    moduli = {} if modulus is None else {stream.point: modulus}
    exchanges = {} if exchange is None else {stream.point: [exchange]}
    (refiner,) = refiners(stream.site(), moduli=moduli, exchanges=exchanges)
    error = _error(stream, refiner, damaged)
    return Told(error < 1e-3 and not refiner.rejected, 0.0, error)


def _uncounted(stream: Stream, rng: random.Random) -> Iterator[tuple[str, Told]]:
    """A register that stands for two days and a half beside a load."""
    first = int(len(stream.readings) * LEARNING_SHARE)
    last = len(stream.readings) - int(216_000.0 / stream.every_s)
    if last <= first or min(stream.load_w[first:last]) < 100.0:
        return
    begin, level = stream.readings[rng.randrange(first, last)]
    site = stream.site("power_w")
    watches = [watch for watch in Stuck().watches(site) if watch.key == f"stuck/{stream.point}"]
    samples = [
        Sample(at, "bus/1", {stream.point: level if at >= begin else value, "b/1/power_w": load})
        for (at, value), load in zip(stream.readings, stream.load_w, strict=True)
        if at < begin + 216_000.0
    ]
    yield "register stands under load", _by_watch(watches, refiners(site), samples, begin, "uncounted_raised")


def _scaled(stream: Stream, rng: random.Random) -> Iterator[tuple[str, Told]]:
    """Power in another unit beside a counter that is right."""
    first, last = int(len(stream.readings) * LEARNING_SHARE), int(len(stream.readings) * 0.8)
    if stream.readings[-1][0] - stream.readings[last][0] < 3 * 86_400.0 or stream.every_s > 3600.0:
        return
    begin = stream.readings[rng.randrange(first, last)][0]
    site = stream.site("power_w")
    watches = [watch for watch in Implausible().watches(site) if watch.key == f"implausible/{stream.point}"]
    for factor in (10.0, 100.0):
        samples = [
            Sample(at, "bus/1", {stream.point: value, "b/1/power_w": load * (factor if at >= begin else 1.0)})
            for (at, value), load in zip(stream.readings, stream.load_w, strict=True)
            if at < begin + 3 * 86_400.0
        ]
        yield f"unit x{factor:.0f}, power beside counter", _by_watch(watches, (), samples, begin, "scale_raised")


# -- what happens on the way


def _of_transport(stream: Stream, rng: random.Random) -> Iterator[tuple[str, Told]]:
    first = _place(stream, rng)
    readings, begin = _cut(stream, first), stream.readings[first][0]
    is_counter = stream.quantity in COUNTERS
    gap_s = rng.choice((60.0, 600.0, 7_200.0, 86_400.0, 259_200.0))
    gapped = [row for row in readings if not begin <= row[0] < begin + gap_s]
    total = readings[-1][1] - readings[0][1] if is_counter else None
    if is_counter and gapped[-1][0] > begin:
        yield "gap, register", _as_silent(stream, Damaged(gapped, begin, total and gapped[-1][1] - gapped[0][1]))
    if gap_s > max(600.0, 4.0 * stream.every_s) and gapped[-1][0] > begin:
        site = stream.site()
        watches = [watch for watch in Silent().watches(site) if watch.key == "silent/bus/1"]
        start = max(0, first - 100)
        samples = [Sample(at, "bus/1", {stream.point: value}) for at, value in gapped if at >= readings[start][0]]
        yield "gap, silent device", _by_watch(watches, (), samples, begin, "silent.raised")
    yield from _doubled(stream, readings[max(0, first - 2000) : first], rng)
    if stream.every_s <= 60.0:
        yield "clock drift 0.5 s/h", _drifted(begin, rng)


def _doubled(stream: Stream, readings: Readings, rng: random.Random) -> Iterator[tuple[str, Told]]:
    """Readings sent twice, with another value at the same time, and shuffled within the grace."""
    plain = _through_engine(stream, [(at, at, value) for at, value in readings])
    again = rng.sample(readings, len(readings) // 50)
    twice = [*((at, at, value) for at, value in readings), *((at + 1.0, at, value) for at, value in again)]
    found = _through_engine(stream, twice)
    (counts,) = found.rejected().values() or ({},)
    is_same = found.snapshot().refined[0][2][:-1] == plain.snapshot().refined[0][2][:-1]
    yield "sent twice", Told(counts.get("repeated") == len(again) and is_same, 0.0)
    other = [*((at, at, value) for at, value in readings), *((at + 1.0, at, value - 1.0) for at, value in again)]
    found = _through_engine(stream, other)
    (counts,) = found.rejected().values() or ({},)
    yield "two values for one time", Told(counts.get("differs") == len(again), 0.0)
    shuffled = [(at + rng.uniform(0.0, GRACE_S - 1.0), at, value) for at, value in readings]
    is_same = _through_engine(stream, shuffled).snapshot().refined == plain.snapshot().refined
    yield "shuffled within 10 min", Told(is_same, 0.0)


def _through_engine(stream: Stream, arrivals: Sequence[tuple[float, float, float]]) -> Engine:
    """An engine after `(arrival, at, value)` rows in the order they arrived."""
    engine = Engine((), refiners(stream.site()))
    for arrived, at, value in sorted(arrivals):
        engine.advance(arrived - GRACE_S)
        engine.take(Sample(at, "bus/1", {stream.point: value}))
    engine.advance(max(at for _, at, _ in arrivals))
    return engine


def _drifted(begin: float, rng: random.Random) -> Told:
    """A clock that runs away by half a second an hour, heard where it is news (5 s)."""
    stream = Stream("clock", "clock_offset_s", "office", 60.0, ())
    side = rng.choice((-1.0, 1.0))
    samples = [Sample(begin + 36_000.0 * step, "bus/1", {stream.point: side * 5.0 * step}) for step in range(1, 30)]
    due = begin + 36_000.0 * 13
    return _by_watch(list(ClockDrift().watches(stream.site())), (), samples, due, "clock_drift")


# -- judging


def _by_reason(stream: Stream, damaged: Damaged, reason: str) -> Told:
    """Whether the refiner gave this reason; and how far the consumption is off, if it can be known."""
    (refiner,) = refiners(stream.site())
    at = None
    for when, value in damaged.readings:
        refiner.refine(when, value)
        if at is None and reason in refiner.rejected:
            at = when
            break
    is_found = at is not None and at >= damaged.begin
    error = None
    if damaged.total is not None:
        (refiner,) = refiners(stream.site())
        error = _error(stream, refiner, damaged)
    return Told(is_found, at - damaged.begin if is_found and at is not None else None, error)


def _error(stream: Stream, refiner: Refiner, damaged: Damaged) -> float:
    """How far the refined consumption is from the true one."""
    first = last = None
    for at, value in damaged.readings:
        out = refiner.refine(at, value)
        told = value if out is None else out.get(stream.point)
        if told is not None:
            first, last = told if first is None else first, told
    return abs((last or 0.0) - (first or 0.0) - (damaged.total or 0.0))


def _by_watch(
    watches: Sequence[Watch], refining: Iterable[Refiner], samples: Sequence[Sample], begin: float, why: str
) -> Told:
    """Whether a watch raised this after the fault began, and not before."""
    engine = Engine(watches, refining)
    for sample in samples:
        engine.take(sample)
    events = engine.advance(samples[-1].at + 2 * 86_400.0)
    raised = [event for event in events if event.turn is Turn.RAISED and why in event.why]
    is_found = bool(raised) and raised[0].at >= begin
    return Told(is_found, raised[0].at - begin if is_found else None)


def _place(stream: Stream, rng: random.Random) -> int:
    count = len(stream.readings)
    return rng.randrange(int(count * LEARNING_SHARE), max(int(count * 0.8), int(count * LEARNING_SHARE) + 1))


def _cut(stream: Stream, first: int) -> Readings:
    """The stream up to some days after a place."""
    end = stream.readings[first][0] + AFTER_S
    last = next((index for index in range(first, len(stream.readings)) if stream.readings[index][0] > end), None)
    return list(stream.readings[:last])
