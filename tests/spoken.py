"""What a rule says, as people read it."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from dashboard import words

SHANGHAI = ZoneInfo("Asia/Shanghai")


def spoken(rule: str, why: str, values: Mapping[str, float | str], near: float = 0.0) -> dict[str, str]:
    """The sentence in each language; one that lacks a value would be the bare title of its rule."""
    out = {
        language: words.said(rule, why, values, language, zone=SHANGHAI, near=near) for language in words.LANGUAGES
    }
    for language, said in out.items():
        assert said != words.title(rule, language), (why, values)
    return out
