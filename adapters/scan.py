"""Searching a line for meters as a clockless machine: next request, feed, deadline. No I/O.

Strategy. A scan is a row of stages: the search of one protocol at one setting of the line. The commonest settings come
first, so that the first meters show soon. One probe at a time is sent; then the machine listens until whoever may
answer had the time to begin, and the line is still. A search that is run against silence tells how long its stage will
take on an empty line, which is what remains is reckoned from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from adapters import dlt698, scan_cjt188, scan_dlt645, scan_mbus, scan_modbus
from adapters.device_table import DeviceTable
from adapters.poller import GAP_S, Request, byte_s
from adapters.protocol import AnyCodec, Decoder, Garble
from adapters.protocols import CODECS
from adapters.scan_probe import SILENCE, Found, Heard, More, Note, Probe, Search, Step
from adapters.source import Line
from rules.model import Reason

STILL_S = 0.1         # no byte for so long: whoever was sending has ended
_LONGEST_BYTES = 600  # two of the longest frames: what lasts longer is noise

DLT645, CJT188, MBUS, MODBUS = "dlt645", "cjt188", "mbus", "modbus"
PROTOCOLS = (DLT645, CJT188, MBUS, MODBUS)
_CODEC_NAMES = {DLT645: "dlt645-2007", CJT188: "cjt188-2004", MBUS: "mbus", MODBUS: "modbus"}
LINES: Sequence[tuple[Line, tuple[str, ...]]] = (  # who is met at these settings, the commonest first
    (Line(2400, 8, "E", 1), (DLT645, CJT188, MBUS)),
    (Line(9600, 8, "N", 1), (MODBUS, DLT645, CJT188)),
    (Line(9600, 8, "E", 1), (DLT645, MODBUS, CJT188, MBUS)),
    (Line(1200, 8, "E", 1), (DLT645, CJT188)),
    (Line(4800, 8, "E", 1), (DLT645, CJT188, MBUS)),
    (Line(2400, 8, "N", 1), (MODBUS, DLT645, CJT188)),
    (Line(4800, 8, "N", 1), (MODBUS,)),
    (Line(19_200, 8, "E", 1), (MODBUS,)),
    (Line(19_200, 8, "N", 1), (MODBUS,)),
    (Line(300, 8, "E", 1), (MBUS,)),
)


class Stage(NamedTuple):
    """The search of one protocol at one setting; `begin` begins it anew."""

    protocol: str
    line: Line
    begin: Callable[[], Search[None]]


class Met(NamedTuple):
    """A meter, and the settings it answered at."""

    found: Found
    line: Line


@dataclass(slots=True)
class Tally:
    """What was on the line, in bytes, but for echoes."""

    echoes: int = 0       # of our own requests
    answered: int = 0     # bytes after a probe
    unasked: int = 0      # bytes that nobody had asked for
    frames: int = 0


@dataclass(slots=True)
class _Exchange:
    """A probe that was sent: until when to wait, and what has come."""

    probe: Probe
    decoder: Decoder[Any]
    until: float
    latest: float
    held: bytearray = field(default_factory=bytearray)   # what may become our own echo
    is_past_echo: bool = False
    frames: list[Any] = field(default_factory=list)
    garbles: list[Garble] = field(default_factory=list)


def stages(
    tables: Mapping[str, DeviceTable], *, protocols: Sequence[str] = PROTOCOLS, line: Line | None = None,
    every_address: bool = False, codecs: Mapping[str, AnyCodec] = CODECS,
) -> list[Stage]:  # fmt: skip
    """What to search for, in order; with a `line` all protocols at this setting alone.

    `codecs` are what is spoken there, see link.py.
    """
    searches: Mapping[str, Sequence[tuple[str, Callable[[], Search[None]]]]] = {
        DLT645: (
            ("DL/T 645-2007", scan_dlt645.of_2007), ("DL/T 645-1997", scan_dlt645.of_1997),
            ("DL/T 698.45", scan_dlt645.of_698),
        ),
        CJT188: (("CJ/T 188", partial(scan_cjt188.of_all, tables)),),
        MBUS: (("M-Bus", partial(scan_mbus.of_all, tables, every_address=every_address)),),
        MODBUS: (("Modbus", partial(scan_modbus.of_all, codecs[MODBUS], tables, every_address=every_address)),),
    }  # fmt: skip
    lines = LINES if line is None else [(line, PROTOCOLS)]
    return [
        Stage(title, at, begin)
        for at, usual in lines
        for protocol in usual if protocol in protocols and _CODEC_NAMES[protocol] in codecs
        for title, begin in searches[protocol]
    ]  # fmt: skip


class Scan:
    """The search of one line: says what to send and when to come back, takes what arrives, tells whom it met.

    `reply_s` is how long a device may take to begin its answer; None: as each protocol allows. `lag_s` is what the way
    to the line may add, see link.py; `gap_s` how long a line is left alone between an answer and the next request.
    """

    def __init__(
        self, todo: Iterable[Stage], *, reply_s: float | None = None, lag_s: float = 0.0, gap_s: float = GAP_S
    ) -> None:
        self._reply_s = reply_s
        self._lag_s = lag_s
        self._gap_s = gap_s
        self._todo = [(stage, self._cost_s(stage)) for stage in todo]
        self._search: Search[None] | None = None
        self._probe: Probe | None = None       # to be sent next
        self._exchange: _Exchange | None = None
        self._free_at = float("-inf")
        self._known: set[tuple[str, str]] = set()
        self._told: set[Note] = set()
        self._out: list[Met | Note | Stage] = []
        self._spent_s = 0.0     # on this stage, as if all had been silent
        self._probe_s = 0.0     # of that on the last probe
        self.tally = Tally()
        self.done_s = 0.0       # of all stages before this one
        self.expected_s = sum(cost for _, cost in self._todo)
        self._advance(None)

    @property
    def is_over(self) -> bool:
        return not self._todo

    @property
    def stage(self) -> Stage | None:
        """What is searched for now."""
        return self._todo[0][0] if self._todo else None

    @property
    def reached_s(self) -> float:
        """How much of `expected_s` is done."""
        return self.done_s + min(self._spent_s, self._todo[0][1] if self._todo else 0.0)

    def skip(self, line: Line) -> None:
        """Leave out what needs settings that the port cannot have, the stage that runs among them."""
        self.expected_s -= sum(cost for stage, cost in self._todo if stage.line == line)
        self._todo = [(stage, cost) for stage, cost in self._todo if stage.line != line]
        self._search = self._probe = self._exchange = None
        self._spent_s = 0.0
        self._advance(None)

    def next_request(self, now: float) -> Request | None:
        """What to send now; None when the line is to be left alone until `deadline`."""
        probe, stage = self._probe, self.stage
        if probe is None or stage is None or now < self._free_at:
            return None
        self._probe = None
        until = now + self._silent_s(probe, stage.line)
        latest = until + byte_s(stage.line) * _LONGEST_BYTES
        self._exchange = _Exchange(probe, probe.codec.decoder(probe.request), until, latest)
        return Request(probe.request, stage.line) if probe.request else None

    def deadline(self) -> float | None:
        """When to call again if nothing arrives; None when all is searched."""
        if self.is_over:
            return None
        return self._free_at if self._exchange is None else self._exchange.until

    def feed(self, data: bytes, now: float) -> list[Met | Note | Stage]:
        """What these bytes, or the passing of a deadline (feed `b""` then), bring; a Stage when it begins."""
        exchange = self._exchange
        if exchange is None:
            self.tally.unasked += len(data)
        else:
            self._listen(exchange, data, now)
            if now >= exchange.until:
                self._end(exchange, now)
        out, self._out = self._out, []
        return out

    # -- an exchange

    def _listen(self, exchange: _Exchange, data: bytes, now: float) -> None:
        if not data:
            return
        self._take(exchange, exchange.decoder.feed(self._past_echo(exchange, data)))
        exchange.until = min(max(exchange.until, now + STILL_S + self._lag_s), exchange.latest)
        if exchange.frames and not exchange.probe.is_shared and not exchange.decoder.is_waiting:
            exchange.until = now   # this is the answer: nobody else was asked

    def _past_echo(self, exchange: _Exchange, data: bytes) -> bytes:
        """What is not our own request, returned by the adapter before anything else."""
        if exchange.is_past_echo or not exchange.probe.request:
            return data
        exchange.held += data
        request, held = exchange.probe.request, bytes(exchange.held)
        if len(held) < len(request) and request.startswith(held):
            return b""
        exchange.is_past_echo = True
        exchange.held.clear()
        if not held.startswith(request):
            return held
        self.tally.echoes += 1
        return held[len(request) :]

    def _take(self, exchange: _Exchange, items: Iterable[Any]) -> None:
        for item in items:
            if isinstance(item, Garble):
                exchange.garbles.append(item)
            elif item.is_reply:
                exchange.frames.append(item)
            elif item.raw == exchange.probe.request.lstrip(b"\xfe"):
                self.tally.echoes += 1
            else:
                self.tally.unasked += len(item.raw)   # another master's request

    def _end(self, exchange: _Exchange, now: float) -> None:
        self._take(exchange, exchange.decoder.feed(bytes(exchange.held)))
        self._take(exchange, exchange.decoder.flush())
        heard = Heard(tuple(exchange.frames), tuple(exchange.garbles))
        self.tally.frames += len(heard.frames)
        size = sum(len(frame.raw) for frame in heard.frames) + sum(garble.size for garble in heard.garbles)
        if exchange.probe.request:
            self.tally.answered += size
        else:
            self.tally.unasked += size
        self._tell_strangers(heard)
        self._exchange = None
        self._free_at = now if heard.is_silent else now + self._gap_s
        stage = self.stage
        assert stage is not None
        self._probe_s = self._silent_s(exchange.probe, stage.line)
        self._spent_s += self._probe_s
        self._advance(heard)

    def _tell_strangers(self, heard: Heard) -> None:
        """Name the meters whose frames are whole, but cannot be read."""
        for garble in heard.garbles:
            if garble.reason is Reason.OTHER_PROTOCOL and dlt698.is_reply(garble.raw):
                self._tell(Note("dlt698", dlt698.address(garble.raw)))

    def _tell(self, note: Note) -> None:
        if note not in self._told:
            self._told.add(note)
            self._out.append(note)

    # -- the stages

    def _advance(self, heard: Heard | None) -> None:
        """Go on to the next probe, of this stage or of the next one."""
        while self._probe is None and self._todo:
            stage, cost = self._todo[0]
            if self._search is None:
                self._search = stage.begin()
                self._out.append(stage)
                heard = None
            try:
                step = next(self._search) if heard is None else self._search.send(heard)
            except StopIteration:
                self.done_s += cost
                del self._todo[0]
                self._search, self._spent_s = None, 0.0
                continue
            heard = SILENCE
            self._take_step(step, stage, cost)

    def _take_step(self, step: Step, stage: Stage, cost: float) -> None:
        if isinstance(step, Probe):
            self._probe = step
        elif isinstance(step, Note):
            self._tell(step)
        elif isinstance(step, More):
            more_s = step.probes * self._probe_s
            self._todo[0] = (stage, cost + more_s)
            self.expected_s += more_s
        elif (step.protocol, step.address) not in self._known:
            self._known.add((step.protocol, step.address))
            self._out.append(Met(step, stage.line))

    def _wait_s(self, probe: Probe) -> float:
        return self._lag_s + (probe.reply_s if self._reply_s is None else self._reply_s)

    def _silent_s(self, probe: Probe, line: Line) -> float:
        """What a probe takes that nobody answers."""
        return byte_s(line) * len(probe.request) + self._wait_s(probe)

    def _cost_s(self, stage: Stage) -> float:
        """What a stage takes on a line where nobody answers."""
        search = stage.begin()
        cost_s, step = 0.0, next(search, None)
        while step is not None:
            if isinstance(step, Probe):
                cost_s += self._silent_s(step, stage.line)
            try:
                step = search.send(SILENCE)
            except StopIteration:
                break
        return cost_s
