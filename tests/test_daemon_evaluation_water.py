"""The protocol for water: known losses, sums of households, made-up people, naive rules, and a small run of it."""

import csv
import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.evaluation import water
from daemon.evaluation.naive_water import NAIVE
from daemon.evaluation.row import OURS
from daemon.evaluation.water_use import DAY, ZONE, Supply, households, made_up, together

BEGIN = datetime(2015, 3, 2, tzinfo=ZoneInfo(ZONE))


def recorded(data: Path, **meters: list[float]) -> Path:
    """A folder of recordings with these meters, L/min."""
    (data / "water").mkdir(parents=True)
    with gzip.open(data / "water" / "made_min.csv.gz", "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["", *meters])
        for minute, flows in enumerate(zip(*meters.values(), strict=True)):
            rows.writerow([(BEGIN + timedelta(minutes=minute)).isoformat(sep=" "), *flows])
    return data


def day(*, leak: float = 0.0, tap: tuple[int, int] = (0, 0)) -> list[float]:
    """A day with showers in the morning and evening, a leak and an open tap (from, to minute)."""
    flows = [leak + (8.0 if 420 <= minute < 430 or 1200 <= minute < 1210 else 0.0) for minute in range(DAY)]
    return [flow + (6.0 if tap[0] <= minute < tap[1] else 0.0) for minute, flow in enumerate(flows)]


def test_known_losses_are_hours_without_a_pause_and_nights_without_a_still_hour(tmp_path: Path) -> None:
    calm, run, leaky = day() * 4, day() + day(tap=(600, 720)) + day() * 2, day(leak=0.1) + day() * 3
    homes = {home.name: home for home in households(recorded(tmp_path, calm=calm, run=run, leaky=leaky))}
    begin = BEGIN.timestamp()
    assert homes["calm"].losses == []
    assert homes["run"].losses == [(begin + (DAY + 600) * 60, begin + (DAY + 720) * 60)]
    assert homes["leaky"].losses == [(begin, begin + DAY * 60)]
    assert homes["run"].is_sound(begin, begin + 3600)
    assert not homes["run"].is_sound(begin, begin + 2 * DAY * 60)


def test_a_meter_that_nearly_always_leaks_is_left_out(tmp_path: Path) -> None:
    assert [home.name for home in households(recorded(tmp_path, a=day() * 4, b=day(leak=0.1) * 3 + day()))] == ["a"]


def test_households_together_lose_what_ran_away_and_nothing_else() -> None:
    begin = BEGIN.timestamp()
    lossy = Supply("x", "room", "semi-synthetic", begin, ZONE, [1.0] * (7 * DAY), [(begin, begin + 600)])
    both = together([lossy, lossy._replace(losses=())], "floor", (0, 1))
    assert sum(both.litres) == pytest.approx(4 * 7 * DAY - 20)
    assert max(both.litres) == 4.0
    assert both.losses == ()


def test_made_up_people_draw_as_much_as_people_do() -> None:
    supply = made_up("floor", 7, 1)
    assert 60 < sum(supply.litres) / 7 / 120 < 95
    assert made_up("floor", 7, 1) == supply
    assert made_up("floor", 7, 2) != supply


def test_naive_rules_find_what_they_are_made_for() -> None:
    def told(rule: str, litres: list[float]) -> list[int]:
        alarms: Iterator[int] = NAIVE[rule][1](litres, 0)
        return list(alarms)

    assert told("running_water", [0.0] * 5 + [1.0] * 20 + [0.0] + [1.0] * 19) == [24]
    assert told("leak", [0.1] * (30 * 60)) == [24 * 60 - 1]
    assert told("leak", [0.06] * (30 * 60)) == []                 # 3.6 L an hour
    assert told("night_flow", [0.2] * (2 * DAY)) == [300, DAY + 300]
    assert told("night_flow", [0.2] * 200 + [0.0] * 100 + [0.2] * 60) == []
    assert told("burst", [9.0] * 29) == []
    assert told("burst", [9.0] * 31) == [29]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One tap, one leak and one burst on a few weeks of a room."""
    monkeypatch.setattr(water, "PULSES_L", (1.0, 10.0))
    monkeypatch.setattr(water, "PLACES", {"room": water.PLACES["room"]})
    monkeypatch.setattr(water, "TRIALS", {"simulated": {"room": 1}})
    monkeypatch.setattr(water, "LOSSES_LPH", {"running_water": (360.0,), "leak": (20.0,), "burst": (3000.0,)})
    monkeypatch.setattr(water, "DAYS", 21)


@pytest.mark.usefixtures("small")
def test_a_small_run_finds_each_loss_without_a_recording(tmp_path: Path) -> None:
    told: list[str] = []
    rows = water.rows(tmp_path, progress=told.append)
    ours = [row for row in rows if row.method == OURS]
    assert [(row.task, row.recall) for row in ours] == [
        ("running_water", 1.0), ("running_water", 1.0), ("leak", 1.0), ("leak", 1.0), ("burst", 1.0), ("burst", 1.0),
    ]  # fmt: skip
    assert {row.basis for row in rows} == {"simulated"}
    assert {row.false_per for row in rows} == {"meter-month"}
    assert sum(row.false_rate or 0.0 for row in ours) == 0.0
    assert [row.delay_s is not None and row.delay_s < 35 * 60 for row in ours] == [True] * 2 + [False] * 2 + [True] * 2
    assert len([row for row in rows if row.method != OURS]) == 3   # beside the finest pulse alone
    assert len(told) == 3
    assert water.rows(tmp_path, progress=told.append) == rows
