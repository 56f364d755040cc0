"""What a configuration says of meters: derived flows, where registers roll over, exchanges, clocks of their own."""

from pathlib import Path

import pytest

from daemon.config import ConfigError, Loaded, load
from rules.counter import Exchange

SITE = '[site]\nid = "s"\n[[building]]\nid = "d"\nkind = "dormitory"\nrooms = ["101-103"]\n'
BROKER = '[[source]]\nname = "m"\nkind = "mqtt"\nurl = "mqtt://h"\n'
WATER = (
    '[[source.topic]]\nfilter = "w/{building}/{room}"\npayload = "json"\nevery_s = 60\n'
    'fields = { V = { quantity = "volume_m3", unit = "L", digits = 8 } }\n'
)
BUS = (
    '[[source]]\nname = "b"\nkind = "serial"\nport = "/dev/x"\n[[source.device]]\nmodel = "dlt645-single-phase"\n'
    'address = "000000000101"\nplace = "d/101"\nmultiplier = 40\n'
)


def loaded(folder: Path, text: str) -> Loaded:
    path = folder / "site.toml"
    path.write_text(SITE + text, encoding="utf-8")
    return load(path, environ={"LANG": "en_US.UTF-8"})


def test_a_volume_without_a_flow_beside_it_gets_one(tmp_path: Path) -> None:
    flow = (
        '[[source.topic]]\nfilter = "f/{place}"\npayload = "number"\nquantity = "flow_lpm"\n'
        'where = { place = "d/102" }\n'
    )
    points = loaded(tmp_path, BROKER + WATER + flow).site.points
    assert points["d/101/flow_lpm"].of == "d/101/volume_m3"
    assert points["d/101/flow_lpm"].holds_s == 150.0
    assert points["d/102/flow_lpm"].of == ""


def test_registers_roll_over_where_their_digits_end(tmp_path: Path) -> None:
    made = loaded(tmp_path, BROKER + WATER + BUS)
    assert made.moduli == {
        "d/101/volume_m3": 1e5, "d/102/volume_m3": 1e5, "d/103/volume_m3": 1e5,  # 8 digits of litres
        "d/101/energy_kwh": 4e7,                                                 # 6 digits times 40
    }  # fmt: skip
    refiner = next(refiner for refiner in made.refiners() if refiner.point == "d/101/energy_kwh")
    refiner.refine(1e6, 39_999_999.0)
    assert refiner.refine(1e6 + 60, 1.0) == {"d/101/energy_kwh": 40_000_001.0}


@pytest.mark.parametrize("named", ['point = "d/101/energy_kwh"', 'place = "d/101"'])
@pytest.mark.parametrize("at", ["2026-11-20T10:00:00", "2026-11-20T02:00:00Z"])
def test_an_exchange(tmp_path: Path, named: str, at: str) -> None:
    made = loaded(tmp_path, f"{BUS}[[exchange]]\n{named}\nat = {at}\nold = 812.5\nnew = 0.3\n")
    assert made.exchanges == {"d/101/energy_kwh": (Exchange(1_795_140_000.0, 812.5, 0.3),)}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[[exchange]]\npoint = "d/101/power_w"\nat = 2026-11-20T10:00:00\nold = 1.0', 17, "unknown counter"),
        (
            '[[exchange]]\npoint = "d/101/energy_kwh"\nplace = "d/101"\nat = 2026-11-20T10:00:00\nold = 1.0',
            17, "one of the two",
        ),
        ("[[exchange]]\nat = 2026-11-20T10:00:00\nold = 1.0", 16, "one of the two"),
        ('[[exchange]]\nplace = "d/102"\nat = 2026-11-20T10:00:00\nold = 1.0', 17, 'no counter at "d/102"'),
        ('[[exchange]]\nplace = "d/101"\npart = "ac"\nat = 2026-11-20T10:00:00\nold = 1.0', 17,
         "allowed: point = one of d/101/energy_kwh"),
        ('[[exchange]]\nplace = "d/101"\nat = 2026-11-20T10:00:00\nold = 1.0\n'
         '[[exchange]]\npoint = "d/101/energy_kwh"\nat = 2026-11-20T02:00:00Z\nold = 2.0', 22,
         "is already declared in line 18"),
        ('[[exchange]]\nplace = "d/101"\nat = "10:00"\nold = 1.0', 18, "must be a date with a time"),
        ('[[exchange]]\nplace = "d/101"\nat = 2026-11-20T10:00:00', 16, "this key is needed"),
        ('[[exchange]]\nplace = "d/101"\nat = 2026-11-20T10:00:00\nold = -1.0', 19, "at least 0"),
    ],
)  # fmt: skip
def test_a_wrong_exchange(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, BUS + text)
    (told,) = error.value.lines
    assert f":{line}: " in told
    assert said in told


def test_digits_are_for_counters(tmp_path: Path) -> None:
    topic = '[[source.topic]]\nfilter = "p/{place}"\npayload = "number"\nquantity = "power_w"\ndigits = 6\n'
    with pytest.raises(ConfigError, match="this quantity is none"):
        loaded(tmp_path, BROKER + topic)


def test_a_device_that_tells_its_time_has_a_clock_to_be_judged(tmp_path: Path) -> None:
    timed = WATER + 'time = { path = "ts", format = "unix" }\n'
    assert "d/101/clock_offset_s" in loaded(tmp_path, BROKER + timed).site.points
    assert "d/101/clock_offset_s" not in loaded(tmp_path, BROKER + WATER).site.points
