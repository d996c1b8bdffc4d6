"""More than is given: of an ingredient over all orders together, a day and a week; of children by weight; and high
doses that are gone on with for too long. The most of a life stands in `lifetime`."""

from collections.abc import Iterator, Mapping

from salus.assistants.treatment.screen.findings import Finding, Unchecked
from salus.assistants.treatment.screen.knowledge import Knowledge
from salus.assistants.treatment.screen.orders import Order
from salus.assistants.treatment.screen.pairs import named, with_any
from salus.assistants.treatment.screen.person import Person, says
from salus.assistants.treatment.screen.rules import Most
from salus.assistants.treatment.screen.summing import list_of
from salus.codes import units

CHILD = 12.0  # years below which doses go by weight
WEEK = 7.0


def doses(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Finding]:
    """One finding for each ingredient whose amount is above the most, orders that stand already counted in."""
    taken = {one.name: one for order in orders for one in order.ingredients}
    for name in sorted({name for order in orders if order.proposed for name in order.names}):
        most, daily, called = knowledge.most(name), least(name, orders), named(taken, {name})
        if most is None:
            continue
        source, touched = knowledge.source(most.source), with_any(orders, {name})
        sign = "" if together(name, orders) is not None else "≥ "
        for span, given, bound in crossed(most, daily, person):
            text = says(f"dose.{span}", given=f"{sign}{given:g}", most=f"{bound:g}", name=called[0])
            yield Finding("dose", f"most-{span}", "interrupt", called, text, says("dose.do"), source, touched)
        for days, given, bound in prolonged(most, name, orders):
            text = says("dose.course", name=called[0], days=f"{days:.0f}", given=f"{given:g}", most=f"{bound:g}")
            yield Finding("dose", "most-course", "inform", called, text, says("dose.do"), source, touched)


def least(name: str, orders: list[Order]) -> float:
    """mg a day of an ingredient over all orders, as far as they say: it is so much at least."""
    return sum(order.daily.get(name, 0.0) for order in orders)


def prolonged(most: Most, name: str, orders: list[Order]) -> Iterator[tuple[float, float, float]]:
    """(days, mg a day, bound) of the first order that goes on with a high dose for too long, by its longest bound."""
    for order in orders:
        daily, days = order.daily.get(name), order.days
        for longest, amount, unit in sorted(most.courses, reverse=True) if daily and days else ():
            if days and daily and days > longest and daily > units.convert(amount, unit, "mg") * (1 + 1e-9):
                yield days, round(daily, 6), units.convert(amount, unit, "mg")
                return


def endless(name: str, orders: list[Order], knowledge: Knowledge) -> bool:
    """Whether a proposed order is of a dose that is meant for some time only, and does not say for how long."""
    most = knowledge.most(name)
    bounds = [units.convert(amount, unit, "mg") for _, amount, unit in most.courses] if most else []
    mine = [one.daily.get(name, 0.0) for one in orders if one.proposed and name in one.names and not one.bounded]
    return bool(bounds) and any(daily > min(bounds) for daily in mine)


def together(name: str, orders: list[Order]) -> float | None:
    """mg a day of an ingredient over all orders; None where one of them does not say."""
    amounts = [order.daily.get(name) for order in orders if name in order.names]
    return None if None in amounts else sum(filter(None, amounts))


def crossed(most: Most, daily: float, person: Person) -> Iterator[tuple[str, float, float]]:
    """(span, given, bound) in mg for each bound that the amount is above; a day's, a week's, a child's."""
    age, weight = person.facts.get("age"), person.facts.get("weight")
    young = age is not None and float(age.value) < CHILD
    if young and most.child and weight:
        bound = units.convert(most.child[0], most.child[1], "mg/kg") * float(weight.value)
        bound = min(bound, in_mg(most.day)) if most.day else bound
        yield from above("child", daily, bound)
    elif most.day and not young:
        yield from above("day", daily, in_mg(most.day))
    if most.week:
        yield from above("week", daily * WEEK, in_mg(most.week))


def above(span: str, given: float, bound: float) -> Iterator[tuple[str, float, float]]:
    if given > bound * (1 + 1e-9):
        yield span, round(given, 6), round(bound, 6)


def in_mg(dose: tuple[float, str]) -> float:
    return units.convert(dose[0], dose[1], "mg")


def unknown(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Unchecked]:
    """Medicines with a most whose amount a day is not known, or that a child's weight or age is missing for."""
    taken = {one.name: one for order in orders for one in order.ingredients}
    proposed = {name for order in orders if order.proposed for name in order.names}
    reasons: Mapping[str, set[str]] = {
        "no-most": {name for name in proposed if knowledge.most(name) is None},
        "amount": {name for name in proposed if timed(knowledge, name) and together(name, orders) is None},
        "child": {name for name in proposed if timed(knowledge, name) and child_unknown(knowledge, name, person)},
        "course": {name for name in proposed if endless(name, orders, knowledge)},
    }
    for why, names in reasons.items():
        if names:
            medicines = named(taken, names)
            about, orders_with = says("unchecked.dose", names=list_of(medicines)), with_any(orders, names)
            yield Unchecked(about, says(f"unchecked.{why}"), orders_with, medicines, (f"open.{why}", ()))


def timed(knowledge: Knowledge, name: str) -> bool:
    """Whether there is a most of a day, a week or a child."""
    most = knowledge.most(name)
    return most is not None and any((most.day, most.week, most.child))


def child_unknown(knowledge: Knowledge, name: str, person: Person) -> bool:
    """Whether the patient may be a child and the dose by weight cannot be judged."""
    most, age = knowledge.most(name), person.facts.get("age")
    if age is None:
        return True
    return float(age.value) < CHILD and (most is None or most.child is None or "weight" not in person.facts)
