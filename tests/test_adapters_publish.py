"""What is published: topics, payloads, and what Home Assistant is told, as tables."""

import itertools
import json

import pytest

from adapters.publish import (
    Alert,
    Gateway,
    Names,
    Publishing,
    Retained,
    alert,
    changes,
    discovery,
    gateway,
    mark,
    number,
    readings,
    slug,
    source_states,
)
from rules.calendar import Calendar
from rules.model import Place, Point, Site
from rules.quantity import QUANTITIES

NOW = 1_770_000_000.0
PUBLISHING = Publishing(
    host="h", port=1883, site="no1", client_id="caretaker-no1-publish", places=frozenset({"teach-1/105", "gate"})
)


def point(name: str, holds_s: float = 75.0) -> Point:
    *place, quantity = name.split("/")
    parts = place[2:]
    return Point(name, "/".join(place[:2]), "-".join(parts), quantity, "d", "broker", holds_s)


def site_of(*points: Point) -> Site:
    places = {p.place: Place(p.place, p.place, "classroom", p.place.split("/")[0]) for p in points}
    return Site("no1", "一中", places, {p.id: p for p in points}, Calendar())


def names_of(site: Site) -> Names:
    return Names("Caretaker 一中", "open alerts", {p: f"<{p}>" for p in site.places}, {p: p for p in site.points})


@pytest.mark.parametrize(
    ("value", "payload"),
    [(0.1 + 0.2, b"0.3"), (61.7, b"61.7"), (1.0, b"1"), (True, b"1"), (-0.0000001, b"0"), (1e10, b"10000000000"),
     (123456.789, b"123456.789")],
)  # fmt: skip
def test_a_value_is_a_plain_number(value: float, payload: bytes) -> None:
    assert number(value) == payload


@pytest.mark.parametrize(
    ("holds_s", "age_s", "is_shown_only", "is_there"),
    [
        (75.0, 0.0, False, True),
        (75.0, 155.0, False, True),
        (75.0, 155.1, False, False),  # silent for twice what it speaks for
        (75.0, 0.0, True, False),     # the broker's memory is no reading
        (0.0, 1e6, False, True),      # what is said until it is said otherwise
    ],
)
def test_what_no_longer_speaks_is_not_there(holds_s: float, age_s: float, is_shown_only: bool, is_there: bool) -> None:
    name = "teach-1/105/power_w"
    found = dict(readings(PUBLISHING, [point(name, holds_s)], {name: (NOW - age_s, 61.7, is_shown_only)}, NOW))
    assert [(topic, told.payload) for topic, told in found.items()] == (
        [("caretaker/no1/teach-1/105/power_w", b"61.7")] if is_there else []
    )


def test_a_point_that_never_spoke_is_not_there() -> None:
    assert not list(readings(PUBLISHING, [point("teach-1/105/power_w", 0.0)], {}, NOW))


@pytest.mark.parametrize("every_s", [1.0, 30.0, 75.0])
def test_a_value_that_stands_is_said_again_before_it_expires(every_s: float) -> None:
    name = "teach-1/105/power_w"
    said: list[float] = []
    last = None
    at = NOW
    while at < NOW + 3600:
        (told,) = (item for _, item in readings(PUBLISHING, [point(name)], {name: (at, 5.0, False)}, at))
        if told != last:
            said.append(at)
        last, at = told, at + every_s
    gaps = [after - before for before, after in itertools.pairwise(said)]
    assert max(gaps) <= 2 * 75.0
    assert min(gaps) >= 30.0  # and not with each reading


def test_what_home_assistant_is_told_of_a_point() -> None:
    site = site_of(point("teach-1/105/lighting/power_w"), point("dorm-3/402/power_w"))
    found = {topic: json.loads(told.payload) for topic, told in discovery(PUBLISHING, site, ["broker"], names_of(site))}
    topic = f"homeassistant/sensor/caretaker_no1/{slug('teach-1/105/lighting/power_w')}/config"
    assert found[topic] == {
        "name": "teach-1/105/lighting/power_w",
        "device": {"identifiers": [slug("caretaker_no1/teach-1/105")], "name": "<teach-1/105>",
                   "via_device": "caretaker_no1"},
        "state_topic": "caretaker/no1/teach-1/105/lighting/power_w",
        "device_class": "power", "state_class": "measurement", "unit_of_measurement": "W", "expire_after": 155,
        "unique_id": f"caretaker_no1_{slug('teach-1/105/lighting/power_w')}",
        "availability_topic": "caretaker/no1/status", "origin": {"name": "Caretaker"},
    }  # fmt: skip
    assert not any("dorm-3" in topic for topic in found)
    assert len(found) == 3  # the point, the gateway's alerts, the source


