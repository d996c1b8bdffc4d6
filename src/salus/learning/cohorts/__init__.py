"""Cohorts told in the language of ACES: who, when and what, as windows around a trigger event, from YAML to rows.

Knows events (subject, time, code, value) and nothing of features, models or medicine.
The language: https://eventstreamaces.readthedocs.io/en/latest/configuration.html; our reading of it where its prose
and its program differ: docs/decisions/0050-aces-task-files.md.
"""

from salus.learning.cohorts.definition import Definition
from salus.learning.cohorts.extract import Cohort, extract, extract_from, extract_of
from salus.learning.cohorts.reading import read_definition
from salus.learning.cohorts.timeline import Timeline, event_files, read_timeline
from salus.learning.cohorts.writing import table_of

__all__ = [
    "Cohort",
    "Definition",
    "Timeline",
    "event_files",
    "extract",
    "extract_from",
    "extract_of",
    "read_definition",
    "read_timeline",
    "table_of",
]
