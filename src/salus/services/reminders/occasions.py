"""The one table of notices: what happens -> which words -> of which kind, so that a person may want none of it.

What happens to an Appointment is a verb of its own table of states (`appointments.states`); to others a change of
status. Recipients are always the patients whom it concerns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.services.appointments.states import BOOKING
from salus.services.appointments.waiting.terms import is_place, lapses

Resource = dict[str, Any]
KINDS = ("booking", "reminder", "waiting", "bill", "result", "medicine")  # what a person may refuse


@dataclass(frozen=True, slots=True)
class Occasion:
    """`code` names the words. `needed`: told on the person's own page even to who wants none of its kind. `leads`: what
    the person may do next, for the page. `hasty`: sent at night too where it would come too late in the morning."""

    code: str
    kind: str
    needed: bool = False
    leads: str = ""
    hasty: bool = False


BOOKED = Occasion("booked", "booking", leads="booking")
MOVED = Occasion("moved", "booking", leads="booking", needed=True)
CANCELLED = Occasion("cancelled", "booking")
CALLED_OFF = Occasion("called-off", "booking", needed=True, leads="find")
REMINDER = Occasion("reminder", "reminder", leads="booking")
OFFERED = Occasion("offered", "waiting", needed=True, leads="offer", hasty=True)
OFFER_OVER = Occasion("offer-over", "waiting", leads="waiting")
PLACE_OVER = Occasion("place-over", "waiting", needed=True, leads="find")
BILL = Occasion("bill", "bill", needed=True, leads="bill")
PAID = Occasion("paid", "bill", leads="bill")
REFUNDED = Occasion("refunded", "bill", leads="bill")
RESULT = Occasion("result", "result", leads="result")
SAMPLE = Occasion("sample", "result", needed=True)
MEDICINE = Occasion("medicine", "medicine")

# what was done to an Appointment -> the notice of it
DONE: Mapping[str, Occasion] = {
    "book": BOOKED,
    "confirm": BOOKED,
    "accept": BOOKED,
    "move": MOVED,
    "cancel": CANCELLED,
    "call off": CALLED_OFF,
    "offer": OFFERED,
    "lapse": OFFER_OVER,
    "end": PLACE_OVER,
}
# type -> (status before, status afterwards) -> the notice; `*` for any other
CHANGED: Mapping[str, Mapping[tuple[str, str], Occasion | None]] = {
    "Invoice": {("*", "issued"): BILL, ("balanced", "issued"): None, ("issued", "balanced"): PAID},
    "PaymentReconciliation": {("*", "active"): REFUNDED},
    "DiagnosticReport": {("*", "final"): RESULT},
    "Specimen": {("*", "unsatisfactory"): SAMPLE},
    "MedicationDispense": {("*", "preparation"): MEDICINE},
}
TOLD = [one for rows in CHANGED.values() for one in rows.values() if one]
ALL = tuple(dict.fromkeys((*DONE.values(), REMINDER, *TOLD)))
ONCE = frozenset({"MedicationDispense"})  # told of once a visit, however many there are
HERE = frozenset({"arrived", "checked-in"})
BACK = frozenset({"refund", "return"})  # payments that go to the person


def occasion(before: Resource | None, after: Resource) -> Occasion | None:
    """The notice that a change of a resource asks for, if any."""
    if after["resourceType"] == "Appointment":
        return DONE.get(done(before, after))
    rows = CHANGED.get(after["resourceType"], {})
    old, new = (before or {}).get("status", ""), after.get("status", "")
    if old == new or (after["resourceType"] == "PaymentReconciliation" and not BACK & set(kinds(after))):
        return None
    return rows.get((old, new), rows.get(("*", new)))


def kinds(told: Resource) -> list[str]:
    """What a payment is."""
    types = (one.get("type", {}) for one in told.get("detail", []))
    return [coding["code"] for one in types for coding in one.get("coding", []) if "code" in coding]


def done(before: Resource | None, after: Resource) -> str:
    """The verb by which an Appointment came from one state to another; `call off` where the house let it go, `end`
    where a place in the waiting list was given up by it. Nothing for what concerns nobody."""
    old, new = before["status"] if before else "", after["status"]
    if old == new:
        return "move" if before and new == "booked" and time_of(before) != time_of(after) else ""
    if new == "cancelled":
        return let_go(before, after)
    if new == "booked":
        return "book" if old in ("", "proposed", "pending", "waitlist") else ""
    found = [verb for verb, (states, to) in BOOKING.table.items() if old in states and to == new]
    if "lapse" in found:
        return "lapse" if before and lapses(after) > lapses(before) else "decline"
    return next(iter(found), "")


def let_go(before: Resource | None, after: Resource) -> str:
    """Who let it go: the person, or the house. Who was here and went knows it."""
    if before is None:
        return ""
    by_person = reason(after) == "pat"
    if is_place(before):
        return "" if by_person else "end"
    if before["status"] == "pending":
        return ""
    if by_person:
        return "" if before["status"] in HERE else "cancel"
    return "call off"


def reason(told: Resource) -> str:
    codings = told.get("cancelationReason", {}).get("coding", [])
    return next((str(one["code"]) for one in codings if "code" in one), "")


def time_of(told: Resource) -> tuple[datetime | None, frozenset[str]]:
    """When and with whom."""
    named = (one.get("actor", {}).get("reference", "") for one in told.get("participant", []))
    start = datetime.fromisoformat(told["start"]) if "start" in told else None
    return start, frozenset(one for one in named if not one.startswith("Patient/"))


def table() -> str:
    """The table in Markdown, for the docs."""
    rows = [("Appointment", verb, one) for verb, one in DONE.items()]
    rows += [(type, after, one) for type, told in CHANGED.items() for (_, after), one in told.items() if one]
    lines = [
        f"| {type} | {what} | `{one.code}` | `{one.kind}` | {'x' if one.needed else ''} |" for type, what, one in rows
    ]
    return "\n".join(lines)
