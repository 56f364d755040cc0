"""Where the sun stands: to a fraction of a degree, which is minutes of time.

Source: the low-precision formulas of the Astronomical Almanac (mean longitude, mean anomaly, ecliptic longitude),
good to 0.01 degrees between 1950 and 2050.
"""

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin

J2000 = 946_728_000.0  # 2000-01-01 12:00 UTC


@dataclass(frozen=True, slots=True)
class Sun:
    """The sun over a place; degrees north and east."""

    latitude: float
    longitude: float

    def elevation(self, at: float) -> float:
        """Degrees above the horizon, without refraction."""
        days = (at - J2000) / 86_400
        anomaly = radians(357.528 + 0.9856003 * days)
        ecliptic = radians(280.460 + 0.9856474 * days + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly))
        tilt = radians(23.439 - 0.0000004 * days)
        declination = asin(sin(tilt) * sin(ecliptic))
        ascension = atan2(cos(tilt) * sin(ecliptic), cos(ecliptic))
        sidereal = radians(280.46062 + 360.98564737 * days + self.longitude)
        latitude = radians(self.latitude)
        return degrees(asin(
            sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(sidereal - ascension)
        ))  # fmt: skip
