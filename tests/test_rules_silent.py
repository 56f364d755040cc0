"""Silent devices: who is missed, after how long, and when a dead source keeps them out of it."""

from zoneinfo import ZoneInfo

import pytest
from recordings import at, local, replay, restarted, turns

from rules.calendar import Calendar, Span
from rules.engine import Engine
from rules.model import Place, Point, Sample, Site, Turn
from rules.silent import Silent
from rules.watch import Watch

BEGIN = at("2026-03-02 14:00")
ONLINE = "source/bus/online"
DAYTIME = Span(6 * 60, 23 * 60)
SOON = Silent(single_s=300.0)  # a device alone is missed as soon as a group


def site(holds_s: float = 150.0) -> Site:
    places = {"d": Place("d", "d", "dormitory", "d"), "d/1": Place("d/1", "101", "dorm_room", "d")}
    points = [
        Point("d/1/power_w", "d/1", "", "power_w", "bus/1", "bus", holds_s),
        Point("d/1/voltage_v", "d/1", "", "voltage_v", "bus/1", "bus", holds_s),
        Point("d/1/temperature_c", "d/1", "", "temperature_c", "bus/2", "bus", 9000.0),
    ]
    return Site("s", "s", places, {point.id: point for point in points}, Calendar())


def watches(holds_s: float = 150.0, rule: Silent | None = None) -> list[Watch]:
    return [watch for watch in (rule or SOON).watches(site(holds_s)) if watch.key == "silent/bus/1"]


def spoken(*times: float, point: str = "d/1/power_w") -> list[Sample]:
    return [Sample(BEGIN + when, "bus/1", {point: 1.0}) for when in times]


def source(when: float, online: float) -> Sample:
    return Sample(BEGIN + when, "source/bus", {ONLINE: online})


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], []),                                                                    # never heard: not missed
        ([source(0, 1)], []),
        (spoken(0), [("raised", 5)]),
        (spoken(0, 240, 480), [("raised", 13)]),
        ([*spoken(0), *spoken(240, point="d/1/voltage_v")], [("raised", 9)]),        # any of its points is a word
        (spoken(0, 900), [("raised", 5), ("cleared", 15), ("raised", 20)]),
        ([*spoken(0), source(60, 0)], []),                                           # the bus is dead, not the meter
        ([*spoken(0), source(60, 0), source(1200, 1)], [("raised", 25)]),            # it gets its full time again
        ([*spoken(0), source(60, 0), source(1200, 1), *spoken(1260, 1500)], [("raised", 30)]),
        ([*spoken(0), source(400, 0), source(600, 1), *spoken(900)], [("raised", 5), ("cleared", 15), ("raised", 20)]),
        ([*spoken(0), source(200, 1)], [("raised", 5)]),                             # it was up all the time
        ([source(-60, 0), source(-30, 1), *spoken(0)], [("raised", 5)]),
    ],
)  # fmt: skip
def test_who_is_missed(samples: list[Sample], expected: list[tuple[str, float]]) -> None:
    assert turns(replay(watches(), samples, until=BEGIN + 3600), BEGIN) == expected
    if samples:
        assert turns(restarted(watches(), samples, every=1, until=BEGIN + 3600), BEGIN) == expected


@pytest.mark.parametrize(("holds_s", "wait_s"), [(12.5, 300), (250, 300), (750, 900), (9000, 10_800)])
def test_the_wait_follows_the_interval(holds_s: float, wait_s: float) -> None:
    (raised,) = replay(watches(holds_s), spoken(0), until=BEGIN + 86_400)
    assert raised.at == BEGIN + wait_s
    assert raised.values == {"device": "bus/1", "silent_s": wait_s}
    assert raised.evidence.since == BEGIN


def test_word_of_the_source_and_the_device_at_one_time() -> None:
    both = [*spoken(0), Sample(BEGIN + 60, "bus/1", {"d/1/power_w": 1.0, ONLINE: 0.0})]
    assert replay(watches(), both, until=BEGIN + 3600) == []


def test_the_hold_shows_once_it_is_late() -> None:
    engine = Engine(watches())
    engine.take(spoken(0)[0])
    engine.advance(BEGIN + 120)
    assert list(engine.holds()) == []
    engine.advance(BEGIN + 200)
    (hold,) = engine.holds()
    assert hold.hold == (BEGIN, 200.0, 300.0)


