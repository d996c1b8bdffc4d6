"""One prescription with all that a pharmacist needs beside it: findings, allergies, kidneys, what else is taken; and
the verdict."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from salus.assistants.answers import NOT_STATED
from salus.assistants.treatment.overrides import REASONS
from salus.assistants.treatment.prescribing import Sitting, Told, is_active
from salus.base.errors import Conflict, Gone, Invalid, Stale
from salus.base.ids import uuid7
from salus.base.words import words_of
from salus.services.acting import referred
from salus.services.pharmacy.amounts import PIECE
from salus.services.pharmacy.deciding import Verdict, decide, seen
from salus.services.pharmacy.reviews import Review, review
from salus.services.pharmacy.rules import LONGEST, REFUSALS, RETURNS
from salus.web.acting import acting
from salus.web.chart import shared
from salus.web.pharmacy.telling import lines, mark
from salus.web.telling import courses
from salus.web.telling.directions import called
from salus.web.telling.dossier import TYPES, Dossier
from salus.web.telling.people import staff
from salus.web.visit import Visit
from salus.web.wrong import wrong

UNITS = (PIECE, "mg", "g", "mL", "[IU]")  # UCUM, what a form offers
FACTS = ("age", "weight", "egfr", "crcl", "creatinine", "potassium", "alt", "platelets", "qtc", "pregnant", "lactating")
NEEDED = ("weight", "egfr", "crcl")  # what is said to be missing where it is
EXPECTED = (Invalid, Conflict, Stale, Gone)  # what a form can be told; all else is a page of its own


def one(visit: Visit, faults: tuple[tuple[str, str], ...] = (), status: int = 200) -> Response:
    """The prescription named in the address. Raises Missing, Gone, Forbidden."""
    found = review(visit.records, visit.path["id"])
    records, patient = visit.records, found.patient
    resources = [version.json() for version in records.compartment(patient, TYPES)]
    dossier = Dossier(records.read("Patient", patient).json(), resources, visit.language, visit.today)
    context = beside(visit, found, resources) | offered(visit)
    return visit.page(
        "pharmacy/prescription.html",
        status,
        **shared(dossier),
        found=found,
        mark=mark(found),
        lines=lines(visit, found),
        names=staff(records, involved(found.task), visit.language),
        faults=faults,
        **context,
    )


def beside(visit: Visit, found: Review, resources: list[dict[str, Any]]) -> dict[str, Any]:
    """What the screen says of what is to be decided, and what it rests on."""
    sitting = sitting_of(visit, found)
    told, person = sitting.together(found.pending), sitting.person
    return {
        "told": told,
        "dangers": dangers(told),
        "facts": [person.facts[name].said for name in FACTS if name in person.facts and person.facts[name].value],
        "lacking": list(dict.fromkeys(person.missing[name] for name in NEEDED if name in person.missing)),
        "others": [taken(one, visit.language) for one in others(resources, found)],
    }


def taken(order: dict[str, Any], language: str) -> tuple[str, str]:
    """A medicine, and how it is taken."""
    return called(order, language), courses.medicine(order, language).detail


def sitting_of(visit: Visit, found: Review) -> Sitting:
    prescribing = visit.desk.prescribing
    return prescribing.sitting(prescribing.known(visit.records, found.patient, found.pending), found.patient)


def dangers(told: Told) -> int:
    """How many causes interrupt that no doctor has decided."""
    return len([one for one in told.screening.findings if told.interrupts(one)])


def others(resources: list[dict[str, Any]], found: Review) -> list[dict[str, Any]]:
    """What else the patient takes."""
    mine = {one["id"] for one in (*found.pending, *found.settled)}
    kinds = ("MedicationRequest", "MedicationStatement")
    return [one for one in resources if one["resourceType"] in kinds and one["id"] not in mine and is_active(one)]


def involved(task: dict[str, Any]) -> list[str]:
    """Who ordered it, who decided it, who said something."""
    return [
        referred(task, "requester"),
        referred(task, "owner"),
        *(referred(one, "authorReference") for one in said(task)),
    ]


def said(task: dict[str, Any]) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = task.get("note", [])
    return notes


def offered(visit: Visit) -> dict[str, Any]:
    """What the forms offer, and what was typed."""
    say = words_of("salus.assistants.treatment")
    return {
        "overrides": {code: say(f"override.{code}", visit.language) for code in (*REASONS, NOT_STATED)},
        "refusals": REFUSALS,
        "remark": partial(remark, visit),
        "returns": RETURNS,
        "units": UNITS,
        "longest": LONGEST,
        "form": visit.form,
        "key": uuid7(),
    }


def done(visit: Visit, act: Callable[[], Any], to: str) -> Response:
    """Do it and go on; where it cannot be done, the page again with what is wrong and what was typed."""
    try:
        act()
    except EXPECTED as error:
        return one(visit, tuple(wrong(visit, "pharmacy", error)), error.status)
    return visit.go(to)


def judge(visit: Visit) -> Response:
    """Let through, or send back to the doctor."""
    found, form = review(visit.records, visit.path["id"]), visit.form
    accepted = form.get("verdict") == "accept"

    def act() -> None:
        if form.get("mark") != mark(found):
            raise Stale("The prescription was changed after you opened it: look at it again", path="prescription")
        verdict = Verdict(
            accepted=accepted,
            seen=found.version,
            orders=seen(found),
            dangers=dangers(sitting_of(visit, found).together(found.pending)),
            reason=form.get("reason", ""),
            words=form.get("why" if accepted else "words", ""),
            advice=form.get("advice", "") if accepted else "",
        )
        decide(acting(visit), found.id, verdict)

    return done(visit, act, f"/pharmacy/{found.id}")


def remark(visit: Visit, text: str) -> str:
    """What the pharmacist wrote; of a refusal its kind is kept as a code before the words."""
    code, _, words = text.partition(": ")
    if code not in REFUSALS:
        return text
    return ("：" if visit.language == "zh" else ": ").join(filter(None, (visit.say(f"refusal.{code}"), words)))
