"""A prescription as its page shows it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.assistants.treatment.screen.orders import medicine_of
from salus.base import clock
from salus.codes.tables import UCUM
from salus.services.pharmacy.amounts import PIECE, Amount
from salus.services.pharmacy.checking import is_bare
from salus.services.pharmacy.deciding import seen
from salus.services.pharmacy.dispensing import EXPIRY, LOT, is_return
from salus.services.pharmacy.filling import Filled, filled
from salus.services.pharmacy.reviews import Review, state_of
from salus.services.pharmacy.states import DISPENSE
from salus.web.telling.directions import amount, called, directions
from salus.web.visit import Visit

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Out:
    """A dispensing, or a return: what, how much, how far; `verbs` that may be done now."""

    id: str
    product: str
    amount: str
    status: str
    back: bool
    at: str
    lot: str
    expires: str
    why: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An order: the medicine, how it is taken, how much is asked for and left, how the pharmacist stands to it."""

    id: str
    name: str
    directions: tuple[str, ...]
    note: str
    state: str
    status: str
    whole: str
    left: str
    rest: float
    unit: str
    until: datetime | None
    bare: bool  # the order names the substance alone: which product it is, the pharmacist says
    outs: tuple[Out, ...]

    @property
    def open(self) -> bool:
        """Whether some of it can be dispensed."""
        over = self.until is not None and self.until <= clock.now()
        return self.state == "accepted" and self.status == "active" and self.rest > 0 and not over


def mark(found: Review) -> str:
    """What somebody has seen: other orders, or other words in one, another mark."""
    told = " ".join(f"{name} {digest}" for name, digest in sorted(seen(found).items()))
    return f"{found.version}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def lines(visit: Visit, found: Review) -> list[Line]:
    """All orders of a prescription, what is to be decided first."""
    return [line(visit, filled(visit.records, one), found.task) for one in (*found.pending, *found.settled)]


def line(visit: Visit, told: Filled, task: Resource) -> Line:
    return Line(
        id=str(told.order["id"]),
        name=called(told.order, visit.language),
        directions=tuple(directions(told.order, visit.language)),
        note=" ".join(one["text"] for one in told.order.get("note", [])),
        state=state_of(told.order, task),
        status=str(told.order["status"]),
        whole=shown(told.whole, visit.language),
        left=shown(told.left, visit.language),
        rest=told.left.value if told.left else 0.0,
        unit=told.whole.unit if told.whole else PIECE,
        until=told.until,
        bare=is_bare(medicine_of(told.order)),
        outs=tuple(out(one, visit.language) for one in told.dispensings),
    )


def shown(found: Amount | None, language: str) -> str:
    return amount({"value": found.value, "code": found.unit, "system": UCUM}, language) if found else ""


def out(body: Resource, language: str) -> Out:
    extra = {one["url"]: one for one in body.get("extension", [])}
    back = is_return(body)
    substitution = body.get("substitution", {})
    return Out(
        id=str(body["id"]),
        product=called(body, language),
        amount=amount(body["quantity"], language),
        status=str(body["status"]),
        back=back,
        at=str(body.get("whenHandedOver") or body.get("whenPrepared") or ""),
        lot=extra.get(LOT, {}).get("valueString", ""),
        expires=extra.get(EXPIRY, {}).get("valueDate", ""),
        why=" ".join(one.get("text", "") for one in substitution.get("reason", [])),
        verbs=() if back else DISPENSE.verbs(str(body["status"])),
    )
