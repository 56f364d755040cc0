"""Home Assistant's discovery, read: what retained configuration topics of other systems say of their points.

Strategy. A configuration says where a value is published, its unit and its class; the place in the payload is a Jinja
template. A foreign template is never run: three forms are understood by their text, `{{ value }}`,
`{{ value_json.a.b }}` and `{{ value_json['a'] }}`; anything else is said to be not understood. By
https://www.home-assistant.io/integrations/mqtt (abbreviations included).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from adapters.payloads.convention import RefusedError
from adapters.payloads.device import document_of
from adapters.payloads.generic import FALSE_WORDS, TRUE_WORDS
from adapters.unknown_topics import MOST_NAME
from rules.quantity import UNITS

_LONG = {
    "stat_t": "state_topic", "unit_of_meas": "unit_of_measurement", "dev_cla": "device_class",
    "val_tpl": "value_template", "avty_t": "availability_topic", "uniq_id": "unique_id", "dev": "device",
    "pl_on": "payload_on", "pl_off": "payload_off", "cmps": "components", "p": "platform", "stat_on": "state_on",
    "stat_off": "state_off",
}  # fmt: skip
_CLASSES = {
    "power": "power_w", "apparent_power": "apparent_power_va", "reactive_power": "reactive_power_var",
    "energy": "energy_kwh", "voltage": "voltage_v", "current": "current_a", "power_factor": "power_factor",
    "frequency": "frequency_hz", "temperature": "temperature_c", "humidity": "humidity_pct",
    "illuminance": "illuminance_lx", "pressure": "pressure_kpa", "atmospheric_pressure": "pressure_kpa",
    "carbon_dioxide": "co2_ppm", "water": "volume_m3", "gas": "gas_m3", "volume_flow_rate": "flow_lpm",
}  # fmt: skip
_BINARY = {
    "occupancy": "occupied", "motion": "occupied", "presence": "occupied", "door": "door_open",
    "window": "door_open", "opening": "door_open", "garage_door": "door_open", "moisture": "water_leak",
}  # fmt: skip
_SPELLED = {"m³": "m3", "m³/h": "m3/h", "kvarh": "kvarh", "VAr": "var", "lux": "lx", "kWh": "kWh"}
_TEMPLATE = re.compile(
    r"\{\{-?\s*value(?P<json>_json)?(?P<steps>(?:\.\w+|\[(?:'[^'\\]*'|\"[^\"\\]*\"|\d+)\])*)\s*-?\}\}"
)
_STEP = re.compile(r"\.(\w+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\d+)\]")
_TOPIC = re.compile(r"[^/]+/(?P<kind>\w+)/(?:[^/]+/)?(?P<object>[^/]+)/config")


class Entity(NamedTuple):
    """One value that another system publishes: where, what it is, and what it is called.

    `path` is where it stands in a JSON payload, None where the payload is the value. `quantity` is None where its
    class tells none of ours; `unit` where it tells none that we know. `why` says what was not understood; empty: all.
    `topic` is empty where it tells none that a value could be read from.
    """

    name: str
    device: str
    topic: str
    path: str | None
    quantity: str | None
    unit: str | None
    why: str = ""


def entities(topic: str, payload: bytes) -> list[Entity]:
    """What a configuration topic announces; nothing where it is none, or empty, which takes an entity back."""
    match = _TOPIC.fullmatch(topic)
    if match is None or not payload:
        return []
    try:
        document = _spelled(document_of(payload))
    except RefusedError:
        return []
    components = document.get("components")
    if match["kind"] != "device" or not isinstance(components, dict):
        return [_entity(match["kind"], match["object"], document)]
    common = {key: value for key, value in document.items() if key != "components"}
    return [
        _entity(str(part.get("platform", "")), name, common | part)
        for name, part in ((name, _spelled(part)) for name, part in components.items() if isinstance(part, dict))
    ]


def topic_fault(topic: str) -> str:
    """Why a topic cannot be the one of a value, whoever tells of it; empty: it can.

    A configuration would take `+ # {}` in it for more than this one topic, and others than devices speak below `$`.
    """
    if not topic or len(topic.encode(errors="replace")) > MOST_NAME:
        return f"topic of more than {MOST_NAME} bytes" if topic else "empty topic"
    shown = "".join(letter if letter.isprintable() else "?" for letter in topic[:120])
    if not topic.isprintable():
        return f"control characters in the topic {shown}"
    if topic.startswith("$") or set("+#{}") & set(topic):
        return f"wildcard, placeholder or $ in the topic {shown}"
    return ""


def _spelled(document: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with its keys in full, and `~` replaced in its topics."""
    out = {_LONG.get(key, key): value for key, value in document.items()}
    base = out.pop("~", None)
    if isinstance(base, str):
        for key in ("state_topic", "availability_topic"):
            if isinstance(value := out.get(key), str):
                out[key] = base + value[1:] if value.startswith("~") else f"{value[:-1]}{base}" if value.endswith(
                    "~") else value  # fmt: skip
    return out


