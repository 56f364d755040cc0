"""The campus of a configuration: buildings and rooms as places, and the choice of places by a `where`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from daemon.config.calendar_tables import HeatingTable
from daemon.config.errors import Findings, Problem
from daemon.config.lines import Path
from daemon.config.reading import read
from daemon.config.tables import BuildingTable, FileTable, RoomTable, Section, WhereTable
from rules.calendar import Season
from rules.model import BUILDING_KINDS, Place

_LISTS = {"washrooms": "washroom", "corridors": "corridor", "stairwells": "stairwell", "offices": "office",
          "drinking_boilers": "drinking_boiler"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Campus:
    """Places by id, and the ids of buildings; `doubtful` are buildings whose table could not be read."""

    places: Mapping[str, Place]
    buildings: tuple[str, ...]
    doubtful: frozenset[str]

    def has_place(self, path: Path, place: str, findings: Findings) -> bool:
        """Whether a place exists; an error with the nearest one if not (none for a building already complained of)."""
        if place in self.places:
            return True
        building = place.partition("/")[0]
        if building not in self.doubtful:
            findings.error(path, "unknown_name", noun="place", found=place, allowed=self.near(place, building))
        return False

    def has_part(self, path: Path, part: str, places: Iterable[str], findings: Findings) -> bool:
        """Whether these places can have a part; an error if a room has that name, whose points it would take."""
        rooms = (f"{place}/{part}" for place in places if part)
        room = next((room for room in rooms if room in self.places), None)
        if room is not None:
            findings.error(path, "part_is_room", found=part, room=room)
        return room is None

    def near(self, place: str, building: str) -> tuple[str, ...]:
        """What a wrong place may have meant: rooms of its building, or that room of other buildings."""
        if building in self.buildings:
            return tuple(item.id for item in self.places.values() if item.building == building)
        room = place.partition("/")[2]
        rooms = tuple(f"{other}/{room}" for other in self.buildings if f"{other}/{room}" in self.places)
        return rooms or self.buildings

    def chosen(self, where: Section, path: Path, findings: Findings) -> tuple[str, ...] | None:
        """The ids of the places that fit a `where`; None when it is wrong."""
        before = len(findings.errors)
        table = read(WhereTable, where, path, findings)
        if table is None:
            return None
        for name in table.building:
            if name not in self.doubtful:
                findings.choose((*path, "building"), "building", name, self.buildings)
        for name in table.place:
            self.has_place((*path, "place"), name, findings)
        if len(findings.errors) > before:
            return None
        return tuple(
            place.id
            for place in self.places.values()
            if (not table.kind or place.kind in table.kind)
            and (not table.building or place.building in table.building)
            and (not table.place or place.id in table.place)
        )


def campus(file: FileTable, findings: Findings) -> Campus:
    """All buildings and rooms."""
    heating = read(HeatingTable, file.heating, ("heating",), findings) if file.heating is not None else None
    season = heating.season() if heating else None
    places: dict[str, Place] = {}
    buildings: list[str] = []
    declared: dict[str, Path] = {}
    doubtful: set[str] = set()
    for index, raw in enumerate(file.building):
        path: Path = ("building", index)
        before = len(findings.errors)
        table = read(BuildingTable, raw, path, findings, kind="teaching")
        if table is None or _lost_rooms(raw, findings.errors[before:]):
            doubtful.add(str(raw.get("id")))
        if table is None:
            continue
        if table.id in declared:
            findings.error((*path, "id"), "duplicate", noun="building", found=table.id, other=declared[table.id])
            continue
        buildings.append(table.id)
        twice = set()
        for place, key in _places(table, season):
            if place.id in places and key not in twice:
                twice.add(key)  # one word about two ranges that overlap
                findings.error((*path, key), "duplicate", noun="room", found=place.id, other=declared[place.id])
            places[place.id] = place
            declared[place.id] = (*path, key)
    known = Campus(places, tuple(buildings), frozenset(doubtful))
    _exceptions(file.room, places, known, season, findings)
    return known


def _lost_rooms(raw: Section, errors: Sequence[Problem]) -> bool:
    """Whether these mistakes of a building leave its rooms unsure."""
    keys = {problem.path[2] for problem in errors if len(problem.path) > 2}
    return any(key == "id" or isinstance(raw.get(str(key)), list) for key in keys)


def _places(table: BuildingTable, season: Season | None) -> Iterator[tuple[Place, str]]:
    """The building itself and its rooms, each with the key that declares it."""
    name = table.name or table.id
    heating = season if table.heating and table.kind != "outdoor" else None
    yield Place(table.id, name, table.kind, table.id, "", table.owner, table.note, table.supply, heating), "id"
    for key in ("rooms", *_LISTS):
        kind = _LISTS.get(key, BUILDING_KINDS[table.kind])
        for rooms in getattr(table, key):
            for room in rooms:
                floor = floor_of(room)
                id_ = f"{table.id}/{room}"
                yield Place(
                    id_, f"{name} {room}", kind, table.id, floor, table.owner, "", table.supply, heating
                ), key


def floor_of(room: str) -> str:
    """The floor that a room's name tells: `2` for 201, A215 and 2F-wash, nothing for names without one."""
    named = re.match(r"(B?\d+)F\b", room)
    if named:
        return named[1]
    number = re.fullmatch(r"[^\W\d]*(\d{3,})\D*", room)
    return number[1][:-2] if number else ""


def _exceptions(
    tables: Sequence[Section], places: dict[str, Place], known: Campus, season: Season | None, findings: Findings
) -> None:
    """Apply `[[room]]`: change a room that a range made, or add one."""
    declared: dict[str, Path] = {}
    for index, raw in enumerate(tables):
        path: Path = ("room", index)
        table = read(RoomTable, raw, path, findings)
        if table is None:
            continue
        if table.id in declared:
            findings.error((*path, "id"), "duplicate", noun="room", found=table.id, other=declared[table.id])
            continue
        declared[table.id] = (*path, "id")
        building, _, room = table.id.partition("/")
        if building not in known.buildings:
            if building not in known.doubtful:
                findings.error((*path, "id"), "unknown_name", noun="building", found=building,
                               allowed=known.buildings)  # fmt: skip
            continue
        house = places[building]
        usual = places.get(table.id) or Place(
            table.id, f"{house.name} {room}", BUILDING_KINDS[house.kind], building, floor_of(room), house.owner,
            supply=house.supply, heating=house.heating,
        )  # fmt: skip
        places[table.id] = usual._replace(
            name=table.name or usual.name,
            kind=table.kind or usual.kind,
            floor=usual.floor if table.floor is None else table.floor,
            owner=table.owner or usual.owner,
            note=table.note or usual.note,
            supply=table.supply or usual.supply,
            heating=usual.heating if table.heating is None else season if table.heating else None,
        )
