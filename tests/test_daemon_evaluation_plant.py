"""The simulated plant: true to its physics and its calendar, the same for a seed, judged by published lines."""

from itertools import pairwise
from random import Random

import pytest

from daemon.evaluation import plant
from daemon.evaluation.plant import SCRIPTS, STRETCHES, attempt, replay, watch
from daemon.evaluation.plant_boiler import BOILER, HotWater, boiling_c
from daemon.evaluation.plant_fault import Script
from daemon.evaluation.plant_rooms import COLD, HOUSE, PUMPS, ROOM, STORE, WATER
from daemon.evaluation.plant_scene import CALENDAR, DAY, HOUR, Silence, at_minute, now
from daemon.evaluation.plant_scenes import board, hot_water, house, kettle, pipes, steam, store
from daemon.evaluation.row import OURS
from rules.model import Delivery

MONDAY = at_minute(CALENDAR.local(1795363200.0).date(), 0)  # 2026-11-23
BY_KIND = {script.kind: script for script in SCRIPTS}
FLAME, OUT, KPA = f"{BOILER}/flame", f"{BOILER}/supply/temperature_c", f"{BOILER}/pressure_kpa"


def series(scene, end, *points):
    """The samples of a scene that carry these points: time and values."""
    return [
        (sample.at, [sample.values[p] for p in points]) for sample in scene.samples(end)
        if sample.values.keys() >= set(points)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gauge_kpa", "altitude_m", "celsius"), [(0, 0, 100.0), (100, 0, 120.4), (400, 0, 152.0), (0, 3000, 90.0)]
)
def test_water_boils_as_in_the_steam_table(gauge_kpa, altitude_m, celsius):
    assert boiling_c(gauge_kpa, altitude_m) == pytest.approx(celsius, abs=0.6)


def test_clock_knows_weekends_and_the_holiday():
    assert now(MONDAY + 9 * HOUR) == (0, 540.0, True)
    assert [now(MONDAY + n * DAY).is_open for n in range(7)] == [True] * 5 + [False] * 2
    assert [now(MONDAY + n * DAY).is_open for n in range(12, 21)] == [False] * 9
    assert now(MONDAY + 21 * DAY).is_open
    for n in range(30):
        assert now(MONDAY + n * DAY).is_open is CALENDAR.is_school_day(CALENDAR.local(MONDAY + n * DAY).date())


@pytest.mark.parametrize("seed", range(6))
def test_a_good_boiler_neither_cycles_short_nor_boils_nor_is_left_alone(seed):
    scene = hot_water(Random(seed), MONDAY, MONDAY + 8 * DAY, every_s=30.0, is_idle_at_weekends=seed % 2 == 0)
    visits = [at for at, values in scene.contacts if values.get(f"{BOILER}/round")]
    flames, hot, kpa, fired = [], [], [], []
    for sample in scene.samples(MONDAY + 8 * DAY):
        flames += [(sample.at, sample.values[FLAME])] if FLAME in sample.values else []
        hot += [sample.values[OUT]] if OUT in sample.values else []
        kpa += [sample.values[KPA]] if KPA in sample.values else []
    fired = [at for at, flame in flames if flame]
    starts = [b for (_, was), (b, flame) in pairwise(flames) if flame and not was]
    assert all(sum(at <= other < at + HOUR for other in starts) <= 4 for at in starts)
    assert 55 < max(hot) < 90
    assert 120 < min(kpa) <= max(kpa) < 290
    assert max(b - a for a, b in pairwise([MONDAY, *visits, fired[-1]]) if any(a < at < b for at in fired)) > 1800
    idle = [b - a for a, b in pairwise(visits)]
    assert all(gap < 7000 or not any(a + 7000 < at < b for at in fired[::20]) for a, gap, b in
               zip(visits, idle, visits[1:], strict=False))  # fmt: skip
    is_idle = seed % 2 == 0
    saturday = [at for at in fired if MONDAY + 5 * DAY < at < MONDAY + 6 * DAY]
    assert bool(saturday) is not is_idle


def test_steam_level_swings_inside_its_lines():
    scene = steam(Random(2), MONDAY, MONDAY + DAY, every_s=10.0)
    levels = [values[0] for _, values in series(scene, MONDAY + DAY, f"{BOILER}/level_mm")]
    assert min(levels) < -8
    assert max(levels) > 8
    assert max(map(abs, levels)) < 45


