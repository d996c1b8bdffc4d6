"""The one page of the called patient: what is known, the note, diagnoses, orders, the signature.

Every form works without scripts; with them it changes its own part of the page, and the part that says what is still
missing. The note is kept as it is typed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Invalid, Missing, Stale
from salus.records.signed import Signed
from salus.services.laboratory.catalogue import Orderable, orderable
from salus.services.reception.encounters import service_of
from salus.services.reception.states import CALLED
from salus.services.reception.tickets import ticket_of
from salus.services.visits import finding, orders
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.notes import LONGEST, Note
from salus.services.visits.signing import Incomplete, Signing, lacking, undecided
from salus.services.visits.templates import offered as templates
from salus.services.visits.writing import Writing
from salus.web import orders as forms
from salus.web.chart import dossier, shared
from salus.web.clinic import beside
from salus.web.telling import courses
from salus.web.visit import Visit

FIELDS = {"course": "days"}  # where on the form a fault is told that has no field of its own
SECTION = "s-"  # how the fields of the note begin


def writing_of(visit: Visit) -> Writing:
    return Writing(visit.desk.store, visit.who.actor, visit.who.purpose)


def signing_of(visit: Visit) -> Signing:
    return Signing(writing_of(visit), visit.desk.prescribing)


def place_of(visit: Visit) -> str:
    return f"/clinic/visits/{visit.path['id']}/{visit.path['encounter']}"


def note_of(visit: Visit) -> Note:
    """The note of the visit in the address. Raises Missing for a visit of another patient."""
    note = writing_of(visit).note(visit.path["encounter"], visit.language)
    if note.patient != visit.path["id"]:
        raise Missing(f"Encounter/{visit.path['encounter'][:64]} is no visit of Patient/{visit.path['id'][:64]}")
    return note


def typed(visit: Visit) -> dict[str, str]:
    """The sections as they were sent."""
    return {name.removeprefix(SECTION): text for name, text in visit.form.items() if name.startswith(SECTION)}


# --- the page ---


def page(visit: Visit) -> Response:
    """Everything; of a visit whose note is signed that note."""
    note = note_of(visit)
    if note.status != "preliminary":
        return visit.go(f"/clinic/notes/{note.id}")
    return whole(visit, note)


def whole(visit: Visit, note: Note, status: int = 200, **more: Any) -> Response:
    found = dossier(visit)
    context = {**shared(found), **parts(visit, note), **beside.told(visit, found), **ticket(visit), **more}
    return visit.page("clinic/visit.html", status, **context)


def parts(visit: Visit, note: Note) -> dict[str, Any]:
    """What the forms of the page show, and what is still missing."""
    drafted = orders.drafted(visit.records, note.encounter)
    medicines = [one for one in drafted if one["resourceType"] == "MedicationRequest"]
    screened = signing_of(visit).screened(note.patient, drafted)
    clinic = service(visit, note.encounter)
    missing = [*lacking(note), *undecided(screened)]
    return {
        **forms.offered(visit),
        **forms.NOTHING,
        "place": place_of(visit),
        "note": note,
        "service": clinic,
        "longest": LONGEST,
        "templates": templates(department(visit, clinic)),
        "hits": [],
        "typed": "",
        "form": {},
        "tests": [one for one in drafted if one["resourceType"] == "ServiceRequest"],
        "orderable": [one.name.in_(visit.language) for one in orderable().values()],
        "priorities": orders.PRIORITIES,
        "medicines": [(one["id"], courses.medicine(one, visit.language), supply(one)) for one in medicines],
        "renewable": renewable(visit, note, medicines),
        "told": screened,
        "asks": bool(undecided(screened)),
        "undecided": False,
        "lacks": [one.in_(visit.language) for one in missing],
        "faults": {},
        "conflict": None,
        "oob": False,
        "acted": False,
    }


def department(visit: Visit, service: str) -> str:
    """The code of a clinic's department, "" where it is not told."""
    clinic = visit.desk.brochure.clinics().get(service)
    return clinic.code if clinic else ""


def service(visit: Visit, encounter: str) -> str:
    """The id of the clinic that a visit belongs to, "" for none."""
    told = visit.records.read("Encounter", encounter).json()
    return service_of(told).removeprefix("HealthcareService/")


