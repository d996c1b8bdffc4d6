"""The books: double entry in integer minor units, never changed, added up by the database itself.

Each entry moves an amount from one account (credit) to another (debit), so that a posting sums to zero whatever it
says. An account is a name and a currency; its balance is debits less credits. A posting has a key of the caller's
choice: the same again under the same key is the same posting, something else under it is refused.

    post      stands at once
    pend      holds the amounts until it is settled or voided, once
    settle    posts what was pending, or less of it; the rest is let go
    void      lets all of it go
    reverse   posts the opposite of an earlier posting, once: nothing is ever corrected otherwise
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import msgspec

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.records.desk import Desk
from salus.records.reading import Reader

if TYPE_CHECKING:
    from salus.records.store import Store


class Act(IntEnum):
    """What a posting does; the numbers stand in the store and in `engines.guards`."""

    POST = 0
    PEND = 1
    SETTLE = 2
    VOID = 3
    REVERSE = 4


POSTED = "posting, key, act, about, ts, who, what"
FIND = f"SELECT {POSTED}, digest FROM posting WHERE key=?"
ENTRIES = """
SELECT d.name, c.name, e.amount, d.currency FROM entry e
JOIN account d ON d.account=e.debit JOIN account c ON c.account=e.credit WHERE e.posting=? ORDER BY e.n
"""
STATEMENT = """
SELECT * FROM (
SELECT p.posting, p.key, p.act, p.about, p.ts, p.who, p.what, o.name, e.amount*{sign} FROM entry e
JOIN posting p ON p.posting=e.posting JOIN account o ON o.account=e.{other} WHERE e.{own}=? AND e.posting>? AND p.act<>1
ORDER BY e.posting LIMIT ?) one_side
"""
LAST = "SELECT posting FROM posting WHERE ts<? ORDER BY posting DESC LIMIT 1"  # time never runs backwards in the books
MOST = 10**17  # minor units of an entry: 64 bits hold the sum of ninety such
PAGE = 2000  # lines of a statement read at once
BALANCE = "SELECT account, debits, credits, debits_held, credits_held FROM account WHERE name=? AND currency=?"
TOTALS = """
SELECT currency, sum(debits), sum(credits), sum(debits_held), sum(credits_held) FROM account GROUP BY currency
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """`amount` minor units from `credit` to `debit`, both names of accounts."""

    debit: str
    credit: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """What was posted. `about`: the number of the posting that it settles, voids or reverses."""

    number: int
    key: str
    act: Act
    about: int | None
    at: datetime
    who: str
    what: str
    currency: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """Sums of an account in minor units; what is held is not in the first two."""

    debits: int = 0
    credits: int = 0
    debits_held: int = 0
    credits_held: int = 0

    @property
    def net(self) -> int:
        return self.debits - self.credits

    @property
    def free(self) -> int:
        """What may still be credited: the net without what is held against it."""
        return self.net - self.credits_held


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as an account's statement shows it: positive is debit."""

    posting: int
    key: str
    act: Act
    at: datetime
    who: str
    what: str
    other: str
    amount: int


# --- at the desk, in the transaction that writes what it is about ---


def limit(desk: Desk, name: str, currency: str, least: int | None = None, most: int | None = None) -> None:
    """Keep the balance of an account within bounds from now on: `most=0` for one that owes and may not be overdrawn."""
    account = account_of(desk, name, currency)
    desk.connection.execute("UPDATE account SET least=?, most=? WHERE account=?", (least, most, account))


def post(desk: Desk, key: str, currency: str, entries: Sequence[Entry], what: str) -> Posting:
    """Post at once; `what` names what it is for, such as `Invoice/7`. Raises Invalid, Conflict (the key is taken by
    something else, or an account has not so much)."""
    return write(desk, key, Act.POST, None, currency, entries, what)


def pend(desk: Desk, key: str, currency: str, entries: Sequence[Entry], what: str) -> Posting:
    """Hold the amounts until `settle` or `void`."""
    return write(desk, key, Act.PEND, None, currency, entries, what)


def settle(desk: Desk, key: str, about: str, what: str, entries: Sequence[Entry] | None = None) -> Posting:
    """Post what was pending under the key `about`: all of it, or what `entries` say of the same accounts, not more.

    Raises Missing for an unknown key, Conflict when it is not pending any more, Invalid for more than was held.
    """
    held = the_posting(desk, about, Act.PEND)
    wanted = held.entries if entries is None else tuple(entries)
    check_within(held, wanted)
    return write(desk, key, Act.SETTLE, held, held.currency, wanted, what)


def void(desk: Desk, key: str, about: str, what: str) -> Posting:
    """Let go what was pending under the key `about`. Raises Missing, Conflict."""
    held = the_posting(desk, about, Act.PEND)
    return write(desk, key, Act.VOID, held, held.currency, (), what)


