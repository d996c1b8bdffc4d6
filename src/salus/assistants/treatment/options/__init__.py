"""The treatment card: what may be done for one patient, in layers that stand beside each other and are never added up.

    shape.py        a medicine through the screen, an option with its medicines, the card of a patient
    matching.py     which medicines an effect model speaks of
    ranking.py      the order among what safety and guidelines allow
    laying.py       the card from guidelines, the screen, estimates of benefit and the orders in draft
    telling.py      how an estimate is said, in both languages
    answers.py      accepted, changed or refused, as a record
    service.py      all of it beside one patient, for the pages and for CDS Hooks

Knows what the layers say; must not know how a rule, a pathway or a model comes to it.
"""

from salus.assistants.treatment.options.answers import Answered, Said
from salus.assistants.treatment.options.service import Treatment
from salus.assistants.treatment.options.shape import Card, Medicine, Option, Pathway

__all__ = ["Answered", "Card", "Medicine", "Option", "Pathway", "Said", "Treatment"]
