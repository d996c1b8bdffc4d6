"""The rows of the shipped pathways: their shapes, read once from the files of `pathways/`."""

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from salus.assistants.suggestion import Name
from salus.base.errors import Invalid

PATHWAYS = ("hypertension", "diabetes", "heart-failure", "pneumonia", "atrial-fibrillation")


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    en: str
    zh: str

    @property
    def said(self) -> Name:
        return Name(self.en, self.zh)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`label`: short, with the year; `date`: when it was published."""

    label: str
    title: str
    url: str
    date: date


class Need(Row, frozen=True):
    """A condition in FHIRPath, and how it is said."""

    when: str


class Item(Need, frozen=True):
    points: int


class ScoreRow(Row, frozen=True):
    source: str
    items: list[Item]


class SetRow(Row, frozen=True):
    """A list of codes; see the head of sets.toml."""

    snomed: list[str] = []
    icd10: list[str] = []
    medicines: list[str] = []
    days: int | None = None


class Option(Row, frozen=True):
    """`strength` and `quality` in the words of the guideline; empty where it states none for this."""

    key: str
    text_en: str
    text_zh: str
    source: str
    strength: str
    quality: str = ""
    needs: list[Need] = []
    medicines: list[str] = []


class Pathway(Row, frozen=True):
    id: str
    version: str
    date: date
    source: str
    needs: list[Need]
    options: list[Option]


@cache
def table(name: str) -> dict[str, Any]:
    """A file of `pathways/` as it stands."""
    place = files("salus.assistants.treatment.guidelines") / "pathways" / f"{name}.toml"
    return tomllib.loads(place.read_text("utf-8"))


def converted(name: str, rows: Any, shape: Any) -> Any:
    """Raises Invalid for a row that does not fit, by the file."""
    try:
        return msgspec.convert(rows, shape)
    except msgspec.ValidationError as fault:
        raise Invalid(f"{name}.toml: {fault}", path=name) from None


@cache
def sources() -> dict[str, Source]:
    found: dict[str, Source] = converted("sources", table("sources"), dict[str, Source])
    return found


@cache
def sets() -> dict[str, SetRow]:
    found: dict[str, SetRow] = converted("sets", table("sets"), dict[str, SetRow])
    return found


@cache
def scores() -> dict[str, ScoreRow]:
    found: dict[str, ScoreRow] = converted("scores", table("scores"), dict[str, ScoreRow])
    return found


@cache
def pathways() -> tuple[Pathway, ...]:
    return tuple(converted(name, table(name), Pathway) for name in PATHWAYS)
