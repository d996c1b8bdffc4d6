"""Give back what was paid: all of it or a part, never more, the way it came or into the patient's deposit."""

from dataclasses import replace

from salus.base.errors import Conflict, Forbidden, Invalid
from salus.base.money import plain
from salus.privacy import Actor, Purpose, Role
from salus.records import Store, books
from salus.records.desk import Desk
from salus.services.billing.desks import submit
from salus.services.billing.payments import asking, moving, shapes
from salus.services.billing.payments.port import Provider
from salus.services.billing.payments.shapes import DEPOSIT, INWARD, TYPE, Kind, Payment, Status, id_of


def refund(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    payment: str,
    provider: Provider,
    key: str,
    amount: int | None = None,
    reason: str = "",
) -> Payment:
    """Give back a payment (by its id): what is left of it, or `amount` minor units. The invoice is owed again so far.

    `provider` is the one it came by, or that of the deposit. Raises Missing, Forbidden (a patient, another provider),
    Conflict (nothing was paid; it is given back already), Invalid (more than was paid).
    """
    if actor.role is Role.PATIENT:
        raise Forbidden("A patient's account gives nothing back: ask at the desk")
    asking.check(actor, purpose, provider, key)

    def work(desk: Desk) -> Payment:
        paid = moving.found(desk, payment)
        wanted = of_payment(paid, provider.name, key, reason)
        if (before := asking.kept(desk, wanted.id)) is not None:
            return asking.same(before, wanted, amount)
        return moving.begin(desk, wanted.sized(amount_of(desk, paid, amount)), provider.at_hand)

    return asking.asked(store, submit(store, actor, purpose, "refund", f"{TYPE}/{payment[:64]}", work), provider)


def of_payment(paid: Payment, provider: str, key: str, reason: str) -> Payment:
    """What gives back from a payment, of no amount yet. Raises Forbidden, Conflict."""
    if provider not in (paid.provider, DEPOSIT):
        raise Forbidden(f"{paid.key} came by {paid.provider}: give it back that way, or into the deposit")
    if paid.kind not in INWARD or paid.status is not Status.SETTLED:
        raise Conflict(f"{paid.key} is {paid.status.name.lower()}: nothing was paid that could be given back")
    if provider == DEPOSIT and (paid.landed or not paid.invoice):
        raise Conflict(f"{paid.key} is held as a deposit already")
    return replace(
        paid,
        id=id_of(f"{TYPE}/{paid.id}", key),
        kind=Kind.REFUND,
        status=Status.PENDING,
        provider=provider,
        at=moving.now(),
        name=key,
        of=paid.id,
        reference="",
        reason=reason,
    )


def amount_of(desk: Desk, paid: Payment, wanted: int | None) -> int:
    """How much is given back. Raises Invalid for more than is left of the payment, Conflict where nothing is."""
    counted = books.balance(desk, shapes.refunded(paid.id), paid.currency)
    left = paid.amount - counted.net - counted.debits_held
    if left <= 0:
        raise Conflict(f"{paid.key} is given back already", path="payment")
    amount = left if wanted is None else wanted
    books.check_amount(amount)
    if amount > left:
        asked, rest, whole = (plain(one, paid.currency) for one in (amount, left, paid.amount))
        raise Invalid(
            f"{asked} is more than is left of what was paid ({rest} of {whole} {paid.currency})", path="amount"
        )
    return amount
