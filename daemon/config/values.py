"""What a single value of the file may be, and what it becomes: a span, a range of rooms, an address, a line."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple, NoReturn, TypeGuard
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator

from adapters.link import server_of
from adapters.source import Line
from rules.calendar import Season, Span
from rules.quantity import QUANTITIES, UNITS

_BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_ROOMS_IN_RANGE = 200
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LEVEL = r"[^{}+#\x00-\x1f\x7f-\x9f\u2028\u2029]*"   # of a topic: control characters are text for no file and no log
_BEIJING = re.compile(r"(?i)(asia/)?beijing|北京(时间)?|中国|china|prc|cst|(utc|gmt)\+0?8(:?00)?|\+0?8:?00")


class WrongValueError(ValueError):
    """A value that cannot be used: the message code and the values of its message."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def text_of(value: object) -> str:
    """A value that must be text."""
    if not isinstance(value, str):
        wrong_type("str", value)
    return value


def wrong_type(expected: str, value: object) -> NoReturn:
    """Refuse a value of the wrong type."""
    raise WrongValueError("wrong_type", expected=expected, found_type=type(value).__name__)


def one_of(noun: str, names: Iterable[str]) -> AfterValidator:
    """A validator for one of these names."""
    allowed = tuple(names)

    def check(value: str) -> str:
        if value not in allowed:
            raise WrongValueError("unknown_name", noun=noun, found=value, allowed=allowed)
        return value

    return AfterValidator(check)


def matching(pattern: str, code: str) -> AfterValidator:
    """A validator for text of a whole pattern."""
    shape = re.compile(pattern)

    def check(value: str) -> str:
        if not shape.fullmatch(value):
            raise WrongValueError(code, found=value)
        return value

    return AfterValidator(check)


def weekday_of(value: object) -> int:
    """`monday` to `sunday` as 0 to 6."""
    name = text_of(value)
    if name not in WEEKDAYS:
        raise WrongValueError("unknown_name", noun="name", found=name, allowed=WEEKDAYS)
    return WEEKDAYS.index(name)


def minute_of(value: object) -> int:
    """`22:30` as a minute of the day; `24:00` is its end."""
    text = text_of(value)
    match = re.fullmatch(r"(\d\d?):(\d\d)", text)
    found = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else 1441
    if found > 1440:
        raise WrongValueError("bad_minute", found=text)
    return found


def span_of(value: object) -> Span:
    """`06:20-22:30` as minutes of the day."""
    text = text_of(value)
    start, _, end = text.partition("-")
    try:
        found = Span(minute_of(start.strip()), minute_of(end.strip()))
    except WrongValueError:
        raise WrongValueError("bad_span", found=text) from None
    if found.start == found.end:
        raise WrongValueError("bad_span", found=text)
    return found


def season_of(first: str, last: str) -> Season:
    """`11-15` and `03-15` as a part of every year."""
    return Season(_month_day(first), _month_day(last))


def _month_day(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d\d?)-(\d\d?)", text)
    try:
        found = date(2024, int(match[1]), int(match[2])) if match else None  # a leap year
    except ValueError:
        found = None
    if found is None:
        raise WrongValueError("bad_month_day", found=text)
    return found.month, found.day


def lesson_of(value: object) -> Span:
    """A span within one day, as lessons are."""
    found = span_of(value)
    if found.start > found.end:
        raise WrongValueError("bad_lesson", found=value)
    return found


def span_or_none(value: object) -> Span | None:
    """A span within one day, or `none`."""
    return None if value == "none" else lesson_of(value)


