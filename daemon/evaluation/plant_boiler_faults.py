"""The scripted faults of boilers, with the lines and delays of their alarm table."""

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random

from daemon.evaluation.plant_boiler import BOILER, ROOM_C, HotWater, Steam, boiling_c
from daemon.evaluation.plant_fault import DIGEST, LONG_S, Case, IsMet, Script, Seen, before, pace, set_on, some_time
from daemon.evaluation.plant_scene import DAY, HOUR, Contact, Scene
from daemon.evaluation.plant_scenes import DESIGN_C, STATIC_KPA, WORKING_KPA, hot_water, steam

OUT, BACK = f"{BOILER}/supply/temperature_c", f"{BOILER}/return/temperature_c"
KPA, MM = f"{BOILER}/pressure_kpa", f"{BOILER}/level_mm"
FLAME, DEMAND, FIRE, LOW = (f"{BOILER}/{tail}" for tail in ("flame", "demand", "fire_pct", "level_low"))
DOOR, DUTY, ROUND = (f"{BOILER}/{tail}" for tail in ("door_open", "on_duty", "round"))
T_S, LEVEL_S, PRESSURE_S, FLAME_S, PUMP_S, DOOR_S = 60.0, 15.0, 15.0, 10.0, 30.0, 60.0
SWELL_S, REST_S = 180.0, HOUR  # water just lit swells; a burner out for so long is no longer between two cycles
VENTED_C, ALARM_C = 95.0, DESIGN_C - 5
MARGIN_K, LEAST_KPA = 20.0, STATIC_KPA + 50.0

Made = tuple[Scene, HotWater, float]


def _scene(random: Random, every_s: float, *, longest_s: float = LONG_S, **more: object) -> Made:
    """A hot-water boiler that runs well for a while, and when its script begins."""
    begin = some_time(random)
    start = begin - before(random, every_s)
    scene = hot_water(random, start, begin + longest_s, every_s=every_s, **more)  # type: ignore[arg-type]
    machine = scene.machine
    assert isinstance(machine, HotWater)
    machine.changes_pumps = False
    scene.spoilt_until = begin
    return scene, machine, begin


def _fires(machine: HotWater, random: Random) -> None:
    """Let it fire without a pause, in balance with the load."""
    machine.is_forced, machine.fire_pct = True, random.uniform(60, 95)
    machine.is_modulating = False
    machine.weather = 1.3 * machine.fire_pct / 100
    machine.settle(ROOM_C + 1 / (0.017 * 1.3))


def _too_hot(random: Random, *, is_vented: bool) -> Case:
    scene, machine, begin = _scene(random, pace(random), is_vented=is_vented)
    rise, line_c = random.uniform(0.8, 8) / 60, VENTED_C if is_vented else ALARM_C
    return Case(scene, begin, set_on(machine, rise_k_s=rise), lambda s, at: s[OUT] > line_c, LONG_S)


def _is_near_boiling(altitude_m: float) -> IsMet:
    return lambda seen, at: boiling_c(seen[KPA], altitude_m) - seen[OUT] < MARGIN_K


def _hot_at_low_pressure(random: Random, *, has_plate: bool) -> Case:
    scene, machine, begin = _scene(random, pace(random), has_plate=has_plate)
    _fires(machine, random)
    machine.offset_k = random.uniform(86, 88.5) - machine.supply_c
    act = set_on(machine, leak_kpa_s=random.uniform(4, 15) / 60, low_kpa=random.uniform(2, 10))
    return Case(scene, begin, act, _is_near_boiling(0.0), LONG_S)


def _high_up(random: Random, *, has_plate: bool) -> Case:
    altitude_m = random.uniform(3000, 4200)
    scene, machine, begin = _scene(random, pace(random), is_modulating=True, altitude_m=altitude_m, has_plate=has_plate)
    machine.offset_kpa = random.uniform(60, 80) - machine._pressure()
    scene.plates = {rule: plate for rule, plate in scene.plates.items() if rule == "boiler_temperature"}
    rise = random.uniform(0.5, 3) / 60

    def act() -> bool:
        machine.rise_k_s = rise if machine.supply_c + machine.offset_k < 94 else 0.0
        return True

    return Case(scene, begin, act, _is_near_boiling(altitude_m), LONG_S)


def _pressure_high(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random))
    act = set_on(machine, leak_kpa_s=-random.uniform(20, 90) / 60, high_kpa=760.0)
    return Case(scene, begin, act, lambda s, at: s[KPA] > 0.95 * WORKING_KPA, LONG_S)


