"""One bill at the clerk's desk: looked at, issued, paid, given back, cancelled, printed."""

from collections.abc import Callable

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid
from salus.base.ids import uuid7
from salus.base.money import plain, typed
from salus.services.billing import invoices, payments
from salus.web.billing.asked import who
from salus.web.billing.desk import somebody, takes
from salus.web.telling.bills import parts
from salus.web.visit import Visit

LONGEST = 400  # characters of a reason


def one(visit: Visit) -> Response:
    """Raises Missing, Forbidden."""
    return page(visit)


def page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    bill = invoices.bill(visit.records, visit.path["id"])
    return visit.page(
        "billing/bill.html",
        status,
        bill=bill,
        who=somebody(visit, bill.patient),
        parts=parts(bill),
        payments=payments.payments_of(*who(visit), bill.id),
        providers=[*takes(visit), payments.DEPOSIT],
        owed=plain(bill.due, bill.currency),
        key=str(uuid7()),
        fault=fault,
        done=visit.query.get("done", ""),
    )


def pay(visit: Visit) -> Response:
    """Take a payment, of all that is due or of a part."""

    def paid(bill: invoices.Bill) -> str:
        provider = payments.provider_of(visit.desk.settings, visit.form.get("provider", ""))
        amount = typed(visit.form.get("amount", ""), bill.currency, least=1)
        made = payments.pay(*who(visit), bill.id, provider, visit.form.get("key", ""), amount)
        return STATES[made.status]

    return acted(visit, paid)


def refund(visit: Visit) -> Response:
    """Give back a payment, or a part of it, with the reason."""

    def refunded(bill: invoices.Bill) -> str:
        provider = payments.provider_of(visit.desk.settings, visit.form.get("provider", ""))
        amount = typed(visit.form.get("amount", ""), bill.currency, least=1)
        payment, key = visit.form.get("payment", ""), visit.form.get("key", "")
        if payment not in [one.id for one in payments.payments_of(*who(visit), bill.id)]:
            raise Invalid(f"{payment[:64]!r} is no payment of this bill: choose one on the page", path="payment")
        payments.refund(*who(visit), payment, provider, key, amount, reason(visit))
        return "refunded"

    return acted(visit, refunded)


def issue(visit: Visit) -> Response:
    """Settle it now."""

    def issued(bill: invoices.Bill) -> str:
        invoices.issue(*who(visit), bill.encounter.removeprefix("Encounter/"))
        return "issued"

    return acted(visit, issued)


def cancel(visit: Visit) -> Response:
    """Take it back by reversal."""

    def cancelled(bill: invoices.Bill) -> str:
        invoices.cancel(*who(visit), bill.id, reason(visit))
        return "cancelled"

    return acted(visit, cancelled)


STATES = {
    payments.Status.SETTLED: "paid",
    payments.Status.PENDING: "pending",
    payments.Status.VOIDED: "refused",
}


def acted(visit: Visit, act: Callable[[invoices.Bill], str]) -> Response:
    """Do it and look at the bill again, which says what was wrong where it could not be done."""
    bill = invoices.bill(visit.records, visit.path["id"])
    try:
        done = act(bill)
    except (Conflict, Invalid) as fault:
        return page(visit, visit.told(fault.issues[0].text), fault.status)
    return visit.go(f"/billing/bills/{bill.id}?done={done}")


def reason(visit: Visit) -> str:
    """Raises Invalid for none."""
    text = visit.form.get("reason", "")
    if not 0 < len(text) <= LONGEST:
        raise Invalid(f"Say why, in 1 to {LONGEST} characters", path="reason")
    return text
