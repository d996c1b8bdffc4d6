"""A code system in columns, and a value set. https://hl7.org/fhir/R4/codesystem.html

A concept is a row number. What most concepts lack (a definition, a Chinese name, properties) stands in a table by row,
so that a system of 95,000 codes opens in a tenth of a second.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

from salus.codes.terminology.searching import Index

Json = dict[str, Any]
# What says that a concept is not to be used (any more). https://hl7.org/fhir/R4/codesystem-concept-properties.html
INACTIVE: dict[str, set[Any]] = {
    "status": {"retired", "deprecated", "inactive", "withdrawn"},
    "inactive": {True, "true"},
}
ABSTRACT: dict[str, set[Any]] = {"notSelectable": {True, "true"}, "abstract": {True, "true"}}


class System(msgspec.Struct, dict=True):
    """A code system, or what is held of one: `content` is complete, example or fragment as in CodeSystem.content."""

    url: str
    version: str = ""
    name: str = ""
    content: str = "complete"
    case_sensitive: bool = True
    codes: list[str] = []
    displays: list[str] = []
    definitions: dict[int, str] = {}
    zh: dict[int, str] = {}
    parents: dict[int, list[int]] = {}
    properties: dict[int, list[tuple[str, Any]]] = {}

    @cached_property
    def rows(self) -> dict[str, int]:
        """code -> row; where case does not matter, by the code in lower case."""
        fold = str if self.case_sensitive else str.casefold
        return {fold(code): row for row, code in enumerate(self.codes)}

    def row(self, code: str) -> int | None:
        """The concept's row, or None."""
        return self.rows.get(code if self.case_sensitive else code.casefold())

    @cached_property
    def children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row, above in self.parents.items():
            for parent in above:
                found.setdefault(parent, []).append(row)
        return found

    def below(self, row: int) -> set[int]:
        """Every descendant of the row, without itself."""
        return reached(self.children, row)

    def above(self, row: int) -> set[int]:
        """Every ancestor of the row, without itself."""
        return reached(self.parents, row)

    @cached_property
    def inactive(self) -> frozenset[int]:
        return frozenset(self._marked(INACTIVE))

    @cached_property
    def abstract(self) -> frozenset[int]:
        return frozenset(self._marked(ABSTRACT))

    def _marked(self, marks: dict[str, set[Any]]) -> Iterator[int]:
        for row, told in self.properties.items():
            if any(name in marks and value in marks[name] for name, value in told):
                yield row

    @cached_property
    def property_names(self) -> frozenset[str]:
        return frozenset(name for told in self.properties.values() for name, _ in told)

    @cached_property
    def index(self) -> Index:
        """What a text filter looks through."""
        return Index(self.codes, self.displays, self.zh)

    def display(self, row: int, language: str = "en") -> str:
        """The name in `en` or `zh`; the other language's, or the code, where there is none."""
        zh = self.zh.get(row, "")
        en = self.displays[row]
        return ((zh or en) if language == "zh" else (en or zh)) or self.codes[row]


def reached(links: dict[int, list[int]], start: int) -> set[int]:
    """All rows that the links lead to from one row; a circle of links ends all the same."""
    found: set[int] = set()
    waiting = list(links.get(start, ()))
    while waiting:
        row = waiting.pop()
        if row not in found:
            found.add(row)
            waiting.extend(links.get(row, ()))
    found.discard(start)
    return found


class ValueSet(msgspec.Struct):
    """A value set: the `compose` parts of the resource as they stand there (only what the questions need)."""

    url: str
    version: str = ""
    name: str = ""
    title: str = ""
    status: str = "active"
    include: list[Json] = []
    exclude: list[Json] = []
    inactive: bool = True  # whether inactive concepts are in it: https://hl7.org/fhir/R4/valueset.html
