"""The rules about cold and heating over random days: the same said in one go, restarted, and each watch alone."""

import json
import random

import pytest
from pack_streams import campus, days

from rules.cold_store import ColdStore
from rules.engine import Engine, Snapshot
from rules.freeze import Freeze
from rules.heating_left_on import HeatingLeftOn
from rules.model import Event, Sample
from rules.room_too_cold import RoomTooCold
from rules.watch import Watch

EVERY_S = 60.0
KINDS = (Freeze(), RoomTooCold(grace_min=5.0, low_min=20.0), ColdStore(), HeatingLeftOn(hold_h=0.5, pause_min=15.0))


def told(watches: list[Watch], samples: list[Sample], *, restarts: float = 0.0, rng: random.Random) -> list[Event]:
    """The events of samples; so many of them are followed by a restart through JSON."""
    engine, events = Engine(watches), []
    for sample in samples:
        engine.take(sample)
        if rng.random() < restarts:
            events += engine.advance(sample.at)
            saved = Snapshot(*json.loads(json.dumps(engine.snapshot())))
            engine = Engine(watches)
            assert engine.restore(saved) == set()
    return events + engine.advance(samples[-1].at + 7200.0)


@pytest.mark.parametrize("seed", [0, 5])
def test_restarted_and_alone_they_say_the_same(seed: int) -> None:
    rng = random.Random(seed)
    watches = [watch for kind in KINDS for watch in kind.watches(campus(EVERY_S))]
    ours = {point for watch in watches for point in watch.inputs.values()}
    found = {a.sample.at: a.sample for a in days(rng, 2.0, EVERY_S) if ours & a.sample.values.keys()}
    samples = [found[at] for at in sorted(found)]
    expected = told(watches, samples, rng=rng)
    assert {event.rule for event in expected} == {kind.kind for kind in KINDS}
    assert told(watches, samples, restarts=0.005, rng=rng) == expected
    alone = [event for watch in watches for event in told([watch], samples, rng=rng)]
    assert sorted(event.name for event in alone) == sorted(event.name for event in expected)
