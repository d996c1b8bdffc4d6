"""The one writer of a process: a thread that writes what waits in one commit.

Requests that wait together are applied one after the other, each in its savepoint (a request that fails leaves the
others alone), and are committed together: one fsync for all of them. A future is resolved only after that commit, so
what has been acknowledged survives a crash of the machine (`synchronous=FULL`).

Reads are audited through the same writer: `note` only appends to a list in memory, which goes into the next commit,
50 ms later at most. Guaranteed: every read is in the audit after `close`; a process that is killed loses the notes of
its last 50 ms of reads, never those of a write (they are in the write's own transaction). If the notes cannot be
written and pile up (a full disk), reading stops: `check_room` raises Busy.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from salus.base import clock
from salus.base.errors import Busy, SalusError
from salus.privacy import Actor, Purpose
from salus.records import bodies, faults
from salus.records.desk import Desk, audited
from salus.records.engines import Engine
from salus.records.interning import Interning, Kinds
from salus.records.ledger import Ledger
from salus.records.pending import LOGS, Pending
from salus.records.stewards import Stewards

T = TypeVar("T")
LOAD = "load"  # what an import does, in the audit
GROUP = 256  # requests in a commit
LINGER = 0.02  # seconds of applying before a commit
FLUSH = 0.05  # seconds that an audited read may wait for its commit
PAUSE = 0.0001  # seconds
READING = 1.0  # seconds after a read during which more are expected
WAITING = 2048  # requests in the queue
NOTES = 100_000  # audited reads in memory


@dataclass(slots=True, eq=False)
class Request(Generic[T]):
    """Work to do at a desk, and who asks for it. `act` and `what` are for the audit.

    `plain`: it only creates, and reads nothing but where its references lead, so it cannot fail by itself.
    """

    work: Callable[[Desk], T]
    actor: Actor
    purpose: Purpose
    act: str
    what: str
    plain: bool = False
    future: "Future[T]" = field(default_factory=Future)


@dataclass(slots=True)
class Refusal:
    fault: BaseException


class Writer:
    """Takes requests from any thread. `on_commit(t)` is called after each commit with the last transaction number."""

    def __init__(
        self, engine: Engine, kinds: Kinds, on_commit: Callable[[int], None], stewards: Stewards | None = None
    ) -> None:
        self._stewards = stewards or {}
        self._kinds = kinds
        self._on_commit = on_commit
        self._engine = engine
        self._connection = engine.writer()
        self._names = Interning(self._connection)
        self._press = bodies.Press()
        self._gate = engine.gate()
        self._queue: SimpleQueue[Request[Any] | None] = SimpleQueue()
        self._notes: deque[tuple[object, ...]] = deque()
        self._readers_until = 0.0
        self._awake = False
        self._closing = False
        self._lost = False
        self._train_at = 0
        self._thread = threading.Thread(target=self._run, name="salus-writer", daemon=True)
        self._thread.start()

    # --- asking ---

    def submit(self, request: Request[T]) -> "Future[T]":
        """Put a request into the queue. Raises Busy when too many wait, or the store is closed."""
        if self._closing:
            raise Busy("The store is closed: open it again")
        if self._queue.qsize() >= WAITING:
            raise Busy(f"{WAITING} requests are waiting to be written: try again in a second")
        self._queue.put(request)
        return request.future

    def note(self, actor: Actor, purpose: Purpose, act: str, what: str) -> None:
        """Audit a read. Raises Busy when notes could not be written for long: nobody reads unseen."""
        if len(self._notes) >= NOTES:
            raise Busy("The audit cannot be written, so nothing can be read: look at the disk of the store")
        self._notes.append((None, int(clock.now().timestamp() * 1000), actor.reference, purpose.value, act, what))
        self._readers_until = time.monotonic() + READING
        if not self._awake:
            self._awake = True
            self._queue.put(None)

    def close(self) -> None:
        """Write what waits, then stop."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
            self._thread.join()
            self._connection.close()
            self._gate.close()

    # --- the thread ---

    def _run(self) -> None:
        while not (self._closing and self._queue.empty()):
            first = self._queue.get()
            if first is None and not self._closing:  # notes are waiting: give requests a moment to join them
                first = self._next(FLUSH)
            self._awake = False
            self._commit(first)
        self._commit(None)

    def _next(self, patience: float) -> Request[Any] | None:
        try:
            return self._queue.get(patience > 0, patience)
        except Empty:
            return None

    def _commit(self, first: Request[Any] | None) -> None:
        """Apply `first` and what waits behind it, commit, and tell those who asked."""
        if first is None and not self._notes:
            return
        done: list[tuple[Request[Any], Any]] = []
        noted, ledger = 0, Ledger()
        try:
            if self._lost:
                self._connection = self._engine.writer()
                self._names, self._lost = Interning(self._connection), False
            with self._gate.held():
                self._begin(ledger)
                self._apply(first, ledger, done)
                noted = self._write_notes(ledger)
                self._train(ledger.row, any(request.act == LOAD for request, _ in done))
                self._connection.execute("COMMIT")
        except Exception as fault:
            self._abandon(first, done, fault)
            return
        self._names.keep()
        for _ in range(noted):
            self._notes.popleft()
        self._on_commit(ledger.t)
        tell(done)

    def _begin(self, ledger: Ledger) -> None:
        """A transaction, with what other processes have written since."""
        self._connection.begin_writing()
        ledger.read(self._connection)
        self._names.begin(ledger.erased, ledger.code, ledger.bunch)
        if ledger.form > self._press.form:
            self._press.refresh(self._connection)

    def _apply(self, first: Request[Any] | None, ledger: Ledger, done: list[tuple[Request[Any], Any]]) -> None:
        request, until = first, time.monotonic() + LINGER
        pending = Pending(self._connection, self._names, self._breathe)
        while True:
            if request is not None and request.future.set_running_or_notify_cancel():
                done.append((request, None))
                done[-1] = (request, self._serve(request, ledger, pending, alone=len(done) == 1))
            if len(done) >= GROUP or time.monotonic() > until or self._queue.empty():
                pending.flush()
                return
            request = self._queue.get()
            if request is None:  # its notes go into this commit; who notes later calls again
                self._awake = False

    def _serve(self, request: Request[T], ledger: Ledger, pending: Pending, alone: bool) -> T | Refusal:
        """`pending`: what plain requests before this one have written; `alone`: there was none, so that it needs no
        savepoint of its own."""
        if request.plain:
            try:
                return self._done(request, ledger, pending)
            except SalusError as fault:  # somebody refused it before anything of it was written
                self._note_refusal(request, ledger)
                return Refusal(fault)
        pending.flush()
        pending.rows, pending.led = None, {}  # they may be others after this request
        mark = self._names.mark()
        if not alone:
            self._connection.execute("SAVEPOINT request")
        try:
            answer = self._done(request, ledger, Pending(self._connection, self._names, self._breathe))
        except Exception as fault:
            if self._engine.gives_up(fault):
                raise  # all of the group is given up
            self._connection.execute("ROLLBACK" if alone else "ROLLBACK TO request")
            self._names.forget(mark)
            if alone:
                self._begin(ledger)
            answer_or_fault: T | Refusal = Refusal(faults.as_salus(fault))
            self._note_refusal(request, ledger)
        else:
            answer_or_fault = answer
        if not alone:
            self._connection.execute("RELEASE request")
        return answer_or_fault

    def _done(self, request: Request[T], ledger: Ledger, pending: Pending) -> T:
        desk = Desk(self._connection, self._press, self._names, self._kinds, ledger, pending, request.plain)
        desk.stewards, desk.actor, desk.purpose = self._stewards, request.actor, request.purpose
        answer = request.work(desk)
        desk.finish(request.actor, request.purpose, request.act, request.what)
        return answer

    def _note_refusal(self, request: Request[Any], ledger: Ledger) -> None:
        """What could not be done was asked all the same, and its refusal tells something of what stands there."""
        if request.act:
            what = f"{request.act} {request.what}"[:2000]
            self._notes.append((None, ledger.ts, request.actor.reference, request.purpose.value, "refused", what))

    def _breathe(self) -> None:
        """While others read, let them have the interpreter."""
        if time.monotonic() < self._readers_until:
            time.sleep(PAUSE)

    def _write_notes(self, ledger: Ledger) -> int:
        rows = audited(ledger, list(self._notes))
        self._connection.executemany(LOGS["audit"], rows)
        return len(rows)

    def _train(self, rows: int, loaded: bool) -> None:
        """`rows`: how many there are, those of mere targets too. What comes otherwise than by type needs one only."""
        if rows >= max(bodies.due(self._press.form), self._train_at) and (loaded or self._press.form == bodies.PLAIN):
            bodies.train(self._connection, self._press, rows)
            self._train_at = rows + bodies.TRAIN_AT  # not at each commit, where they are too few yet

    def _abandon(self, first: Request[Any] | None, done: list[tuple[Request[Any], Any]], fault: Exception) -> None:
        """Nothing of this group stands: say so to everybody in it. The next group finds a writer that works."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except Exception:  # the database itself is gone or broken: begin anew with it, when it is back
            self._connection.close()
            self._lost = True
        self._names.forget()
        self._press = bodies.Press()  # it may have learnt a dictionary that was rolled back
        refusal = Refusal(faults.as_salus(fault))
        asked = {first, *(request for request, _ in done)}
        if isinstance(refusal.fault, Busy):
            asked |= self._waiting()
        tell([(request, refusal) for request in asked if request is not None])

    def _waiting(self) -> set[Request[Any] | None]:
        """All of the queue: who waited behind somebody for a lock shall not wait as long again."""
        found = set()
        while (request := self._next(0)) is not None or not self._queue.empty():
            found.add(request)
        self._awake = False
        return found


def tell(done: list[tuple[Request[Any], Any]]) -> None:
    """Resolve the futures of those who asked."""
    for request, answer in done:
        if request.future.done():
            continue
        if isinstance(answer, Refusal):
            request.future.set_exception(answer.fault)
        else:
            request.future.set_result(answer)
