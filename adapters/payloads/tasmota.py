"""Tasmota: JSON on `SENSOR` and `STATE` topics, whose prefix and order (`FullTopic`) are the user's.

By https://tasmota.github.io/docs: energy in kWh, power in W; with several channels a value becomes a list; `TempUnit`
and `PressureUnit` say what they mean. Relays are `POWER`, or `POWER1` onward. `Time` is local, mostly without a zone.
Channels are 1 onward for what is measured and switched, and the sensor's name where several sensors measure alike.
What a bridge heard from Zigbee devices stands in `ZbReceived`; there `Power` is a switch, and the channel its device.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.payloads.convention import Branch, Convention, Said, Sight, Speech
from adapters.payloads.device import document_of, own_time, presence
from adapters.source import Topic

_ENERGY = {
    "Total": ("energy_kwh", "kWh"), "Power": ("power_w", "W"), "ApparentPower": ("apparent_power_va", "VA"),
    "ReactivePower": ("reactive_power_var", "var"), "Factor": ("power_factor", ""), "Voltage": ("voltage_v", "V"),
    "Current": ("current_a", "A"), "Frequency": ("frequency_hz", "Hz"),
}  # fmt: skip
_COMMON = ("Voltage", "Frequency")  # one for all channels where it is not a list
_SENSED = {
    "Temperature": ("temperature_c", "°C"), "Humidity": ("humidity_pct", "%"), "Illuminance": ("illuminance_lx", "lx"),
    "CarbonDioxide": ("co2_ppm", "ppm"), "Pressure": ("pressure_kpa", "hPa"),
}  # fmt: skip
_ZIGBEE = {
    "Temperature": ("temperature_c", "°C"), "Humidity": ("humidity_pct", "%"), "Occupancy": ("occupied", ""),
    "Power": ("on", ""), "ActivePower": ("power_w", "W"), "RMSVoltage": ("voltage_v", "V"),
}  # fmt: skip
_CHIP = "ESP32"  # its own warmth is no room's
_PRESSURE = {"hPa": 0.1, "kPa": 1.0, "mmHg": 0.133322}
_RELAY = re.compile(r"POWER(\d*)")
_WILL = "LWT"
_SWITCHED = ("STATE", "RESULT")
_TOLD = ("SENSOR", *_SWITCHED, "STATUS8", "STATUS10", "STATUS11")


def _listen(tail: str, payload: bytes) -> Speech:
    if tail == _WILL:
        return presence(payload)
    document = document_of(payload)
    for wrapper in ("StatusSNS", "StatusSTS"):
        inner = document.get(wrapper)
        if isinstance(inner, dict):
            document = inner
    said = [*_measured(document), *_heard(document), *_relays(document)] if tail != "RESULT" else [*_relays(document)]
    at, wall = own_time(document.get("Time"))
    epoch = document.get("Epoch")
    if at is None and isinstance(epoch, int | float) and not isinstance(epoch, bool):
        at = float(epoch)
    return Speech(said, document, at, wall, is_aside=not said and tail in (*_SWITCHED, "STATUS11"))


def _measured(document: Mapping[str, Any]) -> Iterator[Said]:
    energy = document.get("ENERGY")
    if isinstance(energy, dict):
        yield from _energy(energy)
    for key, (quantity, unit) in _SENSED.items():
        found = {name: sensor[key] for name, sensor in document.items()
                 if name != _CHIP and isinstance(sensor, dict) and _is_told(sensor.get(key))}  # fmt: skip
        for name, raw in found.items():
            raw, scale, own_unit = _in_unit(document, key, raw, unit)
            if len(found) == 1:
                yield Said(quantity, raw, f"{name}.{key}", own_unit, scale=scale)
            yield Said(quantity, raw, f"{name}.{key}", own_unit, name, scale)


def _energy(energy: Mapping[str, Any]) -> Iterator[Said]:
    channels = max((len(raw) for key in _ENERGY if isinstance(raw := energy.get(key), list)), default=0)
    for key, (quantity, unit) in _ENERGY.items():
        raw = energy.get(key)
        if isinstance(raw, list):
            for index, one in enumerate(raw):
                if _is_told(one):
                    yield Said(quantity, one, f"ENERGY.{key}[{index}]", unit, str(index + 1))
                    if channels == 1:
                        yield Said(quantity, one, f"ENERGY.{key}[0]", unit)
        elif _is_told(raw):
            yield Said(quantity, raw, f"ENERGY.{key}", unit)
            shared = channels if key in _COMMON else 1 if channels < 2 else 0
            for index in range(shared):
                yield Said(quantity, raw, f"ENERGY.{key}", unit, str(index + 1))


def _is_told(raw: Any) -> bool:
    return raw is not None and not isinstance(raw, dict)


def _in_unit(document: Mapping[str, Any], key: str, raw: Any, unit: str) -> tuple[Any, float, str]:
    """A value with its factor and its unit, as the message says it."""
    if key == "Temperature" and document.get("TempUnit") == "F":
        number = isinstance(raw, int | float) and not isinstance(raw, bool)
        return ((raw - 32) / 1.8 if number else raw), 1.0, "°F"
    if key == "Pressure":
        named = str(document.get("PressureUnit", "hPa"))
        return (raw, _PRESSURE[named], named) if named in _PRESSURE else (f"{raw} {named}", 1.0, named)
    return raw, 1.0, unit


def _heard(document: Mapping[str, Any]) -> Iterator[Said]:
    """What a bridge heard: never without its device, or all rooms would become one."""
    devices = document.get("ZbReceived")
    for name, told in devices.items() if isinstance(devices, dict) else ():
        for key, (quantity, unit) in _ZIGBEE.items() if isinstance(told, dict) else ():
            if _is_told(told.get(key)):
                yield Said(quantity, told[key], f"ZbReceived.{name}.{key}", unit, name)


def _relays(document: Mapping[str, Any]) -> Iterator[Said]:
    found = {match[1]: raw for key, raw in document.items() if (match := _RELAY.fullmatch(key)) and _is_told(raw)}
    for channel, raw in found.items():
        yield Said("on", raw, f"POWER{channel}", "", channel or "1")
        if len(found) == 1:
            yield Said("on", raw, f"POWER{channel}", "")


def _branches(topic: Topic) -> Iterator[Branch]:
    """The topics beside `.../SENSOR`; those of answers where the prefix is the usual one."""
    stem = topic.filter.removesuffix("/SENSOR")
    for tail in ("SENSOR", "STATE", _WILL):
        yield Branch(f"{stem}/{tail}", tail)
    levels = stem.split("/")
    if "tele" in levels:
        levels[levels.index("tele")] = "stat"
        for tail in (*_SWITCHED, "STATUS8", "STATUS10", "STATUS11"):
            yield Branch("/".join((*levels, tail)), tail)


def _sees(levels: Sequence[str]) -> Sight | None:
    *before, tail = levels
    if tail not in (*_TOLD, _WILL) or not {"tele", "stat"} & {*before} or len(before) < 2:
        return None
    index = next(i for i, level in enumerate(before) if level in ("tele", "stat"))
    rest = before[index + 1 :]
    filter_ = [*before[:index], "tele", *(["{device}"] if rest else []), "SENSOR"]
    if not rest:  # %topic%/%prefix%
        filter_[index - 1] = "{device}"
    return Sight("/".join(rest) or before[index - 1], "/".join(filter_), tail)


CONVENTION = Convention(
    listen=_listen, branches=_branches, sees=_sees, has_fields=True, has_zone=True, has_presence=True,
    quantities=frozenset(
        quantity for known in (_ENERGY, _SENSED, _ZIGBEE) for quantity, _ in known.values()
    ),
)  # fmt: skip
