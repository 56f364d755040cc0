"""The same events live, replayed, restarted half-way and by each watch alone, over random streams."""

import logging
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pack_streams import campus, days
from pack_streams import pack as whole_pack
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

import rules
from daemon.packing import Entry
from rules.engine import Engine
from rules.model import Event, Flag, Site
from rules.quality import refiners
from rules.watch import Watch

STREAMS = int(os.environ.get("CARETAKER_STREAMS", "200"))


def numbered(arrivals: list[Arrival]) -> list[tuple[int, Arrival]]:
    return [(n % 65_535 + 1, arrival) for n, arrival in enumerate(arrivals)]


def live(path: Path, arrivals: list[Arrival], of: Site, pack: Sequence[Watch]) -> list[Event]:
    rig = Rig(path, VirtualClock(arrivals[0].arrived), pack, of=of)
    rig.feed(numbered(arrivals))
    rig.finish(arrivals[-1].arrived + 100)
    return events_of(path)


def replayed(log: list[Entry], mark: float, of: Engine) -> list[Event]:
    """A log in one pass, no clock."""
    for sample, flag in log:
        of.take(sample, flag=flag)
    return [frozen(event) for event in of.advance(mark)]


def shuffled(log: list[Entry], rng: random.Random) -> list[Entry]:
    """The same log with the values of each sample in any order."""
    out = []
    for sample, flag in log:
        values = list(sample.values.items())
        rng.shuffle(values)
        out.append((sample._replace(values=dict(values)), flag))
    return out


def partitioned(log: list[Entry], mark: float, of: Site, pack: Sequence[Watch]) -> Iterator[Event]:
    """Each watch alone, with the refiners and samples of its own points."""
    for watch in pack:
        engine = Engine([watch], refiners(of))
        wanted = engine.logged_points([watch])
        own = [
            entry for entry in log
            if not wanted.isdisjoint(entry[0].values) or entry[0].device.startswith("source/")
        ]  # fmt: skip
        yield from replayed(own, mark, engine)


def restarted(path: Path, arrivals: list[Arrival], kills: list[int], of: Site, pack: Sequence[Watch]) -> list[Event]:
    """Killed before each of these arrivals; the broker sends again what was not acknowledged."""
    clock = VirtualClock(arrivals[0].arrived)
    packets = numbered(arrivals)
    done = 0
    resend_to = 0
    for kill in [*kills, len(arrivals)]:
        rig = Rig(path, clock, pack, of=of)
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


class Tally:
    """What was said over all streams."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.late = self.inside_holds = 0

    def __str__(self) -> str:
        return f"{dict(self.kinds)}, {self.late} late, {self.inside_holds} with a kill inside a hold"


def check(folder: Path, seed: int, arrivals: list[Arrival], of: Site, pack: Sequence[Watch], tally: Tally) -> None:
    """One stream, five ways."""
    rng = random.Random(f"kills {seed}")
    path, again = folder / f"{seed}.db", folder / f"{seed}-restarted.db"
    said = live(path, arrivals, of, pack)
    assert len(said) == len(set(said)), seed
    log, mark = logged(path)
    assert set(replayed(log, mark, Engine(pack, refiners(of)))) == set(said), seed
    assert set(replayed(shuffled(log, rng), mark, Engine(pack, refiners(of)))) == set(said), seed
    assert sorted(partitioned(log, mark, of, pack)) == sorted(said), seed
    kills = sorted(on_time(arrivals, rng.randrange(30, len(arrivals))) for _ in range(2))
    assert set(restarted(again, arrivals, kills, of, pack)) == set(said), seed
    tally.inside_holds += any(
        event.evidence.since < arrivals[kill].sample.at < event.at for event in said for kill in kills
    )
    tally.kinds.update(event.rule for event in said)
    tally.late += sum(flag is Flag.LATE for _, flag in log)
    path.unlink()
    again.unlink()


def test_live_replay_restart_and_each_watch_alone_say_the_same(in_memory: Path) -> None:
    tally = Tally()
    of, pack = site(), watches(site())
    for seed in range(STREAMS):
        check(in_memory, seed, stream(random.Random(seed), hours=3.0), of, pack, tally)
    logging.getLogger(__name__).info("%d streams: %s", STREAMS, tally)
    assert sum(tally.kinds.values()) >= 1_000
    assert all(tally.kinds[kind] >= 100 for kind in ("running_water", "lights_left_on", "high_power", "silent")), tally
    assert tally.late > 100
    assert tally.inside_holds > 50


def test_the_whole_pack_says_the_same_too(in_memory: Path) -> None:
    tally = Tally()
    for every_s, count, streams in ((60.0, 2.0, STREAMS // 50), (900.0, 24.0, STREAMS // 100)):
        of = campus(every_s)
        pack = whole_pack(of)
        for seed in range(streams):
            check(in_memory, seed, days(random.Random(seed), count, every_s), of, pack, tally)
    logging.getLogger(__name__).info("%d days-long streams: %s", STREAMS // 50 + STREAMS // 100, tally)
    unheard = [kind for kind in rules.RULES if not tally.kinds[kind]]
    assert not unheard, tally
    assert tally.late > 100


def on_time(arrivals: list[Arrival], kill: int) -> int:
    """The nearest earlier moment at which nothing late waits for its commit.

    A late sample that is sent again after a kill may be judged after all: that it was late is known only while it
    waits in memory.
    """
    waiting = 120  # more than arrive between two commits
    while kill > 0 and any(a.arrived - a.sample.at > GRACE_S for a in arrivals[max(0, kill - waiting) : kill]):
        kill -= 1
    return max(kill, 1)
