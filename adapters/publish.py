"""What other systems may read of us over MQTT: topics and payloads, and how Home Assistant finds them. Pure.

Strategy. All that is to be there is one mapping of topics to payloads, each retained; who publishes compares it with
what is there already, sends what differs and empties what is too much. So nothing has to be remembered: a point that
left the configuration, an alert that ended and a reading that is too old to speak vanish alike.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

import orjson

from rules.model import Point, Site
from rules.quantity import QUANTITIES, Kind

ONLINE, OFFLINE = b"online", b"offline"
STALE_HOLDS = 2.0  # a reading that is older than so many times what it speaks for is no longer published
_ORIGIN = {"name": "Caretaker"}
_CLASSES = {  # device classes of Home Assistant; what it has no class for goes without
    "power_w": "power", "heat_w": "power", "reactive_power_var": "reactive_power",
    "apparent_power_va": "apparent_power", "voltage_v": "voltage", "current_a": "current", "residual_ma": "current",
    "power_factor": "power_factor", "frequency_hz": "frequency", "flow_lpm": "volume_flow_rate",
    "temperature_c": "temperature", "humidity_pct": "humidity", "illuminance_lx": "illuminance",
    "pressure_kpa": "pressure", "co2_ppm": "carbon_dioxide", "level_mm": "distance", "clock_offset_s": "duration",
    "energy_kwh": "energy", "heat_kwh": "energy", "volume_m3": "water", "gas_m3": "gas",
    "occupied": "occupancy", "door_open": "door", "online": "connectivity", "level_low": "problem",
    "water_leak": "moisture",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """What is published where: a broker, the places whose points and alerts go there, and how often at most.

    `discovery` is the prefix that Home Assistant listens on; empty: it is not told. `password` is never shown.
    """

    host: str
    port: int
    site: str
    client_id: str
    places: frozenset[str]
    tls: bool = False
    ca_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    prefix: str = "caretaker"
    discovery: str = "homeassistant"
    every_s: float = 5.0

    @property
    def root(self) -> str:
        """What all topics of this gateway begin with."""
        return f"{self.prefix}/{self.site}"

    @property
    def status_topic(self) -> str:
        return f"{self.root}/status"

    @property
    def node(self) -> str:
        """This gateway among all that Home Assistant knows."""
        return slug(f"caretaker_{self.site}")

    def filters(self) -> list[str]:
        """All topics that may be ours, to subscribe to."""
        return [f"{self.root}/#", *([f"{self.discovery}/+/{self.node}/+/config"] if self.discovery else ())]

    def own_prefixes(self) -> tuple[bytes, ...]:
        """How topics begin that we write ourselves: what arrives on them is no reading."""
        heads = [self.root, *(f"{self.discovery}/{kind}/{self.node}" for kind in _COMPONENTS if self.discovery)]
        return tuple(f"{head}/".encode() for head in heads)


_COMPONENTS = ("sensor", "binary_sensor")


class Retained(NamedTuple):
    """A payload that is to stay; one with another `turn` is sent again although it says the same."""

    payload: bytes
    turn: int = 0


class Alert(NamedTuple):
    """An open alert, in words; `since` is a local time with its offset."""

    number: int
    rule: str
    title: str
    place: str
    place_name: str
    severity: str
    since: str
    sentence: str


class Gateway(NamedTuple):
    """How the gateway itself is: open alerts, the worst of them, sources that are away, what people must know."""

    open_alerts: int
    worst: str
    offline: tuple[str, ...]
    notices: tuple[str, ...]


class Names(NamedTuple):
    """What people call things, in the site's language; places and points by their ids."""

    gateway: str
    open_alerts: str
    places: Mapping[str, str]
    points: Mapping[str, str]


