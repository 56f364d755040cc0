"""The scripted faults of drinking boilers, heated rooms, wiring and cold stores."""

from functools import partial
from random import Random

from daemon.evaluation.plant_boiler import boiling_c
from daemon.evaluation.plant_fault import (
    DIGEST,
    LONG_S,
    OPEN_DAYS,
    Case,
    Script,
    Seen,
    before,
    nothing,
    pace,
    set_on,
    some_time,
)
from daemon.evaluation.plant_rooms import BOARD, HOUSE, PUMPS, ROOM, SOCKETS, STORE, WATER, Board, House, Kettle, Store
from daemon.evaluation.plant_scene import DAY, HOUR, at_minute, now
from daemon.evaluation.plant_scenes import board, house, kettle, pipes, store

FREEZE_C, LEGAL_C, LEAK_MA, HOT_C = 3.0, 18.0, 300.0, 90.0
AIRED_S = 600.0  # air that a window lets in is no frost in the room yet
RANGES = {"freezer": (-60.0, -12.0), "cold_store": (0.0, 8.0), "sample_fridge": (0.0, 8.0)}


def _dry(random: Random, level: str) -> Case:
    """The water runs out while it heats: the level says so, or only the temperature."""
    begin, every_s = some_time(random, 480, 1200), pace(random)
    altitude_m = random.choice((0.0, 0.0, 1500.0, 3000.0))
    scene = kettle(random, begin - before(random, every_s), every_s=every_s, altitude_m=altitude_m, level=level)
    machine = scene.machine
    assert isinstance(machine, Kettle)
    machine.water_c = machine.boils_c - random.uniform(0.5, 6)
    boils_c, drain, rise = boiling_c(0.0, altitude_m), random.uniform(0.1, 0.8), random.uniform(2, 8) / 60

    def is_met(seen: Seen, at: float) -> bool:
        is_low = seen.get(f"{WATER}/level_low", 0.0) == 1 or seen.get(f"{WATER}/level_pct", 100.0) < 5
        return seen[f"{WATER}/power_w"] > 500 and (is_low if level else seen[f"{WATER}/temperature_c"] > boils_c + 5)

    scene.spoilt_until = begin
    act = set_on(machine, has_water=False, drain_pct_s=drain, overheats_k_s=rise)
    return Case(scene, begin, act, is_met, LONG_S)


def _left_on(random: Random, *, is_closed: bool) -> Case:
    """Nobody switched it off: over night, or through a weekend or holiday."""
    begin = some_time(random, 0, 1000, is_open=False) if is_closed else some_time(random, 1350, 1351)
    scene = kettle(random, begin - HOUR, every_s=pace(random, 10, 15, 30, 60))
    machine = scene.machine
    assert isinstance(machine, Kettle)
    machine.is_forgotten, machine.water_c = True, machine.boils_c - 2
    has_heated = False

    def is_met(seen: Seen, at: float) -> bool:
        nonlocal has_heated
        has_heated = has_heated or (seen[f"{WATER}/power_w"] > 500 and at >= begin)
        return has_heated

    return Case(scene, begin, nothing, is_met, 14 * HOUR)


def _freeze(random: Random, what: str) -> Case:
    begin, every_s = some_time(random, is_open=random.random() < 0.5), pace(random)
    scene = house(random, begin - before(random, every_s), every_s=every_s)
    machine = scene.machine
    assert isinstance(machine, House)
    machine.mean_c = random.uniform(-14, -6)
    machine.room_c = random.uniform(19, 20) if now(begin).is_open else random.uniform(11, 16)
    machine.circuit_c = machine.room_c + 2
    machine.least_c = random.uniform(-3, 0)
    rate = random.uniform(0.2, 1.2) / 60
    name = {"pipe": "pipe_k_s", "return": "return_k_s", "room": "room_k_s"}[what]
    point = f"{ROOM}/temperature_c" if what == "room" else f"{HOUSE}/{what}/temperature_c"
    scene.spoilt_until = begin
    return Case(scene, begin, set_on(machine, **{name: rate}), lambda s, at: s.get(point, 20.0) < FREEZE_C, 6 * HOUR)


