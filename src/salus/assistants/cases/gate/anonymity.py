"""How coarse age, sex and place must be, so that at least k people of the store could be the one meant.

k-anonymity over everybody the store knows (an attacker does not know who is among the released), and stated over the
released cases as well; l: how many diagnoses those people have among them.
https://doi.org/10.1142/S0218488502001648 (Sweeney 2002), https://doi.org/10.1145/1217299.1217302 (l-diversity).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

K = 5
OLDEST = 90  # years: who is older is "90 and more"
NEVER = date(1, 1, 1).toordinal()

# how wide the age band is (None: not told), down to where the place is told; what each costs
WIDTHS: dict[int | None, int] = {1: 0, 5: 1, 10: 2, 20: 4, None: 9}
PLACES: dict[str, int] = {"city": 0, "state": 1, "country": 2, "": 3}
SEXES: dict[bool, int] = {True: 0, False: 6}


@dataclass(frozen=True, slots=True)
class One:
    """A person as the outside may know them."""

    id: str
    born: date | None
    sex: str
    places: tuple[str, str, str]  # city, state, country; "" for what is not known


@dataclass(frozen=True, slots=True)
class Level:
    """What may be told of a person: ages from `low` to below `high` (None: not told), sex, place (empty: not told).

    `k`: people of the store whom it fits; `released`: released cases told the same way, this one among them;
    `diversity`: diagnoses among people whom it fits (at least), `released_diversity`: among those cases.
    """

    low: int | None
    high: int | None
    sex: str
    place: str
    place_level: str
    k: int
    released: int = 1
    diversity: int = 0
    released_diversity: int = 1

    @property
    def enough(self) -> bool:
        return self.k >= K

    @property
    def told(self) -> tuple[int | None, int | None, str, str]:
        """What is the same for those who cannot be told apart."""
        return self.low, self.high, self.sex, self.place

    @property
    def middle(self) -> float | None:
        """The middle of the band in years; the oldest are all 90."""
        if self.low is None or self.high is None:
            return None
        return (
            float(OLDEST)
            if self.low >= OLDEST
            else float(self.low if self.high - self.low == 1 else (self.low + self.high) / 2)
        )


def one_of(patient: Mapping[str, Any]) -> One:
    """Of a Patient resource what others may know too: birth date, sex, where they live."""
    given = patient.get("address") or [{}]
    home = next((one for one in given if one.get("use") == "home"), given[0])
    try:
        born = date.fromisoformat(str(patient.get("birthDate", ""))[:10])
    except ValueError:
        born = None
    places = tuple(str(home.get(level, "")).strip().casefold() for level in ("city", "state", "country"))
    return One(
        str(patient.get("id", "")), born, str(patient.get("gender", "unknown")), (places[0], places[1], places[2])
    )


class Population:
    """Everybody the store knows, counted by what is told of them."""

    def __init__(self, people: Iterable[One]) -> None:
        born: dict[tuple[str, str, str], list[tuple[int, str]]] = defaultdict(list)
        self.size = 0
        for one in people:
            self.size += 1
            day = one.born.toordinal() if one.born else NEVER
            for sex in {one.sex, ""}:
                for level, place in [*zip(("city", "state", "country"), one.places, strict=True), ("", "")]:
                    if place or not level:
                        born[(sex, level, place)].append((day, one.id))
        self.born = {key: sorted(days) for key, days in born.items()}

    def fitting(self, sex: str, level: str, place: str, low: int | None, high: int | None, at: date) -> list[str]:
        """Ids of the people who on that day are of this sex, place and age (years; `None`: any)."""
        days = self.born.get((sex, level, place), [])
        if low is None or high is None:
            return [id for _, id in days]
        first = NEVER + 1 if high > OLDEST else back(at, high).toordinal() + 1
        last = back(at, low).toordinal()
        return [id for _, id in days[bisect_left(days, (first, "")) : bisect_right(days, (last, "\uffff"))]]

    def levels(self, one: One, at: date) -> Iterator[tuple[int, Level, list[str]]]:
        """All ways to tell of a person, with their cost and whom they fit."""
        for width, (level, cost), kept in product(WIDTHS, PLACES.items(), SEXES):
            place = dict(zip(("city", "state", "country"), one.places, strict=True)).get(level, "")
            if (level and not place) or (width and one.born is None):
                continue
            low, high = band(one.born, at, width)
            sex = one.sex if kept else ""
            ids = self.fitting(sex, level, place, low, high, at)
            yield WIDTHS[width] + cost + SEXES[kept], Level(low, high, sex, place, level, len(ids)), ids

    def coarsened(self, one: One, at: date) -> tuple[Level, list[str]]:
        """The least coarse level that at least k people share, and who they are; the coarsest where none is enough."""
        found = sorted(self.levels(one, at), key=lambda row: row[0])
        chosen = next((row for row in found if row[1].enough), found[-1])
        return chosen[1], chosen[2]


def band(born: date | None, at: date, width: int | None) -> tuple[int | None, int | None]:
    """The years of age from and to (not included).

    >>> band(date(1982, 5, 1), date(2026, 3, 1), 10), band(date(1930, 5, 1), date(2026, 3, 1), 5)
    ((40, 50), (90, 131))
    """
    if born is None or width is None:
        return None, None
    age = max(0, at.year - born.year - ((at.month, at.day) < (born.month, born.day)))
    if age >= OLDEST:
        return OLDEST, 131
    low = age - age % width
    return low, min(low + width, OLDEST)


def back(at: date, years: int) -> date:
    """The same day so many years earlier; 29 February becomes 28."""
    try:
        return at.replace(year=at.year - years)
    except ValueError:
        return at.replace(year=at.year - years, day=28)
