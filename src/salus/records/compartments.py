"""In which patients' compartments a resource stands, and where on their timeline.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from collections.abc import Iterator
from functools import cache

from salus import fhir

# The search parameter that says when it happened; the first that a type has.
WHEN = (
    "date", "onset-date", "authoredon", "created", "started", "start-date", "effective", "effective-time",
    "whenhandedover", "whenprepared", "recorded-date", "recorded", "issued", "authored-on", "sent", "birthdate",
)  # fmt: skip
ALSO = -1  # the path of who stands for a patient that was replaced (joined.py)
FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999  # year 1 to 9999, in ms


@cache
def when(type: str) -> str | None:
    """The name of the search parameter that holds the clinical date of a type."""
    known = fhir.parameters(type)
    return next((name for name in WHEN if name in known and known[name].kind == "date"), None)


@cache
def _date_paths(type: str) -> frozenset[int]:
    name = when(type)
    return frozenset(fhir.parameters(type)[name].paths) if name else frozenset()


@cache
def subject_paths(type: str) -> frozenset[int]:
    """Paths whose reference to a Patient puts a resource of this type into the patient's compartment."""
    known = fhir.parameters(type)
    return frozenset(path for name in fhir.compartment(type) if name in known for path in known[name].paths)


def clinical_date(type: str, indexed: fhir.Indexed) -> int:
    """When it happened, in ms since 1970 UTC, and 1 for that very moment; 0 where the resource does not say."""
    paths = _date_paths(type)
    lows = [low // 1000 for path, low, _ in indexed.dates if path in paths and FIRST <= low // 1000 <= LAST]
    return (min(lows) or 1) if lows else 0


def patients(type: str, indexed: fhir.Indexed) -> Iterator[str]:
    """Ids of the patients in whose compartments it stands, besides a Patient in his own; may repeat."""
    paths = {ALSO} if is_replaced(type, indexed) else subject_paths(type)
    return (id for path, kind, id in indexed.references if kind == "Patient" and path in paths)


def is_replaced(type: str, indexed: fhir.Indexed) -> bool:
    """Whether it is a Patient for whom another stands: then it stands in that one's compartment alone."""
    return type == "Patient" and any(path == ALSO for path, _, _ in indexed.references)


def is_own(type: str, indexed: fhir.Indexed) -> bool:
    """Whether it is a Patient, who stands in his own."""
    return type == "Patient" and not is_replaced(type, indexed)
