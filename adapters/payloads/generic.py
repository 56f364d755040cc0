"""The generic payload codecs: JSON by nested path and list index; plain numbers and ON/OFF."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from adapters.payloads.convention import Decoded
from adapters.source import DeviceTime, Field, Topic, point_id
from rules.model import Fault, Reason, Sample
from rules.quantity import QUANTITIES, Kind

TRUE_WORDS = {"on", "true", "1", "yes", "open", "online", "occupied"}
_LATEST_S = 4_102_444_800.0  # the year 2100: what no clock tells yet is no time
FALSE_WORDS = {"off", "false", "0", "no", "closed", "offline", "clear"}


class _Slot(NamedTuple):
    point: str
    path: tuple[str | int, ...]
    scale: float
    is_state: bool


class JsonReader:
    """Reads JSON documents: each value at its path, and a time if there is one."""

    def __init__(self, device: str, place: str, topic: Topic) -> None:
        self.device = device
        slots = [_slot(field, place) for field in topic.fields]
        plain = [s for s in slots if len(s.path) == 1 and isinstance(s.path[0], str) and not s.is_state]
        self._plain = [(slot.path[0], slot) for slot in plain]
        self._nested = [slot for slot in slots if slot not in plain]
        self._time = _time_reader(topic.time) if topic.time else None

    def decode(self, payload: bytes, arrived: float) -> Decoded:
        """What a document says; a wrong value costs itself alone."""
        try:
            document = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            fault = Fault(self.device, arrived, Reason.BAD_JSON, f"{error}: {_shown(payload)}")
            return Decoded(None, False, [fault])
        values: dict[str, float] = {}
        faults: list[Fault] = []
        if type(document) is dict:
            get = document.get
            for key, slot in self._plain:  # the common case, kept short: it runs for every field of every message
                value = get(key)
                if type(value) is float or type(value) is int:
                    values[slot.point] = value * slot.scale
                elif value is not None:
                    self._take(slot, value, values, faults, arrived)
        for slot in self._nested:
            value = value_at(document, slot.path)
            if value is not None:
                self._take(slot, value, values, faults, arrived)
        if not values:
            if not faults:
                faults.append(Fault(self.device, arrived, Reason.MISSING_FIELD, _shown(payload)))
            return Decoded(None, False, faults)
        if self._time is not None:
            own = self._time(document)
            if own is not None:
                return Decoded(Sample(own, self.device, values), True, faults)
            faults.append(Fault(self.device, arrived, Reason.BAD_TIME, _shown(payload)))
        return Decoded(Sample(arrived, self.device, values), False, faults)

    def _take(self, slot: _Slot, raw: Any, values: dict[str, float], faults: list[Fault], arrived: float) -> None:
        number = number_of(raw, slot.is_state)
        if number is None:
            faults.append(_no_number(self.device, arrived, slot, raw))
        else:
            values[slot.point] = number * slot.scale


class TextReader:
    """Reads payloads that are one value as text: a number, or ON and OFF for a state."""

    def __init__(self, device: str, place: str, topic: Topic) -> None:
        self.device = device
        (field,) = topic.fields
        self._slot = _slot(field, place)

    def decode(self, payload: bytes, arrived: float) -> Decoded:
        """The one value of a payload."""
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return Decoded(None, False, [Fault(self.device, arrived, Reason.BAD_TEXT, _shown(payload))])
        number = number_of(text, self._slot.is_state)
        if number is None:
            return Decoded(None, False, [_no_number(self.device, arrived, self._slot, text)])
        return Decoded(Sample(arrived, self.device, {self._slot.point: number * self._slot.scale}), False, [])


def _no_number(device: str, arrived: float, slot: _Slot, raw: Any) -> Fault:
    return Fault(device, arrived, Reason.NOT_A_NUMBER, f"{slot.point} = {raw!r}"[:200])


def _slot(field: Field, place: str) -> _Slot:
    is_state = QUANTITIES[field.quantity].kind is Kind.STATE
    return _Slot(point_id(place, field.part, field.quantity), path_of(field.path), field.scale, is_state)


def path_of(text: str) -> tuple[str | int, ...]:
    """`ENERGY.Power[0]` as the steps into a document: keys and list indices."""
    steps: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", text):
        steps.append(name or int(index))
    return tuple(steps)


def value_at(document: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a path of a document; None: nothing."""
    for step in path:
        if isinstance(step, int):
            document = document[step] if isinstance(document, list) and step < len(document) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
        if document is None:
            return None
    return document


def number_of(raw: Any, is_state: bool) -> float | None:
    """A value as a finite number; words such as ON only where a state is meant."""
    if isinstance(raw, bool):
        return float(raw) if is_state else None  # true is no power
    if isinstance(raw, int | float):
        return float(raw)
    if isinstance(raw, str):
        text = raw.strip()
        if is_state and text.lower() in TRUE_WORDS:
            return 1.0
        if is_state and text.lower() in FALSE_WORDS:
            return 0.0
        try:
            number = float(text)
        except ValueError:
            return None
        return number if number - number == 0.0 and "_" not in text else None  # neither nan nor inf
    return None


def _time_reader(time: DeviceTime) -> Callable[[Any], float | None]:
    path = path_of(time.path)
    zone = ZoneInfo(time.zone) if time.zone else None

    def possible(at: float) -> float | None:
        return at if 0.0 <= at <= _LATEST_S else None

    def read(document: Any) -> float | None:
        raw = value_at(document, path)
        try:
            if time.format in ("unix", "unix_ms"):
                number = number_of(raw, False)
                return None if number is None else possible(number / (1000.0 if time.format == "unix_ms" else 1.0))
            moment = datetime.fromisoformat(raw) if time.format == "iso" else datetime.strptime(raw, time.format)
            if moment.tzinfo is None:
                if zone is None:
                    return None  # a wall clock without a zone is no time
                moment = moment.replace(tzinfo=zone)
            return possible(moment.timestamp())
        except (TypeError, ValueError, OverflowError):
            return None

    return read


def _shown(payload: bytes) -> str:
    return payload[:120].decode(errors="replace")
