"""Zigbee2MQTT: one flat JSON object a device; names may contain `/`.

Units by https://www.zigbee2mqtt.io (Exposes): W, kWh, V, A, °C, %, hPa, lx, ppm. What runs on a battery reports the
battery's millivolts as `voltage`. A contact is true when it is closed. `illuminance` was a raw number before release
2, with the lux beside it as `illuminance_lux`. Sockets of one device carry a suffix: `state_l1`, `power_left`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.payloads.convention import Branch, Convention, Said, Sight, Speech
from adapters.payloads.device import document_of, presence
from adapters.source import Topic

_KNOWN = {  # key -> quantity, unit, factor
    "power": ("power_w", "W", 1.0), "energy": ("energy_kwh", "kWh", 1.0), "current": ("current_a", "A", 1.0),
    "voltage": ("voltage_v", "V", 1.0), "power_factor": ("power_factor", "", 1.0),
    "power_reactive": ("reactive_power_var", "var", 1.0), "power_apparent": ("apparent_power_va", "VA", 1.0),
    "ac_frequency": ("frequency_hz", "Hz", 1.0), "temperature": ("temperature_c", "°C", 1.0),
    "humidity": ("humidity_pct", "%", 1.0), "pressure": ("pressure_kpa", "hPa", 0.1),
    "illuminance": ("illuminance_lx", "lx", 1.0), "co2": ("co2_ppm", "ppm", 1.0),
    "occupancy": ("occupied", "", 1.0), "presence": ("occupied", "", 1.0),
    "water_leak": ("water_leak", "", 1.0), "contact": ("door_open", "", 1.0), "state": ("on", "", 1.0),
}  # fmt: skip
_SUFFIX = re.compile(r"(\w+)_(l\d+|left|right|center|top|bottom|phase_[abc]|[abc]|\d+)")
_AVAILABILITY = "availability"


def _listen(tail: str, payload: bytes) -> Speech:
    if tail == _AVAILABILITY:
        return presence(payload)
    document = document_of(payload)
    return Speech(list(_said(document)), document)


def _said(document: Mapping[str, Any]) -> Iterator[Said]:
    for path, raw in document.items():
        key, channel = path, ""
        if key not in _KNOWN and (match := _SUFFIX.fullmatch(path)):
            key, channel = match[1], match[2]
        if key == "illuminance_lux":
            key = "illuminance"
        elif key == "illuminance" and "illuminance_lux" in document:
            continue
        if raw is None or key not in _KNOWN or (key == "voltage" and _has_battery(document)):
            continue
        quantity, unit, scale = _KNOWN[key]
        if quantity == "on" and raw not in ("ON", "OFF"):
            continue  # of a cover or a lock
        if quantity == "door_open" and isinstance(raw, bool):
            raw = not raw
        yield Said(quantity, raw, path, unit, channel, scale)


def _has_battery(document: Mapping[str, Any]) -> bool:
    return "battery" in document or "battery_low" in document


def _branches(topic: Topic) -> Iterator[Branch]:
    yield Branch(topic.filter, "")
    yield Branch(f"{topic.filter}/{_AVAILABILITY}", _AVAILABILITY)


def _sees(levels: Sequence[str]) -> Sight | None:
    prefix, *name = levels
    if prefix != "zigbee2mqtt" or not name or name[0] == "bridge" or name[-1] in ("set", "get"):
        return None
    tail = _AVAILABILITY if name[-1] == _AVAILABILITY and len(name) > 1 else ""
    return Sight("/".join(name[:-1] if tail else name), f"{prefix}/{{device}}", tail)


CONVENTION = Convention(
    listen=_listen, branches=_branches, sees=_sees, has_fields=True, has_presence=True,
    quantities=frozenset(quantity for quantity, _, _ in _KNOWN.values()),
)  # fmt: skip
