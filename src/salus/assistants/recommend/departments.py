"""The departments there are: their names, whom they see, and which of them are never inferred."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from salus.assistants.suggestion import Name

SYSTEM = "https://salus.example/fhir/CodeSystem/department"
FIRST = "general"  # where to begin when nobody can tell


@dataclass(frozen=True, slots=True)
class Department:
    """`sensitive`: what a visit there would tell of a person, "" for nothing; `oldest` years; `sex` FHIR's word."""

    code: str
    name: Name
    snomed: str = ""
    sensitive: str = ""
    sex: str = ""
    oldest: int | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Focus:
    """What a department is asked about: words that people use, in both languages."""

    department: str
    code: str
    name: Name
    en: tuple[str, ...]
    zh: tuple[str, ...]


@cache
def read(name: str) -> dict[str, Any]:
    """One table of this package; it is shared: read it, never change it."""
    return tomllib.loads((files("salus.assistants.recommend") / f"{name}.toml").read_text("utf-8"))


@cache
def departments() -> dict[str, Department]:
    """code -> department, in the order of the table."""
    return {code: department(code, row) for code, row in read("departments").items()}


def department(code: str, row: dict[str, Any]) -> Department:
    rest = {key: value for key, value in row.items() if key not in ("en", "zh", "also")}
    return Department(code, Name(row["en"], row["zh"]), also=tuple(row.get("also", ())), **rest)


@cache
def focuses() -> tuple[Focus, ...]:
    """Every focus, department by department."""
    return tuple(
        Focus(place, code, Name(*row["name"]), tuple(row["en"]), tuple(row["zh"]))
        for place, rows in read("symptoms").items()
        for code, row in rows.items()
    )


@cache
def names() -> dict[str, str]:
    """What a department is called, folded -> its code: code, both names, other names."""
    return {said.casefold(): one.code for one in departments().values() for said in called(one)}


def called(one: Department) -> Iterator[str]:
    yield from (one.code, one.name.en, one.name.zh, *one.also)


def known(name: str) -> Department:
    """The department of that name or code; one that is not in our table keeps its own name.

    >>> known("心内科").code, known("Podiatry").name.en
    ('cardiology', 'Podiatry')
    """
    code = names().get(name.strip().casefold())
    return departments()[code] if code else Department(name.strip(), Name(name.strip(), name.strip()))
