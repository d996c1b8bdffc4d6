"""The pathways of an installation: those shipped, and stored PlanDefinitions; a stored one of the same id is the site's
own reading and takes the place of the one shipped."""

from typing import Any

from salus.assistants.treatment.guidelines import bounds
from salus.assistants.treatment.guidelines.applying import Applied, apply
from salus.assistants.treatment.guidelines.background import Background, background_of
from salus.assistants.treatment.guidelines.offers import Offered, Screens, offered
from salus.assistants.treatment.guidelines.plans import shipped
from salus.base import clock
from salus.base.errors import Gone, Missing
from salus.codes.terminology import Terminology
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records import Records

Json = dict[str, Any]
# what conditions and the screen read of a patient
TYPES = (
    "Patient",
    "Condition",
    "Observation",
    "MedicationRequest",
    "MedicationStatement",
    "AllergyIntolerance",
    "DetectedIssue",
)


def plan_of(records: Records, id: str) -> Json:
    """The stored PlanDefinition, else the one shipped. Raises Missing, Gone, Forbidden."""
    check_may(records.actor, records.purpose, Act.READ, "PlanDefinition")
    try:
        return records.read("PlanDefinition", id).json()
    except (Missing, Gone):
        if id not in shipped():
            raise
        return shipped()[id]


def plans(records: Records) -> list[Json]:
    """The shipped pathways, each as the site has it."""
    return [plan_of(records, id) for id in shipped()]


def known_of(records: Records, patient: str) -> Background:
    """What is known of a patient of ours. Raises Missing, Gone, Forbidden."""
    for type in TYPES:
        check_may(records.actor, records.purpose, Act.READ, type)
    records.read("Patient", patient)
    resources = [version.json() for version in records.compartment(patient, TYPES)]
    mine = [one for one in resources if one["resourceType"] != "Patient" or one.get("id") == patient]
    return background_of(mine, patient, clock.now())


def options(
    plan: Json, background: Background, screens: Screens, terms: Terminology | None = None
) -> tuple[Applied, list[Offered]]:
    """A plan over a patient, and what it offers. Raises as `apply`."""
    bounds.check(plan)
    applied = apply(plan, background, terms)
    return applied, offered(applied, background, screens)
