"""The patient's bills, explained; paying them, and what has become of a payment; money paid in beforehand."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import Response

from salus.base import money
from salus.base.errors import Conflict, Invalid, Missing
from salus.base.ids import uuid7
from salus.places.settlement.rules import Text
from salus.services.billing.invoices import Bill, bill, invoices_of
from salus.services.billing.payments import (
    DEPOSIT,
    Payment,
    Status,
    deposit,
    deposited,
    pay,
    payments_of,
    provider_of,
    providers_of,
    withdraw,
)
from salus.services.billing.quoting import YearSoFar, year_so_far
from salus.web.booking import LONGEST_KEY, key_of
from salus.web.mine.house import named
from salus.web.services import own
from salus.web.telling.bills import parts
from salus.web.visit import Visit

CASH = "cash"  # is paid at the desk, and at no page
LARGE = 3  # the level of large hospitals
MOST = 1_000_000  # that is paid in at once, in the whole units of a currency


@dataclass(frozen=True, slots=True)
class Purse:
    """What is held for the patient at one hospital."""

    account: str
    hospital: str
    held: int
    currency: str


def listing(visit: Visit) -> Response:
    """What is to be paid first, then what was; what is held beforehand."""
    found = invoices_of(visit.records, own(visit))
    standing = [one for one in found if one.status != "cancelled"]
    return visit.page(
        "mine/bills.html",
        due=[one for one in standing if one.due > 0],
        settled=[one for one in standing if one.due <= 0],
        cancelled=[one for one in found if one.status == "cancelled"],
        hospital=lambda one: named(visit, one.organization),
        purses=list(purses(visit, found)),
        years=[year_told(one) for one in year_so_far(visit.records, own(visit))],
        ways=ways(visit, False),
        key=uuid7(),
    )


@dataclass(frozen=True, slots=True)
class YearTold:
    """How an insurance's year stands: `used` of the `first` amount that is the patient's own, `paid` by the insurance
    of at most `cap` (None: without end), in minor units."""

    number: int
    insurance: Text
    currency: str
    first: int
    used: int
    paid: int
    cap: int | None


def year_told(one: YearSoFar) -> YearTold:
    """By the first amount of a large hospital, or the highest there is."""
    rule = one.rule
    rows = [row.first for row in rule.threshold if LARGE in row.level] or [row.first for row in rule.threshold]
    first = max(rows, default=0)
    used = min(one.year.threshold, first)
    return YearTold(one.number, rule.title, rule.currency, first, used, one.year.insurer, rule.cap)


def purses(visit: Visit, bills: Iterable[Bill]) -> Iterable[Purse]:
    """One for each account that has bills."""
    store, who = visit.desk.store, visit.who
    for one in {each.owner: each for each in bills}.values():
        id = one.owner.partition("/")[2]
        held = deposited(store, who.actor, who.purpose, id, one.currency)
        yield Purse(id, named(visit, one.organization), held, one.currency)


def one(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """One bill with each of its lines, who pays what and why, and how it was paid so far. Raises Missing."""
    return visit.page("mine/bill.html", status, **told(visit), fault=fault)


def printed(visit: Visit) -> Response:
    """The bill as a paper."""
    return visit.page("mine/invoice.html", **told(visit))


def told(visit: Visit) -> dict[str, object]:
    id, store, who = visit.path["id"], visit.desk.store, visit.who
    found = bill(visit.records, id)
    payments = payments_of(store, who.actor, who.purpose, found.id)
    held = deposited(store, who.actor, who.purpose, found.owner.partition("/")[2], found.currency)
    return {
        "bill": found,
        "parts": parts(found),
        "payments": payments,
        "open": [one for one in payments if one.status is Status.PENDING],
        "last": latest(payments, visit.query.get("payment", "")),
        "hospital": named(visit, found.organization),
        "ways": ways(visit, held >= found.due),
        "held": held,
        "key": uuid7(),
    }


def latest(payments: Iterable[Payment], id: str) -> Payment | None:
    """The payment that was just made, if it is one of these."""
    return next((one for one in payments if one.id == id), None)


def ways(visit: Visit, enough: bool) -> list[str]:
    """The providers that a patient may pay by here; from the deposit where that is enough."""
    found = [name for name in providers_of(visit.desk.settings) if name not in (CASH, DEPOSIT)]
    return found + ([DEPOSIT] if enough else [])


def settle(visit: Visit) -> Response:
    """Pay what is due. The same form sent again is the same payment; what stands in the way is said on the bill."""
    id, key = visit.path["id"], key_of(visit)
    provider, who = provider_of(visit.desk.settings, visit.form.get("provider", "")), visit.who
    try:
        made = pay(visit.desk.store, who.actor, who.purpose, id, provider, key)
    except Conflict:
        return one(visit, visit.say("mine.pay.conflict"), 409)
    return visit.go(f"/mine/bills/{id}?payment={made.id}")


def let_go(visit: Visit) -> Response:
    """Wait no longer for a payment; where it turns out to be paid, it is."""
    id, payment, who = visit.path["id"], visit.form.get("payment", ""), visit.who
    known = payments_of(visit.desk.store, who.actor, who.purpose, id)
    if (found := latest(known, payment)) is not None:
        withdraw(visit.desk.store, who.actor, who.purpose, found.id, provider_of(visit.desk.settings, found.provider))
    return visit.go(f"/mine/bills/{id}?payment={payment[:LONGEST_KEY]}")


def pay_in(visit: Visit) -> Response:
    """Pay something in beforehand. Raises Invalid for what is no amount, Missing for another's account and for one in
    another currency: what is paid in must pay the bills of the account."""
    who, form = visit.who, visit.form
    currency = form.get("currency", "")
    if (form.get("account"), currency) not in [accounted(one) for one in invoices_of(visit.records, own(visit))]:
        raise Missing(f"You have no account in {currency[:3]!r}: pay in on the page of your bills", path="account")
    provider = provider_of(visit.desk.settings, form.get("provider", ""))
    amount = minor(form.get("amount", ""), currency)
    account, key = form.get("account", ""), form.get("key", "")
    deposit(visit.desk.store, who.actor, who.purpose, account, provider, key, amount, currency)
    return visit.go("/mine/bills?paid")


def accounted(one: Bill) -> tuple[str, str]:
    """The id of the account that a bill stands on, and its currency."""
    return one.owner.partition("/")[2], one.currency


def minor(text: str, currency: str) -> int:
    """An amount as it is typed, in minor units. Raises Invalid.

    >>> minor("12.50", "CNY")
    1250
    """
    found = money.typed(text, currency)
    if not 0 < found <= money.minor({"value": MOST, "currency": currency}):
        raise Invalid(f"'{text[:20]}' is no amount: type one such as 100 or 12.50, at most {MOST}", path="amount")
    return found
