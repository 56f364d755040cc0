"""How well the rules work, measured: the protocols that the handbook's table comes from.

Each task is a module with `rows(data, *, progress)`: it reads the recordings in a folder, runs the rules with their
defaults and naive rules beside them, and says through `progress` what it is about.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from daemon.evaluation.row import Row

TASKS = ("water", "lights", "appliances", "quality", "school", "plant")


class Task(Protocol):
    def rows(self, data: Path, *, progress: Callable[[str], None]) -> Sequence[Row]: ...


def task(name: str) -> Task | None:
    """The module of a task, imported when it is needed; None where this program has none."""
    module = f"{__name__}.{name}"
    return cast(Task, import_module(module)) if find_spec(module) else None
