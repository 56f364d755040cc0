"""Text in columns of a terminal, where Chinese takes twice the room."""

from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width


def width_of(text: str) -> int:
    """The columns a text takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, width: int, *, is_right: bool = False) -> str:
    """A text in so many columns."""
    room = " " * max(0, width - width_of(text))
    return room + text if is_right else text + room


def aligned(rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> Iterator[str]:
    """Rows as lines with their cells below each other; the columns of these `numbers` to the right."""
    widths = [max(width_of(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [padded(cell, widths[n], is_right=n in numbers) for n, cell in enumerate(row)]
        yield "  ".join(cells).rstrip()


def markdown(rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> Iterator[str]:
    """Rows, the first of them the head, as a table of a page."""
    head, *rest = rows
    yield "| " + " | ".join(head) + " |"
    yield "|" + "|".join("---:" if n in numbers else "---" for n in range(len(head))) + "|"
    for row in rest:
        yield "| " + " | ".join(row) + " |"
