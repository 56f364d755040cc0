"""The engine: runs watches over samples in event time, and nothing else.

Strategy. A watch is a pure state machine with named inputs; the engine owns time for it. Samples wait in a buffer until
the *mark* passes them, and are judged in the order of event time; only `advance` moves the mark, never a sample, and
never back. At or before the mark a sample is late: it is logged and shown but not judged, and that decision travels
with it in the log (`Flag`), so a replay decides nothing anew. On its way to the watches a reading passes the *refiner*
of its point, which may replace it: reject it, unroll a counter, derive a flow. All inputs of one time reach a watch in
one step, whatever the order they came in. A watch says when it wants to be woken (`deadline`); the heap holds at most
one live entry a watch, and a deadline that moved later is re-planned when its entry is popped. At equal time a sample
goes before a timer. What a set of watches says is therefore the same live, replayed, restarted, or each watch alone.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from math import inf, nextafter
from operator import itemgetter
from typing import Any, NamedTuple

from rules.flood import settled
from rules.model import Change, Event, Flag, Hold, Sample
from rules.plan import Pattern, Plan, Plans, Slot
from rules.watch import Refiner, State, Watch, logged_points

_TIME = itemgetter(0)

class Snapshot(NamedTuple):
    """All that the engine remembers, as JSON can carry it.

    `states` holds `(rule, key, signature, state, pages)` rows, `refined` `(point, signature, memory)`.
    """

    mark: float
    buffer: Sequence[tuple[float, Mapping[str, float]]]
    held: Mapping[str, tuple[float, float]]
    away: Sequence[str]
    states: Sequence[tuple[str, str, str, Sequence[Any], Sequence[float]]]
    refined: Sequence[tuple[str, str, Sequence[Any]]] = ()


class RunningHold(NamedTuple):
    """A hold of one watch, for the panel."""

    rule: str
    key: str
    place: str
    points: tuple[str, ...]
    hold: Hold


class Engine:
    """Watches over samples; `mark` is the event time up to which all is judged."""

    def __init__(self, watches: Iterable[Watch], refiners: Iterable[Refiner] = (), *, mark: float = 0.0) -> None:
        self.mark = mark
        self._refiners = {refiner.point: refiner for refiner in refiners}
        self._slots = [Slot(index, watch) for index, watch in enumerate(watches)]
        self._by_name = {(slot.watch.rule, slot.watch.key): slot for slot in self._slots}
        if len(self._by_name) != len(self._slots):
            raise ValueError("two watches share a rule and a key")
        self._plans = Plans(self._slots, self._refiners)
        self._buffer: list[tuple[float, Mapping[str, float]]] = []
        self._timers: list[tuple[float, int]] = []
        self._held: dict[str, tuple[float, float]] = {}
        self._away: set[str] = set()
        for slot in self._slots:
            self._plan_timer(slot)

    def __len__(self) -> int:
        return len(self._slots)

    # -- input

    def take(self, sample: Sample, *, backlog: bool = False, flag: Flag | None = None) -> Flag:
        """Accept a sample and return how it counts; a replay hands the flag that was logged."""
        if flag is None:
            flag = Flag.LATE if sample.at <= self.mark else Flag.BACKLOG if backlog else Flag.JUDGED
        if flag is Flag.JUDGED:
            self._buffer.append((sample.at, sample.values))
        elif flag is Flag.BACKLOG:
            for point, value in sample.values.items():
                if point not in self._held or self._held[point] < (sample.at, value):
                    self._held[point] = (sample.at, value)
        if sample.device.startswith("source/"):
            running = sample.values.get(f"{sample.device}/backlog")
            if running is not None:
                self._set_away(sample.device, away=bool(running))
        return flag

    def _set_away(self, source: str, *, away: bool) -> None:
        """A source begins or ends to deliver what queued up; the end of the last one judges the newest values."""
        if away:
            self._away.add(source)
            return
        self._away.discard(source)
        if self._away:
            return
        by_time: dict[float, dict[str, float]] = {}
        for point, (at, value) in sorted(self._held.items()):
            by_time.setdefault(at, {})[point] = value
        self._buffer.extend(by_time.items())
        self._held.clear()

    def is_away(self, source: str) -> bool:
        """Whether this source (`source/NAME`) still delivers its backlog."""
        return source in self._away

    @property
    def away(self) -> frozenset[str]:
        """The sources (`source/NAME`) that still deliver their backlog: the mark should not move meanwhile."""
        return frozenset(self._away)

    # -- time

    def advance(self, mark: float) -> list[Event]:
        """Judge everything up to `mark`; the events that follow, ordered by time."""
        if mark <= self.mark:
            return []
        self.mark = mark
        out: list[Event] = []
        ready = self._ready(mark)
        timers = self._timers
        first, end = 0, len(ready)
        while first < end:
            at, values = ready[first]
            if timers and timers[0][0] < at:
                self._wake(at, out)
            after = first + 1
            if after < end and ready[after][0] == at:
                while after < end and ready[after][0] == at:
                    after += 1
                self._step_together(at, [values for _, values in ready[first:after]], out)
            else:
                readings, plan = self._refined(at, values)
                self._step(at, readings, plan.patterns, plan.slots, out)
            first = after
        self._wake(nextafter(mark, inf), out)
        if len(out) > 1:
            out.sort(key=lambda event: event.name)
            out.sort(key=lambda event: event.at)
        return out

    def _ready(self, mark: float) -> list[tuple[float, Mapping[str, float]]]:
        """The samples that the mark passes, in order; they leave the buffer."""
        self._buffer.sort(key=_TIME)  # they mostly came in order, which makes this a walk
        end = bisect_right(self._buffer, mark, key=_TIME)
        ready, self._buffer = self._buffer[:end], self._buffer[end:]
        return ready

    def _step_together(self, at: float, group: Sequence[Mapping[str, float]], out: list[Event]) -> None:
        """Step each watch once with all inputs of one time; of two values the larger counts, whoever came first."""
        largest: dict[str, float] = {}
        again: dict[str, list[float]] = {}
        for values in group:
            for point, value in values.items():
                if point not in largest:
                    largest[point] = value
                    continue
                again.setdefault(point, [largest[point]]).append(value)
                largest[point] = max(value, largest[point])
        if again:
            self._note_repeats(again)
        refined = [self._refined(at, values) for values in _without_repeats(group, largest)]
        reached = Counter(slot for _, plan in refined for slot in plan.slots)
        shared: dict[Slot, dict[str, float]] = {slot: {} for slot, samples in reached.items() if samples > 1}
        for readings, plan in refined:
            patterns, slots = list(plan.patterns), list(plan.slots)
            for index in reversed([index for index, slot in enumerate(slots) if slot in shared]):
                slot = slots.pop(index)  # it waits for all samples that have inputs for it
                shared[slot].update((role, readings[position]) for role, position in patterns.pop(index))
            self._step(at, readings, patterns, slots, out)
        for slot, roles in shared.items():
            names = sorted(roles)  # an order that does not tell who came first
            pattern = tuple((name, index) for index, name in enumerate(names))
            self._step(at, [roles[name] for name in names], (pattern,), (slot,), out)

    def _note_repeats(self, again: Mapping[str, Sequence[float]]) -> None:
        """Count what came for a time that had its reading already: the same once more, or another value."""
        for point, values in again.items():
            refiner = self._refiners.get(point)
            if refiner is not None:
                others = len(set(values)) - 1
                for reason, times in (("differs", others), ("repeated", len(values) - 1 - others)):
                    if times:
                        refiner.repeated(reason, times)

    def _refined(self, at: float, values: Mapping[str, float]) -> tuple[tuple[float, ...], Plan]:
        """The readings of one sample as watches get them, and whom they reach."""
        plan = self._plans.of(tuple(values))
        out: dict[str, float] | None = None
        for point, refine in plan.refiners:
            refined = refine(at, values[point])
            if refined is not None:
                if out is None:
                    out = dict(values)
                del out[point]
                out.update(refined)
        if out is None:
            return tuple(values.values()), plan
        return tuple(out.values()), self._plans.of(tuple(out))

    def _step(
        self, at: float, readings: Sequence[float], patterns: Iterable[Pattern], slots: Iterable[Slot],
        out: list[Event],
    ) -> None:  # fmt: skip
        """Step watches, each with those of the readings that are in its pattern."""
        known: Pattern | None = None
        inputs: dict[str, float] = {}
        for pattern, slot in zip(patterns, slots, strict=True):
            if pattern is not known:
                known, inputs = pattern, {}
                for role, index in pattern:  # for so few a comprehension costs more
                    inputs[role] = readings[index]
            before = slot.state
            state, changes = slot.watch.step(before, at, inputs)
            if changes:
                self._emit(slot, at, changes, out)
            if state is not before:  # else its deadline is what it was
                slot.state = state
                self._plan_timer(slot)

    def _wake(self, limit: float, out: list[Event]) -> None:
        """Wake the watches whose deadline lies before a limit."""
        timers = self._timers
        while timers and timers[0][0] < limit:
            planned, index = heappop(timers)
            slot = self._slots[index]
            if slot.planned != planned:
                continue  # an entry that an earlier one replaced
            slot.planned, watch = None, slot.watch
            if watch.deadline(slot.state) == planned:
                slot.state, changes = watch.step(slot.state, planned, {})
                if changes:
                    self._emit(slot, planned, changes, out)
                due = watch.deadline(slot.state)
                if due is not None and due <= planned:
                    raise RuntimeError(f"watch {watch.rule} {watch.key} wants to be woken at {due} again and again")
            self._plan_timer(slot)

    def _plan_timer(self, slot: Slot) -> None:
        due = slot.watch.deadline(slot.state)
        if due is not None and (slot.planned is None or due < slot.planned):
            slot.planned = due
            heappush(self._timers, (due, slot.index))

    @staticmethod
    def _emit(slot: Slot, at: float, changes: Sequence[Change], out: list[Event]) -> None:
        watch = slot.watch
        for change in changes:
            change, slot.pages = settled(change, at, slot.pages)
            out.append(Event(watch.rule, watch.key, watch.place, at, *change))

    # -- memory

    def holds(self) -> Iterator[RunningHold]:
        """The conditions that run now without having raised."""
        for slot in self._slots:
            watch = slot.watch
            hold = watch.hold(slot.state, self.mark)
            if hold is not None:
                yield RunningHold(watch.rule, watch.key, watch.place, tuple(watch.inputs.values()), hold)

    def snapshot(self) -> Snapshot:
        """All that is remembered now."""
        return Snapshot(
            self.mark,
            sorted(((at, dict(values)) for at, values in self._buffer), key=_TIME),
            dict(self._held),
            sorted(self._away),
            [(s.watch.rule, s.watch.key, s.signed(), list(s.state), list(s.pages)) for s in self._slots],
            [(r.point, r.signature, r.memory()) for r in self._refiners.values()],
        )

    def restore(self, snapshot: Snapshot) -> set[tuple[str, str]]:
        """Take up a snapshot; the `(rule, key)` of watches that it does not know, or knows as something else."""
        self.mark = snapshot.mark
        self._buffer = [(at, dict(values)) for at, values in snapshot.buffer]
        self._held = {point: (at, value) for point, (at, value) in snapshot.held.items()}
        self._away = set(snapshot.away)
        cold = set(self._by_name)
        for point, signed, memory in snapshot.refined:
            refiner = self._refiners.get(point)
            if refiner is not None and refiner.signature == signed:
                refiner.recall(memory)
        for rule, key, signed, state, pages in snapshot.states:
            slot = self._by_name.get((rule, key))
            if slot is None or slot.signed() != signed:
                continue
            slot.pages = tuple(pages)
            self.adopt(rule, key, type(slot.watch.start)(*(_frozen(item) for item in state)))
            cold.discard((rule, key))
        return cold

    def forget(self) -> None:
        """Begin anew: no state, no samples, no mark. For a clock that went back, after which no order holds."""
        self.mark = 0.0
        self._buffer.clear()
        self._held.clear()
        for refiner in self._refiners.values():
            refiner.recall(())
        for slot in self._slots:
            slot.pages = ()
            self.adopt(slot.watch.rule, slot.watch.key, slot.watch.start)

    def adopt(self, rule: str, key: str, state: State) -> None:
        """Set the state of one watch, and its timer."""
        slot = self._by_name[(rule, key)]
        slot.state = state
        slot.planned = None  # an older heap entry no longer matches and is passed over
        self._plan_timer(slot)

    def rejected(self) -> dict[str, Mapping[str, int]]:
        """How many readings were rejected, by point and reason."""
        return {point: refiner.rejected for point, refiner in self._refiners.items() if refiner.rejected}

    def derived(self) -> dict[str, tuple[float, float]]:
        """The newest readings, with their times, of points that are not measured but derived."""
        return {name: newest for refiner in self._refiners.values() for name, newest in refiner.derived.items()}

    def logged_points(self, watches: Iterable[Watch]) -> frozenset[str]:
        """The points as they are logged that these watches rest on."""
        return logged_points(watches, self._refiners.values())

    def refiners_as_of(self, at: float) -> list[Refiner]:
        """Fresh refiners for readings after a time, such that counters go on in the same registers."""
        return [refiner.as_of(at) for refiner in self._refiners.values()]

    def state(self, rule: str, key: str) -> State:
        """The state of one watch."""
        return self._by_name[(rule, key)].state


def _without_repeats(
    group: Iterable[Mapping[str, float]], largest: dict[str, float]
) -> Iterator[Mapping[str, float]]:
    """The samples of one time with each point once, by its largest value; `largest` is used up."""
    for values in group:
        if all(largest.get(point) == value for point, value in values.items()):
            for point in values:
                del largest[point]
            yield values
        else:
            yield {point: largest.pop(point) for point in tuple(values) if point in largest}


def _frozen(item: Any) -> Any:
    """Lists, as JSON returns them, as the tuples they were."""
    return tuple(_frozen(part) for part in item) if isinstance(item, list | tuple) else item
