"""The tables of terms, read once from the TOML files beside this module."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"  # of procedures: the third volume
ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"

# the short names that events use, beside the URLs that FHIR uses
SYSTEMS = {"LOINC": LOINC, "SNOMED": SNOMED, "ICD10": ICD10, "ICD10CM": ICD10CM, "ATC": ATC, "RXNORM": RXNORM}


@dataclass(frozen=True, slots=True)
class Term:
    """A coded thing: system URL, code, names, and what else its table says (`icd10`, `rxnorm`, `dose` ...)."""

    system: str
    code: str
    en: str
    zh: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def name(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Lab:
    """A measurement: names, UCUM unit, reference intervals in it, molar mass in g/mol, limits of the possible."""

    code: str
    en: str
    zh: str
    short: str
    kind: str  # vital | lab | survey | social
    unit: str | None = None
    range: tuple[float, float] | None = None
    female: tuple[float, float] | None = None
    male: tuple[float, float] | None = None
    molar: float | None = None
    valence: int | None = None
    limits: tuple[float, float] | None = None
    system: str = LOINC

    def name(self, language: str) -> str:
        return self.zh if language == "zh" else self.en

    def reference(self, sex: str | None = None) -> tuple[float | None, float | None]:
        """Reference interval of adults (low, high) in `unit`; None where there is no bound or no interval for this sex.

        >>> lab("718-7").reference("female"), lab("22748-8").reference("male"), lab("718-7").reference()
        ((11.5, 15.0), (None, 3.4), (None, None))
        """
        found = {"female": self.female, "male": self.male}.get(sex or "") or self.range
        low, high = found or (math.nan, math.nan)
        return (None if math.isnan(low) else low, None if math.isnan(high) else high)


def _rows(table: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("salus.codes") / f"{table}.toml").read_text("utf-8"))


def _pairs(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its two-element lists as tuples, so that a Lab can be hashed and compared."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _rest(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("en", "zh", "system")}


def _terms(table: str, system: str) -> Mapping[str, Term]:
    rows = _rows(table).items()
    return MappingProxyType(
        {
            code: Term(SYSTEMS.get(row.get("system", ""), system), code, row["en"], row["zh"], _rest(row))
            for code, row in rows
        }
    )


LABS: Mapping[str, Lab] = MappingProxyType({code: Lab(code, **_pairs(row)) for code, row in _rows("labs").items()})
CONDITIONS = _terms("conditions", SNOMED)
MEDICINES = _terms("medicines", ATC)
FINDINGS = _terms("findings", SNOMED)
ALLERGIES = _terms("allergies", SNOMED)
ACTS = _terms("acts", SNOMED)
PROCEDURES = _terms("procedures", ICD9)
SITES = _terms("sites", SNOMED)


@cache
def _known() -> dict[tuple[str, str], Term | Lab]:
    """Every term by (system, code); ICD-10 and RxNorm lead to the first term that maps to them."""
    known: dict[tuple[str, str], Term | Lab] = {}
    for table in (CONDITIONS, MEDICINES, FINDINGS, ALLERGIES, ACTS, PROCEDURES, SITES):
        known |= {(entry.system, entry.code): entry for entry in table.values()}
    for system, key, table in ((ICD10, "icd10", CONDITIONS), (RXNORM, "rxnorm", MEDICINES)):
        for entry in table.values():
            if code := entry.more.get(key):
                known.setdefault((system, code), Term(system, code, entry.en, entry.zh, entry.more))
    return known | {(LOINC, code): entry for code, entry in LABS.items()}


def term(system: str, code: str) -> Term | Lab | None:
    """The term, or None if our tables do not have it. `system` is a URL or an event's short name such as `LOINC`."""
    url = SYSTEMS.get(system, system)
    return _known().get((ICD10 if url == ICD10CM else url, code))


def name(system: str, code: str, language: str) -> str | None:
    """The name in `en` or `zh`, or None if our tables do not have the code (show the record's own display then).

    >>> name("http://loinc.org", "4548-4", "zh"), name("SNOMED", "44054006", "en"), name("LOINC", "0-0", "en")
    ('糖化血红蛋白', 'Type 2 diabetes', None)
    """
    found = term(system, code)
    return found.name(language) if found else None


def lab(loinc: str) -> Lab | None:
    """The measurement with this LOINC code, or None."""
    return LABS.get(loinc)
