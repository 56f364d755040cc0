"""Devices by their conventions over a real broker: names with levels, and who is online as the broker keeps it."""

from pathlib import Path

from broker import mosquitto
from test_adapters_mqtt import Life, publish, source_at

from adapters.source import Field, Topic
from rules.model import How, Received, Sample

ZIGBEE = Topic(
    filter="zigbee2mqtt/{device}", payload="zigbee2mqtt", fields=(Field(path="", quantity="door_open"),),
    places=frozenset({"d/1", "d/2"}), devices={"floor 1/door": "d/1", "door-2": "d/2"},
)  # fmt: skip


def test_presence_is_true_as_the_broker_keeps_it_and_readings_are_not(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        kept = [
            ("zigbee2mqtt/floor 1/door", b'{"contact": false}'),
            ("zigbee2mqtt/floor 1/door/availability", b'{"state": "offline"}'),
            ("zigbee2mqtt/door-2/availability", b"online"),
            ("zigbee2mqtt/bridge/state", b"online"),
        ]
        publish(broker.port, kept, retain=True)
        life = Life(source_at(broker.port, topics=(ZIGBEE,)))
        life.inbox.wait(lambda: len(life.inbox.samples()) == 3)
        publish(broker.port, [("zigbee2mqtt/floor 1/door", b'{"contact": true}')])
        life.inbox.wait(lambda: len(life.inbox.samples()) == 4)
        life.transport.stop()
    assert told(life.inbox.samples()) == {
        ("d/1/door_open", 1.0, How.RETAINED), ("d/1/floor-1-door/online", 0.0, How.ARRIVAL),
        ("d/2/door-2/online", 1.0, How.ARRIVAL), ("d/1/door_open", 0.0, How.ARRIVAL),
    }  # fmt: skip
    assert life.inbox.faults() == []


def told(received: list[Received]) -> set[tuple[str, float, How]]:
    return {
        (point, value, one.how) for one in received if isinstance(one.what, Sample)
        for point, value in one.what.values.items()
    }  # fmt: skip
