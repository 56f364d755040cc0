"""Night flow: nights in a row by register and by flow, what is learned from, and meters that always flow."""

from collections.abc import Sequence
from datetime import date

import pytest
from recordings import at, local, replay, restarted, site

from rules.calendar import Term
from rules.engine import Engine
from rules.model import Delivery, Event, Sample, Severity
from rules.night_flow import NightFlow
from rules.watch import Watch

FIRST = at("2026-03-02 00:00")
PLACE = "dorm"


def watches(quantity: str = "volume_m3", every_s: float = 600.0, **calendar: object) -> list[Watch]:
    where = site({PLACE: ("dormitory", [quantity])}, every_s=every_s, **calendar)
    return list(NightFlow().watches(where))


def nights(
    lph: Sequence[float], *, every_min: int = 10, pulse: float = 1.0, quantity: str = "volume_m3"
) -> list[Sample]:
    """Days that draw 500 L/h by day and so much each night, from 00:00 to 06:00."""
    total, out = 0.0, []
    for minute in range(0, len(lph) * 1440, every_min):
        day, hour = divmod(minute // 60, 24)
        rate = lph[day] if hour < 6 else 500.0
        value = total // pulse * pulse / 1000 if quantity == "volume_m3" else rate / 60
        out.append(Sample(FIRST + minute * 60.0, PLACE, {f"{PLACE}/{quantity}": value}))
        total += rate * every_min / 60
    return out


def told(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.turn.value, event.why.partition(".")[2], local(event.at)) for event in events]


USUAL = [20.0, 24.0, 18.0, 22.0, 20.0, 16.0, 21.0] * 3


@pytest.mark.parametrize("quantity", ["volume_m3", "flow_lpm"])
def test_two_nights_in_a_row_are_told(quantity: str) -> None:
    samples = nights([0.0] * 15 + [30.0, 30.0, 30.0, 0.0, 0.0], quantity=quantity)
    events = replay(watches(quantity), samples)
    assert told(events) == [
        ("raised", "raised", "2026-03-18 05:00"), ("cleared", "cleared", "2026-03-20 05:00"),
    ]  # fmt: skip
    assert events[0].values["more"] == pytest.approx(30.0, abs=1.5)
    assert events[0].values["m3_month"] == pytest.approx(21.9, abs=1.2)
    assert (events[0].delivery, events[0].severity) == (Delivery.DIGEST, Severity.MINOR)


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ([60.0], False), ([60.0, 0.0, 60.0], False), ([60.0, 60.0], True), ([4.0, 4.0], False),
        ([29.0, 31.0], True), ([400.0, 400.0], True),
    ],
)  # fmt: skip
def test_what_is_too_much(more: list[float], is_told: bool) -> None:
    """The usual nights: median 20, median deviation 2, so that 8.9 L/h more are too much."""
    events = replay(watches(), nights([*USUAL, *(20.0 + extra for extra in more), 20.0]))
    assert [event.why for event in events if event.why == "night_flow.raised"] == ["night_flow.raised"] * is_told


def test_an_open_tap_is_major() -> None:
    events = replay(watches(), nights([0.0] * 15 + [400.0] * 3))
    assert [event.severity for event in events] == [Severity.MAJOR]


def test_a_pulse_more_is_chance() -> None:
    coarse = nights([0.0 if night % 7 < 5 else 100.0 for night in range(28)], pulse=100.0)
    assert replay(watches(), coarse) == []


def test_a_leak_does_not_become_usual() -> None:
    events = replay(watches(), nights([0.0] * 15 + [60.0] * 40))
    assert [event.turn.value for event in events] == ["raised"]


def test_a_meter_that_always_flows_is_listed_once() -> None:
    events = replay(watches(), nights([260.0, 250.0, 270.0] * 10 + [900.0] * 3 + [260.0] * 5))
    assert [(event.turn.value, event.why, event.severity) for event in events] == [
        ("raised", "night_flow.always", Severity.INFO),
        ("updated", "night_flow.raised", Severity.MAJOR),
        ("cleared", "night_flow.cleared", Severity.INFO),
    ]
    assert {event.delivery for event in events} == {Delivery.DIGEST}


def test_holidays_are_no_measure_for_term() -> None:
    """Empty nights before a term of nights with 40 L/h."""
    term = Term("spring", date(2026, 3, 22), date(2026, 7, 10))
    lph = [0.0] * 20 + [40.0, 44.0, 38.0] * 8
    assert "raised" in {event.turn.value for event in replay(watches(), nights(lph))}
    events = replay(watches(terms=(term,)), nights(lph))
    assert "night_flow.raised" not in {event.why for event in events}


@pytest.mark.parametrize("every_min", [60, 30, 5, 1])
def test_an_hourly_meter_will_do(every_min: int) -> None:
    events = replay(watches(every_s=every_min * 60), nights([0.0] * 15 + [60.0] * 3, every_min=every_min))
    assert [event.turn.value for event in events] == ["raised"]


def test_a_night_that_nobody_heard_counts_neither_way() -> None:
    lph = [0.0] * 15 + [60.0, 60.0, 60.0]
    heard = [
        sample for sample in nights([*lph, 60.0]) if not "2026-03-18 01" <= local(sample.at) < "2026-03-18 07"
    ]
    assert [local(event.at) for event in replay(watches(), heard)] == ["2026-03-19 05:00"]


@pytest.mark.parametrize(
    ("lph", "why"),
    [([0.0] * 9, "night_flow.learning"), ([0.0] * 16, "night_flow.calm"), ([0.0] * 15 + [60.0], "night_flow.over")],
)
def test_it_says_where_it_stands(lph: list[float], why: str) -> None:
    engine = Engine(watches())
    for sample in nights(lph):
        engine.take(sample)
    engine.advance(FIRST + len(lph) * 86_400)
    (watch,) = watches()
    assert watch.explain(engine.state("night_flow", watch.key), engine.mark).why == why


def test_a_restart_loses_nothing() -> None:
    pack, samples = watches(), nights([0.0] * 15 + [60.0] * 3 + [0.0] * 2)
    whole = replay(pack, samples)
    assert len(whole) == 2
    assert restarted(pack, samples, every=101, until=samples[-1].at) == whole
