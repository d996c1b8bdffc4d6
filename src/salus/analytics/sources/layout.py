"""How the tables of a source become events: a TOML file, one `[[rows]]` for each kind of event.

Its values are SQL expressions of DuckDB over the columns of the table (lower case); `join` is what follows the table's
name in FROM. `first` is only looked up once in the source: names of tables that tell this layout from others.
"""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from salus.base.errors import Invalid, Malformed, Missing

T = TypeVar("T")


class Rows(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One kind of event of a table. `time` NULL is what does not change; `recorded` NULL: known when it happened.

    `wanted`: which rows are meant at all; those that are not are no loss and are not counted as left out.
    """

    table: str
    key: str
    subject: str
    code: str
    time: str = "NULL"
    recorded: str = "NULL"
    number: str = "NULL"
    text: str = "NULL"
    unit: str = "NULL"
    encounter: str = "NULL"
    wanted: str = "TRUE"
    join: str = ""
    optional: bool = False
    timeless: bool = False


class Layout(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A source's tables. `units`: its words -> UCUM; `macros`: SQL functions that the expressions use;
    `together`: name -> pattern of the Parquet files that make up one table."""

    name: str
    title: dict[str, str]
    first: list[str]
    rows: list[Rows]
    units: dict[str, str] = {}
    macros: list[str] = []
    together: dict[str, str] = {}


PACKAGE = "salus.analytics.sources"


def layouts() -> list[str]:
    """The names of the layouts that come with the program."""
    return shipped(PACKAGE)


def read_layout(name: str) -> Layout:
    """A layout of ours by its name, or of a site by its path. Raises Missing, Malformed, Invalid."""
    return read_as(Layout, PACKAGE, name)


def shipped(package: str) -> list[str]:
    """The names of the TOML files in the folder `layouts` of a package."""
    found = files(package).joinpath("layouts").iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in found if entry.name.endswith(".toml"))


def read_as(shape: type[T], package: str, name: str) -> T:
    """A layout of a package by its name, or of a site by its path, in its shape. Raises Missing, Malformed, Invalid."""
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise Missing(f"There is no layout {path.name}: give the path of a TOML file", path="layout")
        text = path.read_text("utf-8")
    elif name in shipped(package):
        text = files(package).joinpath("layouts", f"{name}.toml").read_text("utf-8")
    else:
        known = ", ".join(shipped(package))
        raise Missing(f"'{name[:80]}' is no layout: use {known}, or the path of a .toml", path="layout")
    try:
        return msgspec.convert(tomllib.loads(text), shape)
    except tomllib.TOMLDecodeError as fault:
        raise Malformed(f"{name}: not TOML: {fault}", path="layout") from None
    except msgspec.ValidationError as fault:
        raise Invalid(f"{name}: {fault}", path="layout") from None
