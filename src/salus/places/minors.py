"""From what age on somebody decides for themselves, how old one is for whom others decide, and who those are.

The ages, with where they come from, stand by country in `minors.toml`. A hospital's lawyers approve the row it uses.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

USUAL = "CN"
YEAR, MONTH = len("2012"), len("2012-02")


@dataclass(frozen=True, slots=True)
class Law:
    """Ages in years. `guardians`: v3-RoleCodes that make a guardian; `kept`: department or label of a record -> from
    which age on guardians are not told of it."""

    full_age: int
    own_information: int
    guardians: frozenset[str]
    kept: Mapping[str, int]
    sources: tuple[str, ...]

    def kept_at(self, years: int) -> frozenset[str]:
        """What guardians of somebody of that age are not told of.

        >>> sorted(law("CN").kept_at(6) & {"psychiatry", "sexual_health"}), "psychiatry" in law("CN").kept_at(14)
        (['sexual_health'], True)
        """
        return frozenset(name for name, since in self.kept.items() if years >= since)


@cache
def table() -> dict[str, Law]:
    rows = tomllib.loads((files("salus.places") / "minors.toml").read_text("utf-8"))
    return {
        country: Law(
            row["full_age"],
            row["own_information"],
            frozenset(row["guardians"]),
            row["kept"],
            tuple(row["sources"]),
        )
        for country, row in rows.items()
    }


def law(country: str | None = None) -> Law:
    """Of a country (ISO 3166-1); one without a row has that of `USUAL`, the country the product ships for.

    >>> law("us").own_information, law(None).own_information
    (12, 14)
    """
    return table().get((country or USUAL).upper(), table()[USUAL])


def age(born: str, on: date) -> int | None:
    """Whole years on a day, from a FHIR date; the most that they can be where only a year or a month is known: who may
    decide alone is not decided for. None for nothing.

    >>> [age(born, date(2026, 11, 23)) for born in ("2012-11-23", "2012-11-24", "2012-11", "2012-12", "2012", "")]
    [14, 13, 14, 13, 14, None]
    """
    if not born:
        return None
    month = int(born[YEAR + 1 : MONTH]) if len(born) >= MONTH else 1
    day = int(born[MONTH + 1 :]) if len(born) > MONTH else 1
    return on.year - int(born[:YEAR]) - ((on.month, on.day) < (month, day))