def supply(order: Mapping[str, Any]) -> tuple[float, str]:
    """How much is dispensed in all: an amount and its unit."""
    quantity = order.get("dispenseRequest", {}).get("quantity", {})
    return quantity.get("value", 0), quantity.get("code") or quantity.get("unit", "")


def renewable(visit: Visit, note: Note, drafted: list[dict[str, Any]]) -> list[tuple[str, courses.Course]]:
    """The medicines that stand and are not renewed yet."""
    again = {one.get("priorPrescription", {}).get("reference") for one in drafted}
    standing = visit.desk.prescribing.orders(visit.records, note.patient)
    found = [(f"MedicationRequest/{one['id']}", one) for one in standing]
    return [(name, courses.medicine(one, visit.language)) for name, one in found if name not in again]


def ticket(visit: Visit) -> dict[str, Any]:
    """The number of the visit, if one is called: it can be called again or set aside."""
    wanted = [("focus", f"Encounter/{visit.path['encounter']}"), ("code", "queue-ticket")]
    found = [one for one in every(visit.records, "Task", wanted) if one["status"] == CALLED]
    return {"ticket": ticket_of(found[0]) if found else None}


def changed(visit: Visit, part: str, note: Note, status: int = 200, **more: Any) -> Response:
    """A part of the page after it was changed; without scripts the page again."""
    if not visit.by_htmx:
        return visit.go(f"{place_of(visit)}#{part}") if status < 400 else whole(visit, note, status, **more)
    context = parts(visit, note) | {"part": f"clinic/{part}.html", "acted": True} | more
    made = visit.page("clinic/changed.html", status, **context)
    made.headers["HX-Retarget"] = f"#{part}"
    return made


def onward(visit: Visit, address: str) -> Response:
    """To another page, by whichever way the form came."""
    if visit.by_htmx:
        return Response(status_code=204, headers={"HX-Redirect": address})
    return visit.go(address)


# --- the note ---


def keep(visit: Visit) -> Response:
    """Keep what is typed, as it is typed; `seen` says which words were on the screen."""
    note_of(visit)
    seen = None if "over" in visit.form else visit.form.get("seen")
    try:
        note = writing_of(visit).save(visit.path["encounter"], typed(visit), seen, language=visit.language)
    except Stale:
        return conflicted(visit)
    except Invalid as error:
        told = visit.say("clinic.too.long", most=LONGEST)
        return changed(visit, "kept", mine(visit), error.status, wrong=told)
    return changed(visit, "kept", note, wrong="")


def conflicted(visit: Visit) -> Response:
    """Another window has written meanwhile: both are shown, nothing is lost."""
    stands = note_of(visit)
    return changed(visit, "kept", mine(visit), 409, conflict=stands, wrong="")


def mine(visit: Visit) -> Note:
    """The note with the words of this window, kept nowhere yet; too long or not."""
    note = note_of(visit)
    return replace(note, texts={**note.texts, **typed(visit)})


def choose(visit: Visit) -> Response:
    """Go on with another template."""
    note_of(visit)
    wanted = visit.form.get("template", "")
    writing_of(visit).choose(visit.path["encounter"], wanted, typed(visit), language=visit.language)
    if visit.by_htmx:
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return visit.go(f"{place_of(visit)}#note-card")


# --- diagnoses ---


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
    writing = writing_of(visit)
    held = next((one for one in note.diagnoses if one.key == (system, code)), None)
    if held is None or verb not in ("drop", "lead", "confirmed", "provisional"):
        raise Missing(f"'{code[:40]}' is not on the note any more: load the page again", path="diagnosis")
    if verb in ("drop", "lead"):
        made = getattr(writing, verb)(note.encounter, system, code)
    else:
        made = writing.diagnose(note.encounter, replace(held, certainty=verb))
    return changed(visit, "diagnoses", made)


# --- orders ---


