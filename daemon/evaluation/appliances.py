"""High-power appliances in dorm rooms and classrooms: the rule and the naive rules over weeks of made-up rooms.

Strategy. An alert is right when it comes within the window about the begin of a use ([-15 s, +30 s], or 1.5 intervals
where readings are slower); a later one during a use, or right behind it, is neither right nor wrong; any other is
false. Half of the rooms live without heaters, so that false pages are not counted where a true page was due anyway.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from daemon.evaluation.dorm_rooms import (
    AIR_CONDITIONERS,
    DAY_S,
    GRID_S,
    Recordings,
    Room,
    RoomDay,
    Use,
    means,
    recordings,
    snapshots,
    unsigned,
)  # fmt: skip
from daemon.evaluation.naive_heaters import NAIVE, NEEDS_VAR, Alarm
from daemon.evaluation.row import OURS, Row
from rules.calendar import Calendar
from rules.engine import Engine
from rules.high_power import HighPower
from rules.model import BUILDING_KINDS, Delivery, Place, Point, Sample, Site, Turn

MONDAY = 1_772_380_800.0  # 2026-03-02 00:00 in Shanghai
DAYS = 7
ROOMS = 96             # a week each, for the figures at 5 s
TOGETHER = 12          # rooms in memory at once
GAIN_ERROR = 0.002
EARLY_S, LATE_S, BEHIND_S = 15.0, 30.0, 120.0
SIZES = ((300.0, 500.0), (500.0, 1000.0), (1000.0, 10_000.0))
SIGNED, UNSIGNED, ALONE = "signed Q", "unsigned N", "P only"


class Sampling(NamedTuple):
    """How a meter is read: each `every_s`, a mean or what it is just then."""

    every_s: int
    is_mean: bool = False

    @property
    def name(self) -> str:
        return f"{self.every_s} s" + (" mean" if self.is_mean else " snapshot" if self.every_s > 10 else "")

    def of(self, series: Sequence[float]) -> list[float]:
        every = self.every_s // GRID_S
        return means(series, every) if self.is_mean else snapshots(series, every)


Setting = tuple[Sampling, str]
Seen = tuple[list[float], list[float] | None]  # a day as a meter reports it: watts and var (None: not known)
SAMPLINGS = (
    Sampling(5), Sampling(10), Sampling(30, is_mean=True), Sampling(30), Sampling(60, is_mean=True), Sampling(60),
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """Uses and alarms of one kind of room, size or appliance."""

    room_days: int = 0
    uses: int = 0
    found: int = 0
    false: int = 0
    false_pages: int = 0


@dataclass(slots=True)
class Score:
    """Alarms against uses, summed over rooms: in all and by what the names of `of` say."""

    late: int = 0
    delays: list[float] = field(default_factory=list)
    causes: dict[str, int] = field(default_factory=dict)
    of: dict[str, Tally] = field(default_factory=dict)

    def tally(self, name: str = "") -> Tally:
        return self.of.setdefault(name, Tally())

    def add(self, room: Room, days: Sequence[RoomDay], alarms: Iterable[Alarm], every_s: float) -> None:
        """Count one room."""
        late_s = LATE_S if every_s <= 10 else 1.5 * every_s
        uses = [use for day in days for use in day.uses]
        kinds = "", f"AC {room.air_conditioner}", "with heaters" if room.uses_a_day else "without heaters"
        for name in kinds:
            self.tally(name).room_days += len(days)
        found: set[int] = set()
        for alarm in alarms:
            index = next((i for i, use in enumerate(uses) if _is_about(use, alarm.at, late_s)), None)
            if index is None:
                for name in kinds:
                    self.tally(name).false += 1
                    self.tally(name).false_pages += alarm.is_page
                day, second = divmod(max(0.0, alarm.since), DAY_S)
                cause = days[min(int(day), len(days) - 1)].moved_most(int(second) // GRID_S)
                self.causes[cause] = self.causes.get(cause, 0) + 1
            elif index not in found and alarm.at <= uses[index].begin + late_s:
                found.add(index)
                self.delays.append(alarm.at - uses[index].begin)
            elif index not in found:
                self.late += 1
        for index, use in enumerate(uses):
            for name in (*kinds, _size(use), use.appliance):
                self.tally(name).uses += 1
                self.tally(name).found += index in found


def _is_about(use: Use, at: float, late_s: float) -> bool:
    return use.begin - EARLY_S <= at <= max(use.end + BEHIND_S, use.begin + late_s)


def _size(use: Use) -> str:
    if use.is_half_wave:
        return "half-wave"
    return next((f"{low:.0f}-{high:.0f} W" for low, high in SIZES if low <= use.watts < high), "under 300 W")


# -- our rule


def ours(
    days: Sequence[Sequence[Seen]], whitelists: Sequence[str], every_s: int, kind: str = "dorm_room"
) -> list[list[Alarm]]:
    """The alarms of each room; all are of one kind."""
    places = {"dorm": Place("dorm", "dorm", next(of for of, room in BUILDING_KINDS.items() if room == kind), "dorm")}
    points: dict[str, Point] = {}
    columns: list[list[float]] = []
    for number, room in enumerate(days):
        place = f"dorm/{number}"
        places[place] = Place(place, place, kind, "dorm")
        for index, quantity in enumerate(("power_w", "reactive_power_var")):
            if room[0][index] is not None:
                points[f"{place}/{quantity}"] = Point(
                    f"{place}/{quantity}", place, "", quantity, place, "bus", 2.5 * every_s
                )
                columns.append([value for day in room for value in day[index]])  # type: ignore[union-attr]
    site = Site("s", "s", places, points, Calendar())
    engine = Engine(
        watch
        for number, allowed in enumerate(whitelists)
        for watch in HighPower(whitelist_w=allowed).watches(site.narrowed([f"dorm/{number}"]))
    )
    alarms: list[list[Alarm]] = [[] for _ in days]
    names = tuple(points)
    told: dict[str, int] = {}
    for slot, values in enumerate(zip(*columns, strict=True), 1):
        at = MONDAY + slot * every_s
        engine.take(Sample(at, "bus", dict(zip(names, values, strict=True))))
        for event in engine.advance(at):
            room_alarms = alarms[int(event.place.partition("/")[2])]
            is_page = event.delivery is Delivery.PAGE
            if event.turn is Turn.RAISED:
                told[event.key] = len(room_alarms)
                room_alarms.append(Alarm(at - MONDAY, event.evidence.since - MONDAY, is_page))
            elif event.turn is Turn.UPDATED and is_page:
                index = told[event.key]
                room_alarms[index] = room_alarms[index]._replace(is_page=True)
    return alarms


# -- the protocol


def rooms(found: Recordings, count: int, kind: str = "dorm_room") -> list[Room]:
    """Rooms of all sorts: each second one with heaters, a third with each air conditioner."""
    return [
        Room(f"room {number}", found, AIR_CONDITIONERS[number // 2 % 3], 0.0 if number % 2 else 2.0, kind)
        for number in range(count)
    ]


def scores(
    found: Recordings, settings: Sequence[Setting], count: int, *, naive: Sequence[Setting] = (), days: int = DAYS,
    kind: str = "dorm_room", progress: Callable[[str], None],
) -> dict[tuple[str, Setting], Score]:  # fmt: skip
    """The score of our rule in each setting, and of the naive rules in those of `naive`, over so many rooms."""
    out: dict[tuple[str, Setting], Score] = {}
    made = rooms(found, count, kind)
    for first in range(0, count, TOGETHER):
        group = made[first : first + TOGETHER]
        weeks = [list(room.days(days)) for room in group]
        allowed = [room.whitelist() for room in group]
        for setting in dict.fromkeys((*settings, *naive)):
            sampling = setting[0]
            seen = [[_seen(room, day, setting) for day in week] for room, week in zip(group, weeks, strict=True)]
            methods: dict[str, list[list[Alarm]]] = {}
            if setting in settings:
                methods[OURS] = ours(seen, allowed, sampling.every_s, kind)
            if setting in naive:
                methods |= _naive(seen, sampling.every_s)
            for method, alarms in methods.items():
                score = out.setdefault((method, setting), Score())
                for room, week, told in zip(group, weeks, alarms, strict=True):
                    score.add(room, week, told, sampling.every_s)
        progress(f"high_power: {min(first + TOGETHER, count)} of {count} ({kind})")
    return out


def _seen(room: Room, day: RoomDay, setting: Setting) -> Seen:
    sampling, side = setting
    var = None
    if side == SIGNED:
        var = sampling.of(day.var)
    elif side == UNSIGNED:
        gain = 1 + random.Random(room.seed).uniform(-GAIN_ERROR, GAIN_ERROR)
        var = sampling.of(unsigned(day.watts, day.var, gain))
    return sampling.of(day.watts), var


def _naive(days: Sequence[Sequence[Seen]], every_s: int) -> dict[str, list[list[Alarm]]]:
    out: dict[str, list[list[Alarm]]] = {}
    for week in days:
        watts = [p for day, _ in week for p in day]
        var = [q for _, day in week if day for q in day]
        for name, rule in NAIVE.items():
            if var or name not in NEEDS_VAR:
                out.setdefault(name, []).append(rule(watts, var, every_s))
    return out


def rows(data: Path, *, progress: Callable[[str], None], count: int = ROOMS, days: int = DAYS) -> list[Row]:
    """The figures on the devices that nothing was tuned with; `count` rooms for those at 5 s, a quarter for others."""
    folder = data / "appliances"
    if not folder.is_dir():
        return []
    found = recordings(folder, is_test=True)
    if not found.uses or not found.allowed:
        return []
    main = (SAMPLINGS[0], SIGNED)
    others = [(sampling, side) for sampling in SAMPLINGS for side in (SIGNED, UNSIGNED, ALONE)]
    others.remove(main)
    minute = next(setting for setting in others if setting[0].name == "60 s mean" and setting[1] == ALONE)
    measured = scores(found, [main], count, days=days, progress=progress)
    measured |= scores(found, others, -(-count // 4), naive=[main, minute], days=days, progress=progress)
    out: list[Row] = []
    for (method, setting), score in measured.items():
        where = f"{setting[0].name}, {setting[1]}"
        out.append(_row(score, method, where))
        if setting == minute:
            kettles = [name for name in score.of if "kettle" in name.lower()]
            out += [_row(score, method, f"{where}, kettles", of=name) for name in kettles]
        if (method, setting) == (OURS, main):
            out += [_row(score, method, f"{where}, {name}", of=name) for name in sorted(score.of) if name]
            out += [_pages(score, where, name) for name in ("", "with heaters", "without heaters")]
    return out + _classrooms(found, -(-count // 4), days, progress)


def _classrooms(found: Recordings, count: int, days: int, progress: Callable[[str], None]) -> list[Row]:
    """The figures where lamps are on the same meter: a small heater is told from them by its reactive power alone."""
    settings = [(sampling, side) for sampling in (SAMPLINGS[0], SAMPLINGS[-2]) for side in (SIGNED, UNSIGNED, ALONE)]
    out: list[Row] = []
    measured = scores(found, settings, count, days=days, kind="classroom", progress=progress)
    for (method, setting), score in measured.items():
        where = f"classroom, {setting[0].name}, {setting[1]}"
        out.append(_row(score, method, where))
        out += [_row(score, method, f"{where}, {name}", of=name) for name in sorted(score.of) if name.endswith(" W")]
        out.append(_pages(score, where, ""))
    return out


def _row(score: Score, method: str, setting: str, *, of: str = "") -> Row:
    tally, whole = score.tally(of), score.tally()
    alarms = tally.found + (tally if tally.room_days else whole).false
    has_precision = alarms and (tally.room_days or "kettle" in of.lower())
    causes = ", ".join(f"{cause} {times}" for cause, times in sorted(score.causes.items(), key=lambda row: -row[1])[:4])
    note = f"{tally.room_days} room-days" if tally.room_days else ""
    if not of:
        note += f", {score.late} late, {tally.false_pages} false pages" + (f"; false: {causes}" if causes else "")
    return Row(
        task="high_power", method=method, setting=setting, events=tally.uses,
        precision=tally.found / alarms if has_precision else None,
        recall=tally.found / tally.uses if tally.uses else None,
        false_rate=tally.false / tally.room_days if tally.room_days else None, false_per="room-day",
        delay_s=median(score.delays) if score.delays and not of else None, basis="semi-synthetic", note=note,
    )  # fmt: skip


def _pages(score: Score, where: str, name: str) -> Row:
    tally = score.tally(name)
    return Row(
        task="high_power", method=OURS, setting=f"{where}, false pages{', ' if name else ''}{name}", events=0,
        precision=None, recall=None, false_rate=tally.false_pages / tally.room_days, false_per="room-day",
        delay_s=None, basis="semi-synthetic", note=f"{tally.false_pages} in {tally.room_days} room-days",
    )  # fmt: skip
