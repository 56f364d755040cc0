"""Listening to a bus with a master of its own, in virtual time: conversations of all four protocols."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import mbus
from adapters.bus_record import BusRecord
from adapters.device_table import load_tables, table_from
from adapters.listener import ANSWER_S, LATE_S, QUIET_S, Listener
from adapters.poller import device_ids
from adapters.source import Device, Line, SerialSource
from daemon.simulation.meter import meter
from daemon.simulation.modbus import answer, cells_of
from rules.model import Fault, Reason, Sample

RELAYS = table_from({
    "name": "relays", "title": "Relays", "protocol": "modbus", "source": "-",
    "query": [{"function": 1, "start": 0x0300, "count": 24, "fields": [
        {"quantity": "on", "at": 2, "type": "bit"},
    ]}],
})  # fmt: skip
TABLES = load_tables() | {RELAYS.name: RELAYS}
VALUES = {
    "energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "voltage_v": 223.3, "current_a": 1.25,
    "volume_m3": 123.45, "heat_kwh": 500.0, "heat_w": 1000.0, "supply/temperature_c": 60.5,
    "return/temperature_c": 40.25,
}  # fmt: skip
POWER = Device(model="dlt645-single-phase", address="000000000017", place="dorm-3/101")
WATER = Device(model="cjt188-cold-water", address="78330011223344", place="dorm-3/1F-wash")
MODBUS = Device(model="eastron-sdm120", address="17", place="dorm-3/102")
HEAT = Device(model="mbus-heat", address="5", place="plant/boiler")
DEVICES = (POWER, WATER, MODBUS, HEAT)
SOURCE = SerialSource(name="bus", port="/dev/null", line=Line(), devices=DEVICES)


@dataclass(frozen=True)
class Said:
    """What one talker says in one go, and how long after the last byte before it."""

    data: bytes
    after_s: float = 0.1


def name(device: Device) -> str:
    return TABLES[device.model].device_id("bus", device.address)


def talk(device: Device, *, number: int = 0) -> list[Said]:
    """All exchanges of a query of a device as any master has them."""
    table = TABLES[device.model]
    query, simulated = table.polled[number], meter(table, device.address, lambda now: VALUES)
    said: list[Said] = []
    answers: list[Any] = []
    while (request := table.codec.request(device.address, query, answers)) is not None:
        (asked,) = table.codec.decoder().feed(request)
        reply = simulated.answer(asked, 0.0)
        answers += table.codec.decoder(request).feed(reply)
        said += [Said(request), Said(reply)]
    return said


def points(device: Device, *labels: str) -> dict[str, float]:
    return {device.point_id(*_split(label)): pytest.approx(VALUES[label]) for label in labels}


def _split(label: str) -> tuple[str, str]:
    part, _, quantity = label.rpartition("/")
    return part, quantity


class Bus:
    """A listener in virtual time."""

    def __init__(self, source: SerialSource = SOURCE) -> None:
        self.record = BusRecord(device_ids(source, TABLES))
        self.listener = Listener(source, TABLES, record=self.record)
        self.now = 100.0
        self.samples: list[Sample] = []
        self.faults: list[Fault] = []

    def hear(self, said: Sequence[Said]) -> "Bus":
        for item in said:
            self.wait(item.after_s)
            self.feed(item.data)
        return self

    def feed(self, data: bytes) -> None:
        assert self.listener.next_request(self.now) is None
        for item in self.listener.feed(data, self.now):
            (self.samples if isinstance(item, Sample) else self.faults).append(item)

    def wait(self, seconds: float) -> "Bus":
        until = self.now + seconds
        while (due := self.listener.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.feed(b"")
        self.now = until
        return self

    @property
    def values(self) -> dict[str, float]:
        return {point: value for sample in self.samples for point, value in sample.values.items()}

    def reasons(self) -> list[Reason]:
        return [fault.reason for fault in self.faults]

    def asked_and_answered(self, device: Device) -> tuple[int, int]:
        slaves = {slave.device: slave for slave in self.record.state(self.now, clock=0.0).slaves}
        return slaves[name(device)].asked, slaves[name(device)].answered


CONVERSATION = [*talk(POWER), *talk(WATER), *talk(MODBUS), *talk(HEAT), *talk(POWER, number=1)]


def test_a_conversation_of_four_protocols() -> None:
    bus = Bus().hear(CONVERSATION).wait(5.0)
    assert bus.faults == []
    expected = [name(device) for device in (POWER, WATER, MODBUS, HEAT, POWER)]
    assert [sample.device for sample in bus.samples] == expected
    assert bus.values[WATER.point_id("", "volume_m3")] == pytest.approx(123.45)
    assert bus.values[HEAT.point_id("", "heat_kwh")] == pytest.approx(500.0)
    assert POWER.point_id("", "energy_kwh") in bus.values
    assert MODBUS.point_id("", "voltage_v") in bus.values
    assert bus.asked_and_answered(POWER) == (2, 2)
    assert bus.asked_and_answered(MODBUS) == (1, 1)


WHOLE = Bus().hear(CONVERSATION).wait(5.0)


@given(st.lists(st.integers(0, sum(len(said.data) for said in CONVERSATION)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_bytes_may_come_in_any_pieces(cuts: list[int]) -> None:
    stream = b"".join(said.data for said in CONVERSATION)
    bus = Bus()
    for since, until in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
        bus.feed(stream[since:until])
        bus.wait(0.02)
    bus.wait(5.0)
    assert [sample.device for sample in bus.samples] == [sample.device for sample in WHOLE.samples]
    assert bus.values == WHOLE.values


@pytest.mark.parametrize("number", range(len(CONVERSATION)))
@pytest.mark.parametrize(
    "noise", [b"\x00\xff\x5a", b"\x68", b"\x10\x68\xe5", b"\x11\x03", b"\x68\x10\x68", b"\x01\x83\x02"]
)
def test_noise_between_costs_nothing_but_a_fault(noise: bytes, number: int) -> None:
    """It may hold up what follows until the line is still; nothing is lost."""
    said = list(CONVERSATION)
    said[number] = replace(said[number], data=noise + said[number].data)
    bus = Bus().hear(said).wait(5.0)
    assert bus.values == WHOLE.values
    assert [sample.device for sample in bus.samples] == [sample.device for sample in WHOLE.samples]


@pytest.mark.parametrize("device", [POWER, WATER, MODBUS, HEAT])
def test_a_request_without_an_answer(device: Device) -> None:
    question, *_ = talk(device)
    bus = Bus().hear([question])
    assert bus.faults == []
    bus.wait(ANSWER_S + QUIET_S)
    assert bus.reasons() == [Reason.NO_ANSWER]
    assert bus.faults[0].source == name(device)
    assert bus.asked_and_answered(device) == (1, 0)
    (slave,) = [slave for slave in bus.record.state(bus.now, clock=bus.now).slaves if slave.device == name(device)]
    assert slave.silent_since == pytest.approx(100.1)
    bus.hear(talk(device))
    assert bus.values, "and the next one is heard"
    assert bus.record.state(bus.now, clock=bus.now).slaves[DEVICES.index(device)].silent_since is None


def test_a_modbus_answer_without_its_request_says_nothing() -> None:
    question, reply = talk(MODBUS)
    bus = Bus().hear([reply]).wait(5.0)
    assert bus.samples == []
    assert bus.reasons() == [Reason.WRONG_DATA]
    bus = Bus().hear([question]).wait(ANSWER_S + QUIET_S).hear([reply]).wait(5.0)
    assert bus.samples == []
    assert bus.reasons() == [Reason.NO_ANSWER, Reason.WRONG_DATA]


def test_two_masters_that_ask_the_same_device_for_two_things_are_believed_in_neither() -> None:
    question, reply = talk(MODBUS)
    codec = TABLES[MODBUS.model].codec
    (query, *_) = TABLES[MODBUS.model].polled
    other = codec.request("17", replace(query, ask=query.ask.__class__(4, query.ask.start + 100, query.ask.count)))
    assert other is not None
    bus = Bus().hear([question, Said(other), reply, reply]).wait(5.0)
    assert bus.samples == []
    assert bus.reasons() == [Reason.NO_ANSWER, Reason.WRONG_DATA, Reason.WRONG_DATA]
    bus.hear(talk(MODBUS))
    assert len(bus.samples) == 1, "and later questions are"


CELLS = {(4, cell): 0 for cell in range(0x300)} | {
    key: cell for query in TABLES[MODBUS.model].polled for key, cell in cells_of(query, VALUES).items()
}  # fmt: skip


def block(start: int, count: int = 2) -> tuple[Said, Said]:
    """A request for registers of the Modbus meter, and the answer."""
    (query, *_) = TABLES[MODBUS.model].polled
    request = TABLES[MODBUS.model].codec.request("17", replace(query, ask=type(query.ask)(4, start, count)))
    assert request is not None
    return Said(request), Said(answer(request, CELLS))


VOLTS, WATTS, AMPERES, TWO = block(0x00), block(0x0C), block(0x06), block(0x00, 4)
GIVEN_UP_S = ANSWER_S + QUIET_S


@pytest.mark.parametrize(
    ("before", "wait_s", "after", "quantities"),
    [
        ([VOLTS[0]], GIVEN_UP_S, [WATTS[0], VOLTS[1]], set()),                       # late: of other registers
        ([VOLTS[0]], GIVEN_UP_S, [WATTS[0], VOLTS[1], WATTS[1]], set()),
        ([VOLTS[0]], GIVEN_UP_S, [WATTS[0], VOLTS[1], AMPERES[0], WATTS[1]], set()),
        ([VOLTS[0]], GIVEN_UP_S, [TWO[0], VOLTS[1]], set()),                         # of too few registers
        ([TWO[0]], GIVEN_UP_S, [WATTS[0], TWO[1], AMPERES[0], WATTS[1]], set()),
        ([VOLTS[0], WATTS[0]], GIVEN_UP_S, [VOLTS[0], WATTS[1]], set()),
        ([VOLTS[0]], GIVEN_UP_S, [VOLTS[0], VOLTS[1]], {"voltage_v"}),               # asked again
        ([TWO[0]], GIVEN_UP_S, [WATTS[0], WATTS[1], AMPERES[0], AMPERES[1]], {"power_w", "current_a"}),
        ([VOLTS[0]], GIVEN_UP_S + LATE_S, [WATTS[0], WATTS[1]], {"power_w"}),
    ],
)  # fmt: skip
def test_a_late_answer_is_not_taken_for_other_registers(
    before: list[Said], wait_s: float, after: list[Said], quantities: set[str]
) -> None:
    bus = Bus().hear(before).wait(wait_s).hear(after).wait(5.0)
    assert bus.values == points(MODBUS, *quantities)
    assert bus.hear([*AMPERES, *WATTS]).values.items() >= points(MODBUS, "current_a", "power_w").items()


def test_doubt_ends_on_a_bus_that_is_never_still() -> None:
    bus = Bus().hear([VOLTS[0]]).wait(GIVEN_UP_S)
    bus.hear([*WATTS, *AMPERES] * 4)
    assert bus.values == {}
    assert bus.hear([*WATTS, *AMPERES] * round(LATE_S / 0.4)).values == points(MODBUS, "power_w", "current_a")


def test_masters_that_collide_spoil_each_other_and_no_more() -> None:
    first, second = talk(POWER)[0].data, talk(WATER)[0].data
    mixed = bytes(a & b for a, b in zip(first, second, strict=False))
    bus = Bus().hear([Said(mixed)]).wait(2.0)
    assert bus.samples == []
    assert bus.faults
    assert {fault.source for fault in bus.faults} == {"bus"}
    bus.hear(CONVERSATION)
    assert bus.values == WHOLE.values


def test_a_repeated_question_is_the_same_question() -> None:
    question, reply = talk(MODBUS)
    bus = Bus().hear([question, question, reply]).wait(5.0)
    assert len(bus.samples) == 1
    assert bus.asked_and_answered(MODBUS) == (2, 1)


@pytest.mark.parametrize(
    ("start", "count", "quantities"),
    [
        (0x00, 80, {"voltage_v", "current_a", "power_w", "reactive_power_var", "energy_kwh"}),
        (0x00, 73, {"voltage_v", "current_a", "power_w", "reactive_power_var"}),
        (0x0C, 2, {"power_w"}),
        (0x0C, 1, set()),      # half of a number
        (0x06, 7, {"current_a"}),
        (0x200, 4, set()),
    ],
)
def test_a_foreign_master_may_ask_for_other_blocks_of_registers(start: int, count: int, quantities: set[str]) -> None:
    cells = {(4, cell): 0 for cell in range(0x300)}
    for query in TABLES[MODBUS.model].polled:
        cells |= cells_of(query, VALUES)
    (query, *_) = TABLES[MODBUS.model].polled
    request = TABLES[MODBUS.model].codec.request("17", replace(query, ask=type(query.ask)(4, start, count)))
    assert request is not None
    bus = Bus().hear([Said(request), Said(answer(request, cells))]).wait(5.0)
    assert bus.faults == []
    assert bus.values == points(MODBUS, *quantities)


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_questions_and_answers_that_look_alike_are_told_apart_by_what_went_before(is_waited_for: bool) -> None:
    """Of 17 to 24 coils both are 8 bytes; from 0x0300 on a question even has the byte count of such an answer."""
    device = Device(model="relays", address="9", place="dorm-3/103", part="lighting")
    (query,) = RELAYS.polled
    first = RELAYS.codec.request("9", replace(query, ask=replace(query.ask, start=0x0310, count=40)))
    second = RELAYS.codec.request("9", query)
    assert first is not None
    assert second is not None
    reply = answer(second, {(1, 0x0300 + at): int(at == 2) for at in range(24)})
    assert len(first) == len(second) == len(reply) == 8
    bus = Bus(replace(SOURCE, devices=(device,))).hear([Said(first)])
    if is_waited_for:
        bus.wait(ANSWER_S + QUIET_S)
    bus.hear([Said(second), Said(reply)]).wait(5.0)
    assert bus.asked_and_answered(device) == (2, 1)
    assert bus.values == {"dorm-3/103/lighting/on": 1.0}, "the first answer would be longer"


def test_what_the_master_asks_besides_is_no_fault() -> None:
    """An identifier that the table does not have, such as the clock of the meter."""
    clock = bytes.fromhex("68 17 00 00 00 00 00 68 91 08 34 34 33 37 34 44 34 49")
    frame = clock + bytes([sum(clock) & 0xFF, 0x16])
    bus = Bus().hear([Said(frame)]).wait(5.0)
    assert (bus.samples, bus.faults) == ([], [])
    assert bus.asked_and_answered(POWER) == (0, 1)


def test_a_refusal_is_a_fault_of_its_device() -> None:
    reply = bytes.fromhex("68 17 00 00 00 00 00 68 D1 01 35")
    bus = Bus().hear([talk(POWER)[0], Said(reply + bytes([sum(reply) & 0xFF, 0x16]))]).wait(5.0)
    assert bus.reasons() == [Reason.METER_REFUSED]


@pytest.mark.parametrize("listed", [(POWER,), ()])
def test_strangers_are_counted_and_listed(listed: tuple[Device, ...]) -> None:
    stranger = replace(POWER, address="000000000018")
    bus = Bus(replace(SOURCE, devices=listed)).hear([*talk(stranger), *talk(stranger)]).wait(5.0)
    assert bus.samples == []
    assert bus.reasons() == [Reason.UNKNOWN_ADDRESS] * 2
    assert bus.faults[0].detail == "dlt645-2007 000000000018"
    assert bus.record.state(bus.now, clock=0.0).unknown == {"dlt645-2007 000000000018": 2}


def test_the_multiplier_and_the_time() -> None:
    device = replace(POWER, multiplier=40.0)
    bus = Bus(replace(SOURCE, devices=(device,))).hear(talk(POWER, number=0))
    (sample,) = bus.samples
    assert sample.at == pytest.approx(100.2)
    ((_, value),) = sample.values.items()
    assert value == pytest.approx(12.34 * 40)


def test_a_line_of_noise_neither_stalls_nor_grows() -> None:
    bus = Bus()
    for number in range(3000):
        bus.feed(bytes([number * 37 & 0xFF, 0x68, 0x11]))
        bus.now += 0.01
    assert len(bus.listener._decoder._buffer) < 2100
    bus.wait(2.0)
    assert bus.listener.deadline() is None
    assert bus.hear(CONVERSATION).wait(5.0).values.items() >= WHOLE.values.items()


def test_an_acknowledgement_and_the_next_request_in_one_piece() -> None:
    wake, ack, ask, reply = talk(HEAT)
    assert ack.data == bytes([mbus.ACK])
    bus = Bus().hear([wake, Said(ack.data + ask.data + reply.data)]).wait(5.0)
    assert bus.faults == []
    assert len(bus.samples) == 1