def reverse(desk: Desk, key: str, about: str, what: str) -> Posting:
    """Post the opposite of the posting under the key `about`, once. Raises Missing, Conflict."""
    found = the_posting(desk, about, Act.POST, Act.SETTLE, Act.REVERSE)
    opposite = [Entry(one.credit, one.debit, one.amount) for one in found.entries]
    return write(desk, key, Act.REVERSE, found, found.currency, opposite, what)


def the_posting(desk: Desk, key: str, *acts: Act) -> Posting:
    found = posting_of(desk, key)
    if found is None:
        raise Missing(f"Nothing was posted under the key '{key}'", path="about")
    if found.act not in acts:
        allowed = " or ".join(act.name.lower() for act in acts)
        raise Conflict(f"'{key}' is a {found.act.name.lower()}: only a {allowed} can be asked for here", path="about")
    return found


def write(
    desk: Desk, key: str, act: Act, about: Posting | None, currency: str, entries: Sequence[Entry], what: str
) -> Posting:
    check(key, act, entries)
    digest = digest_of(act, about, currency, entries, what)
    if (before := desk.connection.execute(FIND, (key,)).fetchone()) is not None:
        return same(desk, before, digest)
    if about is not None:
        check_open(desk, about)
    number: int = desk.connection.execute("SELECT coalesce(max(posting), 0) + 1 FROM posting").fetchone()[0]
    rows = [
        (number, n, account_of(desk, one.debit, currency), account_of(desk, one.credit, currency), one.amount)
        for n, one in enumerate(entries)
    ]
    fields = (number, key, digest, int(act), about.number if about else None, desk.ts, desk.actor.reference, what)
    desk.connection.execute(
        "INSERT INTO posting(posting, key, digest, act, about, ts, who, what) VALUES(?, ?, ?, ?, ?, ?, ?, ?)", fields
    )
    for row in rows:  # one by one: the database adds each to its accounts
        desk.connection.execute("INSERT INTO entry(posting, n, debit, credit, amount) VALUES(?, ?, ?, ?, ?)", row)
    return Posting(number, key, act, fields[4], desk.at, desk.actor.reference, what, currency, tuple(entries))


def check(key: str, act: Act, entries: Sequence[Entry]) -> None:
    """Raises Invalid for an empty key, a posting of nothing, an amount that is no positive integer, one account."""
    if not 0 < len(key) <= 200:
        raise Invalid(f"A key has 1 to 200 characters, this one {len(key)}", path="key")
    if not entries and act is not Act.VOID:
        raise Invalid("Nothing is posted: give at least one entry", path="entries")
    for one in entries:
        check_amount(one.amount)
        if one.debit == one.credit:
            raise Invalid(f"'{one.debit}' stands on both sides: name two accounts", path="entries")


def check_amount(amount: object) -> None:
    """Raises Invalid for what is no positive whole number, or more than any account may add up."""
    if type(amount) is not int or not 0 < amount <= MOST:
        raise Invalid(f"{str(amount)[:40]!r} is no amount: a whole number of minor units, 1 to {MOST}", path="amount")


def check_within(held: Posting, wanted: Iterable[Entry]) -> None:
    """Raises Invalid where more is settled between two accounts than was held between them."""
    left: dict[tuple[str, str], int] = {}
    for one in held.entries:
        left[one.debit, one.credit] = left.get((one.debit, one.credit), 0) + one.amount
    for one in wanted:
        have = left.get((one.debit, one.credit), 0)
        if one.amount > have:
            raise Invalid(
                f"{one.amount} from {one.credit} to {one.debit} is more than is held there ({have})", path="amount"
            )
        left[one.debit, one.credit] = have - one.amount


def check_open(desk: Desk, about: Posting) -> None:
    """Raises Conflict when a posting was settled, voided or reversed already."""
    sql = "SELECT key, act FROM posting WHERE about=?"
    if (found := desk.connection.execute(sql, (about.number,)).fetchone()) is not None:
        done = {Act.SETTLE: "settled", Act.VOID: "voided", Act.REVERSE: "reversed"}[Act(found[1])]
        raise Conflict(f"'{about.key}' was {done} by '{found[0]}': that is done once", path="about")


def digest_of(act: Act, about: Posting | None, currency: str, entries: Sequence[Entry], what: str) -> bytes:
    """What makes two requests the same."""
    told = [int(act), about.key if about else "", currency, what]
    rows = [[one.debit, one.credit, one.amount] for one in entries]
    return hashlib.sha256(msgspec.msgpack.encode([told, rows])).digest()


