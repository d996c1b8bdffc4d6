"""Deposits: money that is held for a patient before anything is owed, used for an invoice, or given back.

An invoice is paid from it as by any other provider: `pay(..., providers[DEPOSIT], ...)`.
"""

from salus.base.errors import Conflict, Forbidden, Invalid
from salus.base.money import plain
from salus.privacy import Actor, Purpose, Role
from salus.records import Store, books
from salus.records.books import Books
from salus.records.desk import Desk
from salus.services.billing import names
from salus.services.billing.desks import submit
from salus.services.billing.payments import asking, moving
from salus.services.billing.payments.dues import account_for
from salus.services.billing.payments.port import Provider
from salus.services.billing.payments.shapes import DEPOSIT, Kind, Payment, Status, id_of


def deposit(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    account: str,
    provider: Provider,
    key: str,
    amount: int,
    currency: str,
) -> Payment:
    """Pay `amount` minor units into the deposit of an Account (by its id). Raises Missing, Forbidden, Invalid, Conflict
    (the key was used)."""
    if provider.name == DEPOSIT:
        raise Invalid("A deposit is not paid from itself: name another provider", path="provider")
    return moved(store, actor, purpose, account, provider, Kind.DEPOSIT, key, amount, currency)


def give_back(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    account: str,
    provider: Provider,
    key: str,
    amount: int,
    currency: str,
) -> Payment:
    """Give back `amount` minor units of what is held for an Account. Raises as `deposit`, Conflict for more than is
    held. What was paid by a provider that wants to know which payment it gives back is given back by `refund`."""
    if actor.role is Role.PATIENT or provider.name == DEPOSIT:
        raise Forbidden("A deposit is given back at the desk, by another provider than itself")
    return moved(store, actor, purpose, account, provider, Kind.RETURN, key, amount, currency)


def moved(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    account: str,
    provider: Provider,
    kind: Kind,
    key: str,
    amount: int,
    currency: str,
) -> Payment:
    asking.check(actor, purpose, provider, key)
    books.check_amount(amount)
    name = f"Account/{account}"
    id = id_of(f"{name}/{kind}", key)
    wanted = Payment(id, kind, Status.PENDING, provider.name, amount, currency, name, moving.now(), key)

    def work(desk: Desk) -> Payment:
        account_for(desk, actor, account)
        if (before := asking.kept(desk, id)) is not None:
            return asking.same(before, wanted, amount)
        if kind is Kind.RETURN:
            check_held(desk, wanted)
        return moving.begin(desk, wanted, provider.at_hand)

    return asking.asked(store, submit(store, actor, purpose, kind.value, name[:64], work), provider)


def check_held(desk: Desk, wanted: Payment) -> None:
    """Raises Conflict for more than is held."""
    held = -books.balance(desk, names.deposit(wanted.account), wanted.currency).net
    if wanted.amount > held:
        asked, had = plain(wanted.amount, wanted.currency), plain(held, wanted.currency)
        raise Conflict(f"{asked} is more than is held for {wanted.account} ({had} {wanted.currency})")


def deposited(store: Store, actor: Actor, purpose: Purpose, account: str, currency: str) -> int:
    """How many minor units are held for an Account. Raises Missing, Forbidden."""
    store.open(actor, purpose).read("Account", account)
    held = Books(store).balance(names.deposit(f"Account/{account}"), currency)
    return -held.net - held.debits_held