def _falls_fast() -> IsMet:
    """Whether pressure has fallen by more than a fifth in ten minutes; it looks at each reading once."""
    past: deque[tuple[float, float]] = deque()

    def is_met(seen: Seen, at: float) -> bool:
        past.append((at, seen[KPA]))
        while past[0][0] < at - 600:
            past.popleft()
        return seen[KPA] < 0.8 * max(value for _, value in past)

    return is_met


def _leak(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random, 1, 2, 5, 10, 15, 30, 60))
    rate = machine._pressure() * random.uniform(0.3, 0.7) / 600
    act = set_on(machine, leak_kpa_s=rate, low_kpa=random.uniform(40, 70))
    return Case(scene, begin, act, _falls_fast(), 1800)


def _pressure_low(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random, 1, 5, 10, 15, 30, 60))
    act = set_on(machine, leak_kpa_s=random.uniform(2.5, 4) / 60, low_kpa=random.uniform(15, 35))
    return Case(scene, begin, act, lambda s, at: s[KPA] < LEAST_KPA, LONG_S)


def _steam(random: Random) -> tuple[Scene, Steam, float]:
    begin, every_s = some_time(random, 6 * 60, 16 * 60), pace(random)
    scene = steam(random, begin - before(random, every_s), begin + LONG_S, every_s=every_s)
    assert isinstance(scene.machine, Steam)
    scene.spoilt_until = begin
    return scene, scene.machine, begin


def _level_low(random: Random) -> Case:
    scene, machine, begin = _steam(random)
    act = set_on(machine, feeds=False, drain_mm_s=random.uniform(0.05, 0.6))
    return Case(scene, begin, act, lambda s, at: s[MM] < -50, LONG_S)


def _level_high(random: Random) -> Case:
    scene, machine, begin = _steam(random)
    act = set_on(machine, stays_on=True, drain_mm_s=-random.uniform(0.0, 0.4))
    lit_at, had_flame = 0.0, 1.0

    def is_met(seen: Seen, at: float) -> bool:
        nonlocal lit_at, had_flame
        lit_at, had_flame = at if seen[FLAME] > had_flame else lit_at, seen[FLAME]
        return seen[MM] > 50 and at - lit_at >= SWELL_S

    return Case(scene, begin, act, is_met, LONG_S)


def _float_switch(random: Random) -> Case:
    is_steam = random.random() < 0.5
    scene, machine, begin = _steam(random) if is_steam else _scene(random, pace(random), longest_s=HOUR)
    return Case(scene, begin, set_on(machine, is_level_low=True), lambda s, at: s[LOW] == 1, HOUR)


def _no_flame(seen: Seen, at: float) -> bool:
    return seen[DEMAND] == 1 and seen[FLAME] == 0


def _flame_lost(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random))
    _fires(machine, random)
    return Case(scene, begin, set_on(machine.burner, goes_out=True), _no_flame, HOUR)


def _never_fires(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random))
    machine.is_held, machine.burner.has_flame, machine.burner.was_wanted = True, False, False
    machine.burner.never_lights = True
    return Case(scene, begin, set_on(machine, is_held=False, is_forced=True), _no_flame, HOUR)


def _nth_loss(count: int, *, wanted: bool) -> IsMet:
    """Whether the flame has been seen to go out so often, with (`wanted`) heat still called for."""
    was, losses = 0.0, 0

    def is_met(seen: Seen, at: float) -> bool:
        nonlocal was, losses
        losses += was == 1 and seen[FLAME] == 0 and (seen[DEMAND] == 1 or not wanted)
        was = seen[FLAME]
        return losses >= count

    return is_met


def _retries(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random, 1, 2, 5, 10, 15))
    _fires(machine, random)
    act = set_on(machine.burner, burns_s=random.uniform(60, 150))
    return Case(scene, begin, act, _nth_loss(3, wanted=True), LONG_S)


def _short_cycling(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random, 1, 2, 5, 10, 15, 30))
    cycle_s = random.uniform(100, 200), random.uniform(120, 300)
    return Case(scene, begin, set_on(machine, cycle_s=cycle_s), _nth_loss(3, wanted=False), LONG_S)


def _pump_stopped(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random))
    _fires(machine, random)

    def is_met(seen: Seen, at: float) -> bool:
        still = seen.get(f"{BOILER}/pump/on", seen.get(f"{BOILER}/pump/power_w", 0.0)) == 0
        return still and seen[FLAME] == 1

    return Case(scene, begin, set_on(machine, has_pump_failed=True), is_met, HOUR)


def _difference_low(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random, 5, 10, 15, 30, 60), is_modulating=True)
    _fires(machine, random)

    def is_met(seen: Seen, at: float) -> bool:
        return seen[OUT] - seen[BACK] < 5 and seen[FIRE] > 50

    return Case(scene, begin, set_on(machine, flow=random.uniform(5, 8)), is_met, LONG_S)


