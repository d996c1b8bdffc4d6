"""Whoever does something at the front desk: the store, opened by somebody for something, and one transaction a deed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from salus.base.errors import Gone, Missing
from salus.privacy import Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store, drafts
from salus.records.desk import Desk
from salus.records.writer import Request

Resource = dict[str, Any]
T = TypeVar("T")


@dataclass
class Counter:
    """`actor` works at it, for `purpose`."""

    store: Store
    actor: Actor
    purpose: Purpose

    @cached_property
    def records(self) -> Records:
        return self.store.open(self.actor, self.purpose)

    def do(self, work: Callable[[Desk], T], act: str, what: str, *types: str) -> T:
        """In one transaction. Raises Forbidden where this person may not write one of `types`."""
        for type in types:
            check_may(self.actor, self.purpose, Act.WRITE, type)
        return self.store.writer.submit(Request(work, self.actor, self.purpose, act, what)).result()


def standing(desk: Desk, reference: str) -> Resource | None:
    """What stands there now, None for nothing."""
    try:
        return read(desk, reference)
    except (Missing, Gone):
        return None


def read(desk: Desk, reference: str) -> Resource:
    """Raises Missing, Gone."""
    type, _, id = reference.partition("/")
    return desk.current(type, id).json()


def put(desk: Desk, told: Resource) -> Resource:
    """Store it under its id."""
    made: Resource = desk.update(drafts.addressed(told, told["resourceType"], told["id"])).json()
    return made
