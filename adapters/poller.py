"""Polling a serial bus as a clockless machine: next request, feed, deadline. No I/O.

Strategy. One exchange at a time: a request, then its answer or a deadline. A poll asks one meter for all that its table
lists and ends in one Sample. The meter that has waited longest is next, so no meter starves another. A meter whose poll
brought nothing is asked ever more rarely (up to BACK_OFF_S), and then only once and for one query: a dead meter costs
the bus one timeout in five minutes. A probe that met noise is repeated: that may have been the late answer of the
meter that is probed just before, each time. When a whole bus was silent and one meter answers, all are due at once. A
query that a meter refuses, or never answered and was silent on three times while it answered others, rests for a day.

Meters of several protocols, each with line settings of its own, may share the bus: whatever arrives after a request is
read by the codec of the meter that was asked, and a request says which settings it needs. A query may take several
exchanges; each is tried again on its own, and its values count when all have been answered.

An answer may come so late that it meets the next question, and not every protocol's answers say what they answer. So
what was asked more than once is followed by a silence: if the answer was that to the first try, the answer to the last
is still to come, just as late.

The time is any steady count of seconds; samples and faults carry it, and the transport knows which time of day it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from adapters.bus_record import BusRecord
from adapters.device_table import DeviceTable
from adapters.protocol import AnyCodec, AnyQuery, Decoder, Frame, Garble
from adapters.protocols import CODECS
from adapters.source import Device, Line, SerialSource
from rules.model import Fault, Reason, Sample

REPLY_S = 0.5          # the longest a meter may take to begin its answer, and between two bytes
TYPICAL_REPLY_S = 0.1  # what most take; for estimates only
GAP_S = 0.05           # silence on the line between an answer and the next request
BACK_OFF_S = 300.0
REST_S = 86_400.0
TRIES = 2
SILENCES = 3           # on a query that was never answered, until it rests


class Request(NamedTuple):
    """What to send, and the settings that the line needs for it and for its answer."""

    data: bytes
    line: Line


@dataclass(slots=True, eq=False)
class _Meter:
    """What the poller remembers of one device."""

    device: Device
    name: str
    codec: AnyCodec
    queries: tuple[AnyQuery, ...]
    line: Line
    points: Mapping[str, str]   # by label
    due: float = 0.0
    failures: int = 0
    resting: dict[str, float] = field(default_factory=dict)   # name of a query -> until when
    known: set[str] = field(default_factory=set)   # queries that it ever answered: they never rest for silence
    silences: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Poll:
    """One round of questions to one meter."""

    meter: _Meter
    begun: float
    queries: list[AnyQuery]
    answers: list[Frame] = field(default_factory=list)   # to the first of these queries
    tries: int = 0
    first_try_at: float = 0.0
    last_try_at: float = 0.0
    is_disturbed: bool = False   # something came while an answer was due, and was none
    answered_at: float | None = None
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wait:
    """An answer that is due: until when, and until when at the very latest if bytes keep coming."""

    until: float
    latest: float


class Poller:
    """The bus of one source: says what to send and when to come back, takes what arrives.

    `codecs` by the protocol of a table: what is spoken there. `lag_s` is what the way to the line and back may add to
    an answer, and to the pause between two bytes. `record` takes note of how the bus does.
    """

    def __init__(
        self, source: SerialSource, tables: Mapping[str, DeviceTable], *,
        codecs: Mapping[str, AnyCodec] = CODECS, lag_s: float = 0.0, record: BusRecord | None = None,
    ) -> None:  # fmt: skip
        self._name = source.name
        self._meters = [_meter(source, device, tables[device.model], codecs) for device in source.devices]
        self._lag_s = lag_s
        self._record = record or BusRecord(device_ids(source, tables))
        self._decoder: Decoder[Any] | None = self._meters[0].codec.decoder() if self._meters else None
        self._poll: _Poll | None = None
        self._wait: _Wait | None = None
        self._free_at = 0.0
        self._out: list[Sample | Fault] = []

    def next_request(self, now: float) -> Request | None:
        """What to send now; None when the bus is to be left alone until `deadline`."""
        if self._wait is not None or now < self._free_at:
            return None
        if self._poll is None:
            self._poll = self._begin(now)
        if self._poll is None:
            return None
        self._end_strays(now)
        meter, query = self._poll.meter, self._poll.queries[0]
        request = meter.codec.request(meter.device.address, query, self._poll.answers)
        assert request is not None, "a query that is answered was taken off the list"
        self._decoder = meter.codec.decoder(request)
        reply_s = _reply_s(meter.line) + self._lag_s
        until = now + reply_s + byte_s(meter.line) * (len(request) + meter.codec.reply_bytes(query))
        self._wait = _Wait(until, until + reply_s)
        self._poll.tries += 1
        self._poll.last_try_at = now
        if self._poll.tries == 1:
            self._poll.first_try_at = now
        self._record.asked(meter.name, now)
        return Request(request, meter.line)

    def feed(self, data: bytes, now: float) -> list[Sample | Fault]:
        """What these bytes, or the passing of a deadline (feed `b""` then), bring."""
        if self._decoder is None:
            return []
        found = self._decoder.feed(data)
        if self._wait is not None and now >= self._wait.until:
            found += self._decoder.flush()
        for item in found:
            self._take(item, now)
        if self._wait is not None and now >= self._wait.until:
            self._miss(now)
        elif self._wait is not None and data and self._decoder.is_waiting:
            latest = self._wait.latest
            self._wait = _Wait(min(max(self._wait.until, now + REPLY_S + self._lag_s), latest), latest)
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
            queries = [query for query in meter.queries if query.name not in meter.resting]
            if queries:
                return _Poll(meter, now, queries)
            meter.due = min(meter.resting.values())
        return None

    def _next(self, poll: _Poll, now: float) -> None:
        """The first question is done with; go on to the next one, or end the poll."""
        self._rest(poll, now)
        poll.queries.pop(0)
        poll.answers.clear()
        if not poll.queries:
            self._end(poll, now)

    def _rest(self, poll: _Poll, now: float) -> None:
        """An exchange is over: leave the line alone until nothing of it can meet the next one."""
        self._wait = None
        self._free(poll, now + GAP_S + poll.last_try_at - poll.first_try_at)
        poll.tries = 0

    def _free(self, poll: _Poll, at: float) -> None:
        """The line is for others again from then on."""
        self._free_at = at
        self._record.busy(poll.last_try_at, at)

    def _end(self, poll: _Poll, now: float) -> None:
        meter = poll.meter
        self._poll = None
        if poll.answered_at is None:
            meter.failures += 1
            self._record.silent(meter.name, poll.begun)
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
        poll = self._poll
        if isinstance(item, Garble):
            self._disturb(item.reason, now, item.raw)
            return
        if not item.is_reply or poll is None or self._wait is None:
            return  # our own request, echoed by the adapter; or an answer that came too late
        codec, address, query = poll.meter.codec, poll.meter.device.address, poll.queries[0]
        wrong = codec.mismatch(item, address, query, poll.answers)
        if wrong is not None:
            self._disturb(wrong, now, item.raw)
            return
        self._record.answered(poll.meter.name, now)
        if poll.answered_at is None:
            poll.answered_at = now
        refusal = codec.refusal(item)
        if refusal is not None:
            if refusal.is_lasting:
                poll.meter.resting[query.name] = now + REST_S
            self._tell(Reason.METER_REFUSED, now, f"{query.name}: {refusal.text}")
            self._next(poll, now)
            return
        poll.answers.append(item)
        if codec.request(address, query, poll.answers) is not None:   # its answer has more parts
            self._rest(poll, now)
            return
        self._read(poll, query, now)
        self._next(poll, now)

    def _disturb(self, reason: Reason, now: float, raw: bytes) -> None:
        """What came is no answer; it may have drowned one."""
        if self._poll is not None:
            self._poll.is_disturbed = True
        self._tell(reason, now, raw.hex(" ").upper())

    def _read(self, poll: _Poll, query: AnyQuery, now: float) -> None:
        meter = poll.meter
        meter.known.add(query.name)
        values = meter.codec.decode(query, poll.answers, multiplier=meter.device.multiplier)
        if isinstance(values, Reason):
            self._tell(values, now, " / ".join(frame.raw.hex(" ").upper() for frame in poll.answers))
            return
        for label, value in values.items():
            poll.values[meter.points[label]] = value

    def _miss(self, now: float) -> None:
        """The answer did not come: once more, or on without it."""
        poll = self._poll
        assert poll is not None
        is_probe = poll.meter.failures > 0 and poll.answered_at is None and not poll.is_disturbed
        name = poll.queries[0].name
        is_over = is_probe or poll.tries == TRIES
        if is_over:
            self._tell(Reason.NO_ANSWER, now, name)
        self._wait = None
        self._free(poll, now + GAP_S)
        if not is_over:
            return
        if poll.answered_at is None:
            self._end(poll, now)
            return
        if name not in poll.meter.known:
            silences = poll.meter.silences[name] = poll.meter.silences.get(name, 0) + 1
            if silences % SILENCES == 0:
                poll.meter.resting[name] = now + REST_S
        self._next(poll, now)
        self._free_at += _reply_s(poll.meter.line) + self._lag_s

    def _end_strays(self, now: float) -> None:
        """What lay on the line while nobody was asked belongs to no meter."""
        for item in self._decoder.flush() if self._decoder else ():
            if isinstance(item, Garble):
                self._add_fault(self._name, now, item.reason, item.raw.hex(" ").upper())

    def _tell(self, reason: Reason, now: float, detail: str) -> None:
        source = self._poll.meter.name if self._poll is not None and self._wait is not None else self._name
        self._add_fault(source, now, reason, detail)

    def _add_fault(self, source: str, now: float, reason: Reason, detail: str) -> None:
        self._record.fault(source, reason)
        self._out.append(Fault(source, now, reason, detail))


def device_ids(source: SerialSource, tables: Mapping[str, DeviceTable]) -> list[str]:
    """What the devices of a bus are called in samples, faults and statistics."""
    return [tables[device.model].device_id(source.name, device.address) for device in source.devices]


def byte_s(line: Line) -> float:
    """How long a byte takes on this line, with its start, parity and stop bits."""
    return (1 + line.bits + (line.parity != "N") + line.stop_bits) / line.baud


def device_cost_s(device: Device, line: Line, tables: Mapping[str, DeviceTable]) -> float:
    """How long one poll of this device is expected to keep the bus busy when it answers as most meters do."""
    codec, cost_s = tables[device.model].codec, 0.0
    for query in tables[device.model].polled:
        request = codec.request(device.address, query) or b""
        cost_s += TYPICAL_REPLY_S + GAP_S + byte_s(device.line or line) * (len(request) + codec.reply_bytes(query))
    return cost_s


def expected_round_s(source: SerialSource, tables: Mapping[str, DeviceTable]) -> float:
    """How long one poll of every device of the bus takes, one after the other."""
    return sum(device_cost_s(device, source.line, tables) for device in source.devices)


def bus_load(source: SerialSource, tables: Mapping[str, DeviceTable]) -> float:
    """The share of time the bus is busy; above 1 the devices' `every_s` cannot be met."""
    return sum(device_cost_s(device, source.line, tables) / device.every_s for device in source.devices)


def _meter(
    source: SerialSource, device: Device, table: DeviceTable, codecs: Mapping[str, AnyCodec]
) -> _Meter:  # fmt: skip
    points = {field.label: device.point_id(field.part, field.quantity) for field in table.fields}
    name, line = table.device_id(source.name, device.address), device.line or source.line
    return _Meter(device, name, codecs[table.protocol], table.polled, line, points)


def _reply_s(line: Line) -> float:
    """How long a meter may take to begin: on slow lines M-Bus allows for 330 bits and 50 ms."""
    return max(REPLY_S, 330 / line.baud + 0.05)
