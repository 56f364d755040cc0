"""What can be wrong in a configuration, collected as facts and said in Chinese or English with file, line and key.

No message shows the value of a secret: what a key of a secret holds is never among the values of a problem.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path as FilePath

from daemon.config.lines import Path, Spot, spot_of
from daemon.config.words import MESSAGES, WORDS

LANGUAGES = ("zh", "en")
_LISTED = 24  # a longer list of what is allowed helps nobody
_ALIKE = 0.6  # below this a suggestion misleads: "Beijing" is like "America/Ojinaga" by 0.55


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where (a path into the document), what (a message code), and the values of its message.

    `found` with `allowed` gives the nearest valid name, unless `instead` says what to write; `other` is the path of a
    second place in the file. A value in several languages is a mapping by language. `spot` is for what has no path.
    """

    path: Path
    code: str
    values: Mapping[str, object]
    spot: Spot | None = None


@dataclass(slots=True)
class Findings:
    """All that a reading of the file has found so far."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def error(self, path: Path, code: str, **values: object) -> None:
        self.errors.append(Problem(path, code, values))

    def warn(self, path: Path, code: str, **values: object) -> None:
        self.warnings.append(Problem(path, code, values))

    def choose(self, path: Path, noun: str, found: str, allowed: Iterable[str], *, instead: str = "") -> bool:
        """Whether `found` is among the allowed names; an error with `instead`, or else the nearest one, if not."""
        names = tuple(allowed)
        if found in names:
            return True
        self.error(path, "unknown_name", noun=noun, found=found, allowed=names, instead=instead)
        return False


class ConfigError(Exception):
    """A configuration that cannot be used; its text is every problem, one a line, in `language`."""

    def __init__(self, spots: Mapping[Path, Spot], findings: Findings, *, language: str) -> None:
        self.language = language
        self.lines = tuple(report(spots, findings.errors, language))  # warnings may only follow from the errors
        super().__init__("\n".join(self.lines))


def message_language(environ: Mapping[str, str], site_language: str) -> str:
    """The language of messages: the environment's where it names one of ours, else the site's."""
    set_by_user = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    for language in LANGUAGES:
        if set_by_user.lower().startswith(language):
            return language
    return site_language


def report(
    spots: Mapping[Path, Spot], problems: Iterable[Problem], language: str, *, is_warning: bool = False
) -> list[str]:
    """Problems as `file:line: key: what is wrong`, in the order of the files; an included one after the user's own."""
    own = spots[()].file if spots else ""
    mark = WORDS["warning"][language] if is_warning else ""
    rows: list[tuple[Spot, str]] = []
    for problem in problems:
        spot = problem.spot or spot_of(spots, problem.path)
        said = sentence(problem, spots, language)
        rows.append((spot, f"{spot.file}:{spot.line}: {_key(problem, spots)}: {mark}{said}"))
    ordered = sorted(dict.fromkeys(rows), key=lambda row: (row[0].file != own, *row[0]))
    return [row for _, row in ordered]


def _key(problem: Problem, spots: Mapping[Path, Spot]) -> str:
    """The dotted key that is wrong or missing; list positions are left out, as the line tells them."""
    path = problem.path
    while problem.code != "missing" and path and path not in spots:
        path = path[:-1]  # `P = "power_w"` stands for a table that the file does not have
    named = path or problem.path[:1]  # a whole table that is not there
    return ".".join(part for part in named if isinstance(part, str)) or "TOML"


def sentence(problem: Problem, spots: Mapping[Path, Spot], language: str) -> str:
    """What is wrong, and the nearest valid name."""
    file = (problem.spot or spot_of(spots, problem.path)).file
    values = {name: _said(name, value, spots, file, language) for name, value in problem.values.items()}
    return MESSAGES[problem.code][language].format(**values) + _nearest(problem.values, language)


def _said(name: str, value: object, spots: Mapping[Path, Spot], file: str, language: str) -> object:
    if name == "other" and isinstance(value, tuple):
        other = spot_of(spots, value)
        return other.line if other.file == file else f"{FilePath(other.file).name}:{other.line}"
    if isinstance(value, Mapping):
        return value[language]
    if name in ("noun", "expected", "found_type"):
        return WORDS[str(value)][language]
    if name == "allowed" and isinstance(value, tuple | list):
        shown = [*value] if len(value) <= _LISTED else [*value[:3], "…"]
        return ", ".join(str(item) for item in shown) or "–"
    return f"{value:g}" if isinstance(value, float) else value


def _nearest(values: Mapping[str, object], language: str) -> str:
    allowed, found = values.get("allowed"), values.get("found")
    if not isinstance(allowed, tuple | list) or found is None:
        return ""
    if instead := values.get("instead"):
        return WORDS["instead"][language].format(instead)
    by_lower = {str(item).lower(): str(item) for item in allowed}
    near = get_close_matches(str(found).lower(), by_lower, n=1, cutoff=_ALIKE)
    if not near or _is_other_number(near[0], str(found).lower()):
        return ""
    return WORDS["did_you_mean"][language].format(by_lower[near[0]])


def _is_other_number(name: str, found: str) -> bool:
    """Whether two names differ in their digits alone: another room is no slip of the pen."""
    return name != found and re.sub(r"\d+", "0", name) == re.sub(r"\d+", "0", found)
