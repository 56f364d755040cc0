"""Boiler too hot: the ceiling by design, altitude and pressure; how grave; when it ends; what silence does."""

from dataclasses import replace

import pytest
from recordings import site

from rules.boiler import air_kpa, boiling_c
from rules.boiler_temperature import BoilerTemperature
from rules.engine import Engine
from rules.model import Event, Sample, Severity, Turn

BOILER = {"teach/boiler": ("boiler_room", ["supply/temperature_c", "pressure_kpa"])}


def told(temperatures: list[float], *, kpa: float | None = None, rule: BoilerTemperature | None = None,
         altitude_m: float = 0.0) -> list[Event]:  # fmt: skip
    of = replace(site(BOILER), altitude_m=altitude_m)
    engine, events = Engine(list((rule or BoilerTemperature()).watches(of))), []
    for number, celsius in enumerate(temperatures):
        values = {"teach/boiler/supply/temperature_c": celsius}
        if kpa is not None:
            values["teach/boiler/pressure_kpa"] = kpa
        engine.take(Sample(1e9 + 15.0 * number, "boiler", values))
        events += engine.advance(1e9 + 15.0 * number)
    return events


def stepped(temperatures: list[float], pressures: list[float], *, altitude_m: float = 0.0) -> list[Event]:
    of = replace(site(BOILER), altitude_m=altitude_m)
    engine, events = Engine(list(BoilerTemperature().watches(of))), []
    for number, (celsius, kpa) in enumerate(zip(temperatures, pressures, strict=True)):
        values = {"teach/boiler/supply/temperature_c": celsius, "teach/boiler/pressure_kpa": kpa}
        engine.take(Sample(1e9 + 15.0 * number, "boiler", values))
        events += engine.advance(1e9 + 15.0 * number)
    return events


def grade(events: list[Event]) -> list[tuple[Turn, Severity]]:
    return [(event.turn, event.severity) for event in events]


@pytest.mark.parametrize(
    ("celsius", "kpa", "design_c", "altitude_m", "severity"),
    [
        (85.0, None, None, 0.0, None),
        (91.0, None, None, 0.0, Severity.MINOR),
        (96.0, None, None, 0.0, Severity.MAJOR),
        (99.0, None, None, 0.0, Severity.CRITICAL),
        (91.0, None, None, 2300.0, Severity.CRITICAL),  # water boils at 92.3 °C up there
        (99.0, 20.0, None, 0.0, Severity.CRITICAL),     # 2 m of water above the sensor are no pressure
        (99.0, 300.0, None, 0.0, None),
        (125.0, 300.0, None, 0.0, Severity.MAJOR),      # boils at 143.6 °C
        (136.0, 300.0, None, 0.0, Severity.CRITICAL),
        (84.0, None, 95.0, 0.0, None),
        (91.0, None, 95.0, 0.0, Severity.MAJOR),
        (94.0, 300.0, 95.0, 0.0, Severity.CRITICAL),
        (125.0, 300.0, 150.0, 0.0, Severity.MAJOR),     # far from its design, near boiling
    ],
)
def test_how_grave_it_is(
    celsius: float, kpa: float | None, design_c: float | None, altitude_m: float, severity: Severity | None
) -> None:
    rule = BoilerTemperature() if design_c is None else BoilerTemperature(design_c=design_c)
    events = told([60.0, *[celsius] * 8], kpa=kpa, rule=rule, altitude_m=altitude_m)
    assert (events[-1].severity if events else None) == severity
    assert all(event.at <= 1e9 + 15.0 + 60.0 for event in events)


def test_it_rises_with_the_temperature_and_ends_below_all_lines() -> None:
    events = told([85.0] + [91.0] * 6 + [96.0] * 6 + [98.5] * 6 + [89.0] * 6 + [87.0] * 6)
    assert grade(events) == [
        (Turn.RAISED, Severity.MINOR), (Turn.UPDATED, Severity.MAJOR), (Turn.UPDATED, Severity.CRITICAL),
        (Turn.CLEARED, Severity.CRITICAL),
    ]  # fmt: skip
    assert events[-1].values["least_k"] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    ("kpa", "celsius"), [(101.325, 100.0), (70.1, 90.0), (198.5, 120.0), (476.2, 150.0), (1002.8, 180.0)]
)
def test_water_boils_where_steam_tables_say(kpa: float, celsius: float) -> None:
    assert boiling_c(kpa) == pytest.approx(celsius, abs=0.5)


