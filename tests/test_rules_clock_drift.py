"""Devices whose own clock is wrong: how long it must be, and when it is right again."""

import pytest
from recordings import at, replay, restarted, site, turns
from spoken import spoken

from rules.clock_drift import ClockDrift
from rules.model import Sample

BEGIN = at("2026-03-02 08:00")
SITE = site({"dorm/1": ("dorm_room", ["power_w", "clock_offset_s"])})


def offsets(*rows: tuple[float, float]) -> list[Sample]:
    return [Sample(BEGIN + minute * 60, "dorm/1", {"dorm/1/clock_offset_s": off}) for minute, off in rows]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (offsets((0, 12.0), (60, -30.0)), []),
        (offsets((0, 61.0)), [("raised", 10)]),
        (offsets((0, -61.0), (5, -2.0)), []),                                    # it was set right at once
        (offsets((0, -1.7e9), (1, 0.4)), []),                                    # booting
        (offsets((0, 70.0), (60, 40.0), (90, 6.0)), [("raised", 10), ("cleared", 90)]),
    ],
)  # fmt: skip
def test_a_wrong_clock(samples: list[Sample], expected: list[tuple[str, float]]) -> None:
    watches = list(ClockDrift().watches(SITE))
    assert turns(replay(watches, samples, until=BEGIN + 86_400), BEGIN) == expected
    assert turns(restarted(watches, samples, every=1, until=BEGIN + 86_400), BEGIN) == expected


def test_it_says_which_way() -> None:
    watches = list(ClockDrift().watches(SITE))
    for off, why in ((90.0, "clock_drift.ahead"), (-90.0, "clock_drift.behind")):
        (event,) = replay(watches, offsets((0, off)), until=BEGIN + 3600)
        assert (event.why, event.values["off_s"], event.delivery.value) == (why, 90.0, "digest")


def test_a_device_has_one_clock_however_many_of_its_parts_tell_it() -> None:
    room = site({"teach/1": ("classroom", ["clock_offset_s", "lighting/clock_offset_s"])})
    assert [watch.key for watch in ClockDrift().watches(room)] == ["clock_drift/teach/1"]


def test_it_explains_where_it_stands() -> None:
    (watch,) = ClockDrift().watches(SITE)
    state, said = watch.start, []
    for off, after in ((2.0, 0.0), (90.0, 60.0), (None, 660.0)):
        state, _ = watch.step(state, BEGIN + after, {} if off is None else {"clock_offset_s": off})
        said.append(watch.explain(state, BEGIN + after))
    assert [why.removeprefix("clock_drift.") for why, _ in said] == ["right", "waiting", "open"]
    assert spoken("clock_drift", *said[1], BEGIN)["en"] == (
        "its clock has been off by 1 min since 08:01: no alert yet"
    )
