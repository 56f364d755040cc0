"""Left on: air conditioning and projectors in empty rooms, by day and after the last lesson."""

from collections.abc import Sequence
from datetime import date

import pytest
from recordings import at, local, replay, restarted, site
from spoken import spoken

from rules.calendar import Lesson, Period, PeriodKind, Span
from rules.left_on import LeftOn
from rules.model import Event, Sample
from rules.watch import Watch

ROOM = "teach/1"
BEGIN = at("2026-03-02 14:00")  # a Monday


def pack(quantities: Sequence[str], kind: str = "classroom", *, room: str = ROOM, **calendar: object) -> list[Watch]:
    return list(LeftOn().watches(site({room: (kind, quantities)}, **calendar)))


def minutes(
    rows: Sequence[tuple[int, float, float | None]], what: str, begin: float = BEGIN, room: str = ROOM
) -> list[Sample]:
    """A sample a minute from `(minutes, W or on, occupied)`."""
    out, when = [], begin
    for count, level, occupied in rows:
        for _ in range(count):
            values = {f"{room}/{what}": level} | ({} if occupied is None else {f"{room}/occupied": occupied})
            out.append(Sample(when, room, values))
            when += 60.0
    return out


def told(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    return [(event.why.partition(".")[2], local(event.at)[11:], event.delivery.value) for event in events]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(10, 1200.0, 1.0), (40, 1200.0, 0.0)], [("raised", "14:30", "record")]),
        ([(10, 1200.0, 1.0), (15, 1200.0, 0.0), (60, 1200.0, 1.0)], []),
        ([(10, 1200.0, 1.0), (30, 1200.0, 0.0), (20, 2.0, 0.0)],
         [("raised", "14:30", "record"), ("cleared_off", "14:49", "record")]),       # ten minutes are no pause
        ([(10, 1200.0, 1.0), *[(6, 25.0, 0.0), (6, 1200.0, 0.0)] * 4], [("raised", "14:30", "record")]),  # a compressor
        ([(10, 25.0, 1.0), (60, 25.0, 0.0)], []),                                    # the fan alone
    ],
)  # fmt: skip
def test_air_conditioning_in_an_empty_room_is_a_record_by_day(
    rows: list[tuple[int, float, float | None]], expected: list[tuple[str, str, str]]
) -> None:
    assert told(replay(pack(["ac/power_w", "occupied"]), minutes(rows, "ac/power_w"))) == expected


def test_after_the_last_lesson_the_building_is_a_page() -> None:
    begin = at("2026-03-02 21:30")
    rows = minutes([(30, 1200.0, 1.0), (60, 1200.0, 0.0), (30, 1.0, 0.0)], "ac/power_w", begin)
    events = replay(pack(["ac/power_w", "occupied"]), rows)
    assert told(events) == [
        ("rooms_raised", "22:20", "page"), ("raised", "22:20", "record"),
        ("rooms_cleared_off", "23:09", "page"), ("cleared_off", "23:09", "record"),
    ]  # fmt: skip
    assert {event.key for event in events} == {"teach", "teach/1/ac"}
    page = next(event for event in events if event.delivery == "page")
    assert page.values["wasted_kwh"] == pytest.approx(0.4, abs=0.01)


def test_a_projector_may_speak_for_itself() -> None:
    rows = minutes([(10, 1.0, 1.0), (30, 1.0, 0.0), (5, 0.0, 0.0)], "projector/on")
    events = replay(pack(["projector/on", "occupied"]), rows)
    assert told(events) == [("raised", "14:30", "record"), ("cleared_off", "14:40", "record")]
    assert "wasted_kwh" not in events[0].values


@pytest.mark.parametrize(
    ("calendar", "begin", "length", "expected"),
    [
        ({}, "2026-03-02 21:00", 150, [("rooms_raised", "22:20", "page"), ("raised_closed", "23:00", "record")]),
        # lessons until four: unused from then on, but for evening study
        ({"timetable": {ROOM: (Lesson(0, Span(14 * 60, 16 * 60)),)}}, "2026-03-02 14:00", 400,
         [("raised_lesson", "16:20", "record"), ("cleared_used", "18:30", "record")]),
        ({"timetable": {ROOM: (Lesson(0, Span(14 * 60, 16 * 60)),)}}, "2026-03-02 15:00", 75, []),
    ],
)  # fmt: skip
def test_without_a_presence_sensor_the_calendar_tells(
    calendar: dict[str, object], begin: str, length: int, expected: list[tuple[str, str, str]]
) -> None:
    rows = minutes([(length, 1200.0, None)], "ac/power_w", at(begin))
    assert told(replay(pack(["ac/power_w"], **calendar), rows)) == expected


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        ("2026-03-02 23:00", []),                                      # asleep in the cool
        ("2026-03-03 09:00", [("raised_away", "09:20", "record")]),    # lessons
        ("2026-03-07 09:00", []),                                      # a Saturday
    ],
)
def test_dorm_rooms_go_by_the_timetable_and_are_no_page(begin: str, expected: list[tuple[str, str, str]]) -> None:
    rows = minutes([(60, 900.0, None)], "ac/power_w", at(begin), "dorm/101")
    assert told(replay(pack(["ac/power_w"], "dorm_room", room="dorm/101"), rows)) == expected


