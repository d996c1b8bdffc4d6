"""What a stay in hospital is to bring, told beside its orders, and what the order that is typed would leave of it: for
planning, never a reason to leave something out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from salus.assistants.treatment.drafting import Written, draft
from salus.base.errors import Invalid
from salus.codes.tables import ICD9, LOINC
from salus.places.drg import Payment
from salus.places.drg.telling import told, why
from salus.services.billing.foretelling import Foretold, alone, foretold, ordered_too
from salus.services.billing.staying import Expected, expected, under_way
from salus.services.laboratory.catalogue import called
from salus.services.visits.finding import procedures_of
from salus.services.visits.orders import dispensed
from salus.ui.formats import money
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Stay:
    """`group` is "" where the stay fits in none; `why` and `paid` are sentences; `used`: cost as a share of what is
    paid; `ahead`: with the procedures that are ordered and not done, None where there are none."""

    group: str
    title: str
    why: str
    paid: str
    margin: int
    currency: str
    used: float
    source: str
    ahead: Payment | None


def of_patient(visit: Visit, patient: str) -> list[Stay]:
    """The stays of a patient that go on, as far as they can be grouped."""
    return [stay(visit, one) for one in expectations(visit, patient)]


def expectations(visit: Visit, patient: str) -> list[Expected]:
    found = (expected(visit.records, id) for id in under_way(visit.records, patient))
    return [one for one in found if one]


def stay(visit: Visit, one: Expected) -> Stay:
    payment, grouped, language = one.payment, one.payment.grouped, visit.language
    title = grouped.family.title if grouped.family else None
    return Stay(
        grouped.group,
        (title.zh if language == "zh" else title.en) if title else "",
        why(grouped, language),
        told(one.table, payment, language, lambda minor: money(minor, payment.currency, language)),
        payment.margin,
        payment.currency,
        payment.cost / payment.standard if payment.standard else 0.0,
        one.table.source,
        ordered_too(visit.records, one),
    )


# --- the order that is typed ---


@dataclass(frozen=True, slots=True)
class Typed:
    """`day`: whether the cost is that of one day, since it is not said for how many; `told` is None outside a stay,
    where only `price` (minor units, currency) is known."""

    told: Foretold | None
    name: str
    day: bool = False
    price: tuple[int, str] | None = None


def typing(visit: Visit) -> Response:
    """What the order that is typed would leave, as part of a page; nothing for what is no order yet."""
    return visit.page("order_cost.html", costs=of_form(visit, visit.path["id"], visit.query))


def of_form(visit: Visit, patient: str, form: Mapping[str, str]) -> list[Typed]:
    """By what the form says so far; one for each stay that goes on."""
    order, day = procedure(visit, form) or typed_order(patient, form)
    if order is None:
        return []
    if is_outside(visit, patient, order):
        return outside(visit, order)
    stays = (one for one in expectations(visit, patient) if one.payment.grouped.group)
    told = (foretold(visit.records, one, order) for one in stays)
    return [Typed(one, name(one, order, visit.language), day) for one in told]


def procedure(visit: Visit, form: Mapping[str, str]) -> tuple[dict[str, Any] | None, bool] | None:
    """The order of the procedure that is chosen (`code`), or that fits best what is typed (`procedure`); None for
    another form."""
    code, text = form.get("code", ""), form.get("procedure", "")
    if not (code or "procedure" in form):
        return None
    house = procedures_of(visit.desk.store.folder)
    found = code or next((one.code for one in house.find(text, visit.language, most=1)), "")
    words = house.named(ICD9, found, visit.language)
    named = {"coding": [{"system": ICD9, "code": found}], "text": words}
    return ({"resourceType": "ServiceRequest", "code": named} if words else None), False


def is_outside(visit: Visit, patient: str, order: Mapping[str, Any]) -> bool:
    """Whether it is a procedure for somebody who is in no stay."""
    procedures = any(one.get("system") == ICD9 for one in order.get("code", {}).get("coding", []))
    return procedures and not under_way(visit.records, patient)


def outside(visit: Visit, order: dict[str, Any]) -> list[Typed]:
    """The price alone; nothing where the tariff has none."""
    found = alone(visit.records, order)
    return [] if found is None else [Typed(None, found.name(visit.language), price=(found.cost, found.currency))]


def name(one: Foretold, order: Mapping[str, Any], language: str) -> str:
    """As the tariff calls it, else as it was typed."""
    written = order.get("medicationCodeableConcept") or order["code"]
    return (one.zh if language == "zh" else one.en) or str(written.get("text", ""))


def typed_order(patient: str, form: Mapping[str, str]) -> tuple[dict[str, Any] | None, bool]:
    """The order of a form, and whether it is of one day; None for what is none yet."""
    if text := form.get("test", "").strip():
        found = called(text)
        code = {"coding": [{"system": LOINC, "code": found.code}]} if found else {}
        return {"resourceType": "ServiceRequest", "code": {"text": text[:200], **code}}, False
    written = Written.of({key: value.strip() for key, value in form.items()})
    day = not written.days
    try:
        order = draft(replace(written, days="1") if day else written, patient, "")
    except Invalid:
        return None, False
    supply = dispensed(order)
    return order | ({"dispenseRequest": {"quantity": supply}} if supply else {}), day
