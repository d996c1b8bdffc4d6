"""The options that apply, each medicine of them through the safety screen.

Options stay in the order of the guideline but for those whose every medicine has a finding that asks for a decision:
these come last. Medicines of one option stand by what the screen says. No number is made of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from salus.assistants.suggestion import Name
from salus.assistants.treatment.guidelines.applying import Applied, Weighed
from salus.assistants.treatment.guidelines.background import Background
from salus.assistants.treatment.guidelines.facts import medicine_named
from salus.assistants.treatment.prescribing import Told
from salus.assistants.treatment.screen import Finding, Unchecked
from salus.base import clock

Json = dict[str, Any]


class Screens(Protocol):
    """What screens several orders of one patient, each alone: `prescribing.Sitting`."""

    def screen_each(self, proposed: Iterable[Json]) -> list[Told]: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A medicine: as a proposed order, by name, and what the screen says of it and did not look at."""

    order: Json
    named: Name
    told: Told
    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]

    @property
    def rank(self) -> int:
        """0: nothing found, 1: something to know, 2: something that asks for a decision."""
        if any(self.told.interrupts(one) for one in self.findings):
            return 2
        return 1 if self.findings else 0


@dataclass(frozen=True, slots=True)
class Offered:
    """An option that applies, with its medicines, the safest first; advice has none."""

    option: Weighed
    choices: tuple[Choice, ...]

    @property
    def held_back(self) -> bool:
        """Whether every medicine of it has a finding that asks for a decision."""
        return bool(self.choices) and all(one.rank == 2 for one in self.choices)


def offered(applied: Applied, background: Background, screens: Screens) -> list[Offered]:
    """What the plan offers, ranked inside what safety allows."""
    options = list(options_in(applied.actions))
    wanted = [medicine for option in options for medicine in medicines(option)]
    orders = [order(one, background, place) for place, one in enumerate(wanted, start=1)]
    told = screens.screen_each(orders)
    found = iter([choice(one, said) for one, said in zip(orders, told, strict=True)])
    ready = [
        Offered(option, tuple(sorted((next(found) for _ in medicines(option)), key=lambda one: one.rank)))
        for option in options
    ]
    return sorted(ready, key=lambda one: one.held_back)


def options_in(actions: tuple[Weighed, ...]) -> Iterator[Weighed]:
    """What applies and is one option: advice, a choice of medicines, or a medicine that stands by itself."""
    for one in actions:
        if one.state != "applies":
            continue
        if one.medicines or not one.action.get("action"):
            yield one
        yield from options_in(tuple(each for each in one.within if each.medicine is None))


def medicines(option: Weighed) -> tuple[Weighed, ...]:
    if option.medicine is not None:
        return (option,)
    return tuple(one for one in option.medicines if one.state == "applies")


def order(weighed: Weighed, background: Background, place: int) -> Json:
    """The medicine as a proposal, in the patient's name."""
    definition: Mapping[str, Any] = weighed.medicine or {}
    return {
        "resourceType": "MedicationRequest",
        "id": f"medicine-{place}",
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": definition["productCodeableConcept"],
        "subject": {"reference": f"Patient/{background.patient}"},
        "authoredOn": clock.instant(background.at),
        **({"dosageInstruction": definition["dosage"]} if "dosage" in definition else {}),
    }


def choice(order: Json, told: Told) -> Choice:
    """What was said about this order; what the screen finds among the medicines already taken stands elsewhere."""
    mine = f"MedicationRequest/{order['id']}"
    findings = tuple(one for one in told.screening.findings if mine in one.orders)
    unchecked = tuple(one for one in told.screening.unchecked if mine in one.orders or not one.orders)
    return Choice(order, medicine_named(order["medicationCodeableConcept"]), told, findings, unchecked)