def test_the_power_of_an_appliance_is_better_than_its_word() -> None:
    room, building = pack(["ac/on", "ac/power_w", "lighting/power_w"])
    assert list(room.inputs.values()) == list(building.inputs) == [f"{ROOM}/ac/power_w"]


def explained(watch: Watch, rows: Sequence[Sample], moments: Sequence[str]) -> list[tuple[str, str]]:
    """What a watch says of itself at local times of one day, and how it is spoken in English."""
    out, state, left = [], watch.start, list(rows)
    for moment in (at(f"2026-03-02 {clock}") for clock in moments):
        while left and left[0].at <= moment:
            known = {role: left[0].values[name] for role, name in watch.inputs.items() if name in left[0].values}
            state, _ = watch.step(state, left.pop(0).at, known)
        why, values = watch.explain(state, moment)
        out.append((why.partition(".")[2], spoken(watch.rule, why, values, moment)["en"]))
    return out


def test_a_room_explains_where_it_stands() -> None:
    room, _ = pack(["ac/power_w", "occupied"])
    rows = minutes(
        [(5, 2.0, 1.0), (5, 900.0, 1.0), (30, 900.0, 0.0), (10, 900.0, 1.0), (10, 900.0, None)], "ac/power_w"
    )
    moments = ["13:59", "14:02", "14:07", "14:20", "14:35", "14:45", "14:58", "15:10"]
    assert explained(room, rows, moments) == [
        ("unknown", "no reading yet: not known whether it is on"),
        ("off", "it is off (2 W)"),
        ("occupied", "on (900 W), and somebody is there"),
        ("waiting", "on and unused since 14:10, 10 min of 20 min"),
        ("open", "raised: on and unused since 14:10, for 25 min"),
        ("occupied", "on (900 W), and somebody is there"),
        ("occupied", "on (900 W), and somebody is there"),
        ("silent", "nothing heard since 14:59: not judged"),
    ]
    alone = minutes([(5, 900.0, 0.0), (30, 900.0, None)], "ac/power_w")
    (told,) = explained(room, alone, ["14:20"])
    assert told == ("unseen", "on (900 W), but the presence sensor is silent: not judged")
    room, _ = pack(["ac/power_w"])
    (told,) = explained(room, minutes([(30, 900.0, None)], "ac/power_w"), ["14:20"])
    assert told == ("in_hours", "on (900 W), in use until 17:50")


@pytest.mark.parametrize(
    ("exams", "said"),
    [((), "after hours since 22:00, nothing runs"),
     ((ROOM,), "after hours since 22:00, nothing runs (1 room left out for exams)"),
     ((ROOM, "teach/2"), "after hours since 22:00, nothing runs (2 rooms left out for exams)")],
)  # fmt: skip
def test_a_building_names_the_rooms_left_out_for_exams_if_there_are_any(exams: tuple[str, ...], said: str) -> None:
    of_day = Period("exam", PeriodKind.EXAM, date(2026, 3, 2), date(2026, 3, 2), frozenset(exams))
    rooms = {room: ("classroom", ["ac/power_w"]) for room in (ROOM, "teach/2", "teach/3")}
    watches = LeftOn().watches(site(rooms, periods=(of_day,) if exams else ()))
    building = next(watch for watch in watches if watch.key == "teach")
    rows = minutes([(60, 2.0, None)], "ac/power_w", at("2026-03-02 21:30"))
    assert explained(building, rows, ["22:10"])[0][1] == said


def test_a_building_says_how_many_rooms_it_lists() -> None:
    other = "teach/2"
    watches = list(LeftOn().watches(site({room: ("classroom", ["ac/power_w", "occupied"]) for room in (ROOM, other)})))
    building = next(watch for watch in watches if watch.key == "teach")
    begin = at("2026-03-02 21:30")
    first = minutes([(120, 1200.0, 0.0)], "ac/power_w", begin)
    second = minutes([(60, 2.0, 0.0), (60, 1200.0, 0.0)], "ac/power_w", begin + 1, other)
    rows = sorted([*first, *second], key=lambda sample: sample.at)
    assert explained(building, rows, ["21:40", "22:10", "22:25", "23:00"]) == [
        ("building_in_use", "the building is in use; looked at from 22:00 on"),
        ("building_waiting", "since 22:00 running and empty in 1 room: teach/1; told after 20 min"),
        ("building_open", "raised: since 22:00; running now in 1 room: teach/1"),
        ("building_open", "raised: since 22:00; running now in 2 rooms: teach/1, teach/2"),
    ]
    raised, updated = (event for event in replay([building], rows) if event.turn != "cleared")
    assert "run in 1 room: teach/1;" in spoken("left_on", raised.why, raised.values)["en"]
    assert "run in 2 rooms: teach/1, teach/2;" in spoken("left_on", updated.why, updated.values)["en"]
    assert updated.why == "left_on.rooms_updated"


def test_a_restart_loses_nothing() -> None:
    rows = minutes([(30, 1200.0, 1.0), (60, 1200.0, 0.0), (30, 1.0, 0.0)], "ac/power_w", at("2026-03-02 21:30"))
    watches = pack(["ac/power_w", "occupied"])
    whole = replay(watches, rows)
    assert len(whole) == 4
    assert restarted(watches, rows, every=7, until=rows[-1].at) == whole
