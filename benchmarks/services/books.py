"""The books: random postings, settlements, voids, reversals, refunds and retries, killed in the middle again and again.

Run: `python benchmarks/services/books.py [--operations 1000000] [--kills 20]`. Requests wait at the one writer as those
of a server do, in a process that is ended by SIGKILL at random moments; the next one first looks whether all stands
that was acknowledged, then asks again for what was not. Afterwards: debits equal credits, every amount is an integer,
no more was given back than was paid, each balance equals a count in plain Python.
"""

import argparse
import os
import signal
import tempfile
import time
from collections import deque
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from salus.base.errors import Busy, Conflict
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, books
from salus.records.books import Books, Entry
from salus.records.checking import check
from salus.records.desk import Desk
from salus.records.writer import Request

NAMES = [f"Account/{n}" for n in range(2000)] + ["bank", "insurer", "fees", "refunds"]
AHEAD = 512  # requests on their way
KINDS = {"post": 56, "pend": 12, "close": 12, "reverse": 6, "again": 8, "refund": 6}
SEED = 11
WIDTH = 8  # bytes of the count of what was acknowledged


class Attack:
    """Operations in an order that follows from the seed; beside them a dictionary says what must come of them."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self.net: dict[str, int] = {}
        self.pending: dict[str, tuple[Entry, ...]] = {}
        self.posted: list[tuple[str, tuple[Entry, ...]]] = []
        self.refunded: dict[str, int] = {}

    def add(self, entries: tuple[Entry, ...], sign: int = 1) -> None:
        for one in entries:
            self.net[one.debit] = self.net.get(one.debit, 0) + sign * one.amount
            self.net[one.credit] = self.net.get(one.credit, 0) - sign * one.amount

    def next(self, n: int) -> tuple[str, Any]:
        """The key of operation `n` and its work; what it will have done is noted at once, since it is known what of it
        is refused. The key is "" where nothing is to stand under one."""
        kind, key, draw = self.draw.choices(*zip(*KINDS.items(), strict=True))[0], f"k{n}", self.draw
        entries = tuple(Entry(*draw.sample(NAMES, 2), draw.randint(1, 10**6)) for _ in range(draw.choice((1, 2, 2, 3))))
        if kind == "pend":
            self.pending[key] = entries
            return key, lambda desk: books.pend(desk, key, "CNY", entries, "Invoice/1")
        if kind == "close" and self.pending:
            about, held = self.pending.popitem()
            if draw.random() < 0.5:
                return key, lambda desk: books.void(desk, key, about, "left")
            self.add(held)
            return key, lambda desk: books.settle(desk, key, about, "done")
        if kind == "reverse" and self.posted:
            about, made = self.posted.pop(draw.randrange(len(self.posted)))
            self.add(made, -1)
            return key, lambda desk: books.reverse(desk, key, about, "wrong")
        if kind == "again" and self.posted:
            about, made = draw.choice(self.posted[-200:])
            return about, lambda desk: books.post(desk, about, "CNY", made, "Invoice/1")
        if kind == "refund" and self.posted:
            return self.refund(key, *draw.choice(self.posted[-50:]))
        self.posted.append((key, entries))
        self.add(entries)
        return key, lambda desk: books.post(desk, key, "CNY", entries, "Invoice/1")

    def refund(self, key: str, about: str, made: tuple[Entry, ...]) -> tuple[str, Any]:
        """Part of a posting's first entry is given back; more than is left of it is refused."""
        paid, part = made[0], self.draw.randint(1, made[0].amount)
        back = (Entry(paid.credit, paid.debit, part), Entry(f"refunded/{about}", "memo/refunded", part))
        fits = self.refunded.get(about, 0) + part <= paid.amount
        if fits:
            self.refunded[about] = self.refunded.get(about, 0) + part
            self.add(back)

        def work(desk: Desk) -> None:
            books.limit(desk, f"refunded/{about}", "CNY", most=paid.amount)
            books.post(desk, key, "CNY", back, about)

        return (key, work) if fits else ("", refused(work))


def refused(work: Any) -> Any:
    """What the books must refuse: it fails where they do not."""
    work.refused = True
    return work


def go(place: str, begin: int, operations: int, path: str) -> None:
    """Operations `begin` to the last, in a process of its own; how many are acknowledged stands in a file."""
    attack, waiting = Attack(SEED), deque[Any]()
    before = [attack.next(n)[0] for n in range(begin)]
    file = os.open(path, os.O_RDWR)

    def heard(done: int) -> None:
        future, must_fail = waiting.popleft()
        fault = future.exception()
        assert isinstance(fault, Conflict) if must_fail else fault is None, fault
        os.pwrite(file, done.to_bytes(WIDTH, "big"), 0)

    with Store(place) as store:
        kept = Books(store)
        assert all(kept.posting(key) for key in before[-AHEAD:] if key), "what was acknowledged is gone"
        done = begin
        for n in range(begin, operations):
            _, work = attack.next(n)
            waiting.append((sent(store, work), hasattr(work, "refused")))
            if len(waiting) > AHEAD:
                done += 1
                heard(done)
        while waiting:
            done += 1
            heard(done)


def attacked(place: str, folder: Path, operations: int, kills: int) -> int:
    """Let processes work until all is done, and kill them on the way; how many were killed."""
    path, draw, spawn, killed = folder / "acknowledged", Random(SEED), get_context("spawn"), 0
    path.write_bytes(bytes(WIDTH))
    moments = sorted(draw.sample(range(operations), kills))
    while (done := acknowledged(path)) < operations:
        child = spawn.Process(target=go, args=(place, done, operations, str(path)))
        child.start()
        moments = [one for one in moments if one > done]
        while child.is_alive() and not (moments and acknowledged(path) >= moments[0]):
            child.join(0.02)
        if child.is_alive() and child.pid:
            os.kill(child.pid, signal.SIGKILL)
            killed += 1
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
    return killed


def acknowledged(path: Path) -> int:
    return int.from_bytes(path.read_bytes(), "big")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--operations", type=int, default=1_000_000)
    asked.add_argument("--kills", type=int, default=20)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "books.db")
        began = time.perf_counter()
        killed = attacked(place, Path(folder), given.operations, given.kills)
        seconds = time.perf_counter() - began
        attack = Attack(SEED)
        for n in range(given.operations):
            attack.next(n)
        with Store(place) as store:
            told = {name: held.net for name, _, held in Books(store).accounts()}
            (trial,) = Books(store).trial().values()
        equal = {k: v for k, v in told.items() if v} == {k: v for k, v in attack.net.items() if v}
        faults = len(check(place).faults)
        print(
            {
                "operations": given.operations,
                "killed": killed,
                "per second": round(given.operations / seconds),
                "refunds": len(attack.refunded),
                "trial balance": trial.debits - trial.credits,
                "held in balance": trial.debits_held - trial.credits_held,
                "integers": all(type(one) is int for one in told.values()),
                "equal to the count": equal,
                "faults": faults,
            }
        )
        assert equal and trial.debits == trial.credits and not faults


def sent(store: Store, work: Any) -> Any:
    while True:
        try:
            return store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "post", ""))
        except Busy:
            time.sleep(0.001)


if __name__ == "__main__":
    main()
