"""The log's blobs: exact, small, refused when damaged."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.packing import Entry, Layout, pack, unpack
from rules.model import Flag, Sample

values = st.floats(allow_nan=False, allow_infinity=False)
entries = st.lists(
    st.builds(
        lambda ms, device, width, numbers, flag: (
            Sample(ms / 1000, device, {f"{device}/{n}": numbers[n] for n in range(width)}),
            flag,
        ),
        st.integers(0, 4_000_000_000_000),
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 4),
        st.lists(values, min_size=4, max_size=4),
        st.sampled_from(Flag),
    ),
    max_size=40,
)


class Layouts:
    def __init__(self) -> None:
        self.known: list[Layout] = []

    def number(self, layout: Layout) -> int:
        if layout not in self.known:
            self.known.append(layout)
        return self.known.index(layout)


@given(entries)
def test_what_was_packed_comes_back_bit_for_bit_and_in_order(log: list[Entry]) -> None:
    layouts = Layouts()
    blob = pack(log, layouts.number)
    back = list(unpack(blob, layouts.known.__getitem__))
    assert back == log
    assert [list(sample.values) for sample, _ in back] == [list(sample.values) for sample, _ in log]


def test_a_minute_of_a_campus_takes_few_bytes() -> None:
    layouts = Layouts()
    log = [
        (
            Sample(1_770_000_000 + 15 * step + device * 0.071, f"d{device}", {
                f"d{device}/P": 60.0 + (device * step) % 7, f"d{device}/Q": 8.1, f"d{device}/E": 1204.5 + step * 0.01,
                f"d{device}/U": 223.1 + step % 3, f"d{device}/I": 0.271,
            }),
            Flag.JUDGED,
        )
        for step in range(4) for device in range(40)
    ]  # fmt: skip
    readings = sum(len(sample.values) for sample, _ in log)
    assert len(pack(log, layouts.number)) / readings < 4.0


@pytest.mark.parametrize("damage", [lambda b: b[:-4], lambda b: b"\x00" * 20, lambda b: b"", lambda b: b[:10] + b[11:]])
def test_a_damaged_blob_is_refused(damage: object) -> None:
    layouts = Layouts()
    blob = pack([(Sample(1.0, "a", {"a/x": 1.0}), Flag.JUDGED)] * 50, layouts.number)
    with pytest.raises((zlib.error, struct.error, ValueError)):
        list(unpack(damage(blob), layouts.known.__getitem__))  # type: ignore[operator]


def test_a_blob_of_a_newer_version_is_named() -> None:
    with pytest.raises(ValueError, match="version 9"):
        list(unpack(zlib.compress(b"\x09" + bytes(20)), Layouts().known.__getitem__))
