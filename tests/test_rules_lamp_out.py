"""Lamp out: days of a classroom's lighting circuit, with partial rows, voltage and warm-up."""

import random
from collections.abc import Sequence

import pytest
from recordings import at, local, replay, restarted, site

from rules.lamp_out import LampOut
from rules.model import Event, Sample
from rules.watch import Watch

ROOM = "teach/1"
POINT = f"{ROOM}/lighting/power_w"
FIRST = at("2026-03-02 00:00")
LAMP_W = 36.0


def one(**parameters: float) -> list[Watch]:
    return list(LampOut(**parameters).watches(site({ROOM: ("classroom", ["lighting/power_w"])})))


def day(number: int, lamps: float, *, seed: int = 1, hours: float = 3.0, drift: float = 0.0) -> list[Sample]:
    """An evening: warm-up of 10 %, voltage of 2 % over minutes, an inrush; lamps come on row by row."""
    rng = random.Random(seed * 1000 + number)
    begin, out = FIRST + number * 86_400.0 + 18.5 * 3600.0, []
    volts = rng.uniform(-0.01, 0.01)
    for minute in range(int(hours * 60)):
        volts += rng.uniform(-0.002, 0.002) - 0.05 * volts
        share = 0.5 if minute < 20 else 1.0
        warm = 1.0 + 0.1 * max(0.0, 1 - minute / 12)
        watts = lamps * LAMP_W * share * warm * (1 + 1.6 * volts + drift) if minute else lamps * LAMP_W * 8
        out.append(Sample(begin + minute * 60.0, ROOM, {POINT: watts}))
    return [*out, Sample(begin + hours * 3600.0, ROOM, {POINT: 0.4})]


def days(lamps: Sequence[float], *, drift: float = 0.0, seed: int = 1) -> list[Sample]:
    """A day each with so many lamps at most; 0: dark all day."""
    return [
        sample
        for number, count in enumerate(lamps)
        if count
        for sample in day(number, count, seed=seed, drift=drift * number)
    ]


def told(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.turn.value, local(event.at)[5:10]) for event in events]


@pytest.mark.parametrize(
    ("lamps", "expected"),
    [
        ([9] * 12 + [8] * 6, [("raised", "03-17")]),                     # three lit days are over on the 17th
        ([9] * 12 + [8] * 6 + [9] * 3, [("raised", "03-17"), ("cleared", "03-21")]),
        ([12] * 14 + [10] * 6, [("raised", "03-19")]),
        ([9] * 24, []),
        ([9] * 12 + [8] + [9] * 6, []),                                  # one day with fewer
        ([9] * 12 + [8, 8, 9] * 3, []),
        ([9, 9, 9, 9, 9, 3, 0] * 4, []),                                 # Saturdays with one row, Sundays dark
        ([9, 9, 9, 9, 9, 0, 0] * 2 + [8] * 6, [("raised", "03-19")]),
        ([9] * 12 + [6] * 8, []),                                        # a row that nobody switches on
        ([9] * 6 + [8] * 4, []),                                         # too soon to know
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_days_with_one_lamp_less(lamps: list[float], expected: list[tuple[str, str]], seed: int) -> None:
    assert told(replay(one(), days(lamps, seed=seed))) == expected


def test_lamps_that_fade_together_are_no_dead_lamp() -> None:
    assert replay(one(), days([9] * 40, drift=-0.002)) == []


def test_the_power_of_a_lamp_tells_one_of_many() -> None:
    lamps = [40] * 12 + [39] * 5
    assert replay(one(), days(lamps)) == []  # 2.5 % might be voltage
    (raised,) = replay(one(lamp_w=LAMP_W), days(lamps, seed=2))
    assert raised.why == "lamp_out.raised_lamps"
    assert raised.values["lamps"] == 1
    assert raised.delivery == "digest"


def test_it_explains_where_it_stands() -> None:
    (watch,) = one()
    state, whys = watch.start, []
    for sample in days([9] * 12 + [8] * 6):
        state, _ = watch.step(state, sample.at, {"power": sample.values[POINT]})
        whys.append(watch.explain(state, sample.at).why.partition(".")[2])
    assert list(dict.fromkeys(whys)) == ["learning", "compared", "open"]


@pytest.mark.parametrize(
    ("lamps", "expected"),
    [
        ([9] * 12, None),
        ([9] * 12 + [8], ("03-14", 1)),        # this day, as far as it is known
        ([9] * 12 + [8, 8], ("03-14", 2)),
        ([9] * 12 + [8, 8, 8], ("03-14", 3)),  # told when this day is over
        ([9] * 12 + [8, 8, 8, 8], None),
        ([9] * 12 + [8, 8, 9], None),
        ([9] * 6 + [8], None),                 # too soon to know
    ],
)
def test_it_shows_the_days_that_are_lower(lamps: list[float], expected: tuple[str, int] | None) -> None:
    (watch,) = one()
    state, rows = watch.start, days(lamps)
    for sample in rows:
        state, _ = watch.step(state, sample.at, {"power": sample.values[POINT]})
    held = watch.hold(state, rows[-1].at)
    assert (held and (local(held.since)[5:10], held.covered_s / 86_400.0)) == expected
    assert held is None or held.needed_s == 3 * 86_400.0


def test_its_evidence_begins_with_the_first_dark_day() -> None:
    (raised,) = replay(one(), days([9] * 12 + [8] * 6))
    assert local(raised.evidence.since)[5:] == "03-14 00:00"


def test_a_restart_loses_nothing() -> None:
    rows = days([9] * 12 + [8] * 6 + [9] * 3)
    whole = replay(one(), rows)
    assert len(whole) == 2
    assert restarted(one(), rows, every=97, until=rows[-1].at) == whole
