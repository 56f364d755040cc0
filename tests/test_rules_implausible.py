"""Readings that cannot be true again and again, and those that only look odd."""

import random

import pytest
from recordings import at, site, turns
from spoken import spoken

from rules.calendar import Calendar, Span
from rules.engine import Engine
from rules.implausible import Implausible
from rules.model import Event, Sample, Site, Turn
from rules.quality import refiners

BEGIN = at("2026-03-02 08:00")
METER = site({"dorm/1": ("dorm_room", ["power_w", "voltage_v", "current_a", "apparent_power_va"])})
HOURS = 60


def judged(rows: list[tuple[float, float, float]]) -> list[Event]:
    """The events of a meter by the minute: power, voltage, current."""
    engine = Engine(Implausible().watches(METER), refiners(METER))
    for minute, (power, voltage, current) in enumerate(rows):
        values = {"power_w": power, "voltage_v": voltage, "current_a": current, "apparent_power_va": voltage * current}
        named = {f"dorm/1/{name}": value for name, value in values.items()}
        engine.take(Sample(BEGIN + 60.0 * minute, "dorm/1", named))
    return engine.advance(BEGIN + 60.0 * len(rows))


def fine(minutes: int, power: float = 440.0) -> list[tuple[float, float, float]]:
    return [(power + n % 7 / 10, 220.0 + n % 13 / 10, abs(power) / 219.0) for n in range(minutes)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (fine(3000), []),
        (fine(300) + [(440.0, 176.0, 3.0)] * 9 + fine(60), []),                             # shorter than 10 min
        (fine(300) + [(440.0, 176.0, 3.0)] * 30 + fine(60), ["voltage_raised", "voltage_cleared"]),
        (fine(300) + [(0.0, 0.0, 0.0)] * 90 + fine(60), []),                                # no power is no fault
        (fine(300) + [(440.0, 381.0, 3.0)] * 90, []),                                       # between two phases
        (fine(300) + [(1440.0, 220.0, 2.0)] * 30 + fine(60), ["factor_raised", "factor_cleared"]),
        (fine(26 * HOURS, -440.0), ["reversed_raised"]),
        ((fine(10 * HOURS, -440.0) + fine(14 * HOURS)) * 3, []),                            # solar power
        ([*fine(230), (999_999.0, 220.0, 2.0)] * 6 + fine(9), ["spikes_raised"]),
        ([*fine(600), (999_999.0, 220.0, 2.0)] * 6 + fine(9), []),                        # one each ten hours
        (
            fine(300) + [(440_000.0 + n, 220.0, 2.0) for n in range(60)] + fine(60),
            ["unit_raised", "unit_cleared"],
        ),
    ],
)  # fmt: skip
def test_what_is_told(rows: list[tuple[float, float, float]], expected: list[str]) -> None:
    events = judged(rows)
    assert [event.why.removeprefix("implausible.") for event in events] == expected
    assert all(event.delivery.value == "digest" for event in events)


@pytest.mark.parametrize(("supply", "expected"), [(Span(360, 1380), []), (None, ["spikes_raised"])])
def test_the_first_minutes_after_a_planned_cut_are_no_spikes(supply: Span | None, expected: list[str]) -> None:
    """The voltage settles while everything starts at once; the last such reading is judged with the one after it."""
    places = {name: place._replace(supply=supply) for name, place in METER.places.items()}
    room = Site("s", "s", places, METER.points, Calendar())
    engine, rng = Engine(Implausible().watches(room), refiners(room)), random.Random(1)
    for minute in range(36 * HOURS):
        since_cut = (minute + 120) % 1440  # it begins at eight
        if since_cut >= 17 * 60:
            continue
        is_unsettled = since_cut < 10 and since_cut % 2
        volts = 90.0 + 2 * since_cut if is_unsettled else 221.0 + rng.uniform(-2, 2)
        values = {"dorm/1/voltage_v": round(volts, 1), "dorm/1/power_w": round(50 + 9 * rng.random(), 1)}
        engine.take(Sample(BEGIN + 60.0 * minute, "dorm/1", values))
    events = engine.advance(BEGIN + 36 * 3600.0)
    assert [event.why.removeprefix("implausible.") for event in events if event.turn is Turn.RAISED] == expected
    assert engine.rejected()["dorm/1/voltage_v"]["spike"] == 5


