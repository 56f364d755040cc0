"""Weeks of the simulated plant in which nothing is wrong, with all that ordinary weeks bring.

Cold starts, set-backs, weekends and a holiday week, refills, defrosts, deliveries, passed pressure tests, and devices
that fall silent, start anew or lose their transport.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from random import Random
from typing import NamedTuple

from daemon.evaluation.plant_scene import DAY, HOUR, Scene, at_minute, silences
from daemon.evaluation.plant_scenes import board, hot_water, house, kettle, pipes, steam, store

FIRST_DAY, A_SUNDAY = date(2026, 11, 23), date(2026, 11, 29)  # a Monday; and what short runs begin with


class Stretch(NamedTuple):
    """A kind of good days: how many in a row, and how many times with other devices."""

    kind: str
    make: Callable[[Random, float], tuple[Scene, float]]
    days: int = 30
    times: int = 1


def _begin(days: float) -> float:
    return at_minute(FIRST_DAY if days >= 14 else A_SUNDAY, 0)


def _weeks(random: Random, days: float, *, make: Callable[..., Scene], takes_end: bool) -> tuple[Scene, float]:
    begin = _begin(days)
    end = begin + days * DAY
    scene = make(random, begin, end) if takes_end else make(random, begin)
    scene.silences += silences(random, scene.devices, begin, days)
    return scene, end


def _boiler(every_s: float, **more: object) -> Callable[[Random, float], tuple[Scene, float]]:
    return partial(_weeks, make=partial(hot_water, every_s=every_s, **more), takes_end=True)  # type: ignore[arg-type]


def _store(kind: str, every_s: float) -> Callable[[Random, float], tuple[Scene, float]]:
    def make(random: Random, begin: float, end: float) -> Scene:
        return store(random, kind, begin, end, every_s=every_s)

    return partial(_weeks, make=make, takes_end=True)


def _test(random: Random, days: float) -> tuple[Scene, float]:
    """A pipe test that is passed."""
    begin = _begin(days) + random.uniform(0, DAY)
    scene = pipes(random, begin, lost=random.uniform(0.0, 0.008), every_s=random.choice((15.0, 30.0, 60.0)))
    return scene, begin + DAY + 3 * HOUR


STRETCHES: tuple[Stretch, ...] = (
    Stretch("boiler with fixed fire, idle at weekends", _boiler(30, is_modulating=False, is_idle_at_weekends=True)),
    Stretch("modulating boiler, idle at weekends", _boiler(60, is_modulating=True, is_idle_at_weekends=True)),
    Stretch("boiler without rest", _boiler(60)),
    Stretch("boiler read every second", _boiler(1, is_idle_at_weekends=True), 1),
    Stretch("steam boiler", partial(_weeks, make=partial(steam, every_s=30.0), takes_end=True)),
    Stretch("steam boiler read every second", partial(_weeks, make=partial(steam, every_s=1.0), takes_end=True), 1),
    Stretch("drinking boiler", partial(_weeks, make=partial(kettle, every_s=30.0), takes_end=False), 30, 2),
    Stretch(
        "drinking boiler read every second", partial(_weeks, make=partial(kettle, every_s=1.0), takes_end=False), 1
    ),
    Stretch("heated house", partial(_weeks, make=partial(house, every_s=60.0), takes_end=False), 30, 2),
    Stretch("freezer", _store("freezer", 60)),
    Stretch("cold store", _store("cold_store", 30)),
    Stretch("sample fridge", _store("sample_fridge", 60)),
    Stretch("distribution board", partial(_weeks, make=partial(board, every_s=60.0), takes_end=False)),
    Stretch("passed pressure test", _test, 1, 10),
)
