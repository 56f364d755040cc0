"""What a scripted fault of the simulated plant is: a scene that runs well until a script begins, and when it counts.

A fault is *there* from the first reading on since which all readings fulfil its condition: a line of the alarm table,
as it is published. What the rules say is measured against that, not against the script.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from daemon.evaluation.plant_scene import HOLIDAY, HOUR, Scene, at_minute
from rules.model import Delivery

Seen = Mapping[str, float]
IsMet = Callable[[Seen, float], bool]
PAGE, DIGEST = Delivery.PAGE, Delivery.DIGEST
OPEN_DAYS = tuple(date(2026, 11, 24) + timedelta(days=n) for n in (0, 1, 2, 3, 7, 8, 9, 10))
CLOSED_DAYS = (date(2026, 11, 28), date(2026, 11, 29), *sorted(HOLIDAY))


class Case(NamedTuple):
    """One variant: what the script does at `begin`, and how long it is watched at most.

    `act` is called with each reading after `begin` until it returns False. `silent`: the fault is that this point has
    not been heard for five minutes; else `is_met` is its condition.
    """

    scene: Scene
    begin: float
    act: Callable[[], object]
    is_met: IsMet
    longest_s: float
    silent: str = ""


class Script(NamedTuple):
    """A kind of fault: which rules answer it rightly, how loudly they must, and how late they may be.

    `answers` are names of rules, as patterns. `late_s` is how long it is watched beyond `delay_s` to see who is late.
    """

    kind: str
    make: Callable[[Random], Case]
    answers: tuple[str, ...]
    delay_s: float
    is_safety: bool = True
    wants: Delivery = PAGE
    variants: int = 50
    late_s: float = 600.0


def some_time(random: Random, first: float = 0.0, last: float = 1439.0, *, is_open: bool = True) -> float:
    """A time on some day, between two minutes of it."""
    return at_minute(random.choice(OPEN_DAYS if is_open else CLOSED_DAYS), random.uniform(first, last))


def before(random: Random, every_s: float) -> float:
    """How long a scene runs well before its script: shorter the more is measured."""
    return max(300.0, 30 * every_s) * random.uniform(1.0, 1.6)


def pace(random: Random, *choices: float) -> float:
    """How often a device is read."""
    return random.choice(choices or (1.0, 2.0, 5.0, 10.0, 10.0, 15.0, 30.0, 60.0, 60.0))


def set_on(machine: object, **values: object) -> Callable[[], bool]:
    """A script that changes the machine once."""

    def act() -> bool:
        for name, value in values.items():
            setattr(machine, name, value)
        return False

    return act


def nothing() -> bool:
    """The script of a scene in which the fault was planned from the start."""
    return False


def always(seen: Seen, at: float) -> bool:
    """The condition of what is there from its begin on."""
    return True


LONG_S = 3 * HOUR