def _difference_high(random: Random) -> Case:
    scene, machine, begin = _scene(random, pace(random), is_modulating=True)
    _fires(machine, random)
    machine.fire_pct, machine.weather = random.uniform(80, 95), 1.5
    machine.settle(50.0)
    act = set_on(machine, flow=random.uniform(0.22, 0.28))
    return Case(scene, begin, act, lambda s, at: s[OUT] - s[BACK] > 25, LONG_S)


def _soot(random: Random) -> Case:
    """Sooting after two clean weeks."""
    begin = some_time(random)
    scene = hot_water(random, begin - 14 * DAY, begin + 16 * DAY, every_s=180.0)
    machine, a_day = scene.machine, random.uniform(3, 5)
    assert isinstance(machine, HotWater)
    boiler = machine

    def act() -> bool:
        boiler.soot_k = min(60.0, a_day * (boiler.at - begin) / DAY)
        return True

    return Case(scene, begin, act, lambda s, at: boiler.soot_k > 20, 16 * DAY)


def _no_round(random: Random, *, leaves: bool) -> Case:
    begin, every_s = some_time(random), pace(random, 5, 10, 15, 30, 60)
    start = begin - 900
    scene = hot_water(random, start, begin + 4 * HOUR, every_s=every_s, last_round=begin, leaves=leaves)
    assert isinstance(scene.machine, HotWater)
    if random.random() < 0.5:
        _fires(scene.machine, random)
    last = max(
        (at for at, values in scene.contacts if values.get(ROUND) or (leaves and values.keys() == {DUTY, DOOR})),
        default=start,
    )
    has_fired, burnt_at = False, start

    def is_met(seen: Seen, at: float) -> bool:
        nonlocal has_fired, burnt_at, last
        if seen[FLAME] == 1:
            last, burnt_at = at if at - burnt_at >= REST_S else last, at  # after a rest it fires anew
            has_fired = has_fired or at - last > 7200
        return has_fired

    scene.spoilt_until = begin
    return Case(scene, begin, lambda: False, is_met, 4 * HOUR)


def _polled(scene: Scene, every_s: float, begin: float, end: float, spans: list[tuple[float, float]]) -> list[Contact]:
    """The door as a contact that is read every so often."""
    count = int((end - begin) / every_s)
    times = [begin + n * every_s + scene.random.uniform(0, 0.02) * every_s for n in range(count)]
    return [(at, {DOOR: float(any(first <= at < last for first, last in spans))}) for at in times]


def _door(random: Random, *, is_attended: bool, is_polled: bool) -> Case:
    """The door stands open: in class hours, or with nobody on duty."""
    begin = some_time(random, 500, 700) if is_attended else some_time(random)
    every_s = pace(random, 1, 2, 5, 10, 15)
    start, end = begin - before(random, every_s), begin + HOUR
    scene = hot_water(random, start, end, every_s=every_s, is_attended=is_attended, last_round=begin - 120)
    span = begin, begin + random.uniform(240, 1500)
    scene.contacts = [item for item in scene.contacts if not span[0] - 130 < item[0] < span[1] + 60]
    scene.contacts.append((span[0] - 100, {DOOR: 0.0}))
    if is_polled:
        scene.contacts = [
            (at, {p: v for p, v in values.items() if p != DOOR}) for at, values in scene.contacts
            if values.keys() != {DOOR}
        ] + _polled(scene, every_s, start, end, [span])  # fmt: skip
    else:
        scene.contacts += [(span[0], {DOOR: 1.0}), (span[1], {DOOR: 0.0})]
    scene.spoilt_until = begin
    return Case(scene, begin, lambda: False, lambda s, at: s.get(DOOR, 0.0) == 1, span[1] - begin)


def _silent(random: Random, *, is_whole: bool) -> Case:
    """The thermometer of the supply is not heard, alone or with its whole device."""
    every_s = pace(random)
    scene, _, begin = _scene(random, every_s, longest_s=HOUR)
    device = scene.devices[0]

    def act() -> bool:
        device.hidden = set(device.grains) if is_whole else {OUT}
        return False

    return Case(scene, begin, act, lambda s, at: False, 1500, OUT)


def _stuck(random: Random) -> Case:
    begin = some_time(random)
    scene = hot_water(random, begin - 30 * HOUR, begin + 8 * HOUR, every_s=pace(random, 30, 60, 60))
    device = scene.devices[0]

    def act() -> bool:
        device.frozen = {OUT: None}
        return False

    return Case(scene, begin, act, lambda s, at: True, 7 * HOUR)


