"""Results that must be told (危急值): each opens a Task for the doctor who ordered it, is told by telephone and read
back, acknowledged by a doctor, and told to more people when nobody acknowledged it in time. Every step stands in the
Task with who and when. A corrected result is told in the same way, without the hurry.

https://hl7.org/fhir/R4/task.html, https://hl7.org/fhir/R4/communication.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.codes import LABS
from salus.records import Records
from salus.records.desk import Desk
from salus.services.acting import (
    TASKS,
    Resource,
    by,
    code_in,
    coded,
    put,
    referred,
    same_id,
    standing,
)
from salus.services.laboratory.catalogue import Limits
from salus.services.laboratory.flags import CRITICAL, flag, flag_of, test_of, value_of
from salus.services.laboratory.states import TELLING, WAITING

CRITICAL_RESULT, CORRECTED_RESULT = "critical-result", "corrected-result"
KINDS = (CRITICAL_RESULT, CORRECTED_RESULT)
VALUE, TEST, FLAG = "value", "test", "flag"


@dataclass(frozen=True, slots=True)
class Step:
    """What was done: `open`, `call`, `escalate`, `acknowledge`, `withdraw`; by whom, when, in words."""

    verb: str
    by: str
    at: str
    words: str


@dataclass(frozen=True, slots=True)
class Critical:
    """A result that is to be told, or was: of whom, what, how far it has come."""

    task: str
    kind: str
    patient: str
    observation: str
    code: str  # LOINC
    value: str
    flag: str
    owner: str
    status: str
    due: str
    steps: tuple[Step, ...]

    @property
    def opened(self) -> str:
        return self.steps[0].at

    def at(self, verb: str) -> str:
        """When it was done first; "" for not yet."""
        return next((one.at for one in self.steps if one.verb == verb), "")

    def minutes(self, verb: str) -> float | None:
        """From opening until it was done first; None for not yet."""
        done = self.at(verb)
        return (instant(done) - instant(self.opened)).total_seconds() / 60 if done else None

    @property
    def escalated(self) -> int:
        return len([one for one in self.steps if one.verb == "escalate"])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- opening ---


def told_value(observation: Mapping[str, Any]) -> str:
    """The value as it is told and repeated: `6.8 mmol/L`, or words."""
    quantity = observation.get("valueQuantity")
    if quantity:
        return f"{quantity.get('comparator', '')}{quantity['value']:g} {quantity.get('unit', '')}".strip()
    return str(observation.get("valueString") or observation.get("valueCodeableConcept", {}).get("text", ""))


def task_id(kind: str, observation: Mapping[str, Any]) -> str:
    """One Task for one value of one result, however often it is heard."""
    return same_id(kind, str(observation["id"]), told_value(observation), flag_of(observation))


def open_task(
    desk: Desk, kind: str, observation: Resource, order: Resource | None, limits: Limits, why: str = ""
) -> Resource:
    """Open the Task of a result in the transaction that makes it known; one that is there stays as it is."""
    id = task_id(kind, observation)
    if (before := standing(desk, f"Task/{id}")) is not None:
        return before
    grave, value = kind == CRITICAL_RESULT, told_value(observation)
    end = clock.instant(desk.at + timedelta(minutes=limits.minutes))
    told = {VALUE: value, TEST: test_of(observation), FLAG: sign_of(observation, limits) or "N"}
    return put(
        desk,
        {
            "resourceType": "Task",
            "id": id,
            "basedOn": observation.get("basedOn"),
            "status": TELLING.after("open", "", "A result"),
            "intent": "order",
            "priority": "stat" if grave else "urgent",
            "code": coded(TASKS, kind),
            "focus": {"reference": f"Observation/{observation['id']}"},
            "for": observation["subject"],
            "encounter": observation.get("encounter"),
            "authoredOn": clock.instant(desk.at),
            "requester": by(desk),
            "owner": doctor(desk, order),
            "restriction": {"period": {"end": end}} if grave else {},
            "input": [{"type": coded(TASKS, name), "valueString": text} for name, text in told.items()],
            "output": [step(desk, "open", why or value)],
        },
    )


def doctor(desk: Desk, order: Resource | None) -> Resource | None:
    """Who ordered it; of a role the person who has it."""
    named = referred(order or {}, "requester")
    if named.startswith("PractitionerRole/") and (role := standing(desk, named)):
        named = referred(role, "practitioner") or named
    return {"reference": named} if named else None


def withdraw(desk: Desk, observation: Resource, why: str) -> None:
    """The value was none: nobody need acknowledge it any more."""
    task = standing(desk, f"Task/{task_id(CRITICAL_RESULT, observation)}")
    if task and "withdraw" in TELLING.verbs(task["status"]):
        status = TELLING.after("withdraw", task["status"], f"Task/{task['id']}")
        put(desk, task | {"status": status, "output": added(desk, task, "withdraw", why)})


def step(desk: Desk, verb: str, words: str) -> Resource:
    """A step with who, when, and what was said. https://hl7.org/fhir/R4/datatypes.html#Annotation"""
    told = {"authorReference": by(desk), "time": clock.instant(desk.at), "text": words}
    return {"type": coded(TASKS, verb), "valueAnnotation": told}


