"""The points of all sources, and who measures what.

Strategy. A point has one source. What names its place (a meter on a bus, a topic for one place, a device in `devices`)
goes before patterns: a place that has its own is left out of a pattern that would measure the same there. Two that
name one place, or two patterns that meet, are a mistake, told once for each pair with one point as the example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from adapters.device_table import DeviceTable
from adapters.payloads import CONVENTIONS
from adapters.source import Device, MqttSource, Source, Target, Topic, device_of, filled, point_id
from daemon.config.errors import Findings
from daemon.config.lines import Path
from rules.model import Point

CLOCK = "clock_offset_s"  # of a device that tells its own time, measured by us
ONLINE = "online"         # what a device says of itself
HOLDS = 2.5  # a reading speaks for this many periods: one may be missed


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources, their points by id, and for what reports regularly how often, and where the file says so.

    `moduli` says of counters where they start again from 0, where that is known.
    """

    sources: tuple[Source, ...]
    points: Mapping[str, Point]
    periods: Mapping[str, tuple[Path, float]]
    moduli: Mapping[str, float]


class DraftTopic(NamedTuple):
    """A topic while it is read: where it is written, and how long its readings speak."""

    path: Path
    topic: Topic
    holds_s: float
    is_regular: bool


@dataclass(slots=True)
class Draft:
    """A source while it is read: pieces in the order of the file, with where they are written."""

    path: Path
    source: Source
    topics: list[DraftTopic] = field(default_factory=list)
    devices: list[tuple[Path, Device]] = field(default_factory=list)


@dataclass(slots=True)
class _Claims:
    """Who measures what: points so far, each with where it is claimed."""

    findings: Findings
    points: dict[str, Point] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    clashes: dict[tuple[Path, Path], list[str]] = field(default_factory=dict)
    moduli: dict[str, float] = field(default_factory=dict)

    def add(self, point: Point, path: Path) -> None:
        other = self.paths.setdefault(point.id, path)
        if point.id in self.points:
            self.clashes.setdefault((path, other), []).append(point.id)
        else:
            self.points[point.id] = point

    def derive(self) -> None:
        """Add flows where volume is counted and no flow is measured."""
        for volume in [point for point in self.points.values() if point.quantity == "volume_m3"]:
            flow = point_id(volume.place, volume.part, "flow_lpm")
            if flow not in self.points:
                self.points[flow] = volume._replace(id=flow, quantity="flow_lpm", of=volume.id)
                self.paths[flow] = self.paths[volume.id]

    def tell(self) -> None:
        """One error for each pair of tables that claim the same points."""
        for (path, other), ids in self.clashes.items():
            source = self.points[ids[0]].source
            code = "duplicate_point" if path[:2] == other[:2] else "two_sources"
            self.findings.error(path, code, found=ids[0], other=other, count=len(ids), source=source)


def joined(drafts: Sequence[Draft], tables: Mapping[str, DeviceTable], findings: Findings) -> Sources:
    """Sources with their pieces, and the points of all of them."""
    claims = _Claims(findings)
    for draft in drafts:
        _claim_devices(claims, draft, tables)
        for item in draft.topics:
            if not _is_pattern(item.topic):
                _claim(claims, item, draft.source.name)
    named = frozenset(claims.points)
    done: list[Source] = []
    for draft in drafts:
        topics = []
        for item in draft.topics:
            if _is_pattern(item.topic):
                item = item._replace(topic=replace(item.topic, places=_left(item.topic, named)))
                _claim(claims, item, draft.source.name)
            topics.append(item.topic)
        if isinstance(draft.source, MqttSource):
            done.append(replace(draft.source, topics=tuple(topics)))
        else:
            done.append(replace(draft.source, devices=tuple(device for _, device in draft.devices)))
    claims.tell()
    claims.derive()
    regular = {item.path: item.topic.every_s for draft in drafts for item in draft.topics if item.is_regular}
    regular |= {path: device.every_s for draft in drafts for path, device in draft.devices}
    periods = {point: (path, regular[path]) for point, path in claims.paths.items() if path in regular}
    return Sources(tuple(done), claims.points, periods, claims.moduli)


def _claim_devices(claims: _Claims, draft: Draft, tables: Mapping[str, DeviceTable]) -> None:
    """The points of the meters on a bus: what a poll of each brings."""
    source = draft.source.name
    for path, device in draft.devices:
        table, holds_s = tables[device.model], device.every_s * HOLDS
        name = table.device_id(source, device.address)
        for item in table.fields:
            point = device.point_id(item.part, item.quantity)
            part = device.part_of(item.part)
            claims.add(Point(point, device.place, part, item.quantity, name, source, holds_s), path)
            if item.modulus is not None:
                claims.moduli[point] = item.modulus * item.ratio(device.multiplier)


def _is_pattern(topic: Topic) -> bool:
    return not topic.place and not topic.devices


def _left(topic: Topic, named: frozenset[str]) -> frozenset[str]:
    """The places of a pattern where nothing of its own measures the same."""
    keys = [(item.part, item.quantity) for item in topic.fields]
    return frozenset(
        place for place in topic.places if not any(point_id(place, part, name) in named for part, name in keys)
    )


def _claim(claims: _Claims, item: DraftTopic, source: str) -> None:
    """The points of a topic: its fields at each of its places."""
    path, topic, holds_s, _ = item
    pairs = [(name, target) for name in topic.names() for target in topic.targets(name)]
    if _is_pattern(topic):
        pairs = [("", Target(place, "", "")) for place in sorted(topic.places)]
    for name, target in pairs:
        place = target.place
        device = device_of(source, filled(topic.filter, place=place, device=name))
        for value in topic.fields:
            point = target.point_id(value)
            claims.add(Point(point, place, target.part_of(value), value.quantity, device, source, holds_s), path)
            if value.modulus is not None:
                claims.moduli[point] = value.modulus
        part = target.part_of(topic.fields[0])
        clock = point_id(place, part, CLOCK)
        if topic.time is not None and clock not in claims.points:
            claims.add(Point(clock, place, part, CLOCK, device, source, holds_s), path)
    if CONVENTIONS[topic.payload].has_presence:
        _claim_presence(claims, item, source)


def _claim_presence(claims: _Claims, item: DraftTopic, source: str) -> None:
    """What devices say of themselves: whether they are online."""
    topic = item.topic
    for name in topic.names():
        place, device = topic.targets(name)[0].place, device_of(source, filled(topic.filter, device=name))
        part = topic.presence_part(name)
        claims.add(Point(topic.presence_point(name), place, part, ONLINE, device, source, 0.0), item.path)
