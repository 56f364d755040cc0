"""The reader of all device conventions: picks what is wanted out of what a device said, circuit by circuit."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from adapters.payloads.convention import Decoded, RefusedError, Said, Speech
from adapters.payloads.generic import number_of, path_of, value_at
from adapters.source import Field, Target, Topic
from rules.model import Fault, Reason, Sample
from rules.quantity import QUANTITIES, Kind

PRESENCE = "online"
_REPEATS = 16  # messages of a device that are remembered: a network server repeats within seconds


class _Place(NamedTuple):
    """Where a user's own field goes."""

    path: tuple[str | int, ...]
    point: str
    quantity: str
    scale: float


class DeviceReader:
    """Reads what one device says on topics with one tail."""

    def __init__(self, device: str, topic: Topic, name: str, listen: Callable[[bytes], Speech]) -> None:
        self.device = device
        self._listen = listen
        targets = topic.targets(name)
        self._points = _points(topic.fields, targets)
        self._points[("", PRESENCE)] = topic.presence_point(name)
        self._fields = [
            _Place(path_of(field.path), target.point_id(field), field.quantity, field.scale)
            for target in targets for field in topic.fields if field.path
        ]  # fmt: skip
        self._zone = ZoneInfo(topic.time.zone) if topic.time and topic.time.zone else None
        self._names: deque[str] = deque(maxlen=_REPEATS)

    def decode(self, payload: bytes, arrived: float) -> Decoded:
        """What a payload says of what is wanted; a wrong value costs itself alone."""
        try:
            speech = self._listen(payload)
        except RefusedError as error:
            return Decoded(None, False, [Fault(self.device, arrived, error.reason, error.detail[:200])])
        if speech.name:
            if speech.name in self._names:
                return Decoded(Sample(arrived, self.device, {}), False, [])
            self._names.append(speech.name)
        values: dict[str, float] = {}
        faults: list[Fault] = []
        for said in speech.said:
            point = self._points.get((said.channel, said.quantity))
            if point is not None:
                self._take(point, said.quantity, said.raw, said.scale, values, faults, arrived)
        for path, point, quantity, scale in self._fields:
            raw = value_at(speech.document, path)
            if raw is not None:
                self._take(point, quantity, raw, scale, values, faults, arrived)
        if why := self._missed(speech) or ("" if values or faults else _nothing(speech)):
            faults.append(Fault(self.device, arrived, Reason.MISSING_FIELD, f"{why}: {shown(payload)}"[:200]))
        if not values and faults:
            return Decoded(None, False, faults)
        at = self._time(speech)
        return Decoded(Sample(arrived if at is None else at, self.device, values), at is not None, faults)

    def _take(
        self, point: str, quantity: str, raw: Any, scale: float,
        values: dict[str, float], faults: list[Fault], arrived: float,
    ) -> None:  # fmt: skip
        number = number_of(raw, is_state=QUANTITIES[quantity].kind is Kind.STATE)
        if number is None:
            faults.append(Fault(self.device, arrived, Reason.NOT_A_NUMBER, f"{point} = {raw!r}"[:200]))
        else:
            values[point] = number * scale

    def _missed(self, speech: Speech) -> str:
        """What is wrong where something is wanted of the whole device that only its channels tell."""
        if speech.is_aside or not any(said.channel for said in speech.said):
            return ""
        told = {(said.channel, said.quantity) for said in speech.said}
        alone = {quantity for channel, quantity in told - self._points.keys() if ("", quantity) in self._points}
        missed = {quantity for quantity in alone if not any(key[1] == quantity for key in told & self._points.keys())}
        channels = sorted({channel for channel, quantity in told if quantity in missed})
        return f"it has channels, name one after its name: #{', #'.join(channels)}" if channels else ""

    def _time(self, speech: Speech) -> float | None:
        if speech.at is not None or self._zone is None or not speech.wall:
            return speech.at
        try:
            return datetime.fromisoformat(speech.wall).replace(tzinfo=self._zone).timestamp()
        except (ValueError, OverflowError):
            return None


def _nothing(speech: Speech) -> str:
    """Why a message that gave nothing should have given something; empty: it need not."""
    return "" if speech.is_aside or speech.said else "nothing that is known"


def _points(fields: Sequence[Field], targets: Sequence[Target]) -> dict[tuple[str, str], str]:
    """The point of each quantity that the convention knows, by channel."""
    return {
        (target.channel, field.quantity): target.point_id(field)
        for target in targets for field in fields if not field.path
    }  # fmt: skip


def document_of(payload: bytes) -> Mapping[str, Any]:
    """A payload that must be a JSON object."""
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise RefusedError(Reason.BAD_JSON, f"{error}: {shown(payload)}") from None
    if not isinstance(document, dict):
        raise RefusedError(Reason.MISSING_FIELD, shown(payload))
    return document


def text_of(payload: bytes) -> str:
    """A payload that is plain text."""
    try:
        return payload.decode().strip()
    except UnicodeDecodeError:
        raise RefusedError(Reason.BAD_TEXT, shown(payload)) from None


def presence(payload: bytes) -> Speech:
    """An availability message: a plain word, or `{"state": "offline"}`."""
    word: object = text_of(payload)
    if str(word).startswith("{"):
        word = document_of(payload).get("state")
    return Speech([Said(PRESENCE, word, "")])


def own_time(text: object) -> tuple[float | None, str]:
    """An ISO time: as Unix seconds when it says its offset, else as the text of a wall clock."""
    if not isinstance(text, str):
        return None, ""
    try:
        moment = datetime.fromisoformat(text)
        return (moment.timestamp(), "") if moment.tzinfo else (None, text)
    except (ValueError, OverflowError):
        return None, ""


def shown(payload: bytes) -> str:
    """The beginning of a payload, for people."""
    return payload[:120].decode(errors="replace")
