"""The card from its layers: guidelines, the screen, estimates of benefit, and the orders in draft."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.benefit import Benefit
from salus.assistants.treatment.benefit import Option as Treatment
from salus.assistants.treatment.guidelines.background import Background
from salus.assistants.treatment.guidelines.offers import Choice, Offered, Screens, choice
from salus.assistants.treatment.guidelines.shelf import options as apply_plan
from salus.assistants.treatment.options.matching import codes_of, concept_of, is_one_of, medicines_of
from salus.assistants.treatment.options.ranking import lines, ranked, without_line
from salus.assistants.treatment.options.shape import Medicine, Option, Pathway
from salus.assistants.treatment.prescribing import Told
from salus.assistants.treatment.screen.orders import medicine_of
from salus.base import clock
from salus.base.errors import SalusError
from salus.codes.drugs import ingredients_in
from salus.codes.terminology import Terminology

Json = dict[str, Any]
MOST = 12  # medicines of one class that are screened and shown
ORDER = ("applies", "unknown", "fault", "not")


def pathways(
    plans: Sequence[Json], background: Background, screens: Screens, terms: Terminology | None
) -> list[Pathway]:
    """Each plan over the patient; those that apply first. One that cannot be applied is told, and hides no other."""
    found = [pathway(plan, background, screens, terms) for plan in plans]
    return sorted(found, key=lambda one: ORDER.index(one.state))


def pathway(plan: Json, background: Background, screens: Screens, terms: Terminology | None) -> Pathway:
    named = str(plan.get("title") or plan["id"])
    try:
        applied, offered = apply_plan(plan, background, screens, terms)
    except SalusError as fault:
        return Pathway(plan["id"], Name(named, named), fault=str(fault))
    protocol = str(plan.get("url") or f"PlanDefinition/{plan['id']}")
    options = tuple(option_of(plan["id"], place, one, protocol) for place, one in enumerate(offered))
    return Pathway(plan["id"], applied.title, options, applied)


def option_of(plan: str, place: int, offered: Offered, protocol: str) -> Option:
    """A line of a guideline; one without an id of its own is called by its title, whatever its place."""
    key = offered.option.action.get("id") or offered.option.title.en or str(place)
    medicines = tuple(Medicine(one) for one in offered.choices)
    return Option(f"{plan}/{key}", offered.option.title, medicines, offered.option, protocol=protocol)


# estimates


def estimated(option: Option, benefits: Sequence[Benefit], models: Sequence[str]) -> Option:
    """The option with the estimates that speak of it, and its medicines in their order."""
    medicines = tuple(
        replace(one, benefits=tuple(each for each in benefits if speaks_of(each, one))) for one in option.medicines
    )
    common = set.intersection(*(set(one.benefits) for one in medicines)) if len(medicines) > 1 else set[Benefit]()
    own = tuple(replace(one, benefits=tuple(each for each in one.benefits if each not in common)) for one in medicines)
    spoken = {each for one in own for each in one.benefits}
    whole = tuple(each for each in benefits if each in common or (each in option.benefits and each not in spoken))
    return replace(option, medicines=ranked(own, models), benefits=whole)


def speaks_of(benefit: Benefit, medicine: Medicine) -> bool:
    return is_one_of(codes_of(medicine.choice.order["medicationCodeableConcept"]), benefit.option)


def beyond(benefits: Sequence[Benefit], taken: Sequence[Option]) -> Iterator[tuple[str, Treatment, list[Benefit]]]:
    """(key, option, its estimates) of what effect models compare and no line of a guideline offers already; the key is
    the same for every version of a model. What has no codes is nothing given: compared with, never offered."""
    known = [codes_of(one.choice.order["medicationCodeableConcept"]) for option in taken for one in option.medicines]
    found: dict[tuple[str, ...], tuple[str, Treatment, list[Benefit]]] = {}
    for one in benefits:
        for treatment in (one.option, one.against):
            if not treatment.codes or any(is_one_of(codes, treatment) for codes in known):
                continue
            row = found.setdefault(treatment.codes, (f"{one.model.partition(' ')[0]}/{treatment.code}", treatment, []))
            row[2].extend([one] if treatment == one.option else [])
    yield from found.values()


def modelled(
    benefits: Sequence[Benefit], taken: Sequence[Option], background: Background, screens: Screens
) -> list[Option]:
    """The options of effect models that no pathway offers, their medicines screened each alone."""
    rows = list(beyond(benefits, taken))
    meant = [medicines_of(treatment.codes) for _, treatment, _ in rows]
    orders = [
        proposal(f"model-{at}-{place}", concept_of(one), background)
        for at, ingredients in enumerate(meant)
        for place, one in enumerate(ingredients[:MOST])
    ]
    told = screens.screen_each(orders)
    found = iter([choice(order, said) for order, said in zip(orders, told, strict=True)])
    return [
        Option(
            key,
            treatment.name,
            tuple(Medicine(next(found)) for _ in ingredients[:MOST]),
            benefits=tuple(own),
            more=max(len(ingredients) - MOST, 0),
        )
        for (key, treatment, own), ingredients in zip(rows, meant, strict=True)
    ]


def proposal(id: str, concept: Json, background: Background) -> Json:
    """A medicine as a proposal, in the patient's name; how much of it is the clinician's to say."""
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": concept,
        "subject": {"reference": f"Patient/{background.patient}"},
        "authoredOn": clock.instant(background.at),
    }


# orders in draft


def drafted(options: Sequence[Option], drafts: Sequence[Json], told: Told) -> tuple[list[Option], list[Option]]:
    """The options with the drafts that are of their medicines, and the drafts that are of none as options themselves.

    What was found for the draft, with its dose and beside the other drafts, takes the place of what was found without.
    """
    ready = [choice(dict(one) | {"medicationCodeableConcept": dict(medicine_of(one))}, told) for one in drafts]
    at: dict[frozenset[str], Choice] = {}
    for one in ready:
        if names_of(one):
            at.setdefault(names_of(one), one)
    held = [
        replace(option, medicines=tuple(with_draft(one, at.get(names_of(one.choice))) for one in option.medicines))
        for option in options
    ]
    taken = {names_of(one.choice) for option in options for one in option.medicines}
    left = [one for one in ready if names_of(one) not in taken or at[names_of(one)] is not one]
    return held, [
        Option(f"draft/{one.order['id']}", one.named, (Medicine(one, draft=f"MedicationRequest/{one.order['id']}"),))
        for one in left
    ]


def with_draft(medicine: Medicine, draft: Choice | None) -> Medicine:
    if draft is None:
        return medicine
    return replace(medicine, choice=draft, draft=f"MedicationRequest/{draft.order['id']}")


def names_of(one: Choice) -> frozenset[str]:
    """The ingredients of a medicine; none where not all of it is known, for then nothing is the same."""
    named = ingredients_in(one.order["medicationCodeableConcept"])
    return frozenset(each.name for each in named.ingredients) if named.known else frozenset()


def models_of(benefits: Sequence[Benefit]) -> list[str]:
    return list(dict.fromkeys(one.model for one in benefits))


def laid(
    ways: Sequence[Pathway],
    benefits: Sequence[Benefit],
    drafts: Sequence[Json],
    told: Told,
    background: Background,
    screens: Screens,
) -> tuple[tuple[Pathway, ...], tuple[Option, ...]]:
    """(pathways, other options), each with its layers and in its order."""
    models = models_of(benefits)
    of_lines = [option for way in ways for option in way.options]
    apart = modelled(benefits, of_lines, background, screens)
    every, alone = drafted([*of_lines, *apart], drafts, told)
    ready = {one.key: estimated(one, benefits, models) for one in (*every, *alone)}
    pathways_ = tuple(replace(way, options=lines([ready[one.key] for one in way.options])) for way in ways)
    return pathways_, without_line([ready[one.key] for one in (*apart, *alone)], models)
