"""The order among what safety and guidelines allow. Each rule only breaks the ties of the one before; no number is made
of several.

What the screen interrupts stands apart. Then lines stand as their guideline has them. Medicines of one line, and
options without a guideline, stand by expected benefit where an estimate leaves no doubt about its direction; estimates
of two models are estimates of two things and are not compared.
"""

from collections.abc import Sequence

from salus.assistants.treatment.benefit import Benefit
from salus.assistants.treatment.options.shape import Medicine, Option

BETTER, UNTOLD, WORSE = 0, 1, 2


def direction(benefits: Sequence[Benefit]) -> int:
    """Whether the estimates leave no doubt that it is better, or worse; of two that disagree neither is followed."""
    known = {one.better for one in benefits if one.better is not None}
    if len(known) != 1:
        return UNTOLD
    return BETTER if known == {True} else WORSE


def gains(benefits: Sequence[Benefit], models: Sequence[str]) -> tuple[int, float]:
    """(which model, how much less good) of the first sure estimate; nothing where they disagree."""
    for one in benefits if direction(benefits) != UNTOLD else ():
        if one.better is not None and one.difference is not None:
            return models.index(one.model), -abs(one.difference.value) if one.better else abs(one.difference.value)
    return len(models), 0.0


def ranked(medicines: Sequence[Medicine], models: Sequence[str]) -> tuple[Medicine, ...]:
    """The medicines of one line: what is interrupted last; the others by benefit, then what nothing was found of."""
    return tuple(
        sorted(
            medicines,
            key=lambda one: (
                one.held,
                direction(one.benefits),
                gains(one.benefits, models),
                bool(one.choice.findings),
            ),
        )
    )


def lines(options: Sequence[Option]) -> tuple[Option, ...]:
    """Lines of one pathway: as the guideline has them, what is interrupted apart at the end."""
    return tuple(sorted(options, key=lambda one: one.held))


def without_line(options: Sequence[Option], models: Sequence[str]) -> tuple[Option, ...]:
    return tuple(sorted(options, key=lambda one: (one.held, direction(one.estimates), gains(one.estimates, models))))
