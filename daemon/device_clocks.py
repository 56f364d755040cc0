"""The devices' own clocks: how far they are off, and whether they are so slow that all they send comes too late."""

from collections.abc import Mapping

OFFSET_S = 5.0         # an offset is news when it differs by this much from what was logged last
MOST_OFFSET_S = 1e11   # beyond it is a time that is none
LATE_RUN = 5           # samples that come too late in a row before a device's clock is no longer believed


class DeviceClocks:
    """What is known of each device's clock; `points` names the point of its offset, by device."""

    def __init__(self, points: Mapping[str, str]) -> None:
        self._points = points
        self._logged: dict[str, float] = {}
        self._late_runs: dict[str, int] = {}

    def with_offset(self, device: str, values: Mapping[str, float], offset_s: float) -> Mapping[str, float]:
        """The values of a sample, with how far the device's clock is off where that is news."""
        point = self._points.get(device)
        if point is None or abs(offset_s) > MOST_OFFSET_S:
            return values
        logged = self._logged.get(device)
        if logged is not None and abs(offset_s - logged) <= OFFSET_S:
            return values
        self._logged[device] = offset_s
        return {**values, point: round(offset_s, 1)}

    def is_always_late(self, device: str, *, is_late: bool) -> bool:
        """Note whether a sample came too late by its own time; whether so many did that its time is not believed."""
        if not is_late:
            self._late_runs.pop(device, None)
            return False
        run = self._late_runs[device] = self._late_runs.get(device, 0) + 1
        return run > LATE_RUN
