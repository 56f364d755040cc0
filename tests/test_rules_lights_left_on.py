"""Lights left on: a real office, and tables of lamps, sun, people and hours."""

from collections.abc import Sequence

import pytest
from recordings import at, local, needs_recordings, occupancy, replay, restarted, site, turns

from rules.lights_left_on import LightsLeftOn
from rules.model import Sample
from rules.watch import Watch

ROOM = "teach/1"
BEGIN = at("2026-03-02 14:00")   # a Monday
LUX = ["illuminance_lx", "occupied"]
POWER = ["lighting/power_w", "occupied"]


def one(quantities: Sequence[str], kind: str = "classroom", *, every_s: float = 60.0) -> list[Watch]:
    return list(LightsLeftOn(office_min=15).watches(site({ROOM: (kind, quantities)}, every_s=every_s)))


def minutes(rows: Sequence[tuple[int, float | None, float | None]], light: str, begin: float = BEGIN) -> list[Sample]:
    """A sample a minute from `(minutes, light, occupied)`; None: this sensor says nothing."""
    out, when = [], begin
    for count, level, occupied in rows:
        for _ in range(count):
            values = {f"{ROOM}/{light}": level, f"{ROOM}/occupied": occupied}
            out.append(Sample(when, ROOM, {point: value for point, value in values.items() if value is not None}))
            when += 60
    return [sample for sample in out if sample.values]


@needs_recordings
@pytest.mark.parametrize("kind", ["classroom", "office"])
@pytest.mark.parametrize(
    ("name", "episodes"),
    [
        ("datatraining", [("2015-02-05 13:34", "2015-02-05 13:49", "2015-02-05 13:59")]),
        ("datatest", [("2015-02-02 17:34", "2015-02-02 17:49", "2015-02-02 17:57")]),
    ],
)
def test_a_real_office_is_lit_and_empty_once(name: str, episodes: list[tuple[str, str, str]], kind: str) -> None:
    events = replay(one(LUX, kind), occupancy(name, ROOM))
    raised, cleared = ([e for e in events if e.turn == turn] for turn in ("raised", "cleared"))
    found = [(local(r.evidence.since), local(r.at), local(c.at)) for r, c in zip(raised, cleared, strict=True)]
    assert found == episodes


LAMPS_ON = [(5, 3.0, 0.0), (10, 430.0, 1.0)]   # somebody comes and switches them on


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([*LAMPS_ON, (30, 430.0, 0.0)], [("raised", 30)]),
        ([*LAMPS_ON, (14, 430.0, 0.0), (5, 430.0, 1.0)], []),
        ([*LAMPS_ON, (20, 430.0, 0.0), (5, 4.0, 0.0)], [("raised", 30), ("cleared", 35)]),
        ([*LAMPS_ON, (20, 430.0, 0.0), (5, 430.0, 1.0)], [("raised", 30), ("cleared", 35)]),
        ([*LAMPS_ON, (1, 4.0, 0.0), (60, 4.0, 0.0)], []),
        ([(5, 3.0, 0.0), (1, 190.0, 1.0), (9, 430.0, 1.0), (20, 430.0, 0.0)], [("raised", 30)]),   # in halves
        ([*LAMPS_ON, (5, 650.0, 1.0), (5, 480.0, 1.0), (20, 520.0, 0.0)], [("raised", 40)]),   # clouds are no switch
        ([*LAMPS_ON, (5, 700.0, 1.0), (30, 270.0, 0.0)], []),         # off by day: the sun still lights the room
        ([(5, 200.0, 0.0), (60, 900.0, 0.0)], []),                    # the sun through a gap, nobody there
        ([(5, 200.0, 0.0), (30, 350.0, 0.0), (30, 500.0, 0.0), (30, 900.0, 0.0)], []),
        ([(5, 120.0, 0.0), (1, 420.0, 0.0), (5, 420.0, 1.0), (30, 420.0, 0.0)], [("raised", 26)]),  # the sensor lags
        ([(2, 3.0, 0.0), (2, 60.0, 0.0), (5, 120.0, 0.0), (1, 420.0, 0.0), (5, 420.0, 1.0), (20, 420.0, 0.0)],
         [("raised", 30)]),
        ([(5, 3.0, 0.0), (1, 190.0, 1.0), (9, 430.0, 1.0), (5, 650.0, 1.0), (5, 480.0, 1.0), (20, 520.0, 0.0)],
         [("raised", 40)]),                                           # what the lamps give is learned in full
        ([*LAMPS_ON, (5, None, 1.0), (30, 100.0, 0.0)], []),          # off unseen: what is left is less than they give
        ([*LAMPS_ON, (5, 5.0, 1.0), (5, 100.0, 1.0), (5, 260.0, 1.0), (30, 260.0, 0.0)], []),     # less than they give
        ([(5, 450.0, 1.0), (30, 450.0, 0.0)], [("raised", 20)]),      # at first sight: people at desk light
        ([(5, 450.0, 0.0), (30, 450.0, 0.0)], []),
    ],
)  # fmt: skip
def test_lamps_are_told_from_the_sun(
    rows: list[tuple[int, float | None, float]], expected: list[tuple[str, float]]
) -> None:
    assert turns(replay(one(LUX), minutes(rows, "illuminance_lx")), BEGIN) == expected


