"""Real recordings, end to end: from a configuration file over a real broker or line to the events in the database."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from lockstep import Message, on_a_bus, through_a_broker
from recordings import (
    SHANGHAI,
    WATER_ZONE,
    at,
    circuit,
    day_of_power,
    days,
    local,
    named,
    needs_recordings,
    occupancy,
    water,
)

from rules.model import Event

pytestmark = needs_recordings

MONDAY = at("2026-03-02 00:00")

BROKER = """
[[source]]
name = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
"""


def campus(*tables: str, zone: str = "Asia/Shanghai") -> str:
    """The configuration of a recorded campus: all defaults, but for what these tables say."""
    return "\n".join((f'[site]\nid = "recorded"\ntimezone = "{zone}"\n[store]\ncommit_s = 3600', *tables))


def told(events: Iterable[Event], zone: ZoneInfo = SHANGHAI) -> list[tuple[str, str, str, str]]:
    """Key, turn, since when and when."""
    return [(e.key, e.turn.value, local(e.evidence.since, zone), local(e.at, zone)) for e in events]


def as_published(rows: Iterable[tuple[float, str, Mapping[str, float]]]) -> list[Message]:
    """Readings with their sensor's own time, in order of time."""
    ordered = sorted(rows, key=lambda row: row[0])
    return [Message(when, topic, orjson.dumps({"t": when, **values})) for when, topic, values in ordered]


# -- dormitory: a kettle on a serial line, rooms without one over the broker


METER = """
[[building]]
id = "dorm"
kind = "dormitory"
rooms = ["101"]
[[source]]
name = "bus"
kind = "serial"
port = "{port}"
line = "9600 8N1"
[[source.device]]
model = "dlt645-single-phase"
address = "000000000101"
place = "dorm/101"
every_s = 5
"""


def boiled(kettle: Path) -> list[tuple[float, float]]:
    """When a kettle was on, by its own recording; what comes back within ten minutes is one use."""
    uses: list[tuple[float, float]] = []
    for second, watts in day_of_power(kettle).items():
        if watts > 1000 and uses and MONDAY + second - uses[-1][1] < 600:
            uses[-1] = uses[-1][0], MONDAY + second
        elif watts > 1000:
            uses.append((MONDAY + second, MONDAY + second))
    return uses


def assert_found(events: Sequence[Event], key: str, uses: Iterable[tuple[float, float]]) -> None:
    """One alert for each use of a kettle, raised after 20 s and cleared after ten minutes; no other event."""
    expected = [turn for on, off in uses for turn in (("raised", on + 20), ("cleared", off + 605))]
    assert {(event.rule, event.key) for event in events} == {("high_power", key)}
    assert {event.delivery for event in events} == {"page"}   # each of these kettles draws more than 1.5 kW
    assert [event.turn for event in events] == [turn for turn, _ in expected]
    assert [event.at for event in events] == pytest.approx([when for _, when in expected], abs=10)


