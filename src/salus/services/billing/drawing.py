"""Invoices of a visit, in the making: one after the other, at most the last of them a draft.

https://hl7.org/fhir/R4/invoice.html. Until it is issued all is the patient's; `totalGross` is what the bill comes to,
`totalNet` what is left for the patient.
"""

from typing import Any

from salus.assistants.suggestion import Name
from salus.base.money import amount
from salus.places.settlement import Payer
from salus.records.desk import Desk
from salus.services.acting import put, same_id, standing
from salus.services.billing.charges import named
from salus.services.billing.desks import Visited
from salus.services.billing.names import ENCOUNTER, NUMBER, PAYER, Resource, account_id, billed, invoice_id
from salus.services.billing.sheets import PAYERS, Charged, Sheet, kept, sheet_of

ISSUED = frozenset({"issued", "balanced"})
PAYER_NAMES: dict[Payer, Name] = {
    "insured": Name("Patient", "个人"),
    "insurer": Name("Insurance", "统筹基金"),
    "serious": Name("Serious illness insurance", "大病保险"),
    "account": Name("Personal account", "个人账户"),
    "provider": Name("Written off", "医院核减"),
}


def chain(desk: Desk, encounter: str) -> list[Resource]:
    """All invoices of a visit, from the first."""
    found: list[Resource] = []
    while one := standing(desk, f"Invoice/{invoice_id(encounter, len(found) + 1)}"):
        found.append(one)
    return found


def last_issued(invoices: list[Resource]) -> Resource | None:
    """The latest that stands: what comes late is settled on top of it."""
    return next((one for one in reversed(invoices) if one["status"] in ISSUED), None)


def the_draft(desk: Desk, visit: Visited) -> Resource:
    """The draft of a visit, which is made where there is none."""
    found = chain(desk, visit.encounter)
    if found and found[-1]["status"] == "draft":
        return found[-1]
    return draft(visit, len(found) + 1, the_account(desk, visit))


def the_account(desk: Desk, visit: Visited) -> str:
    """The account of a patient at a hospital, opened when it is needed first. https://hl7.org/fhir/R4/account.html"""
    id = account_id(visit.patient, visit.organization)
    if standing(desk, f"Account/{id}") is None:
        owner = {"owner": {"reference": visit.organization}} if visit.organization else {}
        body = {"resourceType": "Account", "id": id, "status": "active", "subject": [{"reference": visit.patient}]}
        put(desk, body | owner)
    return f"Account/{id}"


def draft(visit: Visited, number: int, account: str) -> Resource:
    """The invoice of that number of a visit. People call it by day, visit and number."""
    id, said = (
        invoice_id(visit.encounter, number),
        f"{visit.day:%Y%m%d}-{same_id('visit', visit.encounter)[:8]}-{number}",
    )
    return {
        "resourceType": "Invoice",
        "id": id,
        "status": "draft",
        "identifier": [{"system": NUMBER, "value": said}, billed(id)],
        "subject": {"reference": visit.patient},
        "recipient": {"reference": visit.patient},
        "account": {"reference": account},
        "extension": [
            {"url": ENCOUNTER, "valueReference": {"reference": visit.encounter}},
            kept(Sheet(visit.place, visit.currency)),
        ],
    } | ({"issuer": {"reference": visit.organization}} if visit.organization else {})


def charge_on(desk: Desk, visit: Visited, *items: Charged) -> Resource:
    """Put charges on the draft, each in place of what it was there before."""
    invoice = the_draft(desk, visit)
    sheet = sheet_of(invoice)
    for item in items:
        sheet = sheet.with_item(item)
    return put(desk, with_sheet(invoice, sheet))


def charge_off(desk: Desk, encounter: str, charge: str) -> None:
    """Take a charge off the draft."""
    for invoice in chain(desk, encounter)[-1:]:
        if invoice["status"] == "draft":
            put(desk, with_sheet(invoice, sheet_of(invoice).without(charge)))


def with_sheet(invoice: Resource, sheet: Sheet) -> Resource:
    """An Invoice that says what its sheet says."""
    others = [one for one in invoice.get("extension", []) if one["url"] == ENCOUNTER]
    made: dict[str, Any] = invoice | {
        "extension": [*others, kept(sheet)],
        "totalNet": amount(sheet.pays("insured"), sheet.currency),
        "totalGross": amount(sheet.total, sheet.currency),
        "lineItem": [line(number, one, sheet.currency) for number, one in enumerate(sheet.items, 1)],
        "totalPriceComponent": [component(one, sheet) for one in PAYERS if sheet.pays(one) and one != "insured"],
    }
    return {key: value for key, value in made.items() if value != []}


def line(number: int, item: Charged, currency: str) -> Resource:
    """https://hl7.org/fhir/R4/invoice-definitions.html#Invoice.lineItem"""
    cost = {
        "type": "base",
        "code": named(item),
        "factor": float(item.quantity),
        "amount": amount(item.amount, currency),
    }
    return {"sequence": number, "chargeItemReference": {"reference": f"ChargeItem/{item.charge}"}} | {
        "priceComponent": [cost]
    }


def component(payer: Payer, sheet: Sheet) -> Resource:
    """What another than the patient has of it, as a deduction."""
    return {"type": "deduction", "code": called(payer), "amount": amount(sheet.pays(payer), sheet.currency)}


def called(payer: Payer) -> Resource:
    name = PAYER_NAMES[payer]
    return {"coding": [{"system": PAYER, "code": payer, "display": name.en}], "text": name.zh}