def test_each_device_and_each_source_is_one_watch() -> None:
    attended = "source/bus/attended"
    assert [(w.key, w.place, set(w.inputs.values())) for w in SOON.watches(site())] == [
        ("silent/bus/1", "d/1", {"d/1/power_w", "d/1/power_w!", "d/1/voltage_v", "d/1/voltage_v!", ONLINE}),
        ("silent/bus/2", "d/1", {"d/1/temperature_c", "d/1/temperature_c!", ONLINE}),
        ("silent/source/bus@d/1", "d", {ONLINE, attended}),
    ]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-03-02 22:59", "2026-03-03 06:05"),  # cut at 23:00: missed only when power should be back
        ("2026-03-02 22:50", "2026-03-02 22:55"),  # silent before the cut
        ("2026-03-03 02:00", "2026-03-03 06:05"),  # something spoke in the night
        ("2026-03-03 06:00", "2026-03-03 06:05"),
        ("2026-03-02 22:55", "2026-03-02 23:00"),
    ],
)
def test_a_planned_cut_is_no_silence(last: str, expected: str) -> None:
    assert raised_with_supply(last, wait_h=1 / 12) == [("raised", expected)]


@pytest.mark.parametrize(
    ("last", "wait_h", "expected"),
    [
        ("2026-03-02 22:50", 8, "2026-03-03 14:00"),   # due at 06:50, after an hour of power
        ("2026-03-02 16:00", 8, "2026-03-03 14:00"),
        ("2026-03-02 14:59", 8, "2026-03-02 22:59"),
        ("2026-03-03 03:00", 8, "2026-03-03 14:00"),
        ("2026-03-02 22:50", 17, "2026-03-03 23:00"),
        ("2026-03-02 22:50", 24, "2026-03-04 13:00"),  # 17 hours on the 3rd, seven on the 4th
        ("2026-03-02 12:00", 72, "2026-03-07 10:00"),
    ],
)
def test_only_hours_with_power_count(last: str, wait_h: float, expected: str) -> None:
    assert raised_with_supply(last, wait_h) == [("raised", expected)]


def test_a_supply_over_midnight() -> None:
    night = Span(18 * 60, 2 * 60)
    assert raised_with_supply("2026-03-02 23:00", 2, night) == [("raised", "2026-03-03 01:00")]
    assert raised_with_supply("2026-03-03 01:00", 4, night) == [("raised", "2026-03-03 22:00")]


def test_word_in_a_postponed_wait_begins_it_anew_and_a_hold_shows_none_of_the_cut() -> None:
    (watch,) = with_supply(wait_h=8)
    engine = Engine([watch])
    for moment, spoken_at, hold_h in (
        ("2026-03-03 06:30", "2026-03-02 22:50", 0.5),
        ("2026-03-03 15:00", "2026-03-03 07:30", 7.5),
        ("2026-03-03 15:20", "2026-03-03 15:10", None),
        ("2026-03-04 02:00", None, None),
        ("2026-03-04 07:00", None, 1.0),
    ):
        if spoken_at:
            engine.take(Sample(at(spoken_at), "bus/1", {"d/1/power_w": 1.0}))
        assert engine.advance(at(moment)) == []
        assert [run.hold.covered_s / 3600 for run in engine.holds()] == ([] if hold_h is None else [hold_h])


def with_supply(wait_h: float, supply: Span = DAYTIME) -> list[Watch]:
    usual = site(holds_s=1500.0)
    places = {name: place._replace(supply=supply) for name, place in usual.places.items()}
    rule = Silent(least_s=300.0, single_s=300.0, missed=wait_h * 6)
    cut = rule.watches(Site("s", "s", places, usual.points, Calendar()))
    return [watch for watch in cut if watch.key == "silent/bus/1"]


def raised_with_supply(last: str, wait_h: float, supply: Span = DAYTIME) -> list[tuple[str, str]]:
    said = [Sample(at(last), "bus/1", {"d/1/power_w": 1.0})]
    events = replay(with_supply(wait_h, supply), said, until=at("2026-03-12 12:00"))
    assert restarted(with_supply(wait_h, supply), said, every=1, until=at("2026-03-12 12:00")) == events
    return [(event.turn.value, local(event.at)) for event in events]


