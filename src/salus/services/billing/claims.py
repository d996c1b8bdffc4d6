"""The insurer's side of a bill: the Claim that asks, and the ClaimResponse that says what each payer has of it.

https://hl7.org/fhir/R4/claim.html, https://hl7.org/fhir/R4/claimresponse.html. Both are written with the Invoice, since
the rule in force is applied here; an insurer that answers by itself is reconciled later.
"""

from collections.abc import Sequence

from salus.base import clock
from salus.base.money import amount
from salus.records.desk import Desk
from salus.services.acting import put, same_id, standing
from salus.services.billing.charges import named
from salus.services.billing.desks import Visited
from salus.services.billing.drawing import called
from salus.services.billing.names import HOUSE, Resource, billed
from salus.services.billing.sheets import PAYERS, Layer, Settled, Sheet

TYPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "institutional"}]}
PRIORITY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/processpriority", "code": "normal"}]}


INVOICE = f"{HOUSE}/invoice"


def claim_id(invoice: str, number: int = 1) -> str:
    """Of the insurance of that number, in the order in which they pay."""
    return same_id("claim", invoice, *([str(number)] if number > 1 else []))


def put_claim(desk: Desk, visit: Visited, invoice: str, sheet: Sheet, settled: Settled) -> None:
    """Write both for each insurance that settles an invoice; none where it is all the patient's."""
    for number, layer in enumerate(settled.layers, 1):
        if is_asked(number, layer):
            put_one(desk, visit, invoice, sheet, settled.layers[:number])


def put_one(desk: Desk, visit: Visited, invoice: str, sheet: Sheet, layers: Sequence[Layer]) -> None:
    """The claim to the last of these insurances, which names those before it and their answers."""
    id, made, layer = claim_id(invoice, len(layers)), clock.instant(desk.at), layers[-1]
    shared: Resource = {
        "id": id,
        "identifier": [billed(id), {"system": INVOICE, "value": invoice}],
        "status": "active",
        "type": TYPE,
        "use": "claim",
        "patient": {"reference": visit.patient},
        "created": made,
        "insurer": {"reference": layer.insurer},
    }
    provider = {"reference": visit.organization} if visit.organization else {"display": visit.place}
    claim = shared | {"resourceType": "Claim", "provider": provider, "priority": PRIORITY}
    put(desk, claim | {"insurance": insurance(invoice, layers)} | asked(sheet, visit))
    put(desk, shared | {"resourceType": "ClaimResponse"} | answer(id, sheet, layer))


def insurance(invoice: str, layers: Sequence[Layer]) -> list[Resource]:
    """The insurances in their order, each before the last with its answer.
    https://hl7.org/fhir/R4/claim-definitions.html#Claim.insurance"""
    told = []
    for number, layer in enumerate(layers, 1):
        if not layer.coverage:
            continue
        one: Resource = {
            "sequence": number,
            "focal": number == len(layers),
            "coverage": {"reference": layer.coverage},
        }
        if number < len(layers) and is_asked(number, layer):
            one["claimResponse"] = {"reference": f"ClaimResponse/{claim_id(invoice, number)}"}
        told.append(one)
    return told


def is_asked(number: int, layer: Layer) -> bool:
    """Whether that insurance is sent a claim: the first that has a rule, a later one where something is left for it."""
    return layer.rule is not None and (number == 1 or bool(layer.settlement.lines))


def asked(sheet: Sheet, visit: Visited) -> Resource:
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
    return {"item": items, "total": amount(sheet.total, sheet.currency)}


def answer(id: str, sheet: Sheet, layer: Layer) -> Resource:
    """What each payer has of it by this insurance, of which the insured's goes to the next one, if there is one;
    `disposition` names the rule."""
    totals = [
        {"category": called(payer), "amount": amount(layer.settlement.pays(payer), sheet.currency)}
        for payer in PAYERS
        if layer.settlement.pays(payer)
    ]
    told = {
        "request": {"reference": f"Claim/{id}"},
        "outcome": "complete",
        "disposition": layer.settlement.version,
    }
    return told | ({"total": totals} if totals else {})


def cancel_claims(desk: Desk, invoice: str, settled: Settled | None) -> None:
    for number in range(1, len(settled.layers) + 1 if settled else 1):
        for type in ("Claim", "ClaimResponse"):
            if found := standing(desk, f"{type}/{claim_id(invoice, number)}"):
                put(desk, found | {"status": "cancelled"})
