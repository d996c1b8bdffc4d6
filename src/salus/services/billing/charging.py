"""Charges come by themselves: what was done is charged, what was taken back is not any more, once each.

A charge's id follows from what was done, so a thing that is heard twice is charged once. What is wanted is worked out
from the records as they stand and compared with what stands charged:

    not charged        -> billable, on the draft of its visit; without a price planned, and a clerk is asked
    billable, planned  -> as the deed is now; aborted where it does not stand any more
    billed             -> an unpaid bill is cancelled, its charges wait on a new draft; of a paid one a clerk is asked
"""

from salus.privacy import SYSTEM, Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Store
from salus.records.desk import Desk
from salus.services.acting import put, referred, same_person, standing
from salus.services.billing import tasks
from salus.services.billing.cancelling import is_paid, redraw, undo
from salus.services.billing.charges import UNIT, UNPLACED, UNPRICED, charge_item, priced, same
from salus.services.billing.completeness import charge_state
from salus.services.billing.desks import Visited, submit, visited
from salus.services.billing.done import Deed, deeds, no_more, too_old
from salus.services.billing.drawing import ISSUED, chain, charge_off, charge_on
from salus.services.billing.local import Local
from salus.services.billing.names import Resource, charge_id, is_billed
from salus.services.billing.sheets import sheet_of

GONE = frozenset({"aborted", "entered-in-error", "not-billable"})


def charge(store: Store, actor: Actor, purpose: Purpose, name: str) -> tuple[str, ...]:
    """Charge what a resource (`MedicationDispense/7`) says was done, or take the charge back; ids of the ChargeItems it
    may have. The listener calls it, and a clerk again once a price was added. Raises Forbidden, Busy."""
    check_may(actor, purpose, Act.WRITE, "ChargeItem")
    found = done(store, name)
    looked = store.open(SYSTEM, Purpose.PAYMENT)
    if any(deed.stands or charge_state(looked, deed) for deed in found):
        local = Local(store.folder)

        def work(desk: Desk) -> None:
            for deed in found:
                bring(desk, local, deed)

        submit(store, actor, purpose, "charge", name, work)
    return tuple(charge_id(deed.source, deed.part) for deed in found)


def done(store: Store, name: str) -> tuple[Deed, ...]:
    """What a resource says was done, and what it said before; the house looks, whoever asks: a cashier sees charges,
    not results."""
    type, _, id = name.partition("/")
    records = store.open(SYSTEM, Purpose.PAYMENT)
    return (*(found := deeds(records, type, id)), *no_more(records, type, id, found))


def bring(desk: Desk, local: Local, deed: Deed) -> None:
    """Bring what stands charged of a deed in line with it."""
    found = standing(desk, f"ChargeItem/{charge_id(deed.source, deed.part)}")
    before = found if found and is_billed(found) else None
    state = before["status"] if before else "none"
    if state == "billed" and before:
        if (deed.stands and same(before, deed)) or not unbill(desk, local, before):
            return
        state = "billable"
    if not deed.stands:
        drop(desk, before, state)
    elif not (state == "billable" and before and same(before, deed)):
        take_off(desk, before)
        lay(desk, local, deed, state)


def drop(desk: Desk, before: Resource | None, state: str) -> None:
    """It does not stand any more, or never did."""
    if before is None or state in GONE:
        return
    take_off(desk, before)
    put(desk, before | {"status": "aborted"})
    answered(desk, before["id"])


def take_off(desk: Desk, before: Resource | None) -> None:
    """Off the draft it is on, which may be that of another visit than it belongs to now."""
    if before:
        charge_off(desk, referred(before, "context"), before["id"])


def answered(desk: Desk, charge: str) -> None:
    """There is nothing left to ask about it."""
    for kind in (UNPRICED, UNPLACED, UNIT):
        tasks.answered(desk, kind, f"ChargeItem/{charge}")


def lay(desk: Desk, local: Local, deed: Deed, state: str) -> None:
    """Charge it as it is now."""
    if state == "none" and too_old(deed):
        return
    visit = own_visit(desk, local, deed)
    found = priced(deed, visit)
    if isinstance(found, str) or visit is None:
        ask_price(desk, deed, visit, str(found))
        return
    put(desk, charge_item(deed, visit, found, "billable"))
    charge_on(desk, visit, found)
    answered(desk, found.charge)


def own_visit(desk: Desk, local: Local, deed: Deed) -> Visited | None:
    """The visit that it is billed with; never one of another patient. Two records that were joined are one's."""
    visit = visited(desk, local, deed.encounter)
    return visit if visit and visit.patient and same_person(desk, visit.patient, deed.patient) else None


def ask_price(desk: Desk, deed: Deed, visit: Visited | None, why: str) -> None:
    """Nothing is free by silence: what has no price waits for a clerk."""
    made = charge_item(deed, visit, None, "planned")
    put(desk, made)
    code = ", ".join(code for _, code in deed.codings) or deed.source
    what = {UNIT: f"{code}: {deed.quantity} {deed.unit}", UNPLACED: deed.source}.get(why, code)
    tasks.ask(desk, why, f"ChargeItem/{made['id']}", deed.patient, what)


def unbill(desk: Desk, local: Local, charged: Resource) -> bool:
    """Cancel the bill that it stands on and those that stand on that, unless one of them was paid: then a clerk is
    asked, and False."""
    bills = standing_on(desk, charged)
    paid = [one for one in bills if is_paid(desk, one)]
    for one in paid:
        what = f"ChargeItem/{charged['id']}"
        tasks.ask(desk, tasks.CORRECTION, f"Invoice/{one['id']}", referred(charged, "subject"), what)
    if paid:
        return False
    for one in bills:
        undo(desk, one, f"ChargeItem/{charged['id']} changed")
        redraw(desk, local, one)
    return True


def standing_on(desk: Desk, charged: Resource) -> list[Resource]:
    """The issued bill of a charge and later ones of the visit, the latest first."""
    invoices = [one for one in chain(desk, referred(charged, "context")) if one["status"] in ISSUED]
    places = [at for at, one in enumerate(invoices) if on(one, charged["id"])]
    return invoices[places[-1] :][::-1] if places else []


def on(invoice: Resource, charge: str) -> bool:
    return any(one.charge == charge for one in sheet_of(invoice).items)
