"""MQTT payload conventions: one file each, and the one registry of them; what a payload says, as sample and faults."""

from adapters.payloads import chirpstack, esphome, shelly_gen1, shelly_gen2, tasmota, zigbee2mqtt
from adapters.payloads.convention import Convention
from adapters.payloads.generic import JsonReader, TextReader

CONVENTIONS: dict[str, Convention] = {
    "json": Convention(reader=JsonReader, has_fields=True),
    "number": Convention(reader=TextReader),
    "state": Convention(reader=TextReader, is_state=True),
    "zigbee2mqtt": zigbee2mqtt.CONVENTION,
    "tasmota": tasmota.CONVENTION,
    "shelly-gen1": shelly_gen1.CONVENTION,
    "shelly-gen2": shelly_gen2.CONVENTION,
    "esphome": esphome.CONVENTION,
    "chirpstack": chirpstack.CONVENTION,
}