def sign_of(observation: Mapping[str, Any], limits: Limits) -> str:
    """What stands on a result; where nobody put a sign on it, whether it is beyond our critical limits."""
    lab = LABS.get(test_of(observation))
    value = value_of(observation, lab) if lab else None
    beyond = flag(lab, value, None, limits) if lab and value is not None else ""
    return beyond or flag_of(observation)


def is_critical(observation: Mapping[str, Any], limits: Limits) -> bool:
    return sign_of(observation, limits) in CRITICAL


def added(desk: Desk, task: Resource, verb: str, words: str) -> list[Resource]:
    return [*task.get("output", []), step(desk, verb, words)]


# --- looking ---


def waiting(records: Records, owner: str = "", kind: str = "") -> list[Critical]:
    """What no doctor has acknowledged, the oldest first. `owner`: only what concerns this doctor: their own, what has
    no doctor, and what nobody acknowledged in time."""
    found = tasks(records, [("status", ",".join(WAITING))], kind)
    mine = [one for one in found if not owner or one.owner in ("", owner) or one.status == "in-progress"]
    return sorted(mine, key=lambda one: one.opened)


def listed(records: Records, since: datetime, kind: str = CRITICAL_RESULT) -> list[Critical]:
    """All since a moment with every step, the newest first: for the audit."""
    asked = [("authored-on", f"ge{clock.instant(since)}")]
    return sorted(tasks(records, asked, kind), key=lambda one: one.opened, reverse=True)


def tasks(records: Records, asked: list[tuple[str, str]], kind: str) -> list[Critical]:
    codes = ",".join(f"{TASKS}|{one}" for one in KINDS if kind in ("", one))
    return [critical(one) for one in every(records, "Task", [("code", codes), *asked, ("_count", "500")])]


def critical(task: Mapping[str, Any]) -> Critical:
    """A Task of ours, as it is told."""
    return Critical(
        task=str(task["id"]),
        kind=code_in(task["code"], TASKS),
        patient=referred(task, "for").partition("/")[2],
        observation=referred(task, "focus").partition("/")[2],
        code=input_of(task, TEST),
        value=input_of(task, VALUE),
        flag=input_of(task, FLAG),
        owner=referred(task, "owner"),
        status=str(task["status"]),
        due=due_of(task),
        steps=tuple(step_of(one) for one in task.get("output", [])),
    )


def step_of(output: Mapping[str, Any]) -> Step:
    told = output["valueAnnotation"]
    return Step(code_in(output["type"], TASKS), referred(told, "authorReference"), told["time"], told["text"])


def input_of(task: Mapping[str, Any], name: str) -> str:
    found = (one["valueString"] for one in task.get("input", []) if code_in(one["type"], TASKS) == name)
    return str(next(found, ""))


def due_of(task: Mapping[str, Any]) -> str:
    return str(task.get("restriction", {}).get("period", {}).get("end", ""))
