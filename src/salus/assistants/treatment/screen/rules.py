"""The shapes of the rules, and their reading from TOML: each row checked, each fault told with its key and the cure.

A side of a rule names ingredients, or a class as `@class`; herbs are ingredients.
"""

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from salus.base.errors import Invalid, Issue, Malformed, Missing, SalusError
from salus.codes import units
from salus.codes.drugs import HERBS, INGREDIENTS, in_class

Tier = Literal["interrupt", "inform"]
TIERS: tuple[Tier, ...] = ("interrupt", "inform")  # the gravest first
TABLES = ("sources", "interactions", "limits", "doses", "allergies")
Dose = tuple[float, str]
T = TypeVar("T", bound="Strict")


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A row: an unknown key is a mistake, never ignored."""


class Source(Strict, kw_only=True, frozen=True):
    """Where rules come from. `date`: of the source itself, or the day on which a living list was last looked at."""

    title: str
    url: str
    date: date


class Said(Strict, kw_only=True, frozen=True):
    """What every rule says: how grave, on whose word, what is wrong and what to do, in both languages."""

    tier: Tier
    source: str
    en: str
    zh: str
    do_en: str = ""
    do_zh: str = ""

    def text(self, language: str) -> str:
        return self.zh if language == "zh" else self.en

    def todo(self, language: str) -> str:
        return self.do_zh if language == "zh" else self.do_en


class Interaction(Said, kw_only=True, frozen=True):
    """Two sides that do not go together."""

    between: tuple[str, ...]
    and_: tuple[str, ...] = msgspec.field(name="and")


class Limit(Said, kw_only=True, frozen=True):
    """What a medicine is not given to, by one measure; exactly one of `below`, `above`, `is_`, `among`."""

    of: tuple[str, ...]
    measure: str
    below: float | None = None
    above: float | None = None
    is_: bool | None = msgspec.field(name="is", default=None)
    among: tuple[str, ...] = ()


class Most(Strict, kw_only=True, frozen=True):
    """The most of an ingredient, as (amount, UCUM unit). `child`: for each kilogram and day, below 12 years; `care`:
    the part of `life` from which on it is told; `shares`: the name under which several use up one life together;
    `courses`: (days, amount, unit), more than so much a day is not gone on with for longer than so many days."""

    day: Dose | None = None
    week: Dose | None = None
    life: Dose | None = None
    care: Dose | None = None
    shares: str = ""
    child: Dose | None = None
    courses: tuple[tuple[float, float, str], ...] = ()
    source: str = "fda-label"


class Allergen(Said, kw_only=True, frozen=True):
    """A thing that people are allergic to: what it is the same as, and what may do the same."""

    words: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    cross: tuple[str, ...] = ()


class Table(Strict, kw_only=True, frozen=True):
    """The rows of one set of rules, by the name of each."""

    sources: dict[str, Source] = {}
    interactions: dict[str, Interaction] = {}
    limits: dict[str, Limit] = {}
    doses: dict[str, Most] = {}
    allergies: dict[str, Allergen] = {}


SHAPES: dict[str, type[Strict]] = {
    "sources": Source,
    "interactions": Interaction,
    "limits": Limit,
    "doses": Most,
    "allergies": Allergen,
}
MEASURES = {
    "age",
    "weight",
    "egfr",
    "crcl",
    "potassium",
    "platelets",
    "qtc",
    "alt",
    "cirrhosis",
    "pregnant",
    "lactating",
    "days",
    "route",
}


def read_toml(text: str, name: str) -> dict[str, Any]:
    """Raises Malformed with the file's name and what TOML says is wrong."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(f"{name} is not TOML: {error}") from error


def table_of(parts: Mapping[str, Mapping[str, Any]]) -> Table:
    """The rows of every kind, in their shapes. Raises Invalid with one issue for each row that does not fit."""
    table, faults = sorted_out(parts)
    if faults:
        raise Invalid(f"{len(faults)} rows do not fit, the first: {faults[0].path}: {faults[0].text}", issues=faults)
    return table


