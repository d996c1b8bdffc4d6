"""A likely pair, as a Task with an id of its own: what was said of two people is not asked again."""

from dataclasses import dataclass

from salus.base import clock
from salus.privacy import SYSTEM
from salus.records.desk import Desk
from salus.services.acting import TASKS, Resource, code_in, coded, found, put, same_id
from salus.services.reception.joining.kept import STAGES

CODE = "likely-pair"
WHO = "https://salus.example/pair"  # of Task.identifier: the ids of the two
WAITING, ONE, TWO, ASIDE = "requested", "completed", "rejected", "cancelled"  # Task.status


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ids of Patients, how sure it is that they are one (`same`, `perhaps`), and how probable."""

    one: str
    other: str
    grade: str
    probability: float


def pair_id(one: str, other: str) -> str:
    return same_id("pair", *sorted((one, other)))


def people_of(task: Resource) -> tuple[str, str]:
    one, other = (each["value"] for each in task["identifier"])
    return one, other


def pair_of(task: Resource) -> Pair:
    said = next(each["valueDecimal"] for each in task["input"] if "valueDecimal" in each)
    return Pair(*people_of(task), code_in(task["businessStatus"], STAGES), said)


def pair_task(pair: Pair, status: str = WAITING) -> Resource:
    one, other = sorted((pair.one, pair.other))
    return {
        "resourceType": "Task",
        "id": pair_id(one, other),
        "status": status,
        "intent": "order",
        "code": coded(TASKS, CODE),
        "businessStatus": coded(STAGES, pair.grade),
        "identifier": [{"system": WHO, "value": each} for each in (one, other)],
        "focus": {"reference": f"Patient/{one}"},
        "authoredOn": clock.instant(clock.now()),
        "requester": {"reference": SYSTEM.reference},
        "input": [
            {"type": coded(STAGES, "other"), "valueReference": {"reference": f"Patient/{other}"}},
            {"type": coded(STAGES, "probability"), "valueDecimal": pair.probability},
        ],
    }


def of_person(desk: Desk, id: str, status: str) -> list[Resource]:
    """The pairs that somebody is in."""
    return found(desk, "Task", f"code={TASKS}|{CODE}&identifier={WHO}|{id}&status={status}")


def settle_joined(desk: Desk, source: str, target: str) -> None:
    """They are one; with whom else the source may be one, is asked of the target."""
    for task in of_person(desk, source, WAITING):
        put(desk, task | {"status": ONE if target in people_of(task) else ASIDE})


def settle_parted(desk: Desk, source: str, target: str) -> None:
    """They are two, and what was set aside is asked again."""
    for task in of_person(desk, source, ASIDE):
        put(desk, task | {"status": WAITING})
    put(desk, pair_task(Pair(source, target, "perhaps", 0.0), TWO))
