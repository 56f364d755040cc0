"""Naive rules for heaters, as meters and firmware have them: what ours is measured beside."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Alarm(NamedTuple):
    """What a method said about a room, and since when that held (s from the begin)."""

    at: float
    since: float
    is_page: bool


def over(limit_w: float) -> Callable[..., list[Alarm]]:
    """P over a limit for ten seconds."""
    return lambda watts, _, every_s: _held([p > limit_w for p in watts], every_s)


def total_factor(watts: Sequence[float], var: Sequence[float], every_s: int) -> list[Alarm]:
    """What vendors ship: the power factor of all that is on."""
    return _held([p >= 300 and p >= 0.997 * (p * p + q * q) ** 0.5 for p, q in zip(watts, var, strict=True)], every_s)


def firmware(watts: Sequence[float], var: Sequence[float], every_s: int) -> list[Alarm]:
    """The step of P by the step of S, in five of the last seven readings."""
    apparent = [(p * p + q * q) ** 0.5 for p, q in zip(watts, var, strict=True)]
    alarms, was = [], False
    for end in range(7, len(watts)):
        p, s, hits = watts[end - 7], apparent[end - 7], 0
        if watts[end - 2] - p >= 100 or watts[end] - p >= 100:  # else there cannot be five
            hits = sum(
                watts[slot] - p >= 100 and watts[slot] - p > 0.98 * (apparent[slot] - s)
                for slot in range(end - 6, end + 1)
            )
        if hits >= 5 and not was:
            alarms.append(Alarm((end + 1) * every_s, (end - 4) * every_s, is_page=True))
        was = hits >= 5
    return alarms


def plain_step(watts: Sequence[float], _: Sequence[float], every_s: int) -> list[Alarm]:
    """P up by 300 W and settled, whatever it is."""
    alarms = []
    base, n, level = watts[0], 0, watts[0]
    needed = 3 if every_s <= 10 else 1
    for slot, p in enumerate(watts, 1):
        n, level = (n + 1, level) if abs(p - level) <= max(30.0, 0.05 * p) else (1, p)
        if n >= needed:
            if level - base >= 300:
                alarms.append(Alarm(slot * every_s, (slot - n) * every_s, is_page=True))
            base = p
    return alarms


def _held(flags: Sequence[bool], every_s: int) -> list[Alarm]:
    needed, run, alarms = max(1, -(-10 // every_s)), 0, []
    for slot, flag in enumerate(flags, 1):
        run = run + 1 if flag else 0
        if run == needed:
            alarms.append(Alarm(slot * every_s, (slot - run) * every_s, is_page=True))
    return alarms


NEEDS_VAR = frozenset({"total PF >= .997", "dP/dS > .98, 5 of 7"})
NAIVE: Mapping[str, Callable[..., list[Alarm]]] = {
    "P > 800 W for 10 s": over(800.0),
    "P > 1200 W for 10 s": over(1200.0),
    "total PF >= .997": total_factor,
    "dP/dS > .98, 5 of 7": firmware,
    "dP >= 300 W settled": plain_step,
}


