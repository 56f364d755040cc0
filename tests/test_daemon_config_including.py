"""Included files: their tables join those of the user's own file, and a mistake is told at its own file and line."""

from pathlib import Path

import pytest

from adapters.source import SerialSource
from daemon.config import ConfigError, load

OWN = """\
include = "meters.toml"
[site]
id = "s"
[[building]]
id = "d"
kind = "dormitory"
rooms = ["101-103"]
[[source]]
name = "bus"
kind = "serial"
port = "/dev/x"
[[source.device]]
model = "dlt645-single-phase"
address = "000000000001"
place = "d/101"
"""
DEVICE = '[[source.device]]\nmodel = "dlt645-single-phase"\naddress = "{}"\nplace = "{}"\n'
GOES_ON = '[[source]]\nname = "bus"\n'


def lines_of(folder: Path, own: str, **included: str) -> list[str]:
    """What is wrong with a configuration, without the folder."""
    for name, text in included.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    path = folder / "caretaker.toml"
    path.write_text(own, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(path, environ={"LANG": "en"})
    return [line.replace(f"{folder}/", "") for line in error.value.lines]


def test_a_source_goes_on_in_an_included_file(tmp_path: Path) -> None:
    (tmp_path / "caretaker.toml").write_text(OWN, encoding="utf-8")
    other = (
        '[[building]]\nid = "e"\nkind = "teaching"\nrooms = ["1"]\n'
        '[[source]]\nname = "two"\nkind = "serial"\nport = "/dev/y"\n'
    )
    (tmp_path / "meters.toml").write_text(
        other + DEVICE.format("000000000002", "d/103") + GOES_ON + DEVICE.format("000000000002", "d/102"),
        encoding="utf-8",
    )
    made = load(tmp_path / "caretaker.toml", environ={})
    buses = [source for source in made.sources if isinstance(source, SerialSource)]
    assert [(bus.name, [device.place for device in bus.devices]) for bus in buses] == [
        ("bus", ["d/101", "d/102"]), ("two", ["d/103"]),
    ]  # fmt: skip
    assert "e/1" in made.site.places


@pytest.mark.parametrize(
    ("included", "said"),
    [
        (GOES_ON + DEVICE.format("000000000002", "d/109"), [
            'meters.toml:6: source.device.place: unknown place "d/109", allowed: d, d/101, d/102, d/103',
        ]),
        (GOES_ON + DEVICE.format("000000000001", "d/102"), [
            "meters.toml:5: source.device.address: address 000000000001 is already on this bus, line "
            "caretaker.toml:14; an address answers once a bus",
        ]),
        (GOES_ON + DEVICE.format("000000000002", "d/101") + GOES_ON + DEVICE.format("000000000003", "d/101"), [
            "meters.toml:3: source.device: point d/101/energy_kwh is already measured in line caretaker.toml:12 "
            "(5 in all), allowed: once, or a part of its own",
            "meters.toml:9: source.device: point d/101/energy_kwh is already measured in line caretaker.toml:12 "
            "(5 in all), allowed: once, or a part of its own",
        ]),
        ('[[source]]\nname = "bos"\n' + DEVICE.format("000000000002", "d/102"), [
            'meters.toml:2: source.name: no source "bos" to go on with, allowed: bus, or a source of its own with '
            'kind, port and so on; did you mean "bus"?',
        ]),
        (GOES_ON + 'kind = "serial"\nport = "/dev/y"\n', [
            'meters.toml:2: source.name: source "bus" is already declared in line caretaker.toml:9',
        ]),
        ('[[source]]\nname = "bus"\ndevice = 3\n', [
            "meters.toml:3: source.device: must be a list of tables (write its name in double brackets), found a whole "
            "number",
        ]),
        ('[site]\nid = "t"\n', [
            "meters.toml:1: site: [site] cannot stand in an included file, allowed: lists of tables such as [[source]]",
        ]),
        ('[building]\nid = "t"\n', [
            "meters.toml:1: building: [building] cannot stand in an included file, allowed: lists of tables such as "
            "[[source]]",
        ]),
        ("x = [\n", ["meters.toml:2: TOML: not valid TOML: Invalid value (at end of document)"]),
        ('[[source]]\nname = “bus”\n', [
            "meters.toml:2: TOML: not valid TOML: Invalid value (at line 2, column 8); “ ” in this line: use straight "
            'half-width quotes, commas and equals signs (" , =)',
        ]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is(tmp_path: Path, included: str, said: list[str]) -> None:
    assert lines_of(tmp_path, OWN, meters=included) == said


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (OWN, ['caretaker.toml:1: include: no such file "meters.toml"']),
        (OWN.replace('"meters.toml"', "3"), ["caretaker.toml:1: include: must be a list, found a whole number"]),
        (OWN.replace("include", "#") + 'include = "x"\n', [
            "caretaker.toml:16: source.device.include: include must stand above all tables, in the first lines of the "
            "file",
        ]),
    ],
)  # fmt: skip
def test_a_wrong_include(tmp_path: Path, own: str, said: list[str]) -> None:
    assert lines_of(tmp_path, own) == said


def test_mistakes_of_all_files_are_told_in_their_order(tmp_path: Path) -> None:
    own = OWN.replace('"meters.toml"', '["a.toml", "b.toml"]').replace('"d/101"', '"d/1O1"')
    wrong = GOES_ON + DEVICE.format("2", "d/102")
    told = lines_of(tmp_path, own, a=wrong, b=wrong.replace("2", "3"))
    assert [line.split(": ")[0] for line in told] == ["caretaker.toml:15", "a.toml:5", "b.toml:5"]


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "meters.toml").write_bytes(b"# \xb1\xed\n")
    assert lines_of(tmp_path, OWN) == ["meters.toml:1: TOML: the file is not UTF-8: save it as UTF-8"]


def test_an_unknown_table_is_told_too(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path, OWN, meters='[[bilding]]\nid = "t"\n')
    assert line.startswith('meters.toml:1: bilding: unknown key "bilding"')
    assert line.endswith('did you mean "building"?')
