"""The concepts that a value set is made of. https://hl7.org/fhir/R4/valueset.html#compositions

What is selected of a system stands as code -> row; of a whole system that is the system's own table, never copied.
"""

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from salus.base.errors import Invalid
from salus.codes.terminology.filters import filtered
from salus.codes.terminology.shapes import Json, System, ValueSet

if TYPE_CHECKING:
    from salus.codes.terminology.sources import Terminology

DEEPEST = 20  # value sets within value sets


class Chosen(NamedTuple):
    """Concepts of one system."""

    system: System
    rows: Mapping[str, int]


class Expansion(NamedTuple):
    """A page of a value set: how many concepts there are in all, those of the page, the systems they come from."""

    total: int
    concepts: list[tuple[System, int]]
    systems: list[System]

    @property
    def incomplete(self) -> bool:
        """Whether a system is held in part only, so that concepts may be missing."""
        return any(system.content in ("fragment", "example") for system in self.systems)


def expand(
    terms: "Terminology",
    value_set: ValueSet,
    text: str = "",
    active_only: bool = False,
    offset: int = 0,
    count: int | None = None,
) -> Expansion:
    """The concepts of the value set that have every word of `text`, from `offset`, at most `count`.

    Raises Missing for a system or value set that is not held, Invalid for a value set that cannot be made out.
    """
    chosen = select(terms, value_set)
    systems = [each.system for each in chosen]
    if active_only or not value_set.inactive:
        chosen = [Chosen(system, active(system, rows)) for system, rows in chosen]
    if not text:
        total = sum(len(rows) for _, rows in chosen)
        everything = ((system, row) for system, rows in chosen for row in rows.values())
        return Expansion(total, list(islice(everything, offset, None if count is None else offset + count)), systems)
    found = [(system, row) for system, rows in chosen for row in system.index.find(text, rows.values())]
    return Expansion(len(found), found[offset : None if count is None else offset + count], systems)


def active(system: System, rows: Mapping[str, int]) -> Mapping[str, int]:
    return {code: row for code, row in rows.items() if row not in system.inactive} if system.inactive else rows


def holds(terms: "Terminology", value_set: ValueSet, system: str, code: str) -> tuple[System, int] | None:
    """The concept, if it is in the value set; parts that are of other systems are not asked. Raises as `expand`."""
    parts = (value_set.include, value_set.exclude)
    include, exclude = ([part for part in each if part.get("system") in (None, system)] for each in parts)
    narrow = ValueSet(value_set.url, include=include, exclude=exclude)
    for each, rows in select(terms, narrow):
        if each.url == system:
            row = rows.get(code if each.case_sensitive else code.casefold())
            if row is not None:
                return each, row
    return None


def select(terms: "Terminology", value_set: ValueSet, within: tuple[str, ...] = ()) -> list[Chosen]:
    """All concepts of the value set. Raises Invalid for one that is part of itself."""
    if value_set.url and (value_set.url in within or len(within) > DEEPEST):
        raise Invalid(f"The value set {value_set.url[:200]} is part of itself: take it out of one", path="url")
    inner = (*within, value_set.url)
    found: list[Chosen] = []
    for part in value_set.include:
        for chosen in selected(terms, part, inner):
            add(found, chosen)
    for part in value_set.exclude:
        found = [without(each, selected(terms, part, inner)) for each in found]
    return found


def selected(terms: "Terminology", part: Json, within: tuple[str, ...]) -> list[Chosen]:
    """What one include means: what it says of its system, and in every value set that it names."""
    found = [of_system(terms, part)] if "system" in part else None
    for url in part.get("valueSet", []):
        others = select(terms, terms.value_set(url), within)
        found = others if found is None else [common(each, others) for each in found]
    if found is None:
        raise Invalid(
            "An include names neither a system nor a value set: give it one of them", path="ValueSet.compose.include"
        )
    return found


def of_system(terms: "Terminology", part: Json) -> Chosen:
    """The concepts listed, or those that pass all filters, or the whole system."""
    url, version = part["system"], part.get("version")
    if "concept" in part:
        listed = excerpt(terms, url, part["concept"])
        return Chosen(listed, listed.rows)
    system = terms.system(url, version)
    if not part.get("filter"):
        return Chosen(system, system.rows)
    rows = set.intersection(*(filtered(system, row) for row in part["filter"]))
    fold = str if system.case_sensitive else str.casefold
    return Chosen(system, {fold(system.codes[row]): row for row in sorted(rows)})


def excerpt(terms: "Terminology", url: str, concepts: list[tuple[str, str, str]]) -> System:
    """A system of the concepts (code, display, Chinese display) that a value set lists itself; it need not be held.

    What the value set says of a name goes before what the system says.
    """
    whole = terms.find(url) or System(url)
    made = System(url, whole.version, whole.name, "complete", whole.case_sensitive)
    for at, (code, en, zh) in enumerate({concept[0]: concept for concept in concepts}.values()):
        row = whole.row(code)
        made.codes.append(code)
        made.displays.append(en or ("" if row is None else whole.displays[row]))
        if name := zh or ("" if row is None else terms.chinese(whole, row)):
            made.zh[at] = name
        if row in whole.properties:
            made.properties[at] = whole.properties[row]
    return made


def add(found: list[Chosen], more: Chosen) -> None:
    """Append what is not there yet."""
    known = [rows for system, rows in found if system.url == more.system.url]
    if known:
        more = Chosen(more.system, {code: row for code, row in more.rows.items() if not any(code in k for k in known)})
    found.append(more)


def without(each: Chosen, others: list[Chosen]) -> Chosen:
    gone = [rows for system, rows in others if system.url == each.system.url and rows]
    if not gone:
        return each
    return Chosen(each.system, {code: row for code, row in each.rows.items() if not any(code in rows for rows in gone)})


def common(each: Chosen, others: list[Chosen]) -> Chosen:
    kept = [rows for system, rows in others if system.url == each.system.url]
    return Chosen(each.system, {code: row for code, row in each.rows.items() if any(code in rows for rows in kept)})
