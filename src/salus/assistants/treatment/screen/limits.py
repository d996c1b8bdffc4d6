"""Medicines that are not given to this patient, or not like this: age, weight, kidney, liver, blood, pregnancy, genes,
the length of the course, the route. Of several rules for one measure that hold, the gravest is said."""

from collections import defaultdict
from collections.abc import Iterator

from salus.assistants.treatment.screen.findings import Finding, Unchecked, by_row
from salus.assistants.treatment.screen.knowledge import Knowledge
from salus.assistants.treatment.screen.orders import Order
from salus.assistants.treatment.screen.pairs import named, with_any
from salus.assistants.treatment.screen.person import ASKED, Fact, Person, says
from salus.assistants.treatment.screen.rules import Limit
from salus.assistants.treatment.screen.summing import list_of


def limits(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Finding]:
    """One finding for each rule that holds for a proposed order, with the fact that it rests on."""
    found: dict[str, tuple[set[str], Fact]] = {}
    for order in filter(lambda one: one.proposed, orders):
        for name in order.names:
            for rule, fact in holding(order, name, person, knowledge):
                found.setdefault(rule, (set(), fact))[0].add(name)
    taken = {one.name: one for order in orders for one in order.ingredients}
    for rule, (names, fact) in found.items():
        row = knowledge.limit(rule)
        yield by_row(
            "limit",
            rule,
            row,
            named(taken, names),
            knowledge.source(row.source),
            orders=with_any(orders, names),
            facts=(fact.said,),
            resources=(fact.source,) if fact.source else (),
        )


def holding(order: Order, name: str, person: Person, knowledge: Knowledge) -> Iterator[tuple[str, Fact]]:
    """The rules that hold for one ingredient, of each measure the gravest only."""
    said: set[str] = set()
    for rule in knowledge.limits.get(name, ()):
        row = knowledge.limit(rule)
        fact = fact_of(row.measure, order, person)
        if fact and row.measure not in said and holds(row, fact):
            said.add(row.measure)
            yield rule, fact


def fact_of(measure: str, order: Order, person: Person) -> Fact | None:
    """The fact that a measure asks for: of the order itself, or of the patient; None where it is not known."""
    if measure == "days":
        return Fact(order.days, says("fact.days", value=f"{order.days:.0f}")) if order.days is not None else None
    if measure == "route":
        return Fact(order.route, says("fact.route", value=says(f"route.{order.route}"))) if order.route else None
    return person.facts.get(measure)


def holds(row: Limit, fact: Fact) -> bool:
    """Whether the bound of a rule is crossed; the bound itself is still allowed."""
    if row.is_ is not None:
        return bool(fact.value) is row.is_
    if row.among:
        return str(fact.value) in row.among
    value = float(fact.value)
    return value < row.below if row.below is not None else value > float(row.above or 0)


def unknown(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Unchecked]:
    """Measures that a rule for a proposed medicine asks for and that are not known, each once with its medicines."""
    asking: defaultdict[str, set[str]] = defaultdict(set)
    for order in filter(lambda one: one.proposed, orders):
        for name in order.names:
            for rule in knowledge.limits.get(name, ()):
                measure = knowledge.limit(rule).measure
                if measure in ASKED and measure not in person.facts:
                    asking[measure].add(name)
    taken = {one.name: one for order in orders for one in order.ingredients}
    for measure, names in sorted(asking.items()):
        medicines, label, lacking = named(taken, names), says(f"measure.{measure}"), person.missing[measure]
        key = "open.measure" if label.en in lacking.en else "open.computed"
        yield Unchecked(
            says("unchecked.limits", measure=label, names=list_of(medicines)),
            says("unchecked.measure", why=lacking),
            with_any(orders, names),
            medicines,
            (key, (("measure", label), ("why", lacking))),
        )
