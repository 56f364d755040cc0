"""A bus with devices of several protocols, in virtual time and on a real pseudo-terminal that checks the speed."""

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from adapters import protocols
from adapters.device_table import DeviceTable, load_tables
from adapters.dlt645 import Frame
from adapters.dlt645_codec import Dlt645
from adapters.poller import Poller, byte_s, expected_round_s
from adapters.protocol import Garble
from adapters.serial_line import SerialTransport
from adapters.serial_port import line_from
from adapters.source import Device, Line, SerialSource
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import meter
from daemon.simulation.modbus import answer, cells_of
from daemon.simulation.port import SimulatedPort
from rules.model import Fault, Reason, Received, Sample

TABLES = load_tables()
VALUES = {
    "energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "voltage_v": 223.3, "current_a": 1.25,
    "frequency_hz": 50.0, "power_factor": 0.98,
}  # fmt: skip
POWER_METER = Device(model="dlt645-single-phase", address="000000000017", place="dorm-3/101")
MODBUS = Device(model="eastron-sdm120", address="17", place="dorm-3/102", line=Line(9600, 8, "N", 1))
MODULE = Device(model="pzem-004t", address="1", place="dorm-3/103", line=Line(9600, 8, "N", 1))
SOURCE = SerialSource(name="bus", port="/dev/null", line=Line(), devices=(POWER_METER, MODBUS, MODULE))


def reply_to(request: bytes, device: Device) -> bytes:
    """What a healthy device of these values answers; nothing to what is not for it."""
    table = TABLES[device.model]
    one = meter(table, device.address, lambda _: VALUES)
    found = table.codec.decoder().feed(request)
    return b"".join(one.answer(frame, 0.0) for frame in found if not isinstance(frame, Garble))


class Bus:
    """A line in virtual time; `spoil(device, reply)` may change what a device answers."""

    def __init__(self, source: SerialSource, spoil: Callable[[Device, bytes], bytes] = lambda _, reply: reply) -> None:
        self.poller, self.source, self.spoil, self.now = Poller(source, TABLES), source, spoil, 0.0
        self.asked: list[tuple[str, Line]] = []
        self.samples: list[Sample] = []
        self.faults: list[Fault] = []

    def run(self, until: float) -> None:
        while self.now < until:
            request, data = self.poller.next_request(self.now), b""
            due = self.poller.deadline()
            assert due is not None
            if request is not None:
                for device in self.source.devices:
                    reply = reply_to(request.data, device) if (device.line or self.source.line) == request.line else b""
                    if reply:
                        self.asked.append((device.place, request.line))
                    data += self.spoil(device, reply) if reply else b""
                self.now += 0.1 + byte_s(request.line) * (len(request.data) + len(data)) if data else due - self.now
            else:
                self.now = max(self.now, due)
            for item in self.poller.feed(data, self.now):
                (self.samples if isinstance(item, Sample) else self.faults).append(item)


def points(device: Device, *names: str) -> dict[str, float]:
    return {f"{device.place}/{name}": VALUES[name] for name in names}


def test_devices_of_two_protocols_on_one_line() -> None:
    line = Bus(SOURCE)
    line.run(29.0)
    assert not line.faults
    assert {sample.device: sample.values for sample in line.samples} == {
        "bus/000000000017": points(
            POWER_METER, "energy_kwh", "power_w", "reactive_power_var", "voltage_v", "current_a"
        ),
        "bus/modbus-17": points(MODBUS, "energy_kwh", "power_w", "reactive_power_var", "voltage_v", "current_a"),
        "bus/modbus-1": points(
            MODULE, "energy_kwh", "power_w", "voltage_v", "current_a", "frequency_hz", "power_factor"
        ),
    }
    assert dict(line.asked) == {
        "dorm-3/101": Line(), "dorm-3/102": Line(9600, 8, "N", 1), "dorm-3/103": Line(9600, 8, "N", 1),
    }  # fmt: skip


