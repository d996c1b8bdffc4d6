"""What was signed stays as it was signed, whatever way a change comes in: a page, the API, a Bundle, a patch, a file.

A signing transaction (`desk.signs`) puts a mark on each resource that it signs: the extension `signed-in`, with the
Composition. From then on the desk, where all writes end, refuses every other content. What has to go on after a visit
may: an order is dispensed or stopped, a disease ends. A correction is a new Composition that relates to the old one.
https://hl7.org/fhir/R4/composition.html#status  docs/decisions/0079

Nobody else may put the mark on anything; what another house's records bring along (an import is the system's act) keeps
its marks and is kept as well. An erasure, which the law may demand, removes what was signed too.
"""

from typing import TYPE_CHECKING, Any

import orjson

from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.privacy import Role
from salus.records.drafts import Draft

if TYPE_CHECKING:
    from salus.records.desk import Desk

Resource = dict[str, Any]
URL = "https://salus.example/fhir/StructureDefinition/signed-in"
TOLD = f'"{URL}"'.encode()

# type -> the elements that may still change; of all other types meta alone
FREE: dict[str, frozenset[str]] = {
    "MedicationRequest": frozenset({"status", "statusReason"}),
    "ServiceRequest": frozenset({"status"}),
    "Condition": frozenset({"clinicalStatus", "abatementDateTime", "abatementPeriod", "abatementString"}),
    "Encounter": frozenset({"account"}),
}
GROWING = {"MedicationRequest": frozenset({"note"})}  # a pharmacist's question is answered beside what was ordered
STANDING = frozenset({"active", "on-hold", "stopped", "completed", "revoked", "cancelled"})  # of an order


class Signed(Conflict):
    """What stands there was signed and stays."""


def mark(composition: str) -> Resource:
    """The extension that says in which Composition a resource was signed."""
    return {"url": URL, "valueReference": {"reference": f"Composition/{composition}"}}


def mark_of(body: bytes) -> str | None:
    """`Composition/<id>` in which it was signed, None where it was not."""
    if TOLD not in body:
        return None
    found = (one for one in orjson.loads(body).get("extension", ()) if one["url"] == URL)
    return next((str(one["valueReference"]["reference"]) for one in found), None)


def check(desk: "Desk", draft: Draft, id: str, old: bytes = b"") -> None:
    """Asked before a version is stored in the place of `old`. Raises Signed, or Invalid for a mark of one's own."""
    name, signed = f"{draft.type}/{id}", mark_of(old)
    if signed is None:
        if not desk.signs and desk.actor.role is not Role.SYSTEM and TOLD in draft.rest:
            check_unmarked(draft, id)
        return
    made = draft.stamped(id, 1, clock.instant(desk.at))
    before, after = orjson.loads(old), orjson.loads(made)
    grown = {one for one in GROWING.get(draft.type, ()) if begins(after.get(one), before.get(one, []))}
    changed = sorted(differing(before, after) - FREE.get(draft.type, frozenset()) - grown - {"meta"})
    if changed or mark_of(made) != signed:
        raise Signed(
            f"{name} was signed in {signed}: its {', '.join(changed) or 'signature'} cannot change; "
            "write an addendum to the note",
            path=changed[0] if changed else "extension",
        )
    if "status" in FREE.get(draft.type, ()) and after["status"] not in STANDING:
        raise Signed(f"{name} was signed in {signed}: it cannot become {after['status']}", path="status")


def check_unmarked(draft: Draft, id: str) -> None:
    if mark_of(draft.stamped(id, 1, "")) is not None:
        raise Invalid(f"The extension {URL} is set by signing a note, not by writing it", path="extension")


def check_release(type: str, id: str, old: bytes) -> None:
    """Asked before a deletion. Raises Signed."""
    if (signed := mark_of(old)) is not None:
        raise Signed(f"{type}/{id} was signed in {signed} and cannot be deleted: write an addendum to the note")


def differing(before: Resource, after: Resource) -> set[str]:
    """The elements that are not the same.

    >>> sorted(differing({"a": 1, "b": 2}, {"b": 3, "c": 4}))
    ['a', 'b', 'c']
    """
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def begins(after: object, before: list[Any]) -> bool:
    """Whether a list is the old one with something more.

    >>> begins([1, 2], [1]), begins([2], [1]), begins(None, [])
    (True, False, False)
    """
    return isinstance(after, list) and after[: len(before)] == before
