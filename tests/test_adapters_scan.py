"""The search for meters on simulated wires, where answers collide; nothing here takes time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import mixed_bus
import pytest

from adapters import cjt188, dlt645, dlt698, mbus, modbus
from adapters.device_table import load_tables
from adapters.protocols import CODECS
from adapters.scan import LINES, PROTOCOLS, Met, Scan, Stage, stages
from adapters.scan_dlt645 import MODEL_1997, MODELS
from adapters.scan_probe import Note, fits
from adapters.source import Line
from daemon.simulation.line import SimulatedLine
from daemon.simulation.meter import Meter, meter
from daemon.simulation.modbus import answer, cells_of

TABLES = load_tables()
SLOW, FAST = Line(), Line(9600, 8, "N", 1)
VALUES = mixed_bus.VALUES
SINGLE = "dlt645-single-phase"


class Scanned(NamedTuple):
    met: list[Met]
    notes: list[Note]
    stages: list[Stage]
    scan: Scan
    took_s: float

    def of(self, protocol: str) -> dict[str, tuple[str, ...]]:
        """Address and models of what was met."""
        return {met.found.address: met.found.models for met in self.met if met.found.protocol == protocol}

    @property
    def codes(self) -> set[str]:
        return {note.code for note in self.notes}


def a_meter(model: str, address: str, values: Mapping[str, Any] = VALUES, *, line: Line = SLOW) -> Meter:
    return meter(TABLES[model], address, lambda _: values, line=line)


def search(
    meters: Sequence[Meter] = (), *, protocols: Sequence[str] = PROTOCOLS, at: Line | None = SLOW, echoes: bool = False,
    noise_per_s: float = 0.0, every_address: bool = False,
) -> Scanned:  # fmt: skip
    line = SimulatedLine(meters, echoes=echoes, noise_per_s=noise_per_s)
    scan = Scan(stages(TABLES, protocols=protocols, line=at, every_address=every_address))
    done = Scanned([], [], [], scan, 0.0)
    now = 0.0
    while not scan.is_over:
        request = scan.next_request(now)
        if request is not None:
            line.feed(request.data, now, settings=request.line)
        now = max(now, min(due for due in (scan.deadline(), line.due()) if due is not None))
        for event in scan.feed(line.take(now), now):
            kept: Mapping[type, list[Any]] = {Met: done.met, Note: done.notes, Stage: done.stages}
            kept[type(event)].append(event)
    return done._replace(took_s=now)


# -- DL/T 645


def test_eight_meters_that_answer_at_once() -> None:
    addresses = [f"{20_230_001 + count:012d}" for count in range(8)]
    line = SimulatedLine([a_meter(SINGLE, address) for address in addresses])
    line.feed(bytes.fromhex("68AAAAAAAAAAAA681300DF16"), 0.0, settings=SLOW)
    decoder = dlt645.new_decoder()
    collided = decoder.feed(line.take(5.0)) + decoder.flush()
    assert not any(isinstance(item, dlt645.Frame) for item in collided), "they do collide"
    done = search([a_meter(SINGLE, address) for address in addresses], protocols=["dlt645"])
    assert done.of("dlt645-2007") == dict.fromkeys(addresses, (SINGLE,))
    assert not done.notes


@pytest.mark.parametrize(
    "addresses",
    [
        ("000000000001", "000000000101", "000000010101", "010000000001"),       # alike in their last digits
        ("682023001668", "161668682016", "686868686868", "161616161616"),   # what frames begin and end with
        ("202300000099", "202300000000"),
        ("000000000001",),
    ],
)  # fmt: skip
def test_any_addresses(addresses: tuple[str, ...]) -> None:
    values = [VALUES | {"voltage_v": 229.0 + number / 10, "energy_kwh": 7.77 * number} for number in range(4)]
    done = search(list(map(a_meter, [SINGLE] * 4, addresses, values)), protocols=["dlt645"])
    assert set(done.of("dlt645-2007")) == set(addresses)
    assert not done.notes


def pairs_that_sound_like_one() -> Iterator[list[Meter]]:
    """Two meters whose answers to the general call, to the bit at once, are the clean frame of one of them."""
    for batch in range(40):
        meters = [a_meter(SINGLE, f"{batch * 100 + number:012d}", VALUES | {"voltage_v": 220.0 + number})
                  for number in (1, 3)]  # fmt: skip
        for one in meters:
            one.delay_s = 0.03
        line, decoder = SimulatedLine(meters), dlt645.new_decoder()
        line.feed(dlt645.encode(dlt645.ANY_ADDRESS, dlt645.READ_ADDRESS), 0.0, settings=SLOW)
        found = decoder.feed(line.take(5.0)) + decoder.flush()
        if len(found) == 1 and isinstance(found[0], dlt645.Frame):
            yield meters


def test_a_meter_hidden_behind_another_is_found() -> None:
    pairs = list(pairs_that_sound_like_one())
    assert len(pairs) > 5
    for meters in pairs:
        assert len(search(meters, protocols=["dlt645"]).of("dlt645-2007")) == 2


class Scripted:
    """A meter that says what it is told to say to an identifier, and refuses all others."""

    def __init__(self, address: str, said: Mapping[str, str] | None = None, *, is_stubborn: bool = False) -> None:
        self._address = address
        self._said = said or {"00010000": "00000000"}
        self._is_stubborn = is_stubborn

    def answer(self, request: dlt645.Frame, values: object) -> bytes:
        is_short = "AA" in request.address and request.address != dlt645.ANY_ADDRESS
        if request.is_reply or not fits(request.address, self._address) or (is_short and self._is_stubborn):
            return b""
        if request.function == dlt645.READ_ADDRESS:
            return dlt645.encode(self._address, 0x93, bytes.fromhex(self._address)[::-1])
        if request.function != dlt645.READ:
            return b""
        if request.identifier in self._said:
            return dlt645.encode(self._address, 0x91, request.data + bytes.fromhex(self._said[request.identifier]))
        return dlt645.encode(self._address, 0xD1, bytes([dlt645.NO_SUCH_DATA]))


def scripted(address: str, said: Mapping[str, str] | None = None, *, is_stubborn: bool = False) -> Meter:
    talk = Scripted(address, said, is_stubborn=is_stubborn)
    return meter(TABLES[SINGLE], address, lambda _: {}, line=SLOW, talk=talk)


def test_three_phases_are_told_by_the_voltage_of_phase_b() -> None:
    said = {"000000000001": {}, "000000000002": {"02010200": "0423"}, "000000000003": {"02010200": "0000"},
            "000000000004": {"02010200": "FFFF"}}  # fmt: skip
    single, three = (MODELS[0],), (MODELS[1],)
    found = search([scripted(*item) for item in said.items()], protocols=["dlt645"]).of("dlt645-2007")
    assert list(found.values()) == [single, three, MODELS, single]


def test_old_meters_beside_new_ones() -> None:
    old = [a_meter(MODEL_1997, f"{97_000_001 + count:012d}") for count in range(3)]
    done = search([a_meter(SINGLE, "000000000001"), *old], protocols=["dlt645"])
    assert done.of("dlt645-2007") == {"000000000001": (SINGLE,)}
    assert done.of("dlt645-1997") == {one.address: (MODEL_1997,) for one in old}


def test_two_meters_of_one_address_are_told() -> None:
    meters = [scripted(address) for address in ("000000000001", "000000000001", "000000000002")]
    for one, delay_s in zip(meters, (0.02, 0.023, 0.02), strict=True):
        one.delay_s = delay_s
    done = search(meters, protocols=["dlt645"])
    assert set(done.of("dlt645-2007")) == {"000000000002"}
    assert Note("clash", "000000000001") in done.notes


def test_meters_that_know_no_shortened_address_are_told() -> None:
    meters = [scripted(address, is_stubborn=True) for address in ("000000000001", "000000000006")]
    for one in meters:
        one.delay_s = 0.02
    assert search(meters, protocols=["dlt645"]).notes == [Note("crowd", dlt645.ANY_ADDRESS)]


def test_a_meter_of_698_is_named() -> None:
    address = bytes.fromhex("010000002320")
    body = bytes([0xC3, 0x05, *address, 0x00])
    told = bytes.fromhex("8501004001020001090620230000000100")
    head = (2 + len(body) + 2 + len(told) + 2).to_bytes(2, "little") + body
    head += dlt698._crc(head).to_bytes(2, "little") + told
    frame = b"\x68" + head + dlt698._crc(head).to_bytes(2, "little") + b"\x16"

    scan = Scan(stages(TABLES, protocols=["dlt645"], line=SLOW))
    now, notes, asked = 0.0, [], []
    while not scan.is_over:
        request = scan.next_request(now)
        answer = b""
        if request is not None and request.data == dlt698.address_request():
            asked.append(now)
            answer = b"\x00" + request.data + frame   # behind a crackle and our own echo, a frame of 698 too
        now = (scan.deadline() or now) - 0.01
        notes += [event for event in scan.feed(answer, now) if isinstance(event, Note)]
        now = scan.deadline() or now
        notes += [event for event in scan.feed(b"", now) if isinstance(event, Note)]
    assert len(asked) == 1
    assert notes == [Note("dlt698", "202300000001")]


def test_the_question_to_698_is_a_whole_frame() -> None:
    decoder = dlt645.new_decoder()
    (seen,) = decoder.feed(dlt698.address_request())
    assert seen.reason.value == "other_protocol"
    assert not dlt698.is_reply(seen.raw)


# -- the others


def test_water_meters_in_both_orders_and_kinds() -> None:
    models = {"cjt188-cold-water": 4, "cjt188-cold-water-high-first": 2, "cjt188-hot-water": 1, "cjt188-heat": 1}
    meters = [
        a_meter(model, f"{78_330_000_000_001 + 7 * number + 1000 * kind}")
        for kind, (model, many) in enumerate(models.items()) for number in range(many)
    ]  # fmt: skip
    done = search(meters, protocols=["cjt188"])
    assert done.of("cjt188-2004") == {
        f"{78_330_000_000_001 + 7 * number + 1000 * kind}": (model,)
        for kind, (model, many) in enumerate(models.items()) for number in range(many)
    }  # fmt: skip
    assert not done.notes


def test_a_kind_without_a_table_is_found_without_a_model() -> None:
    class Gas:
        def answer(self, request: cjt188.Frame, values: object) -> bytes:
            if request.is_reply or request.kind != 0x30 or request.function != cjt188.READ_ADDRESS:
                return b""
            return cjt188.encode(0x30, "78330011223344", 0x83, request.data)

    done = search([meter(TABLES["cjt188-heat"], "1", lambda _: {}, line=SLOW, talk=Gas())], protocols=["cjt188"])
    (met,) = done.met
    assert (met.found.address, met.found.models, met.found.about) == ("78330011223344", (), "gas")


def test_mbus_by_secondary_address_and_then_by_primary() -> None:
    """Numbers that differ in one digit, all of primary address 0; and an old meter that cannot be selected."""
    by_secondary = [a_meter("mbus-water", f"{20_000_000 + number}77040E16") for number in (1, 2, 12, 112, 30_000_000)]

    class OfOldKind:
        def answer(self, request: mbus.Frame, values: object) -> bytes:
            if request.primary != 5 or request.is_reply or request.ci:
                return b""
            if request.control == mbus.SND_NKE:
                return bytes([mbus.ACK])
            return bytes.fromhex("68131368080573785634120A00E97E01000000350100003C16")

    old = meter(TABLES["mbus-water"], "5", lambda _: {}, line=SLOW, talk=OfOldKind())
    done = search([*by_secondary, old], protocols=["mbus"])
    assert {one.address for one in by_secondary} | {"5"} == set(done.of("mbus"))
    assert done.of("mbus")[by_secondary[0].address] == ("mbus-water",)
    assert done.of("mbus")["5"] == ("mbus-water",)
    assert not done.notes


def test_mbus_is_left_alone_where_nobody_answers_the_general_call() -> None:
    assert search(protocols=["mbus"]).took_s < 2
    assert search(protocols=["mbus"], every_address=True).took_s > 250 * 0.2


@pytest.mark.parametrize(
    ("model", "fitting"),
    [
        ("eastron-sdm120", {"eastron-sdm120", "eastron-sdm220"}), ("pzem-004t", {"pzem-004t"}),
        ("schneider-iem3155", {"schneider-iem3155"}), ("chint-ddsu666", {"chint-ddsu666"}),
        ("chint-dtsu666", {"chint-dtsu666"}), ("chint-dtsu666-4000", {"chint-dtsu666-4000"}),
    ],
)  # fmt: skip
def test_modbus_devices_and_the_tables_that_fit(model: str, fitting: set[str]) -> None:
    table = TABLES[model]
    values = {field.label: VALUES.get(field.quantity, 1.0) for query in table.queries for field in query.fields}
    done = search([a_meter(model, "17", values, line=FAST), a_meter(model, "247", values, line=FAST)],
                  protocols=["modbus"], at=FAST)  # fmt: skip
    assert {address: set(models) for address, models in done.of("modbus").items()} == {"17": fitting, "247": fitting}


class EveryRegister(dict[tuple[int, int], int]):
    """A device that answers whatever it is asked for."""

    def __init__(self, cells: Mapping[tuple[int, int], int], *, otherwise: int) -> None:
        super().__init__(cells)
        self._otherwise = otherwise

    def __contains__(self, cell: object) -> bool:
        return True

    def __missing__(self, cell: object) -> int:
        return self._otherwise

    def answer(self, request: modbus.Frame, values: object) -> bytes:
        return b"" if request.is_reply or request.address != "5" else answer(request.raw, self)


@pytest.mark.parametrize("otherwise", [0, 1])
def test_a_device_that_answers_for_registers_it_does_not_have(otherwise: int) -> None:
    """What reads zeros, or numbers that no device measures, is not the table."""
    table = TABLES["chint-ddsu666"]
    values = {field.label: VALUES[field.quantity] for query in table.queries for field in query.fields}
    cells = {cell: word for query in table.queries for cell, word in cells_of(query, values).items()}
    device = meter(table, "5", lambda _: {}, line=FAST, talk=EveryRegister(cells, otherwise=otherwise))
    (models,) = search([device], protocols=["modbus"], at=FAST).of("modbus").values()
    assert models == ("chint-ddsu666",)


def test_numbers_too_small_to_be_measured_are_no_floats() -> None:
    device = meter(TABLES["pzem-004t"], "5", lambda _: {}, line=FAST, talk=EveryRegister({(3, 0): 1}, otherwise=1))
    (models,) = search([device], protocols=["modbus"], at=FAST).of("modbus").values()
    assert not any(model.startswith(("eastron", "chint")) for model in models)


# -- the whole


def test_a_line_of_all_protocols_at_the_usual_settings() -> None:
    bus = mixed_bus.source()
    done = search(mixed_bus.meters(bus), at=None)
    wanted = {(TABLES[device.model].protocol, device.address) for device in bus.devices if "mbus" not in device.model}
    met = {(met.found.protocol, met.found.address) for met in done.met}
    assert met >= wanted
    assert len(met) == len(bus.devices)
    assert not done.notes
    assert {met.line for met in done.met} == {SLOW, FAST}
    tables_by_address = {device.address: device.model for device in bus.devices}
    for one in done.met:
        if one.found.address in tables_by_address and one.found.protocol != "mbus":
            assert tables_by_address[one.found.address] in one.found.models


def test_what_an_empty_line_takes_is_known_before() -> None:
    done = search(at=None)
    assert not done.met
    assert not done.notes
    assert (done.scan.tally.answered, done.scan.tally.echoes, done.scan.tally.unasked) == (0, 0, 0)
    assert done.took_s == pytest.approx(done.scan.expected_s)
    assert done.scan.reached_s == pytest.approx(done.scan.expected_s)
    assert done.stages[0].line == SLOW


def test_progress_never_goes_back() -> None:
    line = SimulatedLine([a_meter(SINGLE, f"{number:012d}") for number in range(5)])
    scan = Scan(stages(TABLES, protocols=["dlt645", "mbus"], line=SLOW))
    now, before = 0.0, 0.0
    while not scan.is_over:
        request = scan.next_request(now)
        if request is not None:
            line.feed(request.data, now, settings=request.line)
        now = max(now, min(due for due in (scan.deadline(), line.due()) if due is not None))
        scan.feed(line.take(now), now)
        assert before <= scan.reached_s <= scan.expected_s + 1e-9
        before = scan.reached_s


def test_an_adapter_that_returns_what_is_sent() -> None:
    meters = [a_meter(SINGLE, f"{number:012d}") for number in (1, 2)] + [a_meter("cjt188-heat", "78330011223344")]
    done = search(meters, protocols=["dlt645", "cjt188"], echoes=True)
    assert set(done.of("dlt645-2007")) == {"000000000001", "000000000002"}
    assert set(done.of("cjt188-2004")) == {"78330011223344"}
    assert not done.notes
    empty = search(protocols=["dlt645", "cjt188"], echoes=True)
    assert empty.scan.tally.echoes > 10
    assert empty.scan.tally.answered == 0


def test_meters_at_another_speed_are_no_meters_and_do_no_harm() -> None:
    meters = [a_meter(SINGLE, f"{number:012d}", line=Line(9600, 8, "E", 1)) for number in range(4)]
    done = search(meters, protocols=["dlt645"])
    assert not done.met
    assert done.took_s < 5


def test_a_crackling_line_ends_and_keeps_its_meters() -> None:
    meters = [a_meter(SINGLE, f"{number:012d}") for number in (1, 2, 3)]
    done = search(meters, protocols=["dlt645"], noise_per_s=0.2)
    assert set(done.of("dlt645-2007")) == {one.address for one in meters}


def test_a_line_that_never_is_still_is_told_and_left() -> None:
    done = search(protocols=["dlt645"], noise_per_s=20.0)
    assert not done.met
    assert "noise" in done.codes
    assert done.took_s < 60


def test_settings_that_the_port_cannot_have_are_left_out() -> None:
    scan = Scan(stages(TABLES))
    whole_s = scan.expected_s
    scan.skip(SLOW)
    assert scan.stage is not None
    assert scan.stage.line == FAST
    assert scan.expected_s < whole_s
    for line, _ in LINES:
        scan.skip(line)
    assert scan.is_over
    assert scan.next_request(0.0) is None
    assert scan.deadline() is None


def test_the_models_that_are_named_exist() -> None:
    assert {*MODELS, MODEL_1997} <= set(TABLES)
    assert {codec.name for codec in CODECS.values()} == {
        "dlt645-2007", "dlt645-1997", "cjt188-2004", "mbus", "modbus",
    }, "a new protocol: is it searched for?"  # fmt: skip