# -- sources and groups


def floor(devices: int = 12, supply: Span | None = None) -> Site:
    places = {"d": Place("d", "3号楼", "dormitory", "d", supply=supply)}
    points = {}
    for number in range(devices):
        room = f"d/{number}"
        places[room] = Place(room, room, "dorm_room", "d", supply=supply)
        points[f"{room}/power_w"] = Point(f"{room}/power_w", room, "", "power_w", f"bus/{number}", "bus", 150.0)
    return Site("s", "s", places, points, Calendar())


def each_minute(minutes: int, silent: dict[int, tuple[int, int]], devices: int = 12) -> list[Sample]:
    """Every device speaks each minute, but not from minute to minute where it is `silent`."""
    out = []
    for minute in range(minutes):
        for number in range(devices):
            first, last = silent.get(number, (minutes, minutes))
            if not first <= minute < last:
                out.append(Sample(BEGIN + 60 * minute + number, f"bus/{number}", {f"d/{number}/power_w": 60.0}))
    return out


ALL = range(12)
DEAD = (30, 90)


@pytest.mark.parametrize(
    ("silent", "expected"),
    [
        ({}, []),
        ({3: DEAD}, ["bus/3 digest minor"]),
        ({0: DEAD}, ["bus/0 digest minor"]),                                       # a witness of the others
        ({0: DEAD, 6: DEAD}, ["bus/0 digest minor", "bus/6 digest minor"]),        # two of the three witnesses
        (dict.fromkeys(ALL, DEAD), ["group page major"]),
        ({n: (30 + n % 2, 90) for n in ALL}, ["group page major"]),
        ({**dict.fromkeys(ALL, DEAD), 3: (10, 90)}, ["bus/3 digest minor", "group page major"]),
        ({**dict.fromkeys(ALL, DEAD), 3: (30, 120)}, ["bus/3 digest minor", "group page major"]),
    ],
)  # fmt: skip
def test_devices_that_fall_silent_together_are_one_event(
    silent: dict[int, tuple[int, int]], expected: list[str]
) -> None:
    watches = list(SOON.watches(floor()))
    samples = each_minute(130, silent)
    events = replay(watches, samples)
    raised = [event for event in events if event.turn.value == "raised"]
    told = ["group" if "/group/" in e.key else str(e.values["device"]) for e in raised]
    said = [f"{n} {e.delivery.value} {e.severity.name.lower()}" for n, e in zip(told, raised, strict=True)]
    assert sorted(said) == expected
    assert len(events) == 2 * len(raised)  # and all of them end
    assert restarted(watches, samples, every=97, until=samples[-1].at) == events
    alone = [event for watch in watches for event in replay([watch], samples, until=samples[-1].at)]
    assert sorted(alone) == sorted(events)


def slow_and_fast(slow: int) -> Site:
    """A building of twelve meters, and `slow` sensors that speak each half hour."""
    usual = floor()
    sensors = [Point(f"d/{n}/occupied", f"d/{n}", "", "occupied", f"bus/s{n}", "bus", 4500.0) for n in range(slow)]
    return Site("s", "s", usual.places, usual.points | {point.id: point for point in sensors}, Calendar())


def with_sensors(
    minutes: int, slow: int, dead: dict[int, tuple[int, int]], rest: dict[int, tuple[int, int]]
) -> list[Sample]:
    out = each_minute(minutes, rest)
    for number in range(slow):
        first, last = dead.get(number, (minutes, minutes))
        for minute in range(3 * number, minutes, 30):
            if not first <= minute < last:
                out.append(Sample(BEGIN + 60 * minute + 0.5, f"bus/s{number}", {f"d/{number}/occupied": 0.0}))
    return sorted(out, key=lambda sample: sample.at)


SENSORS = range(6)