def test(visit: Visit) -> Response:
    """Put a laboratory test, or a group of them, on the orders, by its name or code."""
    note, text = note_of(visit), visit.form.get("test", "").casefold()
    one = next((one for one in orderable().values() if text in spoken(one)), None)
    if one is None:
        fault = {"test": visit.say("clinic.no.test")}
        return changed(visit, "tests", note, 422, faults=fault, form=visit.form)
    orders.lay_test(writing_of(visit), note.encounter, one.code, one.name, visit.form.get("priority", "routine"))
    return changed(visit, "tests", note)


def spoken(one: Orderable) -> set[str]:
    """All that it may be called; a single test by its short name too."""
    short = [lab.short for lab in one.labs] if len(one.members) == 1 else []
    return {name.casefold() for name in (one.code, one.name.en, one.name.zh, *short)}


def prescribe(visit: Visit) -> Response:
    """Put a medicine on the prescription and screen all of it together."""
    note = note_of(visit)
    try:
        return laid(visit, note, forms.ordered(visit))
    except Invalid as error:
        return mistaken(visit, note, error, visit.form)


def renew(visit: Visit) -> Response:
    """Put a medicine that is taken on the prescription again, in the place of the order that stands."""
    note, days = note_of(visit), visit.form.get("course", "")
    told = visit.records.read("MedicationRequest", visit.form.get("order", "").rpartition("/")[2]).json()
    try:
        length = int(days) if days.isascii() and days.isdigit() else 0
        return laid(visit, note, orders.renewed(told, visit.who.actor.reference, length, clock.now()))
    except Invalid as error:
        name = courses.medicine(told, visit.language).name
        return mistaken(visit, note, error, {"medicine": name, "days": days})


def laid(visit: Visit, note: Note, order: dict[str, Any]) -> Response:
    """Raises Invalid for an order that does not say how much for how long."""
    told = visit.records.read("Encounter", note.encounter).json()
    orders.lay_medicine(writing_of(visit), note.encounter, orders.prescribed(order, told))
    return changed(visit, "prescription", note)


def mistaken(visit: Visit, note: Note, error: Invalid, form: Mapping[str, str]) -> Response:
    """The form again, each fault at its field."""
    faults = {FIELDS.get(one.path, one.path): visit.say(f"order.wrong.{one.path}") for one in error.issues}
    return changed(visit, "prescription", note, 422, faults=faults, form=form)


def decide(visit: Visit) -> Response:
    """Go on in spite of what the screen says, with a reason for each."""
    note = note_of(visit)
    told = parts(visit, note)["told"]
    given = forms.reasons(visit, told) if told else {}
    try:
        for id, (reason, comment) in given.items():
            if reason or comment:
                visit.desk.prescribing.go_on(visit.records, id, reason, comment)
    except Invalid:
        return changed(visit, "prescription", note, 422, undecided=True, form=visit.form)
    return changed(visit, "prescription", note)


def drop(visit: Visit) -> Response:
    """Take an order in draft off."""
    note = note_of(visit)
    type, _, id = visit.form.get("order", "").partition("/")
    orders.cancel(writing_of(visit), note.encounter, type, id)
    return changed(visit, "tests" if type == "ServiceRequest" else "prescription", note)


# --- the signature ---


def sign(visit: Visit) -> Response:
    """Sign; what is missing comes back with the page, and all that was typed."""
    note = note_of(visit)
    try:
        signed = signing_of(visit).sign(note.encounter, typed(visit), visit.form.get("seen"), language=visit.language)
    except Signed:
        return twice(visit, note)
    except Stale:
        return conflicted(visit)
    except Incomplete as error:
        lacks = [one.in_(visit.language) for one in error.lacks]
        return changed(visit, "sign", mine(visit), error.status, lacks=lacks, unsigned=True)
    except Invalid as error:
        return changed(visit, "kept", mine(visit), error.status, wrong=visit.say("clinic.too.long", most=LONGEST))
    return onward(visit, f"/clinic/notes/{signed.id}?signed")


def twice(visit: Visit, note: Note) -> Response:
    """Whose button was pressed twice sees what they signed. Raises Signed where it was another's."""
    told = visit.records.read("Composition", note.id).json()
    party = told.get("attester", [{}])[0].get("party", {}).get("reference")
    if party != visit.who.actor.reference:
        raise Signed(f"Composition/{note.id} was signed by {party}: write an addendum")
    return onward(visit, f"/clinic/notes/{note.id}")
