"""The two wires of a line, bit by bit: what someone hears when several talk, or when settings differ. No I/O, no clock.

Strategy. A wire rests high, and whoever sends a 0 pulls it low: what several send at once is the union of the times in
which any of them pulls. A receiver waits for the wire to fall and then samples it in the middle of each bit of its own
speed. So bytes that overlap mix as they do on a real line, and a wrong speed or parity gives just the garbage, or
nothing, that a real receiver would give. What one talker sends at the receiver's own settings is not sampled at all.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from adapters.poller import byte_s
from adapters.source import Line


class Sent(NamedTuple):
    """Bytes that one talker puts on the wire, one right after the other, beginning `at` a time."""

    at: float
    data: bytes
    line: Line

    @property
    def until(self) -> float:
        return self.at + len(self.data) * byte_s(self.line)


class Heard(NamedTuple):
    """A byte, and when it was complete."""

    at: float
    byte: int


def heard(talk: Iterable[Sent], line: Line, *, is_strict: bool) -> list[Heard]:
    """What a receiver of these settings makes of all that is sent.

    A strict one drops bytes of wrong parity or without a stop bit, as meters do; serial ports pass them on.
    """
    found: list[Heard] = []
    for together in bursts(talk):
        first = together[0]
        if len(together) == 1 and first.line == line:
            step = byte_s(line)
            found += [Heard(first.at + (count + 1) * step, byte) for count, byte in enumerate(first.data)]
        else:
            found += _sampled(_lows(together), line, is_strict=is_strict)
    return found


def bursts(talk: Iterable[Sent]) -> list[list[Sent]]:
    """What is sent, in groups that overlap in time."""
    found: list[list[Sent]] = []
    until = float("-inf")
    for sent in sorted(talk, key=lambda sent: sent.at):
        if sent.at < until:
            found[-1].append(sent)
        else:
            found.append([sent])
        until = max(until, sent.until)
    return found


def _lows(talk: Iterable[Sent]) -> list[tuple[float, float]]:
    """When the wire is low, in order."""
    pulled = []
    for sent in talk:
        bit, step = 1 / sent.line.baud, byte_s(sent.line)
        for count, byte in enumerate(sent.data):
            at = sent.at + count * step
            pulled += [(at + begin * bit, at + end * bit) for begin, end in _zeros(byte, sent.line)]
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(pulled):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


@lru_cache(maxsize=4096)
def _zeros(byte: int, line: Line) -> list[tuple[int, int]]:
    """From which bit to which a byte is low, the start bit being the first."""
    bits = [0, *(byte >> place & 1 for place in range(line.bits))]
    if line.parity != "N":
        bits.append(_parity(byte, line))
    found: list[tuple[int, int]] = []
    for place, bit in enumerate(bits):
        if bit == 0:
            begin = found.pop()[0] if found and found[-1][1] == place else place
            found.append((begin, place + 1))
    return found


def _parity(byte: int, line: Line) -> int:
    ones = (byte & (1 << line.bits) - 1).bit_count()
    return ones & 1 if line.parity == "E" else 1 - (ones & 1)


def _sampled(lows: Sequence[tuple[float, float]], line: Line, *, is_strict: bool) -> list[Heard]:
    """The bytes that a receiver finds on the wire."""
    bit = 1 / line.baud
    has_parity = line.parity != "N"
    found: list[Heard] = []
    ready, index = float("-inf"), 0
    while index < len(lows):
        begin = lows[index][0]
        if begin < ready:   # low since before the receiver was ready: no start
            index += 1
            continue
        levels = _levels(lows, index, [begin + (place + 0.5) * bit for place in range(2 + line.bits + has_parity)])
        if levels[0]:       # too short to be a start bit
            ready = begin + 0.5 * bit
            index += 1
            continue
        byte = sum(level << place for place, level in enumerate(levels[1 : 1 + line.bits]))
        is_good = levels[-1] == 1 and (not has_parity or levels[-2] == _parity(byte, line))
        ready = begin + (len(levels) - 0.5) * bit
        if is_good or not is_strict:
            found.append(Heard(begin + len(levels) * bit, byte))
    return found


def _levels(lows: Sequence[tuple[float, float]], index: int, times: Iterable[float]) -> list[int]:
    """Whether the wire is high at these rising times."""
    levels = []
    for at in times:
        while index < len(lows) and lows[index][1] <= at:
            index += 1
        levels.append(int(index == len(lows) or at < lows[index][0]))
    return levels
