"""What a coded problem means: its ICD-10 code, the terms of the ontology that are the same thing, and its name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from salus import codes
from salus.assistants.cases.ontology import canonical
from salus.assistants.cases.terms import Terms
from salus.codes.tables import CONDITIONS, ICD10, ICD10CM, SYSTEMS, Lab

SHORT = {url: short for short, url in SYSTEMS.items()}
SIGNS = ("R", "D64.9", "M25.5", "M54", "M79")  # codes that name what is felt or found, not why
# ICD-10 codes that are the same thing as a term of the ontology, though no name in our tables says so; epilepsy: fits
SAME = {
    "I10": "HP:0000822",
    "I25": "HP:0001677",
    "I25.1": "HP:0001677",
    "E78.5": "HP:0003077",
    "E78.1": "HP:0002155",
    "K21": "HP:0002020",
    "G30": "HP:0002511",
    "G40": "HP:0001250",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """`icd`, `named`: as events write codes (`ICD10//E11`), or empty; `text`: the record's own words."""

    icd: str
    terms: tuple[str, ...]
    named: str
    text: str

    @property
    def diagnosed(self) -> bool:
        """Whether it says why, not what is felt or found."""
        return is_diagnosis(self.icd)

    @property
    def concepts(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.icd, *self.terms)))


def is_diagnosis(concept: str) -> bool:
    """
    >>> is_diagnosis("ICD10//E11"), is_diagnosis("ICD10//R05"), is_diagnosis("HP:0012735")
    (True, False, False)
    """
    system, _, code = concept.partition("//")
    return system.startswith("ICD10") and not code.startswith(SIGNS)


def problem_of(concept: Mapping[str, Any], terms: Terms) -> Problem:
    """
    >>> coding = {"system": "http://snomed.info/sct", "code": "44054006", "display": "Diabetes mellitus type 2"}
    >>> found = problem_of({"coding": [coding]}, Terms())
    >>> found.concepts, found.named, found.diagnosed
    (('ICD10//E11', 'HP:0005978'), 'SNOMED//44054006', True)
    """
    codings = list(concept.get("coding", []))
    said = [concept.get("text", ""), *(one.get("display", "") for one in codings)]
    text = next(filter(None, said), "")
    found = [(one, codes.term(one.get("system", ""), one.get("code", ""))) for one in codings]
    own = next((term for _, term in found if term and (term.system not in (ICD10, ICD10CM) or not text)), None)
    said += [term.en for _, term in found if term]
    icd = next(filter(None, (icd_of(one, term) for one, term in found)), "") or by_name(said)
    same = [canonical(one["code"]) for one in codings if str(one.get("code", "")).startswith("HP:")]
    same += filter(None, map(terms.concept, filter(None, said)))
    same += equals(terms, icd)
    return Problem(icd, tuple(dict.fromkeys(same)), f"{SHORT[own.system]}//{own.code}" if own else "", text)


def icd_of(coding: Mapping[str, Any], term: Any) -> str:
    """The ICD-10 code that a coding is, or that the term in our tables has; of a measurement: none."""
    system = coding.get("system", "")
    if system in (ICD10, ICD10CM):
        return f"{SHORT[system]}//{coding.get('code', '')}"
    code = "" if term is None or isinstance(term, Lab) else term.more.get("icd10", "")
    return f"ICD10//{code}" if code else ""


def by_name(said: list[str]) -> str:
    """The ICD-10 code of what our tables call so in either language."""
    return next((icd for name in said if (icd := named().get(name.strip().casefold()))), "")


@cache
def named() -> Mapping[str, str]:
    return {
        name.casefold(): f"ICD10//{term.more['icd10']}" for term in CONDITIONS.values() for name in (term.en, term.zh)
    }


def equals(terms: Terms, icd: str) -> Iterator[str]:
    """The terms of the ontology that are the same as an ICD-10 code, or as the three characters it begins with."""
    code = icd.partition("//")[2]
    for one in dict.fromkeys((code, code[:3])):
        yield from filter(None, (SAME.get(one), *(terms.concept(name) for name in names(one))))


@cache
def names(code: str) -> tuple[str, ...]:
    """The English names that our tables have for an ICD-10 code."""
    return tuple(term.en for term in CONDITIONS.values() if code and term.more.get("icd10") == code)
