"""The Encounter that a visit to a clinic is. https://hl7.org/fhir/R4/encounter.html

Its id follows from the Appointment where there is one: nobody is checked in twice. The service stands in an extension,
since R4 has no element for it.
"""

from typing import Any

from salus.base import clock
from salus.services.acting import same_id
from salus.services.reception import states
from salus.services.reception.clinics import Clinic
from salus.services.reception.tickets import Ticket
from salus.services.reception.triage import priority

Resource = dict[str, Any]
TYPE = "Encounter"
SERVICE = "https://salus.example/fhir/StructureDefinition/encounter-service"
AMBULATORY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
PERFORMER = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "PPRF"}]
}  # whom the patient waits for, or is with
BEFORE = frozenset({"planned", "arrived", "triaged"})  # nobody has seen the patient yet


def id_for(appointment: str) -> str:
    """The id of the Encounter of an Appointment's id."""
    return same_id("encounter", appointment)


def encounter(id: str, ticket: Ticket, clinic: Clinic, appointment: str = "", reason: str = "") -> Resource:
    """An Encounter of somebody who has come."""
    given: Resource = {
        "serviceType": next(iter(clinic.told.get("specialty", [])), None),
        "serviceProvider": clinic.told.get("providedBy"),
        "appointment": [{"reference": appointment}] if appointment else None,
        "reasonCode": [{"text": reason}] if reason else None,
        "period": {"start": clock.instant(ticket.arrived)},
    }
    made = {
        "resourceType": TYPE,
        "id": id,
        "extension": [{"url": SERVICE, "valueReference": {"reference": clinic.reference}}],
        "class": AMBULATORY,
        "subject": {"reference": ticket.patient},
    }
    told = made | {key: value for key, value in given.items() if value}
    return became(told, ticket, states.BACK, ticket.wished)


def became(told: Resource, ticket: Ticket, what: str, doctor: str) -> Resource:
    """The Encounter as `states` says, with the doctor (a Practitioner, "" for none), and the room and the urgency that
    its ticket now has. Who else took part stays; one whom a doctor has seen is not undone by their leaving."""
    if what == states.LEFT:
        return told | {"status": "cancelled"} if told["status"] in BEFORE else told
    where = ticket.room or ticket.laid
    others = [one for one in told.get("participant", []) if PERFORMER not in one.get("type", [])]
    ours = [{"type": [PERFORMER], "individual": {"reference": doctor}}] if doctor else []
    given: Resource = {
        "status": what if what != states.BACK else "triaged" if ticket.level else "arrived",
        "priority": priority(ticket.level) if ticket.level else None,
        "participant": ours + others,
        "location": [{"location": {"reference": where}}] if where else None,
    }
    kept = {key: value for key, value in told.items() if key not in given}
    return kept | {key: value for key, value in given.items() if value}


def urgent(told: Resource, ticket: Ticket) -> Resource:
    """The Encounter with the urgency of its ticket, wherever it stands."""
    status = {"status": "triaged"} if told["status"] in BEFORE else {}
    return told | status | ({"priority": priority(ticket.level)} if ticket.level else {})


def service_of(told: Resource) -> str:
    """The HealthcareService of an Encounter, "" where it names none."""
    named = (one for one in told.get("extension", []) if one["url"] == SERVICE)
    return next((str(one["valueReference"]["reference"]) for one in named), "")
