"""What an unknown topic seems to be: the convention, the device, and what it tells. Pure, and only ever a guess.

Strategy. A convention recognises its topics by their shape (`sees`) and its payloads by reading them: only what both
fit is named. What no convention knows is looked at as plain JSON, a number or a word; a key may be a quantity by its
name, but its unit is only sure where the name itself says it. Units are never made up: None is for a person to answer.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from adapters.payloads import CONVENTIONS
from adapters.payloads.convention import RefusedError, Sight
from adapters.payloads.discovery import Entity, entities, topic_fault
from adapters.payloads.generic import FALSE_WORDS, TRUE_WORDS, number_of
from rules.quantity import QUANTITIES, UNITS, Kind

_NOT_OURS = ("online", "backlog", "attended", "clock_offset_s", "permit_w", "permit_from", "permit_until")
_CALLED = {  # quantity -> what a key may be called, beside the quantity's own name
    "power_w": "p|power|active_?power|功率|有功功率", "energy_kwh": "e|energy|total_?energy|电量|电能|电度",
    "voltage_v": "u|v|volt(age)?|电压", "current_a": "i|current|电流", "temperature_c": "t|temp(erature)?|温度",
    "humidity_pct": "h|hum(idity)?|rh|湿度", "illuminance_lx": "lux|lx|illuminance|light_?level|照度",
    "occupied": "occupied|occupancy|presence|motion|pir|有人", "flow_lpm": "flow(_?rate)?|流量",
    "volume_m3": "volume|water_?(total|volume)|用水量|水量", "co2_ppm": "co2|二氧化碳",
    "on": "on|relay|switch|state|开关",
    "door_open": "door(_?open)?|门", "water_leak": "water_?leak|leak|flood|漏水|水浸", "pressure_kpa": "pressure|压力",
    "reactive_power_var": "q|reactive_?power|无功功率", "power_factor": "pf|power_?factor|功率因数",
    "gas_m3": "gas|燃气",
}  # fmt: skip
_BY_NAME = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _CALLED.items()}
_OF_BRIDGE = "zigbee2mqtt/bridge/"  # what Zigbee2MQTT says of itself
_DEEPEST = 4
_MOST = 64  # values of one payload that are looked at
_MOST_ANNOUNCED = 32  # values that one announcement may tell of


class GuessedField(NamedTuple):
    """A value that a payload would give: where it stands, and what it is.

    `quantity` None: somebody must say what it is; `unit` None: somebody must say its unit; "" is of a quantity without.
    `channel` tells circuits of one device apart, as they are named after `#` in `devices`.
    """

    path: str
    quantity: str | None
    unit: str | None
    channel: str = ""


class Guess(NamedTuple):
    """What a topic seems to be: `filter`, `convention` and `device` as they would be written in the configuration.

    `device` is empty where the topic is one value or document of its own, `filter` where no topic could be read.
    `why` says what was not understood.
    """

    convention: str
    device: str
    filter: str
    fields: tuple[GuessedField, ...]
    why: str = ""


def guess(topic: str, payload: bytes) -> Guess | None:
    """What this topic with this payload seems to be; None where nothing of it looks like a reading."""
    if topic and (fault := topic_fault(topic)):
        return Guess(_DOCUMENT, "", "", (), fault)
    if topic.startswith(_OF_BRIDGE):
        return None
    for name, convention in CONVENTIONS.items():
        sight = convention.sees(topic.split("/")) if convention.sees else None
        if sight is not None and (found := _of_convention(name, sight, payload)) is not None:
            return found
    return _announced(topic, payload) or _plain(topic, payload)


def guesses(topic: str, payload: bytes) -> list[Guess]:
    """The same, and all of them where one announcement (Home Assistant's discovery) tells of several values."""
    found = [_of_entity(entity) for entity in entities(topic, payload)[:_MOST_ANNOUNCED]]
    one = guess(topic, payload) if not found else None
    return found or ([one] if one else [])


def _of_convention(name: str, sight: Sight, payload: bytes) -> Guess | None:
    convention = CONVENTIONS[name]
    assert convention.listen is not None
    try:
        speech = convention.listen(sight.tail, payload)
    except RefusedError as error:  # by its topic it can be nothing else where the convention has no words of its own
        return None if convention.quantities else Guess(name, sight.device, sight.filter, (), error.detail)
    known: dict[tuple[str, str], GuessedField] = {}
    for said in sorted(speech.said, key=lambda said: said.channel):  # without a channel first: that is simpler to write
        if said.quantity != "online":
            field = GuessedField(said.path, said.quantity, said.unit, said.channel)
            known.setdefault((said.path, said.quantity), field)
    fields = tuple(known[key] for key in sorted(known))
    if not convention.quantities and speech.document is not None:  # what it says is the user's own
        fields = tuple(_fields(speech.document))
    presence = any(said.quantity == "online" for said in speech.said)
    return Guess(name, sight.device, sight.filter, fields) if fields or presence or speech.is_aside else None


def _announced(topic: str, payload: bytes) -> Guess | None:
    found = entities(topic, payload)
    return _of_entity(found[0]) if found else None


def _of_entity(entity: Entity) -> Guess:
    is_state = entity.quantity is not None and QUANTITIES[entity.quantity].kind is Kind.STATE
    kind = _DOCUMENT if entity.path is not None else _WORD if is_state else _NUMBER
    fields = () if entity.why and entity.quantity is None else (
        GuessedField(entity.path or "", entity.quantity, entity.unit),
    )  # fmt: skip
    return Guess(kind, "", entity.topic, fields, entity.why)


# what is no device's convention: the whole payload as a document, a number, a word
_DOCUMENT = next(name for name, item in CONVENTIONS.items() if item.reader and item.has_fields)
_NUMBER = next(name for name, item in CONVENTIONS.items() if item.reader and not item.has_fields and not item.is_state)
_WORD = next(name for name, item in CONVENTIONS.items() if item.is_state)


def _plain(topic: str, payload: bytes) -> Guess | None:
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return None
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict | list):
        fields = tuple(_fields(document))
        return Guess(_DOCUMENT, "", topic, fields) if any(field.quantity for field in fields) else None
    quantity, unit = _named(topic.rsplit("/", 1)[-1])
    is_number = number_of(text, is_state=False) is not None
    is_word = text.lower() in TRUE_WORDS | FALSE_WORDS
    if quantity is None or not (is_number or is_word):
        return None
    is_state = QUANTITIES[quantity].kind is Kind.STATE
    if not is_state and not is_number:
        return None
    return Guess(_WORD if is_state else _NUMBER, "", topic, (GuessedField("", quantity, unit),))


