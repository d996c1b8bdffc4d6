"""An order against what the patient is allergic to: the same thing, or one that may do the same."""

from collections.abc import Iterator, Mapping
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen.findings import Finding
from salus.assistants.treatment.screen.knowledge import Knowledge
from salus.assistants.treatment.screen.orders import Order
from salus.assistants.treatment.screen.pairs import named, with_any
from salus.assistants.treatment.screen.person import Person, codes_of, label, reference, says, words_in
from salus.assistants.treatment.screen.rules import TIERS, members
from salus.codes import ALLERGIES
from salus.codes.drugs import ingredients_in

Resource = Mapping[str, Any]
DRUG = "medication"  # AllergyIntolerance.category


def allergy(orders: list[Order], person: Person, knowledge: Knowledge) -> Iterator[Finding]:
    """One finding for each allergy and each way in which an order meets it."""
    proposed = {one.name: one for order in orders if order.proposed for one in order.ingredients}
    for resource in person.allergies:
        same, cross = meaning(resource, knowledge)
        met = set(same & proposed.keys())
        if met:
            yield Finding(
                "allergy",
                "allergy",
                "interrupt",
                named(proposed, met),
                says("allergy.same", name=called(resource)),
                says("allergy.same.do"),
                None,
                with_any(orders, met),
                (reaction(resource),),
                (reference(resource),),
            )
        yield from crossing(resource, cross, proposed.keys() - met, orders, knowledge)


def crossing(
    resource: Resource, cross: dict[str, str], left: set[str], orders: list[Order], knowledge: Knowledge
) -> Iterator[Finding]:
    """What may do the same, by the rule that says so."""
    taken = {one.name: one for order in orders for one in order.ingredients}
    for rule in sorted({cross[name] for name in left if name in cross}):
        row, met = knowledge.allergen(rule), {name for name in left if cross.get(name) == rule}
        yield Finding(
            "cross-allergy",
            rule,
            row.tier,
            named(taken, met),
            says("allergy.cross", name=called(resource), said=Name(row.en, row.zh)),
            says("allergy.cross.do"),
            knowledge.source(row.source),
            with_any(orders, met),
            (reaction(resource),),
            (reference(resource),),
        )


def meaning(resource: Resource, knowledge: Knowledge) -> tuple[frozenset[str], dict[str, str]]:
    """The ingredients that the allergy is to, and those that may do the same, each with the gravest rule for it."""
    concept = resource.get("code", {})
    rules = [rule for name in names(concept) for rule in knowledge.allergens.get(name, ())]
    mine = {one.name for one in ingredients_in(concept).ingredients} if not rules else set[str]()
    rules += [rule for name in sorted(mine) for rule in knowledge.allergens.get(name, ())]
    rows = [(rule, knowledge.allergen(rule)) for rule in dict.fromkeys(rules)]
    same = frozenset(mine).union(*(members(row.same) for _, row in rows))
    cross: dict[str, str] = {}
    for rule, row in sorted(rows, key=lambda one: TIERS.index(one[1].tier)):
        for name in members(row.cross) - same:
            cross.setdefault(name, rule)
    return same, cross


def names(concept: Resource) -> list[str]:
    """What may name an allergen: codes, and words with and without "allergy to"."""
    words = [word.lower().strip() for word in words_in(concept)]
    bare = [word.removeprefix("allergy to ").removesuffix(" allergy").removesuffix("过敏").strip() for word in words]
    return list(dict.fromkeys([*codes_of(concept), *words, *bare]))


def is_read(resource: Resource, knowledge: Knowledge) -> bool:
    """Whether the screen knows what the allergy is to; food and dust are no medicines, and known to be none."""
    if resource.get("category") and DRUG not in resource["category"]:
        return True
    concept = resource.get("code", {})
    known = any(code in ALLERGIES and ALLERGIES[code].more.get("category") != DRUG for code in codes_of(concept))
    same, cross = meaning(resource, knowledge)
    return known or bool(same or cross)


def called(resource: Resource) -> Name:
    code = next((code for code in codes_of(resource.get("code", {})) if code in ALLERGIES), None)
    return Name(ALLERGIES[code].en, ALLERGIES[code].zh) if code else Name(label(resource), label(resource))


def reaction(resource: Resource) -> Name:
    """How it showed and how grave it was, as far as that is recorded."""
    shown = [
        word
        for one in resource.get("reaction", [])
        for part in one.get("manifestation", [])
        for word in words_in(part)[:1]
    ]
    return (
        says("allergy.shown", name=called(resource), shown="; ".join(shown))
        if shown
        else says("allergy.recorded", name=called(resource))
    )
