"""Two medicines, or two herbs, that do not go together: one finding for each rule, naming every medicine it touches."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen.findings import Finding, by_row
from salus.assistants.treatment.screen.knowledge import Knowledge
from salus.assistants.treatment.screen.orders import Order
from salus.assistants.treatment.screen.person import Person
from salus.codes.drugs import Ingredient


def interactions(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Finding]:
    """Of every two ingredients at least one of which is proposed; within one combined medicine too."""
    taken = {one.name: one for order in orders for one in order.ingredients}
    proposed = {name for order in orders if order.proposed for name in order.names}
    touched: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in combinations(sorted(taken), 2):
        if one in proposed or other in proposed:
            for rule in knowledge.between(one, other):
                touched[rule] |= {one, other}
    for rule, names in touched.items():
        row = knowledge.interaction(rule)
        source, orders_with = knowledge.source(row.source), with_any(orders, names)
        yield by_row("interaction", rule, row, named(taken, names), source, orders=orders_with)


def named(taken: dict[str, Ingredient], names: set[str]) -> tuple[Name, ...]:
    """The ingredients as people call them, in the order of their names."""
    return tuple(Name(taken[name].in_("en"), taken[name].in_("zh")) for name in sorted(names))


def with_any(orders: list[Order], names: set[str]) -> tuple[str, ...]:
    """The references of the orders that hold one of the ingredients, the proposed first."""
    return tuple(one.reference for one in sorted(orders, key=lambda one: not one.proposed) if one.names & names)