def test_a_dead_device_of_one_protocol_costs_the_others_nothing() -> None:
    line = Bus(SOURCE, lambda device, reply: b"" if device is MODBUS else reply)
    line.run(1800.0)
    counts = [len([s for s in line.samples if s.device == name]) for name in ("bus/000000000017", "bus/modbus-1")]
    assert min(counts) >= 1800 / 30 * 0.95
    assert {fault.source for fault in line.faults} == {"bus/modbus-17"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda reply: reply[:-1] + bytes([reply[-1] ^ 1]), Reason.CHECKSUM),
        (lambda reply: reply[:-3], Reason.HALF_FRAME),
        (lambda reply: b"\x02" + reply[1:], Reason.NOISE),
    ],
)
def test_a_damaged_answer_is_a_fault_of_its_device(spoil: Callable[[bytes], bytes], reason: Reason) -> None:
    line = Bus(SOURCE, lambda device, reply: spoil(reply) if device is MODULE else reply)
    line.run(29.0)
    assert "bus/modbus-1" not in {sample.device for sample in line.samples}
    assert {fault.source for fault in line.faults} == {"bus/modbus-1"}
    assert {fault.reason for fault in line.faults} == {reason, Reason.NO_ANSWER}


def test_registers_that_a_device_does_not_have_rest_for_a_day() -> None:
    short = replace(SOURCE, devices=(replace(MODULE, model="eastron-sdm120"),))
    volts, *_ = TABLES["eastron-sdm120"].queries
    poller, now = Poller(short, TABLES), 0.0
    asked: list[bytes] = []
    found: list[Sample | Fault] = []
    while now < 3600.0:
        if (request := poller.next_request(now)) is not None:
            asked.append(request.data)
            found += poller.feed(answer(request.data, cells_of(volts, VALUES)), now)
        now = max(now, poller.deadline() or 0.0)
    (refused,) = [item for item in found if isinstance(item, Fault)]
    assert (refused.reason, refused.detail) == (Reason.METER_REFUSED, "fc4 72+2: no such register")
    assert len([item for item in found if isinstance(item, Sample)]) == len(set(asked)) * 3600 / 30 / 2
    assert len(asked) == 3600 / 30 + 1


def test_a_round_is_reckoned_with_the_settings_of_each_device() -> None:
    slow = replace(SOURCE, devices=tuple(replace(device, line=None) for device in SOURCE.devices))
    assert expected_round_s(SOURCE, TABLES) < expected_round_s(slow, TABLES) - 0.3


@dataclass(frozen=True, slots=True)
class InParts:
    """DL/T 645, but each query takes three exchanges; the values are those of the first answer."""

    inner: Dlt645 = field(default_factory=Dlt645)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def request(self, address: str, query: Any, answers: Sequence[Frame] = ()) -> bytes | None:
        return self.inner.request(address, query) if len(answers) < 3 else None


