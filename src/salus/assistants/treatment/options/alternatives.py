"""What may be ordered instead of an order in draft, and what is said of the draft: for CDS Hooks and the form."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from salus.assistants.treatment.benefit import Benefit
from salus.assistants.treatment.options.matching import codes_of, is_one_of
from salus.assistants.treatment.options.ranking import BETTER, direction
from salus.assistants.treatment.options.shape import Card, Medicine, Option

MOST = 3  # alternatives that a card offers


@dataclass(frozen=True, slots=True)
class Instead:
    """A medicine that the screen does not interrupt: of the same option as a draft, or of one that was compared with
    the draft and is surely better (`compared`)."""

    option: Option
    draft: Medicine
    medicine: Medicine
    compared: bool = False


def of_draft(card: Card, reference: str) -> list[tuple[Option, Medicine]]:
    """The options that a draft stands in, with its place in each."""
    return [(option, one) for option in card.options for one in option.medicines if one.draft == reference]


def against(card: Card, draft: Medicine) -> tuple[Benefit, ...]:
    """The estimates of other options that were compared with the medicine of a draft."""
    codes = codes_of(draft.choice.order["medicationCodeableConcept"])
    return tuple(one for one in card.benefits if is_one_of(codes, one.against))


def instead(card: Card, reference: str) -> list[Instead]:
    """What may be ordered instead, each medicine once: what is surely better first, then the others of the same option
    in the order of the card; none that is in draft itself."""
    found: dict[str, Instead] = {}
    for option, draft in of_draft(card, reference):
        for one in (*rivals(card, draft), *(Instead(option, draft, each) for each in others(option))):
            found.setdefault(one.medicine.named.en, one)
    return list(found.values())[:MOST]


def others(option: Option) -> Iterable[Medicine]:
    return (one for one in option.allowed if not one.draft)


def rivals(card: Card, draft: Medicine) -> Iterator[Instead]:
    """The allowed medicines of options that are surely better than the draft."""
    better = {one for one in against(card, draft) if one.better}
    for option in card.options:
        for one in others(option):
            if better & {*option.benefits, *one.benefits}:
                yield Instead(option, draft, one, compared=True)


def better(card: Card, reference: str) -> list[Instead]:
    """Of these, those whose estimates leave no doubt that they are better."""
    return [one for one in instead(card, reference) if one.compared or direction(one.medicine.benefits) == BETTER]


def spoken_of(card: Card, references: Iterable[str]) -> list[tuple[Option, Medicine]]:
    """The drafts of which a guideline or an estimate says something, each with its option."""
    found = [each for reference in references for each in of_draft(card, reference)]
    return [
        (option, one)
        for option, one in found
        if option.line is not None or option.benefits or one.benefits or against(card, one)
    ]


def estimates_of(card: Card, option: Option, draft: Medicine) -> tuple[Benefit, ...]:
    """Of the draft, and of what was compared with it."""
    return tuple(dict.fromkeys((*option.benefits, *draft.benefits, *against(card, draft))))
