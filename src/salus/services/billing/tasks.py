"""What billing cannot decide it asks a clerk, once: a Task about the thing. https://hl7.org/fhir/R4/task.html"""

from salus.base import clock
from salus.base.faults import told
from salus.base.words import words_of
from salus.records import Records
from salus.records.desk import Desk
from salus.services.acting import put, same_id, standing
from salus.services.billing.names import TASK, Resource
from salus.services.looking import looked_up

OPEN = frozenset({"requested", "accepted", "in-progress", "on-hold", "ready"})
CORRECTION = "invoice-correction"  # of a bill that was paid, and whose charges have changed
WHAT = "what"  # the input that tells what it is about: a code of a tariff, a reason


def ask(desk: Desk, kind: str, focus: str, patient: str, what: str = "") -> Resource:
    """Ask, or ask again after it was answered; while it is open nothing changes. `kind`: a word `task.<kind>`."""
    before = standing(desk, task_of(kind, focus))
    if before and before["status"] in OPEN:
        return before
    body = {
        "resourceType": "Task",
        "id": same_id("task", kind, focus),
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK, "code": kind}]},
        "focus": {"reference": focus},
        "authoredOn": clock.instant(desk.at),
        "input": [{"type": {"text": WHAT}, "valueString": what or focus}],
    }
    return put(desk, body | ({"for": {"reference": patient}} if patient else {}))


def task_of(kind: str, focus: str) -> str:
    """What asks it, whether it is asked or not."""
    return f"Task/{same_id('task', kind, focus)}"


def is_open(records: Records, kind: str, focus: str) -> bool:
    """Whether it was asked and not answered yet."""
    return looked_up(records, task_of(kind, focus)).get("status") in OPEN


def answered(desk: Desk, kind: str, focus: str) -> None:
    """What was asked is settled."""
    before = standing(desk, task_of(kind, focus))
    if before and before["status"] in OPEN:
        put(desk, before | {"status": "completed", "lastModified": clock.instant(desk.at)})


def asked(task: Resource, language: str) -> str:
    """What a Task of billing asks, in a sentence."""
    what = next((one["valueString"] for one in task.get("input", []) if one["type"].get("text") == WHAT), "")
    return words_of("salus.services.billing")(
        f"task.{task['code']['coding'][0]['code']}", language, what=told(what, language)
    )
