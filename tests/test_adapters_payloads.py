"""Generic payloads: what they say, what is refused and why; topics: which place they speak of."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracked import text_of, tracked

from adapters.payloads import CONVENTIONS
from adapters.payloads.convention import Convention, Decoded, Reader
from adapters.payloads.generic import path_of
from adapters.payloads.topics import TopicTable, subscription
from adapters.source import DeviceTime, Field, Topic
from rules.model import Reason, Sample

NOW = 1_770_000_000.0
ROOM = "dorm-3/101"
POWER = f"{ROOM}/power_w"
ENERGY = f"{ROOM}/energy_kwh"
OCCUPIED = f"{ROOM}/occupied"
LIGHTING = f"{ROOM}/lighting/power_w"


def reader(*fields: Field, payload: str = "json", time: DeviceTime | None = None) -> Reader:
    topic = Topic(filter="t", payload=payload, fields=fields, places=frozenset({ROOM}), place=ROOM, time=time)
    make = CONVENTIONS[payload].reader
    assert make is not None
    return make("broker:t", ROOM, topic)


def power(path: str = "P", **more: object) -> Field:
    return Field(path=path, quantity="power_w", **more)  # type: ignore[arg-type]


def state(path: str = "") -> Field:
    return Field(path=path, quantity="occupied")


@pytest.mark.parametrize(
    ("fields", "payload", "values"),
    [
        ((power(),), '{"P": 12.5}', {POWER: 12.5}),
        ((power(),), '{"P": 12}', {POWER: 12.0}),
        ((power(),), '{"P": " 12.5 "}', {POWER: 12.5}),
        ((power(), Field(path="E", quantity="energy_kwh", scale=0.001)), '{"P": 1, "E": 5}', {POWER: 1, ENERGY: 0.005}),
        ((power(scale=40.0),), '{"P": 2}', {POWER: 80.0}),
        ((power("ENERGY.Power"),), '{"ENERGY": {"Power": 56}}', {POWER: 56.0}),
        ((power("ENERGY.Power[1]"),), '{"ENERGY": {"Power": [5, 6]}}', {POWER: 6.0}),
        ((power("a[0][1].b"),), '{"a": [[0, {"b": 3}]]}', {POWER: 3.0}),
        ((power("[1]"),), "[7, 8]", {POWER: 8.0}),
        ((power(""),), "42", {POWER: 42.0}),
        ((power("P"), power("L", part="lighting")), '{"P": 5, "L": 3}', {POWER: 5.0, LIGHTING: 3.0}),
        ((power("P"), power("P", part="lighting")), '{"P": 5}', {POWER: 5.0, LIGHTING: 5.0}),
        ((power("P"), power("Q", part="lighting")), '{"P": 5}', {POWER: 5.0}),
        ((state("o"),), '{"o": true}', {OCCUPIED: 1.0}),
        ((state("o"),), '{"o": "OFF"}', {OCCUPIED: 0.0}),
        ((state("o"),), '{"o": 1}', {OCCUPIED: 1.0}),
    ],
)
def test_json(fields: tuple[Field, ...], payload: str, values: dict[str, float]) -> None:
    sample, is_timed, faults = reader(*fields).decode(payload.encode(), NOW)
    assert sample is not None
    assert sample.values == values
    assert sample.at == NOW
    assert not is_timed
    assert not faults


@pytest.mark.parametrize(
    ("field", "payload", "value"),
    [
        (power(""), "12.5", 12.5), (power(""), " -3 ", -3.0), (power("", scale=1000.0), "1.5", 1500.0),
        (power(""), "1e3", 1000.0), (state(), "ON", 1.0), (state(), "off", 0.0), (state(), "1", 1.0),
        (state(), "true", 1.0),
    ],
)  # fmt: skip
def test_plain_text(field: Field, payload: str, value: float) -> None:
    sample, _, faults = reader(field, payload="number").decode(payload.encode(), NOW)
    assert sample is not None
    assert list(sample.values.values()) == [value]
    assert not faults


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("json", b"{", Reason.BAD_JSON), ("json", b"", Reason.BAD_JSON), ("json", b"\xff", Reason.BAD_JSON),
        ("json", b'{"P": NaN}', Reason.BAD_JSON), ("json", b"[" * 100_000, Reason.BAD_JSON),
        ("json", b"{}", Reason.MISSING_FIELD), ("json", b"[]", Reason.MISSING_FIELD),
        ("json", b"3", Reason.MISSING_FIELD),
        ("json", b'{"P": null}', Reason.MISSING_FIELD), ("json", b'{"P": true}', Reason.NOT_A_NUMBER),
        ("json", b'{"P": {}}', Reason.NOT_A_NUMBER), ("json", b'{"P": "n/a"}', Reason.NOT_A_NUMBER),
        ("json", b'{"P": "nan"}', Reason.NOT_A_NUMBER), ("json", b'{"P": "1_000"}', Reason.NOT_A_NUMBER),
        ("number", b"nan", Reason.NOT_A_NUMBER), ("number", b"inf", Reason.NOT_A_NUMBER),
        ("number", b"", Reason.NOT_A_NUMBER),
        ("number", b"ON", Reason.NOT_A_NUMBER), ("number", b"\xff\xfe", Reason.BAD_TEXT),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(kind: str, payload: bytes, reason: Reason) -> None:
    sample, _, faults = reader(power("P" if kind == "json" else ""), payload=kind).decode(payload, NOW)
    assert sample is None
    assert [fault.reason for fault in faults] == [reason]
    assert len(faults[0].detail) <= 300


def test_a_wrong_field_does_not_cost_the_others() -> None:
    sample, _, faults = reader(power(), state("o")).decode(b'{"P": 5, "o": "maybe"}', NOW)
    assert sample is not None
    assert sample.values == {POWER: 5.0}
    assert [fault.reason for fault in faults] == [Reason.NOT_A_NUMBER]


@pytest.mark.parametrize(
    ("time", "raw", "at"),
    [
        (DeviceTime(path="t", format="unix"), 1_769_999_999.5, 1_769_999_999.5),
        (DeviceTime(path="t", format="unix"), "1769999999", 1_769_999_999.0),
        (DeviceTime(path="t", format="unix_ms"), 1_769_999_999_500, 1_769_999_999.5),
        (DeviceTime(path="t"), "2026-02-02T10:40:00+08:00", 1_770_000_000.0),
        (DeviceTime(path="t"), "2026-02-02T02:40:00Z", 1_770_000_000.0),
        (DeviceTime(path="t", zone="Asia/Shanghai"), "2026-02-02T10:40:00", 1_770_000_000.0),
        (DeviceTime(path="t", format="%d.%m.%Y %H:%M", zone="Asia/Shanghai"), "02.02.2026 10:40", 1_770_000_000.0),
        (DeviceTime(path="t"), "2026-02-02T10:40:00", None),  # a wall clock without a zone is no time
        (DeviceTime(path="t"), "yesterday", None), (DeviceTime(path="t"), 5, None), (DeviceTime(path="t"), None, None),
        (DeviceTime(path="t", format="unix"), "soon", None), (DeviceTime(path="t", format="unix"), True, None),
        (DeviceTime(path="t", format="unix"), 4_102_444_800, 4_102_444_800.0),
        (DeviceTime(path="t", format="unix"), 4_102_444_801, None), (DeviceTime(path="t", format="unix"), -1, None),
        (DeviceTime(path="t", format="unix"), 1e300, None), (DeviceTime(path="t", format="unix_ms"), 1e17, None),
        (DeviceTime(path="t"), "9999-12-31T23:59:59Z", None), (DeviceTime(path="t"), "0001-01-02T00:00:00Z", None),
    ],
)  # fmt: skip
def test_device_times(time: DeviceTime, raw: object, at: float | None) -> None:
    sample, is_timed, faults = reader(power(), time=time).decode(json.dumps({"P": 1, "t": raw}).encode(), NOW)
    assert sample is not None
    assert sample.at == (NOW if at is None else at)
    assert is_timed is (at is not None)
    assert [fault.reason for fault in faults] == ([] if at is not None else [Reason.BAD_TIME])


KEYS = st.sampled_from(["P", "E", "t", "x"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))
def test_anything_gives_readings_or_faults_and_never_an_exception(payload: bytes) -> None:
    for name, convention in CONVENTIONS.items():
        if convention.reader is None:
            continue  # of devices: in a file of their own
        fields = (power(), power("E.x[0]", part="lighting"), state("E")) if convention.has_fields else (state(),)
        time = DeviceTime(path="t", zone="Asia/Shanghai") if convention.has_fields else None
        sample, _, faults = reader(*fields, payload=name, time=time).decode(payload, NOW)
        assert sample is not None or faults
        if sample is not None:
            assert all(isinstance(value, float | int) for value in sample.values.values())


@pytest.mark.parametrize(
    ("text", "path"),
    [("P", ("P",)), ("a.b", ("a", "b")), ("a[0]", ("a", 0)), ("[2].x", (2, "x")), ("", ())],
)
def test_paths(text: str, path: tuple[str | int, ...]) -> None:
    assert path_of(text) == path


TOPICS = (
    Topic(filter="campus/{building}/{room}/meter", payload="json", fields=(power(),), places=frozenset({ROOM})),
    Topic(filter="b/{building}/total", payload="json", fields=(power(),), places=frozenset({"dorm-3"})),
    Topic(filter="p/{place}/+/x", payload="json", fields=(power(),), places=frozenset({ROOM})),
    Topic(filter="zig/{device}", payload="json", fields=(power(),), places=frozenset({ROOM}), devices={"0x1": ROOM}),
    Topic(filter="main.meter", payload="json", fields=(power(),), places=frozenset({"dorm-3"}), place="dorm-3"),
    Topic(filter="all/{building}/{room}/#", payload="json", fields=(power(),), places=frozenset({ROOM})),
)


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("campus/dorm-3/101/meter", "s:campus/dorm-3/101/meter"),
        ("b/dorm-3/total", "s:b/dorm-3/total"),
        ("p/dorm-3/101/anything/x", "s:p/dorm-3/101/+/x"),
        ("zig/0x1", "s:zig/0x1"),
        ("main.meter", "s:main.meter"),
        ("all/dorm-3/101/deep/down", "s:all/dorm-3/101/#"),
        ("campus/dorm-3/102/meter", None),  # no such place
        ("campus/dorm-3/101/meter/more", None),
        ("campus/dorm-3/101", None),
        ("zig/0x2", None),
        ("mainXmeter", None),
        ("", None),
    ],
)
def test_topics_find_their_place(topic: str, device: str | None) -> None:
    table = TopicTable("s", TOPICS)
    for _ in range(2):  # found and remembered
        found = table.reader(topic.encode())
        assert (found.device if found else None) == device


class Hexadecimal:
    """A convention that the project does not have."""

    def __init__(self, device: str, place: str, topic: Topic) -> None:
        self.device, self._point = device, f"{place}/{topic.fields[0].quantity}"

    def decode(self, payload: bytes, arrived: float) -> Decoded:
        return Decoded(Sample(arrived, self.device, {self._point: float(int(payload, 16))}), False, [])


def test_the_registry_says_who_reads_a_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONVENTIONS, "hex", Convention(reader=Hexadecimal))
    topic = Topic(filter="x/{place}", payload="hex", fields=(power(""),), places=frozenset({ROOM}))
    found = TopicTable("s", [topic]).reader(f"x/{ROOM}".encode())
    assert found is not None
    assert found.decode(b"1f", NOW).sample == Sample(NOW, f"s:x/{ROOM}", {POWER: 31.0})


def test_a_convention_is_named_in_the_registry_alone() -> None:
    quoted = re.compile("|".join(f'"{name}"' for name in CONVENTIONS))
    shared = [f"adapters/payloads/{name}.py" for name in ("__init__", "convention", "generic", "topics", "recognise")]
    paths = tracked(*shared, "daemon/config/*.py")  # a convention's own file may have its name or such a word in it
    assert [str(path) for path in paths if quoted.search(text_of(path) or "")] == ["adapters/payloads/__init__.py"]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("campus/{building}/{room}/meter", "campus/+/+/meter"), ("p/{place}/x", "p/+/+/x"), ("z/{device}", "z/+"),
        ("a/+/b/#", "a/+/b/#"),
    ],
)  # fmt: skip
def test_subscriptions(pattern: str, wanted: str) -> None:
    assert subscription(pattern) == wanted


def test_invented_topics_do_not_fill_memory() -> None:
    table = TopicTable("s", TOPICS)
    for number in range(60_000):
        table.reader(b"noise/%d" % number)
    assert len(table._readers) <= 50_001
