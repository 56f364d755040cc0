"""The scenes of the simulated plant: each machine at its place, with the sensors that an installer would fit."""

from random import Random

from daemon.evaluation.plant_boiler import BOILER, HotWater, Steam, boiling_c
from daemon.evaluation.plant_rooms import (
    BOARD,
    COLD,
    HOUSE,
    OUTSIDE,
    PUMPS,
    ROOM,
    SOCKETS,
    STORE,
    WATER,
    Board,
    House,
    Kettle,
    Pipes,
    Store,
    door_words,
    openings,
)
from daemon.evaluation.plant_scene import BEAT_S, DAY, HOUR, WINTER, Contact, Scene, attendance, devices, places
from rules.model import Place

CONTACTS = tuple(f"{BOILER}/{tail}" for tail in ("on_duty", "door_open", "round"))
DESIGN_C, WORKING_KPA, STATIC_KPA = 115.0, 690.0, 60.0
PLATE = {
    "boiler_temperature": {"design_c": DESIGN_C},
    "boiler_pressure": {"working_kpa": WORKING_KPA, "static_kpa": STATIC_KPA},
}
STEAM_PLATE = {"boiler_pressure": {"working_kpa": WORKING_KPA}}
_PLANT = Place("plant", "锅炉房", "plant", "plant", owner="司炉组")
_SCHOOL = Place(HOUSE, "1号教学楼", "teaching", HOUSE, owner="后勤组", heating=WINTER)


def hot_water(
    random: Random, begin: float, end: float, *, every_s: float = 0.0, is_modulating: bool | None = None,
    is_idle_at_weekends: bool = False, altitude_m: float = 0.0, last_round: float = float("inf"),
    is_attended: bool = True, leaves: bool = False, is_vented: bool = False, has_plate: bool = True,
) -> Scene:  # fmt: skip
    """A hot-water boiler, measured by one device or by a controller and sensors beside it.

    One that `is_vented` has no pressure to measure, and nothing on its name plate.
    """
    if is_modulating is None:
        is_modulating = random.random() < 0.5
    boiler = HotWater(random, begin, is_modulating, is_idle_at_weekends)
    if not boiler.is_on(begin):
        boiler.supply_c = boiler.return_c = 30.0
        boiler.burner.has_flame = boiler.burner.was_wanted = boiler.demand = False
    sensors = ["supply/temperature_c", "return/temperature_c", "flue/temperature_c"]
    sensors += [] if is_vented else ["pressure_kpa"]
    controls = ["flame", "demand", random.choice(("pump/on", "pump/power_w")), "level_low"]
    controls += ["fire_pct"] if is_modulating else []
    groups = [sensors, controls] if random.random() < 0.5 else [sensors + controls]
    made = devices(random, [[f"{BOILER}/{tail}" for tail in group] for group in groups], every_s)
    rooms = places(_PLANT, Place(BOILER, "热水锅炉", "boiler_room", "plant", owner="王师傅"))
    is_on = boiler.is_on if is_attended else lambda at: False
    contacts = attendance(random, begin, end, is_on, BOILER, last=last_round, leaves=leaves)
    return Scene(
        random, boiler, rooms, made, begin, contacts, altitude_m=altitude_m, contact_points=CONTACTS,
        plates=PLATE if has_plate and not is_vented else {},
    )  # fmt: skip


def steam(random: Random, begin: float, end: float, *, every_s: float = 0.0) -> Scene:
    """A steam boiler."""
    boiler = Steam(random, begin)
    if not boiler.is_on(begin):
        boiler.kpa, boiler.demand = 100.0, False
        boiler.burner.has_flame = boiler.burner.was_wanted = False
    tails = ["pressure_kpa", "level_mm", "level_low", "flame", "demand", "flue/temperature_c"]
    made = devices(random, [[f"{BOILER}/{tail}" for tail in tails]], every_s)
    rooms = places(_PLANT, Place(BOILER, "蒸汽锅炉", "boiler_room", "plant", owner="王师傅"))
    contacts = attendance(random, begin, end, boiler.is_on, BOILER)
    return Scene(random, boiler, rooms, made, begin, contacts, contact_points=CONTACTS, plates=STEAM_PLATE)


