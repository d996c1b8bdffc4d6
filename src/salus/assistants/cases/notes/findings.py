"""What a note finds, as a case holds it: each concept once, there or not, with all the places that say so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.assistants.cases.case import Case, Finding, Named, Status
from salus.assistants.cases.notes.mentions import Mention
from salus.assistants.cases.notes.reading import language_of, read

ILLNESS = "ICD10//"
SYMPTOM = "ICD10//R"  # a chapter of symptoms, no illness


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding with the mentions that it rests on, in the order of the note."""

    finding: Finding
    mentions: tuple[Mention, ...]


def noted(mentions: Iterable[Mention], at: date | None = None) -> tuple[Noted, ...]:
    """The patient's findings, in the order of the note. One that is said to be there counts so wherever else it is
    denied; a symptom told as history is no finding, an illness is. Relatives' and feared ones are none.

    >>> [(one.finding.concept, one.finding.status) for one in noted(read("No fever. Cough. Return if vomiting."))]
    [('HP:0001945', 'absent'), ('HP:0012735', 'present')]
    """
    by_concept: dict[str, list[Mention]] = {}
    for one in mentions:
        if one.kind == "problem" and one.of_the_patient and (one.when == "now" or is_illness(one.concept)):
            by_concept.setdefault(one.concept, []).append(one)
    return tuple(
        Noted(Finding(concept, status(found), told(found), at), tuple(found)) for concept, found in by_concept.items()
    )


def is_illness(concept: str) -> bool:
    """
    >>> is_illness("ICD10//I10"), is_illness("ICD10//R42"), is_illness("HP:0001945")
    (True, False, False)
    """
    return concept.startswith(ILLNESS) and not concept.startswith(SYMPTOM)


def status(mentions: Iterable[Mention]) -> Status:
    said = {"absent" if one.negated else "unsure" if one.unsure else "present" for one in mentions}
    return "present" if "present" in said else "unsure" if "unsure" in said else "absent"


def told(mentions: Iterable[Mention]) -> str:
    """The note's own words, the first that say what counts."""
    found = list(mentions)
    so = status(found)
    return next(one.text for one in found if status([one]) == so)


def case_from_note(text: str, id: str, language: str | None = None, at: date | None = None, **more: Any) -> Case:
    """A case as one note tells it: findings; illnesses that are there as diagnoses; drugs taken as treatments.

    `more`: other fields of the case, such as `sex`. Its text is the note: what comes from own records goes through the
    gate before it may enter the library. Raises Invalid for another language than en, zh.
    """
    mentions = read(text, language)
    found = noted(mentions, at)
    ill = [one.finding for one in found if one.finding.status == "present" and is_illness(one.finding.concept)]
    drugs = {
        one.concept: one.text
        for one in reversed(mentions)
        if one.kind == "drug" and one.of_the_patient and not one.negated and one.when == "now"
    }
    given = {"source": "own", "language": language or language_of(text), **more}
    return Case(
        id,
        findings=tuple(one.finding for one in found),
        text=text,
        diagnoses=tuple(Named(one.concept, one.text) for one in ill),
        treatments=tuple(Named(code, name) for code, name in reversed(drugs.items())),
        at=at,
        **given,
    )