def rooms_of(value: object) -> tuple[str, ...]:
    """`101-118` as its rooms; anything that is no range is the name of one room."""
    text = text_of(value)
    match = re.fullmatch(r"([^\W\d]*)(\d+)-\1(\d+)", text)
    if match is None:
        if not re.fullmatch(r"[\w.-]+", text):
            raise WrongValueError("bad_id", found=text)
        return (text,)
    prefix, first, last = match.groups()
    count = int(last) - int(first) + 1
    is_one_floor = len(first) < 3 or first[:-2] == last[:-2]
    if not 1 <= count <= _ROOMS_IN_RANGE or not is_one_floor:
        raise WrongValueError("bad_range", found=text)
    return tuple(f"{prefix}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))


def days_of(value: object) -> tuple[date, date]:
    """A day, or `{ from, to }`, as its first and last day."""
    first, last = (value.get("from"), value.get("to")) if isinstance(value, dict) else (value, value)
    is_span = not isinstance(value, dict) or value.keys() == {"from", "to"}
    if not is_span or not _is_day(first) or not _is_day(last) or not 0 <= (last - first).days <= 366:
        raise WrongValueError("bad_days")
    return first, last


def _is_day(value: object) -> TypeGuard[date]:
    return isinstance(value, date) and not isinstance(value, datetime)


def known_zone(value: str) -> str:
    """An IANA time zone."""
    zones = available_timezones()
    if value not in zones:
        raise WrongValueError(
            "unknown_name", noun="time zone", found=value, allowed=("Asia/Shanghai", *sorted(zones)),
            instead='"Asia/Shanghai"' if _BEIJING.fullmatch(value) else "",
        )  # fmt: skip
    return value


def in_its_unit(name: str, *, in_fields: bool) -> str:
    """What to write for a quantity that carries a device's unit, `power_kw`; empty for any other name."""
    for quantity, units in UNITS.items():
        for unit in units:
            if name.lower() == f"{quantity.rpartition('_')[0]}_{re.sub(r'[^a-z0-9]', '', unit.lower())}":
                text = f'quantity = "{quantity}", unit = "{unit}"'
                return f"{{ {text} }}" if in_fields else text
    return ""


def listen_of(value: object) -> tuple[str, int]:
    """`127.0.0.1:8080` as host and port; port 0 takes any free one."""
    text = text_of(value)
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", text)
    if match is None or int(match[2]) > 65535:
        raise WrongValueError("bad_listen", found=text)
    return match[1].strip("[]"), int(match[2])


def web_address_of(value: object) -> str:
    """`http://gateway.school:8080`: where staff reach the panel, for the link in a message."""
    text = text_of(value)
    if not re.fullmatch(r"https?://[\w.\-\[\]:]+(/[\w./-]*)?", text):
        raise WrongValueError("bad_web_address", found=text)
    return text


class BrokerUrl(NamedTuple):
    """Where a broker listens."""

    host: str
    port: int
    tls: bool


def broker_of(value: object) -> BrokerUrl:
    """`mqtt://host:port`, without user and password."""
    try:
        url = urlsplit(text_of(value))
        port = url.port
    except ValueError as error:
        if isinstance(error, WrongValueError):
            raise
        raise WrongValueError("bad_url") from None
    if "@" in url.netloc:
        raise WrongValueError("secret_in_url")
    if url.scheme not in ("mqtt", "mqtts") or not url.hostname or url.path.strip("/") or url.query or port == 0:
        raise WrongValueError("bad_url")
    tls = url.scheme == "mqtts"
    return BrokerUrl(url.hostname, port or (8883 if tls else 1883), tls)


def port_of(value: object) -> str:
    """A port of this machine, or the address of a server with a line."""
    text = text_of(value)
    try:
        server_of(text)
    except ValueError:
        raise WrongValueError("secret_in_url" if "@" in text else "bad_port") from None
    if not text:
        raise WrongValueError("bad_port")
    return text


def serial_line_of(value: object) -> Line:
    """`2400 8E1` as the settings of a line."""
    text = text_of(value)
    match = re.fullmatch(r"(\d+)[ ,]+([78])([NEO])([12])", text.upper())
    if match is None or int(match[1]) not in _BAUDS:
        raise WrongValueError("bad_line", found=text)
    return Line(int(match[1]), int(match[2]), match[3], int(match[4]))


def topic_prefix_of(value: object) -> str:
    """The first levels of topics, as they can be published to."""
    text = text_of(value)
    if not text or text.strip("/") != text or text.startswith("$") or not text.isprintable() or set("+#") & set(text):
        raise WrongValueError("bad_prefix", found=text)
    return text


def filter_of(value: object) -> str:
    """A topic filter whose placeholders and wildcards are whole levels, as a broker can subscribe to."""
    text = text_of(value)
    levels = text.split("/")
    whole = all(re.fullmatch(rf"\{{\w+\}}|\+|{_LEVEL}", level) for level in levels[:-1])
    if not text or not whole or not re.fullmatch(rf"\{{\w+\}}|\+|#|{_LEVEL}", levels[-1]):
        raise WrongValueError("bad_filter", found="".join(c if c.isprintable() else "?" for c in text))  # on one line
    return text


def known_format(value: str) -> str:
    """How a device writes its time."""
    if value not in ("unix", "unix_ms", "iso") and "%" not in value:
        raise WrongValueError("bad_format", found=value)
    return value


def part_of(value: str) -> str:
    """A part of a place: a word that no point could mistake for what is measured there."""
    if not re.fullmatch(r"[\w.-]*", value):
        raise WrongValueError("bad_id", found=value)
    if value in QUANTITIES:
        raise WrongValueError("part_is_quantity", found=value)
    return value


def as_list(value: object) -> object:
    """A single text as a list of one."""
    return [value] if isinstance(value, str) else value


def as_quantity(value: object) -> object:
    """The short form of a field, its quantity alone, as a table."""
    return {"quantity": value} if isinstance(value, str) else value
