"""Lights after hours: evenings, nights, weekends and exams of a small building."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from recordings import at, local, replay, restarted, site

from rules.calendar import Period, PeriodKind
from rules.lights_after_hours import LightsAfterHours
from rules.model import Event, Sample
from rules.watch import Watch

BEGIN = at("2026-03-02 20:00")   # a Monday
LIT, DARK = 300.0, 0.5
Rows = Mapping[str, Sequence[tuple[str, float, float | None]]]  # room -> from when, W, and who is there


def pack(rooms: Mapping[str, str], **calendar: object) -> list[Watch]:
    """The rule on classrooms that have these quantities each."""
    campus = site({room: ("classroom", quantities.split()) for room, quantities in rooms.items()}, **calendar)
    return list(LightsAfterHours().watches(campus))


def samples(rows: Rows, until: str) -> list[Sample]:
    """A sample a minute of each room; rows say what holds from a local time on."""
    out = []
    for number, (room, changes) in enumerate(rows.items()):
        times = [at(change[0]) for change in changes]
        when = times[0] + number
        while when < at(until):
            _, watts, occupied = changes[sum(time <= when for time in times) - 1]
            values = {f"{room}/lighting/power_w": watts}
            out.append(Sample(when, room, values | ({} if occupied is None else {f"{room}/occupied": occupied})))
            when += 60.0
    return sorted(out, key=lambda sample: sample.at)


def told(events: Sequence[Event]) -> list[tuple[str, str, str, str]]:
    return [
        (event.why.partition(".")[2], local(event.at)[5:], str(event.values.get("rooms", "")), event.delivery.value)
        for event in events
    ]


BOTH = "lighting/power_w occupied"


@pytest.mark.parametrize(
    ("rooms", "until", "expected"),
    [
        # three are forgotten, one of them with somebody still there, and one is dark
        ({"teach/1": [("2026-03-02 20:00", LIT, 1.0), ("2026-03-02 22:01", LIT, 0.0), ("2026-03-02 22:50", DARK, 0.0)],
          "teach/2": [("2026-03-02 20:00", LIT, 1.0), ("2026-03-02 21:00", LIT, 0.0), ("2026-03-02 22:40", DARK, 0.0)],
          "teach/3": [("2026-03-02 20:00", LIT, 1.0)],
          "teach/4": [("2026-03-02 20:00", DARK, 0.0)]},
         "2026-03-02 23:30",
         [("rooms_raised", "03-02 22:20", "teach/1, teach/2", "page"),
          ("rooms_cleared_off", "03-02 22:50", "", "page")]),
        # all off in time
        ({"teach/1": [("2026-03-02 20:00", LIT, 1.0), ("2026-03-02 22:10", DARK, 0.0)]}, "2026-03-03 08:00", []),
        # who has just left may come back, and is not waited for in a page at night
        ({"teach/1": [("2026-03-02 20:00", LIT, 1.0), ("2026-03-02 22:17", LIT, 0.0)]}, "2026-03-02 23:30",
         [("rooms_raised", "03-02 22:37", "teach/1", "digest")]),
        # it burns through the night: one page, no second one at midnight, over when the building opens
        ({"teach/1": [("2026-03-02 20:00", LIT, 0.0)]}, "2026-03-03 08:00",
         [("rooms_raised", "03-02 22:20", "teach/1", "page"), ("rooms_cleared_day", "03-03 06:20", "", "page")]),
        # the cleaners forget another one: it joins the open alert, and pages nobody
        ({"teach/1": [("2026-03-02 20:00", LIT, 0.0)],
          "teach/2": [("2026-03-02 20:00", DARK, 0.0), ("2026-03-02 23:00", LIT, 0.0)]}, "2026-03-03 00:30",
         [("rooms_raised", "03-02 22:20", "teach/1", "page"),
          ("rooms_updated", "03-02 23:20", "teach/1, teach/2", "digest")]),
        # dark at first, forgotten at night: the summary of the day
        ({"teach/1": [("2026-03-02 20:00", DARK, 0.0), ("2026-03-03 02:00", LIT, 0.0)]}, "2026-03-03 06:00",
         [("rooms_raised", "03-03 02:20", "teach/1", "digest")]),
        # a watchman looks in twice: no second page
        ({"teach/1": [("2026-03-02 20:00", LIT, 0.0), ("2026-03-02 23:00", LIT, 1.0), ("2026-03-02 23:05", LIT, 0.0)]},
         "2026-03-03 01:00",
         [("rooms_raised", "03-02 22:20", "teach/1", "page"), ("rooms_cleared_off", "03-02 23:00", "", "page"),
          ("rooms_raised", "03-02 23:25", "teach/1", "digest")]),
        # a Saturday is closed all day: lit at noon, a page; lit again, none
        ({"teach/1": [("2026-03-07 08:00", DARK, 0.0), ("2026-03-07 12:00", LIT, 0.0), ("2026-03-07 13:00", DARK, 0.0),
                      ("2026-03-07 15:00", LIT, 0.0)]}, "2026-03-07 16:00",
         [("rooms_raised", "03-07 12:20", "teach/1", "page"), ("rooms_cleared_off", "03-07 13:00", "", "page"),
          ("rooms_raised", "03-07 15:20", "teach/1", "digest")]),
        # in opening hours it says nothing
        ({"teach/1": [("2026-03-02 07:00", LIT, 0.0)]}, "2026-03-02 21:50", []),
    ],
)  # fmt: skip
def test_a_building_is_told_once(rooms: Rows, until: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert told(replay(pack(dict.fromkeys(rooms, BOTH)), samples(rooms, until), until=at(until))) == expected


def test_without_presence_sensors_what_is_lit_is_listed() -> None:
    rooms = {"teach/1": [("2026-03-02 20:00", LIT, None)], "teach/2": [("2026-03-02 20:00", DARK, None)]}
    events = replay(pack(dict.fromkeys(rooms, "lighting/power_w")), samples(rooms, "2026-03-02 22:30"))
    assert told(events) == [("rooms_raised", "03-02 22:20", "teach/1", "page")]


def test_who_switches_lamps_on_in_a_closed_room_without_a_sensor_is_no_page() -> None:
    rooms = {"teach/1": [("2026-03-07 08:00", DARK, None), ("2026-03-07 09:00", LIT, None)]}
    events = replay(pack(dict.fromkeys(rooms, "lighting/power_w")), samples(rooms, "2026-03-07 11:00"))
    assert told(events) == [("rooms_raised", "03-07 09:20", "teach/1", "digest")]


def test_it_says_how_much_was_wasted() -> None:
    rooms = {"teach/1": [("2026-03-02 20:00", LIT, 0.0), ("2026-03-02 23:00", DARK, 0.0)]}
    raised, cleared = replay(pack(dict.fromkeys(rooms, BOTH)), samples(rooms, "2026-03-02 23:30"))
    assert raised.values["count"] == 1
    assert raised.values["wasted_kwh"] == pytest.approx(0.1, abs=0.001)
    assert cleared.values["wasted_kwh"] == pytest.approx(0.3, abs=0.001)
    assert raised.evidence.points == ("teach/1/lighting/power_w",)


def test_a_silent_meter_is_not_said_to_burn() -> None:
    """It goes silent at 23:30 and speaks again at 06:06, still lit; the building opens at 06:20."""
    rooms = {"teach/1": [("2026-03-02 20:00", LIT, 0.0)]}
    silent = (at("2026-03-02 23:30"), at("2026-03-03 06:06"))
    heard = [sample for sample in samples(rooms, "2026-03-03 08:00") if not silent[0] < sample.at < silent[1]]
    raised, cleared = replay(pack(dict.fromkeys(rooms, BOTH)), heard)
    assert cleared.why == "lights_after_hours.rooms_cleared_day"
    covered_s = at("2026-03-02 23:30") - raised.evidence.since + 150.0 + 14 * 60.0
    assert cleared.values["lit_s"] == cleared.evidence.covered_s == pytest.approx(covered_s)
    assert cleared.values["wasted_kwh"] == pytest.approx(covered_s * LIT / 3.6e6)
    assert cleared.evidence.points == raised.evidence.points == ("teach/1/lighting/power_w",)
    assert cleared.evidence.threshold == raised.evidence.threshold == 15.0


def test_when_all_are_off_the_longest_run_is_said_and_all_that_were_listed_are_drawn() -> None:
    rooms = {
        "teach/1": [("2026-03-02 20:00", LIT, 0.0), ("2026-03-02 23:00", DARK, 0.0)],
        "teach/2": [("2026-03-02 20:00", DARK, 0.0), ("2026-03-02 22:30", LIT, 0.0), ("2026-03-02 23:00", DARK, 0.0)],
    }
    raised, _, cleared = replay(pack(dict.fromkeys(rooms, BOTH)), samples(rooms, "2026-03-02 23:30"))
    assert cleared.why == "lights_after_hours.rooms_cleared_off"
    assert cleared.values["lit_s"] == pytest.approx(at("2026-03-02 23:00") - raised.evidence.since)
    assert cleared.evidence.points == ("teach/1/lighting/power_w", "teach/2/lighting/power_w")


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([("2026-03-02 20:00", LIT, 0.0)], 1200.0),                                    # when the school is over
        ([("2026-03-02 20:00", LIT, 1.0), ("2026-03-02 22:10", LIT, 0.0)], 600.0),     # until the first look
        ([("2026-03-02 20:00", LIT, 1.0), ("2026-03-02 22:17", LIT, 0.0)], 1200.0),    # too late for it
        ([("2026-03-02 20:00", DARK, 0.0), ("2026-03-03 02:00", LIT, 0.0)], 1200.0),
    ],
)  # fmt: skip
def test_its_hold_ends_when_it_tells(rows: Sequence[tuple[str, float, float | None]], shown: float) -> None:
    (watch,) = pack({"teach/1": BOTH})
    state, first, stream = watch.start, None, samples({"teach/1": rows}, "2026-03-03 03:00")
    for sample in stream:
        held = watch.hold(state, sample.at)
        first = first or held
        state, changes = watch.step(state, sample.at, sample.values)
        if changes:
            break
    assert first is not None
    assert held is not None
    assert (first.needed_s, held.needed_s) == (pytest.approx(shown), pytest.approx(shown))
    assert held.covered_s == pytest.approx(held.needed_s)
    assert held.since == first.since == changes[0].evidence.since
    assert watch.hold(state, sample.at) is None


def test_rooms_with_exams_are_left_out() -> None:
    exam = Period("exam", PeriodKind.EXAM, date(2026, 3, 2), date(2026, 3, 2), frozenset({"teach/1"}))
    rooms = {room: [("2026-03-02 20:00", LIT, 0.0)] for room in ("teach/1", "teach/2")}
    events = replay(pack(dict.fromkeys(rooms, BOTH), periods=(exam,)), samples(rooms, "2026-03-02 22:45"))
    assert told(events) == [("rooms_raised", "03-02 22:20", "teach/2", "page")]


def test_a_lamp_of_which_nothing_is_heard_is_not_listed() -> None:
    rooms = {"teach/1": [("2026-03-02 20:00", LIT, 0.0)]}
    heard = [sample for sample in samples(rooms, "2026-03-02 22:40") if sample.at < at("2026-03-02 22:08")]
    assert replay(pack(dict.fromkeys(rooms, BOTH)), heard, until=at("2026-03-03 00:00")) == []


def test_sensors_that_report_changes_alone_are_looked_at_in_time() -> None:
    campus = site({"teach/1": ("classroom", BOTH.split())}, every_s=12 * 3600.0)
    spoken = [Sample(BEGIN, "teach/1", {"teach/1/lighting/power_w": LIT, "teach/1/occupied": 0.0})]
    events = replay(LightsAfterHours().watches(campus), spoken, until=at("2026-03-03 01:00"))
    assert told(events) == [("rooms_raised", "03-02 22:20", "teach/1", "page")]


def test_dorms_corridors_and_whole_rooms_are_no_part_of_it() -> None:
    campus = site({
        "dorm/101": ("dorm_room", BOTH.split()), "dorm/wash": ("washroom", BOTH.split()),
        "teach/c": ("corridor", BOTH.split()), "teach/1": ("classroom", ["power_w", "occupied"]),
    })  # fmt: skip
    assert list(LightsAfterHours().watches(campus)) == []


def test_it_explains_where_it_stands() -> None:
    rooms = {"teach/1": [("2026-03-02 20:00", LIT, 0.0)]}
    (watch,) = pack(dict.fromkeys(rooms, BOTH))
    state, whys = watch.start, []
    for sample in samples(rooms, "2026-03-02 22:30"):
        state, _ = watch.step(state, sample.at, sample.values)
        whys.append(watch.explain(state, sample.at).why.partition(".")[2])
    assert list(dict.fromkeys(whys)) == ["building_in_use", "building_waiting", "building_open"]


def test_a_restart_loses_nothing() -> None:
    rooms = {
        "teach/1": [("2026-03-02 21:30", LIT, 1.0), ("2026-03-02 22:02", LIT, 0.0), ("2026-03-02 23:00", DARK, 0.0)],
        "teach/2": [("2026-03-02 21:30", DARK, 0.0), ("2026-03-02 22:30", LIT, 0.0)],
    }
    rows, watches = samples(rooms, "2026-03-02 23:30"), pack(dict.fromkeys(rooms, BOTH))
    whole = replay(watches, rows)
    assert len(whole) == 2
    assert restarted(watches, rows, every=5, until=rows[-1].at) == whole
