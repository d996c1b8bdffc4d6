"""Processes that check and index what is imported, so that this one only reads and writes.

A helper is this program again (`python -m salus.exchange.helping`): orders come in and sheets go out over its pipes,
each with its length before it. It stops when its pipe is closed, as when this process dies; where it is lost, what it
had been given is prepared here.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import IO

import msgspec

from salus.base.errors import Busy
from salus.records import Records
from salus.records.sheets import Item, Sheet, Terms, decode, encode

MOST = 4  # helpers; one writer has no use for more
AHEAD = 2  # orders that each has besides the one it works on
WIDTH = 8  # bytes of a length
COMMAND = [sys.executable, "-m", "salus.exchange.helping"]


class Order(msgspec.Struct):
    """`dictionary`: that of `form`, when the helper does not have it yet."""

    terms: Terms
    form: int
    dictionary: bytes | None
    items: Sequence[Item]


class Lost(Busy):
    """The helper has ended."""


def processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Helpers:
    """`count` helpers for imports into these records; none is as good as some, only slower."""

    def __init__(self, records: Records, count: int) -> None:
        self._records = records
        self._helpers = [Helper() for _ in range(min(count, MOST))]
        self.room = (AHEAD + 1) * len(self._helpers)

    def prepared(self, items: Sequence[Item]) -> "Future[Sheet]":
        """A sheet of these items. The future may raise Lost."""
        helper = min(self._helpers, key=lambda helper: helper.busy, default=None)
        if helper is None:
            done: Future[Sheet] = Future()
            done.set_exception(Lost("There is no helper"))
            return done
        form, dictionary = self._records.dictionary(helper.form)
        helper.form = form
        return helper.do(Order(self._records.terms(), form, dictionary, items))

    def close(self) -> None:
        for helper in self._helpers:
            helper.close()

    def __enter__(self) -> "Helpers":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Helper:
    """One process; a thread hands it orders, another takes its sheets."""

    def __init__(self) -> None:
        self.form = 0
        self.busy = 0
        self._orders: SimpleQueue[tuple[Order, Future[Sheet]] | None] = SimpleQueue()
        self._awaited: SimpleQueue[Future[Sheet] | None] = SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "salus.exchange.helping"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        works = (self._hand, self._take)
        self._threads = [threading.Thread(target=work, name="salus-helper", daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def do(self, order: Order) -> "Future[Sheet]":
        future: Future[Sheet] = Future()
        self.busy += 1
        self._orders.put((order, future))
        return future

    def _hand(self) -> None:
        assert self._process.stdin
        while given := self._orders.get():
            order, future = given
            self._awaited.put(future)
            try:
                send(self._process.stdin, encode(order))
            except OSError:
                self._process.kill()  # then `_take` says so
        self._awaited.put(None)

    def _take(self) -> None:
        assert self._process.stdout
        while future := self._awaited.get():
            try:
                future.set_result(decode(received(self._process.stdout)))
            except (Lost, OSError, ValueError, msgspec.DecodeError):
                self._process.kill()
                future.set_exception(Lost("A helper of the import has ended: it goes on without"))
            self.busy -= 1

    def close(self) -> None:
        """Stop it, whatever it does."""
        self._orders.put(None)
        self._process.kill()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what it was about to be handed
                assert stream
                stream.close()
        self._process.wait()


def send(stream: IO[bytes], message: bytes) -> None:
    stream.write(len(message).to_bytes(WIDTH, "big") + message)
    stream.flush()


def received(stream: IO[bytes]) -> bytes:
    """The next message. Raises Lost at the end."""
    head = stream.read(WIDTH)
    message = stream.read(int.from_bytes(head, "big")) if len(head) == WIDTH else b""
    if not message or len(message) != int.from_bytes(head, "big"):
        raise Lost("The pipe was closed")
    return message
