"""Whose insurance is taken where, as far as the records say."""

from salus.assistants.recommend.offers import codes
from salus.services.appointments.brochure import Clinic
from salus.web.services import own
from salus.web.visit import Visit


def kinds(visit: Visit) -> frozenset[str]:
    """The codes of the insurances that the patient has."""
    bodies = (version.json() for version in visit.records.compartment(own(visit), ["Coverage"]))
    active = (one for one in bodies if one.get("status") == "active")
    return frozenset(code for one in active if (code := codes(one.get("type", {}))))


def taken(visit: Visit, clinic: Clinic | None) -> bool | None:
    """Whether a clinic takes the patient's insurance; None where either is not known."""
    had = kinds(visit)
    if clinic is None or not clinic.insurance or not had:
        return None
    return bool(had & clinic.insurance)
