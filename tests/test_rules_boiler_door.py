"""Boiler room door: nobody on duty, class hours, left open; short openings, gaps and contacts that speak on change."""

import random
from dataclasses import replace

import pytest
from plant import told, turns
from recordings import at, site

from rules.boiler_door import BoilerDoor
from rules.engine import Engine
from rules.model import Delivery, Event, Sample, Site

ROOM = "plant/boiler"
SUNDAY = at("2026-12-06 10:00")
LESSON = at("2026-12-07 10:10")
MINUTE = 60.0
Rows = list[tuple[float, dict[str, float]]]


def room(*, every_s: float = 15.0, door_s: float | None = None, duty: bool = True) -> Site:
    of = site({ROOM: ("boiler_room", ["door_open", "on_duty"] if duty else ["door_open"])}, every_s=every_s)
    points = {p.id: p._replace(holds_s=door_s) if door_s else p for p in of.points.values()}
    return replace(of, points=points)


def door(*pieces: tuple[float, float | None], every_s: float = 15.0, duty: float | None = None) -> Rows:
    """Readings of pieces of (minutes, open or not; None is a gap)."""
    rows, second, end = [], 0.0, 0.0
    for minutes, is_open in pieces:
        end += minutes * MINUTE
        while second < end:
            values = {} if is_open is None else {f"{ROOM}/door_open": is_open}
            if values and duty is not None:
                values[f"{ROOM}/on_duty"] = duty
            if values:
                rows.append((second, values))
            second += every_s
    return rows


def events(rows: Rows, start: float, of: Site | None = None) -> list[Event]:
    of = of or room()
    live = told(BoilerDoor(), of, sorted(rows, key=lambda row: row[0]), start=start)
    assert live == told(BoilerDoor(), of, sorted(rows, key=lambda row: row[0]), start=start, restarts=True)
    return live


def said(found: list[Event], start: float) -> list[tuple[str, str, float]]:
    return [
        (event.why.partition(".")[2], severity, (event.at - start) / MINUTE)
        for (_, severity), event in zip(turns(found), found, strict=True)
    ]


OPEN_LONG = ((5, 0.0), (10, 1.0), (5, 0.0))


@pytest.mark.parametrize(
    ("start", "rows", "expected"),
    [
        (SUNDAY, door(*OPEN_LONG, duty=0.0), [("alone", "major", 6.0), ("shut", "major", 15.0)]),
        (SUNDAY, door(*OPEN_LONG, duty=1.0), []),
        (SUNDAY, door(*OPEN_LONG), []),                                # nobody ever said who is on duty
        (LESSON, door(*OPEN_LONG), [("lesson", "major", 6.0), ("shut", "major", 15.0)]),
        (LESSON, door(*OPEN_LONG, duty=1.0), [("lesson", "major", 6.0), ("shut", "major", 15.0)]),
        (LESSON, door(*OPEN_LONG, duty=0.0), [("lesson", "major", 6.0), ("shut", "major", 15.0)]),
        (LESSON, door((5, 0.0), (0.9, 1.0), (5, 0.0), (0.9, 1.0), (5, 0.0), duty=0.0), []),   # walking through
        (SUNDAY, door((5, 0.0), (40, 1.0), (5, 0.0), duty=1.0), [("left", "minor", 35.0), ("shut", "minor", 45.0)]),
        (SUNDAY, door((5, 0.0), (0.5, 1.0), (60, None), (0.25, 1.0), (5, 0.0), duty=0.0), []),  # a gap counts nothing
        (SUNDAY, [*door((9, 1.0), duty=0.0), (9.1 * MINUTE, {f"{ROOM}/on_duty": 1.0})],
         [("alone", "major", 1.0), ("attended", "major", 9.1)]),
        (SUNDAY, [*door((40, 1.0), duty=1.0), *((40 * MINUTE + s, v) for s, v in door((5, 1.0), duty=0.0))],
         [("left", "minor", 30.0), ("alone", "major", 41.0)]),
        (at("2026-12-07 06:00"), door((200, 1.0), duty=1.0),
         [("left", "minor", 30.0), ("lesson", "major", 121.0)]),        # open since before the first lesson
        (at("2026-12-07 23:30"), door(*OPEN_LONG), []),
    ],
)  # fmt: skip
def test_what_it_tells(start: float, rows: Rows, expected: list[tuple[str, str, float]]) -> None:
    assert said(events(rows, start), start) == [
        (why, severity, pytest.approx(minute, abs=0.3)) for why, severity, minute in expected
    ]


