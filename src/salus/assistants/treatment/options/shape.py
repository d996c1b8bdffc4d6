"""A medicine through the screen, an option with its medicines, and the card of one patient."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.behaviour import Behaviour
from salus.assistants.treatment.benefit import Benefit, Evidence
from salus.assistants.treatment.guidelines import Applied, Choice
from salus.assistants.treatment.guidelines.applying import Weighed, flat
from salus.assistants.treatment.options.answers import Answered
from salus.assistants.treatment.prescribing import Told
from salus.assistants.treatment.screen import Unchecked, summed

Json = dict[str, Any]
STRENGTH: tuple[Evidence, ...] = ("trial", "observational")  # the strongest first


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine with what the screen says of it (`choice`), what it is expected to do, and the draft that holds it."""

    choice: Choice
    benefits: tuple[Benefit, ...] = ()
    draft: str = ""

    @property
    def named(self) -> Name:
        return self.choice.named

    @property
    def held(self) -> bool:
        """Whether the screen asks for a decision before it."""
        return self.choice.rank == 2

    @property
    def plain(self) -> bool:
        """Whether nothing is said of it alone: no finding, no estimate, no draft."""
        return not (self.choice.findings or self.benefits or self.draft)

    @property
    def open(self) -> tuple[Name, ...]:
        """What was not looked at, in sentences."""
        return summed(self.choice.unchecked)


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be done: a line of a guideline (`line`), an option of an effect model, or an order in draft.

    `key` names it for one patient always and everywhere. `benefits`: estimates of the option as a whole, which hold for
    each of its medicines; those of one medicine stand with it. `more`: medicines of a class that are not listed.
    """

    key: str
    title: Name
    medicines: tuple[Medicine, ...]
    line: Weighed | None = None
    benefits: tuple[Benefit, ...] = ()
    protocol: str = ""
    answer: Answered | None = None
    more: int = 0

    @property
    def mark(self) -> str:
        """The key as a page's address within itself.

        >>> Option("draft/a 1", Name("", ""), ()).mark
        'o-draft-a-1'
        """
        return "o-" + re.sub("[^a-z0-9]+", "-", self.key.lower()).strip("-")

    @property
    def held(self) -> bool:
        """Whether the screen asks for a decision before each of its medicines."""
        return bool(self.medicines) and all(one.held for one in self.medicines)

    @property
    def allowed(self) -> tuple[Medicine, ...]:
        return tuple(one for one in self.medicines if not one.held)

    @property
    def plain(self) -> tuple[Medicine, ...]:
        """Medicines of which nothing is said but that they are there: listed together where they are several."""
        found = tuple(one for one in self.allowed if one.plain)
        return found if len(found) > 1 else ()

    @property
    def plain_open(self) -> tuple[Name, ...]:
        """What was not looked at for these, in sentences."""
        return summed(each for one in self.plain for each in one.choice.unchecked)

    @property
    def special(self) -> tuple[Medicine, ...]:
        """The other allowed ones, of each of which something is said."""
        return tuple(one for one in self.allowed if one not in self.plain)

    @property
    def apart(self) -> tuple[Medicine, ...]:
        return tuple(one for one in self.medicines if one.held)

    @property
    def estimates(self) -> tuple[Benefit, ...]:
        """All estimates, of the whole and of its medicines, each once."""
        return tuple(dict.fromkeys((*self.benefits, *(each for one in self.medicines for each in one.benefits))))

    @property
    def evidence(self) -> Evidence:
        """What stands behind it: an estimate that is told, else a guideline that cites its source, else nothing."""
        told = {one.evidence for one in self.estimates if one.refused is None}
        strongest = next((one for one in STRENGTH if one in told), None)
        return strongest or ("guideline" if self.line is not None and self.line.source else "none")


@dataclass(frozen=True, slots=True)
class Pathway:
    """A pathway with its options; `fault`: why it could not be applied, in the words of the error."""

    id: str
    title: Name
    options: tuple[Option, ...] = ()
    applied: Applied | None = None
    fault: str = ""

    @property
    def state(self) -> str:
        return self.applied.state if self.applied else "fault"

    @property
    def not_now(self) -> list[Weighed]:
        """Options that do not apply, of a pathway that does."""
        every = flat(self.applied.actions) if self.applied and self.state == "applies" else []
        return [one for one in every if one.state == "not" and one.medicine is None]


@dataclass(frozen=True, slots=True)
class Card:
    """`others`: options that no pathway offers. `told`: what the screen says of the orders in draft together.
    `earlier`: answers that stand, to options that are no longer offered. `faults`: layers that could not be
    asked. `behaviour`: what doctors did, apart from all of it."""

    patient: str
    at: datetime
    pathways: tuple[Pathway, ...]
    others: tuple[Option, ...]
    told: Told
    unread: tuple[Name, ...] = ()
    benefits: tuple[Benefit, ...] = ()
    earlier: tuple[Answered, ...] = ()
    faults: tuple[Name, ...] = ()
    behaviour: tuple[Behaviour, ...] = ()

    @property
    def about(self) -> tuple[Unchecked, ...]:
        """What was not looked at whatever is ordered: allergies that contradict each other or are not understood."""
        orders = ("MedicationRequest/", "MedicationStatement/")
        every = self.told.screening.unchecked
        return tuple(one for one in every if not any(each.startswith(orders) for each in one.orders))

    @property
    def options(self) -> tuple[Option, ...]:
        return (*(option for one in self.pathways for option in one.options), *self.others)

    @property
    def unchecked(self) -> tuple[Unchecked, ...]:
        """What was not looked at for any of the medicines, each once."""
        every = [*self.told.screening.unchecked, *(each for one in self.medicines for each in one.choice.unchecked)]
        return tuple({(one.about, one.why): one for one in every}.values())

    @property
    def open(self) -> tuple[Name, ...]:
        """The same in few sentences."""
        return summed(self.unchecked)

    @property
    def medicines(self) -> list[Medicine]:
        return [medicine for option in self.options for medicine in option.medicines]

    def option(self, key: str) -> Option | None:
        return next((one for one in self.options if one.key == key), None)
