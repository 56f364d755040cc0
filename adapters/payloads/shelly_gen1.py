"""Shelly devices of the first generation: one plain number or word a topic.

By https://shelly-api-docs.shelly.cloud/gen1: power in W; `relay/N/energy` counts watt-minutes and begins again at each
start, `emeter/N/total` counts Wh. Channels are the numbers in the topics; without one the first is meant. The sensors'
temperature is in the unit that the device is set to, which must be °C.
"""

import re
from collections.abc import Iterator, Sequence

from adapters.payloads.convention import Branch, Convention, Said, Sight, Speech
from adapters.payloads.device import PRESENCE, text_of
from adapters.source import Topic

WATT_MINUTES = 1 / 60_000  # to kWh

_KNOWN = {  # topic with its number left out -> quantity, unit, factor
    "relay": ("on", "", 1.0), "light": ("on", "", 1.0),
    "relay/power": ("power_w", "W", 1.0), "light/power": ("power_w", "W", 1.0), "roller/power": ("power_w", "W", 1.0),
    "relay/energy": ("energy_kwh", "W·min", WATT_MINUTES), "light/energy": ("energy_kwh", "W·min", WATT_MINUTES),
    "roller/energy": ("energy_kwh", "W·min", WATT_MINUTES),
    "emeter/power": ("power_w", "W", 1.0), "emeter/reactive_power": ("reactive_power_var", "var", 1.0),
    "emeter/pf": ("power_factor", "", 1.0), "emeter/current": ("current_a", "A", 1.0),
    "emeter/voltage": ("voltage_v", "V", 1.0), "emeter/total": ("energy_kwh", "Wh", 1e-3),
    "ext_temperature": ("temperature_c", "°C", 1.0), "ext_humidity": ("humidity_pct", "%", 1.0),
    "sensor/temperature": ("temperature_c", "°C", 1.0), "sensor/humidity": ("humidity_pct", "%", 1.0),
    "sensor/lux": ("illuminance_lx", "lx", 1.0), "sensor/motion": ("occupied", "", 1.0),
    "sensor/flood": ("water_leak", "", 1.0), "sensor/state": ("door_open", "", 1.0),
}  # fmt: skip
_WORDS = {"overpower": "off", "close": "closed"}  # a relay that let go of too much; a window


def _listen(tail: str, payload: bytes) -> Speech:
    if tail == PRESENCE:
        return Speech([Said(PRESENCE, text_of(payload), tail)])
    number = re.search(r"/(\d+)", tail)
    known = _KNOWN.get(tail.replace(number[0], "", 1) if number else tail)
    if known is None:
        return Speech(is_aside=True)
    quantity, unit, scale = known
    raw = text_of(payload)
    raw = _WORDS.get(raw, raw)
    channels = ("", number[1]) if number and int(number[1]) == 0 else (number[1],) if number else ("",)
    said = [Said(quantity, raw, tail, unit, channel, scale) for channel in channels]
    return Speech(said, is_aside=True)  # a channel that nobody asked for is none of ours


def _branches(topic: Topic) -> Iterator[Branch]:
    yield Branch(f"{topic.filter}/#", "")


def _sees(levels: Sequence[str]) -> Sight | None:
    prefix, *rest = levels
    if prefix != "shellies" or len(rest) < 2:
        return None
    return Sight(rest[0], f"{prefix}/{{device}}", "/".join(rest[1:]))


CONVENTION = Convention(
    listen=_listen, branches=_branches, sees=_sees, has_presence=True,
    quantities=frozenset(quantity for quantity, _, _ in _KNOWN.values()),
)  # fmt: skip
