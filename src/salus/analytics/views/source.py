"""The resources that a view reads from a store. Call it in a snapshot; who may see what is asked before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from salus.analytics.views.view import View
from salus.records.reading import Reader
from salus.records.shapes import Version
from salus.records.walks import walked

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which resources: in the compartments of these patients (their rows; None: all), changed since then, as far as
    `mine`, the row of the patient whose own account asks, may see them."""

    patients: tuple[int, ...] | None = None
    since: datetime | None = None
    mine: int | None = None


def versions(reader: Reader, type: str, scope: Scope) -> Iterator[list[Version]]:
    """Batch by batch, each resource once."""
    if scope.patients is None:
        found = walked(reader, type, (), None, scope.mine)
    else:
        found = once(batch for patient in scope.patients for batch in walked(reader, type, (), patient, scope.mine))
    since = scope.since
    return found if since is None else ([one for one in batch if one.updated >= since] for batch in found)


def once(found: Iterator[list[Version]]) -> Iterator[list[Version]]:
    """Without what came before: a resource may stand in the compartments of several patients."""
    seen: set[str] = set()
    for batch in found:
        yield [version for version in batch if version.id not in seen]
        seen.update(version.id for version in batch)


def rows(reader: Reader, view: View, scope: Scope) -> Iterator[list[Row]]:
    """The rows of a view, batch by batch. Raises Invalid, naming the resource, for a value that the view forbids."""
    for batch in versions(reader, view.resource, scope):
        yield [row for version in batch for row in view.rows(orjson.loads(version.body))]


def limited(found: Iterator[list[Row]], most: int | None) -> Iterator[list[Row]]:
    """The first rows only.

    >>> list(limited(iter([[(1,), (2,)], [(3,)]]), 1))
    [[(1,)]]
    """
    if most is None:
        yield from found
        return
    for batch in found:
        yield batch[:most]
        most -= len(batch)
        if most <= 0:
            return
