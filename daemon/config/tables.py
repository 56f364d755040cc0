"""The tables of the TOML file, one class each: their keys, types and defaults.

What needs two tables at once (places that exist, points that are claimed twice) is judged where these are joined.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)  # fmt: skip

from adapters.payloads import CONVENTIONS
from adapters.source import Line
from daemon.config.errors import LANGUAGES
from daemon.config.values import (
    BrokerUrl,
    WrongValueError,
    as_list,
    as_quantity,
    broker_of,
    filter_of,
    known_format,
    known_zone,
    listen_of,
    matching,
    minute_of,
    one_of,
    part_of,
    port_of,
    rooms_of,
    serial_line_of,
    span_of,
    topic_prefix_of,
    web_address_of,
)
from rules.calendar import Span
from rules.model import BUILDING_KINDS, PLACE_KINDS, ROOM_KINDS, Delivery, Severity, Turn

Section = dict[str, Any]
Sections = list[Section]
SOURCE_KINDS = ("mqtt", "serial")

Id = Annotated[str, matching(r"[\w.-]+", "bad_id")]
RoomId = Annotated[str, matching(r"[\w.-]+/[\w.-]+", "bad_room_id")]
Part = Annotated[str, AfterValidator(part_of)]
SourceName = Annotated[str, matching(r"(?!people$)\w[\w. -]*", "bad_source_name")]  # what people declare has one
Rooms = list[Annotated[tuple[str, ...], PlainValidator(rooms_of)]]
Zone = Annotated[str, AfterValidator(known_zone)]
DaySpan = Annotated[Span, PlainValidator(span_of)]
Names = Annotated[list[str], BeforeValidator(as_list)]
Period = Annotated[float, Field(gt=0, le=7 * 86400)]
Nonzero = Annotated[float, Field(gt=0, le=1e6)]
SeverityName = Annotated[str, one_of("name", [item.name.lower() for item in Severity])]


class Table(BaseModel):
    """A table of the file: unknown keys and loose types are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class FileTable(Table):
    """The whole file; `include` names more files whose lists of tables follow those of this one."""

    include: Names = []
    site: Section
    panel: Section = {}
    hours: Section = {}
    store: Section = {}
    term: Sections = []
    hours_of: Sections = []
    heating: Section | None = None
    makeup: Sections = []
    period: Sections = []
    timetable: Sections = []
    building: Sections = []
    room: Sections = []
    source: Sections = []
    exchange: Sections = []
    rule: Sections = []
    notify: Sections = []
    publish: Section | None = None


class SiteTable(Table):
    """The campus, and how its clock and time are taken."""

    id: Id
    name: str = ""
    timezone: Zone = "Asia/Shanghai"
    language: Annotated[str, one_of("name", LANGUAGES)] = "zh"
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None
    altitude_m: Annotated[float, Field(ge=-500, le=6000)] = 0.0
    grace_s: Annotated[float, Field(ge=0, le=600)] = 10.0
    clock: Annotated[str, one_of("name", ("auto", "trust"))] = "auto"

    @model_validator(mode="after")
    def _is_somewhere(self) -> "SiteTable":
        if (self.latitude is None) != (self.longitude is None):
            raise WrongValueError("sun_needs_both")
        return self


class PanelTable(Table):
    """Where the panel listens and what opens it."""

    listen: Annotated[tuple[str, int], PlainValidator(listen_of)] = ("127.0.0.1", 8080)
    password_file: str | None = None
    url: Annotated[str, PlainValidator(web_address_of)] = ""


class StoreTable(Table):
    """The one file of data, and how often it is committed."""

    path: str = "caretaker.db"
    commit_s: Annotated[float, Field(gt=0, le=3600)] = 60.0


class BuildingTable(Table):
    """A building and its rooms, as ranges and names."""

    id: Id
    name: str = ""
    kind: Annotated[str, one_of("kind", BUILDING_KINDS)]
    area_m2: Annotated[float | None, Field(gt=0)] = None
    beds: Annotated[int | None, Field(ge=0, le=100_000)] = None
    rooms: Rooms = []
    washrooms: Rooms = []
    corridors: Rooms = []
    stairwells: Rooms = []
    offices: Rooms = []
    drinking_boilers: Rooms = []
    owner: str = ""
    note: str = ""
    supply: DaySpan | None = None
    heating: bool = True