def _heated_for_nobody(random: Random) -> Case:
    begin = at_minute(OPEN_DAYS[3], 0) + DAY + random.choice((0, 7, 21)) * DAY  # the first closed day
    scene = house(random, begin - 4 * HOUR, every_s=pace(random, 30, 60, 120, 300))
    machine = scene.machine
    assert isinstance(machine, House)
    machine.mean_c, machine.is_forgotten = random.uniform(11, 15), True
    point = f"{HOUSE}/heating/temperature_c"
    return Case(scene, begin, nothing, lambda s, at: not now(at).is_open and s.get(point, 0.0) > 40, 36 * HOUR)


def _cold_room(random: Random) -> Case:
    begin = some_time(random, 490, 560)
    scene = house(random, begin - HOUR, every_s=pace(random, 10, 15, 30, 60))
    machine = scene.machine
    assert isinstance(machine, House)
    machine.circuit_c = 50.0
    scene.spoilt_until = begin
    act = set_on(machine, valve=0.0, room_k_s=random.uniform(2, 6) / HOUR, least_c=random.uniform(10, 15))
    return Case(scene, begin, act, lambda s, at: s.get(f"{ROOM}/temperature_c", 20.0) < LEGAL_C, 3 * HOUR)


def _failed_test(random: Random) -> Case:
    begin = some_time(random)
    scene = pipes(random, begin, lost=random.uniform(0.04, 0.12), every_s=pace(random, 15, 30, 60, 60))
    test_until = begin
    for at, values in scene.contacts:
        if values.get(f"{PUMPS}/pressure_test"):
            test_until = max(test_until, at)
    return Case(scene, begin, nothing, lambda s, at: at > test_until and not s[f"{PUMPS}/pressure_test"], 26 * HOUR)


def _leakage(random: Random, point: str, line_ma: float, *, creeps: bool) -> Case:
    begin, every_s = some_time(random), pace(random, *((5, 10, 15, 30, 60) if creeps else ()))
    scene = board(random, begin - before(random, every_s), every_s=every_s, points=(point,))
    machine = scene.machine
    assert isinstance(machine, Board)
    scene.spoilt_until = begin
    more = random.uniform(1.2, 3) * line_ma
    act = set_on(machine, leak_ma_s=more / random.uniform(1200, 7200)) if creeps else set_on(machine, leak_ma=more)
    return Case(scene, begin, act, lambda s, at: s[point] > line_ma, LONG_S)


def _loose(random: Random) -> Case:
    begin, every_s = some_time(random), pace(random, 5, 10, 15, 30, 60)
    points = f"{BOARD}/terminal-a/temperature_c", f"{BOARD}/current_a"
    scene = board(random, begin - before(random, every_s), every_s=every_s, points=points)
    machine = scene.machine
    assert isinstance(machine, Board)
    machine.more_a = random.uniform(18, 22)
    scene.spoilt_until = begin
    act = set_on(machine, loosens_1_s=random.uniform(8, 12) / random.uniform(2400, 7200))
    return Case(scene, begin, act, lambda s, at: s[points[0]] > HOT_C, 4 * HOUR)


def _ageing(random: Random) -> Case:
    """A loop whose resistance grows in a week, after a month in which it was steady."""
    begin = some_time(random)
    points = f"{BOARD}/current_a", f"{BOARD}/voltage_v"
    scene = board(random, begin - 35 * DAY, every_s=random.choice((60.0, 90.0, 120.0)), points=points)
    machine, more = scene.machine, random.uniform(0.7, 1.3)
    assert isinstance(machine, Board)
    circuit = machine

    def act() -> bool:
        circuit.loop = min(1 + more, 1 + more * (circuit.at - begin) / (7 * DAY))
        return True

    return Case(scene, begin, act, lambda s, at: circuit.loop > 1.5, 22 * DAY)


def _warm_store(random: Random, kind: str, *, is_cold: bool = False) -> Case:
    begin, every_s = some_time(random), pace(random, 5, 10, 15, 30, 60)
    start = begin - before(random, every_s)
    scene = store(random, kind, start, begin + 6 * HOUR, every_s=every_s)
    machine, (least, most), rate = scene.machine, RANGES[kind], random.uniform(4, 12) / HOUR
    assert isinstance(machine, Store)
    scene.spoilt_until = begin
    point = f"{STORE}/temperature_c"
    if is_cold:
        return Case(scene, begin, set_on(machine, freezes_k_s=rate), lambda s, at: s[point] < least, 6 * HOUR)
    return Case(scene, begin, set_on(machine, warms_k_s=rate), lambda s, at: s[point] > most, 6 * HOUR)


