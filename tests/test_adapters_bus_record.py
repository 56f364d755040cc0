"""The statistics of a bus: noted in virtual time, by hand and by a poller."""

import pytest

from adapters.bus_record import LATENCIES, MINUTES, MOST_UNKNOWN, BusRecord, Latency
from adapters.device_table import load_tables
from adapters.dlt645 import Frame, new_decoder
from adapters.poller import GAP_S, Poller, device_ids
from adapters.source import Device, Line, SerialSource
from daemon.simulation.dlt645 import reply_frame
from rules.model import Fault, Reason

TABLES = load_tables()
TABLE = TABLES["dlt645-single-phase"]
VALUES = {"energy_kwh": 12.34, "power_w": 251.2, "reactive_power_var": -10.0, "voltage_v": 223.3, "current_a": 1.25}
LIVING, DEAD = (
    Device(model=TABLE.name, address=address, place=f"dorm-3/{room}", every_s=30.0)
    for address, room in (("000000000001", 101), ("000000000002", 102))
)
NOON = 1_790_000_000.0


@pytest.mark.parametrize(
    ("spans", "now", "share"),
    [
        ([], 100.0, None),
        ([(0.0, 1.0)], 10.0, 0.1),
        ([(0.0, 1.0), (5.0, 6.5)], 10.0, 0.25),
        ([(30.0, 90.0)], 90.0, 1.0),
        ([(0.0, 60.0)], 600.0, 0.0),                # the minute before the last ten is forgotten
        ([(0.0, 60.0), (300.0, 354.0)], 600.0, 0.1),
        ([(0.0, 3000.0)], 3000.0, 1.0),
        ([(0.0, 1.0)], 86_400.0, 0.0),
        ([(0.0, 5.0)], 2.0, 1.0),                   # what is promised to an answer that is still due
    ],
)
def test_how_busy_a_bus_was(spans: list[tuple[float, float]], now: float, share: float | None) -> None:
    record = BusRecord()
    for span in spans:
        record.busy(*span)
    assert record.state(now, clock=NOON).busy == (None if share is None else pytest.approx(share))


def test_busy_minutes_do_not_gather() -> None:
    record = BusRecord()
    for minute in range(1000):
        record.busy(minute * 60.0, minute * 60.0 + 15.0)
    assert len(record._busy_s) <= 2 * MINUTES
    assert record.state(999 * 60.0 + 15.0, clock=NOON).busy == pytest.approx(150.0 / 555.0)


def test_questions_answers_and_how_long_they_took() -> None:
    record = BusRecord(["bus/1", "bus/2"])
    for at, latency_s in ((0.0, 0.1), (10.0, 0.3), (20.0, 0.2)):
        record.asked("bus/1", at)
        record.answered("bus/1", at + latency_s)
    record.asked("bus/2", 30.0)
    record.asked("bus/2", 31.0)     # again
    record.answered("bus/2", 31.5)
    record.answered("bus/2", 40.0)  # nobody asked
    state = record.state(50.0, clock=NOON)
    first, second = state.slaves
    assert (first.asked, first.answered, first.latency) == (3, 3, pytest.approx(Latency(0.2, 0.3)))
    assert (second.asked, second.answered, second.latency) == (2, 2, pytest.approx(Latency(0.5, 0.5)))
    assert (state.asked, state.answered, state.latency) == (5, 5, pytest.approx(Latency(0.25, 0.5)))


def test_only_the_last_answers_say_how_fast_a_device_is() -> None:
    record = BusRecord(["bus/1"])
    for number in range(2 * LATENCIES):
        record.asked("bus/1", number * 10.0)
        record.answered("bus/1", number * 10.0 + (0.4 if number < LATENCIES else 0.1))
    assert record.state(0.0, clock=NOON).slaves[0].latency == pytest.approx(Latency(0.1, 0.1))


def test_silence_has_a_time_of_day_until_the_next_answer() -> None:
    record = BusRecord(["bus/1"])
    record.silent("bus/1", 100.0)
    record.silent("bus/1", 130.0)
    assert record.state(160.0, clock=NOON).slaves[0].silent_since == NOON - 60.0
    record.answered("bus/1", 170.0)
    assert record.state(180.0, clock=NOON).slaves[0].silent_since is None


def test_faults_of_devices_and_of_the_bus_and_strangers() -> None:
    record = BusRecord(["bus/1"])
    for source, reason in (("bus/1", Reason.CHECKSUM), ("bus/1", Reason.NO_ANSWER), ("bus/1", Reason.NO_ANSWER),
                           ("bus", Reason.NOISE)):  # fmt: skip
        record.fault(source, reason)
    for number in range(2 * MOST_UNKNOWN):
        record.heard(str(number))
        record.heard("0")
    state = record.state(0.0, clock=NOON)
    assert state.slaves[0].faults == {"no_answer": 2, "checksum": 1}
    assert state.faults == {"noise": 1}
    assert len(state.unknown) == MOST_UNKNOWN
    assert state.unknown["0"] == 2 * MOST_UNKNOWN + 1


def test_a_snapshot_stays_as_it_is() -> None:
    record = BusRecord(["bus/1"])
    before = record.state(0.0, clock=NOON)
    record.asked("bus/1", 1.0)
    record.fault("bus/1", Reason.NOISE)
    record.heard("17")
    assert before == BusRecord(["bus/1"]).state(0.0, clock=NOON)


def test_a_poller_keeps_the_record_of_a_living_and_a_dead_meter() -> None:
    """Answers take 0.2 s; two pollers one after the other, as after a port that came back, add up."""
    source = SerialSource(name="bus", port="/dev/null", line=Line(), devices=(LIVING, DEAD))
    record, faults = BusRecord(device_ids(source, TABLES)), 0
    questions, now, taken_s = 0, 0.0, 0.0
    for end in (300.0, 600.0):
        poller = Poller(source, TABLES, record=record)
        while now < end:
            begun, request, data = now, poller.next_request(now), b""
            due = poller.deadline()
            assert due is not None
            if request is not None:
                questions += 1
                (frame,) = new_decoder().feed(request.data)
                assert isinstance(frame, Frame)
                if frame.address == LIVING.address:
                    (query,) = [query for query in TABLE.queries if query.name == frame.identifier]
                    data = reply_frame(LIVING.address, query, VALUES)
            now = now + 0.2 if data else max(now, due)
            faults += sum(isinstance(item, Fault) for item in poller.feed(data, now))
            taken_s += now - begun + GAP_S if request is not None else 0.0
    state = record.state(now, clock=NOON)
    living, dead = state.slaves
    assert state.asked == questions
    assert living.answered == living.asked == 20 * len(TABLE.polled)
    assert living.latency == pytest.approx(Latency(0.2, 0.2))
    assert living.silent_since is None
    assert dead.answered == 0
    assert dead.faults == {"no_answer": faults}
    assert 10 > dead.faults["no_answer"] > 1
    assert dead.silent_since == pytest.approx(NOON - now + len(TABLE.polled) * (0.2 + GAP_S), abs=1.0)
    assert state.busy == pytest.approx(taken_s / now, abs=0.01)
