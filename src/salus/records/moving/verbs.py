"""Move a store: every version, transaction, line of the audit, number and cursor as it is, hashes and all.

The source is only read, at one moment; who would write to it meanwhile is told to try again later. The target is laid,
filled, indexed, compared with the source table by table and verified before it counts.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from salus.base.errors import Conflict, Damaged
from salus.records import checking, erasing, faults, schema
from salus.records.checking import Findings
from salus.records.engines import Connection, Engine, engine_of
from salus.records.erasing.remembering import listed_in, read
from salus.records.moving import copying, layout, lengths, targets
from salus.records.moving.copying import OnProgress, Sum, copy, silent

TOLD = 3  # faults that an error names
UNFINISHED = "SELECT count(*) FROM erasure WHERE todo<>''"


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: each table with its rows and their checksum; what was looked at afterwards."""

    tables: dict[str, Sum]
    found: Findings

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


def move(source: str, target: str, on_progress: OnProgress = silent) -> Moved:
    """Move the store at one place to another, where none is. Both are files or URLs of databases.

    Raises Missing without a source, Conflict when the target is there already, when the source has another layout or
    unfinished erasures, Damaged when the source is not whole, Busy when others write to either, Full. Then nothing
    stands at the target.
    """
    giver, taker = engine_of(source), engine_of(target)
    giver.check_whole()
    with faults.in_our_words():
        giver.looker().close()  # it is there: a writer would lay it
        targets.check_absent(taker)
    with faults.in_our_words(), still(giver) as (connection, guard), targets.anew(taker) as made:
        check_finished(connection, giver)
        poured = pour(connection, made, on_progress)
        found = looked_through(made, giver, on_progress)
        gone = listed_in(made) | read(giver.beside(erasing.ENDING))
        guard.execute("SELECT 1")  # which it cannot when it was cut off, and others wrote meanwhile
    if gone:
        erasing.put(taker.beside(erasing.ENDING), gone | read(taker.beside(erasing.ENDING)))
    return Moved(poured, found)


@contextmanager
def still(engine: Engine) -> Iterator[tuple[Connection, Connection]]:
    """The store as it stands, and who keeps others from writing to it. Raises Busy when somebody wrote all the time."""
    with closing(engine.gate()) as gate, gate.held(), closing(engine.writer()) as guard:
        guard.begin_writing()
        with closing(checking.opened(engine)) as connection:
            yield connection, guard


def check_finished(connection: Connection, engine: Engine) -> None:
    """Raises Conflict when something is still to be erased."""
    if connection.execute(UNFINISHED).fetchone()[0]:
        raise Conflict(f"{engine} has erasures that are not finished: run `salus erase --finish` on it first")


def pour(source: Connection, target: Connection, on_progress: OnProgress) -> dict[str, Sum]:
    """Lay the tables, fill them, index them, compare them."""
    tables, (laid, indexes) = list(layout.tables()), layout.statements()
    total = copying.counted(source, tables)
    for statement in laid:
        target.execute(statement)
    made = copy(source, target, tables, fit(source, target), stepped("copy", total, on_progress))
    for n, statement in enumerate(indexes):
        on_progress("lay", n, len(indexes))
        target.execute(statement)
    schema.guard(target)  # what adds up may not add again what was copied
    if not target.local:  # whose planner goes by what it has counted, and has counted nothing yet
        for table in tables:
            target.execute(f"ANALYZE {table.name}")
    copying.compare(target, tables, made, stepped("compare", total, on_progress))
    return made


def fit(source: Connection, target: Connection) -> copying.Fit:
    """How texts of the source become those of the target: whole again, where only the source had to cut them."""
    if not source.longest or target.longest:
        return unchanged
    whole = lengths.whole(source, source.fitting("code"), source.longest)
    return (lambda text: whole.get(text, text)) if whole else unchanged


def unchanged(text: Any) -> Any:
    return text


def stepped(step: str, total: int, on_progress: OnProgress) -> Callable[[int], None]:
    done = 0

    def add(rows: int) -> None:
        nonlocal done
        done += rows
        on_progress(step, done, total)

    on_progress(step, 0, total)
    return add


def looked_through(made: Connection, source: Engine, on_progress: OnProgress) -> Findings:
    """Raises Damaged when what was moved is not whole: then the source is not."""
    found = checking.look_through(made, on_progress)
    if found.count:
        first = ", ".join(f"{fault.kind}: {fault.what}" for fault in found.faults[:TOLD])
        raise Damaged(f"{source} is damaged ({first}), it was not moved: run `salus verify` on it, restore a backup")
    return found