def _fridge_open(random: Random) -> Case:
    kind = random.choice(tuple(RANGES))
    begin, every_s = some_time(random, 400, 1200), pace(random, 5, 10, 15, 30, 60)
    span = begin, begin + random.uniform(5400, 9000)
    scene = store(random, kind, begin - before(random, every_s), span[1] + HOUR, every_s=every_s, left=span)
    scene.spoilt_until = begin
    return Case(scene, begin, nothing, lambda s, at: s.get(f"{STORE}/door_open", 0.0) == 1, span[1] - begin - 60)


_COLD = ("cold_store*", "freezer*", "fridge*")

SCRIPTS: tuple[Script, ...] = (
    Script("drinking boiler dry, float switch", partial(_dry, level="level_low"), ("drinking_boiler*",), 15.0),
    Script("drinking boiler dry, level", partial(_dry, level="level_pct"), ("drinking_boiler*",), 15.0),
    Script("drinking boiler dry, temperature alone", partial(_dry, level=""), ("drinking_boiler*",), 60.0),
    Script("drinking boiler left on at night", partial(_left_on, is_closed=False), ("drinking_boiler*",), 6 * HOUR,
           False, DIGEST, late_s=10 * HOUR),
    Script("drinking boiler left on, closed", partial(_left_on, is_closed=True), ("drinking_boiler*",), 6 * HOUR,
           False, DIGEST, late_s=10 * HOUR),
    Script("freeze of a pipe", partial(_freeze, what="pipe"), ("freeze*",), 60.0, late_s=1800.0),
    Script("freeze of a return", partial(_freeze, what="return"), ("freeze*",), 60.0, late_s=1800.0),
    Script("freeze of a room", partial(_freeze, what="room"), ("freeze*", "room_too_cold*"), AIRED_S, late_s=1800.0),
    Script("heating on in a closed building", _heated_for_nobody, ("heating_left_on*",), 12 * HOUR, False, DIGEST,
           late_s=24 * HOUR),
    Script("room below 18 degrees in lessons", _cold_room, ("room_too_cold*",), HOUR, False, DIGEST, late_s=HOUR),
    Script("pressure test failed", _failed_test, ("pressure_hold*",), 60.0, False, DIGEST),
    Script("residual current of a board, step", partial(_leakage, point=f"{BOARD}/residual_ma", line_ma=LEAK_MA,
           creeps=False), ("residual_current*",), 60.0, False),
    Script("residual current of a board, creep", partial(_leakage, point=f"{BOARD}/residual_ma", line_ma=LEAK_MA,
           creeps=True), ("residual_current*",), 60.0, False),
    Script("residual current of sockets, step", partial(_leakage, point=f"{SOCKETS}/residual_ma", line_ma=30.0,
           creeps=False), ("residual_current*",), HOUR, False, DIGEST),
    Script("residual current of sockets, creep", partial(_leakage, point=f"{SOCKETS}/residual_ma", line_ma=30.0,
           creeps=True), ("residual_current*",), HOUR, False, DIGEST),
    Script("hot terminal", _loose, ("hot_terminal*",), 60.0, False, DIGEST),
    Script("loop resistance drift", _ageing, ("loop_resistance*",), 7 * DAY, False, DIGEST, 3, 7 * DAY),
    *(Script(f"{kind.replace('_', ' ')} too warm", partial(_warm_store, kind=kind), _COLD, HOUR, False, late_s=HOUR)
      for kind in RANGES),
    *(Script(f"{kind.replace('_', ' ')} too cold", partial(_warm_store, kind=kind, is_cold=True), _COLD, HOUR, False,
             DIGEST, late_s=HOUR) for kind in ("cold_store", "sample_fridge")),
    Script("store door left open", _fridge_open, _COLD, 1800.0, False, DIGEST, late_s=1800.0),
)  # fmt: skip
