"""What every engine gives."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

Row = Sequence[Any]
Statement = tuple[str, list[Any]]  # and the rows of its arguments


class Rows(Protocol):
    """What a statement found."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One conversation with the database, by one thread at a time. Outside a transaction each statement is its own.

    `local`: whether it answers without waiting for another process. `longest`: how many characters a text may have that
    an index holds; 0 for any number.
    """

    local: bool
    longest: int

    @property
    def in_transaction(self) -> bool: ...

    @property
    def broken(self) -> bool:
        """Whether it is of no use any more."""

    def execute(self, sql: str, arguments: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Row], /) -> object: ...

    def write(self, statements: Sequence[Statement], breathe: Callable[[], None], /) -> None:
        """Each INSERT ... VALUES(?, ...) for all of its rows, in this order; `breathe` lets others in meanwhile."""

    def each(self, sql: str, rows: Sequence[Row], /) -> list[Any]:
        """What a SELECT ... FROM table WHERE a=? AND b=? finds for each of these rows of arguments: a line or None."""

    def pour(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Put many new rows into a table that nobody else sees yet; ids in the form of `salus.records.ids.packed`."""

    def fitting(self, table: str) -> Callable[[Any], Any]:
        """What the engine makes of a text of this table: cut to what an index holds. Anything else stays as it is."""

    def begin_writing(self) -> None:
        """Begin a transaction that sees what was committed last and keeps other writers out until it ends. End it with
        COMMIT or ROLLBACK."""

    def begin_reading(self) -> None:
        """Begin a transaction in which all that is read belongs to one moment. End it with ROLLBACK."""

    def has_table(self, name: str) -> bool: ...

    def flaws(self) -> Iterable[str]:
        """What the database itself finds wrong with how its data lie."""

    def hurry(self, seconds: float | None) -> None:
        """Let statements work no longer than this from now on: then they raise Lengthy; None lets them take their time.
        Only where the connection is `local`."""

    def packed(self, id: str) -> bytes | str:
        """An id as it is stored; `salus.records.ids.unpacked` reads what any engine stores."""

    def plain(self, text: str) -> bytes | str:
        """What stands in the place of an id, but is none: the URL of something elsewhere."""

    def close(self) -> None: ...


class Gate(Protocol):
    """Who may write next, when several processes have the same store open."""

    def held(self) -> AbstractContextManager[None]:
        """Raises Busy when another process does not let go."""

    def close(self) -> None: ...


class Engine(Protocol):
    """Where a store lies, and how it is opened.

    `name` says which it is, briefly. `folder` holds what stands beside the store in files of its own: loaded
    terminologies, exports.
    """

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """The one file of the store. Raises Unsupported where there is none, saying what to do instead."""

    def __str__(self) -> str:
        """Where it lies, without passwords."""

    def beside(self, ending: str) -> Path:
        """A file or folder that belongs to this store alone."""

    def check_whole(self) -> None:
        """Raises Damaged when it can be seen before opening that this is no store any more."""

    def founder(self) -> Connection:
        """A connection that lays or upgrades the tables."""

    def writer(self) -> Connection: ...

    def reader(self) -> Connection: ...

    def looker(self) -> Connection:
        """A connection that cannot write, whatever state the store is in. Raises Missing when there is no store."""

    def gate(self) -> Gate: ...

    def scrub(self) -> None:
        """Write the whole database anew, so that no trace of what was deleted is left in its files; writers wait.
        Raises Busy when somebody reads for too long, Full when there is no room for a second copy."""

    def gives_up(self, fault: Exception) -> bool:
        """Whether after this fault nothing that was written since the last commit can stand."""
