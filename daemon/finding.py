"""What brokers carry that nobody reads: heard, guessed device by device, and adopted (`dashboard.unknown.Finder`)."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32

from adapters.payloads import CONVENTIONS
from adapters.payloads.recognise import Guess, GuessedField, guesses
from adapters.topic_search import TopicSearch
from adapters.unknown_topics import Heard, UnknownTopics
from daemon.config.adopted import Adopted, AdoptedFile
from dashboard.unknown import Unknown, Value, Waiting, Wish
from dashboard.words import say

SEARCH_S = 600.0
_SAMPLE = 300  # characters of a payload that are shown
_ENOUGH = 3    # messages that tell how often a device speaks


@dataclass(slots=True)
class _Device:
    """What belongs together: all topics of a device, or one topic that is no device's."""

    name: tuple[str, str, str]  # source, filter or topic, device
    guess: Guess | None
    heard: list[Heard] = field(default_factory=list)
    fields: dict[tuple[str, str], GuessedField] = field(default_factory=dict)
    why: str = ""
    is_heard: bool = False  # itself, not only an announcement of it

    @property
    def key(self) -> str:
        return f"{crc32(chr(0).join(self.name).encode()):08x}"


class TopicFinder:
    """Searches the brokers when asked, and keeps what it was told of until the next start."""

    def __init__(
        self, searches: Mapping[str, TopicSearch], topics: UnknownTopics, file: AdoptedFile, *,
        local: Callable[[float], datetime], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._searches = searches
        self._topics = topics
        self._file = file
        self._local = local
        self._clock = clock
        self._adopted: set[str] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Nothing is done until somebody asks."""

    def search(self) -> None:
        for search in self._searches.values():
            search.search(SEARCH_S)

    def left_s(self) -> float:
        return max((search.left_s for search in self._searches.values()), default=0.0)

    def troubles(self) -> Sequence[str]:
        return [f"{name}: {search.trouble}" for name, search in self._searches.items() if search.trouble]

    def unknown(self) -> Sequence[Unknown]:
        found = [self._shown(device) for device in self._devices()]
        return sorted(found, key=lambda item: (not item.values, not item.is_heard, not item.kind))

    def adopt(self, key: str, wish: Wish, language: str) -> Sequence[str]:
        with self._lock:
            device = next((item for item in self._devices() if item.key == key), None)
            if key in self._adopted:
                return [say("unknown.already", language)]
            if device is None or device.guess is None or not device.guess.filter:
                return [say("unknown.gone", language)]
            comment = f"{self._local(self._clock()):%Y-%m-%d %H:%M} {self._shown(device).name}"
            problems = self._file.add(_adopted(device, device.guess, wish), comment=comment, language=language)
            if not problems:
                self._adopted.add(key)
            return problems

    def waiting(self) -> Waiting | None:
        if not self._adopted:
            return None
        include = "" if self._file.is_included() else self._file.include
        return Waiting(len(self._adopted), str(self._file.path), include)

    def file(self) -> str:
        return str(self._file.path)

    def stop(self) -> None:
        """End the searches."""
        for search in self._searches.values():
            search.stop()

    # -- what was heard

    def _devices(self) -> list[_Device]:
        """All that was heard, by device; what announces a topic goes before what its payload seems to be."""
        found: dict[tuple[str, str, str], _Device] = {}
        for heard in self._topics.heard():
            for guess in guesses(heard.topic, heard.payload) or (None,):
                if guess is not None and self._is_read(heard, guess):
                    continue
                topic, of = (guess.filter or heard.topic, guess.device) if guess else (heard.topic, "")
                name = (heard.source, topic, of)
                device = found.setdefault(name, _Device(name, guess))
                _join(device, heard, guess)
        spoken = {heard.topic for device in found.values() if device.guess and device.guess.device
                  for heard in device.heard}  # fmt: skip
        return [device for (_, topic, name), device in found.items() if name or topic not in spoken]

    def _is_read(self, heard: Heard, guess: Guess) -> bool:
        """Whether what a message announces is read already."""
        search = self._searches.get(heard.source)
        return search is not None and not guess.device and bool(guess.filter) and search.is_read(guess.filter)

    def _shown(self, device: _Device) -> Unknown:
        guess, newest = device.guess, max(device.heard, key=lambda heard: heard.last)
        often = max(device.heard, key=lambda heard: heard.times)
        every_s = (often.last - often.first) / (often.times - 1) if often.times >= _ENOUGH else None
        values = tuple(Value(*device.fields[key]) for key in sorted(device.fields))
        is_guessed = guess is not None and bool(guess.filter)
        name = guess.filter.replace("{device}", guess.device) if guess and is_guessed else newest.topic
        return Unknown(
            device.key, device.name[0], name, guess.convention if guess and is_guessed else "", values, device.why,
            sum(heard.times for heard in device.heard), newest.last, every_s,
            newest.payload.decode(errors="replace")[:_SAMPLE], device.key in self._adopted, device.is_heard,
        )  # fmt: skip


def _join(device: _Device, heard: Heard, guess: Guess | None) -> None:
    """Add what a topic tells to its device."""
    if heard not in device.heard:
        device.heard.append(heard)
    is_announced = guess is not None and not guess.device and guess.filter not in ("", heard.topic)
    device.is_heard = device.is_heard or not is_announced
    if guess is None:
        return
    if device.guess is None or (is_announced and device.guess.convention != guess.convention):
        device.guess = guess
        device.fields.clear()
    if device.guess.convention != guess.convention:
        return
    device.why = device.why or guess.why
    for item in guess.fields:
        known = device.fields.get((item.path, item.channel))
        if known is None or (known.unit is None and item.unit is not None):
            device.fields[item.path, item.channel] = item


def _adopted(device: _Device, guess: Guess, wish: Wish) -> Adopted:
    """What is written down of a wish."""
    knows = bool(CONVENTIONS[guess.convention].quantities)
    values = [(path, chosen.quantity, "" if knows else chosen.unit)
              for (path, _), chosen in wish.wanted.items()]  # fmt: skip
    devices = {f"{guess.device}#{channel}" if channel else guess.device: at for channel, at in wish.placed.items()}
    return Adopted(
        source=device.name[0], filter=guess.filter, payload=guess.convention, devices=devices, values=tuple(values),
        every_s=wish.every_s, on_change=wish.on_change,
    )  # fmt: skip
