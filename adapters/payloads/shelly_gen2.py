"""Shelly devices of the second generation and later: JSON by component, whole or only what changed.

By https://shelly-api-docs.shelly.cloud/gen2: components such as `switch:0`, `em:0`; energies in Wh, `ts` in Unix
seconds, which counts from the start while the device does not know the time. Channels are the numbers of components,
without one the first is meant; the phases of an energy meter `em:0` are a, b and c, without one their sum.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.payloads.convention import Branch, Convention, RefusedError, Said, Sight, Speech
from adapters.payloads.device import PRESENCE, document_of, presence, shown
from adapters.source import Topic
from rules.model import Reason

_AFTER_2020 = 1_577_836_800.0

_POWER = {
    "apower": ("power_w", "W", 1.0), "voltage": ("voltage_v", "V", 1.0), "current": ("current_a", "A", 1.0),
    "pf": ("power_factor", "", 1.0), "freq": ("frequency_hz", "Hz", 1.0), "aenergy.total": ("energy_kwh", "Wh", 1e-3),
}  # fmt: skip
_METER = {
    "act_power": ("power_w", "W", 1.0), "aprt_power": ("apparent_power_va", "VA", 1.0),
    "voltage": ("voltage_v", "V", 1.0), "current": ("current_a", "A", 1.0), "pf": ("power_factor", "", 1.0),
    "freq": ("frequency_hz", "Hz", 1.0),
}  # fmt: skip
_SWITCHED = {"output": ("on", "", 1.0), **_POWER}
_COUNTED = {"total_act_energy": ("energy_kwh", "Wh", 1e-3)}
_KNOWN: Mapping[str, Mapping[str, tuple[str, str, float]]] = {  # component -> key -> quantity, unit, factor
    "switch": _SWITCHED, "light": _SWITCHED, "cover": _POWER, "pm1": _POWER, "em1": _METER, "em1data": _COUNTED,
    "em": {"total_act_power": ("power_w", "W", 1.0), "total_aprt_power": ("apparent_power_va", "VA", 1.0)},
    "emdata": {"total_act": ("energy_kwh", "Wh", 1e-3)},
    "temperature": {"tC": ("temperature_c", "°C", 1.0)}, "humidity": {"rh": ("humidity_pct", "%", 1.0)},
    "illuminance": {"lux": ("illuminance_lx", "lx", 1.0)}, "flood": {"alarm": ("water_leak", "", 1.0)},
}  # fmt: skip
_PHASES = {"em": _METER, "emdata": _COUNTED}
_COMPONENT = re.compile(r"([a-z]\w*):(\d+)")
_STATUS, _RPC = "status/", "events/rpc"


def _listen(tail: str, payload: bytes) -> Speech:
    if tail == PRESENCE:
        return presence(payload)
    document = document_of(payload)
    if tail.startswith(_STATUS):
        return Speech(list(_component(tail.removeprefix(_STATUS), document)), is_aside=True)
    body = next((part for key in ("params", "result") if isinstance(part := document.get(key), dict)), document)
    if body is document and not any(_COMPONENT.fullmatch(key) for key in document):
        raise RefusedError(Reason.MISSING_FIELD, shown(payload))
    if str(document.get("method", "NotifyStatus")) not in ("NotifyStatus", "NotifyFullStatus"):
        return Speech(is_aside=True)  # an event, such as a button
    said = [one for name, part in body.items() if isinstance(part, dict) for one in _component(name, part)]
    ts = body.get("ts")
    is_time = isinstance(ts, int | float) and not isinstance(ts, bool) and ts > _AFTER_2020
    return Speech(said, at=float(ts) if is_time and ts is not None else None, is_aside=True)


def _component(name: str, part: Mapping[str, Any]) -> Iterator[Said]:
    match = _COMPONENT.fullmatch(name)
    if match is None:
        return
    kind, number = match.groups()
    for key, (quantity, unit, scale) in _KNOWN.get(kind, {}).items():
        raw = _value(part, key)
        if raw is not None:
            for channel in ("", number) if int(number) == 0 else (number,):
                yield Said(quantity, raw, f"{name}.{key}", unit, channel, scale)
    for key, (quantity, unit, scale) in _PHASES.get(kind, {}).items():
        for phase in "abc":
            raw = part.get(f"{phase}_{key}")
            if raw is not None:
                yield Said(quantity, raw, f"{name}.{phase}_{key}", unit, phase, scale)


def _value(part: Mapping[str, Any], key: str) -> Any:
    first, _, rest = key.partition(".")
    value = part.get(first)
    return value.get(rest) if rest and isinstance(value, dict) else None if rest else value


def _branches(topic: Topic) -> Iterator[Branch]:
    yield Branch(f"{topic.filter}/{PRESENCE}", PRESENCE)
    yield Branch(f"{topic.filter}/{_RPC}", _RPC)
    yield Branch(f"{topic.filter}/{_STATUS}#", _STATUS)


def _sees(levels: Sequence[str]) -> Sight | None:
    *device, one, two = ("", *levels)
    if len(device) < 2 or not (f"{one}/{two}" == _RPC or (f"{one}/" == _STATUS and _COMPONENT.fullmatch(two))):
        return None
    return Sight(device[-1], "/".join((*device[1:-1], "{device}")), f"{one}/{two}")


CONVENTION = Convention(
    listen=_listen, branches=_branches, sees=_sees, has_presence=True,
    quantities=frozenset(
        quantity for known in (*_KNOWN.values(), *_PHASES.values()) for quantity, _, _ in known.values()
    ),
)  # fmt: skip
