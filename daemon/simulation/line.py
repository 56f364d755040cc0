"""A line with simulated meters, as a clockless machine: what is sent to it, what comes back and when. No I/O.

    line.feed(request, now, settings=line)    # what the program sends, with the settings of its port
    line.due()                                # when something has arrived for it; None: nothing is under way
    line.take(now)                            # what has arrived until then

Strategy. All that is sent lies on the wire as a talker's bytes with their time; what anybody hears is worked out of it
(wire.py). So answers that overlap collide, whoever uses other settings hears garbage, and a late answer meets the next
request. Meters of one protocol and one setting share a decoder: it is the same that they hear. Times never go back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from adapters.protocol import Decoder, Garble
from adapters.source import Line
from daemon.simulation.meter import Meter
from daemon.simulation.wire import Heard, Sent, bursts, heard

CHUNK_S = 0.016     # an adapter hands over what it has heard after so long at the latest
_STILL_S = 0.02     # a pause after which a meter takes what comes for the beginning of a frame
_NOISE = Line(19_200, 8, "N", 1)
_MOST_NOISE = 6     # bytes of one crackle


@dataclass(slots=True)
class _Ear:
    """Meters that hear the same: of one protocol, at the same settings (None: at whatever is used)."""

    line: Line | None
    meters: list[Meter]
    decoder: Decoder[Any] = field(init=False)
    heard_at: float = 0.0

    def __post_init__(self) -> None:
        self.decoder = self.meters[0].codec.decoder()


class SimulatedLine:
    """Meters that share one pair of wires.

    `echoes`: the adapter returns what is sent. `noise_per_s`: how many crackles there are; `seed` makes their times.
    """

    def __init__(
        self, meters: Iterable[Meter], *, echoes: bool = False, noise_per_s: float = 0.0, seed: int = 0
    ) -> None:
        self.meters = tuple(meters)
        self.echoes = echoes
        self._ears = _ears(self.meters)
        self._chance = Random(seed)
        self._noise_per_s = noise_per_s
        self._noise_at: float | None = None
        self._on_wire: list[Sent] = []    # by meters, by noise, and as an echo
        self._settings = Line()           # of the port, as last used
        self._sent_until = float("-inf")  # by the program
        self._taken_until = float("-inf")
        self._arriving: list[Heard] | None = []   # None: to be worked out again

    def feed(self, data: bytes, now: float, *, settings: Line) -> None:
        """The program sends these bytes, after what it sent before."""
        if settings != self._settings:
            self._settings, self._arriving = settings, None
        sent = Sent(max(now, self._sent_until), data, settings)
        self._sent_until = sent.until
        self._crackle(sent.until)
        near = [sent, *(other for other in self._on_wire if other.at < sent.until and other.until > sent.at)]
        for ear in self._ears:
            for meter, request in _requests(ear, near, settings):
                answer = meter.answer(request, sent.until)
                if answer:
                    self._put(Sent(sent.until + meter.delay_s, answer, meter.line or settings))
        if self.echoes:
            self._put(sent)

    def take(self, now: float) -> bytes:
        """What has arrived for the program until now."""
        self._crackle(now)
        arriving = self._heard()
        data = bytes(byte for at, byte in arriving if at <= now)
        self._arriving = arriving[len(data) :]
        self._taken_until = max(self._taken_until, now)
        under_way = (together for together in bursts(self._on_wire) if any(sent.until > now for sent in together))
        self._on_wire = [sent for together in under_way for sent in together]
        return data

    def due(self) -> float | None:
        """When to take what arrives; None while nobody sends."""
        arriving = self._heard()
        if arriving:
            return min(arriving[0].at + CHUNK_S, arriving[-1].at)
        if self._on_wire:
            return max(sent.until for sent in self._on_wire)
        return self._noise_at

    def _put(self, sent: Sent) -> None:
        self._on_wire.append(sent)
        self._arriving = None

    def _heard(self) -> list[Heard]:
        if self._arriving is None:
            arriving = heard(self._on_wire, self._settings, is_strict=False)
            self._arriving = [byte for byte in arriving if byte.at > self._taken_until]
        return self._arriving

    def _crackle(self, until: float) -> None:
        """Put the noise of the time until then on the wire."""
        if not self._noise_per_s:
            return
        if self._noise_at is None:
            self._noise_at = until + self._chance.expovariate(self._noise_per_s)
        while self._noise_at <= until:
            self._put(Sent(self._noise_at, self._chance.randbytes(self._chance.randint(1, _MOST_NOISE)), _NOISE))
            self._noise_at += self._chance.expovariate(self._noise_per_s)


def _ears(meters: Iterable[Meter]) -> list[_Ear]:
    groups: dict[tuple[str, Line | None], list[Meter]] = {}
    for meter in meters:
        groups.setdefault((meter.codec.name, meter.line), []).append(meter)
    return [_Ear(line, group) for (_, line), group in groups.items()]


def _requests(ear: _Ear, near: list[Sent], settings: Line) -> Iterable[tuple[Meter, Any]]:
    """The frames that these meters hear of what is sent first, while others may send too."""
    sent, line = near[0], ear.line or settings
    if sent.at - ear.heard_at > _STILL_S:
        ear.decoder.flush()
    ear.heard_at = sent.until
    data = bytes(byte for at, byte in heard(near, line, is_strict=True) if sent.at < at)
    return [
        (meter, frame)
        for frame in ear.decoder.feed(data) if not isinstance(frame, Garble) and not frame.is_reply
        for meter in ear.meters
    ]  # fmt: skip
