"""Lights all night: what burns from midnight to five, and what may."""

from collections.abc import Sequence

import pytest
from recordings import at, local, replay, restarted, series, site

from rules.lights_all_night import LightsAllNight
from rules.model import Event, Sample
from rules.watch import Watch

ROOM = "teach/1"
POINT = f"{ROOM}/lighting/power_w"
BEGIN = at("2026-03-02 20:00")


def one(
    kind: str = "corridor", point: str = "lighting/power_w", *, room: str = ROOM, every_s: float = 60.0
) -> list[Watch]:
    return list(LightsAllNight().watches(site({room: (kind, [point])}, every_s=every_s)))


def told(events: Sequence[Event]) -> list[tuple[str, str, float]]:
    return [(event.turn.value, local(event.at)[5:], round(float(event.values["lit_s"]) / 3600, 1)) for event in events]


def evening(*runs: tuple[float, float | None]) -> list[Sample]:
    """Runs of (hours, W) from 20:00 on."""
    return series(POINT, BEGIN, 60.0, [(hours * 60, watts) for hours, watts in runs])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (evening((12, 300.0)), [("raised", "03-03 05:00", 5.0)]),
        (evening((11, 300.0), (1, 0.5)), [("raised", "03-03 05:00", 5.0), ("cleared", "03-03 07:00", 5.0)]),
        (evening((8.2, 300.0), (4, 0.5)), [("raised", "03-03 05:00", 4.2), ("cleared", "03-03 05:01", 4.2)]),
        (evening((7.9, 300.0), (4, 0.5)), []),
        (evening((2, 300.0), (10, 18.0)), []),                                   # the exit light alone
        (evening((5, 300.0), (3, None), (4, 300.0)), []),                        # hours of which nothing is known
        (evening((5, 300.0), (0.5, None), (6.5, 300.0)), [("raised", "03-03 05:00", 4.5)]),
        (evening((60, 300.0)), [("raised", "03-03 05:00", 5.0)]),                # one alert, however many nights
        (evening((12, 5.0)), []),
    ],
)  # fmt: skip
def test_hours_of_light_between_midnight_and_five(rows: list[Sample], expected: list[tuple[str, str, float]]) -> None:
    assert told(replay(one(), rows)) == expected


def test_it_waits_for_the_summary_and_states_the_energy() -> None:
    (raised,) = replay(one(), evening((12, 300.0)))
    assert raised.delivery == "digest"
    assert raised.values["wasted_kwh"] == pytest.approx(1.5, abs=0.01)


def test_a_sensor_of_light_does_where_no_meter_is() -> None:
    for lux, count in ((40.0, 0), (150.0, 1)):
        rows = series(f"{ROOM}/illuminance_lx", BEGIN, 60.0, [(720, lux)])
        assert len(replay(one("classroom", "illuminance_lx"), rows)) == count


def test_a_meter_that_reports_changes_alone_is_judged_at_five() -> None:
    spoken = [Sample(BEGIN, ROOM, {POINT: 300.0})]
    events = replay(one(every_s=12 * 3600.0), spoken, until=at("2026-03-03 06:00"))
    assert told(events) == [("raised", "03-03 05:00", 5.0)]


@pytest.mark.parametrize(
    ("room", "kind", "is_watched"),
    [
        (ROOM, "classroom", True), (ROOM, "corridor", True), (ROOM, "washroom", True),
        (ROOM, "stairwell", False), (ROOM, "gate", False), (ROOM, "outdoor", False), (ROOM, "staff_flat", False),
        ("dorm/1F", "corridor", False), ("dorm/wash", "washroom", False), ("dorm/study", "library", True),
    ],
)  # fmt: skip
def test_what_may_burn_is_exempt(room: str, kind: str, *, is_watched: bool) -> None:
    assert bool(one(kind, room=room)) == is_watched


@pytest.mark.parametrize("part", ["emergency", "security"])
def test_exit_and_security_lights_with_a_meter_are_exempt(part: str) -> None:
    assert one("corridor", f"{part}/power_w") == []


def test_it_explains_where_it_stands() -> None:
    (watch,) = one()
    state, whys = watch.start, [watch.explain(watch.start, BEGIN).why]
    for sample in evening((10, 300.0)):
        state, _ = watch.step(state, sample.at, {"power": 300.0})
        whys.append(watch.explain(state, sample.at).why)
    assert [why.partition(".")[2] for why in dict.fromkeys(whys)] == ["unknown", "by_day", "counting", "open"]


def test_a_restart_loses_nothing() -> None:
    rows = evening((11, 300.0), (1, 0.5))
    whole = replay(one(), rows)
    assert len(whole) == 2
    assert restarted(one(), rows, every=41, until=rows[-1].at) == whole
