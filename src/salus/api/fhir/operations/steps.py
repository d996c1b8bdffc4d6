"""Walk through several searches as through one: in pages, each of one moment.

The place of a page is three numbers: which search, the transaction at which the walk began, and the row it came to.
What was created since never appears; a place carries no rights, for each page is checked anew.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from salus.base.errors import Malformed
from salus.records import Store, Version
from salus.records.reading import Reader
from salus.records.search import find, parse

PLACE = re.compile(r"(\d{1,4})\.(\d{1,18})\.(\d{1,18})").fullmatch
REFERENCE = re.compile(rb'"reference":"([A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^"]*)?"').findall
MOST = 2000  # resources that are brought along with a page

# What belongs to nobody but is needed to read what does: who did it, where, and with what.
REFERENCED = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService", "Medication"}
)


class Step(NamedTuple):
    """One search: a type, and the conditions on it."""

    type: str
    pairs: tuple[tuple[str, str], ...] = ()


class Place(NamedTuple):
    step: int
    t: int
    row: int

    def __str__(self) -> str:
        return f"{self.step}.{self.t}.{self.row}"


def place_of(text: str | None, store: Store) -> Place:
    """Where a page begins; without a text at the start, now. Raises Malformed."""
    if text is None:
        return Place(0, store.last_transaction(), 0)
    found = PLACE(text) if text.isascii() else None
    if not found:
        raise Malformed("_cursor is not one that this server gave: begin again at the first page", path="_cursor")
    return Place(*(int(part) for part in found.groups()))


def page(
    reader: Reader, steps: Sequence[Step], place: Place, count: int, owner: int | None, patient: int | None
) -> tuple[list[Version], Place | None]:
    """Up to `count` resources from `place` on, and the place of the next page, None after the last.

    `owner`: the row of the only patient in whose compartment they may stand; `patient`: of whose own account asks.
    Call it within a snapshot.
    """
    found: list[Version] = []
    step, t, row = place
    while step < len(steps) and len(found) < count:
        query = parse(steps[step].type, steps[step].pairs)
        query.count, query.anchor, query.owner = count - len(found), [t, row], owner
        some = find(reader.connection, reader.kinds, query, patient)
        found += reader.of_rows(some.rows, patient)
        step, row = (step, some.rows[-1]) if some.anchor else (step + 1, 0)
    return found, Place(step, t, row) if step < len(steps) else None


def targets(version: Version, types: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Type and id of what a resource refers to within this store, of these types."""
    for kind, id in REFERENCE(version.body):
        if (name := kind.decode()) in types:
            yield name, id.decode()


def brought(
    reader: Reader,
    versions: Sequence[Version],
    types: frozenset[str],
    may_read: Callable[[str], bool],
    patient: int | None,
) -> list[Version]:
    """What they refer to of these types, and what that refers to in its turn, as far as it may be seen; not twice."""
    wanted = frozenset(type for type in types if may_read(type))
    seen = {version.reference for version in versions}
    found: list[Version] = []
    fresh = list(versions)
    while fresh and len(found) < MOST:
        named = dict.fromkeys(pair for version in fresh for pair in targets(version, wanted))
        rows = [reader.row(kind, id) for kind, id in named if f"{kind}/{id}" not in seen]
        seen.update(f"{kind}/{id}" for kind, id in named)
        fresh = reader.of_rows([row for row in rows if row is not None], patient)
        found += fresh
    return found
