"""What happened to whom, when, and since when the ward could know it: the MEDS schema, widened by the last question.

https://medical-event-data-standard.github.io/  `events_of` is the only place where a resource becomes events: the
bedside and the training files both go through it, so that they cannot differ.
"""

from salus.analytics.events.reading import OUTPUT_TAG, TYPES, events_of, subject_of
from salus.analytics.events.rows import EVENT_SCHEMA, Event, in_order, table_of

__all__ = [
    "EVENT_SCHEMA",
    "OUTPUT_TAG",
    "TYPES",
    "Event",
    "events_of",
    "in_order",
    "subject_of",
    "table_of",
]
