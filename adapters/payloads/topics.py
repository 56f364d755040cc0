"""Topic patterns: which place a topic speaks of, and the one reader for its payloads."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from adapters.payloads import CONVENTIONS
from adapters.payloads.convention import Reader
from adapters.source import Topic, device_of


class _Pattern(NamedTuple):
    shape: re.Pattern[str]
    topic: Topic


_LEVELS = {"building": "(?P<building>[^/]+)", "room": "(?P<room>[^/]+)", "device": "(?P<device>[^/]+)",
           "place": "(?P<place>[^/]+/[^/]+)", "+": "[^/]+"}  # fmt: skip


def subscription(filter_: str) -> str:
    """The MQTT filter to subscribe to for a pattern."""
    return re.sub(r"\{\w+\}", "+", filter_.replace("{place}", "+/+"))


def _shape(filter_: str) -> re.Pattern[str]:
    text = filter_.removesuffix("/#")
    pieces = re.split(r"\{(\w+)\}|(\+)", text)
    out = ""
    for index in range(0, len(pieces), 3):
        out += re.escape(pieces[index])
        if index + 1 < len(pieces):
            out += _LEVELS[pieces[index + 1] or pieces[index + 2]]
    tail = "(/.*)?" if filter_.endswith("/#") else ""
    return re.compile(f"{out}{tail}\\Z")


class TopicTable:
    """Readers by topic."""

    def __init__(self, source: str, topics: Iterable[Topic]) -> None:
        self._source = source
        self._patterns = [_Pattern(_shape(topic.filter), topic) for topic in topics]
        self._readers: dict[bytes, Reader | None] = {}

    def reader(self, topic: bytes) -> Reader | None:
        """The reader of a topic, or None where the topic means nothing to us."""
        try:
            return self._readers[topic]
        except KeyError:
            pass
        if len(topic) > 500:  # nor one that invents long ones: they are looked up each time
            return self._find(topic.decode(errors="replace"))
        if len(self._readers) > 50_000:  # a publisher that invents topics must not fill memory
            self._readers.clear()
        found = self._readers[topic] = self._find(topic.decode(errors="replace"))
        return found

    def _find(self, name: str) -> Reader | None:
        for shape, topic in self._patterns:
            match = shape.match(name)
            if match is None:
                continue
            place = _place(topic, match.groupdict())
            if place in topic.places:
                device = device_of(self._source, _filled(topic.filter, match.groupdict()))
                return CONVENTIONS[topic.payload].reader(device, place, topic)
        return None


def _place(topic: Topic, found: dict[str, str]) -> str:
    if "device" in found:
        return topic.devices.get(found["device"], "")
    if "place" in found:
        return found["place"]
    if "building" in found:
        return f"{found['building']}/{found['room']}" if "room" in found else found["building"]
    return topic.place


def _filled(filter_: str, found: dict[str, str]) -> str:
    for name, value in found.items():
        filter_ = filter_.replace(f"{{{name}}}", value)
    return filter_