@pytest.mark.parametrize("lost", [set(), {2}, {2, 3}, {5}])
def test_a_query_of_several_exchanges(lost: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(protocols.CODECS, "dlt645-2007", InParts())
    counted = iter(range(1, 10_000))
    alone = replace(SOURCE, devices=(POWER_METER,))
    line = Bus(alone, lambda _, reply: b"" if next(counted) in lost else reply)
    line.run(29.0)
    (sample,) = line.samples
    gone = {2, 3} <= lost   # both tries of the second part of the first query
    assert len(sample.values) == 5 - gone
    assert [fault.reason for fault in line.faults] == [Reason.NO_ANSWER] * gone
    assert len(line.asked) == 15 + len(lost) - 2 * gone


# -- on a real pseudo-terminal


def devices_that_know_their_speed(source: SerialSource) -> SimulatedPort:
    """Devices on a pseudo-terminal that answer only at their own speed."""
    there = (
        meter(TABLES[device.model], device.address, lambda _: VALUES, line=device.line or source.line)
        for device in source.devices
    )
    return SimulatedPort(SimulatedLine(there), at_once=True)


def test_the_port_changes_its_speed_between_devices() -> None:
    source = replace(SOURCE, line=line_from("2400 8N1"), devices=tuple(
        replace(device, every_s=0.2) for device in (POWER_METER, MODBUS, MODULE)
    ))  # fmt: skip
    heard: list[Received] = []
    is_done = threading.Event()

    def hand_over(batch: list[Received]) -> None:
        heard.extend(batch)
        names = [item.what.device for item in heard if isinstance(item.what, Sample)]
        if min(names.count(name) for name in ("bus/000000000017", "bus/modbus-17", "bus/modbus-1")) >= 2:
            is_done.set()

    with devices_that_know_their_speed(source) as there:
        transport = SerialTransport(replace(source, port=there.port), TABLES, clock=lambda: 1e9, hand_over=hand_over)
        transport.start()
        try:
            assert is_done.wait(20.0)
        finally:
            transport.stop()
    assert not [item.what for item in heard if isinstance(item.what, Fault)]


def test_settings_that_the_port_cannot_have_silence_only_who_needs_them() -> None:
    heard: list[Received] = []
    is_done = threading.Event()

    def hand_over(batch: list[Received]) -> None:
        heard.extend(batch)
        reasons = [item.what.reason for item in heard if isinstance(item.what, Fault)]
        polls = [item.what for item in heard if isinstance(item.what, Sample) and item.what.device == "bus/modbus-1"]
        if Reason.NO_ANSWER in reasons and len(polls) >= 5:
            is_done.set()

    even = replace(MODBUS, line=line_from("9600 8E1"), every_s=0.2)   # a pseudo-terminal has no parity
    source = replace(SOURCE, line=line_from("9600 8N1"), devices=(even, replace(MODULE, every_s=0.2)))
    with devices_that_know_their_speed(source) as there:
        transport = SerialTransport(replace(source, port=there.port), TABLES, clock=lambda: 1e9, hand_over=hand_over)
        transport.start()
        try:
            assert is_done.wait(20.0)
        finally:
            transport.stop()
    faults = [item.what for item in heard if isinstance(item.what, Fault)]
    (told,) = [fault for fault in faults if fault.reason is Reason.PORT_LOST]
    assert "9600 8E1" in told.detail
    assert {fault.source for fault in faults if fault is not told} == {"bus/modbus-17"}


def test_the_tables_of_a_device_name_it() -> None:
    table: DeviceTable = TABLES["eastron-sdm120"]
    assert table.device_id("bus", "17") == "bus/modbus-17"
    assert TABLES["dlt645-single-phase"].device_id("bus", "000000000017") == "bus/000000000017"


@pytest.mark.parametrize("late_s", [0.1, 0.45, 0.6, 0.8, 1.1])
@pytest.mark.parametrize("model", ["acrel-adw300", "pzem-004t", "dlt645-single-phase"])
def test_late_answers_are_never_taken_for_those_of_another_question(model: str, late_s: float) -> None:
    """All that the ADW300 is polled for has answers of one length, which do not say what they answer."""
    address = "000000000017" if model.startswith("dlt") else "17"
    device = Device(model=model, address=address, place="dorm-3/101", every_s=5.0)
    poller, now = Poller(replace(SOURCE, line=Line(9600), devices=(device,)), TABLES), 0.0
    under_way: list[tuple[float, bytes]] = []
    samples: list[Sample] = []
    for count in itertools.count():
        if now > 600.0:
            break
        if (request := poller.next_request(now)) is not None:
            delay_s = late_s if count % 3 else 0.1   # sometimes it is quick, so that it counts as alive
            under_way.append((now + delay_s, reply_to(request.data, device)))
        due = poller.deadline()
        assert due is not None
        now = max(now, min(due, *(at for at, _ in under_way), due))
        arrived = b"".join(data for at, data in under_way if at <= now)
        under_way = [(at, data) for at, data in under_way if at > now]
        samples += [item for item in poller.feed(arrived, now) if isinstance(item, Sample)]
    assert samples
    for sample in samples:
        for point, value in sample.values.items():
            assert value == pytest.approx(VALUES[point.rpartition("/")[2]], abs=0.5), "an ADW300 tells whole watts"
