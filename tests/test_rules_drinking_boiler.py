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


HEATS, COOLS = {f"{PLACE}/on": 1.0}, {f"{PLACE}/on": 0.0}
LOW, FULL = {f"{PLACE}/level_low": 1.0}, {f"{PLACE}/level_low": 0.0}
SWITCHED = {PLACE: ("drinking_boiler", ["temperature_c", "on", "level_low"])}
ON_CHANGE_S = 3600.0


def warm(celsius: float) -> dict[str, float]:
    return {f"{PLACE}/temperature_c": celsius}


@pytest.mark.parametrize(("restarts", "first", "second"), [(False, HEATS, LOW), (True, HEATS, LOW), (True, LOW, HEATS)])
def test_what_reports_on_change_is_told_without_another_word(
    restarts: bool, first: dict[str, float], second: dict[str, float]
) -> None:
    rows = [(0.0, FULL), (1.0, COOLS), (60.0, first), (120.0, second), (400.0, {})]
    events = told(DrinkingBoiler(), site(SWITCHED, every_s=ON_CHANGE_S), rows, start=MONDAY, restarts=restarts)
    assert [(event.why, event.at) for event in events] == [("drinking_boiler.dry", MONDAY + 135.0)]


def test_what_ends_before_its_time_is_not_told_by_a_wake_up() -> None:
    rows = [(0.0, HEATS), (120.0, LOW), (130.0, COOLS), (400.0, {})]
    assert told(DrinkingBoiler(), site(SWITCHED, every_s=ON_CHANGE_S), rows, start=MONDAY) == []


@pytest.mark.parametrize(
    ("after", "ends"), [(HEATS, False), (LOW, False), (warm(60.0), False), (COOLS, True), (FULL, True)]
)
def test_a_sensor_that_falls_silent_ends_nothing(after: dict[str, float], ends: bool) -> None:
    """What still speaks ends the alert only where it alone says that nothing heats dry."""
    rows = [*steady(10.0, (60.0, HEATS | LOW)), *steady(10.0, (7200.0, after), begin=60.0)]
    events = told(DrinkingBoiler(), site(SWITCHED, every_s=10.0), rows, start=MONDAY)
    assert [event.turn.value for event in events] == ["raised", "cleared"][: 1 + ends]


@pytest.mark.parametrize("every_s", [10.0, ON_CHANGE_S])
@pytest.mark.parametrize("others", [HEATS, HEATS | FULL, COOLS, {}])
def test_what_others_say_does_not_confirm_one_hot_reading(others: dict[str, float], every_s: float) -> None:
    rows = [(0.0, warm(95.0)), (30.0, warm(108.0)), *steady(10.0, (600.0, others), begin=40.0)]
    assert told(DrinkingBoiler(), site(SWITCHED, every_s=every_s), rows, start=MONDAY) == []
    rows.append((650.0, warm(108.0)))
    again = told(DrinkingBoiler(), site(SWITCHED, every_s=every_s), rows, start=MONDAY)
    assert [event.why for event in again] == ["drinking_boiler.too_hot"]


@pytest.mark.parametrize(
    ("celsius", "turns_told"), [(None, ["raised"]), (108.0, ["raised"]), (90.0, ["raised", "cleared"])]
)
def test_only_the_temperature_ends_what_it_began(celsius: float | None, turns_told: list[str]) -> None:
    others = COOLS | FULL if celsius is None else COOLS | FULL | warm(celsius)
    rows = [*steady(10.0, (60.0, warm(108.0))), *steady(10.0, (900.0, others), begin=60.0)]
    events = told(DrinkingBoiler(), site(SWITCHED, every_s=10.0), rows, start=MONDAY)
    assert [event.turn.value for event in events] == turns_told


def test_two_reasons_are_one_alert_which_ends_with_both() -> None:
    rows = steady(10.0, (60.0, HEATS | LOW), (60.0, HEATS | LOW | warm(110.0)), (200.0, COOLS | warm(110.0)),
                  (200.0, COOLS | warm(80.0)))  # fmt: skip
    events = told(DrinkingBoiler(), site(SWITCHED, every_s=10.0), rows, start=MONDAY)
    assert [(event.why, event.at - MONDAY) for event in events] == [
        ("drinking_boiler.dry", 20.0), ("drinking_boiler.cleared_warm", 380.0)
    ]  # fmt: skip
    assert events == told(DrinkingBoiler(), site(SWITCHED, every_s=10.0), rows, start=MONDAY, restarts=True)


@pytest.mark.parametrize(
    ("rows", "why", "celsius"),
    [
        ([], "cleared", None),
        ([(0.0, warm(85.0))], "cleared", None),  # long ago
        ([(150.0, warm(85.0))], "cleared_warm", 85.0),
    ],
)
def test_an_end_tells_a_temperature_only_where_one_was_read(rows: list, why: str, celsius: float | None) -> None:
    rows = sorted([*rows, *steady(10.0, (100.0, HEATS | LOW), (75.0, COOLS | FULL))], key=lambda row: row[0])
    events = told(DrinkingBoiler(), site(SWITCHED, every_s=10.0), rows, start=MONDAY)
    assert (events[-1].why, events[-1].values.get("celsius")) == (f"drinking_boiler.{why}", celsius)


@pytest.mark.parametrize(
    ("quantities", "rows", "why"),
    [
        (["temperature_c", "on"], [HEATS], "heats"),
        (["temperature_c", "on"], [COOLS], "rests"),
        (["on", "level_low"], [HEATS], "heats"),
        (["on", "level_low"], [FULL, HEATS], "heats_water"),
        (["on", "level_low"], [LOW, HEATS], "is_dry"),
        (["on", "level_low"], [LOW], "is_unheard"),
        (["temperature_c"], [warm(60.0)], "is_warm"),
        (["temperature_c"], [warm(108.0)], "is_dry"),
        (["temperature_c"], [], "is_unheard"),
    ],
)
def test_it_explains_no_more_than_it_heard(quantities: list[str], rows: list[dict[str, float]], why: str) -> None:
    watches = DrinkingBoiler().watches(site({PLACE: ("drinking_boiler", quantities)}, every_s=10.0))
    (watch,) = [watch for watch in watches if watch.key == PLACE]
    state = watch.start
    for seconds, values in enumerate(rows):
        by_role = {role: values[point] for role, point in watch.inputs.items() if point in values}
        state, _ = watch.step(state, MONDAY + seconds, by_role)
    found = watch.explain(state, MONDAY + 10.0)
    assert found.why == f"drinking_boiler.{why}"
    for words in DrinkingBoiler.words.values():
        words.sentences[found.why].format(**dict.fromkeys(found.values, 1.0))
