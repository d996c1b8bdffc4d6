"""The pharmacist's review of prescriptions (审方): one Task for all orders of one signing, which comes again when the
doctor has changed one. https://hl7.org/fhir/R4/task.html

The Task names its orders as `input`, and as `output` what of them was let through: the order and a digest of what it
said. An order that says something else than what was let through has not been reviewed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.records import Records
from salus.records.desk import Desk
from salus.services.acting import (
    TASKS,
    Acting,
    Resource,
    by,
    code_in,
    coded,
    current,
    put,
    referred,
    same_id,
    sign,
    standing,
)
from salus.services.pharmacy.rules import LONGEST
from salus.services.pharmacy.states import REVIEW
from salus.services.pharmacy.validity import is_over

CODE = "prescription-review"
REASONS = "https://salus.example/fhir/CodeSystem/prescription-refusal"
PRESCRIPTION, LET_THROUGH = "prescription", "let-through"
OPEN = frozenset({"active", "on-hold"})
PRIORITIES = ("routine", "urgent", "asap", "stat")
UNSAID = frozenset({"meta", "status", "statusReason", "text"})  # what may change without another review


def task_of(order: Mapping[str, Any]) -> str:
    """The id of the Task that reviews an order: one for all of a signing for one patient."""
    group = order.get("groupIdentifier", {})
    key = f"{group.get('system', '')}|{group['value']}" if group.get("value") else f"MedicationRequest/{order['id']}"
    return same_id(CODE, referred(order, "subject"), key)


def digest(order: Mapping[str, Any]) -> str:
    """What an order says, in short: the same text, the same digest."""
    said = {key: value for key, value in order.items() if key not in UNSAID}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def is_prescription(order: Mapping[str, Any]) -> bool:
    """Whether a pharmacist may be asked about it: a doctor signed it, and said when and for whom."""
    return order.get("intent") == "order" and not order.get("reportedBoolean") and bool(order.get("authoredOn"))


def inputs(task: Mapping[str, Any]) -> list[str]:
    """References of the orders of a review."""
    return [one["valueReference"]["reference"] for one in task.get("input", [])]


def let_through(task: Mapping[str, Any]) -> dict[str, str]:
    """Order -> the digest of what was let through."""
    told = (str(one.get("valueString", "")).partition(" ") for one in task.get("output", []))
    return {reference: digest for reference, _, digest in told}


def check_reviewed(desk: Desk, order: Mapping[str, Any]) -> None:
    """Raises Conflict unless a pharmacist let through what the order says now."""
    state = state_of(order, standing(desk, f"Task/{task_of(order)}"))
    if state != "accepted":
        raise Conflict(
            f"MedicationRequest/{order['id']} is {state}: only what a pharmacist accepted can be dispensed",
            path="status",
        )


def state_of(order: Mapping[str, Any], task: Mapping[str, Any] | None) -> str:
    """`accepted`, `refused`, or `waiting` for the pharmacist."""
    if task and let_through(task).get(f"MedicationRequest/{order['id']}") == digest(order):
        return "accepted"
    return "refused" if order.get("status") == "on-hold" and task else "waiting"


# --- laying and following ---


def lay(desk: Desk, reference: str) -> Resource | None:
    """Put an order to the pharmacist, or follow what the doctor did with one that was; hearing it twice is once."""
    order = standing(desk, reference)
    if order is None or not is_prescription(order):
        return None
    before = standing(desk, f"Task/{task_of(order)}")
    if order["status"] == "active" and not is_over(order, desk.at):
        return asked(desk, order, before)
    if before and REVIEW.verbs(before["status"]) and not any_open(desk, before):
        return withdrawn(desk, before)
    return before


def asked(desk: Desk, order: Resource, before: Resource | None) -> Resource:
    """The review with this order in it, open unless what the order says was let through."""
    reference, task = f"MedicationRequest/{order['id']}", before or fresh(order, desk.at)
    task = dict(task)
    if reference not in inputs(task):
        task["input"] = [*task.get("input", []), lined(PRESCRIPTION, {"valueReference": {"reference": reference}})]
    elif state_of(order, task) == "accepted" or task["status"] == "requested":
        return task
    if task["status"] != "requested":
        task["status"] = REVIEW.after("come-again", task["status"], f"Task/{task['id']}")
        task |= {"authoredOn": clock.instant(desk.at), "statusReason": None, "owner": None, "businessStatus": None}
    return put(desk, task | {"priority": urgent(task, order)})


def fresh(order: Resource, at: datetime) -> Resource:
    """A review that nobody has looked at."""
    return {
        "resourceType": "Task",
        "id": task_of(order),
        "status": REVIEW.after("ask", "", "A prescription"),
        "intent": "order",
        "code": coded(TASKS, CODE),
        "groupIdentifier": order.get("groupIdentifier"),
        "focus": {"reference": f"MedicationRequest/{order['id']}"},
        "for": order["subject"],
        "encounter": order.get("encounter"),
        "authoredOn": clock.instant(at),
        "requester": order.get("requester"),
    }


def urgent(task: Mapping[str, Any], order: Mapping[str, Any]) -> str:
    """The higher of both priorities."""
    return str(max(task.get("priority", "routine"), order.get("priority", "routine"), key=PRIORITIES.index))


def lined(type: str, value: Resource) -> Resource:
    return {"type": coded(TASKS, type), **value}


def any_open(desk: Desk, task: Resource) -> bool:
    orders = (standing(desk, one) for one in inputs(task))
    return any(one and one["status"] in OPEN for one in orders)


def withdrawn(desk: Desk, task: Resource) -> Resource:
    """Nothing of it is left to decide: the doctor stopped all of it."""
    if "withdraw" not in REVIEW.verbs(task["status"]):
        return task
    return put(desk, task | {"status": REVIEW.after("withdraw", task["status"], f"Task/{task['id']}")})


# --- looking ---


@dataclass(frozen=True, slots=True)
class Review:
    """A Task with its orders: `pending` are those that it is about now, `settled` those let through or stopped."""

    task: Resource
    version: int
    pending: tuple[Resource, ...]
    settled: tuple[Resource, ...]

    @property
    def id(self) -> str:
        return str(self.task["id"])

    @property
    def patient(self) -> str:
        """The patient's id."""
        return referred(self.task, "for").partition("/")[2]


