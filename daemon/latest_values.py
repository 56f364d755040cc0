"""The newest value of every point, cheap to keep: the work is done when somebody looks."""

from collections.abc import Mapping

from rules.model import Sample


class LatestValues:
    """What is judged, and what is shown only (retained or late) where nothing newer is known."""

    def __init__(self) -> None:
        self._newest: dict[str, Sample] = {}
        self._judged: dict[str, tuple[float, float]] = {}
        self._shown: dict[str, tuple[float, float]] = {}

    def restore(self, rows: Mapping[str, tuple[float, float, bool]]) -> None:
        """Take up what the last life showed."""
        for point, (at, value, is_shown_only) in rows.items():
            (self._shown if is_shown_only else self._judged)[point] = (at, value)

    def judged(self, sample: Sample) -> None:
        """A sample that counts; a device may send other points each time."""
        previous = self._newest.get(sample.device)
        if previous is not None:
            if previous.at > sample.at:  # a dated one that was overtaken
                self._fold(sample)
                return
            if previous.values.keys() != sample.values.keys():
                self._fold(previous)
        self._newest[sample.device] = sample

    def shown(self, at: float, values: Mapping[str, float]) -> None:
        """Values that are no evidence."""
        self._shown.update((point, (at, value)) for point, value in values.items())

    def rows(self) -> dict[str, tuple[float, float, bool]]:
        """By point: time, value, and whether it is shown only."""
        for sample in self._newest.values():
            self._fold(sample)
        rows = {point: (at, value, True) for point, (at, value) in self._shown.items()}
        for point, (at, value) in self._judged.items():
            if point not in rows or rows[point][0] <= at:
                rows[point] = (at, value, False)
        return rows

    def _fold(self, sample: Sample) -> None:
        for point, value in sample.values.items():
            if point not in self._judged or self._judged[point][0] <= sample.at:
                self._judged[point] = (sample.at, value)
