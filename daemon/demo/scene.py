"""What happens on the demo campus: pure functions of the seconds since it opened."""

import json
from collections.abc import Iterator
from typing import NamedTuple

LENGTH_S = 120.0  # then it begins anew


class Act(NamedTuple):
    """Something that goes on from one second of the scene to another."""

    begin_s: float
    end_s: float

    def is_on(self, at_s: float) -> bool:
        return self.begin_s <= at_s % LENGTH_S < self.end_s

    def seconds(self, at_s: float) -> float:
        """For how long it went on so far, in all scenes."""
        whole, part = divmod(at_s, LENGTH_S)
        return whole * (self.end_s - self.begin_s) + min(max(part - self.begin_s, 0.0), self.end_s - self.begin_s)


TAP = Act(4.0, 66.0)         # dorm-3/2F-wash
LAMPS = Act(8.0, 76.0)       # teach-1/103, nobody there
KETTLE = Act(12.0, 70.0)     # dorm-3/102, its meter on the serial line
HEAT = Act(10.0, 70.0)       # plant-1/boiler: a valve is shut, and the water gets hotter and hotter
LESSON = Act(0.0, 100.0)     # teach-1/101: lamps and people
WASH_EVERY_S, WASH_S = 40.0, 6.0  # dorm-3/1F-wash: somebody washes their hands

BOILER_C, MOST_C, RISE_K = 82.0, 98.6, 1.1  # its water as it should be, at most, and how it rises in a second

CLASSROOMS = tuple(f"teach-1/{number}" for number in range(101, 107))
METERS = ("000000000101", "000000000102", "000000000103")  # of dorm-3/101 to 103


def messages(at_s: float) -> Iterator[tuple[str, str]]:
    """What the sensors of the campus publish at a moment: topic and payload."""
    washes = 20.0 <= at_s % WASH_EVERY_S < 20.0 + WASH_S
    yield "campus/dorm-3/1F-wash/water", "5.20" if washes else "0.00"
    yield "campus/dorm-3/2F-wash/water", "8.40" if TAP.is_on(at_s) else "0.00"
    for room in CLASSROOMS:
        is_taught = room == "teach-1/101" and LESSON.is_on(at_s)
        is_lit = is_taught or (room == "teach-1/103" and LAMPS.is_on(at_s))
        yield f"campus/{room}/lighting", json.dumps({"P": 288.0 if is_lit else 0.4})
        yield f"campus/{room}/presence", "ON" if is_taught else "OFF"
    yield "campus/plant-1/boiler/controller", json.dumps(boiler(at_s))


def boiler(at_s: float) -> dict[str, float]:
    """What the controller of the boiler tells: temperatures in °C, gauge pressure in bar, and states."""
    begun_s, ended_s = (at_s % LENGTH_S - edge for edge in HEAT)
    celsius = BOILER_C + RISE_K * max(0.0, begun_s)
    if ended_s > 0:
        celsius = MOST_C - RISE_K * ended_s
    celsius = min(MOST_C, max(BOILER_C, celsius)) + at_s // 2 % 3 / 10
    return {
        "T_out": round(celsius, 1), "T_back": round(celsius - 14.0, 1), "P": round(0.3 + celsius / 1000, 3),
        "flame": 1, "pump": 1, "duty": 1,
    }  # fmt: skip


def meter(address: str, at_s: float) -> dict[str, float]:
    """What the meter of a dorm room measures at a moment, by quantity."""
    kettle_w = 1480.0 if address == METERS[1] else 0.0
    is_boiling = KETTLE.is_on(at_s)
    power_w = 38.0 + int(address) % 7 + at_s // 5 % 3 + kettle_w * is_boiling
    used_kwh = (40.0 * at_s + kettle_w * KETTLE.seconds(at_s)) / 3.6e6
    return {
        "voltage_v": 222.8 if is_boiling else 224.6, "current_a": round(power_w / 224.0, 3), "power_w": power_w,
        "reactive_power_var": 12.0, "energy_kwh": round(1204.5 + int(address) + used_kwh, 2),
        "power_factor": 0.98, "frequency_hz": 50.0,
    }  # fmt: skip
