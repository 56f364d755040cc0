"""Listening to a bus that has a master already, as a clockless machine: feed, deadline, and never a request. No I/O.

Strategy. Two masters on one line collide, so where the prepayment system already polls the meters Caretaker only hears
what it asks and what they answer. All bytes go through one decoder that looks for the frames of every protocol of the
configured devices (of all protocols where there are none): a whole frame wins, and as long as one protocol still waits
for the end of what may be its frame, nothing is given up. A line that was still for QUIET_S ends that wait.

What an answer says of itself decides what it means: DL/T 645 names the identifier, CJ/T 188 and M-Bus their values. A
Modbus answer names nothing, so the request before it is remembered, and whatever registers of the device's table it
covers are read. An answer without its request is taken for none. A device may also answer late, when its master has
given up and asks for something else: a request for other registers, as many, is doubtful for LATE_S after one without
an answer, and what is answered is taken for neither.

What is heard and how often is up to the foreign master: a device's `every_s` only says when `silent` misses it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from adapters import mbus, modbus
from adapters.bus_record import BusRecord
from adapters.device_table import DeviceTable
from adapters.poller import REPLY_S, byte_s, device_ids
from adapters.protocol import AnyCodec, AnyQuery, Decoder, Frame, Garble
from adapters.protocols import CODECS
from adapters.source import Device, SerialSource
from rules.model import Fault, Reason, Sample

ANSWER_S = 1.0         # the longest after a request that an answer begins
LATE_S = 3.0           # after that, for how long an answer may still come when something else is asked
QUIET_S = REPLY_S      # a stillness that no frame holds

_WAKE_UP = 0xFE


class _Heard(NamedTuple):
    """A whole frame, and the protocols that know such frames."""

    raw: bytes
    frame: Any
    protocols: tuple[str, ...]

    @property
    def address(self) -> str:
        return str(self.frame.address)

    @property
    def is_reply(self) -> bool:
        return bool(self.frame.is_reply)


class _Meter(NamedTuple):
    device: Device
    name: str
    protocol: str
    codec: AnyCodec
    queries: tuple[AnyQuery, ...]
    points: Mapping[str, str]   # by label


class _Open(NamedTuple):
    """A request whose answer is still to come; `meter` is None where it is for nobody that is configured."""

    raw: bytes
    frame: Any
    meter: _Meter | None
    at: float
    is_doubtful: bool


class Listener:
    """What is said on the bus of one source: takes what arrives, gives what it means, says when to come back."""

    def __init__(
        self, source: SerialSource, tables: Mapping[str, DeviceTable], *,
        lag_s: float = 0.0, record: BusRecord | None = None,
    ) -> None:  # fmt: skip
        self._name = source.name
        self._byte_s = byte_s(source.line)
        self._meters = [_meter(source, device, tables[device.model]) for device in source.devices]
        self._ear = _Ear({meter.protocol for meter in self._meters} or set(CODECS))
        self._decoder: Decoder[_Heard] = Decoder(self._ear.look, wake_up=_WAKE_UP)
        self._lag_s = lag_s
        self._record = record or BusRecord(device_ids(source, tables))
        self._heard_at = 0.0
        self._open: _Open | None = None
        self._late: dict[str, dict[bytes, float]] = {}   # by address: Modbus requests without an answer, until when
        self._out: list[Sample | Fault] = []

    def next_request(self, now: float) -> None:
        """Nothing, ever."""

    def feed(self, data: bytes, now: float) -> list[Sample | Fault]:
        """What these bytes, or the passing of a deadline (feed `b""` then), bring."""
        if self._decoder.is_waiting and now >= self._quiet_at():
            self._take(self._ear.give_up(self._decoder), now)
        if self._open is not None and now >= self._closes_at(self._open):
            self._ear.asked = b""
            self._miss(now)
        if data:
            self._record.busy(now - len(data) * self._byte_s, now)
            self._heard_at = now
            self._take(self._decoder.feed(data), now)
        out, self._out = self._out, []
        return out

    def deadline(self) -> float | None:
        """When to call again if nothing arrives."""
        times = [self._quiet_at()] if self._decoder.is_waiting else []
        return min(times + ([self._closes_at(self._open)] if self._open else []), default=None)

    def _quiet_at(self) -> float:
        return self._heard_at + QUIET_S + self._lag_s

    def _closes_at(self, asked: _Open) -> float:
        """Until when a request may be answered; an answer that has begun may end."""
        return max(asked.at + ANSWER_S + self._lag_s, self._quiet_at())

    def _take(self, found: list[_Heard | Garble], now: float) -> None:
        for item in found:
            if isinstance(item, Garble):
                self._tell(self._name, now, item.reason, item.raw.hex(" ").upper())
            elif item.is_reply:
                self._answered(item, now)
            else:
                self._asked(item, now)

    # -- the foreign master

    def _asked(self, heard: _Heard, now: float) -> None:
        """A request: the one before it stays without an answer."""
        self._miss(now)
        late = self._late_of(heard.address, now) if isinstance(heard.frame, modbus.Frame) else ()
        is_doubtful = any(modbus.are_alike(raw, heard.raw) for raw in late)
        meter = next((meter for meter in self._meters if _is_from(heard, meter)), None)
        self._open = _Open(heard.raw, heard.frame, meter, now, is_doubtful)
        if meter is not None:
            self._record.asked(meter.name, now)

    def _miss(self, now: float) -> None:
        """Nobody answered what was asked."""
        asked, self._open = self._open, None
        if asked is not None:
            self._await(asked, now, now + LATE_S + self._lag_s)
        if asked is not None and asked.meter is not None:
            self._record.silent(asked.meter.name, asked.at)
            self._tell(asked.meter.name, now, Reason.NO_ANSWER, asked.raw.hex(" ").upper())

    def _late_of(self, address: str, now: float) -> dict[bytes, float]:
        return {raw: until for raw, until in self._late.get(address, {}).items() if now < until}

    def _await(self, asked: _Open, now: float, until: float) -> None:
        """The answer to a Modbus request may still come, among those to later ones."""
        if isinstance(asked.frame, modbus.Frame):
            address = asked.frame.address
            self._late[address] = self._late_of(address, now) | {asked.raw: until}

    def _doubt(self, asked: _Open, heard: _Heard, now: float) -> None:
        """Where an answer may be a late one to an earlier request, that to the last one may still come.

        No longer than that to the earlier one: doubt must end on a bus that is never still.
        """
        late = self._late_of(asked.frame.address, now)
        is_other = not isinstance(heard.frame, modbus.Frame) or heard.address != asked.frame.address
        if is_other or (late and (asked.is_doubtful or not modbus.fits(heard.frame, asked.raw))):
            self._await(asked, now, max(late.values(), default=now + LATE_S + self._lag_s))

    # -- the devices

    def _answered(self, heard: _Heard, now: float) -> None:
        asked, self._open = self._open, None
        if asked is not None:
            self._doubt(asked, heard, now)
        if isinstance(heard.frame, mbus.Frame) and heard.frame.is_ack:   # it has no address
            if asked is not None and asked.meter is not None:
                self._record.answered(asked.meter.name, now)
            return
        meter = next((meter for meter in self._meters if _is_from(heard, meter)), None)
        if meter is None:
            who = f"{_protocol(heard)} {heard.address}"
            self._record.heard(who)
            self._tell(self._name, now, Reason.UNKNOWN_ADDRESS, who)
            return
        self._record.answered(meter.name, now)
        refusal = meter.codec.refusal(heard.frame)
        if refusal is not None:
            self._tell(meter.name, now, Reason.METER_REFUSED, refusal.text)
            return
        values: dict[str, float] = {}
        for query in self._queries(meter, heard, asked, now):
            found = self._read(meter, query, heard, now)
            values |= {meter.points[label]: value for label, value in found.items()}
        if values:
            self._out.append(Sample(now, meter.name, values))

    def _queries(self, meter: _Meter, heard: _Heard, asked: _Open | None, now: float) -> list[AnyQuery]:
        """What an answer may be read as: for Modbus, what its request covers."""
        if not isinstance(heard.frame, modbus.Frame):
            return list(meter.queries)
        if asked is None or asked.is_doubtful or asked.frame.address != heard.address:
            self._tell(meter.name, now, Reason.WRONG_DATA, heard.raw.hex(" ").upper())
            return []
        return [part for query in meter.queries if (part := modbus.covered(query, asked.frame)) is not None]

    def _read(self, meter: _Meter, query: AnyQuery, heard: _Heard, now: float) -> Mapping[str, float]:
        """What an answer says of a query; nothing where the master asked for something else."""
        wrong = meter.codec.mismatch(heard.frame, meter.device.address, query, (heard.frame,))
        if wrong is None:
            found = meter.codec.decode(query, (heard.frame,), multiplier=meter.device.multiplier)
            if not isinstance(found, Reason):
                return found
            wrong = found
        elif wrong is not Reason.OTHER_EDITION:
            return {}
        self._tell(meter.name, now, wrong, heard.raw.hex(" ").upper())
        return {}

    def _tell(self, source: str, now: float, reason: Reason, detail: str) -> None:
        self._record.fault(source, reason)
        self._out.append(Fault(source, now, reason, detail))


class _Ear:
    """What begins at one byte, in any of several protocols; `asked` is the Modbus request that waits for its answer."""

    def __init__(self, protocols: set[str]) -> None:
        looks: dict[Callable[[bytes, int], Frame | Garble], tuple[str, ...]] = {}
        for name, codec in CODECS.items():
            if name in protocols:
                look = self._overhear if isinstance(codec, modbus.Modbus) else codec.decoder().look
                looks[look] = (*looks.get(look, ()), name)
        self._looks = tuple(looks.items())
        self._has_mbus = "mbus" in protocols
        self._is_last = False
        self.asked = b""

    def look(self, buffer: bytes, at: int) -> _Heard | Garble:
        """The frame that begins here, or why there is none (yet)."""
        wrong: list[Garble] = []
        if self._has_mbus and buffer[at] == mbus.ACK and buffer[at + 1 : at + 2] in (b"\x10", b"\x68"):
            buffer = buffer[: at + 1]   # a request follows at once
        for look, protocols in self._looks:
            seen = look(buffer, at)
            if isinstance(seen, Garble):
                wrong.append(seen)
                continue
            is_question = isinstance(seen, modbus.Frame) and not seen.is_reply
            self.asked = seen.raw if is_question else b""
            return _Heard(seen.raw, seen, protocols)
        half = [item for item in wrong if item.reason is Reason.HALF_FRAME]
        whole = [item for item in wrong if item.reason not in (Reason.HALF_FRAME, Reason.NOISE)]
        return ((whole + half if self._is_last else half + whole) or wrong)[0]

    def give_up(self, decoder: Decoder[_Heard]) -> list[_Heard | Garble]:
        """What a decoder holds back, now that the line was still for too long."""
        self._is_last = True
        found = decoder.flush()
        self._is_last = False
        return found

    def _overhear(self, buffer: bytes, at: int) -> Frame | Garble:
        return modbus.overhear(buffer, at, asked=self.asked)


def _meter(source: SerialSource, device: Device, table: DeviceTable) -> _Meter:
    points = {field.label: device.point_id(field.part, field.quantity) for field in table.fields}
    name = table.device_id(source.name, device.address)
    return _Meter(device, name, table.protocol, table.codec, table.polled, points)


def _is_from(heard: _Heard, meter: _Meter) -> bool:
    """Whether a frame is from this meter, or for it."""
    if meter.protocol not in heard.protocols:
        return False
    frame, address = heard.frame, meter.device.address
    return mbus.fits(frame, address) if isinstance(frame, mbus.Frame) else frame.address == address


def _protocol(heard: _Heard) -> str:
    """What is spoken in a frame, where editions share their frames."""
    if getattr(heard.frame, "is_1997", False):
        return "dlt645-1997"
    return heard.protocols[0]
