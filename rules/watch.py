"""What the engine runs: watches, which judge, and refiners, which stand before them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any, Protocol

from rules.model import Change, Explanation, Hold

State = Any  # a NamedTuple of numbers, strings, None and tuples of these: what JSON can carry


class Watch(Protocol):
    """One rule at one key: a pure state machine that holds no clock and does no I/O."""

    @property
    def rule(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, str]:
        """Role -> point id."""
    @property
    def start(self) -> State: ...

    def step(self, state: State, at: float, values: Mapping[str, float]) -> tuple[State, Sequence[Change]]:
        """The state after all inputs of one time, by role; `values` is empty when woken by its deadline."""

    def deadline(self, state: State) -> float | None:
        """When it wants to be woken if nothing else happens; after a wake-up it must lie later."""

    def hold(self, state: State, at: float) -> Hold | None:
        """The condition that runs without having raised yet, for people to see."""

    def explain(self, state: State, at: float) -> Explanation:
        """Where it stands at a time, raised or not, and why."""


class Refiner(Protocol):
    """What stands between the readings of one point and the watches: quality, counters; its memory changes in place."""

    @property
    def point(self) -> str: ...
    @property
    def signature(self) -> str:
        """Equal for refiners that may take up each other's memory."""
    @property
    def rejected(self) -> Mapping[str, int]:
        """How many readings were rejected, by reason."""

    def refine(self, at: float, value: float) -> Mapping[str, float] | None:
        """What watches get instead of this reading, by point id; None: the reading itself."""

    def repeated(self, reason: str, times: int) -> None:
        """Note readings that came besides another of the same time: `repeated` or, with another value, `differs`."""

    @property
    def derives(self) -> Sequence[str]:
        """The points that it makes of its own."""

    @property
    def derived(self) -> Mapping[str, tuple[float, float]]:
        """The newest readings of these, with their times."""

    def as_of(self, at: float) -> "Refiner":
        """A fresh one for the readings after a time; a counter goes on in the same continuous register."""

    def memory(self) -> Sequence[Any]:
        """All it remembers, as JSON can carry it."""

    def recall(self, memory: Sequence[Any]) -> None:
        """Take up a memory; an empty one is the beginning."""


def logged_points(watches: Iterable[Watch], refiners: Iterable[Refiner]) -> frozenset[str]:
    """The points as they are logged that these watches rest on: before what is derived or rejected."""
    of = {name: refiner.point for refiner in refiners for name in refiner.derives}
    inputs = (point.partition("!")[0] for watch in watches for point in watch.inputs.values())
    return frozenset(of.get(point, point) for point in inputs)


def signature(watch: Watch) -> str:
    """A name for what a watch is: equal kind, version, parameters and inputs give the same one."""
    return sha256(f"{watch.version}:{_spelled(watch)}".encode()).hexdigest()[:16]


def _spelled(item: Any) -> str:
    """An object by its parameters, the same in every run: sets and mappings have no order of their own."""
    if is_dataclass(item):
        parts = (f"{f.name}={_spelled(getattr(item, f.name))}" for f in fields(item) if f.repr)
        return f"{type(item).__name__}({','.join(parts)})"
    if isinstance(item, Mapping):
        return f"{{{','.join(sorted(f'{_spelled(key)}:{_spelled(value)}' for key, value in item.items()))}}}"
    if isinstance(item, frozenset):
        return f"{{{','.join(sorted(map(_spelled, item)))}}}"
    if isinstance(item, tuple):
        return f"({','.join(map(_spelled, item))})"
    return repr(item)
