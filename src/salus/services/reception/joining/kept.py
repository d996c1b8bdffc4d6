"""What is kept of a joining: a Task says which two, why, and how far it is; Provenances say what was moved.

https://hl7.org/fhir/R4/task.html https://hl7.org/fhir/R4/provenance.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from salus.base import clock
from salus.base.errors import Missing
from salus.base.ids import uuid7
from salus.records import Store
from salus.records.desk import Desk
from salus.services.acting import ACTS, BASE, TASKS, Resource, code_in, coded, of_house, put, referred, seen

CODE = "join-records"
STAGES = "https://salus.example/fhir/CodeSystem/joining"
SOURCE, TARGET = "https://salus.example/joined-from", "https://salus.example/joined-into"  # of Task.identifier
JOINING, JOINED, PARTING, PARTED = "joining", "joined", "parting", "parted"
STATUS = {JOINING: "in-progress", JOINED: "completed", PARTING: "in-progress", PARTED: "cancelled"}
MOVED = f"{BASE}/StructureDefinition/moved"  # of Provenance.target
REWRITTEN, MARKED, PATIENT = "rewritten", "marked", "patient"
VERSIONS = ("source-before", "source-after", "target-before", "target-after")
GIVEN = "given"  # Task.input: what was written since, and goes with the source
PAGE = 100


@dataclass(frozen=True, slots=True)
class Joining:
    """Ids of two Patients, the stage, and the versions of the Patients before and after (`VERSIONS`)."""

    id: str
    source: str
    target: str
    stage: str
    reason: str
    by: str
    at: str
    versions: Mapping[str, int]
    given: tuple[str, ...] = ()
    counts: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A resource that was moved: from which version to which, and how (`REWRITTEN`, `MARKED`)."""

    reference: str
    before: int
    after: int
    how: str


def begun(source: str, target: str, reason: str, by: str, at: datetime, versions: Mapping[str, int]) -> Resource:
    """The Task of a joining that has begun."""
    inputs = [{"type": coded(STAGES, name), "valueInteger": number} for name, number in versions.items()]
    return staged(
        {
            "resourceType": "Task",
            "id": uuid7(),
            "intent": "order",
            "code": coded(TASKS, CODE),
            "identifier": [{"system": SOURCE, "value": source}, {"system": TARGET, "value": target}],
            "description": reason,
            "focus": {"reference": f"Patient/{target}"},
            "authoredOn": clock.instant(at),
            "requester": {"reference": by},
            "input": inputs,
        },
        JOINING,
    )


def staged(task: Resource, stage: str) -> Resource:
    return task | {"status": STATUS[stage], "businessStatus": coded(STAGES, stage)}


def joining_of(task: Mapping[str, Any]) -> Joining:
    """A Task as a joining."""
    named = {one["system"]: one["value"] for one in task["identifier"]}
    inputs = [(code_in(one["type"], STAGES), one) for one in task.get("input", [])]
    outputs = {code_in(one["type"], STAGES): one["valueInteger"] for one in task.get("output", [])}
    return Joining(
        id=task["id"],
        source=named[SOURCE],
        target=named[TARGET],
        stage=code_in(task["businessStatus"], STAGES),
        reason=task.get("description", ""),
        by=referred(task, "requester"),
        at=task["authoredOn"],
        versions={code: one["valueInteger"] for code, one in inputs if code in VERSIONS},
        given=tuple(one["valueReference"]["reference"] for code, one in inputs if code == GIVEN),
        counts=outputs or None,
    )


def joining(store: Store, id: str) -> Joining:
    """Raises Missing."""
    task = seen(store, f"Task/{id}") if len(id) <= 64 else None
    if task is None or code_in(task.get("code"), TASKS) != CODE:
        raise Missing(f"There is no joining {id[:64]}")
    return joining_of(task)


def joinings(store: Store, stages: tuple[str, ...] = (), cursor: str | None = None) -> tuple[list[Joining], str | None]:
    """The joinings of the house, the latest first, a page at a time; and what the next page is asked by."""
    wanted = [("code", f"{TASKS}|{CODE}"), ("_sort", "-authored-on"), ("_count", str(PAGE))]
    if stages:
        wanted.append(("business-status", ",".join(f"{STAGES}|{one}" for one in stages)))
    page = of_house(store).records.search("Task", [*wanted, *after(cursor)])
    return [joining_of(one.json()) for one in page.versions], cursor_in(page.next)


def after(cursor: str | None) -> list[tuple[str, str]]:
    """From where a page goes on: that alone, since the house itself asks and whoever reads may write anything there."""
    return [("_cursor", cursor)] if cursor else []


def cursor_in(following: str | None) -> str | None:
    """Where the next page begins."""
    return dict(parse_qsl(following)).get("_cursor") if following else None


def prove(desk: Desk, one: Joining, verb: str, moved: list[Moved]) -> None:
    """Write down what was moved."""
    put(
        desk,
        {
            "resourceType": "Provenance",
            "id": uuid7(),
            "target": [target(each) for each in moved],
            "recorded": clock.instant(desk.at),
            "activity": coded(ACTS, verb),
            "reason": [{"text": one.reason}] if one.reason else [],
            "agent": [{"who": {"reference": desk.actor.reference}}],
            "entity": [{"role": "source", "what": {"reference": f"Task/{one.id}"}}],
        },
    )


def target(moved: Moved) -> Resource:
    parts = [
        {"url": "before", "valueInteger": moved.before},
        {"url": "after", "valueInteger": moved.after},
        {"url": "how", "valueCode": moved.how},
    ]
    return {"reference": moved.reference, "extension": [{"url": MOVED, "extension": parts}]}


def moved_in(store: Store, id: str, verb: str = "join") -> Iterator[Moved]:
    """All that a joining has moved."""
    records = of_house(store).records
    asked: Any = [("entity", f"Task/{id}"), ("_count", str(PAGE))]
    while asked:
        page = records.search("Provenance", asked)
        for version in page.versions:
            told = version.json()
            if code_in(told.get("activity"), ACTS) == verb:
                yield from map(moved_of, told["target"])
        asked = page.next


def moved_of(target: Mapping[str, Any]) -> Moved:
    parts = {one["url"]: one for one in target["extension"][0]["extension"]}
    before, after = (parts[name]["valueInteger"] for name in ("before", "after"))
    return Moved(target["reference"], before, after, parts["how"]["valueCode"])
