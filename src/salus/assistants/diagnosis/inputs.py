"""What a suggestion rests on: the patient's events, and a fingerprint of them by which it is known again."""

import hashlib
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from salus.assistants.resources import subject
from salus.learning.task import Task, matches

RECENT = timedelta(days=1)  # a visit that has ended is still asked about for so long


def without_answers(events: pa.Table) -> pa.Table:
    """The events but the answers: to answer a suggestion must not make it another one."""
    return events.filter(pc.invert(pc.starts_with(events["source_id"], "ClinicalImpression/")))


def fingerprint(events: pa.Table) -> str:
    """SHA-256 of the events (without answers) as CSV, in their order; the same for any chunking, in any process."""
    written = pa.BufferOutputStream()
    csv.write_csv(without_answers(events), written)
    return hashlib.sha256(written.getvalue()).hexdigest()


def suggestion_id(patient: str, model: str, version: str, inputs: str) -> str:
    """The id of what this model version says about this patient on these inputs: the same always and everywhere.

    >>> suggestion_id("7", "t2dm", "1", "ab") == suggestion_id("7", "t2dm", "1", "ab")
    True
    """
    return str(uuid5(NAMESPACE_URL, "|".join((subject(patient), model, version, inputs))))


def is_visiting(events: pa.Table, task: Task, at: datetime) -> bool:
    """Whether a visit of the kind that the task is asked at is open, or began within `RECENT` of `at`.

    A task about the diagnosis of a visit has nothing to ask of somebody who is at home.
    """
    columns = (events[name].to_pylist() for name in ("time", "code", "encounter_id"))
    visits = [row for row in zip(*columns, strict=True) if row[1].startswith("ENCOUNTER")]
    ended = {visit for time, code, visit in visits if code.startswith("ENCOUNTER_END//") and time <= at}
    return any(
        time <= at and (visit not in ended or at - time < RECENT)
        for time, code, visit in visits
        if matches(code, task.when.events)
    )
