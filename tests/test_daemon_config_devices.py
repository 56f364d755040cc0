"""Devices in a configuration: addresses by protocol, line settings, and a device table of the user's own."""

from itertools import takewhile
from pathlib import Path

import pytest

from adapters.poller import Poller
from adapters.source import Line, SerialSource
from daemon.config import ConfigError, Loaded, load
from daemon.simulation.modbus import answer, cells_of
from rules.boiler import boilers
from rules.model import Sample

SITE = '[site]\nid = "s"\n[[building]]\nid = "d"\nkind = "dormitory"\nrooms = ["101-103"]\n'
BUS = '[[source]]\nname = "b"\nkind = "serial"\nport = "/dev/x"\nline = "2400 8E1"\n'
BOILER = """
name = "our-boiler"
title = "The boiler of the canteen"
protocol = "modbus"
source = "list.pdf"

[[query]]
function = 3
start = 10
fields = [
    { quantity = "temperature_c", part = "supply", at = 0, type = "i16", scale = 0.1, unit = "C" },
    { quantity = "temperature_c", part = "return", at = 1, type = "i16", scale = 0.1, unit = "C" },
    { quantity = "flame", at = 2, type = "u16", is = [3, 4] },
]
"""


def device(model: str, address: str, place: str = "d/101", more: str = "") -> str:
    return f'[[source.device]]\nmodel = "{model}"\naddress = "{address}"\nplace = "{place}"\n{more}'


def loaded(folder: Path, text: str) -> Loaded:
    path = folder / "site.toml"
    path.write_text(SITE + BUS + text, encoding="utf-8")
    return load(path, environ={"LANG": "en_US.UTF-8"})


def own_table(folder: Path, text: str) -> None:
    (folder / "devices").mkdir(exist_ok=True)
    (folder / "devices" / "our-boiler.toml").write_text(text, encoding="utf-8")


def test_a_line_with_two_protocols(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        device("dlt645-single-phase", "000000000001")
        + device("eastron-sdm120", "1", "d/102", 'line = "9600 8N1"\nmultiplier = 40\n')
        + device("pzem-004t", "2", "d/103"),
    )
    (source,) = made.sources
    assert isinstance(source, SerialSource)
    assert source.line == Line()
    assert [item.line for item in source.devices] == [None, Line(9600, 8, "N", 1), None]
    devices = {point.id: point.device for point in made.site.points.values()}
    assert devices["d/101/power_w"] == "b/000000000001"
    assert devices["d/102/power_w"] == "b/modbus-1"
    assert made.moduli == {"d/101/energy_kwh": 1e6, "d/103/energy_kwh": 1e4}, "an SDM120 does not tell"


def test_the_register_of_a_water_meter_behind_a_divider_starts_again_later(tmp_path: Path) -> None:
    water = """
name = "our-boiler"
title = "Water"
protocol = "modbus"
source = "list.pdf"
[[query]]
function = 3
start = 0
fields = [
    { quantity = "volume_m3", at = 0, type = "u32", digits = 6, unit = "m3" },
    { quantity = "gas_m3", at = 2, type = "u32", digits = 5, unit = "m3" },
    { quantity = "heat_kwh", at = 4, type = "u32", digits = 5, unit = "kWh" },
]
"""
    own_table(tmp_path, water)
    made = loaded(tmp_path, device("our-boiler", "1", more="multiplier = 10\n"))
    assert made.moduli == {"d/101/volume_m3": 1e7, "d/101/gas_m3": 1e6, "d/101/heat_kwh": 1e6}


@pytest.mark.parametrize(
    ("model", "address", "said"),
    [
        ("eastron-sdm120", "248", '"248" is not the address of a meter: Modbus RTU wants a number from 1 to 247'),
        ("eastron-sdm120", "007", "Modbus RTU wants"),
        ("eastron-sdm120", "000000000001", "Modbus RTU wants"),
        ("dlt645-single-phase", "12345", "DL/T 645-2007 wants 12 digits"),
        ("dlt645-single-phase", "1", "DL/T 645-2007 wants 12 digits"),
    ],
)
def test_an_address_of_another_form(tmp_path: Path, model: str, address: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, device(model, address))
    (told,) = error.value.lines
    assert "site.toml:14: source.device.address" in told
    assert said in told


def test_one_address_twice_and_a_wrong_line(tmp_path: Path) -> None:
    twice = device("eastron-sdm120", "1") + device("pzem-004t", "1", "d/102") + device("pzem-004t", "2", "d/103")
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, twice + 'line = "fast"\n')
    first, second = error.value.lines
    assert ":18: source.device.address: address 1 is already on this bus, line 14" in first
    assert ":24: source.device.line" in second


def test_a_table_beside_the_configuration(tmp_path: Path) -> None:
    own_table(tmp_path, BOILER)
    made = loaded(tmp_path, device("our-boiler", "1") + device("our-boiler", "2", "d/102", 'part = "old"\n'))
    assert [(point.part, point.id) for point in made.site.points.values()] == [
        ("supply", "d/101/supply/temperature_c"), ("return", "d/101/return/temperature_c"), ("", "d/101/flame"),
        ("old-supply", "d/102/old-supply/temperature_c"), ("old-return", "d/102/old-return/temperature_c"),
        ("old", "d/102/old/flame"),
    ]  # fmt: skip
    assert made.tables["our-boiler"].title == "The boiler of the canteen"


@pytest.mark.parametrize("page", ["meters.md", "meters.zh.md"])
def test_the_meter_of_the_documentation_is_added_with_one_file(tmp_path: Path, page: str) -> None:
    text = Path(__file__).parents[1].joinpath("docs", page).read_text(encoding="utf-8")
    rows = text[text.index('    name = "our-meter"') :].split("\n")
    own_table(tmp_path, "\n".join(takewhile(lambda row: row[:4].strip() == "", rows)))
    made = loaded(tmp_path, device("our-meter", "9", more="multiplier = 40\n"))
    (source,) = made.sources
    assert isinstance(source, SerialSource)
    poller = Poller(source, made.tables)
    request = poller.next_request(0.0)
    assert request is not None
    (query,) = made.tables["our-meter"].queries
    (sample,) = poller.feed(answer(request.data, cells_of(query, {"voltage_v": 229.8, "power_w": -1200.0})), 0.1)
    assert isinstance(sample, Sample)
    assert sample.values == {"d/101/voltage_v": 229.8, "d/101/power_w": -48_000.0}
    assert sample.values.keys() <= made.site.points.keys()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('start = 10', 'start = "? the first register"', "query 1, start: fill in the first register"),
        (", is = [3, 4]", "", "query 1: flame is 0 or 1"),
        ('unit = "C" },\n    { quantity = "flame"', 'unit = "F" },\n    { quantity = "flame"',
         "query 1, field 2 (temperature_c) has no unit 'F', but C"),
        ("function = 3", "function = 3 4", "line 8"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told_with_its_file_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in BOILER
    own_table(tmp_path, BOILER.replace(old, new))
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, device("eastron-sdm120", "1"))
    (told,) = error.value.lines
    assert "a device table in the folder devices cannot be used: devices/our-boiler.toml: " in told
    assert said in told


def test_what_a_controller_says_reaches_the_rules_for_boilers(tmp_path: Path) -> None:
    own_table(tmp_path, BOILER)
    made = loaded(tmp_path, device("our-boiler", "1", "d/boiler") + '[[room]]\nid = "d/boiler"\nkind = "boiler_room"\n')
    (boiler,) = boilers(made.site, "supply", "return", "flame")
    assert boiler.points["return"].id == "d/boiler/return/temperature_c"
