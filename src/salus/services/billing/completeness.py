"""Was everything charged? What was done and has no charge, and what is still to come before a visit can be billed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from salus.assistants.answers import every
from salus.records import Records
from salus.services.billing.done import Deed, deeds, too_old
from salus.services.billing.names import charge_id
from salus.services.looking import looked_up
from salus.services.rounds import began

ACTIVE = "active,on-hold"
AHEAD = timedelta(days=1)  # a day of one zone lies in two of another
# type -> the parameter that says when it was done, and those of its states that may be charged
WHEN = {
    "Encounter": ("date", "finished"),
    "MedicationDispense": ("whenhandedover", "completed"),
    "DiagnosticReport": ("issued", "final,amended,corrected,appended"),
    "Procedure": ("date", "completed"),
}
OF_VISIT = {
    "Encounter": "_id",
    "MedicationDispense": "context",
    "DiagnosticReport": "encounter",
    "ServiceRequest": "encounter",
}


@dataclass(frozen=True, slots=True)
class Missed:
    """Something that was done and was not charged."""

    reference: str
    part: str
    codings: tuple[tuple[str, str], ...]
    patient: str
    encounter: str


def missing(records: Records, day: date, zone: str = "Asia/Shanghai") -> list[Missed]:
    """What was done on a day and has no ChargeItem, not even one that waits for its price; but for what was there
    before the house began to listen, which nobody bills. Open the records as somebody who may read results and
    medicines (the house itself): a cashier may not."""
    found: dict[str, Missed] = {}
    begin = began(records.store)
    for type, (when, states) in WHEN.items():
        span = [(when, f"ge{(day - AHEAD).isoformat()}"), (when, f"le{(day + AHEAD).isoformat()}")]
        for one in every(records, type, [*span, ("status", states), ("_count", "200")]):
            if datetime.fromisoformat(one["meta"]["lastUpdated"]) < begin:
                continue
            for deed in deeds(records, type, str(one["id"])):
                if deed.day(zone) == day and deed.stands and not charged(records, deed):
                    found[charge_id(deed.source, deed.part)] = missed(deed)
    return list(found.values())


def missed(deed: Deed) -> Missed:
    return Missed(deed.source, deed.part, tuple(deed.codings), deed.patient, deed.encounter)


def charged(records: Records, deed: Deed) -> bool:
    return charge_state(records, deed) is not None


def charge_state(records: Records, deed: Deed) -> str | None:
    found = looked_up(records, f"ChargeItem/{charge_id(deed.source, deed.part)}")
    return str(found["status"]) if found else None


def outstanding(records: Records, encounter: str) -> Iterator[str]:
    """What a visit's bill waits for: tests, procedures and medicines that are ordered and not done, what is done and
    not charged (it will be heard of), what has no price yet. `encounter`: its id. References."""
    yield from (f"ServiceRequest/{id}" for id in undone_tests(records, encounter))
    yield from (f"MedicationRequest/{id}" for id in undispensed(records, encounter))
    yield from uncharged(records, encounter)


def uncharged(records: Records, encounter: str) -> Iterator[str]:
    """What was done at a visit and is not charged yet, or has no price."""
    for type, parameter in OF_VISIT.items():
        asked = [(parameter, encounter if parameter == "_id" else f"Encounter/{encounter}"), ("_count", "200")]
        for one in every(records, type, asked):
            for deed in deeds(records, type, str(one["id"])):
                state = charge_state(records, deed)
                if deed.stands and (state == "planned" or (state is None and not too_old(deed))):
                    yield deed.source


def undone_tests(records: Records, encounter: str) -> Iterator[str]:
    asked = [("encounter", f"Encounter/{encounter}"), ("status", ACTIVE), ("intent", "order"), ("_count", "200")]
    for one in every(records, "ServiceRequest", asked):
        if not any(deed.stands for deed in deeds(records, "ServiceRequest", str(one["id"]))):
            yield str(one["id"])


def undispensed(records: Records, encounter: str) -> Iterator[str]:
    """Prescriptions for the hospital's pharmacy of which nothing was handed over."""
    asked = [("encounter", f"Encounter/{encounter}"), ("status", ACTIVE), ("intent", "order"), ("_count", "200")]
    for one in every(records, "MedicationRequest", asked):
        given = [("prescription", f"MedicationRequest/{one['id']}"), ("status", "completed"), ("_count", "1")]
        if "dispenseRequest" in one and not records.search("MedicationDispense", given).versions:
            yield str(one["id"])