def slug(text: str) -> str:
    """A name that Home Assistant takes in a topic, and no two texts share."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_")
    return plain if plain == text else f"{plain}_{crc32(text.encode()):08x}"


def chosen(publishing: Publishing, site: Site) -> list[Point]:
    """The points that are published."""
    return [point for point in site.points.values() if point.place in publishing.places]


def readings(
    publishing: Publishing, points: Iterable[Point], newest: Mapping[str, tuple[float, float, bool]], now: float
) -> Iterator[tuple[str, Retained]]:
    """The topic and value of every point that speaks now; `newest` tells time, value, and whether it is shown only.

    While a point is read its value is sent again from time to time: whoever listens can tell it from one that is dead.
    """
    for point in points:
        at, value, is_shown_only = newest.get(point.id, (0.0, 0.0, True))
        limit_s = lasts_s(publishing, point)
        if is_shown_only or (limit_s is not None and at < now - limit_s):
            continue
        turn = int(at // max(point.holds_s / 2, publishing.every_s)) if limit_s is not None else 0
        yield f"{publishing.root}/{point.id}", Retained(number(value), turn)


def lasts_s(publishing: Publishing, point: Point) -> float | None:
    """For how long the last reading of a point stands; None: until the next."""
    return STALE_HOLDS * point.holds_s + publishing.every_s if point.holds_s else None


def number(value: float) -> bytes:
    """A plain number, without the noise of binary fractions."""
    return f"{round(value, 6) + 0.0:.15g}".encode()  # + 0.0: there is no -0


def alert(publishing: Publishing, told: Alert) -> tuple[str, Retained]:
    """The topic and text of an open alert."""
    return f"{publishing.root}/alerts/{told.number}", Retained(orjson.dumps(told._asdict()))


def gateway(publishing: Publishing, told: Gateway) -> tuple[str, Retained]:
    """The topic and text of the gateway's own state."""
    return f"{publishing.root}/gateway", Retained(orjson.dumps(told._asdict()))


def source_states(publishing: Publishing, online: Mapping[str, bool | None]) -> Iterator[tuple[str, Retained]]:
    """Whether each source is reachable, as far as that is known."""
    for name, is_online in online.items():
        if is_online is not None:
            yield f"{publishing.root}/source/{name}/online", Retained(number(is_online))


def discovery(
    publishing: Publishing, site: Site, sources: Iterable[str], names: Names
) -> Iterator[tuple[str, Retained]]:
    """What Home Assistant is told: a device for the gateway and for each place, with what is measured there."""
    if not publishing.discovery:
        return
    house = {"identifiers": [publishing.node], "name": names.gateway, "manufacturer": "Caretaker"}
    state = f"{publishing.root}/gateway"
    yield _config(publishing, "sensor", "open_alerts", {
        "name": names.open_alerts, "state_topic": state, "value_template": "{{ value_json.open_alerts }}",
        "json_attributes_topic": state, "state_class": "measurement", "icon": "mdi:alert", "device": house,
    })  # fmt: skip
    for source in sources:
        yield _config(publishing, "binary_sensor", f"source/{source}", {
            "name": source, "state_topic": f"{publishing.root}/source/{source}/online", "device_class": "connectivity",
            "payload_on": "1", "payload_off": "0", "device": house,
        })  # fmt: skip
    for point in chosen(publishing, site):
        device = {
            "identifiers": [slug(f"{publishing.node}/{point.place}")], "name": names.places[point.place],
            "via_device": publishing.node,
        }  # fmt: skip
        yield _of_point(publishing, point, {"name": names.points[point.id], "device": device})


def _of_point(publishing: Publishing, point: Point, said: dict[str, object]) -> tuple[str, Retained]:
    """How Home Assistant is to understand a point."""
    quantity = QUANTITIES[point.quantity]
    said["state_topic"] = f"{publishing.root}/{point.id}"
    if point.quantity in _CLASSES:
        said["device_class"] = _CLASSES[point.quantity]
    limit_s = lasts_s(publishing, point)
    if limit_s is not None:
        said["expire_after"] = int(limit_s)
    if quantity.kind is Kind.STATE:
        return _config(publishing, "binary_sensor", point.id, said | {"payload_on": "1", "payload_off": "0"})
    said["state_class"] = "total_increasing" if quantity.kind is Kind.COUNTER else "measurement"
    if quantity.unit:
        said["unit_of_measurement"] = quantity.unit
    return _config(publishing, "sensor", point.id, said)


def _config(publishing: Publishing, kind: str, name: str, said: Mapping[str, object]) -> tuple[str, Retained]:
    object_id = slug(name)
    whole = {
        **said, "unique_id": f"{publishing.node}_{object_id}", "availability_topic": publishing.status_topic,
        "origin": _ORIGIN,
    }  # fmt: skip
    return f"{publishing.discovery}/{kind}/{publishing.node}/{object_id}/config", Retained(orjson.dumps(whole))


def changes(there: Mapping[str, tuple[int, int]], wanted: Mapping[str, Retained]) -> Iterator[tuple[str, bytes]]:
    """What to publish so that what is there, by `mark`, becomes what is wanted; an empty payload takes a topic away."""
    for topic, told in wanted.items():
        if there.get(topic) != mark(told):
            yield topic, told.payload
    for topic in there:
        if topic not in wanted:
            yield topic, b""


def mark(told: Retained) -> tuple[int, int]:
    """What is remembered of a payload."""
    return crc32(told.payload), told.turn
