"""The steward of bills: what was charged, asked and paid here is written by billing alone, whatever way it comes.

A bill that anybody may change proves nothing. So one of `TYPES` that has the mark of billing (an identifier of the
system `MARK`) is written in a transaction of billing (`desk.bills`), or taken in by the system itself; those of other
houses are records like all others. That a bill is paid, or is not any more, may be said by whoever posts the payment:
if the books say so too. https://hl7.org/fhir/R4/invoice.html
"""

from typing import TYPE_CHECKING

import orjson

from salus.base import clock
from salus.base.errors import Conflict, Gone, Missing
from salus.privacy import Role
from salus.records import books
from salus.records.bookings import Both
from salus.records.drafts import Draft
from salus.records.signed import Resource, differing
from salus.records.stewards import Stewards

if TYPE_CHECKING:
    from salus.records.desk import Desk

MARK = "https://salus.example/billed"
TOLD = f'"{MARK}"'.encode()
TYPES = (
    "Invoice",
    "ChargeItem",
    "Claim",
    "ClaimResponse",
    "PaymentReconciliation",
    "PaymentNotice",
    "CoverageEligibilityResponse",
)
PAID = {True: "balanced", False: "issued"}


class Bills:
    """Asked before one of these is written."""

    def check(self, desk: "Desk", id: str) -> None:
        """Told at `admit`, where it is known what comes."""

    def admit(self, desk: "Desk", draft: Draft, id: str) -> Draft:
        """Raises Conflict."""
        if not may(desk) and (TOLD in draft.rest or TOLD in standing(desk, draft.type, id)):
            check_says_paid(desk, draft, id)
        return draft

    def release(self, desk: "Desk", id: str) -> None:
        if not may(desk) and any(TOLD in standing(desk, type, id) for type in TYPES):
            raise refused("What was billed", id)


def may(desk: "Desk") -> bool:
    return desk.bills or desk.erases or desk.actor.role is Role.SYSTEM


def refused(what: str, id: str) -> Conflict:
    return Conflict(
        f"{what} {id[:64]} is not written by hand: charges come of what was done, bills are issued and cancelled, "
        "payments made and given back, and nothing of them is changed",
        path="status",
    )


def standing(desk: "Desk", type: str, id: str) -> bytes:
    try:
        return desk.current(type, id).body
    except (Missing, Gone):
        return b""


def check_says_paid(desk: "Desk", draft: Draft, id: str) -> None:
    """Raises Conflict unless a draft changes nothing but whether an Invoice is paid, to what the books have."""
    before: Resource = orjson.loads(standing(desk, draft.type, id) or b"{}")
    after: Resource = orjson.loads(draft.stamped(id, 1, clock.instant(desk.at)))
    if differing(before, after) - {"meta"} == {"status"} and before["status"] in PAID.values():
        account, currency = f"{before['account']['reference']}/{id}", before["totalGross"]["currency"]
        if draft.type == "Invoice" and after["status"] == PAID[books.balance(desk, account, currency).net <= 0]:
            return
    raise refused(draft.type, id)


def with_bills(given: Stewards) -> Stewards:
    """A store's stewards, that of bills among them; what a site demands of them is asked as well."""
    own = Bills()
    return {**given, **{type: Both(given[type], own) if type in given else own for type in TYPES}}
