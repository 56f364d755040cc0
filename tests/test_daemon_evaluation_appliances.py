"""Measuring high power: recordings to room-days, meters that read them, and what counts as found or false."""

import gzip
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from daemon.evaluation.appliances import SAMPLINGS, SIGNED, Score, ours, rooms, rows, scores
from daemon.evaluation.dorm_rooms import (
    DAY_S,
    GRID_S,
    SLOTS,
    Recordings,
    Room,
    RoomDay,
    Use,
    day_of_power,
    device_of,
    means,
    recordings,
    snapshots,
    unsigned,
)  # fmt: skip
from daemon.evaluation.naive_heaters import NAIVE, Alarm
from daemon.evaluation.row import OURS


def quiet(_: str) -> None:
    """Progress that nobody wants."""


def record(folder: Path, name: str, watts: Callable[[int], float], *, every_s: int = 20) -> Path:
    """A recorded day as the data set spells it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv.gz"
    with gzip.open(path, "wt") as file:
        for second in range(0, DAY_S, every_s):
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            file.write(f"02/03/2012 {clock};{watts(second):.0f};{watts(second):.0f}\n")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two kettles, two laptops, and two devices of a class that nobody has heard of."""
    folder = tmp_path_factory.mktemp("data") / "appliances"
    for index in range(2):
        record(folder / "WaterKettle", f"dev_A{index}_2012.03.02", lambda s: 1800.0 * (s % 21_600 < 240))
        record(folder / "PC-Laptop", f"dev_B{index}_2012.03.02", lambda s: 30.0 + s // 600 % 3)
        record(folder / "Aquarium", f"dev_C{index}_2012.03.02", lambda s: 12.0)
    return folder.parent


@pytest.fixture(scope="module")
def found(data: Path) -> Recordings:
    return recordings(data / "appliances", is_test=True)


# -- recordings


@pytest.mark.parametrize(
    ("name", "device"),
    [("dev_11F01E_2011.11.20", "11F01E"), ("device_B814DA_2012.01.20", "B814DA"), ("_55151A_2012.01.24", "55151A"),
     ("Lamp_2012.01.05", "Lamp"), ("dev_B814DA_2011.12.11_cleaned_11.12.2011", "B814DA")],
)  # fmt: skip
def test_a_device_is_known_by_the_name_of_its_recordings(name: str, device: str) -> None:
    assert device_of(Path(f"Lamp/{name}.csv.gz")) == device


def test_what_was_not_recorded_draws_nothing(tmp_path: Path) -> None:
    watts = day_of_power(record(tmp_path, "dev_X_2012.03.02", lambda s: 100.0 + s // 3600, every_s=300))
    assert len(watts) == SLOTS
    assert watts[:13] == [100.0] * 12 + [0.0]          # a reading stands for a minute
    assert watts[12 * 60 * 10] == 110.0


def test_no_device_tunes_and_reports(data: Path) -> None:
    halves = [recordings(data / "appliances", is_test=is_test) for is_test in (False, True)]
    for name in ("PC-Laptop", "Aquarium"):
        tuned, reported = (set(half.allowed[name]) for half in halves)
        assert len(tuned) == len(reported) == 1
        assert not tuned & reported
    assert all(len(half.uses["WaterKettle"]) == 4 for half in halves)      # four times a day
    assert all(set(half.uses) == {"WaterKettle"} for half in halves)       # and what nobody has heard of is allowed


# -- rooms and meters


def test_a_room_is_the_same_each_time_and_holds_what_was_switched_on(found: Recordings) -> None:
    day, again = (next(Room("7", found, "none", 2.0).days(1)) for _ in range(2))
    assert day == again
    assert day.uses
    for use in day.uses:
        inside = day.watts[int(use.begin) // GRID_S + 2]
        assert inside == pytest.approx(use.watts, abs=150)
        assert day.watts[int(use.begin) // GRID_S - 2] < 150


def test_air_conditioners_are_what_they_are_said_to_be(found: Recordings) -> None:
    fixed, inverter = (next(Room("3", found, kind, 0.0).days(1)).watts for kind in ("fixed", "inverter"))
    steepest = {id(day): max(b - a for a, b in pairwise(day)) for day in (fixed, inverter)}
    assert steepest[id(fixed)] > 600
    assert steepest[id(inverter)] < 80


def test_a_meter_gives_means_snapshots_or_no_sign() -> None:
    series = [float(value) for value in range(12)]
    assert snapshots(series, 6) == [5.0, 11.0]
    assert means(series, 6) == [2.5, 8.5]
    assert unsigned([300.0], [-400.0], 1.0) == pytest.approx([400.0])
    assert unsigned([1000.0], [0.0], 1.002) == pytest.approx([63.3], abs=0.1)   # 0.2 % of gain, 6 % of power


# -- what counts


ROOM = Room("r", Recordings({}, {}), "none", 2.0)


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([], (0, 0, 0)),                                          # found, late, false
        ([1030], (1, 0, 0)), ([985], (1, 0, 0)), ([984], (0, 0, 1)), ([1031], (0, 1, 0)),
        ([1020, 1100, 1300], (1, 0, 0)),                          # later ones of the same use
        ([1400], (0, 1, 0)),                                      # right behind it
        ([1500], (0, 0, 1)), ([1020, 5000, 6000], (1, 0, 2)),
    ],
)  # fmt: skip
def test_an_alarm_is_right_late_or_false(alarms: list[float], expected: tuple[int, int, int]) -> None:
    day = RoomDay([0.0] * SLOTS, [0.0] * SLOTS, [Use(1000.0, 1300.0, 900.0, "WaterKettle", False)], [])
    score = Score()
    score.add(ROOM, [day], [Alarm(at, at, is_page=True) for at in alarms], 5.0)
    assert (score.tally().found, score.late, score.tally().false) == expected
    assert score.tally("500-1000 W").uses == 1
    assert score.tally("with heaters").false_pages == expected[2]


@pytest.mark.parametrize(
    ("name", "finds"),
    [("P > 800 W for 10 s", {"kettle", "compressor"}), ("P > 1200 W for 10 s", {"kettle"}),
     ("total PF >= .997", {"kettle"}), ("dP/dS > .98, 5 of 7", {"kettle"}),
     ("dP >= 300 W settled", {"kettle", "compressor"})],
)  # fmt: skip
def test_naive_rules_do_what_they_say(name: str, finds: set[str]) -> None:
    loads = {"kettle": (1500.0, 0.0), "compressor": (900.0, 500.0)}
    for load, (watts, var) in loads.items():
        on = [float(120 <= slot < 200) for slot in range(400)]
        alarms = NAIVE[name]([40 + watts * x for x in on], [2 + var * x for x in on], 5)
        assert [600 < alarm.at < 660 for alarm in alarms] == [True] * (load in finds), load


def test_our_rule_finds_the_kettles_of_a_few_rooms(found: Recordings) -> None:
    setting = SAMPLINGS[0], SIGNED
    (score,) = scores(found, [setting], 2, days=4, progress=quiet).values()
    assert score.tally().room_days == 8
    assert score.tally().uses >= 6
    assert score.tally().found == score.tally().uses
    assert score.tally().false == 0
    assert sum(room.uses_a_day == 0 for room in rooms(found, 12)) == 6


def test_rows_are_the_same_each_time_and_none_without_recordings(data: Path, tmp_path: Path) -> None:
    told: list[str] = []
    table = rows(data, progress=told.append, count=2, days=2)
    assert table == rows(data, progress=quiet, count=2, days=2)
    assert told
    main = next(row for row in table if row.method == OURS and row.setting == "5 s, signed Q")
    assert (main.recall, main.false_rate, main.basis) == (1.0, 0.0, "semi-synthetic")
    assert {row.method for row in table} == {OURS, *NAIVE}
    (tmp_path / "appliances" / "Lamp").mkdir(parents=True)
    assert rows(tmp_path, progress=quiet) == rows(tmp_path / "nowhere", progress=quiet) == []


def test_a_classroom_has_lamps_on_its_meter_and_its_small_heaters_are_found(found: Recordings) -> None:
    lit = next(Room("3", found, "none", 0.0, "classroom").days(1))
    dark = next(Room("3", found, "none", 0.0).days(1))
    assert max(lit.watts) > max(dark.watts) + 100
    assert min(lit.var) < min(dark.var) - 10
    for kind in ("classroom", "dorm_room"):
        heater = ([60.0] * 60 + [560.0] * 60 + [60.0] * 300, [-5.0] * 420)
        ((alarm,),) = ours([[heater]], [""], 5, kind)
        assert alarm.since == pytest.approx(305)