def same(desk: Desk, line: Sequence[Any], digest: bytes) -> Posting:
    """The posting that stands under a key, for a request that comes again. Raises Conflict for another request."""
    if line[-1] != digest:
        raise Conflict(f"The key '{line[1]}' was used for something else: choose another", path="key")
    return told(desk, line)


def account_of(desk: Desk, name: str, currency: str) -> int:
    """The number of an account, which is opened when it is named first."""
    found = desk.connection.execute(BALANCE, (name, currency)).fetchone()
    if found:
        return int(found[0])
    if not (name and len(name) <= 200 and len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise Invalid(f"'{name}' in '{currency}' is no account: a name, and a currency of ISO 4217", path="account")
    number: int = desk.connection.execute("SELECT coalesce(max(account), 0) + 1 FROM account").fetchone()[0]
    sql = "INSERT INTO account(account, name, currency) VALUES(?, ?, ?)"
    desk.connection.execute(sql, (number, name, currency))
    return number


# --- looking ---


def posting_of(at: Desk | Reader, key: str) -> Posting | None:
    """What was posted under a key."""
    found = at.connection.execute(FIND, (key,)).fetchone()
    return told(at, found) if found else None


def told(at: Desk | Reader, line: Sequence[Any]) -> Posting:
    number, key, act, about, ts, who, what, *_ = line
    rows = at.connection.execute(ENTRIES, (number,)).fetchall()
    entries = tuple(Entry(debit, credit, amount) for debit, credit, amount, _ in rows)
    if not rows:  # a void has no entries of its own: its currency is that of what it voids
        rows = at.connection.execute(ENTRIES, (about,)).fetchall()
    return Posting(number, key, Act(act), about, clock.of_millis(ts), who, what, rows[0][3], entries)


def balance(at: Desk | Reader, name: str, currency: str) -> Balance:
    """The balance of an account; nothing for one that nobody named yet."""
    found = at.connection.execute(BALANCE, (name, currency)).fetchone()
    return Balance(*found[1:]) if found else Balance()


class Books:
    """The books of a store, for who looks."""

    def __init__(self, store: "Store") -> None:
        self.store = store

    def balance(self, name: str, currency: str) -> Balance:
        with self.store.readers.one() as reader:
            return balance(reader, name, currency)

    def posting(self, key: str) -> Posting | None:
        with self.store.readers.one() as reader:
            return posting_of(reader, key)

    def accounts(self, prefix: str = "") -> list[tuple[str, str, Balance]]:
        """Name, currency and balance of each account whose name begins so, in order."""
        sql = "SELECT name, currency, debits, credits, debits_held, credits_held FROM account ORDER BY name, currency"
        with self.store.readers.one() as reader:
            lines = reader.connection.execute(sql).fetchall()
        return [(name, currency, Balance(*rest)) for name, currency, *rest in lines if name.startswith(prefix)]

    def statement(self, name: str, currency: str, after: int = 0, limit: int = 200) -> list[Line]:
        """What was posted on an account after posting number `after`, in order. What only pends is not in it."""
        with self.store.readers.one() as reader:
            found = reader.connection.execute(BALANCE, (name, currency)).fetchone()
            number = found[0] if found else 0
            halves = [STATEMENT.format(sign=sign, own=own, other=other) for sign, own, other in SIDES]
            sql = f"SELECT * FROM ({halves[0]} UNION ALL {halves[1]}) both_sides ORDER BY 1 LIMIT ?"
            lines = reader.connection.execute(sql, (number, after, limit) * 2 + (limit,)).fetchall()
        return [
            Line(n, key, Act(act), clock.of_millis(ts), who, what, other, amount)
            for n, key, act, _, ts, who, what, other, amount in lines
        ]

    def lines(self, name: str, currency: str, after: int = 0, upto: int | None = None) -> Iterator[Line]:
        """The statement of an account after posting `after`, to posting `upto` at the most, however long it is."""
        while page := self.statement(name, currency, after, PAGE):
            last = page[-1].posting  # a posting may have lines that did not come with this page any more
            whole = [one for one in page if one.posting != last] if len(page) == PAGE else []
            for one in whole or page:
                if upto is not None and one.posting > upto:
                    return
                yield one
            after = (whole or page)[-1].posting

    def last(self, before: datetime) -> int:
        """The number of the last posting before a moment; 0 for none."""
        with self.store.readers.one() as reader:
            found = reader.connection.execute(LAST, (int(before.timestamp() * 1000),)).fetchone()
        return int(found[0]) if found else 0

    def trial(self) -> dict[str, Balance]:
        """The sums over all accounts by currency: debits and credits are equal, or the books are broken."""
        with self.store.readers.one() as reader:
            return {line[0]: Balance(*map(int, line[1:])) for line in reader.connection.execute(TOTALS).fetchall()}


SIDES = (("1", "debit", "credit"), ("(-1)", "credit", "debit"))