@pytest.mark.parametrize(
    ("kettle", "begin", "end", "count"),
    [
        ("11F01E_2011.11.20", "11:50", "14:10", 2),
        ("599771_2011.08.24", "14:00", "17:10", 3),
        ("B7E43D_2011.12.21", "10:10", "11:10", 1),   # boiled twice within ten minutes
    ],
)
def test_a_kettle_over_a_laptop_and_a_lamp_is_found(
    tmp_path: Path, kettle: str, begin: str, end: str, count: int
) -> None:
    (own,) = named("WaterKettle", kettle)
    power = circuit([own, days("PC-Laptop")[0], days("Lamp")[2]])
    first, last = (at(f"2026-03-02 {clock}") for clock in (begin, end))

    def measure(now: float) -> Mapping[str, float]:
        watts, var = power[int(now - MONDAY) // 5 * 5]
        amperes = (watts**2 + var**2) ** 0.5 / 220
        return {
            "power_w": watts, "reactive_power_var": var, "voltage_v": 220.0, "current_a": amperes, "energy_kwh": 8.88,
        }  # fmt: skip

    events = on_a_bus(tmp_path, campus(METER), measure, begin=first, end=last)
    uses = [use for use in boiled(own) if first < use[0] < last]
    assert len(uses) == count
    assert_found(events, "dorm/101", uses)


DORM = """
[[building]]
id = "dorm"
kind = "dormitory"
rooms = ["101", "102", "103"]
[[source.topic]]
filter = "{building}/{room}/meter"
payload = "json"
fields = { P = "power_w", Q = "reactive_power_var" }
time = { path = "t", format = "unix" }
where = { kind = "dorm_room" }
every_s = 5
"""


def test_two_days_of_rooms_without_heaters_are_quiet(tmp_path: Path) -> None:
    """Room 101 has a meter with reactive power, 102 one without, and the same in 103 has a kettle."""
    counts = {"PC-Desktop": 3, "TV-LCD": 1, "Monitor-TFT": 1, "Refrigerator": 1, "Lamp": 1, "PC-Laptop": 1}
    rows: list[tuple[float, str, Mapping[str, float]]] = []
    uses = []
    for day, kettle in enumerate(named("WaterKettle", "599771_2011.08.08", "599771_2011.08.24")):
        paths = [path for appliance, count in counts.items() for path in days(appliance)[day : day + count]]
        midnight = MONDAY + day * 86_400
        uses += [(on + day * 86_400, off + day * 86_400) for on, off in boiled(kettle)]
        boiling = day_of_power(kettle)
        for second, (watts, var) in circuit(paths).items():
            if second < 86_400:   # the recorder's midnight is the next day's
                at_once = midnight + second
                rows.append((at_once, "dorm/101/meter", {"P": watts, "Q": var}))
                rows.append((at_once, "dorm/102/meter", {"P": watts}))
                rows.append((at_once, "dorm/103/meter", {"P": watts + boiling.get(second, 0.0), "Q": var}))
    events = through_a_broker(tmp_path, campus(BROKER, DORM), as_published(rows))
    assert_found(events, "dorm/103", uses)


# -- classroom: light and presence of one office, each a sensor of its own


OFFICE = """
[[building]]
id = "teach"
kind = "teaching"
offices = ["1"]
[[source.topic]]
filter = "{building}/{room}/light"
payload = "json"
fields = { lux = "illuminance_lx" }
time = { path = "t", format = "unix" }
where = { kind = "office" }
every_s = 60
[[source.topic]]
filter = "{building}/{room}/presence"
payload = "json"
fields = { seen = "occupied" }
time = { path = "t", format = "unix" }
where = { kind = "office" }
every_s = 60
[[rule]]
kind = "lights_left_on"
where = { place = "teach/1" }
office_min = 15
"""


def test_a_real_office_is_lit_and_empty_once_in_six_days(tmp_path: Path) -> None:
    """At the weekend the sun alone lights it."""
    rows: list[tuple[float, str, Mapping[str, float]]] = []
    for when, _, values in occupancy("datatraining", "teach/1"):
        rows.append((when, "teach/1/light", {"lux": values["teach/1/illuminance_lx"]}))
        rows.append((when, "teach/1/presence", {"seen": values["teach/1/occupied"]}))
    messages = as_published(rows)
    assert (local(messages[0].at), local(messages[-1].at)) == ("2015-02-04 17:51", "2015-02-10 09:33")
    weekend = [values["lux"] for when, _, values in rows if "lux" in values and "02-07" <= local(when)[5:10] <= "02-08"]
    assert max(weekend) > 500
    events = through_a_broker(tmp_path, campus(BROKER, OFFICE), messages)
    assert {event.rule for event in events} == {"lights_left_on"}
    assert told(events) == [
        ("teach/1", "raised", "2015-02-05 13:34", "2015-02-05 13:49"),
        ("teach/1", "cleared", "2015-02-05 13:34", "2015-02-05 13:59"),   # 13:58 was the last empty minute
    ]


# -- water: seven meters


WATER = """
[[building]]
id = "teach"
kind = "teaching"
washrooms = ["6616", "b285", "2923", "a805", "1a5c", "a926", "a519"]
[[source.topic]]
filter = "{building}/{room}/water"
payload = "json"
fields = { flow = "flow_lpm" }
time = { path = "t", format = "unix" }
where = { kind = "washroom" }
every_s = 60
"""
WATER_CAMPUS = campus(BROKER, WATER, zone="Europe/Brussels")
LEAKING = "teach/a926"


def test_a_month_of_seven_meters_has_two_runs(tmp_path: Path) -> None:
    messages = as_published(
        (when, f"teach/{name}/water", {"flow": flow}) for name, meter in water().items() for when, flow in meter
    )
    events = through_a_broker(tmp_path, WATER_CAMPUS, messages)
    silent = [event for event in events if event.rule == "silent"]
    running = [event for event in events if event.rule == "running_water"]
    assert told(running, WATER_ZONE) == [
        ("teach/2923", "raised", "2015-03-07 17:32", "2015-03-07 18:02"),
        ("teach/2923", "cleared", "2015-03-07 17:32", "2015-03-08 11:33"),
        ("teach/b285", "raised", "2015-03-23 20:54", "2015-03-23 21:24"),
        ("teach/b285", "cleared", "2015-03-23 20:54", "2015-03-24 07:20"),
    ]
    hours = [(event.at - event.evidence.since) / 3600 for event in running if event.turn == "cleared"]
    assert hours == pytest.approx([18.0, 10.4], abs=0.05)
    last = {f"silent/broker:{message.topic}": message.at for message in messages}  # no hole is longer than a minute
    missed = {(key, "raised", when + 1800) for key, when in last.items() if when + 1800 <= messages[-1].at}
    assert {(event.key, event.turn.value, event.at) for event in silent} == missed
    others = {(e.rule, e.key) for e in events if e.rule not in ("silent", "running_water") and e.delivery == "page"}
    assert others == {("leak", LEAKING)}  # some 10 L/h day and night; what else homes do in a closed school is no page


def test_a_tap_added_to_each_meter_is_found_in_35_minutes(tmp_path: Path) -> None:
    """A tap of 6 L/min runs for an hour at each meter in turn, on a day when nothing else did."""
    midnight = at("2015-03-10 00:00", WATER_ZONE)
    opened = {name: midnight + 3 * 3600 * index + 1020 for index, name in enumerate(water(), 1)}
    messages = as_published(
        (when, f"teach/{name}/water", {"flow": flow + 6.0 * (0 <= when - opened[name] < 3600)})
        for name, meter in water().items()
        for when, flow in meter
        if 0 <= when - midnight < 86_400
    )
    events = through_a_broker(tmp_path, WATER_CAMPUS, messages)
    assert {(e.rule, e.key) for e in events if e.rule != "running_water"} == {("leak", LEAKING)}
    events = [event for event in events if event.rule == "running_water"]
    assert [(event.key, event.turn.value) for event in events] == [
        (f"teach/{name}", turn) for name in opened for turn in ("raised", "cleared")
    ]
    for name, raised, cleared in zip(opened, events[::2], events[1::2], strict=True):
        assert 30 * 60 <= raised.at - opened[name] <= 35 * 60
        assert 0 <= cleared.at - opened[name] - 3600 <= 5 * 60
