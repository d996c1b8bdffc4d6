"""All checks over the orders of one patient."""

from collections.abc import Callable, Iterable, Iterator

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen import doses, lifetime, limits
from salus.assistants.treatment.screen.allergies import allergy, called, is_read
from salus.assistants.treatment.screen.doses import doses as too_much
from salus.assistants.treatment.screen.duplicates import duplicates
from salus.assistants.treatment.screen.findings import Finding, Screening, Unchecked, gravest_first
from salus.assistants.treatment.screen.knowledge import Knowledge
from salus.assistants.treatment.screen.lifetime import lifetimes
from salus.assistants.treatment.screen.limits import limits as not_for
from salus.assistants.treatment.screen.orders import Order
from salus.assistants.treatment.screen.pairs import interactions
from salus.assistants.treatment.screen.person import Person, reference, says

Check = Callable[[list[Order], Person, Knowledge], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (interactions, duplicates, allergy, not_for, too_much, lifetimes)


def screen(orders: Iterable[Order], person: Person, knowledge: Knowledge) -> Screening:
    """What speaks against the proposed orders beside those that stand, and what could not be looked at."""
    given = list(orders)
    findings = [finding for check in CHECKS for finding in check(given, person, knowledge)]
    known = sum(order.named.known for order in given)
    return Screening(
        gravest_first(findings),
        tuple(unchecked(given, person, knowledge)),
        len(given),
        known,
        knowledge.version,
        knowledge.dated,
    )


def unchecked(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Unchecked]:
    """Medicines that nobody here knows, contradictions, allergies that are not understood, and what rules lacked."""
    for order in orders:
        yield from misread(order)
    for torn in person.contradictions:
        yield Unchecked(says("unchecked.allergies"), torn)
    for one in person.allergies:
        if not is_read(one, knowledge):
            yield Unchecked(says("unchecked.allergy", name=called(one)), says("unchecked.unread"), (reference(one),))
    yield from limits.unknown(orders, person, knowledge)
    yield from doses.unknown(orders, person, knowledge)
    yield from lifetime.unknown(orders, person, knowledge)


def misread(order: Order) -> Iterator[Unchecked]:
    """An order whose code and words disagree, that no name explains or only in part, or whose dose cannot be meant."""
    named = order.named
    about = Name(named.text, named.text)
    if named.torn:
        yield Unchecked(about, says("unchecked.torn"), (order.reference,))
    elif named.unread:
        key = "unchecked.part" if named.ingredients else "unchecked.unknown"
        yield Unchecked(about, says(key, parts=", ".join(named.unread)), (order.reference,))
    for fault, dose in order.odd:
        yield Unchecked(about, says(f"unchecked.dose.{fault}", dose=dose), (order.reference,))
