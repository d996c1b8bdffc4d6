"""What things are called: LOINC, SNOMED CT, ICD-10, ATC and RxNorm codes, with English and Chinese names and units.

Knows terms; must not know of any patient, store or page.
"""

from salus.codes.tables import (
    ACTS,
    ALLERGIES,
    CONDITIONS,
    FINDINGS,
    LABS,
    MEDICINES,
    PROCEDURES,
    SITES,
    Lab,
    Term,
    lab,
    name,
    term,
)
from salus.codes.trees import ancestors, beginnings, group_name, tree_systems
from salus.codes.unit_words import unit_words

__all__ = [
    "ACTS",
    "ALLERGIES",
    "CONDITIONS",
    "FINDINGS",
    "LABS",
    "MEDICINES",
    "PROCEDURES",
    "SITES",
    "Lab",
    "Term",
    "ancestors",
    "beginnings",
    "group_name",
    "lab",
    "name",
    "term",
    "tree_systems",
    "unit_words",
]
