"""Reconciliation: a day of payments against the statement of a bank that is wrong in every way, at 1 in 100.

Run: `python benchmarks/services/reconciling.py [--payments 1000000]`. The payments are made at the desk of a real store
(SQLite), by the functions that the cash desk uses, on many invoices in parts. Faults of each kind are put into the
statements of two days. Afterwards: every fault was found under its own name, nothing else was; the bank's account has
in the books what the bank has; what each patient owes, and is held for them, equals a count in plain Python; done again
nothing changes. The peak of memory is that of the reconciliation, in a process of its own.
"""

import argparse
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from salus.base import clock, money
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, books
from salus.records.books import Books, Entry
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import put
from salus.services.billing.payments import desk as paying
from salus.services.billing.payments import moving
from salus.services.billing.payments.port import Row, State
from salus.services.billing.payments.shapes import Payment
from salus.services.billing.reconciling import Fault, bank, reconcile, reconciled
from salus.services.billing.reconciling.bank import write

ZONE = ZoneInfo("Asia/Shanghai")
DAY, NEXT = date(2026, 11, 23), date(2026, 11, 24)
MORNING = datetime(2026, 11, 23, 1, tzinfo=UTC)
PARTS = 1000  # payments of an invoice
BATCH = 500  # payments in a transaction, so that a day is made in reasonable time
NAME = "simulated"

# what is done to a payment: (how the desk made it, what the bank's two statements say), and what it is found as
FAULTS: dict[str, tuple[Fault, ...]] = {
    "unknown here": (Fault.MISSING_HERE,),
    "never there": (Fault.NOT_THERE_YET, Fault.MISSING_THERE),
    "a day later there": (Fault.NOT_THERE_YET, Fault.WRONG_DAY),
    "a day later here": (Fault.WRONG_DAY,),
    "less there": (Fault.AMOUNT,),
    "more there": (Fault.AMOUNT,),
    "moved twice": (Fault.TWICE,),
    "listed twice": (Fault.REPEATED,),
    "waits here": (Fault.STATUS,),
    "let go here": (Fault.STATUS,),
    "refused there": (Fault.STATUS,),
}
Truth = Counter[tuple[Fault, str]]


class World:
    """What was done, and beside it a count of what must come of it."""

    def __init__(self, store: Store, payments: int, share: float, seed: int) -> None:
        self.store, self.draw = store, Random(seed)
        self.payments, self.share = payments, share
        self.owed: Counter[str] = Counter()
        self.money = self.held = self.difference = 0
        self.truth: Truth = Counter()
        self.days: dict[date, list[Row]] = {DAY: [], NEXT: []}

    def make(self) -> None:
        """Invoices, and payments of them on the first day; those that we hear of on the next one at last."""
        late: list[tuple[dict[str, Any], int]] = []
        for n in range(0, self.payments, PARTS):
            invoice = self.issue(n // PARTS, min(PARTS, self.payments - n))
            at = MORNING + timedelta(seconds=n * 40_000 // self.payments)
            plans = [(invoice, n + k, self.plan()) for k in range(min(PARTS, self.payments - n))]
            late += [(invoice, k) for invoice, k, fault in plans if fault == "a day later here"]
            self.at(at, [one for one in plans if one[2] != "a day later here"])
        for n in range(0, len(late), BATCH):
            self.at(MORNING + timedelta(days=1), [(*one, "a day later here") for one in late[n : n + BATCH]])

    def plan(self) -> str:
        return self.draw.choice(list(FAULTS)) if self.draw.random() < self.share else ""

    def issue(self, n: int, parts: int) -> dict[str, Any]:
        minor, id = parts * 100_000, f"i{n}"
        account = {"resourceType": "Account", "id": f"a{n}", "status": "active"}
        told = {"resourceType": "Invoice", "id": id, "status": "issued", "account": {"reference": f"Account/a{n}"}}
        told |= {"totalGross": money.amount(minor, "CNY")}

        def work(desk: Desk) -> None:
            put(desk, account)
            put(desk, told)
            books.limit(desk, f"Account/a{n}/{id}", "CNY", least=0)
            books.post(desk, f"invoice/{id}", "CNY", [Entry(f"Account/a{n}/{id}", "income", minor)], f"Invoice/{id}")

        with clock.stopped_at(MORNING - timedelta(hours=1)):
            self.write(work)
        self.owed[f"Account/a{n}/{id}"] = minor
        return told

    def at(self, at: datetime, plans: list[tuple[dict[str, Any], int, str]]) -> None:
        """Make these payments at the desk at that moment, and their lines at the bank."""
        made = [(self.payment(invoice, n, at), fault) for invoice, n, fault in plans]

        def work(some: list[tuple[Payment, str]]) -> Callable[[Desk], None]:
            return lambda desk: [self.begin(desk, *one) for one in some] and None

        with clock.stopped_at(at):
            for n in range(0, len(made), BATCH):
                self.write(work(made[n : n + BATCH]))
        for payment, fault in made:
            self.tell(payment, fault)

    def payment(self, invoice: dict[str, Any], n: int, at: datetime) -> Payment:
        minor = self.draw.randint(200, 99_000)
        return replace(paying.for_invoice(invoice, NAME, f"k{n}"), amount=minor, at=at)

    def begin(self, desk: Desk, payment: Payment, fault: str) -> None:
        if fault == "unknown here":
            return
        at_hand = fault not in ("waits here", "let go here")
        begun = moving.begin(desk, payment, at_hand)
        if fault == "let go here":
            moving.let_go(desk, begun, "closed")

    def write(self, work: Callable[[Desk], None]) -> None:
        self.store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "pay", "")).result()

    def tell(self, payment: Payment, fault: str) -> None:
        """The bank's lines of a payment, and what must come of them."""
        row = Row(payment.id, f"B{payment.id}", "payment", payment.amount, "CNY", payment.at, State.PAID)
        rows, paid, held, apart = BECOMES[fault](row)
        self.days[NEXT if fault == "a day later there" else DAY] += rows
        self.owed[payment.target] -= paid
        self.held += held
        self.difference += apart
        self.money += paid + held + apart
        self.truth.update((one, payment.id) for one in FAULTS.get(fault, ()))


