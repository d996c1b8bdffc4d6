"""What a person does about a difference: takes it, writes a note, explains it, takes its repair back by a reversal.

Each difference that somebody has touched has a Task of its own, by its place in the record of its day; the notes stand
in it, and it is completed when the difference is explained. https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.privacy import Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store
from salus.records.desk import Desk
from salus.services.acting import by, put, referred, same_id, sign, standing
from salus.services.billing import tasks
from salus.services.billing.desks import submit
from salus.services.billing.names import TASK
from salus.services.billing.payments.shapes import TYPE
from salus.services.billing.reconciling import keeping, traces
from salus.services.billing.reconciling.faults import Difference
from salus.services.billing.reconciling.keeping import Reconciled
from salus.services.billing.reconciling.parties import side_of
from salus.services.billing.reconciling.sides import Side
from salus.services.looking import looked_up

Resource = dict[str, Any]
LONGEST = 1000  # characters of a note
CODE = "reconciled-difference"


@dataclass(frozen=True, slots=True)
class Note:
    who: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What people have done about a difference; `who` has taken it, "" for nobody."""

    who: str = ""
    explained: bool = False
    notes: tuple[Note, ...] = ()
    at: datetime | None = None


def task_id(record: str, n: int) -> str:
    return same_id("task", CODE, record, str(n))


def taken(records: Records, record: str, n: int) -> Taken:
    """What was done about difference `n` of a record."""
    told = looked_up(records, f"Task/{task_id(record, n)}")
    notes = tuple(
        Note(referred(one, "authorReference"), datetime.fromisoformat(one["time"]), one["text"])
        for one in told.get("note", [])
    )
    at = datetime.fromisoformat(told["lastModified"]) if told else None
    return Taken(referred(told, "owner"), told.get("status") == "completed", notes, at)


# --- verbs; each raises Missing, Forbidden, Invalid (a note that is none or too long), Conflict ---


def take(store: Store, actor: Actor, purpose: Purpose, record: str, n: int, before: str = "") -> None:
    """Take it upon oneself; `before`: who had it when that was decided."""

    def work(desk: Desk, told: Resource) -> Resource:
        if (has := referred(told, "owner")) not in (before, actor.reference):
            raise Conflict(f"{has} has taken it meanwhile: load the page again", path="owner")
        return told | {"owner": by(desk), "status": "accepted" if told["status"] == "requested" else told["status"]}

    change(store, actor, purpose, "take", record, n, work)


def note(store: Store, actor: Actor, purpose: Purpose, record: str, n: int, text: str) -> None:
    """Write down what was found out so far."""
    check_note(text)
    change(store, actor, purpose, "note", record, n, lambda desk, told: noted(desk, told, text))


def explain(store: Store, actor: Actor, purpose: Purpose, record: str, n: int, text: str) -> None:
    """Say what it was: nobody has to look any more."""
    check_note(text)

    def work(desk: Desk, told: Resource) -> Resource:
        return noted(desk, told, text) | {"status": "completed", "owner": told.get("owner") or by(desk)}

    change(store, actor, purpose, "explain", record, n, work)


def undo(store: Store, actor: Actor, purpose: Purpose, side: Side, record: str, n: int, text: str) -> None:
    """Reverse its repair, which leaves both postings in the books; somebody has to say then what is right. Raises
    Conflict too where that repair did more than post, or an account has not so much any more."""
    check_note(text)
    one = the_difference(store, actor, purpose, record, n)[1]

    def work(desk: Desk, told: Resource) -> Resource:
        posted = traces.reversible(side, one, traces.postings(desk, side, one))
        if posted is None:
            raise Conflict(f"The repair of {one.id} cannot be reversed by itself, or was reversed", path="undo")
        side.take_back(desk, f"{posted.key}{traces.UNDONE}", posted.key, one.id)
        return noted(desk, told, text) | {"status": "accepted" if told.get("owner") else "requested"}

    change(store, actor, purpose, "undo", record, n, work)


def check_note(text: str) -> None:
    if not 0 < len(text) <= LONGEST:
        raise Invalid(f"Say what was found, in 1 to {LONGEST} characters", path="text")


def noted(desk: Desk, told: Resource, text: str) -> Resource:
    one = {"authorReference": by(desk), "time": clock.instant(desk.at), "text": text}
    return told | {"note": [*told.get("note", []), one]}


# --- at the desk ---


def change(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    verb: str,
    record: str,
    n: int,
    work: Callable[[Desk, Resource], Resource],
) -> None:
    """Change the Task of a difference, and ask or answer that of its day."""
    check_may(actor, purpose, Act.WRITE, TYPE)
    made, _ = the_difference(store, actor, purpose, record, n)

    def all(desk: Desk) -> None:
        id = task_id(record, n)
        told = work(desk, standing(desk, f"Task/{id}") or drawn(desk, id, record, n))
        put(desk, told | {"lastModified": clock.instant(desk.at)})
        sign(desk, verb, [f"Task/{id}"])
        ask_again(desk, made)

    submit(store, actor, purpose, verb, f"{TYPE}/{record}/{n}", all)


def the_difference(store: Store, actor: Actor, purpose: Purpose, record: str, n: int) -> tuple[Reconciled, Difference]:
    made = keeping.by_id(store.open(actor, purpose), record)
    if not 0 <= n < len(made.differences):
        raise Missing(f"There is no difference {n} in {TYPE}/{record}", path="difference")
    return made, made.differences[n]


def drawn(desk: Desk, id: str, record: str, n: int) -> Resource:
    return {
        "resourceType": "Task",
        "id": id,
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK, "code": CODE}]},
        "focus": {"reference": f"{TYPE}/{record}"},
        "authoredOn": clock.instant(desk.at),
        "input": [{"type": {"text": "difference"}, "valueInteger": n}],
    }


def ask_again(desk: Desk, made: Reconciled) -> None:
    """The clerk is asked as long as something of the day needs a person."""
    name = f"{TYPE}/{made.id}"
    if is_open(desk, made):
        tasks.ask(desk, traces.ASKED, name, "", f"{made.side}, {made.day}")
    else:
        tasks.answered(desk, traces.ASKED, name)


def is_open(desk: Desk, made: Reconciled) -> bool:
    side = side_of(made.side)
    for n, one in enumerate(made.differences):
        told = standing(desk, f"Task/{task_id(made.id, n)}") or {}
        if told.get("status") != "completed" and traces.needs_person(traces.postings(desk, side, one)):
            return True
    return False