def _entity(kind: str, object_: str, config: Mapping[str, Any]) -> Entity:
    about = config.get("device")
    about = about if isinstance(about, dict) else {}
    name = str(config.get("name") or config.get("unique_id") or object_)
    device = str(about.get("name") or about.get("identifiers") or about.get("ids") or object_)
    topic = config.get("state_topic")
    if not isinstance(topic, str) or not topic:
        return Entity(name, device, "", None, None, None, "no state topic")
    if fault := topic_fault(topic):
        return Entity(name, device, "", None, None, None, fault)
    quantity, unit = _meaning(kind, config)
    try:
        path = _path(config.get("value_template"))
        why = "" if quantity else f"{kind} {config.get('device_class', '')}".strip()
    except ValueError as error:
        return Entity(name, device, topic, None, quantity, unit, str(error))
    if quantity and kind in ("binary_sensor", "switch", "light"):
        why = _words(config)
    return Entity(name, device, topic, path, quantity, unit, why)


def _meaning(kind: str, config: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The quantity and the unit that a configuration tells."""
    class_ = str(config.get("device_class") or "")
    if kind in ("switch", "light"):
        return "on", ""
    if kind == "binary_sensor":
        return _BINARY.get(class_), ""
    quantity = _CLASSES.get(class_) if kind == "sensor" else None
    if quantity is None:
        return None, None
    told = config.get("unit_of_measurement")
    unit = _SPELLED.get(str(told), str(told)) if told is not None else None
    if class_ == "power_factor" and unit is None:
        unit = ""
    return quantity, unit if unit in UNITS[quantity] else None


def _words(config: Mapping[str, Any]) -> str:
    """Why the words of a state are not understood, such as a contact that is false when it is open."""
    on = str(config.get("state_on", config.get("payload_on", "ON"))).lower()
    off = str(config.get("state_off", config.get("payload_off", "OFF"))).lower()
    return "" if on in TRUE_WORDS and off in FALSE_WORDS else f"on is {on}, off is {off}"


def _path(template: object) -> str | None:
    """Where a template finds its value; ValueError for anything but the simple forms."""
    if template is None:
        return None
    match = _TEMPLATE.fullmatch(str(template).strip())
    if match is None or (match["json"] is None and match["steps"]) or (match["json"] and not match["steps"]):
        raise ValueError(f"template {str(template)[:120]}")
    return "".join(_steps(match["steps"])).removeprefix(".") if match["json"] else None


def _steps(text: str) -> Iterator[str]:
    for word, single, double, index in _STEP.findall(text):
        key = word or single or double
        if re.search(r"[.\[\]]", key):
            raise ValueError(f"key {key}")  # our own paths cannot say it
        yield f"[{index}]" if index else f".{key}"
