"""A campus made of lists, for tests of the panel."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from dashboard.view import Bus, BusDevice, Latest, SourceState, Told, Work
from rules.account import Account, Seen, Setting
from rules.calendar import Calendar
from rules.engine import RunningHold
from rules.incident import Incident
from rules.model import Delivery, Event, Evidence, Explanation, Hold, Place, Point, Reading, Severity, Site, Turn

NOW = 1770269880.0  # Thu 5 Feb 2026 13:38 in Shanghai


@dataclass
class FakeCampus:
    """Implements `dashboard.view.Campus` from what it is given; `tell` says that something changed."""

    site: Site
    at: float = NOW
    stories: list[Incident] = field(default_factory=list)
    messages: dict[int, list[Told]] = field(default_factory=dict)
    running: list[RunningHold] = field(default_factory=list)
    newest: dict[str, Latest] = field(default_factory=dict)
    states: list[SourceState] = field(default_factory=list)
    log: list[Reading] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    watched: list[Account] = field(default_factory=list)
    cases: dict[int, bytes] = field(default_factory=dict)
    refused: dict[str, dict[str, int]] = field(default_factory=dict)
    listeners: list[Callable[[str], None]] = field(default_factory=list)
    is_heard: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        return self.at

    def incidents(self, *, only_open: bool = False, limit: int = 200) -> Sequence[Incident]:
        chosen = [story for story in self.stories if story.is_open or not only_open]
        return sorted(chosen, key=lambda story: (not story.is_open, -story.number))[:limit]

    def incident(self, number: int) -> Incident | None:
        return next((story for story in self.stories if story.number == number), None)

    def told(self, number: int) -> Sequence[Told]:
        return self.messages.get(number, [])

    def holds(self) -> Sequence[RunningHold]:
        return self.running

    def latest(self) -> dict[str, Latest]:
        return self.newest

    def sources(self) -> Sequence[SourceState]:
        return self.states

    def work(self) -> Work:
        return Work(12.5, 1_440, 37, 2)

    def rejected(self) -> dict[str, dict[str, int]]:
        return self.refused

    def readings(self, points: Iterable[str], since: float, until: float) -> Sequence[Reading]:
        wanted = set(points)
        return [reading for reading in self.log if reading.point in wanted and since <= reading.at <= until]

    def accounts(self, place: str) -> Sequence[Account]:
        return [account for account in self.watched if account.place == place]

    def case(self, number: int) -> bytes | None:
        return self.cases.get(number)

    def notices(self) -> Sequence[str]:
        return self.keys

    def subscribe(self, on_change: Callable[[str], None]) -> Callable[[], None]:
        self.listeners.append(on_change)
        self.is_heard.set()
        return lambda: self.listeners.remove(on_change)

    def tell(self, what: str) -> None:
        for listener in list(self.listeners):
            listener(what)


def campus_site(*, room_name: str = "105") -> Site:
    """A teaching building and a dormitory with one room each that is measured."""
    places = [
        Place("teach-1", "1号教学楼", "teaching", "teach-1", owner="教务处"),
        Place("teach-1/105", room_name, "classroom", "teach-1", floor="1", note="开关在门后"),
        Place("dorm-3", "3号宿舍楼", "dormitory", "dorm-3", owner="宿管一组"),
        Place("dorm-3/402", "402", "dorm_room", "dorm-3", floor="4"),
        Place("dorm-3/1F-wash", "1F-wash", "washroom", "dorm-3", floor="1", note="总阀在门后"),
    ]
    points = [
        ("teach-1/105", "lighting", "power_w", 150.0), ("teach-1/105", "", "occupied", 600.0),
        ("dorm-3/402", "", "power_w", 75.0), ("dorm-3/402", "", "energy_kwh", 75.0),
        ("dorm-3/1F-wash", "", "flow_lpm", 75.0), ("dorm-3/1F-wash", "", "volume_m3", 75.0),
    ]  # fmt: skip
    made = []
    for place, part, quantity, holds_s in points:
        name = "/".join(item for item in (place, part, quantity) if item)
        made.append(Point(name, place, part, quantity, place, "broker", holds_s))
    return Site(
        "no1", "第一中学", {place.id: place for place in places}, {point.id: point for point in made}, Calendar()
    )


def event(rule: str, place: str, at: float, **changed: object) -> Event:
    """An event with plausible defaults; `changed` overrides its fields."""
    evidence = Evidence(at - 1800.0, (), None, 1800.0)
    plain = Event(rule, place, place, at, Turn.RAISED, Severity.MAJOR, Delivery.PAGE, "", {}, evidence)
    return plain._replace(**changed)  # type: ignore[arg-type]


def busy_campus(site: Site | None = None) -> FakeCampus:
    """A campus in the middle of an afternoon: something on each page."""
    campus = FakeCampus(site or campus_site())
    water, lights = _water_story(), _lights_story()
    heater = Incident(11, (event(
        "high_power", "dorm-3/402", NOW - 240, severity=Severity.CRITICAL, why="high_power.raised",
        values={"watts": 1480.0, "on_s": 60.0},
        evidence=Evidence(NOW - 300, ("dorm-3/402/power_w",), 300.0, 60.0),
    ),))  # fmt: skip
    campus.stories = [water, lights, heater]
    campus.messages = {12: [
        Told("值班群", "raised", NOW - 1019, True, "ok"),
        Told("班主任邮箱", "raised", NOW - 1015, False, "errcode 310000: keywords not in content"),
    ]}  # fmt: skip
    campus.running = [
        RunningHold("lights_left_on", "teach-1/105", "teach-1/105", (), Hold(NOW - 720, 720.0, 1800.0)),
        RunningHold("high_power", "dorm-3/402", "dorm-3/402", (), Hold(NOW - 15, 15.0, 20.0)),
    ]
    campus.log = sorted(_readings(), key=lambda reading: reading.at)
    for reading in campus.log:
        campus.newest[reading.point] = Latest(reading.at, reading.value)
    campus.newest["dorm-3/402/energy_kwh"] = Latest(NOW - 40_000, 12345.67, is_shown_only=True)
    campus.watched = _accounts(water)
    campus.cases = {12: b'{"caretaker_case": 1}'}
    campus.states = [
        SourceState("broker", "mqtt", True, NOW - 86_400 * 3.2, 1_284_511, {"bad_json": 3, "unknown_topic": 218},
                    "campus/dorm-3/999/meter: unknown topic"),
        SourceState("dorm-3 bus", "serial", False, NOW - 780, 51_730, {"no_answer": 41, "checksum": 2},
                    "000000012345: no answer to 02 03 00 00", _bus()),
        SourceState("dorm-2 bus", "listening", True, NOW - 780, 12_340, {"noise": 7}, "", _bus()),
        SourceState("boiler house", "mqtt", None, 0.0, 0, {}, ""),
    ]  # fmt: skip
    campus.refused = {
        "dorm-3/402/power_w": {"spike": 3, "repeated": 1_214}, "dorm-3/1F-wash/volume_m3": {"unit": 12},
    }  # fmt: skip
    return campus


def _accounts(water: Incident) -> list[Account]:
    """An open alert seen by its rule, and a rule that is about to raise."""
    lamps = (
        Seen("lamps", "teach-1/105/lighting/power_w", NOW - 20, 312.0, is_fresh=True),
        Seen("occupied", "teach-1/105/occupied", NOW - 1300, 0.0, is_fresh=False),
        Seen("online", "source/broker/online", None, 0.0, is_fresh=False),
        Seen("lamps!stuck", "teach-1/105/lighting/power_w!stuck", None, 0.0, is_fresh=False),
        Seen("witness-1", "dorm-3/402/power_w", NOW - 40, 61.0, is_fresh=True),
    )
    settings = (Setting("hold_min", 30.0, "min", is_default=True), Setting("limit_w", 40.5, "W", is_default=False),
                Setting("still_s", 86_400.0, "s", is_default=True))
    why = Explanation("lights_left_on.raised", {"wasted_s": 720.0, "light": "312 W", "kwh": 0.06})
    tap = (Seen("flow", "dorm-3/1F-wash/flow_lpm", NOW - 40, 6.2, is_fresh=True),)
    ran = Explanation("running_water.raised", {"ran_s": 2520.0, "litres": 261.0, "lpm": 6.2})
    return [
        Account("lights_left_on", "teach-1/105", "teach-1/105", NOW - 10, None, Hold(NOW - 1320, 720.0, 1800.0), why,
                lamps, settings=settings),
        Account("running_water", "dorm-3/1F-wash", "dorm-3/1F-wash", NOW - 10, water.raised, None, ran, tap,
                settings=(Setting("limit_lpm", 2.0, "L/min", is_default=True),)),
    ]  # fmt: skip


def _bus() -> Bus:
    """A living meter and a dead one, and a stranger."""
    living = BusDevice("dorm-3/402", 12_345, 12_340, 0.182, 0.431, {"checksum": 2}, None)
    dead = BusDevice("bus/000000012345", 310, 0, None, None, {"no_answer": 41}, NOW - 7_200)
    return Bus(0.314, 12_655, 12_340, 0.182, 1.431, {"noise": 7}, (living, dead), {"dlt645-2007 000000000777": 12})


def _water_story() -> Incident:
    evidence = Evidence(NOW - 1020 - 1800, ("dorm-3/1F-wash/flow_lpm", "dorm-3/1F-wash/volume_m3"), 2.0, 1640.0)
    values = {"ran_s": 1800.0, "litres": 186.0, "lpm": 6.2}
    return Incident(12, (
        event("running_water", "dorm-3/1F-wash", NOW - 1020, why="running_water.raised", values=values,
              evidence=evidence),
        event("running_water", "dorm-3/1F-wash", NOW - 300, turn=Turn.UPDATED, severity=Severity.CRITICAL,
              why="running_water.raised", values=values | {"ran_s": 2520.0, "litres": 261.0}, evidence=evidence),
    ))  # fmt: skip


def _lights_story() -> Incident:
    evidence = Evidence(NOW - 20_000, ("teach-1/105/lighting/power_w", "teach-1/105/occupied"), 40.0, 1800.0)
    raised = event(
        "lights_left_on", "teach-1/105", NOW - 18_200, severity=Severity.MINOR, delivery=Delivery.DIGEST,
        why="lights_left_on.raised", values={"wasted_s": 1800.0, "light": "312 W"}, evidence=evidence,
    )  # fmt: skip
    cleared = raised._replace(
        at=NOW - 16_000, turn=Turn.CLEARED, why="lights_left_on.cleared_off", values={"wasted_s": 3960.0}
    )
    return Incident(9, (raised, cleared))


def _readings() -> Iterable[Reading]:
    """Six hours: a tap since 47 min with a gap in the data, lights in an empty room this morning, a kettle."""
    for step in range(720):
        at = NOW - 21_600 + step * 30.0
        if not NOW - 1500 < at < NOW - 1260:
            flow = 6.2 + 0.2 * (step % 3) if at > NOW - 2820 else 4.0 if step % 23 < 2 else 0.0
            yield Reading("dorm-3/1F-wash/flow_lpm", at, flow)
            yield Reading("dorm-3/1F-wash/volume_m3", at, round(812.4 + max(0.0, at - NOW + 2820) * 6.2 / 60_000, 3))
        lamps = 312.0 + step % 5 if NOW - 21_000 < at < NOW - 16_000 else 4.0
        yield Reading("teach-1/105/lighting/power_w", at, lamps)
        yield Reading("dorm-3/402/power_w", at, 1590.0 + step % 7 if at > NOW - 300 else 110.0 + step % 9)
        if step % 10 == 0:
            yield Reading("teach-1/105/occupied", at, float(at < NOW - 20_000 or at > NOW - 6_000))
