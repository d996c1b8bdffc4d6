"""The one shape of a case: findings, words, diagnoses, course, treatments, outcome. JSON Lines hold one a line.

A finding's concept is a term of the Human Phenotype Ontology (`HP:0001250`, https://hpo.jax.org) or a code as our
events write it (`ICD10//E11`, `LOINC//4548-4`); one that nobody has coded has words alone.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from salus.base.errors import Invalid, Issue

Status = Literal["present", "absent", "unsure"]
Sex = Literal["female", "male", "other", "unknown"]
Origin = Literal["published", "authored", "own"]  # `own`: from this institution's records, through the gate
Outcome = Literal["", "recovered", "improved", "stable", "worse", "died"]
CODE = r"^$|^[A-Za-z][A-Za-z0-9_.-]*(:|//)[^\s;]+$"
Code = Annotated[str, msgspec.Meta(pattern=CODE, max_length=200)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Years = Annotated[float, msgspec.Meta(ge=0, le=130)]
SIGNS: dict[Status, str] = {"present": "", "absent": "!", "unsure": "?"}


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing seen, asked or measured: there, not there, or nobody is sure."""

    concept: Code = ""
    status: Status = "present"
    text: str = ""
    at: date | None = None
    day: int | None = None  # from the first day of the case, where dates must not be told

    def __post_init__(self) -> None:
        if not self.concept and not self.text:
            raise ValueError("A finding has neither a concept nor words: give one of them")


class Named(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A diagnosis or a treatment by its code, its words, or both."""

    code: Code = ""
    text: str = ""


class Case(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One person's illness as it was seen. `reference`: its publication; `released`: the record of its release."""

    id: Id
    findings: tuple[Finding, ...] = ()
    text: str = ""
    diagnoses: tuple[Named, ...] = ()
    course: str = ""
    treatments: tuple[Named, ...] = ()
    outcome: Outcome = ""
    age_years: Years | None = None
    sex: Sex = "unknown"
    at: date | None = None
    institution: str = ""
    language: Literal["en", "zh"] = "en"
    source: Origin = "authored"
    reference: str = ""
    released: str = ""

    def concepts(self, status: Status = "present") -> tuple[str, ...]:
        """The concepts of the findings with one status, each once, in their order.

        >>> Case("a", (Finding("HP:0001250"), Finding("HP:0001252", "absent"))).concepts("absent")
        ('HP:0001252',)
        """
        return tuple(dict.fromkeys(one.concept for one in self.findings if one.status == status and one.concept))


def check_may_enter(case: Case) -> None:
    """Raises Invalid for a case of our own records that nobody has released: it may not leave the chart."""
    if case.source == "own" and not case.released:
        text = f"case {case.id} comes from own records and names no release: send it through the gate first"
        raise Invalid(text, issues=[Issue("business-rule", "released", text)])


def finding_of(word: str) -> Finding:
    """A finding from one word of a list; `!` before it: absent, `?`: unsure; words after a space.

    >>> finding_of("!HP:0001250 Seizure")
    Finding(concept='HP:0001250', status='absent', text='Seizure', at=None, day=None)
    >>> finding_of("cough at night").text
    'cough at night'
    """
    status: Status = next((name for name, sign in SIGNS.items() if sign and word.startswith(sign)), "present")
    first, _, rest = word.removeprefix(SIGNS[status]).strip().partition(" ")
    coded = ":" in first or "//" in first
    given = {"concept": first, "text": rest.strip()} if coded else {"text": f"{first} {rest}".strip()}
    return msgspec.convert({"status": status, **given}, Finding)


def word_of(finding: Finding) -> str:
    """A finding as one word of a list: `finding_of` reads it again (but for its date).

    >>> word_of(Finding("HP:0001250", "absent", "Seizure"))
    '!HP:0001250 Seizure'
    """
    return SIGNS[finding.status] + " ".join(filter(None, (finding.concept, finding.text)))