def test_drinking_boiler_boils_by_day_and_rests_at_night_and_on_free_days():
    scene = kettle(Random(3), MONDAY + 4 * DAY, every_s=30.0)
    read = series(scene, MONDAY + 6 * DAY, f"{WATER}/temperature_c", f"{WATER}/power_w")
    heats = [now(at) for at, (_, watts) in read if watts > 500]
    assert heats
    assert all(item.is_open and 350 < item.minute < 1340 for item in heats)
    assert 97 < max(celsius for _, (celsius, _) in read) < 101.5


def test_house_is_warm_in_lessons_and_never_freezes():
    for seed in range(2):
        scene = house(Random(seed), MONDAY, every_s=300.0)
        end = MONDAY + 23 * DAY
        rooms = series(scene, end, f"{ROOM}/temperature_c")
        lessons = [v[0] for at, v in rooms if now(at).is_open and 480 < now(at).minute < 1060 and at > MONDAY + DAY]
        cold = [celsius for celsius in lessons if celsius < 17.7]
        assert len(cold) < 0.03 * len(lessons)  # but while the windows are open
        scene = house(Random(seed), MONDAY, every_s=300.0)
        pipe = series(scene, end, f"{HOUSE}/pipe/temperature_c", f"{HOUSE}/return/temperature_c")
        assert min(min(values) for _, values in pipe) > 5


@pytest.mark.parametrize("kind", COLD)
def test_good_store_leaves_its_range_only_for_a_defrost_or_a_delivery(kind):
    most = -12.0 if kind == "freezer" else 8.0
    scene = store(Random(kind), kind, MONDAY, MONDAY + 5 * DAY, every_s=30.0)
    read = series(scene, MONDAY + 5 * DAY, f"{STORE}/temperature_c")
    above = [values[0] > most for _, values in read]
    assert sum(above) < 0.06 * len(above)
    assert min(values[0] for _, values in read) > (-24 if kind == "freezer" else 1)


