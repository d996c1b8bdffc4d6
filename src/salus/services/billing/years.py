"""What has added up in an insured's year: kept in the books, so that it is under lock, posted once, and never changed
but by reversal."""

from dataclasses import fields

from salus.places.settlement import Year
from salus.records import books
from salus.records.books import Entry
from salus.records.desk import Desk
from salus.records.reading import Reader
from salus.services.billing.names import year_account

WHAT = tuple(one.name for one in fields(Year))


def year_of(at: Desk | Reader, coverage: str, year: int, currency: str) -> Year:
    """How the year stands. `coverage`: `Coverage/<id>`; amounts in minor units."""
    return Year(**{what: books.balance(at, year_account(coverage, year, what), currency).net for what in WHAT})


def entries(coverage: str, year: int, added: Year, other: str = "") -> list[Entry]:
    """The entries that add to a year; what is taken back goes the other way. `other`: the account on the other side,
    usually that of our own bills."""
    memo, made = other or f"memo/{year}", []
    for what in WHAT:
        amount = getattr(added, what)
        sides = (year_account(coverage, year, what), memo)
        if amount:
            made.append(Entry(*(sides if amount > 0 else sides[::-1]), abs(amount)))
    return made