@pytest.mark.parametrize(
    ("quantity", "kind", "device_class", "unit", "state_class"),
    [
        ("energy_kwh", "sensor", "energy", "kWh", "total_increasing"),
        ("volume_m3", "sensor", "water", "m³", "total_increasing"),
        ("gas_m3", "sensor", "gas", "m³", "total_increasing"),
        ("heat_kwh", "sensor", "energy", "kWh", "total_increasing"),
        ("flow_lpm", "sensor", "volume_flow_rate", "L/min", "measurement"),
        ("power_factor", "sensor", "power_factor", None, "measurement"),
        ("fire_pct", "sensor", None, "%", "measurement"),
        ("occupied", "binary_sensor", "occupancy", None, None),
        ("flame", "binary_sensor", None, None, None),
    ],
)
def test_quantities_as_home_assistant_names_them(
    quantity: str, kind: str, device_class: str | None, unit: str | None, state_class: str | None
) -> None:
    site = site_of(point(f"teach-1/105/{quantity}"))
    *_, (topic, told) = discovery(PUBLISHING, site, [], names_of(site))
    said = json.loads(told.payload)
    assert topic.split("/")[1] == kind
    assert (said.get("device_class"), said.get("unit_of_measurement"), said.get("state_class")) == (
        device_class, unit, state_class,
    )  # fmt: skip
    assert (said.get("payload_on"), said.get("payload_off")) == (("1", "0") if kind == "binary_sensor" else (None,) * 2)


def test_every_quantity_can_be_told() -> None:
    site = site_of(*(point(f"teach-1/105/{name}") for name in QUANTITIES))
    topics = [topic for topic, _ in discovery(PUBLISHING, site, [], names_of(site))]
    assert len(set(topics)) == len(topics) == len(QUANTITIES) + 1
    assert all(set(topic) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-/") for topic in topics)


def test_names_in_any_script_stay_apart() -> None:
    assert slug("dorm-3") == "dorm-3"
    names = ["一号楼/101", "二号楼/101", "a/b_c", "a_b/c", "a_b_c"]
    assert len({slug(name) for name in names}) == len(names)


def test_without_discovery_home_assistant_is_told_nothing() -> None:
    site = site_of(point("teach-1/105/power_w"))
    plain = Publishing(host="h", port=1, site="no1", client_id="c", places=PUBLISHING.places, discovery="")
    assert not list(discovery(plain, site, ["broker"], names_of(site)))
    assert plain.filters() == ["caretaker/no1/#"]
    assert plain.own_prefixes() == (b"caretaker/no1/",)


def test_alerts_sources_and_the_gateway() -> None:
    told = Alert(12, "running_water", "长流水", "dorm-3/1F-wash", "3号宿舍楼 1F-wash", "major",
                 "2026-02-05T12:51:00+08:00", "水龙头已连续流水 47 分钟")  # fmt: skip
    topic, text = alert(PUBLISHING, told)
    assert topic == "caretaker/no1/alerts/12"
    assert json.loads(text.payload) == told._asdict()
    topic, text = gateway(PUBLISHING, Gateway(1, "major", ("dorm-3 bus",), ("disk_full",)))
    assert topic == "caretaker/no1/gateway"
    assert json.loads(text.payload) == {
        "open_alerts": 1, "worst": "major", "offline": ["dorm-3 bus"], "notices": ["disk_full"],
    }  # fmt: skip
    assert [(t, r.payload) for t, r in source_states(PUBLISHING, {"a": True, "b": False, "c": None})] == [
        ("caretaker/no1/source/a/online", b"1"), ("caretaker/no1/source/b/online", b"0"),
    ]  # fmt: skip


def test_only_what_differs_is_sent_and_what_is_too_much_is_emptied() -> None:
    there = {"same": mark(Retained(b"1")), "other": mark(Retained(b"1")), "again": mark(Retained(b"1", 7)),
             "gone": mark(Retained(b"1"))}  # fmt: skip
    wanted = {"same": Retained(b"1"), "other": Retained(b"2"), "again": Retained(b"1", 8), "new": Retained(b"3")}
    assert dict(changes(there, wanted)) == {"other": b"2", "again": b"1", "new": b"3", "gone": b""}
