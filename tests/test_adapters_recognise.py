"""What unknown topics seem to be: by shape and keys, with units only where they are sure; announcements of others."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.payloads import CONVENTIONS
from adapters.payloads.discovery import entities
from adapters.payloads.recognise import Guess, guess, guesses
from rules.quantity import QUANTITIES, UNITS

UPLINK = {"deduplicationId": "a", "object": {"temperature": 21.5, "water": {"litres": 3}}}


def told(topic: str, payload: object) -> Guess | None:
    return guess(topic, (payload if isinstance(payload, str) else json.dumps(payload)).encode())


@pytest.mark.parametrize(
    ("topic", "payload", "convention", "device", "filter_", "fields"),
    [
        ("zigbee2mqtt/hall/lamp", {"power": 61.7, "state": "ON", "linkquality": 9}, "zigbee2mqtt", "hall/lamp",
         "zigbee2mqtt/{device}", {("power", "power_w", "W", ""), ("state", "on", "", "")}),
        ("zigbee2mqtt/x", {"state_l1": "ON", "battery": 3, "voltage": 3200}, "zigbee2mqtt", "x",
         "zigbee2mqtt/{device}", {("state_l1", "on", "", "l1")}),
        ("zigbee2mqtt/x/availability", {"state": "online"}, "zigbee2mqtt", "x", "zigbee2mqtt/{device}", set()),
        ("tele/plug/SENSOR", {"ENERGY": {"Total": 3.5, "Power": 56}}, "tasmota", "plug", "tele/{device}/SENSOR",
         {("ENERGY.Total", "energy_kwh", "kWh", ""), ("ENERGY.Power", "power_w", "W", "")}),
        ("tele/plug/SENSOR", {"ENERGY": {"Power": [5, 6]}}, "tasmota", "plug", "tele/{device}/SENSOR",
         {("ENERGY.Power[0]", "power_w", "W", "1"), ("ENERGY.Power[1]", "power_w", "W", "2")}),
        ("plug/stat/STATUS10", {"StatusSNS": {"AM2301": {"Temperature": 20}}}, "tasmota", "plug",
         "{device}/tele/SENSOR", {("AM2301.Temperature", "temperature_c", "°C", "")}),
        ("shellies/shellyem-1/emeter/1/total", "1500", "shelly-gen1", "shellyem-1", "shellies/{device}",
         {("emeter/1/total", "energy_kwh", "Wh", "1")}),
        ("shellyplus-7c/status/switch:0", {"apower": 8.9, "aenergy": {"total": 5}}, "shelly-gen2", "shellyplus-7c",
         "{device}", {("switch:0.apower", "power_w", "W", ""), ("switch:0.aenergy.total", "energy_kwh", "Wh", "")}),
        ("my/plug/events/rpc", {"method": "NotifyStatus", "params": {"em1:1": {"voltage": 230}}}, "shelly-gen2",
         "plug", "my/{device}", {("em1:1.voltage", "voltage_v", "V", "1")}),
        ("esp/sensor/socket_power/state", "1.5", "esphome", "esp", "{device}",
         {("sensor/socket_power", None, None, "")}),
        ("application/8d/device/24e1/event/up", UPLINK, "chirpstack", "24e1", "application/+/device/{device}/event/up",
         {("temperature", "temperature_c", None, ""), ("water.litres", None, None, "")}),
        ("campus/meter", {"power": 5, "E": 3, "power_kw": 0.5, "energy(Wh)": 3000, "volume_m3": 2, "note": "x"},
         "json", "", "campus/meter",
         {("power", "power_w", None, ""), ("E", "energy_kwh", None, ""), ("power_kw", "power_w", "kW", ""),
          ("energy(Wh)", "energy_kwh", "Wh", ""), ("volume_m3", "volume_m3", "m3", "")}),
        ("campus/meter", {"data": [{"温度": 20}], "count": 3}, "json", "", "campus/meter",
         {("data[0].温度", "temperature_c", None, ""), ("count", None, None, "")}),
        ("a/b/temperature", "20.5", "number", "", "a/b/temperature", {("", "temperature_c", None, "")}),
        ("a/power_mw", "3", "number", "", "a/power_mw", {("", "power_w", None, "")}),
        ("a/power(mW)", "3", "number", "", "a/power(mW)", {("", "power_w", None, "")}),
        ("a/current_ma", "3", "number", "", "a/current_ma", {("", "current_a", "mA", "")}),
        ("a/temp_c", "3", "number", "", "a/temp_c", {("", "temperature_c", "C", "")}),
        ("a/b/occupied", "ON", "state", "", "a/b/occupied", {("", "occupied", "", "")}),
        ("homeassistant/sensor/a/config", {"stat_t": "x/y", "dev_cla": "energy", "unit_of_meas": "Wh",
         "val_tpl": "{{ value_json.total }}"}, "json", "", "x/y", {("total", "energy_kwh", "Wh", "")}),
    ],
)  # fmt: skip
def test_what_a_topic_seems_to_be(
    topic: str, payload: object, convention: str, device: str, filter_: str,
    fields: set[tuple[str, str | None, str | None, str]],
) -> None:  # fmt: skip
    found = told(topic, payload)
    assert found is not None
    assert (found.convention, found.device, found.filter) == (convention, device, filter_)
    assert {tuple(field) for field in found.fields} == fields


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("zigbee2mqtt/bridge/devices", [{"ieee_address": "0x00"}]), ("zigbee2mqtt/bridge/state", {"state": "online"}),
        ("zigbee2mqtt/bridge/x/power_w", "3"), ("zigbee2mqtt/x/set", {"linkquality": 1}),
        ("a/b", "hello"), ("a/b", "5"), ("a/b/temperature", "warm"), ("a/b", {"x": "y"}), ("a/b", "{"), ("", ""),
        ("homeassistant/sensor/a/config", ""), ("a/temperature", "ON"),
    ],
)  # fmt: skip
def test_what_is_no_reading_is_nothing(topic: str, payload: object) -> None:
    assert told(topic, payload) is None


def test_an_uplink_without_a_codec_says_so() -> None:
    found = told("application/8d/device/24e1/event/up", {"data": "qg=="})
    assert found is not None
    assert (found.convention, found.fields) == ("chirpstack", ())
    assert "codec" in found.why


def announced(**config: object) -> tuple[str, str | None, str | None, str | None, str]:
    (found,) = entities("homeassistant/sensor/node/thing/config", json.dumps(config).encode())
    return found.topic, found.path, found.quantity, found.unit, found.why


POWER = {"state_topic": "x", "device_class": "power", "unit_of_measurement": "kW"}


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (None, None), ("{{ value }}", None), ("{{value}}", None), ("{{ value_json.a.b }}", "a.b"),
        ("{{ value_json['a'] }}", "a"), ('{{ value_json["a"].b }}', "a.b"), ("{{ value_json.a[0] }}", "a[0]"),
        ("{{- value_json.ENERGY.Power -}}", "ENERGY.Power"), ("{{ value_json['功率'] }}", "功率"),
    ],
)  # fmt: skip
def test_templates_that_are_understood(template: str | None, path: str | None) -> None:
    config = POWER if template is None else POWER | {"value_template": template}
    assert announced(**config) == ("x", path, "power_w", "kW", "")


@pytest.mark.parametrize(
    "template",
    [
        "{{ value | float }}", "{{ value_json.a * 2 }}", "{{ value_json.a | round(1) }}", "{% if value %}1{% endif %}",
        "{{ value_json }}", "{{ value.a }}", "{{ states('x') }}", "{{ value_json['a.b'] }}", "", "value",
        "{{ value_json['a'] }} W", "{{ value_json.__class__.__mro__[1]() }}", "{{ " + "value_json.a" * 5000,
    ],
)  # fmt: skip
def test_other_templates_are_said_to_be_not_understood(template: str) -> None:
    topic, path, quantity, unit, why = announced(**POWER, value_template=template)
    assert (topic, path, quantity, unit) == ("x", None, "power_w", "kW")
    assert why
    assert len(why) < 200


@pytest.mark.parametrize(
    ("config", "quantity", "unit"),
    [
        ({"device_class": "energy", "unit_of_measurement": "Wh"}, "energy_kwh", "Wh"),
        ({"device_class": "energy"}, "energy_kwh", None), ({"device_class": "energy", "unit_of_measurement": "?"},
                                                           "energy_kwh", None),
        ({"device_class": "temperature", "unit_of_measurement": "°F"}, "temperature_c", None),
        ({"device_class": "water", "unit_of_measurement": "m³"}, "volume_m3", "m3"),
        ({"device_class": "signal_strength", "unit_of_measurement": "dBm"}, None, None), ({}, None, None),
    ],
)  # fmt: skip
def test_what_an_announcement_says_of_its_value(config: dict[str, str], quantity: str, unit: str) -> None:
    assert announced(state_topic="x", **config)[2:4] == (quantity, unit)


def test_states_of_others() -> None:
    def contact(**words: object) -> tuple[str | None, str]:
        config = {"~": "zig/door", "stat_t": "~/state", "dev_cla": "door"} | words
        (found,) = entities("homeassistant/binary_sensor/door/config", json.dumps(config).encode())
        assert found.topic == "zig/door/state"
        return found.quantity, found.why

    assert contact() == ("door_open", "")
    assert contact(pl_on=False, pl_off=True) == ("door_open", "on is false, off is true")  # a contact: our opposite


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({}, ""), ({"state_on": "1", "state_off": "0"}, ""), ({"stat_on": "0", "stat_off": "1"}, "on is 0, off is 1"),
        ({"pl_on": "1", "pl_off": "0", "stat_on": "ON", "stat_off": "OFF"}, ""),
        ({"pl_on": "OFF", "pl_off": "ON"}, "on is off, off is on"),
        ({"pl_on": "OFF", "pl_off": "ON", "state_on": "ON", "state_off": "OFF"}, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["switch", "light"])
def test_a_switch_whose_words_say_the_opposite(kind: str, words: dict[str, str], why: str) -> None:
    config = json.dumps({"state_topic": "x/relay"} | words).encode()
    (found,) = entities(f"homeassistant/{kind}/a/config", config)
    assert (found.quantity, found.why) == ("on", why)


def test_one_announcement_may_tell_of_several_values() -> None:
    config = {"dev": {"name": "Plug"}, "stat_t": "plug/state", "cmps": {
        "p": {"p": "sensor", "dev_cla": "power", "unit_of_meas": "W", "val_tpl": "{{ value_json.p }}"},
        "s": {"p": "switch", "val_tpl": "{{ value_json.s }}"}, "x": {"p": "button"}}}  # fmt: skip
    found = guesses("homeassistant/device/plug/config", json.dumps(config).encode())
    assert [[tuple(field) for field in one.fields] for one in found] == [
        [("p", "power_w", "W", "")], [("s", "on", "", "")], [],
    ]  # fmt: skip
    assert found[2].why


@pytest.mark.parametrize(
    "topic", ["#", "a/+/b", "$SYS/#", "$SYS/x", "x/{device}", "x/{foo}", "", "x" * 301, "plug\n[[rule]]", "a\0b",
              "a\x7fb", "a\x85b", "a\u2028b"]
)  # fmt: skip
def test_a_topic_that_would_be_more_than_one_is_no_guess(topic: str) -> None:
    config = {"state_topic": topic, "device_class": "power", "unit_of_measurement": "W"}
    (found,) = guesses("homeassistant/sensor/node/thing/config", json.dumps(config).encode())
    assert (found.filter, found.fields) == ("", ())
    assert "topic" in found.why
    assert found.why.isprintable()


@pytest.mark.parametrize("topic", ["x/{device}/power_w", "$x/power_w", "zigbee2mqtt/{building}", "a\nb/power_w"])
def test_a_topic_that_is_heard_is_judged_alike(topic: str) -> None:
    for payload in (b"5", b'{"power_w": 5}'):
        (found,) = guesses(topic, payload)
        assert (found.filter, found.fields) == ("", ())
        assert "topic" in found.why


def test_one_announcement_cannot_fill_the_page() -> None:
    parts = {f"p{number}": {"p": "switch", "stat_t": f"x/{number}"} for number in range(500)}
    assert len(guesses("homeassistant/device/plug/config", json.dumps({"cmps": parts}).encode())) == 32


LEVELS = st.sampled_from([
    "zigbee2mqtt", "tele", "stat", "SENSOR", "STATE", "LWT", "shellies", "relay", "0", "x", "status", "switch:0",
    "events", "rpc", "sensor", "state", "application", "device", "event", "up", "homeassistant", "config", "",
    "availability", "bridge", "power",
])  # fmt: skip
KEYS = st.sampled_from([
    "power", "P", "ENERGY", "Power", "params", "switch:0", "object", "state_topic", "stat_t", "val_tpl", "cmps", "dev",
    "device_class", "unit_of_measurement", "~", "p", "", "a.b", "temperature",
])  # fmt: skip
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["power", "kW"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(LEVELS, max_size=7).map("/".join) | st.text(max_size=30),
       st.binary(max_size=60) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))  # fmt: skip
def test_nothing_makes_it_fail_and_no_unit_is_made_up(topic: str, payload: bytes) -> None:
    for found in guesses(topic, payload):
        assert found.convention in CONVENTIONS
        for field in found.fields:
            assert field.quantity is None or field.quantity in QUANTITIES
            is_said = field.unit in (None, "", "°F", "W·min") or field.unit in UNITS.get(field.quantity or "", {})
            assert is_said or CONVENTIONS[found.convention].reader is None
    assert guess(topic, payload) == guess(topic, payload)
