"""The poller on a bus in virtual time: no port, no thread, no waiting."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import dlt645
from adapters.device_table import load_tables
from adapters.dlt645 import NO_SUCH_DATA, Frame, encode, new_decoder
from adapters.poller import BACK_OFF_S, REST_S, Poller, bus_load, byte_s, device_cost_s, expected_round_s
from adapters.protocol import AnyQuery
from adapters.source import Device, Line, SerialSource
from daemon.simulation.dlt645 import reply_frame
from rules.model import Fault, Reason, Sample

TABLES = load_tables()
QUERIES: Mapping[str, AnyQuery] = {query.name: query for query in TABLES["dlt645-single-phase"].queries}
VALUES = {"energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "voltage_v": 223.3, "current_a": 1.25}
POLLED = list(TABLES["dlt645-single-phase"].polled)
LINE = Line()

# What a meter answers to a request of one identifier at a time; b"" is silence.
Answer = Callable[[str, str, float], bytes]


def devices(count: int, *, every_s: float = 30.0, multiplier: float = 1.0) -> tuple[Device, ...]:
    return tuple(
        Device(model="dlt645-single-phase", address=f"{number:012}", place=f"dorm-3/{100 + number}", every_s=every_s,
               multiplier=multiplier)
        for number in range(1, count + 1)
    )  # fmt: skip


def bus(*meters: Device) -> SerialSource:
    return SerialSource(name="bus", port="/dev/null", line=LINE, devices=meters)


def healthy(address: str, identifier: str, now: float) -> bytes:
    return reply_frame(address, QUERIES[identifier], VALUES)


class Bus:
    """A line in virtual time: asks the poller, lets the meters answer after 100 ms and the time on the wire."""

    def __init__(self, source: SerialSource, answer: Answer) -> None:
        self.poller = Poller(source, TABLES)
        self.answer = answer
        self.now = 0.0
        self.asked: list[tuple[float, str, str]] = []
        self.samples: list[Sample] = []
        self.faults: list[Fault] = []

    def run(self, until: float) -> None:
        while self.now < until:
            request = self.poller.next_request(self.now)
            data = b""
            due = self.poller.deadline()
            assert due is not None
            if request is not None:
                (frame,) = new_decoder().feed(request.data)
                assert isinstance(frame, Frame)
                assert frame.identifier
                self.asked.append((self.now, frame.address, frame.identifier))
                data = self.answer(frame.address, frame.identifier, self.now)
            if data:
                data = b"\xfe" * 4 + data
                arrives = self.now + 0.1 + byte_s(LINE) * (len(request.data if request else b"") + len(data))
                self.now = min(arrives, due)
                if arrives > due:
                    data = b""
            else:
                assert due > self.now or request is None
                self.now = max(self.now, due)
            for item in self.poller.feed(data, self.now):
                (self.samples if isinstance(item, Sample) else self.faults).append(item)

    def samples_of(self, address: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.device == f"bus/{address}"]

    def reasons(self) -> list[Reason]:
        return [fault.reason for fault in self.faults]


def test_one_poll_is_one_sample() -> None:
    line = Bus(bus(*devices(1)), healthy)
    line.run(29.0)
    (sample,) = line.samples
    assert sample.device == "bus/000000000001"
    assert sample.values == {f"dorm-3/101/{name}": value for name, value in VALUES.items()}
    assert not line.faults
    assert [identifier for _, _, identifier in line.asked] == [query.name for query in POLLED]
    first_reply_s = 0.1 + byte_s(LINE) * (4 + 16 + 4 + 20)
    assert sample.at == pytest.approx(first_reply_s), "the time of the first answer, not of the last"


def test_the_multiplier_and_the_part_reach_the_points() -> None:
    meter = Device(model="dlt645-single-phase", address="1".zfill(12), place="teach-1/105", part="ac", multiplier=40.0)
    line = Bus(bus(meter), healthy)
    line.run(10.0)
    values = line.samples[0].values
    assert values["teach-1/105/ac/power_w"] == pytest.approx(251.2 * 40)
    assert values["teach-1/105/ac/energy_kwh"] == pytest.approx(12.34 * 40)
    assert values["teach-1/105/ac/current_a"] == pytest.approx(50.0)
    assert values["teach-1/105/ac/voltage_v"] == 223.3


def test_every_meter_at_its_own_pace() -> None:
    slow, fast = devices(2, every_s=60.0)[0], devices(2, every_s=10.0)[1]
    line = Bus(bus(slow, fast), healthy)
    line.run(600.0)
    assert len(line.samples_of(slow.address)) == 10
    assert 58 <= len(line.samples_of(fast.address)) <= 60


def test_an_overloaded_bus_is_shared_fairly() -> None:
    first, *others = devices(12, every_s=5.0)
    greedy = replace(first, every_s=0.1)
    line = Bus(bus(greedy, *others), healthy)
    line.run(600.0)
    counts = [len(line.samples_of(meter.address)) for meter in (greedy, *others)]
    assert max(counts) - min(counts) <= max(counts) * 0.15
    assert min(counts) > 20


def test_a_dead_meter_is_asked_ever_more_rarely() -> None:
    dead, *others = devices(5, every_s=15.0)

    def answer(address: str, identifier: str, now: float) -> bytes:
        return b"" if address == dead.address else healthy(address, identifier, now)

    line = Bus(bus(dead, *others), answer)
    line.run(3600.0)
    tries = [at for at, address, _ in line.asked if address == dead.address]
    assert len(tries) <= 2 + 4 + 3600 / BACK_OFF_S
    assert tries[-1] - tries[-2] == pytest.approx(BACK_OFF_S, abs=5.0)
    for meter in others:
        assert len(line.samples_of(meter.address)) >= 3600 / 15 - 2
    assert set(line.reasons()) == {Reason.NO_ANSWER}
    assert {fault.source for fault in line.faults} == {f"bus/{dead.address}"}


def test_a_dead_meter_that_lives_again_is_back_within_the_longest_back_off() -> None:
    returning, other = devices(2)

    def answer(address: str, identifier: str, now: float) -> bytes:
        return b"" if address == returning.address and now < 3000.0 else healthy(address, identifier, now)

    line = Bus(bus(returning, other), answer)
    line.run(3400.0)
    back = line.samples_of(returning.address)
    assert 3000.0 <= back[0].at <= 3000.0 + BACK_OFF_S + 5.0
    assert back[1].at - back[0].at == pytest.approx(30.0, abs=5.0)


def test_a_whole_bus_that_lives_again_is_back_at_once() -> None:
    # different paces, so that their back-offs do not end together by themselves
    meters = tuple(replace(meter, every_s=5.0 * (index + 1)) for index, meter in enumerate(devices(10)))

    def answer(address: str, identifier: str, now: float) -> bytes:
        return b"" if now < 3000.0 else healthy(address, identifier, now)

    line = Bus(bus(*meters), answer)
    line.run(3400.0)
    first = [line.samples_of(meter.address)[0].at for meter in meters]
    assert max(first) - min(first) < 25.0


def test_a_lost_answer_is_asked_for_once_more() -> None:
    lost: list[str] = []

    def answer(address: str, identifier: str, now: float) -> bytes:
        if identifier not in lost:
            lost.append(identifier)
            return b""
        return healthy(address, identifier, now)

    line = Bus(bus(*devices(1)), answer)
    line.run(25.0)
    assert line.samples[0].values == {f"dorm-3/101/{name}": value for name, value in VALUES.items()}
    assert not line.faults


def damaged(data: bytes) -> bytes:
    return data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damaged, Reason.CHECKSUM),
        (lambda data: data[:9], Reason.HALF_FRAME),
        (lambda data: data[:-1] + b"\x17", Reason.BAD_END),
        (lambda data: b"\x00\x11\x22", Reason.NOISE),
    ],
)
def test_a_garbled_answer_is_a_fault_of_its_meter_and_no_value(spoil: Callable[[bytes], bytes], reason: Reason) -> None:
    def answer(address: str, identifier: str, now: float) -> bytes:
        data = healthy(address, identifier, now)
        return spoil(data) if identifier == "02030000" else data

    line = Bus(bus(*devices(1)), answer)
    line.run(25.0)
    assert "dorm-3/101/power_w" not in line.samples[0].values
    assert len(line.samples[0].values) == len(VALUES) - 1
    assert line.reasons() == [reason, reason, Reason.NO_ANSWER], "both tries, then the poll goes on"
    assert {fault.source for fault in line.faults} == {"bus/000000000001"}


def test_noise_and_echo_around_an_answer_cost_nothing() -> None:
    def answer(address: str, identifier: str, now: float) -> bytes:
        return dlt645.read_request(address, identifier) + b"\x00\x68\xff" + healthy(address, identifier, now)

    line = Bus(bus(*devices(1)), answer)
    line.run(25.0)
    assert len(line.samples[0].values) == len(VALUES)
    assert set(line.reasons()) == {Reason.NOISE}
    assert len(line.asked) == len(POLLED)


def test_the_answer_of_another_is_not_taken() -> None:
    def answer(address: str, identifier: str, now: float) -> bytes:
        if identifier == "02030000":
            return healthy("000000000009", identifier, now) + healthy(address, "00010000", now)
        return healthy(address, identifier, now)

    line = Bus(bus(*devices(1)), answer)
    line.run(25.0)
    assert "dorm-3/101/power_w" not in line.samples[0].values
    assert {Reason.WRONG_ADDRESS, Reason.WRONG_DATA, Reason.NO_ANSWER} == set(line.reasons())


def test_bad_digits_and_absent_values_are_no_readings() -> None:
    def answer(address: str, identifier: str, now: float) -> bytes:
        if identifier == "02010100":
            return reply_frame(address, QUERIES[identifier], {"voltage_v": None})
        if identifier == "02020100":
            return encode(address, 0x91, bytes.fromhex("00010202" "0A0000"))
        return healthy(address, identifier, now)

    line = Bus(bus(*devices(1)), answer)
    line.run(25.0)
    assert sorted(line.samples[0].values) == [
        "dorm-3/101/energy_kwh", "dorm-3/101/power_w", "dorm-3/101/reactive_power_var",
    ]  # fmt: skip
    assert line.reasons() == [Reason.BAD_DIGIT]


def test_what_a_meter_refuses_rests_for_a_day() -> None:
    def answer(address: str, identifier: str, now: float) -> bytes:
        if identifier == "02040000":
            return encode(address, 0xD1, bytes([NO_SUCH_DATA]))
        return healthy(address, identifier, now)

    line = Bus(bus(*devices(1, every_s=600.0)), answer)
    line.run(REST_S + 1300.0)
    asked = [at for at, _, identifier in line.asked if identifier == "02040000"]
    assert len(asked) == 2
    assert asked[1] - asked[0] >= REST_S
    assert line.reasons() == [Reason.METER_REFUSED] * 2
    assert "no such data" in line.faults[0].detail
    assert all(len(sample.values) == len(VALUES) - 1 for sample in line.samples)
    assert len(line.samples) >= REST_S / 600.0


def test_what_a_meter_never_answers_rests_too_but_not_what_it_once_answered() -> None:
    def answer(address: str, identifier: str, now: float) -> bytes:
        is_silent = identifier == "02040000" or (identifier == "02030000" and now > 100.0)
        return b"" if is_silent else healthy(address, identifier, now)

    line = Bus(bus(*devices(1)), answer)
    line.run(1000.0)
    asked = [identifier for _, _, identifier in line.asked]
    assert asked.count("02040000") == 3 * 2
    assert asked.count("02030000") > 30, "a bad line must not cost a day of power"


def test_a_meter_that_refuses_everything_is_left_alone() -> None:
    line = Bus(bus(*devices(1)), lambda address, identifier, now: encode(address, 0xD1, bytes([NO_SUCH_DATA])))
    line.run(3600.0)
    assert len(line.asked) == len(POLLED)
    assert not line.samples


def test_bytes_that_come_slowly_are_waited_for() -> None:
    poller = Poller(bus(*devices(1)), TABLES)
    assert poller.next_request(0.0)
    reply = healthy("000000000001", "00010000", 0.0)
    begun = poller.deadline()
    assert begun is not None
    assert poller.feed(reply[:10], begun - 0.01) == []
    longer = poller.deadline()
    assert longer is not None
    assert longer > begun
    poller.feed(reply[10:], longer - 0.01)
    second = poller.next_request(longer + 1.0)
    assert second is not None
    assert second.data == dlt645.read_request("000000000001", "02030000"), "the first was taken"


def test_a_babbling_line_ends_an_exchange_all_the_same() -> None:
    poller = Poller(bus(*devices(1)), TABLES)
    assert poller.next_request(0.0)
    now, babble = 0.0, bytes.fromhex("68 00 00 00 00 00 00 68 91 C8 33")
    while poller.next_request(now) is None:
        now += 0.1
        poller.feed(babble, now)
        assert now < 5.0


def test_noise_while_nobody_is_asked_belongs_to_the_line() -> None:
    poller = Poller(bus(*devices(1)), TABLES)
    assert poller.feed(b"\x01\x02\x03", 0.0) == []
    assert poller.next_request(0.1)
    assert poller.feed(b"", 0.2) == [Fault("bus", 0.1, Reason.NOISE, "01 02 03")]


def test_a_bus_without_meters_has_nothing_to_do() -> None:
    poller = Poller(bus(), TABLES)
    assert poller.next_request(0.0) is None
    assert poller.deadline() is None
    assert poller.feed(b"\x68", 1.0) == []


def test_what_a_round_costs() -> None:
    (meter,) = devices(1)
    cost = device_cost_s(meter, LINE, TABLES)
    assert cost == pytest.approx(5 * 0.15 + 11 / 2400 * (5 * (20 + 20) + 4 + 3 + 3 + 2 + 3))
    assert device_cost_s(meter, Line(9600), TABLES) < cost / 1.5
    twenty = bus(*devices(20))
    assert expected_round_s(twenty, TABLES) == pytest.approx(20 * cost)
    assert bus_load(twenty, TABLES) == pytest.approx(20 * cost / 30.0)
    assert bus_load(bus(*devices(10)), TABLES) < 1.0 < bus_load(twenty, TABLES)
    line = Bus(bus(*devices(20, every_s=0.1)), healthy)
    line.run(600.0)
    assert len(line.samples) == pytest.approx(600.0 / cost, rel=0.05), "the estimate is what the bus does"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=30) | st.just(None), st.floats(0.0, 2.0)), max_size=40))
def test_no_bytes_at_any_time_crash_or_hang(steps: list[tuple[bytes | None, float]]) -> None:
    poller = Poller(bus(*devices(2, every_s=1.0)), TABLES)
    now, asked = 0.0, 0
    for data, passed in steps:
        now += passed
        if poller.next_request(now) is not None:
            asked += 1
        reply = healthy("000000000001", "00010000", now) if data is None else data
        for item in poller.feed(reply, now):
            assert item.at <= now
        due = poller.deadline()
        assert due is not None
        assert due <= now + 2 * BACK_OFF_S
    for _ in range(10):   # left in peace it asks again
        due = poller.deadline()
        assert due is not None
        now = max(now, due)
        poller.feed(b"", now)
        asked += poller.next_request(now) is not None
    assert asked >= 3