def test_a_voltage_has_its_patience() -> None:
    events = judged(fine(300) + [(440.0, 176.0, 3.0)] * 30 + fine(60))
    assert turns(events, BEGIN) == [("raised", 311), ("cleared", 339)]  # the first one waits to be confirmed


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(1.0, []), (0.7, []), (1.4, []), (10.0, ["scale_raised"]), (0.1, ["scale_raised"]), (40.0, ["scale_raised"]),
     (0.0, ["scale_raised"])],
)
def test_power_and_counter_must_agree_over_a_day(factor: float, expected: list[str]) -> None:
    """A room of 100 W with a kettle now and then, read each 15 s; its power comes in another unit."""
    meter = site({"dorm/1": ("dorm_room", ["power_w", "energy_kwh"])})
    engine, kwh = Engine(Implausible().watches(meter)), 500.0
    for step in range(54 * 240):
        power = 1900.0 if step % 700 < 12 else 100.0
        kwh += power * 15 / 3.6e6
        values = {"dorm/1/power_w": power * factor, "dorm/1/energy_kwh": round(kwh, 2)}
        engine.take(Sample(BEGIN + 15.0 * step, "dorm/1", values))
    said = [event.why.removeprefix("implausible.") for event in engine.advance(BEGIN + 54 * 3600.0)]
    assert said == expected


@pytest.mark.parametrize(("factor", "is_shown"), [(1.0, False), (10.0, True)])
def test_power_that_disagrees_with_its_counter_shows_before_the_day_is_over(factor: float, *, is_shown: bool) -> None:
    meter = site({"dorm/1": ("dorm_room", ["power_w", "energy_kwh"])}, every_s=15.0)
    (watch,) = (one for one in Implausible().watches(meter) if "power" in one.inputs)
    state, shown, raised = watch.start, [], 0
    for step in range(25 * 240):
        moment, held = BEGIN + 15.0 * step, watch.hold(state, BEGIN + 15.0 * step)
        values = {"power": 100.0 * factor, "register": 500.0 + 100.0 * 15 * step / 3.6e6}
        state, changes = watch.step(state, moment, values)
        shown += [held] if held else []
        if changes:
            raised += 1
            assert held is not None
            assert held.since == changes[0].evidence.since
            assert held.covered_s == held.needed_s == 86_400.0
            assert watch.hold(state, moment) is None
    assert (bool(shown), raised) == (is_shown, int(is_shown))
    assert not shown or shown[0].covered_s == pytest.approx(10 * 3600.0, abs=120.0)  # a kWh is enough to tell


def test_a_calm_step_keeps_its_state_as_it_is() -> None:
    (watch,) = Implausible().watches(METER)
    values = {"power_w": 60.0, "voltage_v": 223.0, "current_a": 0.3, "apparent_power_va": 67.0}
    state, changes = watch.step(watch.start, BEGIN, values)
    assert state is watch.start
    assert changes == ()
    assert watch.explain(state, BEGIN).why == "implausible.fine"


def test_it_explains_what_it_waits_for_and_tells_the_end() -> None:
    (watch,) = (one for one in Implausible().watches(METER) if "voltage_v" in one.inputs)
    state = watch.start
    for minute in range(5):
        state, _ = watch.step(state, BEGIN + 60.0 * minute, {"voltage_v": 176.0})
    waiting = watch.explain(state, BEGIN + 240.0)
    assert waiting.why == "implausible.waiting"
    assert spoken("implausible", *waiting, BEGIN)["en"].endswith("since 08:00, for 4 min: no alert yet")
    raised, cleared = judged(fine(26 * HOURS, -440.0) + fine(2 * HOURS))
    assert (raised.why, cleared.why) == ("implausible.reversed_raised", "implausible.reversed_cleared")
    assert spoken("implausible", cleared.why, cleared.values)["en"].startswith("the readings of dorm/1 are plausible")
    for times, said in ((1.0, "gave 1 spike within"), (5.0, "gave 5 spikes within")):
        assert said in spoken("implausible", "implausible.spikes_raised", {**raised.values, "times": times})["en"]


def test_power_that_agrees_with_its_counter_again_is_told() -> None:
    meter = site({"dorm/1": ("dorm_room", ["power_w", "energy_kwh"])}, every_s=60.0)
    (watch,) = (one for one in Implausible().watches(meter) if "power" in one.inputs)
    state, told = watch.start, []
    for minute in range(3 * 1440):
        values = {"power": 1000.0 if minute < 1500 else 100.0, "register": 500.0 + 0.1 * minute / 60}
        state, changes = watch.step(state, BEGIN + 60.0 * minute, values)
        told += [spoken("implausible", change.why, change.values)["en"] for change in changes]
    assert len(told) == 2
    assert "agree" in told[1]
