"""A patient as a question to the case library: what is unexplained (problems that name a symptom, what was asked and
looked for, what the newest notes say is there or is not), and, apart from it, the diagnoses that are known."""

from collections.abc import Iterable, Iterator
from typing import Any

from salus.assistants.cases.case import Finding
from salus.assistants.cases.gate.building import standing
from salus.assistants.cases.gate.sources import date_of
from salus.assistants.cases.ontology import related
from salus.assistants.cases.problem import is_diagnosis, problem_of
from salus.assistants.cases.query import Known, Query
from salus.assistants.cases.terms import Terms
from salus.assistants.diagnosis.written import LATELY, lately, told, written
from salus.records import Records

OPEN = frozenset({"active", "recurrence", "relapse"})
DENIED = frozenset({"refuted", "entered-in-error"})
SUSPECTED = frozenset({"unconfirmed", "provisional", "differential"})


def query_of_patient(records: Records, patient: str, terms: Terms) -> Query:
    """Each thing once. A diagnosis that is only suspected is neither known nor a finding; a problem that no name is
    known of is not asked for. Raises Forbidden, Missing as the records do."""
    known: list[Known] = []
    found: dict[str, Finding] = {}
    for version in records.compartment(patient, ["Condition"]):
        problem = version.json()
        meant = problem_of(problem.get("code", {}), terms)
        if not open_now(problem) or not meant.concepts:
            continue
        if not meant.diagnosed:
            concept = (*meant.terms, meant.icd)[0]
            found.setdefault(concept, Finding(concept, text=meant.text))
        elif not codes_of(problem, "verificationStatus") & SUSPECTED:
            known = joined(known, Known(meant.concepts, meant.named, meant.text))
    for one in (*noted(records, patient), *observed(records, patient, terms)):
        if one.status == "present" and is_diagnosis(one.concept):
            known = joined(known, Known((one.concept,), text=one.text))
        else:
            found.setdefault(one.concept, one)
    return Query(tuple(one for one in found.values() if not is_known(one, known)), known=tuple(known))


def joined(known: list[Known], one: Known) -> list[Known]:
    """What is the same thing in two codes stands once, by the name it had first.

    >>> joined([Known(("a", "b"), text="first")], Known(("b", "c")))
    [Known(concepts=('a', 'b', 'c'), code='', text='first')]
    """
    same = [other for other in known if {*other.concepts} & {*one.concepts}]
    concepts = dict.fromkeys(concept for other in (*same, one) for concept in other.concepts)
    whole = Known(tuple(concepts), (*same, one)[0].code, (*same, one)[0].text)
    return [*(other for other in known if other not in same), whole]


def is_known(finding: Finding, known: Iterable[Known]) -> bool:
    """Whether a finding that is there is a diagnosis that stands already, a kind of it, or what it is a kind of."""
    return finding.status != "absent" and any(
        related(finding.concept, concept) for one in known for concept in one.concepts
    )


def noted(records: Records, patient: str) -> Iterator[Finding]:
    """What the newest notes say."""
    for said in told(lately(written(records, patient))):
        words = next(words for _, words, status in said.places if status == said.status)
        yield Finding(said.concept, said.status, words)


def observed(records: Records, patient: str, terms: Terms) -> Iterator[Finding]:
    """Symptoms and signs that were asked or looked for lately (before the newest observation of any kind), the newest
    answer first."""
    bodies = (version.json() for version in records.compartment(patient, ["Observation"]))
    rows = [(on, one) for one in bodies if standing(one) and (on := date_of(one))]
    rows.sort(key=lambda row: row[0], reverse=True)
    for on, one in rows:
        if on < rows[0][0] - LATELY:
            return
        meant = problem_of(one.get("code", {}), terms) if "valueBoolean" in one else None
        if meant and meant.terms:
            yield Finding(meant.terms[0], "present" if one["valueBoolean"] else "absent", meant.text)


def open_now(problem: dict[str, Any]) -> bool:
    """
    >>> open_now({}), open_now({"clinicalStatus": {"coding": [{"code": "resolved"}]}})
    (True, False)
    """
    clinical = codes_of(problem, "clinicalStatus")
    return (not clinical or bool(clinical & OPEN)) and not codes_of(problem, "verificationStatus") & DENIED


def codes_of(resource: dict[str, Any], key: str) -> set[str]:
    return {str(coding.get("code")) for coding in resource.get(key, {}).get("coding", [])}
