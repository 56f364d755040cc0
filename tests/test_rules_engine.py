"""The engine with the smallest watches that show what it does: lateness, merging, timers, backlog, memory."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar, NamedTuple

import pytest

from rules.engine import Engine, Snapshot
from rules.model import Change, Delivery, Event, Evidence, Flag, Hold, Sample, Severity, Turn


class _Seen(NamedTuple):
    last: float | None = None
    log: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """Says all that it was handed; wakes `wait_s` after its last reading."""

    rule: ClassVar[str] = "echo"
    version: ClassVar[int] = 1
    start: ClassVar[_Seen] = _Seen()

    key: str = "a"
    place: str = "p"
    inputs: Mapping[str, str]
    wait_s: float | None = None

    def step(self, state: _Seen, at: float, values: Mapping[str, float]) -> tuple[_Seen, Sequence[Change]]:
        what = " ".join(f"{role}={value:g}" for role, value in sorted(values.items())) or "woken"
        turn = Turn.RAISED if values else Turn.CLEARED
        change = Change(turn, Severity.INFO, Delivery.RECORD, what, {}, Evidence(at))
        return _Seen(at if values else None, (*state.log, (at, what))), (change,)

    def deadline(self, state: _Seen) -> float | None:
        return None if self.wait_s is None or state.last is None else state.last + self.wait_s

    def hold(self, state: _Seen, at: float) -> Hold | None:
        return None if state.last is None or self.wait_s is None else Hold(state.last, at - state.last, self.wait_s)


def sample(at: float, **values: float) -> Sample:
    return Sample(at, "device", values)


def said(events: Sequence[Event]) -> list[tuple[float, str]]:
    return [(event.at, event.why) for event in events]


def state_of(name: str, at: float, running: float) -> Sample:
    return Sample(at, f"source/{name}", {f"source/{name}/backlog": running})


X = Echo(inputs={"x": "x"})
XY = Echo(inputs={"x": "x", "y": "y"})
WAKING = Echo(inputs={"x": "x"}, wait_s=10.0)


def test_only_advance_judges() -> None:
    engine = Engine([X])
    for at in (3.0, 1.0, 2.0):
        assert engine.take(sample(at, x=at)) is Flag.JUDGED
    assert engine.state("echo", "a").log == ()
    assert said(engine.advance(2.0)) == [(1.0, "x=1"), (2.0, "x=2")]
    assert said(engine.advance(3.0)) == [(3.0, "x=3")]


@pytest.mark.parametrize(("at", "flag"), [(9.9, Flag.LATE), (10.0, Flag.LATE), (10.001, Flag.JUDGED)])
def test_what_is_at_or_before_the_mark_is_late(at: float, flag: Flag) -> None:
    engine = Engine([X], mark=10.0)
    assert engine.take(sample(at, x=1)) is flag
    assert said(engine.advance(20.0)) == ([(at, "x=1")] if flag is Flag.JUDGED else [])


def test_the_mark_never_goes_back() -> None:
    engine = Engine([X], mark=10.0)
    assert engine.advance(5.0) == []
    assert engine.mark == 10.0


def test_a_logged_flag_is_taken_as_it_is() -> None:
    engine = Engine([X], mark=10.0)
    assert engine.take(sample(20.0, x=1), flag=Flag.LATE) is Flag.LATE
    assert engine.advance(30.0) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_samples_of_one_time_are_one_step_in_any_order(order: Sequence[int]) -> None:
    samples = [sample(5.0, x=1), sample(5.0, y=2), sample(5.0, x=7)]
    engine = Engine([XY])
    for index in order:
        engine.take(samples[index])
    assert said(engine.advance(5.0)) == [(5.0, "x=7 y=2")]


def test_a_watch_gets_its_own_inputs_by_role() -> None:
    one = Echo(key="1", inputs={"power": "x"})
    two = Echo(key="2", inputs={"flow": "y", "level": "x"})
    engine = Engine([one, two])
    engine.take(sample(1.0, x=4, y=5, z=6))
    engine.take(sample(2.0, z=6))
    assert said(engine.advance(9.0)) == [(1.0, "power=4"), (1.0, "flow=5 level=4")]


def test_two_watches_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        Engine([X, XY])


@pytest.mark.parametrize("marks", [[30.0], [5.0, 10.0, 15.0, 20.0, 30.0], [19.999, 20.0, 20.001, 30.0]])
def test_timers_fire_in_event_time_however_the_mark_moves(marks: Sequence[float]) -> None:
    engine = Engine([WAKING])
    for at in (1.0, 10.0):
        engine.take(sample(at, x=at))
    assert said([event for mark in marks for event in engine.advance(mark)]) == [
        (1.0, "x=1"), (10.0, "x=10"), (20.0, "woken"),
    ]  # fmt: skip


def test_at_equal_time_a_sample_goes_before_a_timer() -> None:
    engine = Engine([WAKING])
    engine.take(sample(0.5, x=1))
    engine.take(sample(10.5, x=2))
    assert said(engine.advance(10.5)) == [(0.5, "x=1"), (10.5, "x=2")]
    assert said(engine.advance(20.5)) == [(20.5, "woken")]


def test_of_two_timers_the_one_at_the_time_of_a_sample_goes_after_it() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Ticking(Echo):
        def step(self, state: _Seen, at: float, values: Mapping[str, float]) -> tuple[_Seen, Sequence[Change]]:
            state, changes = Echo.step(self, state, at, values)
            return state._replace(last=at), changes

    engine = Engine([Ticking(inputs={"x": "x"}, wait_s=10.0)])
    engine.take(sample(1.0, x=1))
    engine.take(sample(21.0, x=2))
    assert said(engine.advance(30.0)) == [(1.0, "x=1"), (11.0, "woken"), (21.0, "x=2")]


def test_a_timer_goes_before_a_later_sample() -> None:
    engine = Engine([WAKING])
    engine.take(sample(1.0, x=1))
    engine.take(sample(11.001, x=2))
    assert said(engine.advance(12.0)) == [(1.0, "x=1"), (11.0, "woken"), (11.001, "x=2")]


def test_a_watch_that_wakes_for_ever_is_a_bug_of_ours() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Restless(Echo):
        def deadline(self, state: _Seen) -> float | None:
            return 5.0

    with pytest.raises(RuntimeError, match="again and again"):
        Engine([Restless(inputs={"x": "x"})]).advance(6.0)


def test_events_come_by_time() -> None:
    engine = Engine([Echo(key="b", inputs={"x": "x"}, wait_s=1.0), Echo(key="a", inputs={"x": "x", "y": "y"})])
    engine.take(sample(1.0, x=1))
    engine.take(sample(3.0, y=1))
    events = engine.advance(9.0)
    assert [(event.at, event.key) for event in events] == [(1.0, "a"), (1.0, "b"), (2.0, "b"), (3.0, "a")]


# -- backlog


def test_of_a_backlog_only_the_newest_value_of_each_point_counts() -> None:
    engine = Engine([XY])
    engine.take(state_of("broker", 100.0, 1))
    assert engine.away == {"source/broker"}
    for at, values in ((101.0, {"x": 1.0, "y": 1.0}), (103.0, {"x": 3.0}), (102.0, {"x": 2.0})):
        assert engine.take(Sample(at, "device", values), backlog=True) is Flag.BACKLOG
    engine.take(state_of("broker", 104.0, 0))
    assert engine.away == frozenset()
    assert said(engine.advance(200.0)) == [(101.0, "y=1"), (103.0, "x=3")]


def test_the_last_source_back_ends_the_backlog() -> None:
    engine = Engine([X])
    engine.take(state_of("one", 1.0, 1))
    engine.take(state_of("two", 1.0, 1))
    engine.take(sample(2.0, x=2), backlog=True)
    engine.take(state_of("one", 3.0, 0))
    assert engine.away == {"source/two"}
    engine.take(state_of("two", 4.0, 0))
    assert said(engine.advance(9.0)) == [(2.0, "x=2")]


def test_a_backlog_from_before_the_mark_is_not_judged() -> None:
    engine = Engine([X], mark=50.0)
    engine.take(state_of("one", 60.0, 1))
    engine.take(sample(40.0, x=1), backlog=True)
    engine.take(state_of("one", 61.0, 0))
    assert engine.advance(99.0) == []


def test_a_late_word_about_the_backlog_still_counts() -> None:
    engine = Engine([X], mark=50.0)
    assert engine.take(state_of("one", 40.0, 1)) is Flag.LATE
    assert engine.away == {"source/one"}


# -- memory


def saved(engine: Engine) -> Snapshot:
    return Snapshot(*json.loads(json.dumps(engine.snapshot())))


def test_a_snapshot_holds_all_that_matters() -> None:
    def live(engine: Engine) -> None:
        engine.take(sample(1.0, x=1))
        engine.take(sample(4.0, x=4))
        engine.take(sample(4.0, x=5))
        engine.take(state_of("one", 2.0, 1))
        engine.take(sample(3.0, x=3), backlog=True)
        engine.advance(2.0)

    whole, before, after = Engine([WAKING]), Engine([WAKING]), Engine([WAKING])
    live(whole)
    live(before)
    assert after.restore(saved(before)) == set()
    assert (after.mark, after.away) == (2.0, {"source/one"})
    assert after.state("echo", "a") == whole.state("echo", "a")
    assert isinstance(after.state("echo", "a"), _Seen)
    for engine in (whole, after):
        engine.take(state_of("one", 5.0, 0))
    rest = whole.advance(99.0)
    assert said(rest) == [(3.0, "x=3"), (4.0, "x=5"), (14.0, "woken")]
    assert after.advance(99.0) == rest


@pytest.mark.parametrize("changed", [Echo(inputs={"x": "x"}, wait_s=11.0), Echo(inputs={"x": "y"}, wait_s=10.0)])
def test_a_changed_watch_starts_cold(changed: Echo) -> None:
    engine = Engine([WAKING])
    engine.take(sample(1.0, x=1))
    engine.advance(2.0)
    other = Engine([changed, Echo(key="new", inputs={"x": "x"})])
    assert other.restore(saved(engine)) == {("echo", "a"), ("echo", "new")}
    assert other.state("echo", "a") == _Seen()
    assert other.advance(99.0) == []


def test_an_adopted_state_brings_its_timer() -> None:
    engine = Engine([WAKING], mark=50.0)
    engine.take(sample(51.0, x=1))
    engine.advance(52.0)
    engine.adopt("echo", "a", _Seen(55.0))
    assert said(engine.advance(64.0)) == []
    assert said(engine.advance(66.0)) == [(65.0, "woken")]
    engine.adopt("echo", "a", _Seen(60.0))   # due at 70
    engine.adopt("echo", "a", _Seen(58.0))   # and now earlier
    assert said(engine.advance(99.0)) == [(68.0, "woken")]


def test_running_holds_are_told() -> None:
    engine = Engine([WAKING])
    assert list(engine.holds()) == []
    engine.take(sample(1.0, x=1))
    engine.advance(4.0)
    assert [(hold.key, hold.points, hold.hold) for hold in engine.holds()] == [("a", ("x",), Hold(1.0, 3.0, 10.0))]


def test_a_watch_is_recognised_in_another_run_whatever_the_order_of_its_sets() -> None:
    script = (
        "from datetime import date\n"
        "from rules.calendar import Calendar\n"
        "from rules.watch import signature\n"
        "from rules.model import Place, Point, Site\n"
        "from rules.running_water import RunningWater\n"
        "closed = frozenset(date(2026, 1, day) for day in range(1, 20))\n"
        "point = Point('d/w/flow_lpm', 'd/w', '', 'flow_lpm', 'x', 's', 60.0)\n"
        "places = {'d/w': Place('d/w', 'w', 'washroom', 'd')}\n"
        "site = Site('s', 's', places, {point.id: point}, Calendar(closed=closed))\n"
        "print(signature(next(iter(RunningWater().watches(site)))))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_only_layouts_of_single_samples_are_remembered() -> None:
    engine = Engine([])
    for second in range(200):
        for device in range(second % 7 + 2):
            engine.take(Sample(float(second + 1), f"d{device}", {f"d{device}/x": 1.0}))
        engine.advance(second + 1.0)
    assert len(engine._plans) == 8  # one a device, however they meet
