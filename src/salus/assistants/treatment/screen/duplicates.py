"""The same ingredient in two orders, and two medicines of one class that are not meant to stand together.

Classes are ATC level 4, but where two of one class are usual practice. https://atcddd.fhi.no/atc_ddd_index/
"""

from collections import defaultdict
from collections.abc import Iterator

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen.findings import Finding
from salus.assistants.treatment.screen.knowledge import Knowledge
from salus.assistants.treatment.screen.orders import Order
from salus.assistants.treatment.screen.pairs import named, with_any
from salus.assistants.treatment.screen.person import Person, says
from salus.codes.drugs import CLASSES

# classes of which a patient takes one; the name of each is in classes.toml
ONE_OF = (
    "ace-inhibitors",
    "angiotensin-antagonists",
    "beta-blockers",
    "statins",
    "nsaids",
    "proton-pump-inhibitors",
    "ssris",
    "snris",
    "tricyclics",
    "benzodiazepines",
    "sulfonylureas",
    "dpp4-inhibitors",
    "sglt2-inhibitors",
    "glp1-agonists",
    "oral-anticoagulants",
    "macrolides",
    "fluoroquinolones",
    "thyroid-hormones",
    "h2-blockers",
    "dihydropyridines",
    "antipsychotics",
)


def duplicates(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Finding]:
    yield from same_ingredient(orders)
    yield from same_class(orders)


def same_ingredient(orders: list[Order]) -> Iterator[Finding]:
    """An ingredient that stands in more than one order, one of them proposed."""
    holding: defaultdict[str, list[Order]] = defaultdict(list)
    for order in orders:
        for name in order.names:
            holding[name].append(order)
    taken = {one.name: one for order in orders for one in order.ingredients}
    for name, held in sorted(holding.items()):
        if len(held) > 1 and any(order.proposed for order in held):
            medicines = named(taken, {name})
            yield Finding(
                "duplicate",
                "same-ingredient",
                "interrupt",
                medicines,
                says("duplicate.same", name=medicines[0], count=len(held)),
                says("duplicate.same.do"),
                None,
                with_any(orders, {name}),
            )


def same_class(orders: list[Order]) -> Iterator[Finding]:
    """Two different ingredients of a class of which one is usual; one of them proposed."""
    taken = {one.name: one for order in orders for one in order.ingredients}
    proposed = {name for order in orders if order.proposed for name in order.names}
    for key in ONE_OF:
        held = CLASSES[key].members & taken.keys()
        if len(held) > 1 and held & proposed:
            group = Name(CLASSES[key].en, CLASSES[key].zh)
            yield Finding(
                "class-duplicate",
                f"two-{key}",
                "inform",
                named(taken, set(held)),
                says("duplicate.class", group=group, count=len(held)),
                says("duplicate.class.do"),
                None,
                with_any(orders, set(held)),
            )
