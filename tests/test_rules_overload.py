"""Overload: tables of shares of a limit, and where the limit comes from."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from string import Formatter

import pytest
from recordings import at, replay, restarted, site

from rules.engine import Engine
from rules.model import Delivery, Event, Sample
from rules.overload import Overload
from rules.watch import Watch

ROOM = "dorm/101"
NOON = at("2026-03-02 12:00")
LIMIT = Overload(limit_w=1000.0)


def one(rule: Overload = LIMIT, quantities: Sequence[str] = ("power_w",), every_s: float = 5.0) -> list[Watch]:
    return list(rule.watches(site({ROOM: ("dorm_room", list(quantities))}, every_s=every_s)))


def samples(rows: Iterable[tuple[float, Mapping[str, float] | None]], every_s: float = 5.0) -> list[Sample]:
    """Readings from `(seconds, values)` rows; None: a gap."""
    out, when = [], NOON
    for duration, values in rows:
        end = when + duration
        while when < end:
            if values is not None:
                out.append(Sample(when, ROOM, {f"{ROOM}/{name}": value for name, value in values.items()}))
            when += every_s
    return out


def watts(*rows: tuple[float, float | None]) -> list[Sample]:
    return samples((duration, None if value is None else {"power_w": value}) for duration, value in rows)


def told(events: Iterable[Event]) -> list[tuple[str, Delivery, float]]:
    return [(event.why.partition(".")[2], event.delivery, event.at - NOON) for event in events]


DIGEST, PAGE = Delivery.DIGEST, Delivery.PAGE


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(60, 500), (300, 890)], []),
        ([(60, 500), (55, 950), (300, 500)], []),
        ([(60, 500), (120, 950), (300, 500)], [("near", DIGEST, 120), ("cleared", DIGEST, 240)]),
        ([(60, 500), (15, 1100), (300, 500)], [("over", PAGE, 70), ("cleared", PAGE, 135)]),
        ([(60, 500), (10, 1100), (300, 500)], []),
        ([(60, 500), (5, 1100), (300, 500)], []),
        ([(60, 500), (100, 950), (60, 1100), (300, 500)],
         [("near", DIGEST, 120), ("over", PAGE, 170), ("cleared", PAGE, 280)]),
        ([(60, 500), (120, 950), (300, 880), (120, 950), (300, 500)],                    # not far enough down
         [("near", DIGEST, 120), ("cleared", DIGEST, 660)]),
        ([(60, 500), (60, 1100), (30, 500), (60, 1100), (300, 500)],                     # down for too short
         [("over", PAGE, 70), ("cleared", PAGE, 270)]),
        ([(60, 500), (5, 1100), (600, None), (5, 1100), (300, 500)], [("over", PAGE, 665), ("cleared", PAGE, 730)]),
        ([(60, 500), (5, 1100), (5, 500), (5, 1100), (5, 500)], []),                     # each for too short
    ],
)  # fmt: skip
def test_near_is_a_line_and_over_is_a_page(
    rows: list[tuple[float, float | None]], expected: list[tuple[str, Delivery, float]]
) -> None:
    stream = watts(*rows)
    events = replay(one(), stream)
    assert told(events) == expected
    assert restarted(one(), stream, every=7, until=stream[-1].at) == events


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(60, 500), (5, 890)], None),
        ([(60, 500), (30, 950)], (25.0, 60.0)),
        ([(60, 500), (5, 1100)], (0.0, 10.0)),               # the page is nearer than the line
        ([(60, 500), (10, 1100)], (5.0, 10.0)),
        ([(60, 500), (55, 950), (5, 1100)], (55.0, 60.0)),   # the line is nearer than the page
        ([(60, 500), (15, 1100)], None),
    ],
)
def test_its_hold_is_that_of_what_comes_first(rows: list[tuple[float, float]], expected: object) -> None:
    (watch,) = one()
    state, stream = watch.start, watts(*rows)
    for sample in stream:
        state, _ = watch.step(state, sample.at, {"p": sample.values[f"{ROOM}/power_w"]})
    held = watch.hold(state, stream[-1].at)
    assert (held and held[1:]) == expected
    assert held is None or watch.hold(state, stream[-1].at + 3.0)[1] == held.covered_s + 3.0
    assert held is None or watch.hold(state, stream[-1].at + 99.0)[1] == min(held.covered_s + 12.5, held.needed_s)


def test_a_gap_counts_only_as_far_as_the_reading_before_it_speaks() -> None:
    events = replay(one(), watts((60, 500), (5, 1100), (600, None), (20, 1100)))
    assert events[0].evidence.covered_s == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        (Overload(breaker_a=10.0), {"power_w": 2300.0}, "over"),                         # by 220 V
        (Overload(breaker_a=10.0), {"power_w": 2300.0, "voltage_v": 240.0}, "near"),
        (Overload(breaker_a=10.0, supply_v=240.0), {"power_w": 2300.0}, "near"),
        (Overload(breaker_a=10.0), {"power_w": 1500.0, "current_a": 10.5}, "over"),      # much of it is no power
        (Overload(breaker_a=10.0), {"current_a": 9.5}, "near"),
        (Overload(breaker_a=10.0, limit_w=1000.0), {"power_w": 1100.0, "current_a": 5.0}, "over"),
        (Overload(limit_w=1000.0), {"power_w": 950.0, "current_a": 50.0}, "near"),
        (Overload(breaker_a=10.0), {"power_w": 1500.0, "current_a": 7.0}, ""),
    ],
)
def test_the_limit_is_in_watts_or_in_amperes(rule: Overload, values: Mapping[str, float], expected: str) -> None:
    calm = dict.fromkeys(values, 0.0) | {name: value for name, value in values.items() if name == "voltage_v"}
    events = replay(one(rule, list(values)), samples([(30, calm), (120, values)]))
    assert [event.why.partition(".")[2] for event in events] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("rule", "quantities", "expected"),
    [
        (Overload(), ["power_w"], []),                                                   # no limit, no watch
        (LIMIT, ["power_w", "ac/power_w"], ["dorm/101"]),
        (LIMIT, ["sockets/power_w", "ac/power_w"], ["dorm/101/sockets", "dorm/101/ac"]),
        (LIMIT, ["current_a"], []),                                                      # watts need power
        (Overload(breaker_a=10.0), ["current_a"], ["dorm/101"]),
    ],
)
def test_where_it_watches(rule: Overload, quantities: list[str], expected: list[str]) -> None:
    assert [watch.key for watch in one(rule, quantities)] == expected


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "is_unheard"), ([(60, 500)], "is_calm"), ([(60, 500), (30, 950)], "is_near"),
        ([(60, 500), (90, 950)], "is_told"),
    ],
)  # fmt: skip
def test_it_explains_where_it_stands(rows: list[tuple[float, float]], why: str) -> None:
    (watch,) = one()
    engine = Engine([watch])
    for sample in watts(*rows):
        engine.take(sample)
    engine.advance(NOON + 3600)
    found = watch.explain(engine.state("overload", ROOM), NOON + 3600)
    assert found.why == f"overload.{why}"
    for words in Overload.words.values():
        assert {name for _, name, _, _ in Formatter().parse(words.sentences[found.why]) if name} <= set(found.values)


def test_without_a_limit_its_parameters_are_infinite() -> None:
    assert (Overload().limit_w, Overload().breaker_a) == (inf, inf)
