"""A signed note to be read and printed, with all that was said of it since; addenda and co-signatures."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from starlette.responses import Response

from salus.base.errors import Gone, Invalid, Missing
from salus.services.looking import looked_up
from salus.services.visits import addenda, notes
from salus.services.visits.addenda import KINDS, LONGEST_REASON, Story
from salus.web.chart import shared
from salus.web.clinic.frame import service, writing_of
from salus.web.telling import courses, terms
from salus.web.telling.dossier import TYPES, Dossier
from salus.web.telling.person import by_script, full
from salus.web.visit import Visit

ORDERED = ("MedicationRequest", "ServiceRequest", "Condition")


def read(visit: Visit) -> Response:
    return whole(visit)


def whole(visit: Visit, status: int = 200, wrong: str = "") -> Response:
    """The note; `wrong` with the form for an addendum. Raises Missing for what is no note."""
    story = addenda.story(visit.records, visit.path["note"])
    note = story.note
    signers = {one.who for one in story.signs if one.act != "addendum"}
    context: dict[str, Any] = {
        **about(visit, note.patient),
        "story": story,
        "sections": [(one.name.in_(note.language), note.texts[one.key]) for one in shown(story)],
        "entries": entries(visit, note.id),
        "names": names(visit, story),
        "kinds": KINDS,
        "longest": LONGEST_REASON,
        "wrong": wrong,
        "form": visit.form,
        "fresh": "signed" in visit.query,
        "service": service(visit, note.encounter),
        "may_cosign": note.status == "final" and visit.who.actor.reference not in signers,
    }
    return visit.page("clinic/read.html", status, **context)


def shown(story: Story) -> Iterable[Any]:
    return (one for one in story.note.template.sections if one.key in story.note.texts)


def about(visit: Visit, patient: str) -> dict[str, Any]:
    """The banner of the patient whose note it is."""
    told = visit.records.read("Patient", patient).json()
    record = (version.json() for version in visit.records.compartment(patient, TYPES))
    return shared(Dossier(told, record, visit.language, visit.today))


def entries(visit: Visit, note: str) -> dict[str, list[tuple[str, str, str]]]:
    """Type -> (name, detail, reference) of what was signed with the note."""
    told = visit.records.read(notes.TYPE, note).json()
    signed = [
        ref for part in told.get("section", ()) if notes.key_of(part) in notes.LISTED for ref in notes.references(part)
    ]
    found: dict[str, list[tuple[str, str, str]]] = {type: [] for type in ORDERED}
    for reference in signed:
        type, _, id = reference.partition("/")
        with suppress(Missing, Gone):  # what the law had erased is not told
            found[type].append(line(visit.records.read(type, id).json(), visit.language))
    return found


def line(told: dict[str, Any], language: str) -> tuple[str, str, str]:
    source = f"{told['resourceType']}/{told['id']}"
    if told["resourceType"] == "MedicationRequest":
        course = courses.medicine(told, language)
        return course.name, course.detail, source
    concept = told["code"]
    name = concept["text"] if told["resourceType"] == "Condition" else terms.concept(concept, language)
    certainty = told.get("verificationStatus", {}).get("coding", [{}])[0].get("code", "")
    return name, certainty or str(told.get("priority", "")), source


def names(visit: Visit, story: Story) -> dict[str, str]:
    """Reference -> name of everyone who wrote or signed; who is not in the records by their reference."""
    wanted = {story.note.author, *(one.who for one in story.signs), *(one.author for one in story.addenda)}
    return {one: name_of(visit, one) for one in wanted}


def name_of(visit: Visit, reference: str) -> str:
    if reference == visit.who.actor.reference:
        return visit.who.name(visit.language)
    told = looked_up(visit.records, reference) if reference.startswith("Practitioner/") else {}
    return by_script([full(one) for one in told.get("name", ())], visit.language)[0] or reference


def add(visit: Visit) -> Response:
    """Sign an addendum; one that is not complete comes back as it was typed."""
    form = visit.form
    try:
        addenda.add(
            writing_of(visit),
            visit.path["note"],
            form.get("text", ""),
            form.get("reason", ""),
            form.get("kind", KINDS[0]),
        )
    except Invalid as error:
        return whole(visit, error.status, visit.say("clinic.addendum.wrong", most=LONGEST_REASON))
    return visit.go(f"/clinic/notes/{visit.path['note']}#addenda")


def cosign(visit: Visit) -> Response:
    """Sign what another has signed."""
    addenda.cosign(writing_of(visit), visit.path["note"])
    return visit.go(f"/clinic/notes/{visit.path['note']}#signatures")
