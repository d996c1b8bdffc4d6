"""What was missed, asked again at growing intervals: when each card is due follows from all that was answered.

The schedule is FSRS (https://github.com/open-spaced-repetition/py-fsrs). It is worked out anew from the answers, which
are the record; nothing else is kept, so that nothing can disagree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fsrs import Card, Rating, Scheduler

from salus.assistants.cases.quizzes.marks import marks, missed
from salus.assistants.cases.quizzes.script import Concept, Script
from salus.assistants.cases.quizzes.sitting import Sitting
from salus.base.errors import Invalid

RATINGS = ("again", "hard", "good", "easy")
SCHEDULE = Scheduler(enable_fuzzing=False)  # the same answers give the same day


@dataclass(frozen=True, slots=True)
class Review:
    """One answer of a learner to one card."""

    id: str
    case: str
    concept: str
    rating: str
    learner: str
    at: datetime

    def __post_init__(self) -> None:
        if self.rating not in RATINGS:
            raise Invalid(f"'{self.rating}' is no answer to a card: one of {', '.join(RATINGS)}", path="rating")


@dataclass(frozen=True, slots=True)
class Due:
    """A card: the concept, the day it is asked again, and how likely it is remembered today (None: never asked)."""

    script: Script
    concept: Concept
    at: datetime
    remembered: float | None
    asked: int


def cards(
    sittings: Iterable[Sitting], reviews: Iterable[Review], scripts: Mapping[str, Script], now: datetime
) -> list[Due]:
    """One learner's cards, the longest due first. Cases that are no longer there are not asked."""
    asked = sorted(reviews, key=lambda one: (one.at, one.id))
    found = []
    for script, concept, since in begun(sittings, scripts).values():
        own = [one for one in asked if (one.case, one.concept) == (script.id, concept.id)]
        card = Card(card_id=0, due=since)
        for one in own:
            card, _ = SCHEDULE.review_card(card, Rating(RATINGS.index(one.rating) + 1), one.at)
        remembered = SCHEDULE.get_card_retrievability(card, now) if own else None
        found.append(Due(script, concept, card.due, remembered, len(own)))
    return sorted(found, key=lambda one: (one.at, one.script.id, one.concept.id))


def begun(
    sittings: Iterable[Sitting], scripts: Mapping[str, Script]
) -> dict[tuple[str, str], tuple[Script, Concept, datetime]]:
    """Each concept that was missed, since the first time that it was."""
    found: dict[tuple[str, str], tuple[Script, Concept, datetime]] = {}
    for one in sorted(sittings, key=lambda one: one.ended):
        script = scripts.get(one.case)
        if one.finished and script:
            for concept in missed(script, marks(one, script)):
                found.setdefault((script.id, concept.id), (script, concept, one.ended))
    return found
