"""Text of strangers as TOML: whatever it holds, it stays the one string or the one comment that it is written as."""

import json

_LONGEST_COMMENT = 200


def quoted(text: str) -> str:
    """A string of TOML: what JSON writes is one, but for the one control character that JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """A comment of one line; what cannot be printed, such as a line break, is a space in it."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"# {line[:_LONGEST_COMMENT].strip()}"
