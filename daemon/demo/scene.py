"""What happens on the demo campus: pure functions of the seconds since it opened."""

from typing import NamedTuple

LENGTH_S = 150.0  # then the scene begins anew


class Act(NamedTuple):
    """Something wrong, from and to which second of the scene."""

    begin_s: float
    end_s: float

    def is_on(self, at_s: float) -> bool:
        return self.begin_s <= at_s % LENGTH_S < self.end_s


TAP = Act(6.0, 66.0)         # dorm-3/2F-wash
LAMPS = Act(10.0, 75.0)      # teach-1/103, nobody there
KETTLE = Act(14.0, 70.0)     # dorm-3/102, its meter on the serial line
LESSON = Act(0.0, 100.0)     # teach-1/101: lamps and people


def flow_lpm(washroom: str, at_s: float) -> float:
    """Litres a minute through the meter of a washroom."""
    if washroom == "dorm-3/2F-wash":
        return 8.4 if TAP.is_on(at_s) else 0.0
    return 5.2 if 20.0 <= at_s % 40.0 < 26.0 else 0.0  # somebody washes their hands


def lighting_w(classroom: str, at_s: float) -> float:
    """Power of the lamps of a classroom."""
    lit = (classroom == "teach-1/103" and LAMPS.is_on(at_s)) or (classroom == "teach-1/101" and LESSON.is_on(at_s))
    return 288.0 if lit else 0.4


def is_occupied(classroom: str, at_s: float) -> bool:
    """Whether anybody is in a classroom."""
    return classroom == "teach-1/101" and LESSON.is_on(at_s)


def dorm_room(address: str, at_s: float) -> dict[str, float]:
    """What the meter of a dorm room measures, by quantity."""
    base_w = 38.0 + int(address) % 7 + (at_s // 5) % 3
    kettle_w = 1480.0 if address.endswith("102") and KETTLE.is_on(at_s) else 0.0
    power_w = base_w + kettle_w
    return {
        "voltage_v": 224.6 - kettle_w / 800, "current_a": round(power_w / 224.6, 3), "power_w": power_w,
        "reactive_power_var": 12.0, "energy_kwh": round(1204.5 + int(address) + at_s * power_w / 3.6e6, 2),
        "power_factor": 0.98, "frequency_hz": 50.0,
    }  # fmt: skip
