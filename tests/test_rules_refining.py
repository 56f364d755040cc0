"""Refiners before the watches: what they replace, whatever the order of arrival, and over a restart."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from rules.engine import Engine, Snapshot
from rules.model import Change, Delivery, Event, Evidence, Explanation, Hold, Sample, Severity, Turn


class Rising:
    """Rejects what falls, doubles what rises, and counts both."""

    __slots__ = ("highest", "point", "rejected", "repeats")
    signature = "rising-1"

    def __init__(self, point: str) -> None:
        self.point = point
        self.highest = 0.0
        self.rejected: dict[str, int] = {}
        self.repeats: dict[str, int] = {}

    def refine(self, at: float, value: float) -> Mapping[str, float] | None:
        if value < self.highest:
            self.rejected["fell"] = self.rejected.get("fell", 0) + 1
            return {f"{self.point}!fell": value}
        if value == self.highest:
            return None
        self.highest = value
        return {self.point: value, f"{self.point}/double": 2 * value}

    def repeated(self, reason: str, times: int) -> None:
        self.repeats[reason] = self.repeats.get(reason, 0) + times

    def memory(self) -> Sequence[Any]:
        return self.highest, self.rejected

    def recall(self, memory: Sequence[Any]) -> None:
        self.highest, self.rejected = (memory[0], dict(memory[1])) if memory else (0.0, {})


class _State(NamedTuple):
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Echo:
    """Says every step it is given."""

    rule: ClassVar[str] = "echo"
    version: ClassVar[int] = 1
    start: ClassVar[_State] = _State()
    key: str
    place: str
    inputs: Mapping[str, str]

    def step(self, state: _State, at: float, values: Mapping[str, float]) -> tuple[_State, Sequence[Change]]:
        change = Change(Turn.UPDATED, Severity.INFO, Delivery.RECORD, "echo", dict(values), Evidence(at))
        return _State(state.steps + 1), (change,)

    def deadline(self, state: _State) -> float | None:
        return None

    def hold(self, state: _State, at: float) -> Hold | None:
        return None

    def explain(self, state: _State, at: float) -> Explanation:
        return Explanation("echo", {"steps": state.steps})


ECHO = Echo("a", "a", {"v": "a/v", "fell": "a/v!fell", "double": "a/v/double", "w": "a/w"})


def engine() -> Engine:
    return Engine([ECHO], [Rising("a/v")])


def said(events: Sequence[Event]) -> list[tuple[float, dict[str, float | str]]]:
    return [(event.at, dict(event.values)) for event in events]


def test_a_reading_is_passed_replaced_or_rejected() -> None:
    of = engine()
    for at, values in ((1.0, {"a/v": 5.0, "a/w": 1.0}), (2.0, {"a/v": 3.0}), (3.0, {"a/v": 5.0}), (4.0, {"a/w": 2.0})):
        of.take(Sample(at, "d", values))
    assert said(of.advance(9.0)) == [
        (1.0, {"v": 5.0, "w": 1.0, "double": 10.0}), (2.0, {"fell": 3.0}), (3.0, {"v": 5.0}), (4.0, {"w": 2.0}),
    ]  # fmt: skip
    assert of.rejected() == {"a/v": {"fell": 1}}


def test_of_one_time_each_point_is_refined_once_by_its_largest_value() -> None:
    samples = [
        Sample(1.0, "d", {"a/v": 5.0, "a/w": 1.0}), Sample(1.0, "d", {"a/v": 7.0}), Sample(1.0, "e", {"a/w": 1.0}),
        Sample(1.0, "d", {"a/v": 5.0, "a/w": 1.0}),
    ]  # fmt: skip
    for seed in range(24):
        random.Random(seed).shuffle(samples)
        of = engine()
        for sample in samples:
            of.take(sample)
        assert said(of.advance(2.0)) == [(1.0, {"v": 7.0, "w": 1.0, "double": 14.0})]
        assert of.rejected() == {}


def test_a_refiner_remembers_over_a_restart() -> None:
    rng = random.Random(7)
    samples = [Sample(float(at), "d", {"a/v": float(rng.randrange(at + 1))}) for at in range(1, 60)]
    whole = engine()
    for sample in samples:
        whole.take(sample)
    expected = said(whole.advance(99.0))
    for stop in (1, 20, 58):
        first = engine()
        for sample in samples[:stop]:
            first.take(sample)
        begun = said(first.advance(float(stop)))
        second = engine()
        assert second.restore(Snapshot(*json.loads(json.dumps(first.snapshot())))) == set()
        for sample in samples[stop:]:
            second.take(sample)
        assert begun + said(second.advance(99.0)) == expected
        assert second.rejected() == whole.rejected()


def test_to_forget_is_to_begin_anew() -> None:
    of = engine()
    of.take(Sample(1.0, "d", {"a/v": 5.0}))
    of.take(Sample(2.0, "d", {"a/v": 4.0}))
    of.advance(2.0)
    of.forget()
    of.take(Sample(1.0, "d", {"a/v": 4.0}))
    assert said(of.advance(2.0)) == [(1.0, {"v": 4.0, "double": 8.0})]
    assert of.rejected() == {}
