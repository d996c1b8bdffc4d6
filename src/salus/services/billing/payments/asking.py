"""What every act of the cash desk does: see who asks, write in one transaction, ask the provider, hear the answer."""

import logging

from salus.base import clock
from salus.base.errors import Busy, Conflict, Forbidden, Invalid, Missing, SalusError
from salus.privacy import Actor, Purpose, Role, check_may
from salus.privacy.policy import Act
from salus.records import Store
from salus.records.desk import Desk
from salus.services.acting import TASKS, coded, put, same_id, standing
from salus.services.billing.desks import submit
from salus.services.billing.payments import moving
from salus.services.billing.payments.port import Provider, Told
from salus.services.billing.payments.shapes import (
    DEPOSIT,
    INWARD,
    NOTICE,
    TYPE,
    Payment,
    Status,
    is_payment,
    payment_of,
)

log = logging.getLogger(__name__)
LONGEST_KEY = 200
FAULT = "payment-fault"


def check(actor: Actor, purpose: Purpose, provider: Provider | None, key: str) -> None:
    """Raises Forbidden for who may not move money this way, Invalid for a key that is none. Cash is taken by staff.
    That patients pay for themselves alone is looked at where their invoice is."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise Invalid(f"A key has 1 to {LONGEST_KEY} characters, this one {len(key)}", path="key")
    if actor.role is not Role.PATIENT:
        check_may(actor, purpose, Act.WRITE, NOTICE)
    elif provider is None or (provider.at_hand and provider.name != DEPOSIT):
        raise Forbidden("A patient's account does not move this money: ask at the desk")


def kept(desk: Desk, id: str) -> Payment | None:
    """The payment that stands under an id."""
    told = standing(desk, f"{TYPE}/{id}")
    return payment_of(told) if told and is_payment(told) else None


def same(before: Payment, wanted: Payment, amount: int | None) -> Payment:
    """The payment that stands under a key, for a request that comes again. Raises Conflict for another request."""
    alike = (before.provider, before.kind, before.of) == (wanted.provider, wanted.kind, wanted.of)
    if not alike or amount not in (None, before.amount):
        raise Conflict(f"The key '{before.name}' was used for another payment: choose another key", path="key")
    return before


def asked(store: Store, payment: Payment, provider: Provider) -> Payment:
    """Ask the provider to move what is pending. Where nobody answers it stays pending, and is looked up later."""
    if payment.status is not Status.PENDING:
        return payment
    ask = provider.request if payment.kind in INWARD else provider.refund
    try:
        told = ask(payment.order)
    except (Busy, OSError) as fault:
        log.warning("%s did not answer about %s: %s", provider.name, payment.key, type(fault).__name__)
        return payment
    return heard(store, provider, told)


def heard(store: Store, provider: Provider, told: Told) -> Payment:
    """Take what a provider says into the books. Raises Missing, Conflict: then it is laid before a clerk."""
    who = spokesman(provider.name)
    try:
        return submit(store, who, Purpose.PAYMENT, "hear", f"{TYPE}/{told.order[:64]}", lambda at: hear(at, who, told))
    except (Missing, Conflict) as fault:
        lay_before_clerk(store, provider.name, told.order, fault)
        raise


def hear(desk: Desk, who: Actor, told: Told) -> Payment:
    """Raises Missing for an order of another provider, too."""
    payment = moving.found(desk, told.order)
    if spokesman(payment.provider) != who:
        raise Missing(f"There is no payment {told.order[:64]!r} by {who.reference}", path="payment")
    return moving.hear(desk, payment, told)


def spokesman(provider: str) -> Actor:
    """In whose name the audit has what a provider tells."""
    return Actor(f"Device/payments-{provider}", Role.SYSTEM)


def lay_before_clerk(store: Store, provider: str, order: str, fault: SalusError) -> None:
    """A Task for the billing clerk, one a day and order: whoever sends nonsense does not flood the desk."""
    at = clock.now()
    id = same_id("task", FAULT, provider, order[:64], at.date().isoformat())
    task = {
        "resourceType": "Task",
        "id": id,
        "status": "requested",
        "intent": "order",
        "code": coded(TASKS, FAULT),
        "description": f"{provider}: {fault}"[:1000],
        "authoredOn": clock.instant(at),
    }

    def work(desk: Desk) -> None:
        if standing(desk, f"Task/{id}") is None:
            put(desk, task)

    submit(store, spokesman(provider), Purpose.PAYMENT, "tell", f"Task/{id}", work)
