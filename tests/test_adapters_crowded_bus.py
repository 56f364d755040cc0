"""32 meters of four protocols on one line, three of them dead and noise on it: the others keep their readings."""

import os
import threading
import time
from pathlib import Path

import pytest
from mixed_bus import DEAD, TABLES, Polled, healthy, meters, names, poll, source

from adapters.poller import bus_load
from adapters.serial_line import SerialTransport
from adapters.source import Line, SerialSource
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Trouble
from daemon.simulation.port import SimulatedPort
from rules.model import Fault, Reason, Received

SPAN_S = 900.0   # while dead meters are still asked often
ROUNDS = int(os.environ.get("CARETAKER_BUS_ROUNDS", "1"))
BUS = source()


def test_the_bus_is_as_full_as_buses_are() -> None:
    assert len(BUS.devices) == 32
    assert {TABLES[device.model].codec.name for device in BUS.devices} == {
        "dlt645-2007", "dlt645-1997", "cjt188-2004", "mbus", "modbus"
    }  # fmt: skip
    assert 0.4 < bus_load(BUS, TABLES) < 0.8


def test_three_dead_meters_and_noise_cost_the_others_less_than_a_twentieth() -> None:
    polled = poll(BUS, SimulatedLine(meters(BUS, DEAD), noise_per_s=0.2), SPAN_S)
    shares = polled.shares(BUS, SPAN_S)
    assert min(healthy(shares)) >= 0.95
    assert [shares[number] for number in DEAD] == [0.0, 0.0, 0.0]
    reasons = {fault.reason for fault in polled.faults}
    assert {Reason.NO_ANSWER, Reason.NOISE, Reason.CHECKSUM} <= reasons
    assert {fault.source for fault in polled.faults if fault.reason is Reason.NO_ANSWER} == {
        names(BUS)[number] for number in DEAD
    }


def test_nor_do_they_where_the_line_is_at_its_limit() -> None:
    bus = source(every_s=32.0)
    assert bus_load(bus, TABLES) > 1.0
    alive = poll(bus, SimulatedLine(meters(bus)), SPAN_S).shares(bus, SPAN_S)
    beside_dead = poll(bus, SimulatedLine(meters(bus, DEAD)), SPAN_S).shares(bus, SPAN_S)
    assert all(left >= 0.95 * before for left, before in zip(healthy(beside_dead), healthy(alive), strict=True))


@pytest.mark.parametrize("trouble", [Trouble.HALF_FRAME, Trouble.CHECKSUM, 0.45, 0.7, 1.2], ids=str)
def test_nor_do_meters_that_answer_badly_or_late(trouble: Trouble | float) -> None:
    """At 1.2 s a poll is over before its answer comes, which then meets the question to the next meter."""
    there = meters(BUS)
    for number in DEAD:
        if isinstance(trouble, Trouble):
            there[number].trouble = trouble
        else:
            there[number].delay_s = trouble
    shares = poll(BUS, SimulatedLine(there), SPAN_S).shares(BUS, SPAN_S)
    assert sorted(healthy(shares))[1] >= 0.95
    assert min(healthy(shares)) >= 0.85, "of 15 polls the first may meet late answers to both tries, and one more"


def test_two_meters_of_one_address_cost_only_each_other() -> None:
    there = meters(BUS)
    double = meters(BUS)[DEAD[0]]
    double.delay_s += 0.011
    polled = poll(BUS, SimulatedLine([*there, double]), SPAN_S)
    shares = polled.shares(BUS, SPAN_S)
    assert shares[DEAD[0]] == 0.0
    assert all(share >= 0.95 for number, share in enumerate(shares) if number != DEAD[0])
    reasons = {fault.reason for fault in polled.faults if fault.source == names(BUS)[DEAD[0]]}
    assert reasons > {Reason.NO_ANSWER}, "their bytes come, mixed"


class Watched:
    """What a transport handed over, and what happened meanwhile."""

    def __init__(self, bus: SerialSource, span_s: float) -> None:
        self.polled = Polled([], [])
        self.is_gone, self.is_back, self.is_complete = (threading.Event() for _ in range(3))
        self._bus, self._span_s = bus, span_s

    def __call__(self, batch: list[Received]) -> None:
        for received in batch:
            if isinstance(received.what, Fault):
                self.polled.faults.append(received.what)
            elif received.what.device != "source/bus":
                self.polled.samples.append(received.what)
                self.is_back.set()
            elif not received.what.values["source/bus/online"]:
                self.is_gone.set()
        if min(healthy(self.polled.shares(self._bus, self._span_s))) >= 0.95:
            self.is_complete.set()


def test_on_a_real_port_that_is_pulled_out_and_comes_back(tmp_path: Path) -> None:
    """At the pace of a fast line; CARETAKER_BUS_ROUNDS makes it long."""
    link, every_s = tmp_path / "adapter", 20.0
    bus = source(every_s=every_s, slow=Line(57_600, 8, "N", 1), fast=Line(115_200, 8, "N", 1), port=str(link))
    there = meters(bus, DEAD)
    for one in there:
        one.delay_s = 0.005
    watched = Watched(bus, ROUNDS * every_s)
    with SimulatedPort(SimulatedLine(there, noise_per_s=0.2), link=link) as port:
        transport = SerialTransport(bus, TABLES, clock=time.time, hand_over=watched)
        transport.start()
        try:
            assert watched.is_complete.wait(ROUNDS * every_s)
            port.unplug()
            assert watched.is_gone.wait(10.0)
            watched.is_back.clear()
            port.plug_in()
            assert watched.is_back.wait(10.0)
        finally:
            transport.stop()
    silent = {fault.source for fault in watched.polled.faults if fault.reason is Reason.NO_ANSWER}
    assert silent >= {names(bus)[number] for number in DEAD}
