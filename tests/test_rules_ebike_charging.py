"""E-bike charging: chargers over what a dorm room draws at night, and what is none; real computers and fridges."""

import random
from collections.abc import Callable, Iterable
from string import Formatter

import pytest
from recordings import at, circuit, days, needs_recordings, replay, restarted, site

from rules.ebike_charging import EbikeCharging
from rules.engine import Engine
from rules.model import Delivery, Event, Sample
from rules.watch import Watch

ROOM = "dorm/101"
EVENING = at("2026-03-02 21:00")
HOUR = 3600.0
Course = Callable[[float], float]  # hours since the evening -> W


def one(kind: str = "dorm_room", quantities: Iterable[str] = ("power_w",), every_s: float = 60.0) -> list[Watch]:
    return list(EbikeCharging().watches(site({ROOM: (kind, list(quantities))}, every_s=every_s)))


def night(course: Course, *, hours: float = 12.0, every_s: float = 60.0, begin: float = EVENING) -> list[Sample]:
    """A room that draws about 40 W, and what is on top of it."""
    rng = random.Random(7)
    return [
        Sample(begin + second, ROOM, {f"{ROOM}/power_w": 40.0 + rng.gauss(0, 2) + course(second / HOUR)})
        for second in range(0, int(hours * HOUR), int(every_s))
    ]


def charger(on: float, off: float, watts: float, taper: float = 0.0) -> Course:
    """On and off in hours; the last `taper` hours it draws less and less."""

    def course(hour: float) -> float:
        if not on <= hour < off:
            return 0.0
        return watts * (1.0 if hour < off - taper else 0.1 + 0.9 * (off - hour) / taper)

    return course


def plus(*courses: Course) -> Course:
    return lambda hour: sum(course(hour) for course in courses)


def raised(events: Iterable[Event]) -> list[float]:
    """Hours since the evening."""
    return [round((event.at - EVENING) / HOUR, 1) for event in events if event.turn == "raised"]


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        (charger(2, 7, 180), [5.1]),                                              # from 23:00 on
        (charger(2, 5, 180, taper=1.2), [4.2]),                                   # it tapers after two hours
        (charger(2, 4.5, 180), []),                                               # not long enough, no taper
        (charger(0.1, 6, 180), [3.2]),                                            # from 21:06 on
        (charger(2, 7, 80), []),                                                  # a lamp
        (charger(2, 7, 800), []),                                                 # a heater
        (plus(charger(2, 7, 180), charger(3, 3.08, 1500)), [5.2]),                # a kettle on top
        (plus(charger(1.8, 1.97, 460), charger(2.02, 7, 180)), [5.1]),               # right after a kettle
        (plus(charger(0, 2.3, 25), charger(2, 7, 180)), [5.2]),                   # a lamp goes off beside it
        (plus(*(charger(k, k + 0.4, 150) for k in range(12))), []),               # a compressor
        (lambda hour: 140 + 60 * ((hour * 7919.7) % 1.0) if hour > 1 else 0.0, []),   # a computer that works
        (lambda hour: min(300.0, max(0.0, 60 * (hour - 1))), []),                 # it only creeps up
    ],
)  # fmt: skip
@pytest.mark.parametrize("every_s", [15.0, 60.0, 300.0])
def test_an_even_block_at_night_is_told_once(course: Course, expected: list[float], every_s: float) -> None:
    if every_s == 300.0 and len(expected) and expected[0] == 5.2:
        pytest.skip("a kettle of five minutes fills one reading")
    samples = night(course, every_s=every_s)
    events = replay(one(every_s=every_s), samples)
    assert raised(events) == pytest.approx(expected, abs=0.11)
    assert [event.turn for event in events] == ["raised", "cleared"] * len(expected)
    assert {event.delivery for event in events} <= {Delivery.DIGEST}


