"""One raw table as its class, and what pydantic finds wrong in it as problems of ours."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from daemon.config.errors import Findings
from daemon.config.lines import Path
from daemon.config.tables import Table
from daemon.config.values import WrongValueError

AnyTable = TypeVar("AnyTable", bound=Table)

_BOUNDS = {"greater_than_equal": ("too_small", "ge"), "greater_than": ("not_above", "gt"),
           "less_than_equal": ("too_large", "le"), "less_than": ("too_large", "lt")}  # fmt: skip
_TYPES = {"string_type": "str", "int_type": "int", "int_from_float": "int", "float_type": "float", "bool_type": "bool",
          "list_type": "list", "dict_type": "dict", "date_type": "date", "date_from_datetime_inexact": "date",
          "tuple_type": "list", "datetime_type": "datetime", "datetime_from_date_parsing": "datetime"}  # fmt: skip


def read(
    model: type[AnyTable], table: Mapping[str, Any], path: Path, findings: Findings, **stand_in: object
) -> AnyTable | None:
    """One table as its class; mistakes go to `findings`, and the rest of the table is still used where it can be.

    `stand_in` holds values for keys that are needed but wrong, so that one mistake is told once.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        wrong: dict[object, set[object]] = {}
        for item in error.errors():
            loc = tuple(part for part in item["loc"] if part != "[key]")
            wrong.setdefault(loc[0] if loc else "", set()).add(loc[1] if len(loc) > 1 else None)
            code, values = _problem(model, item, loc)
            findings.error((*path, *loc), code, **values)
    if "" in wrong:
        return None
    stands_in = {key: value for key, value in stand_in.items() if key in wrong}
    try:
        return model.model_validate(stands_in | dict(_kept(table, wrong)))
    except ValidationError:
        return None


def _kept(table: Mapping[str, Any], wrong: Mapping[object, set[object]]) -> Iterator[tuple[str, Any]]:
    """The keys that are right; of a list that is partly wrong, its right items."""
    for key, value in table.items():
        if key not in wrong:
            yield key, value
        elif isinstance(value, list) and None not in wrong[key]:
            yield key, [item for index, item in enumerate(value) if index not in wrong[key]]


def keys_of(model: type[Table]) -> tuple[str, ...]:
    """The keys of a table as they are written."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _problem(model: type[Table], item: Any, loc: tuple[object, ...]) -> tuple[str, Mapping[str, object]]:
    kind, value = item["type"], item["input"]
    context = item.get("ctx", {})
    if isinstance(context.get("error"), WrongValueError):
        return context["error"].code, context["error"].values
    if kind == "missing":
        return "missing", {}
    if kind == "extra_forbidden" and loc[-1] == "include":
        return "include_first", {}
    if kind == "extra_forbidden":
        return "unknown_name", {"noun": "key", "found": loc[-1], "allowed": keys_of(model)}
    if kind in _BOUNDS:
        code, limit = _BOUNDS[kind]
        return code, {"limit": context[limit]}
    if kind == "finite_number":
        return "not_finite", {}
    if kind in ("too_short", "string_too_short"):
        return "empty", {}
    if kind == "list_type" and isinstance(value, dict):
        return "wrong_type", {"expected": "tables", "found_type": "dict"}
    return "wrong_type", {"expected": _TYPES[kind], "found_type": type(value).__name__}

