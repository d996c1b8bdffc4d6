"""Who hears what was done: charges it, and issues the bill of a visit once it is over and nothing is outstanding.

What never comes (medicine that nobody collects) holds a bill up for `PATIENCE`; then a chore issues it all the same,
and what comes later stands on a bill of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.shapes import Change
from salus.services.acting import referred
from salus.services.billing import tasks
from salus.services.billing.cancelling import encounter_of, is_paid
from salus.services.billing.charges import UNIT, UNPLACED, UNPRICED
from salus.services.billing.charging import charge, done
from salus.services.billing.completeness import outstanding, uncharged
from salus.services.billing.desks import submit
from salus.services.billing.done import OVER, READ, ended
from salus.services.billing.drawing import ISSUED
from salus.services.billing.issuing import issue
from salus.services.billing.names import TASK, Resource, bare, is_billed
from salus.services.billing.sheets import invoices_of_visit, sheet_of
from salus.services.looking import looked_up
from salus.services.rounds import Chore, House, Listener

TYPES = frozenset({*READ, "MedicationRequest", "Invoice"})
PATIENCE = timedelta(days=3)
UNREAD = "charge-unread"
REFUSED, WHY = "issue-refused", {"coverage": "coverage-unclear"}  # path of a refusal -> what a clerk is asked


def hear(house: House, change: Change) -> None:
    """Raises Busy: then it is heard again."""
    with or_asked(house.store, f"{change.type}/{change.id}"):
        bring(house.store, change.type, change.id)


@contextmanager
def or_asked(store: Store, focus: str) -> Iterator[None]:
    """Where a site's own prices or rules cannot be read: a clerk is told, and what was heard is kept until they can."""
    try:
        yield
    except Invalid as fault:
        text = str(fault)
        submit(store, SYSTEM, Purpose.PAYMENT, "ask", focus, lambda desk: tasks.ask(desk, UNREAD, focus, "", text))


def bring(store: Store, type: str, id: str) -> None:
    """Charges and bills, as a resource has them be. Raises Invalid for a site's file that cannot be read, Busy."""
    if type == "Invoice":
        return again(store, id)
    if type != "MedicationRequest":
        charge(store, SYSTEM, Purpose.PAYMENT, f"{type}/{id}")
    if type == "Encounter":  # what was heard of before there was a visit to bill it with
        for missed in list(uncharged(store.open(SYSTEM, Purpose.PAYMENT), id)):
            charge(store, SYSTEM, Purpose.PAYMENT, missed)
    for encounter in visits(store, type, id):
        settle(store, encounter)


def again(store: Store, invoice: str) -> None:
    """A bill changed: a draft may be ready, such as one that is left where a charge went to another visit; one that is
    not paid any more may have waited for that."""
    records = store.open(SYSTEM, Purpose.PAYMENT)
    if not (found := looked_up(records, f"Invoice/{invoice}")):
        return
    if is_billed(found) and found["status"] == "draft":
        settle(store, bare(encounter_of(found)))
    elif tasks.is_open(records, tasks.CORRECTION, f"Invoice/{invoice}"):
        mend(store, records, found)


def mend(store: Store, records: Records, found: Resource) -> None:
    """A bill whose charges have changed after it was paid was refunded: cancel it, and make a new one."""
    with store.readers.one() as reader:
        if found["status"] not in ISSUED or is_paid(reader, found):
            return
    visit = bare(encounter_of(found))
    stand = [one for one in invoices_of_visit(records, visit) if one["status"] in ISSUED]
    for source in sorted({item.source for one in stand for item in sheet_of(one).items}):
        charge(store, SYSTEM, Purpose.PAYMENT, source)
    settle(store, visit)


def visits(store: Store, type: str, id: str) -> set[str]:
    """Ids of the visits that a change may let be billed."""
    records = store.open(SYSTEM, Purpose.PAYMENT)
    if type != "MedicationRequest":
        return {bare(deed.encounter) for deed in done(store, f"{type}/{id}") if deed.encounter}
    name = referred(looked_up(records, f"{type}/{id}"), "encounter")
    return {bare(name)} if name else set()


def settle(store: Store, encounter: str) -> None:
    """Issue the bill of a visit if there is something to bill and nothing is outstanding."""
    records = store.open(SYSTEM, Purpose.PAYMENT)
    last = next(reversed([*invoices_of_visit(records, encounter)]), None)
    drafted = last is not None and last["status"] == "draft" and sheet_of(last).items
    if drafted and is_over(records, encounter) and next(outstanding(records, encounter), None) is None:
        try_issue(store, encounter)


def is_over(records: Records, encounter: str) -> bool:
    return looked_up(records, f"Encounter/{encounter}").get("status") in OVER


def try_issue(store: Store, encounter: str) -> None:
    """Issue it, or ask a clerk why it cannot be. Raises Invalid for a site's file that cannot be read."""
    records, focus = store.open(SYSTEM, Purpose.PAYMENT), f"Encounter/{encounter}"
    try:
        issue(store, SYSTEM, Purpose.PAYMENT, encounter)
    except Conflict as fault:
        kind, text = WHY.get(fault.issues[0].path, REFUSED), fault.issues[0].text
        submit(store, SYSTEM, Purpose.PAYMENT, "ask", focus, lambda desk: tasks.ask(desk, kind, focus, "", text))
        return
    for one in (*WHY.values(), REFUSED):
        if tasks.is_open(records, one, focus):
            submit(store, SYSTEM, Purpose.PAYMENT, "ask", focus, partial(tasks.answered, kind=one, focus=focus))


def issue_waiting(house: House) -> None:
    """Bills that waited long enough."""
    records = house.store.open(SYSTEM, Purpose.PAYMENT)
    for one in list(every(records, "Invoice", [("status", "draft"), ("_count", "200")])):
        visit = bare(encounter_of(one))
        if is_billed(one) and sheet_of(one).items and is_over(records, visit) and since(records, visit) > PATIENCE:
            with or_asked(house.store, f"Encounter/{visit}"):
                try_issue(house.store, visit)


def since(records: Records, encounter: str) -> timedelta:
    return clock.now() - ended(records.read("Encounter", encounter).json())


def charge_waiting(house: House) -> None:
    """What had no price, unit or visit when it was done, and may have them by now: another file of prices tells nobody
    that it is there. First what was heard while a file could not be read."""
    hear_again(house.store)
    records = house.store.open(SYSTEM, Purpose.PAYMENT)
    for one in open_tasks(records, UNPRICED, UNIT, UNPLACED):
        for source in looked_up(records, referred(one, "focus")).get("supportingInformation", []):
            charge(house.store, SYSTEM, Purpose.PAYMENT, source["reference"])


def hear_again(store: Store) -> None:
    for one in open_tasks(store.open(SYSTEM, Purpose.PAYMENT), UNREAD):
        focus = referred(one, "focus")
        with suppress(Invalid):
            bring(store, *focus.split("/", 1))
            submit(store, SYSTEM, Purpose.PAYMENT, "ask", focus, partial(tasks.answered, kind=UNREAD, focus=focus))


def open_tasks(records: Records, *kinds: str) -> list[Resource]:
    codes = ",".join(f"{TASK}|{kind}" for kind in kinds)
    return list(every(records, "Task", [("code", codes), ("status", "requested"), ("_count", "200")]))


LISTENER = Listener("charges", TYPES, hear)
CHORE = Chore("bills that wait", timedelta(hours=1), issue_waiting)
AGAIN = Chore("charges that wait", timedelta(minutes=10), charge_waiting)
