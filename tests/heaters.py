"""A dorm room whose heaters are switched on and off: what the tests of high power share."""

from collections.abc import Iterable

from recordings import at, site, turns

from rules.fact import PERMIT
from rules.high_power import HighPower
from rules.model import Event, Sample
from rules.watch import Watch

ROOM = "dorm/101"
BEGIN = at("2026-03-02 00:00")
NOON = BEGIN + 12 * 3600.0
TOLD_AT_ONCE = HighPower(strikes=1)
P, Q = f"{ROOM}/power_w", f"{ROOM}/reactive_power_var"


def one(*, has_q: bool, every_s: float = 5.0, kind: str = "dorm_room", rule: HighPower = TOLD_AT_ONCE) -> list[Watch]:
    quantities = ["power_w", "reactive_power_var"] if has_q else ["power_w"]
    return list(rule.watches(site({ROOM: (kind, [*quantities, *PERMIT])}, every_s=every_s)))


def steps(
    rows: Iterable[tuple[float, float, float | None]], *, begin: float = NOON, every_s: float = 5.0
) -> list[Sample]:
    """Samples from `(seconds, W, var)` rows; None: no reactive power in the message."""
    out, when = [], begin
    for seconds, watts, var in rows:
        end = when + seconds
        while when < end:
            out.append(Sample(when, ROOM, {P: watts} if var is None else {P: watts, Q: var}))
            when += every_s
    return out


def seconds(events: Iterable[Event], begin: float = NOON) -> list[tuple[str, float]]:
    return [(turn, round(minute * 60)) for turn, minute in turns(events, begin)]


KETTLE = (180.0, 1560.0, 20.0)
IDLE = (60.0, 60.0, 20.0)
