"""What a stay in hospital is to bring, told beside its orders: for planning, never a reason to leave something out."""

from dataclasses import dataclass

from salus.places.drg.telling import told, why
from salus.services.billing.staying import Expected, expected, under_way
from salus.ui.formats import money
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Stay:
    """`group` is "" where the stay fits in none; `why` and `paid` are sentences; `used`: cost as a share of what is
    paid."""

    group: str
    title: str
    why: str
    paid: str
    margin: int
    currency: str
    used: float
    source: str


def of_patient(visit: Visit, patient: str) -> list[Stay]:
    """The stays of a patient that go on, as far as they can be grouped."""
    found = (expected(visit.records, id) for id in under_way(visit.records, patient))
    return [stay(one, visit.language) for one in found if one]


def stay(one: Expected, language: str) -> Stay:
    payment, grouped = one.payment, one.payment.grouped
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
    )
