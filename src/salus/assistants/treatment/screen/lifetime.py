"""The most of a life, for medicines whose harm adds up: what is recorded as given here, and the order, against it.

What was given elsewhere is not known here, and is said so with every such order. An amount is counted for each square
metre of body surface only where height and weight are known; nothing is guessed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen.findings import Finding, Unchecked
from salus.assistants.treatment.screen.knowledge import Knowledge
from salus.assistants.treatment.screen.orders import Order, medicine_of
from salus.assistants.treatment.screen.pairs import named, with_any
from salus.assistants.treatment.screen.person import Person, says, written
from salus.assistants.treatment.screen.rules import Most
from salus.base.errors import Invalid
from salus.codes import units
from salus.codes.drugs import ingredients_in

Resource = Mapping[str, Any]
TYPE = "MedicationAdministration"  # https://hl7.org/fhir/R4/medicationadministration.html
NOT_GIVEN = {"not-done", "entered-in-error"}
WHOLE = {"completed", "in-progress"}
SURFACE = "m2"
UNITS = {"[USP'U]": "U", "unit": "U", "units": "U", "{unit}": "U"}


@dataclass(frozen=True, slots=True)
class Used:
    """Of one ingredient, in the unit of its most: what was given here, with the order; `doses` that were counted and
    those that could not be; `why` where there is no sum at all."""

    before: float
    with_order: float
    doses: int
    uncounted: int
    why: Name | None = None


def bounded(names: Iterable[str], knowledge: Knowledge) -> list[str]:
    """Those of the ingredients that have a most of a life."""
    return sorted(name for name in names if (most := knowledge.most(name)) is not None and most.life)


def asks(proposed: Iterable[Resource], knowledge: Knowledge) -> bool:
    """Whether what was given before matters for one of these orders."""
    named_ = (one.name for order in proposed for one in ingredients_in(medicine_of(order)).ingredients)
    return bool(bounded(named_, knowledge))


def lifetimes(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Finding]:
    """One finding for each proposed ingredient whose life is used up by the order, or nearly."""
    taken = {one.name: one for order in orders for one in order.ingredients}
    for name in proposed(orders, knowledge):
        most, used = knowledge.table.doses[name], use_of(name, orders, person, knowledge)
        if used.why is not None or most.life is None:
            continue
        share = used.with_order / most.life[0] + others(name, orders, person, knowledge)
        close = most.care is not None and used.with_order > most.care[0]
        if share > 1 + 1e-9 or close:
            label = named(taken, {name})
            yield Finding(
                "dose",
                "most-life",
                "interrupt" if share > 1 + 1e-9 else "inform",
                label,
                words(label[0], used, most, share),
                says("dose.do"),
                knowledge.source(most.source),
                with_any(orders, {name}),
                resources=tuple(reference(one) for one in person.given if name in holds(one))[:1],
            )


def words(name: Name, used: Used, most: Most, share: float) -> Name:
    amount, unit = most.life or (0.0, "")
    slots = {"before": f"{used.before:.4g}", "given": f"{used.with_order:.4g}", "most": f"{amount:g}"}
    key = "dose.life.shared" if share > used.with_order / amount + 1e-9 else "dose.life"
    return says(key, name=name, doses=used.doses, share=f"{100 * share:.0f}", unit=written(unit), **slots)


def unknown(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Unchecked]:
    """For each such order: what was counted, what could not be, and that nothing is known of elsewhere."""
    taken = {one.name: one for order in orders for one in order.ingredients}
    for name in proposed(orders, knowledge):
        used = use_of(name, orders, person, knowledge)
        about = says("unchecked.lifetime", name=named(taken, {name})[0])
        told = says("unchecked.life", doses=used.doses)
        yield Unchecked(about, told, with_any(orders, {name}))
        if used.why is not None:
            yield Unchecked(about, says("unchecked.measure", why=used.why), with_any(orders, {name}))
        if used.uncounted:
            yield Unchecked(about, says("unchecked.uncounted", count=used.uncounted), with_any(orders, {name}))


def proposed(orders: list[Order], knowledge: Knowledge) -> list[str]:
    return bounded({name for order in orders if order.proposed for name in order.names}, knowledge)


def others(name: str, orders: list[Order], person: Person, knowledge: Knowledge) -> float:
    """The part of the shared life that others of the same name have used up, each by its own most."""
    shares = knowledge.table.doses[name].shares
    rows = knowledge.table.doses.items()
    same = [(key, most.life[0]) for key, most in rows if shares and most.shares == shares and most.life and key != name]
    return sum(use_of(key, orders, person, knowledge).with_order / life for key, life in same)


def use_of(name: str, orders: list[Order], person: Person, knowledge: Knowledge) -> Used:
    """What of one ingredient's life is used, by what stands here."""
    unit = (knowledge.table.doses[name].life or (0.0, ""))[1]
    before, uncounted = 0.0, 0
    mine = [one for one in person.given if name in holds(one) and one.get("status") not in NOT_GIVEN]
    for one in mine:
        amount = amount_in(one.get("dosage", {}).get("dose"), unit, person) if one.get("status") in WHOLE else None
        alone = len(holds(one)) == 1
        before, uncounted = (before + amount, uncounted) if amount is not None and alone else (before, uncounted + 1)
    coming = [order for order in orders if order.proposed and name in order.names]
    added = [planned(order, unit, person) for order in coming]
    why = lacking(unit, person) or (says("missing.planned", unit=written(unit)) if None in added else None)
    return Used(before, before + sum(filter(None, added)), len(mine) - uncounted, uncounted, why)


def planned(order: Order, unit: str, person: Person) -> float | None:
    """What the order gives in all, in the unit of the most; None where it does not say so that it can be added up."""
    if len(order.names) != 1 or not order.amounts:
        return None
    total = 0.0
    for quantity, times in order.amounts:
        if (one := amount_in(quantity, unit, person)) is None:
            return None
        total += one * times
    return total


def amount_in(quantity: Resource | None, unit: str, person: Person) -> float | None:
    """A dose in the unit of the most: a mass over the body surface, or as it stands; None where that cannot be."""
    if not quantity or "value" not in quantity:
        return None
    given = str(quantity.get("code") or quantity.get("unit") or "")
    value, source = float(quantity["value"]), UNITS.get(given, given)
    mass, _, per = unit.partition("/")
    surface = person.facts.get("bsa")
    for target, over in ((unit, 1.0), *(((mass, float(surface.value)),) if per == SURFACE and surface else ())):
        try:
            return float(units.convert(value, source, target) / over)
        except Invalid:
            continue
    return None


def lacking(unit: str, person: Person) -> Name | None:
    return person.missing.get("bsa") if unit.endswith(f"/{SURFACE}") and "bsa" not in person.facts else None


def holds(administration: Resource) -> frozenset[str]:
    return frozenset(one.name for one in ingredients_in(medicine_of(administration)).ingredients)


def reference(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"
