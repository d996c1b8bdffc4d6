"""All rules of an installation, laid out so that a question costs a few look-ups however many rules there are."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

import msgspec

from salus.assistants.treatment.screen.rules import (
    TABLES,
    TIERS,
    Allergen,
    Interaction,
    Limit,
    Most,
    Source,
    Table,
    members,
    read_toml,
    table_of,
)
from salus.base.errors import Invalid, Issue

PACKAGE = "salus.assistants.treatment.screen"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Knowledge:
    """Rules by the ingredients they speak of; `pairs`: two names in order -> the rules between them, gravest first."""

    table: Table
    pairs: Mapping[Pair, tuple[str, ...]]
    limits: Mapping[str, tuple[str, ...]]
    allergens: Mapping[str, tuple[str, ...]]
    version: str
    dated: str

    def between(self, one: str, other: str) -> tuple[str, ...]:
        return self.pairs.get((one, other) if one < other else (other, one), ())

    def interaction(self, rule: str) -> Interaction:
        return self.table.interactions[rule]

    def limit(self, rule: str) -> Limit:
        return self.table.limits[rule]

    def most(self, ingredient: str) -> Most | None:
        return self.table.doses.get(ingredient)

    def allergen(self, rule: str) -> Allergen:
        return self.table.allergies[rule]

    def source(self, name: str) -> Source | None:
        return self.table.sources.get(name)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind, and how many pairs of medicines they speak of."""
        return {kind: len(getattr(self.table, kind)) for kind in TABLES} | {"pairs": len(self.pairs)}


def knowledge_of(tables: Iterable[Table]) -> Knowledge:
    """The rules of several tables together; a later row takes the place of an earlier one of the same name.

    Raises Invalid for a rule whose source no table describes.
    """
    whole = merged(tables)
    if nameless := sourceless(whole):
        raise Invalid(f"{nameless[0].path}: {nameless[0].text}", issues=nameless)
    digest = hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()[:12]
    dated = max((str(source.date) for source in whole.sources.values()), default="")
    return Knowledge(whole, pairs_of(whole), limits_of(whole), allergens_of(whole), digest, dated)


def sourceless(table: Table) -> list[Issue]:
    """One issue for each row whose source no table describes."""
    return [
        Issue("invalid", f"{kind}.{key}", f"source '{row.source}' is described nowhere: add [sources.{row.source}]")
        for kind in TABLES[1:]
        for key, row in getattr(table, kind).items()
        if row.source not in table.sources
    ]


def merged(tables: Iterable[Table]) -> Table:
    rows: dict[str, dict[str, object]] = {kind: {} for kind in TABLES}
    for table in tables:
        for kind in TABLES:
            rows[kind] |= getattr(table, kind)
    return Table(**rows)  # type: ignore[arg-type]


def pairs_of(table: Table) -> dict[Pair, tuple[str, ...]]:
    found: defaultdict[Pair, list[str]] = defaultdict(list)
    by_gravity = sorted(table.interactions.items(), key=lambda row: TIERS.index(row[1].tier))
    for key, rule in by_gravity:
        for one, other in {tuple(sorted(pair)) for pair in product(members(rule.between), members(rule.and_))}:
            if one != other:
                found[one, other].append(key)
    return {pair: tuple(rules) for pair, rules in found.items()}


def limits_of(table: Table) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, rule in sorted(table.limits.items(), key=lambda row: TIERS.index(row[1].tier)):
        for name in members(rule.of):
            found[name].append(key)
    return {name: tuple(rules) for name, rules in found.items()}


def allergens_of(table: Table) -> dict[str, tuple[str, ...]]:
    """What names an allergen (a word in small letters, a SNOMED CT code, an ingredient) -> the rows that do."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, rule in table.allergies.items():
        for name in {*(word.lower() for word in rule.words), *rule.codes, *members(rule.of)}:
            found[name].append(key)
    return {name: tuple(rules) for name, rules in found.items()}


@cache
def shipped_table() -> Table:
    """The rows that came with the program."""
    folder = files(PACKAGE) / "knowledge"
    return table_of({kind: read_toml((folder / f"{kind}.toml").read_text("utf-8"), f"{kind}.toml") for kind in TABLES})


@cache
def shipped() -> Knowledge:
    """The rules that came with the program, alone."""
    return knowledge_of([shipped_table()])