def test_a_fridge_on_top_of_it_delays_it() -> None:
    fridge = (charger(k / 2, k / 2 + 0.2, 90) for k in range(24))
    (hour,) = raised(replay(one(), night(plus(charger(2, 9, 180), *fridge))))
    assert 6.0 < hour < 9.0


def test_lamps_that_go_off_at_lights_out_are_no_charger() -> None:
    """From 18:30 on a lamp, until 22:30, and a fan, until 23:30."""
    evening = plus(charger(0.5, 4.5, 72), charger(0.5, 5.5, 110))
    assert replay(one(), night(evening, begin=EVENING - 3 * HOUR)) == []

def test_by_day_it_is_not_told() -> None:
    assert replay(one(), night(charger(1, 7, 180), hours=9, begin=EVENING - 12 * HOUR)) == []


def test_what_was_on_before_is_no_charger() -> None:
    assert replay(one(), night(charger(-1, 9, 180))) == []


def test_the_same_night_after_night_is_fixed_equipment() -> None:
    samples = [s for day in range(5) for s in night(charger(1, 9, 180), hours=24, begin=EVENING + 24 * HOUR * day)]
    assert [round(hour // 24) for hour in raised(replay(one(), samples))] == [0, 1, 2]


def test_values_say_how_much() -> None:
    event, ended = replay(one(), night(charger(2, 7, 200)))
    assert event.values["watts"] == pytest.approx(200, rel=0.02)
    assert ended.values["kwh"] == pytest.approx(1.0, rel=0.05)
    assert ended.values["on_s"] == pytest.approx(5 * HOUR, abs=400)


def test_a_gap_ends_it() -> None:
    samples = [s for s in night(charger(2, 9, 180)) if not 4 * HOUR < s.at - EVENING < 5 * HOUR]
    assert replay(one(), samples) == []


def test_a_restart_loses_nothing() -> None:
    samples = night(charger(2, 7, 180, taper=1.0))
    whole = replay(one(), samples)
    assert len(whole) == 2
    assert restarted(one(), samples, every=13, until=samples[-1].at) == whole


@needs_recordings
def test_real_rooms_do_not_charge() -> None:
    classes = ("PC-Desktop", "PC-Laptop", "Monitor-TFT", "TV-LCD", "Refrigerator", "Lamp")
    for day in range(4):
        paths = [days(name)[day] for name in classes]
        power = circuit(paths)
        samples = [
            Sample(EVENING + second + 86_400 * night, ROOM, {f"{ROOM}/power_w": watts})
            for night in range(2)
            for second, (watts, _) in power.items()
            if second < 86_400
        ]
        assert replay(one(every_s=5.0), samples) == [], day


@pytest.mark.parametrize(
    ("kind", "quantities", "expected"),
    [
        ("dorm_room", ["power_w"], ["dorm/101"]),
        ("stairwell", ["power_w", "lighting/power_w"], ["dorm/101"]),
        ("corridor", ["sockets/power_w", "power_w"], ["dorm/101/sockets"]),
        ("corridor", ["lighting/power_w"], []),
        ("classroom", ["power_w"], []),
    ],
)
def test_where_it_watches(kind: str, quantities: list[str], expected: list[str]) -> None:
    assert [watch.key for watch in one(kind, quantities)] == expected


@pytest.mark.parametrize(("hours", "why"), [(0, "is_unheard"), (1, "is_calm"), (4, "is_even"), (6, "is_on")])
def test_it_explains_where_it_stands(hours: float, why: str) -> None:
    (watch,) = one()
    engine = Engine([watch])
    for sample in night(charger(2, 9, 180), hours=hours):
        engine.take(sample)
    engine.advance(EVENING + 12 * HOUR)
    found = watch.explain(engine.state("ebike_charging", ROOM), EVENING + 12 * HOUR)
    assert found.why == f"ebike_charging.{why}"
    for words in EbikeCharging.words.values():
        assert {name for _, name, _, _ in Formatter().parse(words.sentences[found.why]) if name} <= set(found.values)
