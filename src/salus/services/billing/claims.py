"""The insurer's side of a bill: the Claim that asks, and the ClaimResponse that says what each payer has of it.

https://hl7.org/fhir/R4/claim.html, https://hl7.org/fhir/R4/claimresponse.html. Both are written with the Invoice, since
the rule in force is applied here; an insurer that answers by itself is reconciled later.
"""

from salus.base import clock
from salus.base.money import amount
from salus.records.desk import Desk
from salus.services.acting import put, same_id, standing
from salus.services.billing.charges import named
from salus.services.billing.desks import Visited
from salus.services.billing.drawing import called
from salus.services.billing.names import HOUSE, Resource, billed
from salus.services.billing.sheets import PAYERS, Settled, Sheet

TYPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "institutional"}]}
PRIORITY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/processpriority", "code": "normal"}]}


INVOICE = f"{HOUSE}/invoice"


def claim_id(invoice: str) -> str:
    return same_id("claim", invoice)


def put_claim(desk: Desk, visit: Visited, invoice: str, sheet: Sheet, settled: Settled) -> None:
    """Write both for an invoice that an insurance settles; none for one that is all the patient's."""
    if settled.rule is None:
        return
    id, made = claim_id(invoice), clock.instant(desk.at)
    shared: Resource = {
        "id": id,
        "identifier": [billed(id), {"system": INVOICE, "value": invoice}],
        "status": "active",
        "type": TYPE,
        "use": "claim",
        "patient": {"reference": visit.patient},
        "created": made,
        "insurer": {"reference": settled.insurer},
    }
    provider = {"reference": visit.organization} if visit.organization else {"display": visit.place}
    put(
        desk,
        shared | {"resourceType": "Claim", "provider": provider, "priority": PRIORITY} | asked(sheet, settled, visit),
    )
    put(desk, shared | {"resourceType": "ClaimResponse"} | answer(id, sheet, settled))


def asked(sheet: Sheet, settled: Settled, visit: Visited) -> Resource:
    items = [
        {
            "sequence": number,
            "productOrService": named(one),
            "servicedDate": one.day.isoformat(),
            "net": amount(one.amount, sheet.currency),
            "encounter": [{"reference": visit.encounter}],
        }
        for number, one in enumerate(sheet.items, 1)
    ]
    insurance = {"sequence": 1, "focal": True, "coverage": {"reference": settled.coverage}}
    return {"insurance": [insurance], "item": items, "total": amount(sheet.total, sheet.currency)}


def answer(id: str, sheet: Sheet, settled: Settled) -> Resource:
    """What each payer has of it; `disposition` names the rule."""
    totals = [
        {"category": called(payer), "amount": amount(sheet.pays(payer), sheet.currency)}
        for payer in PAYERS
        if sheet.pays(payer)
    ]
    told = {
        "request": {"reference": f"Claim/{id}"},
        "outcome": "complete",
        "disposition": settled.settlement.version,
    }
    return told | ({"total": totals} if totals else {})


def cancel_claim(desk: Desk, invoice: str) -> None:
    for type in ("Claim", "ClaimResponse"):
        if found := standing(desk, f"{type}/{claim_id(invoice)}"):
            put(desk, found | {"status": "cancelled"})