def kettle(
    random: Random, begin: float, *, every_s: float = 0.0, altitude_m: float = 0.0, level: str | None = None
) -> Scene:
    """A drinking boiler; `level` is what shows its water: `level_pct`, `level_low` or nothing."""
    machine = Kettle(random, begin, boils_c=boiling_c(0.0, altitude_m))
    if not machine.is_on(begin):
        machine.water_c = 50.0
    level = random.choice(("level_pct", "level_low", "")) if level is None else level
    tails = ["temperature_c", "power_w", *([level] if level else [])]
    made = devices(random, [[f"{WATER}/{tail}" for tail in tails]], every_s)
    rooms = places(_SCHOOL, Place(WATER, "开水器", "drinking_boiler", HOUSE, owner="李师傅"))
    return Scene(random, machine, rooms, made, begin, altitude_m=altitude_m)


def house(random: Random, begin: float, *, every_s: float = 0.0) -> Scene:
    """A heated teaching building with one classroom."""
    machine = House(random, begin, mean_c=random.uniform(-4, 5))
    if not machine.target_c(begin):
        machine.room_c, machine.circuit_c = 15.0, 17.0
    groups = [
        [f"{ROOM}/temperature_c"],
        [f"{HOUSE}/{part}/temperature_c" for part in ("heating", "return", "pipe")],
        [f"{OUTSIDE}/temperature_c"],
    ]
    made = devices(random, groups, every_s)
    outdoor = Place("outside", "室外", "outdoor", "outside")
    rooms = places(
        _SCHOOL, Place(ROOM, "101", "classroom", HOUSE, owner="后勤组", heating=WINTER), outdoor,
        Place(OUTSIDE, "气象站", "outdoor", "outside"),
    )  # fmt: skip
    return Scene(random, machine, rooms, made, begin)


def store(
    random: Random, kind: str, begin: float, end: float, *, every_s: float = 0.0,
    left: tuple[float, float] | None = None,
) -> Scene:  # fmt: skip
    """A cold store of a kind; `left` is when its door is left open."""
    spans = [*openings(random, begin, end)]
    if left:
        spans = sorted([span for span in spans if span[1] < left[0] - 60 or span[0] > left[1] + 60] + [left])
    machine = Store(random, begin, COLD[kind], list(spans))
    made = devices(random, [[f"{STORE}/temperature_c"]], every_s, is_fine=True)
    rooms = places(
        Place("canteen", "食堂", "canteen", "canteen", owner="食堂"),
        Place(STORE, "冷库", kind, "canteen", owner="赵师傅"),
    )
    contacts = door_words(spans, begin, end)
    return Scene(random, machine, rooms, made, begin, contacts, contact_points=(f"{STORE}/door_open",))


def board(random: Random, begin: float, *, every_s: float = 0.0, points: tuple[str, ...] = ()) -> Scene:
    """A circuit on its board, and the sockets that it feeds; with `points` only these are measured."""
    groups = [
        [f"{BOARD}/residual_ma", f"{BOARD}/terminal-a/temperature_c"],
        [f"{BOARD}/current_a", f"{BOARD}/voltage_v"], [f"{SOCKETS}/residual_ma"],
    ]  # fmt: skip
    if points:
        groups = [[point for point in group if point in points] for group in groups]
    made = devices(random, groups, every_s)
    rooms = places(
        _SCHOOL, Place(BOARD, "配电箱", "distribution_room", HOUSE, owner="电工班"),
        Place(ROOM, "101", "classroom", HOUSE, owner="后勤组", heating=WINTER),
    )  # fmt: skip
    return Scene(random, Board(random, begin), rooms, made, begin)


def pipes(random: Random, begin: float, *, lost: float, every_s: float = 0.0) -> Scene:
    """A pipe network under its test before winter, of which it loses a share of its pressure in a day."""
    test_from = begin + random.uniform(2400, 4800)
    test_until = test_from + DAY
    point = f"{PUMPS}/pressure_test"
    beats = (begin + 5 + n * BEAT_S for n in range(int((DAY + 4 * HOUR) / BEAT_S)))
    words: list[Contact] = [(at, {point: float(test_from <= at < test_until)}) for at in beats]
    words += [(test_from, {point: 1.0}), (test_until, {point: 0.0})]
    made = devices(random, [[f"{PUMPS}/pressure_kpa", f"{PUMPS}/pipe/temperature_c"]], every_s)
    rooms = places(_PLANT, Place(PUMPS, "换热站", "pump_room", "plant", owner="王师傅"))
    machine = Pipes(random, begin, test_from, test_until, lost)
    return Scene(random, machine, rooms, made, begin, sorted(words, key=lambda item: item[0]), contact_points=(point,))
