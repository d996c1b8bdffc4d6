"""Orders of a visit: laboratory tests, procedures, medicines new and renewed, what the screen says of them."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Invalid
from salus.services.laboratory.catalogue import called
from salus.services.procedures.orders import kind_of
from salus.services.visits import orders
from salus.services.visits.notes import Note
from salus.web import orders as forms
from salus.web.clinic import room
from salus.web.clinic.frame import changed, note_of, parts, place_of, writing_of
from salus.web.procedures import asking
from salus.web.telling import courses
from salus.web.visit import Visit

FIELDS = {"course": "days"}  # where on the form a fault is told that has no field of its own


def test(visit: Visit) -> Response:
    """Put a laboratory test, or a group of them, on the orders, by its name or code."""
    note, one = note_of(visit), called(visit.form.get("test", ""))
    if one is None:
        fault = {"test": visit.say("clinic.no.test")}
        return changed(visit, "tests", note, 422, faults=fault, form=visit.form)
    orders.lay_test(writing_of(visit), note.encounter, one.code, one.name, visit.form.get("priority", "routine"))
    return changed(visit, "tests", note)


def ask(visit: Visit) -> Response:
    """The procedures that fit what is typed, or the fields of the one chosen; without scripts the page."""
    note = note_of(visit)
    if visit.by_htmx:
        return asking.part(visit, f"{place_of(visit)}/procedures", note.patient)
    return room.page(visit)


def procedure(visit: Visit) -> Response:
    """Put a procedure on the orders."""
    note = note_of(visit)
    try:
        orders.lay_procedure(writing_of(visit), note.encounter, asking.asked(visit))
    except Invalid as error:
        told = asking.mistaken(visit, f"{place_of(visit)}/procedures", note.patient, error)
        return changed(visit, "procedures", note, 422, **told)
    return changed(visit, "procedures", note)


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
        return laid(visit, note, orders.renewed(told, note.encounter, visit.who.actor.reference, length, clock.now()))
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
    taken = orders.cancel(writing_of(visit), note.encounter, type, id)
    return changed(visit, part_of(taken), note)


def part_of(order: dict[str, Any]) -> str:
    """The part of the page that lists an order."""
    if order["resourceType"] == "MedicationRequest":
        return "prescription"
    return "procedures" if kind_of(order) else "tests"
