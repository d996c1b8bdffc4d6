"""The close of a day: what went through each desk, what was counted, every difference by name; to print and to keep."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid
from salus.base.money import plain, typed
from salus.places.tariffs import Tariff
from salus.privacy import SYSTEM, Purpose, Role
from salus.records.books import Books
from salus.services.billing import closing
from salus.services.billing.closes import Closing
from salus.services.billing.invoices import Missed, missing
from salus.services.billing.local import USUAL, Local
from salus.services.billing.payments import DEPOSIT, providers_of
from salus.web.billing.asked import day_of, who
from salus.web.telling.people import staff
from salus.web.visit import Visit

MONEY = "money/"
COUNTED = frozenset({"cash"})  # providers whose money lies in a drawer


def preview(visit: Visit) -> Response:
    """What a close would take in."""
    return page(visit)


def page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    day, (provider, currency) = day_of(visit, visit.today), asked_drawer(visit)
    told, shut = None, fault
    try:
        told = closing.preview(*who(visit), provider, currency, day, visit.zone)
    except (Conflict, Invalid) as no:
        shut = fault or visit.told(no.issues[0].text)
    earlier = closing.closings(visit.records, provider, currency)
    return visit.page(
        "billing/close.html",
        status,
        told=told,
        people=named(visit, [told, *earlier] if told else earlier),
        fault=shut,
        chosen=day,
        provider=provider,
        currency=currency,
        drawers=drawers(visit),
        counts=provider in COUNTED,
        missed=missed(visit, day),
        may_charge=visit.who.actor.role is Role.CASHIER,
        earlier=earlier,
        shown=plain,
    )


def close(visit: Visit) -> Response:
    """Close it, with what was counted."""
    day, (provider, currency) = day_of(visit, visit.today), asked_drawer(visit)
    try:
        counted = counts(visit, currency) if provider in COUNTED else None
        made = closing.close(*who(visit), provider, currency, day, visit.zone, counted)
    except (Conflict, Invalid) as fault:
        return page(visit, visit.told(fault.issues[0].text), fault.status)
    return visit.go(f"/books/closings/{made.id}")


def counts(visit: Visit, currency: str) -> dict[str, int]:
    """What was typed for each desk: fields `counted:<desk>`."""
    fields = {name.removeprefix("counted:"): text for name, text in visit.form.items() if name.startswith("counted:")}
    return {desk: typed(text, currency) for desk, text in fields.items()}


def one(visit: Visit) -> Response:
    """A day that is closed. Raises Missing."""
    made: Closing = closing.closing(visit.records, visit.path["id"])
    return visit.page("billing/closing.html", told=made, people=named(visit, [made]))


def named(visit: Visit, closings: Iterable[Closing]) -> dict[str, str]:
    """What those are called who took money, and who closed a day."""
    known = list(closings)
    desks = (drawer.desk for one in known for drawer in one.drawers)
    return staff(visit.records, [*desks, *(one.who for one in known)], visit.language)


@dataclass(frozen=True, slots=True)
class Uncharged:
    """Something that was done and not charged: what the tariff calls it, and what says that it was done."""

    name: str
    source: str


def missed(visit: Visit, day: date) -> list[Uncharged]:
    """What was done and not charged. It is found by the house: who closes the day may not read results, and is told no
    more than what is missing."""
    found = missing(visit.desk.store.open(SYSTEM, Purpose.OPERATIONS), day, visit.zone.key)
    tariff = Local(visit.desk.store.folder).tariff_read(USUAL)
    return [Uncharged(named_by(tariff, one, day, visit.language), one.reference) for one in found]


def named_by(tariff: Tariff | None, one: Missed, day: date, language: str) -> str:
    """As the tariff calls it, or by its code."""
    prices = (tariff.find(*coding, day) for coding in one.codings) if tariff else ()
    name = next((price.names[language] for price in prices if price), "")
    return name or ", ".join(code for _, code in one.codings)


def asked_drawer(visit: Visit) -> tuple[str, str]:
    """Provider and currency, as `cash CNY`; the first there is where none is asked for. Raises Invalid."""
    asked, there = visit.form.get("drawer") or visit.query.get("drawer"), drawers(visit)
    if not asked:
        return there[0]
    provider, _, currency = asked.partition(" ")
    if (provider, currency) not in there:
        raise Invalid(f"{asked[:40]!r} takes no money here", path="drawer")
    return provider, currency


def drawers(visit: Visit) -> list[tuple[str, str]]:
    """Where money comes in: the providers in use, and those that the books know, each with its currency."""
    known = {(name.removeprefix(MONEY), currency) for name, currency, _ in Books(visit.desk.store).accounts(MONEY)}
    named = {name for name, _ in known}
    usual = {(name, "CNY") for name in providers_of(visit.desk.settings) if name != DEPOSIT and name not in named}
    return sorted(known | usual)