def test_air_is_thinner_up_there() -> None:
    assert air_kpa(0.0) == 101.325
    assert air_kpa(3650.0) == pytest.approx(64.4, abs=0.5)  # Lhasa


@pytest.mark.parametrize("design_c", [None, 115.0])
def test_a_hot_boiler_that_loses_its_pressure_comes_near_boiling(design_c: float | None) -> None:
    of = site(BOILER)
    rule = BoilerTemperature() if design_c is None else BoilerTemperature(design_c=design_c)
    engine, events = Engine(list(rule.watches(of))), []
    for number in range(200):
        kpa = max(0.0, 250.0 - 5.0 * max(0, number - 60))
        values = {"teach/boiler/supply/temperature_c": 92.0, "teach/boiler/pressure_kpa": kpa}
        engine.take(Sample(1e9 + 15.0 * number, "boiler", values))
        events += engine.advance(1e9 + 15.0 * number)
    assert events[-1].key == "teach/boiler/boiling" or design_c is None
    assert max(event.severity for event in events if event.key.endswith("boiling")) is Severity.CRITICAL
    assert all(event.turn is not Turn.CLEARED for event in events)


@pytest.mark.parametrize(("celsius", "kpa"), [(110.0, 3.0), (99.0, 0.0), (99.0, 20.0), (96.0, 0.0), (92.0, 0.0),
                                              (86.0, 0.0)])  # fmt: skip
def test_one_danger_is_told_once(celsius: float, kpa: float) -> None:
    """A boiler without design temperature that loses its pressure while it is hot, and cools down slowly."""
    pressures = [300.0] * 30 + [kpa] * 90
    temperatures = [celsius - 0.2 * max(0, n - 60) for n in range(120)]
    events = stepped(temperatures, pressures)
    assert {event.key for event in events} == {"teach/boiler/boiling"}
    assert max(event.severity for event in events) is Severity.CRITICAL or celsius < 91.0


def test_what_the_water_above_a_gauge_hides_is_critical_all_the_same() -> None:
    """At 45 kPa it boils at 110 °C by the gauge, at 100 °C at the top."""
    events = stepped([99.0] * 60, [300.0] * 30 + [45.0] * 30)
    assert [(e.key, e.severity) for e in events if e.severity is Severity.CRITICAL] == [
        ("teach/boiler", Severity.CRITICAL)
    ]


@pytest.mark.parametrize("altitude_m", [0.0, 100.0, 3000.0])
def test_the_vacuum_of_a_broken_transmitter_is_no_pressure(altitude_m: float) -> None:
    assert stepped([60.0] * 90, [300.0] * 30 + [-100.0] * 60, altitude_m=altitude_m) == []
    events = stepped([85.0] * 30 + [99.0] * 60, [300.0] * 30 + [-100.0] * 60, altitude_m=0.0)
    assert {event.key for event in events} == {"teach/boiler"}  # as one whose pressure is not known


def test_an_open_boiler_knows_no_margin() -> None:
    assert told([60.0] + [85.0] * 20, kpa=15.0) == []


@pytest.mark.parametrize("silent", [0, 3, 20])
def test_a_pressure_that_is_not_known_ends_nothing(silent: int) -> None:
    """Readings of the pressure fail while it is near boiling: the alert stays, and is not raised anew."""
    engine, events = Engine(list(BoilerTemperature(design_c=150.0).watches(site(BOILER)))), []
    for number in range(60):
        values = {"teach/boiler/supply/temperature_c": 125.0}
        if not 20 <= number < 20 + silent:
            values["teach/boiler/pressure_kpa"] = 300.0
        engine.take(Sample(1e9 + 15.0 * number, "boiler", values))
        events += engine.advance(1e9 + 15.0 * number)
    assert grade(events) == [(Turn.RAISED, Severity.MAJOR)]
