"""The databases that a store may lie in. Knows how each is opened, locked and told from the others, and the few words
in which they differ; must not know what the tables mean.

All other SQL of `records` is in words that every engine understands, with `?` for arguments: conditions are TRUE or
FALSE, a subselect has an alias, what is there already is left by `ON CONFLICT DO NOTHING`, numbers are given by us.
"""

from pathlib import Path

from salus.base.errors import Invalid, Unsupported
from salus.records import faults
from salus.records.engines.shapes import Connection, Engine, Gate, Rows, Statement
from salus.records.engines.sqlite import Sqlite

SCHEMES = ("postgresql", "postgresql+psycopg", "postgres")
__all__ = ["Connection", "Engine", "Gate", "Rows", "Statement", "check_there", "engine_of"]


def engine_of(place: Path | str) -> Engine:
    """The engine of a store, by where it lies: a file, or the URL of a database (`postgresql://...`).

    Raises Invalid for another kind of URL, Unsupported when the driver is not installed.
    """
    scheme, slashes, _ = str(place).partition("://")
    if not slashes:
        return Sqlite(Path(place))
    if scheme not in SCHEMES:
        raise Invalid(f"'{scheme[:40]}://' is no store: give a file, or postgresql://user@host/database", path="store")
    try:
        from salus.records.engines.postgres import Postgres
    except ImportError as fault:
        raise Unsupported(f"PostgreSQL needs its driver ({fault}): pip install 'salus[postgres]'") from fault
    return Postgres(str(place))


def check_there(place: Path | str) -> None:
    """Raises Missing when there is no store at this place: opening it would lay one."""
    with faults.in_our_words():
        engine_of(place).looker().close()
