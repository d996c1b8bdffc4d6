"""The books: every posting sums to zero, nothing is ever changed, the same key is the same posting."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing, SalusError
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, books
from salus.records.books import Act, Balance, Books, Entry
from salus.records.checking import check
from salus.records.desk import Desk
from salus.records.engines import engine_of
from salus.records.writer import Request

FEE = [Entry("Account/li", "fees", 12_000), Entry("insurer", "fees", 28_000)]
LARGE = 9_000_000_000_000_000


def at_desk(store: Store, work: Callable[[Desk], Any]) -> Any:
    return store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "post", "")).result()


def post(store: Store, key: str, entries: list[Entry] = FEE, what: str = "Invoice/1") -> books.Posting:
    return at_desk(store, lambda desk: books.post(desk, key, "CNY", entries, what))


def net(store: Store, name: str) -> int:
    return Books(store).balance(name, "CNY").net


def test_a_posting_moves_its_amounts_and_all_accounts_together_stay_at_zero(store: Store):
    with clock.stopped_at(datetime(2026, 3, 1, tzinfo=UTC)):
        made = post(store, "charge-1")
    assert made == Books(store).posting("charge-1") and made.entries == tuple(FEE) and made.who == SYSTEM.reference
    assert (net(store, "Account/li"), net(store, "insurer"), net(store, "fees")) == (12_000, 28_000, -40_000)
    assert Books(store).trial() == {"CNY": Balance(40_000, 40_000)}
    assert [(one.other, one.amount) for one in Books(store).statement("fees", "CNY")] == [
        ("Account/li", -12_000),
        ("insurer", -28_000),
    ]


def test_the_same_again_is_the_same_posting_and_another_under_its_key_is_refused(store: Store):
    first = post(store, "charge-1")
    assert post(store, "charge-1") == first and net(store, "insurer") == 28_000
    for entries, what in (([Entry("insurer", "fees", 1)], "Invoice/1"), (FEE, "Invoice/2"), (FEE[::-1], "Invoice/1")):
        with pytest.raises(Conflict, match="'charge-1' was used for something else"):
            post(store, "charge-1", entries, what)
    assert net(store, "insurer") == 28_000


@pytest.mark.parametrize(
    "entries",
    [[], [Entry("a", "b", 0)], [Entry("a", "b", -5)], [Entry("a", "a", 5)], [Entry("", "b", 5)],
     [Entry("a", "b", 1.5)], [Entry("a", "b", 10**18)], [Entry("a", "b", True)], [Entry("a" * 201, "b", 5)]],
)  # fmt: skip
def test_what_is_no_amount_or_no_account_is_refused_whole(store: Store, entries: list[Entry]):
    with pytest.raises(Invalid):
        post(store, "k", [Entry("x", "y", 5), *entries] if entries else [])
    assert Books(store).trial() == {} and Books(store).posting("k") is None


def test_what_is_pending_is_held_then_settled_in_part_and_the_rest_let_go(store: Store):
    at_desk(store, lambda desk: books.limit(desk, "deposit", "CNY", most=0))
    post(store, "paid-in", [Entry("bank", "deposit", 500)])
    at_desk(store, lambda desk: books.pend(desk, "hold", "CNY", [Entry("deposit", "fees", 400)], "Invoice/1"))
    assert Books(store).balance("deposit", "CNY") == Balance(0, 500, 400, 0) and net(store, "fees") == 0
    with pytest.raises(Conflict):  # 100 are left
        post(store, "too-much", [Entry("deposit", "fees", 101)])
    with pytest.raises(Invalid, match="more than is held"):
        at_desk(store, lambda desk: books.settle(desk, "s", "hold", "Invoice/1", [Entry("deposit", "fees", 401)]))
    done = at_desk(store, lambda desk: books.settle(desk, "s", "hold", "Invoice/1", [Entry("deposit", "fees", 350)]))
    assert done.act is Act.SETTLE and Books(store).balance("deposit", "CNY") == Balance(350, 500)
    with pytest.raises(Conflict, match="was settled by 's'"):
        at_desk(store, lambda desk: books.void(desk, "v", "hold", "Invoice/1"))
    assert done == at_desk(
        store, lambda desk: books.settle(desk, "s", "hold", "Invoice/1", [Entry("deposit", "fees", 350)])
    )


def test_what_is_voided_is_let_go_and_counts_nowhere(store: Store):
    at_desk(store, lambda desk: books.pend(desk, "hold", "CNY", FEE, "Invoice/1"))
    voided = at_desk(store, lambda desk: books.void(desk, "v", "hold", "left unpaid"))
    assert voided.entries == () and voided.currency == "CNY" and voided == Books(store).posting("v")
    assert Books(store).trial() == {"CNY": Balance()} and Books(store).statement("fees", "CNY") == []


def test_a_correction_is_the_reverse_and_is_made_once(store: Store):
    post(store, "wrong")
    at_desk(store, lambda desk: books.reverse(desk, "undo", "wrong", "priced twice"))
    assert (net(store, "Account/li"), net(store, "fees")) == (0, 0)
    for key, work in (("undo-2", books.reverse), ("v", books.void), ("s", books.settle)):
        with pytest.raises(Conflict):
            at_desk(store, lambda desk, key=key, work=work: work(desk, key, "wrong", ""))
    with pytest.raises(Missing):
        at_desk(store, lambda desk: books.reverse(desk, "x", "never", ""))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET amount=amount+1 WHERE 1=1",
        "DELETE FROM entry WHERE 1=1",
        "UPDATE posting SET what='other' WHERE 1=1",
        "DELETE FROM posting WHERE 1=1",
        "INSERT INTO entry(posting, n, debit, credit, amount) VALUES(1, 9, 1, 1, 5)",
        "INSERT INTO entry(posting, n, debit, credit, amount) VALUES(1, 9, 1, 2, -5)",
        "INSERT INTO entry(posting, n, debit, credit, amount) VALUES(1, 9, 1, 777, 5)",
        "INSERT INTO entry(posting, n, debit, credit, amount) SELECT 1, 9, 1, account, 5 FROM account WHERE name='usd'",
    ],
)
def test_the_database_refuses_every_change_of_the_books(store: Store, sql: str):
    post(store, "k")
    at_desk(store, lambda desk: books.post(desk, "dollars", "USD", [Entry("usd", "income", 5)], ""))
    before = Books(store).accounts()
    with pytest.raises(SalusError):
        at_desk(store, lambda desk: desk.connection.execute(sql))
    assert before == Books(store).accounts()


def test_an_account_with_bounds_is_kept_within_them(store: Store):
    at_desk(store, lambda desk: books.limit(desk, "wallet", "CNY", least=-100, most=200))
    post(store, "in", [Entry("wallet", "bank", 200)])
    for key, entry in (("over", Entry("wallet", "bank", 1)), ("under", Entry("bank", "wallet", 301))):
        with pytest.raises(Conflict):
            post(store, key, [entry])
    post(store, "out", [Entry("bank", "wallet", 300)])
    assert net(store, "wallet") == -100


def test_amounts_larger_than_a_float_holds_stay_exact(store: Store):
    post(store, "a", [Entry("x", "y", LARGE + 1)])
    post(store, "b", [Entry("x", "y", 1)])
    assert net(store, "x") == LARGE + 2 == -net(store, "y")


def test_random_postings_add_up_as_an_independent_count_says(new_place: Callable[[], str]):
    """2,000 operations with retries and refusals, against a count in plain Python."""
    place, draw, sums, open_holds, posted = new_place(), Random(5), {}, {}, []
    names = [f"a{n}" for n in range(12)]

    def add(entries: tuple[Entry, ...], sign: int = 1) -> None:
        for one in entries:
            sums[one.debit] = sums.get(one.debit, 0) + sign * one.amount
            sums[one.credit] = sums.get(one.credit, 0) - sign * one.amount

    with Store(place) as store:
        for n in range(2000):
            kind, key = draw.choice(["post", "post", "pend", "settle", "void", "reverse", "again"]), f"k{n}"
            entries = tuple(Entry(*draw.sample(names, 2), draw.randint(1, 10**9)) for _ in range(draw.randint(1, 4)))
            if kind == "post":
                posted.append((key, post(store, key, list(entries))))
                add(entries)
            elif kind == "pend":
                open_holds[key] = at_desk(store, lambda d, k=key, e=entries: books.pend(d, k, "CNY", e, "x")).entries
            elif kind in ("settle", "void") and open_holds:
                about = draw.choice(sorted(open_holds))
                close = getattr(books, kind)
                at_desk(store, lambda d, k=key, a=about, close=close: close(d, k, a, "x"))
                held = open_holds.pop(about)
                if kind == "settle":
                    add(held)
            elif kind == "reverse" and posted:
                about, made = posted.pop(draw.randrange(len(posted)))
                at_desk(store, lambda d, k=key, a=about: books.reverse(d, k, a, "x"))
                add(made.entries, -1)
            elif kind == "again" and posted:
                about, made = draw.choice(posted)
                assert made == post(store, about, list(made.entries))
        accounts = Books(store).accounts()
        assert {name: held.net for name, _, held in accounts if held.net} == {k: v for k, v in sums.items() if v}
        held = sum(one.amount for entries in open_holds.values() for one in entries)
        (trial,) = Books(store).trial().values()
        assert trial.debits == trial.credits and trial.debits_held == trial.credits_held == held
    assert [] == check(place).faults


def test_verify_names_an_account_that_is_not_the_sum_of_its_entries(new_place: Callable[[], str]):
    place = new_place()
    with Store(place) as store:
        post(store, "k")
    with closing(engine_of(place).writer()) as connection:
        connection.begin_writing()
        connection.execute("UPDATE account SET debits=debits+1 WHERE name='insurer'")
        connection.execute("COMMIT")
    assert [("unbalanced", "insurer")] == [(one.kind, one.what) for one in check(place).faults]
