"""Blind at a boiler: which reading is missed, when, how gravely; sources that are away; rejected readings."""

import json

import pytest
from plant import turns
from recordings import site

from rules.boiler_blind import BoilerBlind
from rules.engine import Engine, Snapshot
from rules.model import Event, Point, Sample, Site
from rules.quality import refiners

START = 1_767_571_200.0
PLACE = "plant/boiler"
POINTS = {"t": f"{PLACE}/supply/temperature_c", "p": f"{PLACE}/pressure_kpa", "f": f"{PLACE}/flame"}
ONLINE = "source/broker/online"


def campus(every_s: float = 10.0) -> Site:
    of = site({PLACE: ("boiler_room", ["supply/temperature_c", "pressure_kpa", "flame"])}, every_s=every_s)
    of.points[ONLINE] = Point(ONLINE, "source/broker", "", "online", "source/broker", "broker", 0.0)  # type: ignore[index]
    return of


def told(samples: list[tuple[float, dict[str, float]]], until: float, *, every_s: float = 10.0) -> list[Event]:
    """The events of these samples, judged on past the last one; the engine begins anew at each."""
    of, events = campus(every_s), []
    engine = Engine(list(BoilerBlind().watches(of)))
    for at, values in samples:
        engine.take(Sample(START + at, "x", values))
        events += engine.advance(START + at)
        snapshot = Snapshot(*json.loads(json.dumps(engine.snapshot())))
        engine = Engine(list(BoilerBlind().watches(of)))
        assert not engine.restore(snapshot)
    return events + engine.advance(START + until)


def steady(
    until: float, *, flame: float | None = 1.0, but: str = "", after: float = 0.0
) -> list[tuple[float, dict[str, float]]]:
    """Readings every ten seconds; one of them is missing from some time on."""
    rows = []
    for at in range(0, int(until), 10):
        values = {POINTS["t"]: 70.0 + at % 7, POINTS["p"]: 180.0 + at % 3}
        values |= {} if flame is None else {POINTS["f"]: flame}
        rows.append((float(at), {k: v for k, v in values.items() if k != POINTS.get(but) or at < after}))
    return rows


@pytest.mark.parametrize(
    ("flame", "known_s", "grade"),
    [(1.0, 600.0, "major"), (None, 600.0, "major"), (0.0, 600.0, "major"), (0.0, 3600.0, "minor")],
)
@pytest.mark.parametrize("but", ["t", "p"])
def test_one_that_is_away_while_the_others_speak(but: str, flame: float | None, known_s: float, grade: str) -> None:
    """A flame that is out may be lit the next minute, unless it has been out for an hour."""
    events = told(steady(known_s + 600.0, flame=flame, but=but, after=known_s), known_s + 600.0)
    assert turns(events) == [("raised", grade)]
    assert events[0].at == START + known_s - 10.0 + 300.0
    assert str(events[0].values["point"]) in POINTS[but]


@pytest.mark.parametrize("is_lit", [True, False])
def test_a_boiler_that_was_out_calls_somebody_when_it_is_lit_or_its_flame_not_known(is_lit: bool) -> None:
    rows = steady(4500.0, flame=0.0, but="t", after=3600.0)
    rows += [(4500.0 + at, values) for at, values in steady(600.0, flame=1.0 if is_lit else None, but="t")]
    events = told(rows, 5100.0)
    assert turns(events) == [("raised", "minor"), ("updated", "major")]
    assert events[1].at == START + (4500.0 if is_lit else 4490.0 + 25.0)


@pytest.mark.parametrize(("celsius", "is_told"), [(-50.0, True), (-29.0, False)])
def test_a_temperature_that_no_water_has_is_no_reading(celsius: float, is_told: bool) -> None:
    rows = steady(2000.0)
    for at, values in rows[60:]:
        values[POINTS["t"]] = celsius + at % 3 / 10
    assert [event.at - START for event in told(rows, 2000.0)] == [890.0] * is_told


@pytest.mark.parametrize("but", ["t", "p"])
@pytest.mark.parametrize("good_s", [0.0, 600.0])
def test_what_a_broken_transmitter_shows_is_no_reading(but: str, good_s: float) -> None:
    """Also one that never showed anything else; it is back with the first sensible reading."""
    rows = steady(2000.0)
    for at, values in rows:
        if good_s <= at < 1500.0:
            values[POINTS[but]] = -100.0
    events = told(rows, 2000.0)
    assert [(turn, event.at - START) for event, (turn, _) in zip(events, turns(events), strict=True)] == [
        ("raised", 300.0 + max(0.0, good_s - 10.0)), ("cleared", 1500.0)
    ]  # fmt: skip


def test_a_whole_device_is_one_alert_and_ends_when_all_are_back() -> None:
    rows = steady(600.0) + [(at + 2000.0, values) for at, values in steady(100.0)]
    events = told(rows, 3000.0)
    assert turns(events) == [("raised", "major"), ("cleared", "major"), ("raised", "major")]
    assert events[1].values["away_s"] == pytest.approx(1410.0)


def test_a_source_that_is_away_is_told_elsewhere() -> None:
    rows = [*steady(600.0), (610.0, {ONLINE: 0.0}), (4000.0, {ONLINE: 1.0})]
    assert told(rows, 4200.0) == []
    assert turns(told(rows, 4400.0)) == [("raised", "major")]


def test_what_reports_rarely_has_more_time() -> None:
    assert told([(0.0, {POINTS["t"]: 70.0})], 700.0, every_s=300.0) == []


def test_a_senseless_reading_guards_nothing() -> None:
    of = campus()
    engine, events = Engine(list(BoilerBlind().watches(of)), refiners(of)), []
    for at, values in steady(4000.0):
        if at > 2000.0:
            values[POINTS["t"]] = 900.0 + at % 13
        engine.take(Sample(START + at, "x", values))
        events += engine.advance(START + at)
    assert turns(events)[:1] == [("raised", "major")]
