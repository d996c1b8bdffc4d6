"""How a new store comes to be: whole, when all that is in it was looked at, or not at all.

In PostgreSQL it is one transaction, whose tables nobody sees before its end; a file is written under another name.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from salus.base.errors import Conflict, Missing
from salus.records.backup import check_free, in_part
from salus.records.engines import Connection, Engine
from salus.records.engines.sqlite import Sqlite


def check_absent(engine: Engine) -> None:
    """Raises Conflict when something is there already."""
    if isinstance(engine, Sqlite):
        check_free(engine.path)
        return
    try:
        engine.looker().close()
    except Missing:
        return
    raise Conflict(f"There is a store at {engine} already, and it is not overwritten: name another schema")


@contextmanager
def anew(engine: Engine) -> Iterator[Connection]:
    """A connection to the store that is not there yet. Raises Conflict when there is one already, Busy when another
    program is making it."""
    make_folder(engine)
    with closing(engine.gate()) as gate, gate.held(), way(engine) as connection:
        yield connection


def make_folder(engine: Engine) -> None:
    try:
        engine.folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise Conflict(f"There can be no folder {engine.folder} ({fault.strerror}): name another place") from fault


def way(engine: Engine) -> AbstractContextManager[Connection]:
    return in_a_file(engine.path) if isinstance(engine, Sqlite) else in_a_transaction(engine)


@contextmanager
def in_a_file(path: Path) -> Iterator[Connection]:
    with in_part(path) as part, closing(Sqlite(part).loader()) as connection:
        connection.begin_writing()
        yield connection
        connection.execute("COMMIT")


@contextmanager
def in_a_transaction(engine: Engine) -> Iterator[Connection]:
    with closing(engine.founder()) as connection:
        connection.begin_writing()
        check_absent(engine)  # as it stands now that nobody else can lay one
        yield connection
        connection.execute("COMMIT")
