"""Whom a sample reaches: which refiners and watches, and which of its readings each watch gets.

Strategy. Samples of one device have one layout (their points, in order), so this is worked out once a layout and kept.
Thousands of watches do not fit in the processor's cache, and there what a step touches costs more than what it does:
devices of one kind therefore share the *patterns* by which their watches get their inputs.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from rules.watch import Refiner, Watch, signature

MOST_PLANS = 10_000  # devices that send ever-changing sets of fields must not fill memory

Pattern = tuple[tuple[str, int], ...]
"""The inputs of a watch: each role with the position of its reading in the sample."""


class Slot:
    """A watch with its state, the time of its live timer, and when it paged lately."""

    __slots__ = ("index", "pages", "planned", "signature", "state", "watch")

    def __init__(self, index: int, watch: Watch) -> None:
        self.index = index
        self.watch = watch
        self.state = watch.start
        self.planned: float | None = None
        self.pages: tuple[float, ...] = ()
        self.signature = ""

    def signed(self) -> str:
        """The signature of the watch, made when it is first asked for."""
        self.signature = self.signature or signature(self.watch)
        return self.signature


class Plan(NamedTuple):
    """What samples of one layout pass: the refiners of its points, then watches, each with a pattern.

    Watches with the same pattern stand side by side.
    """

    refiners: tuple[tuple[str, Callable[[float, float], Mapping[str, float] | None]], ...]
    patterns: tuple[Pattern, ...]
    slots: tuple[Slot, ...]


class Plans:
    """The plans for some watches and refiners, by layout."""

    def __init__(self, slots: Iterable[Slot], refiners: Mapping[str, Refiner]) -> None:
        self._refiners = refiners
        self._routes: dict[str, list[tuple[Slot, str]]] = {}
        for slot in slots:
            for role, point in slot.watch.inputs.items():
                self._routes.setdefault(point, []).append((slot, role))
        self._known: dict[tuple[str, ...], Plan] = {}
        self._patterns: dict[Pattern, Pattern] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, layout: tuple[str, ...]) -> Plan:
        """The plan for samples of these points, in this order."""
        plan = self._known.get(layout)
        if plan is None:
            if len(self._known) > MOST_PLANS:
                self._known.clear()
                self._patterns.clear()
            plan = self._known[layout] = self._made(layout)
        return plan

    def _made(self, layout: tuple[str, ...]) -> Plan:
        inputs: dict[Slot, list[tuple[str, int]]] = {}
        for position, point in enumerate(layout):
            raw, _, reason = point.partition("!")
            for name in (point, f"{raw}!") if reason else (point,):  # also whoever listens to any verdict
                for slot, role in self._routes.get(name, ()):
                    inputs.setdefault(slot, []).append((role, position))
        patterns = {slot: tuple(listened) for slot, listened in inputs.items()}
        slots = sorted(patterns, key=patterns.__getitem__)
        return Plan(
            tuple((point, self._refiners[point].refine) for point in layout if point in self._refiners),
            tuple(self._patterns.setdefault(patterns[slot], patterns[slot]) for slot in slots),
            tuple(slots),
        )
