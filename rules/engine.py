"""The engine: runs watches over samples in event time, and nothing else.

Strategy. A watch is a pure state machine with named inputs; the engine owns time for it. Samples wait in a buffer
ordered by event time until the *mark* passes them; only `advance` moves the mark, never a sample, and never back.
At or before the mark a sample is late: it is logged and shown but not judged, and that decision travels with it in
the log (`Flag`), so a replay decides nothing anew. On its way to the watches a reading passes the *refiner* of its
point, which may replace it: reject it, unroll a counter, derive a flow. All inputs of one time reach a watch in one
step, whatever the order they came in. A watch says when it wants to be woken (`deadline`); the heap holds at most one
live entry a watch, and a deadline that moved later is re-planned when its entry is popped. At equal time a sample goes
before a timer. What a set of watches says is therefore the same live, replayed, restarted, or each watch alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from rules.flood import settled
from rules.model import Change, Event, Flag, Hold, Sample
from rules.watch import Refiner, State, Watch, logged_points, signature

MOST_PLANS = 10_000  # devices that send ever-changing sets of fields must not fill memory

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


class _Slot:
    """A watch with its state, its deadline, the time of its live heap entry, and when it paged lately."""

    __slots__ = ("deadline", "index", "pages", "planned", "signature", "state", "watch")

    def __init__(self, index: int, watch: Watch) -> None:
        self.index = index
        self.watch = watch
        self.state = watch.start
        self.deadline: float | None = watch.deadline(watch.start)
        self.planned: float | None = None
        self.pages: tuple[float, ...] = ()
        self.signature = ""

    def signed(self) -> str:
        self.signature = self.signature or signature(self.watch)
        return self.signature


_Pairs = tuple[tuple[str, str], ...]
_Plan = tuple[tuple[_Slot, _Pairs], ...]  # which watches a sample of one layout reaches, by role and point


class Engine:
    """Watches over samples; `mark` is the event time up to which all is judged."""

    def __init__(self, watches: Iterable[Watch], refiners: Iterable[Refiner] = (), *, mark: float = 0.0) -> None:
        self.mark = mark
        self._refiners = {refiner.point: refiner for refiner in refiners}
        self._slots = [_Slot(index, watch) for index, watch in enumerate(watches)]
        self._by_name = {(slot.watch.rule, slot.watch.key): slot for slot in self._slots}
        if len(self._by_name) != len(self._slots):
            raise ValueError("two watches share a rule and a key")
        self._routes: dict[str, list[tuple[_Slot, str]]] = {}
        for slot in self._slots:
            for role, point in slot.watch.inputs.items():
                self._routes.setdefault(point, []).append((slot, role))
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._buffer: list[tuple[float, int, Mapping[str, float]]] = []
        self._sequence = 0
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
            self._sequence += 1
            heappush(self._buffer, (sample.at, self._sequence, sample.values))
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
        for at, values in by_time.items():
            self._sequence += 1
            heappush(self._buffer, (at, self._sequence, values))
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
        buffer = self._buffer
        while buffer and buffer[0][0] <= mark:
            at, _, values = heappop(buffer)
            if buffer and buffer[0][0] == at:
                self._step_together(at, values, out)
            else:
                values = self._refined(at, values)
                for slot, pairs in self._known_plan(tuple(values)):
                    self._step(slot, at, _roles(pairs, values), out)
        timers = self._timers
        while timers and timers[0][0] <= mark:
            due, index = heappop(timers)
            slot = self._slots[index]
            if slot.planned != due:
                continue  # an entry that an earlier one replaced
            slot.planned = None
            if slot.deadline is not None and slot.deadline <= mark:
                self._fire(slot, mark, inclusive=True, out=out)
            self._plan_timer(slot)
        if len(out) > 1:
            out.sort(key=lambda event: event.name)
            out.sort(key=lambda event: event.at)
        return out

    def _step_together(self, at: float, first: Mapping[str, float], out: list[Event]) -> None:
        """Step each watch once with all inputs of one time; of two values the larger counts, whoever came first."""
        group = [first]
        while self._buffer and self._buffer[0][0] == at:
            group.append(heappop(self._buffer)[2])
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
        group = [self._refined(at, values) for values in _without_repeats(group, largest)]
        plans = [(values, self._known_plan(tuple(values))) for values in group]
        seen: set[_Slot] = set()
        shared: dict[_Slot, dict[str, float]] = {}  # what has inputs from several samples waits for all of them
        for _, plan in plans:
            for slot, _ in plan:
                if slot in seen:
                    shared[slot] = {}
            seen.update(slot for slot, _ in plan)
        for values, plan in plans:
            for slot, pairs in plan:
                if slot in shared:
                    shared[slot].update(_roles(pairs, values))
                else:
                    self._step(slot, at, _roles(pairs, values), out)
        for slot, roles in shared.items():
            self._step(slot, at, dict(sorted(roles.items())), out)  # in an order that does not tell who came first

    def _note_repeats(self, again: Mapping[str, Sequence[float]]) -> None:
        """Count what came for a time that had its reading already: the same once more, or another value."""
        for point, values in again.items():
            refiner = self._refiners.get(point)
            if refiner is not None:
                others = len(set(values)) - 1
                for reason, times in (("differs", others), ("repeated", len(values) - 1 - others)):
                    if times:
                        refiner.repeated(reason, times)

    def _refined(self, at: float, values: Mapping[str, float]) -> Mapping[str, float]:
        """The readings of one sample as watches get them."""
        refiners = self._refiners
        changed: list[tuple[str, Mapping[str, float]]] = []
        for point, value in values.items():
            refiner = refiners.get(point)
            if refiner is not None:
                refined = refiner.refine(at, value)
                if refined is not None:
                    changed.append((point, refined))
        if not changed:
            return values
        out = dict(values)
        for point, refined in changed:
            del out[point]
            out.update(refined)
        return out

    def _step(self, slot: _Slot, at: float, values: Mapping[str, float], out: list[Event]) -> None:
        due = slot.deadline
        if due is not None and due < at:
            self._fire(slot, at, inclusive=False, out=out)
        before, watch = slot.state, slot.watch
        state, changes = watch.step(before, at, values)
        if changes:
            self._emit(slot, at, changes, out)
        if state is before:
            return  # nor has its deadline changed
        slot.state = state
        slot.deadline = due = watch.deadline(state)
        if due is not None and (slot.planned is None or due < slot.planned):
            slot.planned = due
            heappush(self._timers, (due, slot.index))

    def _known_plan(self, layout: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(layout)
        if plan is None:
            if len(self._plans) > MOST_PLANS:
                self._plans.clear()
            plan = self._plans[layout] = self._plan(layout)
        return plan

    def _plan(self, layout: tuple[str, ...]) -> _Plan:
        roles: dict[int, list[tuple[str, str]]] = {}
        for point in layout:
            raw, _, reason = point.partition("!")
            for name in (point, f"{raw}!") if reason else (point,):  # also whoever listens to any verdict
                for slot, role in self._routes.get(name, ()):
                    roles.setdefault(slot.index, []).append((role, point))
        return tuple((self._slots[index], tuple(pairs)) for index, pairs in roles.items())

    def _fire(self, slot: _Slot, limit: float, *, inclusive: bool, out: list[Event]) -> None:
        watch = slot.watch
        while (due := slot.deadline) is not None and (due < limit or (inclusive and due == limit)):
            slot.state, changes = watch.step(slot.state, due, {})
            if changes:
                self._emit(slot, due, changes, out)
            slot.deadline = watch.deadline(slot.state)
            if slot.deadline is not None and slot.deadline <= due:
                raise RuntimeError(f"watch {watch.rule} {watch.key} wants to be woken at {due} again and again")

    def _plan_timer(self, slot: _Slot) -> None:
        due = slot.deadline
        if due is not None and (slot.planned is None or due < slot.planned):
            slot.planned = due
            heappush(self._timers, (due, slot.index))

    @staticmethod
    def _emit(slot: _Slot, at: float, changes: Sequence[Change], out: list[Event]) -> None:
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
            sorted(((at, dict(values)) for at, _, values in self._buffer), key=lambda row: row[0]),
            dict(self._held),
            sorted(self._away),
            [(s.watch.rule, s.watch.key, s.signed(), list(s.state), list(s.pages)) for s in self._slots],
            [(r.point, r.signature, r.memory()) for r in self._refiners.values()],
        )

    def restore(self, snapshot: Snapshot) -> set[tuple[str, str]]:
        """Take up a snapshot; the `(rule, key)` of watches that it does not know, or knows as something else."""
        self.mark = snapshot.mark
        self._buffer = [(at, index, dict(values)) for index, (at, values) in enumerate(snapshot.buffer)]
        self._sequence = len(self._buffer)
        heapify(self._buffer)
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
        slot.deadline = slot.watch.deadline(state)
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


def _roles(pairs: _Pairs, values: Mapping[str, float]) -> dict[str, float]:
    """The inputs of a watch by role; most have one, and a comprehension costs more than that."""
    if len(pairs) == 1:
        ((role, point),) = pairs
        return {role: values[point]}
    return {role: values[point] for role, point in pairs}


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
