"""Left on: air conditioning and projectors in empty rooms, by day and after the last lesson."""

from collections.abc import Sequence

import pytest
from recordings import at, local, replay, restarted, site

from rules.calendar import Lesson, Span
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


def test_a_restart_loses_nothing() -> None:
    rows = minutes([(30, 1200.0, 1.0), (60, 1200.0, 0.0), (30, 1.0, 0.0)], "ac/power_w", at("2026-03-02 21:30"))
    watches = pack(["ac/power_w", "occupied"])
    whole = replay(watches, rows)
    assert len(whole) == 4
    assert restarted(watches, rows, every=7, until=rows[-1].at) == whole
