"""The same events live, replayed, restarted half-way and by each watch alone, over random streams."""

import logging
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from streams import (
    GRACE_S,
    Arrival,
    Rig,
    VirtualClock,
    events_of,
    frozen,
    logged,
    site,
    stream,
    watches,
)

from daemon.packing import Entry
from rules.engine import Engine
from rules.model import Event, Flag

STREAMS = int(os.environ.get("CARETAKER_STREAMS", "200"))


def numbered(arrivals: list[Arrival]) -> list[tuple[int, Arrival]]:
    return [(n % 65_535 + 1, arrival) for n, arrival in enumerate(arrivals)]


def live(path: Path, arrivals: list[Arrival]) -> list[Event]:
    rig = Rig(path, VirtualClock(arrivals[0].arrived), watches(site()))
    rig.feed(numbered(arrivals))
    rig.finish(arrivals[-1].arrived + 100)
    return events_of(path)


def replayed(log: list[Entry], mark: float, of: Engine) -> list[Event]:
    """A log in one pass, no clock."""
    for sample, flag in log:
        of.take(sample, flag=flag)
    return [frozen(event) for event in of.advance(mark)]


def restarted(path: Path, arrivals: list[Arrival], kills: list[int]) -> list[Event]:
    """Killed before each of these arrivals; the broker sends again what was not acknowledged."""
    clock = VirtualClock(arrivals[0].arrived)
    packets = numbered(arrivals)
    done = 0
    resend_to = 0
    for kill in [*kills, len(arrivals)]:
        rig = Rig(path, clock, watches(site()))
        rig.feed(packets[done:resend_to], resent=True)
        rig.feed(packets[resend_to:kill])
        if kill < len(arrivals):
            rig.kill()
        else:
            rig.finish(arrivals[-1].arrived + 100)
        done += len(rig.acknowledged)
        resend_to = kill
    return events_of(path)


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of lives commit tens of thousands of times."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_live_replay_restart_and_each_watch_alone_say_the_same(in_memory: Path) -> None:
    kinds: Counter[str] = Counter()
    turns: Counter[str] = Counter()
    late = inside_holds = 0
    pack = watches(site())
    for seed in range(STREAMS):
        rng = random.Random(seed)
        arrivals = stream(rng, hours=3.0)
        path = in_memory / f"{seed}.db"
        said = live(path, arrivals)
        assert len(said) == len(set(said)), seed
        log, mark = logged(path)
        assert set(replayed(log, mark, Engine(pack))) == set(said), seed
        alone = [event for watch in pack for event in replayed(log, mark, Engine([watch]))]
        assert sorted(alone) == sorted(said), seed
        kills = sorted(on_time(arrivals, rng.randrange(30, len(arrivals))) for _ in range(2))
        again = in_memory / f"{seed}-restarted.db"
        assert set(restarted(again, arrivals, kills)) == set(said), seed
        inside_holds += any(
            event.evidence.since < arrivals[kill].sample.at < event.at for event in said for kill in kills
        )
        kinds.update(event.rule for event in said)
        turns.update(event.turn.value for event in said)
        late += sum(flag is Flag.LATE for _, flag in log)
        path.unlink()
        again.unlink()
    log_line = f"{STREAMS} streams: {dict(kinds)} {dict(turns)}, {late} late, {inside_holds} with a kill inside a hold"
    logging.getLogger(__name__).info(log_line)
    assert sum(kinds.values()) >= 1_000
    assert all(kinds[kind] >= 100 for kind in ("running_water", "lights_left_on", "high_power", "silent")), kinds
    assert late > 100
    assert inside_holds > 50


def on_time(arrivals: list[Arrival], kill: int) -> int:
    """The nearest earlier moment at which nothing late waits for its commit.

    A late sample that is sent again after a kill may be judged after all: that it was late is known only while it
    waits in memory.
    """
    waiting = 120  # more than arrive between two commits
    while kill > 0 and any(a.arrived - a.sample.at > GRACE_S for a in arrivals[max(0, kill - waiting) : kill]):
        kill -= 1
    return max(kill, 1)
