"""Polling a serial bus as a clockless machine: next request, feed, deadline. No I/O.

Strategy. One exchange at a time: a request, then its answer or a deadline. A poll asks one meter for all that its table
lists and ends in one Sample. The meter that has waited longest is next, so no meter starves another. A meter whose poll
brought nothing is asked ever more rarely (up to BACK_OFF_S), and then only once and for one identifier: a dead meter
costs the bus one timeout in five minutes. When a whole bus was silent and one meter answers, all are due at once. An
identifier that a meter refuses, or never answered and was silent on three times while it answered others, rests for a
day.

The time is any steady count of seconds; samples and faults carry it, and the transport knows which time of day it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters import dlt645
from adapters.device_table import DeviceTable, Query
from adapters.dlt645 import Decoder, Frame, Garble
from adapters.source import Device, Line, SerialSource, point_id
from rules.model import Fault, Reason, Sample

REPLY_S = 0.5          # the longest a meter may take to begin its answer, and between two bytes
TYPICAL_REPLY_S = 0.1  # what most take; for estimates only
GAP_S = 0.05           # silence on the line between an answer and the next request
BACK_OFF_S = 300.0
REST_S = 86_400.0
TRIES = 2
SILENCES = 3           # on an identifier that never came, until it rests
_WAKE_UP_BYTES = 4
_IDENTIFIER_BYTES = 4


@dataclass(slots=True, eq=False)
class _Meter:
    """What the poller remembers of one device."""

    device: Device
    name: str
    queries: tuple[Query, ...]
    due: float = 0.0
    failures: int = 0
    resting: dict[str, float] = field(default_factory=dict)   # identifier -> until when
    known: set[str] = field(default_factory=set)   # identifiers that it ever answered: they never rest for silence
    silences: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Poll:
    """One round of questions to one meter."""

    meter: _Meter
    begun: float
    queries: list[Query]
    tries: int = 0
    answered_at: float | None = None
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wait:
    """An answer that is due: until when, and until when at the very latest if bytes keep coming."""

    until: float
    latest: float


class Poller:
    """The bus of one source: says what to send and when to come back, takes what arrives."""

    def __init__(self, source: SerialSource, tables: Mapping[str, DeviceTable]) -> None:
        self._name = source.name
        self._line = source.line
        self._meters = [
            _Meter(device, f"{source.name}/{device.address}", tables[device.model].polled) for device in source.devices
        ]
        self._decoder = Decoder()
        self._poll: _Poll | None = None
        self._wait: _Wait | None = None
        self._free_at = 0.0
        self._out: list[Sample | Fault] = []

    def next_request(self, now: float) -> bytes | None:
        """The bytes to send now; None when the bus is to be left alone until `deadline`."""
        if self._wait is not None or now < self._free_at:
            return None
        if self._poll is None:
            self._poll = self._begin(now)
        if self._poll is None:
            return None
        self._end_strays(now)
        query = self._poll.queries[0]
        request = dlt645.read_request(self._poll.meter.device.address, query.identifier)
        until = now + REPLY_S + byte_s(self._line) * (len(request) + _reply_bytes(query))
        self._wait = _Wait(until, until + REPLY_S)
        self._poll.tries += 1
        return request

    def feed(self, data: bytes, now: float) -> list[Sample | Fault]:
        """What these bytes, or the passing of a deadline (feed `b""` then), bring."""
        found = self._decoder.feed(data)
        if self._wait is not None and now >= self._wait.until:
            found += self._decoder.flush()
        for item in found:
            self._take(item, now)
        if self._wait is not None and now >= self._wait.until:
            self._miss(now)
        elif self._wait is not None and data and self._decoder.is_waiting:
            latest = self._wait.latest
            self._wait = _Wait(min(max(self._wait.until, now + REPLY_S), latest), latest)
        out, self._out = self._out, []
        return out

    def deadline(self) -> float | None:
        """When to call again if nothing arrives; None on a bus without meters."""
        if self._wait is not None:
            return self._wait.until
        if self._poll is not None:
            return self._free_at
        return max(self._free_at, min(meter.due for meter in self._meters)) if self._meters else None

    # -- a poll

    def _begin(self, now: float) -> _Poll | None:
        due = (meter for meter in self._meters if meter.due <= now)
        for meter in sorted(due, key=lambda meter: meter.due):
            meter.resting = {name: until for name, until in meter.resting.items() if until > now}
            queries = [query for query in meter.queries if query.identifier not in meter.resting]
            if queries:
                return _Poll(meter, now, queries)
            meter.due = min(meter.resting.values())
        return None

    def _next(self, poll: _Poll, now: float) -> None:
        """The first question is done with; go on to the next one, or end the poll."""
        self._wait = None
        self._free_at = now + GAP_S
        poll.queries.pop(0)
        poll.tries = 0
        if not poll.queries:
            self._end(poll, now)

    def _end(self, poll: _Poll, now: float) -> None:
        meter = poll.meter
        self._poll = None
        if poll.answered_at is None:
            meter.failures += 1
            longer = min(BACK_OFF_S, meter.device.every_s * 2 ** min(meter.failures - 1, 16))
            meter.due = now + max(meter.device.every_s, longer)
            return
        if all(other.failures for other in self._meters):
            for other in self._meters:
                other.due = min(other.due, now)
        meter.failures = 0
        meter.due = max(poll.begun + meter.device.every_s, now)
        if poll.values:
            self._out.append(Sample(poll.answered_at, meter.name, poll.values))

    # -- an exchange

    def _take(self, item: Frame | Garble, now: float) -> None:
        if isinstance(item, Garble):
            self._tell(item.reason, now, item.raw.hex(" ").upper())
            return
        if not item.is_reply or self._poll is None or self._wait is None:
            return  # our own request, echoed by the adapter; or an answer that came too late
        query = self._poll.queries[0]
        wrong = dlt645.mismatch(item, self._poll.meter.device.address, query.identifier)
        if wrong is not None:
            self._tell(wrong, now, item.raw.hex(" ").upper())
            return
        if self._poll.answered_at is None:
            self._poll.answered_at = now
        if item.is_refusal:
            self._refused(item, query, now)
        else:
            self._read(item, query, now)
        self._next(self._poll, now)

    def _read(self, frame: Frame, query: Query, now: float) -> None:
        assert self._poll is not None
        device = self._poll.meter.device
        self._poll.meter.known.add(query.identifier)
        values = query.decode(frame.payload, multiplier=device.multiplier)
        if isinstance(values, Reason):
            self._tell(values, now, frame.raw.hex(" ").upper())
            return
        for quantity, value in values.items():
            self._poll.values[point_id(device.place, device.part, quantity)] = value

    def _refused(self, frame: Frame, query: Query, now: float) -> None:
        assert self._poll is not None
        word = frame.error_word
        if word & (dlt645.NO_SUCH_DATA | dlt645.NOT_ALLOWED):
            self._poll.meter.resting[query.identifier] = now + REST_S
        self._tell(Reason.METER_REFUSED, now, f"{query.identifier}: {dlt645.refusal_text(word)}")

    def _miss(self, now: float) -> None:
        """The answer did not come: once more, or on without it."""
        poll = self._poll
        assert poll is not None
        is_probe = poll.meter.failures > 0 and poll.answered_at is None
        identifier = poll.queries[0].identifier
        is_over = is_probe or poll.tries == TRIES
        if is_over:
            self._tell(Reason.NO_ANSWER, now, identifier)
        self._wait = None
        self._free_at = now + GAP_S
        if not is_over:
            return
        if poll.answered_at is None:
            self._end(poll, now)
            return
        if identifier not in poll.meter.known:
            silences = poll.meter.silences[identifier] = poll.meter.silences.get(identifier, 0) + 1
            if silences % SILENCES == 0:
                poll.meter.resting[identifier] = now + REST_S
        self._next(poll, now)

    def _end_strays(self, now: float) -> None:
        """What lay on the line while nobody was asked belongs to no meter."""
        for item in self._decoder.flush():
            if isinstance(item, Garble):
                self._out.append(Fault(self._name, now, item.reason, item.raw.hex(" ").upper()))

    def _tell(self, reason: Reason, now: float, detail: str) -> None:
        source = self._poll.meter.name if self._poll is not None and self._wait is not None else self._name
        self._out.append(Fault(source, now, reason, detail))


def byte_s(line: Line) -> float:
    """How long a byte takes on this line, with its start, parity and stop bits."""
    return (1 + line.bits + (line.parity != "N") + line.stop_bits) / line.baud


def device_cost_s(device: Device, line: Line, tables: Mapping[str, DeviceTable]) -> float:
    """How long one poll of this device is expected to keep the bus busy when it answers as most meters do."""
    request = len(dlt645.read_request(dlt645.ANY_ADDRESS, "00000000"))
    return sum(
        TYPICAL_REPLY_S + GAP_S + byte_s(line) * (request + _reply_bytes(query))
        for query in tables[device.model].polled
    )


def expected_round_s(source: SerialSource, tables: Mapping[str, DeviceTable]) -> float:
    """How long one poll of every device of the bus takes, one after the other."""
    return sum(device_cost_s(device, source.line, tables) for device in source.devices)


def bus_load(source: SerialSource, tables: Mapping[str, DeviceTable]) -> float:
    """The share of time the bus is busy; above 1 the devices' `every_s` cannot be met."""
    return sum(device_cost_s(device, source.line, tables) / device.every_s for device in source.devices)


def _reply_bytes(query: Query) -> int:
    return _WAKE_UP_BYTES + dlt645.OVERHEAD_BYTES + _IDENTIFIER_BYTES + query.size
