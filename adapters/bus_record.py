"""What a bus went through: how busy it is, how fast each of its devices answers, what went wrong. No I/O, no clock.

Strategy. Whoever talks on the bus (poller or listener) notes each thing as it happens, in the steady time it runs by;
the transport keeps the record over a port that comes and goes, and whoever looks gets a snapshot that never changes.
Counts are since the start. The busy share is of the last ten minutes, kept by the minute; latencies are of the last
hundred answers of a device. A note costs about a microsecond, and a bus makes a few dozen a second at most.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from rules.model import Reason

MINUTES = 10
LATENCIES = 100     # of a device
MOST_UNKNOWN = 100  # addresses that are heard and not configured


class Latency(NamedTuple):
    """From a question to its answer, over the last answers, in seconds."""

    typical_s: float
    longest_s: float


class SlaveState(NamedTuple):
    """A device on a bus: questions to it (each try counts), its answers, what went wrong.

    `silent_since` is when the first of its unanswered polls began (Unix seconds): it is asked ever more rarely until
    it answers. None: it answers.
    """

    device: str
    asked: int
    answered: int
    latency: Latency | None
    faults: Mapping[str, int]
    silent_since: float | None


class BusState(NamedTuple):
    """A bus at one moment.

    `busy` is the share of the last ten minutes, None before there are any; `faults` are those of no device;
    `unknown` counts by address who was heard and is not configured.
    """

    busy: float | None
    asked: int
    answered: int
    latency: Latency | None
    faults: Mapping[str, int]
    slaves: tuple[SlaveState, ...]
    unknown: Mapping[str, int]


@dataclass(slots=True)
class _Slave:
    asked: int = 0
    answered: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES))
    faults: Counter[Reason] = field(default_factory=Counter)
    asked_at: float | None = None
    silent_since: float | None = None


class BusRecord:
    """Takes notes from one thread and gives snapshots to any; devices are named as samples and faults name them."""

    def __init__(self, devices: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._slaves = {device: _Slave() for device in devices}
        self._faults: Counter[Reason] = Counter()
        self._unknown: Counter[str] = Counter()
        self._begun: float | None = None
        self._busy_s: dict[int, float] = {}   # by minute

    # -- notes; times are those of one steady clock

    def asked(self, device: str, at: float) -> None:
        """A device was asked, or asked again."""
        with self._lock:
            slave = self._slaves[device]
            slave.asked += 1
            slave.asked_at = at

    def answered(self, device: str, at: float) -> None:
        """A device answered what it was asked last; one that was not asked was overheard."""
        with self._lock:
            slave = self._slaves[device]
            slave.answered += 1
            slave.silent_since = None
            if slave.asked_at is not None:
                slave.latencies.append(at - slave.asked_at)
                slave.asked_at = None

    def silent(self, device: str, since: float) -> None:
        """A device answered nothing of what a whole poll asked, which began then."""
        with self._lock:
            slave = self._slaves[device]
            if slave.silent_since is None:
                slave.silent_since = since

    def fault(self, source: str, reason: Reason) -> None:
        """Something went wrong, with a device or with the bus itself."""
        with self._lock:
            slave = self._slaves.get(source)
            (slave.faults if slave else self._faults)[reason] += 1
            if slave and reason is Reason.NO_ANSWER:
                slave.asked_at = None   # what comes now is no answer to it

    def heard(self, address: str) -> None:
        """Somebody spoke who is not configured; beyond so many addresses only those that are known are counted."""
        with self._lock:
            if address in self._unknown or len(self._unknown) < MOST_UNKNOWN:
                self._unknown[address] += 1

    def busy(self, since: float, until: float) -> None:
        """Nobody else could have spoken from then until then."""
        with self._lock:
            if self._begun is None:
                self._begun = since
            while since < until:
                minute = int(since // 60)
                end = min(until, (minute + 1) * 60.0)
                self._busy_s[minute] = self._busy_s.get(minute, 0.0) + end - since
                since = end
            if len(self._busy_s) > 2 * MINUTES:
                for minute in sorted(self._busy_s)[:-MINUTES]:
                    del self._busy_s[minute]

    # -- snapshots

    def state(self, now: float, *, clock: float) -> BusState:
        """The bus now, on the steady clock; `clock` is the time of day at that moment."""
        with self._lock:
            slaves = tuple(
                SlaveState(
                    device, slave.asked, slave.answered, _latency(slave.latencies), _by_name(slave.faults),
                    None if slave.silent_since is None else clock - (now - slave.silent_since),
                )
                for device, slave in self._slaves.items()
            )  # fmt: skip
            return BusState(
                self._share(now), sum(slave.asked for slave in slaves), sum(slave.answered for slave in slaves),
                _latency([value for slave in self._slaves.values() for value in slave.latencies]),
                _by_name(self._faults), slaves, dict(self._unknown),
            )  # fmt: skip

    def _share(self, now: float) -> float | None:
        """How much of the last nine whole minutes and of this one so far, as far as there were any."""
        if self._begun is None:
            return None
        first = int(now // 60) - MINUTES + 1
        since = max(self._begun, first * 60.0)
        busy_s = sum(value for minute, value in self._busy_s.items() if minute >= first)
        return min(1.0, busy_s / (now - since)) if now > since else None


def _latency(values: Iterable[float]) -> Latency | None:
    found = list(values)
    return Latency(median(found), max(found)) if found else None


def _by_name(faults: Counter[Reason]) -> dict[str, int]:
    return {reason.value: count for reason, count in faults.most_common()}
