"""The nouns of the house: places, points, samples, events. Small, immutable, standard library only.

Time is Unix seconds in UTC and always the *event* time, to the millisecond (`stamp` rounds). Missing data is no
reading: never 0, NaN or None.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple

from rules.calendar import Calendar, Season, Span
from rules.hours import LIVES_AS, Hours
from rules.sun import Sun


class Place(NamedTuple):
    """A node of the campus; `id` is `building` or `building/room`, `kind` one of PLACE_KINDS.

    `supply` is when its power is on, as where dorms are cut off at night; None: always. `heating` is when it is
    heated; None: never.
    """

    id: str
    name: str
    kind: str
    building: str
    floor: str = ""
    owner: str = ""
    note: str = ""
    supply: Span | None = None
    heating: Season | None = None


BUILDING_KINDS: dict[str, str] = {  # kind of building -> the kind its rooms have unless they say otherwise
    "dormitory": "dorm_room",
    "teaching": "classroom",
    "administration": "office",
    "laboratory": "lab",
    "library": "library",
    "canteen": "canteen",
    "staff_housing": "staff_flat",
    "plant": "pump_room",
    "outdoor": "outdoor",
}
ROOM_KINDS: tuple[str, ...] = (
    "dorm_room", "classroom", "office", "lab", "library", "corridor", "stairwell", "washroom", "canteen", "shop",
    "boiler_room", "drinking_boiler", "pump_room", "distribution_room", "staff_flat", "gate", "outdoor",
    "freezer", "cold_store", "sample_fridge",
)  # fmt: skip
PLACE_KINDS: tuple[str, ...] = (*ROOM_KINDS, *(kind for kind in BUILDING_KINDS if kind not in ROOM_KINDS))


class Point(NamedTuple):
    """One quantity at one place from one device; its id is `place/quantity` or `place/part/quantity`.

    `holds_s` says for how many seconds a reading speaks for the time after it. `of` names the point that this one is
    derived from, such as a flow from a counter; empty: it is measured.
    """

    id: str
    place: str
    part: str
    quantity: str
    device: str
    source: str
    holds_s: float
    of: str = ""


class Sample(NamedTuple):
    """One message or one poll: the values of all its points, by point id, at one time (Unix seconds)."""

    at: float
    device: str
    values: Mapping[str, float]


class Reading(NamedTuple):
    """A sample seen from one of its points: what history and export carry."""

    point: str
    at: float
    value: float


class Reason(StrEnum):
    """Why bytes or a payload gave no reading."""

    BAD_JSON = "bad_json"
    BAD_TEXT = "bad_text"
    MISSING_FIELD = "missing_field"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    UNKNOWN_TOPIC = "unknown_topic"
    NOISE = "noise"
    CHECKSUM = "checksum"
    BAD_DIGIT = "bad_digit"
    WRONG_ADDRESS = "wrong_address"
    UNKNOWN_ADDRESS = "unknown_address"
    WRONG_DATA = "wrong_data"
    METER_REFUSED = "meter_refused"
    NO_ANSWER = "no_answer"
    HALF_FRAME = "half_frame"
    BAD_END = "bad_end"
    BAD_LENGTH = "bad_length"
    OTHER_EDITION = "other_edition"
    OTHER_PROTOCOL = "other_protocol"
    PORT_LOST = "port_lost"
    LINK_LOST = "link_lost"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    LATE = "late"
    OVERFLOW = "overflow"


class Fault(NamedTuple):
    """Input that could not be read: which source or device, when, why, and the offending piece for people."""

    source: str
    at: float
    reason: Reason
    detail: str = ""


class How(IntEnum):
    """How a received sample counts: what the transport knows about its time and its delivery."""

    ARRIVAL = 0    # no time of its own: `at` is when it arrived
    TIMED = 1      # `at` is the device's own time
    BACKLOG = 2    # queued while we were away, without a time of its own
    BACKLOG_TIMED = 3   # queued while we were away, with a time of its own
    RETAINED = 4   # the broker's memory of the last value: shown, never evidence


class Received(NamedTuple):
    """What a transport hands over: a sample or a fault, how it counts, and the packet to acknowledge (0: none).

    `digest` is a checksum of topic and payload: with the packet id it tells a resent message from a new one.
    """

    arrived: float
    what: Sample | Fault
    how: How = How.ARRIVAL
    packet: int = 0
    digest: int = 0
    resent: bool = False


class Flag(IntEnum):
    """How a logged sample took part in the judgement; stored with it, so that a replay decides nothing anew."""

    JUDGED = 0
    LATE = 1       # at or before the mark: shown, not judged
    BACKLOG = 2    # of these only the newest value per point is judged, when the backlog ends


class Severity(IntEnum):
    INFO = 0
    MINOR = 1
    MAJOR = 2
    CRITICAL = 3


class Turn(StrEnum):
    RAISED = "raised"
    UPDATED = "updated"
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"


class Delivery(StrEnum):
    PAGE = "page"      # someone must act
    DIGEST = "digest"  # worth a line in the day's summary
    RECORD = "record"  # kept, told to nobody


class Evidence(NamedTuple):
    """What a change rests on: since when the condition holds, the points to draw, and the line to draw in.

    `threshold` is in the unit of the first point; `covered_s` is how much of the hold fresh readings cover.
    """

    since: float
    points: tuple[str, ...] = ()
    threshold: float | None = None
    covered_s: float = 0.0


class Change(NamedTuple):
    """What one step of a watch says; the engine makes it an Event by adding whose it is and when."""

    turn: Turn
    severity: Severity
    delivery: Delivery
    why: str
    values: Mapping[str, float | str]
    evidence: Evidence


class Event(NamedTuple):
    """A turn of an alert; `(rule, key, at, turn)` is its name for ever, `why` a message key for `values`."""

    rule: str
    key: str
    place: str
    at: float
    turn: Turn
    severity: Severity
    delivery: Delivery
    why: str
    values: Mapping[str, float | str]
    evidence: Evidence

    @property
    def name(self) -> tuple[str, str, float, str]:
        return self.rule, self.key, self.at, self.turn.value


class Hold(NamedTuple):
    """A condition that runs but has not raised yet: `covered_s` of `needed_s` seconds since `since`."""

    since: float
    covered_s: float
    needed_s: float


class Explanation(NamedTuple):
    """Where a watch stands and why: a message key of its rule with values, as in a Change."""

    why: str
    values: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Site:
    """The campus as rules see it: places and points by id, the calendar, and the sun where its place is known.

    `altitude_m` is above the sea: water boils earlier up there.
    """

    id: str
    name: str
    places: Mapping[str, Place]
    points: Mapping[str, Point]
    calendar: Calendar
    sun: Sun | None = None
    altitude_m: float = 0.0
    _by_place: Mapping[str, tuple[Point, ...]] = field(init=False, repr=False)
    _hours: dict[str, Hours] = field(init=False, repr=False, compare=False)  # by place, and by what they are

    def __post_init__(self) -> None:
        by_place: dict[str, list[Point]] = {}
        for point in self.points.values():
            by_place.setdefault(point.place, []).append(point)
        object.__setattr__(self, "_by_place", {place: tuple(points) for place, points in by_place.items()})
        object.__setattr__(self, "_hours", {})

    def points_at(self, place: str) -> tuple[Point, ...]:
        """All points of one place, in the order of the configuration."""
        return self._by_place.get(place, ())

    def hours(self, place_id: str) -> Hours:
        """When a place is used, taught in, slept in and supplied; places with equal hours share the object."""
        known = self._hours.get(place_id)
        if known is None:
            place = self.places[place_id]
            building = self.places.get(place.building, place)
            calendar = self.calendar
            hours = Hours(
                calendar, LIVES_AS.get(place.kind, building.kind), calendar.daily.get(place.kind, calendar.usual),
                tuple(p for p in calendar.periods if not p.places or p.places & {place.id, place.building}),
                calendar.timetable.get(place.id, ()), place.supply,
            )  # fmt: skip
            known = self._hours[place_id] = self._hours.setdefault(hours.digest, hours)
        return known

    def narrowed(self, places: Iterable[str]) -> "Site":
        """The same campus with only these places and their points, and the buildings they stand in (without points)."""
        chosen = {place: self.places[place] for place in places}
        points = {point.id: point for place in chosen for point in self.points_at(place)}
        buildings = {place.building: self.places[place.building] for place in chosen.values()}
        site = Site(self.id, self.name, buildings | chosen, points, self.calendar, self.sun, self.altitude_m)
        object.__setattr__(site, "_hours", self._hours)
        return site


def source_device(source: str) -> str:
    """The device under which a transport's own word is logged."""
    return f"source/{source}"


def state_point(source: str, quantity: str) -> str:
    """The point of a transport's own word: `online` or `backlog`."""
    return f"source/{source}/{quantity}"


def pseudo(points: Iterable[str], reason: str = "") -> dict[str, str]:
    """Roles of the verdicts on points, by the verdict's own name; without a reason it stands for all of them."""
    return {f"{point}!{reason}": f"{point}!{reason}" for point in points}


def stamp(seconds: float) -> float:
    """A time rounded to the millisecond: the resolution of log, engine and events."""
    return round(seconds, 3)
