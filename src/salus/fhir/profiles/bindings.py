"""Whether what is coded is in a value set, as far as the terminology that is held can tell.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

from collections.abc import Iterator
from typing import Any

from salus.base.errors import SalusError
from salus.codes.terminology import Terminology, ValueSet
from salus.codes.terminology.expanding import select
from salus.codes.terminology.shapes import System
from salus.fhir.fhirpath import Node

Coding = tuple[str | None, str | None]  # system (None: any), code


def codings(node: Node) -> list[Coding] | None:
    """What a value is coded as; None for one that is not coded by its type."""
    value: Any = node.value
    if node.kind == "CodeableConcept":
        return [(one.get("system", ""), one.get("code")) for one in value.get("coding", [])]
    if node.kind in ("Coding", "Quantity"):
        return [(value.get("system", ""), value.get("code"))]
    return [(None, value)] if isinstance(value, str) else None


class ValueSets:
    """Asks the terminology, and remembers the answers of one validation."""

    def __init__(self, terms: Terminology) -> None:
        self._terms = terms
        self._known: dict[tuple[str, Coding], bool | None] = {}
        self._sets: dict[str, ValueSet | None] = {}

    def holds(self, url: str, coding: Coding) -> bool | None:
        """Whether the coding is in the value set; None where what is held cannot tell."""
        key = (url, coding)
        if key not in self._known:
            if url not in self._sets:
                self._sets[url] = self._value_set(url) or self._value_set(url.partition("|")[0])
            held = self._sets[url]
            self._known[key] = self._look(held, coding) if held else None
        return self._known[key]

    def _value_set(self, url: str) -> ValueSet | None:
        try:
            return self._terms.value_set(url)
        except SalusError:
            return None

    def _look(self, value_set: ValueSet, coding: Coding) -> bool | None:
        system, code = coding
        if not code:
            return False
        fitting = [part for part in value_set.include if system is None or part.get("system") in (None, system)]
        unsure = False
        for part in fitting:
            try:
                answers = list(self._answers(ValueSet("", include=[part], exclude=value_set.exclude), coding))
            except SalusError:
                unsure = True
                continue
            if True in answers:
                return True
            unsure = unsure or None in answers
        return None if unsure else False

    def _answers(self, part: ValueSet, coding: Coding) -> Iterator[bool | None]:
        system, code = coding
        for held, rows in select(self._terms, part):
            if system in (None, held.url):
                told = str(code) if held.case_sensitive else str(code).casefold()
                yield True if told in rows else None if is_part(held) else False


def is_part(system: System) -> bool:
    """Whether codes may be missing from what is held of a code system."""
    return system.content in ("fragment", "example", "not-present")