def review(records: Records, id: str) -> Review:
    """The review of that id. Raises Missing for what is none, Gone, Forbidden."""
    version = records.read("Task", id)
    task = version.json()
    check_is_review(task)
    orders = [records.read(*one.split("/", 1)).json() for one in inputs(task)]
    return parted(task, version.version, orders)


def parted(task: Resource, version: int, orders: Iterable[Resource]) -> Review:
    found = list(orders)
    pending = tuple(one for one in found if one["status"] == "active" and state_of(one, task) != "accepted")
    return Review(task, version, pending, tuple(one for one in found if one not in pending))


def check_is_review(task: Mapping[str, Any]) -> None:
    """Raises Missing."""
    if code_in(task.get("code"), TASKS) != CODE:
        raise Missing(f"Task/{task['id']} is no review of a prescription", path="task")


def worklist(records: Records, status: str = "requested", requester: str = "") -> list[Resource]:
    """The reviews in a state, what is urgent first, then what waits longest."""
    asked = [("code", f"{TASKS}|{CODE}"), ("status", status), ("_count", "500")]
    found = every(records, "Task", asked + ([("requester", requester)] if requester else []))
    return sorted(found, key=lambda one: (-PRIORITIES.index(one.get("priority", "routine")), one["authoredOn"]))


@dataclass(frozen=True, slots=True)
class Refused:
    """A prescription that came back to the doctor: which, of whom, why, by which pharmacist, when."""

    task: str
    patient: str
    orders: tuple[str, ...]
    code: str
    words: str
    by: str
    at: str


def refused(records: Records, requester: str = "") -> list[Refused]:
    """The prescriptions that a pharmacist sent back and nobody has corrected or stopped; of one doctor, or of all."""
    return [refusal(one) for one in worklist(records, "rejected", requester)]


def refusal(task: Mapping[str, Any]) -> Refused:
    """A refused review, as it is told."""
    why = task.get("statusReason", {})
    return Refused(
        task=str(task["id"]),
        patient=referred(task, "for").partition("/")[2],
        orders=tuple(one.partition("/")[2] for one in inputs(task)),
        code=code_in(why, REASONS),
        words=str(why.get("text", "")),
        by=referred(task, "owner"),
        at=str(task.get("lastModified", "")),
    )


def resubmit(acting: Acting, order: str, words: str) -> Resource:
    """The doctor stands by a refused order, and says why: it goes to the pharmacist again.

    Raises Invalid without words, Conflict for an order that is not on hold, Forbidden.
    """
    if not 0 < len(words) <= LONGEST:
        raise Invalid(f"Say why it is right as it is, in at most {LONGEST} characters", path="words")

    def work(desk: Desk) -> Resource:
        body = current(desk, f"MedicationRequest/{order}")
        if body["status"] != "on-hold":
            raise Conflict(f"MedicationRequest/{order} is {body['status']}: only what is on-hold is sent again")
        sign(desk, "resubmit", [f"MedicationRequest/{order}"], words)
        notes = [*body.get("note", []), annotation(desk, words)]
        return put(desk, body | {"status": "active", "statusReason": None, "note": notes})

    return acting.do("resubmit", f"MedicationRequest/{order}", ("MedicationRequest",), work)


def annotation(desk: Desk, text: str) -> Resource:
    return {"authorReference": by(desk), "time": clock.instant(desk.at), "text": text}
