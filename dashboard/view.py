"""What the panel reads: one small interface, so that pages know neither threads nor stores."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from rules.account import Account
from rules.engine import RunningHold
from rules.incident import Incident
from rules.model import Reading, Site


class Latest(NamedTuple):
    """The newest value of a point; one that `is_shown_only` is never evidence (retained, late or undated)."""

    at: float
    value: float
    is_shown_only: bool = False


class BusDevice(NamedTuple):
    """A device on a bus: questions to it (each try counts), its answers, how long these took, what went wrong.

    `silent_since`: it answers nothing since then and is asked ever more rarely; None: it answers.
    """

    name: str
    asked: int
    answered: int
    typical_s: float | None
    longest_s: float | None
    faults: Mapping[str, int]
    silent_since: float | None


class Bus(NamedTuple):
    """A bus: the share of the last ten minutes in which it was busy, and the same of all its devices.

    `faults` are those of no device; `unknown` counts by address who was heard and is not configured.
    """

    busy: float | None
    asked: int
    answered: int
    typical_s: float | None
    longest_s: float | None
    faults: Mapping[str, int]
    devices: Sequence[BusDevice]
    unknown: Mapping[str, int]


class Work(NamedTuple):
    """What the gateway is at: how far behind the clock it judges, and what waits for the disk and to be sent."""

    lag_s: float | None
    commits: int
    uncommitted: int
    waiting: int


class SourceState(NamedTuple):
    """How a source is doing; `online` is None until the first word from it, `faults` counts by reason."""

    name: str
    kind: str
    online: bool | None
    since: float
    samples: int
    faults: Mapping[str, int]
    last_fault: str
    bus: Bus | None = None


class Told(NamedTuple):
    """One message to staff about an incident: where it went and what the endpoint answered."""

    channel: str
    turn: str
    at: float
    is_delivered: bool
    answer: str


class Campus(Protocol):
    """The running campus, read only. Calls may come from any thread and return at once."""

    @property
    def site(self) -> Site: ...

    def now(self) -> float: ...

    def incidents(self, *, only_open: bool = False, limit: int = 200) -> Sequence[Incident]:
        """The newest incidents, open ones first."""

    def incident(self, number: int) -> Incident | None: ...

    def told(self, number: int) -> Sequence[Told]: ...

    def holds(self) -> Sequence[RunningHold]: ...

    def latest(self) -> Mapping[str, Latest]:
        """The newest value of every point that ever spoke, by point id."""

    def sources(self) -> Sequence[SourceState]: ...

    def work(self) -> Work: ...

    def rejected(self) -> Mapping[str, Mapping[str, int]]:
        """How many readings no rule was to see, by point id and reason."""

    def readings(self, points: Iterable[str], since: float, until: float) -> Sequence[Reading]:
        """Readings of these points by time, committed or not."""

    def accounts(self, place: str) -> Sequence[Account]:
        """What each watch of a place sees now, and where it stands."""

    def case(self, number: int) -> bytes | None:
        """An alert as a test case, in one file; None where none can be made."""

    def notices(self) -> Sequence[str]:
        """Keys of conditions that people must know, such as `clock_waiting` or `disk_full`."""

    def subscribe(self, on_change: Callable[[str], None]) -> Callable[[], None]:
        """Call back, from any thread, with `incidents` or `readings` when these changed; returns the way out."""