def test_light_in_the_middle_of_the_night_is_lamps() -> None:
    night = at("2026-03-02 23:10")
    events = replay(one(LUX), minutes([(30, 60.0, 0.0)], "illuminance_lx", night))
    assert turns(events, night) == [("raised", 15)]
    assert replay(one(LUX), minutes([(30, 25.0, 0.0)], "illuminance_lx", night)) == []


@pytest.mark.parametrize(
    ("begin", "rows", "expected"),
    [
        # a street lamp of 60 lx before the window, once people have shown what the lamps give
        ("22:00", [(20, 430.0, 1.0), (10, 430.0, 0.0), (90, 60.0, 0.0)], []),
        ("22:00", [*LAMPS_ON, (5, 60.0, 1.0), (90, 60.0, 0.0)], []),
        ("22:00", [*LAMPS_ON, (90, 110.0, 0.0)], [("raised", 75)]),        # one row of four, from 23:00
        ("22:00", [*LAMPS_ON, (5, 60.0, 0.0), (60, 60.0, 0.0), (30, 430.0, 0.0)], [("raised", 95)]),
        # weak lamps alone: on until what they gave is gone, also when the deep night ends at 3:00
        ("02:30", [(50, 60.0, 0.0), (10, 58.0, 0.0), (5, 3.0, 0.0)], [("raised", 15), ("cleared", 60)]),
        ("02:30", [(50, 33.0, 0.0), (10, 31.0, 0.0), (5, 3.0, 0.0)], [("raised", 15), ("cleared", 60)]),
        # the night's weak light does not teach what the lamps give by day: a cloud is no switch
        ("02:30", [(10, 60.0, 0.0), (60, 3.0, 0.0), (5, 60.0, 0.0), (5, 120.0, 0.0), (9, 420.0, 1.0),
                   (10, 420.0, 0.0), (10, 380.0, 0.0)], [("raised", 104)]),
    ],
)  # fmt: skip
def test_a_street_lamp_is_told_from_the_lamps(
    begin: str, rows: list[tuple[int, float, float]], expected: list[tuple[str, float]]
) -> None:
    first = at(f"2026-03-02 {begin}")
    assert turns(replay(one(LUX), minutes(rows, "illuminance_lx", first)), first) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(5, 1.0, 0.0), (5, 400.0, 1.0), (30, 400.0, 0.0)], [("raised", 25)]),
        ([(5, 1.0, 0.0), (5, 400.0, 1.0), (30, 1.0, 0.0)], []),
        ([(5, 400.0, 1.0), (20, 400.0, 0.0), (5, 60.0, 0.0), (5, 30.0, 0.0)], [("raised", 20), ("cleared", 30)]),
        ([(5, 400.0, 1.0), (5, 30.0, 1.0), (60, 70.0, 0.0)], []),          # under a fifth: not on again
        ([(5, 1.0, 0.0), (1, 50_000.0, 1.0), (5, 400.0, 1.0), (20, 400.0, 0.0)], [("raised", 26)]),   # a wrong reading
        ([(60, 14.0, 0.0)], []),                                          # standby
        ([(5, 400.0, 1.0), (10, 400.0, 0.0), (8, None, 0.0), (20, 400.0, 0.0)], [("raised", 26.5)]),  # 1.5 min covered
        ([(5, 400.0, 1.0), (10, 400.0, 0.0), (40, 400.0, None)], []),     # the presence sensor is dead
        ([(5, 400.0, 1.0), (10, 400.0, 0.0), (60, None, None), (10, 400.0, 0.0)], []),
    ],
)  # fmt: skip
def test_power_and_presence(
    rows: list[tuple[int, float | None, float | None]], expected: list[tuple[str, float]]
) -> None:
    assert turns(replay(one(POWER), minutes(rows, "lighting/power_w")), BEGIN) == expected


