"""`near`: places on the earth within a distance. https://hl7.org/fhir/R4/location.html#positional

The index of numbers gives those in a box of latitudes and longitudes; of each the great-circle distance is calculated
(haversine, on a sphere of the earth's mean radius: at most 0.6 % off the ellipsoid).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from salus.base.errors import Invalid, Malformed, Unsupported
from salus.codes import units
from salus.records.search.setting import Setting, numbers
from salus.records.search.shelf import Match
from salus.records.search.terms import Term

EARTH = 6371.0088  # km, https://en.wikipedia.org/wiki/Earth_radius#Arithmetic_mean_radius
NEARBY = 10.0  # km, where a search names no distance
MOST = 50_000  # places of one search
SLACK = 1e-9  # degrees, some 0.1 mm: what is calculated otherwise must not fall out of the box
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Circle:
    """All within `radius` km of a place (degrees north and east)."""

    latitude: float
    longitude: float
    radius: float

    def distance(self, latitude: float, longitude: float) -> float:
        """Kilometres from the middle.

        >>> round(Circle(31.23, 121.47, 1).distance(39.90, 116.40))  # Shanghai to Beijing
        1067
        """
        here, there = math.radians(self.latitude), math.radians(latitude)
        north, east = (there - here) / 2, math.radians(longitude - self.longitude) / 2
        part = math.sin(north) ** 2 + math.cos(here) * math.cos(there) * math.sin(east) ** 2
        return 2 * EARTH * math.asin(math.sqrt(min(1.0, part)))

    @property
    def latitudes(self) -> Range:
        reach = math.degrees(self.radius / EARTH) + SLACK
        return max(-90.0, self.latitude - reach), min(90.0, self.latitude + reach)

    @property
    def longitudes(self) -> list[Range]:
        """The ranges from -180 to 180; two where the circle crosses the 180th meridian, all of it around a pole."""
        low, high = self.latitudes
        if low <= -90 or high >= 90:
            return [(-180.0, 180.0)]
        ratio = math.sin(self.radius / EARTH) / math.cos(math.radians(self.latitude))
        reach = math.degrees(math.asin(min(1.0, ratio))) + SLACK
        west, east = self.longitude - reach, self.longitude + reach
        if west < -180:
            return [(-180.0, east), (west + 360, 180.0)]
        return [(west, 180.0), (-180.0, east - 360)] if east > 180 else [(west, east)]


def circle(term: Term, value: str) -> Circle:
    """`latitude|longitude|distance|units`; km where no unit is said. Raises Malformed."""
    parts = value.split("|")
    if not 2 <= len(parts) <= 4:
        raise unreadable(term, value, "write latitude|longitude|distance|units, such as 31.23|121.47|5|km")
    latitude, longitude = number(term, value, parts[0]), number(term, value, parts[1])
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise unreadable(term, value, "a latitude goes from -90 to 90, a longitude from -180 to 180")
    if len(parts) == 2 or not parts[2]:
        return Circle(latitude, longitude, NEARBY)
    far = number(term, value, parts[2])
    try:
        far = units.convert(far, parts[3] if parts[3:] and parts[3] else "km", "km")
    except Invalid as fault:
        raise unreadable(term, value, str(fault)) from None
    if not 0 <= far < math.inf:
        raise unreadable(term, value, "a distance is 0 or more")
    return Circle(latitude, longitude, far)


def number(term: Term, value: str, text: str) -> float:
    """Raises Malformed for what is no finite number in plain digits."""
    try:
        found = float(text if text.isascii() and "_" not in text else "")
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise unreadable(term, value, f"'{text[:40]}' is not a number")
    return found


def unreadable(term: Term, value: str, why: str) -> Malformed:
    return Malformed(f"{term.name}={value[:80]}: {why}", path=term.name)


def places(setting: Setting, term: Term, around: Circle) -> Iterator[tuple[int, float]]:
    """The rows within the circle, and how far each is in km."""
    north, east = term.parameter.paths
    sql = "SELECT row, value FROM number WHERE path=? AND value>=? AND value<=?"
    latitudes: dict[int, float] = dict(setting.connection.execute(sql, (north, *around.latitudes)))
    for low, high in around.longitudes if latitudes else []:
        for row, longitude in setting.connection.execute(sql, (east, low, high)):
            if row in latitudes and (far := around.distance(latitudes[row], longitude)) <= around.radius:
                yield row, far


def near(setting: Setting, term: Term) -> Match:
    """Raises Malformed for a value that cannot be read, Unsupported where too many places lie so near."""
    rows = {row for value in term.values for row, _ in places(setting, term, circle(term, value))}
    if len(rows) > MOST:
        raise Unsupported(f"More than {MOST} places are that near: give a shorter distance", path=term.name)
    found = numbers(sorted(rows))
    condition = f"r.row IN ({found})"
    return Match(f"SELECT row FROM resource WHERE row IN ({found})", condition, [], probe=condition)


def distance(term: Term, latitude: float, longitude: float) -> float:
    """How far a place is, in km, from the nearest of those that were named."""
    return min(circle(term, value).distance(latitude, longitude) for value in term.values)
