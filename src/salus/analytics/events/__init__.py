"""What happened to whom, when, and since when the ward could know it: the MEDS schema, widened by the last question.

https://medical-event-data-standard.github.io/  `events_of` is the only place where a resource becomes events: the
bedside (`patient_events`) and the training files (`Follower`) both go through it, so that they cannot differ.
"""

from salus.analytics.events.bedside import patient_events
from salus.analytics.events.follower import Follower, listed, read_events
from salus.analytics.events.reading import OUTPUT_TAG, TYPES, events_of, subject_of
from salus.analytics.events.rows import EVENT_SCHEMA, Event, in_order, table_of

__all__ = [
    "EVENT_SCHEMA",
    "OUTPUT_TAG",
    "TYPES",
    "Event",
    "Follower",
    "events_of",
    "in_order",
    "listed",
    "patient_events",
    "read_events",
    "subject_of",
    "table_of",
]
