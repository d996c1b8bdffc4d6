"""The auditor's books: every account with its balance, whether they sum to nothing, and every line of an account."""

from dataclasses import dataclass

from starlette.responses import Response

from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records.books import Balance, Books
from salus.web.telling.ledger import called
from salus.web.telling.people import staff
from salus.web.visit import Visit

COUNT = 100
MOST = 200  # accounts of a kind that are shown
NOT_MONEY = "XXX"  # ISO 4217: no currency; the books keep counts in it too
GROUPS = (
    *("money", "income", "Organization", "Account", "deposit", "Coverage"),
    *("difference", "writeoff", "memo", "elsewhere"),
)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    currency: str
    balance: Balance


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts whose names begin alike, with their sum by currency."""

    kind: str
    rows: tuple[Row, ...]
    sums: dict[str, int]


def trial(visit: Visit) -> Response:
    """The trial balance: by kind of account, and all together."""
    looked(visit, "books")
    books = Books(visit.desk.store)
    rows = [Row(*one) for one in books.accounts() if one[1] != NOT_MONEY]
    whole = {currency: sums for currency, sums in books.trial().items() if currency != NOT_MONEY}
    groups = grouped(rows)
    names = called(visit, (row.name for group in groups for row in group.rows[:MOST]))
    return visit.page(
        "billing/books.html", groups=groups, names=names, whole=whole, asked=visit.query.get("kind", ""), most=MOST
    )


def grouped(rows: list[Row]) -> list[Group]:
    made = []
    for kind in (*GROUPS, ""):
        own = tuple(row for row in rows if kind_of(row.name) == kind)
        sums: dict[str, int] = {}
        for row in own:
            sums[row.currency] = sums.get(row.currency, 0) + row.balance.net
        if own:
            made.append(Group(kind or "other", own, sums))
    return made


def kind_of(name: str) -> str:
    """
    >>> kind_of("money/cash"), kind_of("Account/7/3"), kind_of("somewhere")
    ('money', 'Account', '')
    """
    kind = name.partition("/")[0]
    return kind if kind in GROUPS else ""


def statement(visit: Visit) -> Response:
    """What was posted on an account, in order; `after` (the number of a posting) turns the page."""
    name, currency = visit.query.get("name", "")[:200], visit.query.get("currency", "")[:3]
    looked(visit, name)
    asked = visit.query.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) < 16 else 0
    books = Books(visit.desk.store)
    lines = books.statement(name, currency, after, COUNT)
    return visit.page(
        "billing/statement.html",
        name=name,
        currency=currency,
        lines=lines,
        names=called(visit, {name, *(line.other for line in lines)}),
        people=staff(visit.records, (line.who for line in lines), visit.language),
        balance=books.balance(name, currency),
        later=bool(after),
        next=lines[-1].posting if len(lines) == COUNT else None,
    )


def looked(visit: Visit, what: str) -> None:
    """Who looks into the books may read accounts, and the audit says so. Raises Forbidden."""
    who = visit.who
    check_may(who.actor, who.purpose, Act.READ, "Account")
    visit.desk.store.writer.note(who.actor, who.purpose, "read", f"books/{what}")
