"""ESPHome: one plain number or word a topic, `<prefix>/sensor/<object id>/state`; nothing says what it means.

By https://esphome.io/components/mqtt: `nan` is a sensor without a value, which is no reading and no fault.
"""

from collections.abc import Iterator, Sequence

from adapters.payloads.convention import Branch, Convention, Sight, Speech
from adapters.payloads.device import document_of, presence, text_of
from adapters.source import Topic

_STATUS, _STATE = "status", "/state"
_KINDS = ("sensor", "binary_sensor", "switch", "light")


def _listen(tail: str, payload: bytes) -> Speech:
    if tail == _STATUS:
        return presence(payload)
    raw: object = text_of(payload)
    if raw == "nan":
        return Speech(is_aside=True)
    if str(raw).startswith("{"):  # a light
        raw = document_of(payload).get(_STATE[1:])
    return Speech(document={tail: raw}, is_aside=raw is None)


def _branches(topic: Topic) -> Iterator[Branch]:
    yield Branch(f"{topic.filter}/{_STATUS}", _STATUS)
    for path in dict.fromkeys(field.path for field in topic.fields):
        yield Branch(f"{topic.filter}/{path}{_STATE}", path)


def _sees(levels: Sequence[str]) -> Sight | None:
    if len(levels) < 4 or f"/{levels[-1]}" != _STATE or levels[-3] not in _KINDS:
        return None
    device = levels[-4]
    return Sight(device, "/".join((*levels[:-4], "{device}")), "/".join(levels[-3:-1]))


CONVENTION = Convention(listen=_listen, branches=_branches, sees=_sees, has_fields=True, has_presence=True)

