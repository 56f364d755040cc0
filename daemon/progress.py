"""A progress bar for work that takes long: on stderr, and only where somebody watches."""

import sys
from collections.abc import Iterable, Iterator
from typing import IO

from tqdm import tqdm

SHORTEST_S = 0.5  # work that is done sooner needs no bar


class Bar:
    """Shows how far it is, in the units of `total`; None: nobody knows."""

    def __init__(self, title: str, total: float | None, *, unit: str = "", stream: IO[str] | None = None) -> None:
        shown = sys.stderr if stream is None else stream
        self._stream = shown
        self._bar = tqdm(
            desc=title, total=total, unit=unit, file=shown, disable=not shown.isatty(), delay=SHORTEST_S, leave=False,
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}" if total else None,
        )  # fmt: skip

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def reach(self, done: float, *, total: float | None = None) -> None:
        """It is now as far as this; `total` is what it has turned out to be."""
        if total is not None:
            self._bar.total = total
        self._bar.update(max(0.0, done - self._bar.n))

    def tell(self, line: str) -> None:
        """A line that stays, above the bar."""
        self._bar.write(line, file=self._stream)

    def say(self, what: str) -> None:
        """What it is about right now."""
        self._bar.set_description(what)


def lines_of(file: Iterable[str], bar: Bar) -> Iterator[str]:
    """The lines of a file; the bar counts its characters."""
    done = 0
    for line in file:
        done += len(line)
        bar.reach(done)
        yield line