def test_board_leaks_and_warms_with_its_load_and_its_voltage_shows_the_loop():
    scene = board(Random(5), MONDAY, every_s=20.0)
    signals = scene.machine.signals
    steps = []
    for n in range(1, 4000):
        before = dict(signals)
        scene.machine.move(MONDAY + n * 20)
        assert 4 < signals["teach-1/board/residual_ma"] < 26
        assert 10 < signals["teach-1/board/terminal-a/temperature_c"] < 60
        amperes, volts = (signals[p] - before[p] for p in ("teach-1/board/current_a", "teach-1/board/voltage_v"))
        if abs(amperes) > 2:
            steps.append(-volts / amperes)
    assert 0.3 < sorted(steps)[len(steps) // 2] < 0.6


@pytest.mark.parametrize(("lost", "falls"), [(0.0, False), (0.008, False), (0.05, True)])
def test_pipe_test_loses_its_share_in_a_day(lost, falls):
    scene = pipes(Random(1), MONDAY, lost=lost, every_s=60.0)
    at = scene.machine.test_from
    scene.machine.move(at)
    first, warm = scene.machine.signals[f"{PUMPS}/pressure_kpa"], scene.machine.signals[f"{PUMPS}/pipe/temperature_c"]
    scene.machine.move(at + DAY)
    last, cold = scene.machine.signals[f"{PUMPS}/pressure_kpa"], scene.machine.signals[f"{PUMPS}/pipe/temperature_c"]
    kept = last / first * (warm + 273.15) / (cold + 273.15)
    assert kept == pytest.approx(1 - lost)
    assert (kept < 0.98) is falls


def test_a_silent_device_says_nothing_and_a_broken_transport_says_so():
    scene = kettle(Random(1), MONDAY, every_s=10.0)
    scene.silences = [
        Silence("device-1", MONDAY + 100, MONDAY + 200, odd=85.0), Silence("", MONDAY + 400, MONDAY + 500, is_told=True)
    ]  # fmt: skip
    samples = list(scene.samples(MONDAY + 700))
    heard = [sample.at - MONDAY for sample in samples if f"{WATER}/power_w" in sample.values]
    assert not [at for at in heard if 100 <= at < 200 or 400 <= at < 500]
    first = next(sample for sample in samples if sample.at > MONDAY + 200 and f"{WATER}/power_w" in sample.values)
    assert first.values[f"{WATER}/temperature_c"] == 85.0
    words = [sample.values["source/plant/online"] for sample in samples if sample.device == "source/plant"]
    assert words == [1.0, 0.0, 1.0]


def test_each_variant_has_other_devices_and_the_same_one_is_the_same_again():
    script = BY_KIND["over-temperature ramp"]
    assert attempt(script, 3) == attempt(script, 3)
    assert len({attempt(script, n).onset for n in range(4)}) == 4
    paces = {script.make(Random(n)).scene.slowest_s for n in range(30)}
    assert min(paces) < 2 < 50 < max(paces)


def test_a_fault_is_there_from_the_first_reading_since_which_all_fulfil_its_condition():
    script = BY_KIND["over-temperature ramp"]
    for variant in range(5):
        found, case = attempt(script, variant), script.make(Random(f"plant 1 {script.kind} {variant}"))
        assert isinstance(case.scene.machine, HotWater)
        hot = {}
        is_acting = True
        for sample in case.scene.samples(found.onset + 120):
            if sample.at >= case.begin and is_acting:
                is_acting = bool(case.act())
            if OUT in sample.values:
                hot[sample.at] = sample.values[OUT] > 110
        assert hot[found.onset]
        assert all(is_hot for at, is_hot in hot.items() if at >= found.onset)
        assert not max((at, is_hot) for at, is_hot in hot.items() if at < found.onset)[1]


def test_a_page_before_the_script_counts_as_early_and_a_digest_is_no_page():
    found = attempt(BY_KIND["over-temperature ramp"], 1)
    assert found.answered is not None
    assert found.answered.delivery is Delivery.PAGE
    assert found.answered.rule == "boiler_temperature"
    deaf = BY_KIND["over-temperature ramp"]._replace(answers=("level*",))
    assert attempt(deaf, 1).answered is None
    row = plant._fault_row([attempt(deaf, 1)])
    assert (row.recall, row.delay_s) == (0.0, None)
    assert "missed: 1" in row.note


def test_replay_says_what_was_told():
    first, *lines = replay("over-temperature ramp", 1)
    assert first.startswith("begin ")
    assert any("raised boiler_temperature" in line for line in lines)
    assert isinstance(list(replay("freezer", 0, days=1)), list)


def test_kinds_are_told_apart_and_say_enough():
    kinds = [script.kind for script in SCRIPTS]
    assert len(set(kinds)) == len(kinds)
    assert len({stretch.kind for stretch in STRETCHES}) == len(STRETCHES)
    assert all(isinstance(script, Script) and script.delay_s > 0 and script.answers for script in SCRIPTS)
    assert all(script.wants is Delivery.PAGE for script in SCRIPTS if script.is_safety)
    assert {script.variants for script in SCRIPTS if script.is_safety} == {50}


def test_good_days_are_the_same_for_a_seed():
    steam_boiler = next(stretch for stretch in STRETCHES if stretch.kind == "steam boiler")
    assert watch(steam_boiler, 0, 3) == watch(steam_boiler, 0, 3)


@pytest.fixture(scope="module")
def rows():
    return plant.quick()


def test_quick_form_gives_a_row_for_each_fault_and_each_kind_of_good_days(rows):
    faults = [row for row in rows if row.task == "plant faults"]
    good = [row for row in rows if row.task == "plant good days"]
    assert [row.setting for row in faults] == [script.kind for script in SCRIPTS]
    assert [row.setting for row in good] == ["all good days", *(stretch.kind for stretch in STRETCHES)]
    assert all((row.method, row.basis) == (OURS, "simulated") for row in rows)
    assert {row.events for row in faults if row.note.startswith("safety")} == {plant.QUICK_VARIANTS}


def test_what_endangers_somebody_is_told_each_time(rows):
    safety = {row.setting: row.recall for row in rows if row.note.startswith("safety")}
    assert {kind for kind, recall in safety.items() if recall < 1.0} == set()
    assert {row.setting for row in rows if row.note.startswith("safety") and "late:" in row.note} == set()
    assert len(safety) >= 20


def test_good_days_page_nobody(rows):
    paged = {row.setting for row in rows if row.task == "plant good days" and row.false_rate}
    assert paged == set()
