"""Lines of a TOML file: every key that tomllib sees has one, and it is the right one."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from daemon.config.lines import Spot, key_lines, spot_of

NASTY = '''\
# [[not.a.table]] = 1
top = """three
lines [[x]] "quoted" \\""" and = # still text
"""
raw = \'\'\'
[no.header]
\'\'\'
'quoted key'."with dot.s" = 1
[a.b]  # comment ]
c.d = { e = 1, "f" = [ { g = 2 }, { g = 3 } ], h = {} }
list = [
  "one, two",  # [
  'three',
  [4, 5.5],
  2026-09-01 06:30:00, 1979-05-27T07:32:00Z,
  { k = "}" },
]
empty = []
[[a.rows]]
id = 1
[[a.rows.inner]]
x = -1e3
[[a.rows.inner]]
x = inf
[a.rows.inner.sub]
y = "\\u00e9"
[[a.rows]]
id = 2
  [[a.rows.inner]]
  x = 0x1f
["中文"]
"键" = "值"'''
DESIGN = Path(__file__).with_name("vectors") / "design.toml"
TEXTS = {
    "nasty": NASTY,
    "windows": NASTY.replace("\n", "\r\n"),
    "design": DESIGN.read_text(encoding="utf-8"),
    "zh": files("daemon.config").joinpath("starting", "zh.toml").read_text(encoding="utf-8"),
}


def paths(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_path_of_the_document_has_a_line(text):
    assert set(key_lines(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_line_of_a_key_holds_the_key(text):
    rows = text.splitlines()
    for path, line in key_lines(text).items():
        if path and isinstance(path[-1], str):
            assert path[-1] in rows[line - 1], path


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2), (("raw",), 5), (("quoted key", "with dot.s"), 8), (("a", "b", "c", "d", "f", 1, "g"), 10),
        (("a", "b", "list"), 11), (("a", "b", "list", 2), 14), (("a", "b", "list", 5, "k"), 16), (("a", "rows", 0), 19),
        (("a", "rows", 0, "inner", 1, "x"), 24), (("a", "rows", 0, "inner", 1, "sub", "y"), 26),
        (("a", "rows", 1, "inner", 0, "x"), 30), (("中文", "键"), 32),
    ],
)  # fmt: skip
def test_lines_of_hard_places(path, line):
    assert key_lines(NASTY)[path] == line


def test_a_missing_key_is_told_at_the_table_around_it():
    lines = key_lines(NASTY)
    spots = {path: Spot("x", line) for path, line in lines.items()}
    assert spot_of(spots, ("a", "rows", 1, "place")) == Spot("x", 27)
    assert spot_of(spots, ("nothing", "of", "this")) == Spot("x", 1)
