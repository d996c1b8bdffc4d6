"""What names look like, from `names.toml`: surnames, given names, places."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((files("salus.privacy.deidentify") / "names.toml").read_text("utf-8"))


@cache
def words(language: str, table: str) -> frozenset[str]:
    """The words of a table, `_` in one read as a blank."""
    return frozenset(word.replace("_", " ") for word in tables()[language][table].split())


@cache
def characters(table: str) -> frozenset[str]:
    """The characters of a Chinese table."""
    return frozenset("".join(tables()["chinese"][table].split()))


@cache
def nicknames() -> Mapping[str, tuple[str, ...]]:
    rows = (word.partition(":") for word in tables()["english"]["nicknames"].split())
    return {name: tuple(others.split(",")) for name, _, others in rows}


@cache
def states() -> Mapping[str, str]:
    """Name of a state -> its abbreviation."""
    rows = (word.replace("_", " ").partition(":") for word in tables()["places"]["states"].split())
    return {name: short for name, _, short in rows}
