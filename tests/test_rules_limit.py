"""A limit of your own, in tables."""

from dataclasses import replace

import pytest
from recordings import replay, restarted, site

from dashboard.words import sentence
from rules.limit import Limit
from rules.model import Delivery, Event, Sample, Severity
from rules.rule import ParameterError

ROOM = "dorm/101"
TEMPERATURE = f"{ROOM}/temperature_c"
HOT = Limit(name="机房", quantity="temperature_c", above=35.0, below=5.0, hysteresis=2.0, for_min=10.0)


def samples(values: list[float | None], *, every_s: float = 60.0) -> list[Sample]:
    """A reading each `every_s`; None: nothing came."""
    rows = enumerate(values)
    return [Sample(1000.0 + n * every_s, ROOM, {TEMPERATURE: v}) for n, v in rows if v is not None]


def turns(rule: Limit, values: list[float | None], *, every_s: float = 60.0, until_s: float = 0.0) -> list[tuple]:
    """What is said, each with its minute after the first reading."""
    watches = list(rule.watches(site({ROOM: ("dorm_room", ["temperature_c"])}, every_s=every_s)))
    until = 1000.0 + len(values) * every_s + until_s
    events = replay(watches, samples(values, every_s=every_s), until=until)
    assert restarted(watches, samples(values, every_s=every_s), every=3, until=until) == events
    return [(event.turn.value, event.why.removeprefix("limit."), (event.at - 1000.0) / 60) for event in events]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([20.0] * 30, []),
        ([20.0] + [35.0] * 30, []),                                     # on the line is not beyond it
        ([20.0] + [36.0] * 9 + [20.0] * 9, []),                         # too short
        ([20.0] + [36.0] * 20, [("raised", "above", 11.0)]),
        ([20.0] + [4.0] * 20, [("raised", "below", 11.0)]),
        ([20.0] + [36.0] * 20 + [34.0] * 20, [("raised", "above", 11.0)]),   # not back by the hysteresis
        ([20.0] + [36.0] * 20 + [33.0], [("raised", "above", 11.0), ("cleared", "cleared", 21.0)]),
        ([20.0] + [36.0] * 20 + [4.0] * 20,
         [("raised", "above", 11.0), ("cleared", "cleared", 21.0), ("raised", "below", 31.0)]),
        ([20.0] + [36.0, 34.0] * 10, [("raised", "above", 11.0)]),      # within the hysteresis it goes on
        ([20.0] + [36.0, 32.0] * 20, []),
        ([20.0] + [36.0] * 5 + [None] * 5 + [36.0] * 20, [("raised", "above", 14.5)]),  # a gap does not count
        ([20.0] + [36.0] * 7 + [None] * 30 + [36.0] * 20, [("raised", "above", 48.0)]),  # a long one: begun anew
        ([20.0] + [36.0] * 20 + [None] * 60 + [36.0], [("raised", "above", 11.0)]),
        ([20.0] + [36.0] * 20 + [None] * 60 + [20.0], [("raised", "above", 11.0), ("cleared", "cleared", 81.0)]),
    ],
)  # fmt: skip
def test_above_and_below_for_a_time(values: list[float | None], expected: list[tuple]) -> None:
    assert turns(HOT, values) == expected


@pytest.mark.parametrize(
    ("values", "for_min", "expected"),
    [
        ([36.0], 0.0, []),                                               # the first reading alone proves nothing
        ([36.0, 36.0], 0.0, [("raised", "above", 1.0)]),
        ([36.0, 20.0], 0.0, []),
        ([20.0, 36.0], 0.0, [("raised", "above_now", 1.0)]),
        ([20.0, 4.0], 0.0, [("raised", "below_now", 1.0)]),
        ([36.0], 1.0, []),
        ([36.0, 36.0], 1.0, [("raised", "above", 1.0)]),
    ],
)  # fmt: skip
def test_the_first_reading_after_a_start(values: list[float | None], for_min: float, expected: list[tuple]) -> None:
    assert turns(replace(HOT, for_min=for_min), values) == expected


def test_what_reports_seldom_raises_between_its_readings() -> None:
    hour = 3600.0
    assert turns(HOT, [20.0, 36.0], every_s=hour, until_s=hour) == [("raised", "above", 70.0)]


