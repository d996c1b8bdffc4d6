"""The events of one patient, now, straight from the records."""

from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa

from salus.analytics.events.reading import TYPES, Resource, events_of, subject_of
from salus.analytics.events.rows import Event, in_order, table_of
from salus.base.errors import Gone, Missing
from salus.records import Records, Version

MEDICINE_TYPES = tuple(type for type in TYPES if type.startswith("Medication"))


def patient_events(records: Records, patient_id: str) -> pa.Table:
    """All events of one patient (`EVENT_SCHEMA`), exactly the rows that the Follower writes; of one who was joined into
    another, that one's. Empty when there are none.

    Raises Forbidden when these records are not open to the actor.
    """
    return table_of(events_of_all(resources_about(records, records.person(patient_id))))


def resources_about(records: Records, patient_id: str) -> list[Resource]:
    """What may hold events. The compartment also has resources that only mention the patient: those are left out."""
    found: list[Resource] = [orjson.loads(version.body) for version in records.compartment(patient_id, TYPES)]
    about = [resource for resource in found if subject_of(resource) == patient_id]
    name_medicines(records, about)
    return about


def name_medicines(records: Records, resources: list[Resource]) -> None:
    """Put the code of a Medication that a resource only refers to beside the reference, where `events_of` looks."""
    seen: dict[str, Any] = {}
    for resource in resources:
        reference = resource.get("medicationReference", {}).get("reference", "")
        if reference.startswith("Medication/"):
            if reference not in seen:
                seen[reference] = concept_at(records, reference)
            if seen[reference]:
                resource["medicationCodeableConcept"] = seen[reference]


def concept_at(records: Records, reference: str) -> Any:
    """The code of the Medication there, or None."""
    try:
        return records.read("Medication", reference.split("/")[1]).json().get("code")
    except (Missing, Gone):
        return None


def naming(records: Records, medication: str) -> Iterator[Version]:
    """The orders, doses and statements that refer to a Medication."""
    for type in MEDICINE_TYPES:
        query: str | list[tuple[str, str]] | None = [("medication", medication)]
        while query is not None:
            page = records.search(type, query)
            yield from page.versions
            query = page.next


def events_of_all(resources: list[Resource]) -> list[Event]:
    return in_order(event for resource in resources for event in events_of(resource))
