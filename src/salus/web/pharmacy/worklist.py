"""What waits for review, what may be dispensed, what is with the doctor."""

from typing import Any

from starlette.responses import Response

from salus.assistants.answers import every
from salus.base import clock
from salus.records import Records
from salus.services.acting import TASKS, referred
from salus.services.pharmacy.reviews import CODE, worklist
from salus.services.pharmacy.rules import VALID
from salus.web.telling.people import patients, staff
from salus.web.visit import Visit

LISTS = ("requested", "completed", "rejected")


def listing(visit: Visit) -> Response:
    """One of the lists; the one of reviews unless another is asked for."""
    asked = visit.query.get("show", "")
    shown = asked if asked in LISTS else LISTS[0]
    found = lately(visit.records) if shown == "completed" else worklist(visit.records, shown)
    people = patients(visit.records, (referred(one, "for").partition("/")[2] for one in found), visit.language)
    names = staff(visit.records, (referred(one, "requester") for one in found), visit.language)
    rows = [row(one, people, names) for one in found]
    return visit.page("pharmacy/worklist.html", rows=rows, shown=shown, lists=LISTS)


def lately(records: Records) -> list[dict[str, Any]]:
    """What was let through while it can still be dispensed, the latest first."""
    since = clock.instant(clock.now() - VALID)
    wanted = [("code", f"{TASKS}|{CODE}"), ("status", "completed"), ("modified", f"ge{since}"), ("_count", "500")]
    return sorted(every(records, "Task", wanted), key=lambda one: str(one.get("lastModified", "")), reverse=True)


def row(task: dict[str, Any], people: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": task["id"],
        "person": people.get(referred(task, "for").partition("/")[2]),
        "at": task.get("authoredOn", ""),
        "priority": task.get("priority", "routine"),
        "count": len(task.get("input", [])),
        "doctor": names.get(referred(task, "requester"), ""),
    }
