"""The figures for the quality of readings: on made-up recordings always, on the real ones where they are."""

import csv
import gzip
import random
from pathlib import Path

import pytest
from recordings import DATA, needs_recordings

from daemon.evaluation import quality
from daemon.evaluation.clean_streams import Stream, counters, is_test
from daemon.evaluation.row import OURS, Row

HOURS = 24 * 40
NAMES = tuple(f"x{number}" for number in range(8))


@pytest.fixture
def campus(tmp_path: Path) -> Path:
    """Buildings' hourly kWh in the layout of the recordings, some of them kept for the figures."""
    folder = tmp_path / "campus"
    folder.mkdir()
    rng = random.Random(1)
    with gzip.open(folder / "electricity_2017.csv.gz", "wt") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp_utc", *NAMES])
        for hour in range(HOURS):
            stamp = f"2017-01-{1 + hour // 24:02}" if hour < 744 else f"2017-02-{1 + (hour - 744) // 24:02}"
            rows.writerow([f"{stamp} {hour % 24:02}:00:00", *(round(rng.uniform(5, 60), 1) for _ in NAMES)])
    return tmp_path


def test_every_fault_of_a_register_is_found_and_nothing_is_lost(campus: Path) -> None:
    rows = {row.setting: row for row in quality.rows(campus, progress=lambda what: None) if row.method == OURS}
    tested = sum(is_test(name) for name in NAMES)
    assert tested
    assert rows["clean"].events == tested * HOURS
    assert rows["clean"].false_rate == 0.0
    assert rows["reset"].events == quality.TIMES * tested
    assert {name: row.recall for name, row in rows.items() if name != "clean" and row.recall != 1.0} == {}
    assert all(row.basis == ("real" if name == "clean" else "semi-synthetic") for name, row in rows.items())


def test_without_recordings_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert quality.rows(tmp_path, progress=lambda what: None) == []


def test_it_is_the_same_in_every_run(campus: Path) -> None:
    first: list[Row] = quality.rows(campus, progress=lambda what: None)
    assert quality.rows(campus, progress=lambda what: None) == first


@needs_recordings
def test_real_registers_keep_their_consumption_through_each_fault() -> None:
    streams: list[Stream] = [stream for stream in counters(DATA) if stream.quantity == "volume_m3"][:2]
    for stream in streams:
        for name, told in quality._of_counter(stream, random.Random(7)):
            assert told.is_found, (name, stream.name)
            assert told.error is None or told.error < 1e-3, (name, stream.name)