@pytest.mark.parametrize(
    ("slow", "fast_dead", "slow_dead", "expected"),
    [
        (6, (100, 300), (100, 300), ["group 0"]),                  # the whole bus: one event
        (6, (100, 180), (100, 180), ["group 0"]),                  # back before the slow ones are missed
        (6, (100, 195), (100, 195), ["group 0"]),
        (2, (100, 300), (100, 300), ["group 0"]),                  # slow ones that are no group
        (6, (100, 300), (100, 700), ["group 0", "group s0"]),      # these stay away when the others are back
        (1, (100, 300), (100, 700), ["group 0", "bus/s0"]),
        (6, None, (100, 300), ["group s0"]),                         # these alone
        (6, (300, 500), (100, 500), ["group 0", "group s0"]),      # long before the others: two events
        (1, None, (100, 300), ["bus/s0"]),
        (1, (300, 500), (100, 500), ["group 0", "bus/s0"]),
        (6, (100, 300), None, ["group 0"]),
    ],
)  # fmt: skip
def test_slow_devices_of_a_dead_bus_are_part_of_its_one_event(
    slow: int, fast_dead: tuple[int, int] | None, slow_dead: tuple[int, int] | None, expected: list[str]
) -> None:
    watches = list(SOON.watches(slow_and_fast(slow)))
    rest = dict.fromkeys(ALL, fast_dead) if fast_dead else {}
    samples = with_sensors(900, slow, dict.fromkeys(SENSORS, slow_dead) if slow_dead else {}, rest)
    events = replay(watches, samples)
    told = [event.key.removeprefix("silent/").replace("/bus/", " ") for event in events if event.turn is Turn.RAISED]
    assert sorted(told) == sorted(expected)
    assert len(events) == 2 * len(told)
    assert restarted(watches, samples, every=211, until=samples[-1].at) == events
    alone = [event for watch in watches for event in replay([watch], samples, until=samples[-1].at)]
    assert sorted(alone) == sorted(events)


def test_slow_devices_that_die_beside_a_dead_bus_of_another_building_are_told() -> None:
    near = slow_and_fast(6)
    far = Place("e", "4号楼", "dormitory", "e")
    moved = {point.id: point._replace(place="e") for point in near.points.values() if point.quantity == "occupied"}
    two = Site("s", "s", {**near.places, "e": far}, near.points | moved, Calendar())
    samples = with_sensors(500, 6, dict.fromkeys(SENSORS, (100, 500)), dict.fromkeys(ALL, (100, 500)))
    events = replay(list(SOON.watches(two)), samples, until=BEGIN + 500 * 60)
    assert [(event.key, event.place) for event in events] == [("silent/group/bus/0", "d"), ("silent/group/bus/s0", "e")]


def test_a_group_that_is_polled_at_one_time_is_missed_as_a_group() -> None:
    samples = [s._replace(at=s.at - int(s.device[4:])) for s in each_minute(130, dict.fromkeys(ALL, DEAD))]
    raised = [e.key for e in replay(list(SOON.watches(floor())), samples) if e.turn is Turn.RAISED]
    assert raised == ["silent/group/bus/0"]


def test_devices_of_a_kind_have_like_roles() -> None:
    """So that the engine hands them their inputs by one pattern."""
    ordinary = [watch for watch in SOON.watches(floor()) if "witness-3" in watch.inputs]
    assert len(ordinary) == 9
    assert len({tuple(watch.inputs) for watch in ordinary}) == 1


def test_rejected_readings_are_a_word() -> None:
    """A device whose readings are all nonsense reports: neither is it missed, nor does it say that others were."""
    watches, nonsense = list(SOON.watches(floor())), "d/3/power_w!unit"

    def told(samples: list[Sample]) -> list[str]:
        return [event.key for event in replay(watches, samples, until=samples[-1].at) if event.turn is Turn.RAISED]

    def garbled(sample: Sample, number: int) -> Sample:
        return sample._replace(values={f"d/{number}/power_w!unit": 60_000.0})

    spoilt = [garbled(s, 3) if s.device == "bus/3" and s.at > BEGIN + 1800 else s for s in each_minute(90, {})]
    assert any(nonsense in sample.values for sample in spoilt)
    assert told(spoilt) == []
    dead = each_minute(90, dict.fromkeys(set(ALL) - {0}, (30, 90)))  # one witness of the group goes on, in nonsense
    spoilt = [garbled(s, 0) if s.device == "bus/0" and s.at > BEGIN + 1800 else s for s in dead]
    assert told(spoilt) == told(dead)