def _fields(document: Any) -> Iterator[GuessedField]:
    """All values of a document that could be readings, with what their keys call them."""
    for count, (path, key, raw) in enumerate(_leaves(document, "", "", 0)):
        if count == _MOST:
            return
        quantity, unit = _named(key)
        is_state = quantity is not None and QUANTITIES[quantity].kind is Kind.STATE
        if number_of(raw, is_state=is_state) is None:
            quantity, unit = None, None
        if quantity is not None or number_of(raw, is_state=False) is not None:
            yield GuessedField(path, quantity, unit)


def _leaves(node: Any, path: str, key: str, depth: int) -> Iterator[tuple[str, str, Any]]:
    """Values with the paths that a configuration would write, and the nearest key."""
    if isinstance(node, dict):
        for name, inner in node.items() if depth < _DEEPEST else ():
            if name and not re.search(r"[.\[\]]", name):
                yield from _leaves(inner, f"{path}.{name}" if path else name, name, depth + 1)
    elif isinstance(node, list):
        for index, inner in enumerate(node if depth < _DEEPEST else ()):
            yield from _leaves(inner, f"{path}[{index}]", key, depth + 1)
    else:
        yield path, key, node


def _named(key: str) -> tuple[str | None, str | None]:
    """The quantity that a key or level names, and its unit where the name says it: `power_kw`, `Energy(Wh)`."""
    lower = key.lower().rpartition("/")[2]
    for quantity in QUANTITIES:
        if quantity not in _NOT_OURS and lower == quantity:
            return quantity, _own_unit(quantity)
    for quantity, pattern in _BY_NAME.items():
        if pattern.fullmatch(lower):
            is_plain = QUANTITIES[quantity].kind is Kind.STATE or QUANTITIES[quantity].unit == ""
            return quantity, "" if is_plain else None
        fitting = [unit for unit in UNITS.get(quantity, ()) if unit and _ends_with(lower, unit, pattern)]
        if fitting:
            is_sure = len({UNITS[quantity][unit] for unit in fitting}) == 1   # mw may be mW or MW
            return quantity, fitting[0] if is_sure else None
    return None, None


def _ends_with(key: str, unit: str, pattern: re.Pattern[str]) -> bool:
    """Whether a key in small letters is a name and this unit."""
    stem, _, rest = key.partition("(")
    if rest == f"{unit.lower()})" and pattern.fullmatch(stem.strip()):
        return True
    end = f"_{re.sub(r'[^a-z0-9]', '', unit.lower())}"
    return key.endswith(end) and len(end) > 1 and pattern.fullmatch(key.removesuffix(end)) is not None


def _own_unit(quantity: str) -> str:
    """The unit that is in a quantity's name, as it is written in the configuration."""
    return next((unit for unit, factor in UNITS.get(quantity, {}).items() if factor == 1.0), "")