Becomes = tuple[list[Row], int, int, int]  # lines at the bank; minor units paid, held for the patient, unexplained


def fine(row: Row) -> Becomes:
    return [row], row.amount, 0, 0


def less(row: Row) -> Becomes:
    return [replace(row, amount=row.amount - 100)], row.amount - 100, 0, 0


def more(row: Row) -> Becomes:
    return [replace(row, amount=row.amount + 100)], row.amount, 100, 0


def twice(row: Row) -> Becomes:
    return [row, replace(row, reference=f"{row.reference}-2")], row.amount, row.amount, 0


BECOMES: dict[str, Callable[[Row], Becomes]] = {
    "": fine,
    "unknown here": lambda row: ([row], 0, 0, row.amount),
    "never there": lambda row: ([], 0, 0, 0),
    "a day later there": fine,
    "a day later here": fine,
    "less there": less,
    "more there": more,
    "moved twice": twice,
    "listed twice": lambda row: ([row, row], row.amount, 0, 0),
    "waits here": fine,
    "let go here": fine,
    "refused there": lambda row: ([replace(row, state=State.REFUSED)], 0, 0, 0),
}


def statement(rows: list[Row], path: Path, draw: Random) -> Path:
    draw.shuffle(rows)
    with path.open("w", encoding="utf-8", newline="") as out:
        write(rows, out)
    return path


def run(place: str, files: dict[date, Path], pipe: Any) -> None:
    """Both days, twice, in a process of its own, so that its memory can be seen."""
    began, cpu = time.perf_counter(), time.process_time()
    with Store(place) as store:
        for day, file in files.items():
            done(store, file, day)
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
        before = Books(store).accounts()
        for day, file in files.items():
            done(store, file, day)
        pipe.send(
            (
                seconds,
                spent,
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                before == Books(store).accounts(),
            )
        )


def done(store: Store, file: Path, day: date) -> None:
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(days=1)
    with clock.stopped_at(at):
        reconcile(
            store, SYSTEM, Purpose.PAYMENT, file, bank(NAME), day, ZONE, sure=day == NEXT
        )  # a day of faults alone


def found(store: Store) -> Iterator[tuple[Fault, str]]:
    records = store.open(SYSTEM, Purpose.PAYMENT)
    for day in (DAY, NEXT):
        yield from ((one.fault, one.id) for one in reconciled(records, NAME, "CNY", day).differences)


def equal(store: Store, world: World) -> dict[str, bool]:
    """The books against the count."""
    kept = Books(store)
    net = {name: held.net for name, _, held in kept.accounts()}
    (trial,) = kept.trial().values()
    held = -sum(amount for name, amount in net.items() if name.startswith("deposit/"))
    return {
        "trial balance 0": trial.debits == trial.credits and trial.debits_held == trial.credits_held == 0,
        "the bank's account": net[f"money/{NAME}"] == world.money,
        "on its way": net.get(f"transit/{NAME}", 0) == 0,
        "owed by each": {name: net[name] for name in world.owed} == dict(world.owed),
        "held for patients": held == world.held,
        "unexplained": -net[f"difference/{NAME}"] == world.difference,
    }


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--payments", type=int, default=1_000_000)
    asked.add_argument("--share", type=float, default=0.01)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "books.db")
        began = time.perf_counter()
        with Store(place) as store:
            world = World(store, given.payments, given.share, 11)
            world.make()
        making = time.perf_counter() - began
        files = {day: statement(rows, Path(folder) / f"{day}.csv", world.draw) for day, rows in world.days.items()}
        size = sum(map(len, world.days.values()))
        world.days.clear()
        here, there = get_context("spawn").Pipe()
        child = get_context("spawn").Process(target=run, args=(place, files, there))
        child.start()
        there.close()  # so that its end is seen, if it fails
        seconds, spent, peak, again = here.recv()
        child.join()
        with Store(place) as store:
            told, same = Counter(found(store)), equal(store, world)
        missed, false = world.truth - told, told - world.truth
        print(
            {
                "payments": given.payments,
                "lines": size,
                "made per second": round(given.payments / making),
                "faults": sum(world.truth.values()),
                "by kind": dict(sorted(Counter(fault.value for fault, _ in world.truth.elements()).items())),
                "missed": missed.total(),
                "false": false.total(),
                "equal to the count": same,
                "again changes nothing": again,
                "seconds, both days": round(seconds, 1),
                "lines per CPU-second": round(size / spent),
                "peak MiB": peak,
            }
        )
        assert not missed and not false and again and all(same.values())


if __name__ == "__main__":
    main()
