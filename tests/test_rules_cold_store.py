"""Cold stores: each side of each range, defrosts, doors and loading that pass, what comes back by itself, restarts."""

import random
from collections.abc import Callable, Sequence

import pytest
from recordings import replay, restarted, series, site

from rules.cold_store import ColdStore
from rules.model import Delivery, Event, Sample, Severity, Turn

T0 = 1_768_500_000.0
CAMPUS = {
    "canteen/freezer": ("freezer", ["temperature_c", "door_open"]),
    "canteen/store": ("cold_store", ["temperature_c"]),
    "canteen/samples": ("sample_fridge", ["temperature_c"]),
}
FREEZER, STORE, SAMPLES = (f"{room}/temperature_c" for room in CAMPUS)
DOOR = "canteen/freezer/door_open"


def told(samples: Sequence[Sample], *, every_s: float = 60.0) -> list[Event]:
    watches = list(ColdStore().watches(site(CAMPUS, every_s=every_s)))
    return replay(watches, sorted(samples, key=lambda sample: sample.at))


def sloped(point: str, celsius: Callable[[float], float], *, hours: float) -> list[Sample]:
    """Samples of a temperature that is a function of the minute."""
    minutes = range(int(hours * 60))
    return [Sample(T0 + 60.0 * n, point.rpartition("/")[0], {point: celsius(float(n))}) for n in minutes]


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(
    ("point", "usual_c", "celsius", "key"),
    [
        (FREEZER, -18.0, -12.5, None),
        (FREEZER, -18.0, -11.0, "canteen/freezer/warm"),
        (FREEZER, -18.0, -40.0, None),
        (STORE, 4.0, 7.5, None),
        (STORE, 4.0, 9.0, "canteen/store/warm"),
        (STORE, 4.0, -1.0, "canteen/store/cold"),
        (SAMPLES, 4.0, 12.0, "canteen/samples/warm"),
        (SAMPLES, 4.0, -3.0, "canteen/samples/cold"),
    ],
)
def test_out_of_range_is_a_line_and_then_a_page(
    point: str, usual_c: float, celsius: float, key: str | None, every_s: float
) -> None:
    events = told(series(point, T0, every_s, [(2, usual_c), (75, celsius)]), every_s=every_s)
    expected = [(Turn.RAISED, Severity.MINOR, Delivery.DIGEST), (Turn.UPDATED, Severity.MAJOR, Delivery.PAGE)]
    assert [(event.turn, event.severity, event.delivery) for event in events] == (expected if key else [])
    assert {event.key for event in events} == ({key} if key else set())
    for event, after_min in zip(events, (45, 60), strict=False):
        assert T0 + (2 + after_min) * 60 <= event.at <= T0 + (2 + after_min) * 60 + every_s


def defrosting(minute: float) -> float:
    """A freezer that defrosts for 45 minutes every 8 hours, and swings with its compressor."""
    into = minute % 480.0
    swing = -19.0 + 2.0 * (minute % 24.0 < 12.0)
    return swing if into < 435.0 else -8.0 + 6.0 * (into < 465.0)


@pytest.mark.parametrize(
    "samples",
    [
        sloped(FREEZER, defrosting, hours=48),
        sloped(FREEZER, lambda minute: max(20.0 - 0.1 * minute, -18.0), hours=10),   # switched on and filled
        sloped(STORE, lambda minute: 4.0 + 8.0 * (60.0 < minute < 95.0), hours=4),   # open for loading
        sloped(STORE, lambda minute: max(4.0, 14.0 - 0.06 * max(0.0, minute - 40.0)), hours=6),  # filled with warm food
        series(FREEZER, T0, 60.0, [(30, -18.0), (5, -5.0), (600, None), (5, -5.0), (30, -18.0)]),
        series(FREEZER, T0, 60.0, [(1, 10.0)]),
    ],
    ids=["defrost", "cold start", "loading", "warm food", "gap", "one reading"],
)
def test_what_passes(samples: list[Sample]) -> None:
    assert [event for event in told(samples) if event.delivery is Delivery.PAGE] == []


def test_a_defrost_is_not_even_a_line() -> None:
    assert told(sloped(FREEZER, defrosting, hours=48)) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_compressor_that_fails_is_told_through_noise(seed: int) -> None:
    rng = random.Random(seed)
    swing, begin = rng.uniform(0.0, 1.5), 8.0 * 60
    failing = sloped(
        FREEZER,
        lambda m: round((-18.0 if m < begin else min(-18.0 + (m - begin) * 0.05, 4.0)) + swing * (m % 24 < 12)
                        + rng.gauss(0.0, 0.1), 1),
        hours=16,
    )  # fmt: skip
    paged = [event for event in told(failing) if event.delivery is Delivery.PAGE]
    assert len(paged) == 1
    assert 60.0 - 30.0 <= (paged[0].at - T0) / 60 - begin - 120.0 <= 60.0 + 24.0  # a swing of the compressor


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
def test_an_open_door_pages_after_ten_minutes(every_s: float) -> None:
    door = series(DOOR, T0, every_s, [(2, 0.0), (8, 1.0), (2, 0.0), (14, 1.0), (5, 0.0)])
    events = told(door, every_s=every_s)
    assert [(e.key, e.turn, e.severity, e.delivery) for e in events] == [
        ("canteen/freezer/door", Turn.RAISED, Severity.MAJOR, Delivery.PAGE),
        ("canteen/freezer/door", Turn.CLEARED, Severity.MAJOR, Delivery.PAGE),
    ]
    assert T0 + 22 * 60 <= events[0].at <= T0 + 22 * 60 + every_s
    assert T0 + 26 * 60 <= events[1].at <= T0 + 26 * 60 + every_s


def test_a_door_that_reports_on_change_pages_in_time() -> None:
    changes = [(0.0, 0.0), (60.0, 1.0), (1200.0, 0.0)]
    samples = [Sample(T0 + after, "canteen/freezer", {DOOR: value}) for after, value in changes]
    events = told(samples, every_s=3600.0)
    assert [(e.turn, e.at - T0) for e in events] == [(Turn.RAISED, 660.0), (Turn.CLEARED, 1200.0)]
    assert told(samples[:2], every_s=60.0) == []  # a dead sensor says nothing


def test_a_gap_while_the_door_is_open_is_no_open_door() -> None:
    assert told(series(DOOR, T0, 60.0, [(2, 0.0), (6, 1.0), (60, None), (6, 1.0), (5, 0.0)])) == []


def test_it_ends_within_the_range() -> None:
    events = told(series(SAMPLES, T0, 60.0, [(5, 4.0), (70, 12.0), (9, 5.0), (2, 8.5), (20, 4.0)]))
    assert [event.turn for event in events] == [Turn.RAISED, Turn.UPDATED, Turn.CLEARED]
    assert events[-1].values["extreme_c"] == 12.0
    assert (events[-1].at - T0) / 60 == 96.0


def test_a_restart_changes_nothing() -> None:
    runs = [(5.0, 0.0), (14.0, 1.0), (61.0, 0.0), (5.0, 0.0)]
    samples = series(DOOR, T0 + 1, 60.0, runs) + series(SAMPLES, T0, 60.0, [(5, 4.0), (70, 12.0), (30, 5.0)])
    samples.sort(key=lambda sample: sample.at)
    watches = list(ColdStore().watches(site(CAMPUS)))
    expected = replay(watches, samples)
    assert len(expected) == 5
    assert restarted(watches, samples, every=7, until=samples[-1].at) == expected
