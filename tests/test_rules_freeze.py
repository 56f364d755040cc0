"""Freezing: how grave and how soon, what passes, rooms of a building as one alert, restarts."""

import random
from collections.abc import Callable, Sequence

import pytest
from recordings import replay, restarted, series, site

from rules.calendar import Season
from rules.freeze import Freeze
from rules.model import Delivery, Event, Sample, Severity, Turn

WINTER = Season((11, 15), (3, 15))
T0 = 1_768_500_000.0  # a January night
PIPE, WASHROOM = "teach/heat/pipe/temperature_c", "teach/wash/temperature_c"
BOILER = "teach/boiler/return/temperature_c"
CAMPUS = {
    "teach/heat": ("pump_room", ["temperature_c", "pipe/temperature_c"]),
    "teach/boiler": ("boiler_room", ["return/temperature_c"]),
    "teach/wash": ("washroom", ["temperature_c"]),
}
ROOMS = {f"teach/{number}": ("classroom", ["temperature_c"]) for number in range(1, 4)}


def told(samples: Sequence[Sample], *, every_s: float = 60.0, rule: Freeze | None = None) -> list[Event]:
    of = site(CAMPUS | ROOMS, every_s=every_s, heating=WINTER)
    return replay(list((rule or Freeze()).watches(of)), sorted(samples, key=lambda sample: sample.at))


def sloped(point: str, celsius: Callable[[float], float], *, minutes: float, every_s: float = 60.0) -> list[Sample]:
    """Samples of a temperature that is a function of the minute."""
    times = (T0 + number * every_s for number in range(int(minutes * 60 / every_s)))
    return [Sample(at, point.rpartition("/")[0], {point: celsius((at - T0) / 60)}) for at in times]


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(
    ("celsius", "severity", "delivery"),
    [
        (5.2, None, None),
        (4.8, Severity.MINOR, Delivery.DIGEST),
        (2.8, Severity.MAJOR, Delivery.PAGE),
        (0.8, Severity.CRITICAL, Delivery.PAGE),
        (-15.0, Severity.CRITICAL, Delivery.PAGE),
    ],
)
@pytest.mark.parametrize(("point", "delay_min"), [(PIPE, 1), (BOILER, 1), (WASHROOM, 10)])
def test_how_grave_it_is_and_how_soon(
    point: str, delay_min: float, celsius: float, severity: Severity | None, delivery: Delivery | None, every_s: float
) -> None:
    events = told(series(point, T0, every_s, [(10, 12.0), (20, celsius)]), every_s=every_s)
    expected = [] if severity is None else [(severity, delivery)]
    assert [(event.severity, event.delivery) for event in events] == expected
    for event in events:
        assert T0 + (10 + delay_min) * 60 <= event.at <= T0 + (10 + delay_min) * 60 + every_s


@pytest.mark.parametrize(
    "samples",
    [
        series(WASHROOM, T0, 60.0, [(30, 16.0), (9, -3.0), (30, 14.0)]),      # a window, open for nine minutes
        sloped(BOILER, lambda minute: min(1.5 + 1.5 * minute, 45.0), minutes=60, every_s=10.0),  # a boiler that starts
        sloped(WASHROOM, lambda minute: min(0.5 + 0.14 * minute, 18.0), minutes=600),  # a building that is warmed up
        series(PIPE, T0, 60.0, [(30, 12.0), (1, 4.0), (120, None), (1, 4.0), (30, 12.0)]),  # a gap says nothing
        series(PIPE, T0, 60.0, [(1, 2.0)]),
        [s for n in range(3) for s in series(f"teach/{n + 1}/temperature_c", T0, 60.0,
                                             [(8 * n, 15.0), (8, 1.0), (60, 15.0)])],  # aired one after the other
    ],
    ids=["window", "boiler starts", "building starts", "gap", "one reading", "airing"],
)  # fmt: skip
def test_what_passes(samples: list[Sample]) -> None:
    assert told(samples) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_steps_neither_hide_it_nor_make_it(seed: int) -> None:
    rng = random.Random(seed)

    def measured(minute: float) -> float:
        return round((10.0 - 0.05 * minute + rng.gauss(0.0, 0.1)) * 8) / 8

    events = told(sloped(PIPE, measured, minutes=240))
    assert [event.severity for event in events] == [Severity.MINOR, Severity.MAJOR, Severity.CRITICAL]
    for event, line in zip(events, (5.0, 3.0, 1.0), strict=True):
        assert abs((event.at - T0) / 60 - (10.0 - line) / 0.05 - 1.0) < 10.0
    assert told(sloped(PIPE, lambda minute: round(rng.gauss(5.8, 0.2) * 8) / 8, minutes=240)) == []


def test_what_does_not_rise_for_long_is_told_after_all() -> None:
    events = told(sloped(PIPE, lambda minute: min(1.5 + 0.2 * minute, 2.9), minutes=120))
    assert [event.severity for event in events] == [Severity.MAJOR]
    assert (events[0].at - T0) / 60 < 60.0


def test_rooms_of_a_building_are_one_alert_that_names_them() -> None:
    cold = [(30, 12.0), (40, 4.0), (60, 2.5)]
    samples = [
        s for n in (1, 3) for s in series(f"teach/{n}/temperature_c", T0 + n, 60.0, [*cold, (20 * n, 4.0), (90, 9.0)])
    ]
    events = told(samples + series("teach/2/temperature_c", T0, 60.0, [(190, 12.0)]))
    assert [(event.key, event.turn, event.severity) for event in events] == [
        ("teach", Turn.RAISED, Severity.MINOR), ("teach", Turn.UPDATED, Severity.MAJOR),
        ("teach", Turn.CLEARED, Severity.MAJOR),
    ]  # fmt: skip
    assert [event.values.get("rooms") for event in events] == ["teach/1, teach/3", "teach/1, teach/3", None]
    assert events[-1].values["extreme_c"] == 2.5
    assert (events[-1].at - T0) // 60 == 130 + 60 + 10  # the last of them is warm again
    assert events[0].evidence.points == ("teach/1/temperature_c", "teach/3/temperature_c")


def test_what_is_meant_to_be_cold_or_has_no_pipes_is_not_watched() -> None:
    of = site(
        {
            "teach/yard": ("outdoor", ["temperature_c"]), "teach/freezer": ("freezer", ["temperature_c"]),
            "teach/wash": ("washroom", ["temperature_c"]), "teach/gate": ("gate", ["temperature_c"]),
            "teach/stairs": ("stairwell", ["pipe-2/temperature_c", "other/temperature_c"]),
        },
    )  # fmt: skip
    assert {watch.key for watch in Freeze().watches(of)} == {"teach", "teach/stairs/pipe-2"}
    assert {w.place for w in Freeze().watches(of)} == {"teach/wash", "teach/stairs"}
    cold = {"teach/yard": ("outdoor", ["temperature_c"]), "teach/freezer": ("freezer", ["temperature_c"])}
    assert not list(Freeze().watches(site(cold, heating=WINTER)))


def test_a_restart_changes_nothing() -> None:
    cold = [(30, 12.0), (40, 4.0), (60, 2.5), (60, 9.0)]
    samples = sorted((s for n in (1, 2) for s in series(f"teach/{n}/temperature_c", T0 + n, 60.0, cold)),
                     key=lambda sample: sample.at)  # fmt: skip
    watches = list(Freeze().watches(site(ROOMS, heating=WINTER)))
    expected = replay(watches, samples)
    assert len(expected) == 3
    assert restarted(watches, samples, every=7, until=samples[-1].at) == expected
