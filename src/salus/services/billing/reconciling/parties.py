"""Which sides there are to reconcile with: those who take or pay money here, by the books, and the providers in use."""

from collections.abc import Iterable

from salus.records import Store
from salus.records.books import Books
from salus.services.billing.payments.shapes import DEPOSIT
from salus.services.billing.reconciling.bank import bank
from salus.services.billing.reconciling.insurer import insurer
from salus.services.billing.reconciling.sides import Side

MONEY, INSURER = "money/", "Organization/"
AT_HAND = frozenset({"cash", DEPOSIT})  # nobody else has a list of it


def side_of(name: str) -> Side:
    """
    >>> side_of("Organization/fund").account, side_of("simulated").account
    ('Organization/fund', 'money/simulated')
    """
    return insurer(name) if name.startswith(INSURER) else bank(name)


def parties(store: Store, providers: Iterable[str], usual: str = "CNY") -> list[tuple[str, str]]:
    """Name and currency of each side, providers first."""
    books = Books(store)
    taken = {(name.removeprefix(MONEY), currency) for name, currency, _ in books.accounts(MONEY)}
    known = {name for name, _ in taken}
    taken |= {(name, usual) for name in providers if name not in known}
    insurers = {(name, currency) for name, currency, _ in books.accounts(INSURER)}
    return [*sorted(one for one in taken if one[0] not in AT_HAND), *sorted(insurers)]
