"""Conventions of devices: what their payloads say, channel by channel, what is refused and why, and who is online."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.payloads import CONVENTIONS
from adapters.payloads.convention import Decoded
from adapters.payloads.topics import TopicTable, subscriptions
from adapters.source import DeviceTime, Field, Topic
from rules.model import Reason

NOW = 1_770_000_000.0
ROOM = "d/101"
FRAMES = Path(os.environ.get("CARETAKER_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "frames"

FILTERS = {
    "zigbee2mqtt": "zigbee2mqtt/{device}", "tasmota": "tele/{device}/SENSOR", "shelly-gen1": "shellies/{device}",
    "shelly-gen2": "{device}", "esphome": "{device}", "chirpstack": "application/+/device/{device}/event/up",
}  # fmt: skip


def topic(payload: str, devices: dict[str, str], *quantities: str, **more: Any) -> Topic:
    wanted = quantities or tuple(sorted(CONVENTIONS[payload].quantities))
    fields = more.pop("fields", ()) or tuple(Field(path="", quantity=name) for name in wanted)
    more = {"filter": FILTERS[payload]} | more
    return Topic(payload=payload, fields=fields, places=frozenset({ROOM}), devices=devices, **more)


def decoded(told: Topic, name: str, payload: object) -> Decoded:
    found = TopicTable("m", [told]).reader(name.encode())
    assert found is not None, name
    raw = payload if isinstance(payload, bytes) else payload if isinstance(payload, str) else json.dumps(payload)
    return found.decode(raw if isinstance(raw, bytes) else raw.encode(), NOW)


def values(told: Topic, name: str, payload: object) -> dict[str, float]:
    sample, _, faults = decoded(told, name, payload)
    assert sample is not None, faults
    assert faults == []
    return {point.removeprefix(f"{ROOM}/"): value for point, value in sample.values.items()}


def reasons(told: Topic, name: str, payload: object) -> list[Reason]:
    sample, _, faults = decoded(told, name, payload)
    assert sample is None
    assert all(len(fault.detail) <= 200 for fault in faults)
    return [fault.reason for fault in faults]


ZIGBEE = topic("zigbee2mqtt", {"x": ROOM, "hall/lamp": ROOM})
STRIP = topic("zigbee2mqtt", {"x#l1": ROOM, "x#l2": f"{ROOM}/sockets"})


@pytest.mark.parametrize(
    ("told", "payload", "expected"),
    [
        (ZIGBEE, {"timestamp": "2026-03-04T11:38:37", "state": "ON", "power": 61.71, "linkquality": 144},
         {"on": 1.0, "power_w": 61.71}),
        (ZIGBEE, {"battery": 100, "humidity": 69.72, "temperature": 25.93, "voltage": 3200},
         {"humidity_pct": 69.72, "temperature_c": 25.93}),                       # of the battery, in mV
        (ZIGBEE, {"voltage": 231, "current": 0.3, "energy": 12.5}, {"voltage_v": 231, "current_a": 0.3,
                                                                    "energy_kwh": 12.5}),
        (ZIGBEE, {"contact": False, "battery_low": False}, {"door_open": 1.0}),
        (ZIGBEE, {"contact": True}, {"door_open": 0.0}),
        (ZIGBEE, {"water_leak": True}, {"water_leak": 1.0}),
        (ZIGBEE, {"occupancy": True, "illuminance": 31}, {"occupied": 1.0, "illuminance_lx": 31}),
        (ZIGBEE, {"illuminance": 21_000, "illuminance_lux": 126}, {"illuminance_lx": 126}),   # before release 2
        (ZIGBEE, {"temperature": None, "humidity": 40}, {"humidity_pct": 40}),
        (ZIGBEE, {"pressure": 1000}, {"pressure_kpa": 100.0}),
        (STRIP, {"state_l1": "ON", "state_l2": "OFF", "power_l2": 5}, {"on": 1.0, "sockets/on": 0.0,
                                                                      "sockets/power_w": 5}),
    ],
)  # fmt: skip
def test_zigbee2mqtt(told: Topic, payload: object, expected: dict[str, float]) -> None:
    assert values(told, "zigbee2mqtt/x", payload) == pytest.approx(expected)


def test_a_zigbee_name_may_have_levels() -> None:
    assert values(ZIGBEE, "zigbee2mqtt/hall/lamp", {"power": 3}) == {"power_w": 3}
    assert values(ZIGBEE, "zigbee2mqtt/hall/lamp/availability", "offline") == {"hall-lamp/online": 0.0}
    assert TopicTable("m", [ZIGBEE]).reader(b"zigbee2mqtt/bridge/devices") is None


TASMOTA = topic("tasmota", {"x": ROOM})
TWO = topic("tasmota", {"x#1": ROOM, "x#2": f"{ROOM}/sockets"})
ENERGY = {"Total": 514.153, "Power": 56, "ApparentPower": 92, "ReactivePower": 73, "Factor": 0.61, "Voltage": 234,
          "Current": 0.392}  # fmt: skip
SAID = {"energy_kwh": 514.153, "power_w": 56, "apparent_power_va": 92, "reactive_power_var": 73, "power_factor": 0.61,
        "voltage_v": 234, "current_a": 0.392}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "name", "payload", "expected"),
    [
        (TASMOTA, "tele/x/SENSOR", {"Time": "2023-05-19T20:52:56", "ENERGY": ENERGY}, SAID),
        (TASMOTA, "stat/x/STATUS10", {"StatusSNS": {"Time": "2023-05-19T20:52:56", "ENERGY": ENERGY}}, SAID),
        (TASMOTA, "stat/x/STATUS8", {"ENERGY": ENERGY}, SAID),
        (TWO, "tele/x/SENSOR", {"ENERGY": {"Total": [1.5, 2.5], "Power": [5, 6], "Voltage": 230, "Today": 3}},
         {"energy_kwh": 1.5, "sockets/energy_kwh": 2.5, "power_w": 5, "sockets/power_w": 6, "voltage_v": 230,
          "sockets/voltage_v": 230}),
        (TWO, "tele/x/SENSOR", {"ENERGY": {"Total": 4.0, "Power": [5, 6]}}, {"power_w": 5, "sockets/power_w": 6}),
        (TASMOTA, "tele/x/SENSOR", {"ENERGY": {"Total": [1.5], "Power": [5]}}, {"energy_kwh": 1.5, "power_w": 5}),
        (TASMOTA, "tele/x/STATE", {"POWER": "OFF", "Wifi": {"RSSI": 100}}, {"on": 0.0}),
        (TWO, "tele/x/STATE", {"POWER1": "ON", "POWER2": "OFF"}, {"on": 1.0, "sockets/on": 0.0}),
        (TASMOTA, "stat/x/RESULT", {"POWER": "ON"}, {"on": 1.0}),
        (TASMOTA, "tele/x/STATE", {"Uptime": "0T00:00:14"}, {}),
        (TASMOTA, "tele/x/SENSOR", {"DS18B20": {"Id": "0", "Temperature": 20.9}, "ESP32": {"Temperature": 55},
                                    "TempUnit": "C"}, {"temperature_c": 20.9}),
        (TASMOTA, "tele/x/SENSOR", {"DS18B20": {"Temperature": 68}, "TempUnit": "F"}, {"temperature_c": 20.0}),
        (topic("tasmota", {"x#DS18B20-2": ROOM}, "temperature_c"), "tele/x/SENSOR",
         {"DS18B20-1": {"Temperature": 20}, "DS18B20-2": {"Temperature": 30}}, {"temperature_c": 30}),
        (topic("tasmota", {"x#0x1067": ROOM}), "tele/x/SENSOR",
         {"ZbReceived": {"0x1067": {"Temperature": 19.04, "Power": 1}}}, {"temperature_c": 19.04, "on": 1.0}),
        (TASMOTA, "tele/x/LWT", "Offline", {"x/online": 0.0}), (TASMOTA, "tele/x/LWT", "Online", {"x/online": 1.0}),
        (topic("tasmota", {"x": ROOM}, filter="school/{device}/tele/SENSOR"), "school/x/stat/RESULT",
         {"POWER": "ON"}, {"on": 1.0}),
        (topic("tasmota", {}, filter="my/plug/SENSOR", place=ROOM), "my/plug/STATE", {"POWER": "ON"}, {"on": 1.0}),
        (topic("tasmota", {"x": ROOM}, fields=(Field(path="OPENTHERM.TB", quantity="temperature_c", part="supply"),)),
         "tele/x/SENSOR", {"OPENTHERM": {"TB": 31.0}}, {"supply/temperature_c": 31.0}),
    ],
)  # fmt: skip
def test_tasmota(told: Topic, name: str, payload: object, expected: dict[str, float]) -> None:
    assert values(told, name, payload) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("time", "zone", "at"),
    [
        ("2026-02-02T10:40:00", None, None), ("2026-02-02T10:40:00", "Asia/Shanghai", NOW),
        ("2026-02-02T10:40:00+08:00", None, NOW), ("1970-01-01", None, None), (5, "Asia/Shanghai", None),
        ("soon", "Asia/Shanghai", None),
    ],
)  # fmt: skip
def test_a_wall_clock_counts_once_its_zone_is_known(time: object, zone: str | None, at: float | None) -> None:
    told = topic("tasmota", {"x": ROOM}, time=DeviceTime(path="", zone=zone) if zone else None)
    sample, is_timed, _ = decoded(told, "tele/x/SENSOR", {"Time": time, "ENERGY": ENERGY})
    assert sample is not None
    assert (sample.at, is_timed) == (NOW if at is None else at, at is not None)


GEN1 = topic("shelly-gen1", {"x": ROOM, "em#0": ROOM, "em#1": f"{ROOM}/ac"})
GEN2 = topic("shelly-gen2", {"x": ROOM})
METER = topic("shelly-gen2", {"em": ROOM, "em#a": f"{ROOM}/a", "em#b": f"{ROOM}/b"})
CLAMPS = topic("shelly-gen2", {"x#1": ROOM})


@pytest.mark.parametrize(
    ("told", "name", "payload", "expected"),
    [
        (GEN1, "shellies/x/relay/0", "on", {"on": 1.0}), (GEN1, "shellies/x/relay/0", "overpower", {"on": 0.0}),
        (GEN1, "shellies/x/relay/0/power", "61.7", {"power_w": 61.7}),
        (GEN1, "shellies/x/relay/0/energy", "60000", {"energy_kwh": 1.0}),        # watt-minutes
        (GEN1, "shellies/em/emeter/1/total", "1500.2", {"ac/energy_kwh": 1.5002}),  # Wh
        (GEN1, "shellies/em/emeter/0/power", "-20.5", {"power_w": -20.5}),
        (GEN1, "shellies/em/emeter/1/voltage", "230.1", {"ac/voltage_v": 230.1}),
        (GEN1, "shellies/em/emeter/2/power", "5", {}), (GEN1, "shellies/x/relay/1", "on", {}),
        (GEN1, "shellies/x/sensor/state", "open", {"door_open": 1.0}),
        (GEN1, "shellies/x/sensor/state", "close", {"door_open": 0.0}),
        (GEN1, "shellies/x/sensor/flood", "true", {"water_leak": 1.0}),
        (GEN1, "shellies/x/sensor/lux", "120", {"illuminance_lx": 120}),
        (GEN1, "shellies/x/announce", "{", {}), (GEN1, "shellies/x/relay/0/command", "on", {}),
        (GEN1, "shellies/x/online", "false", {"x/online": 0.0}),
        (GEN2, "x/online", "true", {"x/online": 1.0}),
        (GEN2, "x/status/switch:0", {"id": 0, "output": True, "apower": 8.9, "voltage": 230.1, "current": 0.1,
                                     "aenergy": {"total": 2500.0}},
         {"on": 1.0, "power_w": 8.9, "voltage_v": 230.1, "current_a": 0.1, "energy_kwh": 2.5}),
        (GEN2, "x/status/cover:0", {"apower": 123.1, "pf": 0.99, "freq": 50.0}, {"power_w": 123.1,
                                                                        "power_factor": 0.99, "frequency_hz": 50}),
        (GEN2, "x/status/switch:1", {"apower": 8.9}, {}), (GEN2, "x/status/wifi", {"rssi": -38}, {}),
        (CLAMPS, "x/status/em1:1", {"act_power": 8.9, "voltage": None}, {"power_w": 8.9}),
        (CLAMPS, "x/status/em1data:1", {"total_act_energy": 1000}, {"energy_kwh": 1.0}),
        (METER, "em/status/em:0", {"a_act_power": 1.5, "b_act_power": 2.5, "c_act_power": 3.0, "total_act_power": 7.0,
                                   "a_voltage": 230}, {"power_w": 7.0, "a/power_w": 1.5, "b/power_w": 2.5,
                                                       "a/voltage_v": 230}),
        (METER, "em/status/emdata:0", {"a_total_act_energy": 500, "total_act": 1500}, {"a/energy_kwh": 0.5,
                                                                                     "energy_kwh": 1.5}),
        (GEN2, "x/events/rpc", {"src": "x", "method": "NotifyStatus", "params": {"ts": 1.61, "switch:0":
                                {"id": 0, "apower": 5}}}, {"power_w": 5}),
        (GEN2, "x/events/rpc", {"src": "x", "method": "NotifyStatus", "params": {"ts": NOW, "wifi": {}}}, {}),
        (GEN2, "x/events/rpc", {"src": "x", "method": "NotifyEvent", "params": {"ts": NOW, "events": []}}, {}),
        (GEN2, "x/status/flood:0", {"alarm": True}, {"water_leak": 1.0}),
        (GEN2, "x/status/temperature:0", {"tC": 21.5, "tF": 70.7}, {"temperature_c": 21.5}),
    ],
)  # fmt: skip
def test_shelly(told: Topic, name: str, payload: object, expected: dict[str, float]) -> None:
    assert values(told, name, payload) == pytest.approx(expected)


@pytest.mark.parametrize(("ts", "at"), [(1.61, None), (NOW - 5, NOW - 5), (None, None), (True, None), ("5", None)])
def test_a_shelly_knows_the_time_after_2020(ts: object, at: float | None) -> None:
    message = {"method": "NotifyStatus", "params": {"ts": ts, "switch:0": {"apower": 5}}}
    sample, is_timed, _ = decoded(GEN2, "x/events/rpc", message)
    assert sample is not None
    assert (sample.at, is_timed) == (NOW if at is None else at, at is not None)


ESPHOME = topic("esphome", {"x": ROOM}, fields=(
    Field(path="sensor/kitchen_power", quantity="power_w", scale=1000.0), Field(path="switch/relay", quantity="on"),
))  # fmt: skip


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("x/sensor/kitchen_power/state", "1.5", {"power_w": 1500.0}), ("x/sensor/kitchen_power/state", "nan", {}),
        ("x/switch/relay/state", "ON", {"on": 1.0}), ("x/switch/relay/state", '{"state": "OFF"}', {"on": 0.0}),
        ("x/status", "offline", {"x/online": 0.0}),
    ],
)  # fmt: skip
def test_esphome(name: str, payload: str, expected: dict[str, float]) -> None:
    assert values(ESPHOME, name, payload) == expected


UPLINK = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": "2026-02-02T02:40:00.775023242+00:00",
    "deviceInfo": {"deviceName": "t", "devEui": "0101010101010101"}, "fCnt": 10, "data": "qg==",
    "object": {"temperature": 21.5, "water": {"litres": 1200}},
}  # fmt: skip
CHIRPSTACK = topic("chirpstack", {"0101010101010101": ROOM}, fields=(
    Field(path="temperature", quantity="temperature_c"), Field(path="water.litres", quantity="volume_m3", scale=1e-3),
))  # fmt: skip
UP = "application/8d5e/device/0101010101010101/event/up"


def test_an_uplink_that_two_gateways_heard_is_one() -> None:
    found = TopicTable("m", [CHIRPSTACK]).reader(UP.encode())
    assert found is not None
    first, again = [found.decode(json.dumps(UPLINK).encode(), NOW) for _ in range(2)]
    other = found.decode(json.dumps(UPLINK | {"deduplicationId": "other"}).encode(), NOW)
    assert first.sample is not None
    assert first.sample.values == {"d/101/temperature_c": 21.5, "d/101/volume_m3": 1.2}
    assert (round(first.sample.at, 3), first.is_timed) == (NOW + 0.775, True)
    assert (again.sample and again.sample.values, again.faults) == ({}, [])
    assert other.sample is not None
    assert other.sample.values == first.sample.values


@pytest.mark.parametrize(
    ("told", "name", "payload", "reason"),
    [
        (ZIGBEE, "zigbee2mqtt/x", "{", Reason.BAD_JSON), (ZIGBEE, "zigbee2mqtt/x", "[]", Reason.MISSING_FIELD),
        (ZIGBEE, "zigbee2mqtt/x", {"linkquality": 3}, Reason.MISSING_FIELD),
        (ZIGBEE, "zigbee2mqtt/x", {"power": "n/a"}, Reason.NOT_A_NUMBER),
        (ZIGBEE, "zigbee2mqtt/x", {"power_l1": 1, "power_l2": 1}, Reason.MISSING_FIELD),  # which of the two?
        (ZIGBEE, "zigbee2mqtt/x/availability", "maybe", Reason.NOT_A_NUMBER),
        (ZIGBEE, "zigbee2mqtt/x/availability", b"\xff", Reason.BAD_TEXT),
        (TASMOTA, "tele/x/SENSOR", {"ENERGY": {"Power": [5, 6]}}, Reason.MISSING_FIELD),
        (TASMOTA, "tele/x/SENSOR", {"ZbReceived": {"0x1067": {"Temperature": 19.04}}}, Reason.MISSING_FIELD),
        (TASMOTA, "tele/x/SENSOR", {"Time": "2021-01-01T00:00:00", "Switch1": "OFF"}, Reason.MISSING_FIELD),
        (TASMOTA, "tele/x/STATE", {"POWER": "POWER"}, Reason.NOT_A_NUMBER),
        (TASMOTA, "tele/x/SENSOR", {"BMP280": {"Pressure": 29.9}, "PressureUnit": "inHg"}, Reason.NOT_A_NUMBER),
        (GEN1, "shellies/x/relay/0/power", "nan", Reason.NOT_A_NUMBER),
        (GEN2, "x/events/rpc", {"methods": ["Switch.Set"]}, Reason.MISSING_FIELD),
        (GEN2, "x/status/switch:0", {"apower": "much"}, Reason.NOT_A_NUMBER),
        (ESPHOME, "x/sensor/kitchen_power/state", "inf", Reason.NOT_A_NUMBER),
        (CHIRPSTACK, UP, {key: UPLINK[key] for key in ("time", "data")}, Reason.MISSING_FIELD),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(told: Topic, name: str, payload: object, reason: Reason) -> None:
    assert reasons(told, name, payload) == [reason]


def test_a_sensor_of_several_is_told_without_the_others() -> None:
    sample, _, faults = decoded(TASMOTA, "tele/x/SENSOR", {
        "A": {"Temperature": 20, "Illuminance": 21}, "B": {"Temperature": 22}})  # fmt: skip
    assert sample is not None
    assert sample.values == {"d/101/illuminance_lx": 21.0}
    assert [(fault.reason, "#A, #B" in fault.detail) for fault in faults] == [(Reason.MISSING_FIELD, True)]


def test_what_is_not_wanted_is_no_reading_and_no_fault() -> None:
    told = topic("zigbee2mqtt", {"x": ROOM}, "power_w")
    assert values(told, "zigbee2mqtt/x", {"temperature": 20}) == {}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (topic("zigbee2mqtt", {"x": ROOM, "y": ROOM}), ["zigbee2mqtt/+", "zigbee2mqtt/+/availability"]),
        (topic("zigbee2mqtt", {"a/b": ROOM}), ["zigbee2mqtt/a/b", "zigbee2mqtt/a/b/availability"]),
        (GEN1, ["shellies/+/#"]),
        (GEN2, ["x/online", "x/events/rpc", "x/status/#"]),  # a wildcard at the top would ask for everything
        (CHIRPSTACK, ["application/+/device/+/event/up"]),
        (ESPHOME, ["x/status", "x/sensor/kitchen_power/state", "x/switch/relay/state"]),
    ],
)
def test_what_is_subscribed_to(told: Topic, expected: list[str]) -> None:
    assert list(subscriptions(told)) == expected


TAILS = {
    "zigbee2mqtt": ["zigbee2mqtt/x", "zigbee2mqtt/x/availability"],
    "tasmota": ["tele/x/SENSOR", "tele/x/STATE", "stat/x/STATUS10", "tele/x/LWT"],
    "shelly-gen1": ["shellies/x/relay/0", "shellies/x/emeter/0/total", "shellies/x/online", "shellies/x/"],
    "shelly-gen2": ["x/events/rpc", "x/status/switch:0", "x/status/em:0", "x/online"],
    "esphome": ["x/status", "x/sensor/p/state"],
    "chirpstack": ["application/1/device/x/event/up"],
}
KEYS = st.sampled_from([
    "power", "state", "contact", "voltage", "ENERGY", "Power", "Total", "POWER1", "ZbReceived", "StatusSNS", "Time",
    "Epoch", "TempUnit", "PressureUnit", "Pressure", "Temperature", "params", "ts", "switch:0", "em:0", "apower",
    "aenergy", "total", "method", "object", "time", "deduplicationId", "P", "F",
])  # fmt: skip
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["F", "ON"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))
def test_anything_gives_readings_or_faults_and_never_an_exception(payload: bytes) -> None:
    for convention, names in TAILS.items():
        fields = (Field(path="sensor/p", quantity="power_w"), Field(path="P", quantity="on"))
        extra = fields if CONVENTIONS[convention].has_fields else ()
        known = tuple(Field(path="", quantity=name) for name in sorted(CONVENTIONS[convention].quantities))
        devices, zone = {"x": ROOM, "x#1": f"{ROOM}/a"}, DeviceTime(path="", zone="Asia/Shanghai")
        told = topic(convention, devices, fields=(*known, *extra), time=zone)
        table = TopicTable("m", [told])
        for name in names:
            reader = table.reader(name.encode())
            assert reader is not None
            sample, _, faults = reader.decode(payload, NOW)
            assert sample is not None or faults
            if sample is not None:
                assert all(isinstance(value, float | int) for value in sample.values.values())


# -- captured payloads


def lines(file: str) -> Iterator[dict[str, Any]]:
    path = FRAMES / file
    if not path.exists():
        pytest.skip(f"no {path}")
    yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def numbers(node: Any) -> Iterator[float]:
    if isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from numbers(inner)
    elif isinstance(node, bool) or node in ("ON", "OFF"):
        yield from (0.0, 1.0)
    elif isinstance(node, int | float):
        yield from (float(node), node / 10, node / 1000)


@pytest.mark.parametrize(
    ("file", "convention", "least"), [("tasmota.jsonl", "tasmota", 14), ("zigbee2mqtt.jsonl", "zigbee2mqtt", 7)]
)
def test_captured_payloads_say_what_stands_in_them(file: str, convention: str, least: int) -> None:
    read = 0
    for record in lines(file):
        name, payload = record["topic"] or "tele/x/SENSOR", record["payload"]
        is_tasmota = name.startswith(("tele/", "stat/"))
        if not is_tasmota:
            name = f"zigbee2mqtt/{name.removeprefix('zigbee2mqtt/')}"
        _, *device, tail = name.split("/") if is_tasmota else (*name.split("/"), "")
        kind = "tasmota" if is_tasmota else "zigbee2mqtt"
        told = topic(kind, {"/".join(device): ROOM} if device else {}, place="" if device else ROOM,
                     filter=FILTERS[kind] if device else name)  # fmt: skip
        reader = TopicTable("m", [told]).reader(name.encode())
        if reader is None and tail in ("DEEPSLEEP", "UPTIME", "PCF8574_INP", "RESULT"):
            continue
        assert reader is not None, name
        sample, _, faults = reader.decode(json.dumps(payload).encode(), NOW)
        if sample is not None and sample.values:
            read += 1
            stands = list(numbers(payload))
            for point, value in sample.values.items():
                assert any(value == pytest.approx(one) for one in stands), point
        else:
            text, is_bridged = json.dumps(payload), "ZbReceived" in payload
            known = ("ENERGY", "Temperature", "temperature", "power")
            assert is_bridged or not any(f'"{key}":' in text for key in known)
            assert all(fault.reason in (Reason.MISSING_FIELD, Reason.NOT_A_NUMBER) for fault in faults)
    assert read >= least


def test_captured_states_of_shelly_devices() -> None:
    files = sorted((FRAMES / "shelly").glob("*/*.GetStatus.json"))
    if not files:
        pytest.skip(f"no {FRAMES / 'shelly'}")
    for file in files:
        kind = file.name.partition(".")[0].lower()
        name = "x/events/rpc" if kind == "shelly" else f"x/status/{kind}:0"
        sample, _, faults = decoded(GEN2, name, file.read_bytes())
        document = json.loads(file.read_bytes())
        assert (sample is not None, faults) == (True, [])
        if sample is not None and "aenergy" in (part := document.get("cover:0", document)):
            assert sample.values["d/101/energy_kwh"] == pytest.approx(part["aenergy"]["total"] / 1000)
            assert sample.values["d/101/power_w"] == part["apower"]
