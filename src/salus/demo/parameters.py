"""The city's parameters, read from the TOML files beside this module: every figure stands there with its source."""

import tomllib
from bisect import bisect_right
from functools import cache
from importlib.resources import files
from typing import Any

Rows = list[list[float]]  # [from this age on, value]
Table = dict[str, Any]


@cache
def table(name: str) -> Table:
    """One TOML file beside this module, by its bare name. It is shared: read it, never change it."""
    return tomllib.loads((files("salus.demo") / f"{name}.toml").read_text("utf-8"))


def at_age(rows: Rows, age: float) -> float:
    """The value of the row that holds at this age in years; 0 before the first row.

    >>> at_age([[18, 0.04], [25, 0.06]], 24.9), at_age([[18, 0.04], [25, 0.06]], 25), at_age([[18, 0.04]], 3)
    (0.04, 0.06, 0.0)
    """
    place = bisect_right(rows, age, key=lambda row: row[0])
    return float(rows[place - 1][1]) if place else 0.0


def by_sex(row: Table, sex: str) -> float:
    """The ratio of this sex to both together; 1 where the table makes no difference."""
    return float(row.get("men" if sex == "male" else "women", 1.0))


def prevalence(condition: str, age: float, sex: str) -> float:
    """Share of people of this age (years) and sex who have the illness, diagnosed or not."""
    row = table("parameters")["conditions"][condition]
    return min(0.95, at_age(row["prevalence"], age) * by_sex(row, sex))


def incidence(condition: str, age: float, sex: str) -> float:
    """New illness per person-year among people of this age (years) and sex."""
    row = table("parameters")["conditions"][condition]
    return at_age(row["incidence"], age) * by_sex(row, sex)


def conditions() -> dict[str, Table]:
    """The long illnesses, in an order in which causes come before effects."""
    rows: dict[str, Table] = table("parameters")["conditions"]
    return rows


def illnesses() -> dict[str, Table]:
    """The acute illnesses."""
    rows: dict[str, Table] = table("acute")["illness"]
    return rows
