"""Flow while closed: what is drawn after closing, at weekends and in holidays."""

from collections.abc import Callable
from datetime import date

import pytest
from recordings import at, local, replay, restarted, series, site

from rules.calendar import Term
from rules.closed_flow import ClosedFlow
from rules.model import Delivery, Event, Sample
from rules.watch import Watch

FRIDAY = at("2026-03-06 12:00")
TERM = Term("spring", date(2026, 2, 2), date(2026, 3, 8))
WEEKS, DAY = 3, 1440


def watches(kind: str, place: str, quantity: str = "flow_lpm", **calendar: object) -> list[Watch]:
    return list(ClosedFlow().watches(site({place: (kind, [quantity])}, **calendar)))


def drawn(place: str, *runs: tuple[float, float | None]) -> list[Sample]:
    """From Friday noon on, after three weeks in which nothing was drawn."""
    begin = FRIDAY - 7 * WEEKS * DAY * 60.0
    return series(f"{place}/flow_lpm", begin, 60, [(7 * WEEKS * DAY, 0.0), *runs])


def weeks(place: str, litres: Callable[[int], float], days: int) -> list[Sample]:
    """L/min by the minute since a Monday's midnight."""
    begin = at("2026-03-02 00:00")
    runs = [(1, litres(minute)) for minute in range(days * DAY)]
    return series(f"{place}/flow_lpm", begin, 60, runs)


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
    runs = [(4 * DAY, 0.0), (180, 8.0), (60, 0.0)]  # on Tuesday after the term's last Sunday
    events = replay(watches("washroom", "dorm/1F", terms=terms), drawn("dorm/1F", *runs))
    assert bool(events) is is_told


def test_a_register_counts_what_readings_missed_but_not_its_time() -> None:
    litres = [0.0] * 720 + [40.0] * 60 + [0.0] * 60
    total, samples = 0.0, []
    for minute, drew in enumerate(litres):
        total += drew
        if not 725 <= minute < 775:
            samples.append(Sample(FRIDAY + 60.0 * minute, "teach/1", {"teach/1/volume_m3": total / 1000}))
    (raised,) = replay(watches("washroom", "teach/1", "volume_m3"), samples)
    assert raised.values["litres"] == pytest.approx(2360.0, abs=50.0)
    assert raised.values["drawn_s"] == pytest.approx(600.0, abs=60.0)


def urinal(minute: int) -> float:
    return 6.0 if minute % 20 < 2 else 0.0  # 12 L each 20 min


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (lambda minute: 0.0, []),                                                              # each night, as ever
        (lambda minute: 12.0 if minute == 10 * DAY + 120 else 0.0, []),                        # once more
        (lambda minute: 2.0 if 10 * DAY <= minute < 14 * DAY else 0.0, ["2026-03-12", "2026-03-14"]),
        (lambda minute: 4.0 if 5 * DAY + 720 <= minute % (7 * DAY) < 5 * DAY + 780 else 0.0, []),  # each Saturday
    ],
)  # fmt: skip
def test_what_a_closed_place_always_draws_is_no_news(more: Callable[[int], float], expected: list[str]) -> None:
    """A leak is told in its first night, and at the weekend, when it draws more than twice as much, no more then."""
    samples = weeks("teach/1", lambda minute: urinal(minute) + more(minute), 21)
    raised = [event for event in replay(watches("washroom", "teach/1"), samples) if event.turn.value == "raised"]
    assert [local(event.at)[:10] for event in raised] == expected


def test_until_three_stretches_are_known_only_much_is_told() -> None:
    for lpm, is_told in ((2.0, False), (20.0, True)):
        samples = weeks("teach/1", lambda minute, lpm=lpm: lpm if minute % DAY < 120 else 0.0, 3)  # type: ignore[misc]
        events = replay(watches("washroom", "teach/1"), samples)
        assert bool(events) is is_told
        assert sum(event.turn.value == "raised" for event in events) <= 1


def test_it_says_where_it_stands() -> None:
    (watch,) = watches("washroom", "teach/1")
    state, whys = watch.start, []
    for sample in series("teach/1/flow_lpm", FRIDAY, 60, [(631, 0.0), (60, 1.0)]):
        state, _ = watch.step(state, sample.at, {"flow": sample.values["teach/1/flow_lpm"]})
        whys.append(watch.explain(state, sample.at).why)
    assert (whys[600], whys[-1]) == ("closed_flow.open", "closed_flow.closed")


def test_a_restart_loses_nothing() -> None:
    pack, samples = watches("washroom", "teach/1"), drawn("teach/1", (1200, 0.0), (30, 8.0), (2000, 0.0))
    whole = replay(pack, samples)
    assert len(whole) == 2
    assert restarted(pack, samples, every=1211, until=samples[-1].at) == whole
