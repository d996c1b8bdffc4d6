"""The tables of ingredients and of their classes, read once from the files beside this module."""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from salus.base.errors import Missing
from salus.codes.tables import ATC, RXNORM, SYSTEMS


@dataclass(frozen=True, slots=True)
class Ingredient:
    """An active ingredient by its international name (INN): ATC codes (level 5), RxNorm code, Chinese, other names."""

    name: str
    atc: tuple[str, ...]
    rxnorm: str
    zh: str
    also: tuple[str, ...]

    def in_(self, language: str) -> str:
        return self.zh if language == "zh" else self.name


@dataclass(frozen=True, slots=True)
class DrugClass:
    """Ingredients that rules speak of together."""

    name: str
    en: str
    zh: str
    members: frozenset[str]

    def in_(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


def _several(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split(";")))


def _lines(table: str) -> Iterator[dict[str, str]]:
    with (files("salus.codes.drugs") / f"{table}.csv").open("r", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _ingredients() -> dict[str, Ingredient]:
    return {
        row["name"]: Ingredient(row["name"], _several(row["atc"]), row["rxnorm"], row["zh"], _several(row["also"]))
        for row in _lines("ingredients")
    }


def members_of(row: Mapping[str, list[str]], known: Mapping[str, Ingredient]) -> frozenset[str]:
    """The ingredients of a class: those under its ATC prefixes and those it names, but for those it leaves out.

    Raises Missing for a name that is no known ingredient: a class that silently lost a member would keep silent too.
    """
    named = {*row.get("members", ()), *row.get("without", ())}
    if unknown := sorted(named - known.keys()):
        raise Missing(f"{', '.join(unknown)}: no such ingredient; add it to the table of ingredients first")
    prefixes = tuple(row.get("atc", ()))
    under = {one.name for one in known.values() if prefixes and any(code.startswith(prefixes) for code in one.atc)}
    return frozenset((under | {*row.get("members", ())}) - {*row.get("without", ())})


def _classes() -> dict[str, DrugClass]:
    rows = tomllib.loads((files("salus.codes.drugs") / "classes.toml").read_text("utf-8"))
    return {
        key: DrugClass(key, row["en"], row["zh"], members_of(row, {**INGREDIENTS, **HERBS}))
        for key, row in rows.items()
    }


def _herbs() -> dict[str, Ingredient]:
    return {row["name"]: Ingredient(row["name"], (), "", row["zh"], _several(row["also"])) for row in _lines("herbs")}


def _combinations() -> dict[tuple[str, str], tuple[Ingredient, ...]]:
    return {
        (SYSTEMS[row["system"]], row["code"]): tuple(INGREDIENTS[name] for name in _several(row["ingredients"]))
        for row in _lines("combinations")
    }


INGREDIENTS: Mapping[str, Ingredient] = MappingProxyType(_ingredients())
HERBS: Mapping[str, Ingredient] = MappingProxyType(_herbs())
COMBINATIONS: Mapping[tuple[str, str], tuple[Ingredient, ...]] = MappingProxyType(_combinations())
CLASSES: Mapping[str, DrugClass] = MappingProxyType(_classes())


@cache
def _by_code() -> dict[tuple[str, str], Ingredient]:
    found = {(ATC, code): one for one in INGREDIENTS.values() for code in one.atc}
    return found | {(RXNORM, one.rxnorm): one for one in INGREDIENTS.values() if one.rxnorm}


def by_code(system: str, code: str) -> Ingredient | None:
    """The ingredient of an ATC (level 5) or RxNorm ingredient code; None where our table has none.

    >>> by_code("http://www.whocc.no/atc", "C10AA01").name
    'simvastatin'
    """
    return _by_code().get((system, code))


def in_class(name: str) -> frozenset[str]:
    """The ingredients of a class. Raises Missing for an unknown class."""
    if name not in CLASSES:
        raise Missing(f"'{name}' is no class of medicines: see classes.toml")
    return CLASSES[name].members
