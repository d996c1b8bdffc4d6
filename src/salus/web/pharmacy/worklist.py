"""What waits for review, what may be dispensed, what is with the doctor."""

from typing import Any

from starlette.responses import Response

from salus.assistants.answers import every
from salus.base import clock
from salus.records import Records
from salus.services.acting import TASKS, referred
from salus.services.pharmacy.filling import each_filled
from salus.services.pharmacy.reviews import CODE, inputs, worklist
from salus.services.pharmacy.rules import VALID
from salus.web.telling.people import patients, read, staff
from salus.web.visit import Visit

LISTS = ("requested", "completed", "rejected")


def listing(visit: Visit) -> Response:
    """One of the lists; the one of reviews unless another is asked for."""
    asked = visit.query.get("show", "")
    shown = asked if asked in LISTS else LISTS[0]
    found = lately(visit.records) if shown == "completed" else worklist(visit.records, shown)
    people = patients(
        visit.records, (referred(one, "for").partition("/")[2] for one in found), visit.language, visit.today
    )
    names = staff(visit.records, (referred(one, "requester") for one in found), visit.language)
    rows = [row(one, people, names) for one in found]
    return visit.page("pharmacy/worklist.html", rows=rows, shown=shown, lists=LISTS)


def lately(records: Records) -> list[dict[str, Any]]:
    """What was let through and is to be handed out still, the latest first."""
    since = clock.instant(clock.now() - VALID)
    wanted = [("code", f"{TASKS}|{CODE}"), ("status", "completed"), ("modified", f"ge{since}"), ("_count", "500")]
    found = sorted(every(records, "Task", wanted), key=lambda one: str(one.get("lastModified", "")), reverse=True)
    orders = read(records, "MedicationRequest", (name.partition("/")[2] for one in found for name in inputs(one)))
    told = each_filled(records, list(orders.values()))
    left = {f"MedicationRequest/{one.order['id']}" for one in told if one.is_open(clock.now())}
    return [one for one in found if left & set(inputs(one))]


def row(task: dict[str, Any], people: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": task["id"],
        "person": people.get(referred(task, "for").partition("/")[2]),
        "at": task.get("authoredOn", ""),
        "priority": task.get("priority", "routine"),
        "count": len(task.get("input", [])),
        "doctor": names.get(referred(task, "requester"), ""),
    }
