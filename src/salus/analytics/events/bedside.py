"""The events of one patient, now, straight from the records."""

import orjson
import pyarrow as pa

from salus.analytics.events.reading import TYPES, Resource, events_of, subject_of
from salus.analytics.events.rows import Event, in_order, table_of
from salus.records import Records


def patient_events(records: Records, patient_id: str) -> pa.Table:
    """All events of one patient (`EVENT_SCHEMA`), exactly the rows that the Follower writes. Empty when there are none.

    Raises Forbidden when these records are not open to the actor.
    """
    return table_of(events_of_all(resources_about(records, patient_id)))


def resources_about(records: Records, patient_id: str) -> list[Resource]:
    """What may hold events. The compartment also has resources that only mention the patient: those are left out."""
    found: list[Resource] = [orjson.loads(version.body) for version in records.compartment(patient_id, TYPES)]
    return [resource for resource in found if subject_of(resource) == patient_id]


def events_of_all(resources: list[Resource]) -> list[Event]:
    return in_order(event for resource in resources for event in events_of(resource))
