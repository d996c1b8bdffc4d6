"""Where to turn to, for a patient: say what you need; what cannot wait comes first, then departments and doctors."""

from datetime import date, datetime
from typing import Any

from starlette.responses import Response

from salus.assistants.recommend import choice
from salus.assistants.recommend.ranking import Wish
from salus.assistants.recommend.routing import LONGEST
from salus.assistants.recommend.services import Recommended
from salus.assistants.recommend.voices import features
from salus.base.errors import Invalid, Missing
from salus.services.appointments.days import next_days
from salus.web.telling.person import person
from salus.web.visit import Visit

FAR = ("3", "8", "15")  # km that may be chosen
OPEN = ("need", "insured", "within")  # fields of the form that stay as they were typed


def ask(visit: Visit) -> Response:
    """The question alone."""
    return whole(visit, None)


def answer(visit: Visit) -> Response:
    """What suits the words typed. They are not kept, and stand in no address."""
    need = visit.form.get("need", "")
    if not need:
        return whole(visit, None, fault=visit.say("services.empty"), status=422)
    if len(need) > LONGEST:
        return whole(visit, None, fault=visit.say("services.long", most=LONGEST), status=422)
    return whole(visit, found(visit, need))


def found(visit: Visit, need: str) -> Recommended:
    """Raises Invalid for a distance that is not on the page."""
    within = visit.form.get("within", "")
    if within and within not in FAR:
        raise Invalid(f"{within!r} km cannot be chosen: take one of {', '.join(FAR)}", path="within")
    wish = Wish("insured" in visit.form, float(within) if within else None)
    despite = "despite" in visit.form
    house = visit.desk.recommending
    return house.services(visit.records, own(visit), need, visit.language, wish=wish, despite=despite)


def firsts(visit: Visit, told: Recommended | None) -> dict[str, datetime]:
    """The id of each doctor shown -> when they are free first, by the clock of the place, as it can be booked now: what
    the order went by may be days old."""
    made = {}
    for row in told.rows if told else ():
        clinic = visit.brochure.of_doctor(row.offer.id)
        name = f"PractitionerRole/{row.offer.id}"
        if clinic and (days := next_days(visit.desk.store, [clinic.id], clinic.zone, date.min, name, days=1)):
            made[row.offer.id] = days[0].columns[0].offers[0].start.astimezone(clinic.zone)
    return made


def own(visit: Visit) -> str:
    """The id of the patient who is signed in."""
    return visit.who.actor.patient or ""


def whole(visit: Visit, told: Recommended | None, fault: str = "", status: int = 200) -> Response:
    """The page; somebody without a record here is told so."""
    context: dict[str, Any] = {
        "told": told,
        "firsts": firsts(visit, told),
        "fault": fault,
        "form": {name: visit.form[name] for name in OPEN if name in visit.form},
        "far": FAR,
        "features": features().values(),
        "longest": LONGEST,
        "chosen": "chosen" in visit.query,
    }
    return visit.page("services.html", status, **known(visit), **context)


def known(visit: Visit) -> dict[str, Any]:
    """Who asks, and whether they let recommendations be made for them; nobody without a record here."""
    id = own(visit)
    try:
        patient = visit.records.read("Patient", id).json()
    except Missing:
        return {"somebody": None, "wanted": True}
    said = [version.json() for version in visit.records.compartment(id, ["Consent"])]
    return {"somebody": person(patient, visit.language, visit.today), "wanted": choice.wants(said)}


def choose(visit: Visit) -> Response:
    """Let recommendations be made for oneself, or not. Raises Invalid for neither."""
    said = visit.form.get("personal")
    if said not in ("yes", "no"):
        raise Invalid(f"{said!r} is neither yes nor no: choose on the page", path="personal")
    choice.choose(visit.desk.store, visit.records, own(visit), personal=said == "yes")
    return visit.go("/services?chosen#choice")
