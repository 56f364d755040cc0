"""The stateless check between transport and log: numbers, ranges, clocks. What needs memory is the engine's."""

from collections.abc import Iterable, Mapping

from rules.model import Fault, How, Point, Reason, Received, Sample, stamp
from rules.quantity import QUANTITIES

AHEAD_S = 5.0     # a device time further ahead than this is not believed
EARLIEST = 946_684_800.0  # the year 2000
BEHIND_S = 60.0   # nor one further behind, unless it comes out of a backlog


class Check:
    """Knows the range of every point; unknown points do not pass."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._ranges = {
            point.id: (QUANTITIES[point.quantity].least, QUANTITIES[point.quantity].most) for point in points
        }

    def values(self, sample: Sample, arrived: float) -> tuple[Mapping[str, float], list[Fault]]:
        """The values that can be true, and a fault for each that can not."""
        ranges = self._ranges
        for point, value in sample.values.items():
            bounds = ranges.get(point)
            if bounds is None or not bounds[0] <= value <= bounds[1]:  # NaN fails too
                break
        else:
            return sample.values, []
        good: dict[str, float] = {}
        faults = []
        for point, value in sample.values.items():
            least, most = ranges.get(point, (1.0, 0.0))
            if least <= value <= most:
                good[point] = value
            else:
                faults.append(Fault(sample.device, arrived, Reason.OUT_OF_RANGE, f"{point} = {value!r}"))
        return good, faults

    @staticmethod
    def time(received: Received, at: float) -> tuple[float, How, Reason | None]:
        """The time a sample counts for, how it counts, and why its own time was replaced, if it was."""
        how, arrived = received.how, received.arrived
        if how is How.ARRIVAL or how is How.BACKLOG or how is How.RETAINED:
            return stamp(arrived), how, None
        if not at >= EARLIEST:  # NaN, and what no device can mean, whatever it waited for
            return stamp(arrived), How.BACKLOG if how is How.BACKLOG_TIMED else How.ARRIVAL, Reason.CLOCK_BEHIND
        if at > arrived + AHEAD_S:
            return stamp(arrived), How.BACKLOG if how is How.BACKLOG_TIMED else How.ARRIVAL, Reason.CLOCK_AHEAD
        if how is How.TIMED and at < arrived - BEHIND_S:
            return stamp(arrived), How.ARRIVAL, Reason.CLOCK_BEHIND
        return stamp(at), how, None
