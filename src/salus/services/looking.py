"""What stands in the records under a reference: nothing where nothing does, or where it is no more."""

from typing import Any

from salus.base.errors import Gone, Missing
from salus.records import Records
from salus.records.shapes import Change

Resource = dict[str, Any]


def looked_up(records: Records, reference: str) -> Resource:
    """What stands there now; {} for nothing, and for what names nothing. Raises Forbidden."""
    type, _, id = reference.partition("/")
    try:
        found: Resource = records.read(type, id).json() if id else {}
    except (Missing, Gone):
        return {}
    return found


def as_it_was(records: Records, change: Change, version: int) -> Resource | None:
    """A version of what has changed; None before there was any, and for one by which it was deleted."""
    try:
        found: Resource = records.vread(change.type, change.id, version).json()
    except (Missing, Gone):
        return None
    return found
