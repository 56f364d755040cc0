"""Devices that say themselves whether they are online: when they are missed, and when they are back."""

import pytest
from recordings import at, replay, restarted, turns

from rules.calendar import Calendar
from rules.model import Place, Point, Sample, Site
from rules.silent import Silent
from rules.watch import Watch

BEGIN = at("2026-03-02 14:00")
CONTACT, SAYS = "d/1/door_open", "d/1/contact/online"


def contact(holds_s: float = 86_400.0) -> list[Watch]:
    """A door contact that reports on change, and says whether it is online."""
    places = {"d": Place("d", "d", "dormitory", "d"), "d/1": Place("d/1", "101", "dorm_room", "d")}
    points = [
        Point(CONTACT, "d/1", "", "door_open", "bus/c", "bus", holds_s),
        Point(SAYS, "d/1", "contact", "online", "bus/c", "bus", 0.0),
    ]
    others = [Point(f"d/1/{n}/door_open", "d/1", str(n), "door_open", f"bus/{n}", "bus", holds_s) for n in range(3)]
    all_ = {point.id: point for point in (*points, *others)}
    watches = Silent().watches(Site("s", "s", places, all_, Calendar()))
    return [watch for watch in watches if watch.key == "silent/bus/c"]


def says(minute: float, online: float) -> Sample:
    return Sample(BEGIN + minute * 60, "bus/c", {SAYS: online})


def source(minute: float, online: float) -> Sample:
    return Sample(BEGIN + minute * 60, "source/bus", {"source/bus/online": online})


def moved(minute: float, point: str = CONTACT) -> Sample:
    return Sample(BEGIN + minute * 60, "bus/c", {point: 1.0})


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([moved(0)], []),
        ([moved(0), says(60, 0)], [("raised", 90)]),
        ([says(60, 0)], [("raised", 90)]),                                      # never heard, but it is there
        ([moved(0), says(60, 0), says(70, 0)], [("raised", 90)]),               # said again, as after a reconnection
        ([moved(0), says(60, 0), says(80, 1)], []),
        ([moved(0), says(60, 0), moved(80)], []),                               # whoever reports is there
        ([moved(0), says(60, 0), says(200, 1)], [("raised", 90), ("cleared", 200)]),
        ([moved(0), says(60, 0), moved(200)], [("raised", 90), ("cleared", 200)]),
        ([moved(0), says(5, 1), says(60, 0)], [("raised", 90)]),
        ([moved(0), moved(0.1, "d/1/1/door_open"), says(60, 0)], [("raised", 90)]),   # others report as rarely
        ([moved(0), says(60, 0), moved(70, "d/1/1/door_open")], [("raised", 90)]),
        ([moved(0), Sample(BEGIN + 3600, "bus/c", {SAYS: 0.0, CONTACT: 0.0})], [("raised", 90)]),
        ([moved(0), says(60, 0), source(66, 0), source(150, 1)], []),         # the source first: it tells again
        ([moved(0), says(60, 0), source(66, 0), source(150, 1), says(151, 0)], [("raised", 181)]),
    ],
)
def test_what_says_that_it_is_offline_is_missed_soon(samples: list[Sample], expected: list[tuple[str, float]]) -> None:
    assert turns(replay(contact(), samples, until=BEGIN + 6 * 3600), BEGIN) == expected
    assert turns(restarted(contact(), samples, every=1, until=BEGIN + 6 * 3600), BEGIN) == expected


def test_what_reports_often_is_missed_by_its_interval_alone() -> None:
    (watch,) = contact(holds_s=150.0)
    assert SAYS not in watch.inputs.values()
