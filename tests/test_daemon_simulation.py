"""Simulated meters: what they say is what the tables read, and their line behaves as wires do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_bus import FAST, SLOW, TABLES, VALUES, poll

from adapters import cjt188, dlt645, mbus
from adapters.device_table import DeviceTable
from adapters.poller import byte_s
from adapters.protocol import Garble
from adapters.source import Device, Line, SerialSource
from daemon.simulation.cjt188 import Cjt188Meter
from daemon.simulation.line import SimulatedLine
from daemon.simulation.mbus import MbusMeter
from daemon.simulation.meter import Meter, Trouble, meter
from daemon.simulation.wire import Sent, heard
from rules.model import Reason

ADDRESSES = {"dlt645-2007": "20230001", "dlt645-1997": "97000001", "cjt188-2004": "78330011223344", "modbus": "17"}
POWER_METER = TABLES["dlt645-single-phase"]


def measured(table: DeviceTable) -> dict[str, float]:
    """A value for each field of a table, one that the registers can show."""
    fields = [field for query in table.queries for field in query.fields]
    return {field.label: VALUES.get(field.label, VALUES.get(field.quantity, 1.0)) for field in fields}


def asked(line: SimulatedLine, request: bytes, *, at: float = 0.0, settings: Line = SLOW) -> bytes:
    """All that comes back for a request."""
    line.feed(request, at, settings=settings)
    data = b""
    while (due := line.due()) is not None:
        data += line.take(due)
    return data


def frames(table: DeviceTable, data: bytes) -> list[Any]:
    decoder = table.codec.decoder()
    return decoder.feed(data) + decoder.flush()


# -- what meters say


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_meter_of_each_table_says_what_the_table_reads(name: str) -> None:
    table, values = TABLES[name], measured(TABLES[name])
    address = table.codec.address(ADDRESSES.get(table.protocol, "5"))
    device = Device(model=name, address=address, place="dorm-3/101", line=FAST)
    bus = SerialSource(name="bus", port="/dev/null", line=SLOW, devices=(device,))
    polled = poll(bus, SimulatedLine([meter(table, address, lambda _: values, line=FAST)]), 29.0)
    assert not polled.faults
    (sample,) = polled.samples
    found = {point.removeprefix("dorm-3/101/"): value for point, value in sample.values.items()}
    assert found == {field.label: pytest.approx(values[field.label], rel=0.01, abs=1.0) for field in table.fields}


def test_what_a_meter_does_not_measure_it_refuses_and_what_it_shows_as_absent_is_absent() -> None:
    values: Mapping[str, float | None] = {"power_w": 251.2, "energy_kwh": None}
    line = SimulatedLine([meter(POWER_METER, "000000000017", lambda _: values)])
    (refused,) = frames(POWER_METER, asked(line, dlt645.read_request("000000000017", "02010100")))
    assert refused.error_word == dlt645.NO_SUCH_DATA
    (absent,) = frames(POWER_METER, asked(line, dlt645.read_request("000000000017", "00010000"), at=1.0))
    assert absent.payload == b"\xff" * 4


@pytest.mark.parametrize(
    ("address", "is_meant"), [("AAAAAAAAAAAA", True), ("AAAAAAAA0001", True), ("AAAAAAAA0002", False)]
)
def test_an_address_may_be_left_open(address: str, is_meant: bool) -> None:
    line = SimulatedLine([meter(POWER_METER, "000020230001", lambda _: VALUES)])
    found = frames(POWER_METER, asked(line, dlt645.encode(address, dlt645.READ_ADDRESS)))
    assert [frame.address for frame in found] == ["000020230001"] * is_meant


def test_a_water_meter_tells_its_address_and_knows_one_order_of_the_identifier() -> None:
    table = TABLES["cjt188-cold-water"]
    line = SimulatedLine([meter(table, "78330011223344", lambda _: VALUES)])
    (reply,) = frames(table, asked(line, cjt188.encode(0x10, cjt188.ANY_ADDRESS, cjt188.READ_ADDRESS, b"\x81\x0a\x00")))
    assert (reply.address, reply.data) == ("78330011223344", b"\x81\x0a\x00")
    assert asked(line, cjt188.read_request(0x10, "78330011223344", b"\x90\x1f"), at=1.0) == b""
    assert asked(line, cjt188.read_request(0x10, "78330011223344", b"\x1f\x90"), at=2.0) != b""


def test_a_heat_meter_that_puts_units_first() -> None:
    table, address = TABLES["cjt188-heat"], "74001206471301"
    odd = meter(table, address, lambda _: VALUES, talk=Cjt188Meter(table, address, is_unit_first=True))
    (query,) = table.queries
    usual, unit_first = (
        frames(table, asked(SimulatedLine([one]), table.codec.request(address, query) or b""))
        for one in (meter(table, address, lambda _: VALUES), odd)
    )
    assert usual[0].raw != unit_first[0].raw
    assert table.codec.decode(query, usual) == table.codec.decode(query, unit_first)


@pytest.mark.parametrize("telegrams", [1, 2, 5])
@pytest.mark.parametrize(("address", "asked_as"), [("5", "5"), ("1149037877040E16", "1149037877040E16"),
                                                   ("1149037877040E16", "FFFFFF78FFFFFFFF")])  # fmt: skip
def test_an_answer_in_telegrams(telegrams: int, address: str, asked_as: str) -> None:
    table = TABLES["mbus-water"]
    talk = MbusMeter(table, address, telegrams=telegrams)
    others = [meter(table, other, lambda _: VALUES) for other in ("6", "2009340177040216")]
    device = Device(model=table.name, address=asked_as, place="dorm-3/101")
    bus = SerialSource(name="bus", port="/dev/null", line=SLOW, devices=(device,))
    line = SimulatedLine([meter(table, address, lambda _: VALUES, talk=talk), *others])
    polled = poll(bus, line, 59.0)
    assert not polled.faults
    assert [sample.values for sample in polled.samples] == [{"dorm-3/101/volume_m3": 556.77}] * 2


def test_a_telegram_is_sent_again_until_the_bit_turns() -> None:
    table = TABLES["mbus-water"]
    line = SimulatedLine([meter(table, "5", lambda _: VALUES, talk=MbusMeter(table, "5", telegrams=2))])
    controls = [0x40, 0x7B, 0x7B, 0x5B, 0x7B]
    replies = [asked(line, mbus.short(control, 5), at=float(at)) for at, control in enumerate(controls)]
    first, again, last, anew = (mbus.Frame(reply) for reply in replies[1:])
    assert replies[0] == b"\xe5"
    assert (first.has_more, again.has_more, last.has_more, anew.has_more) == (True, True, False, True)
    assert first.data[mbus.HEAD :] == again.data[mbus.HEAD :] == anew.data[mbus.HEAD :]


# -- what is wrong with them


@pytest.mark.parametrize(
    ("trouble", "reasons"),
    [
        (None, []), (Trouble.SILENCE, []), (Trouble.CHECKSUM, [Reason.CHECKSUM]),
        (Trouble.HALF_FRAME, [Reason.HALF_FRAME]), (Trouble.NOISE, [Reason.NOISE]),
    ],
)  # fmt: skip
def test_troubles(trouble: Trouble | None, reasons: list[Reason]) -> None:
    bad = meter(POWER_METER, "000000000017", lambda _: VALUES)
    bad.trouble = trouble
    found = frames(POWER_METER, asked(SimulatedLine([bad]), dlt645.read_request("000000000017", "02030000")))
    assert [item.reason for item in found if isinstance(item, Garble)][:1] == reasons
    assert len([item for item in found if not isinstance(item, Garble)]) == (trouble in (None, Trouble.NOISE))


def test_an_echo_comes_before_the_answer() -> None:
    request = dlt645.read_request("000000000017", "02030000")
    line = SimulatedLine([meter(POWER_METER, "000000000017", lambda _: VALUES)], echoes=True)
    data = asked(line, request)
    assert data.startswith(request)
    assert len(frames(POWER_METER, data)) == 2


def test_an_answer_takes_its_time() -> None:
    slow = meter(POWER_METER, "000000000017", lambda _: VALUES)
    slow.delay_s = 0.4
    line, request = SimulatedLine([slow]), dlt645.read_request("000000000017", "02030000")
    line.feed(request, 10.0, settings=SLOW)
    begins = 10.0 + len(request) * byte_s(SLOW) + 0.4
    assert line.take(begins) == b""
    assert line.take(begins + 3.5 * byte_s(SLOW)) == b"\x68\x17\x00"
    assert len(line.take(begins + 1.0)) == 16


def test_nothing_arrives_twice_when_the_program_goes_on_before_it_took_all() -> None:
    line = SimulatedLine(meter(POWER_METER, f"00000000001{digit}", lambda _: VALUES) for digit in (7, 8))
    line.feed(dlt645.read_request("000000000017", "02030000"), 0.0, settings=SLOW)
    due = line.due()
    assert due is not None
    data = line.take(due)
    assert data
    data += asked(line, dlt645.read_request("000000000018", "02030000"), at=due + 1.0)
    assert [frame.address for frame in frames(POWER_METER, data)] == ["000000000017", "000000000018"]


def test_noise_comes_by_chance_and_the_same_each_time() -> None:
    def noise(seed: int) -> bytes:
        line = SimulatedLine([], noise_per_s=1.0, seed=seed)
        return b"".join(line.take(float(at)) for at in range(100))

    assert len(noise(1)) > 50
    assert noise(1) == noise(1)
    assert noise(1) != noise(2)


# -- answers at once


def crowd(count: int) -> list[Meter]:
    return [meter(POWER_METER, f"{number * 7919:012}", lambda _: VALUES) for number in range(1, count + 1)]


def test_answers_at_once_collide_and_narrowing_finds_each() -> None:
    there = crowd(8)
    everyone = asked(SimulatedLine(there), dlt645.encode(dlt645.ANY_ADDRESS, dlt645.READ_ADDRESS))
    assert everyone
    assert all(isinstance(item, Garble) for item in frames(POWER_METER, everyone))
    for one in there:
        narrowed = dlt645.encode("AAAAAAAA" + one.address[-4:], dlt645.READ_ADDRESS)
        (reply,) = frames(POWER_METER, asked(SimulatedLine(there), narrowed))
        assert reply.address == one.address


def test_bytes_at_the_same_time_mix_as_wires_do() -> None:
    mixed = [heard([Sent(0.0, bytes([a]), SLOW), Sent(0.0, bytes([b]), SLOW)], SLOW, is_strict=False)
             for a, b in ((0xE5, 0xE5), (0xFF, 0x00), (0xAA, 0x66))]  # fmt: skip
    assert [[byte for _, byte in found] for found in mixed] == [[0xE5], [0x00], [0x22]]


# -- settings


LINES = st.sampled_from([SLOW, FAST, Line(2400, 8, "N", 1), Line(9600, 8, "O", 1), Line(1200, 7, "E", 1)])


@given(st.binary(min_size=1, max_size=20), LINES)
def test_the_same_settings_hear_what_is_sent(data: bytes, line: Line) -> None:
    data = bytes(byte & (1 << line.bits) - 1 for byte in data)
    together = [Sent(5.0, data, line), Sent(5.0, data, line)]   # the same twice: sampled bit by bit
    for talk in (together[:1], together):
        assert bytes(byte for _, byte in heard(talk, line, is_strict=True)) == data
    assert [at for at, _ in heard(together, line, is_strict=True)] == pytest.approx(
        [at for at, _ in heard(together[:1], line, is_strict=True)]
    )


@settings(max_examples=30)
@given(st.sampled_from([(SLOW, FAST), (FAST, SLOW), (Line(2400, 8, "N", 1), SLOW)]))
def test_a_meter_of_other_settings_is_not_reached(lines: tuple[Line, Line]) -> None:
    ours, its = lines
    line = SimulatedLine([meter(POWER_METER, "000000000017", lambda _: VALUES, line=its)])
    request = dlt645.read_request("000000000017", "02030000")
    assert asked(line, request, settings=ours) == b""
    assert asked(line, request, at=5.0, settings=its) != b""


def test_a_port_of_another_speed_hears_garbage() -> None:
    reply = Sent(0.0, dlt645.encode("000000000017", 0x91, bytes(8)), FAST)
    for line in (SLOW, replace(FAST, baud=4800), replace(FAST, baud=19_200)):
        data = bytes(byte for _, byte in heard([reply], line, is_strict=False))
        assert data
        assert data != reply.data
        assert all(isinstance(item, Garble) for item in frames(POWER_METER, data))


def test_parity_alone_keeps_a_meter_from_answering() -> None:
    sent = [Sent(0.0, bytes(range(64)), Line(2400, 8, "N", 1))]
    assert len(heard(sent, SLOW, is_strict=True)) < 40
    assert heard([Sent(0.0, b"\x17", Line(2400, 8, "O", 1))], SLOW, is_strict=True) == []
    assert [byte for _, byte in heard([Sent(0.0, b"\x17", Line(2400, 8, "O", 1))], SLOW, is_strict=False)] == [0x17]