@pytest.mark.parametrize(
    ("kind", "wait"), [("classroom", 15), ("lab", 15), ("office", 20), ("washroom", 10), ("stairwell", None)]
)
def test_each_kind_of_room_has_its_patience(kind: str, wait: int | None) -> None:
    watches = list(LightsLeftOn().watches(site({ROOM: (kind, POWER)})))
    events = replay(watches, minutes([(40, 400.0, 0.0)], "lighting/power_w"))
    assert turns(events, BEGIN) == ([] if wait is None else [("raised", wait)])


def test_without_a_presence_sensor_the_opening_hours_tell() -> None:
    evening = at("2026-03-02 21:00")
    rows = minutes([(570, 400.0, None)], "lighting/power_w", evening)
    events = replay(one(["lighting/power_w"]), rows)
    told = [(event.why, local(event.at)[-5:], local(event.evidence.since)[-5:]) for event in events]
    assert told == [
        ("lights_left_on.raised_closed", "23:00", "22:30"),
        ("lights_left_on.cleared_used", "06:20", "22:30"),
    ]


def test_any_presence_sensor_of_the_room_counts() -> None:
    part = "front/occupied", "back/occupied"
    watches = one(["lighting/power_w", *part])
    rows = [
        Sample(BEGIN + 60 * i, ROOM, {
            f"{ROOM}/lighting/power_w": 400.0, f"{ROOM}/{part[0]}": 0.0, f"{ROOM}/{part[1]}": float(i < 30),
        })
        for i in range(60)
    ]  # fmt: skip
    assert turns(replay(watches, rows), BEGIN) == [("raised", 45)]


@pytest.mark.parametrize(
    ("quantities", "chosen"),
    [
        (["power_w", "lighting/power_w", "illuminance_lx", "occupied"], ["lighting/power_w"]),
        (["power_w", "illuminance_lx", "occupied"], ["illuminance_lx"]),
        (["power_w", "sockets/power_w", "occupied"], ["power_w"]),
        (["power_w"], []),                                # who knows what draws it
        (["occupied"], []),
    ],
)
def test_the_best_word_on_the_lamps_is_taken(quantities: list[str], chosen: list[str]) -> None:
    lights = [next(iter(watch.inputs.values())) for watch in one(quantities)]
    assert lights == [f"{ROOM}/{point}" for point in chosen]


def test_sensors_that_report_changes_wake_it_by_time() -> None:
    spoken = [
        Sample(BEGIN, ROOM, {f"{ROOM}/lighting/power_w": 400.0}),
        Sample(BEGIN + 1, ROOM, {f"{ROOM}/occupied": 1.0}),
        Sample(BEGIN + 600, ROOM, {f"{ROOM}/occupied": 0.0}),
    ]
    events = replay(one(POWER, every_s=1440), spoken, until=BEGIN + 7200)
    assert turns(events, BEGIN) == [("raised", 25)]


@needs_recordings
def test_a_restart_loses_nothing() -> None:
    pack, samples = one(LUX), list(occupancy("datatraining", ROOM))[900:1400]
    whole = replay(pack, samples)
    assert len(whole) == 2
    assert restarted(pack, samples, every=7, until=samples[-1].at) == whole
