"""Diagnoses of a visit: found as they are typed, put on the note, changed, taken off."""

from collections.abc import Callable
from dataclasses import replace

from starlette.responses import Response

from salus.base.errors import Invalid, Missing
from salus.services.visits import finding
from salus.services.visits.diagnoses import CERTAINTY, Diagnosis
from salus.services.visits.notes import Note
from salus.services.visits.writing import Writing
from salus.web.clinic.frame import changed, note_of, place_of, writing_of
from salus.web.visit import Visit

VERBS: dict[str, Callable[[Writing, str, str, str], Note]] = {"drop": Writing.drop, "lead": Writing.lead}


def found(visit: Visit) -> Response:
    """What fits the words typed, as they are typed."""
    note_of(visit)
    text = visit.query.get("q", "")
    return visit.page("clinic/found.html", hits=hits(visit, text), typed=text, place=place_of(visit))


def hits(visit: Visit, text: str) -> list[finding.Hit]:
    house = finding.vocabulary_of(visit.desk.store.folder)
    return house.find(text, visit.language, house.uses(visit.records, visit.who.actor.reference))


def diagnose(visit: Visit) -> Response:
    """Put the one picked on the note. What was picked from a list for other words is not: the new list is shown."""
    note, text, pick = note_of(visit), visit.form.get("q", ""), visit.form.get("pick", "")
    if not pick or visit.form.get("of", text) != text:
        return changed(visit, "diagnoses", note, 200 if visit.by_htmx else 422, hits=hits(visit, text), typed=text)
    certainty, system, code = three(pick)
    house = finding.vocabulary_of(visit.desk.store.folder)
    name = house.named(system, code, visit.language)
    if not name:
        raise Invalid(f"'{code[:40]}' is no code of {system[:100]} here: choose one of the list", path="pick")
    one = Diagnosis(system, code, name, certainty)
    made = writing_of(visit).diagnose(note.encounter, one, language=visit.language)
    return changed(visit, "diagnoses", made)


def three(text: str) -> tuple[str, str, str]:
    """What a button says of a diagnosis: what to do, system, code.

    >>> three("drop|http://example.org|I10"), three("x")
    (('drop', 'http://example.org', 'I10'), ('x', '', ''))
    """
    verb, _, rest = text.partition("|")
    system, _, code = rest.partition("|")
    return verb, system, code


def rediagnose(visit: Visit) -> Response:
    """Take a diagnosis off, let it be the main one, or change how certain it is."""
    note = note_of(visit)
    verb, system, code = three(visit.form.get("do", ""))
    held = next((one for one in note.diagnoses if one.key == (system, code)), None)
    if held is None or verb not in (*VERBS, *CERTAINTY):
        raise Missing(f"'{code[:40]}' is not on the note any more: load the page again", path="diagnosis")
    if verb in VERBS:
        return changed(visit, "diagnoses", VERBS[verb](writing_of(visit), note.encounter, system, code))
    made = writing_of(visit).diagnose(note.encounter, replace(held, certainty=verb))
    return changed(visit, "diagnoses", made)
