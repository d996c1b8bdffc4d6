"""A patient as a question to the case library: open problems, by the names that findings have and by ICD-10, and what
the newest notes say is there, or is not."""

from collections.abc import Iterator
from typing import Any

from salus import codes
from salus.assistants.cases.case import Finding
from salus.assistants.cases.query import Query
from salus.assistants.cases.terms import Terms
from salus.assistants.diagnosis.written import lately, told, written
from salus.codes.tables import ICD10, ICD10CM, SYSTEMS
from salus.records import Records

OPEN = frozenset({"active", "recurrence", "relapse"})
DENIED = frozenset({"refuted", "entered-in-error"})
SHORT = {url: short for short, url in SYSTEMS.items()}


def query_of_patient(records: Records, patient: str, terms: Terms) -> Query:
    """Raises Forbidden, Missing as the records do. A problem that no name is known of is not asked for."""
    found: dict[str, Finding] = {}
    for version in records.compartment(patient, ["Condition"]):
        problem = version.json()
        if open_now(problem):
            for one in findings(problem.get("code", {}), terms):
                found.setdefault(one.concept, one)
    for said in told(lately(written(records, patient))):
        words = next(words for _, words, status in said.places if status == said.status)
        found.setdefault(said.concept, Finding(said.concept, said.status, words))
    return Query(tuple(found.values()))


def open_now(problem: dict[str, Any]) -> bool:
    """
    >>> open_now({}), open_now({"clinicalStatus": {"coding": [{"code": "resolved"}]}})
    (True, False)
    """
    clinical, verified = (
        {coding.get("code") for coding in problem.get(key, {}).get("coding", [])}
        for key in ("clinicalStatus", "verificationStatus")
    )
    return (not clinical or bool(clinical & OPEN)) and not verified & DENIED


def findings(concept: dict[str, Any], terms: Terms) -> Iterator[Finding]:
    """Every finding that a coded problem names: the ICD-10 code that it has or that its term has, and the HPO term."""
    said = [concept.get("text", "")]
    for coding in concept.get("coding", []):
        system, code = coding.get("system", ""), coding.get("code", "")
        term = codes.term(system, code)
        said += [term.en if term else "", coding.get("display", "")]
        icd = code if system in (ICD10, ICD10CM) else getattr(term, "more", {}).get("icd10", "")
        if icd:
            yield Finding(f"{SHORT[system if system == ICD10CM else ICD10]}//{icd}", text=said[-2] or said[-1])
    for name in filter(None, said):
        if hpo := terms.concept(name):
            yield Finding(hpo, text=name)
            return
