"""What stands in the records under a reference: nothing where nothing does, or where it is no more."""

from typing import Any

from salus.base.errors import Gone, Missing
from salus.privacy import SYSTEM, Actor, Purpose
from salus.privacy.guardian import is_kept
from salus.records import Records, Store
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


# --- of who acts for a child ---


def is_shown(store: Store, actor: Actor, purpose: Purpose, reference: str) -> bool:
    """Whether who acts for a child is shown it: true for everybody else, of whom it is asked in other ways."""
    return actor.guardian is None or bool(looked_up(store.open(actor, purpose), reference))


def check_shown(store: Store, actor: Actor, purpose: Purpose, reference: str) -> None:
    """Raises Missing for what who acts for a child is not shown."""
    if not is_shown(store, actor, purpose, reference):
        raise Missing(f"There is no {reference[:80]}")


def check_offered(store: Store, actor: Actor, service: str) -> None:
    """Raises Missing for a service (`HealthcareService/x`) that nobody else books for a child of that age: they would
    not be told of the booking either."""
    if actor.guardian is None:
        return
    if is_kept(actor.guardian, looked_up(store.open(SYSTEM, Purpose.OPERATIONS), service)):
        raise Missing(f"{service[:80]} is booked by the patient alone, or at the desk", path="service")
