"""What waits to be carried out, and what was done of late and may be taken back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.codes.tables import SNOMED
from salus.records import Records
from salus.services.acting import referred
from salus.services.procedures.catalogue import KINDS
from salus.services.procedures.orders import PRIORITIES, kind_of, procedure_id
from salus.services.procedures.states import step_of

Resource = dict[str, Any]
LATELY = timedelta(days=1)
SHOWN = frozenset({"active", "completed"})  # of a patient's orders
CHUNK = 100  # ids in one search


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order with its Procedure, which is None before it was carried out or left."""

    order: Resource
    procedure: Resource | None = None

    @property
    def id(self) -> str:
        return str(self.order["id"])

    @property
    def kind(self) -> str:
        return kind_of(self.order)

    @property
    def step(self) -> str:
        return step_of(self.order, self.procedure)

    @property
    def patient(self) -> str:
        """The patient's id."""
        return referred(self.order, "subject").partition("/")[2]

    @property
    def urgency(self) -> tuple[int, str]:
        """What is urgent first, then what is planned or was ordered first."""
        when = self.order.get("occurrenceDateTime") or self.order.get("authoredOn", "")
        return -PRIORITIES.index(self.order.get("priority", "routine")), str(when)


def waiting(records: Records) -> list[Ordered]:
    """All that is ordered and not carried out."""
    wanted = [("status", "active"), ("intent", "order"), ("category", ours()), ("_count", "200")]
    return sorted(map(Ordered, every(records, "ServiceRequest", wanted)), key=lambda one: one.urgency)


def lately(records: Records) -> list[Ordered]:
    """What was carried out or left undone of late, the latest first."""
    since = clock.instant(clock.now() - LATELY)
    wanted = [("status", "completed,not-done"), ("category", ours()), ("_lastUpdated", f"ge{since}")]
    done = [one for one in every(records, "Procedure", [*wanted, ("_count", "200")]) if one.get("basedOn")]
    named = {order: one for one in done if one["id"] == procedure_id(order := order_of(one))}  # none of other systems'
    orders = by_id(records, "ServiceRequest", named)
    found = [Ordered(orders[id], one) for id, one in named.items() if id in orders]
    return sorted(found, key=lambda one: str((one.procedure or {})["meta"]["lastUpdated"]), reverse=True)


def order_of(procedure: Resource) -> str:
    return str(procedure["basedOn"][0].get("reference", "")).partition("/")[2]


def of_patient(records: Records, patient: str) -> list[Ordered]:
    """The orders of a patient that wait, and those of late that were carried out or not, the first ordered first."""
    wanted = [("subject", f"Patient/{patient}"), ("category", ours()), ("intent", "order"), ("_count", "200")]
    orders = [one for one in every(records, "ServiceRequest", wanted) if one["status"] in SHOWN]
    done = by_id(records, "Procedure", [procedure_id(one["id"]) for one in orders])
    found = [Ordered(one, done.get(procedure_id(one["id"]))) for one in orders]
    return sorted(found, key=lambda one: str(one.order.get("authoredOn", "")))


def by_id(records: Records, type: str, ids: Iterable[str]) -> dict[str, Resource]:
    """Those of these ids that are there."""
    wanted = sorted(ids)
    made: dict[str, Resource] = {}
    for at in range(0, len(wanted), CHUNK):
        asked = [("_id", ",".join(wanted[at : at + CHUNK])), ("_count", str(CHUNK))]
        made |= {str(one["id"]): one for one in every(records, type, asked)}
    return made


def ours() -> str:
    """The categories of all rooms, as a search asks for them."""
    return ",".join(f"{SNOMED}|{code}" for code in KINDS.values())
