"""Who hears what was done: charges it, and issues the bill of a visit once it is over and nothing is outstanding.

What never comes (medicine that nobody collects) holds a bill up for `PATIENCE`; then a chore issues it all the same,
and what comes later stands on a bill of its own.
"""

from datetime import timedelta

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Gone, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.desk import Desk
from salus.records.shapes import Change
from salus.services.billing import tasks
from salus.services.billing.charging import charge, done
from salus.services.billing.completeness import outstanding, uncharged
from salus.services.billing.desks import submit
from salus.services.billing.done import OVER, ended
from salus.services.billing.issuing import issue
from salus.services.billing.names import ENCOUNTER, bare, extension, reference
from salus.services.rounds import Chore, House, Listener

TYPES = frozenset({"Encounter", "MedicationDispense", "DiagnosticReport", "ServiceRequest", "MedicationRequest"})
PATIENCE = timedelta(days=3)
WHY = {"coverage": "coverage-unclear"}  # path of a refusal -> what a clerk is asked


def hear(house: House, change: Change) -> None:
    """Raises Busy: then it is heard again."""
    name = f"{change.type}/{change.id}"
    if change.type != "MedicationRequest":
        charge(house.store, SYSTEM, Purpose.PAYMENT, name)
    if change.type == "Encounter":  # what was heard of before there was a visit to bill it with
        for missed in list(uncharged(house.store.open(SYSTEM, Purpose.PAYMENT), change.id)):
            charge(house.store, SYSTEM, Purpose.PAYMENT, missed)
    for encounter in visits(house.store, change.type, change.id):
        settle(house.store, encounter)


def visits(store: Store, type: str, id: str) -> set[str]:
    """Ids of the visits that a change may let be billed."""
    records = store.open(SYSTEM, Purpose.PAYMENT)
    if type != "MedicationRequest":
        return {bare(deed.encounter) for deed in done(store, f"{type}/{id}") if deed.encounter}
    try:
        return {bare(name)} if (name := reference(records.read(type, id).json(), "encounter")) else set()
    except (Missing, Gone):
        return set()


def settle(store: Store, encounter: str) -> None:
    """Issue the bill of a visit if nothing is outstanding."""
    records = store.open(SYSTEM, Purpose.PAYMENT)
    if is_over(records, encounter) and next(outstanding(records, encounter), None) is None:
        try_issue(store, encounter)


def is_over(records: Records, encounter: str) -> bool:
    try:
        return records.read("Encounter", encounter).json()["status"] in OVER
    except (Missing, Gone):
        return False


def try_issue(store: Store, encounter: str) -> None:
    """Issue it, or ask a clerk why it cannot be."""
    try:
        made = issue(store, SYSTEM, Purpose.PAYMENT, encounter)
    except Missing:
        return  # nothing of it was charged
    except Conflict as fault:
        kind, text = WHY.get(fault.issues[0].path, "issue-refused"), fault.issues[0].text

        def work(desk: Desk) -> None:
            tasks.ask(desk, kind, f"Encounter/{encounter}", "", text)
    else:

        def work(desk: Desk) -> None:
            for kind in (*WHY.values(), "issue-refused"):
                tasks.answered(desk, kind, f"Encounter/{encounter}")

        if made["meta"]["versionId"] == "1":
            return
    submit(store, SYSTEM, Purpose.PAYMENT, "ask", f"Encounter/{encounter}", work)


def issue_waiting(house: House) -> None:
    """Bills that waited long enough."""
    records = house.store.open(SYSTEM, Purpose.PAYMENT)
    for one in list(every(records, "Invoice", [("status", "draft"), ("_count", "200")])):
        visit = bare(reference(extension(one, ENCOUNTER), "valueReference"))
        if is_over(records, visit) and since(records, visit) > PATIENCE:
            try_issue(house.store, visit)


def since(records: Records, encounter: str) -> timedelta:
    return clock.now() - ended(records.read("Encounter", encounter).json())


LISTENER = Listener("charges", TYPES, hear)
CHORE = Chore("bills that wait", timedelta(hours=1), issue_waiting)