def test_who_is_told() -> None:
    found = events(door((5, 0.0), (40, 1.0), duty=1.0), SUNDAY) + events(door((5, 0.0), (9, 1.0), duty=0.0), SUNDAY)
    assert [event.delivery for event in found] == [Delivery.DIGEST, Delivery.PAGE]


def test_a_contact_that_speaks_on_change_is_believed() -> None:
    of = room(door_s=7200.0)
    opened, shut = {f"{ROOM}/door_open": 1.0}, {f"{ROOM}/door_open": 0.0}
    rows: Rows = [(0.0, {f"{ROOM}/on_duty": 0.0}), (60.0, opened), (600.0, shut), (700.0, opened), (730.0, shut)]
    assert said(events(rows, SUNDAY, of), SUNDAY) == [("alone", "major", 2.0), ("shut", "major", 10.0)]
    rows = [(0.0, opened), (7000.0, shut)]
    assert said(events(rows, at("2026-12-07 07:20"), of), at("2026-12-07 07:20")) == [
        ("left", "minor", 30.0), ("lesson", "major", 41.0), ("shut", "major", pytest.approx(116.7, abs=0.1))
    ]  # fmt: skip


@pytest.mark.parametrize("every_s", [30.0, 60.0])
def test_one_reading_of_a_contact_that_is_read_regularly_tells_nothing(every_s: float) -> None:
    rows = door((5, 0.0), (every_s / 60, 1.0), (0.05, None), (5, 0.0), every_s=every_s, duty=0.0)
    assert events(rows, LESSON, room(every_s=every_s)) == []


def test_what_people_declare_holds() -> None:
    of = room(duty=False)
    (watch,) = BoilerDoor().watches(of)
    engine, found = Engine([watch]), []
    samples = [Sample(SUNDAY, "people/x", {f"{ROOM}/on_duty": 0.0})]
    samples += [Sample(SUNDAY + 14 * 86_400.0 + second, "d", values) for second, values in door((5, 0.0), (5, 1.0))]
    for sample in samples:
        engine.take(sample)
        found += engine.advance(sample.at)
    assert [event.why for event in found] == ["boiler_door.alone"]


@pytest.mark.parametrize("seed", range(50))
def test_an_open_door_is_told_one_reading_after_the_grace_at_most(seed: int) -> None:
    rng = random.Random(seed)
    every_s, begin_s = rng.choice((1.0, 5.0, 15.0, 30.0, 60.0)), rng.uniform(200.0, 900.0)
    start = SUNDAY if seed % 2 else LESSON
    times = [n * every_s + rng.uniform(0.0, 0.2 * every_s) for n in range(int(1500 / every_s))]
    duty = {f"{ROOM}/on_duty": 0.0} if seed % 2 else {}
    rows = [(second, {f"{ROOM}/door_open": float(second >= begin_s)} | duty) for second in times]
    found = told(BoilerDoor(), room(every_s=every_s), rows, start=start)
    assert turns(found) == [("raised", "major")]
    assert 60.0 - 0.2 * every_s <= found[0].at - start - begin_s <= 60.0 + 2.2 * every_s


def test_it_explains_where_it_stands() -> None:
    (watch,) = BoilerDoor().watches(room())
    whys = [watch.explain(watch.start, SUNDAY).why]
    engine = Engine([watch])
    for second, values in [
        (0.0, {"door_open": 0.0}), (10.0, {"door_open": 1.0}), (20.0, {"on_duty": 0.0}), (30.0, {"on_duty": 1.0}),
    ]:  # fmt: skip
        engine.take(Sample(SUNDAY + second, "d", {f"{ROOM}/{name}": value for name, value in values.items()}))
        engine.advance(SUNDAY + second)
        whys.append(watch.explain(engine.state(watch.rule, watch.key), SUNDAY + second).why)
    assert [why.partition(".")[2] for why in whys] == ["is_unheard", "is_shut", "is_open", "is_alone", "is_open"]