def _nonsense(random: Random) -> Case:
    scene, _, begin = _scene(random, pace(random), longest_s=HOUR)
    device, value = scene.devices[0], random.choice((850.0, 327.6, 999.9, -50.0))

    def act() -> bool:
        device.frozen = {OUT: value}
        return False

    return Case(scene, begin, act, lambda s, at: True, HOUR)


_BOILING = ("boiler_temperature*", "boiler*boiling*", "boiler*margin*")
_PRESSURE = ("boiler*pressure*", "boiler*leak*", "boiler*level*")
_FLAME = ("boiler*flame*", "boiler*fire*", "boiler*burner*", "flame*", "boiler*ignition*")
_DOOR = ("boiler*door*", "boiler*attend*", "boiler*unattended*", "boiler*access*", "boiler*duty*")
_ROUND = ("boiler*round*", "boiler*unattended*", "boiler*attend*")
_BLIND = ("silent", "stuck", "implausible", "boiler*")
_door_case: Callable[..., Case] = _door

SCRIPTS: tuple[Script, ...] = (
    Script("over-temperature ramp", partial(_too_hot, is_vented=False), ("boiler_temperature*",), T_S),
    Script("over-temperature ramp, vented boiler", partial(_too_hot, is_vented=True), ("boiler_temperature*",), T_S),
    Script("boiling margin lost", partial(_hot_at_low_pressure, has_plate=True), _BOILING, T_S),
    Script("boiling margin lost, no name plate", partial(_hot_at_low_pressure, has_plate=False), _BOILING, T_S),
    Script("boiling margin at altitude", partial(_high_up, has_plate=True), _BOILING, T_S),
    Script("boiling margin at altitude, no name plate", partial(_high_up, has_plate=False), _BOILING, T_S),
    Script("pressure high", _pressure_high, _PRESSURE, PRESSURE_S),
    Script("pressure leak", _leak, _PRESSURE, PRESSURE_S),
    Script("pressure too low", _pressure_low, _PRESSURE, PRESSURE_S),
    Script("level low", _level_low, ("boiler*level*", "boiler*water*"), LEVEL_S),
    Script("level high", _level_high, ("boiler*level*", "boiler*water*"), LEVEL_S),
    Script("float switch", _float_switch, ("boiler*level*", "boiler*water*"), LEVEL_S),
    Script("flame lost", _flame_lost, _FLAME, FLAME_S),
    Script("failure to fire", _never_fires, _FLAME, 300.0),
    Script("retries", _retries, _FLAME, FLAME_S),
    Script("short cycling", _short_cycling, ("short_cycling*",), 3600.0, False, DIGEST),
    Script("pump stopped with flame", _pump_stopped, ("boiler*pump*", "boiler*circulation*", "boiler*flow*"), PUMP_S),
    Script("supply/return difference low", _difference_low, ("boiler*difference*", "boiler*delta*", "boiler*flow*",
           "boiler*circulation*", "boiler*return*", "boiler*spread*"), 3600.0, False, DIGEST),
    Script("supply/return difference high", _difference_high, ("boiler*difference*", "boiler*delta*", "boiler*flow*",
           "boiler*circulation*", "boiler*return*", "boiler*spread*"), T_S, False, DIGEST),
    Script("flue drift", _soot, ("flue*",), 4 * DAY, False, DIGEST, 3, 4 * DAY),
    Script("nobody there while it fires", partial(_no_round, leaves=True), _ROUND, 60.0, late_s=3600.0),
    Script("no round by whoever is on duty", partial(_no_round, leaves=False), _ROUND, 60.0, False, DIGEST),
    Script("door open, nobody on duty", partial(_door_case, is_attended=False, is_polled=False), _DOOR, DOOR_S),
    Script("door open, nobody on duty, polled", partial(_door_case, is_attended=False, is_polled=True), _DOOR, DOOR_S),
    Script("door open in class hours", partial(_door_case, is_attended=True, is_polled=False), _DOOR, DOOR_S),
    Script("door open in class hours, polled", partial(_door_case, is_attended=True, is_polled=True), _DOOR, DOOR_S),
    Script("boiler sensors silent", partial(_silent, is_whole=True), _BLIND, T_S),
    Script("supply temperature missing", partial(_silent, is_whole=False), _BLIND, T_S),
    Script("supply temperature stuck", _stuck, _BLIND, 2 * HOUR, False, DIGEST, late_s=4 * HOUR),
    Script("supply temperature nonsense", _nonsense, _BLIND, 900.0, False, DIGEST),
)  # fmt: skip
