"""Which line of a TOML file holds which key: what `tomllib` knows while it reads and does not tell.

Strategy. The text was already accepted by `tomllib`, so this reader need not judge it: it walks the tokens, keeps the
header's path as its prefix, and notes the line of each key, table and array item. A path is what leads to the value in
the parsed document, such as `("source", 0, "topic", 1, "filter")`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

Path = tuple[str | int, ...]


class Spot(NamedTuple):
    """Where something is written."""

    file: str
    line: int


_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*)
    |(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<mark>[\[\]{}=,.\n])
    |(?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    line: int
    is_mark: bool


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield _Token(match.group(), line, match.lastgroup == "mark")
        line += match.group().count("\n")


def key_lines(text: str) -> Mapping[Path, int]:
    """The line of every key, table and array item of a TOML text that parses."""
    return _Reader(text).lines


class _Reader:
    def __init__(self, text: str) -> None:
        self._rest = [*_tokens(text), _Token("\n", 0, True)][::-1]
        self._last: dict[Path, int] = {}  # array of tables -> index of its newest item
        self.lines: dict[Path, int] = {(): 1}
        prefix: Path = ()
        while self._rest:
            if self._is_next("["):
                prefix = self._header()
            elif not self._skip("\n"):
                self._pair(prefix)

    def _is_next(self, mark: str) -> bool:
        return bool(self._rest) and self._rest[-1].is_mark and self._rest[-1].text == mark

    def _skip(self, mark: str) -> bool:
        found = self._is_next(mark)
        if found:
            self._rest.pop()
        return found

    def _note(self, path: Path, line: int) -> Path:
        self.lines.setdefault(path, line)
        return path

    def _key(self) -> list[_Token]:
        """The parts of a dotted key, unquoted."""
        parts = []
        while True:
            token = self._rest.pop()
            text = tomllib.loads(f"key = {token.text}")["key"] if token.text[0] in "\"'" else token.text
            parts.append(_Token(text, token.line, False))
            if not self._skip("."):
                return parts

    def _header(self) -> Path:
        self._skip("[")
        is_array = self._skip("[")
        path: Path = ()
        key = self._key()
        for part in key:
            path = self._note((*path, part.text), part.line)
            if is_array and part is key[-1]:
                self._last[path] = self._last.get(path, -1) + 1
            if path in self._last:
                path = self._note((*path, self._last[path]), part.line)
        while not self._skip("\n"):
            self._rest.pop()
        return path

    def _pair(self, prefix: Path) -> None:
        for part in self._key():
            prefix = self._note((*prefix, part.text), part.line)
        self._skip("=")
        self._value(prefix)

    def _value(self, path: Path) -> None:
        if self._skip("{"):
            while not self._skip("}"):
                if not self._skip(",") and not self._skip("\n"):
                    self._pair(path)
        elif self._skip("["):
            index = 0
            while not self._skip("]"):
                if not self._skip(",") and not self._skip("\n"):
                    self._value(self._note((*path, index), self._rest[-1].line))
                    index += 1
        else:
            while not any(self._is_next(mark) for mark in ",]}\n"):
                self._rest.pop()


def spot_of(spots: Mapping[Path, Spot], path: Path) -> Spot:
    """The spot of a path, or of the nearest table around it that is written."""
    while path and path not in spots:
        path = path[:-1]
    return spots[path]
