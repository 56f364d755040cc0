"""Drinking-water boilers: dry, left on, and the days on which nothing is wrong."""

import pytest
from plant import steady, told, turns
from recordings import site

from rules.drinking_boiler import DrinkingBoiler

MONDAY = 1_767_571_200.0  # 5 Jan 2026 08:00 in Shanghai
DAY_S = 86_400.0
PLACE = "teach/kettle"
SITE = {PLACE: ("drinking_boiler", ["temperature_c", "power_w", "level_low"])}


def readings(celsius: float, watts: float, low: float = 0.0) -> dict[str, float]:
    return {f"{PLACE}/temperature_c": celsius, f"{PLACE}/power_w": watts, f"{PLACE}/level_low": low}


WORKS, RESTS, OFF = readings(99.5, 3000.0), readings(96.0, 4.0), readings(40.0, 0.0)
DRY, SCORCHED, EMPTY = readings(90.0, 3000.0, 1.0), readings(112.0, 3000.0), readings(60.0, 0.0, 1.0)


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(
    ("state", "why"), [(DRY, "dry"), (SCORCHED, "too_hot"), (EMPTY, None), (WORKS, None), (RESTS, None)]
)
def test_heating_dry_is_critical_and_soon(state: dict[str, float], why: str | None, every_s: float) -> None:
    rows = steady(every_s, (600.0, WORKS), (200.0, state), (400.0, RESTS))
    events = told(DrinkingBoiler(), site(SITE, every_s=every_s), rows, start=MONDAY)
    assert turns(events) == ([("raised", "critical"), ("cleared", "critical")] if why else [])
    assert all(event.why == f"drinking_boiler.{why}" and event.at <= MONDAY + 630.0 + every_s for event in events[:1])
    assert events == told(DrinkingBoiler(), site(SITE, every_s=every_s), rows, start=MONDAY, restarts=True)


def test_a_thin_air_boils_earlier() -> None:
    rows = steady(10.0, (100.0, readings(90.0, 0.0)), (200.0, readings(104.0, 3000.0)))
    assert told(DrinkingBoiler(over_k=3.0), site(SITE), rows, start=MONDAY)


def test_an_old_reading_of_the_level_says_nothing() -> None:
    level, power = {f"{PLACE}/level_low": 1.0}, {f"{PLACE}/power_w": 3000.0}
    rows = [(0.0, level), *steady(10.0, (600.0, power), begin=7200.0)]
    assert told(DrinkingBoiler(), site(SITE, every_s=10.0), rows, start=MONDAY) == []


def cycles(length_s: float) -> list[tuple[float, dict[str, float]]]:
    """A thermostat: four minutes of heat in every forty."""
    return [piece for _ in range(int(length_s // 2400)) for piece in ((240.0, WORKS), (2160.0, RESTS))]


@pytest.mark.parametrize(
    ("start", "raised"),
    [
        (MONDAY, []),                                # 08:00 to 18:00
        (MONDAY + 16 * 3600, ["raised", "cleared"]),  # from midnight on; people come at 06:20
        (MONDAY + 5 * DAY_S, ["raised"]),             # Saturday
    ],
)
def test_it_should_be_off_when_nobody_is_there(start: float, raised: list[str]) -> None:
    rows = steady(60.0, *cycles(10 * 3600.0))
    events = told(DrinkingBoiler(), site(SITE), rows, start=start)
    assert [event.turn.value for event in events] == raised
    assert events == told(DrinkingBoiler(), site(SITE), rows, start=start, restarts=True)
    assert all(event.delivery == "digest" for event in events)


def test_the_last_burst_of_the_day_is_no_fault() -> None:
    evening = MONDAY + 14 * 3600  # 22:00, half an hour before all is closed
    rows = steady(60.0, *cycles(2 * 2400.0), (6 * 3600.0, OFF))
    assert told(DrinkingBoiler(), site(SITE), rows, start=evening - 1800.0) == []


def test_what_warms_between_two_readings_was_heated() -> None:
    night = MONDAY + 15 * 3600  # 23:00
    rows = [(600.0 * n, readings(90.0 + 4.0 * (n % 3 == 0), 4.0)) for n in range(40)]
    assert [event.why for event in told(DrinkingBoiler(), site(SITE), rows, start=night)][:1] == [
        "drinking_boiler.left_on"
    ]
    cooling = [(600.0 * n, readings(96.0 - n, 4.0)) for n in range(40)]
    assert told(DrinkingBoiler(), site(SITE), cooling, start=night) == []