def sorted_out(parts: Mapping[str, Mapping[str, Any]]) -> tuple[Table, list[Issue]]:
    """The rows that fit, and one issue for each that does not. Raises Invalid for a kind of rule that is none."""
    if unknown := [kind for kind in parts if kind not in SHAPES]:
        raise Invalid(f"'{unknown[0]}' is no kind of rule: take one of {', '.join(TABLES)}", path=unknown[0])
    faults: list[Issue] = []
    rows = {kind: dict(fitting(SHAPES[kind], kind, given, faults)) for kind, given in parts.items()}
    return Table(**rows), faults  # type: ignore[arg-type]  # each kind in the shape of SHAPES


def fitting(shape: type[T], kind: str, rows: Mapping[str, Any], faults: list[Issue]) -> Iterator[tuple[str, T]]:
    """Each row that fits its shape and names only what is known; the others become issues."""
    for key, row in rows.items():
        try:
            one = msgspec.convert(row, shape, strict=False)
            found = [Issue("invalid", f"{kind}.{key}", text) for text in wrong(one)]
            faults.extend(found)
            if not found:
                yield key, one
        except (msgspec.ValidationError, SalusError) as error:
            faults.append(Issue("invalid", f"{kind}.{key}", str(error)))


def wrong(row: Strict) -> Iterator[str]:
    """What is wrong with a row that has the right shape."""
    for side in ("between", "and_", "of", "same", "cross"):
        members(getattr(row, side, ()))
    if isinstance(row, Interaction) and not (row.between and row.and_):
        yield "one side is empty: name a medicine or a class on both"
    if isinstance(row, Limit):
        given = [row.below is not None, row.above is not None, row.is_ is not None, bool(row.among)]
        if sum(given) != 1:
            yield f"{sum(given)} bounds given: name exactly one of below, above, is, among"
        if row.measure not in MEASURES and not row.measure.startswith("gene:"):
            yield f"'{row.measure}' is no measure: take one of {', '.join(sorted(MEASURES))} or gene:NAME"
    if isinstance(row, Most):
        yield from wrong_most(row)


def wrong_most(row: Most) -> Iterator[str]:
    """What is wrong with the amounts of a row. Raises Invalid for a unit that is none."""
    for dose in filter(None, (row.day, row.week, row.life, row.child, row.care)):
        units.parse(dose[1])
    for _, amount, unit in row.courses:
        units.convert(amount, unit, "mg")
    if (row.care or row.shares) and not row.life:
        yield "`care` and `shares` are parts of a `life`: name that too"
    if row.care and row.life and row.care[1] != row.life[1]:
        yield f"`care` is in {row.care[1]} and `life` in {row.life[1]}: take one unit"


def members(side: Iterable[str]) -> frozenset[str]:
    """The ingredients that one side of a rule names. Raises Missing, Invalid for a name that nobody knows."""
    found: set[str] = set()
    for name in side:
        if name.startswith("@"):
            found |= in_class(name[1:])
        elif name in INGREDIENTS or name in HERBS:
            found.add(name)
        else:
            raise Invalid(f"'{name}' is no ingredient that we know: see ingredients.csv and herbs.csv")
    return frozenset(found)


SIDES = ("between", "and")  # columns of a CSV that hold several names, with ; between them


def read_file(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by kind and name, not yet checked: TOML with tables such as `[limits.NAME]`, or a CSV of
    interactions with the columns name, between, and, tier, source, en, zh, do_en, do_zh. Raises Missing, Malformed."""
    if not path.is_file():
        raise Missing(f"There is no file {path}")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"{path.name} is not UTF-8: {error}") from error
    return {"interactions": dict(csv_rows(text))} if path.suffix == ".csv" else read_toml(text, path.name)


def csv_rows(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line as a row; one without a name is called by its line."""
    for line, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        given = {key: value for key, value in row.items() if key and value}
        sides = {side: [one.strip() for one in given.get(side, "").split(";") if one.strip()] for side in SIDES}
        yield given.pop("name", f"line-{line}"), given | sides
