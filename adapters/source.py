"""What a source is, once its configuration is read: brokers with topics, serial lines with meters."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rules.model import Point, source_device, state_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value in a payload: where it is (`ENERGY.Power[0]`; empty: the whole payload) and what it means.

    `scale` turns the device's number into the quantity's own unit (unit factor times multiplier 倍率). A counter
    starts again from 0 at `modulus`, in the quantity's own unit; None: not known.
    """

    path: str
    quantity: str
    part: str = ""
    scale: float = 1.0
    modulus: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTime:
    """The device's own time in a payload: `unix`, `unix_ms`, `iso`, or a strptime format.

    `zone` is an IANA name, for text that carries no offset of its own.
    """

    path: str
    format: str = "iso"
    zone: str | None = None


class Target(NamedTuple):
    """What a device measures, or one channel of it: a place, and the part of it; empty: all of it."""

    place: str
    part: str
    channel: str

    def point_id(self, field: Field) -> str:
        """The point of a value."""
        return point_id(self.place, self.part_of(field), field.quantity)

    def part_of(self, field: Field) -> str:
        """The part of the place that a value is of."""
        return "-".join(name for name in (self.part, field.part) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A pattern of topics and how to read their payloads.

    `filter` holds `{building}`, `{room}`, `{place}` (a whole place id, one level each for building and room) or
    `{device}`, which `devices` maps to places; a filter without a placeholder speaks of the one `place`.
    `places` are the ids it may speak of; `payload` names its convention. The name of a device with several channels
    carries one, `plug#2`; what it is mapped to may be a part of a place, `dorm-3/101/sockets`.
    """

    filter: str
    payload: str
    fields: tuple[Field, ...]
    places: frozenset[str]
    time: DeviceTime | None = None
    place: str = ""
    devices: Mapping[str, str] = field(default_factory=dict)
    every_s: float = 60.0

    def names(self) -> tuple[str, ...]:
        """The names of its devices, without channels; one empty name where it is about one place."""
        return tuple(dict.fromkeys(name.partition("#")[0] for name in self.devices)) or ("",)

    def targets(self, name: str) -> list[Target]:
        """All that the device of a name measures."""
        told = [(key.partition("#")[2], where) for key, where in self.devices.items() if key.partition("#")[0] == name]
        return [_target(where, channel) for channel, where in told or [("", self.place)]]

    def of_part(self, part: str) -> "Topic":
        """The same for a part of a place."""
        if not part:
            return self
        target = Target("", part, "")
        return replace(self, fields=tuple(replace(field, part=target.part_of(field)) for field in self.fields))

    def presence_point(self, name: str) -> str:
        """The point of whether a device is online: at the first of its places, under the device's own name."""
        return point_id(self.targets(name)[0].place, self.presence_part(name), "online")

    def presence_part(self, name: str) -> str:
        """The name of a device as the part of a place."""
        return re.sub(r"[^\w.-]+", "-", name or filled(self.filter)).strip("-") or "device"


def _target(where: str, channel: str) -> Target:
    building, *rest = where.split("/", 2)
    return Target("/".join((building, *rest[:1])), rest[1] if len(rest) > 1 else "", channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSource:
    """A broker; `password` is never shown. `session_s` is how long the broker keeps what we miss."""

    name: str
    host: str
    port: int
    client_id: str
    topics: tuple[Topic, ...]
    tls: bool = False
    ca_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    session_s: int = 7 * 86400


@dataclass(frozen=True, slots=True)
class Line:
    """The settings of a serial line; `parity` is N, E or O."""

    baud: int = 2400
    bits: int = 8
    parity: str = "E"
    stop_bits: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A meter on a bus: which table reads it, its address on the wire, the place and part it measures.

    `line`: the settings it needs where they are not those of its bus.
    """

    model: str
    address: str
    place: str
    part: str = ""
    every_s: float = 30.0
    multiplier: float = 1.0
    line: Line | None = None

    def point_id(self, part: str, quantity: str) -> str:
        """The point of what it measures; `part` is what its table says of parts, within the device's own."""
        return point_id(self.place, self.part_of(part), quantity)

    def part_of(self, part: str) -> str:
        """`boiler-return` for the part `return` of the device that measures `boiler`; either may be empty."""
        return "-".join(name for name in (self.part, part) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSource:
    """A serial line and the meters on it, in polling order.

    `port` is one of this machine, or that of a server in the network (`link.py`). `listen`: others poll the line, and
    nothing is ever sent.
    """

    name: str
    port: str
    line: Line
    devices: tuple[Device, ...]
    listen: bool = False


Source = MqttSource | SerialSource


def point_id(place: str, part: str, quantity: str) -> str:
    """`place/quantity`, or `place/part/quantity` where a part of the place has a meter of its own."""
    return f"{place}/{part}/{quantity}" if part else f"{place}/{quantity}"


def filled(pattern: str, *, place: str = "", device: str = "") -> str:
    """A topic filter with its placeholders filled, as a place or device publishes it."""
    building, _, room = place.partition("/")
    return (
        pattern.replace("{building}", building)
        .replace("{room}", room)
        .replace("{place}", place)
        .replace("{device}", device)
    )


def device_of(source_name: str, topic_filter_filled: str) -> str:
    """The device id of what publishes on a topic: `broker:campus/dorm-3/101/meter`."""
    return f"{source_name}:{topic_filter_filled}"


def state_points(sources: Iterable[Source]) -> list[Point]:
    """What the transports themselves know, as points: whether each source is online, and delivers a backlog.

    `attended` is 0 where a source counts as offline only because the gateway itself was off.
    """
    return [
        Point(state_point(s.name, q), source_device(s.name), "", q, source_device(s.name), s.name, 0.0)
        for s in sources
        for q in ("online", "backlog", "attended")
    ]
