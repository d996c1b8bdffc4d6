"""The reconciliation of a day, from the file to the record: read, compare, repair, write down.

A million lines take no more memory than a thousand: both lists are dealt into small files and compared pile by pile.
The record is written last; before it, everything can be done again. Before anything is posted the day is begun in the
store, for this file: whoever reconciles it at the same time, in whatever process, does the same by the same file, each
posting under its key once, or is refused with another.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import TypeVar
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.base.errors import Busy, Conflict, Invalid
from salus.privacy import SYSTEM, Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Store
from salus.records.books import Books
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import put, standing
from salus.services.billing import tasks
from salus.services.billing.desks import submit
from salus.services.billing.names import is_billed
from salus.services.billing.payments.port import State
from salus.services.billing.payments.shapes import TYPE
from salus.services.billing.reconciling import keeping, reading, spooling, traces
from salus.services.billing.reconciling.comparing import Case, cases
from salus.services.billing.reconciling.faults import Difference, Fault
from salus.services.billing.reconciling.keeping import NAMED, Reconciled
from salus.services.billing.reconciling.reading import Bad, Item
from salus.services.billing.reconciling.repairing import Round, mend, park
from salus.services.billing.reconciling.sides import Side

AHEAD = 256  # repairs on their way
MOST, SHARE = 100, 2  # more differences than so many, and than every second id: it is the wrong file
Progress = Callable[[int], None]
Repair = Callable[[Desk, Round, Case], list[Difference]]
T = TypeVar("T")


@dataclass
class Count:
    """What is counted while it goes through."""

    rows: int = 0
    unread: int = 0
    agreed: int = 0
    ours: int = 0
    theirs: int = 0
    bad: list[Bad] = field(default_factory=list)


def reconcile(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    file: Path,
    side: Side,
    day: date,
    zone: ZoneInfo,
    currency: str = "CNY",
    sure: bool = False,
    on_progress: Progress = lambda rows: None,
) -> Reconciled:
    """Reconcile a day with the file that a side sends of it, and repair every difference. The same file again is the
    same record.

    Raises Forbidden, Missing and Malformed (the file), Invalid (a day that is not over), Conflict (the day was
    begun or reconciled with another file; the file changes; more than half of it differs, unless one is `sure`: then
    nothing is posted).
    """
    check_may(actor, purpose, Act.WRITE, TYPE)
    check_over(day, zone)
    digest = reading.digest(file)
    if (found := before_now(store, side, currency, day)) is not None:
        return same(found, digest)
    round, count, suspects = compared(store, file, side, day, zone, currency, sure, on_progress)
    check_still(file, digest)
    begin(store, actor, purpose, keeping.begun(side.name, currency, day, digest, actor.reference))
    found_out = tuple(repaired(store, actor, purpose, round, suspects))
    made = record(side, currency, day, count, digest, actor, found_out)
    write_down(store, actor, purpose, round, made)
    return keeping.by_id(store.open(SYSTEM, Purpose.PAYMENT), made.id)


def begin(store: Store, actor: Actor, purpose: Purpose, draft: keeping.Resource) -> None:
    """The day is this file's from now on, even after a crash: what a second file would post beside it stood in no
    record. Raises Conflict where it is another's."""
    name = f"{TYPE}/{draft['id']}"

    def work(desk: Desk) -> None:
        there = standing(desk, name) or {}
        if not is_billed(there):
            put(desk, draft)
        elif keeping.file_of(there) != keeping.file_of(draft):
            raise Conflict(
                f"{draft['paymentDate']} was begun with another file of {side_in(draft)}: reconcile it with that one",
                path="file",
            )

    submit(store, actor, purpose, "reconcile", name, work)


def side_in(draft: keeping.Resource) -> str:
    return keeping.head_of(draft).side


def check_still(file: Path, digest: str) -> None:
    """Raises Conflict where a file was written to while it was read."""
    if reading.digest(file) != digest:
        raise Conflict(f"{file.name} was changed while it was read: look at it again", path="file")


def check_over(day: date, zone: ZoneInfo) -> None:
    if day >= clock.today(zone):
        raise Invalid(f"{day} is not over: reconcile it when it is", path="day")


def compared(
    store: Store, file: Path, side: Side, day: date, zone: ZoneInfo, currency: str, sure: bool, on_progress: Progress
) -> tuple[Round, Count, list[Case]]:
    """What of a day does not agree; nothing is posted. Raises as `reconcile`."""
    begin, end = (datetime.combine(day + timedelta(days=n), time(), zone).astimezone(UTC) for n in (0, 1))
    round, count = Round(side, currency, begin, end, zone), Count()
    with TemporaryDirectory() as folder:
        suspects = suspected(store, file, round, carried(store, side, currency, day), Path(folder), count, on_progress)
    if not sure:
        check_file(file, suspects, count)
    return round, count, suspects


def record(
    side: Side, currency: str, day: date, count: Count, digest: str, actor: Actor, found: tuple[Difference, ...]
) -> Reconciled:
    return Reconciled(
        side.name, currency, day, count.rows, count.agreed, count.unread, count.ours, count.theirs, digest,
        actor.reference, clock.now(), tuple(count.bad), found,
    )  # fmt: skip


