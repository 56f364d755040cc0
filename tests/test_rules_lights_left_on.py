"""Lights left on: a real office, and tables of lamps, sun, people and hours."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from recordings import at, local, needs_recordings, occupancy, replay, restarted, site, turns
from spoken import spoken

from rules.calendar import Lesson, Period, PeriodKind, Span
from rules.lights_left_on import LightsLeftOn
from rules.model import Sample
from rules.sun import Sun
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


CLOUDY = [(5, 3.0, 0.0), (10, 430.0, 1.0), (60, 900.0, 1.0)]   # lamps of 430 lx, then sun of 470 as well


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([*CLOUDY, (30, 470.0, 1.0), (20, 470.0, 0.0)], [("raised", 120)]),   # a fall in mid-lesson is a cloud
        ([*CLOUDY, (2, 470.0, 1.0), (30, 470.0, 0.0)], []),                   # as people leave, it is the switch
        ([*CLOUDY, (1, 900.0, 0.0), (30, 470.0, 0.0)], []),
        ([*CLOUDY, (8, 900.0, 0.0), (20, 470.0, 0.0)], [("raised", 90)]),     # long after them a cloud again
        ([*CLOUDY, (1, 470.0, 1.0), (9, 900.0, 1.0), (20, 900.0, 0.0)], [("raised", 100)]),
        ([(5, 3.0, 0.0), (10, 430.0, 1.0), (5, 3.0, 1.0), (5, 60.0, 1.0), (5, 150.0, 1.0), (20, 300.0, 1.0),
          (2, 600.0, 1.0), (30, 600.0, 0.0)], []),                             # and so is a rise
        ([(5, 3.0, 0.0), (5, 60.0, 0.0), (5, 150.0, 0.0), (5, 300.0, 0.0), (5, 480.0, 0.0), (5, 600.0, 0.0),
          (5, 600.0, 1.0), (2, 900.0, 1.0), (30, 900.0, 0.0)], []),            # nobody needs lamps in a bright room
    ],
)  # fmt: skip
def test_clouds_are_told_from_the_switch_by_who_comes_and_leaves(
    rows: list[tuple[int, float, float]], expected: list[tuple[str, float]]
) -> None:
    assert turns(replay(one(LUX), minutes(rows, "illuminance_lx")), BEGIN) == expected


def test_after_dusk_light_is_lamps_where_the_sun_is_known() -> None:
    evening = at("2026-12-21 18:30")
    rows = minutes([(30, 250.0, 0.0)], "illuminance_lx", evening)
    with_sun = replace(site({ROOM: ("classroom", LUX)}), sun=Sun(39.9, 116.4))
    assert turns(replay(LightsLeftOn().watches(with_sun), rows), evening) == [("raised", 15)]
    assert replay(one(LUX), rows) == []


def test_an_episode_states_what_it_wasted() -> None:
    rows = minutes([(5, 400.0, 1.0), (60, 400.0, 0.0), (5, 0.0, 0.0)], "lighting/power_w")
    raised, cleared = replay(one(POWER), rows)
    assert (raised.values["wasted_s"], cleared.values["wasted_s"]) == (900.0, 3600.0)
    assert raised.values["wasted_kwh"] == pytest.approx(0.1)
    assert cleared.values["wasted_kwh"] == pytest.approx(0.4)
    assert raised.values["light"] == "400 W, 0.10 kWh"
    small, _ = replay(one(POWER), minutes([(5, 30.0, 1.0), (60, 30.0, 0.0), (5, 0.0, 0.0)], "lighting/power_w"))
    assert small.values["light"] == "30 W"  # too little energy to speak of
    (dark,) = replay(one(LUX), minutes([*LAMPS_ON, (30, 430.0, 0.0)], "illuminance_lx"))
    assert "wasted_kwh" not in dark.values


FIRST_LESSON = (Lesson(0, Span(14 * 60, 16 * 60)),)


@pytest.mark.parametrize(
    ("kind", "quantities", "begin", "calendar", "expected"),
    [
        # a lesson until four, and evening study: unused between them, not in the half hour before
        ("classroom", ["lighting/power_w"], "2026-03-02 14:00", {"timetable": {ROOM: FIRST_LESSON}},
         [("raised_lesson", "16:20", "record"), ("cleared_used", "18:30", "record"),
          ("raised_lesson", "22:20", "record")]),
        ("classroom", POWER, "2026-03-02 10:00", {}, [("raised", "10:15", "record")]),      # a PE lesson
        # after hours the message of the building says it, but knows nothing of a meter that is not the lamps' alone
        ("classroom", POWER, "2026-03-02 22:05", {}, [("raised", "22:20", "record")]),
        ("classroom", ["power_w", "occupied"], "2026-03-02 22:35", {}, [("raised", "22:50", "digest")]),
        ("classroom", POWER, "2026-03-07 12:00", {}, [("raised", "12:15", "record")]),      # a Saturday
        ("washroom", POWER, "2026-03-02 10:00", {}, [("raised", "10:10", "record")]),
    ],
)  # fmt: skip
def test_how_an_episode_is_told(
    kind: str, quantities: list[str], begin: str, calendar: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    watches = list(LightsLeftOn().watches(site({ROOM: (kind, quantities)}, **calendar)))
    light, length = quantities[0], 520 if calendar else 25
    events = replay(watches, minutes([(length, 400.0, 0.0 if "occupied" in quantities else None)], light, at(begin)))
    assert [(e.why.partition(".")[2], local(e.at)[11:], e.delivery.value) for e in events] == expected


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        ("2026-03-02 22:00", [("raised_night", "22:50", "digest")]),     # after lights-out
        ("2026-03-02 09:00", [("raised_away", "09:20", "record")]),      # in lesson time
        ("2026-03-02 12:30", []),                                        # noon rest
        ("2026-03-07 09:00", []),                                        # a Saturday
    ],
)
def test_in_dorm_rooms_the_timetable_decides(begin: str, expected: list[tuple[str, str, str]]) -> None:
    room = "dorm/101"
    watches = list(LightsLeftOn().watches(site({room: ("dorm_room", POWER)})))
    values = {f"{room}/lighting/power_w": 60.0, f"{room}/occupied": 0.0}
    events = replay(watches, [Sample(at(begin) + 60 * i, room, values) for i in range(60)])
    assert [(e.why.partition(".")[2], local(e.at)[11:], e.delivery.value) for e in events] == expected


def test_on_exam_days_nothing_is_more_than_a_record() -> None:
    exam = Period("exam", PeriodKind.EXAM, date(2026, 3, 2), date(2026, 3, 3))
    watches = list(LightsLeftOn().watches(site({ROOM: ("classroom", ["power_w", "occupied"])}, periods=(exam,))))
    events = replay(watches, minutes([(60, 400.0, 0.0)], "power_w", at("2026-03-02 22:35")))
    assert [event.delivery for event in events] == ["record"]


def test_it_explains_where_it_stands() -> None:
    (watch,) = one(POWER)
    state, whys = watch.start, [watch.explain(watch.start, BEGIN)]
    for when, watts, occupied in [(0, 0.0, 0.0), (60, 400.0, 1.0), (120, 400.0, 0.0), (600, 400.0, 0.0)]:
        state, _ = watch.step(state, BEGIN + when, {"occupied-1": occupied, "power": watts})
        whys.append(watch.explain(state, BEGIN + when))
    whys += [watch.explain(state, BEGIN + 700), watch.explain(state, BEGIN + 900)]
    assert [said.why.partition(".")[2] for said in whys] == [
        "unknown", "off", "occupied", "waiting", "waiting", "waiting", "silent",
    ]  # fmt: skip
    assert whys[-2].values == {"since_at": BEGIN + 120, "wasted_s": 250.0, "needed_s": 900.0}
    state, _ = watch.step(state, BEGIN + 900, {"power": 400.0})  # the lamps are heard, the sensor is not
    unseen = watch.explain(state, BEGIN + 900)
    assert unseen == ("lights_left_on.unseen", {"light": "400 W"})
    assert "400 W" in spoken(watch.rule, *unseen)["en"]
    (closed,) = one(["lighting/power_w"])
    state, _ = closed.step(closed.start, BEGIN, {"power": 400.0})
    assert closed.explain(state, BEGIN).why == "lights_left_on.in_hours"
    assert local(float(closed.explain(state, BEGIN).values["until_at"]))[11:] == "17:50"


@needs_recordings
def test_a_restart_loses_nothing() -> None:
    pack, samples = one(LUX), list(occupancy("datatraining", ROOM))[900:1400]
    whole = replay(pack, samples)
    assert len(whole) == 2
    assert restarted(pack, samples, every=7, until=samples[-1].at) == whole
