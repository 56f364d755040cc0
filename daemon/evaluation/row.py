"""One line of the table of figures."""

from typing import NamedTuple

OURS = "ours"


class Row(NamedTuple):
    """How well one method did on one task; None where a figure has no meaning.

    `method` is OURS or the name of the naive rule beside it, `setting` the sampling, size or sensors. `events` is the
    number of true events, `false_rate` false alarms per `false_per` ("room-day", "meter-month"), `delay_s` the median
    from the begin to the alarm, `basis` what the figure rests on ("real", "semi-synthetic", "simulated").
    """

    task: str
    method: str
    setting: str
    events: int
    precision: float | None
    recall: float | None
    false_rate: float | None
    false_per: str
    delay_s: float | None
    basis: str
    note: str = ""

    @property
    def f1(self) -> float | None:
        if self.precision is None or self.recall is None or self.precision + self.recall == 0:
            return None
        return 2 * self.precision * self.recall / (self.precision + self.recall)
