"""What is asked of the case library: findings, the words around them, and which cases may answer."""

from dataclasses import dataclass, field
from datetime import date

from salus.assistants.cases.case import Case, Finding, Sex
from salus.assistants.cases.ontology import canonical
from salus.assistants.cases.terms import Terms


@dataclass(frozen=True, slots=True)
class Known:
    """A diagnosis that stands already: its codes, all the same thing; the code that our tables name it by, or none;
    the record's own words."""

    concepts: tuple[str, ...]
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """Findings, other words, and what is known of the one asked for: then a hit says whether it was the same.

    `near`: concepts that the other words may mean. They are looked for too, but nothing is concluded from them.
    `known`: diagnoses that need no explaining: cases that have them too are more alike, no disease is ranked by them.
    """

    findings: tuple[Finding, ...] = ()
    text: str = ""
    near: tuple[str, ...] = ()
    diagnosis: str = ""
    outcome: str = ""
    known: tuple[Known, ...] = ()

    def concepts(self, status: str = "present") -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(canonical(one.concept) for one in self.findings if one.status == status and one.concept)
        )

    def __bool__(self) -> bool:
        return bool(self.findings or self.text.strip() or self.known)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases may answer; both ends of a range are in it. A case that does not say is not in the range."""

    age: tuple[float | None, float | None] = (None, None)  # years
    sex: Sex | None = None
    time: tuple[date | None, date | None] = (None, None)
    institution: str | None = None
    source: str | None = None
    diagnosis: str | None = None
    without: frozenset[str] = field(default_factory=frozenset)  # ids
    not_from: str | None = None  # a publication


def asked(text: str, terms: Terms) -> Query:
    """A question in a reader's words: findings in either language, codes, and the words that name none.

    >>> found = asked("seizures, no fever, since infancy", Terms())
    >>> found.concepts(), found.concepts("absent"), found.text
    (('HP:0001250',), ('HP:0001945',), 'since infancy')
    """
    return Query(*terms.read(text))


def query_of(case: Case) -> Query:
    """A case as a question: its findings and words, with its diagnosis and outcome to compare."""
    diagnosis = case.diagnoses[0].code if case.diagnoses else ""
    return Query(case.findings, case.text, diagnosis=diagnosis, outcome=case.outcome)
