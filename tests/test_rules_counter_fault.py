"""Registers that jump, fall or change their unit; a declared exchange and a rollover are no fault."""

import pytest
from recordings import at, site
from spoken import spoken

from rules.counter import Exchange
from rules.counter_fault import CounterFault
from rules.engine import Engine
from rules.model import Event, Sample
from rules.quality import refiners

BEGIN = at("2026-03-02 08:00")
POINT = "dorm/1/energy_kwh"
METER = site({"dorm/1": ("dorm_room", ["energy_kwh"])})


def judged(registers: list[float], *exchanges: Exchange) -> list[Event]:
    engine = Engine(CounterFault().watches(METER), refiners(METER, exchanges={POINT: exchanges}))
    for minute, value in enumerate(registers):
        engine.take(Sample(BEGIN + 60.0 * minute, "dorm/1", {POINT: value}))
    return engine.advance(BEGIN + 60.0 * len(registers))


def rising(first: float, minutes: int) -> list[float]:
    return [round(first + 0.01 * n, 2) for n in range(minutes)]


@pytest.mark.parametrize(
    ("registers", "expected"),
    [
        (rising(500, 2000), []),
        (rising(999_990, 2000)[:1000] + rising(0, 100), []),                               # a rollover
        (rising(500, 60) + rising(0, 60), ["jumped"]),
        (rising(500, 60) + rising(0, 1700), ["jumped", "cleared"]),
        (rising(500, 60) + rising(0, 60) + rising(7000, 60), ["jumped"]),                  # one alert
        (rising(500, 60) + [v * 1000 for v in rising(501, 8)] + rising(501, 60), []),      # a hiccup
        (rising(500, 60) + [v * 1000 for v in rising(501, 30)] + rising(502, 60), ["unit"]),
        ([*rising(500, 60), 9e6, *rising(501, 60)], []),
    ],
)  # fmt: skip
def test_what_is_told(registers: list[float], expected: list[str]) -> None:
    events = judged(registers)
    assert [event.why.removeprefix("counter_fault.") for event in events] == expected
    assert all(event.delivery.value == "digest" for event in events)


def test_a_declared_exchange_is_no_fault() -> None:
    registers = rising(500, 60) + rising(3, 60)
    assert judged(registers, Exchange(BEGIN + 3600.0, 500.6, 3.0)) == []
    assert len(judged(registers)) == 1


def test_it_explains_where_it_stands() -> None:
    (watch,) = CounterFault().watches(METER)
    engine, said = Engine([watch], refiners(METER)), []
    for minute, value in enumerate(rising(500, 60) + [value * 1000 for value in rising(501, 30)]):
        engine.take(Sample(BEGIN + 60.0 * minute, "dorm/1", {POINT: value}))
        engine.advance(BEGIN + 60.0 * minute)
        said.append(watch.explain(engine.state(watch.rule, watch.key), engine.mark))
    stages = {why.removeprefix("counter_fault."): values for why, values in said}
    assert list(stages) == ["fine", "waiting", "open"]
    waiting = spoken("counter_fault", "counter_fault.waiting", stages["waiting"], BEGIN)
    assert waiting["en"] == "wrong unit since 09:00, an alert after 10 min"
