"""What the store hands out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import orjson

from salus.base.errors import Issue

ACTS = ("create", "update", "delete", "erase")


class Version(msgspec.Struct, frozen=True, gc=False):
    """One version of a resource. `body` is its JSON, with `meta.versionId` and `meta.lastUpdated`; empty if deleted."""

    type: str
    id: str
    version: int
    updated: datetime
    deleted: bool
    body: bytes
    unchanged: bool = False  # a write that found the same content there already

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    def json(self) -> dict[str, Any]:
        """The body as a dict; decimals become floats. Raises ValueError for a deleted version."""
        document: dict[str, Any] = orjson.loads(self.body)
        return document


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what a search or a history found.

    `total`: how many there are in all, where it was asked for. `next`: the query string that finds the following
    page (hand it to the same call), None after the last. `included`: what `_include` and `_revinclude` brought.
    `distances`: by reference, how far in km each place is that was searched by `near`.
    """

    versions: list[Version]
    total: int | None = None
    next: str | None = None
    included: list[Version] = field(default_factory=list)
    distances: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the outbox: transaction number `t` made `version` of `type/id` by `act` (one of `ACTS`).

    What was erased (`salus.records.erasing`) has another id than it had.
    """

    t: int
    type: str
    id: str
    version: int
    act: str


class Outcome(msgspec.Struct, frozen=True):
    """What became of one resource of a load: `created`, `updated`, `unchanged` or `refused` (then `issues` say why).

    `line` is its place in the list that was given, from 0.
    """

    line: int
    act: str
    type: str
    id: str
    version: int = 0
    issues: list[Issue] = []


@dataclass(frozen=True, slots=True)
class Audited:
    """A line of the audit: what stands in `what` is a reference, a search or the number of changes in a bundle."""

    n: int
    t: int | None
    at: datetime
    who: str
    purpose: str
    act: str
    what: str


Document = bytes | Mapping[str, Any]
