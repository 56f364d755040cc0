"""ChirpStack v4, the LoRaWAN network server: JSON of an uplink, whose `object` is what its codec made of it.

By https://www.chirpstack.io/docs/chirpstack/integrations/events.html: an uplink that several gateways heard has one
`deduplicationId`; `time` is when a gateway heard it. Without a codec in the device profile there is no `object`, and
what stands in it, with which units, is the codec's: a topic says it in `fields`.
"""

from collections.abc import Iterator, Sequence

from adapters.payloads.convention import Branch, Convention, RefusedError, Sight, Speech
from adapters.payloads.device import document_of, own_time, shown
from adapters.source import Topic
from rules.model import Reason

_EVENT = ("event", "up")


def _listen(_tail: str, payload: bytes) -> Speech:
    document = document_of(payload)
    body = document.get("object")
    if not isinstance(body, dict):
        raise RefusedError(Reason.MISSING_FIELD, f"no object: the device profile has no codec: {shown(payload)}")
    at, _ = own_time(document.get("time"))
    name = document.get("deduplicationId")
    return Speech(document=body, at=at, name=name if isinstance(name, str) else "")


def _branches(topic: Topic) -> Iterator[Branch]:
    yield Branch(topic.filter, "")


def _sees(levels: Sequence[str]) -> Sight | None:
    if len(levels) < 6 or tuple(levels[-2:]) != _EVENT or levels[-4] != "device" or levels[-6] != "application":
        return None
    return Sight(levels[-3], "/".join((*levels[:-6], "application/+/device/{device}", *_EVENT)), "")


CONVENTION = Convention(listen=_listen, branches=_branches, sees=_sees, has_fields=True)
