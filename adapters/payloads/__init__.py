"""MQTT payload conventions: one file each, and the one registry of them; what a payload says, as sample and faults."""

from adapters.payloads.convention import Convention
from adapters.payloads.generic import JsonReader, TextReader

CONVENTIONS: dict[str, Convention] = {
    "json": Convention(reader=JsonReader, has_fields=True),
    "number": Convention(reader=TextReader),
    "state": Convention(reader=TextReader, is_state=True),
}