class RoomTable(Table):
    """A room that no range covers, or what is different about one."""

    id: RoomId
    name: str = ""
    kind: Annotated[str | None, one_of("kind", ROOM_KINDS)] = None
    floor: str | None = None
    area_m2: Annotated[float | None, Field(gt=0)] = None
    owner: str = ""
    note: str = ""
    supply: DaySpan | None = None
    heating: bool | None = None


class MqttTable(Table):
    """A broker."""

    name: SourceName
    kind: str
    url: Annotated[BrokerUrl, PlainValidator(broker_of)]
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    client_id: Annotated[str | None, Field(min_length=1)] = None
    topic: Sections = []


class TopicTable(Table):
    """A pattern of topics and what their payloads mean."""

    filter: Annotated[str, PlainValidator(filter_of)]
    payload: Annotated[str, one_of("kind", CONVENTIONS)]
    fields: dict[str, Annotated[Section, BeforeValidator(as_quantity)]] = {}
    quantities: Names = []
    quantity: str | None = None
    unit: str | None = None
    scale: Nonzero = 1.0
    multiplier: Nonzero = 1.0
    digits: Annotated[int | None, Field(ge=3, le=12)] = None
    part: Part = ""
    time: Section | None = None
    where: Section | None = None
    place: str | None = None
    devices: dict[str, str] = {}
    every_s: Period | None = None
    heartbeat_s: Period | None = None


class FieldTable(Table):
    """One value of a JSON payload."""

    quantity: str
    unit: str | None = None
    scale: Nonzero = 1.0
    multiplier: Nonzero = 1.0
    digits: Annotated[int | None, Field(ge=3, le=12)] = None
    part: Part = ""


class TimeTable(Table):
    """The device's own time in a JSON payload."""

    path: str = ""
    format: Annotated[str, AfterValidator(known_format)] = "iso"
    zone: Zone | None = None

    @model_validator(mode="after")
    def _has_a_zone(self) -> "TimeTable":
        if self.zone is None and "%" in self.format and "%z" not in self.format:
            raise WrongValueError("zone_needed")
        return self


class WhereTable(Table):
    """Which places are meant: all that fit every key."""

    kind: Annotated[list[Annotated[str, one_of("kind", PLACE_KINDS)]], BeforeValidator(as_list)] = []
    building: Names = []
    place: Names = []


class SerialTable(Table):
    """A serial line."""

    name: SourceName
    kind: str
    port: Annotated[str, PlainValidator(port_of)]
    line: Annotated[Line | None, PlainValidator(serial_line_of)] = None
    listen: bool = False
    device: Sections = []


class MeterTable(Table):
    """A meter on a serial line."""

    model: str
    address: Annotated[str, Field(min_length=1)]
    place: str
    part: Part = ""
    every_s: Period = 30.0
    multiplier: Nonzero = 1.0
    line: Annotated[Line | None, PlainValidator(serial_line_of)] = None
    note: str = ""


class ExchangeTable(Table):
    """A meter was replaced: the last reading of the old one, the first of the new one."""

    point: str | None = None
    place: str | None = None
    part: Part = ""
    at: datetime
    old: Annotated[float, Field(ge=0)]
    new: Annotated[float, Field(ge=0)] = 0.0


class RuleTable(Table):
    """A change of one rule; the keys it does not know are the parameters of its kind."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    kind: str
    where: Section = {}
    excepted: Annotated[Names, Field(alias="except")] = []
    enabled: bool = True


class NotifyTable(Table):
    """Where staff are told, and what."""

    name: Annotated[str, Field(min_length=1)] | None = None
    url_file: str
    severities: Annotated[list[SeverityName], Field(min_length=1)] = [item.name.lower() for item in Severity]
    turns: list[Annotated[str, one_of("name", list(Turn))]] = ["raised"]
    deliveries: list[Annotated[str, one_of("name", list(Delivery))]] = ["page", "digest"]
    quiet: DaySpan | None = None
    digest_at: Annotated[int, PlainValidator(minute_of)] = 7 * 60 + 30
    rate_per_minute: Annotated[int, Field(ge=1, le=600)] = 20


class PublishTable(Table):
    """What is published for other systems; `source` is the name of a broker among the sources, or an address."""

    source: str
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    prefix: Annotated[str, PlainValidator(topic_prefix_of)] = "caretaker"
    discovery: Annotated[str, PlainValidator(topic_prefix_of)] = "homeassistant"
    where: Section = {}
    excepted: Annotated[Names, Field(alias="except")] = []
    dorm_rooms: bool = False
    every_s: Annotated[float, Field(ge=1, le=3600)] = 5.0
