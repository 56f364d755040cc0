"""Flow while closed: what is drawn after closing, at weekends and in holidays."""

from datetime import date

import pytest
from recordings import at, local, replay, restarted, series, site

from rules.calendar import Term
from rules.closed_flow import ClosedFlow
from rules.model import Delivery, Event, Sample
from rules.watch import Watch

FRIDAY = at("2026-03-06 12:00")
TERM = Term("spring", date(2026, 3, 2), date(2026, 3, 8))


def watches(kind: str, place: str, quantity: str = "flow_lpm", **calendar: object) -> list[Watch]:
    return list(ClosedFlow().watches(site({place: (kind, [quantity])}, **calendar)))


def drawn(place: str, *runs: tuple[float, float | None]) -> list[Sample]:
    return series(f"{place}/flow_lpm", FRIDAY, 60, runs)


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.turn.value, local(event.at)) for event in events]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(600, 8.0), (30, 0.0), (600, 0.0)], []),                                     # open until 22:30
        ([(630, 0.0), (25, 8.0), (600, 0.0)], []),                                     # cleaners
        ([(630, 0.0), (60, 8.0), (600, 0.0)], [("raised", "2026-03-06 23:13")]),       # 100 L after 23:00
        ([(720, 0.0), (5, 40.0), (600, 0.0)], []),                                     # much, but briefly
        ([(720, 0.0), (60, 1.0), (600, 0.0)], []),                                     # long, but little
        ([(1200, 0.0), (30, 8.0), (2 * 1440, 0.0)], [("raised", "2026-03-07 08:13"), ("cleared", "2026-03-08 08:30")]),
        ([(1200, 0.0), (30, 8.0), (1380, 0.0), (20, 8.0), (2000, 0.0)],
         [("raised", "2026-03-07 08:13"), ("cleared", "2026-03-09 06:20")]),           # the school opens on Monday
    ],
)  # fmt: skip
def test_what_is_drawn_when_a_school_building_is_closed(
    runs: list[tuple[float, float | None]], expected: list[tuple[str, str]]
) -> None:
    events = replay(watches("washroom", "teach/1"), drawn("teach/1", *runs))
    assert told(events) == expected
    assert {event.delivery for event in events} <= {Delivery.DIGEST}


@pytest.mark.parametrize(("terms", "is_told"), [((TERM,), True), ((), False)])
def test_a_dormitory_closes_for_the_holidays_only(terms: tuple[Term, ...], is_told: bool) -> None:
    runs = [(4000, 0.0), (60, 8.0), (60, 0.0)]   # on Monday morning after the term's last Sunday
    events = replay(watches("washroom", "dorm/1F", terms=terms), drawn("dorm/1F", *runs))
    assert bool(events) is is_told


def test_a_register_counts_what_readings_missed_but_not_its_time() -> None:
    litres = [0.0] * 720 + [20.0] * 60 + [0.0] * 60
    total, samples = 0.0, []
    for minute, drew in enumerate(litres):
        total += drew
        if not 725 <= minute < 775:
            samples.append(Sample(FRIDAY + 60.0 * minute, "teach/1", {"teach/1/volume_m3": total / 1000}))
    (raised,) = replay(watches("washroom", "teach/1", "volume_m3"), samples)
    assert raised.values["litres"] == pytest.approx(1180.0, abs=25.0)
    assert raised.values["drawn_s"] == pytest.approx(600.0, abs=60.0)


def test_it_says_where_it_stands() -> None:
    (watch,) = watches("washroom", "teach/1")
    state, whys = watch.start, []
    for sample in drawn("teach/1", (631, 0.0), (60, 1.0)):
        state, _ = watch.step(state, sample.at, {"flow": sample.values["teach/1/flow_lpm"]})
        whys.append(watch.explain(state, sample.at).why)
    assert (whys[600], whys[-1]) == ("closed_flow.open", "closed_flow.closed")


def test_a_restart_loses_nothing() -> None:
    pack, samples = watches("washroom", "teach/1"), drawn("teach/1", (1200, 0.0), (30, 8.0), (2000, 0.0))
    whole = replay(pack, samples)
    assert len(whole) == 2
    assert restarted(pack, samples, every=211, until=samples[-1].at) == whole
