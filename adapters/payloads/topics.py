"""Topic patterns: which place a topic speaks of, and the one reader for its payloads."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from adapters.payloads import CONVENTIONS
from adapters.payloads.convention import Branch, Convention, Reader
from adapters.payloads.device import DeviceReader
from adapters.source import Topic, device_of, filled


class _Pattern(NamedTuple):
    shape: re.Pattern[str]
    topic: Topic
    tail: str


_LEVELS = {"building": "(?P<building>[^/]+)", "room": "(?P<room>[^/]+)", "device": "(?P<device>[^/]+)",
           "place": "(?P<place>[^/]+/[^/]+)", "+": "[^/]+"}  # fmt: skip
_LONG = _LEVELS | {"device": "(?P<device>.+?)"}  # a device of a convention may have a name with levels


def subscription(filter_: str) -> str:
    """The MQTT filter to subscribe to for a pattern."""
    return re.sub(r"\{\w+\}", "+", filter_.replace("{place}", "+/+"))


def subscriptions(topic: Topic) -> Iterator[str]:
    """All MQTT filters to subscribe to for a topic.

    Devices whose names have levels of their own, or stand at the very top where a wildcard would ask for everything,
    are asked for one by one.
    """
    branches = _branches(topic)
    if branches is None:
        yield subscription(topic.filter)
        return
    names = topic.names()
    is_top = topic.filter.startswith("{device}")
    single = [name for name in names if is_top or "/" in name]
    for branch in branches:
        if len(single) < len(names):
            yield subscription(branch.filter)
        for name in single:
            yield subscription(filled(branch.filter, device=name))


def _branches(topic: Topic) -> list[Branch] | None:
    branches = CONVENTIONS[topic.payload].branches
    return None if branches is None else list(branches(topic))


def _shape(filter_: str, levels: dict[str, str]) -> re.Pattern[str]:
    text = filter_.removesuffix("/#")
    pieces = re.split(r"\{(\w+)\}|(\+)", text)
    out = ""
    for index in range(0, len(pieces), 3):
        out += re.escape(pieces[index])
        if index + 1 < len(pieces):
            out += levels[pieces[index + 1] or pieces[index + 2]]
    tail = "(/(?P<rest>.*))?" if filter_.endswith("/#") else ""
    return re.compile(f"{out}{tail}\\Z")


class TopicTable:
    """Readers by topic."""

    def __init__(self, source: str, topics: Iterable[Topic]) -> None:
        self._source = source
        self._patterns = [pattern for topic in topics for pattern in _patterns(topic)]
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
        for shape, topic, tail in self._patterns:
            match = shape.match(name)
            if match is None:
                continue
            convention, found = CONVENTIONS[topic.payload], match.groupdict()
            rest = found.pop("rest", None) or ""
            if convention.reader is None:
                device = found.get("device", "")
                if device in topic.names():
                    return self._of_device(convention, topic, device, tail + rest)
                continue
            place, part = _place(topic, found)
            if place in topic.places:
                device = device_of(self._source, _filled(topic.filter, found))
                return convention.reader(device, place, topic.of_part(part))
        return None

    def _of_device(self, convention: Convention, topic: Topic, name: str, tail: str) -> Reader:
        assert convention.listen is not None
        device = device_of(self._source, filled(topic.filter, device=name))
        return DeviceReader(device, topic, name, partial(convention.listen, tail))


def _patterns(topic: Topic) -> Iterator[_Pattern]:
    branches = _branches(topic)
    if branches is None:
        yield _Pattern(_shape(topic.filter, _LEVELS), topic, "")
        return
    for branch in branches:
        yield _Pattern(_shape(branch.filter, _LONG), topic, branch.tail)


def _place(topic: Topic, found: dict[str, str]) -> tuple[str, str]:
    """The place, and the part of it, that a topic speaks of."""
    if "device" in found:
        if found["device"] not in topic.devices:
            return "", ""
        target = topic.targets(found["device"])[0]
        return target.place, target.part
    if "place" in found:
        return found["place"], ""
    if "building" in found:
        return (f"{found['building']}/{found['room']}" if "room" in found else found["building"]), ""
    return topic.place, ""


def _filled(filter_: str, found: dict[str, str]) -> str:
    for name, value in found.items():
        filter_ = filter_.replace(f"{{{name}}}", value)
    return filter_
