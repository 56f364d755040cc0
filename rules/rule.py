"""What a rule kind is: parameters with units and bounds, words in each language, and watches for a site."""

from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from typing import Any, ClassVar, NamedTuple, Protocol

from rules.engine import Watch
from rules.model import Site


class Bounds(NamedTuple):
    """The unit of a parameter and the range a configuration may set."""

    unit: str
    least: float
    most: float


class Words(NamedTuple):
    """What a rule says in one language.

    `sentences` maps each message key (`why`) to a template over the change's values, such as
    `"water has run for {ran_s}, about {litres:.0f} L"`; a value whose name ends in `_s` is seconds and is said as a
    duration. `title` is the name of the rule, `todo` what to do about it.
    """

    title: str
    todo: str
    sentences: Mapping[str, str]


class RuleKind(Protocol):
    """A frozen dataclass whose fields are its parameters (made with `parameter`)."""

    kind: ClassVar[str]
    slowest_s: ClassVar[float]  # readings further apart than this are of no use to it
    words: ClassVar[Mapping[str, Words]]  # language code -> words

    def watches(self, site: Site) -> Iterable[Watch]:
        """One watch for each place (or device) of `site` that has the quantities this rule needs."""


def parameter(default: float, *, unit: str, least: float, most: float) -> Any:
    """A numeric parameter of a rule kind, as a dataclass field."""
    return field(default=default, metadata={"bounds": Bounds(unit, least, most)})


def parameters(kind: type[RuleKind]) -> dict[str, Bounds]:
    """The parameters of a rule kind with their bounds, by name."""
    return {item.name: item.metadata["bounds"] for item in fields(kind) if "bounds" in item.metadata}  # type: ignore[arg-type]
