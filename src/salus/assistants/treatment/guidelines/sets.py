"""Value sets as lists of codes: those shipped by name, others by their address from the terminology.

One that cannot be expanded is an error: an empty list would say "the patient has none of these".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from salus.assistants.treatment.guidelines import rows
from salus.assistants.treatment.screen.orders import medicine_of
from salus.assistants.treatment.screen.rules import members
from salus.base.errors import Invalid, SalusError
from salus.codes.drugs import ingredients_in
from salus.codes.tables import ICD10, ICD10CM, SNOMED
from salus.codes.terminology import Terminology, expand
from salus.codes.trees import beginnings

BASE = "https://salus.example/fhir/ValueSet/"
MOST = 100_000  # codes of a set
Resource = Mapping[str, Any]
ICD = (ICD10, ICD10CM)


@dataclass(frozen=True)
class CodeList:
    """What a set holds: (system, code), what ICD-10 codes begin with, or ingredients. `days`: see sets.toml."""

    codes: frozenset[tuple[str, str]] = frozenset()
    icd10: tuple[str, ...] = ()
    ingredients: frozenset[str] = frozenset()
    days: int | None = None

    def holds(self, resource: Resource) -> bool:
        """Whether the code of a resource, or the medicine of an order, stands in the list."""
        concept = medicine_of(resource) if resource["resourceType"].startswith("Medication") else resource.get("code")
        codings = (concept or {}).get("coding", [])
        if self.ingredients and {one.name for one in ingredients_in(concept or {}).ingredients} & self.ingredients:
            return True
        return any(self._has(one.get("system", ""), one.get("code", "")) for one in codings)

    def _has(self, system: str, code: str) -> bool:
        by_beginning = bool(self.icd10) and system in ICD and code.upper().startswith(self.icd10)
        return by_beginning or (system, code) in self.codes


@cache
def named(name: str) -> CodeList:
    """A shipped set. Raises Invalid for one that is not there or holds nothing, and as `members` does."""
    row = rows.sets().get(name)
    if row is None:
        raise Invalid(f"There is no value set '{name}' among those shipped", path=name)
    codes = frozenset((SNOMED, code) for code in row.snomed)
    icd10 = tuple(begin for group in row.icd10 for begin in beginnings(ICD10, group))
    found = CodeList(codes, icd10, members(row.medicines), row.days)
    if not (found.codes or found.icd10 or found.ingredients):
        raise Invalid(f"The value set '{name}' holds nothing: a condition over it would be meaningless", path=name)
    return found


def at(url: str, terms: Terminology | None) -> CodeList:
    """The set at an address. Raises Invalid where it is not here, cannot be expanded, is empty or too large."""
    if url.startswith(BASE):
        return named(url.removeprefix(BASE))
    if terms is None:
        raise Invalid(f"The value set {url[:200]} cannot be expanded: there is no terminology to ask", path=url[:200])
    address, _, version = url.partition("|")
    try:
        value_set = terms.value_set(address, version or None)
        found = expand(terms, value_set, "", False, 0, MOST)
    except SalusError as fault:
        raise Invalid(f"The value set {url[:200]} cannot be expanded: {fault}", path=url[:200]) from None
    partly = found.incomplete and not all(part.get("concept") for part in value_set.include)  # listed codes are whole
    if not found.total or found.total > MOST or partly:
        why = "holds nothing" if not found.total else "is not wholly held here" if partly else "is too large"
        raise Invalid(f"The value set {url[:200]} {why}: no condition can rest on it", path=url[:200])
    return CodeList(frozenset((system.url, system.codes[row]) for system, row in found.concepts))
