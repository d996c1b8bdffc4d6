"""A result that cannot wait is told: by telephone, read back, acknowledged by a doctor, or told to the next."""

from datetime import timedelta

from salus.base import clock
from salus.base.errors import Forbidden, Invalid, Missing
from salus.codes import LABS
from salus.privacy import Role
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
    same_id,
    sign,
)
from salus.services.laboratory.catalogue import limits_of
from salus.services.laboratory.critical import KINDS, TEST, VALUE, added, due_of, input_of, instant
from salus.services.laboratory.rules import LONGEST
from salus.services.laboratory.states import TELLING


def call(acting: Acting, id: str, to: str, repeated: str) -> Resource:
    """Note that a result was told by telephone, to whom, and what they repeated.

    Raises Invalid where they did not repeat the value that stands there, Conflict (acknowledged already), Missing.
    """
    if not 0 < len(to) <= LONGEST:
        raise Invalid("Say who was told: name and role", path="to")

    def work(desk: Desk) -> Resource:
        task = task_at(desk, id)
        status = TELLING.after("call", task["status"], f"Task/{id}")
        check_repeated(task, repeated)
        words = f"{to}: {repeated}"
        put(desk, communication(desk, task, to, repeated))
        sign(desk, "call", [f"Task/{id}"], words)
        return put(desk, later(desk, task, acting) | {"status": status, "output": added(desk, task, "call", words)})

    return acting.do("call", f"Task/{id}", ("Task", "Communication"), work)


def check_repeated(task: Resource, repeated: str) -> None:
    """Raises Invalid unless the number that was repeated is the one that was told."""
    value = input_of(task, VALUE)
    if number(repeated) != number(value):
        raise Invalid(
            f"They repeated '{repeated[:60]}', but it is {value}: say it again and have it repeated", path="repeated"
        )


def number(text: str) -> str:
    """The value without its unit, as it is compared.

    >>> number("6.80 mmol/L") == number("6.8"), number("<0.5") == number("0.5")
    (True, False)
    """
    first = text.strip().split(" ")[0]
    bare = first.lstrip("<>=")
    try:
        return f"{first.removesuffix(bare)}{float(bare):g}"
    except ValueError:
        return text.strip().casefold()


def communication(desk: Desk, task: Resource, to: str, repeated: str) -> Resource:
    """The call itself: what was told, to whom, when, and what was repeated."""
    code, value = input_of(task, TEST), input_of(task, VALUE)
    name = LABS[code].en if code in LABS else code
    return {
        "resourceType": "Communication",
        "id": same_id("call", task["id"], clock.instant(desk.at)),
        "status": "completed",
        "category": [coded("http://terminology.hl7.org/CodeSystem/communication-category", "alert")],
        "medium": [coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "PHONE")],
        "subject": task["for"],
        "about": [{"reference": f"Task/{task['id']}"}, task["focus"]],
        "sent": clock.instant(desk.at),
        "received": clock.instant(desk.at),
        "recipient": [task["owner"]] if task.get("owner") else [],
        "sender": by(desk),
        "payload": [{"contentString": f"{name} {value}"}],
        "note": [{"text": f"{to} | {repeated}"}],
    }


def acknowledge(acting: Acting, id: str, words: str = "") -> Resource:
    """A doctor has seen it; `words`: what is done about it. Raises Forbidden for others, Conflict for a second time."""
    if acting.actor.role is not Role.CLINICIAN:
        raise Forbidden(f"A {acting.actor.role} cannot acknowledge a result: a doctor does, and the call is noted")
    if len(words) > LONGEST:
        raise Invalid(f"This has more than {LONGEST} characters: shorten it", path="words")

    def work(desk: Desk) -> Resource:
        task = task_at(desk, id)
        status = TELLING.after("acknowledge", task["status"], f"Task/{id}")
        sign(desk, "acknowledge", [f"Task/{id}"], words)
        return put(desk, task | {"status": status, "output": added(desk, task, "acknowledge", words or "-")})

    return acting.do("acknowledge", f"Task/{id}", ("Task",), work)


def escalate(acting: Acting, id: str) -> Resource | None:
    """Tell it to everybody on the ward, when it is due; None for one that is not (any more)."""

    def work(desk: Desk) -> Resource | None:
        task = task_at(desk, id)
        due = due_of(task)
        if "escalate" not in TELLING.verbs(task["status"]) or not due or instant(due) > desk.at:
            return None
        status = TELLING.after("escalate", task["status"], f"Task/{id}")
        told = later(desk, task, acting)
        return put(desk, told | {"status": status, "output": added(desk, task, "escalate", f"due {due}")})

    return acting.do("escalate", f"Task/{id}", ("Task",), work)


def later(desk: Desk, task: Resource, acting: Acting) -> Resource:
    """The task with as many minutes more, where it has a time."""
    if not due_of(task):
        return task
    end = desk.at + timedelta(minutes=limits_of(acting.store).minutes)
    return task | {"restriction": {"period": {"end": clock.instant(end)}}}


def task_at(desk: Desk, id: str) -> Resource:
    """Raises Missing for a Task that is none of these."""
    task = current(desk, f"Task/{id}")
    if code_in(task.get("code"), TASKS) not in KINDS:
        raise Missing(f"Task/{id[:64]} is no result that is to be told", path="task")
    return task