def test_a_device_that_stays_away_when_its_group_is_back_is_missed_then() -> None:
    samples = each_minute(130, {**dict.fromkeys(ALL, DEAD), 3: (30, 130)})
    (raised,) = (e for e in replay(list(SOON.watches(floor())), samples) if e.key == "silent/bus/3")
    assert 95 <= (raised.at - BEGIN) / 60 <= 96


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([source(0, 1)], []),
        ([source(0, 1), source(600, 0), source(800, 1)], []),
        ([source(0, 1), source(600, 0), source(1800, 1)], [("raised", 15), ("cleared", 30)]),
        ([source(0, 1), source(600, 0), source(700, 0), source(1800, 1)], [("raised", 15), ("cleared", 30)]),
        ([Sample(BEGIN, "source/bus", {ONLINE: 0.0, "source/bus/attended": 0.0}), source(7200, 1)], []),  # we were off
        (
            [Sample(BEGIN, "source/bus", {ONLINE: 0.0, "source/bus/attended": 0.0}), source(7200, 0)],
            [("raised", 125)],
        ),
    ],
)
def test_a_dead_source_is_one_event(words: list[Sample], expected: list[tuple[str, float]]) -> None:
    watches = list(SOON.watches(floor()))
    lost = each_minute(9, {})
    events = replay(watches, sorted([*words, *lost], key=lambda sample: sample.at), until=BEGIN + 9000)
    assert turns([e for e in events if "/source/" in e.key], BEGIN) == expected
    if expected:
        raised = [e.key for e in events if e.turn.value == "raised"]
        assert raised == ["silent/source/bus@d/0", "silent/group/bus/0"][: len(raised)]  # they never came back
        assert {e.delivery.value for e in events} == {"page"}


def test_a_planned_cut_of_a_whole_building_is_no_silence() -> None:
    cut = floor(supply=DAYTIME)
    begin = at("2026-03-02 22:00")
    samples = [s._replace(at=s.at - BEGIN + begin) for s in each_minute(60, {})]
    samples += [s._replace(at=s.at + 8 * 3600) for s in samples]
    assert replay(list(SOON.watches(cut)), samples, until=begin + 8.9 * 3600) == []


def test_it_explains_itself() -> None:
    watch = next(w for w in SOON.watches(floor()) if w.key == "silent/bus/3")
    engine = Engine([watch])
    assert watch.explain(watch.start, BEGIN).why == "silent.never"
    for sample in each_minute(60, dict.fromkeys(ALL, (30, 60))):
        engine.take(sample)
    engine.advance(BEGIN + 20 * 60)
    assert watch.explain(engine.state("silent", watch.key), engine.mark).why == "silent.heard"
    engine.advance(BEGIN + 50 * 60)
    assert watch.explain(engine.state("silent", watch.key), engine.mark).why == "silent.with_others"


@pytest.mark.parametrize(("kind", "minutes"), [("dorm_room", 30), ("boiler_room", 5), ("pump_room", 5)])
def test_a_device_alone_may_be_away_for_longer_but_not_in_the_plant(kind: str, minutes: int) -> None:
    usual = site()
    places = {name: place._replace(kind=kind) for name, place in usual.places.items()}
    plant = Site("s", "s", places, usual.points, Calendar())
    (watch,) = (watch for watch in Silent().watches(plant) if watch.key == "silent/bus/1")
    assert turns(replay([watch], spoken(0.0), until=BEGIN + 7200), BEGIN) == [("raised", minutes)]


def test_a_supply_that_falls_into_the_hour_that_summer_time_skips_ends_the_wait() -> None:
    usual = site()
    places = {name: place._replace(supply=Span(120, 180)) for name, place in usual.places.items()}
    there = Site("s", "s", places, usual.points, Calendar("America/New_York"))
    (watch,) = (watch for watch in SOON.watches(there) if watch.key == "silent/bus/1")
    begin = at("2026-03-07 02:58", ZoneInfo("America/New_York"))
    said = replay([watch], [Sample(begin, "bus/1", {"d/1/power_w": 1.0})], until=begin + 5 * 86_400)
    assert [event.turn.value for event in said] == ["raised"]