def test_each_point_has_an_alert_of_its_own_and_the_grade_it_was_given() -> None:
    rooms = {"dorm/101": ("dorm_room", ["power_w", "sockets/power_w"]), "dorm/102": ("dorm_room", ["power_w"])}
    rule = Limit(name="总功率", quantity="power_w", above=2000.0, severity="critical", delivery="digest")
    watches = list(rule.watches(site(rooms)))
    assert [(watch.place, *watch.inputs.values()) for watch in watches] == [
        ("dorm/101", "dorm/101/power_w"), ("dorm/102", "dorm/102/power_w"),
    ]  # fmt: skip
    stream = [Sample(float(at), room, {f"{room}/power_w": 100.0 * at}) for at in range(10, 31, 10) for room in rooms]
    events = replay(watches, stream)
    assert {(e.key, e.severity, e.delivery) for e in events} == {
        (f"总功率: {room}/power_w", Severity.CRITICAL, Delivery.DIGEST) for room in rooms
    }
    assert events[0].evidence.threshold == 2000.0
    assert [w.place for w in replace(rule, part="sockets").watches(site(rooms))] == ["dorm/101"]
    named = Limit(name="x", points=(("dorm/102/power_w", "dorm/102/power_w"),), above=1.0)
    assert [w.place for w in named.watches(site(rooms))] == ["dorm/102"]


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({}, "quantity"),
        ({"quantity": "power_w", "points": (("a", "a"),), "above": 1.0}, "quantity"),
        ({"quantity": "power_w"}, "above"),
        ({"quantity": "power_w", "above": 1.0, "below": 1.0}, "above"),
        ({"quantity": "power_w", "above": 3.0, "below": 1.0, "hysteresis": 2.0}, "hysteresis"),
        ({"points": (("a", "a"),), "part": "ac", "above": 1.0}, "part"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict, parameter: str) -> None:
    with pytest.raises(ParameterError) as refused:
        Limit(name="x", **given)
    assert refused.value.parameter == parameter
    assert refused.value.english.isascii()
    assert not refused.value.chinese.isascii()


def test_it_explains_where_it_stands() -> None:
    (watch,) = HOT.watches(site({ROOM: ("dorm_room", ["temperature_c"])}))
    state = watch.start
    said = [watch.explain(state, 0.0).why]
    for at, value in ((0.0, 20.0), (60.0, 36.0), (120.0, 36.0)):
        state, _ = watch.step(state, at, {"value": value})
        said.append(watch.explain(state, at).why)
    held = watch.explain(state, 180.0)
    assert held.values["held_s"] == 120.0
    assert held.values["needed_s"] == 600.0
    assert watch.hold(state, 180.0)[1:] == (120.0, 600.0)
    for at in range(180, 720, 60):
        state, _ = watch.step(state, float(at), {"value": 36.0})
    said += [watch.explain(state, 660.0).why, watch.explain(state, 5000.0).why]
    assert [why.removeprefix("limit.") for why in said] == [
        "unknown", "within", "waiting", "waiting", "above", "stale",
    ]  # fmt: skip


def test_it_reads_well() -> None:
    (watch,) = HOT.watches(site({ROOM: ("dorm_room", ["temperature_c"])}))
    (raised,) = replay([watch], samples([20.0] + [36.25] * 12))
    assert isinstance(raised, Event)
    assert sentence(raised, "zh") == "机房：36.25 °C，高于 35 °C，已 10 分钟"
    assert sentence(raised, "en") == "机房: 36.25 °C, above 35 °C for 10 min"


def test_a_gap_is_not_said_to_be_covered() -> None:
    (watch,) = HOT.watches(site({ROOM: ("dorm_room", ["temperature_c"])}))
    values = [20.0] + [36.0] * 5 + [None] * 5 + [36.0] * 20 + [None] * 60 + [20.0]
    raised, cleared = replay([watch], samples(values))
    assert raised.values["held_s"] == raised.evidence.covered_s == 600.0
    assert cleared.values["held_s"] == cleared.evidence.covered_s == pytest.approx((5 + 1.5 + 20 + 1.5) * 60, abs=60)