def before_now(store: Store, side: Side, currency: str, day: date) -> Reconciled | None:
    with store.readers.one() as reader:
        found = reader.current(TYPE, keeping.id_of(side.name, currency, day), None)
    if found is None or found.deleted or not keeping.is_record(found.json()):
        return None
    return keeping.reconciled(store.open(SYSTEM, Purpose.PAYMENT), side.name, currency, day)


def same(found: Reconciled, digest: str) -> Reconciled:
    if found.file != digest:
        raise Conflict(f"{found.day} was reconciled with another file of {found.side}", path="file")
    return found


def carried(store: Store, side: Side, currency: str, day: date) -> frozenset[str]:
    """What was not there yet on the last day that was reconciled."""
    found = keeping.before(store.open(SYSTEM, Purpose.PAYMENT), side.name, currency, day)
    return frozenset(one.id for one in found.of(Fault.NOT_THERE_YET)) if found else frozenset()


# --- reading and comparing ---


def suspected(
    store: Store, file: Path, round: Round, awaited: frozenset[str], folder: Path, count: Count, on_progress: Progress
) -> list[Case]:
    """The ids that do not agree."""
    theirs, ours = spooling.Spool(folder, "theirs"), spooling.Spool(folder, "ours")
    theirs.deal(spooling.row_of(one) for one in items(file, round, count, on_progress))
    ours.deal(posted(store, round, count))
    found: list[Case] = []
    for n in range(spooling.FILES):
        of_pile = frozenset(id for id in awaited if spooling.pile_of(id) == n)
        for case in cases(
            ((id, amount) for id, amount in ours.pile(n)), map(spooling.item_of, theirs.pile(n)), of_pile
        ):
            if case.agrees:
                count.agreed += 1
            else:
                found.append(case)
    return found


def items(file: Path, round: Round, count: Count, on_progress: Progress) -> Iterator[Item]:
    for one in reading.read(file, round.side.form, round.currency):
        if isinstance(one, Bad):
            count.unread += 1
            if len(count.bad) < NAMED:
                count.bad.append(one)
            continue
        count.rows += 1
        count.theirs += one.amount if one.state is State.PAID else 0
        if count.rows % 10_000 == 0:
            on_progress(count.rows)
        yield one


def posted(store: Store, round: Round, count: Count) -> Iterator[tuple[str, str]]:
    """What the books have of the day."""
    kept = Books(store)
    after, upto = kept.last(round.begin), kept.last(round.end)
    for line in kept.lines(round.side.account, round.currency, after, upto):
        id = round.side.id_of(line.key)
        if id is not None:
            count.ours += line.amount
            yield id, str(line.amount)


def check_file(file: Path, suspects: list[Case], count: Count) -> None:
    """Raises Conflict where more differs than agrees: then it is another day's file, or another provider's."""
    all = len(suspects) + count.agreed
    if len(suspects) > MOST and len(suspects) * SHARE > all:
        raise Conflict(
            f"{len(suspects)} of {all} differ between {file.name} and the books: is it the file of that day and "
            "provider? If it is, say that you are sure",
            path="file",
        )


# --- repairing ---


def repaired(store: Store, actor: Actor, purpose: Purpose, round: Round, suspects: list[Case]) -> Iterator[Difference]:
    """Each case in a transaction of its own; the differences in the order of the cases."""

    def ask(case: Case, repair: Repair) -> Request[list[Difference]]:
        def work(desk: Desk) -> list[Difference]:
            desk.bills = True
            return repair(desk, round, case)

        return Request(work, actor, purpose, "reconcile", f"{round.side.name}/{case.id}")

    return one_by_one(store, suspects, ask)


def one_by_one(
    store: Store,
    suspects: list[Case],
    ask: Callable[[Case, Repair], Request[list[T]]],
    told: Callable[["Future[list[T]]"], list[T]] = Future.result,
) -> Iterator[T]:
    """The answers for all cases, many on their way at once; what cannot be mended is parked."""
    waiting: deque[tuple[Case, Future[list[T]]]] = deque()

    def answer() -> list[T]:
        case, future = waiting.popleft()
        try:
            return told(future)
        except Conflict:
            return told(sent(store, ask(case, park)))

    for case in suspects:
        waiting.append((case, sent(store, ask(case, mend))))
        if len(waiting) >= AHEAD:
            yield from answer()
    while waiting:
        yield from answer()


def sent(store: Store, request: Request[list[T]]) -> "Future[list[T]]":
    while True:
        try:
            return store.writer.submit(request)
        except Busy:
            sleep(0.001)


def write_down(store: Store, actor: Actor, purpose: Purpose, round: Round, made: Reconciled) -> None:
    """The record of it, whole or not at all; the one that stands stays if somebody else was first with the same file.
    What needs a person is asked of the clerk."""
    records, name = keeping.resources(made), f"{TYPE}/{made.id}"

    def work(desk: Desk) -> None:
        if not keeping.is_record(standing(desk, name) or {}):
            for one in records:
                put(desk, one)
            if any(traces.needs_person(traces.postings(desk, round.side, one)) for one in made.differences):
                tasks.ask(desk, traces.ASKED, name, "", f"{made.side}, {made.day}")

    submit(store, actor, purpose, "reconcile", name, work)
