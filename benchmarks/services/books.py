"""The books: random postings, settlements, voids, reversals and retries, then everything counted again elsewhere.

Run: `python benchmarks/services/books.py [--operations 1000000]`. Requests wait at the one writer as those of a server
do. Afterwards: debits equal credits, every amount is an integer, each balance equals a count in plain Python.
"""

import argparse
import tempfile
import time
from collections import deque
from pathlib import Path
from random import Random
from typing import Any

from salus.base.errors import Busy
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, books
from salus.records.books import Books, Entry
from salus.records.checking import check
from salus.records.writer import Request

NAMES = [f"Account/{n}" for n in range(2000)] + ["bank", "insurer", "fees", "refunds"]
AHEAD = 512  # requests on their way


class Attack:
    """Operations on a store, and beside them a dictionary that says what must come of it."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.draw = store, Random(seed)
        self.net: dict[str, int] = {}
        self.pending: dict[str, tuple[Entry, ...]] = {}
        self.posted: list[tuple[str, tuple[Entry, ...]]] = []

    def add(self, entries: tuple[Entry, ...], sign: int = 1) -> None:
        for one in entries:
            self.net[one.debit] = self.net.get(one.debit, 0) + sign * one.amount
            self.net[one.credit] = self.net.get(one.credit, 0) - sign * one.amount

    def next(self, n: int) -> Any:
        """The work of operation `n`; what it will have done is noted at once, since nothing of it can be refused."""
        kind, key, draw = (
            self.draw.choices(("post", "pend", "close", "reverse", "again"), (60, 12, 12, 6, 10))[0],
            f"k{n}",
            self.draw,
        )
        entries = tuple(Entry(*draw.sample(NAMES, 2), draw.randint(1, 10**6)) for _ in range(draw.choice((1, 2, 2, 3))))
        if kind == "pend":
            self.pending[key] = entries
            return lambda desk: books.pend(desk, key, "CNY", entries, "Invoice/1")
        if kind == "close" and self.pending:
            about, held = self.pending.popitem()
            if draw.random() < 0.5:
                return lambda desk: books.void(desk, key, about, "left")
            self.add(held)
            return lambda desk: books.settle(desk, key, about, "done")
        if kind == "reverse" and self.posted:
            about, made = self.posted.pop(draw.randrange(len(self.posted)))
            self.add(made, -1)
            return lambda desk: books.reverse(desk, key, about, "wrong")
        if kind == "again" and self.posted:
            about, made = draw.choice(self.posted[-200:])
            return lambda desk: books.post(desk, about, "CNY", made, "Invoice/1")
        self.posted.append((key, entries))
        self.add(entries)
        return lambda desk: books.post(desk, key, "CNY", entries, "Invoice/1")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--operations", type=int, default=1_000_000)
    operations = asked.parse_args().operations
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "books.db")
        with Store(place) as store:
            attack, waiting = Attack(store, 11), deque[Any]()
            began, cpu = time.perf_counter(), time.process_time()
            for n in range(operations):
                waiting.append(sent(store, attack.next(n)))
                if len(waiting) > AHEAD:
                    waiting.popleft().result()
            for one in waiting:
                one.result()
            seconds, spent = time.perf_counter() - began, time.process_time() - cpu
            told = {name: held.net for name, _, held in Books(store).accounts()}
            (trial,) = Books(store).trial().values()
        equal = {k: v for k, v in told.items() if v} == {k: v for k, v in attack.net.items() if v}
        print(
            {
                "operations": operations,
                "per second": round(operations / seconds),
                "per CPU-second": round(operations / spent),
                "trial balance": trial.debits - trial.credits,
                "held in balance": trial.debits_held - trial.credits_held,
                "equal to the count": equal,
                "faults": len(check(place).faults),
            }
        )
        assert equal and trial.debits == trial.credits


def sent(store: Store, work: Any) -> Any:
    while True:
        try:
            return store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "post", ""))
        except Busy:
            time.sleep(0.001)


if __name__ == "__main__":
    main()
