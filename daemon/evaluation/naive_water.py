"""The water rules that others use, as the measure beside ours; each over whole litres of each minute.

Sources: flow in each minute for 20 min (Phyn); a gallon in each of 24 hours (AquaCUE); a fixed limit for the lowest
hour of the night; a fifth of Q3 for half an hour (flowIQ).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

GALLON_L = 3.785
LIMIT_L_H = 10.0
Q3_SHARE_LPM = 0.2 * 2500 / 60

Naive = Callable[[Sequence[float], int], Iterator[int]]  # litres, minute of the day of the first -> minutes of alarms


def flow_for_20_min(litres: Sequence[float], first: int) -> Iterator[int]:
    """Twenty minutes without one that drew nothing."""
    running = 0
    for index, drew in enumerate(litres):
        running = running + 1 if drew > 0 else 0
        if running == 20:
            yield index


def gallon_each_hour(litres: Sequence[float], first: int) -> Iterator[int]:
    """A gallon or more in each of the last 24 hours; once until an hour draws less."""
    full = 0
    for index in range(60, len(litres) + 1, 60):
        full = full + 1 if sum(litres[index - 60 : index]) >= GALLON_L else 0
        if full == 24:
            yield index - 1


def fixed_night(litres: Sequence[float], first: int) -> Iterator[int]:
    """The lowest hour from 02:00 to 05:00 over 10 L/h."""
    for index in range((300 - first) % 1440, len(litres), 1440):
        hours = [sum(litres[index - 60 * ago : index - 60 * (ago - 1)]) for ago in (3, 2, 1) if index >= 60 * ago]
        if len(hours) == 3 and min(hours) > LIMIT_L_H:
            yield index


def q3_for_30_min(litres: Sequence[float], first: int) -> Iterator[int]:
    """Six times five minutes over a fifth of a Q3 of 2.5 m3/h."""
    running = 0
    for index in range(5, len(litres) + 1, 5):
        running = running + 1 if sum(litres[index - 5 : index]) / 5 > Q3_SHARE_LPM else 0
        if running == 6:
            yield index - 1


NAIVE: Mapping[str, tuple[str, Naive]] = {
    "running_water": ("flow for 20 min", flow_for_20_min),
    "leak": ("a gallon each hour of 24", gallon_each_hour),
    "night_flow": ("lowest hour over 10 L/h", fixed_night),
    "burst": ("20 % of Q3 for 30 min", q3_for_30_min),
}
