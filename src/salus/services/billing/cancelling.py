"""An issued bill is never changed: it is cancelled, by reversing what was posted; its charges wait for a new one."""

from salus.base.errors import Conflict, Missing
from salus.privacy import Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Store, books
from salus.records.desk import Desk
from salus.records.reading import Reader
from salus.services.acting import put, referred, standing
from salus.services.billing import tasks
from salus.services.billing.claims import cancel_claims
from salus.services.billing.desks import submit, visited
from salus.services.billing.drawing import ISSUED, chain, charge_on, with_sheet
from salus.services.billing.local import Local
from salus.services.billing.names import ENCOUNTER, Resource, extension, owed
from salus.services.billing.sheets import sheet_of


def cancel(store: Store, actor: Actor, purpose: Purpose, invoice: str, reason: str) -> Resource:
    """Cancel the bill of that id, and put its charges on a new draft; the cancelled Invoice. Raises Missing, Conflict
    (something was paid: refund it first; a later bill of the visit stands on it: cancel that first), Forbidden."""
    check_may(actor, purpose, Act.WRITE, "Invoice")
    local = Local(store.folder)

    def work(desk: Desk) -> Resource:
        found = standing(desk, f"Invoice/{invoice}")
        if found is None:
            raise Missing(f"There is no Invoice/{invoice[:64]}", path="invoice")
        if found["status"] == "cancelled":
            return found
        check_may_go(desk, found)
        made = undo(desk, found, reason)
        redraw(desk, local, made)
        return made

    return submit(store, actor, purpose, "cancel", f"Invoice/{invoice}", work)


def check_may_go(desk: Desk, invoice: Resource) -> None:
    """Raises Conflict, saying what must be done first."""
    name = f"Invoice/{invoice['id']}"
    if invoice["status"] not in ISSUED:
        raise Conflict(f"{name} is {invoice['status']}: only what was issued can be cancelled", path="status")
    later = [one for one in chain(desk, encounter_of(invoice)) if one["status"] in ISSUED][-1]
    if later["id"] != invoice["id"]:
        raise Conflict(f"Invoice/{later['id']} of the same visit stands on {name}: cancel that first", path="invoice")
    if is_paid(desk, invoice):
        raise Conflict(f"{name} was paid, at least in part: refund it first, then cancel it", path="invoice")


def is_paid(at: Desk | Reader, invoice: Resource) -> bool:
    """Whether anything of it was paid, or is being paid now."""
    sheet = sheet_of(invoice)
    stands = books.balance(at, owed(invoice), sheet.currency)
    return stands.net != sheet.pays("insured") or stands.free != stands.net


def undo(desk: Desk, invoice: Resource, reason: str) -> Resource:
    """Reverse what was posted, and say so."""
    key = f"invoice/{invoice['id']}"
    if books.posting_of(desk, key) is not None:  # nothing was posted of a bill over nothing
        books.reverse(desk, f"{key}/cancelled", key, f"Invoice/{invoice['id']}")
    sheet = sheet_of(invoice)
    cancel_claims(desk, invoice["id"], sheet.settled)
    tasks.answered(desk, tasks.CORRECTION, f"Invoice/{invoice['id']}")
    return put(desk, with_sheet(invoice, sheet) | {"status": "cancelled", "cancelledReason": reason or "cancelled"})


def redraw(desk: Desk, local: Local, cancelled: Resource) -> None:
    """The charges of a bill that was cancelled wait on the next draft."""
    visit, items = visited(desk, local, encounter_of(cancelled)), []
    for item in sheet_of(cancelled).items if visit else ():
        found = standing(desk, f"ChargeItem/{item.charge}")
        if found and found["status"] == "billed":
            put(desk, found | {"status": "billable"})
            items.append(item)
    if visit and items:
        charge_on(desk, visit, *items)


def encounter_of(invoice: Resource) -> str:
    return referred(extension(invoice, ENCOUNTER), "valueReference")
