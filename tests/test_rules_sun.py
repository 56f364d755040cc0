"""The sun's elevation against another astronomer's: all latitudes, all hours, decades."""

from datetime import UTC, datetime

import pytest
from astral import Observer
from astral.sun import elevation
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.sun import Sun

YEAR_1990, YEAR_2050 = 631_152_000, 2_524_608_000


@settings(max_examples=300, deadline=None)
@given(
    latitude=st.floats(-89.0, 89.0), longitude=st.floats(-180.0, 180.0), at=st.integers(YEAR_1990, YEAR_2050),
)  # fmt: skip
def test_the_sun_stands_where_an_astronomer_puts_it(latitude: float, longitude: float, at: int) -> None:
    theirs = elevation(Observer(latitude, longitude), datetime.fromtimestamp(at, UTC), with_refraction=False)
    assert Sun(latitude, longitude).elevation(at) == pytest.approx(theirs, abs=0.05)


@pytest.mark.parametrize(
    ("day", "rise", "noon"),
    [  # Beijing, from its almanac: sunrise and the height at noon, Beijing time
        ("2026-06-21", "04:46", 73.5),
        ("2026-12-22", "07:33", 26.7),
        ("2026-03-20", "06:19", 50.0),
    ],
)
def test_beijing_has_its_sunrise_and_its_noon(day: str, rise: str, noon: float) -> None:
    sun = Sun(39.9, 116.4)
    risen = datetime.fromisoformat(f"{day}T{rise}:00+08:00").timestamp()
    assert sun.elevation(risen) == pytest.approx(-0.83, abs=0.3)  # the horizon bends the light, and the sun is a disc
    midnight = datetime.fromisoformat(f"{day}T00:00:00+08:00").timestamp()
    assert max(sun.elevation(midnight + 60 * minute) for minute in range(1440)) == pytest.approx(noon, abs=0.3)
