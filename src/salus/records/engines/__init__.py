"""The databases that a store may lie in. Knows how each is opened, locked and told from the others, and the few words
in which they differ; must not know what the tables mean.

All other SQL of `records` is in words that every engine understands, with `?` for arguments: conditions are TRUE or
FALSE, a subselect has an alias, what is there already is left by `ON CONFLICT DO NOTHING`, numbers are given by us.
"""

from pathlib import Path

from salus.records.engines.shapes import Connection, Engine, Gate, Rows
from salus.records.engines.sqlite import Sqlite

__all__ = ["Connection", "Engine", "Gate", "Rows", "engine_of"]


def engine_of(place: Path | str) -> Engine:
    """The engine of a store, by where it lies: a file."""
    return Sqlite(Path(place))
