"""What a rule kind is: parameters with units and bounds, words in each language, and watches for a site."""

from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from math import isinf
from typing import Any, ClassVar, NamedTuple, Protocol

from rules.model import Site
from rules.watch import Watch


class Bounds(NamedTuple):
    """A number: its unit and the range a configuration may set."""

    unit: str
    least: float
    most: float


class Choice(NamedTuple):
    """One of these words."""

    options: tuple[str, ...]


class Text(NamedTuple):
    """A line of text, at most `longest` characters."""

    longest: int


class PointIds(NamedTuple):
    """Points that must exist: a list of ids, or where `is_named` a table of names to ids.

    The value is a tuple of `(name, id)` pairs; in a list the ids are their own names.
    """

    is_named: bool


Parameter = Bounds | Choice | Text | PointIds


class ParameterError(ValueError):
    """A parameter that its bounds cannot refuse, raised by a kind's `__post_init__`; it says what to write instead."""

    def __init__(self, parameter: str, english: str, chinese: str) -> None:
        super().__init__(f"{parameter}: {english}")
        self.parameter = parameter
        self.english = english
        self.chinese = chinese


def in_order(rule: object, *names: str, falls: bool = False) -> None:
    """Raises ParameterError where these parameters of a rule do not rise (or fall); unset ones stand anywhere."""
    values = [value for value in (getattr(rule, name) for name in names) if not isinf(value)]
    if values != sorted(values, reverse=falls):
        english, chinese = ("fall", "由大到小") if falls else ("rise", "由小到大")
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise ParameterError(names[0], f"{listed} must {english}", f"{'、'.join(names)} 应{chinese}")


class Words(NamedTuple):
    """What a rule says in one language.

    `title` is the name of the rule, `about` a paragraph for the handbook, `todo` what to do about an alert.
    `sentences` maps each message key (`why`) to a template over its values, such as
    `"water has run for {ran_s}, about {litres:.0f} L"`; a value whose name ends in `_s` is seconds and is said as a
    duration, one that ends in `_at` is a time and is said as one. `{rooms:room|rooms}` is the word that goes with a
    number.
    """

    title: str
    about: str
    todo: str
    sentences: Mapping[str, str]


class RuleKind(Protocol):
    """A frozen dataclass whose fields are its parameters (made with the functions below).

    `slowest_s`: readings further apart are of no use to it. `memory_s`: how much of the past its watches rest on.
    `is_declared`: it watches nothing by itself; each `[[rule]]` table adds one of its own, told apart by `name`.
    """

    kind: ClassVar[str]
    slowest_s: ClassVar[float]
    memory_s: ClassVar[float]
    is_declared: ClassVar[bool]
    words: ClassVar[Mapping[str, Words]]  # language code -> words

    def watches(self, site: Site) -> Iterable[Watch]:
        """One watch for each place (or device) of `site` that has the quantities this rule needs."""


def parameter(default: float, *, unit: str, least: float, most: float) -> Any:
    """A number, as a dataclass field; one whose default is infinite is optional."""
    return field(default=default, metadata={"parameter": Bounds(unit, least, most)})


def choice(default: str, *options: str) -> Any:
    """One of some words, as a dataclass field."""
    return field(default=default, metadata={"parameter": Choice((default, *options))})


def text(default: str = "", *, longest: int = 200) -> Any:
    """A line of text, as a dataclass field."""
    return field(default=default, metadata={"parameter": Text(longest)})


def point_ids(*, is_named: bool = False) -> Any:
    """Points of the campus, as a dataclass field of `(name, id)` pairs."""
    return field(default=(), metadata={"parameter": PointIds(is_named)})


def parameters(kind: type[RuleKind]) -> dict[str, Parameter]:
    """The parameters of a rule kind, by name."""
    return {item.name: item.metadata["parameter"] for item in fields(kind) if "parameter" in item.metadata}  # type: ignore[arg-type]
