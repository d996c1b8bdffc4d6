"""What may be ordered instead of an order in draft, and what is said of the draft itself: for CDS Hooks."""

from collections.abc import Iterable
from dataclasses import dataclass

from salus.assistants.treatment.options.ranking import BETTER, direction
from salus.assistants.treatment.options.shape import Card, Medicine, Option

MOST = 3  # alternatives that a card offers


@dataclass(frozen=True, slots=True)
class Instead:
    """A medicine of the same option as a draft, which the screen does not interrupt."""

    option: Option
    draft: Medicine
    medicine: Medicine


def of_draft(card: Card, reference: str) -> list[tuple[Option, Medicine]]:
    """The options that a draft stands in, with its place in each."""
    return [(option, one) for option in card.options for one in option.medicines if one.draft == reference]


def instead(card: Card, reference: str) -> list[Instead]:
    """What may be ordered instead, in the order of the card, each medicine once; none that is in draft itself."""
    found: dict[str, Instead] = {}
    for option, draft in of_draft(card, reference):
        for one in others(option, draft):
            found.setdefault(one.named.en, Instead(option, draft, one))
    return list(found.values())[:MOST]


def others(option: Option, draft: Medicine) -> Iterable[Medicine]:
    return (one for one in option.allowed if not one.draft and one is not draft)


def better(card: Card, reference: str) -> list[Instead]:
    """Of these, those whose estimates leave no doubt that they are better."""
    return [one for one in instead(card, reference) if direction(one.medicine.benefits) == BETTER]


def spoken_of(card: Card, references: Iterable[str]) -> list[tuple[Option, Medicine]]:
    """The drafts of which a guideline or an estimate says something, each with its option."""
    found = [each for reference in references for each in of_draft(card, reference)]
    return [(option, one) for option, one in found if option.line is not None or option.benefits or one.benefits]
